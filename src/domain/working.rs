//! Working time: what "10 working days later" means for the person whose calendar it is. Pure; no clock.
//!
//! Working days follow each other without a seam: a moment outside them (a Saturday, a holiday) stands at the end of the
//! last and, what is the same, at the start of the next one. So Friday 15:00 + 2wd = Tuesday 15:00, and any moment of a
//! weekend + 2wd = the end of Tuesday. A calendar without any working day counts every day: nothing here loops forever,
//! and no span is longer than a hundred years.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, Days, Duration, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;

use super::span::Span;

/// No span counts further than this many days.
const LIMIT: i64 = 36_525;

#[derive(Clone, Debug, PartialEq)]
pub struct WorkCalendar {
    pub zone: Tz,
    /// Monday first.
    pub days: [bool; 7],
    /// Start and end of a working day; a pair that leaves no time between means the whole day.
    pub hours: (NaiveTime, NaiveTime),
    pub holidays: BTreeSet<NaiveDate>,
}

impl Default for WorkCalendar {
    fn default() -> Self {
        let hour = |h| NaiveTime::from_hms_opt(h, 0, 0).expect("an hour of the day");
        Self {
            zone: Tz::UTC,
            days: [true, true, true, true, true, false, false],
            hours: (hour(9), hour(17)),
            holidays: BTreeSet::new(),
        }
    }
}

impl WorkCalendar {
    /// The local date of a moment.
    pub fn date(&self, at: DateTime<Utc>) -> NaiveDate {
        at.with_timezone(&self.zone).date_naive()
    }

    /// The moment of a local time. A time that the clocks skip is read as if they had not been set yet; of a time that
    /// comes twice the first is meant.
    pub fn moment(&self, local: NaiveDateTime) -> DateTime<Utc> {
        if let Some(at) = self.zone.from_local_datetime(&local).earliest() {
            return at.with_timezone(&Utc);
        }
        let before = local - Duration::days(1);
        let offset = self.zone.offset_from_utc_datetime(&before);
        (local - chrono::Offset::fix(&offset)).and_utc()
    }

    /// Midnight at the start of a local date.
    pub fn start_of(&self, date: NaiveDate) -> DateTime<Utc> {
        self.moment(date.and_time(NaiveTime::MIN))
    }

    /// Midnight at the end of a local date (exclusive).
    pub fn end_of(&self, date: NaiveDate) -> DateTime<Utc> {
        self.start_of(date.succ_opt().unwrap_or(date))
    }

    /// The end (exclusive) of the local day this moment lies in.
    pub fn end_of_day(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        self.end_of(self.date(at))
    }

    /// Is anything worked on this date?
    pub fn is_working(&self, date: NaiveDate) -> bool {
        if !self.days.contains(&true) {
            return true;
        }
        self.days[date.weekday().num_days_from_monday() as usize] && !self.holidays.contains(&date)
    }

    /// The moment that much later. `Nd` and months keep the local time when the clocks change; `Nwd` counts working
    /// days; `Nwh` runs only inside working hours.
    pub fn add(&self, at: DateTime<Utc>, span: Span) -> DateTime<Utc> {
        self.shift(at, span, true)
    }

    /// The moment that much earlier.
    pub fn sub(&self, at: DateTime<Utc>, span: Span) -> DateTime<Utc> {
        self.shift(at, span, false)
    }

    fn shift(&self, at: DateTime<Utc>, span: Span, later: bool) -> DateTime<Utc> {
        let local = at.with_timezone(&self.zone).naive_local();
        match span {
            Span::Days(0) | Span::WorkDays(0) | Span::WorkHours(0) | Span::Months(0) => at,
            Span::Days(n) => {
                let n = Days::new(i64::from(n).min(LIMIT).unsigned_abs());
                let to = if later { local.checked_add_days(n) } else { local.checked_sub_days(n) };
                to.map_or(at, |to| self.moment(to))
            }
            Span::Months(n) => {
                let n = Months::new(n.min(1200));
                let to = if later { local.checked_add_months(n) } else { local.checked_sub_months(n) };
                to.map_or(at, |to| self.moment(to))
            }
            Span::WorkDays(n) => self.shift_days(local, i64::from(n).min(LIMIT), later),
            Span::WorkHours(n) => self.shift_hours(at, i64::from(n), later),
        }
    }

