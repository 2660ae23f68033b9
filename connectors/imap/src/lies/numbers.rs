//! Lies about numbers and names: counts, lists that are cut, sequences of changes, folders by their raw names.

use std::collections::BTreeMap;

use dealtrail_sdk::{FaultKind, Source, Stream};
use dealtrail_testkit::imap::{Imap as Fake, Reply, Server};
use serde_json::json;

use super::{Seen, inbox, keys, mailbox, read, read_from, window};

const QUICK: &str = "IMAP4rev1 ENABLE CONDSTORE QRESYNC";

/// Searches give at most so many numbers: what they leave out is found all the same.
#[tokio::test]
async fn a_search_that_is_capped_loses_nothing() {
    let uids: Vec<u32> = (1..=700).collect();
    let fake = Fake::with(&uids).start();
    fake.answer(|server, command| {
        let set = command.strip_prefix("UID SEARCH UID ")?;
        let found: Vec<String> = server.uids(set).iter().rev().take(100).map(u32::to_string).collect();
        Some(Reply::Say(format!("* SEARCH {}\r\n", found.join(" "))))
    });
    let seen = read(&fake).await;
    // The listing names what the searches did not: the engine asks for it.
    let listing = seen.listing.expect("the whole is listed");
    assert_eq!(listing, keys(&uids));
    let rest: Vec<String> = listing.into_iter().filter(|key| !seen.read.contains(key)).collect();
    let more = mailbox(&fake, json!({})).fetch(&inbox(), &rest, &window()).await.expect("the rest");
    assert_eq!(seen.read.len() + more.len(), 700);
}

/// The server shows fewer messages than it counts: what is not shown is not taken as gone.
#[tokio::test]
async fn a_list_that_was_cut_short_retires_nothing() {
    let fake = Fake::with(&[1, 2, 3, 4, 5]).start();
    let first = read(&fake).await;
    fake.change(|server| {
        server.mails.remove(&1);
        server.modseq += 1;
    });
    let cut = |command: &str| {
        command.starts_with("UID SEARCH UID 1:4294967295").then(|| Reply::Say("* SEARCH 4 5\r\n".into()))
    };
    fake.answer(move |_, command| cut(command));
    let seen = read_from(&mailbox(&fake, json!({})), first.cursor.clone()).await.expect("a reading");
    assert_eq!(seen.listing, Some(keys(&[2, 3, 4, 5])), "asked in another form, the whole is told");
    // No form tells the whole.
    fake.answer(move |server, command| {
        let all = command.starts_with("UID FETCH 1:4294967295").then(|| Reply::Say(server.fetch("4:5", command)));
        all.or_else(|| cut(command))
    });
    let mailbox = mailbox(&fake, json!({}));
    let step = mailbox.pull(&inbox(), first.cursor.as_ref(), &window()).await.expect("a step");
    assert!(step.listing.is_none() && step.changes.is_empty() && step.more, "{step:?}");
    let fault = mailbox.pull(&inbox(), step.cursor.as_ref(), &window()).await.expect_err("twice is no chance");
    assert!(fault.kind == FaultKind::Malformed && fault.what.contains("counts 4") && fault.what.contains("shows 2"));
    // New mail comes all the same, and an honest day mends it.
    fake.change(|server| {
        server.mails.insert(6, "Subject: new\r\nFrom: a@b.example\r\n\r\ntext\r\n".into());
        (server.next, server.modseq) = (7, 9);
    });
    let step = mailbox.pull(&inbox(), step.cursor.as_ref(), &window()).await.expect("new mail");
    assert!(step.changes.len() == 1 && step.more, "{step:?}");
    mailbox.pull(&inbox(), step.cursor.as_ref(), &window()).await.expect("first seen again with another count");
    fake.repent();
    let seen = read_from(&mailbox, step.cursor).await.expect("an honest day");
    assert_eq!(seen.listing, Some(keys(&[2, 3, 4, 5, 6])));
}

/// A list of what vanished that comes in several lines: all of them count before the mark moves.
#[tokio::test]
async fn every_line_of_what_vanished_counts() {
    let fake = quick(&[1, 2, 3, 4, 5, 6]).await;
    fake.0.change(|server| {
        server.mails.retain(|uid, _| ![2, 4, 5].contains(uid));
        server.modseq = 9;
    });
    fake.vanished("* VANISHED (EARLIER) 2\r\n* VANISHED (EARLIER) 4:5\r\n");
    let seen = fake.again().await;
    let mut removed = seen.removed;
    removed.sort();
    assert_eq!(removed, ["7:2", "7:4", "7:5"]);
    assert!(fake.0.commands().iter().any(|c| c.contains("(QRESYNC (7 1))")), "{:?}", fake.0.commands());
}

/// A list of what vanished that names messages which are still there: nothing goes without a second proof.
#[tokio::test]
async fn vanished_and_still_there() {
    for exists in [6, 5, 4] {
        let fake = quick(&[1, 2, 3, 4, 5, 6]).await;
        fake.0.change(|server| server.modseq = 9);
        fake.0.answer(move |server, command| {
            let lie = format!(
                "{}* VANISHED (EARLIER) 2,5\r\n",
                server.examined().replace("* 6 EXISTS", &format!("* {exists} EXISTS"))
            );
            command.starts_with("EXAMINE").then_some(Reply::Say(lie))
        });
        let seen = fake.again().await;
        assert!(seen.removed.is_empty(), "{exists}: {seen:?}");
        assert!(seen.listing.is_none_or(|all| all.len() == 6), "{exists}");
    }
}

