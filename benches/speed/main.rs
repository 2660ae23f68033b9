//! What dealtrail costs, row by row, beside floors of ours (`floor`) and other programs, on one Dovecot and one Radicale. The
//! answers are counted before a figure is printed; nothing is asserted about time. `benches/run` starts it.

mod backfill;
mod calendars;
mod daemon;
mod delayed;
mod expansion;
mod floor;
mod idle;
mod mailboxes;
mod measure;
mod nothing;
mod post;
mod stored;
mod table;
mod watching;

use std::time::Instant;

use clap::{Parser, ValueEnum};

/// What dealtrail costs, beside the least that anybody could do and beside other programs.
#[derive(Parser, Debug)]
#[command(name = "benches/run")]
struct Arguments {
    /// Which rows; none: all
    rows: Vec<Row>,
    /// Mailboxes (each row has its own number)
    #[arg(long)]
    boxes: Option<usize>,
    /// Mails in each mailbox
    #[arg(long)]
    mails: Option<usize>,
    /// Runs of every program, in turn
    #[arg(long)]
    rounds: Option<usize>,
    /// Told by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Row {
    /// Mailboxes read for the first time, beside a floor and mbsync; peak memory at two sizes
    Backfill,
    /// The same with 50 ms of round trip
    Delayed,
    /// A pass with nothing new
    Nothing,
    /// A pass with 100 new mails
    Hundred,
    /// From the server's word of a new mail to the activity, beside a bare client
    Idle,
    /// Memory and CPU of a daemon that waits
    Watching,
    /// Rows into SQLite by the store, beside bare INSERTs
    Rows,
    /// Calendar objects opened to their instances, beside libical
    Expansion,
    /// A pass over calendars with nothing new, beside a floor and vdirsyncer
    Calendars,
}

/// How much of everything, where it was said.
#[derive(Clone, Copy, Debug, Default)]
pub struct Size {
    boxes: Option<usize>,
    mails: Option<usize>,
    rounds: Option<usize>,
}

impl Size {
    pub fn boxes(&self, usual: usize) -> usize {
        self.boxes.unwrap_or(usual).max(1)
    }
    pub fn mails(&self, usual: usize) -> usize {
        self.mails.unwrap_or(usual).max(1)
    }
    pub fn rounds(&self, usual: usize) -> usize {
        self.rounds.unwrap_or(usual).max(1)
    }
}

/// What is measured in a process of its own.
fn own(thing: &str, text: &str) {
    match thing {
        "floor-imap" => floor::imap::run(&floor::plan::Plan::read(text)),
        "floor-dav" => floor::dav::run(text),
        "expansion" => expansion::ours(text),
        other => panic!("nothing is called `{other}`"),
    }
}

fn main() {
    let words: Vec<String> = std::env::args().collect();
    if let [_, word, thing, file] = &words[..]
        && word == measure::OWN
    {
        return own(thing, &std::fs::read_to_string(file).expect("the file can be read"));
    }
    let _first = rustls::crypto::ring::default_provider().install_default();
    let arguments = Arguments::parse();
    let size = Size { boxes: arguments.boxes, mails: arguments.mails, rounds: arguments.rounds };
    let all = Row::value_variants();
    for row in if arguments.rows.is_empty() { all } else { &arguments.rows[..] } {
        let began = Instant::now();
        match row {
            Row::Backfill => backfill::run(size),
            Row::Delayed => delayed::run(size),
            Row::Nothing => nothing::nothing(size),
            Row::Hundred => nothing::hundred(size),
            Row::Idle => idle::run(size),
            Row::Watching => watching::run(size),
            Row::Rows => stored::run(size),
            Row::Expansion => expansion::run(size),
            Row::Calendars => calendars::run(size),
        }
        println!("  ({:.0} s)\n", began.elapsed().as_secs_f64());
    }
}
