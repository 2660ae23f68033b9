//! What must stay right while the world goes on: rows that come back, deals without history, edited series, flags, forged
//! invitations, people who leave. Each of these once went wrong.

use std::fs;

use chrono::{DateTime, Utc};
use rstest::rstest;
use serde_json::Value;

use crate::support::{
    Database::{self, Postgres, Sqlite},
    Letter, Office, days_ago, letter, list,
};

fn changes(office: &Office, deal: &str) -> Vec<(Value, Value, Value)> {
    let deals = office.program.export("deals");
    let row = deals.iter().find(|d| d["id"] == deal).expect("the deal");
    let all = row["stage_changes"].as_array().expect("a list");
    all.iter().map(|c| (c["from_stage_id"].clone(), c["to_stage_id"].clone(), c["quality"].clone())).collect()
}

fn change(from: Option<&str>, to: &str, quality: &str) -> (Value, Value, Value) {
    (from.map_or(Value::Null, Value::from), Value::from(to), Value::from(quality))
}

/// Bob's calendar with these components.
fn calendar(office: &Office, components: &str) {
    let folder = office.dir.path().join("cal");
    fs::create_dir_all(&folder).expect("a folder");
    let text =
        format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{}END:VCALENDAR\r\n", components.replace('\n', "\r\n"));
    fs::write(folder.join("bob.ics"), text).expect("a calendar");
}

fn with_calendar(office: &Office) {
    office.add(
        "[[connection]]\nname = \"bob-calendar\"\nconnector = \"ics\"\nowner = \"bob@acme.example\"\npath = \"cal\"",
    );
}

fn stamp(at: DateTime<Utc>) -> String {
    at.format("%Y%m%dT%H%M%SZ").to_string()
}

/// A weekly meeting of Bob's that began five weeks ago.
fn weekly(attendees: &str, title: &str) -> String {
    let start = days_ago(35);
    format!(
        "BEGIN:VEVENT\nUID:weekly\nDTSTAMP:{0}\nDTSTART:{0}\nDTEND:{1}\nRRULE:FREQ=WEEKLY;COUNT=10\nSUMMARY:{title}\n\
         ORGANIZER:mailto:bob@acme.example\n{attendees}END:VEVENT\n",
        stamp(start),
        stamp(start + chrono::TimeDelta::hours(1)),
    )
}

fn meetings(office: &Office) -> Vec<(Value, Value)> {
    let all = office.program.export("activities");
    let mut all: Vec<(Value, Value)> =
        all.iter().filter(|a| a["kind"] == "meeting").map(|a| (a["status"].clone(), a["subject"].clone())).collect();
    all.sort_by_key(|m| m.0.to_string());
    all
}

#[rstest]
fn a_row_that_comes_back_is_there_again(#[values(Sqlite, Postgres)] on: Database) {
    let office = Office::new(on);
    let count = || office.program.export("deals").len();
    office.deals(&["D1", "D2", "D3"]);
    office.program.sync();
    office.deals(&["D1", "D2"]);
    office.program.sync();
    assert_eq!(count(), 2);
    office.deals(&["D1", "D2", "D3"]);
    office.program.sync();
    assert_eq!(count(), 3);
}

#[rstest]
fn a_move_is_seen_without_any_history(#[values(Sqlite, Postgres)] on: Database) {
    let office = Office::new(on);
    office.program.sync();
    assert_eq!(changes(&office, "D1"), [change(None, "s1", "exact")]);
    let deals = office.dir.path().join("crm/deals.csv");
    let text = fs::read_to_string(&deals).expect("the deals");
    fs::write(&deals, text.replace(",s1,", ",s2,")).expect("the deals");
    // an outage in between changes nothing
    fs::rename(&deals, office.dir.path().join("crm/away")).expect("a rename");
    office.program.say(&["sync"]);
    fs::rename(office.dir.path().join("crm/away"), &deals).expect("a rename");
    for pass in [&["sync"][..], &["sync", "--full"]] {
        office.program.run(pass);
        assert_eq!(changes(&office, "D1"), [change(None, "s1", "exact"), change(Some("s1"), "s2", "observed")]);
    }
    // the CRM's own history tells of it later: that stands
    let (before, moved) = (days_ago(100).to_rfc3339(), days_ago(1).to_rfc3339());
    let rows =
        ["deal_id,from_stage_id,to_stage_id,changed_at", &format!("D1,,s1,{before}"), &format!("D1,s1,s2,{moved}")];
    office.csv("stage_changes", &rows);
    office.program.sync();
    office.program.sync();
    assert_eq!(changes(&office, "D1"), [change(None, "s1", "exact"), change(Some("s1"), "s2", "exact")]);
}

