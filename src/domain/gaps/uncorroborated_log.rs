//! `uncorroborated_log`: something typed into the CRM by hand that nothing captured confirms, or that the calendar says was
//! called off. Judged when the days around it have been read. What lies wholly before the capture of its typist began is
//! not judged: nobody watched then. An entry on a deal belongs to the deal's case, one without to a case of its own.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Ending, Judge, Outcome, Verdict,
    case::{Case, Facts, Tie},
    finding::{Finding, Rule, Severity, State},
    sight::{Blind, Needed, Sight},
    subject::SubjectCase,
    words,
};
use crate::domain::{
    activity::{Activity, Entity, Kind, Origin, Status},
    logs::{self, Near, Standing},
    span::Span,
};

/// An entry with all that judging it needs.
#[derive(Clone, Copy)]
struct Entry<'e, 'a> {
    facts: &'e Facts<'a>,
    activity: &'e Activity,
    /// Who typed it, else who owned its deal then; folded email.
    typist: &'e str,
    near: Near,
}

impl<'e, 'a> Entry<'e, 'a> {
    fn new(facts: &'e Facts<'a>, activity: &'e Activity, typist: &'e str, within: Span, minutes: usize) -> Self {
        let calendar = facts.calendar_of(typist);
        let at = activity.occurred_at;
        let overlap = TimeDelta::minutes(i64::try_from(minutes).unwrap_or(30).min(100_000));
        let near = Near { from: calendar.sub(at, within), to: calendar.add(at, within), overlap };
        Self { facts, activity, typist, near }
    }

    /// The time that must have been read.
    fn window(&self) -> (DateTime<Utc>, DateTime<Utc>) {
        let at = self.activity.occurred_at;
        match self.activity.kind {
            Kind::Meeting => (at - self.near.overlap, at + self.near.overlap),
            _ => (self.near.from, self.near.to),
        }
    }

    fn sight(&self) -> Sight {
        let (from, to) = self.window();
        self.facts.sight_of(self.typist, Needed { at: self.activity.occurred_at, from, to, failing_to: to })
    }

    /// `finding`: an empty one about its deal or about itself.
    fn judge<'n>(&self, captured: impl IntoIterator<Item = &'n Activity>, blank: Finding) -> Option<Verdict> {
        let (from, to) = self.window();
        let standing = logs::standing(self.activity, captured, self.near);
        if let Standing::Confirmed(by) = standing {
            let outcome = Outcome::Met { by: Some(by.id.clone()), at: Some(by.occurred_at) };
            return Some(Verdict { outcome, finding: self.finding(&Sight::default(), None, blank) });
        }
        if self.facts.now < to {
            return None;
        }
        if let Standing::Contradicted(by) = standing {
            // What the calendar says is there, whatever else we may not have seen.
            let blank = Finding { evidence: by.map(|a| a.id.clone()).into_iter().collect(), ..blank };
            let how = by.map_or(self.activity.status, |a| a.status);
            let finding = self.finding(&Sight::default(), Some(how), blank);
            return Some(Verdict { outcome: Outcome::Stands, finding });
        }
        let sight = self.sight();
        let unwatched = |b: &Blind| matches!(b, Blind::StartsLate(_, began) if *began > to);
        if !sight.lagging.is_empty() || sight.blind.iter().any(unwatched) {
            return None;
        }
        debug_assert!(from <= to, "a window ends after it begins");
        Some(Verdict { outcome: Outcome::Stands, finding: self.finding(&sight, None, blank).doubted() })
    }

    /// `against`: what the calendar says became of it.
    fn finding(&self, sight: &Sight, against: Option<Status>, blank: Finding) -> Finding {
        let (from, to) = self.window();
        let a = self.activity;
        let on = self.facts.day(self.typist, a.occurred_at);
        let with = self.with();
        let (what, expected) = match a.kind {
            Kind::Email => ("email", format!("a mail{with} around {on}")),
            Kind::Meeting => ("meeting", format!("a meeting in a calendar{with} at the time on {on}")),
            Kind::Call | Kind::Note => {
                ("call", format!("a mail{with} around {on}, or a meeting or a call at that time"))
            }
        };
        let alone = format!("the {what} typed by hand for {on} stands alone: nothing captured confirms it");
        let found = match (against, self.facts.blindness(self.typist, sight)) {
            (Some(status), _) => {
                let how = if status == Status::Declined { "declined" } else { "cancelled" };
                format!("contradicted: the meeting typed by hand for {on} was {how} in the calendar")
            }
            (None, Some(why)) => format!("we could not see everything: {why}; otherwise {alone}"),
            (None, None) => format!("unconfirmed: {alone}{}", self.facts.without_calendar(sight)),
        };
        let clears = match a.kind {
            Kind::Email => "a captured mail with the same people around that day, or a correction in the CRM",
            Kind::Meeting => "a captured meeting with the same people at that time, or a correction in the CRM",
            Kind::Call | Kind::Note => {
                "a captured mail with the same people around that day, a meeting or call with them at that time, or a correction \
                 in the CRM"
            }
        };
        Finding {
            activity: Some(a.id.clone()),
            contact: blank.contact.clone(),
            severity: if against.is_some() { Severity::Medium } else { Severity::Low },
            owner: Some(self.typist.to_owned()).filter(|typist| !typist.is_empty()),
            window_from: Some(from),
            window_to: Some(to),
            expected: words::sentence(&expected),
            found: words::sentence(&found),
            clears_when: words::sentence(words::doubt(sight, &[]).unwrap_or(clears)),
            blind: super::blind(sight),
            since: to,
            state: State::Open,
            ..blank
        }
    }

    /// " with Tom Berg".
    fn with(&self) -> String {
        let names: Vec<String> = self
            .activity
            .ids(Entity::Contact)
            .take(3)
            .filter_map(|id| self.facts.directory.contacts.get(self.facts.directory.survivor(id)))
            .map(|c| c.name.clone().or_else(|| c.emails.first().cloned()).unwrap_or_else(|| c.id.clone()))
            .collect();
        if names.is_empty() { String::new() } else { format!(" with {}", words::list(&names)) }
    }
}

