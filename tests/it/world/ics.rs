//! Writes calendar objects (RFC 5545): events in several kinds of time, attendees with their answers, recurrence lines,
//! and the zones they need. It knows nothing of what should become of them.

use chrono::{DateTime, Duration, NaiveDate, NaiveDateTime, Utc};
use chrono_tz::Tz;

use super::days::{basic, basic_local, midnight, next, utc};

/// When an event takes place, in the form in which it is written.
#[derive(Clone, Copy, Debug)]
pub enum When {
    Utc(DateTime<Utc>, Duration),
    /// TZID as written, the zone it means, local start.
    Zoned(&'static str, Tz, NaiveDateTime, Duration),
    /// Without a zone: the calendar owner's.
    Floating(Tz, NaiveDateTime, Duration),
    /// First day, number of days.
    AllDay(NaiveDate, u64),
}

impl When {
    pub fn start(&self) -> DateTime<Utc> {
        match *self {
            Self::Utc(t, _) => t,
            Self::Zoned(_, zone, local, _) | Self::Floating(zone, local, _) => utc(zone, local),
            Self::AllDay(date, _) => midnight(date),
        }
    }
    pub fn end(&self) -> DateTime<Utc> {
        match *self {
            Self::Utc(_, d) | Self::Zoned(_, _, _, d) | Self::Floating(_, _, d) => self.start() + d,
            Self::AllDay(date, days) => midnight(next(date, days)),
        }
    }
    pub fn all_day(&self) -> bool {
        matches!(self, Self::AllDay(..))
    }

    /// The same time of day so many days later.
    pub fn plus_days(&self, days: i64) -> Self {
        let d = Duration::days(days);
        match *self {
            Self::Utc(t, l) => Self::Utc(t + d, l),
            Self::Zoned(id, zone, local, l) => Self::Zoned(id, zone, local + d, l),
            Self::Floating(zone, local, l) => Self::Floating(zone, local + d, l),
            Self::AllDay(date, l) => Self::AllDay(date + d, l),
        }
    }

