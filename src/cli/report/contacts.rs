//! The reports about contacts: `leads`, `segments`.

use super::Asked;
use crate::domain::{
    directory::Contact,
    reports::{Table, leads, segments},
};

impl Asked<'_> {
    pub(super) async fn leads(&self) -> anyhow::Result<Table> {
        // who was in the CRM before these days is no lead of theirs, whatever came first
        let start = self.range.start();
        let late = |c: &Contact| c.created_at.is_none_or(|at| at >= start);
        let contacts = &self.directory.contacts;
        let new = |id: &str| contacts.get(self.directory.survivor(id)).is_some_and(late);
        let ids: Vec<String> = contacts.keys().filter(|id| new(id)).cloned().collect();
        let activities = self.app.store.firsts(&ids, self.now).await?;
        Ok(leads::report(&leads::Input {
            directory: self.directory,
            activities: &activities,
            range: self.range.clone(),
            scope: self.scope.clone(),
            now: self.now,
        }))
    }

    pub(super) async fn segments(&self) -> anyhow::Result<Table> {
        let then = self.now.min(self.range.end());
        let traffic = self.app.store.traffic(then, None).await?;
        Ok(segments::report(&segments::Input {
            directory: self.directory,
            traffic: &traffic,
            range: self.range.clone(),
            scope: self.scope.clone(),
            then,
            after: self.app.config.reports.silent_after,
        }))
    }
}
