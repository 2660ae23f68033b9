//! The text of a cell -> a value: times, dates, numbers, lists, addresses. Pure.
//!
//! Every reader answers with the reason in words when it cannot; a reason never repeats the cell.

use std::collections::HashSet;

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// An instant: RFC 3339, or a date, which is its midnight in `zone`.
pub fn time(text: &str, zone: Tz) -> Result<DateTime<Utc>, &'static str> {
    if let Ok(t) = DateTime::parse_from_rfc3339(text) {
        return in_range(t.to_utc());
    }
    if let Ok(day) = iso_date(text) {
        return in_range(midnight(day, zone));
    }
    if text.len() > 10 && text.parse::<NaiveDateTime>().is_ok() {
        return Err("is a time without a zone (write 2026-03-01T09:30:00+01:00)");
    }
    Err("is neither a time (2026-03-01T09:30:00Z) nor a date (2026-03-01)")
}

/// A day: a date, or the day of an RFC 3339 time in `zone`.
pub fn date(text: &str, zone: Tz) -> Result<NaiveDate, &'static str> {
    if let Ok(day) = iso_date(text) {
        return Ok(day);
    }
    match DateTime::parse_from_rfc3339(text) {
        Ok(t) => Ok(in_range(t.to_utc())?.with_timezone(&zone).date_naive()),
        Err(_) => Err("is no date (write 2026-03-01)"),
    }
}

fn iso_date(text: &str) -> Result<NaiveDate, &'static str> {
    let shape = text.len() == 10
        && text.bytes().enumerate().all(|(i, b)| if i == 4 || i == 7 { b == b'-' } else { b.is_ascii_digit() });
    if !shape {
        return Err("is no date (write 2026-03-01)");
    }
    text.parse().map_err(|_| "is no date (write 2026-03-01)")
}

/// Years 0001 to 9999: what every store and export can hold.
fn in_range(t: DateTime<Utc>) -> Result<DateTime<Utc>, &'static str> {
    let year = chrono::Datelike::year(&t);
    if (1..=9999).contains(&year) { Ok(t) } else { Err("lies outside the years 0001 to 9999") }
}

/// The first instant of a day in a zone; where midnight is skipped by a clock change, the first that exists.
fn midnight(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let start = day.and_time(chrono::NaiveTime::MIN);
    (0..=8)
        .find_map(|quarter| zone.from_local_datetime(&(start + TimeDelta::minutes(15 * quarter))).earliest())
        .map_or_else(
            // A whole day is missing (Samoa, 2011-12-30): the next one begins where it would have.
            || {
                let next = day.checked_add_days(Days::new(1)).unwrap_or(day).and_time(chrono::NaiveTime::MIN);
                zone.from_local_datetime(&next).earliest().map_or_else(|| start.and_utc(), |t| t.to_utc())
            },
            |t| t.to_utc(),
        )
}

/// A number with a decimal point or comma, thousands grouped or not: `1234.5`, `1234,5`, `1.234,50`, `1,234.50`,
/// `1 234,50`, `1'234.50`. One comma with exactly three digits behind it groups (`1,234`), one point never does.
pub fn number(text: &str) -> Result<f64, &'static str> {
    const NOT: &str = "is not a number";
    let spaces = ['\u{a0}', '\u{202f}', '\u{2009}', ' ', '\'', '\u{2019}'];
    let (negative, digits) = match text.strip_prefix(['-', '\u{2212}']) {
        Some(rest) => (true, rest.trim_start()),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = parts(digits).ok_or(NOT)?;
    let mut groups = whole.split(|c: char| c == '.' || c == ',' || spaces.contains(&c));
    let first = groups.next().unwrap_or_default();
    let rest: Vec<&str> = groups.collect();
    let grouped_well = rest.is_empty() || (1..=3).contains(&first.len()) && rest.iter().all(|g| g.len() == 3);
    let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if !grouped_well || !all_digits(first) || !rest.iter().all(|g| all_digits(g)) || !all_digits(fraction) {
        return Err(NOT);
    }
    if first.is_empty() && fraction.is_empty() {
        return Err(NOT);
    }
    let plain = format!("{}{first}{}.{fraction}0", if negative { "-" } else { "" }, rest.concat());
    plain.parse::<f64>().ok().filter(|n| n.is_finite() && n.abs() < 1e15).ok_or(NOT)
}

