//! Calendars: the instances of real files (UID, start, end, RECURRENCE-ID) inside windows, against recurring-ical-events
//! and ical.js. A series is judged when both open it to the very same instances.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    thread,
};

use chrono::{DateTime, TimeZone, Utc};
use dealtrail_sdk::{Window, ical};
use serde_json::{Value, json};

use super::{GOAL, Sample, Tally, all_needed, ask, known, percent, publish, reasons, samples, show};

/// The owner's zone, in which floating times stand.
const ZONE: chrono_tz::Tz = chrono_tz::Europe::Berlin;

/// Start, end, RECURRENCE-ID.
type Instance = (i64, i64, Option<i64>);
type Series = BTreeMap<String, BTreeSet<Instance>>;

fn year(year: i32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(year, 1, 1, 0, 0, 0).single().expect("a first of January")
}

/// The first and the last two years in which something starts, and one year that most series only reach by repeating.
fn windows(text: &str) -> Vec<Window> {
    let starts = text.split(['\r', '\n']).filter(|l| l.get(..7).is_some_and(|n| n.eq_ignore_ascii_case("DTSTART")));
    let years: Vec<i32> = starts
        .filter_map(|l| l.rsplit(':').next().unwrap_or("").trim().get(..4)?.parse().ok())
        .filter(|y| (1_971..2_035).contains(y))
        .collect();
    let first = years.iter().min().copied().unwrap_or(2_026);
    let last = years.iter().max().copied().unwrap_or(2_026);
    let mut spans = vec![(first, first + 2), (last, last + 2), (2_026, 2_027)];
    spans.sort_unstable();
    let mut apart: Vec<(i32, i32)> = Vec::new();
    for (from, to) in spans {
        match apart.last_mut() {
            Some(before) if before.1 >= from => before.1 = before.1.max(to),
            _ => apart.push((from, to)),
        }
    }
    apart.into_iter().map(|(from, to)| Window { since: year(from), until: year(to) }).collect()
}

fn inside(windows: &[Window], (start, end, _): Instance) -> bool {
    windows.iter().any(|w| {
        let (since, until) = (w.since.timestamp(), w.until.timestamp());
        start < until && (end > since || start >= since)
    })
}

/// UIDs are text: some readers undo its escapes.
fn plain(uid: &str) -> String {
    uid.replace('\\', "")
}

/// Ours, and the UIDs that opened to more than is kept.
fn ours(sample: &Sample, windows: &[Window]) -> (Series, HashSet<String>) {
    let mut all = Series::new();
    let mut capped = HashSet::new();
    for window in windows {
        for series in ical::read(&sample.bytes, ZONE, window).series {
            let uid = plain(&series.uid);
            let instances = series
                .events
                .iter()
                .map(|e| (e.start.timestamp(), e.end.timestamp(), e.recurrence_id.as_ref().map(DateTime::timestamp)));
            all.entry(uid.clone()).or_default().extend(instances);
            if series.capped {
                capped.insert(uid);
            }
        }
    }
    (all, capped)
}

/// An oracle's answer; a UID that it could not open is missing.
fn theirs(answer: &Value, windows: &[Window]) -> Option<Series> {
    let mut all = Series::new();
    for (uid, list) in answer.get("series")?.as_object()? {
        let Some(list) = list.as_array() else { continue };
        let instances = list.iter().filter_map(|i| Some((i[0].as_i64()?, i[1].as_i64()?, i[2].as_i64())));
        let instances = instances.filter(|i| inside(windows, *i));
        all.entry(plain(uid)).or_default().extend(instances);
    }
    Some(all)
}

/// The slower oracle gets the files in two halves.
fn ask_both(jobs: &[Value]) -> (Vec<Value>, Vec<Value>) {
    let python =
        |jobs: &[Value]| ask("python3", "events.py", &json!({ "zone": ZONE.name(), "jobs": jobs }), jobs.len());
    let (first, second) = jobs.split_at(jobs.len() / 2);
    thread::scope(|scope| {
        let (first, second) = (scope.spawn(|| python(first)), scope.spawn(|| python(second)));
        let node = ask("node", "events.mjs", &json!({ "zone": ZONE.name(), "jobs": jobs, "hung": [] }), jobs.len());
        let mut all = first.join().expect("the oracle's thread");
        all.extend(second.join().expect("the oracle's thread"));
        (all, node)
    })
}

