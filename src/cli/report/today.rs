//! `report today`: what a rep sees first.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::TryFutureExt as _;

use super::Asked;
use crate::{
    config::{Level, Sharing},
    domain::{
        activity::Entity,
        directory::User,
        gaps::Finding,
        reports::{
            Table,
            credit::Happened,
            today::{self, Told},
        },
    },
    store::{activities::Stored, lists::ShownSighting},
};

/// What is known of the days that pages show.
struct Days {
    happened: Vec<Happened>,
    /// The meetings on them.
    told: HashMap<String, Told>,
    /// When anything happened with the contacts of these meetings, by contact.
    heard: HashMap<String, Vec<DateTime<Utc>>>,
    /// How many gaps are open on each of their deals.
    gaps: HashMap<String, u64>,
}

impl Asked<'_> {
    pub(super) async fn today(&self) -> anyhow::Result<Table> {
        let (calendar, calendars) = (self.range.calendar, &self.app.engine.rules.calendars);
        let when = today::When { day: self.day, calendar, calendars, now: self.now };
        let users = today::users(self.directory, &self.scope, self.now);
        let (from, to) = when.span(&users);
        let owner = self.scope.rep.as_deref().and_then(|rep| self.directory.user(rep));
        let owners: Option<Vec<String>> = owner.map(|user| user.aliases.iter().chain([&user.email]).cloned().collect());
        // they wait for nothing of each other
        let (pace, items, days, (findings, mut told)) = tokio::try_join!(
            self.pace(),
            self.app.store.skipped_items(from, to).map_err(Into::into),
            self.days(&when, &users),
            self.shown(owners.as_deref()),
        )?;
        told.extend(days.told);
        Ok(today::report(&today::Input {
            directory: self.directory,
            findings: &findings,
            gaps: &days.gaps,
            happened: &days.happened,
            items: &items,
            heard: &days.heard,
            told: &told,
            pace: &pace,
            when,
            on: self.range.to,
            scope: self.scope.clone(),
        }))
    }

    async fn days(&self, when: &today::When<'_>, users: &[&User]) -> anyhow::Result<Days> {
        let store = &self.app.store;
        let (from, to) = when.span(users);
        let happened = store.of_days((from, to), &self.special(to)).await?;
        let meetings = today::meetings(&happened, users, self.directory, when);
        let told = self.told(meetings.into_iter().collect()).await?;
        let ids =
            |of: Entity| told.values().flat_map(move |t| t.activity.ids(of)).map(str::to_owned).collect::<Vec<_>>();
        let (contacts, deals) = (ids(Entity::Contact), ids(Entity::Deal));
        let (before, moments, gaps) = tokio::try_join!(
            store.traffic(from - TimeDelta::milliseconds(1), Some(&contacts)),
            store.moments((from, self.now), &contacts),
            store.open_on(&deals),
        )?;
        let mut heard: HashMap<String, Vec<DateTime<Utc>>> = HashMap::new();
        let before = before.into_iter().filter_map(|t| Some((t.contact, t.last_in.max(t.last_out)?)));
        for (contact, at) in before.chain(moments) {
            heard.entry(contact).or_default().push(at);
        }
        Ok(Days { happened, told, heard, gaps })
    }

    /// The open findings of these owners, or all, that a page shows, and the activities that tell whom they are about.
    async fn shown(&self, owners: Option<&[String]>) -> anyhow::Result<(Vec<Finding>, HashMap<String, Told>)> {
        let store = &self.app.store;
        let findings = store.shown(owners, &today::LISTS.map(|(_, rule)| rule), today::SUGGESTIONS).await?;
        let told = self.told(today::tells_of(&findings, self.directory).into_iter().collect()).await?;
        Ok((findings, told))
    }

    /// What these activities were about and who took part. On a rep's own page whoever looks took part; others see of each what
    /// the strictest of its mailboxes and calendars shares.
    async fn told(&self, ids: Vec<String>) -> anyhow::Result<HashMap<String, Told>> {
        let (store, sharing) = (&self.app.store, Sharing::of(&self.app.config));
        let found = store.activities_by_ids(&ids).await?;
        let told = |stored: Stored, shared: bool| {
            let title = stored.subject.filter(|_| shared);
            (stored.activity.id.clone(), Told { title, activity: stored.activity })
        };
        // who holds an activity decides nothing where nobody keeps subjects to themselves
        if self.scope.rep.is_some() || sharing.least() >= Level::Subject {
            return Ok(found.into_iter().map(|stored| told(stored, true)).collect());
        }
        let held = store.with_sightings(found).await?;
        let level = |by: &[ShownSighting]| sharing.level(by.iter().map(|s| s.connection.as_str()));
        Ok(held.into_iter().map(|(stored, by)| told(stored, level(&by) >= Level::Subject)).collect())
    }
}
