//! `report coverage`: its numbers are counted by the database; the items are read only when somebody asks what stands behind
//! one.

use super::{Asked, Report, behind, behind::Behind, print};
use crate::domain::reports::{Row, coverage};

impl Report {
    pub(super) async fn coverage(&self, asked: &Asked<'_>) -> anyhow::Result<u8> {
        let (store, range) = (&asked.app.store, &asked.range);
        let items = match self.show {
            Some(_) => store.decided_items(range.start(), range.end()).await?,
            None => Vec::new(),
        };
        let decided = match self.show {
            Some(_) => items.iter().map(|i| i.decided.clone()).collect(),
            None => store.decided().await?,
        };
        let (streams, typed) = (store.completeness().await?, store.typed().await?);
        let input = coverage::Input {
            directory: asked.directory,
            decided: &decided,
            streams: &streams,
            typed: &typed,
            range: range.clone(),
            scope: asked.scope.clone(),
        };
        let table = coverage::report(&input);
        let Some(column) = &self.show else {
            print(&table, self.format)?;
            return Ok(0);
        };
        behind::counted(&table, column)?;
        let items = coverage::behind(&input, &items, column);
        let typed = |row: &Row| row.evidence.get(column).cloned().unwrap_or_default().into_iter().map(Behind::Id);
        let opened = table.rows.iter().zip(&items);
        let rows: Vec<Vec<Behind>> =
            opened.map(|(row, items)| items.iter().map(|i| Behind::from(*i)).chain(typed(row)).collect()).collect();
        behind::print(&table, &rows, self.format)?;
        Ok(0)
    }
}
