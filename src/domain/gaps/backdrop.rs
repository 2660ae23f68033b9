//! What judging answers and typed entries needs beside the activities themselves: threads, who typed what, who is away. The
//! store fills it for a batch; what is not in it is simply not known.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Backdrop {
    /// The thread of each mail, by activity.
    pub threads: BTreeMap<String, String>,
    /// Who typed an entry, by activity; folded email. A captured activity stands here when it confirms a typed entry.
    pub typists: BTreeMap<String, Option<String>>,
    /// Until when contacts said they are away, by contact.
    pub away: BTreeMap<String, DateTime<Utc>>,
}

/// Of a case that was made without one.
pub static NOTHING: Backdrop = Backdrop { threads: BTreeMap::new(), typists: BTreeMap::new(), away: BTreeMap::new() };

impl Backdrop {
    pub fn same_thread(&self, a: &str, b: &str) -> bool {
        self.threads.get(a).is_some_and(|thread| self.threads.get(b) == Some(thread))
    }

    /// Is the (captured) activity also what a typed entry was about?
    pub fn confirms(&self, activity: &str) -> bool {
        self.typists.contains_key(activity)
    }
}
