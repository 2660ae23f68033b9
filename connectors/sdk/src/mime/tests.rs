//! Mails that broke other programs, as tables, and the promise that no bytes make this module panic.

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn boxes(list: &[Mailbox]) -> String {
    let one = |m: &Mailbox| match &m.name {
        Some(name) => format!("{name}|{}", m.address),
        None => m.address.clone(),
    };
    list.iter().map(one).collect::<Vec<_>>().join("; ")
}

fn text_of(bytes: &[u8]) -> String {
    match text(bytes, 10_000) {
        Content::Text { text, .. } => text,
        other => format!("{other:?}"),
    }
}

#[rstest]
#[case("jane@x.example", "jane@x.example")]
#[case("Jane Doe <jane@x.example>", "Jane Doe|jane@x.example")]
#[case("\"Doe, Jane\" <jane@x.example>, bob@y.example", "Doe, Jane|jane@x.example; bob@y.example")]
#[case("Doe, Jane <jane@x.example>", "Jane|jane@x.example")]
#[case("jane@x.example (Jane Doe)", "Jane Doe|jane@x.example")]
#[case("Jane (sales (north)) <jane@x.example>", "Jane|jane@x.example")]
#[case("(only) jane@x.example", "only|jane@x.example")]
#[case("a@x.example; b@x.example;", "a@x.example; b@x.example")]
#[case("Team: a@x.example, Bob <b@x.example>;, c@x.example", "a@x.example; Bob|b@x.example; c@x.example")]
#[case("undisclosed-recipients:;", "")]
#[case("undisclosed-recipients", "")]
#[case("<>", "")]
#[case("", "")]
#[case(",,;", "")]
#[case("'jane@x.example' <jane@x.example>", "jane@x.example")]
#[case("'Jane Doe' <jane@x.example>", "Jane Doe|jane@x.example")]
#[case("\"jane@x.example\" <jane@x.example>", "jane@x.example")]
#[case("other@y.example <jane@x.example>", "other@y.example|jane@x.example")]
#[case("<mailto:jane@x.example>", "jane@x.example")]
#[case("mailto:jane@x.example", "jane@x.example")]
#[case("<@relay,@other:jane@x.example>", "jane@x.example")]
#[case("Jane jane@x.example", "Jane|jane@x.example")]
#[case("\"Jane\" jane@x.example", "Jane|jane@x.example")]
#[case("\"jane doe\"@x.example", "\"jane doe\"@x.example")]
#[case("<\"jane, doe\"@x.example>", "\"jane, doe\"@x.example")]
#[case("Jane <jane@x.example", "Jane|jane@x.example")]
#[case("Jane <<jane@x.example>>", "Jane|jane@x.example")]
#[case("Jane <jane @ x.example>", "Jane|jane@x.example")]
#[case("Jane <jane@x.example.>", "Jane|jane@x.example")]
#[case("\"Jane \\\"JD\\\" Doe\" <jane@x.example>", "Jane \"JD\" Doe|jane@x.example")]
#[case("\"unclosed <jane@x.example>", "unclosed|jane@x.example")]
#[case("=?utf-8?Q?J=C3=B6rg_M?= <j@x.example>", "Jörg M|j@x.example")]
#[case("\"=?utf-8?Q?J=C3=B6rg?=\" <j@x.example>", "Jörg|j@x.example")]
#[case("=?utf-8?Q?Doe,_Jane?= <j@x.example>, k@x.example", "Doe, Jane|j@x.example; k@x.example")]
#[case("=?utf-8?B?SsO2?= =?utf-8?B?cmc=?= <j@x.example>", "Jörg|j@x.example")]
#[case("=?utf-8?Q?Jane_<jane=40x.example>?=", "Jane|jane@x.example")]
#[case("=?utf-8?Q?J=C3=B6rg?= j@x.example", "Jörg|j@x.example")]
#[case("Jörg <jörg@müller.example>", "Jörg|jörg@müller.example")]
#[case("jane@x.example <Jane Doe>", "jane@x.example")]
#[case("Jane:Doe <j@x.example>", "Doe|j@x.example")]
#[case("Jane\u{a0}jane@x.example\u{3000}Doe", "Jane Doe|jane@x.example")]
#[case("\u{a0}@", "")]
fn mailboxes(#[case] value: &str, #[case] expected: &str) {
    assert_eq!(boxes(&addresses(value)), expected);
}

#[test]
fn a_report_may_be_signed_by_a_local_name() {
    let mail = header(b"From: MAILER-DAEMON (Mail Delivery System)\nTo: undisclosed\nReturn-Path: <>\n\n");
    assert_eq!(boxes(&mail.from), "Mail Delivery System|MAILER-DAEMON");
    assert_eq!(boxes(&header(b"From: jane at x.example (Jane Doe)\n\n").from), "");
    assert!(mail.to.is_empty());
    assert_eq!(mail.header("return-path"), Some(""));
}

