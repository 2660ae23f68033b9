//! The CRM's records as they were read, and the directory made of them.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use dealtrail_sdk::record::{self, Quality};
use serde::de::DeserializeOwned;

use super::{Store, StoreError, Tx};
use crate::{
    args,
    domain::{
        address,
        directory::{Company, Contact, Deal, Directory, FieldChange, Ours, Stage, StageChange, StageKind, Task},
        sequence,
    },
};

/// One record, ready to be stored.
#[derive(Clone, Debug)]
pub struct Row {
    /// `company`, `contact`, `stage`, `deal`, `stage_change`, `deal_change`, `typed`, `task`, `quote`.
    pub kind: &'static str,
    pub id: String,
    pub key: String,
    /// The deal it belongs to.
    pub parent: Option<String>,
    pub body: String,
}

pub async fn save(tx: &mut Tx, stream: i64, rows: &[Row]) -> Result<(), StoreError> {
    let all = rows.iter().map(|r| args![r.kind, &r.id, stream, &r.key, r.parent.clone(), &r.body]).collect();
    let tail = "on conflict (kind, id) do update set stream = excluded.stream, key = excluded.key, parent = excluded.parent, body = excluded.body";
    tx.insert("insert into crm_records (kind, id, stream, key, parent, body)", tail, all).await
}

/// Records that stood behind these keys: (kind, id, body).
pub async fn of_keys(tx: &mut Tx, stream: i64, keys: &[String]) -> Result<Vec<(String, String, String)>, StoreError> {
    let sql = format!("select kind, id, body from crm_records where stream = {stream} and key in ({{in}})");
    Ok(tx.rows_in(&sql, keys).await?.iter().map(|r| (r.text(0), r.text(1), r.text(2))).collect())
}

pub async fn remove(tx: &mut Tx, stream: i64, keys: &[String]) -> Result<(), StoreError> {
    tx.exec_in(&format!("delete from crm_records where stream = {stream} and key in ({{in}})"), keys).await?;
    Ok(())
}

/// Bodies of one kind below some deals.
pub async fn of_parents(tx: &mut Tx, kind: &str, deals: &[String]) -> Result<Vec<String>, StoreError> {
    let sql = format!("select body from crm_records where kind = '{kind}' and parent in ({{in}})");
    Ok(tx.rows_in(&sql, deals).await?.iter().map(|r| r.text(0)).collect())
}

impl Store {
    /// All records of one kind, by id, of the CRMs that are configured.
    pub async fn records<T: DeserializeOwned>(&self, kind: &str) -> Result<Vec<T>, StoreError> {
        let sql = "select r.body from crm_records r join streams s on s.id = r.stream \
                   join connections c on c.name = s.connection where r.kind = $1 and c.removed = 0 order by r.id";
        let rows = self.db.rows(sql, args![kind]).await?;
        rows.iter().map(|r| serde_json::from_str(&r.text(0)).map_err(StoreError::from)).collect()
    }

    /// One record of the CRMs that are configured.
    pub async fn record<T: DeserializeOwned>(&self, kind: &str, id: &str) -> Result<Option<T>, StoreError> {
        let sql = "select r.body from crm_records r join streams s on s.id = r.stream \
                   join connections c on c.name = s.connection where r.kind = $1 and r.id = $2 and c.removed = 0";
        let rows = self.db.rows(sql, args![kind, id]).await?;
        rows.first().map(|r| serde_json::from_str(&r.text(0)).map_err(StoreError::from)).transpose()
    }

    /// The directory as of now: stage changes that are yet to come (see [`AHEAD`]) are left out until they have come.
    pub async fn directory(&self, ours: Ours, now: DateTime<Utc>) -> Result<Directory, StoreError> {
        let fold = |text: &str| address::fold(text, &ours.subaddress).unwrap_or_else(|| text.trim().to_lowercase());
        let companies = self.records::<record::Company>("company").await?.into_iter().map(|c| Company {
            id: c.id,
            name: c.name,
            domains: c.domains.iter().map(|d| address::fold_domain(d)).collect(),
            owner: c.owner.as_deref().map(fold),
        });
        let contacts = self.records::<record::Contact>("contact").await?.into_iter().map(|c| Contact {
            id: c.id,
            name: c.name,
            emails: c.emails.iter().filter_map(|e| address::fold(e, &ours.subaddress)).collect(),
            company: c.company,
            owner: c.owner.as_deref().map(fold),
            created_at: c.created_at,
            merged_into: c.merged_into,
        });
        let stages = self.records::<record::Stage>("stage").await?.into_iter().map(|s| Stage {
            id: s.id,
            pipeline: s.pipeline,
            name: s.name,
            position: s.position,
            kind: s.kind,
            probability: s.probability,
        });
        let stages: Vec<Stage> = stages.collect();
        let tasks = self.records::<record::Task>("task").await?.into_iter().map(|t| Task {
            id: t.id,
            deal: t.deal,
            contact: t.contact,
            owner: fold(&t.owner),
            due: t.due,
            done_at: t.done_at,
        });
        let moves = self.records::<Kept>("stage_change").await?.into_iter().filter(|c| c.change.at <= now + AHEAD);
        let mut moves = grouped(moves, |c| c.change.deal.clone());
        let mut changes = grouped(self.records::<record::DealChange>("deal_change").await?, |c| c.deal.clone());
        let deals = self.records::<record::Deal>("deal").await?;
        let deals = deals.into_iter().map(|d| {
            let moves = moves.remove(&d.id).unwrap_or_default();
            let changes = changes.remove(&d.id).unwrap_or_default();
            deal(d, moves, changes, &stages, &fold)
        });
        let deals = deals.collect();
        let (companies, contacts, tasks) = (companies.collect(), contacts.collect(), tasks.collect());
        let mut directory = Directory::new(ours.clone(), companies, contacts, stages, deals, tasks);
        for quote in self.records::<record::Quote>("quote").await? {
            directory.quotes.entry(quote.deal).or_default().push(quote.sent_at);
        }
        Ok(directory)
    }
}

