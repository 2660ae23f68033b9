//! The connector against a real Dovecot: what the engine relies on, and that reading changes nothing.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use chrono::{DateTime, TimeZone, Utc};
use dealtrail_sdk::{
    Batch, Change, Clock, Cursor, Fault, FaultKind, FolderRole, Settings, Setup, Source, Stream, Window,
    record::{Content, Message, Record},
};
use dealtrail_testkit::{
    conformance,
    dovecot::{Client, Dovecot, Options},
    proxy::{Plan, Proxy, Way, What},
};
use serde_json::{Value, json};

const PASSWORD: &str = "pass \"word\" \\ 1";

#[derive(Debug)]
struct Fixed;
impl Clock for Fixed {
    fn now(&self) -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 11, 1, 12, 0, 0).unwrap()
    }
}

fn window() -> Window {
    let now = Fixed.now();
    Window { since: now - chrono::Duration::days(365), until: now + chrono::Duration::days(365) }
}

/// Settings for a server; `more` adds and replaces.
fn source(server: &Dovecot, more: Value) -> Box<dyn Source> {
    connect(server, more).expect("the settings are right")
}

fn connect(server: &Dovecot, more: Value) -> Result<Box<dyn Source>, Fault> {
    let mut settings = json!({
        "host": server.host(), "port": server.port(), "tls": "none", "username": "ana", "password": PASSWORD,
    });
    for (key, value) in more.as_object().expect("an object") {
        settings[key] = value.clone();
    }
    let setup = Setup {
        connection: "ana-mail".into(),
        settings: Settings(settings.as_object().expect("an object").clone()),
        base: "/".into(),
        zone: chrono_tz::UTC,
        clock: Arc::new(Fixed),
    };
    (dealtrail_imap::KIND.connect)(setup)
}

fn start() -> (Dovecot, Client) {
    let server = Dovecot::start();
    server.user("ana", PASSWORD);
    let client = server.client("ana", PASSWORD);
    (server, client)
}

fn mail(n: usize) -> Vec<u8> {
    format!(
        "From: Bob <bob@customer.example>\r\nTo: ana@acme.example\r\nSubject: offer {n}\r\n\
         Message-ID: <m{n}@customer.example>\r\nDate: Sun, 1 Nov 2026 10:00:00 +0000\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\r\nText number {n} with Grüße.\r\n"
    )
    .into_bytes()
}

fn at(n: usize) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 10, 1, 0, 0, 0).unwrap() + chrono::Duration::minutes(n as i64)
}

/// What a folder held, by key, as the engine would have it.
#[derive(Debug, Default)]
struct Held {
    mails: BTreeMap<String, Box<Message>>,
    cursor: Option<Cursor>,
    /// Subjects in the order in which they came.
    order: Vec<String>,
    batches: usize,
    changes: usize,
    listings: usize,
}

impl Held {
    fn take(&mut self, batch: Batch) {
        self.batches += 1;
        self.changes += batch.changes.len();
        for change in batch.changes {
            match change {
                Change::Upsert { resource, items, .. } => {
                    for item in items {
                        assert_eq!(item.key, resource);
                        let Record::Mail(mail) = item.record else { panic!("mail only") };
                        self.order.extend(mail.subject.clone());
                        self.mails.insert(item.key, mail);
                    }
                }
                Change::Remove { resource } => drop(self.mails.remove(&resource)),
                Change::Unreadable { why, .. } => panic!("unreadable: {why}"),
            }
        }
        if let Some(listing) = batch.listing {
            self.listings += 1;
            let there: Vec<String> = listing.entries.into_iter().map(|e| e.resource).collect();
            self.mails.retain(|key, _| there.contains(key));
        }
        self.cursor = batch.cursor.or(self.cursor.take());
    }

    async fn read(&mut self, source: &dyn Source, stream: &Stream) {
        loop {
            let batch = source.pull(stream, self.cursor.as_ref(), &window()).await.expect("a step");
            let more = batch.more;
            self.take(batch);
            if !more {
                return;
            }
        }
    }

