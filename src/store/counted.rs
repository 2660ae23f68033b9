//! What counting needs of activities, and no more: those that count alike come as one, with their number. What a report asks of each
//! by itself (quotes, whole days, whom nobody names) comes by itself. The database does the counting; who gets the credit is
//! decided in `domain::reports`.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};

use super::{Row, Store, StoreError, at, ms, opt_at};
use crate::args;
use crate::domain::{
    activity::{Activity, Direction, Kind, Origin, Status},
    conversations::RECENT,
    reports::{
        credit::{Happened, naming},
        journey::Firsts,
        needs::{Needs, Talked},
    },
};

/// A mail with a quote, which counts by its deal's value.
const QUOTE: &str = "a.kind = 'email' and a.tags like '%\"quote\"%'";
/// What lasts a day or longer; an index names it by the same words.
const LASTING: &str = "a.ended_at - a.occurred_at >= 86400000";
/// A fair or a course that lasts longer is nobody's day any more.
const LONGEST: TimeDelta = TimeDelta::days(31);
/// Counted by itself: its day or its sightings matter.
const WHOLE: &str = "(a.all_day = 1 or a.named = '')";

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
        named.split(' ').any(|user| user.is_empty() || self.left.contains(user))
    }
}

/// A span of time, from inclusive, to exclusive.
type Span = (DateTime<Utc>, DateTime<Utc>);

impl Store {
    /// Activities of a span, as far as these columns need them; meetings as they are `now`. Whole days stand at midnight UTC of their
    /// date, which may lie up to a day on the other side of an end: they come from there too.
    pub async fn counted(
        &self,
        span: Span,
        needs: &Needs,
        now: DateTime<Utc>,
        special: &Special,
    ) -> Result<Vec<Happened>, StoreError> {
        let Some(wanted) = wanted(needs) else { return Ok(Vec::new()) };
        let within = format!("{} and {wanted}", around(span));
        let over =
            format!("cast(case when coalesce(a.ended_at, a.occurred_at) <= {} then 1 else 0 end as bigint)", ms(now));
        // one look at each row: what counts by itself is a group of its own
        let sql = format!(
            "select a.kind, a.direction, a.status, a.origin, a.automatic, cast(case when a.tags like '%\"order\"%' then 1 else 0 end as bigint), \
             a.named, {over}, case when {WHOLE} then 'whole ' || a.id when {QUOTE} then 'quote ' || a.id end, count(*), min(a.id), \
             min(a.occurred_at), min(coalesce(a.ended_at, a.occurred_at)), min(case when {QUOTE} then a.matches end) \
             from activities a where {within} group by 1, 2, 3, 4, 5, 6, 7, 8, 9"
        );
        let (mut all, mut whole, mut apart) = (Vec::new(), Vec::new(), BTreeSet::new());
        for row in self.db.rows(&sql, vec![]).await? {
            let (named, by_itself) = (row.text(6), row.opt_text(8));
            if by_itself.is_some() && special.concerns(&named) || by_itself.is_some_and(|t| t.starts_with("whole ")) {
                whole.push(row.text(10));
            } else if special.concerns(&named) {
                apart.insert(named);
            } else {
                all.extend(alike(&row)?);
            }
        }
        let apart: Vec<String> = apart.into_iter().collect();
        let sql = format!(
            "select a.id from activities a where {within} and not {WHOLE} and not ({QUOTE}) and a.named in ({{in}})"
        );
        whole.extend(self.db.rows_in(&sql, &apart).await?.iter().map(|r| r.text(0)));
        all.extend(self.happened_by_ids(&whole, &special.members).await?);
        Ok(all)
    }

    /// Threads in which a mail between people of a span answers the other side's, as [`Talked`] says.
    pub async fn talked(&self, span: Span, special: &Special) -> Result<Talked, StoreError> {
        let answers = answers(span);
        let sql = format!("with {answers} select p.people, count(*) from people p group by p.people");
        let (mut threads, mut apart) = (Vec::new(), Vec::new());
        for row in self.db.rows(&sql, vec![]).await? {
            let people = row.text(0);
            if special.concerns(&people) {
                apart.push(people);
            } else {
                threads.push(talk(&people, u64::try_from(row.int(1)).unwrap_or(0)));
            }
        }
        if apart.is_empty() {
            return Ok(Talked { threads, mails: Vec::new() });
        }
        let sql = format!("with {answers} select p.thread from people p where p.people in ({{in}})");
        let apart: Vec<String> = self.db.rows_in(&sql, &apart).await?.iter().map(|r| r.text(0)).collect();
        let (from, to) = (span.0 - RECENT, span.1);
        let sql = format!(
            "select a.id from activities a where {TALK} and a.occurred_at >= {} and a.occurred_at < {} and a.thread in ({{in}})",
            ms(from),
            ms(to)
        );
        let ids: Vec<String> = self.db.rows_in(&sql, &apart).await?.iter().map(|r| r.text(0)).collect();
        Ok(Talked { threads, mails: self.happened_by_ids(&ids, &special.members).await? })
    }
}

