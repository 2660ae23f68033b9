//! From a mail that the server announces to the activity that stands in the database: a daemon that waits by IDLE, and a bare
//! client that waits beside it on the same mailbox, fetches the same bytes and commits a row into a SQLite of its own.
//!
//! Both are told by the server at the same moment; time counts from when the bare client reads EXISTS.

use std::{
    path::Path,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, OptionalExtension as _};

use crate::{
    Size,
    daemon::Daemon,
    floor::imap::{self, Line, Seen},
    mailboxes::{Known, Mailboxes, PASSWORD, open, user},
    measure::quantile,
    post::Mail,
};

/// Mails whose figures are not counted: until both sides are warm.
const WARM: usize = 3;
/// Between two mails, so that the judging of the one is over before the next.
const PAUSE: Duration = Duration::from_millis(400);

pub fn run(size: Size) {
    let (boxes, mails, times) = (size.boxes(2), size.mails(200), size.rounds(40));
    println!("idle: from the server's word to the committed activity");
    let mut all = Mailboxes::fill(boxes, mails);
    let place = all.dir.path().join("daemon");
    let config = all.configure(&place, all.server.tls_port(), "");
    let daemon = Daemon::start(&config);
    daemon.settled();
    let (say, heard) = mpsc::channel();
    let tls = imap::trust(&all.server.ca_file().display().to_string());
    let line = Line::open(all.server.tls_port(), &tls, &user(0), PASSWORD);
    let own = all.dir.path().join("bare.db");
    let beside = thread::spawn(move || bare(line, &own, &say));
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let db = open(&place);
    for n in 0..WARM + times {
        thread::sleep(PAUSE);
        // mail whose text is the first part, so that the bare client need not look
        let mail = all.one(0, |m| m.folder == "INBOX" && m.text == Some("1"));
        let stood = stands(&db, &mail);
        let bare = heard.recv_timeout(Duration::from_secs(60)).expect("the bare client hears of it too");
        if n >= WARM {
            ours.push(apart(bare.exists, stood));
            theirs.push(apart(bare.exists, bare.stood));
        }
    }
    drop(db);
    let known = Known { decisions: all.mails, captured: all.kept, texts: all.kept };
    assert_eq!(Known::of(&place), known, "every mail has one decision, every captured one its text");
    drop(heard);
    all.one(0, |m| m.folder == "INBOX" && m.text == Some("1"));
    beside.join().expect("with a last mail the bare client finds that nobody listens");
    println!("  checked: {times} mails = {times} activities with their texts = {times} rows of the bare client");
    println!("  after EXISTS              p50         p95");
    for (side, times) in [("dealtrail run", &ours), ("bare client", &theirs)] {
        println!("  {side:<18} {:>7.1} ms  {:>7.1} ms", quantile(times.clone(), 50), quantile(times.clone(), 95));
    }
    let of = |percent| quantile(ours.clone(), percent) / quantile(theirs.clone(), percent);
    println!("  dealtrail run / bare client = {:.2} (p50), {:.2} (p95)", of(50), of(95));
}

/// Milliseconds from one moment to another, which may be the earlier one.
fn apart(from: Instant, to: Instant) -> f64 {
    (to.saturating_duration_since(from).as_secs_f64() - from.saturating_duration_since(to).as_secs_f64()) * 1e3
}

/// When the activity of a mail can be read by everybody: looked for every millisecond.
fn stands(db: &Connection, mail: &Mail) -> Instant {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let sql = "select 1 from activities where message_id = ?";
        let found = db.query_row(sql, [&mail.message_id], |_| Ok(())).optional().expect("the question");
        if found.is_some() {
            return Instant::now();
        }
        assert!(Instant::now() < end, "the activity does not come");
        thread::sleep(Duration::from_millis(1));
    }
}

/// What the bare client says of one mail.
struct Heard {
    exists: Instant,
    stood: Instant,
}

/// Waits, fetches and commits, until nobody listens any more.
fn bare(mut line: Line, file: &Path, say: &mpsc::Sender<Heard>) {
    let db = Connection::open(file).expect("a database");
    let settings = "pragma journal_mode = wal; pragma synchronous = normal";
    db.execute_batch(settings).expect("its settings");
    db.execute_batch("create table mails (id integer primary key, bytes integer)").expect("a table");
    let mut known = line.run(&["EXAMINE INBOX".to_owned()]).exists;
    loop {
        let mut seen = Seen { exists: known, ..Seen::default() };
        line.say("f0 IDLE\r\n");
        while seen.exists == known {
            line.answer(&mut seen);
        }
        let (exists, new) = (Instant::now(), format!("{}:{}", known + 1, seen.exists));
        line.say("DONE\r\n");
        while !line.answer(&mut seen) {}
        let ask = [imap::items(), imap::text("1")].map(|items| format!("FETCH {new} ({items})"));
        let came = line.run(&ask);
        assert!(came.mails == came.texts && came.mails > 0, "the mail came");
        db.execute(
            "insert into mails values (?, ?)",
            rusqlite::params![seen.exists, i64::try_from(came.bytes).expect("small")],
        )
        .expect("a row");
        known = seen.exists;
        if say.send(Heard { exists, stood: Instant::now() }).is_err() {
            return;
        }
    }
}