#[test]
fn a_closed_deal_without_history_was_open_before() {
    let office = Office::new(Sqlite);
    let (created, closed) = (days_ago(100).to_rfc3339(), days_ago(5).to_rfc3339());
    office.csv(
        "deals",
        &[
            "id,name,company_id,contact_ids,owner,pipeline,stage_id,created_at,closed_at",
            &format!("D1,Project,C1,K1,ana@acme.example,Sales,s3,{created},{closed}"),
        ],
    );
    office.deliver("ana", "INBOX", &letter("offer@buyer.example").bytes());
    office.program.sync();
    assert_eq!(changes(&office, "D1"), [change(None, "s1", "exact"), change(Some("s1"), "s3", "when_only")]);
    let row = office.program.activity("offer@buyer.example").expect("an activity");
    assert_eq!(list(&row, "deals"), ["D1"]);
}

#[test]
fn mail_without_a_sender_is_never_the_buyers_word() {
    let office = Office::new(Sqlite);
    let bytes =
        String::from_utf8(Letter { to: "eve@buyer.example", ..letter("lost@acme.example") }.bytes()).expect("text");
    office.deliver("ana", "Sent", bytes.replace("From: eve@buyer.example\r\n", "").as_bytes());
    office.program.sync();
    assert_eq!(office.program.activity("lost@acme.example").expect("an activity")["direction"], "outbound");
}

#[test]
fn a_trash_flag_leaves_the_activity() {
    let office = Office::new(Sqlite);
    let mail = office.deliver("ana", "INBOX", &letter("offer@buyer.example").bytes());
    office.program.sync();
    let name = mail.display().to_string();
    fs::rename(&mail, name.replace(":2,S", ":2,ST")).expect("a flag");
    office.program.sync();
    assert!(office.program.activity("offer@buyer.example").is_some());
}

#[test]
fn who_left_is_no_longer_captured() {
    let office = Office::new(Sqlite);
    office.deliver("ana", "INBOX", &Letter { days: 40, ..letter("before@buyer.example") }.bytes());
    office.deliver("ana", "INBOX", &Letter { days: 4, ..letter("after@buyer.example") }.bytes());
    office.replace("name = \"Ana\"", &format!("name = \"Ana\"\nuntil = \"{}\"", days_ago(20).date_naive()));
    office.program.sync();
    assert!(office.program.activity("before@buyer.example").is_some());
    assert_eq!(office.program.activity("after@buyer.example"), None);
    let decided = office.program.decisions("INBOX");
    let after = decided.iter().find(|d| d["message_id"] == "after@buyer.example").expect("a decision");
    assert_eq!((&after["outcome"], &after["reason"]), (&Value::from("skipped"), &Value::from("excluded")));
}

#[test]
fn held_instances_are_frozen() {
    let office = Office::without_mail(Sqlite);
    with_calendar(&office);
    calendar(&office, &weekly("ATTENDEE;PARTSTAT=ACCEPTED:mailto:eve@buyer.example\n", "Weekly"));
    office.program.sync();
    let before = meetings(&office);
    let held = |all: &[(Value, Value)]| all.iter().filter(|m| m.0 == "held" && m.1 == "Weekly").count();
    assert!(held(&before) >= 4, "{before:?}");
    // the buyer leaves the series, and it gets another name: what was held was held with the buyer
    for attendees in ["ATTENDEE:mailto:eve@buyer.example\n", "ATTENDEE:mailto:ana@acme.example\n"] {
        calendar(&office, &weekly(attendees, "Another name"));
        for pass in [&["sync"][..], &["sync", "--full"]] {
            office.program.run(pass);
            assert_eq!(held(&meetings(&office)), held(&before), "{:?}", meetings(&office));
        }
    }
}

#[test]
fn an_event_that_comes_back_is_planned_again() {
    let office = Office::without_mail(Sqlite);
    with_calendar(&office);
    let event = |uid: &str| {
        let start = days_ago(-10);
        format!(
            "BEGIN:VEVENT\nUID:{uid}\nDTSTAMP:{0}\nDTSTART:{1}\nDTEND:{2}\nSUMMARY:x\nORGANIZER:mailto:bob@acme.example\n\
             ATTENDEE:mailto:eve@buyer.example\nEND:VEVENT\n",
            stamp(days_ago(1)),
            stamp(start),
            stamp(start + chrono::TimeDelta::hours(1))
        )
    };
    let (both, one) = (event("a") + &event("b") + &event("c"), event("b") + &event("c"));
    let states = || meetings(&office).into_iter().map(|m| m.0).collect::<Vec<_>>();
    calendar(&office, &both);
    office.program.sync();
    calendar(&office, &one);
    office.program.sync();
    assert_eq!(states(), ["cancelled", "planned", "planned"]);
    calendar(&office, &both);
    office.program.sync();
    assert_eq!(states(), ["planned", "planned", "planned"]);
}

