//! Copies of one mail: which items stand for an activity, and how an activity takes another one in or gets another id.
//! Which copies belong together is the engine's matter.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::{StoreError, Tx, activities, at, opt_at};
use crate::{args, domain::wording};

/// One captured item of a mail.
#[derive(Clone, Debug)]
pub struct Copy {
    pub stream: i64,
    pub key: String,
    pub activity: String,
    /// The moment it counts for.
    pub at: DateTime<Utc>,
    /// The date it bears itself.
    pub dated: Option<DateTime<Utc>>,
}

/// All copies of these activities, those included that are gone from their mailbox.
pub async fn of(tx: &mut Tx, activities: &[String]) -> Result<Vec<Copy>, StoreError> {
    let sql =
        "select stream, key, activity, occurred_at, dated from items where outcome = 'captured' and activity in ({in})";
    let rows = tx.rows_in(sql, activities).await?;
    let read = |r: &super::Row| Copy {
        stream: r.int(0),
        key: r.text(1),
        activity: r.text(2),
        at: r.opt_int(3).map_or_else(|| at(0), at),
        dated: opt_at(r.opt_int(4)),
    };
    Ok(rows.iter().map(read).collect())
}

/// What these activities are by what is attached to any of their copies. Of an account the copies that are there speak; what
/// is gone from it was decided by the rules of its time, and speaks where nothing else of the account does.
pub async fn tags(tx: &mut Tx, activities: &[String]) -> Result<HashMap<String, BTreeSet<String>>, StoreError> {
    let sql = "select i.activity, i.tags, i.gone_at, s.connection from items i join streams s on s.id = i.stream \
               where i.outcome = 'captured' and i.activity in ({in})";
    let rows = tx.rows_in(sql, activities).await?;
    if rows.iter().all(|r| r.opt_text(1).is_none()) {
        return Ok(HashMap::new());
    }
    let place = |r: &super::Row| (r.text(0), r.text(3));
    let there: HashSet<(String, String)> = rows.iter().filter(|r| r.opt_int(2).is_none()).map(place).collect();
    let mut all: HashMap<String, BTreeSet<String>> = HashMap::new();
    for r in rows.iter().filter(|r| r.opt_int(2).is_none() || !there.contains(&place(r))) {
        let tags = r.opt_text(1).unwrap_or_default();
        all.entry(r.text(0)).or_default().extend(tags.split_whitespace().map(str::to_owned));
    }
    Ok(all)
}

/// Ties one copy to another activity.
pub async fn repoint(tx: &mut Tx, copy: &Copy, to: &str) -> Result<(), StoreError> {
    let sql = "update items set activity = $3 where stream = $1 and key = $2";
    tx.exec(sql, args![copy.stream, &copy.key, to]).await?;
    let sql = "update sightings set activity = $4 where stream = $1 and key = $2 and activity = $3";
    tx.exec(sql, args![copy.stream, &copy.key, &copy.activity, to]).await?;
    Ok(())
}

/// The activity `from` is the activity `to`: its ties, text, references and what people decided go with it, its row goes.
pub async fn rename(tx: &mut Tx, from: &str, to: &str) -> Result<(), StoreError> {
    for (table, columns) in [
        ("sightings", "stream, key, owner, direction, typed, gone_at, body"),
        ("refs", "ref"),
        ("choices", "deal, choice, made_by, made_at"),
    ] {
        let sql = format!(
            "insert into {table} ({columns}, activity) select {columns}, $2 from {table} where activity = $1 on conflict do nothing"
        );
        tx.exec(&sql, args![from, to]).await?;
        tx.exec(&format!("delete from {table} where activity = $1"), args![from]).await?;
    }
    // of two texts the one that would have been kept had they met before
    let mut texts = activities::texts(tx, &[from.to_owned(), to.to_owned()]).await?;
    let (ours, theirs) = (texts.remove(from), texts.remove(to));
    if let Some(ours) = ours.filter(|ours| theirs.as_ref().is_none_or(|theirs| wording::says_less(ours, theirs))) {
        activities::save_texts(tx, &[(to.to_owned(), ours)]).await?;
    }
    tx.exec("update items set activity = $2 where activity = $1", args![from, to]).await?;
    tx.exec("delete from rematch where activity = $1", args![from]).await?;
    activities::delete(tx, &[from.to_owned()]).await?;
    Ok(())
}
