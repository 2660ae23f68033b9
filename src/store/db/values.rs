//! What is bound to placeholders, and rows as both engines give them.

use rusqlite::types::Value;
use sqlx::{Row as _, postgres::PgRow};

use super::lite::Values;

/// One value bound to a placeholder.
#[derive(Clone, Debug)]
pub enum Arg {
    Text(Option<String>),
    Int(Option<i64>),
    /// Many texts at once, as PostgreSQL takes them; SQLite gets a JSON array for a text.
    Texts(Vec<String>),
}

impl From<&str> for Arg {
    fn from(v: &str) -> Self {
        Self::Text(Some(v.to_owned()))
    }
}
impl From<String> for Arg {
    fn from(v: String) -> Self {
        Self::Text(Some(v))
    }
}
impl From<&String> for Arg {
    fn from(v: &String) -> Self {
        Self::Text(Some(v.clone()))
    }
}
impl From<Option<String>> for Arg {
    fn from(v: Option<String>) -> Self {
        Self::Text(v)
    }
}
impl From<Option<&str>> for Arg {
    fn from(v: Option<&str>) -> Self {
        Self::Text(v.map(str::to_owned))
    }
}
impl From<i64> for Arg {
    fn from(v: i64) -> Self {
        Self::Int(Some(v))
    }
}
impl From<Option<i64>> for Arg {
    fn from(v: Option<i64>) -> Self {
        Self::Int(v)
    }
}
impl From<bool> for Arg {
    fn from(v: bool) -> Self {
        Self::Int(Some(i64::from(v)))
    }
}

/// Collects arguments of different types: `args![id, at, name]`.
#[macro_export]
macro_rules! args {
    ($($value:expr),* $(,)?) => { vec![$($crate::store::db::Arg::from($value)),*] };
}

/// A row of either engine; columns by position.
#[derive(Debug)]
pub enum Row {
    Lite(Values),
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
            Self::Lite(values) => match &values[i] {
                Value::Null => None,
                Value::Text(text) => Some(text),
                other => panic!("{TYPED}: column {i} is {}", other.data_type()),
            },
            Self::Pg(r) => r.try_get(i).expect(TYPED),
        }
    }
    pub fn opt_int(&self, i: usize) -> Option<i64> {
        match self {
            Self::Lite(values) => match &values[i] {
                Value::Null => None,
                Value::Integer(number) => Some(*number),
                other => panic!("{TYPED}: column {i} is {}", other.data_type()),
            },
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
