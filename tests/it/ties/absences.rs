//! Who is away, and until when.

use super::*;

/// Until when Eve is away.
fn away(office: &Office) -> Value {
    let all = office.program.export("contacts");
    all.iter().find(|c| c["id"] == "K1").expect("the contact")["away_until"].clone()
}

#[rstest]
fn an_out_of_office_reply_says_until_when(#[values(Sqlite, Postgres)] on: Database) {
    let office = Office::new(on);
    let (soon, later) = (days_ago(-5).date_naive(), days_ago(-9).date_naive());
    let note = |id: &str, days: i64, subject: &str| {
        let bytes = String::from_utf8(Letter { days, subject, ..letter(id) }.bytes()).expect("text");
        let bytes = bytes.replace("Content-Type:", "Auto-Submitted: auto-replied\r\nContent-Type:");
        office.deliver("ana", "INBOX", bytes.as_bytes());
        office.program.sync();
    };
    note("a1@buyer.example", 4, "Automatic reply: Your offer");
    assert_eq!(away(&office), Value::Null, "no end is stated");
    note("a2@buyer.example", 2, &format!("Out of office until {}", later.format("%-d %B %Y")));
    // a midnight in Berlin is 22:00 or 23:00 of the day before
    assert!(away(&office).as_str().is_some_and(|t| t.starts_with(&later.to_string())), "{later}: {}", away(&office));
    // an older one, read later, changes nothing; a newer one does
    note("a3@buyer.example", 3, &format!("Abwesend: bis {}", soon.format("%d.%m.%Y")));
    assert!(away(&office).as_str().is_some_and(|t| t.starts_with(&later.to_string())));
    note("a4@buyer.example", 1, &format!("Out of office until {}", soon.format("%d %B %Y")));
    assert!(away(&office).as_str().is_some_and(|t| t.starts_with(&soon.to_string())));
    assert!(of_kind(&office, "email").is_empty());
}

#[rstest]
fn absences_read_together_mark_their_deal_once(#[values(Sqlite, Postgres)] on: Database) {
    let office = Office::new(on);
    office.deals(&["D1"]);
    for id in ["a1@buyer.example", "a2@buyer.example"] {
        let bytes = String::from_utf8(letter(id).bytes()).expect("text");
        let bytes = bytes.replace("Content-Type:", "Auto-Submitted: auto-replied\r\nContent-Type:");
        office.deliver("ana", "INBOX", bytes.as_bytes());
    }
    office.program.sync();
    assert!(of_kind(&office, "email").is_empty());
}

#[test]
fn the_later_word_counts() {
    let office = Office::without_mail(Sqlite);
    office.deals(&["D1", "D2"]);
    diary(&office, "bob", "text");
    let chosen = |organizer: &str, deal: Option<&str>| {
        holds(&office, "bob", &[Shown { organizer, ..CALL }]);
        office.program.sync();
        let row = the(&office, "meeting");
        if let Some(deal) = deal {
            office.program.run(&["review", "--by", "mia@acme.example", "link", &id(&row), deal]);
        }
        list(&the(&office, "meeting"), "deals")
    };
    assert_eq!(chosen("bob@acme.example", Some("D2")), ["D2"]);
    assert_eq!(chosen("ana@acme.example", Some("D1")), ["D1"]);
    assert_eq!(chosen("bob@acme.example", None), ["D1"]);
    assert_eq!(chosen("bob@acme.example", Some("D2")), ["D2"]);
    assert_eq!(chosen("ana@acme.example", None), ["D2"]);
}
