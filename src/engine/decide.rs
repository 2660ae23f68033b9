//! Changes of a batch -> decided items, still unwritten. Thin: the decisions are `domain::capture`'s.

use chrono::{DateTime, Utc};
use dealtrail_sdk::{
    Change, FolderRole, ical,
    record::{Event, Mailbox, Message, Method, Record},
};

use super::{Connection, Known};
use crate::domain::{
    address,
    capture::{self, Captured, Decision, SkipReason},
    signs,
};

/// One mail with its decision.
pub struct Mail {
    pub key: String,
    pub resource: String,
    pub version: Option<String>,
    pub message: Box<Message>,
    pub decision: Decision,
    /// Folded addresses of From and Sender.
    pub senders: Vec<String>,
    /// The meetings it invites to, answers or calls off.
    pub events: Vec<MailedEvent>,
}

impl Mail {
    fn new(key: String, resource: String, version: Option<String>, message: Box<Message>) -> Self {
        let decision = Decision::Waiting(Vec::new());
        Self { key, resource, version, message, decision, senders: Vec::new(), events: Vec::new() }
    }
}

pub struct MailedEvent {
    pub event: Event,
    pub method: Method,
    pub decision: Decision,
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
                            let mut mail = Mail::new(item.key, resource, version, message);
                            judge(&mut mail, role, c, known, now);
                            sorted.mails.push(mail);
                        }
                        Record::Event(event) => {
                            let decision = capture::decide_event(&event, &c.policy, &known.directory);
                            sorted.entries.push(Entry { key: item.key, resource, version, event, decision });
                        }
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
pub fn again(sorted: &mut Sorted, role: Option<FolderRole>, c: &Connection, known: &Known, now: DateTime<Utc>) {
    for mail in &mut sorted.mails {
        judge(mail, role, c, known, now);
    }
    for entry in &mut sorted.entries {
        entry.decision = capture::decide_event(&entry.event, &c.policy, &known.directory);
    }
}

fn judge(mail: &mut Mail, role: Option<FolderRole>, c: &Connection, known: &Known, now: DateTime<Utc>) {
    let message = &mail.message;
    mail.decision = capture::decide_mail(message, role, &c.policy, &known.directory, now);
    let meeting = match &mail.decision {
        Decision::Skipped { reason, .. } => *reason == SkipReason::Calendar,
        Decision::Captured(_) | Decision::Waiting(_) => signs::carries_meeting(message),
    };
    let fold = |m: &Mailbox| address::fold(&m.address, &known.directory.ours.subaddress);
    mail.senders = message.from.iter().chain(&message.sender).filter_map(fold).collect();
    mail.events = if meeting { mailed_events(message, c, known) } else { Vec::new() };
}

fn mailed_events(message: &Message, c: &Connection, known: &Known) -> Vec<MailedEvent> {
    let zone = c.zone;
    let mut all: Vec<MailedEvent> = Vec::new();
    for part in &message.calendars {
        let calendar = ical::read(part.text.as_bytes(), zone, &c.window());
        let Some(method) = calendar.method.filter(|m| *m != Method::Publish) else { continue };
        for mut event in calendar.series.into_iter().flat_map(|s| s.events) {
            // the same invitation usually stands twice in a mail
            let known_already =
                |e: &MailedEvent| e.event.uid == event.uid && e.event.recurrence_id == event.recurrence_id;
            if all.iter().any(known_already) || !speaks_for(message, &mut event, method, known) {
                continue;
            }
            let decision = capture::decide_event(&event, &c.policy, &known.directory);
            all.push(MailedEvent { event, method, decision });
        }
    }
    all
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
pub fn dead_addresses(mails: &[Mail], known: &Known, now: DateTime<Utc>) -> Vec<(String, DateTime<Utc>)> {
    let bounces = mails.iter().filter(|m| matches!(m.decision, Decision::Skipped { reason: SkipReason::Bounce, .. }));
    let fold = |a: String| address::fold(&a, &known.directory.ours.subaddress);
    bounces
        .flat_map(|m| {
            signs::failed_recipients(&m.message)
                .into_iter()
                .filter_map(fold)
                .map(|a| (a, capture::occurred_at(&m.message, now)))
                .collect::<Vec<_>>()
        })
        .collect()
}

pub fn captured(decision: &Decision) -> Option<&Captured> {
    match decision {
        Decision::Captured(c) => Some(c),
        _ => None,
    }
}
