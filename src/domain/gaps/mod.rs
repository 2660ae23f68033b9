//! Gap rules: findings that evidence is missing, judged from facts alone. Pure: no clock, no SQL.
//!
//! The store fills [`Facts`] once and a [`Case`] per deal, calls [`judge`], lets [`reconcile`] join the verdicts with the
//! findings it keeps, and asks [`outlook`] when to come back. A further rule is one file, one line in `RULES` and one
//! value of [`Rule`].

mod activity_without_deal;
mod advance;
mod amount_dropped;
pub mod backdrop;
pub mod case;
mod changes;
mod commit_without_evidence;
mod competitor_mentioned;
pub mod evidence;
pub mod finding;
mod gone_quiet;
mod letters;
pub mod limits;
mod missing_evidence;
pub mod moves;
mod needs;
mod no_follow_up;
mod no_next_step;
mod no_reply;
mod one_sided_advance;
mod overdue_close;
mod overdue_next_step;
mod phantom_contact;
#[cfg(test)]
mod properties;
mod pushed_close;
mod reconcile;
mod said;
pub mod sight;
mod silence;
mod single_threaded;
mod skipped_stage;
mod stalled;
pub mod stays;
pub mod subject;
pub mod trial;
mod uncorroborated_log;
mod unlisted_stakeholder;
mod unsupported_advance;
mod we_owe_reply;
mod words;
#[cfg(test)]
mod world;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

pub use self::{
    advance::backed,
    backdrop::Backdrop,
    case::{Case, Facts, Seen, Tie, closed_lately, first_closed},
    finding::{Finding, Rule, Severity, State, Weighed, worst, worst_per_deal},
    letters::people,
    reconcile::reconcile,
    said::{Refused, Word},
    sight::{Brings, Capture, ConnectionCoverage},
    stays::Stays,
    subject::{Subject, SubjectCase},
};

/// What a rule says about one occurrence.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    pub outcome: Outcome,
    /// As it is when it stands: open, unknown, or resolved late.
    pub finding: Finding,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It stands, whether or not it was known.
    Stands,
    /// What was expected is there: a finding that was known is resolved (at that time, or now); none is made.
    Met { by: Option<String>, at: Option<DateTime<Utc>> },
}

/// What became of a finding that its rule no longer mentions.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    Resolved { by: Option<String>, at: DateTime<Utc> },
    Withdrawn,
}

/// Somebody from outside, by contact or else by address, who is waited for or waits for us, and since when.
#[derive(Debug)]
struct Awaited<'a> {
    person: &'a str,
    since: DateTime<Utc>,
}

/// One rule.
struct Judge {
    rule: Rule,
    judge: fn(&Case<'_>, &mut Vec<Verdict>),
    /// What became of an occurrence that `judge` no longer mentions.
    ending: fn(&Case<'_>, &Finding) -> Ending,
    /// Moments at which time alone may change what the rule says; those in the past do no harm.
    next: fn(&Case<'_>, &mut Vec<DateTime<Utc>>),
    /// Connections whose reading the rule waits for.
    waits_for: fn(&Case<'_>) -> Vec<String>,
    awaits: for<'a> fn(&Case<'a>, &mut Vec<Awaited<'a>>),
}

impl Judge {
    const fn new(rule: Rule, judge: fn(&Case<'_>, &mut Vec<Verdict>)) -> Self {
        Self {
            rule,
            judge,
            ending: |_, _| Ending::Withdrawn,
            next: |_, _| (),
            waits_for: |_| vec![],
            awaits: |_, _| (),
        }
    }
}

static RULES: &[Judge] = &[
    // of the deal's own history
    unsupported_advance::JUDGE,
    one_sided_advance::JUDGE,
    missing_evidence::JUDGE,
    skipped_stage::JUDGE,
    gone_quiet::JUDGE,
    no_next_step::JUDGE,
    overdue_next_step::JUDGE,
    overdue_close::JUDGE,
    pushed_close::JUDGE,
    stalled::JUDGE,
    single_threaded::JUDGE,
    amount_dropped::JUDGE,
    commit_without_evidence::JUDGE,
    // of messages and people
    we_owe_reply::JUDGE,
    no_reply::JUDGE,
    no_follow_up::JUDGE,
    uncorroborated_log::JUDGE,
    unlisted_stakeholder::JUDGE,
    competitor_mentioned::JUDGE,
];

/// The rules that are judged.
pub fn rules() -> impl Iterator<Item = Rule> {
    RULES.iter().map(|judge| judge.rule)
}

/// What every rule says about a deal now.
pub fn judge(case: &Case<'_>) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for rule in RULES {
        (rule.judge)(case, &mut verdicts);
    }
    verdicts
}

/// People from outside, by contact or else by address, who are waited for or who wait for us: what they did since, wherever it
/// belongs, may be the answer. See [`Case::and_elsewhere`].
pub fn awaited<'a>(case: &Case<'a>) -> BTreeMap<&'a str, DateTime<Utc>> {
    let mut all = Vec::new();
    for rule in RULES {
        (rule.awaits)(case, &mut all);
    }
    let mut first: BTreeMap<&str, DateTime<Utc>> = BTreeMap::new();
    for Awaited { person, since } in all {
        first.entry(person).and_modify(|at| *at = since.min(*at)).or_insert(since);
    }
    first
}

/// When a deal must be judged again though nothing was read and nothing was changed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outlook {
    /// The next moment at which time alone may change something.
    pub next_due: Option<DateTime<Utc>>,
    /// Connections that must be read further first: judge again when their `complete_to` grows. (A deal with an unknown
    /// finding is judged again when a connection named in its `blind` changes, and an open deal when a connection of its
    /// owner starts or stops failing.)
    pub waits_for: BTreeSet<String>,
}

pub fn outlook(case: &Case<'_>, findings: &[Finding]) -> Outlook {
    let now = case.now();
    let mut moments = Vec::new();
    let mut waits_for = BTreeSet::new();
    for rule in RULES {
        (rule.next)(case, &mut moments);
        waits_for.extend((rule.waits_for)(case));
    }
    // A meeting becomes held at its end; a mail dated in the future is believed from then on.
    moments.extend(case.seen.iter().flat_map(|s| [Some(s.at()), s.activity.ended_at]).flatten());
    moments.extend(findings.iter().filter(|f| f.state == State::Snoozed).filter_map(|f| f.snoozed_until));
    moments.extend(case.user(case.owner_at(now)).and_then(|u| u.until));
    Outlook { next_due: moments.into_iter().filter(|at| *at > now).min(), waits_for }
}

/// Most ids that a finding lists.
const MOST_IDS: usize = 100;

fn ids(seen: &[&Seen<'_>]) -> Vec<String> {
    seen.iter().take(MOST_IDS).map(|s| s.activity.id.clone()).collect()
}

fn blind(sight: &sight::Sight) -> Vec<String> {
    sight.blind.iter().map(sight::Blind::name).collect()
}

/// An open finding that says nothing yet.
fn blank(case: &Case<'_>, rule: Rule, key: String, since: DateTime<Utc>) -> Finding {
    Finding { deal: Some(case.deal.id.clone()), ..Finding::blank(rule, &case.deal.id, key, since) }
}
