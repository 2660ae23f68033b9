//! Reads IMAP mailboxes (RFC 9051, RFC 3501 and the extensions that servers offer).
//!
//! Read-only by construction: folders are opened by EXAMINE and bytes are asked for by PEEK. The session is our own, so
//! that a response nobody can read costs one message and not the mailbox; every message that is asked for is accounted
//! for, and nothing counts as gone without proof. README.md tells how a folder is read.

mod answer;
mod command;
mod connect;
mod cursor;
mod fetched;
mod folder;
mod folders;
mod frame;
mod gather;
#[cfg(test)]
mod lies;
mod line;
mod mail;
mod names;
mod pull;
mod reading;
mod search;
mod session;
mod settings;
mod signin;
mod sorting;
mod structure;
mod token;
mod watch;

/// What tests outside of this crate throw hostile bytes at. No part of the contract.
#[doc(hidden)]
pub mod inside {
    pub use crate::{
        frame::{Frame, Framer, Limits},
        structure::parts,
        token::{Token, Tokens, read},
    };
}

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use dealtrail_sdk::{Batch, Change, Clock, Cursor, Fault, Gives, Kind, Setup, Source, Stream, Window, record::Content};

use tokio::time::Instant;

use crate::{
    connect::Route,
    cursor::{BATCH, Mark, key, parse_key},
    folder::Folder,
    line::{Line, Lines},
    mail::Structures,
    settings::Settings,
    watch::Watch,
};

/// The connector.
pub static KIND: Kind = Kind {
    name: "imap",
    title: "IMAP mailbox",
    gives: Gives::Mail,
    local: false,
    settings: settings::FIELDS,
    connect: open,
};

fn open(setup: Setup) -> Result<Box<dyn Source>, Fault> {
    let settings = Settings::read(&setup)?;
    let limits = frame::Limits { silence: settings.patience, ..frame::Limits::default() };
    Ok(Box::new(Mailbox::new(settings, limits, setup.clock)))
}

/// What the server told of a closed folder is believed for so long.
const FRESH: Duration = Duration::from_secs(60);

/// One IMAP account.
#[derive(Debug)]
struct Mailbox {
    lines: Lines,
    seen: Mutex<HashMap<String, Seen>>,
    /// What the list of folders told of them, until it is used.
    told: Mutex<HashMap<String, Told>>,
    clock: Arc<dyn Clock>,
    /// The folder that will be read after the present one, and its cursor.
    next: Mutex<Option<(String, Option<Cursor>)>>,
    /// The server offers no IDLE: not worth another connection to find out.
    deaf: AtomicBool,
}

/// What the last step saw of a folder.
#[derive(Debug, Default)]
struct Seen {
    folder: Folder,
    structures: Structures,
    /// The messages that will be read next.
    next: Vec<u32>,
}

/// What was told of a folder that stayed closed, and when.
#[derive(Debug)]
struct Told {
    folder: Folder,
    at: DateTime<Utc>,
    asked: Instant,
}

impl Mailbox {
    fn new(settings: Settings, limits: frame::Limits, clock: Arc<dyn Clock>) -> Self {
        Self {
            lines: Lines::new(Route::new(settings, limits)),
            seen: Mutex::default(),
            told: Mutex::default(),
            clock,
            next: Mutex::default(),
            deaf: AtomicBool::new(false),
        }
    }

    fn remember(&self, stream: &Stream, seen: Seen) {
        // Only the folder read last is asked for texts soon: what is known of the others would only take up memory.
        self.forget_structures();
        self.seen().insert(stream.id.clone(), seen);
    }

    fn forget_structures(&self) {
        for seen in self.seen().values_mut() {
            (seen.structures, seen.next) = (Structures::new(), Vec::new());
        }
    }

