//! The desk on which scenes are laid out: makes people, companies, contacts and deals; mail and meetings are laid out in
//! `post` and `meet`. Who an address belongs to is said by the scene (`Who`), never looked up.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::{
    User, World, crm, days, gaps,
    rng::Rng,
    text,
    truth::{Activity, DealChoice, Gap, Kind, Status, Weight},
};

pub const ANA: usize = 0;
pub const BOB: usize = 1;
pub const CLEO: usize = 2;
pub const DAN: usize = 3;
/// Owns deals but has no mailbox: everything about her is unknown.
pub const EVA: usize = 4;
pub const MIA: usize = 5;

/// Domain of the team.
pub const HOME: &str = "nordwind.example";

pub fn users() -> Vec<User> {
    let user = |name, full_name, email, team, mailbox, calendar| User {
        name,
        full_name,
        email,
        role: "rep",
        team,
        aliases: &[],
        timezone: None,
        mailbox,
        calendar,
    };
    vec![
        User {
            aliases: &["a.lopez@nordwind.example"],
            ..user("ana", "Ana Lopez", "ana@nordwind.example", "north", true, true)
        },
        User {
            aliases: &["bob.stone@consult.example"],
            ..user("bob", "Bob Stone", "bob@nordwind.example", "north", true, true)
        },
        user("cleo", "Cleo Fürst", "cleo@nordwind.example", "south", true, false),
        User {
            timezone: Some("America/New_York"),
            ..user("dan", "Dan Reed, Jr.", "dan@nordwind.example", "south", true, true)
        },
        user("eva", "Eva Blind", "eva@nordwind.example", "south", false, false),
        User { role: "manager", ..user("mia", "Mia Boss", "mia@nordwind.example", "north", true, false) },
    ]
}

/// Whose address it is, as the scene means it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    User(usize),
    /// Ours, but no user's.
    Ours,
    Contact {
        id: String,
        company: Option<String>,
    },
    /// A contact of a partner company.
    Partner {
        id: String,
        company: String,
    },
    /// Unknown person at a known company's domain.
    Company(String),
    Unknown,
}

#[derive(Clone, Debug)]
pub struct Person {
    pub name: String,
    pub address: String,
    pub who: Who,
}

impl Person {
    pub fn is_ours(&self) -> bool {
        matches!(self.who, Who::User(_) | Who::Ours)
    }
    /// The same person under another spelling or address.
    pub fn at(&self, address: &str) -> Self {
        Self { address: address.into(), ..self.clone() }
    }
}

pub struct Builder {
    pub rng: Rng,
    pub now: DateTime<Utc>,
    pub world: World,
    /// Name of the scene that is being laid out.
    pub scene: &'static str,
    serial: usize,
}

impl Builder {
    pub fn new(seed: u64, now: DateTime<Utc>) -> Self {
        let world = World {
            seed,
            now,
            users: users(),
            crm: crm::Crm::default(),
            partners: Vec::new(),
            mails: Vec::new(),
            copies: Vec::new(),
            objects: Vec::new(),
            events: Vec::new(),
            activities: Vec::new(),
            gaps: Vec::new(),
        };
        Self { rng: Rng::new(seed), now, world, scene: "", serial: 0 }
    }

    pub fn finish(mut self) -> World {
        let found: Vec<Gap> = gaps::judge(&self.world);
        self.world.gaps = found;
        self.world
    }

    pub fn serial(&mut self) -> usize {
        self.serial += 1;
        self.serial
    }

    /// Office hours so many days before today (after, when negative).
    pub fn ago(&mut self, days_ago: i64) -> DateTime<Utc> {
        let (hour, minute, second) = (self.rng.between(8, 15), self.rng.between(0, 59), self.rng.between(0, 59));
        let part = |n| u32::try_from(n).expect("a small number");
        days::at(self.now, days_ago, part(hour), part(minute), part(second))
    }

    /// An age in days that lies clearly inside or clearly outside the time after which a deal counts as quiet.
    pub fn age(&mut self) -> i64 {
        if self.rng.chance(40) { self.rng.between(2, 8) } else { self.rng.between(22, 110) }
    }

