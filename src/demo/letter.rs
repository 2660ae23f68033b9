//! A letter as RFC 5322 bytes, in the shapes that different programs write: base64, quoted-printable, ISO-8859-1,
//! HTML alternatives, attachments, invitations (RFC 6047) and delivery reports (RFC 3464). Writing only.

use chrono::{DateTime, Utc};

use super::cast::{Client, Lang};
use super::encode::{base64, latin1, lines76, percent, quoted_printable, words};
use super::world::{Before, Extra, Letter, Party};

/// The whole message. `received` adds the trace that a mailbox gets and a Sent folder does not.
pub(super) fn bytes(letter: &Letter, received: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(4096);
    if received {
        trace(&mut out, letter);
    }
    header(&mut out, "Date", &date(letter.at, &letter.from));
    header(&mut out, "From", &address(&letter.from));
    header(&mut out, "To", &addresses(&letter.to));
    if !letter.cc.is_empty() {
        header(&mut out, "Cc", &addresses(&letter.cc));
    }
    header(&mut out, "Subject", &words(&letter.subject, letter.from.client == Client::Legacy));
    header(&mut out, "Message-ID", &format!("<{}>", letter.id));
    if let Some(last) = letter.references.last() {
        header(&mut out, "In-Reply-To", &format!("<{last}>"));
        let all: Vec<String> = letter.references.iter().map(|r| format!("<{r}>")).collect();
        header(&mut out, "References", &all.join("\n "));
    }
    for (name, value) in letter.headers.iter().filter(|(name, _)| *name != "Return-Path") {
        header(&mut out, name, value);
    }
    // Machines name no program.
    let machine = letter.headers.iter().any(|(name, _)| matches!(*name, "Auto-Submitted" | "List-Unsubscribe"));
    if !machine && !program(letter.from.client).is_empty() {
        header(&mut out, "X-Mailer", program(letter.from.client));
    }
    header(&mut out, "MIME-Version", "1.0");
    out.extend_from_slice(&content(letter));
    out
}

fn trace(out: &mut Vec<u8>, letter: &Letter) {
    let path = letter.headers.iter().find(|(name, _)| *name == "Return-Path").map(|(_, v)| v.clone());
    header(out, "Return-Path", &path.unwrap_or_else(|| format!("<{}>", letter.from.email)));
    let domain = letter.from.email.rsplit_once('@').map_or("", |d| d.1);
    let at = letter.at.format("%a, %d %b %Y %H:%M:%S +0000");
    header(
        out,
        "Received",
        &format!("from mail.{domain} by mx1.fernlicht.example with ESMTPS\n\tfor {}; {at}", first(letter)),
    );
}

fn first(letter: &Letter) -> String {
    letter.to.first().map_or_else(String::new, |p| format!("<{}>", p.email))
}

fn header(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value.as_bytes());
    out.push(b'\n');
}

fn date(at: DateTime<Utc>, from: &Party) -> String {
    at.with_timezone(&from.zone).format("%a, %d %b %Y %H:%M:%S %z").to_string()
}

fn addresses(all: &[Party]) -> String {
    all.iter().map(address).collect::<Vec<_>>().join(",\n ")
}

fn address(one: &Party) -> String {
    if one.name.is_empty() {
        return one.email.clone();
    }
    let plain = one.name.chars().all(|c| c.is_ascii_alphanumeric() || c == ' ' || c == '-');
    let name = match (plain, one.name.is_ascii()) {
        (true, _) => one.name.clone(),
        (false, true) => format!("\"{}\"", one.name.replace(['"', '\\'], "")),
        (false, false) => words(&one.name, one.client == Client::Legacy),
    };
    format!("{name} <{}>", one.email)
}

fn program(client: Client) -> &'static str {
    match client {
        Client::Outlook => "Microsoft Outlook 16.0",
        Client::Thunderbird => "Mozilla Thunderbird",
        Client::Apple => "Apple Mail (2.3776)",
        Client::Webmail => "",
        Client::Legacy => "Lotus Notes Release 8.5",
    }
}

/// Content headers, an empty line, and the body.
fn content(letter: &Letter) -> Vec<u8> {
    let text = format!("{}{}", letter.text, letter.before.as_ref().map(|b| quote(b, &letter.from)).unwrap_or_default());
    if let Some(Extra::Bounce { address, message_id }) = letter.extras.first() {
        return report(letter, &text, address, message_id);
    }
    if let Some(Extra::Invitation(method, calendar)) = letter.extras.first() {
        let calendar = part(
            &format!("text/calendar; charset=utf-8; method={method}"),
            "base64",
            &[],
            lines76(&base64(calendar.as_bytes())).as_bytes(),
        );
        return multipart(letter, "alternative", "inv", &[plain(&text, Client::Thunderbird), calendar]);
    }
    let body = match letter.from.client {
        Client::Outlook | Client::Apple => multipart(
            letter,
            "alternative",
            "alt",
            &[plain(&text, letter.from.client), html(&text, letter.from.client)],
        ),
        Client::Webmail => html(&text, Client::Webmail),
        client => plain(&text, client),
    };
    if letter.extras.is_empty() {
        return body;
    }
    let mut parts = vec![body];
    for extra in &letter.extras {
        if let Extra::File(name, media) = extra {
            parts.push(file(name, media));
        }
    }
    multipart(letter, "mixed", "mix", &parts)
}

