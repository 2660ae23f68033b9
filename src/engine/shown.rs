//! What reports show of the judging: what a deal is judged with.

use super::{Engine, evidence::Evidence};
use crate::{
    domain::{activity::Activity, directory::Deal, gaps::Tie},
    store::StoreError,
};

impl Engine {
    /// Everything that a deal of the directory is judged with, and how it hangs together with it; without what is still to be
    /// chosen. Oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn judged_with(&self, deal: &Deal) -> Result<Vec<(Activity, Tie)>, StoreError> {
        let known = self.known();
        let mut tx = self.store.aside().begin_reading().await?;
        let evidence = Evidence::load(self, &mut tx, &known, &[deal]).await?;
        let facts = self.facts(&known, &self.rules);
        let case = evidence.case(&facts, deal);
        let own = case.seen.iter().filter(|seen| seen.tie != Tie::Pending);
        Ok(own.map(|seen| (seen.activity.clone(), seen.tie)).collect())
    }
}
