//! A large company in one database: the gap list and every report beside bare SQL of the same question in the same run, on SQLite and
//! PostgreSQL, each row by a process of its own; then one deal judged, and one new activity. Answers are compared before a figure
//! counts; nothing is asserted about time. Arguments: activities (1000000), deals (a tenth), reps (500), `sqlite` or `postgres` (both),
//! names of rows to ask for.

mod ask;
mod bare;
mod bare_deals;
mod bulk;
mod fill;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{DateTime, Timelike as _, Utc};
use dealtrail::{app::App, clock::SystemClock, config, engine::progress::Quiet, store::Store};
use dealtrail_sdk::Clock;
use dealtrail_testkit::postgres::Postgres;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use fill::Company;

/// Each side is asked so often, in turn.
const ROUNDS: usize = 5;

/// The clock stands, so that both sides mean the same moment.
#[derive(Debug)]
struct Standing(DateTime<Utc>);

impl Clock for Standing {
    fn now(&self) -> DateTime<Utc> {
        self.0
    }
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().thread_stack_size(16 << 20).enable_all().build();
    let runtime = runtime.expect("worker threads");
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["fill", ref told @ ..] => {
            let (place, company) = Place::told(told);
            return runtime.block_on(fill(&company, &place));
        }
        ["ask", row, ref told @ ..] => {
            let (place, company) = Place::told(told);
            return runtime.block_on(ask(&company, &place, row));
        }
        _ => {}
    }
    let numbers: Vec<u64> = words.iter().filter_map(|a| a.parse().ok()).collect();
    let names: Vec<String> = words.into_iter().filter(|a| a.parse::<u64>().is_err()).collect();
    let keep = names.iter().find_map(|n| n.strip_prefix("keep=")).map(PathBuf::from);
    let names = names.into_iter().filter(|n| !n.starts_with("keep="));
    let (engines, wanted): (Vec<String>, Vec<String>) = names.partition(|n| n == "sqlite" || n == "postgres");
    let activities = numbers.first().copied().unwrap_or(1_000_000);
    let deals = numbers.get(1).copied().unwrap_or(activities / 10).max(1);
    let reps = numbers.get(2).copied().unwrap_or(500).max(1);
    for engine in ["sqlite", "postgres"] {
        if engines.is_empty() || engines.iter().any(|e| e == engine) {
            let server = (engine == "postgres").then(Postgres::start);
            let place = Place::of(engine, keep.as_deref(), server.as_ref());
            let company = Company { activities, deals, reps, now: place.now };
            println!("\n{engine}: {activities} activities, {deals} deals, {reps} reps");
            if !place.is_there {
                place.alone(&company, &["fill"]);
                place.keep();
            }
            measure(&company, &place, &wanted);
        }
    }
}

/// Where a company is, and when its clock stands.
struct Place {
    folder: PathBuf,
    url: String,
    now: DateTime<Utc>,
    /// Filled and judged another time.
    is_there: bool,
    _drop: Option<TempDir>,
}

impl Place {
    fn of(engine: &str, keep: Option<&Path>, server: Option<&Postgres>) -> Self {
        let now = SystemClock.now().with_nanosecond(0).expect("whole seconds");
        let fresh = || server.map_or_else(|| "sqlite:dealtrail.db".to_owned(), Postgres::fresh);
        let Some(keep) = keep else {
            let temporary = tempfile::tempdir().expect("a temporary folder");
            let folder = temporary.path().to_owned();
            return Self { folder, url: fresh(), now, is_there: false, _drop: Some(temporary) };
        };
        let folder = keep.join(engine);
        std::fs::create_dir_all(&folder).expect("a folder to keep it in");
        let said = std::fs::read_to_string(folder.join("kept")).unwrap_or_default();
        match said.split_once(' ') {
            Some((now, url)) => {
                let now = now.parse().expect("the moment at which it was filled");
                Self { folder, url: url.to_owned(), now, is_there: true, _drop: None }
            }
            None => Self { folder, url: fresh(), now, is_there: false, _drop: None },
        }
    }

    /// What another process was told of its place and its company.
    fn told(words: &[&str]) -> (Self, Company) {
        let [folder, url, now, activities, deals, reps] = words else {
            panic!("fill|ask ROW FOLDER URL NOW ACTIVITIES DEALS REPS")
        };
        let now = now.parse().expect("a moment");
        let number = |text: &&str| text.parse().expect("a number");
        let place = Self { folder: folder.into(), url: (*url).to_owned(), now, is_there: false, _drop: None };
        (place, Company { activities: number(activities), deals: number(deals), reps: number(reps), now })
    }

    /// Has it filled, or one thing asked, by a process of its own: who asks for a report starts afresh too.
    fn alone(&self, company: &Company, what: &[&str]) {
        let numbers = [company.activities, company.deals, company.reps].map(|n| n.to_string());
        let mut itself = std::process::Command::new(std::env::current_exe().expect("this program"));
        itself.args(what).arg(&self.folder).arg(&self.url).arg(self.now.to_rfc3339()).args(numbers);
        assert!(itself.status().expect("this program runs").success(), "{what:?} failed");
    }

