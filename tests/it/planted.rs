//! The rules at work: the program finds in the sample company what was planted there, and judges deals again when what they
//! are judged by changes, without being told to.

use std::collections::BTreeSet;

use dealtrail::{clock::SystemClock, demo};
use dealtrail_sdk::Clock as _;
use rstest::rstest;

use crate::support::{
    Database::{self, Postgres, Sqlite},
    Office, Program, Row, days_ago,
};

/// Rules on a deal's own history: where nothing was planted for them, they find nothing.
const HISTORY: &[&str] = &[
    "missing_evidence",
    "skipped_stage",
    "overdue_next_step",
    "pushed_close",
    "stalled",
    "single_threaded",
    "amount_dropped",
    "commit_without_evidence",
];

fn text<'r>(row: &'r Row, key: &str) -> &'r str {
    row[key].as_str().unwrap_or_default()
}

#[test]
fn what_was_planted_is_found() {
    let dir = tempfile::tempdir().expect("a folder");
    let company = demo::write(&dir.path().join("demo"), SystemClock.now(), 7).expect("a company");
    let program = Program { config: company.config.clone() };
    program.say(&["sync"]);
    let mut gaps = program.export("gaps");
    gaps.retain(|g| ["open", "unknown"].contains(&text(g, "state")));
    let found: BTreeSet<(&str, &str, &str)> =
        gaps.iter().map(|g| (text(g, "deal"), text(g, "rule"), text(g, "state"))).collect();
    for h in &company.highlights {
        let of_a_contact = h.planted == "phantom_contact" && gaps.iter().any(|g| text(g, "rule") == h.planted);
        let there = found.contains(&(h.deal_id.as_str(), h.planted, h.state));
        assert!(there || of_a_contact, "{} ({}): {} {}", h.deal_name, h.deal_id, h.planted, h.state);
    }
    for (deal, rule, _) in found.iter().filter(|f| HISTORY.contains(&f.1)) {
        let planted = company.highlights.iter().find(|h| h.deal_id == *deal).map(|h| h.planted);
        // who moves to the end of the pipeline without a word from the customer is in the forecast as commit too
        let unbacked = planted.is_some_and(|p| p.ends_with("_advance"));
        let follows = unbacked && ["commit_without_evidence", "skipped_stage"].contains(rule);
        assert!(planted == Some(rule) || follows, "{deal}: {rule}, and planted was {planted:?}");
    }
    the_list_is_the_worst_of_each(&program, &gaps);
    let before = program.settled();
    program.run(&["gaps", "--recompute"]);
    crate::support::assert_same(&before, &program.settled(), "judged afresh");
}

/// The list without a filter is chosen by the database, one with a filter is not: they choose the same.
fn the_list_is_the_worst_of_each(program: &Program, gaps: &[Row]) {
    let listed = |narrowed: &[&str]| -> Vec<String> {
        let said = program.say(&[&["gaps", "--format", "json"], narrowed].concat());
        let rows: Vec<Row> = serde_json::from_str(&said.out).expect("a list");
        rows.iter().map(|row| text(row, "id").to_owned()).collect()
    };
    let list = listed(&[]);
    assert_eq!(list, listed(&["--from", "2001-01-01"]));
    let subjects: BTreeSet<&str> = gaps.iter().map(|g| text(g, "deal")).filter(|deal| !deal.is_empty()).collect();
    assert!(gaps.len() > list.len() && list.len() >= subjects.len(), "{} of {}", list.len(), gaps.len());
}

/// The state of the one stalled deal.
fn stalled(office: &Office) -> String {
    office.program.sync();
    let gaps = office.program.export("gaps");
    let all: Vec<&Row> = gaps.iter().filter(|g| g["rule"] == "stalled" && g["deal"] == "D1").collect();
    assert_eq!(all.len(), 1, "{all:?}");
    text(all[0], "state").to_owned()
}

