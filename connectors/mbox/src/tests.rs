//! mbox files as Thunderbird, mutt, Apple Mail and Gmail write them, on a real file system.

mod lies;

use std::{fs, io::Write, path::Path};

use chrono::{DateTime, Utc};
use dealtrail_sdk::Settings as Given;
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

fn at(base: &Path, path: &str) -> Box<dyn Source> {
    source(base, serde_json::json!({ "path": path }))
}

fn put(base: &Path, path: &str, text: &str) {
    let path = base.join(path);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, text).expect("a file");
}

fn letter(n: usize) -> String {
    format!(
        "From ana{n}@acme.example Mon Jan  5 10:00:{:02} 2026\nFrom: Ana <ana{n}@acme.example>\nTo: zoe@buyer.example\n\
         Subject: Quote {n} for Zoe\nMessage-ID: <{n}@acme.example>\n\nSecret words {n}.\n>From here on\n\n",
        n % 60
    )
}

async fn stream(source: &dyn Source, name: &str) -> Stream {
    let streams = source.streams().await.expect("streams");
    streams.into_iter().find(|s| s.name == name).unwrap_or_else(|| panic!("no {name}"))
}

async fn listed(source: &dyn Source, stream: &Stream) -> Vec<Entry> {
    source.pull(stream, None, &window()).await.expect("a listing").listing.expect("a listing").entries
}

