//! Item + policy -> decision: is this a thing that happened between us and the outside, and if not, why not.
//!
//! One reason, the first that holds, in the order of [`SkipReason`]. Decides from headers and structure alone.

use chrono::{DateTime, Utc};
use dealtrail_sdk::{
    FolderRole,
    record::{Attendee, Class, Event, Mailbox, Message},
};

use super::{
    activity::{Direction, Participant, Role, words},
    address,
    directory::Directory,
    documents::{self, Documents},
    signs,
};

words!(
    /// Why an item is no activity; the order is the order of precedence.
    SkipReason {
        TooOld = "too_old", Draft = "draft", Trash = "trash", Spam = "spam", Excluded = "excluded",
        Calendar = "calendar", Bounce = "bounce", Automatic = "automatic", Bulk = "bulk", Private = "private",
        Internal = "internal", NoOutsider = "no_outsider",
    }
);

/// What the configuration says about one connection's items.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Mail and events before this are too old.
    pub since: DateTime<Utc>,
    /// When the mailbox's owner left us: what came later is not captured.
    pub until: Option<DateTime<Utc>>,
    /// `name@domain` or with `*`; lower case.
    pub exclude: Vec<String>,
    pub documents: Documents,
}

/// The outcome of one item.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    Captured(Captured),
    Skipped {
        reason: SkipReason,
        /// The exclusion rule that held.
        detail: Option<String>,
    },
    /// Nobody in the CRM knows its outsiders yet: their folded addresses.
    Waiting(Vec<String>),
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Captured {
    pub participants: Vec<Participant>,
    pub direction: Option<Direction>,
    pub tags: Vec<String>,
    /// Sent by a machine, kept for its document.
    pub automatic: bool,
}

fn skip(reason: SkipReason) -> Decision {
    Decision::Skipped { reason, detail: None }
}

/// The date a mail bears itself, right or wrong; one of 1970 is none.
pub fn dated(mail: &Message) -> Option<DateTime<Utc>> {
    mail.date.filter(|date| date.timestamp() > 86_400)
}

/// The moment a mail counts for: its Date header, else when the mailbox took it in. A date more than a day in the
/// future is a wrong clock: then the arrival counts. (Not measured against the arrival: file times and names of copied
/// mailboxes say little.) A moment that had to be guessed is guessed once: `kept` is what was decided before, and stands
/// when the day of the date has come.
pub fn occurred_at(mail: &Message, kept: Option<DateTime<Utc>>, now: DateTime<Utc>) -> DateTime<Utc> {
    let ahead = |date: DateTime<Utc>, of: DateTime<Utc>| date > of + chrono::TimeDelta::days(1);
    let received = mail.received.filter(|r| *r <= now);
    match (dated(mail), kept) {
        (Some(date), Some(kept)) if ahead(date, kept) => kept,
        (Some(date), None) if ahead(date, now) => received.unwrap_or(now),
        (Some(date), _) => date,
        (None, Some(kept)) => kept,
        (None, None) => received.or(mail.date).unwrap_or(now),
    }
}

/// The time is our guess: the mail names none, or one that cannot be.
pub fn is_guessed(mail: &Message, at: DateTime<Utc>) -> bool {
    mail.date != Some(at)
}

/// A rep who left: capture stopped then, by a rule that is named.
fn after_leaving(at: DateTime<Utc>, policy: &Policy) -> Option<Decision> {
    let until = policy.until.filter(|until| at >= *until)?;
    let detail = Some(format!("user.until: left before {}", until.format("%Y-%m-%d %H:%M UTC")));
    Some(Decision::Skipped { reason: SkipReason::Excluded, detail })
}

/// The participants of a mail: each address once, in its first role of from, to, cc, bcc.
pub fn mail_participants(mail: &Message, dir: &Directory) -> Vec<Participant> {
    let lists = [(Role::From, &mail.from), (Role::To, &mail.to), (Role::Cc, &mail.cc), (Role::Bcc, &mail.bcc)];
    let mut all = Vec::new();
    for (role, list) in lists {
        for mailbox in list {
            add(&mut all, mailbox, role, dir);
        }
    }
    if mail.from.is_empty()
        && let Some(sender) = &mail.sender
    {
        add(&mut all, sender, Role::From, dir);
    }
    all
}

/// The participants of an event: organizer first, then the attendees; rooms keep the role `resource`.
pub fn event_participants(event: &Event, dir: &Directory) -> Vec<Participant> {
    people(event.organizer.as_ref(), &event.attendees, dir)
}

