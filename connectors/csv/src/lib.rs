//! Reads a CRM export of CSV files: one folder, one file per kind of record, one stream per file.
//!
//! It only ever reads the files. A listing is the whole file; a file that cannot be read whole is a fault and never a
//! shorter listing. Nothing that stands in a cell is put into a message.

mod cells;
#[doc(hidden)]
pub mod inside;
mod sheet;
mod split;
mod table;

use std::{
    collections::HashMap,
    fmt,
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use dealtrail_sdk::{
    Batch, Change, Clock, Cursor, Entry, Fault, FaultKind, Field, Gives, Item, Kind, Listing, Need, Setup, Source,
    Stream, Window, files,
};
use serde::Deserialize;
use sheet::Sheet;
use table::{Found, Table};

/// The connector.
pub static KIND: Kind = Kind {
    name: "csv",
    title: "CRM export (CSV files)",
    gives: Gives::Crm,
    local: true,
    settings: &[Field {
        name: "path",
        need: Need::Required,
        help: "Folder with contacts.csv and deals.csv, and where there are any companies.csv, stages.csv, \
               stage_changes.csv, deal_changes.csv, activities.csv, tasks.csv and quotes.csv.",
    }],
    connect,
};

/// A file beyond this size is refused instead of filling the memory.
const LARGEST_FILE: u64 = 1024 * 1024 * 1024;
/// Readings of a file that is being written.
const TRIES: usize = 5;
/// How long a file that ends in the middle of a line gets to grow.
const PAUSE: Duration = Duration::from_millis(if cfg!(test) { 200 } else { 1000 });

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    path: PathBuf,
}

fn connect(setup: Setup) -> Result<Box<dyn Source>, Fault> {
    let settings: Settings = setup.settings.read()?;
    let (folder, zone, clock) = (setup.base.join(settings.path), setup.zone, setup.clock);
    Ok(Box::new(Export { folder, zone, clock, read: Arc::default() }))
}

/// A folder of CSV files.
struct Export {
    folder: PathBuf,
    /// Dates mean midnight here.
    zone: chrono_tz::Tz,
    clock: Arc<dyn Clock>,
    /// What was read last, per file: `fetch` asks for the rows that `pull` has just listed.
    read: Arc<Mutex<HashMap<Sheet, Kept>>>,
}

impl fmt::Debug for Export {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Export({})", self.folder.display())
    }
}

struct Kept {
    stamp: Stamp,
    table: Arc<Table>,
}

/// A file that still has the same time and length is taken to be the same.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
}

#[async_trait]
impl Source for Export {
    async fn streams(&self) -> Result<Vec<Stream>, Fault> {
        let folder = self.folder.clone();
        let sheets = blocking(move || present(&folder)).await?;
        let stream = |s: Sheet| Stream { id: s.file().to_owned(), name: s.file().to_owned(), role: None };
        Ok(sheets.into_iter().map(stream).collect())
    }

    async fn look(&self, stream: &Stream) -> Result<(), Fault> {
        self.table(stream, Freshness::Read).await.map(drop)
    }

    async fn pull(&self, stream: &Stream, _: Option<&Cursor>, _: &Window) -> Result<Batch, Fault> {
        let table = self.table(stream, Freshness::Read).await?;
        let entry = |row: &table::Line| Entry { resource: row.resource.clone(), version: Some(row.version.clone()) };
        let listing = Listing { entries: table.rows.iter().map(entry).collect(), shaky: true, ..Listing::default() };
        Ok(Batch { listing: Some(listing), ..Batch::default() })
    }

    async fn fetch(&self, stream: &Stream, resources: &[String], _: &Window) -> Result<Vec<Change>, Fault> {
        let table = self.table(stream, Freshness::Kept).await?;
        Ok(resources.iter().map(|resource| change(&table, resource)).collect())
    }
}

/// May an unchanged file be answered from memory?
#[derive(Clone, Copy, PartialEq, Eq)]
enum Freshness {
    Read,
    Kept,
}

