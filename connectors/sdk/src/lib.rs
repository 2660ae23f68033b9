//! The contract between dealtrail and the systems it reads.
//!
//! A connector is a crate that turns one kind of outside system into [`record`]s. It knows nothing of the database,
//! of matching or of schedules. This crate opens no socket and no database; it may be used by every other crate here.
//!
//! How the engine uses a [`Source`]: `streams()` names what there is; `pull()` is called with the last committed
//! cursor until `more` is false; what a batch holds is committed together with its cursor in one transaction.

pub mod alone;
pub mod files;
pub mod folders;
pub mod ical;
pub mod mime;
pub mod record;

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use record::{Content, Record};
use serde::{Deserialize, Serialize};

/// What one connector delivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Gives {
    /// Messages of one mailbox.
    Mail,
    /// Events of one calendar account.
    Calendar,
    /// Contacts, companies, deals and their history.
    Crm,
}

/// One kind of connector, as data: forms, checks and the configuration are drawn from it.
pub struct Kind {
    /// The value of `connector = "..."`.
    pub name: &'static str,
    /// What a person reads: "IMAP mailbox".
    pub title: &'static str,
    pub gives: Gives,
    /// True when it only reads files of this machine.
    pub local: bool,
    /// Every key the connector understands besides those that all connections share.
    pub settings: &'static [Field],
    /// Makes a source from checked settings. It reaches nothing outside: the first call to the source does.
    pub connect: fn(Setup) -> Result<Box<dyn Source>, Fault>,
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kind({})", self.name)
    }
}

/// One setting of a connector.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    pub name: &'static str,
    pub need: Need,
    /// One sentence for the form and for `connector list`, with the default where there is one.
    pub help: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    Required,
    Optional,
    /// A secret: given as `{ env = "..." }`, `{ file = "..." }` or `{ secret = "..." }`, never shown again.
    Secret,
}

/// The settings of one connection as JSON values, secrets already resolved to text. `Debug` shows key names only.
#[derive(Clone, Default)]
pub struct Settings(pub serde_json::Map<String, serde_json::Value>);

impl Settings {
    /// Reads the settings into a connector's own struct.
    ///
    /// # Errors
    /// [`FaultKind::Malformed`] with the name of the setting that is wrong.
    pub fn read<T: for<'de> Deserialize<'de>>(&self) -> Result<T, Fault> {
        serde_json::from_value(serde_json::Value::Object(self.0.clone()))
            .map_err(|e| Fault::new(FaultKind::Malformed, format!("the connection's settings cannot be used: {e}")))
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// A password or token; `Debug` shows nothing of it.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
    /// The secret itself, for the moment of signing in.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// What `connect` is given.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Name of the connection, for messages.
    pub connection: String,
    pub settings: Settings,
    /// Relative paths in the settings start here: the folder of the configuration file.
    pub base: PathBuf,
    /// Zone of the connection's owner: floating and all-day times are read in it.
    pub zone: chrono_tz::Tz,
    pub clock: Arc<dyn Clock>,
}

/// The only way to ask for the time.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Now, in UTC.
    fn now(&self) -> DateTime<Utc>;
}

/// One folder, calendar or object list inside a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stream {
    /// The far side's own name on the wire: raw folder name, calendar href, file name. Stable; never shown to people.
    pub id: String,
    /// What people read: the decoded folder name such as `INBOX` or `Sent`, the calendar's name, the file name.
    pub name: String,
    /// Use of a mail folder (RFC 6154), where known.
    pub role: Option<FolderRole>,
}

/// Use of a mail folder (RFC 6154 SPECIAL-USE, or the folder's usual name where the server says nothing).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FolderRole {
    Inbox,
    Sent,
    Drafts,
    Trash,
    Junk,
    Archive,
    All,
}

/// How far a stream has been read. Opaque text that only its connector understands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(pub String);

/// The span of time that counts: mail before `since` is too old, events are opened between `since` and `until`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Inclusive, UTC.
    pub since: DateTime<Utc>,
    /// Exclusive, UTC.
    pub until: DateTime<Utc>,
}

/// One step of reading a stream. It is committed whole, with its cursor, or not at all.
#[derive(Debug, Default)]
pub struct Batch {
    pub changes: Vec<Change>,
    /// The cursor to keep once the changes are committed. `None`: the connector needs none (see `listing`).
    pub cursor: Option<Cursor>,
    /// True when `pull` should be called again at once.
    pub more: bool,
    /// Everything the stream holds now. The engine compares it with what it knows, calls `fetch` for what is new or
    /// changed, and takes what is missing as gone. A listing is complete or absent: a list that was cut short is a
    /// [`Fault`], never a shorter listing.
    pub listing: Option<Listing>,
    /// How many items are still to come, where the far side told; for progress bars only.
    pub left: Option<u64>,
    /// What this says is known as of then and not as of the call: several streams may be asked after in one question.
    pub as_of: Option<DateTime<Utc>>,
}

