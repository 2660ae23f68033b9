//! Mail on the desk: drafts, the copies they leave in mailboxes, and the truth of each.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Utc};

use super::{
    Copy, Decision, Flags, Mail, Outcome, World,
    build::{Builder, Person, Who, identity, outsiders, parties},
    mail::{self, Body, Coding, Letter, Mailbox, Variant},
    text,
    truth::{Activity, DealChoice, Kind, Status, Weight},
};

#[derive(Clone, Debug)]
pub enum Id {
    Own,
    None,
    Same(String),
}

/// What must become of a message.
#[derive(Clone, Debug)]
pub enum Fate {
    Captured(DealChoice),
    Skipped(&'static str),
    Waiting,
    /// It lies where nothing is read.
    Unread,
}

/// A message as a scene describes it.
#[derive(Clone, Debug)]
pub struct Draft {
    pub from: Person,
    pub to: Vec<Person>,
    pub cc: Vec<Person>,
    pub bcc: Vec<Person>,
    pub at: DateTime<Utc>,
    pub subject: String,
    pub text: String,
    pub coding: Coding,
    pub id: Id,
    pub reply_to: Option<usize>,
    pub headers: Vec<(&'static str, String)>,
    pub body: Body,
    pub flags: Flags,
    pub tags: Vec<&'static str>,
    pub return_path: Option<String>,
    /// (owner, folder, flags) of each copy, where the usual ones will not do.
    pub copies: Option<Vec<(usize, &'static str, Flags)>>,
    /// Seconds that the Date of the second copy lies later.
    pub second_later: i64,
    /// The second copy lists its recipients the other way round.
    pub second_reversed: bool,
    /// It answers a mail that nobody has, itself an answer to `reply_to`.
    pub missing_link: bool,
    pub without_date: bool,
}

impl Builder {
    /// A short mail from an outsider to a rep.
    pub fn inbound(&mut self, from: &Person, rep: usize, at: DateTime<Utc>, fate: &Fate) -> usize {
        let to = self.user(rep);
        let draft = self.draft(from, &[&to], at);
        self.send(&draft, fate)
    }

    /// A short mail from a rep to an outsider.
    pub fn outbound(&mut self, rep: usize, to: &Person, at: DateTime<Utc>, fate: &Fate) -> usize {
        let from = self.user(rep);
        let draft = self.draft(&from, &[to], at);
        self.send(&draft, fate)
    }

    /// An answer from `from` to `to` some hours after the mail it answers.
    pub fn answer(&mut self, mail: usize, from: &Person, to: &[&Person], fate: &Fate) -> usize {
        let minutes = self.rng.between(40, 900);
        let at = self.world.mails[mail].date + Duration::minutes(minutes);
        let mut draft = self.draft(from, to, at);
        draft.reply_to = Some(mail);
        self.send(&draft, fate)
    }

    pub fn draft(&mut self, from: &Person, to: &[&Person], at: DateTime<Utc>) -> Draft {
        let text = text::sentences(&mut self.rng);
        Draft {
            from: from.clone(),
            to: to.iter().map(|p| (*p).clone()).collect(),
            cc: Vec::new(),
            bcc: Vec::new(),
            at,
            subject: text::subject(&mut self.rng).into(),
            text,
            coding: Coding::Plain,
            id: Id::Own,
            reply_to: None,
            headers: Vec::new(),
            body: if self.rng.chance(30) { Body::Both } else { Body::Text },
            flags: Flags { seen: self.rng.chance(50), ..Flags::default() },
            tags: Vec::new(),
            return_path: None,
            copies: None,
            second_later: 0,
            second_reversed: false,
            missing_link: false,
            without_date: false,
        }
    }

    /// Sends it: writes all copies and the truth. Returns its index in `mails`.
    pub fn send(&mut self, draft: &Draft, fate: &Fate) -> usize {
        let ix = self.world.mails.len();
        let token = format!("w{:06x}n{ix}", self.rng.next() & 0xff_ffff);
        let message_id = match &draft.id {
            Id::Own => Some(format!("{token}@mailer.example")),
            Id::None => None,
            Id::Same(id) => Some(id.clone()),
        };
        let subject = draft.reply_to.map_or_else(|| draft.subject.clone(), |m| reply(&self.world.mails[m].subject));
        let activity = match fate {
            Fate::Captured(deal) => Some(self.email(draft, message_id.clone(), &subject, deal)),
            _ => None,
        };
        let mut references = draft.reply_to.map_or_else(Vec::new, |m| self.references(m));
        if draft.missing_link {
            references.push(format!("never.seen.{ix}@elsewhere.example"));
        }
        self.world.mails.push(Mail {
            token: token.clone(),
            message_id: message_id.clone(),
            date: draft.at,
            activity,
            subject: subject.clone(),
            references: references.clone(),
            scene: self.scene,
        });
        let boxed = |p: &Person| Mailbox { name: p.name.clone(), address: p.address.clone() };
        let letter = Letter {
            from: boxed(&draft.from),
            to: draft.to.iter().map(boxed).collect(),
            cc: draft.cc.iter().map(boxed).collect(),
            bcc: draft.bcc.iter().map(boxed).collect(),
            date: (!draft.without_date).then_some(draft.at),
            subject,
            text: draft.text.clone(),
            coding: draft.coding,
            message_id,
            references,
            headers: draft.headers.clone(),
            body: draft.body.clone(),
            token,
        };
        self.copies(draft, &letter, ix, fate, activity);
        ix
    }

    fn references(&self, mail: usize) -> Vec<String> {
        let before = &self.world.mails[mail];
        let mut all = before.references.clone();
        all.extend(before.message_id.clone());
        all
    }

    fn copies(&mut self, draft: &Draft, letter: &Letter, mail: usize, fate: &Fate, activity: Option<usize>) {
        let places = draft.copies.clone().unwrap_or_else(|| self.usual_copies(draft));
        assert!(!places.is_empty(), "a message of the world lies in no mailbox");
        let truth = match fate {
            Fate::Captured(_) => Some(Decision { outcome: Outcome::Captured, reason: None, activity }),
            Fate::Skipped(reason) => Some(Decision { outcome: Outcome::Skipped, reason: Some(reason), activity: None }),
            Fate::Waiting => {
                Some(Decision { outcome: Outcome::Waiting, reason: Some("unknown_party"), activity: None })
            }
            Fate::Unread => None,
        };
        for (n, (owner, folder, flags)) in places.into_iter().enumerate() {
            let sent = folder == "Sent";
            let variant = Variant {
                with_bcc: sent,
                reverse_to: n == 1 && draft.second_reversed,
                later: if n == 1 { draft.second_later } else { 0 },
                through: (!sent).then_some(["mx1.nordwind.example", "mx2.nordwind.example"][n % 2]),
                return_path: if sent { None } else { draft.return_path.clone() },
            };
            let bytes = mail::write(letter, &variant);
            let received = draft.at + Duration::seconds(if sent { 0 } else { 2 + variant.later });
            self.world.copies.push(Copy { owner, folder, flags, received, bytes, mail, truth: truth.clone() });
        }
    }

    /// Sent of the rep who wrote it, and the inbox (or a folder of their own) of each user it went to.
    fn usual_copies(&mut self, draft: &Draft) -> Vec<(usize, &'static str, Flags)> {
        let mut list = Vec::new();
        let has_box = |w: &World, p: &Person| match p.who {
            Who::User(ix) if w.users[ix].mailbox => Some(ix),
            _ => None,
        };
        if let Some(ix) = has_box(&self.world, &draft.from) {
            list.push((ix, "Sent", Flags { seen: true, ..draft.flags }));
        }
        for p in draft.to.iter().chain(&draft.cc) {
            if let Some(ix) = has_box(&self.world, p) {
                let folder = *self.rng.pick(&["INBOX", "INBOX", "INBOX", "Archive", "Verträge"]);
                list.push((ix, folder, draft.flags));
            }
        }
        list
    }

    fn email(&mut self, draft: &Draft, message_id: Option<String>, subject: &str, deal: &DealChoice) -> usize {
        let everyone = || std::iter::once(&draft.from).chain(&draft.to).chain(&draft.cc).chain(&draft.bcc);
        let (contacts, companies) = parties(everyone());
        let inbound = !draft.from.is_ours();
        let partner = matches!(draft.from.who, Who::Partner { .. });
        self.world.activities.push(Activity {
            kind: Kind::Email,
            status: Status::Done,
            confirmed: None,
            direction: Some(if inbound { "inbound" } else { "outbound" }),
            at: draft.at,
            at_latest: draft.at + Duration::seconds(if draft.without_date { 2 } else { draft.second_later }),
            end: None,
            all_day: false,
            subject: Some(subject.to_owned()),
            message_id,
            uid: None,
            recurrence_id: None,
            contacts,
            companies,
            author: if inbound { identity(&draft.from) } else { None },
            people: if inbound {
                outsiders(everyone().filter(|p| !p.is_ours()))
            } else {
                outsiders(draft.to.iter().chain(&draft.cc).chain(&draft.bcc))
            },
            partner: everyone().any(|p| matches!(p.who, Who::Partner { .. })),
            closing: text::is_closing(&draft.text),
            deal: deal.clone(),
            tags: draft.tags.clone(),
            typed: Vec::new(),
            calendars: BTreeSet::new(),
            weight: if inbound && !partner { Weight::Evidence } else { Weight::OneSided },
            typed_only: false,
            scene: self.scene,
        });
        self.world.activities.len() - 1
    }
}

/// `Re: ` in front, once.
fn reply(subject: &str) -> String {
    if subject.starts_with("Re: ") { subject.to_owned() } else { format!("Re: {subject}") }
}

/// Decided by a rule for one of these reasons.
pub fn decided(deal: &str, reasons: &[&'static str]) -> Fate {
    Fate::Captured(DealChoice::Decided { deal: deal.into(), reasons: reasons.to_vec() })
}

pub fn undecided(deals: &[&str]) -> Fate {
    Fate::Captured(DealChoice::Undecided(deals.iter().map(ToString::to_string).collect()))
}
