//! The daemon: one worker per connection, woken by the schedule or by a push hint; after each reading the deals it touched
//! are judged. A worker that fails waits by itself; the others never notice. While nothing happens only the schedule is looked at,
//! by one reader for all.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::{Notify, Semaphore, mpsc};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Connection, Engine, EngineError,
    attempt::{Panicked, caught},
    progress::{Quiet, Tally, Watcher},
};
use crate::store::StoreError;

/// Connections read at the same time.
const AT_ONCE: usize = 16;
/// How often deals are judged whose time has come.
const JUDGE_EVERY: Duration = Duration::from_secs(60);
/// The schedule is looked at at least this often: a sync asked for elsewhere is a due time in the database.
const LOOK_EVERY: Duration = Duration::from_secs(15);
/// Let a burst of news settle before judging.
const SETTLE: Duration = Duration::from_millis(150);

/// Runs until `stop`. What is under way is finished or rolled back; leases are given back.
///
/// # Errors
/// When the database fails for good.
pub async fn run(engine: Arc<Engine>, stop: CancellationToken) -> Result<(), StoreError> {
    let first: Arc<dyn Watcher> = Arc::new(Quiet);
    let tasks = TaskTracker::new();
    let news = Arc::new(Notify::new());
    let slots = Arc::new(Semaphore::new(AT_ONCE));
    let mut bells = HashMap::new();
    let rescheduled = Arc::new(Notify::new());
    engine.rules_changed(false).await?;
    // the CRM says who is known: read it before the mailboxes
    for c in engine.connections.iter().filter(|c| c.gives == dealtrail_sdk::Gives::Crm) {
        let renamed = engine.ids_change(c).await?;
        engine.connection(c, renamed, first.as_ref(), &stop).await?;
    }
    engine.reload().await?;
    for c in &engine.connections {
        let (hints, inbox) = mpsc::channel(16);
        let worker = Worker {
            engine: engine.clone(),
            connection: c.clone(),
            news: news.clone(),
            slots: slots.clone(),
            bell: Arc::default(),
            rescheduled: rescheduled.clone(),
            stop: stop.clone(),
        };
        bells.insert(c.name.clone(), worker.bell.clone());
        tasks.spawn(listen(engine.clone(), c.clone(), hints, stop.clone()));
        tasks.spawn(worker.run(inbox));
    }
    tasks.spawn(ring(engine.clone(), bells, rescheduled, stop.clone()));
    tasks.spawn(judge(engine.clone(), news, stop.clone()));
    tasks.close();
    stop.cancelled().await;
    tasks.wait().await;
    Ok(())
}

/// What wakes a worker.
#[derive(Default)]
struct Bell {
    due: Notify,
    /// It reads, and will be scheduled anew by that.
    busy: AtomicBool,
}

