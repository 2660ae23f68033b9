//! Tricky calendars with their right answers, worked out from RFC 5545 by hand. The owner lives in Europe/Berlin, the
//! window is the year 2026.
//!
//! An answer is a line an instance: start and minutes (UTC), then its RECURRENCE-ID (`=` as the start, `-` single), then
//! flags (`o` own VEVENT, `d` all-day, `u` uncertain, `c` cancelled), then its summary.

use std::fmt::Write;

use chrono::{DateTime, TimeZone, Utc};
use rstest::rstest;

use super::{Calendar, Outline, key, read};
use crate::{Window, record::EventStatus};

fn window() -> Window {
    let year = |y| Utc.with_ymd_and_hms(y, 1, 1, 0, 0, 0).unwrap();
    Window { since: year(2026), until: year(2027) }
}

fn open(text: &str) -> Calendar {
    read(text.as_bytes(), chrono_tz::Europe::Berlin, &window())
}

/// Lines of one or more components -> a calendar with CRLF.
fn calendar(body: &str) -> String {
    let lines: Vec<&str> = body.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{}\r\nEND:VCALENDAR\r\n", lines.join("\r\n"))
}

/// Events as `lines | lines`, each of UID `a`, in one calendar behind the given VTIMEZONEs.
fn events(zones: &str, body: &str) -> String {
    let events = body.split('|').map(|e| format!("BEGIN:VEVENT\nUID:a\n{e}\nEND:VEVENT\n"));
    calendar(&format!("{zones}\n{}", events.collect::<String>()))
}

fn time(at: DateTime<Utc>) -> String {
    let text = at.format("%Y%m%dT%H%M").to_string();
    text.strip_prefix("2026").map_or(text.clone(), str::to_owned)
}

fn shown(calendar: &Calendar) -> String {
    let mut out = String::new();
    for event in calendar.series.iter().flat_map(|s| &s.events) {
        let id = match event.recurrence_id {
            None => "-".to_owned(),
            Some(id) if id == event.start => "=".to_owned(),
            Some(id) => time(id),
        };
        write!(out, "{} {} {id} ", time(event.start), (event.end - event.start).num_minutes()).unwrap();
        for (set, flag) in [
            (event.overridden, 'o'),
            (event.all_day, 'd'),
            (event.time_uncertain, 'u'),
            (event.status == EventStatus::Cancelled, 'c'),
        ] {
            if set {
                out.push(flag);
            }
        }
        writeln!(out, " {}", event.summary.as_deref().unwrap_or("")).unwrap();
    }
    out
}

fn tidy(text: &str) -> Vec<String> {
    let lines = text.lines().map(|l| l.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.filter(|l| !l.is_empty()).collect()
}

#[track_caller]
pub(super) fn check(zones: &str, body: &str, expected: &str) {
    let calendar = open(&events(zones, body));
    assert_eq!(calendar.refused, []);
    assert_eq!(tidy(&shown(&calendar)), tidy(expected), "{body}");
}

#[rstest]
#[case::utc(
    "DTSTART:20260105T090000Z\nDTEND:20260105T100000Z\nSUMMARY:Kick-off\\, part 1",
    "0105T0900 60 - Kick-off, part 1"
)]
#[case::zone_winter("DTSTART;TZID=Europe/Berlin:20260105T090000\nDURATION:PT45M", "0105T0800 45 -")]
#[case::zone_summer("DTSTART;TZID=Europe/Berlin:20260706T090000\nDURATION:PT45M", "0706T0700 45 -")]
#[case::floating_is_the_owners("DTSTART:20260706T090000\nDTEND:20260706T093000", "0706T0700 30 -")]
#[case::all_day("DTSTART;VALUE=DATE:20260105", "0105T0000 1440 - d")]
#[case::all_day_by_shape("DTSTART:20260105\nDTEND:20260107", "0105T0000 2880 - d")]
#[case::all_day_end_is_its_start("DTSTART;VALUE=DATE:20260105\nDTEND;VALUE=DATE:20260105", "0105T0000 1440 - d")]
#[case::all_day_duration("DTSTART;VALUE=DATE:20260105\nDURATION:P3D", "0105T0000 4320 - d")]
#[case::end_before_start("DTSTART:20260105T090000Z\nDTEND:20260105T080000Z", "0105T0900 0 -")]
#[case::no_end("DTSTART:20260105T090000Z", "0105T0900 0 -")]
#[case::negative_duration("DTSTART:20260105T090000Z\nDURATION:-PT1H", "0105T0900 0 -")]
#[case::end_unclear("DTSTART:20260105T090000Z\nDTEND:soon", "0105T0900 0 - u")]
#[case::end_in_another_zone(
    "DTSTART;TZID=Europe/Berlin:20260105T090000\nDTEND;TZID=America/New_York:20260105T120000",
    "0105T0800 540 -"
)]
#[case::end_is_a_date("DTSTART:20260105T090000Z\nDTEND;VALUE=DATE:20260106", "0105T0900 900 -")]
#[case::day_with_an_hour_as_end("DTSTART;VALUE=DATE:20260105\nDTEND:20260105T120000Z", "0104T2300 780 -")]
#[case::gap("DTSTART;TZID=Europe/Berlin:20260329T023000\nDURATION:PT1H", "0329T0130 60 -")]
#[case::fold("DTSTART;TZID=Europe/Berlin:20261025T023000\nDURATION:PT1H", "1025T0030 60 -")]
#[case::cancelled("DTSTART:20260105T090000Z\nSTATUS:CANCELLED", "0105T0900 0 - c")]
#[case::begins_before_the_window("DTSTART:20251230T090000Z\nDTEND:20260102T090000Z", "20251230T0900 4320 -")]
#[case::ends_as_the_window_begins("DTSTART:20251231T230000Z\nDTEND:20260101T000000Z", "")]
#[case::begins_as_the_window_ends("DTSTART:20270101T000000Z\nDTEND:20270101T010000Z", "")]
#[case::no_length_at_the_begin("DTSTART:20260101T000000Z", "0101T0000 0 -")]
fn single_events(#[case] body: &str, #[case] expected: &str) {
    check("", body, expected);
}

