//! One step of reading a folder. Sequences only: what comes next is decided in [`crate::cursor`], what a message says
//! in [`crate::mail`].

use chrono::{DateTime, Utc};
use dealtrail_sdk::{Batch, Change, Cursor, Entry, Fault, FaultKind, Item, Listing, record::Record};

use crate::{
    command::Command,
    cursor::{BATCH, Mark, Step, key, surely_newest, vanished},
    folder::Folder,
    line::Line,
    mail::{self, Structures},
    names::uid_set,
    reading::{self, Read},
    search,
    session::{Question, Session},
    sorting::Doing,
};

/// Windows looked through in one step: a folder with large holes must not keep the engine waiting.
const WINDOWS: usize = 12;
/// Vanished messages that are asked after one by one; beyond that a list of everything is cheaper.
const VANISHED: usize = 2000;

/// What EXAMINE is told of the last time: see [`Session::examine`].
pub fn since(mark: Option<&Mark>) -> Option<(u32, u64)> {
    mark.filter(|m| m.done()).and_then(|m| Some((m.uidvalidity, m.modseq?)))
}

/// What a step will ask of a folder that is opened for it, as far as that can be known before.
pub fn expected(session: &Session, mark: Option<&Mark>, told: Option<&Folder>) -> Question {
    let (first, uids) = match mark {
        Some(mark) if mark.done() => {
            let nothing_new = told.is_some_and(|t| t.uid_next.is_some_and(|next| next <= mark.high.saturating_add(1)));
            if nothing_new {
                return Question::default();
            }
            let Some(from) = mark.high.checked_add(1) else { return Question::default() };
            (search::command(&search::span(from, u32::MAX)), told.map(|t| mark.surely_new(t)))
        }
        Some(_) => (search::all(), None),
        None => (search::all(), told.map(|t| surely_newest(t, session.batch))),
    };
    let mut all = reading::first_question(session, uids.unwrap_or_default());
    all.commands.insert(0, first);
    all
}

/// The messages that the step after this one will read, where they are known.
pub fn upcoming(mark: &Mark, folder: &Folder, batch: usize) -> Vec<u32> {
    let all = folder.all().filter(|_| !mark.done());
    all.map(|all| mark.next_of(&all, batch).0.to_vec()).unwrap_or_default()
}

/// The next step after `mark` (`None`: from the start), and the mark after it. `today`: see [`Mark::stands`].
///
/// # Errors
/// When nothing could be done: the cursor stays where it is.
pub async fn step(
    line: &mut Line<'_>,
    mark: Option<Mark>,
    since: DateTime<Utc>,
    today: i64,
) -> Result<(Batch, Structures, Mark), Fault> {
    let folder = line.state();
    if !folder.fleeting && mark.as_ref().is_none_or(|m| !m.done()) {
        line.session()?.learn_all().await?;
    }
    if folder.fleeting {
        let what = "this folder's server numbers its messages anew each time (UIDNOTSTICKY): it cannot be read by IMAP";
        return Err(Fault::new(FaultKind::Refused, what));
    }
    let (mut mark, next) = match mark {
        Some(mark) => {
            let next = mark.next(&folder);
            if next == Step::StartOver { (begin(line, &folder).await?, Step::Down) } else { (mark, next) }
        }
        None => (begin(line, &folder).await?, Step::Down),
    };
    let mut out = Out { batch: Batch::default(), structures: Structures::new(), since };
    let mut next = next;
    if next == Step::New {
        upwards(line, &mut mark, &mut out).await?;
        next = if out.batch.more { Step::Nothing } else { mark.settled() };
        // New mail comes first and alone; the past goes on in the next step.
        if next == Step::Down && !out.batch.changes.is_empty() {
            (next, out.batch.more) = (Step::Nothing, true);
        }
    }
    match next {
        Step::Down => downwards(line, &mut mark, &mut out, &folder).await?,
        // What is new is kept, whatever comes of the search for what vanished.
        Step::Reconcile if !out.batch.changes.is_empty() => out.batch.more = true,
        Step::Reconcile => {
            reconcile(line, &mut mark, &mut out).await?;
            mark.note(&folder);
        }
        Step::Nothing | Step::New | Step::StartOver => {}
    }
    mark.day = today;
    out.batch.cursor = Some(mark.cursor());
    Ok((out.batch, out.structures, mark))
}

struct Out {
    batch: Batch,
    structures: Structures,
    /// Mail from before is described, but its calendars and reports are left alone.
    since: DateTime<Utc>,
}

