//! Files that are not what they seem, and that other programs write to between and during readings. Nothing is lost,
//! nothing is doubled, and what cannot be read says why.

use std::{collections::BTreeSet, time::SystemTime};

use super::*;

const NOW: i64 = 1_800_000_000;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(NOW, 0).expect("a time")
}

/// The file `box`, read at [`now`].
fn mailbox(base: &Path) -> Box<dyn Source> {
    source_at(base, serde_json::json!({ "path": "box" }), now())
}

/// Writes `box`, last changed so many seconds ago.
fn put_ago(base: &Path, text: impl AsRef<[u8]>, seconds: u64) {
    let path = base.join("box");
    fs::write(&path, text).expect("a file");
    set_age(&path, seconds);
}

fn set_age(path: &Path, seconds: u64) {
    let at = SystemTime::from(now()) - Duration::from_secs(seconds);
    fs::File::options().write(true).open(path).expect("opens").set_modified(at).expect("its time");
}

fn the_box() -> Stream {
    Stream { id: "box".into(), name: "box".into(), role: None }
}

async fn ids(source: &dyn Source) -> Vec<String> {
    let mut all: Vec<String> = messages(source, &the_box()).await.into_iter().filter_map(|m| m.message_id).collect();
    all.reverse();
    all
}

async fn keys(source: &dyn Source) -> Vec<String> {
    let mut all: Vec<String> = listed(source, &the_box()).await.into_iter().map(|e| e.resource).collect();
    all.reverse();
    all
}

#[tokio::test]
async fn quoting_of_every_kind_and_lengths_that_lie() {
    let base = TempDir::new().expect("a folder");
    let text = "Hello\n\nFrom now on all is well\nFrom: a friend\n>From quoted\n";
    let head = "From a@acme.example Mon Jan  5 10:00:00 2026\nFrom: a@acme.example\nMessage-ID: <1@x>\n";
    let next = "From b@acme.example Mon Jan  5 11:00:00 2026\nFrom: b@acme.example\nMessage-ID: <2@x>\n\nBye\n\n";
    let quoted = text.replace("\nFrom now", "\n>From now").replace(">From quoted", ">>From quoted");
    let real = text.len().to_string();
    for (what, length, body) in [
        ("mboxrd", None, quoted.as_str()),
        ("mboxo", None, &text.replace("\nFrom now", "\n>From now")),
        ("mboxcl", Some(real.as_str()), &quoted),
        ("mboxcl2", Some(&real), text),
        ("too short", Some("3"), text),
        ("into the next", Some("120"), text),
        ("behind the end", Some("99999999999999999999"), text),
        ("negative", Some("-1"), text),
        ("no number", Some("many"), text),
    ] {
        let length = length.map_or(String::new(), |l| format!("Content-Length: {l}\nLines: 7\n"));
        put_ago(base.path(), format!("{head}{length}\n{body}\n{next}"), 300);
        let source = mailbox(base.path());
        assert_eq!(ids(source.as_ref()).await, ["1@x", "2@x"], "{what}");
        let first = keys(source.as_ref()).await[0].clone();
        let texts = source.content(&the_box(), &[first], 1000).await.expect("texts");
        let Content::Text { text, .. } = &texts[0].1 else { panic!("{what}: no text") };
        assert!(text.starts_with("Hello") && text.contains("\nFrom now on") && text.contains("From quoted"), "{what}");
        assert!(!text.contains("Bye"), "{what}");
    }
}