#[rstest]
#[case::over_the_change("TZID=Europe/Berlin:20260316T090000", "FREQ=WEEKLY;COUNT=3", "0316T0800 0323T0800 0330T0700")]
#[case::start_counts_though_outside(
    "TZID=UTC:20260109T090000",
    "FREQ=WEEKLY;BYDAY=MO;COUNT=3",
    "0109T0900 0112T0900 0119T0900"
)]
#[case::until_day("X=:20260105T090000Z", "FREQ=DAILY;UNTIL=20260107", "0105T0900 0106T0900 0107T0900")]
#[case::until_instant(
    "TZID=America/New_York:20260105T200000",
    "FREQ=DAILY;UNTIL=20260107T010000Z",
    "0106T0100 0107T0100"
)]
#[case::until_local("TZID=America/New_York:20260105T200000", "FREQ=DAILY;UNTIL=20260106T200000", "0106T0100 0107T0100")]
#[case::until_on_floating("X=:20260105T090000", "FREQ=DAILY;UNTIL=20260106T090000Z", "0105T0800 0106T0800")]
#[case::until_before_start("X=:20260105T090000Z", "FREQ=DAILY;UNTIL=20260101T000000Z", "")]
#[case::last_day_of_month("X=:20260131T090000Z", "FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=3", "0131T0900 0228T0900 0331T0900")]
#[case::no_31st("X=:20260131T090000Z", "FREQ=MONTHLY;COUNT=3", "0131T0900 0331T0900 0531T0900")]
#[case::last_friday("X=:20260130T090000Z", "FREQ=MONTHLY;BYDAY=-1FR;COUNT=3", "0130T0900 0227T0900 0327T0900")]
#[case::last_working_day(
    "X=:20260130T090000Z",
    "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=3",
    "0130T0900 0227T0900 0331T0900"
)]
#[case::second_and_last(
    "X=:20260106T090000Z",
    "FREQ=MONTHLY;BYDAY=TU;BYSETPOS=1,-1;COUNT=4",
    "0106T0900 0127T0900 0203T0900 0224T0900"
)]
#[case::friday_13th(
    "X=:20260213T090000Z",
    "FREQ=MONTHLY;BYMONTHDAY=13;BYDAY=FR;UNTIL=20261231",
    "0213T0900 0313T0900 1113T0900"
)]
#[case::week_begins_monday(
    "X=:20260804T090000Z",
    "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO",
    "0804T0900 0809T0900 0818T0900 0823T0900"
)]
#[case::week_begins_sunday(
    "X=:20260804T090000Z",
    "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU",
    "0804T0900 0816T0900 0818T0900 0830T0900"
)]
#[case::week_20("X=:20250512T090000Z", "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", "0511T0900")]
#[case::week_20_own_weekday("X=:20250514T090000Z", "FREQ=YEARLY;BYWEEKNO=20", "0513T0900")]
#[case::week_1_begins_last_year("X=:20250101T090000Z", "FREQ=YEARLY;BYWEEKNO=1;BYDAY=WE,TH", "0101T0900")]
#[case::twentieth_monday("X=:20250519T090000Z", "FREQ=YEARLY;BYDAY=20MO", "0518T0900")]
#[case::days_of_year("X=:20260101T090000Z", "FREQ=YEARLY;BYYEARDAY=1,100,-1", "0101T0900 0410T0900 1231T0900")]
#[case::months_and_days(
    "X=:20260310T090000Z",
    "FREQ=YEARLY;BYMONTH=3,6;BYMONTHDAY=10,-1",
    "0310T0900 0331T0900 0610T0900 0630T0900"
)]
#[case::first_monday_of_months("X=:20250901T090000Z", "FREQ=YEARLY;BYMONTH=9;BYDAY=1MO", "0907T0900")]
#[case::daily_in_january("X=:20250130T090000Z", "FREQ=DAILY;BYMONTH=1;INTERVAL=15;UNTIL=20260120", "0110T0900")]
#[case::twice_a_day("X=:20260105T090000Z", "FREQ=DAILY;BYHOUR=9,15;COUNT=3", "0105T0900 0105T1500 0106T0900")]
#[case::hourly("X=:20260105T200000Z", "FREQ=HOURLY;INTERVAL=6;COUNT=3", "0105T2000 0106T0200 0106T0800")]
#[case::leap_day_only("X=:20240229T090000Z", "FREQ=YEARLY", "")]
#[case::blanks("X=:20260105T090000Z", "FREQ=WEEKLY; BYDAY=MO, WE; COUNT=3;", "0105T0900 0107T0900 0112T0900")]
#[case::long_ago("X=:19700105T090000Z", "FREQ=WEEKLY;INTERVAL=26;BYDAY=MO", "0427T0900 1026T0900")]
#[case::long_ago_counted("X=:19700101T090000Z", "FREQ=DAILY;COUNT=20456", "0101T0900 0102T0900")]
#[case::long_ago_counted_weekdays(
    "X=:20251229T090000Z",
    "FREQ=DAILY;BYDAY=MO,TU,FR;COUNT=5",
    "0102T0900 0105T0900 0106T0900"
)]
#[case::never("X=:20260105T090000Z", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "0105T0900")]
fn rules(#[case] start: &str, #[case] rule: &str, #[case] expected: &str) {
    let start = start.strip_prefix("X=:").map_or(format!(";{start}"), |s| format!(":{s}"));
    let calendar = open(&events("", &format!("DTSTART{start}\nDURATION:PT1H\nRRULE:{rule}")));
    assert_eq!(calendar.refused, []);
    let starts: Vec<String> = calendar.series[0].events.iter().map(|e| time(e.start)).collect();
    assert_eq!(starts, expected.split_whitespace().collect::<Vec<_>>(), "{rule}");
    assert!(calendar.series[0].events.iter().all(|e| e.recurrence_id == Some(e.start) && !e.overridden));
}

