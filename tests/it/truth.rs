//! The main job against known truth: the made-up team of `world` on disk and on real servers, read by the program as a
//! user runs it, scored row by row. A second pass, `--full` and another order of the same mail must change nothing.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use chrono::{DateTime, Utc};
use dealtrail_testkit::{dovecot::Dovecot, postgres::Postgres, radicale::Radicale};
use serde_json::Value;

use crate::world::{Exports, Loaded, Part, Score, Size, World};

/// The program with a configuration.
struct Program {
    config: PathBuf,
}

impl Program {
    /// Runs one command to a good end and returns what it printed.
    fn run(&self, arguments: &[&str]) -> String {
        let out = Command::new(env!("CARGO_BIN_EXE_dealtrail"))
            .arg("--config")
            .arg(&self.config)
            .args(arguments)
            .output()
            .expect("the program can be started");
        let errors = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success(), "dealtrail {arguments:?} ended with {}:\n{errors}", out.status);
        String::from_utf8(out.stdout).expect("output is UTF-8")
    }

    fn exports(&self) -> Exports {
        let export = |name| self.run(&["export", name, "--format", "jsonl"]);
        Exports {
            activities: export("activities"),
            decisions: export("decisions"),
            gaps: export("gaps"),
            deals: export("deals"),
            contacts: export("contacts"),
        }
    }
}

/// Reads the world, scores it, and reads it twice more.
fn judge(world: &World, loaded: &Loaded) {
    let program = Program { config: loaded.config.clone() };
    program.run(&["sync"]);
    let first = program.exports();
    Score::of(world, &loaded.ties, &first).assert_goals();
    for again in [&["sync"][..], &["sync", "--full"]] {
        program.run(again);
        assert_same(&first, &program.exports(), again);
    }
}

fn assert_same(before: &Exports, after: &Exports, pass: &[&str]) {
    let parts = [
        ("activities", &before.activities, &after.activities),
        ("decisions", &before.decisions, &after.decisions),
        ("gaps", &before.gaps, &after.gaps),
        ("deals", &before.deals, &after.deals),
        ("contacts", &before.contacts, &after.contacts),
    ];
    for (name, old, new) in parts {
        let (old, new) = (settled(old), settled(new));
        let gone: Vec<&String> = old.iter().filter(|l| new.binary_search(l).is_err()).take(3).collect();
        let fresh: Vec<&String> = new.iter().filter(|l| old.binary_search(l).is_err()).take(3).collect();
        assert!(old == new, "{pass:?} changed {name}:\n before {gone:#?}\n after {fresh:#?}");
    }
}

/// The lines of an export in an order of their own, without the moment at which a row was written.
fn settled(export: &str) -> Vec<String> {
    let mut lines: Vec<String> = export
        .lines()
        .map(|line| {
            let mut row: Value = serde_json::from_str(line).expect("a JSON object");
            if let Some(row) = row.as_object_mut() {
                row.remove("decided_at");
            }
            row.to_string()
        })
        .collect();
    lines.sort();
    lines
}

#[expect(clippy::disallowed_methods, reason = "the program is run with the machine's clock: the world lies around it")]
fn now() -> DateTime<Utc> {
    Utc::now()
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

#[test]
fn files_come_out_as_the_truth() {
    for (seed, order) in [(1, 1), (1, 2), (2, 1)] {
        let dir = folder();
        let world = World::new(seed, Size::Small, now());
        let loaded = world.write_files(dir.path(), order);
        judge(&world, &loaded);
    }
}

/// Contacts, deals, mail and events arrive in five parts with a pass after each, mail before its contact, answers before
/// their questions: in the end it is the same truth, because history matches itself.
#[test]
fn arriving_in_parts_changes_nothing() {
    for order in [1, 2] {
        let dir = folder();
        let world = World::new(6, Size::Small, now());
        for done in 1..=5 {
            let loaded = world.write_part(dir.path(), order, Part { done, of: 5 });
            let program = Program { config: loaded.config.clone() };
            program.run(&["sync"]);
            if done == 5 {
                Score::of(&world, &loaded.ties, &program.exports()).assert_goals();
            }
        }
    }
}

#[test]
fn servers_come_out_as_the_truth() {
    on_servers(&World::new(3, Size::Small, now()), 1, None);
}

#[test]
fn another_order_changes_nothing() {
    on_servers(&World::new(3, Size::Small, now()), 2, None);
}

#[test]
fn a_larger_world_on_servers() {
    on_servers(&World::new(4, Size::Medium, now()), 1, None);
}

#[test]
fn servers_with_postgresql_come_out_as_the_truth() {
    let server = Postgres::shared();
    let url = server.fresh();
    on_servers(&World::new(5, Size::Small, now()), 1, Some(&url));
    server.drop_database(&url);
}

fn on_servers(world: &World, order: u64, database: Option<&str>) {
    let dir = folder();
    let (dovecot, radicale) = (Dovecot::start(), Radicale::start());
    let loaded = world.load_servers(&dovecot, &radicale, dir.path(), order);
    if let Some(url) = database {
        use_database(&loaded.config, url);
    }
    judge(world, &loaded);
}

/// Puts another database into a configuration.
fn use_database(config: &Path, url: &str) {
    let text = fs::read_to_string(config).expect("the configuration");
    fs::write(config, text.replace("sqlite:dealtrail.db", url)).expect("the configuration");
}
