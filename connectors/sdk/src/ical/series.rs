//! The VEVENTs of one UID -> its instances inside the window (RFC 5545 sections 3.8.4.4 and 3.8.5). Exceptions are
//! compared as instants: they may be written in another zone than the series.
//!
//! Order of force: EXDATE removes, an override replaces, THISANDFUTURE shifts what follows, rules and RDATE fill the rest.

use std::collections::{BTreeMap, HashSet};

use super::{
    Limits,
    civil::DAY,
    expand::{self, Span},
    rule::Rule,
    timed::{Timed, instant},
    value::{Form, Stamp},
    vevent::{PeriodEnd, Vevent},
    zones::Zones,
};
use crate::{Window, record::Event};

/// A start of the series before exceptions. Of equal instants the one with a period of its own sorts last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Original {
    utc: i64,
    /// Seconds of an RDATE's period.
    own: Option<i64>,
    local: i64,
}

/// What EXDATE and EXRULE take out.
#[derive(Default)]
struct Excluded {
    instants: HashSet<i64>,
    days: HashSet<i64>,
}

impl Excluded {
    fn holds(&self, utc: i64, local: i64) -> bool {
        self.instants.contains(&utc) || (!self.days.is_empty() && self.days.contains(&local.div_euclid(DAY)))
    }
}

/// RANGE=THISANDFUTURE: what every later instance looks like, and how far it moves on the clock of the series.
struct Future<'t> {
    from: i64,
    shift: i64,
    shape: &'t Timed<'t>,
}

struct Opener<'z> {
    uid: &'z str,
    zones: &'z Zones<'z>,
    since: i64,
    until: i64,
    events: Vec<Event>,
    bytes: usize,
    capped: bool,
    /// No further instance fits.
    full: bool,
}

const TOO_MUCH: &str = "its recurrence rule needs too much work to open";

/// Opens one series: its instances in order of start, and whether there were more than may be kept.
///
/// # Errors
/// Why it cannot be opened.
pub fn open(
    uid: &str,
    vevents: Vec<Vevent<'_>>,
    zones: &Zones<'_>,
    window: &Window,
) -> Result<(Vec<Event>, bool), &'static str> {
    let (since, until) = (window.since.timestamp(), window.until.timestamp());
    let mut opener = Opener { uid, zones, since, until, events: Vec::new(), bytes: 0, capped: false, full: false };
    opener.run(vevents)?;
    opener.events.sort_by_key(|e| (e.start, e.recurrence_id));
    Ok((opener.events, opener.capped))
}

