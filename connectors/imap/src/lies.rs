//! A small server that misbehaves on purpose: what broke other programs must cost one message at most, and never a
//! message without a word.

mod ahead;
mod connection;
mod content;
mod numbers;

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use dealtrail_sdk::{Batch, Change, Cursor, Fault, FaultKind, Source, Stream, Window, record::Record};
use dealtrail_testkit::imap::{Imap as Fake, Reply};
use serde_json::{Value, json};

use crate::{Mailbox, frame::Limits, settings::Settings, settings::tests::setup};

fn window() -> Window {
    let now = chrono::DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
    Window { since: now, until: now }
}

fn inbox() -> Stream {
    Stream { id: "INBOX".into(), name: "INBOX".into(), role: Some(dealtrail_sdk::FolderRole::Inbox) }
}

fn mailbox(fake: &Fake, more: Value) -> Mailbox {
    // An account of its own: what one test's server asked for must not hold for the next one on the same port.
    static ACCOUNTS: AtomicUsize = AtomicUsize::new(0);
    let account = format!("ana{}", ACCOUNTS.fetch_add(1, Ordering::Relaxed));
    let mut settings = json!({"port": fake.port(), "username": account});
    for (key, value) in more.as_object().expect("an object") {
        settings[key] = value.clone();
    }
    let settings = Settings::read(&setup(settings)).expect("settings");
    let limits = Limits { silence: Duration::from_secs(30), literal: 20_000, ..Limits::default() };
    Mailbox::new(settings, limits, setup(json!({})).clock)
}

/// A mailbox with the patience of its setting `timeout`.
fn patient(fake: &Fake, more: Value) -> Mailbox {
    let settings = mailbox(fake, more).lines.route().settings().clone();
    let limits = Limits { silence: settings.patience, ..Limits::default() };
    Mailbox::new(settings, limits, setup(json!({})).clock)
}

/// What a complete reading gave: keys read, keys unreadable with why, whether a listing came, the cursor.
#[derive(Debug, Default)]
struct Seen {
    read: Vec<String>,
    unreadable: Vec<(String, String)>,
    removed: Vec<String>,
    listing: Option<Vec<String>>,
    cursor: Option<Cursor>,
    subjects: BTreeMap<String, String>,
}

impl Seen {
    fn take(&mut self, batch: Batch) {
        for change in batch.changes {
            match change {
                Change::Upsert { resource, items, .. } => {
                    let Record::Mail(mail) = &items[0].record else { panic!("a mailbox gives mail") };
                    self.subjects.insert(resource.clone(), mail.subject.clone().unwrap_or_default());
                    self.read.push(resource);
                }
                Change::Unreadable { resource, why, .. } => self.unreadable.push((resource, why)),
                Change::Remove { resource } => self.removed.push(resource),
            }
        }
        if let Some(listing) = batch.listing {
            self.listing = Some(listing.entries.into_iter().map(|e| e.resource).collect());
        }
        self.cursor = batch.cursor.or(self.cursor.take());
    }
}

async fn read_from(mailbox: &Mailbox, cursor: Option<Cursor>) -> Result<Seen, Fault> {
    let mut seen = Seen { cursor, ..Seen::default() };
    loop {
        let batch = mailbox.pull(&inbox(), seen.cursor.as_ref(), &window()).await?;
        let more = batch.more;
        seen.take(batch);
        if !more {
            return Ok(seen);
        }
    }
}

async fn read(fake: &Fake) -> Seen {
    read_from(&mailbox(fake, json!({})), None).await.expect("a reading")
}

fn keys(uids: &[u32]) -> Vec<String> {
    uids.iter().rev().map(|uid| format!("7:{uid}")).collect()
}

#[tokio::test]
async fn an_honest_server() {
    let fake = Fake::with(&[1, 2, 3, 10]).start();
    let seen = read(&fake).await;
    assert_eq!(seen.read, keys(&[1, 2, 3, 10]));
    assert_eq!(seen.listing, Some(keys(&[1, 2, 3, 10])));
    assert!(seen.unreadable.is_empty());
    let again = mailbox(&fake, json!({})).pull(&inbox(), seen.cursor.as_ref(), &window()).await.expect("again");
    assert!(again.changes.is_empty() && again.listing.is_none() && again.cursor == seen.cursor);
    assert!(!fake.commands().iter().any(|c| c.contains("UID FETCH  ") || c.ends_with("UID SEARCH UID ")));
    let wrote = ["STORE", "SELECT", "APPEND", "COPY", "MOVE", "EXPUNGE", "DELETE", "CREATE"];
    let writing = |c: &String| wrote.iter().any(|w| c.starts_with(w) || c.starts_with(&format!("UID {w}")));
    assert!(!fake.commands().iter().any(writing), "reading only");
    // Servers are known to get each of these wrong.
    for word in ["BODY[", "ENVELOPE", ":*", "CHANGEDSINCE", "SEARCH ALL"] {
        assert!(!fake.commands().iter().any(|c| c.contains(word)), "{word} is never said");
    }
}

