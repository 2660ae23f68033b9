//! `report`: the reports, each number with the activities behind it.

use std::collections::HashMap;

use chrono::{Datelike as _, NaiveDate, TimeDelta};
use clap::Args;

use super::{
    Usage,
    behind::{self, Behind},
    lists::fold,
    output::{Format, say},
    wanted,
};
use crate::{
    app::App,
    config::fault,
    domain::reports::{Range, Row, Scope, Table, activity, coverage},
};

/// The reports there are.
const NAMES: &[&str] = &["activity", "coverage"];

/// A report over days: activity (what each rep did) or coverage (what capture saw).
#[derive(Args, Debug)]
pub struct Report {
    /// activity or coverage
    pub name: String,
    /// First day, in the organisation's zone; else the Monday four weeks ago
    #[arg(long, value_name = "DATE", value_parser = wanted::day)]
    pub from: Option<NaiveDate>,
    /// Last day, included; else today
    #[arg(long, value_name = "DATE", value_parser = wanted::day)]
    pub to: Option<NaiveDate>,
    /// Only this team
    #[arg(long, value_name = "NAME")]
    pub team: Option<String>,
    /// Only this rep (an email address or an alias)
    #[arg(long, value_name = "EMAIL")]
    pub rep: Option<String>,
    /// List what stands behind this column: activities or deals, for coverage the items with their decisions
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
        let (from, to) = self.days(app)?;
        let calendar = app.config.calendar_of(None);
        let range = Range { from, to, calendar: &calendar };
        let scope = self.scope(app)?;
        if self.name == "coverage" {
            return self.coverage(app, range, scope).await;
        }
        let table = self.activity(app, range, scope).await?;
        match &self.show {
            Some(column) => {
                behind::counted(&table, column)?;
                let ids = |row: &Row| row.evidence.get(column).cloned().unwrap_or_default();
                let rows: Vec<Vec<Behind>> =
                    table.rows.iter().map(|row| ids(row).into_iter().map(Behind::Id).collect()).collect();
                behind::print(&table, &rows, self.format)?;
            }
            None => print(&table, self.format)?,
        }
        Ok(0)
    }

    /// The first and the last day.
    fn days(&self, app: &App) -> Result<(NaiveDate, NaiveDate), Usage> {
        let today = app.config.calendar_of(None).date(app.clock.now());
        let to = self.to.unwrap_or(today);
        let weeks_ago = to - TimeDelta::days(21 + i64::from(to.weekday().num_days_from_monday()));
        let from = self.from.unwrap_or(weeks_ago);
        wanted::in_order(Some(from), Some(to))?;
        Ok((from, to))
    }

    /// Its numbers are counted by the database; the items are read only when somebody asks what stands behind one.
    async fn coverage(&self, app: &App, range: Range<'_>, scope: Scope) -> anyhow::Result<u8> {
        let known = app.engine.known();
        let items = match self.show {
            Some(_) => app.store.decided_items(range.start(), range.end()).await?,
            None => Vec::new(),
        };
        let decided = match self.show {
            Some(_) => items.iter().map(|i| i.decided.clone()).collect(),
            None => app.store.decided().await?,
        };
        let (streams, typed) = (app.store.completeness().await?, app.store.typed().await?);
        let directory = &known.directory;
        let input = coverage::Input { directory, decided: &decided, streams: &streams, typed: &typed, range, scope };
        let table = coverage::report(&input);
        let Some(column) = &self.show else {
            print(&table, self.format)?;
            return Ok(0);
        };
        behind::counted(&table, column)?;
        let items = coverage::behind(&input, &items, column);
        let typed = |row: &Row| row.evidence.get(column).cloned().unwrap_or_default().into_iter().map(Behind::Id);
        let opened = table.rows.iter().zip(&items);
        let rows: Vec<Vec<Behind>> =
            opened.map(|(row, items)| items.iter().map(|i| Behind::from(*i)).chain(typed(row)).collect()).collect();
        behind::print(&table, &rows, self.format)?;
        Ok(0)
    }

    async fn activity(&self, app: &App, range: Range<'_>, scope: Scope) -> anyhow::Result<Table> {
        let known = app.engine.known();
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
        Ok(activity::report(&activity::Input {
            directory: &known.directory,
            happened: &happened,
            quotes: &quotes,
            range,
            scope,
            minutes: activity::Minutes::default(),
            now: app.clock.now(),
        }))
    }

    fn scope(&self, app: &App) -> Result<Scope, Usage> {
        if let Some(team) = self.team.as_ref().filter(|t| app.config.team(t).is_none()) {
            let names: Vec<&str> = app.config.teams.iter().map(|t| t.name.as_str()).collect();
            return Err(Usage(format!("there is no team `{team}`; {}", fault::hint(team, names.iter().copied()))));
        }
        let rep = self.rep.as_deref().map(|r| wanted::rep(app, r)).transpose()?;
        Ok(Scope { team: self.team.clone(), rep })
    }
}

fn print(table: &Table, format: Format) -> anyhow::Result<()> {
    match format {
        Format::Table => say!("{}", table.text())?,
        Format::Json => say!("{}", serde_json::to_string_pretty(&table.json())?)?,
        Format::Jsonl => {
            for row in &table.rows {
                say!("{}", table.row_json(row))?;
            }
        }
        Format::Csv => say!("{}", table.csv().trim_end_matches('\n'))?,
    }
    Ok(())
}
