//! Mailboxes and exports on disk while other programs work on them, through the whole program: names given twice, mails
//! that are half there, lists that vanish. One mail is one activity, whatever state its file was first seen in.

use std::{fs, io::Write as _};

use rstest::rstest;
use serde_json::Value;

use crate::support::{
    Database::{self, Postgres, Sqlite},
    Letter, Office, assert_same, days_ago, letter,
};

fn activities(office: &Office) -> Vec<String> {
    let rows = office.program.export("activities");
    let mut ids: Vec<String> =
        rows.iter().map(|r| r["message_id"].as_str().expect("a Message-ID").to_owned()).collect();
    ids.sort();
    ids
}

/// A second pass and a full one change nothing more.
fn stands(office: &Office) {
    let settled = office.program.settled();
    for pass in [&["sync"][..], &["sync", "--full"]] {
        office.program.run(pass);
        assert_same(&settled, &office.program.settled(), &format!("{pass:?}"));
    }
}

#[rstest]
fn two_mails_with_one_file_name_are_two_activities(#[values(Sqlite, Postgres)] on: Database) {
    let office = Office::new(on);
    let first = office.deliver("ana", "INBOX", &letter("one@buyer.example").bytes());
    office.program.sync();
    // somebody carries a mail here from another mailbox, where it had the same name
    let name = first.file_name().expect("a name").to_str().expect("text").replace(":2,S", ":2,RS");
    fs::write(first.with_file_name(&name), letter("two@buyer.example").bytes()).expect("a message");
    office.program.sync();
    assert_eq!(activities(&office), ["one@buyer.example", "two@buyer.example"]);
    stands(&office);
    // one of them goes, what happened stays
    fs::remove_file(first).expect("the first");
    office.program.sync();
    assert_eq!(activities(&office), ["one@buyer.example", "two@buyer.example"]);
    stands(&office);
}

#[rstest]
fn a_mail_seen_while_it_is_written_is_one_activity(#[values(Sqlite, Postgres)] on: Database) {
    let office = Office::without_mail(on);
    office.mailbox("ana");
    office.add(
        "[[connection]]\nname = \"bob-mail\"\nconnector = \"mbox\"\nowner = \"bob@acme.example\"\npath = \"bob.mbox\"",
    );
    let whole = Letter { to: "bob@acme.example", ..letter("bob@buyer.example") }.bytes();
    let whole = [b"From eve@buyer.example Mon Jan  5 10:00:00 2026\r\n", whole.as_slice(), b"\r\n"].concat();
    let mbox = office.dir.path().join("bob.mbox");
    let copied = letter("ana@buyer.example").bytes();
    let maildir = office.dir.path().join("mail/ana/cur/1700000500.M1P1.acme:2,S");
    // in the header, before the Message-ID's end; in the header; in the text; whole
    for share in [2, 40, 97, 100] {
        fs::write(&mbox, &whole[..whole.len() * share / 100]).expect("the mailbox");
        fs::write(&maildir, &copied[..copied.len() * share / 100]).expect("the mail");
        office.program.say(&["sync"]);
    }
    office.program.sync();
    assert_eq!(activities(&office), ["ana@buyer.example", "bob@buyer.example"]);
    let quarantined = |stream: &str| {
        let rows = office.program.decisions(stream);
        rows.iter().filter(|r| r["outcome"] == "quarantined" && r["gone_at"].is_null()).count()
    };
    assert_eq!((quarantined("INBOX"), quarantined("bob.mbox")), (0, 0));
    for id in ["ana@buyer.example", "bob@buyer.example"] {
        let row = office.program.activity(id).expect("an activity");
        assert_eq!((&row["subject"], &row["text"]), (&Value::from("Your offer"), &Value::from("kept")));
    }
    // another mail is appended, and the first one is the same mail
    let sightings = |id: &str| office.program.activity(id).expect("an activity")["sightings"].clone();
    let before = sightings("bob@buyer.example");
    let next = Letter { to: "bob@acme.example", ..letter("next@buyer.example") }.bytes();
    let mut file = fs::OpenOptions::new().append(true).open(&mbox).expect("opens");
    file.write_all(&[b"From eve@buyer.example Mon Jan  5 10:00:00 2026\r\n", next.as_slice()].concat())
        .expect("written");
    office.program.sync();
    assert_eq!(activities(&office), ["ana@buyer.example", "bob@buyer.example", "next@buyer.example"]);
    assert_eq!(sightings("bob@buyer.example"), before);
}