/// The same from what was kept of an event.
pub fn people(organizer: Option<&Mailbox>, attendees: &[Attendee], dir: &Directory) -> Vec<Participant> {
    use dealtrail_sdk::record::AttendeeRole;
    let mut all = Vec::new();
    if let Some(organizer) = organizer {
        add(&mut all, organizer, Role::Organizer, dir);
    }
    for a in attendees {
        let role = match (a.resource, a.role) {
            (true, _) => Role::Resource,
            (false, AttendeeRole::Required) => Role::Required,
            (false, AttendeeRole::Optional | AttendeeRole::Informed) => Role::Optional,
        };
        add(&mut all, &a.mailbox, role, dir);
    }
    all
}

pub(super) fn add(all: &mut Vec<Participant>, mailbox: &Mailbox, role: Role, dir: &Directory) {
    let Some(folded) = address::fold(&mailbox.address, &dir.ours.subaddress) else { return };
    if let Some(known) = all.iter_mut().find(|p| p.address == folded) {
        if known.name.is_none() {
            known.name.clone_from(&mailbox.name);
        }
        return;
    }
    let user = dir.user(&folded).map(|u| u.email.clone());
    let contact = if dir.is_ours(&folded) { None } else { dir.contact_by_address(&folded).map(|c| c.id.clone()) };
    all.push(Participant { address: folded, name: mailbox.name.clone(), role, contact, user });
}

/// Who of the participants is neither ours nor a room.
pub fn outsiders<'a>(participants: &'a [Participant], dir: &'a Directory) -> impl Iterator<Item = &'a Participant> {
    participants.iter().filter(|p| p.role != Role::Resource && !dir.is_ours(&p.address))
}

/// Does the CRM know this outsider, as a contact or by the domain of a company?
pub fn known(address: &str, dir: &Directory) -> bool {
    dir.contact_by_address(address).is_some() || dir.company_by_address(address).is_some()
}

fn excluded<'m, 'p>(
    participants: &[Participant],
    raw: impl Iterator<Item = &'m Mailbox>,
    policy: &'p Policy,
) -> Option<&'p str> {
    let written: Vec<String> = raw.map(|m| m.address.trim().to_lowercase()).collect();
    let addresses: Vec<&str> =
        participants.iter().map(|p| p.address.as_str()).chain(written.iter().map(String::as_str)).collect();
    excluded_by(&policy.exclude, &addresses)
}

/// The first rule that holds of one of these addresses.
pub fn excluded_by<'p>(rules: &'p [String], addresses: &[&str]) -> Option<&'p str> {
    rules.iter().find(|rule| addresses.iter().any(|a| glob(rule, a))).map(String::as_str)
}

/// `*` stands for any run of characters; a rule without `@` is a domain and everything below it.
pub fn glob(rule: &str, address: &str) -> bool {
    if !rule.contains('@') && !rule.contains('*') {
        return address::domain(address).is_some_and(|d| address::is_below(d, rule));
    }
    let mut rest = address;
    let mut pieces = rule.split('*');
    let Some(first) = pieces.next() else { return false };
    let Some(after) = rest.strip_prefix(first) else { return false };
    rest = after;
    let mut last = None;
    for piece in pieces {
        if let Some(middle) = last.replace(piece) {
            match rest.find(middle) {
                Some(at) => rest = &rest[at + middle.len()..],
                None => return false,
            }
        }
    }
    match last {
        Some(end) => rest.ends_with(end),
        None => rest.is_empty(),
    }
}

/// Decides again an item that is gone from its source, from what was kept of it: the rules about time and people. None: it
/// stays what it is.
pub fn decide_kept<'a>(
    at: DateTime<Utc>,
    participants: &[Participant],
    raw: impl Iterator<Item = &'a Mailbox>,
    policy: &Policy,
    dir: &Directory,
) -> Option<(SkipReason, Option<String>)> {
    if at < policy.since {
        return Some((SkipReason::TooOld, None));
    }
    if let Some(Decision::Skipped { reason, detail }) = after_leaving(at, policy) {
        return Some((reason, detail));
    }
    if let Some(rule) = excluded(participants, raw, policy) {
        return Some((SkipReason::Excluded, Some(rule.to_owned())));
    }
    outsiders(participants, dir).next().is_none().then_some((SkipReason::Internal, None))
}

