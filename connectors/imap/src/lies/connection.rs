//! Lies about the connection itself: greetings, STARTTLS, sign-in, pauses, waiting.

use std::{sync::Arc, time::Duration};

use dealtrail_sdk::{FaultKind, Source, Stream};
use dealtrail_testkit::{
    imap::{Imap as Fake, Reply},
    proxy::{Plan, Proxy, Way, What},
};
use serde_json::json;

use super::{inbox, keys, mailbox, read, read_from, window};

/// An answer to some other command must not be taken for that of the sign-in.
#[tokio::test]
async fn a_stale_refusal_is_not_ours() {
    let fake = Fake::with(&[1]).start();
    fake.answer(|_, command| {
        command
            .starts_with("LOGIN")
            .then(|| Reply::Whole("D0 NO stale\r\nD99 NO stale\r\nX1 NO stale\r\n{tag} OK in\r\n".into()))
    });
    assert_eq!(read(&fake).await.read, ["7:1"]);
}

#[tokio::test]
async fn a_pause_is_kept() {
    let fake = Fake::with(&[1]).start();
    fake.answer(|_, command| {
        let throttled = "{tag} NO Request is throttled. Suggested Backoff Time: 299961 milliseconds\r\n";
        command.starts_with("EXAMINE").then(|| Reply::Whole(throttled.into()))
    });
    let mailbox = mailbox(&fake, json!({}));
    let fault = read_from(&mailbox, None).await.expect_err("throttled");
    assert_eq!(fault.kind, FaultKind::Busy { retry_after: Some(Duration::from_millis(299_961)) });
    let asked = fake.commands().len();
    let fault = mailbox.streams().await.expect_err("still");
    assert!(matches!(fault.kind, FaultKind::Busy { retry_after: Some(left) } if left > Duration::from_secs(200)));
    assert_eq!(fake.commands().len(), asked, "nothing more is asked of this account");
}

#[tokio::test]
async fn greetings() {
    for (greeting, kind) in [
        ("* BYE [UNAVAILABLE] Maximum number of connections\r\n", FaultKind::Busy { retry_after: None }),
        ("* BYE shutting down\r\n", FaultKind::Unreachable),
        ("220 mail ESMTP\r\n", FaultKind::Refused),
        ("", FaultKind::Unreachable),
    ] {
        let fake = Fake::with(&[1]).start();
        fake.change(|server| server.greeting = greeting.into());
        let fault = mailbox(&fake, json!({})).streams().await.expect_err(greeting);
        assert_eq!(fault.kind, kind, "{greeting}");
    }
    let fake = Fake::with(&[1]).start();
    fake.change(|server| server.greeting = "* PREAUTH welcome\r\n".into());
    assert_eq!(read(&fake).await.read, ["7:1"]);
    assert!(!fake.commands().iter().any(|c| c.starts_with("LOGIN") || c.starts_with("AUTH")));
}

/// Nothing that was said before TLS is believed, and no password leaves before it stands.
#[tokio::test]
async fn starttls_that_was_tampered_with() {
    for (name, greeting, starttls, capabilities) in [
        (
            "text ahead of TLS",
            "* OK hi\r\n",
            "{tag} OK go\r\nD2 OK [CAPABILITY IMAP4rev1] in\r\n",
            "IMAP4rev1 STARTTLS",
        ),
        ("signed in before TLS", "* PREAUTH hi\r\n", "{tag} OK go\r\n", "IMAP4rev1 STARTTLS"),
        ("STARTTLS stripped", "* OK [CAPABILITY IMAP4rev1] hi\r\n", "{tag} OK go\r\n", "IMAP4rev1"),
        ("STARTTLS refused", "* OK hi\r\n", "{tag} NO not now\r\n", "IMAP4rev1 STARTTLS"),
    ] {
        let fake = Fake::with(&[1]).start();
        fake.change(|server| {
            server.greeting = greeting.into();
            server.capabilities = capabilities.into();
        });
        fake.answer(move |_, command| command.starts_with("STARTTLS").then(|| Reply::Whole(starttls.into())));
        let fault = mailbox(&fake, json!({"tls": "starttls"})).streams().await.expect_err(name);
        assert!(matches!(fault.kind, FaultKind::Refused | FaultKind::Malformed), "{name}: {fault:?}");
        let secret = |c: &String| c.starts_with("LOGIN") || c.starts_with("AUTHENTICATE");
        assert!(!fake.commands().iter().any(secret), "{name}: the password was sent");
    }
}

