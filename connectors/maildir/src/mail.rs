//! Reads one message file and turns it into what the engine takes.
//!
//! A message that cannot be read costs itself alone. Of a huge one only the start is held in memory.

use std::{
    fs::{File, OpenOptions},
    io::{ErrorKind, Read as _},
    path::Path,
    time::SystemTime,
};

use dealtrail_sdk::{Change, mime, record::Content};

use crate::{listing::Found, upsert};

/// Bytes of one message that are read; what lies beyond can only be attachments.
const BYTES_MAX: u64 = 64 << 20;

/// What reading a file gave.
pub enum Read {
    Mail {
        bytes: Vec<u8>,
        size: u64,
        modified: Option<SystemTime>,
    },
    Gone,
    /// It is there and cannot be read: why, in one sentence.
    Unreadable(String),
}

/// Why a pipe, a folder or a device is no mail.
const NO_FILE: &str = "it is no message file";

/// Reads a message file, at most its first 64 MiB.
pub fn read(path: &Path) -> Read {
    match try_read(path) {
        Ok(read) => read,
        Err(e) => match e.kind() {
            // the message is there: what it is kept in is not
            ErrorKind::NotFound if path.is_symlink() => {
                Read::Unreadable("it is a link to a file that is not there".to_owned())
            }
            ErrorKind::NotFound => Read::Gone,
            ErrorKind::PermissionDenied => {
                Read::Unreadable("the file may not be read: its permissions forbid it".into())
            }
            _ => Read::Unreadable(format!("the file could not be read ({})", e.kind())),
        },
    }
}

fn try_read(path: &Path) -> std::io::Result<Read> {
    if !std::fs::metadata(path)?.is_file() {
        return Ok(Read::Unreadable(NO_FILE.to_owned())); // a pipe would make us wait
    }
    let mut file = open(path)?;
    let meta = file.metadata()?;
    if !meta.is_file() {
        return Ok(Read::Unreadable(NO_FILE.to_owned())); // it took the file's place just now
    }
    let mut bytes = Vec::with_capacity(usize::try_from(meta.len().min(BYTES_MAX)).unwrap_or(0));
    file.by_ref().take(BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(Read::Mail { bytes, size: meta.len(), modified: meta.modified().ok() })
}

/// Opens without touching the time of access where the system allows it, and never waits for a pipe's writer.
fn open(path: &Path) -> std::io::Result<File> {
    #[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        use std::os::unix::fs::OpenOptionsExt;
        const NOATIME: i32 = 0o1_000_000;
        const NONBLOCK: i32 = 0o4_000;
        let with = |flags| OpenOptions::new().read(true).custom_flags(flags).open(path);
        // the first is refused for other people's files
        with(NOATIME | NONBLOCK).or_else(|_| with(NONBLOCK))
    }
    #[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
    OpenOptions::new().read(true).open(path)
}

/// The answer to `fetch` for one message.
pub fn change(name: String, file: Option<&Found>, read: Read) -> Change {
    let version = file.map(Found::version);
    match (file, read) {
        (Some(file), Read::Mail { bytes, size, modified }) => match mime::message(&bytes) {
            Ok(mut mail) => {
                mail.size = size;
                mail.received = file.received(modified);
                mail.draft = file.draft;
                mail.trashed = file.trashed;
                mail.junk = file.junk;
                upsert(name, file.version(), mail)
            }
            Err(why) => Change::Unreadable { resource: name, version, why },
        },
        (_, Read::Unreadable(why)) => Change::Unreadable { resource: name, version, why },
        _ => Change::Remove { resource: name },
    }
}

/// The answer to `content` for one message; `None` when it cannot be read now.
pub fn content(file: Option<&Found>, read: Read, limit: usize) -> Option<Content> {
    match (file, read) {
        (Some(_), Read::Mail { bytes, .. }) => Some(mime::text(&bytes, limit)),
        (_, Read::Unreadable(_)) => None,
        _ => Some(Content::Gone),
    }
}
