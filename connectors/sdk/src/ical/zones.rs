//! Names of time zones -> zones, and wall clocks -> instants. The order of trust: the file's own VTIMEZONE, the IANA
//! name, Windows ids and display names, the last segments of a path, a bare offset. What nobody knows is read in the
//! owner's zone and marked uncertain; it never fails.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
    sync::OnceLock,
};

use chrono::{DateTime, NaiveDateTime, Offset, TimeZone};
use chrono_tz::Tz;

use super::{
    Limits,
    civil::DAY,
    outline::Outline,
    value::{self, Form, Stamp},
    vtimezone::{self, FileZone},
    windows,
};

/// A zone that can turn wall clocks into instants.
#[derive(Clone)]
pub enum Zone {
    /// Seconds east of UTC.
    Fixed(i32),
    Iana(Tz),
    File(Rc<FileZone>),
}

/// A zone and whether it is a guess.
#[derive(Clone)]
pub struct Place {
    pub zone: Zone,
    pub uncertain: bool,
}

impl Place {
    const UTC: Self = Self { zone: Zone::Fixed(0), uncertain: false };

    fn sure(zone: Zone) -> Self {
        Self { zone, uncertain: false }
    }
}

impl Zone {
    /// The instant of a wall clock time: in a gap by the offset before it, in a fold the first (RFC 5545 section 3.3.5).
    pub fn to_utc(&self, local: i64) -> i64 {
        let (before, after) = match self {
            Self::Fixed(east) => return local - i64::from(*east),
            Self::Iana(tz) => {
                use chrono::offset::LocalResult::{Ambiguous, None, Single};
                match tz.offset_from_local_datetime(&naive(local)) {
                    Single(offset) | Ambiguous(offset, _) => return local - i64::from(offset.fix().local_minus_utc()),
                    None => (self.offset_at(local - 2 * DAY), self.offset_at(local + 2 * DAY)),
                }
            }
            Self::File(zone) => (zone.offset_at(local - DAY), zone.offset_at(local + DAY)),
        };
        let first = local - i64::from(before);
        if before == after || self.offset_at(first) == before {
            return first;
        }
        let second = local - i64::from(after);
        if self.offset_at(second) == after { second } else { first }
    }

    /// The wall clock at an instant.
    pub fn to_local(&self, utc: i64) -> i64 {
        utc + i64::from(self.offset_at(utc))
    }

    fn offset_at(&self, utc: i64) -> i32 {
        match self {
            Self::Fixed(east) => *east,
            Self::Iana(tz) => iana_offset(*tz, utc),
            Self::File(zone) => zone.offset_at(utc),
        }
    }
}

fn naive(seconds: i64) -> NaiveDateTime {
    DateTime::from_timestamp(seconds, 0).unwrap_or_default().naive_utc()
}

/// Seconds east of UTC of an IANA zone at an instant.
pub fn iana_offset(tz: Tz, utc: i64) -> i32 {
    tz.offset_from_utc_datetime(&naive(utc)).fix().local_minus_utc()
}

/// VTIMEZONEs by their place in the file and the IANA zone behind them: many calendars of a file may share one.
type FileZones = HashMap<(usize, Option<Tz>), Option<Rc<FileZone>>>;

/// The zones of one file, each made when it is first named.
pub struct Zones<'a> {
    owner: Tz,
    outline: &'a Outline,
    known: RefCell<HashMap<(u32, String), Place>>,
    files: RefCell<FileZones>,
    /// What the VTIMEZONEs of the file may cost together.
    patience: Rc<Cell<usize>>,
    /// Work that is left for rules which need more than an honest one does.
    work: Cell<u32>,
}

impl<'a> Zones<'a> {
    pub fn new(owner: Tz, outline: &'a Outline) -> Self {
        let patience = Rc::new(Cell::new(vtimezone::PATIENCE));
        let work = Cell::new(Limits::FILE_WORK);
        Self { owner, outline, known: RefCell::default(), files: RefCell::default(), patience, work }
    }

    /// Work that the rules of one series may cost: its own share, and of the file's what is left.
    pub fn allowance(&self) -> u32 {
        Limits::SHARE + self.work.get().min(Limits::WORK - Limits::SHARE)
    }

    /// Accounts for what a series has used of its allowance.
    pub fn used(&self, allowance: u32, left: u32) {
        let beyond = (allowance - left).saturating_sub(Limits::SHARE);
        self.work.set(self.work.get().saturating_sub(beyond));
    }

    /// The owner's zone, in which floating times are read.
    pub fn owner(&self) -> Place {
        Place::sure(Zone::Iana(self.owner))
    }

    /// The zone in which a stamp of one of the file's calendars stands. Dates stand in UTC: they are midnight UTC.
    pub fn place(&self, calendar: u32, stamp: &Stamp<'_>) -> Place {
        match stamp.form {
            Form::Date | Form::Utc => Place::UTC,
            Form::Floating => self.owner(),
            Form::Fixed(east) => Place::sure(Zone::Fixed(east)),
            Form::Zoned(name) => self.named(calendar, name),
        }
    }

