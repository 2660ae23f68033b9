//! Hostile content of every kind that is read: mails, calendars, sheets, mbox files, WebDAV and IMAP answers that are built to
//! cost time, memory or stack. One place, so that tests, fuzz corpora and the whole program meet the same.
//!
//! A bomb grows with the size that is asked for and always has the same bytes at the same size. It reads nothing.

mod calendars;
mod mails;
mod others;

/// What a bomb pretends to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A whole message.
    Mail,
    /// An iCalendar file.
    Calendar,
    /// A contacts.csv.
    Sheet,
    /// An mbox file.
    Mbox,
    /// A WebDAV multistatus answer.
    Dav,
    /// What an IMAP server sends.
    Imap,
}

/// One kind of hostile content.
#[derive(Clone, Copy, Debug)]
pub struct Bomb {
    pub name: &'static str,
    pub kind: Kind,
    make: fn(usize) -> Vec<u8>,
}

impl Bomb {
    /// The bomb, of about `size` bytes; some stay smaller because their harm lies in a few words.
    pub fn bytes(&self, size: usize) -> Vec<u8> {
        (self.make)(size)
    }
}

/// All of them.
pub fn all() -> impl Iterator<Item = &'static Bomb> {
    [mails::ALL, calendars::ALL, others::ALL].into_iter().flatten()
}

/// Those of one kind.
pub fn of(kind: Kind) -> impl Iterator<Item = &'static Bomb> {
    all().filter(move |b| b.kind == kind)
}

/// `head`, then `piece` again and again up to about `size` bytes, then `tail`.
fn filled(head: &str, piece: &[u8], tail: &str, size: usize) -> Vec<u8> {
    let times = size.saturating_sub(head.len() + tail.len()) / piece.len().max(1);
    let mut bytes = Vec::with_capacity(head.len() + times * piece.len() + tail.len());
    bytes.extend_from_slice(head.as_bytes());
    for _ in 0..times {
        bytes.extend_from_slice(piece);
    }
    bytes.extend_from_slice(tail.as_bytes());
    bytes
}

/// The same with a number in every piece.
fn counted(head: &str, piece: impl Fn(usize) -> String, tail: &str, size: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(size + 256);
    bytes.extend_from_slice(head.as_bytes());
    for n in 0.. {
        if bytes.len() + tail.len() >= size {
            break;
        }
        bytes.extend_from_slice(piece(n).as_bytes());
    }
    bytes.extend_from_slice(tail.as_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn bombs_have_names_of_their_own_and_the_same_bytes_each_time() {
        let names: HashSet<&str> = all().map(|b| b.name).collect();
        assert_eq!(names.len(), all().count());
        for bomb in all() {
            let bytes = bomb.bytes(20_000);
            // a few are what they are, whatever size is asked for
            assert!(!bytes.is_empty() && bytes.len() < 500_000, "{}: {} bytes", bomb.name, bytes.len());
            assert_eq!(bytes, bomb.bytes(20_000), "{}", bomb.name);
        }
    }
}