const DAILY: &str = "DTSTART;TZID=Europe/Berlin:20260105T090000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3";

#[rstest]
#[case::exdate_in_another_zone("EXDATE:20260106T080000Z", "0105T0800 60 =\n0107T0800 60 =")]
#[case::exdate_floating("EXDATE:20260106T090000", "0105T0800 60 =\n0107T0800 60 =")]
#[case::exdate_day("EXDATE;VALUE=DATE:20260106", "0105T0800 60 =\n0107T0800 60 =")]
#[case::exdates("EXDATE;TZID=Europe/Berlin:20260105T090000,20260106T090000\nEXDATE:\nEXDATE:20260107T080000Z", "")]
#[case::exdate_beside_it("EXDATE;TZID=Europe/Berlin:20260106T093000", "0105T0800 60 =\n0106T0800 60 =\n0107T0800 60 =")]
#[case::exrule("EXRULE:FREQ=DAILY;INTERVAL=2", "0106T0800 60 =")]
#[case::rdate_doubles_nothing(
    "RDATE:20260106T080000Z,20260201T100000Z",
    "0105T0800 60 =\n0106T0800 60 =\n0107T0800 60 =\n0201T1000 60 ="
)]
#[case::rdate_before_start("RDATE:20260103T080000Z", "0103T0800 60 =\n0105T0800 60 =\n0106T0800 60 =\n0107T0800 60 =")]
#[case::rdate_day_has_the_start_time(
    "RDATE;VALUE=DATE:20260706",
    "0105T0800 60 =\n0106T0800 60 =\n0107T0800 60 =\n0706T0700 60 ="
)]
#[case::periods(
    "RDATE;VALUE=PERIOD:20260106T080000Z/PT3H,20260108T080000Z/20260108T083000Z",
    "0105T0800 60 =\n0106T0800 180 =\n0107T0800 60 =\n0108T0800 30 ="
)]
#[case::second_rule("RRULE:FREQ=WEEKLY;COUNT=2", "0105T0800 60 =\n0106T0800 60 =\n0107T0800 60 =\n0112T0800 60 =")]
fn exceptions_in_the_series(#[case] more: &str, #[case] expected: &str) {
    check("", &format!("{DAILY}\n{more}"), expected);
}

