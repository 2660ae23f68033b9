//! What one row of the activity report adds up, with what stands behind each number.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};

use super::super::{Column, Row, Value, WHOSE, Whose};

/// The column of minutes; behind it stand the mails and meetings that nobody had to type.
pub(super) const MINUTES: &str = "minutes_saved";

/// What one row adds up.
#[derive(Clone, Debug, Default)]
pub struct Sums<'a> {
    /// By column key.
    pub(super) counted: BTreeMap<&'static str, Counted<'a>>,
    /// Threads already counted as a conversation.
    pub(super) talked: HashSet<&'a str>,
    pub(super) quoted: BTreeMap<String, f64>,
    pub(super) minutes: u64,
}

/// A number, and what is counted in it by its time. Where several were counted together nobody asks which.
#[derive(Clone, Debug, Default)]
pub(super) struct Counted<'a> {
    pub(super) n: u64,
    ids: Vec<(DateTime<Utc>, &'a str)>,
}

impl<'a> Counted<'a> {
    pub(super) fn add(&mut self, at: DateTime<Utc>, id: &'a str) {
        self.n += 1;
        self.ids.push((at, id));
    }

    /// Oldest first.
    fn ids(&self) -> Vec<String> {
        if self.ids.len() as u64 != self.n {
            return Vec::new();
        }
        let mut ids = self.ids.clone();
        ids.sort_unstable();
        ids.into_iter().map(|(_, id)| id.to_owned()).collect()
    }
}

impl Sums<'_> {
    /// How many a column counts.
    pub fn count(&self, key: &str) -> u64 {
        self.counted.get(key).map_or(0, |counted| counted.n)
    }

    /// So many of each, for tests.
    #[cfg(test)]
    pub fn of(counts: &[(&'static str, usize)]) -> Self {
        let things = |n: usize| Counted { n: n as u64, ids: Vec::new() };
        Self { counted: counts.iter().map(|(key, n)| (*key, things(*n))).collect(), ..Self::default() }
    }

    /// What a column counts, oldest first; nothing where several were counted together.
    pub fn ids(&self, key: &str) -> Vec<String> {
        self.counted.get(key).map(Counted::ids).unwrap_or_default()
    }

    pub(super) fn row(&self, whose: &Whose, columns: &[Column]) -> Row {
        let count = |key: &str| self.count(key);
        let (captured, typed) = (count("captured"), count("typed"));
        let mut cells: Vec<Value> = whose.cells().into();
        cells.extend(columns.iter().skip(WHOSE.len()).map(|column| match column.key.as_str() {
            "quotes_value" => Value::Money(self.quoted.clone()),
            "share" if captured + typed == 0 => Value::None,
            "share" => Value::Share(captured as f64 / (captured + typed) as f64),
            MINUTES => Value::Count(self.minutes),
            key => Value::Count(count(key)),
        }));
        let mut evidence: BTreeMap<String, Vec<String>> =
            self.counted.iter().map(|(key, counted)| ((*key).to_owned(), counted.ids())).collect();
        for (key, of) in [("quotes_value", "quotes_sent"), ("share", "captured")] {
            evidence.insert(key.to_owned(), self.ids(of));
        }
        Row { cells, evidence }
    }
}
