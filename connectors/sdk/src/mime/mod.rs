//! RFC 5322 and MIME bytes -> [`Message`], pure.
//!
//! Reads what real mailboxes hold: broken folding, raw 8-bit headers, addresses out of every textbook's bounds. It opens
//! nothing and never recurses, so that no mail can overflow the stack; an enclosed message is one closed part and never
//! entered. Text leaves this module only through [`text`] and [`decode_part`]; whatever is too large, too deep or too
//! many is cut off, and a refusal is one sentence that carries no content.

mod address;
mod date;
mod decode;
mod field;
mod html;
mod param;
mod structure;
mod word;

use std::collections::{BTreeMap, HashSet};

use crate::{
    alone,
    record::{CalendarPart, Content, Mailbox, Message, Part},
};

pub use date::date;
pub use param::param;
pub use word::decode_words;

/// The header fields that decide what a message is, by lower-case name: what IMAP asks for in `HEADER.FIELDS`, and, but for those
/// with a place of their own in [`Message`], what [`Message::headers`] can hold.
pub const FIELDS: &[&str] = &[
    "from",
    "to",
    "cc",
    "bcc",
    "date",
    "subject",
    "message-id",
    "in-reply-to",
    "references",
    "sender",
    "reply-to",
    "return-path",
    "content-type",
    "auto-submitted",
    "precedence",
    "list-id",
    "list-post",
    "list-unsubscribe",
    "sensitivity",
    "feedback-id",
    "x-autoreply",
    "x-autorespond",
    "x-auto-response-suppress",
    "x-failed-recipients",
    "x-loop",
    "x-spam-flag",
];

/// A header block larger than this is refused in a whole message, and cut in a header read alone.
const HEADER_MAX: usize = 1 << 20;
/// One header value is kept up to this size.
const VALUE_MAX: usize = 16 << 10;
/// Values kept of one repeated field.
const REPEATS_MAX: usize = 16;
/// Message-IDs kept of one References field: the oldest and the youngest.
const IDS_MAX: usize = 200;
/// Calendars kept of one message, the bytes of each, and the bytes of all their texts.
const CALENDARS_MAX: usize = 8;
const CALENDAR_BYTES: usize = 1 << 20;
const CALENDARS_BYTES: usize = 3 << 20;
/// Bytes kept of a delivery status.
const STATUS_BYTES: usize = 64 << 10;
/// Text parts that make up one text.
const TEXTS_MAX: usize = 6;

/// Reads a header block, as IMAP's `HEADER.FIELDS` gives it or at the start of a whole message.
///
/// It never fails: what cannot be read is left out. `parts`, `calendars`, flags, `received` and `size` are the caller's.
pub fn header(bytes: &[u8]) -> Message {
    let block = &bytes[..bytes.len().min(HEADER_MAX)];
    let legacy = field::legacy_charset(block);
    let mut mail = Message::default();
    for (name, raw) in field::Fields::new(block) {
        let Some(&name) = FIELDS.iter().find(|f| f.as_bytes().eq_ignore_ascii_case(name)) else { continue };
        let value = field::unfold(raw, legacy.as_deref());
        if !structured(&mut mail, name, &value) {
            keep(&mut mail.headers, name, &value);
        }
    }
    mail
}

/// False for a field without a place of its own.
fn structured(mail: &mut Message, name: &str, value: &str) -> bool {
    match name {
        "from" => people(&mut mail.from, value, address::senders),
        "to" => people(&mut mail.to, value, address::addresses),
        "cc" => people(&mut mail.cc, value, address::addresses),
        "bcc" => people(&mut mail.bcc, value, address::addresses),
        // of several the first that says something
        "sender" => mail.sender = mail.sender.take().or_else(|| address::senders(value).into_iter().next()),
        "date" => mail.date = mail.date.or_else(|| date(value)),
        "subject" => mail.subject = mail.subject.take().or_else(|| subject(value)),
        "message-id" => mail.message_id = mail.message_id.take().or_else(|| ids(value, true).into_iter().next()),
        "in-reply-to" => more_ids(&mut mail.in_reply_to, value),
        "references" => more_ids(&mut mail.references, value),
        _ => return false,
    }
    true
}

