//! Where the messages of an mbox file start and end, found in one pass that holds one line at most.
//!
//! A message is known by the hash of its bytes without the fields that mail programs rewrite in place (Status and the
//! like), so that reading or flagging a mail in another program does not make it another mail. The end of a file that
//! somebody is appending to is left for later: half a mail would be another mail.

use std::{collections::HashMap, io::Read, time::SystemTime};

use crate::from::{FromLine, from_line};

/// As much of a line as is looked at.
const LINE_HEAD: usize = 400;
/// A byte order mark.
const MARK: &[u8] = b"\xef\xbb\xbf";
/// Header fields that change while a message stays the same.
const VOLATILE: &[&str] = &[
    "status",
    "x-status",
    "x-keywords",
    "x-uid",
    "x-uidl",
    "x-imap",
    "x-imapbase",
    "x-mozilla-status",
    "x-mozilla-status2",
    "x-mozilla-keys",
    "content-length",
    "lines",
];

/// One message of a file.
#[derive(Clone, Debug)]
pub struct Letter {
    /// `HASH:N`; N counts equal messages.
    pub key: String,
    /// The bytes after the From_ line, without the empty line that belongs to the next one.
    pub start: u64,
    pub end: u64,
    pub from: FromLine,
    pub draft: bool,
    pub trashed: bool,
}

impl Letter {
    /// Only the flags that change what a message is.
    pub fn version(&self) -> String {
        let flags: String = [(self.draft, 'D'), (self.trashed, 'T')].iter().filter(|f| f.0).map(|f| f.1).collect();
        if flags.is_empty() { "-".to_owned() } else { flags }
    }
}

/// What tells whether a file is still the one that was indexed. Some programs set the time back after they rewrote a file of
/// the same length; then the file itself is another, or its inode was changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    pub modified: Option<SystemTime>,
    pub length: u64,
    /// Inode, and when it was changed.
    pub inode: Option<(u64, i64, i64)>,
}

/// All messages of a file, in its order.
#[derive(Debug, Default)]
pub struct Index {
    pub stamp: Option<Stamp>,
    pub letters: Vec<Letter>,
    /// What stands at the end is still being written, and was left out.
    pub cut: bool,
    by_key: HashMap<String, usize>,
}

impl Index {
    pub fn get(&self, key: &str) -> Option<&Letter> {
        self.by_key.get(key).map(|at| &self.letters[*at])
    }
}

/// What is wrong with a file that is no mbox.
#[derive(Debug)]
pub enum Bad {
    Io(std::io::Error),
    NoMbox,
}

/// Reads a whole file. `under_way`: its writer may still be at it.
pub fn index(mut file: impl Read, stamp: Stamp, under_way: bool) -> Result<Index, Bad> {
    let mut scanner = Scanner::default();
    let mut chunk = vec![0; 256 << 10];
    loop {
        let read = match file.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => read,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(Bad::Io(e)),
        };
        scanner.push(&chunk[..read]);
        if scanner.foreign {
            return Err(Bad::NoMbox);
        }
    }
    scanner.finish(under_way).map(|(letters, cut)| number(letters, stamp, cut))
}

fn number(found: Vec<(blake3::Hash, Letter)>, stamp: Stamp, cut: bool) -> Index {
    let mut index = Index { stamp: Some(stamp), cut, ..Index::default() };
    let mut counts: HashMap<blake3::Hash, usize> = HashMap::new();
    for (hash, mut letter) in found {
        let count = counts.entry(hash).or_default();
        *count += 1;
        letter.key = format!("{}:{count}", &hash.to_hex()[..32]);
        index.by_key.insert(letter.key.clone(), index.letters.len());
        index.letters.push(letter);
    }
    index
}

/// One message while it is being read.
struct Open {
    letter: Letter,
    hasher: blake3::Hasher,
    in_header: bool,
    /// The line belongs to a field that does not count.
    volatile: bool,
    /// Empty lines that were not yet counted: the last ones belong to the From_ line that follows.
    blanks: u64,
    /// The folder's own data, which old programs keep as its first message.
    internal: bool,
}

#[derive(Default)]
struct Scanner {
    /// Where the current line starts.
    offset: u64,
    head: Vec<u8>,
    line_len: u64,
    /// The head was judged; what still comes of the line is only counted (and hashed, if so decided).
    long: bool,
    hash_rest: bool,
    last_blank: Option<u64>,
    after_text: bool,
    open: Option<Open>,
    done: Vec<(blake3::Hash, Letter)>,
    foreign: bool,
}

impl Scanner {
    fn push(&mut self, mut chunk: &[u8]) {
        while !chunk.is_empty() && !self.foreign {
            let end = chunk.iter().position(|b| *b == b'\n').map(|at| at + 1);
            let (piece, rest) = chunk.split_at(end.unwrap_or(chunk.len()));
            chunk = rest;
            self.piece(piece);
            if end.is_some() {
                self.end_line();
            }
        }
    }

