//! A calendar file cut into its events, before any of them is understood: which UIDs there are, where their VEVENTs
//! stand, and a version of each that changes only when its words change. One pass over the lines, no recursion.

use std::{collections::HashMap, fmt, ops::Range};

use super::{Limits, Refusal, line::Line, prepass};
use crate::{alone, record::Method};

/// Zones that one event may name before its version no longer depends on further ones.
const ZONES: usize = 64;

/// One file, cut but not opened. It owns its text and can be kept between calls.
pub struct Outline {
    text: String,
    pub method: Option<Method>,
    /// X-WR-CALNAME, or NAME (RFC 7986).
    pub name: Option<String>,
    /// At least one VCALENDAR was seen.
    pub valid: bool,
    /// Every component was closed: the file does not end in the middle.
    pub complete: bool,
    /// The file as a whole could not be taken.
    pub refused: Vec<Refusal>,
    groups: Vec<Group>,
    by_uid: HashMap<String, usize>,
    /// TZID -> (calendar, lines), by calendar.
    zones: HashMap<String, Vec<(u32, Range<usize>)>>,
}

impl fmt::Debug for Outline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Outline({} bytes, {} uids)", self.text.len(), self.groups.len())
    }
}

/// All VEVENTs of one UID.
pub(super) struct Group {
    pub uid: String,
    pub version: String,
    pub blocks: Vec<Block>,
}

/// One VEVENT.
pub(super) struct Block {
    pub calendar: u32,
    pub lines: Range<usize>,
    pub too_deep: bool,
    digest: [u8; 32],
    zones: Vec<String>,
}

impl Outline {
    /// Cuts a file.
    pub fn new(bytes: &[u8]) -> Self {
        alone::alone(&[], || Self::cut(bytes)).unwrap_or_else(|| {
            let refused = vec![Refusal::of_file(alone::WHY)];
            Self { refused, complete: false, ..Self::empty() }
        })
    }

    fn cut(bytes: &[u8]) -> Self {
        let mut outline = Self::empty();
        if bytes.len() > Limits::FILE {
            outline.refused.push(Refusal::of_file("the file is larger than 50 MB"));
            return outline;
        }
        outline.text = prepass::unfold(bytes);
        let text = std::mem::take(&mut outline.text);
        let blocks = Cut::new(&text, &mut outline).run();
        match blocks {
            Some(blocks) => outline.group(blocks),
            None => {
                outline.valid = false;
                outline.refused.push(Refusal::of_file("the file holds more than 200,000 events"));
            }
        }
        outline.text = text;
        outline.versions();
        outline
    }

    fn empty() -> Self {
        Self {
            text: String::new(),
            method: None,
            name: None,
            valid: false,
            complete: true,
            refused: Vec::new(),
            groups: Vec::new(),
            by_uid: HashMap::new(),
            zones: HashMap::new(),
        }
    }

    /// The UIDs of the file with their versions, in the order of the file.
    pub fn series(&self) -> impl Iterator<Item = (&str, &str)> {
        self.groups.iter().map(|g| (g.uid.as_str(), g.version.as_str()))
    }

    /// The version of one UID.
    pub fn version(&self, uid: &str) -> Option<&str> {
        self.find(uid).map(|g| g.version.as_str())
    }

    pub(super) fn find(&self, uid: &str) -> Option<&Group> {
        self.by_uid.get(uid).map(|i| &self.groups[*i])
    }

    pub(super) fn lines(&self, range: &Range<usize>) -> &str {
        &self.text[range.clone()]
    }

    /// Where the VTIMEZONE of that name stands: of the same VCALENDAR, else the first of the file.
    pub(super) fn zone_of(&self, calendar: u32, name: &str) -> Option<&Range<usize>> {
        // A name with commas is escaped where it is text, and by some programs where it is a parameter.
        let all = self.zones.get(name).or_else(|| self.zones.get(&plain(name)))?;
        let own = all.binary_search_by_key(&calendar, |(c, _)| *c).unwrap_or(0);
        all.get(own).map(|(_, range)| range)
    }

    fn group(&mut self, blocks: Vec<(Option<String>, Block)>) {
        for (uid, block) in blocks {
            // Without a UID the words are the identity; a UID no database can index is hashed.
            let uid = uid.unwrap_or_else(|| format!("no-uid-{}", short(&block.digest)));
            let uid = if uid.len() > 1_000 {
                format!("long-uid-{}", short(blake3::hash(uid.as_bytes()).as_bytes()))
            } else {
                uid
            };
            let at = *self.by_uid.entry(uid).or_insert_with_key(|uid| {
                self.groups.push(Group { uid: uid.clone(), version: String::new(), blocks: Vec::new() });
                self.groups.len() - 1
            });
            self.groups[at].blocks.push(block);
        }
    }