fn grouped<T>(all: impl IntoIterator<Item = T>, by: impl Fn(&T) -> String) -> HashMap<String, Vec<T>> {
    let mut groups: HashMap<String, Vec<T>> = HashMap::new();
    for one in all {
        groups.entry(by(&one)).or_default().push(one);
    }
    groups
}

/// A deal with its history in order. Without a row for its entry it entered its first stage when it was created.
fn deal(
    d: record::Deal,
    moves: Vec<Kept>,
    changes: Vec<record::DealChange>,
    stages: &[Stage],
    fold: &impl Fn(&str) -> String,
) -> Deal {
    let stage_changes: Vec<StageChange> = moves
        .into_iter()
        .map(|Kept { change: c, not_before }| StageChange {
            from: c.from,
            to: c.to,
            at: c.at,
            not_before,
            by: c.by.as_deref().map(fold),
            quality: c.quality,
        })
        .collect();
    let mut stage_changes = sequence::in_order(stage_changes, |c| sequence::Place {
        of: "",
        at: c.at,
        from: c.from.as_deref(),
        to: Some(&c.to),
    });
    chain(&mut stage_changes);
    if stage_changes.is_empty() {
        stage_changes = closed_history(&d, stages);
    }
    if stage_changes.first().is_none_or(|c| c.from.is_some())
        && let Some(created) = d.created_at
    {
        let first = stage_changes.first().and_then(|c| c.from.clone()).unwrap_or_else(|| d.stage.clone());
        if stage_changes.first().is_none_or(|c| created <= c.at) {
            stage_changes.insert(
                0,
                StageChange { from: None, to: first, at: created, not_before: None, by: None, quality: Quality::Exact },
            );
        }
    }
    let field_changes: Vec<FieldChange> = changes
        .into_iter()
        .map(|c| {
            let person = |v: Option<String>| if c.field == "owner" { v.as_deref().map(fold) } else { v };
            FieldChange { from: person(c.from), to: person(c.to), field: c.field, at: c.at }
        })
        .collect();
    let field_changes = sequence::in_order(field_changes, |c| sequence::Place {
        of: &c.field,
        at: c.at,
        from: c.from.as_deref(),
        to: c.to.as_deref(),
    });
    Deal {
        id: d.id,
        name: d.name,
        company: d.company,
        contacts: d.contacts,
        owner: fold(&d.owner),
        pipeline: d.pipeline,
        stage: d.stage,
        amount: d.amount,
        currency: d.currency,
        close_date: d.close_date,
        forecast_category: d.forecast_category,
        created_at: d.created_at,
        closed_at: d.closed_at,
        stage_changes,
        field_changes,
    }
}

/// A deal that was closed when we first saw it, without history: it entered its pipeline's first open stage when it was
/// created and was closed when the CRM says.
fn closed_history(d: &record::Deal, stages: &[Stage]) -> Vec<StageChange> {
    let is_closed = stages.iter().any(|s| s.id == d.stage && s.kind != StageKind::Open);
    let of_pipeline = |s: &&Stage| d.pipeline.is_none() || s.pipeline == d.pipeline;
    let open = stages.iter().filter(|s| s.kind == StageKind::Open).filter(of_pipeline);
    let (Some(created), Some(closed), Some(first)) = (d.created_at, d.closed_at, open.min_by_key(|s| s.position))
    else {
        return Vec::new();
    };
    if !is_closed || closed <= created {
        return Vec::new();
    }
    let change = |from: Option<&str>, to: &str, at, quality| StageChange {
        from: from.map(str::to_owned),
        to: to.to_owned(),
        at,
        not_before: None,
        by: None,
        quality,
    };
    vec![change(None, &first.id, created, Quality::Exact), change(Some(&first.id), &d.stage, closed, Quality::WhenOnly)]
}

/// Rows that do not name the stage they came from get it from their predecessor; an observed change happened after the one
/// before it.
fn chain(changes: &mut [StageChange]) {
    for i in 1..changes.len() {
        let (before, rest) = changes.split_at_mut(i);
        let (last, this) = (&before[i - 1], &mut rest[0]);
        if this.from.is_none() {
            this.from = Some(last.to.clone());
        }
    }
}

