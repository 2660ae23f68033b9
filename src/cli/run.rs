//! `run`: the daemon, until SIGTERM or SIGINT; SIGHUP reads the configuration again.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context as _, bail};
use clap::Args;
use tokio::signal::{unix, unix::SignalKind};
use tokio_util::sync::CancellationToken;

use super::open;
use crate::{app::App, engine::daemon};

/// Reads everything as it comes, judges, and serves the page. SIGTERM or Ctrl-C ends it cleanly, SIGHUP reloads the configuration.
#[derive(Args, Debug)]
pub struct Run {}

/// What is under way gets this long after the signal.
const DRAIN: Duration = Duration::from_secs(9);

enum Signal {
    Stop,
    Reload,
}

impl Run {
    /// # Errors
    /// When the configuration is wrong at the start, the address is taken, or the database fails.
    pub async fn run(self, config: Option<PathBuf>) -> anyhow::Result<u8> {
        // taken before anything else: a signal that comes early, or while the configuration is read again, is kept
        let mut signals = Signals::new()?;
        let mut app = open(config.clone()).await?;
        loop {
            match serve(&app, &mut signals).await? {
                Signal::Stop => {
                    app.close().await;
                    return Ok(0);
                }
                Signal::Reload => match open(config.clone()).await {
                    Ok(fresh) => {
                        app.close().await;
                        app = fresh;
                        tracing::info!("the configuration was read again");
                    }
                    Err(error) => eprintln!(
                        "dealtrail: the configuration was not taken over: {error:#}; going on with the old one"
                    ),
                },
            }
        }
    }
}

async fn serve(app: &App, signals: &mut Signals) -> anyhow::Result<Signal> {
    app.note_unusable().await?;
    for (name, why) in &app.unusable {
        eprintln!("{name}: {why}");
    }
    let stop = CancellationToken::new();
    let page = app.page(app.config.server.listen).await?;
    eprintln!("dealtrail is running; sign in once with {}", page.sign_in());
    let web = tokio::spawn(page.serve(stop.clone()));
    let mut daemon = tokio::spawn(daemon::run(app.engine.clone(), stop.clone()));
    let signal = tokio::select! {
        signal = signals.next() => signal,
        // whoever started this program must learn that nothing is read any more
        ended = &mut daemon => {
            stop.cancel();
            ended.context("the daemon ended in a fault of the program")?.context("the daemon's database failed")?;
            bail!("the daemon ended by itself");
        }
    };
    stop.cancel();
    let drained = tokio::time::timeout(DRAIN, async {
        let judged = daemon.await;
        let served = web.await;
        (judged, served)
    })
    .await;
    match drained {
        Ok((judged, served)) => {
            judged.context("the daemon ended in a fault of the program")?.context("the daemon's database failed")?;
            served.context("the page ended in a fault of the program")??;
        }
        Err(_) => tracing::warn!("something was still under way and is rolled back; nothing is lost"),
    }
    Ok(signal)
}

/// What this process is told from outside.
struct Signals {
    terminate: unix::Signal,
    interrupt: unix::Signal,
    hangup: unix::Signal,
}

impl Signals {
    fn new() -> anyhow::Result<Self> {
        let take = |kind| unix::signal(kind).context("the program could not ask for its signals");
        Ok(Self {
            terminate: take(SignalKind::terminate())?,
            interrupt: take(SignalKind::interrupt())?,
            hangup: take(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            biased;
            _ = self.terminate.recv() => Signal::Stop,
            _ = self.interrupt.recv() => Signal::Stop,
            _ = self.hangup.recv() => Signal::Reload,
        }
    }
}
