//! A calendar file, or a folder of them, on this machine. All file work runs on the blocking threads; files are opened
//! for reading and nothing else.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use chrono_tz::Tz;
use dealtrail_sdk::{Batch, Change, Fault, FaultKind, Window};

use crate::sheets::{Content, Sheet, Sheets};

/// More files than any vdir holds.
const FILES: usize = 100_000;
/// Bytes of one file.
const BYTES: u64 = 50 << 20;

/// A file or folder of calendars.
pub struct Files {
    place: Place,
    /// What was read, until the file changes.
    known: Arc<Mutex<HashMap<PathBuf, Known>>>,
}

/// Where the files lie and whose wall clock counts.
#[derive(Clone)]
struct Place {
    root: PathBuf,
    zone: Tz,
}

struct Known {
    stamp: Stamp,
    content: Content,
}

/// What tells that a file was written: time and size.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp(Option<SystemTime>, u64);

impl Files {
    pub fn new(root: PathBuf, zone: Tz) -> Self {
        Self { place: Place { root, zone }, known: Arc::default() }
    }

    /// The stream's name: that of the file or folder. What cannot be read at all is noticed here already.
    pub async fn check(&self) -> Result<String, Fault> {
        self.with(|place, _| Ok(name(&place.root))).await
    }

    pub async fn pull(&self, window: &Window) -> Result<Batch, Fault> {
        let window = *window;
        self.with(move |place, sheets| Ok(Sheets { sheets, zone: place.zone, window: &window }.listing())).await
    }

    pub async fn fetch(&self, resources: &[String], window: &Window) -> Result<Vec<Change>, Fault> {
        let (resources, window) = (resources.to_vec(), *window);
        self.with(move |place, sheets| Ok(Sheets { sheets, zone: place.zone, window: &window }.open(&resources))).await
    }

    async fn with<T: Send + 'static>(
        &self,
        then: impl FnOnce(&Place, &[Sheet]) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let (place, known) = (self.place.clone(), Arc::clone(&self.known));
        blocking(move || {
            let sheets = read(&place.root, &mut known.lock().unwrap_or_else(PoisonError::into_inner))?;
            let bad: Vec<&str> = sheets.iter().filter_map(|s| unreadable(&s.content)).collect();
            if let Some(why) = bad.first().filter(|_| bad.len() == sheets.len()) {
                let what = format!("{}: {why}; put a good file there, nothing was taken as gone", place.root.display());
                return Err(Fault::new(FaultKind::Malformed, what));
            }
            then(&place, &sheets)
        })
        .await
    }
}

fn unreadable(content: &Content) -> Option<&str> {
    match content {
        Content::Unreadable(why) => Some(why),
        Content::Calendar(_) => None,
    }
}

/// Runs on the threads that may wait for disks and long computations.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Fault> + Send + 'static) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|e| {
        Err(Fault::from(FaultKind::Malformed, "reading the calendar stopped unexpectedly: please report it", e))
    })
}

/// Reads every file that changed since it was last read.
fn read(root: &Path, known: &mut HashMap<PathBuf, Known>) -> Result<Vec<Sheet>, Fault> {
    let found = find(root)?;
    let there: HashSet<&PathBuf> = found.values().collect();
    known.retain(|path, _| there.contains(path));
    let mut sheets = Vec::with_capacity(found.len());
    for (href, path) in found {
        let meta = match fs::metadata(&path) {
            Ok(meta) => meta,
            // Gone since the folder was listed.
            Err(e) if e.kind() == ErrorKind::NotFound && path != root => continue,
            Err(e) => return Err(fault(&path, e)),
        };
        let stamp = Stamp(meta.modified().ok(), meta.len());
        let content = match known.get(&path).filter(|k| k.stamp == stamp) {
            Some(known) => known.content.clone(),
            None if meta.len() > BYTES => Content::Unreadable("the file is larger than 50 MB".to_owned()),
            None => match fs::read(&path) {
                Ok(bytes) => Content::of(&bytes, "the file"),
                Err(e) if e.kind() == ErrorKind::NotFound && path != root => continue,
                Err(e) if path != root => Content::Unreadable(format!("the file cannot be read: {}", plain(&e))),
                Err(e) => return Err(fault(&path, e)),
            },
        };
        // A file that could not be opened is tried again: its rights may change without its time.
        if matches!(content, Content::Calendar(_)) {
            known.insert(path, Known { stamp, content: content.clone() });
        }
        sheets.push(Sheet { href, content });
    }
    Ok(sheets)
}

/// The calendar files, by their name in keys.
fn find(root: &Path) -> Result<BTreeMap<String, PathBuf>, Fault> {
    let meta = fs::metadata(root).map_err(|e| fault(root, e))?;
    if !meta.is_dir() {
        return Ok([(escaped(&name(root)), root.to_owned())].into());
    }
    let mut found = BTreeMap::new();
    for path in list(root)? {
        if path.is_dir() {
            let below = list(&path)?.into_iter().filter(|p| is_calendar(p));
            found.extend(below.map(|p| (format!("{}/{}", escaped(&name(&path)), escaped(&name(&p))), p)));
        } else if is_calendar(&path) {
            found.insert(escaped(&name(&path)), path);
        }
        if found.len() > FILES {
            let what =
                format!("{} holds more than {FILES} calendar files; let `path` name one calendar", root.display());
            return Err(Fault::new(FaultKind::Malformed, what));
        }
    }
    Ok(found)
}

/// What lies in a folder, but hidden files: programs write those before they rename them.
fn list(dir: &Path) -> Result<Vec<PathBuf>, Fault> {
    let entries = fs::read_dir(dir).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries = entries.map_err(|e| fault(dir, e))?;
    Ok(entries.into_iter().map(|e| e.path()).filter(|p| !name(p).starts_with('.')).collect())
}

fn is_calendar(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("ics") || e.eq_ignore_ascii_case("ical")) && path.is_file()
}

fn name(path: &Path) -> String {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).filter(|n| !n.is_empty());
    // "." and "/" have no name of their own.
    name.or_else(|| fs::canonicalize(path).ok()?.file_name().map(|n| n.to_string_lossy().into_owned()))
        .unwrap_or_else(|| "calendar".to_owned())
}

fn escaped(name: &str) -> String {
    name.replace('%', "%25").replace('#', "%23")
}

fn plain(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::PermissionDenied => "this user has no right to read it".to_owned(),
        kind => kind.to_string(),
    }
}

fn fault(path: &Path, error: io::Error) -> Fault {
    let (kind, what) = match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => {
            (FaultKind::Missing, format!("{} is not there: check the setting `path`", path.display()))
        }
        ErrorKind::PermissionDenied => {
            (FaultKind::Refused, format!("{} may not be read: give this user the right to read it", path.display()))
        }
        _ => (FaultKind::Unreachable, format!("{} cannot be read now: {}", path.display(), plain(&error))),
    };
    Fault::from(kind, what, error)
}
