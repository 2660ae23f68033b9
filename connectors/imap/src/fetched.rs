//! What a FETCH response says about one message. Unknown items are passed over; a response that breaks off keeps what
//! was read before, and its structure is then not believed.

use chrono::{DateTime, Utc};
use dealtrail_sdk::record::Part;

use crate::{
    structure,
    token::{self, Token},
};

/// A message's structure as the server told it.
#[derive(Debug, Default, PartialEq, Eq)]
pub enum Structure {
    #[default]
    Untold,
    /// It makes no sense: the message itself must be read.
    Unusable,
    Parts(Vec<Part>),
}

/// One section of a message: `1.2`, or empty for the whole.
#[derive(PartialEq, Eq)]
pub struct Section {
    pub name: String,
    /// First byte, when only a piece was asked for.
    pub origin: Option<u64>,
    /// `None`: the server says there is no such section, or it was too large.
    pub bytes: Option<Vec<u8>>,
}

impl std::fmt::Debug for Section {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Section({}, {:?} bytes)", self.name, self.bytes.as_ref().map(Vec::len))
    }
}

/// All that is known of one message. `Debug` shows no content.
#[derive(Default)]
pub struct Fetched {
    pub uid: Option<u32>,
    pub flags: Option<Vec<String>>,
    /// Gmail's labels (X-GM-LABELS).
    pub labels: Vec<String>,
    pub received: Option<DateTime<Utc>>,
    pub size: Option<u64>,
    pub structure: Structure,
    pub header: Option<Vec<u8>>,
    pub sections: Vec<Section>,
    /// Something was too large and was left out.
    pub cut: bool,
}

impl std::fmt::Debug for Fetched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Fetched({:?})", self.uid)
    }
}

impl Fetched {
    /// Takes over what another response says about the same message.
    pub fn merge(&mut self, other: Self) {
        self.flags = other.flags.or(self.flags.take());
        self.received = other.received.or(self.received.take());
        self.size = other.size.or(self.size.take());
        self.header = other.header.or(self.header.take());
        if other.structure != Structure::Untold {
            self.structure = other.structure;
        }
        if !other.labels.is_empty() {
            self.labels = other.labels;
        }
        self.sections.extend(other.sections);
        self.cut |= other.cut;
    }

    /// The bytes of a section from its start.
    pub fn section(&self, name: &str) -> Option<&[u8]> {
        let fits = |s: &&Section| s.name.eq_ignore_ascii_case(name) && s.origin.unwrap_or(0) == 0;
        self.sections.iter().filter(fits).find_map(|s| s.bytes.as_deref())
    }
}

/// Reads `(UID 7 FLAGS ...)`. `uid` is known beforehand where the server numbers its answers by UID (RFC 9586).
pub fn read(text: &[u8], uid: Option<u32>, cut: bool) -> Fetched {
    let tokens = token::read(text);
    let mut fetched = Fetched { uid, cut, ..Fetched::default() };
    let items = match tokens.items.first() {
        Some(Token::List(items)) => items.as_slice(),
        _ => tokens.items.as_slice(),
    };
    let mut rest = items;
    while let [name, value, after @ ..] = rest {
        let Token::Atom(name) = name else {
            rest = &rest[1..];
            continue;
        };
        rest = after;
        item(&mut fetched, name, value);
    }
    if tokens.broken && fetched.structure != Structure::Untold {
        fetched.structure = Structure::Unusable;
    }
    fetched
}

fn item(fetched: &mut Fetched, name: &[u8], value: &Token<'_>) {
    match known(name) {
        Some(Known::Uid) => fetched.uid = value.number().and_then(|n| u32::try_from(n).ok()).or(fetched.uid),
        Some(Known::Flags) => fetched.flags = value.list().map(texts),
        Some(Known::Labels) => fetched.labels = value.list().map(texts).unwrap_or_default(),
        Some(Known::Date) => fetched.received = value.bytes().and_then(date),
        Some(Known::Size) => fetched.size = value.number(),
        Some(Known::Structure) => {
            fetched.structure = structure::parts(value).map_or(Structure::Unusable, Structure::Parts);
        }
        Some(Known::Header) => fetched.header = value.bytes().map(<[u8]>::to_vec),
        Some(Known::Whole) => section(fetched, "", None, value),
        None => body(fetched, name, value),
    }
}

/// `BODY[1.2]<0>` and so on.
fn body(fetched: &mut Fetched, name: &[u8], value: &Token<'_>) {
    let Ok(name) = str::from_utf8(name) else { return };
    let of_body = name.split_at_checked(5).filter(|(start, _)| start.eq_ignore_ascii_case("BODY["));
    let Some((inner, tail)) = of_body.and_then(|(_, rest)| rest.rsplit_once(']')) else { return };
    if inner.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("HEADER")) {
        fetched.header = value.bytes().map(<[u8]>::to_vec);
    } else {
        let origin = tail.strip_prefix('<').and_then(|t| t.strip_suffix('>')).and_then(|t| t.parse().ok());
        section(fetched, &inner.to_ascii_uppercase(), origin, value);
    }
}

