//! Transfer encodings and charsets, tolerantly and with a limit on what comes out.
//!
//! Damaged base64 or quoted-printable yields what can be had; an unknown charset is read as UTF-8, else as windows-1252.
//! Nothing here fails.

use std::panic::catch_unwind;

use mail_parser::decoders::charsets::map::charset_decoder;

/// Value of two hexadecimal digits.
pub(super) fn hex(a: u8, b: u8) -> Option<u8> {
    let digit = |c: u8| char::from(c).to_digit(16);
    u8::try_from(digit(a)? * 16 + digit(b)?).ok()
}

/// Undoes a Content-Transfer-Encoding; stops once `limit` bytes came out.
pub(super) fn transfer(encoding: Option<&str>, bytes: &[u8], limit: usize) -> Vec<u8> {
    match encoding {
        Some("base64") => base64(bytes, limit),
        Some("quoted-printable") => quoted_printable(bytes, limit),
        _ => bytes[..bytes.len().min(limit)].to_vec(),
    }
}

/// Base64 without its strictness: foreign bytes are passed over, padding starts a new group.
pub(super) fn base64(bytes: &[u8], limit: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity((bytes.len() / 4 * 3).min(limit) + 3);
    let (mut group, mut count) = (0u32, 0u8);
    for byte in bytes {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => {
                flush(&mut out, &mut group, &mut count);
                continue;
            }
            _ => continue,
        };
        group = group << 6 | u32::from(value);
        count += 1;
        if count == 4 {
            out.extend_from_slice(&group.to_be_bytes()[1..]);
            (group, count) = (0, 0);
            if out.len() >= limit {
                out.truncate(limit);
                return out;
            }
        }
    }
    flush(&mut out, &mut group, &mut count);
    out.truncate(limit);
    out
}

fn flush(out: &mut Vec<u8>, group: &mut u32, count: &mut u8) {
    match *count {
        2 => out.push((*group >> 4) as u8),
        3 => out.extend_from_slice(&((*group >> 2) as u16).to_be_bytes()),
        _ => {}
    }
    (*group, *count) = (0, 0);
}

fn quoted_printable(bytes: &[u8], limit: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len().min(limit));
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        let end = line.iter().rposition(|b| !b.is_ascii_whitespace()).map_or(0, |at| at + 1);
        let body = &line[..end];
        let soft = body.last() == Some(&b'=') && !is_escape(body);
        let mut rest = if soft { &body[..body.len() - 1] } else { body };
        while let Some((first, tail)) = rest.split_first() {
            if out.len() >= limit {
                break; // a line may be as long as the message
            }
            rest = tail;
            match (first, tail) {
                (b'=', [a, b, after @ ..]) if hex(*a, *b).is_some() => {
                    out.extend(hex(*a, *b));
                    rest = after;
                }
                _ => out.push(*first),
            }
        }
        if !soft && line.ends_with(b"\n") {
            out.push(b'\n');
        }
        if out.len() >= limit {
            out.truncate(limit);
            break;
        }
    }
    out
}

/// `=3D` at the end of a line is an equals sign, never a soft break; `==` is a broken one.
fn is_escape(body: &[u8]) -> bool {
    matches!(body, [.., b'=', b'='])
}

/// Bytes to text by a charset's name. Never fails.
pub(super) fn charset(bytes: &[u8], label: Option<&str>) -> String {
    let label = label.unwrap_or_default().trim_matches(|c: char| c.is_whitespace() || c == '"' || c == '\'');
    let label = label.to_ascii_lowercase();
    match label.as_str() {
        "" | "us-ascii" | "ascii" | "utf-8" | "utf8" | "unknown-8bit" | "8bit" | "binary" | "x-unknown" | "default"
        | "ansi_x3.4-1968" => unicode(bytes, label.starts_with("utf")),
        // no decoder for these: keep what is ASCII
        "iso-2022-kr" | "csiso2022kr" | "iso-2022-cn" | "iso-2022-cn-ext" | "hz-gb-2312" => unicode(bytes, false),
        name => match charset_decoder(name.as_bytes()) {
            // foreign code over hostile bytes: a panic in it may cost the charset, never the mailbox
            Some(decoder) => catch_unwind(|| decoder(bytes)).unwrap_or_else(|_| unicode(bytes, false)),
            None => unicode(bytes, false),
        },
    }
}

/// UTF-8 where it is UTF-8 (a character cut off at the end does not count), else windows-1252. Text that claims to be
/// UTF-8 and partly is keeps what is right in it.
fn unicode(bytes: &[u8], claimed: bool) -> String {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(e) => {
            let good = std::str::from_utf8(&bytes[..e.valid_up_to()]).unwrap_or_default();
            if e.error_len().is_none() && (claimed || !good.is_ascii()) {
                return good.to_owned();
            }
            let lossy = String::from_utf8_lossy(bytes);
            if claimed && lossy.chars().any(|c| !c.is_ascii() && c != '\u{FFFD}') {
                return lossy.into_owned();
            }
            windows_1252(bytes)
        }
    }
}

fn windows_1252(bytes: &[u8]) -> String {
    match charset_decoder(b"windows-1252") {
        Some(decoder) => decoder(bytes),
        None => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// A header value outside ASCII: raw ISO-2022-JP shows by its escapes, else the declared charset, else windows-1252.
pub(super) fn raw_header(bytes: &[u8], legacy: Option<&str>) -> String {
    if bytes.windows(2).any(|w| w == b"\x1b$") && bytes.is_ascii() {
        return charset(bytes, Some("iso-2022-jp"));
    }
    match legacy {
        Some(label) if std::str::from_utf8(bytes).is_err() => charset(bytes, Some(label)),
        _ => unicode(bytes, false),
    }
}

/// One kind of line end, no control characters, at most one empty line in a row.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut empty = 1;
    for line in text.lines() {
        let line = line.trim_end();
        if line.is_empty() {
            empty += 1;
            if empty > 1 {
                continue;
            }
        } else {
            empty = 0;
        }
        if line.bytes().all(|b| matches!(b, b'\t' | b' '..=b'~')) {
            out.push_str(line);
        } else {
            out.extend(line.chars().filter(|c| *c == '\t' || !c.is_control()));
        }
        out.push('\n');
    }
    out.truncate(out.trim_end().len());
    out
}