/// A mail that carries a calendar.
fn invitation(from: &str, id: &str, method: &str, sequence: u32, days_ahead: i64, attendee: &str) -> Vec<u8> {
    let start = days_ago(-days_ahead);
    let ics = format!(
        "BEGIN:VCALENDAR\r\nMETHOD:{method}\r\nBEGIN:VEVENT\r\nUID:call\r\nDTSTAMP:{}\r\nSEQUENCE:{sequence}\r\nDTSTART:{}\r\n\
         DTEND:{}\r\nSUMMARY:Call\r\nORGANIZER:mailto:eve@buyer.example\r\n{attendee}END:VEVENT\r\nEND:VCALENDAR\r\n",
        stamp(days_ago(3) + chrono::TimeDelta::hours(i64::from(sequence))),
        stamp(start),
        stamp(start + chrono::TimeDelta::hours(1)),
    );
    let head = String::from_utf8(Letter { from, days: 3, ..letter(id) }.bytes()).expect("text");
    let head = head.split("Content-Type").next().expect("a head").to_owned();
    format!("{head}MIME-Version: 1.0\r\nContent-Type: text/calendar; method={method}; charset=utf-8\r\n\r\n{ics}")
        .into_bytes()
}

#[test]
fn only_the_organizers_side_moves_a_meeting() {
    let ana = "ATTENDEE;PARTSTAT=ACCEPTED:mailto:ana@acme.example\r\n";
    let office = Office::new(Sqlite);
    office.deliver("ana", "INBOX", &invitation("eve@buyer.example", "i1@b.example", "REQUEST", 0, 9, ana));
    office.deliver("ana", "INBOX", &invitation("evil@other.example", "i2@b.example", "CANCEL", 5, 9, ana));
    office.deliver("ana", "INBOX", &invitation("evil@other.example", "i3@b.example", "REQUEST", 6, -2, ana));
    let others =
        "ATTENDEE;PARTSTAT=DECLINED:mailto:ana@acme.example\r\nATTENDEE;PARTSTAT=DECLINED:mailto:zoe@buyer.example\r\n";
    office.deliver("ana", "INBOX", &invitation("evil@other.example", "i4@b.example", "REPLY", 0, 9, others));
    office.program.sync();
    let all = office.program.export("activities");
    let call: Vec<_> = all.iter().filter(|a| a["ical_uid"] == "call").collect();
    assert_eq!(call.len(), 1, "{call:?}");
    assert_eq!(call[0]["status"], "planned");
    assert!(!call[0]["participants"].to_string().contains("zoe@"), "{call:?}");
    // a colleague of the organizer's may
    office.deliver("ana", "INBOX", &invitation("office@buyer.example", "i5@b.example", "CANCEL", 7, 9, ana));
    office.program.sync();
    let all = office.program.export("activities");
    assert_eq!(all.iter().find(|a| a["ical_uid"] == "call").expect("the call")["status"], "cancelled");
}

#[test]
fn a_removed_crm_takes_its_deals_along() {
    let office = Office::new(Sqlite);
    let second = office.dir.path().join("second");
    fs::create_dir(&second).expect("a folder");
    fs::write(second.join("contacts.csv"), "id,name,emails\n").expect("contacts");
    fs::write(second.join("deals.csv"), "id,name,owner,stage_id\nX1,Other,bob@acme.example,s1\n").expect("deals");
    office.program.sync();
    let more = "[[connection]]\nname = \"other\"\nconnector = \"csv\"\npath = \"second\"";
    office.add(more);
    office.program.sync();
    let ids =
        || office.program.export("deals").iter().map(|d| d["id"].as_str().unwrap_or("").to_owned()).collect::<Vec<_>>();
    assert_eq!(ids(), ["crm/D1", "other/X1"]);
    office.replace(more, "");
    office.program.sync();
    assert_eq!(ids(), ["D1"]);
}

#[test]
fn only_a_user_decides() {
    let office = Office::new(Sqlite);
    office.deliver("ana", "INBOX", &letter("offer@buyer.example").bytes());
    office.program.sync();
    let id =
        office.program.activity("offer@buyer.example").expect("an activity")["id"].as_str().expect("an id").to_owned();
    let said = office.program.say(&["review", "--by", "nobody@nowhere.example", "link", &id, "D1"]);
    said.complains(&["there is no user nobody@nowhere.example"]);
}
