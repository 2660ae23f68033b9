//! Dates of the world: local times of a zone, days before now, and the margins that keep every case away from the
//! places where two readings of "10 working days" would part.

use chrono::{DateTime, Days, Duration, NaiveDate, NaiveDateTime, NaiveTime, TimeZone as _, Utc};
use chrono_tz::Tz;

/// `days` before (or, when negative, after) the date of `now`, at that time of day, UTC.
pub fn at(now: DateTime<Utc>, days: i64, hour: u32, minute: u32, second: u32) -> DateTime<Utc> {
    let time = NaiveTime::from_hms_opt(hour, minute, second).expect("a time of day");
    (now.date_naive() - Duration::days(days)).and_time(time).and_utc()
}

/// The date that many days before (after, when negative) now.
pub fn date(now: DateTime<Utc>, days: i64) -> NaiveDate {
    now.date_naive() - Duration::days(days)
}

/// Midnight UTC of a date, which is how the export writes all-day times.
pub fn midnight(date: NaiveDate) -> DateTime<Utc> {
    date.and_time(NaiveTime::MIN).and_utc()
}

/// A local time in UTC. The world keeps to office hours, where no clock change happens.
pub fn utc(zone: Tz, local: NaiveDateTime) -> DateTime<Utc> {
    zone.from_local_datetime(&local).single().expect("an unambiguous local time").with_timezone(&Utc)
}

/// The next date.
pub fn next(date: NaiveDate, days: u64) -> NaiveDate {
    date.checked_add_days(Days::new(days)).expect("a date near ours")
}

/// `20260102T100000`.
pub fn basic_local(t: NaiveDateTime) -> String {
    t.format("%Y%m%dT%H%M%S").to_string()
}

/// `20260102T100000Z`, as in the export's calendar keys.
pub fn basic(t: DateTime<Utc>) -> String {
    t.format("%Y%m%dT%H%M%SZ").to_string()
}

/// The CSV form: RFC 3339, whole seconds.
pub fn rfc3339(t: DateTime<Utc>) -> String {
    t.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}
