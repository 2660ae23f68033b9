//! Feeds: asked for again only when they changed, and never believed when they are no calendar.

mod support;

use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
};

use dealtrail_sdk::{FaultKind, Source};
use dealtrail_testkit::{
    conformance,
    proxy::{Plan, Proxy, Way, What},
    web::{Answer, Call, Web},
};
use serde_json::json;
use support::{Stopped, calendar, connect, connect_at, fetch, listed, pull, shown, stream, window};

fn ics(text: impl Into<String>) -> Answer {
    Answer::new(200, "text/calendar", text.into())
}

fn source(web: &Web) -> Box<dyn Source> {
    connect(json!({ "url": format!("{}/feed/k3y.ics", web.url()) }), Path::new("/")).expect("the settings are fine")
}

/// How often the feed itself was asked for.
fn gets(web: &Web) -> usize {
    web.calls().iter().filter(|c| c.method == "GET").count()
}

/// A feed with an ETag, like a good server's.
fn tagged(call: &Call, text: &str) -> Answer {
    let etag = format!("\"{}\"", text.len());
    if call.header("if-none-match") == Some(etag.as_str()) {
        Answer::status(304)
    } else {
        ics(text).header("ETag", &etag)
    }
}

#[tokio::test]
async fn the_connector_keeps_the_contract() {
    let text = calendar(&["one|DTSTART:20260105T090000Z\nSUMMARY:Secret plan", "bad|DTSTART:x", "three"]);
    let web = Web::start(move |call| tagged(call, &text));
    let source = source(&web);
    let summary = conformance::check(&*source, &window(), &["Secret plan", "k3y"]).await;
    assert_eq!((summary.streams, summary.items, summary.unreadable), (1, 2, 1));
    assert!(!format!("{:?}", stream(&*source).await).contains("k3y"));
}

#[tokio::test]
async fn not_modified_costs_nothing() {
    let web = Web::start(|call| tagged(call, &calendar(&["one"])));
    let source = source(&web);
    let host = stream(&*source).await.name;
    let first = pull(&*source, None).await.unwrap();
    assert_eq!(listed(&first), [format!("{host}#one")]);
    let second = pull(&*source, first.cursor.as_ref()).await.unwrap();
    assert!(second.listing.is_none() && second.changes.is_empty() && !second.more);
    assert_eq!(second.cursor, first.cursor);
    assert_eq!(gets(&web), 2);
    assert!(web.calls().last().unwrap().header("if-none-match").is_some());
    // The text is still at hand, and a fresh process asks for it.
    let resource = format!("{host}#one");
    assert_eq!(shown(&fetch(&*source, &[&resource]).await), [format!("{resource} = {resource}#-")]);
    assert_eq!(gets(&web), 2);
    let fresh = self::source(&web);
    assert!(pull(&*fresh, first.cursor.as_ref()).await.unwrap().listing.is_none());
    assert_eq!(shown(&fetch(&*fresh, &[&resource]).await), [format!("{resource} = {resource}#-")]);
}

#[tokio::test]
async fn last_modified_is_enough() {
    let date = "Mon, 05 Jan 2026 09:00:00 GMT";
    let web = Web::start(move |call| match call.header("if-modified-since") {
        Some(since) if since == date => Answer::status(304),
        _ => ics(calendar(&["one"])).header("Last-Modified", date),
    });
    let source = source(&web);
    let first = pull(&*source, None).await.unwrap();
    assert!(pull(&*source, first.cursor.as_ref()).await.unwrap().listing.is_none());
}

#[tokio::test]
async fn the_first_try_of_a_feed_without_head_is_not_wasted() {
    let web =
        Web::start(|call| if call.method == "HEAD" { Answer::status(405) } else { tagged(call, &calendar(&["one"])) });
    let first = source(&web);
    stream(&*first).await;
    let batch = pull(&*first, None).await.unwrap();
    assert_eq!((listed(&batch).len(), gets(&web)), (1, 1));
    // A new process with the cursor: the answer of its first try tells that nothing changed.
    let second = source(&web);
    stream(&*second).await;
    stream(&*second).await;
    assert!(pull(&*second, batch.cursor.as_ref()).await.unwrap().listing.is_none());
    assert_eq!(gets(&web), 2);
}

#[tokio::test]
async fn no_calendar_is_a_fault_and_never_an_empty_listing() {
    let page = |status| Answer::new(status, "text/html", "<html>Sign in</html>");
    let cases: Vec<(Answer, FaultKind)> = vec![
        (page(200), FaultKind::Malformed),
        (ics(""), FaultKind::Malformed),
        (ics("oops"), FaultKind::Malformed),
        (Answer::status(204), FaultKind::Unreachable),
        (Answer::status(304), FaultKind::Unreachable),
        (page(401), FaultKind::Unauthorized),
        (page(404), FaultKind::Missing),
        (page(503), FaultKind::Unreachable),
        (Answer { cut: Some(60), ..ics(calendar(&["one"])) }, FaultKind::Unreachable),
    ];
    for (answer, kind) in cases {
        let status = answer.status;
        let web = Web::start(move |_| answer.clone());
        let source = source(&web);
        let fault = pull(&*source, None).await.unwrap_err();
        let same =
            fault.kind == kind || matches!((&fault.kind, &kind), (FaultKind::Busy { .. }, FaultKind::Unreachable));
        assert!(same, "{status}: {:?}", fault.kind);
        assert!(!fault.what.contains("k3y"), "{}", fault.what);
        // Looking without reading cannot know what a calendar's body holds.
        let hidden = status == 200 && !fault.what.contains("web page");
        assert!(hidden || source.streams().await.is_err(), "{status}: the check finds nothing wrong");
    }
}

