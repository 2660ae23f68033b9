//! The engine in this process, over a mailbox whose line can be made to break, and everything its database knows.

use std::{fs, path::PathBuf, sync::Arc};

use chrono::{DateTime, Utc};
use dealtrail::{
    app::App,
    clock::{SetClock, SystemClock},
    config,
    engine::{
        pass::Options,
        progress::{Quiet, Tally, Watcher},
    },
};
use dealtrail_sdk::Clock as _;
use dealtrail_testkit::{
    dovecot::Dovecot,
    proxy::{Plan, Proxy},
};
use tokio_util::sync::CancellationToken;

use crate::support::{Database::Sqlite, Letter, Office, texts};

/// The mailbox's connection.
pub const MAILBOX: &str = "ana-imap";
const PASSWORD: &str = "right";

/// An office whose only mailbox stands behind a proxy. The clock stands still, so that two readings differ only in what was
/// read.
pub struct Rig {
    pub office: Office,
    pub proxy: Proxy,
    now: DateTime<Utc>,
    runtime: tokio::runtime::Runtime,
}

/// What a reading with a mishap was like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Through {
    /// Passes that failed.
    pub failed: usize,
    pub happened: bool,
}

/// Fills Ana's mailbox: `mails` of the buyer's and her own, with texts of `size` bytes each, give or take half.
pub fn fill(server: &Dovecot, mails: usize, size: usize) {
    server.user("ana", PASSWORD);
    let mut client = server.client("ana", PASSWORD);
    for n in 0..mails {
        let id = format!("m{n}@buyer.example");
        let subject = format!("Offer {n}");
        let (from, to) = ("eve@buyer.example", "ana@acme.example");
        let (from, to, folder) = if n % 4 == 3 { (to, from, "Sent") } else { (from, to, "INBOX") };
        let days = i64::try_from(n % 60).expect("small") + 2;
        let letter = Letter { id: &id, from, to, days, subject: &subject, answers: None };
        let words = size / 2 + size * (n % 5) / 4;
        let text: String =
            (0..words / 64 + 1).map(|line| format!("{n:>6} {line:>6} {:48}\r\n", "words about it")).collect();
        client.append(folder, &[letter.bytes(), text.into_bytes()].concat(), "", None);
    }
}

impl Rig {
    pub fn new(server: &Dovecot) -> Self {
        let office = Office::without_mail(Sqlite);
        let proxy = Proxy::start(server.port());
        office.add(&format!(
            "[[connection]]\nname = \"{MAILBOX}\"\nconnector = \"imap\"\nowner = \"ana@acme.example\"\nhost = \"127.0.0.1\"\n\
             port = {}\ntls = \"none\"\nusername = \"ana\"\npassword = \"{PASSWORD}\"\ntimeout = 20\ncompress = \"off\"\n\
             connections_per_minute = 1000000",
            proxy.port()
        ));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let rig = Self { office, proxy, now: SystemClock.now(), runtime };
        // what the CRM says is the same for all: it is read once
        let crm = rig.read("crm");
        assert!(crm.failures.is_empty(), "{:?}", crm.failures);
        fs::copy(rig.database("dealtrail.db"), rig.database("fresh.db")).expect("a copy");
        rig
    }

    fn database(&self, name: &str) -> PathBuf {
        self.office.dir.path().join(name)
    }

    /// As if nothing of the mailbox had ever been read.
    pub fn start_over(&self) {
        for end in ["-wal", "-shm"] {
            let _none = fs::remove_file(self.database(&format!("dealtrail.db{end}")));
        }
        fs::copy(self.database("fresh.db"), self.database("dealtrail.db")).expect("a fresh database");
    }

    fn read(&self, connection: &str) -> Tally {
        self.runtime.block_on(async {
            let config = config::load(&self.office.program.config).expect("the configuration");
            let app = App::open(config, Arc::new(SetClock::at(self.now))).await.expect("the database");
            let options = Options { connections: vec![connection.to_owned()], ..Options::default() };
            let watcher: Arc<dyn Watcher> = Arc::new(Quiet);
            let tally = app.engine.pass(&options, &watcher, &CancellationToken::new()).await.expect("a pass");
            app.close().await;
            tally
        })
    }

    /// One pass of a program that was started for it.
    pub fn pass(&self) -> Tally {
        self.read(MAILBOX)
    }

    /// Breaks the line as planned and goes on, pass by pass, until a pass meets no failure. A line that stays shut after the
    /// mishap is mended when the first pass has failed.
    pub fn read_through(&self, plan: Plan) -> Through {
        let mends = plan.shut_after;
        self.proxy.set(plan);
        let mut happened = false;
        for failed in 0..8 {
            let tally = self.pass();
            happened |= self.proxy.happened();
            if tally.failures.is_empty() {
                return Through { failed, happened };
            }
            for (_, _, why) in &tally.failures {
                assert!(why.contains("127.0.0.1"), "it names the server: {why}");
                assert!(!why.contains("ana@") && !why.contains("Offer"), "and nothing personal: {why}");
            }
            if mends {
                self.proxy.set(Plan::default());
            }
        }
        panic!("it never comes to an end");
    }

    /// Everything that was found out, a line each, without counters of attempts.
    pub fn known(&self) -> Vec<(&'static str, Vec<String>)> {
        const TABLES: [&str; 9] =
            ["items", "activities", "texts", "links", "parties", "refs", "sightings", "blind", "findings"];
        const OTHERWISE: [&str; 3] = ["decided_at", "attempts", "retry_at"];
        let db = rusqlite::Connection::open(self.database("dealtrail.db")).expect("it opens");
        let mut all = Vec::new();
        for table in TABLES {
            let columns = texts(&db, &format!("select name from pragma_table_info('{table}') order by cid"));
            let told = columns.iter().filter(|c| !OTHERWISE.contains(&c.as_str())).map(|c| format!("quote({c})"));
            let line = told.collect::<Vec<_>>().join(" || ' ' || ");
            // while the mailbox could not be read, gaps were unknown for a while: that is true and stays on record
            let current = if table == "findings" { "where state not in ('withdrawn', 'resolved')" } else { "" };
            all.push((table, texts(&db, &format!("select {line} as line from {table} {current} order by line"))));
        }
        all
    }
}
