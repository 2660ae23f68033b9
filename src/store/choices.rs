//! What people decided about activities and deals. It outlives the activity: when that comes back, or another takes its place,
//! the choice holds.

use chrono::{DateTime, Utc};

use super::{Row, Store, StoreError, Tx, at, ms};
use crate::args;

/// What people decided about these activities: (activity, deal, `link` or `reject`, by, at).
#[derive(Clone, Debug)]
pub struct Chosen {
    pub activity: String,
    pub deal: String,
    pub linked: bool,
    pub by: String,
    pub at: DateTime<Utc>,
}

const COLUMNS: &str = "activity, deal, choice, made_by, made_at";

fn read(r: &Row) -> Chosen {
    let linked = r.text(2) == "link";
    Chosen { activity: r.text(0), deal: r.text(1), linked, by: r.text(3), at: at(r.int(4)) }
}

pub async fn choices(tx: &mut Tx, ids: &[String]) -> Result<Vec<Chosen>, StoreError> {
    let sql = format!("select {COLUMNS} from choices where activity in ({{in}})");
    Ok(tx.rows_in(&sql, ids).await?.iter().map(read).collect())
}

impl Store {
    /// What people decided about one activity, the oldest first.
    pub async fn choices_of(&self, activity: &str) -> Result<Vec<Chosen>, StoreError> {
        let sql = format!("select {COLUMNS} from choices where activity = $1 order by made_at, deal");
        Ok(self.db.rows(&sql, args![activity]).await?.iter().map(read).collect())
    }
}

pub async fn choose(tx: &mut Tx, c: &Chosen) -> Result<(), StoreError> {
    let sql = "insert into choices (activity, deal, choice, made_by, made_at) values ($1, $2, $3, $4, $5) \
               on conflict (activity, deal) do update set choice = excluded.choice, made_by = excluded.made_by, made_at = excluded.made_at";
    let word = if c.linked { "link" } else { "reject" };
    tx.exec(sql, args![&c.activity, &c.deal, word, &c.by, ms(c.at)]).await?;
    Ok(())
}

/// What people decided about one activity holds for another one too, which took its place: the later word about a deal counts,
/// and the later of two deals. Nothing is taken away from the first, so that it still holds when that one comes back.
pub async fn copy_choices(tx: &mut Tx, from: &str, to: &str) -> Result<(), StoreError> {
    if from == to {
        return Ok(());
    }
    let older = "delete from choices where activity = $2 and choice = 'link' and made_at < \
                 (select max(c.made_at) from choices c where c.activity = $1 and c.choice = 'link')";
    tx.exec(older, args![from, to]).await?;
    let sql = "insert into choices (activity, deal, choice, made_by, made_at) \
               select $2, c.deal, c.choice, c.made_by, c.made_at from choices c where c.activity = $1 and not (c.choice = 'link' \
               and exists (select 1 from choices n where n.activity = $2 and n.choice = 'link' and n.made_at > c.made_at)) \
               on conflict (activity, deal) do update set choice = excluded.choice, made_by = excluded.made_by, \
               made_at = excluded.made_at where excluded.made_at > choices.made_at";
    tx.exec(sql, args![from, to]).await?;
    Ok(())
}

/// The ids of a CRM's deals got another prefix, or lost it: what people chose goes along. Empty: none.
pub async fn rename_deals(tx: &mut Tx, before: &str, after: &str) -> Result<(), StoreError> {
    let slashed = |p: &str| if p.is_empty() { String::new() } else { format!("{p}/") };
    let (old, new) = (slashed(before), slashed(after));
    let length = old.chars().count();
    // without a prefix there was one CRM only: all are its own
    let its = if length > 0 {
        format!("substr(choices.deal, 1, {length}) = $1")
    } else {
        format!("$1 = '' and substr(choices.deal, 1, {}) <> '{}'", new.chars().count(), new.replace('\'', "''"))
    };
    let rows = tx
        .rows(&format!("select activity, deal, choice, made_by, made_at from choices where {its}"), args![&old])
        .await?;
    tx.exec(&format!("delete from choices where {its}"), args![&old]).await?;
    for r in &rows {
        let deal: String = r.text(1).chars().skip(length).collect();
        let sql = "insert into choices (activity, deal, choice, made_by, made_at) values ($1, $2, $3, $4, $5) \
                   on conflict (activity, deal) do update set choice = excluded.choice, made_by = excluded.made_by, \
                   made_at = excluded.made_at where excluded.made_at > choices.made_at";
        tx.exec(sql, args![r.text(0), format!("{new}{deal}"), r.text(2), r.text(3), r.int(4)]).await?;
    }
    Ok(())
}
