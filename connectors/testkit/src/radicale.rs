//! A real Radicale (Debian package `radicale`) with a folder, users and a port of its own. It is stopped, by its
//! process id, when the handle is dropped. Changes made here are what a person's calendar program would do.

use std::{
    collections::{BTreeMap, HashMap},
    fmt, fs,
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use dealtrail_net::http::base64;
use tempfile::TempDir;

use crate::ports;

const PROGRAM: &str = "/usr/bin/radicale";

/// The running server.
pub struct Radicale {
    dir: TempDir,
    plain: Process,
    tls: Option<Process>,
    passwords: Mutex<HashMap<String, String>>,
}

impl fmt::Debug for Radicale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Radicale(127.0.0.1:{})", self.plain.port)
    }
}

impl Radicale {
    /// Starts the server and waits until it answers.
    ///
    /// # Panics
    /// When Radicale is not installed or does not come up.
    pub fn start() -> Self {
        Self::launch(None)
    }

    /// The same, and the same calendars by TLS as well, with a certificate and its key (PEM files).
    ///
    /// # Panics
    /// As [`Radicale::start`].
    pub fn start_tls(certificate: &Path, key: &Path) -> Self {
        Self::launch(Some((certificate, key)))
    }

    fn launch(tls: Option<(&Path, &Path)>) -> Self {
        assert!(Path::new(PROGRAM).exists(), "{PROGRAM} is missing: install the Debian package `radicale`");
        let dir = tempfile::Builder::new().prefix("dealtrail-radicale-").tempdir().expect("a temporary folder");
        fs::write(dir.path().join("users"), "").expect("the users file can be written");
        let plain = Process::start(dir.path(), None);
        let tls = tls.map(|tls| Process::start(dir.path(), Some(tls)));
        Self { dir, plain, tls, passwords: Mutex::new(HashMap::new()) }
    }

    /// `http://127.0.0.1:PORT`, without a slash at its end.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.plain.port)
    }

    /// `https://localhost:PORT`, when it was started with a certificate.
    pub fn tls_url(&self) -> Option<String> {
        self.tls.as_ref().map(|p| format!("https://localhost:{}", p.port))
    }

    /// The address of a calendar's collection, as a path.
    pub fn path(user: &str, calendar: &str) -> String {
        format!("/{}/{}/", segment(user), segment(calendar))
    }

    /// Adds a user, or changes the password.
    ///
    /// # Panics
    /// When the users file cannot be written.
    pub fn user(&self, name: &str, password: &str) {
        let mut passwords = self.passwords.lock().expect("no test panicked here");
        passwords.insert(name.to_string(), password.to_string());
        let text: String = passwords.iter().map(|(n, p)| format!("{n}:{p}\n")).collect();
        fs::write(self.dir.path().join("users"), text).expect("the users file can be written");
    }

    /// Makes a calendar whose display name and address are `name`.
    pub fn make_calendar(&self, user: &str, name: &str) {
        self.make(user, name, "VEVENT");
    }

    /// Makes a collection for other things than events: `VTODO`, `VJOURNAL`.
    ///
    /// # Panics
    /// When the server refuses.
    pub fn make(&self, user: &str, name: &str, component: &str) {
        let body = format!(
            "<?xml version=\"1.0\"?><C:mkcalendar xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><D:set><D:prop>\
             <D:displayname>{}</D:displayname><C:supported-calendar-component-set><C:comp name=\"{component}\"/>\
             </C:supported-calendar-component-set></D:prop></D:set></C:mkcalendar>",
            name.replace('&', "&amp;").replace('<', "&lt;")
        );
        let (status, _) = self.call(user, "MKCALENDAR", &Self::path(user, name), "application/xml", &body);
        assert_eq!(status, 201, "the calendar {name} could not be made");
    }

    /// Writes one calendar object.
    ///
    /// # Panics
    /// When the server refuses.
    pub fn put(&self, user: &str, calendar: &str, file: &str, ics: &str) {
        let path = Self::path(user, calendar) + &segment(file);
        let (status, answer) = self.call(user, "PUT", &path, "text/calendar; charset=utf-8", ics);
        assert!(matches!(status, 201 | 204), "{file} could not be written: {status} {answer}");
    }

    /// Deletes one calendar object.
    ///
    /// # Panics
    /// When the server refuses.
    pub fn delete(&self, user: &str, calendar: &str, file: &str) {
        let path = Self::path(user, calendar) + &segment(file);
        let (status, _) = self.call(user, "DELETE", &path, "text/plain", "");
        assert!(matches!(status, 200 | 204), "{file} could not be deleted: {status}");
    }

    /// Deletes a calendar with all it holds.
    ///
    /// # Panics
    /// When the server refuses.
    pub fn delete_calendar(&self, user: &str, calendar: &str) {
        let (status, _) = self.call(user, "DELETE", &Self::path(user, calendar), "text/plain", "");
        assert!(matches!(status, 200 | 204), "{calendar} could not be deleted: {status}");
    }

    /// Forgets every sync-token, as a restore from a backup does.
    ///
    /// # Panics
    /// When the folder cannot be read.
    pub fn forget_tokens(&self) {
        walk(&self.store(), &mut |path| {
            if path.components().any(|c| c.as_os_str() == "sync-token") {
                fs::remove_file(path).expect("a sync-token can be removed");
            }
        });
    }

    /// Everything the server keeps for its users, without its caches: the proof that nothing was written.
    ///
    /// # Panics
    /// When the folder cannot be read.
    pub fn snapshot(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut all = BTreeMap::new();
        walk(&self.store(), &mut |path| {
            if !path.components().any(|c| c.as_os_str() == ".Radicale.cache" || c.as_os_str() == ".Radicale.lock") {
                all.insert(path.to_path_buf(), fs::read(path).expect("the file can be read"));
            }
        });
        all
    }

    fn store(&self) -> PathBuf {
        self.dir.path().join("collections")
    }

    fn call(&self, user: &str, method: &str, path: &str, media_type: &str, body: &str) -> (u16, String) {
        let password = self.passwords.lock().expect("no test panicked here").get(user).cloned().unwrap_or_default();
        let login = base64(format!("{user}:{password}").as_bytes());
        let head = format!(
            "{method} {path} HTTP/1.0\r\nHost: 127.0.0.1\r\nAuthorization: Basic {login}\r\nContent-Type: {media_type}\r\n\
             Content-Length: {}\r\n\r\n",
            body.len()
        );
        let answer = exchange(self.plain.port, &(head + body)).expect("Radicale answers");
        let status = answer.split_whitespace().nth(1).and_then(|s| s.parse().ok()).expect("a status line");
        let body = answer.split_once("\r\n\r\n").map(|(_, b)| b.to_string()).unwrap_or_default();
        (status, body)
    }
}

