//! The leaves of a message with their IMAP section numbers (RFC 9051 section 6.4.5.1), in one pass over its lines.
//!
//! Containers stand on a stack of our own, so that no nesting can overflow the thread's. A message/rfc822 part is a leaf
//! and stays closed. Depth and number of parts are bounded: what lies beyond stays inside its container.

use super::{field, is_attachment, param};
use crate::record::Part;

/// Multiparts inside multiparts; deeper ones stay closed.
const DEPTH_MAX: usize = 50;
/// Parts of one message; further ones are not listed.
const PARTS_MAX: usize = 500;
const NAME_MAX: usize = 255;
/// Bytes of a field that describes a part.
const FIELD_MAX: usize = 64 << 10;

/// One leaf and its encoded body.
pub(super) struct Leaf<'a> {
    pub part: Part,
    pub body: &'a [u8],
}

/// An open multipart.
struct Container {
    /// With the two leading hyphens.
    boundary: Vec<u8>,
    path: Vec<usize>,
    children: usize,
    alternative: bool,
    digest: bool,
    /// Where its body starts: without a single boundary line it is read as plain text.
    start: usize,
    inside_alternative: bool,
}

struct Open {
    part: Part,
    start: usize,
}

struct Walk<'a> {
    bytes: &'a [u8],
    stack: Vec<Container>,
    /// Bytes of the shortest boundary that was ever opened.
    shortest: usize,
    open: Option<Open>,
    leaves: Vec<Leaf<'a>>,
}

/// The leaves of a whole message, in order.
pub(super) fn leaves(bytes: &[u8]) -> Vec<Leaf<'_>> {
    let mut walk = Walk { bytes, stack: Vec::new(), shortest: usize::MAX, open: None, leaves: Vec::new() };
    let mut at = walk.entity(0, Vec::new(), false, false);
    while at < bytes.len() && walk.leaves.len() < PARTS_MAX && !walk.stack.is_empty() {
        let (line, _) = field::line(&bytes[at..]);
        at = match walk.boundary(line) {
            Some((depth, closing)) => walk.turn(at, line.len(), depth, closing),
            None => at + line.len(),
        };
    }
    let end = bytes.len();
    walk.close_leaf(end);
    walk.close_containers(0, end);
    walk.leaves.truncate(PARTS_MAX);
    walk.leaves
}

impl<'a> Walk<'a> {
    /// Depth of the container whose boundary the line is, and whether it closes it.
    fn boundary(&self, line: &[u8]) -> Option<(usize, bool)> {
        if !line.starts_with(b"--") {
            return None;
        }
        let line = line.trim_ascii_end();
        if line.len() < self.shortest {
            return None; // a flood of short lines asks no container
        }
        let fits = |c: &Container| line.len() == c.boundary.len() || line.len() == c.boundary.len() + 2;
        let mut open = self.stack.iter().enumerate().rev().filter(|(_, container)| fits(container));
        open.find_map(|(depth, container)| match line.strip_prefix(container.boundary.as_slice())? {
            b"" => Some((depth, false)),
            b"--" => Some((depth, true)),
            _ => None,
        })
    }

    /// At a boundary line: what is open ends, and the next part begins unless the container closes.
    fn turn(&mut self, at: usize, line: usize, depth: usize, closing: bool) -> usize {
        let end = before_line_end(self.bytes, at);
        self.close_leaf(end);
        self.close_containers(if closing { depth } else { depth + 1 }, end);
        if closing {
            return at + line;
        }
        let container = &mut self.stack[depth];
        container.children += 1;
        let mut path = container.path.clone();
        path.push(container.children);
        let (alternative, digest) = (container.alternative || container.inside_alternative, container.digest);
        self.entity(at + line, path, alternative, digest)
    }

    /// Reads the header of the entity that starts at `start`; returns where its body starts.
    fn entity(&mut self, start: usize, path: Vec<usize>, alternative: bool, digest: bool) -> usize {
        let mut at = start;
        let body = loop {
            let (line, _) = field::line(&self.bytes[at..]);
            if field::is_empty(line) {
                break at + line.len();
            }
            if self.boundary(line).is_some() {
                break at; // a header that runs into the next part
            }
            at += line.len();
        };
        let head = Head::read(&self.bytes[start..at], digest);
        match head.boundary {
            Some(boundary) if self.stack.len() < DEPTH_MAX => {
                self.shortest = self.shortest.min(2 + boundary.len());
                self.stack.push(Container {
                    boundary: [b"--", boundary.as_bytes()].concat(),
                    path,
                    children: 0,
                    alternative: head.media_type == "multipart/alternative",
                    digest: head.media_type == "multipart/digest",
                    start: body,
                    inside_alternative: alternative,
                });
            }
            _ => {
                let first = self.leaves.is_empty();
                self.open = Some(Open { part: head.part(&path, alternative, first), start: body });
            }
        }
        body
    }

