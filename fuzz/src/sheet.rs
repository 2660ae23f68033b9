//! CSV files: every record is a row, good or bad; rows have names of their own and can be found by them; the records lie in
//! the file one behind the other.

use std::collections::HashSet;

use dealtrail_csv::inside::{FILES, records, rows};

pub fn check(bytes: &[u8]) {
    let (file, bytes) = match bytes.split_first() {
        // a fuzzer chooses the file by the first byte
        Some((first, rest)) if *first < 32 => (FILES[usize::from(*first) % FILES.len()], rest),
        _ => ("contacts.csv", bytes),
    };
    cut(bytes);
    let Ok(found) = rows(file, bytes) else { return };
    let names: HashSet<&str> = found.iter().map(|r| r.resource.as_str()).collect();
    assert_eq!(names.len(), found.len(), "two rows have one name");
    assert!(found.iter().all(|r| r.found), "a row cannot be found by its name");
    let body = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let width = records(body, None).next().map_or(0, |header| header.cells);
    let counted = records(body, Some(width)).skip(1).filter(|r| !r.blank).count();
    assert_eq!(found.len(), counted, "good and bad rows are not all records");
    if bytes.len() <= 8_192 {
        assert_eq!(rows(file, bytes).ok(), Some(found), "a second reading gives the same");
    }
}

/// The records follow each other, and between them stand only line ends.
fn cut(bytes: &[u8]) {
    let (mut at, mut line) = (0, 0);
    for record in records(bytes, None) {
        assert!(record.start >= at && record.end >= record.start && record.end <= bytes.len());
        assert!(bytes[at..record.start].iter().all(|b| matches!(b, b'\n' | b'\r')), "bytes between two records");
        assert!(record.line > line, "two records on one line");
        assert!(record.bytes <= record.end - record.start, "cells hold more than their record");
        (at, line) = (record.end, record.line);
    }
    assert!(bytes[at..].iter().all(|b| matches!(b, b'\n' | b'\r')), "bytes behind the last record");
}
