//! `unlisted_stakeholder`: somebody of the deal's company takes part in it again and again and is no contact in the CRM, or
//! a contact without a place on the deal. What people did together is a fact: never unknown.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{
    Ending, Judge, Outcome, Verdict,
    case::{Case, Seen, Tie},
    finding::{Finding, Rule, Severity},
    words,
};

pub(super) const JUDGE: Judge = Judge { ending, ..Judge::new(Rule::UnlistedStakeholder, judge) };

fn judge(case: &Case<'_>, verdicts: &mut Vec<Verdict>) {
    let Some(limits) = case.limits(Rule::UnlistedStakeholder, &case.deal.stage).filter(|_| case.is_open()) else {
        return;
    };
    let Some(company) = case.deal.company.as_deref() else { return };
    let listed = Case::contacts_of(case.facts.directory, case.deal);
    let mut took_part: BTreeMap<&str, Vec<&Seen<'_>>> = BTreeMap::new();
    for seen in case.seen.iter().filter(|s| s.tie == Tie::Deal && s.is_captured() && s.at() <= case.now()) {
        for person in case.outsiders(seen) {
            if !listed.contains(person) && company_of(case, person) == Some(company) {
                took_part.entry(person).or_default().push(seen);
            }
        }
    }
    let enough = limits.count("activities").max(1);
    for (person, seen) in took_part.into_iter().filter(|(_, seen)| seen.len() >= enough) {
        let finding = finding(case, person, &seen, seen[enough - 1].at());
        verdicts.push(Verdict { outcome: Outcome::Stands, finding });
    }
}

/// By the address's domain, else the contact's own company.
fn company_of<'a>(case: &Case<'a>, person: &str) -> Option<&'a str> {
    let directory = case.facts.directory;
    let Some(contact) = directory.contacts.get(person) else {
        return directory.company_by_address(person).map(|c| c.id.as_str());
    };
    let by_address = contact.emails.iter().find_map(|e| directory.company_by_address(e)).map(|c| c.id.as_str());
    by_address.or(contact.company.as_deref())
}

fn finding(case: &Case<'_>, person: &str, seen: &[&Seen<'_>], since: DateTime<Utc>) -> Finding {
    let owner = case.owner_at(case.now());
    let contact = case.facts.directory.contacts.get(person);
    let name = case.person_name(person);
    let last = seen.last().map_or(since, |s| s.at());
    let lacks = if contact.is_some() { "is a contact without a place on it" } else { "is no contact in the CRM" };
    let clears = match contact {
        Some(_) => format!("put {name} on the deal"),
        None => format!("add {name} to the CRM, and put them on the deal"),
    };
    Finding {
        contact: contact.map(|c| c.id.clone()),
        severity: if case.is_large() { Severity::Medium } else { Severity::Low },
        owner: Some(owner.to_owned()),
        to_stage: Some(case.deal.stage.clone()),
        expected: words::sentence(&format!("everybody at {} who takes part stands on the deal", case.buyer())),
        found: words::sentence(&format!(
            "{name} took part in {} of its activities, last on {}, and {lacks}",
            seen.len(),
            case.day(owner, last)
        )),
        clears_when: words::sentence(&clears),
        evidence: super::ids(seen),
        ..super::blank(case, Rule::UnlistedStakeholder, person.to_owned(), since)
    }
}

/// Resolved when the person stands on the deal now.
fn ending(case: &Case<'_>, finding: &Finding) -> Ending {
    let directory = case.facts.directory;
    let now_known = directory.contact_by_address(&finding.key).map_or(finding.key.as_str(), |c| c.id.as_str());
    if Case::contacts_of(directory, case.deal).contains(directory.survivor(now_known)) {
        Ending::Resolved { by: None, at: case.now() }
    } else {
        Ending::Withdrawn
    }
}

#[cfg(test)]
mod tests {
    use super::super::{
        Finding, Rule, Severity, State,
        world::{ANA, World, deal, mail_from, mail_in, mail_out, meeting, of_contact, pending, t},
    };
    use crate::domain::{
        activity::{Activity, Role, Status},
        directory::ContactRole,
    };

    const STAKE: &[Rule] = &[Rule::UnlistedStakeholder];

    /// Somebody the CRM does not know wrote twice.
    fn stranger() -> World {
        let new = |id: &str, day: &str| mail_from(id, day, "new@northwind.example");
        World::new("11-20").with(new("a", "11-03")).with(new("b", "11-05"))
    }

    /// Eve is a contact of the company and has no place on the deal.
    fn eve() -> World {
        let eve = |id: &str, day: &str| mail_from(id, day, "eve@northwind.example");
        World::new("11-20").with(eve("a", "11-03")).with(eve("b", "11-05"))
    }