    fn subjects(&self) -> Vec<&str> {
        let mut all: Vec<&str> = self.mails.values().filter_map(|m| m.subject.as_deref()).collect();
        all.sort_unstable();
        all
    }
}

async fn folder(source: &dyn Source, name: &str) -> Stream {
    let streams = source.streams().await.expect("folders");
    streams.into_iter().find(|s| s.name == name).unwrap_or_else(|| panic!("no folder {name}"))
}

#[tokio::test]
async fn keeps_the_promises_of_every_connector() {
    let (server, mut client) = start();
    client.run("CREATE \"Kunden\"");
    client.run("CREATE \"Kunden/M&APw-ller\"");
    for n in 0..25 {
        client.append("INBOX", &mail(n), "", Some(at(n)));
    }
    client.append("Kunden/M&APw-ller", &mail(100), "", Some(at(1)));
    client.append("Sent", b"Subject: no text at all\r\n\r\n", "", None);
    client.append("Sent", b"garbage without a header", "", None);
    let source = source(&server, json!({}));
    let summary = conformance::check(&*source, &window(), &["bob@customer", "offer", PASSWORD, "number"]).await;
    assert_eq!((summary.streams, summary.items + summary.unreadable), (4, 28));
}

#[tokio::test]
async fn reads_the_newest_first_and_nothing_twice() {
    let (server, mut client) = start();
    let mails: Vec<Vec<u8>> = (0..750).map(mail).collect();
    client.append_all("INBOX", mails.iter().enumerate().map(|(n, m)| (m.as_slice(), at(n))));
    let source = source(&server, json!({}));
    let inbox = folder(&*source, "INBOX").await;
    assert_eq!((inbox.id.as_str(), inbox.role), ("INBOX", Some(FolderRole::Inbox)));
    let mut held = Held::default();
    held.read(&*source, &inbox).await;
    assert_eq!((held.mails.len(), held.changes, held.listings), (750, 750, 1));
    assert!(held.batches >= 3, "in batches");
    let expected: Vec<String> = (0..750).rev().map(|n| format!("offer {n}")).collect();
    assert_eq!(held.order, expected, "newest first");
    let first = held.mails.values().find(|m| m.subject.as_deref() == Some("offer 7")).expect("offer 7");
    assert_eq!(first.received, Some(at(7)));
    assert_eq!(first.message_id.as_deref(), Some("m7@customer.example"));
    assert_eq!(first.size, mail(7).len() as u64);
    assert_eq!((first.parts[0].section.as_str(), first.parts[0].media_type.as_str()), ("1", "text/plain"));

    let batch = source.pull(&inbox, held.cursor.as_ref(), &window()).await.expect("the second pull");
    assert!(batch.changes.is_empty() && batch.listing.is_none() && !batch.more);
    assert_eq!(batch.cursor, held.cursor, "nothing happened");

    // A source that starts afresh from the cursor sees the same.
    let other = self::source(&server, json!({}));
    let batch = other.pull(&inbox, held.cursor.as_ref(), &window()).await.expect("a pull after a restart");
    assert!(batch.changes.is_empty() && batch.listing.is_none());
    source.close().await;
}