#[rstest]
#[case::moved(
    "RECURRENCE-ID;TZID=Europe/Berlin:20260106T090000\nDTSTART;TZID=Europe/Berlin:20260106T140000\nDURATION:PT30M\nSUMMARY:Later",
    "0105T0800 60 =\n0106T1300 30 0106T0800 o Later\n0107T0800 60 ="
)]
#[case::id_in_utc(
    "RECURRENCE-ID:20260106T080000Z\nDTSTART:20260106T080000Z",
    "0105T0800 60 =\n0106T0800 0 = o\n0107T0800 60 ="
)]
#[case::id_in_another_zone(
    "RECURRENCE-ID;TZID=America/New_York:20260106T030000\nDTSTART;TZID=America/New_York:20260106T040000",
    "0105T0800 60 =\n0106T0900 0 0106T0800 o\n0107T0800 60 ="
)]
#[case::id_floating(
    "RECURRENCE-ID:20260106T090000\nDTSTART:20260106T100000",
    "0105T0800 60 =\n0106T0900 0 0106T0800 o\n0107T0800 60 ="
)]
#[case::id_a_day(
    "RECURRENCE-ID;VALUE=DATE:20260106\nDTSTART:20260106T100000Z",
    "0105T0800 60 =\n0106T1000 0 0106T0800 o\n0107T0800 60 ="
)]
#[case::cancelled(
    "RECURRENCE-ID:20260106T080000Z\nDTSTART:20260106T080000Z\nSTATUS:CANCELLED",
    "0105T0800 60 =\n0106T0800 0 = oc\n0107T0800 60 ="
)]
#[case::without_start("RECURRENCE-ID:20260106T080000Z", "0105T0800 60 =\n0106T0800 0 = o\n0107T0800 60 =")]
#[case::sequence_wins_over_order(
    "RECURRENCE-ID:20260106T080000Z\nDTSTART:20260106T100000Z\nSEQUENCE:4|
     RECURRENCE-ID;TZID=Europe/Berlin:20260106T090000\nDTSTART:20260106T110000Z\nSEQUENCE:3",
    "0105T0800 60 =\n0106T1000 0 0106T0800 o\n0107T0800 60 ="
)]
#[case::then_last_modified(
    "RECURRENCE-ID:20260106T080000Z\nDTSTART:20260106T100000Z\nLAST-MODIFIED:20260101T000000Z|
     RECURRENCE-ID:20260106T080000Z\nDTSTART:20260106T110000Z\nLAST-MODIFIED:20260102T000000Z",
    "0105T0800 60 =\n0106T1100 0 0106T0800 o\n0107T0800 60 ="
)]
#[case::moved_out_of_the_window(
    "RECURRENCE-ID:20260106T080000Z\nDTSTART:20270301T080000Z",
    "0105T0800 60 =\n0107T0800 60 ="
)]
#[case::not_of_the_series(
    "RECURRENCE-ID:20260301T080000Z\nDTSTART:20260302T080000Z",
    "0105T0800 60 =\n0106T0800 60 =\n0107T0800 60 =\n0302T0800 0 0301T0800 o"
)]
#[case::all_day(
    "RECURRENCE-ID:20260106T080000Z\nDTSTART;VALUE=DATE:20260109",
    "0105T0800 60 =\n0107T0800 60 =\n0109T0000 1440 0106T0800 od"
)]
#[case::and_future(
    "RECURRENCE-ID;RANGE=THISANDFUTURE:20260106T080000Z\nDTSTART:20260106T100000Z\nDURATION:PT2H\nSUMMARY:New",
    "0105T0800 60 =\n0106T1000 120 0106T0800 o New\n0107T1000 120 0107T0800 New"
)]
#[case::and_future_then_one(
    "RECURRENCE-ID;RANGE=THISANDFUTURE:20260106T080000Z\nDTSTART:20260107T080000Z\nSUMMARY:New|
     RECURRENCE-ID:20260107T080000Z\nDTSTART:20260107T120000Z\nSUMMARY:Own",
    "0105T0800 60 =\n0107T0800 0 0106T0800 o New\n0107T1200 0 0107T0800 o Own"
)]
fn overrides(#[case] own: &str, #[case] expected: &str) {
    check("", &format!("{DAILY}|{own}"), expected);
}

