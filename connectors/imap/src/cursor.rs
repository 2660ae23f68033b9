//! How far a folder has been read, and what follows from what the server says now. Pure.
//!
//! The messages from `low` to `high` are dealt with: each was handed out or proved gone. Reading goes downwards from
//! `low` (the past) and upwards from `high` (what is new), so that these two numbers always tell the whole truth.

use dealtrail_sdk::{Cursor, Fault, FaultKind};
use serde::{Deserialize, Serialize};

use crate::folder::Folder;

/// Messages of one batch.
pub const BATCH: usize = 300;
/// The same over a long way.
pub const FAR_BATCH: usize = 1000;

/// The cursor of one folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    pub uidvalidity: u32,
    /// Lowest UID dealt with; 1 when the past is read.
    pub low: u32,
    /// Highest UID dealt with; below `low` when there is none yet.
    pub high: u32,
    /// How many UIDs to look through at a time on the way down.
    pub span: u32,
    /// Messages handed out on the way down, for progress bars.
    #[serde(default)]
    pub seen: u32,
    /// Messages up to `high` that exist, where it is known.
    #[serde(default)]
    pub held: Option<u32>,
    /// What the server said last: when all three are the same, nothing happened.
    #[serde(default)]
    pub uidnext: Option<u32>,
    #[serde(default)]
    pub exists: Option<u32>,
    #[serde(default)]
    pub modseq: Option<u64>,
    /// Messages that the server counts and does not list, as it was last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden: Option<u32>,
    /// Day on which the folder was opened last, counted from 1970: what is told of a folder that stays closed is not believed
    /// for ever.
    #[serde(default)]
    pub day: i64,
}

impl Mark {
    /// Reads a cursor.
    ///
    /// # Errors
    /// [`FaultKind::CursorExpired`] when it is not one of ours.
    pub fn read(cursor: &Cursor) -> Result<Self, Fault> {
        serde_json::from_str(&cursor.0).map_err(|e| {
            Fault::from(FaultKind::CursorExpired, "the folder's place was lost: reading it from the start", e)
        })
    }

    pub fn cursor(&self) -> Cursor {
        Cursor(serde_json::to_string(self).expect("numbers can be written"))
    }

    /// The start of a folder, whose highest UID is `top`.
    pub fn start(uidvalidity: u32, top: u32, exists: u32) -> Self {
        let apart = top.checked_div(exists).unwrap_or(1).max(1);
        let span = u32::try_from(BATCH).unwrap_or(u32::MAX).saturating_mul(apart);
        let low = if exists == 0 { 1 } else { top.saturating_add(1) };
        Self {
            uidvalidity,
            low,
            high: top,
            span,
            seen: 0,
            held: None,
            uidnext: None,
            exists: None,
            modseq: None,
            hidden: None,
            day: 0,
        }
    }

    /// Whether nothing happened, by what the server tells of the closed folder; every day it is opened once.
    pub fn stands(&self, told: &Folder, today: i64) -> bool {
        self.day == today && self.next(told) == Step::Nothing
    }

    /// The new messages, if by what the server tells there is no doubt which they are: as many as it counts more than
    /// were there, and no number was left out.
    pub fn surely_new(&self, told: &Folder) -> Vec<u32> {
        let (Some(held), Some(next)) = (self.held, told.uid_next) else { return Vec::new() };
        let fresh = self.high.saturating_add(1)..next;
        let dense = self.done()
            && told.uid_validity == Some(self.uidvalidity)
            && usize::try_from(told.exists.saturating_sub(held)).ok() == Some(fresh.len());
        if dense && fresh.len() <= BATCH { fresh.collect() } else { Vec::new() }
    }

