//! `amount_dropped`: the amount of an open deal fell by more than a share of the highest it ever had since it was opened, at
//! once or bit by bit. A fact of the CRM, never unknown. It is resolved when the amount has risen again; a buyer's mail does
//! not bring it back. A further fall is another cause.

use super::{
    Ending, Judge, Outcome, Verdict,
    case::Case,
    changes::{self, Change},
    finding::{Finding, Rule, Severity},
    moves, words,
};

pub(super) const JUDGE: Judge = Judge { ending, ..Judge::new(Rule::AmountDropped, judge) };

struct Drop {
    /// The change that began at the highest amount.
    first: Change<f64>,
    /// How many changes began at that amount before it.
    again: usize,
    /// When the fall became too deep.
    since: chrono::DateTime<chrono::Utc>,
    last: Change<f64>,
}

fn drop(case: &Case<'_>, percent: f64) -> Option<Drop> {
    let since = moves::open_since(case.deal, case.facts.directory);
    let mut drop: Option<Drop> = None;
    let mut highest: Option<Change<f64>> = None;
    let all = changes::changes(case.deal, "amount", since, changes::amount);
    for change in all.iter().cloned() {
        if highest.as_ref().is_none_or(|high| change.from > high.from) {
            highest = Some(change.clone());
        }
        let Some(first) = highest.clone() else { continue };
        let too_deep = change.to < first.from * (1.0 - percent / 100.0) - 1e-9;
        drop = too_deep.then(|| match drop {
            Some(known) if known.first == first => {
                let last = if change.to < change.from { change } else { known.last };
                Drop { last, ..known }
            }
            _ => {
                let again = all.iter().filter(|c| c.began < first.began && c.from == first.from).count();
                Drop { since: change.at, first, again, last: change }
            }
        });
    }
    drop
}

fn judge(case: &Case<'_>, verdicts: &mut Vec<Verdict>) {
    let Some(limits) = case.limits(Rule::AmountDropped, &case.deal.stage).filter(|_| case.is_open()) else { return };
    let percent = limits.number("percent");
    let Some(drop) = drop(case, percent) else { return };
    let owner = case.owner_at(case.now());
    let money = |n| words::amount(n, case.deal.currency.as_deref());
    let (high, low) = (drop.first.from, drop.last.to);
    let finding = Finding {
        severity: if high >= case.facts.thresholds.amount_for_high { Severity::High } else { Severity::Low },
        owner: Some(case.owner_at(drop.last.at).to_owned()),
        deal_at: Some(drop.last.at),
        expected: words::sentence(&format!("an amount of about {}, as the deal once had", money(high))),
        found: words::sentence(&format!(
            "it fell to {} on {}, by {:.0} %",
            money(low),
            case.day(owner, drop.last.at),
            (high - low) / high * 100.0
        )),
        clears_when: words::sentence(&format!(
            "an amount of {} or more, or a word why it is less",
            money((high * (1.0 - percent / 100.0)).ceil())
        )),
        cause: Some(format!("{high} {low}")),
        ..super::blank(case, Rule::AmountDropped, format!("{high} {}", drop.again), drop.since)
    };
    verdicts.push(Verdict { outcome: Outcome::Stands, finding });
}

