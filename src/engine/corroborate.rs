//! Entries typed into the CRM: an activity of their own until a captured one confirms them, then a sighting of that one.
//!
//! Which one confirms an entry is a function of the entries and the captured activities as they stand: it is looked at anew
//! whenever either changed, so that an entry is there again as soon as nothing confirms it any more.

use std::collections::{BTreeSet, HashMap, HashSet};

use dealtrail_sdk::record::Typed;

use super::{Connection, Engine, EngineError, Known, identity, matches, matches::Fresh};
use crate::{
    domain::{
        activity::{Activity, Entity, Kind, Match, Origin, Reason, Status, TextState},
        address,
        directory::Directory,
        logs::{self, MAIL_SPAN, MEETING_SPAN},
    },
    store::{
        StoreError, Tx,
        activities::{self, Chosen, Stored},
        entries::{self, Entered},
        meta,
        sightings::{self, Sighting},
    },
};

/// Entries looked at together; they are sorted by time, so that they lie close to each other.
const CHUNK: usize = 400;

const KEY: &str = "corroborate";
const DUE: &str = "due";

/// Activities, entries or contacts changed: what confirms what is looked at again at the end of the pass.
pub async fn due(tx: &mut Tx) -> Result<(), StoreError> {
    meta::set(tx, KEY, DUE).await
}

/// Writes typed entries of a batch; `vanished` are keys of entries (among others) that are gone. An entry that was confirmed
/// stays so until [`Engine::corroborate`] looks at it.
pub async fn write_typed(
    tx: &mut Tx,
    c: &Connection,
    known: &Known,
    stream: i64,
    typed: Vec<(String, Typed)>,
    vanished: &[String],
) -> Result<(), StoreError> {
    let keys: Vec<String> = typed.iter().map(|t| t.0.clone()).chain(vanished.iter().cloned()).collect();
    let old: Vec<Sighting> = sightings::of_items(tx, stream, &keys).await?.into_iter().filter(|s| s.typed).collect();
    let of_old: Vec<String> = old.iter().map(|s| s.activity.clone()).collect();
    let rows = activities::by_ids(tx, &of_old).await?;
    let captured: HashSet<&str> =
        rows.iter().filter(|s| s.activity.origin == Origin::Captured).map(|s| s.activity.id.as_str()).collect();
    let mut fresh = Fresh::default();
    let mut ties = Vec::new();
    for (key, entry) in typed {
        let row = activity(&c.name, &known.directory, &entry);
        let before = old.iter().find(|s| s.key == key);
        let confirmed = before.filter(|s| captured.contains(s.activity.as_str())).map(|s| s.activity.clone());
        let owner = entry.owner.as_deref().and_then(|o| address::fold(o, &known.directory.ours.subaddress));
        ties.push(tie(confirmed.as_ref().unwrap_or(&row.activity.id), stream, key, owner));
        if confirmed.is_none() {
            fresh.rows.push(row);
        }
    }
    for s in &old {
        sightings::remove_one(tx, s).await?;
    }
    sightings::save(tx, &ties).await?;
    matches::choices_follow(tx, &old, &ties, &[]).await?;
    let own: Vec<String> = of_old.iter().filter(|id| !captured.contains(id.as_str())).cloned().collect();
    let orphans = sightings::without(tx, &own).await?;
    matches::mark_around(tx, rows.iter(), &known.directory).await?;
    activities::delete(tx, &orphans).await?;
    if !keys.is_empty() {
        due(tx).await?;
    }
    matches::settle(tx, known, fresh).await
}

fn tie(activity: &str, stream: i64, key: String, owner: Option<String>) -> Sighting {
    let activity = activity.to_owned();
    Sighting { activity, stream, key, owner, direction: None, typed: true, gone_at: None, view: None }
}