/// Splits into what stands before and behind the decimal mark.
fn parts(digits: &str) -> Option<(&str, &str)> {
    let count = |c: char| digits.matches(c).count();
    let decimal = match (count('.'), count(',')) {
        (0, 0) => None,
        (1, 0) => Some('.'),
        (0, 1) => {
            let (before, behind) = digits.split_once(',')?;
            let groups = behind.len() == 3 && (1..=3).contains(&before.len()) && !before.starts_with('0');
            (!groups).then_some(',')
        }
        (points, 0) if points > 1 => None,
        (0, _) => None,
        // Both: the last one is the decimal mark, and it may stand only once.
        (points, commas) => match digits.rfind('.') > digits.rfind(',') {
            true if points == 1 => Some('.'),
            false if commas == 1 => Some(','),
            _ => return None,
        },
    };
    match decimal {
        None => Some((digits, "")),
        Some(mark) => {
            let (whole, fraction) = digits.rsplit_once(mark)?;
            let one_kind = !(whole.contains('.') && whole.contains(','));
            one_kind.then_some((whole, fraction))
        }
    }
}

/// A probability as a share (0.4) or in percent (40, 40 %); anything above 1 is percent.
pub fn probability(text: &str) -> Result<f64, &'static str> {
    let (text, percent) = match text.strip_suffix('%') {
        Some(rest) => (rest.trim_end(), true),
        None => (text, false),
    };
    let n = number(text)?;
    let share = if percent || n > 1.0 { n / 100.0 } else { n };
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err("is no probability (0 to 1, or 0 to 100 %)") }
}

/// A whole number.
pub fn whole(text: &str) -> Result<i64, &'static str> {
    const NOT: &str = "is not a whole number";
    let (digits, zeros) = text.split_once('.').unwrap_or((text, ""));
    if zeros.bytes().any(|b| b != b'0') {
        return Err(NOT);
    }
    digits.parse().map_err(|_| NOT)
}

/// The values of a list cell: separated by `;`, trimmed, empty ones left out, each once.
pub fn list(text: &str) -> Vec<String> {
    let mut seen = HashSet::new();
    let values = text.split(';').map(str::trim).filter(|v| !v.is_empty());
    values.filter(|v| seen.insert(*v)).map(str::to_owned).collect()
}

/// An email address, as written.
pub fn email(text: &str) -> Result<String, &'static str> {
    let fits = text.rsplit_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && !domain.is_empty()
            && !text.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ',' | ';'))
    });
    if fits { Ok(text.to_owned()) } else { Err("is no email address") }
}

