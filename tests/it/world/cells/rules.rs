//! Series by richer rules: across a change of the clocks, by weekday of the month, and changed from one instance on.

use chrono::{Datelike as _, Duration, NaiveDate, Weekday};

use super::{
    super::build::Builder,
    super::days,
    super::ics::When,
    super::meet::{BERLIN, NEW_YORK, held, vevent},
    meetings::only,
    series::usual,
};

scenes![across_the_year, last_fridays, from_now_on];

/// Seven months of weeks in two zones: the clocks change on the way.
fn across_the_year(b: &mut Builder) {
    for (id, zone) in [("Europe/Berlin", BERLIN), ("America/New_York", NEW_YORK)] {
        let (company, _, kim) = b.account();
        let rep = b.rep_with_calendar();
        let deal = b.deal(&company, rep);
        let ana = b.user(rep);
        let local = days::date(b.now, 101).and_hms_opt(9, 30, 0).expect("a time");
        let when = When::Zoned(id, zone, local, Duration::minutes(30));
        let mut plan = b.plan(&ana, &[(&kim, "ACCEPTED")], when);
        plan.event.lines = vec!["RRULE:FREQ=WEEKLY;COUNT=32".into()];
        b.put(&plan, &[vevent(&plan)]);
        for i in 0..32 {
            usual(b, &plan, when.plus_days(7 * i), &deal);
        }
    }
}

/// The last Friday of a month, and the working days of two weeks: all of them past.
fn last_fridays(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let rep = b.rep_with_calendar();
    let deal = b.deal(&company, rep);
    let ana = b.user(rep);
    let range = |b: &Builder, from: i64, to: i64| (to..=from).rev().map(|d| days::date(b.now, d)).collect::<Vec<_>>();
    let last = |d: &NaiveDate| d.weekday() == Weekday::Fri && days::next(*d, 7).month() != d.month();
    let working = |d: &NaiveDate| !matches!(d.weekday(), Weekday::Sat | Weekday::Sun);
    let fridays: Vec<NaiveDate> = range(b, 145, 20).into_iter().filter(last).collect();
    let fortnight: Vec<NaiveDate> = range(b, 60, 47).into_iter().filter(working).collect();
    for (rule, dates) in [("FREQ=MONTHLY;BYDAY=-1FR", fridays), ("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", fortnight)] {
        let at = |date: NaiveDate| {
            let local = date.and_hms_opt(16, 0, 0).expect("a time");
            When::Zoned("Europe/Berlin", BERLIN, local, Duration::minutes(20))
        };
        let mut plan = b.plan(&ana, &[(&kim, "ACCEPTED")], at(dates[0]));
        plan.event.lines = vec![format!("RRULE:{rule};COUNT={}", dates.len())];
        b.put(&plan, &[vevent(&plan)]);
        for date in dates {
            usual(b, &plan, at(date), &deal);
        }
    }
}

/// From the third instance on, everything is two hours later (RANGE=THISANDFUTURE).
fn from_now_on(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let rep = b.rep_with_calendar();
    let deal = b.deal(&company, rep);
    let ana = b.user(rep);
    let local = days::date(b.now, 80).and_hms_opt(9, 0, 0).expect("a time");
    let when = When::Zoned("Europe/Berlin", BERLIN, local, Duration::hours(1));
    let later = When::Zoned("Europe/Berlin", BERLIN, local + Duration::hours(2), Duration::hours(1));
    let mut plan = b.plan(&ana, &[(&kim, "ACCEPTED")], when);
    plan.event.lines = vec!["RRULE:FREQ=WEEKLY;COUNT=5".into()];
    let mut rest = vevent(&plan);
    rest.when = later.plus_days(14);
    rest.sequence = 1;
    rest.lines = vec![when.plus_days(14).line("RECURRENCE-ID;RANGE=THISANDFUTURE")];
    b.put(&plan, &[vevent(&plan), rest]);
    for i in 0..5 {
        let time = if i < 2 { when } else { later }.plus_days(7 * i);
        plan.event.when = time;
        b.instance(&plan, Some(when.plus_days(7 * i).start()), &held(true, only(&deal)));
    }
}
