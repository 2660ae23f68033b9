//! The `coverage` report: how much of the outside traffic was captured, per rep and week, why the rest was not, and from
//! when to when each stream is complete.
//!
//! It counts items (a mail in two mailboxes is two), because the question is what each mailbox and calendar gave.

mod behind;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike, Days, NaiveDate, Utc};
use chrono_tz::Tz;

use super::{
    super::{activity::words, capture::SkipReason, directory::Directory},
    Column, Range, Row, Scope, Table, Value,
    grouping::Shown,
};

pub use self::behind::{Item, behind};

words!(
    /// The outcome of an item.
    Outcome { Captured = "captured", Waiting = "waiting", Skipped = "skipped", Quarantined = "quarantined" }
);

/// Decisions of one stream that have all this in common, and fall into one of the [`spans`].
#[derive(Clone, Debug)]
pub struct Decided {
    pub connection: String,
    /// The stream's name as people read it.
    pub stream: String,
    /// The connection's owner; folded email.
    pub owner: Option<String>,
    /// `None`: an item without a readable time.
    pub at: Option<DateTime<Utc>>,
    pub outcome: Outcome,
    /// Of what was skipped.
    pub reason: Option<String>,
    pub count: u64,
}

/// One stream of a mailbox or calendar.
#[derive(Clone, Debug)]
pub struct StreamRow {
    pub connection: String,
    pub stream: String,
    pub owner: Option<String>,
    pub complete_from: Option<DateTime<Utc>>,
    pub complete_to: Option<DateTime<Utc>>,
}

/// One entry that somebody typed into the CRM, those that became a sighting of a captured activity included.
#[derive(Clone, Debug)]
pub struct TypedRow {
    /// The activity.
    pub id: String,
    pub owner: Option<String>,
    pub at: DateTime<Utc>,
    pub confirmed: bool,
}

#[derive(Clone, Debug)]
pub struct Input<'a> {
    pub directory: &'a Directory,
    /// Of the range and, without a time, of any.
    pub decided: &'a [Decided],
    pub streams: &'a [StreamRow],
    pub typed: &'a [TypedRow],
    pub range: Range<'a>,
    pub scope: Scope,
    /// The groups that stand in the place of people and their accounts; `None`: people may be shown.
    pub groups: Option<&'a Shown>,
}

const COLUMNS: [(&str, &str); 16] = [
    ("row", "Row"),
    ("rep", "Rep"),
    ("name", "Name"),
    ("week", "Week of"),
    ("connection", "Connection"),
    ("stream", "Stream"),
    ("seen", "Seen"),
    ("external", "External"),
    ("captured", "Captured"),
    ("waiting", "Waiting"),
    ("quarantined", "Unreadable"),
    ("share", "Share captured"),
    ("skipped", "Skipped"),
    ("complete_from", "Complete from"),
    ("complete_to", "Complete to"),
    ("typed", "Typed"),
];

/// What one row adds up.
#[derive(Clone, Debug, Default)]
struct Sums {
    outcomes: BTreeMap<Outcome, u64>,
    reasons: BTreeMap<String, u64>,
    typed: BTreeSet<(DateTime<Utc>, String)>,
    confirmed: BTreeSet<(DateTime<Utc>, String)>,
    complete_from: Option<DateTime<Utc>>,
    complete_to: Option<DateTime<Utc>>,
}

/// A row, in the order in which rows are shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Week { name: String, rep: Option<String>, week: Option<NaiveDate> },
    Stream { name: String, rep: Option<String>, connection: String, stream: String },
    All,
}

pub fn report(input: &Input<'_>) -> Table {
    table(input, &sums(input))
}

/// The rows in which a decision is counted; none when it is not wanted.
fn rows_of(input: &Input<'_>, decided: &Decided) -> Vec<Key> {
    let owner = decided.owner.as_deref();
    let day = decided.at.map(|at| input.range.day(at, false));
    if !wanted(input, owner) || day.is_some_and(|day| !input.range.holds(day)) {
        return Vec::new();
    }
    let stream = input.groups.is_none().then(|| stream(input, decided));
    week(input, owner, day).into_iter().chain(stream).chain(all(input)).collect()
}

fn all(input: &Input<'_>) -> Option<Key> {
    input.groups.is_none_or(|shown| shown.everybody).then_some(Key::All)
}

