//! The floors: small programs that fetch the same bytes as dealtrail must, know beforehand what to ask for, look at nothing
//! and keep nothing. The least anybody could do on this machine, with this server. Each runs as a process of its own: the
//! bench starts itself with `floor NAME PLAN`.

pub mod imap;
pub mod plan;

use std::{path::Path, process::Command, sync::Mutex, thread};

/// Connections that a floor has open at the same time.
const AT_ONCE: usize = 4;

/// The command that runs a floor.
pub fn command(name: &str, plan: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program has a file"));
    command.args(["floor", name]).arg(plan);
    command
}

/// Runs the floor that was asked for; it panics, and so ends in an error, when an answer is not the one that was planned.
pub fn run(name: &str, plan: &str) {
    let text = std::fs::read_to_string(plan).expect("the plan can be read");
    match name {
        "imap" => imap::run(&plan::Plan::read(&text)),
        other => panic!("there is no floor `{other}`"),
    }
}

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