    /// The messages of the past that come next, newest first in time and ascending here, out of all that there are; and the lowest
    /// UID that is dealt with after them.
    pub fn next_of<'a>(&self, all: &'a [u32], batch: usize) -> (&'a [u32], u32) {
        let end = all.partition_point(|uid| *uid < self.low);
        let start = end.saturating_sub(batch);
        (&all[start..end], if start == 0 { 1 } else { all[start] })
    }

    /// True when the past is read.
    pub fn done(&self) -> bool {
        self.low <= 1
    }

    /// The next UIDs to look through on the way down.
    pub fn window(&self) -> (u32, u32) {
        let to = self.low.saturating_sub(1);
        (to.saturating_sub(self.span.saturating_sub(1)).max(1), to)
    }

    /// Adapts the span to how many messages a window held.
    pub fn adapt(&mut self, found: usize) {
        let span = u64::from(self.span);
        let fitting = match found {
            0 => span * 8,
            n if n < BATCH / 2 => span * 2,
            n if n > BATCH * 4 => (span * BATCH as u64 / n as u64).max(BATCH as u64),
            _ => span,
        };
        self.span = u32::try_from(fitting).unwrap_or(u32::MAX);
    }

    /// What to do next.
    pub fn next(&self, folder: &Folder) -> Step {
        let valid = folder.uid_validity.unwrap_or(0) == self.uidvalidity;
        let shrunk = matches!((folder.uid_next, self.uidnext), (Some(now), Some(then)) if now < then);
        if !valid || shrunk {
            return Step::StartOver;
        }
        let same =
            folder.uid_next == self.uidnext && Some(folder.exists) == self.exists && folder.modseq == self.modseq;
        // Without a count that agreed with the server's, what vanished is still to be found out.
        if self.done() && same && folder.uid_next.is_some() && self.held.is_some() {
            return Step::Nothing;
        }
        let grown = folder.uid_next.is_none_or(|next| next > self.high.saturating_add(1));
        // A server whose UIDNEXT lags behind still shows by EXISTS that there is something.
        if grown || (self.done() && self.held.is_some_and(|held| held < folder.exists)) {
            Step::New
        } else {
            self.settled()
        }
    }

    /// What to do when there is nothing new.
    pub fn settled(&self) -> Step {
        if self.done() { Step::Reconcile } else { Step::Down }
    }

    /// Notes what the server said, once all of it is dealt with.
    pub fn note(&mut self, folder: &Folder) {
        self.uidnext = folder.uid_next;
        self.exists = Some(folder.exists);
        self.modseq = folder.modseq;
    }
}

