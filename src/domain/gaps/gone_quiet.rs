//! `gone_quiet`: an open deal without a sign from the buyer for so long, and no meeting planned within the next 14 days.

use chrono::{DateTime, Utc};

use super::{
    Judge, Outcome, Verdict,
    case::{Case, Seen, is_planned},
    finding::{Finding, Rule, Severity},
    sight::Sight,
    silence::{Silence, ending},
    words,
};
use crate::domain::span::Span;

fn silence<'c, 'a>(case: &'c Case<'a>) -> Option<(Silence<'c, 'a>, Span)> {
    let limits = case.quiet().filter(|_| case.is_open())?;
    Some((Silence::of(case, limits.after)?, limits.planned_within))
}

pub(super) const JUDGE: Judge = Judge { ending, next, waits_for, ..Judge::new(Rule::GoneQuiet, judge) };

fn judge(case: &Case<'_>, verdicts: &mut Vec<Verdict>) {
    let Some((silence, planned_within)) = silence(case).filter(|(s, _)| s.due <= case.now()) else { return };
    // A meeting this near says that the deal is alive.
    let soon = case.calendar(case.owner_at(case.now())).add(case.now(), planned_within);
    let near = |s: &&Seen<'_>| is_planned(s.activity, case.now()) && s.at() <= soon;
    let planned = case.planned().find(near);
    let sight = silence.sight(case);
    if !sight.lagging.is_empty() && planned.is_none() {
        return;
    }
    let pending: Vec<&Seen<'_>> = case.pending().filter(|s| silence.breaks(case, s) || near(s)).collect();
    let outcome = match planned {
        Some(meeting) => Outcome::Met { by: Some(meeting.activity.id.clone()), at: None },
        None => Outcome::Stands,
    };
    verdicts.push(Verdict { outcome, finding: finding(case, &silence, planned_within, &sight, &pending).doubted() });
}

