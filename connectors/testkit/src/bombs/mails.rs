//! Mails that are built to cost time, memory or stack: depth, number, length, lies about charsets, floods of what is
//! decoded, markup. All carry a Message-ID, so that what became of them can be told.

use super::{Bomb, Kind::Mail, counted, filled};

const fn mail(name: &'static str, make: fn(usize) -> Vec<u8>) -> Bomb {
    Bomb { name, kind: Mail, make }
}

pub(super) const ALL: &[Bomb] = &[
    mail("nested multiparts", nested_multiparts),
    mail("nested messages", nested_messages),
    mail("nested messages and multiparts", nested_both),
    mail("one boundary for every depth", one_boundary),
    mail("many parts", |n| counted(MIXED, |i| format!("--b\n\npart {i}\n"), "--b--\n", n)),
    mail("many empty multiparts", empty_multiparts),
    mail("lines that are nearly boundaries", near_boundaries),
    mail("lines of two hyphens", |n| filled(&deep_head(60), b"--\n", "", n)),
    mail("multipart never closed", |n| filled(MIXED, b"--b\nContent-Type: multipart/mixed; boundary=b\n\n", "", n)),
    mail("many headers", |n| counted(HEAD, |i| format!("X-{i}: y\n"), "\ntext\n", n)),
    mail("empty headers", |n| filled(HEAD, b"A:\n", "\ntext\n", n)),
    mail("many recipients fields", |n| counted(HEAD, |i| format!("To: <b{i}@x.example>\n"), "\ntext\n", n.min(MIB))),
    mail("many references", |n| counted(HEAD, |i| format!("References: <{i}@x>\n"), "\ntext\n", n.min(MIB))),
    mail("a header of one line", |n| filled("Message-ID: <b@x>\nX: ", b"y", "\n\ntext\n", n)),
    mail("a subject of one line", |n| filled(SUBJECT, b"y", "\n\ntext\n", n.min(MIB))),
    mail("no end of the header", |n| filled(HEAD, b"Subject: x\n folded\n", "", n)),
    mail("folded again and again", |n| filled(SUBJECT, b"x\n ", "\n\ntext\n", n.min(MIB))),
    mail("lost blanks of folding", lost_blanks),
    mail("the same in a part", lost_blanks_in_a_part),
    mail("a part's header without end", |n| filled(PART, b"x\n y\n ", "", n)),
    mail("a part's type without end", |n| filled(PART, b";a=b", "\n\n", n)),
    mail("pieces of RFC 2231", |n| counted(PART, |i| format!(";\n name*{i}*=%41%"), "\n\nx\n--b--\n", n)),
    mail("pieces of RFC 2231, all the last", |n| filled(PART, b"; name*4294967295=x", "\n\nx\n--b--\n", n)),
    mail("encoded words", |n| filled(SUBJECT, b"=?utf-8?q?=41?=\n ", "\n\ntext\n", n.min(MIB))),
    mail("encoded words in turn", |n| {
        filled(SUBJECT, b"=?utf-8?q?=C3?= =?iso-2022-jp?b?GyRC?= ", "\n\ntext\n", n.min(MIB))
    }),
    mail("encoded words without end", |n| filled(SUBJECT, b"=?a?q?x", "\n\ntext\n", n.min(MIB))),
    mail("encoded words in addresses", |n| filled(TO, b"=?a?q?x", " <b@x.example>\n\ntext\n", n.min(MIB))),
    mail("a date of comments", |n| {
        filled("Message-ID: <b@x>\nFrom: a@x.example\nDate: ", b"(", "\n\ntext\n", n.min(MIB))
    }),
    mail("a date of blanks", |n| {
        filled("Message-ID: <b@x>\nFrom: a@x.example\nDate: Mon", b" ,", "1\n\ntext\n", n.min(MIB))
    }),
    mail("a date of numbers", |n| filled("Message-ID: <b@x>\nDate: 1", b"-1", "\n\ntext\n", n.min(MIB))),
    mail("many recipients", |n| counted(TO, |i| format!("b{i}@x.example,"), "\n\ntext\n", n.min(MIB))),
    mail("short recipients", |n| filled(TO, b"a@b,", "\n\ntext\n", n.min(MIB))),
    mail("recipients in open comments", |n| filled(TO, b"a@b (", "\n\ntext\n", n.min(MIB))),
    mail("recipients in open quotes", |n| filled(TO, b"\"a\\", "\n\ntext\n", n.min(MIB))),
    mail("recipients in open brackets", |n| filled(TO, b"<\"", "\n\ntext\n", n.min(MIB))),
    mail("recipients in groups", |n| filled(TO, b"g:", "\n\ntext\n", n.min(MIB))),
    mail("one endless recipient", |n| filled(TO, b"a@", "\n\ntext\n", n.min(MIB))),
    mail("an id without end", |n| filled("Message-ID: <b@x>\nIn-Reply-To: ", b"<a@b", "\n\ntext\n", n.min(MIB))),
    mail("text of one line", |n| filled(TEXT, b"x", "", n)),
    mail("text of empty lines", |n| filled(TEXT, b"\n", "", n)),
    mail("text of blanks", |n| filled(TEXT, b" ", "x\n", n)),
    mail("text of zeros", |n| filled(TEXT, b"\0", "", n)),
    mail("nothing but zeros", |n| vec![0; n]),
    mail("empty lines and nothing else", |n| filled("", b"\r\n", "", n)),
    mail("quoted-printable of one line", |n| filled(&coded("quoted-printable", "utf-8"), b"=41", "", n)),
    mail("quoted-printable of equals signs", |n| filled(&coded("quoted-printable", "utf-8"), b"=", "", n)),
    mail("quoted-printable of soft breaks", |n| filled(&coded("quoted-printable", "utf-8"), b"=\n", "", n)),
    mail("base64 of one line", |n| filled(&coded("base64", "utf-8"), b"QUFB", "", n)),
    mail("base64 of nothing", |n| filled(&coded("base64", "utf-8"), b"=.", "", n)),
    mail("utf-8 that is none", |n| filled(&coded("8bit", "utf-8"), b"\xC3\xC3\x28\xFF", "", n)),
    mail("utf-16 that is none", |n| filled(&coded("8bit", "utf-16"), b"\xD8\x00\xDC", "", n)),
    mail("utf-7 without end", |n| filled(&coded("8bit", "utf-7"), b"+AGE", "", n)),
    mail("iso-2022-jp of escapes", |n| filled(&coded("8bit", "iso-2022-jp"), b"\x1b$B\x1b(B\x1b$", "", n)),
    mail("gb18030 of halves", |n| filled(&coded("8bit", "gb18030"), b"\x81\x30\x81", "", n)),
    mail("big5 of halves", |n| filled(&coded("8bit", "big5"), b"\x81\xFE\xFE", "", n)),
    mail("euc-kr of halves", |n| filled(&coded("8bit", "euc-kr"), b"\xFE", "", n)),
    mail("a charset without end", |n| {
        filled("Message-ID: <b@x>\nContent-Type: text/plain; charset=", b"x", "\n\ny\n", n)
    }),
    mail("html of deep tags", |n| filled(HTML, b"<div>", "x", n)),
    mail("html of less-than signs", |n| filled(HTML, b"<", "", n)),
    mail("html of entities", |n| filled(HTML, b"&amp;&#x110000;&lt", "", n)),
    mail("html of ampersands", |n| filled(HTML, b"&", "", n)),
    mail("html of open quotes", |n| filled(HTML, b"<a b=\"", ">x", n)),
    mail("html of open comments", |n| filled(HTML, b"<!-", "", n)),
    mail("html of open styles", |n| filled(HTML, b"<style></", "x", n)),
    mail("html of closed styles", |n| filled(HTML, b"<style></styl>", "x", n)),
    mail("html of slashes", |n| filled(HTML, b"</", "", n)),
    mail("html of blanks and breaks", |n| filled(&format!("{HTML}<pre>{}", " ".repeat(n / 16)), b" <p>", "", n)),
    mail("html of cells", |n| filled(HTML, b"<td>&nbsp;<br>", "", n)),
    mail("many calendars", many_calendars),
    mail("a calendar of rules", calendar_of_rules),
    mail("a calendar of texts", calendar_of_texts),
];

