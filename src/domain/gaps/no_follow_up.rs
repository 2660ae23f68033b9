//! `no_follow_up`: a meeting with people from outside was held on an open deal, and nobody of ours wrote to one of them
//! afterwards. Any later mail to one of them will do, on whatever deal. Each meeting is a finding of its own.

use chrono::{DateTime, Utc};

use super::{
    Awaited, Judge, Outcome, Verdict,
    case::{Case, Seen, Tie},
    finding::{Finding, Rule, Severity},
    letters, moves,
    sight::Sight,
    words,
};
use crate::domain::{
    activity::{Activity, Kind, Origin, Status},
    directory::Directory,
};

/// A held meeting and when a mail should have gone out.
struct Held<'c, 'a> {
    meeting: &'c Seen<'a>,
    /// The owner when it ended.
    owner: &'a str,
    end: DateTime<Utc>,
    due: DateTime<Utc>,
    followed_by: Option<&'a Activity>,
}

fn held<'c, 'a>(case: &'c Case<'a>) -> Vec<Held<'c, 'a>> {
    let Some(limits) = case.limits(Rule::NoFollowUp, &case.deal.stage).filter(|_| case.is_open()) else {
        return vec![];
    };
    let open_since = moves::open_since(case.deal, case.facts.directory);
    let counts = |s: &&Seen<'_>| {
        let meeting = s.activity.kind == Kind::Meeting && s.activity.origin == Origin::Captured;
        meeting && s.tie != Tie::Pending && s.activity.status_at(case.now()) == Status::Held
    };
    let since = |s: &&Seen<'_>| open_since.is_none_or(|since| s.at() >= since);
    let all = case.seen.iter().filter(counts).filter(since).filter_map(|meeting| {
        let end = meeting.activity.ended_at.unwrap_or(meeting.at());
        let owner = case.owner_at(end);
        let due = case.calendar(owner).add(end, limits.span("after"));
        let followed_by = follow_up(case, meeting.activity, end)?;
        Some(Held { meeting, owner, end, due, followed_by })
    });
    all.collect()
}

/// The first mail of ours to one of those who met us, if any; `None` when nobody from outside was there.
#[expect(clippy::option_option, reason = "no outsider, no mail yet, a mail: three different answers")]
fn follow_up<'a>(case: &Case<'a>, meeting: &Activity, end: DateTime<Utc>) -> Option<Option<&'a Activity>> {
    let directory: &Directory = case.facts.directory;
    let met = letters::people(directory, meeting);
    if met.is_empty() {
        return None;
    }
    let later = |a: &Activity| a.occurred_at >= end && a.occurred_at <= case.now();
    Some(case.first(|a| later(a) && letters::addressed(directory, a, true).any(|p| met.contains(p))))
}

pub(super) const JUDGE: Judge = Judge { next, waits_for, awaits, ..Judge::new(Rule::NoFollowUp, judge) };

fn judge(case: &Case<'_>, verdicts: &mut Vec<Verdict>) {
    for held in held(case) {
        if let Some(mail) = held.followed_by {
            let outcome = Outcome::Met { by: Some(mail.id.clone()), at: Some(mail.occurred_at) };
            verdicts.push(Verdict { outcome, finding: finding(case, &held, &Sight::default()) });
        } else if held.due <= case.now() {
            let sight = case.sight_over(held.end, held.due, case.now());
            if sight.lagging.is_empty() {
                let finding = finding(case, &held, &sight).doubted();
                verdicts.push(Verdict { outcome: Outcome::Stands, finding });
            }
        }
    }
}

