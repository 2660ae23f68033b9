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
    Batch, Change, Cursor, Entry, Fault, FaultKind, Field, Gives, Item, Kind, Listing, Need, Setup, Source, Stream,
    Window,
    folders::FolderChoice,
    record::{Content, Record},
};
use serde::Deserialize;

use crate::{
    listing::{Found, scan},
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
    Ok(Box::new(Maildir { root, choice: settings.folders, known: Arc::default() }))
}

/// Where the messages of a folder were last seen: unique name -> file.
type Known = Arc<Mutex<HashMap<String, Arc<HashMap<String, Found>>>>>;

struct Maildir {
    root: PathBuf,
    choice: FolderChoice,
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
        let (folder, names) = (self.folder(stream), resources.to_vec());
        blocking(move || folder.each(&names, mail::change)).await
    }

    async fn content(&self, stream: &Stream, keys: &[String], limit: usize) -> Result<Vec<(String, Content)>, Fault> {
        let (folder, names) = (self.folder(stream), keys.to_vec());
        let texts = blocking(move || folder.each(&names, |name, file, read| (name, mail::content(file, read, limit))));
        Ok(texts.await?.into_iter().filter_map(|(key, content)| content.map(|c| (key, c))).collect())
    }
}

impl Folder {
    fn list(&self) -> Result<Batch, Fault> {
        let mut found = scan(&folders::locate(&self.root, &self.id)?)?;
        found.sort_by(|a, b| b.order().cmp(&a.order()));
        let entries: Vec<Entry> =
            found.iter().map(|f| Entry { resource: f.unique.clone(), version: Some(f.version()) }).collect();
        self.remember(found);
        let left = Some(entries.len() as u64);
        Ok(Batch { listing: Some(Listing { entries, shaky: false }), left, ..Batch::default() })
    }

    fn remember(&self, found: Vec<Found>) -> Arc<HashMap<String, Found>> {
        let map: Arc<HashMap<String, Found>> = Arc::new(found.into_iter().map(|f| (f.unique.clone(), f)).collect());
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(self.id.clone(), Arc::clone(&map));
        map
    }

    fn remembered(&self) -> Option<Arc<HashMap<String, Found>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&self.id).cloned()
    }

    /// Reads the named messages one after the other. A message whose file was renamed since the listing (read, flagged)
    /// is looked up again by its unique name; `None` as its file means that it is not there any more.
    fn each<T>(&self, names: &[String], then: impl Fn(String, Option<&Found>, Read) -> T) -> Result<Vec<T>, Fault> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let dir = folders::locate(&self.root, &self.id)?;
        let mut fresh = false;
        let mut known = match self.remembered() {
            Some(known) => known,
            None => {
                fresh = true;
                self.remember(scan(&dir)?)
            }
        };
        let mut out = Vec::with_capacity(names.len());
        for name in names {
            let mut got = look(&dir, &known, name);
            if matches!(got, Read::Gone) && !fresh {
                known = self.remember(scan(&dir)?);
                fresh = true;
                got = look(&dir, &known, name);
            }
            out.push(then(name.clone(), known.get(name), got));
        }
        Ok(out)
    }
}

fn look(dir: &Path, known: &HashMap<String, Found>, name: &str) -> Read {
    known.get(name).map_or(Read::Gone, |found| read(&dir.join(&found.file)))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Fault> + Send + 'static) -> Result<T, Fault> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(e) => Err(Fault::from(FaultKind::Unreachable, "reading the maildir was broken off; it is tried again", e)),
    }
}

/// A message as the engine takes it.
fn upsert(name: String, version: String, mail: dealtrail_sdk::record::Message) -> Change {
    let item = Item { key: name.clone(), record: Record::Mail(Box::new(mail)) };
    Change::Upsert { resource: name, version: Some(version), items: vec![item] }
}

#[cfg(test)]
mod tests;
