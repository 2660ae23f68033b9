//! What tests outside of this crate throw hostile bytes at. No part of the contract: it may change at any time, and
//! nothing that is shipped uses it.

use std::io::Read;

use crate::index::{Stamp, index};

/// Where a message stands in its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub key: String,
    pub start: u64,
    pub end: u64,
}

/// The messages of a file whose bytes come in pieces of at most `step`; `None` when it is no mbox. `under_way`: its writer may
/// still be at it.
pub fn places(bytes: &[u8], step: usize, under_way: bool) -> Option<Vec<Place>> {
    let found = index(Pieces { bytes, step }, Stamp::default(), under_way).ok()?;
    Some(found.letters.iter().map(|l| Place { key: l.key.clone(), start: l.start, end: l.end }).collect())
}

struct Pieces<'a> {
    bytes: &'a [u8],
    step: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let size = self.step.min(self.bytes.len()).min(into.len());
        let (now, rest) = self.bytes.split_at(size);
        into[..size].copy_from_slice(now);
        self.bytes = rest;
        Ok(size)
    }
}