#[rstest]
#[case("plain text", "plain text")]
#[case("=?utf-8?Q?Angebot_f=C3=BCr_M=C3=BCller?=", "Angebot für Müller")]
#[case("=?UTF-8*de?q?=C3=BC?=", "ü")]
#[case("=?iso-8859-1?Q?f=FCr?= =?iso-8859-1?Q?_dich?=", "für dich")]
#[case("=?utf-8?B?4oKs?= und =?utf-8?B?4oKs?=", "€ und €")]
#[case("=?utf-8?B?4oI=?= =?utf-8?B?rA==?=", "€")] // one character split over two words
#[case("=?utf-8?Q?=E2=82?=\t=?UTF-8?Q?=AC?=", "€")]
#[case("=?utf-8?B?SsO2cmc?=", "Jörg")] // padding lost
#[case("=?iso-2022-jp?B?GyRCJDMkcyRLJEEkTxsoQg==?=", "こんにちは")]
#[case("=?gb2312?B?xOO6w8rAvec=?=", "你好世界")]
#[case("=?windows-1251?Q?=CF=F0=E8=E2=E5=F2?=", "Привет")]
#[case("=?koi8-r?B?8NLJ18XU?=", "Привет")]
#[case("=?x-nonsense?Q?J=F6rg?=", "Jörg")]
#[case("=?utf-8?Q?J=F6rg?=", "Jörg")] // claims UTF-8, is Latin-1
#[case("Re:=?utf-8?Q?=C3=BC?=ber", "Re:über")]
#[case("=?utf-8?Q?no end", "=?utf-8?Q?no end")]
#[case("=?utf-8?X?abc?=", "=?utf-8?X?abc?=")]
#[case("=? ?Q?abc?=", "=? ?Q?abc?=")]
#[case("1 =? 2", "1 =? 2")]
#[case("=?utf-8?Q??=", "")]
#[case("=?utf-8?Q?a b?=", "a b")]
#[case("=?iso-8859-1?Q?Die_Frösche?=", "Die Frösche")]
#[case("=?utf-8?Q?=0D=0AX-Evil:_1?=", "X-Evil: 1")]
fn subjects(#[case] value: &str, #[case] expected: &str) {
    let mail = header(format!("Subject: {value}\r\n\r\n").as_bytes());
    assert_eq!(mail.subject.as_deref().unwrap_or_default(), expected);
}

#[rstest]
#[case(b"Subject: f\xFCr J\xF6rg\n\n", "für Jörg")]
#[case("Subject: für Jörg\n\n".as_bytes(), "für Jörg")]
#[case(b"Subject: \xCF\xF0\xE8\xE2\xE5\xF2\nContent-Type: text/plain; charset=windows-1251\n\n", "Привет")]
#[case(b"Subject: \x1b$B$3$s$K$A$O\x1b(B\n\n", "こんにちは")]
#[case(b"Subject: one\r\n two\r\n\tthree\r\n\r\n", "one two three")]
#[case(b"SUBJECT : spaced name\n\n", "spaced name")]
#[case(b"Subject:\r\n  late start\r\n\r\n", "late start")]
#[case(b"Subject: a\0b\n\n", "ab")]
#[case(b"Subject: =?utf-8?Q?a?=\n=?utf-8?Q?b?=\n\n", "ab")]
#[case(b"Subject: kept\nno colon here\nX: y\n\n", "kept")]
#[case(b"Subject: \nSubject: second\n\n", "second")]
#[case(b"Subject: no line end", "no line end")]
#[case(b"\r\n\r\nSubject: after empty lines\r\n\r\n", "after empty lines")]
#[case(b"From jane Mon Jan  5 10:00:00 2026\nSubject: mbox line\n\n", "mbox line")]
#[case(b"\xEF\xBB\xBFSubject: marked\n\n", "marked")]
#[case(b"X: y\n\nSubject: in the body\n", "")]
fn raw_subjects(#[case] bytes: &[u8], #[case] expected: &str) {
    assert_eq!(header(bytes).subject.as_deref().unwrap_or_default(), expected);
}