/// The items with a name of their own.
#[derive(Clone, Copy)]
enum Known {
    Uid,
    Flags,
    Labels,
    Date,
    Size,
    Structure,
    Header,
    Whole,
}

const KNOWN: [(&str, Known); 9] = [
    ("UID", Known::Uid),
    ("FLAGS", Known::Flags),
    ("X-GM-LABELS", Known::Labels),
    ("INTERNALDATE", Known::Date),
    ("RFC822.SIZE", Known::Size),
    ("BODYSTRUCTURE", Known::Structure),
    ("BODY", Known::Structure),
    ("RFC822.HEADER", Known::Header),
    ("RFC822", Known::Whole),
];

fn known(name: &[u8]) -> Option<Known> {
    KNOWN.iter().find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(name)).map(|(_, known)| *known)
}

fn section(fetched: &mut Fetched, name: &str, origin: Option<u64>, value: &Token<'_>) {
    // Only strings are content: an atom here is a server's mistake, not a body.
    let bytes = match value {
        Token::Text(bytes) => Some(bytes.to_vec()),
        _ => None,
    };
    fetched.sections.push(Section { name: name.to_owned(), origin, bytes });
}

fn texts(items: &[Token<'_>]) -> Vec<String> {
    items.iter().filter_map(Token::bytes).map(|b| String::from_utf8_lossy(b).into_owned()).collect()
}

/// INTERNALDATE: `17-Jul-1996 02:44:25 -0700`, the day perhaps with a blank.
fn date(bytes: &[u8]) -> Option<DateTime<Utc>> {
    dealtrail_sdk::mime::date(std::str::from_utf8(bytes).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fetched(text: &str) -> Fetched {
        read(text.as_bytes(), None, false)
    }

    #[test]
    fn items_in_any_order() {
        let f = fetched(
            "(FLAGS (\\Seen $Junk) BODY[HEADER.FIELDS (FROM \"To\")] {9}\r\nFrom: x\r\n RFC822.SIZE 44827 UID 7 \
             INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" BODYSTRUCTURE (\"text\" \"plain\" NIL NIL NIL \"7bit\" 1 1) \
             BODY[1.2]<0> \"ab\" BODY[] NIL X-GM-LABELS (\\Sent \"My label\") PREVIEW \"x\" MODSEQ (12))",
        );
        assert_eq!((f.uid, f.size), (Some(7), Some(44827)));
        assert_eq!(f.flags.as_deref(), Some(&["\\Seen".to_owned(), "$Junk".to_owned()][..]));
        assert_eq!(f.header.as_deref(), Some(&b"From: x\r\n"[..]));
        assert_eq!(f.received.map(|t| t.to_rfc3339()).as_deref(), Some("1996-07-17T09:44:25+00:00"));
        assert!(matches!(&f.structure, Structure::Parts(p) if p.len() == 1));
        assert_eq!(f.section("1.2"), Some(&b"ab"[..]));
        assert_eq!(f.section(""), None);
        assert_eq!(f.labels, ["\\Sent", "My label"]);
    }

    #[test]
    fn what_breaks_off_keeps_its_number() {
        let f = fetched("(UID 9 RFC822.SIZE 5 BODYSTRUCTURE ((\"text\" \"plain\" NIL NIL NIL \"7bit\" 1 1) \"mixed\"");
        assert_eq!((f.uid, f.size), (Some(9), Some(5)));
        assert_eq!(f.structure, Structure::Unusable);
        let deep = format!("(UID 9 BODYSTRUCTURE {}{} FLAGS ())", "(".repeat(1000), ")".repeat(1000));
        assert_eq!(fetched(&deep).uid, Some(9));
        assert_eq!(fetched(&deep).structure, Structure::Unusable);
        assert_eq!(fetched("(FLAGS (\\Seen))").uid, None);
        assert_eq!(read(b"(FLAGS ())", Some(4), false).uid, Some(4));
    }

    #[test]
    fn a_placeholder_is_no_body() {
        assert_eq!(fetched("(UID 1 BODY[] None)").section(""), None);
        assert_eq!(fetched("(UID 1 BODY[]<100> \"x\")").section(""), None, "not from the start");
        assert_eq!(fetched("(UID 1 BODY[] \"\")").section(""), Some(&b""[..]));
    }

    #[test]
    fn dates_as_servers_write_them() {
        for (text, expected) in [
            (" 7-Jan-2026 02:44:25 +0000", Some("2026-01-07T02:44:25+00:00")),
            ("07-Jan-2026 02:44:25 +0100", Some("2026-01-07T01:44:25+00:00")),
            ("nonsense", None),
        ] {
            assert_eq!(date(text.as_bytes()).map(|t| t.to_rfc3339()).as_deref(), expected, "{text}");
        }
    }
}