fn finding(
    case: &Case<'_>,
    silence: &Silence<'_, '_>,
    planned_within: Span,
    sight: &Sight,
    pending: &[&Seen<'_>],
) -> Finding {
    let owner = case.owner_at(case.now());
    let ours = silence.ours(case);
    let within = words::within(planned_within);
    let found = silence.told(case, &ours);
    let found = match case.blindness(owner, sight, pending.len()) {
        Some(why) => format!("we could not see everything: {why}; otherwise {found}"),
        None => format!("{found}, and no meeting is planned {within}{}", case.without_calendar(sight)),
    };
    let clears_when = words::doubt(sight, pending).map_or_else(
        || format!("a mail, a held meeting or a call from the buyer, or a meeting planned {within}"),
        str::to_owned,
    );
    let looked: Vec<&Seen<'_>> = silence.last.into_iter().chain(ours).collect();
    Finding {
        severity: if case.is_large() { Severity::High } else { Severity::Medium },
        owner: Some(owner.to_owned()),
        to_stage: Some(case.deal.stage.clone()),
        window_from: Some(silence.began),
        window_to: Some(silence.due),
        expected: words::sentence(&format!(
            "a sign from {} by {}, or a meeting planned {within}",
            case.buyer(),
            case.day(owner, silence.due)
        )),
        found: words::sentence(&found),
        clears_when: words::sentence(&clears_when),
        evidence: super::ids(&looked),
        blind: super::blind(sight),
        pending: super::ids(pending),
        ..super::blank(case, Rule::GoneQuiet, silence.key(), silence.due)
    }
}

fn next(case: &Case<'_>, moments: &mut Vec<DateTime<Utc>>) {
    let Some((silence, planned_within)) = silence(case) else { return };
    moments.extend(silence.moments());
    moments.extend(case.pending().map(|s| silence.until(case, s)));
    let calendar = case.calendar(case.owner_at(case.now()));
    let planned = case.seen.iter().filter(|s| is_planned(s.activity, case.now()));
    moments.extend(planned.map(|s| calendar.sub(s.at(), planned_within)));
}

/// Connections whose reading is waited for.
fn waits_for(case: &Case<'_>) -> Vec<String> {
    silence(case).filter(|(s, _)| s.due <= case.now()).map(|(s, _)| s.sight(case).lagging).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::{
        Brings, Capture, Finding, Rule, Severity, State,
        world::{ANA, BEN, World, connection, deal, mail_in, mail_out, meeting, of_contact, pending, t, typed},
    };
    use crate::domain::activity::{Activity, Kind, Status};

    const QUIET: &[Rule] = &[Rule::GoneQuiet];

    /// The last mail came on Tuesday 3 November at noon: ten working days later is Tuesday 17 November, noon.
    fn quiet() -> World {
        World::new("11-20").with(mail_in("a", "11-03"))
    }

    fn only(world: &World) -> Finding {
        let mut found = world.findings(QUIET);
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    #[test]
    fn fires_after_ten_working_days() {
        assert_eq!(quiet().at("11-17 11:59").findings(QUIET), []);
        let finding = only(&quiet().at("11-17 12:00"));
        assert_eq!((finding.state, finding.severity, finding.since), (State::Open, Severity::Medium, t("11-17")));
        assert_eq!((finding.owner.as_deref(), &finding.evidence[..]), (Some(ANA), &["a".to_owned()][..]));
        assert_eq!(
            finding.found,
            "The last sign from Northwind was a mail on 3 Nov, and no meeting is planned within 14 days."
        );
        assert_eq!(quiet().at("11-10").outlook(&[]).next_due, Some(t("11-17")));
    }

    #[test]
    fn what_breaks_the_silence() {
        let off = Activity { status: Status::Cancelled, ..meeting("m", "11-10", true) };
        let cases: Vec<(&str, Activity, bool)> = vec![
            ("a later mail", mail_in("b", "11-10"), false),
            ("a held meeting", meeting("m", "11-10", true), false),
            ("an unconfirmed meeting", meeting("m", "11-10", false), true),
            ("a meeting called off", off, true),
            ("our own mail", mail_out("o", "11-10"), true),
            ("a typed call", typed("c", Kind::Call, "11-10", false), true),
            ("a typed note", typed("n", Kind::Note, "11-10", true), true),
            ("a planned meeting", meeting("m", "12-04 11:00", false), false),
            ("a meeting too far ahead", meeting("m", "12-04 12:01", true), true),
            ("a meeting with the contact", of_contact(meeting("m", "11-25", true)), false),
        ];
        for (name, activity, fires) in cases {
            let findings = quiet().with(activity).findings(QUIET);
            assert_eq!(!findings.is_empty(), fires, "{name}: {findings:?}");
        }
        assert_eq!(quiet().moved("11-19", "Lost").findings(QUIET), []);
        assert_eq!(quiet().moved("11-19", "Won").findings(QUIET), []);
        let said = only(&quiet().with(mail_out("o", "11-10")));
        assert!(said.found.contains("; since then only one mail of our own, and no meeting"), "{}", said.found);
        assert_eq!(said.evidence, ["a", "o"]);
    }

    #[test]
    fn without_any_sign_silence_starts_when_the_deal_was_opened() {
        let told = |world: &World, from: &str, since: &str| {
            let finding = only(world);
            assert_eq!((finding.state, finding.window_from), (State::Open, Some(t(from))), "{since}");
            let want = format!("Nothing from Northwind {since}, and no meeting is planned within 14 days.");
            assert_eq!(finding.found, want);
        };
        told(&World::new("11-20"), "09-01", "since the deal was opened on 1 Sep");
        // a move that nothing shows ends no silence
        let moved = || World::new("11-20").moved("11-18", "Discovery");
        told(&moved(), "09-01", "since the deal was opened on 1 Sep");
        // what was before our capture cannot be told, what came since can
        let from = |day: &str| moved().ana("ana-mail", |c| c.complete_from = Some(t(day)));
        told(&from("10-05"), "10-06 00:00", "in all that was captured, from 6 Oct on");
        assert_eq!(from("11-10").findings(QUIET), [], "ten working days have not passed since");
        assert_eq!(from("11-10").outlook(&[]).next_due, Some(t("11-25 00:00")));
        assert_eq!(from("11-19").findings(QUIET), []);
        let unseen = World::new("12-04").moved("11-18", "Discovery").ana("ana-mail", |c| {
            c.complete_from = Some(t("11-23"));
            c.complete_to = Some(t("12-04"));
        });
        assert_eq!((only(&unseen).state, only(&unseen).window_from), (State::Unknown, Some(t("11-18"))));
        // Signs from before the deal was taken up again do not count.
        let again = World::new("11-20").with(mail_in("a", "09-20")).moved("10-01", "Lost").moved("11-03", "Lead");
        assert_eq!(only(&again).window_from, Some(t("11-03")));
        assert_eq!(again.at("11-16").findings(QUIET), []);
    }

    #[test]
    fn thresholds_per_stage() {
        for (stage, value, fires) in
            [("Lead", "14wd", false), ("Sales/Lead", "14wd", false), ("Proposal", "14wd", true), ("Lead", "9d", true)]
        {
            let world = quiet().set("gone_quiet", Some(stage), "after", value);
            assert_eq!(!world.findings(QUIET).is_empty(), fires, "{stage} {value}");
        }
        assert_eq!(quiet().set("gone_quiet", Some("Lead"), "enabled", "false").findings(QUIET), []);
        let near = quiet().with(meeting("m", "11-25", true)).set("gone_quiet", None, "planned_within", "2d");
        assert_eq!(near.findings(QUIET).len(), 1);
    }

    #[test]
    fn blindness_is_unknown() {
        let failing = quiet().ana("ana-mail", |c| (c.failing, c.complete_to) = (true, Some(t("11-19"))));
        assert_eq!((only(&failing).state, &only(&failing).blind[..]), (State::Unknown, &["ana-mail".to_owned()][..]));
        let late = |at: &str| quiet().at(at).ana("ana-mail", |c| c.complete_from = Some(t("11-04")));
        assert_eq!(only(&late("11-17 13:00")).state, State::Unknown);
        // ten working days of silence that we saw are enough, whatever was on the day before
        let seen = only(&late("11-19 13:00"));
        assert_eq!((seen.state, seen.window_from, seen.id), (State::Open, Some(t("11-05 00:00")), only(&quiet()).id));
        assert_eq!(only(&quiet().drop_connection("ana-mail")).state, State::Unknown);
        assert_eq!(only(&quiet().drop_connection("ana-calendar")).state, State::Open);
        // Read until after the silence was long enough: a reading that is some minutes old is no blindness.
        let behind = quiet().ana("ana-mail", |c| c.complete_to = Some(t("11-19")));
        assert_eq!(only(&behind).state, State::Open);
        let lagging = quiet().ana("ana-mail", |c| c.complete_to = Some(t("11-16")));
        assert_eq!(lagging.findings(QUIET), []);
        assert_eq!(lagging.outlook(&[]).waits_for.into_iter().collect::<Vec<_>>(), ["ana-mail"]);
    }

    #[test]
    fn a_choice_that_could_break_the_silence_is_unknown() {
        let other = |activity| {
            let mut world = quiet().with(pending(activity));
            world.others.push(deal("d2", "Lead"));
            world
        };
        let finding = only(&other(mail_in("p", "11-10")));
        assert_eq!((finding.state, &finding.pending[..]), (State::Unknown, &["p".to_owned()][..]));
        assert_eq!(only(&other(meeting("p", "11-25", false))).state, State::Unknown);
        // Whoever chooses, these change nothing.
        assert_eq!(only(&other(mail_out("p", "11-10"))).state, State::Open);
        assert_eq!(only(&other(mail_in("p", "11-02"))).state, State::Open);
        assert_eq!(only(&other(mail_in("p", "11-04"))).state, State::Open);
    }

    #[test]
    fn each_owner_is_asked_for_his_own_time() {
        let mut world = quiet().owner_changed("11-10", ANA, BEN);
        let from = |day| Capture {
            connections: vec![super::super::ConnectionCoverage {
                complete_from: Some(t(day)),
                ..connection("ben-mail", Brings::Mail)
            }],
        };
        world.captures.insert(BEN.into(), from("11-10"));
        assert_eq!((only(&world).state, only(&world).owner.as_deref()), (State::Open, Some(BEN)));
        world.captures.insert(BEN.into(), from("11-11"));
        assert_eq!(only(&world).state, State::Unknown);
        world.captures.insert(BEN.into(), from("11-10"));
        let before = world.clone().ana("ana-mail", |c| c.complete_to = Some(t("11-09")));
        assert_eq!(before.findings(QUIET), []);
        let before = world.ana("ana-mail", |c| (c.failing, c.complete_to) = (true, Some(t("11-10"))));
        assert_eq!(only(&before).state, State::Open);
    }

    #[test]
    fn an_answer_resolves_and_a_new_silence_is_a_new_finding() {
        let open = quiet().judged(&[]);
        let answered = quiet().with(mail_in("b", "11-20 11:00")).judged(&open);
        let first = answered.iter().find(|f| f.rule == Rule::GoneQuiet).expect("kept");
        assert_eq!(
            (first.state, first.resolved_by.as_deref(), first.resolved_at),
            (State::Resolved, Some("b"), Some(t("11-20 11:00")))
        );
        let again = quiet().with(mail_in("b", "11-20 11:00")).at("12-20").judged(&answered);
        let states: Vec<State> = again.iter().filter(|f| f.rule == Rule::GoneQuiet).map(|f| f.state).collect();
        assert_eq!(states, [State::Resolved, State::Open]);
        // A planned meeting resolves; called off, the same silence is open again.
        let planned = quiet().with(meeting("m", "11-25", true)).judged(&open);
        let planned_first = planned.iter().find(|f| f.rule == Rule::GoneQuiet).expect("kept");
        assert_eq!((planned_first.state, planned_first.resolved_by.as_deref()), (State::Resolved, Some("m")));
        let off = quiet().at("11-21").judged(&planned);
        let off = off.iter().find(|f| f.rule == Rule::GoneQuiet).expect("kept");
        assert_eq!((off.state, &off.id), (State::Open, &first.id));
        // Closed: the cause went away.
        let won = quiet().moved("11-20", "Won").judged(&open);
        assert_eq!(won.iter().find(|f| f.rule == Rule::GoneQuiet).map(|f| f.state), Some(State::Withdrawn));
    }
}