#[tokio::test]
async fn numbers_that_jump_by_millions() {
    let uids = [5, 6, 1_000_000, 1_000_001, 3_900_000_000, 4_200_000_000];
    let fake = Fake::with(&uids).start();
    assert_eq!(read(&fake).await.read, keys(&uids));
    assert!(fake.commands().len() < 60, "{} commands", fake.commands().len());
}

/// The connection drops in the middle of an answer: what was not received is asked for again.
#[tokio::test]
async fn a_connection_that_drops_once() {
    let fake = Fake::with(&[1, 2, 3, 4, 5]).start();
    let mut dropped = false;
    fake.answer(move |server, command| {
        if command.starts_with("UID FETCH") && !std::mem::replace(&mut dropped, true) {
            let some = server.fetch("1:2", command);
            return Some(Reply::Close(format!(
                "{some}* 3 FETCH (UID 3 FLAGS () BODY[HEADER.FIELDS (FROM)] {{500}}\r\nhalf"
            )));
        }
        None
    });
    let seen = read(&fake).await;
    let mut got = seen.read;
    got.sort();
    assert_eq!(got, ["7:1", "7:2", "7:3", "7:4", "7:5"]);
    assert!(seen.unreadable.is_empty());
}

/// It drops every time, whatever is asked for: nothing is known, and the cursor stays.
#[tokio::test]
async fn a_connection_that_always_drops() {
    let fake = Fake::with(&(1..=40).collect::<Vec<_>>()).start();
    fake.answer(|_, command| command.starts_with("UID FETCH").then(|| Reply::Close(String::new())));
    let fault = read_from(&mailbox(&fake, json!({})), None).await.expect_err("nothing was read");
    assert_eq!(fault.kind, FaultKind::Unreachable);
}

/// One message takes the server down each time it is asked for.
#[tokio::test]
async fn a_message_that_breaks_the_connection() {
    let fake = Fake::with(&[1, 2, 3, 4, 5]).start();
    fake.answer(|server, command| {
        let wanted = server.uids(command.strip_prefix("UID FETCH ")?.split(' ').next()?);
        let at = wanted.iter().position(|uid| *uid == 3)?;
        let before: Vec<String> = wanted[..at].iter().map(u32::to_string).collect();
        let some = if before.is_empty() { String::new() } else { server.fetch(&before.join(","), command) };
        Some(Reply::Close(some))
    });
    let seen = read(&fake).await;
    assert_eq!(seen.read.len(), 4);
    assert_eq!(seen.unreadable.len(), 1);
    assert_eq!(seen.unreadable[0].0, "7:3");
    assert!(seen.unreadable[0].1.contains("connection"), "{}", seen.unreadable[0].1);
}

/// Sets are answered with OK and nothing; one at a time they come.
#[tokio::test]
async fn a_set_that_is_answered_with_nothing() {
    let fake = Fake::with(&(1..=30).collect::<Vec<_>>()).start();
    fake.answer(|server, command| {
        let set = command.strip_prefix("UID FETCH ")?.split(' ').next()?;
        (server.uids(set).len() > 1).then(|| Reply::Say(String::new()))
    });
    assert_eq!(read(&fake).await.read.len(), 30);
}

/// A message goes between the listing and the fetch: gone, and no failure.
#[tokio::test]
async fn a_message_that_goes_meanwhile() {
    let fake = Fake::with(&[1, 2, 3]).start();
    let mut told = false;
    fake.answer(move |server, command| {
        if command.starts_with("UID FETCH") {
            server.mails.remove(&2);
        }
        let tell = command == "NOOP" && !std::mem::replace(&mut told, true);
        tell.then(|| Reply::Say("* 2 EXPUNGE\r\n".into()))
    });
    let seen = read(&fake).await;
    assert_eq!(seen.read, keys(&[1, 3]));
    assert!(seen.unreadable.is_empty());
    assert_eq!(seen.listing, Some(keys(&[1, 3])));
}

