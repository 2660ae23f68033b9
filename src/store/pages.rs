//! What the pages read besides the lists: one deal's trail, small marks of many deals, counts for the metrics. Reads only.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};

use super::{
    Store, StoreError,
    activities::{self, CANDIDATE, LOOSE, Stored},
    at, ms, opt_at,
};
use crate::{
    args,
    domain::{
        activity::{Direction, Kind, Status},
        gaps::Finding,
    },
};

/// An activity of a deal, just enough to draw it small.
#[derive(Clone, Debug)]
pub struct Mark {
    pub deal: String,
    pub kind: Kind,
    /// Ask with the end in mind: a planned meeting whose end is past was held.
    pub status: Status,
    pub direction: Option<Direction>,
    pub at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
}

impl Store {
    /// Does the database answer?
    pub async fn ready(&self) -> Result<(), StoreError> {
        self.db.rows("select key from meta limit 1", vec![]).await?;
        Ok(())
    }

    /// When something was last read or judged.
    pub async fn as_of(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let mut last = None;
        for sql in ["select max(judged_at) from reviews", "select max(last_success) from connections where removed = 0"]
        {
            let rows = self.db.rows(sql, vec![]).await?;
            last = last.max(rows.first().and_then(|r| opt_at(r.opt_int(0))));
        }
        Ok(last)
    }

    /// These activities, in no order; unknown ids are left out.
    pub async fn activities_by_ids(&self, ids: &[String]) -> Result<Vec<Stored>, StoreError> {
        let sql = format!("select {} from activities a where a.id in ({{in}})", activities::COLUMNS);
        self.db.rows_in(&sql, ids).await?.iter().map(activities::read).collect()
    }

    /// Everything tied to a deal, to one of these contacts, to the company and to no deal, or waiting for a choice in which the
    /// deal is a candidate; oldest first.
    pub async fn trail(
        &self,
        deal: &str,
        contacts: &[String],
        company: Option<&str>,
    ) -> Result<Vec<Stored>, StoreError> {
        let of_deal = format!("select activity from links where entity in ('deal', '{CANDIDATE}') and entity_id = $1");
        let of_contacts = "select activity from links where entity = 'contact' and entity_id in ({in})";
        let mut tied = self.db.rows(&of_deal, args![deal]).await?;
        tied.extend(self.db.rows_in(of_contacts, contacts).await?);
        let loose = format!("select activity from links where entity = '{LOOSE}' and entity_id = $1");
        tied.extend(self.db.rows(&loose, args![company.unwrap_or_default()]).await?);
        let ids: BTreeSet<String> = tied.iter().map(|r| r.text(0)).collect();
        let mut all = self.activities_by_ids(&ids.into_iter().collect::<Vec<_>>()).await?;
        all.sort_by(|a, b| (a.activity.occurred_at, &a.activity.id).cmp(&(b.activity.occurred_at, &b.activity.id)));
        Ok(all)
    }

    /// The activities of these deals between two moments, for small pictures.
    pub async fn marks(
        &self,
        deals: &[String],
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<Vec<Mark>, StoreError> {
        let mut all = Vec::new();
        let sql = format!(
            "select l.entity_id, a.kind, a.status, a.direction, a.occurred_at, a.ended_at from links l \
             join activities a on a.id = l.activity where l.entity = 'deal' and l.entity_id in ({{in}}) \
             and a.occurred_at >= {} and a.occurred_at < {}",
            ms(from),
            ms(to)
        );
        for r in self.db.rows_in(&sql, deals).await? {
            let (Some(kind), Some(status)) = (Kind::parse(&r.text(1)), Status::parse(&r.text(2))) else { continue };
            all.push(Mark {
                deal: r.text(0),
                kind,
                status,
                direction: r.opt_text(3).and_then(|t| Direction::parse(&t)),
                at: at(r.int(4)),
                ended_at: opt_at(r.opt_int(5)),
            });
        }
        Ok(all)
    }

    /// The last thing that happened on each deal up to now; what was called off did not happen.
    pub async fn last_touches(&self, now: DateTime<Utc>) -> Result<HashMap<String, DateTime<Utc>>, StoreError> {
        let sql = "select l.entity_id, max(a.occurred_at) from links l join activities a on a.id = l.activity \
                   where l.entity = 'deal' and a.status not in ('cancelled', 'declined') and coalesce(a.ended_at, a.occurred_at) <= $1 \
                   group by l.entity_id";
        Ok(self.db.rows(sql, args![ms(now)]).await?.iter().map(|r| (r.text(0), at(r.int(1)))).collect())
    }

    /// The findings of one deal.
    pub async fn findings_of(&self, deal: &str) -> Result<Vec<Finding>, StoreError> {
        let rows = self.db.rows("select body from findings where deal = $1 order by id", args![deal]).await?;
        rows.iter().map(|r| serde_json::from_str(&r.text(0)).map_err(StoreError::from)).collect()
    }

    /// How many findings there are in each state.
    pub async fn finding_counts(&self) -> Result<Vec<(String, i64)>, StoreError> {
        let rows = self.db.rows("select state, count(*) from findings group by state order by state", vec![]).await?;
        Ok(rows.iter().map(|r| (r.text(0), r.int(1))).collect())
    }
}
