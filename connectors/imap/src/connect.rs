//! From settings to a session that is signed in: TCP, TLS, greeting, sign-in, extensions.
//!
//! No secret leaves before TLS stands (unless the settings allow it), and nothing that was said before TLS is believed
//! after it.

use std::{io, sync::Arc, time::Duration};

use async_compression::tokio::{bufread::DeflateDecoder, write::DeflateEncoder};
use dealtrail_net::{
    budget::{self, Budget, Slot},
    tls,
};
use dealtrail_sdk::{Fault, FaultKind};
use tokio::{
    io::BufReader,
    net::{TcpStream, lookup_host},
    time::{Instant, timeout},
};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, pki_types::ServerName},
};

use crate::{
    answer::{Answer, State},
    command::Command,
    cursor::FAR_BATCH,
    frame::{Framer, Limits},
    session::{ENABLE, Session, Transport},
    settings::{Compress, Settings, Tls},
    signin,
    sorting::{self, Doing},
};

const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(30);
const DIAL_DEADLINE: Duration = Duration::from_secs(15);
/// From the first packet to being signed in, in silences: a server that talks on and on is not one either.
const OPENING: u32 = 3;
/// A link with a longer round trip is taken for a slow one, on which compression pays.
const SLOW_LINK: Duration = Duration::from_millis(25);

/// The way to one server, ready to be taken any number of times.
pub struct Route {
    settings: Settings,
    budget: Arc<Budget>,
    limits: Limits,
    tls: std::sync::OnceLock<Arc<ClientConfig>>,
}

impl std::fmt::Debug for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Route({:?})", self.settings)
    }
}