impl Out {
    /// Adds what became of messages, newest first; returns how many still exist.
    fn add(&mut self, validity: u32, mut reads: Vec<(u32, Read)>) -> u32 {
        reads.sort_unstable_by_key(|(uid, _)| std::cmp::Reverse(*uid));
        let mut exist = 0;
        for (uid, read) in reads {
            if let Read::Mail(message) = &read {
                self.structures.insert(uid, mail::readable(&message.parts));
            }
            if let Some(change) = change(validity, uid, read) {
                exist += 1;
                self.batch.changes.push(change);
            }
        }
        exist
    }
}

/// `None` for a message that is gone: it was never handed out, so there is nothing to take back.
fn change(validity: u32, uid: u32, read: Read) -> Option<Change> {
    let resource = key(validity, uid);
    match read {
        Read::Mail(message) => {
            let items = vec![Item { key: resource.clone(), record: Record::Mail(message) }];
            Some(Change::Upsert { resource, version: None, items })
        }
        Read::Unreadable(why) => Some(Change::Unreadable { resource, version: None, why }),
        Read::Gone => None,
    }
}

/// The start of a folder. A server without UIDVALIDITY counts as one that never changes it.
async fn begin(line: &mut Line<'_>, folder: &Folder) -> Result<Mark, Fault> {
    let top = match folder.uid_next {
        Some(next) => next - 1,
        None if folder.exists == 0 => 0,
        None => line.session()?.search(1, u32::MAX).await?.last().copied().unwrap_or(0),
    };
    Ok(Mark::start(folder.uid_validity.unwrap_or(0), top, folder.exists))
}

/// Messages above `high`, oldest first, so that what is dealt with stays in one piece.
async fn upwards(line: &mut Line<'_>, mark: &mut Mark, out: &mut Out) -> Result<(), Fault> {
    let Some(from) = mark.high.checked_add(1) else { return Ok(()) };
    let mut found = line.session()?.search(from, u32::MAX).await?;
    out.batch.more = found.len() > BATCH;
    found.truncate(BATCH);
    let Some(last) = found.last().copied() else { return Ok(()) };
    let reads = reading::messages(line, &found, out.since).await?;
    let exist = out.add(mark.uidvalidity, reads);
    note_gone(line, found.len(), exist)?;
    mark.held = mark.held.map(|held| held.saturating_add(exist));
    mark.high = last;
    Ok(())
}

/// A list that names what is gone by now is of no use any more.
fn note_gone(line: &mut Line<'_>, asked: usize, exist: u32) -> Result<(), Fault> {
    if usize::try_from(exist).unwrap_or(usize::MAX) < asked
        && let Some(folder) = &mut line.session()?.folder
    {
        folder.stirred = true;
    }
    Ok(())
}

/// The next messages of the past, newest first.
async fn downwards(line: &mut Line<'_>, mark: &mut Mark, out: &mut Out, folder: &Folder) -> Result<(), Fault> {
    let mut wanted: Vec<u32> = Vec::new();
    if let Some(all) = line.state().all() {
        let (some, low) = mark.next_of(&all, line.session()?.batch);
        (wanted, mark.low) = (some.to_vec(), low);
    }
    for _ in 0..WINDOWS {
        if mark.done() || wanted.len() >= BATCH / 2 {
            break;
        }
        let (from, to) = mark.window();
        let mut found = line.session()?.search(from, to).await?;
        mark.adapt(found.len());
        let room = BATCH - wanted.len();
        let all = found.len() <= room;
        let newest = found.split_off(found.len().saturating_sub(room));
        mark.low = if all { from } else { newest.first().copied().unwrap_or(from) };
        wanted.extend(newest);
    }
    wanted.sort_unstable();
    let reads = reading::messages(line, &wanted, out.since).await?;
    let exist = out.add(mark.uidvalidity, reads);
    note_gone(line, wanted.len(), exist)?;
    mark.seen = mark.seen.saturating_add(exist);
    out.batch.left = Some(u64::from(folder.exists.saturating_sub(mark.seen)));
    out.batch.more = !mark.done();
    if mark.done() {
        // The whole folder as it stands now: what was handed out before and is not there any more is gone, also what
        // stood here under another UIDVALIDITY.
        list(line, mark, out).await?;
        mark.note(folder);
        out.batch.left = Some(0);
    }
    Ok(())
}