const MIB: usize = (1 << 20) - 1;
const HEAD: &str = "Message-ID: <b@x>\nFrom: a@x.example\nTo: b@x.example\nDate: Mon, 5 Jan 2026 10:00:00 +0000\n";
const SUBJECT: &str = "Message-ID: <b@x>\nFrom: a@x.example\nTo: b@x.example\nSubject: ";
const TO: &str = "Message-ID: <b@x>\nFrom: a@x.example\nTo: ";
const TEXT: &str = "Message-ID: <b@x>\nFrom: a@x.example\nTo: b@x.example\n\n";
const HTML: &str = "Message-ID: <b@x>\nFrom: a@x.example\nContent-Type: text/html\n\n";
const MIXED: &str = "Message-ID: <b@x>\nFrom: a@x.example\nContent-Type: multipart/mixed; boundary=b\n\n";
const PART: &str =
    "Message-ID: <b@x>\nFrom: a@x.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain";

fn coded(encoding: &str, charset: &str) -> String {
    format!(
        "Message-ID: <b@x>\nFrom: a@x.example\nContent-Type: text/plain; charset={charset}\n\
         Content-Transfer-Encoding: {encoding}\n\n"
    )
}

fn nested_multiparts(size: usize) -> Vec<u8> {
    let level = |i: usize| format!("Content-Type: multipart/mixed; boundary=b{i}\n\n--b{i}\n");
    counted("Message-ID: <b@x>\nFrom: a@x.example\n", level, "\ntext\n", size)
}

