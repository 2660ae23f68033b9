//! `connector list`: the connectors there are, with their settings.

use clap::{Args, Subcommand};
use dealtrail_sdk::Need;

use super::output::say;
use crate::registry;

/// The connectors there are.
#[derive(Args, Debug)]
pub struct Connector {
    #[command(subcommand)]
    pub action: Action,
}

#[derive(Debug, Subcommand)]
pub enum Action {
    /// Every connector with what can be set
    List,
}

impl Connector {
    /// # Errors
    /// When standard output cannot be written.
    pub fn run(self) -> anyhow::Result<u8> {
        let Action::List = self.action;
        for kind in registry::KINDS {
            say!("{}: {}", kind.name, kind.title)?;
            for field in kind.settings {
                let need = match field.need {
                    Need::Required => " (needed)",
                    Need::Secret => " (secret)",
                    Need::Optional => "",
                };
                say!("  {}{need}: {}", field.name, field.help)?;
            }
        }
        Ok(0)
    }
}
