//! A small honest IMAP mailbox whose answers a test may replace, for the lies that real servers never tell on demand.
//!
//! It runs on a thread of its own and remembers every command. It knows just enough IMAP for one reader and one folder.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};

/// What a test answers in the server's place. `{tag}` stands for the command's tag.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Untagged lines; the tagged OK follows by itself.
    Say(String),
    /// Everything, the tagged line included.
    Whole(String),
    /// These bytes, and the line goes dead.
    Close(String),
}

type Answer = Box<dyn FnMut(&mut Server, &str) -> Option<Reply> + Send>;

/// What the mailbox holds.
#[derive(Clone)]
pub struct Server {
    pub validity: Option<u32>,
    pub next: u32,
    pub modseq: u64,
    pub mails: BTreeMap<u32, String>,
    pub structures: BTreeMap<u32, String>,
    pub capabilities: String,
    pub greeting: String,
    /// Lines of LIST, without `* LIST `.
    pub folders: Vec<String>,
    /// INTERNALDATE of every mail.
    pub received: String,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Server({} mails)", self.mails.len())
    }
}

impl Server {
    /// The UIDs of a set that exist.
    pub fn uids(&self, set: &str) -> Vec<u32> {
        let ranges: Vec<(u32, u32)> = set
            .split(',')
            .filter_map(|part| {
                let (a, b) = part.split_once(':').unwrap_or((part, part));
                Some((a.parse().ok()?, b.parse().ok()?))
            })
            .collect();
        self.mails.keys().copied().filter(|uid| ranges.iter().any(|(a, b)| (a..=b).contains(&uid))).collect()
    }

    /// The UIDs that a command asks to be fetched.
    pub fn wanted(&self, command: &str) -> Option<Vec<u32>> {
        Some(self.uids(command.strip_prefix("UID FETCH ")?.split(' ').next()?))
    }

    pub fn examined(&self) -> String {
        let validity = self.validity.map(|v| format!("* OK [UIDVALIDITY {v}] valid\r\n")).unwrap_or_default();
        format!(
            "* FLAGS (\\Seen)\r\n* {} EXISTS\r\n{validity}* OK [UIDNEXT {}] next\r\n* OK [HIGHESTMODSEQ {}] mod\r\n",
            self.mails.len(),
            self.next,
            self.modseq
        )
    }

    /// What STATUS tells of a folder; all hold the same.
    pub fn told(&self, name: &str) -> String {
        let validity = self.validity.map(|v| format!(" UIDVALIDITY {v}")).unwrap_or_default();
        let (count, next, modseq) = (self.mails.len(), self.next, self.modseq);
        format!("* STATUS {name} (MESSAGES {count} UIDNEXT {next}{validity} HIGHESTMODSEQ {modseq})\r\n")
    }

    /// Answers of FETCH for what `command` asks, of the messages of `set`.
    ///
    /// # Panics
    /// When a mail has no end of its header.
    pub fn fetch(&self, set: &str, command: &str) -> String {
        let mut out = String::new();
        for uid in self.uids(set) {
            let number = self.mails.keys().take_while(|u| **u <= uid).count();
            let text = &self.mails[&uid];
            let _ok = write!(out, "* {number} FETCH (UID {uid} FLAGS ()");
            let (header, body) = text.split_once("\r\n\r\n").expect("a header");
            if command.contains("RFC822.SIZE") {
                let _ok = write!(out, " INTERNALDATE \"{}\" RFC822.SIZE {}", self.received, text.len());
            }
            if command.contains("BODYSTRUCTURE") {
                let plain = format!("(\"text\" \"plain\" NIL NIL NIL \"7bit\" {} 1)", body.len());
                let _ok = write!(out, " BODYSTRUCTURE {}", self.structures.get(&uid).unwrap_or(&plain));
            }
            if command.contains("HEADER.FIELDS") {
                let _ok = write!(out, " BODY[HEADER.FIELDS (FROM)] {{{}}}\r\n{header}\r\n\r\n", header.len() + 4);
            }
            if command.contains("BODY.PEEK[]") {
                let _ok = write!(out, " BODY[]<0> {{{}}}\r\n{text}", text.len());
            }
            if command.contains("BODY.PEEK[1]") {
                let _ok = write!(out, " BODY[1]<0> {{{}}}\r\n{body}", body.len());
            }
            out.push_str(")\r\n");
        }
        out
    }

    /// What an honest server says to a command, without the tagged line.
    pub fn honest(&self, command: &str) -> String {
        let words: Vec<&str> = command.split(' ').collect();
        match words[..] {
            ["CAPABILITY"] => format!("* CAPABILITY {}\r\n", self.capabilities),
            ["LIST", ..] => {
                let told = command.contains("STATUS (");
                let line = |line: &String| {
                    let name = line.rsplit(' ').next().unwrap_or_default();
                    format!("* LIST {line}\r\n{}", if told { self.told(name) } else { String::new() })
                };
                self.folders.iter().map(line).collect()
            }
            ["STATUS", name, ..] => self.told(name),
            ["EXAMINE", ..] => self.examined(),
            ["UID", "SEARCH", "UID", set] => {
                let found: Vec<String> = self.uids(set).iter().map(u32::to_string).collect();
                format!("* SEARCH {}\r\n", found.join(" "))
            }
            ["UID", "FETCH", set, ..] => self.fetch(set, command),
            ["LOGOUT"] => "* BYE until later\r\n".into(),
            _ => String::new(),
        }
    }
}