/// The server lists a message that it never hands out, or refuses for ever: said, and the others are read.
#[tokio::test]
async fn a_message_that_is_never_handed_out() {
    for refuse in [true, false] {
        let fake = Fake::with(&[1, 2, 3]).start();
        fake.answer(move |server, command| {
            let set = command.strip_prefix("UID FETCH ")?.split(' ').next()?;
            let wanted = server.uids(set);
            if !wanted.contains(&2) {
                return None;
            }
            let rest: Vec<String> = wanted.iter().filter(|u| **u != 2).map(u32::to_string).collect();
            let some = if rest.is_empty() { String::new() } else { server.fetch(&rest.join(","), command) };
            Some(if refuse {
                Reply::Whole(format!("{some}{{tag}} NO cannot read this one\r\n"))
            } else {
                Reply::Say(some)
            })
        });
        let seen = read(&fake).await;
        assert_eq!(seen.read, keys(&[1, 3]), "refuse: {refuse}");
        assert_eq!(seen.unreadable.iter().map(|u| u.0.as_str()).collect::<Vec<_>>(), ["7:2"]);
        let names = ["7:2".to_owned(), "7:9".to_owned(), "6:1".to_owned()];
        let changes = mailbox(&fake, json!({})).fetch(&inbox(), &names, &window()).await.expect("an answer");
        let unreadable =
            changes.iter().filter(|c| matches!(c, Change::Unreadable { resource, .. } if resource == "7:2"));
        let removed = changes.iter().filter(|c| matches!(c, Change::Remove { .. }));
        assert_eq!((unreadable.count(), removed.count()), (1, 2), "{changes:?}");
    }
}

/// Answers without UID, for messages nobody asked for, and news in between.
#[tokio::test]
async fn answers_to_other_questions() {
    let fake = Fake::with(&[1, 2, 3]).start();
    let mut first = true;
    fake.answer(move |server, command| {
        if !command.starts_with("UID FETCH") {
            return None;
        }
        let all = server.fetch("1:3", command);
        let noise = "* 9 FETCH (UID 99 FLAGS () BODYSTRUCTURE (\"text\" \"plain\" NIL NIL NIL \"7bit\" 1 1) RFC822.HEADER {15}\r\nSubject: wrong\r\n)\r\n\
            * 2 FETCH (FLAGS (\\Seen))\r\n* 2 FETCH (UID 2 FLAGS (\\Seen))\r\n* OK still here\r\n* 3 EXISTS\r\n* 1 RECENT\r\n";
        let no_uid = if std::mem::take(&mut first) { all.replace("(UID 2 ", "(") } else { all };
        Some(Reply::Say(format!("{noise}{no_uid}")))
    });
    let seen = read(&fake).await;
    let mut got = seen.read;
    got.sort();
    assert_eq!(got, ["7:1", "7:2", "7:3"]);
}

/// Structures that cannot be used, or that nobody can read: the message itself is read.
#[tokio::test]
async fn structures_out_of_order() {
    for structure in [
        "(\"ALTERNATIVE\")",
        "NIL",
        "(((",
        "(\"text\" \"plain\" ",
        &("(".repeat(5000) + &")".repeat(5000)),
        "((\"text\" \"plain\" NIL NIL NIL \"7bit\" 1 1)(\"RELATED\" NIL (\"ATTACHMENT\" NIL) NIL) \"mixed\" )",
    ] {
        let fake = Fake::with(&[1, 2, 3]).start();
        let odd = structure.to_owned();
        fake.answer(move |server, _| {
            server.structures.insert(2, odd.clone());
            None
        });
        let mailbox = mailbox(&fake, json!({}));
        let seen = read_from(&mailbox, None).await.expect("a reading");
        let mut got = seen.read;
        got.sort();
        assert_eq!(got, ["7:1", "7:2", "7:3"], "{}", &structure[..structure.len().min(60)]);
        let texts = mailbox.content(&inbox(), &got, 100).await.expect("texts");
        assert_eq!(texts.len(), 3);
        assert!(
            texts.iter().all(
                |(_, t)| matches!(t, dealtrail_sdk::record::Content::Text { text, .. } if text.starts_with("text of"))
            ),
            "{texts:?}"
        );
    }
}

/// A literal far over the limit is drained: it costs that message.
#[tokio::test]
async fn a_monstrous_message() {
    let fake = Fake::with(&[1, 2, 3]).start();
    fake.answer(|server, command| {
        let set = command.strip_prefix("UID FETCH ")?.split(' ').next()?;
        if !server.uids(set).contains(&2) {
            return None;
        }
        let item = if command.contains("BODY.PEEK[]") { "BODY[]<0>" } else { "RFC822.HEADER" };
        let monster = format!("* 2 FETCH (UID 2 {item} {{3000000}}\r\n{})\r\n", "x".repeat(3_000_000));
        Some(Reply::Say(monster + &server.fetch("1,3", command)))
    });
    let seen = read(&fake).await;
    let mut got = seen.read;
    got.sort();
    assert_eq!(got, ["7:1", "7:3"]);
    assert_eq!(seen.unreadable.iter().map(|u| u.0.as_str()).collect::<Vec<_>>(), ["7:2"]);
}

