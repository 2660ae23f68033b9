//! One complete pass: CRMs first, because they say who is known; then mailboxes and calendars side by side, each on its own;
//! then what history now matches; then the gaps.

use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use dealtrail_sdk::{Fault, FaultKind, Gives};
use tokio_util::sync::CancellationToken;

use super::{
    Connection, Engine, EngineError, attempt, matches,
    progress::{Tally, Watcher},
    pull::{Done, Reading},
};
use crate::{
    domain::gaps::{Refused, Word},
    store::{
        StoreError, activities, choices, connections::State, findings, items, meta, rematch, reviews, streams::Stored,
        subjects,
    },
};

/// Connections read at the same time.
const SIDE_BY_SIDE: usize = 12;

/// Panics while one stream is read: enough to find a few messages that cause them.
const MOST_PANICS: usize = 12;
/// Activities matched again in one transaction.
const REMATCH: i64 = 300;
/// When a connection is looked at again that another process was reading.
const SOON: TimeDelta = TimeDelta::minutes(1);

/// What a pass should do.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Only these connections; empty: all.
    pub connections: Vec<String>,
    /// Forget cursors and read everything again.
    pub full: bool,
    /// Nothing is read after it: the sources are left while the deals are judged.
    pub leave: bool,
}

impl Engine {
    /// Reads everything that is due once and judges the deals. Failures of one connection never touch the others.
    ///
    /// # Errors
    /// Only when the database itself fails.
    pub async fn pass(
        self: &Arc<Self>,
        options: &Options,
        watcher: &Arc<dyn Watcher>,
        stop: &CancellationToken,
    ) -> Result<Tally, StoreError> {
        self.rules_changed(options.full).await?;
        let wanted = |c: &&Arc<Connection>| options.connections.is_empty() || options.connections.contains(&c.name);
        let chosen: Vec<Arc<Connection>> = self.connections.iter().filter(wanted).cloned().collect();
        let (crms, others): (Vec<_>, Vec<_>) = chosen.into_iter().partition(|c| c.gives == Gives::Crm);
        let mut tally = Tally::default();
        for c in crms {
            let renamed = self.ids_change(&c).await?;
            tally.add(self.connection(&c, options.full || renamed, watcher.as_ref(), stop).await?);
        }
        self.reload().await?;
        self.rematch(watcher.as_ref(), stop).await?;
        tally.add(self.side_by_side(others, options.full, watcher, stop).await?);
        let leaving = options.leave.then(|| tokio::spawn(sign_out(self.connections.clone())));
        let finished = self.finish(watcher.as_ref(), stop).await;
        if let Some(leaving) = leaving {
            let _ended = leaving.await;
        }
        finished?;
        tally.stopped = stop.is_cancelled();
        Ok(tally)
    }

    /// With a second CRM the ids of both get a prefix (and lose it again without): then everything is read once more.
    pub(super) async fn ids_change(&self, c: &Connection) -> Result<bool, StoreError> {
        let key = format!("prefix:{}", c.name);
        let prefix = c.prefix.clone().unwrap_or_default();
        let before = self.store.meta(&key).await?.filter(|b| *b != prefix);
        let mut tx = self.store.begin().await?;
        if let Some(before) = &before {
            choices::rename_deals(&mut tx, before, &prefix).await?;
        }
        meta::set(&mut tx, &key, &prefix).await?;
        tx.commit().await?;
        Ok(before.is_some())
    }

    /// What follows every pass: matching again, corroboration by what matches now, judging.
    pub async fn finish(&self, watcher: &dyn Watcher, stop: &CancellationToken) -> Result<(), StoreError> {
        if stop.is_cancelled() {
            return Ok(());
        }
        self.rematch(watcher, stop).await?;
        self.corroborate().await.map_err(store_error)?;
        self.store.forget_old_traces(self.now() - TimeDelta::days(self.rules.waiting_days)).await?;
        self.rematch(watcher, stop).await?;
        watcher.phase("judging deals");
        self.review_due().await
    }