#[tokio::test]
async fn follows_what_comes_goes_and_moves() {
    let (server, mut client) = start();
    let uids: Vec<u32> = (0..30).map(|n| client.append("INBOX", &mail(n), "", Some(at(n)))).collect();
    let source = source(&server, json!({}));
    let (inbox, sent) = (folder(&*source, "INBOX").await, folder(&*source, "Sent").await);
    let (mut here, mut there) = (Held::default(), Held::default());
    here.read(&*source, &inbox).await;
    there.read(&*source, &sent).await;
    assert_eq!((here.mails.len(), there.mails.len()), (30, 0));

    client.run("SELECT INBOX");
    client.append("INBOX", &mail(30), "", None);
    client.run(&format!("UID STORE {} +FLAGS (\\Deleted)", uids[3]));
    client.run(&format!("UID EXPUNGE {}", uids[3]));
    client.run(&format!("UID MOVE {}:{} Sent", uids[5], uids[6]));
    here.read(&*source, &inbox).await;
    there.read(&*source, &sent).await;
    assert_eq!((here.mails.len(), there.mails.len()), (28, 2));
    assert_eq!(here.listings, 1, "a few that vanished need no list of everything");
    assert_eq!(there.subjects(), ["offer 5", "offer 6"]);
    assert!(here.subjects().contains(&"offer 30") && !here.subjects().contains(&"offer 3"));

    // One comes and one goes between two looks: the count alone would not tell.
    client.append("INBOX", &mail(31), "", None);
    client.run(&format!("UID STORE {} +FLAGS (\\Deleted)", uids[0]));
    client.run("EXPUNGE");
    here.read(&*source, &inbox).await;
    assert!(here.subjects().contains(&"offer 31") && !here.subjects().contains(&"offer 0"));
    assert_eq!(here.mails.len(), 28);

    // A flag changes: nothing is read again.
    let before = here.changes;
    client.run(&format!("UID STORE {} +FLAGS (\\Flagged)", uids[10]));
    here.read(&*source, &inbox).await;
    assert_eq!(here.changes, before);
}

#[tokio::test]
async fn a_folder_made_anew_is_another_folder() {
    let (server, mut client) = start();
    client.run("CREATE Deals");
    for n in 0..10 {
        client.append("Deals", &mail(n), "", Some(at(n)));
    }
    let source = source(&server, json!({}));
    let deals = folder(&*source, "Deals").await;
    let mut held = Held::default();
    held.read(&*source, &deals).await;
    let old: Vec<String> = held.mails.keys().cloned().collect();
    client.run("DELETE Deals");
    let gone = source.pull(&deals, held.cursor.as_ref(), &window()).await.expect_err("no such folder");
    assert_eq!(gone.kind, FaultKind::Missing);
    // Dovecot takes the time in seconds for UIDVALIDITY.
    std::thread::sleep(Duration::from_millis(1100));
    client.run("CREATE Deals");
    for n in 5..12 {
        client.append("Deals", &mail(n), "", Some(at(n)));
    }
    held.read(&*source, &deals).await;
    assert_eq!(held.mails.len(), 7);
    assert!(held.mails.keys().all(|key| !old.contains(key)), "the old keys are retired");
    let changes = source.fetch(&deals, &old, &window()).await.expect("an answer");
    assert_eq!(changes.iter().filter(|c| matches!(c, Change::Remove { .. })).count(), 10);
}

#[tokio::test]
async fn reading_changes_nothing() {
    let (server, mut client) = start();
    for n in 0..40 {
        client.append("INBOX", &mail(n), if n % 2 == 0 { "" } else { "\\Seen" }, Some(at(n)));
    }
    // EXAMINE, so that this client does not change anything either.
    client.run("EXAMINE INBOX");
    let before = client.run("FETCH 1:* (UID FLAGS INTERNALDATE)");
    let modseq = |c: &mut Client| c.run("STATUS INBOX (MESSAGES UIDNEXT UIDVALIDITY UNSEEN HIGHESTMODSEQ)");
    client.run("CLOSE");
    let state = modseq(&mut client);
    let source = source(&server, json!({}));
    let inbox = folder(&*source, "INBOX").await;
    let mut held = Held::default();
    held.read(&*source, &inbox).await;
    let keys: Vec<String> = held.mails.keys().cloned().collect();
    assert_eq!(source.content(&inbox, &keys, 10_000).await.expect("texts").len(), 40);
    assert_eq!(source.fetch(&inbox, &keys, &window()).await.expect("again").len(), 40);
    source.close().await;
    let line = |text: &str| text.lines().find(|l| l.starts_with("* STATUS")).map(str::to_owned);
    assert_eq!(line(&modseq(&mut client)), line(&state));
    client.run("EXAMINE INBOX");
    let strip = |text: &str| text.lines().filter(|l| l.starts_with('*')).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(strip(&client.run("FETCH 1:* (UID FLAGS INTERNALDATE)")), strip(&before));
}

