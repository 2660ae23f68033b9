//! `we_owe_reply`: a buyer's mail on an open deal has had no answer from any of us. An answer is a mail of ours to its
//! writer, or in its thread, a held meeting or a call with the writer. What ends its thread by its own wording, or is
//! followed by such a mail of the same writer, asks for none. One finding per writer, for the first mail that waits.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{
    Awaited, Ending, Judge, Outcome, Verdict,
    case::{Case, Seen, Tie},
    evidence::Weight,
    finding::{Finding, Rule, Severity},
    letters, moves,
    sight::Sight,
    words,
};
use crate::domain::activity::Activity;

/// A buyer's mail that waits.
struct Owed<'c, 'a> {
    mail: &'c Seen<'a>,
    writer: &'a str,
    /// Further mails of the same writer that wait.
    more: Vec<&'c Seen<'a>>,
    due: DateTime<Utc>,
}

fn owed<'c, 'a>(case: &'c Case<'a>) -> Vec<Owed<'c, 'a>> {
    let Some(limits) = case.limits(Rule::WeOweReply, &case.deal.stage).filter(|_| case.is_open()) else {
        return vec![];
    };
    let open_since = moves::open_since(case.deal, case.facts.directory);
    let calendar = case.calendar(case.owner_at(case.now()));
    let mut waiting: BTreeMap<&'a str, Vec<&'c Seen<'a>>> = BTreeMap::new();
    for seen in case.seen.iter().filter(|s| s.tie != Tie::Pending && s.weight == Weight::Evidence) {
        if open_since.is_none_or(|since| seen.at() >= since)
            && let Some(writer) = letters::author(case.facts.directory, seen.activity)
            && answer(case, seen.activity, writer).is_none()
        {
            waiting.entry(writer).or_default().push(seen);
        }
    }
    let settled = |mails: &[&Seen<'_>]| mails.last().is_none_or(|last| letters::is_closing(last.activity));
    let mut all = Vec::new();
    for (writer, mut mails) in waiting {
        if settled(&mails) {
            continue;
        }
        mails.retain(|s| !letters::is_closing(s.activity));
        let mail = mails.remove(0);
        all.push(Owed { mail, writer, more: mails, due: calendar.add(mail.at(), limits.span("after")) });
    }
    all
}

/// The first answer of any of us.
fn answer<'a>(case: &Case<'a>, mail: &Activity, writer: &str) -> Option<&'a Activity> {
    let directory = case.facts.directory;
    let answers = |a: &Activity| {
        let to = || letters::addressed(directory, a, true);
        let in_thread = || to().next().is_some() && case.backdrop.same_thread(&a.id, &mail.id);
        to().any(|person| person == writer) || in_thread() || letters::spoke(directory, a, writer, case.now())
    };
    let later = |a: &Activity| a.occurred_at > mail.occurred_at && a.occurred_at <= case.now();
    case.first(|a| later(a) && answers(a))
}

pub(super) const JUDGE: Judge = Judge { ending, next, waits_for, awaits, ..Judge::new(Rule::WeOweReply, judge) };

fn judge(case: &Case<'_>, verdicts: &mut Vec<Verdict>) {
    for owed in owed(case).into_iter().filter(|owed| owed.due <= case.now()) {
        let sight = case.sight_over(owed.mail.at(), owed.due, case.now());
        if sight.lagging.is_empty() {
            let finding = finding(case, &owed, &sight).doubted();
            verdicts.push(Verdict { outcome: Outcome::Stands, finding });
        }
    }
}