#[rstest]
#[case::override_without_a_series(
    "RECURRENCE-ID:20260106T080000Z\nDTSTART:20260106T100000Z",
    "0106T1000 0 0106T0800 o"
)]
#[case::exdate_beats_an_override(
    "DTSTART:20260105T080000Z\nRRULE:FREQ=DAILY;COUNT=2\nEXDATE:20260106T080000Z|
     RECURRENCE-ID:20260106T080000Z\nDTSTART:20260106T100000Z",
    "0105T0800 0 ="
)]
#[case::moved_into_the_window(
    "DTSTART:20251201T080000Z\nRRULE:FREQ=DAILY;COUNT=3|RECURRENCE-ID:20251203T080000Z\nDTSTART:20260105T080000Z",
    "0105T0800 0 20251203T0800 o"
)]
#[case::future_moved_into_the_window(
    "DTSTART:20251201T080000Z\nRRULE:FREQ=DAILY;COUNT=3|RECURRENCE-ID;RANGE=THISANDFUTURE:20251202T080000Z\nDTSTART:20260105T080000Z",
    "0105T0800 0 20251202T0800 o\n0106T0800 0 20251203T0800"
)]
#[case::two_counted_rules(
    "DTSTART:20260108T100000Z\nRRULE:FREQ=WEEKLY;BYDAY=TH;COUNT=2\nRRULE:FREQ=MONTHLY;BYDAY=2MO;COUNT=2",
    "0108T1000 0 =\n0112T1000 0 =\n0115T1000 0 =\n0209T1000 0 ="
)]
#[case::left_behind_by_an_edit(
    "DTSTART:20260105T080000Z\nRRULE:FREQ=DAILY;COUNT=2\nSEQUENCE:2|
     RECURRENCE-ID:20260301T080000Z\nDTSTART:20260301T080000Z\nSEQUENCE:1|
     RECURRENCE-ID:20260106T080000Z\nDTSTART:20260106T090000Z\nSEQUENCE:1",
    "0105T0800 0 =\n0106T0900 0 0106T0800 o"
)]
#[case::newer_master_wins(
    "DTSTART:20260105T080000Z\nSEQUENCE:0\nSUMMARY:Old|DTSTART:20260106T080000Z\nSEQUENCE:1\nSUMMARY:New",
    "0106T0800 0 - New"
)]
#[case::all_day_series(
    "DTSTART;VALUE=DATE:20260105\nRRULE:FREQ=DAILY;UNTIL=20260108T235959Z\nEXDATE:20260106T000000Z\nEXDATE:20260106T230000Z",
    "0105T0000 1440 = d\n0108T0000 1440 = d"
)]
#[case::all_day_rdate(
    "DTSTART;VALUE=DATE:20260105\nRDATE;VALUE=DATE:20260201,20260105",
    "0105T0000 1440 = d\n0201T0000 1440 = d"
)]
#[case::all_day_override_by_time(
    "DTSTART;VALUE=DATE:20260105\nRRULE:FREQ=DAILY;COUNT=2|RECURRENCE-ID;TZID=Europe/Berlin:20260106T000000\nDTSTART:20260106T100000Z",
    "0105T0000 1440 = d\n0106T1000 0 0106T0000 o"
)]
#[case::exact_by_dtend(
    "DTSTART;TZID=Europe/Berlin:20260327T120000\nDTEND;TZID=Europe/Berlin:20260328T120000\nRRULE:FREQ=DAILY;COUNT=2",
    "0327T1100 1440 =\n0328T1100 1440 ="
)]
#[case::nominal_by_duration(
    "DTSTART;TZID=Europe/Berlin:20260327T120000\nDURATION:P1D\nRRULE:FREQ=DAILY;COUNT=2",
    "0327T1100 1440 =\n0328T1100 1380 ="
)]
#[case::gap_in_a_series(
    "DTSTART;TZID=Europe/Berlin:20260328T023000\nRRULE:FREQ=DAILY;COUNT=3\nEXDATE:20260329T013000Z",
    "0328T0130 0 =\n0330T0030 0 ="
)]
#[case::alarm_says_nothing(
    "DTSTART:20260105T080000Z\nBEGIN:VALARM\nDESCRIPTION:x\nSUMMARY:Alarm\nDURATION:PT5M\nUID:b\nEND:VALARM\nSUMMARY:Real",
    "0105T0800 0 - Real"
)]
fn series(#[case] body: &str, #[case] expected: &str) {
    check("", body, expected);
}

const INDIA: &str = "BEGIN:VTIMEZONE\nTZID:Customized Time Zone\nBEGIN:STANDARD\nDTSTART:16010101T000000
    TZOFFSETFROM:+0530\nTZOFFSETTO:+0530\nEND:STANDARD\nEND:VTIMEZONE";
const NO_SUMMER: &str = "BEGIN:VTIMEZONE\nTZID:W. Europe Standard Time\nBEGIN:STANDARD\nDTSTART:16010101T000000
    TZOFFSETFROM:+0100\nTZOFFSETTO:+0100\nEND:STANDARD\nEND:VTIMEZONE";
const US: &str = "BEGIN:VTIMEZONE\nTZID:Mine
    BEGIN:DAYLIGHT\nDTSTART:19870405T020000\nTZOFFSETFROM:-0500\nTZOFFSETTO:-0400
    RRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=1SU;UNTIL=20060402T070000Z\nEND:DAYLIGHT
    BEGIN:STANDARD\nDTSTART:19671029T020000\nTZOFFSETFROM:-0400\nTZOFFSETTO:-0500
    RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU;UNTIL=20061029T060000Z\nEND:STANDARD
    BEGIN:DAYLIGHT\nDTSTART:20070311T020000\nTZOFFSETFROM:-0500\nTZOFFSETTO:-0400
    RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU\nEND:DAYLIGHT
    BEGIN:STANDARD\nDTSTART:20071104T020000\nTZOFFSETFROM:-0400\nTZOFFSETTO:-0500
    RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU\nEND:STANDARD\nEND:VTIMEZONE";
const BY_DATES: &str = "BEGIN:VTIMEZONE\nTZID:Mine
    BEGIN:STANDARD\nDTSTART:20251026T030000\nRDATE:20261025T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\nEND:STANDARD
    BEGIN:DAYLIGHT\nDTSTART:20250330T020000\nRDATE:20260329T020000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nEND:DAYLIGHT
    END:VTIMEZONE";
const COMMAS: &str = "BEGIN:VTIMEZONE\nTZID:A\\, B\nBEGIN:STANDARD\nDTSTART:16010101T000000
    TZOFFSETFROM:+0300\nTZOFFSETTO:+0300\nEND:STANDARD\nEND:VTIMEZONE";
