//! The `activity` report: what really happened, per rep and team over a range of days, and how much of it nobody had to type.
//!
//! Reps' rows follow the credit rules and may add up to more than the team, which counts each activity once.

mod sums;

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Duration, Utc};

use super::{
    super::{
        activity::{Direction, Entity, Kind, Origin, Status},
        conversations::Threads,
        directory::{Deal, Directory, StageKind},
        matching,
    },
    Column, Range, Scope, Table, WHOSE, Whose,
    credit::{Credit, Happened, credit, has_left, is_rep},
    needs::COUNTS,
};
use sums::MINUTES;
pub(super) use sums::Sums;

/// A quote mailed this near to a quote record of the same deal is that quote.
const SAME_QUOTE: Duration = Duration::days(1);

/// A quote record of the CRM.
#[derive(Clone, Debug)]
pub struct QuoteRow {
    pub id: String,
    pub deal: String,
    pub amount: Option<f64>,
    pub currency: Option<String>,
    pub sent_at: DateTime<Utc>,
}

/// Minutes that capturing one saves.
#[derive(Clone, Copy, Debug)]
pub struct Minutes {
    pub email: u64,
    pub meeting: u64,
}

impl Default for Minutes {
    fn default() -> Self {
        Self { email: 2, meeting: 5 }
    }
}

#[derive(Clone, Debug)]
pub struct Input<'a> {
    pub directory: &'a Directory,
    /// All activities of the range, in any order; others do no harm.
    pub happened: &'a [Happened],
    /// The mail between people from [`conversations::RECENT`](crate::domain::conversations::RECENT) before the range until its end, each by itself; others do no harm.
    pub talks: &'a [Happened],
    /// Threads with a conversation in the range of which nobody asks which: those of the same people as one, with their number. None
    /// of them is among the talks.
    pub threads: &'a [Happened],
    /// All quotes from a day before the range until a day after it.
    pub quotes: &'a [QuoteRow],
    pub range: Range<'a>,
    pub scope: Scope,
    pub minutes: Minutes,
    pub now: DateTime<Utc>,
}

/// All rows that something counts for; the first is everybody's.
struct Ledger<'a> {
    input: &'a Input<'a>,
    rows: Vec<(Whose, Sums<'a>)>,
    /// Where the row of a rep or a team stands.
    reps: HashMap<&'a str, usize>,
    teams: HashMap<&'a str, usize>,
}

pub fn report(input: &Input<'_>) -> Table {
    table(input, &tally(input))
}

/// What every row adds up: the one place where things are counted.
pub(super) fn tally<'a>(input: &'a Input<'a>) -> BTreeMap<Whose, Sums<'a>> {
    let mut ledger = Ledger::new(input);
    let in_order = |all: &'a [Happened]| {
        let mut inside: Vec<&Happened> = all.iter().filter(|h| ledger.counts(h)).collect();
        inside.sort_by(|a, b| (a.activity.occurred_at, &a.activity.id).cmp(&(b.activity.occurred_at, &b.activity.id)));
        inside
    };
    let (inside, talks) = (in_order(input.happened), in_order(input.talks));
    for happened in &inside {
        ledger.count(happened);
    }
    ledger.conversations(&talks);
    for threads in input.threads {
        ledger.several(&credit(threads, input.directory), "conversations", threads);
    }
    ledger.quotes(&inside);
    ledger.deals_won();
    ledger.new_contacts();
    ledger.rows.into_iter().collect()
}

impl<'a> Ledger<'a> {
    /// Everybody who worked in the range has a row, if only of noughts.
    fn new(input: &'a Input<'a>) -> Self {
        let rows = vec![(Whose::All, Sums::default())];
        let mut ledger = Self { input, rows, reps: HashMap::new(), teams: HashMap::new() };
        for user in &input.directory.ours.users {
            if !has_left(user, input.range.start()) {
                ledger.rep(&user.email);
            }
            if let Some(team) = &user.team {
                ledger.team(team);
            }
        }
        ledger
    }

