//! `single_threaded`: from some stage on, or above an amount, only one outsider took part lately. Whoever stands on a mail,
//! a held meeting or a logged call took part, whichever side wrote it; partners are not the buyer; what was only typed and
//! what a machine sent shows nobody. Who takes part now stays counted for as long as the rule looks back.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::{
    Ending, Judge, Outcome, Verdict,
    case::{Case, Seen, Tie},
    evidence::Weight,
    finding::{Finding, Rule, Severity},
    limits::Limits,
    moves,
    sight::Sight,
    words,
};
use crate::domain::span::Span;

struct Threads<'c, 'a> {
    /// Who took part, the last first: the person, and the last activity with him.
    people: Vec<(&'a str, &'c Seen<'a>)>,
    within: Span,
    /// So many are too few.
    few: usize,
    /// Since when the deal is one that this matters for.
    matters_since: DateTime<Utc>,
}

/// Since when the deal stands where more than one person is needed.
fn matters_since(case: &Case<'_>, limits: &Limits<'_>) -> Option<DateTime<Utc>> {
    let directory = case.facts.directory;
    let open_since = moves::open_since(case.deal, directory);
    let first = limits.count("from_stage");
    let far = |stage: &str| moves::place(directory, stage).is_some_and(|place| place >= first);
    let above = limits.number("above_amount");
    if far(&case.deal.stage) {
        let came = moves::moves(case.deal).into_iter().rev().find(|m| far(&m.to) && !far(&m.from)).map(|m| m.at);
        return came.or(open_since);
    }
    (above > 0.0 && case.deal.amount.is_some_and(|amount| amount >= above)).then_some(open_since).flatten()
}

impl<'c, 'a> Threads<'c, 'a> {
    fn of(case: &'c Case<'a>) -> Option<Self> {
        let limits = case.limits(Rule::SingleThreaded, &case.deal.stage).filter(|_| case.is_open())?;
        let matters_since = matters_since(case, &limits)?;
        let mut last: BTreeMap<&'a str, &'c Seen<'a>> = BTreeMap::new();
        for seen in case.seen.iter().filter(|s| s.tie != Tie::Pending && s.is_captured()) {
            last.extend(case.outsiders(seen).into_iter().map(|person| (person, seen)));
        }
        let mut people: Vec<(&'a str, &'c Seen<'a>)> = last.into_iter().collect();
        people.sort_by(|a, b| (b.1.at(), a.0).cmp(&(a.1.at(), b.0)));
        Some(Self { people, within: limits.span("within"), few: limits.count("people"), matters_since })
    }

    fn until(&self, case: &Case<'_>, at: DateTime<Utc>) -> DateTime<Utc> {
        case.calendar(case.owner_at(case.now())).add(at, self.within)
    }

    fn now(&self, case: &Case<'_>) -> &[(&'a str, &'c Seen<'a>)] {
        let n = self.people.iter().take_while(|(_, s)| self.until(case, s.at()) > case.now()).count();
        &self.people[..n]
    }

    /// Since when there have been too few.
    fn since(&self, case: &Case<'_>) -> DateTime<Utc> {
        let fell = self.people.get(self.few).map(|(_, s)| self.until(case, s.at()));
        fell.map_or(self.matters_since, |fell| fell.max(self.matters_since))
    }

    fn sight(&self, case: &Case<'_>) -> Sight {
        let calendar = case.calendar(case.owner_at(case.now()));
        let began = moves::open_since(case.deal, case.facts.directory).unwrap_or(self.matters_since);
        let since = self.since(case);
        case.sight_over(calendar.sub(since, self.within).max(began).min(since), since, case.now())
    }

    /// Waiting activities that somebody else took part in.
    fn pending(&self, case: &'c Case<'a>) -> Vec<&'c Seen<'a>> {
        let known: BTreeSet<&str> = self.now(case).iter().map(|(person, _)| *person).collect();
        let other = |s: &&Seen<'a>| {
            s.weight != Weight::Nothing
                && s.is_captured()
                && self.until(case, s.at()) > case.now()
                && case.outsiders(s).iter().any(|person| !known.contains(person))
        };
        case.pending().filter(other).collect()
    }
}

