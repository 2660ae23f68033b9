//! A folder of files, read through the contract.

mod lies;

use std::{fs, path::Path};

use chrono::{DateTime, Utc};
use dealtrail_sdk::{Settings as Given, record::*};

use super::*;

#[derive(Debug)]
struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> DateTime<Utc> {
        "2026-06-01T12:00:00Z".parse().unwrap()
    }
}

fn source(folder: &Path) -> Box<dyn Source> {
    source_by(folder, Arc::new(Stopped))
}

fn source_by(folder: &Path, clock: Arc<dyn Clock>) -> Box<dyn Source> {
    let serde_json::Value::Object(settings) = serde_json::json!({ "path": "crm" }) else { unreachable!() };
    (KIND.connect)(Setup {
        connection: "crm".to_owned(),
        settings: Given(settings),
        base: folder.to_owned(),
        zone: chrono_tz::Europe::Berlin,
        clock,
    })
    .unwrap()
}

fn export(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("crm")).unwrap();
    for (name, text) in files {
        write(dir.path(), name, text);
    }
    dir
}

fn write(dir: &Path, name: &str, text: impl AsRef<[u8]>) {
    fs::write(dir.join("crm").join(name), text).unwrap();
}

fn window() -> Window {
    Window { since: DateTime::UNIX_EPOCH, until: "2027-01-01T00:00:00Z".parse().unwrap() }
}

fn stream(name: &str) -> Stream {
    Stream { id: name.to_owned(), name: name.to_owned(), role: None }
}

async fn list(source: &dyn Source, file: &str) -> Vec<Entry> {
    let batch = source.pull(&stream(file), None, &window()).await.unwrap();
    assert!(batch.cursor.is_none() && !batch.more && batch.changes.is_empty());
    let listing = batch.listing.unwrap();
    assert!(listing.shaky);
    listing.entries
}

/// Everything of one file: the resource, and the record or the reason.
async fn read(source: &dyn Source, file: &str) -> Vec<(String, Result<Record, String>)> {
    let names: Vec<String> = list(source, file).await.into_iter().map(|e| e.resource).collect();
    let changes = source.fetch(&stream(file), &names, &window()).await.unwrap();
    changes
        .into_iter()
        .map(|c| match c {
            Change::Upsert { resource, mut items, version } => {
                assert!(version.is_some() && items.len() == 1 && items[0].key == resource);
                (resource, Ok(items.remove(0).record))
            }
            Change::Unreadable { resource, why, .. } => (resource, Err(why)),
            Change::Remove { resource } => panic!("{resource} is gone"),
        })
        .collect()
}

/// Resource and reason of the rows that cannot be read.
async fn bad(source: &dyn Source, file: &str) -> Vec<(String, String)> {
    read(source, file).await.into_iter().filter_map(|(r, x)| x.err().map(|why| (r, why))).collect()
}

async fn fault(source: &dyn Source, file: &str) -> (FaultKind, String) {
    let fault = source.pull(&stream(file), None, &window()).await.unwrap_err();
    (fault.kind, fault.what)
}

const CONTACTS: &str = "id,emails\nC1,joe@buyer.example\n";
const DEALS: &str = "id,name,owner,stage_id\nD1,Big,ana@acme.example,S1\n";