fn nested_messages(size: usize) -> Vec<u8> {
    filled("Message-ID: <b@x>\nFrom: a@x.example\n", b"Content-Type: message/rfc822\n\n", "Subject: x\n\ntext\n", size)
}

fn nested_both(size: usize) -> Vec<u8> {
    let level = |i: usize| format!("Content-Type: multipart/digest; boundary=b{i}\n\n--b{i}\n\n");
    counted("Message-ID: <b@x>\nFrom: a@x.example\n", level, "\ntext\n", size)
}

fn one_boundary(size: usize) -> Vec<u8> {
    let level = b"Content-Type: multipart/mixed; boundary=\"b\"\n\n--b\n";
    filled("Message-ID: <b@x>\nFrom: a@x.example\n", level, "\ntext\n--b--\n", size)
}

fn empty_multiparts(size: usize) -> Vec<u8> {
    counted(MIXED, |i| format!("--b\nContent-Type: multipart/mixed; boundary=c{i}\n\n"), "--b--\n", size)
}

/// Multiparts in each other whose boundaries begin alike.
fn deep_head(levels: usize) -> String {
    let long = "x".repeat(60);
    let mut head = "Message-ID: <b@x>\nFrom: a@x.example\n".to_owned();
    for i in 0..levels {
        head += &format!("Content-Type: multipart/mixed; boundary={long}{i}\n\n--{long}{i}\n");
    }
    head + "\n"
}

fn near_boundaries(size: usize) -> Vec<u8> {
    filled(&deep_head(60), format!("--{}\n", "x".repeat(60)).as_bytes(), "", size)
}

/// A field with a long way to its colon, and continuations that only its name allows.
fn lost_blanks(size: usize) -> Vec<u8> {
    let size = size.min(MIB);
    filled(&format!("Message-ID: <b@x>\nTo{}:\n", " ".repeat(size / 2)), b"<\n", "\ntext\n", size)
}

fn lost_blanks_in_a_part(size: usize) -> Vec<u8> {
    filled(&format!("{MIXED}--b\nTo{}:\n", " ".repeat(size / 2)), b"<\n", "\ntext\n--b--\n", size)
}

fn many_calendars(size: usize) -> Vec<u8> {
    let part = |i: usize| {
        format!(
            "--b\nContent-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:{i}\n\
             DTSTART:20260105T100000Z\nDESCRIPTION:{}\nEND:VEVENT\nEND:VCALENDAR\n",
            "x".repeat(size / 40)
        )
    };
    counted(MIXED, part, "--b--\n", size)
}

fn calendar(size: usize, event: impl Fn(usize) -> String) -> Vec<u8> {
    let head = format!("{MIXED}--b\nContent-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR\nMETHOD:REQUEST\n");
    counted(&head, event, "END:VCALENDAR\n--b--\n", size.min(MIB))
}

/// Events whose rules each cost as much as one may.
fn calendar_of_rules(size: usize) -> Vec<u8> {
    calendar(size, |i| {
        format!(
            "BEGIN:VEVENT\nUID:{i}\nDTSTART:16010101T000000Z\n\
             RRULE:FREQ=HOURLY;COUNT=1000000000;BYMONTH=2;BYMONTHDAY=30\nEND:VEVENT\n"
        )
    })
}

/// Events whose instances each carry a long text.
fn calendar_of_texts(size: usize) -> Vec<u8> {
    let text = "x".repeat(size.min(64 << 10) / 4);
    calendar(size, |i| {
        format!("BEGIN:VEVENT\nUID:{i}\nDTSTART:20250101T000000Z\nRRULE:FREQ=HOURLY\nDESCRIPTION:{text}\nEND:VEVENT\n")
    })
}