pub(super) const JUDGE: Judge = Judge { ending, next, waits_for, ..Judge::new(Rule::SingleThreaded, judge) };

fn judge(case: &Case<'_>, verdicts: &mut Vec<Verdict>) {
    let Some(threads) = Threads::of(case).filter(|t| t.now(case).len() <= t.few) else { return };
    let since = threads.since(case);
    let sight = threads.sight(case);
    if since > case.now() || !sight.lagging.is_empty() {
        return;
    }
    let pending = threads.pending(case);
    let owner = case.owner_at(case.now());
    let there = threads.now(case);
    let span = words::within(threads.within).replacen("within", "in the last", 1);
    // Who it is stands in the contact and the evidence, which are erased with the person; sentences are kept.
    let found = match there.len() {
        0 => format!("nobody from {} took part {span}", case.buyer()),
        1 => format!("only one person from {} took part {span}", case.buyer()),
        n => format!("only {n} people from {} took part {span}", case.buyer()),
    };
    let found = match case.blindness(owner, &sight, pending.len()) {
        Some(why) => format!("we could not see everything: {why}; otherwise {found}"),
        None => format!("{found}{}", case.without_calendar(&sight)),
    };
    let asked = format!("a mail, a meeting or a call with somebody else from {}", case.buyer());
    let needed =
        if threads.few == 1 { "at least two people".into() } else { format!("more than {} people", threads.few) };
    let looked: Vec<&Seen<'_>> = there.iter().rev().map(|(_, s)| *s).collect();
    let finding = Finding {
        severity: if case.is_large() { Severity::High } else { Severity::Low },
        owner: Some(owner.to_owned()),
        contact: one_contact(case, there),
        expected: words::sentence(&format!("{needed} from {} in touch {span}", case.buyer())),
        found: words::sentence(&found),
        clears_when: words::sentence(words::doubt(&sight, &pending).unwrap_or(&asked)),
        evidence: super::ids(&looked),
        blind: super::blind(&sight),
        pending: super::ids(&pending),
        ..super::blank(case, Rule::SingleThreaded, since.timestamp_millis().to_string(), since)
    };
    verdicts.push(Verdict { outcome: Outcome::Stands, finding: finding.doubted() });
}

/// The one person, when the CRM knows the contact.
fn one_contact(case: &Case<'_>, there: &[(&str, &Seen<'_>)]) -> Option<String> {
    let [(person, _)] = there else { return None };
    case.facts.directory.contacts.contains_key(*person).then(|| (*person).to_owned())
}

/// Somebody else took part: the first activity after which there were enough.
fn ending(case: &Case<'_>, finding: &Finding) -> Ending {
    let Some(threads) = Threads::of(case).filter(|t| t.now(case).len() > t.few) else { return Ending::Withdrawn };
    let mut last: BTreeMap<&str, DateTime<Utc>> = BTreeMap::new();
    for seen in case.seen.iter().filter(|s| s.tie != Tie::Pending && s.is_captured()) {
        last.extend(case.outsiders(seen).into_iter().map(|person| (person, seen.at())));
        let there = last.values().filter(|at| threads.until(case, **at) > seen.at()).count();
        if there > threads.few && seen.at() > finding.since {
            return Ending::Resolved { by: Some(seen.activity.id.clone()), at: seen.at() };
        }
    }
    Ending::Withdrawn
}

fn next(case: &Case<'_>, moments: &mut Vec<DateTime<Utc>>) {
    let Some(threads) = Threads::of(case) else { return };
    moments.push(threads.matters_since);
    moments.extend(threads.people.iter().map(|(_, s)| threads.until(case, s.at())));
    moments.extend(case.pending().map(|s| threads.until(case, s.at())));
}