/// Whatever of a second mail is there when the file is read: the first is the same mail, and of the second nothing is taken
/// that could be another mail.
#[tokio::test]
async fn a_mail_that_is_being_appended_is_read_when_it_is_there() {
    let base = TempDir::new().expect("a folder");
    let (one, two) = (letter(1), letter(2));
    put_ago(base.path(), &one, 300);
    let first = keys(mailbox(base.path()).as_ref()).await;
    let header_end = two.find("\n\n").expect("a header") + 2;
    let mut seen = BTreeSet::new();
    for cut in 0..=two.len() {
        put_ago(base.path(), format!("{one}{}", &two[..cut]), 3);
        let source = mailbox(base.path());
        let (ids, keys) = (ids(source.as_ref()).await, keys(source.as_ref()).await);
        assert_eq!((ids[0].as_str(), &keys[0]), ("1@acme.example", &first[0]), "{cut} bytes");
        assert!(ids.len() == 1 || (ids[1..] == ["2@acme.example"] && cut >= header_end), "{cut} bytes: {ids:?}");
        seen.extend(keys);
        if cut >= header_end && two[..cut].ends_with('\n') {
            assert_eq!(ids.len(), 2, "{cut} bytes: whole lines behind a whole header");
        }
    }
    assert!(seen.len() <= 4, "states of one text: {}", seen.len());
    // nobody is at it any more: what is there is what there is
    put_ago(base.path(), format!("{one}{}", &two[..header_end + 5]), 300);
    assert_eq!(ids(mailbox(base.path()).as_ref()).await, ["1@acme.example", "2@acme.example"]);
}

#[tokio::test]
async fn what_was_left_for_later_is_read_later_though_the_file_did_not_change() {
    let base = TempDir::new().expect("a folder");
    #[derive(Debug)]
    struct Moving(Mutex<DateTime<Utc>>);
    impl Clock for Moving {
        fn now(&self) -> DateTime<Utc> {
            *self.0.lock().expect("the time")
        }
    }
    let clock = Arc::new(Moving(Mutex::new(now())));
    let setup = Setup {
        connection: "test".to_owned(),
        settings: Given(serde_json::from_value(serde_json::json!({ "path": "box" })).expect("settings")),
        base: base.path().to_owned(),
        zone: chrono_tz::UTC,
        clock: clock.clone(),
    };
    let source = (KIND.connect)(setup).expect("connects");
    put_ago(base.path(), letter(1).trim_end(), 3);
    assert!(keys(source.as_ref()).await.is_empty());
    *clock.0.lock().expect("the time") += chrono::TimeDelta::minutes(2);
    assert_eq!(ids(source.as_ref()).await, ["1@acme.example"]);
}

#[tokio::test]
async fn a_file_that_is_compacted_cut_or_emptied_between_readings_keeps_its_keys() {
    let base = TempDir::new().expect("a folder");
    let all: Vec<String> = (1..=6).map(letter).collect();
    put_ago(base.path(), all.concat(), 300);
    let source = mailbox(base.path());
    let before = keys(source.as_ref()).await;
    // the second and fifth are deleted, the file is written anew
    let compacted: String = [0, 2, 3, 5].iter().map(|n| all[*n].as_str()).collect();
    put_ago(base.path(), compacted, 200);
    let kept: Vec<String> = [0, 2, 3, 5].iter().map(|n| before[*n].clone()).collect();
    assert_eq!(keys(source.as_ref()).await, kept);
    let gone = source.fetch(&the_box(), &[before[1].clone()], &window()).await.expect("an answer");
    assert!(matches!(gone[0], Change::Remove { .. }));
    // sorted the other way round, cut to nothing, and restored from a backup
    put_ago(base.path(), all.iter().rev().map(String::as_str).collect::<String>(), 150);
    let mut turned = keys(source.as_ref()).await;
    turned.reverse();
    assert_eq!(turned, before);
    put_ago(base.path(), "", 100);
    assert!(keys(source.as_ref()).await.is_empty());
    put_ago(base.path(), all.concat(), 50);
    assert_eq!(keys(source.as_ref()).await, before);
}

#[tokio::test]
async fn a_file_of_the_same_length_and_time_is_read_again() {
    let base = TempDir::new().expect("a folder");
    put_ago(base.path(), letter(1), 300);
    let source = mailbox(base.path());
    assert_eq!(ids(source.as_ref()).await, ["1@acme.example"]);
    // a mail program that sets the time back, as mutt does
    std::thread::sleep(Duration::from_millis(20));
    put_ago(base.path(), letter(2), 300);
    assert_eq!(ids(source.as_ref()).await, ["2@acme.example"]);
    // another file takes its place
    fs::write(base.path().join("other"), letter(3)).expect("a file");
    set_age(&base.path().join("other"), 300);
    fs::rename(base.path().join("other"), base.path().join("box")).expect("replaced");
    assert_eq!(ids(source.as_ref()).await, ["3@acme.example"]);
}

