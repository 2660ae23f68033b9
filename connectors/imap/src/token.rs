//! Reads the words of a response: atoms, strings, literals and lists (RFC 9051 section 9), as loosely as servers write
//! them. Never recurses, and gives up at a depth and a number of tokens no real response reaches.

use std::borrow::Cow;

/// Deeper lists are taken as broken; Dovecot itself stops at 100.
const DEPTH: usize = 100;
/// A list per two bytes would otherwise grow a response sixteenfold in memory.
const TOKENS: usize = 400_000;

/// One word of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token<'a> {
    /// Anything unquoted, sections such as `BODY[HEADER.FIELDS (FROM)]<0>` included.
    Atom(&'a [u8]),
    /// A quoted string or a literal.
    Text(Cow<'a, [u8]>),
    Nil,
    List(Vec<Token<'a>>),
}

impl<'a> Token<'a> {
    /// The bytes of a string; servers sometimes send an atom where a string belongs.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Token::Atom(bytes) => Some(bytes),
            Token::Text(bytes) => Some(bytes),
            Token::Nil | Token::List(_) => None,
        }
    }

    pub fn list(&self) -> Option<&[Token<'a>]> {
        match self {
            Token::List(items) => Some(items),
            _ => None,
        }
    }

    /// A number; sizes may come negative or quoted.
    pub fn number(&self) -> Option<u64> {
        std::str::from_utf8(self.bytes()?).ok()?.trim().parse().ok()
    }
}

/// What could be read.
#[derive(Debug, PartialEq, Eq)]
pub struct Tokens<'a> {
    pub items: Vec<Token<'a>>,
    /// The text broke off or went on after its end: what stands there is as far as it could be read.
    pub broken: bool,
}

/// Reads all tokens of a text.
pub fn read(text: &[u8]) -> Tokens<'_> {
    let mut open: Vec<Vec<Token<'_>>> = Vec::new();
    let mut current = Vec::new();
    let (mut at, mut count, mut broken) = (0, 0, false);
    while at < text.len() {
        count += 1;
        let byte = text[at];
        let token = match byte {
            b' ' | b'\t' | b'\r' | b'\n' => {
                at += 1;
                count -= 1;
                continue;
            }
            b'(' if open.len() < DEPTH && count < TOKENS => {
                at += 1;
                open.push(std::mem::take(&mut current));
                continue;
            }
            b')' if !open.is_empty() => {
                at += 1;
                let outer = open.pop().unwrap_or_default();
                Some(Token::List(std::mem::replace(&mut current, outer)))
            }
            b'(' | b')' => None,
            b'"' => quoted(text, &mut at),
            b'{' => literal(text, &mut at).or_else(|| Some(atom(text, &mut at))),
            b'~' if text.get(at + 1) == Some(&b'{') => {
                at += 1;
                literal(text, &mut at)
            }
            _ => Some(atom(text, &mut at)),
        };
        match token {
            Some(token) if count < TOKENS => current.push(token),
            _ => {
                broken = true;
                break;
            }
        }
    }
    broken |= !open.is_empty();
    while let Some(mut outer) = open.pop() {
        outer.push(Token::List(current));
        current = outer;
    }
    Tokens { items: current, broken }
}

/// A quoted string with its escapes taken away; `None` when it has no end.
fn quoted<'a>(text: &'a [u8], at: &mut usize) -> Option<Token<'a>> {
    let begin = *at + 1;
    let mut end = begin;
    let mut escaped = false;
    loop {
        match text.get(end)? {
            b'"' => break,
            b'\\' => {
                escaped = true;
                end += 2;
            }
            _ => end += 1,
        }
    }
    *at = end + 1;
    let raw = &text[begin..end];
    if !escaped {
        return Some(Token::Text(Cow::Borrowed(raw)));
    }
    let mut plain = Vec::with_capacity(raw.len());
    let mut bytes = raw.iter();
    while let Some(byte) = bytes.next() {
        plain.push(if *byte == b'\\' { *bytes.next().unwrap_or(byte) } else { *byte });
    }
    Some(Token::Text(Cow::Owned(plain)))
}

