//! Carries the bytes of one connection. Each direction is a reader that says when its bytes are to arrive and a writer that
//! keeps to it, so that delayed bytes are under way together.

use std::{
    io,
    net::Shutdown,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    net::TcpStream,
    sync::{mpsc, watch},
    time::{Instant, sleep_until},
};

use super::{Mishap, Shared, Way, What, index, lock};

/// One end of a connection. The twin is the same socket: only it can end one direction without being owned.
struct Side {
    stream: TcpStream,
    twin: std::net::TcpStream,
}

impl Side {
    fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let twin = stream.into_std()?;
        Ok(Self { stream: TcpStream::from_std(twin.try_clone()?)?, twin })
    }

    async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            self.stream.readable().await?;
            match self.stream.try_read(buffer) {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                other => return other,
            }
        }
    }

    async fn write(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            self.stream.writable().await?;
            match self.stream.try_write(bytes) {
                Ok(n) => bytes = &bytes[n..],
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }
}

enum Parcel {
    Bytes(Vec<u8>),
    What(What),
}

/// Carries until both ends are done or something ended it.
///
/// `born`: the plan under which the connection was made.
pub async fn carry(client: TcpStream, server: TcpStream, born: u64, shared: &Arc<Shared>) {
    let (Ok(client), Ok(server)) = (Side::new(client), Side::new(server)) else { return };
    let mut orders = shared.order.subscribe();
    let state = watch::Sender::new(None);
    let mut seen = state.subscribe();
    let spoke = AtomicBool::new(false);
    let both = async {
        tokio::join!(
            relay(&client, &server, Way::ToServer, born, shared, (&state, &spoke)),
            relay(&server, &client, Way::ToClient, born, shared, (&state, &spoke))
        )
    };
    let ordered = async {
        while orders.changed().await.is_ok() {
            let order = orders.borrow_and_update().1;
            if order == Some(What::HalfClose) {
                let _gone = client.twin.shutdown(Shutdown::Write);
            } else {
                state.send_replace(order);
            }
        }
    };
    let ended = seen.wait_for(|what| matches!(what, Some(What::Reset | What::Close)));
    let reset = tokio::select! {
        _ = both => false,
        what = ended => what.is_ok_and(|what| *what == Some(What::Reset)),
        () = ordered => false,
    };
    for side in [&client, &server] {
        // Without the orderly end, bytes that nobody read would turn a close into a reset.
        let _gone = if reset { side.stream.set_zero_linger() } else { side.twin.shutdown(Shutdown::Write) };
    }
}

/// `spoke`: the client was the one that spoke last.
async fn relay(
    from: &Side,
    to: &Side,
    way: Way,
    born: u64,
    shared: &Shared,
    (state, spoke): (&watch::Sender<Option<What>>, &AtomicBool),
) {
    let (sender, parcels) = mpsc::channel(4096);
    tokio::join!(take(from, way, born, shared, (sender, spoke)), give(to, way, parcels, state));
}

async fn take(
    from: &Side,
    way: Way,
    born: u64,
    shared: &Shared,
    (sender, spoke): (mpsc::Sender<(Instant, Parcel)>, &AtomicBool),
) {
    let mut buffer = vec![0; 16 << 10];
    let mut own = 0;
    loop {
        let read = from.read(&mut buffer).await;
        let (delay, pause) = shared.delay(way);
        let mut at = Instant::now() + delay;
        let (parcels, last) = match read {
            Ok(0) => (vec![Parcel::What(What::HalfClose)], true),
            Err(_) => (vec![Parcel::What(What::Reset)], true),
            Ok(n) => {
                shared.carried[index(way)].fetch_add(n as u64, Ordering::SeqCst);
                let ours = way == Way::ToServer;
                if !spoke.swap(ours, Ordering::SeqCst) && ours {
                    shared.turns.fetch_add(1, Ordering::SeqCst);
                }
                (shared.sort(way, born, &mut own, &mut buffer[..n]), false)
            }
        };
        for parcel in parcels {
            if sender.send((at, parcel)).await.is_err() {
                return;
            }
            at += pause;
        }
        if last {
            return;
        }
    }
}

async fn give(
    to: &Side,
    way: Way,
    mut parcels: mpsc::Receiver<(Instant, Parcel)>,
    state: &watch::Sender<Option<What>>,
) {
    let mut shut = false;
    while let Some((at, parcel)) = parcels.recv().await {
        sleep_until(at).await;
        // Nothing may come behind a cut: a line with a hole in it is no line there is.
        if matches!(*state.borrow(), Some(What::Reset | What::Close)) {
            return;
        }
        let silent = *state.borrow() == Some(What::Silence);
        match parcel {
            Parcel::Bytes(bytes) if !shut && !silent => shut = to.write(&bytes).await.is_err(),
            Parcel::Bytes(_) | Parcel::What(What::Corrupt) => {}
            // Whoever hangs up on a silent line ends it.
            Parcel::What(What::HalfClose) if silent && way == Way::ToServer => {
                state.send_replace(Some(What::Close));
            }
            Parcel::What(What::HalfClose) if silent => {}
            Parcel::What(What::HalfClose) => {
                shut = true;
                let _gone = to.twin.shutdown(Shutdown::Write);
            }
            Parcel::What(what) => {
                state.send_replace(Some(what));
            }
        }
    }
}

impl Shared {
    /// How long bytes travel, and the pause between pieces.
    fn delay(&self, way: Way) -> (Duration, Duration) {
        let state = lock(&self.state);
        let time = if way == Way::ToServer { state.plan.to_server } else { state.plan.to_client };
        (time, state.plan.piece.map_or(Duration::ZERO, |p| p.1))
    }

    /// What becomes of bytes that came in.
    fn sort(&self, way: Way, born: u64, own: &mut u64, bytes: &mut [u8]) -> Vec<Parcel> {
        let mut state = lock(&self.state);
        let length = bytes.len() as u64;
        let before = match state.plan.mishap {
            Some(Mishap { always: true, .. }) => *own,
            _ => state.since[index(way)],
        };
        *own += length;
        let current = born == state.number;
        state.since[index(way)] += if current { length } else { 0 };
        let mut whole = bytes.len();
        let mut then = None;
        if let Some(mishap) = state.plan.mishap
            && mishap.way == way
            && (mishap.always || (current && !state.happened))
            && before + length >= mishap.after + u64::from(mishap.what == What::Corrupt)
            && before <= mishap.after
        {
            let at = usize::try_from(mishap.after - before).expect("it lies in these bytes");
            state.happened = true;
            if mishap.what == What::Corrupt {
                bytes[at] ^= 1;
            } else {
                whole = at;
                then = Some(Parcel::What(mishap.what));
            }
        }
        let size = state.plan.piece.map_or(usize::MAX, |p| p.0.max(1));
        let mut parcels: Vec<Parcel> = bytes[..whole].chunks(size).map(|c| Parcel::Bytes(c.to_vec())).collect();
        parcels.extend(then);
        parcels
    }
}
