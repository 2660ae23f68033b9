//! Every finding that must stand stands, in the right state, and no other one does.

use chrono::Duration;
use serde_json::Value;

use super::{Score, text, time};
use crate::world::{Gap, World, crm};

/// The rules whose truth the world knows. Findings of other rules are not compared.
const KNOWN: &[&str] = &[
    "unsupported_advance",
    "one_sided_advance",
    "skipped_stage",
    "gone_quiet",
    "no_next_step",
    "overdue_close",
    "no_reply",
    "we_owe_reply",
    "no_follow_up",
    "uncorroborated_log",
    "unlisted_stakeholder",
    // nobody is named as a competitor, and no contact has an owner
    "competitor_mentioned",
    "phantom_contact",
];

pub fn compare(world: &World, rows: &[Value], score: &mut Score) {
    let mut left: Vec<&Gap> = world.gaps.iter().collect();
    for row in rows.iter().filter(|r| text(r, "rule").is_some_and(|rule| KNOWN.contains(&rule)) && stands(r)) {
        let sure = left.iter().position(|g| meant(g, row) && !g.optional);
        let Some(at) = sure.or_else(|| left.iter().position(|g| meant(g, row))) else {
            score.gaps.check(false, || format!("surplus: {}", said(world, row)));
            continue;
        };
        let gap = left.swap_remove(at);
        let state = text(row, "state");
        let fits = state == Some(gap.state) || (gap.or_unknown && state == Some("unknown"));
        let right = fits && late(row) == gap.late && stages(gap, row);
        score.gaps.check(right, || format!("{} instead of {} late {}", said(world, row), gap.state, gap.late));
        if gap.state == "unknown" && world.users[world.crm.deal(&gap.deal).owner].mailbox {
            let named = ["blind", "pending"]
                .iter()
                .any(|f| row.get(*f).and_then(Value::as_array).is_some_and(|a| !a.is_empty()));
            score
                .gaps
                .check(named, || format!("{}: unknown, but neither connection nor choice is named", said(world, row)));
        }
    }
    for gap in left.into_iter().filter(|g| !g.optional) {
        let (scene, at) = (world.crm.deal(&gap.deal).scene, gap.at.map(|a| a.0));
        score.gaps.check(false, || {
            format!("missing: [{scene}] {} {} {} late {} {at:?}", gap.rule, gap.deal, gap.state, gap.late)
        });
    }
}

/// Findings that were settled inside their window, or whose cause went away, may or may not be listed.
fn stands(row: &Value) -> bool {
    match text(row, "state") {
        Some("withdrawn") => false,
        Some("resolved") => late(row) && text(row, "rule").is_some_and(|r| r.ends_with("_advance")),
        _ => true,
    }
}

fn late(row: &Value) -> bool {
    row.get("late").and_then(Value::as_bool).unwrap_or(false)
}

fn meant(gap: &Gap, row: &Value) -> bool {
    let same = text(row, "rule") == Some(gap.rule) && text(row, "deal") == Some(&gap.deal);
    let second = Duration::seconds(1);
    let near = |(first, last)| time(row, "deal_at").is_some_and(|t| t >= first - second && t <= last + second);
    same && gap.at.is_none_or(near)
}

/// Stages may be told by id or by name.
fn stages(gap: &Gap, row: &Value) -> bool {
    [("from_stage", &gap.from_stage), ("to_stage", &gap.to_stage)].into_iter().all(|(field, wanted)| {
        wanted.as_deref().is_none_or(|id| {
            let stage = crm::stage(id);
            let said = text(row, field).unwrap_or_default();
            [id, stage.name].contains(&said) || said == format!("{}/{}", stage.pipeline, stage.name)
        })
    })
}

fn said(world: &World, row: &Value) -> String {
    let part = |field| text(row, field).unwrap_or("-").to_owned();
    let deal = part("deal");
    let scene = world.crm.deals.iter().find(|d| d.id == deal).map_or("?", |d| d.scene);
    format!(
        "[{scene}] {} {deal} {} late {} at {} from {} to {}",
        part("rule"),
        part("state"),
        late(row),
        part("deal_at"),
        part("from_stage"),
        part("to_stage")
    )
}
