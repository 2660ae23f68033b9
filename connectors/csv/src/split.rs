//! Bytes of a CSV file -> records with their line numbers (RFC 4180), pure.
//!
//! Stricter than the usual readers on one point, on purpose: a quotation mark that is opened and never closed, or
//! closed in the middle of a cell, costs the row it stands in and not the rows behind it. A reader that swallows the
//! rest of the file would make good rows look deleted.

/// A quoted cell longer than this is taken for a quotation mark that somebody forgot to close; no honest cell is longer.
const LONGEST_CELL: usize = 256 * 1024;
/// No export has more columns.
const MOST_CELLS: usize = 4_096;
/// Bytes that may be read twice because the rows they seemed to belong to were broken. Behind that a quoted cell has to end
/// on its own line: else a quotation mark in every row would cost a reading of the whole file for each.
const WASTE: usize = if cfg!(test) { 64 << 10 } else { 64 << 20 };

/// One record of the file.
pub struct Split<'a> {
    /// Line on which the record starts, from 1.
    pub line: usize,
    /// The record's bytes, without its line end; of a broken one the first line only.
    pub raw: &'a [u8],
    pub cells: Vec<Vec<u8>>,
    /// Why the cells cannot be trusted; then `cells` holds those that were complete on the first line.
    pub broken: Option<&'static str>,
}

/// Walks over the records of a file. Empty lines are left out.
pub struct Splitter<'a> {
    bytes: &'a [u8],
    delimiter: u8,
    at: usize,
    line: usize,
    /// Number of columns, once the header is known.
    width: Option<usize>,
    /// Bytes that were read in vain.
    wasted: usize,
}

impl<'a> Splitter<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, delimiter: delimiter(bytes), at: 0, line: 1, width: None, wasted: 0 }
    }

    /// From now on records must have this many cells; empty ones behind the last column do no harm.
    pub fn expect_width(&mut self, width: usize) {
        self.width = Some(width);
    }

    /// Reads the record that starts at `self.at`.
    fn record(&self) -> Read {
        let mut read = Read { end: self.at, next: self.at, lines: 0, cells: Vec::new(), on_first: 0, broken: None };
        loop {
            let mut cell = Vec::new();
            if let Err(why) = self.cell(&mut read, &mut cell) {
                read.broken = Some(why);
                return read;
            }
            // empty cells behind the last column are what spreadsheets leave behind
            if read.cells.len() < self.width.unwrap_or(MOST_CELLS) {
                read.cells.push(cell);
            } else if !cell.iter().all(u8::is_ascii_whitespace) || self.width.is_none() {
                read.broken = Some(match self.width {
                    Some(_) => "it has more cells than the header",
                    None => "it has more than 4,096 cells",
                });
                return read;
            }
            if read.lines == 0 {
                read.on_first = read.cells.len();
            }
            match self.bytes.get(read.end) {
                Some(&b) if b == self.delimiter => read.end += 1,
                Some(_) => {
                    read.next = after_line_end(self.bytes, read.end);
                    read.lines += 1;
                    return read;
                }
                None => {
                    read.next = read.end;
                    return read;
                }
            }
        }
    }

    /// Reads one cell from `read.end` on; afterwards `read.end` is at the delimiter, the line end or the file's end.
    fn cell(&self, read: &mut Read, cell: &mut Vec<u8>) -> Result<(), &'static str> {
        let start = read.end + self.bytes[read.end..].iter().take_while(|&&b| b == b' ').count();
        if self.bytes.get(start) != Some(&b'"') {
            let rest = &self.bytes[read.end..];
            let length = rest.iter().position(|&b| b == self.delimiter || is_line_end(b)).unwrap_or(rest.len());
            read.end += length;
            if length > LONGEST_CELL {
                return Err("a cell is longer than 256 KiB");
            }
            cell.extend_from_slice(&rest[..length]);
            return Ok(());
        }
        read.end = start + 1;
        loop {
            let Some(&b) = self.bytes.get(read.end) else { return Err("a quotation mark is opened and never closed") };
            read.end += 1;
            match b {
                b'"' if self.bytes.get(read.end) == Some(&b'"') => {
                    cell.push(b'"');
                    read.end += 1;
                }
                b'"' => break,
                _ if is_line_end(b) && self.wasted > WASTE => {
                    return Err(
                        "a quotation mark is opened and not closed on its line, as in too many rows of this file",
                    );
                }
                _ => {
                    if is_line_end(b) && !(b == b'\r' && self.bytes.get(read.end) == Some(&b'\n')) {
                        read.lines += 1;
                    }
                    cell.push(b);
                }
            }
            if cell.len() > LONGEST_CELL {
                return Err("a quoted cell is longer than 256 KiB, so its closing quotation mark is probably missing");
            }
        }
        read.end += self.bytes[read.end..].iter().take_while(|&&b| b == b' ').count();
        match self.bytes.get(read.end) {
            Some(&b) if b != self.delimiter && !is_line_end(b) => {
                Err("text stands behind a closing quotation mark (a quotation mark inside a cell is written twice)")
            }
            _ => Ok(()),
        }
    }
}

