//! The rows that reports are made of.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use dealtrail_sdk::record;

use super::{Store, StoreError, activities, ms, opt_at};
use crate::{
    args,
    domain::reports::{
        activity::QuoteRow,
        coverage::{Decided, Item, Outcome, StreamRow, TypedRow},
        credit::{Happened, Sighting},
    },
};

impl Store {
    /// Activities in a span (from inclusive, to exclusive) with who saw them; `members` by the name of a shared mailbox.
    pub async fn happened(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        members: &HashMap<String, Vec<String>>,
    ) -> Result<Vec<Happened>, StoreError> {
        let sql = format!(
            "select {} from activities a where a.occurred_at >= $1 and a.occurred_at < $2 order by a.occurred_at, a.id",
            activities::COLUMNS
        );
        let rows = self.db.rows(&sql, args![ms(from), ms(to)]).await?;
        let all = rows.iter().map(activities::read).collect::<Result<Vec<_>, _>>()?;
        Ok(self
            .with_sightings(all)
            .await?
            .into_iter()
            .map(|(s, seen)| Happened {
                activity: s.activity,
                all_day: s.all_day,
                thread: s.thread,
                sightings: seen
                    .into_iter()
                    .map(|x| Sighting { owner: x.owner, members: members.get(&x.connection).cloned() })
                    .collect(),
            })
            .collect())
    }

    /// Quotes of the CRM sent in a span.
    pub async fn quotes(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Vec<QuoteRow>, StoreError> {
        let all = self.records::<record::Quote>("quote").await?;
        let within = all.into_iter().filter(|q| q.sent_at >= from && q.sent_at < to);
        let row = |q: record::Quote| QuoteRow {
            id: q.id,
            deal: q.deal,
            amount: q.amount,
            currency: q.currency,
            sent_at: q.sent_at,
        };
        Ok(within.map(row).collect())
    }

    /// Decisions counted by stream, outcome, reason and quarter of an hour.
    pub async fn decided(&self) -> Result<Vec<Decided>, StoreError> {
        const QUARTER: i64 = 15 * 60 * 1000;
        let sql = "select s.connection, s.name, c.owner, i.occurred_at / $1, i.outcome, i.reason, count(*) from items i \
                   join streams s on s.id = i.stream join connections c on c.name = s.connection \
                   where i.outcome <> 'read' and c.gives <> 'crm' \
                   group by s.connection, s.name, c.owner, i.occurred_at / $1, i.outcome, i.reason";
        let rows = self.db.rows(sql, args![QUARTER]).await?;
        Ok(rows
            .iter()
            .filter_map(|r| {
                Some(Decided {
                    connection: r.text(0),
                    stream: r.text(1),
                    owner: r.opt_text(2),
                    at: opt_at(r.opt_int(3).map(|q| q * QUARTER)),
                    outcome: Outcome::parse(&r.text(4))?,
                    reason: r.opt_text(5),
                    count: u64::try_from(r.int(6)).unwrap_or(0),
                })
            })
            .collect())
    }

    /// Every decision on an item of a span, and of those without a readable time.
    pub async fn decided_items(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Vec<Item>, StoreError> {
        let sql = "select s.connection, s.name, c.owner, i.occurred_at, i.outcome, i.reason, i.key, i.activity from items i \
                   join streams s on s.id = i.stream join connections c on c.name = s.connection \
                   where i.outcome <> 'read' and c.gives <> 'crm' \
                   and (i.occurred_at is null or (i.occurred_at >= $1 and i.occurred_at < $2))";
        let rows = self.db.rows(sql, args![ms(from), ms(to)]).await?;
        Ok(rows
            .iter()
            .filter_map(|r| {
                let decided = Decided {
                    connection: r.text(0),
                    stream: r.text(1),
                    owner: r.opt_text(2),
                    at: opt_at(r.opt_int(3)),
                    outcome: Outcome::parse(&r.text(4))?,
                    reason: r.opt_text(5),
                    count: 1,
                };
                Some(Item { decided, key: r.text(6), activity: r.opt_text(7) })
            })
            .collect())
    }

    /// How far each mail folder and calendar is complete.
    pub async fn completeness(&self) -> Result<Vec<StreamRow>, StoreError> {
        let sql = "select s.connection, s.name, c.owner, s.complete_from, s.complete_to from streams s \
                   join connections c on c.name = s.connection where c.gives <> 'crm' and s.gone = 0 and c.removed = 0 \
                   order by s.connection, s.name";
        let rows = self.db.rows(sql, vec![]).await?;
        Ok(rows
            .iter()
            .map(|r| StreamRow {
                connection: r.text(0),
                stream: r.text(1),
                owner: r.opt_text(2),
                complete_from: opt_at(r.opt_int(3)),
                complete_to: opt_at(r.opt_int(4)),
            })
            .collect())
    }

    /// Entries typed into the CRM, and which of them captured activity confirms.
    pub async fn typed(&self) -> Result<Vec<TypedRow>, StoreError> {
        let sql = "select g.activity, g.owner, a.occurred_at, a.origin from sightings g join activities a on a.id = g.activity \
                   where g.typed = 1 order by a.occurred_at, g.activity, g.key";
        let rows = self.db.rows(sql, vec![]).await?;
        Ok(rows
            .iter()
            .map(|r| TypedRow {
                id: r.text(0),
                owner: r.opt_text(1),
                at: super::at(r.int(2)),
                confirmed: r.text(3) == "captured",
            })
            .collect())
    }
}
