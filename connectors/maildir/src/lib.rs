//! Reads the maildirs of one mailbox: Maildir++ as Dovecot lays it out, and plain folders as mbsync does.
//!
//! Files are opened for reading and nothing else: none is written, renamed or marked, and where the system allows it
//! not even its time of access changes. `tmp` is never looked at. All file work runs on the blocking threads.

mod folders;
mod listing;
mod mail;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use dealtrail_sdk::{
    Batch, Change, Clock, Cursor, Entry, Fault, FaultKind, Field, Gives, Item, Kind, Listing, Need, Setup, Source,
    Stream, Window,
    folders::FolderChoice,
    record::{Content, Record},
};
use serde::Deserialize;

use crate::{
    listing::{Found, Stamp, changed, scan},
    mail::{Read, read},
};

/// The connector `maildir`.
pub static KIND: Kind = Kind {
    name: "maildir",
    title: "Maildir (a mailbox on disk)",
    gives: Gives::Mail,
    local: true,
    settings: &[
        Field {
            name: "path",
            need: Need::Required,
            help: "The mailbox's folder: Maildir++ as Dovecot lays it out, or folders as mbsync does.",
        },
        Field {
            name: "folders",
            need: Need::Optional,
            help: "{ include = [...], exclude = [...] }: which folders are read; default: all but drafts, spam and trash.",
        },
    ],
    connect,
};

#[derive(Deserialize)]
struct Settings {
    path: PathBuf,
    #[serde(default)]
    folders: FolderChoice,
}

fn connect(setup: Setup) -> Result<Box<dyn Source>, Fault> {
    let settings: Settings = setup.settings.read()?;
    let root = setup.base.join(settings.path);
    Ok(Box::new(Maildir { root, choice: settings.folders, clock: setup.clock, known: Arc::default() }))
}

/// Times that one reading lists a folder anew because messages were not where they had been.
const SCANS_MAX: usize = 16;

/// Where the messages of a folder were last seen: unique name -> file, and in what state of the folder.
struct Seen {
    files: HashMap<String, Found>,
    stamp: Option<Stamp>,
}

impl Seen {
    /// Whether the folder is what it was: then what is not among its files is not there.
    fn holds(&self, dir: &Path) -> bool {
        self.stamp.is_some_and(|stamp| stamp == changed(dir))
    }
}

/// By the folder's id.
type Known = Arc<Mutex<HashMap<String, Arc<Seen>>>>;

struct Maildir {
    root: PathBuf,
    choice: FolderChoice,
    clock: Arc<dyn Clock>,
    known: Known,
}

/// One folder while it is being read on a blocking thread.
struct Folder {
    root: PathBuf,
    id: String,
    known: Known,
}

impl Maildir {
    fn folder(&self, stream: &Stream) -> Folder {
        Folder { root: self.root.clone(), id: stream.id.clone(), known: Arc::clone(&self.known) }
    }
}

#[async_trait]
impl Source for Maildir {
    async fn streams(&self) -> Result<Vec<Stream>, Fault> {
        let (root, choice) = (self.root.clone(), self.choice.clone());
        blocking(move || folders::streams(&root, &choice)).await
    }

    async fn look(&self, stream: &Stream) -> Result<(), Fault> {
        let folder = self.folder(stream);
        blocking(move || scan(&folders::locate(&folder.root, &folder.id)?).map(drop)).await
    }

    async fn pull(&self, stream: &Stream, _: Option<&Cursor>, _: &Window) -> Result<Batch, Fault> {
        let folder = self.folder(stream);
        blocking(move || folder.list()).await
    }

    async fn fetch(&self, stream: &Stream, resources: &[String], _: &Window) -> Result<Vec<Change>, Fault> {
        let (folder, names, now) = (self.folder(stream), resources.to_vec(), self.clock.now());
        blocking(move || folder.each(&names, |name, file, read| mail::change(name, file, read, now))).await
    }

    async fn content(&self, stream: &Stream, keys: &[String], limit: usize) -> Result<Vec<(String, Content)>, Fault> {
        let (folder, names) = (self.folder(stream), keys.to_vec());
        let texts = blocking(move || folder.each(&names, |name, file, read| (name, mail::content(file, read, limit))));
        Ok(texts.await?.into_iter().filter_map(|(key, content)| content.map(|c| (key, c))).collect())
    }
}

impl Folder {
    fn list(&self) -> Result<Batch, Fault> {
        let (mut found, stamp) = scan(&folders::locate(&self.root, &self.id)?)?;
        found.sort_by(|a, b| b.order().cmp(&a.order()));
        let entries: Vec<Entry> =
            found.iter().map(|f| Entry { resource: f.unique.clone(), version: Some(f.version()) }).collect();
        self.remember((found, stamp));
        let left = Some(entries.len() as u64);
        Ok(Batch { listing: Some(Listing { entries, ..Listing::default() }), left, ..Batch::default() })
    }

    fn remember(&self, (found, stamp): (Vec<Found>, Option<Stamp>)) -> Arc<Seen> {
        let files = found.into_iter().map(|f| (f.unique.clone(), f)).collect();
        let seen = Arc::new(Seen { files, stamp });
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(self.id.clone(), Arc::clone(&seen));
        seen
    }

    fn remembered(&self) -> Option<Arc<Seen>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&self.id).cloned()
    }

    /// Reads the named messages one after the other. A message whose file was renamed since the listing (read, flagged)
    /// is looked up again by its unique name; `None` as its file means that it is not there any more. One that a busy
    /// folder moved again and again is left out: nobody can say that it is gone.
    fn each<T>(&self, names: &[String], then: impl Fn(String, Option<&Found>, Read) -> T) -> Result<Vec<T>, Fault> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let dir = folders::locate(&self.root, &self.id)?;
        let mut scans = 0;
        let mut seen = match self.remembered() {
            Some(seen) => seen,
            None => self.remember(scan(&dir)?),
        };
        let mut out = Vec::with_capacity(names.len());
        for name in names {
            let mut got = look(&dir, &seen, name);
            while matches!(got, Read::Gone) && !seen.holds(&dir) && scans < SCANS_MAX {
                seen = self.remember(scan(&dir)?);
                scans += 1;
                got = look(&dir, &seen, name);
            }
            if !matches!(got, Read::Gone) || seen.holds(&dir) {
                out.push(then(name.clone(), seen.files.get(name), got));
            }
        }
        Ok(out)
    }
}

fn look(dir: &Path, seen: &Seen, name: &str) -> Read {
    seen.files.get(name).map_or(Read::Gone, |found| read(&dir.join(&found.file)))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Fault> + Send + 'static) -> Result<T, Fault> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(e) => Err(Fault::from(FaultKind::Unreachable, "reading the maildir was broken off; it is tried again", e)),
    }
}

/// A message as the engine takes it.
fn upsert(name: String, version: Option<String>, mail: dealtrail_sdk::record::Message) -> Change {
    let item = Item { key: name.clone(), record: Record::Mail(Box::new(mail)) };
    Change::Upsert { resource: name, version, items: vec![item] }
}

#[cfg(test)]
mod tests;
