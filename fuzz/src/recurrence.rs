//! Rules, extra and excluded dates of one event: what is opened for a year is what is opened for a longer time and lies in
//! that year. So jumping to a window, counting up to it and widening for long events must all agree.

use dealtrail_sdk::{
    Window,
    ical::{self, Series},
    record::Event,
};

use crate::calendar::{series, window};

const STARTS: [&str; 6] = [
    "DTSTART:20250102T090000Z",
    "DTSTART:20240229T233000",
    "DTSTART;VALUE=DATE:20191231",
    "DTSTART;TZID=Europe/Berlin:20250330T023000\nDURATION:PT90M",
    "DTSTART;TZID=America/New_York:16010101T000000\nDURATION:P1DT1H",
    "DTSTART;TZID=Z:20251026T013000\nDTEND;TZID=Z:20251026T030000",
];
const ZONE: &str = "BEGIN:VTIMEZONE\nTZID:Z\nBEGIN:STANDARD\nDTSTART:19701025T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\n\
    RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\nEND:STANDARD\nBEGIN:DAYLIGHT\nDTSTART:19700329T020000\nTZOFFSETFROM:+0100\n\
    TZOFFSETTO:+0200\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\nEND:DAYLIGHT\nEND:VTIMEZONE";

pub fn check(bytes: &[u8]) {
    let Some((first, lines)) = bytes.split_first() else { return };
    let start = STARTS[usize::from(*first) % STARTS.len()];
    // only what says when: properties of other kinds would end the event or begin another
    let lines: Vec<&str> = std::str::from_utf8(lines)
        .unwrap_or_default()
        .lines()
        .filter(|l| ["RRULE", "RDATE", "EXDATE", "EXRULE"].iter().any(|n| l.starts_with(n)))
        .collect();
    let text = format!(
        "BEGIN:VCALENDAR\n{ZONE}\nBEGIN:VEVENT\nUID:a\n{start}\n{}\nEND:VEVENT\nEND:VCALENDAR\n",
        lines.join("\n")
    );
    let (wide, narrow) = (window(2024, 2028), window(2025, 2026));
    let (Some(long), Some(short)) = (open(&text, &wide), open(&text, &narrow)) else { return };
    series(&long, &wide);
    series(&short, &narrow);
    if long.capped || short.capped {
        return;
    }
    let inside = |e: &&Event| e.start < narrow.until && (e.end > narrow.since || e.start >= narrow.since);
    let expected: Vec<String> = long.events.iter().filter(inside).map(shown).collect();
    let found: Vec<String> = short.events.iter().map(shown).collect();
    assert_eq!(found, expected, "one year of four, and one year alone");
}

fn open(text: &str, window: &Window) -> Option<Series> {
    ical::read(text.as_bytes(), chrono_tz::Europe::Lisbon, window).series.pop()
}

fn shown(event: &Event) -> String {
    format!("{} {} {}", ical::key("h", event), event.start, event.end)
}
