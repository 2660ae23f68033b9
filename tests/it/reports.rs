//! Every report over the sample company, as a user asks for it: it has rows, every format has its shape, and every number opens
//! to as much as it says, on SQLite and PostgreSQL alike.

use std::{fs, path::PathBuf};

use dealtrail_testkit::postgres::Postgres;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Program, bare};

/// The sample company, read once.
struct Company {
    _dir: TempDir,
    program: Program,
    url: Option<String>,
}

impl Company {
    fn on_sqlite() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let (program, _) = demo(&dir);
        Self { _dir: dir, program, url: None }
    }

    /// The same company once more, read into PostgreSQL.
    fn on_postgres() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let (program, config) = demo(&dir);
        let url = Postgres::shared().fresh();
        let text = fs::read_to_string(&config).expect("the configuration");
        let start = text.find("sqlite:").expect("the sample company is on SQLite");
        let end = start + text[start..].find('"').expect("a closing quote");
        fs::write(&config, format!("{}{url}{}", &text[..start], &text[end..])).expect("the configuration");
        program.sync();
        Self { _dir: dir, program, url: Some(url) }
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let all: Vec<&str> = ["report"].iter().chain(arguments).chain(&["--format", "json"]).copied().collect();
        serde_json::from_str(&self.program.run(&all)).expect("JSON")
    }
}

impl Drop for Company {
    fn drop(&mut self) {
        if let Some(url) = self.url.as_ref().filter(|_| !std::thread::panicking()) {
            Postgres::shared().drop_database(url);
        }
    }
}

fn demo(dir: &TempDir) -> (Program, PathBuf) {
    let home = dir.path().join("company");
    let said = bare(&["demo", "--once", "--dir", home.to_str().expect("a path")], dir.path());
    assert_eq!(said.code, Some(0), "{}", said.err);
    let config = home.join("dealtrail.toml");
    (Program { config: config.clone() }, config)
}

/// How each report is asked for, so that the sample company has something to show.
const ASKED: &[&[&str]] = &[
    &["today"],
    &["activity"],
    &["funnel"],
    &["funnel", "--cohorts"],
    &["pace"],
    &["targets"],
    &["forecast"],
    &["forecast", "--calibration"],
    &["trail"],
    &["next_steps"],
    &["coverage"],
    &["leads", "--from", "2020-01-01"],
    &["segments"],
    &["competitors", "--from", "2020-01-01"],
];

fn rows(report: &Value) -> &Vec<Value> {
    report["rows"].as_array().expect("rows")
}

#[test]
fn every_report_of_the_sample_company_opens() {
    let company = Company::on_sqlite();
    for asked in ASKED {
        let report = company.json(asked);
        for key in ["name", "from", "to", "columns", "rows", "notes"] {
            assert!(report.get(key).is_some(), "{asked:?} has no {key}");
        }
        assert_eq!(report["name"], asked[0]);
        assert!(!rows(&report).is_empty(), "{asked:?} has no rows");
        assert!(!report["notes"].as_array().expect("notes").is_empty(), "{asked:?} says nothing of itself");
        let plain: Vec<&str> = ["report"].iter().chain(*asked).copied().collect();
        assert!(company.program.run(&plain).lines().count() > rows(&report).len(), "{asked:?}");
        let csv: Vec<&str> = plain.iter().chain(&["--format", "csv"]).copied().collect();
        let csv = company.program.run(&csv);
        let read = csv::Reader::from_reader(csv.as_bytes()).records().filter(Result::is_ok).count();
        assert_eq!(read, rows(&report).len(), "{asked:?}");
        opens(&company, asked, &report);
    }
}

/// Every number opens: counts to as many things as they say, rates to what they have done, any other number to something.
fn opens(company: &Company, asked: &[&str], report: &Value) {
    let mut counted = 0;
    for column in report["columns"].as_array().expect("columns") {
        let key = column["key"].as_str().expect("a key");
        if !rows(report).iter().any(|row| is_number(&row[key])) {
            continue;
        }
        let show: Vec<&str> = asked.iter().chain(&["--show", key]).copied().collect();
        let opened = company.json(&show);
        let opened = opened.as_array().expect("rows");
        assert_eq!(opened.len(), rows(report).len());
        for (row, open) in rows(report).iter().zip(opened) {
            let behind = open["behind"].as_array().map_or(0, Vec::len) as u64;
            assert!(behind > 0 || !is_number(&row[key]), "{asked:?} {key} of {row} does not open");
            let says = row[key].as_u64().or_else(|| row[key]["done"].as_u64());
            // minutes stand for the mails and meetings that took nobody's time
            if let Some(n) = says.filter(|_| key != "minutes_saved") {
                assert_eq!(behind, n, "{asked:?} {key} of {row}");
                counted += n;
            }
        }
    }
    // a weekend captures nothing, and a segment is a list
    assert!(counted > 0 || matches!(asked[0], "coverage" | "segments" | "today"), "{asked:?} counts nothing");
}

/// A number, sums of money or a rate that is more than nought.
fn is_number(cell: &Value) -> bool {
    match cell {
        Value::Number(n) => n.as_f64().is_some_and(|n| n > 0.0),
        Value::Object(rate) if rate.contains_key("done") => rate["done"].as_u64().is_some_and(|n| n > 0),
        Value::Object(money) => !money.is_empty(),
        _ => false,
    }
}

#[test]
fn both_databases_say_the_same() {
    let (sqlite, postgres) = (Company::on_sqlite(), Company::on_postgres());
    // how far each was read is another moment in each
    let timeless = |company: &Company, asked: &[&str]| {
        let mut rows = rows(&company.json(asked)).clone();
        for row in rows.iter_mut().filter_map(Value::as_object_mut) {
            row.remove("complete_to");
        }
        rows
    };
    for asked in ASKED {
        assert_eq!(timeless(&sqlite, asked), timeless(&postgres, asked), "{asked:?}");
    }
}

#[test]
fn an_unknown_report_names_all() {
    let company = Company::on_sqlite();
    let said = company.program.say(&["report", "funel"]);
    assert_eq!(said.code, Some(2));
    said.complains(&["no report `funel`", "did you mean `funnel`?", "activity", "segments"]);
    let all = company.json(&["trail"]);
    let reps: Vec<&str> = rows(&all).iter().filter_map(|r| r["rep"].as_str()).collect();
    let rep = reps.first().expect("a rep has moved a deal");
    let deal = company.json(&["trail", "--show", "moves", "--rep", rep])[0]["behind"][0].clone();
    let line = company.json(&["trail", "--deal", deal.as_str().expect("a deal")]);
    for kind in ["stage", "email"] {
        assert!(rows(&line).iter().any(|r| r["kind"] == kind), "{line}");
    }
    company.program.say(&["report", "leads", "--deal", "OPP-1"]).complains(&["--deal belongs to the report trail"]);
    let of_another = company.program.say(&["report", "trail", "--deal", "OPP-1480", "--rep", rep]);
    of_another.complains(&["--deal shows one deal", "leave out --rep"]);
    let from = ["report", "pace", "--from", "2026-11-02"];
    company.program.say(&from).complains(&["the report pace looks at one day", "--to"]);
    let own = company.json(&["trail", "--rep", rep]);
    assert_eq!(rows(&own).iter().map(|r| r["rep"].as_str()).collect::<Vec<_>>(), [Some(*rep)]);
}
