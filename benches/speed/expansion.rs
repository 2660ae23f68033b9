//! Calendar objects opened: every instance of 3,000 of them inside a window, by our reader and by libical, each in a process of
//! its own. Both say how many instances they found and the sum of their starts, and must agree.

use std::{fmt::Write as _, fs, path::Path, process::Command};

use chrono::{DateTime, TimeDelta, TimeZone as _, Utc};
use dealtrail_sdk::{Window, ical};

use crate::{
    Size,
    mailboxes::installed,
    measure::{Cost, measure, own},
    table::Table,
};

const OBJECTS: usize = 3000;
/// Times that our process opens all of them: once is too short to be measured.
const PASSES: u32 = 10;
const LAST: &str = "END:VCALENDAR\r\n";
const LIBICAL: &str = include_str!("libical.c");

pub fn run(size: Size) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let program = dir.path().join("libical");
    let peer = build(dir.path(), &program).then_some(program.as_path());
    let count = size.mails(OBJECTS);
    println!("expansion: {count} calendar objects opened to their instances");
    for times in [Times::Zoned, Times::Utc] {
        let file = dir.path().join("objects.ics");
        let text: String = (0..count).map(|n| object(n, times)).collect();
        fs::write(&file, &text).expect("the calendar objects");
        compare(&file, peer, times, size.rounds(3));
    }
}

fn compare(file: &Path, peer: Option<&Path>, times: Times, rounds: usize) {
    let theirs = |program| {
        let mut command = Command::new(program);
        let ends = [window().since, window().until].map(|t| t.timestamp().to_string());
        command.arg(file).args(ends);
        command
    };
    let (_, first) = measure(own("expansion", file));
    let instances: usize = first.split(' ').next().and_then(|n| n.parse().ok()).expect("a count");
    let mut table = Table::new("instance", instances);
    for _ in 0..rounds {
        let (cost, said) = measure(own("expansion", file));
        table.add("dealtrail-sdk", Cost { wall: cost.wall / PASSES, cpu: cost.cpu / PASSES, ..cost });
        assert_eq!(said, first, "the same as before");
        if let Some(program) = peer {
            let (cost, other) = measure(theirs(program));
            table.add("libical", cost);
            assert_eq!(said, other, "as many instances, and the same sum of their starts");
        }
    }
    let form = if times == Times::Zoned { "in a zone that each object describes" } else { "in UTC" };
    println!("  {instances} instances {form}");
    if peer.is_some() {
        println!("  checked in each of {rounds}: libical finds as many, and the same sum of their starts");
    }
    table.print();
    table.ratio_of("CPU", "dealtrail-sdk", "libical", |c| c.cpu.as_secs_f64());
}

/// How the objects say when.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Times {
    /// With a VTIMEZONE in each.
    Zoned,
    Utc,
}

impl Times {
    /// A property with a moment, as wall-clock time in Berlin or as UTC.
    fn line(self, name: &str, at: DateTime<Utc>) -> String {
        let at = at.format("%Y%m%dT%H%M%S");
        match self {
            Self::Zoned => format!("{name};TZID=Europe/Berlin:{at}\r\n"),
            Self::Utc => format!("{name}:{at}Z\r\n"),
        }
    }
}

/// Our side, in a process of its own.
pub fn ours(text: &str) {
    let mut said = (0, 0);
    for _ in 0..PASSES {
        said = (0, 0);
        for object in text.split_inclusive(LAST) {
            let calendar = ical::read(object.as_bytes(), chrono_tz::UTC, &window());
            assert!(calendar.refused.is_empty(), "every object can be read");
            for event in calendar.series.iter().flat_map(|s| &s.events) {
                said.0 += 1;
                said.1 += event.start.timestamp();
            }
        }
    }
    println!("{} {}", said.0, said.1);
}

/// Compiles the other side; false, with a line that says why, when that cannot be done.
fn build(dir: &Path, program: &Path) -> bool {
    if !installed("cc", "gcc") {
        return false;
    }
    let source = dir.join("libical.c");
    fs::write(&source, LIBICAL).expect("the program's text");
    let mut command = Command::new("cc");
    command.args(["-O2", "-o"]).arg(program).arg(&source).arg("-lical");
    let built = command.output().expect("cc can be started").status.success();
    if !built {
        println!("  libical is missing (apt-get install libical-dev): left out");
    }
    built
}

fn window() -> Window {
    let day = |y, m| Utc.with_ymd_and_hms(y, m, 1, 0, 0, 0).single().expect("a day");
    Window { since: day(2026, 1), until: day(2027, 1) }
}

/// What a sales team's calendar holds: mostly single meetings, some weekly ones, some that end, skip a date or move once.
fn object(n: usize, times: Times) -> String {
    // a Monday, so that every rule counts it
    let first = Utc.with_ymd_and_hms(2026, 1, 5, 9, 0, 0).single().expect("a day");
    let weeks = |w: usize| TimeDelta::weeks(i64::try_from(w).expect("small"));
    let start = first + weeks(n % 26);
    let (form, rest) = match n % 10 {
        7 => ("RRULE:FREQ=WEEKLY;COUNT=19\r\n".to_owned(), String::new()),
        8 => {
            let last = (start + weeks(10)).format("%Y%m%dT235959Z");
            let skipped = times.line("EXDATE", start + weeks(1));
            (format!("RRULE:FREQ=WEEKLY;BYDAY=MO,WE,FR;UNTIL={last}\r\n{skipped}"), String::new())
        }
        9 => {
            let moved = start + weeks(2);
            let rest = event(n, moved + TimeDelta::hours(3), times, &times.line("RECURRENCE-ID", moved));
            ("RRULE:FREQ=DAILY;INTERVAL=14\r\n".to_owned(), rest)
        }
        _ => Default::default(),
    };
    let zone = if times == Times::Zoned { ZONE } else { "" };
    let event = event(n, start, times, &form);
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//bench//EN\r\n{zone}{event}{rest}{LAST}")
}

fn event(n: usize, start: DateTime<Utc>, times: Times, more: &str) -> String {
    let mut text = format!(
        "BEGIN:VEVENT\r\nUID:{n}@bench.example\r\nDTSTAMP:20260101T000000Z\r\n{}{}{more}SUMMARY:Project {n}: where we stand\r\n\
         LOCATION:Room {}\r\nORGANIZER;CN=Ana Lopez:mailto:ana@acme.example\r\n",
        times.line("DTSTART", start),
        times.line("DTEND", start + TimeDelta::minutes(45)),
        n % 7
    );
    for guest in 0..n % 5 {
        let line = "ATTENDEE;ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED;RSVP=TRUE;CN=";
        write!(text, "{line}Guest {guest}:\r\n mailto:guest{guest}@company{n}.example\r\n").expect("a string");
    }
    text + "END:VEVENT\r\n"
}

const ZONE: &str = "BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\n\
    BEGIN:DAYLIGHT\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\nTZNAME:CEST\r\nDTSTART:19810329T020000\r\n\
    RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\r\nEND:DAYLIGHT\r\n\
    BEGIN:STANDARD\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nTZNAME:CET\r\nDTSTART:19961027T030000\r\n\
    RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n";