async fn messages(source: &dyn Source, stream: &Stream) -> Vec<Message> {
    let names: Vec<String> = listed(source, stream).await.into_iter().map(|e| e.resource).collect();
    let changes = source.fetch(stream, &names, &window()).await.expect("an answer");
    let read = |change: Change| match change {
        Change::Upsert { mut items, .. } => match items.remove(0).record {
            Record::Mail(mail) => *mail,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    changes.into_iter().map(read).collect()
}

const SECRETS: &[&str] = &["acme.example", "buyer.example", "Quote", "Secret words", "Ana"];

#[tokio::test]
async fn keeps_what_every_connector_promises() {
    let base = TempDir::new().expect("a folder");
    let many: String = (0..230).map(letter).collect();
    put(base.path(), "mail/INBOX", &many);
    put(base.path(), "mail/Sent.mbox", &format!("{}{}", letter(1), letter(1)));
    put(
        base.path(),
        "mail/odd",
        "From - Mon Jan  5 10:00:00 2026\nzoe@buyer.example wrote no header\n\nFrom - Mon Jan  5 10:00:00 2026\n\n",
    );
    put(base.path(), "mail/Work.sbd/Customers", &letter(7));
    put(base.path(), "mail/Trash", &letter(8));
    put(base.path(), "mail/Empty", "");
    put(base.path(), "mail/INBOX.msf", "// <!-- index -->");
    put(base.path(), "mail/INBOX.lock", "");
    put(base.path(), "mail/.hidden", &letter(9));
    let before = fs::metadata(base.path().join("mail/INBOX")).expect("there");
    let source = at(base.path(), "mail");
    let summary = conformance::check(source.as_ref(), &window(), SECRETS).await;
    assert_eq!(summary, conformance::Summary { streams: 5, items: 233, unreadable: 2 });
    let after = fs::metadata(base.path().join("mail/INBOX")).expect("there");
    assert_eq!((before.modified().ok(), before.accessed().ok()), (after.modified().ok(), after.accessed().ok()));
}

#[tokio::test]
async fn one_file_is_one_stream() {
    let base = TempDir::new().expect("a folder");
    put(base.path(), "sent.mbox", &(0..3).map(letter).collect::<String>());
    let source = at(base.path(), "sent.mbox");
    let summary = conformance::check(source.as_ref(), &window(), SECRETS).await;
    assert_eq!(summary, conformance::Summary { streams: 1, items: 3, unreadable: 0 });
    let sent = stream(source.as_ref(), "sent.mbox").await;
    assert_eq!(sent.role, Some(FolderRole::Sent));
    let read = messages(source.as_ref(), &sent).await;
    let ids: Vec<_> = read.iter().filter_map(|m| m.message_id.as_deref()).collect();
    assert_eq!(ids, ["2@acme.example", "1@acme.example", "0@acme.example"], "newest first");
    assert_eq!(read[0].received.map(|t| t.timestamp()), Some(1_767_607_202));
    let key = listed(source.as_ref(), &sent).await[0].resource.clone();
    let texts = source.content(&sent, std::slice::from_ref(&key), 1000).await.expect("texts");
    let text = "Secret words 2.\nFrom here on".to_owned();
    assert_eq!(texts, [(key, Content::Text { text, truncated: false })]);
}

#[tokio::test]
async fn names_roles_and_choice() {
    let base = TempDir::new().expect("a folder");
    for path in ["INBOX.mbox/mbox", "Work.sbd/Sent", "Work.sbd/Old.sbd/2020", "Drafts.mbox", "Spam", "plain"] {
        put(base.path(), &format!("mail/{path}"), &letter(1));
    }
    let names = |settings: serde_json::Value| {
        let source = source(base.path(), settings);
        async move { source.streams().await.expect("streams").into_iter().map(|s| s.name).collect::<Vec<_>>() }
    };
    assert_eq!(
        names(serde_json::json!({ "path": "mail" })).await,
        ["INBOX.mbox", "Work/Old/2020", "Work/Sent", "plain"]
    );
    let include = serde_json::json!({ "path": "mail", "folders": { "include": ["drafts.mbox", "Spam", "work/*"] } });
    assert_eq!(names(include).await, ["Drafts.mbox", "Spam", "Work/Old/2020", "Work/Sent"]);
    let exclude = serde_json::json!({ "path": "mail", "folders": { "exclude": ["Work", "INBOX.mbox"] } });
    assert_eq!(names(exclude).await, ["plain"]);
}

#[tokio::test]
async fn what_other_programs_write_is_read_again() {
    let base = TempDir::new().expect("a folder");
    put(base.path(), "box", &letter(1));
    let source = at(base.path(), "box");
    let stream = stream(source.as_ref(), "box").await;
    let first = listed(source.as_ref(), &stream).await;
    let mut file = fs::OpenOptions::new().append(true).open(base.path().join("box")).expect("opens");
    file.write_all(letter(2).as_bytes()).expect("appended");
    drop(file);
    let second = listed(source.as_ref(), &stream).await;
    assert_eq!((second.len(), &second[1]), (2, &first[0]), "an appended mail changes nothing before it");

    // flagged and deleted by a mail program, which rewrites the file
    let flagged = format!("{}{}", letter(1).replace("To: ", "X-Status: D\nTo: "), letter(3));
    put(base.path(), "box", &flagged);
    let third = listed(source.as_ref(), &stream).await;
    assert_eq!((&third[1].resource, third[1].version.as_deref()), (&first[0].resource, Some("T")));
    let gone = source.fetch(&stream, &[second[0].resource.clone()], &window()).await.expect("an answer");
    assert!(matches!(gone[0], Change::Remove { .. }));
    assert!(messages(source.as_ref(), &stream).await[1].trashed);
}

#[tokio::test]
async fn gmails_export_and_reports() {
    let base = TempDir::new().expect("a folder");
    let mail = |labels: &str| letter(1).replace("To: ", &format!("X-Gmail-Labels: {labels}\nTo: "));
    put(
        base.path(),
        "All mail.mbox",
        &format!("{}{}{}", mail("Papierkorb,Wichtig"), mail("=?UTF-8?Q?Entw=C3=BCrfe?="), mail("Spam,\"Inbox\"")),
    );
    let source = at(base.path(), "All mail.mbox");
    let read = messages(source.as_ref(), &stream(source.as_ref(), "All mail.mbox").await).await;
    let flags: Vec<_> = read.iter().map(|m| (m.junk, m.draft, m.trashed)).collect();
    assert_eq!(flags, [(true, false, false), (false, true, false), (false, false, true)]);

    put(
        base.path(),
        "report",
        "From MAILER-DAEMON Mon Jan  5 10:00:00 2026\nFrom: MAILER-DAEMON@x.example\n\nfailed\n",
    );
    let source = at(base.path(), "report");
    let read = messages(source.as_ref(), &stream(source.as_ref(), "report").await).await;
    assert_eq!(read[0].header("return-path"), Some(""));
}

#[tokio::test]
async fn what_cannot_be_read_says_what_to_do() {
    let base = TempDir::new().expect("a folder");
    let missing = at(base.path(), "box").streams().await.expect_err("nothing there");
    assert!(missing.kind == FaultKind::Missing && missing.what.contains("`path`"), "{}", missing.what);

    put(base.path(), "dir/readme.txt", "hello");
    let none = at(base.path(), "dir").streams().await.expect_err("no mbox");
    assert!(none.kind == FaultKind::Missing && none.what.contains("no mbox file"), "{}", none.what);

    put(base.path(), "mail.eml", "Subject: a single mail\n\ntext");
    let source = at(base.path(), "mail.eml");
    let only = source.streams().await.expect("streams").remove(0);
    let fault = source.pull(&only, None, &window()).await.expect_err("no mbox");
    assert!(fault.kind == FaultKind::Malformed && fault.what.contains("From line"), "{}", fault.what);

    // a file that vanishes is a fault, never an empty mailbox
    put(base.path(), "box", &letter(1));
    let source = at(base.path(), "box");
    let only = stream(source.as_ref(), "box").await;
    let known = listed(source.as_ref(), &only).await;
    fs::remove_file(base.path().join("box")).expect("removed");
    assert_eq!(source.pull(&only, None, &window()).await.expect_err("gone").kind, FaultKind::Missing);
    let fetched = source.fetch(&only, &[known[0].resource.clone()], &window()).await;
    assert_eq!(fetched.expect_err("gone").kind, FaultKind::Missing);
}
