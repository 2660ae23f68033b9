//! Activity + directory -> matches, with reasons. A function of the set of activities and of the directory: not of the order
//! of reading, not of the present moment.
//!
//! Contacts by address, companies by domain. The deal by a cascade whose steps decide only when exactly one deal that was
//! open at the activity's time satisfies them.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use regex::Regex;

use super::{
    activity::{Entity, Match, Participant, Reason, Role, RunnerUp},
    directory::{Deal, Directory},
};

/// The fixed score of each reason.
pub fn score(reason: Reason) -> f64 {
    match reason {
        Reason::Address | Reason::Person => 1.0,
        Reason::Thread => 0.95,
        Reason::Reference | Reason::Domain => 0.9,
        Reason::ContactRole => 0.85,
        Reason::OnlyDeal => 0.8,
        Reason::Owner => 0.7,
        Reason::Words => 0.6,
        Reason::Recency => 0.5,
    }
}

/// Explicit references: deal ids, and codes of the configured form in deals' names.
#[derive(Debug, Default)]
pub struct Codes {
    form: Option<Regex>,
    deals: HashMap<String, BTreeSet<String>>,
}

impl Codes {
    pub fn new(form: Option<Regex>, dir: &Directory) -> Self {
        let mut deals: HashMap<String, BTreeSet<String>> = HashMap::new();
        for deal in dir.deals.values() {
            let id = deal.id.rsplit('/').next().unwrap_or(&deal.id).to_lowercase();
            let shaped = form.as_ref().is_some_and(|f| f.find(id.as_str()).is_some_and(|m| m.len() == id.len()))
                || form.as_ref().is_some_and(|f| whole(f, deal.id.rsplit('/').next().unwrap_or(&deal.id)));
            if shaped || looks_like_code(&id) {
                deals.entry(id).or_default().insert(deal.id.clone());
            }
            for code in form.iter().flat_map(|f| f.find_iter(&deal.name)) {
                deals.entry(code.as_str().to_lowercase()).or_default().insert(deal.id.clone());
            }
        }
        Self { form, deals }
    }

    /// The codes among ids and names of deals, as mails would write them.
    pub fn in_names<'a>(&self, names: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
        let mut all = BTreeSet::new();
        for name in names {
            all.extend(self.form.iter().flat_map(|f| f.find_iter(name)).map(|m| m.as_str().to_owned()));
            let id = name.rsplit('/').next().unwrap_or(name);
            if looks_like_code(id) && !id.contains(char::is_whitespace) {
                all.insert(id.to_owned());
            }
        }
        all
    }

    /// Ids of the deals that a text names.
    pub fn named(&self, text: &str) -> BTreeSet<String> {
        let by_form = self.form.iter().flat_map(|f| f.find_iter(text)).map(|m| m.as_str());
        let tokens = words_with_digits(text).map(|t| t.trim_matches(['-', '_']));
        by_form
            .chain(tokens.filter(|t| looks_like_code(t)))
            .filter_map(|t| self.deals.get(&t.to_lowercase()))
            .flatten()
            .cloned()
            .collect()
    }
}

fn in_word(c: char) -> bool {
    c.is_alphanumeric() || c == '-' || c == '_'
}

/// The words that hold an ASCII digit. Most of a mail holds none, and is not taken apart.
fn words_with_digits(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let digit = rest.bytes().position(|b| b.is_ascii_digit())?;
        let before = rest[..digit].char_indices().rev().take_while(|(_, c)| in_word(*c));
        let from = before.last().map_or(digit, |(at, _)| at);
        let to = rest[digit..].find(|c| !in_word(c)).map_or(rest.len(), |length| digit + length);
        let word = &rest[from..to];
        rest = &rest[to..];
        Some(word)
    })
}

fn whole(form: &Regex, text: &str) -> bool {
    form.find(text).is_some_and(|m| m.start() == 0 && m.end() == text.len())
}

