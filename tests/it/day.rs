//! What a rep's day holds and what shows that a planned step was taken: the report and the gap rule say the same.

use std::fs;

use rstest::rstest;
use serde_json::Value;

use crate::support::{
    Database::{self, Postgres, Sqlite},
    Letter, Office, day, days_ago, letter,
};

/// A mail of the buyer's company that a machine sent, with this file.
fn machine(id: &str, file: &str) -> Vec<u8> {
    let date = days_ago(4).to_rfc2822();
    format!(
        "Message-ID: <{id}>\r\nFrom: shop@buyer.example\r\nTo: ana@acme.example\r\nDate: {date}\r\nSubject: Document\r\n\
         Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\
         Content-Type: text/plain\r\n\r\nsee there\r\n--b\r\nContent-Type: application/pdf; name=\"{file}\"\r\n\
         Content-Disposition: attachment; filename=\"{file}\"\r\n\r\nx\r\n--b--\r\n"
    )
    .into_bytes()
}

fn calendar(office: &Office, uid: &str, days: i64, summary: &str, answer: &str) {
    let folder = office.dir.path().join("calendar");
    fs::create_dir_all(&folder).expect("a folder");
    let at = days_ago(days).format("%Y%m%dT%H%M%SZ");
    let text = format!(
        "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nUID:{uid}\nDTSTART:{at}\nDURATION:PT10M\nSUMMARY:{summary}\n\
         ORGANIZER:mailto:ana@acme.example\nATTENDEE;PARTSTAT={answer}:mailto:eve@buyer.example\nEND:VEVENT\nEND:VCALENDAR\n"
    );
    fs::write(folder.join(format!("{uid}.ics")), text).expect("a calendar");
}

fn connected(on: Database) -> Office {
    let office = Office::new(on);
    fs::create_dir_all(office.dir.path().join("calendar")).expect("a folder");
    office.add(
        "[[connection]]\nname = \"ana-calendar\"\nconnector = \"ics\"\nowner = \"ana@acme.example\"\npath = \"calendar\"",
    );
    office
}

fn rows(office: &Office, report: &[&str]) -> Vec<Value> {
    let all: Vec<&str> = ["report"].iter().chain(report).chain(&["--format", "json"]).copied().collect();
    let json: Value = serde_json::from_str(&office.program.run(&all)).expect("JSON");
    json["rows"].as_array().expect("rows").clone()
}

/// What happens after a step was planned.
type Happens = fn(&Office);

#[rstest]
fn what_fulfils_a_step_is_the_same_in_the_report_and_in_the_gap(#[values(Sqlite, Postgres)] on: Database) {
    let cases: [(&str, Happens, bool); 6] = [
        ("nothing", |_| (), false),
        (
            "our mail",
            |o| {
                let mail =
                    Letter { from: "ana@acme.example", to: "eve@buyer.example", days: 4, ..letter("o@acme.example") };
                o.deliver("ana", "Sent", &mail.bytes());
            },
            true,
        ),
        (
            "a machine's order",
            |o| drop(o.deliver("ana", "INBOX", &machine("m@buyer.example", "purchase order 7.pdf"))),
            true,
        ),
        ("a machine's mail", |o| drop(o.deliver("ana", "INBOX", &machine("m@buyer.example", "terms.pdf"))), false),
        ("a confirmed meeting", |o| calendar(o, "yes", 4, "Review", "ACCEPTED"), true),
        ("an unconfirmed meeting", |o| calendar(o, "maybe", 4, "Review", "NEEDS-ACTION"), false),
    ];
    for (what, happens, fulfilled) in cases {
        let office = connected(on);
        let due = days_ago(6).format("%Y-%m-%dT12:00:00Z");
        office.csv(
            "tasks",
            &["id,deal_id,contact_id,owner,due,subject", &format!("T1,D1,K1,ana@acme.example,{due},Call")],
        );
        happens(&office);
        office.program.sync();
        let all = rows(&office, &["next_steps"]);
        let everybody = all.iter().find(|r| r["row"] == "all").expect("everybody");
        let said = (&everybody["steps"], &everybody["fulfilled"], &everybody["overdue"]);
        let one = |yes: bool| Value::from(u64::from(yes));
        assert_eq!(said, (&one(true), &one(fulfilled), &one(!fulfilled)), "{what}: the report");
        let gaps = office.program.export("gaps");
        let open = gaps.iter().any(|g| g["rule"] == "overdue_next_step" && g["state"] == "open");
        assert_eq!(open, !fulfilled, "{what}: the gap");
    }
}

#[rstest]
fn a_day_names_its_meetings_and_the_people(#[values(Sqlite, Postgres)] on: Database) {
    let office = connected(on);
    calendar(&office, "today", 0, "Final round", "ACCEPTED");
    // the CRM knows the company, not the people who write
    let named = Letter { from: "Zoe Unknown <zoe@buyer.example>", days: 7, ..letter("z@buyer.example") };
    office.deliver("ana", "INBOX", &named.bytes());
    office.program.sync();
    let section = |report: &[&str], name: &str| -> Vec<(String, String)> {
        let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
        let all = rows(&office, report);
        all.iter().filter(|r| r["section"] == name).map(|r| (text(&r["who"]), text(&r["what"]))).collect()
    };
    let own = ["today", "--rep", "ana@acme.example"];
    let meetings = section(&own, "meetings");
    assert_eq!(meetings.len(), 1);
    assert!(meetings[0].0 == "Eve" && meetings[0].1.starts_with("Final round: "), "{meetings:?}");
    assert_eq!(section(&own, "they wait").iter().map(|r| r.0.as_str()).collect::<Vec<_>>(), ["Zoe Unknown"]);
    // others see what is shared
    assert!(section(&["today"], "meetings")[0].1.starts_with("Final round: "));
    office.add("[privacy]\nshare = \"metadata\"");
    assert!(section(&own, "meetings")[0].1.starts_with("Final round: "), "whoever took part");
    let others = section(&["today"], "meetings");
    assert!(others[0].1.starts_with("last contact ") || others[0].1.starts_with("no contact"), "{others:?}");
    // and where no subject is kept, nobody does
    office.replace("exclude = []", "exclude = []\ncontent = \"metadata\"");
    office.program.sync();
    assert!(!section(&own, "meetings")[0].1.contains("Final round"));
}

#[rstest]
fn an_earlier_day_of_the_segments_knows_nothing_of_what_came_later(#[values(Sqlite, Postgres)] on: Database) {
    let office = Office::new(on);
    for (id, days) in [("first@acme.example", 100), ("second@acme.example", 5)] {
        let ours = Letter { from: "ana@acme.example", to: "eve@buyer.example", days, ..letter(id) };
        office.deliver("ana", "Sent", &ours.bytes());
    }
    office.program.sync();
    let listed = |to: i64| -> Vec<String> {
        let to = day(to);
        let all = rows(&office, &["segments", "--to", &to]);
        all.iter()
            .map(|r| format!("{} {}", r["segment"].as_str().unwrap_or(""), r["contact"].as_str().unwrap_or("")))
            .collect()
    };
    assert!(listed(50).contains(&"never_answered K1".to_owned()), "{:?}", listed(50));
    assert!(!listed(0).contains(&"never_answered K1".to_owned()), "{:?}", listed(0));
}
