//! What the tests share that run the program as a user does: the program itself, a small office on disk (configuration, CRM
//! export, mailboxes) that each test changes as it likes, and letters. Nothing here knows what the program should make
//! of it: that stands in the tests.

use std::{
    cell::Cell,
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use chrono::{DateTime, Utc};
use dealtrail::clock::SystemClock;
use dealtrail_sdk::Clock as _;
use dealtrail_testkit::{dovecot::Dovecot, postgres::Postgres};
use serde_json::{Map, Value};
use tempfile::TempDir;

pub type Row = Map<String, Value>;

/// How long something may take that happens by itself: the machine may be busy with a build.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// The program with a configuration.
#[derive(Debug)]
pub struct Program {
    pub config: PathBuf,
}

/// What a command printed and how it ended.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// The program without a configuration, in a folder where there is none.
pub fn bare(arguments: &[&str], folder: &Path) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dealtrail"));
    command.args(arguments).current_dir(folder).env_remove("DEALTRAIL_CONFIG").env_remove("DEALTRAIL_LOG");
    said(&mut command)
}

fn said(command: &mut Command) -> Said {
    let out = command.stdin(Stdio::null()).output().expect("the program can be started");
    let text = |bytes| String::from_utf8(bytes).expect("output is UTF-8");
    Said { code: out.status.code(), out: text(out.stdout), err: text(out.stderr) }
}

impl Said {
    /// One line on standard error holds all of this, and nothing looks like a fault of the program.
    pub fn complains(&self, parts: &[&str]) {
        let line = self.err.lines().find(|l| parts.iter().all(|p| l.contains(p)));
        assert!(line.is_some(), "no line of standard error says {parts:?}:\n{}", self.err);
        assert!(!self.err.contains("panicked"), "{}", self.err);
    }
}

impl Program {
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dealtrail"));
        command.arg("--config").arg(&self.config).args(arguments).env_remove("DEALTRAIL_LOG");
        command
    }

    /// Runs one command, however it ends.
    pub fn say(&self, arguments: &[&str]) -> Said {
        said(&mut self.command(arguments))
    }

    /// Runs one command so that the modes of files count, which root may pass over otherwise.
    pub fn say_with_few_rights(&self, arguments: &[&str]) -> Said {
        let root = fs::metadata("/proc/self").is_ok_and(|m| m.uid() == 0);
        if !root {
            return self.say(arguments);
        }
        let plain = self.command(arguments);
        let mut command = Command::new("setpriv");
        command.arg("--bounding-set=-dac_override,-dac_read_search").arg(plain.get_program()).args(plain.get_args());
        said(&mut command)
    }

    /// Runs one command to a good end and returns what it printed.
    pub fn run(&self, arguments: &[&str]) -> String {
        let said = self.say(arguments);
        assert_eq!(said.code, Some(0), "dealtrail {arguments:?}:\n{}\n{}", said.out, said.err);
        said.out
    }

    pub fn sync(&self) {
        self.run(&["sync"]);
    }

    /// An export, a row each.
    pub fn export(&self, what: &str) -> Vec<Row> {
        let text = self.run(&["export", what]);
        text.lines().map(|l| serde_json::from_str(l).expect("a JSON object a line")).collect()
    }

    /// The activity of a mail, when there is one.
    pub fn activity(&self, message_id: &str) -> Option<Row> {
        let mut all = self.export("activities");
        all.retain(|r| r["message_id"] == message_id);
        assert!(all.len() < 2, "{message_id} became {} activities", all.len());
        all.pop()
    }

    /// What was decided on a mail in one stream; waiting rows have no Message-ID, so by key.
    pub fn decisions(&self, stream: &str) -> Vec<Row> {
        let mut all = self.export("decisions");
        all.retain(|r| r["stream"] == stream);
        all
    }

    /// Every export in an order of its own, without the moment at which a row was written.
    pub fn settled(&self) -> Vec<(&'static str, Vec<String>)> {
        ["activities", "decisions", "gaps", "deals", "contacts"].map(|what| (what, settled(self.export(what)))).into()
    }
}

fn settled(rows: Vec<Row>) -> Vec<String> {
    let mut lines: Vec<String> = rows
        .into_iter()
        .map(|mut row| {
            row.remove("decided_at");
            Value::Object(row).to_string()
        })
        .collect();
    lines.sort();
    lines
}

/// Two readings of the same world must not differ.
pub fn assert_same(want: &[(&str, Vec<String>)], have: &[(&str, Vec<String>)], when: &str) {
    for ((name, want), (_, have)) in want.iter().zip(have) {
        let lost: Vec<&String> = want.iter().filter(|l| have.binary_search(l).is_err()).take(3).collect();
        let extra: Vec<&String> = have.iter().filter(|l| want.binary_search(l).is_err()).take(3).collect();
        assert!(
            want == have,
            "{when}, {name} differ ({} rows, wanted {}):\n missing {lost:#?}\n instead {extra:#?}",
            have.len(),
            want.len()
        );
    }
}

