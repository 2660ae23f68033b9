//! `sync`: one complete pass.

use std::sync::Arc;

use clap::Args;
use dealtrail_sdk::Gives;
use tokio_util::sync::CancellationToken;

use super::{Usage, bars::Bars};
use crate::{
    app::App,
    config::fault,
    domain::gaps::State,
    engine::{
        pass::Options,
        progress::{Outcomes, Tally, Watcher},
    },
};

/// One complete pass over the connections; ends when all is stored. Run it again at any time: nothing doubles.
#[derive(Args, Debug)]
pub struct Sync {
    /// Only this connection; may be given several times
    #[arg(long, value_name = "NAME")]
    pub connection: Vec<String>,
    /// Forget how far everything was read and read it all again
    #[arg(long)]
    pub full: bool,
}

impl Sync {
    /// # Errors
    /// When a named connection does not exist or the database fails.
    pub async fn run(self, app: &App) -> anyhow::Result<u8> {
        for name in &self.connection {
            known(app, name)?;
        }
        let tally = pass(app, &Options { connections: self.connection, full: self.full, leave: true }).await?;
        summary(app, &tally).await?;
        let broken = broken_rows(app).await?;
        if broken > 0 {
            let rows = if broken == 1 { "row" } else { "rows" };
            eprintln!("{broken} {rows} of the CRM cannot be read: correct them there; all others were read");
        }
        app.close().await;
        Ok(u8::from(!tally.failures.is_empty() || tally.stopped || broken > 0))
    }
}

/// Refuses a connection that is not configured, naming the nearest, or that is switched off.
///
/// # Errors
/// [`Usage`].
pub fn known(app: &App, name: &str) -> Result<(), Usage> {
    match app.config.connection(name) {
        Some(c) if c.enabled => Ok(()),
        Some(_) => Err(Usage(format!(
            "the connection `{name}` is switched off: enabled = false in {}",
            app.config.file.display()
        ))),
        None => {
            let names = app.config.connections.iter().map(|c| c.name.as_str());
            Err(Usage(format!("there is no connection `{name}`; {}", fault::hint(name, names))))
        }
    }
}

/// A pass with progress bars that Ctrl-C ends cleanly.
///
/// # Errors
/// When the database fails.
pub async fn pass(app: &App, options: &Options) -> anyhow::Result<Tally> {
    let bars = Arc::new(Bars::default());
    let watcher: Arc<dyn Watcher> = bars.clone();
    let stop = CancellationToken::new();
    let on_signal = stop.clone();
    let waiting = tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            on_signal.cancel();
        }
    });
    app.note_unusable().await?;
    let mut tally = app.engine.pass(options, &watcher, &stop).await?;
    waiting.abort();
    bars.clear();
    for (name, why) in &app.unusable {
        if options.connections.is_empty() || options.connections.contains(name) {
            tally.failures.push((name.clone(), None, why.clone()));
        }
    }
    for (connection, stream, why) in &tally.failures {
        match stream {
            Some(stream) => eprintln!("{connection} / {stream}: {why}"),
            None => eprintln!("{connection}: {why}"),
        }
    }
    for (connection, stream) in &tally.left {
        eprintln!("{connection} / {stream}: another process is reading it now; it was left to it");
    }
    Ok(tally)
}

/// Records of a CRM that cannot be read: somebody has to mend them, no later look does.
async fn broken_rows(app: &App) -> anyhow::Result<i64> {
    let of_crm = |name: &str| app.engine.connections.iter().any(|c| c.name == name && c.gives == Gives::Crm);
    let streams = app.store.streams().await?;
    let crm: Vec<i64> = streams.iter().filter(|s| of_crm(&s.connection) && !s.gone).map(|s| s.id).collect();
    let unreadable = app.store.unreadable_of_streams().await?;
    Ok(unreadable.iter().filter(|(id, _)| crm.contains(id)).map(|(_, n)| n).sum())
}

/// Unreadable items that a summary names.
const NAMED: i64 = 5;

async fn summary(app: &App, tally: &Tally) -> anyhow::Result<()> {
    let gaps = app.store.weighed(&[State::Open], None).await?.len();
    let Outcomes { captured, waiting, skipped, unreadable } = tally.outcomes;
    eprintln!(
        "{} items read; {captured} captured, {waiting} waiting, {skipped} skipped, {unreadable} not readable; {gaps} gaps open{}",
        tally.items,
        if tally.stopped { " (stopped early; the next sync goes on from here)" } else { "" },
    );
    let unreadable: i64 = app.store.unreadable_of_streams().await?.values().sum();
    for d in app.store.unreadable(NAMED).await? {
        eprintln!("not readable now: {} / {} / {}: {}", d.connection, d.stream, d.key, d.detail.unwrap_or_default());
    }
    if unreadable > NAMED {
        eprintln!("and {} more; `dealtrail export decisions` names each with its reason", unreadable - NAMED);
    }
    Ok(())
}
