//! Which activity each copy of a mail is a copy of. All copies of one Message-ID and From are settled together whenever one
//! of them is read, so that neither the grouping nor the ids depend on the order of reading.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::{
    Connection,
    identity::{self, MailIdentity},
    mail::{self, Candidate},
};
use crate::{
    domain::{
        activity::{Activity, TextState},
        capture, wording,
    },
    store::{
        StoreError, Tx,
        activities::{self, Stored},
        copies::{self, Copy},
        reviews,
    },
};

/// Where the mails of a batch belong.
#[derive(Default)]
pub struct Placed {
    /// Every activity concerned, as it is now.
    pub rows: HashMap<String, Stored>,
    /// Item key -> activity.
    pub of: HashMap<String, String>,
    /// Ids that are no more -> those that took their place.
    pub moved: HashMap<String, String>,
    /// Texts that may no longer be kept: their activities.
    pub blanked: Vec<String>,
    /// Ids that the store knew before this batch.
    pub held: HashSet<String>,
}

impl Placed {
    /// Activities that other mailboxes may hold as well: those known before, and those that took their place.
    pub fn shared(&self) -> Vec<String> {
        self.held.iter().chain(self.moved.values()).filter(|id| self.rows.contains_key(*id)).cloned().collect()
    }
}

/// One copy among those of its Message-ID and From.
struct Point<'a> {
    date: DateTime<Utc>,
    at: DateTime<Utc>,
    guessed: bool,
    /// The activity it stood for until now.
    old: Option<String>,
    copy: Option<&'a Copy>,
    fresh: Option<&'a Candidate<'a>>,
}

/// Finds the activity of every captured mail of the batch. `keys` are all of the batch's mails in `stream`.
pub async fn place(
    tx: &mut Tx,
    stream: i64,
    keys: &HashSet<&str>,
    candidates: &[Candidate<'_>],
    c: &Connection,
) -> Result<Placed, StoreError> {
    let mut known = existing(tx, candidates).await?;
    let ids: Vec<String> = known.values().filter(|s| s.message_id.is_some()).map(|s| s.activity.id.clone()).collect();
    let copies = copies::of(tx, &ids).await?;
    let mut placed = Placed { held: known.keys().cloned().collect(), ..Placed::default() };
    let mut named: BTreeMap<(&str, &str), Vec<&Candidate<'_>>> = BTreeMap::new();
    for candidate in candidates {
        match &candidate.identity {
            MailIdentity { message_id: Some(name), from, .. } => named.entry((name, from)).or_default().push(candidate),
            MailIdentity { id, .. } => {
                // without a Message-ID the whole of it is its name
                let row = known.remove(id).or_else(|| placed.rows.remove(id));
                placed.rows.insert(id.clone(), row.unwrap_or_else(|| mail::activity(candidate, c)));
                placed.of.insert(candidate.mail.key.clone(), id.clone());
            }
        }
    }
    let mut by_name: HashMap<(&str, &str), BTreeMap<&str, &Stored>> = HashMap::new();
    for s in known.values() {
        let Some(name) = s.message_id.as_deref() else { continue };
        let of_name = by_name.entry((name, identity::sender(&s.activity.participants))).or_default();
        of_name.insert(s.activity.id.as_str(), s);
    }
    let known = Copies::new(&copies);
    for ((name, from), fresh) in named {
        let rows = by_name.remove(&(name, from)).unwrap_or_default();
        let points = points(&rows, &known, &fresh, stream, keys);
        settle(tx, name, from, &points, &rows, c, &mut placed).await?;
    }
    Ok(placed)
}

/// The copies that the store knows.
struct Copies<'a> {
    by_activity: HashMap<&'a str, Vec<&'a Copy>>,
    by_item: HashMap<(i64, &'a str), &'a Copy>,
}

impl<'a> Copies<'a> {
    fn new(all: &'a [Copy]) -> Self {
        let mut by_activity: HashMap<&str, Vec<&Copy>> = HashMap::new();
        for copy in all {
            by_activity.entry(&copy.activity).or_default().push(copy);
        }
        Self { by_activity, by_item: all.iter().map(|x| ((x.stream, x.key.as_str()), x)).collect() }
    }
}

async fn existing(tx: &mut Tx, candidates: &[Candidate<'_>]) -> Result<HashMap<String, Stored>, StoreError> {
    let ids: Vec<String> = candidates.iter().filter_map(|c| c.identity.message_id.clone()).collect();
    let keys: Vec<String> = candidates.iter().filter_map(|c| c.identity.dedupe.clone()).collect();
    let mut rows = activities::by_message_ids(tx, &ids).await?;
    rows.extend(activities::by_dedupe(tx, &keys).await?);
    Ok(rows.into_iter().map(|s| (s.activity.id.clone(), s)).collect())
}

/// All copies, stored and new. What the batch holds anew is not taken from the store as well.
fn points<'a>(
    rows: &BTreeMap<&str, &Stored>,
    copies: &Copies<'a>,
    fresh: &[&'a Candidate<'a>],
    stream: i64,
    keys: &HashSet<&str>,
) -> Vec<Point<'a>> {
    let in_batch = |x: &Copy| x.stream == stream && keys.contains(x.key.as_str());
    let stored = rows.keys().filter_map(|id| copies.by_activity.get(id)).flatten().copied();
    let mut points: Vec<Point<'a>> = stored
        .filter(|x| !in_batch(x))
        .map(|x| Point {
            date: x.dated.unwrap_or(x.at),
            at: x.at,
            guessed: x.dated != Some(x.at),
            old: Some(x.activity.clone()),
            copy: Some(x),
            fresh: None,
        })
        .collect();
    points.extend(fresh.iter().map(|f| Point {
        date: f.identity.date,
        at: f.mail.at,
        guessed: capture::is_guessed(&f.mail.message, f.mail.at),
        old: copies.by_item.get(&(stream, f.mail.key.as_str())).map(|x| x.activity.clone()),
        copy: None,
        fresh: Some(f),
    }));
    points
}

