//! What people and programs read: activities, decisions, contacts, the state of every stream. Paged by key, never by offset.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};

use super::{
    Arg, Store, StoreError,
    activities::{self, Stored},
    at, ms, opt_at,
};
use crate::{args, domain::activity::Status};

/// A sighting as it is shown.
#[derive(Clone, Debug)]
pub struct ShownSighting {
    pub connection: String,
    pub stream: String,
    pub key: String,
    pub owner: Option<String>,
    pub direction: Option<String>,
    pub typed: bool,
    pub gone_at: Option<DateTime<Utc>>,
}

/// A decision as it is shown.
#[derive(Clone, Debug)]
pub struct Decision {
    pub stream_id: i64,
    pub connection: String,
    pub stream: String,
    pub key: String,
    pub message_id: Option<String>,
    pub ical_uid: Option<String>,
    pub recurrence_id: Option<DateTime<Utc>>,
    pub occurred_at: Option<DateTime<Utc>>,
    pub outcome: String,
    pub reason: Option<String>,
    pub detail: Option<String>,
    pub activity: Option<String>,
    pub decided_at: DateTime<Utc>,
    pub gone_at: Option<DateTime<Utc>>,
}

const DECISION: &str = "i.stream, s.connection, s.name, i.key, i.message_id, i.ical_uid, i.recurrence_id, i.occurred_at, \
    i.outcome, i.reason, i.detail, i.activity, i.decided_at, i.gone_at";

/// As the index of unreadable items has it.
const UNREADABLE: &str = "(i.outcome = 'quarantined' or i.attempts > 0) and i.gone_at is null";

fn decision(r: &super::Row) -> Decision {
    Decision {
        stream_id: r.int(0),
        connection: r.text(1),
        stream: r.text(2),
        key: r.text(3),
        message_id: r.opt_text(4),
        ical_uid: r.opt_text(5),
        recurrence_id: opt_at(r.opt_int(6)),
        occurred_at: opt_at(r.opt_int(7)),
        outcome: r.text(8),
        reason: r.opt_text(9),
        detail: r.opt_text(10),
        activity: r.opt_text(11),
        decided_at: at(r.int(12)),
        gone_at: opt_at(r.opt_int(13)),
    }
}

/// Last inbound and last outbound activity, by contact.
pub type LastContacts = HashMap<String, (Option<DateTime<Utc>>, Option<DateTime<Utc>>)>;

/// Which activities to list. Times are inclusive from, exclusive to.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Addresses of one rep; none: everybody's.
    pub reps: Vec<String>,
    pub deal: Option<String>,
    pub contact: Option<String>,
    pub from: Option<DateTime<Utc>>,
    pub to: Option<DateTime<Utc>>,
    /// As it is at that moment: a planned meeting whose end is past was held.
    pub state: Option<(Status, DateTime<Utc>)>,
    /// Those whose deal choice is pending.
    pub undecided: bool,
    pub most: Option<i64>,
}

impl Store {
    /// Activities after an id, with their sightings, in the order of their ids.
    pub async fn activities_after(&self, id: &str, most: i64) -> Result<Vec<(Stored, Vec<ShownSighting>)>, StoreError> {
        let sql = format!("select {} from activities a where a.id > $1 order by a.id limit $2", activities::COLUMNS);
        let rows = self.db.rows(&sql, args![id, most]).await?;
        let all = rows.iter().map(activities::read).collect::<Result<Vec<_>, _>>()?;
        self.with_sightings(all).await
    }

