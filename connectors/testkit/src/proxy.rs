//! A bad line between a client and a real server: a TCP proxy on a free loopback port that delays, dribbles, goes silent,
//! breaks off or corrupts at exactly the byte a test names. What it does can be changed at any moment, and it counts.
//!
//! It looks at no byte it carries. It runs on a thread of its own, so that tests with and without a runtime can use it.

mod relay;

use std::{
    fmt,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::{oneshot, watch},
};

/// Which way bytes travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    ToClient,
    ToServer,
}

/// What happens to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Both ends see a reset.
    Reset,
    /// Both ends see an orderly end.
    Close,
    /// The receiving end sees an orderly end; the other direction goes on.
    HalfClose,
    /// Nothing is carried any more, either way; nobody hangs up.
    Silence,
    /// The next byte arrives with one bit turned, everything else as it was.
    Corrupt,
}

/// Something that happens once `after` bytes were carried in one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mishap {
    pub way: Way,
    pub after: u64,
    pub what: What,
    /// True: each connection meets it, after so many bytes of its own. False: it happens once, after so many bytes of all
    /// connections together that were made since the plan was.
    pub always: bool,
}

/// How bytes are carried. The default is a perfect line.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Time that bytes travel to the server, and back. Bytes on their way overlap, as on a long line.
    pub to_server: Duration,
    pub to_client: Duration,
    /// Bytes that travel together at most, and the pause between such pieces.
    pub piece: Option<(usize, Duration)>,
    pub mishap: Option<Mishap>,
    /// Once it has happened, whoever connects is turned away at once, until there is another plan.
    pub shut_after: bool,
}

impl Plan {
    /// Half of a round trip each way.
    pub fn round_trip(time: Duration) -> Self {
        Self { to_server: time / 2, to_client: time / 2, ..Self::default() }
    }

    /// One thing happens once.
    pub fn once(way: Way, after: u64, what: What) -> Self {
        Self { mishap: Some(Mishap { way, after, what, always: false }), ..Self::default() }
    }

    /// It happens to each connection.
    pub fn always(way: Way, after: u64, what: What) -> Self {
        Self { mishap: Some(Mishap { way, after, what, always: true }), ..Self::default() }
    }

    /// Connections are accepted and nothing is ever answered.
    pub fn black_hole() -> Self {
        Self::always(Way::ToClient, 0, What::Silence)
    }
}

/// What all connections of a proxy share.
struct Shared {
    server: SocketAddr,
    state: Mutex<State>,
    connections: Mutex<Vec<Instant>>,
    open: AtomicUsize,
    /// Bytes carried to the client and to the server.
    carried: [AtomicU64; 2],
    turns: AtomicUsize,
    /// What every open connection shall do now, numbered so that the same can be said twice.
    order: watch::Sender<(u64, Option<What>)>,
}

#[derive(Default)]
struct State {
    /// Which plan it is, counted from the start.
    number: u64,
    plan: Plan,
    /// Bytes per way since the plan was made.
    since: [u64; 2],
    /// The plan's mishap has happened.
    happened: bool,
}

/// The running proxy; it and its connections end when it is dropped.
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    _stop: oneshot::Sender<()>,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy(127.0.0.1:{} -> {})", self.port, self.shared.server)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn index(way: Way) -> usize {
    usize::from(way == Way::ToServer)
}

