//! The calendars of the little world.

use std::fs;

use chrono::Duration;

use super::{super::acts::Act, Book, Meeting, pick, stamp};

impl Book {
    pub(super) fn meet(
        &mut self,
        ahead: i64,
        organizer: &'static str,
        attendees: Vec<(&'static str, &'static str)>,
        calendars: Vec<&'static str>,
        weekly: bool,
    ) {
        let start = self.now + Duration::hours(ahead);
        let (cancelled, sequence, written) = (false, 0, self.now);
        self.meetings.push(Meeting { start, weekly, organizer, attendees, cancelled, sequence, calendars, written });
        self.write_meeting(self.meetings.len() - 1);
    }

    /// Only what is still to come changes: a held meeting is frozen, and so are the held instances of a series, of which only
    /// who saw them knows where they stood.
    pub(super) fn change_meeting(&mut self, which: usize, change: impl FnOnce(&mut Meeting)) {
        let now = self.now;
        let Some((n, _)) = pick(&self.meetings, which).filter(|(_, m)| m.start > now && !m.calendars.is_empty()) else {
            return;
        };
        change(&mut self.meetings[n]);
        self.meetings[n].sequence += 1;
        self.meetings[n].written = now;
        self.write_meeting(n);
    }

    /// A whole series that is moved: its instances go, as if each were removed, and others come.
    pub fn moves_a_series(&self, act: Act) -> bool {
        let Act::MoveMeeting { which, .. } = act else { return false };
        pick(&self.meetings, which).is_some_and(|(_, m)| m.weekly && m.start > self.now)
    }

    pub(super) fn write_meeting(&self, n: usize) {
        let m = &self.meetings[n];
        let lines: String =
            m.attendees.iter().map(|(a, said)| format!("ATTENDEE;PARTSTAT={said}:mailto:{a}\r\n")).collect();
        let (rule, status) = (
            if m.weekly { "RRULE:FREQ=WEEKLY;COUNT=5\r\n" } else { "" },
            if m.cancelled { "CANCELLED" } else { "CONFIRMED" },
        );
        let body = format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:e{n}\r\nDTSTAMP:{}\r\nDTSTART:{}\r\nDTEND:{}\r\n\
             SEQUENCE:{}\r\nSTATUS:{status}\r\n{rule}SUMMARY:Talk {n}\r\nORGANIZER:mailto:{}\r\n{lines}END:VEVENT\r\nEND:VCALENDAR\r\n",
            stamp(m.written),
            stamp(m.start),
            stamp(m.start + Duration::hours(1)),
            m.sequence,
            m.organizer,
        );
        for rep in ["ana", "bob"] {
            let file = self.dir.join(format!("cal/{rep}/e{n}.ics"));
            if m.calendars.contains(&rep) {
                fs::write(file, &body).expect("an event");
            } else if file.exists() {
                fs::remove_file(file).expect("the event goes");
            }
        }
    }
}
