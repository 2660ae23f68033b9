//! Turns what a server says when it refuses into a [`Fault`]: once, here, by code and then by the words of servers that
//! give no code. The server's own words may name people, so they are never passed on.

use std::{io, time::Duration};

use dealtrail_net::tls;
use dealtrail_sdk::{Fault, FaultKind};

use crate::answer::{State, Status};

/// What was being done when the server refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    SigningIn,
    SigningInByToken,
    OpeningFolder,
    /// `listing the folders`
    Other(&'static str),
}

const HOUR: Duration = Duration::from_secs(3600);

/// A tagged NO or BAD, or a BYE.
pub fn refusal(place: &str, doing: Doing, status: &Status) -> Fault {
    let by_code = by_code(place, doing, &status.code);
    if let Some(fault) = by_code {
        return fault;
    }
    if let Some(pause) = pause(&status.text) {
        let what = if status.text.to_lowercase().contains(NOT_CONNECTED) {
            format!(
                "{place} knows the account but does not open its mailbox; it is tried again by itself (a shared mailbox is \
                 signed in to with its own address as `username`)"
            )
        } else {
            format!("{place} has too much to do or wants a pause; reading goes on by itself")
        };
        return Fault::new(FaultKind::Busy { retry_after: pause }, what);
    }
    match (doing, status.state) {
        (_, State::Bye) => Fault::new(FaultKind::Unreachable, format!("{place} closed the connection")),
        (Doing::SigningIn | Doing::SigningInByToken, State::Bad) => {
            let what = format!("{place} does not take this way of signing in: try another value of `auth`");
            Fault::new(FaultKind::Refused, what)
        }
        (Doing::SigningIn | Doing::SigningInByToken, _) => unauthorized(place, doing, &status.text),
        (Doing::OpeningFolder, _) => Fault::new(
            FaultKind::Missing,
            format!("{place} would not open the folder: it may have been removed or renamed"),
        ),
        (Doing::Other(what), _) if expired(&status.text) => {
            Fault::new(FaultKind::Unreachable, format!("{what} on {place} broke off: the sign-in has expired"))
        }
        (Doing::Other(what), _) => Fault::new(FaultKind::Malformed, format!("{what} was refused by {place}")),
    }
}

fn by_code(place: &str, doing: Doing, code: &str) -> Option<Fault> {
    let signing_in = matches!(doing, Doing::SigningIn | Doing::SigningInByToken);
    Some(match code {
        "AUTHENTICATIONFAILED" | "AUTHORIZATIONFAILED" | "EXPIRED" => unauthorized(place, doing, ""),
        "PRIVACYREQUIRED" => {
            Fault::new(FaultKind::Refused, format!("{place} wants encryption first: set `tls = \"starttls\"`"))
        }
        "UNAVAILABLE" | "LIMIT" | "INUSE" | "SERVERBUG" | "THROTTLED" | "OVERLOADED" => {
            let what = format!("{place} cannot serve this account now ({code}); reading goes on by itself");
            Fault::new(FaultKind::Busy { retry_after: None }, what)
        }
        "NONEXISTENT" if !signing_in => {
            Fault::new(FaultKind::Missing, format!("the folder is no longer there on {place}"))
        }
        "NOPERM" | "CONTACTADMIN" => {
            let what = format!("{place} does not allow this account to read here: ask who runs the server ({code})");
            Fault::new(FaultKind::Refused, what)
        }
        _ => return None,
    })
}

fn unauthorized(place: &str, doing: Doing, text: &str) -> Fault {
    let text = text.to_lowercase();
    let hint = if text.contains("application-specific") || text.contains("app password") {
        "the provider wants an app password: make one in the account's security settings"
    } else if text.contains("basicauth") || text.contains("basic auth") || text.contains("oauth") {
        "the provider takes no passwords any more: use auth = \"xoauth2\" with a token"
    } else if doing == Doing::SigningInByToken {
        "the token has expired or lacks the right to read mail by IMAP: sign in with the provider again"
    } else {
        "check user name and password; providers with sign-in in two steps want an app password or auth = \"xoauth2\""
    };
    Fault::new(FaultKind::Unauthorized, format!("{place} refused the sign-in: {hint}"))
}

/// Whether a refusal means that nothing more will work on this connection: the sign-in ran out, or never led anywhere.
pub fn ends_the_session(status: &Status) -> bool {
    let refused = matches!(status.state, State::No | State::Bad);
    refused && (status.code == "EXPIRED" || expired(&status.text) || status.text.to_lowercase().contains(NOT_CONNECTED))
}

const NOT_CONNECTED: &str = "user is authenticated but not connected";

fn expired(text: &str) -> bool {
    let text = text.to_lowercase();
    ["accesstokenexpired", "session expired", "session invalidated", "not authenticated"]
        .iter()
        .any(|w| text.contains(w))
}

