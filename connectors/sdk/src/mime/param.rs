//! Parameters of Content-Type and Content-Disposition (RFC 2045 section 5.1), with the continuations, charsets and
//! languages of RFC 2231 and the encoded words that programs use instead.

use super::{decode, word};

/// Longer fields are cut: no honest parameter list is.
const VALUE_MAX: usize = 16 << 10;
const PARAMS_MAX: usize = 200;

/// A field of the form `head; name=value; ...`.
pub(super) struct Value {
    /// Lower case.
    pub head: String,
    params: Vec<(String, String)>,
}

impl Value {
    /// Reads an unfolded value.
    pub(super) fn parse(text: &str) -> Self {
        let text = super::cut(text, VALUE_MAX);
        let (head, mut rest) = text.split_once(';').unwrap_or((text, ""));
        let head = head.split('(').next().unwrap_or_default();
        let mut params = Vec::new();
        while !rest.is_empty() && params.len() < PARAMS_MAX {
            let (pair, after) = one(rest);
            params.extend(pair);
            rest = after;
        }
        Self { head: head.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase(), params }
    }

    /// A parameter by its lower-case name, decoded.
    pub(super) fn param(&self, name: &str) -> Option<String> {
        param(&self.params, name)
    }
}

/// The first `name=value` of a list, its name in lower case, and what follows the semicolon.
fn one(list: &str) -> (Option<(String, String)>, &str) {
    let end = list.find([';', '=']).unwrap_or(list.len());
    let name = list[..end].trim().to_ascii_lowercase();
    if !list[end..].starts_with('=') {
        return (None, list.get(end + 1..).unwrap_or_default());
    }
    let value = list[end + 1..].trim_start();
    if let Some(inner) = value.strip_prefix('"') {
        let mut text = String::new();
        let mut escaped = false;
        for (at, c) in inner.char_indices() {
            match c {
                _ if escaped => {
                    // Windows paths are written without escaping their backslashes
                    if c != '"' && c != '\\' {
                        text.push('\\');
                    }
                    text.push(c);
                    escaped = false;
                }
                '\\' => escaped = true,
                '"' => {
                    let after = &inner[at + 1..];
                    return (Some((name, text)), after.split_once(';').map_or("", |(_, rest)| rest));
                }
                c => text.push(c),
            }
        }
        return (Some((name, text)), "");
    }
    let (text, after) = value.split_once(';').unwrap_or((value, ""));
    (Some((name, text.trim().to_owned())), after)
}

/// A parameter out of name and value pairs as they stand in a header field or in an IMAP BODYSTRUCTURE: RFC 2231 is
/// undone, else RFC 2047. `name` in lower case.
pub fn param<T: AsRef<str>>(pairs: &[(T, T)], name: &str) -> Option<String> {
    let mut segments: Vec<(u32, bool, &str)> = Vec::new();
    let mut plain = None;
    for (key, value) in pairs {
        let (key, value) = (key.as_ref().trim(), value.as_ref());
        let Some(tail) = key.get(name.len()..).filter(|_| key[..name.len()].eq_ignore_ascii_case(name)) else {
            continue;
        };
        if tail.is_empty() {
            plain = plain.or(Some(value));
        } else if tail == "*" {
            segments.push((0, true, value));
        } else if let Some(number) = tail.strip_prefix('*') {
            let (number, extended) = number.strip_suffix('*').map_or((number, false), |n| (n, true));
            segments.extend(number.parse().ok().map(|n| (n, extended, value)));
        }
    }
    let text = if segments.is_empty() { word::decode_words(plain?).into_owned() } else { continued(segments) };
    Some(word::clean(&text)).filter(|t| !t.is_empty())
}

/// RFC 2231 section 3 and 4: the segments' bytes are joined before the charset of the first is undone.
fn continued(mut segments: Vec<(u32, bool, &str)>) -> String {
    segments.sort_by_key(|s| s.0);
    segments.dedup_by_key(|s| s.0);
    let mut charset = None;
    let mut bytes = Vec::new();
    for (number, extended, value) in segments {
        let mut value = value;
        if extended && number == 0 {
            let mut pieces = value.splitn(3, '\'');
            if let (Some(label), Some(_), Some(text)) = (pieces.next(), pieces.next(), pieces.next()) {
                charset = Some(label);
                value = text;
            }
        }
        if extended { percent(value, &mut bytes) } else { bytes.extend_from_slice(value.as_bytes()) }
    }
    let text = decode::charset(&bytes, charset);
    if text.contains("=?") { word::decode_words(&text).into_owned() } else { text }
}

fn percent(text: &str, out: &mut Vec<u8>) {
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        match (first, tail) {
            (b'%', [a, b, after @ ..]) if decode::hex(*a, *b).is_some() => {
                out.extend(decode::hex(*a, *b));
                rest = after;
            }
            _ => out.push(*first),
        }
    }
}
