//! The ties from items to activities.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::{Store, StoreError, Tx, ms, opt_at, opt_ms};
use crate::{args, domain::meeting::View};

#[derive(Clone, Debug)]
pub struct Sighting {
    pub activity: String,
    pub stream: i64,
    pub key: String,
    pub owner: Option<String>,
    pub direction: Option<String>,
    /// From an entry typed into the CRM.
    pub typed: bool,
    pub gone_at: Option<DateTime<Utc>>,
    /// What this source says of a meeting.
    pub view: Option<View>,
}

const COLUMNS: &str = "activity, stream, key, owner, direction, typed, gone_at, body";

fn read(r: &super::Row) -> Result<Sighting, StoreError> {
    Ok(Sighting {
        activity: r.text(0),
        stream: r.int(1),
        key: r.text(2),
        owner: r.opt_text(3),
        direction: r.opt_text(4),
        typed: r.flag(5),
        gone_at: opt_at(r.opt_int(6)),
        view: r.opt_text(7).map(|t| serde_json::from_str(&t)).transpose()?,
    })
}

pub async fn of_activities(tx: &mut Tx, ids: &[String]) -> Result<Vec<Sighting>, StoreError> {
    let sql = format!("select {COLUMNS} from sightings where activity in ({{in}})");
    tx.read_in(&sql, ids, read).await
}

pub async fn of_items(tx: &mut Tx, stream: i64, keys: &[String]) -> Result<Vec<Sighting>, StoreError> {
    let sql = format!("select {COLUMNS} from sightings where stream = {stream} and key in ({{in}})");
    tx.read_in(&sql, keys, read).await
}

/// Captured items that are gone from their source, after a (stream, key, activity).
pub async fn gone_after(tx: &mut Tx, after: &(i64, String, String), most: i64) -> Result<Vec<Sighting>, StoreError> {
    let sql = format!(
        "select {COLUMNS} from sightings where gone_at is not null and typed = 0 and (stream > $1 or (stream = $1 and \
         (key > $2 or (key = $2 and activity > $3)))) order by stream, key, activity limit $4"
    );
    tx.rows(&sql, args![after.0, &after.1, &after.2, most]).await?.iter().map(read).collect()
}

pub async fn save(tx: &mut Tx, all: &[Sighting]) -> Result<(), StoreError> {
    let mut rows = Vec::with_capacity(all.len());
    for s in all {
        let view = s.view.as_ref().map(serde_json::to_string).transpose()?;
        rows.push(args![
            &s.activity,
            s.stream,
            &s.key,
            s.owner.as_deref(),
            s.direction.as_deref(),
            s.typed,
            opt_ms(s.gone_at),
            view
        ]);
    }
    let tail = "on conflict (stream, key, activity) do update set owner = excluded.owner, direction = excluded.direction, \
                typed = excluded.typed, gone_at = excluded.gone_at, body = excluded.body";
    tx.insert(&format!("insert into sightings ({COLUMNS})"), tail, rows).await
}

/// The items vanished from their source: the ties stay, with the moment.
pub async fn gone(tx: &mut Tx, stream: i64, keys: &[String], now: DateTime<Utc>) -> Result<(), StoreError> {
    let sql = format!(
        "update sightings set gone_at = {} where stream = {stream} and gone_at is null and key in ({{in}})",
        ms(now)
    );
    tx.exec_in(&sql, keys).await?;
    Ok(())
}

/// Takes back the ties of items that turned out to be no activities.
pub async fn remove(tx: &mut Tx, stream: i64, keys: &[String]) -> Result<(), StoreError> {
    tx.exec_in(&format!("delete from sightings where stream = {stream} and key in ({{in}})"), keys).await?;
    Ok(())
}

pub async fn remove_one(tx: &mut Tx, s: &Sighting) -> Result<(), StoreError> {
    let sql = "delete from sightings where stream = $1 and key = $2 and activity = $3";
    tx.exec(sql, args![s.stream, &s.key, &s.activity]).await?;
    Ok(())
}

pub async fn remove_of(tx: &mut Tx, activities: &[String]) -> Result<(), StoreError> {
    tx.exec_in("delete from sightings where activity in ({in})", activities).await?;
    Ok(())
}

/// Which of these activities have no sighting left; an entry typed into the CRM does not testify to a captured one alone.
pub async fn without(tx: &mut Tx, activities: &[String]) -> Result<Vec<String>, StoreError> {
    let sql = "select distinct g.activity from sightings g join activities a on a.id = g.activity \
               where (g.typed = 0 or a.origin = 'typed') and g.activity in ({in})";
    let rows = tx.rows_in(sql, activities).await?;
    let seen: std::collections::HashSet<String> = rows.iter().map(|r| r.text(0)).collect();
    Ok(activities.iter().filter(|a| !seen.contains(*a)).cloned().collect())
}

impl Store {
    /// Captured mail of a stream whose text is still to be read: item key -> activity.
    pub async fn pending_texts(&self, stream: i64, most: i64) -> Result<HashMap<String, String>, StoreError> {
        let sql = "select s.key, s.activity from sightings s join activities a on a.id = s.activity \
                   where s.stream = $1 and s.gone_at is null and a.kind = 'email' and a.text_state = 'pending' limit $2";
        Ok(self.db.rows(sql, args![stream, most]).await?.iter().map(|r| (r.text(0), r.text(1))).collect())
    }
}
