//! `demo`: a sample company, synced and served.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::{Usage, lists::local, output::say, sync::pass};
use crate::{
    app::App,
    clock::SystemClock,
    config::{self},
    demo,
    domain::gaps::{State, worst_per_deal},
    engine::pass::Options,
};

/// Builds a sample company (mail, calendars, CRM export on disk, dates around today), syncs it through the ordinary
/// connectors and serves it.
#[derive(Args, Debug)]
pub struct Demo {
    /// Where the company lives; a second start reuses it
    #[arg(long, value_name = "DIR", default_value = "demo")]
    pub dir: PathBuf,
    /// Where the page is served (loopback only)
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8420")]
    pub listen: SocketAddr,
    /// Sync, print the summary and the gaps, exit
    #[arg(long)]
    pub once: bool,
}

/// The company is the same at every start.
const SEED: u64 = 7;

impl Demo {
    /// # Errors
    /// When the folder cannot be written or is not ours, or the address is taken.
    pub async fn run(self) -> anyhow::Result<u8> {
        if !self.listen.ip().is_loopback() {
            let what = "the page is served to this machine only; say a loopback address such as 127.0.0.1:8420";
            return Err(Usage(format!("--listen {}: {what}", self.listen)).into());
        }
        let clock: Arc<dyn dealtrail_sdk::Clock> = Arc::new(SystemClock);
        let (company, fresh) = demo::prepare(&self.dir, clock.now(), SEED)?;
        let what = if fresh { "built" } else { "reusing" };
        eprintln!(
            "{what} the sample company in {}: {} mails, {} calendar entries, {} deals",
            self.dir.display(),
            company.mails,
            company.events,
            company.deals
        );
        let app = App::open(config::load(&company.config)?, clock).await?;
        // taken at once: nobody should wait for the reading to learn that the address is taken
        let page = if self.once { None } else { Some(app.page(self.listen).await?) };
        let tally = pass(&app, &Options::default()).await?;
        summary(&app).await?;
        gaps(&app, &company).await?;
        let Some(page) = page else {
            app.close().await;
            return Ok(u8::from(!tally.failures.is_empty()));
        };
        say!("\nOpen {} (valid once; Ctrl-C ends)", page.sign_in())?;
        let stop = CancellationToken::new();
        let on_signal = stop.clone();
        tokio::spawn(async move {
            let _ = tokio::signal::ctrl_c().await;
            on_signal.cancel();
        });
        page.serve(stop).await?;
        app.close().await;
        Ok(0)
    }
}

async fn summary(app: &App) -> anyhow::Result<()> {
    let mut reasons: std::collections::BTreeMap<String, i64> = std::collections::BTreeMap::new();
    for ((_, outcome, reason), n) in app.store.outcomes().await? {
        if outcome == "read" {
            continue;
        }
        let name = reason.map_or(outcome.clone(), |r| format!("{outcome} ({r})"));
        *reasons.entry(name).or_default() += n;
    }
    say!("\nWhat became of every mail and calendar entry:")?;
    for (name, n) in reasons {
        say!("  {n:>6}  {name}")?;
    }
    say!("\nActivities:")?;
    for (kind, status, n) in app.store.counts(app.clock.now()).await? {
        say!("  {n:>6}  {kind} {status}")?;
    }
    Ok(())
}

async fn gaps(app: &App, company: &demo::Company) -> anyhow::Result<()> {
    let known = app.engine.known();
    let live =
        app.store.findings().await?.into_iter().filter(|f| matches!(f.state, State::Open | State::Unknown)).collect();
    let worst = worst_per_deal(live);
    let deals = worst.iter().filter(|f| f.deal.is_some()).count();
    let others = match worst.len() - deals {
        0 => String::new(),
        n => format!(", and {n} on contacts, companies or typed entries"),
    };
    say!("\n{deals} deals with a gap (the worst of each){others}:")?;
    for f in &worst {
        let (name, id) = (f.subject_name(&known.directory), f.subject());
        let id = id.strip_prefix("deal:").unwrap_or(&id);
        say!("  {:<7} {:<20} {name} ({}), {}, since {}", f.severity, f.rule, id, f.state, local(app, f.since))?;
        say!("          expected {}; found {}", f.expected.trim_end_matches('.'), f.found.trim_end_matches('.'))?;
    }
    say!("\nWorth a look:")?;
    for h in company.highlights.iter().filter(|h| worst.iter().any(|f| f.is_on(&h.deal_id))).take(6) {
        say!("  {} ({}): {}", h.deal_name, h.deal_id, h.why)?;
    }
    say!(
        "\nAsk why: dealtrail --config {} explain {}",
        company.config.display(),
        worst.iter().find_map(|f| f.deal.as_deref()).unwrap_or("DEAL")
    )?;
    Ok(())
}