    fn seen(&self) -> MutexGuard<'_, HashMap<String, Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn told(&self) -> MutexGuard<'_, HashMap<String, Told>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The folder opened for the next step, or as it is open already in the middle of its past.
    async fn opened(&self, stream: &Stream, mark: Option<&Mark>, told: Option<&Folder>) -> Result<Line<'_>, Fault> {
        if let Some(mark) = mark.filter(|m| !m.done()) {
            let goes_on = |f: &Folder| f.uid_validity.unwrap_or(0) == mark.uidvalidity && f.all().is_some() && !f.grown;
            if let Some(line) = self.lines.still_open(&stream.id, goes_on).await? {
                return Ok(line);
            }
        }
        self.lines.open(&stream.id, pull::since(mark), &|session| pull::expected(session, mark, told)).await
    }

    /// The structures that are known of some messages of a folder, if it is still the same folder.
    /// Also the messages that will be read next.
    fn structures(&self, stream: &Stream, validity: u32, uids: &[u32]) -> (Structures, Vec<u32>) {
        let seen = self.seen();
        let Some(known) = seen.get(&stream.id).filter(|s| s.folder.uid_validity.unwrap_or(0) == validity) else {
            return Default::default();
        };
        let structures = uids.iter().filter_map(|uid| Some((*uid, known.structures.get(uid)?.clone())));
        (structures.collect(), known.next.clone())
    }

    /// Once a folder is read the next one can be on its way. That is nobody's duty: where it fails, it is found out later.
    async fn turn_to_next(&self, line: &mut Line<'_>) {
        let Some((id, cursor)) = self.next.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        let (Ok(mark), Ok(session)) = (pull::mark(cursor.as_ref()), line.session()) else { return };
        let told = self.told().get(&id).filter(|t| t.asked.elapsed() < FRESH).map(|t| t.folder.clone());
        if mark.as_ref().zip(told.as_ref()).is_some_and(|(mark, told)| mark.stands(told, self.today())) {
            return;
        }
        let question = pull::expected(session, mark.as_ref(), told.as_ref());
        let _later = session.turn_to(&id, pull::since(mark.as_ref()), question).await;
    }

    fn today(&self) -> i64 {
        self.clock.now().timestamp().div_euclid(24 * 3600)
    }

    fn last_state(&self, stream: &Stream) -> Option<Folder> {
        self.seen().get(&stream.id).map(|s| s.folder.clone())
    }
}

/// Splits keys into UIDs of this folder and keys of an earlier one. Keys that are not ours are left out.
fn sort_keys(keys: &[String], validity: u32) -> (Vec<u32>, Vec<String>) {
    let (mut ours, mut foreign) = (Vec::new(), Vec::new());
    for name in keys {
        match parse_key(name) {
            Some((v, uid)) if v == validity => ours.push(uid),
            Some(_) => foreign.push(name.clone()),
            None => {}
        }
    }
    ours.sort_unstable();
    ours.dedup();
    (ours, foreign)
}

#[async_trait]
impl Source for Mailbox {
    async fn streams(&self) -> Result<Vec<Stream>, Fault> {
        let (at, asked) = (self.clock.now(), Instant::now());
        let choice = &self.lines.route().settings().folders;
        let mut session = self.lines.session(None).await?;
        let mut found = folders::find(&mut session, choice).await;
        if found.is_err() && !session.alive && session.kept {
            // A kept connection may have died unnoticed: that is no reason to fail. Its place is needed for the next one.
            let using = session.using.take();
            drop(session);
            session = Box::pin(self.lines.route().open()).await?;
            session.using = using;
            found = folders::find(&mut session, choice).await;
        }
        self.lines.give_back(session);
        let found = found?;
        *self.told() = found.told.into_iter().map(|(name, folder)| (name, Told { folder, at, asked })).collect();
        Ok(found.streams)
    }

    fn announce(&self, next: Option<(&Stream, Option<&Cursor>)>) {
        let next = next.map(|(stream, cursor)| (stream.id.clone(), cursor.cloned()));
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = next;
    }

