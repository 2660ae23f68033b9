//! A company of any size, written straight into the database: the same numbers give the same company, whatever the machine. Its
//! days lie before now.

use std::{fs, path::Path};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use dealtrail::{
    args,
    domain::activity::{
        Activity, Direction, Entity, Kind, Match, Origin, Participant, Reason, Role, Status, TextState,
    },
    store::{
        Arg, Store, activities,
        activities::Stored,
        directory::{self, Row},
        sightings::{self, Sighting},
    },
};
use dealtrail_sdk::record;
use serde::Serialize;

use crate::bulk::Bulk;

#[derive(Clone, Copy, Debug)]
pub struct Company {
    pub activities: u64,
    pub deals: u64,
    pub reps: u64,
    pub now: DateTime<Utc>,
}

/// The mailbox in which new mail arrives while the clock runs; empty before.
pub const NEWS: &str = "news";

/// Days that the company's history spans.
const DAYS: i64 = 365;
/// Streams: the CRM's, then three of each rep.
const CRM: i64 = 1;
/// Rows written by one transaction.
const AT_ONCE: usize = 5_000;

/// Always the same number for the same two, well spread.
fn dice(a: u64, b: u64) -> u64 {
    let mut x = a.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ b.wrapping_mul(0xc2b2_ae3d_27d4_eb4f);
    x ^= x >> 31;
    x = x.wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 29)
}

fn rep(n: u64) -> String {
    format!("rep{n}@acme.example")
}

/// One deal's story in numbers.
struct Story {
    owner: u64,
    created: DateTime<Utc>,
    /// When the next stage was entered, and which.
    moves: Vec<(DateTime<Utc>, usize)>,
    end: DateTime<Utc>,
}

/// Id, kind, probability.
const STAGES: [(&str, record::StageKind, f64); 6] = [
    ("s1", record::StageKind::Open, 0.1),
    ("s2", record::StageKind::Open, 0.3),
    ("s3", record::StageKind::Open, 0.5),
    ("s4", record::StageKind::Open, 0.9),
    ("won", record::StageKind::Won, 1.0),
    ("lost", record::StageKind::Lost, 0.0),
];

impl Company {
    /// The configuration, with everybody and their accounts.
    pub fn configure(&self, folder: &Path, database: &str) {
        let mut text = format!(
            "[database]\nurl = \"{database}\"\n[organization]\ndomains = [\"acme.example\"]\ntimezone = \"UTC\"\n\
             [competitors]\nnames = [\"Rivalsoft\"]\n\
             [[target]]\nmetric = \"conversations\"\nper = \"week\"\ngoal = 20\n\
             [[connection]]\nname = \"crm\"\nconnector = \"csv\"\npath = \"crm\"\n"
        );
        for n in 0..self.reps.div_ceil(25) {
            text.push_str(&format!("[[team]]\nname = \"team{n}\"\n"));
        }
        for n in 0..self.reps {
            let email = rep(n);
            text.push_str(&format!(
                "[[user]]\nemail = \"{email}\"\nname = \"Rep {n}\"\nteam = \"team{}\"\n\
                 [[quota]]\nrep = \"{email}\"\nper = \"quarter\"\namount = 100000\ncurrency = \"EUR\"\n\
                 [[connection]]\nname = \"rep{n}-mail\"\nconnector = \"maildir\"\nowner = \"{email}\"\npath = \"mail/{n}\"\n\
                 [[connection]]\nname = \"rep{n}-cal\"\nconnector = \"ics\"\nowner = \"{email}\"\npath = \"cal/{n}\"\n",
                n / 25
            ));
        }
        text.push_str(&format!(
            "[[connection]]\nname = \"{NEWS}\"\nconnector = \"maildir\"\nowner = \"{}\"\npath = \"mail/new\"\n",
            rep(0)
        ));
        for sub in ["cur", "new", "tmp"] {
            fs::create_dir_all(folder.join("mail/new").join(sub)).expect("a mailbox");
        }
        fs::write(folder.join("dealtrail.toml"), text).expect("the configuration");
    }

    /// Writes everything that capture and the CRM would have brought.
    pub async fn fill(&self, store: &Store) {
        let bulk = Bulk::begin(store).await;
        self.streams(store).await;
        self.crm(store).await;
        let mut batch = Batch::default();
        let each = (self.activities / self.deals.max(1)).max(1);
        for deal in 0..self.deals {
            let story = self.story(deal);
            for n in 0..each {
                self.happens(&mut batch, deal, &story, n, each);
            }
            if batch.stored.len() >= AT_ONCE {
                std::mem::take(&mut batch).write(store, self.now).await;
            }
        }
        batch.write(store, self.now).await;
        bulk.end(store).await;
    }

