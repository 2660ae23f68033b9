//! The coverage report on made-up decisions: rows, sums, and what stands behind each number.

use super::super::office::{ANA, CLEO, directory, t, users};
use super::*;
use crate::domain::working::WorkCalendar;

fn decided(owner: Option<&str>, at: Option<&str>, outcome: Outcome, reason: Option<&str>, count: u64) -> Decided {
    Decided {
        connection: "mail".into(),
        stream: "INBOX".into(),
        owner: owner.map(str::to_owned),
        at: at.map(t),
        outcome,
        reason: reason.map(str::to_owned),
        count,
    }
}

fn coverage(decided: &[Decided], streams: &[StreamRow], typed: &[TypedRow], scope: Scope) -> Table {
    let (directory, calendar) = (directory(users(), vec![], vec![]), WorkCalendar::default());
    report(&Input {
        directory: &directory,
        decided,
        streams,
        typed,
        range: Range {
            from: "2026-11-02".parse().expect("a date"),
            to: "2026-11-15".parse().expect("a date"),
            calendar: &calendar,
        },
        scope,
        groups: None,
    })
}

fn column(table: &Table, key: &str) -> Vec<String> {
    let at = table.column(key).expect("a column");
    table.rows.iter().map(|r| r.cells[at].text()).collect()
}

#[test]
fn by_rep_and_week() {
    let items = [
        decided(Some(ANA), Some("11-02"), Outcome::Captured, None, 6),
        decided(Some(ANA), Some("11-08"), Outcome::Waiting, None, 2),
        decided(Some(ANA), Some("11-08"), Outcome::Skipped, Some("bulk"), 5),
        decided(Some(ANA), Some("11-09"), Outcome::Captured, None, 3),
        decided(Some(ANA), Some("11-01"), Outcome::Captured, None, 100),
        decided(Some(ANA), None, Outcome::Quarantined, None, 1),
        decided(Some(CLEO), Some("11-10"), Outcome::Skipped, Some("internal"), 4),
    ];
    let typed =
        |id: &str, at: &str, confirmed| TypedRow { id: id.into(), owner: Some(ANA.into()), at: t(at), confirmed };
    let typed = [typed("y1", "11-03", true), typed("y2", "11-04", false), typed("y3", "12-04", false)];
    let stream = StreamRow {
        connection: "mail".into(),
        stream: "INBOX".into(),
        owner: Some(ANA.into()),
        complete_from: Some(t("05-01")),
        complete_to: Some(t("11-15")),
    };
    let table = coverage(&items, &[stream], &typed, Scope::default());
    assert_eq!(column(&table, "row"), ["week", "week", "week", "week", "stream", "stream", "all"]);
    assert_eq!(column(&table, "week"), ["", "2026-11-02", "2026-11-09", "2026-11-09", "", "", ""]);
    assert_eq!(column(&table, "seen"), ["1", "13", "3", "4", "17", "4", "21"]);
    assert_eq!(column(&table, "external"), ["1", "8", "3", "0", "12", "0", "12"]);
    assert_eq!(column(&table, "share"), ["0 %", "75 %", "100 %", "", "75 %", "", "75 %"]);
    assert_eq!(column(&table, "skipped_bulk"), ["0", "5", "0", "0", "5", "0", "5"]);
    assert_eq!(column(&table, "skipped_internal"), ["0", "0", "0", "4", "0", "4", "4"]);
    assert_eq!(column(&table, "typed"), ["0", "2", "0", "0", "", "", "2"]);
    assert_eq!(column(&table, "typed_confirmed"), ["", "50 %", "", "", "", "", "50 %"]);
    assert_eq!(column(&table, "complete_to"), ["", "", "", "", "2026-11-15 12:00", "", ""]);
    assert_eq!(table.rows[1].evidence["typed"], ["y1", "y2"]);
    // What is seen is the sum of what became of it, in every row.
    for i in 0..table.rows.len() {
        let n = |key: &str| column(&table, key)[i].parse::<u64>().expect("a count");
        assert_eq!(n("seen"), n("captured") + n("waiting") + n("quarantined") + n("skipped"));
    }
}

#[test]
fn only_whose_is_asked_for() {
    let items = [
        decided(Some(ANA), Some("11-02"), Outcome::Captured, None, 6),
        decided(Some(CLEO), Some("11-02"), Outcome::Captured, None, 7),
        decided(None, Some("11-02"), Outcome::Captured, None, 8),
    ];
    let seen = |scope| column(&coverage(&items, &[], &[], scope), "seen");
    assert_eq!(seen(Scope { rep: Some(ANA.into()), team: None }), ["6", "6", "6"]);
    assert_eq!(seen(Scope { rep: None, team: Some("south".into()) }), ["7", "7", "7"]);
    assert_eq!(seen(Scope::default()).last().map(String::as_str), Some("21"));
    assert_eq!(seen(Scope { rep: Some("ghost@x.example".into()), team: None }), ["0"]);
}

