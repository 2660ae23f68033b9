//! The text of a recurrence rule -> [`Rule`] (RFC 5545 section 3.3.10). Blanks and a trailing `;` are let through, and
//! values out of range are an error: a rule half understood would put meetings on wrong days. It opens nothing.

use super::value::{self, Form};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
pub enum Freq {
    Yearly,
    Monthly,
    Weekly,
    Daily,
    Hourly,
}

/// The end of a rule as written; both ends are inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Midnight of the last day.
    Date(i64),
    /// On the wall clock of the series.
    Local(i64),
    /// An instant.
    Utc(i64),
}

/// A rule. Sets of small numbers are bit sets: bit n stands for the value n.
#[derive(Clone, Debug)]
pub struct Rule {
    pub freq: Freq,
    pub interval: i64,
    pub count: Option<u64>,
    pub until: Option<Until>,
    pub months: u16,
    pub monthdays: Vec<i8>,
    pub yeardays: Vec<i16>,
    pub weeknos: Vec<i8>,
    /// (ordinal or 0, weekday with Monday 0).
    pub weekdays: Vec<(i16, u8)>,
    pub hours: u32,
    pub minutes: u64,
    pub seconds: u64,
    pub setpos: Vec<i32>,
    /// First day of the week, Monday 0.
    pub wkst: u8,
}

/// The parts of a rule (RFC 5545 section 3.3.10, RFC 7529).
const NAMES: [&str; 16] = [
    "FREQ",
    "UNTIL",
    "COUNT",
    "INTERVAL",
    "BYSECOND",
    "BYMINUTE",
    "BYHOUR",
    "BYDAY",
    "BYMONTHDAY",
    "BYYEARDAY",
    "BYWEEKNO",
    "BYMONTH",
    "BYSETPOS",
    "WKST",
    "RSCALE",
    "SKIP",
];
/// More starts a day than this is no meeting.
const TIMES_A_DAY: u32 = 1_440;

impl Rule {
    /// Reads a rule; `Ok(None)` for an empty one.
    ///
    /// # Errors
    /// One plain sentence that says what cannot be opened.
    pub fn parse(text: &str) -> Result<Option<Self>, &'static str> {
        let text = text.trim();
        let text = if starts_with(text, "RRULE:") { &text[6..] } else { text };
        let mut freq = None;
        let mut rule = Self::empty();
        let mut any = false;
        for part in text.split(';') {
            any |= !part.trim().is_empty();
            let Some((key, list)) = part.split_once('=') else {
                // A word that names no part of a rule says nothing; one that does has lost what it said.
                if NAMES.iter().any(|n| n.eq_ignore_ascii_case(part.trim())) {
                    return Err("its recurrence rule has a part without a value");
                }
                continue;
            };
            let (key, list) = (key.trim(), list.trim());
            if key.eq_ignore_ascii_case("FREQ") {
                freq = Some(frequency(list)?);
            } else if !list.is_empty() {
                rule.take(key, list).ok_or("a part of its recurrence rule cannot be read")?;
            }
        }
        if !any {
            return Ok(None);
        }
        rule.freq = freq.ok_or("its recurrence rule has no FREQ")?;
        let clock =
            rule.hours.count_ones().max(1) * rule.minutes.count_ones().max(1) * rule.seconds.count_ones().max(1);
        if clock > TIMES_A_DAY {
            return Err("its recurrence rule opens more than 1,440 times a day");
        }
        Ok(Some(rule))
    }

    fn empty() -> Self {
        Self {
            freq: Freq::Daily,
            interval: 1,
            count: None,
            until: None,
            months: 0,
            monthdays: Vec::new(),
            yeardays: Vec::new(),
            weeknos: Vec::new(),
            weekdays: Vec::new(),
            hours: 0,
            minutes: 0,
            seconds: 0,
            setpos: Vec::new(),
            wkst: 0,
        }
    }

    fn take(&mut self, key: &str, list: &str) -> Option<()> {
        let mut upper = [0_u8; 10];
        let name = upper.get_mut(..key.len())?;
        name.copy_from_slice(key.as_bytes());
        name.make_ascii_uppercase();
        match &*name {
            // RFC 5545 section 3.3.10: a positive number. Nought could mean once or every time, so it is not guessed.
            b"INTERVAL" => self.interval = list.parse::<i64>().ok().filter(|n| *n > 0)?.min(1_000_000),
            b"COUNT" => self.count = Some(list.parse::<u64>().ok()?.max(1)),
            b"UNTIL" => self.until = Some(until(list)?),
            b"WKST" => self.wkst = weekday(list)?,
            b"BYMONTH" => self.months = u16::try_from(bits(list, 1, 12)?).ok()?,
            b"BYMONTHDAY" => self.monthdays = numbers(list, 31)?,
            b"BYYEARDAY" => self.yeardays = numbers(list, 366)?,
            b"BYWEEKNO" => self.weeknos = numbers(list, 53)?,
            b"BYSETPOS" => self.setpos = numbers(list, 366 * 1_440)?,
            b"BYDAY" => self.weekdays = values(list, ordinal_weekday)?,
            b"BYHOUR" => self.hours = u32::try_from(bits(list, 0, 23)?).ok()?,
            b"BYMINUTE" => self.minutes = bits(list, 0, 59)?,
            // A leap second never names a second of its own here.
            b"BYSECOND" => self.seconds = bits(list, 0, 60)? & !(1 << 60),
            b"RSCALE" => list.eq_ignore_ascii_case("GREGORIAN").then_some(())?,
            b"SKIP" => list.eq_ignore_ascii_case("OMIT").then_some(())?,
            b"BYEASTER" => return None,
            _ => {}
        }
        Some(())
    }
}

