//! What counting needs of activities, and no more: those that count alike come as one, with their number. What a report asks of each
//! by itself (quotes, whole days, whom nobody names) comes by itself.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};

use super::{Row, Store, StoreError, at, ms, opt_at};
use crate::{
    args,
    domain::{
        activity::{Activity, Direction, Kind, Origin, Status},
        reports::credit::{Happened, naming},
    },
};

/// Counted by itself: its value, its day or its sightings matter.
const SINGLE: &str = "(a.all_day = 1 or a.named = '' or a.tags like '%\"quote\"%')";

/// For whom counting depends on more than the activity says.
#[derive(Clone, Debug, Default)]
pub struct Special {
    /// Members of shared mailboxes, by connection.
    pub members: HashMap<String, Vec<String>>,
    /// Who has left: what names them counts for whoever has their deals.
    pub left: BTreeSet<String>,
}

impl Special {
    fn concerns(&self, named: &str) -> bool {
        named.is_empty() || named.split(' ').any(|user| self.left.contains(user))
    }
}

impl Store {
    /// Activities of a span (from inclusive, to exclusive); meetings as they are `now`.
    pub async fn counted(
        &self,
        (from, to): (DateTime<Utc>, DateTime<Utc>),
        now: DateTime<Utc>,
        special: &Special,
    ) -> Result<Vec<Happened>, StoreError> {
        let within = format!("a.occurred_at >= {} and a.occurred_at < {}", ms(from), ms(to));
        let over =
            format!("cast(case when coalesce(a.ended_at, a.occurred_at) <= {} then 1 else 0 end as bigint)", ms(now));
        let sql = format!(
            "select a.kind, a.direction, a.status, a.origin, a.automatic, cast(case when a.tags like '%\"order\"%' then 1 else 0 end as bigint), \
             a.named, {over}, count(*), min(a.id), min(a.occurred_at), min(coalesce(a.ended_at, a.occurred_at)) \
             from activities a where {within} and not {SINGLE} group by 1, 2, 3, 4, 5, 6, 7, 8"
        );
        let mut all = Vec::new();
        let mut apart = BTreeSet::new();
        for row in self.db.rows(&sql, vec![]).await? {
            if special.concerns(&row.text(6)) {
                apart.insert(row.text(6));
            } else {
                all.extend(alike(&row));
            }
        }
        let sql = format!("select a.id from activities a where {within} and {SINGLE}");
        let mut ids: Vec<String> = self.db.rows(&sql, vec![]).await?.iter().map(|r| r.text(0)).collect();
        let apart: Vec<String> = apart.into_iter().collect();
        let sql = format!("select a.id from activities a where {within} and not {SINGLE} and a.named in ({{in}})");
        ids.extend(self.db.rows_in(&sql, &apart).await?.iter().map(|r| r.text(0)));
        all.extend(self.happened_by_ids(&ids, &special.members).await?);
        Ok(all)
    }

    /// Captured mail between people of a span, each by itself, with the thread it stands in.
    pub async fn talks(
        &self,
        (from, to): (DateTime<Utc>, DateTime<Utc>),
        special: &Special,
    ) -> Result<Vec<Happened>, StoreError> {
        let sql = "select a.id, a.thread, a.direction, a.occurred_at, a.named from activities a where a.occurred_at >= $1 \
                   and a.occurred_at < $2 and a.kind = 'email' and a.automatic = 0 and a.origin = 'captured' \
                   and a.thread is not null and a.direction is not null";
        let mut all = Vec::new();
        let mut apart = Vec::new();
        for row in self.db.rows(sql, args![ms(from), ms(to)]).await? {
            let named = row.text(4);
            if special.concerns(&named) {
                apart.push(row.text(0));
                continue;
            }
            let Some(direction) = Direction::parse(&row.text(2)) else { continue };
            let activity = Activity {
                id: row.text(0),
                kind: Kind::Email,
                status: Status::Done,
                confirmed: None,
                direction: Some(direction),
                occurred_at: at(row.int(3)),
                ended_at: None,
                participants: naming(Kind::Email, Some(direction), named.split(' ')),
                matches: Vec::new(),
                undecided: Vec::new(),
                tags: Vec::new(),
                origin: Origin::Captured,
                automatic: false,
            };
            all.push(Happened { activity, all_day: false, thread: row.opt_text(1), sightings: Vec::new(), times: 1 });
        }
        all.extend(self.happened_by_ids(&apart, &special.members).await?);
        Ok(all)
    }
}

/// Several that count alike: as one of them, with their number.
fn alike(row: &Row) -> Option<Happened> {
    let kind = Kind::parse(&row.text(0))?;
    let direction = row.opt_text(1).and_then(|d| Direction::parse(&d));
    let named = row.text(6);
    let activity = Activity {
        id: row.text(9),
        kind,
        status: Status::parse(&row.text(2))?,
        confirmed: None,
        direction,
        occurred_at: at(row.int(10)),
        ended_at: opt_at(row.opt_int(11)),
        participants: naming(kind, direction, named.split(' ')),
        matches: Vec::new(),
        undecided: Vec::new(),
        tags: if row.int(5) == 1 { vec!["order".to_owned()] } else { Vec::new() },
        origin: Origin::parse(&row.text(3))?,
        automatic: row.flag(4),
    };
    let times = u64::try_from(row.int(8)).unwrap_or(0);
    Some(Happened { activity, all_day: false, thread: None, sightings: Vec::new(), times })
}
