//! BODYSTRUCTURE (RFC 9051 section 7.5.2) -> the leaves of a message.
//!
//! Servers get it wrong in many ways, so nothing here depends on a position that a broken server may shift, and a
//! structure that makes no sense is `None`: the caller then reads the message itself. An enclosed message is one leaf.

use std::borrow::Cow;

use dealtrail_sdk::{
    mime::{is_attachment, param},
    record::Part,
};

use crate::token::Token;

/// Leaves beyond this are not listed; no honest mail has as many.
const PARTS: usize = 500;

/// The leaves of a structure, in order; `None` when it cannot be trusted.
pub fn parts(structure: &Token<'_>) -> Option<Vec<Part>> {
    let mut found = Vec::new();
    walk(structure.list()?, String::new(), false, &mut found)?;
    (!found.is_empty()).then_some(found)
}

/// The depth is bounded by that of the token reader.
fn walk(items: &[Token<'_>], path: String, alternative: bool, found: &mut Vec<Part>) -> Option<()> {
    if found.len() >= PARTS {
        return Some(());
    }
    let children = items.iter().take_while(|i| matches!(i, Token::List(_))).count();
    if children == 0 {
        let section = if path.is_empty() { "1".to_owned() } else { path };
        let first = found.is_empty();
        found.push(leaf(items, section, alternative, first)?);
        return Some(());
    }
    let subtype = items.get(children)?.bytes()?;
    let alternative = alternative || subtype.eq_ignore_ascii_case(b"alternative");
    for (index, child) in items[..children].iter().enumerate() {
        let number = index + 1;
        let below = if path.is_empty() { number.to_string() } else { format!("{path}.{number}") };
        walk(child.list()?, below, alternative, found)?;
    }
    Some(())
}

fn leaf(items: &[Token<'_>], section: String, alternative: bool, first: bool) -> Option<Part> {
    let [kind, subtype, params, ..] = items else { return None };
    let (kind, subtype) = (text(kind)?, text(subtype)?);
    let (kind, subtype) = (kind.trim(), subtype.trim());
    if kind.is_empty() || subtype.is_empty() || kind.eq_ignore_ascii_case("multipart") {
        return None;
    }
    let mut media_type = format!("{kind}/{subtype}");
    media_type.make_ascii_lowercase();
    let params = pairs(params);
    let (disposition, file) = disposition(items);
    let name = param(&file, "filename").or_else(|| param(&file, "name")).or_else(|| param(&params, "name"));
    let name = name.map(|n| base_name(&n)).filter(|n| !n.is_empty());
    Some(Part {
        section,
        charset: param(&params, "charset").map(|c| c.to_ascii_lowercase()),
        encoding: items.get(5).and_then(lower).filter(|e| !e.is_empty()),
        size: items.get(6).and_then(Token::number).unwrap_or(0),
        attachment: is_attachment(&media_type, disposition, name.is_some(), first),
        method: param(&params, "method").map(|m| m.to_ascii_lowercase()),
        name,
        media_type,
        alternative,
    })
}

/// Content-Disposition by what it looks like: Exchange and others shift it.
fn disposition<'t>(items: &'t [Token<'_>]) -> (Option<&'static str>, Vec<Pair<'t>>) {
    for item in items.iter().skip(7).rev() {
        let Some([name, rest @ ..]) = item.list() else { continue };
        let Some(name) = name.bytes().map(<[u8]>::trim_ascii) else { continue };
        let params = rest.first();
        let shaped = matches!(params, None | Some(Token::Nil | Token::List(_)));
        let known = DISPOSITIONS.into_iter().find(|d| d.as_bytes().eq_ignore_ascii_case(name));
        if known.is_some() && shaped {
            return (known, params.map(pairs).unwrap_or_default());
        }
    }
    (None, Vec::new())
}

const DISPOSITIONS: [&str; 3] = ["attachment", "inline", "form-data"];

/// Name and value of a parameter.
type Pair<'t> = (Cow<'t, str>, Cow<'t, str>);

/// A missing value is empty.
fn pairs<'t>(list: &'t Token<'_>) -> Vec<Pair<'t>> {
    let items = list.list().unwrap_or_default();
    items.chunks(2).filter_map(|pair| Some((text(&pair[0])?, pair.get(1).and_then(text).unwrap_or_default()))).collect()
}

/// UTF-8 where it is, else byte by byte: raw Latin-1 names stay readable.
fn text<'t>(token: &'t Token<'_>) -> Option<Cow<'t, str>> {
    let bytes = token.bytes()?;
    Some(str::from_utf8(bytes).map_or_else(|_| bytes.iter().map(|b| char::from(*b)).collect(), Cow::Borrowed))
}

fn lower(token: &Token<'_>) -> Option<String> {
    text(token).map(|t| t.trim().to_ascii_lowercase())
}

/// Some programs send the path of the file on their own disk.
fn base_name(name: &str) -> String {
    name.rsplit(['/', '\\']).next().unwrap_or(name).trim().chars().take(255).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token;

    fn read(structure: &str) -> Option<Vec<Part>> {
        parts(token::read(structure.as_bytes()).items.first()?)
    }

    /// Section, type, and what else is set.
    fn short(parts: &[Part]) -> Vec<String> {
        let flags = |p: &Part| {
            let named = p.name.as_deref().map(|n| format!(" {n}")).unwrap_or_default();
            let (a, b) = (if p.attachment { " file" } else { "" }, if p.alternative { " alt" } else { "" });
            format!("{} {}{a}{b}{named}", p.section, p.media_type)
        };
        parts.iter().map(flags).collect()
    }

    #[test]
    fn structures_of_honest_servers() {
        for (structure, expected) in [
            (r#"("text" "plain" ("charset" "utf-8") NIL NIL "7bit" 12 1 NIL NIL NIL NIL)"#, vec!["1 text/plain"]),
            (
                r#"(("TEXT" "PLAIN" NIL NIL NIL "7BIT" 1 1)("TEXT" "HTML" NIL NIL NIL "BASE64" 2 1) "ALTERNATIVE" ("boundary" "x") NIL NIL)"#,
                vec!["1 text/plain alt", "2 text/html alt"],
            ),
            (
                r#"((("text" "plain" NIL NIL NIL "7bit" 1 1)("text" "calendar" ("method" "REQUEST") NIL NIL "7bit" 9 1) "alternative")("application" "pdf" ("name" "a.pdf") NIL NIL "base64" 5 NIL ("attachment" ("filename" "C:\\x\\offer.pdf")) NIL NIL) "mixed")"#,
                vec!["1.1 text/plain alt", "1.2 text/calendar alt", "2 application/pdf file offer.pdf"],
            ),
            (
                r#"(("text" "plain" NIL NIL NIL "7bit" 1 1)("message" "rfc822" NIL NIL NIL "7bit" 99 ("date" "subject" NIL NIL NIL NIL NIL NIL NIL NIL) (("text" "plain" NIL NIL NIL "7bit" 1 1)("image" "png" NIL NIL NIL "base64" 1) "mixed") 5 NIL ("attachment" NIL) NIL NIL) "mixed")"#,
                vec!["1 text/plain", "2 message/rfc822 file"],
            ),
        ] {
            assert_eq!(short(&read(structure).expect(structure)), expected);
        }
        let part =
            &read(r#"("text" "calendar" ("METHOD" "REQUEST" "CHARSET" "UTF-8") NIL NIL "QUOTED-PRINTABLE" 321 9)"#)
                .expect("a structure")[0];
        assert_eq!((part.method.as_deref(), part.charset.as_deref()), (Some("request"), Some("utf-8")));
        assert_eq!((part.encoding.as_deref(), part.size), (Some("quoted-printable"), 321));
    }

    #[test]
    fn structures_that_broke_other_programs() {
        for (structure, expected) in [
            // mail.ru: a parameter without a value; iCloud: no encoding; sizes of -1 and beyond 4 GiB
            (
                r#"(("text" "plain" ("boundary" NIL) NIL NIL "8bit" 1 1) "mixed" ("boundary" NIL))"#,
                Some("1 text/plain"),
            ),
            (r#"("text" "plain" NIL NIL NIL NIL -1 1)"#, Some("1 text/plain")),
            (r#"("text" "plain" NIL NIL NIL "7bit" 99999999999 1)"#, Some("1 text/plain")),
            // blanks between and behind parts
            (r#"( ("text" "plain" NIL NIL NIL "7bit" 1 1 ) "mixed" )"#, Some("1 text/plain")),
            ("(\"text\" \"plain\" (\"name\" \"J\u{f6}rg\") NIL NIL \"7bit\" 1 1)", Some("1 text/plain Jörg")),
            // message/global, and an enclosed message without its envelope
            (r#"("MESSAGE" "GLOBAL" NIL NIL NIL "8bit" 5 NIL NIL 3)"#, Some("1 message/global file")),
            (r#"("message" "rfc822" NIL NIL NIL "7bit" 5)"#, Some("1 message/rfc822 file")),
            // a disposition at another place
            (
                r#"("image" "png" NIL NIL NIL "base64" 5 ("attachment" ("filename" "a.png")))"#,
                Some("1 image/png file a.png"),
            ),
            (r#"("image" "png" NIL NIL NIL "base64" 5 NIL ("inline" NIL))"#, Some("1 image/png")),
            // nothing to go by: the message itself must be read
            (r#"("ALTERNATIVE")"#, None),
            (r#"(("text" "plain" NIL NIL NIL "7bit" 1 1)("RELATED" NIL ("ATTACHMENT" NIL) NIL) "mixed")"#, None),
            ("NIL", None),
            ("()", None),
            (r#"("text" NIL NIL)"#, None),
            (r#"(("text" "plain" NIL NIL NIL "7bit" 1 1))"#, None),
        ] {
            let found = read(structure).map(|p| short(&p).join(", "));
            assert_eq!(found.as_deref(), expected, "{structure}");
        }
    }

    #[test]
    fn names_are_decoded() {
        let structure = r#"("application" "pdf" ("name" "=?utf-8?q?Angebot_M=C3=BCller.pdf?=") NIL NIL "base64" 5 NIL ("attachment" ("filename*0*" "utf-8''Angebot%20" "filename*1*" "M%C3%BCller.pdf")) NIL)"#;
        assert_eq!(read(structure).expect("a structure")[0].name.as_deref(), Some("Angebot Müller.pdf"));
    }

    #[test]
    fn depth_is_bounded() {
        let deep = "(".repeat(5000) + "\"text\" \"plain\"" + &" \"mixed\")".repeat(5000);
        assert!(read(&deep).is_none());
    }

    /// Sections and types as another reader sees them.
    fn by_imap_proto(body: &imap_proto::BodyStructure<'_>, path: &str, out: &mut Vec<String>) {
        use imap_proto::BodyStructure::{Basic, Message, Multipart, Text};
        match body {
            Multipart { bodies, .. } => {
                for (index, child) in bodies.iter().enumerate() {
                    let dot = if path.is_empty() { "" } else { "." };
                    by_imap_proto(child, &format!("{path}{dot}{}", index + 1), out);
                }
            }
            Basic { common, other, .. } | Text { common, other, .. } | Message { common, other, .. } => {
                let section = if path.is_empty() { "1" } else { path };
                let kind = format!("{}/{}", common.ty.ty, common.ty.subtype).to_lowercase();
                out.push(format!("{section} {kind} {}", other.octets));
            }
        }
    }

    /// Well-formed structures of any shape.
    fn well_formed() -> impl proptest::strategy::Strategy<Value = String> {
        use proptest::prelude::*;
        let params = prop_oneof![
            Just("NIL".to_owned()),
            "[a-z]{1,6}".prop_map(|v| format!("(\"charset\" \"{v}\" \"name\" \"a b\")"))
        ];
        let tail = prop_oneof![
            Just(String::new()),
            Just(" NIL (\"attachment\" (\"filename\" \"x.pdf\")) NIL NIL".to_owned()),
            Just(" NIL NIL (\"en\" \"de\")".to_owned())
        ];
        let leaf = (params, 0u32..5000, tail, any::<bool>()).prop_map(|(params, size, tail, text)| {
            if text {
                format!("(\"TEXT\" \"Plain\" {params} NIL NIL \"7BIT\" {size} 3{tail})")
            } else {
                format!("(\"application\" \"pdf\" {params} \"<id>\" NIL \"base64\" {size}{tail})")
            }
        });
        leaf.prop_recursive(4, 20, 4, |inner| {
            (proptest::collection::vec(inner, 1..4), prop_oneof![Just("mixed"), Just("alternative")])
                .prop_map(|(parts, kind)| format!("({} \"{kind}\" (\"boundary\" \"x\") NIL NIL)", parts.concat()))
        })
    }

    proptest::proptest! {
        #[test]
        fn two_readers_agree_on_what_is_well_formed(structure in well_formed()) {
            let line = format!("* 1 FETCH (BODYSTRUCTURE {structure})\r\n");
            let (_, response) = imap_proto::Response::parse(line.as_bytes()).expect("well-formed");
            let imap_proto::Response::Fetch(_, attributes) = response else { panic!("a fetch") };
            let imap_proto::AttributeValue::BodyStructure(body) = &attributes[0] else { panic!("a structure") };
            let mut theirs = Vec::new();
            by_imap_proto(body, "", &mut theirs);
            let ours = read(&structure).expect("well-formed");
            let ours: Vec<String> = ours.iter().map(|p| format!("{} {} {}", p.section, p.media_type, p.size)).collect();
            proptest::prop_assert_eq!(ours, theirs);
        }
    }
}
