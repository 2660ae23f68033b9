//! Rows into SQLite, with its indexes: the store's own statements beside bare INSERTs of many rows at once, of the same rows
//! into the same schema, in transactions of the same size. The rows are those of a back-fill: decisions, activities with
//! links and parties, texts, references, sightings, blind indexes.

use std::{path::Path, time::Instant};

use chrono::{DateTime, Utc};
use dealtrail::{
    args,
    clock::SystemClock,
    store::{
        Store, StoreError,
        activities::{self, Stored},
        items::{self, Decided, Outcome},
        sightings::{self, Sighting},
    },
};
use dealtrail_sdk::Clock as _;
use rusqlite::{Connection, params_from_iter, types::Value};

use crate::{
    Size,
    mailboxes::{Mailboxes, block_on, dealtrail, open},
    measure::{Cost, cpu_of, measure},
    table::Table,
};

/// Items written in one transaction, as a back-fill does.
const BATCH: usize = 300;
/// Rows of one bare INSERT.
const AT_ONCE: usize = 128;

/// Tables, and how their rows are found that belong to a batch.
const TABLES: [(&str, &str); 8] = [
    ("items", "key"),
    ("activities", "id"),
    ("links", "activity"),
    ("parties", "activity"),
    ("texts", "activity"),
    ("refs", "activity"),
    ("sightings", "activity"),
    ("blind", "key"),
];

pub fn run(size: Size) {
    let (boxes, mails, rounds) = (size.boxes(4), size.mails(2500), size.rounds(5));
    let all = Mailboxes::fill(boxes, mails);
    let source = all.dir.path().join("source");
    measure(dealtrail(&all.configure(&source, all.server.tls_port(), ""), &["sync"]));
    let now = SystemClock.now();
    block_on(async {
        let batches = batches(&source).await.expect("the rows of a back-fill");
        let rows: usize = batches.iter().flat_map(|b| &b.bare).map(|t| t.rows.len()).sum();
        println!("rows: {rows} rows of a back-fill of {} mails into SQLite with its indexes", all.mails);
        let mut table = Table::new("row", rows);
        for round in 0..rounds {
            let fresh = async |side: &str| {
                let file = all.dir.path().join(format!("{side}-{round}.db"));
                (Store::open(&format!("sqlite:{}", file.display())).await.expect("a fresh database"), file)
            };
            let (store, ours) = fresh("store").await;
            table.add("store", timed(async { by_store(&store, &batches, now).await.expect("rows") }).await);
            store.db.close().await;
            let (store, bare) = fresh("bare").await;
            store.db.close().await;
            table.add("bare INSERT", timed(async { by_hand(&bare, &batches).expect("rows") }).await);
            assert_eq!(counts(&ours).await, counts(&bare).await, "both hold the same rows");
            assert_eq!(counts(&bare).await.iter().sum::<i64>(), i64::try_from(rows).expect("small"));
        }
        println!("  checked in each of {rounds}: the same number of rows in each of {} tables", TABLES.len());
        table.print();
        table.ratio("bare INSERT", "store");
        println!("  {:.0} rows a second by the store", rows as f64 / table.median("store").wall.as_secs_f64());
    });
}

async fn timed(work: impl Future<Output = ()>) -> Cost {
    let (before, began) = (cpu_of(std::process::id()), Instant::now());
    work.await;
    Cost { wall: began.elapsed(), cpu: cpu_of(std::process::id()) - before, peak: 0 }
}

/// What is written in one transaction, in both forms.
struct Batch {
    stream: i64,
    decided: Vec<Decided>,
    stored: Vec<Stored>,
    ties: Vec<Sighting>,
    texts: Vec<(String, std::sync::Arc<str>)>,
    refs: Vec<(String, String)>,
    bare: Vec<Rows>,
}

/// Rows of one table as they lie in the database.
struct Rows {
    table: &'static str,
    width: usize,
    rows: Vec<Vec<Value>>,
}

