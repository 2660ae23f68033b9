//! Small facts of the whole database: the key of the blind indexes, the fingerprint of the rules, versions.

use std::collections::HashMap;

use super::{Db, Store, StoreError, Tx};
use crate::args;

const INDEX_KEY: &str = "index_key";

/// The database's own index key, made at first use.
pub(super) async fn index_key(db: &Db) -> Result<[u8; 32], StoreError> {
    let fresh: [u8; 32] = rand::random();
    let fresh = blake3::Hash::from_bytes(fresh).to_hex().to_string();
    db.exec("insert into meta (key, value) values ($1, $2) on conflict (key) do nothing", args![INDEX_KEY, fresh])
        .await?;
    let kept = get(db, INDEX_KEY).await?.unwrap_or_default();
    let hash = blake3::Hash::from_hex(&kept).map_err(|e| StoreError::Broken(format!("index key: {e}")))?;
    Ok(*hash.as_bytes())
}

async fn get(db: &Db, key: &str) -> Result<Option<String>, StoreError> {
    Ok(db.rows("select value from meta where key = $1", args![key]).await?.first().map(|r| r.text(0)))
}

/// In this transaction.
pub async fn get_in(tx: &mut Tx, key: &str) -> Result<Option<String>, StoreError> {
    Ok(tx.rows("select value from meta where key = $1", args![key]).await?.first().map(|r| r.text(0)))
}

const DIRECTORY: &str = "directory_version";

/// The directory changed: whoever holds an older one reads it anew before the next commit.
pub async fn directory_changed(tx: &mut Tx) -> Result<(), StoreError> {
    let next = (directory_version(tx).await? + 1).to_string();
    set(tx, DIRECTORY, &next).await
}

pub async fn set(tx: &mut Tx, key: &str, value: &str) -> Result<(), StoreError> {
    let sql = "insert into meta (key, value) values ($1, $2) on conflict (key) do update set value = excluded.value";
    tx.exec(sql, args![key, value]).await?;
    Ok(())
}

/// Counts changes of the directory.
pub async fn directory_version(tx: &mut Tx) -> Result<i64, StoreError> {
    let rows = tx.rows("select value from meta where key = $1", args![DIRECTORY]).await?;
    Ok(rows.first().and_then(|r| r.text(0).parse().ok()).unwrap_or(0))
}

impl Store {
    /// The same outside a transaction.
    pub async fn directory_version(&self) -> Result<i64, StoreError> {
        Ok(self.meta(DIRECTORY).await?.and_then(|v| v.parse().ok()).unwrap_or(0))
    }

    pub async fn meta(&self, key: &str) -> Result<Option<String>, StoreError> {
        get(&self.db, key).await
    }

    /// Several at once, by key; what is not set is not there.
    pub async fn metas(&self, keys: &[&str]) -> Result<HashMap<String, String>, StoreError> {
        let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        let sql = "select key, value from meta where key in ({in})";
        self.db.read_in(sql, &keys, |r| Ok((r.text(0), r.text(1)))).await.map(|all| all.into_iter().collect())
    }

    pub async fn set_meta(&self, key: &str, value: &str) -> Result<(), StoreError> {
        let sql =
            "insert into meta (key, value) values ($1, $2) on conflict (key) do update set value = excluded.value";
        self.db.exec(sql, args![key, value]).await?;
        Ok(())
    }
}
