//! Splits a header block into its fields (RFC 5322 section 2.2), tolerantly.
//!
//! Lines that are no field are passed over; folding that lost its blank is mended where it cannot be anything else.
//! Bytes outside ASCII are UTF-8, else the charset the message declares, else windows-1252.

use std::borrow::Cow;

use super::{decode, param};

/// Bytes before the colon of a field whose name matters.
const NAME_NEAR: usize = 80;

/// The fields of a header block, up to its empty line.
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: skip_leading(bytes) }
    }
}

impl<'a> Iterator for Fields<'a> {
    /// Name and raw value.
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let start = self.rest;
            let (line, mut rest) = line(start);
            if is_empty(line) {
                self.rest = &[];
                return None;
            }
            let mut end = line.len();
            let mut listed = None;
            loop {
                let (next, after) = self::line(rest);
                let mut listed = || *listed.get_or_insert_with(|| is_listed(line));
                if is_empty(next) || !continues(next, &mut listed) {
                    break;
                }
                end = start.len() - after.len();
                rest = after;
            }
            self.rest = rest;
            if let Some(colon) = line.iter().position(|b| *b == b':') {
                let name = line[..colon].trim_ascii();
                if !name.is_empty() && name.iter().all(u8::is_ascii_graphic) {
                    return Some((name, &start[colon + 1..end]));
                }
            }
        }
    }
}

/// Folded lines start with a blank. Some programs lose it before an encoded word, or before an id or address.
fn continues(next: &[u8], listed: &mut dyn FnMut() -> bool) -> bool {
    matches!(next.first(), Some(b' ' | b'\t')) || next.starts_with(b"=?") || (next.starts_with(b"<") && listed())
}

/// A field of ids or addresses. The colon of its name is near: whoever puts it far away wants it looked for.
fn is_listed(field: &[u8]) -> bool {
    let near = &field[..field.len().min(NAME_NEAR)];
    let name = near.split(|b| *b == b':').next().unwrap_or_default().trim_ascii();
    ["references", "in-reply-to", "from", "to", "cc", "bcc"].iter().any(|n| name.eq_ignore_ascii_case(n.as_bytes()))
}

/// The first line with its line end, and what follows it.
pub(super) fn line(bytes: &[u8]) -> (&[u8], &[u8]) {
    match bytes.iter().position(|b| *b == b'\n') {
        Some(at) => bytes.split_at(at + 1),
        None => (bytes, &[]),
    }
}

pub(super) fn is_empty(line: &[u8]) -> bool {
    matches!(line, b"" | b"\n" | b"\r\n" | b"\r")
}

/// Empty lines, a byte order mark and an mbox line before the first field.
pub(super) fn skip_leading(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    while let [b'\r' | b'\n', tail @ ..] = rest {
        rest = tail;
    }
    if rest.starts_with(b"From ") || rest.starts_with(b">From ") {
        rest = line(rest).1;
    }
    rest
}

/// Header block and body of an entity.
pub(super) fn split(bytes: &[u8]) -> (&[u8], &[u8]) {
    let mut rest = bytes;
    loop {
        let (line, after) = line(rest);
        if line.is_empty() || is_empty(line) {
            return (&bytes[..bytes.len() - rest.len()], after);
        }
        rest = after;
    }
}

/// The charset of raw 8-bit fields, where the block holds bytes that are no UTF-8: what its Content-Type declares.
pub(super) fn legacy_charset(block: &[u8]) -> Option<String> {
    std::str::from_utf8(block).err()?;
    let (_, raw) = Fields::new(block).find(|(name, _)| name.eq_ignore_ascii_case(b"content-type"))?;
    param::Value::parse(&unfold(raw, None)).param("charset")
}

/// One line of text: line breaks and control bytes become a blank, the ends are trimmed.
pub(super) fn unfold<'a>(raw: &'a [u8], legacy: Option<&str>) -> Cow<'a, str> {
    let raw = raw.trim_ascii();
    let text = match std::str::from_utf8(raw) {
        Ok(text) if !raw.windows(2).any(|w| w == b"\x1b$") => Cow::Borrowed(text),
        _ => Cow::Owned(decode::raw_header(raw, legacy)),
    };
    if !text.bytes().any(|b| b.is_ascii_control()) {
        return text;
    }
    let mut line = String::with_capacity(text.len());
    let mut folding = false;
    for c in text.chars() {
        match c {
            '\r' | '\n' => folding = true,
            ' ' | '\t' if folding => {}
            '\0' => {}
            c => {
                if folding {
                    line.push(' ');
                    folding = false;
                }
                line.push(if c.is_control() { ' ' } else { c });
            }
        }
    }
    Cow::Owned(line)
}
