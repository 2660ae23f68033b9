//! What the sample company promises: the same for the same day, readable by the connectors, every gap where it was
//! planted and nowhere else, on whatever day it is made.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use chrono::{DateTime, Duration, Utc};
use dealtrail_sdk::{Window, ical, mime, record::EventStatus};

use super::judge::Judge;
use super::plot::{Plant, WON};
use super::*;

/// A Wednesday noon, a Sunday, a Saturday before winter time, the days between the years, an evening in summer, a
/// Monday morning.
const DAYS: [&str; 6] = [
    "2026-11-18T11:00:00Z",
    "2026-11-22T04:10:00Z",
    "2026-10-24T22:30:00Z",
    "2026-12-29T08:00:00Z",
    "2026-07-09T20:45:00Z",
    "2027-03-29T07:05:00Z",
];

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut todo = vec![dir.to_path_buf()];
    while let Some(next) = todo.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                todo.push(path);
            } else {
                all.insert(path.strip_prefix(dir).unwrap().to_path_buf(), fs::read(&path).unwrap());
            }
        }
    }
    all
}

/// Everything that is written, without writing it.
fn written(now: DateTime<Utc>, seed: u64) -> Vec<Vec<u8>> {
    let (office, world) = build(now, seed);
    let mail = world.letters.iter().map(|l| super::letter::bytes(l, true));
    let calendars = (0..4).flat_map(|rep| disk::calendar_files(&world, rep)).map(|(_, text)| text.into_bytes());
    let deals = format!("{:?} {:?} {:?}", world.deals, world.tasks, world.changes).into_bytes();
    mail.chain(calendars).chain([deals, settings::text(&office).into_bytes()]).collect()
}

#[test]
fn the_same_day_and_seed_give_the_same_company() {
    assert!(written(at(DAYS[0]), 7) == written(at(DAYS[0]), 7), "two runs differ");
    assert!(written(at(DAYS[0]), 7) != written(at(DAYS[0]), 8), "the seed changes nothing");
    // Later on the same day there is more of the same.
    let (morning, evening) = (build(at("2026-11-18T08:00:00Z"), 7).1, build(at("2026-11-18T20:00:00Z"), 7).1);
    let ids = |world: &World| world.letters.iter().map(|l| l.id.clone()).collect::<BTreeSet<_>>();
    assert!(ids(&morning).is_subset(&ids(&evening)));
}

#[test]
fn it_is_as_large_as_promised() {
    for day in DAYS {
        let (office, world) = build(at(day), 7);
        let mails: usize = world.letters.iter().map(|l| disk::copies(l, &office).len()).sum();
        assert!((2_500..=4_000).contains(&mails), "{day}: {mails} mails");
        assert!((250..=900).contains(&world.meetings.len()), "{day}: {} events", world.meetings.len());
        let company = company(Path::new("x"), &office, &world, mails, world.meetings.len());
        assert_eq!(company.deals, 60);
        let roles = |role: &str| company.people.iter().filter(|p| p.2 == role).count();
        assert_eq!([roles("rep"), roles("manager"), roles("admin")], [4, 2, 1]);
        assert!(company.people.iter().all(|p| p.0.ends_with(".example")));
    }
}

/// Nothing lies in the future but meetings, tasks and close dates.
#[test]
fn no_mail_comes_from_tomorrow() {
    for day in DAYS {
        let (office, world) = build(at(day), 7);
        assert!(world.letters.iter().all(|l| l.at <= office.now));
        assert!(world.typed.iter().all(|t| t.at <= office.now));
        assert!(world.changes.iter().all(|c| c.at <= office.now));
        assert!(world.meetings.iter().all(|m| m.stamp <= office.now), "{day}");
        for deal in &world.deals {
            assert!(office.moment(deal.moves[deal.moves.len() - 1].0, deal.zone()) < office.now);
        }
    }
}

#[test]
fn the_gaps_are_those_that_were_planted() {
    let first_rules = ["unsupported_advance", "one_sided_advance", "gone_quiet", "no_next_step", "overdue_close"];
    for day in DAYS {
        for seed in [7, 8, 1234] {
            let (office, world) = build(at(day), seed);
            let judge = Judge::new(&office, &world);
            assert_eq!(judge.mismatched(), Vec::<String>::new(), "{day} {seed}");
            for (n, deal) in world.deals.iter().enumerate() {
                let planted: Vec<_> =
                    deal.row.plant.rule().filter(|(rule, _)| first_rules.contains(rule)).into_iter().collect();
                assert_eq!(judge.findings(n), planted, "{day} {seed}: {} ({:?})", deal.name, deal.row.plant);
            }
        }
    }
}

