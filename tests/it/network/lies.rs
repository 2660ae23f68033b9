//! One mailbox whose server lies, beside a good one: the good one is complete, the bad one loses and doubles nothing, and
//! `status` says what is wrong and what to do.

use std::collections::BTreeMap;

use dealtrail_testkit::imap::{Imap, Reply};
use serde_json::Value;

use crate::support::{Database::Sqlite, Letter, Office, days_ago};

const LIAR: &str = "bob-imap";
/// Mails of the lying mailbox.
const MAILS: u32 = 6;

/// Ana's good mailbox, and Bob's on a server of this kind.
fn office() -> (Office, Imap) {
    let office = Office::new(Sqlite);
    office.deliver("ana", "INBOX", &mail(100, "ana"));
    let mails: BTreeMap<u32, String> =
        (1..=MAILS).map(|n| (n, String::from_utf8(mail(n, "bob")).expect("text"))).collect();
    let server = Imap::holding(mails).start();
    office.add(&format!(
        "[[connection]]\nname = \"{LIAR}\"\nconnector = \"imap\"\nowner = \"bob@acme.example\"\nhost = \"127.0.0.1\"\n\
         port = {}\ntls = \"none\"\nusername = \"bob\"\npassword = \"right\"\ntimeout = 5\nconnections_per_minute = 1000",
        server.port()
    ));
    // as it came in, and not on a day that is set
    let received = days_ago(9).format("%d-%b-%Y %H:%M:%S +0000").to_string();
    server.change(move |server| server.received = received);
    (office, server)
}

fn mail(n: u32, to: &str) -> Vec<u8> {
    let (id, to, subject) = (name(n), format!("{to}@acme.example"), format!("Offer {n}"));
    Letter { id: &id, from: "eve@buyer.example", to: &to, days: 10, subject: &subject, answers: None }.bytes()
}

fn name(n: u32) -> String {
    format!("m{n}@buyer.example")
}

impl Office {
    /// The rows of a connection.
    fn status(&self, connection: &str) -> Vec<Value> {
        let rows: Vec<Value> = serde_json::from_str(&self.program.run(&["status", "--format", "json"])).expect("JSON");
        rows.into_iter().filter(|r| r["connection"] == connection).collect()
    }

    /// Reads, and finds the good mailbox complete whatever the other does.
    fn pass(&self, fails: bool) {
        let said = self.program.say(&["sync"]);
        assert_eq!(said.code, Some(i32::from(fails)), "{}", said.err);
        assert!(!said.err.contains("panicked"), "{}", said.err);
        let good = self.status("ana-mail");
        assert!(good.iter().all(|r| r["state"] == "ok" && r["complete_to"].is_string()), "{good:?}");
        assert!(self.program.activity(&name(100)).is_some());
    }

    /// The liar's state and what is said of it.
    fn told(&self) -> (String, String) {
        let rows = self.status(LIAR);
        let text = |key: &str| rows.iter().find_map(|r| r[key].as_str()).unwrap_or_default().to_owned();
        (text("state"), text("last_error"))
    }

    /// Which of the liar's mails are activities; none is two.
    fn captured(&self) -> Vec<u32> {
        (1..=MAILS).filter(|n| self.program.activity(&name(*n)).is_some()).collect()
    }
}

fn every() -> Vec<u32> {
    (1..=MAILS).collect()
}

#[test]
fn a_message_that_is_never_handed_out_is_named_and_left_alone() {
    let (office, server) = office();
    server.answer(|server, command| {
        let wanted = server.wanted(command).filter(|wanted| wanted.contains(&3))?;
        let rest: Vec<String> = wanted.iter().filter(|u| **u != 3).map(u32::to_string).collect();
        Some(Reply::Whole(format!("{}{{tag}} NO cannot read this one\r\n", server.fetch(&rest.join(","), command))))
    });
    office.pass(false);
    assert_eq!(office.captured(), [1, 2, 4, 5, 6]);
    let row = office.status(LIAR).remove(0);
    assert_eq!((&row["quarantined"], &row["captured"]), (&1.into(), &5.into()), "{row}");
    assert!(office.program.run(&["status"]).contains("1 items could not be read"));
    // it is not asked for again with every pass
    let asked = server.commands().len();
    office.pass(false);
    assert!(
        server.commands()[asked..].iter().all(|c| !c.starts_with("UID FETCH")),
        "{:?}",
        &server.commands()[asked..]
    );
    server.repent();
    office.program.run(&["sync", "--full"]);
    assert_eq!((office.captured(), office.status(LIAR)[0]["quarantined"].clone()), (every(), 0.into()));
}

