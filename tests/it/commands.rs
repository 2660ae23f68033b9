//! The commands as a user runs them: help, lists and exports, explain, the review queue, status and check.

use rstest::rstest;
use serde_json::Value;

use crate::support::{
    Database::{self, Postgres, Sqlite},
    Letter, Office, Row, bare, days_ago, letter, list,
};

/// Every command with every command below it, as `--help` lists them.
fn commands(above: &[String], all: &mut Vec<Vec<String>>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut arguments: Vec<&str> = above.iter().map(String::as_str).collect();
    arguments.push("--help");
    let help = bare(&arguments, folder.path());
    assert_eq!(help.code, Some(0), "{arguments:?}: {}", help.err);
    all.push(above.to_vec());
    let listed = help.out.lines().skip_while(|l| *l != "Commands:").skip(1).take_while(|l| l.starts_with("  "));
    for line in listed.filter(|l| !l.starts_with("   ")) {
        let name = line.split_whitespace().next().expect("a command's name");
        if name != "help" {
            let below: Vec<String> = above.iter().cloned().chain([name.to_owned()]).collect();
            commands(&below, all);
        }
    }
}

#[test]
fn every_command_explains_itself() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut all = Vec::new();
    commands(&[], &mut all);
    assert!(all.len() > 16, "{all:?}");
    let mut text = String::new();
    for command in all {
        let arguments: Vec<&str> = command.iter().map(String::as_str).chain(["--help"]).collect();
        let help = bare(&arguments, folder.path());
        assert_eq!((help.code, help.err.as_str()), (Some(0), ""), "{arguments:?}");
        let first = help.out.lines().next().unwrap_or_default();
        assert!(first.len() >= 9 && !first.starts_with("Usage"), "{arguments:?} does not say what it does");
        let shown: Vec<&str> = help.out.lines().map(str::trim_end).collect();
        text.push_str(&format!("=== dealtrail {}\n{}\n\n", arguments.join(" "), shown.join("\n")));
    }
    insta::assert_snapshot!("help", text);
}

#[rstest]
fn exports_have_one_shape_in_every_format(#[values(Sqlite, Postgres)] on: Database) {
    let office = Office::new(on);
    let told = Letter { subject: "=1+1, \"quoted\"", ..letter("offer@buyer.example") };
    office.deliver("ana", "INBOX", &told.bytes());
    office.program.sync();
    for what in ["activities", "decisions", "gaps", "deals", "contacts"] {
        let rows = office.program.export(what);
        let csv = office.program.run(&["export", what, "--format", "csv"]);
        let mut reader = csv::Reader::from_reader(csv.as_bytes());
        let heads: Vec<String> = reader.headers().expect("a header").iter().map(str::to_owned).collect();
        let records: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().expect("rows of one width");
        assert_eq!(rows.len(), records.len(), "{what}");
        let Some(first) = rows.first() else { continue };
        assert_eq!(heads, first.keys().cloned().collect::<Vec<_>>(), "{what}");
    }
    let csv = office.program.run(&["export", "activities", "--format", "csv"]);
    // a spreadsheet must not take foreign text for a formula
    assert!(csv.contains("\"'=1+1, \"\"quoted\"\"\""), "{csv}");
    for what in ["activities", "deals", "contacts", "gaps", "status"] {
        let json: Value = serde_json::from_str(&office.program.run(&[what, "--format", "json"])).expect("JSON");
        assert!(json.is_array(), "{what}");
        for line in office.program.run(&[what, "--format", "jsonl"]).lines() {
            serde_json::from_str::<Row>(line).expect("an object a line");
        }
        assert!(!office.program.run(&[what]).is_empty(), "{what}");
    }
    let report: Value =
        serde_json::from_str(&office.program.run(&["report", "activity", "--format", "json"])).expect("JSON");
    for key in ["name", "from", "to", "columns", "rows", "notes"] {
        assert!(report.get(key).is_some(), "a report has {key}");
    }
}

#[rstest]
fn an_empty_company_says_what_to_do(#[values(Sqlite, Postgres)] on: Database) {
    let office = Office::without_mail(on);
    for (command, says) in [
        ("activities", "dealtrail sync"),
        ("gaps", "No gaps"),
        ("review", "Nothing waits"),
        ("deals", "dealtrail sync"),
    ] {
        let said = office.program.run(&[command]);
        assert!(said.contains(says), "{command}: {said}");
    }
}

