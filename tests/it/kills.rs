//! Killed at random moments while it reads, the program goes on from there: nothing is lost and nothing is double. Whenever a
//! pass got to its end, what is known is compared with what an undisturbed run knows. `DEALTRAIL_KILLS` and `DEALTRAIL_SEED` say how often and when;
//! `benches/kills` runs the large form.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Child, Stdio},
    time::Duration,
};

use dealtrail::clock::SystemClock;
use dealtrail_sdk::Clock as _;
use dealtrail_testkit::{dovecot::Dovecot, postgres::Postgres, radicale::Radicale};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use crate::{
    support::{Program, assert_same},
    world::{Size, World},
};

/// How often to kill when nothing is said.
fn kills(usual: usize) -> usize {
    let asked = std::env::var("DEALTRAIL_KILLS").ok();
    asked.map_or(usual, |n| n.parse().expect("DEALTRAIL_KILLS is a number"))
}

fn seed() -> u64 {
    std::env::var("DEALTRAIL_SEED").map_or(1, |n| n.parse().expect("DEALTRAIL_SEED is a number"))
}

/// The configuration of another database beside the first.
fn beside(config: &Path, name: &str, database: &str) -> Program {
    let text = fs::read_to_string(config).expect("the configuration");
    let config = config.with_file_name(format!("{name}.toml"));
    fs::write(&config, text.replace("sqlite:dealtrail.db", database)).expect("the configuration");
    Program { config }
}

