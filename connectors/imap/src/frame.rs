//! Cuts the stream of a server into whole responses: a line and the literals inside it (RFC 9051 section 2.2.2).
//!
//! It trusts nothing: lines, literals and whole responses have limits, every read has a deadline, and what is too
//! large is drained and marked, so that one monstrous message costs that message and not the connection.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt},
    time::{Instant, timeout},
};

/// What one response may hold.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of a line without its literals.
    pub line: usize,
    /// Bytes of one literal that are kept; a larger one is drained and stands as NIL.
    pub literal: u64,
    /// Bytes of one response with all its literals.
    pub response: usize,
    /// A literal larger than this ends the connection: draining it would take for ever.
    pub drain: u64,
    /// The longest silence.
    pub silence: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { line: 16 << 20, literal: 8 << 20, response: 32 << 20, drain: 4 << 30, silence: Duration::from_secs(60) }
    }
}

/// One whole response, without its last line end.
#[derive(Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    pub bytes: &'a [u8],
    /// Something was too large: a literal was replaced by NIL, or the line was cut off.
    pub cut: bool,
}

const CHUNK: usize = 64 << 10;
/// The same at first, and where little is expected for a long time: it grows with what comes.
const SMALL_CHUNK: usize = 1 << 10;
/// What is kept of a line over the limit.
const LINE_HEAD: usize = 4_096;
const LINE_TAIL: usize = 64;
/// Bytes of a response that must come in the time of one silence: whoever sends less, byte by byte, is as good as silent.
const SLOWEST: u64 = 16 << 10;

/// Reads frames from a stream.
pub struct Framer<S> {
    stream: S,
    limits: Limits,
    /// Bytes read and not yet handed out: `buffer[start..end]`.
    buffer: Vec<u8>,
    /// How much of it is made at a time.
    chunk: usize,
    start: usize,
    end: usize,
    received: u64,
    /// When the first bytes of the response came that is being read, and how many since.
    pace: Option<(Instant, u64)>,
}

impl<S> std::fmt::Debug for Framer<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Framer({} bytes waiting)", self.end - self.start)
    }
}

/// Where a response stands in the buffer while it is being read.
#[derive(Default)]
struct Progress {
    /// Bytes of the response so far, from `start`.
    length: usize,
    /// Start of the line that is being read, from `start`.
    line: usize,
    /// Bytes of all its lines.
    lines: usize,
    cut: bool,
}

impl<S: AsyncRead + Unpin> Framer<S> {
    pub fn new(stream: S, limits: Limits) -> Self {
        Self { stream, limits, buffer: Vec::new(), chunk: SMALL_CHUNK, start: 0, end: 0, received: 0, pace: None }
    }

    /// Lets go of the buffer until something comes again.
    pub fn doze(&mut self) {
        self.chunk = SMALL_CHUNK;
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            self.buffer = Vec::new();
        }
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    pub fn stream(&mut self) -> &mut S {
        &mut self.stream
    }

    /// The stream itself, and whether bytes had been read ahead of it.
    pub fn into_stream(self) -> (S, bool) {
        (self.stream, self.start != self.end)
    }

    /// Bytes received since they were taken.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Bytes received since the last call.
    pub fn take_received(&mut self) -> u64 {
        std::mem::take(&mut self.received)
    }

