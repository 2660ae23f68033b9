//! Lies about what a message holds: lengths, places, numbers that shift, lines that are none. What is wrong is read in
//! another way or named; it never stands under another message's name.

use dealtrail_sdk::{Source, record::Content};
use dealtrail_testkit::imap::{Imap as Fake, Reply};
use serde_json::json;

use super::{inbox, keys, mailbox, read, read_from};

fn text(content: &Content) -> &str {
    match content {
        Content::Text { text, .. } => text.trim(),
        _ => "",
    }
}

/// Another program removes messages while we read: sequence numbers shift in the middle of an answer.
#[tokio::test]
async fn numbers_that_shift_within_an_answer_mix_up_nothing() {
    let fake = Fake::with(&[10, 20, 30, 40, 50]).start();
    fake.answer(|server, command| {
        let wanted = server.wanted(command)?;
        if !wanted.contains(&50) {
            return None;
        }
        // 20 goes after 10 and 20 were told; the later ones are told by the old and by the new numbers, in disorder.
        let early = server.fetch("10,20", command);
        server.mails.remove(&20);
        let late = ["40", "30", "50"].map(|uid| server.fetch(uid, command)).concat();
        Some(Reply::Say(format!("{early}* 2 EXPUNGE\r\n{late}* 4 FETCH (FLAGS (\\Seen))\r\n")))
    });
    let mailbox = mailbox(&fake, json!({}));
    let seen = read_from(&mailbox, None).await.expect("a reading");
    for uid in [10, 30, 40, 50] {
        assert_eq!(seen.subjects[&format!("7:{uid}")], format!("mail {uid}"));
    }
    assert_eq!(seen.listing, Some(keys(&[10, 30, 40, 50])), "what went is not listed");
    let texts = mailbox.content(&inbox(), &keys(&[10, 20, 30, 40, 50]), 100).await.expect("texts");
    for (key, content) in texts {
        let uid = key.trim_start_matches("7:");
        match uid {
            "20" => assert_eq!(content, Content::Gone),
            _ => assert_eq!(text(&content), format!("text of {uid}")),
        }
    }
}

/// Lines that no grammar knows, between answers, at their ends and inside them.
#[tokio::test]
async fn lines_that_are_none() {
    let fake = Fake::with(&[1, 2, 3]).start();
    fake.answer(|server, command| {
        let set = command.strip_prefix("UID FETCH ")?.split(' ').next()?;
        let noise = "* \r\n\r\n*\r\nnonsense\r\n* FETCH\r\n* 99999999999999999999 FETCH (UID 1)\r\n* 2 FETCH\r\n* 2 FETCH (\r\n\
            * 2 FETCH (UID x FLAGS ENVELOPE ((((\r\n\u{1}\u{fffd}\r\n* X-WEIRD (a {3}\r\nb)c\r\n";
        // blanks before the end, as QQ writes them
        let odd = server.fetch(set, command).replace(")\r\n", " )\r\n").replace("FLAGS ()", "FLAGS ( )");
        Some(Reply::Say(format!("{noise}{odd}{noise}")))
    });
    let seen = read(&fake).await;
    assert_eq!((seen.read, seen.unreadable), (keys(&[1, 2, 3]), vec![]));
}

/// A placeholder where a text belongs: an atom, NIL, a quoted word of the server's own program.
#[tokio::test]
async fn a_placeholder_is_no_message() {
    for placeholder in ["[None]", "None", "NIL", "()"] {
        let fake = Fake::with(&[1, 2]).start();
        fake.answer(move |server, command| {
            let wanted = server.wanted(command)?;
            let part = ["BODY.PEEK[]", "BODY.PEEK[1]"].iter().any(|p| command.contains(p));
            (part && wanted == [2]).then(|| {
                let section = if command.contains("[]") { "" } else { "1" };
                Reply::Say(format!("* 2 FETCH (UID 2 BODY[{section}]<0> {placeholder})\r\n"))
            })
        });
        fake.change(|server| drop(server.structures.insert(2, "NIL".into())));
        let mailbox = mailbox(&fake, json!({}));
        let seen = read_from(&mailbox, None).await.expect("a reading");
        assert_eq!(seen.read, keys(&[1]), "{placeholder}");
        assert_eq!(seen.unreadable.iter().map(|u| u.0.as_str()).collect::<Vec<_>>(), ["7:2"], "{placeholder}");
        let texts = mailbox.content(&inbox(), &keys(&[1, 2]), 100).await.expect("texts");
        let known: Vec<_> = texts.iter().map(|(key, content)| (key.as_str(), text(content))).collect();
        assert_eq!(known, [("7:1", "text of 1")], "{placeholder}: what is not known is absent, never empty");
    }
}

/// A literal that is shorter or longer than it says: that connection is lost, its words are nobody's mail.
#[tokio::test]
async fn a_literal_that_lies_about_its_length() {
    for (said, sent) in [(400, 40), (3, 40)] {
        let fake = Fake::with(&[1, 2, 3]).start();
        let mut lies = 2;
        fake.answer(move |server, command| {
            let wanted = server.wanted(command)?;
            if !wanted.contains(&2) || lies == 0 {
                return None;
            }
            lies -= 1;
            let bad =
                format!("* 2 FETCH (UID 2 FLAGS () BODY[HEADER.FIELDS (FROM)] {{{said}}}\r\n{})\r\n", "x".repeat(sent));
            Some(Reply::Close(server.fetch("1", command) + &bad))
        });
        let seen = read(&fake).await;
        let mut got = seen.read.clone();
        got.sort();
        assert_eq!(got, ["7:1", "7:2", "7:3"], "{said}");
        assert_eq!(seen.subjects["7:2"], "mail 2", "{said}");
    }
}

/// Bytes from another place of the part, far fewer than there are, or more than were asked for.
#[tokio::test]
async fn a_part_from_another_place() {
    for answer in ["BODY[1]<500> {9}\r\nwrong end", "BODY[2]<0> {9}\r\nwrong one", "BODY[1]<0> {2}\r\ntx"] {
        let fake = Fake::with(&[1, 2]).start();
        fake.answer(move |server, command| {
            let part = command.contains("BODY.PEEK[1]") && server.wanted(command)?.contains(&2);
            part.then(|| Reply::Say(server.fetch("1", command) + &format!("* 2 FETCH (UID 2 {answer})\r\n")))
        });
        let mailbox = mailbox(&fake, json!({}));
        read_from(&mailbox, None).await.expect("a reading");
        let mut texts = mailbox.content(&inbox(), &keys(&[1, 2]), 100).await.expect("texts");
        texts.sort_by(|a, b| a.0.cmp(&b.0));
        let known: Vec<_> = texts.iter().map(|(key, content)| (key.as_str(), text(content))).collect();
        assert_eq!(known, [("7:1", "text of 1"), ("7:2", "text of 2")], "{answer}");
    }
    let fake = Fake::with(&[1]).start();
    fake.answer(|_, command| {
        let part = command.contains("BODY.PEEK[1]");
        part.then(|| Reply::Say(format!("* 1 FETCH (UID 1 BODY[1]<0> {{5000}}\r\n{})\r\n", "long ".repeat(1000))))
    });
    let mailbox = mailbox(&fake, json!({}));
    read_from(&mailbox, None).await.expect("a reading");
    let texts = mailbox.content(&inbox(), &keys(&[1]), 100).await.expect("texts");
    assert!(text(&texts[0].1).len() <= 100, "never more than was asked for");
}
