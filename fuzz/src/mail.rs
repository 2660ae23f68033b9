//! Mails: the parts lie inside the message, depth, number and text keep their limits, and nothing that comes out of a
//! header could break a line or a database.

use std::collections::HashSet;

use dealtrail_sdk::{
    ical, mime,
    record::{Content, Mailbox, Message},
};

use crate::calendar::{series, window};

const PARTS: usize = 500;
const DEPTH: usize = 52;

pub fn check(bytes: &[u8]) {
    let whole = mime::message(bytes);
    if let Ok(mail) = &whole {
        structure(mail, bytes.len());
        header(mail);
        calendars(mail);
        if bytes.len() <= 8_192 {
            same(mail, &mime::message(bytes).expect("a second reading gives the same"));
        }
    }
    let loose = mime::header(bytes);
    header(&loose);
    for limit in [64 << 10, 100, 1] {
        text(bytes, limit);
    }
    dates(&loose);
}

fn structure(mail: &Message, length: usize) {
    assert!(mail.size <= length as u64);
    assert!((1..=PARTS).contains(&mail.parts.len()), "{} parts", mail.parts.len());
    let held: u64 = mail.parts.iter().map(|p| p.size).sum();
    assert!(held <= mail.size, "the parts hold {held} of {} bytes", mail.size);
    let sections: HashSet<&str> = mail.parts.iter().map(|p| p.section.as_str()).collect();
    assert_eq!(sections.len(), mail.parts.len(), "two parts have one section");
    for part in &mail.parts {
        assert!(part.section.split('.').count() <= DEPTH, "too deep");
        assert!(part.section.split('.').all(|n| n.parse::<usize>().is_ok_and(|n| n > 0)));
        let name = part.name.as_deref().unwrap_or("x");
        assert!(!name.is_empty() && name.chars().count() <= 255);
        for text in [
            name,
            &part.media_type,
            part.charset.as_deref().unwrap_or_default(),
            part.encoding.as_deref().unwrap_or_default(),
        ] {
            crate::one_line(text);
        }
    }
    assert!(mail.calendars.len() <= 8);
    assert!(mail.calendars.iter().map(|c| c.text.len()).sum::<usize>() <= 6 << 20);
    assert!(mail.delivery_status.as_ref().is_none_or(|s| s.len() <= 64 << 10));
}

/// What a mail carries is opened at once when it is read: all of it together must stay in bounds.
fn calendars(mail: &Message) {
    let window = window(2025, 2027);
    for part in &mail.calendars {
        let calendar = ical::read(part.text.as_bytes(), chrono_tz::Europe::Berlin, &window);
        calendar.series.iter().for_each(|s| series(s, &window));
    }
}

fn header(mail: &Message) {
    for field in [&mail.from, &mail.to, &mail.cc, &mail.bcc] {
        assert!(field.len() <= 2_000, "{} mailboxes in one field", field.len());
        field.iter().for_each(mailbox);
    }
    mail.sender.iter().for_each(mailbox);
    crate::one_line(mail.subject.as_deref().unwrap_or_default());
    let ids = mail.message_id.iter().chain(&mail.in_reply_to).chain(&mail.references);
    for id in ids {
        crate::one_line(id);
        assert!(!id.is_empty() && id.len() <= 998 && !id.contains(char::is_whitespace), "no id");
    }
    assert!(mail.in_reply_to.len() <= 200 && mail.references.len() <= 200);
    for (name, values) in &mail.headers {
        assert!(mime::FIELDS.contains(name) && values.len() <= 16);
        values.iter().for_each(|v| crate::one_line(v));
    }
}

fn mailbox(mailbox: &Mailbox) {
    assert!(!mailbox.address.is_empty());
    crate::one_line(&mailbox.address);
    crate::one_line(mailbox.name.as_deref().unwrap_or("x"));
    assert_ne!(mailbox.name.as_deref(), Some(""));
}

fn text(bytes: &[u8], limit: usize) {
    if let Content::Text { text, .. } = mime::text(bytes, limit) {
        assert!(text.len() <= limit, "{} bytes of text", text.len());
        assert!(!text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')), "a control character in the text");
    }
}

fn same(one: &Message, two: &Message) {
    assert!(one.parts == two.parts && one.headers == two.headers && one.subject == two.subject && one.date == two.date);
    assert!(one.from == two.from && one.to == two.to && one.references == two.references);
}

/// A date that was read lies where databases and exports can hold it.
fn dates(mail: &Message) {
    use chrono::Datelike as _;
    if let Some(date) = mail.date {
        assert!((1969..=2200).contains(&date.year()), "the year {}", date.year());
    }
}
