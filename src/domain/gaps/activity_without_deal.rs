//! `activity_without_deal`: much two-way activity with a company that has no open deal. Two-way: mails of both sides, held
//! meetings, calls; at least one sign of each side. What stands on a deal, or waits for one to be chosen, is left aside, and
//! so are partners. What was captured is a fact: never unknown. It fades when the exchange does.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{
    Ending, Verdict,
    finding::{Finding, Rule},
    subject::{LIGHT, SubjectCase, stands},
    words,
};
use crate::domain::{
    activity::{Activity, Direction, Kind, Origin, Participant, Status},
    directory::Company,
    span::Span,
};

fn limits(case: &SubjectCase<'_>) -> Option<(Span, usize)> {
    let rule = case.facts.thresholds.rule(Rule::ActivityWithoutDeal.as_str());
    rule.enabled().then(|| (rule.span("within", None, ""), (rule.count("activities", None, "") as usize).max(1)))
}

/// What happened with the company and belongs to no deal.
fn counts(case: &SubjectCase<'_>, a: &Activity) -> bool {
    let happened = match a.kind {
        Kind::Email => a.occurred_at <= case.now() && !a.automatic,
        Kind::Meeting => a.status_at(case.now()) == Status::Held,
        Kind::Call => a.occurred_at <= case.now(),
        Kind::Note => false,
    };
    let directory = case.facts.directory;
    let outside = |p: &&Participant| p.takes_part() && !directory.is_ours(&p.address);
    let outsiders = || a.participants.iter().filter(outside);
    let partners_only = outsiders().next().is_some() && outsiders().all(|p| directory.is_partner(&p.address));
    a.origin == Origin::Captured && happened && a.is_loose() && !partners_only
}

/// (theirs, ours)
fn sides(a: &Activity) -> (bool, bool) {
    match (a.kind, a.direction) {
        (Kind::Email, Some(Direction::Inbound)) => (true, false),
        (Kind::Email, _) => (false, true),
        _ => (true, true),
    }
}

pub(super) fn judge(case: &SubjectCase<'_>, company: &Company) -> Option<Verdict> {
    let (within, enough) = limits(case)?;
    if has_open_deal(case, company) {
        return None;
    }
    // the same sum as in `next`: off working days there and back are not the same way
    let fresh = |a: &Activity| case.facts.calendar.add(a.occurred_at, within) > case.now();
    let recent: Vec<&Activity> = case.near.iter().copied().filter(|a| fresh(a) && counts(case, a)).collect();
    let theirs = recent.iter().any(|a| sides(a).0);
    let ours = recent.iter().any(|a| sides(a).1);
    if recent.len() < enough || !(theirs && ours) {
        return None;
    }
    Some(stands(finding(case, company, &recent, within, enough)))
}

fn has_open_deal(case: &SubjectCase<'_>, company: &Company) -> bool {
    let directory = case.facts.directory;
    let mut deals = directory.deals_of_company(&company.id).iter().filter_map(|id| directory.deals.get(id));
    deals.any(|deal| directory.open_at(deal, case.now()))
}

fn finding(case: &SubjectCase<'_>, company: &Company, recent: &[&Activity], within: Span, enough: usize) -> Finding {
    let owner = busiest(recent).or_else(|| company.owner.clone());
    let who = owner.clone().unwrap_or_default();
    let (mut mails, mut talks) = (0, 0);
    for a in recent {
        if a.kind == Kind::Email { mails += 1 } else { talks += 1 }
    }
    let mut said = Vec::new();
    if mails > 0 {
        said.push(words::counted(mails, "mail", "mails"));
    }
    if talks > 0 {
        said.push(words::counted(talks, "meeting or call", "meetings and calls"));
    }
    let first = recent.first().map_or(case.now(), |a| a.occurred_at);
    let since = recent.get(enough - 1).map_or(case.now(), |a| a.occurred_at);
    Finding {
        severity: LIGHT,
        owner,
        window_from: Some(first),
        window_to: Some(since),
        expected: words::sentence(&format!("an open deal with {}, when there is so much to talk about", company.name)),
        found: words::sentence(&format!(
            "{} {} on no deal, the first on {}",
            words::list(&said),
            words::within(within),
            case.facts.day(&who, first)
        )),
        clears_when: words::sentence(&format!("open a deal with {}, or say why there is none", company.name)),
        evidence: recent.iter().take(super::MOST_IDS).map(|a| a.id.clone()).collect(),
        ..case.blank(Rule::ActivityWithoutDeal, company.id.clone(), since)
    }
}

