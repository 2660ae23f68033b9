//! iCalendar text (RFC 5545) of the sample company's meetings: the calendars on disk and the parts that travel by mail.
//! Writing only, in the shapes real programs write: UTC, zones with their definition, Windows zone names, dates.

use std::fmt::Write as _;

use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;

use super::world::{Guest, Meeting, Reply, Times};

/// A calendar of one owner.
pub(super) fn calendar(name: &str, meetings: &[&Meeting]) -> String {
    let mut text = head(None);
    line(&mut text, &format!("X-WR-CALNAME:{}", escape(name)));
    for zone in [chrono_tz::Europe::Berlin, chrono_tz::Europe::Paris, chrono_tz::America::New_York] {
        if meetings.iter().any(|m| m.times == Times::Zone && m.zone == zone) {
            text.push_str(definition(zone));
        }
    }
    for meeting in meetings {
        text.push_str(&entry(meeting));
    }
    line(&mut text, "END:VCALENDAR");
    text
}

/// What travels by mail; with one guest it is that guest's answer.
pub(super) fn by_mail(meeting: &Meeting, method: &str, at: DateTime<Utc>, guest: Option<&Guest>) -> String {
    let mut one = meeting.clone();
    one.stamp = at;
    one.times = match one.times {
        Times::AllDay(days) => Times::AllDay(days),
        _ => Times::Utc,
    };
    match guest {
        Some(guest) => one.guests = vec![guest.clone()],
        // The organiser does not know the answers yet.
        None => one.guests.iter_mut().filter(|g| !g.party.ours()).for_each(|g| g.reply = Reply::None),
    }
    one.cancelled = method == "CANCEL";
    let mut text = head(Some(method));
    text.push_str(&entry(&one));
    line(&mut text, "END:VCALENDAR");
    text
}

fn head(method: Option<&str>) -> String {
    let mut text = String::from("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Fernlicht//Sample 1.0//EN\r\n");
    line(&mut text, "CALSCALE:GREGORIAN");
    if let Some(method) = method {
        line(&mut text, &format!("METHOD:{method}"));
    }
    text
}

/// The VEVENT, and one more for every moved date of a series.
fn entry(meeting: &Meeting) -> String {
    let mut text = String::new();
    let series = meeting.series.clone().unwrap_or_default();
    line(&mut text, "BEGIN:VEVENT");
    common(&mut text, meeting);
    when(&mut text, meeting, meeting.start);
    if !series.rule.is_empty() {
        line(&mut text, &format!("RRULE:{}", series.rule));
    }
    for gone in &series.left_out {
        line(&mut text, &format!("EXDATE{}", stamp_in(meeting, *gone)));
    }
    line(&mut text, &format!("SUMMARY:{}", escape(&meeting.summary)));
    line(&mut text, "END:VEVENT");
    for moved in &series.moved {
        line(&mut text, "BEGIN:VEVENT");
        common(&mut text, meeting);
        line(&mut text, &format!("RECURRENCE-ID{}", stamp_in(meeting, moved.original)));
        when(&mut text, meeting, moved.start);
        line(&mut text, &format!("SUMMARY:{}", escape(&moved.summary)));
        line(&mut text, "END:VEVENT");
    }
    text
}

fn common(text: &mut String, meeting: &Meeting) {
    line(text, &format!("UID:{}", meeting.uid));
    line(text, &format!("DTSTAMP:{}", utc(meeting.stamp)));
    line(text, &format!("LAST-MODIFIED:{}", utc(meeting.stamp)));
    line(text, &format!("SEQUENCE:{}", meeting.sequence));
    line(text, if meeting.cancelled { "STATUS:CANCELLED" } else { "STATUS:CONFIRMED" });
    line(text, if meeting.private { "CLASS:PRIVATE" } else { "CLASS:PUBLIC" });
    if !meeting.notes.is_empty() {
        line(text, &format!("DESCRIPTION:{}", escape(&meeting.notes)));
    }
    if let Some(organizer) = &meeting.organizer {
        line(text, &format!("ORGANIZER;CN={}:mailto:{}", quoted(&organizer.name), organizer.email));
    }
    for guest in &meeting.guests {
        let answer = match guest.reply {
            Reply::Accepted => "ACCEPTED",
            Reply::Declined => "DECLINED",
            Reply::Tentative => "TENTATIVE",
            Reply::None => "NEEDS-ACTION",
        };
        let kind =
            if guest.room { ";CUTYPE=ROOM;ROLE=NON-PARTICIPANT" } else { ";CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT" };
        let name = quoted(&guest.party.name);
        line(text, &format!("ATTENDEE{kind};PARTSTAT={answer};RSVP=TRUE;CN={name}:mailto:{}", guest.party.email));
    }
}

