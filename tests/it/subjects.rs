//! Findings that are about no deal, and tags that follow from what mail says: contacts without traffic, companies without a
//! deal, entries typed on no deal, competitors. Whatever arrives in whatever order, and after judging everything afresh.

use rstest::rstest;

use crate::support::{
    Database::{self, Postgres, Sqlite},
    Letter, Office, Row, day, days_ago, letter, list,
};

/// Besides Eve on D1: Kim of a company without a deal, Lee and Max whom Ana put into the CRM two months ago.
fn office(on: Database) -> Office {
    let office = Office::new(on);
    let made = days_ago(60).to_rfc3339();
    office.csv(
        "companies",
        &["id,name,domains", "C1,Buyer,buyer.example", "C2,Idle,idle.example", "C3,Quiet,quiet.example"],
    );
    office.csv(
        "contacts",
        &[
            "id,name,emails,company_id,owner,created_at",
            "K1,Eve,eve@buyer.example,C1,,",
            "K2,Kim,kim@idle.example,C2,,",
            &format!("K3,Lee,lee@quiet.example,C3,ana@acme.example,{made}"),
            &format!("K4,Max,max@quiet.example,C3,someone@other.example,{made}"),
        ],
    );
    office
}

/// The findings of a rule, whatever became of them.
fn found(office: &Office, rule: &str) -> Vec<Row> {
    let mut all = office.program.export("gaps");
    all.retain(|r| r["rule"] == rule);
    all
}

fn only(office: &Office, rule: &str) -> Row {
    let mut all = found(office, rule);
    assert_eq!(all.len(), 1, "{rule}: {all:#?}");
    all.remove(0)
}

/// Judging everything afresh, and reading everything again, changes nothing.
fn stays(office: &Office) {
    let gaps = |office: &Office| {
        let mut all: Vec<String> =
            office.program.export("gaps").into_iter().map(|r| serde_json::Value::Object(r).to_string()).collect();
        all.sort();
        all
    };
    let before = gaps(office);
    office.program.run(&["gaps", "--recompute"]);
    assert_eq!(gaps(office), before, "judged afresh");
    office.program.run(&["sync", "--full"]);
    assert_eq!(gaps(office), before, "read again");
}

#[rstest]
fn a_contact_without_traffic(#[values(Sqlite, Postgres)] on: Database) {
    let office = office(on);
    office.program.sync();
    let phantom = only(&office, "phantom_contact");
    assert_eq!(
        (&phantom["state"], &phantom["contact"], &phantom["owner"]),
        (&"open".into(), &"K3".into(), &"ana@acme.example".into())
    );
    assert!(phantom["deal"].is_null() && phantom["activity"].is_null());
    let id = phantom["id"].as_str().expect("an id");
    let said = office.program.run(&["explain", id]);
    assert!(said.contains("phantom_contact on contact K3, open"), "{said}");
    assert!(office.program.run(&["gaps"]).contains("Lee"), "listed under the contact's name");
    assert!(office.program.run(&["gaps", "--contact", "K3"]).contains("Lee"));
    stays(&office);
    // Lee writes, and what Ana made is somebody.
    office.deliver("ana", "INBOX", &Letter { from: "lee@quiet.example", days: 2, ..letter("lee@mail") }.bytes());
    office.program.sync();
    let ended = only(&office, "phantom_contact");
    let mail = office.program.activity("lee@mail").expect("captured");
    assert_eq!(
        (&ended["id"], &ended["state"], &ended["resolved_by"]),
        (&phantom["id"], &"resolved".into(), &mail["id"])
    );
    stays(&office);
}