/// Connections whose reading is waited for.
fn waits_for(case: &Case<'_>) -> Vec<String> {
    let few = Threads::of(case).filter(|t| t.now(case).len() <= t.few);
    few.map(|t| t.sight(case).lagging).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::{
        Finding, Rule, Severity, State,
        world::{ANA, World, call, deal, mail_from, mail_in, mail_out, meeting, pending, t, typed},
    };
    use crate::domain::{
        activity::{Activity, Kind, Match, Origin, Participant, Role},
        directory::ContactRole,
    };

    const SINGLE: &[Rule] = &[Rule::SingleThreaded];
    const EVE: &str = "eve@northwind.example";

    /// In Proposal since 3 November, with a mail from Tom.
    fn alone(now: &str) -> World {
        World::new(now).moved("10-03", "Discovery").moved("11-03", "Proposal").with(mail_in("a", "11-02"))
    }

    fn with_eve(mut activity: Activity, role: Role) -> Activity {
        activity.participants.push(Participant { address: EVE.into(), name: None, role, contact: None, user: None });
        activity
    }

    fn only(world: &World) -> Finding {
        let mut found = world.findings(SINGLE);
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    #[test]
    fn fires_from_the_third_stage_on() {
        let finding = only(&alone("11-20"));
        assert_eq!((finding.state, finding.severity, finding.since), (State::Open, Severity::Low, t("11-03")));
        assert_eq!((finding.owner.as_deref(), finding.contact.as_deref()), (Some(ANA), Some("tom")));
        assert_eq!(finding.expected, "At least two people from Northwind in touch in the last 60 days.");
        assert_eq!(finding.found, "Only one person from Northwind took part in the last 60 days.");
        assert_eq!(finding.evidence, ["a"]);
        assert_eq!(only(&alone("12-31")).state, State::Open);
        let mut silent = alone("11-20");
        silent.activities.clear();
        assert_eq!(only(&silent).found, "Nobody from Northwind took part in the last 60 days.");
        assert_eq!(World::new("11-20").moved("11-03", "Discovery").findings(SINGLE), []);
        assert_eq!(alone("11-20").moved("11-10", "Won").findings(SINGLE), []);
    }

    #[test]
    fn who_took_part() {
        let eve = |id: &str, at: &str| mail_from(id, at, EVE);
        let of_eve = |mut activity: Activity| {
            activity.matches.push(Match { id: "eve".into(), ..activity.matches[0].clone() });
            activity
        };
        let partner = |id: &str| with_partner(mail_in(id, "11-10"));
        let cases = [
            ("her mail", eve("e", "11-10"), false),
            ("in copy of ours", with_eve(mail_out("e", "11-10"), Role::Cc), false),
            ("a meeting with both", with_eve(meeting("e", "11-10", true), Role::Required), false),
            ("a meeting that nobody confirmed", with_eve(meeting("e", "11-10", false), Role::Required), false),
            ("a planned meeting", with_eve(meeting("e", "12-10", true), Role::Required), true),
            ("a logged call", of_eve(call("e", "11-10", Origin::Captured)), false),
            ("a typed call", of_eve(typed("e", Kind::Call, "11-10", false)), true),
            ("a typed meeting", with_eve(typed("e", Kind::Meeting, "11-10", false), Role::Required), true),
            ("confirmed", with_eve(typed("e", Kind::Meeting, "11-10", true), Role::Required), false),
            ("a machine's", Activity { automatic: true, ..eve("e", "11-10") }, true),
            ("Tom again", mail_in("e", "11-10"), true),
            ("a partner", partner("e"), true),
            ("long ago", eve("e", "09-05"), true),
        ];
        for (name, activity, fires) in cases {
            assert_eq!(!alone("11-20").with(activity).findings(SINGLE).is_empty(), fires, "{name}");
        }
        // A partner whose role says that he buys.
        let mut role = alone("11-20").with(partner("e"));
        role.deal.contacts.push(ContactRole { contact: "pat".into(), role: Some("Decision maker".into()) });
        assert_eq!(role.findings(SINGLE), []);
        // Two addresses of one person are one.
        let mut two = alone("11-20").with(eve("e", "11-10"));
        two.contacts.retain(|c| c.id != "eve");
        two.contacts[0].emails.push(EVE.into());
        assert_eq!(only(&two).contact.as_deref(), Some("tom"));
    }

    fn with_partner(mut activity: Activity) -> Activity {
        let pat = "pat@reseller.example".to_owned();
        let role = Role::Cc;
        activity.participants.push(Participant { address: pat, name: None, role, contact: None, user: None });
        activity
    }

    #[test]
    fn it_begins_when_the_second_one_was_last_seen_too_long_ago() {
        let eve = || alone("11-20").with(mail_from("e", "10-01", EVE)).with(mail_in("b", "11-18"));
        assert_eq!(eve().findings(SINGLE), []);
        assert_eq!(eve().at("11-30 11:59").findings(SINGLE), []);
        let finding = only(&eve().at("11-30"));
        assert_eq!((finding.since, finding.contact.as_deref()), (t("11-30"), Some("tom")));
        let due = eve().outlook(&[]).next_due.expect("a moment");
        assert!(due > t("11-20") && due <= t("11-30"), "{due}");
    }

    #[test]
    fn blindness_and_choices_are_unknown() {
        let late = alone("11-20").ana("ana-mail", |c| c.complete_from = Some(t("10-01")));
        assert_eq!((only(&late).state, &only(&late).blind[..]), (State::Unknown, &["ana-mail".to_owned()][..]));
        assert_eq!(only(&alone("11-20").drop_connection("ana-mail")).state, State::Unknown);
        // Complete since before the sixty days, or since the deal came up.
        let mut young = late.clone();
        young.deal.created_at = Some(t("10-02"));
        young.deal.stage_changes[0].at = t("10-02");
        assert_eq!(only(&young).state, State::Open);
        let lagging = alone("11-20").ana("ana-mail", |c| c.complete_to = Some(t("11-02")));
        assert_eq!(lagging.findings(SINGLE), []);
        assert!(lagging.outlook(&[]).waits_for.contains("ana-mail"));
        let waits = |activity: Activity| {
            let mut world = alone("11-20").with(pending(activity));
            world.others.push(deal("d2", "Lead"));
            only(&world).state
        };
        assert_eq!(waits(mail_from("p", "11-10", EVE)), State::Unknown);
        assert_eq!(waits(mail_in("p", "11-10")), State::Open);
        assert_eq!(waits(mail_from("p", "09-10", EVE)), State::Open);
    }

    #[test]
    fn thresholds_per_stage() {
        let cases = [
            (Some("Proposal"), "from_stage", "4", false),
            (Some("Sales/Proposal"), "from_stage", "4", false),
            (Some("Lead"), "from_stage", "4", true),
            (None, "people", "0", false),
            (None, "enabled", "false", false),
        ];
        for (stage, key, value, fires) in cases {
            let world = alone("11-20").set("single_threaded", stage, key, value);
            assert_eq!(!world.findings(SINGLE).is_empty(), fires, "{stage:?} {key} {value}");
        }
        let early =
            World::new("11-20").with(mail_in("a", "11-02")).set("single_threaded", None, "above_amount", "1000");
        assert_eq!(only(&early).since, t("09-01"));
        assert_eq!(early.set("single_threaded", None, "above_amount", "1001").findings(SINGLE), []);
        let two = alone("11-20").with(mail_from("e", "11-10", EVE)).set("single_threaded", None, "people", "2");
        assert_eq!(only(&two).expected, "More than 2 people from Northwind in touch in the last 60 days.");
        let short = alone("11-20").with(mail_from("e", "11-04", EVE)).set("single_threaded", None, "within", "14d");
        assert_eq!(only(&short).since, t("11-16"));
    }

    #[test]
    fn somebody_else_resolves() {
        let open = alone("11-20").judged(&[]);
        let state = |world: World| {
            let all = world.judged(&open);
            let one = all.iter().find(|f| f.rule == Rule::SingleThreaded).expect("kept");
            (one.state, one.resolved_by.clone(), one.resolved_at)
        };
        let both = alone("11-20").with(mail_from("e", "11-12", EVE)).with(mail_from("f", "11-13", EVE));
        assert_eq!(state(both), (State::Resolved, Some("e".into()), Some(t("11-12"))));
        assert_eq!(state(alone("11-20").moved("11-19", "Lost")), (State::Withdrawn, None, None));
    }

    #[test]
    fn a_snooze_survives_judging() {
        alone("11-20").survives_a_snooze(Rule::SingleThreaded);
    }
}
