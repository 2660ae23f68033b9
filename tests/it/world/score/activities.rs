//! Every thing that happened is one activity, with its people, its deal and its sightings.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Duration;
use serde_json::Value;

use super::{Score, event_key, ids, place, text, time};
use crate::world::{
    Activity, DealChoice, Ties, World,
    truth::{Kind, Status},
};

pub fn compare(world: &World, ties: &Ties, rows: &[Value], score: &mut Score) {
    let mut found: BTreeMap<usize, &Value> = BTreeMap::new();
    for row in rows {
        let id = text(row, "id").unwrap_or_default();
        let owners = owners(world, ties, row);
        let names: Vec<&str> = owners.iter().map(|ix| world.activities[*ix].scene).collect();
        match owners.first() {
            None => score.activities.check(false, || format!("surplus: {id} {}", whence(world, ties, row))),
            Some(_) if owners.len() > 1 => {
                score.activities.check(false, || format!("{id} holds several things: {names:?}"));
            }
            Some(ix) => {
                let double = found.insert(*ix, row).is_some();
                score.activities.check(!double, || format!("double: {id} {names:?}"));
            }
        }
    }
    let copies = copies_of(world, ties);
    for (ix, truth) in world.activities.iter().enumerate() {
        let Some(row) = found.get(&ix) else {
            score.activities.check(false, || format!("missing: {}", label(truth)));
            continue;
        };
        sightings(world, truth, row, copies.get(&ix), score);
        people(truth, row, score);
        deal(truth, row, score);
        fields(truth, row, score);
        if truth.kind == Kind::Meeting {
            meeting(truth, row, score);
        }
    }
}

fn label(a: &Activity) -> String {
    let id = a.uid.as_deref().or(a.message_id.as_deref()).unwrap_or("-");
    format!("[{}] {} {id} of {}", a.scene, a.kind.word(), a.at.format("%Y-%m-%dT%H:%M"))
}

fn sighting_rows(row: &Value) -> impl Iterator<Item = &Value> {
    row.get("sightings").and_then(Value::as_array).into_iter().flatten()
}

/// For a surplus activity: the scenes its sightings come from.
fn whence(world: &World, ties: &Ties, row: &Value) -> String {
    let scenes: BTreeSet<&str> = sighting_rows(row)
        .filter_map(|s| ties.copies.get(&place(s)))
        .map(|ix| world.mails[world.copies[*ix].mail].scene)
        .collect();
    format!("{} {} {scenes:?}", text(row, "kind").unwrap_or_default(), text(row, "ical_uid").unwrap_or_default())
}

/// Which truths a row stands for: by its meeting identity, or by the copies and typed entries it was seen in.
fn owners(world: &World, ties: &Ties, row: &Value) -> BTreeSet<usize> {
    if text(row, "kind") == Some("meeting") && text(row, "ical_uid").is_some() {
        return meeting_owner(world, row);
    }
    let mut all = BTreeSet::new();
    for s in sighting_rows(row) {
        let (connection, stream, key) = place(s);
        if connection == "crm" {
            let typed = |a: &Activity| a.typed.contains(&key);
            all.extend(world.activities.iter().position(typed));
        } else {
            let copy = ties.copies.get(&(connection, stream, key)).map(|ix| &world.copies[*ix]);
            all.extend(copy.and_then(|c| c.truth.as_ref()).and_then(|t| t.activity));
        }
    }
    all
}

fn meeting_owner(world: &World, row: &Value) -> BTreeSet<usize> {
    let (uid, recurrence, start) = (text(row, "ical_uid"), time(row, "recurrence_id"), time(row, "occurred_at"));
    let same = |a: &Activity| a.uid.as_deref() == uid && a.recurrence_id == recurrence;
    let list: Vec<usize> = (0..world.activities.len()).filter(|ix| same(&world.activities[*ix])).collect();
    // One UID may stand for two meetings: then the time tells.
    let exact = list.iter().copied().find(|ix| Some(world.activities[*ix].at) == start);
    exact.or_else(|| list.first().copied()).into_iter().collect()
}

type Places = BTreeSet<(String, String, String)>;

/// The places in which each activity's copies lie.
fn copies_of(world: &World, ties: &Ties) -> BTreeMap<usize, Places> {
    let mut all: BTreeMap<usize, Places> = BTreeMap::new();
    for (slot, ix) in &ties.copies {
        if let Some(activity) = world.copies[*ix].truth.as_ref().and_then(|t| t.activity) {
            all.entry(activity).or_default().insert(slot.clone());
        }
    }
    all
}

fn sightings(world: &World, truth: &Activity, row: &Value, copies: Option<&Places>, score: &mut Score) {
    let seen: Places = sighting_rows(row).map(place).collect();
    if truth.kind == Kind::Email {
        let mail: Places = seen.iter().filter(|s| s.0.ends_with("-mail")).cloned().collect();
        let wanted = copies.cloned().unwrap_or_default();
        score.activities.check(mail == wanted, || {
            format!("{}: {} sightings in mail instead of {}", label(truth), mail.len(), wanted.len())
        });
    }
    for &owner in &truth.calendars {
        let connection = world.calendar_connection(owner);
        let there = seen.iter().any(|s| s.0 == connection && event_key(&s.2).is_some());
        score.activities.check(there, || format!("{}: not seen in {connection}", label(truth)));
    }
    for id in &truth.typed {
        let there = seen.iter().any(|s| s.0 == "crm" && s.2 == *id);
        score.activities.check(there, || format!("{}: typed entry {id} is no sighting of it", label(truth)));
    }
    let origin = if truth.typed_only { "typed" } else { "captured" };
    let right = text(row, "origin") == Some(origin);
    score.activities.check(right, || format!("{}: origin is not {origin}", label(truth)));
}

