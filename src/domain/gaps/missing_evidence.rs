//! `missing_evidence`: a deal entered a stage, and what the stage needs (a quote, a held meeting, a purchase order, two people,
//! a mail from the buyer) was not there by then, plus grace. Everything since the deal was opened counts; what comes later
//! resolves it, marked late. The first entry into a stage is judged; nothing is asked of a lost deal, nor of a lost stage.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::{
    Judge, Outcome, Verdict,
    case::{Case, Seen},
    evidence::Weight,
    finding::{Finding, Rule, Severity, State},
    moves,
    needs::{Had, Need},
    sight::Sight,
    words,
};
use crate::domain::directory::{Quality, StageKind};

/// One entry into a stage that needs something.
struct Entry<'a> {
    stage: String,
    from: Option<String>,
    began: DateTime<Utc>,
    at: DateTime<Utc>,
    quality: Quality,
    owner: &'a str,
    /// From when on evidence counts: since the deal was opened.
    since: DateTime<Utc>,
    /// Until when it is in time.
    due: DateTime<Utc>,
    needs: Vec<Need>,
}

fn entries<'a>(case: &Case<'a>) -> Vec<Entry<'a>> {
    if case.is_lost() {
        return vec![];
    }
    let directory = case.facts.directory;
    let first = moves::first_entry(case.deal).map(|(c, _)| (c.to.clone(), None, c.at, c.at, c.quality));
    let moved = moves::moves(case.deal).into_iter().filter(|m| !m.undoes);
    let moved = moved.map(|m| (m.to, Some(m.from), m.began, m.at, m.quality));
    let mut known: BTreeSet<(String, DateTime<Utc>)> = BTreeSet::new();
    let mut all = Vec::new();
    for (stage, from, began, at, quality) in first.into_iter().chain(moved) {
        let Some(since) = moves::open_since_at(case.deal, directory, at) else { continue };
        let Some(limits) = case.limits(Rule::MissingEvidence, &stage) else { continue };
        let needs: Vec<Need> = limits.words("needs").iter().filter_map(|n| Need::parse(n)).collect();
        let again = !known.insert((stage.clone(), since));
        if again || needs.is_empty() || directory.stage_kind(&stage) == StageKind::Lost {
            continue;
        }
        let owner = case.owner_at(at);
        let due = case.calendar(owner).add(at, limits.span("grace"));
        all.push(Entry { stage, from, began, at, quality, owner, since: since.min(at), due, needs });
    }
    all
}

impl Entry<'_> {
    /// What was not there in time, and when it came after all; with what waits for its deal to be chosen, or without.
    fn missing(&self, case: &Case<'_>, with_pending: bool) -> Vec<(Need, Option<Had>)> {
        let had = self.needs.iter().map(|need| (*need, need.had(case, self.since, with_pending)));
        had.filter(|(_, had)| had.as_ref().is_none_or(|had| had.at > self.due)).collect()
    }

    fn sight(&self, case: &Case<'_>) -> Sight {
        case.sight_over(self.since, self.due, self.due)
    }

    /// What waits and could be what is missing.
    fn pending<'c, 'b>(&self, case: &'c Case<'b>, missing: usize) -> Vec<&'c Seen<'b>> {
        if self.missing(case, true).len() == missing {
            return vec![];
        }
        let inside = |s: &&Seen<'_>| self.since <= s.at() && s.at() <= self.due && s.weight != Weight::Nothing;
        case.pending().filter(inside).collect()
    }
}

pub(super) const JUDGE: Judge = Judge { next, waits_for, ..Judge::new(Rule::MissingEvidence, judge) };

