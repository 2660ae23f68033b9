//! Lies about the connection itself: greetings, STARTTLS, sign-in, pauses, waiting.

use std::{sync::Arc, time::Duration};

use dealtrail_sdk::{FaultKind, Source, Stream};
use serde_json::json;

use super::{
    fake::{Fake, Reply},
    inbox, mailbox, read, read_from, window,
};

/// An answer to some other command must not be taken for that of the sign-in.
#[tokio::test]
async fn a_stale_refusal_is_not_ours() {
    let fake = Fake::with(&[1]).start().await;
    fake.answer(|_, command| {
        command
            .starts_with("LOGIN")
            .then(|| Reply::Whole("D0 NO stale\r\nD99 NO stale\r\nX1 NO stale\r\n{tag} OK in\r\n".into()))
    });
    assert_eq!(read(&fake).await.read, ["7:1"]);
}

#[tokio::test]
async fn a_pause_is_kept() {
    let fake = Fake::with(&[1]).start().await;
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
        let fake = Fake::with(&[1]).start().await;
        fake.change(|server| server.greeting = greeting.into());
        let fault = mailbox(&fake, json!({})).streams().await.expect_err(greeting);
        assert_eq!(fault.kind, kind, "{greeting}");
    }
    let fake = Fake::with(&[1]).start().await;
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
        let fake = Fake::with(&[1]).start().await;
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
    let fake = Fake::with(&[1]).start().await;
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
    let fake = Fake::with(&[1]).start().await;
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
