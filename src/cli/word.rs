//! `gaps snooze`, `gaps explain`, `gaps reopen`: what people say of a finding.

use chrono::NaiveDate;
use clap::{Args, Subcommand};

use super::{Usage, output::say, review};
use crate::{app::App, domain::gaps::Word};

#[derive(Debug, Subcommand)]
pub enum Said {
    /// See it later: it comes back by itself after that day
    Snooze {
        #[command(flatten)]
        of: Of,
        /// The last day it stays away, in the organisation's zone
        #[arg(long, value_name = "DATE")]
        until: NaiveDate,
        /// The reason, for everybody who sees the deal
        #[arg(long, value_name = "TEXT")]
        why: String,
    },
    /// All is as it should be: it stays explained while its cause is the same
    Explain {
        #[command(flatten)]
        of: Of,
        /// What is not in any mailbox, for everybody who sees the deal
        #[arg(long, value_name = "TEXT")]
        why: String,
    },
    /// Take back what was said of it
    Reopen {
        #[command(flatten)]
        of: Of,
    },
}

#[derive(Args, Debug)]
pub struct Of {
    /// The gap's id, as `dealtrail gaps` shows it
    pub id: String,
    /// Who says so; else the first admin of the configuration
    #[arg(long, value_name = "EMAIL")]
    pub by: Option<String>,
}

impl Said {
    /// # Errors
    /// When there is no such gap, what is said is refused, or the database fails.
    pub async fn run(self, app: &App) -> anyhow::Result<u8> {
        let (of, word, done) = match self {
            Self::Snooze { of, until, why } => {
                let until_end = app.config.calendar_of(None).end_of(until);
                (of, Word::Snooze { until: until_end, why }, format!("is put off until the end of {until}"))
            }
            Self::Explain { of, why } => (of, Word::Explain { why }, "is explained".to_owned()),
            Self::Reopen { of } => (of, Word::TakeBack, "asks again".to_owned()),
        };
        let by = review::who(app, of.by.as_deref())?;
        match app.engine.say(&of.id, word, &by).await? {
            None => Err(Usage(format!("there is no gap {}; `dealtrail gaps` shows their ids", of.id)).into()),
            Some(Err(refused)) => Err(Usage(format!("gap {}: {refused}", of.id)).into()),
            Some(Ok(())) => {
                say!("gap {} {done}", of.id)?;
                Ok(0)
            }
        }
    }
}
