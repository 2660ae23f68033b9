//! `report`: the reports.

use clap::Args;

use crate::app::App;

/// A report: activity, coverage.
#[derive(Args, Debug)]
pub struct Report {
    pub name: String,
}

impl Report {
    /// # Errors
    /// When there is no such report or the database fails.
    pub async fn run(self, _app: &App) -> anyhow::Result<u8> {
        anyhow::bail!("not yet")
    }
}
