//! The silence of a deal: what `gone_quiet` and `commit_without_evidence` share. It starts at the last evidence; without any when
//! the deal was opened, or when its owners' capture began to see it. Neither our own mail nor a move of the deal ends it.

use chrono::{DateTime, Utc};

use super::{
    Ending,
    case::{Case, Seen, Tie},
    evidence::Weight,
    finding::Finding,
    moves,
    sight::{Blind, Sight},
    words,
};
use crate::domain::span::Span;

#[derive(Debug)]
pub struct Silence<'c, 'a> {
    /// The last sign.
    pub last: Option<&'c Seen<'a>>,
    pub began: DateTime<Utc>,
    /// Without a sign: what happened when it began.
    since: Since,
    /// When it has lasted too long.
    pub due: DateTime<Utc>,
    /// How long is too long.
    after: Span,
}

/// What a silence without any sign is counted from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Since {
    Opened,
    /// The deal had been opened before.
    Captured,
    /// What was before cannot be seen.
    Stage,
}

impl<'c, 'a> Silence<'c, 'a> {
    pub fn of(case: &'c Case<'a>, after: Span) -> Option<Self> {
        let open_since = moves::open_since(case.deal, case.facts.directory);
        let last = case.evidence().rev().find(|s| open_since.is_none_or(|since| s.at() >= since));
        let (began, since) = match last {
            Some(sign) => (sign.at(), Since::Opened),
            None => beginning(case, after)?,
        };
        let due = case.calendar(case.owner_at(case.now())).add(began, after);
        Some(Self { last, began, since, due, after })
    }

    /// Would this pending activity end the silence if it belonged to the deal? An old one would only move its beginning.
    pub fn breaks(&self, case: &Case<'_>, pending: &Seen<'_>) -> bool {
        pending.weight == Weight::Evidence && self.until(case, pending) > case.now()
    }

    /// Until when this pending activity could end it.
    pub fn until(&self, case: &Case<'_>, pending: &Seen<'_>) -> DateTime<Utc> {
        case.calendar(case.owner_at(case.now())).add(pending.at(), self.after)
    }

    /// Who of the deal's owners could see which part of it.
    pub fn sight(&self, case: &Case<'_>) -> Sight {
        case.sight_over(self.began, self.due, case.now())
    }

    /// What there was since from our side alone.
    pub fn ours(&self, case: &'c Case<'a>) -> Vec<&'c Seen<'a>> {
        let since = case.seen.iter().filter(|s| s.tie != Tie::Pending && s.at() > self.began);
        since.filter(|s| matches!(s.weight, Weight::OneSided(_))).collect()
    }

    /// "the last sign from Northwind was a mail on 3 Nov; since then only one mail of our own".
    pub fn told(&self, case: &Case<'_>, ours: &[&Seen<'_>]) -> String {
        let began = case.day(case.owner_at(case.now()), self.began);
        let found = match self.last {
            Some(last) => format!("the last sign from {} was {} on {began}", case.buyer(), words::sign(last)),
            None => {
                let since = match self.since {
                    Since::Opened => "the deal was opened".to_owned(),
                    Since::Captured => "our capture began".to_owned(),
                    Since::Stage => format!("the deal came to {}", case.stage_name(&case.deal.stage)),
                };
                format!("nothing from {} since {since} on {began}", case.buyer())
            }
        };
        if ours.is_empty() { found } else { format!("{found}; since then only {}", words::one_sided(ours)) }
    }

    pub fn key(&self) -> String {
        self.began.timestamp_millis().to_string()
    }
}

/// Where a silence without any sign begins: when the deal was opened, or as far back as its owners' capture reaches; at the
/// latest with the entry into the current stage, however little was seen of the time before.
fn beginning(case: &Case<'_>, after: Span) -> Option<(DateTime<Utc>, Since)> {
    let entered = moves::entered_current(case.deal)?;
    let opened = moves::opened(case.deal, case.facts.directory);
    let Some(opened) = opened.filter(|opened| *opened < entered) else { return Some((entered, Since::Opened)) };
    let due = case.calendar(case.owner_at(case.now())).add(opened, after);
    let late = |blind: &Blind| match blind {
        Blind::StartsLate(_, from) => Some(*from),
        _ => None,
    };
    let starts: Option<Vec<DateTime<Utc>>> = case.sight_over(opened, due, case.now()).blind.iter().map(late).collect();
    let seen = starts.map(|starts| starts.into_iter().max());
    Some(match seen {
        Some(None) => (opened, Since::Opened),
        Some(Some(from)) if from < entered => (from, Since::Captured),
        _ => (entered, Since::Stage),
    })
}

/// A silence that is over was ended by the first sign after it began; else its cause went away.
pub fn ending(case: &Case<'_>, finding: &Finding) -> Ending {
    let began = finding.window_from.unwrap_or(finding.since);
    match case.evidence().find(|s| s.at() > began) {
        Some(sign) => Ending::Resolved { by: Some(sign.activity.id.clone()), at: sign.at() },
        None => Ending::Withdrawn,
    }
}