fn start(program: &Program) -> Child {
    let mut command = program.command(&["sync"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("the program can be started")
}

/// How long an undisturbed pass takes here and now: kills are spread over it.
fn undisturbed(program: &Program) -> Duration {
    let clock = SystemClock;
    let began = clock.now();
    program.sync();
    (clock.now() - began).to_std().unwrap_or_default()
}

/// What a disturbance came to.
#[derive(Debug, Default)]
struct Told {
    kills: usize,
    /// Passes that got to their end although passes before them were killed.
    completed: usize,
    /// How often everything known was compared with what an undisturbed run knows.
    compared: usize,
}

/// After so many kills a pass is let to its end in any case.
const OFTEN: usize = 10;

impl Told {
    /// A pass came to its end: compares what is known with what the calm program knows at this moment.
    fn compare(&mut self, calm: &Program, program: &Program) {
        self.completed += 1;
        self.compared += 1;
        assert_same(&known(calm), &known(program), &format!("completed after {} kills", self.kills));
    }

    fn say(&self, setup: &str) {
        let Self { kills, completed, compared } = self;
        println!("{setup}: {kills} kills, {completed} completed passes, {compared} comparisons, all the same");
    }
}

/// Kills passes at random moments until `kills` of them were under way, starting over whenever one got to its end: then
/// what it knows is compared with what the calm program knows at the same moment.
fn disturb(program: &Program, kills: usize, mut whole: Duration, calm: &Program, mut start_over: impl FnMut()) -> Told {
    let mut dice = StdRng::seed_from_u64(seed());
    let mut told = Told::default();
    let mut left = Duration::ZERO;
    while told.kills < kills {
        // a pass that goes on from where the last was killed is shorter: early moments are as interesting as late ones
        let span = whole.saturating_sub(left).max(whole / 8);
        let moment = span.mul_f64(dice.random_range(0.02..0.9));
        let mut child = start(program);
        std::thread::sleep(moment);
        match child.try_wait().expect("the child is ours") {
            None => {
                child.kill().expect("SIGKILL");
                child.wait().expect("the child ends");
                told.kills += 1;
                left += moment / 2;
                if told.kills.is_multiple_of(OFTEN) && told.kills < kills {
                    program.sync();
                    told.compare(calm, program);
                    start_over();
                    left = Duration::ZERO;
                }
            }
            Some(status) => {
                assert!(status.success(), "a pass after a kill ended with {status}");
                // from nothing to its end in less than was thought: the machine is quieter now
                whole = if left.is_zero() { whole.min(moment) } else { whole };
                told.compare(calm, program);
                start_over();
                left = Duration::ZERO;
            }
        }
    }
    program.sync();
    told.compare(calm, program);
    told
}

fn forget(config: &Path, database: &str) {
    for end in ["", "-wal", "-shm"] {
        let path = config.with_file_name(format!("{database}{end}"));
        if path.exists() {
            fs::remove_file(path).expect("the database goes");
        }
    }
}

/// SQLite's own check of the file.
fn assert_sound(path: &Path) {
    let db = rusqlite::Connection::open(path).expect("it opens");
    let said: String = db.query_row("pragma integrity_check", [], |row| row.get(0)).expect("it answers");
    assert_eq!(said, "ok");
}

/// Everything a database knows. A mail's id is given once, by whichever of its copies is read first; the copies themselves
/// name it here.
fn known(program: &Program) -> Vec<(&'static str, Vec<String>)> {
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let mails =
        program.export("activities").into_iter().filter(|row| row["kind"] == "email" && row["origin"] == "captured");
    for row in mails {
        let seen = row["sightings"].as_array().expect("a list").iter();
        let copies: Vec<String> = seen.map(|s| format!("{}/{}/{}", s["connection"], s["stream"], s["key"])).collect();
        let first = copies.into_iter().min().expect("an activity has a sighting");
        let name = first.replace('"', "");
        assert!(!names.values().any(|n| *n == name), "{name} is two activities");
        names.insert(row["id"].as_str().expect("an id").to_owned(), name);
    }
    let mut all = program.settled();
    for (_, lines) in &mut all {
        for line in lines.iter_mut() {
            *line = renamed(line, &names);
        }
        lines.sort();
    }
    all
}

/// The line with every id, which stands in quotation marks, replaced.
fn renamed(line: &str, names: &BTreeMap<String, String>) -> String {
    let parts = line.split('"').map(|part| names.get(part).map_or(part, String::as_str));
    parts.collect::<Vec<_>>().join("\"")
}

fn on_sqlite(setup: &str, config: &Path, kills: usize) {
    let calm = beside(config, "calm", "sqlite:calm.db");
    let whole = undisturbed(&calm);
    let killed = beside(config, "killed", "sqlite:killed.db");
    let file = config.with_file_name("killed.db");
    let told = disturb(&killed, kills, whole, &calm, || {
        assert_sound(&file);
        forget(&killed.config, "killed.db");
    });
    assert_sound(&file);
    told.say(setup);
}

#[test]
fn killed_on_files_nothing_is_lost_or_double() {
    let dir = tempfile::tempdir().expect("a folder");
    let world = World::new(11, Size::Small, SystemClock.now());
    on_sqlite("files, SQLite", &world.write_files(dir.path(), 1).config, kills(12));
}

#[test]
fn killed_on_servers_nothing_is_lost_or_double() {
    let dir = tempfile::tempdir().expect("a folder");
    let world = World::new(12, Size::Small, SystemClock.now());
    let (dovecot, radicale) = (Dovecot::start(), Radicale::start());
    on_sqlite("servers, SQLite", &world.load_servers(&dovecot, &radicale, dir.path(), 1).config, kills(6));
}

#[test]
fn killed_on_postgresql_nothing_is_lost_or_double() {
    let dir = tempfile::tempdir().expect("a folder");
    let world = World::new(13, Size::Small, SystemClock.now());
    let config = world.write_files(dir.path(), 1).config;
    let server = Postgres::shared();
    let one = server.fresh();
    let calm = beside(&config, "calm", &one);
    let whole = undisturbed(&calm);
    let mut two = server.fresh();
    let killed = beside(&config, "killed", &two);
    let told = disturb(&killed, kills(6), whole, &calm, || {
        server.drop_database(&two);
        two = server.fresh();
        beside(&config, "killed", &two);
    });
    told.say("files, PostgreSQL");
    for url in [one, two] {
        server.drop_database(&url);
    }
}
