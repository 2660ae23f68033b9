//! Writes decided events, from calendars and from mail: everything said about one UID is gathered and each of its
//! meetings is settled anew.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use dealtrail_sdk::record::Event;

use super::{Connection, Known, decide, identity, matches::Fresh};
use crate::{
    domain::{
        activity::{Activity, Kind, Level, Origin, Status, TextState},
        address,
        capture::Decision,
        meeting::{self, Seen, View},
    },
    store::{
        Store, StoreError, Tx, activities,
        activities::Stored,
        connections,
        items::{self, Decided, Outcome},
        sightings::{self, Sighting},
    },
};

/// What a batch of events turns into, before it is written.
#[derive(Default)]
pub struct Written {
    pub decisions: Vec<Decided>,
    pub sightings: Vec<Sighting>,
    pub fresh: Fresh,
    /// Mail items and the first meeting each of them is part of.
    pub of_mail: HashMap<String, String>,
    /// Meetings that turned out to be part of others: gone -> the one that stays.
    pub merged: Vec<(String, String)>,
}

/// All that is known about the UIDs of a batch.
struct Board<'a> {
    known: &'a Known,
    rows: BTreeMap<String, Stored>,
    /// By activity, then by (stream, key).
    views: HashMap<String, BTreeMap<(i64, String), Sighting>>,
    /// How much is kept of what each stream holds.
    levels: HashMap<i64, Level>,
    touched: BTreeSet<String>,
}

/// Settles all meetings that the batch speaks of, `gone` being items of `stream` that have just vanished.
#[expect(clippy::too_many_arguments, reason = "one batch with its surroundings")]
pub async fn prepare(
    tx: &mut Tx,
    store: &Store,
    c: &Connection,
    known: &Known,
    stream: i64,
    entries: &[decide::Entry],
    mails: &[decide::Mail],
    gone: &[String],
    now: DateTime<Utc>,
) -> Result<Written, StoreError> {
    let mut uids: BTreeSet<String> = entries.iter().map(|e| e.event.uid.clone()).collect();
    uids.extend(mails.iter().flat_map(|m| &m.events).map(|e| e.event.uid.clone()));
    let lost: Vec<String> = sightings::of_items(tx, stream, gone).await?.into_iter().map(|s| s.activity).collect();
    let keys: Vec<String> = entries.iter().map(|e| e.key.clone()).chain(mails.iter().map(|m| m.key.clone())).collect();
    let before: Vec<Sighting> =
        sightings::of_items(tx, stream, &keys).await?.into_iter().filter(|s| s.view.is_some()).collect();
    let known_before: Vec<String> = lost.iter().cloned().chain(before.iter().map(|s| s.activity.clone())).collect();
    uids.extend(activities::by_ids(tx, &known_before).await?.into_iter().filter_map(|s| s.ical_uid));
    let uids: Vec<String> = uids.into_iter().collect();
    let mut board = Board::load(tx, known, &uids).await?;
    board.touched.extend(lost);

    let mut written = Written::default();
    let mut placed: BTreeSet<(String, String)> = BTreeSet::new();
    for entry in entries {
        let activity = if let Decision::Captured(captured) = &entry.decision {
            // what would not be captured any more only stands for its frozen view: none of its words are kept
            let level = if captured.participants.is_empty() { Level::Metadata } else { c.content };
            let view = View::new(&entry.event, None, c.owner.clone(), level);
            let id = board.place(&entry.event, view, c, stream, &entry.key, now);
            placed.insert((id.clone(), entry.key.clone()));
            Some(id)
        } else {
            None
        };
        written.decisions.push(decision(entry, activity, store));
    }
    for mail in mails {
        for e in mail.events.iter().filter(|e| matches!(e.decision, Decision::Captured(_))) {
            let view = View::new(&e.event, Some(e.method), c.owner.clone(), c.content);
            for id in board.places_of_mail(e, view, c, stream, &mail.key, now) {
                placed.insert((id.clone(), mail.key.clone()));
                written.of_mail.entry(mail.key.clone()).or_insert(id);
            }
        }
    }
    for s in before.iter().filter(|s| !placed.contains(&(s.activity.clone(), s.key.clone()))) {
        board.leave(s);
    }
    written.merged = board.spread_remarks();
    for (_, stays) in &written.merged {
        for id in written.of_mail.values_mut() {
            if written.merged.iter().any(|(from, _)| from == id) {
                id.clone_from(stays);
            }
        }
    }
    for (other, key) in board.settle(&mut written) {
        items::recheck(tx, other, &key).await?;
    }
    Ok(written)
}

