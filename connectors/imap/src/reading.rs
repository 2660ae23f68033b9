//! Reads named messages of the open folder: description, calendars and reports, and text. What the server cannot tell
//! properly is read from the message's own bytes; what cannot be read at all is said, one message at a time.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use dealtrail_sdk::{
    Fault,
    record::{Content, Message},
};

use crate::{
    fetched::{Fetched, Structure},
    gather::{Gathered, first_round, gather},
    line::Line,
    mail::{self, Structures},
    names::uid_set,
    session::{Question, Session},
};

/// What became of one message.
#[derive(Debug)]
pub enum Read {
    Mail(Box<Message>),
    /// One sentence why.
    Unreadable(String),
    /// Proved to be gone.
    Gone,
}

/// Bytes of extra parts that are asked for in one go, as announced: keeps the memory flat.
const EXTRA_BYTES: u64 = 8 << 20;

/// Reads messages, each exactly once in the result, in no order. Calendars and reports of mail from before `since`
/// stay unread.
///
/// # Errors
/// When the connection is lost for good or the server wants a pause: then nothing is known.
pub async fn messages(line: &mut Line<'_>, uids: &[u32], since: DateTime<Utc>) -> Result<Vec<(u32, Read)>, Fault> {
    let wishes = [(items(line.session()?), uids.to_vec())];
    let told = |f: &Fetched| f.cut || (f.header.is_some() && f.structure != Structure::Untold);
    let mut gathered = gather(line, &wishes, told).await?;
    let mut out = settle(line, &mut gathered).await?;
    let mut raw = Vec::new();
    let mut ready: HashMap<u32, Box<Message>> = HashMap::new();
    for (uid, mut fetched) in gathered.found.drain() {
        match mail::message(&mut fetched) {
            Some(message) => {
                ready.insert(uid, Box::new(message));
            }
            None => raw.push((uid, fetched)),
        }
    }
    raw.extend(extras(line, &mut ready, since).await?);
    out.extend(ready.into_iter().map(|(uid, message)| (uid, Read::Mail(message))));
    // The answers without header or structure that were asked for in vain are read whole as well.
    raw.sort_unstable_by_key(|(uid, _)| *uid);
    out.extend(whole(line, raw).await?);
    Ok(out)
}

/// What [`messages`] asks first about these messages.
pub fn first_question(session: &Session, uids: Vec<u32>) -> Question {
    Question { commands: first_round(&items(session), &uids), uids }
}

fn items(session: &Session) -> String {
    if session.can("X-GM-EXT-1") { format!("X-GM-LABELS {}", *mail::ITEMS) } else { mail::ITEMS.clone() }
}

/// Says what became of messages that did not come: gone, when a second question confirms it.
async fn settle(line: &mut Line<'_>, gathered: &mut Gathered) -> Result<Vec<(u32, Read)>, Fault> {
    let mut out: Vec<(u32, Read)> =
        std::mem::take(&mut gathered.refused).into_iter().map(|(uid, why)| (uid, Read::Unreadable(why))).collect();
    if gathered.silent.is_empty() {
        return Ok(out);
    }
    let silent = std::mem::take(&mut gathered.silent);
    let still_there = line.session()?.search_set(&uid_set(&silent)).await?;
    let mut listed = Vec::new();
    for uid in silent {
        if still_there.binary_search(&uid).is_ok() { listed.push(uid) } else { out.push((uid, Read::Gone)) }
    }
    // It exists and its description never came: the plain bytes are another way.
    let raw = listed.into_iter().map(|uid| (uid, Fetched { uid: Some(uid), ..Fetched::default() })).collect();
    out.extend(whole(line, raw).await?);
    Ok(out)
}

/// Fetches calendars and reports into the messages; those whose parts did not come are handed back, to be read whole.
async fn extras(
    line: &mut Line<'_>,
    ready: &mut HashMap<u32, Box<Message>>,
    since: DateTime<Utc>,
) -> Result<Vec<(u32, Fetched)>, Fault> {
    let recent = |m: &Message| m.date.is_none_or(|t| t >= since) || m.received.is_none_or(|t| t >= since);
    let asked = ready.iter().filter(|(_, m)| recent(m));
    let mut wanted: Vec<_> = asked.map(|(uid, m)| (*uid, mail::extra_pieces(m))).filter(|w| !w.1.is_empty()).collect();
    wanted.sort_unstable();
    let mut failed = Vec::new();
    let sets = mail::portions(&wanted, EXTRA_BYTES, |(uid, _)| ready.get(uid).map_or(0, |m| mail::extra_bytes(m)));
    for some in sets {
        let gathered = gather(line, &mail::wishes(some), |f| f.cut || !f.sections.is_empty()).await?;
        for (uid, _) in some {
            let fits = gathered.found.get(uid).zip(ready.get_mut(uid)).is_some_and(|(f, m)| mail::add_extras(m, f));
            if !fits && let Some(message) = ready.remove(uid) {
                failed.push((*uid, remembered(&message)));
            }
        }
    }
    Ok(failed)
}