    /// The next response; `silence` replaces the usual deadline of each read where a server may be quiet for longer.
    ///
    /// # Errors
    /// `UnexpectedEof` when the server hung up, `TimedOut` after too long a silence, `InvalidData` for a response
    /// that cannot be skipped. The connection is of no use afterwards.
    pub async fn next(&mut self, silence: Option<Duration>) -> io::Result<Frame<'_>> {
        let silence = silence.unwrap_or(self.limits.silence);
        let mut at = Progress::default();
        self.pace = None;
        loop {
            let line_end = self.find_line_end(&mut at, silence).await?;
            // `line_end` is the offset just behind the line feed.
            let text_end = line_end - 1 - usize::from(self.byte(line_end.wrapping_sub(2)) == Some(b'\r'));
            let text_end = text_end.max(at.line);
            let line = &self.buffer[self.start + at.line..self.start + text_end];
            at.lines += line.len();
            let announced = if at.line == 0 && is_plain_text(line) { None } else { literal_size(line) };
            let Some((size, mark)) = announced else {
                let begin = self.start;
                self.start += line_end;
                return Ok(Frame { bytes: &self.buffer[begin..begin + text_end], cut: at.cut });
            };
            let fits = size <= self.limits.literal && (line_end as u64 + size) <= self.limits.response as u64;
            if fits {
                at.length = line_end + usize::try_from(size).map_err(io::Error::other)?;
                self.fill(at.length, silence).await?;
            } else {
                at.cut = true;
                self.drain(line_end, size, text_end - mark, silence).await?;
                at.length = text_end - mark + NIL.len();
            }
            at.line = at.length;
            if at.lines > self.limits.line {
                return Err(invalid("a response without end"));
            }
        }
    }

    /// Offset behind the next line feed of the response. Of a line over the limit its beginning is kept, which tells whose
    /// response it is, and its last bytes, which may announce a literal: the same wherever the stream breaks.
    async fn find_line_end(&mut self, at: &mut Progress, silence: Duration) -> io::Result<usize> {
        let head = at.line + (self.limits.line / 2).min(LINE_HEAD);
        let tail = (self.limits.line / 2).min(LINE_TAIL);
        let mut searched = at.length;
        let mut dropped = 0u64;
        loop {
            let waiting = &self.buffer[self.start..self.end];
            let found = waiting[searched..].iter().position(|b| *b == b'\n').map(|n| searched + n + 1);
            let mut end = found.unwrap_or(waiting.len());
            if (end - at.line > self.limits.line || dropped > 0) && end > head + tail {
                at.cut = true;
                let middle = end - tail - head;
                self.buffer.copy_within(self.start + end - tail..self.end, self.start + head);
                self.end -= middle;
                end -= middle;
                dropped += middle as u64;
                if dropped > self.limits.drain {
                    return Err(invalid("a line without end"));
                }
            }
            if found.is_some() {
                return Ok(end);
            }
            searched = end;
            self.read_more(silence).await?;
        }
    }

    /// Throws away `size` bytes that follow offset `from`, and puts NIL where the literal's mark began.
    async fn drain(&mut self, from: usize, size: u64, mark_at: usize, silence: Duration) -> io::Result<()> {
        if size > self.limits.drain {
            return Err(invalid("a literal without end"));
        }
        let mut left = size;
        loop {
            let there = (self.end - self.start - from) as u64;
            let skip = there.min(left);
            let skip_bytes = usize::try_from(skip).map_err(io::Error::other)?;
            let begin = self.start + from;
            self.buffer.copy_within(begin + skip_bytes..self.end, begin);
            self.end -= skip_bytes;
            left -= skip;
            if left == 0 {
                break;
            }
            self.read_more(silence).await?;
        }
        let rest = self.start + from..self.end;
        let target = self.start + mark_at;
        // The mark `{n}` CRLF is at least five bytes long, so NIL always fits into its place.
        self.buffer[target..target + NIL.len()].copy_from_slice(NIL);
        self.buffer.copy_within(rest.clone(), target + NIL.len());
        self.end = target + NIL.len() + rest.len();
        Ok(())
    }

    async fn fill(&mut self, wanted: usize, silence: Duration) -> io::Result<()> {
        while self.end - self.start < wanted {
            self.read_more(silence).await?;
        }
        Ok(())
    }

    fn byte(&self, offset: usize) -> Option<u8> {
        self.buffer[self.start..self.end].get(offset).copied()
    }

    async fn read_more(&mut self, silence: Duration) -> io::Result<()> {
        self.make_room();
        let left = self.pace.map_or(silence, |(began, bytes)| {
            let windows = u32::try_from(2 + bytes / SLOWEST).unwrap_or(u32::MAX);
            silence.min(self.limits.silence.saturating_mul(windows).saturating_sub(began.elapsed()))
        });
        let read = timeout(left, self.stream.read(&mut self.buffer[self.end..]));
        let read = read.await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.end += read;
        if self.end == self.buffer.len() {
            self.chunk = (self.chunk * 4).min(CHUNK);
        }
        self.received += read as u64;
        self.pace.get_or_insert((Instant::now(), 0)).1 += read as u64;
        Ok(())
    }

    fn make_room(&mut self) {
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
            // One large response must not hold its memory for ever.
            if self.buffer.len() > 16 * self.chunk {
                self.buffer = Vec::new();
            }
        }
        if self.buffer.len() - self.end >= self.chunk / 4 {
            return;
        }
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.buffer.len() - self.end < self.chunk / 4 {
            let larger = (self.buffer.len() * 2).max(self.end + self.chunk);
            self.buffer.resize(larger, 0);
        }
    }
}

