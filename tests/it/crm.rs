//! What a CRM's export leaves out, empties or says too early: deals that go back, contacts that were merged, dates that are
//! missing or yet to come.

use std::fs;

use rstest::rstest;
use serde_json::Value;

use crate::support::{
    Database::{self, Postgres, Sqlite},
    Letter, Office, Row, assert_same, days_ago, letter, list,
};

/// Deals with these columns; `more` is what follows the name of their stage.
fn deals(office: &Office, stage: &str, created: &str) {
    let head = "id,name,company_id,contact_ids,owner,pipeline,stage_id,created_at";
    office.csv("deals", &[head, &format!("D1,Project,C1,K1:Buyer,ana@acme.example,Sales,{stage},{created}")]);
}

fn moves(office: &Office) -> Vec<(Value, Value)> {
    let rows: Vec<Row> = office.program.export("deals");
    let all = rows[0]["stage_changes"].as_array().expect("a list").clone();
    all.into_iter().map(|c| (c["to_stage_id"].clone(), c["changed_at"].clone())).collect()
}

#[rstest]
fn a_deal_that_goes_back_is_seen_going_back_once(#[values(Sqlite, Postgres)] on: Database) {
    let office = Office::new(on);
    let created = days_ago(50).to_rfc3339();
    for stage in ["s1", "s2", "s1"] {
        deals(&office, stage, &created);
        office.program.sync();
    }
    let (before, settled) = (moves(&office), office.program.settled());
    let stages: Vec<&str> = before.iter().filter_map(|m| m.0.as_str()).collect();
    assert_eq!(stages, ["s1", "s2", "s1"]);
    office.program.sync();
    assert_eq!(moves(&office), before, "it went back once, and then");
    assert_same(&settled, &office.program.settled(), "a second pass");
}

#[rstest]
fn what_changed_between_two_readings_is_on_record(#[values(Sqlite, Postgres)] on: Database) {
    let office = Office::new(on);
    let (created, moved, close) = (days_ago(50).to_rfc3339(), days_ago(20).to_rfc3339(), days_ago(-60).date_naive());
    let head = "id,name,company_id,contact_ids,owner,pipeline,stage_id,amount,currency,close_date,created_at";
    let deal = |owner: &str, amount: &str| {
        let row = format!("D1,Project,C1,K1,{owner}@acme.example,Sales,s2,{amount},EUR,{close},{created}");
        office.csv("deals", &[head, &row]);
    };
    let gaps = |rule: &str| -> Vec<Row> {
        let all = office.program.export("gaps").into_iter();
        all.filter(|g| g["rule"] == rule && g["state"] != "withdrawn").collect()
    };
    office.csv("stage_changes", &["deal_id,from_stage_id,to_stage_id,changed_at", &format!("D1,s1,s2,{moved}")]);
    deal("ana", "1000");
    office.program.sync();
    let advance = gaps("unsupported_advance");
    assert_eq!((advance.len(), &advance[0]["owner"]), (1, &"ana@acme.example".into()));
    assert_eq!(gaps("amount_dropped").len(), 0);
    // nobody writes down that it was handed on, and for less
    deal("bob", "800.50");
    office.program.sync();
    assert_eq!(gaps("unsupported_advance"), advance, "Ana moved it, whoever owns it now");
    let dropped = gaps("amount_dropped");
    assert_eq!((dropped.len(), &dropped[0]["owner"]), (1, &"bob@acme.example".into()));
    let said = office.program.run(&[
        "gaps",
        "explain",
        dropped[0]["id"].as_str().expect("an id"),
        "--why",
        "A rebate",
        "--by",
        "ana@acme.example",
    ]);
    assert!(said.contains("explained") || said.is_empty(), "{said}");
    // the CRM's history comes late, and is the better one
    let told = days_ago(2).to_rfc3339();
    let change = |field: &str, from: &str, to: &str| format!("D1,{field},{from},{to},{told}");
    office.csv(
        "deal_changes",
        &[
            "deal_id,field,from,to,changed_at",
            &change("amount", "1000", "\"800,50\""),
            &change("owner", "ana@acme.example", "Bob@Acme.example"),
        ],
    );
    office.program.sync();
    let dropped = gaps("amount_dropped");
    assert_eq!((dropped.len(), &dropped[0]["state"]), (1, &"explained".into()), "{dropped:#?}");
    let since = dropped[0]["since"].as_str().expect("a time");
    assert_eq!(since[..10], told[..10]);
    assert_eq!(gaps("unsupported_advance"), advance);
    let settled = office.program.settled();
    office.program.run(&["sync", "--full"]);
    assert_same(&settled, &office.program.settled(), "all read again");
}

