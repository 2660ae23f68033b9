//! Entries typed into the CRM, and the captured activities that confirm them.

use super::*;

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

#[rstest]
fn what_the_calendar_called_off_was_not_held(#[values(Sqlite, Postgres)] on: Database) {
    let office = Office::without_mail(on);
    office.deals(&["D1"]);
    diary(&office, "bob", "text");
    let entered = |minutes: i64, uid: &str| {
        let at = (days_ago(3) + TimeDelta::minutes(minutes)).to_rfc3339();
        typed(&office, &[format!("A1,meeting,{at},Met,D1,K1,bob@acme.example,,{uid}")]);
    };
    let met = |minutes| entered(minutes, "");
    met(10);
    holds(&office, "bob", &[Shown { more: "CLASS:PUBLIC\nSTATUS:CANCELLED\n", ..CALL }]);
    let held = || {
        office.program.sync();
        let report = office.program.run(&["report", "activity", "--from", &day(20), "--format", "json"]);
        let report: Value = serde_json::from_str(&report).expect("JSON");
        let all = office.program.run(&["activities", "--state", "held", "--format", "json"]);
        let listed = serde_json::from_str::<Value>(&all).expect("JSON").as_array().map_or(0, Vec::len) as u64;
        let counted = report["rows"].as_array().and_then(|rows| rows.iter().find(|r| r["row"] == "all").cloned());
        let counted = counted.expect("everybody's row")["meetings_held"].as_u64().expect("a count");
        assert_eq!(counted, listed);
        counted
    };
    assert_eq!(held(), 0, "the calendar says that it was called off");
    let flagged = || {
        let gaps = office.program.export("gaps");
        let gap = gaps.iter().find(|g| g["rule"] == "uncorroborated_log").expect("flagged");
        assert!(gap["found"].as_str().is_some_and(|f| f.starts_with("Contradicted")), "{gap:#?}");
        assert_eq!(gap["state"], "open");
    };
    flagged();
    // the entry alone: what is private is not looked at
    holds(&office, "bob", &[Shown { more: "CLASS:PRIVATE\nSTATUS:CANCELLED\n", ..CALL }]);
    assert_eq!(held(), 1, "nothing speaks against it");
    holds(&office, "bob", &[Shown { more: "CLASS:PUBLIC\nSTATUS:CANCELLED\n", ..CALL }]);
    assert_eq!(held(), 0);
    // corrected in the CRM: another meeting, that no calendar knows
    met(300);
    assert_eq!(held(), 1);
    met(10);
    assert_eq!(held(), 0);
    // by its UID, hours away
    entered(300, "call");
    assert_eq!(held(), 0);
    flagged();
    // and it took place after all: one meeting, in the calendar and in the CRM
    holds(&office, "bob", &[CALL]);
    assert_eq!(held(), 1);
}
