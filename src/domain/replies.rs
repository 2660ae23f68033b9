//! How long a contact usually takes to answer, by what the threads show.
//!
//! Pure. Reply times are working time of the calendar that judges (the deal owner's): a contact's own working hours are not
//! known, and nights and weekends of the two sides mostly agree.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::working::WorkCalendar;

/// What comes later than this answers nothing.
const LATEST: TimeDelta = TimeDelta::days(60);

/// One mail between us and a contact.
#[derive(Clone, Copy, Debug)]
pub struct Letter<'a> {
    pub thread: &'a str,
    pub at: DateTime<Utc>,
    /// From one of us to the contact; else from the contact.
    pub outbound: bool,
}

/// How long a contact usually takes to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usual {
    /// The median, in minutes of working time.
    pub minutes: i64,
    /// From how many answers.
    pub replies: usize,
}

/// The usual reply time: in each thread, from our last mail to the first one that comes back.
pub fn usual<'a>(letters: impl IntoIterator<Item = Letter<'a>>, calendar: &WorkCalendar) -> Option<Usual> {
    let mut all: Vec<Letter<'a>> = letters.into_iter().collect();
    all.sort_by_key(|l| (l.at, !l.outbound));
    let mut asked: BTreeMap<&str, DateTime<Utc>> = BTreeMap::new();
    let mut times = Vec::new();
    for letter in all {
        if letter.outbound {
            asked.insert(letter.thread, letter.at);
        } else if let Some(at) = asked.remove(letter.thread).filter(|at| letter.at - *at <= LATEST) {
            times.push(calendar.working_minutes_between(at, letter.at));
        }
    }
    times.sort_unstable();
    let middle = times.len().checked_sub(1)? / 2;
    let minutes = if times.len() % 2 == 1 { times[middle] } else { times[middle].midpoint(times[middle + 1]) };
    Some(Usual { minutes, replies: times.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn t(text: &str) -> DateTime<Utc> {
        let (day, time) = text.split_once(' ').unwrap_or((text, "12:00"));
        format!("2026-{day}T{time}:00Z").parse().expect("a time")
    }

    /// `>` is ours, `<` is theirs.
    fn usually(rows: &[(&'static str, &str, char)]) -> Option<Usual> {
        let letters = rows.iter().map(|(thread, at, way)| Letter { thread, at: t(at), outbound: *way == '>' });
        usual(letters.collect::<Vec<_>>(), &WorkCalendar::default())
    }

    #[test]
    fn usual_reply_times() {
        type Rows = Vec<(&'static str, &'static str, char)>;
        let known = |minutes, replies| Some(Usual { minutes, replies });
        let one = ("a", "11-03 10:00", '>');
        let cases: Vec<(&str, Rows, Option<Usual>)> = vec![
            ("never", vec![one], None),
            ("once", vec![one, ("a", "11-03 11:30", '<')], known(90, 1)),
            ("over a night", vec![("a", "11-03 16:00", '>'), ("a", "11-04 10:00", '<')], known(120, 1)),
            ("over a weekend", vec![("a", "11-06 16:00", '>'), ("a", "11-09 09:30", '<')], known(90, 1)),
            ("after a reminder", vec![one, ("a", "11-05 10:00", '>'), ("a", "11-05 10:10", '<')], known(10, 1)),
            ("twice in a row", vec![one, ("a", "11-03 10:10", '<'), ("a", "11-03 15:00", '<')], known(10, 1)),
            ("they wrote first", vec![("a", "11-03 09:00", '<'), one], None),
            ("another thread", vec![one, ("b", "11-03 11:30", '<')], None),
            ("much too late", vec![("a", "08-03 10:00", '>'), ("a", "11-03 11:30", '<')], None),
            (
                "the middle of three",
                vec![
                    ("a", "11-03 10:00", '>'),
                    ("a", "11-03 10:30", '<'),
                    ("b", "11-03 10:00", '>'),
                    ("b", "11-03 12:00", '<'),
                    ("c", "11-03 10:00", '>'),
                    ("c", "11-10 12:00", '<'),
                ],
                known(120, 3),
            ),
            (
                "between the two in the middle",
                vec![
                    ("a", "11-03 10:00", '>'),
                    ("a", "11-03 10:30", '<'),
                    ("b", "11-03 10:00", '>'),
                    ("b", "11-03 11:30", '<'),
                ],
                known(60, 2),
            ),
        ];
        for (name, rows, want) in cases {
            assert_eq!(usually(&rows), want, "{name}");
            let back: Vec<_> = rows.into_iter().rev().collect();
            assert_eq!(usually(&back), want, "{name}, read backwards");
        }
    }
}
