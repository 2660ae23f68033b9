//! The activity report on small offices: what counts, when, for whom, and that every number opens to as many ids.

use super::*;
use crate::domain::reports::{
    Value,
    office::{ANA, BEN, CLEO, contact, deal, directory, handed_over, happened, meeting, received, sent, t, users, won},
};
use crate::domain::{activity::Role, working::WorkCalendar};

struct Office {
    directory: Directory,
    happened: Vec<Happened>,
    quotes: Vec<QuoteRow>,
    calendar: WorkCalendar,
    scope: Scope,
}

impl Office {
    fn new(happened: Vec<Happened>) -> Self {
        let deals = vec![deal("d1", ANA, 1000.0, "EUR"), deal("d2", CLEO, 70.0, "USD")];
        Self {
            directory: directory(users(), vec![], deals),
            happened,
            quotes: vec![],
            calendar: WorkCalendar::default(),
            scope: Scope::default(),
        }
    }

    /// Of November.
    fn report(&self) -> Table {
        report(&Input {
            directory: &self.directory,
            happened: &self.happened,
            talks: &self.happened,
            threads: &[],
            quotes: &self.quotes,
            range: Range {
                from: "2026-11-01".parse().expect("a date"),
                to: "2026-11-30".parse().expect("a date"),
                calendar: &self.calendar,
            },
            scope: self.scope.clone(),
            minutes: Minutes::default(),
            now: t("12-05"),
        })
    }

    /// The numbers of a column: Ana, Ben, Cleo, north, south, all.
    fn numbers(&self, column: &str) -> Vec<u64> {
        let table = self.report();
        let at = table.column(column).expect("a column");
        let shown = table.rows.iter().map(|row| match row.cells[at] {
            Value::Count(n) => {
                // Every number opens to as many ids.
                if column != "minutes_saved" {
                    assert_eq!(row.evidence.get(column).map_or(0, Vec::len) as u64, n, "{column}");
                }
                n
            }
            _ => panic!("{column} is no count"),
        });
        shown.collect()
    }
}

#[test]
fn counts_each_activity_once_per_row() {
    let mut cancelled = meeting("m3", "11-05", &[ANA]);
    cancelled.activity.status = Status::Cancelled;
    let office = Office::new(vec![
        sent("s1", "11-02", ANA, "t1"),
        sent("s2", "10-31 23:59", ANA, "t1"),
        sent("s3", "12-01 00:00", ANA, "t1"),
        received("r1", "11-03", &[ANA, BEN], "t2"),
        received("r2", "11-30 23:59", &[CLEO], "t3"),
        meeting("m1", "11-04", &[ANA, BEN, CLEO]),
        meeting("m2", "12-05 11:30", &[ANA]),
        cancelled,
        happened("c1", Kind::Call, "11-05", &[]).typed_by(BEN),
        happened("n1", Kind::Note, "11-05", &[]).typed_by(BEN),
    ]);
    assert_eq!(office.numbers("emails_sent"), [1, 0, 0, 1, 0, 1]);
    assert_eq!(office.numbers("emails_received"), [1, 1, 1, 1, 1, 2]);
    assert_eq!(office.numbers("meetings_held"), [1, 1, 1, 1, 1, 1]);
    assert_eq!(office.numbers("calls"), [0, 1, 0, 1, 0, 1]);
    assert_eq!(office.numbers("captured"), [3, 2, 2, 3, 2, 4]);
    assert_eq!(office.numbers("typed"), [0, 2, 0, 2, 0, 2]);
    assert_eq!(office.numbers("minutes_saved"), [9, 7, 7, 9, 7, 11]);
    let behind = |key: &str| {
        let rows = office.report().rows;
        rows.iter().map(|r| r.evidence.get(key).map_or(0, Vec::len) as u64).collect::<Vec<_>>()
    };
    assert_eq!(behind("share"), office.numbers("captured"));
    assert_eq!(behind("minutes_saved"), [3, 2, 2, 3, 2, 4]);
    let table = office.report();
    let share = table.column("share").expect("a column");
    let shares: Vec<String> = table.rows.iter().map(|r| r.cells[share].text()).collect();
    assert_eq!(shares, ["100 %", "50 %", "100 %", "60 %", "100 %", "67 %"]);
    let names: Vec<String> = table.rows.iter().map(|r| r.cells[2].text()).collect();
    assert_eq!(names, ["Ana Lopez", "Ben Okafor", "Cleo Dubois", "team north", "team south", "everybody"]);
    assert_eq!(table.rows[0].evidence["captured"], ["s1", "r1", "m1"]);
}

