//! What reports show of the judging: how far everything has been read, and what a deal is judged with.

use std::collections::BTreeMap;

use super::{Engine, evidence::Evidence};
use crate::{
    domain::{
        activity::Activity,
        directory::Deal,
        gaps::{Capture, Tie},
    },
    store::StoreError,
};

impl Engine {
    /// What the connections of every user could see, by the user's folded email.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn read_so_far(&self) -> Result<BTreeMap<String, Capture>, StoreError> {
        let mut tx = self.store.begin_reading().await?;
        self.captures(&mut tx, None).await
    }

    /// Everything that a deal of the directory is judged with, and how it hangs together with it; without what is still to be
    /// chosen. Oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn judged_with(&self, deal: &Deal) -> Result<Vec<(Activity, Tie)>, StoreError> {
        let known = self.known();
        let mut tx = self.store.begin_reading().await?;
        let evidence = Evidence::load(self, &mut tx, &known, &[deal]).await?;
        let facts = self.facts(&known, &self.rules);
        let case = evidence.case(&facts, deal);
        let own = case.seen.iter().filter(|seen| seen.tie != Tie::Pending);
        Ok(own.map(|seen| (seen.activity.clone(), seen.tie)).collect())
    }
}