    /// Notes what was filled, for another time.
    fn keep(&self) {
        if self._drop.is_none() {
            std::fs::write(self.folder.join("kept"), format!("{} {}", self.now.to_rfc3339(), self.url))
                .expect("a note");
        }
    }
}

async fn open(company: &Company, place: &Place) -> App {
    let config = config::load(&place.folder.join("dealtrail.toml")).expect("a configuration");
    App::open(config, Arc::new(Standing(company.now))).await.expect("the program")
}

async fn fill(company: &Company, place: &Place) {
    company.configure(&place.folder, &place.url);
    let config = config::load(&place.folder.join("dealtrail.toml")).expect("a configuration");
    let began = Began::now();
    let store = Store::open(&config.database_url()).await.expect("a database");
    company.fill(&store).await;
    store.db.close().await;
    said("filled", &began);
    let app = open(company, place).await;
    let news = app.engine.connections.iter().find(|c| c.name == fill::NEWS).expect("a mailbox for what is new").clone();
    app.engine.connection(&news, false, &Quiet, &CancellationToken::new()).await.expect("an empty mailbox");
    let began = Began::now();
    app.store.judge_all().await.expect("marks");
    app.engine.review_due().await.expect("judging");
    said("every deal judged", &began);
    app.close().await;
}

fn measure(company: &Company, place: &Place, wanted: &[String]) {
    let only = wanted.iter().any(|w| w == "only");
    let named: Vec<&String> = wanted.iter().filter(|w| *w != "only").collect();
    for row in ask::ROWS.iter().filter(|row| named.is_empty() || named.iter().any(|w| *w == row.name)) {
        place.alone(company, &["ask", row.name]);
    }
    if !only {
        place.alone(company, &["ask", "judged"]);
    }
}

/// One row, or how long judging takes.
async fn ask(company: &Company, place: &Place, name: &str) {
    let began = Began::now();
    let app = open(company, place).await;
    match ask::ROWS.iter().find(|row| row.name == name) {
        Some(row) => beside(&app, row).await,
        None => {
            said("opened, with the directory read", &began);
            ask::judged(&app, &place.folder).await;
        }
    }
    app.close().await;
}

fn said(what: &str, began: &Began) {
    println!(
        "  {what:<34} {:>9.1} s, {:>8.1} s CPU of ours",
        began.at.elapsed().as_secs_f64(),
        began.cpu().as_secs_f64()
    );
}

/// A moment, by the clock and by the CPU that this process had.
struct Began {
    at: Instant,
    cpu: Duration,
}

impl Began {
    fn now() -> Self {
        Self { at: Instant::now(), cpu: cpu() }
    }

    fn cpu(&self) -> Duration {
        cpu().saturating_sub(self.cpu)
    }
}

/// CPU that this process had so far, threads that have ended included. From /proc, so on Linux only.
fn cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/self/stat").expect("/proc is there");
    let after_name = text.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let ticks = after_name.split(' ').skip(11).take(2).filter_map(|n| n.parse::<u64>().ok());
    Duration::from_millis(ticks.sum::<u64>() * 10)
}

/// Asks both in turn; the fastest of each, since others use the machine too, and how they compare. Beside it the CPU that this process
/// had for them in the mean: with SQLite that is all there is to it, and it says more than the time on a busy machine.
async fn beside(app: &App, row: &ask::Question) {
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    let mut spent = [Duration::ZERO; 2];
    for _ in 0..ROUNDS {
        let began = Began::now();
        let mine = ask::ours(app, row).await;
        ours.push(began.at.elapsed());
        spent[0] += began.cpu();
        let began = Began::now();
        let theirs = bare::answer(&app.store, ask::parts(app, row)).await;
        bare.push(began.at.elapsed());
        spent[1] += began.cpu();
        if let Some(difference) = ask::difference(row, &mine, &theirs) {
            println!("  {:<20} the answers differ: {difference}", row.name);
            return;
        }
        // what takes long needs no more than two
        if ours.iter().chain(&bare).sum::<Duration>() > Duration::from_secs(30) && ours.len() > 1 {
            break;
        }
    }
    let rounds = ours.len() as f64;
    let fastest = |all: Vec<Duration>| all.into_iter().min().unwrap_or_default();
    let (ours, bare) = (fastest(ours), fastest(bare));
    let ratio = ours.as_secs_f64() / bare.as_secs_f64();
    let (ours, bare) = (ours.as_secs_f64() * 1e3, bare.as_secs_f64() * 1e3);
    let [our_cpu, their_cpu] = spent.map(|all| all.as_secs_f64() * 1e3 / rounds);
    let cpu = our_cpu / their_cpu.max(1.0);
    println!(
        "  {:<20} ours {ours:>9.1} ms   bare SQL {bare:>9.1} ms   {ratio:>6.2}   CPU here {our_cpu:>7.0} ms and {their_cpu:>7.0} ms {cpu:>6.2}",
        row.name
    );
}

pub fn median(mut all: Vec<Duration>) -> Duration {
    all.sort_unstable();
    all[all.len() / 2]
}
