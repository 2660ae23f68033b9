//! Deals marked for judging.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::{Store, StoreError, Tx, ms, subjects};
use crate::args;

/// Deals to judge now: marked ones, ones whose time has come, ones that wait for a connection to be read further.
pub async fn due(tx: &mut Tx, now: DateTime<Utc>, most: i64) -> Result<Vec<String>, StoreError> {
    let sql = "select deal from reviews where due <= $1 order by due, deal limit $2";
    Ok(tx.rows(sql, args![ms(now), most]).await?.iter().map(|r| r.text(0)).collect())
}

/// Judged: (deal, next due, does it wait for a connection).
pub async fn judged(tx: &mut Tx, all: &[(String, DateTime<Utc>, bool)], now: DateTime<Utc>) -> Result<(), StoreError> {
    let rows = all.iter().map(|(deal, due, waits)| args![deal, ms(*due), *waits, 0, ms(now)]).collect();
    let tail =
        "on conflict (deal) do update set due = excluded.due, waits = excluded.waits, judged_at = excluded.judged_at";
    tx.insert("insert into reviews (deal, due, waits, lease_until, judged_at)", tail, rows).await
}

pub async fn forget(tx: &mut Tx, deals: &[String]) -> Result<(), StoreError> {
    tx.exec_in("delete from reviews where deal in ({in})", deals).await?;
    Ok(())
}

/// Marks deals for judging: due at once. A deal may be named more than once.
pub async fn mark(tx: &mut Tx, deals: impl IntoIterator<Item = String>) -> Result<(), StoreError> {
    // PostgreSQL refuses to update one row twice in one statement
    let deals: BTreeSet<String> = deals.into_iter().collect();
    let rows = deals.into_iter().map(|d| args![d, 0, 0, 0]).collect();
    tx.insert("insert into reviews (deal, due, waits, lease_until)", "on conflict (deal) do update set due = 0", rows)
        .await
}

/// The same for every deal of the CRM.
pub async fn mark_all(tx: &mut Tx) -> Result<(), StoreError> {
    let sql = "insert into reviews (deal, due, waits, lease_until) select id, 0, 0, 0 from crm_records \
               where kind = 'deal' on conflict (deal) do update set due = 0";
    tx.exec(sql, vec![]).await?;
    Ok(())
}

/// Everything is due: a threshold changed, or a connection failed or came back.
pub async fn judge_all(tx: &mut Tx) -> Result<(), StoreError> {
    mark_all(tx).await?;
    subjects::mark_all(tx).await
}

impl Store {
    /// Capture got further: deals that waited for it are due.
    pub async fn wake_waiting_deals(&self) -> Result<(), StoreError> {
        self.db.exec("update reviews set due = 0 where waits = 1", vec![]).await?;
        Ok(())
    }

    /// The same, in a transaction of its own.
    pub async fn judge_all(&self) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        judge_all(&mut tx).await?;
        tx.commit().await
    }
}
