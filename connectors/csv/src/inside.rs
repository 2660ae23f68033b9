//! What tests outside of this crate throw hostile bytes at. No part of the contract: it may change at any time, and
//! nothing that is shipped uses it.

use crate::{
    sheet::Sheet,
    split::Splitter,
    table::{self, Found, Table},
};

/// The files of an export.
pub const FILES: [&str; 9] = [
    "companies.csv",
    "contacts.csv",
    "stages.csv",
    "deals.csv",
    "stage_changes.csv",
    "deal_changes.csv",
    "activities.csv",
    "tasks.csv",
    "quotes.csv",
];

/// One row of a file that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub resource: String,
    pub version: String,
    /// It became a record; else there is a reason.
    pub good: bool,
    /// Asking for it by its name and version gives it.
    pub found: bool,
}

/// Reads a file of that name.
///
/// # Errors
/// Why the file as a whole cannot be read.
pub fn rows(file: &str, bytes: &[u8]) -> Result<Vec<Row>, String> {
    let sheet = Sheet::by_file(file).ok_or_else(|| "no such file".to_owned())?;
    let table = Table::read(sheet, bytes, chrono_tz::Tz::Europe__Berlin)?;
    let row = |line: &table::Line| {
        let (found, version) = table.find(&line.resource);
        Row {
            resource: line.resource.clone(),
            version: line.version.clone(),
            good: matches!(found, Found::Record(_)),
            found: !matches!(found, Found::Gone) && version == Some(line.version.as_str()),
        }
    };
    Ok(table.rows.iter().map(row).collect())
}

/// One record of a file before anything is known of its columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    pub line: usize,
    /// Where its bytes stand, without the line end; of a broken one the first line only.
    pub start: usize,
    pub end: usize,
    pub cells: usize,
    /// Bytes of all its cells.
    pub bytes: usize,
    pub broken: bool,
    /// It holds nothing, and is no row.
    pub blank: bool,
}

/// Cuts a file; `width` is the number of columns, where it is known.
pub fn records(bytes: &[u8], width: Option<usize>) -> impl Iterator<Item = Record> {
    let mut splitter = Splitter::new(bytes);
    // the header is cut before its width is known
    let header = splitter.next();
    if let Some(width) = width {
        splitter.expect_width(width);
    }
    header.into_iter().chain(splitter).map(|split| {
        let start = split.raw.as_ptr().addr() - bytes.as_ptr().addr();
        Record {
            line: split.line,
            start,
            end: start + split.raw.len(),
            cells: split.cells.len(),
            bytes: split.cells.iter().map(Vec::len).sum(),
            broken: split.broken.is_some(),
            blank: table::is_blank(&split),
        }
    })
}
