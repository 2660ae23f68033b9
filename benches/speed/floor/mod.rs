//! The floors: small programs that fetch the same bytes as dealtrail must, know beforehand what to ask for, look at nothing
//! and keep nothing: the least that anybody could do on this machine, with this server. Each runs in a process of its own
//! (`measure::own`) and panics, so that the process ends in an error, when an answer is not the one that was planned.

pub mod dav;
pub mod imap;
pub mod plan;

use std::{sync::Mutex, thread};

/// Connections that a floor has open at the same time.
const AT_ONCE: usize = 4;

/// Does all jobs, a few at the same time.
fn side_by_side<J: Send>(jobs: Vec<J>, work: impl Fn(J) + Sync) {
    let waiting = Mutex::new(jobs.into_iter());
    let next = || waiting.lock().expect("nobody panics while it is held").next();
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(job) = next() {
                    work(job);
                }
            });
        }
    });
}
