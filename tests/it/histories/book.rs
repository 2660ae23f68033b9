//! The little world that a history plays in, as files on disk: mailboxes, calendars, the CRM's export, the configuration. It does
//! what acts say and knows nothing of what the program makes of it.

mod diary;
mod export;
mod letters;

use std::{
    fs,
    path::{Path, PathBuf},
};

use chrono::{DateTime, Duration, Utc};

use super::acts::Act;

const REPS: [&str; 2] = ["ana@acme.example", "bob@acme.example"];
/// Contacts first, in the order of [`Book::contacts`]; then somebody of the buyer's whom the CRM does not know, and a partner.
const THEM: [&str; 6] = [
    "eve@buyer.example",
    "tom@buyer.example",
    "zoe@other.example",
    "max@third.example",
    "pat@buyer.example",
    "kim@reseller.example",
];
const COMPANIES: [Option<&str>; 3] = [Some("C1"), Some("C2"), None];
const STAGES: [&str; 6] = ["s1", "s2", "s3", "s4", "won", "lost"];

struct Mail {
    id: String,
    files: Vec<PathBuf>,
    subject: String,
}

struct Meeting {
    start: DateTime<Utc>,
    weekly: bool,
    organizer: &'static str,
    attendees: Vec<(&'static str, &'static str)>,
    cancelled: bool,
    sequence: u32,
    calendars: Vec<&'static str>,
    written: DateTime<Utc>,
}

struct Contact {
    there: bool,
    merged: Option<usize>,
    address: bool,
    company: Option<&'static str>,
    name: String,
}

struct Deal {
    there: bool,
    company: &'static str,
    people: Vec<usize>,
    owner: usize,
    stage: usize,
    amount: i64,
    close: DateTime<Utc>,
    commit: bool,
}

pub struct Book {
    dir: PathBuf,
    database: String,
    pub now: DateTime<Utc>,
    mails: Vec<Mail>,
    meetings: Vec<Meeting>,
    contacts: Vec<Contact>,
    deals: Vec<Deal>,
    moves: Vec<String>,
    changes: Vec<String>,
    typed: Vec<Option<String>>,
    tasks: Vec<(String, Option<DateTime<Utc>>)>,
    excludes: bool,
    sketches: bool,
    quiet: usize,
    files: usize,
}

pub fn start() -> DateTime<Utc> {
    "2026-03-02T08:00:00Z".parse().expect("a time")
}

