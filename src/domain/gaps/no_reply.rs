//! `no_reply`: our last mail on an open deal has had no answer for so long; of somebody who usually answers, for a multiple
//! of the usual time. Whoever said to be away is waited for until the end of it. An answer is any sign from the buyer on
//! the deal, and any mail of those we wrote to. Our "thanks" waits for nothing.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::{
    Awaited, Ending, Judge, Outcome, Verdict,
    case::{Case, Seen, Tie},
    evidence::{Side, Weight},
    finding::{Finding, Rule, Severity},
    letters, moves,
    sight::Sight,
    words,
};
use crate::domain::{activity::Activity, span::Span};

/// Our last mail and how long it may wait.
struct Wait<'c, 'a> {
    mail: &'c Seen<'a>,
    /// Those it is addressed to.
    to: BTreeSet<&'a str>,
    due: DateTime<Utc>,
    /// Who takes longest, when that is known from earlier answers.
    usual: Option<(&'a str, i64)>,
    away: Option<(&'a str, DateTime<Utc>)>,
}

fn wait<'c, 'a>(case: &'c Case<'a>) -> Option<Wait<'c, 'a>> {
    let limits = case.limits(Rule::NoReply, &case.deal.stage).filter(|_| case.is_open())?;
    let open_since = moves::open_since(case.deal, case.facts.directory);
    let mail = case.seen.iter().rev().find(|s| is_ours(case, s) && open_since.is_none_or(|since| s.at() >= since))?;
    if letters::is_closing(mail.activity) {
        return None;
    }
    let buyers = case.outsiders(mail);
    let mut to: BTreeSet<&str> = letters::addressed(case.facts.directory, mail.activity, false).collect();
    to.retain(|person| buyers.contains(person));
    if to.is_empty() {
        to = buyers;
    }
    let calendar = case.calendar(case.owner_at(case.now()));
    let mut wait = Wait { due: mail.at(), mail, to, usual: None, away: None };
    for person in wait.to.clone() {
        let away = case.backdrop.away.get(person).copied().filter(|until| *until > mail.at());
        let known = case.usual_reply(person).filter(|usual| usual.replies >= limits.count("usual_from"));
        let (after, usual) = match known {
            Some(usual) => {
                let minutes = usual.minutes as f64 * limits.number("usual_factor");
                // Whole working hours: nobody is waited for to the minute.
                (Span::WorkHours((minutes / 60.0).ceil().clamp(1.0, 10_000.0) as u32), Some(usual.minutes))
            }
            None => (limits.span("after"), None),
        };
        let due = calendar.add(away.unwrap_or(mail.at()), after);
        if due > wait.due {
            (wait.due, wait.usual) = (due, usual.map(|minutes| (person, minutes)));
            wait.away = away.map(|until| (person, until));
        }
    }
    Some(wait)
}

/// A mail that one of us wrote to the buyer's side.
fn is_ours(case: &Case<'_>, seen: &Seen<'_>) -> bool {
    seen.tie != Tie::Pending
        && seen.weight == Weight::OneSided(Side::OurMail)
        && letters::addressed(case.facts.directory, seen.activity, true).next().is_some()
        && !case.outsiders(seen).is_empty()
}

/// The first answer after a moment: a sign on the deal, or a mail of theirs wherever it belongs.
fn answer<'a>(case: &Case<'a>, to: &BTreeSet<&str>, after: DateTime<Utc>) -> Option<&'a Activity> {
    let theirs = |a: &Activity| letters::author(case.facts.directory, a).is_some_and(|who| to.contains(who));
    let on_deal = case.evidence().map(|s| s.activity).find(|a| a.occurred_at > after);
    let theirs = case.first(|a| a.occurred_at > after && a.occurred_at <= case.now() && theirs(a));
    on_deal.into_iter().chain(theirs).min_by_key(|a| (a.occurred_at, &a.id))
}

pub(super) const JUDGE: Judge = Judge { ending, next, waits_for, awaits, ..Judge::new(Rule::NoReply, judge) };

fn judge(case: &Case<'_>, verdicts: &mut Vec<Verdict>) {
    let Some(wait) = wait(case) else { return };
    if let Some(answer) = answer(case, &wait.to, wait.mail.at()) {
        let finding = finding(case, &wait, &Sight::default(), &[]);
        let outcome = Outcome::Met { by: Some(answer.id.clone()), at: Some(answer.occurred_at) };
        return verdicts.push(Verdict { outcome, finding });
    }
    if case.now() < wait.due {
        return;
    }
    let sight = case.sight_over(wait.mail.at(), wait.due, case.now());
    if !sight.lagging.is_empty() {
        return;
    }
    // One of these, were it the deal's, would be the answer, or a later mail of ours.
    let later = |s: &&Seen<'_>| s.at() > wait.mail.at() && s.at() <= case.now() && s.weight != Weight::Nothing;
    let pending: Vec<&Seen<'_>> = case.pending().filter(later).collect();
    let finding = finding(case, &wait, &sight, &pending).doubted();
    verdicts.push(Verdict { outcome: Outcome::Stands, finding });
}

