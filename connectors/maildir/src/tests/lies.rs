//! Folders that are not what they seem: names given twice, mails copied in byte by byte, sizes that lie, files that are no
//! plain mail. Nothing is lost, nothing is doubled, and what cannot be read says why.

use std::time::{Duration, SystemTime};

use super::*;

const NOW: i64 = 1_800_000_000;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(NOW, 0).expect("a time")
}

/// A mailbox that is read at [`now`].
fn mailbox(base: &Path) -> Box<dyn Source> {
    source_at(base, serde_json::json!({ "path": "box" }), now())
}

/// Writes a file of the INBOX that was last changed so many seconds ago.
fn put_ago(base: &Path, file: &str, text: impl AsRef<[u8]>, seconds: u64) {
    put(base, "", file, "");
    let path = base.join("box").join(file);
    fs::write(&path, text).expect("a file");
    let at = SystemTime::from(now()) - Duration::from_secs(seconds);
    fs::File::options().write(true).open(&path).expect("opens").set_modified(at).expect("its time");
}

fn versions(changes: &[Change]) -> Vec<(bool, Option<&str>)> {
    let one = |c: &Change| match c {
        Change::Upsert { version, .. } => (true, version.clone()),
        Change::Unreadable { version, .. } => (false, version.clone()),
        Change::Remove { .. } => panic!("it is there"),
    };
    let all: Vec<(bool, Option<String>)> = changes.iter().map(one).collect();
    all.into_iter().map(|(read, v)| (read, v.map(|v| &*v.leak()))).collect()
}

/// Resource, Message-ID and version of everything that is listed.
async fn all(source: &dyn Source, inbox: &Stream) -> Vec<(String, Option<String>, Option<String>)> {
    let mut out = Vec::new();
    for entry in listed(source, inbox).await {
        let read = message(one(source, inbox, &entry.resource).await);
        out.push((entry.resource, read.message_id, entry.version));
    }
    out.sort();
    out
}

#[tokio::test]
async fn two_mails_of_one_name_are_both_read_under_names_that_last() {
    let base = TempDir::new().expect("a folder");
    put(base.path(), "", "cur/1767600000.a:2,S", &mail(1));
    let inbox = stream(mailbox(base.path()).as_ref(), "INBOX").await;
    let alone = all(mailbox(base.path()).as_ref(), &inbox).await;
    assert_eq!(alone[0].0, "1767600000.a");
    // somebody carries another one here from another mailbox
    put(base.path(), "", "new/1767600000.a", &mail(2));
    put(base.path(), "", "cur/1767600000.a:2,RS", &mail(3));
    let three = all(mailbox(base.path()).as_ref(), &inbox).await;
    let mut ids: Vec<_> = three.iter().filter_map(|m| m.1.as_deref()).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["1@acme.example", "2@acme.example", "3@acme.example"]);
    assert!(three.iter().all(|m| m.0.starts_with("1767600000.a~")), "the plain name could be anybody's: {three:?}");
    // reading one does not rename it
    let root = base.path().join("box");
    fs::rename(root.join("new/1767600000.a"), root.join("cur/1767600000.a:2,")).expect("read");
    assert_eq!(all(mailbox(base.path()).as_ref(), &inbox).await, three);
    // one left has its own name again
    fs::remove_file(root.join("cur/1767600000.a:2,")).expect("deleted");
    fs::remove_file(root.join("cur/1767600000.a:2,RS")).expect("deleted");
    assert_eq!(all(mailbox(base.path()).as_ref(), &inbox).await, alone);
}

#[tokio::test]
async fn a_mail_that_is_there_twice_is_one() {
    let base = TempDir::new().expect("a folder");
    put(base.path(), "", "cur/1767600000.a:2,T", &mail(1));
    put(base.path(), "", "cur/1767600000.a:2,S", &mail(1));
    put(base.path(), "", "new/1767600000.a", &mail(1));
    fs::hard_link(base.path().join("box/new/1767600000.a"), base.path().join("box/cur/1767600000.a:2,D"))
        .expect("a second name");
    let source = mailbox(base.path());
    let inbox = stream(source.as_ref(), "INBOX").await;
    for _ in 0..3 {
        let listed = listed(mailbox(base.path()).as_ref(), &inbox).await;
        assert_eq!(listed.len(), 1);
        let shown = (listed[0].resource.as_str(), listed[0].version.as_deref());
        assert_eq!(shown, ("1767600000.a", Some("-")), "it is not deleted as long as a copy of it is not");
    }
}