#[rstest]
fn explain_tells_the_whole_chain(#[values(Sqlite, Postgres)] on: Database) {
    let office = Office::new(on);
    office.deliver("ana", "INBOX", &letter("offer@buyer.example").bytes());
    let news = Letter { from: "news@shop.example", ..letter("news@shop.example") };
    let bulk = String::from_utf8(news.bytes())
        .expect("text")
        .replace("Subject:", "List-Unsubscribe: <https://shop.example>\r\nSubject:");
    office.deliver("ana", "INBOX", bulk.as_bytes());
    office.program.sync();
    let activity = office.program.activity("offer@buyer.example").expect("the offer is an activity");
    let id = activity["id"].as_str().expect("an id");
    let chain = office.program.run(&["explain", "<offer@buyer.example>"]);
    for part in ["ana-mail / INBOX", "captured", id, "contact K1 by address", "deal D1", "score"] {
        assert!(chain.contains(part), "{part} is missing:\n{chain}");
    }
    assert!(office.program.run(&["explain", id]).contains("seen in ana-mail / INBOX"));
    let skipped = office.program.run(&["explain", "news@shop.example"]);
    assert!(skipped.contains("skipped") && skipped.contains("bulk"), "{skipped}");
    let person = office.program.run(&["explain", "Eve@Buyer.example"]);
    assert!(person.contains("contact K1") && person.contains(id), "{person}");
    let deal = office.program.run(&["explain", "D1"]);
    assert!(deal.contains("Project D1") && deal.contains(id), "{deal}");
    let contact = office.program.run(&["explain", "K1"]);
    assert!(
        contact.contains("contact K1") && contact.contains("deal D1: Project D1") && contact.contains(id),
        "{contact}"
    );
    let company = office.program.run(&["explain", "C1"]);
    for part in ["company C1", "buyer.example", "contact K1", "deal D1"] {
        assert!(company.contains(part), "{part} is missing:\n{company}");
    }
    // what a list of items prints is taken as it stands
    let items = office.program.run(&["report", "coverage", "--show", "captured", "--format", "csv"]);
    let mut items = csv::Reader::from_reader(items.as_bytes());
    let place = items.headers().expect("a head").iter().position(|h| h == "behind").expect("a place");
    let first = items.records().next().expect("an item").expect("a record");
    assert!(office.program.run(&["explain", &first[place]]).contains(id), "{first:?}");
    assert!(!first.iter().any(|cell| cell.contains('-') && cell.len() < 3), "{first:?}");
    assert!(office.program.run(&["explain", "[[quota]] rep=ana@acme.example"]).contains("is a setting of"));
    assert!(office.program.run(&["explain", "ana@acme.example"]).contains("is ours"));
    let unknown = office.program.say(&["explain", "nobody@nowhere.example"]);
    assert!(unknown.out.contains("unknown to the CRM"), "{}", unknown.out);
    let nothing = office.program.say(&["explain", "no-such-thing"]);
    assert_eq!(nothing.code, Some(1));
    assert!(nothing.out.contains("Nothing is known"), "{}", nothing.out);
}

#[rstest]
fn explain_tells_a_gap(#[values(Sqlite, Postgres)] on: Database) {
    let office = Office::new(on);
    let moved = days_ago(20).to_rfc3339();
    office.csv(
        "deals",
        &[
            "id,name,company_id,contact_ids,owner,pipeline,stage_id,created_at",
            &format!("D1,Project D1,C1,K1,ana@acme.example,Sales,s2,{}", days_ago(60).to_rfc3339()),
        ],
    );
    office.csv("stage_changes", &["deal_id,from_stage_id,to_stage_id,changed_at", &format!("D1,s1,s2,{moved}")]);
    office.program.sync();
    let gaps = office.program.export("gaps");
    let gap = gaps.iter().find(|g| g["rule"] == "unsupported_advance").expect("an advance with nothing to show for it");
    assert_eq!(gap["state"], "open", "{gap:?}");
    let told = office.program.run(&["explain", gap["id"].as_str().expect("an id")]);
    for part in ["unsupported_advance", "expected:", "found:", "clears when:", "looked from"] {
        assert!(told.contains(part), "{part} is missing:\n{told}");
    }
    // the evidence turns up: the finding resolves by itself and says by what
    office.deliver("ana", "INBOX", &Letter { days: 22, ..letter("yes@buyer.example") }.bytes());
    office.program.sync();
    let gaps = office.program.export("gaps");
    let gap = gaps.iter().find(|g| g["rule"] == "unsupported_advance").expect("a finding stays on record");
    let by = office.program.activity("yes@buyer.example").expect("an activity");
    assert_eq!((&gap["state"], &gap["resolved_by"]), (&Value::from("resolved"), &by["id"]));
}