/// Words of a list of texts in a row.
pub fn list(row: &Row, key: &str) -> Vec<String> {
    let all = row[key].as_array().unwrap_or_else(|| panic!("{key} is a list"));
    all.iter().map(|v| v.as_str().expect("a text").to_owned()).collect()
}

/// Tries until it holds.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let pause = Duration::from_millis(200);
    let tries = PATIENCE.as_millis() / pause.as_millis();
    for _ in 0..tries {
        if holds() {
            return;
        }
        std::thread::sleep(pause);
    }
    panic!("waited {}s in vain: {what}", PATIENCE.as_secs());
}

pub fn days_ago(days: i64) -> DateTime<Utc> {
    SystemClock.now() - chrono::TimeDelta::days(days)
}

/// The day as the organization counts it.
pub fn day(days: i64) -> String {
    days_ago(days).with_timezone(&chrono_tz::Europe::Berlin).date_naive().to_string()
}

/// A plain mail.
#[derive(Clone, Debug)]
pub struct Letter<'a> {
    pub id: &'a str,
    pub from: &'a str,
    pub to: &'a str,
    pub days: i64,
    pub subject: &'a str,
    pub answers: Option<&'a str>,
}

impl Letter<'_> {
    pub fn bytes(&self) -> Vec<u8> {
        let date = days_ago(self.days).to_rfc2822();
        let answers = self.answers.map_or(String::new(), |a| format!("In-Reply-To: <{a}>\r\nReferences: <{a}>\r\n"));
        format!(
            "Message-ID: <{}>\r\nFrom: {}\r\nTo: {}\r\nDate: {date}\r\nSubject: {}\r\n{answers}\
             Content-Type: text/plain; charset=utf-8\r\n\r\nA few words.\r\n",
            self.id, self.from, self.to, self.subject
        )
        .into_bytes()
    }
}

/// A mail from the buyer to Ana, ten days ago.
pub fn letter(id: &str) -> Letter<'_> {
    Letter { id, from: "eve@buyer.example", to: "ana@acme.example", days: 10, subject: "Your offer", answers: None }
}

/// Where an office keeps what it knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Database {
    Sqlite,
    Postgres,
}

/// Ana and Bob of Acme, the buyer Eve with one open deal, and what each test adds.
#[derive(Debug)]
pub struct Office {
    pub dir: TempDir,
    pub program: Program,
    mails: Cell<u32>,
    /// Its own database on the server that all tests share.
    url: Option<String>,
}

impl Drop for Office {
    fn drop(&mut self) {
        // after a failure the database may be looked at, and a second panic would hide the first
        if let Some(url) = self.url.as_ref().filter(|_| !std::thread::panicking()) {
            Postgres::shared().drop_database(url);
        }
    }
}

const HEAD: &str = r#"[database]
url = "sqlite:dealtrail.db"

[organization]
name = "Acme"
domains = ["acme.example"]
timezone = "Europe/Berlin"

[capture]
exclude = []

[[user]]
email = "mia@acme.example"
name = "Mia"
role = "admin"

[[user]]
email = "ana@acme.example"
name = "Ana"

[[user]]
email = "bob@acme.example"
name = "Bob"

[[connection]]
name = "crm"
connector = "csv"
path = "crm"
"#;

impl Office {
    /// With the CRM and Ana's mailbox, a Maildir.
    pub fn new(on: Database) -> Self {
        let office = Self::without_mail(on);
        office.mailbox("ana");
        office
    }