#[tokio::test]
async fn a_mail_that_is_being_copied_here_is_read_again_until_it_is_whole() {
    let base = TempDir::new().expect("a folder");
    let whole = mail(1);
    let header_end = whole.find("\n\n").expect("a header");
    let file = "cur/1767600000.a:2,S";
    for (end, seconds, expected) in [
        (0, 5, (false, Some("-~"))),
        (40, 5, (false, Some("-~"))),
        (header_end + 1, 5, (false, Some("-~"))),
        (header_end + 8, 5, (true, Some("-~"))),
        (whole.len(), 5, (true, Some("-"))),
        // nobody is at it any more: it is what it is
        (header_end + 8, 600, (true, Some("-"))),
        (header_end + 1, 600, (true, Some("-"))),
        (0, 600, (false, Some("-"))),
    ] {
        put_ago(base.path(), file, &whole[..end], seconds);
        let source = mailbox(base.path());
        let inbox = stream(source.as_ref(), "INBOX").await;
        assert_eq!(listed(source.as_ref(), &inbox).await[0].version.as_deref(), Some("-"));
        let read = one(source.as_ref(), &inbox, "1767600000.a").await;
        assert_eq!(versions(std::slice::from_ref(&read)), [expected], "{end} bytes, {seconds} s ago");
        if let (Change::Unreadable { why, .. }, 1..=59) = (&read, seconds) {
            assert!(why.contains("still being written"), "{why}");
        }
    }
}

#[tokio::test]
async fn sizes_in_names_are_not_believed() {
    let base = TempDir::new().expect("a folder");
    for (at, size) in ["1", "999999", "99999999999999999999999", "", "x"].iter().enumerate() {
        put(base.path(), "", &format!("cur/176760000{at}.a,S={size},W={size}:2,S"), &mail(at));
    }
    let source = at(base.path());
    let inbox = stream(source.as_ref(), "INBOX").await;
    let read = all(source.as_ref(), &inbox).await;
    assert_eq!(read.len(), 5);
    for (at, m) in read.iter().enumerate() {
        assert_eq!(m.1.as_deref(), Some(&*format!("{at}@acme.example")));
        let found = message(one(source.as_ref(), &inbox, &m.0).await);
        assert_eq!(found.size, mail(at).len() as u64, "the file tells");
    }
    // but a file that is shorter than promised and only just written is not all there
    put_ago(base.path(), "cur/1767600009.b,S=5000:2,S", mail(9), 3);
    put_ago(base.path(), "cur/1767600008.b,S=5000:2,S", mail(8), 300);
    let source = mailbox(base.path());
    let names = ["1767600009.b,S=5000".to_owned(), "1767600008.b,S=5000".to_owned()];
    let changes = source.fetch(&inbox, &names, &window()).await.expect("an answer");
    assert_eq!(versions(&changes), [(true, Some("-~")), (true, Some("-"))]);
}

#[tokio::test]
async fn packed_mails_say_so() {
    let base = TempDir::new().expect("a folder");
    // as Dovecot's zlib plugin leaves them
    put_ago(base.path(), "cur/1767600000.z,S=812:2,S", b"\x1f\x8b\x08\0\0\0\0\0\0\x03abc\n\ndef", 300);
    put_ago(base.path(), "cur/1767600001.a:2,S", mail(1), 300);
    let source = mailbox(base.path());
    let inbox = stream(source.as_ref(), "INBOX").await;
    match one(source.as_ref(), &inbox, "1767600000.z,S=812").await {
        Change::Unreadable { why, .. } => assert!(why.contains("gzip") && why.contains("imap"), "{why}"),
        other => panic!("{other:?}"),
    }
    message(one(source.as_ref(), &inbox, "1767600001.a").await);
}

