//! One thing that really happened between us and the outside, as data. Times are UTC.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Declares an enum whose values have one text form each, in the database, the export and the pages alike.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, ::serde::Serialize, ::serde::Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant),* }
        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];
            pub fn as_str(self) -> &'static str { match self { $(Self::$variant => $text),* } }
            pub fn parse(text: &str) -> Option<Self> { match text { $($text => Some(Self::$variant),)* _ => None } }
        }
        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result { f.pad(self.as_str()) }
        }
    };
}
pub(crate) use words;

words!(Kind { Email = "email", Meeting = "meeting", Call = "call", Note = "note" });
words!(
    /// `Planned` and `Held` differ only by the clock: see [`Activity::status_at`].
    Status { Done = "done", Planned = "planned", Held = "held", Cancelled = "cancelled", Declined = "declined" }
);
words!(Direction { Inbound = "inbound", Outbound = "outbound" });
words!(Role {
    From = "from", To = "to", Cc = "cc", Bcc = "bcc",
    Organizer = "organizer", Required = "required", Optional = "optional",
    /// Was invited and said no.
    Declined = "declined",
    Resource = "resource",
});
words!(Entity { Contact = "contact", Company = "company", Deal = "deal" });
words!(Reason {
    Address = "address", Domain = "domain", Thread = "thread", Reference = "reference", ContactRole = "role",
    OnlyDeal = "only_deal", Owner = "owner", Words = "words", Recency = "recency", Person = "person",
});
words!(
    /// How much of the words of matched mail and events is kept; the stricter is the smaller.
    Level { Metadata = "metadata", Subject = "subject", Text = "text" }
);
words!(TextState { Kept = "kept", Pending = "pending", None = "none" });
words!(Origin { Captured = "captured", Typed = "typed" });

/// An address on an activity.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Participant {
    /// Folded: see [`super::address::fold`].
    pub address: String,
    pub name: Option<String>,
    pub role: Role,
    /// Id of the CRM contact.
    pub contact: Option<String>,
    /// Email of our user.
    pub user: Option<String>,
}

impl Participant {
    /// Somebody who was there, or will be: no room, nor who declined.
    pub fn takes_part(&self) -> bool {
        !matches!(self.role, Role::Resource | Role::Declined)
    }
}

impl fmt::Debug for Participant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Participant({})", self.role)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunnerUp {
    pub id: String,
    pub score: f64,
}

/// The tie from an activity to a contact, company or deal, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Match {
    pub entity: Entity,
    pub id: String,
    pub reason: Reason,
    /// 0..=1, fixed per reason.
    pub score: f64,
    pub runner_up: Option<RunnerUp>,
    /// `rule`, or the email of the person who chose.
    pub by: String,
}

/// An activity as the decisions see it.
#[derive(Clone, Debug)]
pub struct Activity {
    pub id: String,
    pub kind: Kind,
    /// For meetings `Planned` stands for "not cancelled, not declined"; ask [`Activity::status_at`].
    pub status: Status,
    pub confirmed: Option<bool>,
    pub direction: Option<Direction>,
    pub occurred_at: DateTime<Utc>,
    /// Exclusive; meetings only.
    pub ended_at: Option<DateTime<Utc>>,
    pub participants: Vec<Participant>,
    pub matches: Vec<Match>,
    /// Candidate deals when the choice is pending.
    pub undecided: Vec<String>,
    pub tags: Vec<String>,
    pub origin: Origin,
    /// Sent by a machine (captured for its document): evidence, never a conversation.
    pub automatic: bool,
}

impl Activity {
    /// The status as of `now`: a meeting that was not called off is planned until its end, held after it.
    pub fn status_at(&self, now: DateTime<Utc>) -> Status {
        match self.status {
            Status::Planned | Status::Held => {
                if self.ended_at.unwrap_or(self.occurred_at) <= now {
                    Status::Held
                } else {
                    Status::Planned
                }
            }
            other => other,
        }
    }

    /// It was given to no deal, and none is to be chosen for it.
    pub fn is_loose(&self) -> bool {
        is_loose(&self.matches, &self.undecided)
    }

    /// Ids of one kind of entity this activity is tied to.
    pub fn ids(&self, entity: Entity) -> impl Iterator<Item = &str> {
        self.matches.iter().filter(move |m| m.entity == entity).map(|m| m.id.as_str())
    }
}

/// The same of ties that an activity has or had.
pub fn is_loose(matches: &[Match], undecided: &[String]) -> bool {
    undecided.is_empty() && !matches.iter().any(|m| m.entity == Entity::Deal)
}
