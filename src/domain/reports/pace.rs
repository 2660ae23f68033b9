//! The `pace` report: what a goal asks for by now, what is done, and what is left for each of the remaining working days. The
//! expected pace grows at the end of each working day of the one whose goal it is.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, Utc};

use super::{
    super::working::WorkCalendar, Column, Period, Range, Row, Table, Value, WHOSE, Whose, activity, credit::reps,
};

/// A goal: `[[target]]`.
#[derive(Clone, Debug)]
pub struct Target {
    /// A column of the activity report.
    pub metric: String,
    pub per: Period,
    pub goal: f64,
    /// The goal of a team together; of one rep; else of every rep.
    pub team: Option<String>,
    /// Folded email.
    pub rep: Option<String>,
}

impl Target {
    /// As it stands in the configuration.
    fn setting(&self) -> String {
        let of =
            |what: &str, whose: &Option<String>| whose.as_ref().map(|w| format!(" {what}={w}")).unwrap_or_default();
        let (team, rep) = (of("team", &self.team), of("rep", &self.rep));
        format!("[[target]] metric={} per={} goal={}{team}{rep}", self.metric, self.per, self.goal)
    }
}

#[derive(Debug)]
pub struct Input<'a> {
    pub targets: &'a [Target],
    /// What each of the targets' periods counts: from its first day to the day that is looked at.
    pub periods: BTreeMap<Period, activity::Input<'a>>,
    /// By folded email, where they differ from the range's.
    pub calendars: &'a HashMap<String, WorkCalendar>,
    /// Its last day is the day that is looked at: of an earlier one it tells how it stood when that day ended.
    pub range: Range<'a>,
    pub now: DateTime<Utc>,
}

pub fn report(input: &Input<'_>) -> Table {
    let mut rows = Vec::new();
    let counted: BTreeMap<Period, _> =
        input.periods.iter().map(|(per, period)| (*per, (period, activity::tally(period)))).collect();
    let known = input.periods.values().next().map(|period| reps(period.directory, period.now)).unwrap_or_default();
    for target in input.targets {
        let Some((period, counted)) = counted.get(&target.per) else { continue };
        for (whose, sums) in counted.iter().filter(|(whose, _)| concerns(target, whose, period, &known)) {
            let calendar = match whose {
                Whose::Rep { email, .. } => input.calendars.get(email).unwrap_or(input.range.calendar),
                Whose::Team(_) | Whose::All => input.range.calendar,
            };
            let then = input.now.min(calendar.end_of(input.range.to));
            let days = Days::of(calendar, target.per.around(input.range.to), then);
            let done = sums.count(&target.metric);
            let mut cells: Vec<Value> = whose.cells().into();
            cells.extend(days.cells(target, done));
            rows.push(Row { cells, evidence: days.evidence(target, sums.ids(&target.metric)) });
        }
    }
    let mut notes = vec!["A working day counts when it has ended; what is expected grows with each.".to_owned()];
    if input.targets.is_empty() {
        notes =
            vec!["There is no goal yet: a [[target]] in the configuration sets one (metric, per, goal).".to_owned()];
    }
    Table { name: "pace".into(), from: input.range.from, to: input.range.to, columns: columns(), rows, notes }
}

/// Whose goal is it, and is that row wanted?
fn concerns(target: &Target, whose: &Whose, input: &activity::Input<'_>, reps: &BTreeSet<&str>) -> bool {
    let meant = match (whose, &target.team, &target.rep) {
        (Whose::Rep { email, .. }, None, Some(rep)) => email == rep,
        (Whose::Rep { email, .. }, None, None) => reps.contains(email.as_str()),
        (Whose::Team(name), Some(team), None) => name == team,
        _ => false,
    };
    meant && activity::wanted(&input.scope, whose)
}

/// How far a period has got.
struct Days {
    from: NaiveDate,
    to: NaiveDate,
    /// Working days that have ended, and those that have not.
    worked: Vec<NaiveDate>,
    left: Vec<NaiveDate>,
}

impl Days {
    fn of(calendar: &WorkCalendar, (from, to): (NaiveDate, NaiveDate), now: DateTime<Utc>) -> Self {
        let working = from.iter_days().take_while(|day| *day <= to).filter(|day| calendar.is_working(*day));
        let (worked, left) = working.partition(|day| calendar.hours_of(*day).1 <= now);
        Self { from, to, worked, left }
    }

    /// What is expected opens to the working days that have ended, what is left to those that have not, a goal to its setting,
    /// what is missing to both the goal and what is done.
    fn evidence(&self, target: &Target, done: Vec<String>) -> BTreeMap<String, Vec<String>> {
        let dates = |days: &[NaiveDate]| days.iter().map(NaiveDate::to_string).collect::<Vec<_>>();
        // what is missing is the goal less what is done, also while nothing is
        let missing = [vec![target.setting()], done.clone()].concat();
        let mut all: BTreeMap<String, Vec<String>> =
            ["short_by", "to_go", "per_day"].into_iter().map(|key| (key.to_owned(), missing.clone())).collect();
        all.insert("expected".to_owned(), dates(&self.worked));
        all.insert("days_left".to_owned(), dates(&self.left));
        all.insert("done".to_owned(), done);
        all.insert("goal".to_owned(), vec![target.setting()]);
        all
    }

