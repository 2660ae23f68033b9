//! The `targets` report: what a quota asks for, solved back step by step. Contracts are the quota by the mean amount won; quotes
//! are contracts by the rate at which quotes become contracts, and so on down to conversations. A rep's own rates are drawn
//! to the team's while there are few.

mod behind;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::NaiveDate;

use super::{
    super::matching,
    Column, Period, Rate, Row, Table, Value, WHOSE, Whose,
    activity::{self, Input, Sums},
    credit::has_left,
    journey::{self, Journey},
    money::{self, Money, Worth},
};
use behind::Behind;

/// `[[quota]]`.
#[derive(Clone, Debug)]
pub struct Quota {
    /// Folded email.
    pub rep: String,
    pub per: Period,
    pub amount: f64,
    pub currency: String,
}

#[derive(Debug)]
pub struct Asks<'a> {
    pub quotas: &'a [Quota],
    pub journeys: &'a BTreeMap<String, Journey>,
    pub worth: &'a Worth,
    /// The column that somebody asks what stands behind: only that one is told, for all of them together are what everybody did,
    /// for every quota again.
    pub opens: Option<&'a str>,
}

/// A rep's own rates weigh as much as the team's when there are this many trials of his own.
const TRIALS: f64 = 20.0;
/// The same for the mean amount: deals won.
const DEALS: f64 = 5.0;
/// Between low and high it lies 8 times in 10.
const SPREAD: f64 = 1.281_552;
/// With fewer the days are those of all deals.
const LAGS: usize = 5;

/// From the contract back: the step, and the column of the activity report that counts it.
const STEPS: [(&str, &str); 4] = [
    ("contracts", "deals_won"),
    ("quotes", "quotes_sent"),
    ("meetings", "meetings_held"),
    ("conversations", "conversations"),
];

/// `input.range`: the days from which the rates are; its last day says which period the quota is of.
pub fn report(input: &Input<'_>, asks: &Asks<'_>) -> Table {
    let sums = activity::tally(input);
    let known = Known::of(input, asks, &sums);
    let mut rows = Vec::new();
    let mut short = false;
    for (whose, own) in &sums {
        let Whose::Rep { email, team, .. } = whose else { continue };
        if !activity::wanted(&input.scope, whose) || input.directory.user(email).is_none_or(|u| has_left(u, input.now))
        {
            continue;
        }
        let team = team.clone().map(Whose::Team);
        for quota in asks.quotas.iter().filter(|q| q.rep == *email) {
            let beside = [team.clone(), Some(Whose::All)].into_iter().flatten().filter_map(|w| sums.get_key_value(&w));
            let solved = Solved::of(quota, (whose, own), beside, &known, email);
            short |= solved.steps.iter().any(|s| s.needed.is_none());
            rows.extend(solved.rows(whose, quota, input.range.to, asks.opens));
        }
    }
    Table {
        name: "targets".into(),
        from: input.range.from,
        to: input.range.to,
        columns: columns(),
        rows,
        notes: notes(asks, short),
    }
}

fn notes(asks: &Asks<'_>, short: bool) -> Vec<String> {
    if asks.quotas.is_empty() {
        return vec![
            "There is no quota yet: a [[quota]] in the configuration sets one (rep, per, amount, currency).".into(),
        ];
    }
    let mut notes = vec![
        format!(
            "Rates are the rep's own, counted with {TRIALS:.0} trials at the team's rate beside them: with {TRIALS:.0} of his own \
             both weigh the same. The mean amount won likewise, with {DEALS:.0} deals."
        ),
        "Between low and high it lies 8 times in 10, if the coming weeks are like these days.".to_owned(),
        format!(
            "Days are the median from the step before; with fewer than {LAGS} of the rep's own deals those of all."
        ),
    ];
    if short {
        notes.push(
            "Where nobody has come from one step to the next in these days there is no rate to solve with: a longer span \
             (--from) may hold one."
                .to_owned(),
        );
    }
    notes
}

/// What is known of a number: its mean, and the square of its relative error.
#[derive(Clone, Copy, Debug)]
struct Estimate {
    mean: f64,
    error: f64,
}

/// One step of the way back.
struct Step {
    name: &'static str,
    /// How it became the step after it.
    own: Option<Rate>,
    team: Option<Rate>,
    used: Option<f64>,
    needed: Option<Estimate>,
    days: Option<f64>,
    behind: Behind,
}

struct Solved {
    /// The mean amount won.
    value: Option<f64>,
    steps: Vec<Step>,
}

