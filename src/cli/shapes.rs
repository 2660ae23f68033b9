//! The JSON shapes of the export, shared by lists, exports and the API. Absent values are null; times are RFC 3339 UTC.

use chrono::{DateTime, SecondsFormat, Utc};

use serde_json::{Map, Value, json};

use crate::{
    domain::{
        activity::{Entity, Kind, Role},
        directory::{Contact, Deal, Directory},
        gaps::{Finding, sight::NO_MAILBOX},
    },
    store::{
        activities::Stored,
        lists::{Decision, LastContacts, ShownSighting},
        signals::Signals,
    },
};

pub fn time(at: DateTime<Utc>) -> Value {
    json!(at.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

pub fn opt_time(at: Option<DateTime<Utc>>) -> Value {
    at.map_or(Value::Null, time)
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// Our users on an activity, else the owners of its sightings.
pub fn users(s: &Stored, sightings: &[ShownSighting]) -> Vec<String> {
    let mut users: Vec<String> = s.activity.participants.iter().filter_map(|p| p.user.clone()).collect();
    if users.is_empty() {
        users = sightings.iter().filter_map(|x| x.owner.clone()).collect();
    }
    users.sort();
    users.dedup();
    users
}

pub fn activity(s: &Stored, sightings: &[ShownSighting], now: DateTime<Utc>) -> Map<String, Value> {
    let a = &s.activity;
    let ids = |entity| a.ids(entity).collect::<Vec<_>>();
    let participants: Vec<Value> = a
        .participants
        .iter()
        .map(|p| json!({"address": p.address, "name": p.name, "role": role(p.role), "contact": p.contact, "user": p.user}))
        .collect();
    let matches: Vec<Value> = a
        .matches
        .iter()
        .map(|m| {
            let runner_up = m.runner_up.as_ref().map(|r| json!({"id": r.id, "score": r.score}));
            json!({"entity": m.entity, "id": m.id, "reason": m.reason, "score": m.score, "runner_up": runner_up, "by": m.by})
        })
        .collect();
    let sightings_shown: Vec<Value> = sightings
        .iter()
        .map(|x| {
            json!({"connection": x.connection, "stream": x.stream, "key": x.key, "owner": x.owner, "direction": x.direction,
                   "typed": x.typed, "gone_at": opt_time(x.gone_at)})
        })
        .collect();
    let meeting = a.kind == Kind::Meeting;
    object(json!({
        "id": a.id,
        "kind": a.kind,
        "status": a.status_at(now),
        "confirmed": a.confirmed,
        "direction": a.direction,
        "occurred_at": time(a.occurred_at),
        "ended_at": opt_time(a.ended_at.filter(|_| meeting)),
        "all_day": s.all_day,
        "time_uncertain": s.time_uncertain,
        "subject": s.subject,
        "text": s.text_state,
        "thread": s.thread,
        "message_id": s.message_id,
        "ical_uid": s.ical_uid,
        "recurrence_id": opt_time(s.recurrence_id),
        "participants": participants,
        "contacts": ids(Entity::Contact),
        "companies": ids(Entity::Company),
        "deals": ids(Entity::Deal),
        "users": users(s, sightings),
        "matches": matches,
        "undecided": a.undecided,
        "tags": a.tags,
        "sightings": sightings_shown,
        "origin": a.origin,
    }))
}

fn role(role: Role) -> &'static str {
    role.as_str()
}

pub fn decision(d: &Decision) -> Map<String, Value> {
    object(json!({
        "connection": d.connection,
        "stream": d.stream,
        "key": d.key,
        "message_id": d.message_id,
        "ical_uid": d.ical_uid,
        "recurrence_id": opt_time(d.recurrence_id),
        "occurred_at": opt_time(d.occurred_at),
        "outcome": d.outcome,
        "reason": d.reason,
        "detail": d.detail,
        "activity": d.activity,
        "decided_at": time(d.decided_at),
        "gone_at": opt_time(d.gone_at),
    }))
}

pub fn gap(f: &Finding) -> Map<String, Value> {
    object(json!({
        "id": f.id,
        "rule": f.rule,
        "state": f.state,
        "severity": f.severity,
        "deal": f.deal,
        "contact": f.contact,
        "activity": f.activity,
        "company": f.company,
        "owner": f.owner,
        "from_stage": f.from_stage,
        "to_stage": f.to_stage,
        "deal_at": opt_time(f.deal_at),
        "at_quality": f.at_quality,
        "window_from": opt_time(f.window_from),
        "window_to": opt_time(f.window_to),
        "expected": f.expected,
        "found": f.found,
        "clears_when": f.clears_when,
        "evidence": f.evidence,
        // who had no mailbox at all is said in `found`: here stand connections
        "blind": f.blind.iter().filter(|b| !b.starts_with(NO_MAILBOX)).collect::<Vec<_>>(),
        "pending": f.pending,
        "since": time(f.since),
        "snoozed_until": opt_time(f.snoozed_until),
        "note": f.note,
        "by": f.by,
        "resolved_by": f.resolved_by,
        "resolved_at": opt_time(f.resolved_at),
        "late": f.late,
    }))
}

pub fn deal(d: &Deal, dir: &Directory) -> Map<String, Value> {
    let contacts: Vec<Value> = d.contacts.iter().map(|c| json!({"contact": c.contact, "role": c.role})).collect();
    let changes: Vec<Value> = d
        .stage_changes
        .iter()
        .map(|c| {
            json!({"from_stage_id": c.from, "to_stage_id": c.to, "changed_at": time(c.at), "changed_by": c.by,
                   "quality": c.quality, "not_before": opt_time(c.not_before)})
        })
        .collect();
    object(json!({
        "id": d.id,
        "name": d.name,
        "company_id": d.company,
        "contacts": contacts,
        "owner": d.owner,
        "pipeline": d.pipeline,
        "stage_id": d.stage,
        "stage": dir.stages.get(&d.stage).map(|s| s.name.clone()),
        "amount": d.amount,
        "currency": d.currency,
        "close_date": d.close_date,
        "forecast_category": d.forecast_category,
        "created_at": opt_time(d.created_at),
        "closed_at": opt_time(d.closed_at),
        "stage_changes": changes,
    }))
}

pub fn contact(c: &Contact, signals: Option<&Signals>, last: &LastContacts) -> Map<String, Value> {
    let signals = signals.copied().unwrap_or_default();
    let (last_in, last_out) = last.get(&c.id).copied().unwrap_or_default();
    object(json!({
        "id": c.id,
        "name": c.name,
        "emails": c.emails,
        "company": c.company,
        "owner": c.owner,
        "merged_into": c.merged_into,
        "address_dead_at": opt_time(signals.dead_at),
        "away_until": opt_time(signals.away_until),
        "last_in": opt_time(last_in),
        "last_out": opt_time(last_out),
    }))
}
