//! `unsupported_advance`: a deal moved forward and its window holds nothing at all. The rule the product exists for.

use super::{
    Judge, Verdict,
    advance::{self, next, waits_for},
    case::Case,
    finding::Rule,
};

pub(super) const JUDGE: Judge = Judge { next, waits_for, ..Judge::new(Rule::UnsupportedAdvance, judge) };

fn judge(case: &Case<'_>, verdicts: &mut Vec<Verdict>) {
    advance::judge(case, Rule::UnsupportedAdvance, verdicts);
}

#[cfg(test)]
mod tests {
    use super::super::{
        Brings, Capture, Finding, Severity, State,
        world::{
            ADVANCES, ANA, BEN, World, call, connection, deal, mail_from, mail_in, mail_out, meeting, of_company,
            of_contact, pending, t, typed,
        },
    };
    use crate::domain::{
        activity::{Activity, Kind, Origin, Status},
        directory::ContactRole,
        gaps::Rule::{self, UnsupportedAdvance as Unsupported},
    };

    /// Moved from Lead to Discovery on Tuesday 3 November: the window is 20 October 10:00 to 5 November 10:00.
    fn moved() -> World {
        World::new("11-10").moved("11-03 10:00", "Discovery")
    }

    fn only(world: &World) -> Finding {
        let mut found = world.findings(ADVANCES);
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    #[test]
    fn fires_on_an_empty_window() {
        let finding = only(&moved());
        assert_eq!((finding.rule, finding.state, finding.severity), (Unsupported, State::Open, Severity::Medium));
        assert_eq!((finding.window_from, finding.window_to), (Some(t("10-20 10:00")), Some(t("11-05 10:00"))));
        assert_eq!(finding.deal_at, Some(t("11-03 10:00")));
        assert_eq!((finding.from_stage.as_deref(), finding.to_stage.as_deref()), (Some("Lead"), Some("Discovery")));
        assert_eq!((finding.owner.as_deref(), finding.since), (Some(ANA), t("11-05 10:00")));
        assert_eq!(
            finding.expected,
            "A mail from Northwind, a confirmed meeting or a logged call around the move from Lead to Discovery on 3 Nov."
        );
        assert_eq!(finding.found, "Nothing of the kind between 20 Oct and 5 Nov.");
    }

    #[test]
    fn what_counts_and_where_the_window_ends() {
        let automatic = |tags: &[&str]| Activity {
            automatic: true,
            tags: tags.iter().map(|t| (*t).to_owned()).collect(),
            ..mail_in("a", "11-02")
        };
        let called_off = |status| Activity { status, ..meeting("a", "11-02", true) };
        let cases: Vec<(&str, Activity, bool)> = vec![
            ("buyer's mail", mail_in("a", "11-02"), true),
            ("first moment", mail_in("a", "10-20 10:00"), true),
            ("last moment", mail_in("a", "11-05 10:00"), true),
            ("a minute too early", mail_in("a", "10-20 09:59"), false),
            ("auto-reply", automatic(&[]), false),
            ("automatic, with an order", automatic(&["order"]), true),
            ("automatic, with a competitor's name", automatic(&["competitor:Rivalsoft"]), false),
            ("held and confirmed", meeting("a", "11-02", true), true),
            ("cancelled", called_off(Status::Cancelled), false),
            ("declined", called_off(Status::Declined), false),
            ("captured call", call("a", "11-02", Origin::Captured), true),
            ("typed call, confirmed", typed("a", Kind::Call, "11-02", true), true),
            ("typed meeting, confirmed", typed("a", Kind::Meeting, "11-02", true), true),
            ("typed mail, unconfirmed", typed("a", Kind::Email, "11-02", false), false),
            ("note", typed("a", Kind::Note, "11-02", true), false),
            ("contact without another open deal", of_contact(mail_in("a", "11-02")), true),
        ];
        for (name, activity, backed) in cases {
            let states = moved().with(activity).states(ADVANCES);
            let want = if backed { vec![] } else { vec![(Unsupported, State::Open)] };
            assert_eq!(states, want, "{name}");
        }
    }

    #[test]
    fn what_the_company_does_after_the_deal_was_closed() {
        let won = || World::new("11-30").moved("11-03 10:00", "Won");
        let from_zoe = |at: &str| of_company(mail_from("z", at, "zoe@northwind.example"));
        assert_eq!(won().states(ADVANCES), [(Unsupported, State::Open)]);
        // no deal is open that it could be given to
        assert_eq!(won().with(from_zoe("11-04")).states(ADVANCES), []);
        let late = only(&won().with(from_zoe("11-17 10:00")));
        assert_eq!((late.state, late.late), (State::Resolved, true));
        assert_eq!(won().with(from_zoe("11-17 10:01")).states(ADVANCES), [(Unsupported, State::Open)]);
        let with = |other| {
            let mut world = won().with(from_zoe("11-04"));
            world.others.push(other);
            world.states(ADVANCES)
        };
        assert_eq!(with(deal("d2", "Lead")), [(Unsupported, State::Open)]);
        let mut elsewhere = deal("d2", "Lead");
        elsewhere.company = None;
        assert_eq!(with(elsewhere), []);
        // while the deal was open, matching had its say
        assert_eq!(moved().with(from_zoe("11-04")).states(ADVANCES), [(Unsupported, State::Open)]);
        let pending = Activity { undecided: vec!["d1".into(), "d2".into()], ..from_zoe("11-04") };
        assert_eq!(won().with(pending).states(ADVANCES), [(Unsupported, State::Unknown)]);
    }

    #[test]
    fn the_stage_before_starts_the_window() {
        // Discovery was entered on 28 October, so a mail of the 25th belongs to the move before.
        let world = World::new("11-20").moved("10-28 10:00", "Discovery").moved("11-09 10:00", "Proposal");
        let world = world.with(mail_in("a", "10-25"));
        let finding = only(&world);
        assert_eq!((finding.window_from, finding.to_stage.as_deref()), (Some(t("10-28 10:00")), Some("Proposal")));
    }

    #[test]
    fn contacts_with_other_deals_say_nothing() {
        let world = || moved().with(of_contact(mail_in("a", "11-02")));
        let mut busy = world();
        busy.others.push(deal("d2", "Lead"));
        assert_eq!(busy.states(ADVANCES), [(Unsupported, State::Open)]);
        let mut closed = world();
        let mut won = deal("d2", "Won");
        won.stage_changes[0].at = t("10-01");
        closed.others.push(won);
        assert_eq!(closed.states(ADVANCES), []);
        // The other deal came up after the mail.
        let mut later = world();
        let mut fresh = deal("d2", "Lead");
        (fresh.created_at, fresh.stage_changes[0].at) = (Some(t("11-04")), t("11-04"));
        later.others.push(fresh);
        assert_eq!(later.states(ADVANCES), []);
        // Given to another deal by a person.
        let mut elsewhere = moved().with(mail_in("a", "11-02"));
        elsewhere.activities[0].matches[1].id = "d2".into();
        assert_eq!(elsewhere.states(ADVANCES), [(Unsupported, State::Open)]);
    }

    #[test]
    fn which_moves_are_judged() {
        let cases: Vec<(&str, World, Vec<&str>)> = vec![
            ("creation", World::new("11-20"), vec![]),
            ("to won", World::new("11-20").moved("11-03", "Won"), vec!["Won"]),
            ("to lost", World::new("11-20").moved("11-03", "Lost"), vec![]),
            ("to another pipeline", World::new("11-20").moved("11-03", "Elsewhere"), vec![]),
            ("back", World::new("11-20").moved("11-03", "Proposal").moved("11-09", "Lead"), vec!["Proposal"]),
            ("there and back", World::new("11-20").moved("11-03", "Proposal").moved("11-04 11:59", "Lead"), vec![]),
            (
                "back and there",
                World::new("11-25").moved("10-03", "Proposal").moved("11-03", "Lead").moved("11-04", "Proposal"),
                vec!["Proposal"],
            ),
            (
                "merged",
                World::new("11-20").moved("11-03", "Discovery").moved("11-04 11:59", "Proposal"),
                vec!["Proposal"],
            ),
            (
                "apart",
                World::new("11-20").moved("11-03", "Discovery").moved("11-04 12:00", "Proposal"),
                vec!["Discovery", "Proposal"],
            ),
            (
                "forward, then lost",
                World::new("11-20").moved("11-03", "Discovery").moved("11-03 15:00", "Lost"),
                vec![],
            ),
            ("taken up again", World::new("11-25").moved("10-03", "Lost").moved("11-03", "Negotiation"), vec![]),
        ];
        for (name, world, want) in cases {
            let findings = world.findings(ADVANCES);
            let to: Vec<&str> = findings.iter().filter_map(|f| f.to_stage.as_deref()).collect();
            assert_eq!(to, want, "{name}");
        }
        let merged = World::new("11-20").moved("11-03", "Discovery").moved("11-04 11:59", "Proposal");
        let finding = only(&merged);
        assert_eq!((finding.from_stage.as_deref(), finding.deal_at), (Some("Lead"), Some(t("11-04 11:59"))));
    }

    #[test]
    fn nothing_is_said_before_clock_and_capture_are_past_the_window() {
        assert_eq!(moved().at("11-05 09:59").states(ADVANCES), []);
        assert_eq!(moved().at("11-05 10:00").states(ADVANCES), [(Unsupported, State::Open)]);
        let lagging = moved().ana("ana-mail", |c| c.complete_to = Some(t("11-05 09:59")));
        assert_eq!(lagging.states(ADVANCES), []);
        assert_eq!(lagging.outlook(&[]).waits_for.into_iter().collect::<Vec<_>>(), ["ana-mail"]);
        assert_eq!(moved().ana("ana-mail", |c| (c.complete_from, c.complete_to) = (None, None)).states(ADVANCES), []);
        assert_eq!(moved().at("11-04").outlook(&[]).next_due, Some(t("11-05 10:00")));
    }

    #[test]
    fn blindness_is_unknown_and_named() {
        let late = |c: &mut super::super::ConnectionCoverage| c.complete_from = Some(t("10-21"));
        let failing = |c: &mut super::super::ConnectionCoverage| {
            (c.failing, c.complete_to) = (true, Some(t("11-04")));
        };
        let cases = [
            (moved().ana("ana-mail", late), "ana-mail", "ana-mail is complete only from 21 Oct on"),
            (moved().ana("ana-mail", failing), "ana-mail", "ana-mail has not been readable since 4 Nov"),
            (moved().ana("ana-calendar", failing), "ana-calendar", "ana-calendar has not been readable since 4 Nov"),
            (
                moved().drop_connection("ana-mail"),
                "no mailbox: ana@acme.example",
                "no mailbox of Ana Lopez was connected",
            ),
        ];
        for (world, blind, said) in cases {
            let finding = only(&world);
            assert_eq!(
                (finding.rule, finding.state, &finding.blind[..]),
                (Unsupported, State::Unknown, &[blind.to_owned()][..])
            );
            assert!(finding.found.contains(said), "{}", finding.found);
            // Evidence that was captured all the same settles it.
            assert_eq!(world.with(mail_in("a", "11-02")).states(ADVANCES), []);
        }
        // A calendar alone is not enough; no calendar is enough, and said.
        let finding = only(&moved().drop_connection("ana-calendar"));
        assert_eq!(finding.state, State::Open);
        assert!(finding.found.contains("no calendar of Ana Lopez is connected"), "{}", finding.found);
        // Failing since after the window: the window was seen.
        let seen = moved().ana("ana-mail", |c| (c.failing, c.complete_to) = (true, Some(t("11-06"))));
        assert_eq!(seen.states(ADVANCES), [(Unsupported, State::Open)]);
        // Later evidence does not make our blindness a rep's lateness.
        let later = moved().ana("ana-mail", late).with(mail_in("a", "11-09"));
        assert_eq!(later.states(ADVANCES), [(Unsupported, State::Unknown)]);
    }

    #[test]
    fn a_pending_choice_is_unknown_and_named() {
        let finding = only(&moved().with(pending(mail_in("p", "11-02"))));
        assert_eq!((finding.state, &finding.pending[..]), (State::Unknown, &["p".to_owned()][..]));
        let cases = [
            ("outside the window", moved().with(pending(mail_in("p", "11-06"))), vec![(Unsupported, State::Open)]),
            (
                "says nothing",
                moved().with(pending(typed("p", Kind::Note, "11-02", true))),
                vec![(Unsupported, State::Open)],
            ),
            ("evidence anyway", moved().with(pending(mail_in("p", "11-02"))).with(mail_in("a", "11-02")), vec![]),
        ];
        for (name, mut world, want) in cases {
            world.others.push(deal("d2", "Lead"));
            assert_eq!(world.states(ADVANCES), want, "{name}");
        }
    }

    #[test]
    fn resolves_in_time_and_late() {
        let open = moved().judged(&[]);
        let in_time = moved().with(mail_in("a", "11-02")).judged(&open);
        let finding = in_time.iter().find(|f| f.rule == Unsupported).expect("kept");
        assert_eq!((finding.state, finding.resolved_by.as_deref(), finding.late), (State::Resolved, Some("a"), false));
        let late = moved().with(mail_in("b", "11-08")).with(mail_in("a", "11-06"));
        for existing in [&open[..], &[]] {
            let after = late.judged(existing);
            let finding = after.iter().find(|f| f.rule == Unsupported).expect("kept");
            assert_eq!(
                (finding.state, finding.resolved_by.as_deref(), finding.resolved_at, finding.late),
                (State::Resolved, Some("a"), Some(t("11-06")), true)
            );
        }
        // A meeting that is only planned resolves nothing yet.
        assert_eq!(moved().with(meeting("m", "11-12", true)).states(ADVANCES), [(Unsupported, State::Open)]);
    }

    #[test]
    fn an_observed_move_widens_the_window() {
        let world = || moved().observed_since("10-30 08:00");
        let finding = only(&world());
        assert_eq!((finding.window_from, finding.window_to), (Some(t("10-16 08:00")), Some(t("11-05 10:00"))));
        assert!(finding.expected.ends_with("between 30 Oct and 3 Nov."), "{}", finding.expected);
        assert_eq!(world().with(mail_in("a", "10-16 08:00")).states(ADVANCES), []);
        // An entry that was only observed may have been as early as the reading before.
        let next = World::new("11-20").moved("10-29", "Discovery").observed_since("10-27").moved("11-04", "Proposal");
        let found = next.findings(ADVANCES);
        assert_eq!(
            found.iter().find(|f| f.to_stage.as_deref() == Some("Proposal")).and_then(|f| f.window_from),
            Some(t("10-27"))
        );
    }

    #[test]
    fn thresholds_per_stage() {
        let cases = [
            (Some("Discovery"), "lookback", "20d", vec![]),
            (Some("Sales/Discovery"), "lookback", "20d", vec![]),
            (Some("Lead"), "lookback", "20d", vec![(Unsupported, State::Open)]),
            (None, "enabled", "false", vec![]),
            (Some("Discovery"), "enabled", "false", vec![]),
            (None, "grace", "9wd", vec![]),
        ];
        for (stage, key, value, want) in cases {
            let world = moved().with(mail_in("a", "10-16")).set("unsupported_advance", stage, key, value);
            assert_eq!(world.states(ADVANCES), want, "{stage:?} {key} {value}");
        }
    }

    #[test]
    fn severity_is_raised_by_jumps_and_amounts() {
        let jumped = World::new("11-20").moved("11-03", "Proposal");
        assert_eq!(only(&jumped).severity, Severity::High);
        let mut one_sided = jumped.clone().with(mail_out("o", "11-02"));
        assert_eq!(only(&one_sided).severity, Severity::Medium);
        one_sided.deal.amount = Some(50_000.0);
        assert_eq!(only(&one_sided).severity, Severity::High);
        assert_eq!(only(&moved().with(mail_out("o", "11-02"))).severity, Severity::Low);
        assert_eq!(only(&World::new("11-20").moved("11-03", "Won")).severity, Severity::High);
    }

    #[test]
    fn it_belongs_to_the_owner_at_the_move() {
        // Handed to Ben after the move: Ana's finding and Ana's capture.
        let finding = only(&moved().owner_changed("11-04", ANA, BEN));
        assert_eq!((finding.owner.as_deref(), finding.state), (Some(ANA), State::Open));
        // Handed over before: Ben has no mailbox.
        let world = moved().owner_changed("11-02", ANA, BEN);
        assert_eq!((only(&world).owner.as_deref(), only(&world).state), (Some(BEN), State::Unknown));
        let mut connected = world.clone();
        connected.captures.insert(BEN.into(), Capture { connections: vec![connection("ben-mail", Brings::Mail)] });
        assert_eq!(only(&connected).state, State::Open);
        // Ben's mailbox was taken away within the window: it will never catch up.
        let stopped = connected.captures.get_mut(BEN).expect("Ben's");
        (stopped.connections[0].until, stopped.connections[0].complete_to) = (Some(t("11-04")), Some(t("11-04")));
        assert_eq!(
            (only(&connected).state, &only(&connected).blind[..]),
            (State::Unknown, &["ben-mail".to_owned()][..])
        );
    }

    #[test]
    fn merged_contacts_keep_their_ties() {
        let mut world = moved().with(of_contact(mail_in("a", "11-02")));
        world.deal.contacts = vec![ContactRole { contact: "old".into(), role: None }];
        let mut old = world.contacts[0].clone();
        (old.id, old.merged_into) = ("old".into(), Some("tom".into()));
        world.contacts.push(old);
        assert_eq!(world.states(ADVANCES), Vec::<(Rule, State)>::new());
    }
}