#[test]
fn conversations_answer_the_other_side() {
    let cases: Vec<(&str, Vec<Happened>, u64)> = vec![
        ("one side only", vec![sent("a", "11-02", ANA, "t"), sent("b", "11-03", ANA, "t")], 0),
        ("answered", vec![sent("a", "11-02", ANA, "t"), received("b", "11-03", &[ANA], "t")], 1),
        (
            "answered twice is one",
            vec![
                sent("a", "11-02", ANA, "t"),
                received("b", "11-03", &[ANA], "t"),
                sent("c", "11-04", ANA, "t"),
                received("d", "11-05", &[ANA], "t"),
            ],
            1,
        ),
        ("answers October", vec![received("a", "10-20", &[ANA], "t"), sent("b", "11-03", ANA, "t")], 1),
        ("exactly 30 days", vec![received("a", "10-04", &[ANA], "t"), sent("b", "11-03", ANA, "t")], 1),
        ("too long ago", vec![received("a", "10-04 11:59", &[ANA], "t"), sent("b", "11-03", ANA, "t")], 0),
        ("answered in December", vec![received("a", "11-29", &[ANA], "t"), sent("b", "12-01", ANA, "t")], 0),
        ("two threads", vec![received("a", "11-02", &[ANA], "t"), sent("b", "11-03", ANA, "u")], 0),
        ("a machine", vec![sent("a", "11-02", ANA, "t"), received("b", "11-03", &[ANA], "t").automatic()], 0),
        ("a call", vec![happened("c", Kind::Call, "11-03", &[(ANA, Role::From)])], 1),
    ];
    for (name, happened, want) in cases {
        let office = Office::new(happened);
        assert_eq!(office.numbers("conversations"), [want, 0, 0, want, 0, want], "{name}");
    }
    // Ana wrote, Ben was answered: a conversation of Ben's, one of the team.
    let office = Office::new(vec![
        sent("a", "11-02", ANA, "t"),
        received("b", "11-03", &[BEN], "t"),
        sent("c", "11-04", ANA, "t"),
    ]);
    assert_eq!(office.numbers("conversations"), [1, 1, 0, 1, 0, 1]);
}

#[test]
fn quotes_orders_and_their_value() {
    let quote = |id: &str, deal: &str, amount, at: &str| QuoteRow {
        id: id.into(),
        deal: deal.into(),
        amount,
        currency: None,
        sent_at: t(at),
    };
    let mut office = Office::new(vec![
        sent("q1", "11-02", ANA, "t").tagged("quote").on("d1"),
        sent("q2", "11-10", BEN, "t").tagged("quote").on("d2"),
        sent("q3", "11-11", BEN, "t").tagged("quote"),
        received("q4", "11-11", &[BEN], "t").tagged("quote"),
        received("o1", "11-12", &[ANA], "t").tagged("order").automatic(),
        sent("o2", "11-12", ANA, "t").tagged("order"),
    ]);
    office.quotes = vec![quote("Q9", "d1", Some(800.0), "11-03"), quote("Q8", "d2", None, "11-30")];
    assert_eq!(office.numbers("quotes_sent"), [1, 2, 1, 3, 1, 4]);
    assert_eq!(office.numbers("purchase_orders"), [1, 0, 0, 1, 0, 1]);
    let table = office.report();
    let value = table.column("quotes_value").expect("a column");
    let values: Vec<String> = table.rows.iter().map(|r| r.cells[value].text()).collect();
    assert_eq!(
        values,
        ["800.00 EUR", "70.00 USD", "70.00 USD", "800.00 EUR + 70.00 USD", "70.00 USD", "800.00 EUR + 140.00 USD"]
    );
    assert_eq!(table.rows[0].evidence["quotes_value"], ["Q9"]);
}

