//! Calendar files and folders: what is listed, what is opened, and what a broken file must never do.

mod support;

use std::fs;

use dealtrail_sdk::{Change, FaultKind};
use dealtrail_testkit::conformance;
use serde_json::json;
use support::{calendar, connect, fetch, listed, pull, shown, stream, window};

const SERIES: &str =
    "weekly|DTSTART;TZID=Europe/Berlin:20260105T090000\nRRULE:FREQ=WEEKLY;COUNT=2\nSUMMARY:Secret plan";

#[tokio::test]
async fn a_file_is_a_stream() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("bob #1.ics"), calendar(&["one", SERIES])).unwrap();
    let source = connect(json!({ "path": "bob #1.ics" }), dir.path()).unwrap();
    assert_eq!(stream(&*source).await.name, "bob #1.ics");
    let batch = pull(&*source, None).await.unwrap();
    assert!(batch.listing.as_ref().unwrap().shaky && !batch.more);
    assert_eq!(listed(&batch), ["bob %231.ics#one", "bob %231.ics#weekly"]);
    let changes = fetch(&*source, &["bob %231.ics#one", "bob %231.ics#weekly", "bob %231.ics#x", "other"]).await;
    assert_eq!(
        shown(&changes),
        [
            "bob %231.ics#one = bob %231.ics#one#-",
            "bob %231.ics#weekly = bob %231.ics#weekly#20260105T080000Z bob %231.ics#weekly#20260112T080000Z",
            "bob %231.ics#x gone",
            "other gone",
        ]
    );
}

#[tokio::test]
async fn a_folder_is_a_stream_and_its_files_are_kept_apart() {
    let dir = tempfile::tempdir().unwrap();
    let cal = dir.path().join("cal");
    fs::create_dir_all(cal.join("team/deeper")).unwrap();
    for (file, uids) in [
        ("work.ics", &["one", "same"][..]),
        ("private.ICS", &["same"]),
        ("team/a.ics", &["two"]),
        ("team/deeper/b.ics", &["three"]),
        ("note.txt", &["four"]),
        (".hidden.ics", &["five"]),
    ] {
        fs::write(cal.join(file), calendar(uids)).unwrap();
    }
    let source = connect(json!({ "path": "cal" }), dir.path()).unwrap();
    assert_eq!(stream(&*source).await.name, "cal");
    let batch = pull(&*source, None).await.unwrap();
    assert_eq!(listed(&batch), ["private.ICS#same", "team/a.ics#two", "work.ics#one", "work.ics#same"]);
    let summary = conformance::check(&*source, &window(), &["Secret"]).await;
    assert_eq!((summary.items, summary.unreadable), (4, 0));
}

#[tokio::test]
async fn a_bad_event_is_unreadable_alone() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(
        dir.path().join("a.ics"),
        calendar(&["good", "bad|DTSTART:20260105T090000Z\nRRULE:FREQ=SECONDLY", SERIES]),
    )
    .unwrap();
    let source = connect(json!({ "path": "a.ics" }), dir.path()).unwrap();
    let summary = conformance::check(&*source, &window(), &["Secret plan"]).await;
    assert_eq!((summary.items, summary.unreadable), (3, 1));
    assert_eq!(shown(&fetch(&*source, &["a.ics#bad"]).await), ["a.ics#bad unreadable"]);
}

#[tokio::test]
async fn a_changed_event_gets_another_version_and_the_others_do_not() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.ics");
    fs::write(&file, calendar(&["one", "two"])).unwrap();
    let source = connect(json!({ "path": "a.ics" }), dir.path()).unwrap();
    let entries = async || {
        let mut entries = pull(&*source, None).await.unwrap().listing.unwrap().entries;
        entries.sort_by(|a, b| a.resource.cmp(&b.resource));
        entries
    };
    let first = entries().await;
    fs::write(&file, calendar(&["one|DTSTART:20260105T100000Z", "two"])).unwrap();
    let second = entries().await;
    assert_ne!(first[0], second[0]);
    assert_eq!(first[1], second[1]);
    // A stamp of the moment is no change.
    fs::write(&file, calendar(&["one|DTSTART:20260105T100000Z", "two"]).replace("DTSTAMP:2026", "DTSTAMP:2025"))
        .unwrap();
    assert_eq!(entries().await, second);
}

#[tokio::test]
async fn the_horizon_opens_everything_again_once_a_week() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.ics"), calendar(&["one"])).unwrap();
    let source = connect(json!({ "path": "a.ics" }), dir.path()).unwrap();
    let stream = stream(&*source).await;
    let mut window = window();
    let mut versions = Vec::new();
    for hours in [0, 1, 24 * 7] {
        window.until += chrono::TimeDelta::hours(hours);
        let listing = source.pull(&stream, None, &window).await.unwrap().listing.unwrap();
        versions.push(listing.entries[0].version.clone());
    }
    assert_eq!(versions[0], versions[1]);
    assert_ne!(versions[1], versions[2]);
}

