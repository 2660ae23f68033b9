//! The configured accounts and their health.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::{Row, Store, StoreError, Tx, at, db::Arg, ms, opt_at, reviews};
use crate::{args, domain::activity::Level};

crate::domain::activity::words!(
    /// How a connection is doing.
    State {
        New = "new", Ok = "ok",
        /// Busy or unreachable: tried again by itself.
        Failing = "failing",
        /// A person must act: sign in again, mend a setting.
        NeedsAction = "needs_action",
    }
);
#[derive(Clone, Debug)]
pub struct Connection {
    pub name: String,
    pub connector: String,
    pub gives: String,
    pub owner: Option<String>,
    /// The back-fill's start, fixed when the connection was first seen.
    pub since: DateTime<Utc>,
    pub since_text: String,
    pub state: State,
    pub failures: i64,
    pub next_due: DateTime<Utc>,
    pub last_success: Option<DateTime<Utc>>,
    pub last_error: Option<String>,
    pub last_error_at: Option<DateTime<Utc>>,
    /// No longer configured: it stops, its activities stay.
    pub removed: bool,
    /// How much of what it reads is kept. A removed one keeps its last.
    pub content: Level,
}

const COLUMNS: &str = "name, connector, gives, owner, since, since_text, state, failures, next_due, last_success, last_error, \
    last_error_at, removed, content";

fn read(r: &Row) -> Connection {
    Connection {
        name: r.text(0),
        connector: r.text(1),
        gives: r.text(2),
        owner: r.opt_text(3),
        since: at(r.int(4)),
        since_text: r.text(5),
        state: State::parse(&r.text(6)).unwrap_or(State::New),
        failures: r.int(7),
        next_due: at(r.int(8)),
        last_success: opt_at(r.opt_int(9)),
        last_error: r.opt_text(10),
        last_error_at: opt_at(r.opt_int(11)),
        removed: r.flag(12),
        content: Level::parse(&r.text(13)).unwrap_or(Level::Metadata),
    }
}

/// How much is kept of what each stream holds.
pub async fn contents(tx: &mut Tx) -> Result<HashMap<i64, Level>, StoreError> {
    let sql = "select s.id, c.content from streams s join connections c on c.name = s.connection";
    let rows = tx.rows(sql, vec![]).await?;
    Ok(rows.iter().map(|r| (r.int(0), Level::parse(&r.text(1)).unwrap_or(Level::Metadata))).collect())
}

/// From when to when all streams of a connection are complete; `None` where one of them does not say.
#[derive(Clone, Copy, Debug, Default)]
pub struct Complete {
    pub from: Option<DateTime<Utc>>,
    pub to: Option<DateTime<Utc>>,
}

/// How far connections have been read, over their streams that are there, by name. Those of these users or with these names,
/// or all.
pub async fn read_so_far(tx: &mut Tx, of: Option<&[String]>) -> Result<Vec<(Connection, Complete)>, StoreError> {
    let those = if of.is_some() { "where c.owner in ({in}) or c.name in ({in})" } else { "" };
    let sql = format!(
        "select {COLUMNS}, (select case when count(s.complete_from) = count(*) then max(s.complete_from) end from streams s \
         where s.connection = c.name and s.gone = 0), (select case when count(s.complete_to) = count(*) then min(s.complete_to) end \
         from streams s where s.connection = c.name and s.gone = 0) from connections c {those} order by c.name"
    );
    let rows = match of {
        Some(of) => tx.rows_in(&sql, of).await?,
        None => tx.rows(&sql, vec![]).await?,
    };
    let complete = |r: &Row| Complete { from: opt_at(r.opt_int(14)), to: opt_at(r.opt_int(15)) };
    Ok(rows.iter().map(|r| (read(r), complete(r))).collect())
}

impl Store {
    /// All connections ever seen, by name.
    pub async fn connections(&self) -> Result<Vec<Connection>, StoreError> {
        let sql = format!("select {COLUMNS} from connections order by name");
        Ok(self.db.rows(&sql, vec![]).await?.iter().map(read).collect())
    }

    /// Makes the stored connections those of the configuration. `since` of a known connection stays as it was, unless
    /// its text changed.
    pub async fn configure(&self, wanted: &[Connection]) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        tx.exec("update connections set removed = 1", vec![]).await?;
        for c in wanted {
            let sql = "insert into connections (name, connector, gives, owner, since_text, since, state, failures, next_due, removed, content) \
                       values ($1, $2, $3, $4, $5, $6, 'new', 0, 0, 0, $7) on conflict (name) do update set \
                       connector = excluded.connector, gives = excluded.gives, owner = excluded.owner, removed = 0, content = excluded.content, \
                       since = case when connections.since_text = excluded.since_text then connections.since else excluded.since end, \
                       since_text = excluded.since_text";
            let content = c.content.as_str();
            tx.exec(
                sql,
                args![&c.name, &c.connector, &c.gives, c.owner.as_deref(), &c.since_text, ms(c.since), content],
            )
            .await?;
        }
        tx.commit().await
    }

    /// It was read through; where it had failed before, everything is judged anew.
    pub async fn connection_ok(&self, name: &str, now: DateTime<Utc>, next: DateTime<Utc>) -> Result<(), StoreError> {
        let sql = "update connections set state = 'ok', failures = 0, last_success = $2, next_due = $3, last_error = null where name = $1";
        self.noted(name, |failures| failures > 0, sql, args![name, ms(now), ms(next)]).await
    }

    /// It could not be read; where it had not failed before, everything is judged anew.
    pub async fn connection_failed(
        &self,
        name: &str,
        state: State,
        why: &str,
        now: DateTime<Utc>,
        next: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let sql = "update connections set state = $2, failures = failures + 1, last_error = $3, last_error_at = $4, next_due = $5 where name = $1";
        self.noted(name, |failures| failures == 0, sql, args![name, state.as_str(), why, ms(now), ms(next)]).await
    }

    /// Writes how a connection stands, and marks all that must be judged anew, in one transaction.
    async fn noted(
        &self,
        name: &str,
        anew: impl Fn(i64) -> bool,
        sql: &str,
        args: Vec<Arg<'_>>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let failures = tx.rows("select failures from connections where name = $1", args![name]).await?;
        if failures.first().is_some_and(|r| anew(r.int(0))) {
            reviews::judge_all(&mut tx).await?;
        }
        tx.exec(sql, args).await?;
        tx.commit().await
    }
}
