//! Which words of mails are kept: texts that could not be read with their mail are asked for again, and of several mailboxes
//! that hold the same mail the strictest decides for all.

use std::collections::{BTreeMap, HashMap};

use dealtrail_sdk::record::Content;

use super::{
    Connection, Engine, EngineError,
    matches::{self, Fresh},
    rules::{Level, TEXT_LIMIT},
};
use crate::{
    domain::{
        activity::{Kind, TextState},
        steps, wording,
    },
    store::{StoreError, Tx, activities, connections, items, rematch, sightings, streams::Stored},
};

/// Texts asked for in one go.
const PENDING: i64 = 200;

impl Engine {
    /// Reads the pending texts that this stream can give.
    pub async fn pending_texts(&self, c: &Connection, stream: &Stored) -> Result<u64, EngineError> {
        if c.content < Level::Text {
            return Ok(0);
        }
        let pending = self.store.pending_texts(stream.id, PENDING).await?;
        if pending.is_empty() {
            return Ok(0);
        }
        let keys: Vec<String> = pending.keys().cloned().collect();
        let contents = c.source.content(&stream.stream, &keys, TEXT_LIMIT).await?;
        let mut tx = self.store.begin().await?;
        let ids: Vec<String> = pending.values().cloned().collect();
        let known = activities::by_ids(&mut tx, &ids).await?;
        // two copies in one folder are one text; a copy that is gone leaves the word to the other
        let mut told: BTreeMap<&str, Option<String>> = BTreeMap::new();
        for (key, content) in contents {
            let Some(id) = pending.get(&key) else { continue };
            let text = match content {
                Content::Text { text, .. } => Some(text),
                Content::None => None,
                Content::Gone => continue,
            };
            match (told.entry(id).or_insert_with(|| text.clone()), text) {
                (known @ None, text) => *known = text,
                (Some(known), Some(text)) if wording::says_less(&text, known) => *known = text,
                _ => {}
            }
        }
        let mut fresh = Fresh::default();
        for mut stored in known {
            let Some(text) = told.remove(stored.activity.id.as_str()) else { continue };
            stored.text_state = if text.is_some() { TextState::Kept } else { TextState::None };
            fresh.texts.extend(text.map(|text| (stored.activity.id.clone(), text.into())));
            fresh.rows.push(stored);
        }
        let count = fresh.rows.len() as u64;
        matches::settle(&mut tx, &self.known(), fresh).await?;
        tx.commit().await?;
        Ok(count)
    }
}

/// How much the strictest of the sources of each of these activities keeps.
pub async fn strictest(tx: &mut Tx, ids: &[String]) -> Result<HashMap<String, Level>, StoreError> {
    let mut all: HashMap<String, Level> = HashMap::new();
    if ids.is_empty() {
        return Ok(all);
    }
    let levels = connections::contents(tx).await?;
    for s in sightings::of_activities(tx, ids).await?.into_iter().filter(|s| !s.typed) {
        let level = levels.get(&s.stream).copied().unwrap_or(Level::Metadata);
        let known = all.entry(s.activity).or_insert(level);
        *known = (*known).min(level);
    }
    Ok(all)
}

/// Mails that lost one of their ties: what only its mailbox withheld is read once more from the others, and what only its copy
/// had attached is no longer said of them.
pub async fn bring_back(tx: &mut Tx, lost: &[String]) -> Result<(), StoreError> {
    let level = strictest(tx, lost).await?;
    let left = activities::by_ids(tx, lost).await?;
    let short: Vec<String> = left
        .iter()
        .filter(|s| s.activity.kind == Kind::Email)
        .filter(|s| {
            let level = level.get(&s.activity.id).copied().unwrap_or(Level::Metadata);
            level >= Level::Subject && s.subject.is_none() || level == Level::Text && s.text_state == TextState::None
        })
        .map(|s| s.activity.id.clone())
        .collect();
    for s in sightings::of_activities(tx, &short).await?.iter().filter(|s| !s.typed) {
        items::recheck(tx, s.stream, &s.key).await?;
    }
    let with = left.into_iter().filter(|s| steps::has_document(&s.activity.tags)).map(|s| s.activity.id);
    rematch::add(tx, with.collect::<Vec<_>>()).await
}
