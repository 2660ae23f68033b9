//! Texts that could not be read with their mail are asked for again.

use dealtrail_sdk::record::Content;

use super::{
    Connection, Engine, EngineError,
    matches::{self, Fresh},
    rules::{Level, TEXT_LIMIT},
};
use crate::{
    args,
    domain::activity::TextState,
    store::{activities, streams::Stored},
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
