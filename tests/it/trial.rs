//! `gaps --dry-run --set`: what a changed configuration would find, and that finding out changes nothing.

use std::collections::BTreeMap;

use rstest::rstest;
use serde_json::Value;

use crate::support::{
    Database::{self, Postgres, Sqlite},
    Letter, Office, Row, days_ago, letter,
};

/// Eve wrote ten days ago and has had no answer; her deal has stood in its first stage for a hundred days. Another deal moved
/// forward with nothing to show for it, a company without a deal writes and writes, and a contact never had any traffic.
fn office(on: Database) -> Office {
    let office = Office::new(on);
    let (created, moved) = (days_ago(100).to_rfc3339(), days_ago(30).to_rfc3339());
    office.csv("companies", &["id,name,domains", "C1,Buyer,buyer.example", "C2,Other,other.example"]);
    office.csv(
        "contacts",
        &[
            "id,name,emails,company_id,owner,created_at",
            "K1,Eve,eve@buyer.example,C1,,",
            "K2,Zoe,zoe@other.example,C2,,",
            &format!("K3,Max,max@nowhere.example,,ana@acme.example,{created}"),
        ],
    );
    office.csv(
        "deals",
        &[
            "id,name,company_id,contact_ids,owner,pipeline,stage_id,amount,currency,created_at",
            &format!("D1,Project D1,C1,K1,ana@acme.example,Sales,s1,1000,EUR,{created}"),
            &format!("D2,Project D2,,,ana@acme.example,Sales,s2,1000,EUR,{created}"),
        ],
    );
    office.csv("stage_changes", &["deal_id,from_stage_id,to_stage_id,changed_at", &format!("D2,s1,s2,{moved}")]);
    office.csv(
        "activities",
        &["id,kind,occurred_at,owner,contact_ids,subject", &format!("T1,call,{moved},ana@acme.example,K2,Call")],
    );
    office.deliver("ana", "INBOX", &letter("offer@buyer.example").bytes());
    for (n, id) in ["z1@other.example", "z2@other.example"].into_iter().enumerate() {
        let told = Letter { from: "zoe@other.example", days: 3 + n as i64, ..letter(id) };
        office.deliver("ana", "INBOX", &told.bytes());
        let back =
            Letter { from: "ana@acme.example", to: "zoe@other.example", days: 2, ..letter(&format!("a{id}")) }.bytes();
        office.deliver("ana", "Sent", &back);
    }
    office.program.sync();
    office
}

fn tried(office: &Office, settings: &[&str]) -> Vec<Row> {
    let sets = settings.iter().flat_map(|s| ["--set", s]);
    let arguments: Vec<&str> = ["gaps", "--dry-run", "--format", "json"].into_iter().chain(sets).collect();
    serde_json::from_str(&office.program.run(&arguments)).expect("JSON")
}

/// Rule and subject of what shifts.
fn shifts(rows: &[Row]) -> Vec<String> {
    let mut all: Vec<String> =
        rows.iter().map(|r| format!("{} {} {}", word(r, "change"), word(r, "rule"), word(r, "deal"))).collect();
    all.sort();
    all
}

fn word<'r>(row: &'r Row, key: &str) -> &'r str {
    row[key].as_str().unwrap_or("-")
}

fn live(office: &Office) -> BTreeMap<String, (Value, Value)> {
    let all = office.program.export("gaps");
    let live = all.into_iter().filter(|g| !["resolved", "withdrawn"].contains(&word(g, "state")));
    live.map(|g| (word(&g, "id").to_owned(), (g["state"].clone(), g["severity"].clone()))).collect()
}

