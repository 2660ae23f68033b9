//! Activities with their texts, links, parties and references.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use chrono::{DateTime, Utc};

pub use super::choices::{Chosen, choices, choose, copy_choices};
use super::{Arg, Row, StoreError, Tx, at, ms, opt_at, opt_ms};
use crate::{
    args,
    domain::{
        activity::{Activity, Direction, Entity, Kind, Match, Origin, Status, TextState},
        address,
        reports::credit,
    },
};

/// An activity with everything its row holds.
#[derive(Clone, Debug)]
pub struct Stored {
    pub activity: Activity,
    pub all_day: bool,
    pub time_uncertain: bool,
    pub subject: Option<String>,
    pub text_state: TextState,
    pub thread: Option<String>,
    pub message_id: Option<String>,
    /// Identity of a mail without Message-ID.
    pub dedupe: Option<String>,
    pub ical_uid: Option<String>,
    pub recurrence_id: Option<DateTime<Utc>>,
}

pub(super) const COLUMNS: &str = "a.id, a.kind, a.status, a.confirmed, a.direction, a.occurred_at, a.ended_at, a.all_day, \
    a.time_uncertain, a.subject, a.text_state, a.thread, a.message_id, a.dedupe, a.ical_uid, a.recurrence_id, a.participants, \
    a.matches, a.undecided, a.tags, a.automatic, a.origin";

pub(super) fn read(row: &Row) -> Result<Stored, StoreError> {
    let word = |i: usize| StoreError::Broken(format!("activity {}: column {i}", row.text(0)));
    Ok(Stored {
        activity: Activity {
            id: row.text(0),
            kind: Kind::parse(&row.text(1)).ok_or_else(|| word(1))?,
            status: Status::parse(&row.text(2)).ok_or_else(|| word(2))?,
            confirmed: row.opt_int(3).map(|v| v != 0),
            direction: row.opt_text(4).and_then(|t| Direction::parse(&t)),
            occurred_at: at(row.int(5)),
            ended_at: opt_at(row.opt_int(6)),
            participants: serde_json::from_str(&row.text(16))?,
            matches: serde_json::from_str(&row.text(17))?,
            undecided: serde_json::from_str(&row.text(18))?,
            tags: serde_json::from_str(&row.text(19))?,
            automatic: row.flag(20),
            origin: Origin::parse(&row.text(21)).ok_or_else(|| word(21))?,
        },
        all_day: row.flag(7),
        time_uncertain: row.flag(8),
        subject: row.opt_text(9),
        text_state: TextState::parse(&row.text(10)).ok_or_else(|| word(10))?,
        thread: row.opt_text(11),
        message_id: row.opt_text(12),
        dedupe: row.opt_text(13),
        ical_uid: row.opt_text(14),
        recurrence_id: opt_at(row.opt_int(15)),
    })
}

/// Besides what [`read`] reads: the users that it names, so that counting needs no look at who took part.
fn write(s: &Stored) -> Result<Vec<Arg<'_>>, StoreError> {
    let a = &s.activity;
    Ok(args![
        &a.id,
        a.kind.as_str(),
        a.status.as_str(),
        a.confirmed.map(i64::from),
        a.direction.map(Direction::as_str),
        ms(a.occurred_at),
        opt_ms(a.ended_at),
        s.all_day,
        s.time_uncertain,
        s.subject.as_deref(),
        s.text_state.as_str(),
        s.thread.as_deref(),
        s.message_id.as_deref(),
        s.dedupe.as_deref(),
        s.ical_uid.as_deref(),
        opt_ms(s.recurrence_id),
        serde_json::to_string(&a.participants)?,
        serde_json::to_string(&a.matches)?,
        serde_json::to_string(&a.undecided)?,
        serde_json::to_string(&a.tags)?,
        a.automatic,
        a.origin.as_str(),
        credit::named(a).into_iter().collect::<Vec<_>>().join(" "),
    ])
}

