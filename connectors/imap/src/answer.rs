//! What one response says. Reads every form that servers are known to send; what it cannot read is
//! [`Answer::Unreadable`], which a caller that needs completeness must treat as a failure.

use crate::{
    fetched::{self, Fetched},
    frame::Frame,
    token::{self, Token},
};

/// State of a status response (RFC 9051 section 7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Ok,
    No,
    Bad,
    Bye,
    PreAuth,
}

/// A status response: state, code and words.
#[derive(Clone, PartialEq, Eq)]
pub struct Status {
    pub state: State,
    /// Upper case, without brackets: `UIDVALIDITY`; empty when there is none.
    pub code: String,
    /// What follows the code's name.
    pub value: String,
    pub text: String,
}

impl std::fmt::Debug for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} [{}]", self.state, self.code)
    }
}

/// One line of LIST.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Upper case: `\SENT`.
    pub attributes: Vec<String>,
    pub separator: Option<char>,
    /// As on the wire, quotes taken away.
    pub name: String,
}

#[derive(Debug)]
pub enum Answer {
    Tagged(String, Status),
    Status(Status),
    Continue,
    Capability(String),
    Exists(u32),
    Expunge,
    /// `(EARLIER)` or not, and ranges, lower bound first.
    Vanished(bool, Vec<(u32, u32)>),
    Search(Vec<u32>),
    List(Listed),
    /// Numbers of a folder, by upper-case name: `UIDNEXT`.
    Told(String, Vec<(String, u64)>),
    /// Prefixes of other people's and shared folders.
    Namespace(Vec<String>),
    Fetch(Box<Fetched>),
    /// Understood and of no interest.
    Other,
    /// Not understood, or cut off.
    Unreadable,
}

/// Reads one response.
pub fn read(frame: &Frame<'_>) -> Answer {
    let line = frame.bytes;
    if line.starts_with(b"+") {
        return Answer::Continue;
    }
    let (tag, rest) = word(line);
    if tag != b"*" {
        return match status(rest) {
            Some(status) => Answer::Tagged(text(tag), status),
            None => Answer::Unreadable,
        };
    }
    let (name, after) = word(rest);
    if let Some(number) = number(name) {
        return numbered(number, after, frame.cut);
    }
    if let Some(status) = status(rest) {
        return Answer::Status(status);
    }
    let name = text(name).to_ascii_uppercase();
    if frame.cut {
        return Answer::Unreadable;
    }
    match name.as_str() {
        "CAPABILITY" => Answer::Capability(text(after)),
        "SEARCH" => search(after).map_or(Answer::Unreadable, Answer::Search),
        "LIST" => listed(after).map_or(Answer::Unreadable, Answer::List),
        // A folder without numbers is opened instead, so that an odd answer costs nothing.
        "STATUS" => numbers(after).map_or(Answer::Other, |(name, numbers)| Answer::Told(name, numbers)),
        "VANISHED" => vanished(after).unwrap_or(Answer::Unreadable),
        "NAMESPACE" => namespace(after).map_or(Answer::Unreadable, Answer::Namespace),
        "" => Answer::Unreadable,
        _ => Answer::Other,
    }
}

fn numbered(number: u32, after: &[u8], cut: bool) -> Answer {
    let (what, rest) = word(after);
    match text(what).to_ascii_uppercase().as_str() {
        "EXISTS" => Answer::Exists(number),
        "EXPUNGE" => Answer::Expunge,
        "FETCH" => Answer::Fetch(Box::new(fetched::read(rest, None, cut))),
        "UIDFETCH" => Answer::Fetch(Box::new(fetched::read(rest, Some(number), cut))),
        _ => Answer::Other,
    }
}

/// The first word and what follows it, blanks skipped.
fn word(line: &[u8]) -> (&[u8], &[u8]) {
    let line = line.trim_ascii_start();
    let end = line.iter().position(|b| *b == b' ').unwrap_or(line.len());
    (&line[..end], line[end..].trim_ascii_start())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn number(bytes: &[u8]) -> Option<u32> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

fn status(line: &[u8]) -> Option<Status> {
    let (name, rest) = word(line);
    let state = match text(name).to_ascii_uppercase().as_str() {
        "OK" => State::Ok,
        "NO" => State::No,
        "BAD" => State::Bad,
        "BYE" => State::Bye,
        "PREAUTH" => State::PreAuth,
        _ => return None,
    };
    let mut status = Status { state, code: String::new(), value: String::new(), text: text(rest) };
    if let Some((code, words)) = rest.strip_prefix(b"[").and_then(|r| split_at_close(r)) {
        let (name, value) = word(code);
        status.code = text(name).to_ascii_uppercase();
        status.value = text(value);
        status.text = text(words.trim_ascii());
    }
    Some(status)
}

/// Splits `CODE args] words` at the bracket that closes the code; brackets in quoted strings do not count.
fn split_at_close(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut quoted = false;
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b']' if !quoted => return Some((&bytes[..at], &bytes[at + 1..])),
            _ => {}
        }
    }
    None
}

