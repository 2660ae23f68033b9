//! Which words of mails are kept: texts that could not be read with their mail are asked for again, and of several mailboxes
//! that hold the same mail the strictest decides for all.

use std::collections::HashMap;

use dealtrail_sdk::record::Content;

use super::{
    Connection, Engine, EngineError,
    matches::{self, Fresh},
    rules::{Level, TEXT_LIMIT},
};
use crate::{
    args,
    domain::activity::{Kind, TextState},
    store::{StoreError, Tx, activities, connections, items, sightings, streams::Stored},
};

impl Engine {
    /// Reads the pending texts that this stream can give.
    pub async fn pending_texts(&self, c: &Connection, stream: &Stored) -> Result<u64, EngineError> {
        if c.content < Level::Text {
            return Ok(0);
        }
        let sql = "select s.key, s.activity from sightings s join activities a on a.id = s.activity \
                   where s.stream = $1 and s.gone_at is null and a.kind = 'email' and a.text_state = 'pending' limit 200";
        let rows = self.store.db.rows(sql, args![stream.id]).await?;
        if rows.is_empty() {
            return Ok(0);
        }
        let keys: Vec<String> = rows.iter().map(|r| r.text(0)).collect();
        let contents = c.source.content(&stream.stream, &keys, TEXT_LIMIT).await?;
        let mut tx = self.store.begin().await?;
        let mut fresh = Fresh::default();
        for (key, content) in contents {
            let Some(row) = rows.iter().find(|r| r.text(0) == key) else { continue };
            let Some(mut stored) = activities::by_ids(&mut tx, &[row.text(1)]).await?.pop() else { continue };
            stored.text_state = match content {
                Content::Text { text, .. } => {
                    fresh.texts.push((row.text(1), text));
                    TextState::Kept
                }
                Content::None => TextState::None,
                Content::Gone => continue,
            };
            fresh.rows.push(stored);
        }
        let count = fresh.rows.len() as u64;
        matches::settle(&mut tx, &self.known(), fresh).await?;
        tx.commit().await?;
        Ok(count)
    }
}

/// How much the strictest of the sources of each of these activities keeps.
pub async fn strictest(
    tx: &mut Tx,
    activities: impl Iterator<Item = &String>,
) -> Result<HashMap<String, Level>, StoreError> {
    let ids: Vec<String> = activities.cloned().collect();
    let mut all: HashMap<String, Level> = HashMap::new();
    if ids.is_empty() {
        return Ok(all);
    }
    let levels = connections::contents(tx).await?;
    for s in sightings::of_activities(tx, &ids).await?.into_iter().filter(|s| !s.typed) {
        let level = levels.get(&s.stream).copied().unwrap_or(Level::Metadata);
        let known = all.entry(s.activity).or_insert(level);
        *known = (*known).min(level);
    }
    Ok(all)
}

/// Mails that lost one of their ties: what only its mailbox withheld is read once more from the others.
pub async fn bring_back(tx: &mut Tx, lost: &[String]) -> Result<(), StoreError> {
    let level = strictest(tx, lost.iter()).await?;
    let short: Vec<String> = activities::by_ids(tx, lost)
        .await?
        .into_iter()
        .filter(|s| s.activity.kind == Kind::Email)
        .filter(|s| {
            let level = level.get(&s.activity.id).copied().unwrap_or(Level::Metadata);
            level >= Level::Subject && s.subject.is_none() || level == Level::Text && s.text_state == TextState::None
        })
        .map(|s| s.activity.id)
        .collect();
    for s in sightings::of_activities(tx, &short).await?.iter().filter(|s| !s.typed) {
        items::recheck(tx, s.stream, &s.key).await?;
    }
    Ok(())
}
