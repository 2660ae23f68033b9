//! One stream, batch by batch: pull, compare, fetch, commit; the next batch is pulled while the last is committed, unless the
//! database is what all wait for: then only so many are held as keep it busy, however many mailboxes are read. Only sequences.

use std::{
    collections::BTreeSet,
    pin::pin,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use dealtrail_sdk::{Batch, Change, Cursor, Listing};
use tokio::{sync::SemaphorePermit, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{
    Connection, Engine, EngineError,
    attempt::{self, Attempt},
    commit::Prepared,
    holder,
    listing::compare,
    progress::{Outcomes, Step, Watcher},
};
use crate::store::{
    StoreError, items,
    streams::{Progress, Stored, Taken},
};

/// A lease outlives the longest batch; a stopped daemon's streams are taken over after it.
pub const LEASE: TimeDelta = TimeDelta::minutes(10);
/// Batches that are held beside those that began a pass.
pub const AHEAD: usize = 4;
/// A pull that takes longer waits for its server: what it asked for is not held yet, and another may go ahead.
const FAR: Duration = Duration::from_millis(150);

/// Reading one stream of one connection.
pub struct Reading<'a> {
    pub engine: &'a Engine,
    pub connection: &'a Connection,
    pub stream: &'a Stored,
    /// Read everything again, whatever the cursor says.
    pub full: bool,
    pub watcher: &'a dyn Watcher,
    pub stop: &'a CancellationToken,
    /// What was committed so far.
    pub outcomes: Mutex<Outcomes>,
}

impl Reading<'_> {
    /// Reads until nothing is left.
    ///
    /// # Errors
    /// The connector's fault or the database's; everything committed before stands.
    pub async fn run(&self) -> Result<Done, EngineError> {
        let (engine, stream) = (self.engine, self.stream);
        let (store, me, now) = (&engine.store, engine.holder.as_str(), engine.now());
        let Some(taken) = self.take_lease(now).await? else { return Ok(self.left_to_another(0)) };
        let before = taken.before.and_then(|text| Attempt::read(&text));
        if let Some(fault) = before.as_ref().and_then(|b| b.given_up(&stream.stream.name, now)) {
            store.release_dead(stream.id, me).await?;
            return Err(fault.into());
        }
        let outcome = match self.passes(before).await {
            Err(EngineError::Lost) => return Ok(self.left_to_another(0)),
            Err(EngineError::Fault(fault)) if attempt::panicked(&fault) => {
                store.release_dead(stream.id, me).await?;
                return Err(fault.into());
            }
            outcome => outcome,
        };
        if !matches!(outcome, Ok(Passed { released: true, .. })) {
            store.release(stream.id, me).await?;
        }
        Ok(self.done(outcome?.items))
    }

    fn done(&self, items: u64) -> Done {
        Done { items, outcomes: *self.outcomes.lock().unwrap_or_else(PoisonError::into_inner), left: false }
    }

    fn left_to_another(&self, items: u64) -> Done {
        tracing::warn!(connection = self.connection.name, "another process reads this stream now; it was left to it");
        Done { left: true, ..self.done(items) }
    }

    /// Takes the stream over from a process that was killed.
    async fn take_lease(&self, now: DateTime<Utc>) -> Result<Option<Taken>, StoreError> {
        let (store, id, me) = (&self.engine.store, self.stream.id, self.engine.holder.as_str());
        let (span, first) = ((now, now + LEASE), self.attempt_at(&[], 0).text());
        if let Some(taken) = store.lease(id, me, span, &first).await? {
            return Ok(Some(taken));
        }
        if let Some(other) = store.lease_holder(id).await?
            && holder::is_dead(&other)
        {
            store.release_dead(id, &other).await?;
            return store.lease(id, me, span, &first).await;
        }
        Ok(None)
    }

    async fn passes(&self, before: Option<Attempt>) -> Result<Passed, EngineError> {
        let (engine, stream) = (self.engine, self.stream);
        let began = engine.now();
        if self.full {
            engine.store.forget_cursor(stream.id, began).await?;
        }
        let began = if self.full { began } else { stream.pass_began.unwrap_or(began) };
        let mut cursor = if self.full { None } else { stream.cursor.clone() };
        let guilty = self.with_care(before.as_ref()).await?;
        // with the lease the first batch was noted
        let mut noted = before.is_none();
        let mut pulls = before.map_or(0, |b| b.pulls());
        let mut count = 0;
        let mut ahead = None;
        let released = loop {
            if self.stop.is_cancelled() {
                return Ok(Passed { items: count, released: false });
            }
            let (pulled, place) = match ahead.take() {
                Some(pulled) => pulled,
                None => {
                    if !std::mem::take(&mut noted) {
                        self.attempt(&[], pulls).await?;
                    }
                    (self.pull(cursor.as_ref(), &guilty, pulls > 0).await, None)
                }
            };
            let Pulled { batch, names, changes } = pulled?;
            let items = names.len() as u64;
            let listed = batch.listing.is_some();
            let mut progress = Progress { cursor: batch.cursor.clone(), ..Progress::default() };
            let mut gone = Vec::new();
            if let Some(listing) = batch.listing {
                let listed = self.listing(listing, &names, &guilty).await?;
                count += listed.count;
                if !listed.complete {
                    return Ok(Passed { items: count, released: false });
                }
                gone = listed.gone;
                progress.shrunk_at = listed.shrunk_at;
            }
            if !batch.more {
                // the mailbox was complete when the pass began; what came since comes with the next one
                let known = batch.as_of.unwrap_or(began).min(began);
                progress.complete = Some((self.connection.window().since, known.min(engine.now())));
            }
            let prepared = match changes {
                Changes::Raw(changes) => self.prepare(self.piecemeal(changes, pulls).await?).await,
                Changes::Prepared(prepared) => prepared,
            };
            cursor = batch.cursor.or(cursor);
            // after an end of the program one thing is done at a time
            let mut released = false;
            if batch.more && pulls == 0 && !listed {
                progress.attempting = Some(self.attempt_at(&[], 0).text());
                let commit = async {
                    let committed = self.commit_prepared(prepared, gone, Some(progress)).await;
                    drop(place);
                    committed
                };
                let pull = async { Ok(self.pull_ahead(cursor.as_ref(), &guilty).await) };
                ahead = Some(tokio::try_join!(commit, pull)?.1);
            } else {
                released = self.commit_prepared(prepared, gone, Some(progress)).await?;
            }
            pulls = 0;
            count += items;
            self.tell(items, batch.left);
            if !batch.more {
                break released;
            }
        };
        if !released {
            count += self.rechecks().await?;
        }
        self.watcher.stream_done(&self.connection.name, &stream.stream.name);
        Ok(Passed { items: count, released })
    }

    /// The next batch once there is a place for it, which it keeps until it is committed.
    async fn pull_ahead(
        &self,
        cursor: Option<&Cursor>,
        guilty: &BTreeSet<String>,
    ) -> (Result<Pulled, EngineError>, Option<SemaphorePermit<'_>>) {
        let place = self.engine.ahead.acquire().await.ok();
        let mut pull = pin!(self.pull(cursor, guilty, false));
        match timeout(FAR, &mut pull).await {
            Ok(pulled) => (pulled, place),
            Err(_) => {
                drop(place);
                (pull.await, None)
            }
        }
    }

    /// The next batch, and what else it needs of its source. `careful`: its changes stay as they are.
    async fn pull(
        &self,
        cursor: Option<&Cursor>,
        guilty: &BTreeSet<String>,
        careful: bool,
    ) -> Result<Pulled, EngineError> {
        let window = self.connection.window();
        let mut batch = self.connection.source.pull(&self.stream.stream, cursor, &window).await?;
        let mut changes = std::mem::take(&mut batch.changes);
        changes.retain(|c| !guilty.contains(resource(c)));
        let names = changes.iter().map(|c| resource(c).to_owned()).collect();
        let changes = if careful { Changes::Raw(changes) } else { Changes::Prepared(self.prepare(changes).await) };
        Ok(Pulled { batch, names, changes })
    }

    fn attempt_at(&self, names: &[String], deaths: u32) -> Attempt {
        let by = self.engine.holder.clone();
        Attempt { deaths, names: names.to_vec(), at: self.engine.now().timestamp(), by }
    }

    /// Keeps the lease, and notes what is read next.
    async fn attempt(&self, names: &[String], deaths: u32) -> Result<(), EngineError> {
        let (engine, now) = (self.engine, self.engine.now());
        let attempt = self.attempt_at(names, deaths);
        let span = (now, now + LEASE);
        if engine.store.lease_for(self.stream.id, &engine.holder, span, &attempt.text()).await? {
            Ok(())
        } else {
            Err(EngineError::Lost)
        }
    }

    /// Reads what was being read when the program ended last, little at a time. Returns the one that is to blame.
    async fn with_care(&self, before: Option<&Attempt>) -> Result<BTreeSet<String>, EngineError> {
        let Some(before) = before.filter(|b| !b.names.is_empty()) else { return Ok(BTreeSet::new()) };
        if let Some(one) = before.guilty(&self.engine.holder) {
            self.condemn(one).await?;
            return Ok(BTreeSet::from([one.to_owned()]));
        }
        let deaths = before.deaths + 1;
        for piece in before.names.chunks(attempt::portion(deaths)) {
            if self.stop.is_cancelled() {
                break;
            }
            self.read(piece, deaths).await?;
        }
        Ok(BTreeSet::new())
    }

    /// After batches that ended the program: commits the changes little at a time, each named before. Returns what is left to
    /// be committed with the batch.
    async fn piecemeal(&self, mut changes: Vec<Change>, pulls: u32) -> Result<Vec<Change>, EngineError> {
        if pulls == 0 {
            return Ok(changes);
        }
        while !changes.is_empty() {
            let piece: Vec<Change> = changes.drain(..changes.len().min(attempt::portion(pulls))).collect();
            let names: Vec<String> = piece.iter().map(|c| resource(c).to_owned()).collect();
            self.attempt(&names, pulls).await?;
            self.commit(piece, Vec::new(), None).await?;
        }
        Ok(changes)
    }

    fn tell(&self, items: u64, left: Option<u64>) {
        let step = Step { connection: &self.connection.name, stream: &self.stream.stream.name, items, left };
        self.watcher.batch(&step);
    }

    /// Compares a complete listing with what is known and reads what is new or changed.
    async fn listing(
        &self,
        listing: Listing,
        names: &[String],
        guilty: &BTreeSet<String>,
    ) -> Result<Listed, EngineError> {
        let engine = self.engine;
        let mut tx = engine.store.begin().await?;
        let known = items::known(&mut tx, self.stream.id).await?;
        for entry in listing.entries.iter().filter(|e| guilty.contains(&e.resource)) {
            items::version(&mut tx, self.stream.id, &entry.resource, entry.version.as_deref()).await?;
        }
        tx.commit().await?;
        let in_batch: BTreeSet<&str> = names.iter().map(String::as_str).collect();
        let plan = compare(&listing, &known, self.full, self.stream.shrunk_at, engine.now());
        let wanted = plan.wanted.into_iter().filter(|r| !in_batch.contains(r.as_str()) && !guilty.contains(r));
        let deadly = |r: &String| known.get(r).is_some_and(|k| k.attempts >= items::DEADLY);
        let (feared, wanted): (Vec<String>, Vec<String>) = wanted.partition(deadly);
        let feared = feared.chunks(1).map(|one| (one, attempt::SURE));
        let chunks: Vec<(&[String], u32)> = wanted.chunks(attempt::portion(0)).map(|c| (c, 0)).chain(feared).collect();
        let mut count = 0;
        for (chunk, deaths) in chunks {
            if self.stop.is_cancelled() {
                return Ok(Listed { count, complete: false, gone: Vec::new(), shrunk_at: None });
            }
            self.read(chunk, deaths).await?;
            count += chunk.len() as u64;
            self.tell(chunk.len() as u64, Some((wanted.len() as u64).saturating_sub(count)));
        }
        Ok(Listed { count, complete: true, gone: plan.gone, shrunk_at: plan.shrunk_at })
    }

    /// Reads named resources and commits what came; what did not come is asked for later.
    async fn read(&self, resources: &[String], deaths: u32) -> Result<(), EngineError> {
        let engine = self.engine;
        let now = engine.now();
        self.attempt(resources, deaths).await?;
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
            let mut tx = self.engine.store.begin_reading().await?;
            let due = items::to_recheck(&mut tx, self.stream.id, self.engine.now()).await?;
            drop(tx);
            let due: Vec<(String, i64)> = due.into_iter().filter(|r| seen.insert(r.0.clone())).collect();
            if due.is_empty() {
                break;
            }
            let (feared, due): (Vec<_>, Vec<_>) = due.into_iter().partition(|r| r.1 >= items::DEADLY);
            let names = |all: Vec<(String, i64)>| all.into_iter().map(|r| r.0).collect::<Vec<String>>();
            let (feared, due) = (names(feared), names(due));
            for chunk in due.chunks(attempt::portion(0)) {
                self.read(chunk, 0).await?;
                count += chunk.len() as u64;
            }
            for one in feared.chunks(1) {
                self.read(one, attempt::SURE).await?;
                count += 1;
            }
        }
        Ok(count)
    }
}

/// How the reading of a stream ended.
#[derive(Clone, Copy, Debug, Default)]
pub struct Done {
    /// How many items were read.
    pub items: u64,
    pub outcomes: Outcomes,
    /// Another process reads it.
    pub left: bool,
}

/// How far the batches came.
struct Passed {
    items: u64,
    /// With the last batch the lease was given back: there was nothing more to look at.
    released: bool,
}

/// A batch that was pulled.
struct Pulled {
    /// Without its changes.
    batch: Batch,
    /// What they are of.
    names: Vec<String>,
    changes: Changes,
}

enum Changes {
    /// As they came: to be committed little by little.
    Raw(Vec<Change>),
    Prepared(Prepared),
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