#[rstest]
#[case("Fri, 21 Nov 1997 09:55:06 -0600", "1997-11-21T15:55:06Z")]
#[case("21 Nov 97 09:55 GMT", "1997-11-21T09:55:00Z")]
#[case("Fri, 21 Nov 1997 09:55:06", "1997-11-21T09:55:06Z")]
#[case("Mon, 5 Jan 2026 10:00:00 +0100 (CET)", "2026-01-05T09:00:00Z")]
#[case("Mon,5 Jan 2026 10:00:00 +01:00", "2026-01-05T09:00:00Z")]
#[case("Mon, 05 Jan 2026 10:00:00 CEST", "2026-01-05T08:00:00Z")]
#[case("Mon, 05 Jan 2026 10:00:00 GMT+0200", "2026-01-05T08:00:00Z")]
#[case("Mon Jan  5 10:00:00 2026", "2026-01-05T10:00:00Z")]
#[case("Mon Jan  5 10:00:00 EST 2026", "2026-01-05T15:00:00Z")]
#[case("Mon Jan  5 10:00:00 2026 +0100", "2026-01-05T09:00:00Z")]
#[case("2026-01-05T10:00:00Z", "2026-01-05T10:00:00Z")]
#[case("2026-01-05 10:00:00.123+02:00", "2026-01-05T08:00:00Z")]
#[case("05-Jan-2026 10:00:00 +0000", "2026-01-05T10:00:00Z")]
#[case("05.01.2026 10:00", "2026-01-05T10:00:00Z")]
#[case("Monday, January 5, 2026 3:07 PM", "2026-01-05T15:07:00Z")]
#[case("Tue, 30 Jun 2015 23:59:60 +0000", "2015-06-30T23:59:59Z")]
#[case("5 Jan 126 10:00:00 +0000", "2026-01-05T10:00:00Z")]
#[case("Mon, 5 Jan 2026 10:00:00 -9999", "2026-01-05T10:00:00Z")]
#[case("Sat, 28 Feb 2026 24:00:00 +0000", "2026-03-01T00:00:00Z")]
#[case("Mon, 30 Feb 2026 10:00:00 +0000", "")]
#[case("Mon, 5 Jan 2026", "")]
#[case("5/1/2026 10:00", "")]
#[case("1 Jan 0001 00:00:00 +0000", "")]
#[case("yesterday", "")]
#[case("", "")]
fn dates(#[case] value: &str, #[case] expected: &str) {
    let expected = (!expected.is_empty()).then(|| expected.parse::<DateTime<Utc>>().expect("a time"));
    assert_eq!(date(value), expected);
}

#[rstest]
#[case("<a@x>", &["a@x"])]
#[case("a@x", &["a@x"])]
#[case("<a@x>\r\n <b@x>", &["a@x", "b@x"])]
#[case("<a@x>\r\n<b@x>", &["a@x", "b@x"])] // the blank of the fold is lost
#[case("<a@x><b@x>,<c@x>", &["a@x", "b@x", "c@x"])]
#[case("Your message of \"Mon\" <a@x>", &["a@x"])]
#[case("<a@x> <a@x>", &["a@x"])]
#[case("<a@\r\n x>", &["a@x"])]
#[case("<a@x", &["a@x"])]
#[case("a@x b@x", &["a@x", "b@x"])]
#[case("<>", &[])]
#[case("nothing here", &[])]
fn references(#[case] value: &str, #[case] expected: &[&str]) {
    assert_eq!(header(format!("References: {value}\r\n\r\n").as_bytes()).references, expected);
}

#[test]
fn long_threads_keep_their_root_and_their_end() {
    let value: String = (0..1000).map(|n| format!("<{n}@x> ")).collect();
    let mail = header(format!("References: {value}\n\n").as_bytes());
    assert_eq!(mail.references.len(), IDS_MAX);
    assert_eq!((mail.references[0].as_str(), mail.references[IDS_MAX - 1].as_str()), ("0@x", "999@x"));
    assert_eq!(header(b"Message-ID: lone id@x\n\n").message_id.as_deref(), Some("loneid@x"));
    for none in [&b"Message-ID: <>\n\n"[..], b"Message-ID: < >\n\n", b"Message-ID: <\n\n", b"Message-ID: \"\"\n\n"] {
        assert_eq!(header(none).message_id, None);
    }
}

#[test]
fn a_header_is_read_whole() {
    let mail = header(
        b"Received: by mx; Mon, 5 Jan 2026 10:00:00 +0000\r\nfrom: Ana <ana@acme.example>\r\nFrom: second@acme.example\r\n\
          TO: x@y.example,\r\n z@y.example\r\nCc: c@y.example\r\nBcc: b@y.example\r\nSender: s@acme.example\r\n\
          Message-ID: <1@acme.example>\r\nIn-Reply-To: <0@y.example>\r\nDate: Mon, 5 Jan 2026 10:00:00 +0000\r\n\
          List-Id: News <news.y.example>\r\nX-Other: no\r\nSensitivity: Private\r\n\r\nbody",
    );
    assert_eq!(boxes(&mail.from), "Ana|ana@acme.example; second@acme.example");
    assert_eq!(boxes(&mail.to), "x@y.example; z@y.example");
    assert_eq!((boxes(&mail.cc), boxes(&mail.bcc)), ("c@y.example".into(), "b@y.example".into()));
    assert_eq!(mail.sender.as_ref().map(|s| s.address.as_str()), Some("s@acme.example"));
    assert_eq!(mail.message_id.as_deref(), Some("1@acme.example"));
    assert_eq!(mail.in_reply_to, ["0@y.example"]);
    assert_eq!(mail.header("list-id"), Some("News <news.y.example>"));
    // what has a place of its own is not kept twice
    assert_eq!(mail.headers.keys().copied().collect::<Vec<_>>(), ["list-id", "sensitivity"]);
    assert_eq!(mail.date.map(|d| d.timestamp()), Some(1_767_607_200));
}