fn sums(input: &Input<'_>) -> BTreeMap<Key, Sums> {
    let mut sums: BTreeMap<Key, Sums> = BTreeMap::new();
    for decided in input.decided {
        for key in rows_of(input, decided) {
            sums.entry(key).or_default().decide(decided);
        }
    }
    // an account is a person's
    let streams = input.streams.iter().filter(|_| input.groups.is_none());
    for row in streams.filter(|s| wanted(input, s.owner.as_deref())) {
        let key = stream_key(input, row.owner.as_deref(), &row.connection, &row.stream);
        let sums = sums.entry(key).or_default();
        (sums.complete_from, sums.complete_to) = (row.complete_from, row.complete_to);
    }
    for typed in input.typed.iter().filter(|t| wanted(input, t.owner.as_deref())) {
        let day = input.range.day(typed.at, false);
        if input.range.holds(day) {
            for key in week(input, typed.owner.as_deref(), Some(day)).into_iter().chain(all(input)) {
                let sums = sums.entry(key).or_default();
                sums.typed.insert((typed.at, typed.id.clone()));
                if typed.confirmed {
                    sums.confirmed.insert((typed.at, typed.id.clone()));
                }
            }
        }
    }
    if let Some(key) = all(input) {
        sums.entry(key).or_default();
    }
    sums
}

/// What can be found by asking for a rep or a team; what is nobody's only by asking for all.
fn wanted(input: &Input<'_>, owner: Option<&str>) -> bool {
    match owner {
        Some(owner) => {
            let user = input.directory.user(owner);
            input.scope.wants_rep(user.map_or(owner, |u| &u.email), user.and_then(|u| u.team.as_deref()))
        }
        None => input.scope.wants_all(),
    }
}

fn rep(input: &Input<'_>, owner: Option<&str>) -> (String, Option<String>) {
    match owner.map(|o| (o, input.directory.user(o))) {
        Some((_, Some(user))) => (user.name.clone(), Some(user.email.clone())),
        Some((owner, None)) => (owner.to_owned(), Some(owner.to_owned())),
        None => ("nobody in particular".to_owned(), None),
    }
}

/// `None`: it belongs to nobody whose group may be shown.
fn week(input: &Input<'_>, owner: Option<&str>, day: Option<NaiveDate>) -> Option<Key> {
    let (name, rep) = match input.groups {
        None => rep(input, owner),
        Some(shown) => {
            let team = input.directory.user(owner?)?.team.as_ref().filter(|t| shown.teams.contains(*t))?;
            (format!("team {team}"), None)
        }
    };
    Some(Key::Week { name, rep, week: day.map(monday) })
}

fn stream(input: &Input<'_>, decided: &Decided) -> Key {
    stream_key(input, decided.owner.as_deref(), &decided.connection, &decided.stream)
}

fn stream_key(input: &Input<'_>, owner: Option<&str>, connection: &str, stream: &str) -> Key {
    let (name, rep) = rep(input, owner);
    Key::Stream { name, rep, connection: connection.to_owned(), stream: stream.to_owned() }
}

/// The weeks of a range, as far as they lie in it: within one of them it does not matter when something was (from inclusive, to
/// exclusive).
pub fn spans(range: &Range<'_>) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
    let mondays = monday(range.from).iter_days().step_by(7).take_while(|day| *day <= range.to);
    let week = |first: NaiveDate| {
        let last = first.checked_add_days(Days::new(6)).unwrap_or(first);
        (range.calendar.start_of(first.max(range.from)), range.calendar.end_of(last.min(range.to)))
    };
    mondays.map(week).collect()
}

/// The Monday of a day's week.
pub fn monday(day: NaiveDate) -> NaiveDate {
    day.checked_sub_days(Days::new(u64::from(day.weekday().num_days_from_monday()))).unwrap_or(day)
}

fn reason_of(decided: &Decided) -> &str {
    decided.reason.as_deref().unwrap_or("other")
}

impl Sums {
    fn decide(&mut self, decided: &Decided) {
        *self.outcomes.entry(decided.outcome).or_default() += decided.count;
        if decided.outcome == Outcome::Skipped {
            *self.reasons.entry(reason_of(decided).to_owned()).or_default() += decided.count;
        }
    }

