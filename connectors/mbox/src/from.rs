//! From_ lines: what stands between the messages of an mbox file, and what programs do to text that looks like one.
//!
//! Pure. A line splits only when it ends in a date: text that merely starts with "From " does not.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use dealtrail_sdk::mime;

const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
/// Words of a From_ line with the oddest date.
const WORDS_MAX: usize = 12;

/// What a From_ line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FromLine {
    pub date: DateTime<Utc>,
    /// The envelope had no sender: a report of a mail system.
    pub null_sender: bool,
}

/// Reads a line, with or without its end. `after_blank`: it is the first line, or the one before it is empty; then dates
/// of other forms than asctime's are taken as well.
pub fn from_line(line: &[u8], after_blank: bool) -> Option<FromLine> {
    let text = str::from_utf8(line.strip_prefix(b"From ")?).ok()?;
    let words: Vec<&str> = text.split_whitespace().take(WORDS_MAX + 1).collect();
    if words.len() < 4 || words.len() > WORDS_MAX {
        return None;
    }
    let asctime = words.windows(2).position(|w| is_day(w[0]) && w[1].len() == 3 && w[1].is_ascii());
    let date = match asctime {
        Some(at) if words.len() - at <= 7 => mime::date(&words[at..].join(" "))?,
        _ if after_blank && is_sender(words[0]) && words.len() <= 9 => {
            let first = words[1].trim_end_matches(',');
            let dated = is_day(first) || first.starts_with(|c: char| c.is_ascii_digit());
            dated.then(|| mime::date(&words[1..].join(" "))).flatten()?
        }
        _ => return None,
    };
    let null_sender = words[0].eq_ignore_ascii_case("mailer-daemon") || words[0] == "<>";
    Some(FromLine { date, null_sender })
}

fn is_day(word: &str) -> bool {
    DAYS.contains(&word)
}

fn is_sender(word: &str) -> bool {
    word.contains('@') || word == "-" || word == "<>" || word.eq_ignore_ascii_case("mailer-daemon")
}

/// Takes one `>` off the lines that an mbox writer quoted (mboxrd; of mboxo the same lines).
pub fn unquote(message: &[u8]) -> Cow<'_, [u8]> {
    if !message.split(|b| *b == b'\n').any(is_quoted) {
        return Cow::Borrowed(message);
    }
    let mut out = Vec::with_capacity(message.len());
    for line in message.split_inclusive(|b| *b == b'\n') {
        out.extend_from_slice(if is_quoted(line) { &line[1..] } else { line });
    }
    Cow::Owned(out)
}

fn is_quoted(line: &[u8]) -> bool {
    let text = &line[line.iter().take_while(|b| **b == b'>').count()..];
    line.starts_with(b">") && text.starts_with(b"From ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_split_and_lines_that_do_not() {
        for (line, after_blank, splits) in [
            ("From ana@x.example Mon Jan  5 10:00:00 2026\n", false, true),
            ("From ana@x.example Mon Jan  5 10:00:00 2026 +0100\r\n", false, true),
            ("From - Mon Jan 05 10:00:00 2026", true, true),
            ("From MAILER-DAEMON Mon Jan  5 10:00:00 EST 2026", true, true),
            ("From ???@??? Mon Jan 05 10:00:00 2026", true, true),
            ("From 1234@xxx Mon Jan 05 10:00:00 +0000 2026", true, true),
            ("From Ana Lopez Mon Jan  5 10:00 2026", true, true),
            ("From ana@x.example Mon, 5 Jan 2026 10:00:00 +0100", true, true),
            ("From ana@x.example 2026-01-05T10:00:00Z x x", true, true),
            ("From ana@x.example Mon, 5 Jan 2026 10:00:00 +0100", false, false),
            ("From the meeting on 5 Jan 2026 at 10:00", true, false),
            ("From Monday on, Mon is the day of Jan", true, false),
            ("From now on", true, false),
            ("From a@x , Jan 5 10:00:00 2026", true, false),
            ("From: ana@x.example", true, false),
            (">From ana@x.example Mon Jan  5 10:00:00 2026", true, false),
            ("from ana@x.example Mon Jan  5 10:00:00 2026", true, false),
            ("From ", true, false),
            ("", true, false),
        ] {
            assert_eq!(from_line(line.as_bytes(), after_blank).is_some(), splits, "{line}");
        }
        let null = from_line(b"From MAILER-DAEMON Mon Jan  5 10:00:00 2026", true).expect("splits");
        assert!(null.null_sender);
        assert_eq!(null.date.timestamp(), 1_767_607_200);
        assert!(from_line(b"From \xFF\xFE Mon Jan  5 10:00:00 2026", true).is_none());
    }

    #[test]
    fn quoted_lines_lose_one_sign() {
        for (quoted, text) in [
            ("a\n>From b\n>>From c\n> From d\n>from e\n>From", "a\nFrom b\n>From c\n> From d\n>from e\n>From"),
            ("nothing > From here\n", "nothing > From here\n"),
            ("", ""),
        ] {
            assert_eq!(unquote(quoted.as_bytes()), text.as_bytes());
        }
    }
}
