//! Many mailboxes of many batches at once: what is read ahead of the database is bounded, however many they are, unless it is
//! their servers that are waited for.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use async_trait::async_trait;
use dealtrail::engine::{
    pass::Options,
    progress::{Quiet, Watcher},
    rules::Level,
};
use dealtrail_sdk::{
    Batch, Change, Cursor, Fault, Gives, Item, Source, Stream, Window, mime,
    record::{Content, Record},
};
use rstest::rstest;
use tokio_util::sync::CancellationToken;

use crate::{
    fake,
    support::{Database, Office, letter},
};

const MAILBOXES: usize = 9;
const BATCHES: usize = 5;
/// As many as the engine has places for.
const PLACES: usize = 4;

/// A mailbox that gives one mail with each batch, after a while.
struct Slow {
    name: String,
    wait: Duration,
    /// How many further batches are asked for now, of all mailboxes, and the most that were.
    asked: Arc<(AtomicUsize, AtomicUsize)>,
}

#[async_trait]
impl Source for Slow {
    async fn streams(&self) -> Result<Vec<Stream>, Fault> {
        Ok(vec![Stream { id: "INBOX".into(), name: "INBOX".into(), role: None }])
    }

    async fn pull(&self, _: &Stream, cursor: Option<&Cursor>, _: &Window) -> Result<Batch, Fault> {
        let number: usize = cursor.map_or(0, |c| c.0.parse().expect("a number"));
        if number > 0 {
            let now = self.asked.0.fetch_add(1, SeqCst) + 1;
            self.asked.1.fetch_max(now, SeqCst);
            tokio::time::sleep(self.wait).await;
            self.asked.0.fetch_sub(1, SeqCst);
        }
        let resource = format!("{}-{number}", self.name);
        let mail = mime::message(&letter(&format!("{resource}@buyer.example")).bytes()).expect("a message");
        let items = vec![Item { key: resource.clone(), record: Record::Mail(Box::new(mail)) }];
        let changes = vec![Change::Upsert { resource, version: None, items }];
        let cursor = Some(Cursor((number + 1).to_string()));
        Ok(Batch { changes, cursor, more: number + 1 < BATCHES, ..Batch::default() })
    }

    async fn content(&self, _: &Stream, _: &[String], _: usize) -> Result<Vec<(String, Content)>, Fault> {
        Ok(Vec::new())
    }

    async fn fetch(&self, _: &Stream, _: &[String], _: &Window) -> Result<Vec<Change>, Fault> {
        Ok(Vec::new())
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn what_is_read_ahead_is_bounded_unless_servers_are_far(
    #[values(Database::Sqlite, Database::Postgres)] on: Database,
    #[values(20, 700)] wait: u64,
) {
    let office = Office::without_mail(on);
    let app = fake::app(&office.program.config).await;
    let asked: Arc<(AtomicUsize, AtomicUsize)> = Arc::default();
    let mailboxes = (0..MAILBOXES).map(|n| {
        let name = format!("box{n}");
        let slow = Slow { name: name.clone(), wait: Duration::from_millis(wait), asked: asked.clone() };
        fake::connection(&name, Gives::Mail, Level::Subject, Box::new(slow))
    });
    let engine = fake::engine_of(&app, mailboxes.collect()).await;
    let watcher: Arc<dyn Watcher> = Arc::new(Quiet);
    engine.pass(&Options::default(), &watcher, &CancellationToken::new()).await.expect("a pass");

    let all = engine.store.activities(&Default::default()).await.expect("activities");
    let read: BTreeSet<String> = all.into_iter().filter_map(|s| s.message_id).collect();
    assert_eq!(read.len(), MAILBOXES * BATCHES, "every batch of every mailbox is read");
    let most = asked.1.load(SeqCst);
    assert_eq!(most > PLACES, wait == 700, "{most} were asked for at once");
}
