//! `report`: every report by its name, each number with what stands behind it. Asks the store for what a report needs and
//! prints what it says; counts nothing itself.

mod contacts;
mod coverage;
mod deals;
mod ledger;
mod today;

use chrono::{DateTime, Datelike as _, Months, NaiveDate, TimeDelta, Utc};
use clap::Args;

use super::{
    Usage,
    behind::{self, Behind},
    output::{Format, say},
    wanted,
};
use crate::{
    app::App,
    config::fault,
    domain::{
        directory::Directory,
        reports::{
            Range, Scope, Table,
            grouping::{Grouping, SMALLEST_GROUP},
        },
        working::WorkCalendar,
    },
};

/// The reports there are, and what each shows.
const REPORTS: &[(&str, &str)] = &[
    ("today", "a rep's day (--rep, else a section each): suggestions, meetings, who waits, pace, what was captured"),
    ("activity", "what each rep did: mails, conversations, meetings, quotes, deals won; captured or typed"),
    ("funnel", "conversations, meetings, quotes, contracts, and how many of each step became the next"),
    ("pace", "each [[target]]: done, expected by now on working days, to go on each day that is left"),
    (
        "targets",
        "each [[quota]] solved back to contracts, quotes, meetings and conversations a week, by one's own rates",
    ),
    ("forecast", "what is committed for the period of --to, what of it is backed, what such commits were worth before"),
    ("trail", "how many forward moves of deals are backed by evidence, and which won deals show a whole trail"),
    (
        "next_steps",
        "planned steps (CRM tasks): fulfilled and by which activity, overdue, moved, to do; until in two weeks",
    ),
    ("coverage", "what capture saw, week by week: captured, waiting, skipped and why, typed and confirmed"),
    ("leads", "contacts new in these days, and who began: they, we, or a meeting"),
    ("segments", "contacts to work on, as of --to: silent, never answered, new, won and then left alone"),
    ("competitors", "who is named in the mail of which deal, month by month, large deals first"),
];

/// Reports that look at one day, that of `--to`.
const OF_A_DAY: &[&str] = &["today", "pace", "segments"];

/// Reports that are a rep's own page when they are asked for with `--rep`: where single people are not shown to others, that is
/// the only way to them.
const OWN: &[&str] = &["today", "pace", "targets"];

/// A report by its name, over days; each number opens with --show.
#[derive(Args, Debug)]
#[command(after_help = listed())]
pub struct Report {
    /// Which report: they are listed below
    pub name: String,
    /// First day, in the organisation's zone; else the Monday four weeks ago (targets, --calibration: a year; --cohorts: six months).
    /// today, pace and segments look at one day, that of --to
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
    /// trail: this deal's stage changes and activities on one line, from its beginning
    #[arg(long, value_name = "ID")]
    pub deal: Option<String>,
    /// funnel: by the month of the first talk, what became of those deals by now, and in how many days
    #[arg(long)]
    pub cohorts: bool,
    /// forecast: of the deals closed in these days, by the chance they were given, how many were won
    #[arg(long)]
    pub calibration: bool,
    /// List what stands behind this column: activities, deals or contacts; for coverage the items with their decisions
    #[arg(long, value_name = "COLUMN")]
    pub show: Option<String>,
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

fn listed() -> String {
    let width = REPORTS.iter().map(|r| r.0.len()).max().unwrap_or_default();
    let lines: Vec<String> = REPORTS.iter().map(|(name, shows)| format!("  {name:<width$}  {shows}")).collect();
    format!(
        "Reports:\n{}\n\nOpen a number: `dealtrail report funnel --show meetings` lists the meetings it counts, and `dealtrail \
         explain ID` tells of one.",
        lines.join("\n")
    )
}

/// What every report is asked with.
struct Asked<'a> {
    app: &'a App,
    directory: &'a Directory,
    range: Range<'a>,
    /// The last day, where somebody named it.
    day: Option<NaiveDate>,
    scope: Scope,
    now: DateTime<Utc>,
    /// The column that somebody asks what stands behind.
    opens: Option<&'a str>,
    grouping: Grouping,
}

