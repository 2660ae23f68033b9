//! The reports that count what reps did: `activity`, `funnel`, `pace`, `targets`. One reading, so that they can never disagree.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};

use super::{super::lists::fold, Asked};
use crate::{
    domain::{
        conversations,
        reports::{
            Range, Table,
            activity::{self, QuoteRow},
            cohorts,
            credit::{Happened, has_left},
            funnel,
            journey::{self, Journey},
            money::Worth,
            needs::{Needs, Talked},
            pace::{self, Target},
            targets::{self, Asks, Quota},
        },
    },
    store::counted::Special,
};

/// What counting needs from the store.
pub(super) struct Ledger<'a> {
    range: Range<'a>,
    happened: Vec<Happened>,
    /// `None`: they are among the others.
    talked: Option<Talked>,
    quotes: Vec<QuoteRow>,
}

impl<'a> Asked<'a> {
    /// What counting these columns over some days needs. Which they are is read only when somebody asks what stands behind a number.
    pub(super) async fn ledger(&self, range: Range<'a>, needs: &Needs) -> anyhow::Result<Ledger<'a>> {
        let (from, to) = (range.start(), range.end());
        let (store, before, day) = (&self.app.store, from - conversations::RECENT, TimeDelta::days(1));
        let quotes = if needs.quotes { store.quotes(from - day, to + day).await? } else { Vec::new() };
        if self.opens.is_some() {
            // whole days stand at midnight UTC of their date, which may lie on the other side of an end
            let happened = store.happened(before, to + day, &self.members()).await?;
            return Ok(Ledger { range, happened, talked: None, quotes });
        }
        let special = self.special(to);
        let happened = store.counted((from, to), needs, self.now, &special).await?;
        let talked = if needs.talks { store.talked((from, to), &special).await? } else { Talked::default() };
        Ok(Ledger { range, happened, talked: Some(talked), quotes })
    }

    /// For whom counting until then depends on more than the activity says.
    pub(super) fn special(&self, to: DateTime<Utc>) -> Special {
        let left = self.directory.ours.users.iter().filter(|u| has_left(u, to)).map(|u| u.email.clone());
        Special { members: self.members(), left: left.collect() }
    }

    /// Of shared mailboxes, by connection.
    pub(super) fn members(&self) -> HashMap<String, Vec<String>> {
        let shared = self.app.config.connections.iter().filter(|c| c.shared);
        shared.map(|c| (c.name.clone(), c.members.iter().map(|m| fold(self.app, m)).collect())).collect()
    }

    pub(super) fn counted<'l>(&'l self, ledger: &'l Ledger<'_>) -> activity::Input<'l> {
        activity::Input {
            directory: self.directory,
            happened: &ledger.happened,
            talks: ledger.talked.as_ref().map_or(&ledger.happened, |talked| &talked.mails),
            threads: ledger.talked.as_ref().map_or(&[], |talked| &talked.threads),
            quotes: &ledger.quotes,
            range: ledger.range.clone(),
            scope: self.scope.clone(),
            minutes: self.minutes(),
            now: self.now,
        }
    }

    fn minutes(&self) -> activity::Minutes {
        let set = &self.app.config.reports;
        activity::Minutes { email: set.minutes_per_email.into(), meeting: set.minutes_per_meeting.into() }
    }

    pub(super) async fn activity(&self) -> anyhow::Result<Table> {
        let ledger = self.ledger(self.range.clone(), &Needs::all()).await?;
        Ok(activity::report(&self.counted(&ledger)))
    }

    pub(super) async fn funnel(&self) -> anyhow::Result<Table> {
        let ledger = self.ledger(self.range.clone(), &Needs::of(funnel::counted())).await?;
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
        let store = &self.app.store;
        let firsts = if self.opens.is_some() {
            journey::firsts(&store.touches(self.now).await?)
        } else {
            store.first_steps(self.now).await?
        };
        Ok(journey::journeys(self.directory, &firsts, &self.directory.quotes))
    }

    pub(super) async fn pace(&self) -> anyhow::Result<Table> {
        let targets = self.goals();
        let calendar = self.range.calendar;
        let mut ledgers = BTreeMap::new();
        for per in targets.iter().map(|t| t.per).collect::<BTreeSet<_>>() {
            let (from, to) = (per.around(self.range.to).0, self.range.to);
            let metrics = targets.iter().filter(|t| t.per == per).map(|t| t.metric.as_str());
            ledgers.insert(per, self.ledger(Range { from, to, calendar }, &Needs::of(metrics)).await?);
        }
        let periods = ledgers.iter().map(|(per, ledger)| (*per, self.counted(ledger))).collect();
        let calendars = &self.app.engine.rules.calendars;
        let (range, now) = (self.range.clone(), self.now);
        Ok(pace::report(&pace::Input { periods, targets: &targets, calendars, range, now }))
    }

    pub(super) async fn targets(&self) -> anyhow::Result<Table> {
        let ledger = self.ledger(self.range.clone(), &Needs::of(funnel::counted())).await?;
        let (journeys, quotas, worth) = (self.journeys().await?, self.quotas(), self.worth());
        let asks = Asks { quotas: &quotas, journeys: &journeys, worth: &worth, opens: self.opens };
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