#[rstest]
fn a_dry_run_shows_what_would_shift_and_changes_nothing(#[values(Sqlite, Postgres)] on: Database) {
    let office = office(on);
    // a connection that was configured and not read yet is not noted either
    office.mailbox("bob");
    let before = office.everything();
    assert!(before.len() > 50, "{} rows", before.len());
    for (settings, want) in [
        (&["gaps.gone_quiet.after=2wd"][..], &["appears gone_quiet D1"][..]),
        (&["gaps.gone_quiet.after=10wd"], &[]),
        (&["gaps.gone_quiet.stages.Sales/Lead=2wd"], &["appears gone_quiet D1"]),
        (&["gaps.no_next_step.from_stage=1"], &["appears no_next_step D1"]),
        (&["gaps.stalled.stages.Lead=200d"], &["disappears stalled D1"]),
        (
            &["gaps.unsupported_advance.enabled=false", "gaps.we_owe_reply.enabled=false"],
            &["disappears unsupported_advance D2", "disappears we_owe_reply D1"],
        ),
        (&["gaps.activity_without_deal.activities=9"], &["disappears activity_without_deal -"]),
        (&["gaps.phantom_contact.after=200d"], &["disappears phantom_contact -"]),
        (&["gaps.uncorroborated_log.enabled=false"], &["disappears uncorroborated_log -"]),
        (&["capture.exclude+=eve@buyer.example"], &["appears gone_quiet D1", "disappears we_owe_reply D1"]),
    ] {
        assert_eq!(shifts(&tried(&office, settings)), want, "{settings:?}");
    }
    let raised = tried(&office, &["gaps.amount_for_high=500"]);
    let advance = raised.iter().find(|r| word(r, "rule") == "unsupported_advance").expect("the advance");
    assert_eq!(word(advance, "change"), "changes");
    assert_ne!(advance["severity_now"], advance["severity_then"]);
    // what people and other programs see
    let set = ["gaps", "--dry-run", "--set", "gaps.stalled.enabled=false"];
    let table = office.program.run(&set);
    let csv = office.program.say(&[&set[..], &["--format", "csv"]].concat());
    for part in ["0 gaps would appear, ", " would disappear", "stalled", "Nothing was changed"] {
        assert!(table.contains(part), "{part} is missing:\n{table}");
    }
    assert!(csv.out.starts_with("change,rule,deal") && csv.err.contains("Nothing was changed"), "{}", csv.err);
    let narrowed = [&set[..], &["--deal", "D2", "--format", "json"]].concat();
    let rows: Vec<Row> = serde_json::from_str(&office.program.run(&narrowed)).expect("JSON");
    assert!(rows.iter().all(|r| word(r, "deal") == "D2"), "{rows:?}");
    assert!(before == office.everything(), "a dry run changed the database");
}

#[rstest]
fn what_a_dry_run_foretells_comes_true(#[values(Sqlite, Postgres)] on: Database) {
    let office = office(on);
    let settings = [
        "gaps.gone_quiet.after=2wd",
        "gaps.stalled.after=200d",
        "gaps.amount_for_high=500",
        "gaps.no_next_step.from_stage=1",
        "gaps.activity_without_deal.activities=9",
        "capture.exclude+=eve@buyer.example",
    ];
    let mut want = live(&office);
    let rows = tried(&office, &settings);
    assert!(rows.len() > 4, "{:?}", shifts(&rows));
    for row in rows {
        if word(&row, "change") == "disappears" {
            want.remove(word(&row, "id"));
        } else {
            want.insert(word(&row, "id").to_owned(), (row["state_then"].clone(), row["severity_then"].clone()));
        }
    }
    office.replace("exclude = []", "exclude = [\"eve@buyer.example\"]");
    office.add(
        "[gaps]\namount_for_high = 500\n[gaps.gone_quiet]\nafter = \"2wd\"\n[gaps.stalled]\nafter = \"200d\"\n\
         [gaps.no_next_step]\nfrom_stage = 1\n[gaps.activity_without_deal]\nactivities = 9",
    );
    office.program.sync();
    assert_eq!(live(&office), want);
}

#[test]
fn a_wrong_setting_is_refused_with_the_nearest() {
    let office = office(Sqlite);
    for (set, parts) in [
        ("gaps.gone_quite.after=7wd", &["--set gaps.gone_quite.after", "did you mean `gone_quiet`?"][..]),
        ("gaps.gone_quiet.after=soon", &["`gaps.gone_quiet.after`", "expected"]),
        ("gaps.gone_quiet.stages.Propsal=7wd", &["no stage Propsal", "did you mean `Proposal`?"]),
        ("capture.since=30d", &["a dry run tries", "dealtrail sync"]),
        ("nonsense", &["KEY=VALUE"]),
    ] {
        let said = office.program.say(&["gaps", "--dry-run", "--set", set]);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{set}: {}", said.err);
        assert_eq!(said.err.lines().count(), 1, "{set}: {}", said.err);
        said.complains(parts);
    }
    for arguments in [
        &["gaps", "--dry-run"][..],
        &["gaps", "--set", "gaps.stalled.enabled=false"],
        &["gaps", "--dry-run", "--recompute", "--set", "gaps.stalled.enabled=false"],
    ] {
        assert_eq!(office.program.say(arguments).code, Some(2), "{arguments:?}");
    }
}