/// A stage change with what only we know of it.
#[derive(serde::Serialize, serde::Deserialize)]
struct Kept {
    #[serde(flatten)]
    change: record::StageChange,
    /// For observed changes: the reading before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not_before: Option<DateTime<Utc>>,
}

/// What stands in the records of a deal's history.
#[derive(Clone, Copy, Debug, Default)]
pub struct History {
    /// An entry that we wrote at first sight.
    pub entry: bool,
    /// Changes that the CRM itself tells of.
    pub told: bool,
}

/// A stage change dated further ahead than this has not happened; up to this, clocks and time zones differ.
pub const AHEAD: TimeDelta = TimeDelta::days(1);

const ENTRY: &str = "entry";
const OBSERVED: &str = "observed";
const CLOSED: &str = "closed";

pub async fn histories(tx: &mut Tx) -> Result<HashMap<String, History>, StoreError> {
    let rows = tx.rows("select parent, key from crm_records where kind = 'stage_change'", vec![]).await?;
    let mut all: HashMap<String, History> = HashMap::new();
    for r in rows {
        let (history, key) = (all.entry(r.text(0)).or_default(), r.text(1));
        history.entry |= key.starts_with("entry:");
        history.told |= !["entry:", "observed:", "closed:"].iter().any(|own| key.starts_with(own));
    }
    Ok(all)
}

/// Takes back a row of ours; true when it was there.
pub async fn forget(tx: &mut Tx, kind: &str, id: &str) -> Result<bool, StoreError> {
    Ok(tx.exec("delete from crm_records where kind = $1 and id = $2", args![kind, id]).await? > 0)
}

/// The row of a field's change seen between two readings.
pub fn observed_field(change: record::DealChange) -> Result<Row, StoreError> {
    let record::DealChange { deal, field, at, .. } = &change;
    let id = format!("{deal}#{OBSERVED}:{field}:{}", at.timestamp_millis());
    let (key, parent) = (format!("{OBSERVED}:{deal}"), Some(deal.clone()));
    Ok(Row { kind: "deal_change", id, key, parent, body: serde_json::to_string(&change)? })
}

/// A change of a deal's field, and whether we saw it or the CRM tells of it.
#[derive(Clone, Debug)]
pub struct KnownChange {
    pub id: String,
    pub ours: bool,
    pub change: record::DealChange,
}

/// All changes of the fields of those deals that changed between two readings.
pub async fn around_observed_fields(tx: &mut Tx) -> Result<Vec<KnownChange>, StoreError> {
    let sql = format!(
        "select r.id, r.key, r.body from crm_records r where r.kind = 'deal_change' and r.parent in \
         (select o.parent from crm_records o where o.kind = 'deal_change' and o.key like '{OBSERVED}:%') order by r.id"
    );
    let read = |r: &super::Row| {
        let ours = r.text(1).starts_with("observed:");
        Ok(KnownChange { id: r.text(0), ours, change: serde_json::from_str(&r.text(2))? })
    };
    tx.rows(&sql, vec![]).await?.iter().map(read).collect()
}

pub fn entry_id(deal: &str) -> String {
    format!("{deal}#{ENTRY}")
}

fn ours(
    mark: &str,
    deal: &str,
    id: String,
    change: record::StageChange,
    not_before: Option<DateTime<Utc>>,
) -> Result<Row, StoreError> {
    let body = serde_json::to_string(&Kept { change, not_before })?;
    Ok(Row { kind: "stage_change", id, key: format!("{mark}:{deal}"), parent: Some(deal.to_owned()), body })
}

/// The row of a deal's entry, seen when the deal was first read.
pub fn entry(deal: &str, stage: &str, at: DateTime<Utc>, exact: bool) -> Result<Row, StoreError> {
    let quality = if exact { Quality::Exact } else { Quality::Observed };
    let change = record::StageChange { deal: deal.to_owned(), from: None, to: stage.to_owned(), at, by: None, quality };
    ours(ENTRY, deal, entry_id(deal), change, None)
}

/// The row of a closing whose time the CRM knows, but not the stages before.
pub fn when_only(deal: &str, from: &str, to: &str, at: DateTime<Utc>) -> Result<Row, StoreError> {
    let (from, to) = (Some(from.to_owned()), to.to_owned());
    let change = record::StageChange { deal: deal.to_owned(), from, to, at, by: None, quality: Quality::WhenOnly };
    ours(CLOSED, deal, format!("{deal}#{CLOSED}"), change, None)
}

/// The row of a move seen between two readings.
pub fn observed(
    deal: &str,
    from: &str,
    to: &str,
    at: DateTime<Utc>,
    not_before: DateTime<Utc>,
) -> Result<Row, StoreError> {
    let (from, to) = (Some(from.to_owned()), to.to_owned());
    let change = record::StageChange { deal: deal.to_owned(), from, to, at, by: None, quality: Quality::Observed };
    ours(OBSERVED, deal, String::new(), change, Some(not_before))
}
