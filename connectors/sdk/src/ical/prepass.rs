//! Bytes of a calendar -> one text of whole content lines, each ending in `\n` (RFC 5545 section 3.1).
//!
//! Takes what real files hold: a byte order mark, UTF-16, CR, LF or CRLF, folds in the middle of a character, raw line
//! breaks inside a value, single lines in windows-1252. It knows no properties and never fails.

use std::borrow::Cow;

/// Unfolds a whole file.
pub fn unfold(bytes: &[u8]) -> String {
    let bytes = without_utf16(bytes);
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
    let mut out: Vec<u8> = Vec::with_capacity(bytes.len() + 1);
    let mut line_start = 0;
    let mut openness = Openness::default();
    let mut last = 0;
    let mut rest = bytes;
    while !rest.is_empty() {
        let end = rest.iter().position(|b| matches!(b, b'\n' | b'\r')).unwrap_or(rest.len());
        let line = &rest[..end];
        rest = &rest[(end + 1).min(rest.len())..];
        let Some(first) = line.first() else { continue };
        if out.is_empty() {
            out.extend_from_slice(line.trim_ascii_start());
        } else if matches!(first, b' ' | b'\t') {
            out.extend_from_slice(&line[1..]);
        } else if has_name(line) || is_name_of(line, rest) {
            out.push(b'\n');
            line_start = out.len();
            openness = Openness { seen: line_start, ..Openness::default() };
            out.extend_from_slice(line);
        } else if is_text(&out[line_start..]) {
            // A line without a name is what a producer broke off the line before: text keeps the break.
            out.extend_from_slice(b"\\n");
            out.extend_from_slice(line);
        } else if last >= FOLDED || openness.after(&out) {
            out.extend_from_slice(line);
        }
        last = line.len();
    }
    out.push(b'\n');
    decode(out)
}

/// True for a name whose `:` or `;` was folded into the next line, as an old program does with every property.
fn is_name_of(line: &[u8], rest: &[u8]) -> bool {
    let next = rest.strip_prefix(b"\n").unwrap_or(rest);
    line.len() <= 40
        && line.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-')
        && matches!(next, [b' ' | b'\t', b':' | b';', ..])
}

/// A line this long was folded; what follows it without a blank belongs to it all the same.
const FOLDED: usize = 60;

/// Whether a quote or a parameter of the line at hand is not closed yet. Every byte is looked at once, however often the
/// line was broken off.
#[derive(Default)]
struct Openness {
    /// As far as the text was looked at.
    seen: usize,
    colon: bool,
    quoted: bool,
}

impl Openness {
    fn after(&mut self, text: &[u8]) -> bool {
        let new = text.get(self.seen..).unwrap_or_default();
        self.colon |= new.contains(&b':');
        self.quoted ^= new.iter().filter(|b| **b == b'"').count() % 2 == 1;
        self.seen = text.len();
        !self.colon || self.quoted
    }
}

/// True for `NAME:` and `NAME;`.
fn has_name(line: &[u8]) -> bool {
    let length = line.iter().position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))).unwrap_or(0);
    length > 0 && matches!(line[length], b':' | b';')
}

fn is_text(line: &[u8]) -> bool {
    [&b"DESCRIPTION"[..], b"SUMMARY", b"COMMENT", b"LOCATION", b"X-ALT-DESC"]
        .iter()
        .any(|name| line.len() > name.len() && line[..name.len()].eq_ignore_ascii_case(name))
}

fn without_utf16(bytes: &[u8]) -> Cow<'_, [u8]> {
    let pair: fn([u8; 2]) -> u16 = match bytes {
        [0xFF, 0xFE, ..] => u16::from_le_bytes,
        [0xFE, 0xFF, ..] => u16::from_be_bytes,
        _ => return Cow::Borrowed(bytes),
    };
    let units = bytes[2..].chunks_exact(2).map(|c| pair([c[0], c[1]]));
    let text: String = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    Cow::Owned(text.into_bytes())
}

/// UTF-8, else line by line: a line that is no UTF-8 is windows-1252. Databases refuse NUL, so it goes.
fn decode(mut bytes: Vec<u8>) -> String {
    if bytes.contains(&0) {
        bytes.retain(|b| *b != 0);
    }
    String::from_utf8(bytes).unwrap_or_else(|e| {
        let bytes = e.into_bytes();
        let mut text = String::with_capacity(bytes.len() + bytes.len() / 8);
        for line in bytes.split_inclusive(|b| *b == b'\n') {
            match std::str::from_utf8(line) {
                Ok(line) => text.push_str(line),
                Err(_) => text.extend(line.iter().map(|b| windows_1252(*b))),
            }
        }
        text
    })
}

fn windows_1252(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘',
        '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9F => HIGH[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_out_whole() {
        let cases: &[(&[u8], &str)] = &[
            (b"A:1\r\nB:2\r\n", "A:1\nB:2\n"),
            (b"A:1\nB:2", "A:1\nB:2\n"),
            (b"A:1\rB:2\r", "A:1\nB:2\n"),
            (b"A:1\r\r\nB:2\r\r\n", "A:1\nB:2\n"),
            (b"\xEF\xBB\xBFA:1\r\n", "A:1\n"),
            (b"\xFF\xFEA\0:\x001\0\n\0", "A:1\n"),
            (b"A:one\r\n  two\r\n\tthree\r\n", "A:one twothree\n"),
            (b"A:J\xC3\r\n \xB6rg\r\n", "A:Jörg\n"),
            (b"A:J\xF6rg \x80\r\nB:J\xC3\xB6rg\r\n", "A:Jörg €\nB:Jörg\n"),
            (b"DESCRIPTION:one\r\ntwo words\r\nB:2\r\n", "DESCRIPTION:one\\ntwo words\nB:2\n"),
            (b"ATTENDEE;CN=\"A\r\nB\":mailto:a@b.example\r\n", "ATTENDEE;CN=\"AB\":mailto:a@b.example\n"),
            (b"DTSTART:20260105T090000Z\r\nnonsense\r\nB:2\r\n", "DTSTART:20260105T090000Z\nB:2\n"),
            (b"ATTENDEE;CN=A\r\n;ROLE=CHAIR:mailto:a@b.example\r\n", "ATTENDEE;CN=A;ROLE=CHAIR:mailto:a@b.example\n"),
            (
                b"VERSION\r\n :2.0\r\nDTSTART\r\n ;VALUE=DATE\r\n :20260105\r\n",
                "VERSION:2.0\nDTSTART;VALUE=DATE:20260105\n",
            ),
            (b"A:1\0\r\n", "A:1\n"),
            (b"", "\n"),
        ];
        for (bytes, text) in cases {
            assert_eq!(unfold(bytes), *text);
        }
    }
}
