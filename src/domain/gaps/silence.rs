//! The silence of a deal: what `gone_quiet` and `commit_without_evidence` share. It starts at the last evidence, else at the
//! entry into the current stage. Our own mail never resets it.

use chrono::{DateTime, Utc};

use super::{
    Ending,
    case::{Case, Seen, Tie},
    evidence::Weight,
    finding::Finding,
    moves,
    sight::Sight,
    words,
};
use crate::domain::span::Span;

#[derive(Debug)]
pub struct Silence<'c, 'a> {
    /// The last sign.
    pub last: Option<&'c Seen<'a>>,
    pub began: DateTime<Utc>,
    /// When it has lasted too long.
    pub due: DateTime<Utc>,
    /// How long is too long.
    after: Span,
}

impl<'c, 'a> Silence<'c, 'a> {
    pub fn of(case: &'c Case<'a>, after: Span) -> Option<Self> {
        let open_since = moves::open_since(case.deal, case.facts.directory);
        let last = case.evidence().rev().find(|s| open_since.is_none_or(|since| s.at() >= since));
        let began = last.map(Seen::at).or_else(|| moves::entered_current(case.deal))?;
        let due = case.calendar(case.owner_at(case.now())).add(began, after);
        Some(Self { last, began, due, after })
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
            None => format!(
                "nothing from {} since the deal came to {} on {began}",
                case.buyer(),
                case.stage_name(&case.deal.stage)
            ),
        };
        if ours.is_empty() { found } else { format!("{found}; since then only {}", words::one_sided(ours)) }
    }

    pub fn key(&self) -> String {
        self.began.timestamp_millis().to_string()
    }
}

/// A silence that is over was ended by the first sign after it began; else its cause went away.
pub fn ending(case: &Case<'_>, finding: &Finding) -> Ending {
    let began = finding.window_from.unwrap_or(finding.since);
    match case.evidence().find(|s| s.at() > began) {
        Some(sign) => Ending::Resolved { by: Some(sign.activity.id.clone()), at: sign.at() },
        None => Ending::Withdrawn,
    }
}
