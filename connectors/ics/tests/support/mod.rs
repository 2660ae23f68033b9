//! What the tests of this connector share: sources over settings, and small calendars.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test file uses its part, and a helper that fails fails the test"
)]

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use chrono::{DateTime, TimeZone, Utc};
use dealtrail_sdk::{Batch, Change, Clock, Cursor, Fault, Settings, Setup, Source, Stream, Window, record::Record};

/// A clock that stands where it was set, in seconds.
#[derive(Debug)]
pub struct Stopped(pub AtomicI64);

impl Clock for Stopped {
    fn now(&self) -> DateTime<Utc> {
        Utc.timestamp_opt(self.0.load(Ordering::SeqCst), 0).unwrap()
    }
}

pub fn window() -> Window {
    let year = |y| Utc.with_ymd_and_hms(y, 1, 1, 0, 0, 0).unwrap();
    Window { since: year(2026), until: year(2027) }
}

pub fn connect(settings: serde_json::Value, base: &Path) -> Result<Box<dyn Source>, Fault> {
    connect_at(settings, base, Arc::new(Stopped(AtomicI64::new(1_770_000_000))))
}

pub fn connect_at(settings: serde_json::Value, base: &Path, clock: Arc<dyn Clock>) -> Result<Box<dyn Source>, Fault> {
    let serde_json::Value::Object(map) = settings else { panic!("settings are an object") };
    let setup = Setup {
        connection: "test".to_owned(),
        settings: Settings(map),
        base: base.to_owned(),
        zone: chrono_tz::Europe::Berlin,
        clock,
    };
    (dealtrail_ics::KIND.connect)(setup)
}

/// A calendar of events `uid` or `uid|more lines`.
pub fn calendar(events: &[&str]) -> String {
    let mut text = String::from("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n");
    for event in events {
        let (uid, more) = event.split_once('|').unwrap_or((event, "DTSTART:20260105T090000Z"));
        let lines = more.replace('\n', "\r\n");
        text.push_str(&format!("BEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20260101T000000Z\r\n{lines}\r\nEND:VEVENT\r\n"));
    }
    text + "END:VCALENDAR\r\n"
}

pub async fn stream(source: &dyn Source) -> Stream {
    let mut streams = source.streams().await.unwrap();
    assert_eq!(streams.len(), 1);
    streams.remove(0)
}

pub async fn pull(source: &dyn Source, cursor: Option<&Cursor>) -> Result<Batch, Fault> {
    let stream = Stream { id: "x".to_owned(), name: "x".to_owned(), role: None };
    source.pull(&stream, cursor, &window()).await
}

pub async fn fetch(source: &dyn Source, resources: &[&str]) -> Vec<Change> {
    let stream = Stream { id: "x".to_owned(), name: "x".to_owned(), role: None };
    let resources: Vec<String> = resources.iter().map(|r| (*r).to_owned()).collect();
    source.fetch(&stream, &resources, &window()).await.unwrap()
}

/// The resources of a listing, sorted.
pub fn listed(batch: &Batch) -> Vec<String> {
    let mut names: Vec<String> =
        batch.listing.as_ref().expect("a listing").entries.iter().map(|e| e.resource.clone()).collect();
    names.sort();
    names
}

/// Changes as short lines, sorted.
pub fn shown(changes: &[Change]) -> Vec<String> {
    let mut lines: Vec<String> = changes
        .iter()
        .map(|change| match change {
            Change::Upsert { resource, items, .. } => {
                let keys: Vec<&str> = items.iter().map(|i| i.key.as_str()).collect();
                assert!(items.iter().all(|i| matches!(i.record, Record::Event(_))));
                format!("{resource} = {}", keys.join(" "))
            }
            Change::Remove { resource } => format!("{resource} gone"),
            Change::Unreadable { resource, .. } => format!("{resource} unreadable"),
        })
        .collect();
    lines.sort();
    lines
}
