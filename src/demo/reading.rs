//! Reads a written company through a connector, for the tests.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use chrono::{DateTime, Duration, Utc};
use dealtrail_sdk::{Change, Clock, Settings, Setup, Window};

/// Items per stream, and what could not be read.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub streams: BTreeMap<String, usize>,
    pub unreadable: Vec<String>,
}

impl Rows {
    pub(super) fn count(&self, stream: &str) -> usize {
        self.streams.get(stream).copied().unwrap_or(0)
    }
}

#[derive(Debug)]
struct Fixed(DateTime<Utc>);

impl Clock for Fixed {
    fn now(&self) -> DateTime<Utc> {
        self.0
    }
}

pub(super) async fn all(connector: &str, base: &Path, path: &str) -> Rows {
    let now: DateTime<Utc> = "2026-11-18T11:00:00Z".parse().unwrap();
    let mut settings = serde_json::Map::new();
    settings.insert("path".to_owned(), path.into());
    let setup = Setup {
        connection: "demo".to_owned(),
        settings: Settings(settings),
        base: base.to_path_buf(),
        zone: chrono_tz::Europe::Berlin,
        clock: Arc::new(Fixed(now)),
    };
    let window = Window { since: now - Duration::days(400), until: now + Duration::days(365) };
    let kind = crate::registry::kind(connector).unwrap();
    let source = (kind.connect)(setup).unwrap();
    let mut rows = Rows::default();
    for stream in source.streams().await.unwrap() {
        let mut cursor = None;
        loop {
            let batch = source.pull(&stream, cursor.as_ref(), &window).await.unwrap();
            let mut changes = batch.changes;
            let entries = batch.listing.map(|l| l.entries).unwrap_or_default();
            let names: Vec<String> = entries.into_iter().map(|e| e.resource).collect();
            for some in names.chunks(200) {
                changes.extend(source.fetch(&stream, some, &window).await.unwrap());
            }
            for change in changes {
                match change {
                    Change::Upsert { items, .. } => {
                        *rows.streams.entry(stream.name.clone()).or_default() += items.len()
                    }
                    Change::Unreadable { resource, why, .. } => rows.unreadable.push(format!("{resource}: {why}")),
                    Change::Remove { resource } => rows.unreadable.push(format!("{resource}: gone")),
                }
            }
            if !batch.more {
                break;
            }
            cursor = batch.cursor;
        }
    }
    rows
}
