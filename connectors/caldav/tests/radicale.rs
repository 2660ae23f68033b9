//! The connector against a real Radicale.

mod support;

use std::{path::Path, process::Command};

use dealtrail_sdk::{Cursor, FaultKind, Source, Stream, record::EventStatus};
use dealtrail_testkit::{
    proxy::{Plan, Proxy, Way, What},
    radicale::Radicale,
};
use serde_json::json;
use support::{Kept, account, calendar, clock, event, source, window};

fn server() -> Radicale {
    let radicale = Radicale::start();
    radicale.user("ana", "secret");
    radicale
}

async fn only(source: &dyn Source) -> Stream {
    let mut all = source.streams().await.expect("streams");
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

#[tokio::test]
async fn every_kind_of_address_leads_to_the_calendars() {
    let radicale = server();
    radicale.make_calendar("ana", "Work & Büro");
    radicale.make_calendar("ana", "Home");
    radicale.make("ana", "Tasks", "VTODO");
    let base = radicale.url();
    let clock = clock();
    for url in
        [base.clone(), format!("{base}/"), format!("{base}/ana/"), format!("{base}/ana"), format!("{base}/nowhere")]
    {
        let source = source(&clock, account(&url)).expect("settings");
        let mut names: Vec<_> = source.streams().await.expect("streams").into_iter().map(|s| s.name).collect();
        names.sort();
        assert_eq!(names, ["Home", "Work & Büro"], "{url}");
    }
    let one = source(&clock, account(&(base.clone() + &Radicale::path("ana", "Work & Büro")))).expect("settings");
    let stream = only(&*one).await;
    assert_eq!((stream.name.as_str(), stream.id.as_str()), ("Work & Büro", "/ana/Work%20%26%20B%C3%BCro/"));
    let chosen = json!({"url": base, "username": "ana", "password": "secret", "calendars": {"exclude": ["home"]}});
    assert_eq!(only(&*source(&clock, chosen).expect("settings")).await, stream);
}

#[tokio::test]
async fn it_keeps_every_promise_of_a_source() {
    let (radicale, clock) = (server(), clock());
    radicale.make_calendar("ana", "Work");
    radicale.make_calendar("ana", "Home");
    for n in 0..70 {
        let rule = if n % 7 == 0 { "RRULE:FREQ=WEEKLY;COUNT=5\r\n" } else { "" };
        radicale.put("ana", "Work", &format!("{n}.ics"), &event(&n.to_string(), n, "Merger with Rivalsoft", rule));
    }
    let source = source(&clock, account(&radicale.url())).expect("settings");
    let secrets = ["secret", "Rivalsoft", "Merger"];
    let summary = dealtrail_testkit::conformance::check(&*source, &window(&clock), &secrets).await;
    assert_eq!((summary.streams, summary.items, summary.unreadable), (2, 110, 0));
}

#[tokio::test]
async fn additions_changes_and_deletions_come_as_deltas() {
    let (radicale, clock) = (server(), clock());
    radicale.make_calendar("ana", "Work");
    let source = source(&clock, account(&radicale.url())).expect("settings");
    let (stream, mut kept) = (only(&*source).await, Kept::default());
    let window = window(&clock);
    kept.sync(&*source, &stream, &window).await.expect("an empty calendar is no fault");
    assert!(kept.events.is_empty() && kept.listings == 1);

    radicale.put("ana", "Work", "a.ics", &event("a", 1, "First", ""));
    radicale.put("ana", "Work", "b b.ics", &event("b", 2, "Second", ""));
    kept.sync(&*source, &stream, &window).await.expect("a delta");
    assert_eq!((kept.summaries(), kept.listings), (vec!["First".into(), "Second".into()], 0));

    radicale.put("ana", "Work", "a.ics", &event("a", 1, "First again", ""));
    radicale.put("ana", "Work", "c.ics", &event("c", 3, "Third", ""));
    radicale.delete("ana", "Work", "b b.ics");
    kept.sync(&*source, &stream, &window).await.expect("a delta");
    assert_eq!((kept.summaries(), kept.listings), (vec!["First again".into(), "Third".into()], 0));
    assert_eq!(kept.read.len(), 2);

    kept.sync(&*source, &stream, &window).await.expect("a delta");
    assert!(kept.read.is_empty() && kept.listings == 0, "nothing changed, nothing is read");
}

#[tokio::test]
async fn what_a_delta_says_is_what_a_listing_says() {
    let (radicale, clock) = (server(), clock());
    radicale.make_calendar("ana", "Work");
    let source = source(&clock, account(&radicale.url())).expect("settings");
    let (stream, window) = (only(&*source).await, window(&clock));
    let mut kept = Kept::default();
    kept.sync(&*source, &stream, &window).await.expect("a listing");
    for n in 0..130 {
        radicale.put("ana", "Work", &format!("{n}.ics"), &event(&n.to_string(), n % 50, &format!("Meeting {n}"), ""));
    }
    // 130 objects come in three batches; the pass is broken off after the first and goes on from its cursor.
    let first = source.pull(&stream, kept.cursor.as_ref(), &window).await.expect("a batch");
    assert!(first.more && first.changes.len() == 60 && first.left == Some(70));
    radicale.put("ana", "Work", "late.ics", &event("late", 1, "Late", ""));
    radicale.delete("ana", "Work", "129.ics");
    kept.sync(&*source, &stream, &window).await.expect("the same batches again");
    assert_eq!((kept.events.len(), kept.listings), (130, 0));

    let mut fresh = Kept::default();
    fresh.sync(&*source, &stream, &window).await.expect("a listing");
    assert_eq!((fresh.listings, fresh.read.len()), (1, 130));
    assert_eq!(fresh.versions, kept.versions);
    assert_eq!(fresh.summaries(), kept.summaries());
}

#[tokio::test]
async fn a_forgotten_token_costs_a_listing_and_loses_nothing() {
    let (radicale, clock) = (server(), clock());
    radicale.make_calendar("ana", "Work");
    radicale.put("ana", "Work", "a.ics", &event("a", 1, "First", ""));
    radicale.put("ana", "Work", "b.ics", &event("b", 1, "Second", ""));
    let source = source(&clock, account(&radicale.url())).expect("settings");
    let (stream, window, mut kept) = (only(&*source).await, window(&clock), Kept::default());
    kept.sync(&*source, &stream, &window).await.expect("a listing");

    radicale.delete("ana", "Work", "a.ics");
    radicale.put("ana", "Work", "c.ics", &event("c", 1, "Third", ""));
    radicale.forget_tokens();
    kept.sync(&*source, &stream, &window).await.expect("a listing again");
    assert_eq!((kept.summaries(), kept.listings), (vec!["Second".into(), "Third".into()], 1));
    assert_eq!(kept.read.len(), 1, "what is known is not read again");

    kept.cursor = Some(Cursor("nothing of ours".into()));
    kept.sync(&*source, &stream, &window).await.expect("a listing again");
    assert_eq!((kept.listings, kept.read.len()), (1, 0));
}

#[tokio::test]
async fn every_week_everything_is_listed_and_opened_again() {
    let (radicale, clock) = (server(), clock());
    radicale.make_calendar("ana", "Work");
    radicale.put("ana", "Work", "a.ics", &event("a", 0, "Weekly", "RRULE:FREQ=WEEKLY\r\n"));
    let source = source(&clock, account(&radicale.url())).expect("settings");
    let (stream, mut kept) = (only(&*source).await, Kept::default());
    kept.sync(&*source, &stream, &window(&clock)).await.expect("a listing");
    let last = |kept: &Kept| kept.events.values().flat_map(|e| e.values().map(|e| e.start)).max();
    let before = last(&kept);

    clock.forward(3);
    kept.sync(&*source, &stream, &window(&clock)).await.expect("a delta");
    assert_eq!(kept.listings, 0);
    clock.forward(18);
    kept.sync(&*source, &stream, &window(&clock)).await.expect("a listing");
    assert_eq!((kept.listings, kept.read.len()), (1, 1));
    assert!(last(&kept) > before, "the window moved on");
}

#[tokio::test]
async fn a_series_with_a_moved_and_a_cancelled_instance() {
    let (radicale, clock) = (server(), clock());
    radicale.make_calendar("ana", "Work");
    let series = calendar(
        "BEGIN:VEVENT\r\nUID:s\r\nDTSTAMP:20261101T000000Z\r\nDTSTART:20261103T100000Z\r\nDTEND:20261103T110000Z\r\n\
         RRULE:FREQ=WEEKLY;COUNT=4\r\nSUMMARY:Jour fixe\r\nEND:VEVENT\r\n\
         BEGIN:VEVENT\r\nUID:s\r\nDTSTAMP:20261101T000000Z\r\nRECURRENCE-ID:20261110T100000Z\r\nDTSTART:20261111T150000Z\r\n\
         DTEND:20261111T160000Z\r\nSUMMARY:Jour fixe (moved)\r\nEND:VEVENT\r\n\
         BEGIN:VEVENT\r\nUID:s\r\nDTSTAMP:20261101T000000Z\r\nRECURRENCE-ID:20261117T100000Z\r\nDTSTART:20261117T100000Z\r\n\
         DTEND:20261117T110000Z\r\nSTATUS:CANCELLED\r\nSUMMARY:Jour fixe\r\nEND:VEVENT\r\n",
    );
    radicale.put("ana", "Work", "s.ics", &series);
    let source = source(&clock, account(&radicale.url())).expect("settings");
    let (stream, mut kept) = (only(&*source).await, Kept::default());
    kept.sync(&*source, &stream, &window(&clock)).await.expect("a listing");
    let events = &kept.events["/ana/Work/s.ics"];
    let starts: Vec<_> = events.values().map(|e| e.start.format("%m-%d %H").to_string()).collect();
    assert_eq!(starts, ["11-03 10", "11-11 15", "11-17 10", "11-24 10"]);
    assert!(events.contains_key("/ana/Work/s.ics#s#20261110T100000Z"));
    let overridden: Vec<_> = events.values().map(|e| (e.overridden, e.status == EventStatus::Cancelled)).collect();
    assert_eq!(overridden, [(false, false), (true, false), (true, true), (false, false)]);
}

#[tokio::test]
async fn reading_named_objects() {
    let (radicale, clock) = (server(), clock());
    radicale.make_calendar("ana", "Work");
    radicale.put("ana", "Work", "a.ics", &event("a", 1, "First", ""));
    let source = source(&clock, account(&radicale.url())).expect("settings");
    let stream = only(&*source).await;
    let names = ["/ana/Work/gone.ics".to_string(), "/ana/Work/a.ics".to_string()];
    let changes = source.fetch(&stream, &names, &window(&clock)).await.expect("an answer");
    let told = format!("{changes:?}");
    assert!(matches!(&changes[0], dealtrail_sdk::Change::Remove { resource } if *resource == names[0]), "{told}");
    assert!(matches!(&changes[1], dealtrail_sdk::Change::Upsert { items, .. } if items.len() == 1), "{told}");
}

#[tokio::test]
async fn faults_say_what_to_do() {
    let (radicale, clock) = (server(), clock());
    radicale.make_calendar("ana", "Work");
    let fault = async |settings| {
        let source = source(&clock, settings).expect("settings");
        source.streams().await.expect_err("a fault")
    };
    let wrong = fault(json!({"url": radicale.url(), "username": "ana", "password": "wrong"})).await;
    assert_eq!(wrong.kind, FaultKind::Unauthorized);
    assert!(wrong.what.contains("password") && !wrong.what.contains("wrong"), "{wrong}");

    let port = dealtrail_testkit::ports::free();
    let away = fault(account(&format!("http://127.0.0.1:{port}/"))).await;
    assert_eq!(away.kind, FaultKind::Unreachable);
    assert!(away.what.contains("127.0.0.1"), "{away}");

    let unknown = fault(account("https://no-such-host.invalid/")).await;
    assert_eq!(unknown.kind, FaultKind::Unreachable);
    assert!(unknown.what.contains("no-such-host.invalid"), "{unknown}");

    let source = source(&clock, account(&radicale.url())).expect("settings");
    let stream = only(&*source).await;
    radicale.delete_calendar("ana", "Work");
    let gone = source.pull(&stream, None, &window(&clock)).await.expect_err("a fault");
    assert_eq!(gone.kind, FaultKind::Missing);
}

#[tokio::test]
async fn certificates_are_checked() {
    let folder = tempfile::tempdir().expect("a folder");
    let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    make_certificate(&certificate, &key);
    let (radicale, clock) = (Radicale::start_tls(&certificate, &key), clock());
    radicale.user("ana", "secret");
    radicale.make_calendar("ana", "Work");
    radicale.put("ana", "Work", "a.ics", &event("a", 1, "First", ""));
    let url = radicale.tls_url().expect("TLS is on");

    let strict = source(&clock, account(&url)).expect("settings");
    let fault = strict.streams().await.expect_err("an unknown certificate");
    assert_eq!(fault.kind, FaultKind::Refused, "{fault}");

    let trusting = json!({"url": url, "username": "ana", "password": "secret", "ca_file": certificate});
    let source = source(&clock, trusting).expect("settings");
    let (stream, mut kept) = (only(&*source).await, Kept::default());
    kept.sync(&*source, &stream, &window(&clock)).await.expect("a listing");
    assert_eq!(kept.summaries(), ["First"]);
}

fn make_certificate(certificate: &Path, key: &Path) {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-keyout")
        .arg(key)
        .arg("-out")
        .arg(certificate)
        .output()
        .expect("the Debian package `openssl` is installed");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

#[tokio::test]
async fn nothing_is_ever_written() {
    let (radicale, clock) = (server(), clock());
    radicale.make_calendar("ana", "Work");
    for n in 0..3 {
        radicale.put("ana", "Work", &format!("{n}.ics"), &event(&n.to_string(), n, "Meeting", ""));
    }
    let before = radicale.snapshot();
    assert!(before.len() >= 3);
    let source = source(&clock, account(&radicale.url())).expect("settings");
    let (stream, mut kept) = (only(&*source).await, Kept::default());
    for _ in 0..2 {
        kept.sync(&*source, &stream, &window(&clock)).await.expect("a pass");
        clock.forward(8);
    }
    assert_eq!(radicale.snapshot(), before);
}

/// The line breaks at many places of a first reading: what was read stays, the next pass goes on, and in the end it is
/// what an undisturbed reading gives.
#[tokio::test]
async fn a_line_that_breaks_anywhere_loses_nothing() {
    let server = server();
    server.make_calendar("ana", "team");
    for n in 0..40 {
        server.put("ana", "team", &format!("{n}.ics"), &event(&n.to_string(), n % 9, &format!("Meeting {n}"), ""));
    }
    let clock = clock();
    let window = window(&clock);
    let port = server.url().rsplit(':').next().and_then(|p| p.parse().ok()).expect("a port");
    let proxy = Proxy::start(port);
    let mut settings = account(&format!("http://127.0.0.1:{}{}", proxy.port(), Radicale::path("ana", "team")));
    settings["timeout"] = 10.into();
    let calm = source(&clock, settings.clone()).expect("settings");
    let stream = only(&*calm).await;
    let mut wanted = Kept::default();
    wanted.sync(&*calm, &stream, &window).await.expect("a pass");
    assert_eq!(wanted.summaries().len(), 40);
    let whole = proxy.carried(Way::ToClient);
    for (n, what) in [What::Reset, What::Close, What::HalfClose].into_iter().cycle().take(12).enumerate() {
        proxy.set(Plan::once(Way::ToClient, n as u64 * whole / 12 + 3, what));
        let broken = source(&clock, settings.clone()).expect("settings");
        let mut kept = Kept::default();
        for _ in 0..6 {
            if kept.sync(&*broken, &stream, &window).await.is_ok() && proxy.happened() {
                break;
            }
        }
        assert!(kept.unreadable.is_empty(), "{n} {what:?}: {:?}", kept.unreadable);
        assert_eq!(kept.summaries(), wanted.summaries(), "{n} {what:?}");
    }
}