fn multipart(letter: &Letter, kind: &str, tag: &str, parts: &[Vec<u8>]) -> Vec<u8> {
    let boundary = format!("=_{tag}_{}", letter.id.split('@').next().unwrap_or("x").replace('.', ""));
    let mut out = format!("Content-Type: multipart/{kind};\n boundary=\"{boundary}\"\n\n").into_bytes();
    for part in parts {
        out.extend_from_slice(format!("--{boundary}\n").as_bytes());
        out.extend_from_slice(part);
        out.push(b'\n');
    }
    out.extend_from_slice(format!("--{boundary}--\n").as_bytes());
    out
}

fn part(kind: &str, encoding: &str, more: &[String], body: &[u8]) -> Vec<u8> {
    let mut out = format!("Content-Type: {kind}\nContent-Transfer-Encoding: {encoding}\n").into_bytes();
    for line in more {
        out.extend_from_slice(line.as_bytes());
        out.push(b'\n');
    }
    out.push(b'\n');
    out.extend_from_slice(body);
    out
}

fn plain(text: &str, client: Client) -> Vec<u8> {
    let kind = "text/plain; charset=utf-8";
    match client {
        Client::Outlook => part(kind, "base64", &[], lines76(&base64(text.as_bytes())).as_bytes()),
        Client::Legacy => match latin1(text) {
            Some(bytes) => part("text/plain; charset=ISO-8859-1", "8bit", &[], &bytes),
            None => part(kind, "quoted-printable", &[], quoted_printable(text).as_bytes()),
        },
        _ if text.is_ascii() => part(kind, "7bit", &[], text.as_bytes()),
        _ => part(kind, "quoted-printable", &[], quoted_printable(text).as_bytes()),
    }
}

fn html(text: &str, client: Client) -> Vec<u8> {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let page = format!(
        "<html><head><meta charset=\"utf-8\"><style>p {{ margin: 0 }}</style></head>\n<body>\n<p>{}</p>\n</body></html>\n",
        escaped.replace('\n', "</p>\n<p>")
    );
    let kind = "text/html; charset=utf-8";
    match client {
        Client::Outlook => part(kind, "base64", &[], lines76(&base64(page.as_bytes())).as_bytes()),
        _ => part(kind, "quoted-printable", &[], quoted_printable(&page).as_bytes()),
    }
}

/// A tiny stand-in: only its name, type and size are ever looked at.
fn file(name: &str, media: &str) -> Vec<u8> {
    let body = match media {
        "application/pdf" => {
            "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Count 0/Kids[]>>endobj\n\
             trailer<</Root 1 0 R>>\n%%EOF\n"
        }
        _ => "sample\n",
    };
    let disposition = if name.is_ascii() {
        format!("Content-Disposition: attachment; filename=\"{name}\"")
    } else {
        format!("Content-Disposition: attachment;\n filename*=UTF-8''{}", percent(name))
    };
    part(media, "base64", &[disposition], lines76(&base64(body.as_bytes())).as_bytes())
}

fn report(letter: &Letter, text: &str, address: &str, message_id: &str) -> Vec<u8> {
    let status = format!(
        "Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx1.fernlicht.example\nArrival-Date: {}\n\n\
         Final-Recipient: rfc822; {address}\nAction: failed\nStatus: 5.1.1\n\
         Diagnostic-Code: smtp; 550 5.1.1 User unknown\n",
        letter.at.format("%a, %d %b %Y %H:%M:%S +0000")
    );
    let original = format!("Content-Type: text/rfc822-headers\n\nMessage-ID: <{message_id}>\nTo: {address}\n");
    let parts = [plain(text, Client::Thunderbird), status.into_bytes(), original.into_bytes()];
    multipart(letter, "report; report-type=delivery-status", "dsn", &parts)
}

/// The mail that is answered, below the answer, as the program does it.
fn quote(before: &Before, from: &Party) -> String {
    let lines: Vec<&str> = before.text.lines().take_while(|l| *l != "-- ").take(14).collect();
    let at = before.at.with_timezone(&from.zone);
    if matches!(from.client, Client::Outlook | Client::Webmail) {
        let [title, sender, sent, about] = match from.lang {
            Lang::De => ["Ursprüngliche Nachricht", "Von", "Gesendet", "Betreff"],
            Lang::Fr => ["Message d'origine", "De", "Envoyé", "Objet"],
            Lang::Es => ["Mensaje original", "De", "Enviado", "Asunto"],
            Lang::En => ["Original Message", "From", "Sent", "Subject"],
        };
        return format!(
            "\n-----{title}-----\n{sender}: {} <{}>\n{sent}: {}\n{about}: {}\n\n{}\n",
            before.from.name,
            before.from.email,
            at.format("%d.%m.%Y %H:%M"),
            before.subject,
            lines.join("\n")
        );
    }
    let quoted: Vec<String> =
        lines.iter().map(|l| if l.is_empty() { ">".to_owned() } else { format!("> {l}") }).collect();
    let head = match from.lang {
        Lang::De => format!("Am {} schrieb {}:", at.format("%d.%m.%Y um %H:%M"), before.from.name),
        Lang::Fr => format!("Le {}, {} a écrit :", at.format("%d/%m/%Y à %H:%M"), before.from.name),
        Lang::Es => format!("El {}, {} escribió:", at.format("%d/%m/%Y a las %H:%M"), before.from.name),
        Lang::En => format!("On {}, {} wrote:", at.format("%d %b %Y at %H:%M"), before.from.name),
    };
    format!("\n{head}\n{}\n", quoted.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_when_they_must_be() {
        let party = |name: &str| Party::other(name, "a@b.example");
        assert_eq!(address(&party("Ana Lopez")), "Ana Lopez <a@b.example>");
        assert_eq!(address(&party("Declan O'Shea, CEO")), "\"Declan O'Shea, CEO\" <a@b.example>");
        assert!(address(&party("Jürgen Möller")).starts_with("=?UTF-8?B?"));
    }
}
