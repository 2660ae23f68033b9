//! SQLite, asked on the thread that wants the answer: most statements take less time than handing them to another thread and back.
//!
//! One connection writes, a few read beside it. Whoever writes waits for their turn without holding a thread. Reports and pages ask
//! apart from the runtime's other work ([`Lite::aside`]); the short questions of reading mail do not, for each thread that takes
//! over has memory of its own.

use std::{
    borrow::Cow,
    future::poll_fn,
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
    time::{Duration, Instant},
};

use rusqlite::{
    CachedStatement, Connection, ErrorCode, OpenFlags, ToSql, TransactionBehavior,
    types::{ToSqlOutput, Value, ValueRef},
};
use tokio::{
    runtime::{Handle, RuntimeFlavor},
    sync::{Mutex as Turn, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore},
    task::block_in_place,
    time::sleep,
};

use super::{
    Arg, MIGRATIONS, Row,
    values::{Cells, json},
};
use crate::store::StoreError;

/// Connections that read at the same time.
const READERS: u32 = 4;
/// How long another process may write before this one gives up.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks whether another process has written what it writes.
const LOOK: Duration = Duration::from_millis(3);
/// Statements that a connection keeps prepared.
const PREPARED: usize = 400;

/// `temp_store`: what a statement may have to take back is kept in memory, not in a file of its own.
const SETTINGS: &str = "pragma journal_mode = wal; pragma synchronous = normal; pragma foreign_keys = on; \
    pragma temp_store = memory;";
/// `wal_autocheckpoint`: a page that many batches change is copied from the log into the file once.
const WRITING: &str = "pragma cache_size = -8000; pragma wal_autocheckpoint = 10000";
/// What reads cannot write, whatever it is asked.
const READING: &str = "pragma cache_size = -2000; pragma query_only = on";

/// A database in a file.
#[derive(Clone, Debug)]
pub struct Lite {
    /// As a URI (<https://sqlite.org/uri.html>).
    file: Arc<str>,
    /// None when it was closed.
    writer: Arc<Turn<Option<Connection>>>,
    readers: Arc<Readers>,
    /// Questions take long: each is asked apart from the runtime's other work.
    aside: bool,
}

/// Connections that wait to be read from; opened when they are first needed.
#[derive(Debug)]
struct Readers {
    places: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that reads, for as long as it is held.
#[derive(Debug)]
struct Reader {
    connection: Option<Connection>,
    readers: Arc<Readers>,
    aside: bool,
    _place: OwnedSemaphorePermit,
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.readers.idle().extend(self.connection.take());
    }
}

impl Lite {
    /// Opens `sqlite:PATH`, with parameters of SQLite's own (`?mode=ro`) if need be, and brings the schema up to date.
    pub fn open(url: &str) -> Result<Self, StoreError> {
        let path = url.trim_start_matches("sqlite:");
        let file = format!("file:{}", path.strip_prefix("//").unwrap_or(path));
        let mut writer = connect(&file, WRITING)?;
        migrate(&mut writer)?;
        // from here on, whose turn it is is waited for without a thread
        writer.busy_timeout(Duration::ZERO)?;
        let places = Arc::new(Semaphore::new(READERS as usize));
        let readers = Arc::new(Readers { places, idle: Mutex::default() });
        Ok(Self { file: file.into(), writer: Arc::new(Turn::new(Some(writer))), readers, aside: false })
    }

    /// The same for questions that take long.
    pub fn aside(&self) -> Self {
        Self { aside: true, ..self.clone() }
    }

    /// The one transaction that may write.
    pub async fn begin(&self) -> Result<LiteTx, StoreError> {
        let writer = self.writer.clone().lock_owned().await;
        let end = Instant::now() + PATIENCE;
        loop {
            let begun = writer.as_ref().ok_or_else(closed)?.execute_batch("begin immediate");
            match begun {
                Err(e) if e.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && Instant::now() < end => {
                    sleep(LOOK).await;
                }
                Err(e) => return Err(e.into()),
                Ok(()) => return Ok(LiteTx { held: Held::Writer(writer), open: true }),
            }
        }
    }

    /// A transaction that sees one state of the database throughout and cannot write.
    pub async fn begin_reading(&self) -> Result<LiteTx, StoreError> {
        let held = Held::Reader(Box::new(self.reader().await?));
        held.ask(|connection| Ok(connection.execute_batch("begin")?))?;
        Ok(LiteTx { held, open: true })
    }

    async fn reader(&self) -> Result<Reader, StoreError> {
        let place = self.readers.places.clone().acquire_owned().await.map_err(|_| closed())?;
        let idle = self.readers.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => connect(&self.file, READING)?,
        };
        Ok(Reader { connection: Some(connection), readers: self.readers.clone(), aside: self.aside, _place: place })
    }

    /// Reads outside a transaction.
    pub async fn read<T>(
        &self,
        sql: &str,
        args: &[Arg<'_>],
        each: impl Fn(&mut Row) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        Held::Reader(Box::new(self.reader().await?)).ask(|connection| read(connection, sql, args, each))
    }

    /// Waits for those who read and write, and lets go of the file.
    pub async fn close(&self) {
        let all = self.readers.places.acquire_many(READERS).await;
        self.readers.idle().clear();
        self.readers.places.close();
        drop(all);
        drop(self.writer.lock().await.take());
    }
}

fn closed() -> StoreError {
    StoreError::Sql("it was closed".to_owned())
}

fn connect(file: &str, settings: &str) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(PATIENCE)?;
    connection.execute_batch(SETTINGS)?;
    connection.execute_batch(settings)?;
    connection.set_prepared_statement_cache_capacity(PREPARED);
    Ok(connection)
}