/// Eve has two open deals and nothing says which one a mail is about.
fn undecided(on: Database) -> Office {
    let office = Office::new(on);
    office.deals(&["D1", "D2"]);
    office.deliver("ana", "INBOX", &letter("one@buyer.example").bytes());
    let answer = Letter { answers: Some("one@buyer.example"), days: 9, ..letter("two@buyer.example") };
    office.deliver("ana", "INBOX", &answer.bytes());
    office.deliver(
        "ana",
        "INBOX",
        &Letter { days: 8, subject: "Another matter", ..letter("other@buyer.example") }.bytes(),
    );
    office.program.sync();
    office
}

#[rstest]
fn a_choice_decides_for_its_thread_and_stays(#[values(Sqlite, Postgres)] on: Database) {
    let office = undecided(on);
    let p = &office.program;
    let first = p.activity("one@buyer.example").expect("an activity");
    assert_eq!((list(&first, "undecided"), list(&first, "deals")), (vec!["D1".to_owned(), "D2".to_owned()], vec![]));
    let waiting: Vec<Row> = serde_json::from_str(&p.run(&["review", "--format", "json"])).expect("JSON");
    assert_eq!(waiting.len(), 3);
    p.run(&["review", "--by", "ana@acme.example", "link", first["id"].as_str().expect("an id"), "D2"]);
    let late = Letter { answers: Some("two@buyer.example"), days: 1, ..letter("three@buyer.example") };
    office.deliver("ana", "INBOX", &late.bytes());
    for pass in [&["sync"][..], &["sync", "--full"]] {
        p.run(pass);
        for id in ["one@buyer.example", "two@buyer.example", "three@buyer.example"] {
            let row = p.activity(id).expect("an activity");
            assert_eq!(
                (list(&row, "deals"), list(&row, "undecided")),
                (vec!["D2".to_owned()], vec![]),
                "{id} after {pass:?}"
            );
        }
        let matches = p.activity("one@buyer.example").expect("an activity")["matches"].clone();
        let chosen = matches.as_array().expect("a list").iter().find(|m| m["entity"] == "deal").expect("the choice");
        assert_eq!((&chosen["reason"], &chosen["by"]), (&Value::from("person"), &Value::from("ana@acme.example")));
        // another thread is another question
        let other = p.activity("other@buyer.example").expect("an activity");
        assert_eq!(list(&other, "undecided").len(), 2, "after {pass:?}");
    }
}

#[rstest]
fn a_refusal_stays(#[values(Sqlite, Postgres)] on: Database) {
    let office = undecided(on);
    let p = &office.program;
    let id = p.activity("other@buyer.example").expect("an activity")["id"].as_str().expect("an id").to_owned();
    p.run(&["review", "reject", &id]);
    for pass in [&["sync"][..], &["sync", "--full"]] {
        p.run(pass);
        let row = p.activity("other@buyer.example").expect("an activity");
        assert_eq!((list(&row, "deals"), list(&row, "undecided")), (vec![], vec![]), "after {pass:?}");
        assert_eq!(list(&row, "contacts"), ["K1"]);
    }
    for (arguments, says) in
        [(["review", "link", &id, "D9"], "no deal D9"), (["review", "link", "a0", "D1"], "no activity a0")]
    {
        let said = p.say(&arguments);
        assert_eq!(said.code, Some(2), "{arguments:?}");
        said.complains(&[says]);
    }
}

#[rstest]
fn status_and_check_say_how_far_it_is(#[values(Sqlite, Postgres)] on: Database) {
    let office = Office::new(on);
    office.deliver("ana", "INBOX", &letter("offer@buyer.example").bytes());
    let before = office.program.run(&["status"]);
    assert!(before.contains("dealtrail sync"), "{before}");
    let check = office.program.run(&["check"]);
    for part in ["well-formed", "ana-mail: 1 to read: INBOX", "crm:", "contacts.csv"] {
        assert!(check.contains(part), "{part} is missing:\n{check}");
    }
    office.program.sync();
    let after = office.program.run(&["status"]);
    assert!(after.contains("Capture is complete."), "{after}");
    let rows: Vec<Row> = serde_json::from_str(&office.program.run(&["status", "--format", "json"])).expect("JSON");
    let inbox = rows.iter().find(|r| r["stream"] == "INBOX").expect("the folder");
    assert_eq!((&inbox["captured"], &inbox["state"]), (&Value::from(1), &Value::from("ok")));
    assert!(inbox["complete_from"].is_string() && inbox["complete_to"].is_string(), "{inbox:?}");
}
