//! `status`: is capture complete, and if not why.

use chrono::{DateTime, Utc};
use clap::Args;
use dealtrail_sdk::Gives;
use serde_json::{Map, Value, json};

use super::{
    lists::{Shown, local},
    output::{self, Column, Format, Unwritten, say},
    shapes,
};
use crate::{app::App, store::connections::State};

/// Every connection and stream: state, last success, complete from and to, what became of its items, last error and what to do.
#[derive(Args, Debug)]
pub struct Status {
    #[command(flatten)]
    pub shown: Shown,
}

impl Status {
    /// # Errors
    /// When the database fails.
    pub async fn run(self, app: &App) -> anyhow::Result<u8> {
        let rows = rows(app, self.shown.format == Format::Table).await?;
        let columns: &[Column] = if self.shown.format == Format::Table {
            &[
                Column("connection", "Connection"),
                Column("stream", "Stream"),
                Column("state", "State"),
                Column("complete_from", "Complete from"),
                Column("complete_to", "to"),
                Column("captured", "Captured"),
                Column("waiting", "Waiting"),
                Column("skipped", "Skipped"),
                Column("quarantined", "Quarantined"),
                Column("last_error", "Last error and what to do"),
            ]
        } else {
            &[
                Column("connection", ""),
                Column("connector", ""),
                Column("owner", ""),
                Column("stream", ""),
                Column("state", ""),
                Column("last_success", ""),
                Column("complete_from", ""),
                Column("complete_to", ""),
                Column("lag_seconds", ""),
                Column("captured", ""),
                Column("waiting", ""),
                Column("skipped", ""),
                Column("quarantined", ""),
                Column("last_error", ""),
            ]
        };
        let empty = "No connections yet. Add a [[connection]] to the configuration; `dealtrail connector list` shows the kinds.";
        output::list(self.shown.format, columns, &rows, empty)?;
        if self.shown.format == Format::Table {
            sentence(&rows)?;
            kept_back(app, &rows)?;
        }
        Ok(0)
    }
}

/// One row per stream; one per connection that has no stream yet.
///
/// # Errors
/// When the database fails.
pub async fn rows(app: &App, for_people: bool) -> anyhow::Result<Vec<Map<String, Value>>> {
    let outcomes = app.store.outcomes().await?;
    let streams = app.store.streams().await?;
    let now = app.clock.now();
    let mut rows = Vec::new();
    for c in app.store.connections().await?.into_iter().filter(|c| !c.removed) {
        let mine: Vec<_> = streams.iter().filter(|s| s.connection == c.name && !s.gone).collect();
        let base = json!({
            "connection": c.name, "connector": c.connector, "owner": c.owner, "state": c.state,
            "last_success": shapes::opt_time(c.last_success), "last_error": c.last_error,
        });
        let Value::Object(base) = base else { continue };
        let of_streams = mine.iter().any(|s| s.last_error.is_some());
        if mine.is_empty() {
            rows.push(base.clone());
        }
        for s in mine {
            let mut row = base.clone();
            let count = |outcome: &str| -> i64 {
                outcomes.iter().filter(|((id, o, _), _)| *id == s.id && o == outcome).map(|(_, n)| n).sum()
            };
            let reasons: Map<String, Value> = outcomes
                .iter()
                .filter(|((id, o, _), _)| *id == s.id && o == "skipped")
                .map(|((_, _, reason), n)| (reason.clone().unwrap_or_default(), json!(n)))
                .collect();
            row.insert("stream".into(), json!(s.stream.name));
            for outcome in ["captured", "waiting", "skipped", "quarantined"] {
                row.insert(outcome.into(), json!(count(outcome)));
            }
            row.insert("skipped_by_reason".into(), Value::Object(reasons));
            row.insert("last_success".into(), shapes::opt_time(s.last_success));
            let moment = |t: Option<DateTime<Utc>>| match t {
                Some(t) if for_people => json!(local(app, t)),
                t => shapes::opt_time(t),
            };
            row.insert("complete_from".into(), moment(s.complete_from));
            row.insert("complete_to".into(), moment(s.complete_to));
            row.insert("lag_seconds".into(), json!(s.complete_to.map(|t| (now - t).num_seconds())));
            // one bad folder does not make the others bad
            if of_streams {
                row.insert("state".into(), json!(if s.last_error.is_some() { c.state } else { State::Ok }));
                row.insert("last_error".into(), json!(s.last_error));
            }
            rows.push(row);
        }
    }
    Ok(rows)
}

fn count(rows: &[Map<String, Value>], key: &str) -> i64 {
    rows.iter().filter_map(|r| r.get(key).and_then(Value::as_i64)).sum()
}

/// Where a calendar's file cannot be read, nobody knows what of it is gone; of the others it is known.
fn kept_back(app: &App, rows: &[Map<String, Value>]) -> Result<(), Unwritten> {
    let calendar = |name: &str| app.engine.connections.iter().any(|c| c.name == name && c.gives == Gives::Calendar);
    let broken = |row: &&Map<String, Value>| row.get("quarantined").and_then(Value::as_i64).is_some_and(|n| n > 0);
    let names = rows.iter().filter(broken).filter_map(|r| r.get("connection").and_then(Value::as_str));
    let mut names: Vec<&str> = names.filter(|name| calendar(name)).collect();
    names.dedup();
    if names.is_empty() {
        return Ok(());
    }
    say!("What was deleted from the files of {} that cannot be read may still count as planned.", names.join(", "))
}

fn sentence(rows: &[Map<String, Value>]) -> Result<(), Unwritten> {
    let failing: Vec<&str> = rows
        .iter()
        .filter(|r| matches!(r.get("state").and_then(Value::as_str), Some("failing" | "needs_action")))
        .filter_map(|r| r.get("connection").and_then(Value::as_str))
        .collect();
    let unreadable = count(rows, "quarantined");
    if unreadable > 0 {
        say!(
            "{unreadable} items could not be read; they are kept and tried again. `dealtrail export decisions` names each \
             with its reason (outcome quarantined)."
        )?;
    }
    let unread = rows.iter().filter(|r| r.get("complete_to").is_none_or(Value::is_null)).count();
    if failing.is_empty() && unread == 0 && !rows.is_empty() {
        return say!("Capture is complete.");
    }
    if unread > 0 {
        say!("Not read through yet: {unread} of {}. Run `dealtrail sync`.", rows.len())?;
    }
    let mut failing = failing;
    failing.dedup();
    if !failing.is_empty() {
        say!("Capture is not complete: {} cannot be read; the last column says what to do.", failing.join(", "))?;
    }
    Ok(())
}
