//! The IMAP framer: however the bytes arrive, the frames are the same, and none is larger than what came in or than the
//! limits allow.

use std::{
    cell::RefCell,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use dealtrail_imap::inside::{Framer, Limits};
use tokio::io::{AsyncRead, ReadBuf};

/// Limits so small that a fuzzer meets them.
const SMALL: Limits =
    Limits { line: 200, literal: 40, response: 400, drain: 5_000, silence: Duration::from_secs(3_600) };

/// A server that sends its bytes in pieces of these sizes, over and over.
struct Pieces<'a> {
    bytes: &'a [u8],
    sizes: &'a [usize],
    turn: usize,
}

impl AsyncRead for Pieces<'_> {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let size = self.sizes[self.turn % self.sizes.len()];
        self.turn += 1;
        let (now, rest) = self.bytes.split_at(size.min(self.bytes.len()).min(into.remaining()));
        into.put_slice(now);
        self.bytes = rest;
        Poll::Ready(Ok(()))
    }
}

thread_local! {
    static RUNTIME: RefCell<tokio::runtime::Runtime> = RefCell::new(
        tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime on this thread"),
    );
}

#[derive(PartialEq, Eq)]
struct Seen {
    /// Hash, length and mark of every frame: the frames of a bomb need not be kept.
    frames: Vec<(u64, usize, bool)>,
    end: io::ErrorKind,
}

fn frames(bytes: &[u8], sizes: &[usize], limits: Limits) -> Seen {
    RUNTIME.with_borrow(|runtime| {
        runtime.block_on(async {
            let mut framer = Framer::new(Pieces { bytes, sizes, turn: 0 }, limits);
            let mut frames = Vec::new();
            let end = loop {
                match framer.next(None).await {
                    Ok(frame) => frames.push((hash(frame.bytes), frame.bytes.len(), frame.cut)),
                    Err(e) => break e.kind(),
                }
            };
            Seen { frames, end }
        })
    })
}

fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |h: u64, b| (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01B3))
}

fn alike(bytes: &[u8], limits: Limits, splits: &[&[usize]]) {
    let whole = frames(bytes, splits[0], limits);
    let total: usize = whole.frames.iter().map(|f| f.1).sum();
    assert!(total <= bytes.len(), "more came out than went in");
    let largest = 2 * limits.line + limits.response + 64;
    assert!(whole.frames.iter().all(|f| f.1 <= largest), "a frame passes the limits");
    for sizes in &splits[1..] {
        let pieces = frames(bytes, sizes, limits);
        assert!(pieces == whole, "{} frames became {} in pieces of {sizes:?}", whole.frames.len(), pieces.frames.len());
    }
}

pub fn check(bytes: &[u8]) {
    let small = bytes.len() <= 8_192;
    let own: Vec<usize> = bytes.iter().take(7).map(|b| usize::from(*b) + 1).collect();
    if small && !own.is_empty() {
        alike(bytes, SMALL, &[&[usize::MAX], &[1], &[3, 50], &own]);
        alike(bytes, Limits::default(), &[&[usize::MAX], &[1], &own]);
    } else {
        alike(bytes, Limits::default(), &[&[usize::MAX], &[1_000, 60_000]]);
    }
}
