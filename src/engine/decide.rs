//! Changes of a batch -> decided items, still unwritten. Thin: the decisions are `domain::capture`'s. A panic in one of them
//! costs its item alone.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use dealtrail_sdk::{
    Change, FolderRole, alone,
    record::{Event, Mailbox, Message, Record},
};

pub use super::invitation::MailedEvent;
use super::{
    Connection, Known,
    invitation::{self, Carried},
    progress::Outcomes,
};
use crate::domain::{
    address, away,
    capture::{self, Captured, Decision, SkipReason},
    signs,
    working::WorkCalendar,
};
use crate::store::items;

/// One mail with its decision.
pub struct Mail {
    pub key: String,
    pub resource: String,
    pub version: Option<String>,
    pub message: Box<Message>,
    /// The moment it counts for.
    pub at: DateTime<Utc>,
    pub decision: Decision,
    /// It is an invitation that cannot be read.
    pub unreadable: Option<String>,
    /// Folded addresses of From and Sender.
    pub senders: Vec<String>,
    /// The meetings it invites to, answers or calls off.
    pub events: Vec<MailedEvent>,
}

impl Mail {
    fn new(key: String, resource: String, version: Option<String>, message: Box<Message>, at: DateTime<Utc>) -> Self {
        let decision = Decision::Waiting(Vec::new());
        let (senders, events, unreadable) = (Vec::new(), Vec::new(), None);
        Self { key, resource, version, message, at, decision, unreadable, senders, events }
    }
}

/// One instance of an event in a calendar.
pub struct Entry {
    pub key: String,
    pub resource: String,
    pub version: Option<String>,
    pub event: Box<Event>,
    pub decision: Decision,
}

/// A batch, sorted by what it holds.
#[derive(Default)]
pub struct Sorted {
    pub mails: Vec<Mail>,
    pub entries: Vec<Entry>,
    pub records: Vec<(String, String, Option<String>, Record)>,
    pub removed: Vec<String>,
    /// (resource, version, why)
    pub unreadable: Vec<(String, Option<String>, String)>,
    /// Resources whose whole content is in this batch.
    pub upserted: Vec<String>,
}

impl Sorted {
    pub fn outcomes(&self) -> Outcomes {
        let mut all = Outcomes { unreadable: self.unreadable.len() as u64, ..Outcomes::default() };
        let mails = self.mails.iter().map(|m| &m.decision);
        for decision in mails.chain(self.entries.iter().map(|e| &e.decision)) {
            match decision {
                Decision::Captured(_) => all.captured += 1,
                Decision::Waiting(_) => all.waiting += 1,
                Decision::Skipped { .. } => all.skipped += 1,
            }
        }
        all
    }
}

pub fn sort(
    changes: Vec<Change>,
    role: Option<FolderRole>,
    c: &Connection,
    known: &Known,
    now: DateTime<Utc>,
) -> Sorted {
    let mut sorted = Sorted::default();
    for change in changes {
        match change {
            Change::Remove { resource } => sorted.removed.push(resource),
            Change::Unreadable { resource, version, why } => sorted.unreadable.push((resource, version, why)),
            Change::Upsert { resource, version, items } => {
                for item in items {
                    let (resource, version) = (resource.clone(), version.clone());
                    match item.record {
                        Record::Mail(message) => {
                            let at = capture::occurred_at(&message, None, now);
                            let mut mail = Mail::new(item.key, resource, version, message, at);
                            judge(&mut mail, role, c, known);
                            sorted.mails.push(mail);
                        }
                        Record::Event(event) => match decide_event(&event, c, known) {
                            Some(decision) => {
                                sorted.entries.push(Entry { key: item.key, resource, version, event, decision });
                            }
                            None => sorted.unreadable.push((resource, version, alone::WHY.to_owned())),
                        },
                        record => sorted.records.push((item.key, resource, version, record)),
                    }
                }
                sorted.upserted.push(resource);
            }
        }
    }
    sorted
}

/// Decides every mail and event of a batch anew, after the directory changed.
pub fn again(sorted: &mut Sorted, role: Option<FolderRole>, c: &Connection, known: &Known) {
    for mail in &mut sorted.mails {
        judge(mail, role, c, known);
    }
    for entry in &mut sorted.entries {
        if let Some(decision) = decide_event(&entry.event, c, known) {
            entry.decision = decision;
        }
    }
}

/// A time that had to be guessed is guessed once: what was decided before stands.
pub fn keep_times(
    sorted: &mut Sorted,
    before: &HashMap<String, items::Known>,
    role: Option<FolderRole>,
    c: &Connection,
    known: &Known,
    now: DateTime<Utc>,
) {
    for mail in &mut sorted.mails {
        let keys = before.get(&mail.resource).map_or(&[][..], |k| &k.keys);
        let kept = keys.iter().find(|k| k.0 == mail.key).and_then(|k| k.1);
        let at = capture::occurred_at(&mail.message, kept, now);
        if at != mail.at {
            mail.at = at;
            judge(mail, role, c, known);
        }
    }
}

/// Puts the mails that turned out to be unreadable to the unreadable ones.
pub fn set_aside(sorted: &mut Sorted) {
    let (bad, good): (Vec<Mail>, Vec<Mail>) =
        std::mem::take(&mut sorted.mails).into_iter().partition(|m| m.unreadable.is_some());
    sorted.mails = good;
    let names: BTreeSet<&str> = bad.iter().map(|m| m.resource.as_str()).collect();
    sorted.upserted.retain(|r| !names.contains(r.as_str()));
    let bad = bad.into_iter().filter_map(|m| Some((m.resource, m.version, m.unreadable?)));
    sorted.unreadable.extend(bad);
}

