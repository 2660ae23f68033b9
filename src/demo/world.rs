//! The sample company before it is written down: letters, meetings, deals and what was typed into the CRM.
//!
//! Plain data and the few ways to make it. Nothing here knows a file format.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use super::cast::{FIRMS, Firm, OURS};
pub(super) use super::party::{Party, local_part};
use super::plot::Row;

/// What a mail answers.
#[derive(Clone, Debug)]
pub(super) struct Before {
    pub from: Party,
    pub at: DateTime<Utc>,
    pub subject: String,
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Folder {
    Inbox,
    Sent,
    Archive,
    Drafts,
    Trash,
    Junk,
}

/// What makes a mail more than text.
#[derive(Clone, Debug)]
pub(super) enum Extra {
    /// File name and media type.
    File(String, &'static str),
    /// METHOD and the calendar's text.
    Invitation(&'static str, String),
    /// A delivery report for an address about a Message-ID.
    Bounce { address: String, message_id: String },
}

/// One mail.
#[derive(Clone, Debug)]
pub(super) struct Letter {
    /// Without angle brackets.
    pub id: String,
    pub at: DateTime<Utc>,
    pub from: Party,
    pub to: Vec<Party>,
    pub cc: Vec<Party>,
    pub subject: String,
    pub text: String,
    pub before: Option<Before>,
    /// Oldest first.
    pub references: Vec<String>,
    pub extras: Vec<Extra>,
    pub headers: Vec<(&'static str, String)>,
    /// A fixed place instead of Sent and INBOX of those concerned.
    pub place: Option<(usize, Folder)>,
    /// Which deal it is about.
    pub deal: Option<usize>,
    /// Written by a person at the customer whose address the CRM knows.
    pub evidence: bool,
}

/// An answer to an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Accepted,
    Declined,
    Tentative,
    None,
}

#[derive(Clone, Debug)]
pub(super) struct Guest {
    pub party: Party,
    pub reply: Reply,
    pub room: bool,
}

/// How a meeting's times are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Times {
    Utc,
    /// IANA name, with its VTIMEZONE.
    Zone,
    /// A Windows name without a definition.
    Windows,
    /// Dates only: how many days.
    AllDay(i64),
}

/// One date of a series that differs.
#[derive(Clone, Debug)]
pub(super) struct Moved {
    pub original: DateTime<Utc>,
    pub start: DateTime<Utc>,
    pub summary: String,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Series {
    /// RRULE without its name.
    pub rule: String,
    pub left_out: Vec<DateTime<Utc>>,
    pub moved: Vec<Moved>,
}

/// One meeting or entry of a calendar.
#[derive(Clone, Debug)]
pub(super) struct Meeting {
    pub uid: String,
    pub start: DateTime<Utc>,
    /// Of all-day entries.
    pub date: NaiveDate,
    pub minutes: i64,
    pub zone: Tz,
    pub times: Times,
    pub summary: String,
    pub notes: String,
    pub organizer: Option<Party>,
    pub guests: Vec<Guest>,
    /// In whose calendars it stands.
    pub owners: Vec<usize>,
    pub cancelled: bool,
    pub private: bool,
    pub sequence: u32,
    pub stamp: DateTime<Utc>,
    pub series: Option<Series>,
    pub deal: Option<usize>,
    /// An outsider organised or accepted it, or its invitation or reply passed through mail.
    pub confirmed: bool,
}

impl Meeting {
    pub(super) fn end(&self) -> DateTime<Utc> {
        self.start + chrono::Duration::minutes(self.minutes)
    }
}

/// A stage move: working minute, stage.
pub(super) type Move = (i64, usize);

/// A deal with its history.
#[derive(Clone, Debug)]
pub(super) struct Deal {
    pub id: String,
    pub name: String,
    pub row: &'static Row,
    pub owner: usize,
    pub currency: &'static str,
    /// The first is its creation.
    pub moves: Vec<Move>,
    /// One that was taken back at once: when, to which stage, and when back.
    pub slip: Option<(i64, usize, i64)>,
    pub amount: i64,
    pub close: NaiveDate,
    pub forecast: &'static str,
}

impl Deal {
    pub(super) fn firm(&self) -> &'static Firm {
        &FIRMS[self.row.firm]
    }
    pub(super) fn zone(&self) -> Tz {
        OURS[self.owner].zone
    }
    pub(super) fn stage(&self) -> usize {
        self.moves.last().map_or(0, |m| m.1)
    }
    pub(super) fn open(&self) -> bool {
        self.stage() < super::plot::WON
    }
}

/// Something typed into the CRM.
#[derive(Clone, Debug)]
pub(super) struct Typed {
    pub kind: &'static str,
    pub at: DateTime<Utc>,
    pub subject: String,
    pub deal: usize,
    pub contact: usize,
}

#[derive(Clone, Debug)]
pub(super) struct Task {
    pub deal: usize,
    pub due: NaiveDate,
    pub done: Option<DateTime<Utc>>,
    pub subject: String,
}

#[derive(Clone, Debug)]
pub(super) struct Quoted {
    pub deal: usize,
    pub amount: i64,
    pub at: DateTime<Utc>,
}

#[derive(Clone, Debug)]
pub(super) struct Changed {
    pub deal: usize,
    pub field: &'static str,
    pub from: String,
    pub to: String,
    pub at: DateTime<Utc>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct World {
    pub deals: Vec<Deal>,
    pub letters: Vec<Letter>,
    pub meetings: Vec<Meeting>,
    pub typed: Vec<Typed>,
    pub tasks: Vec<Task>,
    pub quotes: Vec<Quoted>,
    pub changes: Vec<Changed>,
}
