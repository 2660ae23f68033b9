//! Small facts of the whole database: the key of the blind indexes, the fingerprint of the rules, versions.

use super::{Db, Store, StoreError};
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

impl Store {
    pub async fn meta(&self, key: &str) -> Result<Option<String>, StoreError> {
        get(&self.db, key).await
    }

    pub async fn set_meta(&self, key: &str, value: &str) -> Result<(), StoreError> {
        let sql =
            "insert into meta (key, value) values ($1, $2) on conflict (key) do update set value = excluded.value";
        self.db.exec(sql, args![key, value]).await?;
        Ok(())
    }
}