fn finding(case: &Case<'_>, held: &Held<'_, '_>, sight: &Sight) -> Finding {
    let owner = held.owner;
    let met = letters::people(case.facts.directory, held.meeting.activity);
    let names: Vec<String> = met.iter().take(3).map(|p| case.person_name(p).to_owned()).collect();
    let names = if met.len() > 3 { format!("the {} who were there", met.len()) } else { words::list(&names) };
    let on = case.day(owner, held.meeting.at());
    let silent = format!("nobody of ours has written to {names} since the meeting of {on}");
    let found = match case.blindness(owner, sight, 0) {
        Some(why) => format!("we could not see everything: {why}; otherwise {silent}"),
        None => silent,
    };
    let clears = format!("a mail to {names}");
    Finding {
        activity: Some(held.meeting.activity.id.clone()),
        severity: if case.is_large() { Severity::Medium } else { Severity::Low },
        owner: Some(owner.to_owned()),
        to_stage: Some(case.deal.stage.clone()),
        window_from: Some(held.end),
        window_to: Some(held.due),
        expected: words::sentence(&format!("a mail after the meeting of {on}, by {}", case.day(owner, held.due))),
        found: words::sentence(&found),
        clears_when: words::sentence(words::doubt(sight, &[]).unwrap_or(&clears)),
        evidence: super::ids(&[held.meeting]),
        blind: super::blind(sight),
        ..super::blank(case, Rule::NoFollowUp, held.meeting.activity.id.clone(), held.due)
    }
}

fn next(case: &Case<'_>, moments: &mut Vec<DateTime<Utc>>) {
    let held = held(case);
    moments.extend(held.iter().map(|h| h.due));
    if held.iter().any(|h| h.followed_by.is_none()) {
        moments.extend(case.near_moments());
    }
}

/// Connections whose reading is waited for.
fn waits_for(case: &Case<'_>) -> Vec<String> {
    let open = held(case).into_iter().filter(|h| h.followed_by.is_none() && h.due <= case.now());
    open.flat_map(|h| case.sight_over(h.end, h.due, case.now()).lagging).collect()
}

fn awaits<'a>(case: &Case<'a>, people: &mut Vec<Awaited<'a>>) {
    for held in held(case).iter().filter(|held| held.followed_by.is_none()) {
        let met = letters::people(case.facts.directory, held.meeting.activity);
        people.extend(met.into_iter().map(|person| Awaited { person, since: held.end }));
    }
}

#[cfg(test)]
mod tests {
    use super::super::{
        Finding, Rule, Severity, State,
        world::{ANA, BEN, World, deal, mail_in, mail_out, meeting, of_contact, pending, t, typed},
    };
    use crate::domain::activity::{Activity, Kind, Role, Status};

    const FOLLOW: &[Rule] = &[Rule::NoFollowUp];

    /// Met Tom on Tuesday 3 November from noon to one: two working days later is Thursday at one.
    fn met() -> World {
        World::new("11-06").with(meeting("m", "11-03", true))
    }

