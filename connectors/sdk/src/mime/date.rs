//! Dates as mail has them: RFC 5322 and its obsolete forms, asctime (mbox lines), ISO 8601, missing zones.
//!
//! A time without a zone is UTC: for a Date header that is the best guess, and it is at most half a day off.

use chrono::{DateTime, Duration, NaiveDate, Utc};

const MONTHS: &str = "janfebmaraprmayjunjulaugsepoctnovdec";
const ZONES: &[(&str, i32)] = &[
    ("EST", -5 * 60),
    ("EDT", -4 * 60),
    ("CST", -6 * 60),
    ("CDT", -5 * 60),
    ("MST", -7 * 60),
    ("MDT", -6 * 60),
    ("PST", -8 * 60),
    ("PDT", -7 * 60),
    ("BST", 60),
    ("CET", 60),
    ("CEST", 120),
    ("MET", 60),
    ("MEST", 120),
    ("WEST", 60),
    ("EET", 120),
    ("EEST", 180),
    ("MSK", 180),
    ("JST", 540),
    ("KST", 540),
    ("AEST", 600),
    ("AEDT", 660),
];

#[derive(Default)]
struct Found {
    day: Option<u32>,
    month: Option<u32>,
    year: Option<i32>,
    time: Option<(u32, u32, u32)>,
    afternoon: Option<bool>,
    /// Minutes east of UTC.
    zone: Option<i32>,
}

/// Reads a date; `None` when day, month, year or time is missing or makes no sense.
pub fn date(text: &str) -> Option<DateTime<Utc>> {
    let mut found = Found::default();
    // a comment names the zone once more
    let text = text.split('(').next()?;
    for token in text.split([' ', '\t', ',', '\r', '\n']).filter(|t| !t.is_empty()).take(16) {
        found.token(token);
    }
    found.instant()
}

impl Found {
    fn token(&mut self, token: &str) {
        let first = token.as_bytes()[0];
        if token.contains(':') && first.is_ascii_digit() {
            self.iso_or_time(token);
        } else if matches!(first, b'+' | b'-') {
            self.zone = self.zone.or(offset(token));
        } else if first.is_ascii_digit() {
            self.number_or_date(token);
        } else {
            self.word(token);
        }
    }

    /// `10:00`, `10:00:00.5+02:00`, `2026-01-05T10:00:00Z`.
    fn iso_or_time(&mut self, token: &str) {
        let time = match token.split_once(['T', 't']) {
            Some((date, time)) => {
                self.number_or_date(date);
                time
            }
            None => token,
        };
        let end = time.find(|c: char| !c.is_ascii_digit() && c != ':' && c != '.').unwrap_or(time.len());
        let (clock, rest) = time.split_at(end);
        let mut pieces = clock.split(':').map(|p| p.split('.').next().unwrap_or(p).parse::<u32>().ok());
        if let (Some(Some(hour)), Some(Some(minute))) = (pieces.next(), pieces.next()) {
            self.time = self.time.or(Some((hour, minute, pieces.next().flatten().unwrap_or(0))));
        }
        if matches!(rest.as_bytes().first(), Some(b'+' | b'-')) {
            self.zone = self.zone.or(offset(rest));
        } else if !rest.is_empty() {
            self.word(rest);
        }
    }

    /// `5`, `2026`, `05-Jan-2026`, `2026-01-05`, `05.01.2026`.
    fn number_or_date(&mut self, token: &str) {
        let pieces: Vec<&str> = token.split(['-', '.', '/']).filter(|p| !p.is_empty()).collect();
        match pieces[..] {
            [one] => self.number(one),
            [year, month, day] if year.len() == 4 => {
                (self.year, self.day) = (year.parse().ok(), day.parse().ok());
                self.month = month_number(month);
            }
            // two numbers with slashes may be either way round
            [day, month, year] if !token.contains('/') || !month.as_bytes()[0].is_ascii_digit() => {
                self.day = day.parse().ok();
                self.month = month_number(month);
                self.number(year);
            }
            _ => {}
        }
    }

    fn number(&mut self, digits: &str) {
        let Ok(number) = digits.trim_end_matches(|c: char| !c.is_ascii_digit()).parse::<i32>() else { return };
        if self.day.is_none() && digits.len() <= 2 {
            self.day = u32::try_from(number).ok();
        } else if self.year.is_none() {
            // RFC 5322 section 4.3
            self.year = Some(match (digits.len(), number) {
                (..=2, ..=49) => 2000 + number,
                (..=3, _) => 1900 + number,
                _ => number,
            });
        }
    }

    fn word(&mut self, word: &str) {
        let upper = word.to_ascii_uppercase();
        if self.month.is_none() && self.zone.is_none() {
            self.month = month_number(word);
            if self.month.is_some() {
                return;
            }
        }
        match upper.as_str() {
            "AM" => self.afternoon = Some(false),
            "PM" => self.afternoon = Some(true),
            "Z" | "UT" | "UTC" | "GMT" => self.zone = self.zone.or(Some(0)),
            _ => {
                let named = ZONES.iter().find(|(name, _)| *name == upper).map(|(_, minutes)| *minutes);
                let tail = upper.strip_prefix("GMT").or_else(|| upper.strip_prefix("UTC")).and_then(offset);
                self.zone = self.zone.or(tail).or(named);
            }
        }
    }

    fn instant(self) -> Option<DateTime<Utc>> {
        let (mut hour, minute, second) = self.time?;
        match self.afternoon {
            Some(true) if hour < 12 => hour += 12,
            Some(false) if hour == 12 => hour = 0,
            _ => {}
        }
        if hour > 24 || minute > 59 || second > 60 {
            return None;
        }
        let year = self.year.filter(|y| (1970..2200).contains(y))?;
        let day = NaiveDate::from_ymd_opt(year, self.month?, self.day?)?;
        let seconds = i64::from(hour * 3600 + minute * 60 + second.min(59)) - i64::from(self.zone.unwrap_or(0)) * 60;
        day.and_hms_opt(0, 0, 0)?.checked_add_signed(Duration::seconds(seconds)).map(|t| t.and_utc())
    }
}

fn month_number(word: &str) -> Option<u32> {
    if let Ok(number) = word.parse::<u32>() {
        return (1..=12).contains(&number).then_some(number);
    }
    let start = word.get(..3)?.to_ascii_lowercase();
    let at = MONTHS.find(&start).filter(|at| at % 3 == 0)?;
    u32::try_from(at / 3 + 1).ok()
}

/// `+0200`, `+02:00`, `+2` in minutes; nonsense is UTC.
fn offset(text: &str) -> Option<i32> {
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits: String = text[1..].chars().filter(char::is_ascii_digit).take(4).collect();
    let number: i32 = digits.parse().ok()?;
    let minutes = if digits.len() <= 2 { number * 60 } else { number / 100 * 60 + number % 100 };
    Some(if minutes <= 15 * 60 { sign * minutes } else { 0 })
}
