//! The order of changes that a CRM tells of. A CRM that writes dates, or two changes in one moment, does not say which came
//! first: what each changed from and to does. Pure.

use chrono::{DateTime, TimeDelta, Utc};

/// What orders one change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place<'a> {
    pub at: DateTime<Utc>,
    /// What was changed: only changes of the same thing follow each other.
    pub of: &'a str,
    pub from: Option<&'a str>,
    pub to: Option<&'a str>,
}

/// More changes of one moment than this stay in an order of their own: nobody moves a deal that often, and all orders of
/// many are very many.
const MOST: usize = 8;

/// By time; those of one moment so that each goes on from the one before it, where there is such an order. The same whatever
/// the order in which they come.
pub fn in_order<T>(all: Vec<T>, place: impl for<'t> Fn(&'t T) -> Place<'t>) -> Vec<T> {
    let mut all = all;
    all.sort_by(|a, b| place(a).cmp(&place(b)));
    let places: Vec<Place<'_>> = all.iter().map(&place).collect();
    let mut order: Vec<usize> = Vec::with_capacity(all.len());
    for group in (0..all.len())
        .collect::<Vec<_>>()
        .chunk_by(|a, b| places[*a].at == places[*b].at && places[*a].of == places[*b].of)
    {
        let before = order.iter().rev().find(|n| places[**n].of == places[group[0]].of).and_then(|n| places[*n].to);
        let mut path = Vec::new();
        if group.len() > 1 && group.len() <= MOST && trail(&places, group, before, &mut path) {
            order.extend(path);
        } else {
            order.extend(group);
        }
    }
    let mut slots: Vec<Option<T>> = all.into_iter().map(Some).collect();
    order.into_iter().filter_map(|n| slots[n].take()).collect()
}

/// Finds an order of all in the group in which each goes on from what was before it. A change that does not say where it came
/// from goes on from anything.
fn trail(places: &[Place<'_>], group: &[usize], before: Option<&str>, path: &mut Vec<usize>) -> bool {
    if path.len() == group.len() {
        return true;
    }
    for n in group {
        let (from, fits) = (places[*n].from, |from: Option<&str>| from.is_none() || before.is_none() || from == before);
        if path.contains(n) || !fits(from) {
            continue;
        }
        path.push(*n);
        if trail(places, group, places[*n].to, path) {
            return true;
        }
        path.pop();
    }
    false
}

/// One change, for [`told`].
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    pub at: DateTime<Utc>,
    pub to: Option<&'a str>,
    /// Seen by us between two readings, not told by the CRM.
    pub ours: bool,
}

/// So far the clocks of a CRM and of ours may differ.
const SKEW: TimeDelta = TimeDelta::minutes(5);

/// Does the CRM's own history tell of a change that we saw? The same value, not later, and no other value in between or seen
/// since. `all` in their order, which also says what came first of the changes of one moment.
pub fn told(seen: &Change<'_>, all: &[Change<'_>]) -> bool {
    // where it had been elsewhere until then: what was told before that tells of an earlier stay at the same value
    let elsewhere = all.iter().rposition(|x| x.at < seen.at && x.to != seen.to);
    let since = elsewhere.map_or(all, |n| &all[n + 1..]);
    since.iter().any(|x| !x.ours && x.at <= seen.at + SKEW && x.to == seen.to)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ordered(changes: &[(u32, Option<&str>, &str)]) -> Vec<String> {
        let at = |day: u32| {
            chrono::NaiveDate::from_ymd_opt(2026, 3, day).expect("a day").and_hms_opt(0, 0, 0).expect("a time")
        };
        let all = changes.iter().map(|(day, from, to)| (at(*day).and_utc(), from.map(str::to_owned), (*to).to_owned()));
        let told = |c: &(DateTime<Utc>, Option<String>, String)| format!("{}{}", c.1.as_deref().unwrap_or("-"), c.2);
        in_order(all.collect(), |c: &(DateTime<Utc>, Option<String>, String)| Place {
            at: c.0,
            of: "",
            from: c.1.as_deref(),
            to: Some(&c.2),
        })
        .iter()
        .map(told)
        .collect()
    }

    #[test]
    fn changes_of_one_moment_go_on_from_each_other() {
        for (changes, want) in [
            (&[(2, Some("a"), "b"), (1, None, "a")][..], &["-a", "ab"][..]),
            // two moves of one day: the later by the alphabet came first
            (&[(1, None, "s1"), (2, Some("s4"), "s2"), (2, Some("s1"), "s4")], &["-s1", "s1s4", "s4s2"]),
            (
                &[(1, None, "a"), (2, Some("a"), "c"), (2, Some("b"), "a"), (2, Some("a"), "b")],
                &["-a", "ab", "ba", "ac"],
            ),
            // there and back again
            (&[(1, None, "b"), (2, Some("a"), "b"), (2, Some("b"), "a")], &["-b", "ba", "ab"]),
            // nothing goes on from anything: the order is still the same each time
            (&[(1, None, "x"), (2, Some("b"), "c"), (2, Some("a"), "d")], &["-x", "ad", "bc"]),
        ] {
            assert_eq!(ordered(changes), want);
            let mut other = changes.to_vec();
            other.reverse();
            assert_eq!(ordered(&other), want);
        }
    }

    /// By day: the day, the stage entered, and whether we saw it ourselves, untold by the CRM.
    type Moves<'m> = &'m [(u32, &'static str, bool)];

    #[test]
    fn what_the_crm_tells_of_an_observed_move() {
        let cases: &[(Moves<'_>, bool)] = &[
            (&[(1, "lead", false), (3, "demo", true)], false),
            (&[(1, "lead", false), (2, "demo", false), (3, "demo", true)], true),
            (&[(1, "lead", false), (2, "demo", false), (3, "offer", false), (4, "demo", true)], false),
            // back where it began: the entry tells nothing of the return
            (&[(1, "lead", false), (3, "demo", true), (4, "lead", true)], false),
            (&[(1, "lead", false), (3, "demo", true), (4, "lead", false), (5, "lead", true)], true),
            // two moves of one moment, told after the second was seen
            (&[(1, "lead", false), (2, "offer", false), (2, "demo", false), (3, "demo", true)], true),
            (&[(1, "lead", false), (2, "demo", false), (2, "offer", false), (3, "demo", true)], false),
        ];
        for (all, want) in cases {
            let change = |&(day, to, ours): &(u32, &'static str, bool)| {
                let at = DateTime::UNIX_EPOCH + chrono::TimeDelta::days(i64::from(day));
                Change { at, to: Some(to), ours }
            };
            let all: Vec<Change<'_>> = all.iter().map(change).collect();
            assert_eq!(told(all.last().expect("a change"), &all), *want, "{all:?}");
        }
    }
}
