//! The `trail` report of one deal: its stage changes and activities on one time line, and beside each forward move whether it is
//! backed.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{
    super::{
        activity::{Activity, Kind, Status},
        directory::{Deal, Directory, Quality, StageChange},
        gaps::{Tie, moves},
    },
    Column, Range, Row, Table, Value,
    stand::Stand,
    trail::{self, Backed, Backing},
};

#[derive(Debug)]
pub struct Input<'a> {
    pub directory: &'a Directory,
    pub deal: &'a Deal,
    /// At least those of the deal under the two advance rules.
    pub findings: &'a [Stand],
    /// All that is judged with the deal, and why.
    pub activities: &'a [(Activity, Tie)],
    pub range: Range<'a>,
    /// Without who of us it was.
    pub nameless: bool,
    pub backed: &'a Backed,
    pub now: DateTime<Utc>,
}

const COLUMNS: [(&str, &str); 5] =
    [("at", "When"), ("kind", "Kind"), ("what", "What"), ("who", "Who"), ("stands", "Backed")];

/// One entry of the line: stage changes before what happened at the same moment.
type Entry = (DateTime<Utc>, bool, String, Row);

pub fn report(input: &Input<'_>) -> Table {
    let stands = trail::standing(input.findings);
    let moves = moves::moves(input.deal);
    let forward = moves.iter().filter(|m| m.is_forward(input.directory));
    let backing: BTreeMap<DateTime<Utc>, Backing> =
        forward.map(|m| (m.at, trail::backing(&stands, input.backed, input.deal, m))).collect();
    let happened = input.activities.iter().map(|(a, tie)| of_activity(a, *tie, input));
    let mut all: Vec<Entry> = changes(input, &backing).into_iter().chain(happened).collect();
    all.retain(|(at, ..)| input.range.holds(input.range.day(*at, false)));
    all.sort_by(|a, b| (a.0, a.1, &a.2).cmp(&(b.0, b.1, &b.2)));
    let held = |wanted: Backing| backing.values().filter(|b| **b == wanted).count();
    let (backed, unknown) = (held(Backing::Backed), held(Backing::Unknown));
    let column = |(key, title): (&str, &str)| Column { key: key.into(), title: title.into() };
    let first = all.first().map(|(at, ..)| input.range.day(*at, false));
    Table {
        name: "trail".into(),
        from: first.unwrap_or(input.range.from).max(input.range.from),
        to: input.range.to,
        columns: COLUMNS.into_iter().map(column).collect(),
        rows: all.into_iter().map(|(.., row)| row).collect(),
        notes: vec![format!(
            "{}: {backed} of {} forward moves backed by evidence from the buyer's side, {unknown} unknown because we could not see, or because their window is not over or not read to its end.",
            input.deal.name,
            backing.len()
        )],
    }
}

fn changes(input: &Input<'_>, backing: &BTreeMap<DateTime<Utc>, Backing>) -> Vec<Entry> {
    let name = |id: &str| input.directory.stages.get(id).map_or(id, |s| s.name.as_str()).to_owned();
    let entry = |change: &StageChange| {
        let what = match &change.from {
            Some(from) => format!("{} -> {}", name(from), name(&change.to)),
            None => format!("begins in {}", name(&change.to)),
        };
        let zone = input.range.calendar.zone;
        let since = change.not_before.filter(|_| change.quality == Quality::Observed);
        let what = match since {
            Some(before) => format!("{what}, seen then; made after {}", Value::time(before, zone).text()),
            None => what,
        };
        let stands = backing.get(&change.at).map(|b| match b {
            Backing::Backed => "backed",
            Backing::Late => "backed late",
            Backing::Unbacked => "not backed",
            Backing::Unknown => "unknown",
        });
        let by = change.by.as_deref().filter(|_| !input.nameless);
        let who = by.map(|by| input.directory.user(by).map_or(by, |u| u.name.as_str()));
        let text = |t: Option<&str>| t.map_or(Value::None, |t| Value::Text(t.to_owned()));
        let cells = vec![Value::time(change.at, zone), text(Some("stage")), text(Some(&what)), text(who), text(stands)];
        let behind = vec![input.deal.id.clone()];
        let row = Row { cells, evidence: BTreeMap::from([("what".to_owned(), behind)]) };
        (change.at, false, change.to.clone(), row)
    };
    input.deal.stage_changes.iter().map(entry).collect()
}

