//! `phantom_contact`: a contact that a rep put into the CRM has had no traffic at all: no mail, no meeting, no call that
//! anything captured shows. What was only typed in is no traffic. A contact whose first weeks lie wholly before the capture
//! of its owner began, or whose owner has no mailbox here, is not judged: nobody watched.

use chrono::{DateTime, Utc};

use super::{
    Outcome, Verdict,
    finding::{Finding, Rule},
    sight::{Blind, Needed, Sight},
    subject::{LIGHT, SubjectCase, stands},
    words,
};
use crate::domain::{
    activity::{Activity, Origin, Status},
    directory::Contact,
};

/// What a rep made, and until when somebody should have shown.
struct Made<'c> {
    owner: &'c str,
    at: DateTime<Utc>,
    due: DateTime<Utc>,
}

fn made<'c>(case: &'c SubjectCase<'_>, contact: &'c Contact) -> Option<Made<'c>> {
    let rule = case.facts.thresholds.rule(Rule::PhantomContact.as_str());
    // Without an address there is nothing to see them by; whoever was merged is somebody else now.
    if !rule.enabled() || contact.merged_into.is_some() || contact.emails.is_empty() {
        return None;
    }
    let owner = case.facts.user(contact.owner.as_deref()?)?.email.as_str();
    let at = contact.created_at?;
    let due = case.facts.calendar_of(owner).add(at, rule.span("after", None, ""));
    Some(Made { owner, at, due })
}

/// Does it show that there is somebody? Called off or still to come, a meeting is traffic all the same.
fn shows(case: &SubjectCase<'_>, a: &Activity) -> bool {
    a.origin == Origin::Captured && (a.occurred_at <= case.now() || a.status != Status::Done)
}

pub(super) fn judge(case: &SubjectCase<'_>, contact: &Contact) -> Option<Verdict> {
    let made = made(case, contact)?;
    if let Some(first) = case.near.iter().find(|a| shows(case, a)) {
        let outcome = Outcome::Met { by: Some(first.id.clone()), at: Some(first.occurred_at) };
        return Some(Verdict { outcome, finding: finding(case, contact, &made, &Sight::default()) });
    }
    if case.now() < made.due {
        return None;
    }
    let sight = sight(case, &made);
    let unwatched = |b: &Blind| match b {
        Blind::NoMailbox(..) => true,
        Blind::StartsLate(_, began) => *began > made.due,
        Blind::Failing(..) | Blind::Stopped(..) => false,
    };
    if !sight.lagging.is_empty() || sight.blind.iter().any(unwatched) {
        return None;
    }
    Some(stands(finding(case, contact, &made, &sight).doubted()))
}

fn sight(case: &SubjectCase<'_>, made: &Made<'_>) -> Sight {
    case.facts.sight_of(made.owner, Needed { at: made.due, from: made.at, to: made.due, failing_to: case.now() })
}

fn finding(case: &SubjectCase<'_>, contact: &Contact, made: &Made<'_>, sight: &Sight) -> Finding {
    let name = SubjectCase::contact_name(contact);
    let made_on = case.facts.day(made.owner, made.at);
    let silent = format!("none at all since {name} was put into the CRM on {made_on}");
    let found = match case.facts.blindness(made.owner, sight) {
        Some(why) => format!("we could not see everything: {why}; otherwise {silent}"),
        None => format!("{silent}{}", case.facts.without_calendar(sight)),
    };
    let clears = format!("a mail, a meeting or a call with {name}, or take the contact out of the CRM");
    let due = case.facts.day(made.owner, made.due);
    Finding {
        severity: LIGHT,
        owner: Some(made.owner.to_owned()),
        window_from: Some(made.at),
        window_to: Some(made.due),
        expected: words::sentence(&format!("some traffic with {name} by {due}")),
        found: words::sentence(&found),
        clears_when: words::sentence(words::doubt(sight, &[]).unwrap_or(&clears)),
        blind: super::blind(sight),
        ..case.blank(Rule::PhantomContact, contact.id.clone(), made.due)
    }
}

pub(super) fn next(case: &SubjectCase<'_>, contact: &Contact) -> Option<DateTime<Utc>> {
    let quiet = !case.near.iter().any(|a| shows(case, a));
    made(case, contact).filter(|_| quiet).map(|m| m.due)
}

