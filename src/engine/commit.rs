//! Writes one batch: decisions, activities, ties, marks and the cursor in one transaction.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};
use dealtrail_sdk::{Change, FolderRole, record::Content};

use super::{
    EngineError, attempt, crm,
    decide::{self, Sorted},
    gone, mail, matches, meetings,
    pull::Reading,
    rules::{Level, TEXT_LIMIT},
    texts,
};
use crate::{
    domain::{
        capture::{self, Captured, Decision, SkipReason},
        directory::Directory,
        meeting::View,
    },
    store::{
        StoreError, Tx, activities,
        items::{self, Decided, Known, Outcome},
        reviews,
        sightings::{self, Sighting},
        signals,
        streams::{self, Progress},
    },
};

impl Reading<'_> {
    /// Reads what else the batch needs of its source, and commits it.
    pub(super) async fn commit(
        &self,
        changes: Vec<Change>,
        gone: Vec<String>,
        progress: Option<Progress>,
    ) -> Result<(), EngineError> {
        let prepared = self.prepare(changes).await;
        self.commit_prepared(prepared, gone, progress).await?;
        Ok(())
    }

    /// The decisions over a batch, and the texts of what is captured: the last that is asked of its source.
    pub(super) async fn prepare(&self, changes: Vec<Change>) -> Prepared {
        let (known, now) = (self.engine.known(), self.engine.now());
        let sorted = decide::sort(changes, self.stream.stream.role, self.connection, &known, now);
        let contents = self.contents(&sorted).await;
        Prepared { sorted, contents, known, now }
    }

    /// Everything of one batch in one transaction. True: it was the last, nothing of its stream wants another look, and the lease
    /// was given back.
    pub(super) async fn commit_prepared(
        &self,
        prepared: Prepared,
        gone: Vec<String>,
        progress: Option<Progress>,
    ) -> Result<bool, EngineError> {
        let (engine, c, stream) = (self.engine, self.connection, self.stream.id);
        let Prepared { mut sorted, contents, known, now } = prepared;
        let role = self.stream.stream.role;
        let mut tx = engine.store.begin().await?;
        let fresh = engine.known_in(&mut tx).await?;
        let until = now + super::pull::LEASE;
        if !streams::hold(&mut tx, stream, &engine.holder, until).await? {
            return Err(EngineError::Lost);
        }
        if fresh.version != known.version {
            // the CRM told of somebody meanwhile; texts of what is captured only now stay pending
            decide::again(&mut sorted, role, c, &fresh);
        }
        let mut touched: Vec<String> = sorted.removed.clone();
        touched.extend(sorted.upserted.iter().cloned());
        touched.extend(sorted.unreadable.iter().map(|u| u.0.clone()));
        touched.extend(gone.iter().cloned());
        let before = items::known_of(&mut tx, stream, &touched).await?;
        decide::keep_times(&mut sorted, &before, role, c, &fresh, now);
        decide::set_aside(&mut sorted);
        self.drop_edited_past(&mut sorted, &before, now);
        self.keep_what_happened(&mut tx, &mut sorted, &fresh.directory, now).await?;
        let lost = self.vanished(&sorted, &gone, &before);
        items::gone(&mut tx, stream, &lost.gone, now).await?;
        sightings::gone(&mut tx, stream, &lost.gone, now).await?;
        items::forget(&mut tx, stream, &lost.forget).await?;
        let records = std::mem::take(&mut sorted.records);
        crm::write(&mut tx, engine, c, stream, records, &lost.gone, now).await?;
        self.quarantine(&mut tx, &sorted, &before, now).await?;
        self.write(&mut tx, &sorted, &contents, &before, &lost.gone, now).await?;
        let past = sightings::of_items(&mut tx, stream, &lost.gone).await?;
        engine.decide_gone(&mut tx, &past).await?;
        let mut ended = false;
        if let Some(progress) = progress {
            streams::progress(&mut tx, stream, &progress, now).await?;
            ended = progress.complete.is_some() && items::to_recheck(&mut tx, stream, engine.now()).await?.is_empty();
        }
        if ended {
            streams::release(&mut tx, stream, &engine.holder).await?;
        }
        tx.commit().await?;
        *self.outcomes.lock().unwrap_or_else(PoisonError::into_inner) += sorted.outcomes();
        Ok(ended)
    }

    /// The text of captured mail, read before the commit. When that fails the mail is captured with its text pending.
    async fn contents(&self, sorted: &Sorted) -> HashMap<String, Content> {
        if self.connection.content < Level::Text {
            return HashMap::new();
        }
        let keys: Vec<String> =
            sorted.mails.iter().filter(|m| decide::captured(&m.decision).is_some()).map(|m| m.key.clone()).collect();
        if keys.is_empty() {
            return HashMap::new();
        }
        match self.connection.source.content(&self.stream.stream, &keys, TEXT_LIMIT).await {
            Ok(all) => all.into_iter().collect(),
            Err(fault) => {
                tracing::warn!(stream = self.stream.id, kind = ?fault.kind, "texts could not be read now; they stay pending");
                HashMap::new()
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
    /// the trash is gone from its folder, not undone. Where nobody knows any more who met, nothing was captured.
    async fn keep_what_happened(
        &self,
        tx: &mut Tx,
        sorted: &mut Sorted,
        dir: &Directory,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
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
        let ties = sightings::of_items(tx, self.stream.id, &keys).await?;
        let seen: BTreeSet<&str> = ties.iter().map(|s| s.key.as_str()).collect();
        let mut in_trash: BTreeSet<String> = BTreeSet::new();
        for m in sorted.mails.iter().filter(|m| trashed(m) && seen.contains(m.key.as_str())) {
            items::looked_at(tx, self.stream.id, &m.key, m.version.as_deref()).await?;
            in_trash.insert(m.key.clone());
        }
        sorted.mails.retain(|m| !(trashed(m) && seen.contains(m.key.as_str())));
        let frozen: HashMap<&str, &View> =
            ties.iter().filter_map(|s| Some((s.key.as_str(), s.view.as_ref()?))).collect();
        for e in sorted.entries.iter_mut().filter(|e| undone(e)) {
            let Some(view) = frozen.get(e.key.as_str()) else { continue };
            let people = gone::people(view, dir);
            let known = capture::outsiders(&people, dir).any(|p| capture::known(&p.address, dir));
            // its frozen view speaks, not this one
            if known || !matches!(e.decision, Decision::Waiting(_)) {
                e.decision = Decision::Captured(Captured::default());
            }
        }
        // what stays is as if it were gone: rules that came later reach it all the same
        let in_trash: Vec<Sighting> = ties.into_iter().filter(|s| in_trash.contains(&s.key)).collect();
        self.engine.decide_gone(tx, &in_trash).await
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
            let known = before.get(resource);
            let attempts = known.map_or(0, |k| k.attempts).min(items::DEADLY - 2) + 1;
            let retry_at = now + retry_after(attempts);
            if known.is_some_and(|k| k.captured) {
                // what was captured happened, whether or not it can be read again
                let said = (version.as_deref(), why.as_str());
                items::unreadable(tx, self.stream.id, resource, said, (attempts, Some(retry_at))).await?;
                continue;
            }
            all.push(Decided { attempts, retry_at: Some(retry_at), ..unreadable(resource, version.clone(), why) });
        }
        items::save(tx, self.stream.id, &all, now).await
    }

    /// Puts aside what ended the program when it was read.
    pub(super) async fn condemn(&self, resource: &str) -> Result<(), EngineError> {
        let (engine, stream, now) = (self.engine, self.stream.id, self.engine.now());
        tracing::error!(connection = self.connection.name, stream, resource, "reading one item ended the program");
        let mut tx = engine.store.begin().await?;
        if !streams::hold(&mut tx, stream, &engine.holder, now + super::pull::LEASE).await? {
            return Err(EngineError::Lost);
        }
        let before = items::known_of(&mut tx, stream, &[resource.to_owned()]).await?;
        let known = before.get(resource);
        let attempts = known.map_or(0, |k| k.attempts).max(items::DEADLY - 1) + 1;
        let retry_at = attempt::retry_after(attempts).map(|wait| now + wait);
        if known.is_some_and(|k| k.captured) {
            items::unreadable(&mut tx, stream, resource, (None, attempt::WHY), (attempts, retry_at)).await?;
        } else {
            let row = Decided { attempts, retry_at, ..unreadable(resource, None, attempt::WHY) };
            items::save(&mut tx, stream, &[row], now).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    async fn write(
        &self,
        tx: &mut Tx,
        sorted: &Sorted,
        contents: &HashMap<String, Content>,
        before: &HashMap<String, Known>,
        gone: &[String],
        now: DateTime<Utc>,
    ) -> Result<(), EngineError> {
        let (engine, c, stream) = (self.engine, self.connection, self.stream.id);
        if sorted.mails.is_empty() && sorted.entries.is_empty() && gone.is_empty() {
            return Ok(());
        }
        let known = engine.known_in(tx).await?;
        let sent = self.stream.stream.role == Some(FolderRole::Sent);
        let m = mail::prepare(tx, &engine.store, c, &known, stream, sent, &sorted.mails, contents).await?;
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
        // only what was decided before can have ties
        let held: BTreeSet<&str> = before.values().flat_map(|k| &k.keys).map(|k| k.0.as_str()).collect();
        let keys = decisions.iter().map(|d| &d.key).filter(|key| held.contains(key.as_str()));
        let keys: Vec<String> = keys.cloned().collect();
        let stale = self.replace_ties(tx, &keys, &ties).await?;
        matches::choices_follow(tx, &stale, &ties, &e.merged).await?;
        items::save(tx, stream, &decisions, now).await?;
        let away = decide::away(&sorted.mails, &known, &engine.rules.organization);
        let absent = away.iter().filter_map(|a| known.directory.contact_by_address(&a.0));
        let absent: Vec<String> = absent.map(|c| c.id.clone()).collect();
        let of_absent = absent.iter().flat_map(|c| known.directory.deals_of_contact(c)).cloned();
        reviews::mark(tx, of_absent.collect::<Vec<_>>()).await?;
        signals::away(tx, &engine.store, away).await?;
        signals::dead(tx, &engine.store, decide::dead_addresses(&sorted.mails, &known)).await?;
        merge(tx, &e.merged).await?;
        let mut fresh = m.fresh;
        fresh.rows.extend(e.fresh.rows);
        fresh.texts.extend(e.fresh.texts);
        fresh.parted.extend(e.fresh.parted);
        matches::settle(tx, &known, fresh).await?;
        // wherever they take part somebody may wait for them, not only on deals that name them
        let on = activities::deals_with(tx, &absent).await?;
        reviews::mark(tx, on).await?;
        let maybe: Vec<String> = stale.iter().map(|s| s.activity.clone()).collect();
        drop_orphans(tx, &maybe, &known.directory).await?;
        texts::bring_back(tx, &maybe).await?;
        Ok(())
    }

    /// Writes the ties of this batch and takes back those that its items had before and no longer have; returns the latter.
    async fn replace_ties(&self, tx: &mut Tx, keys: &[String], ties: &[Sighting]) -> Result<Vec<Sighting>, StoreError> {
        let stream = self.stream.id;
        let new: BTreeSet<(&str, &str)> =
            ties.iter().filter(|t| t.stream == stream).map(|t| (t.key.as_str(), t.activity.as_str())).collect();
        let old = sightings::of_items(tx, stream, keys).await?;
        let stale: Vec<Sighting> =
            old.into_iter().filter(|s| !new.contains(&(s.key.as_str(), s.activity.as_str()))).collect();
        for s in &stale {
            sightings::remove_one(tx, s).await?;
        }
        sightings::save(tx, ties).await?;
        Ok(stale)
    }
}

/// Meetings that turned out to be part of others.
pub(super) async fn merge(tx: &mut Tx, merged: &[(String, String)]) -> Result<(), StoreError> {
    for (from, to) in merged {
        items::repoint(tx, from, Some(to)).await?;
        sightings::remove_of(tx, std::slice::from_ref(from)).await?;
        activities::delete(tx, std::slice::from_ref(from)).await?;
    }
    Ok(())
}

/// Activities that nothing testifies to any more are no activities. What hung on them is looked at again: the rest of their
/// threads, and at the end of the pass entries typed into the CRM that they had confirmed.
pub(super) async fn drop_orphans(tx: &mut Tx, maybe: &[String], dir: &Directory) -> Result<(), StoreError> {
    let orphans = sightings::without(tx, maybe).await?;
    if orphans.is_empty() {
        return Ok(());
    }
    matches::look_again_around(tx, &orphans, dir).await?;
    sightings::remove_of(tx, &orphans).await?;
    activities::delete(tx, &orphans).await
}

fn unreadable(resource: &str, version: Option<String>, why: &str) -> Decided {
    let (reason, detail) = (Some("unreadable".to_owned()), Some(why.to_owned()));
    Decided {
        reason,
        detail,
        ..Decided::plain(resource.to_owned(), resource.to_owned(), version, Outcome::Quarantined)
    }
}

/// Once an hour, then more and more rarely, at last once a day.
fn retry_after(attempts: i64) -> TimeDelta {
    TimeDelta::hours((1_i64 << attempts.clamp(0, 5)).min(24))
}

/// A batch with everything that was read for it, still unwritten.
pub(super) struct Prepared {
    sorted: Sorted,
    contents: HashMap<String, Content>,
    /// Who was known when it was decided.
    known: Arc<super::Known>,
    now: DateTime<Utc>,
}

#[derive(Default)]
struct Lost {
    gone: Vec<String>,
    forget: Vec<String>,
}
