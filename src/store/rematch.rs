//! Activities that are to be matched again.

use super::{StoreError, Tx};
use crate::args;

/// These, by their ids.
pub async fn add(tx: &mut Tx, activities: impl IntoIterator<Item = String>) -> Result<(), StoreError> {
    let rows = activities.into_iter().map(|id| args![id]).collect();
    tx.insert("insert into rematch (activity)", "on conflict do nothing", rows).await
}

/// All there are.
pub async fn add_all(tx: &mut Tx) -> Result<(), StoreError> {
    let sql = "insert into rematch (activity) select id from activities where true on conflict do nothing";
    tx.exec(sql, vec![]).await?;
    Ok(())
}

/// The ids of some of them.
pub async fn next(tx: &mut Tx, most: i64) -> Result<Vec<String>, StoreError> {
    let sql = "select activity from rematch order by activity limit $1";
    Ok(tx.rows(sql, args![most]).await?.iter().map(|r| r.text(0)).collect())
}

/// They were matched.
pub async fn done(tx: &mut Tx, activities: &[String]) -> Result<(), StoreError> {
    tx.exec_in("delete from rematch where activity in ({in})", activities).await?;
    Ok(())
}