#[derive(Default)]
struct Log {
    commands: Vec<String>,
    connections: usize,
}

/// A running server; it ends when it is dropped.
pub struct Imap {
    port: u16,
    server: Arc<Mutex<Server>>,
    answer: Arc<Mutex<Option<Answer>>>,
    log: Arc<Mutex<Log>>,
    stop: Option<oneshot::Sender<()>>,
}

impl fmt::Debug for Imap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Imap(127.0.0.1:{})", self.port)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Imap {
    /// A mailbox with one small mail per UID.
    pub fn with(uids: &[u32]) -> Self {
        let mail = |uid: &u32| (*uid, format!("Subject: mail {uid}\r\nFrom: a@b.example\r\n\r\ntext of {uid}\r\n"));
        Self::holding(uids.iter().map(mail).collect())
    }

    /// A mailbox with these mails.
    pub fn holding(mails: BTreeMap<u32, String>) -> Self {
        let server = Server {
            validity: Some(7),
            next: mails.last_key_value().map_or(1, |(uid, _)| uid.saturating_add(1)),
            modseq: 1,
            mails,
            structures: BTreeMap::new(),
            capabilities: "IMAP4rev1".into(),
            greeting: "* OK ready\r\n".into(),
            folders: vec!["(\\HasNoChildren) \"/\" INBOX".into()],
            received: "01-Oct-2026 00:00:00 +0000".into(),
        };
        Self { port: 0, server: Arc::new(Mutex::new(server)), answer: Arc::default(), log: Arc::default(), stop: None }
    }

    /// Listens from now on.
    ///
    /// # Panics
    /// When no loopback port can be had.
    #[must_use]
    pub fn start(mut self) -> Self {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        socket.set_nonblocking(true).expect("a socket that does not block");
        self.port = socket.local_addr().expect("an address").port();
        let (stop, stopped) = oneshot::channel::<()>();
        self.stop = Some(stop);
        let (server, answer, log) = (self.server.clone(), self.answer.clone(), self.log.clone());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            let accept = async move {
                let listener = TcpListener::from_std(socket).expect("a listening socket");
                while let Ok((stream, _)) = listener.accept().await {
                    lock(&log).connections += 1;
                    tokio::spawn(serve(stream, server.clone(), answer.clone(), log.clone()));
                }
            };
            runtime.block_on(async {
                tokio::select! {
                    () = accept => {}
                    _ended = stopped => {}
                }
            });
        });
        self
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Replaces answers: `None` leaves the honest one.
    pub fn answer(&self, answer: impl FnMut(&mut Server, &str) -> Option<Reply> + Send + 'static) {
        *lock(&self.answer) = Some(Box::new(answer));
    }

    /// Honest again.
    pub fn repent(&self) {
        *lock(&self.answer) = None;
    }

    pub fn change(&self, change: impl FnOnce(&mut Server)) {
        change(&mut lock(&self.server));
    }

    /// Every command so far, without its tag.
    pub fn commands(&self) -> Vec<String> {
        lock(&self.log).commands.clone()
    }

    pub fn connections(&self) -> usize {
        lock(&self.log).connections
    }
}

async fn serve(
    stream: TcpStream,
    server: Arc<Mutex<Server>>,
    answer: Arc<Mutex<Option<Answer>>>,
    log: Arc<Mutex<Log>>,
) {
    let mut stream = BufReader::new(stream);
    let greeting = lock(&server).greeting.clone();
    if greeting.is_empty() || stream.write_all(greeting.as_bytes()).await.is_err() {
        return;
    }
    let mut last_tag = String::new();
    while let Some(line) = command(&mut stream).await {
        let Some((tag, command)) = line.split_once(' ') else {
            let done = format!("{last_tag} OK done\r\n");
            if line == "DONE" && stream.write_all(done.as_bytes()).await.is_err() {
                return;
            }
            continue;
        };
        tag.clone_into(&mut last_tag);
        lock(&log).commands.push(command.to_owned());
        let reply = {
            let mut server = lock(&server);
            let replaced = lock(&answer).as_mut().and_then(|a| a(&mut server, command));
            replaced.unwrap_or_else(|| Reply::Say(server.honest(command)))
        };
        let (text, close) = match reply {
            Reply::Say(text) => (format!("{text}{tag} OK done\r\n"), false),
            Reply::Whole(text) => (text.replace("{tag}", tag), false),
            Reply::Close(text) => (text.replace("{tag}", tag), true),
        };
        if stream.write_all(text.as_bytes()).await.is_err() || close || command == "LOGOUT" {
            return;
        }
    }
}

/// One command with its literals; `None` when the client hung up.
async fn command(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut all = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let line = line.trim_end_matches(['\r', '\n']);
        all.push_str(line);
        let size = line.strip_suffix('}').and_then(|l| l.rsplit_once('{')).and_then(|(_, n)| n.parse::<usize>().ok());
        let Some(size) = size else { return Some(all) };
        stream.write_all(b"+ go on\r\n").await.ok()?;
        let mut literal = vec![0; size];
        stream.read_exact(&mut literal).await.ok()?;
        all.push_str(&String::from_utf8_lossy(&literal));
    }
}
