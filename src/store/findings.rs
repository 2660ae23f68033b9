//! Gaps as they were judged last.

use super::{Store, StoreError, Tx};
use crate::{
    args,
    domain::gaps::{Finding, State},
};

pub async fn of_deals(tx: &mut Tx, deals: &[String]) -> Result<Vec<Finding>, StoreError> {
    let rows = tx.rows_in("select body from findings where deal in ({in}) order by id", deals).await?;
    rows.iter().map(|r| serde_json::from_str(&r.text(0)).map_err(StoreError::from)).collect()
}

/// Of contacts, companies and typed entries: by [`Finding::subject`].
pub async fn of_subjects(tx: &mut Tx, subjects: &[String]) -> Result<Vec<Finding>, StoreError> {
    let rows = tx.rows_in("select body from findings where subject in ({in}) order by id", subjects).await?;
    rows.iter().map(|r| serde_json::from_str(&r.text(0)).map_err(StoreError::from)).collect()
}

/// By its id.
pub async fn by_id(tx: &mut Tx, id: &str) -> Result<Option<Finding>, StoreError> {
    let rows = tx.rows("select body from findings where id = $1", args![id]).await?;
    rows.first().map(|r| serde_json::from_str(&r.text(0)).map_err(StoreError::from)).transpose()
}

/// Findings that still ask for something.
pub async fn live(tx: &mut Tx) -> Result<Vec<Finding>, StoreError> {
    let rows = tx.rows("select body from findings where state not in ('withdrawn', 'resolved')", vec![]).await?;
    rows.iter().map(|r| serde_json::from_str(&r.text(0)).map_err(StoreError::from)).collect()
}

pub async fn save(tx: &mut Tx, all: &[Finding]) -> Result<(), StoreError> {
    let mut rows = Vec::with_capacity(all.len());
    for f in all {
        rows.push(args![
            &f.id,
            f.rule.as_str(),
            f.subject(),
            f.deal.clone(),
            &f.key,
            f.state.as_str(),
            f.severity.as_str(),
            f.owner.clone(),
            f.late,
            serde_json::to_string(f)?,
        ]);
    }
    let tail = "on conflict (id) do update set state = excluded.state, severity = excluded.severity, owner = excluded.owner, late = excluded.late, body = excluded.body";
    tx.insert(
        "insert into findings (id, rule, subject, deal, occurrence, state, severity, owner, late, body)",
        tail,
        rows,
    )
    .await
}

impl Store {
    /// All findings, by deal, then those on no deal.
    pub async fn findings(&self) -> Result<Vec<Finding>, StoreError> {
        let rows = self
            .db
            .rows(
                "select body from findings order by case when deal is null then 1 else 0 end, deal, subject, id",
                vec![],
            )
            .await?;
        rows.iter().map(|r| serde_json::from_str(&r.text(0)).map_err(StoreError::from)).collect()
    }

    /// All findings in some states, in no order.
    pub async fn findings_in(&self, states: &[State]) -> Result<Vec<Finding>, StoreError> {
        let states: Vec<String> = states.iter().map(ToString::to_string).collect();
        let rows = self.db.rows_in("select body from findings where state in ({in})", &states).await?;
        rows.iter().map(|r| serde_json::from_str(&r.text(0)).map_err(StoreError::from)).collect()
    }

    /// Findings after an id, in the order of their ids.
    pub async fn findings_after(&self, id: &str, most: i64) -> Result<Vec<Finding>, StoreError> {
        let rows =
            self.db.rows("select body from findings where id > $1 order by id limit $2", args![id, most]).await?;
        rows.iter().map(|r| serde_json::from_str(&r.text(0)).map_err(StoreError::from)).collect()
    }
}