const NIL: &[u8] = b"NIL";

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// True for responses that end in words for people, which may well end in `{5}` without announcing anything.
fn is_plain_text(line: &[u8]) -> bool {
    let mut words = line.splitn(3, |b| *b == b' ');
    let first = words.next().unwrap_or_default();
    let second = words.next().unwrap_or_default();
    first == b"+" || [&b"OK"[..], b"NO", b"BAD", b"BYE", b"PREAUTH"].iter().any(|s| second.eq_ignore_ascii_case(s))
}

/// Size of the literal that the line announces at its end, and the length of the mark: `{12}`, `{12+}`, `~{12}`.
fn literal_size(line: &[u8]) -> Option<(u64, usize)> {
    let inner = line.strip_suffix(b"}")?;
    let inner = inner.strip_suffix(b"+").unwrap_or(inner);
    let digits = inner.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let open = inner.len().checked_sub(digits + 1)?;
    if digits == 0 || inner[open] != b'{' {
        return None;
    }
    let tilde = usize::from(open > 0 && inner[open - 1] == b'~');
    let size = std::str::from_utf8(&inner[open + 1..]).ok()?.parse().unwrap_or(u64::MAX);
    Some((size, line.len() - open + tilde))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Limits =
        Limits { line: 64, literal: 10, response: 100, drain: 1000, silence: Duration::from_millis(200) };

    /// Gives the bytes in pieces of `step`, to cut responses at every place.
    async fn frames(bytes: &[u8], step: usize, limits: Limits) -> (Vec<(Vec<u8>, bool)>, io::ErrorKind) {
        let (far, near) = tokio::io::duplex(step);
        let bytes = bytes.to_vec();
        let writer = tokio::spawn(async move {
            let mut far = far;
            let _closed = tokio::io::AsyncWriteExt::write_all(&mut far, &bytes).await;
        });
        let mut framer = Framer::new(near, limits);
        let mut seen = Vec::new();
        let end = loop {
            match framer.next(None).await {
                Ok(frame) => seen.push((frame.bytes.to_vec(), frame.cut)),
                Err(e) => break e.kind(),
            }
        };
        drop(framer);
        writer.await.expect("the writer ends");
        (seen, end)
    }

    fn whole(text: &str) -> (Vec<u8>, bool) {
        (text.as_bytes().to_vec(), false)
    }

    #[tokio::test]
    async fn responses_are_cut_at_their_ends_wherever_the_bytes_break() {
        let input = b"* OK hello {5}\r\n* 1 FETCH (BODY[1] {4}\r\na\r\nb X \"y\")\r\n* 2 FETCH ({0}\r\n ~{2}\r\n\n\n)\r\nT1 OK {3}\r\n* X {2+}\r\nab\n";
        for step in [1, 2, 3, 7, 1000] {
            let (seen, end) = frames(input, step, SMALL).await;
            let expected = vec![
                whole("* OK hello {5}"),
                whole("* 1 FETCH (BODY[1] {4}\r\na\r\nb X \"y\")"),
                whole("* 2 FETCH ({0}\r\n ~{2}\r\n\n\n)"),
                whole("T1 OK {3}"),
                whole("* X {2+}\r\nab"),
            ];
            assert_eq!(seen, expected, "in steps of {step}");
            assert_eq!(end, io::ErrorKind::UnexpectedEof);
        }
    }

    #[tokio::test]
    async fn a_large_literal_is_drained_and_marked() {
        let mut input = b"* 1 FETCH (UID 7 BODY[] {500}\r\n".to_vec();
        input.extend([b'x'; 500]);
        input.extend(b" FLAGS ())\r\nT1 OK done\r\n");
        for step in [1, 5, 64, 4000] {
            let (seen, _) = frames(&input, step, SMALL).await;
            let cut = (b"* 1 FETCH (UID 7 BODY[] NIL FLAGS ())".to_vec(), true);
            assert_eq!(seen, vec![cut, whole("T1 OK done")], "in steps of {step}");
        }
    }

    #[tokio::test]
    async fn many_literals_cannot_pass_the_limit_of_a_response() {
        let mut input = b"* 1 FETCH (".to_vec();
        for _ in 0..20 {
            input.extend(b"{10}\r\n0123456789 ");
        }
        input.extend(b")\r\nT1 OK\r\n");
        let (seen, _) = frames(&input, 50, Limits { line: 1000, ..SMALL }).await;
        assert_eq!(seen.len(), 2);
        assert!(seen[0].1 && seen[0].0.len() < 200, "cut, {} bytes", seen[0].0.len());
    }

    #[tokio::test]
    async fn a_long_line_is_cut_and_the_next_response_is_read() {
        let input = format!("* SEARCH {}\r\nT1 OK\r\n", "1 ".repeat(200));
        let (seen, end) = frames(input.as_bytes(), 17, SMALL).await;
        assert!(seen[0].1, "marked");
        assert_eq!(seen[1], whole("T1 OK"));
        assert_eq!(end, io::ErrorKind::UnexpectedEof);
    }

    #[tokio::test]
    async fn a_long_line_is_cut_alike_wherever_the_bytes_break() {
        let input =
            format!("* 1 FETCH {} {{3}}\r\na\nb END\r\n* 2 OK {}\r\nT1 OK\r\n", "x".repeat(300), "y".repeat(80));
        let whole = frames(input.as_bytes(), 4000, SMALL).await;
        assert!(whole.0[0].1 && whole.0[0].0.starts_with(b"* 1 FETCH") && whole.0[0].0.ends_with(b"a\nb END"));
        assert_eq!(whole.0[2], self::whole("T1 OK"));
        for step in [1, 3, 17, 63, 64, 65, 100] {
            assert_eq!(frames(input.as_bytes(), step, SMALL).await, whole, "in steps of {step}");
        }
    }

    #[tokio::test]
    async fn what_has_no_end_ends_the_connection() {
        for input in [format!("* {}\r\n", "x".repeat(5000)), "* 1 FETCH (BODY[] {99999999999999999999999}\r\n".into()] {
            let (seen, end) = frames(input.as_bytes(), 100, SMALL).await;
            assert!(seen.is_empty());
            assert_eq!(end, io::ErrorKind::InvalidData);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn byte_after_byte_has_an_end_as_well() {
        let (mut far, near) = tokio::io::duplex(10);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_millis(190)).await;
                if tokio::io::AsyncWriteExt::write_all(&mut far, b"x").await.is_err() {
                    return;
                }
            }
        });
        let mut framer = Framer::new(near, SMALL);
        let began = Instant::now();
        assert_eq!(framer.next(None).await.expect_err("no end").kind(), io::ErrorKind::TimedOut);
        assert!(began.elapsed() < SMALL.silence * 4, "{:?}", began.elapsed());
    }

    #[tokio::test]
    async fn silence_has_an_end() {
        let (_far, near) = tokio::io::duplex(10);
        let mut framer = Framer::new(near, SMALL);
        assert_eq!(framer.next(None).await.expect_err("silence").kind(), io::ErrorKind::TimedOut);
    }
}