    fn story(&self, deal: u64) -> Story {
        let at = |days: u64, b| TimeDelta::minutes((dice(deal, b) % (days * 24 * 60)).cast_signed());
        let created = self.now - TimeDelta::days(DAYS) + at(DAYS.cast_unsigned() - 2, 1);
        let closes = created + TimeDelta::days(20) + at(100, 2);
        let closed = closes < self.now && !dice(deal, 3).is_multiple_of(5);
        let open = 1 + (dice(deal, 4) % 3) as usize;
        let lived = closes.min(self.now) - created;
        // moves within a day are one
        let open = if lived > TimeDelta::days(10) { open } else { 0 };
        let step = lived / (open as i32 + 1);
        let mut moves: Vec<_> = (1..=open).map(|n| (created + step * n as i32, n)).collect();
        if closed {
            moves.push((closes, if dice(deal, 5).is_multiple_of(3) { 4 } else { 5 }));
        }
        let end = if closed { closes } else { self.now + TimeDelta::days(10) };
        Story { owner: deal % self.reps, created, moves, end }
    }

    /// The n-th of so many things that happen on a deal: mail to and fro, meetings, calls, a typed entry now and then.
    fn happens(&self, batch: &mut Batch, deal: u64, story: &Story, n: u64, of: u64) {
        let seed = dice(deal, 100 + n);
        let step = (story.end - story.created) / i32::try_from(of).expect("few on a deal");
        let at = story.created
            + step * i32::try_from(n).expect("few on a deal")
            + TimeDelta::seconds((seed % 7200).cast_signed());
        let (kind, direction) = what(n, at > self.now);
        let typed = kind == Kind::Call && seed.is_multiple_of(2);
        let inbound = direction == Some(Direction::Inbound);
        let meeting = kind == Kind::Meeting;
        let tags = tags(kind, inbound, seed);
        let owner = rep(story.owner);
        let participants = self.participants(deal, story, seed, kind, inbound);
        let matches = [
            (Entity::Contact, format!("K{deal}"), Reason::Address),
            (Entity::Company, format!("C{}", deal / 4), Reason::Domain),
            (Entity::Deal, format!("D{deal}"), Reason::ContactRole),
        ];
        let id = blake3::hash(format!("{deal} {n}").as_bytes()).to_hex()[..20].to_owned();
        let message_id = (kind == Kind::Email).then(|| format!("{id}@mail.example"));
        let key = format!("1:{deal}:{n}");
        let stream = if typed { CRM } else { stream_of(story.owner, meeting, inbound) };
        batch.sightings.push(Sighting {
            activity: id.clone(),
            stream,
            key: key.clone(),
            owner: Some(owner),
            direction: direction.map(|d| d.to_string()),
            typed,
            gone_at: None,
            view: None,
        });
        batch.items.push((stream, key, Some(id.clone()), at, message_id.clone()));
        if n.is_multiple_of(2) {
            batch.items.push((stream_of(story.owner, false, true), format!("2:{deal}:{n}"), None, at, None));
        }
        batch.stored.push(Stored {
            activity: Activity {
                id,
                kind,
                status: if meeting { Status::Planned } else { Status::Done },
                confirmed: if typed {
                    Some(seed.is_multiple_of(4))
                } else {
                    meeting.then_some(!seed.is_multiple_of(3))
                },
                direction,
                occurred_at: at,
                ended_at: meeting.then(|| at + TimeDelta::hours(1)),
                participants,
                matches: matches.into_iter().map(|(entity, id, reason)| tie(entity, id, reason)).collect(),
                undecided: Vec::new(),
                tags,
                origin: if typed { Origin::Typed } else { Origin::Captured },
                automatic: false,
            },
            all_day: false,
            time_uncertain: false,
            subject: Some(format!("About the project {deal}, part {n}")),
            text_state: TextState::None,
            thread: (kind == Kind::Email).then(|| format!("t{deal}-{}", n / 8)),
            message_id,
            dedupe: None,
            ical_uid: meeting.then(|| format!("m{deal}-{n}")),
            recurrence_id: None,
        });
    }

