//! The property that all judging stands on: however a history arrives (step by step, account by account, in any order, read by
//! two programs at once, with late mail, merged contacts, changed rules and people's words in between), what is known and what
//! is found at the end is what a database finds that read the final state at once; and judging all afresh changes nothing.
//!
//! What history forgets by design is no part of it: who was not there when a mail was deleted or moved, an event removed, a series or a deal
//! moved unseen, something excluded, cannot know. There (see `Act::is_forgotten`) everybody reads before and after. What
//! people say and choose is said and chosen in every run. A finding that came and went is on record only where it was seen, and
//! as it ended then (withdrawn with its deal, resolved by what was read first): compared is what asks for something.
//!
//! `DEALTRAIL_HISTORIES` and `DEALTRAIL_SEED` say how many and from which seed; `benches/trust histories` runs the long form.

mod acts;
mod book;
mod mended;
mod play;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicU64, Ordering},
};

use acts::Step;
use dealtrail::domain::gaps::Finding;
use play::{Known, Manner, Outcome, play};

use crate::{
    support::Database::{self, Postgres, Sqlite},
    world::rng::Rng,
};

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |n| n.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// Plays so many histories, side by side; the first that reads differently is shortened and told.
fn histories(usual: u64, on: Database) {
    let (first, count) = (number("DEALTRAIL_SEED", 1), number("DEALTRAIL_HISTORIES", usual));
    println!("{count} histories on {on:?}, seeds from {first}");
    let next = AtomicU64::new(first);
    let side_by_side = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..side_by_side {
            scope.spawn(|| {
                let runtime = tokio::runtime::Runtime::new().expect("a runtime");
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count {
                        return;
                    }
                    runtime.block_on(one(seed, on));
                    let done = seed - first + 1;
                    if done.is_multiple_of(200) {
                        println!("{on:?}: {done} of {count}");
                    }
                }
            });
        }
    });
}

async fn one(seed: u64, on: Database) {
    let steps = acts::history(&mut Rng::new(seed));
    if let Some(why) = differs(&steps, seed, on).await {
        let (steps, why) = shortest(steps, why, seed, on).await;
        let told: Vec<String> = steps.iter().map(|step| format!("  {step:?}")).collect();
        panic!("DEALTRAIL_SEED={seed} on {on:?}: {why}\nin the history\n{}", told.join("\n"));
    }
}

/// Plays one history at once and in one of the other manners; what differs first.
async fn differs(steps: &[Step], seed: u64, on: Database) -> Option<String> {
    let manners = [Manner::Often, Manner::Piecemeal, Manner::Together];
    let manner = manners[usize::try_from(seed % 3).expect("a small number")];
    let want = play(steps, Manner::Seldom, seed, on).await;
    let have = play(steps, manner, seed, on).await;
    let why = difference(&want, &have).map(|why| format!("read {manner:?}, {why}"));
    why.or_else(|| afresh(&want).map(|why| format!("read seldom, {why}")))
}

/// Leaves out whatever is not needed for a difference.
async fn shortest(mut steps: Vec<Step>, mut why: String, seed: u64, on: Database) -> (Vec<Step>, String) {
    let mut at = 0;
    while at < steps.len() {
        let mut fewer = steps.clone();
        let gone = fewer.remove(at);
        if let Some(next) = fewer.get_mut(at) {
            next.hours += gone.hours;
        }
        match differs(&fewer, seed, on).await {
            Some(still) => (steps, why) = (fewer, still),
            None => at += 1,
        }
    }
    (steps, why)
}

fn difference(want: &Outcome, have: &Outcome) -> Option<String> {
    lines("deals", &want.deals, &have.deals)
        .or_else(|| lines("decisions", &want.decisions, &have.decisions))
        .or_else(|| lines("activities", &want.activities, &have.activities))
        .or_else(|| lines("texts", &want.texts, &have.texts))
        .or_else(|| lines("gaps", &live(&want.gaps), &live(&have.gaps)))
        .or_else(|| lines("last signs and backed moves", &want.signed, &have.signed))
        .or_else(|| late(&want.gaps, &have.gaps))
        .or_else(|| afresh(have))
}

fn lines(what: &str, want: &Known, have: &Known) -> Option<String> {
    let all: BTreeSet<&String> = want.keys().chain(have.keys()).collect();
    let odd = all.into_iter().find(|key| want.get(*key) != have.get(*key))?;
    let line = |of: &Known| of.get(odd).cloned().unwrap_or_else(|| "(none)".to_owned());
    Some(format!("{what} differ:\n at once: {}\n instead: {}", line(want), line(have)))
}

fn whole(f: &Finding) -> String {
    serde_json::to_string(f).expect("a finding is JSON")
}

fn live(all: &BTreeMap<String, Finding>) -> Known {
    all.iter().filter(|(_, f)| f.state.is_live()).map(|(id, f)| (id.clone(), whole(f))).collect()
}

/// Evidence that came after its window is the same evidence, where both know of it.
fn late(want: &BTreeMap<String, Finding>, have: &BTreeMap<String, Finding>) -> Option<String> {
    let mut both = want.iter().filter_map(|(id, f)| Some((f, have.get(id)?)));
    let (w, h) = both.find(|(w, h)| w.late && h.late && w.resolved_by != h.resolved_by)?;
    Some(format!("late evidence differs:\n at once: {}\n instead: {}", whole(w), whole(h)))
}

fn afresh(of: &Outcome) -> Option<String> {
    let all = |gaps: &BTreeMap<String, Finding>| gaps.iter().map(|(id, f)| (id.clone(), whole(f))).collect::<Known>();
    lines("gaps judged afresh", &all(&of.afresh), &all(&of.gaps))
        .or_else(|| lines("last signs and backed moves judged afresh", &of.signed_afresh, &of.signed))
}

#[test]
fn what_once_read_differently() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    for (what, steps) in mended::histories() {
        // each manner belongs to a seed
        for seed in 0..3 {
            let why = runtime.block_on(differs(&steps, seed, Sqlite));
            assert_eq!(why, None, "{what}");
        }
    }
}

#[test]
fn a_history_reads_the_same_however_it_arrives() {
    histories(24, Sqlite);
}

#[test]
fn a_history_reads_the_same_however_it_arrives_on_postgresql() {
    histories(4, Postgres);
}