fn judge(case: &Case<'_>, verdicts: &mut Vec<Verdict>) {
    for entry in entries(case) {
        let missing = entry.missing(case, false);
        if missing.is_empty() {
            let last = entry.needs.iter().filter_map(|n| n.had(case, entry.since, false)).max_by_key(|had| had.at);
            let (by, at) = last.map_or((None, None), |had| (had.by, Some(had.at)));
            let finding = finding(case, &entry, &[], &Sight::default(), &[]);
            verdicts.push(Verdict { outcome: Outcome::Met { by, at }, finding });
            continue;
        }
        let sight = entry.sight(case);
        if case.now() < entry.due || !sight.lagging.is_empty() {
            continue;
        }
        let pending = entry.pending(case, missing.len());
        let mut finding = finding(case, &entry, &missing, &sight, &pending).doubted();
        let late: Option<Vec<&Had>> = missing.iter().map(|(_, had)| had.as_ref()).collect();
        if finding.state == State::Open
            && let Some(last) = late.and_then(|all| all.into_iter().max_by_key(|had| had.at))
        {
            finding.state = State::Resolved;
            (finding.resolved_by, finding.resolved_at, finding.late) = (last.by.clone(), Some(last.at), true);
        }
        verdicts.push(Verdict { outcome: Outcome::Stands, finding });
    }
}

fn finding(
    case: &Case<'_>,
    entry: &Entry<'_>,
    missing: &[(Need, Option<Had>)],
    sight: &Sight,
    pending: &[&Seen<'_>],
) -> Finding {
    let (owner, stage) = (entry.owner, case.stage_name(&entry.stage));
    let listed = |say: fn(Need) -> &'static str, of: &mut dyn Iterator<Item = Need>| {
        words::list(&of.map(|need| say(need).to_owned()).collect::<Vec<_>>())
    };
    let needed = listed(Need::said, &mut entry.needs.iter().copied());
    let found = listed(Need::missed, &mut missing.iter().map(|(need, _)| *need));
    let found = format!("by {} {found}", case.day(owner, entry.due));
    let found = match case.blindness(owner, sight, pending.len()) {
        Some(why) => format!("we could not see everything: {why}; otherwise {found}"),
        None => format!("{found}{}", case.without_calendar(sight)),
    };
    let still = missing.iter().filter(|(_, had)| had.is_none()).map(|(need, _)| *need);
    let asked = format!("{}; from now on it counts as late", listed(Need::said, &mut still.into_iter()));
    Finding {
        severity: if case.is_large() { Severity::High } else { Severity::Medium },
        owner: Some(owner.to_owned()),
        from_stage: entry.from.clone(),
        to_stage: Some(entry.stage.clone()),
        deal_at: Some(entry.at),
        at_quality: Some(entry.quality),
        window_from: Some(entry.since),
        window_to: Some(entry.due),
        expected: words::sentence(&format!(
            "{needed} by the time the deal came to {stage} on {}",
            case.day(owner, entry.at)
        )),
        found: words::sentence(&found),
        clears_when: words::sentence(words::doubt(sight, pending).unwrap_or(&asked)),
        blind: super::blind(sight),
        pending: super::ids(pending),
        ..super::blank(case, Rule::MissingEvidence, entry.began.timestamp_millis().to_string(), entry.due)
    }
}

fn next(case: &Case<'_>, moments: &mut Vec<DateTime<Utc>>) {
    moments.extend(entries(case).iter().map(|e| e.due));
    moments.extend(case.facts.directory.quotes.get(&case.deal.id).into_iter().flatten());
}