    /// The owner, the buyer, and a colleague now and then.
    fn participants(&self, deal: u64, story: &Story, seed: u64, kind: Kind, inbound: bool) -> Vec<Participant> {
        let (ours, theirs) = match kind {
            Kind::Email if inbound => (Role::To, Role::From),
            Kind::Email => (Role::From, Role::To),
            _ => (Role::Organizer, Role::Required),
        };
        let owner = rep(story.owner);
        let mut all = vec![
            person(&owner, ours, None, Some(&owner)),
            person(&format!("buyer{deal}@company{}.example", deal / 4), theirs, Some(format!("K{deal}")), None),
        ];
        if seed.is_multiple_of(10) {
            let other = rep((story.owner + 1) % self.reps);
            all.push(person(&other, if kind == Kind::Meeting { Role::Required } else { ours }, None, Some(&other)));
        }
        all
    }

    async fn streams(&self, store: &Store) {
        let mut rows = vec![self.stream(CRM, "crm", "deals.csv", None)];
        for n in 0..self.reps {
            for (i, (connection, name, role)) in
                [("mail", "INBOX", Some("inbox")), ("mail", "Sent", Some("sent")), ("cal", "calendar", None)]
                    .into_iter()
                    .enumerate()
            {
                let id = 2 + (n * 3).cast_signed() + i as i64;
                rows.push(self.stream(id, &format!("rep{n}-{connection}"), name, role));
            }
        }
        let mut tx = store.begin().await.expect("a transaction");
        let head = "insert into streams (id, connection, wire, name, role, complete_from, complete_to, next_due, lease_until, failures, gone)";
        tx.insert(head, "", rows).await.expect("streams");
        tx.commit().await.expect("a commit");
    }

    fn stream(&self, id: i64, connection: &str, name: &'static str, role: Option<&'static str>) -> Vec<Arg<'static>> {
        let from = (self.now - TimeDelta::days(2 * DAYS)).timestamp_millis();
        // read after everything that is judged: capture is never blind here
        let to = (self.now + TimeDelta::days(1)).timestamp_millis();
        args![id, connection.to_owned(), name, name, role, from, to, 0, 0, 0, 0]
    }

    async fn crm(&self, store: &Store) {
        let mut rows = Vec::new();
        for (position, (id, kind, probability)) in STAGES.into_iter().enumerate() {
            let (pipeline, name, probability) = (Some("Sales".to_owned()), id.to_owned(), Some(probability));
            let position = position as i64 + 1;
            rows.push(row(
                "stage",
                id,
                None,
                &record::Stage { id: id.to_owned(), pipeline, name, position, kind, probability },
            ));
        }
        for deal in 0..self.deals {
            self.crm_rows(deal, &mut rows);
            if rows.len() >= AT_ONCE {
                save(store, &std::mem::take(&mut rows)).await;
            }
        }
        save(store, &rows).await;
    }

    fn crm_rows(&self, deal: u64, rows: &mut Vec<Row>) {
        let story = self.story(deal);
        let (id, owner) = (format!("D{deal}"), rep(story.owner));
        let company = format!("C{}", deal / 4);
        if deal.is_multiple_of(4) {
            let domains = vec![format!("company{}.example", deal / 4)];
            let name = format!("Company {}", deal / 4);
            rows.push(row(
                "company",
                &company,
                None,
                &record::Company { id: company.clone(), name, domains, owner: Some(owner.clone()) },
            ));
        }
        let contact = record::Contact {
            id: format!("K{deal}"),
            name: Some(format!("Buyer {deal}")),
            emails: vec![format!("buyer{deal}@company{}.example", deal / 4)],
            company: Some(company.clone()),
            title: None,
            phones: Vec::new(),
            owner: Some(owner.clone()),
            created_at: Some(story.created),
            merged_into: None,
        };
        rows.push(row("contact", &contact.id, None, &contact));
        let mut stage = "s1";
        let change = |from: Option<&str>, to: &str, at| record::StageChange {
            deal: id.clone(),
            from: from.map(str::to_owned),
            to: to.to_owned(),
            at,
            by: None,
            quality: record::Quality::Exact,
        };
        rows.push(row("stage_change", &format!("{id}#0"), Some(&id), &change(None, stage, story.created)));
        for (n, (at, to)) in story.moves.iter().enumerate() {
            let to = STAGES[*to].0;
            rows.push(row("stage_change", &format!("{id}#{}", n + 1), Some(&id), &change(Some(stage), to, *at)));
            stage = to;
        }
        let closed = story.moves.last().filter(|(_, to)| *to > 3).map(|(at, _)| *at);
        let due = (self.now + TimeDelta::days((dice(deal, 6) % 120).cast_signed() - 15)).date_naive();
        let close_date: NaiveDate = closed.map_or(due, |at| at.date_naive());
        if closed.is_none() && deal.is_multiple_of(2) {
            let task = record::Task {
                id: format!("T{deal}"),
                deal: Some(id.clone()),
                contact: None,
                owner: owner.clone(),
                due: self.now + TimeDelta::days((dice(deal, 7) % 60).cast_signed() - 30),
                done_at: None,
                subject: Some("Call back".to_owned()),
            };
            rows.push(row("task", &task.id, Some(&id), &task));
        }
        rows.push(row(
            "deal",
            &id,
            None,
            &record::Deal {
                id: id.clone(),
                name: format!("Project {deal}"),
                company: Some(company),
                contacts: vec![record::ContactRole { contact: contact.id.clone(), role: None }],
                owner,
                pipeline: Some("Sales".to_owned()),
                stage: stage.to_owned(),
                amount: Some((1_000 + dice(deal, 8) % 100_000) as f64),
                currency: Some("EUR".to_owned()),
                close_date: Some(close_date),
                forecast_category: None,
                created_at: Some(story.created),
                closed_at: closed,
            },
        ));
    }
}

