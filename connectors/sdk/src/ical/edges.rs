//! Edges of recurrence, worked out from RFC 5545 by hand: rules that end where the clock changes, counting from the end,
//! weeks that begin on another day, instances in other zones, zones whose rules change. The owner, the window and the way
//! an answer is written are those of `cases`.

use rstest::rstest;

use super::cases::check;

/// `0105T0800 0106T0800` as instances of a series without length.
fn plain(starts: &str) -> String {
    starts.split_whitespace().map(|start| format!("{start} 0 =\n")).collect()
}

#[rstest]
#[case::spring_its_instant("20260327T090000", "20260330T070000Z", "0327T0800 0328T0800 0329T0700 0330T0700")]
#[case::spring_a_second_before("20260327T090000", "20260330T065959Z", "0327T0800 0328T0800 0329T0700")]
#[case::autumn_its_instant("20261024T090000", "20261026T080000Z", "1024T0700 1025T0800 1026T0800")]
#[case::autumn_as_in_summer("20261024T090000", "20261026T070000Z", "1024T0700 1025T0800")]
#[case::hour_twice_its_instant("20261024T023000", "20261025T003000Z", "1024T0030 1025T0030")]
#[case::hour_twice_a_second_before("20261024T023000", "20261025T002959Z", "1024T0030")]
#[case::hour_twice_second_turn_begins("20261024T023000", "20261025T010000Z", "1024T0030 1025T0030")]
#[case::hour_twice_second_turn("20261024T023000", "20261025T013000Z", "1024T0030 1025T0030")]
#[case::behind_the_hour("20261024T030000", "20261025T013000Z", "1024T0100")]
#[case::hour_that_is_not("20260328T023000", "20260329T013000Z", "0328T0130 0329T0130")]
#[case::a_day_of_the_series_clock("20260105T003000", "20260106", "0104T2330 0105T2330")]
#[case::local("20260105T090000", "20260106T090000", "0105T0800 0106T0800")]
#[case::local_a_second_before("20260105T090000", "20260106T085959", "0105T0800")]
fn until_is_inclusive(#[case] start: &str, #[case] until: &str, #[case] expected: &str) {
    check("", &format!("DTSTART;TZID=Europe/Berlin:{start}\nRRULE:FREQ=DAILY;UNTIL={until}"), &plain(expected));
}

#[rstest]
#[case::floating_over_the_change("20260328T090000", "FREQ=DAILY;COUNT=3", "0328T0800 0329T0700 0330T0700")]
#[case::floating_until_local("20260328T090000", "FREQ=DAILY;UNTIL=20260329T090000", "0328T0800 0329T0700")]
#[case::last_of_a_week("20260109T090000Z", "FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=-1;COUNT=2", "0109T0900 0116T0900")]
#[case::tenth_working_day("20250114T090000Z", "FREQ=YEARLY;BYMONTH=1;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=10", "0114T0900")]
#[case::last_of_a_day("20260105T150000Z", "FREQ=DAILY;BYHOUR=9,12,15;BYSETPOS=-1;COUNT=2", "0105T1500 0106T1500")]
#[case::middle_of_three(
    "20260115T090000Z",
    "FREQ=MONTHLY;BYMONTHDAY=1,15,-1;BYSETPOS=2;COUNT=2",
    "0115T0900 0215T0900"
)]
#[case::before_the_last_of_month(
    "20260130T090000Z",
    "FREQ=MONTHLY;BYMONTHDAY=-2;COUNT=3",
    "0130T0900 0227T0900 0330T0900"
)]
#[case::thirty_one_from_the_end(
    "20260101T090000Z",
    "FREQ=MONTHLY;BYMONTHDAY=-31;COUNT=3",
    "0101T0900 0301T0900 0501T0900"
)]
#[case::second_last_friday("20260123T090000Z", "FREQ=MONTHLY;BYDAY=-2FR;COUNT=2", "0123T0900 0220T0900")]
#[case::fifth_monday("20260330T090000Z", "FREQ=MONTHLY;BYDAY=5MO;COUNT=2", "0330T0900 0629T0900")]
#[case::day_365_from_the_end("20250101T090000Z", "FREQ=YEARLY;BYYEARDAY=-365", "0101T0900")]
#[case::day_366_is_no_day("20241231T090000Z", "FREQ=YEARLY;BYYEARDAY=366", "")]
#[case::last_week("20251222T090000Z", "FREQ=YEARLY;BYWEEKNO=-1;BYDAY=MO", "1228T0900")]
#[case::week_53("20201228T090000Z", "FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO", "1228T0900")]
#[case::week_one_from_sunday("20250101T090000Z", "FREQ=YEARLY;BYWEEKNO=1;BYDAY=WE;WKST=SU", "0107T0900")]
#[case::week_one_from_monday("20250101T090000Z", "FREQ=YEARLY;BYWEEKNO=1;BYDAY=WE;WKST=MO", "")]
#[case::every_other_week_from_wednesday(
    "20260106T090000Z",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,WE;WKST=WE;COUNT=4",
    "0106T0900 0114T0900 0120T0900 0128T0900"
)]
fn rules(#[case] start: &str, #[case] rule: &str, #[case] expected: &str) {
    check("", &format!("DTSTART:{start}\nRRULE:{rule}"), &plain(expected));
}