/// Connections whose reading is waited for.
fn waits_for(case: &Case<'_>) -> Vec<String> {
    let missing = entries(case).into_iter().filter(|e| e.due <= case.now() && !e.missing(case, false).is_empty());
    missing.flat_map(|e| e.sight(case).lagging).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{
        Finding, Rule, Severity, State,
        world::{ANA, World, deal, mail_from, mail_in, mail_out, meeting, pending, t, typed},
    };
    use crate::domain::activity::{Activity, Kind};

    const MISSING: &[Rule] = &[Rule::MissingEvidence];

    /// In Proposal since Tuesday 3 November 10:00, which needs this; grace ends on 5 November 10:00.
    fn needs(what: &str) -> World {
        let world = World::new("11-20").moved("10-13", "Discovery").moved("11-03 10:00", "Proposal");
        world.set("missing_evidence", Some("Proposal"), "needs", what)
    }

    fn tagged(activity: Activity, tag: &str) -> Activity {
        Activity { tags: vec![tag.into()], ..activity }
    }

    fn only(world: &World) -> Finding {
        let mut found = world.findings(MISSING);
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    #[test]
    fn fires_when_the_stage_has_been_entered_without_it() {
        assert_eq!(needs("").findings(MISSING), []);
        assert_eq!(needs("quote_sent").at("11-05 09:59").findings(MISSING), []);
        assert!(needs("quote_sent").at("11-04").outlook(&[]).next_due.is_some_and(|at| at <= t("11-05 10:00")));
        let finding = only(&needs("quote_sent, meeting_held").at("11-05 10:00"));
        assert_eq!((finding.state, finding.severity, finding.since), (State::Open, Severity::Medium, t("11-05 10:00")));
        assert_eq!((finding.owner.as_deref(), finding.to_stage.as_deref()), (Some(ANA), Some("Proposal")));
        assert_eq!(
            finding.expected,
            "A quote that was sent and a meeting that was held and confirmed by the time the deal came to Proposal on 3 Nov."
        );
        assert_eq!(finding.found, "By 5 Nov no quote was sent and no meeting was held and confirmed.");
        let half = only(&needs("quote_sent, meeting_held").with(meeting("m", "10-20", true)));
        assert_eq!(half.found, "By 5 Nov no quote was sent.");
        assert_eq!(half.clears_when, "A quote that was sent; from now on it counts as late.");
    }

    #[test]
    fn what_fulfils_each_need() {
        let eve = |id: &str| mail_from(id, "11-02", "eve@northwind.example");
        let portal = Activity { automatic: true, ..tagged(mail_in("a", "11-02"), "order") };
        let cases: Vec<(&str, &str, Vec<Activity>, bool)> = vec![
            ("quote_sent", "our mail with a quote", vec![tagged(mail_out("a", "11-02"), "quote")], true),
            ("quote_sent", "early in the deal", vec![tagged(mail_out("a", "09-02"), "quote")], true),
            ("quote_sent", "before the deal", vec![tagged(mail_out("a", "08-20"), "quote")], false),
            ("quote_sent", "within the grace", vec![tagged(mail_out("a", "11-05 10:00"), "quote")], true),
            ("quote_sent", "theirs", vec![tagged(mail_in("a", "11-02"), "quote")], false),
            ("quote_sent", "our mail without one", vec![mail_out("a", "11-02")], false),
            ("purchase_order", "their order", vec![tagged(mail_in("a", "11-02"), "order")], true),
            ("purchase_order", "through a portal", vec![portal], true),
            ("purchase_order", "ours", vec![tagged(mail_out("a", "11-02"), "order")], false),
            ("meeting_held", "held", vec![meeting("a", "11-02", true)], true),
            ("meeting_held", "unconfirmed", vec![meeting("a", "11-02", false)], false),
            ("meeting_held", "typed", vec![typed("a", Kind::Meeting, "11-02", false)], false),
            ("buyer_reply", "their mail", vec![mail_in("a", "11-02")], true),
            ("buyer_reply", "a machine's", vec![Activity { automatic: true, ..mail_in("a", "11-02") }], false),
            ("buyer_reply", "a meeting", vec![meeting("a", "11-02", true)], false),
            ("two_contacts", "one", vec![mail_in("a", "11-02"), mail_in("b", "11-03")], false),
            ("two_contacts", "two", vec![mail_in("a", "11-02"), eve("b")], true),
        ];
        for (need, name, activities, met) in cases {
            let world = activities.into_iter().fold(needs(need), World::with);
            assert_eq!(world.findings(MISSING).is_empty(), met, "{need}: {name}");
        }
        let mut noted = needs("quote_sent");
        noted.quotes = vec![t("11-02")];
        assert_eq!(noted.findings(MISSING), []);
    }

    #[test]
    fn which_entries_are_judged() {
        let all = |w: World| w.set("missing_evidence", None, "needs", "quote_sent");
        let to = |w: World| w.findings(MISSING).iter().filter_map(|f| f.to_stage.clone()).collect::<Vec<_>>();
        assert_eq!(to(all(World::new("11-20"))), ["Lead"]);
        let mut moved = to(all(needs("")));
        moved.sort();
        assert_eq!(moved, ["Discovery", "Lead"]);
        let cases = [
            ("again", needs("quote_sent").moved("11-10", "Discovery").moved("11-15", "Proposal"), 1),
            ("a slip", World::new("11-20").moved("11-03", "Proposal").moved("11-03 13:00", "Lead"), 0),
            ("lost", needs("quote_sent").moved("11-10", "Lost"), 0),
            ("won", needs("quote_sent").moved("11-10", "Won"), 1),
        ];
        for (name, world, want) in cases {
            let world = world.set("missing_evidence", Some("Proposal"), "needs", "quote_sent");
            assert_eq!(world.findings(MISSING).len(), want, "{name}");
        }
        let order =
            World::new("11-20").moved("11-03", "Won").set("missing_evidence", Some("Won"), "needs", "purchase_order");
        assert_eq!(only(&order).to_stage.as_deref(), Some("Won"));
    }

    #[test]
    fn blindness_and_choices_are_unknown() {
        let late = |world: World| world.ana("ana-mail", |c| c.complete_from = Some(t("09-21")));
        let finding = only(&late(needs("quote_sent")));
        assert_eq!((finding.state, &finding.blind[..]), (State::Unknown, &["ana-mail".to_owned()][..]));
        assert_eq!(late(needs("quote_sent")).with(tagged(mail_out("a", "11-02"), "quote")).findings(MISSING), []);
        assert_eq!(only(&needs("quote_sent").drop_connection("ana-mail")).state, State::Unknown);
        let lagging = needs("quote_sent").ana("ana-mail", |c| c.complete_to = Some(t("11-05 09:59")));
        assert_eq!(lagging.findings(MISSING), []);
        assert!(lagging.outlook(&[]).waits_for.contains("ana-mail"));
        let waits = |activity: Activity| {
            let mut world = needs("quote_sent").with(pending(activity));
            world.others.push(deal("d2", "Lead"));
            (only(&world).state, only(&world).pending)
        };
        assert_eq!(waits(tagged(mail_out("p", "11-02"), "quote")), (State::Unknown, vec!["p".into()]));
        // These would not be what is missing.
        assert_eq!(waits(mail_in("p", "11-02")).0, State::Open);
        assert_eq!(waits(tagged(mail_out("p", "11-10"), "quote")).0, State::Open);
    }

    #[test]
    fn thresholds_per_stage() {
        let late = || needs("quote_sent").with(tagged(mail_out("a", "11-10"), "quote"));
        assert_eq!(only(&late()).state, State::Resolved);
        for (stage, grace, fires) in
            [("Proposal", "9wd", false), ("Sales/Proposal", "9wd", false), ("Lead", "9wd", true)]
        {
            let world = late().set("missing_evidence", Some(stage), "grace", grace);
            assert_eq!(!world.findings(MISSING).is_empty(), fires, "{stage}");
        }
        assert_eq!(
            needs("quote_sent").set("missing_evidence", Some("Proposal"), "enabled", "false").findings(MISSING),
            []
        );
    }

    #[test]
    fn resolves_in_time_and_late() {
        let open = needs("quote_sent, meeting_held").judged(&[]);
        let one = |world: World, known: &[Finding]| {
            let all = world.judged(known);
            let one = all.iter().find(|f| f.rule == Rule::MissingEvidence).expect("kept");
            (one.state, one.resolved_by.clone(), one.late)
        };
        let quote = |at: &str| needs("quote_sent, meeting_held").with(tagged(mail_out("q", at), "quote"));
        assert_eq!(
            one(quote("11-02").with(meeting("m", "11-03", true)), &open),
            (State::Resolved, Some("m".into()), false)
        );
        assert_eq!(one(quote("11-02"), &open).0, State::Open);
        for known in [&open[..], &[]] {
            let late = quote("11-10").with(meeting("m", "11-03", true));
            assert_eq!(one(late, known), (State::Resolved, Some("q".into()), true));
        }
    }

    #[test]
    fn a_snooze_survives_judging() {
        needs("quote_sent").survives_a_snooze(Rule::MissingEvidence);
    }
}
