//! What every page needs: the store, the directory as it is known now, who the people are, what may be shown. It reads;
//! nothing in the pages writes.

use std::{collections::HashMap, fmt, sync::Arc};

use chrono::{DateTime, Utc};
use dealtrail_sdk::Clock;

use super::{
    session::Door,
    words::{Here, When, clean},
};
use crate::{
    config::{Config, Level, Sharing},
    domain::{
        directory::{Deal, Directory},
        reports::{
            credit::{Happened, Sighting},
            grouping::Grouping,
        },
        thresholds::GapSettings,
        working::WorkCalendar,
    },
    store::{Store, StoreError, activities::Stored, lists::ShownSighting},
};

/// What the pages ask of the running program. `src/app.rs` answers with the engine, which the pages do not know.
pub trait Running: fmt::Debug + Send + Sync {
    /// What the CRM knows now.
    fn directory(&self) -> Arc<Directory>;
    /// The organisation's.
    fn calendar(&self) -> &WorkCalendar;
    /// Of users, by folded email.
    fn calendars(&self) -> &HashMap<String, WorkCalendar>;
    fn thresholds(&self) -> &GapSettings;
}

/// What whoever starts the pages gives them.
#[derive(Debug)]
pub struct Given<'a> {
    pub config: &'a Config,
    pub store: Store,
    pub clock: Arc<dyn Clock>,
    pub running: Arc<dyn Running>,
}

#[derive(Debug)]
pub struct Desk {
    pub store: Store,
    pub door: Door,
    pub grouping: Grouping,
    organization: String,
    clock: Arc<dyn Clock>,
    running: Arc<dyn Running>,
    sharing: Sharing,
    /// Of shared mailboxes.
    members: HashMap<String, Vec<String>>,
}

/// What stands around every page.
#[derive(Clone, Debug)]
pub struct Frame {
    pub title: String,
    /// The part of the app the page belongs to.
    pub part: &'static str,
    pub organization: String,
    pub as_of: Option<When>,
}

impl Frame {
    /// For pages that know nothing of the company: before the sign-in, and when something broke.
    pub fn bare(title: &str) -> Self {
        Self { title: title.to_owned(), part: "", organization: String::new(), as_of: None }
    }
}

impl Desk {
    pub fn new(given: Given<'_>, door: Door) -> Self {
        let config = given.config;
        let fold = |m: &String| crate::domain::address::fold(m, &config.matching.subaddress);
        Self {
            store: given.store,
            door,
            grouping: Grouping::of(config.privacy.no_ranking, config.privacy.works_council),
            organization: clean(&config.organization.name),
            clock: given.clock,
            running: given.running,
            sharing: Sharing::of(config),
            members: config
                .connections
                .iter()
                .filter(|c| c.shared)
                .map(|c| (c.name.clone(), c.members.iter().filter_map(fold).collect()))
                .collect(),
        }
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    pub fn here(&self) -> Here {
        Here { zone: self.calendar().zone, now: self.now() }
    }

    pub fn calendar(&self) -> &WorkCalendar {
        self.running.calendar()
    }

    pub fn calendars(&self) -> &HashMap<String, WorkCalendar> {
        self.running.calendars()
    }

    pub fn thresholds(&self) -> &GapSettings {
        self.running.thresholds()
    }

    pub fn directory(&self) -> Arc<Directory> {
        self.running.directory()
    }

    /// # Errors
    /// When the database fails.
    pub async fn frame(&self, title: &str, part: &'static str) -> Result<Frame, StoreError> {
        let as_of = self.store.as_of().await?.map(|at| self.here().when(at));
        Ok(Frame { title: clean(title), part, organization: self.organization.clone(), as_of })
    }

    /// What may be shown of an activity: the strictest of the mailboxes that hold it.
    pub fn level(&self, sightings: &[ShownSighting]) -> Level {
        self.sharing.level(sightings.iter().map(|s| s.connection.as_str()))
    }

    /// With what counting needs.
    pub fn happened(&self, all: Vec<(Stored, Vec<ShownSighting>)>) -> Vec<(Happened, Stored, Level)> {
        all.into_iter()
            .map(|(stored, sightings)| {
                let level = self.level(&sightings);
                let seen =
                    |s: ShownSighting| Sighting { members: self.members.get(&s.connection).cloned(), owner: s.owner };
                let happened = Happened {
                    activity: stored.activity.clone(),
                    all_day: stored.all_day,
                    thread: stored.thread.clone(),
                    sightings: sightings.into_iter().map(seen).collect(),
                    times: 1,
                };
                (happened, stored, level)
            })
            .collect()
    }
}

/// The name of a user, else the address.
pub fn person(directory: &Directory, email: &str) -> String {
    let name = directory.user(email).map(|u| u.name.as_str()).filter(|n| !n.is_empty());
    clean(name.unwrap_or(email))
}

pub fn deal_name(directory: &Directory, id: &str) -> String {
    clean(directory.deals.get(id).map_or(id, |d| d.name.as_str()))
}

pub fn company_name(directory: &Directory, deal: &Deal) -> Option<String> {
    deal.company.as_deref().and_then(|id| directory.companies.get(id)).map(|c| clean(&c.name))
}

pub fn stage_name(directory: &Directory, id: &str) -> String {
    clean(directory.stages.get(id).map_or(id, |s| s.name.as_str()))
}
