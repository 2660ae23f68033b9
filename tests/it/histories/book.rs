//! The little world that a history plays in, as files on disk: mailboxes, calendars, the CRM's export, the configuration. It does
//! what acts say and knows nothing of what the program makes of it.

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
            Act::Mail { ours, rep, who, copy, answers, late, kind } => {
                self.mail(ours, rep % 2, who, copy, answers, late, kind);
            }
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
            Act::Unseen { deal, to } => self.stage(deal % deals, to, false),
            Act::Field { deal, field, value } => self.field(deal % deals, field, value),
            Act::Hand { deal, to } => {
                let (n, d) = (deal % deals, &mut self.deals[deal % deals]);
                let row = format!("D{},owner,{},{},{}", n + 1, REPS[d.owner], REPS[to % 2], text(now));
                d.owner = to % 2;
                self.changes.push(row);
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

    fn field(&mut self, n: usize, field: usize, value: i64) {
        let deal = &mut self.deals[n];
        let word = |commit| if commit { "commit" } else { "pipeline" };
        let (name, from, to) = match field % 3 {
            0 => {
                let from = std::mem::replace(&mut deal.amount, value * 2_000);
                ("amount", from.to_string(), deal.amount.to_string())
            }
            1 => {
                let from = std::mem::replace(&mut deal.close, start() + Duration::days(value));
                ("close_date", from.date_naive().to_string(), deal.close.date_naive().to_string())
            }
            _ => {
                let from = std::mem::replace(&mut deal.commit, value % 2 == 0);
                ("forecast_category", word(from).to_owned(), word(deal.commit).to_owned())
            }
        };
        if from != to {
            self.changes.push(format!("D{},{name},{from},{to},{}", n + 1, text(self.now)));
        }
    }

    #[expect(clippy::too_many_arguments, reason = "they are the parts of an act")]
    fn mail(&mut self, ours: bool, rep: usize, who: usize, copy: bool, answers: Option<usize>, late: i64, kind: usize) {
        let (n, at) = (self.mails.len(), self.now - Duration::hours(late) - Duration::minutes(7));
        let (rep, other, them) = (REPS[rep], REPS[1 - rep], THEM[who % THEM.len()]);
        let (from, to) = if ours { (rep, them) } else { (them, rep) };
        let first = answers.and_then(|a| pick(&self.mails, a)).map(|(_, m)| (m.id.clone(), m.subject.clone()));
        let subject = match (kind % 8, &first) {
            (5, _) if !ours => "Out of office until 15 April 2026".to_owned(),
            (6, _) => format!("About D{}", 1 + who % 3),
            (_, Some((_, subject))) => format!("Re: {}", subject.trim_start_matches("Re: ")),
            _ => format!("Matter {n}"),
        };
        let id = format!("m{n}@world.example");
        let mut head = format!("Message-ID: <{id}>\r\nFrom: {from}\r\nTo: {to}\r\n");
        if copy {
            head.push_str(&format!("Cc: {other}\r\n"));
        }
        head.push_str(&format!("Date: {}\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n", at.to_rfc2822()));
        if let Some((first, _)) = &first {
            head.push_str(&format!("In-Reply-To: <{first}>\r\nReferences: <{first}>\r\n"));
        }
        let body = match kind % 8 {
            3 | 4 => "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nHere.\r\n--b\r\n\
                  Content-Type: application/pdf; name=\"FILE\"\r\nContent-Disposition: attachment; \
                  filename=\"FILE\"\r\n\r\nx\r\n--b--\r\n"
                .replace("FILE", if kind % 8 == 3 { "sketch.pdf" } else { "quote.pdf" }),
            5 if !ours => "Auto-Submitted: auto-replied\r\nContent-Type: text/plain\r\n\r\nAway.\r\n".to_owned(),
            7 => "Content-Type: text/plain\r\n\r\nRivalsoft is cheaper.\r\n".to_owned(),
            _ => format!("Content-Type: text/plain\r\n\r\nWords about matter {n}, shall we talk?\r\n"),
        };
        let bytes = format!("{head}{body}");
        let mut boxes = vec![(rep, if ours { ".Sent/" } else { "" })];
        if copy {
            boxes.push((other, ""));
        }
        let files = boxes.into_iter().map(|(owner, folder)| {
            self.files += 1;
            let name = format!("{}.M{}P1.acme:2,S", 1_700_000_000 + self.files, self.files);
            let rep = owner.split('@').next().expect("a name");
            let path = self.dir.join(format!("mail/{rep}/{folder}cur")).join(name);
            fs::write(&path, &bytes).expect("a message");
            path
        });
        let files = files.collect();
        self.mails.push(Mail { id, files, subject });
    }

    fn drop_mail(&mut self, n: usize) {
        let Some((n, _)) = pick(&self.mails, n) else { return };
        if let Some(file) = self.mails[n].files.pop() {
            fs::remove_file(file).expect("the mail goes");
        }
    }

    fn move_mail(&mut self, n: usize) {
        let Some((n, _)) = pick(&self.mails, n) else { return };
        let Some(file) = self.mails[n].files.first_mut() else { return };
        let own = file.strip_prefix(self.dir.join("mail")).expect("a mail's place");
        let rep = own.iter().next().expect("an owner").to_str().expect("a name");
        let archive = self.dir.join(format!("mail/{rep}/.Archive/cur"));
        let to = if file.starts_with(&archive) { self.dir.join(format!("mail/{rep}/cur")) } else { archive };
        let to = to.join(file.file_name().expect("a file"));
        fs::rename(&*file, &to).expect("the mail moves");
        *file = to;
    }

    fn meet(
        &mut self,
        ahead: i64,
        organizer: &'static str,
        attendees: Vec<(&'static str, &'static str)>,
        calendars: Vec<&'static str>,
        weekly: bool,
    ) {
        let start = self.now + Duration::hours(ahead);
        let (cancelled, sequence, written) = (false, 0, self.now);
        self.meetings.push(Meeting { start, weekly, organizer, attendees, cancelled, sequence, calendars, written });
        self.write_meeting(self.meetings.len() - 1);
    }

    /// Only what is still to come changes: a held meeting is frozen, and so are the held instances of a series, of which only
    /// who saw them knows where they stood.
    fn change_meeting(&mut self, which: usize, change: impl FnOnce(&mut Meeting)) {
        let now = self.now;
        let Some((n, _)) = pick(&self.meetings, which).filter(|(_, m)| m.start > now && !m.calendars.is_empty()) else {
            return;
        };
        change(&mut self.meetings[n]);
        self.meetings[n].sequence += 1;
        self.meetings[n].written = now;
        self.write_meeting(n);
    }

    fn write_meeting(&self, n: usize) {
        let m = &self.meetings[n];
        let lines: String =
            m.attendees.iter().map(|(a, said)| format!("ATTENDEE;PARTSTAT={said}:mailto:{a}\r\n")).collect();
        let (rule, status) = (
            if m.weekly { "RRULE:FREQ=WEEKLY;COUNT=5\r\n" } else { "" },
            if m.cancelled { "CANCELLED" } else { "CONFIRMED" },
        );
        let body = format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:e{n}\r\nDTSTAMP:{}\r\nDTSTART:{}\r\nDTEND:{}\r\n\
             SEQUENCE:{}\r\nSTATUS:{status}\r\n{rule}SUMMARY:Talk {n}\r\nORGANIZER:mailto:{}\r\n{lines}END:VEVENT\r\nEND:VCALENDAR\r\n",
            stamp(m.written),
            stamp(m.start),
            stamp(m.start + Duration::hours(1)),
            m.sequence,
            m.organizer,
        );
        for rep in ["ana", "bob"] {
            let file = self.dir.join(format!("cal/{rep}/e{n}.ics"));
            if m.calendars.contains(&rep) {
                fs::write(file, &body).expect("an event");
            } else if file.exists() {
                fs::remove_file(file).expect("the event goes");
            }
        }
    }

    fn csv(&self, name: &str, head: &str, rows: Vec<String>) {
        let text = std::iter::once(head.to_owned()).chain(rows).collect::<Vec<_>>().join("\n") + "\n";
        fs::write(self.dir.join("crm").join(format!("{name}.csv")), text).expect("a CSV file");
    }

    fn write_crm(&self) {
        let created = text(start() - Duration::days(20));
        let filler = |row: fn(usize) -> String| (0..8).map(row).collect::<Vec<_>>();
        self.csv(
            "companies",
            "id,name,domains",
            vec!["C1,Buyer,buyer.example".into(), "C2,Other,other.example".into(), "C9,Filler,".into()],
        );
        let contacts = self.contacts.iter().enumerate().filter(|(_, c)| c.there).map(|(n, c)| {
            let second = if c.address { format!(";second{n}@home.example;pat@buyer.example") } else { String::new() };
            let merged = c.merged.map_or(String::new(), |m| format!("K{}", m + 1));
            let (company, name) = (c.company.unwrap_or_default(), &c.name);
            format!("K{},{name},{}{second},{company},{},{created},{merged}", n + 1, THEM[n], REPS[n % 2])
        });
        let rows =
            filler(|n| format!("F{n},Filler {n},f{n}@filler.example,C9,,,")).into_iter().chain(contacts).collect();
        self.csv("contacts", "id,name,emails,company_id,owner,created_at,merged_into", rows);
        self.csv(
            "stages",
            "id,pipeline,name,position,kind",
            [
                "s1,Sales,Lead,1,open",
                "s2,Sales,Proposal,2,open",
                "s3,Sales,Talks,3,open",
                "s4,Sales,Contract,4,open",
                "won,Sales,Won,5,won",
                "lost,Sales,Lost,6,lost",
            ]
            .map(str::to_owned)
            .to_vec(),
        );
        let deals = self.deals.iter().enumerate().filter(|(_, d)| d.there).map(|(n, d)| {
            let people: Vec<String> = d.people.iter().map(|p| format!("K{}", p + 1)).collect();
            let category = if d.commit { "commit" } else { "pipeline" };
            format!(
                "D{},Project {n},{},{},{},Sales,{},{},EUR,{},{category},{created}",
                n + 1,
                d.company,
                people.join(";"),
                REPS[d.owner],
                STAGES[d.stage],
                d.amount,
                d.close.date_naive()
            )
        });
        let head = "id,name,company_id,contact_ids,owner,pipeline,stage_id,amount,currency,close_date,forecast_category,created_at";
        let rows =
            filler(|n| format!("F{n},Old {n},C9,,ana@acme.example,Sales,lost,1,EUR,2025-01-01,pipeline,2024-01-01"));
        self.csv("deals", head, rows.into_iter().chain(deals).collect());
        let rows = filler(|n| format!("F{n},s1,lost,2025-01-01"));
        self.csv(
            "stage_changes",
            "deal_id,from_stage_id,to_stage_id,changed_at",
            rows.into_iter().chain(self.moves.clone()).collect(),
        );
        self.csv("deal_changes", "deal_id,field,from,to,changed_at", self.changes.clone());
        let rows = filler(|n| format!("TF{n},note,2024-01-0{},Old,,,ana@acme.example", n + 1));
        let typed = self.typed.iter().flatten().cloned();
        self.csv(
            "activities",
            "id,kind,occurred_at,subject,deal_id,contact_ids,owner",
            rows.into_iter().chain(typed).collect(),
        );
        let tasks = self.tasks.iter().map(|(row, done)| format!("{row},{}", done.map_or(String::new(), text)));
        self.csv("tasks", "id,deal_id,contact_id,owner,due,done_at", tasks.collect());
    }

    fn write_config(&self) {
        let quote = if self.sketches { "\"sketch\"" } else { "" };
        let exclude = if self.excludes { "\"tom@buyer.example\"" } else { "" };
        let mut text = format!(
            "[database]\nurl = \"{}\"\n[organization]\ndomains = [\"acme.example\"]\ntimezone = \"Europe/Berlin\"\n\
             [capture]\nsince = \"2025-11-01\"\nhorizon = \"2026-12-31\"\nexclude = [{exclude}]\n\
             [documents]\nquote = [{quote}]\n\
             [competitors]\nnames = [\"Rivalsoft\"]\n[[partner]]\ndomains = [\"reseller.example\"]\n\
             [gaps.gone_quiet]\nafter = \"{}wd\"\n[gaps.missing_evidence]\nstages = {{ \"Talks\" = [\"meeting_held\", \"buyer_reply\"] }}\n\
             [gaps.activity_without_deal]\nactivities = 2\n[gaps.stalled]\nfrom_won = 1\n\
             [[target]]\nmetric = \"conversations\"\nper = \"quarter\"\ngoal = 9\n[[target]]\nmetric = \"emails_sent\"\nper = \"month\"\ngoal = 9\n\
             [[quota]]\nrep = \"ana@acme.example\"\nper = \"quarter\"\namount = 9000\ncurrency = \"EUR\"\n\
             [[connection]]\nname = \"crm\"\nconnector = \"csv\"\npath = \"crm\"\n",
            self.database, self.quiet
        );
        for rep in ["ana", "bob"] {
            text.push_str(&format!(
                "[[user]]\nemail = \"{rep}@acme.example\"\n\
                 [[connection]]\nname = \"{rep}-mail\"\nconnector = \"maildir\"\nowner = \"{rep}@acme.example\"\npath = \"mail/{rep}\"\n\
                 [[connection]]\nname = \"{rep}-cal\"\nconnector = \"ics\"\nowner = \"{rep}@acme.example\"\npath = \"cal/{rep}\"\n"
            ));
        }
        fs::write(self.config(), text).expect("the configuration");
    }
}