/// Numbers, blanks at the end allowed, `(MODSEQ n)` skipped.
fn search(rest: &[u8]) -> Option<Vec<u32>> {
    let numbers = rest.split(|b| *b == b'(').next().unwrap_or_default();
    numbers.split(|b| *b == b' ').filter(|w| !w.is_empty()).map(number).collect()
}

fn listed(rest: &[u8]) -> Option<Listed> {
    let tokens = token::read(rest);
    let [attributes, separator, name, ..] = tokens.items.as_slice() else { return None };
    let attributes = attributes.list()?.iter().filter_map(Token::bytes).map(|a| text(a).to_ascii_uppercase()).collect();
    let separator = separator.bytes().and_then(|s| text(s).chars().next());
    // A folder may be called NIL, and then stands unquoted.
    Some(Listed { attributes, separator, name: folder_name(name)? })
}

fn folder_name(token: &Token<'_>) -> Option<String> {
    Some(if *token == Token::Nil { "NIL".to_owned() } else { text(token.bytes()?) })
}

/// `INBOX (MESSAGES 3 UIDNEXT 8)`.
fn numbers(rest: &[u8]) -> Option<(String, Vec<(String, u64)>)> {
    let tokens = token::read(rest);
    let [name, items, ..] = tokens.items.as_slice() else { return None };
    let items = items.list()?.chunks_exact(2);
    let numbers = items.filter_map(|pair| Some((text(pair[0].bytes()?).to_ascii_uppercase(), pair[1].number()?)));
    Some((folder_name(name)?, numbers.collect()))
}

fn vanished(rest: &[u8]) -> Option<Answer> {
    let (first, more) = word(rest);
    let earlier = first.eq_ignore_ascii_case(b"(EARLIER)");
    let set = if earlier { word(more).0 } else { first };
    let ranges = set.split(|b| *b == b',').filter(|p| !p.is_empty()).map(range).collect::<Option<Vec<_>>>()?;
    Some(Answer::Vanished(earlier, ranges))
}

fn range(part: &[u8]) -> Option<(u32, u32)> {
    let mut ends = part.split(|b| *b == b':');
    let first = number(ends.next()?)?;
    let last = ends.next().map_or(Some(first), number)?;
    Some((first.min(last), first.max(last)))
}

