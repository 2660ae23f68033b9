//! Writes messages (RFC 5322, 2045, 2047) as mail programs do: several encodings, split encoded words, folded headers,
//! attachments, delivery reports, invitations. It knows nothing of what should become of them.

use chrono::{DateTime, FixedOffset, Utc};

pub use super::coding::Coding;
use super::coding::{base64, encode, header_text, quoted};

/// An address as it stands in a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    pub name: String,
    pub address: String,
}

const PICTURE: &str =
    "Content-Type: image/png\r\nContent-ID: <p@x>\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0=\r\n";

#[derive(Clone, Debug)]
pub enum Body {
    Text,
    Html,
    /// text/plain and text/html as alternatives.
    Both,
    /// The text and one attachment.
    Attached {
        name: String,
        media: &'static str,
        bytes: Vec<u8>,
    },
    /// The forms of the text beside an attached page, below one another.
    Nested {
        name: String,
        bytes: Vec<u8>,
    },
    /// The text and a whole message enclosed (message/rfc822).
    Enclosed {
        message: Vec<u8>,
    },
    /// The calendar is one of the forms of the text (RFC 6047), as calendars send it; with the .ics file again where
    /// `file` is set.
    Invitation {
        ics: String,
        method: &'static str,
        file: bool,
    },
    /// A message of its own with a calendar attached.
    WithCalendar {
        ics: String,
        method: &'static str,
    },
    /// multipart/report with a delivery status about this address (RFC 3464).
    Report {
        recipient: String,
    },
}

