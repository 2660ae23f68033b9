//! A back-fill whose line is cut, at many places of one session, each time followed by passes that go on: what is known in the
//! end is what an undisturbed run knows. `DEALTRAIL_CUTS=all` cuts at every 512 bytes of a session of a mebibyte:
//! `benches/trust X3`.

use std::{sync::Mutex, time::Duration};

use dealtrail_testkit::{
    dovecot::Dovecot,
    proxy::{Plan, Way, What},
    radicale::Radicale,
};

use super::rig::{Rig, Through, fill};
use crate::{
    support::{Program, assert_same},
    world::{Size, World},
};

/// What a series of cuts showed.
#[derive(Debug, Default)]
struct Shown {
    cuts: usize,
    /// Cuts that lay behind the end of a session, so that nothing happened.
    missed: usize,
    failed_passes: usize,
    connections: usize,
    comparisons: usize,
}

/// One cut: where, how, and whether the line stays shut for the rest of that pass.
type Cut = (Way, u64, What, bool);

/// Everything that a reader could have changed in the mailbox.
fn mailbox(server: &Dovecot) -> String {
    let mut client = server.client("ana", "right");
    let folders = ["INBOX", "Sent"].map(|folder| {
        client.run(&format!("EXAMINE {folder}"));
        let all = client.run("UID FETCH 1:* (UID FLAGS)");
        all.lines().filter(|line| line.contains("UID ")).map(|line| format!("{line}\n")).collect::<String>()
    });
    folders.concat()
}

/// Cuts each session in its place and compares. A difference ends the test and names the cut.
fn cut_and_compare(server: &Dovecot, rig: &Rig, cuts: &[Cut], shown: &Mutex<Shown>) {
    let before = mailbox(server);
    rig.start_over();
    assert_eq!(rig.read_through(Plan::default()), Through::default());
    let calm = rig.known();
    assert!(calm.iter().any(|(table, lines)| *table == "activities" && lines.len() > 20), "there is something to lose");
    for &(way, after, what, shut_after) in cuts {
        rig.start_over();
        let before = rig.proxy.connections();
        let Through { failed, happened } = rig.read_through(Plan { shut_after, ..Plan::once(way, after, what) });
        let connections = rig.proxy.connections() - before;
        // what a pass that met no failure left out would come now
        rig.pass();
        assert_same(&calm, &rig.known(), &format!("{way:?} cut after {after} bytes ({what:?}, shut: {shut_after})"));
        let mut shown = shown.lock().expect("nobody panics while holding it");
        shown.cuts += usize::from(happened);
        shown.missed += usize::from(!happened);
        shown.failed_passes += failed;
        shown.connections += connections;
        shown.comparisons += 1;
    }
    assert_eq!(mailbox(server), before, "reading changes nothing");
}

/// Bytes of one undisturbed session, each way.
fn session(rig: &Rig) -> (u64, u64) {
    let before = (rig.proxy.carried(Way::ToClient), rig.proxy.carried(Way::ToServer));
    rig.start_over();
    assert_eq!(rig.read_through(Plan::default()).failed, 0);
    (rig.proxy.carried(Way::ToClient) - before.0, rig.proxy.carried(Way::ToServer) - before.1)
}

/// Places at equal distances, the kinds of cut in turn.
fn spread(way: Way, step: u64, count: u64) -> Vec<Cut> {
    let kinds = [What::Reset, What::Close, What::HalfClose];
    (0..count).map(|n| (way, n * step, kinds[usize::try_from(n % 3).expect("small")], n % 2 == 0)).collect()
}