fn is_entry(a: &Activity) -> bool {
    a.origin == Origin::Typed && a.confirmed != Some(true) && a.kind != Kind::Note
}

pub(super) const JUDGE: Judge = Judge { ending, next, waits_for, ..Judge::new(Rule::UncorroboratedLog, judge) };

/// The entries on the deal. Nothing is asked of a lost one.
fn entries<'c, 'a>(case: &'c Case<'a>) -> Vec<Entry<'c, 'a>> {
    let limits = case.limits(Rule::UncorroboratedLog, &case.deal.stage).filter(|_| !case.is_lost());
    let Some(limits) = limits else { return vec![] };
    let (within, minutes) = (limits.span("within"), limits.count("overlap_minutes"));
    let typed = case.seen.iter().filter(|s| s.tie == Tie::Deal && is_entry(s.activity));
    let entry = |a: &'a Activity| {
        let typist = case.backdrop.typists.get(&a.id).and_then(Option::as_deref);
        let typist = typist.unwrap_or_else(|| case.owner_at(a.occurred_at));
        Entry::new(case.facts, a, typist, within, minutes)
    };
    typed.map(|s| entry(s.activity)).collect()
}

fn judge(case: &Case<'_>, verdicts: &mut Vec<Verdict>) {
    for entry in entries(case) {
        let key = entry.activity.id.clone();
        let mut blank = super::blank(case, Rule::UncorroboratedLog, key, entry.near.to);
        blank.to_stage = Some(case.deal.stage.clone());
        verdicts.extend(entry.judge(case.near.iter().copied(), blank));
    }
}

fn ending(case: &Case<'_>, finding: &Finding) -> Ending {
    ended(case.near.iter().copied().filter(|a| case.backdrop.confirms(&a.id)), finding)
}

/// An entry that was confirmed became a sighting of what confirms it; else it was taken out of the CRM, or moved.
fn ended<'n>(confirming: impl Iterator<Item = &'n Activity>, finding: &Finding) -> Ending {
    let (Some(from), Some(to)) = (finding.window_from, finding.window_to) else { return Ending::Withdrawn };
    let around = |a: &&Activity| a.occurred_at <= to && a.ended_at.unwrap_or(a.occurred_at) >= from;
    match confirming.filter(around).min_by_key(|a| (a.occurred_at, &a.id)) {
        Some(by) => Ending::Resolved { by: Some(by.id.clone()), at: by.occurred_at },
        None => Ending::Withdrawn,
    }
}

fn next(case: &Case<'_>, moments: &mut Vec<DateTime<Utc>>) {
    moments.extend(entries(case).iter().map(|e| e.window().1));
}

/// Connections whose reading is waited for.
fn waits_for(case: &Case<'_>) -> Vec<String> {
    let due = entries(case).into_iter().filter(|e| e.window().1 <= case.now());
    due.flat_map(|e| e.sight().lagging).collect()
}

