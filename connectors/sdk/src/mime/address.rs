//! Mailbox lists (RFC 5322 section 3.4) as they are really written: groups, comments, routes, lists by semicolon, names
//! without quotes, addresses without brackets, a whole address inside an encoded word. One pass, nothing nested.

use super::word;
use crate::record::Mailbox;

/// No mail is written to more people by one field; a server's limit is far below.
pub(super) const MOST: usize = 2_000;

/// All mailboxes of an unfolded value, the first [`MOST`] of them. Entries without an address are dropped.
pub(super) fn addresses(text: &str) -> Vec<Mailbox> {
    read(text).0
}

/// The same for a From or Sender field, where a mail system may sign its reports with a local name alone
/// (`MAILER-DAEMON`).
pub(super) fn senders(text: &str) -> Vec<Mailbox> {
    let (list, last) = read(text);
    if list.is_empty() { last.lone().into_iter().collect() } else { list }
}

/// And the last entry.
fn read(text: &str) -> (Vec<Mailbox>, Entry) {
    let mut list = Vec::new();
    let mut entry = Entry::default();
    let mut quotes = true;
    let mut failed = 0;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let used = match c {
            // a quote that is never closed is none, and neither is any after it
            '"' if quotes => entry.quoted(rest).unwrap_or_else(|| {
                quotes = false;
                1
            }),
            '"' => 1,
            '>' if entry.angle.is_some() => 1,
            '(' => entry.comment(rest),
            '<' => entry.angle(rest),
            ',' | ';' => {
                std::mem::take(&mut entry).finish(&mut list);
                if list.len() >= MOST {
                    return (list, entry);
                }
                1
            }
            ':' if !entry.bare.contains('@') => {
                entry = Entry::default(); // the name of a group, or `mailto`
                1
            }
            '=' if failed < word::FAILED_MAX => {
                let used = entry.encoded(rest);
                failed += usize::from(used == 1 && rest.starts_with("=?"));
                used
            }
            c => {
                entry.push(c);
                c.len_utf8()
            }
        };
        rest = &rest[used..];
    }
    entry.finish(&mut list);
    (list, entry)
}

/// One mailbox while it is being read.
#[derive(Default)]
struct Entry {
    /// What stands outside brackets and comments, as a name: quotes and encodings undone.
    name: String,
    /// The same, as it was written: an address without brackets is found in it.
    bare: String,
    comment: String,
    angle: Option<String>,
}

impl Entry {
    fn push(&mut self, c: char) {
        self.name.push(c);
        self.bare.push(c);
    }

    fn encoded(&mut self, rest: &str) -> usize {
        if let Some((decoded, used)) = word::run(rest) {
            self.name.push_str(&decoded);
            return used;
        }
        self.push('=');
        1
    }

    fn quoted(&mut self, rest: &str) -> Option<usize> {
        let (inner, used) = delimited(rest)?;
        self.name.push_str(&word::decode_words(&inner));
        self.bare.push('"');
        self.bare.push_str(&inner);
        self.bare.push('"');
        Some(used)
    }

