//! One stream, batch by batch: pull, decide, read the text of what matched, commit. Only sequences.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use dealtrail_sdk::{Change, FolderRole, Listing, record::Content};
use tokio_util::sync::CancellationToken;

use super::{
    Connection, Engine, EngineError, crm,
    decide::{self, Sorted},
    holder, mail, matches, meetings,
    progress::{Step, Watcher},
    rules::{Level, TEXT_LIMIT},
};
use crate::{
    domain::capture::{Captured, Decision, SkipReason},
    store::{
        StoreError, Tx, activities,
        items::{self, Decided, Known, Outcome},
        sightings::{self, Sighting},
        signals,
        streams::{self, Progress, Stored},
    },
};

/// Resources fetched and committed at a time.
const CHUNK: usize = 200;
/// A lease outlives the longest batch; a stopped daemon's streams are taken over after it.
const LEASE: TimeDelta = TimeDelta::minutes(10);

/// Reading one stream of one connection.
pub struct Reading<'a> {
    pub engine: &'a Engine,
    pub connection: &'a Connection,
    pub stream: &'a Stored,
    /// Read everything again, whatever the cursor says.
    pub full: bool,
    pub watcher: &'a dyn Watcher,
    pub stop: &'a CancellationToken,
}

impl Reading<'_> {
    /// Reads until nothing is left. Returns how many items were decided.
    ///
    /// # Errors
    /// The connector's fault or the database's; everything committed before stands.
    pub async fn run(&self) -> Result<u64, EngineError> {
        let (engine, stream) = (self.engine, self.stream);
        let now = engine.now();
        if !self.take_lease(now).await? {
            tracing::warn!(
                connection = self.connection.name,
                "another process reads this stream now; it was left to it"
            );
            return Ok(0);
        }
        let outcome = self.passes().await;
        engine.store.release(stream.id, &engine.holder).await?;
        outcome
    }

    /// Takes the stream over from a process that was killed.
    async fn take_lease(&self, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let (store, id, me) = (&self.engine.store, self.stream.id, self.engine.holder.as_str());
        if store.lease(id, me, now, now + LEASE).await? {
            return Ok(true);
        }
        if let Some(other) = store.lease_holder(id).await?
            && holder::is_dead(&other)
        {
            store.release(id, &other).await?;
            return store.lease(id, me, now, now + LEASE).await;
        }
        Ok(false)
    }

    async fn passes(&self) -> Result<u64, EngineError> {
        let (engine, stream) = (self.engine, self.stream);
        if self.full {
            engine.store.forget_cursor(stream.id).await?;
        }
        let began = engine.now();
        engine.store.begin_pass(stream.id, began).await?;
        let began = if self.full { began } else { stream.pass_began.unwrap_or(began) };
        let mut cursor = if self.full { None } else { stream.cursor.clone() };
        let mut count = 0;
        loop {
            if self.stop.is_cancelled() {
                return Ok(count);
            }
            let now = engine.now();
            engine.store.lease(stream.id, &engine.holder, now, now + LEASE).await?;
            let window = self.connection.window();
            let batch = self.connection.source.pull(&stream.stream, cursor.as_ref(), &window).await?;
            let items = batch.changes.len() as u64;
            let mut progress = Progress { cursor: batch.cursor.clone(), ..Progress::default() };
            let mut gone = Vec::new();
            if let Some(listing) = batch.listing {
                let listed = self.listing(listing, &batch.changes).await?;
                count += listed.count;
                if !listed.complete {
                    return Ok(count);
                }
                gone = listed.gone;
                progress.shrunk_at = listed.shrunk_at;
            }
            if !batch.more {
                // the mailbox was complete when the pass began; what came since comes with the next one
                progress.complete = Some((window.since, began.min(engine.now())));
            }
            self.commit(batch.changes, gone, Some(progress)).await?;
            count += items;
            self.tell(items, batch.left);
            cursor = batch.cursor.or(cursor);
            if !batch.more {
                break;
            }
        }
        count += self.rechecks().await?;
        self.watcher.stream_done(&self.connection.name, &stream.stream.name);
        Ok(count)
    }

    fn tell(&self, items: u64, left: Option<u64>) {
        let step = Step { connection: &self.connection.name, stream: &self.stream.stream.name, items, left };
        self.watcher.batch(&step);
    }

    /// Compares a complete listing with what is known and reads what is new or changed.
    async fn listing(&self, listing: Listing, changes: &[Change]) -> Result<Listed, EngineError> {
        let engine = self.engine;
        let mut tx = engine.store.begin().await?;
        let known = items::known(&mut tx, self.stream.id).await?;
        drop(tx);
        let in_batch: BTreeSet<&str> = changes.iter().map(resource).collect();
        let plan = compare(&listing, &known, self.full, self.stream.shrunk_at, engine.now());
        let wanted: Vec<String> = plan.wanted.into_iter().filter(|r| !in_batch.contains(r.as_str())).collect();
        let mut count = 0;
        for chunk in wanted.chunks(CHUNK) {
            if self.stop.is_cancelled() {
                return Ok(Listed { count, complete: false, gone: Vec::new(), shrunk_at: None });
            }
            self.read(chunk).await?;
            count += chunk.len() as u64;
            self.tell(chunk.len() as u64, Some(wanted.len() as u64 - count));
        }
        Ok(Listed { count, complete: true, gone: plan.gone, shrunk_at: plan.shrunk_at })
    }

    /// Reads named resources and commits what came; what did not come is asked for later.
    async fn read(&self, resources: &[String]) -> Result<(), EngineError> {
        let engine = self.engine;
        let now = engine.now();
        engine.store.lease(self.stream.id, &engine.holder, now, now + LEASE).await?;
        let changes = self.connection.source.fetch(&self.stream.stream, resources, &self.connection.window()).await?;
        let came: BTreeSet<String> = changes.iter().map(|c| resource(c).to_owned()).collect();
        self.commit(changes, Vec::new(), None).await?;
        let absent: Vec<String> = resources.iter().filter(|r| !came.contains(*r)).cloned().collect();
        if !absent.is_empty() {
            let mut tx = engine.store.begin().await?;
            items::put_off(&mut tx, self.stream.id, &absent, now + TimeDelta::hours(1)).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Waiting items that somebody knows now, quarantined items whose retry is due.
    async fn rechecks(&self) -> Result<u64, EngineError> {
        let mut count = 0;
        let mut seen: BTreeSet<String> = BTreeSet::new();
        while !self.stop.is_cancelled() {
            let mut tx = self.engine.store.begin().await?;
            let due = items::to_recheck(&mut tx, self.stream.id, self.engine.now()).await?;
            drop(tx);
            let due: Vec<String> = due.into_iter().filter(|r| seen.insert(r.clone())).collect();
            if due.is_empty() {
                break;
            }
            for chunk in due.chunks(CHUNK) {
                self.read(chunk).await?;
                count += chunk.len() as u64;
            }
        }
        Ok(count)
    }

    /// Everything of one batch in one transaction.
    async fn commit(
        &self,
        changes: Vec<Change>,
        gone: Vec<String>,
        progress: Option<Progress>,
    ) -> Result<(), EngineError> {
        let (engine, c, stream) = (self.engine, self.connection, self.stream.id);
        let known = engine.known();
        let now = engine.now();
        let role = self.stream.stream.role;
        let mut sorted = decide::sort(changes, role, c, &known, now);
        let contents = self.contents(&sorted).await?;
        let mut tx = engine.store.begin().await?;
        let fresh = engine.known_in(&mut tx).await?;
        if fresh.version != known.version {
            // the CRM told of somebody meanwhile; texts of what is captured only now stay pending
            decide::again(&mut sorted, role, c, &fresh, now);
        }
        let mut touched: Vec<String> = sorted.removed.clone();
        touched.extend(sorted.upserted.iter().cloned());
        touched.extend(sorted.unreadable.iter().map(|u| u.0.clone()));
        touched.extend(gone.iter().cloned());
        let before = items::known_of(&mut tx, stream, &touched).await?;
        self.drop_edited_past(&mut sorted, &before, now);
        self.keep_what_happened(&mut tx, &mut sorted, now).await?;
        let lost = self.vanished(&sorted, &gone, &before);
        items::gone(&mut tx, stream, &lost.gone, now).await?;
        sightings::gone(&mut tx, stream, &lost.gone, now).await?;
        items::forget(&mut tx, stream, &lost.forget).await?;
        let records = std::mem::take(&mut sorted.records);
        crm::write(&mut tx, engine, c, stream, records, &lost.gone, now).await?;
        self.quarantine(&mut tx, &sorted, &before, now).await?;
        self.write(&mut tx, &sorted, &contents, &lost.gone, now).await?;
        if let Some(progress) = progress {
            streams::progress(&mut tx, stream, &progress, now).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// The text of captured mail, read before the commit. When that fails the mail is captured with its text pending.
    async fn contents(&self, sorted: &Sorted) -> Result<HashMap<String, Content>, EngineError> {
        if self.connection.content < Level::Text {
            return Ok(HashMap::new());
        }
        let keys: Vec<String> =
            sorted.mails.iter().filter(|m| decide::captured(&m.decision).is_some()).map(|m| m.key.clone()).collect();
        if keys.is_empty() {
            return Ok(HashMap::new());
        }
        match self.connection.source.content(&self.stream.stream, &keys, TEXT_LIMIT).await {
            Ok(all) => Ok(all.into_iter().collect()),
            Err(fault) => {
                tracing::warn!(stream = self.stream.id, kind = ?fault.kind, "texts could not be read now; they stay pending");
                Ok(HashMap::new())
            }
        }
    }

    /// An edited series must not rewrite what was held: instances that appear in a past that was read before never happened.
    fn drop_edited_past(&self, sorted: &mut Sorted, before: &HashMap<String, Known>, now: DateTime<Utc>) {
        let (Some(read_from), Some(read_to)) = (self.stream.complete_from, self.stream.complete_to) else { return };
        sorted.entries.retain(|e| {
            let Some(known) = before.get(&e.resource) else { return true };
            let new = !known.keys.iter().any(|(key, _, _)| *key == e.key);
            let past = e.event.start >= read_from && e.event.end <= read_to.min(now);
            let had_instances = known.keys.iter().any(|(_, at, _)| at.is_some());
            !(new && past && had_instances && e.event.recurrence_id.is_some() && !e.event.overridden)
        });
    }

    /// What was captured and happened stays: a held instance is changed by its own override only, and a mail that was put into
    /// the trash is gone from its folder, not undone.
    async fn keep_what_happened(&self, tx: &mut Tx, sorted: &mut Sorted, now: DateTime<Utc>) -> Result<(), StoreError> {
        let skipped = |d: &Decision, reasons: &[SkipReason]| matches!(d, Decision::Skipped { reason, .. } if reasons.contains(reason));
        let trashed = |m: &decide::Mail| skipped(&m.decision, &[SkipReason::Trash, SkipReason::Spam]);
        let undone = |e: &decide::Entry| {
            let nobody = skipped(&e.decision, &[SkipReason::Internal, SkipReason::NoOutsider, SkipReason::Private]);
            let edited = e.event.recurrence_id.is_some() && !e.event.overridden && e.event.end <= now;
            edited && (nobody || matches!(e.decision, Decision::Waiting(_)))
        };
        let mails = sorted.mails.iter().filter(|m| trashed(m)).map(|m| m.key.clone());
        let entries = sorted.entries.iter().filter(|e| undone(e)).map(|e| e.key.clone());
        let keys: Vec<String> = mails.chain(entries).collect();
        if keys.is_empty() {
            return Ok(());
        }
        let seen = sightings::of_items(tx, self.stream.id, &keys).await?;
        let seen: BTreeSet<&str> = seen.iter().map(|s| s.key.as_str()).collect();
        sorted.mails.retain(|m| !(trashed(m) && seen.contains(m.key.as_str())));
        for e in &mut sorted.entries {
            if undone(e) && seen.contains(e.key.as_str()) {
                // its frozen view speaks, not this one
                e.decision = Decision::Captured(Captured::default());
            }
        }
        Ok(())
    }

    /// Items that this batch proves gone, and rows that only stood for something unreadable.
    fn vanished(&self, sorted: &Sorted, gone: &[String], before: &HashMap<String, Known>) -> Lost {
        let window = self.connection.window();
        let mut lost = Lost::default();
        for resource in sorted.removed.iter().chain(gone) {
            let Some(known) = before.get(resource) else { continue };
            if resource.starts_with("line:") {
                lost.forget.extend(known.keys.iter().map(|k| k.0.clone()));
            } else {
                lost.gone.extend(known.keys.iter().filter(|k| !k.2).map(|k| k.0.clone()));
            }
        }
        let mut present: BTreeSet<&str> = sorted.mails.iter().map(|m| m.key.as_str()).collect();
        present.extend(sorted.entries.iter().map(|e| e.key.as_str()));
        present.extend(sorted.records.iter().map(|r| r.0.as_str()));
        for resource in &sorted.upserted {
            let Some(known) = before.get(resource) else { continue };
            for (key, at, gone) in &known.keys {
                if present.contains(key.as_str()) {
                    continue;
                }
                if key == resource && known.quarantined {
                    lost.forget.push(key.clone());
                } else if !gone && at.is_none_or(|t| t >= window.since && t < window.until) {
                    lost.gone.push(key.clone());
                }
            }
        }
        lost
    }

    async fn quarantine(
        &self,
        tx: &mut Tx,
        sorted: &Sorted,
        before: &HashMap<String, Known>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut all = Vec::new();
        for (resource, version, why) in &sorted.unreadable {
            let attempts = before.get(resource).filter(|k| k.quarantined).map_or(0, |k| k.attempts) + 1;
            all.push(Decided {
                key: resource.clone(),
                resource: resource.clone(),
                version: version.clone(),
                outcome: Outcome::Quarantined,
                reason: Some("unreadable".to_owned()),
                detail: Some(why.clone()),
                message_id: None,
                ical_uid: None,
                recurrence_id: None,
                occurred_at: None,
                activity: None,
                attempts,
                retry_at: Some(now + retry_after(attempts)),
                blind: Vec::new(),
            });
        }
        items::save(tx, self.stream.id, &all, now).await
    }

    async fn write(
        &self,
        tx: &mut Tx,
        sorted: &Sorted,
        contents: &HashMap<String, Content>,
        gone: &[String],
        now: DateTime<Utc>,
    ) -> Result<(), EngineError> {
        let (engine, c, stream) = (self.engine, self.connection, self.stream.id);
        if sorted.mails.is_empty() && sorted.entries.is_empty() && gone.is_empty() {
            return Ok(());
        }
        let known = engine.known_in(tx).await?;
        let sent = self.stream.stream.role == Some(FolderRole::Sent);
        let m = mail::prepare(tx, &engine.store, c, &known, stream, sent, &sorted.mails, contents, now).await?;
        let e =
            meetings::prepare(tx, &engine.store, c, &known, stream, &sorted.entries, &sorted.mails, gone, now).await?;
        let mut decisions = m.decisions;
        for d in &mut decisions {
            if d.activity.is_none() {
                d.activity = e.of_mail.get(&d.key).cloned();
            }
        }
        decisions.extend(e.decisions);
        let mut ties = m.sightings;
        ties.extend(e.sightings);
        let keys: Vec<String> = decisions.iter().map(|d| d.key.clone()).collect();
        let orphans = self.replace_ties(tx, &keys, &ties).await?;
        items::save(tx, stream, &decisions, now).await?;
        signals::dead(tx, &engine.store, decide::dead_addresses(&sorted.mails, &known, now)).await?;
        for (from, to) in &e.merged {
            items::repoint(tx, from, Some(to)).await?;
            sightings::remove_of(tx, std::slice::from_ref(from)).await?;
            activities::delete(tx, std::slice::from_ref(from)).await?;
        }
        let mut fresh = m.fresh;
        fresh.rows.extend(e.fresh.rows);
        fresh.texts.extend(e.fresh.texts);
        matches::settle(tx, &known, fresh).await?;
        self.drop_orphans(tx, &orphans).await?;
        Ok(())
    }

    /// Writes the ties of this batch and takes back those that its items had before and no longer have.
    async fn replace_ties(&self, tx: &mut Tx, keys: &[String], ties: &[Sighting]) -> Result<Vec<String>, StoreError> {
        let stream = self.stream.id;
        let new: BTreeSet<(&str, &str)> =
            ties.iter().filter(|t| t.stream == stream).map(|t| (t.key.as_str(), t.activity.as_str())).collect();
        let old = sightings::of_items(tx, stream, keys).await?;
        let stale: Vec<&Sighting> =
            old.iter().filter(|s| !new.contains(&(s.key.as_str(), s.activity.as_str()))).collect();
        for s in &stale {
            sightings::remove_one(tx, s).await?;
        }
        sightings::save(tx, ties).await?;
        Ok(stale.iter().map(|s| s.activity.clone()).collect())
    }

    /// Activities that nothing testifies to any more are no activities. What hung on them is looked at again: the rest of
    /// their threads, and entries typed into the CRM that they had confirmed.
    async fn drop_orphans(&self, tx: &mut Tx, maybe: &[String]) -> Result<(), StoreError> {
        let orphans = sightings::without(tx, maybe).await?;
        if orphans.is_empty() {
            return Ok(());
        }
        matches::look_again_around(tx, &orphans).await?;
        for s in sightings::of_activities(tx, &orphans).await? {
            items::recheck(tx, s.stream, &s.key).await?;
        }
        sightings::remove_of(tx, &orphans).await?;
        activities::delete(tx, &orphans).await
    }
}

/// Once an hour, then more and more rarely, at last once a day.
fn retry_after(attempts: i64) -> TimeDelta {
    TimeDelta::hours((1_i64 << attempts.clamp(0, 5)).min(24))
}

#[derive(Default)]
struct Lost {
    gone: Vec<String>,
    forget: Vec<String>,
}

struct Listed {
    count: u64,
    complete: bool,
    gone: Vec<String>,
    shrunk_at: Option<DateTime<Utc>>,
}

fn resource(change: &Change) -> &str {
    match change {
        Change::Upsert { resource, .. } | Change::Remove { resource } | Change::Unreadable { resource, .. } => resource,
    }
}

/// What a listing asks for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Plan {
    wanted: Vec<String>,
    gone: Vec<String>,
    shrunk_at: Option<DateTime<Utc>>,
}

/// Observe, decide: a pure comparison of what is listed with what is known.
fn compare(
    listing: &Listing,
    known: &HashMap<String, Known>,
    full: bool,
    shrunk_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Plan {
    let mut plan = Plan::default();
    let listed: BTreeSet<&str> = listing.entries.iter().map(|e| e.resource.as_str()).collect();
    for entry in &listing.entries {
        match known.get(&entry.resource) {
            None => plan.wanted.push(entry.resource.clone()),
            Some(k) => {
                // without a version a known resource never changes, and a full pass has just delivered it
                let changed = entry.version.is_some() && (full || entry.version != k.version);
                // what was gone left nothing behind to take up again
                if changed || k.gone {
                    plan.wanted.push(entry.resource.clone());
                }
            }
        }
    }
    let live = known.values().filter(|k| !k.gone).count();
    let missing: Vec<String> =
        known.iter().filter(|(r, k)| !k.gone && !listed.contains(r.as_str())).map(|(r, _)| r.clone()).collect();
    let suspicious = listing.shaky && missing.len() * 2 > live;
    if suspicious && shrunk_at.is_none() {
        plan.shrunk_at = Some(now);
    } else {
        plan.gone = missing;
    }
    plan
}

#[cfg(test)]
mod tests {
    use dealtrail_sdk::Entry;

    use super::*;

    fn known(version: &str, gone: bool) -> Known {
        Known { version: Some(version.into()), gone, ..Known::default() }
    }

    fn listing(entries: &[(&str, &str)], shaky: bool) -> Listing {
        let entries =
            entries.iter().map(|(r, v)| Entry { resource: (*r).into(), version: Some((*v).into()) }).collect();
        Listing { entries, shaky }
    }

    #[test]
    fn listings() {
        let now = DateTime::UNIX_EPOCH;
        let have: HashMap<String, Known> =
            [("a", known("1", false)), ("b", known("1", false)), ("c", known("1", true))]
                .into_iter()
                .map(|(k, v)| (k.to_owned(), v))
                .collect();
        let plan = compare(&listing(&[("a", "2"), ("c", "1"), ("d", "1")], false), &have, false, None, now);
        assert_eq!(plan.wanted, ["a", "c", "d"]);
        assert_eq!(plan.gone, ["b"]);
        // a listing that lost more than half waits for a second one
        let plan = compare(&listing(&[], true), &have, false, None, now);
        assert_eq!((plan.gone.len(), plan.shrunk_at), (0, Some(now)));
        let plan = compare(&listing(&[], true), &have, false, Some(now), now);
        assert_eq!((plan.gone.len(), plan.shrunk_at), (2, None));
    }
}