/// What reading one record gave.
struct Read {
    /// Where the record ends, before its line end.
    end: usize,
    /// Where the next one starts.
    next: usize,
    /// Line ends passed.
    lines: usize,
    cells: Vec<Vec<u8>>,
    /// How many cells were complete on the record's first line.
    on_first: usize,
    broken: Option<&'static str>,
}

impl<'a> Iterator for Splitter<'a> {
    type Item = Split<'a>;

    fn next(&mut self) -> Option<Split<'a>> {
        while self.bytes.get(self.at).is_some_and(|&b| is_line_end(b)) {
            self.at = after_line_end(self.bytes, self.at);
            self.line += 1;
        }
        if self.at >= self.bytes.len() {
            return None;
        }
        let mut read = self.record();
        let (start, line) = (self.at, self.line);
        if let Some(width) = self.width
            && read.broken.is_none()
            && read.cells.len() < width
        {
            read.broken = Some("it has fewer cells than the header");
        }
        if read.broken.is_some() {
            // Only the first line is lost: what follows is read on its own.
            read.cells.truncate(read.on_first);
            let rest = &self.bytes[start..];
            let scanned = read.end;
            read.end = start + rest.iter().position(|&b| is_line_end(b)).unwrap_or(rest.len());
            self.wasted += scanned.saturating_sub(read.end);
            read.next = after_line_end(self.bytes, read.end);
            read.lines = 1;
        }
        self.at = read.next;
        self.line += read.lines;
        Some(Split { line, raw: &self.bytes[start..read.end], cells: read.cells, broken: read.broken })
    }
}

fn is_line_end(b: u8) -> bool {
    b == b'\n' || b == b'\r'
}

/// Behind the LF, CR LF or CR at `at`.
fn after_line_end(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at) {
        Some(b'\r') if bytes.get(at + 1) == Some(&b'\n') => at + 2,
        Some(_) => at + 1,
        None => at,
    }
}

