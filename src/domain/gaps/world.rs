//! A small sales world for the tests of the rules: one deal of Ana's with Northwind, its stages, and whatever a test adds.
//! Times are UTC, days are of 2026.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::{
    Backdrop, Brings, Capture, Case, ConnectionCoverage, Facts, Finding, Outlook, Rule, State, Subject, SubjectCase,
    judge, outlook, reconcile, stays::Stays,
};
use crate::domain::{
    activity::{Activity, Direction, Entity, Kind, Match, Origin, Participant, Reason, Role, Status},
    directory::{
        Company, Contact, ContactRole, Deal, Directory, FieldChange, Ours, Quality, Stage, StageChange, StageKind,
        Task, User,
    },
    thresholds::{GapSettings, Given},
    working::WorkCalendar,
};

pub const ANA: &str = "ana@acme.example";
pub const BEN: &str = "ben@acme.example";

/// `11-03 10:00`, or `11-03` for noon.
pub fn t(text: &str) -> DateTime<Utc> {
    let (day, time) = text.split_once(' ').unwrap_or((text, "12:00"));
    format!("2026-{day}T{time}:00Z").parse().expect("a time")
}

#[derive(Clone, Debug)]
pub struct World {
    pub now: DateTime<Utc>,
    pub deal: Deal,
    pub others: Vec<Deal>,
    pub contacts: Vec<Contact>,
    pub activities: Vec<Activity>,
    /// What those who are waited for did elsewhere.
    pub elsewhere: Vec<Activity>,
    pub tasks: Vec<Task>,
    pub captures: BTreeMap<String, Capture>,
    pub settings: GapSettings,
    pub zone: Tz,
    pub users: Vec<User>,
    /// Of every open stage.
    pub probability: Option<f64>,
    pub backdrop: Backdrop,
    /// Of deal `d1`.
    pub quotes: Vec<DateTime<Utc>>,
}

pub fn connection(name: &str, brings: Brings) -> ConnectionCoverage {
    ConnectionCoverage {
        name: name.into(),
        brings,
        complete_from: Some(t("01-01")),
        complete_to: Some(t("12-31")),
        failing: false,
        until: None,
    }
}

fn user(email: &str, name: &str) -> User {
    User { email: email.into(), name: name.into(), team: None, manager: false, aliases: vec![], until: None }
}

fn contact(id: &str, email: &str) -> Contact {
    Contact {
        id: id.into(),
        name: None,
        emails: vec![email.into()],
        company: Some("northwind".into()),
        owner: None,
        created_at: None,
        merged_into: None,
    }
}

pub fn deal(id: &str, stage: &str) -> Deal {
    Deal {
        id: id.into(),
        name: format!("Deal {id}"),
        company: Some("northwind".into()),
        contacts: vec![ContactRole { contact: "tom".into(), role: None }],
        owner: ANA.into(),
        pipeline: Some("Sales".into()),
        stage: stage.into(),
        amount: Some(1000.0),
        currency: Some("EUR".into()),
        close_date: None,
        forecast_category: None,
        created_at: Some(t("09-01")),
        closed_at: None,
        stage_changes: vec![StageChange {
            from: None,
            to: stage.into(),
            at: t("09-01"),
            not_before: None,
            by: None,
            quality: Quality::Exact,
        }],
        field_changes: vec![],
    }
}

fn stages() -> Vec<Stage> {
    let stage = |id: &str, position, kind| Stage {
        id: id.into(),
        pipeline: Some("Sales".into()),
        name: id.into(),
        position,
        kind,
        probability: None,
    };
    vec![
        stage("Lead", 1, StageKind::Open),
        stage("Discovery", 2, StageKind::Open),
        stage("Proposal", 3, StageKind::Open),
        stage("Negotiation", 4, StageKind::Open),
        stage("Won", 5, StageKind::Won),
        stage("Lost", 6, StageKind::Lost),
        Stage { pipeline: Some("Partner".into()), ..stage("Elsewhere", 9, StageKind::Open) },
    ]
}

impl World {
    /// Deal `d1` entered Lead on 1 September; Ana's mailbox and calendar are complete.
    pub fn new(now: &str) -> Self {
        let both = Capture {
            connections: vec![connection("ana-mail", Brings::Mail), connection("ana-calendar", Brings::Calendar)],
        };
        Self {
            now: t(now),
            deal: deal("d1", "Lead"),
            others: vec![],
            contacts: vec![
                contact("tom", "tom@northwind.example"),
                contact("eve", "eve@northwind.example"),
                contact("pat", "pat@reseller.example"),
            ],
            activities: vec![],
            elsewhere: vec![],
            tasks: vec![],
            captures: BTreeMap::from([(ANA.to_owned(), both)]),
            settings: GapSettings::default(),
            zone: Tz::UTC,
            users: vec![user(ANA, "Ana Lopez"), user(BEN, "Ben Okafor")],
            probability: None,
            backdrop: Backdrop::default(),
            quotes: vec![],
        }
    }

