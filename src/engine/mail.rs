//! Writes decided mails: the same mail in several boxes becomes one activity, answers find their thread.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use dealtrail_sdk::record::Content;

use super::{
    Connection, Known, copies, decide,
    identity::{self, MailIdentity},
    matches::Fresh,
    rules::Level,
    texts, threads,
};
use crate::{
    domain::{
        activity::{Activity, Direction, Kind, Origin, Participant, Role, Status, TextState},
        capture::{self, Decision},
        wording,
    },
    store::{
        Store, StoreError, Tx,
        activities::{self, Stored},
        items::{Decided, Outcome},
        sightings::Sighting,
    },
};

/// What a batch of mails turns into, before it is written.
#[derive(Default)]
pub struct Written {
    pub decisions: Vec<Decided>,
    pub sightings: Vec<Sighting>,
    pub fresh: Fresh,
}

/// Everything one mail needs to find its activity.
pub struct Candidate<'a> {
    pub mail: &'a decide::Mail,
    pub captured: &'a capture::Captured,
    pub identity: MailIdentity,
}

/// Decides identities and threads of the captured mails and prepares all rows of the batch.
#[expect(clippy::too_many_arguments, reason = "one batch with its surroundings")]
pub async fn prepare(
    tx: &mut Tx,
    store: &Store,
    c: &Connection,
    known: &Known,
    stream: i64,
    sent: bool,
    mails: &[decide::Mail],
    contents: &HashMap<String, Content>,
) -> Result<Written, StoreError> {
    let mut written = Written::default();
    let candidates: Vec<Candidate<'_>> = mails
        .iter()
        .filter_map(|mail| {
            let captured = decide::captured(&mail.decision)?;
            let identity = identity::of_mail(&mail.message, &captured.participants, mail.at);
            Some(Candidate { mail, captured, identity })
        })
        .collect();
    let keys: HashSet<&str> = mails.iter().map(|m| m.key.as_str()).collect();
    let mut placed = copies::place(tx, stream, &keys, &candidates, c).await?;
    let strictest = texts::strictest(tx, &placed.shared()).await?;
    let mut texts = Texts::of(tx, &placed.rows).await?;
    for candidate in &candidates {
        let id = placed.of[&candidate.mail.key].clone();
        let row = placed.rows.get_mut(&id).expect("every mail was placed");
        let text = contents.get(&candidate.mail.key);
        let level = strictest.get(&id).map_or(c.content, |l| c.content.min(*l));
        enrich(row, candidate, text, level, &mut texts);
        for reference in references(candidate.mail) {
            written.fresh.refs.push((reference, id.clone()));
        }
        written.sightings.push(Sighting {
            activity: id,
            stream,
            key: candidate.mail.key.clone(),
            owner: c.owner.clone(),
            direction: Some(seen_from(candidate, c, sent).as_str().to_owned()),
            typed: false,
            gone_at: None,
            view: None,
        });
    }
    let nothing = |id: &&String| placed.rows.get(*id).is_none_or(|s| s.text_state == TextState::None);
    for id in placed.blanked.iter().filter(nothing) {
        texts.keep(id, "");
    }
    written.fresh.texts = texts.written.into_iter().collect();
    written.fresh.renamed =
        threads::thread(tx, &mut placed.rows, &written.fresh.refs, &placed.moved, &known.directory).await?;
    written.fresh.rows = placed.rows.into_values().collect();
    for mail in mails {
        written.decisions.push(decision(mail, placed.of.get(&mail.key), store));
    }
    Ok(written)
}

/// The direction as seen from this mailbox: a colleague's copy of our own mail came in there.
fn seen_from(candidate: &Candidate<'_>, c: &Connection, sent: bool) -> Direction {
    let sender = candidate.captured.participants.iter().find(|p| p.role == Role::From).and_then(|p| p.user.as_ref());
    let own = sender.is_some_and(|user| c.owner.as_ref() == Some(user) || c.members.contains(user));
    if sent || own { Direction::Outbound } else { Direction::Inbound }
}

/// A new activity of a mail, still without its participants.
pub fn activity(c: &Candidate<'_>, connection: &Connection) -> Stored {
    let keep_subject = connection.content >= Level::Subject;
    Stored {
        activity: Activity {
            id: c.identity.id.clone(),
            kind: Kind::Email,
            status: Status::Done,
            confirmed: None,
            direction: c.captured.direction,
            occurred_at: c.mail.at,
            ended_at: None,
            participants: Vec::new(),
            matches: Vec::new(),
            undecided: Vec::new(),
            tags: Vec::new(),
            origin: Origin::Captured,
            automatic: c.captured.automatic,
        },
        all_day: false,
        time_uncertain: capture::is_guessed(&c.mail.message, c.mail.at),
        subject: c.mail.message.subject.clone().filter(|_| keep_subject),
        text_state: if connection.content == Level::Text { TextState::Pending } else { TextState::None },
        thread: Some(c.identity.id.clone()),
        message_id: c.identity.message_id.clone(),
        dedupe: c.identity.dedupe.clone(),
        ical_uid: None,
        recurrence_id: None,
    }
}

