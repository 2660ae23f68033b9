//! iCalendar bytes -> [`Event`]s, recurrence opened only inside a window (RFC 5545, 5546, 6868, 7986). Pure: no clock, no
//! files, no network; never panics, bounded in time and memory on any input.
//!
//! The way: `prepass` unfolds, `outline` cuts the file into VEVENTs by UID, `vevent` reads each one alone, `timed` and
//! `zones` find its instants, `series` opens it with `rule` and `expand`. One bad VEVENT costs its own series: it comes
//! back as a [`Refusal`], everything else is read.
//!
//! The content lines are cut by our own reader (`line`): the files that matter most are the broken ones, and a parser
//! that takes all or nothing, or recurses, cannot be trusted with them. The tests compare it with the `icalendar` crate,
//! and `expand` with the `rrule` crate.

mod civil;
mod expand;
mod line;
mod outline;
mod people;
mod prepass;
mod rule;
mod series;
mod timed;
mod value;
mod vevent;
mod vtimezone;
mod windows;
mod zones;

#[cfg(test)]
mod cases;
#[cfg(test)]
mod edges;
#[cfg(test)]
mod props;

use std::fmt;

pub use outline::Outline;

use crate::{
    Window, alone,
    record::{Event, Method},
};
use vevent::Vevent;

/// A whole file, opened.
pub struct Calendar {
    /// The first METHOD of the file.
    pub method: Option<Method>,
    /// X-WR-CALNAME or NAME.
    pub name: Option<String>,
    /// At least one VCALENDAR was seen. Without it an empty file proves nothing.
    pub valid: bool,
    /// In the order of the file.
    pub series: Vec<Series>,
    /// What could not be read.
    pub refused: Vec<Refusal>,
}

/// All instances of one UID that overlap the window.
pub struct Series {
    pub uid: String,
    /// Changes whenever a VEVENT of the UID or a VTIMEZONE it uses changes; DTSTAMP, folding and order do not count.
    pub version: String,
    /// By start.
    pub events: Vec<Event>,
    /// There were more instances than may be kept (5,000, or 64 MiB); the earliest are here.
    pub capped: bool,
}

/// A UID, or with `None` a whole file, that could not be read.
#[derive(Clone, PartialEq, Eq)]
pub struct Refusal {
    pub uid: Option<String>,
    /// One plain sentence without content.
    pub why: String,
}

impl Refusal {
    fn of_file(why: &str) -> Self {
        Self { uid: None, why: why.to_owned() }
    }
}

impl fmt::Debug for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Calendar({} series, {} refused)", self.series.len(), self.refused.len())
    }
}

impl fmt::Debug for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Series({} events, version {})", self.events.len(), self.version)
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Refusal({})", self.why)
    }
}

/// What an honest calendar stays below.
struct Limits;

impl Limits {
    /// Bytes of a file.
    const FILE: usize = 50 << 20;
    /// VEVENTs of a file.
    const EVENTS: usize = 200_000;
    /// Components inside each other.
    const DEPTH: usize = 8;
    /// Instances of a series inside the window.
    const INSTANCES: usize = 5_000;
    /// Bytes of all instances of a series.
    const SERIES_BYTES: usize = 64 << 20;
    /// Bytes of all instances of a file that is opened whole.
    const FILE_BYTES: usize = 96 << 20;
    /// VEVENTs of one UID: the series and its overrides.
    const VERSIONS: usize = 10_000;
    /// Periods and candidates that the rules of a series may cost.
    const WORK: u32 = 2_000_000;
    /// What of it every series may spend, and what all that are opened together may spend beyond that.
    const SHARE: u32 = 1_000;
    const FILE_WORK: u32 = 4_000_000;
}

/// Reads a whole file: every UID, its instances inside the window. `zone` is the owner's, for floating times.
pub fn read(bytes: &[u8], zone: chrono_tz::Tz, window: &Window) -> Calendar {
    let outline = Outline::new(bytes);
    let uids: Vec<&str> = outline.series().map(|(uid, _)| uid).collect();
    let mut calendar = Calendar {
        method: outline.method,
        name: outline.name.clone(),
        valid: outline.valid,
        series: Vec::with_capacity(uids.len()),
        refused: outline.refused.clone(),
    };
    let mut bytes = 0;
    outline.open(&uids, zone, window, &mut |uid, opened| {
        match opened {
            Some(Ok(series)) => {
                bytes += series.events.iter().map(weight).sum::<usize>();
                calendar.series.push(series);
            }
            Some(Err(refusal)) => calendar.refused.push(refusal),
            None => {}
        }
        if bytes > Limits::FILE_BYTES {
            let why =
                "the file opens to more than fits in memory; this series and those behind it were left out".to_owned();
            calendar.refused.push(Refusal { uid: Some(uid.to_owned()), why });
            return false;
        }
        true
    });
    calendar
}

fn weight(event: &Event) -> usize {
    300 + event.description.as_ref().map_or(0, String::len) + event.attendees.len() * 150
}

/// What came of opening a UID: `None` when the file does not hold it.
pub type Opened = Option<Result<Series, Refusal>>;

impl Outline {
    /// Opens the named series one by one: `take` gets each UID with what came of it, and returns
    /// false to stop. Zones are evaluated once for all of them.
    pub fn open<U: AsRef<str>>(
        &self,
        uids: &[U],
        zone: chrono_tz::Tz,
        window: &Window,
        take: &mut dyn FnMut(&str, Opened) -> bool,
    ) {
        let zones = zones::Zones::new(zone, self);
        for uid in uids {
            let opened = self.find(uid.as_ref()).map(|group| {
                let panicked = || Refusal { uid: Some(group.uid.clone()), why: alone::WHY.to_owned() };
                let words = group.blocks.first().map_or("", |block| self.lines(&block.lines));
                alone::alone(words.as_bytes(), || self.one(group, &zones, window)).unwrap_or_else(|| Err(panicked()))
            });
            if !take(uid.as_ref(), opened) {
                return;
            }
        }
    }

    fn one(&self, group: &outline::Group, zones: &zones::Zones<'_>, window: &Window) -> Result<Series, Refusal> {
        let refuse =
            |why: &str| Refusal { uid: Some(group.uid.clone()), why: format!("the event cannot be read: {why}") };
        if group.blocks.len() > Limits::VERSIONS {
            return Err(refuse("it has more than 10,000 overrides"));
        }
        let mut vevents = Vec::with_capacity(group.blocks.len());
        for block in &group.blocks {
            if block.too_deep {
                return Err(refuse("components lie more than 8 deep in each other"));
            }
            vevents.push(Vevent::read(block.calendar, self.lines(&block.lines)).map_err(refuse)?);
        }
        let (events, capped) = series::open(&group.uid, vevents, zones, window).map_err(refuse)?;
        Ok(Series { uid: group.uid.clone(), version: group.version.clone(), events, capped })
    }
}

/// The key of an event in its stream: `href#UID#RECURRENCE-ID` (UTC, basic format; `-` for a single event).
pub fn key(href: &str, event: &Event) -> String {
    match event.recurrence_id {
        Some(id) => format!("{href}#{}#{}", event.uid, id.format("%Y%m%dT%H%M%SZ")),
        None => format!("{href}#{}#-", event.uid),
    }
}
