//! A source that is made up: it holds what a test puts into it, and misbehaves as it is told.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use dealtrail::{
    app::App,
    args,
    clock::SystemClock,
    config,
    engine::{Connection, Engine, rules::Level},
    store::{
        Store,
        connections::{self, State},
    },
};
use dealtrail_sdk::{
    Batch, Change, Clock as _, Cursor, Entry, Fault, Gives, Item, Listing, Source, Stream, Window, ical, mime,
    record::{Content, Record},
};

use crate::support::{days_ago, letter};

/// What the source does instead of giving a message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Trick {
    None,
    Panic,
    PanicInItsThread,
    Abort,
    /// Another process has the lease meanwhile.
    Robbed,
    Unreadable,
}

#[derive(Clone)]
pub struct Fake {
    pub store: Store,
    pub gives: Gives,
    pub sent: DateTime<Utc>,
    /// Messages or events, newest first: (resource, version).
    pub held: Arc<Mutex<Vec<(String, String)>>>,
    pub streams: Arc<Mutex<Vec<&'static str>>>,
    pub trick: Arc<Mutex<(Trick, BTreeSet<String>)>>,
    /// Gives its messages with the batch instead of a listing.
    pub batches: bool,
    /// The texts of its messages, by their names; before they are there, no text can be read.
    pub texts: Arc<Mutex<Vec<(String, String)>>>,
    /// How many were read together with a bad one, each time.
    pub met: Arc<Mutex<Vec<usize>>>,
}

impl Fake {
    pub fn new(store: &Store, gives: Gives, names: &[String]) -> Self {
        let held = names.iter().map(|n| (n.clone(), "1".to_owned())).collect();
        Self {
            store: store.clone(),
            gives,
            sent: days_ago(10),
            held: Arc::new(Mutex::new(held)),
            streams: Arc::new(Mutex::new(vec!["INBOX"])),
            trick: Arc::new(Mutex::new((Trick::None, BTreeSet::new()))),
            batches: false,
            texts: Arc::default(),
            met: Arc::default(),
        }
    }

    pub fn trick(&self, trick: Trick, names: &[&str]) {
        let names = names.iter().map(|n| (*n).to_owned()).collect();
        *self.trick.lock().expect("nobody panics while holding it") = (trick, names);
    }

    fn change(&self, name: &str, version: &str, window: &Window) -> Change {
        let (resource, version) = (name.to_owned(), Some(version.to_owned()));
        if self.gives == Gives::Mail {
            // what follows a plus tells copies of one mail apart
            let id = format!("{}@buyer.example", name.split('+').next().unwrap_or(name));
            let mut mail = mime::message(&letter(&id).bytes()).expect("a message");
            mail.date = Some(self.sent);
            let items = vec![Item { key: resource.clone(), record: Record::Mail(Box::new(mail)) }];
            return Change::Upsert { resource, version, items };
        }
        let days: i64 = name.parse().expect("days");
        let start = (SystemClock.now() + TimeDelta::days(days)).format("%Y%m%dT120000Z");
        let text = format!(
            "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nUID:{name}\nDTSTAMP:20260101T000000Z\nDTSTART:{start}\nDURATION:PT1H\n\
             ORGANIZER:mailto:ana@acme.example\nATTENDEE:mailto:eve@buyer.example\nEND:VEVENT\nEND:VCALENDAR\n"
        );
        let calendar = ical::read(text.as_bytes(), chrono_tz::UTC, window);
        let events = calendar.series.into_iter().flat_map(|s| s.events);
        let items = events.map(|e| Item { key: ical::key(name, &e), record: Record::Event(Box::new(e)) }).collect();
        Change::Upsert { resource, version, items }
    }

    async fn give(&self, names: &[String], window: &Window) -> Result<Vec<Change>, Fault> {
        let (trick, bad) = self.trick.lock().expect("nobody panics while holding it").clone();
        let held = self.held.lock().expect("nobody panics while holding it").clone();
        if names.iter().any(|n| bad.contains(n)) {
            self.met.lock().expect("nobody panics while holding it").push(names.len());
            match trick {
                Trick::Panic => panic!("a message that panics"),
                Trick::PanicInItsThread => {
                    let cut = tokio::task::spawn_blocking(panics).await;
                    let cut = cut.expect_err("it panicked");
                    return Err(Fault::from(dealtrail_sdk::FaultKind::Unreachable, "reading was cut off", cut));
                }
                Trick::Abort => std::process::abort(),
                Trick::Robbed => {
                    let sql = "update streams set lease_by = 'elsewhere/boot/1/x', lease_until = $1 where connection = 'made-up'";
                    self.store.db.exec(sql, args![i64::MAX]).await.expect("a robbery");
                }
                Trick::None | Trick::Unreadable => {}
            }
        }
        Ok(names
            .iter()
            .filter_map(|n| {
                let (_, version) = held.iter().find(|h| h.0 == *n)?;
                if trick == Trick::Unreadable && bad.contains(n) {
                    let why = "the message is torn".to_owned();
                    return Some(Change::Unreadable { resource: n.clone(), version: Some(version.clone()), why });
                }
                Some(self.change(n, version, window))
            })
            .collect())
    }
}

