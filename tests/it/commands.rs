//! The commands as a user runs them: help, lists and exports, explain, the review queue, and what history does by itself when
//! the CRM, the mailbox or a rule changes.

use std::fs;

use serde_json::Value;

use crate::support::{Letter, Office, Row, assert_same, bare, days_ago, letter, list};

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

#[test]
fn exports_have_one_shape_in_every_format() {
    let office = Office::new();
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

#[test]
fn an_empty_company_says_what_to_do() {
    let office = Office::without_mail();
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

#[test]
fn explain_tells_the_whole_chain() {
    let office = Office::new();
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
    assert!(office.program.run(&["explain", "ana@acme.example"]).contains("is ours"));
    let unknown = office.program.say(&["explain", "nobody@nowhere.example"]);
    assert!(unknown.out.contains("unknown to the CRM"), "{}", unknown.out);
    let nothing = office.program.say(&["explain", "no-such-thing"]);
    assert_eq!(nothing.code, Some(1));
    assert!(nothing.out.contains("Nothing is known"), "{}", nothing.out);
}

#[test]
fn explain_tells_a_gap() {
    let office = Office::new();
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
fn undecided() -> Office {
    let office = Office::new();
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

#[test]
fn a_choice_decides_for_its_thread_and_stays() {
    let office = undecided();
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

#[test]
fn a_refusal_stays() {
    let office = undecided();
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

#[test]
fn status_and_check_say_how_far_it_is() {
    let office = Office::new();
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

#[test]
fn waiting_mail_matches_itself_when_a_contact_appears() {
    let office = Office::new();
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

#[test]
fn waiting_mail_matches_itself_when_a_companys_domain_appears() {
    let office = Office::new();
    office.deliver("ana", "INBOX", &Letter { from: "zoe@mail.other.example", ..letter("zoe@other.example") }.bytes());
    office.program.sync();
    assert_eq!(office.program.decisions("INBOX")[0]["outcome"], "waiting");
    office.csv("companies", &["id,name,domains", "C1,Buyer,buyer.example", "C2,Other,other.example"]);
    office.program.sync();
    let row = office.program.activity("zoe@other.example").expect("history matched itself");
    assert_eq!((list(&row, "companies"), list(&row, "contacts")), (vec!["C2".to_owned()], vec![]));
}

#[test]
fn waiting_mail_matches_itself_when_a_contact_gets_another_address() {
    let office = Office::new();
    office.deliver("ana", "INBOX", &Letter { from: "eve@home.example", ..letter("home@home.example") }.bytes());
    office.program.sync();
    assert_eq!(office.program.activity("home@home.example"), None);
    office.csv("contacts", &["id,name,emails,company_id", "K1,Eve,eve@buyer.example;eve@home.example,C1"]);
    office.program.sync();
    let row = office.program.activity("home@home.example").expect("history matched itself");
    assert_eq!((list(&row, "contacts"), list(&row, "deals")), (vec!["K1".to_owned()], vec!["D1".to_owned()]));
}

#[test]
fn a_deal_that_appears_takes_its_history() {
    let office = Office::new();
    office.deals(&[]);
    office.deliver("ana", "INBOX", &letter("offer@buyer.example").bytes());
    office.program.sync();
    assert!(list(&office.program.activity("offer@buyer.example").expect("an activity"), "deals").is_empty());
    office.deals(&["D1"]);
    office.program.sync();
    assert_eq!(list(&office.program.activity("offer@buyer.example").expect("an activity"), "deals"), ["D1"]);
}

#[test]
fn an_alias_of_ours_makes_mail_internal() {
    let office = Office::new();
    let told = Letter { from: "bob@private.example", ..letter("alias@private.example") };
    office.deliver("ana", "INBOX", &told.bytes());
    office.program.sync();
    assert_eq!(office.program.decisions("INBOX")[0]["outcome"], "waiting");
    office.replace("name = \"Bob\"", "name = \"Bob\"\naliases = [\"bob@private.example\"]");
    office.program.sync();
    let row = &office.program.decisions("INBOX")[0];
    assert_eq!((&row["outcome"], &row["reason"]), (&Value::from("skipped"), &Value::from("internal")));
}

#[test]
fn a_deleted_mail_leaves_its_activity() {
    let office = Office::new();
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

#[test]
fn a_moved_mail_is_the_same_activity() {
    let office = Office::new();
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

#[test]
fn which_mailbox_is_read_first_does_not_show() {
    let (ana, bob) = ("ana@acme.example", "Bob <bob@acme.example>");
    let first = Letter { to: "TO", ..letter("both@buyer.example") }.bytes();
    let first = String::from_utf8(first).expect("text");
    // a relay may rewrite the Date of one copy by some minutes
    let late = (days_ago(10) + chrono::TimeDelta::minutes(4)).to_rfc2822();
    let date = first.lines().find(|l| l.starts_with("Date:")).expect("a date");
    let second = first.replace(date, &format!("Date: {late}"));
    let read = |order: [&str; 2]| {
        let office = Office::new();
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

#[test]
fn vanished_rows_are_deleted_and_a_shrunken_file_waits() {
    let office = Office::new();
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

#[test]
fn a_changed_rule_decides_again() {
    let office = Office::new();
    office.deliver("ana", "INBOX", &letter("offer@buyer.example").bytes());
    office.program.sync();
    let before = office.program.settled();
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
    assert!(office.program.export("gaps").iter().all(|g| g["state"] != "open"), "{:?}", office.program.export("gaps"));
}

#[test]
fn two_crms_keep_their_ids_apart() {
    let office = Office::new();
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