    fn piece(&mut self, mut piece: &[u8]) {
        self.line_len += piece.len() as u64;
        if !self.long && self.head.is_empty() {
            // a crash leaves holes of NUL bytes before what was appended next
            piece = &piece[piece.iter().take_while(|b| **b == 0).count()..];
        }
        if !self.long {
            self.head.extend_from_slice(piece);
            if self.head.len() > LINE_HEAD {
                self.long = true;
                let head = std::mem::take(&mut self.head);
                self.line(&head);
            }
        } else if let (true, Some(open)) = (self.hash_rest, &mut self.open) {
            open.hasher.update(piece);
        }
    }

    fn end_line(&mut self) {
        if !self.long {
            let head = std::mem::take(&mut self.head);
            self.line(&head);
            self.head = head;
            self.head.clear();
        }
        self.long = false;
        self.offset += self.line_len;
        self.line_len = 0;
    }

    /// A line, or the start of a long one.
    fn line(&mut self, line: &[u8]) {
        self.hash_rest = false;
        let line = if self.offset == 0 { line.strip_prefix(MARK).unwrap_or(line) } else { line };
        if matches!(line, b"\n" | b"\r\n" | b"") {
            self.last_blank = Some(self.offset);
            self.after_text = false;
            if let Some(open) = &mut self.open {
                open.blanks += 1;
                open.in_header = false;
            }
            return;
        }
        let from = if self.long { None } else { from_line(line, !self.after_text) };
        if let Some(from) = from {
            self.close(self.offset);
            self.begin(self.offset + self.line_len, from);
        } else if let Some(open) = &mut self.open {
            self.hash_rest = open.line(line, self.done.is_empty());
        } else {
            self.foreign = true;
        }
        self.after_text = from.is_none();
        self.last_blank = None;
    }

    fn begin(&mut self, start: u64, from: FromLine) {
        let letter = Letter { key: String::new(), start, end: start, from, draft: false, trashed: false };
        self.open = Some(Open {
            letter,
            hasher: blake3::Hasher::new(),
            in_header: true,
            volatile: false,
            blanks: 0,
            internal: false,
        });
    }

    fn close(&mut self, end: u64) {
        let Some(mut open) = self.open.take() else { return };
        open.letter.end = self.last_blank.unwrap_or(end).max(open.letter.start);
        if !open.internal {
            self.done.push((open.hasher.finalize(), open.letter));
        }
    }

    /// The messages, and whether something at the end was left for later.
    fn finish(mut self, under_way: bool) -> Result<(Vec<(blake3::Hash, Letter)>, bool), Bad> {
        let torn = self.line_len > 0;
        let mut cut = false;
        if torn && under_way && !self.long && self.last_blank.is_some() && starts_like_from(&self.head) {
            cut = true; // the start of a From_ line
        } else if torn {
            self.end_line();
        }
        if under_way && !cut && self.open.as_ref().is_some_and(|open| (torn || open.in_header) && !open.internal) {
            cut = true;
            self.open = None;
        }
        self.close(self.offset);
        if self.foreign { Err(Bad::NoMbox) } else { Ok((self.done, cut)) }
    }
}

fn starts_like_from(line: &[u8]) -> bool {
    line.starts_with(b"From ") || b"From ".starts_with(line)
}

impl Open {
    /// Takes a line of the message; true when its bytes count.
    fn line(&mut self, line: &[u8], first: bool) -> bool {
        if self.in_header {
            if !matches!(line[0], b' ' | b'\t') {
                self.field(line, first);
            }
            if self.volatile {
                return false;
            }
        }
        for _ in 0..std::mem::take(&mut self.blanks) {
            self.hasher.update(b"\n");
        }
        self.hasher.update(line);
        true
    }

    fn field(&mut self, line: &[u8], first: bool) {
        let text = String::from_utf8_lossy(line);
        let (name, value) = text.split_once(':').unwrap_or((&text, ""));
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
        self.volatile = VOLATILE.contains(&name.as_str());
        match name.as_str() {
            "x-status" => {
                self.letter.draft |= value.contains('T');
                self.letter.trashed |= value.contains('D');
            }
            // Mozilla's "expunged": deleted, and the file not yet compacted
            "x-mozilla-status" => self.letter.trashed |= u32::from_str_radix(value, 16).is_ok_and(|s| s & 8 != 0),
            "subject" => self.internal |= first && value.starts_with("DON'T DELETE THIS MESSAGE"),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FILE: &str = "From - Mon Jan  5 10:00:00 2026\nStatus: RO\nFrom: a@x\nSubject: one\n\nText\n>From b\n\nFrom now on\n\n\
        From a@x Mon Jan  5 11:00:00 2026\nFrom: a@x\nX-Status: AT\n folded\nSubject: two\n\nText\n\n\
        From a@x Mon Jan  5 12:00:00 2026\nFrom: a@x\nSubject: one\nX-Mozilla-Status: 0009\n\nText\n>From b\n\nFrom now on\n\n\n";

    fn read(text: &str) -> Index {
        index(text.as_bytes(), Stamp::default(), false).expect("an mbox")
    }

    fn bytes<'a>(text: &'a str, letter: &Letter) -> &'a str {
        &text[usize::try_from(letter.start).expect("small")..usize::try_from(letter.end).expect("small")]
    }

