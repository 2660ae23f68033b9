//! Asks for many messages and accounts for every one of them: found, refused, silent, or the one that breaks the
//! connection. Asked = found + refused + silent + broken; nothing is ever left out without a word.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use dealtrail_sdk::{Fault, FaultKind};

use crate::{
    answer::{Answer, State},
    command::Command,
    fetched::Fetched,
    line::Line,
    names::uid_set,
    sorting,
};

/// Messages asked for in one command.
const CHUNK: usize = 100;
/// Connections that may break over messages in one go; more is the network, not the messages.
const BREAKS: usize = 8;
/// Times a message may break the connection before it is left alone.
const STRIKES: u32 = 3;

/// What became of the messages that were asked for.
#[derive(Debug, Default)]
pub struct Gathered {
    pub found: HashMap<u32, Fetched>,
    /// They exist, as far as anyone knows, but cannot be had, and why.
    pub refused: BTreeMap<u32, String>,
    /// The server said OK and nothing of them, twice.
    pub silent: Vec<u32>,
}

/// Fetches `items` of `uids`. A message counts as found once `complete` says so.
///
/// # Errors
/// When the connection is lost for good, or the server wants a pause.
pub async fn gather(
    line: &mut Line<'_>,
    uids: &[u32],
    items: &str,
    complete: fn(&Fetched) -> bool,
) -> Result<Gathered, Fault> {
    let mut work = Work::new(items, uids, complete);
    let mut breaks = 0;
    // Large sets first; what they leave out once more in smaller ones; then one by one.
    for (round, chunk) in [CHUNK, CHUNK / 2, 1].into_iter().enumerate() {
        while !work.pending.is_empty() {
            let wanted: Vec<u32> = work.pending.iter().copied().collect();
            match work.ask(line, &wanted, chunk, round == 2).await {
                Ok(()) => break,
                Err(fault) => {
                    breaks += 1;
                    let paused = matches!(fault.kind, FaultKind::Busy { .. });
                    if !line.broken() || breaks > BREAKS || paused {
                        return Err(fault);
                    }
                    work.isolate(line, &fault).await?;
                }
            }
        }
    }
    work.silent.extend(std::mem::take(&mut work.pending));
    Ok(Gathered { found: work.found, refused: work.refused, silent: work.silent })
}

struct Work<'a> {
    items: &'a str,
    complete: fn(&Fetched) -> bool,
    pending: BTreeSet<u32>,
    partial: HashMap<u32, Fetched>,
    found: HashMap<u32, Fetched>,
    refused: BTreeMap<u32, String>,
    silent: Vec<u32>,
    strikes: HashMap<u32, u32>,
}

impl<'a> Work<'a> {
    fn new(items: &'a str, uids: &[u32], complete: fn(&Fetched) -> bool) -> Self {
        Self {
            items,
            complete,
            pending: uids.iter().copied().collect(),
            partial: HashMap::new(),
            found: HashMap::new(),
            refused: BTreeMap::new(),
            silent: Vec::new(),
            strikes: HashMap::new(),
        }
    }

    /// One round over `wanted` in sets of `chunk`. Refusals count only when a message was asked for alone.
    async fn ask(&mut self, line: &mut Line<'_>, wanted: &[u32], chunk: usize, alone: bool) -> Result<(), Fault> {
        let sets: Vec<&[u32]> = wanted.chunks(chunk).collect();
        let commands: Vec<Command> =
            sets.iter().map(|set| Command::new(format!("UID FETCH {} (UID {})", uid_set(set), self.items))).collect();
        let session = line.session()?;
        let place = session.place().to_owned();
        let results = session.run(&commands, &mut |answer| self.take(answer)).await?;
        for (set, status) in sets.iter().zip(&results) {
            if status.state == State::Ok {
                continue;
            }
            let fault = sorting::refusal(&place, sorting::Doing::Other("reading mail"), status);
            if matches!(fault.kind, FaultKind::Busy { .. } | FaultKind::Unreachable | FaultKind::Unauthorized) {
                line.session()?.judge(sorting::Doing::Other("reading mail"), status)?;
            }
            if alone
                && let [uid] = set
                && self.pending.remove(uid)
            {
                self.refused.insert(*uid, "the server refuses to hand out this message".to_owned());
            }
        }
        Ok(())
    }

    /// Only what was asked for and is still open is taken; answers without UID or for other messages are dropped.
    fn take(&mut self, answer: Answer) {
        let Answer::Fetch(fetched) = answer else { return };
        let Some(uid) = fetched.uid.filter(|uid| self.pending.contains(uid)) else { return };
        let mut known = self.partial.remove(&uid).unwrap_or_default();
        known.uid = Some(uid);
        known.merge(*fetched);
        if (self.complete)(&known) {
            self.pending.remove(&uid);
            self.found.insert(uid, known);
        } else {
            self.partial.insert(uid, known);
        }
    }

    /// After a break: a new connection, and the first message that did not come is asked for alone. One that breaks
    /// the connection every time is left alone, and the rest goes on.
    async fn isolate(&mut self, line: &mut Line<'_>, fault: &Fault) -> Result<(), Fault> {
        let Some(suspect) = self.pending.first().copied() else { return Ok(()) };
        let mut strikes = self.strikes.remove(&suspect).unwrap_or(0) + 1;
        tracing::warn!(uid = suspect, why = %fault, "the connection broke while a message was read");
        while strikes < STRIKES {
            line.replace().await?;
            match self.ask(line, &[suspect], 1, true).await {
                Ok(()) => {
                    self.strikes.insert(suspect, strikes);
                    return Ok(());
                }
                Err(fault) if !line.broken() => return Err(fault),
                Err(_) => strikes += 1,
            }
        }
        self.pending.remove(&suspect);
        self.refused.insert(suspect, "the server breaks off the connection when this message is read".to_owned());
        line.replace().await
    }
}
