//! Conversations: a thread counts once in each period that holds a message answering the other side's message of the last
//! 30 days. Pure; who may be counted (no machine's mail) is the caller's business, and a call counts as one anyway.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

/// How old the other side's message may be.
const RECENT: TimeDelta = TimeDelta::days(30);

/// One message of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said<'a> {
    pub thread: &'a str,
    /// The activity.
    pub id: &'a str,
    pub at: DateTime<Utc>,
    pub outbound: bool,
}

/// The messages that answer: the last one before them in their thread came from the other side, at most 30 days before.
/// Oldest first. Whoever writes twice in a row has answered once.
pub fn answers<'a>(said: impl IntoIterator<Item = Said<'a>>) -> Vec<Said<'a>> {
    let mut all: Vec<Said<'a>> = said.into_iter().collect();
    all.sort_by(|a, b| (a.at, a.id).cmp(&(b.at, b.id)));
    all.dedup_by(|a, b| a.id == b.id);
    let mut last: BTreeMap<&str, Said<'a>> = BTreeMap::new();
    let mut found = Vec::new();
    for one in all {
        if let Some(before) = last.insert(one.thread, one)
            && before.outbound != one.outbound
            && one.at - before.at <= RECENT
        {
            found.push(one);
        }
    }
    found
}

/// The conversations of each period: its threads with the first message that made each one count. `period` names the
/// period of a moment, or none.
pub fn by_period<'a, P: Ord>(
    answers: &[Said<'a>],
    period: impl Fn(DateTime<Utc>) -> Option<P>,
) -> BTreeMap<P, BTreeMap<&'a str, Said<'a>>> {
    let mut periods: BTreeMap<P, BTreeMap<&'a str, Said<'a>>> = BTreeMap::new();
    for one in answers {
        if let Some(p) = period(one.at) {
            periods.entry(p).or_default().entry(one.thread).or_insert(*one);
        }
    }
    periods
}

/// The threads that hold an answer.
pub fn threads<'a>(answers: &[Said<'a>]) -> BTreeSet<&'a str> {
    answers.iter().map(|one| one.thread).collect()
}

#[cfg(test)]
mod tests {
    use chrono::Datelike;

    use super::*;

    fn t(text: &str) -> DateTime<Utc> {
        format!("2026-{text}T12:00:00Z").parse().expect("a time")
    }

    /// `>` is ours, `<` is theirs.
    fn said<'a>(rows: &[(&'a str, &'a str, &str, char)]) -> Vec<Said<'a>> {
        rows.iter().map(|(thread, id, day, way)| Said { thread, id, at: t(day), outbound: *way == '>' }).collect()
    }

    #[test]
    fn who_answers() {
        type Rows<'r> = &'r [(&'r str, &'r str, &'r str, char)];
        let cases: &[(&str, Rows<'_>, &[&str])] = &[
            ("nobody", &[("x", "a", "11-02", '>')], &[]),
            ("they", &[("x", "a", "11-02", '>'), ("x", "b", "11-03", '<')], &["b"]),
            ("we", &[("x", "a", "11-02", '<'), ("x", "b", "11-03", '>')], &["b"]),
            (
                "to and fro",
                &[("x", "a", "11-02", '<'), ("x", "b", "11-03", '>'), ("x", "c", "11-04", '<')],
                &["b", "c"],
            ),
            ("a reminder", &[("x", "a", "11-02", '<'), ("x", "b", "11-03", '>'), ("x", "c", "11-12", '>')], &["b"]),
            ("on the thirtieth day", &[("x", "a", "10-01", '<'), ("x", "b", "10-31", '>')], &["b"]),
            ("too late", &[("x", "a", "10-01", '<'), ("x", "b", "11-01", '>')], &[]),
            ("another thread", &[("x", "a", "11-02", '<'), ("y", "b", "11-03", '>')], &[]),
            ("read in another order", &[("x", "b", "11-03", '>'), ("x", "a", "11-02", '<')], &["b"]),
        ];
        for (name, rows, want) in cases {
            let found: Vec<&str> = answers(said(rows)).iter().map(|s| s.id).collect();
            assert_eq!(&found, want, "{name}");
        }
    }

    #[test]
    fn once_in_each_period() {
        let rows = [
            ("x", "a", "10-28", '>'),
            ("x", "b", "10-30", '<'),
            ("x", "c", "10-31", '>'),
            ("x", "d", "11-02", '<'),
            ("y", "e", "11-03", '<'),
            ("y", "f", "11-04", '>'),
            ("z", "g", "11-05", '>'),
        ];
        let all = answers(said(&rows));
        let months = by_period(&all, |at| Some(at.month()));
        let told: Vec<(u32, Vec<&str>)> =
            months.iter().map(|(m, threads)| (*m, threads.values().map(|s| s.id).collect())).collect();
        assert_eq!(told, [(10, vec!["b"]), (11, vec!["d", "f"])]);
        assert_eq!(threads(&all).into_iter().collect::<Vec<_>>(), ["x", "y"]);
    }
}
