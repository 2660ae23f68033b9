//! Lays out meetings: calendar objects in the calendars that hold them, what is expected of every instance, and the
//! mails that carry invitations and answers.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;

use super::{
    CalendarObject, Decision, EventTruth, Outcome,
    build::{Builder, Person, parties},
    days,
    ics::{self, Guest, Vevent, When},
    mail::Body,
    post::Draft,
    truth::{Activity, DealChoice, Kind, Status, Weight},
};

pub const BERLIN: Tz = chrono_tz::Europe::Berlin;
pub const NEW_YORK: Tz = chrono_tz::America::New_York;

/// A meeting as a scene describes it.
#[derive(Clone, Debug)]
pub struct Plan {
    pub organizer: Option<Person>,
    /// With their PARTSTAT. The organizer stands among them as most calendars write it.
    pub guests: Vec<(Person, &'static str)>,
    pub room: Option<&'static str>,
    /// In whose calendars it stands.
    pub calendars: Vec<usize>,
    pub event: Vevent,
}

/// What must become of one instance.
#[derive(Clone, Debug)]
pub enum Fate {
    Skipped(&'static str),
    Waiting,
    Meeting { status: Status, confirmed: Option<bool>, deal: DealChoice },
}

impl Builder {
    /// An hour in the organisation's zone so many days ago (in the future when negative).
    pub fn hour(&mut self, days_ago: i64) -> When {
        let hour = u32::try_from(self.rng.between(9, 15)).expect("small");
        let local = days::date(self.now, days_ago).and_hms_opt(hour, 0, 0).expect("an hour");
        When::Zoned("Europe/Berlin", BERLIN, local, Duration::hours(1))
    }