#[tokio::test]
async fn what_cannot_be_read_is_a_fault_and_never_an_empty_listing() {
    let dir = tempfile::tempdir().unwrap();
    for (file, text) in [("page.ics", "<!DOCTYPE html><html>Sign in</html>"), ("empty.ics", ""), ("other.ics", "hello")]
    {
        fs::write(dir.path().join(file), text).unwrap();
        let source = connect(json!({ "path": file }), dir.path()).unwrap();
        for fault in [source.streams().await.unwrap_err(), pull(&*source, None).await.unwrap_err()] {
            assert_eq!(fault.kind, FaultKind::Malformed, "{file}");
            assert!(fault.what.contains(file), "{}", fault.what);
        }
    }
    let source = connect(json!({ "path": "nowhere" }), dir.path()).unwrap();
    for fault in [source.streams().await.unwrap_err(), pull(&*source, None).await.unwrap_err()] {
        assert_eq!(fault.kind, FaultKind::Missing);
        assert!(fault.what.contains("nowhere is not there: check the setting `path`"), "{}", fault.what);
    }
    // A calendar without events, and a folder without files, are honest.
    fs::write(dir.path().join("none.ics"), calendar(&[])).unwrap();
    fs::create_dir(dir.path().join("folder")).unwrap();
    for path in ["none.ics", "folder"] {
        let source = connect(json!({ "path": path }), dir.path()).unwrap();
        assert!(listed(&pull(&*source, None).await.unwrap()).is_empty());
    }
}

#[tokio::test]
async fn a_broken_file_takes_nothing_away() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("good.ics"), calendar(&["one", "two"])).unwrap();
    fs::write(dir.path().join("bad.ics"), "<html>").unwrap();
    let source = connect(json!({ "path": "." }), dir.path()).unwrap();
    let batch = pull(&*source, None).await.unwrap();
    assert_eq!(listed(&batch), ["bad.ics", "good.ics#one", "good.ics#two"]);
    // what is missing from the good file is gone, of the broken one nobody knows
    assert_eq!(batch.listing.unwrap().unsure, ["bad.ics#"]);
    assert_eq!(
        shown(&fetch(&*source, &["bad.ics", "good.ics#gone"]).await),
        ["bad.ics unreadable", "good.ics#gone gone"]
    );
    // An event of the broken file is neither there nor gone.
    assert!(fetch(&*source, &["bad.ics#three"]).await.is_empty());
    conformance::check(&*source, &window(), &[]).await;
    // Mended: a listing again, and the file itself is no resource any more.
    fs::write(dir.path().join("bad.ics"), calendar(&["three"])).unwrap();
    assert_eq!(listed(&pull(&*source, None).await.unwrap()), ["bad.ics#three", "good.ics#one", "good.ics#two"]);
    assert!(pull(&*source, None).await.unwrap().listing.unwrap().unsure.is_empty());
}

#[tokio::test]
async fn a_file_that_ends_in_the_middle_takes_nothing_away() {
    let dir = tempfile::tempdir().unwrap();
    let uids: Vec<String> = (0..450).map(|n| format!("u{n}")).collect();
    let uids: Vec<&str> = uids.iter().map(String::as_str).collect();
    let whole = calendar(&uids);
    fs::write(dir.path().join("a.ics"), &whole[..whole.len() - "END:VEVENT\r\nEND:VCALENDAR\r\n".len() - 5]).unwrap();
    let source = connect(json!({ "path": "a.ics" }), dir.path()).unwrap();
    let batch = pull(&*source, None).await.unwrap();
    assert_eq!(listed(&batch).len(), 450);
    assert_eq!(batch.listing.unwrap().unsure, ["a.ics#"]);
    let changes = fetch(&*source, &["a.ics#u1", "a.ics#lost"]).await;
    assert!(matches!(&changes[..], [Change::Upsert { .. }]));
    conformance::check(&*source, &window(), &[]).await;
}

#[test]
fn settings_say_what_is_wrong() {
    for (settings, why) in [
        (json!({}), "set `path`"),
        (json!({ "path": "a", "url": "https://a.example/" }), "exclude each other"),
        (json!({ "url": "ftp://a.example/" }), "https://"),
        (json!({ "url": "https://u:p@a.example/" }), "user name or password"),
        (json!({ "url": "http://a.example/x.ics" }), "https://"),
        (json!({ "url": "https://a.example/x.ics", "username": "u" }), "no `password`"),
        (json!({ "url": "https://a.example/x.ics", "password": "p" }), "no `username`"),
        (json!({ "path": 1 }), "settings"),
    ] {
        let Err(fault) = connect(settings, std::path::Path::new("/")) else { panic!("{why}: accepted") };
        assert!(fault.what.contains(why), "{}", fault.what);
    }
}
