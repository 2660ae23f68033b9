//! One content line: name, parameters, value (RFC 5545 section 3.1, RFC 6868). Borrows from the unfolded text and
//! copies only what is escaped. It does not know what a property means.

use std::borrow::Cow;

/// No zone's name is longer, in bytes.
const ZONE_NAME: usize = 255;

/// A content line cut in three; parameters stay raw until somebody asks.
#[derive(Clone, Copy)]
pub struct Line<'a> {
    pub name: &'a str,
    /// What stands between the first `;` and the `:`.
    params: &'a str,
    pub value: &'a str,
}

impl<'a> Line<'a> {
    /// `None` for a line without a name.
    pub fn cut(text: &'a str) -> Option<Self> {
        let bytes = text.as_bytes();
        let end = bytes.iter().position(|b| matches!(b, b':' | b';'))?;
        let name = text[..end].trim();
        if bytes[end] == b':' {
            return Some(Self { name, params: "", value: &text[end + 1..] });
        }
        let rest = &text[end + 1..];
        let colon = outside_quotes(rest, b':').or_else(|| rest.find(':'))?;
        let colon = if in_zone_name(&rest[..colon], &rest[colon + 1..]) { rest.rfind(':')? } else { colon };
        Some(Self { name, params: &rest[..colon], value: &rest[colon + 1..] })
    }

    /// First value of a parameter, without quotes and RFC 6868 escapes.
    pub fn param(&self, name: &str) -> Option<Cow<'a, str>> {
        self.raw(name).map(caret)
    }

    /// The zone named by TZID, as written; of a name without end its beginning, which names no zone.
    pub fn tzid(&self) -> Option<&'a str> {
        let name = self.raw("TZID").map(str::trim).filter(|name| !name.is_empty())?;
        Some(&name[..name.floor_char_boundary(ZONE_NAME)])
    }

    fn raw(&self, name: &str) -> Option<&'a str> {
        let mut rest = self.params;
        while !rest.is_empty() {
            let end = outside_quotes(rest, b';').unwrap_or(rest.len());
            let (one, tail) = (&rest[..end], rest.get(end + 1..).unwrap_or(""));
            rest = tail;
            let Some((key, value)) = one.split_once('=') else { continue };
            if key.trim().eq_ignore_ascii_case(name) {
                return Some(value.trim().trim_matches('"'));
            }
        }
        None
    }

    /// True when a parameter has this value, in any case.
    pub fn has(&self, name: &str, value: &str) -> bool {
        self.param(name).is_some_and(|v| v.trim().eq_ignore_ascii_case(value))
    }
}

/// True when the colon lies in a zone name that wants quotes: `TZID=tzone://Microsoft/Utc:20260105T090000`.
fn in_zone_name(params: &str, value: &str) -> bool {
    let Some(head) = value.find(':').map(|at| &value[..at]) else { return false };
    let date = head.len() >= 10 && head.starts_with(|c: char| c.is_ascii_digit());
    !date && params.rsplit(';').next().and_then(|p| p.get(..5)).is_some_and(|p| p.eq_ignore_ascii_case("TZID="))
}

fn outside_quotes(text: &str, wanted: u8) -> Option<usize> {
    let mut quoted = false;
    text.bytes().position(|b| {
        quoted ^= b == b'"';
        b == wanted && !quoted
    })
}

/// RFC 6868: `^n`, `^'` and `^^`.
fn caret(value: &str) -> Cow<'_, str> {
    if !value.contains('^') {
        return Cow::Borrowed(value);
    }
    let mut out = String::with_capacity(value.len());
    let mut chars = value.chars().peekable();
    while let Some(c) = chars.next() {
        let plain = match (c, chars.peek()) {
            ('^', Some('n' | 'N')) => '\n',
            ('^', Some('\'')) => '"',
            ('^', Some('^')) => '^',
            _ => {
                out.push(c);
                continue;
            }
        };
        chars.next();
        out.push(plain);
    }
    Cow::Owned(out)
}

/// A TEXT value (RFC 5545 section 3.3.11), trimmed, at most `limit` bytes; `None` when nothing is left.
pub fn text(value: &str, limit: usize) -> Option<String> {
    let value = value.trim();
    let mut out = String::with_capacity(value.len().min(limit));
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
        } else {
            match chars.next() {
                Some('n' | 'N') => out.push('\n'),
                Some(c @ (',' | ';' | '\\' | ':' | '"')) => out.push(c),
                Some(c) => out.extend(['\\', c]),
                None => out.push('\\'),
            }
        }
        if out.len() > limit {
            out.truncate(floor(&out, limit));
            break;
        }
    }
    let kept = out.trim();
    match kept.len() {
        0 => None,
        n if n == out.len() => Some(out),
        _ => Some(kept.to_owned()),
    }
}

fn floor(text: &str, limit: usize) -> usize {
    (0..=limit).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_in_three() {
        let cases = [
            ("SUMMARY:a:b", ("SUMMARY", "a:b")),
            ("DTSTART;TZID=\"A:B;C\";VALUE=DATE-TIME:20200101T000000", ("DTSTART", "20200101T000000")),
            ("ATTENDEE;CN=\"broken:mailto:a@b.example", ("ATTENDEE", "mailto:a@b.example")),
            ("X;P=1;Q:", ("X", "")),
        ];
        for (line, (name, value)) in cases {
            let cut = Line::cut(line).unwrap();
            assert_eq!((cut.name, cut.value), (name, value));
        }
        assert!(Line::cut("no colon").is_none());
    }

    #[test]
    fn parameters_lose_quotes_and_carets() {
        let line = Line::cut("ATTENDEE;cn=\"Lopez; Ana ^'x^' ^^ ^n\";ROLE=CHAIR;TZID= Europe/Berlin :v").unwrap();
        assert_eq!(line.param("CN").unwrap(), "Lopez; Ana \"x\" ^ \n");
        assert_eq!(line.param("ROLE").unwrap(), "CHAIR");
        assert_eq!(line.tzid(), Some("Europe/Berlin"));
        assert!(line.param("X").is_none());
    }

    #[test]
    fn text_is_unescaped_trimmed_and_capped() {
        let cases = [
            (r" a\, b\; c\\n\nd\N ", 100, Some("a, b; c\\n\nd")),
            (r"C:\Users \\", 100, Some("C:\\Users \\")),
            ("   ", 100, None),
            ("äöü", 3, Some("ä")),
            ("", 100, None),
        ];
        for (value, limit, expected) in cases {
            assert_eq!(text(value, limit).as_deref(), expected);
        }
    }
}
