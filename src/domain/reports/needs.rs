//! What has to be read before something can be counted: a report that shows calls needs no mail.

use std::collections::BTreeSet;

use super::{super::activity::Kind, credit::Happened};

/// The columns that count something, in order.
pub const COUNTS: [(&str, &str); 11] = [
    ("emails_sent", "Emails sent"),
    ("emails_received", "Emails received"),
    ("conversations", "Conversations"),
    ("meetings_held", "Meetings held"),
    ("calls", "Calls"),
    ("quotes_sent", "Quotes sent"),
    ("purchase_orders", "Purchase orders"),
    ("deals_won", "Deals won"),
    ("new_contacts", "New contacts"),
    ("captured", "Captured"),
    ("typed", "Typed"),
];

/// What has to be read for some of [`COUNTS`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    pub kinds: BTreeSet<Kind>,
    /// Mail with quotes, and quote records.
    pub quotes: bool,
    pub talks: bool,
}

impl Needs {
    pub fn of<'c>(columns: impl IntoIterator<Item = &'c str>) -> Self {
        let mut needs = Self::default();
        for column in columns {
            match column {
                "deals_won" | "new_contacts" => {}
                "emails_sent" | "emails_received" | "purchase_orders" => drop(needs.kinds.insert(Kind::Email)),
                "meetings_held" => drop(needs.kinds.insert(Kind::Meeting)),
                "calls" => drop(needs.kinds.insert(Kind::Call)),
                "conversations" => {
                    needs.kinds.insert(Kind::Call);
                    needs.talks = true;
                }
                "quotes_sent" => needs.quotes = true,
                // what was captured, and whatever else there may be
                _ => needs.kinds.extend(Kind::ALL),
            }
        }
        needs
    }

    /// Everything that the activity report counts.
    pub fn all() -> Self {
        Self::of(COUNTS.map(|c| c.0))
    }
}

/// The mail of a span that makes conversations.
#[derive(Clone, Debug, Default)]
pub struct Talked {
    /// See [`Input::threads`](super::activity::Input::threads).
    pub threads: Vec<Happened>,
    /// The mail of threads for which whom it counts depends on each, from before the span on.
    pub mails: Vec<Happened>,
}