    fn rep(&mut self, email: &'a str) -> usize {
        *self.reps.entry(email).or_insert_with(|| {
            self.rows.push((whose(self.input.directory, email), Sums::default()));
            self.rows.len() - 1
        })
    }

    fn team(&mut self, team: &'a str) -> usize {
        *self.teams.entry(team).or_insert_with(|| {
            self.rows.push((Whose::Team(team.to_owned()), Sums::default()));
            self.rows.len() - 1
        })
    }

    /// In the range, and really happened.
    fn counts(&self, happened: &Happened) -> bool {
        let activity = &happened.activity;
        let real = match activity.kind {
            Kind::Meeting => matches!(activity.status_at(self.input.now), Status::Held | Status::Done),
            _ => true,
        };
        real && self.input.range.holds(self.input.range.day(activity.occurred_at, happened.all_day))
    }

    /// Every row that a credit reaches.
    fn each(&mut self, credit: &Credit<'a>, mut add: impl FnMut(&mut Sums<'a>)) {
        add(&mut self.rows[0].1);
        for email in &credit.users {
            let row = self.rep(email);
            add(&mut self.rows[row].1);
        }
        for team in &credit.teams {
            let row = self.team(team);
            add(&mut self.rows[row].1);
        }
    }

    fn add(&mut self, credit: &Credit<'a>, column: &'static str, at: DateTime<Utc>, id: &'a str) {
        self.each(credit, |sums| sums.counted.entry(column).or_default().add(at, id));
    }

    /// Kinds, captured or typed, and minutes.
    fn count(&mut self, happened: &'a Happened) {
        let activity = &happened.activity;
        let credit = credit(happened, self.input.directory);
        let column = match (activity.kind, activity.direction) {
            (Kind::Email, Some(Direction::Outbound)) => Some("emails_sent"),
            (Kind::Email, Some(Direction::Inbound)) => Some("emails_received"),
            (Kind::Meeting, _) => Some("meetings_held"),
            (Kind::Call, _) => Some("calls"),
            (Kind::Email, None) | (Kind::Note, _) => None,
        };
        if let Some(column) = column {
            self.several(&credit, column, happened);
        }
        if activity.kind == Kind::Email && activity.direction == Some(Direction::Inbound) && has_tag(happened, "order")
        {
            self.several(&credit, "purchase_orders", happened);
        }
        if activity.kind == Kind::Call {
            self.several(&credit, "conversations", happened);
        }
        if activity.origin == Origin::Typed {
            self.several(&credit, "typed", happened);
            return;
        }
        self.several(&credit, "captured", happened);
        let minutes = match activity.kind {
            Kind::Email => self.input.minutes.email,
            Kind::Meeting => self.input.minutes.meeting,
            Kind::Call | Kind::Note => return,
        };
        self.several(&credit, MINUTES, happened);
        self.each(&credit, |sums| sums.minutes += minutes * happened.times);
    }

    fn several(&mut self, credit: &Credit<'a>, column: &'static str, happened: &'a Happened) {
        self.each(credit, |sums| {
            let counted = sums.counted.entry(column).or_default();
            match happened.times {
                1 => counted.add(happened.activity.occurred_at, &happened.activity.id),
                n => counted.n += n,
            }
        });
    }

    /// A thread counts once when a message of the range answers the other side's message of the last 30 days. Machines
    /// hold no conversations.
    fn conversations(&mut self, inside: &[&'a Happened]) {
        let mut said: Vec<&Happened> = self.input.talks.iter().filter(|h| talks(h)).collect();
        said.sort_by_key(|h| h.activity.occurred_at);
        let mut threads = Threads::default();
        let answers: HashSet<&str> = said
            .into_iter()
            .filter(|h| {
                let both = h.thread.as_deref().zip(h.activity.direction);
                both.is_some_and(|(thread, way)| threads.answers(thread, way, h.activity.occurred_at))
            })
            .map(|h| h.activity.id.as_str())
            .collect();
        for happened in inside.iter().filter(|h| answers.contains(h.activity.id.as_str())) {
            let Some(thread) = &happened.thread else { continue };
            let (at, credit) = (happened.activity.occurred_at, credit(happened, self.input.directory));
            self.each(&credit, |sums| {
                if sums.talked.insert(thread) {
                    sums.counted.entry("conversations").or_default().add(at, &happened.activity.id);
                }
            });
        }
    }

    /// Quotes mailed, and quote records; a mail beside a record of its deal is that record.
    fn quotes(&mut self, inside: &[&'a Happened]) {
        let input = self.input;
        let deal = |id: &str| input.directory.deals.get(id);
        for quote in input.quotes.iter().filter(|q| input.range.holds(input.range.day(q.sent_at, false))) {
            let deal = deal(&quote.deal);
            let credit = deal.map(|deal| owned(deal, quote.sent_at, input.directory)).unwrap_or_default();
            let own = quote.amount.map(|amount| (amount, quote.currency.clone().or_else(|| deal?.currency.clone())));
            self.quote(&credit, quote.sent_at, &quote.id, own.or_else(|| worth(deal?)));
        }
        let mut records: HashMap<&str, Vec<DateTime<Utc>>> = HashMap::new();
        for quote in input.quotes {
            records.entry(&quote.deal).or_default().push(quote.sent_at);
        }
        for happened in inside {
            let activity = &happened.activity;
            if activity.direction != Some(Direction::Outbound) || !has_tag(happened, "quote") {
                continue;
            }
            let on: Vec<&str> = activity.ids(Entity::Deal).collect();
            let near = |sent: &DateTime<Utc>| (*sent - activity.occurred_at).abs() <= SAME_QUOTE;
            let recorded = on.iter().filter_map(|deal| records.get(deal)).flatten().any(near);
            if !recorded {
                let value = on.first().and_then(|id| worth(deal(id)?));
                let credit = credit(happened, input.directory);
                self.quote(&credit, activity.occurred_at, &activity.id, value);
            }
        }
    }

    fn quote(&mut self, credit: &Credit<'a>, at: DateTime<Utc>, id: &'a str, value: Option<(f64, Option<String>)>) {
        self.add(credit, "quotes_sent", at, id);
        if let Some((amount, currency)) = value {
            let currency = currency.unwrap_or_else(|| "-".to_owned());
            self.each(credit, |sums| *sums.quoted.entry(currency.clone()).or_default() += amount);
        }
    }

    fn deals_won(&mut self) {
        let input = self.input;
        for deal in input.directory.deals.values() {
            if let Some(at) = won_at(deal, input.directory).filter(|at| input.range.holds(input.range.day(*at, false)))
            {
                self.add(&owned(deal, at, input.directory), "deals_won", at, &deal.id);
            }
        }
    }

    fn new_contacts(&mut self) {
        let input = self.input;
        for contact in input.directory.contacts.values().filter(|c| c.merged_into.is_none()) {
            let Some(at) = contact.created_at.filter(|at| input.range.holds(input.range.day(*at, false))) else {
                continue;
            };
            let mut credit = Credit::default();
            if let Some(owner) = contact.owner.as_deref().and_then(|o| input.directory.user(o)) {
                credit.users.insert(&owner.email);
                credit.teams.extend(owner.team.as_deref());
            }
            self.add(&credit, "new_contacts", at, &contact.id);
        }
    }
}

fn table(input: &Input<'_>, sums: &BTreeMap<Whose, Sums<'_>>) -> Table {
    let titles = WHOSE.into_iter().chain(COUNTS).collect::<Vec<_>>();
    let mut columns: Vec<Column> =
        titles.into_iter().map(|(key, title)| Column { key: key.into(), title: title.into() }).collect();
    let value = columns.iter().position(|c| c.key == "purchase_orders").expect("a column of ours");
    let column = |key: &str, title: &str| Column { key: key.into(), title: title.into() };
    columns.insert(value, column("quotes_value", "Value of quotes"));
    columns.push(column("share", "Share captured"));
    columns.push(column(MINUTES, "Minutes not spent typing"));
    let rows = shown(input, sums, COUNTS.map(|(key, _)| key)).map(|(w, s)| s.row(w, &columns)).collect();
    let notes = vec![
        "An activity counts for every rep who took part, so the rows of reps may add up to more than their team, \
         which counts it once."
            .to_owned(),
        format!(
            "Minutes not spent typing: {} per captured email, {} per captured meeting.",
            input.minutes.email, input.minutes.meeting
        ),
        "New contacts count on the day on which the CRM got them; `report leads` dates them by their first mail, if that is \
         earlier."
            .to_owned(),
    ];
    Table { name: "activity".into(), from: input.range.from, to: input.range.to, columns, rows, notes }
}

/// The rows that are asked for. Who sells nothing has none of noughts in all these columns, unless asked for by name.
pub(super) fn shown<'s, 'a>(
    input: &'s Input<'_>,
    sums: &'s BTreeMap<Whose, Sums<'a>>,
    columns: impl IntoIterator<Item = &'static str>,
) -> impl Iterator<Item = (&'s Whose, &'s Sums<'a>)> {
    let sells = |email: &str| {
        let user = input.directory.user(email);
        user.is_none_or(|user| is_rep(user, input.directory, input.range.start()))
    };
    // what else was read does not count: with --show it is more
    let columns: Vec<&str> = columns.into_iter().collect();
    let nothing = move |sums: &Sums<'_>| columns.iter().all(|key| sums.count(key) == 0);
    let idle = move |whose: &Whose, sums: &Sums<'_>| match whose {
        Whose::Rep { email, .. } => input.scope.rep.is_none() && nothing(sums) && !sells(email),
        Whose::Team(_) | Whose::All => false,
    };
    sums.iter().filter(move |(whose, sums)| wanted(&input.scope, whose) && !idle(whose, sums))
}

