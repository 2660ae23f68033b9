//! `gaps`: what was expected and is missing.

use clap::Args;
use serde_json::{Map, Value, json};

use super::{
    lists::{Narrow, Shown, last_day, shown},
    output::{self, Column, Format},
    shapes, wanted,
};
use crate::{
    app::App,
    domain::{
        directory::Directory,
        gaps::{self, Finding, State, Weighed},
    },
};

/// Gaps: what was expected and is missing. Shows the worst of each deal that still asks for something.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true, after_help = super::trial::TEACH)]
pub struct Gaps {
    #[command(subcommand)]
    pub said: Option<super::word::Said>,
    #[command(flatten)]
    pub narrow: Narrow,
    /// Only in this state: open, unknown, snoozed, explained, resolved, withdrawn
    #[arg(long)]
    pub state: Option<String>,
    /// Every finding, not just the worst of each deal
    #[arg(long)]
    pub all: bool,
    /// Judge everything afresh first
    #[arg(long)]
    pub recompute: bool,
    #[command(flatten)]
    pub trial: super::trial::Trial,
    #[command(flatten)]
    pub shown: Shown,
}

impl Gaps {
    /// # Errors
    /// When what is wanted does not exist, or the database fails.
    pub async fn run(mut self, app: &App) -> anyhow::Result<u8> {
        if let Some(said) = self.said.take() {
            return said.run(app).await;
        }
        let wanted = self.narrow.find(app).await?;
        if self.trial.dry_run {
            let state = self.state()?;
            let about = |f: &Finding| wanted.is_about(app, &f.weighed()) && wanted.is_with(app, f);
            let of = |f: &Finding| state.is_none_or(|s| f.state == s) && about(f);
            return self.trial.run(app, self.shown.format, of).await;
        }
        let found = self.found(app).await?;
        let known = app.engine.known();
        let dir = &known.directory;
        let people = self.shown.format == Format::Table;
        let rows = found.iter().map(|f| {
            let mut row = described(f, dir);
            if people {
                row.insert("snoozed_until".into(), json!(f.snoozed_until.map(|at| last_day(app, at))));
            }
            row
        });
        let rows: Vec<_> = rows.collect();
        let mut columns = vec![
            Column("severity", "Severity"),
            Column("rule", "Gap"),
            Column("deal_name", "Deal or who"),
            Column("owner", "Owner"),
            Column("state", "State"),
            Column("expected", "Expected"),
            Column("found", "Found"),
            Column("clears_when", "Clears when"),
            Column("id", "Id"),
        ];
        // what a person said of them, where anybody did
        if !people || found.iter().any(|f| f.note.is_some()) {
            let said = [Column("note", "Why"), Column("snoozed_until", "Until"), Column("by", "By")];
            columns.extend(said);
        }
        let empty = "No gaps. They appear when a deal advances with no activity to show for it, goes quiet, has no next step, or is past its close date.";
        output::list(self.shown.format, &columns, &shown(app, rows), empty)?;
        Ok(0)
    }

    fn state(&self) -> Result<Option<State>, super::Usage> {
        let states: Vec<&str> = State::ALL.iter().map(|s| s.as_str()).collect();
        let state = self.state.as_deref().map(|s| wanted::one_of("state", s, &states)).transpose()?;
        Ok(state.and_then(State::parse))
    }

    /// The findings that are asked for, in the order in which they are shown.
    ///
    /// # Errors
    /// When what is wanted does not exist, or the database fails.
    pub async fn found(&self, app: &App) -> anyhow::Result<Vec<Finding>> {
        let state = self.state()?;
        let wanted = self.narrow.find(app).await?;
        if self.recompute {
            app.store.judge_all().await?;
            app.engine.review_due().await?;
        }
        let states = match state {
            Some(state) => vec![state],
            None if self.all => State::ALL.to_vec(),
            None => vec![State::Open, State::Unknown],
        };
        if !self.all && wanted.is_everything() {
            return Ok(sorted(app.store.worst(&states).await?));
        }
        // the words are read of what is shown
        let weighed = app.store.weighed(&states, None).await?.into_iter().filter(|f| wanted.is_about(app, f));
        let every = self.all || wanted.contact.is_some();
        let weighed = if every { weighed.collect() } else { Weighed::worst_per_deal(weighed.collect()) };
        let ids: Vec<String> = weighed.into_iter().map(|f| f.id).collect();
        let found = app.store.findings_by_ids(&ids).await?.into_iter().filter(|f| wanted.is_with(app, f)).collect();
        Ok(if self.all { sorted(found) } else { gaps::worst_per_deal(found) })
    }
}

pub fn described(f: &Finding, dir: &Directory) -> Map<String, Value> {
    let mut row = shapes::gap(f);
    row.insert("deal_name".into(), json!(f.subject_name(dir)));
    row
}

fn sorted(mut all: Vec<Finding>) -> Vec<Finding> {
    all.sort_by(Finding::by_weight);
    all
}