fn finding(case: &Case<'_>, wait: &Wait<'_, '_>, sight: &Sight, pending: &[&Seen<'_>]) -> Finding {
    let owner = case.owner_at(case.now());
    let names: Vec<String> = wait.to.iter().take(3).map(|p| case.person_name(p).to_owned()).collect();
    let names = if wait.to.len() > 3 { case.buyer().to_owned() } else { words::list(&names) };
    let on = case.day(owner, wait.mail.at());
    let mut expected = format!("an answer from {names} by {}", case.day(owner, wait.due));
    if let Some((person, minutes)) = wait.usual {
        let name = case.person_name(person);
        expected = format!("{expected}: {name} usually answers {}", words::working_time(minutes));
    }
    let away = wait.away.map_or(String::new(), |(person, until)| {
        format!(" ({} was away until {})", case.person_name(person), case.day(owner, until))
    });
    let silent = format!("our mail of {on} has had no answer{away}");
    let found = match case.blindness(owner, sight, pending.len()) {
        Some(why) => format!("we could not see everything: {why}; otherwise {silent}"),
        None => silent,
    };
    let clears = format!("a mail, a held meeting or a call from {}, or another mail of ours", case.buyer());
    Finding {
        activity: Some(wait.mail.activity.id.clone()),
        contact: wait.to.iter().find(|p| case.facts.directory.contacts.contains_key(**p)).map(|p| (*p).to_owned()),
        severity: if case.is_large() { Severity::High } else { Severity::Medium },
        owner: Some(owner.to_owned()),
        to_stage: Some(case.deal.stage.clone()),
        window_from: Some(wait.mail.at()),
        window_to: Some(wait.due),
        expected: words::sentence(&expected),
        found: words::sentence(&found),
        clears_when: words::sentence(words::doubt(sight, pending).unwrap_or(&clears)),
        evidence: super::ids(&[wait.mail]),
        blind: super::blind(sight),
        pending: super::ids(pending),
        ..super::blank(case, Rule::NoReply, wait.mail.activity.id.clone(), wait.due)
    }
}

/// An answer that came before we wrote again ended it; else we wrote again, or the deal is closed.
fn ending(case: &Case<'_>, finding: &Finding) -> Ending {
    let Some(from) = finding.window_from else { return Ending::Withdrawn };
    let mail = case.near.iter().find(|a| Some(&a.id) == finding.activity.as_ref());
    let to = mail.into_iter().flat_map(|a| letters::addressed(case.facts.directory, a, false)).collect();
    match answer(case, &to, from) {
        Some(answer) => Ending::Resolved { by: Some(answer.id.clone()), at: answer.occurred_at },
        None => Ending::Withdrawn,
    }
}

fn next(case: &Case<'_>, moments: &mut Vec<DateTime<Utc>>) {
    if let Some(wait) = wait(case) {
        moments.push(wait.due);
        moments.extend(case.near_moments());
    }
}

/// Connections whose reading is waited for.
fn waits_for(case: &Case<'_>) -> Vec<String> {
    match wait(case).filter(|w| w.due <= case.now() && answer(case, &w.to, w.mail.at()).is_none()) {
        Some(wait) => case.sight_over(wait.mail.at(), wait.due, case.now()).lagging,
        None => vec![],
    }
}

fn awaits<'a>(case: &Case<'a>, people: &mut Vec<Awaited<'a>>) {
    let unanswered = wait(case).filter(|w| answer(case, &w.to, w.mail.at()).is_none());
    people.extend(unanswered.iter().flat_map(|w| w.to.iter().map(|person| Awaited { person, since: w.mail.at() })));
}

#[cfg(test)]
mod tests {
    use super::super::{
        Finding, Rule, Severity, State,
        world::{ANA, World, deal, mail_from, mail_in, mail_out, meeting, of_contact, pending, t},
    };
    use crate::domain::activity::{Activity, Participant, Role};

    const REPLY: &[Rule] = &[Rule::NoReply];

    /// Our last mail went out on Tuesday 3 November at noon: five working days later is Tuesday 10 November.
    fn asked() -> World {
        World::new("11-12").with(mail_in("a", "11-02")).with(mail_out("o", "11-03"))
    }

