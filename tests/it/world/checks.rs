//! The generator checked against itself: deterministic, complete, and without scenes that touch one another.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeZone as _, Utc};

use super::{DealChoice, Exports, Outcome, Score, Size, World, build, echo, truth::Kind};

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 6, 17, 11, 30, 0).single().expect("a moment")
}

#[test]
fn the_same_seed_gives_the_same_world_byte_for_byte() {
    let (a, b) = (World::new(7, Size::Small, now()), World::new(7, Size::Small, now()));
    assert_eq!(a.copies.len(), b.copies.len());
    for (x, y) in a.copies.iter().zip(&b.copies) {
        assert!(x.bytes == y.bytes && x.folder == y.folder && x.owner == y.owner);
    }
    assert!(a.objects.iter().zip(&b.objects).all(|(x, y)| x.ics == y.ics));
    let other = World::new(8, Size::Small, now());
    assert!(a.copies.iter().zip(&other.copies).any(|(x, y)| x.bytes != y.bytes));
}

/// Every weekday and several seeds: a scene whose truth depends on an edge would stop the generator.
#[test]
fn every_day_of_the_week_gives_a_valid_world() {
    for day in 0..14i32 {
        // Nine days and some hours on: another weekday, another time of day.
        let moment = now() + chrono::Duration::hours(9 * 24 + 5) * day;
        let world = World::new(u64::from(100 + day.unsigned_abs()), Size::Small, moment);
        assert!(!world.gaps.is_empty());
    }
}

#[test]
fn sizes() {
    let small = World::new(1, Size::Small, now());
    assert!((150..400).contains(&small.copies.len()), "{small:?}");
    let medium = World::new(1, Size::Medium, now());
    assert!((1_800..4_000).contains(&medium.copies.len()), "{medium:?}");
}

#[test]
fn every_outcome_reason_rule_and_step_occurs() {
    let w = World::new(3, Size::Small, now());
    let decisions = w.copies.iter().filter_map(|c| c.truth.as_ref()).chain(w.events.iter().map(|e| &e.truth));
    let reasons: BTreeSet<&str> = decisions.filter_map(|d| d.reason).collect();
    for reason in [
        "too_old",
        "draft",
        "trash",
        "spam",
        "excluded",
        "calendar",
        "bounce",
        "automatic",
        "bulk",
        "private",
        "internal",
        "no_outsider",
        "unknown_party",
    ] {
        assert!(reasons.contains(reason), "no {reason}");
    }
    let mut steps = BTreeSet::new();
    let mut undecided = 0;
    for a in &w.activities {
        match &a.deal {
            DealChoice::Decided { reasons, .. } if reasons.len() == 1 => drop(steps.insert(reasons[0])),
            DealChoice::Undecided(list) => {
                assert!(list.len() > 1);
                undecided += 1;
            }
            _ => {}
        }
    }
    assert_eq!(steps, ["only_deal", "owner", "recency", "reference", "role", "thread", "words"].into());
    assert!(undecided > 5);
    let sure = w.gaps.iter().filter(|g| !g.optional);
    let found: BTreeSet<(&str, &str)> = sure.map(|g| (g.rule, g.state)).collect();
    for expected in [
        ("unsupported_advance", "open"),
        ("unsupported_advance", "unknown"),
        ("unsupported_advance", "resolved"),
        ("one_sided_advance", "open"),
        ("gone_quiet", "open"),
        ("gone_quiet", "unknown"),
        ("no_next_step", "open"),
        ("no_next_step", "unknown"),
        ("overdue_close", "open"),
        ("no_reply", "open"),
        ("we_owe_reply", "open"),
        ("no_follow_up", "open"),
        ("uncorroborated_log", "open"),
        ("unlisted_stakeholder", "open"),
    ] {
        assert!(found.contains(&expected), "no {expected:?}");
    }
}

/// A deal that is said to be decided, or offered, was open at the time, and belongs to a company of the activity or is
/// named by a code.
#[test]
fn decided_deals_were_open() {
    let w = World::new(5, Size::Small, now());
    for a in w.activities.iter().filter(|a| !a.typed_only) {
        let deals: Vec<&str> = match &a.deal {
            DealChoice::Nothing => Vec::new(),
            DealChoice::Decided { deal, .. } => vec![deal],
            DealChoice::Undecided(list) => list.iter().map(String::as_str).collect(),
        };
        for id in deals {
            let deal = w.crm.deal(id);
            assert!(deal.open_at(a.at), "{id} was not open");
            assert!(a.companies.contains(&deal.company) || a.deal.is(id));
        }
    }
}

/// What decides by being the only one really is alone, and where several are open there is no such reason.
#[test]
fn only_deals_are_alone() {
    let w = World::new(6, Size::Medium, now());
    for a in &w.activities {
        let DealChoice::Decided { reasons, .. } = &a.deal else { continue };
        let open = w.crm.deals.iter().filter(|d| a.companies.contains(&d.company) && d.open_at(a.at)).count();
        if reasons.contains(&"only_deal") {
            assert_eq!(open, 1);
        }
    }
}

