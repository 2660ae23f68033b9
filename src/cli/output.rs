//! How results are printed: a table for people, JSON, JSON lines or CSV for programs. Programs get nothing else on
//! standard output. What cannot be printed is an error like any other: nothing here panics.

use std::{
    fmt,
    io::{self, Write},
};

use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table, presets};
use serde_json::{Map, Value};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Table,
    Json,
    Jsonl,
    Csv,
}

/// The disk behind standard output is full, or whoever read it is gone.
#[derive(Debug, thiserror::Error)]
#[error(
    "writing the result to standard output failed ({0}); what was written is not complete, so make room and run it again"
)]
pub struct Unwritten(#[from] io::Error);

/// Prints one line: ask for it with `say!`.
///
/// # Errors
/// When standard output cannot be written.
pub fn line(text: fmt::Arguments<'_>) -> Result<(), Unwritten> {
    Ok(writeln!(io::stdout().lock(), "{text}")?)
}

/// `println!` whose failure is returned.
macro_rules! say {
    () => { $crate::cli::output::line(format_args!("")) };
    ($($said:tt)*) => { $crate::cli::output::line(format_args!($($said)*)) };
}
pub(crate) use say;

/// One column of a list: its key in JSON and its heading in a table.
#[derive(Clone, Copy, Debug)]
pub struct Column(pub &'static str, pub &'static str);

/// Prints a list. `empty` is what people read when there is nothing: what will appear, and how to make it appear.
///
/// # Errors
/// When standard output cannot be written.
pub fn list(format: Format, columns: &[Column], rows: &[Map<String, Value>], empty: &str) -> Result<(), Unwritten> {
    let mut out = io::stdout().lock();
    write(&mut out, format, columns, rows, empty)?;
    Ok(out.flush()?)
}

fn write(
    out: &mut impl Write,
    format: Format,
    columns: &[Column],
    rows: &[Map<String, Value>],
    empty: &str,
) -> io::Result<()> {
    match format {
        Format::Table if rows.is_empty() => writeln!(out, "{empty}"),
        Format::Table => writeln!(out, "{}", table(columns, rows)),
        Format::Json => writeln!(out, "{}", serde_json::to_string_pretty(rows)?),
        Format::Jsonl => {
            for row in rows {
                writeln!(out, "{}", serde_json::to_string(row)?)?;
            }
            Ok(())
        }
        Format::Csv => {
            let mut csv = csv::Writer::from_writer(out);
            csv.write_record(columns.iter().map(|c| c.0))?;
            for row in rows {
                csv.write_record(columns.iter().map(|c| cell(row.get(c.0))))?;
            }
            csv.flush()
        }
    }
}

fn table(columns: &[Column], rows: &[Map<String, Value>]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(columns.iter().map(|c| c.1));
    for row in rows {
        table.add_row(columns.iter().map(|c| shown(row.get(c.0))));
    }
    table
}

/// Foreign text without control characters, which a terminal would obey.
pub fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A value as people read it; control characters of foreign text are taken out.
pub fn shown(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(s)) => plain(s),
        Some(Value::Bool(b)) => if *b { "yes" } else { "no" }.to_owned(),
        Some(Value::Array(all)) => all.iter().map(|v| shown(Some(v))).collect::<Vec<_>>().join(", "),
        Some(other) => other.to_string(),
    }
}

/// A CSV cell. Spreadsheets run cells that begin like a formula: those get an apostrophe in front.
pub fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(s)) if s.starts_with(['=', '+', '-', '@', '\t', '\r']) => format!("'{s}"),
        Some(Value::String(s)) => s.clone(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn cells_never_run() {
        for (given, want) in [("=1+1", "'=1+1"), ("@cmd", "'@cmd"), ("-2", "'-2"), ("fine", "fine")] {
            assert_eq!(cell(Some(&json!(given))), want);
        }
        assert_eq!(cell(Some(&json!(-2))), "-2");
        assert_eq!(cell(Some(&json!({"a": 1}))), "{\"a\":1}");
        assert_eq!(shown(Some(&json!("a\u{1b}[31m"))), "a [31m");
    }
}