#[rstest]
#[case::days_until_their_last("UNTIL=20260107", "0105T0000 1440 = d\n0106T0000 1440 = d\n0107T0000 1440 = d")]
#[case::days_until_an_hour("UNTIL=20260106T000000Z", "0105T0000 1440 = d\n0106T0000 1440 = d")]
fn all_day_until(#[case] until: &str, #[case] expected: &str) {
    check("", &format!("DTSTART;VALUE=DATE:20260105\nRRULE:FREQ=DAILY;{until}"), expected);
}

#[rstest]
#[case::a_day_by_the_clock("P1D", 1380)]
#[case::hours_by_the_second("PT24H", 1440)]
#[case::a_day_and_an_hour("P1DT1H", 1440)]
#[case::a_week("P1W", 7 * 1440 - 60)]
fn durations_over_the_change(#[case] duration: &str, #[case] minutes: i64) {
    let body = format!("DTSTART;TZID=Europe/Berlin:20260328T120000\nDURATION:{duration}");
    check("", &body, &format!("0328T1100 {minutes} -"));
}

const WEEKLY: &str = "DTSTART;TZID=Europe/Berlin:20260105T090000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;COUNT=5";

#[rstest]
#[case::exdates_of_another_zone(
    "EXDATE;TZID=America/New_York:20260112T030000,20260119T030000",
    "0105T0800 60 =\n0126T0800 60 =\n0202T0800 60 ="
)]
#[case::exdate_of_the_first(
    "EXDATE;TZID=Europe/Berlin:20260105T090000",
    "0112T0800 60 =\n0119T0800 60 =\n0126T0800 60 =\n0202T0800 60 ="
)]
#[case::exdate_days("EXDATE;VALUE=DATE:20260112,20260119,20260126", "0105T0800 60 =\n0202T0800 60 =")]
#[case::exdate_takes_an_rdate(
    "RDATE:20260108T080000Z\nEXDATE:20260108T080000Z,20260112T080000Z,20260119T080000Z,20260126T080000Z",
    "0105T0800 60 =\n0202T0800 60 ="
)]
#[case::period_of_another_zone(
    "RDATE;VALUE=PERIOD;TZID=America/New_York:20260107T090000/PT2H\nEXDATE;VALUE=DATE:20260112,20260119,20260126",
    "0105T0800 60 =\n0107T1400 120 =\n0202T0800 60 ="
)]
#[case::period_without_length(
    "RDATE;VALUE=PERIOD:20260107T080000Z/20260107T080000Z\nEXDATE;VALUE=DATE:20260112,20260119,20260126",
    "0105T0800 60 =\n0107T0800 0 =\n0202T0800 60 ="
)]
#[case::override_of_an_rdate(
    "RDATE:20260107T080000Z\nEXDATE;VALUE=DATE:20260112,20260119,20260126|RECURRENCE-ID:20260107T080000Z\nDTSTART:20260107T100000Z",
    "0105T0800 60 =\n0107T1000 0 0107T0800 o\n0202T0800 60 ="
)]
#[case::override_newer_than_the_series(
    "EXDATE;VALUE=DATE:20260119,20260126\nSEQUENCE:1|RECURRENCE-ID:20260112T080000Z\nDTSTART:20260112T100000Z\nSEQUENCE:7",
    "0105T0800 60 =\n0112T1000 0 0112T0800 o\n0202T0800 60 ="
)]
#[case::override_older_than_the_series(
    "EXDATE;VALUE=DATE:20260119,20260126\nSEQUENCE:7|RECURRENCE-ID:20260112T080000Z\nDTSTART:20260112T100000Z\nSEQUENCE:1",
    "0105T0800 60 =\n0112T1000 0 0112T0800 o\n0202T0800 60 ="
)]
#[case::override_in_another_zone(
    "EXDATE;VALUE=DATE:20260119,20260126|RECURRENCE-ID;TZID=Asia/Tokyo:20260112T170000\n\
     DTSTART;TZID=America/New_York:20260112T090000\nDTEND;TZID=Europe/London:20260112T150000",
    "0105T0800 60 =\n0112T1400 60 0112T0800 o\n0202T0800 60 ="
)]
#[case::twice_from_here_on(
    "|RECURRENCE-ID;RANGE=THISANDFUTURE:20260112T080000Z\nDTSTART:20260112T100000Z\nDURATION:PT30M\n\
     |RECURRENCE-ID;RANGE=THISANDFUTURE:20260126T080000Z\nDTSTART:20260126T120000Z\nDURATION:PT15M",
    "0105T0800 60 =\n0112T1000 30 0112T0800 o\n0119T1000 30 0119T0800\n0126T1200 15 0126T0800 o\n0202T1200 15 0202T0800"
)]
#[case::from_here_on_without_one(
    "EXDATE:20260119T080000Z|RECURRENCE-ID;RANGE=THISANDFUTURE:20260112T080000Z\nDTSTART:20260112T080000Z\nDURATION:PT2H",
    "0105T0800 60 =\n0112T0800 120 = o\n0126T0800 120 =\n0202T0800 120 ="
)]
#[case::from_here_on_in_another_zone(
    "EXDATE;VALUE=DATE:20260126|RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Berlin:20260112T090000\n\
     DTSTART;TZID=America/New_York:20260112T090000\nDURATION:PT1H",
    "0105T0800 60 =\n0112T1400 60 0112T0800 o\n0119T1400 60 0119T0800\n0202T1400 60 0202T0800"
)]
fn exceptions(#[case] more: &str, #[case] expected: &str) {
    check("", &format!("{WEEKLY}\n{more}"), expected);
}