/// `{n}` and a line end, then n bytes; `None` when it is something else.
fn literal<'a>(text: &'a [u8], at: &mut usize) -> Option<Token<'a>> {
    let rest = &text[*at + 1..];
    let close = rest.iter().take(24).position(|b| *b == b'}')?;
    let digits = rest[..close].strip_suffix(b"+").unwrap_or(&rest[..close]);
    let size: usize = std::str::from_utf8(digits).ok()?.parse().ok()?;
    let line_end = match rest.get(close + 1..)? {
        [b'\r', b'\n', ..] => 2,
        [b'\n', ..] => 1,
        _ => return None,
    };
    let begin = *at + 1 + close + 1 + line_end;
    let bytes = text.get(begin..begin.checked_add(size)?)?;
    *at = begin + size;
    Some(Token::Text(Cow::Borrowed(bytes)))
}

fn atom<'a>(text: &'a [u8], at: &mut usize) -> Token<'a> {
    let begin = *at;
    let mut end = begin;
    while let Some(byte) = text.get(end) {
        match byte {
            b' ' | b'(' | b')' | b'\r' | b'\n' => break,
            b'"' if end > begin => break,
            // A section may hold blanks and lists: `BODY[HEADER.FIELDS (FROM TO)]`.
            b'[' => match text[end..].iter().position(|b| matches!(b, b']' | b'\r' | b'\n')) {
                Some(close) if text[end + close] == b']' => end += close + 1,
                _ => end += 1,
            },
            _ => end += 1,
        }
    }
    let end = end.max(begin + 1);
    *at = end;
    let bytes = &text[begin..end];
    if bytes.eq_ignore_ascii_case(b"NIL") { Token::Nil } else { Token::Atom(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(s: &str) -> Token<'_> {
        Token::Text(Cow::Borrowed(s.as_bytes()))
    }
    fn atom_of(s: &str) -> Token<'_> {
        Token::Atom(s.as_bytes())
    }

    #[test]
    fn words_of_every_kind() {
        let tokens = read(
            b"UID 7 FLAGS (\\Seen $Junk) BODY[HEADER.FIELDS (FROM TO)]<0> {3}\r\na)b X NIL \"q\\\"\\\\\" ( ) (() )",
        );
        let quoted = Token::Text(Cow::Borrowed(&b"q\"\\"[..]));
        let expected = vec![
            atom_of("UID"),
            atom_of("7"),
            atom_of("FLAGS"),
            Token::List(vec![atom_of("\\Seen"), atom_of("$Junk")]),
            atom_of("BODY[HEADER.FIELDS (FROM TO)]<0>"),
            text("a)b"),
            atom_of("X"),
            Token::Nil,
            quoted,
            Token::List(vec![]),
            Token::List(vec![Token::List(vec![])]),
        ];
        assert_eq!(tokens, Tokens { items: expected, broken: false });
    }

    #[test]
    fn broken_text_gives_what_was_read() {
        for (input, known) in
            [(&b"UID 7 (a (b"[..], 3), (b"UID 7 ) x", 2), (b"UID 7 \"open", 2), (b"UID 7 {5000}\r\nabc", 4)]
        {
            let tokens = read(input);
            assert!(tokens.items.len() >= known.min(3), "{}", String::from_utf8_lossy(input));
            assert_eq!(tokens.items[1].number(), Some(7));
        }
        assert!(read(b"(a").broken && read(b"a)").broken && read(b"\"a").broken);
    }

    #[test]
    fn depth_and_number_have_limits() {
        assert!(!read("(".repeat(100).as_bytes()).items.is_empty());
        let deep = "(".repeat(100_000) + &")".repeat(100_000);
        assert!(read(deep.as_bytes()).broken);
        let many = "()".repeat(600_000);
        assert!(read(many.as_bytes()).broken);
        let well = "(".repeat(90) + &")".repeat(90);
        assert!(!read(well.as_bytes()).broken);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            let _tokens = read(&bytes);
        }

        #[test]
        fn quoted_strings_come_back(s in "[ -~]{0,40}") {
            let wire = crate::names::string(&s).expect("printable text can be quoted");
            let crate::names::Wire::Quoted(wire) = wire else { panic!("quoted") };
            let tokens = read(wire.as_bytes());
            proptest::prop_assert_eq!(tokens.items[0].bytes(), Some(s.as_bytes()));
        }
    }
}
