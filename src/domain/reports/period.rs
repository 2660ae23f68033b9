//! Weeks, months, quarters and years as spans of days.

use chrono::{Datelike as _, Days, Months, NaiveDate};

crate::domain::activity::words!(
    /// How often a goal is set anew.
    Period { Day = "day", Week = "week", Month = "month", Quarter = "quarter", Year = "year" }
);

impl Period {
    /// The first and the last day of the period that holds this day; weeks start on Monday (ISO 8601).
    pub fn around(self, day: NaiveDate) -> (NaiveDate, NaiveDate) {
        let first_of = |month: u32| NaiveDate::from_ymd_opt(day.year(), month, 1).expect("a month has a first day");
        let (from, months) = match self {
            Self::Day => return (day, day),
            Self::Week => {
                let from = day - Days::new(u64::from(day.weekday().num_days_from_monday()));
                return (from, from + Days::new(6));
            }
            Self::Month => (first_of(day.month()), 1),
            Self::Quarter => (first_of(day.month0() / 3 * 3 + 1), 3),
            Self::Year => (first_of(1), 12),
        };
        (from, from + Months::new(months) - Days::new(1))
    }

    /// The period before the one that holds this day.
    pub fn before(self, day: NaiveDate) -> (NaiveDate, NaiveDate) {
        self.around(self.around(day).0 - Days::new(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods() {
        let day = |text: &str| text.parse::<NaiveDate>().expect("a date");
        for (period, on, from, to) in [
            (Period::Day, "2026-11-22", "2026-11-22", "2026-11-22"),
            (Period::Week, "2026-11-22", "2026-11-16", "2026-11-22"),
            (Period::Week, "2026-11-16", "2026-11-16", "2026-11-22"),
            (Period::Month, "2024-02-10", "2024-02-01", "2024-02-29"),
            (Period::Quarter, "2026-11-22", "2026-10-01", "2026-12-31"),
            (Period::Year, "2026-11-22", "2026-01-01", "2026-12-31"),
        ] {
            assert_eq!(period.around(day(on)), (day(from), day(to)), "{period} of {on}");
        }
        assert_eq!(Period::Quarter.before(day("2026-02-01")), (day("2025-10-01"), day("2025-12-31")));
    }
}
