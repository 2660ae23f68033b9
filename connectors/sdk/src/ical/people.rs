//! ORGANIZER and ATTENDEE lines -> people (RFC 5545 sections 3.8.4.1 and 3.8.4.3, RFC 7986 EMAIL). Whoever has no mail
//! address is left out: matching knows people by their address alone.

use super::line::Line;
use crate::record::{Answer, Attendee, AttendeeRole, Mailbox};

/// The person a line names, if it carries a mail address.
pub fn mailbox(line: &Line<'_>) -> Option<Mailbox> {
    let own = address(line.value);
    // Where EMAIL stands, the value is an address of the provider's making.
    let address = line.param("EMAIL").and_then(|e| address(&e)).or(own)?;
    let name = line.param("CN").map(|cn| cn.replace("\\,", ",").trim().to_owned());
    let name = name.filter(|n| !n.is_empty() && !n.eq_ignore_ascii_case(&address));
    Some(Mailbox { address, name })
}

pub fn attendee(line: &Line<'_>) -> Option<Attendee> {
    let mailbox = mailbox(line)?;
    let role = match line.param("ROLE") {
        Some(r) if r.eq_ignore_ascii_case("OPT-PARTICIPANT") => AttendeeRole::Optional,
        Some(r) if r.eq_ignore_ascii_case("NON-PARTICIPANT") => AttendeeRole::Informed,
        _ => AttendeeRole::Required,
    };
    let answer = line.param("PARTSTAT").map_or(Answer::None, |p| match p.trim().to_ascii_uppercase().as_str() {
        "ACCEPTED" => Answer::Accepted,
        "TENTATIVE" => Answer::Tentative,
        "DECLINED" => Answer::Declined,
        "DELEGATED" => Answer::Delegated,
        _ => Answer::None,
    });
    let resource = line.has("CUTYPE", "ROOM") || line.has("CUTYPE", "RESOURCE");
    Some(Attendee { mailbox, role, resource, answer })
}

/// The mail address of a CAL-ADDRESS in any dress; `None` for a URN or a path.
fn address(value: &str) -> Option<String> {
    let mut rest = value.trim().trim_matches(['"', '\'']);
    // A colon in an unquoted name cuts the line too early: the last `mailto:` is the one that counts.
    let lower = rest.to_ascii_lowercase();
    if let Some(at) = lower.rfind("mailto:") {
        rest = &rest[at + 7..];
    } else if lower.starts_with("invalid:") {
        rest = &rest[8..];
    }
    let rest = rest.split('?').next().unwrap_or(rest).trim().trim_matches(['<', '>']).trim();
    let plain = percent(rest);
    let whole = plain.contains('@') && !plain.starts_with('@') && !plain.ends_with('@');
    (whole && plain.len() <= 320 && !plain.chars().any(|c| c.is_whitespace() || c.is_control())).then_some(plain)
}

/// Percent escapes of a URI; what makes no UTF-8 stays as it is.
fn percent(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let hex = |b: Option<&u8>| b.and_then(|b| char::from(*b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while let Some(&b) = bytes.get(i) {
        match (b, hex(bytes.get(i + 1)), hex(bytes.get(i + 2))) {
            (b'%', Some(high), Some(low)) => {
                out.push(high * 16 + low);
                i += 3;
            }
            _ => {
                out.push(b);
                i += 1;
            }
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people() {
        let cases = [
            ("ATTENDEE;CN=Ana Lopez:mailto:ana@acme.example", Some(("ana@acme.example", Some("Ana Lopez")))),
            ("ATTENDEE;CN=\"Lopez, Ana\":MAILTO:Ana@acme.example", Some(("Ana@acme.example", Some("Lopez, Ana")))),
            ("ATTENDEE;CN=ana@acme.example:mailto:ana@acme.example", Some(("ana@acme.example", None))),
            ("ATTENDEE;EMAIL=ana@acme.example:urn:uuid:1-2", Some(("ana@acme.example", None))),
            ("ATTENDEE;EMAIL=a@b.example:mailto:2_X@imip.me.example", Some(("a@b.example", None))),
            ("ATTENDEE:urn:uuid:1-2", None),
            ("ATTENDEE:/principals/ana/", None),
            ("ATTENDEE:invalid:nomail", None),
            ("ATTENDEE:ana@acme.example", Some(("ana@acme.example", None))),
            ("ATTENDEE;CN=Team: North:mailto:n@acme.example", Some(("n@acme.example", Some("Team")))),
            ("ATTENDEE:mailto:<ana%2Bx@acme.example>?subject=y", Some(("ana+x@acme.example", None))),
            ("ATTENDEE;CN=\"A ^'B^' C\":mailto:a@b.example", Some(("a@b.example", Some("A \"B\" C")))),
            ("ATTENDEE:mailto:", None),
            ("ATTENDEE:mailto:a b@c.example", None),
        ];
        for (text, expected) in cases {
            let found = mailbox(&Line::cut(text).unwrap());
            let found = found.as_ref().map(|m| (m.address.as_str(), m.name.as_deref()));
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn parts_and_answers() {
        let read = |text: &str| attendee(&Line::cut(text).unwrap()).unwrap();
        let a = read("ATTENDEE;ROLE=opt-participant;PARTSTAT=declined:mailto:a@b.example");
        assert_eq!((a.role, a.answer, a.resource), (AttendeeRole::Optional, Answer::Declined, false));
        let a = read("ATTENDEE;CUTYPE=ROOM;ROLE=NON-PARTICIPANT;PARTSTAT=NEEDS-ACTION:mailto:r@b.example");
        assert_eq!((a.role, a.answer, a.resource), (AttendeeRole::Informed, Answer::None, true));
        let a = read("ATTENDEE;ROLE=CHAIR;PARTSTAT=ACCEPTED:mailto:c@b.example");
        assert_eq!((a.role, a.answer, a.resource), (AttendeeRole::Required, Answer::Accepted, false));
    }
}