    #[test]
    fn messages_are_found_with_their_bounds_and_flags() {
        for text in [FILE.to_owned(), FILE.replace('\n', "\r\n"), format!("\n\n{FILE}")] {
            let found = read(&text);
            assert_eq!(found.letters.len(), 3);
            let first = bytes(&text, &found.letters[0]);
            assert!(
                first.starts_with("Status: RO") && first.trim_end_matches("\r\n").trim_end().ends_with("From now on")
            );
            let versions: Vec<_> = found.letters.iter().map(Letter::version).collect();
            assert_eq!(versions, ["-", "D", "T"]);
            assert!(found.letters.iter().all(|l| found.get(&l.key).is_some_and(|g| g.start == l.start)));
        }
    }

    #[test]
    fn equal_messages_are_counted_and_status_fields_do_not_matter() {
        let found = read(FILE);
        let (one, two, three) = (&found.letters[0].key, &found.letters[1].key, &found.letters[2].key);
        assert_eq!(one.strip_suffix(":1"), three.strip_suffix(":2"));
        assert!(two.ends_with(":1") && one != two);
        let read_since = read(&FILE.replace("Status: RO\n", "").replace("X-Status: AT\n folded\n", "Lines: 7\n"));
        let keys = |i: &Index| i.letters.iter().map(|l| l.key.clone()).collect::<Vec<_>>();
        assert_eq!(keys(&read_since), keys(&found));
        let appended = read(&format!("{}\nFrom z@x Mon Jan  5 13:00:00 2026\nSubject: z\n\nz", FILE.trim_end()));
        assert_eq!(keys(&appended)[..3], keys(&found));
    }

    #[test]
    fn what_stands_in_a_file() {
        for (text, letters) in [
            ("", 0),
            ("\n\n", 0),
            ("From a@x Mon Jan  5 11:00:00 2026", 1),
            ("From a@x Mon Jan  5 11:00:00 2026\n\n\n", 1),
            ("From a@x Mon Jan  5 11:00:00 2026\nFrom a@x Mon Jan  5 11:00:00 2026\n", 2),
            ("From - Mon Jan  5 11:00:00 2026\nSubject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA\n\nx\n", 0),
        ] {
            assert_eq!(read(text).letters.len(), letters, "{text:?}");
        }
        for foreign in ["Subject: a mail\n\ntext", "{\"json\": 1}", "\u{0}\u{1}"] {
            assert!(matches!(index(foreign.as_bytes(), Stamp::default(), false), Err(Bad::NoMbox)));
        }
    }

    #[test]
    fn a_line_without_end_is_not_held() {
        let text = format!("From a@x Mon Jan  5 11:00:00 2026\nX: y\n\n{}", "z".repeat(3 << 20));
        let found = read(&text);
        assert_eq!(found.letters[0].end, text.len() as u64);
        assert_ne!(found.letters[0].key, read(&text[..text.len() - 1]).letters[0].key, "the whole line counts");
    }

    proptest! {
        #[test]
        fn chunks_do_not_matter(
            pieces in proptest::collection::vec("(\n|\r\n|From a@x Mon Jan  5 11:00:00 2026\n|Status: D\n|X: y\n|>From |é|z{390,410}|.{0,9})", 0..30),
            size in 1usize..50,
        ) {
            let text = format!("From a@x Mon Jan  5 11:00:00 2026\n{}", pieces.concat());
            let mut scanner = Scanner::default();
            text.as_bytes().chunks(size).for_each(|chunk| scanner.push(chunk));
            let by_chunks = number(scanner.finish(false).expect("an mbox").0, Stamp::default(), false);
            let whole = read(&text);
            let shown = |i: &Index| format!("{:?}", i.letters);
            prop_assert_eq!(shown(&by_chunks), shown(&whole));
            let mut end = 0;
            for letter in &whole.letters {
                prop_assert!(letter.start >= end && letter.end >= letter.start);
                end = letter.end;
            }
            prop_assert!(end <= text.len() as u64);
        }

        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = index(bytes.as_slice(), Stamp::default(), false);
            let _ = index([b"From a@x Mon Jan  5 11:00:00 2026\n".as_slice(), &bytes].concat().as_slice(), Stamp::default(), true);
        }
    }
}
