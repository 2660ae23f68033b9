//! Two typed pools behind one enum, and just enough of a query interface that one SQL text serves both engines.
//!
//! SQLite: one writer connection (IMMEDIATE transactions never meet a busy writer) and a read pool beside it.

mod dialect;
mod values;

use std::{str::FromStr, time::Duration};

use futures_util::{Stream, TryStreamExt as _};
use sqlx::{
    AssertSqlSafe, PgPool, Postgres, SqlSafeStr, Sqlite, SqlitePool, Transaction,
    migrate::{Migration, MigrationType, Migrator},
    postgres::PgPoolOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use self::dialect::{Dialect, portion};
pub use self::values::{Arg, Row};
use super::StoreError;

/// The migrations, oldest first: number, name, text.
const MIGRATIONS: &[(i64, &str, &str)] = &[(1, "init", include_str!("../../migrations/0001_init.sql"))];

#[derive(Clone, Debug)]
pub enum Db {
    Lite { write: SqlitePool, read: SqlitePool },
    Pg(PgPool),
}

/// A transaction that can write. Dropped without `commit`, nothing happened.
#[derive(Debug)]
pub enum Tx {
    Lite(Transaction<'static, Sqlite>),
    Pg(Transaction<'static, Postgres>),
}

macro_rules! bound {
    ($sql:expr, $args:expr, $texts:expr) => {{
        let mut query = sqlx::query(AssertSqlSafe($sql.to_owned()));
        for arg in $args {
            query = match arg {
                Arg::Text(v) => query.bind(v),
                Arg::Int(v) => query.bind(v),
                Arg::Texts(v) => query.bind($texts(v)),
            };
        }
        query
    }};
}

macro_rules! lite {
    ($sql:expr, $args:expr) => {
        bound!($sql, $args, |v| serde_json::Value::from(v).to_string())
    };
}

macro_rules! pg {
    ($sql:expr, $args:expr) => {
        bound!($sql, $args, std::convert::identity::<Vec<String>>)
    };
}

impl Db {
    /// Opens `sqlite:PATH` or `postgres://...` and brings the schema up to date.
    ///
    /// # Errors
    /// When the database cannot be reached, created or migrated.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let db = if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Self::Pg(
                PgPoolOptions::new().max_connections(8).acquire_timeout(Duration::from_secs(15)).connect(url).await?,
            )
        } else {
            let options = SqliteConnectOptions::from_str(url)?
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Normal)
                .busy_timeout(Duration::from_secs(30))
                .statement_cache_capacity(PREPARED)
                // what a statement may have to take back is kept in memory, not in a file of its own
                .pragma("temp_store", "memory")
                .pragma("cache_size", "-8000")
                // a page that many batches change is copied into the file once
                .pragma("wal_autocheckpoint", "10000")
                .foreign_keys(true);
            let write = SqlitePoolOptions::new().max_connections(1).connect_with(options.clone()).await?;
            // what reads cannot write, whatever it is asked
            let read = options.pragma("cache_size", "-2000").pragma("query_only", "on");
            let read = SqlitePoolOptions::new().max_connections(4).connect_with(read).await?;
            Self::Lite { write, read }
        };
        db.migrate().await?;
        Ok(db)
    }

    async fn migrate(&self) -> Result<(), StoreError> {
        let keyed = if matches!(self, Self::Lite { .. }) { "without rowid" } else { "" };
        let steps = MIGRATIONS
            .iter()
            .map(|(n, name, sql)| {
                let sql = AssertSqlSafe(sql.replace("/* keyed */", keyed)).into_sql_str();
                Migration::new(*n, (*name).into(), MigrationType::Simple, sql, false)
            })
            .collect();
        let migrator = Migrator::with_migrations(steps);
        match self {
            Self::Lite { write, .. } => migrator.run(write).await?,
            Self::Pg(pool) => migrator.run(pool).await?,
        }
        Ok(())
    }

    pub async fn begin(&self) -> Result<Tx, StoreError> {
        Ok(match self {
            Self::Lite { write, .. } => Tx::Lite(write.begin_with("begin immediate").await?),
            Self::Pg(pool) => {
                // one writer at a time, as on SQLite: two mailboxes that hold the same mail must not both find it new
                Tx::Pg(pool.begin_with(BEGIN_WRITING).await?)
            }
        })
    }

    /// A transaction that sees one state of the database throughout and cannot write.
    pub async fn begin_reading(&self) -> Result<Tx, StoreError> {
        Ok(match self {
            Self::Lite { read, .. } => Tx::Lite(read.begin().await?),
            Self::Pg(pool) => {
                let mut tx = pool.begin().await?;
                sqlx::query("set transaction isolation level repeatable read, read only").execute(&mut *tx).await?;
                Tx::Pg(tx)
            }
        })
    }

    /// Reads outside a transaction.
    pub async fn rows(&self, sql: &str, args: Vec<Arg>) -> Result<Vec<Row>, StoreError> {
        Ok(match self {
            Self::Lite { read, .. } => lite!(sql, args).fetch_all(read).await?.into_iter().map(Row::Lite).collect(),
            Self::Pg(pool) => pg!(sql, args).fetch_all(pool).await?.into_iter().map(Row::Pg).collect(),
        })
    }

    /// Rows whose column is one of many texts: `sql` has `{in}` where the list stands and no other placeholder.
    pub async fn rows_in(&self, sql: &str, values: &[String]) -> Result<Vec<Row>, StoreError> {
        let Some((sql, args)) = self.dialect().listed(sql, values) else { return Ok(Vec::new()) };
        self.rows(&sql, args).await
    }

    /// Reads outside a transaction, each row taken in as it comes: meanwhile the database is at the next, and few are held.
    pub async fn read<T>(
        &self,
        sql: &str,
        args: Vec<Arg>,
        each: impl Fn(&Row) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        match self {
            Self::Lite { read, .. } => taken(lite!(sql, args).fetch(read), Row::Lite, each).await,
            Self::Pg(pool) => taken(pg!(sql, args).fetch(pool), Row::Pg, each).await,
        }
    }

    /// The same of rows whose column is one of many texts, as [`Db::rows_in`].
    pub async fn read_in<T>(
        &self,
        sql: &str,
        values: &[String],
        each: impl Fn(&Row) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let Some((sql, args)) = self.dialect().listed(sql, values) else { return Ok(Vec::new()) };
        self.read(&sql, args, each).await
    }

    fn dialect(&self) -> Dialect {
        match self {
            Self::Lite { .. } => Dialect::Lite,
            Self::Pg(_) => Dialect::Pg,
        }
    }

    /// One statement in a transaction of its own.
    pub async fn exec(&self, sql: &str, args: Vec<Arg>) -> Result<u64, StoreError> {
        Ok(match self {
            Self::Lite { write, .. } => lite!(sql, args).execute(write).await?.rows_affected(),
            Self::Pg(pool) => pg!(sql, args).execute(pool).await?.rows_affected(),
        })
    }

    pub async fn close(&self) {
        match self {
            Self::Lite { write, read } => {
                read.close().await;
                write.close().await;
            }
            Self::Pg(pool) => pool.close().await,
        }
    }
}