#[rstest]
#[case::from_here_on_over_the_change(
    "DTSTART;TZID=Europe/Berlin:20260316T090000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;COUNT=3|\
     RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Berlin:20260323T090000\nDTSTART;TZID=Europe/Berlin:20260323T110000\nDURATION:PT1H",
    "0316T0800 60 =\n0323T1000 60 0323T0800 o\n0330T0900 60 0330T0700"
)]
#[case::end_in_another_zone_over_the_change(
    "DTSTART;TZID=Europe/Berlin:20260302T090000\nDTEND;TZID=America/New_York:20260302T120000\nRRULE:FREQ=WEEKLY;COUNT=2",
    "0302T0800 540 =\n0309T0800 540 ="
)]
#[case::birthdays_by_rdate(
    "DTSTART;VALUE=DATE:20261210\nDTEND;VALUE=DATE:20261211\nRRULE:FREQ=DAILY;COUNT=1\nRDATE:20261110Z",
    "1110T0000 1440 = d\n1210T0000 1440 = d"
)]
#[case::a_word_in_the_rule(
    "DTSTART:20260105T080000Z\nRRULE:Whatever;FREQ=DAILY;COUNT=2",
    "0105T0800 0 =\n0106T0800 0 ="
)]
fn series(#[case] body: &str, #[case] expected: &str) {
    check("", body, expected);
}

/// Summer time until 2025, then an hour further east for ever.
const ABOLISHED: &str = "BEGIN:VTIMEZONE\nTZID:Office
    BEGIN:DAYLIGHT\nDTSTART:20100328T020000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200
    RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU;UNTIL=20250330T010000Z\nEND:DAYLIGHT
    BEGIN:STANDARD\nDTSTART:20101031T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100
    RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU;UNTIL=20241027T010000Z\nEND:STANDARD
    BEGIN:STANDARD\nDTSTART:20250907T000000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0300\nEND:STANDARD\nEND:VTIMEZONE";
/// The same zone until summer time comes in the middle of 2026.
const TO_COME: &str = "BEGIN:VTIMEZONE\nTZID:Office
    BEGIN:STANDARD\nDTSTART:20000101T000000\nTZOFFSETFROM:+0300\nTZOFFSETTO:+0300\nEND:STANDARD
    BEGIN:DAYLIGHT\nDTSTART:20260601T000000\nTZOFFSETFROM:+0300\nTZOFFSETTO:+0430
    RRULE:FREQ=YEARLY;BYMONTH=6;BYMONTHDAY=1\nEND:DAYLIGHT
    BEGIN:STANDARD\nDTSTART:20261001T000000\nTZOFFSETFROM:+0430\nTZOFFSETTO:+0300
    RRULE:FREQ=YEARLY;BYMONTH=10;BYMONTHDAY=1\nEND:STANDARD\nEND:VTIMEZONE";

#[rstest]
#[case::abolished_winter(ABOLISHED, "20260105T090000", "0105T0600")]
#[case::abolished_summer(ABOLISHED, "20260706T090000", "0706T0600")]
#[case::to_come_before(TO_COME, "20260105T090000", "0105T0600")]
#[case::to_come_since(TO_COME, "20260706T090000", "0706T0430")]
#[case::to_come_after(TO_COME, "20261207T090000", "1207T0600")]
fn zones_of_the_file(#[case] zone: &str, #[case] at: &str, #[case] expected: &str) {
    check(zone, &format!("DTSTART;TZID=Office:{at}"), &format!("{expected} 0 -"));
}

#[test]
fn a_rule_follows_the_zone_of_the_file() {
    check(
        TO_COME,
        "DTSTART;TZID=Office:20260504T090000\nRRULE:FREQ=MONTHLY;BYMONTHDAY=4;COUNT=6",
        &plain("0504T0600 0604T0430 0704T0430 0804T0430 0904T0430 1004T0600"),
    );
}
