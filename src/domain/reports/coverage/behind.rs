//! The items behind the numbers of the coverage report. The rows are those of the report, in its order; what a number counts
//! and what is listed behind it follow from one rule, so the two agree.

use super::{Decided, Input, Outcome, reason_of, rows_of, sums};

/// One mail or calendar entry with its decision.
#[derive(Clone, Debug)]
pub struct Item {
    /// Of this item alone: its count is 1.
    pub decided: Decided,
    /// Its name in its stream.
    pub key: String,
    pub activity: Option<String>,
}

/// What stands behind one column, row by row, oldest first. Columns that count no items have nothing behind them here.
pub fn behind<'a>(input: &Input<'_>, items: &'a [Item], column: &str) -> Vec<Vec<&'a Item>> {
    let mut rows: Vec<_> = sums(input).into_keys().map(|key| (key, Vec::new())).collect();
    for item in items.iter().filter(|i| counts(column, &i.decided)) {
        for key in rows_of(input, &item.decided) {
            if let Ok(at) = rows.binary_search_by(|(k, _)| k.cmp(&key)) {
                rows[at].1.push(item);
            }
        }
    }
    let by_time = |i: &&Item| (i.decided.at, i.decided.connection.clone(), i.decided.stream.clone(), i.key.clone());
    rows.into_iter()
        .map(|(_, mut items)| {
            items.sort_by_cached_key(by_time);
            items
        })
        .collect()
}

/// Is this item one of those that the column counts? A share opens to its whole: each line says which part it is.
fn counts(column: &str, decided: &Decided) -> bool {
    let skipped = decided.outcome == Outcome::Skipped;
    match column {
        "seen" => true,
        "external" | "share" => !skipped,
        "skipped" => skipped,
        _ => match column.strip_prefix("skipped_") {
            Some(reason) => skipped && reason_of(decided) == reason,
            None => column == decided.outcome.as_str(),
        },
    }
}
