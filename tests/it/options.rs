//! What is typed on the command line: what nobody and nothing has is refused with the nearest, filters narrow what they say,
//! numbers open to what they count, and a full disk behind standard output is one sentence.

use std::{collections::BTreeMap, fs, fs::OpenOptions, process::Stdio};

use rstest::rstest;
use serde_json::Value;

use crate::support::{
    Database::{self, Postgres, Sqlite},
    Letter, Office, Program, Row, Said, bare, day, days_ago, letter, list,
};

/// An office in which everything that can be filtered occurs: a mail to Ana's alias that only Bob's mailbox holds, a gap.
fn office(on: Database) -> Office {
    let office = Office::new(on);
    office.replace("name = \"Ana\"", "name = \"Ana\"\nteam = \"north\"\naliases = [\"a.lopez@acme.example\"]");
    office.add("[[team]]\nname = \"north\"\nmanager = \"mia@acme.example\"");
    office.mailbox("bob");
    office.deliver("ana", "INBOX", &letter("offer@buyer.example").bytes());
    let alias = Letter { to: "a.lopez@acme.example", days: 9, ..letter("alias@buyer.example") };
    office.deliver("bob", "INBOX", &alias.bytes());
    let news = Letter { from: "news@shop.example", ..letter("news@shop.example") };
    let bulk =
        String::from_utf8(news.bytes()).expect("text").replace("Subject:", "List-Unsubscribe: <x:y>\r\nSubject:");
    office.deliver("ana", "INBOX", bulk.as_bytes());
    let stranger = Letter { from: "new@unknown.example", days: 3, ..letter("new@unknown.example") };
    office.deliver("ana", "INBOX", &stranger.bytes());
    office.csv("stage_changes", &["deal_id,from_stage_id,to_stage_id,changed_at"]);
    office.program.sync();
    office
}

fn rows(program: &Program, arguments: &[&str]) -> Vec<Row> {
    let all: Vec<&str> = arguments.iter().copied().chain(["--format", "json"]).collect();
    serde_json::from_str(&program.run(&all)).expect("JSON")
}

fn refused(said: &Said, arguments: &[&str], parts: &[&str]) {
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{arguments:?}: {}", said.err);
    assert_eq!(said.err.lines().count(), 1, "{arguments:?}, one sentence: {}", said.err);
    said.complains(parts);
}

