//! What a connector reads, as plain data. Times are UTC. `Debug` of everything that holds content prints ids only,
//! so that a log line can never carry an address, a subject or a text.

use std::{collections::BTreeMap, fmt};

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// One thing a connector read.
#[derive(Debug)]
pub enum Record {
    Mail(Box<Message>),
    Event(Box<Event>),
    Company(Company),
    Contact(Contact),
    Stage(Stage),
    Deal(Box<Deal>),
    StageChange(StageChange),
    DealChange(DealChange),
    Typed(Box<Typed>),
    Task(Task),
    Quote(Quote),
}

/// An address with its display name (RFC 5322 section 3.4), or a calendar user (RFC 5545 CAL-ADDRESS without `mailto:`).
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Mailbox {
    /// As written, trimmed; not folded.
    pub address: String,
    pub name: Option<String>,
}

/// The header and structure of one message (RFC 5322, RFC 2045), and the few parts that say what it is.
#[derive(Clone, Default)]
pub struct Message {
    /// Without angle brackets.
    pub message_id: Option<String>,
    pub in_reply_to: Vec<String>,
    /// Oldest first.
    pub references: Vec<String>,
    pub from: Vec<Mailbox>,
    pub sender: Option<Mailbox>,
    pub to: Vec<Mailbox>,
    pub cc: Vec<Mailbox>,
    pub bcc: Vec<Mailbox>,
    /// The Date header, where it can be read.
    pub date: Option<DateTime<Utc>>,
    /// When the mailbox took it in (INTERNALDATE, file time, mbox line).
    pub received: Option<DateTime<Utc>>,
    pub subject: Option<String>,
    /// Bytes of the whole message.
    pub size: u64,
    /// Flags that say it is no real mail of this folder: \Draft, \Deleted, $Junk.
    pub draft: bool,
    pub trashed: bool,
    pub junk: bool,
    /// The fields of [`crate::mime::FIELDS`] that are present and have no place above: lower-case name -> decoded, unfolded values.
    pub headers: BTreeMap<&'static str, Vec<String>>,
    pub parts: Vec<Part>,
    /// Text of the text/calendar and .ics parts, read in memory and not kept. At most 8, at most 1 MiB each.
    pub calendars: Vec<CalendarPart>,
    /// Text of the message/delivery-status part of a report (RFC 3464), if there is one.
    pub delivery_status: Option<String>,
}

impl Message {
    /// First value of one of [`Message::headers`], by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|v| v.first()).map(String::as_str)
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Message({} bytes)", self.size)
    }
}

/// A calendar carried by mail (RFC 6047).
#[derive(Clone)]
pub struct CalendarPart {
    pub text: String,
    /// True when the part is one of the forms of a multipart/alternative: the mail's text only repeats it.
    pub alternative: bool,
}

impl fmt::Debug for CalendarPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CalendarPart({} bytes)", self.text.len())
    }
}

/// One leaf of a message's structure: names, types and sizes, never the bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Part {
    /// IMAP section (RFC 9051 section 6.4.5.1): `1`, `1.2`, ...
    pub section: String,
    /// Lower case: `text/plain`.
    pub media_type: String,
    pub charset: Option<String>,
    /// Content-Transfer-Encoding, lower case.
    pub encoding: Option<String>,
    /// Decoded file name.
    pub name: Option<String>,
    /// Encoded bytes.
    pub size: u64,
    pub attachment: bool,
    /// `method` parameter of a text/calendar part, lower case.
    pub method: Option<String>,
    /// True below a multipart/alternative.
    pub alternative: bool,
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Part({} {})", self.section, self.media_type)
    }
}

/// The text of a message that matched.
#[derive(Clone, PartialEq, Eq)]
pub enum Content {
    /// Decoded text; HTML is turned into text.
    Text { text: String, truncated: bool },
    /// The message has no text part.
    None,
    /// The message is gone.
    Gone,
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text { text, truncated } => write!(f, "Text({} bytes, truncated: {truncated})", text.len()),
            Self::None => f.write_str("None"),
            Self::Gone => f.write_str("Gone"),
        }
    }
}

/// One instance of an event (RFC 5545 VEVENT, its recurrence opened).
#[derive(Clone)]
pub struct Event {
    pub uid: String,
    /// The original start of this instance, only for instances of a recurring series. All-day: midnight UTC of the date.
    pub recurrence_id: Option<DateTime<Utc>>,
    pub start: DateTime<Utc>,
    /// Exclusive; equal to `start` when the event has no length.
    pub end: DateTime<Utc>,
    /// Then start and end are midnight UTC of their dates.
    pub all_day: bool,
    /// The time zone was unknown: the instant may be off.
    pub time_uncertain: bool,
    pub summary: Option<String>,
    pub description: Option<String>,
    pub status: EventStatus,
    pub class: Class,
    pub organizer: Option<Mailbox>,
    pub attendees: Vec<Attendee>,
    pub sequence: u32,
    pub dtstamp: Option<DateTime<Utc>>,
    pub last_modified: Option<DateTime<Utc>>,
    /// The instance has a VEVENT of its own with RECURRENCE-ID: only this changes a held instance.
    pub overridden: bool,
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Event({})", self.start.timestamp())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventStatus {
    Confirmed,
    Tentative,
    Cancelled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    Public,
    Private,
    Confidential,
}