#[rstest]
fn a_contact_whose_traffic_turns_out_to_be_anothers(#[values(Sqlite, Postgres)] on: Database) {
    let office = office(on);
    let made = |days| days_ago(days).to_rfc3339();
    let contacts = [
        "id,name,emails,company_id,owner,created_at".to_owned(),
        "K1,Eve,eve@buyer.example,C1,,".to_owned(),
        format!("K3,Lee,lee@quiet.example,C3,ana@acme.example,{}", made(60)),
        format!("K5,Lee Young,lee@quiet.example,C3,ana@acme.example,{}", made(50)),
    ];
    office.csv("contacts", &contacts.each_ref().map(String::as_str));
    office.deliver("ana", "INBOX", &Letter { from: "lee@quiet.example", days: 2, ..letter("lee@mail") }.bytes());
    office.program.sync();
    assert_eq!(only(&office, "phantom_contact")["contact"], "K5");
    stays(&office);
    // of two with one address the one with a role on an open deal counts
    let head = "id,name,company_id,contact_ids,owner,pipeline,stage_id,amount,currency,close_date,created_at";
    let deal = |id: &str, company: &str, contact: &str| {
        let (close, created) = (day(-60), made(40));
        format!("{id},Project,{company},{contact},ana@acme.example,Sales,s1,1000,EUR,{close},{created}")
    };
    office.csv("deals", &[head, &deal("D1", "C1", "K1"), &deal("D3", "C3", "K5")]);
    office.program.sync();
    let of: Vec<(String, String)> = found(&office, "phantom_contact")
        .iter()
        .map(|f| {
            (f["contact"].as_str().unwrap_or_default().to_owned(), f["state"].as_str().unwrap_or_default().to_owned())
        })
        .collect();
    assert!(of.contains(&("K3".to_owned(), "open".to_owned())), "{of:?}");
    assert!(of.contains(&("K5".to_owned(), "resolved".to_owned())), "{of:?}");
    stays(&office);
}

#[rstest]
fn a_contact_that_leaves_the_crm(#[values(Sqlite, Postgres)] on: Database) {
    let office = office(on);
    office.program.sync();
    office.csv(
        "contacts",
        &[
            "id,name,emails,company_id",
            "K1,Eve,eve@buyer.example,C1",
            "K2,Kim,kim@idle.example,C2",
            "K4,Max,max@quiet.example,C3",
        ],
    );
    office.program.sync();
    assert_eq!(only(&office, "phantom_contact")["state"], "withdrawn");
}

#[rstest]
fn a_company_without_a_deal(#[values(Sqlite, Postgres)] on: Database) {
    let office = office(on);
    let from_kim = |id, days| Letter { from: "kim@idle.example", days, ..letter(id) }.bytes();
    office.deliver("ana", "INBOX", &from_kim("k1@mail", 8));
    let ours = Letter { from: "ana@acme.example", to: "kim@idle.example", days: 7, ..letter("k2@mail") };
    office.deliver("ana", "Sent", &ours.bytes());
    office.program.sync();
    assert_eq!(found(&office, "activity_without_deal"), Vec::<Row>::new());
    office.deliver("ana", "INBOX", &from_kim("k3@mail", 3));
    office.program.sync();
    let busy = only(&office, "activity_without_deal");
    assert_eq!(
        (&busy["state"], &busy["company"], &busy["owner"]),
        (&"open".into(), &"C2".into(), &"ana@acme.example".into())
    );
    assert!(busy["deal"].is_null());
    assert_eq!(list(&busy, "evidence").len(), 3);
    assert!(office.program.run(&["gaps"]).contains("Idle"), "listed under the company's name");
    stays(&office);
    // A deal is opened.
    let (made, close) = (days_ago(1).to_rfc3339(), days_ago(-60).date_naive());
    office.csv(
        "deals",
        &[
            "id,name,company_id,contact_ids,owner,pipeline,stage_id,amount,currency,close_date,created_at",
            &format!("D1,Project D1,C1,K1,ana@acme.example,Sales,s1,1000,EUR,{close},{}", days_ago(100).to_rfc3339()),
            &format!("D2,Project D2,C2,K2,ana@acme.example,Sales,s1,1000,EUR,{close},{made}"),
        ],
    );
    office.program.sync();
    assert_eq!(only(&office, "activity_without_deal")["state"], "resolved");
    stays(&office);
}

