//! `pushed_close`: the close date of an open deal was moved later again and again. A fact of the CRM, never unknown. Dates
//! set within a day of each other are one change; a date that is back at or before the first one begins the count anew. One
//! more push is another cause: what was said of the ones before says nothing of it.

use super::{
    Judge, Outcome, Verdict,
    case::Case,
    changes::{self, Change},
    finding::{Finding, Rule, Severity},
    moves, words,
};

pub(super) const JUDGE: Judge = Judge::new(Rule::PushedClose, judge);

/// The pushes that still count, oldest first.
fn pushes(case: &Case<'_>) -> Vec<Change<chrono::NaiveDate>> {
    let since = moves::open_since(case.deal, case.facts.directory);
    let mut pushes: Vec<Change<chrono::NaiveDate>> = Vec::new();
    for change in changes::changes(case.deal, "close_date", since, changes::date) {
        if pushes.first().is_some_and(|first| change.to <= first.from) {
            pushes.clear();
        } else if change.to > change.from {
            pushes.push(change);
        }
    }
    pushes
}

fn judge(case: &Case<'_>, verdicts: &mut Vec<Verdict>) {
    let Some(limits) = case.limits(Rule::PushedClose, &case.deal.stage).filter(|_| case.is_open()) else { return };
    let (pushes, most) = (pushes(case), limits.count("times").max(1));
    let (Some(reached), Some(first), Some(last)) = (pushes.get(most - 1), pushes.first(), pushes.last()) else {
        return;
    };
    let owner = case.owner_at(case.now());
    let times = if pushes.len() == 1 { "once".to_owned() } else { format!("{} times", pushes.len()) };
    let (was, is) = (case.date(owner, first.from), case.date(owner, last.to));
    let finding = Finding {
        severity: if case.is_large() { Severity::High } else { Severity::Medium },
        owner: Some(owner.to_owned()),
        deal_at: Some(last.at),
        expected: words::sentence(&format!("the deal closed by about {was}, as first planned")),
        found: words::sentence(&format!(
            "its close date was moved later {times}, last on {} to {is}",
            case.day(owner, last.at)
        )),
        clears_when: words::sentence(&format!("close the deal, or plan it again for {was} or before")),
        cause: Some(format!("{} {}", pushes.len(), last.to)),
        ..super::blank(case, Rule::PushedClose, first.from.to_string(), reached.at)
    };
    verdicts.push(Verdict { outcome: Outcome::Stands, finding });
}

#[cfg(test)]
mod tests {
    use super::super::{
        Finding, Rule, Severity, State,
        world::{ANA, World, t},
    };

    const PUSHED: &[Rule] = &[Rule::PushedClose];

    fn pushed(dates: &[(&str, &str, &str)]) -> World {
        let day = |d: &str| format!("2026-{d}");
        dates.iter().fold(World::new("11-20"), |w, (at, from, to)| w.changed("close_date", at, &day(from), &day(to)))
    }

    const THREE: &[(&str, &str, &str)] =
        &[("10-01", "10-15", "10-30"), ("10-25", "10-30", "11-30"), ("11-10", "11-30", "12-15")];

    #[test]
    fn fires_at_the_third_push() {
        assert_eq!(pushed(&THREE[..2]).findings(PUSHED), []);
        let finding = pushed(THREE).findings(PUSHED).remove(0);
        assert_eq!((finding.state, finding.severity, finding.since), (State::Open, Severity::Medium, t("11-10")));
        assert_eq!((finding.owner.as_deref(), finding.deal_at), (Some(ANA), Some(t("11-10"))));
        assert_eq!(finding.found, "Its close date was moved later 3 times, last on 10 Nov to 15 Dec.");
        assert_eq!(finding.clears_when, "Close the deal, or plan it again for 15 Oct or before.");
        assert_eq!(pushed(THREE).drop_connection("ana-mail").findings(PUSHED)[0].state, State::Open);
    }

    #[test]
    fn what_counts_as_a_push() {
        let with = |more: &[(&str, &str, &str)]| pushed(&[&THREE[..2], more].concat());
        let cases = [
            ("earlier", with(&[("11-10", "11-30", "11-20")]), 0),
            ("a slip within the day", with(&[("11-10 10:00", "11-30", "12-30"), ("11-10 11:00", "12-30", "11-30")]), 0),
            ("pushed on the same day as before", with(&[("10-25 15:00", "11-30", "12-30")]), 0),
            ("back where it began, then pushed", with(&[("11-05", "11-30", "10-15"), ("11-10", "10-15", "12-15")]), 0),
            ("a bit earlier, then pushed", with(&[("11-05", "11-30", "11-28"), ("11-10", "11-28", "12-15")]), 1),
            ("won", pushed(THREE).moved("11-19", "Won"), 0),
            ("lost", pushed(THREE).moved("11-19", "Lost"), 0),
            ("before it was taken up again", pushed(THREE).moved("11-11", "Lost").moved("11-15", "Lead"), 0),
        ];
        for (name, world, want) in cases {
            assert_eq!(world.findings(PUSHED).len(), want, "{name}");
        }
    }

    #[test]
    fn thresholds_per_stage() {
        for (stage, value, fires) in [
            (Some("Lead"), "4", false),
            (Some("Sales/Lead"), "4", false),
            (Some("Proposal"), "4", true),
            (None, "0", true),
        ] {
            assert_eq!(!pushed(THREE).set("pushed_close", stage, "times", value).findings(PUSHED).is_empty(), fires);
        }
        assert_eq!(pushed(&THREE[..2]).set("pushed_close", Some("Lead"), "times", "2").findings(PUSHED).len(), 1);
        assert_eq!(pushed(THREE).set("pushed_close", Some("Lead"), "enabled", "false").findings(PUSHED), []);
    }

    #[test]
    fn it_ends_with_the_deal_and_each_push_must_be_explained() {
        let open = pushed(THREE).judged(&[]);
        let one = |all: &[Finding]| all.iter().find(|f| f.rule == Rule::PushedClose).expect("kept").clone();
        assert_eq!(one(&pushed(THREE).moved("11-19", "Won").judged(&open)).state, State::Withdrawn);
        let back = [THREE, &[("11-15", "12-15", "10-15")]].concat();
        assert_eq!(one(&pushed(&back).judged(&open)).state, State::Withdrawn);
        let mut explained = open;
        explained.iter_mut().for_each(|f| f.explain("their budget round".into(), ANA.into()));
        assert_eq!(one(&pushed(THREE).at("12-01").judged(&explained)).state, State::Explained);
        let again = [THREE, &[("11-15", "12-15", "12-31")]].concat();
        let pushed_on = one(&pushed(&again).judged(&explained));
        assert_eq!((pushed_on.state, pushed_on.id == one(&explained).id), (State::Open, true));
    }

    #[test]
    fn a_snooze_survives_judging() {
        pushed(THREE).survives_a_snooze(Rule::PushedClose);
    }
}