const INVITATION: &str = "From: a@x.example\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"out\"\n\nPreamble\n\
    --out\nContent-Type: multipart/alternative; boundary=in\n\n\
    --in\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\nGr=C3=BC=\n=C3=9Fe\n\
    --in\nContent-Type: text/html\n\n<p>Gr&uuml;&szlig;e</p>\n\
    --in\nContent-Type: text/calendar; method=REQUEST; charset=UTF-8\n\nBEGIN:VCALENDAR\nEND:VCALENDAR\n\
    --in--\nepilogue\n\
    --out\nContent-Type: application/ics; name=\"invite.ics\"\nContent-Disposition: attachment; filename=\"invite.ics\"\n\
    Content-Transfer-Encoding: base64\n\nQkVHSU46VkNBTEVOREFSDQpFTkQ6VkNBTEVOREFSDQo=\n\
    --out\nContent-Type: message/rfc822\n\nSubject: enclosed\nContent-Type: multipart/mixed; boundary=deep\n\n--deep\n\nno\n--deep--\n\
    --out--\n";

#[test]
fn structure_of_an_invitation() {
    for bytes in [INVITATION.to_owned(), INVITATION.replace('\n', "\r\n")] {
        let mail = message(bytes.as_bytes()).expect("readable");
        let parts: Vec<String> = mail
            .parts
            .iter()
            .map(|p| {
                format!("{} {} {}{}", p.section, p.media_type, p.attachment, if p.alternative { " alt" } else { "" })
            })
            .collect();
        assert_eq!(
            parts,
            [
                "1.1 text/plain false alt",
                "1.2 text/html false alt",
                "1.3 text/calendar false alt",
                "2 application/ics true",
                "3 message/rfc822 true",
            ]
        );
        assert_eq!(mail.parts[2].method.as_deref(), Some("request"));
        assert_eq!(mail.parts[3].name.as_deref(), Some("invite.ics"));
        assert_eq!(mail.size, bytes.len() as u64);
        assert_eq!(mail.calendars.len(), 1, "the file repeats the form");
        assert!(mail.calendars[0].alternative && mail.calendars[0].text.starts_with("BEGIN:VCALENDAR"));
        assert_eq!(mail.subject, None, "an enclosed message is never entered");
        assert_eq!(text_of(bytes.as_bytes()), "Grüße");
        assert_eq!(text_parts(&mail.parts).iter().map(|p| p.section.as_str()).collect::<Vec<_>>(), ["1.1"]);
        let calendars: Vec<_> = calendar_parts(&mail.parts).iter().map(|p| p.section.as_str()).collect();
        assert_eq!(calendars, ["1.3", "2"]);
    }
}

#[test]
fn section_numbers() {
    for (mail, expected) in [
        ("A: b\n\nbody", "1 text/plain"),
        ("A: b\n", "1 text/plain"),
        ("Content-Type: text/html\n\nbody", "1 text/html"),
        ("Content-Type: message/rfc822\n\nSubject: x\n\nbody", "1 message/rfc822"),
        ("Content-Type: multipart/mixed\n\nno boundary named", "1 text/plain"),
        ("Content-Type: multipart/mixed; boundary=x\n\nno boundary line", "1 text/plain"),
        ("Content-Type: multipart/mixed; boundary=x\n\n--x\n\na\n--x\n\nb", "1 text/plain, 2 text/plain"),
        ("Content-Type: multipart/mixed; boundary=x\n\n--x\n--x\nA: b\n--x--", "1 text/plain, 2 text/plain"),
        ("Content-Type: multipart/digest; boundary=x\n\n--x\n\nSubject: a\n\nb\n--x--\n", "1 message/rfc822"),
        ("Content-Type: multipart/mixed; boundary=x\n\n--xy\n--x \t\nA: b\n\n--x y\n--x--\n", "1 text/plain"),
        (
            // the inner multipart is never closed
            "Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: multipart/related; boundary=\"x y\"\n\n--x y\n\na\n--x\n\nb\n--x--\n",
            "1.1 text/plain, 2 text/plain",
        ),
        ("Content-Type: multipart/mixed; boundary=x\n\npreamble only\n--x--\n", "1 text/plain"),
        (
            "Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: multipart/mixed; boundary=y\n\n--x\nA: b\n\n--x--\n",
            "1.1 text/plain, 2 text/plain",
        ),
        ("Content-Type: text/html\n<html><p>the empty line is missing</p>\n\nbody", "1 text/html"),
        ("Content-Type: text/x y<z>\n\nbody", "1 text/xy"),
        ("Content-Type: text\n\nbody", "1 text/plain"),
        ("Content-Type: strange\n\nbody", "1 application/octet-stream"),
        ("Content-Type: TEXT / HTML (x); charset=x\n\nbody", "1 text/html"),
    ] {
        let mail = message(mail.as_bytes()).expect(mail);
        let parts: Vec<String> = mail.parts.iter().map(|p| format!("{} {}", p.section, p.media_type)).collect();
        assert_eq!(parts.join(", "), expected);
    }
}