#[test]
fn what_nobody_and_nothing_has_is_refused_with_the_nearest() {
    let office = office(Sqlite);
    let cases: &[(&[&str], &[&str])] = &[
        (&["activities", "--rep", "anna@acme.example"], &["anna@acme.example", "did you mean `ana@acme.example`?"]),
        (&["deals", "--rep", "zoe@nowhere.example"], &["zoe@nowhere.example", "dealtrail user list"]),
        (&["contacts", "--rep", "zoe@nowhere.example"], &["zoe@nowhere.example"]),
        (&["gaps", "--rep", "bop@acme.example"], &["did you mean `bob@acme.example`?"]),
        (&["activities", "--deal", "D2"], &["no deal D2", "did you mean `D1`?"]),
        (&["deals", "--deal", "nothing"], &["no deal nothing", "dealtrail deals"]),
        (&["contacts", "--deal", "nothing"], &["no deal nothing"]),
        (&["gaps", "--deal", "nothing"], &["no deal nothing"]),
        (&["activities", "--contact", "eva@buyer.example"], &["did you mean `eve@buyer.example`?"]),
        (&["deals", "--contact", "K9"], &["no contact K9", "did you mean `K1`?"]),
        (&["contacts", "--contact", "someone else"], &["dealtrail contacts"]),
        (&["gaps", "--contact", "K9"], &["no contact K9"]),
        (&["activities", "--state", "hold"], &["`hold`", "did you mean `held`?", "planned"]),
        (&["deals", "--state", "opened"], &["`opened`", "did you mean `open`?", "won, lost"]),
        (&["gaps", "--state", "opened"], &["`opened`", "did you mean `open`?", "withdrawn"]),
        (
            &["activities", "--from", "2026-02-02", "--to", "2026-02-01"],
            &["--from 2026-02-02 is after --to 2026-02-01"],
        ),
        (&["gaps", "--from", "2026-02-02", "--to", "2026-02-01"], &["is after"]),
        (&["report", "activty"], &["no report `activty`", "did you mean `activity`?"]),
        (&["report", "activity", "--rep", "anna@acme.example"], &["did you mean `ana@acme.example`?"]),
        (&["report", "coverage", "--rep", "zoe@nowhere.example"], &["dealtrail user list"]),
        (&["report", "activity", "--team", "nroth"], &["no team `nroth`", "did you mean `north`?"]),
        (&["report", "activity", "--show", "call"], &["no column `call`", "did you mean `calls`?"]),
        (&["report", "coverage", "--show", "sen"], &["no column `sen`", "did you mean `seen`?"]),
        (&["report", "coverage", "--show", "name"], &["`name` is no number", "`seen`"]),
        (&["--log", "bogus", "status"], &["--log", "`bogus`", "error, warn, info, debug, trace"]),
        (&["--log", "inof", "status"], &["did you mean `info`?"]),
        (&["--log", "", "status"], &["--log", "error, warn, info"]),
        (&["explain", " "], &["explain what?", "Message-ID"]),
        (&["review", "accept", "a0"], &["no activity a0"]),
        (&["review", "--by", "anna@acme.example", "reject", "a0"], &["no activity a0"]),
        (&["user", "add", "zoe"], &["`zoe` is no email address"]),
        (&["user", "add", "zoe@acme.example", "--alias", "zoe"], &["`zoe` is no email address"]),
        (
            &["user", "add", "zoe@acme.example", "--alias", "Bob@acme.example"],
            &["belongs to the user bob@acme.example"],
        ),
        (&["user", "add", "a.lopez@acme.example"], &["belongs to the user ana@acme.example"]),
        (&["user", "add", "zoe@acme.example", "--team", "nroth"], &["did you mean `north`?"]),
        (&["user", "remove", "zoe@acme.example"], &["no user zoe@acme.example"]),
        (&["user", "password", "anna@acme.example"], &["did you mean `ana@acme.example`?"]),
        (&["sync", "--connection", "an-mail"], &["did you mean `ana-mail`?"]),
        (&["check", "--connection", "an-mail"], &["did you mean `ana-mail`?"]),
    ];
    for (arguments, parts) in cases {
        refused(&office.program.say(arguments), arguments, parts);
    }
    office.add("[[connection]]\nname = \"old\"\nconnector = \"csv\"\npath = \"old\"\nenabled = false");
    refused(&office.program.say(&["sync", "--connection", "old"]), &["sync"], &["`old`", "enabled = false"]);
    let folder = tempfile::tempdir().expect("a folder");
    refused(&bare(&["demo", "--listen", "0.0.0.0:8420"], folder.path()), &["demo"], &["127.0.0.1:8420"]);
    assert!(!folder.path().join("demo").exists(), "nothing is made before the command is right");
    let mut command = office.program.command(&["status"]);
    let out = command.env("DEALTRAIL_LOG", "bogus").output().expect("the program can be started");
    assert_eq!(out.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&out.stderr).contains("$DEALTRAIL_LOG"));
    // these are the command line reader's own sentences
    for (arguments, part) in [
        (&["activities", "--from", "yesterday"][..], "2026-03-31"),
        (&["report", "activity", "--to", "31.03.2026"], "2026-03-31"),
        (&["activities", "--most", "0"], "--most"),
        (&["activities", "--most", "-5"], "--most"),
        (&["export", "activites"], "activities"),
    ] {
        let said = office.program.say(arguments);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(said.err.contains(part), "{arguments:?}: {}", said.err);
    }
}

