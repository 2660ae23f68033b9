//! What the server says about the folder that is open.

use std::sync::Arc;

use crate::answer::{Answer, State};

/// Numbers above this are nonsense (RFC 7162 section 3.1.2.1: 63 bits).
const MODSEQ_MAX: u64 = i64::MAX as u64;

/// State of the folder that is open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folder {
    /// Raw wire name.
    pub name: String,
    pub uid_validity: Option<u32>,
    pub uid_next: Option<u32>,
    pub exists: u32,
    pub modseq: Option<u64>,
    /// The server says that its numbers do not last.
    pub fleeting: bool,
    /// What vanished since the modseq that EXAMINE was given, lower bound first.
    pub vanished: Vec<(u32, u32)>,
    /// All its messages as they were when it was opened, in agreement with the server's count of then.
    pub listed: Listed,
    /// EXAMINE came to its end: what is told from now on is news.
    pub open: bool,
    /// Something came or went since then.
    pub stirred: bool,
    /// Something came since then.
    pub grown: bool,
}

/// A list of all messages of a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Listed {
    #[default]
    NotAsked,
    /// It was cut short, or differs from the count.
    Unsure,
    /// Ascending.
    All(Arc<[u32]>),
}

impl Folder {
    /// A folder of which nothing is known yet.
    pub fn named(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// All messages as they were when the folder was opened, where they are known.
    pub fn all(&self) -> Option<Arc<[u32]>> {
        match &self.listed {
            Listed::All(all) => Some(all.clone()),
            Listed::NotAsked | Listed::Unsure => None,
        }
    }

    /// The folder as STATUS tells of it, without opening it; `None` when something is missing that counts.
    pub fn told(name: &str, items: &[(String, u64)]) -> Option<Self> {
        let of = |name: &str| items.iter().find(|(n, _)| n == name).map(|(_, value)| *value);
        let small = |name: &str| of(name).and_then(|n| u32::try_from(n).ok());
        let modseq = of("HIGHESTMODSEQ").filter(|n| (1..=MODSEQ_MAX).contains(n));
        Some(Self {
            name: name.to_owned(),
            uid_validity: Some(small("UIDVALIDITY")?),
            uid_next: Some(small("UIDNEXT").filter(|n| *n > 0)?),
            exists: small("MESSAGES")?,
            modseq,
            ..Self::default()
        })
    }

    /// Takes over what an answer says about the folder.
    pub fn note(&mut self, answer: &Answer) {
        if self.open {
            self.grown |= matches!(answer, Answer::Exists(n) if *n > self.exists);
            self.stirred |= match answer {
                Answer::Exists(n) => *n != self.exists,
                Answer::Expunge | Answer::Vanished(false, _) => true,
                _ => false,
            };
        }
        match answer {
            Answer::Exists(n) => self.exists = *n,
            Answer::Expunge => self.exists = self.exists.saturating_sub(1),
            Answer::Vanished(true, ranges) => self.vanished.extend(ranges),
            Answer::Vanished(false, ranges) => {
                let gone = ranges.iter().fold(0u32, |n, (a, b)| n.saturating_add((b - a).saturating_add(1)));
                self.exists = self.exists.saturating_sub(gone);
            }
            Answer::Status(status) if status.state == State::Ok => self.learn(&status.code, &status.value),
            _ => {}
        }
    }

    fn learn(&mut self, code: &str, value: &str) {
        let number = value.trim().parse::<u64>().ok();
        let small = number.and_then(|n| u32::try_from(n).ok());
        match code {
            "UIDVALIDITY" => self.uid_validity = small,
            "UIDNEXT" => self.uid_next = small.filter(|n| *n > 0),
            "HIGHESTMODSEQ" => self.modseq = number.filter(|n| (1..=MODSEQ_MAX).contains(n)),
            "NOMODSEQ" => self.modseq = None,
            "UIDNOTSTICKY" => self.fleeting = true,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{answer, frame::Frame};

    #[test]
    fn the_state_follows_the_answers() {
        let mut folder = Folder::default();
        for line in [
            "* 18 EXISTS",
            "* OK [UIDVALIDITY 3857529045] valid",
            "* OK [UIDNEXT 4392] next",
            "* OK [HIGHESTMODSEQ 90060115194045001] mod",
            "* VANISHED (EARLIER) 41,43:44",
            "* 3 EXPUNGE",
            "* VANISHED 7:9,20",
            "* OK [UIDNEXT 0] nonsense",
            "* OK [HIGHESTMODSEQ 18446744073709551615] nonsense",
        ] {
            folder.note(&answer::read(&Frame { bytes: line.as_bytes(), cut: false }));
        }
        let expected = Folder {
            uid_validity: Some(3_857_529_045),
            exists: 13,
            vanished: vec![(41, 41), (43, 44)],
            ..Folder::default()
        };
        assert_eq!(folder, expected, "numbers that make no sense are as good as none");
        folder.note(&answer::read(&Frame { bytes: b"* VANISHED 1:4294967295", cut: false }));
        assert_eq!(folder.exists, 0);
    }
}
