//! A made-up day: its sections, its meetings and the people in them.

use super::{super::office, *};
use crate::domain::reports::coverage::{Decided, Outcome};
use office::{ANA, BEN, t};

fn finding(rule: Rule, deal: &str, owner: &str) -> Finding {
    let mut finding = Finding::blank(rule, deal, "k".into(), t("11-10"));
    (finding.deal, finding.owner) = (Some(deal.into()), Some(owner.into()));
    finding
}

/// A meeting, a mail that asks, and one of ours.
fn told() -> HashMap<String, Told> {
    let person = |role, address: &str, name: Option<&str>, user: Option<&str>| Participant {
        address: address.into(),
        name: name.map(str::to_owned),
        role,
        contact: None,
        user: user.map(str::to_owned),
    };
    let tells = |title: Option<&str>, people| Told { title: title.map(str::to_owned), people };
    HashMap::from([
        ("m".to_owned(), tells(Some("Kick-off"), vec![])),
        (
            "asks".to_owned(),
            tells(
                None,
                vec![
                    person(Role::From, "zoe@buyer.example", Some("Zoe Unknown"), None),
                    person(Role::To, ANA, Some("Ana"), Some(ANA)),
                    person(Role::Cc, "max@buyer.example", None, None),
                ],
            ),
        ),
        (
            "ours".to_owned(),
            tells(
                None,
                vec![
                    person(Role::From, ANA, None, Some(ANA)),
                    person(Role::To, "max@buyer.example", Some(" "), None),
                    person(Role::Cc, "tom@buyer.example", None, None),
                ],
            ),
        ),
    ])
}

#[test]
fn what_a_day_holds() {
    let deals = (0..8).map(|n| office::deal(&format!("d{n}"), ANA, 1.0, "EUR")).collect();
    let directory = office::directory(office::users(), vec![], deals);
    let mut findings: Vec<Finding> = (0..8).map(|n| finding(Rule::GoneQuiet, &format!("d{n}"), ANA)).collect();
    findings.push(Finding { evidence: vec!["asks".into()], ..finding(Rule::WeOweReply, "d1", ANA) });
    findings[0].evidence = vec!["older".into(), "ours".into()];
    findings.push(finding(Rule::NoReply, "d2", BEN));
    let happened = [
        office::meeting("m", "11-20 15:00", &[ANA]).on("d1"),
        office::meeting("late", "11-21 15:00", &[ANA]),
        office::sent("s", "11-19 10:00", ANA, "t"),
        office::sent("old", "11-18 10:00", ANA, "t"),
    ];
    let item = |key: &str, at: &str, owner: &str| Item {
        decided: Decided {
            connection: "c".into(),
            stream: "INBOX".into(),
            owner: Some(owner.into()),
            at: Some(t(at)),
            outcome: Outcome::Skipped,
            reason: Some("bulk".into()),
            count: 1,
        },
        key: key.into(),
        activity: None,
    };
    let items =
        [item("1", "11-19", ANA), item("2", "11-20 08:00", ANA), item("3", "11-12", ANA), item("4", "11-19", BEN)];
    let calendar = WorkCalendar::default();
    let day = "2026-11-20".parse().expect("a date");
    let range = Range { from: day, to: day, calendar: &calendar };
    let pace = Table { name: "pace".into(), from: day, to: day, columns: vec![], rows: vec![], notes: vec![] };
    let told = told();
    let listed: Vec<String> = tells_of(&happened, &findings, &directory).into_iter().collect();
    assert_eq!(listed, ["asks", "late", "m", "ours"]);
    let input = Input {
        directory: &directory,
        findings: &findings,
        happened: &happened,
        items: &items,
        traffic: &[],
        gaps: &HashMap::from([("d1".to_owned(), 2), ("d2".to_owned(), 1)]),
        told: &told,
        pace: &pace,
        calendars: &HashMap::new(),
        range,
        scope: Scope { team: None, rep: Some(ANA.into()) },
        now: t("11-20 12:00"),
    };
    let table = report(&input);
    let cells = |section: &str, column: usize| -> Vec<String> {
        let rows = table.rows.iter().filter(|r| r.cells[2].text() == section);
        rows.map(|r| r.cells[column].text()).collect()
    };
    assert_eq!(cells("they wait", 4), ["Zoe Unknown"], "the CRM does not know her, her mail does");
    let named: Vec<String> = cells("quiet deals", 4).into_iter().filter(|who| !who.is_empty()).collect();
    assert_eq!(named, ["somebody at buyer.example"]);
    let mut sections: BTreeMap<String, usize> = BTreeMap::new();
    for row in &table.rows {
        *sections.entry(row.cells[2].text()).or_default() += 1;
    }
    let want =
        [("captured", 1), ("meetings", 1), ("quiet deals", 8), ("skipped", 1), ("suggestions", 5), ("they wait", 1)];
    assert_eq!(sections, want.into_iter().map(|(s, n)| (s.to_owned(), n)).collect());
    let meeting = table.rows.iter().find(|r| r.cells[2].text() == "meetings").expect("a meeting");
    assert_eq!(meeting.cells[6].text(), "Kick-off: no contact before, 2 open gaps");
    let skipped = table.rows.last().expect("what was skipped");
    assert_eq!((skipped.cells[6].text(), skipped.cells[7].text()), ("bulk".into(), "2".into()));
    assert_eq!(skipped.evidence["count"], ["c/INBOX/1", "c/INBOX/2"]);
    // without a name each rep has a section
    let all = report(&Input { scope: Scope::default(), ..input });
    assert!(all.rows.iter().any(|r| r.cells[0].text() == BEN && r.cells[2].text() == "we wait"));
}