const BERLIN_IN_ASIA: &str = "BEGIN:VTIMEZONE\nTZID:Europe/Berlin\nBEGIN:STANDARD\nDTSTART:19700101T000000
    RRULE:FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=1\nTZOFFSETFROM:+0500\nTZOFFSETTO:+0500\nEND:STANDARD\nEND:VTIMEZONE";
const BERLIN_CUT: &str = "BEGIN:VTIMEZONE\nTZID:Europe/Berlin\nBEGIN:STANDARD\nDTSTART:20191027T030000
    TZOFFSETFROM:+0200\nTZOFFSETTO:+0100\nEND:STANDARD\nEND:VTIMEZONE";
const BERLIN_UNTIL_SPRING: &str = "BEGIN:VTIMEZONE\nTZID:Europe/Berlin
    BEGIN:STANDARD\nDTSTART:20241027T030000\nRDATE:20251026T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\nEND:STANDARD
    BEGIN:DAYLIGHT\nDTSTART:20250330T020000\nRDATE:20260329T020000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nEND:DAYLIGHT
    END:VTIMEZONE";
const ASIA_UNTIL_SPRING: &str = "BEGIN:VTIMEZONE\nTZID:Europe/Berlin
    BEGIN:STANDARD\nDTSTART:20260329T020000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0500\nEND:STANDARD\nEND:VTIMEZONE";
const BERLIN_CONFUSED: &str = "BEGIN:VTIMEZONE\nTZID:Europe/Berlin
    BEGIN:STANDARD\nDTSTART:20261025T020000\nRDATE:20270328T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\nEND:STANDARD
    BEGIN:DAYLIGHT\nDTSTART:20260329T030000\nRDATE:20261025T020000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nEND:DAYLIGHT
    END:VTIMEZONE";
const EMPTY: &str = "BEGIN:VTIMEZONE\nTZID:Romance Standard Time\nEND:VTIMEZONE";

#[rstest]
#[case::custom(INDIA, "Customized Time Zone", "20260105T090000", "0105T0330")]
#[case::the_file_before_windows(NO_SUMMER, "W. Europe Standard Time", "20260706T090000", "0706T0800")]
#[case::second_rules_after_until_winter(US, "Mine", "20260309T090000", "0309T1300")]
#[case::second_rules_after_until_spring(US, "Mine", "20260306T090000", "0306T1400")]
#[case::in_the_files_gap(US, "Mine", "20260308T023000", "0308T0730")]
#[case::in_the_files_fold(US, "Mine", "20261101T013000", "1101T0530")]
#[case::escaped_in_the_file(COMMAS, "\"A, B\"", "20260706T090000", "0706T0600")]
#[case::escaped_everywhere(COMMAS, "\"A\\, B\"", "20260706T090000", "0706T0600")]
#[case::escaped_display(
    "",
    "\"(UTC+01:00) Brussels\\, Copenhagen\\, Madrid\\, Paris\"",
    "20260706T090000",
    "0706T0700"
)]
#[case::by_dates_summer(BY_DATES, "Mine", "20260706T090000", "0706T0700")]
#[case::by_dates_winter(BY_DATES, "Mine", "20261201T090000", "1201T0800")]
#[case::the_file_before_iana(BERLIN_IN_ASIA, "Europe/Berlin", "20260105T090000", "0105T0400")]
#[case::iana_where_the_file_is_silent(BERLIN_CUT, "Europe/Berlin", "20260706T090000", "0706T0700")]
#[case::iana_after_the_last_season_of_the_file(BERLIN_UNTIL_SPRING, "Europe/Berlin", "20261202T090000", "1202T0800")]
#[case::the_last_season_of_the_file(ASIA_UNTIL_SPRING, "Europe/Berlin", "20260706T090000", "0706T0400")]
#[case::iana_where_the_file_contradicts_itself(BERLIN_CONFUSED, "Europe/Berlin", "20261202T090000", "1202T0800")]
#[case::without_parts(EMPTY, "Romance Standard Time", "20260706T090000", "0706T0700")]
#[case::windows("", "Eastern Standard Time", "20260706T090000", "0706T1300")]
#[case::windows_quoted("", "\"Pacific Standard Time\"", "20260105T090000", "0105T1700")]
#[case::display("", "\"(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna\"", "20260706T090000", "0706T0700")]
#[case::display_gmt("", "\"(GMT-05:00) Eastern Time (US & Canada)\"", "20260706T090000", "0706T1300")]
#[case::display_city(
    "",
    "\"(UTC+02:00) Helsinki, Kyiv, Riga, Sofia, Tallinn, Vilnius\"",
    "20260706T090000",
    "0706T0600"
)]
#[case::offset("", "GMT+0200", "20260706T090000", "0706T0700")]
#[case::offset_colon("", "UTC-05:30", "20260706T090000", "0706T1430")]
#[case::microsoft_utc("", "tzone://Microsoft/Utc", "20260706T090000", "0706T0900")]
#[case::vendor("", "/vendor.example/20050126_1/Europe/Berlin", "20260706T090000", "0706T0700")]
#[case::vendor_three("", "/vendor.example/America/Argentina/Buenos_Aires", "20260706T090000", "0706T1200")]
#[case::any_case("", "europe/berlin", "20260706T090000", "0706T0700")]
#[case::blanks("", "America/New York", "20260706T090000", "0706T1300")]
#[case::numbered("", "W. Europe Standard Time 1", "20260706T090000", "0706T0700")]
#[case::utc("", "UTC", "20260706T090000", "0706T0900")]
#[case::etc_sign("", "Etc/GMT-2", "20260706T090000", "0706T0700")]
fn zones(#[case] file: &str, #[case] name: &str, #[case] at: &str, #[case] expected: &str) {
    check(file, &format!("DTSTART;TZID={name}:{at}"), &format!("{expected} 0 -"));
}

