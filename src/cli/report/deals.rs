//! The reports about deals: `forecast`, `trail`, `next_steps`, `competitors`.

use std::collections::HashMap;

use super::{super::Usage, Asked};
use crate::domain::{
    gaps::Rule,
    reports::{Period, Table, competitors, forecast, next_steps, stand::Stand, timeline, trail},
};

impl Asked<'_> {
    pub(super) async fn forecast(&self, calibration: bool) -> anyhow::Result<Table> {
        // the period of the quotas, when they agree on one
        let mut pers = self.quotas().into_iter().map(|q| q.per);
        let per = pers.next().filter(|first| pers.all(|other| other == *first)).unwrap_or(Period::Quarter);
        let worth = self.worth();
        let (mut findings, mut signs) = (Vec::new(), HashMap::new());
        if !calibration {
            let deals = forecast::closing_in(self.directory, per.around(self.range.to), self.now);
            findings = self.app.store.stands(&forecast::SAYS_SO, false).await?;
            signs = self.app.store.last_signs(&deals).await?;
        }
        let rules = &self.app.engine.rules;
        let (settings, calendars) = (&rules.thresholds, &rules.calendars);
        let input = forecast::Input {
            directory: self.directory,
            findings: &findings,
            signs: &signs,
            judged: forecast::Judged { settings, calendar: self.range.calendar, calendars, now: self.now },
            worth: &worth,
            range: self.range.clone(),
            per,
            scope: self.scope.clone(),
        };
        Ok(if calibration { forecast::calibration(&input) } else { forecast::report(&input) })
    }

    pub(super) async fn trail(&self) -> anyhow::Result<Table> {
        let findings = self.app.store.stands(&[Rule::UnsupportedAdvance, Rule::OneSidedAdvance], false).await?;
        Ok(trail::report(&trail::Input {
            directory: self.directory,
            findings: &findings,
            backed: &self.app.store.backed_moves().await?,
            range: self.range.clone(),
            scope: self.scope.clone(),
        }))
    }

    /// One deal's line.
    pub(super) async fn timeline(&self, deal: &str) -> anyhow::Result<Table> {
        let Some(deal) = self.directory.deals.get(deal) else {
            return Err(Usage(format!(
                "the deal {deal} is no longer in the CRM; `dealtrail explain {deal}` shows its gaps"
            ))
            .into());
        };
        let findings: Vec<Stand> = self.app.store.findings_of(&deal.id).await?.iter().map(Stand::from).collect();
        let activities = self.app.engine.judged_with(deal).await?;
        Ok(timeline::report(&timeline::Input {
            directory: self.directory,
            deal,
            findings: &findings,
            activities: &activities,
            range: self.range.clone(),
            nameless: self.app.config.privacy.works_council,
            backed: &self.app.store.backed_moves_of(&deal.id).await?,
            now: self.now,
        }))
    }

    pub(super) async fn next_steps(&self) -> anyhow::Result<Table> {
        let rules = &self.app.engine.rules;
        let findings = self.app.store.stands(&[Rule::OverdueNextStep], true).await?;
        let (contacts, deals) = next_steps::with(self.directory, &self.range);
        let since = next_steps::since(&self.range);
        let signs = self.app.store.signs((since, self.now), &contacts, &deals, self.opens.is_some()).await?;
        Ok(next_steps::report(&next_steps::Input {
            directory: self.directory,
            findings: &findings,
            signs: &signs,
            settings: &rules.thresholds,
            calendars: &rules.calendars,
            range: self.range.clone(),
            scope: self.scope.clone(),
            now: self.now,
        }))
    }

    pub(super) async fn competitors(&self) -> anyhow::Result<Table> {
        let mentions = self.app.store.mentions(self.range.start(), self.range.end()).await?;
        Ok(competitors::report(&competitors::Input {
            directory: self.directory,
            activities: &mentions,
            range: self.range.clone(),
            scope: self.scope.clone(),
        }))
    }
}
