//! The second form of the `forecast` report: of the deals that were given so much of a chance, how many were won? A deal counts
//! once in each band that it stood in while it was open.

use std::collections::BTreeMap;

use super::{
    super::{
        super::{
            directory::{Deal, Directory, StageKind},
            matching,
        },
        Column, Rate, Row, Table, Value, WHOSE, Whose, activity,
    },
    Input, rows_of,
};

/// In percent: from inclusive, to exclusive; the last holds all above.
const BANDS: [(u32, u32); 5] = [(0, 20), (20, 40), (40, 60), (60, 80), (80, 100)];

/// Deals of a band: id, the chance it was given, whether it was won.
type Given<'a> = Vec<(&'a str, f64, bool)>;

/// `input.range`: deals closed on these days.
pub fn report(input: &Input<'_>) -> Table {
    let mut all: BTreeMap<(Whose, usize), Given<'_>> = BTreeMap::new();
    let mut deals: Vec<&Deal> = input.directory.deals.values().collect();
    deals.sort_by(|a, b| a.id.cmp(&b.id));
    for deal in deals {
        let kind = input.directory.stage_kind(&deal.stage);
        let last = deal.stage_changes.last().map(|c| c.at).or(deal.closed_at);
        let Some(closed) = last.filter(|_| kind != StageKind::Open) else { continue };
        if !input.range.holds(input.range.day(closed, false)) {
            continue;
        }
        let owner = matching::owner_at(deal, closed);
        for (band, chance) in bands(deal, input.directory) {
            for whose in rows_of(owner, input.directory) {
                all.entry((whose, band)).or_default().push((&deal.id, chance, kind == StageKind::Won));
            }
        }
    }
    let wanted = all.into_iter().filter(|((whose, _), _)| activity::wanted(&input.scope, whose));
    let column = |(key, title): (&str, &str)| Column { key: key.into(), title: title.into() };
    let own = [("chance", "Given"), ("deals", "Deals"), ("said", "Chance on average"), ("won", "Won")];
    Table {
        name: "forecast".into(),
        from: input.range.from,
        to: input.range.to,
        columns: WHOSE.into_iter().chain(own).map(column).collect(),
        rows: wanted.map(|((whose, band), given)| row(&whose, band, &given)).collect(),
        notes: vec![
            "Of the deals closed on these days: the chance is that of the stages they stood in while they were open, the highest of \
             each band. Where it is right, as many are won as was said."
                .to_owned(),
        ],
    }
}

/// The bands an open deal stood in, each with the highest chance it had there.
fn bands(deal: &Deal, directory: &Directory) -> BTreeMap<usize, f64> {
    let stages = deal.stage_changes.iter().flat_map(|c| c.from.iter().chain([&c.to]));
    let open = stages.filter_map(|id| directory.stages.get(id)).filter(|s| s.kind == StageKind::Open);
    let mut all = BTreeMap::new();
    for chance in open.filter_map(|s| s.probability) {
        let percent = chance * 100.0;
        let band = BANDS.iter().rposition(|(from, _)| percent >= f64::from(*from)).unwrap_or_default();
        let highest = all.entry(band).or_insert(chance);
        *highest = chance.max(*highest);
    }
    all
}

fn row(whose: &Whose, band: usize, given: &[(&str, f64, bool)]) -> Row {
    let (from, to) = BANDS[band];
    let ids = |won: bool| given.iter().filter(|g| g.2 || !won).map(|g| g.0.to_owned()).collect::<Vec<_>>();
    let (done, of) = (ids(true).len() as u64, given.len() as u64);
    let mut cells: Vec<Value> = whose.cells().into();
    cells.extend([
        Value::Text(format!("{from}-{to} %")),
        Value::Count(of),
        Value::Share(given.iter().map(|g| g.1).sum::<f64>() / given.len() as f64),
        Value::Rate(Rate { done, of }),
    ]);
    let evidence = BTreeMap::from([
        ("deals".to_owned(), ids(false)),
        ("said".to_owned(), ids(false)),
        ("won".to_owned(), ids(true)),
    ]);
    Row { cells, evidence }
}
