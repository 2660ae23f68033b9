//! Ties that must survive when activities change their shape: what a person chose, what a strict mailbox withholds, entries
//! typed into the CRM and the captured activities that confirm them. Whatever the order of reading.

use std::fs;

use chrono::{DateTime, TimeDelta, Utc};
use rstest::rstest;
use serde_json::Value;

use crate::support::{
    Database::{self, Postgres, Sqlite},
    Letter, Office, Row, days_ago, letter, list,
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

/// Entries typed into the CRM.
fn typed(office: &Office, rows: &[String]) {
    let head = "id,kind,occurred_at,subject,deal_id,contact_ids,owner,message_id,ical_uid".to_owned();
    let rows: Vec<&str> = std::iter::once(&head).chain(rows).map(String::as_str).collect();
    office.csv("activities", &rows);
}

fn entry(kind: &str, days: i64, contact: &str, ids: &str) -> String {
    format!("A1,{kind},{},Demo,D1,{contact},bob@acme.example,{ids}", days_ago(days).to_rfc3339())
}

/// Origin and number of typed sightings, of every activity of a kind.
fn origins(office: &Office, kind: &str) -> Vec<(String, usize)> {
    let mut all: Vec<(String, usize)> = of_kind(office, kind)
        .iter()
        .map(|r| {
            let typed = r["sightings"].as_array().expect("a list").iter().filter(|s| s["typed"] == true).count();
            (r["origin"].as_str().expect("a text").to_owned(), typed)
        })
        .collect();
    all.sort();
    all
}

fn captured(typed: usize) -> (String, usize) {
    ("captured".to_owned(), typed)
}

fn alone() -> (String, usize) {
    ("typed".to_owned(), 1)
}

#[rstest]
fn an_entry_is_there_again_as_soon_as_nothing_confirms_it(#[values(Sqlite, Postgres)] on: Database) {
    let office = Office::without_mail(on);
    diary(&office, "bob", "text");
    holds(&office, "bob", &[CALL]);
    typed(&office, &[entry("meeting", 3, "K1", ",")]);
    for pass in [&["sync"][..], &["sync", "--full"]] {
        office.program.run(pass);
        assert_eq!(origins(&office, "meeting"), [captured(1)]);
    }
    // another organizer: another meeting, which confirms it as well
    holds(&office, "bob", &[Shown { organizer: "ana@acme.example", ..CALL }]);
    office.program.sync();
    assert_eq!(origins(&office, "meeting"), [captured(1)]);
    // no longer captured: by its class, by a rule
    holds(&office, "bob", &[Shown { more: "CLASS:PRIVATE\n", ..CALL }]);
    office.program.sync();
    assert_eq!(origins(&office, "meeting"), [alone()]);
    assert_eq!(the(&office, "meeting")["confirmed"], false);
    holds(&office, "bob", &[CALL]);
    office.program.sync();
    assert_eq!(origins(&office, "meeting"), [captured(1)]);
    office.replace("exclude = []", "exclude = [\"eve@buyer.example\"]");
    office.program.sync();
    assert_eq!(origins(&office, "meeting"), [alone()]);
    office.replace("exclude = [\"eve@buyer.example\"]", "exclude = []");
    office.program.sync();
    assert_eq!(origins(&office, "meeting"), [captured(1)]);
    // called off: the entry says something that did not happen
    holds(&office, "bob", &[Shown { more: "STATUS:CANCELLED\nSEQUENCE:3\n", ..CALL }]);
    office.program.sync();
    assert_eq!(origins(&office, "meeting"), [captured(0), alone()]);
}

#[rstest]
fn an_entry_is_confirmed_by_its_own_party_only(#[values(Sqlite, Postgres)] on: Database) {
    let office = Office::new(on);
    office.deliver("ana", "INBOX", &letter("offer@buyer.example").bytes());
    typed(&office, &[entry("email", 10, "K1", ",")]);
    office.program.sync();
    assert_eq!(origins(&office, "email"), [captured(1)]);
    // Eve's address turns out to be another contact's
    let head = "id,name,emails,company_id,merged_into";
    office.csv("contacts", &[head, "K1,Joe,joe@buyer.example,C1,", "K2,Eve,eve@buyer.example,C1,"]);
    office.program.sync();
    assert_eq!(origins(&office, "email"), [captured(0), alone()]);
    // both are one person after all
    office.csv("contacts", &[head, "K1,Joe,joe@buyer.example,C1,K2", "K2,Eve,eve@buyer.example,C1,"]);
    office.program.sync();
    assert_eq!(origins(&office, "email"), [captured(1)]);
    // the entry is moved by a week, and back
    for (days, want) in [(17, vec![captured(0), alone()]), (10, vec![captured(1)])] {
        typed(&office, &[entry("email", days, "K1", ",")]);
        office.program.sync();
        assert_eq!(origins(&office, "email"), want, "{days}");
    }
}

#[rstest]
fn an_entry_with_the_same_id_is_linked(#[values(Sqlite, Postgres)] on: Database) {
    let office = Office::new(on);
    diary(&office, "bob", "text");
    holds(&office, "bob", &[CALL]);
    office.deliver("ana", "INBOX", &letter("offer@buyer.example").bytes());
    // neither party nor time agree: the ids do
    let rows = [
        entry("email", 30, "", "<offer@buyer.example>,").replace("A1", "A2"),
        entry("meeting", 30, "", ",call").replace("A1", "A3"),
    ];
    typed(&office, &rows);
    for pass in [&["sync"][..], &["sync", "--full"]] {
        office.program.run(pass);
        assert_eq!(origins(&office, "email"), [captured(1)]);
        assert_eq!(origins(&office, "meeting"), [captured(1)]);
    }
}

#[test]
fn a_choice_on_an_entry_holds_with_and_without_its_confirmation() {
    let office = Office::without_mail(Sqlite);
    office.deals(&["D1", "D2"]);
    diary(&office, "bob", "text");
    holds(&office, "bob", &[]);
    typed(&office, &[entry("meeting", 3, "K1", ",")]);
    office.program.sync();
    let row = the(&office, "meeting");
    assert_eq!(list(&row, "deals"), ["D1"]);
    office.program.run(&["review", "--by", "mia@acme.example", "link", &id(&row), "D2"]);
    for (events, origin) in [(&[CALL][..], "captured"), (&[], "typed"), (&[CALL], "captured")] {
        holds(&office, "bob", events);
        if events.is_empty() {
            holds(&office, "bob", &[Shown { more: "CLASS:PRIVATE\n", ..CALL }]);
        }
        office.program.sync();
        let row = the(&office, "meeting");
        assert_eq!((&row["origin"], list(&row, "deals")), (&Value::from(origin), vec!["D2".to_owned()]));
    }
}

/// Until when Eve is away.
fn away(office: &Office) -> Value {
    let all = office.program.export("contacts");
    all.iter().find(|c| c["id"] == "K1").expect("the contact")["away_until"].clone()
}

#[rstest]
fn an_out_of_office_reply_says_until_when(#[values(Sqlite, Postgres)] on: Database) {
    let office = Office::new(on);
    let (soon, later) = (days_ago(-5).date_naive(), days_ago(-9).date_naive());
    let note = |id: &str, days: i64, subject: &str| {
        let bytes = String::from_utf8(Letter { days, subject, ..letter(id) }.bytes()).expect("text");
        let bytes = bytes.replace("Content-Type:", "Auto-Submitted: auto-replied\r\nContent-Type:");
        office.deliver("ana", "INBOX", bytes.as_bytes());
        office.program.sync();
    };
    note("a1@buyer.example", 4, "Automatic reply: Your offer");
    assert_eq!(away(&office), Value::Null, "no end is stated");
    note("a2@buyer.example", 2, &format!("Out of office until {}", later.format("%-d %B %Y")));
    // a midnight in Berlin is 22:00 or 23:00 of the day before
    assert!(away(&office).as_str().is_some_and(|t| t.starts_with(&later.to_string())), "{later}: {}", away(&office));
    // an older one, read later, changes nothing; a newer one does
    note("a3@buyer.example", 3, &format!("Abwesend: bis {}", soon.format("%d.%m.%Y")));
    assert!(away(&office).as_str().is_some_and(|t| t.starts_with(&later.to_string())));
    note("a4@buyer.example", 1, &format!("Out of office until {}", soon.format("%d %B %Y")));
    assert!(away(&office).as_str().is_some_and(|t| t.starts_with(&soon.to_string())));
    assert!(of_kind(&office, "email").is_empty());
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

#[test]
fn the_later_word_counts() {
    let office = Office::without_mail(Sqlite);
    office.deals(&["D1", "D2"]);
    diary(&office, "bob", "text");
    let chosen = |organizer: &str, deal: Option<&str>| {
        holds(&office, "bob", &[Shown { organizer, ..CALL }]);
        office.program.sync();
        let row = the(&office, "meeting");
        if let Some(deal) = deal {
            office.program.run(&["review", "--by", "mia@acme.example", "link", &id(&row), deal]);
        }
        list(&the(&office, "meeting"), "deals")
    };
    assert_eq!(chosen("bob@acme.example", Some("D2")), ["D2"]);
    assert_eq!(chosen("ana@acme.example", Some("D1")), ["D1"]);
    assert_eq!(chosen("bob@acme.example", None), ["D1"]);
    assert_eq!(chosen("bob@acme.example", Some("D2")), ["D2"]);
    assert_eq!(chosen("ana@acme.example", None), ["D2"]);
}