fn finding(case: &Case<'_>, owed: &Owed<'_, '_>, sight: &Sight) -> Finding {
    let owner = case.owner_at(case.now());
    let name = case.person_name(owed.writer);
    let more = match owed.more.len() {
        0 => String::new(),
        1 => ", nor has another one since".to_owned(),
        n => format!(", nor have {n} more since"),
    };
    let waits = format!("the mail of {} has had no answer from any of us{more}", case.day(owner, owed.mail.at()));
    let found = match case.blindness(owner, sight, 0) {
        Some(why) => format!("we could not see everything: {why}; otherwise {waits}"),
        None => waits,
    };
    let clears = format!("a mail to {name}, or a held meeting or a call");
    let looked: Vec<&Seen<'_>> = std::iter::once(owed.mail).chain(owed.more.iter().copied()).collect();
    Finding {
        activity: Some(owed.mail.activity.id.clone()),
        contact: case.facts.directory.contacts.get(owed.writer).map(|c| c.id.clone()),
        severity: if case.is_large() { Severity::High } else { Severity::Medium },
        owner: Some(owner.to_owned()),
        to_stage: Some(case.deal.stage.clone()),
        window_from: Some(owed.mail.at()),
        window_to: Some(owed.due),
        expected: words::sentence(&format!("an answer to {name} by {}", case.day(owner, owed.due))),
        found: words::sentence(&found),
        clears_when: words::sentence(words::doubt(sight, &[]).unwrap_or(&clears)),
        evidence: super::ids(&looked),
        blind: super::blind(sight),
        ..super::blank(case, Rule::WeOweReply, owed.mail.activity.id.clone(), owed.due)
    }
}

/// It was answered; else it is owed no longer: its writer closed the matter, or the deal is closed.
fn ending(case: &Case<'_>, finding: &Finding) -> Ending {
    let mail = case.near.iter().find(|a| Some(&a.id) == finding.activity.as_ref());
    let answered = mail.and_then(|mail| answer(case, mail, letters::author(case.facts.directory, mail)?));
    match answered {
        Some(answer) => Ending::Resolved { by: Some(answer.id.clone()), at: answer.occurred_at },
        None => Ending::Withdrawn,
    }
}

fn next(case: &Case<'_>, moments: &mut Vec<DateTime<Utc>>) {
    let owed = owed(case);
    if !owed.is_empty() {
        moments.extend(owed.iter().map(|o| o.due));
        moments.extend(case.near_moments());
    }
}

/// Connections whose reading is waited for.
fn waits_for(case: &Case<'_>) -> Vec<String> {
    let due = owed(case).into_iter().filter(|owed| owed.due <= case.now());
    due.flat_map(|owed| case.sight_over(owed.mail.at(), owed.due, case.now()).lagging).collect()
}

fn awaits<'a>(case: &Case<'a>, people: &mut Vec<Awaited<'a>>) {
    people.extend(owed(case).iter().map(|owed| Awaited { person: owed.writer, since: owed.mail.at() }));
}

#[cfg(test)]
mod tests {
    use super::super::{
        Finding, Rule, State,
        world::{ANA, World, call, deal, mail_from, mail_in, mail_out, meeting, of_contact, pending, t, typed},
    };
    use crate::domain::activity::{Activity, Kind, Origin, Role};

    const OWED: &[Rule] = &[Rule::WeOweReply];

    /// Tom wrote on Tuesday 3 November at noon: sixteen working hours later is Thursday noon.
    fn asked() -> World {
        World::new("11-05 12:00").with(mail_in("a", "11-03"))
    }

