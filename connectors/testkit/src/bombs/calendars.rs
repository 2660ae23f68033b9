//! Calendars that are built to cost time, memory or stack: rules without end, dense lists, zones that change for ever,
//! masses of properties, exceptions and overrides, broken folding.

use super::{Bomb, Kind::Calendar, counted, filled};

const fn calendar(name: &'static str, make: fn(usize) -> Vec<u8>) -> Bomb {
    Bomb { name, kind: Calendar, make }
}

pub(super) const ALL: &[Bomb] = &[
    calendar("count of 10^9", |_| rule("FREQ=DAILY;COUNT=1000000000;BYMONTH=1")),
    calendar("hours since 1601", |_| rule("FREQ=HOURLY;COUNT=1000000000;BYMONTHDAY=1")),
    calendar("every second", |_| rule("FREQ=SECONDLY;COUNT=1000000000")),
    calendar("every minute of every hour", |_| rule(&format!("FREQ=HOURLY;BYMINUTE={}", numbers(0..60)))),
    calendar("every second of a day", |_| {
        rule(&format!("FREQ=DAILY;BYHOUR={};BYMINUTE={}", numbers(0..24), numbers(0..60)))
    }),
    calendar("a huge interval", |_| rule("FREQ=YEARLY;INTERVAL=9223372036854775807")),
    calendar("no interval", |_| rule("FREQ=DAILY;INTERVAL=0")),
    calendar("a day that never comes", |_| rule("FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30;COUNT=5")),
    calendar("all days excluded", |_| event("RRULE:FREQ=HOURLY\nEXRULE:FREQ=HOURLY\n")),
    calendar("dense lists by year", |_| rule(&format!("FREQ=YEARLY;COUNT=1000000000;{}", dense()))),
    calendar("dense lists by month", |_| rule(&format!("FREQ=MONTHLY;COUNT=1000000000;{}", dense()))),
    calendar("dense lists by hour", |_| {
        rule(&format!("FREQ=HOURLY;COUNT=1000000000;BYSETPOS={};BYMINUTE={}", numbers(1..1_000), numbers(0..2)))
    }),
    calendar("dense weeks", |_| {
        rule(&format!("FREQ=YEARLY;COUNT=1000000000;BYWEEKNO={};BYDAY=MO,TU,WE,TH,FR;BYHOUR=1", numbers(1..54)))
    }),
    calendar("dense days of the year", |_| {
        rule(&format!("FREQ=YEARLY;COUNT=1000000000;BYYEARDAY={};BYMONTHDAY=31;BYMONTH=2", numbers(-366..0)))
    }),
    calendar("fifty dense rules", |_| event(&format!("RRULE:FREQ=YEARLY;COUNT=999999999;{}\n", dense()).repeat(50))),
    calendar("many dense series", |n| {
        let series = |i| one(i, &format!("RRULE:FREQ=HOURLY;COUNT=1000000000;BYMONTHDAY={}\n", 1 + i % 28));
        counted(BEGIN, series, END, n.min(1 << 20))
    }),
    calendar("a zone of dense rules", dense_zone),
    calendar("many zones of dense rules", many_zones),
    calendar("a large zone in many calendars", large_zone),
    calendar("a zone of changes", |n| {
        let changes = |i| format!("RDATE:{:04}0101T000000\n", 1_601 + i % 8_000);
        counted(&format!("{BEGIN}{ZONE}"), changes, &format!("END:STANDARD\nEND:VTIMEZONE\n{IN_ZONE}{END}"), n)
    }),
    calendar("zones without number", |n| counted(OPEN, |i| format!("EXDATE;TZID=Z{i}/x:20260105T100000\n"), CLOSE, n)),
    calendar("zone names without end", |n| {
        filled(&format!("{OPEN}EXDATE;TZID="), b"(x),/", &format!(":20260105T100000\n{CLOSE}"), n)
    }),
    calendar("excluded dates without number", |n| {
        filled(&format!("{OPEN}RRULE:FREQ=DAILY\nEXDATE:"), b"20260105,", &format!("20260106\n{CLOSE}"), n)
    }),
    calendar("extra dates without number", |n| {
        counted(
            OPEN,
            |i| format!("RDATE;VALUE=PERIOD:2026{:02}{:02}T{:02}0000Z/P1D\n", 1 + i % 12, 1 + i % 28, i % 24),
            CLOSE,
            n,
        )
    }),
    calendar("overrides without number", overrides),
    calendar("overrides and extra dates", overrides_and_dates),
    calendar("futures without number", futures),
    calendar("properties without number", |n| counted(OPEN, |i| format!("X-{i};A=\"b\":c\n"), CLOSE, n)),
    calendar("people without number", |n| {
        counted(
            &format!("{OPEN}RRULE:FREQ=HOURLY\n"),
            |i| format!("ATTENDEE;CN=A{i}:mailto:a{i}@x.example\n"),
            CLOSE,
            n,
        )
    }),
    calendar("parameters without number", |n| {
        filled(&format!("{OPEN}ATTENDEE"), b";A=\"^n\"", &format!(":mailto:a@x.example\n{CLOSE}"), n)
    }),
    calendar("parameters without end", |n| {
        filled(&format!("{OPEN}ATTENDEE;CN=\""), b"a;b=", &format!(":mailto:a@x.example\n{CLOSE}"), n)
    }),
    calendar("a text of one line", |n| filled(&format!("{OPEN}DESCRIPTION:"), b"x", &format!("\n{CLOSE}"), n)),
    calendar("a text folded at every sign", |n| {
        filled(&format!("{OPEN}DESCRIPTION:"), b"x\r\n ", &format!("\n{CLOSE}"), n)
    }),
    calendar("a text broken at every sign", |n| filled(&format!("{OPEN}DESCRIPTION:\n"), b"x\n", CLOSE, n)),
    calendar("a parameter broken at every sign", |n| filled(&format!("{OPEN}ATTENDEE;CN=\"\n"), b"x\n", CLOSE, n)),
    calendar("a value broken at every sign", |n| {
        filled(&format!("{OPEN}X-LONG:{}\"\n", "y".repeat(80)), b"x\n", CLOSE, n)
    }),
    calendar("names broken off", |n| filled(OPEN, b"UID\r\n", CLOSE, n)),
    calendar("escapes and carets", |n| filled(&format!("{OPEN}SUMMARY;X=^n^:"), b"\\n\\,\\", &format!("\n{CLOSE}"), n)),
    calendar("components in each other", |n| filled(OPEN, b"BEGIN:X\n", CLOSE, n)),
    calendar("events in each other", |n| filled(BEGIN, b"BEGIN:VEVENT\n", END, n)),
    calendar("calendars in each other", |n| filled("", b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:a\n", END, n)),
    calendar("zones in each other", |n| filled(BEGIN, b"BEGIN:VTIMEZONE\nBEGIN:STANDARD\n", END, n)),
    calendar("ends without a beginning", |n| filled(BEGIN, b"END:VEVENT\nEND:VALARM\n", END, n)),
    calendar("events without number", |n| counted(BEGIN, |i| one(i, ""), END, n)),
    calendar("events without a name", |n| filled(BEGIN, b"BEGIN:VEVENT\nDTSTART:20260105\nEND:VEVENT\n", END, n)),
    calendar("names without end", |n| {
        filled(&format!("{BEGIN}BEGIN:VEVENT\nUID:"), b"x", &format!("\nDTSTART:20260105\n{CLOSE}"), n)
    }),
    calendar("windows-1252 throughout", |n| filled(&format!("{OPEN}DESCRIPTION:"), b"\x80", &format!("\n{CLOSE}"), n)),
    calendar("utf-16 throughout", |n| filled("", b"\xFF\xFE\xD8\x00\x0A\x00", "", n)),
    calendar("zeros throughout", |n| filled(OPEN, b"\0", CLOSE, n)),
    calendar("breaks throughout", |n| filled(OPEN, b"\r", CLOSE, n)),
    calendar("colons throughout", |n| filled(&format!("{OPEN}DTSTART;TZID="), b"a:", &format!("\n{CLOSE}"), n)),
];

const BEGIN: &str = "BEGIN:VCALENDAR\nVERSION:2.0\n";
const END: &str = "END:VCALENDAR\n";
const OPEN: &str = "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nUID:a\nDTSTART:20260105T100000Z\n";
const CLOSE: &str = "END:VEVENT\nEND:VCALENDAR\n";
const ZONE: &str =
    "BEGIN:VTIMEZONE\nTZID:Z\nBEGIN:STANDARD\nDTSTART:16010101T000000\nTZOFFSETFROM:+0000\nTZOFFSETTO:+0100\n";
const IN_ZONE: &str = "BEGIN:VEVENT\nUID:a\nDTSTART;TZID=Z:16010101T000000\nRRULE:FREQ=HOURLY\nEND:VEVENT\n";

fn event(lines: &str) -> Vec<u8> {
    format!("{BEGIN}BEGIN:VEVENT\nUID:a\nDTSTART:16010101T000000Z\n{lines}{CLOSE}").into_bytes()
}

fn rule(rule: &str) -> Vec<u8> {
    event(&format!("RRULE:{rule}\n"))
}

fn one(uid: usize, lines: &str) -> String {
    format!("BEGIN:VEVENT\nUID:{uid}\nDTSTART:16010101T000000Z\n{lines}END:VEVENT\n")
}

fn numbers(range: std::ops::Range<i32>) -> String {
    range.map(|n| n.to_string()).collect::<Vec<_>>().join(",")
}

/// Lists as dense as the rules let them be, that all the same meet no day.
fn dense() -> String {
    let days: Vec<String> =
        (1..=53).flat_map(|n| ["MO", "TU", "WE", "TH", "FR", "SA", "SU"].map(|d| format!("{n}{d},-{n}{d}"))).collect();
    format!("BYDAY={};BYMONTHDAY=31;BYSETPOS={}", days.join(","), numbers(400..1_400))
}

fn dense_part(name: &str, from: &str, to: &str, month: usize) -> String {
    format!(
        "BEGIN:{name}\nDTSTART:16010101T000000\nTZOFFSETFROM:{from}\nTZOFFSETTO:{to}\n\
         RRULE:FREQ=YEARLY;BYMONTH={month};{}\nEND:{name}\n",
        dense().replace(";BYMONTHDAY=31", "")
    )
}

/// Changes on every day from 1601 to 9999, asked for in many years.
fn dense_zone(size: usize) -> Vec<u8> {
    let parts: String = (1..=12).map(|m| dense_part("DAYLIGHT", "+0100", "+0200", m)).collect();
    let head = format!(
        "{BEGIN}BEGIN:VTIMEZONE\nTZID:Z\n{}{parts}END:VTIMEZONE\n",
        dense_part("STANDARD", "+0200", "+0100", 1)
    );
    let dates = |i| format!("EXDATE;TZID=Z:{:04}0601T100000\n", 1_601 + i % 8_000);
    counted(
        &format!("{head}BEGIN:VEVENT\nUID:a\nDTSTART;TZID=Z:16010101T000000\nRRULE:FREQ=DAILY\n"),
        dates,
        CLOSE,
        size,
    )
}

fn many_zones(size: usize) -> Vec<u8> {
    let zone = |i: usize| {
        let part = dense_part("STANDARD", "+0200", "+0100", 1 + i % 12);
        let dates: String = (0..20).map(|y| format!("EXDATE;TZID=Z{i}:{:04}0601T100000\n", 1_700 + y * 70)).collect();
        format!(
            "BEGIN:VTIMEZONE\nTZID:Z{i}\n{part}END:VTIMEZONE\nBEGIN:VEVENT\nUID:{i}\nDTSTART;TZID=Z{i}:16010101T000000\n\
             RRULE:FREQ=DAILY\n{dates}END:VEVENT\n"
        )
    };
    counted(BEGIN, zone, END, size)
}

/// One VTIMEZONE that fills half of the file, used by calendars that have none of their own.
fn large_zone(size: usize) -> Vec<u8> {
    let zone = "X-FILL:y\n".repeat(size / 18);
    let head = format!("{BEGIN}{ZONE}END:STANDARD\n{zone}END:VTIMEZONE\n{END}");
    let calendar =
        |i: usize| format!("{BEGIN}BEGIN:VEVENT\nUID:{i}\nDTSTART;TZID=Z:20260105T100000\nEND:VEVENT\n{END}");
    counted(&head, calendar, "", size)
}

fn stamp(i: usize) -> String {
    format!(
        "2026{:02}{:02}T{:02}{:02}{:02}Z",
        1 + i % 12,
        1 + i / 12 % 28,
        i / 336 % 24,
        i / 8_064 % 60,
        i / 483_840 % 60
    )
}

fn overrides(size: usize) -> Vec<u8> {
    let head =
        format!("{BEGIN}BEGIN:VEVENT\nUID:a\nDTSTART:20260101T000000Z\nRRULE:FREQ=HOURLY\nSEQUENCE:9\nEND:VEVENT\n");
    let own = |i| format!("BEGIN:VEVENT\nUID:a\nRECURRENCE-ID:{0}\nDTSTART:{0}\nEND:VEVENT\n", stamp(i));
    counted(&head, own, END, size)
}

fn overrides_and_dates(size: usize) -> Vec<u8> {
    let dates: String = (0..size / 40).map(|i| format!("RDATE:{}\n", stamp(i))).collect();
    let head = format!("{BEGIN}BEGIN:VEVENT\nUID:a\nDTSTART:20260101T000000Z\nSEQUENCE:9\n{dates}END:VEVENT\n");
    let own = |i| format!("BEGIN:VEVENT\nUID:a\nRECURRENCE-ID:{0}\nDTSTART:{0}\nEND:VEVENT\n", stamp(i + 7));
    counted(&head, own, END, size)
}

fn futures(size: usize) -> Vec<u8> {
    let head = format!("{BEGIN}BEGIN:VEVENT\nUID:a\nDTSTART:20260101T000000Z\nRRULE:FREQ=HOURLY\nEND:VEVENT\n");
    let own = |i| {
        format!(
            "BEGIN:VEVENT\nUID:a\nRECURRENCE-ID;RANGE=THISANDFUTURE:{}\nDTSTART:20990101T000000Z\nEND:VEVENT\n",
            stamp(i)
        )
    };
    counted(&head, own, END, size)
}