fn of_activity(activity: &Activity, tie: Tie, input: &Input<'_>) -> Entry {
    let status = activity.status_at(input.now);
    let direction = activity.direction.map(|d| d.to_string());
    let state = (activity.kind == Kind::Meeting && status != Status::Done).then(|| status.to_string());
    let by_way_of = match tie {
        Tie::Deal | Tie::Pending => None,
        Tie::Contact => Some("by its contact".to_owned()),
        Tie::Company => Some("by its company".to_owned()),
    };
    let told = direction.into_iter().chain(state).chain(activity.tags.iter().cloned());
    let what: Vec<String> = told.chain(by_way_of).collect();
    let outsiders = activity.participants.iter().filter(|p| p.user.is_none() && p.takes_part());
    let outsiders = outsiders.filter(|p| !input.directory.is_ours(&p.address));
    let who: Vec<&str> = outsiders.map(|p| p.name.as_deref().unwrap_or(&p.address)).collect();
    let cells = vec![
        Value::time(activity.occurred_at, input.range.calendar.zone),
        Value::Text(activity.kind.to_string()),
        Value::Text(what.join(", ")),
        Value::Text(who.join(", ")),
        Value::None,
    ];
    let evidence = BTreeMap::from([("what".to_owned(), vec![activity.id.clone()])]);
    (activity.occurred_at, true, activity.id.clone(), Row { cells, evidence })
}

#[cfg(test)]
mod tests {
    use super::{super::office, *};
    use crate::domain::{
        gaps::{Rule, State},
        working::WorkCalendar,
    };
    use office::{ANA, t};

    #[test]
    fn one_line() {
        let mut deal = office::won(office::deal("d", ANA, 1.0, "EUR"), "11-05");
        let (rule, key) = (Rule::UnsupportedAdvance, t("11-05").timestamp_millis().to_string());
        let stand = Stand { rule, deal: Some("d".into()), key, state: State::Open, late: false };
        let directory = office::directory(office::users(), vec![], vec![deal.clone()]);
        let activities = [
            (office::meeting("m", "11-25", &[ANA]).activity, Tie::Deal),
            (office::received("a", "11-02", &[ANA], "t").tagged("order").activity, Tie::Contact),
            (office::received("old", "10-02", &[ANA], "t").activity, Tie::Deal),
        ];
        let calendar = WorkCalendar::default();
        let day = |text: &str| text.parse().expect("a date");
        let stands = [stand];
        let told = |deal: &Deal| {
            report(&Input {
                directory: &directory,
                deal,
                findings: &stands,
                activities: &activities,
                range: Range { from: day("2026-11-01"), to: day("2026-11-30"), calendar: &calendar },
                nameless: false,
                backed: &Backed::default(),
                now: t("11-20"),
            })
        };
        let table = told(&deal);
        let rows: Vec<String> =
            table.rows.iter().map(|r| r.cells[1..].iter().map(Value::text).collect::<Vec<_>>().join("|")).collect();
        assert_eq!(
            rows,
            [
                "email|inbound, order, by its contact|tom@x.example|",
                "stage|open -> won||not backed",
                "meeting|planned|tom@x.example|",
            ]
        );
        assert_eq!(table.from, day("2026-11-02"));
        assert!(table.notes[0].contains("0 of 1 forward moves"));
        assert_eq!(table.rows[0].evidence["what"], ["a"]);
        // a move seen between two readings is no moment
        let change = deal.stage_changes.last_mut().expect("a change");
        (change.quality, change.not_before) = (Quality::Observed, Some(t("11-04 09:15")));
        let table = told(&deal);
        assert_eq!(table.rows[1].cells[2].text(), "open -> won, seen then; made after 2026-11-04 09:15");
    }
}
