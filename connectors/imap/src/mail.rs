//! What was fetched of one message -> [`Message`]: pure, and the lists of what to ask for.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, LazyLock},
};

use dealtrail_sdk::{
    alone,
    mime::{self, calendar_parts, delivery_status_part},
    record::{Content, Message, Part},
};

use crate::{
    fetched::{Fetched, Structure},
    gather::Wish,
};

/// Bytes of a message that are read when its structure is of no use.
pub const RAW_MAX: usize = 4 << 20;
/// A calendar part is at most this large, encoded.
const CALENDAR_MAX: u64 = 3 << 19;
const STATUS_MAX: u64 = 64 << 10;
const CALENDAR_TEXT: usize = 1 << 20;

/// Header fields and structure: what decides over a message, without its text.
pub static ITEMS: LazyLock<String> = LazyLock::new(|| {
    let names: Vec<String> = mime::FIELDS.iter().map(|f| f.to_ascii_uppercase()).collect();
    format!("FLAGS INTERNALDATE RFC822.SIZE BODYSTRUCTURE BODY.PEEK[HEADER.FIELDS ({})]", names.join(" "))
});

/// A piece of a message to ask for: its section and how many bytes of it.
pub type Piece = (String, u64);

/// `BODY.PEEK[1.2]<0.4096>` and so on.
fn pieces(pieces: &[Piece]) -> String {
    let items: Vec<String> = pieces.iter().map(|(section, most)| format!("BODY.PEEK[{section}]<0.{most}>")).collect();
    items.join(" ")
}

/// The message as far as it is known without its extra parts; `None` when it must be read whole instead.
pub fn message(fetched: &mut Fetched) -> Option<Message> {
    let header = fetched.header.take().filter(|h| h.iter().any(|b| !b.is_ascii_whitespace()))?;
    let Structure::Parts(parts) = std::mem::take(&mut fetched.structure) else { return None };
    // one that cannot be read by its header is read whole, and says what is wrong with it
    let mut message = alone::alone(&header, || mime::header(&header))?;
    message.parts = parts;
    describe(&mut message, fetched);
    Some(message)
}

/// The message out of its own bytes.
///
/// # Errors
/// Why it cannot be read.
pub fn message_of_bytes(fetched: &Fetched) -> Result<Message, String> {
    let Some(bytes) = fetched.section("") else {
        return Err("the server lists the message but does not hand it out".to_owned());
    };
    let mut message = mime::message(bytes)?;
    describe(&mut message, fetched);
    Ok(message)
}

fn describe(message: &mut Message, fetched: &Fetched) {
    message.received = fetched.received.or(message.received);
    message.size = fetched.size.unwrap_or(message.size);
    let flags = fetched.flags.iter().flatten().chain(&fetched.labels);
    for flag in flags.map(|f| f.to_ascii_lowercase()) {
        match flag.as_str() {
            "\\draft" | "\\drafts" => message.draft = true,
            "\\deleted" | "\\trash" => message.trashed = true,
            "$junk" | "junk" | "\\junk" | "\\spam" => message.junk = true,
            _ => {}
        }
    }
}

/// The calendars and the delivery status that belong to a message's description.
pub fn extra_pieces(message: &Message) -> Vec<Piece> {
    let calendars = calendar_parts(&message.parts).into_iter().map(|p| (p.section.clone(), CALENDAR_MAX));
    let status = delivery_status_part(&message.parts).map(|p| (p.section.clone(), STATUS_MAX));
    calendars.chain(status).collect()
}

/// Bytes of the extra parts as the server announced them.
pub fn extra_bytes(message: &Message) -> u64 {
    let status = delivery_status_part(&message.parts);
    calendar_parts(&message.parts).into_iter().chain(status).map(|p| p.size).sum()
}

/// Cuts a list of messages so that no portion holds more than `most` bytes, unless one message alone does.
pub fn portions<T>(wanted: &[T], most: u64, size: impl Fn(&T) -> u64) -> Vec<&[T]> {
    let (mut out, mut start, mut sum) = (Vec::new(), 0, 0);
    for (at, message) in wanted.iter().enumerate() {
        let bytes = size(message);
        if at > start && sum + bytes > most {
            out.push(&wanted[start..at]);
            (start, sum) = (at, 0);
        }
        sum += bytes;
    }
    if start < wanted.len() {
        out.push(&wanted[start..]);
    }
    out
}

/// Puts the extra parts into the message; false when one of them did not come.
pub fn add_extras(message: &mut Message, fetched: &Fetched) -> bool {
    let mut calendars = Vec::new();
    for part in calendar_parts(&message.parts) {
        let Some(bytes) = whole(part, fetched) else { return false };
        let text = mime::decode_part(part, bytes, CALENDAR_TEXT + 1);
        if text.len() <= CALENDAR_TEXT {
            mime::add_calendar(&mut calendars, text, part.alternative);
        }
    }
    if let Some(part) = delivery_status_part(&message.parts) {
        let Some(bytes) = fetched.section(&part.section) else { return false };
        message.delivery_status = Some(mime::decode_part(part, bytes, STATUS_MAX as usize));
    }
    message.calendars = calendars;
    true
}