fn frequency(name: &str) -> Result<Freq, &'static str> {
    const NAMES: [(&str, Freq); 5] = [
        ("YEARLY", Freq::Yearly),
        ("MONTHLY", Freq::Monthly),
        ("WEEKLY", Freq::Weekly),
        ("DAILY", Freq::Daily),
        ("HOURLY", Freq::Hourly),
    ];
    if name.eq_ignore_ascii_case("SECONDLY") || name.eq_ignore_ascii_case("MINUTELY") {
        return Err("it repeats every second or minute, which no meeting does");
    }
    let found = NAMES.iter().find(|(n, _)| name.eq_ignore_ascii_case(n));
    found.map(|(_, freq)| *freq).ok_or("the FREQ of its recurrence rule is not known")
}

fn until(text: &str) -> Option<Until> {
    let stamp = value::stamp(text, None, false)?;
    Some(match stamp.form {
        Form::Date => Until::Date(stamp.local),
        Form::Utc => Until::Utc(stamp.local),
        Form::Fixed(east) => Until::Utc(stamp.local - i64::from(east)),
        Form::Floating | Form::Zoned(_) => Until::Local(stamp.local),
    })
}

fn starts_with(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
}

/// The values of a list, blanks and empty ones dropped, at most 1,000.
fn values<T>(list: &str, read: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    list.split(',').map(str::trim).filter(|v| !v.is_empty()).take(1_000).map(read).collect()
}

/// Signed numbers without zero, at most `limit` from it, each once.
fn numbers<T: TryFrom<i32>>(list: &str, limit: i32) -> Option<Vec<T>> {
    let mut all = values(list, |v| v.parse::<i32>().ok().filter(|n| *n != 0 && n.abs() <= limit))?;
    all.sort_unstable();
    all.dedup();
    all.into_iter().map(|n| T::try_from(n).ok()).collect()
}

fn bits(list: &str, low: u32, high: u32) -> Option<u64> {
    let all = values(list, |v| v.parse::<u32>().ok().filter(|n| (low..=high).contains(n)))?;
    Some(all.into_iter().fold(0, |set, n| set | 1 << n))
}

fn weekday(name: &str) -> Option<u8> {
    const NAMES: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
    let at = NAMES.iter().position(|n| n.eq_ignore_ascii_case(name))?;
    u8::try_from(at).ok()
}

fn ordinal_weekday(value: &str) -> Option<(i16, u8)> {
    let (number, name) = value.split_at_checked(value.len().checked_sub(2)?)?;
    let number = match number.trim() {
        "" => 0,
        n => n.parse::<i16>().ok().filter(|n| n.abs() <= 53)?,
    };
    Some((number, weekday(name)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_but_clear_rules_are_read() {
        let rule = Rule::parse(" freq=weekly ; BYDAY=MO, we ,-1FR;INTERVAL=01;;X-WHAT=1;COUNT=0; ").unwrap().unwrap();
        assert_eq!(rule.freq, Freq::Weekly);
        assert_eq!(rule.weekdays, [(0, 0), (0, 2), (-1, 4)]);
        assert_eq!((rule.interval, rule.count), (1, Some(1)));
        assert_eq!(Rule::parse("FREQ=DAILY;INTERVAL=99999999").unwrap().unwrap().interval, 1_000_000);
        assert!(Rule::parse("").unwrap().is_none());
        assert!(Rule::parse("RRULE:FREQ=DAILY").unwrap().is_some());
        assert_eq!(Rule::parse("Whatever;FREQ=WEEKLY;BYDAY=MO").unwrap().unwrap().weekdays, [(0, 0)]);
    }

    #[test]
    fn what_cannot_be_opened_is_refused() {
        for text in [
            "FREQ=SECONDLY",
            "FREQ=MINUTELY;COUNT=3",
            "FREQ=BOGUS",
            "COUNT=3",
            "FREQ=DAILY;BYMONTH=13",
            "FREQ=DAILY;UNTIL=never",
            "FREQ=WEEKLY;BYDAY=XX",
            "FREQ=DAILY;BYHOUR=24",
            "FREQ=YEARLY;BYMONTHDAY=0",
            "FREQ=DAILY;RSCALE=CHINESE",
            "FREQ=WEEKLY;INTERVAL=0;COUNT=3",
            "FREQ=DAILY;INTERVAL=-1",
            "FREQ=DAILY;INTERVAL=two",
            "FREQ",
            "FREQ=WEEKLY;byday",
            "Whatever",
            "FREQ=DAILY;BYHOUR=0,1,2,3,4,5,6,7,8,9,10,11,12;BYMINUTE=0,1,2,3,4,5,6,7,8,9;BYSECOND=0,1,2,3,4,5,6,7,8,9,10,11",
        ] {
            assert!(Rule::parse(text).is_err(), "{text}");
        }
    }
}
