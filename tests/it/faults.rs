//! Bad input: each thing that can be wrong outside gives one sentence that says what to do, the right exit code, and the rest
//! is still done.

use std::{fs, os::unix::fs::PermissionsExt as _};

use dealtrail_testkit::{
    dovecot::{Dovecot, Options},
    ports,
};
use serde_json::Value;

use crate::support::{Database::Sqlite, Letter, Office, Said, bare, letter};

/// An office whose other mailbox works, to be seen by its mail.
fn office() -> Office {
    let office = Office::new(Sqlite);
    office.deliver("ana", "INBOX", &letter("offer@buyer.example").bytes());
    office
}

/// The pass met a failure and did the rest; `check` finds the same, `status` keeps it.
fn failed_alone(office: &Office, connection: &str, parts: &[&str]) {
    let said = office.program.say(&["sync"]);
    assert_eq!(said.code, Some(1), "{}", said.err);
    let mut all = vec![connection];
    all.extend(parts);
    said.complains(&all);
    assert_eq!(said.err.lines().filter(|l| l.starts_with(connection)).count(), 1, "one sentence:\n{}", said.err);
    assert!(office.program.activity("offer@buyer.example").is_some(), "the other mailbox was read");
    let check = office.program.say(&["check"]);
    assert_eq!(check.code, Some(1), "{}", check.out);
    let line = check.out.lines().find(|l| l.starts_with(connection)).unwrap_or_else(|| panic!("{}", check.out));
    for part in parts {
        assert!(line.contains(part), "check does not say {part}: {line}");
    }
    let rows: Vec<Value> = serde_json::from_str(&office.program.run(&["status", "--format", "json"])).expect("JSON");
    let row = rows.iter().find(|r| r["connection"] == connection).expect("its row");
    for part in parts {
        assert!(row["last_error"].as_str().is_some_and(|e| e.contains(part)), "status does not say {part}: {row}");
    }
    assert_ne!(row["state"], "ok");
}

fn wrong(said: &Said, parts: &[&str]) {
    assert_eq!(said.code, Some(2), "{}", said.err);
    assert_eq!(said.out, "");
    said.complains(parts);
    assert_eq!(said.err.lines().count(), 1, "one sentence:\n{}", said.err);
}

#[test]
fn a_configuration_names_file_line_key_and_the_nearest() {
    let office = office();
    office.add("[capture.more]\nx = 1");
    wrong(&office.program.say(&["sync"]), &["dealtrail.toml, line", "capture.more", "known"]);
    for (from, to, says) in [
        ("timezone =", "timezoen =", ["line 7", "organization.timezoen", "did you mean `timezone`?"]),
        ("connector = \"csv\"", "connector = \"cvs\"", ["line 27", "connector", "`csv`"]),
        ("owner = \"ana@acme.example\"", "ownr = \"ana@acme.example\"", ["line ", "ownr", "did you mean `owner`?"]),
        ("path = \"mail/ana\"", "pth = \"mail/ana\"", ["line ", "pth", "`path`"]),
        ("[organization]", "[organization", ["line 4", "not TOML", "]"]),
    ] {
        let office = self::office();
        office.replace(from, to);
        let mut parts = vec!["dealtrail.toml"];
        parts.extend(says);
        for command in ["sync", "status", "check", "run"] {
            wrong(&office.program.say(&[command]), &parts);
        }
        assert!(!office.dir.path().join("dealtrail.db").exists(), "nothing is made before the configuration is right");
    }
}

#[test]
fn no_configuration_says_how_to_get_one() {
    let folder = tempfile::tempdir().expect("a folder");
    wrong(
        &bare(&["sync"], folder.path()),
        &["there is no configuration", "dealtrail init", "--config", "dealtrail demo"],
    );
    wrong(&bare(&["--config", "mine.toml", "sync"], folder.path()), &["mine.toml", "--config"]);
    let said = bare(&["snyc"], folder.path());
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("'sync'"), "{}", said.err);
    assert_eq!(bare(&["sync", "--ful"], folder.path()).code, Some(2));
    // what `init` writes is well-formed but for what only its reader knows
    assert_eq!(bare(&["init"], folder.path()).code, Some(0));
    wrong(&bare(&["init"], folder.path()), &["is there already", "--dir"]);
    assert_eq!(bare(&["status"], folder.path()).code, Some(0), "{}", bare(&["status"], folder.path()).err);
}

#[test]
fn a_connection_or_state_that_is_not_there_is_named_with_the_nearest() {
    let office = office();
    wrong(&office.program.say(&["sync", "--connection", "ana-mial"]), &["ana-mial", "did you mean `ana-mail`?"]);
    wrong(&office.program.say(&["check", "--connection", "nobody"]), &["nobody", "ana-mail"]);
    wrong(&office.program.say(&["gaps", "--state", "opened"]), &["opened", "open", "resolved"]);
}

