//! A Dovecot with the mailboxes of a sales team, and what every program needs to read them: dealtrail's configuration, the
//! floor's plan, mbsync's configuration. And what dealtrail knows in the end, to be compared.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use dealtrail_testkit::dovecot::{Client, Dovecot, Options};
use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

use crate::{
    floor::plan::{self, Plan},
    measure::own,
    post::{FOLDERS, Mail, Office},
};

pub const PASSWORD: &str = "secret";

/// What the plan says of one folder.
#[derive(Debug, Default)]
struct Folder {
    /// Mails that lie in it.
    held: u32,
    /// Mails that came since the plan was written last.
    fresh: u32,
    /// Section -> UIDs of the fresh mails whose text is kept.
    texts: BTreeMap<&'static str, Vec<u32>>,
}

pub struct Mailboxes {
    pub server: Dovecot,
    pub office: Office,
    pub dir: TempDir,
    pub boxes: usize,
    /// Mails in all mailboxes, and those of them whose text is kept.
    pub mails: usize,
    pub kept: usize,
    pub bytes: usize,
    folders: BTreeMap<(usize, &'static str), Folder>,
    clients: Vec<Client>,
    numbers: usize,
}

impl Mailboxes {
    /// So many mailboxes of three folders with so many mails each.
    pub fn fill(boxes: usize, mails: usize) -> Self {
        Self::fill_with(boxes, mails, &Options::default())
    }

    /// The same on a server that differs from the usual one.
    pub fn fill_with(boxes: usize, mails: usize, options: &Options) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let server = Dovecot::start_with(options);
        // all users first: the server looks at its list once a second at most
        (0..boxes).for_each(|b| server.user(&user(b), PASSWORD));
        let office = Office::new(boxes);
        office.write_crm(&dir.path().join("crm"));
        let mut clients: Vec<Client> = (0..boxes).map(|b| server.client(&user(b), PASSWORD)).collect();
        for client in &mut clients {
            client.run("CREATE Archive");
        }
        let folders = BTreeMap::new();
        let mut all =
            Self { server, office, dir, boxes, mails: 0, kept: 0, bytes: 0, folders, clients, numbers: mails };
        for b in 0..boxes {
            let mails = all.office.mails(b, mails);
            for folder in FOLDERS {
                let here: Vec<&Mail> = mails.iter().filter(|m| m.folder == folder).collect();
                all.clients[b].append_all(folder, here.iter().map(|m| (&m.bytes[..], m.at)));
                here.into_iter().for_each(|m| all.note(b, m));
            }
        }
        all
    }

    /// Further mail, one in each mailbox in turn. The next plan is of these alone.
    pub fn deliver(&mut self, count: usize) {
        self.settle();
        for n in 0..count {
            self.one(n % self.boxes, |_| true);
        }
    }

    /// The next plan asks for nothing but what comes from now on.
    pub fn settle(&mut self) {
        for folder in self.folders.values_mut() {
            *folder = Folder { held: folder.held, ..Folder::default() };
        }
    }

    /// Delivers one mail, the next that is wanted.
    pub fn one(&mut self, rep: usize, wanted: impl Fn(&Mail) -> bool) -> Mail {
        loop {
            self.numbers += 1;
            let mail = self.office.fresh(rep, self.numbers);
            if wanted(&mail) {
                self.clients[rep].append(mail.folder, &mail.bytes, "", Some(mail.at));
                self.note(rep, &mail);
                return mail;
            }
        }
    }

    fn note(&mut self, rep: usize, mail: &Mail) {
        let folder = self.folders.entry((rep, mail.folder)).or_default();
        folder.held += 1;
        folder.fresh += 1;
        if let Some(section) = mail.text {
            // a new folder counts its UIDs from 1
            folder.texts.entry(section).or_default().push(folder.held);
            self.kept += 1;
        }
        self.mails += 1;
        self.bytes += mail.bytes.len();
    }

    /// What the floor must ask for: all that came since [`Mailboxes::settle`].
    pub fn plan(&self, port: u16) -> Plan {
        let ca_file = self.server.ca_file().display().to_string();
        let boxes = (0..self.boxes).map(|b| {
            let folders = FOLDERS.iter().filter_map(|name| Some((name, self.folders.get(&(b, name))?)));
            let folders = folders.map(|(name, f)| {
                let texts = f.texts.iter().map(|(s, uids)| ((*s).to_owned(), plan::set(uids), uids.len())).collect();
                let name = (*name).to_owned();
                plan::Folder { name, first: f.held - f.fresh + 1, mails: f.fresh as usize, texts }
            });
            plan::Mailbox { user: user(b), password: PASSWORD.into(), folders: folders.collect() }
        });
        Plan { port, ca_file, boxes: boxes.collect() }
    }