async fn load(tx: &mut Tx, filter: &str, values: &[String]) -> Result<Vec<Stored>, StoreError> {
    let sql = format!("select {COLUMNS} from activities a where {filter}");
    tx.read_in(&sql, values, read).await
}

pub async fn by_ids(tx: &mut Tx, ids: &[String]) -> Result<Vec<Stored>, StoreError> {
    load(tx, "a.id in ({in})", ids).await
}

pub async fn by_message_ids(tx: &mut Tx, ids: &[String]) -> Result<Vec<Stored>, StoreError> {
    load(tx, "a.message_id in ({in})", ids).await
}

pub async fn by_dedupe(tx: &mut Tx, keys: &[String]) -> Result<Vec<Stored>, StoreError> {
    load(tx, "a.dedupe in ({in})", keys).await
}

pub async fn by_uids(tx: &mut Tx, uids: &[String]) -> Result<Vec<Stored>, StoreError> {
    load(tx, "a.ical_uid in ({in})", uids).await
}

pub async fn by_threads(tx: &mut Tx, threads: &[String]) -> Result<Vec<Stored>, StoreError> {
    load(tx, "a.thread in ({in})", threads).await
}

/// In the link table: the activity's deal choice is pending and this deal is one of the candidates.
pub const CANDIDATE: &str = "candidate";
/// In the link table: an entry typed into the CRM names this contact. Few among a contact's many activities, and asked for
/// whenever one of these changes.
pub const TYPED: &str = "typed";

/// In the link table: the company of an activity that was given to no deal.
pub const LOOSE: &str = "loose";

/// Ids of activities tied to any of these entities.
pub async fn linked(tx: &mut Tx, entity: Entity, ids: &[String]) -> Result<Vec<String>, StoreError> {
    let sql = format!("select distinct activity from links where entity = '{entity}' and entity_id in ({{in}})");
    Ok(tx.rows_in(&sql, ids).await?.iter().map(|r| r.text(0)).collect())
}

/// (entity id, activity) pairs of these kinds of link.
pub async fn links(tx: &mut Tx, kinds: &[&str], ids: &[String]) -> Result<Vec<(String, String)>, StoreError> {
    let kinds: Vec<String> = kinds.iter().map(|kind| format!("'{kind}'")).collect();
    let sql = format!(
        "select entity_id, activity from links where entity in ({}) and entity_id in ({{in}})",
        kinds.join(", ")
    );
    tx.read_in(&sql, ids, |r| Ok((r.text(0), r.text(1)))).await
}

/// What stands beside an entity, or an address, in the tables of links: (its id, activity, when that happened).
pub type Timed = (String, String, DateTime<Utc>);

fn timed(row: &Row) -> Result<Timed, StoreError> {
    Ok((row.text(0), row.text(1), at(row.int(2))))
}

/// The same as [`links`] of one kind, with the time, of what happened since then.
pub async fn timed_links(
    tx: &mut Tx,
    kind: &str,
    ids: &[String],
    since: DateTime<Utc>,
) -> Result<Vec<Timed>, StoreError> {
    let sql = format!(
        "select l.entity_id, l.activity, a.occurred_at from links l join activities a on a.id = l.activity \
         where l.entity = '{kind}' and a.occurred_at >= {} and l.entity_id in ({{in}})",
        ms(since)
    );
    tx.read_in(&sql, ids, timed).await
}

/// What people with these addresses take part in, since then.
pub async fn timed_parties(tx: &mut Tx, addresses: &[String], since: DateTime<Utc>) -> Result<Vec<Timed>, StoreError> {
    let sql = format!(
        "select p.address, p.activity, a.occurred_at from parties p join activities a on a.id = p.activity \
         where a.occurred_at >= {} and p.address in ({{in}})",
        ms(since)
    );
    tx.read_in(&sql, addresses, timed).await
}

