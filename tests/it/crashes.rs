//! Readings that end badly: messages that panic or abort while they are read, a lease that is lost, mail that cannot be read
//! any more, a calendar that vanishes.

use std::{
    collections::BTreeSet,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

use dealtrail::{
    clock::SystemClock,
    domain::activity::Status,
    engine::{
        Engine,
        pass::Options,
        progress::{Quiet, Tally, Watcher},
        rules::Level,
    },
    store::{Store, connections::State, lists::Filter},
};
use dealtrail_sdk::{Clock as _, Gives};
use rstest::rstest;
use tokio_util::sync::CancellationToken;

use crate::{
    fake::{self, Fake, Trick},
    support::{
        Database::{self, Postgres, Sqlite},
        Letter, Office, letter,
    },
};

fn names(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("m{n}")).collect()
}

async fn engine(config: &Path, make: impl FnOnce(&Store) -> Fake) -> (Arc<Engine>, Fake) {
    fake::engine(config, Level::Subject, make).await
}

async fn pass(engine: &Arc<Engine>, full: bool) -> Tally {
    let watcher: Arc<dyn Watcher> = Arc::new(Quiet);
    let options = Options { full, ..Options::default() };
    engine.pass(&options, &watcher, &CancellationToken::new()).await.expect("a pass")
}

async fn mails(engine: &Engine) -> BTreeSet<String> {
    let rows = engine.store.activities(&Filter::default()).await.expect("activities");
    rows.into_iter().filter_map(|s| s.message_id).map(|m| m.replace("@buyer.example", "")).collect()
}

async fn all_but_the_bad_are_read(engine: &Engine, count: usize, bad: &[&str]) {
    let mut want: BTreeSet<String> = names(count).into_iter().collect();
    want.retain(|n| !bad.contains(&n.as_str()));
    assert_eq!(mails(engine).await, want);
    let aside = engine.store.unreadable(10).await.expect("decisions");
    let mut keys: Vec<&str> = aside.iter().map(|d| d.key.as_str()).collect();
    keys.sort_unstable();
    assert_eq!(keys, bad);
    for d in &aside {
        assert!(d.detail.as_deref().is_some_and(|w| w.contains("ended the program")), "{:?}", d.detail);
    }
}

