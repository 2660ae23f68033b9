//! Both engines behind one enum, and just enough of a query interface that one SQL text serves both.

mod dialect;
mod lite;
mod values;

use std::time::Duration;

use futures_util::{Stream, TryStreamExt as _};
use sqlx::{
    AssertSqlSafe, PgPool, Postgres, SqlSafeStr, Transaction,
    migrate::{Migration, MigrationType, Migrator},
    postgres::{PgPoolOptions, PgRow},
};

use self::values::Cells;
pub use self::values::{Arg, Row};
use self::{
    dialect::{Dialect, portion},
    lite::{Lite, LiteTx},
};
use super::StoreError;

/// The migrations, oldest first: number, name, text.
const MIGRATIONS: &[(i64, &str, &str)] = &[(1, "init", include_str!("../../migrations/0001_init.sql"))];

#[derive(Clone, Debug)]
pub enum Db {
    Lite(Lite),
    Pg(PgPool),
}

/// A transaction that can write. Dropped without `commit`, nothing happened.
#[derive(Debug)]
pub enum Tx {
    Lite(LiteTx),
    Pg(Transaction<'static, Postgres>),
}

macro_rules! pg {
    ($sql:expr, $args:expr) => {{
        let mut query = sqlx::query(AssertSqlSafe($sql.to_owned()));
        for arg in $args {
            query = match arg {
                Arg::Text(v) => query.bind(v),
                Arg::Int(v) => query.bind(v),
                Arg::Texts(v) => query.bind(v),
            };
        }
        query
    }};
}

impl Db {
    /// Opens `sqlite:PATH` or `postgres://...` and brings the schema up to date.
    ///
    /// # Errors
    /// When the database cannot be reached, created or migrated.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        if !(url.starts_with("postgres://") || url.starts_with("postgresql://")) {
            return Ok(Self::Lite(Lite::open(url)?));
        }
        let pool =
            PgPoolOptions::new().max_connections(8).acquire_timeout(Duration::from_secs(15)).connect(url).await?;
        let steps = MIGRATIONS.iter().map(|(n, name, sql)| {
            let sql = AssertSqlSafe(sql.replace("/* keyed */", "")).into_sql_str();
            Migration::new(*n, (*name).into(), MigrationType::Simple, sql, false)
        });
        Migrator::with_migrations(steps.collect()).run(&pool).await?;
        Ok(Self::Pg(pool))
    }

    /// The same for questions that take long: on SQLite the thread that asks is held up by each.
    pub fn aside(&self) -> Self {
        match self {
            Self::Lite(file) => Self::Lite(file.aside()),
            Self::Pg(pool) => Self::Pg(pool.clone()),
        }
    }

    pub async fn begin(&self) -> Result<Tx, StoreError> {
        Ok(match self {
            Self::Lite(file) => Tx::Lite(file.begin().await?),
            Self::Pg(pool) => {
                let mut tx = pool.begin().await?;
                // one writer at a time, as on SQLite: two mailboxes that hold the same mail must not both find it new; in the
                // transaction, so that whoever waits in vain leaves none open
                sqlx::query(TURN).execute(&mut *tx).await?;
                Tx::Pg(tx)
            }
        })
    }

    /// A transaction that sees one state of the database throughout and cannot write.
    pub async fn begin_reading(&self) -> Result<Tx, StoreError> {
        Ok(match self {
            Self::Lite(file) => Tx::Lite(file.begin_reading().await?),
            Self::Pg(pool) => {
                let mut tx = pool.begin().await?;
                sqlx::query("set transaction isolation level repeatable read, read only").execute(&mut *tx).await?;
                Tx::Pg(tx)
            }
        })
    }

    /// Reads outside a transaction.
    pub async fn rows(&self, sql: &str, args: Vec<Arg<'_>>) -> Result<Vec<Row>, StoreError> {
        Ok(match self {
            Self::Lite(file) => file.read(sql, &args, taken_whole).await?,
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
        args: Vec<Arg<'_>>,
        each: impl Fn(&Row) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        match self {
            Self::Lite(file) => file.read(sql, &args, |row| each(row)).await,
            Self::Pg(pool) => taken(pg!(sql, args).fetch(pool), each).await,
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
            Self::Lite(_) => Dialect::Lite,
            Self::Pg(_) => Dialect::Pg,
        }
    }

    /// One statement in a transaction of its own.
    pub async fn exec(&self, sql: &str, args: Vec<Arg<'_>>) -> Result<u64, StoreError> {
        match self {
            Self::Lite(file) => {
                let tx = file.begin().await?;
                let changed = tx.exec(sql, &args)?;
                tx.commit()?;
                Ok(changed)
            }
            Self::Pg(pool) => Ok(pg!(sql, args).execute(pool).await?.rows_affected()),
        }
    }

    pub async fn close(&self) {
        match self {
            Self::Lite(file) => file.close().await,
            Self::Pg(pool) => pool.close().await,
        }
    }
}

/// The number may be any: the name of the writers' lock among this database's advisory locks.
const TURN: &str = "select pg_advisory_xact_lock(233445281)";

impl Tx {
    pub async fn rows(&mut self, sql: &str, args: Vec<Arg<'_>>) -> Result<Vec<Row>, StoreError> {
        Ok(match self {
            Self::Lite(tx) => tx.read(sql, &args, taken_whole)?,
            Self::Pg(tx) => pg!(sql, args).fetch_all(&mut **tx).await?.into_iter().map(Row::Pg).collect(),
        })
    }

    pub async fn exec(&mut self, sql: &str, args: Vec<Arg<'_>>) -> Result<u64, StoreError> {
        Ok(match self {
            Self::Lite(tx) => tx.exec(sql, &args)?,
            Self::Pg(tx) => pg!(sql, args).execute(&mut **tx).await?.rows_affected(),
        })
    }

    /// Many rows: `head` is `insert into t (a, b)`, `tail` an `on conflict` clause or nothing.
    pub async fn insert(&mut self, head: &str, tail: &str, rows: Vec<Vec<Arg<'_>>>) -> Result<(), StoreError> {
        let Some(width) = rows.first().map(Vec::len) else { return Ok(()) };
        let dialect = self.dialect();
        if let Self::Lite(tx) = self {
            return tx.exec_each(&dialect.insert(head, tail, width, 1), &rows);
        }
        let mut left = rows.len();
        let mut args = rows.into_iter().flatten();
        while left > 0 {
            let now = portion(left, width);
            self.exec(&dialect.insert(head, tail, width, now), args.by_ref().take(now * width).collect()).await?;
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
            Self::Lite(tx) => tx.read(&sql, &args, |row| each(row)),
            Self::Pg(tx) => taken(pg!(sql, args).fetch(&mut **tx), each).await,
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
            Self::Lite(tx) => {
                tx.commit()?;
                lite::give_way().await;
            }
            Self::Pg(tx) => tx.commit().await?,
        }
        Ok(())
    }
}

/// What rows turn into, each as it comes.
async fn taken<T>(
    mut rows: impl Stream<Item = Result<PgRow, sqlx::Error>> + Unpin,
    each: impl Fn(&Row) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut all = Vec::new();
    while let Some(next) = rows.try_next().await? {
        all.push(each(&Row::Pg(next))?);
    }
    Ok(all)
}

/// The row itself, to keep.
fn taken_whole(row: &mut Row) -> Result<Row, StoreError> {
    Ok(std::mem::replace(row, Row::Lite(Cells::default())))
}