    fn value(&self, name: &str, at_end: bool) -> String {
        let move_by = |d: Duration| if at_end { d } else { Duration::zero() };
        match *self {
            Self::Utc(t, d) => format!("{name}:{}", basic(t + move_by(d))),
            Self::Zoned(id, _, local, d) => format!("{name};TZID={id}:{}", basic_local(local + move_by(d))),
            Self::Floating(_, local, d) => format!("{name}:{}", basic_local(local + move_by(d))),
            Self::AllDay(date, days) => {
                let date = if at_end { next(date, days) } else { date };
                format!("{name};VALUE=DATE:{}", date.format("%Y%m%d"))
            }
        }
    }
    /// A property such as EXDATE or RECURRENCE-ID with this start.
    pub fn line(&self, name: &str) -> String {
        self.value(name, false)
    }
}

#[derive(Clone, Debug)]
pub struct Guest {
    pub name: String,
    pub address: String,
    /// PARTSTAT.
    pub answer: &'static str,
    /// ROLE.
    pub role: &'static str,
    pub room: bool,
}

/// One VEVENT.
#[derive(Clone, Debug)]
pub struct Vevent {
    pub uid: String,
    pub when: When,
    pub summary: String,
    pub description: String,
    /// (name, address).
    pub organizer: Option<(String, String)>,
    pub guests: Vec<Guest>,
    pub status: Option<&'static str>,
    pub class: Option<&'static str>,
    pub sequence: u32,
    pub stamp: DateTime<Utc>,
    /// RRULE, EXDATE, RDATE, RECURRENCE-ID as whole lines.
    pub lines: Vec<String>,
}

impl Vevent {
    /// DTEND or, for every third event, DURATION; one day of an all-day event needs neither (RFC 5545 section 3.6.1).
    fn length_line(&self) -> Option<String> {
        let other = self.stamp.timestamp() % 3 == 0;
        match self.when {
            When::AllDay(_, 1) if other => None,
            When::AllDay(_, days) if other => Some(format!("DURATION:P{days}D")),
            When::Utc(_, d) | When::Zoned(_, _, _, d) | When::Floating(_, _, d) if other => {
                Some(format!("DURATION:PT{}M", d.num_minutes()))
            }
            _ => Some(self.when.value("DTEND", true)),
        }
    }
}

/// A calendar of these events. `method` only for mailed ones (RFC 5546).
pub fn write(events: &[Vevent], method: Option<&str>) -> String {
    let mut out = String::from("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//World//EN\r\nCALSCALE:GREGORIAN\r\n");
    if let Some(method) = method {
        line(&mut out, &format!("METHOD:{method}"));
    }
    let body: String = events.iter().map(vevent).collect();
    for (id, zone) in ZONES {
        if body.contains(&format!("TZID={id}:")) {
            out.push_str(&zone.replace('\n', "\r\n"));
        }
    }
    out.push_str(&body);
    out.push_str("END:VCALENDAR\r\n");
    out
}

fn vevent(e: &Vevent) -> String {
    let mut out = String::from("BEGIN:VEVENT\r\n");
    line(&mut out, &format!("UID:{}", e.uid));
    line(&mut out, &format!("DTSTAMP:{}", basic(e.stamp)));
    line(&mut out, &e.when.value("DTSTART", false));
    if let Some(length) = e.length_line() {
        line(&mut out, &length);
    }
    line(&mut out, &format!("SUMMARY:{}", escape(&e.summary)));
    if !e.description.is_empty() {
        line(&mut out, &format!("DESCRIPTION:{}", escape(&e.description)));
    }
    line(&mut out, &format!("SEQUENCE:{}", e.sequence));
    if let Some(status) = e.status {
        line(&mut out, &format!("STATUS:{status}"));
    }
    if let Some(class) = e.class {
        line(&mut out, &format!("CLASS:{class}"));
    }
    if let Some((name, address)) = &e.organizer {
        line(&mut out, &format!("ORGANIZER;CN=\"{name}\":mailto:{address}"));
    }
    for g in &e.guests {
        let kind = if g.room { ";CUTYPE=ROOM" } else { "" };
        let params = format!("{kind};ROLE={};PARTSTAT={};CN=\"{}\"", g.role, g.answer, g.name);
        let scheme = if e.stamp.timestamp() % 5 == 0 { "MAILTO" } else { "mailto" };
        line(&mut out, &format!("ATTENDEE{params}:{scheme}:{}", g.address));
    }
    for extra in &e.lines {
        line(&mut out, extra);
    }
    out.push_str("END:VEVENT\r\n");
    out
}

/// One content line, folded at 75 octets (RFC 5545 section 3.1).
fn line(out: &mut String, text: &str) {
    let mut width = 0;
    for c in text.chars() {
        if width + c.len_utf8() > 73 {
            out.push_str("\r\n ");
            width = 1;
        }
        width += c.len_utf8();
        out.push(c);
    }
    out.push_str("\r\n");
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace(';', "\\;").replace(',', "\\,").replace('\n', "\\n")
}

const ZONES: &[(&str, &str)] =
    &[("Europe/Berlin", BERLIN), ("W. Europe Standard Time", WINDOWS), ("America/New_York", NEW_YORK)];

const BERLIN: &str = "BEGIN:VTIMEZONE
TZID:Europe/Berlin
BEGIN:DAYLIGHT
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
TZNAME:CEST
DTSTART:19700329T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
END:DAYLIGHT
BEGIN:STANDARD
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
TZNAME:CET
DTSTART:19701025T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
END:VTIMEZONE
";

const WINDOWS: &str = "BEGIN:VTIMEZONE
TZID:W. Europe Standard Time
BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
";

const NEW_YORK: &str = "BEGIN:VTIMEZONE
TZID:America/New_York
BEGIN:DAYLIGHT
TZOFFSETFROM:-0500
TZOFFSETTO:-0400
TZNAME:EDT
DTSTART:20070311T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU
END:DAYLIGHT
BEGIN:STANDARD
TZOFFSETFROM:-0400
TZOFFSETTO:-0500
TZNAME:EST
DTSTART:20071104T020000
RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU
END:STANDARD
END:VTIMEZONE
";
