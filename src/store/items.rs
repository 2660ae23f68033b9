//! Every item ever seen, with its one decision; the blind indexes of those that wait.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};

use super::{Row, Store, StoreError, Tx, ms, opt_ms};
use crate::args;

crate::domain::activity::words!(Outcome {
    Captured = "captured", Skipped = "skipped", Waiting = "waiting", Quarantined = "quarantined",
    // records of a CRM are read, not decided on
    Read = "read",
});
/// One item with its decision.
#[derive(Clone, Debug)]
pub struct Decided {
    pub key: String,
    pub resource: String,
    pub version: Option<String>,
    pub outcome: Outcome,
    pub reason: Option<String>,
    pub detail: Option<String>,
    pub message_id: Option<String>,
    pub ical_uid: Option<String>,
    pub recurrence_id: Option<DateTime<Utc>>,
    pub occurred_at: Option<DateTime<Utc>>,
    /// The date a captured mail bears itself: copies of one mail are told by it.
    pub dated: Option<DateTime<Utc>>,
    pub activity: Option<String>,
    /// What this copy of a captured mail is by what is attached to it: `quote`, `order`, `contract`.
    pub tags: Vec<String>,
    pub attempts: i64,
    pub retry_at: Option<DateTime<Utc>>,
    /// Blind hashes under which a later contact or company finds it again.
    pub blind: Vec<String>,
}

impl Decided {
    /// An item of which nothing but its outcome is known.
    pub fn plain(key: String, resource: String, version: Option<String>, outcome: Outcome) -> Self {
        Self {
            key,
            resource,
            version,
            outcome,
            reason: None,
            detail: None,
            message_id: None,
            ical_uid: None,
            recurrence_id: None,
            occurred_at: None,
            dated: None,
            activity: None,
            tags: Vec::new(),
            attempts: 0,
            retry_at: None,
            blind: Vec::new(),
        }
    }
}

/// From so many attempts on an item did not fail to be read: reading it ended the program.
pub const DEADLY: i64 = 50;

/// Items that lose their blind hashes in one transaction.
const MOST_FORGOTTEN: i64 = 500;

/// What is known of one resource of a stream.
#[derive(Clone, Debug, Default)]
pub struct Known {
    pub version: Option<String>,
    pub gone: bool,
    pub quarantined: bool,
    /// The item of the resource's own name (a mail) was captured.
    pub captured: bool,
    /// Every item of it: (key, when it happens, is it gone).
    pub keys: Vec<(String, Option<DateTime<Utc>>, bool)>,
    pub attempts: i64,
}

/// All resources of a stream, for comparing with a listing.
pub async fn known(tx: &mut Tx, stream: i64) -> Result<HashMap<String, Known>, StoreError> {
    let sql = "select resource, key, version, gone_at, outcome, attempts, occurred_at from items where stream = $1";
    collect(tx.rows(sql, args![stream]).await?)
}

/// The items of the resource $2, by one of two indexes: most resources hold one item of their own name.
const OF_RESOURCE: &str = "((resource = key and key = $2) or (resource <> key and resource = $2))";

/// Some resources of a stream.
pub async fn known_of(tx: &mut Tx, stream: i64, resources: &[String]) -> Result<HashMap<String, Known>, StoreError> {
    let columns = "select resource, key, version, gone_at, outcome, attempts, occurred_at from items";
    let sql = format!(
        "{columns} where stream = {stream} and resource = key and key in ({{in}}) \
         union all {columns} where stream = {stream} and resource <> key and resource in ({{in}})"
    );
    collect(tx.rows_in(&sql, resources).await?)
}

