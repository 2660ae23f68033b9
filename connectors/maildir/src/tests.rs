//! Maildirs as Dovecot and mbsync write them, on a real file system.

mod lies;

use std::{collections::BTreeMap, fs, os::unix::fs::MetadataExt};

use chrono::{DateTime, Utc};
use dealtrail_sdk::{Clock, Settings as Given, record::Message};
use dealtrail_testkit::conformance;
use tempfile::TempDir;

use super::*;

/// A clock that stands; files are as old as a test makes them.
#[derive(Debug)]
struct Still(DateTime<Utc>);

impl Clock for Still {
    fn now(&self) -> DateTime<Utc> {
        self.0
    }
}

fn window() -> Window {
    Window { since: DateTime::UNIX_EPOCH, until: DateTime::UNIX_EPOCH }
}

fn source(base: &Path, settings: serde_json::Value) -> Box<dyn Source> {
    source_at(base, settings, DateTime::UNIX_EPOCH)
}

fn source_at(base: &Path, settings: serde_json::Value, now: DateTime<Utc>) -> Box<dyn Source> {
    let serde_json::Value::Object(settings) = settings else { panic!("an object") };
    let setup = Setup {
        connection: "test".to_owned(),
        settings: Given(settings),
        base: base.to_owned(),
        zone: chrono_tz::UTC,
        clock: Arc::new(Still(now)),
    };
    (KIND.connect)(setup).expect("connects")
}

fn at(base: &Path) -> Box<dyn Source> {
    source(base, serde_json::json!({ "path": "box" }))
}

/// Writes a message file, with the folder round it.
fn put(base: &Path, folder: &str, file: &str, mail: &str) {
    let dir = base.join("box").join(folder);
    for sub in ["cur", "new", "tmp"] {
        fs::create_dir_all(dir.join(sub)).expect("a folder");
    }
    fs::write(dir.join(file), mail).expect("a file");
}

fn mail(n: usize) -> String {
    format!(
        "From: Ana <ana{n}@acme.example>\nTo: zoe@buyer.example\nSubject: Quote {n} for Zoe\nMessage-ID: <{n}@acme.example>\n\
         Date: Mon, 5 Jan 2026 10:00:00 +0000\n\nSecret words {n}.\n"
    )
}

async fn stream(source: &dyn Source, name: &str) -> Stream {
    let streams = source.streams().await.expect("streams");
    streams.into_iter().find(|s| s.name == name).unwrap_or_else(|| panic!("no {name}"))
}

async fn names(source: &dyn Source) -> Vec<String> {
    source.streams().await.expect("streams").into_iter().map(|s| s.name).collect()
}

async fn listed(source: &dyn Source, stream: &Stream) -> Vec<Entry> {
    source.pull(stream, None, &window()).await.expect("a listing").listing.expect("a listing").entries
}

async fn one(source: &dyn Source, stream: &Stream, name: &str) -> Change {
    let mut changes = source.fetch(stream, &[name.to_owned()], &window()).await.expect("an answer");
    assert_eq!(changes.len(), 1);
    changes.remove(0)
}