/// An entry that stands on no deal.
fn of_its_own<'e, 'a>(case: &'e SubjectCase<'a>, activity: &'e Activity) -> Option<Entry<'e, 'a>> {
    let rule = case.facts.thresholds.rule(Rule::UncorroboratedLog.as_str());
    if !rule.enabled() || !is_entry(activity) || activity.ids(Entity::Deal).next().is_some() {
        return None;
    }
    let typist = case.backdrop.typists.get(&activity.id).and_then(Option::as_deref)?;
    let minutes = rule.count("overlap_minutes", None, "") as usize;
    Some(Entry::new(case.facts, activity, typist, rule.span("within", None, ""), minutes))
}

pub(super) fn judge_entry(case: &SubjectCase<'_>, activity: &Activity) -> Option<Verdict> {
    let entry = of_its_own(case, activity)?;
    let mut blank = case.blank(Rule::UncorroboratedLog, activity.id.clone(), entry.near.to);
    let mut contacts = activity.ids(Entity::Contact).map(|id| case.facts.directory.survivor(id));
    blank.contact = contacts.next().map(str::to_owned);
    entry.judge(case.near.iter().copied(), blank)
}

pub(super) fn ending_of_entry(case: &SubjectCase<'_>, finding: &Finding) -> Ending {
    ended(case.near.iter().copied().filter(|a| case.backdrop.confirms(&a.id)), finding)
}

pub(super) fn next_of_entry(case: &SubjectCase<'_>, activity: &Activity) -> Option<DateTime<Utc>> {
    of_its_own(case, activity).map(|e| e.window().1)
}