#[rstest]
fn what_deals_are_judged_by_may_change(#[values(Sqlite, Postgres)] on: Database) {
    let office = Office::new(on);
    let deals = |won: usize| {
        let mut rows = vec!["id,name,company_id,contact_ids,owner,pipeline,stage_id,created_at".to_owned()];
        let row = |id: &str, stage: &str, days| {
            format!("{id},Project {id},C1,K1,ana@acme.example,Sales,{stage},{}", days_ago(days).to_rfc3339())
        };
        rows.push(row("D1", "s1", 100));
        let mut changes = vec!["deal_id,from_stage_id,to_stage_id,changed_at".to_owned()];
        for n in 0..won {
            rows.push(row(&format!("W{n}"), "s3", 200));
            changes.push(format!("W{n},s1,s2,{}", days_ago(110).to_rfc3339()));
            changes.push(format!("W{n},s2,s3,{}", days_ago(105).to_rfc3339()));
        }
        for (name, rows) in [("deals", &rows), ("stage_changes", &changes)] {
            office.csv(name, &rows.iter().map(String::as_str).collect::<Vec<_>>());
        }
    };
    deals(0);
    assert_eq!(stalled(&office), "open", "a hundred days in its first stage");
    deals(20);
    assert_eq!(stalled(&office), "withdrawn", "twenty deals were won that had stood there for ninety days");
    office.add("[gaps.stalled]\nfactor = 1.0");
    assert_eq!(stalled(&office), "open", "the limit is ninety days now");
    deals(19);
    assert_eq!(stalled(&office), "open", "too few to compare with");
    office.replace("factor = 1.0", "after = \"120d\"");
    assert_eq!(stalled(&office), "withdrawn", "a hundred days are short enough");
    let before = office.program.settled();
    office.program.run(&["gaps", "--recompute"]);
    crate::support::assert_same(&before, &office.program.settled(), "judged afresh");
}

#[rstest]
fn what_people_say_of_a_gap_stays(#[values(Sqlite, Postgres)] on: Database) {
    let office = Office::new(on);
    let created = days_ago(100).to_rfc3339();
    office.csv(
        "deals",
        &[
            "id,name,company_id,contact_ids,owner,pipeline,stage_id,created_at",
            &format!("D1,Project,C1,K1,ana@acme.example,Sales,s1,{created}"),
        ],
    );
    assert_eq!(stalled(&office), "open");
    let gaps = office.program.export("gaps");
    let id = text(gaps.iter().find(|g| g["rule"] == "stalled").expect("it is there"), "id").to_owned();
    let by = ["--by", "ana@acme.example"];
    let say = |words: &[&str]| office.program.say(&[&["gaps"], words, &by[..]].concat());
    let far = (days_ago(-30)).format("%Y-%m-%d").to_string();
    let past = (days_ago(3)).format("%Y-%m-%d").to_string();
    for (words, complaint) in [
        (vec!["snooze", "nothing", "--until", &far, "--why", "on leave"], "there is no gap nothing"),
        (vec!["snooze", &id, "--until", &past, "--why", "on leave"], "the date has passed"),
        (vec!["snooze", &id, "--until", &far, "--why", " "], "a reason is needed"),
        (vec!["reopen", &id], "nobody has put it off"),
    ] {
        let said = say(&words);
        assert_eq!(said.code, Some(2), "{words:?}");
        said.complains(&[complaint]);
    }
    for (words, state) in [
        (vec!["snooze", &id, "--until", &far, "--why", "the buyer is on leave"], "snoozed"),
        (vec!["reopen", &id], "open"),
        (vec!["explain", &id, "--why", "we met at the fair"], "explained"),
    ] {
        assert_eq!(say(&words).code, Some(0), "{words:?}");
        assert_eq!(stalled(&office), state, "{words:?}");
        office.program.run(&["gaps", "--recompute"]);
        assert_eq!(stalled(&office), state, "judged afresh after {words:?}");
        let told = office.program.run(&["explain", &id]);
        let listed = office.program.run(&["gaps", "--state", state, "--format", "csv"]);
        let head = office.program.run(&["gaps", "--state", state]);
        assert_eq!(head.contains("Until"), state != "open", "{head}");
        let words = words.iter().skip(2).filter(|word| !word.starts_with("--"));
        for word in words.chain(["ana@acme.example"].iter().filter(|_| state != "open")) {
            assert!(told.contains(*word), "{state}: {word} is not in\n{told}");
            // a program reads a moment, people a day
            assert!(listed.contains(*word) || *word == far, "{state}: {word} is not in\n{listed}");
        }
    }
}