fn collect(rows: Vec<Row>) -> Result<HashMap<String, Known>, StoreError> {
    let mut all: HashMap<String, Known> = HashMap::with_capacity(rows.len());
    for r in rows {
        let fresh = Known { gone: true, ..Known::default() };
        let known = all.entry(r.text(0)).or_insert(fresh);
        let gone = r.opt_int(3).is_some();
        known.gone &= gone;
        known.quarantined |= r.text(4) == Outcome::Quarantined.as_str() && !gone;
        known.captured |= r.text(4) == Outcome::Captured.as_str() && r.text(0) == r.text(1);
        known.attempts = known.attempts.max(r.int(5));
        if !gone || known.version.is_none() {
            known.version = r.opt_text(2);
        }
        known.keys.push((r.text(1), super::opt_at(r.opt_int(6)), gone));
    }
    Ok(all)
}

/// Writes decisions; an item decided before is decided anew.
pub async fn save(tx: &mut Tx, stream: i64, all: &[Decided], now: DateTime<Utc>) -> Result<(), StoreError> {
    if all.is_empty() {
        return Ok(());
    }
    let keys: Vec<String> = all.iter().map(|d| d.key.clone()).collect();
    let held = traces(tx, stream, &keys).await?;
    let mut wanted = BTreeSet::new();
    let mut rows = Vec::with_capacity(all.len());
    for d in all {
        rows.push(args![
            stream,
            &d.key,
            &d.resource,
            d.version.as_deref(),
            d.outcome.as_str(),
            d.reason.as_deref(),
            d.detail.as_deref(),
            d.message_id.as_deref(),
            d.ical_uid.as_deref(),
            opt_ms(d.recurrence_id),
            opt_ms(d.occurred_at),
            opt_ms(d.dated),
            d.activity.as_deref(),
            (!d.tags.is_empty()).then(|| d.tags.join(" ")),
            ms(now),
            Option::<i64>::None,
            d.attempts,
            opt_ms(d.retry_at),
            0,
            Some(d.blind.join(" ")).filter(|all| !all.is_empty()),
        ]);
        wanted.extend(d.blind.iter().map(|hash| (hash.clone(), d.key.clone())));
    }
    forget_traces(tx, stream, held.difference(&wanted)).await?;
    let names = [
        "stream",
        "key",
        "resource",
        "version",
        "outcome",
        "reason",
        "detail",
        "message_id",
        "ical_uid",
        "recurrence_id",
        "occurred_at",
        "dated",
        "activity",
        "tags",
        "decided_at",
        "gone_at",
        "attempts",
        "retry_at",
        "recheck",
        "traces",
    ];
    let sets: Vec<String> = names[2..].iter().map(|n| format!("{n} = excluded.{n}")).collect();
    let head = format!("insert into items ({})", names.join(", "));
    tx.insert(&head, &format!("on conflict (stream, key) do update set {}", sets.join(", ")), rows).await?;
    let new = wanted.difference(&held).map(|(hash, key)| args![hash, stream, key]).collect();
    tx.insert("insert into blind (hash, stream, key)", "on conflict do nothing", new).await
}

/// The blind hashes that these items can be found by: (hash, key). Which they are stands with the item, so that the table of
/// hashes needs no index of its own for it.
async fn traces(tx: &mut Tx, stream: i64, keys: &[String]) -> Result<BTreeSet<(String, String)>, StoreError> {
    let sql =
        format!("select key, traces from items where stream = {stream} and traces is not null and key in ({{in}})");
    let rows = tx.rows_in(&sql, keys).await?;
    let of = |r: &Row| {
        let key = r.text(0);
        r.text(1).split(' ').map(|hash| (hash.to_owned(), key.clone())).collect::<Vec<_>>()
    };
    Ok(rows.iter().flat_map(of).collect())
}

async fn forget_traces<'t>(
    tx: &mut Tx,
    stream: i64,
    all: impl IntoIterator<Item = &'t (String, String)>,
) -> Result<(), StoreError> {
    for (hash, key) in all {
        tx.exec("delete from blind where hash = $1 and stream = $2 and key = $3", args![hash, stream, key]).await?;
    }
    Ok(())
}