#[test]
fn a_deals_own_history_shows_what_was_planted_and_nothing_else() {
    for day in DAYS {
        for seed in [7, 8, 1234] {
            let (office, world) = build(at(day), seed);
            let judge = Judge::new(&office, &world);
            for (n, deal) in world.deals.iter().enumerate() {
                let found = ledger::findings(&office, &world, &judge, n);
                assert_eq!(found, ledger::planted(deal), "{day} {seed}: {} ({:?})", deal.name, deal.row.plant);
            }
        }
    }
}

#[test]
fn what_later_rules_look_for_is_there_and_only_there() {
    for day in DAYS {
        let (office, world) = build(at(day), 7);
        let judge = Judge::new(&office, &world);
        assert!((4..=14).contains(&judge.pending()), "{day}: {} choices wait", judge.pending());
        for (n, deal) in world.deals.iter().enumerate().filter(|(_, d)| d.open()) {
            let plant = deal.row.plant;
            let name = format!("{day}: {} {plant:?}", deal.name);
            assert_eq!(judge.owed(n), plant == Plant::WeOweReply, "{name}");
            if deal.stage() >= 2 && !matches!(plant, Plant::UnknownPending) {
                assert_eq!(judge.outsiders(n) < 2, plant == Plant::SingleThreaded, "{name}");
            }
            let quoted = world.quotes.iter().any(|q| q.deal == n);
            if deal.stage() >= 3 && !matches!(plant, Plant::UnsupportedJump) {
                assert_eq!(!quoted, plant == Plant::MissingEvidence, "{name}");
            }
            let since = deal.moves[deal.moves.len() - 1].0;
            assert_eq!(since < -30 * super::office::DAY, plant == Plant::Stalled, "{name}");
        }
        let pushes = |n: usize| world.changes.iter().filter(|c| c.deal == n && c.field == "close_date").count();
        assert!((0..60).all(|n| (pushes(n) >= 3) == (world.deals[n].row.plant == Plant::PushedClose)), "{day}");
        let compared: BTreeSet<_> =
            world.letters.iter().filter(|l| l.text.contains("Sensorix")).map(|l| l.deal).collect();
        assert_eq!(compared.len(), 1, "{day}");
    }
}

#[test]
fn every_rule_has_a_highlight() {
    let (office, world) = build(at(DAYS[0]), 7);
    let company = company(Path::new("x"), &office, &world, 0, 0);
    let rules: BTreeSet<&str> = company.highlights.iter().map(|h| h.planted).collect();
    for rule in [
        "unsupported_advance",
        "one_sided_advance",
        "missing_evidence",
        "skipped_stage",
        "gone_quiet",
        "no_reply",
        "we_owe_reply",
        "no_next_step",
        "overdue_next_step",
        "no_follow_up",
        "overdue_close",
        "pushed_close",
        "stalled",
        "single_threaded",
        "amount_dropped",
        "commit_without_evidence",
        "uncorroborated_log",
        "unlisted_stakeholder",
        "phantom_contact",
        "competitor_mentioned",
    ] {
        assert!(rules.contains(rule), "{rule}");
    }
    assert_eq!(company.highlights.iter().filter(|h| h.state == "unknown").count(), 2);
    assert!(company.highlights[0].planted == "unsupported_advance");
    let ids: BTreeSet<&str> = company.highlights.iter().map(|h| h.deal_id.as_str()).collect();
    assert_eq!(ids.len(), company.highlights.len(), "one highlight a deal");
}

#[test]
fn every_message_is_read_as_it_was_written() {
    let (_, world) = build(at(DAYS[0]), 7);
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for letter in &world.letters {
        for received in [false, true] {
            let bytes = super::letter::bytes(letter, received);
            let mail = mime::message(&bytes).unwrap();
            assert_eq!(mail.message_id.as_deref(), Some(letter.id.as_str()));
            assert_eq!(mail.date, Some(letter.at), "{}", letter.id);
            assert_eq!(mail.subject.as_deref(), Some(letter.subject.as_str()));
            assert_eq!(mail.references, letter.references);
            let names = |all: &[dealtrail_sdk::record::Mailbox]| {
                all.iter().map(|m| (m.address.clone(), m.name.clone().unwrap_or_default())).collect::<Vec<_>>()
            };
            let parties = |all: &[Party]| all.iter().map(|p| (p.email.clone(), p.name.clone())).collect::<Vec<_>>();
            assert_eq!(names(&mail.from), parties(std::slice::from_ref(&letter.from)));
            assert_eq!(names(&mail.to), parties(&letter.to));
            assert_eq!(names(&mail.cc), parties(&letter.cc));
            for extra in &letter.extras {
                match extra {
                    world::Extra::File(name, media) => {
                        assert!(mail.parts.iter().any(|p| p.name.as_deref() == Some(name) && p.media_type == *media));
                    }
                    world::Extra::Invitation(method, text) => {
                        assert_eq!(mail.calendars.len(), 1);
                        assert_eq!(mail.calendars[0].text.trim(), text.trim());
                        *kinds.entry((*method).to_owned()).or_default() += 1;
                    }
                    world::Extra::Bounce { address, .. } => {
                        assert!(mail.delivery_status.as_deref().is_some_and(|s| s.contains(address)));
                        *kinds.entry("bounce".to_owned()).or_default() += 1;
                    }
                }
            }
            if letter.extras.is_empty() {
                let first = letter.text.lines().find(|l| l.len() > 20).unwrap_or("");
                let text = format!("{:?}", Words(mime::text(&bytes, 100_000)));
                assert!(text.contains(first.trim()), "{} {first:?} in {text}", letter.id);
            }
            for part in &mail.parts {
                let key = format!("{} {}", part.media_type, part.encoding.clone().unwrap_or_default());
                *kinds.entry(key).or_default() += 1;
            }
        }
    }
    for kind in ["REQUEST", "REPLY", "CANCEL", "bounce", "text/plain base64", "text/plain 8bit", "text/html base64"] {
        assert!(kinds.contains_key(kind), "{kind} in {kinds:?}");
    }
}

