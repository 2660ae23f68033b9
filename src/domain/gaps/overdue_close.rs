//! `overdue_close`: an open deal whose close date has passed in its owner's zone. A fact of the CRM: no capture is needed to
//! see it, so it is never unknown.

use chrono::{DateTime, Utc};

use super::{
    Judge, Outcome, Verdict,
    case::Case,
    finding::{Finding, Rule, Severity},
    words,
};

/// When the close date has passed.
fn due(case: &Case<'_>) -> Option<DateTime<Utc>> {
    let after = case.overdue_after().filter(|_| case.is_open())?;
    let calendar = case.calendar(case.owner_at(case.now()));
    Some(calendar.add(calendar.end_of(case.deal.close_date?), after))
}

pub(super) const JUDGE: Judge = Judge { next, ..Judge::new(Rule::OverdueClose, judge) };

fn judge(case: &Case<'_>, verdicts: &mut Vec<Verdict>) {
    let (Some(due), Some(date)) = (due(case).filter(|due| *due <= case.now()), case.deal.close_date) else { return };
    let owner = case.owner_at(case.now());
    let day = case.date(owner, date);
    let finding = Finding {
        severity: if case.is_large() { Severity::High } else { Severity::Low },
        owner: Some(owner.to_owned()),
        to_stage: Some(case.deal.stage.clone()),
        expected: words::sentence(&format!("the deal closed by {day}")),
        found: words::sentence(&format!("it is still open in {}", case.stage_name(&case.deal.stage))),
        clears_when: words::sentence("close the deal, or give it a new close date"),
        ..super::blank(case, Rule::OverdueClose, date.to_string(), due)
    };
    verdicts.push(Verdict { outcome: Outcome::Stands, finding });
}

fn next(case: &Case<'_>, moments: &mut Vec<DateTime<Utc>>) {
    moments.extend(due(case));
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::super::{
        Finding, Rule, Severity, State,
        world::{ANA, World, t},
    };

    const CLOSE: &[Rule] = &[Rule::OverdueClose];

    fn due(day: &str, now: &str) -> World {
        let mut world = World::new(now);
        world.deal.close_date = format!("2026-{day}").parse::<NaiveDate>().ok();
        world
    }

    #[test]
    fn fires_when_the_day_is_over_where_the_owner_is() {
        let cases = [
            (chrono_tz::UTC, "11-15 23:59", false),
            (chrono_tz::UTC, "11-16 00:00", true),
            (chrono_tz::Europe::Berlin, "11-15 22:59", false),
            (chrono_tz::Europe::Berlin, "11-15 23:00", true),
            (chrono_tz::America::New_York, "11-16 04:59", false),
            (chrono_tz::America::New_York, "11-16 05:00", true),
        ];
        for (zone, now, fires) in cases {
            let mut world = due("11-15", now);
            world.zone = zone;
            assert_eq!(!world.findings(CLOSE).is_empty(), fires, "{zone} {now}");
        }
        let finding = due("11-15", "11-20").findings(CLOSE).remove(0);
        assert_eq!((finding.state, finding.severity, finding.since), (State::Open, Severity::Low, t("11-16 00:00")));
        assert_eq!((finding.owner.as_deref(), finding.key.as_str()), (Some(ANA), "2026-11-15"));
        assert_eq!(
            (finding.expected.as_str(), finding.found.as_str()),
            ("The deal closed by 15 Nov.", "It is still open in Lead.")
        );
        assert_eq!(due("11-15", "11-14").outlook(&[]).next_due, Some(t("11-16 00:00")));
    }

    #[test]
    fn only_open_deals_with_a_date() {
        assert_eq!(World::new("11-20").findings(CLOSE), []);
        assert_eq!(due("11-15", "11-20").moved("11-10", "Won").findings(CLOSE), []);
        assert_eq!(due("11-15", "11-20").moved("11-10", "Lost").findings(CLOSE), []);
        // A fact of the CRM: capture has no say in it.
        assert_eq!(due("11-15", "11-20").drop_connection("ana-mail").findings(CLOSE)[0].state, State::Open);
        let patient = due("11-15", "11-20").set("overdue_close", Some("Lead"), "after", "5d");
        assert_eq!(patient.findings(CLOSE), []);
        assert_eq!(patient.at("11-21 00:00").findings(CLOSE).len(), 1);
        assert_eq!(due("11-15", "11-20").set("overdue_close", None, "enabled", "false").findings(CLOSE), []);
    }

    #[test]
    fn a_new_date_or_a_closed_deal_ends_it() {
        let open = due("11-15", "11-20").judged(&[]);
        let state = |all: &[Finding]| -> Vec<State> {
            all.iter().filter(|f| f.rule == Rule::OverdueClose).map(|f| f.state).collect()
        };
        let moved = due("12-15", "11-20").judged(&open);
        assert_eq!(state(&moved), [State::Withdrawn]);
        assert_eq!(state(&due("12-15", "12-20").judged(&moved)), [State::Withdrawn, State::Open]);
        assert_eq!(state(&due("11-15", "11-20").moved("11-20", "Won").judged(&open)), [State::Withdrawn]);
    }
}