#[rstest]
#[case("name=quote.pdf", Some("quote.pdf"))]
#[case("name=My Quote 7.pdf", Some("My Quote 7.pdf"))]
#[case("name=\"a;b.pdf\"", Some("a;b.pdf"))]
#[case("name=\"C:\\Users\\Ana\\quote.pdf\"", Some("quote.pdf"))]
#[case("name=\"../../etc/passwd\"", Some("passwd"))]
#[case("name=\"=?utf-8?Q?Angebot_M=C3=BCller.pdf?=\"", Some("Angebot Müller.pdf"))]
#[case("name=\"=?utf-8?Q?Angebot_?=\r\n =?utf-8?Q?M=C3=BCller.pdf?=\"", Some("Angebot Müller.pdf"))]
#[case("name*=utf-8''Angebot%20M%C3%BCller.pdf", Some("Angebot Müller.pdf"))]
#[case("name*=iso-8859-1'de'M%FCller.pdf", Some("Müller.pdf"))]
#[case("name*0*=utf-8''Angebot%20M%C3;\r\n name*1*=%BCller;\r\n name*2=.pdf", Some("Angebot Müller.pdf"))]
#[case("name*1=\"b.pdf\"; name*0=\"a\"", Some("ab.pdf"))]
#[case("name=plain.pdf; name*=utf-8''%E2%82%AC.pdf", Some("€.pdf"))]
#[case("name*0*=iso-2022-jp''%1B%24B%243; name*1*=%24s%1B%28B.pdf", Some("こん.pdf"))]
#[case("NAME = \"x.pdf\"", Some("x.pdf"))]
#[case("name=\"unclosed.pdf", Some("unclosed.pdf"))]
#[case("name=\"\"", None)]
#[case("name", None)]
#[case(";;;=;name*99999999999=x", None)]
fn file_names(#[case] params: &str, #[case] expected: Option<&str>) {
    for field in [
        format!("Content-Type: application/pdf; {params}"),
        format!("Content-Disposition: attachment; file{params}").replace(" name*", " filename*"),
    ] {
        if field.contains("fileNAME") || field.contains("file;") {
            continue;
        }
        let mail = message(format!("{field}\r\n\r\nx").as_bytes()).expect("readable");
        assert_eq!(mail.parts[0].name.as_deref(), expected, "{field}");
    }
}

#[rstest]
#[case("", "Hello\r\nworld\r\n\r\n\r\n", "Hello\nworld")]
#[case("Content-Type: text/plain; charset=iso-8859-1", "f\u{fc}r", "für")]
#[case("Content-Type: text/plain; charset=utf-8", "f\u{fc}r", "für")] // claims UTF-8, is Latin-1
#[case("Content-Type: text/plain; charset=x-unknown", "f\u{fc}r", "für")]
#[case("Content-Type: text/plain", "f\u{fc}r", "für")]
#[case("Content-Type: text/plain; charset=\"windows-1251\"", "\u{cf}\u{f0}\u{e8}\u{e2}\u{e5}\u{f2}", "Привет")]
#[case("Content-Type: text/plain; charset=iso-2022-jp", "\x1b$B$3$s$K$A$O\x1b(B", "こんにちは")]
#[case(
    "Content-Type: text/plain; charset=gb2312\nContent-Transfer-Encoding: base64",
    "xOO6\r\nw8rA\r\nvec=\r\n",
    "你好世界"
)]
#[case("Content-Transfer-Encoding: BASE64", "SGVs*bG8=\n--\nFooter of a list", "Hello")]
#[case("Content-Transfer-Encoding: quoted-printable", "a=3Db=\r\nc =20\r\nd=ZZ=", "a=bc\nd=ZZ")]
#[case("Content-Transfer-Encoding: quoted-printable", "=C3=BC==\nx", "ü==\nx")]
#[case("Content-Transfer-Encoding: x-odd", "as it is", "as it is")]
#[case(
    "Content-Type: text/html",
    "<head><title>t</title><style>p{}</style></head><body><p>One</p><p>Two &amp; three<br>four</p><script>x()</script></body>",
    "One\nTwo & three\nfour"
)]
fn texts(#[case] head: &str, #[case] body: &str, #[case] expected: &str) {
    let mut bytes = format!("X: y\n{head}{}\n", if head.is_empty() { "" } else { "\n" }).into_bytes();
    bytes.extend(body.chars().map(|c| u8::try_from(u32::from(c)).expect("a byte")));
    let got = text_of(&bytes);
    assert!(got.starts_with(expected), "{got:?}");
}

