//! The calendar files of a stream as resources: listing their UIDs, opening some of them. Pure; where the bytes come
//! from is `files`' and `feed`'s business.

use std::{collections::HashMap, sync::Arc};

use chrono_tz::Tz;
use dealtrail_sdk::{
    Batch, Change, Cursor, Entry, Item, Listing, Window,
    ical::{self, Outline},
    record::Record,
};
use serde::{Deserialize, Serialize};

/// One calendar file.
#[derive(Clone, Debug)]
pub struct Sheet {
    /// Its name in keys: `#` and `%` are escaped, so the first `#` of a key ends it.
    pub href: String,
    pub content: Content,
}

/// What a file turned out to be.
#[derive(Clone, Debug)]
pub enum Content {
    Calendar(Arc<Outline>),
    /// It is there and cannot be taken for a calendar; one plain sentence.
    Unreadable(String),
}

impl Content {
    /// Takes bytes for what they are. `what` names them in messages: "the file", "the answer".
    pub fn of(bytes: &[u8], what: &str) -> Self {
        let outline = Outline::new(bytes);
        if let Some(refusal) = outline.refused.first() {
            return Self::Unreadable(format!("{what} cannot be read: {}", refusal.why));
        }
        if outline.valid {
            return Self::Calendar(Arc::new(outline));
        }
        let head = String::from_utf8_lossy(&bytes[..bytes.len().min(1_000)]).to_lowercase();
        Self::Unreadable(if bytes.iter().all(u8::is_ascii_whitespace) {
            format!("{what} is empty: an empty calendar still holds BEGIN:VCALENDAR")
        } else if head.contains("<html") || head.contains("<!doctype") {
            format!("{what} is a web page, not a calendar: most often a page that asks to sign in")
        } else {
            format!("{what} is no calendar: it holds no BEGIN:VCALENDAR")
        })
    }
}

/// Resources opened in one step of a reading without a listing.
const STEP: usize = 200;
/// Bytes of opened events in one answer; only hostile files come near.
const ANSWER: usize = 128 << 20;

/// All files of a stream, and what their versions depend on besides their words.
pub struct Sheets<'a> {
    pub sheets: &'a [Sheet],
    pub zone: Tz,
    pub window: &'a Window,
}

/// Where a reading without a listing has come to.
#[derive(Default, Deserialize, Serialize)]
struct Part {
    part: usize,
}

