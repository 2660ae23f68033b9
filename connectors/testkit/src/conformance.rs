//! What every connector must keep, checked against a real source: call [`check`] from the connector's own tests.
//!
//! It proves the promises of `dealtrail_sdk::Source` that the engine builds on. Whether reading changed anything on the
//! far side only the caller can see. A broken promise panics with a sentence that names it; content is never printed.

use std::collections::{BTreeMap, BTreeSet};

use dealtrail_sdk::{Batch, Change, Cursor, FaultKind, Source, Stream, Window, record::Content, record::Record};

/// Pulls after which a source that still says `more` is taken to go on for ever.
const PULLS_MAX: usize = 10_000;
/// Resources asked for in one `fetch`, as the engine does.
const FETCH: usize = 200;
/// Texts asked for per stream.
const TEXTS: usize = 20;
const TEXT_LIMIT: usize = 500;
const NOBODY: &str = "no such resource, 7f3a";

/// What the source held, for the caller's own asserts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub streams: usize,
    pub items: usize,
    pub unreadable: usize,
}

/// Reads a source in every way the engine does and checks what it gives. Nothing may change the source meanwhile.
/// `secrets`: addresses, subjects, words of texts, passwords: they must not show in the `Debug` output of anything.
///
/// # Panics
/// When the source breaks a promise.
pub async fn check(source: &dyn Source, window: &Window, secrets: &[&str]) -> Summary {
    let checker = Checker { source, window, secrets };
    let streams = checker.streams().await;
    let mut summary = Summary { streams: streams.len(), ..Summary::default() };
    for stream in &streams {
        let first = checker.read(stream, None, "the first reading").await;
        summary.items += first.items.len();
        summary.unreadable += first.unreadable.len();
        checker.nothing_new(stream, &first).await;
        checker.nonsense_cursor(stream, &first).await;
        checker.again(stream, &first).await;
        checker.unknown_resource(stream).await;
        checker.content(stream, &first).await;
    }
    source.close().await;
    summary
}

struct Checker<'a> {
    source: &'a dyn Source,
    window: &'a Window,
    secrets: &'a [&'a str],
}

/// What a stream gave in one complete reading.
#[derive(Default)]
struct Reading {
    /// Resource -> version.
    versions: BTreeMap<String, Option<String>>,
    /// Key of an item -> its resource.
    items: BTreeMap<String, String>,
    mail: BTreeSet<String>,
    unreadable: BTreeSet<String>,
    cursor: Option<Cursor>,
}

impl Reading {
    fn forget(&mut self, resource: &str) {
        if self.versions.remove(resource).is_some() {
            self.items.retain(|_, owner| owner != resource);
            self.unreadable.remove(resource);
        }
    }
}

