//! Compares a complete listing with what is known: what to read, what is gone. Pure.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use dealtrail_sdk::Listing;

use crate::store::items::Known;

/// What a listing asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub wanted: Vec<String>,
    pub gone: Vec<String>,
    /// Set when more than half vanished and a second reading is waited for.
    pub shrunk_at: Option<DateTime<Utc>>,
}

/// Observe, decide: a pure comparison of what is listed with what is known.
pub fn compare(
    listing: &Listing,
    known: &HashMap<String, Known>,
    full: bool,
    shrunk_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Plan {
    let mut plan = Plan::default();
    let listed: BTreeSet<&str> = listing.entries.iter().map(|e| e.resource.as_str()).collect();
    for entry in &listing.entries {
        match known.get(&entry.resource) {
            None => plan.wanted.push(entry.resource.clone()),
            Some(k) => {
                // without a version a known resource never changes, and a full pass has just delivered it
                let changed = entry.version.is_some() && (full || entry.version != k.version);
                // what was gone left nothing behind to take up again
                if changed || k.gone {
                    plan.wanted.push(entry.resource.clone());
                }
            }
        }
    }
    let live = known.values().filter(|k| !k.gone).count();
    let unsure = |r: &str| listing.unsure.iter().any(|start| r.starts_with(start.as_str()));
    let missing = known.iter().filter(|(r, k)| !k.gone && !listed.contains(r.as_str()) && !unsure(r));
    let missing: Vec<String> = missing.map(|(r, _)| r.clone()).collect();
    let suspicious = listing.shaky && missing.len() * 2 > live;
    if suspicious && shrunk_at.is_none() {
        plan.shrunk_at = Some(now);
    } else {
        plan.gone = missing;
    }
    plan
}

#[cfg(test)]
mod tests {
    use dealtrail_sdk::Entry;

    use super::*;

    fn known(version: &str, gone: bool) -> Known {
        Known { version: Some(version.into()), gone, ..Known::default() }
    }

    fn listing(entries: &[(&str, &str)], shaky: bool) -> Listing {
        let entries =
            entries.iter().map(|(r, v)| Entry { resource: (*r).into(), version: Some((*v).into()) }).collect();
        Listing { entries, shaky, ..Listing::default() }
    }

    #[test]
    fn listings() {
        let now = DateTime::UNIX_EPOCH;
        let have: HashMap<String, Known> =
            [("a", known("1", false)), ("b", known("1", false)), ("c", known("1", true))]
                .into_iter()
                .map(|(k, v)| (k.to_owned(), v))
                .collect();
        let plan = compare(&listing(&[("a", "2"), ("c", "1"), ("d", "1")], false), &have, false, None, now);
        assert_eq!(plan.wanted, ["a", "c", "d"]);
        assert_eq!(plan.gone, ["b"]);
        // a listing that lost more than half waits for a second one
        let plan = compare(&listing(&[], true), &have, false, None, now);
        assert_eq!((plan.gone.len(), plan.shrunk_at), (0, Some(now)));
        let plan = compare(&listing(&[], true), &have, false, Some(now), now);
        assert_eq!((plan.gone.len(), plan.shrunk_at), (2, None));
    }

    #[test]
    fn what_a_broken_file_may_hold_is_not_gone() {
        let now = DateTime::UNIX_EPOCH;
        let have: HashMap<String, Known> =
            ["a.ics#1", "a.ics#2", "b.ics#1", "b.ics", "b.icsx#1"].map(|k| (k.to_owned(), known("1", false))).into();
        let unsure = |starts: &[&str], entries: &[(&str, &str)]| Listing {
            unsure: starts.iter().map(|s| (*s).to_owned()).collect(),
            ..listing(entries, true)
        };
        let gone = |listing: &Listing| {
            let mut gone = compare(listing, &have, false, None, now).gone;
            gone.sort();
            gone
        };
        assert_eq!(gone(&unsure(&["b.ics#"], &[("a.ics#1", "1"), ("b.ics", "1")])), ["a.ics#2", "b.icsx#1"]);
        assert_eq!(gone(&unsure(&["a.ics#", "b.ics#"], &[("b.ics", "1")])), ["b.icsx#1"]);
        assert!(gone(&unsure(&[""], &[])).is_empty());
    }
}
