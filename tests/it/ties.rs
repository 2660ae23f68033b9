//! Ties that must survive when activities change their shape: what a person chose, what a strict mailbox withholds, entries
//! typed into the CRM and the captured activities that confirm them. Whatever the order of reading.

mod absences;
mod elsewhere;
mod entries;

use std::fs;

use chrono::{DateTime, TimeDelta, Utc};
use rstest::rstest;
use serde_json::Value;

use crate::support::{
    Database::{self, Postgres, Sqlite},
    Letter, Office, Row, day, days_ago, letter, list,
};

fn stamp(at: DateTime<Utc>) -> String {
    at.format("%Y%m%dT%H%M%SZ").to_string()
}

/// An event of an hour, as one calendar shows it.
#[derive(Clone, Copy)]
struct Shown<'a> {
    uid: &'a str,
    days_ahead: i64,
    organizer: &'a str,
    title: &'a str,
    /// Further properties, a line each.
    more: &'a str,
}

const CALL: Shown<'_> =
    Shown { uid: "call", days_ahead: -3, organizer: "bob@acme.example", title: "Plan", more: "CLASS:PUBLIC\n" };

impl Shown<'_> {
    fn event(&self) -> String {
        let start = days_ago(-self.days_ahead);
        format!(
            "BEGIN:VEVENT\nUID:{}\nDTSTAMP:{}\nDTSTART:{}\nDTEND:{}\nSUMMARY:{}\nORGANIZER:mailto:{}\n\
             ATTENDEE;PARTSTAT=ACCEPTED:mailto:eve@buyer.example\nATTENDEE:mailto:ana@acme.example\n\
             ATTENDEE:mailto:bob@acme.example\n{}END:VEVENT\n",
            self.uid,
            stamp(days_ago(5)),
            stamp(start),
            stamp(start + TimeDelta::hours(1)),
            self.title,
            self.organizer,
            self.more
        )
    }
}

/// Adds somebody's calendar.
fn diary(office: &Office, name: &str, content: &str) {
    office.add(&format!(
        "[[connection]]\nname = \"{name}-calendar\"\nconnector = \"ics\"\nowner = \"{name}@acme.example\"\n\
         path = \"cal-{name}\"\ncontent = \"{content}\" # {name}"
    ));
}