/// The number may be any: the name of the writers' lock among this database's advisory locks.
const BEGIN_WRITING: &str = "begin; select pg_advisory_xact_lock(233445281)";

/// Statements that a connection keeps prepared.
const PREPARED: usize = 400;

impl Tx {
    pub async fn rows(&mut self, sql: &str, args: Vec<Arg>) -> Result<Vec<Row>, StoreError> {
        Ok(match self {
            Self::Lite(tx) => lite!(sql, args).fetch_all(&mut **tx).await?.into_iter().map(Row::Lite).collect(),
            Self::Pg(tx) => pg!(sql, args).fetch_all(&mut **tx).await?.into_iter().map(Row::Pg).collect(),
        })
    }

    pub async fn exec(&mut self, sql: &str, args: Vec<Arg>) -> Result<u64, StoreError> {
        Ok(match self {
            Self::Lite(tx) => lite!(sql, args).execute(&mut **tx).await?.rows_affected(),
            Self::Pg(tx) => pg!(sql, args).execute(&mut **tx).await?.rows_affected(),
        })
    }

    /// Many rows by few statements: `head` is `insert into t (a, b)`, `tail` an `on conflict` clause or nothing.
    pub async fn insert(&mut self, head: &str, tail: &str, rows: Vec<Vec<Arg>>) -> Result<(), StoreError> {
        let Some(width) = rows.first().map(Vec::len) else { return Ok(()) };
        let mut left = rows.len();
        let mut args = rows.into_iter().flatten();
        while left > 0 {
            let now = portion(left, width);
            let mut sql = format!("{head} values ");
            for i in 0..now {
                sql.push_str(if i == 0 { "(" } else { ", (" });
                self.dialect().places(&mut sql, i * width, width);
                sql.push(')');
            }
            sql.push(' ');
            sql.push_str(tail);
            self.exec(&sql, args.by_ref().take(now * width).collect()).await?;
            left -= now;
        }
        Ok(())
    }

    /// Rows whose column is one of many texts: `sql` has `{in}` where the list stands and no other placeholder.
    pub async fn rows_in(&mut self, sql: &str, values: &[String]) -> Result<Vec<Row>, StoreError> {
        let Some((sql, args)) = self.dialect().listed(sql, values) else { return Ok(Vec::new()) };
        self.rows(&sql, args).await
    }

    /// The same, each row taken in as it comes: few are held at a time.
    pub async fn read_in<T>(
        &mut self,
        sql: &str,
        values: &[String],
        each: impl Fn(&Row) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let Some((sql, args)) = self.dialect().listed(sql, values) else { return Ok(Vec::new()) };
        match self {
            Self::Lite(tx) => taken(lite!(sql, args).fetch(&mut **tx), Row::Lite, each).await,
            Self::Pg(tx) => taken(pg!(sql, args).fetch(&mut **tx), Row::Pg, each).await,
        }
    }

    /// The same for a statement that changes rows.
    pub async fn exec_in(&mut self, sql: &str, values: &[String]) -> Result<u64, StoreError> {
        let Some((sql, args)) = self.dialect().listed(sql, values) else { return Ok(0) };
        self.exec(&sql, args).await
    }

    fn dialect(&self) -> Dialect {
        match self {
            Self::Lite(_) => Dialect::Lite,
            Self::Pg(_) => Dialect::Pg,
        }
    }

    pub async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Lite(tx) => tx.commit().await?,
            Self::Pg(tx) => tx.commit().await?,
        }
        Ok(())
    }
}

/// What rows turn into, each as it comes.
async fn taken<R, T>(
    mut rows: impl Stream<Item = Result<R, sqlx::Error>> + Unpin,
    row: fn(R) -> Row,
    each: impl Fn(&Row) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut all = Vec::new();
    while let Some(next) = rows.try_next().await? {
        all.push(each(&row(next))?);
    }
    Ok(all)
}
