//! A made-up sales team whose mail, calendars and CRM are known to the last message, together with what dealtrail
//! must make of them. The truth is written down with each scene (`cells`), from the rules alone: nothing here may call
//! or copy the product's own code. Scenes hold only cases with one right answer; what the rules leave open stays out.
//!
//! `World::new(seed, size, now)` builds it in memory, `files` writes it to disk, `servers` loads it into a real mail
//! and calendar server, `score` compares an export with it.

mod build;
mod cells;
#[cfg(test)]
mod checks;
mod coding;
mod crm;
mod days;
#[cfg(test)]
mod echo;
mod exchange;
mod files;
mod gaps;
mod ics;
mod mail;
mod meet;
mod post;
pub mod rng;
mod score;
mod servers;
mod text;
mod truth;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

pub use files::Part;
pub use score::{Exports, Score};
pub use truth::{Activity, DealChoice, Decision, Gap, Outcome};

/// How much of everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Every scene once: about 250 messages.
    Small,
    /// About 2,000 messages.
    Medium,
}

impl Size {
    fn rounds(self) -> usize {
        match self {
            Self::Small => 1,
            Self::Medium => 8,
        }
    }
}

/// One of ours.
#[derive(Clone, Debug)]
pub struct User {
    /// Short name: `ana`; the connections are `ana-mail` and `ana-calendar`.
    pub name: &'static str,
    pub full_name: &'static str,
    pub email: &'static str,
    pub role: &'static str,
    pub team: &'static str,
    pub aliases: &'static [&'static str],
    /// Where it differs from the organisation's.
    pub timezone: Option<&'static str>,
    pub mailbox: bool,
    pub calendar: bool,
}

/// Flags of one copy of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    pub seen: bool,
    pub draft: bool,
    pub deleted: bool,
    /// The keyword `$Junk`: only servers can carry it.
    pub junk: bool,
}

/// One copy of a message in one folder of one mailbox.
#[derive(Clone)]
pub struct Copy {
    /// Index into `World::users`.
    pub owner: usize,
    /// Decoded name: `INBOX`, `Sent`, ...
    pub folder: &'static str,
    pub flags: Flags,
    pub received: DateTime<Utc>,
    /// RFC 5322 with CRLF.
    pub bytes: Vec<u8>,
    /// Index into `World::mails`.
    pub mail: usize,
    /// `None`: it lies in a folder that is not read, so there must be no decision on it.
    pub truth: Option<Decision>,
}

/// One message, whatever the number of its copies.
#[derive(Clone, Debug)]
pub struct Mail {
    pub token: String,
    pub message_id: Option<String>,
    pub date: DateTime<Utc>,
    /// Index into `World::activities`, when it is one.
    pub activity: Option<usize>,
    pub subject: String,
    pub references: Vec<String>,
    /// The scene it comes from.
    pub scene: &'static str,
}

/// One calendar object (one href) of one user's calendar.
#[derive(Clone)]
pub struct CalendarObject {
    pub owner: usize,
    pub ics: String,
}

/// What is expected of one instance in one calendar.
#[derive(Clone, Debug)]
pub struct EventTruth {
    pub owner: usize,
    pub uid: String,
    pub recurrence_id: Option<DateTime<Utc>>,
    pub truth: Decision,
    pub scene: &'static str,
}

/// The whole team, its traffic, and the truth about it.
pub struct World {
    pub seed: u64,
    pub now: DateTime<Utc>,
    pub users: Vec<User>,
    pub crm: crm::Crm,
    /// Domains of `[[partner]]`.
    pub partners: Vec<String>,
    pub mails: Vec<Mail>,
    pub copies: Vec<Copy>,
    pub objects: Vec<CalendarObject>,
    pub events: Vec<EventTruth>,
    pub activities: Vec<Activity>,
    pub gaps: Vec<Gap>,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "World(seed {}, {} mails, {} copies, {} calendar objects, {} activities, {} deals, {} gaps)",
            self.seed,
            self.mails.len(),
            self.copies.len(),
            self.objects.len(),
            self.activities.len(),
            self.crm.deals.len(),
            self.gaps.len()
        )
    }
}

/// Where a loader put things: how decisions and sightings are tied back to the world.
#[derive(Clone, Debug, Default)]
pub struct Ties {
    /// (connection, folder, key) -> index into `World::copies`.
    pub copies: BTreeMap<(String, String, String), usize>,
}

/// A world that has been written somewhere.
#[derive(Debug)]
pub struct Loaded {
    /// The configuration to start dealtrail with.
    pub config: std::path::PathBuf,
    pub ties: Ties,
}

impl World {
    /// The same seed, size and moment give the same world, byte for byte. The world is alive at `now`: the pass that
    /// is scored must happen within a few hours after it.
    pub fn new(seed: u64, size: Size, now: DateTime<Utc>) -> Self {
        let mut builder = build::Builder::new(seed, now);
        cells::fill(&mut builder, size.rounds());
        builder.finish()
    }

    /// Name of the user's mail connection.
    pub fn mail_connection(&self, owner: usize) -> String {
        format!("{}-mail", self.users[owner].name)
    }

    /// Name of the user's calendar connection.
    pub fn calendar_connection(&self, owner: usize) -> String {
        format!("{}-calendar", self.users[owner].name)
    }
}
