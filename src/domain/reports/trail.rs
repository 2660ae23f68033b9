//! The `trail` report: how many of the forward moves are backed by evidence, and which won deals can show a complete trail. A
//! move is backed when the two advance rules found evidence in its window, and not backed when a finding of theirs stands on it. A
//! move we could not see is counted apart, never as unsupported: so is one that is still to be judged, or that no rule looks at.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};

use super::{
    super::{
        directory::{Deal, Directory, StageKind},
        gaps::{
            Rule, State,
            moves::{self, Move},
        },
        matching,
    },
    Column, Range, Rate, Row, Scope, Table, Value, WHOSE, Whose, activity,
    stand::Stand,
};

#[derive(Debug)]
pub struct Input<'a> {
    pub directory: &'a Directory,
    /// At least those of the two advance rules.
    pub findings: &'a [Stand],
    pub backed: &'a Backed,
    /// Moves of these days.
    pub range: Range<'a>,
    pub scope: Scope,
}

/// The moves whose window holds evidence, as they were judged last: by deal, when each began, in milliseconds.
#[derive(Debug, Default)]
pub struct Backed(HashMap<String, String>);

impl FromIterator<(String, String)> for Backed {
    /// Pairs of a deal and its moves, which stand one behind the other.
    fn from_iter<I: IntoIterator<Item = (String, String)>>(rows: I) -> Self {
        Self(rows.into_iter().collect())
    }
}

impl Backed {
    fn holds(&self, deal: &str, began: &str) -> bool {
        self.0.get(deal).is_some_and(|moves| moves.split(' ').any(|one| one == began))
    }
}

/// How a forward move stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backing {
    Backed,
    /// Evidence came after its window.
    Late,
    Unbacked,
    /// We were blind, a choice is pending, its window is not over or not read to its end, or no rule looks at it.
    Unknown,
}

#[derive(Debug, Default)]
struct Sums {
    deals: BTreeSet<String>,
    moves: u64,
    by: BTreeMap<&'static str, Vec<String>>,
    won: BTreeSet<String>,
    complete: BTreeSet<String>,
}

pub fn report(input: &Input<'_>) -> Table {
    let stands = standing(input.findings);
    let backing = |deal: &Deal, step: &Move| backing(&stands, input.backed, deal, step);
    let mut sums: BTreeMap<Whose, Sums> = BTreeMap::from([(Whose::All, Sums::default())]);
    let mut deals: Vec<&Deal> = input.directory.deals.values().collect();
    deals.sort_by(|a, b| a.id.cmp(&b.id));
    for deal in deals {
        let moves = forward(deal, input.directory);
        for step in &moves {
            if !input.range.holds(input.range.day(step.at, false)) {
                continue;
            }
            let backing = backing(deal, step);
            for whose in rows_of(deal, step.at, input.directory) {
                sums.entry(whose).or_default().add(deal, backing);
            }
        }
        let won = won_in(deal, input);
        if let Some(at) = won {
            let whole = !moves.is_empty() && moves.iter().all(|step| backing(deal, step) == Backing::Backed);
            for whose in rows_of(deal, at, input.directory) {
                let row = sums.entry(whose).or_default();
                row.won.insert(deal.id.clone());
                if whole {
                    row.complete.insert(deal.id.clone());
                }
            }
        }
    }
    let rows = sums.iter().filter(|(whose, _)| activity::wanted(&input.scope, whose)).map(|(w, s)| s.row(w)).collect();
    let notes = vec![
        "A forward move is backed when its window holds evidence from the buyer's side; what we could not see, or whose window \
         is not over or not read to its end, is unknown and not counted in the share."
            .to_owned(),
        "A won deal has a complete trail when each of its forward moves is backed.".to_owned(),
    ];
    Table { name: "trail".into(), from: input.range.from, to: input.range.to, columns: columns(), rows, notes }
}