/// What somebody's calendar holds.
fn holds(office: &Office, name: &str, events: &[Shown<'_>]) {
    let folder = office.dir.path().join(format!("cal-{name}"));
    fs::create_dir_all(&folder).expect("a folder");
    let body: String = events.iter().map(Shown::event).collect();
    let text = format!("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\n{body}END:VCALENDAR\n").replace('\n', "\r\n");
    fs::write(folder.join("all.ics"), text).expect("a calendar");
}

fn of_kind(office: &Office, kind: &str) -> Vec<Row> {
    let mut all = office.program.export("activities");
    all.retain(|a| a["kind"] == kind);
    all
}

/// The one activity of this kind.
fn the(office: &Office, kind: &str) -> Row {
    let mut all = of_kind(office, kind);
    assert_eq!(all.len(), 1, "{all:#?}");
    all.pop().expect("one")
}

fn id(row: &Row) -> String {
    row["id"].as_str().expect("an id").to_owned()
}

fn owners(row: &Row) -> Vec<&str> {
    row["sightings"].as_array().expect("a list").iter().filter_map(|s| s["owner"].as_str()).collect()
}

#[rstest]
fn a_choice_follows_the_meeting(#[values(Sqlite, Postgres)] on: Database) {
    let office = Office::without_mail(on);
    office.deals(&["D1", "D2"]);
    diary(&office, "bob", "text");
    holds(&office, "bob", &[CALL]);
    office.program.sync();
    let first = the(&office, "meeting");
    assert_eq!(list(&first, "undecided"), ["D1", "D2"]);
    office.program.run(&["review", "--by", "mia@acme.example", "link", &id(&first), "D2"]);
    let chosen = |when: &str| {
        office.program.sync();
        let row = the(&office, "meeting");
        assert_eq!(list(&row, "deals"), ["D2"], "{when}");
        assert_eq!(row["matches"].as_array().expect("a list").last().expect("a match")["by"], "mia@acme.example");
        id(&row)
    };
    holds(&office, "bob", &[Shown { organizer: "ana@acme.example", ..CALL }]);
    assert_ne!(chosen("another organizer"), id(&first));
    holds(&office, "bob", &[CALL]);
    assert_eq!(chosen("the first organizer again"), id(&first));
    // it goes away and comes back
    holds(&office, "bob", &[Shown { more: "CLASS:PRIVATE\n", ..CALL }]);
    office.program.sync();
    assert_eq!(of_kind(&office, "meeting").len(), 0);
    holds(&office, "bob", &[CALL]);
    chosen("it came back");
}

#[rstest]
fn what_a_person_removed_stays_removed(#[values(Sqlite, Postgres)] on: Database) {
    let office = Office::without_mail(on);
    diary(&office, "bob", "text");
    diary(&office, "ana", "text");
    holds(&office, "bob", &[CALL]);
    holds(&office, "ana", &[CALL]);
    office.program.sync();
    let first = the(&office, "meeting");
    assert_eq!(list(&first, "deals"), ["D1"]);
    office.program.run(&["review", "--by", "mia@acme.example", "reject", &id(&first)]);
    // one calendar after the other learns of the new organizer
    for name in ["bob", "ana"] {
        holds(&office, name, &[Shown { organizer: "ana@acme.example", ..CALL }]);
        office.program.sync();
    }
    let row = the(&office, "meeting");
    assert_ne!(id(&row), id(&first));
    assert_eq!(list(&row, "deals"), [""; 0], "{row:#?}");
}

#[rstest]
fn a_meeting_that_becomes_private_in_one_calendar_is_the_others(#[values(Sqlite, Postgres)] on: Database) {
    let office = Office::without_mail(on);
    diary(&office, "bob", "text");
    diary(&office, "ana", "text");
    // Bob's calendar knows the latest state
    holds(&office, "bob", &[Shown { title: "Plan, later", days_ahead: -2, more: "SEQUENCE:3\n", ..CALL }]);
    holds(&office, "ana", &[CALL]);
    office.program.sync();
    let both = the(&office, "meeting");
    assert_eq!((owners(&both).len(), &both["subject"]), (2, &Value::from("Plan, later")));
    let private = Shown { title: "Secret", days_ahead: -1, more: "CLASS:PRIVATE\nSEQUENCE:4\n", ..CALL };
    holds(&office, "bob", &[private]);
    for pass in [&["sync"][..], &["sync", "--full"]] {
        office.program.run(pass);
        let row = the(&office, "meeting");
        assert_eq!(owners(&row), ["ana@acme.example"], "{row:#?}");
        assert_eq!(row["subject"], "Plan");
    }
    // what Ana's calendar says counts from now on
    holds(&office, "ana", &[Shown { title: "Talk", ..CALL }]);
    office.program.sync();
    assert_eq!(the(&office, "meeting")["subject"], "Talk");
    holds(&office, "ana", &[private]);
    office.program.sync();
    assert_eq!(of_kind(&office, "meeting").len(), 0);
}

/// Subject and text state of the one activity of a kind.
fn words(office: &Office, kind: &str) -> (Value, Value) {
    let row = the(office, kind);
    (row["subject"].clone(), row["text"].clone())
}

#[rstest]
fn the_stricter_calendar_wins(#[values(Sqlite, Postgres)] on: Database, #[values(true, false)] strict_first: bool) {
    let office = Office::without_mail(on);
    let shown = Shown { more: "DESCRIPTION:About D1 and more\n", ..CALL };
    holds(&office, "bob", &[shown]);
    holds(&office, "ana", &[shown]);
    let order = if strict_first { ["ana", "bob"] } else { ["bob", "ana"] };
    for name in order {
        diary(&office, name, if name == "ana" { "metadata" } else { "text" });
        office.program.sync();
    }
    let none = (Value::Null, Value::from("none"));
    let kept = (Value::from("Plan"), Value::from("kept"));
    assert_eq!(words(&office, "meeting"), none);
    let (strict, open) = ("content = \"metadata\" # ana", "content = \"text\" # ana");
    office.replace(strict, open);
    office.program.run(&["sync", "--full"]);
    assert_eq!(words(&office, "meeting"), kept);
    office.replace(open, "content = \"subject\" # ana");
    office.program.sync();
    assert_eq!(words(&office, "meeting"), (Value::from("Plan"), Value::from("none")));
    office.replace("content = \"subject\" # ana", strict);
    office.program.sync();
    assert_eq!(words(&office, "meeting"), none);
    // the strict calendar holds it no longer: what the other keeps is kept again
    holds(&office, "ana", &[Shown { more: "CLASS:PRIVATE\n", ..CALL }]);
    office.program.sync();
    office.program.sync();
    assert_eq!(words(&office, "meeting"), kept);
}

#[test]
fn held_instances_get_their_words_back() {
    let office = Office::without_mail(Sqlite);
    let weekly = Shown { days_ahead: -30, more: "RRULE:FREQ=WEEKLY;COUNT=3\nDESCRIPTION:Agenda\n", ..CALL };
    holds(&office, "bob", &[weekly]);
    diary(&office, "bob", "metadata");
    office.program.sync();
    let held = || -> Vec<(Value, Value)> {
        of_kind(&office, "meeting").iter().map(|r| (r["subject"].clone(), r["text"].clone())).collect()
    };
    assert_eq!(held(), vec![(Value::Null, Value::from("none")); 3]);
    office.replace("content = \"metadata\" # bob", "content = \"text\" # bob");
    office.program.run(&["sync", "--full"]);
    assert_eq!(held(), vec![(Value::from("Plan"), Value::from("kept")); 3]);
}

fn mailbox(office: &Office, name: &str, content: &str) {
    office.add(&format!(
        "[[connection]]\nname = \"{name}-mail\"\nconnector = \"maildir\"\nowner = \"{name}@acme.example\"\n\
         path = \"mail/{name}\"\ncontent = \"{content}\" # {name}"
    ));
}

#[rstest]
fn the_stricter_mailbox_wins(#[values(Sqlite, Postgres)] on: Database, #[values(true, false)] strict_first: bool) {
    let office = Office::without_mail(on);
    let bytes = letter("offer@buyer.example").bytes();
    office.deliver("ana", "INBOX", &bytes);
    office.deliver("bob", "INBOX", &bytes);
    let order = if strict_first { ["ana", "bob"] } else { ["bob", "ana"] };
    for name in order {
        mailbox(&office, name, if name == "ana" { "metadata" } else { "text" });
        office.program.sync();
    }
    let none = (Value::Null, Value::from("none"));
    let kept = (Value::from("Your offer"), Value::from("kept"));
    assert_eq!(words(&office, "email"), none);
    office.program.run(&["sync", "--full"]);
    assert_eq!(words(&office, "email"), none);
    office.replace("content = \"metadata\" # ana", "content = \"text\" # ana");
    office.program.run(&["sync", "--full"]);
    assert_eq!(words(&office, "email"), kept);
    // the strict one again, then its owner's copy is excluded
    office.replace("content = \"text\" # ana", "content = \"metadata\" # ana");
    office.program.sync();
    assert_eq!(words(&office, "email"), none);
    office.replace("content = \"metadata\" # ana", "content = \"metadata\"\nexclude = [\"eve@buyer.example\"] # ana");
    office.program.sync();
    office.program.sync();
    assert_eq!(words(&office, "email"), kept);
}

#[rstest]
fn a_choice_follows_the_deals_when_a_second_crm_comes(#[values(Sqlite, Postgres)] on: Database) {
    let office = Office::without_mail(on);
    office.deals(&["D1", "D2"]);
    diary(&office, "bob", "text");
    holds(&office, "bob", &[CALL]);
    office.program.sync();
    let first = the(&office, "meeting");
    office.program.run(&["review", "--by", "mia@acme.example", "link", &id(&first), "D2"]);
    let second = office.dir.path().join("second");
    fs::create_dir(&second).expect("a folder");
    fs::write(second.join("contacts.csv"), "id,name,emails\n").expect("contacts");
    fs::write(second.join("deals.csv"), "id,name,owner,stage_id\nD2,Other,bob@acme.example,s1\n").expect("deals");
    let more = "[[connection]]\nname = \"other\"\nconnector = \"csv\"\npath = \"second\"";
    office.add(more);
    office.program.sync();
    assert_eq!(list(&the(&office, "meeting"), "deals"), ["crm/D2"]);
    office.replace(more, "");
    office.program.sync();
    assert_eq!(list(&the(&office, "meeting"), "deals"), ["D2"]);
}
