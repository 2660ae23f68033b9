//! What must hold for any calendar at all, and the rule engine beside the `rrule` crate on rules where both mean the same.

use std::collections::HashSet;

use chrono::{DateTime, TimeZone, Utc};
use proptest::prelude::*;

use super::{
    Limits, Outline,
    civil::DAY,
    expand::{Span, expand},
    key, read,
    rule::Rule,
};
use crate::Window;

fn window() -> Window {
    let year = |y| Utc.with_ymd_and_hms(y, 1, 1, 0, 0, 0).unwrap();
    Window { since: year(2026), until: year(2027) }
}

fn holds(bytes: &[u8]) -> Result<(), TestCaseError> {
    let (window, zone) = (window(), chrono_tz::America::St_Johns);
    let calendar = read(bytes, zone, &window);
    let outline = Outline::new(bytes);
    let listed: Vec<&str> = outline.series().map(|(uid, _)| uid).collect();
    let uids: HashSet<&str> = listed.iter().copied().collect();
    prop_assert_eq!(uids.len(), listed.len(), "every UID is listed once");
    let refused = calendar.refused.iter().filter(|r| r.uid.is_some()).count();
    prop_assert_eq!(calendar.series.len() + refused, listed.len(), "every UID is opened or refused");
    for series in &calendar.series {
        prop_assert!(series.events.len() <= Limits::INSTANCES);
        let keys: HashSet<String> = series.events.iter().map(|e| key("h", e)).collect();
        prop_assert_eq!(keys.len(), series.events.len(), "no instance stands twice");
        for event in &series.events {
            prop_assert!(event.start <= event.end);
            prop_assert!(event.start < window.until && (event.end > window.since || event.start >= window.since));
        }
    }
    Ok(())
}

/// Lines and pieces that meet in bad company.
fn line() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "BEGIN:VEVENT",
        "END:VEVENT",
        "BEGIN:VCALENDAR",
        "END:VCALENDAR",
        "BEGIN:VTIMEZONE",
        "END:VTIMEZONE",
        "BEGIN:STANDARD",
        "END:STANDARD",
        "BEGIN:VALARM",
        "END:VALARM",
        "UID:a",
        "UID:b",
        "TZID:Z",
        "TZOFFSETFROM:+0200",
        "TZOFFSETTO:-0930",
        "SEQUENCE:2",
        "STATUS:CANCELLED",
        " folded",
        "no colon",
        "",
        "ATTENDEE;CN=\"x:mailto:a@b.example",
        "METHOD:REQUEST",
    ]);
    let dated = prop::sample::select(vec![
        "DTSTART",
        "DTSTART;TZID=Z",
        "DTSTART;VALUE=DATE",
        "DTEND",
        "DTEND;TZID=Europe/Berlin",
        "RDATE",
        "RDATE;VALUE=PERIOD",
        "EXDATE",
        "EXDATE;VALUE=DATE",
        "RECURRENCE-ID",
        "RECURRENCE-ID;RANGE=THISANDFUTURE",
        "RECURRENCE-ID;TZID=Z",
        "DTSTAMP",
        "LAST-MODIFIED",
    ]);
    let date = prop_oneof![
        "20260[1-9][0-2][1-8]T[01][0-9]0000Z?",
        "20260[1-9][0-2][1-8]",
        "[0-9]{8}T[0-9]{6}Z?",
        "(0001|9999|1601)0101T000000(/PT1H|/P9999W)?",
        "\\PC{0,12}",
    ];
    let length = prop_oneof![Just("PT1H".to_owned()), "-?P[0-9]{1,9}[WD]", "P\\PC{0,4}"];
    prop_oneof![
        4 => name.prop_map(str::to_owned),
        4 => (dated, date).prop_map(|(n, d)| format!("{n}:{d}")),
        1 => length.prop_map(|d| format!("DURATION:{d}")),
        2 => text_rule().prop_map(|r| format!("RRULE:{r}")),
        1 => text_rule().prop_map(|r| format!("EXRULE:{r}")),
        1 => "[A-Z]{1,9};?\\PC{0,9}:\\PC{0,20}",
    ]
}

