//! `export --format parquet`, read by DuckDB: the same rows, values and types as the JSON lines, and the query of the README.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use chrono::{DateTime, NaiveDate};
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{
    Database::{self, Postgres, Sqlite},
    Letter, Office, days_ago, letter,
};

const ALL: [&str; 5] = ["activities", "decisions", "gaps", "deals", "contacts"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folder with the oracles, filled when it is not.
fn oracles() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../oracles");
        let fetched = Command::new(root().join("tests/oracles/fetch")).arg(&folder).status().expect("bash");
        assert!(fetched.success(), "tests/oracles/fetch could not bring the oracles; its message stands above");
        folder.canonicalize().expect("the folder that was just filled")
    })
}

/// The one query that the README shows.
fn query() -> String {
    let readme = fs::read_to_string(root().join("README.md")).expect("the README");
    let (_, rest) = readme.split_once("```sql\n").expect("a query");
    rest.split_once("```").expect("an end").0.to_owned()
}

/// Exports everything; what DuckDB reads in each file, and what it answers to the README's query.
fn read_by_duckdb(office: &Office) -> (Vec<Value>, Value) {
    let folder = office.dir.path().join("exports");
    fs::create_dir_all(&folder).expect("a folder");
    let files = ALL.map(|what| {
        let file = folder.join(format!("{what}.parquet"));
        office.program.run(&["export", what, "--format", "parquet", "--output", file.to_str().expect("a path")]);
        format!("{what}.parquet")
    });
    let asked = json!({"folder": folder, "files": files, "query": query()}).to_string();
    let mut child = Command::new("python3")
        .arg(root().join("tests/oracles/exports.py"))
        .env("PYTHONPATH", oracles().join("python"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3; tests/run installs it");
    child.stdin.take().expect("a pipe").write_all(asked.as_bytes()).expect("an oracle that reads");
    let out = child.wait_with_output().expect("an oracle's answers");
    assert!(out.status.success(), "the oracle failed; its message stands above");
    let text = String::from_utf8(out.stdout).expect("JSON in UTF-8");
    let mut all: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).expect("a line of JSON")).collect();
    let answer = all.pop().expect("the answer to the query");
    (all, answer["rows"].clone())
}

/// A value of the JSON lines as a column of this type holds it.
fn as_typed(value: &Value, kind: &str) -> Value {
    let text = || value.as_str().expect("a text");
    match kind {
        _ if value.is_null() => Value::Null,
        "TIMESTAMP WITH TIME ZONE" => {
            json!(DateTime::parse_from_rfc3339(text()).expect("a time").timestamp_micros())
        }
        "DATE" => json!((text().parse::<NaiveDate>().expect("a date") - NaiveDate::default()).num_days()),
        "DOUBLE" => json!(value.as_f64().expect("a number")),
        "BOOLEAN" => json!(value.as_bool().expect("true or false")),
        "VARCHAR[]" => json!(value.as_array().expect("a list")),
        "VARCHAR" if value.is_string() => value.clone(),
        "VARCHAR" => json!(value.to_string()),
        other => panic!("a column of no type of ours: {other}"),
    }
}

fn kind_of(table: &Value, column: &str) -> String {
    table["columns"][column].as_str().unwrap_or_else(|| panic!("no column {column}")).to_owned()
}