/// Letters and digits together: `OPP-17`, `D1001`. Bare numbers and bare words are no references.
fn looks_like_code(text: &str) -> bool {
    text.len() >= 3 && text.bytes().any(|b| b.is_ascii_digit()) && text.chars().any(char::is_alphabetic)
}

/// Everything the cascade looks at of one activity.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    pub at: DateTime<Utc>,
    pub participants: &'a [Participant],
    pub subject: Option<&'a str>,
    pub text: Option<&'a str>,
}

/// The deal of one activity.
#[derive(Clone, Debug, PartialEq)]
pub enum Choice {
    Decided {
        deal: String,
        reason: Reason,
        runner_up: Option<RunnerUp>,
    },
    /// Several open deals and no step decided: a person chooses.
    Undecided(Vec<String>),
    /// No open deal at all.
    Nothing,
}

/// Ties to contacts and companies. One person, two companies: the address's domain decides, else the contact's own.
pub fn people(participants: &[Participant], dir: &Directory) -> Vec<Match> {
    let mut all: Vec<Match> = Vec::new();
    let mut tie = |entity, id: &str, reason| {
        if !all.iter().any(|m| m.entity == entity && m.id == id) {
            all.push(Match {
                entity,
                id: id.to_owned(),
                reason,
                score: score(reason),
                runner_up: None,
                by: "rule".into(),
            });
        }
    };
    for p in participants.iter().filter(|p| p.role != Role::Resource && !dir.is_ours(&p.address)) {
        let contact = dir.contact_by_address(&p.address);
        if let Some(c) = contact {
            tie(Entity::Contact, &c.id, Reason::Address);
        }
        if let Some(company) = dir.company_by_address(&p.address) {
            tie(Entity::Company, &company.id, Reason::Domain);
        } else if let Some(company) =
            contact.and_then(|c| c.company.as_deref()).filter(|c| dir.companies.contains_key(*c))
        {
            tie(Entity::Company, company, Reason::Address);
        }
    }
    all.sort_by(|a, b| (a.entity, &a.id).cmp(&(b.entity, &b.id)));
    all
}

/// Steps 2 to 7 of the cascade; the thread comes first, in [`thread`].
pub fn own_deal(facts: &Facts<'_>, ties: &[Match], dir: &Directory, codes: &Codes) -> Choice {
    let open = |id: &&str| dir.deals.get(*id).is_some_and(|d| dir.open_at(d, facts.at));
    let ids = |entity| ties.iter().filter(move |m| m.entity == entity).map(|m| m.id.as_str());
    let by_role: BTreeSet<&str> =
        ids(Entity::Contact).flat_map(|c| dir.deals_of_contact(c)).map(String::as_str).filter(open).collect();
    let by_company: BTreeSet<&str> =
        ids(Entity::Company).flat_map(|c| dir.deals_of_company(c)).map(String::as_str).filter(open).collect();
    let all: BTreeSet<&str> = by_role.union(&by_company).copied().collect();
    let decided = |deal: &str, reason| Choice::Decided {
        deal: deal.to_owned(),
        reason,
        runner_up: runner_up(deal, &by_role, &all, facts.at, dir),
    };

    let named: BTreeSet<String> =
        [facts.subject, facts.text].into_iter().flatten().flat_map(|t| codes.named(t)).collect();
    let named: Vec<&str> = named.iter().map(String::as_str).filter(open).collect();
    if let [one] = named[..] {
        return decided(one, Reason::Reference);
    }
    if let Some(one) = only(&by_role) {
        return decided(one, Reason::ContactRole);
    }
    if let Some(one) = only(&by_company) {
        return decided(one, Reason::OnlyDeal);
    }
    let candidates = if by_role.is_empty() { &all } else { &by_role };
    let took_part = |email: &str| facts.participants.iter().any(|p| p.user.as_deref() == Some(email));
    let owned: BTreeSet<&str> =
        candidates.iter().copied().filter(|id| took_part(owner_at(&dir.deals[*id], facts.at))).collect();
    if let Some(one) = only(&owned) {
        return decided(one, Reason::Owner);
    }
    if let Some(one) = facts.text.and_then(|text| by_words(text, candidates, dir)) {
        return decided(one, Reason::Words);
    }
    if let Some(one) = by_recency(candidates, facts.at, dir) {
        return decided(one, Reason::Recency);
    }
    if all.is_empty() {
        Choice::Nothing
    } else {
        Choice::Undecided(candidates.iter().map(|s| (*s).to_owned()).collect())
    }
}