#[rstest]
fn an_entry_typed_on_no_deal(#[values(Sqlite, Postgres)] on: Database) {
    let office = office(on);
    let at = days_ago(6);
    let entries = |rows: &[String]| {
        let head = "id,kind,occurred_at,subject,deal_id,contact_ids,owner".to_owned();
        let all: Vec<String> = std::iter::once(head).chain(rows.iter().cloned()).collect();
        office.csv("activities", &all.iter().map(String::as_str).collect::<Vec<_>>());
    };
    let call = format!("T1,call,{},Talked,,K2,ana@acme.example", at.to_rfc3339());
    let on_deal = format!("T2,email,{},Wrote,D1,K1,ana@acme.example", at.to_rfc3339());
    entries(&[call.clone(), on_deal.clone()]);
    office.program.sync();
    let all = found(&office, "uncorroborated_log");
    assert_eq!(all.len(), 2, "{all:#?}");
    let loose = all.iter().find(|r| r["deal"].is_null()).expect("one on no deal");
    assert_eq!(
        (&loose["state"], &loose["owner"], &loose["contact"]),
        (&"open".into(), &"ana@acme.example".into(), &"K2".into())
    );
    let tied = all.iter().find(|r| r["deal"] == "D1").expect("one on the deal");
    assert_eq!((&tied["state"], &tied["owner"]), (&"open".into(), &"ana@acme.example".into()));
    stays(&office);
    // A mail of that day to Eve confirms what was typed: it is counted once, as captured.
    office.deliver(
        "ana",
        "Sent",
        &Letter { from: "ana@acme.example", to: "eve@buyer.example", days: 6, ..letter("e@mail") }.bytes(),
    );
    office.deliver("ana", "INBOX", &Letter { from: "kim@idle.example", days: 6, ..letter("k@mail") }.bytes());
    office.program.sync();
    for row in found(&office, "uncorroborated_log") {
        assert_eq!(row["state"], "resolved", "{row:#?}");
        let mail = if row["deal"].is_null() { "k@mail" } else { "e@mail" };
        assert_eq!(row["resolved_by"], office.program.activity(mail).expect("captured")["id"]);
    }
    // Taken out of the CRM again.
    entries(&[]);
    office.program.sync();
    assert!(found(&office, "uncorroborated_log").iter().all(|r| r["state"] == "resolved"));
}

#[rstest]
fn an_entry_on_a_deal_that_names_somebody_else(#[values(Sqlite, Postgres)] on: Database) {
    let office = office(on);
    let call = format!("T1,call,{},Talked,D1,K2,ana@acme.example", days_ago(6).to_rfc3339());
    office.csv("activities", &["id,kind,occurred_at,subject,deal_id,contact_ids,owner", &call]);
    office.program.sync();
    assert_eq!(only(&office, "uncorroborated_log")["state"], "open");
    // Kim is not on the deal, and wrote that day
    office.deliver("ana", "INBOX", &Letter { from: "kim@idle.example", days: 6, ..letter("k@mail") }.bytes());
    office.program.sync();
    assert_eq!(only(&office, "uncorroborated_log")["state"], "resolved");
    stays(&office);
}

#[rstest]
fn competitors_are_named_by_the_words_that_are_kept(#[values(Sqlite, Postgres)] on: Database) {
    let office = office(on);
    // A subject and a text that say different things; the text reads "A few words."
    office.deliver("ana", "INBOX", &Letter { subject: "RIVÁLSOFT or you", ..letter("a@mail") }.bytes());
    office.program.sync();
    let tags = || list(&office.program.activity("a@mail").expect("captured"), "tags");
    assert_eq!(tags(), Vec::<String>::new());
    office.add("[competitors]\nnames = [\"Rivalsoft\", \"Few Words\", \"Word\"]");
    office.program.sync();
    assert_eq!(tags(), ["competitor:Few Words", "competitor:Rivalsoft"]);
    let named = found(&office, "competitor_mentioned");
    assert_eq!(named.len(), 2);
    assert!(named.iter().all(|r| r["state"] == "open" && r["deal"] == "D1"));
    office.program.run(&["sync", "--full"]);
    assert_eq!(tags(), ["competitor:Few Words", "competitor:Rivalsoft"]);
    office.replace("\"Rivalsoft\", ", "");
    office.program.sync();
    assert_eq!(tags(), ["competitor:Few Words"]);
    let states = |state: &str| found(&office, "competitor_mentioned").iter().filter(|r| r["state"] == state).count();
    assert_eq!((states("open"), states("withdrawn")), (1, 1));
    // What is no longer kept is no longer searched.
    office.replace("exclude = []", "exclude = []\ncontent = \"subject\"");
    office.program.run(&["sync", "--full"]);
    assert_eq!(tags(), Vec::<String>::new());
}