/// Names and passwords cannot become commands, whatever is in them.
#[tokio::test]
async fn strings_stay_strings() {
    let fake = Fake::with(&[1]).start();
    let mailbox = mailbox(&fake, json!({"username": "a\" LOGOUT \"", "password": "p\\\"ä"}));
    let evil = Stream { id: "x\r\nD9 DELETE INBOX".into(), ..inbox() };
    let _missing = mailbox.pull(&evil, None, &window()).await;
    assert!(fake.commands().iter().any(|c| c == "LOGIN \"a\\\" LOGOUT \\\"\" {5}p\\\"ä"), "{:?}", fake.commands());
    assert!(fake.commands().iter().any(|c| c == "EXAMINE {18}x\r\nD9 DELETE INBOX"), "{:?}", fake.commands());
    assert!(!fake.commands().iter().any(|c| c.starts_with("DELETE")));
}

/// The server ends an IDLE by itself, talks in between, and one day says goodbye.
#[tokio::test]
async fn waiting_through_whatever_happens() {
    let fake = Fake::with(&[1]).start();
    fake.change(|server| server.capabilities = "IMAP4rev1 IDLE".into());
    let mut round = 0;
    fake.answer(move |_, command| {
        if command != "IDLE" {
            return None;
        }
        round += 1;
        Some(Reply::Whole(match round {
            1 => "+ idling\r\n* OK Still here\r\n* 1 EXISTS\r\n{tag} OK ended\r\n".into(),
            2 => "+ idling\r\n* 1 FETCH (FLAGS ())\r\n* 2 EXISTS\r\n".into(),
            _ => "+ idling\r\n* BYE restart\r\n".into(),
        }))
    });
    let mailbox = Arc::new(mailbox(&fake, json!({})));
    assert_eq!(mailbox.wait(&[inbox()]).await.expect("news").as_deref(), Some("INBOX"));
    let fault = mailbox.wait(&[inbox()]).await.expect_err("goodbye");
    assert_eq!(fault.kind, FaultKind::Unreachable);
    // Afterwards it connects afresh.
    let fault = mailbox.wait(&[inbox()]).await.expect_err("goodbye again");
    assert_eq!(fault.kind, FaultKind::Unreachable);
    assert_eq!(fake.connections(), 2);
}

