//! The `forecast` report: what is committed for a period, how much of it is backed by evidence, and what became of what was
//! committed in past periods. With too little history it says so and expects nothing.

mod calibration;
mod then;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, Utc};

pub use self::calibration::report as calibration;
use super::{
    super::{
        directory::{Deal, Directory},
        gaps::{
            Rule, State,
            limits::Stages,
            moves::{self, Move},
        },
        matching,
        thresholds::GapSettings,
        working::WorkCalendar,
    },
    Column, Period, Range, Rate, Row, Scope, Table, Value, WHOSE, Whose, activity,
    money::{self, Money, Worth},
    stand::Stand,
};

#[derive(Debug)]
pub struct Input<'a> {
    pub directory: &'a Directory,
    /// At least those of [`SAYS_SO`].
    pub findings: &'a [Stand],
    /// The last sign from the buyer's side on each open deal, if any: at least of those of [`closing_in`].
    pub signs: &'a HashMap<String, DateTime<Utc>>,
    /// What counts as committed: as the gap rule `commit_without_evidence` is set.
    pub judged: Judged<'a>,
    pub worth: &'a Worth,
    /// The period that holds the range's last day is the one that is forecast.
    pub range: Range<'a>,
    pub per: Period,
    pub scope: Scope,
}

/// How deals are judged.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'a> {
    pub settings: &'a GapSettings,
    /// The organisation's, and those of users that differ.
    pub calendar: &'a WorkCalendar,
    pub calendars: &'a HashMap<String, WorkCalendar>,
    pub now: DateTime<Utc>,
}

impl Judged<'_> {
    /// The window of the move, where both rules of advances look at it.
    fn window(&self, deal: &Deal, step: &Move, directory: &Directory) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let stages = Stages { directory, settings: self.settings, deal };
        let on = [Rule::UnsupportedAdvance, Rule::OneSidedAdvance].iter().all(|rule| stages.judges(*rule, &step.to));
        let owner = matching::owner_at(deal, step.at);
        let owner = directory.user(owner).map_or(owner, |user| user.email.as_str());
        let calendar = self.calendars.get(owner).unwrap_or(self.calendar);
        on.then(|| stages.window_of(&step.to).around(step, calendar))
    }
}

/// Findings of these rules say that the stage of a deal is not backed.
pub const SAYS_SO: [Rule; 5] = [
    Rule::UnsupportedAdvance,
    Rule::OneSidedAdvance,
    Rule::CommitWithoutEvidence,
    Rule::MissingEvidence,
    Rule::GoneQuiet,
];

/// So many periods are looked back.
const PAST: usize = 8;
/// With fewer periods in which anything was committed, or fewer deals, nothing is expected.
const PERIODS: usize = 3;
const DEALS: u64 = 10;

/// A deal that was committed for a period at some moment of it.
struct Commit<'a> {
    deal: &'a Deal,
    owner: &'a str,
    amount: f64,
    currency: &'a str,
    /// Its worth when it was won within the period.
    closed: Option<f64>,
    /// It is committed for the period now.
    stands: bool,
}

#[derive(Default)]
struct Past {
    committed: Money,
    closed: Money,
    /// Of each period: committed, closed.
    periods: BTreeMap<NaiveDate, (Money, Money)>,
    ids: Vec<String>,
    won: Vec<String>,
}

#[derive(Default)]
struct Sums {
    sums: BTreeMap<&'static str, Money>,
    ids: BTreeMap<&'static str, Vec<String>>,
    gaps: BTreeSet<Rule>,
    past: Past,
}

/// The ids of the open deals that are to close in a period (both days included): those that may be committed for it.
pub fn closing_in(directory: &Directory, (from, to): (NaiveDate, NaiveDate), now: DateTime<Utc>) -> Vec<String> {
    let due = directory.deals.values().filter(|d| d.close_date.is_some_and(|day| from <= day && day <= to));
    due.filter(|d| directory.open_at(d, now)).map(|d| d.id.clone()).collect()
}

