//! What both test files share: a set clock, a connection, and a small engine that keeps what a source says.
#![allow(dead_code, reason = "each test file uses its part")]

pub mod fake;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use chrono::{DateTime, TimeDelta, Utc};
use dealtrail_sdk::{
    Batch, Change, Clock, Cursor, Fault, Settings, Setup, Source, Stream, Window,
    record::{Event, Record},
};
use serde_json::{Value, json};

/// A clock that tests set.
#[derive(Debug)]
pub struct SetClock(Mutex<DateTime<Utc>>);

impl SetClock {
    pub fn forward(&self, days: i64) {
        *self.0.lock().expect("no test panicked here") += TimeDelta::days(days);
    }
}

impl Clock for SetClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().expect("no test panicked here")
    }
}

pub fn clock() -> Arc<SetClock> {
    Arc::new(SetClock(Mutex::new("2026-11-02T09:00:00Z".parse().expect("a time"))))
}

/// Half a year back, a year ahead.
pub fn window(clock: &SetClock) -> Window {
    Window { since: clock.now() - TimeDelta::days(180), until: clock.now() + TimeDelta::days(365) }
}

pub fn source(clock: &Arc<SetClock>, settings: Value) -> Result<Box<dyn Source>, Fault> {
    let Value::Object(settings) = settings else { panic!("settings are an object") };
    (dealtrail_caldav::KIND.connect)(Setup {
        connection: "ana-calendar".into(),
        settings: Settings(settings),
        base: "/".into(),
        zone: chrono_tz::Europe::Berlin,
        clock: clock.clone(),
    })
}

pub fn account(url: &str) -> Value {
    json!({"url": url, "username": "ana", "password": "secret"})
}

/// An event of one hour, `days` after the clock's start.
pub fn event(uid: &str, days: i64, summary: &str, extra: &str) -> String {
    let start: DateTime<Utc> = "2026-11-02T10:00:00Z".parse().expect("a time");
    let start = start + TimeDelta::days(days);
    let stamp = |at: DateTime<Utc>| at.format("%Y%m%dT%H%M%SZ").to_string();
    calendar(&format!(
        "BEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20261101T000000Z\r\nDTSTART:{}\r\nDTEND:{}\r\nSUMMARY:{summary}\r\n{extra}END:VEVENT\r\n",
        stamp(start),
        stamp(start + TimeDelta::hours(1))
    ))
}

pub fn calendar(components: &str) -> String {
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n{components}END:VCALENDAR\r\n")
}

/// What an engine knows of one stream.
#[derive(Default)]
pub struct Kept {
    pub cursor: Option<Cursor>,
    pub versions: BTreeMap<String, Option<String>>,
    pub events: BTreeMap<String, BTreeMap<String, Event>>,
    pub unreadable: BTreeSet<String>,
    /// Resources whose content was delivered in the last pass.
    pub read: Vec<String>,
    /// Listings of the last pass.
    pub listings: usize,
}

impl Kept {
    /// One whole pass, as the engine does it.
    pub async fn sync(&mut self, source: &dyn Source, stream: &Stream, window: &Window) -> Result<(), Fault> {
        (self.read, self.listings) = (Vec::new(), 0);
        for _ in 0..1000 {
            let batch = source.pull(stream, self.cursor.as_ref(), window).await?;
            let more = batch.more;
            self.commit(source, stream, window, batch).await?;
            if !more {
                return Ok(());
            }
        }
        panic!("the source never comes to an end");
    }

    async fn commit(
        &mut self,
        source: &dyn Source,
        stream: &Stream,
        window: &Window,
        batch: Batch,
    ) -> Result<(), Fault> {
        if let Some(listing) = batch.listing {
            self.listings += 1;
            let known: BTreeSet<_> = listing.entries.iter().map(|e| e.resource.clone()).collect();
            assert_eq!(known.len(), listing.entries.len(), "a resource is listed once");
            let wanted = listing.entries.iter().filter(|e| self.versions.get(&e.resource) != Some(&e.version));
            let wanted: Vec<_> = wanted.map(|e| e.resource.clone()).collect();
            for some in wanted.chunks(100) {
                let changes = source.fetch(stream, some, window).await?;
                changes.into_iter().for_each(|c| self.apply(c));
            }
            self.versions.retain(|r, _| known.contains(r));
            self.events.retain(|r, _| known.contains(r));
        }
        batch.changes.into_iter().for_each(|c| self.apply(c));
        self.cursor = batch.cursor;
        Ok(())
    }

    fn apply(&mut self, change: Change) {
        match change {
            Change::Upsert { resource, version, items } => {
                self.read.push(resource.clone());
                self.unreadable.remove(&resource);
                self.versions.insert(resource.clone(), version);
                let events = items.into_iter().map(|item| match item.record {
                    Record::Event(event) => (item.key, *event),
                    other => panic!("a calendar gives events, not {other:?}"),
                });
                self.events.insert(resource, events.collect());
            }
            Change::Remove { resource } => {
                self.versions.remove(&resource);
                self.events.remove(&resource);
            }
            Change::Unreadable { resource, version, .. } => {
                self.versions.insert(resource.clone(), version);
                self.unreadable.insert(resource);
            }
        }
    }

    /// Summaries of all instances, sorted.
    pub fn summaries(&self) -> Vec<String> {
        let all = self.events.values().flat_map(BTreeMap::values);
        let mut all: Vec<_> = all.map(|e| e.summary.clone().unwrap_or_default()).collect();
        all.sort();
        all
    }
}