#[tokio::test]
async fn texts_calendars_and_reports() {
    let (server, mut client) = start();
    let invitation = "From: Bob <bob@customer.example>\r\nTo: ana@acme.example\r\nSubject: Demo\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n\
        --a\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nWir sehen uns, Gr=C3=BC=C3=9Fe\r\n\
        --a\r\nContent-Type: text/html\r\n\r\n<p>Wir sehen uns</p>\r\n\
        --a\r\nContent-Type: text/calendar; method=REQUEST; charset=utf-8\r\n\r\nBEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n--a--\r\n\
        --m\r\nContent-Type: application/pdf; name=\"=?utf-8?q?Angebot_M=C3=BCller.pdf?=\"\r\nContent-Disposition: attachment\r\n\
        Content-Transfer-Encoding: base64\r\n\r\nJVBERg==\r\n--m--\r\n";
    let report = "From: MAILER-DAEMON@acme.example\r\nTo: ana@acme.example\r\nSubject: failed\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/report; report-type=delivery-status; boundary=r\r\n\r\n\
        --r\r\nContent-Type: text/plain\r\n\r\nIt failed.\r\n\
        --r\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; acme.example\r\n\r\nFinal-Recipient: rfc822; gone@customer.example\r\nAction: failed\r\n\
        --r\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ninner text\r\n--r--\r\n";
    let html = "Subject: html\r\nContent-Type: text/html; charset=iso-8859-1\r\n\r\n<html><body><p>Hello <b>there</b></p></body></html>\r\n";
    let long = format!("Subject: long\r\nContent-Type: text/plain\r\n\r\n{}\r\n", "0123456789 ".repeat(20_000));
    let image = "Subject: image\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n";
    for message in [invitation, report, html, &long, image] {
        client.append("INBOX", message.as_bytes(), "", None);
    }
    client.append("INBOX", &mail(1), "\\Draft \\Deleted $Junk", None);
    let source = source(&server, json!({}));
    let inbox = folder(&*source, "INBOX").await;
    let mut held = Held::default();
    held.read(&*source, &inbox).await;
    let by = |subject: &str| {
        let found = held.mails.iter().find(|(_, m)| m.subject.as_deref() == Some(subject));
        found.unwrap_or_else(|| panic!("no {subject}"))
    };
    let demo = by("Demo").1;
    assert_eq!(demo.calendars.len(), 1);
    assert!(demo.calendars[0].text.starts_with("BEGIN:VCALENDAR") && demo.calendars[0].alternative);
    let sections: Vec<&str> = demo.parts.iter().map(|p| p.section.as_str()).collect();
    assert_eq!(sections, ["1.1", "1.2", "1.3", "2"]);
    assert_eq!(demo.parts[2].method.as_deref(), Some("request"));
    assert!(demo.parts[3].attachment && demo.parts[3].name.as_deref() == Some("Angebot Müller.pdf"));
    let failed = by("failed").1;
    assert!(failed.delivery_status.as_deref().is_some_and(|s| s.contains("Action: failed")));
    assert_eq!(
        failed.parts.iter().map(|p| p.media_type.as_str()).collect::<Vec<_>>(),
        ["text/plain", "message/delivery-status", "message/rfc822"]
    );
    let flagged = by("offer 1").1;
    assert!(flagged.draft && flagged.trashed && flagged.junk);

    // Once with what the pull remembers, once by a source that has to ask.
    for reader in [&source, &self::source(&server, json!({}))] {
        let keys: Vec<String> = held.mails.keys().cloned().collect();
        let texts: BTreeMap<String, Content> =
            reader.content(&inbox, &keys, 1000).await.expect("texts").into_iter().collect();
        let text = |subject: &str| match &texts[by(subject).0] {
            Content::Text { text, truncated } => (text.trim().to_owned(), *truncated),
            other => panic!("{subject}: {other:?}"),
        };
        assert_eq!(text("Demo"), ("Wir sehen uns, Grüße".to_owned(), false));
        assert_eq!(text("html"), ("Hello there".to_owned(), false));
        assert_eq!(text("failed"), ("It failed.".to_owned(), false));
        assert!(text("long").1 && text("long").0.len() <= 1000);
        assert_eq!(texts[by("image").0], Content::None);
    }
    let gone = "1:999999".to_owned();
    let text = source.content(&inbox, std::slice::from_ref(&gone), 100).await.expect("an answer");
    assert_eq!(text, [(gone, Content::Gone)]);
}