fn only<'a>(set: &BTreeSet<&'a str>) -> Option<&'a str> {
    if set.len() == 1 { set.first().copied() } else { None }
}

/// The deal's owner at a moment, by its owner changes.
pub fn owner_at(deal: &Deal, at: DateTime<Utc>) -> &str {
    let mut owners = deal.field_changes.iter().filter(|c| c.field == "owner");
    match owners.find(|c| c.at > at) {
        Some(next) => next.from.as_deref().unwrap_or(&deal.owner),
        None => &deal.owner,
    }
}

const COMMON_WORDS: &[&str] = &[
    "deal",
    "project",
    "projekt",
    "contract",
    "vertrag",
    "renewal",
    "license",
    "licence",
    "lizenz",
    "service",
    "services",
    "phase",
    "year",
    "pilot",
    "gmbh",
    "with",
    "from",
    "2024",
    "2025",
    "2026",
    "2027",
    "opportunity",
    "sales",
    "plan",
];

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|w| w.chars().count() >= 4).map(str::to_lowercase)
}

/// The one deal whose own words stand in the text: words that no other candidate and not the company's name share.
fn by_words<'a>(text: &str, candidates: &BTreeSet<&'a str>, dir: &Directory) -> Option<&'a str> {
    let said: HashSet<String> = words(text).collect();
    let own = |id: &str| -> HashSet<String> {
        let deal = &dir.deals[id];
        let company = deal.company.as_deref().and_then(|c| dir.companies.get(c)).map_or("", |c| c.name.as_str());
        let shared: HashSet<String> = words(company).collect();
        words(&deal.name).filter(|w| !shared.contains(w) && !COMMON_WORDS.contains(&w.as_str())).collect()
    };
    let mut found = candidates.iter().copied().filter(|id| {
        let mine = own(id);
        let distinct: Vec<&String> =
            mine.iter().filter(|w| !candidates.iter().any(|o| o != id && own(o).contains(*w))).collect();
        let hits = distinct.iter().filter(|w| said.contains(**w)).count();
        hits > 0 && hits * 2 >= distinct.len()
    });
    let one = found.next()?;
    found.next().is_none().then_some(one)
}

/// How recent the last movement must be, and how far ahead of the next one, to decide.
const RECENT: TimeDelta = TimeDelta::days(14);
const CLEAR_LEAD: TimeDelta = TimeDelta::days(30);

fn last_move(deal: &Deal, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    deal.stage_changes.iter().map(|c| c.at).filter(|t| *t <= at).max().or(deal.created_at.filter(|t| *t <= at))
}

fn by_recency<'a>(candidates: &BTreeSet<&'a str>, at: DateTime<Utc>, dir: &Directory) -> Option<&'a str> {
    let mut moved: Vec<(DateTime<Utc>, &str)> =
        candidates.iter().filter_map(|id| last_move(&dir.deals[*id], at).map(|t| (t, *id))).collect();
    moved.sort_unstable_by(|a, b| b.cmp(a));
    match moved[..] {
        [(first, one), (second, _), ..] if at - first <= RECENT && first - second >= CLEAR_LEAD => Some(one),
        _ => None,
    }
}

