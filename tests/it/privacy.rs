//! What is told of single people: by name, in teams only, in no group below five; in reports, behind their numbers, and in exports.

use serde_json::Value;

use crate::support::{Database::Sqlite, Letter, Office, letter};

/// Two teams: north with five people, south with two, and Mia, who is in none.
fn office(privacy: &str) -> Office {
    let office = Office::new(Sqlite);
    office.replace("name = \"Ana\"", "name = \"Ana Lopez\"\nteam = \"north\"");
    office.replace("name = \"Bob\"", "name = \"Bob Stone\"\nteam = \"south\"");
    for (name, team) in [("carl", "north"), ("dora", "north"), ("emil", "north"), ("fritz", "north"), ("gina", "south")]
    {
        office.add(&format!("[[user]]\nemail = \"{name}@acme.example\"\nname = \"{name}\"\nteam = \"{team}\""));
    }
    office.add("[[team]]\nname = \"north\"\n\n[[team]]\nname = \"south\"");
    office.add(&format!("[privacy]\n{privacy}"));
    office.add("[[quota]]\nrep = \"ana@acme.example\"\nper = \"quarter\"\namount = 1000\ncurrency = \"EUR\"");
    office.add("[[target]]\nmetric = \"emails_received\"\nper = \"week\"\ngoal = 5");
    office.mailbox("bob");
    for n in 1..4 {
        let id = format!("a{n}@buyer.example");
        office.deliver("ana", "INBOX", &Letter { days: n, ..letter(&id) }.bytes());
    }
    office.deliver("bob", "INBOX", &Letter { to: "bob@acme.example", days: 1, ..letter("b1@buyer.example") }.bytes());
    office.program.sync();
    office
}

/// Reports that are asked for by `report NAME` alone, and how else.
const PLAIN: &[&[&str]] = &[
    &["activity"],
    &["funnel"],
    &["funnel", "--cohorts"],
    &["pace"],
    &["forecast"],
    &["forecast", "--calibration"],
    &["trail"],
    &["next_steps"],
    &["coverage"],
    &["leads"],
    &["segments"],
    &["competitors"],
];

/// Whoever of ours could be told of.
const PEOPLE: &[&str] = &["ana@", "bob@", "Ana Lopez", "Bob Stone", "ana-mail", "bob-mail"];

fn rows(office: &Office, report: &[&str]) -> Vec<Value> {
    let all: Vec<&str> = ["report"].iter().chain(report).chain(&["--format", "json"]).copied().collect();
    let json: Value = serde_json::from_str(&office.program.run(&all)).expect("JSON");
    json["rows"].as_array().expect("rows").clone()
}

fn names(office: &Office, report: &[&str]) -> Vec<String> {
    let mut names: Vec<String> =
        rows(office, report).iter().filter_map(|r| r["name"].as_str().map(str::to_owned)).collect();
    names.dedup();
    names
}

#[test]
fn no_ranking_shows_teams_and_nobody_by_name() {
    let office = office("no_ranking = true");
    for report in PLAIN {
        for format in ["table", "json", "csv"] {
            let all: Vec<&str> = ["report"].iter().chain(*report).chain(&["--format", format]).copied().collect();
            let said = office.program.run(&all);
            for name in PEOPLE {
                assert!(!said.contains(name), "{report:?} tells of {name}:\n{said}");
            }
        }
    }
    assert_eq!(names(&office, &["activity"]), ["team north", "team south", "everybody"]);
    assert_eq!(names(&office, &["coverage"]), ["team north", "team south", "all together"]);
    let received = rows(&office, &["activity"]).iter().map(|r| r["emails_received"].clone()).collect::<Vec<_>>();
    assert_eq!(received, [3, 1, 4], "the numbers are those of the whole report");
    let behind = office.program.run(&["report", "activity", "--show", "emails_received"]);
    assert!(behind.contains("team / team north / north: 3") && !behind.contains("Ana"), "{behind}");
    // a rep's own pages are asked for by name, and nothing else is
    for (report, rep, parts) in [
        ("activity", true, ["privacy.no_ranking", "single people"]),
        ("coverage", true, ["privacy.no_ranking", "--team"]),
        ("today", false, ["privacy.no_ranking", "--rep EMAIL"]),
        ("targets", false, ["privacy.no_ranking", "--rep EMAIL"]),
    ] {
        let arguments = ["report", report, "--rep", "ana@acme.example"];
        let said = office.program.say(if rep { &arguments } else { &arguments[..2] });
        assert_eq!(said.code, Some(2), "{report}: {}", said.out);
        said.complains(&parts);
    }
    let said = office.program.say(&["report", "coverage", "--show", "captured"]);
    assert_eq!(said.code, Some(2), "{}", said.out);
    said.complains(&["accounts of single people", "privacy.no_ranking"]);
    for own in ["today", "targets", "pace"] {
        let said = office.program.run(&["report", own, "--rep", "ana@acme.example", "--format", "json"]);
        assert!(!said.contains("Bob"), "{own}: {said}");
    }
    assert!(office.program.run(&["report", "activity", "--team", "south"]).contains("team south"));
    assert!(office.program.run(&["export", "activities"]).contains("ana@acme.example"), "exports are whole");
}

