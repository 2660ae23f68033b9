//! Gaps as they were judged last.

use super::{Row, Store, StoreError, Tx, at, ms};
use crate::{
    args,
    domain::gaps::{Finding, Rule, Severity, State, Weighed},
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
            ms(f.since),
            f.late,
            serde_json::to_string(f)?,
        ]);
    }
    let tail = "on conflict (id) do update set state = excluded.state, severity = excluded.severity, owner = excluded.owner, since = excluded.since, late = excluded.late, body = excluded.body";
    tx.insert(
        "insert into findings (id, rule, subject, deal, occurrence, state, severity, owner, since, late, body)",
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

    /// What the findings in some states weigh, in no order: of these owners, or of all and nobody.
    pub async fn weighed(&self, states: &[State], owners: Option<&[String]>) -> Result<Vec<Weighed>, StoreError> {
        let weighed = |r: &Row| {
            Some(Weighed {
                id: r.text(0),
                rule: Rule::parse(&r.text(1))?,
                state: State::parse(&r.text(2))?,
                severity: Severity::parse(&r.text(3))?,
                subject: r.text(4),
                owner: r.opt_text(5),
                since: at(r.int(6)),
            })
        };
        let mut all = Vec::new();
        for state in states {
            let sql = format!(
                "select id, rule, state, severity, subject, owner, since from findings where state = '{state}'"
            );
            let rows = match owners {
                Some(owners) => self.db.rows_in(&format!("{sql} and owner in ({{in}})"), owners).await?,
                None => self.db.rows(&sql, vec![]).await?,
            };
            all.extend(rows.iter().filter_map(weighed));
        }
        Ok(all)
    }

    /// Some by their ids, in no order.
    pub async fn findings_by_ids(&self, ids: &[String]) -> Result<Vec<Finding>, StoreError> {
        let rows = self.db.rows_in("select body from findings where id in ({in})", ids).await?;
        rows.iter().map(|r| serde_json::from_str(&r.text(0)).map_err(StoreError::from)).collect()
    }

    /// Those about a deal, whatever became of them.
    pub async fn findings_on(&self, deal: &str) -> Result<Vec<Finding>, StoreError> {
        let rows = self.db.rows("select body from findings where deal = $1 order by subject, id", args![deal]).await?;
        rows.iter().map(|r| serde_json::from_str(&r.text(0)).map_err(StoreError::from)).collect()
    }

    /// Those about contacts, companies and typed entries, by [`Finding::subject`].
    pub async fn findings_about(&self, subjects: &[String]) -> Result<Vec<Finding>, StoreError> {
        let sql = "select body from findings where subject in ({in}) order by subject, id";
        let rows = self.db.rows_in(sql, subjects).await?;
        rows.iter().map(|r| serde_json::from_str(&r.text(0)).map_err(StoreError::from)).collect()
    }

    /// Findings after an id, in the order of their ids.
    pub async fn findings_after(&self, id: &str, most: i64) -> Result<Vec<Finding>, StoreError> {
        let rows =
            self.db.rows("select body from findings where id > $1 order by id limit $2", args![id, most]).await?;
        rows.iter().map(|r| serde_json::from_str(&r.text(0)).map_err(StoreError::from)).collect()
    }
}
