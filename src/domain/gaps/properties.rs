//! What holds of the gap rules in every world: random moves, activities, choices, connections and clocks.

use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;

use super::{
    Brings, Capture, Finding, Rule, State,
    advance::advances,
    world::{
        ADVANCES, ANA, BEN, World, call, connection, deal, mail_from, mail_in, mail_out, meeting, of_contact, pending,
        t, typed,
    },
};
use crate::domain::activity::{Activity, Kind, Origin, Status};

/// 1 October plus that many hours.
fn hour(h: u32) -> DateTime<Utc> {
    t("10-01 00:00") + Duration::hours(i64::from(h))
}

fn text(at: DateTime<Utc>) -> String {
    at.format("%m-%d %H:%M").to_string()
}

fn any_activity() -> impl Strategy<Value = Activity> {
    (0u32..2000, 0usize..11, 0usize..4).prop_map(|(h, kind, tie)| {
        let (at, id) = (text(hour(h)), format!("a{h}-{kind}-{tie}"));
        let activity = match kind {
            0 | 1 => mail_in(&id, &at),
            2 => mail_out(&id, &at),
            3 => meeting(&id, &at, true),
            4 => meeting(&id, &at, false),
            5 => Activity { status: Status::Cancelled, ..meeting(&id, &at, true) },
            6 => call(&id, &at, Origin::Captured),
            7 => typed(&id, Kind::Call, &at, false),
            8 => mail_from(&id, &at, "pat@reseller.example"),
            9 => typed(&id, Kind::Email, &at, false),
            _ => Activity { automatic: true, ..mail_in(&id, &at) },
        };
        match tie {
            0 => of_contact(activity),
            1 => pending(activity),
            _ => activity,
        }
    })
}

prop_compose! {
    fn any_world()(
        moves in prop::collection::vec((1u32..1500, prop::sample::select(vec!["Lead", "Discovery", "Proposal", "Negotiation", "Won", "Lost"]), any::<bool>()), 0..6),
        activities in prop::collection::vec(any_activity(), 0..8),
        now in 0u32..1700,
        (from, to, failing, calendar) in (0u32..1700, 0u32..1700, any::<bool>(), any::<bool>()),
        (whole, other, close) in (prop::bool::weighted(0.7), any::<bool>(), prop::option::of(0u32..1700)),
        (handed, connected, left) in (prop::option::of(0u32..1700), any::<bool>(), prop::option::weighted(0.2, 0u32..1700)),
        zone in prop::sample::select(vec![Tz::UTC, Tz::Europe__Berlin, Tz::America__New_York]),
    ) -> World {
        let mut world = World::new("10-01");
        world.now = hour(now);
        let mut moves = moves;
        moves.sort_unstable();
        for (h, stage, observed) in moves {
            if world.deal.stage != stage && hour(h) <= world.now {
                world = world.moved(&text(hour(h)), stage);
                if observed {
                    world = world.observed_since(&text(hour(h.saturating_sub(5))));
                }
            }
        }
        world.activities = activities;
        world.deal.close_date = close.map(|h| hour(h).date_naive());
        if other {
            world.others.push(deal("d2", "Lead"));
        }
        if !whole {
            world = world.ana("ana-mail", |c| {
                (c.complete_from, c.complete_to, c.failing) = (Some(hour(from.min(to).min(now)) - Duration::minutes(1)), Some(hour(to.min(now)) - Duration::minutes(1)), failing);
            });
        }
        if connected {
            let mailbox = Capture { connections: vec![connection("ben-mail", Brings::Mail)] };
            world.captures.insert(BEN.to_owned(), mailbox);
        }
        if let Some(handed) = handed.filter(|h| hour(*h) <= world.now) {
            world = world.owner_changed(&text(hour(handed)), ANA, BEN);
        }
        world.users[0].until = left.map(hour);
        world.zone = zone;
        if calendar { world } else { world.drop_connection("ana-calendar") }
    }
}