#[rstest]
#[case::odd_sign("Some^where", "0706T0700 0 - u")]
#[case::nobody_knows("Somewhere Standard Time", "0706T0700 0 - u")]
#[case::custom_without_its_zone("Customized Time Zone", "0706T0700 0 - u")]
#[case::only_the_offset("\"(UTC+05:00) Nowhere, Nobody\"", "0706T0400 0 - u")]
fn uncertain_zones(#[case] name: &str, #[case] expected: &str) {
    check("", &format!("DTSTART;TZID={name}:20260706T090000"), expected);
}

#[test]
fn broken_files_are_read() {
    let one = "BEGIN:VEVENT\r\nUID:a\r\nDTSTART:20260105T090000Z\r\nSUMMARY:A\r\nEND:VEVENT\r\n";
    let two = one.replace("UID:a", "UID:b").replace("0105", "0106");
    let whole = format!("BEGIN:VCALENDAR\r\n{one}{two}END:VCALENDAR\r\n");
    let expected = "0105T0900 0 - A\n0106T0900 0 - A";
    for text in [
        whole.clone(),
        format!("\u{FEFF}{whole}"),
        whole.replace("\r\n", "\n"),
        whole.replace("\r\n", "\r"),
        whole.replace("\r\n", "\r\r\n"),
        whole.replacen("END:VEVENT\r\n", "", 1),
        whole.replace("END:VCALENDAR\r\n", ""),
        whole.replace("END:VEVENT\r\nEND:VCALENDAR\r\n", ""),
        format!("{whole}</html>\r\nBEGIN:OTHER\r\n"),
        format!("BEGIN:VCALENDAR\r\n{one}END:VCALENDAR\r\nBEGIN:VCALENDAR\r\n{two}END:VCALENDAR\r\n"),
        whole.replace("SUMMARY:A", "a line without a name\r\nSUMMARY:A"),
        whole.replace("SUMMARY:A", "SUMMARY:\r\n A"),
        whole.replace("BEGIN:VEVENT", "begin:vevent").replace("DTSTART", "dtstart"),
        whole.replace(
            "BEGIN:VCALENDAR\r\n",
            "BEGIN:VCALENDAR\r\nBEGIN:VTODO\r\nUID:t\r\nDTSTART:20260101T000000Z\r\nEND:VTODO\r\n",
        ),
    ] {
        let calendar = open(&text);
        assert!(calendar.valid && calendar.refused.is_empty(), "{text:?}");
        assert_eq!(tidy(&shown(&calendar)), tidy(expected), "{text:?}");
    }
}

#[test]
fn a_bad_event_costs_itself_alone() {
    let good = "BEGIN:VEVENT\nUID:good\nDTSTART:20260105T090000Z\nEND:VEVENT";
    for (bad, why) in [
        ("DTSTART:20260105T090000Z\nRRULE:FREQ=SECONDLY", "second or minute"),
        ("DTSTART:20260105T090000Z\nRRULE:FREQ=MINUTELY;COUNT=1", "second or minute"),
        ("DTSTART:20260105T090000Z\nRRULE:FREQ=DAILY;INTERVAL=0;COUNT=2", "a part of its recurrence rule"),
        ("DTSTART:20260105T090000Z\nRRULE:FREQ=WEEKLY;INTERVAL=-2", "a part of its recurrence rule"),
        ("DTSTART:20260105T090000Z\nRRULE:FREQ=WEEKLY\nEXRULE:FREQ=WEEKLY;INTERVAL=0", "a part of its recurrence rule"),
        ("DTSTART:tomorrow", "start"),
        ("SUMMARY:x", "no start"),
        ("DTSTART:20260105T090000Z\nRECURRENCE-ID:x", "RECURRENCE-ID"),
        ("DTSTART:20260105T090000Z\nEXDATE:20260105T090000Z,x", "excluded"),
        ("DTSTART:00010101T000000Z\nRRULE:FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30;COUNT=9", "too much work"),
    ] {
        let text = calendar(&format!("BEGIN:VEVENT\nUID:bad\n{bad}\nEND:VEVENT\n{good}"));
        let calendar = open(&text);
        assert_eq!(calendar.series.len(), 1, "{bad}");
        assert_eq!(calendar.series[0].uid, "good");
        assert_eq!(calendar.refused.len(), 1, "{bad}");
        assert_eq!(calendar.refused[0].uid.as_deref(), Some("bad"));
        assert!(calendar.refused[0].why.contains(why), "{}", calendar.refused[0].why);
    }
    let deep =
        format!("BEGIN:VEVENT\nUID:bad\n{}DTSTART:20260105T090000Z\nEND:VEVENT\n{good}", "BEGIN:X\n".repeat(3_000));
    let calendar = open(&calendar(&deep));
    assert_eq!((calendar.series.len(), calendar.refused.len()), (1, 1));
}