/// Every number of every row has as many items behind it as it says, and no other.
#[test]
fn numbers_open_to_their_items() {
    let (directory, calendar) = (directory(users(), vec![], vec![]), WorkCalendar::default());
    let item = |n: usize, owner, at, outcome, reason: Option<&str>| Item {
        decided: Decided { stream: format!("F{}", n % 2), ..decided(owner, at, outcome, reason, 1) },
        key: format!("k{n}"),
        activity: (outcome == Outcome::Captured).then(|| format!("a{n}")),
    };
    let items = [
        item(1, Some(ANA), Some("11-09"), Outcome::Captured, None),
        item(2, Some(ANA), Some("11-02"), Outcome::Captured, None),
        item(3, Some(ANA), Some("11-03"), Outcome::Skipped, Some("bulk")),
        item(4, Some(ANA), Some("11-03"), Outcome::Skipped, None),
        item(5, Some(ANA), None, Outcome::Quarantined, None),
        item(6, Some(CLEO), Some("11-04"), Outcome::Waiting, None),
        item(7, None, Some("11-04"), Outcome::Skipped, Some("internal")),
        item(8, Some(CLEO), Some("12-24"), Outcome::Captured, None),
    ];
    let decided: Vec<Decided> = items.iter().map(|i| i.decided.clone()).collect();
    for scope in [Scope::default(), Scope { rep: Some(ANA.into()), team: None }] {
        let (from, to) = ("2026-11-02".parse().expect("a date"), "2026-11-15".parse().expect("a date"));
        let input = Input {
            directory: &directory,
            decided: &decided,
            streams: &[],
            typed: &[],
            range: Range { from, to, calendar: &calendar },
            scope,
            groups: None,
        };
        let table = report(&input);
        for column in &table.columns {
            let behind = behind(&input, &items, &column.key);
            assert_eq!(behind.len(), table.rows.len());
            let at = table.column(&column.key).expect("a column");
            for (row, items) in table.rows.iter().zip(&behind) {
                match &row.cells[at] {
                    Value::Count(n) => assert_eq!(items.len() as u64, *n, "{} of {:?}", column.key, row.cells),
                    Value::Share(share) => {
                        let part = items.iter().filter(|i| i.decided.outcome == Outcome::Captured).count();
                        assert!((part as f64 / items.len() as f64 - share).abs() < 1e-9);
                    }
                    _ => assert!(items.is_empty(), "{}", column.key),
                }
            }
        }
        let all = behind(&input, &items, "captured").pop().expect("the row of all");
        assert_eq!(all.iter().map(|i| i.key.as_str()).collect::<Vec<_>>(), ["k2", "k1"], "oldest first");
    }
}

#[test]
fn groups_stand_in_the_place_of_people() {
    let (directory, calendar) = (directory(users(), vec![], vec![]), WorkCalendar::default());
    let team = directory.user(ANA).and_then(|u| u.team.clone()).expect("Ana has a team");
    let decided = [
        decided(Some(ANA), Some("11-02"), Outcome::Captured, None, 6),
        decided(Some(CLEO), Some("11-02"), Outcome::Captured, None, 3),
        decided(None, Some("11-02"), Outcome::Captured, None, 1),
    ];
    let stream = StreamRow {
        connection: "ana-mail".into(),
        stream: "INBOX".into(),
        owner: Some(ANA.into()),
        complete_from: None,
        complete_to: None,
    };
    for everybody in [false, true] {
        let shown = Shown { teams: [team.clone()].into(), everybody, hidden: true };
        let table = report(&Input {
            directory: &directory,
            decided: &decided,
            streams: std::slice::from_ref(&stream),
            typed: &[],
            range: Range {
                from: "2026-11-02".parse().expect("a date"),
                to: "2026-11-15".parse().expect("a date"),
                calendar: &calendar,
            },
            scope: Scope::default(),
            groups: Some(&shown),
        });
        let all = if everybody {
            vec![(format!("team {team}"), "6"), ("all together".to_owned(), "10")]
        } else {
            vec![(format!("team {team}"), "6")]
        };
        let (names, captured) = (column(&table, "name"), column(&table, "captured"));
        let rows: Vec<(String, &str)> = names.into_iter().zip(captured.iter().map(String::as_str)).collect();
        assert_eq!(rows, all);
        assert!(!table.text().contains("ana-mail") && !table.text().contains(ANA));
    }
}

#[test]
fn weeks_start_on_monday() {
    for (day, want) in [("2026-11-02", "2026-11-02"), ("2026-11-08", "2026-11-02"), ("2027-01-01", "2026-12-28")] {
        assert_eq!(monday(day.parse().expect("a date")).to_string(), want);
    }
}
