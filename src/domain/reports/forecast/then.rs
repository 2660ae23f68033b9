//! A deal as it stood at a moment: its changes walked back from what it is now.

use chrono::{DateTime, NaiveDate, Utc};

use super::super::super::{
    directory::{Deal, Directory},
    matching,
    thresholds::GapSettings,
};

/// What a forecast asks of a deal at a moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Then<'a> {
    pub owner: &'a str,
    pub amount: Option<f64>,
    pub close_date: Option<NaiveDate>,
    /// Open, and in the forecast as committed.
    pub committed: bool,
}

pub fn then<'a>(deal: &'a Deal, at: DateTime<Utc>, directory: &Directory, settings: &GapSettings) -> Then<'a> {
    let amount = match changed_after(deal, "amount", at) {
        Some(from) => from.and_then(|text| text.trim().parse().ok()),
        None => deal.amount,
    };
    let close_date = match changed_after(deal, "close_date", at) {
        Some(from) => from.and_then(date),
        None => deal.close_date,
    };
    let category = match changed_after(deal, "forecast_category", at) {
        Some(from) => from,
        None => deal.forecast_category.as_deref(),
    };
    let committed =
        directory.open_at(deal, at) && counts_as_committed(deal, stage_at(deal, at), category, directory, settings);
    Then { owner: matching::owner_at(deal, at), amount, close_date, committed }
}

/// Every date on which the deal was ever to close.
pub fn close_dates(deal: &Deal) -> impl Iterator<Item = NaiveDate> {
    let changed = deal.field_changes.iter().filter(|c| c.field == "close_date");
    deal.close_date.into_iter().chain(changed.filter_map(|c| date(c.from.as_deref()?)))
}

fn date(text: &str) -> Option<NaiveDate> {
    text.trim().get(..10)?.parse().ok()
}

/// The value before the first change after this moment; `None` when there is no such change.
fn changed_after<'a>(deal: &'a Deal, field: &str, at: DateTime<Utc>) -> Option<Option<&'a str>> {
    let mut later = deal.field_changes.iter().filter(|c| c.field == field && c.at > at);
    later.next().map(|c| c.from.as_deref())
}

fn stage_at(deal: &Deal, at: DateTime<Utc>) -> &str {
    let last = deal.stage_changes.iter().rev().find(|c| c.at <= at).map(|c| c.to.as_str());
    let first = || deal.stage_changes.first().and_then(|c| c.from.as_deref());
    last.or_else(first).unwrap_or(&deal.stage)
}

/// By its category, or by the probability of its stage: as the gap rule `commit_without_evidence` is set.
fn counts_as_committed(
    deal: &Deal,
    stage: &str,
    category: Option<&str>,
    directory: &Directory,
    settings: &GapSettings,
) -> bool {
    let known = directory.stages.get(stage);
    let pipeline = known.and_then(|s| s.pipeline.as_deref()).or(deal.pipeline.as_deref());
    let name = known.map_or(stage, |s| s.name.as_str());
    let rule = settings.rule("commit_without_evidence");
    let fold = |text: &str| text.trim().to_lowercase();
    let named = rule.words("categories", pipeline, name);
    let sure = known
        .and_then(|s| s.probability)
        .is_some_and(|p| (p * 100.0).round() >= rule.number("probability", pipeline, name));
    sure || category.is_some_and(|c| named.iter().any(|n| fold(n) == fold(c)))
}

/// The moments of a span (from inclusive, to exclusive) at which anything about the deal may have changed: its beginning, and
/// each change.
pub fn moments(deal: &Deal, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let stages = deal.stage_changes.iter().map(|c| c.at);
    let fields = deal.field_changes.iter().map(|c| c.at);
    let mut all: Vec<DateTime<Utc>> = stages.chain(fields).filter(|at| from < *at && *at < to).chain([from]).collect();
    all.sort();
    all.dedup();
    all
}
