//! A gap as it is kept and exported: what was expected, what was found, what would clear it, and where it stands.
//!
//! A finding's id is made from its rule, its deal and its occurrence, so judging everything afresh gives the same ids. The
//! fields stand in the order of the export.

use std::{cmp::Ordering, collections::BTreeMap, fmt};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::super::{activity::words, directory::Quality};

words!(
    /// In order of weight: of two findings that are equally bad the earlier rule is the worse.
    Rule {
        UnsupportedAdvance = "unsupported_advance",
        OneSidedAdvance = "one_sided_advance",
        GoneQuiet = "gone_quiet",
        OverdueClose = "overdue_close",
        NoNextStep = "no_next_step",
    }
);
words!(
    /// In order of weight, the worst first.
    State {
        Open = "open",
        /// We were blind, or a choice is pending.
        Unknown = "unknown",
        Snoozed = "snoozed",
        Explained = "explained",
        Resolved = "resolved",
        /// Its cause went away.
        Withdrawn = "withdrawn",
    }
);
words!(Severity { Low = "low", Medium = "medium", High = "high" });

impl State {
    /// Does it still ask for anything?
    pub fn is_live(self) -> bool {
        matches!(self, Self::Open | Self::Unknown | Self::Snoozed | Self::Explained)
    }
}

impl Severity {
    #[must_use]
    pub fn raised(self) -> Self {
        if self == Self::Low { Self::Medium } else { Self::High }
    }
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    pub id: String,
    pub rule: Rule,
    pub state: State,
    pub severity: Severity,
    pub deal: String,
    pub contact: Option<String>,
    pub activity: Option<String>,
    /// The owner at the time of the cause; folded email.
    pub owner: Option<String>,
    pub from_stage: Option<String>,
    pub to_stage: Option<String>,
    /// Time of the stage change.
    pub deal_at: Option<DateTime<Utc>>,
    pub at_quality: Option<Quality>,
    pub window_from: Option<DateTime<Utc>>,
    pub window_to: Option<DateTime<Utc>>,
    pub expected: String,
    pub found: String,
    pub clears_when: String,
    /// Activities that were found, oldest first: what counts, or what comes nearest to it.
    pub evidence: Vec<String>,
    /// Connections that could not see the window. Where no mailbox is connected at all: `no mailbox: EMAIL`.
    pub blind: Vec<String>,
    /// Activities whose deal choice is pending.
    pub pending: Vec<String>,
    /// From when on the rule holds.
    pub since: DateTime<Utc>,
    pub snoozed_until: Option<DateTime<Utc>>,
    pub note: Option<String>,
    pub by: Option<String>,
    pub resolved_by: Option<String>,
    pub resolved_at: Option<DateTime<Utc>>,
    pub late: bool,
    /// Which occurrence on the deal: the time of the move, of the stage's entry, of the last sign; the close date.
    pub key: String,
}

impl fmt::Debug for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Finding({} {} {} {})", self.rule, self.deal, self.key, self.state)
    }
}

impl Finding {
    /// The id of an occurrence: the same for the same rule, deal and key, whenever and wherever it is judged.
    pub fn id_of(rule: Rule, deal: &str, key: &str) -> String {
        let name = format!("{rule}\n{deal}\n{key}");
        blake3::hash(name.as_bytes()).to_hex().as_str()[..20].to_owned()
    }

    /// Somebody wants to see it later.
    pub fn snooze(&mut self, until: DateTime<Utc>, why: String, by: String) {
        self.state = State::Snoozed;
        (self.snoozed_until, self.note, self.by) = (Some(until), Some(why), Some(by));
    }

    /// Somebody says why it is as it should be.
    pub fn explain(&mut self, what: String, by: String) {
        self.state = State::Explained;
        (self.snoozed_until, self.note, self.by) = (None, Some(what), Some(by));
    }

    /// Is this caused by the very thing that caused the other?
    pub fn same_cause(&self, other: &Self) -> bool {
        (&self.from_stage, &self.to_stage, self.deal_at) == (&other.from_stage, &other.to_stage, other.deal_at)
    }

    /// The worse comes first; of equals the newer.
    pub fn by_weight(a: &Self, b: &Self) -> Ordering {
        (a.state.cmp(&b.state))
            .then(b.severity.cmp(&a.severity))
            .then(a.rule.cmp(&b.rule))
            .then(b.since.cmp(&a.since))
            .then_with(|| a.id.cmp(&b.id))
    }
}

/// The finding that stands for its deal.
pub fn worst(findings: &[Finding]) -> Option<&Finding> {
    findings.iter().min_by(|a, b| Finding::by_weight(a, b))
}

/// The worst finding of each deal, worst first.
pub fn worst_per_deal(all: Vec<Finding>) -> Vec<Finding> {
    let mut by_deal: BTreeMap<String, Vec<Finding>> = BTreeMap::new();
    for finding in all {
        by_deal.entry(finding.deal.clone()).or_default().push(finding);
    }
    let mut worst: Vec<Finding> = by_deal.values().filter_map(|of_deal| worst(of_deal).cloned()).collect();
    worst.sort_by(Finding::by_weight);
    worst
}