#[tokio::test]
async fn a_feed_cut_inside_its_events_takes_nothing_away() {
    let whole = calendar(&["one", "two", "three"]);
    let half = whole[..whole.find("UID:three").unwrap()].to_owned();
    let web = Web::start(move |_| ics(half.clone()));
    let source = source(&web);
    let batch = pull(&*source, None).await.unwrap();
    assert!(batch.listing.is_none());
    assert!(batch.changes.len() >= 2);
}

#[tokio::test]
async fn a_shrunken_feed_is_asked_again_in_full_until_it_is_believed() {
    let many: Vec<String> = (0..10).map(|n| format!("u{n}")).collect();
    let text = Arc::new(Mutex::new(calendar(&many.iter().map(String::as_str).collect::<Vec<_>>())));
    let served = text.clone();
    let web = Web::start(move |call| tagged(call, &served.lock().unwrap()));
    let clock = Arc::new(Stopped(AtomicI64::new(1_770_000_000)));
    let source = connect_at(json!({ "url": format!("{}/f.ics", web.url()) }), Path::new("/"), clock.clone()).unwrap();
    let mut cursor = pull(&*source, None).await.unwrap().cursor;
    *text.lock().unwrap() = calendar(&["u1"]);
    for (hours, listing) in [(0, true), (2, true), (7, true), (8, false)] {
        clock.0.store(1_770_000_000 + hours * 3_600, Ordering::SeqCst);
        let batch = pull(&*source, cursor.as_ref()).await.unwrap();
        assert_eq!(batch.listing.is_some(), listing, "after {hours} hours");
        assert!(batch.listing.is_none_or(|l| l.shaky && l.entries.len() == 1));
        cursor = batch.cursor;
    }
}

#[tokio::test]
async fn credentials_stay_with_the_feeds_own_server() {
    let other = Web::start(|_| ics(calendar(&["one"])));
    let target = format!("{}/there.ics", other.url());
    let web = Web::start(move |call| {
        assert!(call.header("authorization").is_some_and(|h| h.starts_with("Basic ")));
        Answer::redirect(302, &target)
    });
    let settings = json!({ "url": format!("{}/f.ics", web.url()), "username": "u", "password": "p" });
    let source = connect(settings, Path::new("/")).unwrap();
    assert_eq!(listed(&pull(&*source, None).await.unwrap()).len(), 1);
    assert_eq!(other.calls().len(), 1);
    assert!(other.calls()[0].header("authorization").is_none());
}

/// Feeds that are slightly wrong are read as they are meant: bare line feeds, no PRODID, no version, a mark before the text,
/// one event that makes no sense.
#[tokio::test]
async fn a_feed_that_is_slightly_wrong_is_read() {
    let good = calendar(&["one", "two"]);
    let cases = [
        ("line feeds", good.replace('\r', "")),
        ("no version", good.replace("VERSION:2.0\r\n", "")),
        ("a mark", format!("\u{feff}{good}")),
        ("blank lines", format!("\r\n\r\n{}\r\n", good.replace("BEGIN:VEVENT", "\r\nBEGIN:VEVENT"))),
        ("small letters", good.replace("BEGIN:VEVENT", "begin:vevent").replace("END:VEVENT", "end:vevent")),
        ("a bad one", calendar(&["one", "two", "bad|DTSTART:yesterday"])),
    ];
    for (name, text) in cases {
        let web = Web::start(move |_| ics(text.clone()));
        let source = source(&web);
        let batch = pull(&*source, None).await.expect(name);
        let all = listed(&batch);
        let names: Vec<&str> = all.iter().map(String::as_str).collect();
        let told = shown(&fetch(&*source, &names).await);
        let read = told.iter().filter(|line| line.contains(" = ")).count();
        assert_eq!((read, told.len()), (2, if name == "a bad one" { 3 } else { 2 }), "{name}: {told:?}");
    }
}

/// The line breaks at any byte of a feed: no answer, never a shorter calendar.
#[tokio::test]
async fn a_line_that_breaks_takes_nothing_away() {
    let web = Web::start(|_| ics(calendar(&["one", "two", "three"])));
    let port = web.url().rsplit(':').next().and_then(|p| p.parse().ok()).expect("a port");
    let proxy = Proxy::start(port);
    let settings = json!({ "url": format!("http://127.0.0.1:{}/f.ics", proxy.port()), "timeout": 2 });
    let source = connect(settings, Path::new("/")).expect("the settings are fine");
    let first = pull(&*source, None).await.expect("a reading");
    let whole = proxy.carried(Way::ToClient);
    for n in 0..40 {
        let what = if n % 2 == 0 { What::Close } else { What::Reset };
        proxy.set(Plan::once(Way::ToClient, n * whole / 40, what));
        let fault = pull(&*source, first.cursor.as_ref()).await.expect_err("cut");
        assert_eq!(fault.kind, FaultKind::Unreachable, "{n}");
        assert_eq!(listed(&pull(&*source, first.cursor.as_ref()).await.expect("whole again")), listed(&first), "{n}");
    }
}
