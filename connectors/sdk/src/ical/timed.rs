//! A VEVENT whose zone is known: when it starts, how long it lasts, and the [`Event`] that all its instances are made of.

use chrono::{DateTime, Utc};

use super::{
    civil::DAY,
    rule::{Rule, Until},
    value::Form,
    vevent::Vevent,
    zones::{Place, Zone, Zones},
};
use crate::record::Event;

/// How long an instance lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// Whole days of an all-day event.
    Days(i64),
    /// The same distance of instants for all instances: what DTEND means (RFC 5545 section 3.8.5.3).
    Exact(i64),
    /// Days on the wall clock, then seconds: what DURATION means.
    Nominal(i64, i64),
}

impl Length {
    /// About how long, for widening a window.
    pub fn seconds(self) -> i64 {
        match self {
            Self::Days(days) => days * DAY,
            Self::Exact(seconds) => seconds,
            Self::Nominal(days, seconds) => days * DAY + seconds,
        }
    }
}

pub struct Timed<'a> {
    pub vevent: Vevent<'a>,
    pub zone: Zone,
    pub all_day: bool,
    /// DTSTART on the wall clock of `zone`.
    pub start: i64,
    pub length: Length,
    /// Everything but UID and times.
    pub template: Event,
}

impl<'a> Timed<'a> {
    pub fn new(mut vevent: Vevent<'a>, zones: &Zones<'_>) -> Self {
        // A day that ends at an hour begins at one: midnight of the owner.
        if vevent.start.is_date() && vevent.end.is_some_and(|end| !end.is_date()) {
            vevent.start.form = Form::Floating;
        }
        let Place { zone, mut uncertain } = zones.place(vevent.calendar, &vevent.start);
        let (all_day, start) = (vevent.start.is_date(), vevent.start.local);
        let length = if all_day { days(&vevent) } else { exact(&vevent, &zone, zones, &mut uncertain) };
        let template = Event {
            uid: String::new(),
            recurrence_id: None,
            start: DateTime::UNIX_EPOCH,
            end: DateTime::UNIX_EPOCH,
            all_day,
            time_uncertain: uncertain || vevent.end_unclear,
            summary: vevent.summary.take(),
            description: vevent.description.take(),
            status: vevent.status,
            class: vevent.class,
            organizer: vevent.organizer.take(),
            attendees: std::mem::take(&mut vevent.attendees),
            sequence: vevent.sequence,
            dtstamp: vevent.dtstamp.and_then(instant),
            last_modified: vevent.last_modified.and_then(instant),
            overridden: false,
        };
        Self { vevent, zone, all_day, start, length, template }
    }

    /// The end of an instance that starts at `start`, which is `local` on the clock of `zone`.
    pub fn end(&self, zone: &Zone, start: i64, local: i64) -> i64 {
        match self.length {
            Length::Days(days) => start + days * DAY,
            Length::Exact(seconds) | Length::Nominal(0, seconds) => start + seconds,
            Length::Nominal(days, seconds) => zone.to_utc(local + days * DAY) + seconds,
        }
    }

    /// The last start a rule of this series allows, on its clock, inclusive.
    pub fn last_start(&self, rule: &Rule) -> i64 {
        match rule.until {
            None => i64::MAX,
            // A day includes all of its starts.
            Some(Until::Date(midnight)) => midnight + DAY - 1,
            Some(Until::Local(local)) => local,
            Some(Until::Utc(utc)) if self.all_day || self.vevent.start.form == Form::Floating => utc,
            Some(Until::Utc(utc)) => last_local(&self.zone, utc),
        }
    }

    /// Bytes that one instance holds.
    pub fn weight(&self) -> usize {
        let event = &self.template;
        let texts = event.summary.as_ref().map_or(0, String::len) + event.description.as_ref().map_or(0, String::len);
        let people = event
            .attendees
            .iter()
            .map(|a| 120 + a.mailbox.address.len() + a.mailbox.name.as_ref().map_or(0, String::len));
        300 + texts + people.sum::<usize>()
    }
}

/// The last time on a clock that does not lie after an instant. In the second turn of the hour that comes twice in autumn
/// that is the end of the hour: its times are meant in its first turn.
fn last_local(zone: &Zone, utc: i64) -> i64 {
    let (mut last, mut after) = (zone.to_local(utc), 0);
    let turn = utc - zone.to_utc(last);
    if turn > 0 {
        after = last + turn;
    }
    while after - last > 1 {
        let middle = last + (after - last) / 2;
        if zone.to_utc(middle) <= utc { last = middle } else { after = middle }
    }
    last
}

/// An all-day event lasts at least its day, whatever its end says.
fn days(vevent: &Vevent<'_>) -> Length {
    let seconds = match (&vevent.end, vevent.duration) {
        (Some(end), _) => end.local - vevent.start.local,
        (None, Some((days, seconds))) => days * DAY + seconds,
        (None, None) => DAY,
    };
    Length::Days(((seconds + DAY - 1).div_euclid(DAY)).max(1))
}

fn exact(vevent: &Vevent<'_>, zone: &Zone, zones: &Zones<'_>, uncertain: &mut bool) -> Length {
    match (&vevent.end, vevent.duration) {
        (Some(end), _) => {
            let place = zones.place(vevent.calendar, end);
            *uncertain |= place.uncertain;
            let end = if end.is_date() { zone.to_utc(end.local) } else { place.zone.to_utc(end.local) };
            Length::Exact((end - zone.to_utc(vevent.start.local)).max(0))
        }
        (None, Some((days, seconds))) if days >= 0 && days * DAY + seconds >= 0 => Length::Nominal(days, seconds),
        _ => Length::Exact(0),
    }
}

/// A point in time as records carry it; `None` beyond what the calendar of the program can hold.
pub fn instant(seconds: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(seconds, 0)
}