/// Every file, every column.
const WHOLE: &[(&str, &str)] = &[
    (
        "companies.csv",
        "\u{feff}Owner,id,NAME,domains,unknown\r\nana@acme.example,B1,Buyer,buyer.example; www.Buyer.test,x\r\n",
    ),
    (
        "contacts.csv",
        "id,name,emails,company_id,title,phones,owner,created_at,merged_into\n\
            C1,Joe,joe@buyer.example;j@buyer.example,B1,\"CFO,\nEMEA\",+1;+2,ana@acme.example,2026-01-02T03:04:05Z,\n\
            C2,,,,,,,,C1\n",
    ),
    (
        "stages.csv",
        "id,pipeline,name,position,kind,probability\nS1,Main,Proposal,1,open,40\nS2,Main,Closed Won,2,,1\nS3,Main,Geparkt,3,LOST,0\n",
    ),
    (
        "deals.csv",
        "id,name,company_id,contact_ids,owner,pipeline,stage_id,amount,currency,close_date,forecast_category,created_at,closed_at\n\
            D1,Big,B1,C1:Champion;C2;X:1:,ana@acme.example,Main,S1,\"1.234,50\",eur,2026-07-31,commit,2026-01-01,2026-07-01\n",
    ),
    (
        "stage_changes.csv",
        "deal_id,from_stage_id,to_stage_id,changed_at,changed_by,quality\nD1,,S1,2026-01-01,ana@acme.example,\nD1,S1,S2,2026-02-01T00:00:00Z,,when_only\n",
    ),
    (
        "deal_changes.csv",
        "deal_id,field,from,to,changed_at\nD1,amount,\"2000,0\",1500,2026-02-01T00:00:00Z\nD1,close_date,2026-03-01,2026-03-31,2026-02-01\n",
    ),
    (
        "activities.csv",
        "id,kind,occurred_at,subject,deal_id,contact_ids,owner\nA1,Call,2026-02-01T10:00:00+01:00,Hello,D1,C1;C2,ana@acme.example\n",
    ),
    ("tasks.csv", "id,deal_id,contact_id,owner,due,done_at,subject\nT1,D1,C1,ana@acme.example,2026-07-01,,Call back\n"),
    ("quotes.csv", "id,deal_id,amount,currency,sent_at\nQ1,D1,1000,EUR,2026-02-01\n"),
    ("notes.csv", "id\n1\n"),
];

#[tokio::test]
async fn every_file_with_every_column() {
    let dir = export(WHOLE);
    let source = source(dir.path());
    let names: Vec<String> = source.streams().await.unwrap().into_iter().map(|s| s.id).collect();
    assert_eq!(names, Sheet::ALL.map(Sheet::file));
    for (file, count) in [
        ("companies.csv", 1),
        ("contacts.csv", 2),
        ("stages.csv", 3),
        ("deals.csv", 1),
        ("stage_changes.csv", 2),
        ("deal_changes.csv", 2),
        ("activities.csv", 1),
        ("tasks.csv", 1),
        ("quotes.csv", 1),
    ] {
        let rows = read(&*source, file).await;
        assert_eq!(rows.len(), count, "{file}");
        for (_, row) in rows {
            holds(row.unwrap());
        }
    }
}