/// What stands on a move: by deal and the moment it began.
pub(super) fn standing(findings: &[Stand]) -> BTreeMap<(&str, &str), Backing> {
    let about = |f: &&Stand| matches!(f.rule, Rule::UnsupportedAdvance | Rule::OneSidedAdvance);
    let mut all = BTreeMap::new();
    for finding in findings.iter().filter(about) {
        let Some(deal) = finding.deal.as_deref() else { continue };
        let says = match finding.state {
            State::Unknown => Backing::Unknown,
            State::Open | State::Snoozed | State::Explained => Backing::Unbacked,
            State::Resolved if finding.late => Backing::Late,
            State::Resolved | State::Withdrawn => continue,
        };
        all.insert((deal, finding.key.as_str()), says);
    }
    all
}

pub(super) fn backing(stands: &BTreeMap<(&str, &str), Backing>, backed: &Backed, deal: &Deal, step: &Move) -> Backing {
    let key = step.began.timestamp_millis().to_string();
    let unsaid = || if backed.holds(&deal.id, &key) { Backing::Backed } else { Backing::Unknown };
    stands.get(&(deal.id.as_str(), key.as_str())).copied().unwrap_or_else(unsaid)
}

fn forward(deal: &Deal, directory: &Directory) -> Vec<Move> {
    let mut all = moves::moves(deal);
    all.retain(|m| m.is_forward(directory));
    all
}

fn won_in(deal: &Deal, input: &Input<'_>) -> Option<DateTime<Utc>> {
    (input.directory.stage_kind(&deal.stage) == StageKind::Won).then_some(())?;
    activity::won_at(deal, input.directory).filter(|at| input.range.holds(input.range.day(*at, false)))
}

/// The owner at that time, the owner's team, everybody.
fn rows_of(deal: &Deal, at: DateTime<Utc>, directory: &Directory) -> Vec<Whose> {
    let owner = matching::owner_at(deal, at);
    let team = directory.user(owner).and_then(|u| u.team.clone()).map(Whose::Team);
    let rep = directory.user(owner).map(|u| activity::whose(directory, &u.email));
    rep.into_iter().chain(team).chain([Whose::All]).collect()
}

impl Sums {
    fn add(&mut self, deal: &Deal, backing: Backing) {
        self.deals.insert(deal.id.clone());
        self.moves += 1;
        let column = match backing {
            Backing::Backed => "backed",
            Backing::Late => "late",
            Backing::Unbacked => "unbacked",
            Backing::Unknown => "unknown",
        };
        self.by.entry(column).or_default().push(deal.id.clone());
    }

    fn row(&self, whose: &Whose) -> Row {
        let count = |key: &str| self.by.get(key).map_or(0, Vec::len) as u64;
        let seen = count("backed") + count("late") + count("unbacked");
        let rate = |done: u64, of: u64| if of == 0 { Value::None } else { Value::Rate(Rate { done, of }) };
        let mut cells: Vec<Value> = whose.cells().into();
        cells.extend([
            Value::Count(self.deals.len() as u64),
            Value::Count(self.moves),
            Value::Count(count("backed")),
            Value::Count(count("late")),
            Value::Count(count("unbacked")),
            Value::Count(count("unknown")),
            rate(count("backed"), seen),
            Value::Count(self.won.len() as u64),
            Value::Count(self.complete.len() as u64),
            rate(self.complete.len() as u64, self.won.len() as u64),
        ]);
        let listed = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>();
        let mut evidence: BTreeMap<String, Vec<String>> =
            self.by.iter().map(|(key, ids)| ((*key).to_owned(), ids.clone())).collect();
        let moves = ["backed", "late", "unbacked", "unknown"].iter().filter_map(|key| self.by.get(key)).flatten();
        evidence.insert("moves".into(), moves.cloned().collect());
        evidence.insert("share".into(), self.by.get("backed").cloned().unwrap_or_default());
        evidence.insert("deals".into(), listed(&self.deals));
        evidence.insert("won".into(), listed(&self.won));
        evidence.insert("complete".into(), listed(&self.complete));
        evidence.insert("complete_share".into(), listed(&self.complete));
        Row { cells, evidence }
    }
}