    fn only(world: &World) -> Finding {
        let mut found = world.findings(OWED);
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    fn closing(activity: Activity) -> Activity {
        Activity { tags: vec!["closing".into()], ..activity }
    }

    #[test]
    fn fires_after_sixteen_working_hours() {
        assert_eq!(asked().at("11-05 11:59").findings(OWED), []);
        let finding = only(&asked());
        assert_eq!((finding.state, finding.since, finding.key.as_str()), (State::Open, t("11-05"), "a"));
        assert_eq!((finding.owner.as_deref(), finding.contact.as_deref()), (Some(ANA), Some("tom")));
        assert_eq!(finding.activity.as_deref(), Some("a"));
        assert_eq!(finding.expected, "An answer to tom@northwind.example by 5 Nov.");
        assert_eq!(finding.found, "The mail of 3 Nov has had no answer from any of us.");
        assert_eq!(asked().at("11-04").outlook(&[]).next_due, Some(t("11-05")));
        // Friday afternoon: the weekend does not count.
        assert_eq!(World::new("11-10 14:59").with(mail_in("a", "11-06 15:00")).findings(OWED), []);
        assert_eq!(World::new("11-10 15:00").with(mail_in("a", "11-06 15:00")).findings(OWED).len(), 1);
        // The clock runs from the first that waits.
        let twice = only(&asked().with(mail_in("b", "11-05 11:00")));
        assert_eq!((twice.key.as_str(), &twice.evidence[..]), ("a", &["a".to_owned(), "b".to_owned()][..]));
        assert!(twice.found.ends_with("from any of us, nor has another one since."), "{}", twice.found);
    }

    #[test]
    fn which_mails_ask_for_an_answer() {
        let cases: Vec<(&str, Activity, bool)> = vec![
            ("the buyer's", mail_in("a", "11-03"), true),
            ("a contact's without a deal of its own", of_contact(mail_in("a", "11-03")), true),
            ("somebody's at the buyer's", mail_from("a", "11-03", "new@northwind.example"), true),
            ("an auto-reply", Activity { automatic: true, ..mail_in("a", "11-03") }, false),
            (
                "a portal's order",
                Activity { automatic: true, tags: vec!["order".into()], ..mail_in("a", "11-03") },
                false,
            ),
            ("thanks", closing(mail_in("a", "11-03")), false),
            ("a partner's", mail_from("a", "11-03", "pat@reseller.example"), false),
            ("our own", mail_out("a", "11-03"), false),
            ("typed by hand", typed("a", Kind::Email, "11-03", true), false),
            ("a meeting", meeting("a", "11-03", true), false),
        ];
        for (name, activity, fires) in cases {
            assert_eq!(!World::new("11-05").with(activity).findings(OWED).is_empty(), fires, "{name}");
        }
        // A question that its writer closed is a question no more; somebody else's thanks close nothing.
        assert_eq!(asked().with(closing(mail_in("b", "11-04"))).findings(OWED), []);
        let other = closing(mail_from("b", "11-04", "eve@northwind.example"));
        assert_eq!(only(&asked().with(other)).key, "a");
        assert_eq!(
            only(&World::new("11-06").with(closing(mail_in("a", "11-03"))).with(mail_in("b", "11-04"))).key,
            "b"
        );
        assert_eq!(asked().moved("11-04", "Won").findings(OWED), []);
        let eve = mail_from("e", "11-03 10:00", "eve@northwind.example");
        assert_eq!(asked().with(eve).findings(OWED).len(), 2, "each writer waits");
    }

    #[test]
    fn what_is_an_answer() {
        let to = |address: &str, role| {
            let mut mail = mail_out("o", "11-04");
            mail.participants[1].address = address.into();
            mail.participants[1].role = role;
            mail
        };
        let tom = "tom@northwind.example";
        let elsewhere = |mut activity: Activity| {
            activity.matches[1].id = "d2".into();
            activity
        };
        let cases: Vec<(&str, Activity, bool)> = vec![
            ("a mail to Tom", to(tom, Role::To), true),
            ("a copy to Tom", to(tom, Role::Cc), true),
            ("on another deal", elsewhere(to(tom, Role::To)), true),
            ("its deal not chosen yet", pending(to(tom, Role::To)), true),
            ("to Eve", to("eve@northwind.example", Role::To), false),
            ("before", mail_out("o", "11-02"), false),
            ("our machine's", Activity { automatic: true, ..to(tom, Role::To) }, false),
            ("typed by hand", typed("o", Kind::Email, "11-04", false), false),
            ("a held meeting", meeting("m", "11-04", false), true),
            ("a planned meeting", meeting("m", "11-20", true), false),
            ("a call", call("c", "11-04", Origin::Captured), true),
            ("a typed call", typed("c", Kind::Call, "11-04", false), false),
        ];
        for (name, activity, answered) in cases {
            let mut world = asked().with(activity);
            world.others.push(deal("d2", "Won"));
            assert_eq!(world.findings(OWED).is_empty(), answered, "{name}");
        }
        let thread = asked().with(to("eve@northwind.example", Role::To)).thread(&["a", "o"]);
        assert_eq!(thread.findings(OWED), []);
    }

    #[test]
    fn an_answer_elsewhere_is_an_answer() {
        // nobody whom the deal or the CRM names
        let zoe = || Activity { matches: vec![], ..mail_out("o", "11-04") };
        let to_zoe = |mut mail: Activity| {
            mail.participants[1].address = "zoe@northwind.example".into();
            mail
        };
        let asked = || World::new("11-05 12:00").with(mail_from("a", "11-03", "zoe@northwind.example"));
        assert_eq!(asked().awaited(), [("zoe@northwind.example".to_owned(), t("11-03"))]);
        let open = asked().judged(&[]);
        let answered = asked().did_elsewhere(to_zoe(zoe()));
        assert_eq!(answered.findings(OWED), []);
        let met = answered.judged(&open);
        let met = met.iter().find(|f| f.rule == Rule::WeOweReply).expect("kept");
        assert_eq!((met.state, met.resolved_by.as_deref()), (State::Resolved, Some("o")));
        assert_eq!(asked().did_elsewhere(zoe()).findings(OWED).len(), 1, "to somebody else");
    }

    #[test]
    fn blindness_is_unknown() {
        let failing = asked().ana("ana-mail", |c| (c.failing, c.complete_to) = (true, Some(t("11-05 11:00"))));
        assert_eq!((only(&failing).state, &only(&failing).blind[..]), (State::Unknown, &["ana-mail".to_owned()][..]));
        assert_eq!(only(&asked().drop_connection("ana-mail")).state, State::Unknown);
        let lagging = asked().ana("ana-mail", |c| c.complete_to = Some(t("11-05 11:00")));
        assert_eq!(lagging.findings(OWED), []);
        assert_eq!(lagging.outlook(&[]).waits_for.into_iter().collect::<Vec<_>>(), ["ana-mail"]);
        // A mail whose deal is not chosen is nobody's yet.
        let mut loose = World::new("11-05").with(pending(mail_in("a", "11-03")));
        loose.others.push(deal("d2", "Lead"));
        assert_eq!(loose.findings(OWED), []);
    }

    #[test]
    fn an_answer_resolves() {
        let open = asked().judged(&[]);
        let find = |all: &[Finding]| all.iter().find(|f| f.rule == Rule::WeOweReply).cloned().expect("kept");
        let met = find(&asked().with(mail_out("o", "11-05 11:30")).judged(&open));
        assert_eq!(
            (met.state, met.resolved_by.as_deref(), met.resolved_at),
            (State::Resolved, Some("o"), Some(t("11-05 11:30")))
        );
        assert_eq!(find(&asked().with(closing(mail_in("b", "11-05 11:00"))).judged(&open)).state, State::Withdrawn);
        assert_eq!(find(&asked().moved("11-05", "Lost").judged(&open)).state, State::Withdrawn);
        asked().survives_a_snooze(Rule::WeOweReply);
    }

    #[test]
    fn thresholds_per_stage() {
        for (stage, key, value, fires) in [
            (Some("Lead"), "after", "24wh", false),
            (Some("Proposal"), "after", "24wh", true),
            (None, "after", "3wd", false),
            (Some("Lead"), "enabled", "false", false),
        ] {
            let world = asked().set("we_owe_reply", stage, key, value);
            assert_eq!(!world.findings(OWED).is_empty(), fires, "{stage:?} {key} {value}");
        }
    }
}