impl Asked<'_> {
    /// What an empty page says.
    fn nothing(&self, name: &str) -> String {
        if self.grouping != Grouping::People && OWN.contains(&name) && self.scope.rep.is_none() {
            return format!("{name} is a rep's own page ({}): name the rep with --rep EMAIL.", self.grouping.setting());
        }
        let days = match (self.range.from, self.range.to) {
            (from, to) if from == to => format!("on {to}"),
            (from, to) => format!("from {from} until {to}"),
        };
        let of = self.scope.rep.as_ref().or(self.scope.team.as_ref()).map(|of| format!(" of {of}")).unwrap_or_default();
        format!("There is nothing to show{of} {days}.")
    }
}

impl Report {
    /// # Errors
    /// When there is no such report, team, rep or column, or the database fails.
    pub async fn run(self, app: &App) -> anyhow::Result<u8> {
        match &self.show {
            Some(column) if self.known()? == "coverage" => self.show_items(app, column).await?,
            _ => self.print(&self.table(app).await?)?,
        }
        Ok(0)
    }

    /// The report by itself.
    ///
    /// # Errors
    /// When there is no such report, team or rep, or the database fails.
    pub async fn table(&self, app: &App) -> anyhow::Result<Table> {
        let name = self.known()?;
        self.fits(name)?;
        let deal = match &self.deal {
            Some(id) => Some(wanted::deal(app, id).await?),
            None => None,
        };
        let (known, calendar) = (app.engine.known(), app.config.calendar_of(None));
        let asked = self.asked(app, name, &known.directory, &calendar)?;
        let mut table = match name {
            "coverage" => asked.coverage().await,
            "activity" => asked.activity().await,
            "funnel" if self.cohorts => asked.cohorts().await,
            "funnel" => asked.funnel().await,
            "pace" => asked.pace().await,
            "targets" => asked.targets().await,
            "forecast" => asked.forecast(self.calibration).await,
            "next_steps" => asked.next_steps().await,
            "today" => asked.today().await,
            "trail" if deal.is_some() => asked.timeline(&deal.unwrap_or_default()).await,
            "trail" => asked.trail().await,
            "leads" => asked.leads().await,
            "segments" => asked.segments().await,
            _ => asked.competitors().await,
        }?;
        asked.grouping.narrow(&mut table, &known.directory, asked.range.start(), asked.scope.rep.is_some());
        if table.rows.is_empty() {
            table.notes.insert(0, asked.nothing(name));
        }
        Ok(table)
    }

    /// Where single people are not shown, they are not asked for either, but on their own pages.
    fn of_one(&self, name: &str, grouping: Grouping) -> Result<(), Usage> {
        let (own, setting) = (OWN.contains(&name), grouping.setting());
        match (&self.rep, grouping) {
            (_, Grouping::People) => Ok(()),
            (Some(_), _) if !own => Err(Usage(format!(
                "single people are not shown in the report {name} ({setting}); ask for a --team, or for all; a rep's own pages are {}",
                OWN.join(", ")
            ))),
            (None, _) if own && name != "pace" => {
                Err(Usage(format!("the report {name} is a rep's own page ({setting}): name the rep with --rep EMAIL")))
            }
            _ => Ok(()),
        }
    }