    #[test]
    fn fires_at_the_second_activity() {
        let found = stranger().findings(STAKE);
        assert_eq!(found.len(), 1);
        let finding = &found[0];
        assert_eq!((finding.state, finding.severity, finding.since), (State::Open, Severity::Low, t("11-05")));
        assert_eq!((finding.contact.as_deref(), finding.owner.as_deref()), (None, Some(ANA)));
        assert_eq!(
            finding.found,
            "New@northwind.example took part in 2 of its activities, last on 5 Nov, and is no contact in the CRM."
        );
        let found = eve().findings(STAKE);
        assert_eq!((found.len(), found[0].contact.as_deref()), (1, Some("eve")));
        assert!(found[0].found.ends_with("and is a contact without a place on it."), "{}", found[0].found);
    }

    #[test]
    fn who_counts() {
        let with =
            |other: Activity| World::new("11-20").with(mail_from("a", "11-03", "new@northwind.example")).with(other);
        let copied = || {
            let mut mail = mail_out("o", "11-05");
            mail.participants.push(mail_from("x", "11-05", "new@northwind.example").participants.remove(0));
            mail.participants[2].role = Role::Cc;
            mail
        };
        let invited = |status, day: &str| {
            let mut meeting = meeting("m", day, true);
            meeting.participants[1].address = "new@northwind.example".into();
            Activity { status, ..meeting }
        };
        let again = |tag: fn(Activity) -> Activity| tag(mail_from("b", "11-05", "new@northwind.example"));
        let cases: Vec<(&str, World, bool)> = vec![
            ("once", World::new("11-20").with(mail_from("a", "11-03", "new@northwind.example")), false),
            ("in copy of ours", with(copied()), true),
            ("at a held meeting", with(invited(Status::Planned, "11-05")), true),
            ("at a planned one", with(invited(Status::Planned, "11-25")), false),
            ("at one called off", with(invited(Status::Cancelled, "11-05")), false),
            ("a machine", with(again(|a| Activity { automatic: true, ..a })), false),
            ("on no deal", with(again(of_contact)), false),
            ("its deal not chosen", with(again(pending)), false),
            (
                "of another company",
                World::new("11-20").with(mail_from("a", "11-03", "x@other.example")).with(mail_from(
                    "b",
                    "11-05",
                    "x@other.example",
                )),
                false,
            ),
            (
                "a partner",
                World::new("11-20").with(mail_from("a", "11-03", "pat@reseller.example")).with(mail_from(
                    "b",
                    "11-05",
                    "pat@reseller.example",
                )),
                false,
            ),
            ("the deal's contact", World::new("11-20").with(mail_in("a", "11-03")).with(mail_in("b", "11-05")), false),
            ("a lost deal", stranger().moved("11-10", "Lost"), false),
        ];
        for (name, mut world, fires) in cases {
            world.others.push(deal("d2", "Won"));
            assert_eq!(!world.findings(STAKE).is_empty(), fires, "{name}");
        }
        let listed = |role: Option<&str>| {
            let mut world = eve();
            world.deal.contacts.push(ContactRole { contact: "eve".into(), role: role.map(str::to_owned) });
            world
        };
        assert_eq!(listed(None).findings(STAKE), []);
        assert_eq!(listed(Some("Buyer")).findings(STAKE), []);
        // A fact: never unknown.
        assert_eq!(stranger().drop_connection("ana-mail").findings(STAKE)[0].state, State::Open);
    }

    #[test]
    fn resolved_when_listed() {
        let find = |all: &[Finding]| all.iter().find(|f| f.rule == Rule::UnlistedStakeholder).cloned().expect("kept");
        let open = eve().judged(&[]);
        let mut listed = eve();
        listed.deal.contacts.push(ContactRole { contact: "eve".into(), role: None });
        assert_eq!(find(&listed.judged(&open)).state, State::Resolved);
        // The stranger became a contact with a place on the deal.
        let open = stranger().judged(&[]);
        let mut known = stranger();
        known.contacts[1].emails = vec!["new@northwind.example".into()];
        known.deal.contacts.push(ContactRole { contact: "eve".into(), role: None });
        assert_eq!(find(&known.judged(&open)).state, State::Resolved);
        assert_eq!(find(&stranger().moved("11-19", "Won").judged(&open)).state, State::Withdrawn);
        stranger().survives_a_snooze(Rule::UnlistedStakeholder);
    }

    #[test]
    fn thresholds_per_stage() {
        for (stage, key, value, fires) in [
            (Some("Lead"), "activities", "3", false),
            (Some("Proposal"), "activities", "3", true),
            (None, "enabled", "false", false),
        ] {
            let world = stranger().set("unlisted_stakeholder", stage, key, value);
            assert_eq!(!world.findings(STAKE).is_empty(), fires, "{stage:?} {key} {value}");
        }
    }
}
