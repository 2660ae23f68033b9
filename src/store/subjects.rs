//! What is no deal and marked for judging: contacts, companies, typed entries that stand on no deal. By name: `contact:ID`,
//! `company:ID`, `activity:ID`. What has nothing more to be judged has no row.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::{Store, StoreError, Tx, activities::TYPED, ms};
use crate::args;

/// Due at once. A subject may be named more than once.
pub async fn mark(tx: &mut Tx, subjects: impl IntoIterator<Item = String>) -> Result<(), StoreError> {
    let subjects: BTreeSet<String> = subjects.into_iter().collect();
    let rows = subjects.into_iter().map(|s| args![s, 0, 0]).collect();
    let tail = "on conflict (subject) do update set due = 0";
    tx.insert("insert into subject_reviews (subject, due, waits)", tail, rows).await
}

/// Those of them that are watched are due at once.
pub async fn wake(tx: &mut Tx, subjects: &[String]) -> Result<(), StoreError> {
    tx.exec_in("update subject_reviews set due = 0 where subject in ({in})", subjects).await?;
    Ok(())
}

pub async fn due(tx: &mut Tx, now: DateTime<Utc>, most: i64) -> Result<Vec<String>, StoreError> {
    let sql = "select subject from subject_reviews where due <= $1 order by due, subject limit $2";
    Ok(tx.rows(sql, args![ms(now), most]).await?.iter().map(|r| r.text(0)).collect())
}

/// Judged: (subject, next due, does it wait for a connection).
pub async fn judged(tx: &mut Tx, all: &[(String, DateTime<Utc>, bool)], now: DateTime<Utc>) -> Result<(), StoreError> {
    let rows = all.iter().map(|(subject, due, waits)| args![subject, ms(*due), *waits, ms(now)]).collect();
    let tail = "on conflict (subject) do update set due = excluded.due, waits = excluded.waits, \
                judged_at = excluded.judged_at";
    tx.insert("insert into subject_reviews (subject, due, waits, judged_at)", tail, rows).await
}

pub async fn forget(tx: &mut Tx, subjects: &[String]) -> Result<(), StoreError> {
    tx.exec_in("delete from subject_reviews where subject in ({in})", subjects).await?;
    Ok(())
}

/// Everything that could be judged is due: a threshold changed, or a connection failed or came back.
pub async fn mark_all(tx: &mut Tx) -> Result<(), StoreError> {
    tx.exec("update subject_reviews set due = 0", vec![]).await?;
    for kind in ["contact", "company"] {
        let sql = format!(
            "insert into subject_reviews (subject, due, waits) select distinct '{kind}:' || id, 0, 0 from crm_records \
             where kind = '{kind}' on conflict (subject) do nothing"
        );
        tx.exec(&sql, vec![]).await?;
    }
    let sql = "insert into subject_reviews (subject, due, waits) select 'activity:' || id, 0, 0 from activities \
               where origin = 'typed' on conflict (subject) do nothing";
    tx.exec(sql, vec![]).await?;
    Ok(())
}

/// The names of everything that could be judged: what [`mark_all`] marks.
pub async fn all(tx: &mut Tx) -> Result<Vec<String>, StoreError> {
    let sql = "select subject from subject_reviews \
               union select kind || ':' || id from crm_records where kind in ('contact', 'company') \
               union select 'activity:' || id from activities where origin = 'typed' order by 1";
    Ok(tx.rows(sql, vec![]).await?.iter().map(|r| r.text(0)).collect())
}

/// Typed entries among what is tied to these contacts.
pub async fn entries_of(tx: &mut Tx, contacts: &[String]) -> Result<Vec<String>, StoreError> {
    let sql = format!("select distinct activity from links where entity = '{TYPED}' and entity_id in ({{in}})");
    Ok(tx.rows_in(&sql, contacts).await?.iter().map(|r| r.text(0)).collect())
}

/// (entity id, activity) pairs of what is tied to these entities and happened at or after a moment.
pub async fn links_since(
    tx: &mut Tx,
    entity: &str,
    ids: &[String],
    from: DateTime<Utc>,
) -> Result<Vec<(String, String)>, StoreError> {
    let sql = format!(
        "select l.entity_id, l.activity from links l join activities a on a.id = l.activity \
         where l.entity = '{entity}' and a.occurred_at >= {} and l.entity_id in ({{in}})",
        ms(from)
    );
    Ok(tx.rows_in(&sql, ids).await?.iter().map(|r| (r.text(0), r.text(1))).collect())
}

/// (contact, its first captured activity), of those that have one.
pub async fn first_captured(tx: &mut Tx, contacts: &[String]) -> Result<Vec<(String, String)>, StoreError> {
    // each contact's own links and no others, however many there are
    let sql = "select x.contact, x.id from (select l.entity_id as contact, a.id, \
               row_number() over (partition by l.entity_id order by a.occurred_at, a.id) as place from links l \
               join activities a on a.id = l.activity where l.entity = 'contact' and a.origin = 'captured' and l.entity_id in ({in})) x \
               where x.place = 1";
    Ok(tx.rows_in(sql, contacts).await?.iter().map(|r| (r.text(0), r.text(1))).collect())
}

/// Who typed an entry, by the activity it stands for: its own, or the captured one that confirms it.
pub async fn typists(tx: &mut Tx, activities: &[String]) -> Result<Vec<(String, Option<String>)>, StoreError> {
    let sql = "select activity, owner from sightings where typed = 1 and activity in ({in}) order by activity, key";
    Ok(tx.rows_in(sql, activities).await?.iter().map(|r| (r.text(0), r.opt_text(1))).collect())
}

impl Store {
    /// Capture got further: what waited for it is due.
    pub async fn wake_waiting_subjects(&self) -> Result<(), StoreError> {
        self.db.exec("update subject_reviews set due = 0 where waits = 1", vec![]).await?;
        Ok(())
    }

    /// Is anything to be judged?
    pub async fn subjects_due(&self, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let sql = "select subject from subject_reviews where due <= $1 order by due limit 1";
        Ok(!self.db.rows(sql, args![ms(now)]).await?.is_empty())
    }
}
