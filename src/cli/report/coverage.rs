//! `report coverage`: its numbers are counted by the database; the items are read only when somebody asks what stands behind
//! one.

use super::{super::Usage, Asked, Report, behind, behind::Behind};
use crate::{
    app::App,
    domain::reports::{
        Row, Table,
        coverage::{self, Decided, StreamRow, TypedRow},
        grouping::{Grouping, Shown},
    },
};

impl Asked<'_> {
    pub(super) async fn coverage(&self) -> anyhow::Result<Table> {
        let store = &self.app.store;
        let (spans, span) = (coverage::spans(&self.range), (self.range.start(), self.range.end()));
        let (decided, streams, typed) =
            tokio::try_join!(store.decided(&spans), store.completeness(), store.typed(span))?;
        let shown = self.groups();
        Ok(coverage::report(&self.seen(&decided, &streams, &typed, shown.as_ref())))
    }

    fn seen<'i>(
        &'i self,
        decided: &'i [Decided],
        streams: &'i [StreamRow],
        typed: &'i [TypedRow],
        groups: Option<&'i Shown>,
    ) -> coverage::Input<'i> {
        let (range, scope) = (self.range.clone(), self.scope.clone());
        coverage::Input { directory: self.directory, decided, streams, typed, range, scope, groups }
    }

    /// What stands in the place of people, where single people are not shown.
    fn groups(&self) -> Option<Shown> {
        (self.grouping != Grouping::People).then(|| self.grouping.shown(self.directory, self.range.start()))
    }
}

impl Report {
    /// The items behind one of its columns.
    pub(super) async fn show_items(&self, app: &App, column: &str) -> anyhow::Result<()> {
        self.fits("coverage")?;
        let (known, calendar) = (app.engine.known(), app.config.calendar_of(None));
        let asked = self.asked(app, "coverage", &known.directory, &calendar)?;
        let (from, to) = (asked.range.start(), asked.range.end());
        let items = app.store.decided_items(from, to).await?;
        let decided: Vec<Decided> = items.iter().map(|i| i.decided.clone()).collect();
        let (streams, typed) = (app.store.completeness().await?, app.store.typed((from, to)).await?);
        if asked.grouping != Grouping::People {
            let setting = asked.grouping.setting();
            let what = format!(
                "what stands behind coverage lies in the accounts of single people, who are not shown ({setting})"
            );
            return Err(Usage(what).into());
        }
        let input = asked.seen(&decided, &streams, &typed, None);
        let table = coverage::report(&input);
        behind::counted(&table, column)?;
        let items = coverage::behind(&input, &items, column);
        let typed = |row: &Row| row.evidence.get(column).cloned().unwrap_or_default().into_iter().map(Behind::Id);
        let opened = table.rows.iter().zip(&items);
        let rows: Vec<Vec<Behind>> =
            opened.map(|(row, items)| items.iter().map(|i| Behind::from(*i)).chain(typed(row)).collect()).collect();
        Ok(behind::print(&table, column, &rows, self.format)?)
    }
}
