//! `report today`: what a rep sees first.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::TryFutureExt as _;

use super::Asked;
use crate::{
    config::{Level, Sharing},
    domain::{
        activity::Entity,
        gaps::{Finding, State},
        reports::{
            Table,
            today::{self, Told},
        },
    },
    store::{activities::Stored, lists::ShownSighting},
};

impl Asked<'_> {
    pub(super) async fn today(&self) -> anyhow::Result<Table> {
        let store = &self.app.store;
        let (calendar, calendars) = (self.range.calendar, &self.app.engine.rules.calendars);
        let when = today::When { day: self.day, calendar, calendars, now: self.now };
        let users = today::users(self.directory, &self.scope, self.now);
        let (from, to) = when.span(&users);
        let special = self.special(to);
        let owner = self.scope.rep.as_deref().and_then(|rep| self.directory.user(rep));
        let owners: Option<Vec<String>> = owner.map(|user| user.aliases.iter().chain([&user.email]).cloned().collect());
        // they wait for nothing of each other
        let (pace, happened, items, findings) = tokio::try_join!(
            self.pace(),
            store.of_days((from, to), &special).map_err(Into::into),
            store.skipped_items(from, to).map_err(Into::into),
            self.shown(owners.as_deref()),
        )?;
        let meetings = today::meetings(&happened, &users, self.directory, &when);
        let tells = today::tells_of(&findings, self.directory).into_iter().chain(meetings.iter().cloned());
        let told = self.told(tells.collect()).await?;
        let meetings = || meetings.iter().filter_map(|id| told.get(id)).map(|t| &t.activity);
        let ids = |of: Entity| meetings().flat_map(move |a| a.ids(of)).map(str::to_owned).collect::<Vec<_>>();
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
        Ok(today::report(&today::Input {
            directory: self.directory,
            findings: &findings,
            gaps: &gaps,
            happened: &happened,
            items: &items,
            heard: &heard,
            told: &told,
            pace: &pace,
            when,
            on: self.range.to,
            scope: self.scope.clone(),
        }))
    }

    /// The open findings of these owners, or all, that a page shows.
    async fn shown(&self, owners: Option<&[String]>) -> anyhow::Result<Vec<Finding>> {
        let open = self.app.store.weighed(&[State::Open], owners).await?;
        Ok(self.app.store.findings_by_ids(&today::shows_of(&open, self.directory)).await?)
    }

    /// What these activities were about and who took part. On a rep's own page whoever looks took part; others see of each what
    /// the strictest of its mailboxes and calendars shares.
    async fn told(&self, ids: Vec<String>) -> anyhow::Result<HashMap<String, Told>> {
        let sharing = Sharing::of(&self.app.config);
        let own = self.scope.rep.is_some();
        let all = self.app.store.with_sightings(self.app.store.activities_by_ids(&ids).await?).await?;
        let one = |(stored, sightings): (Stored, Vec<ShownSighting>)| {
            let level = sharing.level(sightings.iter().map(|s| s.connection.as_str()));
            let may_know = own || level >= Level::Subject;
            let title = stored.subject.filter(|_| may_know);
            (stored.activity.id.clone(), Told { title, activity: stored.activity })
        };
        Ok(all.into_iter().map(one).collect())
    }
}
