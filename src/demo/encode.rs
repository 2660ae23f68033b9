//! The encodings of mail: base64, quoted-printable, encoded words, ISO-8859-1. Writing only.

/// Encoded words (RFC 2047), each at most 75 characters and never cut inside a character.
pub(super) fn words(text: &str, legacy: bool) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    let latin = legacy && latin1(text).is_some();
    let mut all = Vec::new();
    let mut piece = String::new();
    for c in text.chars() {
        if piece.chars().map(|p| if latin { 3 } else { p.len_utf8() * 3 }).sum::<usize>() >= 54 {
            all.push(word(&piece, latin));
            piece.clear();
        }
        piece.push(c);
    }
    if !piece.is_empty() {
        all.push(word(&piece, latin));
    }
    all.join("\n ")
}

fn word(piece: &str, latin: bool) -> String {
    if !latin {
        return format!("=?UTF-8?B?{}?=", base64(piece.as_bytes()));
    }
    let mut text = String::from("=?ISO-8859-1?Q?");
    for byte in latin1(piece).unwrap_or_default() {
        match byte {
            b' ' => text.push('_'),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => text.push(char::from(byte)),
            _ => text.push_str(&format!("={byte:02X}")),
        }
    }
    text.push_str("?=");
    text
}

/// ISO-8859-1, if the text fits.
pub(super) fn latin1(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect()
}

pub(super) fn percent(name: &str) -> String {
    name.bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() || b"._-".contains(&b) {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect()
}

pub(super) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let n = chunk.iter().enumerate().fold(0_usize, |n, (i, b)| n | usize::from(*b) << (16 - 8 * i));
        for i in 0..4 {
            out.push(if i <= chunk.len() { char::from(ALPHABET[n >> (18 - 6 * i) & 63]) } else { '=' });
        }
    }
    out
}

pub(super) fn lines76(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 76 + 1);
    for (n, c) in text.chars().enumerate() {
        if n > 0 && n % 76 == 0 {
            out.push('\n');
        }
        out.push(c);
    }
    out.push('\n');
    out
}

/// Section 6.7 of RFC 2045.
pub(super) fn quoted_printable(text: &str) -> String {
    let mut out = String::new();
    for line in text.split_inclusive('\n') {
        let (line, end) = line.strip_suffix('\n').map_or((line, ""), |l| (l, "\n"));
        let mut width = 0;
        let bytes = line.as_bytes();
        for (n, byte) in bytes.iter().enumerate() {
            let last = n + 1 == bytes.len();
            let literal = matches!(byte, 33..=60 | 62..=126) || (matches!(byte, b' ' | b'\t') && !last);
            let token = if literal { char::from(*byte).to_string() } else { format!("={byte:02X}") };
            if width + token.len() > 75 {
                out.push_str("=\n");
                width = 0;
            }
            width += token.len();
            out.push_str(&token);
        }
        out.push_str(end);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_pads() {
        for (text, encoded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(text.as_bytes()), encoded);
        }
    }

    #[test]
    fn quoted_printable_keeps_lines_short() {
        let text = "Grüße = ".repeat(30) + "\n\nEnde ";
        let encoded = quoted_printable(&text);
        assert!(encoded.lines().all(|l| l.len() <= 76), "{encoded}");
        assert!(encoded.contains("Gr=C3=BC=C3=9Fe =3D"));
        assert!(encoded.ends_with("Ende=20"));
    }

    #[test]
    fn encoded_words_are_short() {
        for legacy in [false, true] {
            let text = words("Vorführung für die Geschäftsführung der Stadtwerke Ebersfurt am Donnerstag", legacy);
            assert!(text.lines().all(|l| l.trim().len() <= 75), "{text}");
        }
        assert_eq!(words("Quote 12", false), "Quote 12");
    }
}