    fn only(world: &World) -> Finding {
        let mut found = world.findings(REPLY);
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    fn find(all: &[Finding]) -> Finding {
        all.iter().find(|f| f.rule == Rule::NoReply).cloned().expect("kept")
    }

    #[test]
    fn fires_after_five_working_days() {
        assert_eq!(asked().at("11-10 11:59").findings(REPLY), []);
        let finding = only(&asked().at("11-10 12:00"));
        assert_eq!((finding.state, finding.severity, finding.since), (State::Open, Severity::Medium, t("11-10")));
        assert_eq!((finding.activity.as_deref(), finding.contact.as_deref()), (Some("o"), Some("tom")));
        assert_eq!((finding.owner.as_deref(), finding.key.as_str()), (Some(ANA), "o"));
        assert_eq!(finding.expected, "An answer from tom@northwind.example by 10 Nov.");
        assert_eq!(finding.found, "Our mail of 3 Nov has had no answer.");
        assert_eq!(asked().at("11-09").outlook(&[]).next_due, Some(t("11-10")));
        let mut large = asked();
        large.deal.amount = Some(50_000.0);
        assert_eq!(only(&large).severity, Severity::High);
    }

    #[test]
    fn what_is_an_answer() {
        let elsewhere = |mut activity: Activity| {
            activity.matches[1].id = "d2".into();
            activity
        };
        let tagged = |activity: Activity, tag: &str| Activity { tags: vec![tag.into()], ..activity };
        let cases: Vec<(&str, Activity, bool)> = vec![
            ("their mail", mail_in("b", "11-04"), false),
            ("a colleague's mail", mail_from("b", "11-04", "eve@northwind.example"), false),
            ("their mail on another deal", elsewhere(mail_in("b", "11-04")), false),
            ("a colleague's mail on another deal", elsewhere(mail_from("b", "11-04", "eve@northwind.example")), true),
            ("a partner's mail", mail_from("b", "11-04", "pat@reseller.example"), true),
            ("an auto-reply", Activity { automatic: true, ..mail_in("b", "11-04") }, true),
            ("a held meeting", meeting("m", "11-04", true), false),
            ("a planned meeting", meeting("m", "11-20", true), true),
            ("a mail of ours, still young", mail_out("p", "11-09"), false),
            ("our thanks", tagged(mail_out("p", "11-04"), "closing"), false),
            ("our quote", tagged(mail_out("p", "11-03 13:00"), "quote"), true),
        ];
        for (name, activity, fires) in cases {
            let mut world = asked().with(activity);
            world.others.push(deal("d2", "Lead"));
            world.contacts[0].company = None;
            assert_eq!(!world.findings(REPLY).is_empty(), fires, "{name}");
        }
        assert_eq!(asked().moved("11-09", "Won").findings(REPLY), []);
        assert_eq!(World::new("11-12").with(mail_in("a", "11-02")).findings(REPLY), []);
        // What was written before the deal was taken up again is over.
        assert_eq!(asked().moved("11-04", "Lost").moved("11-11", "Lead").findings(REPLY), []);
    }

    /// Five exchanges in which Tom took two hours each, then our question.
    fn quick() -> World {
        let mut world = World::new("11-20");
        for day in 2..7 {
            let (out, back) = (format!("o{day}"), format!("i{day}"));
            world = world.with(mail_out(&out, &format!("11-0{day} 10:00")));
            world = world.with(mail_in(&back, &format!("11-0{day} 12:00"))).thread(&[&out, &back]);
        }
        world.with(mail_out("q", "11-09 10:00"))
    }

    #[test]
    fn the_usual_time_of_the_contact_counts_once_it_is_known() {
        assert_eq!(quick().at("11-09 15:59").findings(REPLY), []);
        let finding = only(&quick().at("11-09 16:00"));
        assert_eq!(
            finding.expected,
            "An answer from tom@northwind.example by 9 Nov: tom@northwind.example usually answers within 2 working hours."
        );
        let patient = quick().at("11-13 10:00").set("no_reply", None, "usual_from", "6");
        assert_eq!(patient.findings(REPLY), []);
        assert_eq!(only(&patient.at("11-16 10:00")).since, t("11-16 10:00"));
        let factor = quick().at("11-09 13:59").set("no_reply", None, "usual_factor", "2");
        assert_eq!(factor.findings(REPLY), []);
        assert_eq!(factor.at("11-09 14:00").findings(REPLY).len(), 1);
        // Of several the slowest is waited for.
        let mut both = quick().at("11-12");
        let last = both.activities.last_mut().expect("the question");
        last.participants.push(Participant { address: "eve@northwind.example".into(), ..last.participants[1].clone() });
        assert_eq!(both.findings(REPLY), []);
        both.activities.last_mut().expect("the question").participants[2].role = Role::Cc;
        assert_eq!(both.findings(REPLY).len(), 1);
    }

    #[test]
    fn who_is_away_is_waited_for() {
        let mut world = asked();
        world.backdrop.away.insert("tom".into(), t("11-09 00:00"));
        assert_eq!(world.findings(REPLY), []);
        assert_eq!(world.outlook(&[]).next_due, Some(t("11-16 00:00")));
        let finding = only(&world.clone().at("11-16 00:00"));
        assert_eq!(finding.found, "Our mail of 3 Nov has had no answer (tom@northwind.example was away until 9 Nov).");
        // The note came when the finding stood: it is taken back.
        let open = asked().judged(&[]);
        assert_eq!(find(&world.judged(&open)).state, State::Withdrawn);
        world.backdrop.away.insert("tom".into(), t("11-01"));
        assert_eq!(world.findings(REPLY).len(), 1);
    }

    #[test]
    fn blindness_and_choices_are_unknown() {
        let failing = asked().ana("ana-mail", |c| (c.failing, c.complete_to) = (true, Some(t("11-11"))));
        assert_eq!((only(&failing).state, &only(&failing).blind[..]), (State::Unknown, &["ana-mail".to_owned()][..]));
        assert_eq!(only(&asked().drop_connection("ana-mail")).state, State::Unknown);
        let lagging = asked().ana("ana-mail", |c| c.complete_to = Some(t("11-10 11:59")));
        assert_eq!(lagging.findings(REPLY), []);
        assert_eq!(lagging.outlook(&[]).waits_for.into_iter().collect::<Vec<_>>(), ["ana-mail"]);
        let other = |activity| {
            let mut world = asked().with(pending(activity));
            world.others.push(deal("d2", "Lead"));
            world
        };
        assert_eq!(only(&other(mail_from("p", "11-04", "eve@northwind.example"))).pending, ["p"]);
        assert_eq!(only(&other(mail_out("p", "11-04"))).state, State::Unknown);
        assert_eq!(only(&other(mail_from("p", "11-02", "eve@northwind.example"))).state, State::Open);
        // Whatever deal it belongs to, Tom has answered.
        assert_eq!(other(mail_in("p", "11-04")).findings(REPLY), []);
    }

    #[test]
    fn an_answer_resolves_and_a_reminder_starts_anew() {
        let open = asked().judged(&[]);
        let met = find(&asked().with(mail_in("b", "11-12 11:00")).judged(&open));
        assert_eq!(
            (met.state, met.resolved_by.as_deref(), met.resolved_at),
            (State::Resolved, Some("b"), Some(t("11-12 11:00")))
        );
        let reminded = asked().with(mail_out("p", "11-12 11:00"));
        assert_eq!(find(&reminded.judged(&open)).state, State::Withdrawn);
        let later = reminded.clone().at("11-25").judged(&reminded.judged(&open));
        let states: Vec<(&str, State)> =
            later.iter().filter(|f| f.rule == Rule::NoReply).map(|f| (f.key.as_str(), f.state)).collect();
        assert_eq!(states, [("o", State::Withdrawn), ("p", State::Open)]);
        // Answered, and we wrote again, all between two judgings.
        let both = asked().with(mail_in("b", "11-12 10:00")).with(mail_out("p", "11-12 11:00"));
        assert_eq!(find(&both.judged(&open)).resolved_by.as_deref(), Some("b"));
        assert_eq!(find(&asked().moved("11-12 11:00", "Lost").judged(&open)).state, State::Withdrawn);
        asked().survives_a_snooze(Rule::NoReply);
    }

    #[test]
    fn thresholds_per_stage() {
        for (stage, key, value, fires) in [
            (Some("Lead"), "after", "9wd", false),
            (Some("Sales/Lead"), "after", "9wd", false),
            (Some("Proposal"), "after", "9wd", true),
            (Some("Lead"), "enabled", "false", false),
            (None, "enabled", "false", false),
        ] {
            let world = asked().set("no_reply", stage, key, value);
            assert_eq!(!world.findings(REPLY).is_empty(), fires, "{stage:?} {key} {value}");
        }
        // With the deal's contact, who has no other open deal.
        assert_eq!(World::new("11-12").with(of_contact(mail_out("o", "11-03"))).findings(REPLY).len(), 1);
    }
}
