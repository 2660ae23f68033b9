//! What settles a gap from outside its deal: answers that stand on another deal, and mail of the company when no deal is open.

use super::*;

/// The one finding of a rule on a deal.
fn gap(office: &Office, rule: &str, deal: &str) -> Row {
    let mut all = office.program.export("gaps");
    all.retain(|f| f["rule"] == rule && f["deal"] == deal);
    assert_eq!(all.len(), 1, "{all:#?}");
    all.pop().expect("one")
}

/// Judged afresh nothing is different.
fn stays(office: &Office) {
    let before = office.program.export("gaps");
    office.program.run(&["gaps", "--recompute"]);
    assert_eq!(office.program.export("gaps"), before);
}

#[rstest]
#[case("zoe@buyer.example", Sqlite)]
#[case("fay@buyer.example", Sqlite)]
#[case("fay@buyer.example", Postgres)]
fn an_answer_on_another_deal_is_an_answer(#[case] who: &str, #[case] on: Database) {
    let office = Office::new(on);
    let deal = |id: &str, name: &str| {
        format!("{id},{name},C1,K1,ana@acme.example,Sales,s1,1000,EUR,{}", days_ago(100).to_rfc3339())
    };
    let head = "id,name,company_id,contact_ids,owner,pipeline,stage_id,amount,currency,created_at";
    office.csv("deals", &[head, &deal("D1001", "Zephyr rollout"), &deal("D1002", "Quartz renewal")]);
    // Fay is known to the CRM, and stands on no deal; Zoe is nobody's contact
    office
        .csv("contacts", &["id,name,emails,company_id", "K1,Eve,eve@buyer.example,C1", "K2,Fay,fay@buyer.example,C1"]);
    let deliver = |mail: Letter<'_>| {
        office.deliver("ana", "INBOX", &mail.bytes());
        office.program.sync();
    };
    deliver(Letter { from: who, subject: "About D1001", ..letter("asks@buyer.example") });
    let asked = gap(&office, "we_owe_reply", "D1001");
    assert_eq!(asked["state"], "open");
    stays(&office);
    let answer =
        Letter { from: "ana@acme.example", to: who, days: 9, subject: "About D1002", ..letter("says@acme.example") };
    deliver(answer);
    let says = office.program.activity("says@acme.example").expect("captured");
    assert_eq!(list(&says, "deals"), ["D1002"]);
    let answered = gap(&office, "we_owe_reply", "D1001");
    assert_eq!((&answered["state"], &answered["resolved_by"]), (&"resolved".into(), &says["id"]));
    stays(&office);
}

#[rstest]
fn a_stranger_of_the_company_backs_the_deal_that_was_won(#[values(Sqlite, Postgres)] on: Database) {
    let office = Office::new(on);
    let moved = |days: i64| days_ago(days).to_rfc3339();
    let created = moved(100);
    office.csv(
        "deals",
        &[
            "id,name,company_id,contact_ids,owner,pipeline,stage_id,amount,currency,created_at",
            &format!("D1,Project D1,C1,K1,ana@acme.example,Sales,s3,1000,EUR,{created}"),
        ],
    );
    office.csv("stage_changes", &["deal_id,from_stage_id,to_stage_id,changed_at", &format!("D1,s1,s3,{}", moved(12))]);
    // so far back as the window reaches the mailbox holds something
    office.deliver("ana", "INBOX", &Letter { days: 60, ..letter("old@buyer.example") }.bytes());
    office.program.sync();
    assert_eq!(gap(&office, "unsupported_advance", "D1")["state"], "open");
    let order = Letter { from: "zoe@buyer.example", days: 11, subject: "Our order", ..letter("order@buyer.example") };
    office.deliver("ana", "INBOX", &order.bytes());
    office.program.sync();
    let order = office.program.activity("order@buyer.example").expect("captured");
    assert_eq!(list(&order, "deals"), [""; 0]);
    let backed = gap(&office, "unsupported_advance", "D1");
    assert_eq!((&backed["state"], &backed["resolved_by"]), (&"resolved".into(), &order["id"]));
    stays(&office);
    // the deal's own line opens to what backs it
    let line = office.program.run(&["report", "trail", "--deal", "D1", "--show", "what", "--format", "csv"]);
    assert!(line.contains(order["id"].as_str().expect("an id")), "{line}");
    let line = office.program.run(&["report", "trail", "--deal", "D1"]);
    assert!(line.contains("by its company") && line.contains("1 of 1 forward moves backed"), "{line}");
}

#[rstest]
fn a_meeting_elsewhere_is_no_answer_to_who_was_not_there(#[values(Sqlite, Postgres)] on: Database) {
    let office = Office::new(on);
    let deal =
        |id: &str| format!("{id},Project,C1,K1,ana@acme.example,Sales,s1,1000,EUR,{}", days_ago(100).to_rfc3339());
    let head = "id,name,company_id,contact_ids,owner,pipeline,stage_id,amount,currency,created_at";
    office.csv("deals", &[head, &deal("D1001"), &deal("D1002")]);
    // Eve is on no deal
    office
        .csv("contacts", &["id,name,emails,company_id", "K1,Kim,kim@buyer.example,C1", "K2,Eve,eve@buyer.example,C1"]);
    diary(&office, "ana", "text");
    holds(&office, "ana", &[]);
    let asks = Letter { from: "zoe@buyer.example", subject: "About D1001", ..letter("asks@buyer.example") };
    office.deliver("ana", "INBOX", &asks.bytes());
    office.program.sync();
    let state = || {
        office.program.sync();
        stays(&office);
        gap(&office, "we_owe_reply", "D1001")["state"].clone()
    };
    assert_eq!(state(), "open");
    let met = Shown { organizer: "ana@acme.example", title: "About D1002", ..CALL };
    let more = "ATTENDEE;PARTSTAT=ACCEPTED:mailto:zoe@buyer.example\n";
    holds(&office, "ana", &[Shown { more, ..met }]);
    assert_eq!(state(), "resolved");
    assert_eq!(list(&the(&office, "meeting"), "deals"), ["D1002"]);
    holds(&office, "ana", &[met]);
    assert_eq!(state(), "open");
}
