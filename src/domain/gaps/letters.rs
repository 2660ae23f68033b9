//! Who wrote to whom: people outside told apart by contact, or by address where the CRM knows none. What the rules about
//! answers share. A machine's mail and what was only typed is nobody's letter.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::case::Case;
use crate::domain::{
    activity::{Activity, Direction, Entity, Kind, Origin, Participant, Role, Status},
    closings::CLOSING,
    directory::Directory,
    replies::{self, Letter, Usual},
};

/// The contact of a participant, else the address.
pub fn person<'a>(directory: &'a Directory, p: &'a Participant) -> &'a str {
    let known = p.contact.as_deref().map(|id| directory.survivor(id));
    known.or_else(|| directory.contact_by_address(&p.address).map(|c| c.id.as_str())).unwrap_or(&p.address)
}

/// Everybody from outside who takes part; of what names nobody (a call from a call log) the contacts it is tied to.
pub fn people<'a>(directory: &'a Directory, activity: &'a Activity) -> BTreeSet<&'a str> {
    who(directory, activity).collect()
}

fn who<'a>(directory: &'a Directory, activity: &'a Activity) -> impl Iterator<Item = &'a str> {
    let outside = |p: &&Participant| p.takes_part() && !directory.is_ours(&p.address);
    let names_some = activity.participants.iter().any(|p| outside(&p));
    let named = activity.participants.iter().filter(outside).map(|p| person(directory, p));
    let tied = activity.ids(Entity::Contact).filter(move |_| !names_some).map(|id| directory.survivor(id));
    named.chain(tied)
}

fn is_letter(activity: &Activity, direction: Direction) -> bool {
    let captured = activity.kind == Kind::Email && activity.origin == Origin::Captured;
    captured && !activity.automatic && activity.direction == Some(direction)
}

/// A person's mail from outside: who wrote it.
pub fn author<'a>(directory: &'a Directory, activity: &'a Activity) -> Option<&'a str> {
    let from = activity.participants.iter().find(|p| p.role == Role::From)?;
    is_letter(activity, Direction::Inbound).then(|| person(directory, from))
}

/// Our mail: whom outside it went to, those it is addressed to only or those with a copy as well.
pub fn addressed<'a>(directory: &'a Directory, activity: &'a Activity, copies: bool) -> impl Iterator<Item = &'a str> {
    let ours = is_letter(activity, Direction::Outbound);
    let meant = move |p: &&Participant| p.role == Role::To || copies && matches!(p.role, Role::Cc | Role::Bcc);
    let all = activity.participants.iter().filter(move |p| ours && meant(p));
    all.filter(|p| !directory.is_ours(&p.address)).map(|p| person(directory, p))
}

/// Does it end its thread by its own wording?
pub fn is_closing(activity: &Activity) -> bool {
    activity.tags.iter().any(|tag| tag == CLOSING)
}

/// A held meeting or a call with this person.
pub fn spoke(directory: &Directory, activity: &Activity, with: &str, now: DateTime<Utc>) -> bool {
    let happened = match activity.kind {
        Kind::Meeting => activity.status_at(now) == Status::Held,
        Kind::Call => activity.occurred_at <= now,
        Kind::Email | Kind::Note => false,
    };
    let real = activity.origin == Origin::Captured || activity.confirmed == Some(true);
    happened && real && who(directory, activity).any(|person| person == with)
}

impl Case<'_> {
    /// How long somebody from outside usually takes to answer, by the deal owner's working hours.
    pub fn usual_reply(&self, person: &str) -> Option<Usual> {
        let directory = self.facts.directory;
        let letters = self.near.iter().filter(|a| a.occurred_at <= self.now()).filter_map(|a| {
            let thread = self.backdrop.threads.get(&a.id)?;
            let outbound = addressed(directory, a, false).any(|to| to == person);
            let theirs = author(directory, a) == Some(person);
            (outbound || theirs).then_some(Letter { thread, at: a.occurred_at, outbound })
        });
        replies::usual(letters, self.calendar(self.owner_at(self.now())))
    }

    /// The name of somebody outside: the contact's, the one that stands on the mail, else the address.
    pub fn person_name<'n>(&'n self, person: &'n str) -> &'n str {
        let contact = self.facts.directory.contacts.get(person);
        let own = contact.and_then(|c| c.name.as_deref()).filter(|name| !name.trim().is_empty());
        let address = || contact.and_then(|c| c.emails.first()).map_or(person, String::as_str);
        let named = || {
            let all = self.near.iter().flat_map(|a| &a.participants);
            all.filter(|p| p.address == address()).find_map(|p| p.name.as_deref()).filter(|n| !n.trim().is_empty())
        };
        own.or_else(named).unwrap_or_else(address)
    }

    /// Moments at which something comes to pass near the deal or elsewhere.
    pub fn near_moments(&self) -> impl Iterator<Item = DateTime<Utc>> {
        self.near.iter().chain(&self.elsewhere).flat_map(|a| [Some(a.occurred_at), a.ended_at]).flatten()
    }
}