/// What this copy adds: the Bcc of the Sent copy, the text. Where two mailboxes differ in what is kept, the stricter wins.
fn enrich(row: &mut Stored, c: &Candidate<'_>, text: Option<&Content>, level: Level, texts: &mut Texts) {
    for p in &c.captured.participants {
        if !row.activity.participants.iter().any(|q| q.address == p.address) {
            row.activity.participants.push(p.clone());
        }
    }
    // copies may list them in another order, and which copy is read first must not show; of several authors the first counts
    let order = |p: &Participant| (p.role, (p.role != Role::From).then(|| p.address.clone()));
    row.activity.participants.sort_by_key(order);
    if level < Level::Subject {
        row.subject = None;
    } else {
        // none: it was withheld while a stricter mailbox held it, or while less was kept
        row.subject = wording::subject(row.subject.take(), c.mail.message.subject.clone());
    }
    if level < Level::Text {
        row.text_state = TextState::None;
        texts.keep(&row.activity.id, "");
        return;
    }
    match text {
        Some(Content::Text { text, .. }) => {
            let id = &row.activity.id;
            if row.text_state != TextState::Kept
                || texts.known.get(id).is_none_or(|known| wording::says_less(text, known))
            {
                texts.keep(id, text);
            }
            row.text_state = TextState::Kept;
        }
        Some(Content::None) if row.text_state == TextState::Pending => row.text_state = TextState::None,
        None if row.text_state == TextState::None => row.text_state = TextState::Pending,
        _ => {}
    }
}

/// The texts of the batch's activities.
#[derive(Default)]
struct Texts {
    /// As they are kept, or will be.
    known: HashMap<String, Arc<str>>,
    /// What is to be written; an empty one takes away what was kept.
    written: HashMap<String, Arc<str>>,
}

impl Texts {
    /// With what is kept of those of which another copy came.
    async fn of(tx: &mut Tx, rows: &HashMap<String, Stored>) -> Result<Self, StoreError> {
        let kept = rows.values().filter(|s| s.text_state == TextState::Kept).map(|s| s.activity.id.clone());
        let kept: Vec<String> = kept.collect();
        let known = if kept.is_empty() { HashMap::new() } else { activities::texts(tx, &kept).await? };
        Ok(Self { known, written: HashMap::new() })
    }

    fn keep(&mut self, id: &str, text: &str) {
        let text: Arc<str> = text.into();
        self.written.insert(id.to_owned(), text.clone());
        self.known.insert(id.to_owned(), text);
    }
}

/// Message-IDs this mail refers to; the last ones when somebody lists thousands.
fn references(mail: &decide::Mail) -> Vec<String> {
    const MOST: usize = 40;
    let m = &mail.message;
    let mut all: BTreeSet<String> = m.references.iter().rev().take(MOST).cloned().collect();
    all.extend(m.in_reply_to.iter().take(4).cloned());
    all.into_iter().filter(|r| Some(r) != m.message_id.as_ref() && !r.is_empty()).collect()
}

fn decision(mail: &decide::Mail, activity: Option<&String>, store: &Store) -> Decided {
    let (outcome, reason, detail) = match &mail.decision {
        Decision::Captured(_) => (Outcome::Captured, None, None),
        Decision::Skipped { reason, detail } => (Outcome::Skipped, Some(reason.as_str().to_owned()), detail.clone()),
        Decision::Waiting(_) => (Outcome::Waiting, Some("unknown_party".to_owned()), None),
    };
    let waiting = outcome == Outcome::Waiting;
    let mut blind: Vec<String> = decide::traces(&decide::waiting_for(mail)).iter().map(|t| store.blind(t)).collect();
    if let Some(id) = mail.message.message_id.as_ref().filter(|_| waiting) {
        blind.push(store.blind(&format!("m:{id}")));
    }
    let uid = mail.events.first().map(|e| e.event.uid.clone());
    Decided {
        key: mail.key.clone(),
        resource: mail.resource.clone(),
        version: mail.version.clone(),
        outcome,
        reason,
        detail,
        message_id: mail.message.message_id.clone().filter(|_| !waiting),
        ical_uid: uid.filter(|_| !waiting && outcome == Outcome::Skipped),
        recurrence_id: None,
        occurred_at: Some(mail.at),
        dated: activity.and_then(|_| capture::dated(&mail.message)),
        activity: activity.cloned(),
        tags: decide::captured(&mail.decision).map(|c| c.tags.clone()).unwrap_or_default(),
        attempts: 0,
        retry_at: None,
        blind,
    }
}
