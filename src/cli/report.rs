//! `report`: the reports, each number with the activities behind it.

use std::collections::HashMap;

use chrono::{Datelike as _, NaiveDate, TimeDelta};
use clap::Args;

use super::{Usage, lists::fold, output::Format};
use crate::{
    app::App,
    config::fault,
    domain::reports::{Range, Scope, Table, activity, coverage},
};

/// The reports there are.
const NAMES: &[&str] = &["activity", "coverage"];

/// A report over days: activity (what each rep did) or coverage (what capture saw).
#[derive(Args, Debug)]
pub struct Report {
    /// activity or coverage
    pub name: String,
    /// First day, in the organisation's zone; else the Monday four weeks ago
    #[arg(long, value_name = "DATE")]
    pub from: Option<NaiveDate>,
    /// Last day, included; else today
    #[arg(long, value_name = "DATE")]
    pub to: Option<NaiveDate>,
    /// Only this team
    #[arg(long, value_name = "NAME")]
    pub team: Option<String>,
    /// Only this rep
    #[arg(long, value_name = "EMAIL")]
    pub rep: Option<String>,
    /// List the activities or deals behind this column
    #[arg(long, value_name = "COLUMN")]
    pub show: Option<String>,
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

impl Report {
    /// # Errors
    /// When there is no such report, team, rep or column, or the database fails.
    pub async fn run(self, app: &App) -> anyhow::Result<u8> {
        if !NAMES.contains(&self.name.as_str()) {
            let hint = fault::hint(&self.name, NAMES.iter().copied());
            return Err(Usage(format!("there is no report `{}`; {hint}", self.name)).into());
        }
        let table = self.table(app).await?;
        match &self.show {
            Some(column) => show(&table, column, self.format)?,
            None => print(&table, self.format)?,
        }
        Ok(0)
    }

    async fn table(&self, app: &App) -> anyhow::Result<Table> {
        let calendar = app.config.calendar_of(None);
        let now = app.clock.now();
        let today = calendar.date(now);
        let to = self.to.unwrap_or(today);
        let weeks_ago = to - TimeDelta::days(21 + i64::from(to.weekday().num_days_from_monday()));
        let from = self.from.unwrap_or(weeks_ago);
        if from > to {
            return Err(Usage(format!("--from {from} is after --to {to}")).into());
        }
        let range = Range { from, to, calendar: &calendar };
        let known = app.engine.known();
        let directory = &known.directory;
        let scope = self.scope(app)?;
        if self.name == "coverage" {
            let decided = app.store.decided().await?;
            let streams = app.store.completeness().await?;
            let typed = app.store.typed().await?;
            let input =
                coverage::Input { directory, decided: &decided, streams: &streams, typed: &typed, range, scope };
            return Ok(coverage::report(&input));
        }
        let members: HashMap<String, Vec<String>> = app
            .config
            .connections
            .iter()
            .filter(|c| c.shared)
            .map(|c| (c.name.clone(), c.members.iter().map(|m| fold(app, m)).collect()))
            .collect();
        let happened = app.store.happened(range.start() - activity::ANSWERS, range.end(), &members).await?;
        let day = TimeDelta::days(1);
        let quotes = app.store.quotes(range.start() - day, range.end() + day).await?;
        let minutes = activity::Minutes::default();
        Ok(activity::report(&activity::Input {
            directory,
            happened: &happened,
            quotes: &quotes,
            range,
            scope,
            minutes,
            now,
        }))
    }

    fn scope(&self, app: &App) -> Result<Scope, Usage> {
        if let Some(team) = self.team.as_ref().filter(|t| app.config.team(t).is_none()) {
            let names: Vec<&str> = app.config.teams.iter().map(|t| t.name.as_str()).collect();
            return Err(Usage(format!("there is no team `{team}`; {}", fault::hint(team, names.iter().copied()))));
        }
        let rep = self.rep.as_ref().map(|r| fold(app, r));
        let known = app.engine.known();
        if let Some(rep) = rep.as_ref().filter(|r| known.directory.user(r).is_none()) {
            return Err(Usage(format!("there is no user {rep}; `dealtrail user list` shows them")));
        }
        Ok(Scope { team: self.team.clone(), rep })
    }
}

fn print(table: &Table, format: Format) -> anyhow::Result<()> {
    match format {
        Format::Table => println!("{}", table.text()),
        Format::Json => println!("{}", serde_json::to_string_pretty(&table.json())?),
        Format::Jsonl => {
            for row in &table.rows {
                println!("{}", serde_json::to_string(&table.row_json(row))?);
            }
        }
        Format::Csv => print!("{}", table.csv()),
    }
    Ok(())
}

/// The ids behind a column, row by row.
fn show(table: &Table, column: &str, format: Format) -> anyhow::Result<()> {
    let Some(rows) = table.show(column) else {
        let names: Vec<&str> = table.columns.iter().map(|c| c.key.as_str()).collect();
        let hint = fault::hint(column, names.iter().copied());
        return Err(Usage(format!("the report {} has no column `{column}`; {hint}", table.name)).into());
    };
    if format != Format::Table {
        let all: Vec<_> = rows
            .iter()
            .map(|(row, ids)| {
                let mut json = table.row_json(row);
                json["behind"] = serde_json::json!(ids);
                json
            })
            .collect();
        println!("{}", serde_json::to_string_pretty(&all)?);
        return Ok(());
    }
    if rows.iter().all(|(_, ids)| ids.is_empty()) && table.name == "coverage" {
        println!(
            "This column counts mails and calendar entries: `dealtrail export decisions` lists each with its outcome and reason."
        );
        return Ok(());
    }
    for (row, ids) in rows {
        let head: Vec<String> = row.cells.iter().take(4).map(|v| v.text()).filter(|t| !t.is_empty()).collect();
        println!("{}: {}", head.join(" / "), ids.len());
        for id in ids {
            println!("  {id}");
        }
    }
    Ok(())
}
