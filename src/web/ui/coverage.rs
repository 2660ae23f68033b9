//! How far everything connected has been read, with its holes, what became of what was read, and what to do where reading
//! fails. Counts and reasons only, never content.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Query, State};
use chrono::{DateTime, Utc};

use super::{
    Answer, Asked, At, Leaf, asked,
    told::{Sight, called},
    url,
};
use crate::{
    domain::directory::Directory,
    store::{
        connections::{self, Connection},
        streams,
    },
    web::{
        desk::Frame,
        picture::{Svg, strip::Strip},
        trouble::show,
        words::{Here, When, clean, clean_lines, count, list, skipped},
    },
};

/// Connections on one page, and folders shown of each.
const SIZE: usize = 10;
const FOLDERS: usize = 8;

type Outcomes = BTreeMap<(i64, String, Option<String>), i64>;

#[derive(Clone, Debug)]
struct StreamRow {
    name: String,
    from: Option<When>,
    to: Option<When>,
    picture: Svg,
    captured: i64,
    waiting: i64,
    quarantined: i64,
    /// (reason in words, how many)
    skipped: Vec<(String, i64)>,
    skipped_all: i64,
    read: i64,
    error: Option<String>,
}

#[derive(Clone, Debug)]
struct Account {
    name: String,
    called: String,
    connector: String,
    state: &'static str,
    state_word: &'static str,
    last_success: Option<When>,
    error: Option<String>,
    since: When,
    streams: Vec<StreamRow>,
    /// Folders that are not shown.
    more: usize,
    crm: bool,
}

#[derive(Template)]
#[template(path = "coverage.html")]
struct Page {
    frame: Frame,
    sentence: String,
    share: Option<String>,
    accounts: Vec<Account>,
    from: When,
    leaf: Leaf,
}

pub async fn page(State(desk): At, Query(query): Asked) -> Answer {
    let directory = &desk.directory();
    let here = desk.here();
    let sight = Sight::load(&desk).await?;
    let outcomes = desk.store.outcomes().await?;
    let mut live: Vec<&Connection> = sight.connections.iter().filter(|c| !c.removed).collect();
    live.sort_by_key(|c| (!is_failing(c), c.name.clone()));
    let from = live.iter().map(|c| c.since).min().unwrap_or(here.now);
    let (cut, leaf) =
        Leaf::cut(&live, SIZE, asked(&query, "page"), |n| url("/coverage", &[("page", Some(&n.to_string()))]));
    let mut number = 0;
    let accounts = cut
        .iter()
        .map(|c| {
            let mut mine: Vec<_> = sight.streams.iter().filter(|s| s.connection == c.name && !s.gone).collect();
            // what needs a look first
            mine.sort_by_key(|s| (s.last_error.is_none() && s.complete_to.is_some(), s.stream.name.clone()));
            let more = mine.len().saturating_sub(FOLDERS);
            let streams = mine.into_iter().take(FOLDERS).map(|s| {
                number += 1;
                stream_row(s, c, &outcomes, &here, from, number)
            });
            account(c, streams.collect(), more, directory, &here)
        })
        .collect();
    let page = Page {
        frame: desk.frame("Coverage", "coverage").await?,
        sentence: sentence(&live, &sight, directory, &here),
        share: share(&outcomes),
        accounts,
        from: here.day(here.date(from)),
        leaf,
    };
    show(&page)
}

fn account(c: &Connection, streams: Vec<StreamRow>, more: usize, directory: &Directory, here: &Here) -> Account {
    let (state, state_word) = match c.state {
        connections::State::New => ("new", "not read yet"),
        connections::State::Ok => ("ok", "reading"),
        connections::State::Failing => ("failing", "does not answer; tried again by itself"),
        connections::State::NeedsAction => ("failing", "needs you"),
    };
    Account {
        name: clean(&c.name),
        called: called(c, directory),
        connector: clean(&c.connector),
        state,
        state_word,
        last_success: c.last_success.map(|at| here.when(at)),
        error: c.last_error.as_deref().map(sentence_of),
        since: here.day(here.date(c.since)),
        streams,
        more,
        crm: c.gives == "crm",
    }
}

fn is_failing(c: &Connection) -> bool {
    matches!(c.state, connections::State::Failing | connections::State::NeedsAction)
}

fn sentence_of(text: &str) -> String {
    clean_lines(text).replace('\n', " ").chars().take(500).collect()
}