/// What is worked out once for all quotas.
struct Known<'a> {
    /// What the deals that a row won are worth in a currency.
    amounts: HashMap<&'a Whose, HashMap<&'a str, Vec<f64>>>,
    /// The days between the steps of all deals.
    lags: [Option<f64>; 4],
    /// The ways of the deals of a rep.
    ways: HashMap<&'a str, Vec<(&'a str, &'a Journey)>>,
    /// Of all deals.
    all: &'a BTreeMap<String, Journey>,
    opens: Option<&'a str>,
}

impl<'a> Known<'a> {
    fn of(input: &'a Input<'a>, asks: &'a Asks<'a>, sums: &'a BTreeMap<Whose, Sums<'a>>) -> Self {
        let currencies: BTreeSet<&str> = asks.quotas.iter().map(|q| q.currency.as_str()).collect();
        let of = |sums| currencies.iter().map(|c| (*c, worths(input, asks.worth, c, sums))).collect();
        let amounts = sums.iter().map(|(whose, sums)| (whose, of(sums))).collect();
        let mut ways: HashMap<&str, Vec<(&str, &Journey)>> = HashMap::new();
        for (id, journey) in asks.journeys {
            let Some(deal) = input.directory.deals.get(id) else { continue };
            if let Some(owner) = input.directory.user(matching::owner_at(deal, input.now)) {
                ways.entry(&owner.email).or_default().push((id, journey));
            }
        }
        let lags = journey::lags(asks.journeys.values());
        Self { amounts, lags, ways, all: asks.journeys, opens: asks.opens }
    }

    fn worth(&self, whose: &Whose, quota: &Quota) -> &[f64] {
        let amounts = self.amounts.get(whose).and_then(|of| of.get(quota.currency.as_str()));
        amounts.map_or(&[], Vec::as_slice)
    }

    fn own(&self, email: &str) -> &[(&'a str, &'a Journey)] {
        self.ways.get(email).map_or(&[], Vec::as_slice)
    }

    /// Have enough of the rep's own deals taken the step?
    fn enough(&self, email: &str, step: usize) -> bool {
        self.own(email).iter().filter(|(_, way)| way.days_to(step).is_some()).count() >= LAGS
    }

    /// A rep's own days where there are enough, else those of all.
    fn lags(&self, email: &str) -> [Option<f64>; 4] {
        let mine = journey::lags(self.own(email).iter().map(|(_, way)| *way));
        [0, 1, 2, 3].map(|step| if self.enough(email, step) { mine[step] } else { self.lags[step] })
    }

    /// The deals whose days they are.
    fn deals(&self, email: &str, step: usize) -> Vec<String> {
        let took = |way: &Journey| way.days_to(step).is_some();
        if self.enough(email, step) {
            self.own(email).iter().filter(|(_, way)| took(way)).map(|(id, _)| (*id).to_owned()).collect()
        } else {
            self.all.iter().filter(|(_, way)| took(way)).map(|(id, _)| id.clone()).collect()
        }
    }
}