/// `None`: the decision panicked.
fn decide_event(event: &Event, c: &Connection, known: &Known) -> Option<Decision> {
    let title = event.summary.as_deref().unwrap_or_default();
    alone::alone(title.as_bytes(), || capture::decide_event(event, &c.policy, &known.directory))
}

fn judge(mail: &mut Mail, role: Option<FolderRole>, c: &Connection, known: &Known) {
    let subject = mail.message.subject.clone().unwrap_or_default();
    if alone::alone(subject.as_bytes(), || judge_alone(mail, role, c, known)).is_none() {
        (mail.decision, mail.events) = (Decision::Waiting(Vec::new()), Vec::new());
        mail.unreadable = Some(alone::WHY.to_owned());
    }
}

fn judge_alone(mail: &mut Mail, role: Option<FolderRole>, c: &Connection, known: &Known) {
    let message = &mail.message;
    let dir = &known.directory;
    let decide = |invites| capture::decide_mail(message, invites, role, &c.policy, dir, mail.at);
    let carries = signs::carries_meeting(message);
    mail.decision = decide(carries && !signs::has_message_of_its_own(message));
    mail.unreadable = None;
    mail.events = Vec::new();
    let invites = matches!(mail.decision, Decision::Skipped { reason: SkipReason::Calendar, .. });
    let wanted = invites || matches!(mail.decision, Decision::Captured(_) | Decision::Waiting(_));
    if carries && wanted {
        match invitation::read(message, c, known) {
            Carried::Meetings(events) => mail.events = events,
            // beside a message of its own the calendar is one attachment more
            _ if !invites => {}
            Carried::NoMeeting => mail.decision = decide(false),
            Carried::Unreadable(why) => mail.unreadable = Some(why),
            Carried::Unused(why) => {
                mail.decision = Decision::Skipped { reason: SkipReason::Calendar, detail: Some(why.to_owned()) };
            }
        }
    }
    let fold = |m: &Mailbox| address::fold(&m.address, &dir.ours.subaddress);
    mail.senders = message.from.iter().chain(&message.sender).filter_map(fold).collect();
}

/// What a waiting item can be found by: its outsiders' addresses, their domains and parents.
pub fn traces(outsiders: &[String]) -> Vec<String> {
    let mut all = Vec::new();
    for a in outsiders {
        all.push(format!("a:{a}"));
        if let Some(domain) = address::domain(a) {
            all.extend(address::with_parents(domain).iter().map(|d| format!("d:{d}")));
        }
    }
    all.sort_unstable();
    all.dedup();
    all
}

/// Outsiders nobody knows yet, of a decision or of the events it carries.
pub fn waiting_for(mail: &Mail) -> Vec<String> {
    let own = match &mail.decision {
        Decision::Waiting(outsiders) => outsiders.clone(),
        _ => Vec::new(),
    };
    let events = mail.events.iter().filter_map(|e| match &e.decision {
        Decision::Waiting(outsiders) => Some(outsiders.clone()),
        _ => None,
    });
    own.into_iter().chain(events.flatten()).chain(could_be_known(mail)).collect()
}

/// Whom the CRM would have to know for this mail to be captured after all: the company behind an automatic document, the
/// person and the company behind list mail.
fn could_be_known(mail: &Mail) -> Vec<String> {
    let Decision::Skipped { reason, .. } = &mail.decision else { return Vec::new() };
    let mut all: Vec<String> = match reason {
        SkipReason::Automatic | SkipReason::Bulk => {
            mail.message.from.iter().map(|m| m.address.to_lowercase()).collect()
        }
        _ => return Vec::new(),
    };
    if *reason == SkipReason::Bulk {
        all.extend(signs::list_domain(&mail.message).map(|d| format!("list@{d}")));
    }
    all
}

/// The folded addresses that the bounces among these mails name, each with the bounce's time.
pub fn dead_addresses(mails: &[Mail], known: &Known) -> Vec<(String, DateTime<Utc>)> {
    let bounces = mails.iter().filter(|m| matches!(m.decision, Decision::Skipped { reason: SkipReason::Bounce, .. }));
    let fold = |a: String| address::fold(&a, &known.directory.ours.subaddress);
    bounces
        .flat_map(|m| {
            signs::failed_recipients(&m.message).into_iter().filter_map(fold).map(|a| (a, m.at)).collect::<Vec<_>>()
        })
        .collect()
}

/// The folded addresses from outside whose out-of-office replies are among these mails: when each was sent, and until when
/// it says that they are away (exclusive). A reply that states no end says nothing.
pub fn away(mails: &[Mail], known: &Known, calendar: &WorkCalendar) -> Vec<(String, DateTime<Utc>, DateTime<Utc>)> {
    let skipped = |m: &&Mail| matches!(m.decision, Decision::Skipped { reason: SkipReason::Automatic, .. });
    let one = |m: &Mail| {
        let until = away::until(m.message.subject.as_deref()?, calendar.date(m.at))?;
        let from = m.senders.first().filter(|a| !known.directory.is_ours(a))?;
        Some((from.clone(), m.at, calendar.end_of(until)))
    };
    mails.iter().filter(skipped).filter_map(one).collect()
}

pub fn captured(decision: &Decision) -> Option<&Captured> {
    match decision {
        Decision::Captured(c) => Some(c),
        _ => None,
    }
}