pub(super) fn entry_waits_for(case: &SubjectCase<'_>, activity: &Activity) -> Vec<String> {
    let due = of_its_own(case, activity).filter(|e| e.window().1 <= case.facts.now);
    due.map(|e| e.sight().lagging).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::{
        Finding, Rule, Severity, State,
        world::{ANA, BEN, World, call, mail_from, mail_in, mail_out, meeting, of_contact, t, typed},
    };
    use crate::domain::activity::{Activity, Entity, Kind, Origin, Status};

    const LOG: &[Rule] = &[Rule::UncorroboratedLog];

    /// Typed for Tuesday 3 November at noon, with Tom, on the deal.
    fn entry(kind: Kind) -> Activity {
        typed("e", kind, "11-03", false)
    }

    fn world(kind: Kind) -> World {
        World::new("11-06").with(entry(kind))
    }

    fn only(world: &World) -> Finding {
        let mut found = world.findings(LOG);
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    #[test]
    fn fires_when_nothing_matches() {
        let said = [
            (Kind::Email, "11-04 12:00", "A mail around 3 Nov.", "Unconfirmed: the email typed by hand for 3 Nov"),
            (
                Kind::Meeting,
                "11-03 12:30",
                "A meeting in a calendar at the time on 3 Nov.",
                "Unconfirmed: the meeting typed by hand for 3 Nov",
            ),
            (
                Kind::Call,
                "11-04 12:00",
                "A mail around 3 Nov, or a meeting or a call at that time.",
                "Unconfirmed: the call typed by hand for 3 Nov",
            ),
        ];
        for (kind, due, expected, found) in said {
            let finding = only(&world(kind));
            assert_eq!(
                (finding.state, finding.severity, finding.since),
                (State::Open, Severity::Low, t(due)),
                "{kind}"
            );
            assert_eq!((finding.activity.as_deref(), finding.key.as_str()), (Some("e"), "e"));
            assert_eq!((finding.owner.as_deref(), finding.deal.as_deref()), (Some(ANA), Some("d1")));
            assert_eq!(finding.expected.replace(" with tom@northwind.example", ""), expected);
            assert!(finding.found.starts_with(found), "{}", finding.found);
            let just = world(kind).at(due);
            assert_eq!(just.findings(LOG).len(), 1);
            let before = World { now: t(due) - chrono::Duration::minutes(1), ..world(kind) };
            assert_eq!(before.findings(LOG), []);
            assert_eq!(before.outlook(&[]).next_due.map(|at| at <= t(due)), Some(true));
        }
        assert_eq!(world(Kind::Note).findings(LOG), []);
        assert_eq!(world(Kind::Call).moved("11-05", "Lost").findings(LOG), []);
        assert_eq!(world(Kind::Call).moved("11-05", "Won").findings(LOG).len(), 1);
    }

    #[test]
    fn what_confirms_it() {
        let off = |activity| Activity { status: Status::Cancelled, ..activity };
        let without_people = |mut a: Activity| {
            a.matches.retain(|m| m.entity == Entity::Deal);
            a
        };
        let cases: Vec<(&str, Activity, Activity, bool)> = vec![
            ("email: a mail within a day", entry(Kind::Email), mail_out("o", "11-04 12:00"), true),
            ("email: theirs", entry(Kind::Email), mail_in("o", "11-02 12:00"), true),
            ("email: on no deal", entry(Kind::Email), of_contact(mail_out("o", "11-03")), true),
            ("email: too far", entry(Kind::Email), mail_out("o", "11-04 12:01"), false),
            ("email: a meeting", entry(Kind::Email), meeting("m", "11-03", true), false),
            ("email: a machine's", entry(Kind::Email), Activity { automatic: true, ..mail_in("o", "11-03") }, false),
            ("meeting: in time", entry(Kind::Meeting), meeting("m", "11-03 12:30", true), true),
            ("meeting: at its end", entry(Kind::Meeting), meeting("m", "11-03 10:30", false), true),
            ("meeting: too late", entry(Kind::Meeting), meeting("m", "11-03 12:31", true), false),
            ("meeting: a mail", entry(Kind::Meeting), mail_in("o", "11-03"), false),
            ("call: a call", entry(Kind::Call), call("c", "11-03 12:10", Origin::Captured), true),
            ("call: a meeting", entry(Kind::Call), meeting("m", "11-03", true), true),
            ("call: a mail", entry(Kind::Call), mail_in("o", "11-04"), true),
            ("call: a meeting called off", entry(Kind::Call), off(meeting("m", "11-03", true)), false),
            ("without contacts: the deal's mail", without_people(entry(Kind::Email)), mail_in("o", "11-03"), true),
            ("typed twice", entry(Kind::Call), typed("f", Kind::Call, "11-03", false), false),
        ];
        for (name, entry, other, confirmed) in cases {
            let found = World::new("11-06").with(entry).with(other).findings(LOG);
            assert_eq!(!found.iter().any(|f| f.key == "e"), confirmed, "{name}");
        }
        let mut stranger = mail_from("o", "11-03", "eve@northwind.example");
        stranger.matches[0].id = "eve".into();
        assert_eq!(world(Kind::Email).with(stranger).findings(LOG).len(), 1, "another party");
    }

    #[test]
    fn contradicted_by_the_calendar() {
        for (status, how) in [(Status::Cancelled, "cancelled"), (Status::Declined, "declined")] {
            let finding = only(&world(Kind::Meeting).with(Activity { status, ..meeting("m", "11-03", true) }));
            assert_eq!((finding.state, finding.severity), (State::Open, Severity::Medium));
            assert_eq!(
                finding.found,
                format!("Contradicted: the meeting typed by hand for 3 Nov was {how} in the calendar.")
            );
            assert_eq!(finding.evidence, ["m"]);
        }
        // What the calendar says is there, whatever we did not see.
        let off = Activity { status: Status::Cancelled, ..meeting("m", "11-03", true) };
        let blind = world(Kind::Meeting).with(off).drop_connection("ana-mail");
        assert_eq!(only(&blind).state, State::Open);
    }

    #[test]
    fn blindness_is_unknown_and_old_times_are_not_judged() {
        let failing = world(Kind::Call).ana("ana-mail", |c| (c.failing, c.complete_to) = (true, Some(t("11-03"))));
        assert_eq!((only(&failing).state, &only(&failing).blind[..]), (State::Unknown, &["ana-mail".to_owned()][..]));
        assert_eq!(only(&world(Kind::Call).drop_connection("ana-mail")).state, State::Unknown);
        let partly = world(Kind::Call).ana("ana-mail", |c| c.complete_from = Some(t("11-03 08:00")));
        assert_eq!(only(&partly).state, State::Unknown);
        let wholly = world(Kind::Call).ana("ana-mail", |c| c.complete_from = Some(t("11-04 12:01")));
        assert_eq!(wholly.findings(LOG), []);
        let lagging = world(Kind::Call).ana("ana-mail", |c| c.complete_to = Some(t("11-04 11:59")));
        assert_eq!(lagging.findings(LOG), []);
        assert_eq!(lagging.outlook(&[]).waits_for.into_iter().collect::<Vec<_>>(), ["ana-mail"]);
        assert!(only(&world(Kind::Call).drop_connection("ana-calendar")).found.contains("no calendar of Ana Lopez"));
        // Ben typed it: it is his mailbox that matters, and he has none.
        let mut bens = world(Kind::Call);
        bens.backdrop.typists.insert("e".into(), Some(BEN.into()));
        assert_eq!((only(&bens).owner.as_deref(), only(&bens).state), (Some(BEN), State::Unknown));
        // once he has one, it is read although the deal is not his
        let anas = bens.captures[crate::domain::gaps::world::ANA].clone();
        bens.captures.insert(BEN.into(), anas);
        assert_eq!((only(&bens).owner.as_deref(), only(&bens).state), (Some(BEN), State::Open));
    }

    #[test]
    fn resolved_by_what_confirms_it() {
        let find = |all: &[Finding]| all.iter().find(|f| f.rule == Rule::UncorroboratedLog).cloned().expect("kept");
        let open = world(Kind::Email).judged(&[]);
        // The mail was read, and the entry became a sighting of it.
        let mut merged = World::new("11-06").with(mail_out("o", "11-03 10:00"));
        merged.backdrop.typists.insert("o".into(), Some(ANA.into()));
        let end = find(&merged.judged(&open));
        assert_eq!((end.state, end.resolved_by.as_deref()), (State::Resolved, Some("o")));
        // A call stays an entry.
        let open = world(Kind::Call).judged(&[]);
        let end = find(&world(Kind::Call).with(mail_in("o", "11-03 10:00")).judged(&open));
        assert_eq!((end.state, end.resolved_by.as_deref()), (State::Resolved, Some("o")));
        // Taken out of the CRM.
        assert_eq!(find(&World::new("11-06").judged(&open)).state, State::Withdrawn);
        world(Kind::Call).survives_a_snooze(Rule::UncorroboratedLog);
    }

    #[test]
    fn thresholds_per_stage() {
        let near = || world(Kind::Email).with(mail_out("o", "11-04 20:00"));
        let soon = || world(Kind::Meeting).with(meeting("m", "11-03 12:50", true));
        for (name, world, fires) in [
            ("default", near(), true),
            ("two days", near().set("uncorroborated_log", Some("Lead"), "within", "2d"), false),
            ("of another stage", near().set("uncorroborated_log", Some("Proposal"), "within", "2d"), true),
            ("half an hour", soon(), true),
            ("an hour", soon().set("uncorroborated_log", None, "overlap_minutes", "60"), false),
            ("off", near().set("uncorroborated_log", Some("Lead"), "enabled", "false"), false),
        ] {
            assert_eq!(!world.findings(LOG).is_empty(), fires, "{name}");
        }
    }

    #[test]
    fn an_entry_on_no_deal_is_a_case_of_its_own() {
        let mut world = World::new("11-06").with(of_contact(entry(Kind::Call)));
        world.backdrop.typists.insert("e".into(), Some(ANA.into()));
        assert_eq!(world.findings(LOG), [], "it stands on no deal");
        let (found, _) = world.about("activity:e", &[]);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].deal.as_deref(), found[0].activity.as_deref()), (None, Some("e")));
        assert_eq!((found[0].owner.as_deref(), found[0].contact.as_deref()), (Some(ANA), Some("tom")));
        assert_eq!((found[0].state, found[0].subject().as_str()), (State::Open, "activity:e"));
        let (ended, _) = world.clone().with(mail_in("o", "11-03")).about("activity:e", &found);
        assert_eq!((ended[0].state, ended[0].resolved_by.as_deref()), (State::Resolved, Some("o")));
        let young = world.clone().at("11-04");
        assert_eq!(young.about("activity:e", &[]).0.len(), 1);
        let younger = world.clone().at("11-04 11:59").about("activity:e", &[]);
        assert_eq!((younger.0, younger.1.next_due), (vec![], Some(t("11-04 12:00"))));
        let failing = world.clone().ana("ana-mail", |c| (c.failing, c.complete_to) = (true, Some(t("11-03"))));
        assert_eq!(failing.about("activity:e", &[]).0[0].state, State::Unknown);
        let lagging = world.clone().ana("ana-mail", |c| c.complete_to = Some(t("11-04 11:59")));
        assert!(lagging.about("activity:e", &[]).1.waits_for.contains("ana-mail"));
        // Taken out of the CRM: nobody has it any more.
        let gone = World::new("11-06").about("activity:e", &found).0;
        assert_eq!(gone[0].state, State::Withdrawn);
        let off = world.set("uncorroborated_log", None, "enabled", "false");
        assert_eq!(off.about("activity:e", &[]).0, []);
    }
}
