//! What history does by itself when the CRM, a mailbox or a rule changes: waiting mail finds its contact, moved and deleted mail
//! keeps its activity, vanished rows go, and taking a change back brings everything back.

use std::{fs, path::Path};

use rstest::rstest;
use serde_json::Value;

use crate::support::{
    Database::{self, Postgres, Sqlite},
    Letter, Office, assert_same, days_ago, letter, list,
};

#[rstest]
fn waiting_mail_matches_itself_when_a_contact_appears(#[values(Sqlite, Postgres)] on: Database) {
    let office = Office::new(on);
    office.deliver("ana", "INBOX", &Letter { from: "Zoe <zoe@other.example>", ..letter("zoe@other.example") }.bytes());
    office.program.sync();
    let waiting = office.program.decisions("INBOX");
    assert_eq!(
        (&waiting[0]["outcome"], &waiting[0]["reason"]),
        (&Value::from("waiting"), &Value::from("unknown_party"))
    );
    assert_eq!((&waiting[0]["message_id"], &waiting[0]["detail"]), (&Value::Null, &Value::Null));
    assert_eq!(office.program.activity("zoe@other.example"), None);
    office.csv("contacts", &["id,name,emails,company_id", "K1,Eve,eve@buyer.example,C1", "K2,Zoe,Zoe@Other.example,"]);
    office.program.sync();
    let row = office.program.activity("zoe@other.example").expect("history matched itself");
    assert_eq!(list(&row, "contacts"), ["K2"]);
    assert_eq!(office.program.decisions("INBOX")[0]["outcome"], "captured");
}

/// The blind hashes by which waiting mail can be found again; each stands with its item too.
fn hashes(office: &Office) -> Vec<String> {
    let rows = office.everything();
    let words = |row: &str| -> Vec<String> {
        row.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_owned).collect()
    };
    let of = |row: &String| row.strip_prefix("blind ").map(|r| words(r).swap_remove(0));
    let hashes: Vec<String> = rows.iter().filter_map(of).collect();
    for hash in &hashes {
        assert!(rows.iter().any(|r| r.starts_with("items ") && r.contains(hash)), "{hash} stands with no item");
    }
    hashes
}

/// What ends the waiting of a mail.
type Ends = fn(&Office, &Path);

#[rstest]
fn waiting_mail_can_be_found_until_it_waits_no_more(#[values(Sqlite, Postgres)] on: Database) {
    let ends: [(&str, Ends); 3] = [
        ("a contact appears", |o, _| {
            o.csv(
                "contacts",
                &["id,name,emails,company_id", "K1,Eve,eve@buyer.example,C1", "K2,Zoe,zoe@other.example,"],
            );
        }),
        ("it is deleted", |_, mail| fs::remove_file(mail).expect("the mail")),
        ("it waited long enough", |o, _| o.add("[privacy]\nwaiting_days = 0")),
    ];
    for (what, end) in ends {
        let office = Office::new(on);
        let stranger = Letter { from: "Zoe <zoe@other.example>", ..letter("zoe@other.example") };
        let mail = office.deliver("ana", "INBOX", &stranger.bytes());
        office.program.sync();
        let waiting = hashes(&office);
        assert!(!waiting.is_empty(), "{what}");
        office.program.run(&["sync", "--full"]);
        assert_eq!(hashes(&office), waiting, "{what}: another look changes nothing");
        end(&office, &mail);
        office.program.sync();
        let left: Vec<String> =
            office.everything().into_iter().filter(|row| waiting.iter().any(|hash| row.contains(hash))).collect();
        assert_eq!(left, Vec::<String>::new(), "{what}");
    }
}

#[rstest]
fn waiting_mail_matches_itself_when_a_companys_domain_appears(#[values(Sqlite, Postgres)] on: Database) {
    let office = Office::new(on);
    office.deliver("ana", "INBOX", &Letter { from: "zoe@mail.other.example", ..letter("zoe@other.example") }.bytes());
    office.program.sync();
    assert_eq!(office.program.decisions("INBOX")[0]["outcome"], "waiting");
    office.csv("companies", &["id,name,domains", "C1,Buyer,buyer.example", "C2,Other,other.example"]);
    office.program.sync();
    let row = office.program.activity("zoe@other.example").expect("history matched itself");
    assert_eq!((list(&row, "companies"), list(&row, "contacts")), (vec!["C2".to_owned()], vec![]));
}