    /// A rep with mailbox.
    pub fn rep(&mut self) -> usize {
        *self.rng.pick(&[ANA, BOB, CLEO, DAN])
    }

    /// A rep with mailbox and calendar.
    pub fn rep_with_calendar(&mut self) -> usize {
        *self.rng.pick(&[ANA, BOB, DAN])
    }

    pub fn user(&self, ix: usize) -> Person {
        let u = &self.world.users[ix];
        Person { name: u.full_name.into(), address: u.email.into(), who: Who::User(ix) }
    }

    pub fn unknown(&self, name: &str, address: &str) -> Person {
        Person { name: name.into(), address: address.into(), who: Who::Unknown }
    }

    // --- CRM ---

    /// A company with an invented name; its domain is `NAME.example`.
    pub fn company(&mut self) -> (String, String) {
        let n = self.serial();
        let word = text::word(&mut self.rng, n);
        let domain = format!("{word}.example");
        (self.company_with(&text::capital(&word), &[&domain]), domain)
    }

    pub fn company_with(&mut self, name: &str, domains: &[&str]) -> String {
        let id = format!("c{}", self.serial());
        let domains = domains.iter().map(ToString::to_string).collect();
        self.world.crm.companies.push(crm::Company { id: id.clone(), name: format!("{name} GmbH"), domains });
        id
    }

    /// A contact with these addresses; the person stands for the first.
    pub fn contact(&mut self, company: Option<&str>, emails: &[&str]) -> Person {
        let id = format!("p{}", self.serial());
        let n = self.serial();
        let family = text::capital(&text::word(&mut self.rng, n));
        let name = format!("{} {family}", text::given(&mut self.rng));
        self.world.crm.contacts.push(crm::Contact {
            id: id.clone(),
            name: name.clone(),
            emails: emails.iter().map(ToString::to_string).collect(),
            company: company.map(Into::into),
            created: days::at(self.now, 170, 9, 0, 0),
            merged_into: None,
            dead: Some(false),
        });
        Person { name, address: emails[0].into(), who: Who::Contact { id, company: company.map(Into::into) } }
    }

    /// A company with one contact at its domain.
    pub fn account(&mut self) -> (String, String, Person) {
        let (company, domain) = self.company();
        let local = format!("kim{}", self.serial());
        let person = self.contact(Some(&company), &[&format!("{local}@{domain}")]);
        (company, domain, person)
    }

    /// Another contact of the company at that domain.
    pub fn colleague(&mut self, company: &str, domain: &str) -> Person {
        let local = format!("lee{}", self.serial());
        self.contact(Some(company), &[&format!("{local}@{domain}")])
    }

    pub fn contact_mut(&mut self, person: &Person) -> &mut crm::Contact {
        let Who::Contact { id, .. } = &person.who else { panic!("not a contact") };
        self.world.crm.contacts.iter_mut().find(|c| c.id == *id).expect("a contact of the world")
    }

    /// An open deal in its pipeline's first stage, created 150 days ago, to be closed next month.
    pub fn deal(&mut self, company: &str, owner: usize) -> String {
        let id = format!("OPP-{}", 1000 + self.serial());
        let (a, b) = (self.serial(), self.serial());
        let words = [text::word(&mut self.rng, a), text::word(&mut self.rng, b)];
        let close = self.rng.between(20, 60);
        let amount = f64::from(u32::try_from(self.rng.between(2, 90)).expect("small")) * 1000.0;
        self.world.crm.deals.push(crm::Deal {
            id: id.clone(),
            name: format!("{} {}", text::capital(&words[0]), text::capital(&words[1])),
            company: company.into(),
            roles: Vec::new(),
            owner,
            owner_email: self.world.users[owner].email,
            first_stage: "s1",
            moves: Vec::new(),
            created: days::at(self.now, 150, 9, 0, 0),
            close_date: days::date(self.now, -close),
            amount,
            entry_row: self.rng.chance(50),
            scene: self.scene,
        });
        id
    }