#[test]
fn a_back_fill_cut_anywhere_loses_and_doubles_nothing() {
    let all = std::env::var("DEALTRAIL_CUTS").is_ok_and(|cuts| cuts == "all");
    let server = Dovecot::start();
    let (mails, size, workers) = if all { (48, 22_000, 2) } else { (40, 3_000, 1) };
    fill(&server, mails, size);
    let rigs: Vec<Rig> = (0..workers).map(|_| Rig::new(&server)).collect();
    let (down, up) = session(&rigs[0]);
    let mut cuts = if all {
        assert!(down >= 1 << 20, "a session of a mebibyte, not of {down} bytes");
        spread(Way::ToClient, 512, 2048)
    } else {
        spread(Way::ToClient, down / 52, 52)
    };
    let others = if all { 128 } else { 12 };
    cuts.extend(spread(Way::ToServer, up / others, others));
    let shown = Mutex::new(Shown::default());
    std::thread::scope(|scope| {
        for (n, rig) in rigs.into_iter().enumerate() {
            let mine: Vec<Cut> = cuts.iter().skip(n).step_by(workers).copied().collect();
            let (shown, server) = (&shown, &server);
            scope.spawn(move || cut_and_compare(server, &rig, &mine, shown));
        }
    });
    let shown = shown.into_inner().expect("nobody panics while holding it");
    println!(
        "session of {down} bytes to us and {up} to the server: {} cuts ({} behind the end of a session), {} passes failed, \
         {} connections, {} comparisons, 0 differences",
        shown.cuts, shown.missed, shown.failed_passes, shown.connections, shown.comparisons
    );
    assert_eq!(shown.comparisons, cuts.len());
    assert!(shown.missed * 20 <= cuts.len(), "{shown:?}: nearly every cut must have been one");
}

/// A slow line, in pieces of a byte each and a long way off, tells the same.
#[test]
fn a_slow_line_changes_nothing() {
    let server = Dovecot::start();
    fill(&server, 24, 1_500);
    let rig = Rig::new(&server);
    rig.start_over();
    assert_eq!(rig.read_through(Plan::default()).failed, 0);
    let calm = rig.known();
    for (name, plan) in [
        ("byte by byte", Plan { piece: Some((1, Duration::ZERO)), ..Plan::default() }),
        ("a long way off", Plan::round_trip(Duration::from_millis(60))),
    ] {
        rig.start_over();
        assert_eq!(rig.read_through(plan).failed, 0, "{name}");
        assert_same(&calm, &rig.known(), name);
    }
}

/// Calendars over a line that is cut, by the program as a user runs it.
#[test]
fn calendars_cut_anywhere_lose_and_double_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let world = World::new(14, Size::Small, dealtrail_sdk::Clock::now(&dealtrail::clock::SystemClock));
    let (dovecot, radicale) = (Dovecot::start(), Radicale::start());
    let config = world.load_servers(&dovecot, &radicale, dir.path(), 1).config;
    let port = radicale.url().rsplit(':').next().and_then(|p| p.parse().ok()).expect("a port");
    let proxy = dealtrail_testkit::proxy::Proxy::start(port);
    let text = std::fs::read_to_string(&config).expect("the configuration");
    let text = text.replace(&radicale.url(), &format!("http://127.0.0.1:{}", proxy.port()));
    let beside = |name: &str| {
        let path = config.with_file_name(format!("{name}.toml"));
        std::fs::write(&path, text.replace("sqlite:dealtrail.db", &format!("sqlite:{name}.db")))
            .expect("a configuration");
        Program { config: path }
    };
    let calm = beside("calm");
    calm.sync();
    let whole = proxy.carried(Way::ToClient);
    let cut = beside("cut");
    for n in 0..6 {
        proxy.set(Plan::once(Way::ToClient, whole * n / 6 + 11, if n % 2 == 0 { What::Reset } else { What::Close }));
        let said = cut.say(&["sync", "--full"]);
        assert!(matches!(said.code, Some(0 | 1)) && !said.err.contains("panicked"), "{}", said.err);
    }
    proxy.set(Plan::default());
    cut.sync();
    let known = |program: &Program| {
        let mut all = program.settled();
        let gaps = all.iter_mut().find(|(what, _)| *what == "gaps").expect("the gaps");
        // while a calendar could not be read, gaps were unknown for a while: that is true and stays on record
        gaps.1.retain(|line| !line.contains("\"state\":\"withdrawn\"") && !line.contains("\"state\":\"resolved\""));
        all
    };
    assert_same(&known(&calm), &known(&cut), "after the cuts");
}
