//! The small values of the configuration, each with what it expects in words: addresses, domains, zones, days, spans.
//!
//! Pure. A message never repeats the value.

use std::{fmt, time::Duration};

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;
use toml::Value;

use super::{fault::nearest, reading::Reading};
use crate::domain::{
    address,
    span::{self, Span},
    working::WorkCalendar,
};

fn text(value: Value, expected: &str) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.trim().to_owned()),
        _ => Err(format!("expected {expected} in quotation marks")),
    }
}

/// Any text but an empty one.
#[derive(Debug)]
pub enum Name {}
impl Reading for Name {
    type Out = String;
    fn read(value: Value) -> Result<String, String> {
        let text = text(value, "a name")?;
        if text.is_empty() { Err("expected a name, this one is empty".to_owned()) } else { Ok(text) }
    }
}

/// An email address, lower case.
#[derive(Debug)]
pub enum Email {}
impl Reading for Email {
    type Out = String;
    fn read(value: Value) -> Result<String, String> {
        const EXPECTED: &str = "an email address such as \"ana@acme.example\"";
        let text = text(value, EXPECTED)?.to_lowercase();
        if is_email(&text) { Ok(text) } else { Err(format!("expected {EXPECTED}")) }
    }
}

fn is_email(text: &str) -> bool {
    text.rsplit_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && !local.contains(|c: char| {
                c.is_whitespace() || c.is_control() || matches!(c, '*' | '<' | '>' | ',' | ';' | '@')
            })
            && is_domain(domain)
    })
}

fn is_domain(text: &str) -> bool {
    let folded = address::fold_domain(text);
    !folded.is_empty()
        && folded.split('.').all(|label| {
            !label.is_empty()
                && label.len() < 64
                && !label.starts_with('-')
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        })
}

/// A domain, folded.
#[derive(Debug)]
pub enum Domain {}
impl Reading for Domain {
    type Out = String;
    fn read(value: Value) -> Result<String, String> {
        const EXPECTED: &str = "a domain such as \"acme.example\"";
        let text = text(value, EXPECTED)?;
        if !text.contains('@') && is_domain(&text) {
            Ok(address::fold_domain(&text))
        } else {
            Err(format!("expected {EXPECTED}, without @, * or https://"))
        }
    }
}

/// A domain of ours: one that others may have addresses in would make them all ours.
#[derive(Debug)]
pub enum OwnDomain {}
impl Reading for OwnDomain {
    type Out = String;
    fn read(value: Value) -> Result<String, String> {
        let domain = Domain::read(value)?;
        let public = psl::suffix(domain.as_bytes()).is_some_and(|s| s.is_known() && s.as_bytes() == domain.as_bytes());
        if public {
            return Err(format!("expected a domain of your own: everybody may register below {domain}"));
        }
        Ok(domain)
    }
}

/// A rule of exclusion, lower case: an address, one with `*`, or a domain.
#[derive(Debug)]
pub enum Exclusion {}
impl Reading for Exclusion {
    type Out = String;
    fn read(value: Value) -> Result<String, String> {
        const EXPECTED: &str =
            "an address (\"lawyer@firm.example\"), a pattern (\"*@private.example\") or a domain (\"private.example\")";
        let text = text(value, EXPECTED)?.to_lowercase();
        let (local, domain) = text.rsplit_once('@').unwrap_or(("x", &text));
        let all = text.chars().all(|c| matches!(c, '*' | '@' | '.'));
        let fits = is_email(&format!("{}@x", local.replace('*', "x")))
            && is_domain(&domain.replace('*', "x"))
            && !(domain.is_empty() || local.is_empty());
        if all {
            return Err("expected a pattern that leaves something: this one excludes everybody".to_owned());
        }
        if fits { Ok(text) } else { Err(format!("expected {EXPECTED}")) }
    }
}

/// An address or a domain, folded.
#[derive(Debug)]
pub enum Portal {}
impl Reading for Portal {
    type Out = String;
    fn read(value: Value) -> Result<String, String> {
        const EXPECTED: &str = "an address (\"orders@portal.example\") or a domain (\"portal.example\")";
        let text = text(value, EXPECTED)?.to_lowercase();
        if text.contains('@') && is_email(&text) {
            Ok(text)
        } else if is_domain(&text) && !text.contains('@') {
            Ok(address::fold_domain(&text))
        } else {
            Err(format!("expected {EXPECTED}"))
        }
    }
}