impl Store {
    /// What happened in a span by itself, and meetings that last into it: of each when it was, whether it stands and whom it names;
    /// all there is where its day or its sightings matter.
    pub async fn of_days(&self, (from, to): Span, special: &Special) -> Result<Vec<Happened>, StoreError> {
        let days = format!(
            "select a.id, a.kind, a.direction, a.origin, a.occurred_at, a.named, a.ended_at, a.status, \
             cast(case when {WHOLE} then 1 else 0 end as bigint) from activities a"
        );
        let sql = format!(
            "{days} where a.occurred_at >= $1 and a.occurred_at < $2 union all {days} where {LASTING} and a.kind = 'meeting' \
             and a.occurred_at >= $3 and a.occurred_at < $1 and a.ended_at > $1"
        );
        let (mut all, mut whole) = (Vec::new(), Vec::new());
        let by_itself = |row: &Row| row.flag(8) || special.concerns(row.str(5));
        let read = |row: &Row| Ok(if by_itself(row) { Err(row.text(0)) } else { Ok(short(row)) });
        for happened in self.db.read(&sql, args![ms(from), ms(to), ms(from - LONGEST)], read).await? {
            match happened {
                Ok(happened) => all.extend(happened),
                Err(id) => whole.push(id),
            }
        }
        all.extend(self.happened_by_ids(&whole, &special.members).await?);
        Ok(all)
    }

    /// When each deal first took each step until now; a deal that took none may be left out.
    pub async fn first_steps(&self, now: DateTime<Utc>) -> Result<Vec<Firsts>, StoreError> {
        let (now, recent) = (ms(now), RECENT.num_milliseconds());
        let sql = format!(
            "with touched as (select l.entity_id as deal, a.kind, a.direction, a.occurred_at, {QUOTE} as quote, {TALK} as talk, \
               max(case when {TALK} and a.direction = 'inbound' then a.occurred_at end) over earlier as last_in, \
               max(case when {TALK} and a.direction = 'outbound' then a.occurred_at end) over earlier as last_out \
               from links l join activities a on a.id = l.activity where l.entity = 'deal' and a.kind <> 'note' and a.occurred_at <= {now} \
               and (a.kind <> 'meeting' or a.status = 'done' or (a.status in ('planned', 'held') and coalesce(a.ended_at, a.occurred_at) <= {now})) \
               window earlier as (partition by l.entity_id, a.thread order by a.occurred_at groups between unbounded preceding and 1 preceding)) \
             select t.deal, min(case when t.kind = 'call' or (t.talk and t.occurred_at - case t.direction when 'inbound' then t.last_out \
               else t.last_in end <= {recent}) then t.occurred_at end), min(case when t.kind = 'meeting' then t.occurred_at end), \
               min(case when t.quote and t.direction = 'outbound' then t.occurred_at end) from touched t group by t.deal"
        );
        let rows = self.db.rows(&sql, vec![]).await?;
        let first = |r: &Row| Firsts {
            deal: r.text(0),
            talk: opt_at(r.opt_int(1)),
            meeting: opt_at(r.opt_int(2)),
            quote: opt_at(r.opt_int(3)),
        };
        Ok(rows.iter().map(first).collect())
    }
}

/// Mail between people, in a thread.
const TALK: &str = "(a.kind = 'email' and a.automatic = 0 and a.origin = 'captured' and a.thread is not null and a.direction is not null)";