impl Solved {
    fn of<'s>(
        quota: &Quota,
        (whose, own): (&Whose, &Sums<'_>),
        beside: impl Iterator<Item = (&'s Whose, &'s Sums<'s>)> + Clone,
        known: &Known<'_>,
        email: &str,
    ) -> Self {
        let mean = mean(known.worth(whose, quota), beside.clone().map(|(whose, _)| known.worth(whose, quota)));
        let with_won = beside.clone().find(|(whose, _)| !known.worth(whose, quota).is_empty());
        let beside = beside.map(|(_, sums)| sums);
        let lags = known.lags(email);
        let mut behind = Behind::of(quota, own, with_won.map(|(_, sums)| sums));
        let mut needed = mean.map(|m| Estimate { mean: quota.amount / m.mean, error: m.error });
        let value = mean.map(|m| m.mean);
        let mut steps = Vec::new();
        for (at, (name, counted)) in STEPS.into_iter().enumerate() {
            let mut step =
                Step { name, own: None, team: None, used: None, needed, days: lags[3 - at], behind: Behind::default() };
            if at > 0 {
                let after = STEPS[at - 1].1;
                let rate = |sums: &Sums<'_>| Rate { done: sums.count(after), of: sums.count(counted) };
                let team = beside.clone().find(|sums| rate(sums).of > 0);
                let used = team.and_then(|t| shrunk(rate(own), rate(t)));
                needed = needed.zip(used).map(|(n, u)| Estimate { mean: n.mean / u.mean, error: n.error + u.error });
                step.own = Some(rate(own)).filter(|r| r.of > 0);
                step.team = team.map(rate);
                step.used = used.map(|u| u.mean);
                step.needed = needed;
                behind.rate(step.own.map(|_| own.ids(after)), team.map(|sums| sums.ids(after)));
            }
            if known.opens == Some("days") {
                behind.days = known.deals(email, 3 - at);
            }
            step.behind = known.opens.map(|_| behind.clone()).unwrap_or_default();
            steps.push(step);
        }
        Self { value, steps }
    }

    fn rows(&self, whose: &Whose, quota: &Quota, on: NaiveDate, opens: Option<&str>) -> Vec<Row> {
        let (from, to) = quota.per.around(on);
        let weeks = ((to - from).num_days() + 1) as f64 / 7.0;
        let money = |amount: f64| Value::Money(Money::from([(quota.currency.clone(), amount)]));
        let number = |n: Option<f64>| n.map_or(Value::None, Value::Number);
        let rate = |r: Option<Rate>| r.map_or(Value::None, Value::Rate);
        let first = self.steps.first().map(|s| s.name);
        let row = |step: &Step| {
            let bound = |sign: f64| step.needed.map(|n| n.mean * (sign * SPREAD * n.error.sqrt()).exp());
            let value = self.value.filter(|_| Some(step.name) == first);
            let mut cells: Vec<Value> = whose.cells().into();
            cells.extend([
                money(quota.amount),
                Value::Date(from),
                Value::Date(to),
                Value::Text(step.name.to_owned()),
                value.map_or(Value::None, money),
                rate(step.own),
                rate(step.team),
                step.used.map_or(Value::None, Value::Share),
                number(bound(-1.0)),
                number(bound(0.0)),
                number(bound(1.0)),
                number(bound(0.0).map(|n| n / weeks)),
                number(step.days),
            ]);
            let opened = opens.filter(|key| *key != "value" || value.is_some());
            let evidence = opened.map(|key| (key.to_owned(), step.behind.ids(key)));
            Row { cells, evidence: evidence.into_iter().collect() }
        };
        self.steps.iter().map(row).collect()
    }
}

/// The rep's own rate with [`TRIALS`] of the team's beside it. Where a step needs no step before it the rate may be more than 1:
/// then it is one of counts, not of trials.
fn shrunk(own: Rate, team: Rate) -> Option<Estimate> {
    let team = team.value().filter(|t| *t > 0.0)?;
    let n = own.of as f64 + TRIALS;
    let mean = (own.done as f64 + TRIALS * team) / n;
    let variance = if mean < 1.0 { mean * (1.0 - mean) / (n + 1.0) } else { mean / n };
    Some(Estimate { mean, error: variance / (mean * mean) })
}

/// What the deals won are worth in a currency; those without an amount or a rate are left out.
fn worths(input: &Input<'_>, worth: &Worth, currency: &str, sums: &Sums<'_>) -> Vec<f64> {
    let ids = sums.ids("deals_won");
    let deals = ids.iter().filter_map(|id| input.directory.deals.get(id)).filter_map(money::of_deal);
    deals.filter_map(|(amount, of)| worth.convert(amount, &of, currency)).filter(|a| *a > 0.0).collect()
}

/// The mean amount won, drawn to the team's: the first of these that has any.
fn mean<'a>(own: &[f64], mut beside: impl Iterator<Item = &'a [f64]>) -> Option<Estimate> {
    let team = beside.find(|all| !all.is_empty())?;
    let average = |all: &[f64]| all.iter().sum::<f64>() / all.len() as f64;
    let theirs = average(team);
    let n = own.len() as f64 + DEALS;
    let mean = (own.iter().sum::<f64>() + DEALS * theirs) / n;
    let squares = team.iter().map(|a| (a - theirs).powi(2)).sum::<f64>() / (team.len() as f64 - 1.0).max(1.0);
    Some(Estimate { mean, error: squares / n / (mean * mean) })
}

fn columns() -> Vec<Column> {
    const OWN: [(&str, &str); 13] = [
        ("quota", "Quota"),
        ("since", "Since"),
        ("until", "Until"),
        ("step", "Step"),
        ("value", "Mean won"),
        ("own", "Own rate to the next"),
        ("team_rate", "Team's"),
        ("used", "Used"),
        ("low", "Low"),
        ("likely", "Likely"),
        ("high", "High"),
        ("a_week", "A week"),
        ("days", "Days from the step before"),
    ];
    let column = |(key, title): (&str, &str)| Column { key: key.into(), title: title.into() };
    WHOSE.into_iter().chain(OWN).map(column).collect()
}

#[cfg(test)]
mod tests;