/// One connection serves both: it waits while nothing is read, is lent to whoever reads, and waits again. What came meanwhile
/// counts as news.
#[tokio::test]
async fn one_connection_reads_and_waits() {
    let fake = Fake::with(&[1, 2, 3]).start();
    fake.change(|server| server.capabilities = "IMAP4rev1 IDLE".into());
    fake.answer(|_, command| (command == "IDLE").then(|| Reply::Whole("+ idling\r\n".into())));
    let mailbox = Arc::new(mailbox(&fake, json!({"connections": 1})));
    let waiting = tokio::spawn({
        let mailbox = mailbox.clone();
        async move { mailbox.wait(&[inbox()]).await }
    });
    let idles = async |count| {
        while fake.commands().iter().filter(|c| *c == "IDLE").count() < count {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    idles(1).await;
    for _ in 0..3 {
        assert_eq!(read_from(&mailbox, None).await.expect("a reading").read.len(), 3);
    }
    idles(2).await;
    assert!(!waiting.is_finished());
    mailbox.streams().await.expect("folders");
    fake.change(|server| {
        server.mails.insert(4, "Subject: new\r\nFrom: a@b.example\r\n\r\nnew\r\n".into());
        server.next = 5;
    });
    assert_eq!(waiting.await.expect("it ends").expect("news").as_deref(), Some("INBOX"));
    assert_eq!(fake.connections(), 1);
}

/// The pause is asked for in other ways: BAD and the line goes dead, with more commands under way, or a BYE at once.
#[tokio::test]
async fn a_pause_with_the_line_cut_is_a_pause_and_no_reason_to_call_again() {
    let words = "Request is throttled. Suggested Backoff Time: 299961 milliseconds";
    for reply in [format!("{{tag}} BAD {words}\r\n* BYE Connection closed. 14\r\n"), format!("* BYE {words}\r\n")] {
        let fake = Fake::with(&(1..=250).collect::<Vec<_>>()).start();
        let said = reply.clone();
        fake.answer(move |_, command| command.starts_with("UID FETCH").then(|| Reply::Close(said.clone())));
        let mailbox = mailbox(&fake, json!({}));
        let fault = read_from(&mailbox, None).await.expect_err("throttled");
        assert_eq!(fault.kind, FaultKind::Busy { retry_after: Some(Duration::from_millis(299_961)) }, "{reply}");
        assert_eq!(fake.connections(), 1, "{reply}");
        assert!(matches!(mailbox.streams().await.expect_err("still").kind, FaultKind::Busy { .. }));
    }
}

/// The token runs out in the middle: it signs in afresh and goes on, nothing is read twice.
#[tokio::test]
async fn a_sign_in_that_runs_out_is_renewed() {
    let ways = ["BAD User not authenticated", "NO AccessTokenExpired", "NO [EXPIRED] sign in again"];
    // A list that does not come ends the step; messages that do not come are asked for again in the same one.
    for (words, (command, at, ended)) in
        ways.into_iter().flat_map(|w| [("UID SEARCH", 1, 1), ("UID FETCH", 5, 0)].map(|c| (w, c)))
    {
        let fake = Fake::with(&(1..=700).collect::<Vec<_>>()).start();
        let mut asked = 0;
        fake.answer(move |_, said| {
            asked += usize::from(said.starts_with(command));
            (asked == at && said.starts_with(command)).then(|| Reply::Whole(format!("{{tag}} {words}\r\n")))
        });
        let mailbox = mailbox(&fake, json!({}));
        let (mut read, mut cursor, mut faults) = (Vec::new(), None, 0);
        loop {
            match mailbox.pull(&inbox(), cursor.as_ref(), &window()).await {
                Ok(batch) => {
                    read.extend(batch.changes.iter().map(|c| format!("{c:?}")));
                    cursor = batch.cursor.or(cursor);
                    if !batch.more {
                        break;
                    }
                }
                Err(fault) => {
                    assert!(
                        matches!(fault.kind, FaultKind::Unreachable | FaultKind::Unauthorized),
                        "{words}: {fault:?}"
                    );
                    faults += 1;
                    assert!(faults < 3, "{words}: {fault}");
                }
            }
        }
        assert_eq!((read.len(), faults, fake.connections()), (700, ended, 2), "{words} to {command}");
    }
}

/// Exchange lets the account in and not into its mailbox: no reason to sign in each minute, and it says what helps.
#[tokio::test]
async fn authenticated_but_not_connected() {
    let fake = Fake::with(&[1]).start();
    let words = "{tag} BAD User is authenticated but not connected.\r\n";
    fake.answer(move |_, command| command.starts_with("LIST").then(|| Reply::Whole(words.into())));
    let fault = mailbox(&fake, json!({})).streams().await.expect_err("not connected");
    assert!(matches!(fault.kind, FaultKind::Busy { retry_after: Some(pause) } if pause >= Duration::from_secs(600)));
    assert!(fault.what.contains("shared mailbox"), "{fault}");
}

/// "Too many connections" at the sign-in is no wrong password.
#[tokio::test]
async fn too_many_connections_is_no_wrong_password() {
    for words in [
        "NO [ALERT] Too many simultaneous connections. (Failure)",
        "NO [UNAVAILABLE] Maximum number of connections from user+IP exceeded (mail_max_userip_connections=10)",
        "NO [LIMIT] not now",
    ] {
        let fake = Fake::with(&[1]).start();
        fake.answer(move |_, command| {
            command.starts_with("LOGIN").then(|| Reply::Whole(format!("{{tag}} {words}\r\n")))
        });
        let fault = mailbox(&fake, json!({})).streams().await.expect_err("full");
        assert!(matches!(fault.kind, FaultKind::Busy { .. }), "{words}: {fault:?}");
    }
}

/// One connection serves a whole reading, and it ends with a goodbye that is waited for.
#[tokio::test]
async fn one_connection_and_a_goodbye() {
    let fake = Fake::with(&[1, 2]).start();
    let mailbox = mailbox(&fake, json!({}));
    mailbox.streams().await.expect("folders");
    read_from(&mailbox, None).await.expect("a reading");
    mailbox.content(&inbox(), &keys(&[1, 2]), 100).await.expect("texts");
    mailbox.close().await;
    assert_eq!((fake.connections(), fake.commands().last().map(String::as_str)), (1, Some("LOGOUT")));
}

/// A day's bytes end: what was read stays, the rest says when it comes, and goes on from there.
#[tokio::test]
async fn a_days_bytes_end_and_the_reading_goes_on_another_day() {
    let fake = Fake::with(&(1..=900).collect::<Vec<_>>()).start();
    let thrifty = mailbox(&fake, json!({"daily_bytes": 60_000}));
    let (mut read, mut cursor) = (0, None);
    let fault = loop {
        match thrifty.pull(&inbox(), cursor.as_ref(), &window()).await {
            Ok(batch) => {
                assert!(batch.more, "it does not come to an end today");
                read += batch.changes.len();
                cursor = batch.cursor.or(cursor);
            }
            Err(fault) => break fault,
        }
    };
    assert!(matches!(fault.kind, FaultKind::Busy { retry_after: Some(pause) } if pause > Duration::from_secs(3600)));
    assert!((1..900).contains(&read), "{read}");
    let rest = read_from(&mailbox(&fake, json!({})), cursor).await.expect("another day");
    assert_eq!(rest.read.len() + read, 900);
}

/// Whatever stands still, stands still no longer than the deadline: the greeting, the TLS handshake, an answer, an answer
/// that comes byte by byte.
#[tokio::test]
async fn every_silence_has_an_end() {
    let fake = Fake::with(&(1..=40).collect::<Vec<_>>()).start();
    let proxy = Proxy::start(fake.port());
    let settings = |tls: &str| json!({"port": proxy.port(), "timeout": 0.4, "tls": tls});
    let slow = Plan { piece: Some((1, Duration::from_millis(30))), ..Plan::default() };
    for (name, plan, tls) in [
        ("no greeting", Plan::black_hole(), "none"),
        ("no handshake", Plan::black_hole(), "implicit"),
        ("no answer to the sign-in", Plan::always(Way::ToClient, 12, What::Silence), "none"),
        ("silence within an answer", Plan::always(Way::ToClient, 700, What::Silence), "none"),
        ("the server never hears us", Plan::always(Way::ToServer, 20, What::Silence), "none"),
        ("byte by byte", slow, "none"),
    ] {
        proxy.set(plan);
        let mailbox = super::patient(&fake, settings(tls));
        let reading = tokio::time::timeout(Duration::from_secs(60), read_from(&mailbox, None)).await;
        let fault = reading.unwrap_or_else(|_| panic!("{name}: it hangs")).expect_err(name);
        assert_eq!(fault.kind, FaultKind::Unreachable, "{name}: {fault}");
        assert!(fault.what.contains("in time"), "{name}: {fault}");
    }
    // The same line, sound again.
    proxy.set(Plan::default());
    let mailbox = super::patient(&fake, settings("none"));
    assert_eq!(read_from(&mailbox, None).await.expect("a reading").read.len(), 40);
    // A kept connection that died unnoticed, as after a night in a closed lid: found out, replaced, nothing said.
    proxy.now(What::Silence);
    assert_eq!(read_from(&mailbox, None).await.expect("a new connection").read.len(), 40);
}

/// A caller without any patience, a server that cuts at once: the account sees ten connections a minute, no more.
#[tokio::test]
async fn ten_connections_a_minute_whoever_calls() {
    let fake = Fake::with(&[1]).start();
    let proxy = Proxy::start(fake.port());
    proxy.set(Plan::always(Way::ToClient, 0, What::Reset));
    let mailbox = mailbox(&fake, json!({"port": proxy.port(), "connections_per_minute": 10}));
    let (mut cut, mut put_off) = (0, 0);
    for _ in 0..200 {
        match mailbox.streams().await.expect_err("cut").kind {
            FaultKind::Unreachable => cut += 1,
            FaultKind::Busy { retry_after: Some(pause) } if pause <= Duration::from_secs(60) => put_off += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((cut, put_off, proxy.connections()), (10, 190, 10));
}