    fn cell(&self, key: &Key, column: &str, zone: Tz) -> Value {
        let time = |at: Option<DateTime<Utc>>| at.map_or(Value::None, |at| Value::time(at, zone));
        let outcome = |o| self.outcomes.get(&o).copied().unwrap_or_default();
        let external = outcome(Outcome::Captured) + outcome(Outcome::Waiting) + outcome(Outcome::Quarantined);
        let seen = external + outcome(Outcome::Skipped);
        let share =
            |part: u64, whole: u64| if whole == 0 { Value::None } else { Value::Share(part as f64 / whole as f64) };
        let typed = !matches!(key, Key::Stream { .. });
        match column {
            "seen" => Value::Count(seen),
            "external" => Value::Count(external),
            "captured" => Value::Count(outcome(Outcome::Captured)),
            "waiting" => Value::Count(outcome(Outcome::Waiting)),
            "quarantined" => Value::Count(outcome(Outcome::Quarantined)),
            "share" => share(outcome(Outcome::Captured), external),
            "skipped" => Value::Count(outcome(Outcome::Skipped)),
            "complete_from" => time(self.complete_from),
            "complete_to" => time(self.complete_to),
            "typed" if typed => Value::Count(self.typed.len() as u64),
            "typed_confirmed" if typed => share(self.confirmed.len() as u64, self.typed.len() as u64),
            "typed" | "typed_confirmed" => Value::None,
            reason => {
                Value::Count(self.reasons.get(reason.trim_start_matches("skipped_")).copied().unwrap_or_default())
            }
        }
    }
}

impl Key {
    /// The cells before the sums.
    fn cells(&self) -> Vec<Value> {
        let text = |t: &str| Value::Text(t.to_owned());
        let rep_cell = |rep: &Option<String>| rep.as_deref().map_or(Value::None, text);
        match self {
            Self::Week { name, rep, week } => {
                let week = week.map_or(Value::None, Value::Date);
                vec![text("week"), rep_cell(rep), text(name), week, Value::None, Value::None]
            }
            Self::Stream { name, rep, connection, stream } => {
                vec![text("stream"), rep_cell(rep), text(name), Value::None, text(connection), text(stream)]
            }
            Self::All => vec![text("all"), Value::None, text("all together"), Value::None, Value::None, Value::None],
        }
    }
}

fn table(input: &Input<'_>, sums: &BTreeMap<Key, Sums>) -> Table {
    let column = |key: &str, title: &str| Column { key: key.to_owned(), title: title.to_owned() };
    let mut columns: Vec<Column> = COLUMNS.iter().map(|(key, title)| column(key, title)).collect();
    columns.push(column("typed_confirmed", "Typed, confirmed"));
    // In the order in which the reasons hold.
    let met: BTreeSet<&str> = sums.values().flat_map(|s| s.reasons.keys().map(String::as_str)).collect();
    let reasons = SkipReason::ALL.iter().map(|r| r.as_str());
    let reasons = reasons.chain(met.iter().copied().filter(|r| SkipReason::parse(r).is_none()));
    columns.extend(reasons.map(|r| column(&format!("skipped_{r}"), &format!("Skipped: {}", r.replace('_', " ")))));
    let rows = sums
        .iter()
        .map(|(key, sums)| {
            let mut cells = key.cells();
            let rest = columns
                .iter()
                .skip(cells.len())
                .map(|c| sums.cell(key, &c.key, input.range.calendar.zone))
                .collect::<Vec<_>>();
            cells.extend(rest);
            let ids = |set: &BTreeSet<(DateTime<Utc>, String)>| set.iter().map(|(_, id)| id.clone()).collect();
            let evidence = BTreeMap::from([
                ("typed".to_owned(), ids(&sums.typed)),
                ("typed_confirmed".to_owned(), ids(&sums.confirmed)),
            ]);
            Row { cells, evidence }
        })
        .collect();
    let notes = vec![
        "Counted are items: a mail that lies in two mailboxes is seen twice. External is what was captured, waits for \
         its sender to be known, or could not be read; the share is the captured part of it."
            .to_owned(),
    ];
    Table { name: "coverage".into(), from: input.range.from, to: input.range.to, columns, rows, notes }
}