pub fn report(input: &Input<'_>) -> Table {
    let current = input.per.around(input.range.to);
    let mut all: BTreeMap<Whose, Sums> = BTreeMap::from([(Whose::All, Sums::default())]);
    let stands = standing(input.findings);
    let before = |period: &(NaiveDate, NaiveDate)| Some(input.per.before(period.0));
    let periods: Vec<_> = std::iter::successors(Some(current), before).take(1 + PAST).collect();
    // what is still running may be kept yet
    let today = input.range.calendar.date(input.judged.now);
    let told = |period: &(NaiveDate, NaiveDate)| *period == current || period.1 < today;
    for (period, deals) in periods.iter().zip(closing(input.directory, &periods)).filter(|(period, _)| told(period)) {
        for commit in commits(input, &deals, *period) {
            let state = input.backing(commit.deal, stands.get(commit.deal.id.as_str()));
            for whose in rows_of(commit.owner, input.directory) {
                let row = all.entry(whose).or_default();
                if *period == current {
                    row.add(&commit, &state);
                } else {
                    row.past.add(&commit, period.0);
                }
            }
        }
    }
    let wanted = all.iter().filter(|(whose, _)| activity::wanted(&input.scope, whose));
    let little = wanted.clone().any(|(_, sums)| sums.past.expected(input.worth).is_none());
    let rows = wanted.map(|(whose, sums)| sums.row(whose, current, input.worth)).collect();
    Table { name: "forecast".into(), from: current.0, to: current.1, columns: columns(), rows, notes: notes(little) }
}

fn notes(little: bool) -> Vec<String> {
    let mut notes = vec![
        "Committed: open, in the forecast as commit or in a stage that counts as sure enough, with its close date in the period. \
         Backed: the buyer's side gave a sign, and no gap stands. Not backed: a gap stands that says so, also one that was explained or \
         put off: that is no evidence. Awaited: no sign yet, and it is not late. Unknown: we could not see."
            .to_owned(),
        format!(
            "Kept is what was closed of what was committed at any moment of the last {PAST} periods. Expected: what is closed, and \
             that share of what is committed; low and high are the worst and the best of those periods."
        ),
    ];
    if little {
        notes.push(format!(
            "Where nothing is expected there is too little history: that takes {PERIODS} periods with {DEALS} committed deals in one \
             currency, or rates in [organization.rates]."
        ));
    }
    notes
}

/// How the stage of a committed deal stands.
enum Backing<'f> {
    Backed,
    /// Nothing from the buyer's side yet, and no rule says that it is late.
    Awaited,
    Unknown,
    Unbacked(&'f BTreeSet<Rule>),
}

impl Input<'_> {
    fn backing<'f>(&self, deal: &Deal, stands: Option<&'f (State, BTreeSet<Rule>)>) -> Backing<'f> {
        match stands {
            Some((State::Unknown, _)) => Backing::Unknown,
            Some((_, rules)) => Backing::Unbacked(rules),
            None if self.has_sign(deal) => Backing::Backed,
            None => Backing::Awaited,
        }
    }

    /// Since the deal was opened, and no earlier than the window of its last move begins: where that is over and not all of it
    /// has been read yet, no gap stands either.
    fn has_sign(&self, deal: &Deal) -> bool {
        let Some(sign) = self.signs.get(&deal.id) else { return false };
        let last = moves::moves(deal).pop().filter(|step| step.is_forward(self.directory));
        let window = last.and_then(|step| self.judged.window(deal, &step, self.directory));
        window.is_none_or(|(from, _)| from <= *sign)
    }
}

/// What stands against a deal: the rules, or only that we could not see.
fn standing(findings: &[Stand]) -> BTreeMap<&str, (State, BTreeSet<Rule>)> {
    let mut all: BTreeMap<&str, (State, BTreeSet<Rule>)> = BTreeMap::new();
    for finding in findings.iter().filter(|f| SAYS_SO.contains(&f.rule) && f.state.is_live()) {
        let Some(deal) = finding.deal.as_deref() else { continue };
        // what a person explained or put off is still no evidence
        let state = if finding.state == State::Unknown { State::Unknown } else { State::Open };
        let entry = all.entry(deal).or_insert_with(|| (state, BTreeSet::new()));
        entry.0 = entry.0.min(state);
        entry.1.insert(finding.rule);
    }
    all
}

fn rows_of(owner: &str, directory: &Directory) -> Vec<Whose> {
    let user = directory.user(owner);
    let team = user.and_then(|u| u.team.clone()).map(Whose::Team);
    user.map(|u| activity::whose(directory, &u.email)).into_iter().chain(team).chain([Whose::All]).collect()
}

