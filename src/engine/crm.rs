//! Writes records of a CRM, in the transaction that marks what of the history they touch.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use dealtrail_sdk::record::{self, Quality, Record};

use super::{Connection, Engine, EngineError, fields, touched::Touched};
use crate::{
    domain::{
        directory::{Deal, Directory, StageChange, StageKind},
        sequence::{self, Change},
    },
    store::{
        StoreError, Tx, directory, items,
        items::{Decided, Outcome},
        meta,
    },
};

/// Puts the connection's name before every id, where there are two CRMs.
fn prefixed(record: Record, prefix: Option<&str>) -> Record {
    let Some(prefix) = prefix else { return record };
    let p = |id: &mut String| *id = format!("{prefix}/{id}");
    let o = |id: &mut Option<String>| {
        if let Some(id) = id {
            *id = format!("{prefix}/{id}");
        }
    };
    let mut record = record;
    match &mut record {
        Record::Company(r) => p(&mut r.id),
        Record::Contact(r) => {
            p(&mut r.id);
            o(&mut r.company);
            o(&mut r.merged_into);
        }
        Record::Stage(r) => p(&mut r.id),
        Record::Deal(r) => {
            p(&mut r.id);
            p(&mut r.stage);
            o(&mut r.company);
            r.contacts.iter_mut().for_each(|c| p(&mut c.contact));
        }
        Record::StageChange(r) => {
            p(&mut r.deal);
            p(&mut r.to);
            o(&mut r.from);
        }
        Record::DealChange(r) => p(&mut r.deal),
        Record::Typed(r) => {
            p(&mut r.id);
            o(&mut r.deal);
            r.contacts.iter_mut().for_each(p);
        }
        Record::Task(r) => {
            p(&mut r.id);
            o(&mut r.deal);
            o(&mut r.contact);
        }
        Record::Quote(r) => {
            p(&mut r.id);
            p(&mut r.deal);
        }
        Record::Mail(_) | Record::Event(_) => {}
    }
    record
}

fn row(key: &str, record: &Record) -> Result<Option<directory::Row>, StoreError> {
    let made = |kind, id: String, parent: Option<&String>, body: serde_json::Result<String>| -> Result<_, StoreError> {
        Ok(Some(directory::Row { kind, id, key: key.to_owned(), parent: parent.cloned(), body: body? }))
    };
    match record {
        Record::Company(r) => made("company", r.id.clone(), None, serde_json::to_string(r)),
        Record::Contact(r) => made("contact", r.id.clone(), None, serde_json::to_string(r)),
        Record::Stage(r) => made("stage", r.id.clone(), None, serde_json::to_string(r)),
        Record::Deal(r) => made("deal", r.id.clone(), Some(&r.id), serde_json::to_string(r)),
        Record::StageChange(r) => {
            made("stage_change", format!("{}#{key}", r.deal), Some(&r.deal), serde_json::to_string(r))
        }
        Record::DealChange(r) => {
            made("deal_change", format!("{}#{key}", r.deal), Some(&r.deal), serde_json::to_string(r))
        }
        Record::Typed(r) => made("typed", r.id.clone(), r.deal.as_ref(), serde_json::to_string(r)),
        Record::Task(r) => made("task", r.id.clone(), r.deal.as_ref(), serde_json::to_string(r)),
        Record::Quote(r) => made("quote", r.id.clone(), Some(&r.deal), serde_json::to_string(r)),
        Record::Mail(_) | Record::Event(_) => Ok(None),
    }
}

/// Writes one batch of records; `vanished` are keys whose rows are gone.
pub async fn write(
    tx: &mut Tx,
    engine: &Engine,
    c: &Connection,
    stream: i64,
    records: Vec<(String, String, Option<String>, Record)>,
    vanished: &[String],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    if records.is_empty() && vanished.is_empty() {
        return Ok(());
    }
    let known = engine.known();
    let mut touched = Touched::default();
    let keys: Vec<String> = records.iter().map(|r| r.0.clone()).chain(vanished.iter().cloned()).collect();
    let before = directory::of_keys(tx, stream, &keys).await?;
    let old: HashMap<(&str, &str), &str> =
        before.iter().map(|(kind, id, body)| ((kind.as_str(), id.as_str()), body.as_str())).collect();
    directory::remove(tx, stream, &keys).await?;
    let mut rows = Vec::new();
    let mut decided = Vec::new();
    let mut typed = Vec::new();
    let mut same = BTreeSet::new();
    for (key, resource, version, record) in records {
        let mut record = prefixed(record, c.prefix.as_deref());
        keep_addresses(&mut record, &old)?;
        if let Some(row) = row(&key, &record)? {
            let unchanged = old.get(&(row.kind, row.id.as_str())) == Some(&row.body.as_str());
            if unchanged {
                same.insert((row.kind.to_owned(), row.id.clone()));
            } else {
                touched.note(row.kind, &row.body, &known.directory)?;
            }
            if let (Record::Deal(deal), Some(body), false) = (&record, old.get(&("deal", row.id.as_str())), unchanged) {
                rows.extend(fields::differences(&serde_json::from_str(body)?, deal, &known.directory, now)?);
            }
            rows.push(row);
        }
        decided.push(Decided::plain(key.clone(), resource, version, Outcome::Read));
        if let Record::Typed(entry) = record {
            typed.push((key, *entry));
        }
    }
    for (kind, _, body) in before.iter().filter(|(kind, id, _)| !same.contains(&(kind.clone(), id.clone()))) {
        touched.lost = true;
        touched.note(kind, body, &known.directory)?;
    }
    directory::save(tx, stream, &rows).await?;
    items::save(tx, stream, &decided, now).await?;
    super::corroborate::write_typed(tx, c, &known, stream, typed, vanished).await?;
    touched.mark(tx, &engine.store, &known).await
}

