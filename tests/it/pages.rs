//! The pages of the real daemon as a browser gets them, on both databases: what they show is what the commands say.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, Stdio},
};

use dealtrail::{clock::SystemClock, demo};
use dealtrail_sdk::Clock as _;
use dealtrail_testkit::postgres;
use rstest::rstest;
use tempfile::TempDir;

use crate::support::{
    Database::{self, Postgres, Sqlite},
    PATIENCE, Program, Row, list,
};

/// The sample company, read, and served by `dealtrail run`.
struct Served {
    program: Program,
    daemon: Child,
    /// Host and port.
    at: String,
    cookie: String,
    url: Option<String>,
    _dir: TempDir,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _gone = self.daemon.kill();
        let _gone = self.daemon.wait();
        if let Some(url) = self.url.as_ref().filter(|_| !std::thread::panicking()) {
            postgres::Postgres::shared().drop_database(url);
        }
    }
}

impl Served {
    fn new(on: Database) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let company = demo::write(&dir.path().join("demo"), SystemClock.now(), 7).expect("a company");
        let url = (on == Postgres).then(|| postgres::Postgres::shared().fresh());
        let text = fs::read_to_string(&company.config).expect("the configuration");
        let text = url.as_ref().map_or(text.clone(), |url| text.replace("sqlite:dealtrail.db", url));
        let server = "[server]\nlisten = \"127.0.0.1:0\"\n\n[organization]";
        fs::write(&company.config, text.replacen("[organization]", server, 1)).expect("the configuration");
        let program = Program { config: company.config };
        program.say(&["sync"]);
        let mut command = program.command(&["run"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut daemon = command.spawn().expect("the program can be started");
        let link = link(&mut daemon);
        let (at, path) = link.split_once('/').expect("a path");
        let mut served = Self { program, daemon, at: at.to_owned(), cookie: String::new(), url, _dir: dir };
        let first = served.ask(&format!("/{path}"));
        assert!(first.starts_with("HTTP/1.1 303"), "{first}");
        let head = first.split("\r\n\r\n").next().expect("a head");
        let cookie = head.lines().find_map(|l| l.strip_prefix("set-cookie: ")).expect("a session");
        served.cookie = cookie.split(';').next().expect("a pair").to_owned();
        assert!(served.ask(&format!("/{path}")).starts_with("HTTP/1.1 303"), "who is signed in is led on");
        served
    }

    /// The whole answer to a GET.
    fn ask(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.at).expect("the page answers");
        stream.set_read_timeout(Some(PATIENCE)).expect("a patience");
        let (host, cookie) = (&self.at, &self.cookie);
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n")
            .expect("it is sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer");
        String::from_utf8(answer).expect("text")
    }

    fn page(&self, path: &str) -> String {
        let answer = self.ask(path);
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {}", answer.lines().next().unwrap_or_default());
        answer
    }

    /// All pages of a long list.
    fn leaves(&self, path: &str) -> Vec<String> {
        let mut leaves: Vec<String> = Vec::new();
        loop {
            let page = self.page(&format!("{path}?page={}", leaves.len() + 1));
            let more = page.contains("rel=\"next\"");
            leaves.push(page);
            if !more {
                return leaves;
            }
        }
    }

    fn rows(&self, arguments: &[&str]) -> Vec<Row> {
        let all: Vec<&str> = arguments.iter().copied().chain(["--format", "json"]).collect();
        serde_json::from_str(&self.program.run(&all)).expect("JSON")
    }
}

/// Waits for the line with the link that signs in once; host, port and path.
fn link(daemon: &mut Child) -> String {
    let mut lines = BufReader::new(daemon.stderr.take().expect("it is piped")).lines();
    let link = lines.by_ref().map_while(Result::ok).find_map(|line| Some(line.split_once("http://")?.1.to_owned()));
    // what it says later must not fill the pipe
    std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
    link.expect("the daemon says how to sign in")
}

fn text(row: &Row, key: &str) -> String {
    row[key].as_str().unwrap_or_else(|| panic!("{key} is a text")).to_owned()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&#38;").replace('<', "&#60;").replace('>', "&#62;").replace('"', "&#34;").replace('\'', "&#39;")
}

#[rstest]
fn the_pages_show_what_the_commands_say(#[values(Sqlite, Postgres)] on: Database) {
    let served = Served::new(on);
    let gaps = served.rows(&["gaps"]);
    assert!(gaps.len() >= 8, "{} gaps", gaps.len());
    let shown = served.leaves("/").concat();
    for gap in gaps.iter().filter(|g| g["deal"].is_string()) {
        assert!(shown.contains(&escaped(&text(gap, "deal_name"))), "{} is not shown", gap["deal_name"]);
    }
    deals_show_their_activities(&served, &gaps);
    numbers_open_to_their_lists(&served);
    coverage_counts_what_status_counts(&served);
    // nobody comes in without a session
    let mut stranger = TcpStream::connect(&served.at).expect("the page answers");
    write!(stranger, "GET / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", served.at).expect("it is sent");
    let mut answer = String::new();
    stranger.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
}

fn deals_show_their_activities(served: &Served, gaps: &[Row]) {
    let activities = served.program.export("activities");
    let mut shown = 0;
    for deal in gaps.iter().filter_map(|g| Some(g["deal"].as_str()?.to_owned())).collect::<BTreeSet<_>>() {
        let mine: Vec<String> =
            activities.iter().filter(|a| list(a, "deals").contains(&deal)).map(|a| text(a, "id")).collect();
        // a busy deal has several pages
        if mine.len() > 15 {
            continue;
        }
        let page = served.page(&format!("/deal/{deal}"));
        assert!(page.contains("The story"), "{deal}");
        for id in mine {
            assert!(page.contains(&format!("/activity/{id}")), "{id} is not on the page of {deal}");
            shown += 1;
        }
    }
    assert!(shown >= 5, "{shown} activities of deals with gaps");
    let one = text(&activities[0], "id");
    assert!(served.page(&format!("/activity/{one}")).contains("Seen in"), "{one}");
}

fn numbers_open_to_their_lists(served: &Served) {
    let page = served.page("/activities?time=30");
    let mut seen = 0;
    for rest in page.split("<a href=\"/activities/list?").skip(1) {
        let (link, rest) = rest.split_once("\">").expect("a link");
        let number = rest.split('<').next().expect("a number");
        let opened = served.page(&format!("/activities/list?{}", link.replace("&#38;", "&")));
        let said = if number == "1" { "1 activity,".to_owned() } else { format!("{number} activities,") };
        assert!(opened.contains(&said), "{link}: not {said}");
        seen += 1;
    }
    assert!(seen >= 10, "{seen} numbers");
}

fn coverage_counts_what_status_counts(served: &Served) {
    let mut shown: Vec<i64> = Vec::new();
    for page in served.leaves("/coverage") {
        for part in page.split("<p class=\"outcomes\"><span>").skip(1) {
            let number = part.split(" captured").next().expect("a number");
            shown.push(number.parse().unwrap_or_else(|_| panic!("{number} is no number")));
        }
    }
    let rows = served.rows(&["status"]);
    let streams = rows.iter().filter(|r| r["connector"] != "csv" && r.contains_key("stream"));
    let mut counted: Vec<i64> = streams.map(|r| r["captured"].as_i64().expect("a count")).collect();
    shown.sort_unstable();
    counted.sort_unstable();
    assert_eq!(shown, counted);
    assert!(counted.iter().sum::<i64>() > 50, "{counted:?}");
}
