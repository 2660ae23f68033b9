//! What is asked before it is needed, and what is not asked at all: folders that stay closed because nothing happened in them.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use chrono::{DateTime, Utc};
use dealtrail_sdk::{Clock, Source};
use dealtrail_testkit::imap::{Imap as Fake, Reply};
use serde_json::json;

use super::{Seen, inbox, keys, mailbox, read_from, window};
use crate::Mailbox;

const TELLS: &str = "IMAP4rev1 CONDSTORE LIST-STATUS UNSELECT";

/// A clock that a test sets.
#[derive(Debug)]
struct Days(AtomicI64);

impl Clock for Days {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.0.load(Ordering::Relaxed) * 24 * 3600, 0).expect("a day")
    }
}

fn dated(fake: &Fake) -> (Mailbox, Arc<Days>) {
    let days = Arc::new(Days(AtomicI64::new(20_000)));
    let honest = mailbox(fake, json!({}));
    (Mailbox { clock: days.clone(), ..honest }, days)
}

fn said(fake: &Fake, word: &str) -> usize {
    fake.commands().iter().filter(|c| c.starts_with(word)).count()
}

async fn pass(mailbox: &Mailbox, seen: &Seen) -> Seen {
    mailbox.streams().await.expect("folders");
    read_from(mailbox, seen.cursor.clone()).await.expect("a pass")
}

/// One opening and one list serve the whole past of a folder; what is asked ahead is not asked twice.
#[tokio::test]
async fn the_past_in_one_opening() {
    let uids: Vec<u32> = (1..=700).collect();
    let fake = Fake::with(&uids).start();
    let mailbox = mailbox(&fake, json!({}));
    let mut seen = Seen::default();
    loop {
        let batch = mailbox.pull(&inbox(), seen.cursor.as_ref(), &window()).await.expect("a batch");
        let more = batch.more;
        let names: Vec<String> = batch.changes.iter().take(3).map(|c| format!("{c:?}")).collect();
        assert!(!names.is_empty());
        let before = seen.read.len();
        seen.take(batch);
        let texts = mailbox.content(&inbox(), &seen.read[before..before + 3], 100).await.expect("texts");
        assert_eq!(texts.len(), 3);
        if !more {
            break;
        }
    }
    assert_eq!((seen.read, seen.listing), (keys(&uids), Some(keys(&uids))));
    assert_eq!((said(&fake, "EXAMINE"), said(&fake, "UID SEARCH"), said(&fake, "NOOP")), (1, 1, 0));
    let headers = fake.commands().iter().filter(|c| c.contains("HEADER.FIELDS")).count();
    assert_eq!(headers, 7, "each hundred once: {:?}", fake.commands());
}

/// What comes while the past is read is seen with the next batch, and before the past.
#[tokio::test]
async fn news_in_the_middle_of_the_past() {
    let fake = Fake::with(&(1..=700).collect::<Vec<_>>()).start();
    let mailbox = mailbox(&fake, json!({}));
    let first = mailbox.pull(&inbox(), None, &window()).await.expect("a batch");
    let mut told = false;
    fake.answer(move |server, command| {
        if !command.starts_with("UID FETCH") || std::mem::replace(&mut told, true) {
            return None;
        }
        server.mails.insert(701, "Subject: new\r\nFrom: a@b.example\r\n\r\nnew\r\n".into());
        server.next = 702;
        Some(Reply::Say(format!("* 701 EXISTS\r\n{}", server.honest(command))))
    });
    let second = mailbox.pull(&inbox(), first.cursor.as_ref(), &window()).await.expect("a batch");
    let mut third = Seen::default();
    third.take(mailbox.pull(&inbox(), second.cursor.as_ref(), &window()).await.expect("a batch"));
    assert_eq!(third.read, keys(&[701]));
}

