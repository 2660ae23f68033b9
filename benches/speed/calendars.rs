//! Calendars with nothing new on one Radicale: `dealtrail sync`, which finds the calendars of each account afresh and asks what
//! changed; a floor that asks the same of calendars it knows; `vdirsyncer sync` with its own copy of them.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use chrono::TimeDelta;
use dealtrail::clock::SystemClock;
use dealtrail_net::http::base64;
use dealtrail_sdk::Clock as _;
use dealtrail_testkit::{ports, radicale::Radicale};

use crate::{
    Size,
    floor::dav,
    mailboxes::{Known, PASSWORD, dealtrail, installed, user},
    measure::{measure, own},
    table::Table,
};

/// Calendars of each account.
const CALENDARS: [&str; 3] = ["work", "home", "team"];

pub fn run(size: Size) {
    let (accounts, events, rounds) = (size.boxes(4), size.mails(40), size.rounds(5));
    let count = accounts * CALENDARS.len();
    println!("calendars: a pass with nothing new over {count} calendars of {events} events in {accounts} accounts");
    if !installed("radicale", "radicale") {
        return;
    }
    let server = Radicale::start();
    fill(&server, accounts, events);
    let dir = tempfile::tempdir().expect("a temporary folder");
    let config = configure(&server, accounts, dir.path());
    let plan = plan(&server, accounts, dir.path());
    let peer = installed("vdirsyncer", "vdirsyncer").then(|| vdirsyncer(&server, accounts, dir.path()));
    measure(dealtrail(&config, &["sync"]));
    let known = Known::of(dir.path());
    assert_eq!(known.decisions, count * events, "every event has one decision");
    let mut table = Table::new("calendar", count);
    for _ in 0..rounds {
        table.add("dealtrail sync", measure(dealtrail(&config, &["sync"])).0);
        assert_eq!(Known::of(dir.path()), known, "nothing was new");
        table.add("floor", measure(own("floor-dav", &plan)).0);
        if let Some(config) = &peer {
            table.add("vdirsyncer sync", measure(peer_command(config, "sync")).0);
            assert_eq!(copies(&dir.path().join("copies")), count * events, "every event is a file");
        }
    }
    println!(
        "  checked in each of {rounds}: {} decisions before and after; every REPORT of the floor says that nothing changed",
        known.decisions
    );
    table.print();
    table.ratio("dealtrail sync", "floor");
    table.ratio("vdirsyncer sync", "dealtrail sync");
}

fn fill(server: &Radicale, accounts: usize, events: usize) {
    let now = SystemClock.now();
    for n in 0..accounts {
        server.user(&user(n), PASSWORD);
        for calendar in CALENDARS {
            server.make_calendar(&user(n), calendar);
            for e in 0..events {
                let start = now + TimeDelta::hours(i64::try_from(e).expect("small") - 10);
                let text = format!(
                    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//bench//EN\r\nBEGIN:VEVENT\r\nUID:{n}-{calendar}-{e}@bench.example\r\n\
                     DTSTAMP:20260101T000000Z\r\nDTSTART:{}\r\nDURATION:PT45M\r\nSUMMARY:Project {e}\r\n\
                     ORGANIZER:mailto:{}@acme.example\r\nATTENDEE:mailto:guest{e}@elsewhere.example\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
                    start.format("%Y%m%dT%H%M%SZ"),
                    user(n)
                );
                server.put(&user(n), calendar, &format!("{e}.ics"), &text);
            }
        }
    }
}

fn configure(server: &Radicale, accounts: usize, dir: &Path) -> PathBuf {
    let mut text = format!(
        "[database]\nurl = \"sqlite:dealtrail.db\"\n[server]\nlisten = \"127.0.0.1:{}\"\n[organization]\ndomains = [\"acme.example\"]\n",
        ports::free()
    );
    for n in 0..accounts {
        let name = user(n);
        write!(
            text,
            "[[user]]\nemail = \"{name}@acme.example\"\n[[connection]]\nname = \"{name}-calendar\"\nconnector = \"caldav\"\n\
             owner = \"{name}@acme.example\"\nurl = \"{}/{name}/\"\nusername = \"{name}\"\npassword = \"{PASSWORD}\"\n",
            server.url()
        )
        .expect("a string");
    }
    let config = dir.join("dealtrail.toml");
    fs::write(&config, text).expect("the configuration");
    config
}

/// The floor's plan: every calendar with its token of now.
fn plan(server: &Radicale, accounts: usize, dir: &Path) -> PathBuf {
    let url = server.url();
    let port: u16 = url.rsplit(':').next().and_then(|p| p.parse().ok()).expect("a port");
    let mut text = String::new();
    for n in 0..accounts {
        let login = base64(format!("{}:{PASSWORD}", user(n)).as_bytes());
        writeln!(text, "server {port} {login}").expect("a string");
        for calendar in CALENDARS {
            let path = Radicale::path(&user(n), calendar);
            let answer = dav::report(port, &login, &path, "");
            writeln!(text, "calendar {path} {}", dav::token(&answer)).expect("a string");
        }
    }
    let plan = dir.join("plan");
    fs::write(&plan, text).expect("the plan");
    plan
}

/// vdirsyncer with a copy of all calendars that is up to date; its configuration.
fn vdirsyncer(server: &Radicale, accounts: usize, dir: &Path) -> PathBuf {
    let place = dir.join("copies");
    let mut text = format!("[general]\nstatus_path = \"{}\"\n", dir.join("status").display());
    for n in 0..accounts {
        let name = user(n);
        let copies = place.join(&name);
        fs::create_dir_all(&copies).expect("a folder");
        write!(
            text,
            "[pair {name}]\na = \"{name}_near\"\nb = \"{name}_far\"\ncollections = [\"from b\"]\n\
             [storage {name}_near]\ntype = \"filesystem\"\npath = \"{}\"\nfileext = \".ics\"\n\
             [storage {name}_far]\ntype = \"caldav\"\nurl = \"{}/\"\nusername = \"{name}\"\npassword = \"{PASSWORD}\"\nread_only = true\n",
            copies.display(),
            server.url()
        )
        .expect("a string");
    }
    let config = dir.join("vdirsyncer.conf");
    fs::write(&config, text).expect("the configuration");
    let mut discover = peer_command(&config, "discover");
    let child = discover.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut child = child.expect("it can be started");
    // it asks before it makes a folder
    let yes = "y\n".repeat(10 * accounts * CALENDARS.len());
    let _no_more_questions = std::io::Write::write_all(&mut child.stdin.take().expect("it is piped"), yes.as_bytes());
    assert!(child.wait().expect("the child is ours").success(), "vdirsyncer discover");
    measure(peer_command(&config, "sync"));
    config
}

fn peer_command(config: &Path, what: &str) -> Command {
    let mut command = Command::new("vdirsyncer");
    command.arg("-c").arg(config).arg(what);
    command
}

/// Calendar objects below a folder.
fn copies(place: &Path) -> usize {
    let entries = fs::read_dir(place).expect("a folder").map(|e| e.expect("an entry").path());
    entries.map(|p| if p.is_dir() { copies(&p) } else { usize::from(p.extension().is_some_and(|e| e == "ics")) }).sum()
}
