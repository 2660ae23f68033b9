//! What `unsupported_advance` and `one_sided_advance` share: each forward move, its window, and what stands in it. A move
//! gives at most one of the two, and none before both the clock and the owner's capture are past the window.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::{
    Outcome, Verdict,
    case::{Case, Seen, Tie},
    evidence::Weight,
    finding::{Finding, Rule, Severity, State},
    moves::{self, Move},
    sight::{Needed, Sight},
    words,
};

/// A forward move and the time in which it should have left a trace. Both ends belong to the window.
#[derive(Debug)]
pub struct Advance<'a> {
    pub step: Move,
    /// The owner at the move.
    pub owner: &'a str,
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
}

/// What the window holds.
#[derive(Debug)]
pub enum Backing<'c, 'a> {
    /// The window, or the reading of it, is not over.
    TooEarly {
        waits_for: Vec<String>,
    },
    Backed(&'c Seen<'a>),
    Unbacked {
        /// Signs that are none of the buyer's, oldest first.
        one_sided: Vec<&'c Seen<'a>>,
        sight: Sight,
        pending: Vec<&'c Seen<'a>>,
        /// The first evidence after the window.
        late: Option<&'c Seen<'a>>,
    },
}

/// The forward moves of a deal with their windows, oldest first.
pub fn advances<'a>(case: &Case<'a>) -> Vec<Advance<'a>> {
    let moves = moves::moves(case.deal).into_iter().filter(|m| m.is_forward(case.facts.directory));
    moves
        .map(|step| {
            let owner = case.owner_at(step.at);
            let (from, to) = case.stages().window_of(&step.to).around(&step, case.calendar(owner));
            Advance { step, owner, from, to }
        })
        .collect()
}

impl<'a> Advance<'a> {
    fn holds(&self, at: DateTime<Utc>) -> bool {
        self.from <= at && at <= self.to
    }

    pub fn backing<'c>(&self, case: &'c Case<'a>) -> Backing<'c, 'a> {
        if let Some(seen) = case.evidence().find(|s| self.holds(s.at())) {
            return Backing::Backed(seen);
        }
        if case.now() < self.to {
            return Backing::TooEarly { waits_for: vec![] };
        }
        let needed = Needed { at: self.step.at, from: self.from, to: self.to, failing_to: self.to };
        let sight = case.sight_of(self.owner, needed);
        if !sight.lagging.is_empty() {
            return Backing::TooEarly { waits_for: sight.lagging };
        }
        let inside = |s: &&Seen<'_>| self.holds(s.at()) && s.weight != Weight::Nothing;
        let pending: Vec<&Seen<'_>> = case.pending().filter(inside).collect();
        let one_sided = |s: &&Seen<'_>| s.tie != Tie::Pending && matches!(s.weight, Weight::OneSided(_));
        Backing::Unbacked {
            one_sided: case.seen.iter().filter(one_sided).filter(inside).collect(),
            late: case.evidence().find(|s| s.at() > self.to),
            sight,
            pending,
        }
    }

    pub fn key(&self) -> String {
        self.step.began.timestamp_millis().to_string()
    }
}

/// The moves whose window holds evidence: when they began, in milliseconds, in ascending order.
pub fn backed(verdicts: &[Verdict]) -> BTreeSet<i64> {
    let advance = |v: &&Verdict| matches!(v.finding.rule, Rule::UnsupportedAdvance | Rule::OneSidedAdvance);
    let met = verdicts.iter().filter(advance).filter(|v| matches!(v.outcome, Outcome::Met { .. }));
    met.filter_map(|v| v.finding.key.parse().ok()).collect()
}