#[tokio::test]
async fn line_ends_of_every_kind_nul_bytes_and_marks_before_the_header() {
    let base = TempDir::new().expect("a folder");
    let plain = mail(1);
    let cases: [(&str, Vec<u8>); 6] = [
        ("crlf", plain.replace('\n', "\r\n").into_bytes()),
        ("header in CRLF", plain.replacen('\n', "\r\n", 3).into_bytes()),
        ("text in CRLF", plain.replace("words 1.\n", "words 1.\r\n").into_bytes()),
        ("NUL in the text", plain.replace("Secret", "\0Secret\0").into_bytes()),
        ("NUL behind it", [plain.as_bytes(), &[0; 4096]].concat()),
        ("a byte order mark", [b"\xef\xbb\xbf", plain.as_bytes()].concat()),
    ];
    for (n, (_, bytes)) in cases.iter().enumerate() {
        put_ago(base.path(), &format!("cur/176760000{n}.a:2,S"), bytes, 300);
    }
    let source = mailbox(base.path());
    let inbox = stream(source.as_ref(), "INBOX").await;
    for (n, (what, _)) in cases.iter().enumerate() {
        let name = format!("176760000{n}.a");
        let read = message(one(source.as_ref(), &inbox, &name).await);
        assert_eq!(read.message_id.as_deref(), Some("1@acme.example"), "{what}");
        assert_eq!(read.subject.as_deref(), Some("Quote 1 for Zoe"), "{what}");
        assert_eq!(read.from[0].address, "ana1@acme.example", "{what}");
        let texts = source.content(&inbox, &[name], 1000).await.expect("texts");
        assert!(matches!(&texts[0].1, Content::Text { text, .. } if text.contains("words 1.")), "{what}");
    }
}

/// Files come, go, grow and change their flags while the folder is listed and read: no call fails, nothing that stays is
/// missing, and no half-written mail is taken for a whole one.
#[tokio::test]
async fn while_everything_moves_nothing_that_stays_is_missing() {
    let base = TempDir::new().expect("a folder");
    for n in 0..30 {
        put_ago(base.path(), &format!("cur/{}.stays:2,", 1_767_600_000 + n), mail(n), 300);
    }
    let root = base.path().join("box");
    let source = mailbox(base.path());
    let inbox = stream(source.as_ref(), "INBOX").await;
    let mover = tokio::task::spawn_blocking(move || {
        let cur = root.join("cur");
        for n in 0..120 {
            let stays = 1_767_600_000 + n % 30;
            let (plain, seen) = (format!("{stays}.stays:2,"), format!("{stays}.stays:2,S"));
            let (from, to) = if n / 30 % 2 == 0 { (&plain, &seen) } else { (&seen, &plain) };
            fs::rename(cur.join(from), cur.join(to)).expect("flagged");
            let passing = cur.join(format!("{}.goes:2,", 1_767_700_000 + n));
            let text = mail(n);
            for end in [30, text.len() / 2, text.len()] {
                fs::write(&passing, &text[..end]).expect("grows");
            }
            fs::remove_file(passing).expect("goes");
        }
    });
    loop {
        let done = mover.is_finished();
        let names: Vec<String> = listed(source.as_ref(), &inbox).await.into_iter().map(|e| e.resource).collect();
        assert_eq!(names.iter().filter(|n| n.ends_with(".stays")).count(), 30);
        let changes = source.fetch(&inbox, &names, &window()).await.expect("an answer");
        for change in changes {
            match change {
                Change::Upsert { resource, mut items, .. } => match items.remove(0).record {
                    Record::Mail(mail) => assert!(mail.message_id.is_some() || resource.ends_with(".goes")),
                    other => panic!("{other:?}"),
                },
                Change::Remove { resource } | Change::Unreadable { resource, .. } => {
                    assert!(resource.ends_with(".goes"), "{resource} is there and whole");
                }
            }
        }
        if done {
            break;
        }
    }
    mover.await.expect("moved");
}