/// One process on the folder.
struct Process {
    child: Child,
    port: u16,
}

impl Process {
    fn start(dir: &Path, tls: Option<(&Path, &Path)>) -> Self {
        // Somebody else may take the port between choosing and listening.
        (0..5).find_map(|_| Self::attempt(dir, tls)).unwrap_or_else(|| {
            let log = fs::read_to_string(dir.join("log")).unwrap_or_default();
            panic!("Radicale (Debian package `radicale`) did not start:\n{log}")
        })
    }

    fn attempt(dir: &Path, tls: Option<(&Path, &Path)>) -> Option<Self> {
        let port = ports::free();
        let file = dir.join(if tls.is_some() { "tls.conf" } else { "plain.conf" });
        fs::write(&file, config(dir, port, tls)).expect("the configuration can be written");
        let log = fs::File::create(dir.join("log")).expect("the log can be written");
        let child = Command::new(PROGRAM)
            .args(["--config", file.to_str().expect("the temporary folder's name is text")])
            .env_remove("RADICALE_CONFIG")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("Radicale can be started");
        let mut process = Self { child, port };
        let end = Instant::now() + Duration::from_secs(60);
        while Instant::now() < end {
            if process.child.try_wait().expect("our own child").is_some() {
                return None;
            }
            let up = if tls.is_some() {
                TcpStream::connect(("127.0.0.1", port)).is_ok()
            } else {
                exchange(port, "GET /.web/ HTTP/1.0\r\n\r\n").is_some_and(|answer| answer.starts_with("HTTP/"))
            };
            if up {
                return Some(process);
            }
            thread::sleep(Duration::from_millis(25));
        }
        None
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn config(dir: &Path, port: u16, tls: Option<(&Path, &Path)>) -> String {
    let dir = dir.display();
    let tls = tls.map_or_else(String::new, |(certificate, key)| {
        format!("ssl = True\ncertificate = {}\nkey = {}\n", certificate.display(), key.display())
    });
    format!(
        "[server]\nhosts = 127.0.0.1:{port}\nmax_connections = 40\n{tls}\
         [auth]\ntype = htpasswd\nhtpasswd_filename = {dir}/users\nhtpasswd_encryption = plain\ndelay = 0\n\
         [rights]\ntype = owner_only\n\
         [storage]\nfilesystem_folder = {dir}/collections\n\
         [web]\ntype = none\n\
         [logging]\nlevel = warning\n"
    )
}

fn exchange(port: u16, request: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(60))).ok()?;
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    Some(String::from_utf8_lossy(&answer).into_owned())
}

/// Percent-encodes one segment of a path (RFC 3986 section 3.3).
fn segment(text: &str) -> String {
    let keep = |b: u8| b.is_ascii_alphanumeric() || b"-._~@".contains(&b);
    text.bytes().map(|b| if keep(b) { (b as char).to_string() } else { format!("%{b:02X}") }).collect()
}

fn walk(dir: &Path, visit: &mut impl FnMut(&Path)) {
    // A folder that does not exist yet holds nothing; a cache may vanish while we look.
    let Ok(entries) = fs::read_dir(dir) else { return };
    for path in entries.flatten().map(|e| e.path()) {
        if path.is_dir() { walk(&path, visit) } else { visit(&path) }
    }
}
