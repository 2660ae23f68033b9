//! The calendar parts of a mail -> the meetings it speaks of, or why there are none (RFC 5546, RFC 6047). "Could not read"
//! and "no meeting in it" are never the same answer. Touches no database.

use dealtrail_sdk::{
    ical,
    record::{Event, Mailbox, Message, Method},
};

use super::{Connection, Known};
use crate::domain::{
    address,
    capture::{self, Decision},
    signs,
};

/// One meeting of an invitation, update, cancellation or reply.
pub struct MailedEvent {
    pub event: Event,
    pub method: Method,
    pub decision: Decision,
}

/// What the calendar parts of a mail come to.
pub enum Carried {
    Meetings(Vec<MailedEvent>),
    /// A task, a journal entry, free times, or a method nobody knows: the mail is one like others.
    NoMeeting,
    /// It was read, and says nothing that counts.
    Unused(&'static str),
    /// One plain sentence without content.
    Unreadable(String),
}

pub const OUTSIDE: &str = "the meeting lies outside the time that is read";
pub const NOT_THEIRS: &str = "it was not sent by the organizer's side, nor by somebody who answers";
const LOST: &str = "the invitation cannot be read: its calendar part is empty or too large";
const NO_CALENDAR: &str = "the invitation cannot be read: its calendar part is no calendar";
const NO_EVENT: &str = "the invitation cannot be read: its calendar part holds no event";

/// The strongest of what its calendar parts say: a meeting, something unreadable, something unused, nothing.
pub fn read(message: &Message, c: &Connection, known: &Known) -> Carried {
    if signs::lost_calendar(message) {
        return Carried::Unreadable(LOST.to_owned());
    }
    let mut all: Vec<MailedEvent> = Vec::new();
    let (mut unreadable, mut unused) = (None, None);
    for part in message.calendars.iter().filter(|part| signs::schedules(&part.text)) {
        let calendar = ical::read(part.text.as_bytes(), c.zone, &c.window());
        let bare = calendar.series.is_empty();
        match calendar.method {
            _ if !calendar.valid => unreadable = unreadable.or_else(|| Some(NO_CALENDAR.to_owned())),
            None | Some(Method::Publish) => {}
            Some(method) => {
                if let Some(refusal) = calendar.refused.first() {
                    unreadable = unreadable.or_else(|| Some(format!("the invitation cannot be read: {}", refusal.why)));
                } else if bare && !speaks_of_else(&part.text) {
                    unreadable = unreadable.or_else(|| Some(NO_EVENT.to_owned()));
                }
                let before = all.len();
                let events: Vec<Event> = calendar.series.into_iter().flat_map(|s| s.events).collect();
                let outside = !bare && events.is_empty();
                let found = !events.is_empty();
                take(&mut all, events, method, message, c, known);
                if outside {
                    unused = unused.or(Some(OUTSIDE));
                } else if found && all.len() == before {
                    unused = unused.or(Some(NOT_THEIRS));
                }
            }
        }
    }
    match (all.is_empty(), unreadable, unused) {
        (false, _, _) => Carried::Meetings(all),
        (true, Some(why), _) => Carried::Unreadable(why),
        (true, None, Some(why)) => Carried::Unused(why),
        (true, None, None) => Carried::NoMeeting,
    }
}

fn take(
    all: &mut Vec<MailedEvent>,
    events: Vec<Event>,
    method: Method,
    message: &Message,
    c: &Connection,
    known: &Known,
) {
    for mut event in events {
        // the same invitation usually stands twice in a mail
        let known_already = |e: &MailedEvent| e.event.uid == event.uid && e.event.recurrence_id == event.recurrence_id;
        if all.iter().any(known_already) || !speaks_for(message, &mut event, method, known) {
            continue;
        }
        let decision = capture::decide_event(&event, &c.policy, &known.directory);
        all.push(MailedEvent { event, method, decision });
    }
}

/// A calendar without events may hold tasks, journal entries or free times (RFC 5545 section 3.6).
fn speaks_of_else(text: &str) -> bool {
    const OTHERS: [&str; 5] = ["VTODO", "VJOURNAL", "VFREEBUSY", "VAVAILABILITY", "VPOLL"];
    text.lines().filter_map(|l| l.trim().split_once(':')).any(|(name, value)| {
        name.eq_ignore_ascii_case("BEGIN") && OTHERS.iter().any(|o| value.trim().eq_ignore_ascii_case(o))
    })
}

/// Headers can be forged: only the organizer's side invites, moves and calls off (the same address, or the same company's
/// domain: assistants and calendar servers send for others), and a reply sets only its sender's answer.
fn speaks_for(message: &Message, event: &mut Event, method: Method, known: &Known) -> bool {
    let dir = &known.directory;
    let fold = |m: &Mailbox| address::fold(&m.address, &dir.ours.subaddress);
    let senders: Vec<String> = message.from.first().into_iter().chain(&message.sender).filter_map(fold).collect();
    if matches!(method, Method::Reply | Method::Counter | Method::Refresh) {
        event.attendees.retain(|a| fold(&a.mailbox).is_some_and(|a| senders.contains(&a)));
        return !event.attendees.is_empty();
    }
    let company = |a: &str| {
        let domain = address::registrable(address::domain(a)?);
        address::usable_domain(domain, &dir.ours.free_mail).then(|| domain.to_owned())
    };
    let same_side = |a: &String, b: &String| {
        a == b || company(a).is_some() && company(a) == company(b) || dir.is_ours(a) && dir.is_ours(b)
    };
    event.organizer.iter().filter_map(fold).any(|o| senders.iter().any(|s| same_side(&o, s)))
}
