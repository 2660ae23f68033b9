//! `no_next_step`: an open deal, from the second stage on, without a planned meeting and without an open task.

use chrono::{DateTime, Utc};

use super::{
    Judge, Outcome, Verdict,
    case::{Case, Seen, Tie, is_planned},
    finding::{Finding, Rule, Severity, State},
    moves,
    sight::{Needed, Sight},
    words,
};
use crate::domain::{
    activity::{Kind, Status},
    directory::Task,
};

/// Does the deal stand in a stage that asks for a next step? Then since when.
fn asked_since(case: &Case<'_>) -> Option<DateTime<Utc>> {
    let from = case.next_step_from().filter(|_| case.is_open())?;
    if moves::place(case.facts.directory, &case.deal.stage)? < from as usize {
        return None;
    }
    moves::entered_current(case.deal)
}

fn is_open(task: &Task, now: DateTime<Utc>) -> bool {
    task.done_at.is_none_or(|done| done > now)
}

pub(super) const JUDGE: Judge = Judge { next, waits_for, ..Judge::new(Rule::NoNextStep, judge) };

fn judge(case: &Case<'_>, verdicts: &mut Vec<Verdict>) {
    let Some(entered) = asked_since(case) else { return };
    let now = case.now();
    let owner = case.owner_at(now);
    let step = if let Some(meeting) = case.planned().next() {
        Some(Outcome::Met { by: Some(meeting.activity.id.clone()), at: None })
    } else if case.tasks.iter().any(|task| is_open(task, now)) {
        Some(Outcome::Met { by: None, at: None })
    } else {
        None
    };
    let sight = sight(case, owner);
    if !sight.lagging.is_empty() && step.is_none() {
        return;
    }
    let pending: Vec<&Seen<'_>> = case.pending().filter(|s| is_planned(s.activity, now)).collect();
    let mut finding = finding(case, owner, entered, &sight, &pending);
    if !(finding.blind.is_empty() && finding.pending.is_empty()) {
        finding.state = State::Unknown;
    }
    verdicts.push(Verdict { outcome: step.unwrap_or(Outcome::Stands), finding });
}

/// What is planned is known when the owner's connections were read and none has broken since.
fn sight(case: &Case<'_>, owner: &str) -> Sight {
    let now = case.now();
    // A reading of any age does, as long as the connection is well.
    let ever = DateTime::<Utc>::UNIX_EPOCH;
    case.sight_of(owner, Needed { at: now, from: now, to: ever, failing_to: now })
}

fn finding(case: &Case<'_>, owner: &str, entered: DateTime<Utc>, sight: &Sight, pending: &[&Seen<'_>]) -> Finding {
    let now = case.now();
    let held = case.seen.iter().rev().find(|s| {
        s.tie != Tie::Pending && s.activity.kind == Kind::Meeting && s.activity.status_at(now) == Status::Held
    });
    let met = held.map(|s| s.activity.ended_at.unwrap_or(s.at()));
    let done = case.tasks.iter().filter_map(|task| task.done_at).filter(|done| *done <= now).max();
    let since = [Some(entered), met, done].into_iter().flatten().max().unwrap_or(entered);
    let found = match case.blindness(owner, sight, pending.len()) {
        Some(why) => format!("we could not see everything: {why}; otherwise no meeting is planned and no task is open"),
        None => format!(
            "no meeting is planned and no task is open since {}{}",
            case.day(owner, since),
            case.without_calendar(sight)
        ),
    };
    let clears_when = if !pending.is_empty() {
        "choose the deal of the waiting meeting"
    } else if !sight.blind.is_empty() {
        "let the calendar and the mailbox be read again, plan a meeting, or set a task with a date"
    } else {
        "plan a meeting with the buyer, or set a task with a date"
    };
    Finding {
        severity: if case.is_large() { Severity::High } else { Severity::Low },
        owner: Some(owner.to_owned()),
        to_stage: Some(case.deal.stage.clone()),
        expected: words::sentence(&format!(
            "a planned meeting or an open task while the deal stands in {}",
            case.stage_name(&case.deal.stage)
        )),
        found: words::sentence(&found),
        clears_when: words::sentence(clears_when),
        evidence: held.map(|s| s.activity.id.clone()).into_iter().collect(),
        // what was said of one time without a step says nothing of the next
        cause: Some(since.timestamp_millis().to_string()),
        blind: super::blind(sight),
        pending: super::ids(pending),
        ..super::blank(case, Rule::NoNextStep, entered.timestamp_millis().to_string(), since)
    }
}

fn next(case: &Case<'_>, moments: &mut Vec<DateTime<Utc>>) {
    moments.extend(case.tasks.iter().filter_map(|task| task.done_at));
}

/// Connections whose reading is waited for.
fn waits_for(case: &Case<'_>) -> Vec<String> {
    match asked_since(case) {
        Some(_) => sight(case, case.owner_at(case.now())).lagging,
        None => vec![],
    }
}

#[cfg(test)]
mod tests {
    use super::super::{
        Finding, Rule, Severity, State,
        world::{ANA, World, deal, mail_in, mail_out, meeting, of_contact, pending, t},
    };
    use crate::domain::{
        activity::{Activity, Status},
        directory::Task,
    };

    const STEP: &[Rule] = &[Rule::NoNextStep];

    fn world() -> World {
        World::new("11-20").moved("11-03", "Discovery").with(mail_in("a", "11-19"))
    }

    fn task(deal: Option<&str>, contact: Option<&str>, due: &str, done: Option<&str>) -> Task {
        Task {
            id: format!("task {due}"),
            deal: deal.map(str::to_owned),
            contact: contact.map(str::to_owned),
            owner: ANA.into(),
            due: t(due),
            done_at: done.map(t),
        }
    }