fn namespace(rest: &[u8]) -> Option<Vec<String>> {
    let tokens = token::read(rest);
    let [_personal, others @ ..] = tokens.items.as_slice() else { return None };
    let spaces = others.iter().filter_map(Token::list).flatten();
    Some(spaces.filter_map(Token::list).filter_map(|space| space.first()?.bytes().map(text)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(line: &str) -> Answer {
        read(&Frame { bytes: line.as_bytes(), cut: false })
    }

    #[test]
    fn status_responses_keep_their_code() {
        for (line, state, code, value, words) in [
            ("* OK [UIDVALIDITY 3857529045] UIDs valid", State::Ok, "UIDVALIDITY", "3857529045", "UIDs valid"),
            ("* ok ready", State::Ok, "", "", "ready"),
            ("* BYE [UNAVAILABLE] later", State::Bye, "UNAVAILABLE", "", "later"),
            ("* NO [X \"a]b\" c] d", State::No, "X", "\"a]b\" c", "d"),
            ("* OK [unclosed", State::Ok, "", "", "[unclosed"),
            ("* PREAUTH", State::PreAuth, "", "", ""),
        ] {
            let Answer::Status(status) = answer(line) else { panic!("{line}") };
            let expected = Status { state, code: code.to_owned(), value: value.to_owned(), text: words.to_owned() };
            assert!(status == expected, "{line}: {status:?} {:?}", status.text);
        }
        let Answer::Tagged(tag, status) = answer("A7 NO [AUTHENTICATIONFAILED] no") else { panic!("tagged") };
        assert_eq!((tag.as_str(), status.code.as_str()), ("A7", "AUTHENTICATIONFAILED"));
    }

    #[test]
    fn search_answers_are_read_as_servers_write_them() {
        for (line, expected) in [
            ("* SEARCH", Some(vec![])),
            ("* SEARCH 1 2 3 ", Some(vec![1, 2, 3])),
            ("* SEARCH 4  5 (MODSEQ 917162500)", Some(vec![4, 5])),
            ("* SEARCH 4 x", None),
            ("* SEARCH 99999999999", None),
        ] {
            match (answer(line), expected) {
                (Answer::Search(found), Some(wanted)) => assert_eq!(found, wanted, "{line}"),
                (Answer::Unreadable, None) => {}
                (other, _) => panic!("{line}: {other:?}"),
            }
        }
    }

    #[test]
    fn folders_keep_their_raw_names() {
        for (line, name, separator, attribute) in [
            (r#"* LIST (\HasNoChildren \Sent) "/" "Sent Items""#, "Sent Items", Some('/'), r"\SENT"),
            (r#"* LIST (\Noselect) "\\" "a\"b\\c""#, "a\"b\\c", Some('\\'), r"\NOSELECT"),
            ("* LIST () NIL Entw&APw-rfe", "Entw&APw-rfe", None, ""),
            ("* LIST () \"/\" {5}\r\na b\"c", "a b\"c", Some('/'), ""),
            ("* LIST (\\X ) \".\" INBOX (CHILDINFO (SUBSCRIBED))", "INBOX", Some('.'), r"\X"),
            ("* LIST () \"/\" [Gmail]/All", "[Gmail]/All", Some('/'), ""),
        ] {
            let Answer::List(listed) = answer(line) else { panic!("{line}") };
            assert_eq!((listed.name.as_str(), listed.separator), (name, separator));
            assert_eq!(listed.attributes.last().map_or("", String::as_str), attribute);
        }
    }

    #[test]
    fn numbers_of_folders() {
        for (line, name, told) in [
            ("* STATUS INBOX (MESSAGES 231 UIDNEXT 44292)", "INBOX", vec![("MESSAGES", 231), ("UIDNEXT", 44292)]),
            (
                "* STATUS \"a b\" (uidvalidity 7 HIGHESTMODSEQ 9 )",
                "a b",
                vec![("UIDVALIDITY", 7), ("HIGHESTMODSEQ", 9)],
            ),
            ("* STATUS NIL (UIDNEXT x SIZE 4)", "NIL", vec![("SIZE", 4)]),
            ("* STATUS {3}\r\nx y ()", "x y", vec![]),
        ] {
            let Answer::Told(seen, numbers) = answer(line) else { panic!("{line}") };
            let numbers: Vec<(&str, u64)> = numbers.iter().map(|(n, v)| (n.as_str(), *v)).collect();
            assert_eq!((seen.as_str(), numbers), (name, told), "{line}");
        }
        assert!(matches!(answer("* STATUS INBOX"), Answer::Other));
    }

    #[test]
    fn vanished_and_namespace() {
        let Answer::Vanished(true, ranges) = answer("* VANISHED (EARLIER) 41,43:50,60:58") else { panic!() };
        assert_eq!(ranges, [(41, 41), (43, 50), (58, 60)]);
        assert!(matches!(answer("* VANISHED 5"), Answer::Vanished(false, r) if r == [(5, 5)]));
        assert!(matches!(answer("* VANISHED 5,x"), Answer::Unreadable));
        let line = r##"* NAMESPACE (("" "/")) (("~" "/")) (("#shared/" "/")("#public/" "/" "X" ("Y")))"##;
        let Answer::Namespace(others) = answer(line) else { panic!() };
        assert_eq!(others, ["~", "#shared/", "#public/"]);
        assert!(matches!(answer("* NAMESPACE ((\"\" \"/\")) NIL NIL"), Answer::Namespace(o) if o.is_empty()));
    }

    #[test]
    fn what_was_cut_off_is_never_complete() {
        let cut = Frame { bytes: b"* SEARCH 1 2", cut: true };
        assert!(matches!(read(&cut), Answer::Unreadable));
        assert!(matches!(answer("* 12 EXISTS"), Answer::Exists(12)));
        assert!(matches!(answer("garbage"), Answer::Unreadable));
        assert!(matches!(answer(""), Answer::Unreadable));
    }
}
