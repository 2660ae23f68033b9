//! A real Dovecot on free loopback ports, with a configuration, certificates and mail folders of its own.
//!
//! Works as root and as an ordinary user; everything lies in one temporary folder that goes away with the handle.
//! It reads no configuration of the machine and stops only the process it started.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use tempfile::TempDir;

use crate::ports;

/// User that owns the mail when the tests run as root, which Dovecot refuses as an owner: `nobody`.
const NOBODY: u32 = 65534;

/// A running Dovecot.
#[derive(Debug)]
pub struct Dovecot {
    dir: TempDir,
    child: Child,
    /// Plain text and STARTTLS.
    port: u16,
    /// TLS from the first byte.
    tls_port: u16,
}

/// What a test may want otherwise.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The server's certificate ended yesterday.
    pub expired: bool,
    /// Further lines of dovecot.conf.
    pub config: String,
}

impl Dovecot {
    /// Starts a server.
    ///
    /// # Panics
    /// When Dovecot is not installed or does not start, with its log.
    pub fn start() -> Self {
        Self::start_with(&Options::default())
    }

    /// Starts a server that differs from the usual one.
    ///
    /// # Panics
    /// As [`Dovecot::start`].
    pub fn start_with(options: &Options) -> Self {
        // A port that was free may be taken by another test before Dovecot takes it.
        let attempts = (0..4).map(|_| Self::attempt(options));
        let mut log = String::new();
        for attempt in attempts {
            match attempt {
                Ok(server) => return server,
                Err(why) => log = why,
            }
        }
        panic!("Dovecot does not start:\n{log}");
    }

    /// The server, or why it did not start.
    fn attempt(options: &Options) -> Result<Self, String> {
        let program = program();
        let dir = tempfile::Builder::new().prefix("dt-dovecot").tempdir().expect("a temporary folder");
        // As root the mail belongs to another user, who must be able to reach it.
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).expect("a folder that others may enter");
        for name in ["run", "state", "mail"] {
            fs::create_dir(dir.path().join(name)).expect("a folder of the server");
        }
        fs::write(dir.path().join("users"), "").expect("the users file");
        let root = is_root(dir.path());
        if root {
            std::os::unix::fs::chown(dir.path().join("mail"), Some(NOBODY), Some(NOBODY)).expect("mail for nobody");
        }
        certificates(dir.path(), options.expired);
        let (port, tls_port) = (ports::free(), ports::free());
        let text = config(dir.path(), root, port, tls_port) + &options.config;
        fs::write(dir.path().join("dovecot.conf"), text).expect("the configuration");
        let child = Command::new(program)
            .arg("-F")
            .arg("-c")
            .arg(dir.path().join("dovecot.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Dovecot can be started");
        let mut server = Self { dir, child, port, tls_port };
        server.await_ready()?;
        Ok(server)
    }