fn subject(value: &str) -> Option<String> {
    Some(word::clean(&decode_words(value))).filter(|s| !s.is_empty())
}

/// A field may stand twice; together its copies name no more people than one.
fn people(list: &mut Vec<Mailbox>, value: &str, read: fn(&str) -> Vec<Mailbox>) {
    let room = address::MOST.saturating_sub(list.len());
    if room > 0 {
        list.extend(read(value).into_iter().take(room));
    }
}

fn more_ids(list: &mut Vec<String>, value: &str) {
    if list.len() < IDS_MAX {
        list.extend(ids(value, false));
        oldest_and_youngest(list);
    }
}

fn oldest_and_youngest(ids: &mut Vec<String>) {
    if ids.len() > IDS_MAX {
        ids.drain(1..=ids.len() - IDS_MAX);
    }
}

fn keep(headers: &mut BTreeMap<&'static str, Vec<String>>, name: &'static str, value: &str) {
    let value = match name {
        // RFC 5321 section 4.5.5: `<>` is the null sender of a report.
        "return-path" => value.trim_matches(|c: char| c == '<' || c == '>' || c.is_whitespace()).to_owned(),
        _ => word::clean(&decode_words(cut(value, VALUE_MAX))),
    };
    let values = headers.entry(name).or_default();
    if values.len() < REPEATS_MAX {
        values.push(value);
    }
}

/// Without blanks and control characters, which are none of an id's and none of an address's.
fn unspaced(text: &str) -> String {
    if text.bytes().all(|b| b.is_ascii_graphic()) {
        return text.to_owned();
    }
    text.chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect()
}

/// Message-IDs of a value, without brackets. Words that surround them are comments of old programs.
/// `lone`: a value without any brackets is one id.
fn ids(value: &str, lone: bool) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut rest = value;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        let end = rest.find(['>', '<']).unwrap_or(rest.len());
        let id = unspaced(&rest[..end]);
        if !id.is_empty() {
            found.push(id);
        }
        rest = &rest[end..];
    }
    if found.is_empty() {
        let trimmed = value.trim_matches(|c: char| c.is_whitespace() || c == '<' || c == '>' || c == '"');
        if lone && !trimmed.is_empty() {
            found.push(trimmed.split_whitespace().collect());
        } else {
            found.extend(trimmed.split([' ', ',']).filter(|t| t.contains('@') && t.len() > 2).map(str::to_owned));
        }
    }
    found.retain(|id| id.len() <= 998);
    if found.len() > 1 {
        let mut seen = HashSet::new();
        found.retain(|id| seen.insert(id.clone()));
        oldest_and_youngest(&mut found);
    }
    found
}

/// Reads a whole message: header, structure, calendars, delivery status, size.
///
/// # Errors
/// One sentence that says why the bytes are no readable message; it carries no content.
pub fn message(bytes: &[u8]) -> Result<Message, String> {
    alone::or_refused(bytes, || whole(bytes))
}

fn whole(bytes: &[u8]) -> Result<Message, String> {
    let bytes = field::skip_leading(bytes);
    if bytes.is_empty() {
        return Err("the message is empty".to_owned());
    }
    let (head, _) = field::split(bytes);
    if head.len() > HEADER_MAX {
        return Err("the message's header is larger than 1 MiB".to_owned());
    }
    if field::Fields::new(head).next().is_none() {
        return Err("the file holds no mail header".to_owned());
    }
    let mut mail = header(head);
    mail.size = bytes.len() as u64;
    let leaves = structure::leaves(bytes);
    mail.calendars = calendars(&leaves);
    mail.delivery_status =
        leaves.iter().find(|l| is_delivery_status(&l.part)).map(|l| decode_part(&l.part, l.body, STATUS_BYTES));
    mail.parts = leaves.into_iter().map(|l| l.part).collect();
    Ok(mail)
}