fn decision(entry: &decide::Entry, activity: Option<String>, store: &Store) -> Decided {
    let (outcome, reason, detail) = match &entry.decision {
        Decision::Captured(_) => (Outcome::Captured, None, None),
        Decision::Skipped { reason, detail } => (Outcome::Skipped, Some(reason.as_str().to_owned()), detail.clone()),
        Decision::Waiting(_) => (Outcome::Waiting, Some("unknown_party".to_owned()), None),
    };
    let blind = match &entry.decision {
        Decision::Waiting(outsiders) => decide::traces(outsiders).iter().map(|t| store.blind(t)).collect(),
        _ => Vec::new(),
    };
    Decided {
        key: entry.key.clone(),
        resource: entry.resource.clone(),
        version: entry.version.clone(),
        outcome,
        reason,
        detail,
        message_id: None,
        ical_uid: Some(entry.event.uid.clone()).filter(|_| outcome != Outcome::Waiting),
        recurrence_id: entry.event.recurrence_id,
        occurred_at: Some(entry.event.start),
        dated: None,
        activity,
        tags: Vec::new(),
        attempts: 0,
        retry_at: None,
        blind,
    }
}

impl<'a> Board<'a> {
    async fn load(tx: &mut Tx, known: &'a Known, uids: &[String]) -> Result<Self, StoreError> {
        let rows: BTreeMap<String, Stored> =
            activities::by_uids(tx, uids).await?.into_iter().map(|s| (s.activity.id.clone(), s)).collect();
        let ids: Vec<String> = rows.keys().cloned().collect();
        let mut views: HashMap<String, BTreeMap<(i64, String), Sighting>> = HashMap::new();
        for s in sightings::of_activities(tx, &ids).await? {
            views.entry(s.activity.clone()).or_default().insert((s.stream, s.key.clone()), s);
        }
        let levels = connections::contents(tx).await?;
        Ok(Self { known, rows, views, levels, touched: BTreeSet::new() })
    }

    /// What an item said before and no longer says (it is private now, or speaks of another meeting) leaves its meeting.
    fn leave(&mut self, old: &Sighting) {
        if let Some(all) = self.views.get_mut(&old.activity)
            && all.remove(&(old.stream, old.key.clone())).is_some()
        {
            self.touched.insert(old.activity.clone());
        }
    }

    /// Puts a view to its meeting, a new one when there is none, and returns the meeting's id.
    fn place(
        &mut self,
        event: &Event,
        view: View,
        c: &Connection,
        stream: i64,
        key: &str,
        now: DateTime<Utc>,
    ) -> String {
        let id = self.meeting_of(event, &view).unwrap_or_else(|| self.open(event, &view, c));
        self.see(&id, view, c, stream, key, now);
        id
    }

    /// An answer to a whole series is a remark on each of its instances.
    fn places_of_mail(
        &mut self,
        e: &decide::MailedEvent,
        view: View,
        c: &Connection,
        stream: i64,
        key: &str,
        now: DateTime<Utc>,
    ) -> Vec<String> {
        let instances: Vec<String> = self
            .rows
            .values()
            .filter(|s| s.ical_uid.as_deref() == Some(&e.event.uid) && s.recurrence_id.is_some())
            .map(|s| s.activity.id.clone())
            .collect();
        if view.is_remark() && view.recurrence_id.is_none() && !instances.is_empty() {
            for id in &instances {
                self.see(id, view.clone(), c, stream, key, now);
            }
            return instances;
        }
        vec![self.place(&e.event, view, c, stream, key, now)]
    }

    fn meeting_of(&self, event: &Event, view: &View) -> Option<String> {
        let dir = &self.known.directory;
        let mut same_uid = self
            .rows
            .values()
            .filter(|s| s.ical_uid.as_deref() == Some(&event.uid) && s.recurrence_id == event.recurrence_id);
        let told = |s: &&Stored| {
            self.views.get(&s.activity.id).is_some_and(|all| {
                all.values().filter_map(|v| v.view.as_ref()).any(|other| meeting::same(other, view, dir))
            })
        };
        same_uid.find(told).map(|s| s.activity.id.clone())
    }

    fn open(&mut self, event: &Event, view: &View, c: &Connection) -> String {
        let sub = &self.known.directory.ours.subaddress;
        let organizer = view.organizer.as_ref().and_then(|m| address::fold(&m.address, sub));
        let mut id = identity::of_meeting(&event.uid, event.recurrence_id, organizer.as_deref(), None);
        if self.rows.contains_key(&id) {
            id = identity::of_meeting(&event.uid, event.recurrence_id, organizer.as_deref(), Some(event.start));
        }
        let row = Stored {
            activity: Activity {
                id: id.clone(),
                kind: Kind::Meeting,
                status: Status::Planned,
                confirmed: Some(false),
                direction: None,
                occurred_at: event.start,
                ended_at: Some(event.end),
                participants: Vec::new(),
                matches: Vec::new(),
                undecided: Vec::new(),
                tags: Vec::new(),
                origin: Origin::Captured,
                automatic: false,
            },
            all_day: event.all_day,
            time_uncertain: event.time_uncertain,
            subject: event.summary.clone().filter(|_| c.content >= Level::Subject),
            text_state: TextState::None,
            thread: None,
            message_id: None,
            dedupe: None,
            ical_uid: Some(event.uid.clone()),
            recurrence_id: event.recurrence_id,
        };
        self.rows.insert(id.clone(), row);
        id
    }

