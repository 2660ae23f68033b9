//! A pass over mailboxes that were read before: with nothing new, and with a hundred new mails. Each program is started afresh
//! and signs in afresh; with nothing new also the pass of a program that kept its connections, in round trips.

use std::{
    path::PathBuf,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use dealtrail::{
    app::App,
    clock::SystemClock,
    config::Config,
    engine::{
        pass::Options,
        progress::{Quiet, Watcher},
    },
};
use dealtrail_testkit::proxy::{Plan, Proxy};
use tokio_util::sync::CancellationToken;

use crate::{
    Size,
    mailboxes::{Known, Mailboxes, block_on, dealtrail, files, installed},
    measure::{Cost, measure, middle},
    post::FOLDERS,
    table::Table,
};

const NEW: usize = 100;
const ROUND_TRIP: Duration = Duration::from_millis(50);

pub fn nothing(size: Size) {
    let mut office = Office::open(size);
    println!("nothing: a pass with nothing new over {} mailboxes of {} folders", office.all.boxes, FOLDERS.len());
    let mut table = Table::new("folder", office.all.boxes * FOLDERS.len());
    let rounds = size.rounds(9);
    for _ in 0..rounds {
        office.turn(&mut table);
    }
    println!("  checked in each of {rounds}: {} decisions before and after", office.all.mails);
    table.print();
    table.ratio("dealtrail sync", "floor");
    table.ratio("mbsync -a", "dealtrail sync");
    kept(&office.all);
}

pub fn hundred(size: Size) {
    let mut office = Office::open(size);
    println!("hundred: a pass with {NEW} new mails in {} mailboxes", office.all.boxes);
    let mut table = Table::new("new mail", NEW);
    let rounds = size.rounds(9);
    for _ in 0..rounds {
        office.all.deliver(NEW);
        office.turn(&mut table);
    }
    println!("  checked in each of {rounds}: {NEW} new mails = {NEW} new decisions, each captured one with its text");
    table.print();
    table.ratio("dealtrail sync", "floor");
    table.ratio("mbsync -a", "dealtrail sync");
}

/// Mailboxes that everybody has read once.
struct Office {
    all: Mailboxes,
    place: PathBuf,
    config: PathBuf,
    peer: bool,
}

impl Office {
    fn open(size: Size) -> Self {
        let mut all = Mailboxes::fill(size.boxes(10), size.mails(300));
        let place = all.dir.path().join("read");
        let config = all.configure(&place, all.server.tls_port(), "");
        measure(dealtrail(&config, &["sync"]));
        all.settle();
        let office = Self { all, place, config, peer: installed("mbsync", "isync") };
        if office.peer {
            measure(office.mbsync());
        }
        office
    }

    fn mbsync(&self) -> Command {
        self.all.mbsync(&self.place.join("mbsync"), self.all.server.tls_port())
    }

    /// Every program once.
    fn turn(&mut self, table: &mut Table) {
        let all = &self.all;
        table.add("dealtrail sync", measure(dealtrail(&self.config, &["sync"])).0);
        let known = Known { decisions: all.mails, captured: all.kept, texts: all.kept };
        assert_eq!(Known::of(&self.place), known, "every mail has one decision, every captured one its text");
        table.add("floor", measure(all.floor(all.server.tls_port())).0);
        if self.peer {
            table.add("mbsync -a", measure(self.mbsync()).0);
            assert_eq!(files(&self.place.join("mbsync")), all.mails, "every mail is a file");
        }
    }
}

/// Passes of one program that keeps its connections, over a long line whose round trips are counted.
fn kept(all: &Mailboxes) {
    let proxy = Proxy::start(all.server.tls_port());
    let config = all.configure(&all.dir.path().join("kept"), proxy.port(), "");
    block_on(async {
        let config = Config::load(&config).expect("the configuration");
        let app = App::open(config, Arc::new(SystemClock)).await.expect("the program");
        let quiet: Arc<dyn Watcher> = Arc::new(Quiet);
        let pass = async || {
            let (turns, began) = (proxy.turns(), Instant::now());
            let tally = app.engine.pass(&Options::default(), &quiet, &CancellationToken::new()).await;
            assert!(tally.expect("a pass").failures.is_empty(), "everything can be read");
            (proxy.turns() - turns, Cost { wall: began.elapsed(), ..Cost::default() })
        };
        pass().await;
        let near: Vec<_> = [pass().await, pass().await, pass().await].into();
        proxy.set(Plan::round_trip(ROUND_TRIP));
        let far: Vec<_> = [pass().await, pass().await, pass().await].into();
        let folders = (all.boxes * FOLDERS.len()) as f64;
        println!(
            "  kept connections: {:.3} s a pass, {:.3} s at {} ms of round trip; {:.2} round trips a folder",
            middle(near.iter().map(|p| p.1.wall)).as_secs_f64(),
            middle(far.iter().map(|p| p.1.wall)).as_secs_f64(),
            ROUND_TRIP.as_millis(),
            middle(far.iter().map(|p| p.0)) as f64 / folders
        );
        app.close().await;
    });
}