/// `n:*` gives the last message though its number is smaller; lists end in a blank; some leave the line out.
#[tokio::test]
async fn lists_as_servers_write_them() {
    let fake = Fake::with(&[1, 2, 3]).start();
    let first = read(&fake).await;
    fake.change(|server| {
        server.next = 20;
        server.modseq += 1;
    });
    fake.answer(|_, command| command.starts_with("UID SEARCH UID 4:").then(|| Reply::Say("* SEARCH 3 \r\n".into())));
    let seen = read_from(&mailbox(&fake, json!({})), first.cursor.clone()).await.expect("a reading");
    assert!(seen.read.is_empty() && seen.removed.is_empty() && seen.listing.is_none(), "{seen:?}");
    // The line is left out altogether: asked for in another way.
    let fake = Fake::with(&[1, 2, 3]).start();
    fake.answer(|_, command| command.starts_with("UID SEARCH").then(|| Reply::Say(String::new())));
    assert_eq!(read(&fake).await.read, keys(&[1, 2, 3]));
}

/// A refusal or nonsense is never an empty folder.
#[tokio::test]
async fn a_refusal_is_not_an_empty_list() {
    for (answer, kind) in [
        ("{tag} NO [SERVERBUG] sorry\r\n", FaultKind::Busy { retry_after: None }),
        ("{tag} BAD what?\r\n", FaultKind::Malformed),
        ("* SEARCH 1 2 x\r\n{tag} OK done\r\n", FaultKind::Malformed),
        ("* ESEARCH (TAG \"D1\") UID ALL 1:3\r\n* SEARCH nonsense\r\n{tag} OK\r\n", FaultKind::Malformed),
        ("* BYE going down\r\n", FaultKind::Unreachable),
    ] {
        let fake = Fake::with(&[1, 2, 3]).start();
        fake.answer(move |_, command| command.starts_with("UID SEARCH").then(|| Reply::Whole(answer.into())));
        let fault = read_from(&mailbox(&fake, json!({})), None).await.expect_err(answer);
        assert_eq!(fault.kind, kind, "{answer}");
    }
}

#[tokio::test]
async fn another_uidvalidity_starts_over_and_lists_everything() {
    let fake = Fake::with(&[1, 2, 3]).start();
    let first = read(&fake).await;
    fake.change(|server| server.validity = Some(8));
    let seen = read_from(&mailbox(&fake, json!({})), first.cursor).await.expect("a reading");
    assert_eq!(seen.read, ["8:3", "8:2", "8:1"]);
    assert_eq!(seen.listing.as_deref(), Some(&["8:3".to_owned(), "8:2".into(), "8:1".into()][..]));
    // A server without UIDVALIDITY counts as one that never changes it.
    let fake = Fake::with(&[1]).start();
    fake.change(|server| server.validity = None);
    let first = read(&fake).await;
    assert_eq!(first.read, ["0:1"]);
    let again = read_from(&mailbox(&fake, json!({})), first.cursor).await.expect("again");
    assert!(again.read.is_empty());
}

#[tokio::test]
async fn numbers_that_do_not_last_are_refused() {
    let fake = Fake::with(&[1]).start();
    fake.answer(|server, command| {
        let state = server.examined();
        command
            .starts_with("EXAMINE")
            .then(|| Reply::Say(format!("{state}* NO [UIDNOTSTICKY] sorry\r\n* OK [UIDNOTSTICKY] sorry\r\n")))
    });
    let fault = read_from(&mailbox(&fake, json!({})), None).await.expect_err("refused");
    assert_eq!(fault.kind, FaultKind::Refused);
}

#[tokio::test]
async fn gmail_says_by_labels_what_others_say_by_flags() {
    let fake = Fake::with(&[1]).start();
    fake.change(|server| server.capabilities = "IMAP4rev1 X-GM-EXT-1".into());
    fake.answer(|server, command| {
        let set = command.strip_prefix("UID FETCH ")?.split(' ').next()?;
        assert!(command.contains("X-GM-LABELS"));
        Some(Reply::Say(server.fetch(set, command).replace("FLAGS ()", "FLAGS () X-GM-LABELS (\\Draft \"My label\")")))
    });
    let batch = mailbox(&fake, json!({})).pull(&inbox(), None, &window()).await.expect("a step");
    let Change::Upsert { items, .. } = &batch.changes[0] else { panic!("a message") };
    assert!(matches!(&items[0].record, Record::Mail(mail) if mail.draft));
}