    pub fn moved(mut self, at: &str, to: &str) -> Self {
        self.deal.stage_changes.push(StageChange {
            from: Some(self.deal.stage.clone()),
            to: to.into(),
            at: t(at),
            not_before: None,
            by: None,
            quality: Quality::Exact,
        });
        self.deal.stage = to.into();
        self
    }

    /// The last move was only seen between two readings.
    pub fn observed_since(mut self, not_before: &str) -> Self {
        let last = self.deal.stage_changes.last_mut().expect("a move");
        (last.not_before, last.quality) = (Some(t(not_before)), Quality::Observed);
        self
    }

    pub fn owner_changed(mut self, at: &str, from: &str, to: &str) -> Self {
        self.deal.field_changes.push(FieldChange {
            field: "owner".into(),
            from: Some(from.into()),
            to: Some(to.into()),
            at: t(at),
        });
        self.deal.owner = to.into();
        self
    }

    /// A field of the deal changed in the CRM.
    pub fn changed(mut self, field: &str, at: &str, from: &str, to: &str) -> Self {
        let (from, to) = (Some(from.to_owned()), Some(to.to_owned()));
        self.deal.field_changes.push(FieldChange { field: field.into(), from, to, at: t(at) });
        self
    }

    pub fn with(mut self, activity: Activity) -> Self {
        self.activities.push(activity);
        self
    }

    /// Somebody who is waited for did this elsewhere.
    pub fn did_elsewhere(mut self, activity: Activity) -> Self {
        self.elsewhere.push(activity);
        self
    }

    /// Who is looked for elsewhere.
    pub fn awaited(&self) -> Vec<(String, DateTime<Utc>)> {
        self.in_case(|case| super::awaited(case).into_iter().map(|(who, at)| (who.to_owned(), at)).collect())
    }

    pub fn set(mut self, rule: &str, stage: Option<&str>, key: &str, value: &str) -> Self {
        let given = match value {
            "false" => Given::Flag(false),
            text => Given::Text(text.into()),
        };
        self.settings.set(rule, stage, key, &given).expect("a setting");
        self
    }

    /// Changes one of Ana's connections.
    pub fn ana(mut self, name: &str, change: impl FnOnce(&mut ConnectionCoverage)) -> Self {
        let connections = &mut self.captures.get_mut(ANA).expect("Ana's").connections;
        change(connections.iter_mut().find(|c| c.name == name).expect("a connection"));
        self
    }

    pub fn drop_connection(mut self, name: &str) -> Self {
        self.captures.get_mut(ANA).expect("Ana's").connections.retain(|c| c.name != name);
        self
    }

    pub fn at(mut self, now: &str) -> Self {
        self.now = t(now);
        self
    }