/// The deals that were ever to close in each of some periods, by id: each deal is looked at once.
fn closing<'a>(directory: &'a Directory, periods: &[(NaiveDate, NaiveDate)]) -> Vec<Vec<&'a Deal>> {
    let mut all = vec![Vec::new(); periods.len()];
    for deal in directory.deals.values() {
        for ((from, to), deals) in periods.iter().zip(&mut all) {
            if then::close_dates(deal).any(|day| *from <= day && day <= *to) {
                deals.push(deal);
            }
        }
    }
    for deals in &mut all {
        deals.sort_by(|a: &&Deal, b| a.id.cmp(&b.id));
    }
    all
}

/// Of the deals that were ever to close in a period those that were committed for it at some moment of it, each as it was at the first
/// such moment.
fn commits<'a>(input: &Input<'a>, deals: &[&'a Deal], (from, to): (NaiveDate, NaiveDate)) -> Vec<Commit<'a>> {
    let (start, end) = (input.range.calendar.start_of(from), input.range.calendar.end_of(to));
    let until = end.min(input.judged.now);
    let within = |day: Option<NaiveDate>| day.is_some_and(|d| from <= d && d <= to);
    let mut all = Vec::new();
    for deal in deals {
        let look = |at| then::then(deal, at, input.directory, input.judged.settings);
        let said = |at: &DateTime<Utc>| {
            let then = look(*at);
            then.committed && within(then.close_date)
        };
        // a period that has not begun holds what is committed for it now
        let stands = end > input.judged.now && said(&input.judged.now);
        let began = then::moments(deal, start, until).into_iter().filter(|at| *at <= input.judged.now).find(said);
        let Some(first) = began.or_else(|| stands.then_some(input.judged.now)) else { continue };
        let first = look(first);
        let won = activity::won_at(deal, input.directory).filter(|at| start <= *at && *at < end);
        let currency = deal.currency.as_deref().unwrap_or("-");
        let amount = first.amount.unwrap_or(0.0);
        let closed = won.map(|_| deal.amount.unwrap_or(0.0));
        all.push(Commit { deal, owner: first.owner, amount, currency, closed, stands });
    }
    all
}

impl Sums {
    fn put(&mut self, column: &'static str, amount: f64, commit: &Commit<'_>) {
        money::add(self.sums.entry(column).or_default(), amount, commit.currency);
        self.ids.entry(column).or_default().push(commit.deal.id.clone());
    }

    fn add(&mut self, commit: &Commit<'_>, backing: &Backing<'_>) {
        if let Some(closed) = commit.closed {
            self.put("closed", closed, commit);
        }
        if !commit.stands {
            return;
        }
        let now = commit.deal.amount.unwrap_or(0.0);
        self.put("committed", now, commit);
        match backing {
            Backing::Backed => self.put("backed", now, commit),
            Backing::Awaited => self.put("awaited", now, commit),
            Backing::Unknown => self.put("unknown", now, commit),
            Backing::Unbacked(rules) => {
                self.put("unbacked", now, commit);
                self.gaps.extend(rules.iter().copied());
            }
        }
    }

    fn row(&self, whose: &Whose, (from, to): (NaiveDate, NaiveDate), worth: &Worth) -> Row {
        let ids = |key: &str| self.ids.get(key).cloned().unwrap_or_default();
        let sum = |key: &str| self.sums.get(key).cloned().unwrap_or_default();
        let shown = |sums: Money| if sums.is_empty() { Value::None } else { Value::Money(sums) };
        let gaps: Vec<&str> = self.gaps.iter().map(|r| r.as_str()).collect();
        let past = &self.past;
        let (done, of) = (past.won.len() as u64, past.ids.len() as u64);
        let likely =
            past.expected(worth).map(|shares| shares.map(|share| expected(&sum("closed"), &sum("committed"), share)));
        let [low, middle, high] = likely.unwrap_or_default();
        let beside = |sums: &Money| worth.in_one(sums).map_or(Value::None, Value::Money);
        let mut cells: Vec<Value> = whose.cells().into();
        cells.extend([
            Value::Date(from),
            Value::Date(to),
            Value::Count(ids("committed").len() as u64),
            shown(sum("committed")),
            beside(&sum("committed")),
            shown(sum("backed")),
            shown(sum("unbacked")),
            shown(sum("awaited")),
            shown(sum("unknown")),
            if gaps.is_empty() { Value::None } else { Value::Text(gaps.join(", ")) },
            shown(sum("closed")),
            shown(past.committed.clone()),
            shown(past.closed.clone()),
            past.share(worth).map_or(Value::None, Value::Share),
            if of == 0 { Value::None } else { Value::Rate(Rate { done, of }) },
            Value::Count(past.periods.len() as u64),
            shown(low),
            shown(middle.clone()),
            beside(&middle),
            shown(high),
        ]);
        let mut evidence: BTreeMap<String, Vec<String>> =
            self.ids.iter().map(|(key, ids)| ((*key).to_owned(), ids.clone())).collect();
        for key in ["deals", "in_one"] {
            evidence.insert(key.to_owned(), ids("committed"));
        }
        for key in ["past_committed", "kept"] {
            evidence.insert(key.to_owned(), past.ids.clone());
        }
        for key in ["past_closed", "kept_deals"] {
            evidence.insert(key.to_owned(), past.won.clone());
        }
        evidence.insert("periods".to_owned(), past.periods.keys().map(NaiveDate::to_string).collect());
        evidence.insert("likely".to_owned(), ids("closed").into_iter().chain(ids("committed")).collect());
        Row { cells, evidence }
    }
}

impl Past {
    fn add(&mut self, commit: &Commit<'_>, period: NaiveDate) {
        let of = self.periods.entry(period).or_default();
        for sums in [&mut self.committed, &mut of.0] {
            money::add(sums, commit.amount, commit.currency);
        }
        self.ids.push(commit.deal.id.clone());
        if let Some(closed) = commit.closed {
            for sums in [&mut self.closed, &mut of.1] {
                money::add(sums, closed, commit.currency);
            }
            self.won.push(commit.deal.id.clone());
        }
    }

    /// Closed by committed.
    fn share(&self, worth: &Worth) -> Option<f64> {
        share(&self.committed, &self.closed, worth)
    }

    /// The worst, the usual and the best share; `None` with too little history.
    fn expected(&self, worth: &Worth) -> Option<[f64; 3]> {
        if self.periods.len() < PERIODS || (self.ids.len() as u64) < DEALS {
            return None;
        }
        let usual = self.share(worth)?;
        let each: Option<Vec<f64>> = self.periods.values().map(|(all, closed)| share(all, closed, worth)).collect();
        let each = each?;
        let worst = each.iter().copied().fold(usual, f64::min);
        let best = each.iter().copied().fold(usual, f64::max);
        Some([worst, usual, best])
    }
}

/// One sum by the other, in one currency; `None` where that would mix currencies, or divide by nothing.
fn share(committed: &Money, closed: &Money, worth: &Worth) -> Option<f64> {
    let currency = if committed.len() == 1 { committed.keys().next()?.as_str() } else { worth.base()? };
    let total = |sums: &Money| sums.iter().map(|(c, sum)| worth.convert(*sum, c, currency)).sum::<Option<f64>>();
    let (committed, closed) = (total(committed)?, total(closed)?);
    (committed > 0.0).then(|| closed / committed)
}

fn expected(closed: &Money, committed: &Money, share: f64) -> Money {
    let mut all = closed.clone();
    for (currency, amount) in committed {
        money::add(&mut all, amount * share, currency);
    }
    all
}

fn columns() -> Vec<Column> {
    const OWN: [(&str, &str); 20] = [
        ("since", "Since"),
        ("until", "Until"),
        ("deals", "Deals"),
        ("committed", "Committed"),
        ("in_one", "In one"),
        ("backed", "Backed"),
        ("unbacked", "Not backed"),
        ("awaited", "Awaited"),
        ("unknown", "Unknown"),
        ("gaps", "Gaps"),
        ("closed", "Closed"),
        ("past_committed", "Committed before"),
        ("past_closed", "Closed of it"),
        ("kept", "Kept"),
        ("kept_deals", "Deals kept"),
        ("periods", "Periods"),
        ("low", "Low"),
        ("likely", "Expected"),
        ("likely_in_one", "In one"),
        ("high", "High"),
    ];
    let column = |(key, title): (&str, &str)| Column { key: key.into(), title: title.into() };
    WHOSE.into_iter().chain(OWN).map(column).collect()
}

#[cfg(test)]
mod tests;
