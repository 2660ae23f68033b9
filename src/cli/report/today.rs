//! `report today`: what a rep sees first.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::TryFutureExt as _;

use super::Asked;
use crate::{
    config::{Level, Sharing},
    domain::{
        activity::{Entity, Kind},
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
        // the day and the one before it, in whatever zone the rep works: there it may be yesterday still, or tomorrow
        let (from, to) = (self.range.start() - TimeDelta::days(3), self.range.end() + TimeDelta::days(2));
        let (special, span) = (self.special(to), (from, to));
        let owner = self.scope.rep.as_deref().and_then(|rep| self.directory.user(rep));
        let owners: Option<Vec<String>> = owner.map(|user| user.aliases.iter().chain([&user.email]).cloned().collect());
        // they wait for nothing of each other
        let (pace, happened, items, findings) = tokio::try_join!(
            self.pace(),
            store.of_days(span, &special).map_err(Into::into),
            store.skipped_items(from, to).map_err(Into::into),
            store.open_findings(owners.as_deref()).map_err(Into::into),
        )?;
        let meetings = || happened.iter().map(|h| &h.activity).filter(|a| a.kind == Kind::Meeting);
        let ids = |of: Entity| meetings().flat_map(move |a| a.ids(of)).map(str::to_owned).collect::<Vec<_>>();
        let (contacts, deals) = (ids(Entity::Contact), ids(Entity::Deal));
        let (before, moments, gaps, told) = tokio::try_join!(
            store.traffic(from - TimeDelta::milliseconds(1), Some(&contacts)).map_err(Into::into),
            store.moments((from, self.now), &contacts).map_err(Into::into),
            store.open_on(&deals).map_err(Into::into),
            self.told(today::tells_of(&happened, &findings, self.directory).into_iter().collect()),
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
            day: self.day,
            told: &told,
            pace: &pace,
            calendars: &self.app.engine.rules.calendars,
            range: self.range.clone(),
            scope: self.scope.clone(),
            now: self.now,
        }))
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
            (stored.activity.id, Told { title, people: stored.activity.participants })
        };
        Ok(all.into_iter().map(one).collect())
    }
}