/// What is known of a message besides its bytes.
fn remembered(message: &Message) -> Fetched {
    let flag = |on: bool, name: &str| on.then(|| name.to_owned());
    let flags = [flag(message.draft, "\\Draft"), flag(message.trashed, "\\Deleted"), flag(message.junk, "$Junk")];
    Fetched {
        received: message.received,
        size: Some(message.size),
        flags: Some(flags.into_iter().flatten().collect()),
        ..Fetched::default()
    }
}

/// Reads messages from their bytes, one at a time.
async fn whole(line: &mut Line<'_>, known: Vec<(u32, Fetched)>) -> Result<Vec<(u32, Read)>, Fault> {
    let mut out = Vec::new();
    let items = format!("FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[]<0.{}>", mail::RAW_MAX);
    for (uid, before) in known {
        let wish = [(items.clone(), vec![uid])];
        let mut gathered = gather(line, &wish, |f| f.cut || !f.sections.is_empty()).await?;
        let read = match gathered.found.remove(&uid) {
            Some(fetched) => {
                let mut all = before;
                all.merge(fetched);
                mail::message_of_bytes(&all).map_or_else(Read::Unreadable, |m| Read::Mail(Box::new(m)))
            }
            None => {
                let why = gathered.refused.remove(&uid);
                Read::Unreadable(why.unwrap_or_else(|| "the server lists the message but does not hand it out".into()))
            }
        };
        out.push((uid, read));
    }
    Ok(out)
}

/// The texts of messages. `known`: structures that are known already. Messages that could not be read are absent. `next`: the
/// messages that will be read after these.
///
/// # Errors
/// When the connection is lost for good or the server wants a pause.
pub async fn texts(
    line: &mut Line<'_>,
    uids: &[u32],
    known: Structures,
    next: &[u32],
    limit: usize,
) -> Result<Vec<(u32, Content)>, Fault> {
    let mut parts = known;
    let mut out = Vec::new();
    let unknown: Vec<u32> = uids.iter().copied().filter(|uid| !parts.contains_key(uid)).collect();
    let mut raw = Vec::new();
    if !unknown.is_empty() {
        let wish = [("BODYSTRUCTURE".to_owned(), unknown)];
        let mut gathered = gather(line, &wish, |f| f.structure != Structure::Untold).await?;
        for (uid, fetched) in gathered.found.drain() {
            match fetched.structure {
                Structure::Parts(found) => drop(parts.insert(uid, mail::readable(&found))),
                _ => raw.push(uid),
            }
        }
        for (uid, read) in settle(line, &mut gathered).await? {
            match read {
                Read::Gone => out.push((uid, Content::Gone)),
                Read::Mail(_) => raw.push(uid),
                Read::Unreadable(_) => {}
            }
        }
    }
    parts.retain(|uid, _| uids.contains(uid));
    for (uid, found) in &parts {
        if mail::text_pieces(found, limit).is_empty() {
            out.push((*uid, Content::None));
        }
    }
    let mut wanted: Vec<_> =
        parts.iter().map(|(uid, p)| (*uid, mail::text_pieces(p, limit))).filter(|w| !w.1.is_empty()).collect();
    wanted.sort_unstable();
    let mut portions =
        mail::portions(&wanted, EXTRA_BYTES, |(uid, _)| mail::text_bytes(&parts[uid], limit)).into_iter();
    while let Some(some) = portions.next() {
        if portions.len() == 0 {
            let session = line.session()?;
            let question = first_question(session, next.to_vec());
            session.then_ask(question);
        }
        let mut gathered = gather(line, &mail::wishes(some), |f| f.cut || !f.sections.is_empty()).await?;
        for (uid, fetched) in gathered.found.drain() {
            match mail::text(&parts[&uid], &fetched, limit) {
                Some(text) => out.push((uid, text)),
                None => raw.push(uid),
            }
        }
        let settled = settle(line, &mut gathered).await?;
        out.extend(settled.iter().filter(|(_, r)| matches!(r, Read::Gone)).map(|(uid, _)| (*uid, Content::Gone)));
    }
    out.extend(raw_texts(line, raw, limit).await?);
    Ok(out)
}

async fn raw_texts(line: &mut Line<'_>, uids: Vec<u32>, limit: usize) -> Result<Vec<(u32, Content)>, Fault> {
    let mut out = Vec::new();
    let items = format!("BODY.PEEK[]<0.{}>", mail::RAW_MAX);
    for uid in uids {
        let wish = [(items.clone(), vec![uid])];
        let gathered = gather(line, &wish, |f| f.cut || !f.sections.is_empty()).await?;
        out.extend(gathered.found.get(&uid).and_then(|f| mail::text_of_bytes(f, limit)).map(|text| (uid, text)));
    }
    Ok(out)
}
