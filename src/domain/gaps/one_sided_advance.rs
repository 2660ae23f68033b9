//! `one_sided_advance`: a deal moved forward and its window holds only our own mail, unconfirmed meetings, typed calls or
//! partners. Never together with `unsupported_advance`.

use super::{
    Judge, Verdict,
    advance::{self, next, waits_for},
    case::Case,
    finding::Rule,
};

pub(super) const JUDGE: Judge = Judge { next, waits_for, ..Judge::new(Rule::OneSidedAdvance, judge) };

fn judge(case: &Case<'_>, verdicts: &mut Vec<Verdict>) {
    advance::judge(case, Rule::OneSidedAdvance, verdicts);
}

#[cfg(test)]
mod tests {
    use super::super::{
        State,
        world::{ADVANCES, World, call, mail_from, mail_in, mail_out, meeting, pending, typed},
    };
    use crate::domain::{
        activity::{Activity, Kind, Origin, Role},
        directory::ContactRole,
        gaps::Rule::{OneSidedAdvance as OneSided, UnsupportedAdvance as Unsupported},
    };

    fn moved() -> World {
        World::new("11-10").moved("11-03 10:00", "Discovery")
    }

    #[test]
    fn only_our_side_shows() {
        let partner = |id: &str| mail_from(id, "11-02", "pat@reseller.example");
        let cases: Vec<(&str, Vec<Activity>, &str)> = vec![
            ("mail", vec![mail_out("o", "11-02")], "Only one mail of our own between 20 Oct and 5 Nov."),
            (
                "several",
                vec![mail_out("o", "11-02"), mail_out("p", "11-01"), meeting("m", "11-01", false)],
                "Only 2 mails of our own and one meeting that nobody outside confirmed between 20 Oct and 5 Nov.",
            ),
            (
                "typed call",
                vec![typed("c", Kind::Call, "11-02", false)],
                "Only one call typed by hand between 20 Oct and 5 Nov.",
            ),
            (
                "typed meeting",
                vec![typed("m", Kind::Meeting, "11-02", false)],
                "Only one meeting that nobody outside confirmed between 20 Oct and 5 Nov.",
            ),
            ("partner", vec![partner("p")], "Partner only: one mail from a partner between 20 Oct and 5 Nov."),
        ];
        for (name, activities, found) in cases {
            let world = activities.iter().cloned().fold(moved(), World::with);
            let findings = world.findings(ADVANCES);
            assert_eq!(findings.len(), 1, "{name}");
            assert_eq!((findings[0].rule, findings[0].state), (OneSided, State::Open), "{name}");
            assert_eq!(findings[0].found, found);
            assert_eq!(findings[0].evidence.len(), activities.len());
        }
    }

    #[test]
    fn partners_are_the_buyer_when_their_role_says_so() {
        let mail = || mail_from("p", "11-02", "pat@reseller.example");
        for (role, backed) in [(None, true), (Some("Decision maker"), true), (Some("Reseller"), false)] {
            let mut world = moved().with(mail());
            world.deal.contacts.push(ContactRole { contact: "pat".into(), role: role.map(str::to_owned) });
            let want = if backed { vec![] } else { vec![(OneSided, State::Open)] };
            assert_eq!(world.states(ADVANCES), want, "{role:?}");
        }
        // A meeting with a partner and the buyer is a meeting with the buyer.
        let mut both = meeting("m", "11-02", true);
        both.participants.extend(mail().participants);
        assert_eq!(moved().with(both.clone()).states(ADVANCES), []);
        // but not when the buyer declined
        let mut declined = both.clone();
        let buyers = declined.participants.iter_mut().filter(|p| p.address.ends_with("northwind.example"));
        buyers.for_each(|p| p.role = Role::Declined);
        assert_eq!(moved().with(declined).states(ADVANCES), [(OneSided, State::Open)]);
        both.participants.retain(|p| !p.address.ends_with("northwind.example"));
        assert_eq!(moved().with(both).states(ADVANCES), [(OneSided, State::Open)]);
        let mut held = call("c", "11-02", Origin::Captured);
        held.participants = mail().participants;
        assert_eq!(moved().with(held).states(ADVANCES), [(OneSided, State::Open)]);
    }

    #[test]
    fn never_together_with_the_other_rule() {
        // Our own mail outside the window is nothing.
        assert_eq!(moved().with(mail_out("o", "11-06")).states(ADVANCES), [(Unsupported, State::Open)]);
        // First nothing was known, then our own mail was read: the one is withdrawn, the other opens.
        let before = moved().judged(&[]);
        let after = moved().with(mail_out("o", "11-02")).judged(&before);
        let states: Vec<_> = after.iter().filter(|f| ADVANCES.contains(&f.rule)).map(|f| (f.rule, f.state)).collect();
        assert_eq!(states, [(Unsupported, State::Withdrawn), (OneSided, State::Open)]);
        // Each can be switched off alone.
        let off = moved().set("unsupported_advance", None, "enabled", "false");
        assert_eq!(off.clone().states(ADVANCES), []);
        assert_eq!(off.with(mail_out("o", "11-02")).states(ADVANCES), [(OneSided, State::Open)]);
        let off = moved().set("one_sided_advance", None, "enabled", "false");
        assert_eq!(off.with(mail_out("o", "11-02")).states(ADVANCES), []);
    }

    #[test]
    fn unknown_and_resolved_like_the_other() {
        let world = || moved().with(mail_out("o", "11-02"));
        assert_eq!(world().with(pending(mail_in("p", "11-02"))).states(ADVANCES), [(OneSided, State::Unknown)]);
        assert_eq!(world().drop_connection("ana-mail").states(ADVANCES), [(OneSided, State::Unknown)]);
        let late = world().with(mail_in("a", "11-06")).findings(ADVANCES);
        assert_eq!((late[0].rule, late[0].state, late[0].late), (OneSided, State::Resolved, true));
        let known = world().judged(&[]);
        let met = world().with(mail_in("a", "11-02")).judged(&known);
        let met = met.iter().find(|f| f.rule == OneSided).expect("kept");
        assert_eq!((met.state, met.late, met.resolved_by.as_deref()), (State::Resolved, false, Some("a")));
    }
}
