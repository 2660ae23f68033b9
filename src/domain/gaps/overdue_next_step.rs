//! `overdue_next_step`: a planned step (a task of the CRM with its date) is past its date, and nothing that was captured with
//! the contact or on the deal has fulfilled it, as [`steps`](crate::domain::steps) says. Ticking fulfils nothing; doing does, whether or not it is
//! ticked. It may be done early, as long before its date as it may be late (a ticked one: before it was ticked).

use chrono::{DateTime, NaiveDate, Utc};

use super::{
    Judge, Outcome, Verdict,
    case::{Case, Seen, Tie},
    evidence::{Side, Weight},
    finding::{Finding, Rule, Severity},
    moves,
    sight::Sight,
    words,
};
use crate::domain::{
    activity::{Activity, Entity},
    directory::Task,
    steps::Deed,
};

struct Step<'a> {
    task: &'a Task,
    /// Who is to take it: one of us, else the deal's owner.
    owner: &'a str,
    day: NaiveDate,
    /// From when on something counts for it.
    from: DateTime<Utc>,
    /// When it is overdue.
    late: DateTime<Utc>,
    /// The first that took it: on the deal, or with the task's contact wherever it stands.
    done: Option<&'a Activity>,
}

/// The day a task is due. A date without a time is midnight where its CRM is: that day, wherever its owner works.
fn day(case: &Case<'_>, owner: &str, due: DateTime<Utc>) -> NaiveDate {
    let here = &case.facts.calendar;
    if here.start_of(here.date(due)) == due {
        return here.date(due);
    }
    if due.time() == chrono::NaiveTime::MIN {
        return due.date_naive();
    }
    case.calendar(owner).date(due)
}

/// Does it count as having taken a step?
fn fulfils(activity: &Activity, now: DateTime<Utc>) -> bool {
    Deed::of(activity, now).fulfils(now)
}

/// What there is with the contact of a task, wherever it stands.
fn with<'c, 'a>(case: &'c Case<'a>, task: &'c Task) -> impl Iterator<Item = &'a Activity> + 'c {
    let directory = case.facts.directory;
    let with = task.contact.as_deref().map(|id| directory.survivor(id));
    let of_contact = move |a: &&Activity| a.ids(Entity::Contact).any(|id| Some(directory.survivor(id)) == with);
    case.near.iter().copied().filter(of_contact)
}

fn done<'a>(case: &Case<'a>, task: &Task, from: DateTime<Utc>) -> Option<&'a Activity> {
    let on_deal = case.seen.iter().filter(|s| s.tie != Tie::Pending).map(|s| s.activity);
    let all = on_deal.chain(with(case, task));
    all.filter(|a| a.occurred_at >= from && fulfils(a, case.now())).min_by_key(|a| (a.occurred_at, &a.id))
}

fn steps<'a>(case: &Case<'a>) -> Vec<Step<'a>> {
    let Some(limits) = case.limits(Rule::OverdueNextStep, &case.deal.stage).filter(|_| case.is_open()) else {
        return vec![];
    };
    let after = limits.span("after");
    let since = moves::open_since(case.deal, case.facts.directory);
    let asked = case.tasks.iter().filter(|task| since.is_none_or(|since| task.due >= since));
    asked
        .map(|task| {
            let owner = case.user(&task.owner).map_or_else(|| case.owner_at(task.due), |user| user.email.as_str());
            let calendar = case.calendar(owner);
            let day = day(case, owner, task.due);
            let ticked = task.done_at.filter(|done| *done <= case.now());
            let start = calendar.start_of(day);
            let from = calendar.sub(ticked.map_or(start, |ticked| ticked.min(start)), after);
            let late = calendar.add(calendar.end_of(day), after);
            Step { task, owner, day, from, late, done: done(case, task, from) }
        })
        .collect()
}

impl Step<'_> {
    /// Who could have seen it done: whoever was to take it, and the deal's owners.
    fn sight(&self, case: &Case<'_>) -> Sight {
        let mut sight = case.sight_over(self.from, self.late, self.late);
        let needed = super::sight::Needed { at: self.late, from: self.from, to: self.late, failing_to: self.late };
        sight.merge(case.sight_of(self.owner, needed));
        sight
    }
}