    /// A meeting called by `organizer`, who has accepted; it stands in the calendar of every user who takes part.
    pub fn plan(&mut self, organizer: &Person, guests: &[(&Person, &'static str)], when: When) -> Plan {
        let uid = format!("m{}-{:08x}@calendar.example", self.serial(), self.rng.next() & 0xffff_ffff);
        let mut all = vec![(organizer.clone(), "ACCEPTED")];
        all.extend(guests.iter().map(|(p, a)| ((*p).clone(), *a)));
        let mut calendars = Vec::new();
        for (p, _) in &all {
            if let super::build::Who::User(ix) = p.who
                && self.world.users[ix].calendar
                && !calendars.contains(&ix)
            {
                calendars.push(ix);
            }
        }
        let stamp = (when.start() - Duration::days(9)).min(self.now - Duration::days(2));
        let event = Vevent {
            uid,
            when,
            summary: format!("{} meeting", super::text::subject(&mut self.rng)),
            description: String::new(),
            organizer: Some((organizer.name.clone(), organizer.address.clone())),
            guests: Vec::new(),
            status: self.rng.chance(50).then_some("CONFIRMED"),
            class: None,
            sequence: 0,
            stamp,
            lines: Vec::new(),
        };
        Plan { organizer: Some(organizer.clone()), guests: all, room: None, calendars, event }
    }

    /// Puts it into its calendars, with one truth for its only instance. Returns the activity.
    pub fn meet(&mut self, plan: &Plan, fate: &Fate) -> Option<usize> {
        let event = vevent(plan);
        self.put(plan, &[event]);
        self.instance(plan, None, fate)
    }

    /// The calendar object, in each calendar of the plan.
    pub fn put(&mut self, plan: &Plan, events: &[Vevent]) {
        let text = ics::write(events, None);
        for &owner in &plan.calendars {
            self.world.objects.push(CalendarObject { owner, ics: text.clone() });
        }
    }

    /// What is expected of one instance in each calendar of the plan; `plan.event.when` is its time.
    pub fn instance(&mut self, plan: &Plan, recurrence: Option<DateTime<Utc>>, fate: &Fate) -> Option<usize> {
        let (decision, activity) = match fate {
            Fate::Skipped(reason) => {
                (Decision { outcome: Outcome::Skipped, reason: Some(reason), activity: None }, None)
            }
            Fate::Waiting => {
                (Decision { outcome: Outcome::Waiting, reason: Some("unknown_party"), activity: None }, None)
            }
            Fate::Meeting { status, confirmed, deal } => {
                let ix = self.meeting(plan, recurrence, *status, *confirmed, deal);
                (Decision { outcome: Outcome::Captured, reason: None, activity: Some(ix) }, Some(ix))
            }
        };
        for &owner in &plan.calendars {
            let uid = plan.event.uid.clone();
            self.world.events.push(EventTruth {
                owner,
                uid,
                recurrence_id: recurrence,
                truth: decision.clone(),
                scene: self.scene,
            });
        }
        activity
    }

    fn meeting(
        &mut self,
        plan: &Plan,
        recurrence_id: Option<DateTime<Utc>>,
        status: Status,
        confirmed: Option<bool>,
        deal: &DealChoice,
    ) -> usize {
        let everyone = plan.organizer.iter().chain(plan.guests.iter().map(|g| &g.0));
        let (contacts, companies) = parties(everyone);
        let there = plan.guests.iter().filter(|g| g.1 != "DECLINED").map(|g| &g.0);
        let buyer = there.clone().any(|p| !p.is_ours() && !matches!(p.who, super::build::Who::Partner { .. }));
        let weight = match (status, confirmed) {
            (Status::Held, Some(true)) if buyer => Weight::Evidence,
            (Status::Held, _) => Weight::OneSided,
            _ => Weight::Nothing,
        };
        self.world.activities.push(Activity {
            kind: Kind::Meeting,
            status,
            confirmed: if status == Status::Held { confirmed } else { None },
            direction: None,
            at: plan.event.when.start(),
            at_latest: plan.event.when.start(),
            end: Some(plan.event.when.end()),
            all_day: plan.event.when.all_day(),
            subject: Some(plan.event.summary.clone()),
            message_id: None,
            uid: Some(plan.event.uid.clone()),
            recurrence_id,
            contacts,
            companies,
            author: None,
            people: super::build::outsiders(plan.organizer.iter().chain(there)),
            partner: false,
            closing: None,
            deal: deal.clone(),
            tags: Vec::new(),
            typed: Vec::new(),
            calendars: plan.calendars.iter().copied().collect::<BTreeSet<_>>(),
            weight,
            typed_only: false,
            scene: self.scene,
        });
        self.world.activities.len() - 1
    }

    /// A mail that carries this calendar with a method; the calendar only repeats what the text says.
    pub fn carry(
        &mut self,
        from: &Person,
        to: &[&Person],
        at: DateTime<Utc>,
        event: &Vevent,
        method: &'static str,
    ) -> Draft {
        let mut draft = self.draft(from, to, at);
        draft.subject = match method {
            "REQUEST" => format!("Invitation: {}", event.summary),
            "CANCEL" => format!("Canceled: {}", event.summary),
            _ => format!("Accepted: {}", event.summary),
        };
        let ics = ics::write(std::slice::from_ref(event), Some(method));
        draft.body = Body::Invitation { ics, method, file: self.rng.chance(50) };
        draft
    }
}

/// The VEVENT of a plan.
pub fn vevent(plan: &Plan) -> Vevent {
    let mut event = plan.event.clone();
    event.guests = plan.guests.iter().map(|(p, answer)| guest(p, answer)).collect();
    if let Some(room) = plan.room {
        let name = "Room Elbe".into();
        event.guests.push(Guest {
            name,
            address: room.into(),
            answer: "ACCEPTED",
            role: "NON-PARTICIPANT",
            room: true,
        });
    }
    event
}

/// An answer by mail (METHOD:REPLY): the event with its sender alone.
pub fn answer(plan: &Plan, person: &Person, answer: &'static str, stamp: DateTime<Utc>) -> Vevent {
    Vevent { guests: vec![guest(person, answer)], stamp, ..plan.event.clone() }
}

fn guest(p: &Person, answer: &'static str) -> Guest {
    Guest { name: p.name.replace('"', ""), address: p.address.clone(), answer, role: "REQ-PARTICIPANT", room: false }
}

/// Held, with this confirmation, on this deal.
pub fn held(confirmed: bool, deal: DealChoice) -> Fate {
    Fate::Meeting { status: Status::Held, confirmed: Some(confirmed), deal }
}

pub fn with_status(status: Status, deal: DealChoice) -> Fate {
    Fate::Meeting { status, confirmed: None, deal }
}
