//! `skipped_stage`: a forward move passed over one or more stages. Well supported or not: what those stages stand for was
//! never asked. A fact of the CRM, so it is never unknown. Nothing is said before a day has gone by, since a move that is
//! corrected within a day is none; nothing is asked of a lost deal.

use chrono::{DateTime, Utc};

use super::{
    Judge, Outcome, Verdict,
    case::Case,
    finding::{Finding, Rule, Severity},
    moves::{self, Move, ONE_MOVE},
    words,
};
use crate::domain::directory::Stage;

pub(super) const JUDGE: Judge = Judge { next, ..Judge::new(Rule::SkippedStage, judge) };

fn jumps<'a>(case: &Case<'a>) -> Vec<(Move, Vec<&'a Stage>)> {
    if case.is_lost() {
        return vec![];
    }
    let directory = case.facts.directory;
    let forward = moves::moves(case.deal).into_iter().filter(|m| m.is_forward(directory));
    let judged = forward.filter(|m| case.stages().judges(Rule::SkippedStage, &m.to));
    judged.map(|m| (m.skipped(directory), m)).filter(|(over, _)| !over.is_empty()).map(|(over, m)| (m, over)).collect()
}

fn judge(case: &Case<'_>, verdicts: &mut Vec<Verdict>) {
    for (step, over) in jumps(case).into_iter().filter(|(m, _)| m.at + ONE_MOVE <= case.now()) {
        let owner = case.owner_at(step.at);
        let names: Vec<String> = over.iter().map(|s| s.name.clone()).collect();
        let names = words::list(&names);
        let (old, new) = (case.stage_name(&step.from), case.stage_name(&step.to));
        let outcome = match entered_since(case, &step, &over) {
            Some(at) => Outcome::Met { by: None, at: Some(at) },
            None => Outcome::Stands,
        };
        let finding = Finding {
            severity: if case.is_large() { Severity::Medium } else { Severity::Low },
            owner: Some(owner.to_owned()),
            from_stage: Some(step.from.clone()),
            to_stage: Some(step.to.clone()),
            deal_at: Some(step.at),
            at_quality: Some(step.quality),
            expected: words::sentence(&format!("{names} between {old} and {new}")),
            found: words::sentence(&format!(
                "on {} the deal went from {old} to {new} {}",
                case.day(owner, step.at),
                // clicked through: a stage that was left within a day was not gone through
                if step.began == step.at { "at once" } else { "within a day" }
            )),
            clears_when: words::sentence(&format!("take the deal back to {names}, or say why it was not needed")),
            ..super::blank(case, Rule::SkippedStage, step.began.timestamp_millis().to_string(), step.at + ONE_MOVE)
        };
        verdicts.push(Verdict { outcome, finding });
    }
}

/// When the last of the stages that were passed over had been entered after all.
fn entered_since(case: &Case<'_>, jump: &Move, over: &[&Stage]) -> Option<DateTime<Utc>> {
    let later: Vec<Move> = moves::moves(case.deal).into_iter().filter(|m| m.at > jump.at).collect();
    let entered = |stage: &&Stage| later.iter().find(|m| m.to == stage.id).map(|m| m.at);
    let all: Option<Vec<DateTime<Utc>>> = over.iter().map(entered).collect();
    all?.into_iter().max()
}

fn next(case: &Case<'_>, moments: &mut Vec<DateTime<Utc>>) {
    moments.extend(jumps(case).iter().map(|(m, _)| m.at + ONE_MOVE));
}

#[cfg(test)]
mod tests {
    use super::super::{
        Rule, Severity, State,
        world::{ANA, World, mail_in, t},
    };

    const SKIPPED: &[Rule] = &[Rule::SkippedStage];

    fn jumped(now: &str) -> World {
        World::new(now).moved("11-03", "Negotiation")
    }

    #[test]
    fn fires_a_day_after_a_jump() {
        assert_eq!(jumped("11-04 11:59").findings(SKIPPED), []);
        assert_eq!(jumped("11-03 13:00").outlook(&[]).next_due, Some(t("11-04")));
        let found = jumped("11-04").with(mail_in("a", "11-03")).findings(SKIPPED);
        assert_eq!((found[0].state, found[0].severity, found[0].since), (State::Open, Severity::Low, t("11-04")));
        assert_eq!((found[0].owner.as_deref(), found[0].deal_at), (Some(ANA), Some(t("11-03"))));
        assert_eq!(found[0].expected, "Discovery and Proposal between Lead and Negotiation.");
        assert_eq!(found[0].found, "On 3 Nov the deal went from Lead to Negotiation at once.");
        let clicked =
            World::new("11-20").moved("11-03", "Discovery").moved("11-03 13:00", "Proposal").findings(SKIPPED);
        assert_eq!(clicked[0].found, "On 3 Nov the deal went from Lead to Proposal within a day.");
        let mut large = jumped("11-20");
        large.deal.amount = Some(60_000.0);
        assert_eq!(large.findings(SKIPPED)[0].severity, Severity::Medium);
        // A fact of the CRM: blind or not.
        assert_eq!(jumped("11-20").drop_connection("ana-mail").findings(SKIPPED)[0].state, State::Open);
    }

    #[test]
    fn which_moves_jump() {
        let cases = [
            ("step by step", World::new("11-20").moved("11-03", "Discovery").moved("11-08", "Proposal"), 0),
            (
                "two clicks of one move",
                World::new("11-20").moved("11-03", "Discovery").moved("11-03 13:00", "Proposal"),
                1,
            ),
            ("corrected within the day", jumped("11-20").moved("11-03 15:00", "Discovery"), 0),
            ("taken back within the day", jumped("11-20").moved("11-03 15:00", "Lead"), 0),
            ("to won", World::new("11-20").moved("11-03", "Won"), 1),
            ("won, from the last stage", World::new("11-20").moved("09-20", "Negotiation").moved("11-03", "Won"), 1),
            ("lost", World::new("11-20").moved("11-03", "Lost"), 0),
            ("a jump, then lost", jumped("11-20").moved("11-10", "Lost"), 0),
            ("backwards", jumped("11-20").moved("11-10", "Lead"), 1),
            ("two jumps", World::new("11-20").moved("11-03", "Proposal").moved("11-10", "Won"), 2),
        ];
        for (name, world, want) in cases {
            assert_eq!(world.findings(SKIPPED).len(), want, "{name}");
        }
    }

    #[test]
    fn entering_all_of_them_resolves() {
        let open = jumped("11-20").judged(&[]);
        let state = |world: World| {
            let all = world.judged(&open);
            let one = all.iter().find(|f| f.rule == Rule::SkippedStage).expect("kept");
            (one.state, one.resolved_at, one.resolved_by.clone())
        };
        let half = || jumped("11-20").moved("11-10", "Discovery");
        assert_eq!(state(half()).0, State::Open);
        assert_eq!(state(half().moved("11-12", "Proposal")), (State::Resolved, Some(t("11-12")), None));
        assert_eq!(state(jumped("11-20").moved("11-12", "Lost")).0, State::Withdrawn);
    }

    #[test]
    fn it_is_switched_per_stage() {
        let cases =
            [(None, false), (Some("Negotiation"), false), (Some("Sales/Negotiation"), false), (Some("Proposal"), true)];
        for (stage, fires) in cases {
            let world = jumped("11-20").set("skipped_stage", stage, "enabled", "false");
            assert_eq!(!world.findings(SKIPPED).is_empty(), fires, "{stage:?}");
        }
    }

    #[test]
    fn a_snooze_survives_judging() {
        jumped("11-10").survives_a_snooze(Rule::SkippedStage);
    }
}