/// Deals on which any of these contacts takes part in something.
pub async fn deals_with(tx: &mut Tx, contacts: &[String]) -> Result<Vec<String>, StoreError> {
    let sql = format!(
        "select a.matches from links l join activities a on a.id = l.activity \
         where l.entity = '{}' and l.entity_id in ({{in}})",
        Entity::Contact
    );
    let deals_of = |r: &Row| {
        let matches: Vec<Match> = serde_json::from_str(&r.text(0))?;
        Ok(matches.into_iter().filter(|m| m.entity == Entity::Deal).map(|m| m.id).collect::<Vec<_>>())
    };
    let deals: BTreeSet<String> = tx.read_in(&sql, contacts, deals_of).await?.into_iter().flatten().collect();
    Ok(deals.into_iter().collect())
}

/// Ids of activities with any of these participants' addresses.
pub async fn with_addresses(tx: &mut Tx, addresses: &[String]) -> Result<Vec<String>, StoreError> {
    let sql = "select distinct activity from parties where address in ({in})";
    Ok(tx.rows_in(sql, addresses).await?.iter().map(|r| r.text(0)).collect())
}

/// Ids of activities with participants at these domains or below.
pub async fn with_domains(tx: &mut Tx, domains: &[String]) -> Result<Vec<String>, StoreError> {
    let mut ids = Vec::new();
    for domain in domains {
        let sql = "select distinct activity from parties where domain = $1 or domain like $2";
        let below = format!("%.{}", domain.replace(['%', '_'], ""));
        ids.extend(tx.rows(sql, args![domain, below]).await?.iter().map(|r| r.text(0)));
    }
    Ok(ids)
}

/// Ids of activities whose subject or text holds this piece, in any case.
pub async fn mentioning(tx: &mut Tx, piece: &str) -> Result<Vec<String>, StoreError> {
    let plain = piece.to_lowercase().replace('!', "!!").replace('%', "!%").replace('_', "!_");
    let like = format!("%{plain}%");
    let sql = "select a.id from activities a left join texts t on t.activity = a.id \
               where lower(coalesce(a.subject, '')) like $1 escape '!' or lower(coalesce(t.body, '')) like $1 escape '!'";
    Ok(tx.rows(sql, args![like]).await?.iter().map(|r| r.text(0)).collect())
}

/// Writes whole rows with their links and parties; what stood there before is replaced.
pub async fn save(tx: &mut Tx, all: &[Stored]) -> Result<(), StoreError> {
    if all.is_empty() {
        return Ok(());
    }
    let ids: Vec<String> = all.iter().map(|s| s.activity.id.clone()).collect();
    let held = by_ids(tx, &ids).await?;
    let rows = all.iter().map(write).collect::<Result<Vec<_>, _>>()?;
    let names = COLUMNS.split(',').map(|c| c.trim().trim_start_matches("a."));
    let names: Vec<&str> = names.chain(["named"]).collect();
    let sets: Vec<String> = names[1..].iter().map(|n| format!("{n} = excluded.{n}")).collect();
    let head = format!("insert into activities ({})", names.join(", "));
    tx.insert(&head, &format!("on conflict (id) do update set {}", sets.join(", ")), rows).await?;
    tie(tx, &held, all).await
}

/// A row of `links`: entity, its id, activity.
type Link<'a> = (&'a str, &'a str, &'a str);
/// A row of `parties`: address, activity, domain.
type Party<'a> = (&'a str, &'a str, &'a str);

fn links_of(s: &Stored) -> impl Iterator<Item = Link<'_>> {
    let a = &s.activity;
    let matches = a.matches.iter().map(|m| (m.entity.as_str(), m.id.as_str()));
    let typed = a.ids(Entity::Contact).filter(|_| a.origin == Origin::Typed).map(|id| (TYPED, id));
    let candidates = a.undecided.iter().map(|deal| (CANDIDATE, deal.as_str()));
    let loose = a.ids(Entity::Company).filter(|_| a.is_loose()).map(|company| (LOOSE, company));
    matches.chain(typed).chain(candidates).chain(loose).map(|(entity, id)| (entity, id, a.id.as_str()))
}