    fn named(&self, calendar: u32, name: &str) -> Place {
        // The map's key owns its text; a one-entry file is the rule, so a walk costs less than building a key.
        let mut known = self.known.borrow_mut();
        if let Some((_, place)) = known.iter().take(4).find(|((c, n), _)| *c == calendar && n == name) {
            return place.clone();
        }
        let key = (calendar, name.to_owned());
        known.entry(key).or_insert_with(|| self.make(calendar, name)).clone()
    }

    fn make(&self, calendar: u32, name: &str) -> Place {
        // An IANA zone may speak where a cut-down VTIMEZONE of that name is silent; for all other names the file is right.
        let file = self.outline.zone_of(calendar, name).and_then(|lines| {
            let iana = exact(name);
            let read = || FileZone::read(self.outline.lines(lines), iana, &self.patience).map(Rc::new);
            self.files.borrow_mut().entry((lines.start, iana)).or_insert_with(read).clone()
        });
        match file {
            Some(zone) => Place::sure(Zone::File(zone)),
            None => by_name(name).unwrap_or(Place { zone: Zone::Iana(self.owner), uncertain: true }),
        }
    }
}

/// A zone by its name alone.
fn by_name(name: &str) -> Option<Place> {
    let name = name.replace('\\', "");
    let name = name.trim().trim_matches(['"', '\'']).trim();
    let found = exact(name).or_else(|| windows_zone(name)).map(Zone::Iana);
    let found = found.or_else(|| bare_offset(name).map(Zone::Fixed));
    if let Some(zone) = found {
        return Some(Place::sure(zone));
    }
    if let Some(place) = display_name(name) {
        return Some(place);
    }
    // "/vendor.example/20050126_1/Europe/Berlin", "tzone://Microsoft/Utc"
    let ends = name.rmatch_indices('/').take(3).map(|(at, _)| &name[at + 1..]);
    let mut ends: Vec<&str> = ends.filter(|end| !end.is_empty()).collect();
    ends.reverse();
    let last = ends.last().copied();
    let by_end = ends.into_iter().find_map(exact).or_else(|| last.and_then(windows_zone));
    // "W. Europe Standard Time 1", "Europe/Berlin-2": a program that met two zones of one name.
    let by_stem = || {
        let stem = name.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches([' ', '-', '_']);
        (stem.len() < name.len()).then(|| exact(stem).or_else(|| windows_zone(stem)))?
    };
    by_end.or_else(by_stem).map(|tz| Place::sure(Zone::Iana(tz)))
}

fn windows_zone(name: &str) -> Option<Tz> {
    windows::by_id(name).or_else(|| windows::by_name(name))?.parse().ok()
}

/// An IANA name, in any case, blanks for underscores.
fn exact(name: &str) -> Option<Tz> {
    name.parse().ok().or_else(|| folded().get(&fold(name)).copied())
}

fn fold(name: &str) -> String {
    name.trim().chars().map(|c| if c == ' ' { '_' } else { c.to_ascii_lowercase() }).collect()
}

fn folded() -> &'static HashMap<String, Tz> {
    static NAMES: OnceLock<HashMap<String, Tz>> = OnceLock::new();
    NAMES.get_or_init(|| chrono_tz::TZ_VARIANTS.iter().map(|tz| (fold(tz.name()), *tz)).collect())
}

/// IANA zones by their city.
fn cities() -> &'static HashMap<String, Tz> {
    static CITIES: OnceLock<HashMap<String, Tz>> = OnceLock::new();
    CITIES.get_or_init(|| {
        let zones = chrono_tz::TZ_VARIANTS.iter().filter(|tz| tz.name().contains('/'));
        zones.map(|tz| (fold(tz.name().rsplit('/').next().unwrap_or("")), *tz)).collect()
    })
}

/// `GMT+0200`, `UTC-5`, `+01:00`, `GMT`, `Z`.
fn bare_offset(name: &str) -> Option<i32> {
    let rest = ["UTC", "GMT"].iter().find_map(|p| name.get(..3)?.eq_ignore_ascii_case(p).then(|| name[3..].trim()));
    match rest.unwrap_or(name) {
        "" if rest.is_some() => Some(0),
        "Z" | "z" => Some(0),
        text if text.starts_with(['+', '-']) => value::offset(text),
        _ => None,
    }
}

/// `(UTC+01:00) Amsterdam, Berlin, Bern`: by the name, by a city that fits the offset, else the offset as a guess.
fn display_name(name: &str) -> Option<Place> {
    let (prefix, rest) = name.strip_prefix('(')?.split_once(')')?;
    let east = bare_offset(prefix.trim());
    let rest = rest.trim();
    if let Some(tz) = windows_zone(rest).or_else(|| exact(rest)) {
        return Some(Place::sure(Zone::Iana(tz)));
    }
    let east = east?;
    // Standard time holds in January or in July.
    let fits = |tz: &Tz| [1_736_000_000, 1_752_000_000].iter().any(|at| iana_offset(*tz, *at) == east);
    let city = rest.split(',').find_map(|city| cities().get(&fold(city)).copied().filter(fits));
    Some(city.map_or(Place { zone: Zone::Fixed(east), uncertain: true }, |tz| Place::sure(Zone::Iana(tz))))
}
