//! What is being read, noted before it is read: a message that ends the program is found by reading less and less at a time,
//! named, and left aside, so that the rest goes on. Pure but for [`caught`].

use std::{
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    task::Poll,
};

use chrono::{DateTime, TimeDelta, Utc};
use dealtrail_sdk::{Fault, FaultKind};
use serde::{Deserialize, Serialize};

use crate::store::items::DEADLY;

/// Resources fetched and committed at a time.
const CHUNK: usize = 200;
/// Reading panicked so often with nothing but one resource in hand, the readings of more included: then it is that one.
const PANICS: u32 = 3;
/// The same of ends of the whole program, which may have come from outside: somebody kills it, or the machine stops.
pub const SURE: u32 = 5;
/// Batches whose resources nobody could name end the program at most so often in a row; then the stream waits a day.
const PULLS: u32 = 5;
/// What is said of the one.
pub const WHY: &str = "reading it ended the program; it was left aside, please report it";

/// A reading that is under way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// How often the program ended before while these were read.
    pub deaths: u32,
    /// None: the next batch, whatever it holds.
    pub names: Vec<String>,
    /// Seconds since 1970.
    pub at: i64,
    /// The process that read; when it still lives, what ended the reading was a panic.
    #[serde(default)]
    pub by: String,
}

impl Attempt {
    pub fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The one that is to blame, as the process `me` sees it.
    pub fn guilty(&self, me: &str) -> Option<&str> {
        let sure = if self.by == me { PANICS } else { SURE };
        match self.names.as_slice() {
            [one] if self.deaths >= sure => Some(one),
            _ => None,
        }
    }

    /// How often batches without names have ended the program by now.
    pub fn pulls(&self) -> u32 {
        if self.names.is_empty() { self.deaths + 1 } else { 0 }
    }

    /// Nobody can say which resource it is: the stream is read again when a day has passed.
    pub fn given_up(&self, stream: &str, now: DateTime<Utc>) -> Option<Fault> {
        let rests = now.timestamp() - self.at < TimeDelta::days(1).num_seconds();
        (self.pulls() >= PULLS && rests).then(|| {
            let what = format!(
                "reading {stream} ended the program {PULLS} times; it is left alone for a day and then tried again: please report it"
            );
            Fault::new(FaultKind::Malformed, what)
        })
    }
}

/// How many to read at a time after so many ends.
pub fn portion(deaths: u32) -> usize {
    match deaths {
        0 => CHUNK,
        1 => 15,
        _ => 1,
    }
}

/// When one that ended the program is tried again: in a day, in a week, then only by a full pass.
pub fn retry_after(attempts: i64) -> Option<TimeDelta> {
    match attempts - DEADLY {
        ..=0 => Some(TimeDelta::days(1)),
        1 => Some(TimeDelta::days(7)),
        _ => None,
    }
}

/// The work panicked. What it said is not looked at: it may hold content.
#[derive(Debug)]
pub struct Panicked;

/// Lets a panic end this work only.
pub async fn caught<F: Future>(work: F) -> Result<F::Output, Panicked> {
    let mut work = Box::pin(work);
    poll_fn(move |cx| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))) {
        Ok(Poll::Ready(done)) => Poll::Ready(Ok(done)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(_) => Poll::Ready(Err(Panicked)),
    })
    .await
}

/// A connector's own thread panicked, and the connector could only say that it was cut off.
pub fn panicked(fault: &Fault) -> bool {
    let cause = fault.source.as_ref().and_then(|e| e.downcast_ref::<tokio::task::JoinError>());
    cause.is_some_and(tokio::task::JoinError::is_panic)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads `names` as the engine does, with some that end the program; returns who was blamed and how often it ended. By
    /// panics that `me` survives, or by ends of the process: then somebody else reads on.
    fn read(names: &[String], deadly: &[&str], me: &str) -> (Vec<String>, u32) {
        let (mut blamed, mut ends) = (Vec::new(), 0);
        let mut left: Option<Attempt> = None;
        'start: loop {
            let care = left.take();
            let mut plan: Vec<(u32, Vec<String>)> = Vec::new();
            if let Some(care) = &care {
                match care.guilty(me) {
                    Some(one) => blamed.push(one.to_owned()),
                    None => {
                        plan.extend(care.names.chunks(portion(care.deaths + 1)).map(|c| (care.deaths + 1, c.to_vec())))
                    }
                }
            }
            let rest: Vec<String> = names.iter().filter(|n| !blamed.contains(n)).cloned().collect();
            plan.extend(rest.chunks(portion(0)).map(|c| (0, c.to_vec())));
            for (deaths, names) in plan {
                if names.iter().any(|n| deadly.contains(&n.as_str()) && !blamed.contains(n)) {
                    ends += 1;
                    left = Attempt::read(&Attempt { deaths, names, at: 0, by: "one".to_owned() }.text());
                    continue 'start;
                }
            }
            return (blamed, ends);
        }
    }

    #[test]
    fn the_one_is_found_after_a_few_ends() {
        let names: Vec<String> = (0..500).map(|n| format!("m{n}")).collect();
        assert_eq!(read(&names, &[], "one"), (vec![], 0));
        assert_eq!(read(&names, &["m250"], "one"), (vec!["m250".to_owned()], 4));
        assert_eq!(read(&names, &["m250"], "another"), (vec!["m250".to_owned()], 6));
        assert_eq!(read(&names[..1], &["m0"], "another"), (vec!["m0".to_owned()], 6));
        let (mut blamed, ends) = read(&names, &["m3", "m4", "m499"], "one");
        blamed.sort();
        assert_eq!((blamed, ends), (vec!["m3".to_owned(), "m4".to_owned(), "m499".to_owned()], 12));
    }

    #[test]
    fn a_batch_without_names_rests_for_a_day() {
        let now = DateTime::UNIX_EPOCH;
        let at = |deaths, names: &[&str]| Attempt {
            deaths,
            names: names.iter().map(|n| (*n).to_owned()).collect(),
            at: 0,
            by: String::new(),
        };
        assert!(at(3, &[]).given_up("INBOX", now).is_none());
        assert!(at(4, &[]).given_up("INBOX", now).is_some_and(|f| f.what.contains("INBOX")));
        assert!(at(4, &[]).given_up("INBOX", now + TimeDelta::days(1)).is_none());
        assert!(at(9, &["x"]).given_up("INBOX", now).is_none());
    }
}
