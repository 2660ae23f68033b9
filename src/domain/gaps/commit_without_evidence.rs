//! `commit_without_evidence`: an open deal that is committed in the forecast (by its category, or by the probability of its
//! stage) and has had no sign from the buyer for so long. A planned meeting is no evidence yet.

use chrono::{DateTime, Utc};

use super::{
    Judge, Outcome, Verdict,
    case::{Case, Seen},
    finding::{Finding, Rule, Severity},
    moves,
    sight::Sight,
    silence::{Silence, ending},
    words,
};

struct Commit<'c, 'a> {
    silence: Silence<'c, 'a>,
    /// Since when it is committed, where that is known.
    since: Option<DateTime<Utc>>,
    /// "is in the forecast as commit".
    said: String,
}

fn commit<'c, 'a>(case: &'c Case<'a>) -> Option<Commit<'c, 'a>> {
    let limits = case.limits(Rule::CommitWithoutEvidence, &case.deal.stage).filter(|_| case.is_open())?;
    let fold = |text: &str| text.trim().to_lowercase();
    let categories: Vec<String> = limits.words("categories").iter().map(|c| fold(c)).collect();
    let category = case.deal.forecast_category.as_deref().filter(|c| categories.contains(&fold(c)));
    let stage = case.facts.directory.stages.get(&case.deal.stage);
    let percent = stage.and_then(|s| s.probability).map(|p| (p * 100.0).round());
    let (since, said) = match (category, percent) {
        (Some(category), _) => {
            let set = |c: &&super::super::directory::FieldChange| {
                c.field == "forecast_category" && c.to.as_deref().is_some_and(|to| fold(to) == fold(category))
            };
            let since = case.deal.field_changes.iter().rev().find(set).map(|c| c.at);
            (since, format!("is in the forecast as {}", category.trim()))
        }
        (None, Some(percent)) if percent >= limits.number("probability") => {
            (moves::entered_current(case.deal), format!("counts as {percent} % sure"))
        }
        _ => return None,
    };
    Some(Commit { silence: Silence::of(case, limits.span("after"))?, since, said })
}

pub(super) const JUDGE: Judge = Judge { ending, next, waits_for, ..Judge::new(Rule::CommitWithoutEvidence, judge) };

fn judge(case: &Case<'_>, verdicts: &mut Vec<Verdict>) {
    let Some(commit) = commit(case).filter(|c| c.silence.due <= case.now()) else { return };
    let sight = commit.silence.sight(case);
    if !sight.lagging.is_empty() {
        return;
    }
    let pending: Vec<&Seen<'_>> = case.pending().filter(|s| commit.silence.breaks(case, s)).collect();
    verdicts.push(Verdict { outcome: Outcome::Stands, finding: finding(case, &commit, &sight, &pending).doubted() });
}

fn finding(case: &Case<'_>, commit: &Commit<'_, '_>, sight: &Sight, pending: &[&Seen<'_>]) -> Finding {
    let owner = case.owner_at(case.now());
    let silence = &commit.silence;
    let ours = silence.ours(case);
    let found = format!("the deal {}, and {}", commit.said, silence.told(case, &ours));
    let found = match case.blindness(owner, sight, pending.len()) {
        Some(why) => format!("we could not see everything: {why}; otherwise {found}"),
        None => format!("{found}{}", case.without_calendar(sight)),
    };
    let asked = "a mail, a held meeting or a call from the buyer, or take the deal out of the committed ones";
    let looked: Vec<&Seen<'_>> = silence.last.into_iter().chain(ours).collect();
    Finding {
        severity: if case.is_large() { Severity::High } else { Severity::Medium },
        owner: Some(owner.to_owned()),
        to_stage: Some(case.deal.stage.clone()),
        window_from: Some(silence.began),
        window_to: Some(silence.due),
        expected: words::sentence(&format!(
            "a sign from {} by {}, since the deal {}",
            case.buyer(),
            case.day(owner, silence.due),
            commit.said
        )),
        found: words::sentence(&found),
        clears_when: words::sentence(words::doubt(sight, pending).unwrap_or(asked)),
        evidence: super::ids(&looked),
        blind: super::blind(sight),
        pending: super::ids(pending),
        ..super::blank(
            case,
            Rule::CommitWithoutEvidence,
            silence.key(),
            commit.since.map_or(silence.due, |since| since.max(silence.due)),
        )
    }
}

fn next(case: &Case<'_>, moments: &mut Vec<DateTime<Utc>>) {
    let Some(commit) = commit(case) else { return };
    moments.extend(commit.silence.moments());
    moments.extend(case.pending().map(|s| commit.silence.until(case, s)));
}