    async fn side_by_side(
        self: &Arc<Self>,
        connections: Vec<Arc<Connection>>,
        full: bool,
        watcher: &Arc<dyn Watcher>,
        stop: &CancellationToken,
    ) -> Result<Tally, StoreError> {
        let mut tally = Tally::default();
        let mut waiting = connections.into_iter();
        let mut running = tokio::task::JoinSet::new();
        loop {
            while running.len() < SIDE_BY_SIDE {
                let Some(c) = waiting.next() else { break };
                let (engine, watcher, stop) = (self.clone(), watcher.clone(), stop.clone());
                let name = c.name.clone();
                running.spawn(async move {
                    let work = engine.connection(&c, full, watcher.as_ref(), &stop);
                    (name, attempt::caught(work).await)
                });
            }
            match running.join_next().await {
                None => return Ok(tally),
                Some(Ok((_, Ok(done)))) => tally.add(done?),
                Some(Ok((name, Err(attempt::Panicked)))) => {
                    tracing::error!(connection = name, "reading a connection ended in a fault of the program");
                    let why = "reading it ended in a fault of the program; the others were read".to_owned();
                    tally.failures.push((name, None, why));
                }
                // nothing can panic out there, and nobody ends these tasks
                Some(Err(_)) => {}
            }
        }
    }

    /// Reads one connection, stream by stream. Its failures are noted and told, never raised.
    pub async fn connection(
        &self,
        c: &Connection,
        full: bool,
        watcher: &dyn Watcher,
        stop: &CancellationToken,
    ) -> Result<Tally, StoreError> {
        let mut tally = Tally::default();
        let streams = match c.source.streams().await {
            Ok(found) => self.store.set_streams(&c.name, &found).await?,
            Err(fault) => {
                self.note(c, None, &fault, &mut tally, watcher).await?;
                return Ok(tally);
            }
        };
        self.vanished_streams(c).await?;
        for (list, fault) in self.missing_lists(c).await? {
            self.note(c, Some(&list), &fault, &mut tally, watcher).await?;
        }
        for (n, stream) in streams.iter().enumerate() {
            if stop.is_cancelled() {
                break;
            }
            let next = streams.get(n + 1);
            c.source.announce(next.map(|s| (&s.stream, s.cursor.as_ref().filter(|_| !full))));
            let done = self.stream(c, stream, full, watcher, stop).await;
            match done {
                Ok(done) => {
                    tally.items += done.items;
                    tally.outcomes += done.outcomes;
                    if done.left {
                        tally.left.push((c.name.clone(), stream.stream.name.clone()));
                    }
                    if done.items > 0 && c.gives == Gives::Crm {
                        self.reload().await?;
                    }
                }
                Err(EngineError::Lost) => tally.left.push((c.name.clone(), stream.stream.name.clone())),
                Err(EngineError::Store(e)) => return Err(e),
                Err(EngineError::Fault(fault)) => {
                    self.note(c, Some(stream), &fault, &mut tally, watcher).await?;
                    if stops_the_connection(&fault.kind) {
                        break;
                    }
                }
            }
        }
        if c.gives == Gives::Crm
            && let Err(EngineError::Store(e)) = self.observe_stages(c).await
        {
            return Err(e);
        }
        self.read_through(c, &tally, stop).await?;
        Ok(tally)
    }

    /// What the end of a reading says of the connection.
    async fn read_through(&self, c: &Connection, tally: &Tally, stop: &CancellationToken) -> Result<(), StoreError> {
        if !tally.failures.is_empty() || stop.is_cancelled() {
            return Ok(());
        }
        let now = self.now();
        if tally.left.is_empty() {
            self.store.connection_ok(&c.name, now, now + delta(c.poll)).await?;
        } else {
            // it was not read: nothing is known of it, and it is looked at again soon
            self.store.look_later(&c.name, now + delta(c.poll).min(SOON)).await?;
        }
        Ok(())
    }

