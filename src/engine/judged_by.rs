//! What all deals are judged by: the rules of this program, thresholds, work calendars, and the limits that follow from the
//! deals that were won. When any of it changes, the deals concerned are judged again, so that what is kept is what judging
//! everything afresh would give.

use std::collections::{BTreeMap, HashMap};

use super::{Engine, Known};
use crate::{
    domain::{directory::StageKind, gaps},
    store::{StoreError, Tx, meta, reviews},
};

/// A print of rules, thresholds and calendars.
pub(super) const RULES: &str = "judged_by";
/// How many days a deal may stay in a stage, by stage, as far as won deals set it.
pub(super) const STAYS: &str = "stay_limits";

impl Engine {
    /// Marks what was judged by something that is no longer so: other than `kept` says, [`RULES`] and [`STAYS`] by key. False when
    /// `known` is out of date.
    pub(super) async fn mark_judged_otherwise(
        &self,
        known: &Known,
        kept: &HashMap<String, String>,
    ) -> Result<bool, StoreError> {
        let print = self.judged_by.get_or_init(|| self.print());
        let limits = known.stays.limits(&known.directory, &self.rules.thresholds);
        let said = serde_json::to_string(&limits)?;
        let same = kept.get(RULES) == Some(print);
        if same && kept.get(STAYS) == Some(&said) {
            return Ok(true);
        }
        let mut tx = self.store.begin().await?;
        if self.known_in(&mut tx).await?.version != known.version {
            return Ok(false);
        }
        if !same {
            reviews::judge_all(&mut tx).await?;
        }
        mark_stages(&mut tx, known, &limits).await?;
        meta::set(&mut tx, RULES, print).await?;
        meta::set(&mut tx, STAYS, &said).await?;
        tx.commit().await?;
        Ok(true)
    }

    fn print(&self) -> String {
        let calendars: BTreeMap<_, _> = self.rules.calendars.iter().collect();
        let rules: Vec<&str> = gaps::rules().map(gaps::Rule::as_str).collect();
        let all = (env!("CARGO_PKG_VERSION"), rules, &self.rules.thresholds, &self.rules.organization, calendars);
        blake3::hash(format!("{all:?}").as_bytes()).to_hex()[..32].to_owned()
    }
}

/// Marks the open deals of stages whose limit differs from the one before.
async fn mark_stages(tx: &mut Tx, known: &Known, limits: &BTreeMap<String, u32>) -> Result<(), StoreError> {
    let before = meta::get_in(tx, STAYS).await?;
    let before: BTreeMap<String, u32> = before.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    let moved = |stage: &String| before.get(stage) != limits.get(stage);
    let dir = &known.directory;
    let open = dir.deals.values().filter(|d| dir.stage_kind(&d.stage) == StageKind::Open && moved(&d.stage));
    reviews::mark(tx, open.map(|d| d.id.clone()).collect::<Vec<_>>()).await
}
