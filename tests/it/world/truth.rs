//! What must come out: decisions, activities, deal choices and gaps, in the words of the export.
//! Plain data; how it is compared stands in `score`.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Captured,
    Skipped,
    Waiting,
}

impl Outcome {
    pub fn word(self) -> &'static str {
        match self {
            Self::Captured => "captured",
            Self::Skipped => "skipped",
            Self::Waiting => "waiting",
        }
    }
}

/// The outcome of one item in one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    pub outcome: Outcome,
    pub reason: Option<&'static str>,
    /// The activity that a captured item belongs to: index into `World::activities`.
    pub activity: Option<usize>,
}

/// Which deal an activity belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DealChoice {
    /// No deal was open for these people then: nothing to choose.
    Nothing,
    /// Decided by a rule; the reason is one of these (several where the rules allow more than one reading of why).
    Decided { deal: String, reasons: Vec<&'static str> },
    /// Left to the rep, with exactly these candidates.
    Undecided(BTreeSet<String>),
}

impl DealChoice {
    pub fn is(&self, id: &str) -> bool {
        matches!(self, Self::Decided { deal, .. } if deal == id)
    }
    pub fn pending(&self, id: &str) -> bool {
        matches!(self, Self::Undecided(list) if list.contains(id))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Email,
    Meeting,
    Call,
}

impl Kind {
    pub fn word(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Meeting => "meeting",
            Self::Call => "call",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Done,
    Planned,
    Held,
    Cancelled,
    Declined,
}

impl Status {
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Planned => "planned",
            Self::Held => "held",
            Self::Cancelled => "cancelled",
            Self::Declined => "declined",
        }
    }
}

/// How much an activity proves about a deal, on a deal it is matched to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Written by the buyer's side, or a held and confirmed meeting with it.
    Evidence,
    /// Only our own mail, an unconfirmed meeting, a typed call, a partner.
    OneSided,
    /// Planned, cancelled or declined meetings.
    Nothing,
}

/// One thing that really happened.
#[derive(Clone, Debug)]
pub struct Activity {
    pub kind: Kind,
    pub status: Status,
    /// `None`: not fixed by the rules.
    pub confirmed: Option<bool>,
    /// `inbound`, `outbound`; `None` for meetings. Typed calls are not compared.
    pub direction: Option<&'static str>,
    /// The time, and the last moment that is right as well where two copies differ.
    pub at: DateTime<Utc>,
    pub at_latest: DateTime<Utc>,
    pub end: Option<DateTime<Utc>>,
    pub all_day: bool,
    /// Decoded. `None`: not compared.
    pub subject: Option<String>,
    pub message_id: Option<String>,
    pub uid: Option<String>,
    pub recurrence_id: Option<DateTime<Utc>>,
    pub contacts: BTreeSet<String>,
    pub companies: BTreeSet<String>,
    /// Who wrote it, when that was an outsider: the contact, else the address.
    pub author: Option<String>,
    /// The outsiders: those our mail went to, everybody at a meeting but who declined; each with the company. Partners are left out.
    pub people: BTreeMap<String, Option<String>>,
    /// Partners take part.
    pub partner: bool,
    /// It only thanks or agrees; `None`: hard to say.
    pub closing: Option<bool>,
    pub deal: DealChoice,
    /// Tags that must stand on it.
    pub tags: Vec<&'static str>,
    /// CRM ids of typed entries that are sightings of it.
    pub typed: Vec<String>,
    /// Users in whose calendars it must have been seen.
    pub calendars: BTreeSet<usize>,
    pub weight: Weight,
    /// Typed into the CRM and seen nowhere else.
    pub typed_only: bool,
    /// The scene it comes from.
    pub scene: &'static str,
}

/// One finding. For `gone_quiet`, `no_next_step`, `overdue_close` only what stands now is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    pub rule: &'static str,
    pub deal: String,
    /// `open`, `unknown`, `resolved`.
    pub state: &'static str,
    pub late: bool,
    /// `unknown` is as good as `open`: an older activity without a chosen deal lies outside the time that counts, so it
    /// could change nothing, but the rules do not say so in words.
    pub or_unknown: bool,
    /// It may stand or not: an edge of time or wording decides.
    pub optional: bool,
    /// Time of the stage change: first and last moment that are right (moves that count as one).
    pub at: Option<(DateTime<Utc>, DateTime<Utc>)>,
    pub from_stage: Option<String>,
    pub to_stage: Option<String>,
}