#[rstest]
#[case(Sqlite, Trick::Panic, false)]
#[case(Sqlite, Trick::Panic, true)]
#[case(Sqlite, Trick::PanicInItsThread, false)]
#[case(Postgres, Trick::Panic, false)]
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_panics_is_put_aside(#[case] on: Database, #[case] trick: Trick, #[case] known: bool) {
    let office = Office::without_mail(on);
    let (engine, fake) = engine(&office.program.config, |s| Fake::new(s, Gives::Mail, &names(230))).await;
    if known {
        // captured before, it stays what it is
        pass(&engine, false).await;
        fake.held.lock().expect("nobody panics while holding it")[7].1 = "2".to_owned();
    }
    fake.trick(trick, &["m7"]);
    let tally = pass(&engine, false).await;
    assert!(tally.failures.is_empty(), "{:?}", tally.failures);
    let bad: &[&str] = &["m7"];
    let met = fake.met.lock().expect("nobody panics while holding it").clone();
    assert!(met.len() <= 4 && met.last() == Some(&1), "read less and less at a time: {met:?}");
    if known {
        assert_eq!(mails(&engine).await.len(), 230);
        assert_eq!(engine.store.unreadable(10).await.expect("decisions").len(), 1, "and it is said");
    } else {
        all_but_the_bad_are_read(&engine, 230, bad).await;
    }
    // it is left alone; a full pass dares it once more, and alone
    for (full, more) in [(false, 0), (true, 1)] {
        let before = fake.met.lock().expect("nobody panics while holding it").len();
        pass(&engine, full).await;
        let met = fake.met.lock().expect("nobody panics while holding it").clone();
        assert_eq!(met.len() - before, more, "full {full}: {met:?}");
        assert!(met[before..].iter().all(|n| *n == 1));
    }
    // mended, it is read
    fake.trick(Trick::None, &[]);
    pass(&engine, true).await;
    assert_eq!(mails(&engine).await.len(), 230);
    assert!(engine.store.unreadable(10).await.expect("decisions").is_empty());
    engine.store.db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_panics_names_its_stream_and_stops_nobody() {
    let office = Office::new(Sqlite);
    office.deliver("ana", "INBOX", &Letter { id: "other@buyer.example", ..letter("x") }.bytes());
    let make = |s: &Store| Fake { batches: true, ..Fake::new(s, Gives::Mail, &names(3)) };
    let (engine, fake) = engine(&office.program.config, make).await;
    fake.trick(Trick::Panic, &["m1"]);
    let tally = pass(&engine, false).await;
    assert_eq!(tally.failures.len(), 1, "{:?}", tally.failures);
    let (connection, stream, why) = &tally.failures[0];
    assert_eq!((connection.as_str(), stream.as_deref()), ("made-up", Some("INBOX")));
    assert!(why.contains("INBOX"), "{why}");
    assert_eq!(mails(&engine).await, BTreeSet::from(["other".to_owned()]));
    let met = fake.met.lock().expect("nobody panics while holding it").len();
    assert!(met <= 6, "it was tried {met} times");
    pass(&engine, false).await;
    assert_eq!(fake.met.lock().expect("nobody panics while holding it").len(), met, "it rests for a day");
    engine.store.db.close().await;
}

const CHILD: &str = "DEALTRAIL_TEST_ABORTS";

/// Not a test of its own: the process that the next test starts again and again.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_reads_until_it_aborts() {
    let Some(config) = std::env::var_os(CHILD) else { return };
    let (engine, fake) = engine(Path::new(&config), |s| Fake::new(s, Gives::Mail, &names(40))).await;
    fake.trick(Trick::Abort, &["m11"]);
    let tally = pass(&engine, false).await;
    assert!(tally.failures.is_empty(), "{:?}", tally.failures);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_ends_the_process_is_put_aside(#[values(Sqlite, Postgres)] on: Database) {
    let office = Office::without_mail(on);
    let mut ends = 0;
    loop {
        let child = Command::new(std::env::current_exe().expect("this program"))
            .args(["crashes::a_process_that_reads_until_it_aborts", "--exact"])
            .env(CHILD, &office.program.config)
            .stdin(Stdio::null())
            .output()
            .expect("the program can be started");
        if child.status.success() {
            break;
        }
        ends += 1;
        let said = String::from_utf8_lossy(&child.stdout).into_owned();
        assert!(child.status.code().is_none(), "it aborts, it does not fail: {said}");
        assert!(ends <= 7, "the program ended {ends} times");
    }
    assert!(ends >= 2, "one end may have come from outside");
    let (engine, _) = engine(&office.program.config, |s| Fake::new(s, Gives::Mail, &names(40))).await;
    all_but_the_bad_are_read(&engine, 40, &["m11"]).await;
    engine.store.db.close().await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_under_a_lost_lease(
    #[values(Sqlite, Postgres)] on: Database,
    #[values(false, true)] batches: bool,
) {
    let office = Office::without_mail(on);
    let make = |s: &Store| Fake { batches, ..Fake::new(s, Gives::Mail, &names(20)) };
    let (engine, fake) = engine(&office.program.config, make).await;
    fake.trick(Trick::Robbed, &["m3"]);
    for robbed in ["meanwhile", "before"] {
        let tally = pass(&engine, false).await;
        assert!(tally.failures.is_empty(), "{robbed}: {:?}", tally.failures);
        assert_eq!(tally.left, [("made-up".to_owned(), "INBOX".to_owned())], "{robbed}");
        assert!(mails(&engine).await.is_empty(), "{robbed}");
        let all = engine.store.connections().await.expect("connections");
        let row = all.iter().find(|c| c.name == "made-up").expect("it");
        assert!(row.state == State::New && row.last_success.is_none(), "{robbed}: it was not read");
        assert!(row.next_due > SystemClock.now(), "{robbed}: it is not asked again and again");
        let streams = engine.store.streams_of("made-up").await.expect("streams");
        assert!(streams[0].complete_to.is_none() && streams[0].last_success.is_none(), "{robbed}");
        assert_eq!(
            engine.store.lease_holder(streams[0].id).await.expect("a row").as_deref(),
            Some("elsewhere/boot/1/x")
        );
    }
    // given back, it is read
    fake.trick(Trick::None, &[]);
    engine.store.db.exec("update streams set lease_by = null, lease_until = 0", vec![]).await.expect("given back");
    let tally = pass(&engine, false).await;
    assert!(tally.left.is_empty() && mails(&engine).await.len() == 20);
    engine.store.db.close().await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn captured_mail_that_cannot_be_read_any_more_stays(#[values(Sqlite, Postgres)] on: Database) {
    let office = Office::without_mail(on);
    let (engine, fake) = engine(&office.program.config, |s| Fake::new(s, Gives::Mail, &names(3))).await;
    pass(&engine, false).await;
    let before = engine.store.decisions_about("m1@buyer.example").await.expect("decisions");
    assert_eq!(before.len(), 1);
    fake.trick(Trick::Unreadable, &["m1"]);
    for h in fake.held.lock().expect("nobody panics while holding it").iter_mut() {
        h.1 = "2".to_owned();
    }
    for full in [false, true] {
        pass(&engine, full).await;
        let now = engine.store.decisions_about("m1@buyer.example").await.expect("decisions");
        assert_eq!(now.len(), 1, "full {full}");
        assert_eq!((&now[0].outcome, &now[0].activity), (&before[0].outcome, &before[0].activity), "full {full}");
        assert_eq!(now[0].detail.as_deref(), Some("the message is torn"));
        assert_eq!(mails(&engine).await.len(), 3);
        let aside = engine.store.unreadable(5).await.expect("decisions");
        assert_eq!(aside.iter().map(|d| d.key.as_str()).collect::<Vec<_>>(), ["m1"], "it is said");
    }
    // readable again, nothing is left of it
    fake.trick(Trick::None, &[]);
    engine.store.db.exec("update items set retry_at = 1 where retry_at is not null", vec![]).await.expect("time");
    pass(&engine, false).await;
    let now = engine.store.decisions_about("m1@buyer.example").await.expect("decisions");
    assert_eq!((now[0].detail.as_deref(), now[0].activity.as_deref()), (None, before[0].activity.as_deref()));
    assert!(engine.store.unreadable(5).await.expect("decisions").is_empty());
    engine.store.db.close().await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_calendar_that_is_deleted_calls_off_what_was_to_come(#[values(Sqlite, Postgres)] on: Database) {
    let office = Office::without_mail(on);
    let days: Vec<String> = ["-5", "5"].map(str::to_owned).into();
    let (engine, fake) = engine(&office.program.config, |s| Fake::new(s, Gives::Calendar, &days)).await;
    let states = async || {
        let rows = engine.store.activities(&Filter::default()).await.expect("activities");
        let mut all: Vec<(String, Status)> =
            rows.into_iter().map(|s| (s.ical_uid.unwrap_or_default(), s.activity.status)).collect();
        all.sort();
        all
    };
    let state = |past, next| vec![("-5".to_owned(), past), ("5".to_owned(), next)];
    pass(&engine, false).await;
    assert_eq!(states().await, state(Status::Planned, Status::Planned));
    fake.streams.lock().expect("nobody panics while holding it").clear();
    for full in [false, true] {
        pass(&engine, full).await;
        assert_eq!(states().await, state(Status::Planned, Status::Cancelled), "what was held stays");
    }
    fake.streams.lock().expect("nobody panics while holding it").push("INBOX");
    pass(&engine, false).await;
    assert_eq!(states().await, state(Status::Planned, Status::Planned), "it is there again");
    engine.store.db.close().await;
}