fn people(truth: &Activity, row: &Value, score: &mut Score) {
    let contacts = ids(row, "contacts");
    let right = contacts == truth.contacts;
    score.contacts.check(right, || format!("{}: contacts {contacts:?} instead of {:?}", label(truth), truth.contacts));
    if truth.typed_only {
        // Whether a contact that was ticked, not seen by its address, brings its company along is left open.
        return;
    }
    let companies = ids(row, "companies");
    let right = companies == truth.companies;
    score
        .contacts
        .check(right, || format!("{}: companies {companies:?} instead of {:?}", label(truth), truth.companies));
}

fn deal(truth: &Activity, row: &Value, score: &mut Score) {
    let (deals, open) = (ids(row, "deals"), ids(row, "undecided"));
    let matches = row.get("matches").and_then(Value::as_array);
    let tie = matches.into_iter().flatten().find(|m| text(m, "entity") == Some("deal"));
    let reason = tie.and_then(|m| text(m, "reason")).unwrap_or_default();
    match &truth.deal {
        DealChoice::Nothing => {
            let right = deals.is_empty() && open.is_empty();
            score.undecided.check(right, || format!("{}: {deals:?}, open {open:?}, where no deal was", label(truth)));
        }
        DealChoice::Undecided(wanted) => {
            let right = deals.is_empty() && open == *wanted;
            score.undecided.check(right, || {
                format!("{}: {deals:?} by {reason:?}, open {open:?} instead of open {wanted:?}", label(truth))
            });
        }
        DealChoice::Decided { deal, reasons } => {
            let right = deals.len() == 1 && deals.contains(deal) && open.is_empty();
            score.deals.check(right, || {
                format!("{}: {deals:?} by {reason:?}, open {open:?} instead of {deal} by {reasons:?}", label(truth))
            });
            if right && !reasons.is_empty() {
                let scored =
                    tie.and_then(|m| m.get("score")).and_then(Value::as_f64).is_some_and(|s| s > 0.0 && s <= 1.0);
                let ruled = tie.and_then(|m| text(m, "by")) == Some("rule");
                let fits = reasons.contains(&reason) && scored && ruled;
                score.steps.check(fits, || format!("{}: decided by {reason:?} instead of {reasons:?}", label(truth)));
            }
        }
    }
}

fn fields(truth: &Activity, row: &Value, score: &mut Score) {
    let fold = |s: &str| s.split_whitespace().collect::<Vec<_>>().join(" ");
    let kind = text(row, "kind") == Some(truth.kind.word());
    score.fields.check(kind, || format!("{}: kind {:?}", label(truth), text(row, "kind")));
    if !truth.typed_only {
        let direction = text(row, "direction");
        score.fields.check(direction == truth.direction, || format!("{}: direction {direction:?}", label(truth)));
    }
    let at = time(row, "occurred_at");
    let right = at.is_some_and(|t| t >= truth.at && t < truth.at_latest + Duration::seconds(1));
    score.fields.check(right, || format!("{}: occurred at {at:?}", label(truth)));
    if let Some(subject) = &truth.subject {
        let right = text(row, "subject").map(fold) == Some(fold(subject));
        score.fields.check(right, || format!("{}: another subject", label(truth)));
    }
    let id = text(row, "message_id");
    if truth.kind == Kind::Email {
        score.fields.check(id == truth.message_id.as_deref(), || format!("{}: Message-ID {id:?}", label(truth)));
    }
    for tag in &truth.tags {
        score.fields.check(ids(row, "tags").contains(*tag), || format!("{}: no tag {tag}", label(truth)));
    }
    if truth.kind != Kind::Meeting {
        let done = text(row, "status") == Some(Status::Done.word());
        score.fields.check(done, || format!("{}: status {:?}", label(truth), text(row, "status")));
    }
}

fn meeting(truth: &Activity, row: &Value, score: &mut Score) {
    let (status, confirmed) = (text(row, "status"), row.get("confirmed").and_then(Value::as_bool));
    let all_day = row.get("all_day").and_then(Value::as_bool);
    let (at, end) = (time(row, "occurred_at"), time(row, "ended_at"));
    let right = at == Some(truth.at)
        && end == truth.end
        && status == Some(truth.status.word())
        && (truth.confirmed.is_none() || confirmed == truth.confirmed)
        && all_day.unwrap_or(false) == truth.all_day;
    score.meetings.check(right, || {
        format!(
            "{}: {at:?} to {end:?}, {status:?}, confirmed {confirmed:?}, all day {all_day:?} instead of {} to {:?}, {:?}, {:?}, {}",
            label(truth),
            truth.at,
            truth.end,
            truth.status,
            truth.confirmed,
            truth.all_day
        )
    });
}
