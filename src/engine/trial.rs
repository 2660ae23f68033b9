//! What a changed configuration would find: every deal, contact, company and entry is judged twice on the stored history, by
//! what holds and by what is tried. In a transaction that cannot write.

use std::collections::HashMap;

use super::{
    Engine, Known,
    evidence::Evidence,
    review::{self, BATCH},
    rules::Rules,
    subjects::{self, Loaded},
};
use crate::{
    domain::{
        activity::Activity,
        capture,
        directory::Deal,
        gaps::{
            Facts, Finding,
            trial::{Pair, pairs},
        },
    },
    store::{StoreError, Tx, findings, subjects as watched},
};

/// What is tried.
#[derive(Clone, Copy, Debug)]
pub struct Trial<'a> {
    /// Thresholds and work calendars count; what decides on reading and matching has had its say.
    pub rules: &'a Rules,
    /// Exclusions that do not hold yet: what they name is left out of sight.
    pub kept_out: &'a [String],
}

impl Engine {
    /// Every finding that asks for something under what holds or under what is tried.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn try_out(&self, trial: Trial<'_>) -> Result<Vec<Pair>, StoreError> {
        loop {
            let mut tx = self.store.aside().begin_reading().await?;
            let known = self.known_in(&mut tx).await?;
            // the directory is read beside the transaction: it must be the one that the transaction sees
            if known.version == self.store.directory_version().await? {
                return self.try_in(&mut tx, &known, trial).await;
            }
        }
    }

    async fn try_in(&self, tx: &mut Tx, known: &Known, trial: Trial<'_>) -> Result<Vec<Pair>, StoreError> {
        let captures = self.captures(tx, None).await?;
        let now = Facts { captures: captures.clone(), ..self.facts(known, &self.rules) };
        let then = Facts { now: now.now, captures, ..self.facts(known, trial.rules) };
        let mut all = Vec::new();
        let mut deals: Vec<&Deal> = known.directory.deals.values().collect();
        deals.sort_by(|a, b| a.id.cmp(&b.id));
        let mut left = &deals[..];
        while !left.is_empty() {
            let batch = &left[..left.len().min(BATCH)];
            let tried = self.try_deals(tx, known, [&now, &then], batch, trial.kept_out, &mut all).await?;
            left = &left[tried..];
        }
        for batch in watched::all(tx).await?.chunks(BATCH) {
            all.extend(self.try_subjects(tx, known, [&now, &then], batch, trial.kept_out).await?);
        }
        Ok(all)
    }

    /// Returns how many of the deals, from the first, it has tried.
    async fn try_deals(
        &self,
        tx: &mut Tx,
        known: &Known,
        [now, then]: [&Facts<'_>; 2],
        deals: &[&Deal],
        kept_out: &[String],
        all: &mut Vec<Pair>,
    ) -> Result<usize, StoreError> {
        let ids: Vec<String> = deals.iter().map(|d| d.id.clone()).collect();
        let mut seen = Evidence::load(self, tx, known, deals).await?;
        seen.look_elsewhere(tx, &[now, then], &deals[..seen.deals()]).await?;
        let is_out = |a: &Activity| is_kept_out(kept_out, a.participants.iter().map(|p| p.address.as_str()));
        let mut left = seen.without(is_out);
        if !kept_out.is_empty() {
            // without these others are waited for, whose answers may stand elsewhere
            left.look_elsewhere(tx, &[then], &deals[..seen.deals()]).await?;
            left = left.without(is_out);
        }
        let mut existing = by_subject(findings::of_deals(tx, &ids).await?);
        for deal in &deals[..seen.deals()] {
            let old = existing.remove(&format!("deal:{}", deal.id)).unwrap_or_default();
            let judged = |facts, seen: &Evidence| review::judged(&seen.case(facts, deal), &old).findings;
            all.extend(pairs(judged(now, &seen), judged(then, &left)));
        }
        Ok(seen.deals())
    }

    async fn try_subjects(
        &self,
        tx: &mut Tx,
        known: &Known,
        [now, then]: [&Facts<'_>; 2],
        names: &[String],
        kept_out: &[String],
    ) -> Result<Vec<Pair>, StoreError> {
        // the longer of two spans decides how far back is looked
        let from = subjects::window(now).min(subjects::window(then));
        let seen = self.load_subjects(tx, known, now.now, from, names).await?;
        let left = seen.without(|a| is_kept_out(kept_out, a.participants.iter().map(|p| p.address.as_str())));
        let mut existing = by_subject(findings::of_subjects(tx, names).await?);
        let mut all = Vec::new();
        for name in names {
            let old = existing.remove(name).unwrap_or_default();
            let judged = |facts, seen: &Loaded| subjects::case(facts, known, seen, name).reconcile(&old);
            all.extend(pairs(judged(now, &seen), judged(then, &left)));
        }
        Ok(all)
    }
}

fn is_kept_out<'p>(kept_out: &[String], addresses: impl Iterator<Item = &'p str>) -> bool {
    !kept_out.is_empty() && capture::excluded_by(kept_out, &addresses.collect::<Vec<_>>()).is_some()
}

fn by_subject(all: Vec<Finding>) -> HashMap<String, Vec<Finding>> {
    let mut by_subject: HashMap<String, Vec<Finding>> = HashMap::new();
    for f in all {
        by_subject.entry(f.subject()).or_default().push(f);
    }
    by_subject
}
