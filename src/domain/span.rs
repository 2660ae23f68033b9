//! A length of time as the configuration writes it: `14d`, `2wd`, `16wh`, `24m`. Pure; what a span means from a given
//! moment on is [`super::working::WorkCalendar`]'s business.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Nothing is longer than a hundred years.
const MOST_DAYS: u32 = 36_525;

/// A length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Span {
    /// `Nd`: calendar days.
    Days(u32),
    /// `Nwd`: working days.
    WorkDays(u32),
    /// `Nwh`: working hours.
    WorkHours(u32),
    /// `Nm`: calendar months.
    Months(u32),
}

/// What a span looks like, for messages.
pub const EXPECTED: &str = "a span such as \"14d\" (calendar days), \"2wd\" (working days), \"16wh\" (working hours) \
                            or \"24m\" (months)";

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {EXPECTED}")]
pub struct NoSpan;

impl FromStr for Span {
    type Err = NoSpan;

    fn from_str(text: &str) -> Result<Self, NoSpan> {
        let text = text.trim();
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let n: u32 = text[..digits].parse().map_err(|_| NoSpan)?;
        let (span, most) = match text[digits..].trim_start() {
            "d" => (Self::Days(n), MOST_DAYS),
            "wd" => (Self::WorkDays(n), MOST_DAYS),
            "wh" => (Self::WorkHours(n), MOST_DAYS * 24),
            "m" => (Self::Months(n), MOST_DAYS / 30),
            _ => return Err(NoSpan),
        };
        if n <= most { Ok(span) } else { Err(NoSpan) }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Days(n) => write!(f, "{n}d"),
            Self::WorkDays(n) => write!(f, "{n}wd"),
            Self::WorkHours(n) => write!(f, "{n}wh"),
            Self::Months(n) => write!(f, "{n}m"),
        }
    }
}

impl Span {
    /// The number in front of the unit.
    pub fn count(self) -> u32 {
        match self {
            Self::Days(n) | Self::WorkDays(n) | Self::WorkHours(n) | Self::Months(n) => n,
        }
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reading() {
        let cases = [
            ("14d", Some(Span::Days(14))),
            (" 2wd ", Some(Span::WorkDays(2))),
            ("16 wh", Some(Span::WorkHours(16))),
            ("24m", Some(Span::Months(24))),
            ("0d", Some(Span::Days(0))),
            ("-1d", None),
            ("d", None),
            ("14", None),
            ("14 days", None),
            ("1.5d", None),
            ("14D", None),
            ("99999999d", None),
            ("9999999999999d", None),
            ("", None),
        ];
        for (text, want) in cases {
            assert_eq!(text.parse::<Span>().ok(), want, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(n in 0u32..1200, unit in 0..4) {
            let span = [Span::Days(n), Span::WorkDays(n), Span::WorkHours(n), Span::Months(n)][unit as usize];
            prop_assert_eq!(span.to_string().parse::<Span>(), Ok(span));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,12}") {
            let _ = text.parse::<Span>();
        }
    }
}