#[tokio::test]
async fn line_ends_of_every_kind_holes_and_marks() {
    let base = TempDir::new().expect("a folder");
    let (one, two) = (letter(1), letter(2));
    let hole = "\0".repeat(5000);
    for (what, text) in [
        ("CRLF", format!("{one}{two}").replace('\n', "\r\n")),
        ("one of each", format!("{}{two}", one.replace('\n', "\r\n"))),
        ("the other way round", format!("{one}{}", two.replace('\n', "\r\n"))),
        ("From line in CRLF", format!("{}{two}", one.replacen('\n', "\r\n", 1))),
        ("a hole between them", format!("{one}{hole}{two}")),
        ("a hole of its own line", format!("{one}{hole}\n{two}")),
        ("a hole in front", format!("{hole}{one}{two}")),
        ("a hole behind", format!("{one}{two}{hole}")),
        ("a byte order mark", format!("\u{feff}{one}{two}")),
        ("NUL in the text", format!("{}{two}", one.replace("words", "wo\0rds"))),
        ("no empty line between", format!("{}\n{two}", one.trim_end())),
    ] {
        put_ago(base.path(), text, 300);
        let source = mailbox(base.path());
        assert_eq!(ids(source.as_ref()).await, ["1@acme.example", "2@acme.example"], "{what}");
        let folder = source_at(base.path(), serde_json::json!({ "path": "." }), now());
        assert_eq!(folder.streams().await.expect("streams").len(), 1, "{what}: found in a folder");
    }
    // one line for everything is no mbox, and says so
    put_ago(base.path(), one.replace('\n', "\r"), 300);
    let fault = mailbox(base.path()).pull(&the_box(), None, &window()).await.expect_err("no mbox");
    assert!(fault.kind == FaultKind::Malformed && fault.what.contains("From line"), "{}", fault.what);
}

#[tokio::test]
async fn packed_files_say_so() {
    let base = TempDir::new().expect("a folder");
    for (start, what) in [(&b"\x1f\x8b\x08\0abc\n"[..], "gzip"), (b"PK\x03\x04abc", "zip"), (b"BZh91AY", "bzip2")] {
        put_ago(base.path(), start, 300);
        let fault = mailbox(base.path()).pull(&the_box(), None, &window()).await.expect_err("no mbox");
        assert!(fault.kind == FaultKind::Malformed && fault.what.contains(what), "{}", fault.what);
        assert!(fault.what.contains("unpack it"), "{}", fault.what);
    }
}

/// A mail program appends without end while we read: what was there is there, under its key, or we come back later.
#[tokio::test]
async fn while_another_program_appends_nothing_that_was_there_is_missing() {
    let base = TempDir::new().expect("a folder");
    put_ago(base.path(), (0..50).map(letter).collect::<String>(), 300);
    let before = keys(mailbox(base.path()).as_ref()).await;
    let path = base.path().join("box");
    let writer = tokio::task::spawn_blocking(move || {
        let mut file = fs::OpenOptions::new().append(true).open(path).expect("opens");
        for n in 50..250 {
            let text = letter(n);
            let (start, end) = text.split_at(n % text.len());
            file.write_all(start.as_bytes()).expect("appended");
            file.write_all(end.as_bytes()).expect("appended");
            if n % 10 == 0 {
                std::thread::sleep(Duration::from_millis(2));
            }
        }
    });
    let source = at(base.path(), "box");
    loop {
        let done = writer.is_finished();
        match source.pull(&the_box(), None, &window()).await {
            Ok(batch) => {
                let listed: BTreeSet<String> =
                    batch.listing.expect("a listing").entries.into_iter().map(|e| e.resource).collect();
                assert!(before.iter().all(|k| listed.contains(k)));
            }
            Err(fault) => assert!(matches!(fault.kind, FaultKind::Busy { .. }), "{fault}"),
        }
        match source.fetch(&the_box(), &before, &window()).await {
            Ok(changes) => assert!(changes.iter().all(|c| matches!(c, Change::Upsert { .. }))),
            Err(fault) => assert!(matches!(fault.kind, FaultKind::Busy { .. }), "{fault}"),
        }
        if done {
            break;
        }
    }
    writer.await.expect("written");
    assert_eq!(keys(at(base.path(), "box").as_ref()).await.len(), 250);
}