/// One ATTENDEE.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attendee {
    pub mailbox: Mailbox,
    pub role: AttendeeRole,
    /// CUTYPE=ROOM or RESOURCE.
    pub resource: bool,
    pub answer: Answer,
}

impl fmt::Debug for Attendee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Attendee({:?} {:?})", self.role, self.answer)
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mailbox")
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AttendeeRole {
    Required,
    Optional,
    /// ROLE=NON-PARTICIPANT: informed only.
    Informed,
}

/// PARTSTAT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    None,
    Accepted,
    Tentative,
    Declined,
    Delegated,
}

/// Method of a calendar object (RFC 5546).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    Publish,
    Request,
    Reply,
    Add,
    Cancel,
    Refresh,
    Counter,
    DeclineCounter,
}

macro_rules! debug_by_id {
    ($($name:ident . $id:ident),* $(,)?) => { $(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.$id)
            }
        }
    )* };
}
debug_by_id!(Company.id, Contact.id, Stage.id, Deal.id, StageChange.deal, DealChange.deal, Typed.id, Task.id, Quote.id);

/// A company of the CRM. Owners of all CRM records are email addresses.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Company {
    pub id: String,
    pub name: String,
    pub domains: Vec<String>,
    pub owner: Option<String>,
}

/// A person of the CRM.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Contact {
    pub id: String,
    pub name: Option<String>,
    pub emails: Vec<String>,
    pub company: Option<String>,
    pub title: Option<String>,
    pub phones: Vec<String>,
    pub owner: Option<String>,
    pub created_at: Option<DateTime<Utc>>,
    /// The id of the contact that took this one in.
    pub merged_into: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StageKind {
    Open,
    Won,
    Lost,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    pub id: String,
    pub pipeline: Option<String>,
    pub name: String,
    pub position: i64,
    pub kind: StageKind,
    /// 0..=1.
    pub probability: Option<f64>,
}

/// A contact's part in a deal.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactRole {
    pub contact: String,
    pub role: Option<String>,
}

impl fmt::Debug for ContactRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContactRole({})", self.contact)
    }
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Deal {
    pub id: String,
    pub name: String,
    pub company: Option<String>,
    pub contacts: Vec<ContactRole>,
    pub owner: String,
    pub pipeline: Option<String>,
    pub stage: String,
    /// In the currency's main unit.
    pub amount: Option<f64>,
    pub currency: Option<String>,
    pub close_date: Option<NaiveDate>,
    pub forecast_category: Option<String>,
    pub created_at: Option<DateTime<Utc>>,
    pub closed_at: Option<DateTime<Utc>>,
}

/// How well the time of a change is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    /// From the CRM's own history.
    Exact,
    /// The time is exact, the stages are not.
    WhenOnly,
    /// Seen between two readings.
    Observed,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct StageChange {
    pub deal: String,
    pub from: Option<String>,
    pub to: String,
    pub at: DateTime<Utc>,
    pub by: Option<String>,
    pub quality: Quality,
}

/// Values in one way of writing: amounts with a point (`1234.5`), days as `2026-03-31`, owners by email.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct DealChange {
    pub deal: String,
    /// `amount`, `close_date`, `owner`, `forecast_category`.
    pub field: String,
    pub from: Option<String>,
    pub to: Option<String>,
    pub at: DateTime<Utc>,
}

/// An activity that a person typed into the CRM.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Typed {
    pub id: String,
    /// `email`, `meeting`, `call`, `note`.
    pub kind: String,
    pub occurred_at: DateTime<Utc>,
    pub subject: Option<String>,
    pub deal: Option<String>,
    pub contacts: Vec<String>,
    pub owner: Option<String>,
    /// Message-ID of the mail it stands for, where the CRM knows it; without angle brackets.
    #[serde(default)]
    pub message_id: Option<String>,
    /// iCalendar UID of the meeting it stands for, where the CRM knows it.
    #[serde(default)]
    pub ical_uid: Option<String>,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    pub id: String,
    pub deal: Option<String>,
    pub contact: Option<String>,
    pub owner: String,
    pub due: DateTime<Utc>,
    pub done_at: Option<DateTime<Utc>>,
    pub subject: Option<String>,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Quote {
    pub id: String,
    pub deal: String,
    pub amount: Option<f64>,
    pub currency: Option<String>,
    pub sent_at: DateTime<Utc>,
}
