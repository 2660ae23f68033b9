//! `report --show COLUMN`: what stands behind each number, row by row: ids of activities and deals, or for coverage the items
//! with what was decided about them.

use std::io::{self, Write as _};

use serde_json::{Value as Json, json};

use super::{
    Usage,
    output::{self, Format, Unwritten},
};
use crate::{
    config::fault,
    domain::reports::{Row, Table, Value, coverage::Item},
};

/// One thing behind a number.
#[derive(Debug)]
pub enum Behind {
    /// An activity, deal, contact or quote.
    Id(String),
    /// What a stream held, and what became of it.
    Item { place: [String; 3], outcome: &'static str, reason: Option<String>, activity: Option<String> },
}

impl From<&Item> for Behind {
    fn from(item: &Item) -> Self {
        let d = &item.decided;
        Self::Item {
            place: [d.connection.clone(), d.stream.clone(), item.key.clone()],
            outcome: d.outcome.as_str(),
            reason: d.reason.clone(),
            activity: item.activity.clone(),
        }
    }
}

impl Behind {
    /// `ID`, or `connection/stream/key outcome reason activity`.
    fn cells(&self, none: &str) -> Vec<String> {
        let or = |text: &Option<String>| text.clone().unwrap_or_else(|| none.to_owned());
        match self {
            Self::Id(id) => vec![id.clone()],
            Self::Item { place, outcome, reason, activity } => {
                vec![place.join("/"), (*outcome).to_owned(), or(reason), or(activity)]
            }
        }
    }

    fn json(&self) -> Json {
        match self {
            Self::Id(id) => json!(id),
            Self::Item { place: [connection, stream, key], outcome, reason, activity } => {
                json!({"connection": connection, "stream": stream, "key": key, "outcome": outcome, "reason": reason,
                       "activity": activity})
            }
        }
    }
}

/// Refuses a column that there is not, or that is no number.
///
/// # Errors
/// [`Usage`] with the nearest column.
pub fn counted(table: &Table, column: &str) -> Result<(), Usage> {
    let number = |at: usize| table.rows.iter().any(|r| !matches!(r.cells[at], Value::None) && is_number(&r.cells[at]));
    let word = |at: usize| table.rows.iter().any(|r| !is_number(&r.cells[at]) && !matches!(r.cells[at], Value::None));
    let opens = |key: &str| table.rows.iter().any(|r| r.evidence.get(key).is_some_and(|ids| !ids.is_empty()));
    let may = |key: &str| table.rows.iter().any(|r| r.evidence.contains_key(key));
    let openable =
        table.columns.iter().enumerate().filter(|(at, c)| number(*at) || opens(&c.key) || !word(*at) && may(&c.key));
    let openable = openable.map(|(_, c)| c.key.as_str());
    match table.column(column) {
        None => {
            let hint = fault::hint(column, openable);
            Err(Usage(format!("the report {} has no column `{column}`; {hint}", table.name)))
        }
        // a word may stand for something: its row opens to it
        Some(_) if opens(column) => Ok(()),
        Some(at) if word(at) => {
            let hint = fault::hint("", openable);
            Err(Usage(format!("the column `{column}` is no number, nothing stands behind it; {hint}")))
        }
        Some(_) => Ok(()),
    }
}

fn is_number(value: &Value) -> bool {
    matches!(value, Value::Count(_) | Value::Share(_) | Value::Rate(_) | Value::Number(_) | Value::Money(_))
}

/// What names a row: its cells that are no numbers, where any row has one.
fn names(table: &Table) -> Vec<usize> {
    let word = |v: &Value| matches!(v, Value::Text(_) | Value::Date(_));
    (0..table.columns.len()).filter(|at| table.rows.iter().any(|r| word(&r.cells[*at]))).collect()
}

/// Prints what stands behind one column of each row of a report.
///
/// # Errors
/// When standard output cannot be written.
pub fn print(table: &Table, column: &str, rows: &[Vec<Behind>], format: Format) -> Result<(), Unwritten> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let opened = |(row, behind): (&Row, &Vec<Behind>)| {
        let mut json = table.row_json(row);
        json["behind"] = behind.iter().map(Behind::json).collect();
        json
    };
    match format {
        Format::Table => people(&mut out, table, rows, table.column(column))?,
        Format::Json => {
            let all: Vec<Json> = table.rows.iter().zip(rows).map(opened).collect();
            writeln!(out, "{}", serde_json::to_string_pretty(&all).map_err(io::Error::from)?)?;
        }
        Format::Jsonl => {
            for json in table.rows.iter().zip(rows).map(opened) {
                writeln!(out, "{json}")?;
            }
        }
        Format::Csv => csv(&mut out, table, rows)?,
    }
    Ok(out.flush()?)
}

fn people(out: &mut impl io::Write, table: &Table, rows: &[Vec<Behind>], column: Option<usize>) -> io::Result<()> {
    let names = names(table);
    // a row of a list that says something else than this column has nothing to open
    let says = |row: &Row| column.is_none_or(|at| row.cells[at] != Value::None);
    let shown: Vec<_> = table.rows.iter().zip(rows).filter(|(row, b)| says(row) || !b.is_empty()).collect();
    if shown.is_empty() {
        writeln!(out, "No row of this report says anything in that column.")?;
    }
    for (row, behind) in shown {
        let head: Vec<String> = names.iter().map(|at| row.cells[*at].text()).filter(|t| !t.is_empty()).collect();
        writeln!(out, "{}: {}", output::plain(&head.join(" / ")), behind.len())?;
        for b in behind {
            writeln!(out, "  {}", output::plain(&b.cells("-").join(" ")))?;
        }
    }
    Ok(())
}

/// One record for each thing: what names its row, then the thing.
fn csv(out: &mut impl io::Write, table: &Table, rows: &[Vec<Behind>]) -> io::Result<()> {
    let names = names(table);
    let items = rows.iter().flatten().any(|b| matches!(b, Behind::Item { .. }));
    let more: &[&str] = if items { &["behind", "outcome", "reason", "activity"] } else { &["behind"] };
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(names.iter().map(|at| table.columns[*at].key.as_str()).chain(more.iter().copied()))?;
    for (row, behind) in table.rows.iter().zip(rows) {
        for b in behind {
            let cells = names.iter().map(|at| row.cells[*at].text()).chain(b.cells(""));
            csv.write_record(cells.map(|text| output::cell(Some(&json!(text)))))?;
        }
    }
    csv.flush()
}