#[rstest]
#[case("<ul><li>one</li><li>two&nbsp;2</li></ul>", "- one\n- two 2")]
#[case("<table><tr><td>A</td><td>B</td></tr><tr><td>C", "A\tB\nC")]
#[case("<div>a</div><div><br></div><div>b</div>", "a\n\nb")]
#[case("a<b>b</b>c <i> d</i>\n\n e", "abc d e")]
#[case("<pre>a\n  b</pre>c", "a\n  b\nc")]
#[case("1 < 2 &lt; 3 & 4 &amp 5 &#8364; &euro; &#x20AC; &nonsense; &", "1 < 2 < 3 & 4 &amp 5 € € € &nonsense; &")]
#[case("<a title=\"x > y\" href='z'>link</a>", "link")]
#[case("<a title=\"unclosed>link</a>", "link")]
#[case("a<!-- x --><!--[if mso]><p>no</p><![endif]--><![if !mso]>b<![endif]>", "ab")]
#[case("a<!-- never closed", "a")]
#[case("<STYLE>p > a {}</Style ><title>no</title>b<script>if (a</b) {}</script>c", "bc")]
#[case("<p", "")]
#[case("<h1>Title</h1>Text<p>Para<blockquote>quoted</blockquote>", "Title\nText\nPara\nquoted")]
fn html_to_text(#[case] markup: &str, #[case] expected: &str) {
    assert_eq!(decode::plain(&html::text(markup)), expected);
}

#[test]
fn what_makes_up_the_text() {
    let multipart = |kind: &str, parts: &[&str]| {
        let parts: String = parts.iter().map(|p| format!("--b\n{p}\n")).collect();
        format!("Content-Type: multipart/{kind}; boundary=b\n\n{parts}--b--\n")
    };
    let plain = "Content-Type: text/plain\n\nplain";
    let html = "Content-Type: text/html\n\n<b>html</b>";
    let file = "Content-Type: text/plain; name=log.txt\nContent-Disposition: attachment\n\nsecret file";
    let named = "Content-Type: text/plain; name=log.txt\nContent-Disposition: inline\n\nsecret file";
    let footer = "Content-Type: text/plain\nContent-Disposition: inline\n\nfooter";
    let blank = "Content-Type: text/plain\n\n   \n\n";
    let image = "Content-Type: image/png\n\nxx";
    for (mail, expected) in [
        (multipart("alternative", &[plain, html]), "plain"),
        (multipart("alternative", &[html, plain]), "plain"),
        (multipart("alternative", &[html]), "html"),
        (multipart("alternative", &[blank, html]), "html"),
        (multipart("mixed", &[plain, html]), "plain\nhtml"),
        (multipart("mixed", &[plain, file, footer]), "plain\nfooter"),
        (multipart("mixed", &[plain, named, image]), "plain"),
        (multipart("mixed", &[file]), "None"),
        (multipart("mixed", &[image]), "None"),
    ] {
        assert_eq!(text_of(mail.as_bytes()), expected, "{mail}");
    }
}

#[test]
fn text_is_cut_at_its_limit() {
    let mail = format!("X: y\nContent-Type: text/plain; charset=utf-8\n\n{}", "ü".repeat(5000));
    let Content::Text { text, truncated } = text(mail.as_bytes(), 1001) else { panic!("text") };
    assert!(truncated && text.len() == 1000 && text.chars().all(|c| c == 'ü'));
    let part = Part { size: 5, ..message(mail.as_bytes()).expect("readable").parts[0].clone() };
    assert_eq!(decode_part(&part, "aüb".as_bytes(), 100), "aüb");
    assert_eq!(decode_part(&part, &"aü".as_bytes()[..2], 100), "a", "a part that was cut in a character");
}

