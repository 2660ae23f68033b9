//! Dates, times and durations as they are written (RFC 5545 sections 3.3.4 to 3.3.6, 3.3.9). A [`Stamp`] still carries
//! its zone's name; only `zones` makes an instant of it. Nothing here panics on any text.

use std::borrow::Cow;

use super::civil::{self, DAY};

/// What a date or date-time is relative to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form<'a> {
    /// A day; `local` is its midnight.
    Date,
    Utc,
    /// The owner's wall clock.
    Floating,
    /// Seconds east of UTC; not in the RFC, but found.
    Fixed(i32),
    Zoned(&'a str),
}

/// A date or date-time as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp<'a> {
    /// Local seconds (see `civil`).
    pub local: i64,
    pub form: Form<'a>,
}

impl Stamp<'_> {
    pub fn is_date(&self) -> bool {
        self.form == Form::Date
    }
}

/// Reads `20260105`, `20260105T100000`, `20260105T100000Z` and what producers make of them. `date_only` is VALUE=DATE.
pub fn stamp<'a>(value: &str, tzid: Option<&'a str>, date_only: bool) -> Option<Stamp<'a>> {
    let value = value.trim();
    let value: Cow<'_, str> = match value.as_bytes() {
        // ISO 8601 with its separators.
        [_, _, _, _, b'-', _, _, b'-', ..] => {
            let (day, time) = value.split_at_checked(10)?;
            Cow::Owned(day.replace('-', "") + &time.replacen(' ', "T", 1).replace(':', ""))
        }
        _ => Cow::Borrowed(value),
    };
    let bytes = value.as_bytes();
    let (year, month, of_month) = (digits(bytes, 0, 4)?, digits(bytes, 4, 2)?, digits(bytes, 6, 2)?);
    let month = u32::try_from(month).ok().filter(|m| (1..=12).contains(m))?;
    let of_month = u32::try_from(of_month).ok().filter(|d| (1..=civil::month_length(year, month)).contains(d))?;
    let midnight = civil::day(year, month, of_month) * DAY;
    // `20260105Z`, as one great provider writes its birthdays, is no more than a day.
    if bytes.len() == 8 || date_only || matches!(bytes[8..], [b'Z' | b'z']) {
        return Some(Stamp { local: midnight, form: Form::Date });
    }
    if !matches!(bytes[8], b'T' | b't') {
        return None;
    }
    let (hour, minute) = (digits(bytes, 9, 2)?, digits(bytes, 11, 2)?);
    let (second, rest) = match digits(bytes, 13, 2) {
        Some(second) => (second.min(59), value.get(15..)?),
        None => (0, value.get(13..)?),
    };
    if hour > 24 || minute > 59 || (hour == 24 && minute + second > 0) {
        return None;
    }
    let rest = fraction_off(rest);
    let form = match rest {
        "" => tzid.map_or(Form::Floating, Form::Zoned),
        "Z" | "z" => Form::Utc,
        _ => Form::Fixed(offset(rest)?),
    };
    Some(Stamp { local: midnight + hour * 3_600 + minute * 60 + second, form })
}

fn fraction_off(rest: &str) -> &str {
    rest.strip_prefix('.').map_or(rest, |r| r.trim_start_matches(|c: char| c.is_ascii_digit()))
}

fn digits(bytes: &[u8], from: usize, count: usize) -> Option<i64> {
    bytes.get(from..from + count)?.iter().try_fold(0, |n, b| b.is_ascii_digit().then(|| n * 10 + i64::from(b - b'0')))
}

/// A UTC offset `+0100`, `-053000`, `+01:00`, `+1` in seconds.
pub fn offset(value: &str) -> Option<i32> {
    let value = value.trim();
    let (sign, rest) = match value.as_bytes().first()? {
        b'+' => (1, &value[1..]),
        b'-' => (-1, &value[1..]),
        _ => (1, value),
    };
    let plain: String = rest.chars().filter(|c| *c != ':').collect();
    let plain = if plain.len() == 1 || plain.len() == 3 { format!("0{plain}") } else { plain };
    let part = |at: usize| digits(plain.as_bytes(), at, 2).and_then(|n| i32::try_from(n).ok());
    let (hours, minutes, seconds) = match plain.len() {
        2 => (part(0)?, 0, 0),
        4 => (part(0)?, part(2)?, 0),
        6 => (part(0)?, part(2)?, part(4)?),
        _ => return None,
    };
    (hours <= 26 && minutes < 60 && seconds < 60).then_some(sign * (hours * 3_600 + minutes * 60 + seconds))
}

