//! The command line: one file per command. Results go to standard output, logs, progress and errors to standard error.
//!
//! Exit: 0 all well; 1 this pass met a failure and the rest was done; 2 the command line or configuration is wrong.

pub mod bars;
pub mod behind;
pub mod check;
mod columnar;
pub mod connector;
pub mod demo;
pub mod explain;
pub mod export;
pub mod gaps;
pub mod init;
pub mod lists;
pub mod output;
pub mod report;
pub mod review;
pub mod run;
pub mod shapes;
pub mod status;
pub mod sync;
pub mod trial;
pub mod user;
pub mod wanted;
pub mod word;

use std::{path::PathBuf, sync::Arc};

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::{
    app::App,
    clock::SystemClock,
    config::{self, ConfigError},
};

/// Keeps the trail of activity behind every deal: reads mailboxes and calendars, matches what happened to the CRM's deals, and
/// flags the gaps.
#[derive(Debug, Parser)]
#[command(name = "dealtrail", version, propagate_version = true)]
#[command(
    after_help = "New here? `dealtrail demo` builds a sample company and shows it. `dealtrail init` writes a configuration to start from."
)]
pub struct Cli {
    /// The configuration; else $DEALTRAIL_CONFIG, ./dealtrail.toml, /etc/dealtrail/dealtrail.toml
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What is logged to standard error: error, warn, info, debug, trace
    #[arg(long, global = true, value_name = "LEVEL")]
    pub log: Option<String>,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Build a sample company, sync it and serve it: a look around in one command
    Demo(demo::Demo),
    /// Write a commented dealtrail.toml to start from
    Init(init::Init),
    /// Sign in to every connection and say what will be read, and what fails and how to mend it
    Check(check::Check),
    /// One complete pass over the connections
    Sync(sync::Sync),
    /// The daemon: push where offered, polling elsewhere, gaps, and the page
    Run(run::Run),
    /// Is capture complete, and if not why: every connection and stream
    Status(status::Status),
    /// List activities, newest first
    Activities(lists::Activities),
    /// List deals; with --from or --to those created or moved in these days
    Deals(lists::Deals),
    /// List contacts; with --from or --to those last in touch in these days
    Contacts(lists::Contacts),
    /// List gaps: the worst of each deal; with --from or --to those that stand since these days
    Gaps(gaps::Gaps),
    /// The reports: what reps did, funnel, pace, trail, coverage, leads and more
    Report(report::Report),
    /// The whole chain of a Message-ID, activity, deal, gap or address: item, decision, match, gap
    Explain(explain::Explain),
    /// Everything, streamed
    Export(export::Export),
    /// The queue of pending deal choices
    Review(review::Review),
    /// People who use dealtrail
    User(user::User),
    /// The connectors there are, with their settings
    Connector(connector::Connector),
}

const LEVELS: &[&str] = &["error", "warn", "info", "debug", "trace"];

/// Starts logging. Foreign libraries that print content at trace level are kept quiet.
///
/// # Errors
/// [`Usage`] when the command line or the environment names a level that there is not.
pub fn log(cli: &Cli) -> Result<(), Usage> {
    let default = match cli.command {
        Command::Run(_) => "info",
        _ => "error",
    };
    let variable = || std::env::var("DEALTRAIL_LOG").ok().filter(|l| !l.is_empty());
    let asked = cli.log.clone().map(|level| (level, "--log"));
    let level = match asked.or_else(|| variable().map(|level| (level, "$DEALTRAIL_LOG"))) {
        None => default,
        Some((level, where_from)) => {
            wanted::one_of("level", &level, LEVELS).map_err(|e| Usage(format!("{where_from}: {e}")))?
        }
    };
    let filter =
        format!("{level},sqlx=warn,hyper=warn,h2=warn,reqwest=warn,rustls=warn,imap_proto=warn,mail_parser=warn");
    let filter = EnvFilter::new(filter);
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false).init();
    Ok(())
}

/// Runs a command; the exit code on success.
///
/// # Errors
/// What stopped the command, as a chain of sentences.
pub async fn run(cli: Cli) -> anyhow::Result<u8> {
    match cli.command {
        Command::Demo(c) => c.run().await,
        Command::Init(c) => c.run(),
        Command::Connector(c) => c.run(),
        Command::Check(c) => c.run(&open(cli.config).await?).await,
        Command::Sync(c) => c.run(&open(cli.config).await?).await,
        Command::Run(c) => c.run(cli.config).await,
        Command::Status(c) => c.run(&open(cli.config).await?).await,
        Command::Activities(c) => c.run(&open(cli.config).await?).await,
        Command::Deals(c) => c.run(&open(cli.config).await?).await,
        Command::Contacts(c) => c.run(&open(cli.config).await?).await,
        Command::Gaps(c) if c.trial.dry_run => c.run(&look(cli.config).await?).await,
        Command::Gaps(c) => c.run(&open(cli.config).await?).await,
        Command::Report(c) => c.run(&open(cli.config).await?).await,
        Command::Explain(c) => c.run(&open(cli.config).await?).await,
        Command::Export(c) => c.run(&open(cli.config).await?).await,
        Command::Review(c) => c.run(&open(cli.config).await?).await,
        Command::User(c) => c.run(&open(cli.config).await?).await,
    }
}

/// Finds and reads the configuration and opens what it names.
///
/// # Errors
/// A [`ConfigError`] or what kept the database closed.
pub async fn open(config: Option<PathBuf>) -> anyhow::Result<App> {
    let path = config::find(config)?;
    App::open(config::load(&path)?, Arc::new(SystemClock)).await
}

/// The same for what writes nothing: not even which connections are configured is noted.
async fn look(config: Option<PathBuf>) -> anyhow::Result<App> {
    let path = config::find(config)?;
    App::look(config::load(&path)?, Arc::new(SystemClock)).await
}

/// A wrong command line or configuration: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// 2 for a wrong configuration or command line, else 1.
pub fn code_of(error: &anyhow::Error) -> u8 {
    let wrong = error.chain().any(|e| e.is::<ConfigError>() || e.is::<Usage>());
    if wrong { 2 } else { 1 }
}
