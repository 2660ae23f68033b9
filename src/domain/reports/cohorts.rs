//! The second form of the `funnel` report: of the deals first talked to in a month, how many have reached each step by now, and
//! how many days it took them. A deal counts for its owner at the first talk.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike as _, NaiveDate, Utc};

use super::{
    super::{directory::Directory, matching},
    Column, Range, Rate, Row, Scope, Table, Value, WHOSE, Whose, activity,
    journey::{self, Journey, STEPS},
};

#[derive(Debug)]
pub struct Input<'a> {
    pub directory: &'a Directory,
    pub journeys: &'a BTreeMap<String, Journey>,
    /// Deals first talked to on these days.
    pub range: Range<'a>,
    pub scope: Scope,
}

type Cohort<'a> = Vec<(DateTime<Utc>, &'a str, &'a Journey)>;

pub fn report(input: &Input<'_>) -> Table {
    let mut cohorts: BTreeMap<(Whose, NaiveDate), Cohort<'_>> = BTreeMap::new();
    for (id, journey) in input.journeys {
        let (Some(at), Some(deal)) = (journey.reached[0], input.directory.deals.get(id)) else { continue };
        let day = input.range.day(at, false);
        if !input.range.holds(day) {
            continue;
        }
        let month = day.with_day(1).expect("a month has a first day");
        let user = input.directory.user(matching::owner_at(deal, at));
        let rep = user.map(|u| activity::whose(input.directory, &u.email));
        let team = user.and_then(|u| u.team.clone()).map(Whose::Team);
        for whose in rep.into_iter().chain(team).chain([Whose::All]) {
            cohorts.entry((whose, month)).or_default().push((at, id, journey));
        }
    }
    let wanted = cohorts.into_iter().filter(|((whose, _), _)| activity::wanted(&input.scope, whose));
    let rows = wanted.map(|((whose, month), cohort)| row(&whose, month, cohort, input.directory)).collect();
    let notes = vec![
        "A cohort is the deals whose first conversation fell in the month; a step is reached by now or not yet, so young cohorts \
         have reached less."
            .to_owned(),
        "Days are medians from the step before that the deal took; a step taken before the one before it says nothing."
            .to_owned(),
    ];
    Table { name: "funnel".into(), from: input.range.from, to: input.range.to, columns: columns(), rows, notes }
}

fn row(whose: &Whose, month: NaiveDate, mut cohort: Cohort<'_>, directory: &Directory) -> Row {
    cohort.sort_by_key(|(at, id, _)| (*at, *id));
    let of = cohort.len() as u64;
    let ids = |keep: &dyn Fn(&str, &Journey) -> bool| -> Vec<String> {
        cohort.iter().filter(|(_, id, j)| keep(id, j)).map(|(_, id, _)| (*id).to_owned()).collect()
    };
    let mut cells: Vec<Value> = whose.cells().into();
    cells.extend([Value::Text(month.format("%Y-%m").to_string()), Value::Count(of)]);
    let mut evidence = BTreeMap::from([("deals".to_owned(), ids(&|_, _| true))]);
    let lags = journey::lags(cohort.iter().map(|c| c.2));
    for (step, key) in STEPS.iter().enumerate().skip(1) {
        let reached = ids(&|_, j| j.reached[step].is_some());
        cells.push(Value::Rate(Rate { done: reached.len() as u64, of }));
        cells.push(lags[step].map_or(Value::None, Value::Number));
        evidence.insert((*key).to_owned(), reached);
        evidence.insert(format!("{key}_days"), ids(&|_, j| j.days_to(step).is_some()));
    }
    let open = ids(&|id, _| directory.deals.get(id).is_some_and(|d| journey::is_open(d, directory)));
    cells.push(Value::Count(open.len() as u64));
    evidence.insert("open".to_owned(), open);
    Row { cells, evidence }
}

fn columns() -> Vec<Column> {
    const OWN: [(&str, &str); 9] = [
        ("month", "First talk in"),
        ("deals", "Deals"),
        ("meetings", "Met"),
        ("meetings_days", "Days to meeting"),
        ("quotes", "Quoted"),
        ("quotes_days", "Days to quote"),
        ("contracts", "Won"),
        ("contracts_days", "Days to contract"),
        ("open", "Still open"),
    ];
    let column = |(key, title): (&str, &str)| Column { key: key.into(), title: title.into() };
    WHOSE.into_iter().chain(OWN).map(column).collect()
}

#[cfg(test)]
mod tests {
    use super::{super::office, *};
    use crate::domain::working::WorkCalendar;
    use office::{ANA, CLEO, t};

    #[test]
    fn what_became_of_each_month() {
        let deals = vec![
            office::won(office::deal("a", ANA, 1.0, "EUR"), "11-20"),
            office::deal("b", ANA, 1.0, "EUR"),
            // owned by Ana when it began
            office::handed_over(office::deal("c", ANA, 1.0, "EUR"), "11-10", CLEO),
            office::deal("never", ANA, 1.0, "EUR"),
        ];
        let directory = office::directory(office::users(), vec![], deals);
        let way = |steps: [Option<&str>; 4]| Journey { reached: steps.map(|s| s.map(t)) };
        let journeys = BTreeMap::from([
            ("a".to_owned(), way([Some("10-01"), Some("10-05"), None, Some("11-20")])),
            ("b".to_owned(), way([Some("10-30"), Some("11-05"), Some("11-04"), None])),
            ("c".to_owned(), way([Some("11-01"), None, None, None])),
            ("never".to_owned(), way([None, Some("11-01"), None, None])),
        ]);
        // in Berlin the last of October began an hour earlier than in Greenwich, and clocks changed within the range
        let calendar = WorkCalendar { zone: chrono_tz::Europe::Berlin, ..WorkCalendar::default() };
        let day = |text: &str| text.parse().expect("a date");
        let range = Range { from: day("2026-10-01"), to: day("2026-11-30"), calendar: &calendar };
        let table = report(&Input { directory: &directory, journeys: &journeys, range, scope: Scope::default() });
        let all: Vec<String> = table
            .rows
            .iter()
            .filter(|r| r.cells[0] == Value::Text("all".into()))
            .map(|r| r.cells[4..].iter().map(Value::text).collect::<Vec<_>>().join("|"))
            .collect();
        assert_eq!(
            all,
            [
                "2026-10|2|100 % (2 of 2: few)|5.0|50 % (1 of 2: few)||50 % (1 of 2: few)|46.0|1",
                "2026-11|1|0 % (0 of 1: few)||0 % (0 of 1: few)||0 % (0 of 1: few)||1",
            ]
        );
        assert_eq!(table.rows.iter().filter(|r| r.cells[1] == Value::Text(ANA.into())).count(), 2);
        assert!(table.rows.iter().all(|r| r.cells[1] != Value::Text(CLEO.into())));
        assert_eq!(table.rows[0].evidence["deals"], ["a", "b"]);
    }
}