/// The bytes of a part that is read whole. A server that hands out far less than it announced is not believed.
fn whole<'a>(part: &Part, fetched: &'a Fetched) -> Option<&'a [u8]> {
    let bytes = fetched.section(&part.section)?;
    (bytes.len() as u64 >= part.size.min(CALENDAR_MAX) / 2).then_some(bytes)
}

/// Structures of the messages that were just read, by UID: their texts are asked for next.
pub type Structures = HashMap<u32, Arc<[Part]>>;

/// What is left of a structure when only the text is still to be asked for.
pub fn readable(parts: &[Part]) -> Arc<[Part]> {
    let is_text = |p: &&Part| !p.attachment && matches!(p.media_type.as_str(), "text/plain" | "text/html");
    parts.iter().filter(is_text).cloned().collect()
}

/// The text parts of a message and how many bytes to ask for: transfer encodings and markup take room.
pub fn text_pieces(parts: &[Part], limit: usize) -> Vec<Piece> {
    let chosen = mime::text_parts(parts);
    chosen.into_iter().map(|p| (p.section.clone(), room(p, limit))).collect()
}

/// Bytes of these text parts as the server announced them, as far as they are asked for.
pub fn text_bytes(parts: &[Part], limit: usize) -> u64 {
    mime::text_parts(parts).into_iter().map(|p| p.size.min(room(p, limit))).sum()
}

fn room(part: &Part, limit: usize) -> u64 {
    let limit = limit.max(1) as u64;
    let room = if part.media_type == "text/html" { limit.saturating_mul(4) } else { limit.saturating_mul(3) / 2 };
    // Never more than one text may cost, never so little that a multi-byte character is all there is.
    room.clamp(64, 4 << 20)
}

/// The text out of fetched parts; `None` when it must be taken from the whole message.
pub fn text(parts: &[Part], fetched: &Fetched, limit: usize) -> Option<Content> {
    let (mut text, mut truncated, mut any) = (String::new(), false, false);
    for part in mime::text_parts(parts) {
        any = true;
        let most = usize::try_from(room(part, limit)).unwrap_or(usize::MAX);
        let bytes = fetched.section(&part.section)?;
        let bytes = &bytes[..bytes.len().min(most)];
        if (bytes.len() as u64) < part.size.min(most as u64) / 2 {
            return None;
        }
        truncated |= part.size > most as u64;
        let piece = mime::decode_part(part, bytes, limit.saturating_add(1));
        if !text.is_empty() && !piece.trim().is_empty() {
            text.push('\n');
        }
        text.push_str(&piece);
    }
    if !any {
        return Some(Content::None);
    }
    let html = parts.iter().any(|p| p.media_type == "text/html" && !p.attachment);
    if text.trim().is_empty() && html {
        return None; // an empty plain form beside an HTML form that says it all
    }
    if text.len() > limit {
        truncated = true;
        text.truncate(text.floor_char_boundary(limit));
    }
    Some(Content::Text { text, truncated })
}

/// The text out of the whole message.
pub fn text_of_bytes(fetched: &Fetched, limit: usize) -> Option<Content> {
    fetched.section("").map(|bytes| mime::text(bytes, limit))
}