fn stream_row(
    s: &streams::Stored,
    c: &Connection,
    outcomes: &Outcomes,
    here: &Here,
    from: DateTime<Utc>,
    number: usize,
) -> StreamRow {
    let mine = || outcomes.iter().filter(|((id, ..), _)| *id == s.id);
    let sum = |wanted: &str| mine().filter(|((_, outcome, _), _)| outcome == wanted).map(|(_, n)| n).sum::<i64>();
    let mut reasons: BTreeMap<String, i64> = BTreeMap::new();
    for ((_, _, reason), n) in mine().filter(|((_, outcome, _), _)| outcome == "skipped") {
        *reasons.entry(skipped(reason.as_deref().unwrap_or("other")).to_owned()).or_default() += n;
    }
    let mut reasons: Vec<(String, i64)> = reasons.into_iter().collect();
    reasons.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let complete = s.complete_from.zip(s.complete_to);
    let said = match complete {
        Some((from, to)) => format!("complete from {} to {}", here.when(from).short, here.when(to).short),
        None => "not read through yet".to_owned(),
    };
    let name = clean(&s.stream.name);
    let strip = Strip { from, now: here.now, since: c.since, complete, label: format!("{name}: {said}"), number };
    StreamRow {
        name,
        from: s.complete_from.map(|at| here.day(here.date(at))),
        to: s.complete_to.map(|at| here.when(at)),
        picture: strip.draw(),
        captured: sum("captured"),
        waiting: sum("waiting"),
        quarantined: sum("quarantined"),
        skipped_all: sum("skipped"),
        skipped: reasons,
        read: sum("read"),
        error: s.last_error.as_deref().filter(|e| Some(*e) != c.last_error.as_deref()).map(sentence_of),
    }
}

/// What the page opens with: who is silent, who starts late, else that all is well.
fn sentence(live: &[&Connection], sight: &Sight, directory: &Directory, here: &Here) -> String {
    if live.is_empty() {
        return "Nothing is connected yet.".to_owned();
    }
    let sources: Vec<&&Connection> = live.iter().filter(|c| c.gives != "crm").collect();
    let late = |c: &Connection| {
        !is_failing(c) && sight.complete(&c.name).is_none_or(|(from, _)| starts_late(from, c, &sources))
    };
    let mut said: Vec<String> = live
        .iter()
        .filter(|c| is_failing(c))
        .map(|c| {
            if c.gives == "crm" {
                format!("the CRM ({}) cannot be read", clean(&c.name))
            } else {
                sight.say(&c.name, directory, here)
            }
        })
        .collect();
    said.extend(sources.iter().filter(|c| late(c)).map(|c| sight.say(&c.name, directory, here)));
    let connected =
        format!("{} connected", count(sources.len(), "mailbox or calendar is", "mailboxes and calendars are"));
    if said.is_empty() {
        return format!("{connected}, and all of them are read.");
    }
    format!("{connected}; {}.", list(&said))
}

/// It begins more than a week after the first of the others: somebody's past is missing beside everybody else's.
fn starts_late(from: DateTime<Utc>, c: &Connection, sources: &[&&Connection]) -> bool {
    let first = sources.iter().map(|c| c.since).min().unwrap_or(from);
    from > c.since + chrono::TimeDelta::days(1) || from > first + chrono::TimeDelta::days(7)
}

/// Of what business did with the outside: how much was captured.
fn share(outcomes: &Outcomes) -> Option<String> {
    let sum = |wanted: &str| outcomes.iter().filter(|((_, o, _), _)| o == wanted).map(|(_, n)| n).sum::<i64>();
    let (captured, waiting, broken) = (sum("captured"), sum("waiting"), sum("quarantined"));
    let all = captured + waiting + broken;
    if all == 0 {
        return None;
    }
    // never "100 %" while something is missing
    let percent = (captured as f64 * 100.0 / all as f64).floor();
    let mut missing = Vec::new();
    if waiting > 0 {
        missing.push(format!(
            "{} for somebody the CRM knows",
            count(usize::try_from(waiting).unwrap_or(0), "waits", "wait")
        ));
    }
    if broken > 0 {
        missing.push(format!("{broken} could not be read yet and will be tried again"));
    }
    let missing = if missing.is_empty() { String::new() } else { format!("; {}", list(&missing)) };
    Some(format!("{percent:.0} % of the business mail and meetings seen are captured ({captured} of {all}){missing}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares() {
        let of = |all: &[(&str, i64)]| all.iter().map(|(o, n)| ((1, (*o).to_owned(), None), *n)).collect::<Outcomes>();
        assert_eq!(share(&of(&[("skipped", 5)])), None);
        assert_eq!(
            share(&of(&[("captured", 999), ("waiting", 1)])).as_deref(),
            Some(
                "99 % of the business mail and meetings seen are captured (999 of 1000); 1 waits for somebody the CRM knows."
            )
        );
        assert_eq!(
            share(&of(&[("captured", 10)])).as_deref(),
            Some("100 % of the business mail and meetings seen are captured (10 of 10).")
        );
    }
}