/// One message to be written.
#[derive(Clone, Debug)]
pub struct Letter {
    pub from: Mailbox,
    pub to: Vec<Mailbox>,
    pub cc: Vec<Mailbox>,
    pub bcc: Vec<Mailbox>,
    /// `None`: no Date header.
    pub date: Option<DateTime<Utc>>,
    pub subject: String,
    pub text: String,
    pub coding: Coding,
    pub message_id: Option<String>,
    pub references: Vec<String>,
    pub headers: Vec<(&'static str, String)>,
    pub body: Body,
    pub token: String,
}

/// What may differ between two copies of one message.
#[derive(Clone, Debug, Default)]
pub struct Variant {
    pub with_bcc: bool,
    pub reverse_to: bool,
    /// Seconds added to the Date header.
    pub later: i64,
    /// Host that the Received header names; `None`: it never travelled.
    pub through: Option<&'static str>,
    pub return_path: Option<String>,
}

/// The bytes of one copy, with CRLF.
pub fn write(letter: &Letter, variant: &Variant) -> Vec<u8> {
    let mut out = Vec::new();
    let mut head = |name: &str, value: &str| {
        out.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    };
    if let Some(path) = &variant.return_path {
        head("Return-Path", path);
    }
    if let Some(date) = letter.date.map(|d| d + chrono::Duration::seconds(variant.later)) {
        if let Some(host) = variant.through {
            head("Received", &format!("from mx.relay.example by {host}\r\n\twith ESMTPS; {}", rfc2822(date)));
        }
        head("Date", &rfc2822(date));
    }
    head("From", &address(&letter.from));
    let mut to = letter.to.clone();
    if variant.reverse_to {
        to.reverse();
    }
    let lists = [("To", &to), ("Cc", &letter.cc), ("Bcc", &letter.bcc)];
    for (name, list) in lists {
        if !list.is_empty() && (name != "Bcc" || variant.with_bcc) {
            head(name, &list.iter().map(address).collect::<Vec<_>>().join(",\r\n "));
        }
    }
    head("Subject", &header_text(&letter.subject, letter.coding));
    if let Some(id) = &letter.message_id {
        head("Message-ID", &format!("<{id}>"));
    }
    if let Some(last) = letter.references.last() {
        head("In-Reply-To", &format!("<{last}>"));
        let all: Vec<_> = letter.references.iter().map(|r| format!("<{r}>")).collect();
        head("References", &all.join("\r\n "));
    }
    for (name, value) in &letter.headers {
        head(name, value);
    }
    head("X-World-Token", &letter.token);
    head("MIME-Version", "1.0");
    body(&mut out, letter);
    out
}

/// Several zones and forms (RFC 5322 section 3.3, and 4.3 for the old names); which one depends on the moment.
fn rfc2822(date: DateTime<Utc>) -> String {
    let at = |hours: i32| date.with_timezone(&FixedOffset::east_opt(hours * 3600).expect("some hours"));
    match date.timestamp() % 6 {
        0 => at(0).format("%a, %d %b %Y %H:%M:%S GMT").to_string(),
        1 => at(-8).format("%a, %e %b %Y %H:%M:%S %z (PST)").to_string(),
        2 => at(9).format("%d %b %Y %H:%M:%S %z").to_string(),
        3 => at(0).format("%a, %d %b %Y %H:%M:%S -0000").to_string(),
        _ => at(1).format("%a, %d %b %Y %H:%M:%S %z").to_string(),
    }
}

fn address(m: &Mailbox) -> String {
    if m.name.is_empty() {
        m.address.clone()
    } else if !m.name.is_ascii() {
        format!("=?UTF-8?B?{}?= <{}>", base64(m.name.as_bytes()), m.address)
    } else if m.name.contains([',', '.', '(', '@']) {
        format!("\"{}\" <{}>", m.name, m.address)
    } else {
        format!("{} <{}>", m.name, m.address)
    }
}

fn body(out: &mut Vec<u8>, letter: &Letter) {
    let edge = format!("=_{}", letter.token);
    match &letter.body {
        Body::Text => text_part(out, letter, "plain"),
        Body::Html => text_part(out, letter, "html"),
        Body::Both => multi(out, "alternative", &edge, &[&part(letter, "plain"), &part(letter, "html")]),
        Body::Attached { name, media, bytes } => {
            multi(out, "mixed", &edge, &[&part(letter, "plain"), &attachment(name, media, bytes)]);
        }
        Body::Nested { name, bytes } => {
            let (mut forms, mut related) = (Vec::new(), Vec::new());
            multi(&mut forms, "alternative", &format!("{edge}_a"), &[&part(letter, "plain"), &part(letter, "html")]);
            multi(&mut related, "related", &format!("{edge}_r"), &[&forms, PICTURE.as_bytes()]);
            multi(out, "mixed", &edge, &[&related, &attachment(name, "text/html", bytes)]);
        }
        Body::Enclosed { message } => {
            let mut leaf = b"Content-Type: message/rfc822\r\nContent-Disposition: attachment\r\n\r\n".to_vec();
            leaf.extend_from_slice(message);
            multi(out, "mixed", &edge, &[&part(letter, "plain"), &leaf]);
        }
        Body::Invitation { ics, method, file } => {
            let leaf = calendar(ics, method);
            let forms = [part(letter, "plain"), part(letter, "html"), leaf];
            let forms: Vec<&[u8]> = forms.iter().map(Vec::as_slice).collect();
            if *file {
                let mut inner = Vec::new();
                multi(&mut inner, "alternative", &format!("{edge}_in"), &forms);
                multi(out, "mixed", &edge, &[&inner, &attachment("invite.ics", "application/ics", ics.as_bytes())]);
            } else {
                multi(out, "alternative", &edge, &forms);
            }
        }
        Body::WithCalendar { ics, method } => {
            let mut leaf =
                format!("Content-Type: text/calendar; charset=utf-8; method={method}; name=\"event.ics\"\r\n");
            leaf.push_str("Content-Disposition: attachment; filename=\"event.ics\"\r\n");
            leaf.push_str("Content-Transfer-Encoding: base64\r\n\r\n");
            leaf.push_str(&lines(&base64(ics.as_bytes())));
            multi(out, "mixed", &edge, &[&part(letter, "plain"), leaf.as_bytes()]);
        }
        Body::Report { recipient } => report(out, letter, &edge, recipient),
    }
}

fn report(out: &mut Vec<u8>, letter: &Letter, edge: &str, recipient: &str) {
    let status = format!(
        "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.relay.example\r\n\r\n\
         Final-Recipient: rfc822; {recipient}\r\nAction: failed\r\nStatus: 5.1.1\r\n\
         Diagnostic-Code: smtp; 550 5.1.1 User unknown\r\n"
    );
    let headers = "Content-Type: text/rfc822-headers\r\n\r\nSubject: a mail that came back\r\n";
    let kind = "report; report-type=delivery-status";
    multi(out, kind, edge, &[&part(letter, "plain"), status.as_bytes(), headers.as_bytes()]);
}

fn multi(out: &mut Vec<u8>, kind: &str, edge: &str, parts: &[&[u8]]) {
    let (kind, more) = kind.split_once("; ").map_or((kind, String::new()), |(k, m)| (k, format!(" {m};")));
    let head = format!("Content-Type: multipart/{kind};{more}\r\n boundary=\"{edge}\"\r\n\r\nA message in parts.\r\n");
    out.extend_from_slice(head.as_bytes());
    for part in parts {
        out.extend_from_slice(format!("\r\n--{edge}\r\n").as_bytes());
        out.extend_from_slice(part);
    }
    out.extend_from_slice(format!("\r\n--{edge}--\r\n").as_bytes());
}

fn part(letter: &Letter, kind: &str) -> Vec<u8> {
    let mut out = Vec::new();
    text_part(&mut out, letter, kind);
    out
}

fn text_part(out: &mut Vec<u8>, letter: &Letter, kind: &str) {
    let full = format!("{}\r\n\r\n[{}]\r\n", letter.text, letter.token);
    let text = if kind == "html" { format!("<html><body><p>{full}</p></body></html>\r\n") } else { full };
    let (charset, transfer) = match letter.coding {
        Coding::Plain => ("us-ascii", "7bit"),
        Coding::Utf8Quoted => ("utf-8", "quoted-printable"),
        Coding::Utf8Base64 => ("UTF-8", "base64"),
        Coding::Latin1Quoted => ("ISO-8859-1", "quoted-printable"),
        Coding::Latin1Raw => ("iso-8859-1", "8bit"),
        Coding::Windows1252 => ("Windows-1252", "quoted-printable"),
        Coding::Japanese => ("iso-2022-jp", "7bit"),
    };
    let head = format!("Content-Type: text/{kind}; charset={charset}\r\nContent-Transfer-Encoding: {transfer}\r\n\r\n");
    out.extend_from_slice(head.as_bytes());
    let bytes = encode(&text, letter.coding);
    match transfer {
        "quoted-printable" => out.extend_from_slice(quoted(&bytes).as_bytes()),
        "base64" => out.extend_from_slice(lines(&base64(&bytes)).as_bytes()),
        _ => out.extend_from_slice(&bytes),
    }
}

fn attachment(name: &str, media: &str, bytes: &[u8]) -> Vec<u8> {
    format!(
        "Content-Type: {media}; name=\"{name}\"\r\nContent-Disposition: attachment;\r\n filename=\"{name}\"\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{}",
        lines(&base64(bytes))
    )
    .into_bytes()
}

fn calendar(ics: &str, method: &str) -> Vec<u8> {
    let head = format!("Content-Type: text/calendar; charset=\"utf-8\"; method={method}\r\n");
    format!("{head}Content-Transfer-Encoding: base64\r\n\r\n{}", lines(&base64(ics.as_bytes()))).into_bytes()
}

fn lines(text: &str) -> String {
    let chunks: Vec<&str> = (0..text.len()).step_by(76).map(|i| &text[i..text.len().min(i + 76)]).collect();
    chunks.join("\r\n") + "\r\n"
}