/// The items vanished from their source; their decisions stay.
pub async fn gone(tx: &mut Tx, stream: i64, keys: &[String], now: DateTime<Utc>) -> Result<(), StoreError> {
    let held = traces(tx, stream, keys).await?;
    forget_traces(tx, stream, &held).await?;
    let sql = format!(
        "update items set gone_at = {}, recheck = 0, retry_at = null, traces = null \
         where stream = {stream} and gone_at is null and key in ({{in}})",
        ms(now)
    );
    tx.exec_in(&sql, keys).await?;
    Ok(())
}

/// A captured item that cannot be read any more: what was decided stands, and it is tried again.
pub async fn unreadable(
    tx: &mut Tx,
    stream: i64,
    key: &str,
    (version, why): (Option<&str>, &str),
    (attempts, retry_at): (i64, Option<DateTime<Utc>>),
) -> Result<(), StoreError> {
    let sql = "update items set version = coalesce($3, version), detail = $4, attempts = $5, retry_at = $6, recheck = 0, \
               gone_at = null where stream = $1 and key = $2";
    tx.exec(sql, args![stream, key, version, why, attempts, opt_ms(retry_at)]).await?;
    tx.exec("update sightings set gone_at = null where stream = $1 and key = $2", args![stream, key]).await?;
    Ok(())
}

/// It was looked at again, and what was decided stands.
pub async fn looked_at(tx: &mut Tx, stream: i64, key: &str, version: Option<&str>) -> Result<(), StoreError> {
    let sql = "update items set version = coalesce($3, version), recheck = 0, retry_at = null, attempts = 0, detail = null \
               where stream = $1 and key = $2";
    tx.exec(sql, args![stream, key, version]).await?;
    Ok(())
}

/// Decides an item that is gone from its source, from what was kept of it: it is no activity after all.
pub async fn skip(tx: &mut Tx, stream: i64, key: &str, reason: &str, detail: Option<&str>) -> Result<(), StoreError> {
    let sql = "update items set outcome = 'skipped', reason = $3, detail = $4, activity = null, tags = null, retry_at = null, attempts = 0 \
               where stream = $1 and key = $2";
    tx.exec(sql, args![stream, key, reason, detail]).await?;
    Ok(())
}

/// Some items of a stream that nobody took as gone yet.
pub async fn live(tx: &mut Tx, stream: i64, most: i64) -> Result<Vec<String>, StoreError> {
    let sql = "select key from items where stream = $1 and gone_at is null order by key limit $2";
    Ok(tx.rows(sql, args![stream, most]).await?.iter().map(|r| r.text(0)).collect())
}

/// The version of a resource that nobody could read, so that a listing finds it unchanged.
pub async fn version(tx: &mut Tx, stream: i64, resource: &str, version: Option<&str>) -> Result<(), StoreError> {
    let sql = format!("update items set version = $3 where stream = $1 and {OF_RESOURCE}");
    tx.exec(&sql, args![stream, resource, version]).await?;
    Ok(())
}

/// Removes rows, such as `line:N` of a CSV row that reads well now.
pub async fn forget(tx: &mut Tx, stream: i64, keys: &[String]) -> Result<(), StoreError> {
    tx.exec_in(&format!("delete from items where stream = {stream} and key in ({{in}})"), keys).await?;
    Ok(())
}

/// Marks waiting items for another look: their blind hashes are among these.
pub async fn wake(tx: &mut Tx, hashes: &[String]) -> Result<u64, StoreError> {
    let mut n = 0;
    for r in tx.rows_in("select distinct stream, key from blind where hash in ({in})", hashes).await? {
        let sql = "update items set recheck = 1 where stream = $1 and key = $2 and gone_at is null";
        n += tx.exec(sql, args![r.int(0), r.text(1)]).await?;
    }
    if n > 0 {
        tx.exec(
            "update streams set next_due = 0 where id in (select distinct stream from items where recheck = 1)",
            vec![],
        )
        .await?;
    }
    Ok(n)
}