    pub fn host(&self) -> &'static str {
        "127.0.0.1"
    }
    /// Port for plain text and STARTTLS.
    pub fn port(&self) -> u16 {
        self.port
    }
    /// Port for TLS from the first byte.
    pub fn tls_port(&self) -> u16 {
        self.tls_port
    }
    /// Certificate of the issuer of the server's certificate, which is made out to `localhost` and 127.0.0.1.
    pub fn ca_file(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }
    /// SHA-256 of the server's certificate as openssl prints it: hex with colons.
    pub fn fingerprint(&self) -> String {
        let out = openssl(self.dir.path(), &["x509", "-in", "server.pem", "-noout", "-fingerprint", "-sha256"]);
        out.split_once('=').map(|(_, hex)| hex.trim().to_owned()).expect("openssl prints a fingerprint")
    }
    /// What the server logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// Makes a user, or gives one a new password. The password serves as an OAuth token as well.
    pub fn user(&self, name: &str, password: &str) {
        let path = self.dir.path().join("users");
        let known = fs::read_to_string(&path).expect("the users file");
        let mut text: String =
            known.lines().filter(|l| !l.starts_with(&format!("{name}:"))).map(|l| format!("{l}\n")).collect();
        text.push_str(&format!("{name}:{{PLAIN}}{password}\n"));
        // Moved into place, so that the server never reads half a file and always sees another one.
        let fresh = self.dir.path().join("users.new");
        fs::write(&fresh, text).expect("the new users file");
        fs::set_permissions(&fresh, fs::Permissions::from_mode(0o644)).expect("a readable users file");
        fs::rename(fresh, path).expect("the users file");
    }

    /// Another client, signed in over plain text.
    pub fn client(&self, user: &str, password: &str) -> Client {
        let mut client = Client::connect(self.port);
        client.run(&format!("LOGIN {} {}", quoted(user), quoted(password)));
        client
    }

    /// Ends every connection of a user, as a restart of the server would.
    ///
    /// # Panics
    /// When the server does not do it.
    pub fn kick(&self, user: &str) {
        let config = self.dir.path().join("dovecot.conf");
        let done = Command::new("doveadm").arg("-c").arg(config).args(["kick", user]).output();
        let done = done.expect("doveadm is not installed: this test needs the package dovecot-core");
        assert!(done.status.success(), "doveadm kick: {}", String::from_utf8_lossy(&done.stderr));
    }

    fn await_ready(&mut self) -> Result<(), String> {
        let end = Instant::now() + Duration::from_secs(30);
        while Instant::now() < end {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!("it ended at once ({status}):\n{}", self.log()));
            }
            if [self.port, self.tls_port].iter().all(|p| TcpStream::connect(("127.0.0.1", *p)).is_ok()) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(30));
        }
        Err(format!("it does not listen:\n{}", self.log()))
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        // TERM lets the master end its children; a KILL would leave them behind.
        let _gone = Command::new("kill").arg(self.child.id().to_string()).status();
        let end = Instant::now() + Duration::from_secs(10);
        while Instant::now() < end {
            if let Ok(Some(_)) = self.child.try_wait() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// A plain blocking IMAP client that does whatever a test tells it: the other program that changes the mailbox.
#[derive(Debug)]
pub struct Client {
    reader: BufReader<TcpStream>,
    last_tag: u32,
}

impl Client {
    fn connect(port: u16) -> Self {
        let socket = TcpStream::connect(("127.0.0.1", port)).expect("the server listens");
        socket.set_read_timeout(Some(Duration::from_secs(60))).expect("a read deadline");
        let mut client = Self { reader: BufReader::new(socket), last_tag: 0 };
        client.line();
        client
    }

    /// Runs one command and returns everything the server said, literals included.
    ///
    /// # Panics
    /// When the answer is not OK.
    pub fn run(&mut self, command: &str) -> String {
        let tag = self.send(command.as_bytes(), None);
        self.finish(tag, command)
    }

    /// Appends a message and returns its UID.
    ///
    /// # Panics
    /// When the server refuses it.
    pub fn append(&mut self, folder: &str, message: &[u8], flags: &str, at: Option<DateTime<Utc>>) -> u32 {
        let tag = self.start_append(folder, message, flags, at);
        let answer = self.finish(tag, "APPEND");
        let code = answer.split("[APPENDUID ").nth(1).and_then(|s| s.split(']').next());
        code.and_then(|c| c.split(' ').nth(1)).and_then(|u| u.parse().ok()).expect("APPENDUID")
    }

    /// Appends many messages, a hundred in flight.
    ///
    /// # Panics
    /// When the server refuses one.
    pub fn append_all<'a>(&mut self, folder: &str, messages: impl IntoIterator<Item = (&'a [u8], DateTime<Utc>)>) {
        let mut waiting = std::collections::VecDeque::new();
        for (message, at) in messages {
            waiting.push_back(self.start_append(folder, message, "", Some(at)));
            if waiting.len() == 100 {
                let tag = waiting.pop_front().expect("a hundred are waiting");
                self.finish(tag, "APPEND");
            }
        }
        for tag in waiting {
            self.finish(tag, "APPEND");
        }
    }

    fn start_append(&mut self, folder: &str, message: &[u8], flags: &str, at: Option<DateTime<Utc>>) -> u32 {
        let at = at.map_or(String::new(), |t| format!(" \"{}\"", t.format("%d-%b-%Y %H:%M:%S +0000")));
        let command = format!("APPEND {} ({flags}){at} {{{}+}}", quoted(folder), message.len());
        self.send(command.as_bytes(), Some(message))
    }

    fn send(&mut self, command: &[u8], literal: Option<&[u8]>) -> u32 {
        self.last_tag += 1;
        let mut bytes = format!("t{} ", self.last_tag).into_bytes();
        bytes.extend_from_slice(command);
        bytes.extend_from_slice(b"\r\n");
        if let Some(literal) = literal {
            bytes.extend_from_slice(literal);
            bytes.extend_from_slice(b"\r\n");
        }
        self.reader.get_mut().write_all(&bytes).expect("the server takes the command");
        self.last_tag
    }

    fn finish(&mut self, tag: u32, command: &str) -> String {
        let wanted = format!("t{tag} ");
        let mut all = String::new();
        loop {
            let line = self.line();
            all.push_str(&line);
            if let Some(result) = line.strip_prefix(&wanted) {
                assert!(result.starts_with("OK"), "{command}: {result}");
                return all;
            }
            if let Some(size) = literal(&line) {
                let mut bytes = vec![0; size];
                self.reader.read_exact(&mut bytes).expect("the literal");
                all.push_str(&String::from_utf8_lossy(&bytes));
            }
        }
    }

    fn line(&mut self) -> String {
        let mut line = Vec::new();
        let read = self.reader.read_until(b'\n', &mut line).expect("a line from the server");
        assert!(read > 0, "the server closed the connection");
        String::from_utf8_lossy(&line).into_owned()
    }
}

fn literal(line: &str) -> Option<usize> {
    line.trim_end().strip_suffix('}')?.rsplit_once('{')?.1.parse().ok()
}

