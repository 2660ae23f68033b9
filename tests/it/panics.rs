//! Readers with a mistake in them: programs built for development panic over what `DEALTRAIL_TRIP` names. One message, one
//! event, one row is lost for now; nothing of it is told to anybody who reads the log.

use std::fs;

use dealtrail_sdk::alone;
use rstest::rstest;

use crate::support::{
    Database::{self, Postgres, Sqlite},
    Letter, Office, Said, days_ago, letter,
};

/// What the readers stumble over.
const WIRE: &str = "Zq7,Wire";

fn sync(office: &Office, trip: bool, full: bool) -> Said {
    let arguments: &[&str] = if full { &["--log", "trace", "sync", "--full"] } else { &["--log", "trace", "sync"] };
    let mut command = office.program.command(arguments);
    if trip {
        command.env("DEALTRAIL_TRIP", WIRE);
    }
    let out = command.output().expect("the program can be started");
    let text = |bytes| String::from_utf8(bytes).expect("output is UTF-8");
    Said { code: out.status.code(), out: text(out.stdout), err: text(out.stderr) }
}

fn event(uid: &str, summary: &str) -> String {
    let at = days_ago(5).format("%Y%m%dT%H%M%SZ");
    format!(
        "BEGIN:VEVENT\nUID:{uid}\nDTSTART:{at}\nDURATION:PT1H\nSUMMARY:{summary}\nORGANIZER:mailto:ana@acme.example\n\
         ATTENDEE;PARTSTAT=ACCEPTED:mailto:eve@buyer.example\nEND:VEVENT\n"
    )
}

/// Mail of a Maildir and an mbox, a calendar, an export: each with something bad in the middle.
fn fill(office: &Office) {
    let bad = String::from_utf8(letter("bad@buyer.example").bytes()).expect("text");
    office.deliver("ana", "INBOX", &letter("before@buyer.example").bytes());
    office.deliver("ana", "INBOX", format!("{bad}{WIRE} and a secret\r\n").as_bytes());
    // this one is read, and the decision over it stumbles: =?utf-8?B?WnE3LFdpcmU=?= is the wire
    let deciding = Letter { subject: "=?utf-8?B?WnE3LFdpcmU=?= a secret", ..letter("deciding@buyer.example") };
    office.deliver("ana", "INBOX", &deciding.bytes());
    office.deliver("ana", "INBOX", &letter("after@buyer.example").bytes());
    let line = b"From eve@buyer.example Mon Jan  5 10:00:00 2026\r\n".as_slice();
    let mail = |id, more: &str| {
        [line, &Letter { to: "bob@acme.example", ..letter(id) }.bytes(), more.as_bytes(), b"\r\n"].concat()
    };
    let mbox = [mail("b1@buyer.example", ""), mail("b2@buyer.example", WIRE), mail("b3@buyer.example", "")].concat();
    fs::write(office.dir.path().join("bob.mbox"), mbox).expect("a mailbox");
    let events = [event("e1", ""), event("e2", WIRE), event("e3", "Zq7\\,Wire"), event("e4", "")];
    let calendar = format!("BEGIN:VCALENDAR\nVERSION:2.0\n{}END:VCALENDAR\n", events.concat());
    fs::write(office.dir.path().join("calendar.ics"), calendar).expect("a calendar");
    office.csv(
        "contacts",
        &[
            "id,name,emails,company_id",
            "K1,Eve,eve@buyer.example,C1",
            &format!("K2,\"{WIRE}\",zoe@buyer.example,C1"),
            "K3,Max,max@buyer.example,C1",
        ],
    );
    office.add(
        "[[connection]]\nname = \"bob-mail\"\nconnector = \"mbox\"\nowner = \"bob@acme.example\"\npath = \"bob.mbox\"\n\n\
         [[connection]]\nname = \"ana-calendar\"\nconnector = \"ics\"\nowner = \"ana@acme.example\"\npath = \"calendar.ics\"",
    );
}

fn captured(office: &Office) -> Vec<String> {
    let rows = office.program.export("activities");
    let id = |v: &serde_json::Value| v.as_str().map(|t| t.replace("@buyer.example", ""));
    let mut ids: Vec<String> =
        rows.iter().filter_map(|r| id(&r["message_id"]).or_else(|| id(&r["ical_uid"]))).collect();
    ids.sort();
    ids
}

#[rstest]
fn a_reader_that_panics_costs_one_item_and_tells_nothing(#[values(Sqlite, Postgres)] on: Database) {
    let office = Office::new(on);
    fill(&office);
    for full in [false, true] {
        let said = sync(&office, true, full);
        assert_eq!(said.code, Some(1), "a row of the CRM cannot be read:\n{}", said.err);
        for text in [&said.err, &said.out] {
            assert!(!text.contains(WIRE) && !text.contains("secret"), "what a panic says was told:\n{text}");
        }
        let places = said.err.lines().filter(|l| l.contains("panicked at connectors/sdk/src/alone.rs:"));
        assert!(places.clone().count() >= 5 && places.clone().all(|l| l.contains("(fault ")), "{}", said.err);
        assert_eq!(captured(&office), ["after", "b1", "b3", "before", "e1", "e4"], "full {full}");
        let aside: Vec<_> =
            office.program.export("decisions").into_iter().filter(|d| d["outcome"] == "quarantined").collect();
        assert_eq!(aside.len(), 6, "{aside:?}");
        assert!(aside.iter().all(|d| d["detail"].as_str().is_some_and(|why| why.contains(alone::WHY))), "{aside:?}");
        assert_eq!(office.program.export("contacts").len(), 2);
    }
    // mended, all is there
    assert_eq!(sync(&office, false, true).code, Some(0));
    let all = ["after", "b1", "b2", "b3", "bad", "before", "deciding", "e1", "e2", "e3", "e4"];
    assert_eq!(captured(&office), all);
    assert_eq!(office.program.export("contacts").len(), 3);
}
