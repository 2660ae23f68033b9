//! What makes a thread a conversation: a message that answers the other side's of the last 30 days. Stated here once; the activity
//! report counts threads by it, the funnel the deals that were talked about. Pure; who may be counted (no machine's mail) is
//! the caller's business, and a call counts as one anyway.

use std::{collections::HashMap, hash::Hash};

use chrono::{DateTime, TimeDelta, Utc};

use super::activity::Direction;

/// How old the other side's message may be.
pub const RECENT: TimeDelta = TimeDelta::days(30);

/// The last two moments at which a side wrote.
#[derive(Clone, Copy, Debug, Default)]
struct Wrote {
    last: Option<DateTime<Utc>>,
    before: Option<DateTime<Utc>>,
}

/// Who wrote when, by thread. Is told of messages oldest first.
#[derive(Debug)]
pub struct Threads<K> {
    sides: HashMap<K, [Wrote; 2]>,
}

impl<K> Default for Threads<K> {
    fn default() -> Self {
        Self { sides: HashMap::new() }
    }
}

impl<K: Eq + Hash> Threads<K> {
    /// Takes a message down. Does it answer one that the other side wrote before it, at most 30 days ago?
    pub fn answers(&mut self, thread: K, direction: Direction, at: DateTime<Utc>) -> bool {
        let [theirs, ours] = self.sides.entry(thread).or_default();
        let (own, other) = if direction == Direction::Inbound { (theirs, ours) } else { (ours, theirs) };
        if own.last.is_none_or(|last| last < at) {
            *own = Wrote { last: Some(at), before: own.last };
        }
        // of one moment neither answers the other
        let then = other.last.filter(|last| *last < at).or(other.before);
        then.is_some_and(|then| at - then <= RECENT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_answers() {
        // the day, and `>` ours, `<` theirs
        type Rows<'r> = &'r [(&'r str, &'r str, char)];
        let cases: &[(&str, Rows<'_>, &[usize])] = &[
            ("nobody", &[("x", "11-02", '>')], &[]),
            ("they", &[("x", "11-02", '>'), ("x", "11-03", '<')], &[1]),
            ("we", &[("x", "11-02", '<'), ("x", "11-03", '>')], &[1]),
            ("to and fro", &[("x", "11-02", '<'), ("x", "11-03", '>'), ("x", "11-04", '<')], &[1, 2]),
            ("twice in a row", &[("x", "11-02", '<'), ("x", "11-03", '>'), ("x", "11-12", '>')], &[1, 2]),
            ("on the thirtieth day", &[("x", "10-01", '<'), ("x", "10-31", '>')], &[1]),
            ("too late", &[("x", "10-01", '<'), ("x", "11-01", '>')], &[]),
            ("another thread", &[("x", "11-02", '<'), ("y", "11-03", '>')], &[]),
            ("in one moment", &[("x", "11-02", '<'), ("x", "11-02", '>')], &[]),
            ("in one moment, and before", &[("x", "11-01", '<'), ("x", "11-02", '<'), ("x", "11-02", '>')], &[2]),
        ];
        for (name, rows, want) in cases {
            let mut threads = Threads::default();
            let answer = |(n, (thread, day, way)): (usize, &(&'static str, &str, char))| {
                let at = format!("2026-{day}T12:00:00Z").parse().expect("a time");
                let direction = if *way == '>' { Direction::Outbound } else { Direction::Inbound };
                threads.answers(*thread, direction, at).then_some(n)
            };
            let found: Vec<usize> = rows.iter().enumerate().filter_map(answer).collect();
            assert_eq!(&found, want, "{name}");
        }
    }
}
