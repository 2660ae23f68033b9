//! The lines of one VEVENT -> [`Vevent`]: everything as written, nothing opened, no zone looked up. An error here costs
//! this event alone and says in one sentence, without content, what cannot be read.

use super::{
    line::{self, Line},
    people,
    rule::Rule,
    value::{self, Stamp},
};
use crate::record::{Attendee, Class, EventStatus, Mailbox};

/// A VEVENT as written.
pub struct Vevent<'a> {
    /// Which VCALENDAR of the file it stands in.
    pub calendar: u32,
    pub start: Stamp<'a>,
    pub end: Option<Stamp<'a>>,
    /// (days, seconds).
    pub duration: Option<(i64, i64)>,
    /// The end stands there and cannot be read.
    pub end_unclear: bool,
    pub rules: Vec<Rule>,
    pub exrules: Vec<Rule>,
    pub rdates: Vec<Rdate<'a>>,
    pub exdates: Vec<Stamp<'a>>,
    pub recurrence_id: Option<Stamp<'a>>,
    /// RANGE=THISANDFUTURE.
    pub and_future: bool,
    pub sequence: u32,
    pub dtstamp: Option<i64>,
    pub last_modified: Option<i64>,
    pub status: EventStatus,
    pub class: Class,
    pub summary: Option<String>,
    pub description: Option<String>,
    pub organizer: Option<Mailbox>,
    pub attendees: Vec<Attendee>,
}

/// One RDATE.
#[derive(Clone, Copy)]
pub struct Rdate<'a> {
    pub start: Stamp<'a>,
    /// VALUE=PERIOD: its own end, or its own duration.
    pub end: Option<PeriodEnd<'a>>,
}

#[derive(Clone, Copy)]
pub enum PeriodEnd<'a> {
    At(Stamp<'a>),
    After((i64, i64)),
}

/// Bytes of a summary or a description that are kept.
const TEXT: usize = 64 << 10;
/// No meeting has more people or rules.
const ATTENDEES: usize = 2_000;
/// Dates that an event may add, and may take out.
const DATES: usize = 50_000;
const RULES: usize = 50;

/// What has been met so far.
#[derive(Default)]
struct Draft<'a> {
    start: Option<Stamp<'a>>,
    end: Option<Stamp<'a>>,
    duration: Option<(i64, i64)>,
    end_unclear: bool,
    rules: Vec<Rule>,
    exrules: Vec<Rule>,
    rdates: Vec<Rdate<'a>>,
    exdates: Vec<Stamp<'a>>,
    recurrence_id: Option<Stamp<'a>>,
    and_future: bool,
    sequence: u32,
    dtstamp: Option<i64>,
    last_modified: Option<i64>,
    status: Option<EventStatus>,
    class: Option<Class>,
    summary: Option<String>,
    description: Option<String>,
    organizer: Option<Mailbox>,
    attendees: Vec<Attendee>,
}

