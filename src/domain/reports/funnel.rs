//! The `funnel` report: conversations, meetings, quotes and contracts of the range, and what became of each step. What is
//! counted is the activity report's; a rep's row stands beside the team's.

use std::collections::BTreeMap;

use super::{
    Column, Rate, Row, Table, Value, WHOSE,
    activity::{self, Input, Sums},
};

/// The steps: key, title, the column of the activity report that counts it.
const STEPS: [(&str, &str, &str); 4] = [
    ("conversations", "Conversations", "conversations"),
    ("meetings", "Meetings", "meetings_held"),
    ("quotes", "Quotes", "quotes_sent"),
    ("contracts", "Contracts", "deals_won"),
];

/// The columns of the activity report that it counts by.
pub fn counted() -> impl Iterator<Item = &'static str> {
    STEPS.into_iter().map(|(.., counted)| counted)
}

pub fn report(input: &Input<'_>) -> Table {
    let rows = activity::tally(input);
    let rows = activity::shown(input, &rows, counted()).map(|(whose, sums)| {
        let mut cells: Vec<Value> = whose.cells().into();
        let mut evidence = BTreeMap::new();
        step(sums, &mut cells, &mut evidence);
        Row { cells, evidence }
    });
    Table {
        name: "funnel".into(),
        from: input.range.from,
        to: input.range.to,
        columns: columns(),
        rows: rows.collect(),
        notes: vec![
            "A conversion is this step divided by the one before it, both of the same days: a contract of this month may \
             stem from a conversation of the last. Where a step needs no step before it, it can be more than 100 %."
                .to_owned(),
            "The range in parentheses holds the true rate 95 times in 100; with fewer than ten it is not worth stating."
                .to_owned(),
        ],
    }
}

fn columns() -> Vec<Column> {
    let column = |key: &str, title: &str| Column { key: key.into(), title: title.into() };
    let mut all: Vec<Column> = WHOSE.iter().map(|(key, title)| column(key, title)).collect();
    for (i, (key, title, _)) in STEPS.iter().enumerate() {
        all.push(column(key, title));
        if i > 0 {
            all.push(column(&format!("{key}_rate"), &format!("{title} / {}", STEPS[i - 1].1.to_lowercase())));
        }
    }
    all
}

fn step(sums: &Sums, cells: &mut Vec<Value>, evidence: &mut BTreeMap<String, Vec<String>>) {
    let mut before = None;
    for (key, _, counted) in STEPS {
        let done = sums.count(counted);
        cells.push(Value::Count(done));
        evidence.insert(key.to_owned(), sums.ids(counted));
        if let Some(of) = before {
            cells.push(if of == 0 { Value::None } else { Value::Rate(Rate { done, of }) });
            evidence.insert(format!("{key}_rate"), sums.ids(counted));
        }
        before = Some(done);
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Range, Scope, office},
        *,
    };
    use crate::domain::working::WorkCalendar;

    #[test]
    fn conversions_are_this_step_by_the_one_before() {
        // 534, 267, 67, 17 give 50 %, 25 %, 25 %
        let mut cells = Vec::new();
        step(
            &Sums::of(&[("conversations", 534), ("meetings_held", 267), ("quotes_sent", 67), ("deals_won", 17)]),
            &mut cells,
            &mut BTreeMap::new(),
        );
        let rates: Vec<String> = cells
            .iter()
            .filter_map(|c| match c {
                Value::Rate(rate) => rate.value().map(|v| format!("{:.0}", v * 100.0)),
                _ => None,
            })
            .collect();
        assert_eq!(rates, ["50", "25", "25"]);
    }

    #[test]
    fn a_rep_stands_beside_the_team() {
        use office::{ANA, BEN, CLEO};
        let directory = office::directory(
            office::users(),
            vec![],
            vec![office::won(office::deal("d1", ANA, 1000.0, "EUR"), "11-06")],
        );
        let happened = vec![
            office::received("a", "11-02", &[ANA], "t1"),
            office::sent("b", "11-03", ANA, "t1"),
            office::meeting("m", "11-04", &[ANA, BEN]),
            office::sent("q", "11-05", ANA, "t1").tagged("quote").on("d1"),
            office::meeting("n", "11-04", &[CLEO]),
        ];
        let calendar = WorkCalendar::default();
        let table = report(&Input {
            directory: &directory,
            happened: &happened,
            talks: &happened,
            threads: &[],
            quotes: &[],
            range: Range {
                from: "2026-11-01".parse().expect("a date"),
                to: "2026-11-30".parse().expect("a date"),
                calendar: &calendar,
            },
            scope: Scope { team: Some("north".into()), rep: None },
            minutes: activity::Minutes::default(),
            now: office::t("11-20"),
        });
        assert_eq!(
            table.csv(),
            "row,rep,name,team,conversations,meetings,meetings_rate,quotes,quotes_rate,contracts,contracts_rate\n\
             rep,ana@acme.example,Ana Lopez,north,1,1,1,1,1,1,1\n\
             rep,ben@acme.example,Ben Okafor,north,0,1,,0,0,0,\n\
             team,,team north,north,1,1,1,1,1,1,1\n"
        );
        for row in &table.rows {
            for (cell, column) in row.cells.iter().zip(&table.columns) {
                let Value::Count(n) = cell else { continue };
                assert_eq!(row.evidence[&column.key].len() as u64, *n, "{}", column.key);
            }
        }
    }
}
