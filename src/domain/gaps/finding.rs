//! A gap as it is kept and exported: what was expected, what was found, what would clear it, and where it stands.
//!
//! A finding's id is made from its rule, its deal and its occurrence, so judging everything afresh gives the same ids. The
//! fields stand in the order of the export.

use std::{
    borrow::Cow,
    cmp::{Ordering, Reverse},
    collections::HashMap,
    fmt,
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::super::{
    activity::words,
    directory::{Directory, Quality},
};

words!(
    /// In order of weight: of two findings that are equally bad the earlier rule is the worse. What makes a forecast untrue
    /// stands before what makes a deal slow, that before what is only worth knowing.
    Rule {
        UnsupportedAdvance = "unsupported_advance",
        OneSidedAdvance = "one_sided_advance",
        CommitWithoutEvidence = "commit_without_evidence",
        MissingEvidence = "missing_evidence",
        UncorroboratedLog = "uncorroborated_log",
        SkippedStage = "skipped_stage",
        GoneQuiet = "gone_quiet",
        WeOweReply = "we_owe_reply",
        NoReply = "no_reply",
        NoFollowUp = "no_follow_up",
        Stalled = "stalled",
        OverdueClose = "overdue_close",
        PushedClose = "pushed_close",
        AmountDropped = "amount_dropped",
        OverdueNextStep = "overdue_next_step",
        NoNextStep = "no_next_step",
        SingleThreaded = "single_threaded",
        CompetitorMentioned = "competitor_mentioned",
        UnlistedStakeholder = "unlisted_stakeholder",
        ActivityWithoutDeal = "activity_without_deal",
        PhantomContact = "phantom_contact",
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
    /// None: it is about a contact, a company or a typed entry that stands on no deal.
    pub deal: Option<String>,
    pub contact: Option<String>,
    pub activity: Option<String>,
    #[serde(default)]
    pub company: Option<String>,
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
    /// What caused it, where the time does not tell it: that of a change seen between two readings is known better later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Which occurrence on the deal: the time of the move, of the stage's entry, of the last sign; the close date; the amount.
    pub key: String,
}

impl fmt::Debug for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Finding({} {} {} {})", self.rule, self.subject(), self.key, self.state)
    }
}

impl Finding {
    /// The id of an occurrence: the same for the same rule, subject and key, whenever and wherever it is judged.
    pub fn id_of(rule: Rule, subject: &str, key: &str) -> String {
        let name = format!("{rule}\n{subject}\n{key}");
        blake3::hash(name.as_bytes()).to_hex().as_str()[..20].to_owned()
    }

    /// An open one that says nothing yet. `subject`: the deal's id, else `contact:ID`, `company:ID`, `activity:ID`.
    pub fn blank(rule: Rule, subject: &str, key: String, since: DateTime<Utc>) -> Self {
        Self {
            id: Self::id_of(rule, subject, &key),
            rule,
            state: State::Open,
            severity: Severity::Low,
            deal: None,
            contact: None,
            activity: None,
            company: None,
            owner: None,
            from_stage: None,
            to_stage: None,
            deal_at: None,
            at_quality: None,
            window_from: None,
            window_to: None,
            expected: String::new(),
            found: String::new(),
            clears_when: String::new(),
            evidence: vec![],
            blind: vec![],
            pending: vec![],
            since,
            snoozed_until: None,
            note: None,
            by: None,
            resolved_by: None,
            resolved_at: None,
            late: false,
            cause: None,
            key,
        }
    }

    /// What it is about: `deal:ID`, else `activity:ID` of a typed entry, `contact:ID`, `company:ID`.
    pub fn subject(&self) -> String {
        let of = |kind: &str, id: &Option<String>| id.as_ref().map(|id| format!("{kind}:{id}"));
        let entry = || of("activity", &self.activity);
        let known = of("deal", &self.deal).or_else(entry);
        known.or_else(|| of("contact", &self.contact)).or_else(|| of("company", &self.company)).unwrap_or_default()
    }

    /// The name of what it is about: the deal, else the contact or the company, else what was typed.
    pub fn subject_name(&self, directory: &Directory) -> String {
        if let Some(id) = &self.deal {
            return directory.deals.get(id).map_or_else(|| id.clone(), |d| d.name.clone());
        }
        if let Some(id) = &self.contact {
            let contact = directory.contacts.get(id);
            return contact.and_then(|c| c.name.clone().or(c.emails.first().cloned())).unwrap_or_else(|| id.clone());
        }
        if let Some(id) = &self.company {
            return directory.companies.get(id).map_or_else(|| id.clone(), |c| c.name.clone());
        }
        "an entry in the CRM".to_owned()
    }

