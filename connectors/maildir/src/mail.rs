//! Reads one message file and turns it into what the engine takes.
//!
//! A message that cannot be read costs itself alone. Of a huge one only the start is held in memory. A file that somebody
//! copies into the folder byte by byte is read again until it is whole.

use std::{
    fs::{File, OpenOptions},
    io::{ErrorKind, Read as _},
    path::Path,
    time::SystemTime,
};

use chrono::{DateTime, Utc};
use dealtrail_sdk::{Change, files, mime, record::Content};

use crate::{listing::Found, upsert};

/// Bytes of one message that are read; what lies beyond can only be attachments.
const BYTES_MAX: u64 = 64 << 20;
/// Readings of a file that changes under our hands.
const TRIES: usize = 3;

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
/// Why the start of a message is none yet.
const UNDER_WAY: &str = "it is still being written; the next pass reads it";

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
    for _ in 0..TRIES {
        let mut file = open(path)?;
        let meta = file.metadata()?;
        if !meta.is_file() {
            return Ok(Read::Unreadable(NO_FILE.to_owned())); // it took the file's place just now
        }
        let mut bytes = Vec::with_capacity(usize::try_from(meta.len().min(BYTES_MAX)).unwrap_or(0));
        file.by_ref().take(BYTES_MAX).read_to_end(&mut bytes)?;
        let size = meta.len();
        let whole = bytes.len() as u64 == size.min(BYTES_MAX);
        if whole && file.metadata()?.len() == size {
            return Ok(Read::Mail { bytes, size, modified: meta.modified().ok() });
        }
    }
    Ok(Read::Unreadable(UNDER_WAY.to_owned()))
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

/// The answer to `fetch` for one message. What is still under way gets a version that no listing has: the next pass reads it
/// again.
pub fn change(name: String, file: Option<&Found>, read: Read, now: DateTime<Utc>) -> Change {
    let unfinished = |file: &Found| Some(format!("{}~", file.version()));
    let (file, bytes, size, modified) = match (file, read) {
        (Some(file), Read::Mail { bytes, size, modified }) => (file, bytes, size, modified),
        (Some(file), Read::Unreadable(why)) if why == UNDER_WAY => {
            return Change::Unreadable { resource: name, version: unfinished(file), why };
        }
        (file, Read::Unreadable(why)) => {
            return Change::Unreadable { resource: name, version: file.map(Found::version), why };
        }
        _ => return Change::Remove { resource: name },
    };
    let part = if files::under_way(modified, now) { part(file, &bytes, size) } else { Part::Whole };
    let version = if part == Part::Whole { Some(file.version()) } else { unfinished(file) };
    if part == Part::OfHeader {
        return Change::Unreadable { resource: name, version, why: UNDER_WAY.to_owned() };
    }
    if let Some(kind) = files::packed(&bytes) {
        let why =
            format!("it is {kind} and no plain mail; read this mailbox through its server instead (connector imap)");
        return Change::Unreadable { resource: name, version, why };
    }
    match mime::message(&bytes) {
        Ok(mut mail) => {
            mail.size = size;
            mail.received = file.received(modified);
            mail.draft = file.draft;
            mail.trashed = file.trashed;
            mail.junk = file.junk;
            upsert(name, version, mail)
        }
        Err(why) => Change::Unreadable { resource: name, version, why },
    }
}

/// How much of a message is there, as far as its bytes tell.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Whole,
    /// Who wrote it to whom is not all there: it would be taken for another message.
    OfHeader,
    OfText,
}

fn part(file: &Found, bytes: &[u8], size: u64) -> Part {
    let header_ends = bytes.windows(2).any(|w| w == b"\n\n") || bytes.windows(3).any(|w| w == b"\n\r\n");
    let short = file.promised().is_some_and(|promised| size < promised);
    match header_ends {
        false => Part::OfHeader,
        true if short || bytes.last() != Some(&b'\n') => Part::OfText,
        true => Part::Whole,
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
