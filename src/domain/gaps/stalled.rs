//! `stalled`: an open deal stays in its stage for far longer than won deals did; where too few were won to compare with, for
//! longer than a fixed time. A fact of the CRM: no capture is needed to see it, so it is never unknown. However lively the
//! deal is, it does not move.

use chrono::{DateTime, Utc};

use super::{
    Ending, Judge, Outcome, Verdict,
    case::Case,
    finding::{Finding, Rule, Severity},
    moves,
    stays::Usual,
    words,
};
use crate::domain::span::Span;

struct Stay {
    entered: DateTime<Utc>,
    /// When it has lasted too long.
    due: DateTime<Utc>,
    after: Span,
    usual: Option<Usual>,
}

fn stay(case: &Case<'_>) -> Option<Stay> {
    let (after, usual) = case.stay_limit().filter(|_| case.is_open())?;
    let entered = moves::entered_current(case.deal)?;
    let due = case.calendar(case.owner_at(case.now())).add(entered, after);
    Some(Stay { entered, due, after, usual })
}

pub(super) const JUDGE: Judge = Judge { ending, next, ..Judge::new(Rule::Stalled, judge) };

fn judge(case: &Case<'_>, verdicts: &mut Vec<Verdict>) {
    let Some(stay) = stay(case).filter(|s| s.due <= case.now()) else { return };
    let owner = case.owner_at(case.now());
    let stage = case.stage_name(&case.deal.stage);
    let usual = match stay.usual {
        Some(usual) => {
            let won = match usual.from {
                0 | 1 => "the deals that were won".to_owned(),
                n => format!("at least {n} deals that were won"),
            };
            format!("; of {won} {} % left it {}", usual.percent, words::within(Span::Days(usual.days)))
        }
        None => String::new(),
    };
    let finding = Finding {
        severity: if case.is_large() { Severity::High } else { Severity::Low },
        owner: Some(owner.to_owned()),
        to_stage: Some(case.deal.stage.clone()),
        window_from: Some(stay.entered),
        window_to: Some(stay.due),
        expected: words::sentence(&format!("the deal left {stage} {}", words::within(stay.after))),
        found: words::sentence(&format!("it has stood there since {}{usual}", case.day(owner, stay.entered))),
        clears_when: "Move the deal on when the buyer has taken the next step, or close it.".to_owned(),
        ..super::blank(case, Rule::Stalled, stay.entered.timestamp_millis().to_string(), stay.due)
    };
    verdicts.push(Verdict { outcome: Outcome::Stands, finding });
}

/// It moved on: that is what was asked for. Anything else takes the cause away.
fn ending(case: &Case<'_>, finding: &Finding) -> Ending {
    let left = |m: &moves::Move| Some(&m.from) == finding.to_stage.as_ref() && m.at > finding.since;
    match moves::moves(case.deal).into_iter().find(left) {
        Some(step) if step.is_forward(case.facts.directory) => Ending::Resolved { by: None, at: step.at },
        _ => Ending::Withdrawn,
    }
}

fn next(case: &Case<'_>, moments: &mut Vec<DateTime<Utc>>) {
    moments.extend(stay(case).map(|s| s.due));
}

#[cfg(test)]
mod tests {
    use super::super::{
        Rule, Severity, State,
        world::{World, deal, mail_in, meeting, t},
    };

    const STALLED: &[Rule] = &[Rule::Stalled];

    /// In Discovery since 3 October: thirty days are over on 2 November.
    fn stuck(now: &str) -> World {
        World::new(now).moved("10-03", "Discovery")
    }

    /// So many deals, each of which left Discovery for good after so many days.
    fn with_won(mut world: World, count: usize, days: u32) -> World {
        for i in 0..count {
            let mut other = World::new("12-01");
            other.deal = deal(&format!("w{i}"), "Lead");
            let out = t("09-02") + chrono::Duration::days(i64::from(days));
            let other = other.moved("09-02", "Discovery").moved(&out.format("%m-%d %H:%M").to_string(), "Won");
            world.others.push(other.deal);
        }
        world
    }