    pub async fn with_sightings(&self, all: Vec<Stored>) -> Result<Vec<(Stored, Vec<ShownSighting>)>, StoreError> {
        let mut sightings: HashMap<String, Vec<ShownSighting>> = HashMap::new();
        let ids: Vec<String> = all.iter().map(|s| s.activity.id.clone()).collect();
        let sql = "select g.activity, s.connection, s.name, g.key, g.owner, g.direction, g.typed, g.gone_at from sightings g \
                   join streams s on s.id = g.stream where g.activity in ({in}) order by s.connection, s.name, g.key";
        for r in self.db.rows_in(sql, &ids).await? {
            sightings.entry(r.text(0)).or_default().push(ShownSighting {
                connection: r.text(1),
                stream: r.text(2),
                key: r.text(3),
                owner: r.opt_text(4),
                direction: r.opt_text(5),
                typed: r.flag(6),
                gone_at: opt_at(r.opt_int(7)),
            });
        }
        Ok(all
            .into_iter()
            .map(|s| {
                let mine = sightings.remove(&s.activity.id).unwrap_or_default();
                (s, mine)
            })
            .collect())
    }

    /// Activities that fit, newest first.
    pub async fn activities(&self, f: &Filter) -> Result<Vec<Stored>, StoreError> {
        let mut sql = format!("select {} from activities a where 1 = 1", activities::COLUMNS);
        let mut args: Vec<Arg<'_>> = f.reps.iter().map(Arg::from).collect();
        if !f.reps.is_empty() {
            let places: Vec<String> = (1..=f.reps.len()).map(|i| format!("${i}")).collect();
            let places = places.join(", ");
            sql.push_str(&format!(
                " and a.id in (select activity from sightings where owner in ({places}) union \
                 select activity from parties where address in ({places}))"
            ));
        }
        let mut add = |clause: &str, arg| {
            args.push(arg);
            sql.push_str(&clause.replace('?', &format!("${}", args.len())));
        };
        if let Some(deal) = &f.deal {
            add(" and a.id in (select activity from links where entity = 'deal' and entity_id = ?)", deal.into());
        }
        if let Some(contact) = &f.contact {
            add(" and a.id in (select activity from links where entity = 'contact' and entity_id = ?)", contact.into());
        }
        if let Some(from) = f.from {
            add(" and a.occurred_at >= ?", ms(from).into());
        }
        if let Some(to) = f.to {
            add(" and a.occurred_at < ?", ms(to).into());
        }
        if let Some((state, now)) = f.state {
            let state_now = "case when a.status not in ('planned', 'held') then a.status \
                             when coalesce(a.ended_at, a.occurred_at) <= ? then 'held' else 'planned' end";
            add(&format!(" and {state_now} ="), ms(now).into());
            add(" ?", state.as_str().into());
        }
        if f.undecided {
            sql.push_str(" and a.undecided <> '[]'");
        }
        sql.push_str(" order by a.occurred_at desc, a.id");
        if let Some(most) = f.most {
            sql.push_str(&format!(" limit {most}"));
        }
        self.db.rows(&sql, args).await?.iter().map(activities::read).collect()
    }

    /// Decisions on mail and calendar items and unreadable ones of any stream, after a (stream, key).
    pub async fn decisions_after(&self, stream: i64, key: &str, most: i64) -> Result<Vec<Decision>, StoreError> {
        let sql = format!(
            "select {DECISION} from items i join streams s on s.id = i.stream where i.outcome <> 'read' and \
             (i.stream > $1 or (i.stream = $1 and i.key > $2)) order by i.stream, i.key limit $3"
        );
        Ok(self.db.rows(&sql, args![stream, key, most]).await?.iter().map(decision).collect())
    }

    /// Decisions that name a Message-ID, a UID, an activity or a key; a waiting one is found by its blind index.
    pub async fn decisions_about(&self, what: &str) -> Result<Vec<Decision>, StoreError> {
        let sql = format!(
            "select {DECISION} from items i join streams s on s.id = i.stream where i.message_id = $1 or i.ical_uid = $1 \
             or i.activity = $1 or i.key = $1 or exists (select 1 from blind b where b.stream = i.stream and b.key = i.key and \
             b.hash in ($2, $3)) order by i.decided_at desc, i.stream, i.key limit 200"
        );
        let by_id = self.blind(&format!("m:{what}"));
        let by_address = self.blind(&format!("a:{}", what.to_lowercase()));
        Ok(self.db.rows(&sql, args![what, by_id, by_address]).await?.iter().map(decision).collect())
    }