impl Sheets<'_> {
    /// Nothing may be taken as gone while a file is broken or ends in the middle.
    pub fn whole(&self) -> bool {
        self.sheets.iter().all(|s| matches!(&s.content, Content::Calendar(outline) if outline.complete))
    }

    /// Everything, the newest lines first.
    pub fn entries(&self) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::new();
        for sheet in self.sheets {
            match &sheet.content {
                Content::Calendar(outline) => entries.extend(outline.series().map(|(uid, version)| Entry {
                    resource: format!("{}#{uid}", sheet.href),
                    version: Some(self.version(version)),
                })),
                Content::Unreadable(_) => {
                    entries.push(Entry { resource: sheet.href.clone(), version: Some(self.version("unreadable")) });
                }
            }
        }
        entries.reverse();
        entries
    }

    /// The words, the owner's zone, and the week: once a week everything is opened again, because the horizon moved.
    fn version(&self, words: &str) -> String {
        let week = self.window.until.timestamp().div_euclid(7 * 86_400);
        format!("{words}.{week}.{}", self.zone.name())
    }

    /// Everything, and of which files nobody can say what they hold: their events are neither there nor gone.
    pub fn listing(&self) -> Batch {
        let entries = self.entries();
        let left = Some(entries.len() as u64);
        let whole = |s: &&Sheet| matches!(&s.content, Content::Calendar(outline) if outline.complete);
        let unsure = self.sheets.iter().filter(|s| !whole(s)).map(|s| format!("{}#", s.href)).collect();
        Batch { listing: Some(Listing { entries, shaky: true, unsure }), left, ..Batch::default() }
    }

    /// True when `cursor` stands inside a reading without a listing.
    pub fn begun(cursor: Option<&Cursor>) -> bool {
        at(cursor) > 0
    }

    /// One step of a reading of one file: a listing of everything, or, while it is not whole, what can be read of it,
    /// piece by piece: a feed that was cut is asked for again.
    pub fn step(&self, cursor: Option<&Cursor>) -> Batch {
        let entries = self.entries();
        if self.whole() {
            let left = Some(entries.len() as u64);
            return Batch {
                listing: Some(Listing { entries, shaky: true, ..Listing::default() }),
                left,
                ..Batch::default()
            };
        }
        let at = at(cursor).min(entries.len());
        let step: Vec<String> = entries[at..].iter().take(STEP).map(|e| e.resource.clone()).collect();
        let next = at + step.len();
        let more = next < entries.len();
        let part = Part { part: if more { next } else { 0 } };
        Batch {
            changes: self.open(&step),
            cursor: serde_json::to_string(&part).ok().map(Cursor),
            more,
            left: Some((entries.len() - next) as u64),
            ..Batch::default()
        }
    }

    /// Opens named resources. One that no file holds is gone, unless its file cannot be read now.
    pub fn open(&self, resources: &[String]) -> Vec<Change> {
        let by_href: HashMap<&str, &Sheet> = self.sheets.iter().map(|s| (s.href.as_str(), s)).collect();
        let mut wanted: Vec<(&Sheet, Vec<&str>)> = Vec::new();
        let mut places: HashMap<&str, usize> = HashMap::new();
        let mut changes = Vec::new();
        for resource in resources {
            let (href, uid) = resource.split_once('#').unwrap_or((resource.as_str(), ""));
            match by_href.get(href).map(|sheet| (*sheet, &sheet.content)) {
                Some((_, Content::Unreadable(why))) if uid.is_empty() => {
                    let version = Some(self.version("unreadable"));
                    changes.push(Change::Unreadable { resource: resource.clone(), version, why: why.clone() });
                }
                // An event of a file that is broken now: not read, asked for later.
                Some((_, Content::Unreadable(_))) => {}
                Some((sheet, Content::Calendar(_))) if !uid.is_empty() => {
                    let at = *places.entry(href).or_insert_with(|| {
                        wanted.push((sheet, Vec::new()));
                        wanted.len() - 1
                    });
                    wanted[at].1.push(uid);
                }
                _ => changes.push(Change::Remove { resource: resource.clone() }),
            }
        }
        let mut bytes = 0;
        for (sheet, uids) in wanted {
            if let Content::Calendar(outline) = &sheet.content {
                self.open_sheet(&sheet.href, outline, &uids, &mut bytes, &mut changes);
            }
        }
        changes
    }

    fn open_sheet(&self, href: &str, outline: &Outline, uids: &[&str], bytes: &mut usize, changes: &mut Vec<Change>) {
        outline.open(uids, self.zone, self.window, &mut |uid, opened| {
            let resource = format!("{href}#{uid}");
            changes.push(match opened {
                None if outline.complete => Change::Remove { resource },
                // The file ends in the middle: the event may stand in what is missing.
                None => return true,
                Some(Ok(series)) => {
                    *bytes += series
                        .events
                        .iter()
                        .map(|e| 500 + e.description.as_ref().map_or(0, String::len))
                        .sum::<usize>();
                    let items = series
                        .events
                        .into_iter()
                        .map(|event| Item { key: ical::key(href, &event), record: Record::Event(Box::new(event)) });
                    let version = Some(self.version(&series.version));
                    Change::Upsert { resource, version, items: items.collect() }
                }
                Some(Err(refusal)) => {
                    let version = outline.version(uid).map(|v| self.version(v));
                    Change::Unreadable { resource, version, why: refusal.why }
                }
            });
            *bytes < ANSWER
        });
    }
}

fn at(cursor: Option<&Cursor>) -> usize {
    cursor.and_then(|c| serde_json::from_str::<Part>(&c.0).ok()).map_or(0, |p| p.part)
}