/// Groups the copies of one Message-ID and From, and gives each group its activity.
async fn settle(
    tx: &mut Tx,
    name: &str,
    from: &str,
    points: &[Point<'_>],
    rows: &BTreeMap<&str, &Stored>,
    c: &Connection,
    placed: &mut Placed,
) -> Result<(), StoreError> {
    let dates: Vec<DateTime<Utc>> = points.iter().map(|p| p.date).collect();
    let mut groups: BTreeMap<usize, Vec<&Point<'_>>> = BTreeMap::new();
    for (point, group) in points.iter().zip(identity::groups(&dates)) {
        groups.entry(group).or_default().push(point);
    }
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let mut heirs: BTreeMap<&str, String> = BTreeMap::new();
    for group in groups.values() {
        let Some(first) = group.iter().map(|p| p.date).min() else { continue };
        let id = identity::of_copies(name, from, first);
        let Some(row) = joined(&id, group, rows, c, &mut placed.blanked) else { continue };
        placed.rows.insert(id.clone(), row);
        for point in group {
            if let Some(old) = point.old.as_deref() {
                heirs.entry(rows.get_key_value(old).map_or("", |(k, _)| *k)).or_insert_with(|| id.clone());
            }
            if let Some(fresh) = point.fresh {
                placed.of.insert(fresh.mail.key.clone(), id.clone());
            }
            if let Some(copy) = point.copy.filter(|x| x.activity != id) {
                copies::repoint(tx, copy, &id).await?;
            }
        }
        taken.insert(id);
    }
    for (old, heir) in heirs {
        let Some(row) = rows.get(old).filter(|_| !taken.contains(old)) else { continue };
        reviews::mark(tx, deals(&row.activity)).await?;
        copies::rename(tx, old, &heir).await?;
        placed.moved.insert(old.to_owned(), heir);
    }
    Ok(())
}

fn deals(a: &Activity) -> Vec<String> {
    let tied = a.ids(crate::domain::activity::Entity::Deal).map(str::to_owned);
    tied.chain(a.undecided.iter().cloned()).collect()
}

/// The row of a group: that of its id, else that of its earliest copy, with what the other rows know.
fn joined(
    id: &str,
    group: &[&Point<'_>],
    rows: &BTreeMap<&str, &Stored>,
    c: &Connection,
    blanked: &mut Vec<String>,
) -> Option<Stored> {
    let earliest = group.iter().min_by_key(|p| (p.at, p.guessed))?;
    let mut olds: Vec<(DateTime<Utc>, &str)> =
        group.iter().filter_map(|p| Some((p.date, p.old.as_deref()?))).filter(|o| rows.contains_key(o.1)).collect();
    olds.sort_unstable();
    let base = rows.get(id).or_else(|| rows.get(olds.first()?.1)).copied().cloned();
    let fresh = || group.iter().filter_map(|p| p.fresh).min_by_key(|f| f.identity.date).map(|f| mail::activity(f, c));
    let mut row = base.or_else(fresh)?;
    let base = row.activity.id.clone();
    let mut withheld = false;
    for other in olds.iter().filter(|o| o.1 != base).filter_map(|o| rows.get(o.1)) {
        withheld |= row.text_state != other.text_state && [row.text_state, other.text_state].contains(&TextState::None);
        absorb(&mut row, other);
    }
    if withheld {
        row.text_state = TextState::None;
        blanked.push(id.to_owned());
    }
    id.clone_into(&mut row.activity.id);
    row.activity.occurred_at = earliest.at;
    row.time_uncertain = earliest.guessed;
    if row.thread.is_none() {
        row.thread = Some(id.to_owned());
    }
    Some(row)
}

/// What another row knew of the same mail. Where the two differ in what is kept, the stricter wins.
fn absorb(row: &mut Stored, other: &Stored) {
    for p in &other.activity.participants {
        if !row.activity.participants.iter().any(|q| q.address == p.address) {
            row.activity.participants.push(p.clone());
        }
    }
    row.subject = match (row.subject.take(), &other.subject) {
        (Some(one), Some(other)) => wording::subject(Some(one), Some(other.clone())),
        _ => None,
    };
    if other.text_state == TextState::Kept {
        row.text_state = TextState::Kept;
    }
}