/// The amount rose again; else the deal was closed, or the rule switched off.
fn ending(case: &Case<'_>, finding: &Finding) -> Ending {
    let Some(limits) = case.limits(Rule::AmountDropped, &case.deal.stage).filter(|_| case.is_open()) else {
        return Ending::Withdrawn;
    };
    let since = finding.deal_at.unwrap_or(finding.since);
    let rises = changes::changes(case.deal, "amount", Some(since), changes::amount).into_iter();
    match rises.rev().find(|c| c.to > c.from) {
        Some(rise) if drop(case, limits.number("percent")).is_none() => Ending::Resolved { by: None, at: rise.at },
        _ => Ending::Withdrawn,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{
        Finding, Rule, Severity, State,
        world::{ANA, World, mail_in, t},
    };

    const DROPPED: &[Rule] = &[Rule::AmountDropped];

    fn with(changes: &[(&str, &str, &str)]) -> World {
        changes.iter().fold(World::new("11-20"), |w, (at, from, to)| w.changed("amount", at, from, to))
    }

    fn dropped() -> World {
        with(&[("11-10", "178000", "142000")])
    }

    #[test]
    fn fires_when_it_falls_by_more_than_a_tenth() {
        let finding = dropped().findings(DROPPED).remove(0);
        assert_eq!((finding.state, finding.severity, finding.since), (State::Open, Severity::High, t("11-10")));
        assert_eq!(finding.owner.as_deref(), Some(ANA));
        assert_eq!(finding.expected, "An amount of about 178,000 EUR, as the deal once had.");
        assert_eq!(finding.found, "It fell to 142,000 EUR on 10 Nov, by 20 %.");
        assert_eq!(finding.clears_when, "An amount of 160,200 EUR or more, or a word why it is less.");
        let cases = [
            ("exactly a tenth", with(&[("11-10", "1000", "900")]), 0),
            ("a little more", with(&[("11-10", "1000", "899.99")]), 1),
            ("bit by bit", with(&[("11-01", "1000", "950"), ("11-10", "950", "890")]), 1),
            ("down and up again", with(&[("11-01", "1000", "500"), ("11-10", "500", "950")]), 0),
            ("up and back", with(&[("11-01", "1000", "1500"), ("11-10", "1500", "1000")]), 1),
            ("a slip", with(&[("11-10 10:00", "1000", "100"), ("11-10 10:05", "100", "1000")]), 0),
            ("from nothing", with(&[("11-10", "0", "900")]), 0),
            ("won", dropped().moved("11-15", "Won"), 0),
            ("before it was taken up again", dropped().moved("11-12", "Lost").moved("11-15", "Lead"), 0),
        ];
        for (name, world, want) in cases {
            assert_eq!(world.findings(DROPPED).len(), want, "{name}");
        }
        assert_eq!(with(&[("11-10", "1000", "800")]).findings(DROPPED)[0].severity, Severity::Low);
        // A fact of the CRM: neither blindness nor a mail changes it.
        let seen = dropped().drop_connection("ana-mail").with(mail_in("a", "11-12"));
        assert_eq!(seen.states(DROPPED), [(Rule::AmountDropped, State::Open)]);
    }

    #[test]
    fn thresholds_per_stage() {
        for (stage, value, fires) in [
            (Some("Lead"), "25", false),
            (Some("Sales/Lead"), "25", false),
            (Some("Proposal"), "25", true),
            (None, "5", true),
        ] {
            assert_eq!(!dropped().set("amount_dropped", stage, "percent", value).findings(DROPPED).is_empty(), fires);
        }
        assert_eq!(dropped().set("amount_dropped", None, "enabled", "false").findings(DROPPED), []);
    }

    #[test]
    fn rising_again_resolves_and_a_further_fall_is_another_cause() {
        let mut known = dropped().judged(&[]);
        let one = |all: &[Finding]| all.iter().find(|f| f.rule == Rule::AmountDropped).expect("kept").clone();
        let risen = one(&dropped().changed("amount", "11-15", "142000", "170000").judged(&known));
        assert_eq!((risen.state, risen.resolved_at), (State::Resolved, Some(t("11-15"))));
        assert_eq!(one(&dropped().moved("11-15", "Won").judged(&known)).state, State::Withdrawn);
        known.iter_mut().for_each(|f| f.explain("the second site comes later".into(), ANA.into()));
        let some = one(&dropped().changed("amount", "11-15", "142000", "150000").judged(&known));
        assert_eq!(some.state, State::Explained);
        let further = one(&dropped().changed("amount", "11-15", "142000", "120000").judged(&known));
        assert_eq!((further.state, further.id == one(&known).id), (State::Open, true));
    }

    #[test]
    fn a_snooze_survives_judging() {
        dropped().survives_a_snooze(Rule::AmountDropped);
    }
}