#[tokio::test]
async fn folders_with_their_names_and_roles() {
    let (server, mut client) = start();
    client.run("CREATE \"Entw&APw-rfe &- mehr\"");
    client.run("CREATE \"a\\\"b\\\\c\"");
    client.append("a\"b\\c", &mail(1), "", None);
    let all = source(&server, json!({}));
    let streams = all.streams().await.expect("folders");
    let shown: Vec<(&str, Option<FolderRole>)> = streams.iter().map(|s| (s.name.as_str(), s.role)).collect();
    assert_eq!(shown[..2], [("INBOX", Some(FolderRole::Inbox)), ("Sent", Some(FolderRole::Sent))]);
    assert!(shown.contains(&("Entwürfe & mehr", None)) && shown.contains(&("a\"b\\c", None)), "{shown:?}");
    assert_eq!(shown.len(), 4, "drafts, spam and trash are left out");
    let mut held = Held::default();
    held.read(&*all, &folder(&*all, "a\"b\\c").await).await;
    assert_eq!(held.mails.len(), 1);
    let some = source(&server, json!({"folders": {"include": ["INBOX", "Trash"]}}));
    assert_eq!(some.streams().await.expect("folders").len(), 2);
}

#[tokio::test]
async fn encryption_and_whom_it_believes() {
    let (server, _client) = start();
    let ca = server.ca_file();
    let works = |more: Value| {
        let source = source(&server, more);
        async move { source.streams().await.map(|s| s.len()) }
    };
    let (plain, tls) = (server.port(), server.tls_port());
    for (name, more) in [
        ("implicit", json!({"tls": "implicit", "port": tls, "ca_file": ca})),
        ("by name", json!({"tls": "implicit", "port": tls, "ca_file": ca, "host": "localhost"})),
        ("starttls", json!({"tls": "starttls", "port": plain, "ca_file": ca})),
        ("fingerprint", json!({"tls": "implicit", "port": tls, "fingerprint": server.fingerprint()})),
        ("plain sign-in", json!({"tls": "implicit", "port": tls, "ca_file": ca, "auth": "plain"})),
        ("compressed", json!({"tls": "implicit", "port": tls, "ca_file": ca, "compress": "on"})),
        ("compressed, bare", json!({"compress": "on"})),
    ] {
        assert_eq!(works(more).await.map_err(|f| f.what), Ok(2), "{name}");
    }
    for (name, more, word) in [
        ("unknown issuer", json!({"tls": "implicit", "port": tls}), "ca_file"),
        ("another", json!({"tls": "starttls", "port": plain, "fingerprint": "ab".repeat(32)}), "fingerprint"),
        ("not TLS", json!({"tls": "implicit", "port": plain, "ca_file": ca}), "TLS"),
    ] {
        let fault = works(more).await.expect_err(name);
        assert_eq!(fault.kind, FaultKind::Refused, "{name}: {}", fault.what);
        assert!(fault.what.contains(word), "{name}: {}", fault.what);
    }
    let seen = works(json!({"tls": "implicit", "port": tls})).await.expect_err("unknown issuer").what;
    let fingerprint = server.fingerprint().replace(':', "").to_lowercase();
    assert!(seen.contains(&fingerprint), "the fingerprint can be copied from the message: {seen}");
}