    fn see(&mut self, id: &str, view: View, c: &Connection, stream: i64, key: &str, now: DateTime<Utc>) {
        self.touched.insert(id.to_owned());
        let all = self.views.entry(id.to_owned()).or_default();
        let place = (stream, key.to_owned());
        let old = all.get(&place).and_then(|s| s.view.clone());
        let view = match old {
            Some(mut old) if meeting::frozen(&old, &view, now) => {
                old.restore(&view);
                old
            }
            _ => view,
        };
        let sighting = Sighting {
            activity: id.to_owned(),
            stream,
            key: key.to_owned(),
            owner: c.owner.clone(),
            direction: None,
            typed: false,
            gone_at: None,
            view: Some(view),
        };
        all.insert(place, sighting);
    }

    /// Answers to whole series reach every instance; a meeting that consisted of such answers only is none.
    fn spread_remarks(&mut self) -> Vec<(String, String)> {
        let mut merged = Vec::new();
        let uids: BTreeSet<String> =
            self.touched.iter().filter_map(|id| self.rows.get(id)).filter_map(|s| s.ical_uid.clone()).collect();
        for uid in uids {
            let of_uid: Vec<(String, bool)> = self
                .rows
                .values()
                .filter(|s| s.ical_uid.as_ref() == Some(&uid))
                .map(|s| (s.activity.id.clone(), s.recurrence_id.is_some()))
                .collect();
            let instances: Vec<String> = of_uid.iter().filter(|x| x.1).map(|x| x.0.clone()).collect();
            let Some(first) = instances.first().cloned() else { continue };
            let wide = |s: &&Sighting| s.view.as_ref().is_some_and(|v| v.is_remark() && v.recurrence_id.is_none());
            let remarks: Vec<Sighting> = of_uid
                .iter()
                .filter_map(|x| self.views.get(&x.0))
                .flat_map(|all| all.values().filter(wide).cloned().collect::<Vec<_>>())
                .collect();
            for id in &instances {
                for r in &remarks {
                    let copy = Sighting { activity: id.clone(), ..r.clone() };
                    self.views.entry(id.clone()).or_default().entry((r.stream, r.key.clone())).or_insert(copy);
                    self.touched.insert(id.clone());
                }
            }
            for bare in of_uid.iter().filter(|x| !x.1).map(|x| &x.0) {
                let only_remarks = self.views.get(bare).is_some_and(|all| all.values().all(|s| wide(&s)));
                if only_remarks {
                    self.rows.remove(bare);
                    self.views.remove(bare);
                    self.touched.remove(bare);
                    merged.push((bare.clone(), first.clone()));
                }
            }
        }
        merged
    }

    /// Settles what was touched. Returns the items of other streams that must be read once more, because words of theirs
    /// were withheld and may be kept now.
    fn settle(self, written: &mut Written) -> BTreeSet<(i64, String)> {
        let Self { known, mut rows, mut views, levels, touched } = self;
        let mut again = BTreeSet::new();
        for id in touched {
            let (Some(row), Some(all)) = (rows.get_mut(&id), views.get_mut(&id)) else { continue };
            again.extend(withhold(all, &levels));
            let seen: Vec<Seen> =
                all.values().filter_map(|s| s.view.clone().map(|view| Seen { view, gone_at: s.gone_at })).collect();
            let Some(m) = meeting::settle(&seen, &known.directory) else { continue };
            let a = &mut row.activity;
            a.status = m.status;
            a.confirmed = Some(m.confirmed);
            a.occurred_at = m.start;
            a.ended_at = Some(m.end);
            let parted = a.participants.iter().filter(|p| !m.participants.iter().any(|q| q.address == p.address));
            written.fresh.parted.extend(parted.map(|p| p.address.clone()));
            a.participants = m.participants;
            row.all_day = m.all_day;
            row.time_uncertain = m.uncertain;
            row.subject = m.summary;
            let had_text = row.text_state == TextState::Kept;
            row.text_state = if m.description.is_some() { TextState::Kept } else { TextState::None };
            if had_text || m.description.is_some() {
                written.fresh.texts.push((id, m.description.unwrap_or_default().into()));
            }
            written.sightings.extend(all.values().cloned());
            written.fresh.rows.push(row.clone());
        }
        again
    }
}

/// The strictest of the sources decides what is kept of all: words beyond that are taken out of every view. Returns the items
/// whose words were taken out for a stricter source that is no longer among them.
fn withhold(all: &mut BTreeMap<(i64, String), Sighting>, levels: &HashMap<i64, Level>) -> Vec<(i64, String)> {
    let of = |s: &Sighting| levels.get(&s.stream).copied().unwrap_or(Level::Metadata);
    let Some(level) = all.values().filter(|s| s.view.is_some()).map(of).min() else { return Vec::new() };
    let mut short = Vec::new();
    for (place, s) in all.iter_mut() {
        let Some(view) = &mut s.view else { continue };
        view.withhold(level);
        if view.kept < level && s.gone_at.is_none() {
            short.push(place.clone());
        }
    }
    short
}