    /// A moment outside the working days becomes midnight at the start of the next one.
    fn seat(&self, local: NaiveDateTime) -> (NaiveDate, NaiveTime) {
        if self.is_working(local.date()) {
            return (local.date(), local.time());
        }
        (self.next_working(local.date(), true), NaiveTime::MIN)
    }

    fn shift_days(&self, local: NaiveDateTime, n: i64, later: bool) -> DateTime<Utc> {
        let (mut date, time) = self.seat(local);
        for _ in 0..n {
            date = self.next_working(date, later);
        }
        self.moment(date.and_time(time))
    }

    /// The nearest working day after (or before) this date. Ends: holidays are finite, and a week without a working
    /// day counts every day.
    fn next_working(&self, date: NaiveDate, later: bool) -> NaiveDate {
        let mut date = date;
        loop {
            let Some(next) = (if later { date.succ_opt() } else { date.pred_opt() }) else { return date };
            date = next;
            if self.is_working(date) {
                return date;
            }
        }
    }

    /// The working hours of a date.
    pub fn hours_of(&self, date: NaiveDate) -> (DateTime<Utc>, DateTime<Utc>) {
        let (from, to) = self.hours;
        if from >= to {
            return (self.start_of(date), self.end_of(date));
        }
        (self.moment(date.and_time(from)), self.moment(date.and_time(to)))
    }

    fn shift_hours(&self, at: DateTime<Utc>, hours: i64, later: bool) -> DateTime<Utc> {
        let mut left = Duration::hours(hours.min(LIMIT * 24));
        let mut at = at;
        let mut date = self.date(at);
        for _ in 0..LIMIT {
            if self.is_working(date) {
                let (from, to) = self.hours_of(date);
                let room = if later { to - at.max(from) } else { at.min(to) - from };
                if room >= left {
                    return if later { at.max(from) + left } else { at.min(to) - left };
                }
                if room > Duration::zero() {
                    left -= room;
                    at = if later { to } else { from };
                }
            }
            date = self.next_working(date, later);
        }
        at
    }