fn text(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn stamp(at: DateTime<Utc>) -> String {
    at.format("%Y%m%dT%H%M%SZ").to_string()
}

fn pick<T>(list: &[T], n: usize) -> Option<(usize, &T)> {
    let at = n.checked_rem(list.len())?;
    Some((at, &list[at]))
}

impl Book {
    pub fn new(dir: &Path, database: String) -> Self {
        let deal = |company, people: &[usize], owner| Deal {
            there: true,
            company,
            people: people.to_vec(),
            owner,
            stage: 0,
            amount: 20_000,
            close: start() + Duration::days(30),
            commit: false,
        };
        let contact = |n: usize, company| {
            let name = format!("Person {n}");
            Contact { there: n < 3, merged: None, address: false, company, name }
        };
        let created = text(start() - Duration::days(20));
        let mut book = Self {
            dir: dir.to_owned(),
            database,
            now: start(),
            mails: vec![],
            meetings: vec![],
            contacts: vec![contact(0, Some("C1")), contact(1, Some("C1")), contact(2, Some("C2")), contact(3, None)],
            deals: vec![deal("C1", &[0], 0), deal("C1", &[0, 1], 0), deal("C2", &[2], 1)],
            moves: (1..=3).map(|n| format!("D{n},,s1,{created}")).collect(),
            changes: vec![],
            typed: vec![],
            tasks: vec![],
            excludes: false,
            sketches: false,
            quiet: 10,
            files: 0,
        };
        for rep in ["ana", "bob"] {
            for folder in ["", ".Sent/", ".Archive/"] {
                for sub in ["cur", "new", "tmp"] {
                    fs::create_dir_all(dir.join(format!("mail/{rep}/{folder}{sub}"))).expect("a mail folder");
                }
            }
            fs::create_dir_all(dir.join(format!("cal/{rep}"))).expect("a calendar");
        }
        fs::create_dir(dir.join("crm")).expect("the CRM's folder");
        // a file that loses half of its rows at once is read twice before that is believed: these keep it from that
        for n in 0..6 {
            let at = start() - Duration::days(30 + n);
            book.meetings.push(Meeting {
                start: at,
                weekly: false,
                organizer: REPS[0],
                attendees: vec![],
                cancelled: false,
                sequence: 0,
                calendars: vec!["ana", "bob"],
                written: at,
            });
        }
        (0..6).for_each(|n| book.write_meeting(n));
        book.write_crm();
        book.write_config();
        book
    }

    pub fn config(&self) -> PathBuf {
        self.dir.join("dealtrail.toml")
    }

    /// Does what the act says. What only the program can do (saying, choosing) is not done here.
    pub fn act(&mut self, act: Act) {
        match act {
            Act::Mail(letter) => self.mail(letter),
            Act::DropMail(n) => self.drop_mail(n),
            Act::MoveMail(n) => self.move_mail(n),
            Act::Meet { rep, who, ahead, accepted, both, theirs } => {
                let said = if accepted { "ACCEPTED" } else { "NEEDS-ACTION" };
                let (mine, them) = (REPS[rep % 2], THEM[who % THEM.len()]);
                let names = ["ana", "bob"];
                let calendars = if both { names.to_vec() } else { vec![names[rep % 2]] };
                let mut attendees = vec![(them, said), (mine, "ACCEPTED")];
                if both {
                    attendees.push((REPS[(rep + 1) % 2], "NEEDS-ACTION"));
                }
                self.meet(ahead, if theirs { them } else { mine }, attendees, calendars, false);
            }
            Act::Series { rep, who, ahead } => {
                let attendees = vec![(THEM[who % THEM.len()], "ACCEPTED"), (REPS[rep % 2], "ACCEPTED")];
                self.meet(ahead, REPS[rep % 2], attendees, vec![["ana", "bob"][rep % 2]], true);
            }
            Act::MoveMeeting { which, ahead } => {
                let start = self.now + Duration::hours(ahead);
                self.change_meeting(which, |m| m.start = start);
            }
            Act::CancelMeeting(which) => self.change_meeting(which, |m| m.cancelled = true),
            Act::Answer { which, yes } => self.change_meeting(which, |m| {
                if let Some(them) = m.attendees.first_mut() {
                    them.1 = if yes { "ACCEPTED" } else { "DECLINED" };
                }
            }),
            Act::DropMeeting(which) => {
                if let Some((n, _)) = pick(&self.meetings, which).filter(|(n, _)| *n >= 6) {
                    self.meetings[n].calendars.clear();
                    self.write_meeting(n);
                }
            }
            Act::Exclude => {
                self.excludes = !self.excludes;
                self.write_config();
            }
            Act::Documents => {
                self.sketches = !self.sketches;
                self.write_config();
            }
            Act::Threshold(n) => {
                self.quiet = 1 + n % 12;
                self.write_config();
            }
            Act::Say { .. } | Act::Choose { .. } | Act::Nothing => {}
            of_crm => {
                self.crm(of_crm);
                self.write_crm();
            }
        }
    }

    fn crm(&mut self, act: Act) {
        let now = self.now;
        let deals = self.deals.len();
        match act {
            Act::Stage { deal, to } => self.stage(deal % deals, to, true),
            // of a deal that is not there nobody sees when it moved
            Act::Unseen { deal, .. } if !self.deals[deal % deals].there => {}
            Act::Unseen { deal, to } => self.stage(deal % deals, to, false),
            Act::Field { deal, field, value } => {
                let row = self.field(deal % deals, field % 3, value);
                self.changes.extend(row);
            }
            Act::UnseenField { deal, field, value } => drop(self.field(deal % deals, field % 4, value)),
            Act::Hand { deal, to } => {
                let row = self.field(deal % deals, 3, to as i64);
                self.changes.extend(row);
            }
            Act::Role { deal, who } => {
                let (people, who) = (&mut self.deals[deal % deals].people, who % self.contacts.len());
                match people.iter().position(|p| *p == who) {
                    Some(at) => drop(people.remove(at)),
                    None => people.push(who),
                }
            }
            Act::DropDeal(n) => self.deals[n % deals].there ^= true,
            Act::Contact(n) => {
                let n = n % self.contacts.len();
                self.contacts[n].there ^= true;
            }
            Act::Address { who } => {
                let n = who % self.contacts.len();
                self.contacts[n].address ^= true;
            }
            Act::Rename(n) => {
                let n = n % self.contacts.len();
                self.contacts[n].name.push('e');
            }
            Act::Company(n) => {
                let who = n % self.contacts.len();
                self.contacts[who].company = COMPANIES[n % COMPANIES.len()];
            }
            Act::Merge { who, into } => {
                let (who, into) = (who % self.contacts.len(), into % self.contacts.len());
                let free = who != into && self.contacts[into].merged.is_none();
                let nobody = !self.contacts.iter().any(|c| c.merged == Some(who));
                self.contacts[who].merged = (free && nobody).then_some(into);
            }
            Act::Typed { kind, who, late, deal } => {
                let (n, at) = (self.typed.len(), now - Duration::hours(late));
                let kind = ["email", "meeting", "call", "note"][kind % 4];
                let deal = deal.map_or(String::new(), |d| format!("D{}", d % deals + 1));
                let who = who % self.contacts.len();
                self.typed.push(Some(format!("T{n},{kind},{},Spoke,{deal},K{},{}", text(at), who + 1, REPS[who % 2])));
            }
            Act::DropTyped(n) => {
                if let Some((n, _)) = pick(&self.typed, n) {
                    self.typed[n] = None;
                }
            }
            Act::Task { deal, who, ahead } => {
                let (n, due) = (self.tasks.len(), now + Duration::hours(ahead));
                let who = who % self.contacts.len();
                let row = format!("X{n},D{},K{},{},{}", deal % deals + 1, who + 1, REPS[deal % 2], text(due));
                self.tasks.push((row, None));
            }
            Act::DoneTask(n) => {
                if let Some((n, _)) = pick(&self.tasks, n) {
                    self.tasks[n].1.get_or_insert(now);
                }
            }
            _ => {}
        }
    }

    fn stage(&mut self, n: usize, to: usize, told: bool) {
        let to = to % STAGES.len();
        let deal = &mut self.deals[n];
        if deal.stage == to {
            return;
        }
        if told {
            self.moves.push(format!("D{},{},{},{}", n + 1, STAGES[deal.stage], STAGES[to], text(self.now)));
        }
        deal.stage = to;
    }

    /// Amount, close date, forecast category, owner: what the CRM's history would tell of the change.
    fn field(&mut self, n: usize, field: usize, value: i64) -> Option<String> {
        let deal = &mut self.deals[n];
        let word = |commit| if commit { "commit" } else { "pipeline" };
        let (name, from, to) = match field {
            0 => {
                let from = std::mem::replace(&mut deal.amount, value * 2_000);
                ("amount", from.to_string(), deal.amount.to_string())
            }
            1 => {
                let from = std::mem::replace(&mut deal.close, start() + Duration::days(value));
                ("close_date", from.date_naive().to_string(), deal.close.date_naive().to_string())
            }
            2 => {
                let from = std::mem::replace(&mut deal.commit, value % 2 == 0);
                ("forecast_category", word(from).to_owned(), word(deal.commit).to_owned())
            }
            _ => {
                let from = std::mem::replace(&mut deal.owner, usize::from(value % 2 == 1));
                ("owner", REPS[from].to_owned(), REPS[deal.owner].to_owned())
            }
        };
        (from != to).then(|| format!("D{},{name},{from},{to},{}", n + 1, text(self.now)))
    }
}
