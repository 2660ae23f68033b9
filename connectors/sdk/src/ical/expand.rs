//! Opens a [`Rule`] on one wall clock, inside a span (RFC 5545 section 3.3.10). Works period by period (year, month,
//! week, day, hour), jumps to the span without walking what lies before it, and counts its work: a hostile rule ends
//! with [`TooMuch`], never with a hang. It knows no zones, no exceptions and no DTSTART that stands outside its rule.

use super::{
    civil::{self, DAY},
    rule::{Freq, Rule},
};

/// The rule needs more work than any honest one.
#[derive(Debug, PartialEq, Eq)]
pub struct TooMuch;

/// What of a rule is wanted. All local seconds.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// Inclusive.
    pub from: i64,
    /// Exclusive.
    pub to: i64,
    /// The rule's own last start, inclusive.
    pub until: i64,
    /// COUNT counts a DTSTART that the rule does not meet (RFC 5545 section 3.3.10). Beside other rules it does not.
    pub start_counts: bool,
}

/// Calls `emit` with every start of `rule` in the span, in order, until it returns false. `start` is DTSTART.
///
/// # Errors
/// [`TooMuch`] when `work` is used up.
pub fn expand(
    rule: &Rule,
    start: i64,
    span: Span,
    work: &mut u32,
    emit: &mut dyn FnMut(i64) -> bool,
) -> Result<(), TooMuch> {
    Walk::new(rule, start).run(span, work, emit)
}

struct Walk<'a> {
    rule: &'a Rule,
    start: i64,
    /// Seconds of the day (of the hour for HOURLY), ascending.
    times: Vec<i64>,
    /// Bit n: weekday n, without an ordinal.
    weekdays: u8,
    /// Weekdays with an ordinal, where the period gives it a meaning.
    ordinals: Vec<(i16, u8)>,
    months: u16,
    monthdays: Vec<i8>,
    /// Work that one period costs before it yields anything.
    cost: u32,
}

impl<'a> Walk<'a> {
    fn new(rule: &'a Rule, start: i64) -> Self {
        let first_day = start.div_euclid(DAY);
        let (_, month, day) = civil::date(first_day);
        let counted = matches!(rule.freq, Freq::Yearly | Freq::Monthly) && rule.weeknos.is_empty();
        let mut walk = Self {
            rule,
            start,
            times: times(rule, start.rem_euclid(DAY)),
            weekdays: rule.weekdays.iter().filter(|(n, _)| *n == 0 || !counted).fold(0, |set, (_, d)| set | 1 << d),
            ordinals: rule.weekdays.iter().filter(|(n, _)| *n != 0 && counted).copied().collect(),
            months: rule.months,
            monthdays: rule.monthdays.clone(),
            cost: cost(rule),
        };
        // What the rule leaves open is taken from DTSTART.
        let any_day = !rule.weekdays.is_empty() || !rule.monthdays.is_empty() || !rule.yeardays.is_empty();
        let day = i8::try_from(day).unwrap_or(1);
        match rule.freq {
            Freq::Yearly if !rule.weeknos.is_empty() && !any_day => walk.weekdays = 1 << civil::weekday(first_day),
            Freq::Yearly if !any_day => {
                walk.monthdays.push(day);
                if walk.months == 0 {
                    walk.months = 1 << month;
                }
            }
            Freq::Monthly if !any_day => walk.monthdays.push(day),
            Freq::Weekly if rule.weekdays.is_empty() => walk.weekdays = 1 << civil::weekday(first_day),
            _ => {}
        }
        walk
    }

    /// Which period a day belongs to, counted from 1970.
    fn period_of(&self, day: i64) -> i64 {
        match self.rule.freq {
            Freq::Yearly => civil::date(day).0,
            Freq::Monthly => {
                let (year, month, _) = civil::date(day);
                year * 12 + i64::from(month) - 1
            }
            Freq::Weekly => (day + 3 - i64::from(self.rule.wkst)).div_euclid(7),
            Freq::Daily => day,
            Freq::Hourly => day * 24,
        }
    }