/// Whether words without a code ask for a pause, and how long a one where they say or where it is known.
pub fn pause(text: &str) -> Option<Option<Duration>> {
    let text = text.to_lowercase();
    if let Some(rest) = text.split("suggested backoff time:").nth(1) {
        let digits: String = rest.trim_start().chars().take_while(char::is_ascii_digit).collect();
        return Some(digits.parse().ok().map(Duration::from_millis).map(|d| d.min(24 * HOUR)));
    }
    let known: &[(&str, Option<Duration>)] = &[
        ("bandwidth limit", Some(HOUR)),
        ("download limit", Some(HOUR)),
        (NOT_CONNECTED, Some(HOUR / 4)),
        ("too many", None),
        ("maximum number of connections", None),
        ("throttl", None),
        ("rate limit", None),
        ("try again later", None),
        ("temporar", None),
        ("server busy", None),
        ("server is busy", None),
        ("server unavailable", None),
        ("service unavailable", None),
        ("internal server error", None),
        ("internal error", None),
        ("system error", None),
        ("mailbox is locked", None),
    ];
    known.iter().find(|(words, _)| text.contains(words)).map(|(_, pause)| *pause)
}

/// A connection that failed or broke off.
pub fn broken(place: &str, error: &io::Error) -> Fault {
    let what = match error.kind() {
        io::ErrorKind::TimedOut => format!("{place} did not answer in time; check the network and the server"),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
            format!("{place} closed the connection")
        }
        io::ErrorKind::InvalidData if error.get_ref().is_some_and(|e| !e.is::<tokio_rustls::rustls::Error>()) => {
            format!("{place} sent {error}, which is no IMAP")
        }
        _ => return tls::fault(error, place),
    };
    Fault::new(FaultKind::Unreachable, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(doing: Doing, state: State, code: &str, text: &str) -> Fault {
        let status = Status { state, code: code.into(), value: String::new(), text: text.into() };
        refusal("mail.example:993", doing, &status)
    }

    #[test]
    fn refusals_are_sorted() {
        use FaultKind::{Busy, Malformed, Missing, Refused, Unauthorized, Unreachable};
        let busy = |ms: Option<u64>| Busy { retry_after: ms.map(Duration::from_millis) };
        let (login, fetch) = (Doing::SigningIn, Doing::Other("reading mail"));
        for (doing, state, code, text, expected) in [
            (login, State::No, "AUTHENTICATIONFAILED", "Authentication failed.", Unauthorized),
            (login, State::No, "AUTHENTICATIONFAILED", "Too many failures", Unauthorized),
            (login, State::No, "", "LOGIN failed.", Unauthorized),
            (login, State::No, "ALERT", "Application-specific password required", Unauthorized),
            (login, State::No, "ALERT", "Too many simultaneous connections. (Failure)", busy(None)),
            (login, State::No, "UNAVAILABLE", "Temporary authentication failure", busy(None)),
            (login, State::No, "UNAVAILABLE", "Maximum number of connections from user+IP exceeded", busy(None)),
            (login, State::Bad, "", "Command unknown", Refused),
            (login, State::No, "PRIVACYREQUIRED", "", Refused),
            (login, State::Bye, "", "Maximum number of connections exceeded", busy(None)),
            (
                fetch,
                State::No,
                "",
                "Request is throttled. Suggested Backoff Time: 299961 milliseconds",
                busy(Some(299_961)),
            ),
            (fetch, State::Bad, "", "User is authenticated but not connected.", busy(Some(900_000))),
            (fetch, State::No, "ALERT", "Account exceeded command or bandwidth limits.", busy(Some(3_600_000))),
            (fetch, State::Bye, "", "Server shutting down.", Unreachable),
            (fetch, State::Bad, "", "AccessTokenExpired", Unreachable),
            (fetch, State::Bad, "", "Error in IMAP command", Malformed),
            (Doing::OpeningFolder, State::No, "NONEXISTENT", "Mailbox doesn't exist", Missing),
            (Doing::OpeningFolder, State::No, "", "no such mailbox", Missing),
            (Doing::OpeningFolder, State::No, "INUSE", "Mailbox in use", busy(None)),
            (Doing::OpeningFolder, State::No, "NOPERM", "", Refused),
        ] {
            assert_eq!(kind(doing, state, code, text).kind, expected, "{doing:?} {code} {text}");
        }
    }

    #[test]
    fn the_servers_words_are_not_passed_on() {
        let fault = kind(Doing::SigningIn, State::No, "", "bad password for ana@acme.example");
        assert!(!fault.what.contains("ana@"), "{}", fault.what);
        assert!(fault.what.contains("mail.example:993") && fault.what.contains("app password"));
        let oauth = kind(Doing::SigningIn, State::No, "", "LogonDenied-BasicAuthBlocked");
        assert!(oauth.what.contains("xoauth2"), "{}", oauth.what);
    }

    #[test]
    fn broken_connections_name_the_place() {
        for kind in [io::ErrorKind::TimedOut, io::ErrorKind::UnexpectedEof, io::ErrorKind::ConnectionRefused] {
            let fault = broken("mail.example:993", &kind.into());
            assert_eq!(fault.kind, FaultKind::Unreachable);
            assert!(fault.what.contains("mail.example:993"));
        }
    }
}