/// `people`: by thread with a conversation in the span all whom its answers name. What a conversation is stands in
/// `domain::conversations`; of one moment neither answers the other.
fn answers((from, to): Span) -> String {
    let (recent, from, to) = (RECENT.num_milliseconds(), ms(from), ms(to));
    format!(
        "mails as (select a.thread, a.direction, a.named, a.occurred_at, \
           max(case when a.direction = 'inbound' then a.occurred_at end) over earlier as last_in, \
           max(case when a.direction = 'outbound' then a.occurred_at end) over earlier as last_out from activities a \
           where {TALK} and a.occurred_at >= {from} - {recent} and a.occurred_at < {to} \
           window earlier as (partition by a.thread order by a.occurred_at groups between unbounded preceding and 1 preceding)), \
         people as (select m.thread, string_agg(m.named, ' ' order by m.named) as people from (select distinct m.thread, m.named from mails m \
           where m.occurred_at >= {from} and m.occurred_at - case m.direction when 'inbound' then m.last_out else m.last_in end <= {recent}) m \
           group by m.thread)"
    )
}

/// What these columns count; `None`: nothing that happened.
fn wanted(needs: &Needs) -> Option<String> {
    if needs.kinds.len() == Kind::ALL.len() {
        return Some("1 = 1".to_owned());
    }
    let kinds: Vec<String> = needs.kinds.iter().map(|k| format!("'{k}'")).collect();
    let kinds = (!kinds.is_empty()).then(|| format!("a.kind in ({})", kinds.join(", ")));
    let quotes = needs.quotes.then(|| format!("({QUOTE})"));
    let all: Vec<String> = kinds.into_iter().chain(quotes).collect();
    (!all.is_empty()).then(|| format!("({})", all.join(" or ")))
}

fn around((from, to): Span) -> String {
    let day = TimeDelta::days(1);
    format!(
        "a.occurred_at >= {} and a.occurred_at < {} and (a.all_day = 1 or (a.occurred_at >= {} and a.occurred_at < {}))",
        ms(from - day),
        ms(to + day),
        ms(from),
        ms(to)
    )
}

/// So many threads of the same people.
fn talk(people: &str, times: u64) -> Happened {
    Happened { times, ..bare(String::new(), Kind::Email, Some(Direction::Inbound), people) }
}

/// One activity without what a day does not show of it.
fn short(row: &Row) -> Option<Happened> {
    let direction = row.opt_text(2).and_then(|d| Direction::parse(&d));
    let mut happened = bare(row.text(0), Kind::parse(row.str(1))?, direction, row.str(5));
    let activity = &mut happened.activity;
    (activity.origin, activity.occurred_at) = (Origin::parse(row.str(3))?, at(row.int(4)));
    (activity.ended_at, activity.status) = (opt_at(row.opt_int(6)), Status::parse(row.str(7))?);
    Some(happened)
}

/// Something that names these users, and no more.
fn bare(id: String, kind: Kind, direction: Option<Direction>, named: &str) -> Happened {
    let activity = Activity {
        id,
        kind,
        status: Status::Done,
        confirmed: None,
        direction,
        occurred_at: DateTime::default(),
        ended_at: None,
        participants: naming(kind, direction, named.split(' ')),
        matches: Vec::new(),
        undecided: Vec::new(),
        tags: Vec::new(),
        origin: Origin::Captured,
        automatic: false,
    };
    Happened { activity, all_day: false, thread: None, sightings: Vec::new(), times: 1 }
}

/// Several that count alike: as one of them, with their number.
fn alike(row: &Row) -> Result<Option<Happened>, StoreError> {
    let (Some(kind), Some(status), Some(origin)) =
        (Kind::parse(&row.text(0)), Status::parse(&row.text(2)), Origin::parse(&row.text(3)))
    else {
        return Ok(None);
    };
    let tags = [(row.flag(5), "order"), (row.opt_text(13).is_some(), "quote")];
    let direction = row.opt_text(1).and_then(|d| Direction::parse(&d));
    let named = row.text(6);
    let activity = Activity {
        id: row.text(10),
        kind,
        status,
        confirmed: None,
        direction,
        occurred_at: at(row.int(11)),
        ended_at: opt_at(row.opt_int(12)),
        participants: naming(kind, direction, named.split(' ')),
        matches: row.opt_text(13).map(|text| serde_json::from_str(&text)).transpose()?.unwrap_or_default(),
        undecided: Vec::new(),
        tags: tags.into_iter().filter(|(there, _)| *there).map(|(_, tag)| tag.to_owned()).collect(),
        origin,
        automatic: row.flag(4),
    };
    let times = u64::try_from(row.int(9)).unwrap_or(0);
    Ok(Some(Happened { activity, all_day: false, thread: None, sightings: Vec::new(), times }))
}