impl<'a> Vevent<'a> {
    /// Reads the lines between BEGIN:VEVENT and END:VEVENT; components inside it are passed over.
    ///
    /// # Errors
    /// Why the event cannot be read.
    pub fn read(calendar: u32, text: &'a str) -> Result<Self, &'static str> {
        let mut draft = Draft::default();
        let mut depth = 0_usize;
        for line in text.lines() {
            let Some(line) = Line::cut(line) else { continue };
            if line.name.eq_ignore_ascii_case("BEGIN") {
                depth += 1;
            } else if line.name.eq_ignore_ascii_case("END") {
                depth = depth.saturating_sub(1);
            } else if depth == 0 {
                draft.take(&line)?;
            }
        }
        // An answer or a cancellation of one instance may leave DTSTART out (RFC 5546).
        let start = draft.start.or(draft.recurrence_id).ok_or("it has no start")?;
        Ok(Self {
            calendar,
            start,
            end: draft.end,
            duration: draft.duration,
            end_unclear: draft.end_unclear,
            rules: draft.rules,
            exrules: draft.exrules,
            rdates: draft.rdates,
            exdates: draft.exdates,
            recurrence_id: draft.recurrence_id,
            and_future: draft.and_future,
            sequence: draft.sequence,
            dtstamp: draft.dtstamp,
            last_modified: draft.last_modified,
            status: draft.status.unwrap_or(EventStatus::Confirmed),
            class: draft.class.unwrap_or(Class::Public),
            summary: draft.summary,
            description: draft.description,
            organizer: draft.organizer,
            attendees: draft.attendees,
        })
    }

    /// Which of two versions of one event counts: the higher SEQUENCE, then the later LAST-MODIFIED.
    pub fn version(&self) -> (u32, Option<i64>) {
        (self.sequence, self.last_modified)
    }
}

impl<'a> Draft<'a> {
    fn take(&mut self, line: &Line<'a>) -> Result<(), &'static str> {
        let mut upper = [0_u8; 16];
        let Some(name) = upper.get_mut(..line.name.len()) else { return Ok(()) };
        name.copy_from_slice(line.name.as_bytes());
        name.make_ascii_uppercase();
        match &*name {
            b"DTSTART" => self.start = Some(one(line).ok_or("its start cannot be read")?),
            b"DTEND" => {
                self.end = one(line);
                self.end_unclear |= self.end.is_none() && !line.value.trim().is_empty();
            }
            b"DURATION" => {
                self.duration = value::duration(line.value);
                self.end_unclear |= self.duration.is_none() && !line.value.trim().is_empty();
            }
            b"RECURRENCE-ID" => {
                self.recurrence_id = Some(one(line).ok_or("its RECURRENCE-ID cannot be read")?);
                self.and_future = line.has("RANGE", "THISANDFUTURE");
            }
            b"RRULE" => rule(line, &mut self.rules)?,
            b"EXRULE" => rule(line, &mut self.exrules)?,
            b"RDATE" => {
                self.rdates(line).ok_or("one of its extra dates cannot be read")?;
                if self.rdates.len() > DATES {
                    return Err("it has more than 50,000 extra dates");
                }
            }
            b"EXDATE" => {
                for text in dates(line.value) {
                    let stamp = value::stamp(text, line.tzid(), line.has("VALUE", "DATE"));
                    self.exdates.push(stamp.ok_or("one of its excluded dates cannot be read")?);
                    if self.exdates.len() > DATES {
                        return Err("it has more than 50,000 excluded dates");
                    }
                }
            }
            _ => self.describe(name, line),
        }
        Ok(())
    }

    /// The properties that say nothing about time.
    fn describe(&mut self, name: &[u8], line: &Line<'a>) {
        match name {
            b"SUMMARY" => self.summary = self.summary.take().or_else(|| line::text(line.value, TEXT)),
            b"DESCRIPTION" => self.description = self.description.take().or_else(|| line::text(line.value, TEXT)),
            b"ORGANIZER" => self.organizer = self.organizer.take().or_else(|| people::mailbox(line)),
            b"ATTENDEE" if self.attendees.len() < ATTENDEES => self.attendees.extend(people::attendee(line)),
            b"SEQUENCE" => self.sequence = line.value.trim().parse().unwrap_or(0),
            b"DTSTAMP" => self.dtstamp = one(line).map(|s| s.local),
            b"LAST-MODIFIED" => self.last_modified = one(line).map(|s| s.local),
            b"STATUS" => {
                self.status = match line.value.trim().to_ascii_uppercase().as_str() {
                    "CANCELLED" | "CANCELED" => Some(EventStatus::Cancelled),
                    "TENTATIVE" => Some(EventStatus::Tentative),
                    _ => Some(EventStatus::Confirmed),
                }
            }
            b"CLASS" => {
                self.class = match line.value.trim().to_ascii_uppercase().as_str() {
                    "" | "PUBLIC" => Some(Class::Public),
                    "CONFIDENTIAL" => Some(Class::Confidential),
                    // RFC 5545 section 3.8.1.3: a class that is not known is private.
                    _ => Some(Class::Private),
                }
            }
            _ => {}
        }
    }

    fn rdates(&mut self, line: &Line<'a>) -> Option<()> {
        let (tzid, date_only) = (line.tzid(), line.has("VALUE", "DATE"));
        for text in dates(line.value).take(DATES + 1) {
            let (start, end) = text.split_once('/').map_or((text, None), |(start, end)| (start, Some(end)));
            let end = match end {
                None => None,
                Some(end) => match value::duration(end) {
                    Some(length) => Some(PeriodEnd::After(length)),
                    None => Some(PeriodEnd::At(value::stamp(end, tzid, false)?)),
                },
            };
            self.rdates.push(Rdate { start: value::stamp(start, tzid, date_only)?, end });
        }
        Some(())
    }
}

fn one<'a>(line: &Line<'a>) -> Option<Stamp<'a>> {
    value::stamp(line.value, line.tzid(), line.has("VALUE", "DATE"))
}

fn dates(list: &str) -> impl Iterator<Item = &str> {
    list.split([',', ';']).map(str::trim).filter(|v| !v.is_empty())
}

fn rule(line: &Line<'_>, rules: &mut Vec<Rule>) -> Result<(), &'static str> {
    rules.extend(Rule::parse(line.value)?);
    if rules.len() > RULES { Err("it has more than 50 recurrence rules") } else { Ok(()) }
}