/// Marks one item for another look.
pub async fn recheck(tx: &mut Tx, stream: i64, key: &str) -> Result<(), StoreError> {
    tx.exec("update items set recheck = 1 where stream = $1 and key = $2 and gone_at is null", args![stream, key])
        .await?;
    Ok(())
}

/// Marks every item for another look.
pub async fn recheck_all(tx: &mut Tx) -> Result<(), StoreError> {
    tx.exec("update items set recheck = 1 where gone_at is null and outcome <> 'read'", vec![]).await?;
    Ok(())
}

/// Was anything decided yet, or typed?
pub async fn any_history(tx: &mut Tx) -> Result<bool, StoreError> {
    let sql = "select 1 from items where outcome <> 'read' union all select 1 from activities limit 1";
    Ok(!tx.rows(sql, vec![]).await?.is_empty())
}

/// Marks the items behind these activities for another look.
pub async fn recheck_of(tx: &mut Tx, activities: &[String]) -> Result<(), StoreError> {
    tx.exec_in(
        "update items set recheck = 1 where gone_at is null and outcome <> 'read' and activity in ({in})",
        activities,
    )
    .await?;
    tx.exec_in(
        "update streams set next_due = 0 where id in (select stream from items where activity in ({in}))",
        activities,
    )
    .await?;
    Ok(())
}

/// Resources of a stream that want another look: woken ones, and quarantined ones whose retry is due; with the attempts that
/// failed so far.
pub async fn to_recheck(tx: &mut Tx, stream: i64, now: DateTime<Utc>) -> Result<Vec<(String, i64)>, StoreError> {
    let sql = "select resource, max(attempts) from items where stream = $1 and gone_at is null and (recheck = 1 or retry_at <= $2) \
               group by resource order by resource";
    Ok(tx.rows(sql, args![stream, ms(now)]).await?.iter().map(|r| (r.text(0), r.int(1))).collect())
}

/// A look that did not succeed: not again before `later`.
pub async fn put_off(tx: &mut Tx, stream: i64, resources: &[String], later: DateTime<Utc>) -> Result<(), StoreError> {
    let set = format!("update items set recheck = 0, retry_at = {} where stream = {stream}", ms(later));
    tx.exec_in(&format!("{set} and resource = key and key in ({{in}})"), resources).await?;
    tx.exec_in(&format!("{set} and resource <> key and resource in ({{in}})"), resources).await?;
    Ok(())
}

impl Store {
    /// Blind indexes live for a time only: items decided before `then` can no longer be found by them.
    pub async fn forget_old_traces(&self, then: DateTime<Utc>) -> Result<(), StoreError> {
        let sql = "select stream, key from items where traces is not null and decided_at < $1 limit $2";
        loop {
            let old = self.db.rows(sql, args![ms(then), MOST_FORGOTTEN]).await?;
            if old.is_empty() {
                return Ok(());
            }
            let mut by_stream: BTreeMap<i64, Vec<String>> = BTreeMap::new();
            for r in &old {
                by_stream.entry(r.int(0)).or_default().push(r.text(1));
            }
            let mut tx = self.begin().await?;
            for (stream, keys) in by_stream {
                let held = traces(&mut tx, stream, &keys).await?;
                forget_traces(&mut tx, stream, &held).await?;
                tx.exec_in(
                    &format!("update items set traces = null where stream = {stream} and key in ({{in}})"),
                    &keys,
                )
                .await?;
            }
            tx.commit().await?;
        }
    }
}

/// Ties decisions to another activity (merged or re-pointed).
pub async fn repoint(tx: &mut Tx, from: &str, to: Option<&str>) -> Result<(), StoreError> {
    tx.exec("update items set activity = $2 where activity = $1", args![from, to]).await?;
    Ok(())
}