impl Proxy {
    /// Starts a proxy before a server's loopback port.
    ///
    /// # Panics
    /// When no loopback port can be had.
    pub fn start(server_port: u16) -> Self {
        let shared = Arc::new(Shared {
            server: SocketAddr::from(([127, 0, 0, 1], server_port)),
            state: Mutex::default(),
            connections: Mutex::default(),
            open: AtomicUsize::new(0),
            carried: Default::default(),
            turns: AtomicUsize::new(0),
            order: watch::Sender::new((0, None)),
        });
        let socket = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free loopback port");
        socket.set_nonblocking(true).expect("a socket that does not block");
        let port = socket.local_addr().expect("a bound socket has an address").port();
        let (stop, stopped) = oneshot::channel::<()>();
        let all = shared.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let listener = TcpListener::from_std(socket).expect("a listening socket");
                tokio::select! {
                    () = accept(listener, all) => {}
                    _ended = stopped => {}
                }
            });
        });
        Self { port, shared, _stop: stop }
    }

    /// Where clients connect to.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on; open connections follow as well.
    pub fn set(&self, plan: Plan) {
        let mut state = lock(&self.shared.state);
        *state = State { number: state.number + 1, plan, ..State::default() };
    }

    /// Every open connection meets this now.
    pub fn now(&self, what: What) {
        self.shared.order.send_modify(|order| *order = (order.0 + 1, Some(what)));
    }

    /// Connections so far.
    pub fn connections(&self) -> usize {
        lock(&self.shared.connections).len()
    }

    /// When each connection was made.
    pub fn made(&self) -> Vec<Instant> {
        lock(&self.shared.connections).clone()
    }

    /// Connections that are open now.
    pub fn open(&self) -> usize {
        self.shared.open.load(Ordering::SeqCst)
    }

    /// Bytes that came from the sender of this way so far.
    pub fn carried(&self, way: Way) -> u64 {
        self.shared.carried[index(way)].load(Ordering::SeqCst)
    }

    /// How often a client spoke after its server had, or first: the round trips of all connections so far, TLS handshakes
    /// among them, where nothing is sent while answers come in.
    pub fn turns(&self) -> usize {
        self.shared.turns.load(Ordering::SeqCst)
    }

    /// True once the plan's mishap has happened.
    pub fn happened(&self) -> bool {
        lock(&self.shared.state).happened
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        lock(&shared.connections).push(Instant::now());
        let shared = shared.clone();
        let (born, shut) = {
            let state = lock(&shared.state);
            (state.number, state.plan.shut_after && state.happened)
        };
        if shut {
            continue;
        }
        tokio::spawn(async move {
            shared.open.fetch_add(1, Ordering::SeqCst);
            if let Ok(server) = TcpStream::connect(shared.server).await {
                relay::carry(client, server, born, &shared).await;
            }
            shared.open.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{ErrorKind, Read as _, Write as _},
        net::{Shutdown, TcpStream},
    };

    use super::*;

    /// A server that says back what it hears, and says `end` when it hears no more.
    fn echo() -> u16 {
        let socket = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = socket.local_addr().expect("an address").port();
        std::thread::spawn(move || {
            for stream in socket.incoming() {
                std::thread::spawn(move || {
                    let mut stream = stream.expect("a connection");
                    let mut buffer = [0; 4096];
                    while let Ok(n) = stream.read(&mut buffer) {
                        let (out, last) = if n == 0 { (&b"end"[..], true) } else { (&buffer[..n], false) };
                        if stream.write_all(out).is_err() || last {
                            return;
                        }
                    }
                });
            }
        });
        port
    }

    /// What comes back of `text`, and how it ended: `None` after a long silence, else the kind of error, if any.
    fn said(proxy: &Proxy, text: &[u8], finish: bool) -> (Vec<u8>, Option<Result<(), ErrorKind>>) {
        let mut stream = TcpStream::connect(("127.0.0.1", proxy.port())).expect("the proxy listens");
        stream.set_read_timeout(Some(Duration::from_millis(700))).expect("a deadline");
        let _cut_early = stream.write_all(text);
        if finish {
            let _cut_early = stream.shutdown(Shutdown::Write);
        }
        let (mut all, mut buffer) = (Vec::new(), [0; 4096]);
        loop {
            match stream.read(&mut buffer) {
                Ok(0) => return (all, Some(Ok(()))),
                Ok(n) => all.extend_from_slice(&buffer[..n]),
                Err(e) if e.kind() == ErrorKind::WouldBlock => return (all, None),
                Err(e) => return (all, Some(Err(e.kind()))),
            }
        }
    }

    #[test]
    fn a_perfect_line_changes_nothing() {
        let proxy = Proxy::start(echo());
        let text: Vec<u8> = (0..50_000u32).flat_map(u32::to_le_bytes).collect();
        let (mut back, end) = said(&proxy, &text, true);
        assert_eq!((back.split_off(back.len() - 3), end), (b"end".to_vec(), Some(Ok(()))));
        assert!(back == text);
        assert_eq!((proxy.connections(), proxy.carried(Way::ToServer)), (1, 200_000));
        let before = proxy.turns();
        assert!(before >= 1, "the client spoke first");
        proxy.set(Plan { piece: Some((1, Duration::ZERO)), ..Plan::round_trip(Duration::from_millis(20)) });
        assert_eq!(said(&proxy, b"slowly", true).0, b"slowlyend");
        assert_eq!(proxy.turns(), before + 1, "said at once, answered at once");
    }

    #[test]
    fn it_breaks_at_exactly_the_byte() {
        let proxy = Proxy::start(echo());
        for after in [0, 1, 17, 99] {
            let some = usize::try_from(after).expect("small");
            let text: Vec<u8> = (0..100).collect();
            proxy.set(Plan::always(Way::ToClient, after, What::Close));
            assert_eq!(said(&proxy, &text, false), (text[..some].to_vec(), Some(Ok(()))), "{after}");
            proxy.set(Plan::always(Way::ToClient, after, What::Reset));
            assert_eq!(said(&proxy, &text, false), (text[..some].to_vec(), Some(Err(ErrorKind::ConnectionReset))));
            proxy.set(Plan::always(Way::ToServer, after, What::HalfClose));
            assert_eq!(said(&proxy, &text, false), ([&text[..some], b"end"].concat(), Some(Ok(()))), "{after}");
            proxy.set(Plan::always(Way::ToClient, after, What::Silence));
            assert_eq!(said(&proxy, &text, false), (text[..some].to_vec(), None), "{after}");
            proxy.set(Plan::once(Way::ToClient, after, What::Corrupt));
            let mut wrong = text.clone();
            wrong[some] ^= 1;
            assert_eq!(said(&proxy, &text, false).0, wrong, "{after}");
            assert!(proxy.happened());
            assert_eq!(said(&proxy, &text, false).0, text, "only once");
        }
    }

    /// Whatever is still under way behind the cut never arrives: what comes is a beginning of what was sent, byte by byte.
    #[test]
    fn nothing_comes_behind_a_cut() {
        let proxy = Proxy::start(echo());
        let text: Vec<u8> = (0..100_000u32).flat_map(u32::to_le_bytes).collect();
        for (n, what) in [What::Reset, What::Close, What::HalfClose].into_iter().cycle().take(30).enumerate() {
            let after = n * 13_000;
            let piece = (n % 2 == 0).then_some((1000, Duration::ZERO));
            proxy.set(Plan { piece, ..Plan::once(Way::ToClient, after as u64, what) });
            let (back, _) = said(&proxy, &text, false);
            assert!(back.len() <= after && text.starts_with(&back), "{what:?} after {after}: {} bytes", back.len());
        }
    }

    #[test]
    fn after_a_cut_nobody_may_get_through() {
        let proxy = Proxy::start(echo());
        proxy.set(Plan { shut_after: true, ..Plan::once(Way::ToClient, 3, What::Close) });
        assert_eq!(said(&proxy, b"hello", false).0, b"hel");
        assert_eq!(said(&proxy, b"hello", true).0, b"");
        proxy.set(Plan::default());
        assert_eq!(said(&proxy, b"hello", true).0, b"helloend");
    }

    #[test]
    fn open_connections_can_be_ended_at_any_moment() {
        let proxy = Proxy::start(echo());
        let mut stream = TcpStream::connect(("127.0.0.1", proxy.port())).expect("the proxy listens");
        stream.write_all(b"x").expect("sent");
        let mut one = [0; 1];
        stream.read_exact(&mut one).expect("it comes back");
        proxy.now(What::Reset);
        assert_eq!(stream.read(&mut one).expect_err("a reset").kind(), ErrorKind::ConnectionReset);
        assert_eq!(said(&proxy, b"again", true).0, b"againend");
    }
}
