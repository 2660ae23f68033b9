//! The reports that count what reps did: `activity`, `funnel`, `pace`, `targets`. One reading, so that they can never disagree.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, TimeDelta, Utc};

use super::{super::lists::fold, Asked};
use crate::{
    domain::{
        conversations,
        reports::{
            Table,
            activity::{self, QuoteRow},
            cohorts,
            credit::{Happened, has_left},
            funnel,
            journey::{self, Journey},
            money::Worth,
            pace::{self, Goals, Target},
            targets::{self, Asks, Quota},
        },
    },
    store::counted::Special,
};

/// What counting needs from the store.
pub(super) struct Ledger {
    happened: Vec<Happened>,
    /// `None`: they are among the others.
    talks: Option<Vec<Happened>>,
    quotes: Vec<QuoteRow>,
}

impl Asked<'_> {
    /// Between the first and the last of these moments; each activity counts in one of the spans between them. Which they are is
    /// read only when somebody asks what stands behind a number.
    pub(super) async fn ledger(&self, cuts: &[DateTime<Utc>]) -> anyhow::Result<Ledger> {
        let (Some(from), Some(to)) = (cuts.first().copied(), cuts.last().copied()) else {
            return Ok(Ledger { happened: Vec::new(), talks: None, quotes: Vec::new() });
        };
        let (store, before, day) = (&self.app.store, from - conversations::RECENT, TimeDelta::days(1));
        let quotes = store.quotes(from - day, to + day).await?;
        if self.opens {
            let happened = store.happened(before, to, &self.members()).await?;
            return Ok(Ledger { happened, talks: None, quotes });
        }
        let left = self.directory.ours.users.iter().filter(|u| has_left(u, to)).map(|u| u.email.clone());
        let special = Special { members: self.members(), left: left.collect() };
        let mut happened = Vec::new();
        // whole days stand at midnight UTC of their date, which may lie on the other side of an end
        let (first, last) = (from - day, to + day);
        let ends: Vec<_> = std::iter::once(first).chain(cuts.iter().copied()).chain([last]).collect();
        for span in ends.windows(2) {
            happened.extend(store.counted((span[0], span[1]), self.now, &special).await?);
        }
        Ok(Ledger { happened, talks: Some(store.talks((before, to), &special).await?), quotes })
    }

    /// Of shared mailboxes, by connection.
    pub(super) fn members(&self) -> HashMap<String, Vec<String>> {
        let shared = self.app.config.connections.iter().filter(|c| c.shared);
        shared.map(|c| (c.name.clone(), c.members.iter().map(|m| fold(self.app, m)).collect())).collect()
    }

    pub(super) fn counted<'l>(&'l self, ledger: &'l Ledger) -> activity::Input<'l> {
        activity::Input {
            directory: self.directory,
            happened: &ledger.happened,
            talks: ledger.talks.as_ref().unwrap_or(&ledger.happened),
            quotes: &ledger.quotes,
            range: self.range.clone(),
            scope: self.scope.clone(),
            minutes: activity::Minutes::default(),
            now: self.now,
        }
    }

    pub(super) async fn activity(&self) -> anyhow::Result<Table> {
        let ledger = self.ledger(&[self.range.start(), self.range.end()]).await?;
        Ok(activity::report(&self.counted(&ledger)))
    }

    pub(super) async fn funnel(&self) -> anyhow::Result<Table> {
        let ledger = self.ledger(&[self.range.start(), self.range.end()]).await?;
        Ok(funnel::report(&self.counted(&ledger)))
    }

    pub(super) async fn cohorts(&self) -> anyhow::Result<Table> {
        let journeys = self.journeys().await?;
        Ok(cohorts::report(&cohorts::Input {
            directory: self.directory,
            journeys: &journeys,
            range: self.range.clone(),
            scope: self.scope.clone(),
        }))
    }

    /// The way of every deal until now.
    pub(super) async fn journeys(&self) -> anyhow::Result<BTreeMap<String, Journey>> {
        let touches = self.app.store.touches(self.now).await?;
        Ok(journey::journeys(self.directory, &touches, &self.directory.quotes))
    }

    pub(super) async fn pace(&self) -> anyhow::Result<Table> {
        let targets = self.goals();
        let calendar = self.range.calendar;
        let periods = targets.iter().map(|t| t.per.around(self.range.to));
        let mut cuts: Vec<_> = periods.flat_map(|(from, to)| [calendar.start_of(from), calendar.end_of(to)]).collect();
        cuts.sort_unstable();
        cuts.dedup();
        let ledger = self.ledger(&cuts).await?;
        let calendars = &self.app.engine.rules.calendars;
        Ok(pace::report(&self.counted(&ledger), &Goals { targets: &targets, calendars }))
    }

    pub(super) async fn targets(&self) -> anyhow::Result<Table> {
        let ledger = self.ledger(&[self.range.start(), self.range.end()]).await?;
        let (journeys, quotas, worth) = (self.journeys().await?, self.quotas(), self.worth());
        let asks = Asks { quotas: &quotas, journeys: &journeys, worth: &worth };
        Ok(targets::report(&self.counted(&ledger), &asks))
    }

    fn goals(&self) -> Vec<Target> {
        let configured = self.app.config.targets.iter();
        configured
            .map(|t| Target {
                metric: t.metric.clone(),
                per: t.per,
                goal: t.goal,
                team: t.team.clone(),
                rep: t.rep.as_ref().map(|email| self.rep(email)),
            })
            .collect()
    }

    pub(super) fn quotas(&self) -> Vec<Quota> {
        let configured = self.app.config.quotas.iter();
        configured
            .map(|q| Quota { rep: self.rep(&q.rep), per: q.per, amount: q.amount, currency: q.currency.clone() })
            .collect()
    }

    pub(super) fn worth(&self) -> Worth {
        Worth(self.app.config.organization.rates.clone())
    }

    /// The user's own address, also where an alias is given.
    fn rep(&self, email: &str) -> String {
        let folded = fold(self.app, email);
        self.directory.user(&folded).map_or_else(|| folded.clone(), |u| u.email.clone())
    }
}
