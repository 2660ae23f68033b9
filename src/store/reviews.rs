//! Deals marked for judging.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};

use super::{Row, Store, StoreError, Tx, at, ms, opt_ms, subjects};
use crate::{args, domain::reports::trail::Backed};

/// Deals to judge now: marked ones, ones whose time has come, ones that wait for a connection to be read further.
/// Each with whether it looked elsewhere when it was last judged.
pub async fn due(tx: &mut Tx, now: DateTime<Utc>, most: i64) -> Result<Vec<(String, bool)>, StoreError> {
    let sql = "select deal, (select count(*) from awaited a where a.deal = r.deal) \
               from reviews r where due <= $1 order by due, deal limit $2";
    Ok(tx.rows(sql, args![ms(now), most]).await?.iter().map(|r| (r.text(0), r.flag(1))).collect())
}

/// What judging a deal leaves beside its findings.
#[derive(Debug)]
pub struct Judged {
    pub deal: String,
    /// When to judge it again, though nothing changed.
    pub due: DateTime<Utc>,
    /// It waits for a connection.
    pub waits: bool,
    /// The last sign from the buyer's side since the deal was opened.
    pub signed_at: Option<DateTime<Utc>>,
    /// The forward moves whose window holds evidence: when they began, in milliseconds.
    pub backed: BTreeSet<i64>,
    /// Whose doings elsewhere judging looks at: contacts, or addresses.
    pub awaited: Vec<String>,
    /// It did when it was last judged.
    pub looked_elsewhere: bool,
}

pub async fn judged(tx: &mut Tx, all: &[Judged], now: DateTime<Utc>) -> Result<(), StoreError> {
    let tail = "on conflict (deal) do update set due = excluded.due, waits = excluded.waits, judged_at = excluded.judged_at, \
                signed_at = excluded.signed_at, backed = excluded.backed";
    let head = "insert into reviews (deal, due, waits, lease_until, judged_at, signed_at, backed)";
    let moves = |all: &BTreeSet<i64>| all.iter().map(i64::to_string).collect::<Vec<_>>().join(" ");
    let backed = |j: &Judged| Some(&j.backed).filter(|all| !all.is_empty()).map(moves);
    let rows =
        all.iter().map(|j| args![&j.deal, ms(j.due), j.waits, 0, ms(now), opt_ms(j.signed_at), backed(j)]).collect();
    tx.insert(head, tail, rows).await?;
    await_people(tx, all).await
}

async fn await_people(tx: &mut Tx, all: &[Judged]) -> Result<(), StoreError> {
    let all: Vec<&Judged> = all.iter().filter(|j| j.looked_elsewhere || !j.awaited.is_empty()).collect();
    let deals: Vec<String> = all.iter().map(|j| j.deal.clone()).collect();
    let pair = |r: &Row| Ok((r.text(0), r.text(1)));
    let old = tx.read_in("select deal, person from awaited where deal in ({in})", &deals, pair).await?;
    let old: BTreeSet<(String, String)> = old.into_iter().collect();
    let new = all.iter().flat_map(|j| j.awaited.iter().map(|person| (j.deal.clone(), person.clone())));
    let new: BTreeSet<(String, String)> = new.collect();
    for (deal, person) in old.difference(&new) {
        tx.exec("delete from awaited where deal = $1 and person = $2", args![deal, person]).await?;
    }
    let rows = new.difference(&old).map(|(deal, person)| args![deal, person]).collect();
    tx.insert("insert into awaited (deal, person)", "on conflict do nothing", rows).await
}

/// Marks the deals that look at what these people (contacts, or addresses) do elsewhere.
pub async fn mark_awaiting(tx: &mut Tx, people: &[String]) -> Result<(), StoreError> {
    let deals = tx.read_in("select deal from awaited where person in ({in})", people, |r| Ok(r.text(0))).await?;
    mark(tx, deals).await
}

pub async fn forget(tx: &mut Tx, deals: &[String]) -> Result<(), StoreError> {
    tx.exec_in("delete from reviews where deal in ({in})", deals).await?;
    tx.exec_in("delete from awaited where deal in ({in})", deals).await?;
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
    /// When the buyer's side of each of these deals last gave a sign since the deal was opened, where it did.
    pub async fn last_signs(&self, deals: &[String]) -> Result<HashMap<String, DateTime<Utc>>, StoreError> {
        let sql = "select deal, signed_at from reviews where signed_at is not null and deal in ({in})";
        self.db.read_in(sql, deals, |r| Ok((r.text(0), at(r.int(1))))).await.map(|all| all.into_iter().collect())
    }

    /// The forward moves that judging found backed, by deal.
    pub async fn backed_moves(&self) -> Result<Backed, StoreError> {
        let sql = "select deal, backed from reviews where backed is not null";
        self.db.read(sql, vec![], |r| Ok((r.text(0), r.text(1)))).await.map(Backed::from_iter)
    }

    /// Those of one deal.
    pub async fn backed_moves_of(&self, deal: &str) -> Result<Backed, StoreError> {
        let sql = "select deal, backed from reviews where backed is not null and deal = $1";
        self.db.read(sql, args![deal], |r| Ok((r.text(0), r.text(1)))).await.map(Backed::from_iter)
    }

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