impl Opener<'_> {
    fn run(&mut self, vevents: Vec<Vevent<'_>>) -> Result<(), &'static str> {
        let mut master: Option<Vevent<'_>> = None;
        let mut rest = Vec::new();
        for vevent in vevents {
            if vevent.recurrence_id.is_some() {
                rest.push(vevent);
            } else if master.as_ref().is_none_or(|m| vevent.version() > m.version()) {
                master = Some(vevent);
            }
        }
        let master = master.map(|m| Timed::new(m, self.zones));
        let mut newest: BTreeMap<i64, Vevent<'_>> = BTreeMap::new();
        for vevent in rest {
            let id = vevent.recurrence_id.map_or(0, |stamp| self.instant(&stamp, vevent.calendar, master.as_ref()));
            if newest.get(&id).is_none_or(|kept| vevent.version() > kept.version()) {
                newest.insert(id, vevent);
            }
        }
        let mut overrides: Vec<(i64, Timed<'_>)> =
            newest.into_iter().map(|(id, v)| (id, Timed::new(v, self.zones))).collect();
        match &master {
            Some(master) => {
                self.drop_stale(master, &mut overrides)?;
                self.series(master, &overrides)
            }
            None => {
                overrides.iter().for_each(|(id, own)| self.overridden(*id, own));
                Ok(())
            }
        }
    }

    fn series(&mut self, master: &Timed<'_>, overrides: &[(i64, Timed<'_>)]) -> Result<(), &'static str> {
        let vevent = &master.vevent;
        let recurring = !vevent.rules.is_empty() || !vevent.rdates.is_empty();
        let excluded = self.excluded(master)?;
        for (id, own) in overrides {
            if !excluded.holds(*id, master.zone.to_local(*id)) {
                self.overridden(*id, own);
            }
        }
        let futures: Vec<Future<'_>> =
            overrides.iter().filter(|(_, o)| o.vevent.and_future).map(|(id, o)| future(*id, o, master)).collect();
        for original in self.originals(master, &futures)? {
            let overridden = overrides.binary_search_by_key(&original.utc, |(id, _)| *id).is_ok();
            if overridden || excluded.holds(original.utc, original.local) {
                continue;
            }
            let id = recurring.then_some(original.utc);
            let after = futures.partition_point(|f| f.from <= original.utc);
            match after.checked_sub(1).map(|i| &futures[i]) {
                Some(future) => self.shifted(id, future, master, original.local),
                None => {
                    let end = match original.own {
                        Some(own) => original.utc + own,
                        None => master.end(&master.zone, original.utc, original.local),
                    };
                    self.push(master, id, original.utc, end, false);
                }
            }
        }
        Ok(())
    }

    /// An override of a start that a newer version of the series no longer has is what an edit left behind.
    fn drop_stale(&self, master: &Timed<'_>, overrides: &mut Vec<(i64, Timed<'_>)>) -> Result<(), &'static str> {
        let vevent = &master.vevent;
        let dates = vevent.rdates.iter().map(|r| master.zone.to_utc(self.local(&r.start, vevent.calendar, master)));
        let extra: HashSet<i64> = dates.chain([master.zone.to_utc(master.start)]).collect();
        let allowance = self.zones.allowance();
        let mut work = allowance;
        let mut kept = Ok(());
        overrides.retain(|(id, own)| {
            own.vevent.sequence >= vevent.sequence
                || kept.is_err()
                || extra.contains(id)
                || Self::occurs(master, *id, &mut work).unwrap_or_else(|why| {
                    kept = Err(why);
                    true
                })
        });
        self.zones.used(allowance, work);
        kept
    }

    /// Whether a rule of the series gives this start.
    fn occurs(master: &Timed<'_>, id: i64, work: &mut u32) -> Result<bool, &'static str> {
        let is = |local: i64| master.zone.to_utc(local) == id;
        let mut found = false;
        let near = master.zone.to_local(id);
        for rule in &master.vevent.rules {
            let span = span(master, rule, near - DAY, near + DAY);
            let opened = expand::expand(rule, master.start, span, work, &mut |local| {
                found |= is(local);
                !found
            });
            opened.map_err(|_| TOO_MUCH)?;
        }
        Ok(found)
    }

    /// An instance with a VEVENT of its own.
    fn overridden(&mut self, id: i64, own: &Timed<'_>) {
        let start = own.zone.to_utc(own.start);
        self.push(own, Some(id), start, own.end(&own.zone, start, own.start), true);
    }

    fn shifted(&mut self, id: Option<i64>, future: &Future<'_>, master: &Timed<'_>, local: i64) {
        let local = local + future.shift;
        let start = if future.shape.all_day { local.div_euclid(DAY) * DAY } else { master.zone.to_utc(local) };
        self.push(future.shape, id, start, future.shape.end(&master.zone, start, local), false);
    }

    fn push(&mut self, shape: &Timed<'_>, id: Option<i64>, start: i64, end: i64, overridden: bool) {
        let end = end.max(start);
        let meets = start < self.until && (end > self.since || start >= self.since);
        if !meets || self.full {
            return;
        }
        self.bytes += shape.weight();
        if self.events.len() >= Limits::INSTANCES || self.bytes > Limits::SERIES_BYTES {
            (self.capped, self.full) = (true, true);
            return;
        }
        let (Some(start), Some(end)) = (instant(start), instant(end)) else { return };
        let mut event = shape.template.clone();
        self.uid.clone_into(&mut event.uid);
        event.recurrence_id = id.and_then(instant);
        event.start = start;
        event.end = end;
        event.overridden = overridden;
        self.events.push(event);
    }

    /// Every start of the series that may meet the window, in order, each instant once, exceptions still in it.
    fn originals(&mut self, master: &Timed<'_>, futures: &[Future<'_>]) -> Result<Vec<Original>, &'static str> {
        let vevent = &master.vevent;
        let at = |local: i64| Original { utc: master.zone.to_utc(local), own: None, local };
        let mut found: Vec<Original> = Vec::new();
        // A series whose rules all ended before it began holds nothing: so do some programs delete one.
        let ends: Vec<i64> = vevent.rules.iter().map(|r| master.last_start(r)).collect();
        if ends.is_empty() || ends.iter().any(|end| *end >= master.start) {
            found.push(at(master.start));
        }
        for rdate in &vevent.rdates {
            let mut original = at(self.local(&rdate.start, vevent.calendar, master));
            original.own = rdate.end.map(|end| match end {
                PeriodEnd::After((days, seconds)) => (days * DAY + seconds).max(0),
                PeriodEnd::At(stamp) => {
                    (self.zones.place(vevent.calendar, &stamp).zone.to_utc(stamp.local) - original.utc).max(0)
                }
            });
            found.push(original);
        }
        let reach = futures.iter().map(|f| f.shape.length.seconds() + f.shift.abs()).max().unwrap_or(0);
        let mut left = 4 * Limits::INSTANCES + vevent.exdates.len();
        self.rules(master, &vevent.rules, reach, &mut |local| {
            found.push(at(local));
            left = left.saturating_sub(1);
            left > 0
        })?;
        self.capped |= left == 0;
        found.sort_unstable();
        found.reverse();
        found.dedup_by_key(|o| o.utc);
        found.reverse();
        Ok(found)
    }

    fn excluded(&self, master: &Timed<'_>) -> Result<Excluded, &'static str> {
        let vevent = &master.vevent;
        let mut excluded = Excluded::default();
        for stamp in &vevent.exdates {
            if stamp.is_date() && !master.all_day {
                excluded.days.insert(stamp.local.div_euclid(DAY));
            } else {
                excluded.instants.insert(self.instant(stamp, vevent.calendar, Some(master)));
            }
        }
        self.rules(master, &vevent.exrules, 0, &mut |local| {
            excluded.instants.insert(master.zone.to_utc(local));
            true
        })?;
        Ok(excluded)
    }

    /// Opens rules round the window: local times lie within a day or so of instants, and what lasts may begin before.
    fn rules(
        &self,
        master: &Timed<'_>,
        rules: &[Rule],
        reach: i64,
        emit: &mut dyn FnMut(i64) -> bool,
    ) -> Result<(), &'static str> {
        let margin = master.length.seconds().max(reach).saturating_add(2 * DAY);
        let allowance = self.zones.allowance();
        let mut work = allowance;
        let opened = rules.iter().try_for_each(|rule| {
            let span = span(master, rule, self.since.saturating_sub(margin), self.until.saturating_add(margin));
            expand::expand(rule, master.start, span, &mut work, emit)
        });
        self.zones.used(allowance, work);
        opened.map_err(|_| TOO_MUCH)
    }

    /// The instant an exception names. A day in a timed series means the series' time on that day.
    fn instant(&self, stamp: &Stamp<'_>, calendar: u32, master: Option<&Timed<'_>>) -> i64 {
        match master {
            Some(m) if m.all_day || stamp.is_date() || stamp.form == Form::Floating => {
                m.zone.to_utc(self.local(stamp, calendar, m))
            }
            _ => self.zones.place(calendar, stamp).zone.to_utc(stamp.local),
        }
    }

    /// A stamp on the wall clock of the series.
    fn local(&self, stamp: &Stamp<'_>, calendar: u32, master: &Timed<'_>) -> i64 {
        if master.all_day {
            // The owner's midnight written in UTC is another day as it stands; midnight UTC is that day.
            let midnight = stamp.local.rem_euclid(DAY) == 0;
            let local = match stamp.form {
                Form::Utc if !midnight => self.zones.owner().zone.to_local(stamp.local),
                _ => stamp.local,
            };
            return local.div_euclid(DAY) * DAY;
        }
        match stamp.form {
            Form::Date => stamp.local + master.start.rem_euclid(DAY),
            Form::Floating => stamp.local,
            _ => master.zone.to_local(self.zones.place(calendar, stamp).zone.to_utc(stamp.local)),
        }
    }
}

fn future<'t>(id: i64, own: &'t Timed<'_>, master: &Timed<'_>) -> Future<'t> {
    let start = own.zone.to_utc(own.start);
    Future { from: id, shift: master.zone.to_local(start) - master.zone.to_local(id), shape: own }
}

fn span(master: &Timed<'_>, rule: &Rule, from: i64, to: i64) -> Span {
    Span { from, to, until: master.last_start(rule), start_counts: master.vevent.rules.len() < 2 }
}
