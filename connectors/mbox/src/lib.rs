//! Reads mbox files: one file, or a folder of files that are each a stream.
//!
//! Files are opened for reading and nothing else, never locked, and read in pieces: of a file of any size only the
//! places of its messages are held, and one message at a time. What another program changes while it is being read is
//! read again. All file work runs on the blocking threads.

mod files;
mod from;
mod index;
#[doc(hidden)]
pub mod inside;

use std::{
    collections::HashMap,
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use dealtrail_sdk::{
    Batch, Change, Clock, Cursor, Entry, Fault, FaultKind, Field, FolderRole, Gives, Item, Kind, Listing, Need, Setup,
    Source, Stream, Window, files as packing,
    folders::{FolderChoice, role_by_name},
    mime,
    record::{Content, Message, Record},
};
use serde::Deserialize;

use crate::{
    from::unquote,
    index::{Bad, Index, Letter, Stamp, index},
};

/// Bytes of one message that are read; what lies beyond can only be attachments.
const BYTES_MAX: u64 = 64 << 20;
/// Readings of a file that keeps changing under our hands.
const TRIES: usize = 3;

/// The connector `mbox`.
pub static KIND: Kind = Kind {
    name: "mbox",
    title: "mbox files (a mailbox on disk)",
    gives: Gives::Mail,
    local: true,
    settings: &[
        Field { name: "path", need: Need::Required, help: "An mbox file, or a folder of mbox files." },
        Field {
            name: "folders",
            need: Need::Optional,
            help: "{ include = [...], exclude = [...] }: which files of a folder are read; default: all but drafts, spam and trash.",
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
    Ok(Box::new(Mbox { root, choice: settings.folders, clock: setup.clock, indexes: Arc::default() }))
}

type Indexes = Arc<Mutex<HashMap<PathBuf, Arc<Index>>>>;

struct Mbox {
    root: PathBuf,
    choice: FolderChoice,
    clock: Arc<dyn Clock>,
    indexes: Indexes,
}

impl Mbox {
    async fn on_file<T: Send + 'static>(
        &self,
        stream: &Stream,
        work: impl FnOnce(&Mailfile) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let (root, id, indexes) = (self.root.clone(), stream.id.clone(), Arc::clone(&self.indexes));
        let clock = Arc::clone(&self.clock);
        blocking(move || work(&Mailfile { path: files::locate(&root, &id), clock, indexes })).await
    }
}

#[async_trait]
impl Source for Mbox {
    async fn streams(&self) -> Result<Vec<Stream>, Fault> {
        let (root, choice) = (self.root.clone(), self.choice.clone());
        blocking(move || files::streams(&root, &choice)).await
    }

    async fn pull(&self, stream: &Stream, _: Option<&Cursor>, _: &Window) -> Result<Batch, Fault> {
        self.on_file(stream, Mailfile::list).await
    }

    async fn fetch(&self, stream: &Stream, resources: &[String], _: &Window) -> Result<Vec<Change>, Fault> {
        let names = resources.to_vec();
        self.on_file(stream, move |file| file.each(&names, change)).await
    }

    async fn content(&self, stream: &Stream, keys: &[String], limit: usize) -> Result<Vec<(String, Content)>, Fault> {
        let names = keys.to_vec();
        let text = move |name: &str, found: Option<(&Letter, Vec<u8>)>| {
            let content = found.map_or(Content::Gone, |(_, bytes)| mime::text(&unquote(&bytes), limit));
            (name.to_owned(), content)
        };
        self.on_file(stream, move |file| file.each(&names, text)).await
    }
}

/// One file while it is being read on a blocking thread.
struct Mailfile {
    path: PathBuf,
    clock: Arc<dyn Clock>,
    indexes: Indexes,
}

impl Mailfile {
    fn list(&self) -> Result<Batch, Fault> {
        let (_, index) = self.indexed()?;
        // mail is appended: the last is the newest
        let entries: Vec<Entry> = index.letters.iter().rev().map(entry).collect();
        let left = Some(entries.len() as u64);
        Ok(Batch { listing: Some(Listing { entries, ..Listing::default() }), left, ..Batch::default() })
    }

    /// Reads the named messages one after the other, all from one state of the file.
    fn each<T>(&self, names: &[String], then: impl Fn(&str, Option<(&Letter, Vec<u8>)>) -> T) -> Result<Vec<T>, Fault> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        for _ in 0..TRIES {
            let (mut file, index) = self.indexed()?;
            let mut out = Vec::with_capacity(names.len());
            for name in names {
                let found = match index.get(name) {
                    Some(letter) => Some((letter, self.bytes(&mut file, letter)?)),
                    None => None,
                };
                out.push(then(name, found));
            }
            if Some(self.stamp(&file)?) == index.stamp {
                return Ok(out);
            }
        }
        Err(self.busy())
    }

    fn bytes(&self, file: &mut File, letter: &Letter) -> Result<Vec<u8>, Fault> {
        let mut bytes = Vec::new();
        let size = (letter.end - letter.start).min(BYTES_MAX);
        file.seek(SeekFrom::Start(letter.start))
            .and_then(|_| file.take(size).read_to_end(&mut bytes))
            .map_err(|e| files::fault(&self.path, e))?;
        Ok(bytes)
    }

    /// The open file with the places of its messages, which are looked for again only when the file has changed.
    fn indexed(&self) -> Result<(File, Arc<Index>), Fault> {
        for _ in 0..TRIES {
            let file = files::open(&self.path).map_err(|e| files::fault(&self.path, e))?;
            let stamp = self.stamp(&file)?;
            let under_way = packing::under_way(stamp.modified, self.clock.now());
            if let Some(known) = self.known().filter(|k| k.stamp == Some(stamp) && (under_way || !k.cut)) {
                return Ok((file, known));
            }
            let made = index(&file, stamp, under_way).map_err(|bad| match bad {
                Bad::Io(e) => files::fault(&self.path, e),
                Bad::NoMbox => self.no_mbox(&file),
            });
            if self.stamp(&file)? == stamp {
                let index = Arc::new(made?);
                let mut known = self.indexes.lock().unwrap_or_else(PoisonError::into_inner);
                known.insert(self.path.clone(), Arc::clone(&index));
                return Ok((file, index));
            }
        }
        Err(self.busy())
    }

    fn known(&self) -> Option<Arc<Index>> {
        self.indexes.lock().unwrap_or_else(PoisonError::into_inner).get(&self.path).cloned()
    }

    fn stamp(&self, file: &File) -> Result<Stamp, Fault> {
        let meta = file.metadata().map_err(|e| files::fault(&self.path, e))?;
        if meta.is_dir() {
            return Err(self.no_mbox(file));
        }
        Ok(Stamp { modified: meta.modified().ok(), length: meta.len(), inode: inode(&meta) })
    }

    fn no_mbox(&self, mut file: &File) -> Fault {
        let (path, mut start) = (self.path.display(), [0; 8]);
        let read = file.seek(SeekFrom::Start(0)).and_then(|_| file.read(&mut start)).unwrap_or(0);
        let why = match packing::packed(&start[..read]) {
            Some(kind) => format!("{path} is {kind} and no mbox file: unpack it"),
            None => {
                format!("{path} is no mbox file: it does not start with a From line; correct the connection's `path`")
            }
        };
        Fault::new(FaultKind::Malformed, why)
    }

    fn busy(&self) -> Fault {
        let path = self.path.display();
        Fault::new(
            FaultKind::Busy { retry_after: Some(Duration::from_secs(10)) },
            format!("{path} kept changing while it was read; it is read again shortly"),
        )
    }
}

#[cfg(unix)]
fn inode(meta: &std::fs::Metadata) -> Option<(u64, i64, i64)> {
    use std::os::unix::fs::MetadataExt;
    Some((meta.ino(), meta.ctime(), meta.ctime_nsec()))
}

#[cfg(not(unix))]
fn inode(_: &std::fs::Metadata) -> Option<(u64, i64, i64)> {
    None
}

fn entry(letter: &Letter) -> Entry {
    Entry { resource: letter.key.clone(), version: Some(letter.version()) }
}

/// The answer to `fetch` for one message.
fn change(name: &str, found: Option<(&Letter, Vec<u8>)>) -> Change {
    let resource = name.to_owned();
    let Some((letter, bytes)) = found else { return Change::Remove { resource } };
    let version = Some(letter.version());
    match mime::message(&unquote(&bytes)) {
        Ok(mut mail) => {
            mail.size = letter.end - letter.start;
            describe(&mut mail, letter, &bytes);
            let item = Item { key: resource.clone(), record: Record::Mail(Box::new(mail)) };
            Change::Upsert { resource, version, items: vec![item] }
        }
        Err(why) => Change::Unreadable { resource, version, why },
    }
}

/// What the file says about a message besides its own bytes.
fn describe(mail: &mut Message, letter: &Letter, bytes: &[u8]) {
    mail.received = Some(letter.from.date);
    mail.draft = letter.draft;
    mail.trashed = letter.trashed;
    if letter.from.null_sender && !mail.headers.contains_key("return-path") {
        mail.headers.insert("return-path", vec![String::new()]);
    }
    // an export of Gmail is one file whose labels stand for the folders
    for label in mime::field(bytes, "x-gmail-labels").iter().flat_map(|v| v.split(',')) {
        match role_by_name(label.trim().trim_matches('"')) {
            Some(FolderRole::Drafts) => mail.draft = true,
            Some(FolderRole::Trash) => mail.trashed = true,
            Some(FolderRole::Junk) => mail.junk = true,
            _ => {}
        }
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Fault> + Send + 'static) -> Result<T, Fault> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(e) => {
            Err(Fault::from(FaultKind::Unreachable, "reading the mbox file was broken off; it is tried again", e))
        }
    }
}

#[cfg(test)]
mod tests;