#[rstest]
fn nul_bytes_in_an_export_cost_their_rows_alone(#[values(Sqlite, Postgres)] on: Database) {
    let office = Office::new(on);
    let rows = ["id,name,emails,company_id", "K1,Eve,eve@buyer.example,C1", "K2,Zo\0e,zoe@buyer.example,C1", "\0\0\0"];
    office.csv("contacts", &rows);
    let said = office.program.say(&["sync"]);
    assert_eq!(said.code, Some(1), "{}", said.err);
    assert!(said.err.contains("1 row of the CRM cannot be read"), "{}", said.err);
    let ids: Vec<Value> = office.program.export("contacts").iter().map(|r| r["id"].clone()).collect();
    assert_eq!(ids, ["K1"]);
}

#[test]
fn a_list_of_the_crm_that_vanishes_stays_in_force_and_is_asked_for() {
    let office = Office::new(Sqlite);
    let quotes = ["id,deal_id,amount,currency,sent_at", "Q1,D1,500,EUR,2026-01-05"];
    office.csv("quotes", &quotes);
    office.deliver("ana", "INBOX", &letter("offer@buyer.example").bytes());
    office.program.sync();
    let before = office.program.settled();
    let path = office.dir.path().join("crm/quotes.csv");
    fs::remove_file(&path).expect("the file");
    for _ in 0..2 {
        let said = office.program.say(&["sync"]);
        assert_eq!(said.code, Some(1), "{}", said.err);
        said.complains(&["crm", "quotes.csv is not there any more", "bring it back"]);
    }
    assert!(office.program.run(&["status"]).contains("quotes.csv is not there any more"));
    let crm = |all: &[(&'static str, Vec<String>)]| {
        all.iter().filter(|t| t.0 == "deals").map(|t| t.1.clone()).collect::<Vec<_>>()
    };
    assert_eq!(crm(&before), crm(&office.program.settled()));
    // it comes back, or is emptied on purpose: all is well
    office.csv("quotes", &quotes);
    office.program.sync();
    fs::remove_file(&path).expect("the file");
    assert_eq!(office.program.say(&["sync"]).code, Some(1));
    office.csv("quotes", &quotes[..1]);
    for _ in 0..3 {
        office.program.sync();
    }
    fs::remove_file(&path).expect("the file");
    office.program.sync();
}

#[rstest]
fn a_broken_calendar_file_keeps_back_only_what_it_held(#[values(Sqlite, Postgres)] on: Database) {
    let office = Office::new(on);
    let folder = office.dir.path().join("calendar");
    fs::create_dir(&folder).expect("a folder");
    let put = |file: &str, uids: &[&str]| {
        let at = days_ago(-5).format("%Y%m%dT%H%M%SZ");
        let events: Vec<String> = uids
            .iter()
            .map(|uid| {
                format!(
                    "BEGIN:VEVENT\nUID:{uid}\nDTSTART:{at}\nDURATION:PT1H\nSUMMARY:Offer\nORGANIZER:mailto:ana@acme.example\n\
                     ATTENDEE;PARTSTAT=ACCEPTED:mailto:eve@buyer.example\nEND:VEVENT\n"
                )
            })
            .collect();
        let text = format!("BEGIN:VCALENDAR\nVERSION:2.0\n{}END:VCALENDAR\n", events.concat());
        fs::write(folder.join(file), text).expect("a calendar");
    };
    office.add(
        "[[connection]]\nname = \"ana-calendar\"\nconnector = \"ics\"\nowner = \"ana@acme.example\"\npath = \"calendar\"",
    );
    put("a.ics", &["a1", "a2", "a3"]);
    put("b.ics", &["b1", "b2"]);
    put("c.ics", &["c1"]);
    office.program.sync();
    let planned = || {
        let rows = office.program.export("activities");
        let mut ids: Vec<String> = rows
            .iter()
            .filter(|r| r["status"] == "planned")
            .map(|r| r["ical_uid"].as_str().expect("a UID").to_owned())
            .collect();
        ids.sort();
        ids
    };
    assert_eq!(planned(), ["a1", "a2", "a3", "b1", "b2", "c1"]);
    fs::write(folder.join("b.ics"), "<html>").expect("a broken file");
    put("a.ics", &["a1", "a3"]);
    fs::remove_file(folder.join("c.ics")).expect("the file");
    for _ in 0..2 {
        office.program.say(&["sync"]);
        assert_eq!(planned(), ["a1", "a3", "b1", "b2"], "what the broken file held may still be");
        let status = office.program.run(&["status"]);
        assert!(status.contains("What was deleted from the files of ana-calendar that cannot be read"), "{status}");
    }
    put("b.ics", &["b2"]);
    office.program.sync();
    assert_eq!(planned(), ["a1", "a3", "b2"]);
}