#[test]
fn delivery_reports() {
    let mail = b"From: MAILER-DAEMON@x.example\nContent-Type: multipart/report; report-type=delivery-status; boundary=r\n\n\
        --r\n\nCould not be delivered\n--r\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\nAction: failed\n\
        --r\nContent-Type: message/rfc822\n\nSubject: original\n\n--r--\n";
    let mail = message(mail).expect("readable");
    assert_eq!(mail.delivery_status.as_deref(), Some("Reporting-MTA: dns; x\n\nAction: failed"));
    assert_eq!(delivery_status_part(&mail.parts).map(|p| p.section.as_str()), Some("2"));
    assert_eq!(mail.parts.iter().filter(|p| p.attachment).count(), 1, "only the enclosed mail");
}

#[test]
fn what_is_no_message_is_refused_without_its_content() {
    for (bytes, why) in [
        (b"".as_slice(), "the message is empty"),
        (b"\r\n\r\n", "the message is empty"),
        (b"secret words without a colon\n\nbody", "the file holds no mail header"),
        (b"\x00\x01\x02\xFF", "the file holds no mail header"),
    ] {
        assert_eq!(message(bytes).err().as_deref(), Some(why));
    }
    let huge = format!("X: {}\n\nbody", "y".repeat(2 << 20));
    assert_eq!(message(huge.as_bytes()).err().as_deref(), Some("the message's header is larger than 1 MiB"));
}

/// Each of these aborted or stalled some program.
#[test]
fn hostile_mail_is_read_within_bounds() {
    let nested_messages = "Content-Type: message/rfc822\n\n".repeat(20_000);
    let nested_multiparts: String =
        (0..20_000).map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n")).collect();
    let digests = "Content-Type: multipart/digest; boundary=b\n\n--b\n".repeat(20_000);
    let many_parts = format!("Content-Type: multipart/mixed; boundary=b\n\n{}", "--b\n\nx\n".repeat(100_000));
    let many_headers = format!("From: a@x\n{}\n", "X: y\n".repeat(100_000));
    let many_words = format!("Subject: {}\n\n", "=?utf-8?Q?".repeat(50_000));
    let many_comments = format!("From: {}\n\n", "(".repeat(200_000));
    let many_quotes = format!("To: {}\n\n", "\"@<:=?".repeat(50_000));
    let many_escapes = format!("To: {}\n\n", "\"\\".repeat(200_000));
    let many_params = format!("Content-Type: text/plain{}\n\nx", ";name*0*=a".repeat(50_000));
    let deep_html = format!("Content-Type: text/html\n\n{}x", "<div>".repeat(100_000));
    let open_html = format!("Content-Type: text/html\n\n{}", "<!-- <a ".repeat(100_000));
    let open_tags = format!("Content-Type: text/html\n\n{}", "<a \"'<style><!".repeat(100_000));
    let dashes = format!("Content-Type: multipart/mixed; boundary=b\n\n{}", "--\n".repeat(300_000));
    for (mail, parts) in [
        (nested_messages, 1),
        (nested_multiparts, 1),
        (digests, PARTS),
        (many_parts, PARTS),
        (many_headers, 1),
        (many_words, 1),
        (many_comments, 1),
        (many_quotes, 1),
        (many_escapes, 1),
        (many_params, 1),
        (deep_html, 1),
        (open_html, 1),
        (open_tags, 1),
        (dashes, 1),
    ] {
        if let Ok(read) = message(mail.as_bytes()) {
            assert_eq!(read.parts.len(), parts, "{}", &mail[..40]);
        }
        let _ = text(mail.as_bytes(), 64 << 10);
    }
}

const PARTS: usize = 500;