fn columns() -> Vec<Column> {
    const OWN: [(&str, &str); 10] = [
        ("deals", "Deals moved"),
        ("moves", "Forward moves"),
        ("backed", "Backed"),
        ("late", "Backed late"),
        ("unbacked", "Not backed"),
        ("unknown", "Unknown"),
        ("share", "Share backed"),
        ("won", "Deals won"),
        ("complete", "Complete trails"),
        ("complete_share", "Share complete"),
    ];
    let column = |(key, title): (&str, &str)| Column { key: key.into(), title: title.into() };
    WHOSE.into_iter().chain(OWN).map(column).collect()
}

#[cfg(test)]
mod tests {
    use super::{super::office, *};
    use crate::domain::working::WorkCalendar;
    use office::{ANA, CLEO, t};

    fn finding(rule: Rule, deal: &str, at: &str, state: State, late: bool) -> Stand {
        Stand { rule, deal: Some(deal.into()), key: t(at).timestamp_millis().to_string(), state, late }
    }

    #[test]
    fn moves_and_won_deals() {
        let moved = |id: &str, owner: &str, at: &str| office::won(office::deal(id, owner, 10.0, "EUR"), at);
        let deals = vec![
            moved("a", ANA, "11-02"),
            moved("b", ANA, "11-03"),
            moved("c", ANA, "11-04"),
            moved("d", CLEO, "11-05"),
            moved("e", CLEO, "10-05"),
            moved("f", CLEO, "11-06"),
        ];
        let directory = office::directory(office::users(), vec![], deals);
        let findings = vec![
            finding(Rule::UnsupportedAdvance, "a", "11-02", State::Open, false),
            finding(Rule::OneSidedAdvance, "b", "11-03", State::Unknown, false),
            finding(Rule::GoneQuiet, "c", "11-04", State::Open, false),
            finding(Rule::UnsupportedAdvance, "d", "11-05", State::Resolved, true),
            finding(Rule::UnsupportedAdvance, "f", "11-06", State::Resolved, false),
        ];
        let calendar = WorkCalendar::default();
        let day = |text: &str| text.parse().expect("a date");
        let range = Range { from: day("2026-11-01"), to: day("2026-11-30"), calendar: &calendar };
        let input = |backed: &Backed| {
            let (range, scope) = (range.clone(), Scope::default());
            report(&Input { directory: &directory, findings: &findings, backed, range, scope })
        };
        let of = |table: &Table, row: &str| {
            let row = table.rows.iter().find(|r| r.cells[2] == Value::Text(row.into())).expect("a row");
            row.cells[4..].iter().map(Value::text).collect::<Vec<_>>().join("|")
        };
        // what nobody has judged yet is not backed for want of a finding
        let table = input(&Backed::default());
        assert_eq!(of(&table, "Ana Lopez"), "3|3|0|0|1|2|0 % (0 of 1: few)|3|0|0 % (0 of 3: few)");
        // what was judged later than the findings were read has both
        let judged = ["11-02", "11-04", "11-06"].iter().zip(["a", "c", "f"]);
        let moves = |at: &str| format!("{} {}", t("10-01").timestamp_millis(), t(at).timestamp_millis());
        let table = input(&judged.map(|(at, deal)| (deal.to_owned(), moves(at))).collect());
        assert_eq!(of(&table, "Ana Lopez"), "3|3|1|0|1|1|50 % (1 of 2: few)|3|1|33 % (1 of 3: few)");
        assert_eq!(of(&table, "Cleo Dubois"), "2|2|1|1|0|0|50 % (1 of 2: few)|2|1|50 % (1 of 2: few)");
        assert_eq!(of(&table, "everybody").split('|').next(), Some("5"));
        for row in &table.rows {
            for (cell, column) in row.cells.iter().zip(&table.columns) {
                let Value::Count(n) = cell else { continue };
                assert_eq!(row.evidence.get(&column.key).map_or(0, Vec::len) as u64, *n, "{}", column.key);
            }
        }
    }
}