/// A DURATION as (days, seconds): days are nominal, seconds exact (RFC 5545 section 3.3.6).
pub fn duration(value: &str) -> Option<(i64, i64)> {
    let value = value.trim();
    let (sign, rest) = match value.as_bytes().first()? {
        b'-' => (-1, &value[1..]),
        b'+' => (1, &value[1..]),
        _ => (1, value),
    };
    let rest = rest.strip_prefix(['P', 'p'])?;
    let (mut days, mut seconds, mut number, mut length) = (0_i64, 0_i64, 0_i64, 0);
    for b in rest.bytes() {
        match b.to_ascii_uppercase() {
            b'0'..=b'9' if length < 9 => {
                number = number * 10 + i64::from(b - b'0');
                length += 1;
                continue;
            }
            b'W' => days += number * 7,
            b'D' => days += number,
            b'H' => seconds += number * 3_600,
            b'M' => seconds += number * 60,
            b'S' => seconds += number,
            b'T' if length == 0 => {}
            _ => return None,
        }
        (number, length) = (0, 0);
    }
    // A hundred years are as good as for ever, and keep every later sum in range.
    const LONG: i64 = 36_525;
    (length == 0).then(|| (sign * days.min(LONG), sign * seconds.min(LONG * DAY)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps() {
        let noon = civil::day(2026, 1, 5) * DAY + 12 * 3_600;
        let day = civil::day(2026, 1, 5) * DAY;
        let cases = [
            ("20260105T120000Z", None, false, Some((noon, Form::Utc))),
            ("20260105T120000", Some("X"), false, Some((noon, Form::Zoned("X")))),
            ("20260105T120000Z", Some("X"), false, Some((noon, Form::Utc))),
            ("20260105T120000", None, false, Some((noon, Form::Floating))),
            ("20260105T1200", None, false, Some((noon, Form::Floating))),
            ("20260105T1200Z", None, false, Some((noon, Form::Utc))),
            ("2026-01-05T12:00:00.123Z", None, false, Some((noon, Form::Utc))),
            ("2026-01-05", None, false, Some((day, Form::Date))),
            ("20260105T120000+0100", None, false, Some((noon, Form::Fixed(3_600)))),
            ("20260105", Some("X"), false, Some((day, Form::Date))),
            ("20260105T120000", None, true, Some((day, Form::Date))),
            ("20260104T240000Z", None, false, Some((day, Form::Utc))),
            ("20260105T116000Z", None, false, None),
            ("20260105Z", None, false, Some((day, Form::Date))),
            ("20260105ZZ", None, false, None),
            ("20260230", None, false, None),
            ("20261305", None, false, None),
            ("today", None, false, None),
            ("", None, false, None),
            ("2026", None, false, None),
            ("20260105T", None, false, None),
            ("2026010äT120000", None, false, None),
            ("2026-01-0ä", None, false, None),
        ];
        for (value, tzid, date_only, expected) in cases {
            let got = stamp(value, tzid, date_only).map(|s| (s.local, s.form));
            assert_eq!(got, expected, "{value}");
        }
    }

    #[test]
    fn durations_and_offsets() {
        let cases = [
            ("PT1H30M", Some((0, 5_400))),
            ("P1DT12H", Some((1, 43_200))),
            ("P2W", Some((14, 0))),
            ("-PT15M", Some((0, -900))),
            ("P", Some((0, 0))),
            ("1H", None),
            ("PT5", None),
            ("PT99999999999H", None),
        ];
        for (value, expected) in cases {
            assert_eq!(duration(value), expected, "{value}");
        }
        let cases = [
            ("+0100", Some(3_600)),
            ("-0530", Some(-19_800)),
            ("+01:00", Some(3_600)),
            ("2", Some(7_200)),
            ("x", None),
        ];
        for (value, expected) in cases {
            assert_eq!(offset(value), expected, "{value}");
        }
    }
}