impl Route {
    pub fn new(settings: Settings, limits: Limits) -> Self {
        let budget = budget::account(&settings.place(), &settings.username, settings.limits);
        Self { settings, budget, limits, tls: std::sync::OnceLock::new() }
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Whether the account may be asked for anything now.
    ///
    /// # Errors
    /// [`FaultKind::Busy`] while it may not.
    pub fn check(&self) -> Result<(), Fault> {
        self.budget.check(&self.settings.place())
    }

    /// Opens a connection and signs in.
    ///
    /// # Errors
    /// Whatever stands in the way, sorted.
    pub async fn open(&self) -> Result<Session, Fault> {
        let slot = self.budget.connect(&self.settings.place()).await?;
        match timeout(self.limits.silence * OPENING, self.sign_in(slot)).await {
            Ok(session) => session,
            Err(_) => Err(sorting::broken(&self.settings.place(), &io::ErrorKind::TimedOut.into())),
        }
    }

    async fn sign_in(&self, slot: Slot) -> Result<Session, Fault> {
        let place = self.settings.place();
        let dialled = dial(&self.settings.host, self.settings.port, DIAL_DEADLINE.min(self.limits.silence)).await;
        let tcp = dialled.map_err(|e| unreachable(&place, &e))?;
        let _only_slower = tcp.set_nodelay(true);
        let mut quickest = Quickest::default();
        let connected = Instant::now();
        let stream: Box<dyn Transport> = match self.settings.tls {
            Tls::Implicit => self.encrypt(Box::new(tcp)).await?,
            Tls::Starttls | Tls::None => Box::new(tcp),
        };
        if self.settings.tls == Tls::Implicit {
            quickest.note(connected.elapsed());
        }
        let mut session = Session::new(Framer::new(stream, self.limits), place, self.budget.clone(), slot);
        let signed_in = greeting(&mut session).await?;
        if self.settings.tls == Tls::Starttls {
            if signed_in {
                let what =
                    "signed us in before encryption (PREAUTH), which STARTTLS cannot mend: use tls = \"implicit\"";
                return Err(Fault::new(FaultKind::Refused, format!("{} {what}", session.place())));
            }
            session = self.starttls(session).await?;
        }
        let greeted = Instant::now();
        if !signed_in {
            signin::sign_in(&mut session, &self.settings).await?;
            quickest.note(greeted.elapsed());
        }
        self.extend(session, quickest).await
    }

    async fn encrypt(&self, stream: Box<dyn Transport>) -> Result<Box<dyn Transport>, Fault> {
        let place = self.settings.place();
        let config = match self.tls.get() {
            Some(config) => config.clone(),
            None => {
                let config = tls::client_config(&self.settings.trust, &[])?;
                self.tls.get_or_init(|| config).clone()
            }
        };
        let name = ServerName::try_from(self.settings.host.clone())
            .map_err(|e| Fault::from(FaultKind::Malformed, "`host` is no name of a server", e))?;
        let deadline = HANDSHAKE_DEADLINE.min(self.limits.silence);
        let handshake = timeout(deadline, TlsConnector::from(config).connect(name, stream)).await;
        let stream = handshake.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        Ok(Box::new(stream.map_err(|e| sorting::broken(&place, &e))?))
    }

    async fn starttls(&self, mut session: Session) -> Result<Session, Fault> {
        let place = session.place().to_owned();
        if session.knows_capabilities() && !session.can("STARTTLS") {
            let what = format!("{place} offers no STARTTLS: use tls = \"implicit\" and port 993");
            return Err(Fault::new(FaultKind::Refused, what));
        }
        session.must(Doing::Other("starting TLS"), Command::new("STARTTLS"), &mut |_| {}).await?;
        let (stream, ahead, rest) = session.take_apart();
        if ahead {
            // Whoever speaks between the answer and TLS is not the server (CVE-2011-0411 and its kin).
            let what = format!("{place} sent text ahead of TLS, as an attacker on the line would: not signing in");
            return Err(Fault::new(FaultKind::Refused, what));
        }
        let mut session = Session::assemble(rest, Framer::new(self.encrypt(stream).await?, self.limits));
        session.forget_capabilities();
        Ok(session)
    }

    /// Learns and switches on what the server can do. Nothing is waited for that the first question can travel with.
    async fn extend(&self, mut session: Session, mut quickest: Quickest) -> Result<Session, Fault> {
        if !session.knows_capabilities() {
            let asked = Instant::now();
            session.must(Doing::Other("asking for extensions"), Command::new("CAPABILITY"), &mut |_| {}).await?;
            quickest.note(asked.elapsed());
        }
        if session.can("ID") {
            // Some providers open no folder for a client that does not say what it is.
            session.first_say("ID (\"name\" \"dealtrail\")");
        }
        let unreliable = self.settings.host.ends_with("mail.me.com") || self.settings.host.ends_with("icloud.com");
        session.quick_resync = session.can("ENABLE") && session.can("QRESYNC") && !unreliable;
        if session.quick_resync {
            session.first_say(ENABLE);
        }
        let slow = quickest.0.is_some_and(|trip| trip > SLOW_LINK);
        if slow {
            session.batch = FAR_BATCH;
        }
        let compress = match self.settings.compress {
            Compress::On => true,
            Compress::Off => false,
            Compress::Auto => slow,
        };
        if compress && session.can("COMPRESS=DEFLATE") {
            return self.compress(session).await;
        }
        Ok(session)
    }

    async fn compress(&self, mut session: Session) -> Result<Session, Fault> {
        let status = session.run(&[Command::new("COMPRESS DEFLATE")], &mut |_| {}).await?;
        if status.first().is_none_or(|s| s.state != State::Ok) {
            return Ok(session);
        }
        let place = session.place().to_owned();
        let (stream, ahead, rest) = session.take_apart();
        if ahead {
            let what = format!("{place} spoke uncompressed after it agreed to compress");
            return Err(Fault::new(FaultKind::Unreachable, what));
        }
        let (reader, writer) = tokio::io::split(stream);
        let reader = DeflateDecoder::new(BufReader::with_capacity(16 << 10, reader));
        let joined: Box<dyn Transport> = Box::new(tokio::io::join(reader, DeflateEncoder::new(writer)));
        Ok(Session::assemble(rest, Framer::new(joined, self.limits)))
    }
}

/// The shortest that the server took to answer: about a round trip.
#[derive(Clone, Copy, Default)]
struct Quickest(Option<Duration>);

impl Quickest {
    fn note(&mut self, took: Duration) {
        self.0 = Some(self.0.map_or(took, |known| known.min(took)));
    }
}

/// Tries every address of the host in turn: one family of addresses may lead nowhere.
async fn dial(host: &str, port: u16, deadline: Duration) -> io::Result<TcpStream> {
    let late = |_| io::Error::from(io::ErrorKind::TimedOut);
    let addresses: Vec<_> = timeout(deadline, lookup_host((host, port))).await.map_err(late)??.collect();
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in addresses {
        match timeout(deadline, TcpStream::connect(address)).await.map_err(late).and_then(|tcp| tcp) {
            Ok(tcp) => return Ok(tcp),
            Err(e) => last = e,
        }
    }
    Err(last)
}

fn unreachable(place: &str, error: &io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            let what = format!("nothing answers at {place}: check host, port and whether the server runs");
            Fault::new(FaultKind::Unreachable, what)
        }
        _ => sorting::broken(place, error),
    }
}

/// Waits for the greeting; true when it says that we are signed in already.
async fn greeting(session: &mut Session) -> Result<bool, Fault> {
    match session.receive(None).await? {
        Answer::Status(status) if matches!(status.state, State::Ok | State::PreAuth) => {
            Ok(status.state == State::PreAuth)
        }
        Answer::Status(status) => {
            session.judge(Doing::Other("connecting"), &status)?;
            Ok(false)
        }
        _ => {
            let what =
                format!("{} does not greet like an IMAP server: check the port and the `tls` setting", session.place());
            Err(Fault::new(FaultKind::Refused, what))
        }
    }
}
