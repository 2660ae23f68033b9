//! A small office for the tests of the reports: Ana and Ben in team north, Cleo in south, and builders of what they did.

use chrono::{DateTime, Duration, Utc};

use super::credit::{Happened, Sighting};
use crate::domain::{
    activity::{Activity, Direction, Entity, Kind, Match, Origin, Participant, Reason, Role, Status},
    directory::{Contact, Deal, Directory, FieldChange, Ours, Quality, Stage, StageChange, StageKind, User},
};

pub const ANA: &str = "ana@acme.example";
pub const BEN: &str = "ben@acme.example";
pub const CLEO: &str = "cleo@acme.example";

pub fn t(text: &str) -> DateTime<Utc> {
    let (day, time) = text.split_once(' ').unwrap_or((text, "12:00"));
    format!("2026-{day}T{time}:00Z").parse().expect("a time")
}

pub fn users() -> Vec<User> {
    let user = |email: &str, name: &str, team: &str| User {
        email: email.into(),
        name: name.into(),
        team: Some(team.into()),
        manager: false,
        aliases: vec![],
        until: None,
    };
    vec![user(ANA, "Ana Lopez", "north"), user(BEN, "Ben Okafor", "north"), user(CLEO, "Cleo Dubois", "south")]
}

pub fn deal(id: &str, owner: &str, amount: f64, currency: &str) -> Deal {
    Deal {
        id: id.into(),
        name: id.into(),
        company: None,
        contacts: vec![],
        owner: owner.into(),
        pipeline: None,
        stage: "open".into(),
        amount: Some(amount),
        currency: Some(currency.into()),
        close_date: None,
        forecast_category: None,
        created_at: Some(t("01-01")),
        closed_at: None,
        stage_changes: vec![],
        field_changes: vec![],
    }
}

pub fn won(deal: Deal, at: &str) -> Deal {
    moved(deal, "won", at)
}

pub fn moved(mut deal: Deal, to: &str, at: &str) -> Deal {
    let from = Some(std::mem::replace(&mut deal.stage, to.into()));
    let change = StageChange { from, to: to.into(), at: t(at), not_before: None, by: None, quality: Quality::Exact };
    deal.stage_changes.push(change);
    deal
}

pub fn handed_over(mut deal: Deal, at: &str, to: &str) -> Deal {
    let from = std::mem::replace(&mut deal.owner, to.into());
    deal.field_changes.push(FieldChange { field: "owner".into(), from: Some(from), to: Some(to.into()), at: t(at) });
    deal
}

pub fn contact(id: &str, owner: &str, created: &str) -> Contact {
    Contact {
        id: id.into(),
        name: None,
        emails: vec![],
        company: None,
        owner: Some(owner.into()),
        created_at: Some(t(created)),
        merged_into: None,
    }
}

pub fn directory(users: Vec<User>, contacts: Vec<Contact>, deals: Vec<Deal>) -> Directory {
    let stage = |id: &str, position, kind| Stage {
        id: id.into(),
        pipeline: None,
        name: id.into(),
        position,
        kind,
        probability: None,
    };
    let stages = [("open", StageKind::Open), ("offer", StageKind::Open), ("won", StageKind::Won)];
    let stages = (1..).zip(stages).map(|(position, (id, kind))| stage(id, position, kind)).collect();
    let ours = Ours { domains: vec!["acme.example".into()], users, ..Ours::default() };
    Directory::new(ours, vec![], contacts, stages, deals, vec![])
}

fn person(address: &str, role: Role) -> Participant {
    let user = address.ends_with("@acme.example").then(|| address.to_owned());
    Participant { address: address.into(), name: None, role, contact: None, user }
}

pub fn happened(id: &str, kind: Kind, at: &str, people: &[(&str, Role)]) -> Happened {
    let activity = Activity {
        id: id.into(),
        kind,
        status: Status::Done,
        confirmed: None,
        direction: None,
        occurred_at: t(at),
        ended_at: None,
        participants: people.iter().map(|(address, role)| person(address, *role)).collect(),
        matches: vec![],
        undecided: vec![],
        tags: vec![],
        origin: Origin::Captured,
        automatic: false,
    };
    Happened { activity, all_day: false, thread: None, sightings: vec![], times: 1 }
}

pub fn sent(id: &str, at: &str, from: &str, thread: &str) -> Happened {
    let mut mail = happened(id, Kind::Email, at, &[(from, Role::From), ("tom@x.example", Role::To)]);
    mail.activity.direction = Some(Direction::Outbound);
    mail.thread = Some(thread.into());
    mail
}

pub fn received(id: &str, at: &str, to: &[&str], thread: &str) -> Happened {
    let people: Vec<(&str, Role)> =
        to.iter().map(|to| (*to, Role::To)).chain([("tom@x.example", Role::From)]).collect();
    let mut mail = happened(id, Kind::Email, at, &people);
    mail.activity.direction = Some(Direction::Inbound);
    mail.thread = Some(thread.into());
    mail
}

pub fn meeting(id: &str, at: &str, ours: &[&str]) -> Happened {
    let people: Vec<(&str, Role)> =
        ours.iter().map(|o| (*o, Role::Required)).chain([("tom@x.example", Role::Organizer)]).collect();
    let mut meeting = happened(id, Kind::Meeting, at, &people);
    meeting.activity.status = Status::Planned;
    meeting.activity.ended_at = Some(t(at) + Duration::hours(1));
    meeting
}

impl Happened {
    pub fn tagged(mut self, tag: &str) -> Self {
        self.activity.tags.push(tag.into());
        self
    }

    pub fn on(self, deal: &str) -> Self {
        self.tied(Entity::Deal, deal)
    }

    pub fn with(self, contact: &str) -> Self {
        self.tied(Entity::Contact, contact)
    }

    fn tied(mut self, entity: Entity, id: &str) -> Self {
        self.activity.matches.push(Match {
            entity,
            id: id.into(),
            reason: Reason::Thread,
            score: 1.0,
            runner_up: None,
            by: "rule".into(),
        });
        self
    }

    pub fn typed_by(mut self, owner: &str) -> Self {
        self.activity.origin = Origin::Typed;
        self.seen_by(owner)
    }

    pub fn seen_by(mut self, owner: &str) -> Self {
        self.sightings.push(Sighting { owner: Some(owner.into()), members: None });
        self
    }

    pub fn seen_in_shared(mut self, members: &[&str]) -> Self {
        let members = members.iter().map(|m| (*m).to_owned()).collect();
        self.sightings.push(Sighting { owner: None, members: Some(members) });
        self
    }

    pub fn automatic(mut self) -> Self {
        self.activity.automatic = true;
        self
    }
}