/// A comma, unless the header line has none and has semicolons or tabs.
fn delimiter(bytes: &[u8]) -> u8 {
    let start = bytes.iter().position(|&b| !is_line_end(b)).unwrap_or(0);
    let header: &[u8] = bytes[start..].split(|&b| is_line_end(b)).next().unwrap_or_default();
    [b',', b';', b'\t'].into_iter().find(|d| header.contains(d)).unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(text: &str, width: usize) -> Vec<(usize, Vec<String>, bool)> {
        let mut s = Splitter::new(text.as_bytes());
        s.expect_width(width);
        s.map(|r| {
            let cells = r.cells.into_iter().map(|c| String::from_utf8(c).unwrap()).collect();
            (r.line, cells, r.broken.is_some())
        })
        .collect()
    }

    fn row(line: usize, cells: &[&str]) -> (usize, Vec<String>, bool) {
        (line, cells.iter().map(|c| (*c).to_owned()).collect(), false)
    }

    #[test]
    fn rows_quotes_and_line_ends() {
        assert_eq!(split("a,b\n1,2\n", 2), [row(1, &["a", "b"]), row(2, &["1", "2"])]);
        assert_eq!(split("a;b\r\n1;2,5", 2), [row(1, &["a", "b"]), row(2, &["1", "2,5"])]);
        assert_eq!(split("a\tb\r1\t2\r", 2), [row(1, &["a", "b"]), row(2, &["1", "2"])]);
        assert_eq!(split("a,\"b \"\"c\"\"\"\n", 2), [row(1, &["a", "b \"c\""])]);
        assert_eq!(split("a,\"x\r\ny\"\n\n1,\n", 2), [row(1, &["a", "x\r\ny"]), row(4, &["1", ""])]);
        assert_eq!(split("a, \"b\" ,,\n", 2), [row(1, &["a", "b"])]);
        assert_eq!(split("a,5\" pipe\n", 2), [row(1, &["a", "5\" pipe"])]);
        assert_eq!(split("", 2), []);
    }

    #[test]
    fn a_broken_row_costs_itself_only() {
        let never_closed = split("a,b\n1,\"x\n2,y\n3,z\n", 2);
        assert_eq!(
            never_closed.iter().map(|r| (r.0, r.2)).collect::<Vec<_>>(),
            [(1, false), (2, true), (3, false), (4, false)]
        );
        assert_eq!(never_closed[1].1, ["1"], "the id of the broken row is known");
        let closed_by_a_stranger = split("a,b,c\n1,\"x,y\n2,\"z\",w\n", 3);
        assert_eq!(closed_by_a_stranger.iter().map(|r| r.2).collect::<Vec<_>>(), [false, true, false]);
        let short = split("a,b,c\n1,\"x\ny\"\n2,z,w\n", 3);
        assert_eq!(
            short.iter().map(|r| (r.0, r.2)).collect::<Vec<_>>(),
            [(1, false), (2, true), (3, true), (4, false)]
        );
        let long = split("a,b\n1,2,3\n4,5\n", 2);
        assert_eq!(long.iter().map(|r| r.2).collect::<Vec<_>>(), [false, true, false]);
    }

    fn quoted(cell: &str) -> String {
        format!("\"{}\"", cell.replace('"', "\"\""))
    }

    #[test]
    fn a_quote_in_every_row_ends_and_rows_of_one_line_are_still_read() {
        let text = format!("{}K1,\"good\",row\nK2,\"two\nlines\",row\n", "x\",\"z\n".repeat(20_000));
        let found = split(&text, 3);
        let good: Vec<&str> = found.iter().filter(|r| !r.2).map(|r| r.1[0].as_str()).collect();
        assert_eq!(good, ["K1"], "once too much was read in vain, a cell of two lines is a broken row");
        assert_eq!(found.len(), 20_003);
    }

    #[test]
    fn a_record_of_too_many_cells_is_not_held() {
        let header = "a,".repeat(10_000);
        let found = split(&header, 3);
        assert!(found[0].2 && found[0].1.len() <= 3);
        let mut unknown = Splitter::new(header.as_bytes());
        let header = unknown.next().expect("a record");
        assert!(header.broken.is_some() && header.cells.len() <= MOST_CELLS);
        for (row, good) in [("a,b,c,,, ,\n", true), ("a,b,c,,,x\n", false), ("a,b\n", false)] {
            assert_eq!(!split(row, 3)[0].2, good, "{row}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(rows in prop::collection::vec(prop::collection::vec("[ -~\r\näß]{0,8}", 3), 0..6)) {
            let mut text = "a,b,c\r\n".to_owned();
            for r in &rows {
                text += &r.iter().map(|c| quoted(c)).collect::<Vec<_>>().join(",");
                text += "\r\n";
            }
            let read: Vec<Vec<String>> = split(&text, 3).into_iter().skip(1).map(|r| r.1).collect();
            prop_assert_eq!(read, rows);
        }

        #[test]
        fn never_panics_and_loses_no_whole_line(text in "[a,;\"\r\n ]{0,80}") {
            let mut s = Splitter::new(text.as_bytes());
            s.expect_width(2);
            let records: Vec<_> = s.collect();
            let seen: usize = records.iter().map(|r| r.raw.iter().filter(|b| !is_line_end(**b)).count()).sum();
            prop_assert_eq!(seen, text.bytes().filter(|b| !is_line_end(*b)).count());
        }
    }
}
