//! The reports that count what reps did: `activity`, `funnel`, `pace`, `targets`. One reading, so that they can never disagree.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, TimeDelta, Utc};

use super::{super::lists::fold, Asked};
use crate::domain::{
    conversations,
    reports::{
        Table,
        activity::{self, QuoteRow},
        cohorts,
        credit::Happened,
        funnel,
        journey::{self, Journey},
        money::Worth,
        pace::{self, Goals, Target},
        targets::{self, Asks, Quota},
    },
};

/// What counting needs from the store.
pub(super) struct Ledger {
    happened: Vec<Happened>,
    quotes: Vec<QuoteRow>,
}

impl Asked<'_> {
    pub(super) async fn ledger(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> anyhow::Result<Ledger> {
        let (app, members) = (self.app, self.members());
        let happened = app.store.happened(from - conversations::RECENT, to, &members).await?;
        let day = TimeDelta::days(1);
        Ok(Ledger { happened, quotes: app.store.quotes(from - day, to + day).await? })
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
            quotes: &ledger.quotes,
            range: self.range.clone(),
            scope: self.scope.clone(),
            minutes: activity::Minutes::default(),
            now: self.now,
        }
    }

    pub(super) async fn activity(&self) -> anyhow::Result<Table> {
        let ledger = self.ledger(self.range.start(), self.range.end()).await?;
        Ok(activity::report(&self.counted(&ledger)))
    }

    pub(super) async fn funnel(&self) -> anyhow::Result<Table> {
        let ledger = self.ledger(self.range.start(), self.range.end()).await?;
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
        let since = calendar.start_of(pace::since(&targets, self.range.to));
        let until = targets.iter().map(|t| t.per.around(self.range.to).1).max().unwrap_or(self.range.to);
        let ledger = self.ledger(since, calendar.end_of(until)).await?;
        let calendars = &self.app.engine.rules.calendars;
        Ok(pace::report(&self.counted(&ledger), &Goals { targets: &targets, calendars }))
    }

    pub(super) async fn targets(&self) -> anyhow::Result<Table> {
        let ledger = self.ledger(self.range.start(), self.range.end()).await?;
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