    async fn pull(&self, stream: &Stream, cursor: Option<&Cursor>, window: &Window) -> Result<Batch, Fault> {
        let mark = pull::mark(cursor)?;
        let today = self.today();
        let told = self.told().remove(&stream.id).filter(|t| t.asked.elapsed() < FRESH);
        if let (Some(mark), Some(told)) = (&mark, &told)
            && mark.stands(&told.folder, today)
        {
            let batch = Batch { cursor: Some(mark.cursor()), as_of: Some(told.at), ..Batch::default() };
            let folder = told.folder.clone();
            self.remember(stream, Seen { folder, ..Seen::default() });
            return Ok(batch);
        }
        let mut line = self.opened(stream, mark.as_ref(), told.as_ref().map(|t| &t.folder)).await?;
        let folder = line.state();
        let result = pull::step(&mut line, mark, window.since, today).await;
        let (state, batch) = (line.state(), line.session().map_or(BATCH, |s| s.batch));
        line.finish();
        let (found, structures, mark) = result?;
        self.remember(stream, Seen { next: pull::upcoming(&mark, &state, batch), folder, structures });
        Ok(found)
    }

    async fn fetch(&self, stream: &Stream, resources: &[String], window: &Window) -> Result<Vec<Change>, Fault> {
        if resources.is_empty() {
            return Ok(Vec::new());
        }
        let mut line = self.lines.reuse(&stream.id).await?;
        let folder = line.state();
        let validity = folder.uid_validity.unwrap_or(0);
        let (uids, foreign) = sort_keys(resources, validity);
        let result = pull::again(&mut line, validity, &uids, window.since).await;
        line.finish();
        let (mut changes, structures) = result?;
        changes.extend(foreign.into_iter().map(|resource| Change::Remove { resource }));
        self.remember(stream, Seen { folder, structures, next: Vec::new() });
        Ok(changes)
    }

    async fn content(&self, stream: &Stream, keys: &[String], limit: usize) -> Result<Vec<(String, Content)>, Fault> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let mut line = self.lines.reuse(&stream.id).await?;
        let validity = line.state().uid_validity.unwrap_or(0);
        let (uids, foreign) = sort_keys(keys, validity);
        let (known, next) = self.structures(stream, validity, &uids);
        let result = reading::texts(&mut line, &uids, known, &next, limit).await;
        if next.is_empty() && result.is_ok() {
            self.turn_to_next(&mut line).await;
        }
        line.finish();
        let texts = result?.into_iter().map(|(uid, text)| (key(validity, uid), text));
        Ok(texts.chain(foreign.into_iter().map(|name| (name, Content::Gone))).collect())
    }

    async fn wait(&self, streams: &[Stream]) -> Result<Option<String>, Fault> {
        let Some(stream) = watch::target(streams).filter(|_| !self.deaf.load(Ordering::Relaxed)) else {
            return std::future::pending().await;
        };
        loop {
            self.lines.at_rest().await;
            let mut waiting = self.lines.waiting.lock().await;
            if waiting.as_ref().is_none_or(|w| !w.is_for(&stream.id)) {
                *waiting = None;
                let session = self.lines.session_to_wait(&stream.id).await?;
                if !session.can("IDLE") {
                    self.deaf.store(true, Ordering::Relaxed);
                    self.lines.give_back(session);
                    drop(waiting);
                    return std::future::pending().await;
                }
                *waiting = Some(Watch::open(session, &stream.id, self.last_state(stream).as_ref()).await?);
                self.forget_structures();
            }
            let watch = waiting.as_mut().expect("it was made above");
            let heard = tokio::select! {
                biased;
                () = self.lines.asked_for() => continue,
                heard = watch.news() => heard,
            };
            let watch = waiting.take().expect("it heard something");
            heard?;
            // What was told of it before is out of date.
            self.told().remove(&stream.id);
            if let Some(session) = watch.stop_waiting().await {
                self.lines.give_back(session);
            }
            return Ok(Some(stream.id.clone()));
        }
    }

    async fn close(&self) {
        // A wait that is still running holds it: it ends with its connection.
        let waiting = self.lines.waiting.try_lock().ok().and_then(|mut w| w.take());
        if let Some(waiting) = waiting {
            waiting.close().await;
        }
        for session in self.lines.drain() {
            session.logout().await;
        }
    }
}
