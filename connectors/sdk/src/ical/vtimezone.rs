//! A VTIMEZONE of the file, evaluated (RFC 5545 section 3.6.5): STANDARD and DAYLIGHT parts with RRULE (and its UNTIL)
//! and RDATE. Offsets are worked out year by year, only for the years that are asked for.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use chrono_tz::Tz;

use super::{
    civil::{self, DAY},
    expand::{self, Span},
    line::Line,
    rule::{Freq, Rule, Until},
    value,
    zones::iana_offset,
};

/// A time zone that a file brings along.
pub struct FileZone {
    parts: Vec<Part>,
    /// Offset before the first onset.
    initial: i32,
    /// First and last onset in the file.
    onsets: (i64, i64),
    /// The IANA zone of the same name: it speaks where the file does not.
    fallback: Option<Tz>,
    years: RefCell<Vec<Year>>,
    /// Parts that may still be evaluated, shared by all zones of a file: an honest one never comes near the end of it.
    left: Rc<Cell<usize>>,
}

/// A UTC year and its onsets: instant and offset from then on, led by the last onset before the year.
type Year = (i64, Vec<(i64, i32)>);

/// One STANDARD or DAYLIGHT.
struct Part {
    /// Local time of the first onset, on the clock before it.
    start: i64,
    from: i32,
    to: i32,
    rule: Option<Rule>,
    /// Last onset of the rule, local.
    until: i64,
    /// Onsets by RDATE, ascending, local.
    extra: Vec<i64>,
}

/// Real zones have up to a few dozen; more is no zone.
const PARTS: usize = 300;
/// Bytes of a VTIMEZONE; real ones have a few thousand.
const BYTES: usize = 256 << 10;
/// Parts times years that the zones of a file may cost.
pub const PATIENCE: usize = 30_000;
/// Work of one rule in one year, where a year has two onsets.
const WORK: u32 = 2_000;
/// Onsets of one part in one year.
const ONSETS: u32 = 24;
/// Onsets of a yearly rule lie no further apart.
const YEAR: i64 = 367 * DAY;

impl FileZone {
    /// Reads the lines of a VTIMEZONE; `None` when it has no usable part.
    pub fn read(text: &str, fallback: Option<Tz>, patience: &Rc<Cell<usize>>) -> Option<Self> {
        if text.len() > BYTES {
            return None;
        }
        let mut parts = Vec::new();
        let mut draft: Option<Draft> = None;
        for line in text.lines() {
            let Some(line) = Line::cut(line) else { continue };
            if line.name.eq_ignore_ascii_case("BEGIN") {
                let name = line.value.trim();
                let known = name.eq_ignore_ascii_case("STANDARD") || name.eq_ignore_ascii_case("DAYLIGHT");
                draft = known.then(Draft::default);
            } else if line.name.eq_ignore_ascii_case("END") {
                parts.extend(draft.take().and_then(Draft::finish));
            } else if let Some(draft) = &mut draft {
                draft.take(&line);
            }
        }
        parts.extend(draft.and_then(Draft::finish));
        let first = parts.iter().min_by_key(|p: &&Part| p.start - i64::from(p.from))?;
        if parts.len() > PARTS || (fallback.is_some() && contradictory(&parts)) {
            return None;
        }
        let onsets = (first.start - i64::from(first.from), parts.iter().map(Part::last).max()?);
        Some(Self {
            initial: first.from,
            onsets,
            fallback,
            parts,
            years: RefCell::default(),
            left: Rc::clone(patience),
        })
    }

    /// Seconds east of UTC at an instant.
    pub fn offset_at(&self, utc: i64) -> i32 {
        if let Some(tz) = self.fallback.filter(|tz| !self.speaks(*tz, utc)) {
            return iana_offset(tz, utc);
        }
        let year = civil::date(utc.div_euclid(DAY)).0;
        let mut years = self.years.borrow_mut();
        let at = years.iter().position(|(y, _)| *y == year).unwrap_or_else(|| {
            if years.len() >= 64 {
                years.clear();
            }
            years.push((year, self.onsets(year)));
            years.len() - 1
        });
        let onsets = &years[at].1;
        let after = onsets.partition_point(|(onset, _)| *onset <= utc);
        after.checked_sub(1).map_or(self.initial, |i| onsets[i].1)
    }

    /// Whether the file, and not the IANA zone of its name, is asked: from its first onset to the season after its last.
    fn speaks(&self, tz: Tz, utc: i64) -> bool {
        let (first, last) = self.onsets;
        let same_season = || utc - last < 400 * DAY && iana_offset(tz, utc) == iana_offset(tz, last);
        utc >= first && (utc <= last || same_season())
    }