/// Connections whose reading is waited for.
fn waits_for(case: &Case<'_>) -> Vec<String> {
    let due = commit(case).filter(|c| c.silence.due <= case.now());
    due.map(|c| c.silence.sight(case).lagging).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::{
        Finding, Rule, Severity, State,
        world::{ANA, World, mail_in, mail_out, meeting, pending, t, typed},
    };
    use crate::domain::{activity::Kind, directory::FieldChange};

    const COMMIT: &[Rule] = &[Rule::CommitWithoutEvidence];

    /// Committed; the last mail came on Tuesday 3 November: ten working days are over on Tuesday 17 November.
    fn committed(now: &str) -> World {
        let mut world = World::new(now).with(mail_in("a", "11-03"));
        world.deal.forecast_category = Some("Commit".into());
        world
    }

    fn only(world: &World) -> Finding {
        let mut found = world.findings(COMMIT);
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    #[test]
    fn fires_after_ten_working_days_of_silence() {
        assert_eq!(committed("11-17 11:59").findings(COMMIT), []);
        let finding = only(&committed("11-17"));
        assert_eq!((finding.state, finding.severity, finding.since), (State::Open, Severity::Medium, t("11-17")));
        assert_eq!((finding.owner.as_deref(), &finding.evidence[..]), (Some(ANA), &["a".to_owned()][..]));
        assert_eq!(finding.expected, "A sign from Northwind by 17 Nov, since the deal is in the forecast as Commit.");
        assert_eq!(
            finding.found,
            "The deal is in the forecast as Commit, and the last sign from Northwind was a mail on 3 Nov."
        );
        assert_eq!(committed("11-10").outlook(&[]).next_due, Some(t("11-17")));
    }

    #[test]
    fn what_is_committed_and_what_breaks_the_silence() {
        let other = |category: Option<&str>| {
            let mut world = committed("11-20");
            world.deal.forecast_category = category.map(str::to_owned);
            world
        };
        let likely = |probability: f64| {
            let mut world = other(None);
            world.probability = Some(probability);
            world
        };
        let cases = [
            ("best case", other(Some("best_case")), false),
            ("no category", other(None), false),
            ("likely enough", likely(0.8), true),
            ("not quite", likely(0.79), false),
            ("closed", committed("11-20").moved("11-19", "Won"), false),
            ("a later mail", committed("11-20").with(mail_in("b", "11-10")), false),
            ("a held meeting", committed("11-20").with(meeting("m", "11-10", true)), false),
            ("a planned meeting", committed("11-20").with(meeting("m", "11-25", true)), true),
            ("an unconfirmed meeting", committed("11-20").with(meeting("m", "11-10", false)), true),
            ("our own mail", committed("11-20").with(mail_out("o", "11-10")), true),
            ("a typed call", committed("11-20").with(typed("c", Kind::Call, "11-10", false)), true),
        ];
        for (name, world, fires) in cases {
            assert_eq!(!world.findings(COMMIT).is_empty(), fires, "{name}");
        }
    }

    #[test]
    fn it_holds_since_it_was_committed() {
        let mut world = committed("11-25");
        let change = |at, to: &str| FieldChange {
            field: "forecast_category".into(),
            from: None,
            to: Some(to.into()),
            at: t(at),
        };
        world.deal.field_changes =
            vec![change("10-01", "commit"), change("10-05", "pipeline"), change("11-20", "commit")];
        assert_eq!(only(&world).since, t("11-20"));
    }

    #[test]
    fn blindness_and_choices_are_unknown() {
        let failing = committed("11-20").ana("ana-mail", |c| (c.failing, c.complete_to) = (true, Some(t("11-19"))));
        assert_eq!((only(&failing).state, &only(&failing).blind[..]), (State::Unknown, &["ana-mail".to_owned()][..]));
        assert_eq!(only(&committed("11-20").drop_connection("ana-mail")).state, State::Unknown);
        let waiting = only(&committed("11-20").with(pending(mail_in("p", "11-10"))));
        assert_eq!((waiting.state, &waiting.pending[..]), (State::Unknown, &["p".to_owned()][..]));
        let lagging = committed("11-20").ana("ana-mail", |c| c.complete_to = Some(t("11-16")));
        assert_eq!(lagging.findings(COMMIT), []);
        assert!(lagging.outlook(&[]).waits_for.contains("ana-mail"));
    }

    #[test]
    fn thresholds_per_stage() {
        let cases = [
            (Some("Lead"), "after", "20wd", false),
            (Some("Sales/Lead"), "after", "20wd", false),
            (Some("Proposal"), "after", "20wd", true),
            (Some("Lead"), "categories", "closing", false),
            (None, "enabled", "false", false),
        ];
        for (stage, key, value, fires) in cases {
            let world = committed("11-20").set("commit_without_evidence", stage, key, value);
            assert_eq!(!world.findings(COMMIT).is_empty(), fires, "{stage:?} {key} {value}");
        }
    }

    #[test]
    fn a_sign_resolves_and_another_forecast_withdraws() {
        let open = committed("11-20").judged(&[]);
        let state = |world: World| {
            let all = world.judged(&open);
            let one = all.iter().find(|f| f.rule == Rule::CommitWithoutEvidence).expect("kept");
            (one.state, one.resolved_by.clone())
        };
        assert_eq!(state(committed("11-20").with(mail_in("b", "11-19"))), (State::Resolved, Some("b".into())));
        let mut out = committed("11-20");
        out.deal.forecast_category = Some("pipeline".into());
        assert_eq!(state(out), (State::Withdrawn, None));
    }

    #[test]
    fn a_snooze_survives_judging() {
        committed("11-20").survives_a_snooze(Rule::CommitWithoutEvidence);
    }
}
