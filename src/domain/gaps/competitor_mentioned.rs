//! `competitor_mentioned`: a configured competitor is named in the subject or text of mail on an open deal. One finding
//! per competitor. What stands in captured mail is a fact: never unknown.

use std::collections::BTreeMap;

use super::{
    Judge, Outcome, Verdict,
    case::{Case, Seen, Tie},
    finding::{Finding, Rule, Severity},
    moves, words,
};
use crate::domain::{activity::Kind, competitors};

pub(super) const JUDGE: Judge = Judge::new(Rule::CompetitorMentioned, judge);

fn judge(case: &Case<'_>, verdicts: &mut Vec<Verdict>) {
    if !case.is_open() || !case.stages().judges(Rule::CompetitorMentioned, &case.deal.stage) {
        return;
    }
    let open_since = moves::open_since(case.deal, case.facts.directory);
    let mut mentions: BTreeMap<&str, Vec<&Seen<'_>>> = BTreeMap::new();
    let mails = case.seen.iter().filter(|s| s.activity.kind == Kind::Email && s.tie != Tie::Pending);
    let mails = mails.filter(|s| s.at() <= case.now() && open_since.is_none_or(|since| s.at() >= since));
    for seen in mails {
        for name in seen.activity.tags.iter().filter_map(|tag| competitors::named_by(tag)) {
            mentions.entry(name).or_default().push(seen);
        }
    }
    let all = mentions.into_iter().map(|(name, seen)| finding(case, name, &seen));
    verdicts.extend(all.map(|finding| Verdict { outcome: Outcome::Stands, finding }));
}

/// `seen`: at least one mail, the oldest first.
fn finding(case: &Case<'_>, name: &str, seen: &[&Seen<'_>]) -> Finding {
    let first = seen[0];
    let owner = case.owner_at(first.at());
    let day = case.day(owner, first.at());
    let found = match seen {
        [_] => format!("{name} is named in a mail of {day}"),
        [.., last] => {
            let last = case.day(owner, last.at());
            format!("{name} is named in {} mails, first on {day}, last on {last}", seen.len())
        }
        [] => String::new(),
    };
    Finding {
        activity: Some(first.activity.id.clone()),
        severity: if case.is_large() { Severity::Medium } else { Severity::Low },
        owner: Some(owner.to_owned()),
        to_stage: Some(case.deal.stage.clone()),
        expected: words::sentence(&format!("no competitor in the mail with {}", case.buyer())),
        found: words::sentence(&found),
        clears_when: words::sentence(&format!("say how we stand against {name} (explain this gap), or close the deal")),
        evidence: super::ids(seen),
        ..super::blank(case, Rule::CompetitorMentioned, name.to_lowercase(), first.at())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{
        Finding, Rule, Severity, State,
        world::{ANA, World, deal, mail_in, mail_out, meeting, of_contact, pending, t},
    };
    use crate::domain::activity::Activity;

    const RIVAL: &[Rule] = &[Rule::CompetitorMentioned];

    fn naming(activity: Activity, names: &[&str]) -> Activity {
        Activity { tags: names.iter().map(|n| format!("competitor:{n}")).collect(), ..activity }
    }

    fn named() -> World {
        World::new("11-20").with(naming(mail_in("a", "11-03"), &["Rivalsoft"]))
    }

    #[test]
    fn fires_once_per_competitor() {
        let found = named().findings(RIVAL);
        assert_eq!(found.len(), 1);
        let finding = &found[0];
        assert_eq!((finding.state, finding.severity, finding.since), (State::Open, Severity::Low, t("11-03")));
        assert_eq!((finding.activity.as_deref(), finding.key.as_str()), (Some("a"), "rivalsoft"));
        assert_eq!(finding.owner.as_deref(), Some(ANA));
        assert_eq!(finding.found, "Rivalsoft is named in a mail of 3 Nov.");
        let more = named().with(naming(mail_out("o", "11-05"), &["Rivalsoft", "Otherco"])).findings(RIVAL);
        let told: Vec<(&str, usize)> = more.iter().map(|f| (f.key.as_str(), f.evidence.len())).collect();
        assert_eq!(told.len(), 2);
        assert!(told.contains(&("otherco", 1)) && told.contains(&("rivalsoft", 2)), "{told:?}");
        let first = more.iter().find(|f| f.key == "rivalsoft").expect("named twice");
        assert_eq!(first.found, "Rivalsoft is named in 2 mails, first on 3 Nov, last on 5 Nov.");
    }

    #[test]
    fn what_counts() {
        let cases: Vec<(&str, World, bool)> = vec![
            ("their mail", named(), true),
            ("ours", World::new("11-20").with(naming(mail_out("o", "11-03"), &["Rivalsoft"])), true),
            (
                "the contact's",
                World::new("11-20").with(naming(of_contact(mail_in("a", "11-03")), &["Rivalsoft"])),
                true,
            ),
            ("a meeting", World::new("11-20").with(naming(meeting("m", "11-03", true), &["Rivalsoft"])), false),
            (
                "another tag",
                World::new("11-20").with(Activity { tags: vec!["quote".into()], ..mail_in("a", "11-03") }),
                false,
            ),
            ("a won deal", named().moved("11-10", "Won"), false),
            ("before it was taken up again", named().moved("11-05", "Lost").moved("11-10", "Lead"), false),
            ("switched off", named().set("competitor_mentioned", Some("Lead"), "enabled", "false"), false),
            ("another stage's switch", named().set("competitor_mentioned", Some("Proposal"), "enabled", "false"), true),
        ];
        for (name, world, fires) in cases {
            assert_eq!(!world.findings(RIVAL).is_empty(), fires, "{name}");
        }
        let mut loose = World::new("11-20").with(naming(pending(mail_in("a", "11-03")), &["Rivalsoft"]));
        loose.others.push(deal("d2", "Lead"));
        assert_eq!(loose.findings(RIVAL), [], "whose deal it is about is not known yet");
        // A fact: never unknown.
        assert_eq!(named().drop_connection("ana-mail").findings(RIVAL)[0].state, State::Open);
    }

    #[test]
    fn it_goes_when_the_name_is_no_longer_looked_for() {
        let open = named().judged(&[]);
        let find = |all: &[Finding]| all.iter().find(|f| f.rule == Rule::CompetitorMentioned).cloned().expect("kept");
        let plain = World::new("11-20").with(mail_in("a", "11-03")).judged(&open);
        assert_eq!(find(&plain).state, State::Withdrawn);
        assert_eq!(find(&named().judged(&plain)).state, State::Open);
        named().survives_a_snooze(Rule::CompetitorMentioned);
    }
}