/// The one of us who took part most; of several the first by address.
fn busiest(recent: &[&Activity]) -> Option<String> {
    let mut parts: BTreeMap<&str, usize> = BTreeMap::new();
    for a in recent {
        let mut users: Vec<&str> = a.participants.iter().filter_map(|p| p.user.as_deref()).collect();
        users.sort_unstable();
        users.dedup();
        for user in users {
            *parts.entry(user).or_default() += 1;
        }
    }
    let most = parts.values().copied().max()?;
    parts.into_iter().find(|(_, n)| *n == most).map(|(user, _)| user.to_owned())
}

/// A deal was opened: that is what it asked for.
pub(super) fn ending(case: &SubjectCase<'_>, company: &Company) -> Ending {
    if has_open_deal(case, company) { Ending::Resolved { by: None, at: case.now() } } else { Ending::Withdrawn }
}

/// When an activity fades out, and when a planned meeting is over.
pub(super) fn next(case: &SubjectCase<'_>) -> Vec<DateTime<Utc>> {
    let Some((within, _)) = limits(case) else { return vec![] };
    let fades = case.near.iter().map(|a| case.facts.calendar.add(a.occurred_at, within));
    let ends = case.near.iter().filter_map(|a| a.ended_at);
    let begins = case.near.iter().map(|a| a.occurred_at);
    fades.chain(ends).chain(begins).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{
        Finding, Rule, Severity, State,
        world::{ANA, World, call, deal, mail_from, mail_in, mail_out, meeting, t, typed},
    };
    use crate::domain::activity::{Activity, Direction, Entity, Kind, Match, Origin, Reason, Role};

    /// The same, tied to the company and to no deal.
    fn loose(mut activity: Activity) -> Activity {
        activity.matches.retain(|m| m.entity == Entity::Contact);
        let company = Match { entity: Entity::Company, id: "northwind".into(), ..activity.matches[0].clone() };
        activity.matches.push(Match { reason: Reason::Domain, ..company });
        for p in &mut activity.participants {
            p.user = (p.address == ANA).then(|| ANA.to_owned());
        }
        activity
    }

    /// The only deal was lost long ago.
    fn idle(now: &str) -> World {
        World::new(now).moved("09-10", "Lost")
    }

    /// A mail to and two fro in a week.
    fn busy() -> World {
        idle("11-12")
            .with(loose(mail_in("a", "11-05")))
            .with(loose(mail_out("b", "11-06")))
            .with(loose(mail_in("c", "11-09")))
    }

    fn found(world: &World) -> Vec<Finding> {
        world.about("company:northwind", &[]).0
    }

    #[test]
    fn fires_at_the_third_activity() {
        let all = found(&busy());
        assert_eq!(all.len(), 1);
        let finding = &all[0];
        assert_eq!((finding.rule, finding.state), (Rule::ActivityWithoutDeal, State::Open));
        assert_eq!((finding.severity, finding.since), (Severity::Low, t("11-09")));
        assert_eq!((finding.deal.as_deref(), finding.company.as_deref()), (None, Some("northwind")));
        assert_eq!((finding.owner.as_deref(), finding.subject().as_str()), (Some(ANA), "company:northwind"));
        assert_eq!(finding.found, "3 mails within 14 days on no deal, the first on 5 Nov.");
        assert_eq!(finding.evidence, ["a", "b", "c"]);
    }

    #[test]
    fn what_counts() {
        let two = || idle("11-12").with(loose(mail_in("a", "11-05"))).with(loose(mail_out("b", "11-06")));
        let on_a_deal = || mail_in("c", "11-09");
        let partner = || loose(mail_from("c", "11-09", "pat@reseller.example"));
        let cases: Vec<(&str, World, bool)> = vec![
            ("a third mail", two().with(loose(mail_in("c", "11-09"))), true),
            ("a held meeting", two().with(loose(meeting("m", "11-09", true))), true),
            ("a call", two().with(loose(call("c", "11-09", Origin::Captured))), true),
            ("a planned meeting", two().with(loose(meeting("m", "11-20", true))), false),
            ("a machine's mail", two().with(loose(Activity { automatic: true, ..mail_in("c", "11-09") })), false),
            ("typed by hand", two().with(loose(typed("c", Kind::Call, "11-09", false))), false),
            ("on a deal", two().with(on_a_deal()), false),
            (
                "its deal not chosen",
                two().with(Activity { undecided: vec!["d1".into()], ..loose(mail_in("c", "11-09")) }),
                false,
            ),
            ("a partner", two().with(partner()), false),
            ("too old", two().with(loose(mail_in("c", "10-28"))), false),
            (
                "one way only",
                idle("11-12")
                    .with(loose(mail_out("a", "11-05")))
                    .with(loose(mail_out("b", "11-06")))
                    .with(loose(mail_out("c", "11-09"))),
                false,
            ),
            (
                "a meeting goes both ways",
                idle("11-12")
                    .with(loose(meeting("a", "11-05", true)))
                    .with(loose(meeting("b", "11-06", false)))
                    .with(loose(mail_out("c", "11-09"))),
                true,
            ),
            ("an open deal", World { deal: deal("d1", "Lead"), ..busy() }, false),
            ("another open deal of the company", World { others: vec![deal("d2", "Lead")], ..busy() }, false),
            ("switched off", busy().set("activity_without_deal", None, "enabled", "false"), false),
            ("four are asked for", busy().set("activity_without_deal", None, "activities", "4"), false),
            ("within three days", busy().set("activity_without_deal", None, "within", "3d"), false),
        ];
        for (name, world, fires) in cases {
            assert_eq!(!found(&world).is_empty(), fires, "{name}");
        }
        // A fact: never unknown.
        assert_eq!(found(&busy().drop_connection("ana-mail"))[0].state, State::Open);
        assert_eq!(loose(mail_in("a", "11-05")).direction, Some(Direction::Inbound));
        assert_eq!(loose(mail_in("a", "11-05")).participants[0].role, Role::From);
    }

    #[test]
    fn it_fades_when_it_said_it_would() {
        // days off are where counting days back and forth differ
        for day in ["11-06", "11-07", "11-08", "11-09"] {
            let at = |now: &str| {
                let world = idle(now).set("activity_without_deal", None, "within", "5wd");
                let mails = [mail_in("a", day), mail_out("b", day), mail_in("c", day)];
                mails.into_iter().fold(world, |world, mail| world.with(loose(mail)))
            };
            let due = at(&format!("{day} 13:00")).about("company:northwind", &[]).1.next_due.expect("it fades");
            let moment = |at: chrono::DateTime<chrono::Utc>| at.format("%m-%d %H:%M").to_string();
            assert_eq!(found(&at(&moment(due))), [], "{day}");
            assert_eq!(found(&at(&moment(due - chrono::TimeDelta::minutes(1)))).len(), 1, "{day}");
        }
    }

    #[test]
    fn a_deal_resolves_and_silence_withdraws() {
        let open = found(&busy());
        let opened = World { others: vec![deal("d2", "Lead")], ..busy() };
        assert_eq!(opened.about("company:northwind", &open).0[0].state, State::Resolved);
        let (kept, outlook) = busy().about("company:northwind", &open);
        assert_eq!((kept, outlook.next_due), (open.clone(), Some(t("11-19"))));
        let faded = busy().at("11-19").about("company:northwind", &open).0;
        assert_eq!(faded[0].state, State::Withdrawn);
        let mut snoozed = open.clone();
        snoozed[0].snooze(t("11-13"), "support".into(), ANA.into());
        let (kept, outlook) = busy().about("company:northwind", &snoozed);
        assert_eq!((kept[0].state, outlook.next_due), (State::Snoozed, Some(t("11-13"))));
        assert_eq!(busy().at("11-13").about("company:northwind", &kept).0[0].state, State::Open);
    }
}