pub(super) fn wanted(scope: &Scope, whose: &Whose) -> bool {
    match whose {
        Whose::Rep { email, team, .. } => scope.wants_rep(email, team.as_deref()),
        Whose::Team(team) => scope.wants_team(team),
        Whose::All => scope.wants_all(),
    }
}

pub(super) fn whose(directory: &Directory, email: &str) -> Whose {
    let user = directory.user(email);
    Whose::Rep {
        team: user.and_then(|u| u.team.clone()),
        name: user.map_or(email, |u| u.name.as_str()).to_owned(),
        email: email.to_owned(),
    }
}

pub(super) fn has_tag(happened: &Happened, tag: &str) -> bool {
    happened.activity.kind == Kind::Email && happened.activity.tags.iter().any(|t| t == tag)
}

/// Mail between people.
fn talks(happened: &Happened) -> bool {
    let a = &happened.activity;
    a.kind == Kind::Email && !a.automatic && a.origin == Origin::Captured
}

pub(super) fn worth(deal: &Deal) -> Option<(f64, Option<String>)> {
    deal.amount.map(|amount| (amount, deal.currency.clone()))
}

/// A deal counts for its owner at that time.
pub(super) fn owned<'a>(deal: &'a Deal, at: DateTime<Utc>, directory: &'a Directory) -> Credit<'a> {
    let mut credit = Credit::default();
    if let Some(owner) = directory.user(matching::owner_at(deal, at)) {
        credit.users.insert(&owner.email);
        credit.teams.extend(owner.team.as_deref());
    }
    credit
}

/// When a deal that is won was won.
pub(super) fn won_at(deal: &Deal, directory: &Directory) -> Option<DateTime<Utc>> {
    let won = |stage: &str| directory.stages.get(stage).is_some_and(|s| s.kind == StageKind::Won);
    if !won(&deal.stage) {
        return None;
    }
    // The first change of the last run of won stages.
    let run = deal.stage_changes.iter().rev().take_while(|c| won(&c.to)).last();
    run.map(|c| c.at).or(deal.closed_at)
}

#[cfg(test)]
mod tests;