    /// Is it about this deal?
    pub fn is_on(&self, deal: &str) -> bool {
        self.deal.as_deref() == Some(deal)
    }

    /// Unknown when we were blind or a choice is pending.
    #[must_use]
    pub fn doubted(mut self) -> Self {
        if !(self.blind.is_empty() && self.pending.is_empty()) {
            self.state = State::Unknown;
        }
        self
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

    /// What a person said of it last and still holds: it outlasts a time in which the finding was not there.
    pub fn said(&self, now: DateTime<Utc>) -> Option<State> {
        match (&self.by, self.snoozed_until) {
            (None, _) => None,
            (Some(_), None) => Some(State::Explained),
            (Some(_), Some(until)) => (until > now).then_some(State::Snoozed),
        }
    }

    /// Is this caused by the very thing that caused the other?
    pub fn same_cause(&self, other: &Self) -> bool {
        if self.cause.is_some() {
            return self.cause == other.cause;
        }
        (&self.from_stage, &self.to_stage, self.deal_at) == (&other.from_stage, &other.to_stage, other.deal_at)
    }

    /// The worse comes first; of equals the newer.
    pub fn by_weight(a: &Self, b: &Self) -> Ordering {
        a.weight().cmp(&b.weight())
    }

    fn weight(&self) -> Weight<'_> {
        (self.state, Reverse(self.severity), self.rule, Reverse(self.since), &self.id)
    }

    pub fn weighed(&self) -> Weighed {
        Weighed {
            id: self.id.clone(),
            rule: self.rule,
            state: self.state,
            severity: self.severity,
            subject: self.subject(),
            owner: self.owner.clone(),
            since: self.since,
        }
    }
}

/// State, severity, rule, since; the id, so that there is one order only.
type Weight<'f> = (State, Reverse<Severity>, Rule, Reverse<DateTime<Utc>>, &'f str);

/// What a finding weighs, without its words.
#[derive(Clone, Debug, PartialEq)]
pub struct Weighed {
    pub id: String,
    pub rule: Rule,
    pub state: State,
    pub severity: Severity,
    /// As [`Finding::subject`].
    pub subject: String,
    pub owner: Option<String>,
    pub since: DateTime<Utc>,
}

impl Weighed {
    /// As [`Finding::by_weight`].
    pub fn by_weight(a: &Self, b: &Self) -> Ordering {
        a.weight().cmp(&b.weight())
    }

    fn weight(&self) -> Weight<'_> {
        (self.state, Reverse(self.severity), self.rule, Reverse(self.since), &self.id)
    }

    /// The deal it is about.
    pub fn deal(&self) -> Option<&str> {
        self.subject.strip_prefix("deal:")
    }

    /// As [`worst_per_deal`].
    pub fn worst_per_deal(all: Vec<Self>) -> Vec<Self> {
        worst_of(all, |f| Cow::Borrowed(f.subject.as_str()), Self::by_weight)
    }
}

/// The worst of each subject; worst first.
fn worst_of<T>(mut all: Vec<T>, subject: impl Fn(&T) -> Cow<'_, str>, order: impl Fn(&T, &T) -> Ordering) -> Vec<T> {
    let mut worst: HashMap<Cow<'_, str>, usize> = HashMap::with_capacity(all.len());
    for (at, finding) in all.iter().enumerate() {
        let before = worst.entry(subject(finding)).or_insert(at);
        if order(finding, &all[*before]).is_lt() {
            *before = at;
        }
    }
    let mut kept = vec![false; all.len()];
    worst.into_values().for_each(|at| kept[at] = true);
    let mut kept = kept.into_iter();
    all.retain(|_| kept.next() == Some(true));
    all.sort_by(order);
    all
}

/// The finding that stands for its deal.
pub fn worst(findings: &[Finding]) -> Option<&Finding> {
    findings.iter().min_by(|a, b| Finding::by_weight(a, b))
}

/// The worst finding of each deal, and of each subject that is no deal; worst first.
pub fn worst_per_deal(all: Vec<Finding>) -> Vec<Finding> {
    worst_of(all, |f| Cow::Owned(f.subject()), Finding::by_weight)
}