#[test]
fn nothing_is_not_a_calendar() {
    for text in ["", "<html><body>Sign in</body></html>", "BEGIN:VCARD\r\nEND:VCARD\r\n"] {
        let calendar = open(text);
        assert!(!calendar.valid && calendar.series.is_empty());
    }
    assert!(open("BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n").valid);
}

#[rstest]
#[case("FREQ=HOURLY", 5_000, true)]
#[case("FREQ=DAILY;COUNT=1000000000", 365, false)]
#[case(
    "FREQ=DAILY;BYHOUR=0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23;BYMINUTE=0,5,10,15,20,25,30,35",
    5_000,
    true
)]
#[case("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=4294967295", 0, false)]
#[case("FREQ=DAILY;INTERVAL=99999999999", 0, false)]
fn bombs_are_bounded(#[case] rule: &str, #[case] count: usize, #[case] capped: bool) {
    let calendar = open(&events("", &format!("DTSTART:19990101T090000Z\nRRULE:{rule}")));
    assert_eq!((calendar.series[0].events.len(), calendar.series[0].capped), (count, capped));
    let calendar = open(&events("", &format!("DTSTART:19990101T090000Z\nRRULE:{rule}\nEXRULE:{rule}")));
    assert!(calendar.series[0].events.is_empty() || calendar.series[0].events.len() <= 5_000);
}

#[test]
fn two_bombs_are_bounded_together() {
    let text = "DTSTART:19000101T090000Z\nDURATION:P3000W\nRRULE:FREQ=DAILY\nRRULE:FREQ=HOURLY";
    let calendar = open(&events("", text));
    assert!(calendar.series[0].capped && calendar.series[0].events.len() == 5_000);
}

#[test]
fn heavy_texts_cap_the_instances() {
    let text = format!("DTSTART:20260101T090000Z\nRRULE:FREQ=HOURLY\nDESCRIPTION:{}", "x".repeat(100_000));
    let calendar = open(&events("", &text));
    let series = &calendar.series[0];
    assert!(series.capped && series.events.len() <= 1_024);
    assert_eq!(series.events[0].description.as_ref().unwrap().len(), 64 << 10);
}

#[test]
fn a_version_changes_with_the_words_alone() {
    let version = |text: &str| Outline::new(text.as_bytes()).series().map(|(_, v)| v.to_owned()).collect::<Vec<_>>();
    let zone = "BEGIN:VTIMEZONE\nTZID:Z\nBEGIN:STANDARD\nDTSTART:16010101T000000\nTZOFFSETTO:+0100\nEND:STANDARD\nEND:VTIMEZONE";
    let base = events(
        zone,
        "DTSTAMP:20260101T000000Z\nDTSTART;TZID=Z:20260105T090000\nSUMMARY:A|RECURRENCE-ID:20260105T080000Z\nSUMMARY:B",
    );
    let first = version(&base);
    assert_eq!(first.len(), 1);
    let same = [
        base.replace("DTSTAMP:20260101T000000Z", "DTSTAMP:20260202T000000Z"),
        base.replace("SUMMARY:A", "SUMMARY:\r\n A"),
        base.replace("\r\n", "\n"),
        base.replace("SUMMARY:A\r\n", "SUMMARY:A\r\nBEGIN:VALARM\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\n"),
        events(
            zone,
            "RECURRENCE-ID:20260105T080000Z\nSUMMARY:B|DTSTAMP:20260101T000000Z\nDTSTART;TZID=Z:20260105T090000\nSUMMARY:A",
        ),
    ];
    for text in same {
        assert_eq!(version(&text), first, "{text}");
    }
    for text in [base.replace("SUMMARY:A", "SUMMARY:C"), base.replace("TZOFFSETTO:+0100", "TZOFFSETTO:+0200")] {
        assert_ne!(version(&text), first, "{text}");
    }
}

#[test]
fn names_methods_and_keys() {
    let calendar = open(
        "BEGIN:VCALENDAR\r\nMETHOD:Request\r\nX-WR-CALNAME:Bob\\, sales\r\nBEGIN:VEVENT\r\nUID:a b#c\r\nDTSTART:20260105T090000Z\r\n\
         RRULE:FREQ=DAILY;COUNT=1\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nDTSTART:20260105T090000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
    );
    assert_eq!(calendar.method, Some(crate::record::Method::Request));
    assert_eq!(calendar.name.as_deref(), Some("Bob, sales"));
    assert_eq!(key("bob.ics", &calendar.series[0].events[0]), "bob.ics#a b#c#20260105T090000Z");
    let unnamed = key("bob.ics", &calendar.series[1].events[0]);
    assert!(unnamed.starts_with("bob.ics#no-uid-") && unnamed.ends_with("#-"), "{unnamed}");
}