impl Export {
    async fn table(&self, stream: &Stream, freshness: Freshness) -> Result<Arc<Table>, Fault> {
        let Some(sheet) = Sheet::by_file(&stream.id) else {
            return Err(Fault::new(FaultKind::Missing, format!("a CSV export has no file named {}", stream.name)));
        };
        let (folder, zone, read) = (self.folder.clone(), self.zone, Arc::clone(&self.read));
        let clock = Arc::clone(&self.clock);
        blocking(move || {
            let path = folder.join(sheet.file());
            let now = stamp(&path)?;
            if freshness == Freshness::Kept
                && let Some(kept) = read.lock().unwrap_or_else(PoisonError::into_inner).get(&sheet)
                && kept.stamp == now
            {
                return Ok(Arc::clone(&kept.table));
            }
            let (stamp, bytes) = whole(&path, clock.as_ref())?;
            let table = Table::read(sheet, &bytes, zone).map_err(|why| Fault::new(FaultKind::Malformed, why))?;
            let table = Arc::new(table);
            let kept = Kept { stamp, table: Arc::clone(&table) };
            read.lock().unwrap_or_else(PoisonError::into_inner).insert(sheet, kept);
            Ok(table)
        })
        .await
    }
}

/// All bytes of a file in one state of it. Whoever exports writes the file piece by piece: rows that are still to come must
/// not look deleted, and half a row not changed.
fn whole(path: &Path, clock: &dyn Clock) -> Result<(Stamp, Vec<u8>), Fault> {
    let mut last = None;
    for _ in 0..TRIES {
        let before = stamp(path)?;
        let bytes = std::fs::read(path).map_err(|e| unreadable(path, e))?;
        if stamp(path)? != before || bytes.len() as u64 != before.length {
            continue;
        }
        let torn = !matches!(bytes.last(), Some(b'\n' | b'\r'));
        if !torn || last == Some(before) || !files::under_way(before.modified, clock.now()) {
            return Ok((before, bytes));
        }
        last = Some(before);
        std::thread::sleep(PAUSE);
    }
    let what = format!("{} is being written; it is read again shortly", path.display());
    Err(Fault::new(FaultKind::Busy { retry_after: Some(Duration::from_secs(10)) }, what))
}

fn change(table: &Table, resource: &str) -> Change {
    let (found, version) = table.find(resource);
    let (resource, version) = (resource.to_owned(), version.map(str::to_owned));
    match found {
        Found::Record(record) => {
            let items = vec![Item { key: resource.clone(), record }];
            Change::Upsert { resource, version, items }
        }
        Found::Bad(why) => Change::Unreadable { resource, version, why },
        Found::Gone => Change::Remove { resource },
    }
}

/// The files that exist, and those that should: reading a missing one says so.
fn present(folder: &Path) -> Result<Vec<Sheet>, Fault> {
    let about = std::fs::metadata(folder).map_err(|e| match e.kind() {
        ErrorKind::NotFound => {
            let what = format!("cannot read the CRM export: there is no folder {}; correct `path`", folder.display());
            Fault::from(FaultKind::Missing, what, e)
        }
        _ => unreadable(folder, e),
    })?;
    if !about.is_dir() {
        let what = format!("cannot read the CRM export: {} is no folder; `path` names the folder", folder.display());
        return Err(Fault::new(FaultKind::Malformed, what));
    }
    // Listing the folder tells "not there" from "may not look".
    std::fs::read_dir(folder).map_err(|e| unreadable(folder, e))?;
    Ok(Sheet::ALL.into_iter().filter(|s| s.needed() || folder.join(s.file()).exists()).collect())
}

fn stamp(path: &Path) -> Result<Stamp, Fault> {
    let about = std::fs::metadata(path).map_err(|e| unreadable(path, e))?;
    if !about.is_file() {
        let what = format!("cannot read {}: it is no file", path.display());
        return Err(Fault::new(FaultKind::Malformed, what));
    }
    if about.len() > LARGEST_FILE {
        let what = format!("cannot read {}: it is larger than 1 GiB; export less", path.display());
        return Err(Fault::new(FaultKind::Refused, what));
    }
    Ok(Stamp { modified: about.modified().ok(), length: about.len() })
}

fn unreadable(path: &Path, e: std::io::Error) -> Fault {
    let shown = path.display();
    match e.kind() {
        ErrorKind::NotFound => {
            let what = format!("cannot read {shown}: there is no such file; export it into this folder");
            Fault::from(FaultKind::Missing, what, e)
        }
        ErrorKind::PermissionDenied => {
            let what = format!("cannot read {shown}: permission denied; let the user that runs dealtrail read it");
            Fault::from(FaultKind::Refused, what, e)
        }
        _ => Fault::from(FaultKind::Unreachable, format!("cannot read {shown}: {e}; it is tried again"), e),
    }
}

/// Files are read off the async threads.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Fault> + Send + 'static) -> Result<T, Fault> {
    match tokio::task::spawn_blocking(work).await {
        Ok(answer) => answer,
        Err(e) => Err(Fault::from(FaultKind::Unreachable, "cannot read the CRM export: the reading was cut off", e)),
    }
}

#[cfg(test)]
mod tests;
