//! The rows that reports are made of.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use dealtrail_sdk::record;
use futures_util::{TryStreamExt as _, stream};

use super::{Store, StoreError, activities, lists::ShownSighting, ms, opt_at};
use crate::{
    args,
    domain::{
        activity::{Activity, Direction, Entity, Kind, Match, Origin, Reason, Status},
        gaps::{Rule, State},
        reports::{
            activity::QuoteRow,
            coverage::{Decided, Item, Outcome, StreamRow, TypedRow},
            credit::{Happened, Sighting},
            journey::Touch,
            next_steps::Sign,
            segments::Traffic,
            stand::Stand,
        },
    },
};

/// Questions of one report that are asked at the same time.
const SIDE_BY_SIDE: usize = 4;

/// What is a sign of one side or the other: mail between people, calls, and meetings that were held by `now`.
fn heard(now: i64) -> String {
    format!(
        "a.automatic = 0 and (a.origin = 'captured' or a.confirmed = 1) and a.kind in ('email', 'meeting', 'call') \
         and (a.kind <> 'email' or a.direction is not null) \
         and (a.kind <> 'meeting' or (a.status in ('planned', 'held') and coalesce(a.ended_at, a.occurred_at) <= {now}))"
    )
}

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
        self.with_credit(rows.iter().map(activities::read).collect::<Result<Vec<_>, _>>()?, members).await
    }

    /// The same of some, by their ids; in no order.
    pub(super) async fn happened_by_ids(
        &self,
        ids: &[String],
        members: &HashMap<String, Vec<String>>,
    ) -> Result<Vec<Happened>, StoreError> {
        self.with_credit(self.activities_by_ids(ids).await?, members).await
    }

    async fn with_credit(
        &self,
        all: Vec<activities::Stored>,
        members: &HashMap<String, Vec<String>>,
    ) -> Result<Vec<Happened>, StoreError> {
        let sighting = |x: ShownSighting| Sighting { owner: x.owner, members: members.get(&x.connection).cloned() };
        let all = self.with_sightings(all).await?.into_iter();
        Ok(all
            .map(|(s, seen)| Happened {
                activity: s.activity,
                all_day: s.all_day,
                thread: s.thread,
                sightings: seen.into_iter().map(sighting).collect(),
                times: 1,
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

    /// How the findings of some rules stand; of those that are settled only the ones resolved too late, unless all are asked for.
    pub async fn stands(&self, rules: &[Rule], settled: bool) -> Result<Vec<Stand>, StoreError> {
        let rules: Vec<String> = rules.iter().map(ToString::to_string).collect();
        let those = if settled {
            ""
        } else {
            "and (state not in ('withdrawn', 'resolved') or (state = 'resolved' and late = 1))"
        };
        let sql = format!(
            "select rule, deal, occurrence, state, late from findings where rule in ({{in}}) {those} order by id"
        );
        let stand = |r: &super::Row| {
            let (rule, state) = (Rule::parse(&r.text(0))?, State::parse(&r.text(3))?);
            Some(Stand { rule, deal: r.opt_text(1), key: r.text(2), state, late: r.flag(4) })
        };
        Ok(self.db.rows_in(&sql, &rules).await?.iter().filter_map(stand).collect())
    }

    /// How many findings are open on each of these deals.
    pub async fn open_on(&self, deals: &[String]) -> Result<HashMap<String, u64>, StoreError> {
        let sql = "select deal, count(*) from findings where state = 'open' and deal in ({in}) group by deal";
        let rows = self.db.rows_in(sql, deals).await?;
        Ok(rows.iter().map(|r| (r.text(0), u64::try_from(r.int(1)).unwrap_or(0))).collect())
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

    /// For each of these contacts the first of its activities of each sort, as far as telling what came first needs it.
    pub async fn firsts(&self, contacts: &[String], now: DateTime<Utc>) -> Result<Vec<Activity>, StoreError> {
        let sql = format!(
            "select l.entity_id, a.kind, a.direction, a.status, a.confirmed, a.origin, a.automatic, \
             cast(case when coalesce(a.ended_at, a.occurred_at) <= {} then 1 else 0 end as bigint), min(a.id), min(a.occurred_at), \
             min(coalesce(a.ended_at, a.occurred_at)) from links l join activities a on a.id = l.activity \
             where l.entity = 'contact' and l.entity_id in ({{in}}) group by 1, 2, 3, 4, 5, 6, 7, 8",
            ms(now)
        );
        let rows = self.db.rows_in(&sql, contacts).await?;
        let first = |r: &super::Row| {
            let tie = Match {
                entity: Entity::Contact,
                id: r.text(0),
                reason: Reason::Address,
                score: 1.0,
                runner_up: None,
                by: "rule".to_owned(),
            };
            Some(Activity {
                id: r.text(8),
                kind: Kind::parse(&r.text(1))?,
                status: Status::parse(&r.text(3))?,
                confirmed: r.opt_int(4).map(|v| v != 0),
                direction: r.opt_text(2).and_then(|d| Direction::parse(&d)),
                occurred_at: super::at(r.int(9)),
                ended_at: opt_at(r.opt_int(10)),
                participants: Vec::new(),
                matches: vec![tie],
                undecided: Vec::new(),
                tags: Vec::new(),
                origin: Origin::parse(&r.text(5))?,
                automatic: r.flag(6),
            })
        };
        Ok(rows.iter().filter_map(first).collect())
    }

    /// What happened on deals until now, without what makes it up: meetings only when they were held.
    pub async fn touches(&self, now: DateTime<Utc>) -> Result<Vec<Touch>, StoreError> {
        let sql = "select l.entity_id, a.occurred_at, a.kind, a.direction, a.thread, \
                   cast(case when a.kind = 'email' and a.tags like '%\"quote\"%' then 1 else 0 end as bigint), \
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

    /// What may fulfil planned steps with these contacts and on these deals: mail between people, confirmed meetings that were held,
    /// and calls. Of each the last, which says whether there is any since a moment; `each`: all of them.
    pub async fn signs(
        &self,
        (from, now): (DateTime<Utc>, DateTime<Utc>),
        contacts: &[String],
        deals: &[String],
        each: bool,
    ) -> Result<Vec<Sign>, StoreError> {
        let (from, now) = (ms(from), ms(now));
        let (shown, group) = if each {
            ("a.id, a.occurred_at", "")
        } else {
            ("cast('' as text), max(a.occurred_at)", "group by l.entity_id")
        };
        let mut all = Vec::new();
        for (entity, ids) in [("contact", contacts), ("deal", deals)] {
            let sql = format!(
                "select l.entity_id, {shown} from links l join activities a on a.id = l.activity \
                 where l.entity = '{entity}' and l.entity_id in ({{in}}) and a.occurred_at >= {from} and a.occurred_at <= {now} \
                 and {NO_MERE_MACHINE} and (a.origin = 'captured' or a.confirmed = 1) and (a.kind in ('email', 'call') \
                 or (a.kind = 'meeting' and a.confirmed = 1 and a.status in ('planned', 'held') \
                 and coalesce(a.ended_at, a.occurred_at) <= {now})) {group}"
            );
            let sign = |r: &super::Row| Sign {
                with: format!("{entity}:{}", r.text(0)),
                activity: r.text(1),
                at: super::at(r.int(2)),
            };
            all.extend(self.db.rows_in(&sql, ids).await?.iter().map(sign));
        }
        Ok(all)
    }

    /// The last sign of each contact and the last of ours to it, by contact: mail between people, held meetings and calls, which
    /// count for both sides. Typed entries count once they are confirmed. Of these contacts, or of all.
    pub async fn traffic(&self, now: DateTime<Utc>, of: Option<&[String]>) -> Result<Vec<Traffic>, StoreError> {
        let (those, now) = (if of.is_some() { "and l.entity_id in ({in})" } else { "" }, ms(now));
        let sql = format!(
            "select l.entity_id, max(case when a.kind = 'email' and a.direction = 'outbound' then null else a.occurred_at end), \
                   max(case when a.kind = 'email' and a.direction = 'inbound' then null else a.occurred_at end) \
                   from links l join activities a on a.id = l.activity \
                   where l.entity = 'contact' {those} and a.occurred_at <= {now} and {} \
                   group by l.entity_id",
            heard(now)
        );
        let rows = match of {
            Some(of) => self.db.rows_in(&sql, of).await?,
            None => self.db.rows(&sql, vec![]).await?,
        };
        let traffic = |r: &super::Row| Traffic {
            contact: r.text(0),
            last_in: opt_at(r.opt_int(1)),
            last_out: opt_at(r.opt_int(2)),
        };
        Ok(rows.iter().map(traffic).collect())
    }

    /// When anything of that happened with these contacts in a span until now, by contact; from inclusive.
    pub async fn moments(
        &self,
        (from, now): (DateTime<Utc>, DateTime<Utc>),
        of: &[String],
    ) -> Result<Vec<(String, DateTime<Utc>)>, StoreError> {
        let (from, now) = (ms(from), ms(now));
        let sql = format!(
            "select l.entity_id, a.occurred_at from links l join activities a on a.id = l.activity \
             where l.entity = 'contact' and l.entity_id in ({{in}}) and a.occurred_at >= {from} and a.occurred_at <= {now} and {}",
            heard(now)
        );
        Ok(self.db.rows_in(&sql, of).await?.iter().map(|r| (r.text(0), super::at(r.int(1)))).collect())
    }

    /// Decisions counted by stream, outcome and reason in each of these spans (from inclusive, to exclusive), and those without a
    /// readable time.
    pub async fn decided(&self, spans: &[(DateTime<Utc>, DateTime<Utc>)]) -> Result<Vec<Decided>, StoreError> {
        let spans = spans.iter().map(|(from, to)| {
            (format!("i.occurred_at >= {} and i.occurred_at < {}", ms(*from), ms(*to)), ms(*from).to_string())
        });
        let undated = ("i.occurred_at is null".to_owned(), "cast(null as bigint)".to_owned());
        // a few side by side: each is a small part of an index, and with hundreds of them none should wait too long for its turn
        let each = spans.chain([undated]).map(|(within, at)| Ok(self.decided_within(within, at)));
        let each = stream::iter(each).try_buffered(SIDE_BY_SIDE);
        Ok(each.try_collect::<Vec<_>>().await?.into_iter().flatten().collect())
    }

    async fn decided_within(&self, within: String, at: String) -> Result<Vec<Decided>, StoreError> {
        let sql = format!(
            "select s.connection, s.name, c.owner, n.at, n.outcome, n.reason, n.times from (select i.stream, {at} as at, \
             i.outcome, i.reason, count(*) as times from items i where i.outcome <> 'read' and {within} \
             group by i.stream, i.outcome, i.reason) n \
             join streams s on s.id = n.stream join connections c on c.name = s.connection where c.gives <> 'crm'"
        );
        let times = |r: &super::Row| u64::try_from(r.int(6)).unwrap_or(0);
        Ok(self.db.rows(&sql, vec![]).await?.iter().filter_map(|r| decided(r, times(r))).collect())
    }

    /// Every decision on an item of a span, and of those without a readable time.
    pub async fn decided_items(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Vec<Item>, StoreError> {
        let which = "i.outcome <> 'read' and (i.occurred_at is null or (i.occurred_at >= $1 and i.occurred_at < $2))";
        self.items_that(which, from, to).await
    }

    /// What was skipped of a span.
    pub async fn skipped_items(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Vec<Item>, StoreError> {
        // the first is what the index asks for
        let which = "i.outcome <> 'read' and i.outcome = 'skipped' and i.occurred_at >= $1 and i.occurred_at < $2";
        self.items_that(which, from, to).await
    }

    async fn items_that(&self, which: &str, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Vec<Item>, StoreError> {
        let sql = format!(
            "select s.connection, s.name, c.owner, i.occurred_at, i.outcome, i.reason, i.key, i.activity from items i \
             join streams s on s.id = i.stream join connections c on c.name = s.connection where c.gives <> 'crm' and {which}"
        );
        let items = self.db.read(&sql, args![ms(from), ms(to)], |r| Ok(item(r))).await?;
        Ok(items.into_iter().flatten().collect())
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

    /// Entries typed into the CRM of a span (from inclusive, to exclusive), and which of them captured activity confirms.
    pub async fn typed(&self, (from, to): (DateTime<Utc>, DateTime<Utc>)) -> Result<Vec<TypedRow>, StoreError> {
        let sql = "select g.activity, g.owner, a.occurred_at, a.origin from sightings g join activities a on a.id = g.activity \
                   where g.typed = 1 and a.occurred_at >= $1 and a.occurred_at < $2 order by a.occurred_at, g.activity, g.key";
        let rows = self.db.rows(sql, args![ms(from), ms(to)]).await?;
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

/// What `domain::steps` says of machines: their mail counts for the documents in it.
const NO_MERE_MACHINE: &str =
    "(a.automatic = 0 or a.tags like '%\"quote\"%' or a.tags like '%\"order\"%' or a.tags like '%\"contract\"%')";

/// `None`: of an outcome that another version of the program knows.
fn decided(r: &super::Row, count: u64) -> Option<Decided> {
    Some(Decided {
        connection: r.text(0),
        stream: r.text(1),
        owner: r.opt_text(2),
        at: opt_at(r.opt_int(3)),
        outcome: Outcome::parse(r.str(4))?,
        reason: r.opt_text(5),
        count,
    })
}

fn item(r: &super::Row) -> Option<Item> {
    Some(Item { decided: decided(r, 1)?, key: r.text(6), activity: r.opt_text(7) })
}

#[cfg(test)]
mod tests {
    use super::NO_MERE_MACHINE;
    use crate::domain::steps::DOCUMENTS;

    #[test]
    fn the_documents_that_count_are_those_of_the_domain() {
        let named: Vec<&str> =
            NO_MERE_MACHINE.split("'%\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert_eq!(named, DOCUMENTS);
    }
}