/// Everything a stream holds, in the order in which it should be read: newest first.
#[derive(Debug, Default)]
pub struct Listing {
    pub entries: Vec<Entry>,
    /// True when a shrunken listing may be a mishap of the far side (an ICS feed, a CRM export): when more than half
    /// vanished, the engine waits for a second reading before it takes anything as gone.
    pub shaky: bool,
    /// Starts of resource names of which nobody can say now what there is (a calendar file that cannot be read): none of
    /// them is taken as gone.
    pub unsure: Vec<String>,
}

/// One resource of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub resource: String,
    /// ETag, content hash or flags; another version means "read again". `None`: a known resource never changes.
    pub version: Option<String>,
}

/// What happened to one resource. A resource is a message, a calendar object (one href, all instances) or a CRM row.
#[derive(Debug)]
pub enum Change {
    /// The resource's whole content now: items that it no longer holds are gone.
    Upsert { resource: String, version: Option<String>, items: Vec<Item> },
    /// The far side proved that the resource is gone.
    Remove { resource: String },
    /// The resource exists and could not be read: it is quarantined alone and tried again later. `why` is one plain
    /// sentence without content or addresses.
    Unreadable { resource: String, version: Option<String>, why: String },
}

/// One item of a resource.
#[derive(Debug)]
pub struct Item {
    /// Unique in the stream. Mail and CRM rows: the resource's name. Events: `href#UID#RECURRENCE-ID` (UTC basic
    /// format, `-` if none).
    pub key: String,
    pub record: Record,
}

/// An outside system that is read.
#[async_trait]
pub trait Source: Send + Sync {
    /// The folders, calendars or object lists that the connection reads, after its own `folders`/`calendars` settings.
    async fn streams(&self) -> Result<Vec<Stream>, Fault>;

    /// Can this stream be read? Fetches no item. The default believes the list of streams.
    ///
    /// # Errors
    /// Why not, and what to do.
    async fn look(&self, _stream: &Stream) -> Result<(), Fault> {
        Ok(())
    }

    /// The next step of one stream after `cursor` (`None`: from the start, newest first). Batches hold at most a few
    /// hundred items.
    async fn pull(&self, stream: &Stream, cursor: Option<&Cursor>, window: &Window) -> Result<Batch, Fault>;

    /// Which stream will be pulled after the present one, and its cursor, so that it can be asked for ahead. Only a hint: it
    /// may never be pulled, or another one before it.
    fn announce(&self, _next: Option<(&Stream, Option<&Cursor>)>) {}

    /// Reads named resources (again): new ones of a listing, waiting or quarantined ones. A resource that is gone comes
    /// back as [`Change::Remove`]; one that is absent from the answer was not read and is asked for later.
    async fn fetch(&self, stream: &Stream, resources: &[String], window: &Window) -> Result<Vec<Change>, Fault>;

    /// The text of mail that matched: the text parts only, at most `limit` bytes each. Keys absent from the answer
    /// could not be read now. Only mail connectors have content.
    async fn content(&self, stream: &Stream, keys: &[String], limit: usize) -> Result<Vec<(String, Content)>, Fault> {
        let _ = (stream, keys, limit);
        Ok(Vec::new())
    }

    /// Resolves when the far side hints at news (IDLE, push), with the stream's id where it is known. It is only a
    /// hint: the next `pull` finds out. Sources without push never resolve.
    async fn wait(&self, streams: &[Stream]) -> Result<Option<String>, Fault> {
        let _ = streams;
        std::future::pending().await
    }

    /// Signs out and lets go of every socket.
    async fn close(&self) {}
}

/// What went wrong, sorted once inside the connector. The engine's only error policy is a `match` on the kind.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct Fault {
    pub kind: FaultKind,
    /// One sentence: what was attempted, what happened, what to do. Nothing personal, no secret, no content.
    pub what: String,
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// Throttled or overloaded; come back after the given time, if one was given.
    Busy { retry_after: Option<Duration> },
    /// No connection, time-out, server fault: tried again with back-off.
    Unreachable,
    /// The cursor is no longer known there: read from the start (nothing doubles).
    CursorExpired,
    /// The sign-in was refused: a person must act.
    Unauthorized,
    /// Signed in, but this is not allowed, or the certificate is not trusted.
    Refused,
    /// The folder, calendar or file is not there.
    Missing,
    /// It exists already there.
    Conflict { existing: String },
    /// The answer or the settings make no sense.
    Malformed,
}

impl Fault {
    pub fn new(kind: FaultKind, what: impl Into<String>) -> Self {
        Self { kind, what: what.into(), source: None }
    }
    pub fn from(
        kind: FaultKind,
        what: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { kind, what: what.into(), source: Some(source.into()) }
    }
}
