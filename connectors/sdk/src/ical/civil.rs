//! Days and seconds without a time zone: the proleptic Gregorian calendar as plain numbers.
//!
//! A *local* time is an `i64` of seconds since 1970-01-01T00:00:00 on somebody's wall clock, a *day* an `i64` of days
//! since then. Recurrence runs on these numbers alone; only `zones` may turn a local time into an instant.

/// Seconds of a day.
pub const DAY: i64 = 86_400;

/// Days since 1970-01-01 of a date that exists.
pub fn day(year: i64, month: u32, day_of_month: u32) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let year_of_era = y.rem_euclid(400);
    let shifted = (i64::from(month) + 9) % 12;
    let day_of_year = (153 * shifted + 2) / 5 + i64::from(day_of_month) - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Year, month 1..=12 and day of the month of a day number.
pub fn date(day: i64) -> (i64, u32, u32) {
    let z = day + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let of_month = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, u32::try_from(month).unwrap_or(1), u32::try_from(of_month).unwrap_or(1))
}

pub fn leap(year: i64) -> bool {
    year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0)
}

pub fn month_length(year: i64, month: u32) -> u32 {
    match month {
        2 => 28 + u32::from(leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

pub fn year_length(year: i64) -> i64 {
    365 + i64::from(leap(year))
}

/// Monday is 0, Sunday 6.
pub fn weekday(day: i64) -> u8 {
    u8::try_from((day + 3).rem_euclid(7)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{Datelike, NaiveDate};

    #[test]
    fn agrees_with_chrono_on_every_day_of_eight_centuries() {
        let epoch = NaiveDate::from_ymd_opt(1970, 1, 1).unwrap();
        let mut d = NaiveDate::from_ymd_opt(1580, 1, 1).unwrap();
        while d.year() < 2420 {
            let number = (d - epoch).num_days();
            assert_eq!(day(i64::from(d.year()), d.month(), d.day()), number);
            assert_eq!(date(number), (i64::from(d.year()), d.month(), d.day()));
            assert_eq!(u32::from(weekday(number)), d.weekday().num_days_from_monday());
            d = d.succ_opt().unwrap();
        }
    }
}