/// The newest messages of a folder that was never read, if the server counts as many as it has given out numbers.
pub fn surely_newest(told: &Folder, batch: usize) -> Vec<u32> {
    match told.uid_next {
        Some(next) if told.exists > 0 && next - 1 == told.exists => {
            let most = u32::try_from(batch).unwrap_or(u32::MAX);
            (next.saturating_sub(most).max(1)..next).collect()
        }
        _ => Vec::new(),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The numbers mean other messages than before.
    StartOver,
    Nothing,
    /// Look for messages above `high`.
    New,
    /// Read further into the past.
    Down,
    /// All is read: find out what vanished.
    Reconcile,
}

/// The key of a message: `UIDVALIDITY:UID`.
pub fn key(uidvalidity: u32, uid: u32) -> String {
    format!("{uidvalidity}:{uid}")
}

/// UIDVALIDITY and UID of a key; `None` when it is not one of ours.
pub fn parse_key(key: &str) -> Option<(u32, u32)> {
    let (validity, uid) = key.split_once(':')?;
    Some((validity.parse().ok()?, uid.parse().ok().filter(|uid| *uid > 0)?))
}

/// The UIDs that vanished and were known: at most `most`, else `None` (a list of everything is cheaper then).
pub fn vanished(ranges: &[(u32, u32)], high: u32, most: usize) -> Option<Vec<u32>> {
    let mut count = 0u64;
    for (from, to) in ranges.iter().filter(|(from, _)| *from <= high) {
        count += u64::from((*to).min(high) - from) + 1;
    }
    if count > most as u64 {
        return None;
    }
    let mut uids: Vec<u32> = ranges.iter().filter(|r| r.0 <= high).flat_map(|(a, b)| *a..=(*b).min(high)).collect();
    uids.sort_unstable();
    uids.dedup();
    Some(uids)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(uid_next: Option<u32>, exists: u32, modseq: Option<u64>) -> Folder {
        Folder { uid_validity: Some(7), uid_next, exists, modseq, ..Folder::default() }
    }

    fn mark() -> Mark {
        let mut mark = Mark::start(7, 100, 50);
        mark.low = 1;
        mark.held = Some(50);
        mark.note(&folder(Some(101), 50, Some(9)));
        mark
    }

    #[test]
    fn the_next_step() {
        for (name, seen, step) in [
            ("the same", folder(Some(101), 50, Some(9)), Step::Nothing),
            ("flags only", folder(Some(101), 50, Some(10)), Step::Reconcile),
            ("one came", folder(Some(102), 51, Some(10)), Step::New),
            ("one went", folder(Some(101), 49, Some(10)), Step::Reconcile),
            ("one came, one went", folder(Some(102), 50, Some(11)), Step::New),
            ("UIDNEXT lags", folder(Some(101), 51, Some(10)), Step::New),
            ("no UIDNEXT", folder(None, 50, None), Step::New),
            ("restored from a backup", folder(Some(90), 50, Some(9)), Step::StartOver),
            ("another folder", Folder { uid_validity: Some(8), ..folder(Some(101), 50, Some(9)) }, Step::StartOver),
            ("no UIDVALIDITY", Folder { uid_validity: None, ..folder(Some(101), 50, Some(9)) }, Step::StartOver),
        ] {
            assert_eq!(mark().next(&seen), step, "{name}");
        }
        let uncounted = Mark { held: None, ..mark() };
        assert_eq!(uncounted.next(&folder(Some(101), 50, Some(9))), Step::Reconcile);
        let half = Mark { low: 40, ..mark() };
        assert_eq!(half.next(&folder(Some(101), 50, Some(9))), Step::Down);
        assert_eq!(half.next(&folder(Some(105), 54, Some(9))), Step::New);
    }

    #[test]
    fn what_is_told_of_a_closed_folder() {
        let stood = Mark { day: 5, ..mark() };
        let same = folder(Some(101), 50, Some(9));
        assert!(stood.stands(&same, 5) && !stood.stands(&same, 6), "once a day it is opened");
        assert!(!stood.stands(&folder(Some(101), 50, None), 5) && !stood.stands(&folder(Some(101), 49, Some(9)), 5));
        let fresh = |next, exists| mark().surely_new(&folder(Some(next), exists, Some(10)));
        assert_eq!(fresh(103, 52), [101, 102]);
        assert!(fresh(103, 51).is_empty(), "one came, or one of two went");
        assert!(fresh(101, 50).is_empty() && fresh(100, 50).is_empty() && fresh(1101, 1050).is_empty());
        let other = Folder { uid_validity: Some(8), ..folder(Some(103), 52, None) };
        assert!(mark().surely_new(&other).is_empty());
        assert_eq!(surely_newest(&folder(Some(4), 3, None), BATCH), [1, 2, 3]);
        assert_eq!(surely_newest(&folder(Some(1001), 1000, None), BATCH), (701..=1000).collect::<Vec<u32>>());
        assert!(
            surely_newest(&folder(Some(5), 3, None), BATCH).is_empty()
                && surely_newest(&folder(Some(1), 0, None), BATCH).is_empty()
        );
    }

    #[test]
    fn the_past_out_of_a_list() {
        let all: Vec<u32> = (1..=700).map(|n| n * 10).collect();
        let mut mark = Mark::start(7, 7000, 700);
        let mut read = Vec::new();
        while !mark.done() {
            let (some, low) = mark.next_of(&all, BATCH);
            assert!(some.len() <= BATCH);
            read.splice(0..0, some.iter().copied());
            mark.low = low;
        }
        assert_eq!(read, all);
        assert_eq!(Mark::start(7, 50, 3).next_of(&[], BATCH), (&[][..], 1));
    }

    #[test]
    fn a_start_knows_how_far_apart_messages_are() {
        let start = Mark::start(7, 30_000, 100);
        assert_eq!((start.low, start.high, start.span), (30_001, 30_000, 90_000));
        assert_eq!(start.window(), (1, 30_000));
        assert!(Mark::start(7, 0, 0).done() && Mark::start(7, 500, 0).done());
        assert_eq!(Mark::start(7, u32::MAX, 1).window(), (1, u32::MAX - 1), "the largest number there is");
        let mut wide = Mark::start(7, 4_000_000_000, 1000);
        for _ in 0..40 {
            wide.adapt(0);
        }
        assert_eq!(wide.window().0, 1);
        wide.adapt(100_000);
        assert!(wide.span < u32::MAX / 100);
    }

    #[test]
    fn cursors_come_back_and_foreign_ones_are_refused() {
        assert_eq!(Mark::read(&mark().cursor()).expect("ours"), mark());
        let fault = Mark::read(&Cursor("x".into())).expect_err("foreign");
        assert_eq!(fault.kind, FaultKind::CursorExpired);
    }

    #[test]
    fn keys_come_back() {
        assert_eq!(parse_key(&key(3_857_529_045, 7)), Some((3_857_529_045, 7)));
        for wrong in ["", "7", "a:b", "1:2:3", "99999999999:1", "1:0"] {
            assert_eq!(parse_key(wrong), None);
        }
    }

    #[test]
    fn vanished_ranges_cannot_run_away() {
        assert_eq!(
            vanished(&[(3, 5), (4, 6), (90, 200)], 100, 20),
            Some(vec![3, 4, 5, 6].into_iter().chain(90..=100).collect())
        );
        assert_eq!(vanished(&[(1, u32::MAX)], u32::MAX, 1000), None);
        assert_eq!(vanished(&[(200, 300)], 100, 10), Some(vec![]));
    }
}