/// A CRM empties the record of a contact that it merged into another: the addresses it had are the survivor's now.
fn keep_addresses(record: &mut Record, old: &HashMap<(&str, &str), &str>) -> Result<(), StoreError> {
    let Record::Contact(contact) = record else { return Ok(()) };
    if contact.merged_into.is_some()
        && contact.emails.is_empty()
        && let Some(before) = old.get(&("contact", contact.id.as_str()))
    {
        contact.emails = serde_json::from_str::<record::Contact>(before)?.emails;
    }
    Ok(())
}

impl Engine {
    /// A deal whose stage differs from its last stage change moved between two readings: it gets an observed change. When
    /// the CRM's own history tells of the move later, that one stands; the same holds of its fields. Only
    /// after the deals were really read: an outage must not shrink the interval.
    pub async fn observe_stages(&self, c: &Connection) -> Result<(), EngineError> {
        let streams = self.store.streams_of(&c.name).await?;
        let Some(stream) = streams.iter().find(|s| s.stream.name.starts_with("deals")) else { return Ok(()) };
        let Some(read_to) = stream.complete_to.filter(|_| stream.last_error.is_none()) else { return Ok(()) };
        let key = format!("observed:{}", c.name);
        let before = self.store.meta(&key).await?.and_then(|t| t.parse::<i64>().ok()).map(crate::store::at);
        let mut tx = self.store.begin().await?;
        let known = self.known_in(&mut tx).await?;
        let dir = &known.directory;
        let histories = directory::histories(&mut tx).await?;
        let own = dir.deals.values().filter(|d| c.prefix.as_ref().is_none_or(|p| d.id.starts_with(&format!("{p}/"))));
        let seen = Seen { dir, stream: stream.id, now: self.now(), before };
        let mut moved = fields::take_back(&mut tx, dir).await?;
        for deal in own {
            if seen.deal(&mut tx, deal, histories.get(&deal.id)).await? {
                moved.insert(deal.id.clone());
            }
        }
        if !moved.is_empty() {
            let touched = Touched::of_deals(moved);
            touched.mark(&mut tx, &self.store, &known).await?;
        }
        meta::set(&mut tx, &key, &read_to.timestamp_millis().to_string()).await?;
        tx.commit().await?;
        self.reload().await?;
        Ok(())
    }
}

/// What one reading of the deals shows.
struct Seen<'a> {
    dir: &'a Directory,
    stream: i64,
    now: DateTime<Utc>,
    /// The reading before.
    before: Option<DateTime<Utc>>,
}

impl Seen<'_> {
    /// Writes what this reading adds to a deal's history; true when it changed.
    async fn deal(&self, tx: &mut Tx, deal: &Deal, history: Option<&directory::History>) -> Result<bool, StoreError> {
        let Some(history) = history else {
            // first sight of a deal without history: where it stands now is where it entered, or where it was closed
            let entered = deal.stage_changes.first().filter(|c| c.from.is_none());
            let stage = entered.map_or(&deal.stage, |c| &c.to);
            let at = deal.created_at.unwrap_or(self.now);
            let row = directory::entry(&deal.id, stage, at, deal.created_at.is_some())?;
            directory::save(tx, self.stream, &[row]).await?;
            for change in deal.stage_changes.iter().filter(|c| c.from.is_some()) {
                let from = change.from.as_deref().unwrap_or(stage);
                let row = directory::when_only(&deal.id, from, &change.to, change.at)?;
                directory::save(tx, self.stream, &[row]).await?;
            }
            return Ok(true);
        };
        let mut changed = false;
        if history.entry && history.told {
            changed |= directory::forget(tx, "stage_change", &directory::entry_id(&deal.id)).await?;
        }
        let mut kept = deal.stage_changes.clone();
        if history.entry && history.told {
            kept.retain(|x| x.from.is_some() || x.quality != Quality::Observed);
        }
        for seen in kept.clone().iter().filter(|x| x.from.is_some() && x.quality == Quality::Observed) {
            if told(seen, &kept) {
                changed |= directory::forget(tx, "stage_change", &observed_id(&deal.id, seen.at)).await?;
                kept.retain(|x| x != seen);
            }
        }
        // what was to come when the deals were read before, and has come
        changed |= kept.iter().any(|x| self.before.is_some_and(|b| x.at > b + directory::AHEAD));
        let Some(last) = kept.last().filter(|last| last.to != deal.stage) else { return Ok(changed) };
        let is_closed = self.dir.stage_kind(&deal.stage) != StageKind::Open;
        let closed = deal.closed_at.filter(|at| is_closed && *at > last.at && *at <= self.now);
        let at = closed.unwrap_or(self.now);
        let not_before = self.before.filter(|b| *b < at && *b > last.at).unwrap_or(last.at);
        let row = directory::observed(&deal.id, &last.to, &deal.stage, at, not_before)?;
        directory::save(tx, self.stream, &[directory::Row { id: observed_id(&deal.id, at), ..row }]).await?;
        Ok(true)
    }
}

/// The CRM's own history tells of a move that we saw. `all` in their order.
fn told(seen: &StageChange, all: &[StageChange]) -> bool {
    let ours = |x: &StageChange| x.quality == Quality::Observed;
    let all: Vec<Change<'_>> = all.iter().map(|x| Change { at: x.at, to: Some(&x.to), ours: ours(x) }).collect();
    sequence::told(&Change { at: seen.at, to: Some(&seen.to), ours: true }, &all)
}

fn observed_id(deal: &str, at: DateTime<Utc>) -> String {
    format!("{deal}#observed:{}", at.timestamp_millis())
}
