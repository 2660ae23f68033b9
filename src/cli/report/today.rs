//! `report today`: what a rep sees first.

use std::collections::HashMap;

use chrono::TimeDelta;

use super::Asked;
use crate::domain::reports::{Table, today};

impl Asked<'_> {
    pub(super) async fn today(&self) -> anyhow::Result<Table> {
        let store = &self.app.store;
        // the day and the one before it, in whatever zone the rep works
        let (from, to) = (self.range.start() - TimeDelta::days(2), self.range.end() + TimeDelta::days(1));
        let members: HashMap<String, Vec<String>> = self.members();
        let (happened, items) = (store.happened(from, to, &members).await?, store.decided_items(from, to).await?);
        let (traffic, pace) = (store.traffic(self.now).await?, self.pace().await?);
        let findings = store.open_findings().await?;
        Ok(today::report(&today::Input {
            directory: self.directory,
            findings: &findings,
            happened: &happened,
            items: &items,
            traffic: &traffic,
            pace: &pace,
            calendars: &self.app.engine.rules.calendars,
            range: self.range.clone(),
            scope: self.scope.clone(),
            now: self.now,
        }))
    }
}