    fn tasked(task: Task) -> World {
        let mut world = world();
        world.tasks.push(task);
        world
    }

    fn only(world: &World) -> Finding {
        let mut found = world.findings(STEP);
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    #[test]
    fn fires_from_the_second_stage_on() {
        let finding = only(&world());
        assert_eq!((finding.state, finding.severity, finding.since), (State::Open, Severity::Low, t("11-03")));
        assert_eq!(finding.found, "No meeting is planned and no task is open since 3 Nov.");
        assert_eq!(finding.expected, "A planned meeting or an open task while the deal stands in Discovery.");
        assert_eq!(World::new("11-20").findings(STEP), []);
        assert_eq!(World::new("11-20").set("no_next_step", None, "from_stage", "1").findings(STEP).len(), 1);
        assert_eq!(world().set("no_next_step", None, "from_stage", "3").findings(STEP), []);
        assert_eq!(world().set("no_next_step", Some("Discovery"), "enabled", "false").findings(STEP), []);
        assert_eq!(world().moved("11-19", "Won").findings(STEP), []);
        assert_eq!(world().moved("11-19", "Lost").findings(STEP), []);
    }

    #[test]
    fn what_is_a_next_step() {
        let off = Activity { status: Status::Cancelled, ..meeting("m", "11-25", true) };
        let cases: Vec<(&str, World, bool)> = vec![
            ("planned meeting", world().with(meeting("m", "11-25", false)), false),
            ("meeting with the contact", world().with(of_contact(meeting("m", "11-25", false))), false),
            ("meeting under way", world().with(meeting("m", "11-20 11:30", false)), false),
            ("meeting over", world().with(meeting("m", "11-19", true)), true),
            ("meeting called off", world().with(off), true),
            ("our mail", world().with(mail_out("o", "11-19")), true),
            ("open task", tasked(task(Some("d1"), None, "11-25", None)), false),
            ("open task, overdue", tasked(task(Some("d1"), None, "11-05", None)), false),
            ("done task", tasked(task(Some("d1"), None, "11-25", Some("11-19"))), true),
            ("task of another deal", tasked(task(Some("d2"), Some("tom"), "11-25", None)), true),
            ("task with the contact", tasked(task(None, Some("tom"), "11-25", None)), false),
            ("task with nobody", tasked(task(None, None, "11-25", None)), true),
        ];
        for (name, world, fires) in cases {
            assert_eq!(!world.findings(STEP).is_empty(), fires, "{name}");
        }
        let mut busy = tasked(task(None, Some("tom"), "11-25", None));
        busy.others.push(deal("d2", "Lead"));
        assert_eq!(busy.findings(STEP).len(), 1);
        assert_eq!(only(&world().with(meeting("m", "11-19", true))).since, t("11-19 13:00"));
        let planned = world().with(meeting("m", "11-25", true)).outlook(&[]);
        assert!(planned.next_due.is_some_and(|at| at <= t("11-25 12:00")));
    }

    #[test]
    fn blindness_and_choices_are_unknown() {
        let failing = world().ana("ana-calendar", |c| (c.failing, c.complete_to) = (true, Some(t("11-19"))));
        assert_eq!(
            (only(&failing).state, &only(&failing).blind[..]),
            (State::Unknown, &["ana-calendar".to_owned()][..])
        );
        assert_eq!(only(&world().drop_connection("ana-mail")).state, State::Unknown);
        let without = only(&world().drop_connection("ana-calendar"));
        assert_eq!(without.state, State::Open);
        assert!(without.found.ends_with("(no calendar of Ana Lopez is connected)."), "{}", without.found);
        let behind = world().ana("ana-mail", |c| c.complete_to = Some(t("11-19")));
        assert_eq!(only(&behind).state, State::Open);
        let unread = world().ana("ana-mail", |c| (c.complete_from, c.complete_to) = (None, None));
        assert_eq!(unread.findings(STEP), []);
        assert_eq!(only(&world().with(pending(meeting("p", "11-25", true)))).pending, ["p"]);
        assert_eq!(only(&world().with(pending(mail_in("p", "11-10")))).state, State::Open);
    }

    #[test]
    fn resolved_by_a_step_and_open_again_when_it_is_over() {
        let open = world().judged(&[]);
        let planned = world().with(meeting("m", "11-25", true)).judged(&open);
        let find = |all: &[Finding]| all.iter().find(|f| f.rule == Rule::NoNextStep).cloned().expect("kept");
        assert_eq!((find(&planned).state, find(&planned).resolved_by.as_deref()), (State::Resolved, Some("m")));
        let over = world().with(meeting("m", "11-25", true)).at("11-26").judged(&planned);
        assert_eq!(
            (find(&over).state, find(&over).since, find(&over).id),
            (State::Open, t("11-25 13:00"), find(&open).id)
        );
        // what was said of the time before that step says nothing of the time after it
        let mut said = open.clone();
        said.iter_mut().for_each(|f| f.explain("the board decides in May".into(), ANA.into()));
        assert_eq!(find(&world().judged(&said)).state, State::Explained);
        let planned = world().with(meeting("m", "11-25", true)).judged(&said);
        let over = world().with(meeting("m", "11-25", true)).at("11-26").judged(&planned);
        assert_eq!(find(&over).state, State::Open);
        let task = tasked(task(Some("d1"), None, "11-25", None)).judged(&open);
        assert_eq!((find(&task).state, find(&task).resolved_by), (State::Resolved, None));
        let lost = world().moved("11-20", "Lost").judged(&open);
        assert_eq!(find(&lost).state, State::Withdrawn);
    }
}
