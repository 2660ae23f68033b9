//! Encoded words (RFC 2047), also where programs break the rules: in the middle of a word, in quotes, a character split
//! over two words. Linear in the length of its input.

use std::borrow::Cow;

use super::decode;

/// No encoded word is longer; the standard allows 75 bytes.
const WORD_MAX: usize = 4096;
/// Beginnings of words in one value that turn out to be none; behind them nothing is looked for.
pub(super) const FAILED_MAX: usize = 100;

/// Replaces the encoded words of an unfolded value by their text.
pub fn decode_words(text: &str) -> Cow<'_, str> {
    if !text.contains("=?") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut failed = 0;
    while let Some(at) = rest.find("=?").filter(|_| failed < FAILED_MAX) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some((decoded, used)) = run(rest) {
            out.push_str(&decoded);
            rest = &rest[used..];
        } else {
            failed += 1;
            out.push_str("=?");
            rest = &rest[2..];
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Decodes the encoded words that `text` starts with, as one: blanks between them vanish, and the bytes of neighbours
/// in the same charset are joined before they are decoded. The second value is the length of the input that was used.
pub(super) fn run(text: &str) -> Option<(String, usize)> {
    let first = word(text)?;
    let mut used = first.len;
    let mut charset = first.charset;
    let mut bytes = first.bytes;
    let mut out = String::new();
    loop {
        let after = &text[used..];
        let gap = after.len() - after.trim_start_matches([' ', '\t']).len();
        let Some(next) = word(&after[gap..]) else { break };
        used += gap + next.len;
        if next.charset.eq_ignore_ascii_case(charset) {
            bytes.extend_from_slice(&next.bytes);
        } else {
            out.push_str(&decode::charset(&bytes, Some(charset)));
            (charset, bytes) = (next.charset, next.bytes);
        }
    }
    out.push_str(&decode::charset(&bytes, Some(charset)));
    Some((out, used))
}

struct Word<'a> {
    charset: &'a str,
    bytes: Vec<u8>,
    len: usize,
}

fn word(text: &str) -> Option<Word<'_>> {
    let inner = super::cut(text.strip_prefix("=?")?, WORD_MAX);
    let (charset, rest) = super::cut(inner, 80).split_once('?').map(|(c, _)| (c, &inner[c.len() + 1..]))?;
    let encoding = rest.as_bytes().first()?.to_ascii_lowercase();
    let rest = rest.get(1..)?.strip_prefix('?')?;
    let payload = &rest[..rest.find("?=")?];
    let charset_name = charset.split('*').next().unwrap_or(charset); // RFC 2231 section 5: a language may follow
    if charset_name.is_empty() || charset_name.contains(char::is_whitespace) {
        return None;
    }
    let bytes = match encoding {
        b'q' => q(payload.as_bytes()),
        b'b' => decode::base64(payload.as_bytes(), WORD_MAX),
        _ => return None,
    };
    // raw characters inside a word were read as UTF-8 (or made so) with the rest of the field
    let charset_name = if payload.is_ascii() { charset_name } else { "utf-8" };
    Some(Word { charset: charset_name, bytes, len: 2 + charset.len() + 3 + payload.len() + 2 })
}

fn q(payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(payload.len());
    let mut rest = payload;
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        match (first, tail) {
            (b'_', _) => out.push(b' '),
            (b'=', [a, b, after @ ..]) => {
                if let Some(byte) = decode::hex(*a, *b) {
                    out.push(byte);
                    rest = after;
                } else {
                    out.push(b'=');
                }
            }
            (byte, _) => out.push(*byte),
        }
    }
    out
}

/// Text for one line: no control characters, no blanks at the ends.
pub(super) fn clean(text: &str) -> String {
    if text.chars().any(char::is_control) {
        let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        return line.trim().to_owned();
    }
    text.trim().to_owned()
}