#[tokio::test]
async fn an_expired_certificate_is_said() {
    let server = Dovecot::start_with(&Options { expired: true, ..Options::default() });
    server.user("ana", PASSWORD);
    let more = json!({"tls": "implicit", "port": server.tls_port(), "ca_file": server.ca_file()});
    let fault = source(&server, more).streams().await.expect_err("expired");
    assert_eq!(fault.kind, FaultKind::Refused);
    assert!(fault.what.contains("expired"), "{}", fault.what);
    let pinned = json!({"tls": "implicit", "port": server.tls_port(), "fingerprint": server.fingerprint()});
    assert!(source(&server, pinned).streams().await.is_ok());
}

#[tokio::test]
async fn signing_in() {
    let (server, _client) = start();
    for (more, kind) in [
        (json!({"password": "wrong"}), Some(FaultKind::Unauthorized)),
        (json!({"username": "nobody"}), Some(FaultKind::Unauthorized)),
        (json!({"auth": "plain", "password": "wrong"}), Some(FaultKind::Unauthorized)),
        (json!({"auth": "xoauth2", "token": "wrong"}), Some(FaultKind::Unauthorized)),
        (json!({"auth": "oauthbearer", "token": "wrong"}), Some(FaultKind::Unauthorized)),
        (json!({"auth": "xoauth2", "token": PASSWORD}), None),
        (json!({"auth": "oauthbearer", "token": PASSWORD}), None),
    ] {
        let result = source(&server, more.clone()).streams().await;
        assert_eq!(result.as_ref().err().map(|f| f.kind.clone()), kind, "{more}: {:?}", result.as_ref().err());
        if let Err(fault) = result {
            assert!(!fault.what.contains("ana") && !fault.what.contains("wrong"), "{}", fault.what);
        }
    }
    let port = dealtrail_testkit::ports::free();
    let fault = source(&server, json!({"port": port})).streams().await.expect_err("nothing listens");
    assert_eq!(fault.kind, FaultKind::Unreachable);
    assert!(fault.what.contains(&format!("127.0.0.1:{port}")), "{}", fault.what);
}

#[tokio::test]
async fn a_server_that_went_away_and_came_back() {
    let (server, mut client) = start();
    client.append("INBOX", &mail(1), "", None);
    // With a single connection allowed, the dead one must not stand in the way of the next.
    let source = source(&server, json!({"connections": 1}));
    let inbox = folder(&*source, "INBOX").await;
    let mut held = Held::default();
    held.read(&*source, &inbox).await;
    // The server throws everybody out; the kept connection dies unnoticed.
    server.kick("ana");
    let mut client = server.client("ana", PASSWORD);
    client.append("INBOX", &mail(2), "", None);
    held.read(&*source, &inbox).await;
    assert_eq!(held.mails.len(), 2);
}

#[tokio::test]
async fn waiting_wakes_up_when_mail_comes() {
    let (server, mut client) = start();
    client.append("INBOX", &mail(1), "", None);
    let source = source(&server, json!({}));
    let streams = source.streams().await.expect("folders");
    let inbox = folder(&*source, "INBOX").await;
    let mut held = Held::default();
    held.read(&*source, &inbox).await;
    // Nothing happens: it waits, and may be given up and taken up again.
    for _ in 0..3 {
        let waited = tokio::time::timeout(Duration::from_millis(300), source.wait(&streams)).await;
        assert!(waited.is_err(), "nothing happened");
    }
    let waiting = async { tokio::time::timeout(Duration::from_secs(60), source.wait(&streams)).await };
    let appending = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        client.append("INBOX", &mail(2), "", None)
    };
    let (woken, _) = tokio::join!(waiting, appending);
    assert_eq!(woken.expect("it wakes").expect("no fault").as_deref(), Some("INBOX"));
    held.read(&*source, &inbox).await;
    assert_eq!(held.mails.len(), 2);
    // What came while nobody waited is told at once.
    client.run("SELECT INBOX");
    client.run("STORE 1 +FLAGS (\\Deleted)");
    client.run("EXPUNGE");
    let woken = tokio::time::timeout(Duration::from_secs(60), source.wait(&streams)).await;
    assert_eq!(woken.expect("it wakes").expect("no fault").as_deref(), Some("INBOX"));
    source.close().await;
}

