//! `gaps --dry-run --set KEY=VALUE`: which gaps would appear, disappear and change. Writes nothing, not even to the database.

use clap::Args;
use serde_json::{Map, Value, json};

use super::{
    Usage, gaps, lists,
    output::{self, Column, Format, say},
    wanted,
};
use crate::{
    app::App,
    domain::{
        gaps::{
            Finding,
            trial::{Pair, Shift, Tally},
        },
        thresholds::fold,
    },
    engine::trial,
};

#[derive(Args, Debug, Default)]
pub struct Trial {
    /// Show what `--set` would change, and change nothing
    #[arg(long, requires = "set", conflicts_with_all = ["all", "recompute"])]
    pub dry_run: bool,
    /// A setting to try, as in dealtrail.toml; may be repeated
    #[arg(long, value_name = "KEY=VALUE", requires = "dry_run")]
    pub set: Vec<String>,
}

/// What `--help` says of the settings.
pub const TEACH: &str = "What a dry run tries, on the history that is stored; nothing is changed:
  --set gaps.gone_quiet.after=7wd                     a threshold
  --set gaps.gone_quiet.stages.Negotiation=5wd        of one stage (Sales/Negotiation: of one pipeline's)
  --set gaps.stalled.enabled=false                    a rule on or off
  --set capture.exclude+=*@private.example            one more exclusion
  --set organization.working_days=mon,tue,wed,thu     the working week, also holidays, working_hours, timezone";

const NOTHING_CHANGED: &str = "Nothing was changed: this was a dry run.";

impl Trial {
    /// # Errors
    /// When a setting is wrong or cannot be tried, or the database fails.
    pub async fn run(&self, app: &App, format: Format, of: impl Fn(&Finding) -> bool) -> anyhow::Result<u8> {
        let changed = app.config.changed(&self.set)?;
        for stage in &changed.stages {
            known_stage(app, stage)?;
        }
        let rules = app.rules_of(&changed.config).await?;
        let tried = trial::Trial { rules: &rules, kept_out: &changed.kept_out };
        let mut pairs = app.engine.try_out(tried).await?;
        pairs.retain(|p| p.now.iter().chain(&p.then).any(&of));
        let tally = Tally::of(&pairs);
        let summary = summary(tally);
        if format == Format::Table {
            say!("{summary}")?;
            if tally.appear + tally.disappear + tally.change > 0 {
                per_rule(&pairs)?;
            }
        }
        pairs.retain(|p| p.shift() != Shift::Stays);
        pairs.sort_by(|a, b| a.shift().cmp(&b.shift()).then_with(|| Finding::by_weight(a.latest(), b.latest())));
        shown(app, format, &pairs)?;
        match format {
            Format::Table => say!("{NOTHING_CHANGED}")?,
            _ => eprintln!("{summary} {NOTHING_CHANGED}"),
        }
        Ok(0)
    }
}

/// Refuses a stage that the CRM does not have: trying it would find no difference.
fn known_stage(app: &App, given: &str) -> Result<(), Usage> {
    let known = app.engine.known();
    let stages = known.directory.stages.values();
    let names: Vec<String> = stages
        .flat_map(|s| {
            let both = s.pipeline.as_ref().map(|pipeline| format!("{pipeline}/{}", s.name));
            std::iter::once(s.name.clone()).chain(both)
        })
        .collect();
    if names.iter().any(|name| fold(name) == fold(given)) {
        return Ok(());
    }
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    let there_are = format!("there are {}", names.join(", "));
    Err(wanted::refused(&format!("--set: there is no stage {given}"), given, &names, &there_are))
}

fn summary(t: Tally) -> String {
    let count = |n: usize, verb: &str| match n {
        1 => format!("1 gap would {verb}"),
        n => format!("{n} gaps would {verb}"),
    };
    let all = [count(t.appear, "appear"), count(t.disappear, "disappear"), count(t.change, "change")].join(", ");
    format!("{all} ({} now, {} then).", t.now, t.then)
}

fn per_rule(pairs: &[Pair]) -> Result<(), output::Unwritten> {
    let rows: Vec<Map<String, Value>> = Tally::by_rule(pairs)
        .into_iter()
        .filter(|(_, t)| t.appear + t.disappear + t.change > 0)
        .map(|(rule, t)| {
            let row = json!({"rule": rule, "now": t.now, "then": t.then, "appear": t.appear, "disappear": t.disappear,
                             "change": t.change});
            row.as_object().cloned().unwrap_or_default()
        })
        .collect();
    let columns = [
        Column("rule", "Gap"),
        Column("now", "Now"),
        Column("then", "Then"),
        Column("appear", "Appear"),
        Column("disappear", "Disappear"),
        Column("change", "Change"),
    ];
    output::list(Format::Table, &columns, &rows, "")
}

fn shown(app: &App, format: Format, pairs: &[Pair]) -> Result<(), output::Unwritten> {
    let known = app.engine.known();
    let state = |f: &Option<Finding>| f.as_ref().map(|f| f.state);
    let severity = |f: &Option<Finding>| f.as_ref().map(|f| f.severity);
    let rows: Vec<Map<String, Value>> = pairs
        .iter()
        .map(|p| {
            let mut row = Map::new();
            row.insert("change".into(), json!(p.shift()));
            row.extend(gaps::described(p.latest(), &known.directory));
            row.insert("state_now".into(), json!(state(&p.now)));
            row.insert("state_then".into(), json!(state(&p.then)));
            row.insert("severity_now".into(), json!(severity(&p.now)));
            row.insert("severity_then".into(), json!(severity(&p.then)));
            row
        })
        .collect();
    let table = [
        Column("change", "It"),
        Column("severity", "Severity"),
        Column("rule", "Gap"),
        Column("deal_name", "Deal or who"),
        Column("owner", "Owner"),
        Column("state_now", "Now"),
        Column("state_then", "Then"),
        Column("found", "Found"),
        Column("id", "Id"),
    ];
    let csv = [
        Column("change", ""),
        Column("rule", ""),
        Column("deal", ""),
        Column("deal_name", ""),
        Column("owner", ""),
        Column("state_now", ""),
        Column("state_then", ""),
        Column("severity_now", ""),
        Column("severity_then", ""),
        Column("expected", ""),
        Column("found", ""),
        Column("clears_when", ""),
        Column("id", ""),
    ];
    let columns: &[Column] = if format == Format::Table { &table } else { &csv };
    output::list(format, columns, &lists::shown(app, rows), "All gaps would be as they are.")
}
