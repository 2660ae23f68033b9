//! One stream, batch by batch: pull, compare, fetch, commit. Only sequences.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use dealtrail_sdk::{Change, Listing};
use tokio_util::sync::CancellationToken;

use super::{
    Connection, Engine, EngineError, holder,
    listing::compare,
    progress::{Step, Watcher},
};
use crate::store::{
    StoreError, items,
    streams::{Progress, Stored},
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