#[rstest]
fn filters_narrow_what_they_say(#[values(Sqlite, Postgres)] on: Database) {
    let office = office(on);
    let p = &office.program;
    let mails = |arguments: &[&str]| -> Vec<String> {
        let all: Vec<&str> = ["activities"].iter().chain(arguments).copied().collect();
        rows(p, &all).iter().map(|r| r["message_id"].as_str().expect("a mail").to_owned()).collect()
    };
    let both = ["alias@buyer.example", "offer@buyer.example"];
    assert_eq!(mails(&[]), both);
    // an alias is its user, and a mail to an alias is the user's
    for rep in ["ana@acme.example", "a.lopez@acme.example", "A.Lopez@Acme.example"] {
        assert_eq!(mails(&["--rep", rep]), both, "{rep}");
        assert_eq!(rows(p, &["deals", "--rep", rep]).len(), 1, "{rep}");
    }
    assert_eq!(mails(&["--rep", "bob@acme.example"]), both[..1]);
    assert_eq!(mails(&["--rep", "bob@acme.example", "--state", "done", "--contact", "K1", "--deal", "D1"]), both[..1]);
    assert_eq!(mails(&["--rep", "mia@acme.example"]), [""; 0]);
    assert_eq!(mails(&["--state", "held"]), [""; 0]);
    assert_eq!(mails(&["--most", "1"]), both[..1]);
    let day = day(10);
    assert_eq!(mails(&["--from", &day, "--to", &day]).len(), 1);
    let now = self::day(0);
    for (list, with, there) in [
        ("deals", ["--state", "open"], 1),
        ("deals", ["--state", "won"], 0),
        ("deals", ["--to", &now], 1),
        ("deals", ["--from", &now], 0),
        ("deals", ["--contact", "Eve@buyer.example"], 1),
        ("contacts", ["--from", &day], 1),
        ("contacts", ["--from", &now], 0),
        ("contacts", ["--deal", "D1"], 1),
    ] {
        assert_eq!(rows(p, &[list, with[0], with[1]]).len(), there, "{list} {with:?}");
    }
    let report = |rep: &str| -> Value {
        serde_json::from_str(&p.run(&["report", "activity", "--rep", rep, "--format", "json"])).expect("JSON")
    };
    assert_eq!(report("a.lopez@acme.example"), report("ana@acme.example"));
    assert_eq!(report("a.lopez@acme.example")["rows"][0]["rep"], "ana@acme.example");
}

/// Every number of the coverage report, in every row, opens to as many items as it says.
#[rstest]
fn coverage_opens_to_its_items(#[values(Sqlite, Postgres)] on: Database) {
    let office = office(on);
    fs::create_dir(office.dir.path().join("mail/ana/cur/1700009999.M1P1.acme:2,S")).expect("no message");
    office.program.say(&["sync"]);
    let p = &office.program;
    let days = ["--from", "2020-01-01"];
    let report: Value =
        serde_json::from_str(&p.run(&["report", "coverage", "--format", "json", days[0], days[1]])).expect("JSON");
    let table = report["rows"].as_array().expect("rows");
    let mut seen = BTreeMap::new();
    for column in report["columns"].as_array().expect("columns") {
        let key = column["key"].as_str().expect("a key");
        if !table[0][key].is_u64() || key == "typed" {
            continue;
        }
        let opened = rows(p, &["report", "coverage", days[0], days[1], "--show", key]);
        assert_eq!(opened.len(), table.len());
        for (row, opened) in table.iter().zip(&opened) {
            let items = opened["behind"].as_array().expect("items");
            assert_eq!(Some(items.len() as u64), row[key].as_u64(), "{key} of {row}");
            for item in items {
                let outcome = item["outcome"].as_str().expect("an outcome");
                let fits = match key {
                    "seen" => true,
                    "external" => outcome != "skipped",
                    _ => key.split_once('_').map_or(key == outcome, |(o, r)| o == outcome && item["reason"] == r),
                };
                assert!(fits, "{key}: {item}");
            }
        }
        seen.insert(key.to_owned(), opened.last().expect("the row of all")["behind"].as_array().expect("a list").len());
    }
    for (key, n) in
        [("seen", 5), ("captured", 2), ("waiting", 1), ("quarantined", 1), ("skipped", 1), ("skipped_bulk", 1)]
    {
        assert_eq!(seen[key], n, "{key}: {seen:?}");
    }
    let text = p.run(&["report", "coverage", days[0], days[1], "--show", "seen"]);
    assert!(text.contains("all / all together: 5"), "{text}");
    let id = p.activity("offer@buyer.example").expect("an activity")["id"].as_str().expect("an id").to_owned();
    for line in [format!("captured - {id}"), "skipped bulk -".to_owned(), "quarantined".to_owned()] {
        assert!(text.lines().any(|l| l.starts_with("  ana-mail/INBOX/17000") && l.contains(&line)), "{line}:\n{text}");
    }
    let csv = p.run(&["report", "coverage", days[0], days[1], "--show", "captured", "--format", "csv"]);
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    assert!(reader.headers().expect("heads").iter().any(|h| h == "behind"), "{csv}");
    // in a week's, a stream's and the row of all
    assert_eq!(reader.records().count(), 6, "{csv}");
    let lines = p.run(&["report", "activity", "--show", "emails_received", "--format", "jsonl"]);
    assert!(lines.lines().all(|l| serde_json::from_str::<Row>(l).is_ok_and(|r| r["behind"].is_array())), "{lines}");
}

