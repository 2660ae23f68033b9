//! For machines: is the database there, and a few counts in Prometheus' text form. Nothing personal: no name, no address, no
//! connection.

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc};

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};

use super::desk::Desk;
use crate::store::StoreError;

pub async fn ready(State(desk): State<Arc<Desk>>) -> Response {
    match desk.store.ready().await {
        Ok(()) => "ready\n".into_response(),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n").into_response(),
    }
}

pub async fn page(State(desk): State<Arc<Desk>>) -> Response {
    match text(&desk).await {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response(),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n").into_response(),
    }
}

async fn text(desk: &Desk) -> Result<String, StoreError> {
    let mut out = String::new();
    let mut kinds: BTreeMap<String, i64> = BTreeMap::new();
    for (kind, _, n) in desk.store.counts(desk.now()).await? {
        *kinds.entry(kind).or_default() += n;
    }
    family(&mut out, "dealtrail_activities", "Activities by kind.", "kind", kinds);
    let mut outcomes: BTreeMap<String, i64> = BTreeMap::new();
    for ((_, outcome, _), n) in desk.store.outcomes().await? {
        *outcomes.entry(outcome).or_default() += n;
    }
    outcomes.remove("read");
    family(
        &mut out,
        "dealtrail_decisions",
        "Items of mailboxes and calendars by what became of them.",
        "outcome",
        outcomes,
    );
    family(&mut out, "dealtrail_gaps", "Findings by state.", "state", desk.store.finding_counts().await?);
    let mut states: BTreeMap<String, i64> = BTreeMap::new();
    for connection in desk.store.connections().await?.iter().filter(|c| !c.removed) {
        *states.entry(connection.state.to_string()).or_default() += 1;
    }
    family(&mut out, "dealtrail_connections", "Connections by state.", "state", states);
    Ok(out)
}

/// The labels are words of ours; they hold nothing that would need escaping.
fn family(out: &mut String, name: &str, help: &str, label: &str, values: impl IntoIterator<Item = (String, i64)>) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge");
    for (value, n) in values {
        let value: String = value.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        let _ = writeln!(out, "{name}{{{label}=\"{value}\"}} {n}");
    }
}
