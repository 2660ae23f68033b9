//! Encodings of text and of headers: charsets, quoted-printable, base64 (RFC 2045) and encoded words (RFC 2047).

/// How text and subject are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    Plain,
    Utf8Quoted,
    Utf8Base64,
    Latin1Quoted,
    Latin1Raw,
    Windows1252,
    Japanese,
}

/// Japanese text of the world with its ISO-2022-JP bytes.
const JAPANESE: &[(&str, &[u8])] = &[
    ("会議の件", b"\x1b$B2q5D$N7o\x1b(B"),
    ("見積書", b"\x1b$B8+@Q=q\x1b(B"),
    ("日程について", b"\x1b$BF|Dx$K$D$$$F\x1b(B"),
];

/// RFC 2047, in words of at most ten characters, so that most subjects are split over several.
pub fn header_text(text: &str, coding: Coding) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    let chars: Vec<char> = text.chars().collect();
    let pieces = chars.chunks(10).map(|c| c.iter().collect::<String>());
    let words: Vec<String> = match coding {
        Coding::Japanese => vec![format!("=?ISO-2022-JP?B?{}?=", base64(&encode(text, coding)))],
        Coding::Utf8Base64 => pieces.map(|p| format!("=?UTF-8?B?{}?=", base64(p.as_bytes()))).collect(),
        Coding::Latin1Quoted | Coding::Latin1Raw => {
            pieces.map(|p| format!("=?iso-8859-1?Q?{}?=", q_word(&encode(&p, coding)))).collect()
        }
        Coding::Windows1252 => pieces.map(|p| format!("=?windows-1252?Q?{}?=", q_word(&encode(&p, coding)))).collect(),
        Coding::Plain | Coding::Utf8Quoted => pieces.map(|p| format!("=?utf-8?q?{}?=", q_word(p.as_bytes()))).collect(),
    };
    words.join("\r\n ")
}

fn q_word(bytes: &[u8]) -> String {
    let mut out = String::new();
    for &b in bytes {
        match b {
            b' ' => out.push('_'),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => out.push(char::from(b)),
            _ => out.push_str(&format!("={b:02X}")),
        }
    }
    out
}

pub fn encode(text: &str, coding: Coding) -> Vec<u8> {
    match coding {
        Coding::Plain | Coding::Utf8Quoted | Coding::Utf8Base64 => text.as_bytes().to_vec(),
        Coding::Latin1Quoted | Coding::Latin1Raw => {
            text.chars().map(|c| u8::try_from(u32::from(c)).expect("a Latin-1 character")).collect()
        }
        Coding::Windows1252 => text.chars().map(windows1252).collect(),
        Coding::Japanese => {
            let mut bytes = text.as_bytes().to_vec();
            for (from, to) in JAPANESE {
                while let Some(at) = bytes.windows(from.len()).position(|w| w == from.as_bytes()) {
                    bytes.splice(at..at + from.len(), to.iter().copied());
                }
            }
            assert!(bytes.is_ascii(), "only the Japanese of the table can be written");
            bytes
        }
    }
}

fn windows1252(c: char) -> u8 {
    match c {
        '€' => 0x80,
        '“' => 0x93,
        '”' => 0x94,
        '–' => 0x96,
        c => u8::try_from(u32::from(c)).expect("a Latin-1 character"),
    }
}

pub fn quoted(bytes: &[u8]) -> String {
    let mut out = String::new();
    let mut width = 0;
    for (i, &b) in bytes.iter().enumerate() {
        if b == b'\r' && bytes.get(i + 1) == Some(&b'\n') || b == b'\n' {
            out.push(char::from(b));
            width = 0;
            continue;
        }
        let piece = if (33..=126).contains(&b) && b != b'=' || b == b' ' {
            char::from(b).to_string()
        } else {
            format!("={b:02X}")
        };
        if width + piece.len() > 72 {
            out.push_str("=\r\n");
            width = 0;
        }
        width += piece.len();
        out.push_str(&piece);
    }
    out
}

pub fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0u32, |w, b| w << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            if i <= chunk.len() {
                let six = usize::try_from(word >> (18 - 6 * i) & 63).expect("six bits");
                out.push(char::from(LETTERS[six]));
            } else {
                out.push('=');
            }
        }
    }
    out
}