/// A full disk behind standard output.
#[test]
fn check_fails_on_what_sync_would_fail_on() {
    let office = Office::new(Sqlite);
    assert_eq!(office.program.say(&["check"]).code, Some(0));
    let path = office.dir.path().join("crm/contacts.csv");
    fs::write(&path, "name,emails\nEve,eve@buyer.example\n").expect("the contacts");
    let (check, sync) = (office.program.say(&["check"]), office.program.say(&["sync"]));
    assert_eq!((check.code, sync.code), (Some(1), Some(1)), "{}", check.out);
    let why = check.out.lines().find(|l| l.starts_with("crm / contacts.csv: ")).expect("the file and why");
    assert!(sync.err.contains(why), "{why}: {}", sync.err);
}

#[test]
fn a_full_disk_is_one_sentence() {
    let office = office(Sqlite);
    office.deals(&["D1", "D2"]);
    office.deliver("ana", "INBOX", &Letter { days: 2, ..letter("which@buyer.example") }.bytes());
    office.program.sync();
    let new = office.dir.path().join("new").display().to_string();
    for line in [
        "status",
        "activities",
        "activities --format json",
        "activities --format jsonl",
        "activities --format csv",
        "deals",
        "contacts --format csv",
        "gaps",
        "gaps --format jsonl",
        "report activity",
        "report activity --format json",
        "report activity --format jsonl",
        "report activity --format csv",
        "report activity --show captured",
        "report coverage",
        "report coverage --show seen",
        "report coverage --show seen --format csv",
        "explain D1",
        "explain eve@buyer.example",
        "explain no-such-thing",
        "export activities",
        "export decisions --format csv",
        "export contacts",
        "export activities --format parquet",
        "review",
        "user list",
        "user add zoe@acme.example",
        "connector list",
        "check",
        &format!("init --dir {new}"),
    ] {
        let arguments: Vec<&str> = line.split_whitespace().collect();
        let full = OpenOptions::new().write(true).open("/dev/full").expect("the full device");
        let mut command = office.program.command(&arguments);
        let out = command.stdin(Stdio::null()).stdout(full).output().expect("the program can be started");
        let err = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(1), "{line}: {err}");
        assert!(err.contains("standard output") && !err.contains("panicked"), "{line}: {err}");
        assert_eq!(err.lines().count(), 1, "{line}: {err}");
    }
}

#[test]
fn user_list_says_who_may_what_and_where_it_was_said() {
    let office = office(Sqlite);
    office.program.run(&["user", "add", "zoe@acme.example", "--role", "manager", "--team", "north", "--name", "Zoe"]);
    let all = rows(&office.program, &["user", "list"]);
    let one = |email: &str| all.iter().find(|r| r["email"] == email).unwrap_or_else(|| panic!("no {email}")).clone();
    for (email, role, manages, team, made_in) in [
        ("mia@acme.example", "admin", vec!["north".to_owned()], Value::Null, "configuration"),
        ("ana@acme.example", "rep", vec![], Value::from("north"), "configuration"),
        ("zoe@acme.example", "manager", vec![], Value::from("north"), "database"),
    ] {
        let row = one(email);
        assert_eq!((&row["role"], &row["team"], &row["made_in"]), (&role.into(), &team, &made_in.into()), "{email}");
        assert_eq!(list(&row, "manages"), manages, "{email}");
    }
    let table = office.program.run(&["user", "list"]);
    for (email, parts) in [
        ("mia@acme.example", ["admin, manages north", "file"]),
        ("ana@acme.example", ["a.lopez@acme.example", "file"]),
        ("zoe@acme.example", ["manager", "added"]),
    ] {
        // a cell may be broken into lines on a narrow screen, so the words are looked for anywhere
        assert!(table.contains(email) && parts.iter().all(|p| table.contains(p)), "{email}:\n{table}");
    }
}

