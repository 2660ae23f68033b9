//! The bytes of one file -> its rows, each with its resource, its version, and its cells or the reason why it cannot
//! be read. Pure. One bad row never hides another; a file whose header is wrong is refused whole.

use std::collections::{HashMap, HashSet};

use chrono_tz::Tz;
use dealtrail_sdk::{alone, record::Record};

use crate::{
    sheet::{Row, Sheet, resource},
    split::{Split, Splitter},
};

/// Part of every version: raise it when rows are read differently, and all of them are read again.
const READING: &str = "csv 1";

/// Rows of a file, and how many of them may be broken before the file is no export at all.
const ROWS: usize = 3_000_000;
const BAD_ROWS: usize = 100_000;

/// A file that was read.
pub struct Table {
    sheet: Sheet,
    zone: Tz,
    /// In the order of the file.
    pub rows: Vec<Line>,
    by_resource: HashMap<String, usize>,
}

/// One row.
pub struct Line {
    pub resource: String,
    pub version: String,
    /// The cells in the order of the sheet's columns, or the reason in words.
    cells: Result<Vec<String>, String>,
}

/// What stands in the place of a resource.
pub enum Found {
    Record(Record),
    Bad(String),
    Gone,
}

impl Table {
    /// Reads a file. The error is a sentence that names the file, the column and what to do.
    pub fn read(sheet: Sheet, bytes: &[u8], zone: Tz) -> Result<Self, String> {
        let file = sheet.file();
        let wide = bytes.iter().take(2).any(|b| *b == 0) && bytes.len() > 1;
        if wide || bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
            return Err(format!("cannot read {file}: it is UTF-16; save it as CSV UTF-8"));
        }
        if let Some(kind) = dealtrail_sdk::files::packed(bytes) {
            return Err(format!("cannot read {file}: it is {kind}; save it as CSV UTF-8"));
        }
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut splitter = Splitter::new(bytes);
        let header = splitter.next().ok_or_else(|| {
            format!("cannot read {file}: it is empty; write a header line with the columns {}", needed_columns(sheet))
        })?;
        let places = places(sheet, &header)?;
        splitter.expect_width(header.cells.len());
        let mut drafts: Vec<Draft<'_>> = Vec::new();
        let mut bad = 0;
        for draft in splitter.filter_map(|split| Draft::read(sheet, zone, &places, split)) {
            bad += usize::from(draft.name.is_err());
            if bad > BAD_ROWS {
                return Err(format!(
                    "cannot read {file}: more than 100,000 of its rows are broken; look how it was exported"
                ));
            }
            if drafts.len() >= ROWS {
                return Err(format!("cannot read {file}: it holds more than 3,000,000 rows; export less"));
            }
            drafts.push(draft);
        }
        let mut table = Self { sheet, zone, rows: Vec::new(), by_resource: HashMap::new() };
        table.name_rows(drafts);
        Ok(table)
    }

    /// Gives every row its resource. Good rows take their ids first; a bad row takes its id only when no good row has
    /// it, so that what was last read under that id stays in force.
    fn name_rows(&mut self, drafts: Vec<Draft<'_>>) {
        let mut first_line: HashMap<&str, usize> = HashMap::new();
        let mut copies: HashMap<&str, usize> = HashMap::new();
        let mut named: Vec<Option<String>> = Vec::with_capacity(drafts.len());
        let mut twice: HashMap<usize, usize> = HashMap::new();
        for (at, draft) in drafts.iter().enumerate() {
            let Ok(name) = &draft.name else {
                named.push(None);
                continue;
            };
            if self.sheet.has_id() {
                match first_line.get(name.as_str()) {
                    None => {
                        first_line.insert(name, draft.line);
                        named.push(Some(name.clone()));
                    }
                    Some(&line) => {
                        twice.insert(at, line);
                        named.push(None);
                    }
                }
            } else {
                let n = copies.entry(name).or_insert(0);
                *n += 1;
                named.push(Some(if *n == 1 { name.clone() } else { format!("{name}~{n}") }));
            }
        }
        let mut taken: HashSet<String> = named.iter().flatten().cloned().collect();
        for (at, draft) in drafts.into_iter().enumerate() {
            let reason = match (&draft.name, twice.get(&at)) {
                (Err(why), _) => Some(why.clone()),
                (Ok(_), Some(line)) => Some(format!("its `id` stands already in line {line}; the row there was taken")),
                (Ok(_), None) => None,
            };
            let resource = named[at].take().unwrap_or_else(|| {
                let own = draft.id.clone().filter(|id| !twice.contains_key(&at) && !taken.contains(id));
                let mut name = own.unwrap_or_else(|| format!("line:{}", draft.line));
                while !taken.insert(name.clone()) {
                    name.push('~');
                }
                name
            });
            let version = draft.version(self.zone, reason.as_deref());
            let cells = match reason {
                None => Ok(draft.cells),
                Some(why) => Err(format!("{} line {}: {why}", self.sheet.file(), draft.line)),
            };
            self.by_resource.insert(resource.clone(), self.rows.len());
            self.rows.push(Line { resource, version, cells });
        }
    }

    /// What the file holds under this name, and its version.
    pub fn find(&self, resource: &str) -> (Found, Option<&str>) {
        let Some(row) = self.by_resource.get(resource).map(|&at| &self.rows[at]) else { return (Found::Gone, None) };
        let found = match &row.cells {
            Err(why) => Found::Bad(why.clone()),
            Ok(cells) => {
                match alone::or_refused(&[], || self.sheet.read(&Row { sheet: self.sheet, cells, zone: self.zone })) {
                    Ok(record) => Found::Record(record),
                    Err(why) => Found::Bad(format!("{}: {why}", self.sheet.file())),
                }
            }
        };
        (found, Some(&row.version))
    }
}