    fn cells(&self, target: &Target, done: u64) -> Vec<Value> {
        let (worked, left) = (self.worked.len(), self.left.len());
        let share = if worked + left == 0 { 1.0 } else { worked as f64 / (worked + left) as f64 };
        let expected = target.goal * share;
        let to_go = (target.goal - done as f64).max(0.0);
        vec![
            Value::Text(target.metric.clone()),
            Value::Date(self.from),
            Value::Date(self.to),
            Value::Number(target.goal),
            Value::Count(done),
            Value::Number(expected),
            Value::Number((expected - done as f64).max(0.0)),
            Value::Number(to_go),
            Value::Count(left as u64),
            if left == 0 { Value::None } else { Value::Number(to_go / left as f64) },
        ]
    }
}

fn columns() -> Vec<Column> {
    const OWN: [(&str, &str); 10] = [
        ("target", "Target"),
        ("since", "Since"),
        ("until", "Until"),
        ("goal", "Goal"),
        ("done", "Done"),
        ("expected", "Expected by now"),
        ("short_by", "Short by"),
        ("to_go", "To go"),
        ("days_left", "Working days left"),
        ("per_day", "A day from now on"),
    ];
    let column = |(key, title): (&str, &str)| Column { key: key.into(), title: title.into() };
    WHOSE.into_iter().chain(OWN).map(column).collect()
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Scope, office},
        *,
    };
    use office::{ANA, BEN, t};

    fn target(metric: &str, per: Period, goal: f64) -> Target {
        Target { metric: metric.into(), per, goal, team: None, rep: None }
    }

    /// Done, expected, short by, to go, days left, a day from now on. `on`: of this day, else of now.
    fn figures(targets: &[Target], calls: u32, now: &str, zone: chrono_tz::Tz, on: Option<&str>) -> Vec<String> {
        let directory = office::directory(office::users(), vec![], vec![]);
        let happened: Vec<_> = (0..calls)
            .map(|n| {
                office::happened(&format!("c{n}"), crate::domain::activity::Kind::Call, "11-17 10:00", &[])
                    .typed_by(ANA)
            })
            .collect();
        let calendar = WorkCalendar { zone, ..WorkCalendar::default() };
        let now = t(now);
        let on = on.map_or(calendar.date(now), |on| on.parse().expect("a date"));
        let calendars = HashMap::new();
        let period = |per: Period| {
            let (from, to) = (per.around(on).0, on);
            let counted = activity::Input {
                directory: &directory,
                happened: &happened,
                talks: &happened,
                threads: &[],
                quotes: &[],
                range: Range { from, to, calendar: &calendar },
                scope: Scope { team: None, rep: Some(ANA.into()) },
                minutes: activity::Minutes::default(),
                now,
            };
            (per, counted)
        };
        let periods = targets.iter().map(|t| period(t.per)).collect();
        let range = Range { from: on, to: on, calendar: &calendar };
        let table = report(&Input { targets, periods, calendars: &calendars, range, now });
        assert!(table.rows.iter().all(|r| r.evidence["goal"][0].starts_with("[[target]] metric=")));
        table.rows.iter().map(|r| r.cells[8..].iter().map(Value::text).collect::<Vec<_>>().join(" ")).collect()
    }

    #[test]
    fn expected_grows_at_the_end_of_each_working_day() {
        let week = [target("conversations", Period::Week, 50.0)];
        let utc = chrono_tz::UTC;
        let berlin = chrono_tz::Europe::Berlin;
        for (calls, now, zone, want) in [
            // Thursday evening, 30 of 50
            (30, "11-19 18:00", utc, "30 40.0 10.0 20.0 1 20.0"),
            (30, "11-19 16:59", utc, "30 30.0 0.0 20.0 2 10.0"),
            // five in the afternoon comes an hour earlier in Berlin
            (30, "11-19 16:00", berlin, "30 40.0 10.0 20.0 1 20.0"),
            (0, "11-16 08:00", utc, "0 0.0 0.0 50.0 5 10.0"),
            (60, "11-21 12:00", utc, "60 50.0 0.0 0.0 0 "),
        ] {
            assert_eq!(figures(&week, calls, now, zone, None), [want], "{calls} by {now}");
        }
    }

    #[test]
    fn an_earlier_day_is_told_as_it_ended() {
        let week = [target("conversations", Period::Week, 50.0)];
        for (on, want) in [("2026-11-17", "30 20.0 0.0 20.0 3 6.7"), ("2026-11-16", "0 10.0 10.0 50.0 4 12.5")] {
            assert_eq!(figures(&week, 30, "11-27 18:00", chrono_tz::UTC, Some(on)), [want], "on {on}");
        }
    }

    #[test]
    fn whose_goal_it_is() {
        let of = |team: Option<&str>, rep: Option<&str>| Target {
            team: team.map(str::to_owned),
            rep: rep.map(str::to_owned),
            ..target("calls", Period::Month, 10.0)
        };
        for (target, rows) in
            [(of(None, None), 1), (of(None, Some(ANA)), 1), (of(None, Some(BEN)), 0), (of(Some("north"), None), 0)]
        {
            assert_eq!(figures(&[target], 1, "11-19 18:00", chrono_tz::UTC, None).len(), rows);
        }
    }
}