    fn close_leaf(&mut self, end: usize) {
        if let Some(Open { mut part, start }) = self.open.take() {
            let body = self.bytes.get(start..end).unwrap_or_default();
            part.size = body.len() as u64;
            self.leaves.push(Leaf { part, body });
        }
    }

    fn close_containers(&mut self, keep: usize, end: usize) {
        while self.stack.len() > keep {
            let Some(mut container) = self.stack.pop() else { return };
            if container.children == 0 {
                container.path.push(1); // as Dovecot numbers it
                let head = Head { media_type: "text/plain".to_owned(), ..Head::default() };
                let first = self.leaves.is_empty();
                let part = head.part(&container.path, container.inside_alternative, first);
                self.open = Some(Open { part, start: container.start.min(end) });
                self.close_leaf(end);
            }
        }
    }
}

/// The line break before a boundary line belongs to the boundary.
fn before_line_end(bytes: &[u8], at: usize) -> usize {
    let before = &bytes[..at];
    let before = before.strip_suffix(b"\n").unwrap_or(before);
    before.strip_suffix(b"\r").unwrap_or(before).len()
}

/// The fields of one entity that describe it.
#[derive(Default)]
struct Head {
    media_type: String,
    boundary: Option<String>,
    charset: Option<String>,
    method: Option<String>,
    encoding: Option<String>,
    disposition: Option<String>,
    name: Option<String>,
}

impl Head {
    fn read(block: &[u8], digest: bool) -> Self {
        let mut head =
            Self { media_type: if digest { "message/rfc822" } else { "text/plain" }.to_owned(), ..Self::default() };
        let mut type_name = None;
        let mut seen = false;
        for (name, raw) in field::Fields::new(block) {
            let raw = &raw[..raw.len().min(FIELD_MAX)];
            if name.eq_ignore_ascii_case(b"content-type") && !seen {
                seen = true;
                let value = param::Value::parse(&field::unfold(raw, None));
                head.media_type = media_type(&value.head);
                head.charset = value.param("charset").map(|c| c.to_ascii_lowercase());
                head.method = value.param("method").map(|m| m.to_ascii_lowercase());
                if head.media_type.starts_with("multipart/") {
                    head.boundary = value.param("boundary");
                }
                type_name = value.param("name");
            } else if name.eq_ignore_ascii_case(b"content-transfer-encoding") {
                let value = field::unfold(raw, None);
                let word = value.split([' ', ';', '(']).next().unwrap_or_default();
                head.encoding = Some(word.trim_matches('"').to_ascii_lowercase());
            } else if name.eq_ignore_ascii_case(b"content-disposition") {
                let value = param::Value::parse(&field::unfold(raw, None));
                head.name = value.param("filename").or_else(|| value.param("name"));
                head.disposition = Some(value.head);
            }
        }
        if head.media_type.starts_with("multipart/") && head.boundary.is_none() {
            head.media_type = "text/plain".to_owned();
        }
        head.name = head.name.or(type_name).map(|n| base_name(&n)).filter(|n| !n.is_empty());
        head
    }

    fn part(self, path: &[usize], alternative: bool, first: bool) -> Part {
        let section = if path.is_empty() {
            "1".to_owned()
        } else {
            path.iter().map(usize::to_string).collect::<Vec<_>>().join(".")
        };
        let attachment = is_attachment(&self.media_type, self.disposition.as_deref(), self.name.is_some(), first);
        Part {
            section,
            media_type: self.media_type,
            charset: self.charset,
            encoding: self.encoding,
            name: self.name,
            size: 0,
            attachment,
            method: self.method,
            alternative,
        }
    }
}

/// RFC 2045 section 5.2: what cannot be read is plain text, unless it names some other kind.
fn media_type(head: &str) -> String {
    match head.split_once('/') {
        Some((kind, sub)) if !kind.is_empty() && !sub.is_empty() => {
            let token = |c: char| c.is_ascii_alphanumeric() || "/!#$&^_.+-".contains(c);
            let end = head.find(|c| !token(c)).unwrap_or(head.len());
            super::cut(&head[..end], 100).to_owned()
        }
        _ if head.is_empty() || head.starts_with("text") => "text/plain".to_owned(),
        _ => "application/octet-stream".to_owned(),
    }
}

/// Some programs send the path of the file on their own disk.
fn base_name(name: &str) -> String {
    let name = name.trim_end_matches(['/', '\\']);
    let base = name.rsplit(['/', '\\']).next().unwrap_or(name).trim();
    base.chars().take(NAME_MAX).collect()
}