#[test]
fn a_works_council_sees_no_group_below_five() {
    let office = office("works_council = true");
    // all together, less the north, would tell of three people
    assert_eq!(names(&office, &["activity"]), ["team north"]);
    assert_eq!(names(&office, &["coverage"]), ["team north"]);
    office.program.say(&["report", "activity", "--team", "south"]).complains(&["fewer than 5"]);
    for report in PLAIN {
        let all: Vec<&str> = ["report"].iter().chain(*report).copied().collect();
        let said = office.program.run(&all);
        for name in PEOPLE {
            assert!(!said.contains(name), "{report:?} tells of {name}:\n{said}");
        }
        assert!(!said.contains("team south") && !said.contains("everybody"), "{report:?}:\n{said}");
    }
    let said = office.program.run(&["report", "activity"]);
    assert!(
        said.contains("Only groups of 5 or more are shown (privacy.works_council); smaller ones are left out."),
        "{said}"
    );
    // with three more who sell the rest is large enough
    for name in ["hans", "ines", "jo"] {
        office.add(&format!("[[user]]\nemail = \"{name}@acme.example\"\nname = \"{name}\"\nteam = \"west\""));
    }
    office.add("[[team]]\nname = \"west\"");
    office.program.sync();
    assert_eq!(names(&office, &["activity"]), ["team north", "everybody"]);
}

#[test]
fn exports_for_a_works_council_tell_of_nobody_of_ours() {
    let office = office("works_council = true");
    for what in ["activities", "decisions", "gaps", "deals", "contacts"] {
        for format in ["jsonl", "csv"] {
            let said = office.program.run(&["export", what, "--format", format]);
            for name in PEOPLE {
                assert!(!said.contains(name), "{what} as {format} tell of {name}:\n{said}");
            }
        }
        let file = office.dir.path().join(format!("{what}.parquet"));
        office.program.run(&["export", what, "--format", "parquet", "--output", file.to_str().expect("a path")]);
    }
    // whom we talked to, and when, is there
    let row = office.program.activity("a1@buyer.example").expect("an activity");
    assert_eq!(row["contacts"][0], "K1");
    assert_eq!(row["deals"][0], "D1");
    let addresses: Vec<&Value> =
        row["participants"].as_array().expect("a list").iter().map(|p| &p["address"]).collect();
    assert_eq!(addresses, [&Value::from("eve@buyer.example"), &Value::Null]);
    assert_eq!(row["matches"][0]["by"], "rule");
    let lists =
        [&["activities"][..], &["gaps", "--all"], &["deals"], &["contacts"], &["report", "trail", "--deal", "D1"]];
    for list in lists {
        for format in ["table", "csv", "json", "jsonl"] {
            let said = office.program.run(&[list, &["--format", format]].concat());
            for name in PEOPLE {
                assert!(!said.contains(name), "{list:?} as {format} tells of {name}:\n{said}");
            }
        }
    }
    for id in ["D1", "C1"] {
        let said = office.program.run(&["explain", id]);
        assert!(said.contains(id) && !PEOPLE.iter().any(|name| said.contains(name)), "{said}");
    }
    let said = office.program.run(&["explain", "a1@buyer.example"]);
    assert!(said.contains("one of our accounts") && !PEOPLE.iter().any(|name| said.contains(name)), "{said}");
    let tried = ["gaps", "--dry-run", "--set", "gaps.we_owe_reply.after=1wh"];
    for format in ["table", "csv", "json", "jsonl"] {
        let said = office.program.run(&[&tried[..], &["--format", format]].concat());
        assert!(!PEOPLE.iter().any(|name| said.contains(name)), "{said}");
    }
    let small = office.program.say(&["report", "segments", "--team", "south"]);
    assert_eq!(small.code, Some(2), "{}", small.out);
    small.complains(&["south", "fewer than 5", "privacy.works_council"]);
    for list in ["activities", "gaps"] {
        let said = office.program.say(&[list, "--rep", "ana@acme.example"]);
        assert_eq!(said.code, Some(2), "{list}: {}", said.out);
        said.complains(&["privacy.works_council", "--rep"]);
    }
}