#[test]
fn new_numbers_for_all_messages_make_no_new_activities() {
    let (office, server) = office();
    office.pass(false);
    let activities = |office: &Office| -> Vec<String> {
        let rows = office.program.export("activities").into_iter().map(|mut row| {
            row.remove("sightings").expect("it was seen somewhere");
            Value::Object(row).to_string()
        });
        let mut all: Vec<String> = rows.collect();
        all.sort();
        all
    };
    let before = activities(&office);
    assert_eq!(office.captured(), every());
    // a restored backup: everything has another number and the folder another validity
    server.change(|server| {
        server.validity = Some(8);
        server.mails = std::mem::take(&mut server.mails).into_iter().map(|(uid, text)| (uid * 10 + 1, text)).collect();
        server.next = 70;
    });
    office.pass(false);
    assert_eq!(activities(&office), before, "the same activities, to the last letter");
    let row = office.status(LIAR).remove(0);
    assert_eq!((&row["captured"], &row["quarantined"]), (&MAILS.into(), &0.into()), "{row}");
    let decisions = office.program.decisions("INBOX").into_iter();
    let there = decisions.filter(|r| r["connection"] == LIAR && r["gone_at"].is_null());
    let keys: Vec<String> = there.map(|r| r["key"].to_string()).collect();
    assert!(keys.len() == MAILS as usize && keys.iter().all(|k| k.contains("8:")), "{keys:?}");
}

#[test]
fn a_folder_that_hides_messages_does_not_pass_for_complete() {
    let (office, server) = office();
    server.answer(|server, command| {
        let set = command.strip_prefix("UID SEARCH UID ");
        let list = |uids: Vec<u32>| uids.into_iter().filter(|u| *u > 2).map(|u| u.to_string()).collect::<Vec<_>>();
        if let Some(set) = set {
            return Some(Reply::Say(format!("* SEARCH {}\r\n", list(server.uids(set)).join(" "))));
        }
        let rest = list(server.wanted(command)?);
        Some(Reply::Say(server.fetch(&rest.join(","), command)))
    });
    office.pass(true);
    assert_eq!(office.captured(), [3, 4, 5, 6], "what is shown is read");
    let (state, why) = office.told();
    assert_eq!(state, "needs_action");
    assert!(why.contains("counts 6 messages") && why.contains("shows 4") && why.contains("limit"), "{why}");
    assert!(office.status(LIAR)[0]["complete_to"].is_null());
    server.repent();
    office.pass(false);
    assert_eq!((office.captured(), office.told().0), (every(), "ok".to_owned()));
}

#[test]
fn searches_that_are_capped_lose_nothing() {
    let (office, server) = office();
    server.answer(|server, command| {
        let set = command.strip_prefix("UID SEARCH UID ")?;
        let found: Vec<String> = server.uids(set).iter().rev().take(2).map(u32::to_string).collect();
        Some(Reply::Say(format!("* SEARCH {}\r\n", found.join(" "))))
    });
    office.pass(false);
    assert_eq!(office.captured(), every());
    assert!(office.status(LIAR)[0]["complete_to"].is_string());
}

#[test]
fn busy_is_not_a_wrong_password_and_a_wrong_password_is() {
    for (reply, state, says) in [
        ("NO [ALERT] Too many simultaneous connections. (Failure)", "failing", "goes on by itself"),
        ("NO [UNAVAILABLE] Maximum number of connections from user+IP exceeded", "failing", "goes on by itself"),
        ("NO Request is throttled. Suggested Backoff Time: 299961 milliseconds", "failing", "goes on by itself"),
        ("NO [AUTHENTICATIONFAILED] Invalid credentials", "needs_action", "password"),
        ("NO LogonDenied-BasicAuthBlocked", "needs_action", "xoauth2"),
    ] {
        let (office, server) = office();
        server.answer(move |_, command| {
            command.starts_with("LOGIN").then(|| Reply::Whole(format!("{{tag}} {reply}\r\n")))
        });
        office.pass(true);
        let (was, why) = office.told();
        assert!(was == state && why.contains(says), "{reply}: {was}, {why}");
        server.repent();
        office.pass(false);
        assert_eq!((office.captured(), office.told().0), (every(), "ok".to_owned()), "{reply}");
    }
}

#[test]
fn one_connection_a_mailbox_and_a_goodbye() {
    let (office, server) = office();
    office.pass(false);
    assert_eq!((server.connections(), server.commands().last().map(String::as_str)), (1, Some("LOGOUT")));
}

#[test]
fn a_server_that_breaks_off_and_talks_nonsense_loses_nothing() {
    let (office, server) = office();
    let mut turn = 0;
    server.answer(move |server, command| {
        let set = command.strip_prefix("UID FETCH ")?.split(' ').next()?;
        turn += 1;
        let all = server.fetch(set, command);
        Some(match turn {
            1 => Reply::Close(all[..all.len() / 2].to_owned()),
            2 => Reply::Say(format!("* 2 EXPUNGE\r\nnonsense\r\n* 9 FETCH (UID 77 FLAGS ())\r\n* 6 EXISTS\r\n{all}")),
            3 => Reply::Say(String::new()),
            _ => return None,
        })
    });
    for _ in 0..2 {
        let said = office.program.say(&["sync"]);
        assert!(!said.err.contains("panicked"), "{}", said.err);
    }
    office.pass(false);
    assert_eq!(office.captured(), every());
    assert_eq!(office.program.decisions("INBOX").iter().filter(|r| r["connection"] == LIAR).count(), MAILS as usize);
}