/// A time zone by its IANA name.
#[derive(Debug)]
pub enum Zone {}
impl Reading for Zone {
    type Out = Tz;
    fn read(value: Value) -> Result<Tz, String> {
        const EXPECTED: &str = "a time zone such as \"Europe/Berlin\"";
        let text = text(value, EXPECTED)?;
        text.parse().map_err(|_| {
            let near = nearest(&text, chrono_tz::TZ_VARIANTS.iter().map(|z| z.name()));
            near.map_or_else(|| format!("expected {EXPECTED}"), |n| format!("expected {EXPECTED}; did you mean `{n}`?"))
        })
    }
}

/// A date, as text or as TOML's own.
#[derive(Debug)]
pub enum Date {}
impl Reading for Date {
    type Out = NaiveDate;
    fn read(value: Value) -> Result<NaiveDate, String> {
        as_date(&value).ok_or_else(|| "expected a date such as \"2026-12-25\"".to_owned())
    }
}

fn as_date(value: &Value) -> Option<NaiveDate> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Datetime(t) if t.time.is_none() => t.to_string(),
        _ => return None,
    };
    (text.len() == 10).then(|| text.parse().ok()).flatten()
}

/// Days of the week, Monday first.
#[derive(Debug)]
pub enum Weekdays {}
impl Reading for Weekdays {
    type Out = [bool; 7];
    fn read(value: Value) -> Result<[bool; 7], String> {
        const NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        let expected =
            || "expected a list of days from \"mon\", \"tue\", \"wed\", \"thu\", \"fri\", \"sat\", \"sun\"".to_owned();
        let Value::Array(given) = value else { return Err(expected()) };
        let mut days = [false; 7];
        for day in given {
            let text = day.as_str().unwrap_or_default().trim().to_lowercase();
            let at = NAMES.iter().position(|n| *n == text).ok_or_else(expected)?;
            days[at] = true;
        }
        if days.contains(&true) { Ok(days) } else { Err("expected at least one working day".to_owned()) }
    }
}

/// The hours of a working day: `"09:00-17:00"`, or `["09:00", "17:00"]`.
#[derive(Debug)]
pub enum Hours {}
impl Reading for Hours {
    type Out = (NaiveTime, NaiveTime);
    fn read(value: Value) -> Result<(NaiveTime, NaiveTime), String> {
        let expected = || "expected working hours such as \"09:00-17:00\"".to_owned();
        let (from, to) = match &value {
            Value::String(text) => {
                text.split_once('-').map(|(a, b)| (a.to_owned(), b.to_owned())).ok_or_else(expected)?
            }
            Value::Array(pair) => match pair.as_slice() {
                [Value::String(a), Value::String(b)] => (a.clone(), b.clone()),
                _ => return Err(expected()),
            },
            _ => return Err(expected()),
        };
        let time = |t: &str| NaiveTime::parse_from_str(t.trim(), "%H:%M").map_err(|_| expected());
        let (from, to) = (time(&from)?, time(&to)?);
        if from < to { Ok((from, to)) } else { Err("expected working hours that end after they begin".to_owned()) }
    }
}

/// How far back, or how far ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    Span(Span),
    Date(NaiveDate),
}

impl Since {
    /// The moment this far before `now`; a date is its first moment.
    pub fn before(self, now: DateTime<Utc>, calendar: &WorkCalendar) -> DateTime<Utc> {
        match self {
            Self::Span(span) => calendar.sub(now, span),
            Self::Date(date) => calendar.start_of(date),
        }
    }

    /// The moment this far after `now`; a date is its end.
    pub fn after(self, now: DateTime<Utc>, calendar: &WorkCalendar) -> DateTime<Utc> {
        match self {
            Self::Span(span) => calendar.add(now, span),
            Self::Date(date) => calendar.end_of(date),
        }
    }
}

impl fmt::Display for Since {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Span(span) => span.fmt(f),
            Self::Date(date) => date.fmt(f),
        }
    }
}

#[derive(Debug)]
pub enum SinceText {}
impl Reading for SinceText {
    type Out = Since;
    fn read(value: Value) -> Result<Since, String> {
        if let Some(date) = as_date(&value) {
            return Ok(Since::Date(date));
        }
        let span = value.as_str().and_then(|t| t.parse().ok()).map(Since::Span);
        span.ok_or_else(|| "expected a span such as \"180d\" or \"6m\", or a date such as \"2026-01-31\"".to_owned())
    }
}

#[derive(Debug)]
pub enum SpanText {}
impl Reading for SpanText {
    type Out = Span;
    fn read(value: Value) -> Result<Span, String> {
        let span = value.as_str().and_then(|t| t.parse().ok());
        span.ok_or_else(|| format!("expected {}", span::EXPECTED))
    }
}