    /// The first period and that of `local`.
    fn period_at(&self, local: i64) -> i64 {
        if self.rule.freq == Freq::Hourly { local.div_euclid(3_600) } else { self.period_of(local.div_euclid(DAY)) }
    }

    /// Local midnight (or full hour) at which a period begins, a week early for years, whose first week may begin before.
    fn begin(&self, period: i64) -> i64 {
        match self.rule.freq {
            Freq::Yearly => (civil::day(period, 1, 1) - 7) * DAY,
            Freq::Monthly => civil::day(period.div_euclid(12), month_of(period), 1) * DAY,
            Freq::Weekly => self.week_start(period) * DAY,
            Freq::Daily => period * DAY,
            Freq::Hourly => period * 3_600,
        }
    }

    fn week_start(&self, week: i64) -> i64 {
        week * 7 - 3 + i64::from(self.rule.wkst)
    }

    /// How many starts every full period holds, where that is the same for all.
    fn steady(&self) -> Option<u64> {
        let rule = self.rule;
        let filtered = self.months != 0 || !self.monthdays.is_empty() || !rule.yeardays.is_empty();
        if filtered || !rule.setpos.is_empty() {
            return None;
        }
        let times = self.times.len() as u64;
        match rule.freq {
            Freq::Weekly => Some(u64::from(self.weekdays.count_ones()) * times),
            Freq::Daily if rule.weekdays.is_empty() => Some(times),
            Freq::Hourly if rule.weekdays.is_empty() && rule.hours == 0 => Some(times),
            _ => None,
        }
    }

    fn run(&self, span: Span, work: &mut u32, emit: &mut dyn FnMut(i64) -> bool) -> Result<(), TooMuch> {
        let first = self.period_at(self.start);
        let last = span.until.min(span.to.saturating_sub(1));
        let ahead = (self.period_at(span.from.max(self.start)) - first).div_euclid(self.rule.interval) - 1;
        let (mut step, mut jump) = (0, 0);
        match (self.rule.count, self.steady()) {
            _ if ahead <= 1 => {}
            (None, _) => step = ahead,
            (Some(_), Some(_)) => jump = ahead,
            (Some(_), None) => {}
        }
        let mut left = self.rule.count.unwrap_or(u64::MAX);
        let mut met_start = step > 0;
        let (mut days, mut found) = (Vec::new(), Vec::new());
        loop {
            let period = first + step * self.rule.interval;
            if self.begin(period) > last {
                return Ok(());
            }
            let candidates = self.starts_of(period, &mut days, &mut found);
            let spent = self.cost + u32::try_from(candidates).unwrap_or(u32::MAX / 2);
            *work = work.checked_sub(spent).ok_or(TooMuch)?;
            for local in found.iter().copied().filter(|local| *local >= self.start) {
                if !met_start {
                    met_start = true;
                    left -= u64::from(span.start_counts && local != self.start);
                }
                if local > last || left == 0 {
                    return Ok(());
                }
                left -= 1;
                if local >= span.from && !emit(local) {
                    return Ok(());
                }
            }
            step += 1;
            if jump > step {
                let skipped = u64::try_from(jump - step).unwrap_or(0).saturating_mul(self.steady().unwrap_or(0));
                left = left.saturating_sub(skipped);
                step = jump;
            }
            if left == 0 {
                return Ok(());
            }
        }
    }

    /// All starts of one period, ascending, BYSETPOS applied; how many there were before it was.
    fn starts_of(&self, period: i64, days: &mut Vec<i64>, found: &mut Vec<i64>) -> usize {
        days.clear();
        found.clear();
        match self.rule.freq {
            Freq::Yearly => self.days_of_year(period, days),
            Freq::Monthly => {
                self.days_of_month(period.div_euclid(12), month_of(period), days);
                days.retain(|d| self.year_day_fits(*d));
            }
            Freq::Weekly => {
                let begin = self.week_start(period);
                days.extend((begin..begin + 7).filter(|d| self.day_fits(*d)));
            }
            Freq::Daily => days.extend(Some(period).filter(|d| self.day_fits(*d))),
            Freq::Hourly => {
                let hour = period.rem_euclid(24);
                let allowed = self.rule.hours == 0 || self.rule.hours >> hour & 1 == 1;
                if allowed && self.day_fits(period.div_euclid(24)) {
                    found.extend(self.times.iter().map(|t| period * 3_600 + t));
                }
            }
        }
        for day in days.iter() {
            found.extend(self.times.iter().map(|t| day * DAY + t));
        }
        let candidates = found.len();
        if !self.rule.setpos.is_empty() {
            self.pick(found);
        }
        candidates
    }