#[derive(Default)]
struct Count {
    unread: usize,
    series: usize,
    disputed: usize,
    tally: Tally,
    met: HashSet<usize>,
}

#[test]
fn calendars_open_as_two_other_readers_agree() {
    let files = samples(&["ics"]);
    let windows: Vec<Vec<Window>> = files.iter().map(|f| windows(&String::from_utf8_lossy(&f.bytes))).collect();
    let jobs: Vec<Value> = files
        .iter()
        .zip(&windows)
        .map(|(file, windows)| {
            let spans: Vec<[i64; 2]> = windows.iter().map(|w| [w.since.timestamp(), w.until.timestamp()]).collect();
            json!({ "file": file.path.to_string_lossy(), "windows": spans })
        })
        .collect();
    let (python, node) = ask_both(&jobs);
    let mut count = Count::default();
    for (((file, windows), python), node) in files.iter().zip(&windows).zip(&python).zip(&node) {
        match (theirs(python, windows), theirs(node, windows)) {
            (Some(python), Some(node)) => compare(file, windows, &python, &node, &mut count),
            _ => count.unread += 1,
        }
    }
    judge(&count, files.len());
    all_needed(known::CALENDAR, &count.met);
}

fn compare(file: &Sample, windows: &[Window], python: &Series, node: &Series, count: &mut Count) {
    let (ours, capped) = ours(file, windows);
    let nothing = BTreeSet::new();
    let uids: BTreeSet<&String> = python.keys().chain(node.keys()).collect();
    for uid in uids {
        let own = ours.get(uid).unwrap_or(&nothing);
        let (one, two) = (python.get(uid), node.get(uid));
        let agreed = match (one, two) {
            (Some(one), Some(two)) if one == two && !capped.contains(uid) => one,
            _ => {
                count.disputed += 1;
                if show() {
                    println!("DISPUTED {} {uid}\n  python {one:?}\n  node   {two:?}\n  ours   {own:?}", file.name);
                }
                continue;
            }
        };
        count.series += 1;
        let missing: Vec<_> = agreed.difference(own).collect();
        let extra: Vec<_> = own.difference(agreed).collect();
        let known = known::CALENDAR.iter().position(|k| k.covers(&file.name, uid));
        if let Some(at) = known.filter(|_| missing.len() + extra.len() > 0) {
            count.met.insert(at);
            count.tally.known += missing.len().max(extra.len());
            continue;
        }
        count.tally.agreed += agreed.len();
        count.tally.right += agreed.len() - missing.len();
        count.tally.extra += extra.len();
        if missing.len() + extra.len() > 0 {
            count.tally.differences.push(format!("{} {uid}\n  missing {missing:?}\n  extra   {extra:?}", file.name));
        }
    }
}

fn judge(count: &Count, files: usize) {
    let tally = &count.tally;
    let mut lines = vec![
        format!(
            "calendars: {files} files, {} unread by an oracle; {} series on which both oracles agree, {} left out: they differ",
            count.unread, count.series, count.disputed,
        ),
        format!(
            "calendars: {} instances: {} right ({}), {} too many (precision {}); {} known differences in {} series:",
            tally.agreed,
            tally.right,
            percent(tally.found()),
            tally.extra,
            percent(tally.precision()),
            tally.known,
            count.met.len(),
        ),
    ];
    lines.extend(reasons(known::CALENDAR, &count.met));
    publish("calendar", &lines);
    for difference in &tally.differences {
        println!("{difference}");
    }
    assert!(tally.agreed > 10_000, "only {} instances were compared", tally.agreed);
    assert!(tally.found() >= GOAL && tally.precision() >= GOAL, "the differences stand above");
}