/// Groups messages that want the same pieces, so that one command serves many.
pub fn wishes(wanted: &[(u32, Vec<Piece>)]) -> Vec<Wish> {
    let mut groups: BTreeMap<&[Piece], Vec<u32>> = BTreeMap::new();
    for (uid, pieces) in wanted {
        groups.entry(pieces).or_default().push(*uid);
    }
    groups.into_iter().map(|(asked, uids)| (pieces(asked), uids)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetched;

    const PLAIN: &str = r#"("text" "plain" ("charset" "utf-8") NIL NIL "quoted-printable" 11 1)"#;

    fn fetched_of(text: &str) -> Fetched {
        fetched::read(text.as_bytes(), None, false)
    }

    fn literal(text: &str) -> String {
        format!("{{{}}}\r\n{text}", text.len())
    }

    #[test]
    fn a_message_is_described_by_header_structure_and_flags() {
        let header = literal("Subject: hello\r\nFrom: Ana <ana@acme.example>\r\n\r\n");
        let mut f = fetched_of(&format!(
            "(UID 7 FLAGS (\\Draft $Junk \\Seen) RFC822.SIZE 99 INTERNALDATE \"01-Jan-2026 00:00:00 +0000\" \
             BODYSTRUCTURE {PLAIN} BODY[HEADER.FIELDS (SUBJECT)] {header})"
        ));
        let mail = message(&mut f).expect("a message");
        assert_eq!((mail.subject.as_deref(), mail.size), (Some("hello"), 99));
        assert!(mail.draft && mail.junk && !mail.trashed);
        assert_eq!(mail.parts[0].media_type, "text/plain");
        assert!(mail.received.is_some());
        assert!(extra_pieces(&mail).is_empty());
    }

    #[test]
    fn without_header_or_structure_the_bytes_are_read() {
        for text in [
            "(UID 7 FLAGS ())".to_owned(),
            format!("(UID 7 BODYSTRUCTURE {PLAIN} BODY[HEADER.FIELDS (SUBJECT)] {})", literal("\r\n")),
            format!(
                "(UID 7 BODYSTRUCTURE (\"MIXED\") BODY[HEADER.FIELDS (SUBJECT)] {})",
                literal("Subject: x\r\n\r\n")
            ),
        ] {
            assert!(message(&mut fetched_of(&text)).is_none(), "{text}");
        }
        let raw = fetched_of(&format!("(UID 7 FLAGS (\\Deleted) BODY[]<0> {})", literal("Subject: x\r\n\r\nbody\r\n")));
        let mail = message_of_bytes(&raw).expect("a message");
        assert!(mail.trashed && mail.subject.as_deref() == Some("x"));
        assert!(message_of_bytes(&fetched_of("(UID 7 BODY[] NIL)")).is_err());
    }

    #[test]
    fn calendars_and_reports_come_with_their_message() {
        let structure = concat!(
            r#"((("text" "plain" NIL NIL NIL "7bit" 2 1)("text" "calendar" ("method" "REQUEST") NIL NIL "7bit" 30 9) "alternative")"#,
            r#"("application" "ics" ("name" "invite.ics") NIL NIL "base64" 40)("message" "delivery-status" NIL NIL NIL "7bit" 20) "mixed")"#
        );
        let mut f =
            fetched_of(&format!("(UID 7 BODYSTRUCTURE {structure} RFC822.HEADER {})", literal("Subject: x\r\n\r\n")));
        let mut mail = message(&mut f).expect("a message");
        let wanted = extra_pieces(&mail);
        let sections: Vec<&str> = wanted.iter().map(|p| p.0.as_str()).collect();
        assert_eq!(sections, ["1.2", "2", "3"]);
        let calendar = "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n";
        let coded = crate::names::base64(calendar.as_bytes());
        let extra = fetched_of(&format!(
            "(UID 7 BODY[1.2]<0> {} BODY[2]<0> {} BODY[3]<0> {})",
            literal(calendar),
            literal(&coded),
            literal("Action: failed\r\n\r\n")
        ));
        assert!(add_extras(&mut mail, &extra));
        assert_eq!(mail.calendars.len(), 1, "the two forms are one");
        assert!(mail.calendars[0].alternative);
        assert!(mail.delivery_status.as_deref().is_some_and(|s| s.contains("failed")));
        let short = fetched_of("(UID 7 BODY[1.2]<0> \"BEG\" BODY[2]<0> \"\" BODY[3] \"\")");
        assert!(!add_extras(&mut mail, &short), "much shorter than announced");
    }

    #[test]
    fn text_is_decoded_and_limited() {
        let f = fetched_of(&format!("(UID 7 BODYSTRUCTURE {PLAIN} BODY[1]<0> {})", literal("Gr=C3=BC=C3=9Fe")));
        let Structure::Parts(parts) = &f.structure else { panic!("parts") };
        assert_eq!(text_pieces(parts, 100), [("1".to_owned(), 150)]);
        let whole = Content::Text { text: "Grüße".into(), truncated: false };
        assert_eq!(text(parts, &f, 100), Some(whole));
        assert_eq!(text(parts, &f, 3), Some(Content::Text { text: "Gr".into(), truncated: true }));
        assert_eq!(text(parts, &fetched_of("(UID 7 BODY[1] NIL)"), 100), None);
        assert_eq!(text(&[], &f, 100), Some(Content::None));
    }

    #[test]
    fn portions_hold_every_message_once() {
        let sizes = [5, 5, 1, 20, 1, 1];
        let uids = [1, 2, 3, 4, 5, 6];
        let cut = portions(&uids, 10, |uid| sizes[*uid - 1]);
        assert_eq!(cut, [&[1, 2][..], &[3], &[4], &[5, 6]]);
        assert!(portions(&[0; 0], 10, |_| 1).is_empty());
    }

    #[test]
    fn equal_wishes_share_a_command() {
        let one = vec![("1".to_owned(), 10)];
        let two = vec![("1.1".to_owned(), 10)];
        let groups = wishes(&[(1, one.clone()), (2, two), (3, one)]);
        let items = |section: &str| format!("BODY.PEEK[{section}]<0.10>");
        assert_eq!(groups, [(items("1"), vec![1, 3]), (items("1.1"), vec![2])]);
    }
}