pub(super) fn waits_for(case: &SubjectCase<'_>, contact: &Contact) -> Vec<String> {
    let quiet = !case.near.iter().any(|a| shows(case, a));
    let made = made(case, contact).filter(|m| quiet && m.due <= case.now());
    made.map(|m| sight(case, &m).lagging).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::{
        Finding, Rule, Severity, State,
        world::{ANA, BEN, World, call, mail_in, mail_out, meeting, of_contact, t, typed},
    };
    use crate::domain::activity::{Activity, Kind, Origin, Status};

    /// Ana put Tom into the CRM on 1 October: 31 October is thirty days later.
    fn made() -> World {
        let mut world = World::new("11-06");
        (world.contacts[0].owner, world.contacts[0].created_at) = (Some(ANA.into()), Some(t("10-01")));
        world
    }

    fn found(world: &World) -> Vec<Finding> {
        world.about("contact:tom", &[]).0
    }

    fn only(world: &World) -> Finding {
        let mut found = found(world);
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    #[test]
    fn fires_after_thirty_days_without_traffic() {
        assert_eq!(found(&made().at("10-31 11:59")), []);
        let finding = only(&made().at("10-31 12:00"));
        assert_eq!((finding.rule, finding.state, finding.severity), (Rule::PhantomContact, State::Open, Severity::Low));
        assert_eq!((finding.deal.as_deref(), finding.contact.as_deref()), (None, Some("tom")));
        assert_eq!((finding.owner.as_deref(), finding.since), (Some(ANA), t("10-31")));
        assert_eq!(finding.expected, "Some traffic with tom@northwind.example by 31 Oct.");
        assert_eq!(finding.found, "None at all since tom@northwind.example was put into the CRM on 1 Oct.");
        assert_eq!(made().at("10-20").about("contact:tom", &[]).1.next_due, Some(t("10-31")));
        assert_eq!(finding.subject(), "contact:tom");
        // A rule about no deal says nothing on one.
        assert!(!made().judged(&[]).iter().any(|f| f.rule == Rule::PhantomContact));
    }

    #[test]
    fn any_traffic_will_do() {
        let off = Activity { status: Status::Cancelled, ..meeting("m", "10-10", true) };
        let cases: Vec<(&str, Activity, bool)> = vec![
            ("their mail", mail_in("a", "10-10"), true),
            ("ours", of_contact(mail_out("o", "10-10")), true),
            ("before the contact was made", mail_in("a", "08-01"), true),
            ("a call", call("c", "10-10", Origin::Captured), true),
            ("a planned meeting", meeting("m", "11-20", true), true),
            ("a meeting called off", off, true),
            ("typed by hand", typed("c", Kind::Call, "10-10", false), false),
        ];
        assert_eq!(found(&made().with(mail_in("a", "11-05"))), [], "long after");
        for (name, activity, there) in cases {
            let world = made().with(activity);
            assert_eq!(found(&world).is_empty(), there, "{name}");
            let young = world.at("10-20").about("contact:tom", &[]).1.next_due;
            assert_eq!(young, (!there).then(|| t("10-31")), "{name}");
        }
    }

    #[test]
    fn whose_contacts_are_judged() {
        let edited = |edit: fn(&mut World)| {
            let mut world = made();
            edit(&mut world);
            world
        };
        let cases: Vec<(&str, World)> = vec![
            ("nobody's", edited(|w| w.contacts[0].owner = None)),
            ("of somebody who is none of us", edited(|w| w.contacts[0].owner = Some("x@other.example".into()))),
            ("of unknown age", edited(|w| w.contacts[0].created_at = None)),
            ("merged", edited(|w| w.contacts[0].merged_into = Some("eve".into()))),
            ("without an address", edited(|w| w.contacts[0].emails.clear())),
            ("of a rep without a mailbox", edited(|w| w.contacts[0].owner = Some(BEN.into()))),
            ("switched off", made().set("phantom_contact", None, "enabled", "false")),
            ("more patience", made().set("phantom_contact", None, "after", "60d")),
        ];
        for (name, world) in cases {
            assert_eq!(found(&world), [], "{name}");
        }
    }

    #[test]
    fn blindness_is_unknown_and_old_contacts_are_not_judged() {
        let failing = made().ana("ana-mail", |c| (c.failing, c.complete_to) = (true, Some(t("11-01"))));
        assert_eq!((only(&failing).state, &only(&failing).blind[..]), (State::Unknown, &["ana-mail".to_owned()][..]));
        let partly = made().ana("ana-mail", |c| c.complete_from = Some(t("10-10")));
        assert_eq!(only(&partly).state, State::Unknown);
        let wholly = made().ana("ana-mail", |c| c.complete_from = Some(t("11-01")));
        assert_eq!(found(&wholly), []);
        let lagging = made().ana("ana-mail", |c| c.complete_to = Some(t("10-30")));
        assert_eq!(found(&lagging), []);
        assert!(lagging.about("contact:tom", &[]).1.waits_for.contains("ana-mail"));
    }

    #[test]
    fn traffic_resolves_and_a_snooze_ends() {
        let open = vec![only(&made())];
        let (ended, _) = made().with(mail_in("a", "11-05")).about("contact:tom", &open);
        assert_eq!((ended[0].state, ended[0].resolved_by.as_deref()), (State::Resolved, Some("a")));
        let mut gone = made();
        gone.contacts.remove(0);
        assert_eq!(gone.about("contact:tom", &open).0[0].state, State::Withdrawn);
        let mut snoozed = open.clone();
        snoozed[0].snooze(t("11-09"), "new job".into(), ANA.into());
        let (kept, outlook) = made().about("contact:tom", &snoozed);
        assert_eq!((kept[0].state, outlook.next_due), (State::Snoozed, Some(t("11-09"))));
        assert_eq!(made().at("11-09").about("contact:tom", &kept).0[0].state, State::Open);
    }
}