    fn known(&self) -> Result<&'static str, Usage> {
        let names: Vec<&'static str> = REPORTS.iter().map(|r| r.0).collect();
        wanted::one_of("report", &self.name, &names)
    }

    fn asked<'a>(
        &'a self,
        app: &'a App,
        name: &str,
        directory: &'a Directory,
        calendar: &'a WorkCalendar,
    ) -> Result<Asked<'a>, Usage> {
        let (from, to) = self.days(app, name)?;
        let range = Range { from, to, calendar };
        let (opens, privacy) = (self.show.as_deref(), &app.config.privacy);
        let grouping = Grouping::of(privacy.no_ranking, privacy.works_council);
        self.of_one(name, grouping)?;
        let scope = self.scope(app)?;
        let small = |team: &String| {
            let shown = grouping.shown(directory, range.start());
            grouping == Grouping::LargeTeams && scope.rep.is_none() && !shown.teams.contains(team)
        };
        if let Some(team) = scope.team.as_ref().filter(|team| small(team)) {
            let what = format!(
                "the team {team} has fewer than {SMALLEST_GROUP} people who sell, and is not shown ({}); leave --team out",
                grouping.setting()
            );
            return Err(Usage(what));
        }
        Ok(Asked { app, directory, range, day: self.to, scope, now: app.clock.now(), opens, grouping })
    }

    /// Options of one report say nothing in another.
    fn fits(&self, name: &str) -> Result<(), Usage> {
        let of_one = [
            (self.cohorts, "--cohorts", "funnel"),
            (self.calibration, "--calibration", "forecast"),
            (self.deal.is_some(), "--deal", "trail"),
        ];
        if self.deal.is_some() && (self.rep.is_some() || self.team.is_some()) {
            let what = "--deal shows one deal, whoever has it: leave out --rep and --team";
            return Err(Usage(what.to_owned()));
        }
        if OF_A_DAY.contains(&name) && self.from.is_some() {
            return Err(Usage(format!("the report {name} looks at one day: name it with --to, and leave --from out")));
        }
        let wrong = of_one.into_iter().find(|(given, _, report)| *given && *report != name);
        match wrong {
            Some((_, option, report)) => Err(Usage(format!("{option} belongs to the report {report}, not to {name}"))),
            None => Ok(()),
        }
    }

    /// The report, or what stands behind one of its columns.
    fn print(&self, table: &Table) -> anyhow::Result<()> {
        let Some(column) = &self.show else { return print(table, self.format) };
        behind::counted(table, column)?;
        let opened = table.show(column).unwrap_or_default();
        let rows: Vec<Vec<Behind>> =
            opened.into_iter().map(|(_, ids)| ids.iter().cloned().map(Behind::Id).collect()).collect();
        Ok(behind::print(table, column, &rows, self.format)?)
    }

    /// The first and the last day.
    fn days(&self, app: &App, name: &str) -> Result<(NaiveDate, NaiveDate), Usage> {
        let today = app.config.calendar_of(None).date(app.clock.now());
        // what is planned lies ahead
        let usual = if name == "next_steps" { today + TimeDelta::days(14) } else { today };
        let to = self.to.unwrap_or(usual);
        let weeks_ago = to - TimeDelta::days(21 + i64::from(to.weekday().num_days_from_monday()));
        let usual = match name {
            name if OF_A_DAY.contains(&name) => to,
            "funnel" if self.cohorts => to.with_day(1).unwrap_or(to) - Months::new(5),
            // as far back as the deal reaches: the line begins with its first entry
            "trail" if self.deal.is_some() => NaiveDate::default().min(to),
            "next_steps" if self.to.is_none() => weeks_ago - TimeDelta::days(14),
            // rates and amounts need more than four weeks
            "targets" | "forecast" => to - Months::new(12),
            _ => weeks_ago,
        };
        let from = self.from.unwrap_or(usual);
        wanted::in_order(Some(from), Some(to))?;
        Ok((from, to))
    }

    fn scope(&self, app: &App) -> Result<Scope, Usage> {
        if let Some(team) = self.team.as_ref().filter(|t| app.config.team(t).is_none()) {
            let names: Vec<&str> = app.config.teams.iter().map(|t| t.name.as_str()).collect();
            return Err(Usage(format!("there is no team `{team}`; {}", fault::hint(team, names.iter().copied()))));
        }
        let rep = self.rep.as_deref().map(|r| wanted::rep(app, r)).transpose()?;
        if let (Some(team), Some(rep)) = (&self.team, &rep) {
            let known = app.engine.known();
            let of = known.directory.user(rep).and_then(|user| user.team.as_deref());
            if of != Some(team) {
                let of = of.map_or("no team".to_owned(), |of| format!("the team `{of}`"));
                return Err(Usage(format!("{rep} is in {of}, not in `{team}`; leave --team out")));
            }
        }
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
