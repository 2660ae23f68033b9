//! Recurring meetings: one truth per instance, with moved, cancelled, declined and excluded instances, written in
//! several zones. The instances are opened by hand here: six weeks from 24 days before now, so that four lie behind us.

use chrono::Duration;

use super::{
    super::build::{ANA, BOB, Builder},
    super::days,
    super::ics::When,
    super::meet::{BERLIN, Fate, NEW_YORK, Plan, held, vevent, with_status},
    super::truth::Status,
    meetings::only,
};

scenes![weekly, fortnightly_until, all_day, internal_series, two_calendars_one_series, extra_date];

fn master(b: &Builder, hour: u32) -> When {
    let local = days::date(b.now, 24).and_hms_opt(hour, 15, 0).expect("a time");
    When::Zoned("Europe/Berlin", BERLIN, local, Duration::minutes(45))
}

/// The truth of one instance at its usual time.
pub fn usual(b: &mut Builder, plan: &Plan, when: When, deal: &str) {
    let fate = if when.start() > b.now { with_status(Status::Planned, only(deal)) } else { held(true, only(deal)) };
    let plan = Plan { event: super::super::ics::Vevent { when, ..plan.event.clone() }, ..plan.clone() };
    b.instance(&plan, Some(when.start()), &fate);
}

/// Six weeks: the 2nd cancelled, the 3rd excluded, the 4th moved by a day with its RECURRENCE-ID in another zone, the
/// 6th with an answer of its own.
fn weekly(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let rep = b.rep_with_calendar();
    let deal = b.deal(&company, rep);
    let ana = b.user(rep);
    let when = master(b, 10);
    let mut plan = b.plan(&ana, &[(&kim, "ACCEPTED")], when);
    let times: Vec<When> = (0..6).map(|i| when.plus_days(7 * i)).collect();
    plan.event.lines = vec!["RRULE:FREQ=WEEKLY;COUNT=6".into(), times[2].line("EXDATE")];
    let mut cancelled = vevent(&plan);
    cancelled.when = times[1];
    cancelled.status = Some("CANCELLED");
    cancelled.sequence = 1;
    cancelled.lines = vec![times[1].line("RECURRENCE-ID")];
    let mut moved = vevent(&plan);
    moved.when = times[3].plus_days(1);
    moved.sequence = 2;
    let original = times[3].start();
    let elsewhere = original.with_timezone(&NEW_YORK).naive_local();
    moved.lines = vec![if b.rng.chance(50) {
        format!("RECURRENCE-ID:{}", days::basic(original))
    } else {
        format!("RECURRENCE-ID;TZID=America/New_York:{}", days::basic_local(elsewhere))
    }];
    b.put(&plan, &[vevent(&plan), cancelled, moved]);
    for i in [0, 4, 5] {
        usual(b, &plan, times[i], &deal);
    }
    let at = |plan: &Plan, when: When| Plan {
        event: super::super::ics::Vevent { when, ..plan.event.clone() },
        ..plan.clone()
    };
    b.instance(&at(&plan, times[1]), Some(times[1].start()), &with_status(Status::Cancelled, only(&deal)));
    b.instance(&at(&plan, times[3].plus_days(1)), Some(original), &held(true, only(&deal)));
}

/// Every second week until a date; one instance that the guest declined.
fn fortnightly_until(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let rep = b.rep_with_calendar();
    let deal = b.deal(&company, rep);
    let ana = b.user(rep);
    let when = master(b, 13);
    let mut plan = b.plan(&ana, &[(&kim, "ACCEPTED")], when);
    let times: Vec<When> = (0..3).map(|i| when.plus_days(14 * i)).collect();
    plan.event.lines = vec![format!("RRULE:FREQ=WEEKLY;INTERVAL=2;UNTIL={}", days::basic(times[2].start()))];
    let mut without = plan.clone();
    without.guests[1].1 = "DECLINED";
    let mut declined = vevent(&without);
    declined.when = times[1];
    declined.lines = vec![times[1].line("RECURRENCE-ID")];
    b.put(&plan, &[vevent(&plan), declined]);
    usual(b, &plan, times[0], &deal);
    usual(b, &plan, times[2], &deal);
    plan.event.when = times[1];
    b.instance(&plan, Some(times[1].start()), &with_status(Status::Declined, only(&deal)));
}

fn all_day(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let rep = b.rep_with_calendar();
    let deal = b.deal(&company, rep);
    let ana = b.user(rep);
    let when = When::AllDay(days::date(b.now, 60), 1);
    let mut plan = b.plan(&kim, &[(&ana, "ACCEPTED")], when);
    plan.event.lines = vec!["RRULE:FREQ=WEEKLY;COUNT=3".into(), when.plus_days(7).line("EXDATE")];
    b.put(&plan, &[vevent(&plan)]);
    usual(b, &plan, when, &deal);
    usual(b, &plan, when.plus_days(14), &deal);
}

/// Every instance of an internal series has a decision of its own.
fn internal_series(b: &mut Builder) {
    let (ana, bob) = (b.user(ANA), b.user(BOB));
    let when = master(b, 9);
    let mut plan = b.plan(&ana, &[(&bob, "ACCEPTED")], when);
    plan.event.lines = vec!["RRULE:FREQ=WEEKLY;COUNT=4".into()];
    b.put(&plan, &[vevent(&plan)]);
    for i in 0..4 {
        let when = when.plus_days(7 * i);
        plan.event.when = when;
        b.instance(&plan, Some(when.start()), &Fate::Skipped("no_outsider"));
    }
}

/// The same series in two calendars.
fn two_calendars_one_series(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let deal = b.deal(&company, ANA);
    let (ana, bob) = (b.user(ANA), b.user(BOB));
    let when = master(b, 15);
    let mut plan = b.plan(&kim, &[(&ana, "ACCEPTED"), (&bob, "ACCEPTED")], when);
    plan.event.lines = vec!["RRULE:FREQ=WEEKLY;COUNT=5".into()];
    b.put(&plan, &[vevent(&plan)]);
    for i in 0..5 {
        usual(b, &plan, when.plus_days(7 * i), &deal);
    }
}

/// A date added to the series (RDATE).
fn extra_date(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let rep = b.rep_with_calendar();
    let deal = b.deal(&company, rep);
    let ana = b.user(rep);
    let when = master(b, 11);
    let mut plan = b.plan(&ana, &[(&kim, "ACCEPTED")], when);
    let extra = when.plus_days(33);
    plan.event.lines = vec!["RRULE:FREQ=WEEKLY;COUNT=2".into(), extra.line("RDATE")];
    b.put(&plan, &[vevent(&plan)]);
    for time in [when, when.plus_days(7), extra] {
        usual(b, &plan, time, &deal);
    }
}