/// One corrupted byte under TLS, at many places: the connection is lost, and not one byte of it is taken for mail.
#[tokio::test]
async fn a_corrupted_byte_under_tls_is_no_data() {
    let (server, mut client) = start();
    for n in 1..=30 {
        client.append("INBOX", &mail(n), "", Some(at(n)));
    }
    let proxy = Proxy::start(server.tls_port());
    let source = source(
        &server,
        json!({"port": proxy.port(), "tls": "implicit", "ca_file": server.ca_file(), "timeout": 5, "compress": "off"}),
    );
    let inbox = folder(source.as_ref(), "INBOX").await;
    let signed_in = proxy.carried(Way::ToClient);
    let mut calm = Held::default();
    calm.read(source.as_ref(), &inbox).await;
    let whole = proxy.carried(Way::ToClient);
    assert_eq!(calm.mails.len(), 30);
    for n in 0..12 {
        source.close().await;
        // from the handshake to the last answer
        let after = n * whole / 12 + 7;
        proxy.set(Plan::once(Way::ToClient, after, What::Corrupt));
        let mut held = Held::default();
        let mut more = true;
        for _ in 0..20 {
            match source.pull(&inbox, held.cursor.as_ref(), &window()).await {
                Ok(batch) => {
                    more = batch.more;
                    held.take(batch);
                }
                // In a greeting it may look as if nobody spoke TLS there; afterwards it can only be a broken line.
                Err(fault) if after < signed_in => {
                    assert!(matches!(fault.kind, FaultKind::Unreachable | FaultKind::Refused), "{after}: {fault:?}");
                }
                Err(fault) => assert_eq!(fault.kind, FaultKind::Unreachable, "{after}: {fault:?}"),
            }
            if !more {
                break;
            }
        }
        assert!(!more && proxy.happened(), "{after} of {whole}");
        assert_eq!(held.subjects(), calm.subjects(), "a byte corrupted after {after} of {whole}");
    }
}

/// The line ends at many places of a reading: every message is read under its own number, whatever the cut.
#[tokio::test]
async fn a_line_that_ends_anywhere_mixes_up_nothing() {
    let (server, mut client) = start();
    for n in 1..=30 {
        client.append("INBOX", &mail(n), "", Some(at(n)));
    }
    let proxy = Proxy::start(server.port());
    let more = json!({"port": proxy.port(), "timeout": 5, "compress": "off", "connections_per_minute": 100_000});
    let calm_source = source(&server, more.clone());
    let inbox = folder(calm_source.as_ref(), "INBOX").await;
    let mut calm = Held::default();
    calm.read(calm_source.as_ref(), &inbox).await;
    let whole = proxy.carried(Way::ToClient);
    let subjects = |held: &Held| -> Vec<(String, Option<String>)> {
        held.mails.iter().map(|(key, mail)| (key.clone(), mail.subject.clone())).collect()
    };
    for n in 0..60 {
        let what = [What::Close, What::Reset, What::HalfClose][usize::try_from(n % 3).expect("small")];
        proxy.set(Plan::once(Way::ToClient, n * whole / 60 + 3, what));
        let source = source(&server, more.clone());
        let mut held = Held::default();
        let mut done = false;
        for _ in 0..100 {
            if let Ok(batch) = source.pull(&inbox, held.cursor.as_ref(), &window()).await {
                done = !batch.more;
                held.take(batch);
            }
            if done {
                break;
            }
        }
        assert!(done, "{n} {what:?}");
        assert_eq!(subjects(&held), subjects(&calm), "{n} {what:?}, after {} of {whole}", n * whole / 60 + 3);
    }
}
