//! What is kept of findings from one judging to the next: ids, what people set, how a finding ended. Pure.
//!
//! Judging twice changes nothing; a finding that was ended by evidence stays on record, one whose cause went away is
//! withdrawn, and one that comes back takes up its old place.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{
    Ending, Outcome, RULES, Verdict,
    case::Case,
    finding::{Finding, State},
};

/// All findings of the deal after this judging: the existing ones brought up to date, then the new ones.
pub fn reconcile(existing: &[Finding], verdicts: Vec<Verdict>, case: &Case<'_>) -> Vec<Finding> {
    join(existing, verdicts, case.now(), |old| {
        RULES.iter().find(|r| r.rule == old.rule).map_or(Ending::Withdrawn, |r| (r.ending)(case, old))
    })
}

/// The same of whatever was judged; `ending` says what became of a finding that is no longer mentioned.
pub fn join(
    existing: &[Finding],
    verdicts: Vec<Verdict>,
    now: DateTime<Utc>,
    ending: impl Fn(&Finding) -> Ending,
) -> Vec<Finding> {
    let mut verdicts: BTreeMap<String, Verdict> =
        verdicts.into_iter().map(|verdict| (verdict.finding.id.clone(), verdict)).collect();
    let mut all: Vec<Finding> = existing
        .iter()
        .map(|old| match verdicts.remove(&old.id) {
            Some(verdict) => renewed(old, verdict, now),
            None if old.state.is_live() => ended(old, ending(old)),
            None => old.clone(),
        })
        .collect();
    all.extend(verdicts.into_values().filter(|v| v.outcome == Outcome::Stands).map(|v| v.finding));
    all
}

/// The old finding, judged again.
fn renewed(old: &Finding, verdict: Verdict, now: DateTime<Utc>) -> Finding {
    match verdict.outcome {
        // what had resolved it may have been taken back; a plan resolved it when it was made, whatever is planned now
        Outcome::Met { by, at: Some(at) }
            if old.state == State::Resolved && !old.late && (&by, Some(at)) != (&old.resolved_by, old.resolved_at) =>
        {
            Finding { resolved_by: by, resolved_at: Some(at), ..old.clone() }
        }
        Outcome::Met { .. } if !old.state.is_live() && !old.late => old.clone(),
        // evidence inside the window, captured after evidence behind it: no longer late
        Outcome::Met { by, at } => Finding {
            state: State::Resolved,
            resolved_by: by,
            resolved_at: Some(at.unwrap_or(now)),
            late: false,
            ..old.clone()
        },
        Outcome::Stands => {
            let mut new = verdict.finding;
            // What a person said of one cause says nothing of another.
            if !new.same_cause(old) {
                return new;
            }
            (new.note, new.by, new.snoozed_until) = (old.note.clone(), old.by.clone(), old.snoozed_until);
            if new.state != State::Resolved
                && let Some(said) = old.said(now)
            {
                new.state = said;
            }
            new
        }
    }
}