/// What asks for something, without what people set.
fn live(findings: &[Finding]) -> Vec<Finding> {
    let mut live: Vec<Finding> = findings.iter().filter(|f| f.state.is_live()).cloned().collect();
    live.sort_by(|a, b| a.id.cmp(&b.id));
    live
}

proptest! {
    #[test]
    fn the_order_of_activities_does_not_matter(world in any_world(), seed in any::<u64>()) {
        let mut other = world.clone();
        other.activities.extend(world.activities.iter().take(2).cloned());
        let n = other.activities.len().max(1);
        other.activities.rotate_left(seed as usize % n);
        other.activities.sort_by_key(|a| (seed ^ a.occurred_at.timestamp() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        prop_assert_eq!(world.judged(&[]), other.judged(&[]));
    }

    #[test]
    fn judging_twice_changes_nothing(world in any_world(), earlier in any_world()) {
        // Whatever stood there before, of this deal in another life.
        let once = world.judged(&earlier.judged(&[]));
        prop_assert_eq!(&world.judged(&once), &once);
        let mut ids: Vec<&str> = once.iter().map(|f| f.id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        prop_assert_eq!(ids.len(), once.len());
    }

    #[test]
    fn step_by_step_is_the_same_as_at_once(world in any_world(), steps in prop::collection::vec((0u32..1700, 0usize..8), 0..5)) {
        let mut kept = Vec::new();
        for (h, n) in steps {
            let mut then = world.clone();
            then.now = hour(h).min(world.now);
            then.deal.stage_changes.retain(|c| c.at <= then.now);
            if let Some(last) = then.deal.stage_changes.last() {
                then.deal.stage = last.to.clone();
            }
            then.activities.truncate(n);
            kept = then.judged(&kept);
        }
        let step_by_step = live(&world.judged(&kept));
        prop_assert_eq!(step_by_step, live(&world.judged(&[])));
    }

    #[test]
    fn evidence_inside_a_window_creates_nothing(world in any_world(), which in any::<prop::sample::Index>(), share in 0.0f64..=1.0) {
        let before = world.findings(ADVANCES);
        let windows = world.in_case(|case| advances(case).iter().map(|a| (a.from, a.to)).collect::<Vec<_>>());
        if windows.is_empty() {
            return Ok(());
        }
        let (from, to) = windows[which.index(windows.len())];
        let inside = from + Duration::milliseconds(((to - from).num_milliseconds() as f64 * share) as i64);
        if inside > world.now {
            return Ok(());
        }
        let mut evidence = mail_in("evidence", "11-01");
        evidence.occurred_at = inside;
        let after = world.with(evidence).findings(ADVANCES);
        for finding in &after {
            let same = before.iter().find(|f| f.id == finding.id);
            prop_assert!(same.is_some_and(|f| f.state == finding.state || finding.state == State::Resolved));
            prop_assert!(!(finding.window_from <= Some(inside) && Some(inside) <= finding.window_to));
        }
    }

    #[test]
    fn a_move_gives_one_finding_at_most(world in any_world()) {
        let findings = world.findings(ADVANCES);
        let mut moves: Vec<_> = findings.iter().map(|f| f.deal_at).collect();
        moves.sort_unstable();
        moves.dedup();
        prop_assert_eq!(moves.len(), findings.len());
        for f in &findings {
            prop_assert!(f.since <= world.now);
            prop_assert_eq!(f.state == State::Unknown, !(f.blind.is_empty() && f.pending.is_empty()));
            prop_assert_eq!(f.evidence.is_empty(), f.rule == Rule::UnsupportedAdvance);
        }
    }

    #[test]
    fn nothing_changes_before_it_is_due(world in any_world(), share in 0.0f64..1.0) {
        let now = world.judged(&[]);
        let due = world.outlook(&now).next_due.unwrap_or(hour(2100));
        prop_assert!(due > world.now);
        let mut later = world.clone();
        // A new year would be written into every date.
        let due = due.min(hour(2100));
        later.now = world.now + Duration::milliseconds(((due - world.now).num_milliseconds() as f64 * share) as i64);
        prop_assert_eq!(live(&later.judged(&[])), live(&now));
    }
}
