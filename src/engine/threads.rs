//! Which mails belong to one thread: those that refer to each other (or to the same mail) and share an outsider. A thread is named
//! after its earliest mail; which mails there are decides, never the order in which they were read or taken away.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};

use crate::{
    domain::{address, capture, directory::Directory},
    store::{
        StoreError, Tx,
        activities::{self, Stored},
    },
};

/// Gives every row of the batch its thread: the id of the earliest mail of those that refer to each other and share an
/// outsider. Returns threads that got an earlier first mail: old name -> new name.
pub async fn thread(
    tx: &mut Tx,
    rows: &mut HashMap<String, Stored>,
    refs: &[(String, String)],
    moved: &HashMap<String, String>,
    dir: &Directory,
) -> Result<HashMap<String, String>, StoreError> {
    let mut names: BTreeSet<String> = refs.iter().map(|r| r.0.clone()).collect();
    let own: Vec<String> = rows.values().filter_map(|s| s.message_id.clone()).collect();
    let named: Vec<String> = names.iter().cloned().collect();
    names.extend(own);
    let names: Vec<String> = names.into_iter().collect();
    let referring = activities::referring(tx, &names).await?;
    let mut others: HashMap<String, Stored> =
        activities::by_message_ids(tx, &named).await?.into_iter().map(|s| (s.activity.id.clone(), s)).collect();
    let missing: Vec<String> = referring.iter().map(|r| r.1.clone()).filter(|a| !others.contains_key(a)).collect();
    others.extend(activities::by_ids(tx, &missing).await?.into_iter().map(|s| (s.activity.id.clone(), s)));
    others.retain(|id, _| !rows.contains_key(id));

    let all: Vec<&Stored> = rows.values().chain(others.values()).collect();
    let ids: HashSet<&str> = all.iter().map(|s| s.activity.id.as_str()).collect();
    let mut groups = Groups::default();
    for s in &all {
        groups.join(&s.activity.id, s.thread.as_deref().unwrap_or(&s.activity.id));
    }
    groups.join_by_names(&all, refs.iter().chain(&referring), dir);
    let elsewhere = |t: &String| !ids.contains(t.as_str()) && !moved.contains_key(t);
    let heads: Vec<String> = all.iter().filter_map(|s| s.thread.clone()).filter(elsewhere).collect();
    let heads = activities::by_ids(tx, &heads).await?;
    let firsts = groups.firsts(all.iter().copied().chain(&heads));
    let mut renamed = HashMap::new();
    let mut threads = HashMap::new();
    for s in &all {
        let new = firsts[&groups.root(&s.activity.id)].1.clone();
        if let Some(old) = s.thread.as_ref().filter(|t| **t != new) {
            renamed.insert(old.clone(), new.clone());
        }
        threads.insert(s.activity.id.clone(), new);
    }
    for s in rows.values_mut() {
        s.thread = threads.get(&s.activity.id).cloned();
    }
    Ok(renamed)
}

/// What is left of threads after mails went away: they may have held others together, and lent their name. Writes the rows
/// whose thread is another now, and returns them.
pub async fn without(tx: &mut Tx, rest: Vec<Stored>, dir: &Directory) -> Result<Vec<Stored>, StoreError> {
    let ids: Vec<String> = rest.iter().map(|s| s.activity.id.clone()).collect();
    let refs = activities::refs_of(tx, &ids).await?;
    let all: Vec<&Stored> = rest.iter().collect();
    let mut groups = Groups::default();
    groups.join_by_names(&all, refs.iter(), dir);
    let firsts = groups.firsts(all.iter().copied());
    let thread = |s: &Stored| firsts.get(&groups.root(&s.activity.id)).map(|first| first.1.clone());
    let threads: Vec<Option<String>> = rest.iter().map(thread).collect();
    let mut changed: Vec<Stored> = Vec::new();
    for (mut s, thread) in rest.into_iter().zip(threads) {
        if s.thread != thread {
            s.thread = thread;
            changed.push(s);
        }
    }
    activities::save(tx, &changed).await?;
    Ok(changed)
}

/// Headers can be forged: mails belong together only when somebody from outside takes part in both, the same person or
/// one of the same company's domain.
fn outside(s: &Stored, dir: &Directory) -> HashSet<String> {
    let mut all = HashSet::new();
    for p in capture::outsiders(&s.activity.participants, dir) {
        all.insert(p.address.clone());
        if let Some(domain) = address::domain(&p.address).filter(|d| address::usable_domain(d, &dir.ours.free_mail)) {
            all.insert(address::registrable(domain).to_owned());
        }
    }
    all
}

/// Sets that grow together (union-find over names).
#[derive(Default)]
struct Groups(HashMap<String, String>);

impl Groups {
    fn root(&self, name: &str) -> String {
        let mut at = name;
        while let Some(up) = self.0.get(at).filter(|up| up.as_str() != at) {
            at = up;
        }
        at.to_owned()
    }

    fn join(&mut self, a: &str, b: &str) {
        let (a, b) = (self.root(a), self.root(b));
        if a != b {
            let (small, large) = if a < b { (a, b) } else { (b, a) };
            self.0.insert(large, small);
        }
    }

    /// Two mails that name (or are) the same mail belong together when they share an outsider: both are joined to the same
    /// pair of name and outsider. `refs`: (name, activity).
    fn join_by_names<'r>(
        &mut self,
        all: &[&Stored],
        refs: impl Iterator<Item = &'r (String, String)>,
        dir: &Directory,
    ) {
        let by_id: HashMap<&str, &Stored> = all.iter().map(|s| (s.activity.id.as_str(), *s)).collect();
        let mut by_name: HashMap<&str, BTreeSet<&str>> = HashMap::new();
        for (name, activity) in refs {
            by_name.entry(name).or_default().insert(activity);
        }
        for s in all {
            if let Some(group) = s.message_id.as_deref().and_then(|m| by_name.get_mut(m)) {
                group.insert(&s.activity.id);
            }
        }
        for (name, group) in &by_name {
            for s in group.iter().filter_map(|id| by_id.get(id).copied()) {
                for outsider in outside(s, dir) {
                    self.join(&s.activity.id, &format!("{name} {outsider}"));
                }
            }
        }
    }

    /// The earliest of each group, by the group's root.
    fn firsts<'s>(&self, all: impl Iterator<Item = &'s Stored>) -> HashMap<String, (DateTime<Utc>, String)> {
        let mut firsts: HashMap<String, (DateTime<Utc>, String)> = HashMap::new();
        for s in all {
            let mine = (s.activity.occurred_at, s.activity.id.clone());
            let first = firsts.entry(self.root(&s.activity.id)).or_insert_with(|| mine.clone());
            if mine < *first {
                *first = mine;
            }
        }
        firsts
    }
}