    #[test]
    fn fires_after_thirty_days_however_lively() {
        assert_eq!(stuck("11-02 11:59").findings(STALLED), []);
        let lively = stuck("11-02").with(mail_in("a", "11-01")).with(meeting("m", "11-05", true));
        let found = lively.findings(STALLED);
        assert_eq!((found[0].state, found[0].severity, found[0].since), (State::Open, Severity::Low, t("11-02")));
        assert_eq!(found[0].expected, "The deal left Discovery within 30 days.");
        assert_eq!(found[0].found, "It has stood there since 3 Oct.");
        assert!(stuck("10-20").outlook(&[]).next_due.is_some_and(|at| at <= t("11-02")));
        // Capture has no say in it.
        assert_eq!(stuck("11-20").drop_connection("ana-mail").states(STALLED), [(Rule::Stalled, State::Open)]);
        let mut large = stuck("11-20");
        large.deal.amount = Some(50_000.0);
        assert_eq!(large.findings(STALLED)[0].severity, Severity::High);
    }

    #[test]
    fn what_does_not_fire() {
        let cases = [
            ("moved on", stuck("11-20").moved("10-30", "Proposal")),
            ("won", stuck("11-20").moved("10-30", "Won")),
            ("lost", stuck("11-20").moved("10-30", "Lost")),
            ("a slip keeps the entry", stuck("11-01").moved("10-20", "Proposal").moved("10-20 14:00", "Discovery")),
        ];
        for (name, world) in cases {
            assert_eq!(world.states(STALLED), [], "{name}");
        }
        let slipped = stuck("11-03").moved("10-20", "Proposal").moved("10-20 14:00", "Discovery");
        assert_eq!(slipped.states(STALLED), [(Rule::Stalled, State::Open)]);
    }

    #[test]
    fn won_deals_set_the_limit_once_there_are_enough() {
        // Ten days each: the limit is fifteen, on 18 October.
        assert_eq!(with_won(stuck("10-18 11:59"), 20, 10).findings(STALLED), []);
        let found = with_won(stuck("10-18"), 20, 10).findings(STALLED);
        assert_eq!(found[0].expected, "The deal left Discovery within 15 days.");
        assert_eq!(
            found[0].found,
            "It has stood there since 3 Oct; of at least 20 deals that were won 75 % left it within 10 days."
        );
        // deals are judged again when the limit changes: one more changes nothing that is said
        assert_eq!(with_won(stuck("10-18"), 21, 10).findings(STALLED), found);
        // One too few: thirty days. And slow ones make it longer than that.
        assert_eq!(with_won(stuck("10-18"), 19, 10).findings(STALLED), []);
        assert_eq!(with_won(stuck("11-20"), 20, 40).findings(STALLED), []);
        assert_eq!(with_won(stuck("12-02"), 20, 40).states(STALLED), [(Rule::Stalled, State::Open)]);
    }

    #[test]
    fn thresholds_per_stage() {
        let cases = [
            (Some("Discovery"), "after", "60d", false),
            (Some("Sales/Discovery"), "after", "60d", false),
            (Some("Lead"), "after", "60d", true),
            (None, "after", "60d", false),
            (Some("Discovery"), "enabled", "false", false),
        ];
        for (stage, key, value, fires) in cases {
            let world = stuck("11-20").set("stalled", stage, key, value);
            assert_eq!(!world.findings(STALLED).is_empty(), fires, "{stage:?} {key} {value}");
        }
        let factor = |value| with_won(stuck("10-18"), 20, 10).set("stalled", Some("Discovery"), "factor", value);
        assert_eq!(factor("2").findings(STALLED), []);
        assert_eq!(factor("1.5").findings(STALLED).len(), 1);
        let few = with_won(stuck("10-18"), 5, 10).set("stalled", None, "from_won", "5");
        assert_eq!(few.findings(STALLED).len(), 1);
    }

    #[test]
    fn moving_on_resolves_and_losing_withdraws() {
        let open = stuck("11-20").judged(&[]);
        let state = |world: World| {
            let all = world.judged(&open);
            let one = all.iter().find(|f| f.rule == Rule::Stalled).expect("kept");
            (one.state, one.resolved_at)
        };
        assert_eq!(state(stuck("11-20").moved("11-19", "Proposal")), (State::Resolved, Some(t("11-19"))));
        assert_eq!(state(stuck("11-20").moved("11-19", "Won")), (State::Resolved, Some(t("11-19"))));
        assert_eq!(state(stuck("11-20").moved("11-19", "Lost")), (State::Withdrawn, None));
        assert_eq!(state(stuck("11-20").moved("11-19", "Lead")), (State::Withdrawn, None));
        assert_eq!(state(stuck("11-20").set("stalled", None, "after", "90d")), (State::Withdrawn, None));
    }

    #[test]
    fn a_snooze_survives_judging() {
        stuck("11-10").survives_a_snooze(Rule::Stalled);
    }
}
