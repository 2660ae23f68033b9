//! Finds the maildirs below a path and names them.
//!
//! A folder is a directory that holds `cur`. Its name is its path: a directory `.A.B` stands for `A/B` (Maildir++ and
//! mbsync's Legacy layout), any other stands for itself (Dovecot's `LAYOUT=fs`, mbsync's Verbatim). Each level is
//! decoded from modified UTF-7 where it is well-formed. The path itself is INBOX. Directories without mail below a dot
//! (`.git`, `.notmuch`) are passed over.

use std::{
    collections::HashSet,
    ffi::OsStr,
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use dealtrail_sdk::{
    Fault, FaultKind, FolderRole, Stream,
    folders::{FolderChoice, decode_utf7, role_by_name},
};

use crate::listing::fault;

const DEPTH_MAX: usize = 12;
const FOLDERS_MAX: usize = 20_000;
/// The id of the maildir that is the path itself.
const ROOT: &str = ".";

struct Folder {
    /// Below the root; empty for the root.
    path: PathBuf,
    name: String,
}

impl Folder {
    fn id(&self) -> String {
        if self.path.as_os_str().is_empty() { ROOT.to_owned() } else { self.path.to_string_lossy().into_owned() }
    }
}

/// The streams that are read: INBOX first, then Sent, then the others by name.
pub fn streams(root: &Path, choice: &FolderChoice) -> Result<Vec<Stream>, Fault> {
    let mut streams: Vec<Stream> = find(root)?
        .into_iter()
        .map(|f| Stream { id: f.id(), role: role_by_name(&f.name), name: f.name })
        .filter(|s| choice.reads(&s.name, s.role))
        .collect();
    streams.sort_by(|a, b| rank(a).cmp(&rank(b)));
    Ok(streams)
}

fn rank(stream: &Stream) -> (u8, &str, &str) {
    let first = match stream.role {
        Some(FolderRole::Inbox) => 0,
        Some(FolderRole::Sent) => 1,
        _ => 2,
    };
    (first, &stream.name, &stream.id)
}

/// The directory of a stream.
pub fn locate(root: &Path, id: &str) -> Result<PathBuf, Fault> {
    let dir = if id == ROOT { root.to_owned() } else { root.join(id) };
    if dir.exists() {
        return Ok(dir);
    }
    // a name that is no UTF-8 has no exact id
    let lossy = find(root)?.into_iter().find(|f| f.id() == id && f.path.to_str().is_none());
    Ok(lossy.map_or(dir, |f| root.join(f.path)))
}

fn find(root: &Path) -> Result<Vec<Folder>, Fault> {
    if fs::metadata(root).map_err(|e| fault(root, e))?.is_file() {
        let what =
            format!("{} is a file; `path` must name a maildir (a single file is read by \"mbox\")", root.display());
        return Err(Fault::new(FaultKind::Missing, what));
    }
    let mut folders = Vec::new();
    let mut names = HashSet::new();
    let mut seen: HashSet<PathBuf> = fs::canonicalize(root).into_iter().collect();
    let mut open: Vec<(PathBuf, Vec<String>)> = vec![(PathBuf::new(), Vec::new())];
    while let Some((path, levels)) = open.pop() {
        let dir = root.join(&path);
        if is_maildir(&dir) {
            let mut name = if levels.is_empty() { "INBOX".to_owned() } else { levels.join("/") };
            if !names.insert(name.to_lowercase()) {
                name = format!("{name} ({})", path.display());
            }
            folders.push(Folder { path: path.clone(), name });
        }
        if folders.len() > FOLDERS_MAX || seen.len() > FOLDERS_MAX {
            let what = format!("{} holds more than {FOLDERS_MAX} folders; let `path` name one mailbox", root.display());
            return Err(Fault::new(FaultKind::Malformed, what));
        }
        for name in below(&dir, path.as_os_str().is_empty())? {
            let child = path.join(&name);
            let full = root.join(&child);
            let new = fs::canonicalize(&full).map_or(true, |real| seen.insert(real)); // a link may lead in circles
            let more = new.then(|| self::levels(&full, &name)).flatten();
            if let Some(more) = more.filter(|_| levels.len() < DEPTH_MAX) {
                open.push((child, levels.iter().cloned().chain(more).collect()));
            }
        }
    }
    if folders.is_empty() {
        let what = format!("there is no maildir in {}: neither it nor a folder below holds `cur`", root.display());
        return Err(Fault::new(FaultKind::Missing, what));
    }
    Ok(folders)
}

/// The levels that a directory adds to a folder's name, unless it is no place for mail.
fn levels(dir: &Path, name: &OsStr) -> Option<Vec<String>> {
    let name = name.to_string_lossy();
    let decoded = |level: &str| decode_utf7(level).unwrap_or_else(|| level.to_owned());
    match name.strip_prefix('.') {
        Some(rest) if is_maildir(dir) => {
            let levels: Vec<String> = rest.split('.').filter(|l| !l.is_empty()).map(decoded).collect();
            (!levels.is_empty()).then_some(levels)
        }
        Some(_) => None,
        None => Some(vec![decoded(&name)]),
    }
}

/// True as well when permissions forbid to look: then its own reading says so, and the other folders are read.
fn is_maildir(dir: &Path) -> bool {
    match fs::metadata(dir.join("cur")) {
        Ok(meta) => meta.is_dir(),
        Err(e) => e.kind() == ErrorKind::PermissionDenied,
    }
}

/// The directories in a directory, but those of a maildir itself.
fn below(dir: &Path, root: bool) -> Result<Vec<std::ffi::OsString>, Fault> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        // the folder's own reading says what is wrong
        Err(e) if !root && matches!(e.kind(), ErrorKind::PermissionDenied | ErrorKind::NotFound) => {
            return Ok(Vec::new());
        }
        Err(e) => return Err(fault(dir, e)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|e| fault(dir, e))?;
        let name = entry.file_name();
        let kind = entry.file_type().map_err(|e| fault(&entry.path(), e))?;
        let directory = kind.is_dir() || (kind.is_symlink() && entry.path().is_dir());
        if directory && !["cur", "new", "tmp"].iter().any(|n| name == *n) {
            names.push(name);
        }
    }
    names.sort_by(|a, b| b.cmp(a)); // taken from the end
    Ok(names)
}