    /// With the CRM only.
    pub fn without_mail(on: Database) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let config = dir.path().join("dealtrail.toml");
        let url = (on == Database::Postgres).then(|| Postgres::shared().fresh());
        let head = url.as_ref().map_or(HEAD.to_owned(), |url| HEAD.replace("sqlite:dealtrail.db", url));
        fs::write(&config, head).expect("the configuration");
        fs::create_dir(dir.path().join("crm")).expect("the CRM's folder");
        let office = Self { dir, program: Program { config }, mails: Cell::new(0), url };
        office.csv("companies", &["id,name,domains", "C1,Buyer,buyer.example"]);
        office.csv("contacts", &["id,name,emails,company_id", "K1,Eve,eve@buyer.example,C1"]);
        office.csv(
            "stages",
            &[
                "id,pipeline,name,position,kind",
                "s1,Sales,Lead,1,open",
                "s2,Sales,Proposal,2,open",
                "s3,Sales,Won,3,won",
            ],
        );
        office.deals(&["D1"]);
        office
    }

    /// Every row of every table of the database.
    pub fn everything(&self) -> Vec<String> {
        let file = format!("sqlite:{}", self.dir.path().join("dealtrail.db").display());
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(everything(self.url.as_deref().unwrap_or(&file)))
    }

    /// Open deals of Eve's company, all owned by Ana.
    pub fn deals(&self, ids: &[&str]) {
        let created = days_ago(100).to_rfc3339();
        let close = days_ago(-60).date_naive();
        let mut rows = vec![
            "id,name,company_id,contact_ids,owner,pipeline,stage_id,amount,currency,close_date,created_at".to_owned(),
        ];
        rows.extend(
            ids.iter()
                .map(|id| format!("{id},Project {id},C1,K1,ana@acme.example,Sales,s1,1000,EUR,{close},{created}")),
        );
        self.csv("deals", &rows.iter().map(String::as_str).collect::<Vec<_>>());
    }

    pub fn csv(&self, name: &str, rows: &[&str]) {
        fs::write(self.dir.path().join("crm").join(format!("{name}.csv")), rows.join("\n") + "\n").expect("a CSV file");
    }

    /// Adds to the configuration.
    pub fn add(&self, text: &str) {
        let old = fs::read_to_string(&self.program.config).expect("the configuration");
        fs::write(&self.program.config, format!("{old}\n{text}\n")).expect("the configuration");
    }

    /// Changes the configuration.
    pub fn replace(&self, from: &str, to: &str) {
        let old = fs::read_to_string(&self.program.config).expect("the configuration");
        assert!(old.contains(from), "the configuration does not hold {from}");
        fs::write(&self.program.config, old.replace(from, to)).expect("the configuration");
    }

    /// Adds somebody's Maildir.
    pub fn mailbox(&self, name: &str) {
        self.folder(name, "INBOX");
        let owner = format!("{name}@acme.example");
        self.add(&format!(
            "[[connection]]\nname = \"{name}-mail\"\nconnector = \"maildir\"\nowner = \"{owner}\"\npath = \"mail/{name}\""
        ));
    }

    /// Adds Ana's mailbox on a server, signed in with this password; `more` are further settings.
    pub fn imap(&self, server: &Dovecot, name: &str, password: &str, more: &str) {
        let (port, owner) = (server.tls_port(), format!("{name}@acme.example"));
        self.add(&format!(
            "[[connection]]\nname = \"{name}-imap\"\nconnector = \"imap\"\nowner = \"{owner}\"\nhost = \"127.0.0.1\"\n\
             port = {port}\nusername = \"{name}\"\npassword = \"{password}\"\n{more}"
        ));
    }

    /// The same with the server's own authority trusted.
    pub fn trusted_imap(&self, server: &Dovecot, name: &str, password: &str) {
        self.imap(server, name, password, &format!("ca_file = \"{}\"", server.ca_file().display()));
    }

    fn folder(&self, name: &str, folder: &str) -> PathBuf {
        let top = self.dir.path().join("mail").join(name);
        let folder = if folder == "INBOX" { top } else { top.join(format!(".{folder}")) };
        for sub in ["cur", "new", "tmp"] {
            fs::create_dir_all(folder.join(sub)).expect("a mail folder");
        }
        folder
    }

    /// Delivers a mail; the file it became.
    pub fn deliver(&self, name: &str, folder: &str, bytes: &[u8]) -> PathBuf {
        let n = self.mails.replace(self.mails.get() + 1);
        let path = self.folder(name, folder).join("cur").join(format!("{}.M{n}P1.acme:2,S", 1_700_000_000 + n));
        fs::write(&path, bytes).expect("a message");
        path
    }

    /// Moves a mail's file to another folder, as a mail program does.
    pub fn carry(&self, mail: &Path, name: &str, folder: &str) -> PathBuf {
        let to = self.folder(name, folder).join("cur").join(mail.file_name().expect("a file"));
        fs::rename(mail, &to).expect("the message moves");
        to
    }
}

/// Every row of every table, as text; ordered.
async fn everything(url: &str) -> Vec<String> {
    use sqlx::{AssertSqlSafe, Connection as _};
    let mut all = Vec::new();
    if url.starts_with("postgres") {
        let mut db = sqlx::PgConnection::connect(url).await.expect("it opens");
        let tables = "select tablename::text from pg_tables where schemaname = current_schema()";
        let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut db).await.expect("tables");
        for table in tables {
            let sql = AssertSqlSafe(format!("select '{table} ' || t::text from \"{table}\" t"));
            all.extend(sqlx::query_scalar::<_, String>(sql).fetch_all(&mut db).await.expect("rows"));
        }
    } else {
        let db = rusqlite::Connection::open(url.trim_start_matches("sqlite:")).expect("it opens");
        for table in texts(&db, "select name from sqlite_master where type = 'table'") {
            let columns = texts(&db, &format!("select 'quote(\"' || name || '\")' from pragma_table_info('{table}')"));
            let sql = format!("select '{table} ' || {} from \"{table}\"", columns.join(" || ' ' || "));
            all.extend(texts(&db, &sql));
        }
    }
    all.sort();
    all
}

/// The one column of an SQLite query.
pub fn texts(db: &rusqlite::Connection, sql: &str) -> Vec<String> {
    let mut statement = db.prepare(sql).expect("a query");
    let rows = statement.query_map([], |row| row.get(0)).expect("rows");
    rows.collect::<Result<_, _>>().expect("texts")
}
