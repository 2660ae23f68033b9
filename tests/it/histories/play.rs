//! Plays a history on the real engine, with a clock that is set, in one of several manners of reading; and what is known at the
//! end.

use std::{collections::BTreeMap, sync::Arc};

use dealtrail::{
    app::App,
    cli::{output::Format, report::Report, shapes},
    clock::SetClock,
    config,
    domain::gaps::{Finding, Word},
    engine::{
        Engine,
        pass::Options,
        progress::{Quiet, Watcher},
    },
    store::{Row, Store, choices::Chosen, lists::Filter},
};
use dealtrail_testkit::postgres::Postgres;
use tokio_util::sync::CancellationToken;

use super::{
    acts::{Act, Step},
    book::{self, Book},
};
use crate::{support::Database, world::rng::Rng};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Reads only where history forgets, and at the end.
    Seldom,
    /// Reads after each step or two.
    Often,
    /// Reads one account or two at a time, in any order, now and then everything afresh.
    Piecemeal,
    /// Two of them read at once, each with what it knows.
    Together,
}

const CONNECTIONS: [&str; 5] = ["crm", "ana-mail", "bob-mail", "ana-cal", "bob-cal"];

/// What is known: lines by name.
pub type Known = BTreeMap<String, String>;

pub struct Outcome {
    pub activities: Known,
    pub texts: Known,
    pub decisions: Known,
    pub deals: Known,
    /// All findings.
    pub gaps: BTreeMap<String, Finding>,
    /// All findings after everything was judged afresh.
    pub afresh: BTreeMap<String, Finding>,
    /// The last sign of each deal, and after everything was judged afresh.
    pub signed: Known,
    pub signed_afresh: Known,
}

struct Play {
    book: Book,
    clock: SetClock,
    apps: Vec<App>,
    manner: Manner,
    rng: Rng,
}

/// # Panics
/// When the program fails.
pub async fn play(steps: &[Step], manner: Manner, seed: u64, on: Database) -> Outcome {
    let dir = tempfile::tempdir().expect("a folder");
    let url = (on == Database::Postgres).then(|| Postgres::shared().fresh());
    let book = Book::new(dir.path(), url.clone().unwrap_or("sqlite:dealtrail.db".to_owned()));
    let clock = SetClock::at(book::start());
    let mut play = Play { book, clock, apps: vec![], manner, rng: Rng::new(seed) };
    play.open().await;
    for step in steps {
        play.book.now += chrono::Duration::hours(step.hours);
        play.clock.set(play.book.now);
        play.step(step.act).await;
    }
    play.whole().await;
    let outcome = play.outcome().await;
    play.close().await;
    if let Some(url) = url {
        Postgres::shared().drop_database(&url);
    }
    outcome
}

impl Play {
    async fn open(&mut self) {
        self.close().await;
        let count = if self.manner == Manner::Together { 2 } else { 1 };
        for n in 0..count {
            let config = config::load(&self.book.config()).expect("a configuration");
            let mut app = App::open(config, Arc::new(self.clock.clone())).await.expect("an app");
            // two programs on two machines
            let engine: &mut Engine = Arc::get_mut(&mut app.engine).expect("nobody else has it yet");
            engine.holder = format!("machine{n}-{}", engine.holder);
            self.apps.push(app);
        }
    }

    async fn close(&mut self) {
        for app in self.apps.drain(..) {
            app.close().await;
        }
    }

    async fn step(&mut self, act: Act) {
        let forgotten = act.is_forgotten() || self.book.moves_a_series(act);
        if forgotten {
            self.whole().await;
        }
        self.book.act(act);
        match act {
            Act::Say { which, word } => self.say(which, word).await,
            Act::Choose { which, candidate, link } => self.choose(which, candidate, link).await,
            Act::Exclude | Act::Threshold(_) | Act::Documents => self.open().await,
            _ => {}
        }
        if forgotten {
            self.whole().await;
        }
        match self.manner {
            Manner::Seldom => {}
            Manner::Often if self.rng.chance(70) => self.pass(0, Options::default()).await,
            Manner::Piecemeal if self.rng.chance(80) => {
                let mut names = CONNECTIONS.map(str::to_owned);
                self.rng.shuffle(&mut names);
                for name in names.into_iter().take(1 + self.rng.below(3)) {
                    let full = self.rng.chance(10);
                    self.pass(0, Options { connections: vec![name], full, ..Options::default() }).await;
                }
            }
            Manner::Together if self.rng.chance(70) => {
                let (one, two) = (Options::default(), Options::default());
                tokio::join!(self.pass(0, one), self.pass(1, two));
            }
            Manner::Often | Manner::Piecemeal | Manner::Together => {}
        }
    }

    /// Everything is read by all, one after the other.
    async fn whole(&self) {
        for n in 0..self.apps.len() {
            self.pass(n, Options::default()).await;
        }
    }