#[rstest]
fn waiting_mail_matches_itself_when_a_contact_gets_another_address(#[values(Sqlite, Postgres)] on: Database) {
    let office = Office::new(on);
    office.deliver("ana", "INBOX", &Letter { from: "eve@home.example", ..letter("home@home.example") }.bytes());
    office.program.sync();
    assert_eq!(office.program.activity("home@home.example"), None);
    office.csv("contacts", &["id,name,emails,company_id", "K1,Eve,eve@buyer.example;eve@home.example,C1"]);
    office.program.sync();
    let row = office.program.activity("home@home.example").expect("history matched itself");
    assert_eq!((list(&row, "contacts"), list(&row, "deals")), (vec!["K1".to_owned()], vec!["D1".to_owned()]));
}

#[rstest]
fn a_deal_that_appears_takes_its_history(#[values(Sqlite, Postgres)] on: Database) {
    let office = Office::new(on);
    office.deals(&[]);
    office.deliver("ana", "INBOX", &letter("offer@buyer.example").bytes());
    office.program.sync();
    assert!(list(&office.program.activity("offer@buyer.example").expect("an activity"), "deals").is_empty());
    office.deals(&["D1"]);
    office.program.sync();
    assert_eq!(list(&office.program.activity("offer@buyer.example").expect("an activity"), "deals"), ["D1"]);
}

#[rstest]
fn an_alias_of_ours_makes_mail_internal(#[values(Sqlite, Postgres)] on: Database) {
    let office = Office::new(on);
    let told = Letter { from: "bob@private.example", ..letter("alias@private.example") };
    office.deliver("ana", "INBOX", &told.bytes());
    office.program.sync();
    assert_eq!(office.program.decisions("INBOX")[0]["outcome"], "waiting");
    office.replace("name = \"Bob\"", "name = \"Bob\"\naliases = [\"bob@private.example\"]");
    office.program.sync();
    let row = &office.program.decisions("INBOX")[0];
    assert_eq!((&row["outcome"], &row["reason"]), (&Value::from("skipped"), &Value::from("internal")));
}

#[rstest]
fn a_deleted_mail_leaves_its_activity(#[values(Sqlite, Postgres)] on: Database) {
    let office = Office::new(on);
    let mail = office.deliver("ana", "INBOX", &letter("offer@buyer.example").bytes());
    office.program.sync();
    let before = office.program.activity("offer@buyer.example").expect("an activity");
    fs::remove_file(mail).expect("the mail");
    for pass in [&["sync"][..], &["sync", "--full"]] {
        office.program.run(pass);
        let after = office.program.activity("offer@buyer.example").expect("the activity stays");
        assert_eq!((&before["id"], &before["deals"]), (&after["id"], &after["deals"]), "{pass:?}");
        assert!(after["sightings"][0]["gone_at"].is_string(), "{pass:?}: {after:?}");
        assert!(office.program.decisions("INBOX")[0]["gone_at"].is_string(), "{pass:?}");
    }
}

#[rstest]
fn a_moved_mail_is_the_same_activity(#[values(Sqlite, Postgres)] on: Database) {
    let office = Office::new(on);
    let mail = office.deliver("ana", "INBOX", &letter("offer@buyer.example").bytes());
    office.deliver("ana", "Archive", &Letter { days: 30, ..letter("old@buyer.example") }.bytes());
    office.program.sync();
    let before = office.program.activity("offer@buyer.example").expect("an activity");
    let mail = office.carry(&mail, "ana", "Archive");
    office.program.sync();
    let after = office.program.activity("offer@buyer.example").expect("one activity");
    assert_eq!(before["id"], after["id"]);
    let seen: Vec<(Value, bool)> = after["sightings"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|s| (s["stream"].clone(), s["gone_at"].is_null()))
        .collect();
    assert!(seen.contains(&("INBOX".into(), false)) && seen.contains(&("Archive".into(), true)), "{seen:?}");
    // and back again
    office.carry(&mail, "ana", "INBOX");
    office.program.sync();
    let back = office.program.activity("offer@buyer.example").expect("one activity");
    assert_eq!(before["id"], back["id"]);
    let live: Vec<&Value> = back["sightings"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|s| s["gone_at"].is_null())
        .map(|s| &s["stream"])
        .collect();
    assert_eq!(live, ["INBOX"]);
}

