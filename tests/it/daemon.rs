//! The daemon against a real mail server: news arrive by push, signals are obeyed, one broken connection never stops the others.
//! The tests wait for what must happen and never measure how long it took.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
};

use dealtrail_testkit::{dovecot::Dovecot, ports};
use rstest::rstest;

use crate::support::{
    Database::{self, Postgres, Sqlite},
    Letter, Office, assert_same, eventually, letter,
};

/// `dealtrail run`, ended with the test.
struct Daemon {
    child: Child,
    said: Arc<Mutex<String>>,
}

impl Daemon {
    /// Starts it and waits until it says that it runs.
    fn start(office: &Office) -> Self {
        let mut command = office.program.command(&["run"]);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program can be started");
        let said = Arc::new(Mutex::new(String::new()));
        let (log, into) = (child.stderr.take().expect("it is piped"), said.clone());
        std::thread::spawn(move || {
            for line in BufReader::new(log).lines().map_while(Result::ok) {
                let mut all = into.lock().expect("nobody panics while holding it");
                all.push_str(&line);
                all.push('\n');
            }
        });
        let daemon = Self { child, said };
        daemon.says("dealtrail is running");
        daemon
    }

    fn said(&self) -> String {
        self.said.lock().expect("nobody panics while holding it").clone()
    }

    /// Waits until its log holds this.
    fn says(&self, text: &str) {
        eventually(&format!("{text}; so far:\n{}", self.said()), || self.said().contains(text));
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(sent.expect("kill is installed").success(), "{name} could not be sent");
    }