    fn pick(&self, found: &mut Vec<i64>) {
        let count = i32::try_from(found.len()).unwrap_or(i32::MAX);
        let at = |pos: i32| if pos > 0 { pos - 1 } else { count + pos };
        let mut picked: Vec<i64> =
            self.rule.setpos.iter().filter_map(|pos| found.get(usize::try_from(at(*pos)).ok()?)).copied().collect();
        picked.sort_unstable();
        picked.dedup();
        *found = picked;
    }

    fn days_of_year(&self, year: i64, days: &mut Vec<i64>) {
        let rule = self.rule;
        let (new_year, length) = (civil::day(year, 1, 1), civil::year_length(year));
        if !rule.weeknos.is_empty() {
            self.days_of_weeks(year, days);
            days.retain(|d| self.day_fits(*d));
        } else if !rule.yeardays.is_empty() {
            days.extend(rule.yeardays.iter().map(|n| i64::from(*n)).filter_map(|n| {
                let at = if n > 0 { n - 1 } else { length + n };
                (0..length).contains(&at).then_some(new_year + at)
            }));
            days.retain(|d| self.day_fits(*d));
        } else if !self.ordinals.is_empty() && rule.months == 0 {
            for (n, weekday) in &self.ordinals {
                days.extend(nth(new_year, length, *n, *weekday));
            }
            if self.weekdays != 0 {
                days.extend((new_year..new_year + length).filter(|d| self.weekdays >> civil::weekday(*d) & 1 == 1));
            }
            days.retain(|d| self.monthday_fits(*d));
        } else {
            for month in 1..=12 {
                self.days_of_month(year, month, days);
            }
            return;
        }
        days.sort_unstable();
        days.dedup();
    }

    /// The days of the wanted weeks of a year, which may begin before it or end after it.
    fn days_of_weeks(&self, year: i64, days: &mut Vec<i64>) {
        let (one, next) = (self.week_one(year), self.week_one(year + 1));
        let count = (next - one) / 7;
        for n in &self.rule.weeknos {
            let n = i64::from(*n);
            let at = if n > 0 { n - 1 } else { count + n };
            if (0..count).contains(&at) {
                days.extend((one + at * 7)..(one + at * 7 + 7));
            }
        }
    }

    /// The day on which week 1 begins: the week with at least four days in the year.
    fn week_one(&self, year: i64) -> i64 {
        let fourth = civil::day(year, 1, 4);
        fourth - (i64::from(civil::weekday(fourth)) - i64::from(self.rule.wkst)).rem_euclid(7)
    }

    fn days_of_month(&self, year: i64, month: u32, days: &mut Vec<i64>) {
        if self.months != 0 && self.months >> month & 1 == 0 {
            return;
        }
        let (begin, length) = (civil::day(year, month, 1), i64::from(civil::month_length(year, month)));
        let by_weekday = self.weekdays != 0 || !self.ordinals.is_empty();
        let mut wanted: u32 = if by_weekday { 0 } else { u32::MAX };
        if self.weekdays != 0 {
            for at in 0..length {
                wanted |= u32::from(self.weekdays >> civil::weekday(begin + at) & 1) << at;
            }
        }
        for (n, weekday) in &self.ordinals {
            if let Some(day) = nth(begin, length, *n, *weekday) {
                wanted |= 1 << (day - begin);
            }
        }
        if !self.monthdays.is_empty() {
            let named = self.monthdays.iter().map(|n| i64::from(*n));
            let places = named.map(|n| if n > 0 { n - 1 } else { length + n });
            wanted &= places.filter(|at| (0..length).contains(at)).fold(0, |set, at| set | 1 << at);
        }
        days.extend((0..length).filter(|at| wanted >> at & 1 == 1).map(|at| begin + at));
    }