fn text_rule() -> impl Strategy<Value = String> {
    let freq = prop::sample::select(vec!["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "SECONDLY", "X"]);
    let part = prop_oneof![
        "INTERVAL=[0-9]{1,10}",
        "COUNT=[0-9]{1,10}",
        "UNTIL=2026(0[1-9])(0[1-9])(T000000Z)?",
        "BYDAY=(-?[0-9]{1,2})?(MO|TU|SU)(,(1|-1)?(FR|SA))?",
        "BYMONTHDAY=-?[0-9]{1,2}(,-1)?",
        "BYMONTH=[0-9]{1,2}(,12)?",
        "BYYEARDAY=-?[0-9]{1,3}",
        "BYWEEKNO=-?[0-9]{1,2}",
        "BYSETPOS=-?[0-9]{1,2}",
        "BYHOUR=[0-9]{1,2}(,0,12,23)?",
        "BYMINUTE=[0-9]{1,2}",
        "WKST=(SU|WE)",
    ];
    (freq, prop::collection::vec(part, 0..4)).prop_map(|(f, parts)| format!("FREQ={f};{}", parts.join(";")))
}

/// Rules that RFC 5545 and the `rrule` crate read alike: no COUNT, no part that only DTSTART completes.
fn plain_rule() -> impl Strategy<Value = String> {
    let yearly = prop_oneof![
        Just("FREQ=YEARLY".to_owned()),
        "FREQ=YEARLY;BYMONTH=[1-9],1[12];BYDAY=(1|-1|3)(MO|SU),2FR",
        "FREQ=YEARLY;BYMONTH=[1-9];BYMONTHDAY=(1|31|-1|-29)",
        "FREQ=YEARLY;BYDAY=(1|-1|20|-52)(MO|TH)",
        "FREQ=YEARLY;BYYEARDAY=(1|60|366|-1|-366),100",
        "FREQ=YEARLY;BYWEEKNO=(2|20|50|-10);BYDAY=(MO|SU|TH)",
        "FREQ=YEARLY;BYMONTHDAY=(1[0-9]|31)",
    ];
    let monthly = prop_oneof![
        Just("FREQ=MONTHLY".to_owned()),
        "FREQ=MONTHLY;BYDAY=(1|-1|5)(MO|SU),2TU",
        "FREQ=MONTHLY;BYMONTHDAY=(1|31|-1|-31),15",
        "FREQ=MONTHLY;BYMONTHDAY=13;BYDAY=FR",
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=(1|-1|-2)",
        "FREQ=MONTHLY;BYMONTH=(2|9);BYDAY=SA",
    ];
    let often = prop_oneof![
        "FREQ=WEEKLY;BYDAY=(MO|TU|SU),(WE|SA)",
        Just("FREQ=WEEKLY".to_owned()),
        Just("FREQ=DAILY".to_owned()),
        "FREQ=DAILY;BYDAY=(MO|SU),FR;BYMONTH=[1-9]",
        "FREQ=DAILY;BYMONTHDAY=(1|-1),7;BYHOUR=(3|9),20",
        "FREQ=HOURLY;BYHOUR=(3|9),20;BYMINUTE=0,30",
    ];
    let wkst = prop::sample::select(vec!["", ";WKST=SU", ";WKST=WE"]);
    (prop_oneof![yearly, monthly, often], 1..5_u8, wkst).prop_map(|(rule, n, w)| format!("{rule};INTERVAL={n}{w}"))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(96) })]

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        holds(&bytes)?;
    }

    #[test]
    fn any_lines(lines in prop::collection::vec(line(), 0..40), end in prop::sample::select(vec!["\r\n", "\n", "\r"])) {
        holds(lines.join(end).as_bytes())?;
    }

    #[test]
    fn any_event(lines in prop::collection::vec(line(), 0..8), rule in text_rule()) {
        let text = format!(
            "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:a\nDTSTART:20260105T090000Z\nRRULE:{rule}\n{}\nEND:VEVENT\nEND:VCALENDAR\n",
            lines.join("\n")
        );
        holds(text.as_bytes())?;
    }

    #[test]
    fn rules_open_as_elsewhere(rule in plain_rule(), first in 10_000_i64..20_000, skip in 0_i64..4_000) {
        let start = first * DAY + 9 * 3_600;
        let at = |s: i64| DateTime::from_timestamp(s, 0).unwrap().with_timezone(&rrule::Tz::UTC);
        let (from, to) = (start + skip * DAY, start + (skip + 800) * DAY);
        let elsewhere = rule.parse::<rrule::RRule<rrule::Unvalidated>>().unwrap().validate(at(start)).unwrap();
        let elsewhere = rrule::RRuleSet::new(at(start)).rrule(elsewhere);
        let expected: Vec<i64> =
            elsewhere.into_iter().map(|d| d.timestamp()).skip_while(|s| *s < from).take_while(|s| *s < to).collect();
        let mut found = Vec::new();
        let span = Span { from, to, until: i64::MAX, start_counts: true };
        let mut work = Limits::WORK;
        let rule = Rule::parse(&rule).unwrap().unwrap();
        expand(&rule, start, span, &mut work, &mut |local| { found.push(local); true }).unwrap();
        prop_assert_eq!(found, expected);
    }

    /// Counting from the start and jumping to the window agree.
    #[test]
    fn jumping_agrees_with_walking(rule in plain_rule(), count in 1_u32..400, skip in 0_i64..3_000) {
        let start = 20_000 * DAY + 9 * 3_600;
        let open = |text: &str, from: i64| {
            let mut found = Vec::new();
            let span = Span { from, to: start + 4_000 * DAY, until: i64::MAX, start_counts: true };
            let rule = Rule::parse(text).unwrap().unwrap();
            expand(&rule, start, span, &mut Limits::WORK.clone(), &mut |local| { found.push(local); true }).unwrap();
            found
        };
        let from = start + skip * DAY;
        for text in [rule.clone(), format!("{rule};COUNT={count}")] {
            let walked: Vec<i64> = open(&text, start).into_iter().filter(|s| *s >= from).collect();
            prop_assert_eq!(open(&text, from), walked, "{}", text);
        }
    }
}

#[test]
fn reads_what_the_icalendar_crate_writes() {
    use icalendar::{Calendar, Class, Component, Event, EventLike};
    let start = Utc.with_ymd_and_hms(2026, 1, 5, 9, 0, 0).unwrap();
    let summary = "Kick-off; part 1, \\ \"quoted\"\nsecond line — größer";
    let mut event = Event::new();
    event
        .uid("u@x.example")
        .summary(summary)
        .description(&"long ".repeat(60))
        .starts(start)
        .ends(start + chrono::TimeDelta::hours(1));
    event.class(Class::Confidential).sequence(3);
    let text = Calendar::new().push(event.done()).done().to_string();
    let calendar = read(text.as_bytes(), chrono_tz::UTC, &window());
    let event = &calendar.series[0].events[0];
    assert_eq!(event.summary.as_deref(), Some(summary));
    assert_eq!(event.description.as_deref(), Some("long ".repeat(60).trim()));
    assert_eq!(
        (event.uid.as_str(), event.sequence, event.class),
        ("u@x.example", 3, crate::record::Class::Confidential)
    );
    assert_eq!((event.start, event.end), (start, start + chrono::TimeDelta::hours(1)));
}