/// Finds out what vanished. Nothing is taken as gone without a second proof: a search that does not find it.
async fn reconcile(line: &mut Line<'_>, mark: &mut Mark, out: &mut Out) -> Result<(), Fault> {
    let state = line.state();
    if mark.held == Some(state.exists) {
        return Ok(());
    }
    let told = if state.vanished.is_empty() { None } else { vanished(&state.vanished, mark.high, VANISHED) };
    if let (Some(told), Some(held)) = (told.filter(|t| !t.is_empty()), mark.held) {
        let there = line.session()?.search_set(&uid_set(&told)).await?;
        let gone: Vec<u32> = told.into_iter().filter(|uid| there.binary_search(uid).is_err()).collect();
        let left = held.checked_sub(u32::try_from(gone.len()).unwrap_or(u32::MAX));
        if left.is_some() && left == Some(line.state().exists) {
            let removed = gone.into_iter().map(|uid| Change::Remove { resource: key(mark.uidvalidity, uid) });
            out.batch.changes.extend(removed);
            mark.held = left;
            return Ok(());
        }
    }
    list(line, mark, out).await
}

/// A list of everything, if the server gives one that agrees with its own count.
async fn list(line: &mut Line<'_>, mark: &mut Mark, out: &mut Out) -> Result<(), Fault> {
    mark.held = None;
    let before = mark.hidden.take();
    let state = line.state();
    if let Some(all) = state.all().filter(|_| !state.stirred) {
        // Nothing came or went since it was told, or the server has not said so yet: then it is found out next time.
        hand_out(&all, mark, out);
        return Ok(());
    }
    let mut shown = 0;
    // Searches are cut short by some servers; the second form is not.
    for form in [Form::Search, Form::Search, Form::Fetch] {
        let session = line.session()?;
        let all = match form {
            Form::Search => session.search_set(&search::span(1, u32::MAX)).await?,
            Form::Fetch => session.numbers(&search::span(1, u32::MAX)).await?,
        };
        session.must(Doing::Other("asking for news"), Command::new("NOOP"), &mut |_| {}).await?;
        let count = u32::try_from(all.len()).unwrap_or(u32::MAX);
        if count == line.state().exists {
            hand_out(&all, mark, out);
            return Ok(());
        }
        shown = shown.max(count);
    }
    tracing::warn!("a folder's list and its count of messages differ: nothing is taken as gone");
    hidden(line, mark, out, before, shown)
}

/// The listing of what is dealt with.
fn hand_out(all: &[u32], mark: &mut Mark, out: &mut Out) {
    let all = &all[..all.partition_point(|uid| *uid <= mark.high)];
    mark.held = u32::try_from(all.len()).ok();
    let entry = |uid: &u32| Entry { resource: key(mark.uidvalidity, *uid), version: None };
    out.batch.listing = Some(Listing { entries: all.iter().rev().map(entry).collect(), ..Listing::default() });
}

enum Form {
    Search,
    Fetch,
}

/// The server counts more messages than it lists. Once may be chance, so it is looked at again at once; twice is said:
/// such a folder must not pass for complete.
fn hidden(line: &mut Line<'_>, mark: &mut Mark, out: &mut Out, before: Option<u32>, shown: u32) -> Result<(), Fault> {
    let exists = line.state().exists;
    let Some(hidden) = exists.checked_sub(shown).filter(|n| *n > 0) else { return Ok(()) };
    if before != Some(hidden) {
        mark.hidden = Some(hidden);
        out.batch.more = true;
        return Ok(());
    }
    let what = format!(
        "{} counts {exists} messages in this folder and shows {shown}: those were read, the others cannot be by IMAP; raise \
         the provider's limit for IMAP folders, or move mail into further folders",
        line.session()?.place()
    );
    Err(Fault::new(FaultKind::Malformed, what))
}

/// Reads a cursor, if there is one.
///
/// # Errors
/// [`FaultKind::CursorExpired`] when it is not one of ours.
pub fn mark(cursor: Option<&Cursor>) -> Result<Option<Mark>, Fault> {
    cursor.map(Mark::read).transpose()
}

/// Reads named messages again.
///
/// # Errors
/// When nothing could be read.
pub async fn again(
    line: &mut Line<'_>,
    validity: u32,
    uids: &[u32],
    since: DateTime<Utc>,
) -> Result<(Vec<Change>, Structures), Fault> {
    let mut changes = Vec::new();
    let mut out = Out { batch: Batch::default(), structures: Structures::new(), since };
    for some in uids.chunks(BATCH) {
        let reads = reading::messages(line, some, since).await?;
        let gone = reads.iter().filter(|(_, r)| matches!(r, Read::Gone));
        changes.extend(gone.map(|(uid, _)| Change::Remove { resource: key(validity, *uid) }));
        out.add(validity, reads);
    }
    changes.append(&mut out.batch.changes);
    Ok((changes, out.structures))
}