fn runner_up(
    chosen: &str,
    by_role: &BTreeSet<&str>,
    all: &BTreeSet<&str>,
    at: DateTime<Utc>,
    dir: &Directory,
) -> Option<RunnerUp> {
    all.iter()
        .filter(|id| **id != chosen)
        .max_by_key(|id| (by_role.contains(**id), last_move(&dir.deals[**id], at), std::cmp::Reverse(**id)))
        .map(|id| RunnerUp { id: (*id).to_owned(), score: if by_role.contains(*id) { 0.4 } else { 0.3 } })
}

/// One mail of a thread.
#[derive(Clone, Debug)]
pub struct Member<'a> {
    pub id: &'a str,
    pub at: DateTime<Utc>,
    /// It answers (or continues) an earlier mail that we have.
    pub follows: bool,
    pub own: Choice,
    /// The deal a person chose for this very mail, and when.
    pub chosen: Option<(DateTime<Utc>, &'a str)>,
}

/// Step 1, `thread`: the deal that the thread's own mails point to most strongly, or that a person chose for one of them.
/// Returns the choice of each member, in order.
pub fn thread(members: &[Member<'_>], dir: &Directory) -> Vec<Choice> {
    members.iter().map(|m| with_thread(m, members, dir)).collect()
}

fn with_thread(m: &Member<'_>, members: &[Member<'_>], dir: &Directory) -> Choice {
    let open = |id: &str| dir.deals.get(id).is_some_and(|d| dir.open_at(d, m.at));
    let by_thread = |deal: &str| {
        let runner_up = match &m.own {
            Choice::Decided { deal: own, reason, .. } if own != deal => {
                Some(RunnerUp { id: own.clone(), score: score(*reason) })
            }
            Choice::Decided { runner_up, .. } => runner_up.clone(),
            Choice::Undecided(others) => {
                others.iter().find(|o| *o != deal).map(|o| RunnerUp { id: o.clone(), score: 0.3 })
            }
            Choice::Nothing => None,
        };
        Choice::Decided { deal: deal.to_owned(), reason: Reason::Thread, runner_up }
    };
    let answers = members.iter().filter(|o| o.id != m.id).filter_map(|o| o.chosen).filter(|(_, deal)| open(deal));
    if let Some((_, deal)) = answers.max() {
        return by_thread(deal);
    }
    let mut best: Vec<(f64, &str, &str)> = Vec::new();
    for o in members {
        if let Choice::Decided { deal, reason, .. } = &o.own
            && open(deal)
        {
            best.push((score(*reason), deal, o.id));
        }
    }
    let Some(top) = best.iter().map(|b| b.0).max_by(f64::total_cmp) else { return m.own.clone() };
    let supporters: Vec<(&str, &str)> = best.iter().filter(|b| b.0 >= top).map(|b| (b.1, b.2)).collect();
    let deal = supporters[0].0;
    if supporters.iter().any(|s| s.0 != deal) {
        return m.own.clone();
    }
    let mine = matches!(&m.own, Choice::Decided { deal: own, .. } if own == deal);
    let others = supporters.iter().any(|s| s.1 != m.id);
    if mine && !(m.follows && others) { m.own.clone() } else { by_thread(deal) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{in_word, words_with_digits};

    #[test]
    fn words_with_digits_are_whole() {
        let found = |text| words_with_digits(text).collect::<Vec<_>>();
        assert_eq!(found("Angebot D1001, über OPP-17_b; bis 3.4.\nGrüße"), ["D1001", "OPP-17_b", "3", "4"]);
        assert_eq!(found("é7é"), ["é7é"]);
        assert_eq!(found("nothing of that kind — –"), [] as [&str; 0]);
    }

    proptest! {
        #[test]
        fn they_are_what_cutting_the_whole_text_finds(text in "[a-c0-2é·_\\- —]{0,40}") {
            let cut = text.split(|c| !in_word(c)).filter(|word| word.bytes().any(|b| b.is_ascii_digit()));
            prop_assert_eq!(words_with_digits(&text).collect::<Vec<_>>(), cut.collect::<Vec<_>>());
        }
    }
}