impl Checker<'_> {
    async fn streams(&self) -> Vec<Stream> {
        let streams = self.source.streams().await.unwrap_or_else(|e| panic!("streams() failed: {e}"));
        let again = self.source.streams().await.unwrap_or_else(|e| panic!("the second streams() failed: {e}"));
        assert_eq!(streams, again, "streams() is not stable");
        let ids: BTreeSet<&str> = streams.iter().map(|s| s.id.as_str()).collect();
        assert_eq!(ids.len(), streams.len(), "two streams have the same id");
        assert!(streams.iter().all(|s| !s.id.is_empty() && !s.name.is_empty()), "a stream has no id or no name");
        for stream in &streams {
            let json = serde_json::to_string(stream).expect("a stream turns into JSON");
            let back: Stream = serde_json::from_str(&json).expect("a stream comes back from JSON");
            assert_eq!(&back, stream, "a stream does not survive JSON");
        }
        streams
    }

    /// Reads a stream from `cursor` to its end, listings included.
    async fn read(&self, stream: &Stream, cursor: Option<Cursor>, what: &str) -> Reading {
        let mut reading = Reading { cursor, ..Reading::default() };
        for round in 0.. {
            assert!(round < PULLS_MAX, "{}: {what} never ends: `more` after {PULLS_MAX} pulls", stream.name);
            let batch = self
                .source
                .pull(stream, reading.cursor.as_ref(), self.window)
                .await
                .unwrap_or_else(|e| panic!("{}: {what} failed: {e}", stream.name));
            let more = batch.more;
            let before = reading.cursor.clone();
            self.take(stream, &mut reading, batch).await;
            if !more {
                break;
            }
            assert!(before != reading.cursor, "{}: `more` without a new cursor reads the same again", stream.name);
        }
        reading
    }

    async fn take(&self, stream: &Stream, reading: &mut Reading, batch: Batch) {
        self.quiet(&format!("{batch:?}"), "a batch");
        assert!(batch.changes.len() <= 5000, "{}: a batch of {} changes", stream.name, batch.changes.len());
        if let Some(cursor) = batch.cursor {
            let json = serde_json::to_string(&cursor).expect("a cursor turns into JSON");
            let back: Cursor = serde_json::from_str(&json).expect("a cursor comes back from JSON");
            assert_eq!(back, cursor, "{}: a cursor does not survive JSON", stream.name);
            reading.cursor = Some(back);
        }
        self.note(stream, reading, batch.changes);
        let Some(listing) = batch.listing else { return };
        let mut asked = Vec::new();
        let mut listed = BTreeSet::new();
        for entry in listing.entries {
            assert!(!entry.resource.is_empty(), "{}: a listed resource has no name", stream.name);
            assert!(listed.insert(entry.resource.clone()), "{}: a resource is listed twice", stream.name);
            asked.push(entry);
        }
        for chunk in asked.chunks(FETCH) {
            let names: Vec<String> = chunk.iter().map(|e| e.resource.clone()).collect();
            let changes = self.fetch(stream, &names).await;
            for entry in chunk {
                let version = changes.iter().find_map(|c| match c {
                    Change::Upsert { resource, version, .. } | Change::Unreadable { resource, version, .. } => {
                        (*resource == entry.resource).then_some(version)
                    }
                    Change::Remove { resource } => {
                        assert_ne!(*resource, entry.resource, "{}: a listed resource is gone", stream.name);
                        None
                    }
                });
                let version = version.unwrap_or_else(|| panic!("{}: a listed resource was not read", stream.name));
                assert_eq!(*version, entry.version, "{}: listing and reading differ in the version", stream.name);
            }
            self.note(stream, reading, changes);
        }
        for resource in reading.versions.keys() {
            assert!(listed.contains(resource), "{}: a listing leaves out what was read", stream.name);
        }
    }

    async fn fetch(&self, stream: &Stream, names: &[String]) -> Vec<Change> {
        let changes = self
            .source
            .fetch(stream, names, self.window)
            .await
            .unwrap_or_else(|e| panic!("{}: fetch failed: {e}", stream.name));
        self.quiet(&format!("{changes:?}"), "the answer of fetch");
        let mut seen = BTreeSet::new();
        for change in &changes {
            let name = resource(change);
            assert!(names.iter().any(|n| n == name), "{}: fetch answers what was not asked", stream.name);
            assert!(seen.insert(name.to_owned()), "{}: fetch answers a resource twice", stream.name);
        }
        changes
    }

    fn note(&self, stream: &Stream, reading: &mut Reading, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::Upsert { resource, version, items } => {
                    reading.forget(&resource);
                    for item in items {
                        assert!(!item.key.is_empty(), "{}: an item has no key", stream.name);
                        if matches!(item.record, Record::Mail(_)) {
                            reading.mail.insert(item.key.clone());
                        }
                        let owner = reading.items.insert(item.key, resource.clone());
                        assert!(owner.is_none(), "{}: two items have the same key", stream.name);
                    }
                    reading.versions.insert(resource, version);
                }
                Change::Unreadable { resource, version, why } => {
                    assert!(!why.trim().is_empty(), "{}: an unreadable resource without a reason", stream.name);
                    self.quiet(&why, "the reason of an unreadable resource");
                    reading.forget(&resource);
                    reading.unreadable.insert(resource.clone());
                    reading.versions.insert(resource, version);
                }
                Change::Remove { resource } => reading.forget(&resource),
            }
        }
    }

    async fn nothing_new(&self, stream: &Stream, first: &Reading) {
        let second = self.read(stream, first.cursor.clone(), "the second reading").await;
        for (resource, version) in &second.versions {
            let known = first.versions.get(resource);
            assert_eq!(known, Some(version), "{}: a second reading brings something new", stream.name);
        }
        for key in second.items.keys() {
            assert!(first.items.contains_key(key), "{}: a second reading brings a new item", stream.name);
        }
    }

    /// A cursor that makes no sense is refused as expired, or ignored: then everything is read.
    async fn nonsense_cursor(&self, stream: &Stream, first: &Reading) {
        for nonsense in ["", "nonsense", "{\"a\":[]}", "1:2:3", "-1", "99999999999999999999", "\u{0}\u{FFFF}"] {
            let cursor = Cursor(nonsense.to_owned());
            match self.source.pull(stream, Some(&cursor), self.window).await {
                Err(fault) => {
                    self.quiet(&format!("{fault:?}"), "a fault");
                    let kind = fault.kind;
                    assert_eq!(kind, FaultKind::CursorExpired, "{}: a nonsense cursor gives {kind:?}", stream.name);
                }
                Ok(_) => {
                    let all = self.read(stream, Some(cursor), "reading from a nonsense cursor").await;
                    assert!(
                        all.versions.len() >= first.versions.len(),
                        "{}: a nonsense cursor silently hides resources",
                        stream.name
                    );
                }
            }
        }
    }

    /// Every known resource can be read again by its name, in any company, and gives the same items.
    async fn again(&self, stream: &Stream, first: &Reading) {
        let mut names: Vec<String> = first.versions.keys().cloned().collect();
        names.reverse();
        names.truncate(FETCH);
        let mut reading = Reading::default();
        let changes = self.fetch(stream, &names).await;
        assert_eq!(changes.len(), names.len(), "{}: a resource cannot be read again", stream.name);
        assert!(!changes.iter().any(|c| matches!(c, Change::Remove { .. })), "{}: a resource is gone", stream.name);
        self.note(stream, &mut reading, changes);
        for (key, resource) in &reading.items {
            assert_eq!(first.items.get(key), Some(resource), "{}: reading again gives other items", stream.name);
        }
        let expected = first.items.values().filter(|r| names.contains(r)).count();
        assert_eq!(reading.items.len(), expected, "{}: reading again gives fewer items", stream.name);
        assert!(self.fetch(stream, &[]).await.is_empty(), "{}: fetch of nothing gives something", stream.name);
    }

    async fn unknown_resource(&self, stream: &Stream) {
        for name in [NOBODY, "", "../../etc/passwd", "/", "0", "1:1"] {
            match self.source.fetch(stream, &[name.to_owned()], self.window).await {
                Ok(changes) => {
                    let removed = changes.iter().all(|c| matches!(c, Change::Remove { resource } if resource == name));
                    assert!(removed, "{}: fetch makes something of an unknown resource", stream.name);
                }
                Err(fault) => panic!("{}: an unknown resource fails the whole fetch: {fault}", stream.name),
            }
        }
    }

    async fn content(&self, stream: &Stream, first: &Reading) {
        let mut keys: Vec<String> = first.mail.iter().take(TEXTS).cloned().collect();
        if keys.is_empty() {
            return;
        }
        keys.push(NOBODY.to_owned());
        let texts = self
            .source
            .content(stream, &keys, TEXT_LIMIT)
            .await
            .unwrap_or_else(|e| panic!("{}: content failed: {e}", stream.name));
        for (key, content) in &texts {
            assert!(keys.contains(key), "{}: content answers what was not asked", stream.name);
            self.quiet(&format!("{content:?}"), "a text");
            match content {
                Content::Text { text, .. } => {
                    assert_ne!(key, NOBODY, "{}: a message that is not there has a text", stream.name);
                    assert!(text.len() <= TEXT_LIMIT, "{}: a text is longer than its limit", stream.name);
                }
                Content::Gone => assert_eq!(key, NOBODY, "{}: a message that is there has gone", stream.name),
                Content::None => assert_ne!(key, NOBODY, "{}: a message that is not there has no text", stream.name),
            }
        }
        for key in keys.iter().filter(|k| *k != NOBODY) {
            assert!(texts.iter().any(|(k, _)| k == key), "{}: the text of a message was not read", stream.name);
        }
    }

    fn quiet(&self, debug: &str, what: &str) {
        for (at, secret) in self.secrets.iter().enumerate() {
            assert!(secret.is_empty() || !debug.contains(secret), "{what} shows secret number {at}");
        }
    }
}

fn resource(change: &Change) -> &str {
    match change {
        Change::Upsert { resource, .. } | Change::Unreadable { resource, .. } | Change::Remove { resource } => resource,
    }
}

#[cfg(test)]
mod tests;