#[rstest]
fn duckdb_reads_what_the_json_lines_say(#[values(Sqlite, Postgres)] on: Database) {
    let office = Office::new(on);
    office.csv(
        "contacts",
        &["id,name,emails,company_id", "K1,Eva Müßig,eve@buyer.example;eva@buyer.example,C1", "K2,,zoe@else.example,"],
    );
    office.deals(&["D1", "D2"]);
    for (id, days) in [("offer@buyer.example", 20), ("again@buyer.example", 16)] {
        let told = Letter { subject: "Angebot für Köln \u{1f680} \"1\"", days, ..letter(id) };
        office.deliver("ana", "INBOX", &told.bytes());
    }
    let ours = Letter { from: "ana@acme.example", to: "eve@buyer.example", days: 3, ..letter("ours@acme.example") };
    office.deliver("ana", "Sent", &ours.bytes());
    let unknown = Letter { from: "who@elsewhere.example", ..letter("who@elsewhere.example") };
    office.deliver("ana", "INBOX", &unknown.bytes());
    office.program.sync();
    let first = office.program.activity("offer@buyer.example").expect("an activity");
    office.program.run(&["review", "link", first["id"].as_str().expect("an id"), "D1"]);
    let (tables, answer) = read_by_duckdb(&office);
    for (what, table) in ALL.iter().zip(&tables) {
        let wanted = office.program.export(what);
        let rows = table["rows"].as_array().expect("rows");
        assert_eq!(rows.len(), wanted.len(), "{what}");
        assert!(!rows.is_empty(), "{what} has something to compare");
        for (wanted, row) in wanted.iter().zip(rows) {
            let names: Vec<&String> = table["columns"].as_object().expect("columns").keys().collect();
            assert_eq!(names, wanted.keys().collect::<Vec<_>>(), "{what}");
            for (i, (name, value)) in wanted.iter().enumerate() {
                assert_eq!(row[i], as_typed(value, &kind_of(table, name)), "{what}.{name}");
            }
        }
    }
    for (table, column, kind) in [
        (0, "occurred_at", "TIMESTAMP WITH TIME ZONE"),
        (0, "deals", "VARCHAR[]"),
        (0, "all_day", "BOOLEAN"),
        (3, "amount", "DOUBLE"),
        (3, "close_date", "DATE"),
    ] {
        assert_eq!(kind_of(&tables[table], column), kind, "{column}");
    }
    // of the two deals, one has mail of the buyer, older than two weeks
    let last = days_ago(20).timestamp_millis();
    let answer = answer.as_array().expect("rows");
    assert_eq!(answer.len(), 2, "{answer:?}");
    assert_eq!(
        answer[0].as_array().expect("a row")[..5],
        [json!("Project D1"), json!("ana@acme.example"), json!(1000.0), json!("EUR"), json!(1)]
    );
    let found = answer[0][5].as_i64().expect("a time");
    assert!((found - last).abs() < 600_000, "{found} {last}");
    assert_eq!(answer[1].as_array().expect("a row")[4..], [json!(0), Value::Null]);
}

#[rstest]
fn an_empty_store_is_a_file_with_columns(#[values(Sqlite, Postgres)] on: Database) {
    let office = Office::without_mail(on);
    let (tables, answer) = read_by_duckdb(&office);
    for (what, table) in ALL.iter().zip(&tables) {
        assert_eq!(table["rows"], json!([]), "{what}");
        let csv = office.program.run(&["export", what, "--format", "csv"]);
        let heads: Vec<&str> = csv.trim_end().split(',').collect();
        let names: Vec<&String> = table["columns"].as_object().expect("columns").keys().collect();
        assert_eq!(heads, names, "an empty table still has its header: {what}");
    }
    assert_eq!(answer, json!([]));
}

#[test]
fn a_file_is_whole_or_not_there() {
    let office = Office::new(Sqlite);
    office.deliver("ana", "INBOX", &letter("offer@buyer.example").bytes());
    office.program.sync();
    let folder = office.dir.path();
    let at = |name: &str| folder.join(name).to_str().expect("a path").to_owned();
    let export = |format: &str, output: &str| {
        office.program.say(&["export", "activities", "--format", format, "--output", output])
    };
    // the same text as on standard output, and nothing there; what stood there before is replaced
    fs::write(at("a.jsonl"), "old").expect("a file");
    let said = export("jsonl", &at("a.jsonl"));
    assert_eq!((said.code, said.out.as_str()), (Some(0), ""), "{}", said.err);
    assert_eq!(fs::read_to_string(at("a.jsonl")).expect("a file"), office.program.run(&["export", "activities"]));
    // a redirect holds the same bytes as a file
    assert_eq!(export("parquet", &at("a.parquet")).code, Some(0));
    let out = office.program.command(&["export", "activities", "--format", "parquet"]).output().expect("a process");
    assert_eq!(out.stdout, fs::read(at("a.parquet")).expect("a file"));
    // a full disk and a missing folder: one sentence, exit 1, nothing left behind
    for (output, part) in [("/dev/full", "/dev/full"), (at("none/a.parquet").as_str(), "none/a.parquet")] {
        let said = export("parquet", output);
        assert_eq!(said.code, Some(1), "{output}: {}", said.err);
        said.complains(&["writing", part, "failed"]);
        assert_eq!(said.err.lines().count(), 1, "{}", said.err);
    }
    let left: Vec<_> = fs::read_dir(folder).expect("a folder").map(|e| e.expect("an entry").file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().ends_with(".part")), "{left:?}");
}

/// Bytes on a terminal would be obeyed by it.
#[test]
fn a_terminal_is_told_what_to_do() {
    let office = Office::without_mail(Sqlite);
    let program = format!("'{}' --config '{}'", env!("CARGO_BIN_EXE_dealtrail"), office.program.config.display());
    let line = format!("{program} export deals --format parquet");
    let out =
        Command::new("script").args(["-qec", &line, "/dev/null"]).env("SHELL", "/bin/sh").stdin(Stdio::null()).output();
    let out = out.expect("script, which Debian always has");
    let said = String::from_utf8_lossy(&out.stdout);
    assert_eq!(out.status.code(), Some(2), "{said}");
    assert!(said.contains("--output FILE") && said.lines().count() == 1, "{said}");
}