    /// The decision on an item by its place: `connection/stream/key`. Names of streams and items may hold slashes themselves.
    pub async fn decision_at(&self, place: &str) -> Result<Option<Decision>, StoreError> {
        let sql = "select id, connection, name from streams";
        for stream in self.db.rows(sql, vec![]).await? {
            let rest = place.strip_prefix(&stream.text(1)).and_then(|rest| rest.strip_prefix('/'));
            let rest = rest.and_then(|rest| rest.strip_prefix(&stream.text(2))).and_then(|rest| rest.strip_prefix('/'));
            let Some(key) = rest else { continue };
            let sql = format!(
                "select {DECISION} from items i join streams s on s.id = i.stream where i.stream = $1 and i.key = $2"
            );
            if let Some(row) = self.db.rows(&sql, args![stream.int(0), key]).await?.first() {
                return Ok(Some(decision(row)));
            }
        }
        Ok(None)
    }

    /// Some items that could not be read, the latest first.
    pub async fn unreadable(&self, most: i64) -> Result<Vec<Decision>, StoreError> {
        let sql = format!(
            "select {DECISION} from items i join streams s on s.id = i.stream where {UNREADABLE} \
             order by i.decided_at desc, i.stream, i.key limit $1"
        );
        Ok(self.db.rows(&sql, args![most]).await?.iter().map(decision).collect())
    }

    /// How many there are, by stream.
    pub async fn unreadable_of_streams(&self) -> Result<BTreeMap<i64, i64>, StoreError> {
        let sql = format!("select i.stream, count(*) from items i where {UNREADABLE} group by i.stream");
        self.db.read(&sql, vec![], |r| Ok((r.int(0), r.int(1)))).await.map(BTreeMap::from_iter)
    }

    /// How many items of each stream came to which outcome: (stream, outcome, reason) -> count of those still there.
    pub async fn outcomes(&self) -> Result<BTreeMap<(i64, String, Option<String>), i64>, StoreError> {
        let sql = "select stream, outcome, reason, count(*) from items where gone_at is null group by stream, outcome, reason";
        let rows = self.db.rows(sql, vec![]).await?;
        Ok(rows.iter().map(|r| ((r.int(0), r.text(1), r.opt_text(2)), r.int(3))).collect())
    }

    /// Last inbound and outbound activity of each contact.
    pub async fn last_contacts(&self, now: DateTime<Utc>) -> Result<LastContacts, StoreError> {
        let sql = "select l.entity_id, a.direction, max(a.occurred_at) from links l join activities a on a.id = l.activity \
                   where l.entity = 'contact' and a.direction is not null and a.occurred_at <= $1 group by l.entity_id, a.direction";
        let mut all = LastContacts::new();
        for r in self.db.rows(sql, args![ms(now)]).await? {
            let last = all.entry(r.text(0)).or_default();
            if r.opt_text(1).as_deref() == Some("inbound") {
                last.0 = opt_at(r.opt_int(2));
            } else {
                last.1 = opt_at(r.opt_int(2));
            }
        }
        Ok(all)
    }

    /// How many activities there are of each kind and status as of `now`.
    pub async fn counts(&self, now: DateTime<Utc>) -> Result<Vec<(String, String, i64)>, StoreError> {
        let sql = "select kind, case when status = 'planned' and coalesce(ended_at, occurred_at) <= $1 then 'held' else status end as state, \
                   count(*) from activities group by kind, state order by kind, state";
        Ok(self.db.rows(sql, args![ms(now)]).await?.iter().map(|r| (r.text(0), r.text(1), r.int(2))).collect())
    }

    pub async fn text_of(&self, activity: &str) -> Result<Option<String>, StoreError> {
        let rows = self.db.rows("select body from texts where activity = $1", args![activity]).await?;
        Ok(rows.first().map(|r| r.text(0)))
    }
}