/// A row before it has its resource.
struct Draft<'a> {
    line: usize,
    raw: &'a [u8],
    /// In the order of the sheet's columns.
    cells: Vec<String>,
    /// The id cell, when it could be read.
    id: Option<String>,
    /// Name of the record, or why there is none.
    name: Result<String, String>,
}

impl<'a> Draft<'a> {
    /// `None` for a row of empty cells, which spreadsheets leave behind.
    fn read(sheet: Sheet, zone: Tz, places: &[Option<usize>], split: Split<'a>) -> Option<Self> {
        if is_blank(&split) {
            return None;
        }
        let mut wrong = split.broken.map(str::to_owned);
        let mut cells = Vec::with_capacity(places.len());
        for (at, place) in places.iter().enumerate() {
            let bytes = place.and_then(|p| split.cells.get(p)).map_or(&[][..], Vec::as_slice);
            match std::str::from_utf8(bytes) {
                Ok(text) if !text.contains('\0') => cells.push(text.to_owned()),
                Ok(_) => {
                    let column = sheet.columns()[at].trim_end_matches('*');
                    wrong.get_or_insert_with(|| format!("`{column}` holds NUL bytes; export the file again"));
                    cells.push(String::new());
                }
                Err(_) => {
                    let column = sheet.columns()[at].trim_end_matches('*');
                    wrong.get_or_insert_with(|| format!("`{column}` is not UTF-8; export the file as UTF-8"));
                    cells.push(String::new());
                }
            }
        }
        // A cell of an unknown column does no harm, whatever its bytes.
        let id = sheet.has_id().then(|| cells[0].trim().to_owned()).filter(|id| !id.is_empty());
        let name = match wrong {
            Some(why) => Err(why),
            None => {
                let read = || sheet.read(&Row { sheet, cells: &cells, zone }).map(|record| resource(&record));
                alone::or_refused(split.raw, read)
            }
        };
        Some(Self { line: split.line, raw: split.raw, cells, id, name })
    }