    fn comment(&mut self, rest: &str) -> usize {
        let (mut depth, mut escaped) = (0usize, false);
        let mut used = rest.len();
        for (at, c) in rest.char_indices() {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                used = at + 1;
                break;
            }
        }
        let inner = rest[1..used].strip_suffix(')').unwrap_or(&rest[1..used]);
        if self.comment.is_empty() {
            self.comment = word::decode_words(inner).into_owned();
        }
        used
    }

    fn angle(&mut self, rest: &str) -> usize {
        let mut quoted = false;
        let end = rest[1..].find(|c| {
            quoted ^= c == '"';
            (c == '>' && !quoted) || c == '<'
        });
        let end = end.map_or(rest.len(), |at| at + 1);
        if self.angle.as_deref().is_none_or(str::is_empty) {
            self.angle = Some(rest[1..end].to_owned());
        }
        end + usize::from(rest[end..].starts_with('>'))
    }

    fn finish(&self, list: &mut Vec<Mailbox>) {
        let angle = self.angle.as_deref().map(tidy).filter(|a| !a.is_empty());
        if let Some(angle) = angle.filter(|a| a.contains('@') || !self.name.contains('@')) {
            let name = if self.name.trim().is_empty() { &self.comment } else { &self.name };
            add(list, angle, name);
            return;
        }
        if let Some((address, name)) = self.unbracketed() {
            let name = if name.trim().is_empty() { &self.comment } else { &name };
            add(list, address, name);
        } else if let (Some(open), Some(close)) = (self.name.rfind('<'), self.name.rfind('>')) {
            // the whole mailbox stood inside an encoded word or in quotes
            if open < close && self.name[open..close].contains('@') {
                add(list, tidy(&self.name[open + 1..close]), &self.name[..open]);
            }
        } else if let Some(address) = self.name.split_whitespace().find(|w| is_address(w)) {
            add(list, tidy(address), &self.comment);
        }
    }

    /// An address without brackets, and the words beside it.
    fn unbracketed(&self) -> Option<(String, String)> {
        let at = self.bare.rfind('@')?;
        let end = self.bare[at..].find(char::is_whitespace).map_or(self.bare.len(), |n| at + n);
        let before = &self.bare[..at];
        let start = match before.strip_suffix('"') {
            Some(quoted) => quoted.rfind('"')?,
            None => before.trim_end_matches(|c: char| !c.is_whitespace() && c != '"').len(),
        };
        let address = tidy(&self.bare[start..end]);
        let name = format!("{} {}", &self.bare[..start], &self.bare[end..]).replace('"', "");
        // words that were encoded are only in `name`
        let name = if self.name.len() > self.bare.len() { self.name.replace(&address, "") } else { name };
        is_address(&address).then_some((address, name))
    }

    /// A local name alone, as mail systems sign their own reports.
    fn lone(&self) -> Option<Mailbox> {
        let written = self.angle.as_deref().unwrap_or(&self.bare).trim();
        let address = tidy(written);
        // words with blanks between them are a name
        let plain = !address.is_empty() && !written.contains(|c: char| c.is_whitespace() || c == '"');
        plain.then(|| mailbox(address, &self.comment))
    }
}

fn is_address(text: &str) -> bool {
    text.rsplit_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
}

/// What stands between two quotes, escapes undone, and the length of all of it.
fn delimited(rest: &str) -> Option<(String, usize)> {
    let mut inner = String::new();
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => {
                inner.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => return Some((inner, at + 1)),
            c => inner.push(c),
        }
    }
    None
}

/// Takes off what is wrapped round an address: blanks, quotes, `mailto:`, a route, a final dot.
fn tidy(address: &str) -> String {
    let decoded = word::decode_words(address);
    let mut address = decoded.trim_matches(|c: char| c.is_whitespace() || c.is_control() || c == '\'' || c == '`');
    if address.get(..7).is_some_and(|p| p.eq_ignore_ascii_case("mailto:")) {
        address = &address[7..];
    }
    if address.starts_with('@') {
        address = address.split_once(':').map_or("", |(_, rest)| rest);
    }
    let address = address.trim_end_matches(['.', '>', ',', ';']);
    if address.contains('"') {
        return address.trim().chars().filter(|c| !c.is_control()).collect();
    }
    super::unspaced(address)
}

/// What was wrapped round an address may have been all of it.
fn add(list: &mut Vec<Mailbox>, address: String, name: &str) {
    if !address.is_empty() {
        list.push(mailbox(address, name));
    }
}

fn mailbox(address: String, name: &str) -> Mailbox {
    let mut plain = String::with_capacity(name.len());
    for word in name.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()) {
        if !plain.is_empty() {
            plain.push(' ');
        }
        plain.push_str(word);
    }
    let name = plain.trim_matches(['\'', '"', ' ']);
    let says_more = !name.is_empty() && !name.eq_ignore_ascii_case(&address);
    Mailbox { name: says_more.then(|| name.to_owned()), address }
}