fn when(text: &mut String, meeting: &Meeting, start: DateTime<Utc>) {
    if let Times::AllDay(days) = meeting.times {
        line(text, &format!("DTSTART;VALUE=DATE:{}", meeting.date.format("%Y%m%d")));
        line(text, &format!("DTEND;VALUE=DATE:{}", (meeting.date + Duration::days(days)).format("%Y%m%d")));
        line(text, "TRANSP:TRANSPARENT");
        return;
    }
    line(text, &format!("DTSTART{}", stamp_in(meeting, start)));
    line(text, &format!("DTEND{}", stamp_in(meeting, start + Duration::minutes(meeting.minutes))));
}

/// A property's value, with its zone where there is one: `;TZID=Europe/Berlin:20261118T100000`.
fn stamp_in(meeting: &Meeting, at: DateTime<Utc>) -> String {
    let local = at.with_timezone(&meeting.zone).format("%Y%m%dT%H%M%S");
    match meeting.times {
        Times::Zone => format!(";TZID={}:{local}", meeting.zone),
        Times::Windows => format!(";TZID=W. Europe Standard Time:{local}"),
        Times::Utc | Times::AllDay(_) => format!(":{}", utc(at)),
    }
}

fn utc(at: DateTime<Utc>) -> String {
    at.format("%Y%m%dT%H%M%SZ").to_string()
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "'"))
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace(';', "\\;").replace(',', "\\,").replace('\n', "\\n")
}

/// One content line, folded at 75 octets (section 3.1).
fn line(text: &mut String, content: &str) {
    let mut width = 0;
    for c in content.chars() {
        if width + c.len_utf8() > 75 {
            text.push_str("\r\n ");
            width = 1;
        }
        text.push(c);
        width += c.len_utf8();
    }
    let _ = write!(text, "\r\n");
}

fn definition(zone: Tz) -> &'static str {
    match zone {
        chrono_tz::Europe::Berlin => {
            "BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\n\
             BEGIN:STANDARD\r\nDTSTART:19701025T030000\r\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\r\n\
             TZNAME:CET\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\n\
             BEGIN:DAYLIGHT\r\nDTSTART:19700329T020000\r\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\r\n\
             TZNAME:CEST\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\nEND:DAYLIGHT\r\nEND:VTIMEZONE\r\n"
        }
        chrono_tz::Europe::Paris => {
            "BEGIN:VTIMEZONE\r\nTZID:Europe/Paris\r\n\
             BEGIN:STANDARD\r\nDTSTART:19701025T030000\r\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\r\n\
             TZNAME:CET\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\n\
             BEGIN:DAYLIGHT\r\nDTSTART:19700329T020000\r\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\r\n\
             TZNAME:CEST\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\nEND:DAYLIGHT\r\nEND:VTIMEZONE\r\n"
        }
        _ => {
            "BEGIN:VTIMEZONE\r\nTZID:America/New_York\r\n\
             BEGIN:STANDARD\r\nDTSTART:20071104T020000\r\nRRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU\r\n\
             TZNAME:EST\r\nTZOFFSETFROM:-0400\r\nTZOFFSETTO:-0500\r\nEND:STANDARD\r\n\
             BEGIN:DAYLIGHT\r\nDTSTART:20070311T020000\r\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU\r\n\
             TZNAME:EDT\r\nTZOFFSETFROM:-0500\r\nTZOFFSETTO:-0400\r\nEND:DAYLIGHT\r\nEND:VTIMEZONE\r\n"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_folded_between_characters() {
        let mut text = String::new();
        line(&mut text, &format!("SUMMARY:{}", "Vorführung ä".repeat(20)));
        for part in text.split_terminator("\r\n") {
            assert!(part.len() <= 75);
        }
        assert_eq!(text.replace("\r\n ", "").trim_end(), format!("SUMMARY:{}", "Vorführung ä".repeat(20)));
    }

    #[test]
    fn text_is_escaped() {
        assert_eq!(escape("a, b; c\nd\\"), "a\\, b\\; c\\nd\\\\");
    }
}
