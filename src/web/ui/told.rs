//! Findings as they are told on a page: whose deal, what was expected and found, what would clear it, and the one sentence
//! that a page of them opens with.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};

use super::line::Line;
use crate::{
    domain::{
        directory::Directory,
        gaps::{Finding, State, sight::NO_MAILBOX},
    },
    store::{
        StoreError,
        connections::{self, Connection},
        streams,
    },
    web::{
        desk::{Desk, company_name, person, stage_name},
        words::{self, Here, When, clean, seg},
    },
};

#[derive(Clone, Debug)]
pub struct Told {
    pub severity: &'static str,
    pub state: &'static str,
    pub state_word: &'static str,
    pub rule: String,
    pub deal: String,
    pub deal_url: String,
    pub company: Option<String>,
    pub amount: Option<String>,
    pub owner: Option<String>,
    pub expected: String,
    pub found: String,
    pub clears_when: String,
    pub since: When,
    pub moved: Option<String>,
    pub window: Option<(When, When)>,
    pub evidence: Vec<Line>,
    /// How many more there are than are shown.
    pub more: usize,
    pub pending: Vec<Line>,
    pub blind: Vec<String>,
    /// Why it was put off or explained, and by whom.
    pub note: Option<String>,
    pub until: Option<When>,
    pub ended: Option<When>,
    pub ended_by: Option<Line>,
    pub late: bool,
}

/// Activities shown with a finding, the newest.
const SHOWN: usize = 8;

/// Does it still ask for something?
pub fn asks(finding: &Finding) -> bool {
    matches!(finding.state, State::Open | State::Unknown)
}

/// What telling needs: the lines of the activities concerned, and how far the connections have been read.
#[derive(Debug)]
pub struct Teller {
    lines: HashMap<String, Line>,
    pub sight: Sight,
}

impl Teller {
    pub async fn load(desk: &Desk, directory: &Directory, findings: &[Finding]) -> Result<Self, StoreError> {
        let shown = |ids: &'_ [String]| ids.iter().rev().take(SHOWN).cloned().collect::<Vec<_>>();
        let ids = findings
            .iter()
            .flat_map(|f| [shown(&f.evidence), shown(&f.pending)].concat().into_iter().chain(f.resolved_by.clone()));
        let ids: BTreeSet<String> = ids.collect();
        let ids: Vec<String> = ids.into_iter().collect();
        let all = desk.store.with_sightings(desk.store.activities_by_ids(&ids).await?).await?;
        let here = desk.here();
        let line = |(stored, sightings): &(_, Vec<_>)| {
            let stored: &crate::store::activities::Stored = stored;
            (stored.activity.id.clone(), Line::new(stored, desk.level(sightings), directory, &here))
        };
        Ok(Self { lines: all.iter().map(line).collect(), sight: Sight::load(desk).await? })
    }

    pub fn tell(&self, f: &Finding, directory: &Directory, here: &Here) -> Told {
        let deal = f.deal.as_deref().and_then(|id| directory.deals.get(id));
        let lines =
            |ids: &[String]| ids.iter().rev().take(SHOWN).filter_map(|id| self.lines.get(id).cloned()).collect();
        let moved = f.from_stage.as_deref().zip(f.to_stage.as_deref()).map(|(from, to)| {
            let on = f.deal_at.map_or(String::new(), |at| format!(" on {}", here.day_text(here.date(at))));
            format!("{} → {}{on}", stage_name(directory, from), stage_name(directory, to))
        });
        let by = f.by.as_deref().map(|by| format!(" ({})", person(directory, by))).unwrap_or_default();
        Told {
            severity: f.severity.as_str(),
            state: f.state.as_str(),
            state_word: words::state(f.state.as_str()),
            rule: words::rule(f.rule.as_str()),
            deal: clean(&f.subject_name(directory)),
            deal_url: f.deal.as_deref().map_or_else(|| "/activities".to_owned(), |id| format!("/deal/{}", seg(id))),
            company: deal.and_then(|d| company_name(directory, d)),
            amount: deal.and_then(|d| d.amount.map(|a| words::amount(a, d.currency.as_deref()))),
            owner: f.owner.as_deref().map(|o| person(directory, o)),
            expected: clean_sentence(&f.expected),
            found: clean_sentence(&f.found),
            clears_when: clean_sentence(&f.clears_when),
            since: here.when(f.since),
            moved,
            window: f.window_from.zip(f.window_to).map(|(from, to)| (here.when(from), here.when(to))),
            evidence: lines(&f.evidence),
            more: f.evidence.len().saturating_sub(SHOWN),
            pending: lines(&f.pending),
            blind: f.blind.iter().map(|name| self.sight.say(name, directory, here)).collect(),
            note: f.note.as_deref().map(|note| format!("{}{by}", clean(note))),
            until: f.snoozed_until.map(|at| here.when(at)),
            ended: f.resolved_at.map(|at| here.when(at)),
            ended_by: f.resolved_by.as_ref().and_then(|id| self.lines.get(id).cloned()),
            late: f.late,
        }
    }

    pub fn line(&self, id: &str) -> Option<&Line> {
        self.lines.get(id)
    }
}