    /// Changes when what is made of the row changes: not with the order of columns, not with unknown columns.
    fn version(&self, zone: Tz, reason: Option<&str>) -> String {
        let mut hash = blake3::Hasher::new();
        let mut add = |text: &[u8]| {
            hash.update(&(text.len() as u64).to_le_bytes());
            hash.update(text);
        };
        add(READING.as_bytes());
        add(zone.name().as_bytes());
        match reason {
            Some(why) => {
                add(why.as_bytes());
                add(self.raw);
            }
            None => self.cells.iter().for_each(|c| add(c.trim().as_bytes())),
        }
        hash.finalize().to_hex()[..16].to_owned()
    }
}

/// True for a row of empty cells, and for the hole that a crash left in a file.
pub fn is_blank(split: &Split<'_>) -> bool {
    let blank = |cell: &Vec<u8>| cell.iter().all(|b| b.is_ascii_whitespace() || *b == 0);
    split.cells.iter().all(blank) && split.raw.iter().all(|b| b.is_ascii_whitespace() || b",;\"\0".contains(b))
}

/// Where each column of the sheet stands in the file.
fn places(sheet: Sheet, header: &Split<'_>) -> Result<Vec<Option<usize>>, String> {
    let file = sheet.file();
    if let Some(why) = header.broken {
        return Err(format!("cannot read {file}: in the header line {why}; mend the header"));
    }
    let titles: Vec<String> = header.cells.iter().map(|c| String::from_utf8_lossy(c).trim().to_lowercase()).collect();
    let mut missing = Vec::new();
    let mut places = Vec::new();
    for column in sheet.columns() {
        let name = column.trim_end_matches('*');
        let mut found = titles.iter().enumerate().filter(|(_, t)| *t == name).map(|(at, _)| at);
        let place = found.next();
        if found.next().is_some() {
            return Err(format!("cannot read {file}: the header has the column `{name}` twice; keep one of them"));
        }
        if place.is_none() && column.ends_with('*') {
            missing.push(format!("`{name}`"));
        }
        places.push(place);
    }
    match missing.as_slice() {
        [] => Ok(places),
        [one] => Err(format!(
            "cannot read {file}: the header line has no column {one}; add it or rename the one that holds it"
        )),
        many => Err(format!(
            "cannot read {file}: the header line has no columns {}; add them or rename the ones that hold them",
            many.join(", ")
        )),
    }
}

fn needed_columns(sheet: Sheet) -> String {
    let needed: Vec<&str> = sheet.columns().iter().filter_map(|c| c.strip_suffix('*')).collect();
    needed.join(", ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever the bytes are: every row has a name of its own and can be asked for by it, and the same bytes give
        /// the same names and versions.
        #[test]
        fn any_file_gives_rows_that_can_be_found(
            rows in prop::collection::vec("(A|B|line:3|)[,;](x|\"x|\"x\"|)[,;]?(2026-01-01|2026-01-0|)[,]?(x|\u{e9})?", 0..12),
            sheet in prop::sample::select(vec![Sheet::StageChanges, Sheet::Companies]),
            cut in any::<prop::sample::Index>(),
        ) {
            let header = if sheet == Sheet::Companies { "id,name,x" } else { "deal_id,to_stage_id,changed_at" };
            let text = format!("{header}\n{}", rows.join("\n"));
            // Cut anywhere behind the header, also inside a character.
            let end = header.len() + 1 + cut.index(text.len() - header.len());
            let bytes = &text.as_bytes()[..end.min(text.len())];
            let table = Table::read(sheet, bytes, Tz::UTC).unwrap();
            let names: HashSet<&str> = table.rows.iter().map(|r| r.resource.as_str()).collect();
            prop_assert_eq!(names.len(), table.rows.len());
            for row in &table.rows {
                let (found, version) = table.find(&row.resource);
                prop_assert!(!matches!(found, Found::Gone));
                prop_assert_eq!(version, Some(row.version.as_str()));
            }
            let again = Table::read(sheet, bytes, Tz::UTC).unwrap();
            let same = again.rows.iter().zip(&table.rows).all(|(a, b)| a.resource == b.resource && a.version == b.version);
            prop_assert!(same && again.rows.len() == table.rows.len());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            for sheet in Sheet::ALL {
                let _ = Table::read(sheet, &bytes, Tz::UTC);
            }
        }
    }
}