async fn batches(source: &Path) -> Result<Vec<Batch>, StoreError> {
    let store = Store::open(&format!("sqlite:{}", source.join("dealtrail.db").display())).await?;
    let raw = open(source);
    let decisions = store.decisions_after(0, "", i64::MAX).await?;
    let mails: Vec<_> = decisions.into_iter().filter(|d| d.connection != "crm").collect();
    let mut batches = Vec::new();
    for some in mails.chunk_by(|a, b| a.stream_id == b.stream_id).flat_map(|stream| stream.chunks(BATCH)) {
        let stream = some[0].stream_id;
        let keys: Vec<String> = some.iter().map(|d| d.key.clone()).collect();
        let ids: Vec<String> = some.iter().filter_map(|d| d.activity.clone()).collect();
        let mut bare = Vec::new();
        for (table, column) in TABLES {
            let mut filter = format!("{column} in ({})", listed(if column == "key" { &keys } else { &ids }));
            if column == "key" {
                filter.push_str(&format!(" and stream = {stream}"));
            }
            let sql = format!("select * from {table} where {filter}");
            bare.push(rows(&raw, table, &sql)?);
        }
        let mut decided: Vec<Decided> = some.iter().map(decided).collect();
        blind(&bare, &mut decided);
        let mut tx = store.begin().await?;
        batches.push(Batch {
            stream,
            decided,
            stored: activities::by_ids(&mut tx, &ids).await?,
            ties: sightings::of_items(&mut tx, stream, &keys).await?,
            texts: activities::texts(&mut tx, &ids).await?.into_iter().collect(),
            refs: activities::refs_of(&mut tx, &ids).await?,
            bare,
        });
    }
    store.db.close().await;
    Ok(batches)
}

fn listed(words: &[String]) -> String {
    words.iter().map(|w| format!("'{w}'")).collect::<Vec<_>>().join(",")
}

fn rows(raw: &Connection, table: &'static str, sql: &str) -> rusqlite::Result<Rows> {
    let mut statement = raw.prepare(sql)?;
    let width = statement.column_count();
    let rows = statement.query_map([], |row| (0..width).map(|i| row.get(i)).collect())?;
    Ok(Rows { table, width, rows: rows.collect::<Result<_, _>>()? })
}

fn decided(d: &dealtrail::store::lists::Decision) -> Decided {
    Decided {
        tags: Vec::new(),
        key: d.key.clone(),
        resource: d.key.clone(),
        version: None,
        outcome: Outcome::parse(&d.outcome).expect("an outcome"),
        reason: d.reason.clone(),
        detail: d.detail.clone(),
        message_id: d.message_id.clone(),
        ical_uid: d.ical_uid.clone(),
        recurrence_id: d.recurrence_id,
        occurred_at: d.occurred_at,
        dated: None,
        activity: d.activity.clone(),
        attempts: 0,
        retry_at: None,
        blind: Vec::new(),
    }
}

/// Gives the decisions their blind hashes: the last of the bare tables is (hash, stream, key).
fn blind(bare: &[Rows], decided: &mut [Decided]) {
    for row in &bare.last().expect("eight tables").rows {
        if let [Value::Text(hash), _, Value::Text(key)] = &row[..]
            && let Some(item) = decided.iter_mut().find(|d| d.key == *key)
        {
            item.blind.push(hash.clone());
        }
    }
}

async fn by_store(store: &Store, batches: &[Batch], now: DateTime<Utc>) -> Result<(), StoreError> {
    for b in batches {
        let mut tx = store.begin().await?;
        sightings::save(&mut tx, &b.ties).await?;
        items::save(&mut tx, b.stream, &b.decided, now).await?;
        activities::save(&mut tx, &b.stored).await?;
        activities::save_texts(&mut tx, &b.texts).await?;
        activities::save_refs(&mut tx, &b.refs).await?;
        tx.commit().await?;
    }
    Ok(())
}

fn by_hand(file: &Path, batches: &[Batch]) -> rusqlite::Result<()> {
    let db = Connection::open(file)?;
    // as the store has them
    db.execute_batch(
        "pragma journal_mode = wal; pragma synchronous = normal; pragma foreign_keys = on; pragma temp_store = memory; \
         pragma cache_size = -8000; pragma wal_autocheckpoint = 10000",
    )?;
    for b in batches {
        db.execute_batch("begin immediate")?;
        for t in &b.bare {
            let row = format!("({})", vec!["?"; t.width].join(","));
            for some in t.rows.chunks(AT_ONCE) {
                let sql = format!("insert into {} values {}", t.table, vec![&row[..]; some.len()].join(","));
                db.prepare_cached(&sql)?.execute(params_from_iter(some.iter().flatten()))?;
            }
        }
        db.execute_batch("commit")?;
    }
    Ok(())
}

/// Rows in each table.
async fn counts(file: &Path) -> Vec<i64> {
    let store = Store::open(&format!("sqlite:{}", file.display())).await.expect("the database");
    let mut all = Vec::new();
    for (table, _) in TABLES {
        let rows = store.db.rows(&format!("select count(*) from {table}"), args![]).await.expect("a count");
        all.push(rows[0].int(0));
    }
    store.db.close().await;
    all
}
