//! The silence of a deal: what `gone_quiet` and `commit_without_evidence` share. It starts at the last evidence, without any when
//! the deal was opened. Where capture began later, what was seen since is enough when it lasted too long by itself. Neither our
//! own mail nor a move of the deal ends a silence.

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
    /// When it began, as far as it can be told.
    pub began: DateTime<Utc>,
    since: Since,
    /// When it has lasted too long.
    pub due: DateTime<Utc>,
    /// When what was seen of it alone will have.
    pub seen_due: Option<DateTime<Utc>>,
    /// The last sign, else the opening of the deal: what tells this silence from others.
    start: DateTime<Utc>,
    /// How long is too long.
    after: Span,
}

/// What a silence is counted from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Since {
    /// The last sign, else the opening of the deal.
    Start,
    /// What was before could not be seen.
    Captured,
    /// Too little was seen to tell.
    Stage,
}

impl<'c, 'a> Silence<'c, 'a> {
    pub fn of(case: &'c Case<'a>, after: Span) -> Option<Self> {
        let last = case.last_sign();
        let start = last.map(Seen::at).or_else(|| moves::opened(case.deal, case.facts.directory))?;
        let until = |from| case.calendar(case.owner_at(case.now())).add(from, after);
        let blind = case.sight_over(start, until(start), case.now()).blind;
        let seen_from = seen_from(case, &blind);
        let seen_due = seen_from.map(until);
        let (began, since) = match seen_from {
            // what was seen of it lasted long enough by itself
            Some(from) if until(from) <= case.now() => (from, Since::Captured),
            _ if last.is_none() && !blind.is_empty() => (moves::entered_current(case.deal)?.max(start), Since::Stage),
            _ => (start, Since::Start),
        };
        Some(Self { last, began, since, due: until(began), seen_due, start, after })
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
        let day = |at| case.day(case.owner_at(case.now()), at);
        let found = match (self.last, self.since) {
            (Some(last), _) => {
                format!("the last sign from {} was {} on {}", case.buyer(), words::sign(last), day(last.at()))
            }
            (None, since) => {
                let (buyer, on) = (case.buyer(), day(self.began));
                match since {
                    Since::Start => format!("nothing from {buyer} since the deal was opened on {on}"),
                    Since::Captured => format!("nothing from {buyer} in all that was captured, from {on} on"),
                    Since::Stage => {
                        let stage = case.stage_name(&case.deal.stage);
                        format!("nothing from {buyer} since the deal came to {stage} on {on}")
                    }
                }
            }
        };
        if ours.is_empty() { found } else { format!("{found}; since then only {}", words::one_sided(ours)) }
    }

    pub fn key(&self) -> String {
        self.start.timestamp_millis().to_string()
    }

    /// When to look again.
    pub fn moments(&self) -> impl Iterator<Item = DateTime<Utc>> {
        std::iter::once(self.due).chain(self.seen_due)
    }
}

/// The first whole day on which everything was seen, where nothing else is in the way than that capture began late.
fn seen_from(case: &Case<'_>, blind: &[Blind]) -> Option<DateTime<Utc>> {
    let late = |blind: &Blind| match blind {
        Blind::StartsLate(_, from) => Some(*from),
        _ => None,
    };
    let from = blind.iter().map(late).collect::<Option<Vec<_>>>()?.into_iter().max()?;
    let calendar = case.calendar(case.owner_at(case.now()));
    Some(calendar.start_of(calendar.date(from).succ_opt()?))
}

/// A silence that is over was ended by the first sign after it began; else its cause went away.
pub fn ending(case: &Case<'_>, finding: &Finding) -> Ending {
    let began = finding.window_from.unwrap_or(finding.since);
    match case.evidence().find(|s| s.at() > began) {
        Some(sign) => Ending::Resolved { by: Some(sign.activity.id.clone()), at: sign.at() },
        None => Ending::Withdrawn,
    }
}