/// The activity that an entry of this connection is as long as nothing confirms it.
fn activity(connection: &str, dir: &Directory, t: &Typed) -> Stored {
    let tie = |entity, id: &str| Match {
        entity,
        id: id.to_owned(),
        reason: Reason::Reference,
        score: crate::domain::matching::score(Reason::Reference),
        runner_up: None,
        by: "rule".into(),
    };
    let mut ties: Vec<Match> = t.contacts.iter().map(|id| tie(Entity::Contact, dir.survivor(id))).collect();
    ties.extend(t.deal.iter().map(|id| tie(Entity::Deal, id)));
    let kind = Kind::parse(&t.kind).unwrap_or(Kind::Note);
    let meeting = kind == Kind::Meeting;
    Stored {
        activity: Activity {
            id: identity::of_typed(connection, &t.id),
            kind,
            status: if meeting { Status::Planned } else { Status::Done },
            confirmed: Some(false),
            direction: None,
            occurred_at: t.occurred_at,
            ended_at: meeting.then_some(t.occurred_at),
            participants: Vec::new(),
            matches: ties,
            undecided: Vec::new(),
            tags: Vec::new(),
            origin: Origin::Typed,
            automatic: false,
        },
        all_day: false,
        time_uncertain: false,
        subject: t.subject.clone(),
        text_state: TextState::None,
        thread: None,
        message_id: None,
        dedupe: None,
        ical_uid: None,
        recurrence_id: None,
    }
}

/// Do both have one Message-ID or UID?
fn names(entry: &Typed, s: &Stored) -> bool {
    let same = |a: &Option<String>, b: &Option<String>| a.is_some() && a == b;
    same(&s.message_id, &entry.message_id) || same(&s.ical_uid, &entry.ical_uid)
}

/// The captured activity that an entry belongs to: one with its own Message-ID or UID, else the nearest that confirms it.
fn target<'a>(entry: &Typed, typed: &Activity, captured: &'a [Stored]) -> Option<&'a Stored> {
    let named = |s: &&Stored| names(entry, s);
    let near = |s: &&Stored| ((s.activity.occurred_at - typed.occurred_at).abs(), s.activity.id.clone());
    let all = || captured.iter().filter(|s| s.activity.origin == Origin::Captured && !logs::called_off(&s.activity));
    all()
        .filter(named)
        .min_by_key(near)
        .or_else(|| all().filter(|s| logs::confirms(&s.activity, typed)).min_by_key(near))
}

/// The status of an entry that nothing confirms: a meeting that a calendar says was called off or declined did not happen, and is
/// never counted.
fn status(entry: &Typed, typed: &Activity, captured: &[Stored]) -> Status {
    let off =
        |s: &&Stored| s.activity.kind == Kind::Meeting && typed.kind == Kind::Meeting && logs::called_off(&s.activity);
    let against = captured.iter().filter(|s| logs::contradicts(&s.activity, typed) || off(s) && names(entry, s));
    let nearest = against.min_by_key(|s| ((s.activity.occurred_at - typed.occurred_at).abs(), &s.activity.id));
    nearest.map_or(typed.status, |s| s.activity.status)
}

/// A person's word on the entry's deal, made while it was an activity of its own.
fn as_chosen(row: &mut Activity, choices: &[Chosen]) {
    let mine = || choices.iter().filter(|c| c.activity == row.id);
    let linked: Vec<String> = mine().filter(|c| c.linked).map(|c| c.deal.clone()).collect();
    let removed: Vec<String> = mine().filter(|c| !c.linked).map(|c| c.deal.clone()).collect();
    let deals = |m: &Match| m.entity == Entity::Deal;
    let Some(model) = row.matches.iter().find(|m| deals(m)).cloned().filter(|_| linked.is_empty()) else {
        row.matches.retain(|m| !deals(m));
        let by_person = |id| Match {
            entity: Entity::Deal,
            id,
            reason: Reason::Person,
            score: crate::domain::matching::score(Reason::Person),
            runner_up: None,
            by: "person".into(),
        };
        row.matches.extend(linked.into_iter().map(by_person));
        return;
    };
    if removed.contains(&model.id) {
        row.matches.retain(|m| !deals(m));
    }
}

impl Engine {
    /// Lets captured activities confirm typed entries: each confirmed entry is a sighting and is counted once, as captured.
    /// Returns how many entries are not what they were before.
    pub async fn corroborate(&self) -> Result<u64, EngineError> {
        if self.store.meta(KEY).await?.is_some_and(|state| state != DUE) {
            return Ok(0);
        }
        let mut tx = self.store.begin().await?;
        let known = self.known_in(&mut tx).await?;
        let all = entries::entered(&mut tx).await?;
        let mut moved = 0;
        for chunk in all.chunks(CHUNK) {
            moved += regroup(&mut tx, &known, chunk).await?;
        }
        meta::set(&mut tx, KEY, "done").await?;
        tx.commit().await?;
        Ok(moved)
    }
}

