//! Text on its way to the server, and folder names on their way to people: quoting, modified UTF-7, base64.
//!
//! Whatever a person or a server wrote, it cannot end a command early: control characters travel as literals.

use std::fmt::Write as _;

use dealtrail_sdk::folders::decode_utf7;

/// A string as it may stand in a command.
#[derive(Debug, PartialEq, Eq)]
pub enum Wire {
    /// With its quotes.
    Quoted(String),
    /// Must be announced and sent as a literal.
    Literal(Vec<u8>),
}

/// How to send a string (RFC 9051 section 4.3); `None` when it holds NUL, which nothing can carry.
pub fn string(text: &str) -> Option<Wire> {
    if text.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        let mut quoted = String::with_capacity(text.len() + 2);
        quoted.push('"');
        for c in text.chars() {
            if matches!(c, '"' | '\\') {
                quoted.push('\\');
            }
            quoted.push(c);
        }
        quoted.push('"');
        return Some(Wire::Quoted(quoted));
    }
    (!text.contains('\0')).then(|| Wire::Literal(text.as_bytes().to_vec()))
}

/// The name that people read: modified UTF-7 (RFC 3501 section 5.1.3) decoded, the server's separator shown as `/`.
/// A name that is not valid modified UTF-7 is shown as it stands.
pub fn display(raw: &str, separator: Option<char>) -> String {
    let mut shown = String::new();
    for level in raw.split(|c| Some(c) == separator) {
        if !shown.is_empty() || raw.starts_with(|c| Some(c) == separator) {
            shown.push('/');
        }
        shown.push_str(&decode_utf7(level).unwrap_or_else(|| level.to_owned()));
    }
    if shown.eq_ignore_ascii_case("INBOX") { "INBOX".to_owned() } else { shown }
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base64 with padding, for signing in.
pub fn base64(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0u32, |w, b| (w << 8) | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let index = (word >> (18 - 6 * i)) & 63;
            out.push(if i <= chunk.len() { char::from(ALPHABET[index as usize]) } else { '=' });
        }
    }
    out
}

/// A set of UIDs as short as it can be said: `1:3,7`. The numbers must be in ascending order. Empty for none, and an
/// empty set is never to be sent.
pub fn uid_set(uids: &[u32]) -> String {
    let mut out = String::new();
    let mut rest = uids;
    while let Some(first) = rest.first() {
        let run = rest.windows(2).take_while(|w| w[1] == w[0].wrapping_add(1)).count();
        if !out.is_empty() {
            out.push(',');
        }
        let _infallible = match run {
            0 => write!(out, "{first}"),
            _ => write!(out, "{first}:{}", rest[run]),
        };
        rest = &rest[run + 1..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_cannot_break_out_of_a_command() {
        let quoted = |s: &str| Wire::Quoted(s.to_owned());
        assert_eq!(string("INBOX"), Some(quoted("\"INBOX\"")));
        assert_eq!(string(""), Some(quoted("\"\"")));
        assert_eq!(string("a\"b\\c"), Some(quoted("\"a\\\"b\\\\c\"")));
        assert_eq!(string("a\r\nT2 LOGOUT"), Some(Wire::Literal(b"a\r\nT2 LOGOUT".to_vec())));
        assert_eq!(string("pässword"), Some(Wire::Literal("pässword".as_bytes().to_vec())));
        assert_eq!(string("a\0b"), None);
    }

    #[test]
    fn names_are_decoded_for_people() {
        for (raw, separator, shown) in [
            ("INBOX", Some('/'), "INBOX"),
            ("inbox", Some('/'), "INBOX"),
            ("Entw&APw-rfe", Some('/'), "Entwürfe"),
            ("&BB4EQgQ,BEAEMAQyBDsENQQ9BD0ESwQ1-", Some('.'), "Отправленные"),
            ("R&-D", Some('/'), "R&D"),
            ("INBOX.Kunden.M&APw-ller", Some('.'), "INBOX/Kunden/Müller"),
            ("a+b/c", Some('/'), "a+b/c"),
            ("&ZeVnLIqe-/&2D3eAA-", Some('/'), "日本語/😀"),
            ("flat/name", None, "flat/name"),
            ("broken &!!-", Some('/'), "broken &!!-"),
            ("half &APw", Some('/'), "half &APw"),
            ("lone &2D0-", Some('/'), "lone &2D0-"),
        ] {
            assert_eq!(display(raw, separator), shown);
        }
    }

    #[test]
    fn base64_has_the_rfc_4648_vectors() {
        for (plain, coded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn sets_are_short() {
        for (uids, set) in [
            (&[][..], ""),
            (&[5], "5"),
            (&[1, 2, 3], "1:3"),
            (&[1, 3, 4, 9], "1,3:4,9"),
            (&[4_294_967_294, 4_294_967_295], "4294967294:4294967295"),
        ] {
            assert_eq!(uid_set(uids), set);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_name_is_survived(raw in "[&A-Za-z0-9,+-]{0,40}") {
            let _shown = display(&raw, Some('/'));
        }

        #[test]
        fn sets_name_each_uid_once(mut uids in proptest::collection::btree_set(1u32..200, 0..60)) {
            for part in uid_set(&uids.iter().copied().collect::<Vec<_>>()).split(',').filter(|p| !p.is_empty()) {
                let (a, b) = part.split_once(':').unwrap_or((part, part));
                for uid in a.parse::<u32>().expect("a number")..=b.parse().expect("a number") {
                    proptest::prop_assert!(uids.remove(&uid));
                }
            }
            proptest::prop_assert!(uids.is_empty());
        }
    }
}