    pub fn deal_mut(&mut self, id: &str) -> &mut crm::Deal {
        self.world.crm.deals.iter_mut().find(|d| d.id == id).expect("a deal of the world")
    }

    pub fn role(&mut self, deal: &str, person: &Person, role: &'static str) {
        let (Who::Contact { id, .. } | Who::Partner { id, .. }) = person.who.clone() else { panic!("not a contact") };
        self.deal_mut(deal).roles.push((id, role));
    }

    /// Moves the deal to a stage so many days ago and returns when.
    pub fn advance(&mut self, deal: &str, stage: &'static str, days_ago: i64) -> DateTime<Utc> {
        let at = self.ago(days_ago);
        self.deal_mut(deal).moves.push((stage, at));
        at
    }

    pub fn task(&mut self, deal: &str) {
        let owner = self.world.crm.deal(deal).owner_email;
        let id = format!("t{}", self.serial());
        let due = days::date(self.now, -9);
        self.world.crm.tasks.push(crm::Task { id, deal: deal.into(), owner, due });
    }

    /// An entry typed into the CRM; `seen` is the captured activity that confirms it.
    pub fn typed(&mut self, kind: Kind, at: DateTime<Utc>, deal: &str, person: &Person, seen: Option<usize>) {
        let (contacts, companies) = parties(std::iter::once(person));
        let id = format!("a{}", self.serial());
        self.world.crm.typed.push(crm::Typed {
            id: id.clone(),
            kind: kind.word(),
            at,
            subject: "Typed by hand".into(),
            deal: Some(deal.into()),
            contacts: contacts.iter().cloned().collect(),
            owner: self.world.crm.deal(deal).owner_email,
        });
        if let Some(ix) = seen {
            self.world.activities[ix].typed.push(id);
            return;
        }
        self.world.activities.push(Activity {
            kind,
            status: Status::Done,
            confirmed: Some(false),
            direction: None,
            at,
            at_latest: at,
            end: None,
            all_day: false,
            subject: None,
            message_id: None,
            uid: None,
            recurrence_id: None,
            contacts,
            companies,
            author: None,
            people: outsiders(std::iter::once(person)),
            partner: false,
            closing: None,
            deal: DealChoice::Decided { deal: deal.into(), reasons: Vec::new() },
            tags: Vec::new(),
            typed: vec![id],
            calendars: BTreeSet::new(),
            weight: Weight::OneSided,
            typed_only: true,
            scene: self.scene,
        });
    }
}

/// Who somebody is: the contact, else the address; nobody of ours.
pub fn identity(p: &Person) -> Option<String> {
    match &p.who {
        Who::Contact { id, .. } | Who::Partner { id, .. } => Some(id.clone()),
        Who::Company(_) | Who::Unknown => Some(p.address.to_lowercase()),
        Who::User(_) | Who::Ours => None,
    }
}

/// The outsiders among these people with their companies, partners left out.
pub fn outsiders<'a>(people: impl Iterator<Item = &'a Person>) -> BTreeMap<String, Option<String>> {
    let company = |p: &Person| match &p.who {
        Who::Contact { company, .. } => company.clone(),
        Who::Company(company) => Some(company.clone()),
        _ => None,
    };
    let outside = people.filter(|p| !matches!(p.who, Who::Partner { .. }));
    outside.filter_map(|p| Some((identity(p)?, company(p)))).collect()
}

/// Contacts and companies of these people.
pub fn parties<'a>(people: impl Iterator<Item = &'a Person>) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut contacts, mut companies) = (BTreeSet::new(), BTreeSet::new());
    for p in people {
        match &p.who {
            Who::Contact { id, company } => {
                contacts.insert(id.clone());
                companies.extend(company.clone());
            }
            Who::Partner { id, company } => {
                contacts.insert(id.clone());
                companies.insert(company.clone());
            }
            Who::Company(company) => {
                companies.insert(company.clone());
            }
            Who::User(_) | Who::Ours | Who::Unknown => {}
        }
    }
    (contacts, companies)
}
