//! The export that a faultless program would write for a world: the score is checked against it.

use serde_json::{Value, json};

use super::{
    DealChoice, Exports, Ties, World, days,
    truth::{Activity, Kind},
};

pub fn exports(world: &World, ties: &Ties) -> Exports {
    let lines = |rows: Vec<Value>| rows.iter().map(|r| format!("{r}\n")).collect();
    Exports {
        activities: lines(world.activities.iter().enumerate().map(|(ix, a)| activity(world, ties, ix, a)).collect()),
        decisions: lines(decisions(world, ties)),
        gaps: lines(world.gaps.iter().filter(|g| !g.optional).map(gap).collect()),
        deals: lines(
            world
                .crm
                .deals
                .iter()
                .map(|d| json!({"id": d.id, "stage_changes": d.moves.iter().map(|m| m.0).collect::<Vec<_>>()}))
                .collect(),
        ),
        contacts: lines(
            world
                .crm
                .contacts
                .iter()
                .filter(|c| c.merged_into.is_none())
                .map(|c| json!({"id": c.id, "address_dead_at": c.dead.filter(|d| *d).map(|_| "2026-01-01T00:00:00Z")}))
                .collect(),
        ),
    }
}

fn activity(world: &World, ties: &Ties, ix: usize, a: &Activity) -> Value {
    let mut sightings: Vec<Value> = Vec::new();
    for ((connection, stream, key), copy) in &ties.copies {
        if world.copies[*copy].truth.as_ref().and_then(|t| t.activity) == Some(ix) {
            sightings.push(json!({"connection": connection, "stream": stream, "key": key}));
        }
    }
    for owner in &a.calendars {
        let key = event_key(a.uid.as_deref().unwrap_or_default(), a.recurrence_id);
        sightings.push(json!({"connection": world.calendar_connection(*owner), "stream": "work", "key": key}));
    }
    for id in &a.typed {
        sightings.push(json!({"connection": "crm", "stream": "activities.csv", "key": id, "typed": true}));
    }
    let tie = |deal: &str, reasons: &[&str]| json!([{"entity": "deal", "id": deal, "reason": reasons.first(), "score": 0.9, "by": "rule"}]);
    let (deals, undecided, matches) = match &a.deal {
        DealChoice::Nothing => (json!([]), json!([]), json!([])),
        DealChoice::Decided { deal, reasons } => (json!([deal]), json!([]), tie(deal, reasons)),
        DealChoice::Undecided(list) => (json!([]), json!(list), json!([])),
    };
    json!({
        "id": format!("x{ix}"), "kind": a.kind.word(), "status": a.status.word(), "confirmed": a.confirmed,
        "direction": a.direction, "occurred_at": a.at.to_rfc3339(), "ended_at": a.end.map(|t| t.to_rfc3339()),
        "all_day": a.all_day, "subject": a.subject, "message_id": a.message_id, "ical_uid": a.uid,
        "recurrence_id": a.recurrence_id.map(|t| t.to_rfc3339()), "contacts": a.contacts, "companies": a.companies,
        "deals": deals, "undecided": undecided, "matches": matches, "tags": a.tags, "sightings": sightings,
        "origin": if a.typed_only { "typed" } else { "captured" },
    })
}

fn event_key(uid: &str, recurrence: Option<chrono::DateTime<chrono::Utc>>) -> String {
    format!("/cal/e.ics#{uid}#{}", recurrence.map_or_else(|| "-".to_owned(), days::basic))
}

fn decisions(world: &World, ties: &Ties) -> Vec<Value> {
    let mut rows = Vec::new();
    for ((connection, stream, key), copy) in &ties.copies {
        if let Some(t) = &world.copies[*copy].truth {
            rows.push(json!({
                "connection": connection, "stream": stream, "key": key, "outcome": t.outcome.word(), "reason": t.reason,
                "activity": t.activity.map(|ix| format!("x{ix}")),
            }));
        }
    }
    for e in &world.events {
        rows.push(json!({
            "connection": world.calendar_connection(e.owner), "stream": "work", "key": event_key(&e.uid, e.recurrence_id),
            "outcome": e.truth.outcome.word(), "reason": e.truth.reason,
            "activity": e.truth.activity.map(|ix| format!("x{ix}")),
        }));
    }
    rows
}

fn gap(g: &super::Gap) -> Value {
    json!({
        "rule": g.rule, "deal": g.deal, "state": g.state, "late": g.late, "deal_at": g.at.map(|a| a.1.to_rfc3339()),
        "from_stage": g.from_stage, "to_stage": g.to_stage, "pending": ["x"],
    })
}

/// The row of the first activity of a kind, taken out of an export of activities.
pub fn first_of(exports: &Exports, kind: Kind) -> String {
    let wanted = format!("\"kind\":\"{}\"", kind.word());
    exports.activities.lines().find(|l| l.contains(&wanted)).expect("an activity of that kind").to_owned()
}