    async fn pass(&self, n: usize, options: Options) {
        let watcher: Arc<dyn Watcher> = Arc::new(Quiet);
        let tally = self.apps[n].engine.pass(&options, &watcher, &CancellationToken::new()).await.expect("a pass");
        assert!(tally.failures.is_empty(), "{:?}", tally.failures);
    }

    fn store(&self) -> &Store {
        &self.apps[0].store
    }

    async fn findings(&self) -> BTreeMap<String, Finding> {
        let all = self.store().findings().await.expect("findings");
        all.into_iter().map(|f| (f.id.clone(), f)).collect()
    }

    async fn say(&self, which: usize, word: usize) {
        let mut live = self.findings().await;
        live.retain(|_, f| f.state.is_live());
        let Some(at) = which.checked_rem(live.len()) else { return };
        let (id, _) = live.iter().nth(at).expect("one of them");
        let until = self.book.now + chrono::Duration::hours(30 + i64::try_from(word).expect("a small number"));
        let word = match word % 3 {
            0 => Word::Snooze { until, why: "later".into() },
            1 => Word::Explain { why: "we met".into() },
            _ => Word::TakeBack,
        };
        // taking back what nobody said is refused, for all alike
        let _ = self.apps[0].engine.say(id, word, "ana@acme.example").await.expect("the database");
    }

    async fn choose(&self, which: usize, candidate: usize, linked: bool) {
        let mut all = self.store().activities(&Filter::default()).await.expect("activities");
        all.retain(|s| !s.activity.undecided.is_empty());
        all.sort_by(|a, b| a.activity.id.cmp(&b.activity.id));
        let Some(at) = which.checked_rem(all.len()) else { return };
        let activity = &all[at].activity;
        let deal = activity.undecided[candidate % activity.undecided.len()].clone();
        let (by, at) = ("ana@acme.example".to_owned(), self.book.now);
        let chosen = Chosen { activity: activity.id.clone(), deal, linked, by, at };
        self.apps[0].engine.choose(&chosen).await.expect("a choice");
    }

    /// What the database counts is what comes of counting each activity by itself.
    async fn counts(&self) {
        let asked = [
            ("activity", false),
            ("funnel", false),
            ("funnel", true),
            ("pace", false),
            ("targets", false),
            ("next_steps", false),
        ];
        for (name, cohorts) in asked {
            let report = |show: Option<&str>| Report {
                name: name.to_owned(),
                from: None,
                to: None,
                team: None,
                rep: None,
                deal: None,
                cohorts,
                calibration: false,
                show: show.map(str::to_owned),
                format: Format::Json,
            };
            let (counted, each) = (report(None), report(Some("rep")));
            let counted = counted.table(&self.apps[0]).await.expect("a report").json();
            let each = each.table(&self.apps[0]).await.expect("a report").json();
            assert_eq!(counted, each, "{name}, counted and each by itself");
        }
    }

    async fn outcome(&self) -> Outcome {
        self.counts().await;
        let (store, now) = (self.store(), self.book.now);
        let texts = store.db.rows("select activity, body from texts", vec![]).await.expect("texts");
        let texts = texts.iter().map(|r| (r.text(0), r.text(1))).collect();
        let activities = store.activities_after("", 100_000).await.expect("activities");
        let activities = activities.iter().map(|(s, seen)| {
            let mut row = shapes::activity(s, seen, now);
            for key in ["sightings", "matches"] {
                if let Some(all) = row.get_mut(key).and_then(|v| v.as_array_mut()) {
                    all.sort_by_key(ToString::to_string);
                }
            }
            (s.activity.id.clone(), serde_json::Value::Object(row).to_string())
        });
        let decisions = store.decisions_after(0, "", 100_000).await.expect("decisions");
        let decisions = decisions.iter().map(|d| {
            let mut row = shapes::decision(d);
            row.remove("decided_at");
            (format!("{} {} {}", d.connection, d.stream, d.key), serde_json::Value::Object(row).to_string())
        });
        let directory = self.apps[0].engine.known().directory.clone();
        let deals = directory
            .deals
            .iter()
            .map(|(id, d)| (id.clone(), serde_json::Value::Object(shapes::deal(d, &directory)).to_string()));
        let (activities, decisions, deals) = (activities.collect(), decisions.collect(), deals.collect());
        let signs = async || {
            let sql = "select deal, signed_at, backed from reviews where signed_at is not null or backed is not null";
            let rows = store.db.rows(sql, vec![]).await.expect("what judging leaves");
            let kept = |r: &Row| format!("{}: {:?}, backed {:?}", r.text(0), r.opt_int(1), r.opt_text(2));
            rows.iter().map(|r| (r.text(0), kept(r))).collect::<Known>()
        };
        let (gaps, signed) = (self.findings().await, signs().await);
        store.judge_all().await.expect("marked");
        self.apps[0].engine.review_due().await.expect("judged");
        let signed_afresh = signs().await;
        let afresh = self.findings().await;
        Outcome { activities, texts, decisions, deals, gaps, afresh, signed, signed_afresh }
    }
}