/// Inbox, Sent, calendar.
fn stream_of(rep: u64, meeting: bool, inbound: bool) -> i64 {
    let which = if meeting { 2 } else { i64::from(!inbound) };
    2 + (rep * 3).cast_signed() + which
}

fn person(address: &str, role: Role, contact: Option<String>, user: Option<&str>) -> Participant {
    Participant { address: address.to_owned(), name: None, role, contact, user: user.map(str::to_owned) }
}

fn tie(entity: Entity, id: String, reason: Reason) -> Match {
    Match { entity, id, reason, score: 1.0, runner_up: None, by: "rule".to_owned() }
}

fn row(kind: &'static str, id: &str, parent: Option<&str>, body: &impl Serialize) -> Row {
    let body = serde_json::to_string(body).expect("a record is JSON");
    Row { kind, id: id.to_owned(), key: format!("{kind}:{id}"), parent: parent.map(str::to_owned), body }
}

async fn save(store: &Store, rows: &[Row]) {
    let mut tx = store.begin().await.expect("a transaction");
    directory::save(&mut tx, CRM, rows).await.expect("records");
    tx.commit().await.expect("a commit");
}

/// What the n-th thing on a deal is. What has not happened yet can only be a meeting.
fn what(n: u64, to_come: bool) -> (Kind, Option<Direction>) {
    match n % 8 {
        _ if to_come => (Kind::Meeting, None),
        0 | 3 | 4 => (Kind::Email, Some(Direction::Outbound)),
        1 | 5 | 6 => (Kind::Email, Some(Direction::Inbound)),
        2 => (Kind::Meeting, None),
        _ => (Kind::Call, Some(Direction::Outbound)),
    }
}

fn tags(kind: Kind, inbound: bool, seed: u64) -> Vec<String> {
    let email = kind == Kind::Email;
    let all = [
        (email && !inbound && seed.is_multiple_of(20), "quote"),
        (inbound && seed.is_multiple_of(40), "order"),
        (email && seed.is_multiple_of(97), "competitor:Rivalsoft"),
    ];
    all.into_iter().filter(|(there, _)| *there).map(|(_, tag)| tag.to_owned()).collect()
}

/// Stream, key, activity, time, Message-ID.
type Item = (i64, String, Option<String>, DateTime<Utc>, Option<String>);

/// What waits to be written.
#[derive(Default)]
struct Batch {
    stored: Vec<Stored>,
    sightings: Vec<Sighting>,
    items: Vec<Item>,
}

impl Batch {
    async fn write(self, store: &Store, now: DateTime<Utc>) {
        let mut tx = store.begin().await.expect("a transaction");
        activities::save(&mut tx, &self.stored).await.expect("activities");
        sightings::save(&mut tx, &self.sightings).await.expect("sightings");
        let items = self.items.into_iter().map(|(stream, key, activity, at, message_id)| {
            let (outcome, reason) = if activity.is_some() { ("captured", None) } else { ("skipped", Some("bulk")) };
            args![
                stream,
                key.clone(),
                key,
                outcome,
                reason,
                message_id,
                at.timestamp_millis(),
                activity,
                now.timestamp_millis(),
                0,
                0
            ]
        });
        let head = "insert into items (stream, key, resource, outcome, reason, message_id, occurred_at, activity, decided_at, attempts, recheck)";
        tx.insert(head, "", items.collect()).await.expect("items");
        tx.commit().await.expect("a commit");
    }
}