/// Sentences of findings hold names of foreign companies, and may be long.
fn clean_sentence(text: &str) -> String {
    words::clean_lines(text).replace('\n', " ").chars().take(600).collect()
}

/// The connections and how far they have been read.
#[derive(Debug)]
pub struct Sight {
    pub connections: Vec<Connection>,
    pub streams: Vec<streams::Stored>,
}

impl Sight {
    pub async fn load(desk: &Desk) -> Result<Self, StoreError> {
        Ok(Self { connections: desk.store.connections().await?, streams: desk.store.streams().await? })
    }

    /// Over all streams: complete from the latest start to the earliest end.
    pub fn complete(&self, connection: &str) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let mine: Vec<_> = self.streams.iter().filter(|s| s.connection == connection && !s.gone).collect();
        let from = mine.iter().map(|s| s.complete_from).collect::<Option<Vec<_>>>()?.into_iter().max()?;
        let to = mine.iter().map(|s| s.complete_to).collect::<Option<Vec<_>>>()?.into_iter().min()?;
        Some((from, to))
    }

    /// What could not be seen: an entry of a finding's `blind`.
    pub fn say(&self, name: &str, directory: &Directory, here: &Here) -> String {
        if let Some(email) = name.strip_prefix(NO_MAILBOX) {
            return format!("no mailbox of {} is connected", person(directory, email));
        }
        let Some(connection) = self.connections.iter().find(|c| c.name == name) else {
            return format!("{} is not connected", clean(name));
        };
        let whose = called(connection, directory);
        let complete = self.complete(name);
        match (connection.removed, connection.state, complete) {
            (true, ..) => format!("{whose} is no longer connected"),
            (_, connections::State::Failing | connections::State::NeedsAction, Some((_, to))) => {
                format!("{whose} has been silent since {}", here.since(to))
            }
            (_, _, None) => format!("{whose} has not been read through yet"),
            (_, _, Some((from, _))) => format!("{whose} is complete only from {} on", here.day_text(here.date(from))),
        }
    }
}

/// "Ben Carter's mailbox".
pub fn called(connection: &Connection, directory: &Directory) -> String {
    let what = match connection.gives.as_str() {
        "mail" => "mailbox",
        "calendar" => "calendar",
        _ => return clean(&connection.name),
    };
    match connection.owner.as_deref() {
        Some(owner) => format!("{}'s {what}", person(directory, owner)),
        None => format!("the {what} {}", clean(&connection.name)),
    }
}

/// What a page of gaps opens with. `whose`: "Ana Keller" when only one person's deals are shown.
pub fn sentence(
    worst: &[Finding],
    deals: usize,
    whose: Option<&str>,
    sight: &Sight,
    directory: &Directory,
    here: &Here,
) -> String {
    let unknown: Vec<&Finding> = worst.iter().filter(|f| f.state == State::Unknown).collect();
    let blind: BTreeSet<&String> = unknown.iter().flat_map(|f| &f.blind).collect();
    let pending: BTreeSet<&String> = unknown.iter().flat_map(|f| &f.pending).collect();
    let mut why: Vec<String> = blind.into_iter().map(|name| sight.say(name, directory, here)).collect();
    match pending.len() {
        0 => {}
        1 => why.push("one activity waits for its deal to be chosen".to_owned()),
        n => why.push(format!("{n} activities wait for their deal to be chosen")),
    }
    told(worst.len(), unknown.len(), deals, whose, &why)
}

fn told(all: usize, unknown: usize, deals: usize, whose: Option<&str>, why: &[String]) -> String {
    if deals == 0 {
        return "No deals are known yet.".to_owned();
    }
    let of = whose.map_or(String::new(), |name| format!(" of {name}"));
    let head = match all {
        0 => return format!("No deal{of} has a gap."),
        1 => format!("One deal{of} has a gap"),
        n => format!("{n} deals{of} have a gap"),
    };
    let because = if why.is_empty() { String::new() } else { format!(" because {}", words::list(why)) };
    match unknown {
        0 => format!("{head}."),
        n if n == all => format!("{head} that cannot be judged{because}."),
        1 => format!("{head}; one of them cannot be judged{because}."),
        n => format!("{head}; {n} of them cannot be judged{because}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_plain_sentence() {
        let silent = || vec!["Ben's calendar has been silent since Tuesday".to_owned()];
        let cases = [
            (
                (11, 2, 60, None),
                silent(),
                "11 deals have a gap; 2 of them cannot be judged because Ben's calendar has been silent since Tuesday.",
            ),
            ((11, 1, 60, None), vec![], "11 deals have a gap; one of them cannot be judged."),
            (
                (1, 1, 60, None),
                silent(),
                "One deal has a gap that cannot be judged because Ben's calendar has been silent since Tuesday.",
            ),
            ((3, 0, 60, Some("Ana")), vec![], "3 deals of Ana have a gap."),
            ((0, 0, 60, None), vec![], "No deal has a gap."),
            ((0, 0, 60, Some("Ana")), vec![], "No deal of Ana has a gap."),
            ((0, 0, 0, None), vec![], "No deals are known yet."),
        ];
        for ((all, unknown, deals, whose), why, want) in cases {
            assert_eq!(told(all, unknown, deals, whose, &why), want);
        }
    }
}