/// Text for an assertion; the record itself never prints it.
struct Words(dealtrail_sdk::record::Content);

impl std::fmt::Debug for Words {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            dealtrail_sdk::record::Content::Text { text, .. } => f.write_str(text),
            _ => f.write_str("no text"),
        }
    }
}

#[test]
fn every_calendar_is_read_as_it_was_written() {
    for day in DAYS {
        let now = at(day);
        let window = Window { since: now - Duration::days(200), until: now + Duration::days(120) };
        let (_, world) = build(now, 7);
        let mut read = BTreeMap::new();
        for (name, text) in (0..4).flat_map(|rep| disk::calendar_files(&world, rep)) {
            let calendar = ical::read(text.as_bytes(), chrono_tz::Europe::Berlin, &window);
            assert!(calendar.refused.is_empty() && calendar.valid, "{name}");
            for series in &calendar.series {
                for event in &series.events {
                    assert!(!event.time_uncertain, "{name}");
                    read.insert((event.uid.clone(), event.recurrence_id), (event.start, event.status));
                }
            }
        }
        for one in &world.meetings {
            if one.series.is_some() || matches!(one.times, world::Times::AllDay(_)) {
                assert!(read.keys().any(|(uid, _)| *uid == one.uid), "{day} {}", one.summary);
                continue;
            }
            let found = read.get(&(one.uid.clone(), None));
            let status = if one.cancelled { EventStatus::Cancelled } else { EventStatus::Confirmed };
            assert_eq!(found, Some(&(one.start, status)), "{day} {}", one.summary);
        }
        let weekly = world.meetings.iter().find(|m| m.series.as_ref().is_some_and(|s| !s.moved.is_empty())).unwrap();
        let series = weekly.series.as_ref().unwrap();
        assert_eq!(read.keys().filter(|(uid, _)| *uid == weekly.uid).count(), 11, "twelve weeks without one");
        let moved = read.get(&(weekly.uid.clone(), Some(series.moved[0].original)));
        assert_eq!(moved.map(|m| m.0), Some(series.moved[0].start));
    }
}

#[tokio::test]
async fn the_connectors_read_every_file() {
    let dir = tempfile::tempdir().unwrap();
    let company = write(dir.path(), at(DAYS[0]), 7).unwrap();
    let (_, world) = build(at(DAYS[0]), 7);
    let rows = super::reading::all("csv", dir.path(), "crm").await;
    assert_eq!(rows.unreadable, Vec::<String>::new());
    assert_eq!(rows.count("deals.csv"), 60);
    assert_eq!(rows.count("contacts.csv"), 90);
    assert_eq!(rows.count("companies.csv"), 26);
    assert_eq!(rows.count("stages.csv"), 7);
    assert_eq!(rows.count("activities.csv"), world.typed.len());
    assert_eq!(rows.count("tasks.csv"), world.tasks.len());
    assert_eq!(rows.count("quotes.csv"), world.quotes.len());
    assert_eq!(rows.count("deal_changes.csv"), world.changes.len());
    let moves: usize = world.deals.iter().map(|d| d.moves.len() + if d.slip.is_some() { 2 } else { 0 }).sum();
    assert_eq!(rows.count("stage_changes.csv"), moves);
    configured(&company);
    let mut mails = 0;
    for rep in ["ana", "jonas", "claire", "ben"] {
        let mail = super::reading::all("maildir", dir.path(), &format!("mail/{rep}")).await;
        assert_eq!(mail.unreadable, Vec::<String>::new());
        assert_eq!(mail.streams.keys().collect::<Vec<_>>(), ["Archive", "INBOX", "Sent"]);
        mails += mail.streams.values().sum::<usize>();
        let calendar = super::reading::all("ics", dir.path(), &format!("cal/{rep}")).await;
        assert_eq!(calendar.unreadable, Vec::<String>::new());
        assert!(calendar.streams.values().sum::<usize>() > 60, "{rep}");
    }
    // Drafts, trash and spam are left aside by default.
    let aside = world
        .letters
        .iter()
        .filter(|l| matches!(l.place, Some((_, world::Folder::Drafts | world::Folder::Trash | world::Folder::Junk))));
    assert_eq!(mails, company.mails - aside.count());
}