/// Marks of change beyond what a float holds, beyond what is allowed, zero, and none at all.
#[tokio::test]
async fn marks_of_change_of_every_size() {
    for (modseq, asked) in [
        ("9007199254740993", Some("(QRESYNC (7 9007199254740993))")),
        ("9223372036854775807", Some("(QRESYNC (7 9223372036854775807))")),
        ("9223372036854775808", None),
        ("0", None),
        ("x", None),
    ] {
        let fake = Fake::with(&[1, 2]).start();
        fake.change(|server| server.capabilities = QUICK.into());
        fake.answer(move |server, command| {
            let state = server.examined().replace("HIGHESTMODSEQ 1]", &format!("HIGHESTMODSEQ {modseq}]"));
            command.starts_with("EXAMINE").then_some(Reply::Say(state))
        });
        let first = read(&fake).await;
        let seen = read_from(&mailbox(&fake, json!({})), first.cursor).await.expect("again");
        assert!(seen.read.is_empty() && seen.removed.is_empty(), "{modseq}");
        let said: Vec<String> = fake.commands().into_iter().filter(|c| c.contains("QRESYNC (")).collect();
        assert_eq!(said.first().map(|c| c.contains(asked.unwrap_or("?"))), asked.map(|_| true), "{modseq}: {said:?}");
    }
}

/// One more mail and one fewer, with the count as before: both are noticed. A changed flag alone costs no reading.
#[tokio::test]
async fn a_count_that_stays_the_same_hides_nothing() {
    let fake = Fake::with(&[1, 2, 3]).start();
    fake.change(|server| server.capabilities = "IMAP4rev1 CONDSTORE".into());
    let first = read(&fake).await;
    fake.change(|server| {
        server.mails.remove(&2);
        server.mails.insert(4, "Subject: new\r\nFrom: a@b.example\r\n\r\ntext\r\n".into());
        (server.next, server.modseq) = (5, 2);
    });
    let second = read_from(&mailbox(&fake, json!({})), first.cursor).await.expect("a reading");
    assert_eq!((second.read, second.listing), (keys(&[4]), Some(keys(&[1, 3, 4]))));
    fake.change(|server| server.modseq = 3);
    let asked = fake.commands().len();
    let third = read_from(&mailbox(&fake, json!({})), second.cursor).await.expect("a reading");
    assert!(third.read.is_empty() && third.listing.is_none());
    assert!(!fake.commands()[asked..].iter().any(|c| c.starts_with("UID FETCH")), "nothing is read again");
}

/// Folders by their raw names: modified UTF-7 goes back to the server as it came, never decoded, never coded twice.
#[tokio::test]
async fn raw_names_go_back_as_they_came() {
    let fake = Fake::with(&[1]).start();
    fake.change(|server| {
        server.folders = [
            "(\\HasNoChildren) \"/\" INBOX",
            "(\\HasNoChildren) \"/\" \"Kunden/M&APw-ller + S&APY-hne\"",
            "(\\HasNoChildren) \"/\" {12}\r\nPost & Paket",
            "(\\Noselect \\HasChildren) \"/\" \"[Gmail]\"",
            "(\\NonExistent) \"/\" Gone",
            "(\\Sent) \"/\" \"&BB4EQgQ,BEAEMAQyBDsENQQ9BD0ESwQ1-\"",
            "() NIL NIL",
        ]
        .map(String::from)
        .to_vec();
    });
    let mailbox = mailbox(&fake, json!({}));
    let streams = mailbox.streams().await.expect("folders");
    let names: BTreeMap<&str, &str> = streams.iter().map(|s| (s.id.as_str(), s.name.as_str())).collect();
    let expected = [
        ("INBOX", "INBOX"),
        ("Kunden/M&APw-ller + S&APY-hne", "Kunden/Müller + Söhne"),
        ("Post & Paket", "Post & Paket"),
        ("&BB4EQgQ,BEAEMAQyBDsENQQ9BD0ESwQ1-", "Отправленные"),
        ("NIL", "NIL"),
    ];
    assert_eq!(names, expected.into());
    for stream in &streams {
        mailbox.pull(stream, None, &window()).await.expect("a step");
        let opened = format!("EXAMINE \"{}\"", stream.id);
        assert!(fake.commands().contains(&opened), "{opened} in {:?}", fake.commands());
    }
    // A folder that only looks renamed is another folder to the server.
    let decoded = Stream { id: "Kunden/Müller".into(), ..inbox() };
    let _missing = mailbox.pull(&decoded, None, &window()).await;
    assert!(fake.commands().iter().any(|c| c == "EXAMINE {14}Kunden/Müller"), "{:?}", fake.commands());
}

/// A server with quick resynchronisation, read once.
async fn quick(uids: &[u32]) -> Quick {
    let fake = Fake::with(uids).start();
    fake.change(|server| server.capabilities = QUICK.into());
    let first = read(&fake).await;
    assert_eq!(first.read.len(), uids.len());
    Quick(fake, first)
}

struct Quick(Fake, Seen);

impl Quick {
    fn vanished(&self, lines: &'static str) {
        self.0.answer(move |server: &mut Server, command| {
            command.contains("(QRESYNC (").then(|| Reply::Say(format!("{}{lines}", server.examined())))
        });
    }

    async fn again(&self) -> Seen {
        let cursor = self.1.cursor.clone();
        read_from(&mailbox(&self.0, json!({})), cursor).await.expect("a reading")
    }
}