#[rstest]
fn which_mailbox_is_read_first_does_not_show(#[values(Sqlite, Postgres)] on: Database) {
    let (ana, bob) = ("ana@acme.example", "Bob <bob@acme.example>");
    let first = Letter { to: "TO", ..letter("both@buyer.example") }.bytes();
    let first = String::from_utf8(first).expect("text");
    // a relay may rewrite the Date of one copy by some minutes
    let late = (days_ago(10) + chrono::TimeDelta::minutes(4)).to_rfc2822();
    let date = first.lines().find(|l| l.starts_with("Date:")).expect("a date");
    let second = first.replace(date, &format!("Date: {late}"));
    let read = |order: [&str; 2]| {
        let office = Office::new(on);
        office.mailbox("bob");
        office.deliver("ana", "INBOX", first.replace("TO", &format!("{ana}, {bob}")).as_bytes());
        office.deliver("bob", "INBOX", second.replace("TO", &format!("{bob}, {ana}")).as_bytes());
        for name in ["crm", order[0], order[1]] {
            office.program.run(&["sync", "--connection", name]);
        }
        let mut row = office.program.activity("both@buyer.example").expect("one activity");
        // an id is given once, by whichever is read first
        row.retain(|key, _| key != "id" && key != "thread");
        row
    };
    let row = read(["ana-mail", "bob-mail"]);
    assert_eq!(row["sightings"].as_array().map(Vec::len), Some(2));
    assert_eq!(row, read(["bob-mail", "ana-mail"]));
}

#[rstest]
fn vanished_rows_are_deleted_and_a_shrunken_file_waits(#[values(Sqlite, Postgres)] on: Database) {
    let office = Office::new(on);
    let rows = |n: usize| {
        let mut rows = vec!["id,name,emails,company_id".to_owned()];
        rows.extend((1..=n).map(|i| format!("K{i},Person {i},p{i}@buyer.example,C1")));
        rows
    };
    let write = |n: usize| office.csv("contacts", &rows(n).iter().map(String::as_str).collect::<Vec<_>>());
    let count = || office.program.export("contacts").len();
    write(10);
    office.program.sync();
    assert_eq!(count(), 10);
    write(8);
    office.program.sync();
    assert_eq!(count(), 8, "two rows were deleted");
    write(2);
    office.program.sync();
    assert_eq!(count(), 8, "more than half vanished: the file waits for a second reading");
    write(8);
    office.program.sync();
    assert_eq!(count(), 8, "the export was broken for a moment");
    write(2);
    office.program.sync();
    assert_eq!(count(), 8);
    office.program.sync();
    assert_eq!(count(), 2, "the second reading said the same");
}

#[rstest]
fn a_changed_rule_decides_again(#[values(Sqlite, Postgres)] on: Database) {
    let office = Office::new(on);
    office.deliver("ana", "INBOX", &letter("offer@buyer.example").bytes());
    office.program.sync();
    let before = office.program.settled();
    let open = || -> Vec<Value> {
        let all = office.program.export("gaps");
        all.iter().filter(|g| g["state"] == "open").map(|g| g["id"].clone()).collect()
    };
    let open_before = open();
    office.replace("exclude = []", "exclude = [\"eve@buyer.example\"]");
    office.program.sync();
    assert_eq!(office.program.activity("offer@buyer.example"), None);
    let row = &office.program.decisions("INBOX")[0];
    assert_eq!((&row["outcome"], &row["reason"]), (&Value::from("skipped"), &Value::from("excluded")));
    assert!(row["detail"].as_str().is_some_and(|d| d.contains("eve@buyer.example")), "the rule is named: {row:?}");
    office.replace("exclude = [\"eve@buyer.example\"]", "exclude = []");
    office.program.sync();
    // findings stay on record, so only what was decided must be as before
    let lasting =
        |all: Vec<(&'static str, Vec<String>)>| all.into_iter().filter(|(what, _)| *what != "gaps").collect::<Vec<_>>();
    assert_same(&lasting(before), &lasting(office.program.settled()), "after the rule was taken back");
    assert_eq!(open(), open_before, "what the rule had opened is closed again");
}

#[rstest]
fn two_crms_keep_their_ids_apart(#[values(Sqlite, Postgres)] on: Database) {
    let office = Office::new(on);
    fs::create_dir(office.dir.path().join("crm2")).expect("a folder");
    for name in ["companies", "contacts", "stages", "deals"] {
        let file = format!("{name}.csv");
        fs::copy(office.dir.path().join("crm").join(&file), office.dir.path().join("crm2").join(&file))
            .expect("a copy");
    }
    office.add("[[connection]]\nname = \"other\"\nconnector = \"csv\"\npath = \"crm2\"");
    office.deliver("ana", "INBOX", &letter("offer@buyer.example").bytes());
    office.program.sync();
    let ids = |what: &str| -> Vec<String> {
        office.program.export(what).iter().map(|r| r["id"].as_str().expect("an id").to_owned()).collect()
    };
    assert_eq!(ids("deals"), ["crm/D1", "other/D1"]);
    assert_eq!(ids("contacts"), ["crm/K1", "other/K1"]);
    let row = office.program.activity("offer@buyer.example").expect("an activity");
    // one address, two contacts, both with a role on an open deal: the first is taken for Eve
    assert_eq!((list(&row, "contacts"), list(&row, "deals")), (vec!["crm/K1".to_owned()], vec!["crm/D1".to_owned()]));
}
