//! How each engine writes placeholders and lists.

use super::{Arg, values::json};

/// Rows written by one statement: more make it no quicker, and what it keeps prepared grows with them.
const MOST_ROWS: usize = 128;
/// Placeholders a statement may have: PostgreSQL takes 65,535.
const MOST_PLACEHOLDERS: usize = 30_000;

/// How many rows of so many columns the next statement writes: a power of two, so that few statements are made and each is
/// prepared once.
pub fn portion(left: usize, width: usize) -> usize {
    let most = left.min(MOST_PLACEHOLDERS / width.max(1)).clamp(1, MOST_ROWS);
    1 << most.ilog2()
}

/// How an engine writes placeholders.
#[derive(Clone, Copy, Debug)]
pub enum Dialect {
    Lite,
    Pg,
}

impl Dialect {
    /// The statement for this list, the same for every length: it is prepared once, and small. `None` for an empty one, which
    /// nothing is among.
    pub fn listed<'v>(self, sql: &str, values: &'v [String]) -> Option<(String, Vec<Arg<'v>>)> {
        debug_assert!(sql.contains("in ({in})"), "a list stands behind `in`");
        let (among, list) = match self {
            _ if values.is_empty() => return None,
            Self::Lite => ("in (select value from json_each(?1))", Arg::from(json(values))),
            Self::Pg => ("= any($1)", Arg::Texts(values)),
        };
        Some((sql.replace("in ({in})", among), vec![list]))
    }

    /// A statement that writes so many rows at once.
    pub fn insert(self, head: &str, tail: &str, width: usize, rows: usize) -> String {
        let mut sql = format!("{head} values ");
        for i in 0..rows {
            sql.push_str(if i == 0 { "(" } else { ", (" });
            for place in 1..=width {
                if place > 1 {
                    sql.push(',');
                }
                match self {
                    Self::Lite => sql.push('?'),
                    Self::Pg => {
                        sql.push('$');
                        sql.push_str(&(i * width + place).to_string());
                    }
                }
            }
            sql.push(')');
        }
        sql.push(' ');
        sql.push_str(tail);
        sql
    }
}