/// A domain, also when a whole web address was typed: `https://www.acme.example/x` is `acme.example`.
pub fn domain(text: &str) -> String {
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    let text = text.split(['/', '?', '#']).next().unwrap_or_default();
    let text = text.rsplit_once('@').map_or(text, |(_, host)| host);
    let text = text.split(':').next().unwrap_or_default().trim().trim_end_matches('.').to_lowercase();
    match text.strip_prefix("www.") {
        Some(rest) if rest.contains('.') => rest.to_owned(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BERLIN: Tz = chrono_tz::Europe::Berlin;

    #[test]
    fn times() {
        let cases = [
            ("2026-03-01T09:30:00Z", Some("2026-03-01T09:30:00Z")),
            ("2026-03-01T09:30:00.250+01:00", Some("2026-03-01T08:30:00.250Z")),
            ("2026-03-01", Some("2026-02-28T23:00:00Z")),
            ("2026-07-01", Some("2026-06-30T22:00:00Z")),
            ("2026-03-01T09:30:00", None),
            ("2026-02-30", None),
            ("01.03.2026", None),
            ("+12026-1-1", None),
            ("soon", None),
            ("", None),
        ];
        for (text, want) in cases {
            assert_eq!(time(text, BERLIN).ok(), want.map(|w| w.parse().unwrap()), "{text}");
        }
        let skipped = time("2018-11-04", chrono_tz::America::Sao_Paulo).unwrap();
        assert_eq!(skipped.to_rfc3339(), "2018-11-04T03:00:00+00:00", "midnight does not exist there");
        assert!(time("2011-12-30", chrono_tz::Pacific::Apia).is_ok(), "the whole day does not exist there");
        assert_eq!(date("2026-03-01T23:30:00Z", BERLIN).unwrap().to_string(), "2026-03-02");
    }

    #[test]
    fn numbers() {
        let cases = [
            ("1234", Some(1234.0)),
            ("1234.56", Some(1234.56)),
            ("1234,56", Some(1234.56)),
            ("1234,500", Some(1234.5)),
            ("1.234,56", Some(1234.56)),
            ("1,234.56", Some(1234.56)),
            ("1,234", Some(1234.0)),
            ("0,125", Some(0.125)),
            ("1.234", Some(1.234)),
            ("1.234.567", Some(1_234_567.0)),
            ("1,234,567.8", Some(1_234_567.8)),
            ("12 000,5", Some(12000.5)),
            ("12'000.50", Some(12000.5)),
            ("-12,5", Some(-12.5)),
            (".5", Some(0.5)),
            ("5.", Some(5.0)),
            ("12,34,567", None),
            ("1.23,4,5", None),
            ("1,2.3,4", None),
            ("12.000 EUR", None),
            ("NaN", None),
            ("inf", None),
            ("1e5", None),
            ("--1", None),
            ("", None),
            (".", None),
            ("9999999999999999", None),
        ];
        for (text, want) in cases {
            assert_eq!(number(text).ok(), want, "{text}");
        }
    }

    #[test]
    fn shares_positions_lists_and_domains() {
        for (text, want) in [
            ("0.4", Some(0.4)),
            ("40", Some(0.4)),
            ("40 %", Some(0.4)),
            ("1", Some(1.0)),
            ("1%", Some(0.01)),
            ("101", None),
            ("-1", None),
        ] {
            assert_eq!(probability(text).ok(), want, "{text}");
        }
        for (text, want) in [("3", Some(3)), ("3.0", Some(3)), ("-1", Some(-1)), ("3.5", None), ("x", None), ("", None)]
        {
            assert_eq!(whole(text).ok(), want, "{text}");
        }
        assert_eq!(list(" a ; ;b;a"), ["a", "b"]);
        for (text, want) in [
            ("Acme.Example", "acme.example"),
            ("https://www.acme.example/x?y", "acme.example"),
            ("@acme.example", "acme.example"),
            ("www.com", "www.com"),
            ("acme.example.", "acme.example"),
        ] {
            assert_eq!(domain(text), want, "{text}");
        }
        for (text, fits) in [
            ("a@b.example", true),
            ("a b@c", false),
            ("a@", false),
            ("@b", false),
            ("Ana <a@b>", false),
            ("ana", false),
        ] {
            assert_eq!(email(text).is_ok(), fits, "{text}");
        }
    }

    proptest! {
        #[test]
        fn amounts_survive_every_way_of_writing(cents in -99_999_999_i64..99_999_999) {
            let want = cents as f64 / 100.0;
            let sign = if cents < 0 { "-" } else { "" };
            let (whole, rest) = (cents.abs() / 100, cents.abs() % 100);
            prop_assert_eq!(number(&format!("{sign}{whole}.{rest:02}")), Ok(want));
            prop_assert_eq!(number(&format!("{sign}{whole},{rest:02}")), Ok(want));
        }

        #[test]
        fn no_cell_panics(text in "\\PC{0,24}") {
            let _ = (time(&text, BERLIN), date(&text, BERLIN), number(&text), probability(&text), whole(&text), domain(&text));
        }
    }
}