    /// Reads one stream. A panic is caught, and what caused it is searched and put aside.
    pub(super) async fn stream(
        &self,
        c: &Connection,
        stream: &Stored,
        full: bool,
        watcher: &dyn Watcher,
        stop: &CancellationToken,
    ) -> Result<Done, EngineError> {
        for _ in 0..MOST_PANICS {
            match attempt::caught(self.stream_once(c, stream, full, watcher, stop)).await {
                Err(attempt::Panicked) => {}
                Ok(Err(EngineError::Fault(fault))) if attempt::panicked(&fault) => {}
                Ok(done) => return done,
            }
            let name = stream.stream.name.as_str();
            tracing::error!(
                connection = c.name,
                stream = stream.id,
                "reading a stream ended in a fault of the program"
            );
            watcher.phase(&format!("looking for what ended the reading of {name}"));
        }
        self.store.release_dead(stream.id, &self.holder).await?;
        let what = format!(
            "reading {} of {} ended in a fault of the program again and again; the others were read: please report it",
            stream.stream.name, c.name
        );
        Err(Fault::new(FaultKind::Malformed, what).into())
    }

    async fn stream_once(
        &self,
        c: &Connection,
        stream: &Stored,
        full: bool,
        watcher: &dyn Watcher,
        stop: &CancellationToken,
    ) -> Result<Done, EngineError> {
        let reading = Reading { engine: self, connection: c, stream, full, watcher, stop, outcomes: Mutex::default() };
        match reading.run().await {
            Err(EngineError::Fault(fault)) if fault.kind == FaultKind::CursorExpired => {
                self.store.forget_cursor(stream.id, self.now()).await?;
                let fresh = Stored { cursor: None, pass_began: None, ..stream.clone() };
                let reading = Reading { stream: &fresh, outcomes: Mutex::default(), ..reading };
                reading.run().await
            }
            Ok(done) if !done.left => {
                self.pending_texts(c, stream).await?;
                Ok(done)
            }
            other => other,
        }
    }

    async fn note(
        &self,
        c: &Connection,
        stream: Option<&Stored>,
        fault: &Fault,
        tally: &mut Tally,
        watcher: &dyn Watcher,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let failures = self.store.connections().await?.iter().find(|x| x.name == c.name).map_or(0, |x| x.failures);
        let (state, wait) = next_try(&fault.kind, failures);
        tracing::warn!(connection = c.name, kind = ?fault.kind, "reading failed");
        if let Some(stream) = stream {
            self.store.stream_failed(stream.id, &fault.what, now + wait).await?;
        }
        self.store.connection_failed(&c.name, state, &fault.what, now, now + wait).await?;
        let name = stream.map(|s| s.stream.name.as_str());
        watcher.failed(&c.name, name, &fault.what);
        tally.failures.push((c.name.clone(), name.map(str::to_owned), fault.what.clone()));
        Ok(())
    }