/// How often to look: `"30s"`, `"5m"`, `"1h"`.
#[derive(Debug)]
pub enum Every {}
impl Reading for Every {
    type Out = Duration;
    fn read(value: Value) -> Result<Duration, String> {
        let text = value.as_str().unwrap_or_default().trim();
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let unit = match text[digits..].trim_start() {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            _ => 0,
        };
        let seconds = text[..digits].parse::<u64>().ok().and_then(|n| n.checked_mul(unit));
        match seconds {
            Some(s @ 1..=86_400) => Ok(Duration::from_secs(s)),
            _ => Err("expected how often to look, \"30s\", \"5m\" or \"1h\", at most \"24h\"".to_owned()),
        }
    }
}

/// The character between an address's name and its tag.
#[derive(Debug)]
pub enum Separator {}
impl Reading for Separator {
    type Out = char;
    fn read(value: Value) -> Result<char, String> {
        let mut chars = value.as_str().unwrap_or_default().chars();
        match (chars.next(), chars.next()) {
            (Some(c), None) if c.is_ascii_punctuation() && c != '@' => Ok(c),
            _ => Err("expected one character such as \"-\"".to_owned()),
        }
    }
}

/// An ISO 4217 currency code.
#[derive(Debug)]
pub enum Currency {}
impl Reading for Currency {
    type Out = String;
    fn read(value: Value) -> Result<String, String> {
        let code = value.as_str().unwrap_or_default().trim().to_uppercase();
        let fits = code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase());
        if fits { Ok(code) } else { Err("expected a currency code such as \"EUR\"".to_owned()) }
    }
}

/// A number above 0.
#[derive(Debug)]
pub enum Positive {}
impl Reading for Positive {
    type Out = f64;
    fn read(value: Value) -> Result<f64, String> {
        let n = value.as_float().or_else(|| value.as_integer().map(|n| n as f64));
        n.filter(|n| n.is_finite() && *n > 0.0).ok_or_else(|| "expected a number above 0".to_owned())
    }
}

/// A regular expression that compiles.
#[derive(Debug)]
pub enum Pattern {}
impl Reading for Pattern {
    type Out = String;
    fn read(value: Value) -> Result<String, String> {
        let text = text(value, "a regular expression such as \"OPP-[0-9]+\"")?;
        match regex::Regex::new(&text) {
            Ok(r) if r.is_match("") => Err("expected a regular expression that does not match empty text".to_owned()),
            Ok(_) => Ok(text),
            Err(_) => Err("expected a regular expression such as \"OPP-[0-9]+\"; this one cannot be read".to_owned()),
        }
    }
}

/// Where the database is.
#[derive(Debug)]
pub enum DatabaseUrl {}
impl Reading for DatabaseUrl {
    type Out = String;
    fn read(value: Value) -> Result<String, String> {
        const EXPECTED: &str = "\"sqlite:FILE\" or \"postgres://user@host/database\"";
        let text = text(value, EXPECTED)?;
        // what is only in memory would be forgotten at the end of each command
        let file = |rest: &str| !rest.trim_start_matches('/').is_empty() && !rest.starts_with(":memory:");
        let known = text.strip_prefix("sqlite:").is_some_and(file)
            || ["postgres://", "postgresql://"]
                .iter()
                .any(|p| text.strip_prefix(p).is_some_and(|rest| !rest.is_empty()));
        if known { Ok(text) } else { Err(format!("expected {EXPECTED}")) }
    }
}

/// An http(s) address without a path's end.
#[derive(Debug)]
pub enum WebUrl {}
impl Reading for WebUrl {
    type Out = String;
    fn read(value: Value) -> Result<String, String> {
        const EXPECTED: &str = "an address such as \"https://dealtrail.acme.example\"";
        let text = text(value, EXPECTED)?;
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        match rest {
            Some(rest) if !rest.is_empty() && !rest.contains(char::is_whitespace) => {
                Ok(text.trim_end_matches('/').to_owned())
            }
            _ => Err(format!("expected {EXPECTED}")),
        }
    }
}

/// Where the web app listens.
#[derive(Debug)]
pub enum Listen {}
impl Reading for Listen {
    type Out = std::net::SocketAddr;
    fn read(value: Value) -> Result<std::net::SocketAddr, String> {
        const EXPECTED: &str = "an address and port such as \"127.0.0.1:8420\"";
        let text = text(value, EXPECTED)?;
        let text = text.strip_prefix("localhost:").map_or(text.clone(), |port| format!("127.0.0.1:{port}"));
        text.parse().map_err(|_| format!("expected {EXPECTED}"))
    }
}
