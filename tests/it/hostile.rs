//! Mailboxes, calendars and exports full of bombs beside good content: the good is captured, each bomb costs itself alone, and
//! the program neither dies nor hangs. What each bomb does to its reader alone stands in `fuzz/tests/bombs.rs`.

use std::{fs, process::Command};

use dealtrail_testkit::bombs::{self, Kind};

use crate::support::{Database::Sqlite, Office, Said, days_ago, letter};

/// Bytes of a bomb: enough that what grows with the square of its size is noticed.
const SIZE: usize = 200_000;
/// Seconds of processor time for one pass over all of them: many times what it needs.
const SECONDS: u32 = 240;

/// One pass that is ended by the system when it does not end by itself.
fn sync(office: &Office) -> Said {
    let plain = office.program.command(&["sync"]);
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("ulimit -t {SECONDS} && exec \"$0\" \"$@\""));
    command.arg(plain.get_program()).args(plain.get_args()).env_remove("DEALTRAIL_LOG");
    let out = command.output().expect("sh can be started");
    let text = |bytes| String::from_utf8(bytes).expect("output is UTF-8");
    let said = Said { code: out.status.code(), out: text(out.stdout), err: text(out.stderr) };
    assert!(matches!(said.code, Some(0 | 1)), "{}:\n{}", out.status, said.err);
    assert!(!said.err.contains("panicked"), "{}", said.err);
    said
}

/// A bomb as a mail of the buyer's, so that it is captured and its text read wherever that can be done.
fn from_the_buyer(number: usize, bytes: Vec<u8>) -> Vec<u8> {
    let head = format!("Date: {}\nMessage-ID: <bomb{number}@x>\n", days_ago(9).to_rfc2822());
    match bytes.strip_prefix(b"Message-ID: <b@x>\n") {
        Some(rest) => {
            let mut mail = head.into_bytes();
            mail.extend_from_slice(rest);
            let from = b"From: a@x.example";
            if let Some(at) = mail.windows(from.len()).position(|w| w == from) {
                mail.splice(at..at + from.len(), *b"From: eve@buyer.example");
            }
            mail
        }
        None => bytes,
    }
}

#[test]
fn bombs_in_a_mailbox_cost_themselves_alone() {
    let office = Office::new(Sqlite);
    office.deliver("ana", "INBOX", &letter("before@buyer.example").bytes());
    for (number, bomb) in bombs::of(Kind::Mail).enumerate() {
        office.deliver("ana", "INBOX", &from_the_buyer(number, bomb.bytes(SIZE)));
    }
    office.deliver("ana", "INBOX", &letter("after@buyer.example").bytes());
    sync(&office);
    for id in ["before@buyer.example", "after@buyer.example"] {
        assert!(office.program.activity(id).is_some(), "{id} was captured");
    }
    let decisions = office.program.decisions("INBOX");
    let mails = bombs::of(Kind::Mail).count() + 2;
    let messages: Vec<_> = decisions.iter().filter(|d| d["ical_uid"].is_null()).collect();
    assert_eq!(messages.len(), mails, "every mail has one decision");
    let count = |outcome: &str| messages.iter().filter(|d| d["outcome"] == outcome).count();
    assert!(count("captured") > mails / 3, "only {} of {mails} were captured", count("captured"));
    assert!(count("quarantined") > 2, "{} were quarantined", count("quarantined"));
    for row in messages.iter().filter(|d| d["outcome"] == "quarantined") {
        assert!(row["detail"].as_str().is_some_and(|why| !why.is_empty()), "no reason: {row:?}");
    }
    // what was decided stays, and costs little
    let settled = office.program.settled();
    sync(&office);
    crate::support::assert_same(&settled, &office.program.settled(), "after a second pass");
}

#[test]
fn bombs_in_a_calendar_cost_themselves_alone() {
    let office = Office::new(Sqlite);
    office.deliver("ana", "INBOX", &letter("mail@buyer.example").bytes());
    let folder = office.dir.path().join("calendar");
    fs::create_dir(&folder).expect("the calendar's folder");
    for (number, bomb) in bombs::of(Kind::Calendar).enumerate() {
        fs::write(folder.join(format!("bomb{number:02}.ics")), bomb.bytes(SIZE / 4)).expect("a bomb");
    }
    let at = days_ago(5).format("%Y%m%dT%H%M%SZ");
    let good = format!(
        "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nUID:good@acme.example\nDTSTART:{at}\nDURATION:PT1H\nSUMMARY:Offer\n\
         ORGANIZER:mailto:ana@acme.example\nATTENDEE;PARTSTAT=ACCEPTED:mailto:eve@buyer.example\nEND:VEVENT\nEND:VCALENDAR\n"
    );
    fs::write(folder.join("zz-good.ics"), good).expect("a calendar");
    office.add(
        "[[connection]]\nname = \"ana-calendar\"\nconnector = \"ics\"\nowner = \"ana@acme.example\"\npath = \"calendar\"",
    );
    sync(&office);
    assert!(office.program.activity("mail@buyer.example").is_some(), "the mailbox was read");
    let meetings = office.program.export("activities");
    assert!(meetings.iter().any(|m| m["ical_uid"] == "good@acme.example"), "the good calendar was read");
    let bad: Vec<_> =
        office.program.export("decisions").into_iter().filter(|d| d["outcome"] == "quarantined").collect();
    assert!(bad.len() > 5, "{bad:?}");
    for row in &bad {
        assert!(row["detail"].as_str().is_some_and(|why| !why.is_empty()), "no reason: {row:?}");
    }
}

#[test]
fn bombs_in_an_export_cost_themselves_alone() {
    let office = Office::new(Sqlite);
    office.deliver("ana", "INBOX", &letter("mail@buyer.example").bytes());
    let path = office.dir.path().join("crm/contacts.csv");
    for (name, size, reads_on) in [
        ("a quote in every row", 10_000, true),
        ("cells without number", 100_000, true),
        ("a huge cell", 1_000_000, true),
        ("a quote that is never closed", 10_000, true),
        ("columns without number", 100_000, false),
    ] {
        let bomb = bombs::of(Kind::Sheet).find(|b| b.name == name).expect("a bomb of that name");
        let mut bytes = bomb.bytes(size);
        bytes.extend_from_slice(b"\nEVE,Eve,eve@buyer.example\n");
        fs::write(&path, bytes).expect("the contacts");
        let said = sync(&office);
        let names: Vec<_> = office.program.export("contacts").iter().map(|c| c["id"].clone()).collect();
        // a header that cannot be is refused with its file, and what was read last stays
        assert!(names.iter().any(|id| id == "EVE"), "{name}: the good row is lost\n{}", said.err);
        let refused = said.err.lines().any(|l| l.starts_with("crm / contacts.csv: "));
        assert_eq!(refused, !reads_on, "{name}\n{}", said.err);
    }
    assert!(office.program.activity("mail@buyer.example").is_some(), "the mailbox was read");
}
