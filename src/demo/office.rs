//! The sample company's working time.
//!
//! Stories are told in working minutes: 0 is 09:00 of the first working day from today on, 540 the same time one
//! working day later, negative is past. That makes "ten working days ago" plain arithmetic, whatever day the demo is
//! started on. Nothing here reads a clock.

use chrono::{DateTime, Datelike, Duration, NaiveDate, NaiveTime, TimeZone, Utc, Weekday};
use chrono_tz::Tz;

/// Working minutes of a day: 09:00 to 18:00.
pub(super) const DAY: i64 = 540;

/// How many days of the calendar are known on either side of today.
const REACH: i64 = 260;

#[derive(Clone, Debug)]
pub(super) struct Office {
    days: Vec<NaiveDate>,
    zero: i64,
    pub today: NaiveDate,
    pub now: DateTime<Utc>,
    pub holidays: Vec<NaiveDate>,
}

impl Office {
    pub(super) fn new(now: DateTime<Utc>, zone: Tz) -> Self {
        let today = now.with_timezone(&zone).date_naive();
        let holidays = holidays(today);
        let days: Vec<NaiveDate> = (-REACH..=REACH)
            .map(|n| today + Duration::days(n))
            .filter(|d| !matches!(d.weekday(), Weekday::Sat | Weekday::Sun) && !holidays.contains(d))
            .collect();
        let zero = days.iter().take_while(|d| **d < today).count();
        Self { zero: i64::try_from(zero).unwrap_or(0), days, today, now, holidays }
    }

    /// The date of a working minute.
    pub(super) fn date(&self, at: i64) -> NaiveDate {
        let last = i64::try_from(self.days.len()).unwrap_or(1) - 1;
        let index = (self.zero + at.div_euclid(DAY)).clamp(0, last);
        self.days[usize::try_from(index).unwrap_or(0)]
    }

    /// The moment of a working minute in somebody's zone.
    pub(super) fn moment(&self, at: i64, zone: Tz) -> DateTime<Utc> {
        let local = self.date(at).and_time(NaiveTime::MIN) + Duration::minutes(9 * 60 + at.rem_euclid(DAY));
        zone.from_local_datetime(&local).earliest().map_or_else(|| local.and_utc(), |t| t.with_timezone(&Utc))
    }
}

/// Half hours are when people meet; a meeting ends by 18:00.
pub(super) fn half_hour(at: i64, minutes: i64) -> i64 {
    let day = at.div_euclid(DAY);
    let minute = (at.rem_euclid(DAY) + 15) / 30 * 30;
    day * DAY + minute.clamp(0, (DAY - minutes).max(0))
}

fn holidays(today: NaiveDate) -> Vec<NaiveDate> {
    let fixed = [(1, 1), (5, 1), (10, 3), (12, 25), (12, 26)];
    let mut all: Vec<NaiveDate> = (today.year() - 1..=today.year() + 1)
        .flat_map(|year| fixed.iter().filter_map(move |(month, day)| NaiveDate::from_ymd_opt(year, *month, *day)))
        .collect();
    all.sort_unstable();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn office(text: &str) -> Office {
        Office::new(text.parse().unwrap(), chrono_tz::Europe::Berlin)
    }

    #[test]
    fn zero_is_the_first_working_day_from_today() {
        for (now, zero, before) in [
            ("2026-11-20T10:00:00Z", "2026-11-20", "2026-11-19"), // a Friday
            ("2026-11-22T10:00:00Z", "2026-11-23", "2026-11-20"), // a Sunday
            ("2026-12-25T10:00:00Z", "2026-12-28", "2026-12-24"), // a holiday
            ("2026-11-19T23:30:00Z", "2026-11-20", "2026-11-19"), // already tomorrow in Berlin
        ] {
            let office = office(now);
            assert_eq!(office.date(0).to_string(), zero, "{now}");
            assert_eq!(office.date(-1).to_string(), before, "{now}");
        }
    }

    #[test]
    fn moments_follow_the_zone() {
        let office = office("2026-07-15T10:00:00Z");
        assert_eq!(office.moment(30, chrono_tz::Europe::Berlin).to_rfc3339(), "2026-07-15T07:30:00+00:00");
        assert_eq!(office.moment(30, chrono_tz::America::New_York).to_rfc3339(), "2026-07-15T13:30:00+00:00");
    }

    #[test]
    fn yesterdays_work_is_over_when_today_begins() {
        for now in ["2026-11-19T23:00:00Z", "2026-07-14T22:00:00Z", "2026-03-10T23:00:00Z"] {
            let office = office(now);
            assert!(office.moment(-1, chrono_tz::America::New_York) <= office.now, "{now}");
        }
    }

    #[test]
    fn meetings_start_on_the_half_hour_and_end_in_time() {
        for at in -3000..3000 {
            let start = half_hour(at, 60);
            assert_eq!(start.rem_euclid(30), 0);
            assert!(start.rem_euclid(DAY) <= DAY - 60);
            assert_eq!(start.div_euclid(DAY), at.div_euclid(DAY));
        }
    }
}
