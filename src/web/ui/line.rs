//! An activity in one line: when, what, with whom, about what. Shared by every page that lists activities.

use crate::{
    config::Level,
    domain::{
        activity::{Activity, Direction, Entity, Kind, Origin, Participant, Role, Status},
        directory::Directory,
    },
    store::activities::Stored,
    web::words::{Here, When, clean, list, seg},
};

#[derive(Clone, Debug)]
pub struct Line {
    pub when: When,
    /// `in`, `out`, `met`, `call`, `note`: how it is drawn.
    pub kind: &'static str,
    /// "mail from", "meeting with".
    pub what: String,
    pub who: String,
    /// Nothing when it is not to be shown.
    pub subject: Option<String>,
    pub url: String,
    /// "unconfirmed", "waits for its deal".
    pub notes: Vec<&'static str>,
}

impl Line {
    pub fn new(stored: &Stored, level: Level, directory: &Directory, here: &Here) -> Self {
        let a = &stored.activity;
        let status = a.status_at(here.now);
        Self {
            when: moment(stored, here),
            kind: kind(a),
            what: what(a, status),
            who: who(a, directory),
            subject: subject(stored, level),
            url: format!("/activity/{}", seg(&a.id)),
            notes: notes(a, status),
        }
    }

    /// The whole of it as plain text.
    pub fn text(&self) -> String {
        let about = self.subject.as_ref().map_or(String::new(), |s| format!(": {s}"));
        format!("{} {} {}{about}", self.when.short, self.what, self.who)
    }
}

/// All-day things stand at midnight UTC of their date.
pub fn moment(stored: &Stored, here: &Here) -> When {
    let at = stored.activity.occurred_at;
    if stored.all_day { here.day(at.date_naive()) } else { here.when(at) }
}

pub fn subject(stored: &Stored, level: Level) -> Option<String> {
    stored.subject.as_deref().filter(|_| level >= Level::Subject).map(clean).filter(|s| !s.is_empty())
}

pub fn kind(a: &Activity) -> &'static str {
    match (a.kind, a.direction) {
        (Kind::Email, Some(Direction::Inbound)) => "in",
        (Kind::Email, _) => "out",
        (Kind::Meeting, _) => "met",
        (Kind::Call, _) => "call",
        (Kind::Note, _) => "note",
    }
}

fn what(a: &Activity, status: Status) -> String {
    let meeting = match status {
        Status::Planned => "meeting planned with",
        Status::Cancelled => "meeting cancelled with",
        Status::Declined => "meeting declined by",
        Status::Done | Status::Held => "meeting with",
    };
    match (a.kind, a.direction) {
        (Kind::Email, Some(Direction::Inbound)) => "mail from",
        (Kind::Email, _) => "mail to",
        (Kind::Meeting, _) => meeting,
        (Kind::Call, _) => "call with",
        (Kind::Note, _) => "note on",
    }
    .to_owned()
}

/// The outsiders who matter: the writer of a mail from outside, else everybody outside; the contact's name wins.
fn who(a: &Activity, directory: &Directory) -> String {
    let inward = a.direction == Some(Direction::Inbound);
    let outside =
        |p: &&Participant| p.user.is_none() && p.takes_part() && p.role != Role::Bcc && !directory.is_ours(&p.address);
    let named = |p: &Participant| {
        let contact = p.contact.as_ref().and_then(|id| directory.contacts.get(id)).and_then(|c| c.name.clone());
        clean(contact.as_deref().or(p.name.as_deref()).unwrap_or(&p.address))
    };
    let mut names: Vec<String> = if inward {
        a.participants.iter().filter(|p| p.role == Role::From).map(named).collect()
    } else {
        a.participants.iter().filter(outside).map(named).collect()
    };
    names.dedup();
    if names.is_empty() {
        let contacts = a.ids(Entity::Contact).filter_map(|id| directory.contacts.get(id));
        names = contacts.filter_map(|c| c.name.as_deref()).map(clean).collect();
    }
    match names.len() {
        0 => "somebody".to_owned(),
        1 | 2 => list(&names),
        more => format!("{} and {} others", names[0], more - 1),
    }
}

fn notes(a: &Activity, status: Status) -> Vec<&'static str> {
    let mut notes = Vec::new();
    if a.origin == Origin::Typed {
        notes.push("typed by hand");
    }
    if a.confirmed == Some(false) && matches!(status, Status::Held | Status::Done) {
        notes.push("unconfirmed");
    }
    if a.automatic {
        notes.push("sent by a machine");
    }
    if !a.undecided.is_empty() {
        notes.push("waits for its deal");
    }
    notes
}
