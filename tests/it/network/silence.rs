//! Servers that say nothing, or refuse for days: noticed in time, said, tried again ever more seldom, and never more often than
//! providers bear.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use dealtrail::{
    app::App,
    clock::{SetClock, SystemClock},
    config,
    engine::progress::Quiet,
    store::connections::State,
};
use dealtrail_sdk::Clock as _;
use dealtrail_testkit::{
    dovecot::Dovecot,
    imap::{Imap, Reply},
    proxy::{Plan, Proxy, Way, What},
};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::rig::{MAILBOX, fill};
use crate::support::{Database::Sqlite, Office, letter};

fn behind(office: &Office, port: u16, more: &str) {
    office.add(&format!(
        "[[connection]]\nname = \"{MAILBOX}\"\nconnector = \"imap\"\nowner = \"ana@acme.example\"\nhost = \"127.0.0.1\"\n\
         port = {port}\ntls = \"none\"\nusername = \"ana\"\npassword = \"right\"\n{more}"
    ));
}

/// A mailbox that goes silent at any point is given up in time; the one beside it is read.
#[test]
fn a_black_hole_is_noticed_and_costs_nobody_else() {
    let server = Dovecot::start();
    fill(&server, 12, 500);
    let proxy = Proxy::start(server.port());
    let office = Office::new(Sqlite);
    office.deliver("ana", "INBOX", &letter("offer@buyer.example").bytes());
    behind(&office, proxy.port(), "timeout = 1\ncompress = \"off\"");
    for (plan, name) in [
        (Plan::black_hole(), "it accepts and says nothing"),
        (Plan::always(Way::ToClient, 1_500, What::Silence), "it falls silent in the middle"),
        (Plan::always(Way::ToServer, 300, What::Silence), "it hears no more"),
    ] {
        proxy.set(plan);
        let said = office.program.say(&["sync"]);
        assert_eq!(said.code, Some(1), "{name}: {}", said.err);
        said.complains(&[MAILBOX, "127.0.0.1", "did not answer in time"]);
        assert!(office.program.activity("offer@buyer.example").is_some(), "{name}: the other mailbox was read");
        let rows: Vec<Value> =
            serde_json::from_str(&office.program.run(&["status", "--format", "json"])).expect("JSON");
        let state = |connection: &str| {
            let mut mine = rows.iter().filter(|r| r["connection"] == connection);
            mine.find(|r| r["state"] != "ok").map_or("ok", |r| r["state"].as_str().expect("a state")).to_owned()
        };
        assert_eq!((state("ana-mail"), state(MAILBOX)), ("ok".to_owned(), "failing".to_owned()), "{name}");
    }
    proxy.set(Plan::default());
    office.program.sync();
    assert_eq!(office.program.export("activities").len(), 13);
}

/// The daemon's own plan of tries, by a clock that jumps from each to the next: `(when, connections made then)`.
fn tries(office: &Office, hours: i64, made: impl Fn() -> usize) -> (Vec<(DateTime<Utc>, usize)>, State) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let began = SystemClock.now();
        let clock = SetClock::at(began);
        let config = config::load(&office.program.config).expect("the configuration");
        let app = App::open(config, Arc::new(clock.clone())).await.expect("the database");
        let mut all = Vec::new();
        let connection = app.engine.connections.iter().find(|c| c.name == MAILBOX).expect("the mailbox").clone();
        loop {
            let before = made();
            app.engine.connection(&connection, false, &Quiet, &CancellationToken::new()).await.expect("the database");
            all.push((clock.now(), made() - before));
            let rows = app.store.connections().await.expect("the database");
            let row = rows.iter().find(|c| c.name == MAILBOX).expect("its row");
            assert!(row.next_due > clock.now() && row.last_error.is_some(), "{row:?}");
            if row.next_due > began + TimeDelta::hours(hours) {
                return (all, row.state);
            }
            clock.set(row.next_due);
        }
    })
}

/// Connections in the minute before each try.
fn busiest_minute(tries: &[(DateTime<Utc>, usize)]) -> usize {
    let within = |at: DateTime<Utc>| tries.iter().filter(move |(t, _)| *t <= at && at - *t < TimeDelta::minutes(1));
    tries.iter().map(|(at, _)| within(*at).map(|(_, n)| n).sum()).max().unwrap_or(0)
}

/// A server that cuts at once, for a whole day: ever more seldom, with jitter, and never more than ten a minute.
#[test]
fn a_server_that_cuts_at_once_is_tried_ever_more_seldom() {
    let server = Dovecot::start();
    fill(&server, 12, 500);
    let proxy = Proxy::start(server.port());
    for (name, plan) in [
        ("at once", Plan::always(Way::ToClient, 0, What::Reset)),
        ("after the sign-in", Plan::always(Way::ToClient, 1_500, What::Reset)),
    ] {
        proxy.set(plan);
        let office = Office::without_mail(Sqlite);
        behind(&office, proxy.port(), "timeout = 5\nconnections_per_minute = 1000\ncompress = \"off\"");
        let (all, state) = tries(&office, 24, || proxy.connections());
        assert_eq!(state, State::Failing, "{name}");
        assert!((20..60).contains(&all.len()), "{name}: {} tries in a day", all.len());
        assert!(busiest_minute(&all) <= 10, "{name}: {:?}", &all[..5]);
        let waits: Vec<i64> = all.windows(2).map(|two| (two[1].0 - two[0].0).num_milliseconds()).collect();
        assert!(waits[0] < 62_000 && waits[waits.len() - 1] > 3_600_000, "{name}: {waits:?}");
        let odd: std::collections::BTreeSet<i64> = waits.iter().map(|w| w % 30_000).collect();
        assert!(odd.len() > 5, "{name}: no two programs come back together: {waits:?}");
    }
}

/// A password that is refused: three tries, then once a day, so that no provider bans the address for it.
#[test]
fn a_refused_password_is_tried_thrice_and_then_daily() {
    let server = Imap::with(&[1]).start();
    server.answer(|_, command| {
        command.starts_with("LOGIN").then(|| Reply::Whole("{tag} NO [AUTHENTICATIONFAILED] no\r\n".into()))
    });
    let office = Office::without_mail(Sqlite);
    behind(&office, server.port(), "");
    let signed = || server.commands().iter().filter(|c| c.starts_with("LOGIN")).count();
    let (all, state) = tries(&office, 72, signed);
    assert_eq!(state, State::NeedsAction);
    assert!(signed() <= 6 && all.iter().all(|(_, n)| *n <= 1), "{all:?}");
}
