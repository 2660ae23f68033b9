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
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use dealtrail_sdk::{
    Batch, Change, Cursor, Fault, Gives, Kind, Setup, Source, Stream, Window,
    record::{Content, Part},
};

use crate::{
    connect::Route,
    cursor::{key, parse_key},
    folder::Folder,
    line::Lines,
    pull::Structures,
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
    Ok(Box::new(Mailbox::new(settings, limits)))
}

/// One IMAP account.
#[derive(Debug)]
struct Mailbox {
    lines: Lines,
    watch: tokio::sync::Mutex<Option<Watch>>,
    seen: Mutex<HashMap<String, Seen>>,
    /// The server offers no IDLE: not worth another connection to find out.
    deaf: AtomicBool,
}

/// What the last step saw of a folder.
#[derive(Debug, Default)]
struct Seen {
    folder: Folder,
    structures: Structures,
}

impl Mailbox {
    fn new(settings: Settings, limits: frame::Limits) -> Self {
        Self {
            lines: Lines::new(Route::new(settings, limits)),
            watch: tokio::sync::Mutex::default(),
            seen: Mutex::default(),
            deaf: AtomicBool::new(false),
        }
    }

    fn remember(&self, stream: &Stream, folder: Folder, structures: Structures) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        // Only the folder read last is asked for texts soon: the others' structures would only take up memory.
        seen.values_mut().for_each(|other| other.structures = Structures::new());
        seen.insert(stream.id.clone(), Seen { folder, structures });
    }

    /// The structures that are known of some messages of a folder, if it is still the same folder.
    fn structures(&self, stream: &Stream, validity: u32, uids: &[u32]) -> HashMap<u32, Vec<Part>> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(known) = seen.get(&stream.id).filter(|s| s.folder.uid_validity.unwrap_or(0) == validity) else {
            return HashMap::new();
        };
        uids.iter().filter_map(|uid| Some((*uid, known.structures.get(uid)?.clone()))).collect()
    }

    fn last_state(&self, stream: &Stream) -> Option<Folder> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(&stream.id).map(|s| s.folder.clone())
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
        let mut session = self.lines.session(None).await?;
        let found = folders::streams(&mut session, &self.lines.route().settings().folders).await;
        self.lines.give_back(session);
        found
    }

    async fn pull(&self, stream: &Stream, cursor: Option<&Cursor>, window: &Window) -> Result<Batch, Fault> {
        let mark = pull::mark(cursor)?;
        let since = mark.as_ref().filter(|m| m.done()).and_then(|m| Some((m.uidvalidity, m.modseq?)));
        let mut line = self.lines.open(&stream.id, since).await?;
        let folder = line.state();
        let result = pull::step(&mut line, mark, window.since).await;
        line.finish();
        let (batch, structures) = result?;
        self.remember(stream, folder, structures);
        Ok(batch)
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
        self.remember(stream, folder, structures);
        Ok(changes)
    }

    async fn content(&self, stream: &Stream, keys: &[String], limit: usize) -> Result<Vec<(String, Content)>, Fault> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let mut line = self.lines.reuse(&stream.id).await?;
        let validity = line.state().uid_validity.unwrap_or(0);
        let (uids, foreign) = sort_keys(keys, validity);
        let known = self.structures(stream, validity, &uids);
        let result = reading::texts(&mut line, &uids, known, limit).await;
        line.finish();
        let texts = result?.into_iter().map(|(uid, text)| (key(validity, uid), text));
        Ok(texts.chain(foreign.into_iter().map(|name| (name, Content::Gone))).collect())
    }

    async fn wait(&self, streams: &[Stream]) -> Result<Option<String>, Fault> {
        let route = self.lines.route();
        let deaf = self.deaf.load(Ordering::Relaxed) || route.settings().limits.connections < 2;
        let Some(stream) = watch::target(streams).filter(|_| !deaf) else {
            return std::future::pending().await;
        };
        let mut watch = self.watch.lock().await;
        if watch.as_ref().is_none_or(|w| !w.is_for(&stream.id)) {
            *watch = None;
            route.check()?;
            *watch = Watch::open(route, &stream.id, self.last_state(stream).as_ref()).await?;
        }
        let Some(open) = watch.as_mut() else {
            self.deaf.store(true, Ordering::Relaxed);
            return std::future::pending().await;
        };
        let heard = open.news().await;
        if heard.is_err() {
            *watch = None;
        }
        heard.map(|()| Some(stream.id.clone()))
    }

    async fn close(&self) {
        // A wait that is still running holds the watch: it ends with its connection.
        if let Ok(mut watch) = self.watch.try_lock()
            && let Some(watch) = watch.take()
        {
            watch.close().await;
        }
        for session in self.lines.drain() {
            session.logout().await;
        }
    }
}