pub(super) const JUDGE: Judge = Judge { next, waits_for, ..Judge::new(Rule::OverdueNextStep, judge) };

fn judge(case: &Case<'_>, verdicts: &mut Vec<Verdict>) {
    for step in steps(case).into_iter().filter(|s| s.late <= case.now()) {
        if let Some(done) = step.done {
            let outcome = Outcome::Met { by: Some(done.id.clone()), at: Some(done.occurred_at) };
            verdicts.push(Verdict { outcome, finding: finding(case, &step, &Sight::default(), &[]) });
            continue;
        }
        let sight = step.sight(case);
        if !sight.lagging.is_empty() {
            continue;
        }
        let could = |s: &&Seen<'_>| s.at() >= step.from && fulfils(s.activity, case.now());
        let pending: Vec<&Seen<'_>> = case.pending().filter(could).collect();
        let finding = finding(case, &step, &sight, &pending).doubted();
        verdicts.push(Verdict { outcome: Outcome::Stands, finding });
    }
}

fn finding(case: &Case<'_>, step: &Step<'_>, sight: &Sight, pending: &[&Seen<'_>]) -> Finding {
    let owner = step.owner;
    let near: Vec<&Seen<'_>> = case
        .seen
        .iter()
        .filter(|s| s.tie != Tie::Pending && s.at() >= step.from)
        .filter(|s| matches!(s.weight, Weight::OneSided(Side::UnconfirmedMeeting | Side::TypedCall)))
        .collect();
    let ticked = step.task.done_at.filter(|done| *done <= case.now());
    let only = if near.is_empty() { String::new() } else { format!(", only {}", words::one_sided(&near)) };
    let found = match ticked {
        Some(at) => format!("it was ticked off on {}, but nothing shows that it was done{only}", case.day(owner, at)),
        None => format!("nothing since {} shows that it was done{only}", case.day(owner, step.from)),
    };
    let found = match case.blindness(owner, sight, pending.len()) {
        Some(why) => format!("we could not see everything: {why}; otherwise {found}"),
        None => format!("{found}{}", case.without_calendar(sight)),
    };
    let asked = format!("a mail, a held meeting or a call with {}, or a new date for the step", case.buyer());
    let key = format!("{} {}", step.task.id, step.task.due.timestamp_millis());
    Finding {
        severity: if case.is_large() { Severity::High } else { Severity::Low },
        owner: Some(owner.to_owned()),
        contact: step.task.contact.clone(),
        window_from: Some(step.from),
        window_to: Some(step.late),
        expected: words::sentence(&format!("the step planned for {} taken", case.date(owner, step.day))),
        found: words::sentence(&found),
        clears_when: words::sentence(words::doubt(sight, pending).unwrap_or(&asked)),
        evidence: super::ids(&near),
        blind: super::blind(sight),
        pending: super::ids(pending),
        ..super::blank(case, Rule::OverdueNextStep, key, step.late)
    }
}

fn next(case: &Case<'_>, moments: &mut Vec<DateTime<Utc>>) {
    moments.extend(steps(case).iter().map(|s| s.late));
    moments.extend(case.tasks.iter().filter_map(|task| task.done_at));
    let near = case.tasks.iter().flat_map(|task| with(case, task));
    moments.extend(near.flat_map(|a| [a.occurred_at, a.ended_at.unwrap_or(a.occurred_at)]));
}

/// Connections whose reading is waited for.
fn waits_for(case: &Case<'_>) -> Vec<String> {
    let open = steps(case).into_iter().filter(|s| s.late <= case.now() && s.done.is_none());
    open.flat_map(|s| s.sight(case).lagging).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{
        Brings, Capture, Finding, Rule, Severity, State,
        world::{
            ANA, BEN, World, call, connection, deal, mail_from, mail_in, mail_out, meeting, of_contact, pending, t,
            typed,
        },
    };
    use crate::domain::{
        activity::{Activity, Direction, Entity, Kind, Origin},
        directory::Task,
    };

    const OVERDUE: &[Rule] = &[Rule::OverdueNextStep];

    fn task(due: &str) -> Task {
        Task { id: "t1".into(), deal: Some("d1".into()), contact: None, owner: ANA.into(), due: t(due), done_at: None }
    }

    /// Due on Tuesday 10 November: overdue when Wednesday is over; done early at the earliest on Monday.
    fn due(now: &str) -> World {
        let mut world = World::new(now);
        world.tasks = vec![task("11-10 15:00")];
        world
    }

    fn only(world: &World) -> Finding {
        let mut found = world.findings(OVERDUE);
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    #[test]
    fn fires_a_working_day_after_its_date() {
        assert_eq!(due("11-11 23:59").findings(OVERDUE), []);
        assert!(due("11-10").outlook(&[]).next_due.is_some_and(|at| at <= t("11-12 00:00")));
        let finding = only(&due("11-12 00:00"));
        assert_eq!((finding.state, finding.severity, finding.since), (State::Open, Severity::Low, t("11-12 00:00")));
        assert_eq!(finding.owner.as_deref(), Some(ANA));
        assert_eq!(finding.expected, "The step planned for 10 Nov taken.");
        assert_eq!(finding.found, "Nothing since 9 Nov shows that it was done.");
        assert_eq!(finding.clears_when, "A mail, a held meeting or a call with Northwind, or a new date for the step.");
        assert_eq!(due("11-20").moved("11-11", "Lost").findings(OVERDUE), []);
        let mut old = due("11-20");
        old.tasks = vec![task("08-20")];
        assert_eq!(old.findings(OVERDUE), []);
    }

    fn machine(tags: &[&str]) -> Activity {
        let tags = tags.iter().map(|t| (*t).to_owned()).collect();
        Activity { automatic: true, tags, ..mail_in("a", "11-10") }
    }

    #[test]
    fn what_fulfils_a_step() {
        let cases: Vec<(&str, Activity, bool)> = vec![
            ("our mail", mail_out("a", "11-10"), true),
            ("their mail", mail_in("a", "11-10"), true),
            ("a day early", mail_out("a", "11-09 00:00"), true),
            ("too early", mail_out("a", "11-08 23:00"), false),
            ("late", mail_out("a", "11-18"), true),
            ("with the contact", of_contact(mail_out("a", "11-10")), true),
            ("a logged call", call("a", "11-10", Origin::Captured), true),
            ("a held meeting", meeting("a", "11-10", true), true),
            ("one that nobody confirmed", meeting("a", "11-10", false), false),
            ("a planned one", meeting("a", "11-25", true), false),
            ("a typed call", typed("a", Kind::Call, "11-10", false), false),
            ("a note", typed("a", Kind::Note, "11-10", true), false),
            ("a machine's mail", machine(&[]), false),
            ("a machine's mail with a word", machine(&["closing"]), false),
            ("a machine's order", machine(&["order"]), true),
            (
                "a machine's quote of ours",
                Activity { direction: Some(Direction::Outbound), ..machine(&["quote"]) },
                true,
            ),
            ("a partner's mail", mail_from("a", "11-10", "rita@reseller.example"), true),
        ];
        for (name, activity, done) in cases {
            assert_eq!(due("11-20").with(activity).findings(OVERDUE).is_empty(), done, "{name}");
        }
        let said = only(&due("11-20").with(typed("a", Kind::Call, "11-10", false)));
        assert!(said.found.ends_with("was done, only one call typed by hand."), "{}", said.found);
        assert_eq!(said.evidence, ["a"]);
    }

    #[test]
    fn what_is_done_with_its_contact_fulfils_it_wherever_it_stands() {
        let elsewhere = || {
            let mut mail = mail_out("a", "11-10");
            mail.matches.iter_mut().filter(|m| m.entity == Entity::Deal).for_each(|m| m.id = "d2".into());
            mail
        };
        let with = |contact: &str| {
            let mut world = due("11-20").with(elsewhere());
            world.others.push(deal("d2", "Lead"));
            world.tasks[0].contact = Some(contact.to_owned());
            world
        };
        assert_eq!(with("tom").findings(OVERDUE), []);
        assert_eq!(with("rita").findings(OVERDUE).len(), 1);
    }

    #[test]
    fn ticking_fulfils_nothing() {
        let ticked = |at: &str| {
            let mut world = due("11-20");
            world.tasks[0].done_at = Some(t(at));
            world
        };
        let finding = only(&ticked("11-10"));
        assert_eq!((finding.state, &finding.found[..29]), (State::Open, "It was ticked off on 10 Nov, "));
        // Ticked early, and done then.
        assert_eq!(ticked("11-04").with(mail_out("a", "11-03 12:00")).findings(OVERDUE), []);
        assert_eq!(ticked("11-04").with(mail_out("a", "11-02 12:00")).findings(OVERDUE).len(), 1);
        assert_eq!(due("11-20").with(mail_out("a", "11-03 12:00")).findings(OVERDUE).len(), 1);
    }

    #[test]
    fn the_day_is_the_one_that_was_written() {
        // Midnight of the CRM's zone or of UTC is a date without a time; anything else the owner's own day.
        let cases = [
            (chrono_tz::UTC, "11-10 00:00", "10 Nov"),
            (chrono_tz::Europe::Berlin, "11-09 23:00", "10 Nov"),
            (chrono_tz::America::New_York, "11-10 00:00", "10 Nov"),
            (chrono_tz::America::New_York, "11-10 03:00", "9 Nov"),
        ];
        for (zone, at, day) in cases {
            let mut world = World { zone, ..due("11-20") };
            world.tasks = vec![task(at)];
            assert_eq!(only(&world).expected, format!("The step planned for {day} taken."), "{zone} {at}");
        }
    }

    #[test]
    fn blindness_and_choices_are_unknown() {
        let late = due("11-20").ana("ana-mail", |c| c.complete_from = Some(t("11-10")));
        assert_eq!((only(&late).state, &only(&late).blind[..]), (State::Unknown, &["ana-mail".to_owned()][..]));
        let lagging = due("11-20").ana("ana-mail", |c| c.complete_to = Some(t("11-11")));
        assert_eq!(lagging.findings(OVERDUE), []);
        assert!(lagging.outlook(&[]).waits_for.contains("ana-mail"));
        let mut waits = due("11-20").with(pending(mail_out("p", "11-10")));
        waits.others.push(deal("d2", "Lead"));
        assert_eq!((only(&waits).state, &only(&waits).pending[..]), (State::Unknown, &["p".to_owned()][..]));
        // A colleague is to take the step: his capture counts too, and he is asked.
        let mut bens = due("11-20");
        bens.tasks[0].owner = BEN.into();
        assert_eq!((only(&bens).owner.as_deref(), only(&bens).state), (Some(BEN), State::Unknown));
        bens.captures.insert(BEN.into(), Capture { connections: vec![connection("ben-mail", Brings::Mail)] });
        assert_eq!(only(&bens).state, State::Open);
    }

    #[test]
    fn thresholds_per_stage() {
        for (stage, value, fires) in
            [(Some("Lead"), "9wd", false), (Some("Sales/Lead"), "9wd", false), (Some("Proposal"), "9wd", true)]
        {
            assert_eq!(
                !due("11-20").set("overdue_next_step", stage, "after", value).findings(OVERDUE).is_empty(),
                fires
            );
        }
        assert_eq!(due("11-20").set("overdue_next_step", Some("Lead"), "enabled", "false").findings(OVERDUE), []);
    }

    #[test]
    fn doing_it_resolves_and_another_date_withdraws() {
        let open = due("11-20").judged(&[]);
        let state = |world: World| {
            let all = world.judged(&open);
            let one = all.iter().find(|f| f.rule == Rule::OverdueNextStep).expect("kept");
            (one.state, one.resolved_by.clone(), one.resolved_at)
        };
        let done = due("11-20").with(mail_out("a", "11-19")).with(mail_out("b", "11-20"));
        assert_eq!(state(done), (State::Resolved, Some("a".into()), Some(t("11-19"))));
        let mut moved = due("11-20");
        moved.tasks[0].due = t("11-25");
        assert_eq!(state(moved), (State::Withdrawn, None, None));
        let mut gone = due("11-20");
        gone.tasks.clear();
        assert_eq!(state(gone), (State::Withdrawn, None, None));
    }

    #[test]
    fn a_snooze_survives_judging() {
        due("11-20").survives_a_snooze(Rule::OverdueNextStep);
    }
}