    fn only(world: &World) -> Finding {
        let mut found = world.findings(FOLLOW);
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    #[test]
    fn fires_two_working_days_after_the_meeting() {
        assert_eq!(met().at("11-05 12:59").findings(FOLLOW), []);
        let finding = only(&met().at("11-05 13:00"));
        assert_eq!((finding.state, finding.severity, finding.since), (State::Open, Severity::Low, t("11-05 13:00")));
        assert_eq!((finding.activity.as_deref(), finding.key.as_str()), (Some("m"), "m"));
        assert_eq!(finding.owner.as_deref(), Some(ANA));
        assert_eq!(finding.expected, "A mail after the meeting of 3 Nov, by 5 Nov.");
        assert_eq!(finding.found, "Nobody of ours has written to tom@northwind.example since the meeting of 3 Nov.");
        assert_eq!(met().at("11-04").outlook(&[]).next_due, Some(t("11-05 13:00")));
        assert_eq!(met().with(meeting("n", "11-02", false)).findings(FOLLOW).len(), 2, "each meeting is one");
    }

    #[test]
    fn what_is_a_follow_up() {
        let to_eve = || {
            let mut mail = mail_out("o", "11-04");
            mail.participants[1].address = "eve@northwind.example".into();
            mail
        };
        let copy = || {
            let mut mail = mail_out("o", "11-04");
            mail.participants[1].role = Role::Cc;
            mail
        };
        let cases: Vec<(&str, Activity, bool)> = vec![
            ("our mail", mail_out("o", "11-04"), true),
            ("a copy", copy(), true),
            ("as it ended", mail_out("o", "11-03 13:00"), true),
            ("while it lasted", mail_out("o", "11-03 12:30"), false),
            ("long after", mail_out("o", "11-05 20:00"), true),
            ("on no deal", of_contact(mail_out("o", "11-04")), true),
            ("its deal not chosen yet", pending(mail_out("o", "11-04")), true),
            ("their mail", mail_in("a", "11-04"), false),
            ("to somebody who was not there", to_eve(), false),
            ("typed by hand", typed("o", Kind::Email, "11-04", false), false),
            ("another meeting", Activity { participants: vec![], ..meeting("n", "11-05 20:00", true) }, false),
        ];
        for (name, activity, done) in cases {
            let found = met().with(activity).findings(FOLLOW);
            assert_eq!(!found.iter().any(|f| f.key == "m"), done, "{name}");
        }
    }

    #[test]
    fn which_meetings_ask_for_one() {
        let off = |status| Activity { status, ..meeting("m", "11-03", true) };
        let alone = || {
            let mut meeting = meeting("m", "11-03", true);
            meeting.participants.truncate(1);
            meeting.matches.retain(|m| m.id == "d1");
            meeting
        };
        let cases: Vec<(&str, Activity, bool)> = vec![
            ("confirmed", meeting("m", "11-03", true), true),
            ("unconfirmed", meeting("m", "11-03", false), true),
            ("with the contact", of_contact(meeting("m", "11-03", true)), true),
            ("planned", meeting("m", "11-20", true), false),
            ("cancelled", off(Status::Cancelled), false),
            ("declined", off(Status::Declined), false),
            ("typed by hand", typed("m", Kind::Meeting, "11-03", false), false),
            ("nobody from outside", alone(), false),
        ];
        for (name, activity, fires) in cases {
            assert_eq!(!World::new("11-06").with(activity).findings(FOLLOW).is_empty(), fires, "{name}");
        }
        assert_eq!(met().moved("11-04", "Won").findings(FOLLOW), []);
        assert_eq!(met().moved("11-04", "Lost").moved("11-05", "Lead").findings(FOLLOW), []);
        let mut loose = World::new("11-06").with(pending(meeting("m", "11-03", true)));
        loose.others.push(deal("d2", "Lead"));
        assert_eq!(loose.findings(FOLLOW), []);
    }

    #[test]
    fn blindness_is_unknown() {
        let failing = met().ana("ana-mail", |c| (c.failing, c.complete_to) = (true, Some(t("11-05 20:00"))));
        assert_eq!((only(&failing).state, &only(&failing).blind[..]), (State::Unknown, &["ana-mail".to_owned()][..]));
        assert_eq!(only(&met().drop_connection("ana-mail")).state, State::Unknown);
        let lagging = met().ana("ana-mail", |c| c.complete_to = Some(t("11-05 12:00")));
        assert_eq!(lagging.findings(FOLLOW), []);
        assert_eq!(lagging.outlook(&[]).waits_for.into_iter().collect::<Vec<_>>(), ["ana-mail"]);
        // It belongs to who owned the deal when it ended.
        let handed = met().owner_changed("11-04", ANA, BEN);
        assert_eq!(only(&handed).owner.as_deref(), Some(ANA));
    }

    #[test]
    fn a_mail_resolves() {
        let open = met().judged(&[]);
        let find = |all: &[Finding]| all.iter().find(|f| f.rule == Rule::NoFollowUp).cloned().expect("kept");
        let done = find(&met().with(mail_out("o", "11-06 10:00")).judged(&open));
        assert_eq!(
            (done.state, done.resolved_by.as_deref(), done.resolved_at),
            (State::Resolved, Some("o"), Some(t("11-06 10:00")))
        );
        assert_eq!(find(&met().moved("11-06", "Won").judged(&open)).state, State::Withdrawn);
        met().survives_a_snooze(Rule::NoFollowUp);
    }

    #[test]
    fn thresholds_per_stage() {
        for (stage, key, value, fires) in [
            (Some("Lead"), "after", "5wd", false),
            (Some("Proposal"), "after", "5wd", true),
            (Some("Sales/Lead"), "enabled", "false", false),
        ] {
            let world = met().set("no_follow_up", stage, key, value);
            assert_eq!(!world.findings(FOLLOW).is_empty(), fires, "{stage:?} {key} {value}");
        }
    }
}