    /// A version does not depend on the order of the components, on folding or on DTSTAMP.
    fn versions(&mut self) {
        let mut zones: HashMap<Range<usize>, [u8; 32]> = HashMap::new();
        let mut versions = Vec::with_capacity(self.groups.len());
        for group in &self.groups {
            let mut digests: Vec<[u8; 32]> = group.blocks.iter().map(|b| b.digest).collect();
            for block in &group.blocks {
                for name in &block.zones {
                    if let Some(range) = self.zone_of(block.calendar, name) {
                        let text = &self.text[range.clone()];
                        digests.push(
                            *zones.entry(range.clone()).or_insert_with(|| *blake3::hash(text.as_bytes()).as_bytes()),
                        );
                    }
                }
            }
            digests.sort_unstable();
            digests.dedup();
            let mut all = blake3::Hasher::new();
            digests.iter().for_each(|d| {
                all.update(d);
            });
            versions.push(short(all.finalize().as_bytes()));
        }
        for (group, version) in self.groups.iter_mut().zip(versions) {
            group.version = version;
        }
    }
}

fn plain(name: &str) -> String {
    name.replace('\\', "")
}

fn short(digest: &[u8; 32]) -> String {
    digest[..8].iter().map(|b| format!("{b:02x}")).collect()
}

/// What the line at hand stands in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum In {
    Nothing,
    Calendar,
    Event,
    Zone,
    Other,
}

struct Cut<'t, 'o> {
    text: &'t str,
    outline: &'o mut Outline,
    at: In,
    calendar: u32,
    /// Where the open component's lines begin, and how many components are open inside it.
    begin: usize,
    depth: usize,
    deepest: usize,
    inside: bool,
    uid: Option<String>,
    zone_name: Option<String>,
    tzids: Vec<String>,
    hasher: blake3::Hasher,
    blocks: Vec<(Option<String>, Block)>,
}

impl<'t, 'o> Cut<'t, 'o> {
    fn new(text: &'t str, outline: &'o mut Outline) -> Self {
        Self {
            text,
            outline,
            at: In::Nothing,
            calendar: 0,
            begin: 0,
            depth: 0,
            deepest: 0,
            inside: false,
            uid: None,
            zone_name: None,
            tzids: Vec::new(),
            hasher: blake3::Hasher::new(),
            blocks: Vec::new(),
        }
    }

    /// `None` when there are too many events.
    fn run(mut self) -> Option<Vec<(Option<String>, Block)>> {
        let mut here = 0;
        for whole in self.text.split_inclusive('\n') {
            let (start, end) = (here, here + whole.len());
            here = end;
            let line = whole.trim_end();
            if let Some(name) = after(line, "BEGIN:") {
                self.begin(&name, start, end);
            } else if let Some(name) = after(line, "END:") {
                self.end(&name, start);
            } else {
                self.line(line);
            }
            if self.blocks.len() > Limits::EVENTS {
                return None;
            }
        }
        if self.at != In::Nothing || self.inside {
            self.outline.complete = false;
            self.close(self.text.len());
        }
        Some(self.blocks)
    }

    fn begin(&mut self, name: &str, start: usize, end: usize) {
        let top =
            matches!(name, "VCALENDAR" | "VEVENT" | "VTIMEZONE" | "VTODO" | "VJOURNAL" | "VFREEBUSY" | "VAVAILABILITY");
        if !top && matches!(self.at, In::Event | In::Zone | In::Other) {
            self.depth += 1;
            self.deepest = self.deepest.max(self.depth);
            return;
        }
        // A component of its own inside another one: the other's END is missing.
        if !matches!(self.at, In::Nothing | In::Calendar) {
            self.outline.complete = false;
        }
        self.close(start);
        self.begin = end;
        self.at = match name {
            "VCALENDAR" => {
                self.calendar += 1;
                self.inside = true;
                self.outline.valid = true;
                In::Calendar
            }
            "VEVENT" => In::Event,
            "VTIMEZONE" => In::Zone,
            _ => In::Other,
        };
    }