/// Runs the migrations that the file has not seen: its `user_version` is the number of the last.
fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let failed = |e: rusqlite::Error| StoreError::Migrate(e.to_string());
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let version: i64 = tx.query_row("pragma user_version", [], |row| row.get(0)).map_err(failed)?;
    if MIGRATIONS.last().is_some_and(|(newest, _, _)| version > *newest) {
        return Err(StoreError::Migrate("a newer dealtrail wrote it; use that one, or another database".to_owned()));
    }
    for (number, _, sql) in MIGRATIONS.iter().filter(|(number, _, _)| *number > version) {
        tx.execute_batch(&sql.replace("/* keyed */", "without rowid")).map_err(failed)?;
        tx.pragma_update(None, "user_version", number).map_err(failed)?;
    }
    tx.commit().map_err(failed)
}

/// The connection of a transaction.
#[derive(Debug)]
enum Held {
    Writer(OwnedMutexGuard<Option<Connection>>),
    Reader(Box<Reader>),
}

impl Held {
    fn ask<T>(&self, question: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        match self {
            Self::Writer(writer) => question(writer.as_ref().ok_or_else(closed)?),
            Self::Reader(reader) => {
                let connection = reader.connection.as_ref().ok_or_else(closed)?;
                if reader.aside { apart(|| question(connection)) } else { question(connection) }
            }
        }
    }
}

/// What may take long: where there are other threads, they take over what else there is to do.
fn apart<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => block_in_place(work),
        _ => work(),
    }
}

/// Puts the task that asks behind those that are ready. Who waits to write next is ready from the moment the writer is given back,
/// and would have to wait for whatever the task that gave it back does next on the same thread.
pub async fn give_way() {
    let mut given = false;
    poll_fn(|context| {
        if std::mem::replace(&mut given, true) {
            return Poll::Ready(());
        }
        // not `tokio::task::yield_now`, which keeps the task from all other threads
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// A transaction. Dropped without `commit`, nothing happened.
#[derive(Debug)]
pub struct LiteTx {
    held: Held,
    open: bool,
}

impl LiteTx {
    pub fn read<T>(
        &self,
        sql: &str,
        args: &[Arg<'_>],
        each: impl Fn(&mut Row) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        self.held.ask(|connection| read(connection, sql, args, each))
    }

    /// Returns how many rows it changed.
    pub fn exec(&self, sql: &str, args: &[Arg<'_>]) -> Result<u64, StoreError> {
        self.held.ask(|connection| {
            let mut statement = prepared(connection, sql, args)?;
            let mut rows = statement.raw_query();
            while rows.next()?.is_some() {}
            drop(rows);
            Ok(connection.changes())
        })
    }

    /// One statement, run for each row.
    pub fn exec_each(&self, sql: &str, rows: &[Vec<Arg<'_>>]) -> Result<(), StoreError> {
        self.held.ask(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            for row in rows {
                bind(&mut statement, row)?;
                statement.raw_execute()?;
            }
            Ok(())
        })
    }

    pub fn commit(mut self) -> Result<(), StoreError> {
        // no disk is waited for but when the log is copied into the file
        self.held.ask(|connection| Ok(connection.execute_batch("commit")?))?;
        self.open = false;
        Ok(())
    }
}

impl Drop for LiteTx {
    fn drop(&mut self) {
        if self.open {
            // fails only where SQLite itself has rolled back
            let _ = self.held.ask(|connection| Ok(connection.execute_batch("rollback")?));
        }
    }
}

fn read<T>(
    connection: &Connection,
    sql: &str,
    args: &[Arg<'_>],
    each: impl Fn(&mut Row) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut statement = prepared(connection, sql, args)?;
    let width = statement.column_count();
    let mut rows = statement.raw_query();
    let (mut all, mut one) = (Vec::new(), Row::Lite(Cells::default()));
    while let Some(row) = rows.next()? {
        if let Row::Lite(cells) = &mut one {
            cells.take_in(row, width)?;
        }
        all.push(each(&mut one)?);
    }
    Ok(all)
}

fn prepared<'c>(connection: &'c Connection, sql: &str, args: &[Arg<'_>]) -> Result<CachedStatement<'c>, StoreError> {
    let mut statement = connection.prepare_cached(&numbered(sql))?;
    bind(&mut statement, args)?;
    Ok(statement)
}

fn bind(statement: &mut CachedStatement<'_>, args: &[Arg<'_>]) -> Result<(), StoreError> {
    debug_assert_eq!(statement.parameter_count(), args.len(), "each placeholder has its value");
    for (i, arg) in (1..).zip(args) {
        statement.raw_bind_parameter(i, arg)?;
    }
    Ok(())
}

/// `$1` as PostgreSQL numbers placeholders is a name to SQLite; `?1` is the number one.
fn numbered(sql: &str) -> Cow<'_, str> {
    if !sql.contains('$') {
        return Cow::Borrowed(sql);
    }
    let mut pieces = sql.split('$');
    let mut all = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        all.push(if piece.starts_with(|c: char| c.is_ascii_digit()) { '?' } else { '$' });
        all.push_str(piece);
    }
    Cow::Owned(all)
}

impl ToSql for Arg<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Text(Some(text)) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Self::Int(Some(number)) => ToSqlOutput::Borrowed(ValueRef::Integer(*number)),
            Self::Text(None) | Self::Int(None) => ToSqlOutput::Borrowed(ValueRef::Null),
            Self::Texts(texts) => ToSqlOutput::Owned(Value::Text(json(texts))),
        })
    }
}

#[cfg(test)]
mod tests;
