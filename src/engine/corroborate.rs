//! Entries typed into the CRM: an activity of their own until a captured one confirms them, then a sighting of that one.

use chrono::TimeDelta;
use dealtrail_sdk::record::Typed;

use super::{Connection, Engine, EngineError, Known, identity, matches, matches::Fresh};
use crate::{
    args,
    domain::{
        activity::{Activity, Entity, Kind, Match, Origin, Reason, Status, TextState},
        address,
    },
    store::{
        StoreError, Tx, activities,
        activities::Stored,
        sightings::{self, Sighting},
    },
};

/// Mail with the same party within a day, or a meeting that overlaps within half an hour, confirms a typed entry.
const MAIL_SPAN: TimeDelta = TimeDelta::days(1);
const MEETING_SPAN: TimeDelta = TimeDelta::minutes(30);

/// Writes typed entries of a batch; `vanished` are keys of entries (among others) that are gone.
pub async fn write_typed(
    tx: &mut Tx,
    c: &Connection,
    known: &Known,
    stream: i64,
    typed: Vec<(String, Typed)>,
    vanished: &[String],
) -> Result<(), StoreError> {
    let keys: Vec<String> = typed.iter().map(|t| t.0.clone()).chain(vanished.iter().cloned()).collect();
    let old: Vec<Sighting> = sightings::of_items(tx, stream, &keys).await?.into_iter().filter(|s| s.typed).collect();
    for s in &old {
        sightings::remove_one(tx, s).await?;
    }
    let of_old: Vec<String> = old.iter().map(|s| s.activity.clone()).collect();
    let orphans = sightings::without(tx, &of_old).await?;
    let deals: Vec<String> = activities::by_ids(tx, &of_old)
        .await?
        .iter()
        .flat_map(|s| s.activity.ids(Entity::Deal).map(str::to_owned).collect::<Vec<_>>())
        .collect();
    matches::mark(tx, deals).await?;
    activities::delete(tx, &orphans).await?;
    let mut fresh = Fresh::default();
    let mut ties = Vec::new();
    for (key, entry) in typed {
        let row = activity(c, known, &entry);
        ties.push(Sighting {
            activity: row.activity.id.clone(),
            stream,
            key,
            owner: entry.owner.as_deref().and_then(|o| address::fold(o, &known.directory.ours.subaddress)),
            direction: None,
            typed: true,
            gone_at: None,
            view: None,
        });
        fresh.rows.push(row);
    }
    sightings::save(tx, &ties).await?;
    matches::settle(tx, known, fresh).await
}

fn activity(c: &Connection, known: &Known, t: &Typed) -> Stored {
    let dir = &known.directory;
    let tie = |entity, id: &str| Match {
        entity,
        id: id.to_owned(),
        reason: Reason::Reference,
        score: crate::domain::matching::score(Reason::Reference),
        runner_up: None,
        by: "rule".into(),
    };
    let mut ties: Vec<Match> = t.contacts.iter().map(|id| tie(Entity::Contact, dir.survivor(id))).collect();
    ties.extend(t.deal.iter().map(|id| tie(Entity::Deal, id)));
    let kind = Kind::parse(&t.kind).unwrap_or(Kind::Note);
    let meeting = kind == Kind::Meeting;
    Stored {
        activity: Activity {
            id: identity::of_typed(&c.name, &t.id),
            kind,
            status: if meeting { Status::Planned } else { Status::Done },
            confirmed: Some(false),
            direction: None,
            occurred_at: t.occurred_at,
            ended_at: meeting.then_some(t.occurred_at),
            participants: Vec::new(),
            matches: ties,
            undecided: Vec::new(),
            tags: Vec::new(),
            origin: Origin::Typed,
            automatic: false,
        },
        all_day: false,
        time_uncertain: false,
        subject: t.subject.clone(),
        text_state: TextState::None,
        thread: None,
        message_id: None,
        dedupe: None,
        ical_uid: None,
        recurrence_id: None,
    }
}

/// Does the captured activity confirm the typed one? Same kind, a common contact (or, without contacts, the deal), near in time.
pub fn confirms(captured: &Activity, typed: &Activity) -> bool {
    if captured.kind != typed.kind || captured.origin != Origin::Captured || captured.automatic {
        return false;
    }
    if matches!(captured.status, Status::Cancelled | Status::Declined) {
        return false;
    }
    let common = |entity| typed.ids(entity).any(|id| captured.ids(entity).any(|other| other == id));
    let has_contacts = typed.ids(Entity::Contact).next().is_some();
    let party = if has_contacts { common(Entity::Contact) } else { common(Entity::Deal) };
    party
        && match typed.kind {
            Kind::Email => (captured.occurred_at - typed.occurred_at).abs() <= MAIL_SPAN,
            Kind::Meeting => {
                let end = captured.ended_at.unwrap_or(captured.occurred_at);
                typed.occurred_at >= captured.occurred_at - MEETING_SPAN && typed.occurred_at <= end + MEETING_SPAN
            }
            Kind::Call | Kind::Note => false,
        }
}

impl Engine {
    /// Lets captured activities confirm typed entries: each confirmed entry becomes a sighting and is counted once, as captured.
    pub async fn corroborate(&self) -> Result<u64, EngineError> {
        let mut tx = self.store.begin().await?;
        let ids: Vec<String> = tx
            .rows("select id from activities where origin = 'typed' and kind in ('email', 'meeting') order by occurred_at, id", vec![])
            .await?
            .iter()
            .map(|r| r.text(0))
            .collect();
        let mut merged = 0;
        for typed in activities::by_ids(&mut tx, &ids).await? {
            let entity =
                if typed.activity.ids(Entity::Contact).next().is_some() { Entity::Contact } else { Entity::Deal };
            let with: Vec<String> = typed.activity.ids(entity).map(str::to_owned).collect();
            let near = activities::linked(&mut tx, entity, &with).await?;
            let mut near = activities::by_ids(&mut tx, &near).await?;
            near.retain(|s| confirms(&s.activity, &typed.activity));
            near.sort_by_key(|s| ((s.activity.occurred_at - typed.activity.occurred_at).abs(), s.activity.id.clone()));
            let Some(captured) = near.first() else { continue };
            merge(&mut tx, &typed, captured).await?;
            merged += 1;
        }
        tx.commit().await?;
        Ok(merged)
    }
}

async fn merge(tx: &mut Tx, typed: &Stored, captured: &Stored) -> Result<(), StoreError> {
    let (from, to) = (&typed.activity.id, &captured.activity.id);
    tx.exec("update sightings set activity = $2 where activity = $1", args![from, to]).await?;
    let sql = "insert into choices (activity, deal, choice, made_by, made_at) select $2, deal, choice, made_by, made_at from choices \
               where activity = $1 on conflict do nothing";
    tx.exec(sql, args![from, to]).await?;
    tx.exec("delete from choices where activity = $1", args![from]).await?;
    tx.exec("insert into rematch (activity) values ($1) on conflict do nothing", args![to]).await?;
    let deals: Vec<String> = typed.activity.ids(Entity::Deal).map(str::to_owned).collect();
    matches::mark(tx, deals).await?;
    activities::delete(tx, std::slice::from_ref(from)).await
}