/// No address belongs to two contacts but where a scene means it, no domain to two companies.
#[test]
fn scenes_do_not_touch_one_another() {
    let w = World::new(9, Size::Medium, now());
    let mut domains = BTreeMap::new();
    for c in &w.crm.companies {
        for d in &c.domains {
            assert!(domains.insert(d.clone(), &c.id).is_none(), "{d} twice");
        }
    }
    let mut addresses: BTreeMap<&str, usize> = BTreeMap::new();
    for c in &w.crm.contacts {
        for e in &c.emails {
            *addresses.entry(e).or_default() += 1;
        }
    }
    let doubled = addresses.values().filter(|n| **n > 1).count();
    assert_eq!(doubled, 2 * Size::Medium.rounds());
    let users = build::users();
    assert!(users.iter().all(|u| !addresses.contains_key(u.email)));
}

#[test]
fn files_hold_every_copy_but_the_junk() {
    let dir = tempfile::tempdir().expect("a folder");
    let w = World::new(2, Size::Small, now());
    let loaded = w.write_files(dir.path(), 1);
    let readable = w.copies.iter().filter(|c| !c.flags.junk).count();
    assert_eq!(loaded.ties.copies.len(), readable);
    assert!(loaded.config.exists());
    assert!(
        dir.path().join("mail/ana/.Vertr&AOQ-ge/cur").exists()
            || dir.path().join("mail/bob/.Vertr&AOQ-ge/cur").exists()
    );
    assert!(dir.path().join("crm/deals.csv").exists());
}

#[test]
fn messages_are_well_formed() {
    let w = World::new(4, Size::Small, now());
    for c in &w.copies {
        let text = String::from_utf8_lossy(&c.bytes);
        let (head, _) = text.split_once("\r\n\r\n").expect("a header and a body");
        assert!(head.is_ascii(), "headers are ASCII");
        assert!(head.lines().all(|l| l.len() < 200));
        assert!(!text.replace("\r\n", "").contains(['\r', '\n']), "lines end in CRLF");
        assert!(head.contains(&format!("X-World-Token: {}", w.mails[c.mail].token)));
        if c.truth.as_ref().is_some_and(|t| t.outcome == Outcome::Captured) {
            assert!(w.mails[c.mail].activity.is_some());
        }
    }
}

#[test]
fn a_faultless_export_scores_full_marks() {
    let dir = tempfile::tempdir().expect("a folder");
    let w = World::new(11, Size::Small, now());
    let loaded = w.write_files(dir.path(), 3);
    let score = Score::of(&w, &loaded.ties, &echo::exports(&w, &loaded.ties));
    assert!(score.total() > 2_000);
    assert_eq!(score.wrong(), 0, "{score}");
    score.assert_goals();
}

/// Every kind of fault is seen.
#[test]
fn faults_cost_points() {
    let dir = tempfile::tempdir().expect("a folder");
    let w = World::new(12, Size::Small, now());
    let ties = w.write_files(dir.path(), 3).ties;
    let good = echo::exports(&w, &ties);
    let (mail, meeting) = (echo::first_of(&good, Kind::Email), echo::first_of(&good, Kind::Meeting));
    let without = |text: &str, n: usize| text.lines().skip(n).map(|l| format!("{l}\n")).collect::<String>();
    let mut faults: Vec<(&str, Exports)> = Vec::new();
    let mut add = |name, change: &dyn Fn(&mut Exports)| {
        let mut bad = good.clone();
        change(&mut bad);
        faults.push((name, bad));
    };
    add("a missing activity", &|e| e.activities = without(&e.activities, 1));
    add("an activity twice", &|e| e.activities.push_str(&mail));
    add("a meeting twice", &|e| e.activities.push_str(&meeting));
    add("a missing decision", &|e| e.decisions = without(&e.decisions, 1));
    add("a surplus decision", &|e| e.decisions.push_str(good.decisions.lines().next().expect("a row")));
    add("another reason", &|e| e.decisions = e.decisions.replacen("\"bulk\"", "\"internal\"", 1));
    add("another outcome", &|e| e.decisions = e.decisions.replacen("\"waiting\"", "\"skipped\"", 1));
    add("a missing gap", &|e| e.gaps = without(&e.gaps, 1));
    add("a surplus gap", &|e| e.gaps.push_str(good.gaps.lines().next().expect("a row")));
    add("a gap that is not late", &|e| e.gaps = e.gaps.replacen("\"late\":true", "\"late\":false", 1));
    add("an open gap that is unknown", &|e| e.gaps = e.gaps.replacen("\"open\"", "\"unknown\"", 1));
    add("a wrong step", &|e| e.activities = e.activities.replacen("\"reference\"", "\"role\"", 1));
    add("a wrong status", &|e| e.activities = e.activities.replacen("\"held\"", "\"planned\"", 1));
    add("a wrong direction", &|e| e.activities = e.activities.replacen("\"inbound\"", "\"outbound\"", 1));
    add("a missing deal", &|e| e.deals = without(&e.deals, 1));
    add("a living dead", &|e| e.contacts = e.contacts.replacen("\"2026-01-01T00:00:00Z\"", "null", 1));
    for (name, bad) in faults {
        let score = Score::of(&w, &ties, &bad);
        assert!((1..12).contains(&score.wrong()), "{name}: {} wrong\n{score}", score.wrong());
    }
}