    /// Matches again what new contacts, roles, deals or rules touch.
    pub async fn rematch(&self, watcher: &dyn Watcher, stop: &CancellationToken) -> Result<(), StoreError> {
        let mut told = false;
        while !stop.is_cancelled() {
            let mut tx = self.store.begin().await?;
            let known = self.known_in(&mut tx).await?;
            let ids = rematch::next(&mut tx, REMATCH).await?;
            if ids.is_empty() {
                return Ok(());
            }
            if !told {
                watcher.phase("matching again");
                told = true;
            }
            let fresh = matches::Fresh { again: ids.clone(), ..matches::Fresh::default() };
            matches::settle(&mut tx, &known, fresh).await?;
            rematch::done(&mut tx, &ids).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// When a rule of the configuration changed, every item is decided again and every activity matched again.
    pub(super) async fn rules_changed(&self, full: bool) -> Result<(), StoreError> {
        const KEY: &str = "rules";
        let before = self.store.meta(KEY).await?;
        let same = before.as_deref() == Some(&self.rules.fingerprint);
        if full || !same {
            self.decide_all_gone().await?;
        }
        if same {
            return Ok(());
        }
        if before.is_some() {
            let mut tx = self.store.begin().await?;
            items::recheck_all(&mut tx).await?;
            rematch::add_all(&mut tx).await?;
            reviews::judge_all(&mut tx).await?;
            tx.commit().await?;
        }
        self.store.set_meta(KEY, &self.rules.fingerprint).await
    }

    /// Takes down what a person says of a finding; what it is about is judged again, so that a snooze ends by itself. `None`:
    /// there is no such finding.
    pub async fn say(&self, id: &str, word: Word, by: &str) -> Result<Option<Result<(), Refused>>, StoreError> {
        let mut tx = self.store.begin().await?;
        let Some(mut finding) = findings::by_id(&mut tx, id).await? else { return Ok(None) };
        if let Err(refused) = finding.say(word, by, self.now()) {
            return Ok(Some(Err(refused)));
        }
        findings::save(&mut tx, std::slice::from_ref(&finding)).await?;
        match &finding.deal {
            Some(deal) => reviews::mark(&mut tx, [deal.clone()]).await?,
            None => subjects::mark(&mut tx, [finding.subject()]).await?,
        }
        tx.commit().await?;
        self.review_due().await?;
        Ok(Some(Ok(())))
    }

    /// Records what a person decided about an activity's deal, and lets the thread follow.
    pub async fn choose(&self, chosen: &activities::Chosen) -> Result<(), StoreError> {
        let mut tx = self.store.begin().await?;
        activities::choose(&mut tx, chosen).await?;
        let known = self.known_in(&mut tx).await?;
        let fresh = matches::Fresh { again: vec![chosen.activity.clone()], ..matches::Fresh::default() };
        matches::settle(&mut tx, &known, fresh).await?;
        tx.commit().await?;
        self.review_due().await
    }
}

/// Signs out everywhere at once.
pub async fn sign_out(connections: Vec<Arc<Connection>>) {
    let leaving: tokio::task::JoinSet<()> =
        connections.into_iter().map(|c| async move { c.source.close().await }).collect();
    leaving.join_all().await;
}

fn store_error(e: EngineError) -> StoreError {
    match e {
        EngineError::Store(e) => e,
        EngineError::Fault(f) => StoreError::Broken(f.what),
        EngineError::Lost => StoreError::Broken(e.to_string()),
    }
}

fn delta(d: std::time::Duration) -> TimeDelta {
    TimeDelta::from_std(d).unwrap_or(TimeDelta::minutes(5))
}

/// Sign-in, network and throttling concern all streams of an account; a missing folder only itself.
fn stops_the_connection(kind: &FaultKind) -> bool {
    match kind {
        FaultKind::Busy { .. } | FaultKind::Unreachable | FaultKind::Unauthorized => true,
        FaultKind::CursorExpired
        | FaultKind::Refused
        | FaultKind::Missing
        | FaultKind::Conflict { .. }
        | FaultKind::Malformed => false,
    }
}

/// The one error policy: what state a fault puts a connection in, and when it is tried again.
pub fn next_try(kind: &FaultKind, failures: i64) -> (State, TimeDelta) {
    let jitter = TimeDelta::seconds(i64::from(rand::random::<u8>()) * 30 / 255);
    let backed_off = TimeDelta::seconds(30) * (1_i32 << failures.clamp(0, 7));
    match kind {
        FaultKind::Busy { retry_after } => {
            (State::Failing, retry_after.map_or(backed_off, delta).max(TimeDelta::seconds(10)) + jitter)
        }
        FaultKind::Unreachable | FaultKind::CursorExpired => (State::Failing, backed_off + jitter),
        FaultKind::Unauthorized | FaultKind::Refused if failures < 2 => (State::NeedsAction, backed_off * 4 + jitter),
        FaultKind::Unauthorized | FaultKind::Refused => (State::NeedsAction, TimeDelta::days(1) + jitter),
        FaultKind::Missing | FaultKind::Conflict { .. } | FaultKind::Malformed => {
            (State::NeedsAction, backed_off + jitter)
        }
    }
}