#[test]
fn check_says_who_stands_in_the_way_and_what_to_do() {
    let office = Office::new(Sqlite);
    let before = office.program.run(&["check"]);
    assert!(before.contains("dealtrail sync"), "{before}");
    office.csv(
        "contacts",
        &[
            "id,name,emails,company_id,created_at",
            "K1,Eve,eve@buyer.example,C1,2026-01-05",
            "K2,Eve again,Eve@buyer.example,C1,2026-01-06",
            "K3,Bob,bob@acme.example,C1,2026-01-05",
        ],
    );
    office.csv(
        "deals",
        &[
            "id,name,company_id,contact_ids,owner,pipeline,stage_id,created_at",
            "D1,One,C1,K1,ana@acme.example,Sales,s1,2026-01-05",
            "D2,Two,C1,K1,gone@acme.example,Sales,s1,2026-01-05",
        ],
    );
    office.program.sync();
    let said = office.program.run(&["check"]);
    for parts in [
        &["contact K3", "bob@acme.example", "ours", "organization.external"][..],
        &["contacts K1 and K2", "eve@buyer.example", "goes to K1", "merge"],
        &["bob@acme.example has no mailbox", "[[connection]]", "owner"],
        &["gone@acme.example owns 1 open deal", "[[user]]", "alias"],
    ] {
        let line = said.lines().find(|l| l.starts_with("note: ") && parts.iter().all(|p| l.contains(p)));
        assert!(line.is_some(), "nothing says {parts:?}:\n{said}");
    }
    // Ana has one, and Mia sells nothing
    for who in ["ana@acme.example has no", "mia@acme.example has no"] {
        assert!(!said.contains(who), "{said}");
    }
}

/// `blind` names connections only; who has none at all is said in words.
#[test]
fn a_finding_names_connections_that_were_blind() {
    let office = Office::without_mail(Sqlite);
    office.csv(
        "deals",
        &[
            "id,name,company_id,contact_ids,owner,pipeline,stage_id,created_at",
            &format!("D1,Project D1,C1,K1,ana@acme.example,Sales,s2,{}", days_ago(60).to_rfc3339()),
        ],
    );
    let moved = days_ago(20).to_rfc3339();
    office.csv("stage_changes", &["deal_id,from_stage_id,to_stage_id,changed_at", &format!("D1,s1,s2,{moved}")]);
    office.program.sync();
    for rows in [office.program.export("gaps"), rows(&office.program, &["gaps", "--all"])] {
        let gap = rows.iter().find(|g| g["rule"] == "unsupported_advance").expect("an advance that nobody could see");
        assert_eq!((&gap["state"], list(gap, "blind")), (&Value::from("unknown"), vec![]), "{gap:?}");
        assert!(gap["found"].as_str().is_some_and(|f| f.contains("no mailbox") && f.contains("connected")), "{gap:?}");
    }
}

/// What lies in a mailbox and is no file is kept as unreadable, on record with its reason, and holds nothing up.
#[test]
fn a_pipe_in_a_mailbox_is_on_record() {
    let office = Office::new(Sqlite);
    office.deliver("ana", "INBOX", &letter("offer@buyer.example").bytes());
    let cur = office.dir.path().join("mail/ana/cur");
    let made = std::process::Command::new("mkfifo").arg(cur.join("1700009998.pipe:2,S")).status();
    assert!(made.expect("mkfifo is installed").success());
    std::os::unix::fs::symlink("nowhere", cur.join("1700009999.link:2,S")).expect("a link");
    office.program.sync();
    assert!(office.program.activity("offer@buyer.example").is_some());
    for (key, why) in [("1700009998.pipe", "no message file"), ("1700009999.link", "not there")] {
        let rows = office.program.decisions("INBOX");
        let row = rows.iter().find(|r| r["key"] == key).unwrap_or_else(|| panic!("nothing was decided on {key}"));
        assert_eq!(row["outcome"], "quarantined", "{row:?}");
        assert!(row["detail"].as_str().is_some_and(|d| d.contains(why)), "{row:?}");
    }
    assert!(office.program.run(&["check"]).contains("ana-mail"));
    assert!(office.program.run(&["status"]).contains("2 items could not be read"));
}