    /// The onsets of one UTC year, led by the last one before it.
    fn onsets(&self, year: i64) -> Vec<(i64, i32)> {
        let Some(left) = self.left.get().checked_sub(self.parts.len()) else { return Vec::new() };
        self.left.set(left);
        let (begin, end) = (civil::day(year, 1, 1) * DAY, civil::day(year + 1, 1, 1) * DAY);
        let mut all: Vec<(i64, i32)> = Vec::new();
        let mut before: Option<(i64, i32)> = None;
        for part in &self.parts {
            if let Some(onset) = part.last_before(begin) {
                before = before.max(Some((onset, part.to)));
            }
            part.onsets(begin, end, &mut |onset| all.push((onset, part.to)));
        }
        all.extend(before);
        all.sort_unstable();
        all
    }
}

/// Whether onsets that are written out, not made by a rule, set two offsets within hours of each other. Some programs write
/// the end of each season where its next beginning belongs; such a zone is no use where the IANA zone is known.
fn contradictory(parts: &[Part]) -> bool {
    let written = parts.iter().filter(|p| p.rule.is_none());
    let mut onsets: Vec<(i64, i32)> =
        written.flat_map(|p| p.extra.iter().chain([&p.start]).map(|local| (local - i64::from(p.from), p.to))).collect();
    onsets.sort_unstable();
    onsets.windows(2).any(|pair| pair[1].0 - pair[0].0 < DAY / 2 && pair[0].1 != pair[1].1)
}

impl Part {
    /// Onsets in [from, to), as instants.
    fn onsets(&self, from: i64, to: i64, emit: &mut dyn FnMut(i64)) {
        let east = i64::from(self.from);
        let (from, to) = (from + east, to + east);
        if (from..to).contains(&self.start) {
            emit(self.start - east);
        }
        for extra in self.extra.iter().filter(|e| (from..to).contains(*e)) {
            emit(extra - east);
        }
        if let Some(rule) = self.rule.as_ref().filter(|_| self.start < to && self.until >= from) {
            let (mut work, mut onsets) = (WORK, 0);
            let span = Span { from, to, until: self.until, start_counts: true };
            // A rule that is too much work says nothing more: the onsets found so far stand.
            let _ = expand::expand(rule, self.start, span, &mut work, &mut |local| {
                emit(local - east);
                onsets += 1;
                onsets < ONSETS
            });
        }
    }

    /// The last onset before an instant.
    fn last_before(&self, utc: i64) -> Option<i64> {
        let local = utc + i64::from(self.from);
        let mut last = (self.start < local).then_some(self.start);
        last = last.max(self.extra.iter().copied().filter(|e| *e < local).max());
        let mut last = last.map(|l| l - i64::from(self.from));
        if let Some(rule) = &self.rule {
            let to = utc.min(self.until.saturating_sub(i64::from(self.from)).saturating_add(1));
            self.onsets(to - YEAR * rule.interval, to, &mut |onset| last = last.max(Some(onset)));
        }
        last
    }

    /// The last onset as an instant; a rule without end has none.
    fn last(&self) -> i64 {
        if self.rule.is_some() && self.until == i64::MAX {
            return i64::MAX;
        }
        let rule = if self.rule.is_some() { self.until } else { self.start };
        rule.max(self.extra.last().copied().unwrap_or(i64::MIN)).max(self.start) - i64::from(self.from)
    }
}

#[derive(Default)]
struct Draft {
    start: Option<i64>,
    from: Option<i32>,
    to: Option<i32>,
    rule: Option<Rule>,
    extra: Vec<i64>,
}

impl Draft {
    fn take(&mut self, line: &Line<'_>) {
        let is = |name: &str| line.name.eq_ignore_ascii_case(name);
        if is("DTSTART") {
            self.start = value::stamp(line.value, None, false).map(|s| s.local);
        } else if is("TZOFFSETFROM") {
            self.from = value::offset(line.value);
        } else if is("TZOFFSETTO") {
            self.to = value::offset(line.value);
        } else if is("RRULE") {
            // Zones change yearly; anything else in here is a mistake or an attack.
            self.rule = Rule::parse(line.value).ok().flatten().filter(|r| r.freq == Freq::Yearly && r.interval <= 100);
        } else if is("RDATE") && self.extra.len() < PARTS {
            let values = line.value.split(',').map(|v| v.split('/').next().unwrap_or(v));
            self.extra.extend(values.filter_map(|v| value::stamp(v, None, false)).map(|s| s.local));
        }
    }

    fn finish(mut self) -> Option<Part> {
        let to = self.to?;
        let from = self.from.unwrap_or(to);
        self.extra.sort_unstable();
        let until = match self.rule.as_ref().and_then(|r| r.until) {
            None => i64::MAX,
            Some(Until::Date(midnight)) => midnight + DAY - 1,
            Some(Until::Local(local)) => local,
            Some(Until::Utc(utc)) => utc + i64::from(from),
        };
        Some(Part { start: self.start?, from, to, rule: self.rule, until, extra: self.extra })
    }
}