fn calendars(leaves: &[structure::Leaf<'_>]) -> Vec<CalendarPart> {
    let mut found: Vec<CalendarPart> = Vec::new();
    // each may be there twice, as a form of the text and as a file
    for leaf in leaves.iter().filter(|l| is_calendar(&l.part)).take(2 * CALENDARS_MAX) {
        let bytes = decode::transfer(leaf.part.encoding.as_deref(), leaf.body, CALENDAR_BYTES + 1);
        if bytes.len() > CALENDAR_BYTES {
            continue; // half a calendar would be another calendar
        }
        let text = decode::charset(&bytes, leaf.part.charset.as_deref());
        add_calendar(&mut found, text, leaf.part.alternative);
    }
    found
}

/// Adds the text of a calendar part unless it is there already: invitations carry the same calendar as a form of the
/// text and as a file. For connectors that fetch the parts one by one.
pub fn add_calendar(calendars: &mut Vec<CalendarPart>, text: String, alternative: bool) {
    let held: usize = calendars.iter().map(|c| c.text.len()).sum();
    if text.trim().is_empty() || text.len() > CALENDARS_BYTES {
        return;
    }
    // the two copies may differ in their line ends and in how far a program trimmed the last line
    if let Some(known) = calendars.iter_mut().find(|c| c.text.lines().eq(text.trim_end().lines())) {
        known.alternative |= alternative;
    } else if calendars.len() < CALENDARS_MAX && held + text.len() <= CALENDARS_BYTES {
        calendars.push(CalendarPart { text: text.trim_end().to_owned(), alternative });
    }
}

/// The text of a whole message: its text/plain parts, else its HTML turned into text, at most `limit` bytes.
pub fn text(bytes: &[u8], limit: usize) -> Content {
    alone::alone(bytes, || whole_text(bytes, limit)).unwrap_or(Content::None)
}

fn whole_text(bytes: &[u8], limit: usize) -> Content {
    let leaves = structure::leaves(field::skip_leading(bytes));
    let parts: Vec<Part> = leaves.iter().map(|l| l.part.clone()).collect();
    let chosen = text_parts(&parts);
    if chosen.is_empty() {
        return Content::None;
    }
    let joined = join(&leaves, &chosen, limit);
    if joined.trim().is_empty() {
        // an empty plain form beside an HTML form that says it all
        let html: Vec<&Part> = parts.iter().filter(|p| p.media_type == "text/html" && !p.attachment).collect();
        let other = join(&leaves, &html, limit);
        if !other.trim().is_empty() {
            return limited(other, limit);
        }
    }
    limited(joined, limit)
}

fn join(leaves: &[structure::Leaf<'_>], parts: &[&Part], limit: usize) -> String {
    let mut text = String::new();
    for part in parts.iter().take(TEXTS_MAX) {
        let Some(leaf) = leaves.iter().find(|l| l.part.section == part.section) else { continue };
        let piece = decode_part(part, leaf.body, limit.saturating_add(1));
        if !text.is_empty() && !piece.trim().is_empty() {
            text.push('\n');
        }
        text.push_str(&piece);
        if text.len() > limit {
            break;
        }
    }
    text
}

fn limited(mut text: String, limit: usize) -> Content {
    let truncated = text.len() > limit;
    text.truncate(cut(&text, limit).len());
    Content::Text { text, truncated }
}

/// Undoes transfer encoding and charset of one text part; HTML is turned into text. At most `limit` bytes.
pub fn decode_part(part: &Part, bytes: &[u8], limit: usize) -> String {
    alone::alone(bytes, || decoded(part, bytes, limit)).unwrap_or_default()
}

fn decoded(part: &Part, bytes: &[u8], limit: usize) -> String {
    let html = part.media_type == "text/html";
    // markup is several times as long as its text, and a charset may take more bytes than UTF-8
    let room = limit.saturating_mul(if html { 8 } else { 4 }).clamp(1 << 10, 4 << 20);
    let raw = decode::transfer(part.encoding.as_deref(), bytes, room.max(limit.min(64 << 20)));
    let text = decode::charset(&raw, part.charset.as_deref());
    let text = if html { html::text(cut(&text, room)) } else { text };
    let text = decode::plain(&text);
    cut(&text, limit).to_owned()
}

/// The longest start of `text` that holds at most `limit` bytes and no broken character.
pub(crate) fn cut(text: &str, limit: usize) -> &str {
    &text[..text.floor_char_boundary(limit)]
}

/// The parts that make up the text, in order: plain text rather than HTML among the forms of one text, never an
/// attachment, at most a few.
pub fn text_parts(parts: &[Part]) -> Vec<&Part> {
    let plain: Vec<&Part> = parts.iter().filter(|p| p.media_type == "text/plain" && !p.attachment).collect();
    let html = parts.iter().filter(|p| p.media_type == "text/html" && !p.attachment);
    let mut chosen = plain.clone();
    chosen.extend(html.filter(|h| !(h.alternative && plain.iter().any(|p| same_alternative(p, h)))));
    chosen.sort_by_key(|p| parts.iter().position(|q| std::ptr::eq(q, *p)));
    chosen.truncate(TEXTS_MAX);
    chosen
}

/// True when `html` only repeats `plain`: the plain form's container holds the HTML form, at whatever depth.
fn same_alternative(plain: &Part, html: &Part) -> bool {
    let container = plain.section.rsplit_once('.').map_or("", |(parent, _)| parent);
    plain.alternative
        && plain.size > 2
        && (container.is_empty() || html.section.strip_prefix(container).is_some_and(|rest| rest.starts_with('.')))
}

/// The parts that hold a calendar, at most eight, none of them too large to be one.
pub fn calendar_parts(parts: &[Part]) -> Vec<&Part> {
    let small = |p: &&Part| p.size <= (CALENDAR_BYTES * 3 / 2) as u64;
    // the form of the text first: its `alternative` says more than the file's
    let mut found: Vec<&Part> = parts.iter().filter(|p| is_calendar(p)).filter(small).collect();
    found.sort_by_key(|p| !p.alternative);
    found.truncate(CALENDARS_MAX);
    found
}

/// The machine-readable part of a delivery report (RFC 3464).
pub fn delivery_status_part(parts: &[Part]) -> Option<&Part> {
    parts.iter().find(|p| is_delivery_status(p))
}

fn is_calendar(part: &Part) -> bool {
    matches!(part.media_type.as_str(), "text/calendar" | "application/ics" | "text/x-vcalendar")
        || part.name.as_deref().is_some_and(|n| n.to_lowercase().ends_with(".ics"))
}

fn is_delivery_status(part: &Part) -> bool {
    matches!(part.media_type.as_str(), "message/delivery-status" | "message/global-delivery-status")
}

/// Whether a leaf counts as an attachment. `disposition` in lower case; `first`: it is the first leaf of its message.
pub fn is_attachment(media_type: &str, disposition: Option<&str>, named: bool, first: bool) -> bool {
    let text = matches!(media_type, "text/plain" | "text/html");
    match disposition {
        Some("attachment") => true,
        _ if is_report(media_type) => false,
        _ if text => named && !first,
        _ => named || (disposition != Some("inline") && media_type != "text/calendar"),
    }
}

fn is_report(media_type: &str) -> bool {
    matches!(
        media_type,
        "message/delivery-status"
            | "message/global-delivery-status"
            | "message/disposition-notification"
            | "text/rfc822-headers"
    )
}

/// A bare list of mailboxes, as it stands in a From, To or Cc field.
pub fn addresses(value: &str) -> Vec<Mailbox> {
    address::addresses(value)
}

/// All values of one header field of a whole message or header block, unfolded and decoded. For fields that are not
/// among [`FIELDS`].
pub fn field(bytes: &[u8], name: &str) -> Vec<String> {
    let block = &bytes[..bytes.len().min(HEADER_MAX)];
    field::Fields::new(block)
        .filter(|(n, _)| n.eq_ignore_ascii_case(name.as_bytes()))
        .take(REPEATS_MAX)
        .map(|(_, raw)| word::clean(&decode_words(&field::unfold(raw, None))))
        .collect()
}

#[cfg(test)]
mod tests;
