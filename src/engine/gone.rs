//! What is gone from its mailbox or calendar can no longer be read, but it can be decided again from what was kept of it:
//! rules about time and people reach it too. And streams that are gone as a whole.

use dealtrail_sdk::{Fault, FaultKind, Gives, record::Mailbox};

use super::{
    Connection, Engine,
    commit::{drop_orphans, merge},
    matches, meetings, texts,
};
use crate::{
    domain::{activity::Participant, capture, meeting::View},
    store::{
        StoreError, Tx, activities, items,
        sightings::{self, Sighting},
        streams,
    },
};

/// Items decided in one transaction.
const PORTION: i64 = 500;

impl Engine {
    /// Decides everything that is gone again, after a rule changed.
    pub(super) async fn decide_all_gone(&self) -> Result<(), StoreError> {
        let mut after = (i64::MIN, String::new(), String::new());
        loop {
            let mut tx = self.store.begin().await?;
            let page = sightings::gone_after(&mut tx, &after, PORTION).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = (last.stream, last.key.clone(), last.activity.clone());
            self.decide_gone(&mut tx, &page).await?;
            tx.commit().await?;
        }
    }

    /// Decides these again; what the rules do not want any more goes, and with the last sighting its activity.
    pub(super) async fn decide_gone(&self, tx: &mut Tx, gone: &[Sighting]) -> Result<(), StoreError> {
        let gone: Vec<&Sighting> = gone.iter().filter(|s| !s.typed).collect();
        if gone.is_empty() {
            return Ok(());
        }
        let known = self.known_in(tx).await?;
        let names = streams::connections(tx).await?;
        let ids: Vec<String> = gone.iter().map(|s| s.activity.clone()).collect();
        let rows = activities::by_ids(tx, &ids).await?;
        let mut dropped = Vec::new();
        for s in gone {
            let connection = |c: &&std::sync::Arc<Connection>| names.get(&s.stream) == Some(&c.name);
            let Some(c) = self.connections.iter().find(connection) else { continue };
            let Some(row) = rows.iter().find(|r| r.activity.id == s.activity) else { continue };
            let dir = &known.directory;
            let verdict = match &s.view {
                Some(view) => {
                    let people = people(view, dir);
                    capture::decide_kept(view.start, &people, written(view), &c.policy, dir)
                }
                None => {
                    let a = &row.activity;
                    capture::decide_kept(a.occurred_at, &a.participants, std::iter::empty(), &c.policy, dir)
                }
            };
            let Some((reason, detail)) = verdict else { continue };
            sightings::remove_one(tx, s).await?;
            items::skip(tx, s.stream, &s.key, reason.as_str(), detail.as_deref()).await?;
            dropped.push(s.activity.clone());
        }
        drop_orphans(tx, &dropped, &known.directory).await?;
        texts::bring_back(tx, &dropped).await
    }

    /// A folder or calendar that was deleted or renamed: its items are gone from there. Their activities stay, as with any
    /// item that is gone.
    pub(super) async fn vanished_streams(&self, c: &Connection) -> Result<(), StoreError> {
        if c.gives == Gives::Crm {
            // a missing list is not an empty one
            return Ok(());
        }
        loop {
            let Some(stream) = self.store.vanished(&c.name).await?.first().copied() else { return Ok(()) };
            let mut tx = self.store.begin().await?;
            if !streams::is_vanished(&mut tx, stream).await? {
                // another process has seen it again
                continue;
            }
            let keys = items::live(&mut tx, stream, PORTION).await?;
            if keys.is_empty() {
                streams::cleared(&mut tx, stream).await?;
            } else {
                self.vanished(&mut tx, c, stream, &keys).await?;
            }
            tx.commit().await?;
        }
    }

    /// Lists of a CRM that were read once and are not there any more.
    pub(super) async fn missing_lists(&self, c: &Connection) -> Result<Vec<(streams::Stored, Fault)>, StoreError> {
        if c.gives != Gives::Crm {
            return Ok(Vec::new());
        }
        let gone = self.store.streams().await?.into_iter().filter(|s| s.connection == c.name && s.gone);
        let mut missing = Vec::new();
        for stream in gone {
            let mut tx = self.store.begin_reading().await?;
            if !items::live(&mut tx, stream.id, 1).await?.is_empty() {
                let what = format!(
                    "{} is not there any more; what was read from it stays in force: bring it back, or leave an empty one in its place",
                    stream.stream.name
                );
                missing.push((stream, Fault::new(FaultKind::Missing, what)));
            }
        }
        Ok(missing)
    }

    async fn vanished(&self, tx: &mut Tx, c: &Connection, stream: i64, keys: &[String]) -> Result<(), StoreError> {
        let now = self.now();
        items::gone(tx, stream, keys, now).await?;
        sightings::gone(tx, stream, keys, now).await?;
        let known = self.known_in(tx).await?;
        let m = meetings::prepare(tx, &self.store, c, &known, stream, &[], &[], keys, now).await?;
        sightings::save(tx, &m.sightings).await?;
        matches::choices_follow(tx, &[], &m.sightings, &m.merged).await?;
        merge(tx, &m.merged).await?;
        matches::settle(tx, &known, m.fresh).await?;
        let past = sightings::of_items(tx, stream, keys).await?;
        self.decide_gone(tx, &past).await
    }
}

fn written(view: &View) -> impl Iterator<Item = &Mailbox> {
    view.organizer.iter().chain(view.attendees.iter().map(|a| &a.mailbox))
}

/// Who takes part, as a kept view says.
pub(super) fn people(view: &View, dir: &crate::domain::directory::Directory) -> Vec<Participant> {
    capture::people(view.organizer.as_ref(), &view.attendees, dir)
}