fn panics() {
    panic!("a message that panics")
}

#[async_trait]
impl Source for Fake {
    async fn streams(&self) -> Result<Vec<Stream>, Fault> {
        let names = self.streams.lock().expect("nobody panics while holding it").clone();
        Ok(names.into_iter().map(|n| Stream { id: n.into(), name: n.into(), role: None }).collect())
    }

    async fn pull(&self, _: &Stream, cursor: Option<&Cursor>, window: &Window) -> Result<Batch, Fault> {
        let held = self.held.lock().expect("nobody panics while holding it").clone();
        if self.batches {
            let names: Vec<String> = held.into_iter().map(|h| h.0).collect();
            let changes = if cursor.is_some() { Vec::new() } else { self.give(&names, window).await? };
            return Ok(Batch { changes, cursor: Some(Cursor("read".into())), ..Batch::default() });
        }
        let entries = held.into_iter().map(|(resource, v)| Entry { resource, version: Some(v) }).collect();
        Ok(Batch { listing: Some(Listing { entries, ..Listing::default() }), ..Batch::default() })
    }

    async fn content(&self, _: &Stream, keys: &[String], _: usize) -> Result<Vec<(String, Content)>, Fault> {
        let texts = self.texts.lock().expect("nobody panics while holding it").clone();
        let wanted = texts.into_iter().filter(|t| keys.contains(&t.0));
        Ok(wanted.map(|(key, text)| (key, Content::Text { text, truncated: false })).collect())
    }

    async fn fetch(&self, _: &Stream, resources: &[String], window: &Window) -> Result<Vec<Change>, Fault> {
        self.give(resources, window).await
    }
}

/// An engine over the office's database that reads the CRM and this source.
pub async fn engine(config: &Path, content: Level, make: impl FnOnce(&Store) -> Fake) -> (Arc<Engine>, Fake) {
    let app = app(config).await;
    let fake = make(&app.store);
    let made_up = connection("made-up", fake.gives, content, Box::new(fake.clone()));
    (engine_of(&app, vec![made_up]).await, fake)
}

pub async fn app(config: &Path) -> App {
    App::open(config::load(config).expect("a configuration"), Arc::new(SystemClock)).await.expect("an app")
}

/// A connection of ana's.
pub fn connection(name: &str, gives: Gives, content: Level, source: Box<dyn Source>) -> Connection {
    Connection {
        name: name.into(),
        gives,
        owner: Some("ana@acme.example".into()),
        source,
        policy: dealtrail::domain::capture::Policy { since: days_ago(400), ..Default::default() },
        members: Vec::new(),
        content,
        horizon: TimeDelta::days(90),
        clock: Arc::new(SystemClock),
        zone: chrono_tz::UTC,
        poll: std::time::Duration::from_secs(300),
        prefix: None,
    }
}

/// An engine that reads what the app reads, and these connections.
pub async fn engine_of(app: &App, made_up: Vec<Connection>) -> Arc<Engine> {
    let store = app.store.clone();
    let mut known = store.connections().await.expect("connections");
    known.retain(|c| made_up.iter().all(|m| m.name != c.name));
    let crm = known.iter().find(|c| c.name == "crm").expect("the CRM").clone();
    let stored = |m: &Connection| connections::Connection {
        name: m.name.clone(),
        gives: "mail".into(),
        state: State::New,
        ..crm.clone()
    };
    known.extend(made_up.iter().map(stored));
    store.configure(&known).await.expect("connections");
    let mut connections = app.engine.connections.clone();
    connections.extend(made_up.into_iter().map(Arc::new));
    let engine = Engine::new(store, Arc::new(SystemClock), app.engine.rules.clone(), connections).await;
    Arc::new(engine.expect("an engine"))
}