    /// BYMONTH, BYMONTHDAY, BYYEARDAY and BYDAY as limits.
    fn day_fits(&self, day: i64) -> bool {
        (self.weekdays == 0 || self.weekdays >> civil::weekday(day) & 1 == 1)
            && (self.months == 0 || self.months >> civil::date(day).1 & 1 == 1)
            && self.monthday_fits(day)
            && self.year_day_fits(day)
            && self.ordinal_fits(day)
    }

    /// An ordinal as a limit only meets BYYEARDAY: the nth weekday of the year.
    fn ordinal_fits(&self, day: i64) -> bool {
        if self.ordinals.is_empty() {
            return true;
        }
        let year = civil::date(day).0;
        let (begin, length) = (civil::day(year, 1, 1), civil::year_length(year));
        self.ordinals.iter().any(|(n, weekday)| nth(begin, length, *n, *weekday) == Some(day))
    }

    fn monthday_fits(&self, day: i64) -> bool {
        if self.monthdays.is_empty() {
            return true;
        }
        let (year, month, of_month) = civil::date(day);
        let (length, of_month) = (i64::from(civil::month_length(year, month)), i64::from(of_month));
        self.monthdays.iter().map(|n| i64::from(*n)).any(|n| n == of_month || n == of_month - length - 1)
    }

    fn year_day_fits(&self, day: i64) -> bool {
        if self.rule.yeardays.is_empty() {
            return true;
        }
        let year = civil::date(day).0;
        let of_year = day - civil::day(year, 1, 1) + 1;
        let from_end = of_year - civil::year_length(year) - 1;
        self.rule.yeardays.iter().map(|n| i64::from(*n)).any(|n| n == of_year || n == from_end)
    }
}

/// What one period costs before it yields anything: its lists are walked for every month of a year.
fn cost(rule: &Rule) -> u32 {
    let months = if rule.freq == Freq::Yearly { 12 } else { 1 };
    let lists = (rule.monthdays.len() + rule.weekdays.len()) * months;
    let all = lists + rule.yeardays.len() + rule.weeknos.len() * 7 + rule.setpos.len();
    1 + u32::try_from(all / 8).unwrap_or(u32::MAX / 2)
}

fn month_of(period: i64) -> u32 {
    u32::try_from(period.rem_euclid(12)).unwrap_or(0) + 1
}

/// The nth weekday of `length` days from `begin`, counted from the end when n is negative.
fn nth(begin: i64, length: i64, n: i16, weekday: u8) -> Option<i64> {
    let n = i64::from(n);
    let to_first = (i64::from(weekday) - i64::from(civil::weekday(begin))).rem_euclid(7);
    let count = (length - to_first + 6) / 7;
    let at = if n > 0 { n - 1 } else { count + n };
    (0..count).contains(&at).then_some(begin + to_first + at * 7)
}

/// Seconds of the day at which a day's starts lie; for HOURLY, seconds of the hour.
fn times(rule: &Rule, start: i64) -> Vec<i64> {
    let or = |set: u64, own: i64| if set == 0 { 1_u64 << own } else { set };
    let minutes = or(rule.minutes, start / 60 % 60);
    let seconds = or(rule.seconds, start % 60);
    let hours = if rule.freq == Freq::Hourly { 1 } else { or(u64::from(rule.hours), start / 3_600) };
    let mut all = Vec::new();
    for hour in members(hours) {
        for minute in members(minutes) {
            all.extend(members(seconds).map(|second| hour * 3_600 + minute * 60 + second));
        }
    }
    all
}

fn members(set: u64) -> impl Iterator<Item = i64> {
    (0..64).filter(move |n| set >> n & 1 == 1)
}
