//! What mail says about an address: a bounce found it dead, an out-of-office reply says until when its owner is away. Kept under
//! the address's blind hash, so that a contact who appears later has it as well, and nobody else can be read from it.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};

use super::{Store, StoreError, Tx, at, ms, opt_at};
use crate::{args, domain::directory::Contact};

const DEAD: &str = "dead";
const AWAY: &str = "away";

/// What is known of a contact's addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signals {
    /// When one of them was found dead.
    pub dead_at: Option<DateTime<Utc>>,
    /// The end (exclusive) of the absence that the contact's latest out-of-office reply with an end states; it may be past.
    pub away_until: Option<DateTime<Utc>>,
}

/// Notes dead addresses (folded), each with the time of its bounce; the latest counts.
pub async fn dead(tx: &mut Tx, store: &Store, found: Vec<(String, DateTime<Utc>)>) -> Result<(), StoreError> {
    for (address, when) in found {
        let sql = "insert into signals (address_hash, kind, at) values ($1, $2, $3) on conflict (address_hash, kind) do update \
                   set at = case when excluded.at > signals.at then excluded.at else signals.at end";
        tx.exec(sql, args![store.blind(&format!("a:{address}")), DEAD, ms(when)]).await?;
    }
    Ok(())
}

/// Notes absences: address (folded), when it was told, until when; what was told last counts.
pub async fn away(
    tx: &mut Tx,
    store: &Store,
    found: Vec<(String, DateTime<Utc>, DateTime<Utc>)>,
) -> Result<(), StoreError> {
    for (address, told, until) in found {
        let sql = "insert into signals (address_hash, kind, at, until) values ($1, $2, $3, $4) \
                   on conflict (address_hash, kind) do update set at = excluded.at, until = excluded.until \
                   where excluded.at > signals.at or (excluded.at = signals.at and excluded.until > signals.until)";
        tx.exec(sql, args![store.blind(&format!("a:{address}")), AWAY, ms(told), ms(until)]).await?;
    }
    Ok(())
}

/// Until when those of these contacts are away of whom it is known, past or not; by contact.
pub async fn absences(
    tx: &mut Tx,
    store: &Store,
    contacts: &[&Contact],
) -> Result<BTreeMap<String, DateTime<Utc>>, StoreError> {
    let hashed = |c: &Contact| c.emails.iter().map(|e| store.blind(&format!("a:{e}"))).collect::<Vec<_>>();
    let hashes: Vec<String> = contacts.iter().flat_map(|c| hashed(c)).collect();
    let sql = "select address_hash, at, until from signals where kind = 'away' and address_hash in ({in})";
    let told: HashMap<String, (i64, Option<i64>)> =
        tx.rows_in(sql, &hashes).await?.iter().map(|r| (r.text(0), (r.int(1), r.opt_int(2)))).collect();
    let until = |c: &Contact| hashed(c).iter().filter_map(|h| told.get(h)).max().and_then(|(_, until)| opt_at(*until));
    Ok(contacts.iter().filter_map(|c| Some((c.id.clone(), until(c)?))).collect())
}

impl Store {
    /// What mail said about the addresses of these contacts, by contact; contacts without any signal are left out.
    pub async fn signals<'a>(
        &self,
        contacts: impl Iterator<Item = &'a Contact>,
    ) -> Result<HashMap<String, Signals>, StoreError> {
        let rows = self.db.rows("select address_hash, kind, at, until from signals", vec![]).await?;
        let (mut dead, mut away) = (HashMap::new(), HashMap::new());
        for r in rows {
            if r.text(1) == DEAD {
                dead.insert(r.text(0), r.int(2));
            } else {
                away.insert(r.text(0), (r.int(2), r.opt_int(3)));
            }
        }
        if dead.is_empty() && away.is_empty() {
            return Ok(HashMap::new());
        }
        let of = |c: &Contact| {
            let hashes: Vec<String> = c.emails.iter().map(|e| self.blind(&format!("a:{e}"))).collect();
            let dead_at = hashes.iter().filter_map(|h| dead.get(h)).max().map(|t| at(*t));
            let away_until = hashes.iter().filter_map(|h| away.get(h)).max().and_then(|(_, until)| opt_at(*until));
            Signals { dead_at, away_until }
        };
        Ok(contacts.map(|c| (c.id.clone(), of(c))).filter(|(_, s)| *s != Signals::default()).collect())
    }
}