/// A quoted string of RFC 9051.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Where Debian, others, and a build of one's own put the program.
fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<PathBuf> = std::env::split_paths(&path).collect();
    places.extend(["/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin"].map(PathBuf::from));
    let found = places.into_iter().map(|p| p.join("dovecot")).find(|p| p.is_file());
    found.expect("Dovecot is not installed: this test needs the package dovecot-imapd (apt install dovecot-imapd)")
}

/// True when files we make belong to root.
fn is_root(dir: &Path) -> bool {
    fs::metadata(dir).expect("the folder is there").uid() == 0
}

fn openssl(dir: &Path, arguments: &[&str]) -> String {
    let out = Command::new("openssl").current_dir(dir).args(arguments).output();
    let out = out.expect("openssl is not installed: this test needs the package openssl");
    assert!(out.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).into_owned()
}

/// A CA and a server certificate issued by it.
fn certificates(dir: &Path, expired: bool) {
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    let mut ca = vec!["req", "-x509", "-keyout", "ca.key", "-out", "ca.pem", "-days", "30", "-subj", "/CN=Test CA"];
    ca.extend(key);
    openssl(dir, &ca);
    let mut request = vec!["req", "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost"];
    request.extend(key);
    openssl(dir, &request);
    let extensions =
        "subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n";
    fs::write(dir.join("server.ext"), extensions).expect("the extensions");
    let days = if expired { "-1" } else { "30" };
    let sign = ["x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"];
    let mut sign = sign.to_vec();
    sign.extend(["-out", "server.pem", "-days", days, "-extfile", "server.ext"]);
    openssl(dir, &sign);
}

fn config(dir: &Path, root: bool, port: u16, tls_port: u16) -> String {
    let at = dir.display();
    let meta = fs::metadata(dir).expect("the folder is there");
    // As root the package's own users keep the processes apart; as anybody else there is only one user.
    let (uid, gid, who) = if root {
        (NOBODY, NOBODY, String::new())
    } else {
        let me = Command::new("id").arg("-un").output().expect("id").stdout;
        let group = Command::new("id").arg("-gn").output().expect("id").stdout;
        let (me, group) =
            (String::from_utf8_lossy(&me).trim().to_owned(), String::from_utf8_lossy(&group).trim().to_owned());
        let who = format!(
            "default_internal_user = {me}\ndefault_internal_group = {group}\ndefault_login_user = {me}\n\
             service anvil {{\n  chroot =\n}}\nservice stats {{\n  chroot =\n}}\nservice imap-login {{\n  chroot =\n}}\n"
        );
        (meta.uid(), meta.gid(), who)
    };
    format!(
        "base_dir = {at}/run\nstate_dir = {at}/state\nlog_path = {at}/log\nprotocols = imap\nlisten = 127.0.0.1\n\
         ssl = yes\nssl_cert = <{at}/server.pem\nssl_key = <{at}/server.key\ndisable_plaintext_auth = no\n\
         auth_mechanisms = plain login xoauth2 oauthbearer\nauth_failure_delay = 0\nauth_cache_size = 0\n\
         mail_location = sdbox:{at}/mail/%u\nmail_fsync = never\nfirst_valid_uid = 1\nmail_max_userip_connections = 20\n\
         {who}\
         service anvil {{\n  unix_listener anvil-auth-penalty {{\n    mode = 0\n  }}\n}}\n\
         service imap-login {{\n  process_min_avail = 0\n  inet_listener imap {{\n    port = {port}\n  }}\n  \
         inet_listener imaps {{\n    port = {tls_port}\n    ssl = yes\n  }}\n}}\n\
         passdb {{\n  driver = passwd-file\n  args = scheme=PLAIN username_format=%u {at}/users\n}}\n\
         userdb {{\n  driver = static\n  args = uid={uid} gid={gid} home={at}/mail/%u\n}}\n\
         namespace inbox {{\n  inbox = yes\n  separator = /\n\
         mailbox Drafts {{\n    special_use = \\Drafts\n    auto = subscribe\n  }}\n  \
         mailbox Junk {{\n    special_use = \\Junk\n    auto = subscribe\n  }}\n  \
         mailbox Trash {{\n    special_use = \\Trash\n    auto = subscribe\n  }}\n  \
         mailbox Sent {{\n    special_use = \\Sent\n    auto = subscribe\n  }}\n}}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_mail_and_gives_it_back() {
        let server = Dovecot::start();
        server.user("ana", "pass word\"\\");
        let mut client = server.client("ana", "pass word\"\\");
        let uid = client.append("INBOX", b"Subject: hello\r\n\r\nbody\r\n", "\\Seen", None);
        assert_eq!(uid, 1);
        client.run("SELECT INBOX");
        assert!(client.run("UID FETCH 1 (FLAGS BODY[])").contains("Subject: hello"));
        assert!(client.run("LIST (SPECIAL-USE) \"\" \"*\"").contains("\\Sent"), "special use");
        assert_eq!(server.fingerprint().len(), 95);
    }
}
