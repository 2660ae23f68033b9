//! Decisions that must hold however late, in whatever order and on whatever day they are made: rules that come after a mail
//! has gone, invitations that cannot be read, copies of one mail, dates of the future.

use std::{fs, path::PathBuf, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use dealtrail::{
    app::App,
    clock::{SetClock, SystemClock},
    config,
    engine::{pass::Options, progress::Quiet, progress::Watcher},
    store::lists::Filter,
};
use dealtrail_sdk::Clock as _;
use rstest::rstest;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::support::{
    Database::{self, Postgres, Sqlite},
    Letter, Office, Row, days_ago, letter, list,
};

fn is_excluded(office: &Office, stream: &str) {
    assert_eq!(office.program.activity("offer@buyer.example"), None);
    let rows = office.program.decisions(stream);
    assert_eq!((&rows[0]["outcome"], &rows[0]["reason"]), (&Value::from("skipped"), &Value::from("excluded")));
    assert!(rows[0]["detail"].as_str().is_some_and(|d| d.contains("eve@buyer.example")), "{rows:?}");
    assert!(rows[0]["activity"].is_null(), "{rows:?}");
}

#[rstest]
fn an_exclusion_reaches_mail_that_is_gone(
    #[values(Sqlite, Postgres)] on: Database,
    #[values("before", "meanwhile", "full")] gone: &str,
) {
    let office = Office::new(on);
    let mail = office.deliver("ana", "INBOX", &letter("offer@buyer.example").bytes());
    office.program.sync();
    fs::remove_file(mail).expect("the mail");
    if gone != "meanwhile" {
        office.program.sync();
        assert!(office.program.activity("offer@buyer.example").is_some(), "deleted is not undone");
    }
    office.replace("exclude = []", "exclude = [\"eve@buyer.example\"]");
    office.program.run(if gone == "full" { &["sync", "--full"] } else { &["sync"] });
    is_excluded(&office, "INBOX");
}

#[rstest]
fn a_folder_that_is_renamed_keeps_its_mail(#[values(Sqlite, Postgres)] on: Database) {
    let office = Office::new(on);
    office.deliver("ana", "Archive", &letter("offer@buyer.example").bytes());
    office.program.sync();
    let before = office.program.activity("offer@buyer.example").expect("an activity");
    let folder = office.dir.path().join("mail/ana");
    let seen = |row: &Row| -> Vec<(String, bool)> {
        let all = row["sightings"].as_array().expect("a list");
        let mut all: Vec<(String, bool)> =
            all.iter().map(|s| (s["stream"].as_str().expect("a name").to_owned(), s["gone_at"].is_null())).collect();
        all.sort();
        all
    };
    fs::rename(folder.join(".Archive"), folder.join(".Old")).expect("a folder");
    office.program.sync();
    let after = office.program.activity("offer@buyer.example").expect("one activity");
    assert_eq!(before["id"], after["id"]);
    assert_eq!(seen(&after), [("Archive".to_owned(), false), ("Old".to_owned(), true)]);
    assert!(office.program.decisions("Archive")[0]["gone_at"].is_string());
    // back again, it is read again
    fs::rename(folder.join(".Old"), folder.join(".Archive")).expect("a folder");
    office.program.sync();
    let back = office.program.activity("offer@buyer.example").expect("one activity");
    assert_eq!(
        (&before["id"], seen(&back)),
        (&back["id"], vec![("Archive".to_owned(), true), ("Old".to_owned(), false)])
    );
    // deleted, its mail stays; excluded then, it goes
    fs::remove_dir_all(folder.join(".Archive")).expect("a folder");
    office.program.sync();
    let left = office.program.activity("offer@buyer.example").expect("one activity");
    assert!(seen(&left).iter().all(|s| !s.1), "{left:?}");
    office.replace("exclude = []", "exclude = [\"eve@buyer.example\"]");
    office.program.sync();
    is_excluded(&office, "Archive");
    is_excluded(&office, "Old");
}

/// A mail with a calendar: as a form of the text, or attached beside a text.
fn invitation(id: &str, own_text: bool, calendar: &str) -> Vec<u8> {
    let kind = if own_text { "mixed" } else { "alternative" };
    let file = if own_text { "Content-Disposition: attachment; filename=invite.ics\r\n" } else { "" };
    let date = days_ago(3).to_rfc2822();
    let method = calendar.lines().find_map(|l| l.strip_prefix("METHOD:")).unwrap_or("REQUEST");
    format!(
        "Message-ID: <{id}>\r\nFrom: eve@buyer.example\r\nTo: ana@acme.example\r\nDate: {date}\r\nSubject: Review\r\n\
         MIME-Version: 1.0\r\nContent-Type: multipart/{kind}; boundary=\"b\"\r\n\r\n\
         --b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nPlease have a look at this before.\r\n\
         --b\r\nContent-Type: text/calendar; charset=utf-8; method={method}\r\n{file}\r\n{}\r\n--b--\r\n",
        calendar.replace('\n', "\r\n")
    )
    .into_bytes()
}

fn calendar(method: &str, inside: &str) -> String {
    format!("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nMETHOD:{method}\n{inside}END:VCALENDAR\n")
}

fn event(uid: &str, start: DateTime<Utc>, organizer: &str) -> String {
    let stamp = |t: DateTime<Utc>| t.format("%Y%m%dT%H%M%SZ").to_string();
    format!(
        "BEGIN:VEVENT\nUID:{uid}\nDTSTAMP:{}\nDTSTART:{}\nDTEND:{}\nSUMMARY:Review\nORGANIZER:mailto:{organizer}\n\
         ATTENDEE:mailto:ana@acme.example\nATTENDEE:mailto:eve@buyer.example\nEND:VEVENT\n",
        stamp(days_ago(3)),
        stamp(start),
        stamp(start + TimeDelta::hours(1))
    )
}

/// Name, calendar, carries a text of its own, outcome, reason, words of the detail, becomes a meeting.
type Case = (&'static str, String, bool, &'static str, &'static str, &'static str, bool);

fn invitations() -> Vec<Case> {
    let soon = days_ago(-2);
    let no_start =
        "BEGIN:VEVENT\nUID:no-start\nDTSTAMP:20260101T000000Z\nORGANIZER:mailto:eve@buyer.example\nEND:VEVENT\n";
    let free = "BEGIN:VFREEBUSY\nUID:free\nDTSTAMP:20260101T000000Z\nEND:VFREEBUSY\n";
    let task = "BEGIN:VTODO\nUID:task\nDTSTAMP:20260101T000000Z\nSUMMARY:Do\nEND:VTODO\n";
    vec![
        (
            "good",
            calendar("REQUEST", &event("good", soon, "eve@buyer.example")),
            false,
            "skipped",
            "calendar",
            "",
            true,
        ),
        (
            "good-too",
            calendar("REQUEST", &event("good-too", soon, "eve@buyer.example")),
            true,
            "captured",
            "",
            "",
            true,
        ),
        ("no-start", calendar("REQUEST", no_start), false, "quarantined", "unreadable", "cannot be read", false),
        ("no-start-text", calendar("REQUEST", no_start), true, "captured", "", "", false),
        ("cancel", calendar("CANCEL", no_start), false, "quarantined", "unreadable", "cannot be read", false),
        ("nothing", calendar("REQUEST", ""), false, "quarantined", "unreadable", "holds no event", false),
        (
            "torn",
            "METHOD:REQUEST\nnothing of a calendar\n".into(),
            false,
            "quarantined",
            "unreadable",
            "no calendar",
            false,
        ),
        ("empty", String::new(), false, "quarantined", "unreadable", "empty", false),
        ("free", calendar("REQUEST", free), false, "captured", "", "", false),
        ("task", calendar("REQUEST", task), false, "captured", "", "", false),
        ("strange", calendar("DANCE", &event("strange", soon, "eve@buyer.example")), false, "captured", "", "", false),
        (
            "old",
            calendar("REQUEST", &event("old", days_ago(4000), "eve@buyer.example")),
            false,
            "skipped",
            "calendar",
            "outside",
            false,
        ),
        (
            "far",
            calendar("REQUEST", &event("far", days_ago(-4000), "eve@buyer.example")),
            false,
            "skipped",
            "calendar",
            "outside",
            false,
        ),
        (
            "forged",
            calendar("REQUEST", &event("forged", soon, "x@elsewhere.example")),
            false,
            "skipped",
            "calendar",
            "organizer",
            false,
        ),
    ]
}

#[test]
fn invitations_and_what_looks_like_one() {
    let cases = invitations();
    let office = Office::new(Sqlite);
    let paths: Vec<_> = cases
        .iter()
        .map(|(name, calendar, text, ..)| {
            let id = format!("{name}@buyer.example");
            office.deliver("ana", "INBOX", &invitation(&id, *text, calendar))
        })
        .collect();
    for pass in [&["sync"][..], &["sync"], &["sync", "--full"]] {
        office.program.run(pass);
        let rows = office.program.decisions("INBOX");
        let activities = office.program.export("activities");
        for ((name, _, _, outcome, reason, detail, meets), path) in cases.iter().zip(&paths) {
            let file = path.file_name().and_then(|f| f.to_str()).expect("a name");
            let unique = file.split(':').next().expect("a name");
            let row = rows.iter().find(|r| r["key"] == unique).unwrap_or_else(|| panic!("{name}: no decision"));
            assert_eq!(row["outcome"], *outcome, "{pass:?} {name}: {row:?}");
            assert_eq!(row["reason"].as_str().unwrap_or(""), *reason, "{pass:?} {name}: {row:?}");
            let said = row["detail"].as_str().unwrap_or("");
            assert!(if detail.is_empty() { said.is_empty() } else { said.contains(detail) }, "{pass:?} {name}: {said}");
            let met = activities.iter().any(|a| a["kind"] == "meeting" && a["ical_uid"] == *name);
            assert_eq!(met, *meets, "{pass:?} {name}: a meeting");
            let mail = activities.iter().any(|a| a["message_id"] == format!("{name}@buyer.example"));
            assert_eq!(mail, *outcome == "captured", "{pass:?} {name}: a mail");
        }
    }
}

/// One mail in three boxes, each copy with a Date of its own: (owner, minutes).
fn in_every_order(on: Database, minutes: [i64; 3]) -> Vec<Row> {
    const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    let owners = ["ana", "bob", "mia"];
    let sent = days_ago(10);
    let answer = Letter { answers: Some("copies@buyer.example"), days: 9, ..letter("answer@buyer.example") }.bytes();
    let mut first: Option<Vec<Row>> = None;
    for order in ORDERS {
        let office = Office::new(on);
        office.mailbox("bob");
        office.mailbox("mia");
        for (name, after) in owners.iter().zip(minutes) {
            let to = "ana@acme.example, bob@acme.example, mia@acme.example";
            let mail = Letter { to, ..letter("copies@buyer.example") }.bytes();
            let mail = String::from_utf8(mail).expect("text");
            let date = mail.lines().find(|l| l.starts_with("Date:")).expect("a date").to_owned();
            let own = format!("Date: {}", (sent + TimeDelta::minutes(after)).to_rfc2822());
            office.deliver(name, "INBOX", mail.replace(&date, &own).as_bytes());
            office.deliver(name, "INBOX", &answer);
        }
        office.program.run(&["sync", "--connection", "crm"]);
        for i in order {
            office.program.run(&["sync", "--connection", &format!("{}-mail", owners[i])]);
        }
        let mut rows = office.program.export("activities");
        for row in &mut rows {
            row["sightings"].as_array_mut().expect("a list").iter_mut().for_each(|s| {
                s.as_object_mut().expect("a row").remove("key");
            });
        }
        office.program.run(&["sync", "--full"]);
        assert_eq!(office.program.export("activities").len(), rows.len(), "a full pass changes nothing: {order:?}");
        match &first {
            None => first = Some(rows),
            Some(first) => assert_eq!(first, &rows, "{order:?}"),
        }
    }
    first.expect("an order").into_iter().filter(|r| r["message_id"] == "copies@buyer.example").collect()
}

#[rstest]
#[case(Sqlite, [0, 8, 16], 1)]
#[case(Sqlite, [0, 8, 30], 2)]
#[case(Sqlite, [0, 20, 40], 3)]
#[case(Postgres, [0, 8, 16], 1)]
fn copies_of_a_mail_are_grouped_alike_in_every_order(
    #[case] on: Database,
    #[case] minutes: [i64; 3],
    #[case] activities: usize,
) {
    let rows = in_every_order(on, minutes);
    assert_eq!(rows.len(), activities, "{rows:?}");
    assert_eq!(rows.iter().map(|r| r["sightings"].as_array().map_or(0, Vec::len)).sum::<usize>(), 3);
}

async fn pass(office: &Office, clock: &SetClock, full: bool) -> Vec<(Option<String>, DateTime<Utc>, bool)> {
    let config = config::load(&office.program.config).expect("a configuration");
    let app = App::open(config, Arc::new(clock.clone())).await.expect("an app");
    let watcher: Arc<dyn Watcher> = Arc::new(Quiet);
    let options = Options { full, ..Options::default() };
    let tally = app.engine.pass(&options, &watcher, &CancellationToken::new()).await.expect("a pass");
    assert!(tally.failures.is_empty(), "{:?}", tally.failures);
    let rows = app.store.activities(&Filter::default()).await.expect("activities");
    let mut rows: Vec<_> = rows.into_iter().map(|s| (s.message_id, s.activity.occurred_at, s.time_uncertain)).collect();
    rows.sort();
    app.close().await;
    rows
}

#[tokio::test]
async fn a_date_of_the_future_is_guessed_once() {
    let office = Office::new(Sqlite);
    office.mailbox("bob");
    let both =
        |days| Letter { days, to: "ana@acme.example, bob@acme.example", ..letter("future@buyer.example") }.bytes();
    let ahead = both(-20);
    // its file says when it came in
    let came = |file: PathBuf| {
        let name = format!("{}.M77P1.acme:2,S", days_ago(2).timestamp());
        fs::rename(&file, file.with_file_name(name)).expect("a message");
    };
    came(office.deliver("ana", "INBOX", &ahead));
    office.deliver("ana", "INBOX", &Letter { days: 4, ..letter("past@buyer.example") }.bytes());
    let clock = SetClock::at(SystemClock.now());
    let first = pass(&office, &clock, false).await;
    assert_eq!(first.len(), 2);
    assert!(first.iter().all(|r| r.1 <= clock.now()), "nothing was written in the future: {first:?}");
    assert_eq!(first.iter().map(|r| r.2).collect::<Vec<_>>(), [true, false], "one time is a guess");
    for days in [1, 19, 40] {
        clock.set(SystemClock.now() + TimeDelta::days(days));
        assert_eq!(pass(&office, &clock, false).await, first, "{days} days later");
        assert_eq!(pass(&office, &clock, true).await, first, "{days} days later, all read again");
    }
    // a copy that is read when the day has come is still a copy
    came(office.deliver("bob", "INBOX", &ahead));
    assert_eq!(pass(&office, &clock, false).await, first, "another copy");
}

#[rstest]
fn a_copy_read_in_between_joins_two_and_keeps_what_a_person_decided(#[values(Sqlite, Postgres)] on: Database) {
    let office = Office::new(on);
    office.mailbox("bob");
    office.deals(&["D1", "D2"]);
    let copy = |minutes: i64| {
        let mail = String::from_utf8(letter("copies@buyer.example").bytes()).expect("text");
        let date = mail.lines().find(|l| l.starts_with("Date:")).expect("a date").to_owned();
        mail.replace(&date, &format!("Date: {}", (days_ago(10) + TimeDelta::minutes(minutes)).to_rfc2822()))
            .into_bytes()
    };
    office.deliver("ana", "INBOX", &copy(16));
    office.program.sync();
    let before = office.program.activity("copies@buyer.example").expect("an activity");
    let id = before["id"].as_str().expect("an id").to_owned();
    assert!(list(&before, "deals").is_empty(), "two deals are open: {before:?}");
    office.program.run(&["review", "link", &id, "D2"]);
    office.deliver("bob", "INBOX", &copy(0));
    office.program.sync();
    office.deliver("bob", "INBOX", &copy(8));
    office.program.sync();
    let after = office.program.activity("copies@buyer.example").expect("one activity");
    assert_eq!(list(&after, "deals"), ["D2"], "{after:?}");
    assert_eq!(after["sightings"].as_array().map(Vec::len), Some(3));
}
