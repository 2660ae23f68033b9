//! The evidence that a stage may need (`missing_evidence`), and when a deal first had it. Pure.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::{
    super::activity::{Direction, Kind},
    case::{Case, Seen, Tie},
    evidence::{Side, Weight},
};

/// Tags of mails with such a document.
const QUOTE: &str = "quote";
const ORDER: &str = "order";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    QuoteSent,
    MeetingHeld,
    PurchaseOrder,
    TwoContacts,
    BuyerReply,
}

/// When a deal first had it, and by which activity (a quote may be a record of the CRM).
#[derive(Clone, Debug, PartialEq)]
pub struct Had {
    pub at: DateTime<Utc>,
    pub by: Option<String>,
}

impl Need {
    /// As the settings name it.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "quote_sent" => Self::QuoteSent,
            "meeting_held" => Self::MeetingHeld,
            "purchase_order" => Self::PurchaseOrder,
            "two_contacts" => Self::TwoContacts,
            "buyer_reply" => Self::BuyerReply,
            _ => return None,
        })
    }

    pub fn said(self) -> &'static str {
        match self {
            Self::QuoteSent => "a quote that was sent",
            Self::MeetingHeld => "a meeting that was held and confirmed",
            Self::PurchaseOrder => "a purchase order",
            Self::TwoContacts => "two people of the buyer's who took part",
            Self::BuyerReply => "a mail from the buyer",
        }
    }

    pub fn missed(self) -> &'static str {
        match self {
            Self::QuoteSent => "no quote was sent",
            Self::MeetingHeld => "no meeting was held and confirmed",
            Self::PurchaseOrder => "no purchase order came",
            Self::TwoContacts => "no second person of the buyer's took part",
            Self::BuyerReply => "no mail came from the buyer",
        }
    }

    /// The first time from `from` on; with what waits for its deal to be chosen, or without.
    pub fn had(self, case: &Case<'_>, from: DateTime<Utc>, with_pending: bool) -> Option<Had> {
        let seen = case.seen.iter().filter(|s| s.at() >= from && (with_pending || s.tie != Tie::Pending));
        let had = |s: &Seen<'_>| Had { at: s.at(), by: Some(s.activity.id.clone()) };
        match self {
            Self::QuoteSent => {
                let mailed = first(seen, is_quote).map(had);
                let quotes = case.facts.directory.quotes.get(&case.deal.id).into_iter().flatten();
                let noted = quotes.filter(|at| **at >= from && **at <= case.now()).min();
                let noted = noted.map(|at| Had { at: *at, by: None });
                mailed.into_iter().chain(noted).min_by_key(|had| had.at)
            }
            Self::MeetingHeld => {
                first(seen, |s| s.activity.kind == Kind::Meeting && s.weight == Weight::Evidence).map(had)
            }
            Self::PurchaseOrder => first(seen, is_order).map(had),
            Self::BuyerReply => {
                first(seen, |s| s.activity.kind == Kind::Email && s.weight == Weight::Evidence && !s.activity.automatic)
                    .map(had)
            }
            Self::TwoContacts => {
                let mut people = BTreeSet::new();
                for s in seen.filter(|s| s.is_captured()) {
                    people.extend(case.outsiders(s));
                    if people.len() > 1 {
                        return Some(had(s));
                    }
                }
                None
            }
        }
    }
}

fn first<'c, 'a>(
    mut seen: impl Iterator<Item = &'c Seen<'a>>,
    counts: impl Fn(&Seen<'a>) -> bool,
) -> Option<&'c Seen<'a>>
where
    'a: 'c,
{
    seen.find(|s| counts(s))
}

fn has_tag(seen: &Seen<'_>, tag: &str) -> bool {
    seen.activity.kind == Kind::Email && seen.activity.tags.iter().any(|t| t == tag)
}

/// Our mail with a document that is a quote.
fn is_quote(seen: &Seen<'_>) -> bool {
    has_tag(seen, QUOTE) && seen.weight == Weight::OneSided(Side::OurMail)
}

/// Mail to us with a purchase order; a partner's too, and a portal's.
fn is_order(seen: &Seen<'_>) -> bool {
    let inbound = seen.activity.direction != Some(Direction::Outbound);
    has_tag(seen, ORDER) && inbound && matches!(seen.weight, Weight::Evidence | Weight::OneSided(Side::Partner))
}