    /// The whole working days from one moment to a later one: the largest N for which `from + Nwd` is not past `to`.
    pub fn working_days_between(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> u32 {
        if to <= from {
            return 0;
        }
        let (first, first_time) = self.seat(from.with_timezone(&self.zone).naive_local());
        let (last, last_time) = self.seat(to.with_timezone(&self.zone).naive_local());
        let mut days: i64 = first.iter_days().take_while(|d| *d < last).filter(|d| self.is_working(*d)).count() as i64;
        days = days.min(LIMIT) - i64::from(last_time < first_time);
        let mut days = u32::try_from(days.max(0)).expect("at most a hundred years");
        while days > 0 && self.add(from, Span::WorkDays(days)) > to {
            days -= 1;
        }
        days
    }

    /// The minutes of working time between two moments.
    pub fn working_minutes_between(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> i64 {
        if to <= from {
            return 0;
        }
        let last = self.date(to);
        let days = self.date(from).iter_days().take_while(|d| *d <= last).take(LIMIT as usize);
        let worked = days.filter(|d| self.is_working(*d)).map(|d| {
            let (start, end) = self.hours_of(d);
            (end.min(to) - start.max(from)).max(Duration::zero())
        });
        worked.sum::<Duration>().num_minutes()
    }

    /// The working days of a span of dates, both ends included.
    pub fn working_days_in(&self, from: NaiveDate, to: NaiveDate) -> u32 {
        let days = from.iter_days().take_while(|d| *d <= to).take(LIMIT as usize).filter(|d| self.is_working(*d));
        days.count() as u32
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    fn berlin(holidays: &[&str]) -> WorkCalendar {
        WorkCalendar {
            zone: chrono_tz::Europe::Berlin,
            holidays: holidays.iter().map(|d| day(d)).collect(),
            ..WorkCalendar::default()
        }
    }

    /// Local time of the calendar's zone.
    fn local(calendar: &WorkCalendar, text: &str) -> DateTime<Utc> {
        calendar.moment(NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").expect("a local time"))
    }

    #[test]
    fn adding_spans() {
        let plain = berlin(&[]);
        let feast = berlin(&["2026-11-09", "2026-11-11", "2026-11-14"]);
        let cases = [
            // Friday 15:00 + 2wd = Tuesday 15:00
            (&plain, "2026-11-06 15:00", Span::WorkDays(2), "2026-11-10 15:00"),
            (&plain, "2026-11-06 15:00", Span::WorkDays(1), "2026-11-09 15:00"),
            (&plain, "2026-11-06 15:00", Span::WorkDays(0), "2026-11-06 15:00"),
            // Any moment of a weekend is the end of Friday, which is the start of Monday.
            (&plain, "2026-11-07 10:00", Span::WorkDays(2), "2026-11-11 00:00"),
            (&plain, "2026-11-08 23:59", Span::WorkDays(2), "2026-11-11 00:00"),
            (&plain, "2026-11-09 00:00", Span::WorkDays(2), "2026-11-11 00:00"),
            (&plain, "2026-11-07 10:00", Span::WorkDays(0), "2026-11-07 10:00"),
            (&plain, "2026-11-06 15:00", Span::WorkDays(10), "2026-11-20 15:00"),
            // Monday and Wednesday are holidays; a holiday on a Saturday changes nothing.
            (&feast, "2026-11-06 15:00", Span::WorkDays(2), "2026-11-12 15:00"),
            (&feast, "2026-11-09 15:00", Span::WorkDays(1), "2026-11-12 00:00"),
            (&feast, "2026-11-13 15:00", Span::WorkDays(1), "2026-11-16 15:00"),
            // Calendar days keep the local time when the clocks change.
            (&plain, "2026-10-24 12:00", Span::Days(1), "2026-10-25 12:00"),
            (&plain, "2026-03-28 12:00", Span::Days(1), "2026-03-29 12:00"),
            (&plain, "2026-03-28 02:30", Span::Days(1), "2026-03-29 03:30"),
            (&plain, "2026-11-06 15:00", Span::Days(14), "2026-11-20 15:00"),
            (&plain, "2026-01-31 15:00", Span::Months(1), "2026-02-28 15:00"),
            // Working days over the change of clocks: Friday to Monday.
            (&plain, "2026-10-23 09:00", Span::WorkDays(1), "2026-10-26 09:00"),
            // Working hours, 9 to 17.
            (&plain, "2026-11-06 16:00", Span::WorkHours(1), "2026-11-06 17:00"),
            (&plain, "2026-11-06 16:00", Span::WorkHours(2), "2026-11-09 10:00"),
            (&plain, "2026-11-06 16:00", Span::WorkHours(16), "2026-11-10 16:00"),
            (&plain, "2026-11-07 12:00", Span::WorkHours(1), "2026-11-09 10:00"),
            (&plain, "2026-11-06 05:00", Span::WorkHours(1), "2026-11-06 10:00"),
            (&plain, "2026-11-06 22:00", Span::WorkHours(1), "2026-11-09 10:00"),
            (&feast, "2026-11-06 16:30", Span::WorkHours(1), "2026-11-10 09:30"),
        ];
        for (calendar, from, span, want) in cases {
            assert_eq!(calendar.add(local(calendar, from), span), local(calendar, want), "{from} + {span:?}");
        }
    }

    #[test]
    fn subtracting_spans() {
        let plain = berlin(&[]);
        let feast = berlin(&["2026-11-06"]);
        let cases = [
            (&plain, "2026-11-10 15:00", Span::WorkDays(2), "2026-11-06 15:00"),
            (&plain, "2026-11-07 10:00", Span::WorkDays(2), "2026-11-05 00:00"),
            (&plain, "2026-11-09 00:00", Span::WorkDays(2), "2026-11-05 00:00"),
            (&feast, "2026-11-09 12:00", Span::WorkDays(1), "2026-11-05 12:00"),
            (&plain, "2026-03-30 02:30", Span::Days(1), "2026-03-29 03:30"),
            (&plain, "2026-11-20 15:00", Span::Days(14), "2026-11-06 15:00"),
            (&plain, "2026-11-09 10:00", Span::WorkHours(2), "2026-11-06 16:00"),
            (&plain, "2026-11-08 10:00", Span::WorkHours(1), "2026-11-06 16:00"),
            (&plain, "2026-11-09 17:30", Span::WorkHours(8), "2026-11-09 09:00"),
        ];
        for (calendar, from, span, want) in cases {
            assert_eq!(calendar.sub(local(calendar, from), span), local(calendar, want), "{from} - {span:?}");
        }
    }

    #[test]
    fn calendars_that_work_hardly_or_never() {
        let never = WorkCalendar { days: [false; 7], ..berlin(&["2026-11-10"]) };
        assert_eq!(never.add(at("2026-11-06T12:00:00Z"), Span::WorkDays(4)), at("2026-11-10T12:00:00Z"));
        assert_eq!(never.working_days_between(at("2026-11-06T12:00:00Z"), at("2026-11-10T12:00:00Z")), 4);
        assert_eq!(never.add(at("2026-11-07T12:00:00Z"), Span::WorkHours(1)), at("2026-11-07T13:00:00Z"));
        let tuesdays =
            WorkCalendar { days: [false, true, false, false, false, false, false], ..berlin(&["2026-11-10"]) };
        assert_eq!(tuesdays.add(at("2026-11-03T12:00:00Z"), Span::WorkDays(2)), at("2026-11-24T12:00:00Z"));
        let minute = NaiveTime::from_hms_opt(0, 1, 0).expect("a time");
        let short = WorkCalendar { hours: (NaiveTime::MIN, minute), ..WorkCalendar::default() };
        assert!(short.add(at("2026-11-03T12:00:00Z"), Span::WorkHours(u32::MAX)) > at("2030-01-01T00:00:00Z"));
        let odd = WorkCalendar { hours: (minute, NaiveTime::MIN), ..WorkCalendar::default() };
        assert_eq!(odd.add(at("2026-11-03T12:00:00Z"), Span::WorkHours(24)), at("2026-11-04T12:00:00Z"));
        for span in [Span::Days(u32::MAX), Span::WorkDays(u32::MAX), Span::Months(u32::MAX)] {
            assert!(WorkCalendar::default().add(at("2026-11-03T12:00:00Z"), span) > at("2100-01-01T00:00:00Z"));
            assert!(WorkCalendar::default().sub(at("2026-11-03T12:00:00Z"), span) < at("1990-01-01T00:00:00Z"));
        }
    }

    #[test]
    fn days_and_their_ends() {
        let calendar = berlin(&[]);
        assert_eq!(calendar.end_of_day(at("2026-11-06T22:30:00Z")), at("2026-11-06T23:00:00Z"));
        assert_eq!(calendar.end_of_day(at("2026-11-06T23:00:00Z")), at("2026-11-07T23:00:00Z"));
        assert_eq!(calendar.end_of_day(at("2026-03-29T00:30:00Z")), at("2026-03-29T22:00:00Z"));
        // Beirut sets its clocks at midnight: the day starts at one.
        let beirut = WorkCalendar { zone: chrono_tz::Asia::Beirut, ..WorkCalendar::default() };
        assert_eq!(beirut.start_of(day("2026-03-29")), at("2026-03-28T22:00:00Z"));
        // Samoa left out a whole day.
        let apia = WorkCalendar { zone: chrono_tz::Pacific::Apia, ..WorkCalendar::default() };
        assert_eq!(apia.start_of(day("2011-12-30")), at("2011-12-30T10:00:00Z"));
        assert_eq!(apia.start_of(day("2011-12-31")), at("2011-12-30T10:00:00Z"));
    }

    #[test]
    fn counting_working_days() {
        let calendar = berlin(&["2026-11-10"]);
        let cases = [
            ("2026-11-06 15:00", "2026-11-06 14:00", 0),
            ("2026-11-06 15:00", "2026-11-09 14:59", 0),
            ("2026-11-06 15:00", "2026-11-09 15:00", 1),
            ("2026-11-06 15:00", "2026-11-11 15:00", 2),
            ("2026-11-07 15:00", "2026-11-08 15:00", 0),
            ("2026-11-07 15:00", "2026-11-12 00:00", 2),
            ("2026-11-06 15:00", "2026-11-07 15:00", 0),
        ];
        for (from, to, want) in cases {
            let got = calendar.working_days_between(local(&calendar, from), local(&calendar, to));
            assert_eq!(got, want, "{from} to {to}");
        }
        assert_eq!(calendar.working_days_in(day("2026-11-06"), day("2026-11-11")), 3);
        assert_eq!(calendar.working_days_in(day("2026-11-11"), day("2026-11-06")), 0);
    }

    #[test]
    fn counting_working_minutes() {
        let calendar = berlin(&["2026-11-10"]);
        let cases = [
            ("2026-11-06 15:00", "2026-11-06 14:00", 0),
            ("2026-11-06 15:00", "2026-11-06 15:20", 20),
            ("2026-11-06 15:00", "2026-11-09 10:00", 180),
            ("2026-11-06 05:00", "2026-11-06 22:00", 480),
            ("2026-11-07 10:00", "2026-11-08 10:00", 0),
            ("2026-11-09 09:00", "2026-11-11 09:30", 510),
            ("2026-10-23 16:00", "2026-10-26 10:00", 120),
        ];
        for (from, to, want) in cases {
            let got = calendar.working_minutes_between(local(&calendar, from), local(&calendar, to));
            assert_eq!(got, want, "{from} to {to}");
        }
    }

    fn any_calendar() -> impl Strategy<Value = WorkCalendar> {
        let zones = prop::sample::select(vec![
            chrono_tz::UTC,
            chrono_tz::Europe::Berlin,
            chrono_tz::America::New_York,
            chrono_tz::Asia::Kolkata,
            chrono_tz::Asia::Beirut,
            chrono_tz::Australia::Lord_Howe,
            chrono_tz::Pacific::Apia,
        ]);
        let free = prop::collection::btree_set(0i64..400, 0..12);
        (zones, prop::array::uniform7(any::<bool>()), free, 0u32..24, 0u32..24).prop_map(|(zone, days, free, a, b)| {
            let hour = |h| NaiveTime::from_hms_opt(h, 0, 0).expect("an hour");
            let holidays = free.iter().map(|d| day("2026-01-01") + Duration::days(*d)).collect();
            WorkCalendar { zone, days, hours: (hour(a), hour(b)), holidays }
        })
    }

    fn any_moment() -> impl Strategy<Value = DateTime<Utc>> {
        (0i64..500 * 24 * 60).prop_map(|m| at("2025-12-01T00:00:00Z") + Duration::minutes(m))
    }

    fn any_span() -> impl Strategy<Value = Span> {
        (0u32..40, 0..4).prop_map(|(n, kind)| match kind {
            0 => Span::Days(n),
            1 => Span::WorkDays(n),
            2 => Span::WorkHours(n),
            _ => Span::Months(n),
        })
    }

    proptest! {
        #[test]
        fn later_stays_later(c in any_calendar(), a in any_moment(), b in any_moment(), span in any_span()) {
            let (a, b) = (a.min(b), a.max(b));
            // The hour that comes twice, and the one that is skipped, may fold two moments of one day by their length.
            let slack = Duration::hours(1);
            prop_assert!(c.add(a, span) <= c.add(b, span) + slack);
            prop_assert!(c.add(a, span) + slack >= a);
            prop_assert!(c.sub(a, span) <= a + slack);
        }

        #[test]
        fn the_count_is_the_inverse(c in any_calendar(), a in any_moment(), b in any_moment()) {
            let (a, b) = (a.min(b), a.max(b));
            let n = c.working_days_between(a, b);
            prop_assert!(n == 0 || c.add(a, Span::WorkDays(n)) <= b);
            prop_assert!(c.add(a, Span::WorkDays(n + 1)) + Duration::hours(1) > b);
        }
    }
}
