//! Asks for many messages and accounts for every one of them: found, refused, silent, or the one that breaks the
//! connection. Asked = found + refused + silent + broken; nothing is ever left out without a word.

use std::collections::{BTreeMap, HashMap};

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

/// Items to fetch, and of which messages.
pub type Wish = (String, Vec<u32>);

/// Fetches what is wished for, each message with one wish, and many of them on their way at once. A message counts as found
/// once `complete` says so.
///
/// # Errors
/// When the connection is lost for good, or the server wants a pause.
pub async fn gather(line: &mut Line<'_>, wishes: &[Wish], complete: fn(&Fetched) -> bool) -> Result<Gathered, Fault> {
    let mut work = Work::new(wishes, complete);
    let mut breaks = 0;
    // Large sets first; what they leave out once more in smaller ones; then one by one.
    for (round, chunk) in [CHUNK, CHUNK / 2, 1].into_iter().enumerate() {
        while !work.pending.is_empty() {
            let wanted: Vec<u32> = work.pending.keys().copied().collect();
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
    work.silent.extend(std::mem::take(&mut work.pending).into_keys());
    Ok(Gathered { found: work.found, refused: work.refused, silent: work.silent })
}

/// What the first round asks of messages with one wish, in ascending order: sent ahead, it is what will be asked.
pub fn first_round(items: &str, uids: &[u32]) -> Vec<Command> {
    uids.chunks(CHUNK).map(|set| command(items, set)).collect()
}

fn command(items: &str, set: &[u32]) -> Command {
    Command::new(format!("UID FETCH {} (UID {items})", uid_set(set)))
}

struct Work<'a> {
    wishes: &'a [Wish],
    complete: fn(&Fetched) -> bool,
    /// Messages still to come, and the number of their wish.
    pending: BTreeMap<u32, usize>,
    partial: HashMap<u32, Fetched>,
    found: HashMap<u32, Fetched>,
    refused: BTreeMap<u32, String>,
    silent: Vec<u32>,
    strikes: HashMap<u32, u32>,
}

impl<'a> Work<'a> {
    fn new(wishes: &'a [Wish], complete: fn(&Fetched) -> bool) -> Self {
        let numbered = wishes.iter().enumerate().flat_map(|(n, (_, uids))| uids.iter().map(move |uid| (*uid, n)));
        Self {
            wishes,
            complete,
            pending: numbered.collect(),
            partial: HashMap::new(),
            found: HashMap::new(),
            refused: BTreeMap::new(),
            silent: Vec::new(),
            strikes: HashMap::new(),
        }
    }

    /// One round over `wanted` in sets of `chunk`. Refusals count only when a message was asked for alone.
    async fn ask(&mut self, line: &mut Line<'_>, wanted: &[u32], chunk: usize, alone: bool) -> Result<(), Fault> {
        let mut by_wish: Vec<Vec<u32>> = vec![Vec::new(); self.wishes.len()];
        for uid in wanted {
            by_wish[self.pending[uid]].push(*uid);
        }
        let (mut sets, mut commands) = (Vec::new(), Vec::new());
        for ((items, _), uids) in self.wishes.iter().zip(&by_wish) {
            for set in uids.chunks(chunk) {
                sets.push(set);
                commands.push(command(items, set));
            }
        }
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
                && self.pending.remove(uid).is_some()
            {
                self.refused.insert(*uid, "the server refuses to hand out this message".to_owned());
            }
        }
        Ok(())
    }

    /// Only what was asked for and is still open is taken; answers without UID or for other messages are dropped.
    fn take(&mut self, answer: Answer) {
        let Answer::Fetch(fetched) = answer else { return };
        let Some(uid) = fetched.uid.filter(|uid| self.pending.contains_key(uid)) else { return };
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
        let Some(suspect) = self.pending.keys().next().copied() else { return Ok(()) };
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
