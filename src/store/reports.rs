//! The rows that reports are made of.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use dealtrail_sdk::record;

use super::{Store, StoreError, activities, lists::LastContacts, ms, opt_at};
use crate::{
    args,
    domain::{
        activity::{Activity, Direction, Kind},
        gaps::{Finding, Rule},
        reports::{
            activity::QuoteRow,
            coverage::{Decided, Item, Outcome, StreamRow, TypedRow},
            credit::{Happened, Sighting},
            journey::Touch,
            next_steps::Sign,
        },
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

    /// The findings of some rules, in every state.
    pub async fn findings_by(&self, rules: &[Rule]) -> Result<Vec<Finding>, StoreError> {
        let rules: Vec<String> = rules.iter().map(ToString::to_string).collect();
        let rows = self.db.rows_in("select body from findings where rule in ({in}) order by id", &rules).await?;
        rows.iter().map(|r| serde_json::from_str(&r.text(0)).map_err(StoreError::from)).collect()
    }

    /// All findings that are open.
    pub async fn open_findings(&self) -> Result<Vec<Finding>, StoreError> {
        let rows = self.db.rows("select body from findings where state = 'open' order by id", vec![]).await?;
        rows.iter().map(|r| serde_json::from_str(&r.text(0)).map_err(StoreError::from)).collect()
    }

    /// Activities of a span (from inclusive, to exclusive) that name a competitor.
    pub async fn mentions(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Vec<Activity>, StoreError> {
        let sql = format!(
            "select {} from activities a where a.occurred_at >= $1 and a.occurred_at < $2 and a.tags like '%\"competitor:%' \
             order by a.occurred_at, a.id",
            activities::COLUMNS
        );
        let rows = self.db.rows(&sql, args![ms(from), ms(to)]).await?;
        rows.iter().map(|r| Ok(activities::read(r)?.activity)).collect()
    }

    /// All activities with any of these contacts.
    pub async fn with_contacts(&self, contacts: &[String]) -> Result<Vec<Activity>, StoreError> {
        let sql = format!(
            "select {} from activities a where a.id in \
             (select activity from links where entity = 'contact' and entity_id in ({{in}})) order by a.occurred_at, a.id",
            activities::COLUMNS
        );
        let rows = self.db.rows_in(&sql, contacts).await?;
        rows.iter().map(|r| Ok(activities::read(r)?.activity)).collect()
    }

    /// What happened on deals until now, without what makes it up: meetings only when they were held.
    pub async fn touches(&self, now: DateTime<Utc>) -> Result<Vec<Touch>, StoreError> {
        let sql = "select l.entity_id, a.occurred_at, a.kind, a.direction, a.thread, \
                   cast(case when a.tags like '%\"quote\"%' then 1 else 0 end as bigint), \
                   cast(case when a.kind = 'email' and a.automatic = 0 and a.origin = 'captured' then 1 else 0 end as bigint) \
                   from links l join activities a on a.id = l.activity \
                   where l.entity = 'deal' and a.kind <> 'note' and a.occurred_at <= $1 and (a.kind <> 'meeting' or a.status = 'done' \
                   or (a.status in ('planned', 'held') and coalesce(a.ended_at, a.occurred_at) <= $1))";
        let rows = self.db.rows(sql, args![ms(now)]).await?;
        Ok(rows
            .iter()
            .filter_map(|r| {
                Some(Touch {
                    deal: r.text(0),
                    at: super::at(r.int(1)),
                    kind: Kind::parse(&r.text(2))?,
                    direction: r.opt_text(3).and_then(|d| Direction::parse(&d)),
                    thread: r.opt_text(4),
                    quote: r.int(5) == 1,
                    talk: r.int(6) == 1,
                })
            })
            .collect())
    }

    /// What may fulfil planned steps: mail between people, confirmed meetings that were held, and calls, with each contact and deal.
    pub async fn signs(&self, from: DateTime<Utc>, now: DateTime<Utc>) -> Result<Vec<Sign>, StoreError> {
        let sql = "select l.entity || ':' || l.entity_id, a.id, a.occurred_at from links l join activities a on a.id = l.activity \
                   where l.entity in ('contact', 'deal') and a.occurred_at >= $1 and a.occurred_at <= $2 and a.automatic = 0 \
                   and (a.origin = 'captured' or a.confirmed = 1) and (a.kind in ('email', 'call') or (a.kind = 'meeting' \
                   and a.confirmed = 1 and a.status in ('planned', 'held') and coalesce(a.ended_at, a.occurred_at) <= $2))";
        let rows = self.db.rows(sql, args![ms(from), ms(now)]).await?;
        let sign = |r: &super::Row| Sign { with: r.text(0), activity: r.text(1), at: super::at(r.int(2)) };
        Ok(rows.iter().map(sign).collect())
    }

    /// The last sign of each contact and the last of ours to it, by contact: mail between people, held meetings and calls, which
    /// count for both sides. Typed entries count once they are confirmed.
    pub async fn traffic(&self, now: DateTime<Utc>) -> Result<LastContacts, StoreError> {
        let sql = "select l.entity_id, case when a.kind = 'email' then a.direction else 'both' end as side, max(a.occurred_at) \
                   from links l join activities a on a.id = l.activity \
                   where l.entity = 'contact' and a.occurred_at <= $1 and a.automatic = 0 \
                   and (a.origin = 'captured' or a.confirmed = 1) and a.kind in ('email', 'meeting', 'call') \
                   and (a.kind <> 'meeting' or (a.status in ('planned', 'held') and coalesce(a.ended_at, a.occurred_at) <= $1)) \
                   group by l.entity_id, side";
        let mut all = LastContacts::new();
        for r in self.db.rows(sql, args![ms(now)]).await? {
            let (last, at) = (all.entry(r.text(0)).or_default(), opt_at(r.opt_int(2)));
            let side = r.opt_text(1);
            if side.as_deref() != Some("outbound") {
                last.0 = last.0.max(at);
            }
            if side.as_deref() != Some("inbound") {
                last.1 = last.1.max(at);
            }
        }
        Ok(all)
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
