//! The IMAP floor: signs in, opens the folders, and asks in one go for what dealtrail needs of each: header fields and
//! structure of every mail, the text part of those that are kept. Bytes are counted and dropped.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    sync::Arc,
};

use dealtrail_sdk::mime;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};

use super::plan::{Folder, Mailbox, Plan};

/// What dealtrail asks for of a text of 64 KiB in plain form: transfer encodings take room.
const TEXT: usize = 96 << 10;
/// Commands sent ahead of their answers.
const IN_FLIGHT: usize = 16;
/// Runs of UIDs named in one command: no line so long that a server might refuse it.
const RUNS: usize = 500;

/// Reads all that is planned.
pub fn run(plan: &Plan) {
    let tls = trust(&plan.ca_file);
    super::side_by_side(plan.boxes.iter().collect(), |mailbox: &Mailbox| {
        let mut line = Line::open(plan.port, &tls, &mailbox.user, &mailbox.password);
        let commands: Vec<String> = mailbox.folders.iter().flat_map(asked).collect();
        let seen = line.run(&commands);
        let mails: usize = mailbox.folders.iter().map(|f| f.mails).sum();
        let texts: usize = mailbox.folders.iter().flat_map(|f| &f.texts).map(|t| t.2).sum();
        assert_eq!((seen.mails, seen.texts), (mails, texts), "everything that was asked for came");
    });
}

/// The commands of one folder.
fn asked(folder: &Folder) -> Vec<String> {
    let mut all =
        vec![format!("EXAMINE {}", folder.name), format!("UID FETCH {}:4294967294 ({})", folder.first, items())];
    for (section, uids, _) in &folder.texts {
        let runs: Vec<&str> = uids.split(',').collect();
        all.extend(runs.chunks(RUNS).map(|some| format!("UID FETCH {} ({})", some.join(","), text(section))));
    }
    all
}

/// What is asked for of every mail.
pub fn items() -> String {
    let fields: Vec<String> = mime::FIELDS.iter().map(|f| f.to_ascii_uppercase()).collect();
    format!("UID FLAGS INTERNALDATE RFC822.SIZE BODYSTRUCTURE BODY.PEEK[HEADER.FIELDS ({})]", fields.join(" "))
}

/// What is asked for of a mail that is kept.
pub fn text(section: &str) -> String {
    format!("UID BODY.PEEK[{section}]<0.{TEXT}>")
}

/// TLS that believes one issuer.
pub fn trust(ca_file: &str) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca_file).expect("a certificate")).expect("an issuer's certificate");
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(ring).with_safe_default_protocol_versions().expect("TLS 1.3");
    Arc::new(config.with_root_certificates(roots).with_no_client_auth())
}

/// What came back.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    pub mails: usize,
    pub texts: usize,
    pub bytes: usize,
    /// EXISTS, as it was said last.
    pub exists: u32,
}

/// One connection, signed in.
pub struct Line {
    stream: BufReader<StreamOwned<ClientConnection, TcpStream>>,
    tag: u32,
    line: Vec<u8>,
}

impl Line {
    pub fn open(port: u16, tls: &Arc<ClientConfig>, user: &str, password: &str) -> Self {
        let socket = TcpStream::connect(("127.0.0.1", port)).expect("the server listens");
        socket.set_nodelay(true).expect("a TCP socket");
        let name = ServerName::try_from("localhost").expect("a name");
        let connection = ClientConnection::new(tls.clone(), name).expect("a TLS client");
        let stream = BufReader::with_capacity(32 << 10, StreamOwned::new(connection, socket));
        let mut line = Self { stream, tag: 0, line: Vec::new() };
        line.answer(&mut Seen::default());
        line.run(&[format!("LOGIN {user} {password}")]);
        line
    }

    /// Sends the commands, many ahead of their answers, and reads all answers.
    pub fn run(&mut self, commands: &[String]) -> Seen {
        let (mut seen, mut sent, mut done) = (Seen::default(), 0, 0);
        while done < commands.len() {
            let ahead = commands.len().min(done + IN_FLIGHT);
            if sent < ahead {
                self.send(&commands[sent..ahead]);
                sent = ahead;
            }
            done += usize::from(self.answer(&mut seen));
        }
        seen
    }

    fn send(&mut self, commands: &[String]) {
        let mut text = String::new();
        for command in commands {
            self.tag += 1;
            text.push_str(&format!("f{} {command}\r\n", self.tag));
        }
        self.say(&text);
    }

    /// Writes as it is.
    pub fn say(&mut self, text: &str) {
        let stream = self.stream.get_mut();
        stream.write_all(text.as_bytes()).and_then(|()| stream.flush()).expect("the server takes the commands");
    }

    /// Reads one answer to its end; true for the result of a command.
    pub fn answer(&mut self, seen: &mut Seen) -> bool {
        let (mut first, mut fetched) = (true, false);
        loop {
            self.line.clear();
            let read = self.stream.read_until(b'\n', &mut self.line).expect("the server answers");
            assert!(read > 0, "the server hung up");
            seen.bytes += read;
            if first && self.line.starts_with(b"f") {
                let said = String::from_utf8_lossy(&self.line);
                assert!(said.split(' ').nth(1) == Some("OK"), "the server refuses: {said}");
                return true;
            }
            if first && self.line.ends_with(b" EXISTS\r\n") {
                let said = String::from_utf8_lossy(&self.line);
                seen.exists = said.split(' ').nth(1).and_then(|n| n.parse().ok()).expect("a number");
            }
            if first && is_fetch(&self.line) {
                fetched = true;
                if holds(&self.line, b"BODYSTRUCTURE") { seen.mails += 1 } else { seen.texts += 1 }
            }
            first = false;
            let Some(size) = literal(&self.line).filter(|_| fetched) else { return false };
            self.drop_bytes(size);
            seen.bytes += size;
        }
    }

    fn drop_bytes(&mut self, mut size: usize) {
        while size > 0 {
            let there = self.stream.fill_buf().expect("the server goes on").len().min(size);
            assert!(there > 0, "the server hung up");
            self.stream.consume(there);
            size -= there;
        }
    }
}

/// `* 12 FETCH (`
fn is_fetch(line: &[u8]) -> bool {
    line.splitn(4, |b| *b == b' ').nth(2) == Some(b"FETCH")
}

fn holds(line: &[u8], word: &[u8]) -> bool {
    line.windows(word.len()).any(|w| w == word)
}

/// The bytes announced at the end of a line: `{12}`.
fn literal(line: &[u8]) -> Option<usize> {
    let line = line.strip_suffix(b"}\r\n")?;
    let from = line.iter().rposition(|b| *b == b'{')?;
    std::str::from_utf8(&line[from + 1..]).ok()?.parse().ok()
}