fn message(change: Change) -> Message {
    match change {
        Change::Upsert { mut items, .. } => match items.remove(0).record {
            Record::Mail(mail) => *mail,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

/// Everything about a tree that reading could change.
fn snapshot(base: &Path) -> BTreeMap<PathBuf, (u64, i64, i64, i64)> {
    let mut all = BTreeMap::new();
    let mut open = vec![base.to_owned()];
    while let Some(path) = open.pop() {
        let meta = fs::symlink_metadata(&path).expect("there");
        if meta.is_dir() {
            open.extend(fs::read_dir(&path).expect("a folder").map(|e| e.expect("an entry").path()));
        }
        let accessed = if meta.is_file() { meta.atime_nsec() } else { 0 };
        all.insert(path, (meta.size(), meta.mtime_nsec(), meta.ctime_nsec(), accessed));
    }
    all
}

#[tokio::test]
async fn keeps_what_every_connector_promises() {
    let base = TempDir::new().expect("a folder");
    for n in 0..230 {
        put(base.path(), "", &format!("cur/{}.M{n}.host:2,S", 1_767_600_000 + n), &mail(n));
    }
    put(base.path(), "", "new/1767700000.M1.host", &mail(500));
    put(base.path(), "", "cur/1767700001.empty.host:2,", "");
    put(base.path(), "", "cur/1767700002.broken.host:2,", "zoe@buyer.example wrote no header");
    put(base.path(), "", "tmp/1767700003.half.host", &mail(501));
    put(base.path(), "", "cur/.hidden", &mail(502));
    put(base.path(), ".Sent", "cur/odd name ä.eml:2,D", &mail(503));
    put(base.path(), ".Kunden.M&APw-ller", "cur/1767700004.x:2,", &mail(504));
    fs::create_dir_all(base.path().join("box/cur/folder")).expect("a folder");
    let before = snapshot(base.path());
    let secrets = ["acme.example", "buyer.example", "Quote", "Secret words", "Ana"];
    let summary = conformance::check(at(base.path()).as_ref(), &window(), &secrets).await;
    assert_eq!(summary, conformance::Summary { streams: 3, items: 233, unreadable: 2 });
    assert_eq!(snapshot(base.path()), before, "reading changed something");
}

#[tokio::test]
async fn folders_of_every_layout_have_names_and_roles() {
    let base = TempDir::new().expect("a folder");
    for folder in [
        "",
        ".Sent",
        ".Kunden.M&APw-ller.2026",
        ".Entw&APw-rfe",
        ".Trash",
        ".Trash.Old",
        ".Junk",
        "Archive",
        "Archive/2025",
        "Projects/R&D",
        "acme.example",
        "Legacy/.sub",
        "INBOX",
    ] {
        put(base.path(), folder, "cur/1767700000.x:2,", &mail(1));
    }
    fs::create_dir_all(base.path().join("box/.git/objects/cur")).expect("a folder");
    fs::write(base.path().join("box/subscriptions"), "Sent\n").expect("a file");
    std::os::unix::fs::symlink(base.path().join("box"), base.path().join("box/circle")).expect("a link");
    let source = at(base.path());
    let streams = source.streams().await.expect("streams");
    let shown: Vec<String> = streams.iter().map(|s| format!("{} = {} {:?}", s.id, s.name, s.role)).collect();
    assert_eq!(
        shown,
        [
            ". = INBOX Some(Inbox)",
            ".Sent = Sent Some(Sent)",
            "Archive = Archive Some(Archive)",
            "Archive/2025 = Archive/2025 Some(Archive)",
            "INBOX = INBOX (INBOX) None",
            ".Kunden.M&APw-ller.2026 = Kunden/Müller/2026 None",
            "Legacy/.sub = Legacy/sub None",
            "Projects/R&D = Projects/R&D None",
            "acme.example = acme.example None",
        ]
    );
    for stream in &streams {
        assert_eq!(listed(source.as_ref(), stream).await.len(), 1, "{}", stream.id);
    }
    let some = source_with(base.path(), serde_json::json!({ "include": ["inbox", "Trash*"] }));
    assert_eq!(names(some.as_ref()).await, ["INBOX", "Trash", "Trash/Old"]);
    let less = source_with(base.path(), serde_json::json!({ "exclude": ["*"] }));
    assert!(names(less.as_ref()).await.is_empty());
}

fn source_with(base: &Path, folders: serde_json::Value) -> Box<dyn Source> {
    source(base, serde_json::json!({ "path": base.join("box"), "folders": folders }))
}

#[tokio::test]
async fn mbsync_without_an_inbox_at_the_root() {
    let base = TempDir::new().expect("a folder");
    put(base.path(), "INBOX", "cur/1767700000.1_1.host,U=1:2,S", &mail(1));
    put(base.path(), "[Gmail]/Sent Mail", "cur/1767700000.1_2.host,U=1:2,S", &mail(2));
    put(base.path(), "[Gmail]/Spam", "cur/1767700000.1_3.host,U=1:2,S", &mail(3));
    let source = at(base.path());
    assert_eq!(names(source.as_ref()).await, ["INBOX", "[Gmail]/Sent Mail"]);
    let inbox = stream(source.as_ref(), "INBOX").await;
    assert_eq!(inbox.role, Some(dealtrail_sdk::FolderRole::Inbox));
    assert_eq!(listed(source.as_ref(), &inbox).await[0].resource, "1767700000.1_1.host,U=1");
}

#[tokio::test]
async fn newest_first_and_flags_that_matter() {
    let base = TempDir::new().expect("a folder");
    put(base.path(), "", "cur/1767600000.old:2,S", &mail(1));
    put(base.path(), "", "new/1767800000.new", &mail(2));
    put(base.path(), "", "cur/1767700000.draft:2,DS", &mail(3));
    let source = at(base.path());
    let inbox = stream(source.as_ref(), "INBOX").await;
    let entries = listed(source.as_ref(), &inbox).await;
    let shown: Vec<_> = entries.iter().map(|e| (e.resource.as_str(), e.version.as_deref())).collect();
    assert_eq!(shown, [("1767800000.new", Some("-")), ("1767700000.draft", Some("D")), ("1767600000.old", Some("-"))]);

    let read = message(one(source.as_ref(), &inbox, "1767700000.draft").await);
    assert!(read.draft && !read.trashed);
    assert_eq!(read.message_id.as_deref(), Some("3@acme.example"));
    assert_eq!(read.received.map(|t| t.timestamp()), Some(1_767_700_000));
    assert_eq!(read.size, mail(3).len() as u64);
}

#[tokio::test]
async fn a_message_renamed_after_the_listing_is_found_again() {
    let base = TempDir::new().expect("a folder");
    put(base.path(), "", "new/1767600000.a", &mail(1));
    put(base.path(), "", "cur/1767600000.b:2,", &mail(2));
    put(base.path(), "", "cur/1767600000.c:2,", &mail(3));
    let root = base.path().join("box");
    let source = at(base.path());
    let inbox = stream(source.as_ref(), "INBOX").await;
    assert_eq!(listed(source.as_ref(), &inbox).await.len(), 3);
    fs::rename(root.join("new/1767600000.a"), root.join("cur/1767600000.a:2,S")).expect("read");
    fs::rename(root.join("cur/1767600000.b:2,"), root.join("cur/1767600000.b:2,ST")).expect("trashed");
    fs::remove_file(root.join("cur/1767600000.c:2,")).expect("deleted");
    assert_eq!(
        message(one(source.as_ref(), &inbox, "1767600000.a").await).message_id.as_deref(),
        Some("1@acme.example")
    );
    assert!(message(one(source.as_ref(), &inbox, "1767600000.b").await).trashed);
    assert!(matches!(one(source.as_ref(), &inbox, "1767600000.c").await, Change::Remove { .. }));
    let keys = ["1767600000.a".to_owned(), "1767600000.c".to_owned()];
    let texts = source.content(&inbox, &keys, 100).await.expect("texts");
    assert_eq!(texts[0].1, Content::Text { text: "Secret words 1.".to_owned(), truncated: false });
    assert_eq!(texts[1].1, Content::Gone);
    let again = at(base.path());
    assert!(message(one(again.as_ref(), &inbox, "1767600000.b").await).trashed, "without a listing before");
}

#[tokio::test]
async fn junk_by_dovecots_keyword() {
    let base = TempDir::new().expect("a folder");
    put(base.path(), "", "cur/1767600000.a:2,Sb", &mail(1));
    put(base.path(), "", "dovecot-keywords", "0 $Forwarded\n1 $Junk\n");
    let source = at(base.path());
    let inbox = stream(source.as_ref(), "INBOX").await;
    assert!(message(one(source.as_ref(), &inbox, "1767600000.a").await).junk);
}

#[tokio::test]
async fn what_cannot_be_read_says_what_to_do() {
    let base = TempDir::new().expect("a folder");
    let missing = at(base.path()).streams().await.expect_err("nothing there");
    assert_eq!(missing.kind, FaultKind::Missing);
    assert!(missing.what.contains("correct the connection's `path`"), "{}", missing.what);

    fs::create_dir_all(base.path().join("box/Documents")).expect("a folder");
    let none = at(base.path()).streams().await.expect_err("no maildir");
    assert!(none.kind == FaultKind::Missing && none.what.contains("holds `cur`"), "{}", none.what);

    fs::write(base.path().join("file"), "x").expect("a file");
    let file = source(base.path(), serde_json::json!({ "path": "file" })).streams().await.expect_err("a file");
    assert!(file.kind == FaultKind::Missing && file.what.contains("mbox"), "{}", file.what);

    // a folder that vanishes is a fault, never an empty folder
    put(base.path(), ".Sent", "cur/1767600000.a:2,S", &mail(1));
    let source = at(base.path());
    let sent = stream(source.as_ref(), "Sent").await;
    assert_eq!(listed(source.as_ref(), &sent).await.len(), 1);
    fs::remove_dir_all(base.path().join("box/.Sent")).expect("removed");
    assert_eq!(source.pull(&sent, None, &window()).await.expect_err("gone").kind, FaultKind::Missing);
    let fetched = source.fetch(&sent, &["1767600000.a".to_owned()], &window()).await;
    assert_eq!(fetched.expect_err("gone").kind, FaultKind::Missing);
}

/// What stands where a message should be is listed and says why it cannot be read; what is gone is gone. Nothing waits.
#[tokio::test]
async fn what_is_no_file_is_unreadable_and_never_gone() {
    let base = TempDir::new().expect("a folder");
    put(base.path(), "", "cur/1767600000.good:2,S", &mail(1));
    put(base.path(), "", "elsewhere.eml", &mail(2));
    let dir = base.path().join("box");
    let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, dir.join(name)).expect("a link");
    let pipe = |name: &str| {
        let made = std::process::Command::new("mkfifo").arg(dir.join(name)).status().expect("mkfifo is installed");
        assert!(made.success());
    };
    link("../elsewhere.eml", "cur/1767600001.linked:2,S");
    link("nowhere", "cur/1767600002.broken:2,S");
    link("1767600003.circle:2,S", "cur/1767600003.circle:2,S");
    link("..", "new/1767600004.folder");
    link("/dev/zero", "new/1767600005.device");
    pipe("cur/1767600006.pipe:2,S");
    pipe("new/pipe");
    pipe("dovecot-keywords");
    fs::create_dir(dir.join("cur/1767600007.dir:2,S")).expect("a folder");
    fs::create_dir(dir.join("cur/notes")).expect("a folder");
    let source = at(base.path());
    let inbox = stream(source.as_ref(), "INBOX").await;
    let names: Vec<String> = listed(source.as_ref(), &inbox).await.into_iter().map(|e| e.resource).collect();
    assert_eq!(names.len(), 9, "{names:?}");
    for (name, why) in [
        ("1767600002.broken", "not there"),
        ("1767600003.circle", "could not be read"),
        ("1767600004.folder", "no message file"),
        ("1767600005.device", "no message file"),
        ("1767600006.pipe", "no message file"),
        ("pipe", "no message file"),
        ("1767600007.dir", "no message file"),
    ] {
        assert!(names.iter().any(|n| n == name), "{name} is not listed");
        match one(source.as_ref(), &inbox, name).await {
            Change::Unreadable { resource, why: said, .. } => {
                assert!(resource == name && said.contains(why), "{name}: {said}");
            }
            other => panic!("{name}: {other:?}"),
        }
        assert!(source.content(&inbox, &[name.to_owned()], 100).await.expect("an answer").is_empty(), "{name}");
    }
    for (name, subject) in [("1767600000.good", "Quote 1"), ("1767600001.linked", "Quote 2")] {
        let read = message(one(source.as_ref(), &inbox, name).await);
        assert!(read.subject.is_some_and(|s| s.starts_with(subject)), "{name}");
    }
    // the link is mended: nothing stands in the way
    put(base.path(), "", "cur/nowhere", &mail(3));
    message(one(source.as_ref(), &inbox, "1767600002.broken").await);
    assert!(matches!(one(source.as_ref(), &inbox, "1767600008.never").await, Change::Remove { .. }));
}

#[tokio::test]
async fn one_forbidden_folder_leaves_the_others_alone() {
    use std::os::unix::fs::PermissionsExt;
    let base = TempDir::new().expect("a folder");
    put(base.path(), "", "cur/1767600000.a:2,S", &mail(1));
    put(base.path(), ".Sent", "cur/1767600000.b:2,S", &mail(2));
    let forbidden = base.path().join("box/.Sent");
    fs::set_permissions(&forbidden, fs::Permissions::from_mode(0o000)).expect("set");
    if fs::read_dir(&forbidden).is_ok() {
        return; // root may read everything
    }
    let source = at(base.path());
    assert_eq!(names(source.as_ref()).await, ["INBOX", "Sent"]);
    let sent = stream(source.as_ref(), "Sent").await;
    let fault = source.pull(&sent, None, &window()).await.expect_err("forbidden");
    assert!(fault.kind == FaultKind::Refused && fault.what.contains("the right to read"), "{}", fault.what);
    fs::set_permissions(&forbidden, fs::Permissions::from_mode(0o700)).expect("set");
}

#[tokio::test]
async fn settings_are_checked() {
    let setup = |settings: serde_json::Value| {
        let serde_json::Value::Object(settings) = settings else { panic!("an object") };
        let clock = Arc::new(Still(DateTime::UNIX_EPOCH));
        Setup { connection: "t".into(), settings: Given(settings), base: "/".into(), zone: chrono_tz::UTC, clock }
    };
    for wrong in [
        serde_json::json!({}),
        serde_json::json!({ "path": 7 }),
        serde_json::json!({ "path": "x", "folders": { "exlude": ["y"] } }),
    ] {
        let fault = (KIND.connect)(setup(wrong)).err().expect("refused");
        assert_eq!(fault.kind, FaultKind::Malformed);
    }
}

#[tokio::test]
async fn while_a_mail_program_works_nothing_is_missing_from_a_listing() {
    let base = TempDir::new().expect("a folder");
    for n in 0..300 {
        put(base.path(), "", &format!("new/{}.n{n}", 1_767_600_000 + n), &mail(n));
    }
    let root = base.path().join("box");
    let source = at(base.path());
    let inbox = stream(source.as_ref(), "INBOX").await;
    let mover = tokio::task::spawn_blocking(move || {
        for n in 0..300 {
            let name = format!("{}.n{n}", 1_767_600_000 + n);
            fs::rename(root.join("new").join(&name), root.join("cur").join(format!("{name}:2,"))).expect("moved");
        }
    });
    while !mover.is_finished() {
        assert_eq!(listed(source.as_ref(), &inbox).await.len(), 300);
    }
    mover.await.expect("moved");
    assert_eq!(listed(source.as_ref(), &inbox).await.len(), 300);
}