#[rstest]
fn the_survivor_takes_the_addresses_of_an_emptied_record(#[values(Sqlite, Postgres)] on: Database) {
    let office = Office::new(on);
    let head = "id,name,emails,company_id,created_at,merged_into";
    let eve = "K1,Eve,eve@buyer.example,C1,2026-01-05,";
    office.csv("contacts", &[head, eve, "K2,Eve at home,eve@home.example,C1,2026-01-06,"]);
    office.deliver("ana", "INBOX", &Letter { from: "eve@home.example", ..letter("home@buyer.example") }.bytes());
    office.program.sync();
    let contacts = || list(&office.program.activity("home@buyer.example").expect("an activity"), "contacts");
    assert_eq!(contacts(), ["K2"]);
    office.csv("contacts", &[head, eve, "K2,Eve at home,,,,K1"]);
    office.program.sync();
    assert_eq!(contacts(), ["K1"]);
    for pass in [&["sync"][..], &["sync", "--full"]] {
        office.program.run(pass);
        assert_eq!(contacts(), ["K1"], "{pass:?}");
    }
    office.csv("contacts", &[head, eve, "K2,Eve at home,eve@home.example,C1,2026-01-06,K1"]);
    office.program.sync();
    let exported = office.program.export("contacts");
    let emails = |id: &str| list(exported.iter().find(|c| c["id"] == id).expect("a contact"), "emails");
    assert_eq!(emails("K1"), ["eve@buyer.example", "eve@home.example"]);
    let listed = office.program.say(&["contacts", "--format", "json"]).out;
    let listed: Vec<Row> = serde_json::from_str(&listed).expect("a list");
    assert!(listed.iter().all(|c| c["id"] != "K2"), "{listed:#?}");
}

#[test]
fn a_stage_change_yet_to_come_has_not_happened() {
    let office = Office::new(Sqlite);
    deals(&office, "s1", &days_ago(50).to_rfc3339());
    office.deliver("ana", "INBOX", &letter("offer@buyer.example").bytes());
    office.program.sync();
    let before = office.program.settled();
    let then = days_ago(-90).to_rfc3339();
    office.csv("stage_changes", &["deal_id,from_stage_id,to_stage_id,changed_at", &format!("D1,s1,s3,{then}")]);
    office.program.sync();
    assert_eq!(moves(&office).len(), 1, "it is where it was");
    let open = |all: &[(&'static str, Vec<String>)]| all.iter().find(|t| t.0 == "gaps").map(|t| t.1.clone());
    assert_eq!(open(&before), open(&office.program.settled()), "nothing is withdrawn for it");
}

#[rstest]
fn a_deal_without_a_date_was_open_before_it_was_seen(#[values("", "2026-01-02")] created: &str) {
    let office = Office::new(Sqlite);
    deals(&office, "s1", created);
    office.deliver("ana", "INBOX", &letter("offer@buyer.example").bytes());
    office.program.sync();
    let row = office.program.activity("offer@buyer.example").expect("an activity");
    assert_eq!(list(&row, "deals"), ["D1"]);
}

#[test]
fn which_copy_is_read_first_does_not_show_in_the_subject() {
    let read = |first: &str, second: &str| {
        let office = Office::new(Sqlite);
        office.mailbox("bob");
        let copy = |subject| Letter { to: "ana@acme.example, bob@acme.example", subject, ..letter("c@buyer.example") };
        office.deliver("ana", "INBOX", &copy(first).bytes());
        office.program.sync();
        office.deliver("bob", "INBOX", &copy(second).bytes());
        office.program.sync();
        office.program.activity("c@buyer.example").expect("one activity")["subject"].clone()
    };
    assert_eq!(read("[list] Question", "Question OPP-4"), read("Question OPP-4", "[list] Question"));
}

#[test]
fn rows_that_are_broken_and_left_so_are_told_each_time() {
    let office = Office::new(Sqlite);
    let path = office.dir.path().join("crm/contacts.csv");
    let text = fs::read_to_string(&path).expect("the contacts");
    fs::write(&path, format!("{text},nobody,nobody@buyer.example\n")).expect("the contacts");
    for _ in 0..2 {
        let said = office.program.say(&["sync"]);
        assert_eq!(said.code, Some(1), "{}", said.err);
        assert!(said.err.contains("1 row of the CRM cannot be read"), "{}", said.err);
    }
    fs::write(&path, text).expect("the contacts");
    office.program.sync();
}