    pub fn in_case<T>(&self, look: impl FnOnce(&Case<'_>) -> T) -> T {
        let ours = Ours {
            domains: vec!["acme.example".into()],
            partner_domains: vec!["reseller.example".into()],
            users: self.users.clone(),
            ..Ours::default()
        };
        let northwind = Company {
            id: "northwind".into(),
            name: "Northwind".into(),
            domains: vec!["northwind.example".into()],
            owner: None,
        };
        let deals = self.others.iter().chain([&self.deal]).cloned().collect();
        let mut stages = stages();
        stages.iter_mut().filter(|s| s.kind == StageKind::Open).for_each(|s| s.probability = self.probability);
        let mut directory =
            Directory::new(ours, vec![northwind], self.contacts.clone(), stages, deals, self.tasks.clone());
        directory.quotes.insert(self.deal.id.clone(), self.quotes.clone());
        let stays = Stays::of_won(&directory);
        // no more is read than judging says it asks for
        let watched = Case::watched(&directory, &self.deal, &self.backdrop);
        let asked = self.captures.iter().filter(|(user, _)| watched.contains(user.as_str()));
        let facts = Facts {
            directory: &directory,
            thresholds: &self.settings,
            captures: asked.map(|(user, capture)| (user.clone(), capture.clone())).collect(),
            calendars: &HashMap::new(),
            calendar: WorkCalendar { zone: self.zone, ..WorkCalendar::default() },
            stays: &stays,
            now: self.now,
        };
        let case = Case::new(&facts, &directory.deals[&self.deal.id], &self.activities, directory.tasks());
        look(&case.before(&self.backdrop).and_elsewhere(&self.elsewhere))
    }

    /// The findings after one more judging.
    pub fn judged(&self, existing: &[Finding]) -> Vec<Finding> {
        self.in_case(|case| reconcile(existing, judge(case), case))
    }

    /// The findings of some rules when judged for the first time.
    pub fn findings(&self, rules: &[Rule]) -> Vec<Finding> {
        self.judged(&[]).into_iter().filter(|f| rules.contains(&f.rule)).collect()
    }

    /// Rule and state of what is found for the first time.
    pub fn states(&self, rules: &[Rule]) -> Vec<(Rule, State)> {
        self.findings(rules).iter().map(|f| (f.rule, f.state)).collect()
    }

    /// The one finding of a rule that stands here, put off by three days, comes back by itself when they are over.
    pub fn survives_a_snooze(&self, rule: Rule) {
        let mut all = self.judged(&[]);
        let until = self.now + chrono::Duration::days(3);
        all.iter_mut().find(|f| f.rule == rule).expect("a finding").snooze(until, "a holiday".into(), ANA.into());
        let state = |now, known: &[Finding]| {
            let judged = Self { now, ..self.clone() }.judged(known);
            let one = judged.iter().find(|f| f.rule == rule).expect("kept");
            assert_eq!(one.note.as_deref(), Some("a holiday"));
            (one.state, judged.clone())
        };
        let (before, later) = state(until - chrono::Duration::seconds(1), &all);
        assert_eq!(before, State::Snoozed);
        assert!(self.outlook(&later).next_due.is_some_and(|at| at <= until));
        assert_eq!(state(until, &later).0, State::Open);
    }

    /// The two mails belong to one thread, named after the first.
    pub fn thread(mut self, mails: &[&str]) -> Self {
        for id in mails {
            self.backdrop.threads.insert((*id).to_owned(), mails[0].to_owned());
        }
        self
    }

    /// The findings about `contact:ID`, `company:ID` or `activity:ID` after one more judging, and when to look again.
    pub fn about(&self, name: &str, existing: &[Finding]) -> (Vec<Finding>, Outlook) {
        self.in_case(|case| {
            let directory = case.facts.directory;
            let subject = match name.split_once(':') {
                Some(("contact", id)) => directory.contacts.get(id).map(Subject::Contact),
                Some(("company", id)) => directory.companies.get(id).map(Subject::Company),
                Some((_, id)) => self.activities.iter().find(|a| a.id == id).map(Subject::Entry),
                None => None,
            };
            let subject = subject.unwrap_or(Subject::Gone);
            let case = SubjectCase::new(case.facts, name, subject, &self.activities, &self.backdrop);
            let findings = case.reconcile(existing);
            let outlook = case.outlook(&findings);
            (findings, outlook)
        })
    }

    pub fn outlook(&self, findings: &[Finding]) -> Outlook {
        self.in_case(|case| outlook(case, findings))
    }
}

pub const ADVANCES: &[Rule] = &[Rule::UnsupportedAdvance, Rule::OneSidedAdvance];

fn person(address: &str, role: Role) -> Participant {
    Participant { address: address.into(), name: None, role, contact: None, user: None }
}

fn tied(entity: Entity, id: &str) -> Match {
    Match { entity, id: id.into(), reason: Reason::ContactRole, score: 1.0, runner_up: None, by: "rule".into() }
}

fn activity(id: &str, kind: Kind, at: &str, participants: Vec<Participant>) -> Activity {
    Activity {
        id: id.into(),
        kind,
        status: Status::Done,
        confirmed: None,
        direction: None,
        occurred_at: t(at),
        ended_at: None,
        participants,
        matches: vec![tied(Entity::Contact, "tom"), tied(Entity::Deal, "d1")],
        undecided: vec![],
        tags: vec![],
        origin: Origin::Captured,
        automatic: false,
    }
}

pub fn mail_from(id: &str, at: &str, from: &str) -> Activity {
    Activity {
        direction: Some(Direction::Inbound),
        ..activity(id, Kind::Email, at, vec![person(from, Role::From), person(ANA, Role::To)])
    }
}

/// Mail from Tom of Northwind.
pub fn mail_in(id: &str, at: &str) -> Activity {
    mail_from(id, at, "tom@northwind.example")
}

pub fn mail_out(id: &str, at: &str) -> Activity {
    Activity {
        direction: Some(Direction::Outbound),
        ..activity(id, Kind::Email, at, vec![person(ANA, Role::From), person("tom@northwind.example", Role::To)])
    }
}

/// An hour with Tom.
pub fn meeting(id: &str, at: &str, confirmed: bool) -> Activity {
    Activity {
        status: Status::Planned,
        confirmed: Some(confirmed),
        ended_at: Some(t(at) + chrono::Duration::hours(1)),
        ..activity(
            id,
            Kind::Meeting,
            at,
            vec![person(ANA, Role::Organizer), person("tom@northwind.example", Role::Required)],
        )
    }
}

pub fn call(id: &str, at: &str, origin: Origin) -> Activity {
    Activity { origin, ..activity(id, Kind::Call, at, vec![]) }
}

pub fn typed(id: &str, kind: Kind, at: &str, confirmed: bool) -> Activity {
    Activity { origin: Origin::Typed, confirmed: Some(confirmed), ..activity(id, kind, at, vec![]) }
}

/// The same, matched to Tom alone.
pub fn of_contact(mut activity: Activity) -> Activity {
    activity.matches.retain(|m| m.entity == Entity::Contact);
    activity
}

/// The same, tied to the company and to no deal.
pub fn of_company(mut activity: Activity) -> Activity {
    let company = Match { reason: Reason::Domain, ..tied(Entity::Company, "northwind") };
    activity.matches = vec![company];
    activity
}

/// The same, its deal still to be chosen.
pub fn pending(activity: Activity) -> Activity {
    Activity { undecided: vec!["d1".into(), "d2".into()], ..of_contact(activity) }
}