    /// The floor's command.
    pub fn floor(&self, port: u16) -> Command {
        let file = self.dir.path().join("plan");
        fs::write(&file, self.plan(port).write()).expect("the plan");
        own("floor-imap", &file)
    }

    /// Writes dealtrail's configuration into a folder; `more` are further settings of every mailbox.
    pub fn configure(&self, place: &Path, port: u16, more: &str) -> PathBuf {
        fs::create_dir_all(place).expect("a folder");
        let config = place.join("dealtrail.toml");
        let mut text = format!(
            "[database]\nurl = \"sqlite:{}\"\n[server]\nlisten = \"127.0.0.1:{}\"\n[organization]\ndomains = [\"acme.example\"]\n\
             [[connection]]\nname = \"crm\"\nconnector = \"csv\"\npath = \"{}\"\n",
            place.join("dealtrail.db").display(),
            dealtrail_testkit::ports::free(),
            self.dir.path().join("crm").display()
        );
        for b in 0..self.boxes {
            let name = user(b);
            write!(
                text,
                "[[user]]\nemail = \"{name}@acme.example\"\n[[connection]]\nname = \"{name}-mail\"\nconnector = \"imap\"\n\
                 owner = \"{name}@acme.example\"\nhost = \"localhost\"\nport = {port}\nca_file = \"{}\"\nusername = \"{name}\"\n\
                 password = \"{PASSWORD}\"\n{more}\n",
                self.server.ca_file().display()
            )
            .expect("a string");
        }
        fs::write(&config, text).expect("the configuration");
        config
    }

    /// Writes mbsync's configuration into a folder, and its command.
    pub fn mbsync(&self, place: &Path, port: u16) -> Command {
        fs::create_dir_all(place).expect("a folder");
        let config = place.join("mbsyncrc");
        let mut text = "FSync no\n\n".to_owned();
        for b in 0..self.boxes {
            let (name, to) = (user(b), place.join(user(b)));
            fs::create_dir_all(&to).expect("a Maildir's folder");
            let to = to.display();
            write!(
                text,
                "IMAPAccount {name}\nHost localhost\nPort {port}\nUser {name}\nPass {PASSWORD}\nSSLType IMAPS\n\
                 CertificateFile {}\nTimeout 60\n\nIMAPStore {name}-far\nAccount {name}\n\n\
                 MaildirStore {name}-near\nPath {to}/\nInbox {to}/INBOX\nSubFolders Verbatim\n\n\
                 Channel {name}\nFar :{name}-far:\nNear :{name}-near:\nPatterns INBOX Sent Archive\nCreate Near\nSync Pull\n\
                 SyncState *\n\n",
                self.server.ca_file().display()
            )
            .expect("a string");
        }
        fs::write(&config, text).expect("the configuration");
        let mut command = Command::new("mbsync");
        command.arg("-q").arg("-c").arg(&config).arg("-a");
        command
    }
}

pub fn user(n: usize) -> String {
    format!("rep{n}")
}

/// The program with a configuration.
pub fn dealtrail(config: &Path, what: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dealtrail"));
    command.arg("--config").arg(config).args(what);
    command
}

/// What dealtrail knows of mail: decisions, captured ones, texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    pub decisions: usize,
    pub captured: usize,
    pub texts: usize,
}

impl Known {
    /// Reads it out of the database in this folder.
    pub fn of(place: &Path) -> Self {
        let sql = "select count(*), count(case when outcome = 'captured' then 1 end), (select count(*) from texts) \
                   from items join streams on streams.id = items.stream where connection <> 'crm'";
        let numbers = |row: &rusqlite::Row<'_>| Ok([row.get(0)?, row.get(1)?, row.get(2)?]);
        let numbers: [i64; 3] = open(place).query_row(sql, [], numbers).expect("the counts");
        let [decisions, captured, texts] = numbers.map(|n| usize::try_from(n).expect("a count"));
        Self { decisions, captured, texts }
    }
}

/// The database in this folder, to read from.
pub fn open(place: &Path) -> Connection {
    Connection::open_with_flags(place.join("dealtrail.db"), OpenFlags::SQLITE_OPEN_READ_ONLY).expect("the database")
}

pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(work)
}

/// Files in the `new` and `cur` folders below a place.
pub fn files(place: &Path) -> usize {
    let entries: Vec<PathBuf> = fs::read_dir(place).expect("a folder").map(|e| e.expect("an entry").path()).collect();
    let mail = place.ends_with("new") || place.ends_with("cur");
    entries.iter().map(|path| if path.is_dir() { files(path) } else { usize::from(mail) }).sum()
}

/// Whether a program is installed; says so when it is not.
pub fn installed(program: &str, package: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let there = std::env::split_paths(&path).any(|p| p.join(program).is_file());
    if !there {
        println!("  {program} is missing (apt-get install {package}): left out");
    }
    there
}