/// A folder of which the server tells the same as when it was read stays closed, but not for ever.
#[tokio::test]
async fn nothing_new_is_one_question() {
    let fake = Fake::with(&[1, 2, 3]).start();
    fake.change(|server| server.capabilities = TELLS.into());
    let (mailbox, days) = dated(&fake);
    let first = pass(&mailbox, &Seen::default()).await;
    assert_eq!(first.read.len(), 3);
    let asked = fake.commands().len();
    mailbox.streams().await.expect("folders");
    let batch = mailbox.pull(&inbox(), first.cursor.as_ref(), &window()).await.expect("nothing");
    assert!(batch.changes.is_empty() && !batch.more && batch.as_of.is_some() && batch.cursor == first.cursor);
    assert_eq!(fake.commands()[asked..].iter().filter(|c| !c.starts_with("LIST") && *c != "UNSELECT").count(), 0);
    // Without a word about it, it is opened.
    let again = mailbox.pull(&inbox(), first.cursor.as_ref(), &window()).await.expect("nothing");
    assert!(again.changes.is_empty() && again.as_of.is_none());
    assert_eq!(said(&fake, "EXAMINE"), 2);
    // A server that tells the same for ever is found out within a day.
    fake.answer(|server, command| {
        let old = "* STATUS INBOX (MESSAGES 3 UIDNEXT 4 UIDVALIDITY 7 HIGHESTMODSEQ 1)\r\n";
        let list = || server.folders.iter().map(|l| format!("* LIST {l}\r\n")).collect::<String>() + old;
        command.starts_with("LIST").then(|| Reply::Say(list()))
    });
    fake.change(|server| {
        server.mails.insert(4, "Subject: new\r\nFrom: a@b.example\r\n\r\nnew\r\n".into());
        (server.next, server.modseq) = (5, 2);
    });
    assert!(pass(&mailbox, &first).await.read.is_empty());
    days.0.fetch_add(1, Ordering::Relaxed);
    assert_eq!(pass(&mailbox, &first).await.read, keys(&[4]));
}

/// What came or went is found however the server tells of its folders, and when it tells nothing.
#[tokio::test]
async fn whatever_is_told_the_folder_is_what_counts() {
    for (capabilities, status) in [
        (TELLS, None),
        ("IMAP4rev1", None),
        (TELLS, Some("")),
        (TELLS, Some("* STATUS INBOX (UIDNEXT 6)\r\n")),
        (TELLS, Some("* STATUS INBOX nonsense\r\n")),
        // It counts what nobody can find.
        (TELLS, Some("* STATUS INBOX (MESSAGES 9 UIDNEXT 12 UIDVALIDITY 7 HIGHESTMODSEQ 8)\r\n")),
        (TELLS, Some("* STATUS INBOX (MESSAGES 9 UIDNEXT 12 UIDVALIDITY 8 HIGHESTMODSEQ 8)\r\n")),
    ] {
        let fake = Fake::with(&[1, 2, 3]).start();
        fake.change(|server| server.capabilities = capabilities.into());
        let mailbox = mailbox(&fake, json!({}));
        let first = pass(&mailbox, &Seen::default()).await;
        fake.change(|server| {
            server.mails.remove(&2);
            for uid in [4, 5] {
                server.mails.insert(uid, "Subject: new\r\nFrom: a@b.example\r\n\r\nnew\r\n".into());
            }
            (server.next, server.modseq) = (6, 2);
        });
        if let Some(status) = status {
            fake.answer(move |server, command| {
                let list = || server.folders.iter().map(|l| format!("* LIST {l}\r\n")).collect::<String>() + status;
                command.starts_with("LIST").then(|| Reply::Say(list()))
            });
        }
        let seen = pass(&mailbox, &first).await;
        assert_eq!(seen.read, keys(&[4, 5]), "{capabilities} {status:?}");
        assert_eq!(seen.listing, Some(keys(&[1, 3, 4, 5])), "{capabilities} {status:?}");
    }
}

/// A server that answers late, to another folder's question: it must not pass for an answer to this one's.
#[tokio::test]
async fn what_was_asked_ahead_is_nobody_elses_answer() {
    let uids: Vec<u32> = (1..=700).collect();
    let fake = Fake::with(&uids).start();
    let mailbox = mailbox(&fake, json!({}));
    let mut seen = Seen::default();
    seen.take(mailbox.pull(&inbox(), None, &window()).await.expect("a batch"));
    mailbox.content(&inbox(), &seen.read[..1], 100).await.expect("a text");
    // The next batch's messages are on their way, and others are asked for.
    let wanted = keys(&[5, 6]);
    let changes = mailbox.fetch(&inbox(), &wanted, &window()).await.expect("two messages");
    assert_eq!(changes.len(), 2);
    let other = dealtrail_sdk::Stream { id: "Sent".into(), name: "Sent".into(), role: None };
    let batch = mailbox.pull(&other, None, &window()).await.expect("another folder");
    assert_eq!(batch.changes.len(), 300);
    let rest = read_from(&mailbox, seen.cursor.clone()).await.expect("the rest");
    assert_eq!(rest.read, keys(&uids[..400]));
}