fn anything() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"\r\n".to_vec()),
        Just(b"\n\n".to_vec()),
        Just(b"From: ".to_vec()),
        Just(b"Subject: =?utf-8?Q?".to_vec()),
        Just(b"=?iso-2022-jp?B?".to_vec()),
        Just(b"?=".to_vec()),
        Just(b"Date: Mon, 5 Jan 2026 10:00:00".to_vec()),
        Just(b"Content-Type: multipart/alternative; boundary=b\n\n--b\n".to_vec()),
        Just(b"Content-Type: text/html; charset=".to_vec()),
        Just(b"Content-Transfer-Encoding: base64\n".to_vec()),
        Just(b"Content-Transfer-Encoding: quoted-printable\n".to_vec()),
        Just(b"; name*0*=utf-8''%".to_vec()),
        Just(b"--b--".to_vec()),
        Just(b"<a@b>".to_vec()),
        Just(b"<!--".to_vec()),
        Just(b"&#x".to_vec()),
        Just(b"\"(".to_vec()),
        "[ -~]{0,12}".prop_map(String::into_bytes),
        "\\PC{0,4}".prop_map(String::into_bytes),
        proptest::collection::vec(any::<u8>(), 0..8),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn never_panics(bytes in anything(), limit in 0usize..2000) {
        let head = header(&bytes);
        prop_assert!(head.subject.is_none_or(|s| !s.chars().any(char::is_control)));
        if let Ok(mail) = message(&bytes) {
            prop_assert!(!mail.parts.is_empty());
            let mut sections: Vec<_> = mail.parts.iter().map(|p| &p.section).collect();
            sections.dedup();
            prop_assert_eq!(sections.len(), mail.parts.len());
            for part in &mail.parts {
                prop_assert!(decode_part(part, &bytes, limit).len() <= limit);
            }
        }
        if let Content::Text { text, .. } = text(&bytes, limit) {
            prop_assert!(text.len() <= limit);
        }
        let _ = field(&bytes, "x");
    }

    #[test]
    fn any_charset_decodes_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..60), which in 0usize..CHARSETS.len()) {
        decode::charset(&bytes, Some(CHARSETS[which]));
    }

    #[test]
    fn any_text_is_a_date_or_not(text in "\\PC{0,40}", dated in "[0-9A-Za-z:+,. /-]{0,40}") {
        let _ = (date(&text), date(&dated), addresses(&text), decode_words(&text));
    }

    #[test]
    fn html_never_panics(markup in "(<|>|&|;|#|x|/|!|-|p|br|style|script|head|\"|ü|😀| |[0-9]|amp){0,40}") {
        let _ = html::text(&markup);
    }

    #[test]
    fn encoded_words_round_trip(text in "\\PC{1,20}") {
        let hex: String = text.bytes().map(|b| format!("={b:02X}")).collect();
        let wire = format!("=?utf-8?Q?{hex}?=");
        prop_assert_eq!(decode_words(&wire), text.as_str());
    }
}

const CHARSETS: &[&str] = &[
    "utf-8",
    "us-ascii",
    "iso-8859-1",
    "iso-8859-15",
    "windows-1250",
    "windows-1251",
    "windows-1252",
    "koi8-r",
    "gb2312",
    "gbk",
    "gb18030",
    "big5",
    "euc-jp",
    "shift_jis",
    "iso-2022-jp",
    "iso-2022-kr",
    "euc-kr",
    "utf-7",
    "utf-16",
    "utf-16le",
    "utf-16be",
    "macintosh",
    "hz-gb-2312",
    "ibm866",
    "tis-620",
    "x-user-defined",
    "nonsense",
    "",
];

#[test]
fn floods_are_kept_to_what_an_honest_mail_holds() {
    let people = |n: usize| (0..n).map(|i| format!("b{i}@x.example")).collect::<Vec<_>>().join(", ");
    let mail = header(format!("To: {}\nTo: {}\nCc: c@x.example\n\n", people(1_500), people(1_500)).as_bytes());
    assert_eq!((mail.to.len(), mail.cc.len()), (2_000, 1));
    let ids: String = (0..900).map(|i| format!("References: <{i}@x>\nIn-Reply-To: <{i}@y>\n")).collect();
    let mail = header(ids.as_bytes());
    assert_eq!((mail.references.len(), mail.in_reply_to.len()), (200, 200));
    // a calendar that stands there many times over, and calendars that are too much together
    let part = |uid: &str, fill: usize| {
        format!(
            "--b\nContent-Type: text/calendar\n\nBEGIN:VCALENDAR\nUID:{uid}\nX:{}\nEND:VCALENDAR\n",
            "x".repeat(fill)
        )
    };
    let body: String = (0..6).map(|i| part(&i.to_string(), 900_000)).collect();
    let mail =
        message(format!("Content-Type: multipart/mixed; boundary=b\n\n{body}--b--\n").as_bytes()).expect("a mail");
    assert_eq!(mail.calendars.len(), 3);
    // the text of one endless line is no longer than any other
    let line =
        format!("Content-Type: text/plain\nContent-Transfer-Encoding: quoted-printable\n\n{}", "=41".repeat(50_000));
    assert_eq!(text(line.as_bytes(), 100), Content::Text { text: "A".repeat(100), truncated: true });
}

#[test]
fn an_entry_of_wrapping_alone_is_no_mailbox() {
    for value in ["\"x\" <@a@b>, c@d", "=?utf-8?q?=3C=40a=40b=3E?=, c@d", "'@x@y', c@d"] {
        assert_eq!(boxes(&addresses(value)), "c@d", "{value}");
    }
    // what an encoded word hides may break a line or a database nowhere
    for value in ["<=?utf-8?q?\"a=00=0A\"=40b?=>", "<=?utf-8?q?a=00=0A=40b?=>", "=?utf-8?q?a=00=40b?="] {
        let found = addresses(value);
        assert!(!found[0].address.contains(char::is_control), "{value}");
    }
}