/// The verdicts of one of the two rules.
pub fn judge(case: &Case<'_>, rule: Rule, verdicts: &mut Vec<Verdict>) {
    for advance in advances(case) {
        if !case.stages().judges(rule, &advance.step.to) {
            continue;
        }
        match advance.backing(case) {
            Backing::TooEarly { .. } => {}
            Backing::Backed(seen) => verdicts.push(Verdict {
                outcome: Outcome::Met { by: Some(seen.activity.id.clone()), at: Some(seen.at()) },
                finding: finding(case, rule, &advance, &[], &Sight::default(), &[]),
            }),
            Backing::Unbacked { one_sided, sight, pending, late } => {
                if one_sided.is_empty() == (rule == Rule::OneSidedAdvance) {
                    continue;
                }
                let mut finding = finding(case, rule, &advance, &one_sided, &sight, &pending);
                if finding.blind.is_empty() && finding.pending.is_empty() {
                    if let Some(late) = late {
                        finding.state = State::Resolved;
                        finding.resolved_by = Some(late.activity.id.clone());
                        finding.resolved_at = Some(late.at());
                        finding.late = true;
                    }
                } else {
                    finding.state = State::Unknown;
                }
                verdicts.push(Verdict { outcome: Outcome::Stands, finding });
            }
        }
    }
}

fn finding(
    case: &Case<'_>,
    rule: Rule,
    advance: &Advance<'_>,
    one_sided: &[&Seen<'_>],
    sight: &Sight,
    pending: &[&Seen<'_>],
) -> Finding {
    let Advance { step, owner, from, to } = advance;
    let span = format!("between {} and {}", case.day(owner, *from), case.day(owner, *to));
    let (old, new) = (case.stage_name(&step.from), case.stage_name(&step.to));
    let found = match one_sided {
        [] => format!("nothing of the kind {span}"),
        seen if seen.iter().all(|s| s.is_partner()) => format!("partner only: {} {span}", words::one_sided(seen)),
        seen => format!("only {} {span}", words::one_sided(seen)),
    };
    let typed = case.seen.iter().any(|s| advance.holds(s.at()) && words::is_unconfirmed_mail(s));
    let typed = if typed { ", and a mail typed by hand that no mailbox knows" } else { "" };
    let found = match case.blindness(owner, sight, pending.len()) {
        Some(why) => format!("we could not see everything: {why}; otherwise {found}{typed}"),
        None => format!("{found}{typed}{}", case.without_calendar(sight)),
    };
    Finding {
        severity: severity(case, rule, step),
        owner: Some((*owner).to_owned()),
        from_stage: Some(step.from.clone()),
        to_stage: Some(step.to.clone()),
        deal_at: Some(step.at),
        at_quality: Some(step.quality),
        window_from: Some(*from),
        window_to: Some(*to),
        expected: words::sentence(&format!(
            "a mail from {}, a confirmed meeting or a logged call around the move from {old} to {new} {}",
            case.buyer(),
            when(case, owner, step)
        )),
        found: words::sentence(&found),
        clears_when: words::sentence(clears_when(sight, pending)),
        evidence: super::ids(one_sided),
        blind: super::blind(sight),
        pending: super::ids(pending),
        ..super::blank(case, rule, advance.key(), *to)
    }
}

/// "on 3 Nov"; of a move seen between two readings "between 1 Nov and 3 Nov".
fn when(case: &Case<'_>, owner: &str, step: &Move) -> String {
    let (first, last) = (case.day(owner, step.not_before), case.day(owner, step.at));
    if first == last { format!("on {last}") } else { format!("between {first} and {last}") }
}

fn clears_when(sight: &Sight, pending: &[&Seen<'_>]) -> &'static str {
    words::doubt(sight, pending).unwrap_or(
        "a mail from the buyer, a meeting they confirmed or a logged call on this deal; from now on it counts as late",
    )
}

fn severity(case: &Case<'_>, rule: Rule, step: &Move) -> Severity {
    let base = if rule == Rule::OneSidedAdvance { Severity::Low } else { Severity::Medium };
    let base = if step.jumped(case.facts.directory) > 0 { base.raised() } else { base };
    if case.is_large() { Severity::High } else { base }
}

pub fn next(case: &Case<'_>, moments: &mut Vec<DateTime<Utc>>) {
    moments.extend(advances(case).iter().map(|a| a.to));
}

/// Connections whose reading is waited for.
pub fn waits_for(case: &Case<'_>) -> Vec<String> {
    let waiting = advances(case).into_iter().map(|advance| match advance.backing(case) {
        Backing::TooEarly { waits_for } => waits_for,
        Backing::Backed(_) | Backing::Unbacked { .. } => vec![],
    });
    waiting.flatten().collect()
}