/// The old finding, no longer found.
fn ended(old: &Finding, ending: Ending) -> Finding {
    match ending {
        Ending::Resolved { by, at } => {
            Finding { state: State::Resolved, resolved_by: by, resolved_at: Some(at), late: false, ..old.clone() }
        }
        // What a person said stays with it: it may come back, when a connection that fell behind has caught up.
        Ending::Withdrawn => {
            Finding { state: State::Withdrawn, resolved_by: None, resolved_at: None, late: false, ..old.clone() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{
        Finding, Rule, State,
        world::{World, mail_in, mail_out, t},
    };

    fn moved() -> World {
        World::new("11-10").moved("11-03 10:00", "Discovery")
    }

    fn advance(all: &[Finding]) -> &Finding {
        all.iter().find(|f| f.rule == Rule::UnsupportedAdvance).expect("the advance")
    }

    fn edited(world: &World, edit: impl FnOnce(&mut Finding)) -> Vec<Finding> {
        let mut all = world.judged(&[]);
        edit(all.iter_mut().find(|f| f.rule == Rule::UnsupportedAdvance).expect("the advance"));
        all
    }

    #[test]
    fn a_snooze_lasts_until_its_date() {
        let snoozed = edited(&moved(), |f| f.snooze(t("11-15"), "holidays".into(), "ana@acme.example".into()));
        assert_eq!(moved().outlook(&snoozed).next_due.map(|at| at <= t("11-15")), Some(true));
        let later = moved().at("11-14").judged(&snoozed);
        assert_eq!((advance(&later).state, advance(&later).snoozed_until), (State::Snoozed, Some(t("11-15"))));
        let over = moved().at("11-15").judged(&later);
        assert_eq!(advance(&over).state, State::Open);
        assert_eq!(advance(&over).note.as_deref(), Some("holidays"));
        let met = moved().at("11-14").with(mail_in("a", "11-02")).judged(&later);
        assert_eq!(advance(&met).state, State::Resolved);
    }

    #[test]
    fn an_explanation_lasts_until_the_cause_changes() {
        let explained = edited(&moved(), |f| f.explain("met at the fair".into(), "ana@acme.example".into()));
        let later = moved().at("12-20").judged(&explained);
        assert_eq!(
            (advance(&later).state, advance(&later).by.as_deref()),
            (State::Explained, Some("ana@acme.example"))
        );
        // Blind or not, a person has spoken.
        let blind = moved().drop_connection("ana-mail").judged(&explained);
        assert_eq!(advance(&blind).state, State::Explained);
        // The same move went on to another stage within the day: that was not explained.
        let further = moved().moved("11-04 09:00", "Proposal").judged(&explained);
        assert_eq!((advance(&further).state, &advance(&further).id), (State::Open, &advance(&explained).id));
        // The other rule is another cause.
        let ours = moved().with(mail_out("o", "11-02")).judged(&explained);
        assert_eq!(advance(&ours).state, State::Withdrawn);
    }

    #[test]
    fn what_a_person_said_outlasts_a_time_without_the_finding() {
        let said = |say: fn(&mut Finding)| edited(&moved(), say);
        let explained = said(|f| f.explain("met at the fair".into(), "ana@acme.example".into()));
        let snoozed = said(|f| f.snooze(t("11-20"), "holidays".into(), "ana@acme.example".into()));
        // A mailbox that is still to be read: nothing is said until it has been.
        let behind = moved().ana("ana-mail", |c| (c.complete_from, c.complete_to) = (None, None));
        for (before, state, later) in
            [(explained, State::Explained, State::Explained), (snoozed, State::Snoozed, State::Open)]
        {
            let gone = behind.judged(&before);
            assert_eq!(advance(&gone).state, State::Withdrawn);
            let back = moved().judged(&gone);
            assert_eq!((advance(&back).state, &advance(&back).note), (state, &advance(&before).note));
            let still = behind.clone().at("11-19").judged(&gone);
            assert_eq!(advance(&moved().at("11-20").judged(&still)).state, later);
            // Evidence that is taken back: the finding stands again, and so does the word.
            let met = moved().with(mail_in("a", "11-02")).judged(&before);
            assert_eq!(advance(&moved().judged(&met)).state, state);
        }
        let further = |f: &[Finding]| moved().moved("11-04 09:00", "Proposal").judged(f);
        let of_another = further(&said(|f| f.explain("met at the fair".into(), "ana@acme.example".into())));
        assert_eq!((advance(&of_another).state, &advance(&of_another).by), (State::Open, &None));
        assert_eq!(advance(&further(&of_another)).state, State::Open);
    }

    #[test]
    fn what_comes_back_takes_up_its_place() {
        let open = moved().judged(&[]);
        let gone = moved().set("unsupported_advance", None, "enabled", "false").judged(&open);
        assert_eq!(advance(&gone).state, State::Withdrawn);
        let back = moved().judged(&gone);
        assert_eq!(back, open);
        let resolved = moved().with(mail_in("a", "11-02")).judged(&open);
        assert_eq!(advance(&resolved).state, State::Resolved);
        assert_eq!(advance(&moved().judged(&resolved)), advance(&open));
    }

    #[test]
    fn evidence_inside_the_window_ends_lateness() {
        let late = moved().with(mail_in("b", "11-09")).judged(&[]);
        assert_eq!((advance(&late).state, advance(&late).late), (State::Resolved, true));
        let met = moved().with(mail_in("b", "11-09")).with(mail_in("a", "11-02")).judged(&late);
        let end = advance(&met);
        assert_eq!((end.state, end.late, end.resolved_by.as_deref()), (State::Resolved, false, Some("a")));
    }

    #[test]
    fn what_resolved_it_is_what_is_there() {
        let open = moved().judged(&[]);
        let both = moved().with(mail_in("a", "11-02")).with(mail_in("b", "11-03")).judged(&open);
        assert_eq!(advance(&both).resolved_by.as_deref(), Some("a"));
        let one = moved().with(mail_in("b", "11-03")).judged(&both);
        assert_eq!((advance(&one).resolved_by.as_deref(), advance(&one).resolved_at), (Some("b"), Some(t("11-03"))));
    }

    #[test]
    fn ids_are_given_by_the_occurrence() {
        let first = moved().judged(&[]);
        let afresh = moved().at("12-20").judged(&[]);
        assert_eq!(advance(&first).id, advance(&afresh).id);
        let mut other = moved();
        other.deal.id = "d9".into();
        assert_ne!(advance(&other.judged(&[])).id, advance(&first).id);
    }
}