#[test]
fn a_missing_variable_is_named() {
    let office = office();
    office.add(
        "[[connection]]\nname = \"bob-imap\"\nconnector = \"imap\"\nowner = \"bob@acme.example\"\nhost = \"127.0.0.1\"\n\
         username = \"bob\"\npassword = { env = \"DEALTRAIL_NO_SUCH_VARIABLE\" }",
    );
    failed_alone(&office, "bob-imap", &["password", "DEALTRAIL_NO_SUCH_VARIABLE"]);
}

#[test]
fn a_missing_password_file_is_named() {
    let office = office();
    office.add(
        "[[connection]]\nname = \"bob-imap\"\nconnector = \"imap\"\nowner = \"bob@acme.example\"\nhost = \"127.0.0.1\"\n\
         username = \"bob\"\npassword = { file = \"bob.password\" }",
    );
    failed_alone(&office, "bob-imap", &["password", "bob.password"]);
}

#[test]
fn a_wrong_password_says_so_and_keeps_quiet_about_it() {
    let server = Dovecot::start();
    server.user("bob", "right");
    let office = office();
    office.trusted_imap(&server, "bob", "wr0ng-secret");
    failed_alone(&office, "bob-imap", &["127.0.0.1", "password"]);
    let said = office.program.say(&["--log", "trace", "sync"]);
    assert!(!said.err.contains("wr0ng-secret") && !said.out.contains("wr0ng-secret"), "a secret was printed");
    // mended, it goes on
    office.replace("wr0ng-secret", "right");
    server.client("bob", "right").append(
        "INBOX",
        &Letter { to: "bob@acme.example", ..letter("bob@buyer.example") }.bytes(),
        "",
        None,
    );
    office.program.sync();
    assert!(office.program.activity("bob@buyer.example").is_some());
    assert!(office.program.run(&["status"]).contains("Capture is complete."));
}

#[test]
fn an_unknown_certificate_is_refused_and_its_fingerprint_shown() {
    let server = Dovecot::start();
    server.user("bob", "right");
    let office = office();
    office.imap(&server, "bob", "right", "");
    let plain = server.fingerprint().replace(':', "").to_lowercase();
    failed_alone(&office, "bob-imap", &["certificate", "ca_file", &plain]);
    assert!(!server.log().contains("Login: user=<bob>"), "the password went to a server that was not believed");
    // what the sentence says mends it
    office.replace("password = \"right\"", &format!("password = \"right\"\nfingerprint = \"{plain}\""));
    office.program.sync();
}

#[test]
fn an_expired_certificate_is_refused() {
    let server = Dovecot::start_with(&Options { expired: true, ..Options::default() });
    server.user("bob", "right");
    let office = office();
    office.trusted_imap(&server, "bob", "right");
    failed_alone(&office, "bob-imap", &["certificate", "expired"]);
}

#[test]
fn an_unreachable_host_is_named() {
    let office = office();
    let port = ports::free();
    office.add(&format!(
        "[[connection]]\nname = \"bob-imap\"\nconnector = \"imap\"\nowner = \"bob@acme.example\"\nhost = \"127.0.0.1\"\nport = {port}\n\
         username = \"bob\"\npassword = \"x\"\n\n\
         [[connection]]\nname = \"bob-calendar\"\nconnector = \"caldav\"\nowner = \"bob@acme.example\"\n\
         url = \"http://127.0.0.1:{port}/\"\nusername = \"bob\"\npassword = \"x\""
    ));
    failed_alone(&office, "bob-imap", &[&format!("127.0.0.1:{port}")]);
    failed_alone(&office, "bob-calendar", &[&format!("127.0.0.1:{port}")]);
}

#[test]
fn a_mailbox_that_is_not_there_is_named() {
    let office = office();
    office.mailbox("bob");
    fs::remove_dir_all(office.dir.path().join("mail/bob")).expect("the mailbox");
    failed_alone(&office, "bob-mail", &["mail/bob"]);
}

#[test]
fn a_folder_that_may_not_be_read_stops_only_itself() {
    let office = office();
    office.deliver("ana", "Archive", &Letter { days: 30, ..letter("old@buyer.example") }.bytes());
    let folder = office.dir.path().join("mail/ana/.Archive/cur");
    let mode = |mode| fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).expect("the folder's mode");
    mode(0o000);
    let said = office.program.say_with_few_rights(&["sync"]);
    mode(0o755);
    assert_eq!(said.code, Some(1), "{}", said.err);
    said.complains(&["ana-mail", "Archive"]);
    assert!(office.program.activity("offer@buyer.example").is_some(), "the other folder was read");
    office.program.sync();
    assert!(office.program.activity("old@buyer.example").is_some());
}