/// Decides one message seen in one folder, that counts for the moment `at`. `invites`: it is nothing but part of a meeting.
pub fn decide_mail(
    mail: &Message,
    invites: bool,
    folder: Option<FolderRole>,
    policy: &Policy,
    dir: &Directory,
    at: DateTime<Utc>,
) -> Decision {
    if at < policy.since {
        return skip(SkipReason::TooOld);
    }
    if let Some(reason) = misplaced(mail, folder) {
        return skip(reason);
    }
    let participants = mail_participants(mail, dir);
    let raw = mail.from.iter().chain(&mail.sender).chain(&mail.to).chain(&mail.cc).chain(&mail.bcc);
    if let Some(left) = after_leaving(at, policy) {
        return left;
    }
    if let Some(rule) = excluded(&participants, raw, policy) {
        return Decision::Skipped { reason: SkipReason::Excluded, detail: Some(rule.to_owned()) };
    }
    if invites {
        return skip(SkipReason::Calendar);
    }
    if signs::is_bounce(mail) {
        return skip(SkipReason::Bounce);
    }
    let sender = participants.iter().find(|p| p.role == Role::From);
    // without a sender it is nobody's word from outside; in Sent one of several senders is enough
    let ours = |p: &Participant| p.role == Role::From && dir.is_ours(&p.address);
    let outbound = match sender {
        None => true,
        Some(p) => dir.is_ours(&p.address) || folder == Some(FolderRole::Sent) && participants.iter().any(ours),
    };
    let tags = documents::tags(mail.subject.as_deref(), &mail.parts, &policy.documents);
    let automatic = signs::is_automatic(mail);
    // of a machine's mail the attachment's own name must say so: every notification's subject speaks of an order
    let named = || !documents::tags(None, &mail.parts, &policy.documents).is_empty();
    let from_portal = sender.is_some_and(|p| policy.documents.is_portal(&p.address));
    let document = !tags.is_empty()
        && sender.is_some_and(|p| brings_documents(&p.address, policy, dir))
        && (from_portal || named());
    if automatic && !document {
        return skip(SkipReason::Automatic);
    }
    if !automatic && signs::is_bulk(mail) && !list_of_known_people(mail, sender, dir) {
        return skip(SkipReason::Bulk);
    }
    if signs::is_private(mail) {
        return skip(SkipReason::Private);
    }
    if outsiders(&participants, dir).next().is_none() {
        return skip(SkipReason::Internal);
    }
    let portal = automatic && sender.is_some_and(|p| policy.documents.is_portal(&p.address));
    if !portal && !outsiders(&participants, dir).any(|p| known(&p.address, dir)) {
        return Decision::Waiting(outsiders(&participants, dir).map(|p| p.address.clone()).collect());
    }
    let direction = Some(if outbound { Direction::Outbound } else { Direction::Inbound });
    Decision::Captured(Captured { participants, direction, tags, automatic })
}

fn misplaced(mail: &Message, folder: Option<FolderRole>) -> Option<SkipReason> {
    if mail.draft || folder == Some(FolderRole::Drafts) {
        Some(SkipReason::Draft)
    } else if mail.trashed || folder == Some(FolderRole::Trash) {
        Some(SkipReason::Trash)
    } else if mail.junk || folder == Some(FolderRole::Junk) {
        Some(SkipReason::Spam)
    } else {
        None
    }
}

/// Automatic mail from a known company's domain or a configured portal may carry an order, quote or contract.
fn brings_documents(sender: &str, policy: &Policy, dir: &Directory) -> bool {
    policy.documents.is_portal(sender) || (!dir.is_ours(sender) && dir.company_by_address(sender).is_some())
}

/// A list header does not make mail bulk when the list's domain is ours or a known company's and From is a person known
/// to us or the CRM.
fn list_of_known_people(mail: &Message, sender: Option<&Participant>, dir: &Directory) -> bool {
    let Some(sender) = sender else { return false };
    let person = sender.user.is_some() || dir.contact_by_address(&sender.address).is_some();
    person
        && signs::list_domain(mail).is_some_and(|domain| {
            dir.ours.domains.iter().any(|d| address::is_below(&domain, d)) || dir.is_company_domain(&domain)
        })
}

/// Decides one instance of an event, from a calendar or carried by mail.
pub fn decide_event(event: &Event, policy: &Policy, dir: &Directory) -> Decision {
    if event.start < policy.since {
        return skip(SkipReason::TooOld);
    }
    let participants = event_participants(event, dir);
    let raw = event.organizer.iter().chain(event.attendees.iter().map(|a| &a.mailbox));
    if let Some(left) = after_leaving(event.start, policy) {
        return left;
    }
    if let Some(rule) = excluded(&participants, raw, policy) {
        return Decision::Skipped { reason: SkipReason::Excluded, detail: Some(rule.to_owned()) };
    }
    if event.class != Class::Public {
        return skip(SkipReason::Private);
    }
    if outsiders(&participants, dir).next().is_none() {
        // an entry with colleagues is internal; one for its owner alone has nobody outside
        let people = participants.iter().filter(|p| p.role != Role::Resource).count();
        return skip(if people > 1 { SkipReason::Internal } else { SkipReason::NoOutsider });
    }
    if !outsiders(&participants, dir).any(|p| known(&p.address, dir)) {
        return Decision::Waiting(outsiders(&participants, dir).map(|p| p.address.clone()).collect());
    }
    Decision::Captured(Captured { participants, direction: None, tags: Vec::new(), automatic: false })
}

#[cfg(test)]
mod tests;