fn parties_of(s: &Stored) -> impl Iterator<Item = Party<'_>> {
    let party = |address| (address, s.activity.id.as_str(), address::domain(address).unwrap_or_default());
    s.activity.participants.iter().map(move |p| party(p.address.as_str()))
}

/// Brings links and parties from what they were to what they are: only what differs is written, each row by its key.
async fn tie(tx: &mut Tx, before: &[Stored], now: &[Stored]) -> Result<(), StoreError> {
    let [old, new] = [before, now].map(|rows| rows.iter().flat_map(links_of).collect::<BTreeSet<_>>());
    for &(entity, id, activity) in old.difference(&new) {
        let sql = "delete from links where entity = $1 and entity_id = $2 and activity = $3";
        tx.exec(sql, args![entity, id, activity]).await?;
    }
    let rows = new.difference(&old).map(|l| args![l.0, l.1, l.2]).collect();
    tx.insert("insert into links (entity, entity_id, activity)", "on conflict do nothing", rows).await?;
    let [old, new] = [before, now].map(|rows| rows.iter().flat_map(parties_of).collect::<BTreeSet<_>>());
    for &(address, activity, _) in old.difference(&new) {
        tx.exec("delete from parties where address = $1 and activity = $2", args![address, activity]).await?;
    }
    let rows = new.difference(&old).map(|p| args![p.0, p.1, p.2]).collect();
    tx.insert("insert into parties (address, activity, domain)", "on conflict do nothing", rows).await
}

/// Removes activities without a trace.
pub async fn delete(tx: &mut Tx, ids: &[String]) -> Result<(), StoreError> {
    let held = by_ids(tx, ids).await?;
    tie(tx, &held, &[]).await?;
    for (table, column) in [("texts", "activity"), ("refs", "activity"), ("activities", "id")] {
        tx.exec_in(&format!("delete from {table} where {column} in ({{in}})"), ids).await?;
    }
    Ok(())
}

pub async fn texts(tx: &mut Tx, ids: &[String]) -> Result<HashMap<String, Arc<str>>, StoreError> {
    let sql = "select activity, body from texts where activity in ({in})";
    Ok(tx.read_in(sql, ids, |r| Ok((r.text(0), r.str(1).into()))).await?.into_iter().collect())
}

/// Writes texts; an empty one takes away what was kept.
pub async fn save_texts(tx: &mut Tx, texts: &[(String, Arc<str>)]) -> Result<(), StoreError> {
    let (kept, none): (Vec<_>, Vec<_>) = texts.iter().partition(|(_, body)| !body.is_empty());
    let none: Vec<String> = none.into_iter().map(|(id, _)| id.clone()).collect();
    tx.exec_in("delete from texts where activity in ({in})", &none).await?;
    let rows = kept.into_iter().map(|(id, body)| args![id, &**body]).collect();
    tx.insert("insert into texts (activity, body)", "on conflict (activity) do update set body = excluded.body", rows)
        .await
}

/// Message-IDs that mails refer to, and their own.
pub async fn save_refs(tx: &mut Tx, refs: &[(String, String)]) -> Result<(), StoreError> {
    let rows = refs.iter().map(|(id, activity)| args![id, activity]).collect();
    tx.insert("insert into refs (ref, activity)", "on conflict do nothing", rows).await
}

/// (reference, activity) pairs for these Message-IDs.
pub async fn referring(tx: &mut Tx, refs: &[String]) -> Result<Vec<(String, String)>, StoreError> {
    tx.read_in("select ref, activity from refs where ref in ({in})", refs, |r| Ok((r.text(0), r.text(1)))).await
}

/// (reference, activity) pairs of these activities.
pub async fn refs_of(tx: &mut Tx, ids: &[String]) -> Result<Vec<(String, String)>, StoreError> {
    tx.read_in("select ref, activity from refs where activity in ({in})", ids, |r| Ok((r.text(0), r.text(1)))).await
}