    /// Waits for its end.
    fn ends(&mut self) -> ExitStatus {
        let mut end = None;
        eventually("the daemon ends", || {
            end = self.child.try_wait().expect("the child is ours");
            end.is_some()
        });
        end.expect("it ended")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// An office that serves its page on a free port and looks at its mailboxes only once an hour.
fn office(on: Database) -> Office {
    let office = Office::without_mail(on);
    office.replace("[capture]", &format!("[server]\nlisten = \"127.0.0.1:{}\"\n\n[capture]", ports::free()));
    office
}

fn seldom(office: &Office, server: &Dovecot, name: &str) {
    let more = format!("ca_file = \"{}\"\npoll = \"1h\"", server.ca_file().display());
    office.imap(server, name, "right", &more);
}

fn becomes_an_activity(office: &Office, id: &str) {
    eventually(&format!("{id} becomes an activity"), || office.program.activity(id).is_some());
}

fn append(server: &Dovecot, name: &str, letter: &Letter<'_>) {
    server.client(name, "right").append("INBOX", &letter.bytes(), "", None);
}

#[rstest]
fn new_mail_becomes_an_activity_by_push(#[values(Sqlite, Postgres)] on: Database) {
    let server = Dovecot::start();
    server.user("ana", "right");
    let office = office(on);
    seldom(&office, &server, "ana");
    append(&server, "ana", &letter("first@buyer.example"));
    let mut daemon = Daemon::start(&office);
    becomes_an_activity(&office, "first@buyer.example");
    // the next poll is an hour away
    append(&server, "ana", &letter("second@buyer.example"));
    becomes_an_activity(&office, "second@buyer.example");
    append(&server, "ana", &letter("third@buyer.example"));
    becomes_an_activity(&office, "third@buyer.example");
    daemon.signal("TERM");
    assert_eq!(daemon.ends().code(), Some(0), "{}", daemon.said());
    assert!(!daemon.said().contains("panicked"), "{}", daemon.said());
    // the daemon and a pass know the same
    let known = || -> Vec<(&str, Vec<String>)> {
        // the deal that the last mail touched may have been left to the next judging
        office.program.settled().into_iter().filter(|(what, _)| *what != "gaps").collect()
    };
    let before = known();
    office.program.sync();
    assert_same(&before, &known(), "after a pass behind the daemon");
}

#[test]
fn a_broken_connection_stops_nobody() {
    let server = Dovecot::start();
    server.user("ana", "right");
    server.user("bob", "right");
    let office = office(Sqlite);
    office.imap(&server, "bob", "wrong", &format!("ca_file = \"{}\"", server.ca_file().display()));
    office.add(&format!(
        "[[connection]]\nname = \"mia-imap\"\nconnector = \"imap\"\nowner = \"mia@acme.example\"\nhost = \"127.0.0.1\"\nport = {}\n\
         username = \"mia\"\npassword = \"x\"\n\n\
         [[connection]]\nname = \"mia-calendar\"\nconnector = \"ics\"\nowner = \"mia@acme.example\"\npath = \"nowhere\"",
        ports::free()
    ));
    seldom(&office, &server, "ana");
    let daemon = Daemon::start(&office);
    for id in ["first@buyer.example", "second@buyer.example"] {
        append(&server, "ana", &letter(id));
        becomes_an_activity(&office, id);
    }
    eventually("status names the failing ones", || {
        let status = office.program.run(&["status", "--format", "json"]);
        let rows: Vec<serde_json::Value> = serde_json::from_str(&status).expect("JSON");
        ["bob-imap", "mia-imap", "mia-calendar"].iter().all(|name| {
            let mut rows = rows.iter().filter(|r| r["connection"] == *name);
            rows.any(|r| r["last_error"].is_string() && (r["state"] == "failing" || r["state"] == "needs_action"))
        })
    });
    drop(daemon);
}

#[test]
fn a_line_that_breaks_is_taken_up_again() {
    let server = Dovecot::start();
    server.user("ana", "right");
    let office = office(Sqlite);
    let more = format!("ca_file = \"{}\"\npoll = \"10s\"", server.ca_file().display());
    office.imap(&server, "ana", "right", &more);
    append(&server, "ana", &letter("first@buyer.example"));
    let _daemon = Daemon::start(&office);
    becomes_an_activity(&office, "first@buyer.example");
    server.kick("ana");
    append(&server, "ana", &letter("second@buyer.example"));
    becomes_an_activity(&office, "second@buyer.example");
}

#[test]
fn hangup_takes_over_a_changed_configuration() {
    let server = Dovecot::start();
    server.user("ana", "right");
    server.user("bob", "right");
    let office = office(Sqlite);
    seldom(&office, &server, "ana");
    append(&server, "bob", &Letter { to: "bob@acme.example", ..letter("bob@buyer.example") });
    let mut daemon = Daemon::start(&office);
    append(&server, "ana", &letter("first@buyer.example"));
    becomes_an_activity(&office, "first@buyer.example");
    assert_eq!(office.program.activity("bob@buyer.example"), None);
    // a broken one is refused with its line, and the old one goes on
    let good = fs::read_to_string(&office.program.config).expect("the configuration");
    office.replace("timezone =", "timezoen =");
    daemon.signal("HUP");
    daemon.says("timezoen");
    fs::write(&office.program.config, good).expect("the configuration");
    append(&server, "ana", &letter("second@buyer.example"));
    becomes_an_activity(&office, "second@buyer.example");
    // a good one is taken over
    seldom(&office, &server, "bob");
    daemon.signal("HUP");
    becomes_an_activity(&office, "bob@buyer.example");
    append(&server, "ana", &letter("third@buyer.example"));
    becomes_an_activity(&office, "third@buyer.example");
    daemon.signal("TERM");
    assert_eq!(daemon.ends().code(), Some(0), "{}", daemon.said());
}

#[rstest]
fn a_signal_in_the_middle_of_the_back_fill_loses_nothing(#[values(Sqlite, Postgres)] on: Database) {
    let office = office(on);
    office.mailbox("ana");
    let ids: Vec<String> = (0..600).map(|n| format!("m{n}@buyer.example")).collect();
    for (n, id) in (0_i64..).zip(&ids) {
        office.deliver("ana", "INBOX", &Letter { days: n / 10, ..letter(id) }.bytes());
    }
    for signal in ["TERM", "INT"] {
        let mut daemon = Daemon::start(&office);
        daemon.signal(signal);
        assert_eq!(daemon.ends().code(), Some(0), "{signal}: {}", daemon.said());
    }
    office.program.sync();
    let rows = office.program.export("activities");
    assert_eq!(rows.len(), ids.len());
    for row in rows {
        assert_eq!(row["sightings"].as_array().map(Vec::len), Some(1), "{row:?}");
    }
}

#[rstest]
fn a_second_crm_is_known_from_the_daemons_start(#[values(Sqlite, Postgres)] on: Database) {
    let office = office(on);
    office.program.sync();
    let ids = || -> Vec<String> {
        let rows = office.program.export("deals");
        rows.iter().map(|r| r["id"].as_str().expect("an id").to_owned()).collect()
    };
    assert_eq!(ids(), ["D1"]);
    let (crm, second) = (office.dir.path().join("crm"), office.dir.path().join("crm2"));
    fs::create_dir(&second).expect("a folder");
    for file in ["companies.csv", "contacts.csv", "stages.csv", "deals.csv"] {
        fs::copy(crm.join(file), second.join(file)).expect("a copy");
    }
    office.add("[[connection]]\nname = \"other\"\nconnector = \"csv\"\npath = \"crm2\"");
    let _daemon = Daemon::start(&office);
    eventually("the ids follow", || ids() == ["crm/D1", "other/D1"]);
}
