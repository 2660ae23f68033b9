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
use crate::domain::{
    activity::{Activity, Kind, Origin, Status},
    directory::Task,
};

/// 1 October plus that many hours.
fn hour(h: u32) -> DateTime<Utc> {
    t("10-01 00:00") + Duration::hours(i64::from(h))
}

fn text(at: DateTime<Utc>) -> String {
    at.format("%m-%d %H:%M").to_string()
}

fn any_activity() -> impl Strategy<Value = Activity> {
    (0u32..2000, 0usize..14, 0usize..4).prop_map(|(h, kind, tie)| {
        let (at, id) = (text(hour(h)), format!("a{h}-{kind}-{tie}"));
        let activity = match kind {
            11 => mail_from(&id, &at, "eve@northwind.example"),
            12 => Activity { tags: vec!["quote".into()], ..mail_out(&id, &at) },
            13 => Activity { tags: vec!["order".into()], automatic: true, ..mail_in(&id, &at) },
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

/// What the CRM tells of the deal: changes of fields, tasks, quotes, and deals that were won before.
#[derive(Clone, Debug)]
struct Told {
    changes: Vec<(u32, usize, u32)>,
    tasks: Vec<(u32, Option<u32>, bool)>,
    quotes: Vec<u32>,
    won: usize,
    needs: &'static str,
}

prop_compose! {
    fn any_told()(
        changes in prop::collection::vec((0u32..1700, 0usize..3, 0u32..40), 0..8),
        tasks in prop::collection::vec((0u32..1900, prop::option::of(0u32..1900), any::<bool>()), 0..3),
        quotes in prop::collection::vec(0u32..1900, 0..2),
        won in 0usize..4,
        needs in prop::sample::select(vec!["", "quote_sent", "meeting_held, buyer_reply", "two_contacts, purchase_order"]),
    ) -> Told {
        Told { changes, tasks, quotes, won, needs }
    }
}

impl Told {
    fn add_to(mut self, mut world: World) -> World {
        self.changes.sort_unstable();
        let (mut stood, now) = ([20u32; 3], world.now);
        for (h, field, to) in self.changes.into_iter().filter(|c| hour(c.0) <= now) {
            let (name, say): (_, fn(u32) -> String) = match field {
                0 => ("close_date", |n| hour(n * 50).date_naive().to_string()),
                1 => ("amount", |n| (n * 50).to_string()),
                _ => ("forecast_category", |n| if n % 2 == 0 { "commit".into() } else { "pipeline".into() }),
            };
            world = world.changed(name, &text(hour(h)), &say(stood[field]), &say(to));
            stood[field] = to;
        }
        world.deal.amount = Some(f64::from(stood[1] * 50));
        world.deal.forecast_category = Some(if stood[2] % 2 == 0 { "commit".into() } else { "pipeline".into() });
        let task = |(i, (due, done, mine)): (usize, (u32, Option<u32>, bool))| Task {
            id: format!("t{i}"),
            deal: mine.then(|| "d1".to_owned()),
            contact: Some("tom".into()),
            owner: if mine { ANA.into() } else { BEN.into() },
            due: hour(due),
            done_at: done.map(hour),
        };
        world.tasks = self.tasks.into_iter().enumerate().map(task).collect();
        world.quotes = self.quotes.into_iter().map(hour).collect();
        for i in 0..self.won {
            let mut other = World::new("12-01");
            other.deal = deal(&format!("w{i}"), "Lead");
            let other = other.moved("09-05", "Discovery").moved("09-15", "Proposal").moved("09-29", "Won");
            world.others.push(other.deal);
        }
        world = world.set("stalled", None, "from_won", "3").set("single_threaded", None, "from_stage", "2");
        world.set("missing_evidence", None, "needs", self.needs)
    }
}

prop_compose! {
    fn any_world()(
        told in any_told(),
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
        let world = told.add_to(world);
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Judged only when it is due, a deal shows at every hour what it would show if it were judged then.
    #[test]
    fn judging_when_due_is_judging_every_hour(world in any_world(), hours in 24u32..400) {
        let mut kept = world.judged(&[]);
        let mut due = world.outlook(&kept).next_due;
        // A new year would be written into every date.
        let end = hour(2100).min(world.now + Duration::hours(i64::from(hours)));
        let mut at = world.now;
        while at < end {
            at += Duration::hours(1);
            while let Some(moment) = due.filter(|moment| *moment <= at) {
                let then = World { now: moment, ..world.clone() };
                kept = then.judged(&kept);
                due = then.outlook(&kept).next_due;
            }
            let now = World { now: at, ..world.clone() };
            prop_assert_eq!(live(&kept), live(&now.judged(&[])), "at {}", at);
        }
    }
}
