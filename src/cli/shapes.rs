//! The shapes of what is exported, shared by lists, exports and the API: each is said once, column by column, with what the column
//! holds. Every format is made from it. Absent values are null; times are RFC 3339 UTC.

use std::collections::HashMap;

use chrono::{DateTime, SecondsFormat, Utc};

use serde_json::{Map, Value, json};

use crate::{
    domain::{
        activity::{Activity, Entity, Kind},
        directory::{Contact, Deal, Directory},
        gaps::{Finding, sight::NO_MAILBOX},
    },
    store::{
        activities::Stored,
        lists::{Decision, LastContacts, ShownSighting},
        signals::Signals,
    },
};

/// What a column holds, when it holds something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    Text,
    /// A list of texts.
    Texts,
    /// Nested objects.
    Json,
    /// RFC 3339, UTC.
    Time,
    Date,
    Number,
    Flag,
}

/// A column of an export.
#[derive(Clone, Copy, Debug)]
pub struct Typed {
    pub name: &'static str,
    pub holds: Holds,
}

/// Says a shape: its columns in order, and the function that makes a row of them.
macro_rules! shape {
    ($(#[$doc:meta])* $columns:ident, $row:ident($($arg:ident: $type:ty),*) { $($name:ident: $holds:ident = $value:expr;)* }) => {
        $(#[$doc])*
        pub const $columns: &[Typed] = &[$(Typed { name: stringify!($name), holds: Holds::$holds }),*];

        pub fn $row($($arg: $type),*) -> Map<String, Value> {
            let mut row = Map::new();
            $(row.insert(stringify!($name).to_owned(), json!($value));)*
            row
        }
    };
}

pub fn time(at: DateTime<Utc>) -> Value {
    json!(at.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

pub fn opt_time(at: Option<DateTime<Utc>>) -> Value {
    at.map_or(Value::Null, time)
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

/// What tells who of us it was.
const OF_PEOPLE: [&str; 5] = ["owner", "connection", "stream", "changed_by", "by"];
/// Sentences that may name an account.
const SENTENCES: [&str; 3] = ["expected", "found", "clears_when"];

/// Leaves out of a row who of us it was, for exports where a works council watches: owners, accounts, whoever of ours took part.
/// `accounts`: names of connections, which sentences may hold.
pub fn nameless(row: &mut Map<String, Value>, accounts: &[String]) {
    for (key, value) in row.iter_mut() {
        match value {
            Value::String(by) if key == "by" && by == "rule" => {}
            value if OF_PEOPLE.contains(&key.as_str()) => *value = Value::Null,
            value if key == "users" => *value = json!([]),
            Value::Array(all) if key == "blind" => all.clear(),
            Value::String(text) if SENTENCES.contains(&key.as_str()) => {
                for account in accounts.iter().filter(|account| !account.is_empty()) {
                    *text = text.replace(account.as_str(), "one of our accounts");
                }
            }
            Value::Array(all) => {
                for one in all.iter_mut().filter_map(Value::as_object_mut) {
                    if one.get("user").is_some_and(|user| !user.is_null()) {
                        for key in ["address", "name", "contact", "user"] {
                            one.insert(key.to_owned(), Value::Null);
                        }
                    }
                    nameless(one, accounts);
                }
            }
            _ => {}
        }
    }
}

fn ids(a: &Activity, entity: Entity) -> Vec<&str> {
    a.ids(entity).collect()
}

fn participants(a: &Activity) -> Vec<Value> {
    let one = a.participants.iter();
    one.map(|p| {
        json!({"address": p.address, "name": p.name, "role": p.role.as_str(), "contact": p.contact, "user": p.user})
    })
    .collect()
}

fn matches(a: &Activity) -> Vec<Value> {
    let one = a.matches.iter();
    one.map(|m| {
        let runner_up = m.runner_up.as_ref().map(|r| json!({"id": r.id, "score": r.score}));
        json!({"entity": m.entity, "id": m.id, "reason": m.reason, "score": m.score, "runner_up": runner_up, "by": m.by})
    })
    .collect()
}

fn seen(sightings: &[ShownSighting]) -> Vec<Value> {
    let one = sightings.iter();
    one.map(|x| {
        json!({"connection": x.connection, "stream": x.stream, "key": x.key, "owner": x.owner, "direction": x.direction,
               "typed": x.typed, "gone_at": opt_time(x.gone_at)})
    })
    .collect()
}

fn moves(d: &Deal) -> Vec<Value> {
    let one = d.stage_changes.iter();
    one.map(|c| {
        json!({"from_stage_id": c.from, "to_stage_id": c.to, "changed_at": time(c.at), "changed_by": c.by,
               "quality": c.quality, "not_before": opt_time(c.not_before)})
    })
    .collect()
}

fn roles(d: &Deal) -> Vec<Value> {
    d.contacts.iter().map(|c| json!({"contact": c.contact, "role": c.role})).collect()
}

shape! {
    ACTIVITY, activity(s: &Stored, sightings: &[ShownSighting], now: DateTime<Utc>) {
        id: Text = s.activity.id;
        kind: Text = s.activity.kind;
        status: Text = s.activity.status_at(now);
        confirmed: Flag = s.activity.confirmed;
        direction: Text = s.activity.direction;
        occurred_at: Time = time(s.activity.occurred_at);
        ended_at: Time = opt_time(s.activity.ended_at.filter(|_| s.activity.kind == Kind::Meeting));
        all_day: Flag = s.all_day;
        time_uncertain: Flag = s.time_uncertain;
        subject: Text = s.subject;
        text: Text = s.text_state;
        thread: Text = s.thread;
        message_id: Text = s.message_id;
        ical_uid: Text = s.ical_uid;
        recurrence_id: Time = opt_time(s.recurrence_id);
        participants: Json = participants(&s.activity);
        contacts: Texts = ids(&s.activity, Entity::Contact);
        companies: Texts = ids(&s.activity, Entity::Company);
        deals: Texts = ids(&s.activity, Entity::Deal);
        users: Texts = users(s, sightings);
        matches: Json = matches(&s.activity);
        undecided: Texts = s.activity.undecided;
        tags: Texts = s.activity.tags;
        sightings: Json = seen(sightings);
        origin: Text = s.activity.origin;
    }
}

shape! {
    DECISION, decision(d: &Decision) {
        connection: Text = d.connection;
        stream: Text = d.stream;
        key: Text = d.key;
        message_id: Text = d.message_id;
        ical_uid: Text = d.ical_uid;
        recurrence_id: Time = opt_time(d.recurrence_id);
        occurred_at: Time = opt_time(d.occurred_at);
        outcome: Text = d.outcome;
        reason: Text = d.reason;
        detail: Text = d.detail;
        activity: Text = d.activity;
        decided_at: Time = time(d.decided_at);
        gone_at: Time = opt_time(d.gone_at);
    }
}

shape! {
    GAP, gap(f: &Finding) {
        id: Text = f.id;
        rule: Text = f.rule;
        state: Text = f.state;
        severity: Text = f.severity;
        deal: Text = f.deal;
        contact: Text = f.contact;
        activity: Text = f.activity;
        company: Text = f.company;
        owner: Text = f.owner;
        from_stage: Text = f.from_stage;
        to_stage: Text = f.to_stage;
        deal_at: Time = opt_time(f.deal_at);
        at_quality: Text = f.at_quality;
        window_from: Time = opt_time(f.window_from);
        window_to: Time = opt_time(f.window_to);
        expected: Text = f.expected;
        found: Text = f.found;
        clears_when: Text = f.clears_when;
        evidence: Texts = f.evidence;
        // who had no mailbox at all is said in `found`: here stand connections
        blind: Texts = f.blind.iter().filter(|b| !b.starts_with(NO_MAILBOX)).collect::<Vec<_>>();
        pending: Texts = f.pending;
        since: Time = time(f.since);
        snoozed_until: Time = opt_time(f.snoozed_until);
        note: Text = f.note;
        by: Text = f.by;
        resolved_by: Text = f.resolved_by;
        resolved_at: Time = opt_time(f.resolved_at);
        late: Flag = f.late;
    }
}

shape! {
    DEAL, deal(d: &Deal, dir: &Directory) {
        id: Text = d.id;
        name: Text = d.name;
        company_id: Text = d.company;
        contacts: Json = roles(d);
        owner: Text = d.owner;
        pipeline: Text = d.pipeline;
        stage_id: Text = d.stage;
        stage: Text = dir.stages.get(&d.stage).map(|s| s.name.as_str());
        amount: Number = d.amount;
        currency: Text = d.currency;
        close_date: Date = d.close_date;
        forecast_category: Text = d.forecast_category;
        created_at: Time = opt_time(d.created_at);
        closed_at: Time = opt_time(d.closed_at);
        stage_changes: Json = moves(d);
    }
}

/// Its own, then those of the contacts that were merged into it.
pub fn addresses<'c>(c: &'c Contact, taken_over: &TakenOver<'c>) -> Vec<&'c str> {
    let more = taken_over.get(c.id.as_str()).into_iter().flatten().copied();
    let mut all: Vec<&str> = Vec::new();
    for address in c.emails.iter().map(String::as_str).chain(more) {
        if !all.contains(&address) {
            all.push(address);
        }
    }
    all
}

/// As [`crate::domain::directory::Directory::taken_over`] gives them.
pub type TakenOver<'c> = HashMap<&'c str, Vec<&'c str>>;

shape! {
    CONTACT, contact(c: &Contact, taken_over: &TakenOver<'_>, signals: Option<&Signals>, last: &LastContacts) {
        id: Text = c.id;
        name: Text = c.name;
        emails: Texts = addresses(c, taken_over);
        company: Text = c.company;
        owner: Text = c.owner;
        merged_into: Text = c.merged_into;
        address_dead_at: Time = opt_time(signals.and_then(|s| s.dead_at));
        away_until: Time = opt_time(signals.and_then(|s| s.away_until));
        last_in: Time = opt_time(last.get(&c.id).and_then(|l| l.0));
        last_out: Time = opt_time(last.get(&c.id).and_then(|l| l.1));
    }
}