/// Wakes the workers whose time has come.
async fn ring(engine: Arc<Engine>, bells: HashMap<String, Arc<Bell>>, again: Arc<Notify>, stop: CancellationToken) {
    loop {
        let now = engine.now();
        let mut wait = LOOK_EVERY;
        // where the database cannot be read now it is asked again soon enough
        let known = engine.store.connections().await.unwrap_or_default();
        for c in &known {
            let Some(bell) = bells.get(&c.name).filter(|b| !b.busy.load(Ordering::Acquire)) else { continue };
            match (c.next_due - now).to_std() {
                Ok(left) if !left.is_zero() => wait = wait.min(left),
                _ => {
                    bell.busy.store(true, Ordering::Release);
                    bell.due.notify_one();
                }
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = again.notified() => tokio::time::sleep(SETTLE).await,
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// Judges after news and as time passes.
async fn judge(engine: Arc<Engine>, news: Arc<Notify>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = news.notified() => tokio::time::sleep(SETTLE).await,
            () = tokio::time::sleep(JUDGE_EVERY) => {}
        }
        let failed = match caught(engine.finish(&Quiet, &stop)).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(Panicked) => Some("a fault of the program".to_owned()),
        };
        if let Some(error) = failed {
            tracing::error!(error, "deals could not be judged now; they stay marked");
            pause(Duration::from_secs(5), &stop).await;
        }
    }
}

/// Passes push hints on. A source without push never speaks.
async fn listen(engine: Arc<Engine>, c: Arc<Connection>, hints: mpsc::Sender<Option<String>>, stop: CancellationToken) {
    let mut failures = 0;
    loop {
        let streams = engine.store.streams_of(&c.name).await.unwrap_or_default();
        let streams: Vec<_> = streams.into_iter().map(|s| s.stream).collect();
        if streams.is_empty() {
            if pause(Duration::from_secs(2), &stop).await {
                return;
            }
            continue;
        }
        let hint = tokio::select! {
            () = stop.cancelled() => return,
            hint = c.source.wait(&streams) => hint,
        };
        match hint {
            Ok(hint) => {
                failures = 0;
                if hints.send(hint).await.is_err() {
                    return;
                }
            }
            Err(fault) => {
                tracing::info!(connection = c.name, kind = ?fault.kind, "push was interrupted; polling goes on");
                failures += 1;
                let (_, wait) = super::pass::next_try(&fault.kind, failures);
                if pause(wait.to_std().unwrap_or(Duration::from_secs(30)), &stop).await {
                    return;
                }
            }
        }
    }
}

/// Sleeps; true when it was told to stop.
async fn pause(time: Duration, stop: &CancellationToken) -> bool {
    tokio::select! {
        () = stop.cancelled() => true,
        () = tokio::time::sleep(time) => false,
    }
}

struct Worker {
    engine: Arc<Engine>,
    connection: Arc<Connection>,
    news: Arc<Notify>,
    slots: Arc<Semaphore>,
    bell: Arc<Bell>,
    /// Said after each reading: the next one has a time now.
    rescheduled: Arc<Notify>,
    stop: CancellationToken,
}

impl Worker {
    async fn run(self, mut inbox: mpsc::Receiver<Option<String>>) {
        let mut pushes = true;
        loop {
            let hint = tokio::select! {
                () = self.stop.cancelled() => return,
                hint = inbox.recv(), if pushes => {
                    pushes = hint.is_some();
                    match hint {
                        Some(hint) => hint,
                        None => continue,
                    }
                }
                () = self.bell.due.notified() => None,
            };
            self.bell.busy.store(true, Ordering::Release);
            let Ok(slot) = self.slots.acquire().await else { return };
            // boxed: a worker that waits must not take up the room of a reading
            let read = Box::pin(caught(self.read(hint))).await;
            drop(slot);
            let read = read.unwrap_or_else(|Panicked| Err(StoreError::Broken("a fault of the program".to_owned())));
            match read {
                Ok(tally) if tally.items > 0 || !tally.failures.is_empty() => self.news.notify_one(),
                Ok(_) => {}
                Err(error) => {
                    tracing::error!(connection = self.connection.name, %error, "reading it failed here; trying again");
                    if pause(Duration::from_secs(10), &self.stop).await {
                        return;
                    }
                }
            }
            self.bell.busy.store(false, Ordering::Release);
            self.rescheduled.notify_one();
        }
    }

    async fn read(&self, hint: Option<String>) -> Result<Tally, StoreError> {
        let (engine, c) = (&self.engine, &self.connection);
        if let Some(wire) = hint {
            let streams = engine.store.streams_of(&c.name).await?;
            if let Some(stream) = streams.iter().find(|s| s.stream.id == wire) {
                return match engine.stream(c, stream, false, &Quiet, &self.stop).await {
                    Ok(done) => Ok(Tally { items: done.items, outcomes: done.outcomes, ..Tally::default() }),
                    Err(EngineError::Store(e)) => Err(e),
                    // the next poll says what is wrong
                    Err(EngineError::Fault(_) | EngineError::Lost) => {
                        engine.connection(c, false, &Quiet, &self.stop).await
                    }
                };
            }
        }
        engine.connection(c, false, &Quiet, &self.stop).await
    }
}