/// What each row of [`WHOLE`] must have become.
fn holds(record: Record) {
    let at = |t: &str| t.parse::<DateTime<Utc>>().unwrap();
    match record {
        Record::Company(r) => {
            assert_eq!(r.domains, ["buyer.example", "buyer.test"]);
            assert_eq!(r.owner.as_deref(), Some("ana@acme.example"));
        }
        Record::Contact(r) if r.id == "C1" => {
            assert_eq!(r.emails.len(), 2);
            assert_eq!(r.title.as_deref(), Some("CFO,\nEMEA"));
            assert_eq!(r.phones, ["+1", "+2"]);
        }
        Record::Contact(r) => assert_eq!(r.merged_into.as_deref(), Some("C1")),
        Record::Stage(r) => {
            let want = match r.id.as_str() {
                "S1" => (StageKind::Open, Some(0.4), 1),
                "S2" => (StageKind::Won, Some(1.0), 2),
                _ => (StageKind::Lost, Some(0.0), 3),
            };
            assert_eq!((r.kind, r.probability, r.position), want);
        }
        Record::Deal(r) => {
            let roles: Vec<_> = r.contacts.iter().map(|c| (c.contact.as_str(), c.role.as_deref())).collect();
            assert_eq!(roles, [("C1", Some("Champion")), ("C2", None), ("X:1", None)]);
            assert_eq!((r.amount, r.currency.as_deref()), (Some(1234.5), Some("EUR")));
            assert_eq!(r.closed_at, Some(at("2026-06-30T22:00:00Z")), "midnight in Berlin");
        }
        Record::StageChange(r) if r.from.is_none() => {
            assert_eq!((r.at, r.quality), (at("2025-12-31T23:00:00Z"), Quality::Exact));
        }
        Record::StageChange(r) => assert_eq!(r.quality, Quality::WhenOnly),
        Record::DealChange(r) if r.field == "amount" => {
            assert_eq!((r.from.as_deref(), r.to.as_deref()), (Some("2000"), Some("1500")));
        }
        Record::DealChange(r) => assert_eq!(r.to.as_deref(), Some("2026-03-31")),
        Record::Typed(r) => {
            assert_eq!((r.kind.as_str(), r.contacts.len()), ("call", 2));
            assert_eq!(r.occurred_at, at("2026-02-01T09:00:00Z"));
        }
        Record::Task(r) => assert_eq!(r.due, at("2026-06-30T22:00:00Z")),
        Record::Quote(r) => assert_eq!(r.amount, Some(1000.0)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn bad_rows_stand_alone_and_keep_their_id() {
    let dir = export(&[("contacts.csv", CONTACTS)]);
    let mut deals = b"id,name,owner,stage_id,amount,created_at\n".to_vec();
    for row in [
        &b"D1,Good,ana@acme.example,S1,5,2026-01-01"[..],
        b"D2,,ana@acme.example,S1,5,2026-01-01",
        b"D3,No number,ana@acme.example,S1,SECRET,2026-01-01",
        b"D4,No time,ana@acme.example,S1,5,SECRET",
        b"D5,Short,ana@acme.example",
        b"D6,Long,ana@acme.example,S1,5,2026-01-01,SECRET",
        b"D7,Latin \xe9,ana@acme.example,S1,5,2026-01-01",
        b"D1,Again,ana@acme.example,S1,6,2026-01-01",
        b",No id,ana@acme.example,S1,5,2026-01-01",
        b"D8,No owner,SECRET,S1,5,2026-01-01",
        b"D9,\"Open,ana@acme.example,S1,5,2026-01-01",
        b"D3,Repaired,ana@acme.example,S1,7,2026-01-01",
        b",,,,,",
        b"D10,Good,ana@acme.example,S1,5,2026-01-01",
    ] {
        deals.extend_from_slice(row);
        deals.push(b'\n');
    }
    write(dir.path(), "deals.csv", &deals);
    let source = source(dir.path());
    let rows = read(&*source, "deals.csv").await;
    let good: Vec<&str> = rows.iter().filter(|r| r.1.is_ok()).map(|r| r.0.as_str()).collect();
    assert_eq!(good, ["D1", "D3", "D10"]);
    let bad: Vec<String> = rows.iter().filter_map(|(r, x)| x.as_ref().err().map(|why| format!("{r}: {why}"))).collect();
    assert_eq!(
        bad,
        [
            "D2: deals.csv line 3: `name` is empty and needed",
            "line:4: deals.csv line 4: `amount` is not a number",
            "D4: deals.csv line 5: `created_at` is neither a time (2026-03-01T09:30:00Z) nor a date (2026-03-01)",
            "D5: deals.csv line 6: it has fewer cells than the header",
            "D6: deals.csv line 7: it has more cells than the header",
            "D7: deals.csv line 8: `name` is not UTF-8; export the file as UTF-8",
            "line:9: deals.csv line 9: its `id` stands already in line 2; the row there was taken",
            "line:10: deals.csv line 10: `id` is empty and needed",
            "D8: deals.csv line 11: `owner` is no email address",
            "D9: deals.csv line 12: a quotation mark is opened and never closed",
        ]
    );
    assert!(!bad.concat().contains("SECRET"));
}

#[tokio::test]
async fn each_file_refuses_what_it_cannot_understand() {
    let cases = [
        ("companies.csv", "id,name,owner\nB1,Buyer,nobody\n", "`owner` is no email address"),
        ("contacts.csv", "id,emails\nC1,joe@buyer.example;joe\n", "a value of `emails` is no email address"),
        ("contacts.csv", "id,emails\nC1,;\n", "`emails` is empty and needed"),
        ("stages.csv", "id,name,position,kind\nS1,A,1,closed\n", "`kind` is none of open, won, lost"),
        ("stages.csv", "id,name,position\nS1,A,first\n", "`position` is not a whole number"),
        (
            "stage_changes.csv",
            "deal_id,to_stage_id,changed_at,quality\nD1,S1,2026-01-01,good\n",
            "`quality` is none of exact, when_only, observed",
        ),
        (
            "deal_changes.csv",
            "deal_id,field,changed_at\nD1,colour,2026-01-01\n",
            "`field` is none of amount, close_date, owner, forecast_category",
        ),
        ("deal_changes.csv", "deal_id,field,to,changed_at\nD1,amount,much,2026-01-01\n", "`to` is not a number"),
        (
            "activities.csv",
            "id,kind,occurred_at\nA1,lunch,2026-01-01\n",
            "`kind` is none of email, meeting, call, note",
        ),
        (
            "tasks.csv",
            "id,owner,due\nT1,ana@acme.example,2026-01-01T10:00:00\n",
            "`due` is a time without a zone (write 2026-03-01T09:30:00+01:00)",
        ),
        (
            "quotes.csv",
            "id,deal_id,currency,sent_at\nQ1,D1,euro,2026-01-01\n",
            "`currency` is no currency code (write EUR, USD, ...)",
        ),
    ];
    for (file, text, why) in cases {
        let dir = export(&[(file, text)]);
        let bad = bad(&*source(dir.path()), file).await;
        assert_eq!(bad.len(), 1, "{file}: {why}");
        assert_eq!(bad[0].1, format!("{file} line 2: {why}"));
    }
}

#[tokio::test]
async fn rows_without_an_id_stay_the_same_when_read_again() {
    let header = "deal_id,from_stage_id,to_stage_id,changed_at,changed_by\n";
    let (one, two) = ("D1,S1,S2,2026-02-01T00:00:00Z,ana@acme.example\n", "D2,,S1,2026-02-01T00:00:00Z,\n");
    let dir = export(&[("stage_changes.csv", &format!("{header}{one}{two}{one}"))]);
    let source = source(dir.path());
    let before = list(&*source, "stage_changes.csv").await;
    let names: Vec<&str> = before.iter().map(|e| e.resource.as_str()).collect();
    assert_eq!(names, ["D1@2026-02-01T00:00:00Z>S2", "D2@2026-02-01T00:00:00Z>S1", "D1@2026-02-01T00:00:00Z>S2~2"]);

    let sort = |mut entries: Vec<Entry>| {
        entries.sort_by(|a, b| a.resource.cmp(&b.resource));
        entries
    };
    // Another order, another spelling of the same instant and further columns change nothing.
    let again = "changed_at;deal_id;from_stage_id;to_stage_id;changed_by;note\r\n\
        2026-02-01T01:00:00+01:00;D1;S1;S2;ana@acme.example;x\r\n2026-02-01T00:00:00Z;D2;;S1;;\r\n2026-02-01T00:00:00Z;D1;S1;S2;ana@acme.example;\r\n";
    write(dir.path(), "stage_changes.csv", again);
    let after = list(&*source, "stage_changes.csv").await;
    assert_eq!(
        sort(after).into_iter().map(|e| e.resource).collect::<Vec<_>>(),
        sort(before.clone()).into_iter().map(|e| e.resource).collect::<Vec<_>>()
    );
    // A corrected cell beside the identity is a new version of the same row.
    write(dir.path(), "stage_changes.csv", format!("{header}{}{two}", one.replace("ana@", "bob@")));
    let after = list(&*source, "stage_changes.csv").await;
    assert_eq!(after[0].resource, before[0].resource);
    assert_ne!(after[0].version, before[0].version);
    assert_eq!(after[1], before[1]);
}

#[tokio::test]
async fn versions_change_with_what_is_read() {
    let dir = export(&[("contacts.csv", CONTACTS), ("deals.csv", DEALS)]);
    let source = source(dir.path());
    let before = list(&*source, "deals.csv").await;
    write(dir.path(), "deals.csv", "stage_id,note,owner,name,id\nS1,new,ana@acme.example,Big ,D1\n");
    assert_eq!(list(&*source, "deals.csv").await, before);
    write(dir.path(), "deals.csv", DEALS.replace("Big", "Bag"));
    let after = list(&*source, "deals.csv").await;
    assert_ne!(after[0].version, before[0].version);
    write(dir.path(), "deals.csv", DEALS.replace("Big", ""));
    let broken = list(&*source, "deals.csv").await;
    assert_eq!(broken[0].resource, "D1");
    assert!(broken[0].version != before[0].version && broken[0].version != after[0].version);
    let gone = source.fetch(&stream("deals.csv"), &["D7".to_owned()], &window()).await.unwrap();
    assert!(matches!(&gone[..], [Change::Remove { resource }] if resource == "D7"));
}

#[tokio::test]
async fn what_is_wrong_with_a_file_is_said_and_the_others_are_read() {
    let dir = export(&[("deals.csv", "id,name\nD1,Big\n"), ("stages.csv", ""), ("tasks.csv", "id,id,owner,due\n")]);
    write(dir.path(), "quotes.csv", b"\xff\xfei\0d\0");
    let source = source(dir.path());
    let names: Vec<String> = source.streams().await.unwrap().into_iter().map(|s| s.id).collect();
    assert_eq!(names, ["contacts.csv", "stages.csv", "deals.csv", "tasks.csv", "quotes.csv"]);
    let (kind, what) = fault(&*source, "contacts.csv").await;
    assert_eq!(kind, FaultKind::Missing);
    assert!(what.contains("contacts.csv: there is no such file; export it into this folder"), "{what}");
    for (file, want) in [
        (
            "deals.csv",
            "cannot read deals.csv: the header line has no columns `owner`, `stage_id`; add them or rename the ones that hold them",
        ),
        ("stages.csv", "cannot read stages.csv: it is empty; write a header line with the columns id, name, position"),
        ("tasks.csv", "cannot read tasks.csv: the header has the column `id` twice; keep one of them"),
        ("quotes.csv", "cannot read quotes.csv: it is UTF-16; save it as CSV UTF-8"),
    ] {
        assert_eq!(fault(&*source, file).await, (FaultKind::Malformed, want.to_owned()));
    }
    write(dir.path(), "contacts.csv", CONTACTS);
    assert_eq!(list(&*source, "contacts.csv").await.len(), 1);
    assert_eq!(fault(&*source, "mail.csv").await.0, FaultKind::Missing);
}

#[tokio::test]
async fn the_connector_keeps_the_contract() {
    let mut contacts = "id,name,emails\n".to_owned();
    for n in 0..450 {
        contacts += &format!("C{n},Hidden Person {n},hidden{n}@buyer.example\n");
    }
    contacts += "C451,Hidden Person,no-address\nC1,Twice,hidden@buyer.example\n\"open,x,y\n";
    let changes =
        "deal_id,field,from,to,changed_at\nD1,amount,777001,777002,2026-01-01\nD1,amount,777001,777002,2026-01-01\n";
    let dir = export(&[("contacts.csv", &contacts), ("deals.csv", DEALS), ("deal_changes.csv", changes)]);
    let secrets = ["hidden1@", "Hidden Person", "777001", "777002", "Big", "ana@acme.example"];
    let summary = dealtrail_testkit::conformance::check(&*source(dir.path()), &window(), &secrets).await;
    assert_eq!((summary.streams, summary.items, summary.unreadable), (3, 453, 3));
}

#[tokio::test]
async fn a_missing_folder_is_a_fault() {
    let dir = tempfile::tempdir().unwrap();
    let fault = source(dir.path()).streams().await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Missing);
    assert!(fault.what.contains("there is no folder") && fault.what.ends_with("correct `path`"), "{}", fault.what);
    fs::write(dir.path().join("crm"), "").unwrap();
    assert_eq!(source(dir.path()).streams().await.unwrap_err().kind, FaultKind::Malformed);
}

#[test]
fn the_readme_lists_every_file_and_column() {
    let readme = include_str!("../README.md");
    for sheet in Sheet::ALL {
        let row = readme.lines().find(|l| l.starts_with(&format!("| {} |", sheet.file()))).expect("a row of the table");
        for column in sheet.columns() {
            assert!(row.contains(&format!("`{column}`")), "{} {column}", sheet.file());
        }
    }
}