#[test]
fn broken_rows_cost_themselves_alone() {
    let office = office();
    office.csv(
        "contacts",
        &[
            "id,name,emails,company_id,created_at",
            "K1,Eve,eve@buyer.example,C1,2026-01-05",
            "K2,Zoe,zoe@buyer.example,C1,last week",
            "K3,Max,max@buyer.example,C1,2026-01-05",
            ",Nobody,nobody@buyer.example,C1,2026-01-05",
        ],
    );
    // somebody has to mend a bad row: a nightly pass must not end as if all were well
    let said = office.program.say(&["sync"]);
    assert_eq!(said.code, Some(1), "{}", said.err);
    assert!(said.err.contains("2 not readable") && said.err.contains("2 rows of the CRM"), "{}", said.err);
    let ids: Vec<Value> = office.program.export("contacts").iter().map(|r| r["id"].clone()).collect();
    assert_eq!(ids, ["K1", "K3"]);
    let bad: Vec<_> =
        office.program.export("decisions").into_iter().filter(|d| d["outcome"] == "quarantined").collect();
    assert_eq!(bad.len(), 2);
    for (row, parts) in bad.iter().zip([["line 3", "created_at"], ["line 5", "id"]]) {
        let why = row["detail"].as_str().expect("a reason");
        assert!(row["stream"] == "contacts.csv" && parts.iter().all(|p| why.contains(p)), "{row:?}");
    }
    let status = office.program.run(&["status", "--format", "json"]);
    let rows: Vec<Value> = serde_json::from_str(&status).expect("JSON");
    let file = rows.iter().find(|r| r["stream"] == "contacts.csv").expect("the file");
    assert_eq!(file["quarantined"], 2);
    // a bad version of a good row: what was last read stays in force
    office.csv(
        "contacts",
        &[
            "id,name,emails,company_id,created_at",
            "K1,Eve,,C1,2026-01-05",
            "K2,Zoe,zoe@buyer.example,C1,2026-01-07",
            "K3,Max,max@buyer.example,C1,2026-01-05",
        ],
    );
    office.program.say(&["sync"]);
    let rows = office.program.export("contacts");
    let eve = rows.iter().find(|r| r["id"] == "K1").expect("Eve stays");
    assert_eq!(eve["emails"][0], "eve@buyer.example");
    assert_eq!(rows.len(), 3, "Zoe was mended");
    let left: Vec<_> =
        office.program.export("decisions").into_iter().filter(|d| d["outcome"] == "quarantined").collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn a_broken_file_is_reported_and_the_others_are_read() {
    let office = office();
    office.csv("deals", &["name,owner", "Big,ana@acme.example"]);
    let said = office.program.say(&["sync"]);
    assert_eq!(said.code, Some(1), "{}", said.err);
    said.complains(&["crm", "deals.csv", "id"]);
    assert!(office.program.activity("offer@buyer.example").is_some(), "contacts and mail were read");
    fs::remove_file(office.dir.path().join("crm/contacts.csv")).expect("the file");
    office.deals(&["D1"]);
    let said = office.program.say(&["sync"]);
    assert_eq!(said.code, Some(1), "{}", said.err);
    said.complains(&["crm", "contacts.csv"]);
    assert_eq!(office.program.export("contacts").len(), 1, "not readable is not empty");
}

#[test]
fn a_mail_that_cannot_be_read_waits_alone() {
    let office = office();
    let torn = office.dir.path().join("mail/ana/cur/1700009999.M1P1.acme:2,S");
    fs::create_dir(&torn).expect("a folder where a message should be");
    office.deliver("ana", "INBOX", b"");
    office.deliver("ana", "INBOX", &[0xff, 0xfe, 0x00, b'\n', 0x80]);
    let said = office.program.say(&["sync"]);
    assert!(office.program.activity("offer@buyer.example").is_some(), "{}", said.err);
    assert!(!said.err.contains("panicked"), "{}", said.err);
    for row in office.program.decisions("INBOX") {
        assert!(["captured", "skipped", "waiting", "quarantined"].iter().any(|o| row["outcome"] == *o), "{row:?}");
    }
}

#[test]
fn a_database_that_cannot_be_opened_is_named() {
    let office = office();
    office.replace("sqlite:dealtrail.db", "sqlite:no/such/folder/dealtrail.db");
    let said = office.program.say(&["sync"]);
    assert_eq!(said.code, Some(1), "{}", said.err);
    said.complains(&["database", "no/such/folder/dealtrail.db"]);
    let port = ports::free();
    office.replace("sqlite:no/such/folder/dealtrail.db", &format!("postgres://me:s3cret@127.0.0.1:{port}/x"));
    let said = office.program.say(&["status"]);
    assert_eq!(said.code, Some(1), "{}", said.err);
    said.complains(&["database", &format!("127.0.0.1:{port}")]);
    assert!(!said.err.contains("s3cret"), "{}", said.err);
}
