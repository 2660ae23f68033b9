//! Entries typed into the CRMs beside the captured activities that may confirm them. Which confirms which is the engine's matter.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use dealtrail_sdk::record;

use super::{
    StoreError, Tx,
    activities::{self, Stored},
    ms,
};
use crate::domain::activity::{Entity, Kind};

/// An entry typed into the CRM, where it was read and what it is part of now.
#[derive(Clone, Debug)]
pub struct Entered {
    pub connection: String,
    pub stream: i64,
    pub key: String,
    pub entry: record::Typed,
    /// The activity it is a sighting of: its own, or the captured one that confirms it.
    pub activity: Option<String>,
}

/// All emails and meetings typed into the CRMs that are configured, by time.
pub async fn entered(tx: &mut Tx) -> Result<Vec<Entered>, StoreError> {
    let sql = "select s.connection, r.stream, r.key, r.body, g.activity from crm_records r join streams s on s.id = r.stream \
               join connections c on c.name = s.connection left join sightings g on g.stream = r.stream and g.key = r.key \
               and g.typed = 1 where r.kind = 'typed' and c.removed = 0";
    let mut all = Vec::new();
    for r in tx.rows(sql, vec![]).await? {
        let entry: record::Typed = serde_json::from_str(&r.text(3))?;
        if entry.kind == Kind::Email.as_str() || entry.kind == Kind::Meeting.as_str() {
            let (connection, stream, key, activity) = (r.text(0), r.int(1), r.text(2), r.opt_text(4));
            all.push(Entered { connection, stream, key, entry, activity });
        }
    }
    all.sort_by(|a, b| (a.entry.occurred_at, &a.entry.id).cmp(&(b.entry.occurred_at, &b.entry.id)));
    Ok(all)
}

/// Captured emails and meetings between two moments that are tied to any of these contacts and deals.
pub async fn captured_between(
    tx: &mut Tx,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    contacts: &[String],
    deals: &[String],
) -> Result<Vec<Stored>, StoreError> {
    let mut ids = Vec::new();
    for (entity, of) in [(Entity::Contact, contacts), (Entity::Deal, deals)] {
        let sql = format!(
            "select distinct l.activity from links l join activities a on a.id = l.activity where l.entity = '{entity}' \
             and a.origin = 'captured' and a.kind in ('email', 'meeting') and a.occurred_at <= {} \
             and coalesce(a.ended_at, a.occurred_at) >= {} and l.entity_id in ({{in}})",
            ms(to),
            ms(from)
        );
        ids.extend(tx.rows_in(&sql, of).await?.iter().map(|r| r.text(0)));
    }
    ids.sort_unstable();
    ids.dedup();
    activities::by_ids(tx, &ids).await
}

/// What was typed, by the activity that it is or that confirms it.
pub async fn of_activities(tx: &mut Tx, ids: &[String]) -> Result<HashMap<String, record::Typed>, StoreError> {
    let sql = "select g.activity, r.body from sightings g join crm_records r on r.stream = g.stream and r.key = g.key \
               where r.kind = 'typed' and g.typed = 1 and g.activity in ({in})";
    let rows = tx.rows_in(sql, ids).await?;
    rows.iter().map(|r| Ok((r.text(0), serde_json::from_str(&r.text(1))?))).collect()
}
