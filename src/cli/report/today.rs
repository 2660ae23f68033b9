//! `report today`: what a rep sees first.

use std::collections::HashMap;

use chrono::TimeDelta;

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
        // the day and the one before it, in whatever zone the rep works
        let (from, to) = (self.range.start() - TimeDelta::days(2), self.range.end() + TimeDelta::days(1));
        let special = self.special(to);
        let (happened, items) = (store.of_days((from, to), &special).await?, store.skipped_items(from, to).await?);
        let meetings = || happened.iter().map(|h| &h.activity).filter(|a| a.kind == Kind::Meeting);
        let ids = |of: Entity| meetings().flat_map(move |a| a.ids(of)).map(str::to_owned).collect::<Vec<_>>();
        let traffic = store.traffic(self.now, Some(&ids(Entity::Contact))).await?;
        let (gaps, pace) = (store.open_on(&ids(Entity::Deal)).await?, self.pace().await?);
        let owner = self.scope.rep.as_deref().and_then(|rep| self.directory.user(rep));
        let owners: Option<Vec<String>> = owner.map(|user| user.aliases.iter().chain([&user.email]).cloned().collect());
        let findings = store.open_findings(owners.as_deref()).await?;
        let told = self.told(today::tells_of(&happened, &findings, self.directory).into_iter().collect()).await?;
        Ok(today::report(&today::Input {
            directory: self.directory,
            findings: &findings,
            gaps: &gaps,
            happened: &happened,
            items: &items,
            traffic: &traffic,
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