#[test]
fn deals_won_and_new_contacts() {
    let mut office = Office::new(vec![]);
    let mut merged = contact("c3", ANA, "11-02");
    merged.merged_into = Some("c1".into());
    let lost_again = deal("d4", ANA, 1.0, "EUR");
    office.directory = directory(
        users(),
        vec![
            contact("c1", ANA, "11-02"),
            contact("c2", CLEO, "10-31"),
            merged,
            contact("c4", "ghost@x.example", "11-02"),
        ],
        vec![
            won(deal("d1", ANA, 1.0, "EUR"), "11-05"),
            won(deal("d2", ANA, 1.0, "EUR"), "10-05"),
            won(handed_over(deal("d3", ANA, 1.0, "EUR"), "11-06", CLEO), "11-05"),
            lost_again,
        ],
    );
    assert_eq!(office.numbers("deals_won"), [2, 0, 0, 2, 0, 2]);
    assert_eq!(office.numbers("new_contacts"), [1, 0, 0, 1, 0, 2]);
}

#[test]
fn days_are_the_organisations() {
    let mut office = Office::new(vec![sent("a", "11-30 23:30", ANA, "t"), sent("b", "10-31 23:30", ANA, "t")]);
    office.calendar.zone = chrono_tz::Europe::Berlin;
    assert_eq!(office.report().rows[0].evidence["emails_sent"], ["b"]);
    // An all-day meeting is on its date, wherever we are.
    let mut all_day = meeting("m", "11-01 00:00", &[ANA]);
    all_day.all_day = true;
    let mut office = Office::new(vec![all_day]);
    office.calendar.zone = chrono_tz::America::New_York;
    assert_eq!(office.numbers("meetings_held")[0], 1);
}

#[test]
fn rows_by_rep_and_team() {
    let rows = |scope: Scope| {
        let office = Office { scope, ..Office::new(vec![sent("a", "11-02", ANA, "t")]) };
        office.report().rows.iter().map(|r| r.cells[2].text()).collect::<Vec<_>>()
    };
    assert_eq!(rows(Scope { rep: Some(ANA.into()), team: None }), ["Ana Lopez"]);
    assert_eq!(rows(Scope { rep: None, team: Some("north".into()) }), ["Ana Lopez", "Ben Okafor", "team north"]);
    assert_eq!(rows(Scope { rep: Some(CLEO.into()), team: Some("north".into()) }), Vec::<String>::new());
    let mut left = Office::new(vec![]);
    let mut people = users();
    people[1].until = Some(t("10-15"));
    left.directory = directory(people, vec![], vec![]);
    assert!(left.report().rows.iter().all(|r| r.cells[2].text() != "Ben Okafor"));
    // who manages, or is in no team and has no deal, has a row of what he did, none of noughts, but when he is asked for
    for manager in [true, false] {
        let rows = |happened: Vec<Happened>, scope: Scope| {
            let mut people = users();
            (people[1].manager, people[1].team) = (manager, people[1].team.take().filter(|_| manager));
            let office = Office { scope, directory: directory(people, vec![], vec![]), ..Office::new(happened) };
            office.report().rows.iter().any(|r| r.cells[2].text() == "Ben Okafor")
        };
        let by_name = Scope { rep: Some(BEN.into()), team: None };
        assert!(!rows(vec![], Scope::default()) && rows(vec![], by_name));
        assert!(rows(vec![sent("a", "11-02", BEN, "t")], Scope::default()));
    }
}