/// Puts these entries where they belong.
async fn regroup(tx: &mut Tx, known: &Known, entries: &[Entered]) -> Result<u64, StoreError> {
    let dir = &known.directory;
    let mut rows: Vec<Stored> = entries.iter().map(|e| activity(&e.connection, dir, &e.entry)).collect();
    let ids: Vec<String> = rows.iter().map(|s| s.activity.id.clone()).collect();
    let choices = activities::choices(tx, &ids).await?;
    let plain: Vec<Stored> = rows.clone();
    for row in &mut rows {
        as_chosen(&mut row.activity, &choices);
    }
    let captured = candidates(tx, entries, &rows).await?;
    let mut there: Vec<String> = entries.iter().filter_map(|e| e.activity.clone()).chain(ids).collect();
    there.sort_unstable();
    there.dedup();
    let before = activities::by_ids(tx, &there).await?;
    let before: HashMap<&str, &Stored> = before.iter().map(|s| (s.activity.id.as_str(), s)).collect();

    let (mut fresh, mut had, mut has) = (Fresh::default(), Vec::new(), Vec::new());
    let (mut left, mut around) = (Vec::new(), Vec::new());
    for ((e, row), mut own) in entries.iter().zip(&rows).zip(plain) {
        own.activity.status = status(&e.entry, &row.activity, &captured);
        let to = target(&e.entry, &row.activity, &captured).map_or(&own.activity.id, |s| &s.activity.id);
        let is_own = *to == own.activity.id;
        let stands = before.get(to.as_str()).is_some_and(|b| b.activity.status == own.activity.status);
        if e.activity.as_ref() == Some(to) && (!is_own || stands) {
            continue;
        }
        let owner = e.entry.owner.as_deref().and_then(|o| address::fold(o, &dir.ours.subaddress));
        has.push(tie(to, e.stream, e.key.clone(), owner.clone()));
        had.extend(e.activity.as_ref().map(|from| tie(from, e.stream, e.key.clone(), owner)));
        around.extend(e.activity.iter().cloned());
        if is_own {
            fresh.rows.push(own);
        } else {
            // what a person decided about the entry stays, and is said of the captured one too
            activities::copy_choices(tx, &own.activity.id, to).await?;
            fresh.again.push(to.clone());
            left.push(own.activity.id.clone());
        }
    }
    for old in &had {
        sightings::remove_one(tx, old).await?;
    }
    sightings::save(tx, &has).await?;
    matches::mark_around(tx, around.iter().chain(&left).filter_map(|id| before.get(id.as_str()).copied()), dir).await?;
    activities::delete(tx, &left).await?;
    let moved = has.len() as u64;
    if moved > 0 {
        matches::settle(tx, known, fresh).await?;
    }
    Ok(moved)
}

/// The captured activities that may confirm any of these entries.
async fn candidates(tx: &mut Tx, entries: &[Entered], rows: &[Stored]) -> Result<Vec<Stored>, StoreError> {
    let times = || rows.iter().map(|s| s.activity.occurred_at);
    let (Some(first), Some(last)) = (times().min(), times().max()) else { return Ok(Vec::new()) };
    let span = MAIL_SPAN.max(MEETING_SPAN);
    let list = |entity| -> Vec<String> {
        let all: BTreeSet<&str> = rows.iter().flat_map(|s| s.activity.ids(entity)).collect();
        all.into_iter().map(str::to_owned).collect()
    };
    let (contacts, deals) = (list(Entity::Contact), list(Entity::Deal));
    let mut all = entries::captured_between(tx, first - span, last + span, &contacts, &deals).await?;
    let message_ids: Vec<String> = entries.iter().filter_map(|e| e.entry.message_id.clone()).collect();
    let uids: Vec<String> = entries.iter().filter_map(|e| e.entry.ical_uid.clone()).collect();
    all.extend(activities::by_message_ids(tx, &message_ids).await?);
    all.extend(activities::by_uids(tx, &uids).await?);
    Ok(all)
}

#[cfg(test)]
mod tests;
