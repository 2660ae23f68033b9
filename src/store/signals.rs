//! What mail says about an address: a bounce found it dead. Kept under the address's blind hash, so that a contact who appears
//! later has it as well, and nobody else can be read from it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::{Store, StoreError, Tx, at, ms};
use crate::{args, domain::directory::Contact};

const DEAD: &str = "dead";

/// Notes dead addresses (folded), each with the time of its bounce; the latest counts.
pub async fn dead(tx: &mut Tx, store: &Store, found: Vec<(String, DateTime<Utc>)>) -> Result<(), StoreError> {
    for (address, when) in found {
        let sql = "insert into signals (address_hash, kind, at) values ($1, $2, $3) on conflict (address_hash, kind) do update \
                   set at = case when excluded.at > signals.at then excluded.at else signals.at end";
        tx.exec(sql, args![store.blind(&format!("a:{address}")), DEAD, ms(when)]).await?;
    }
    Ok(())
}

impl Store {
    /// When an address of each of these contacts was found dead, by contact.
    pub async fn dead_addresses<'a>(
        &self,
        contacts: impl Iterator<Item = &'a Contact>,
    ) -> Result<HashMap<String, DateTime<Utc>>, StoreError> {
        let rows = self.db.rows("select address_hash, at from signals where kind = $1", args![DEAD]).await?;
        let by_hash: HashMap<String, i64> = rows.iter().map(|r| (r.text(0), r.int(1))).collect();
        if by_hash.is_empty() {
            return Ok(HashMap::new());
        }
        let when =
            |c: &Contact| c.emails.iter().filter_map(|e| by_hash.get(&self.blind(&format!("a:{e}")))).max().copied();
        Ok(contacts.filter_map(|c| when(c).map(|t| (c.id.clone(), at(t)))).collect())
    }
}
