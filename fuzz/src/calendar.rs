//! Calendar files: every UID is opened or refused and stands once, its instances lie inside the window, in order, each
//! once and no more than allowed; a second reading and a reading one by one give the same.

use std::collections::HashSet;

use chrono::{TimeZone as _, Utc};
use dealtrail_sdk::{
    Window,
    ical::{self, Calendar, Outline, Series},
};

const INSTANCES: usize = 5_000;
/// Instances are compared one by one only for inputs that a fuzzer makes.
const SMALL: usize = 8_192;

pub fn window(first: i32, last: i32) -> Window {
    let year = |y| Utc.with_ymd_and_hms(y, 1, 1, 0, 0, 0).single().expect("a year");
    Window { since: year(first), until: year(last) }
}

pub fn check(bytes: &[u8]) {
    let (window, zone) = (window(2025, 2027), chrono_tz::America::St_Johns);
    let calendar = ical::read(bytes, zone, &window);
    whole(&calendar);
    calendar.series.iter().for_each(|s| series(s, &window));
    if bytes.len() > SMALL {
        return;
    }
    let again = ical::read(bytes, zone, &window);
    assert_eq!(keys(&calendar), keys(&again), "a second reading gives the same");
    let outline = Outline::new(bytes);
    let uids: Vec<&str> = outline.series().map(|(uid, _)| uid).collect();
    let named: HashSet<&str> = uids.iter().copied().collect();
    assert_eq!(named.len(), uids.len(), "a UID is listed twice");
    let refused = calendar.refused.iter().filter(|r| r.uid.is_some()).count();
    assert_eq!(calendar.series.len() + refused, uids.len(), "a UID is neither opened nor refused");
    for one in &calendar.series {
        outline.open(&[&one.uid], zone, &window, &mut |_, opened| {
            let alone = opened.expect("it is listed").expect("it was opened before");
            assert_eq!(shown(&alone), shown(one), "alone it opens otherwise");
            true
        });
    }
}

fn whole(calendar: &Calendar) {
    let uids: HashSet<&str> = calendar.series.iter().map(|s| s.uid.as_str()).collect();
    assert_eq!(uids.len(), calendar.series.len(), "a UID was opened twice");
    for refusal in &calendar.refused {
        crate::one_line(&refusal.why);
    }
}

pub fn series(series: &Series, window: &Window) {
    assert!(!series.uid.is_empty() && series.uid.len() <= 1_000);
    crate::one_line(&series.version);
    assert!(series.events.len() <= INSTANCES, "{} instances", series.events.len());
    assert!(series.events.is_sorted_by_key(|e| e.start), "not in order");
    let keys: HashSet<String> = series.events.iter().map(|e| ical::key("h", e)).collect();
    assert_eq!(keys.len(), series.events.len(), "an instance stands twice");
    for event in &series.events {
        assert!(event.start <= event.end);
        assert!(event.start < window.until && (event.end > window.since || event.start >= window.since), "outside");
        assert!(event.attendees.len() <= 2_000);
        let texts = event.summary.as_ref().map_or(0, String::len) + event.description.as_ref().map_or(0, String::len);
        assert!(texts <= 128 << 10);
        assert!(!event.uid.contains('\0') && !event.summary.as_ref().is_some_and(|s| s.contains('\0')));
    }
}

fn keys(calendar: &Calendar) -> Vec<Vec<String>> {
    calendar.series.iter().map(shown).collect()
}

/// All that tells two openings of one series apart.
fn shown(series: &Series) -> Vec<String> {
    let event = |e| format!("{} {e:?} {}", ical::key("h", e), e.end.timestamp());
    let mut all: Vec<String> = series.events.iter().map(event).collect();
    all.push(format!("{} {}", series.version, series.capped));
    all
}
