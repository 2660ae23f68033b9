//! What an activity is worth as a sign from the buyer's side, as of a moment. Pure; who it is tied to is decided elsewhere.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::super::{
    activity::{Activity, Direction, Entity, Kind, Origin, Participant, Role, Status},
    directory::{Deal, Directory},
    steps,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Mail written by the buyer's side, a held and confirmed meeting, a call from a call log.
    Evidence,
    /// Something happened, and the buyer's side did not show in it.
    OneSided(Side),
    /// Says nothing: a note, a meeting called off or still to come, a machine's mail, an unconfirmed typed mail.
    Nothing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    OurMail,
    UnconfirmedMeeting,
    TypedCall,
    Partner,
}

/// Words in a contact role that say "not the buyer".
const PARTNER_ROLES: &[&str] = &["partner", "reseller", "distributor", "referral"];

pub fn weigh(directory: &Directory, deal: &Deal, activity: &Activity, now: DateTime<Utc>) -> Weight {
    let buyers = Buyers { directory, deal };
    let typed = activity.origin == Origin::Typed;
    let confirmed = activity.confirmed == Some(true);
    match activity.kind {
        Kind::Note => Weight::Nothing,
        Kind::Meeting => match activity.status_at(now) {
            Status::Held | Status::Done if activity.occurred_at <= now => {
                if buyers.only_partners(activity) {
                    Weight::OneSided(Side::Partner)
                } else if confirmed {
                    Weight::Evidence
                } else {
                    Weight::OneSided(Side::UnconfirmedMeeting)
                }
            }
            _ => Weight::Nothing,
        },
        // A mail or call dated in the future has not happened yet, whatever its sender's clock says.
        Kind::Call | Kind::Email if activity.occurred_at > now => Weight::Nothing,
        Kind::Call if buyers.only_partners(activity) => Weight::OneSided(Side::Partner),
        Kind::Call if typed && !confirmed => Weight::OneSided(Side::TypedCall),
        Kind::Call => Weight::Evidence,
        // Typed mail that no mailbox knows: nothing says that it exists.
        Kind::Email if typed && !confirmed => Weight::Nothing,
        Kind::Email => buyers.weigh_mail(activity),
    }
}

/// The outsiders who took part, partners left aside: each as the contact, else as the address. What names no outsider (a
/// call from a call log) is taken to be with the contacts that it was matched to.
pub fn outsiders<'a>(directory: &'a Directory, deal: &Deal, activity: &'a Activity) -> BTreeSet<&'a str> {
    let buyers = Buyers { directory, deal };
    let there = |p: &&Participant| p.takes_part() && !directory.is_ours(&p.address);
    if activity.participants.iter().any(|p| there(&p)) {
        let people = activity.participants.iter().filter(there).filter(|p| !buyers.is_partner(p));
        return people.map(|p| contact_of(directory, p).unwrap_or(&p.address)).collect();
    }
    let partner = |id: &str| {
        let known = directory.contacts.get(id);
        known.is_some_and(|c| c.emails.iter().any(|e| directory.is_partner(e))) && buyers.has_no_buyer_role(id)
    };
    activity.ids(Entity::Contact).map(|id| directory.survivor(id)).filter(|id| !partner(id)).collect()
}

fn contact_of<'a>(directory: &'a Directory, person: &'a Participant) -> Option<&'a str> {
    let known = person.contact.as_deref().map(|id| directory.survivor(id));
    known.or_else(|| directory.contact_by_address(&person.address).map(|c| c.id.as_str()))
}

struct Buyers<'a> {
    directory: &'a Directory,
    deal: &'a Deal,
}

impl Buyers<'_> {
    fn weigh_mail(&self, activity: &Activity) -> Weight {
        let author = activity.participants.iter().find(|p| p.role == Role::From);
        let ours = match activity.direction {
            Some(direction) => direction == Direction::Outbound,
            None => author.is_some_and(|p| self.directory.is_ours(&p.address)),
        };
        let document = steps::has_document(&activity.tags);
        if ours {
            Weight::OneSided(Side::OurMail)
        } else if activity.automatic && !document {
            Weight::Nothing
        } else if author.is_some_and(|p| self.is_partner(p)) {
            Weight::OneSided(Side::Partner)
        } else {
            Weight::Evidence
        }
    }

    /// True when outsiders took part and every one of them is a partner.
    fn only_partners(&self, activity: &Activity) -> bool {
        let outsiders = || {
            let people = activity.participants.iter().filter(|p| p.takes_part());
            people.filter(|p| !self.directory.is_ours(&p.address))
        };
        outsiders().next().is_some() && outsiders().all(|p| self.is_partner(p))
    }

    /// A partner is not the buyer, unless a contact role on the deal says so.
    fn is_partner(&self, person: &Participant) -> bool {
        if !self.directory.is_partner(&person.address) {
            return false;
        }
        contact_of(self.directory, person).is_none_or(|contact| self.has_no_buyer_role(contact))
    }

    /// No role on the deal at all, or a partner's.
    fn has_no_buyer_role(&self, contact: &str) -> bool {
        let mut roles = self.deal.contacts.iter().filter(|r| self.directory.survivor(&r.contact) == contact);
        roles.all(|r| {
            let role = r.role.as_deref().unwrap_or_default().to_lowercase();
            PARTNER_ROLES.iter().any(|word| role.contains(word))
        })
    }
}