/// A folder of which the server told everything is read for the first time with one opening and each message once.
#[tokio::test]
async fn a_folder_that_was_told_of_is_read_in_one_go() {
    let fake = Fake::with(&(1..=30).collect::<Vec<_>>()).start();
    fake.change(|server| server.capabilities = TELLS.into());
    let mailbox = mailbox(&fake, json!({}));
    assert_eq!(pass(&mailbox, &Seen::default()).await.read.len(), 30);
    assert_eq!((said(&fake, "EXAMINE"), said(&fake, "UID SEARCH"), said(&fake, "UID FETCH")), (1, 1, 1));
}

/// A server that hands out what was asked ahead before it says that the list is done, as Dovecot does.
#[tokio::test]
async fn answers_in_another_order() {
    let fake = Fake::with(&(1..=30).collect::<Vec<_>>()).start();
    fake.change(|server| server.capabilities = TELLS.into());
    fake.answer(|server, command| {
        let early = server.fetch("1:30", "UID FETCH (UID RFC822.SIZE BODYSTRUCTURE BODY.PEEK[HEADER.FIELDS (FROM)])");
        let list = server.honest(command);
        match command.split(' ').nth(1)? {
            "SEARCH" => Some(Reply::Say(list + &early)),
            "FETCH" => Some(Reply::Say(String::new())),
            _ => None,
        }
    });
    let mailbox = mailbox(&fake, json!({}));
    assert_eq!(pass(&mailbox, &Seen::default()).await.read.len(), 30);
    assert_eq!(said(&fake, "UID FETCH"), 1);
}

/// The next folder is on its way while the last one is still being written; whatever is asked instead is answered rightly.
#[tokio::test]
async fn the_next_folder_is_asked_for_ahead() {
    let sent = dealtrail_sdk::Stream { id: "Sent".into(), name: "Sent".into(), role: None };
    for as_announced in [true, false] {
        let fake = Fake::with(&(1..=30).collect::<Vec<_>>()).start();
        fake.change(|server| {
            server.capabilities = TELLS.into();
            server.folders.push("(\\Sent) \"/\" Sent".into());
        });
        let mailbox = mailbox(&fake, json!({}));
        mailbox.streams().await.expect("folders");
        mailbox.announce(Some((&sent, None)));
        let first = read_from(&mailbox, None).await.expect("the inbox");
        mailbox.content(&inbox(), &first.read[..2], 100).await.expect("texts");
        mailbox.announce(None);
        if as_announced {
            let batch = mailbox.pull(&sent, None, &window()).await.expect("the next folder");
            assert_eq!(batch.changes.len(), 30);
            mailbox.close().await;
            assert_eq!((said(&fake, "EXAMINE"), said(&fake, "UID SEARCH")), (2, 2), "{:?}", fake.commands());
            assert_eq!(fake.commands().iter().filter(|c| c.contains("HEADER.FIELDS")).count(), 2);
            continue;
        }
        // The answers on their way are of another folder: nothing of the inbox may be taken from them.
        let texts = mailbox.content(&inbox(), &first.read[2..4], 100).await.expect("texts");
        assert_eq!(texts.len(), 2);
        let examined: Vec<String> = fake.commands().into_iter().filter(|c| c.starts_with("EXAMINE")).collect();
        assert!(examined.last().is_some_and(|c| c.contains("INBOX")), "{examined:?}");
        let fetched = fake.commands().iter().rposition(|c| c.starts_with("UID FETCH")).expect("texts");
        let opened = fake.commands().iter().rposition(|c| c.starts_with("EXAMINE")).expect("the inbox");
        assert!(fetched > opened, "{:?}", fake.commands());
    }
}
