//! What a pass reports while it runs, for progress bars and tests.

use std::fmt;

/// Told about every committed batch.
pub trait Watcher: Send + Sync {
    fn batch(&self, _step: &Step<'_>) {}
    fn stream_done(&self, _connection: &str, _stream: &str) {}
    fn failed(&self, _connection: &str, _stream: Option<&str>, _why: &str) {}
    /// A part of the pass that is no stream: "matching", "judging deals".
    fn phase(&self, _name: &str) {}
}

/// One committed batch.
#[derive(Debug)]
pub struct Step<'a> {
    pub connection: &'a str,
    pub stream: &'a str,
    pub items: u64,
    pub left: Option<u64>,
}

/// Tells nobody.
#[derive(Debug)]
pub struct Quiet;
impl Watcher for Quiet {}

/// How many items came to which decision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    pub captured: u64,
    pub waiting: u64,
    pub skipped: u64,
    pub unreadable: u64,
}

impl std::ops::AddAssign for Outcomes {
    fn add_assign(&mut self, other: Self) {
        self.captured += other.captured;
        self.waiting += other.waiting;
        self.skipped += other.skipped;
        self.unreadable += other.unreadable;
    }
}

/// What a pass did.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub items: u64,
    pub outcomes: Outcomes,
    /// (connection, stream, sentence)
    pub failures: Vec<(String, Option<String>, String)>,
    /// (connection, stream) that another process was reading.
    pub left: Vec<(String, String)>,
    /// Somebody asked to stop before it was complete.
    pub stopped: bool,
}

impl Tally {
    pub fn add(&mut self, other: Self) {
        self.items += other.items;
        self.outcomes += other.outcomes;
        self.failures.extend(other.failures);
        self.left.extend(other.left);
        self.stopped |= other.stopped;
    }
}

impl fmt::Debug for dyn Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watcher")
    }
}