#[test]
fn each_reason_for_not_capturing_occurs() {
    let (office, world) = build(at(DAYS[0]), 7);
    let header = |name: &str| world.letters.iter().filter(|l| l.headers.iter().any(|(n, _)| *n == name)).count();
    assert!(header("List-Unsubscribe") > 200);
    assert!(header("Sensitivity") == 8);
    assert!(header("Auto-Submitted") > 100);
    let old = office.now - Duration::days(noise::SINCE);
    assert!(world.letters.iter().any(|l| l.at < old));
    assert!(world.letters.iter().any(|l| l.from.email.ends_with(cast::EXCLUDED_DOMAIN)));
    assert!(world.letters.iter().any(|l| l.subject.starts_with("Automat") && l.deal.is_some()));
    let boxes = |l: &world::Letter| disk::copies(l, &office).len();
    assert!(world.letters.iter().filter(|l| boxes(l) > 1 && l.deal.is_some()).count() > 20);
    assert!(world.letters.iter().all(|l| boxes(l) > 0 || !l.from.ours() || l.from.rep.is_none()));
    assert!(world.meetings.iter().any(|m| m.private));
    assert!(world.meetings.iter().any(|m| m.owners.len() == 2 && m.deal.is_some()));
    assert!(world.deals.iter().any(|d| d.stage() == WON && d.row.plant == Plant::Portal));
}

#[test]
fn a_folder_of_somebody_else_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("thesis.txt"), "precious").unwrap();
    let error = write(dir.path(), at(DAYS[0]), 7).unwrap_err().to_string();
    assert!(error.contains("not empty") && error.contains("--dir"), "{error}");
    assert!(prepare(dir.path(), at(DAYS[0]), 7).is_err());
    assert_eq!(files(dir.path()).len(), 1);
    assert!(existing(dir.path()).unwrap().is_none());
}

#[test]
fn a_second_start_reuses_and_an_old_one_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let now = at(DAYS[0]);
    let (first, made) = prepare(dir.path(), now, 7).unwrap();
    assert!(made);
    fs::write(dir.path().join("dealtrail.db"), "database").unwrap();
    fs::write(dir.path().join("notes.txt"), "mine").unwrap();
    let before = files(dir.path());
    let (second, made) = prepare(dir.path(), now + Duration::hours(20), 9).unwrap();
    assert!(!made);
    assert_eq!((first.mails, first.events, first.made_at), (second.mails, second.events, second.made_at));
    assert_eq!(first.highlights, second.highlights);
    assert!(files(dir.path()) == before, "reuse changes nothing");

    let (third, made) = prepare(dir.path(), now + Duration::hours(49), 7).unwrap();
    assert!(made && third.made_at > first.made_at);
    assert!(!dir.path().join("dealtrail.db").exists(), "a database of other dates would disagree");
    assert!(dir.path().join("notes.txt").exists(), "only what is ours is removed");
}

#[test]
fn a_half_written_company_is_ours_but_not_whole() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(MARKER), "incomplete\n").unwrap();
    fs::create_dir(dir.path().join("mail")).unwrap();
    assert!(existing(dir.path()).unwrap().is_none());
    let (company, made) = prepare(dir.path(), at(DAYS[0]), 7).unwrap();
    assert!(made && company.deals == 60);
    assert!(existing(dir.path()).unwrap().is_some());
}

/// The configuration is whole TOML, its paths are relative and exist.
fn configured(company: &Company) {
    crate::config::Config::load(&company.config).unwrap();
    let value: toml::Table = fs::read_to_string(&company.config).unwrap().parse().unwrap();
    let connections = value["connection"].as_array().unwrap();
    assert_eq!(connections.len(), 9);
    for connection in connections {
        let path = Path::new(connection["path"].as_str().unwrap());
        assert!(path.is_relative() && company.config.parent().unwrap().join(path).is_dir(), "{}", path.display());
    }
    assert_eq!(value["user"].as_array().unwrap().len(), 7);
}
