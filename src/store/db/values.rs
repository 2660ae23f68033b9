//! What is bound to placeholders, and rows as both engines give them.

use std::{borrow::Cow, ops::Range};

use rusqlite::types::ValueRef;
use sqlx::{Row as _, postgres::PgRow};

use crate::store::StoreError;

/// One value bound to a placeholder.
#[derive(Clone, Debug)]
pub enum Arg<'a> {
    Text(Option<Cow<'a, str>>),
    Int(Option<i64>),
    /// Many texts at once, as PostgreSQL takes them; SQLite gets a JSON array for a text.
    Texts(&'a [String]),
}

impl<'a> From<&'a str> for Arg<'a> {
    fn from(v: &'a str) -> Self {
        Self::Text(Some(Cow::Borrowed(v)))
    }
}
impl From<String> for Arg<'_> {
    fn from(v: String) -> Self {
        Self::Text(Some(Cow::Owned(v)))
    }
}
impl<'a> From<&'a String> for Arg<'a> {
    fn from(v: &'a String) -> Self {
        Self::from(v.as_str())
    }
}
impl From<Option<String>> for Arg<'_> {
    fn from(v: Option<String>) -> Self {
        Self::Text(v.map(Cow::Owned))
    }
}
impl<'a> From<Option<&'a str>> for Arg<'a> {
    fn from(v: Option<&'a str>) -> Self {
        Self::Text(v.map(Cow::Borrowed))
    }
}
impl From<i64> for Arg<'_> {
    fn from(v: i64) -> Self {
        Self::Int(Some(v))
    }
}
impl From<Option<i64>> for Arg<'_> {
    fn from(v: Option<i64>) -> Self {
        Self::Int(v)
    }
}
impl From<bool> for Arg<'_> {
    fn from(v: bool) -> Self {
        Self::Int(Some(i64::from(v)))
    }
}

/// A list as SQLite takes it.
pub fn json(texts: &[String]) -> String {
    serde_json::to_string(texts).expect("texts are JSON")
}

/// Collects arguments of different types: `args![id, at, name]`.
#[macro_export]
macro_rules! args {
    ($($value:expr),* $(,)?) => { vec![$($crate::store::db::Arg::from($value)),*] };
}

/// A row of either engine; columns by position.
#[derive(Debug)]
pub enum Row {
    Lite(Cells),
    Pg(PgRow),
}

/// The schema fixes the columns' types: another type is a mistake in the program.
const TYPED: &str = "column types are fixed by the schema";

impl Row {
    pub fn opt_text(&self, i: usize) -> Option<String> {
        self.opt_str(i).map(str::to_owned)
    }
    pub fn text(&self, i: usize) -> String {
        self.opt_text(i).unwrap_or_default()
    }
    /// A text that is only looked at.
    pub fn str(&self, i: usize) -> &str {
        self.opt_str(i).unwrap_or_default()
    }
    fn opt_str(&self, i: usize) -> Option<&str> {
        match self {
            Self::Lite(cells) => cells.text(i).expect(TYPED),
            Self::Pg(r) => r.try_get(i).expect(TYPED),
        }
    }
    pub fn opt_int(&self, i: usize) -> Option<i64> {
        match self {
            Self::Lite(cells) => cells.number(i).expect(TYPED),
            Self::Pg(r) => r.try_get(i).expect(TYPED),
        }
    }
    pub fn int(&self, i: usize) -> i64 {
        self.opt_int(i).unwrap_or_default()
    }
    pub fn flag(&self, i: usize) -> bool {
        self.int(i) != 0
    }
}

/// What SQLite gave for a row, its texts one behind the other: the next row can be taken in where this one stood.
#[derive(Debug, Default)]
pub struct Cells {
    texts: String,
    cells: Vec<Cell>,
}

#[derive(Debug)]
enum Cell {
    Nothing,
    Number(i64),
    /// Where it stands in `texts`.
    Text(Range<usize>),
}

impl Cells {
    /// Takes in a row of so many columns.
    pub fn take_in(&mut self, row: &rusqlite::Row<'_>, width: usize) -> Result<(), StoreError> {
        self.texts.clear();
        self.cells.clear();
        for i in 0..width {
            let cell = match row.get_ref(i)? {
                ValueRef::Null => Cell::Nothing,
                ValueRef::Integer(number) => Cell::Number(number),
                ValueRef::Text(bytes) => {
                    let text = str::from_utf8(bytes).map_err(|e| StoreError::Broken(format!("column {i}: {e}")))?;
                    let from = self.texts.len();
                    self.texts.push_str(text);
                    Cell::Text(from..self.texts.len())
                }
                other => return Err(StoreError::Broken(format!("column {i} holds a {}", other.data_type()))),
            };
            self.cells.push(cell);
        }
        Ok(())
    }

    fn text(&self, i: usize) -> Result<Option<&str>, &Cell> {
        match &self.cells[i] {
            Cell::Nothing => Ok(None),
            Cell::Text(place) => Ok(Some(&self.texts[place.clone()])),
            other => Err(other),
        }
    }

    fn number(&self, i: usize) -> Result<Option<i64>, &Cell> {
        match &self.cells[i] {
            Cell::Nothing => Ok(None),
            Cell::Number(number) => Ok(Some(*number)),
            other => Err(other),
        }
    }
}