    fn end(&mut self, name: &str, start: usize) {
        match (self.at, name) {
            (_, "VCALENDAR") => {
                self.outline.complete &= matches!(self.at, In::Nothing | In::Calendar);
                self.close(start);
                self.at = In::Nothing;
                self.inside = false;
            }
            (In::Event, "VEVENT") | (In::Zone, "VTIMEZONE") => self.close(start),
            (In::Event | In::Zone, _) => self.depth = self.depth.saturating_sub(1),
            (In::Other, _) if self.depth == 0 => self.close(start),
            (In::Other, _) => self.depth -= 1,
            _ => {}
        }
    }

    /// Ends the open component before the byte `end`.
    fn close(&mut self, end: usize) {
        let lines = self.begin..end.max(self.begin);
        match self.at {
            In::Event => {
                let digest = *self.hasher.finalize().as_bytes();
                let too_deep = self.deepest + 2 > Limits::DEPTH;
                let zones = std::mem::take(&mut self.tzids);
                self.blocks.push((self.uid.take(), Block { calendar: self.calendar, lines, too_deep, digest, zones }));
            }
            In::Zone if self.deepest + 2 <= Limits::DEPTH => {
                if let Some(name) = self.zone_name.take() {
                    let all = self.outline.zones.entry(name).or_default();
                    if all.last().is_none_or(|(calendar, _)| *calendar < self.calendar) {
                        all.push((self.calendar, lines));
                    }
                }
            }
            _ => {}
        }
        self.at = if self.inside { In::Calendar } else { In::Nothing };
        (self.depth, self.deepest) = (0, 0);
        (self.uid, self.zone_name) = (None, None);
        self.tzids.clear();
        self.hasher.reset();
    }

    fn line(&mut self, line: &str) {
        match self.at {
            In::Event if self.depth == 0 => self.event_line(line),
            In::Zone if self.depth == 0 && self.zone_name.is_none() => {
                let name = Line::cut(line).filter(|l| l.name.eq_ignore_ascii_case("TZID"));
                self.zone_name = name.map(|l| plain(l.value.trim().trim_matches('"'))).filter(|n| !n.is_empty());
            }
            In::Calendar => self.calendar_line(line),
            _ => {}
        }
    }

    fn event_line(&mut self, line: &str) {
        if starts(line, "DTSTAMP") && matches!(line.as_bytes().get(7), Some(b':' | b';')) {
            return;
        }
        self.hasher.update(line.as_bytes());
        self.hasher.update(b"\n");
        if self.uid.is_none() && starts(line, "UID") && matches!(line.as_bytes().get(3), Some(b':' | b';')) {
            let uid = Line::cut(line).map(|l| l.value.trim().to_owned());
            self.uid = uid.filter(|u| !u.is_empty());
        } else if ["DTSTART;", "DTEND;", "RDATE;", "EXDATE;", "RECURRENCE-ID;"].iter().any(|name| starts(line, name)) {
            let tzid = Line::cut(line).and_then(|l| l.tzid());
            let new = tzid.filter(|t| self.tzids.len() < ZONES && !self.tzids.iter().any(|k| k == t));
            self.tzids.extend(new.map(str::to_owned));
        }
    }

    fn calendar_line(&mut self, line: &str) {
        let Some(line) = Line::cut(line) else { return };
        if line.name.eq_ignore_ascii_case("METHOD") {
            self.outline.method = self.outline.method.or_else(|| method(line.value.trim()));
        } else if line.name.eq_ignore_ascii_case("X-WR-CALNAME") || line.name.eq_ignore_ascii_case("NAME") {
            let name = super::line::text(line.value, 1_000);
            self.outline.name = self.outline.name.take().or(name);
        }
    }
}

fn starts(line: &str, prefix: &str) -> bool {
    line.len() >= prefix.len() && line.as_bytes()[..prefix.len()].eq_ignore_ascii_case(prefix.as_bytes())
}

/// The upper-cased name behind `BEGIN:` or `END:`.
fn after(line: &str, prefix: &str) -> Option<String> {
    starts(line, prefix).then(|| line[prefix.len()..].trim().to_ascii_uppercase())
}

fn method(name: &str) -> Option<Method> {
    const NAMES: [(&str, Method); 8] = [
        ("PUBLISH", Method::Publish),
        ("REQUEST", Method::Request),
        ("REPLY", Method::Reply),
        ("ADD", Method::Add),
        ("CANCEL", Method::Cancel),
        ("REFRESH", Method::Refresh),
        ("COUNTER", Method::Counter),
        ("DECLINECOUNTER", Method::DeclineCounter),
    ];
    NAMES.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, m)| *m)
}
