//! Gives activities their matches, thread by thread, and marks the deals concerned. Called inside the transaction that
//! changed the activities, so that matches are always those of the set of activities as it stands.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use dealtrail_sdk::record::Typed;

use crate::{
    domain::{
        activity::{self, Activity, Entity, Kind, Match, Origin, Participant, Reason},
        closings,
        directory::{Deal, Directory},
        gaps::closed_lately,
        matching::{self, Choice, Facts, Member},
        steps,
    },
    store::{
        StoreError, Tx,
        activities::{self, Chosen, Stored},
        copies, entries, rematch, reviews,
        sightings::Sighting,
    },
};

use super::{Known, corroborate, subjects::Touched, threads};

/// What changed in this transaction and is not written yet.
#[derive(Debug, Default)]
pub struct Fresh {
    /// New activities and old ones with new facts.
    pub rows: Vec<Stored>,
    /// (activity, text)
    pub texts: Vec<(String, Arc<str>)>,
    /// (Message-ID referred to, activity)
    pub refs: Vec<(String, String)>,
    /// Further activities to look at again, by id.
    pub again: Vec<String>,
    /// Addresses of those who no longer take part in one of `rows`.
    pub parted: Vec<String>,
    /// Threads that were renamed because an earlier mail turned up: old -> new.
    pub renamed: HashMap<String, String>,
}

/// Matches everything in `fresh` and the threads it stands in, writes what changed.
pub async fn settle(tx: &mut Tx, known: &Known, fresh: Fresh) -> Result<(), StoreError> {
    activities::save_texts(tx, &fresh.texts).await?;
    activities::save_refs(tx, &fresh.refs).await?;
    let must_write: HashSet<String> = fresh.rows.iter().map(|s| s.activity.id.clone()).collect();
    let said: HashSet<&str> =
        must_write.iter().chain(&fresh.again).chain(fresh.texts.iter().map(|t| &t.0)).map(String::as_str).collect();
    let mut rows = gather(tx, fresh.rows, &fresh.again, &fresh.renamed).await?;
    let ids: Vec<String> = rows.iter().map(|s| s.activity.id.clone()).collect();
    let texts = said_by(tx, &ids, &fresh.texts).await?;
    let again: Vec<String> = ids.iter().filter(|id| said.contains(id.as_str())).cloned().collect();
    let documents = copies::tags(tx, &again).await?;
    let mut chosen: HashMap<String, Vec<Chosen>> = HashMap::new();
    for c in activities::choices(tx, &ids).await? {
        chosen.entry(c.activity.clone()).or_default().push(c);
    }
    let refs = grouped(activities::refs_of(tx, &ids).await?);
    let before: Vec<Before> = rows.iter().map(Before::of).collect();
    for s in &mut rows {
        if let Some(new) = s.thread.as_ref().and_then(|t| fresh.renamed.get(t)) {
            s.thread = Some(new.clone());
        }
        identify(&mut s.activity.participants, &known.directory);
        // the others of the thread say what they said before
        if said.contains(s.activity.id.as_str()) {
            retag(s, texts.get(&s.activity.id).map(AsRef::as_ref), documents.get(&s.activity.id), known);
        }
    }
    let typed = rows.iter().filter(|s| s.activity.origin == Origin::Typed);
    let typed: Vec<String> = typed.map(|s| s.activity.id.clone()).collect();
    let entries = entries::of_activities(tx, &typed).await?;
    let context = Context { known, texts: &texts, chosen: &chosen, refs: &refs, entries: &entries };
    context.decide(&mut rows);
    let mut deals = BTreeSet::new();
    let mut others = Touched::default();
    let mut changed = Vec::new();
    for (s, before) in rows.into_iter().zip(before) {
        if must_write.contains(&s.activity.id) || before != Before::of(&s) {
            let a = &s.activity;
            concerned(&mut deals, a, &before.matches, &before.undecided, &known.directory);
            concerned(&mut deals, a, &a.matches, &a.undecided, &known.directory);
            others.note(a, &before.matches, &before.undecided);
            others.note(a, &a.matches, &a.undecided);
            others.taken(&before.matches, &a.matches);
            changed.push(s);
        }
    }
    activities::save(tx, &changed).await?;
    if !changed.is_empty() {
        corroborate::due(tx).await?;
    }
    others.parted(fresh.parted, &known.directory);
    others.write(tx).await?;
    reviews::mark(tx, deals).await
}

/// The texts of these activities; those just written are not read again.
async fn said_by(
    tx: &mut Tx,
    ids: &[String],
    fresh: &[(String, Arc<str>)],
) -> Result<HashMap<String, Arc<str>>, StoreError> {
    let written: HashSet<&str> = fresh.iter().map(|t| t.0.as_str()).collect();
    let others: Vec<String> = ids.iter().filter(|id| !written.contains(id.as_str())).cloned().collect();
    let mut texts = activities::texts(tx, &others).await?;
    texts.extend(fresh.iter().filter(|t| !t.1.is_empty()).cloned());
    Ok(texts)
}

/// What settling may change of an activity.
#[derive(PartialEq)]
struct Before {
    matches: Vec<Match>,
    undecided: Vec<String>,
    thread: Option<String>,
    tags: Vec<String>,
}

impl Before {
    fn of(s: &Stored) -> Self {
        let a = &s.activity;
        let (matches, undecided) = (a.matches.clone(), a.undecided.clone());
        Self { matches, undecided, thread: s.thread.clone(), tags: a.tags.clone() }
    }
}

/// The tags that follow from what is said and attached: made anew each time, from the words as they are kept now and from the
/// copies as they are decided now.
fn retag(s: &mut Stored, text: Option<&str>, documents: Option<&BTreeSet<String>>, known: &Known) {
    s.activity.tags.retain(|tag| !steps::DOCUMENTS.contains(&tag.as_str()));
    s.activity.tags.extend(documents.into_iter().flatten().cloned());
    known.competitors.retag(&mut s.activity.tags, s.subject.as_deref(), text);
    closings::retag(&mut s.activity.tags, text.filter(|_| s.activity.kind == Kind::Email));
}

/// The fresh rows, the ones to look at again, and all members of their threads.
async fn gather(
    tx: &mut Tx,
    fresh: Vec<Stored>,
    again: &[String],
    renamed: &HashMap<String, String>,
) -> Result<Vec<Stored>, StoreError> {
    let again = activities::by_ids(tx, again).await?;
    let rows = again.into_iter().chain(fresh).map(|s| (s.activity.id.clone(), s));
    let mut rows: HashMap<String, Stored> = rows.collect();
    let mut threads: BTreeSet<String> = rows.values().filter_map(|s| s.thread.clone()).collect();
    threads.extend(renamed.keys().chain(renamed.values()).cloned());
    let threads: Vec<String> = threads.into_iter().collect();
    for s in activities::by_threads(tx, &threads).await? {
        rows.entry(s.activity.id.clone()).or_insert(s);
    }
    let mut rows: Vec<Stored> = rows.into_values().collect();
    rows.sort_by(|a, b| (a.activity.occurred_at, &a.activity.id).cmp(&(b.activity.occurred_at, &b.activity.id)));
    Ok(rows)
}

/// Contacts as the entry names them (merged ones under their survivor), and these contacts' companies.
fn typed_ties<'n>(named: impl Iterator<Item = &'n str>, dir: &Directory) -> Vec<Match> {
    let tie = |entity, id: &str| Match {
        entity,
        id: id.to_owned(),
        reason: Reason::Reference,
        score: matching::score(Reason::Reference),
        runner_up: None,
        by: "rule".into(),
    };
    let named: Vec<&str> = named.collect();
    let contacts: BTreeSet<&str> = named.iter().map(|id| dir.survivor(id)).collect();
    let companies: BTreeSet<&str> =
        contacts.iter().filter_map(|id| dir.contacts.get(*id)?.company.as_deref()).collect();
    let contacts = contacts.iter().map(|id| tie(Entity::Contact, id));
    contacts.chain(companies.iter().map(|id| tie(Entity::Company, id))).collect()
}

fn grouped(pairs: Vec<(String, String)>) -> HashMap<String, Vec<String>> {
    let mut groups: HashMap<String, Vec<String>> = HashMap::new();
    for (reference, activity) in pairs {
        groups.entry(activity).or_default().push(reference);
    }
    groups
}

/// Who the participants are, by the directory as it is now.
pub fn identify(participants: &mut [Participant], dir: &Directory) {
    for p in participants {
        p.user = dir.user(&p.address).map(|u| u.email.clone());
        p.contact =
            if dir.is_ours(&p.address) { None } else { dir.contact_by_address(&p.address).map(|c| c.id.clone()) };
    }
}

struct Context<'a> {
    known: &'a Known,
    texts: &'a HashMap<String, Arc<str>>,
    chosen: &'a HashMap<String, Vec<Chosen>>,
    refs: &'a HashMap<String, Vec<String>>,
    /// What was typed, by the activity that it is.
    entries: &'a HashMap<String, Typed>,
}

impl Context<'_> {
    fn decide(&self, rows: &mut [Stored]) {
        let dir = &self.known.directory;
        let ties: Vec<Vec<Match>> = rows
            .iter()
            .map(|s| match s.activity.origin {
                Origin::Captured => matching::people(&s.activity.participants, dir),
                // an entry typed into the CRM names its contacts itself
                Origin::Typed => self.typed_ties(&s.activity, dir),
            })
            .collect();
        let own: Vec<Choice> = rows.iter().zip(&ties).map(|(s, ties)| self.own(s, ties)).collect();
        let mut threads: HashMap<String, Vec<usize>> = HashMap::new();
        for (i, s) in rows.iter().enumerate() {
            let lone = || format!("-{}", s.activity.id);
            let thread = s.thread.clone().filter(|_| s.activity.kind == Kind::Email).unwrap_or_else(lone);
            threads.entry(thread).or_default().push(i);
        }
        let mut choices: Vec<Option<Choice>> = vec![None; rows.len()];
        for members in threads.values() {
            let list: Vec<Member<'_>> = members
                .iter()
                .map(|i| Member {
                    id: &rows[*i].activity.id,
                    at: rows[*i].activity.occurred_at,
                    follows: self.follows(*i, members, rows),
                    own: own[*i].clone(),
                    chosen: self.links(&rows[*i].activity.id).map(|c| (c.at, c.deal.as_str())).max(),
                })
                .collect();
            for (i, choice) in members.iter().zip(matching::thread(&list, dir)) {
                choices[*i] = Some(choice);
            }
        }
        for ((s, mut ties), choice) in rows.iter_mut().zip(ties).zip(choices) {
            let deals = self.deals(s, choice.unwrap_or(Choice::Nothing));
            s.activity.undecided = deals.1;
            ties.extend(deals.0);
            s.activity.matches = ties;
        }
    }

    /// By the entry as the CRM has it: what it stood for before a merge or its end is not known to the matches.
    fn typed_ties(&self, a: &Activity, dir: &Directory) -> Vec<Match> {
        match self.entries.get(&a.id) {
            Some(entry) => typed_ties(entry.contacts.iter().map(String::as_str), dir),
            None => typed_ties(a.ids(Entity::Contact), dir),
        }
    }

    fn own(&self, s: &Stored, ties: &[Match]) -> Choice {
        let a = &s.activity;
        if a.origin == Origin::Typed {
            let typed = a.matches.iter().find(|m| m.entity == Entity::Deal && m.reason == Reason::Reference);
            let typed = typed.filter(|m| m.by == "rule").map(|m| m.id.clone());
            let typed = self.entries.get(&a.id).map_or(typed, |entry| entry.deal.clone());
            if let Some(deal) = typed {
                return Choice::Decided { deal, reason: Reason::Reference, runner_up: None };
            }
        }
        let facts = Facts {
            at: a.occurred_at,
            participants: &a.participants,
            subject: s.subject.as_deref(),
            text: self.texts.get(&a.id).map(AsRef::as_ref),
        };
        match matching::own_deal(&facts, ties, &self.known.directory, &self.known.codes) {
            Choice::Decided { deal, .. } if self.rejected(&a.id, &deal) => Choice::Nothing,
            Choice::Undecided(all) => {
                let left: Vec<String> = all.into_iter().filter(|d| !self.rejected(&a.id, d)).collect();
                if left.is_empty() { Choice::Nothing } else { Choice::Undecided(left) }
            }
            other => other,
        }
    }

    fn rejected(&self, activity: &str, deal: &str) -> bool {
        self.chosen.get(activity).is_some_and(|all| all.iter().any(|c| !c.linked && c.deal == deal))
    }

    fn links(&self, activity: &str) -> impl Iterator<Item = &Chosen> {
        self.chosen.get(activity).into_iter().flatten().filter(|c| c.linked)
    }

    /// It names an earlier mail of the thread, or answers the same mail as one.
    fn follows(&self, i: usize, members: &[usize], rows: &[Stored]) -> bool {
        let me = &rows[i];
        let Some(mine) = self.refs.get(&me.activity.id) else { return false };
        members.iter().map(|j| &rows[*j]).any(|other| {
            let earlier = (other.activity.occurred_at, &other.activity.id) < (me.activity.occurred_at, &me.activity.id);
            let named = other.message_id.as_ref().is_some_and(|m| mine.contains(m));
            let beside =
                self.refs.get(&other.activity.id).is_some_and(|theirs| theirs.iter().any(|r| mine.contains(r)));
            other.activity.id != me.activity.id && earlier && (named || beside)
        })
    }

    /// The ties to deals: what a person chose stands, what a person removed stays removed.
    fn deals(&self, s: &Stored, choice: Choice) -> (Vec<Match>, Vec<String>) {
        let linked: Vec<Match> = self
            .links(&s.activity.id)
            .map(|c| Match {
                entity: Entity::Deal,
                id: c.deal.clone(),
                reason: Reason::Person,
                score: matching::score(Reason::Person),
                runner_up: None,
                by: c.by.clone(),
            })
            .collect();
        if !linked.is_empty() {
            return (linked, Vec::new());
        }
        match choice {
            Choice::Decided { deal, reason, runner_up } if !self.rejected(&s.activity.id, &deal) => {
                let score = matching::score(reason);
                (
                    vec![Match { entity: Entity::Deal, id: deal, reason, score, runner_up, by: "rule".into() }],
                    Vec::new(),
                )
            }
            Choice::Undecided(candidates) => (Vec::new(), candidates),
            Choice::Decided { .. } | Choice::Nothing => (Vec::new(), Vec::new()),
        }
    }
}

/// Marks the deals whose findings may change with these activities.
pub async fn mark_around<'a>(
    tx: &mut Tx,
    rows: impl Iterator<Item = &'a Stored>,
    dir: &Directory,
) -> Result<(), StoreError> {
    let mut deals = BTreeSet::new();
    let mut others = Touched::default();
    for s in rows {
        concerned(&mut deals, &s.activity, &s.activity.matches, &s.activity.undecided, dir);
        others.gone(&s.activity);
    }
    others.write(tx).await?;
    reviews::mark(tx, deals).await
}

/// The deals whose findings may change with these ties, which the activity has or had.
fn concerned(
    deals: &mut BTreeSet<String>,
    activity: &Activity,
    matches: &[Match],
    undecided: &[String],
    dir: &Directory,
) {
    let loose = activity::is_loose(matches, undecided);
    // a meeting may have been moved here from any time
    let near = |deal: &Deal| activity.kind == Kind::Meeting || closed_lately(dir, deal, activity.occurred_at);
    deals.extend(undecided.iter().cloned());
    for m in matches {
        match m.entity {
            Entity::Deal => {
                deals.insert(m.id.clone());
            }
            Entity::Contact => {
                deals.extend(dir.deals_of_contact(&m.id).iter().chain(dir.deals_of_steps(&m.id)).cloned());
            }
            Entity::Company if loose => {
                let of_company = dir.deals_of_company(&m.id).iter().filter(|id| dir.deals.get(*id).is_some_and(near));
                deals.extend(of_company.cloned());
            }
            Entity::Company => {}
        }
    }
}

/// What people decided follows the items: where one (of these ties that it had) now stands for another activity, that one
/// takes over the choices. `merged`: activities that became part of others.
pub async fn choices_follow(
    tx: &mut Tx,
    had: &[Sighting],
    has: &[Sighting],
    merged: &[(String, String)],
) -> Result<(), StoreError> {
    let mut moved: BTreeSet<(&str, &str)> = merged.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
    for old in had {
        let same_item = has.iter().filter(|s| s.stream == old.stream && s.key == old.key && s.activity != old.activity);
        moved.extend(same_item.map(|s| (old.activity.as_str(), s.activity.as_str())));
    }
    for (from, to) in moved {
        activities::copy_choices(tx, from, to).await?;
    }
    Ok(())
}

/// These activities go away: the rest of their threads is matched again, the deals they stood on are judged again.
pub async fn look_again_around(tx: &mut Tx, gone: &[String], dir: &Directory) -> Result<(), StoreError> {
    let rows = activities::by_ids(tx, gone).await?;
    corroborate::due(tx).await?;
    let threads: BTreeSet<String> = rows.iter().filter_map(|s| s.thread.clone()).collect();
    let threads: Vec<String> = threads.into_iter().collect();
    let members = activities::by_threads(tx, &threads).await?;
    let rest: Vec<Stored> = members.into_iter().filter(|s| !gone.contains(&s.activity.id)).collect();
    rematch::add(tx, rest.iter().map(|s| s.activity.id.clone())).await?;
    let mut deals: BTreeSet<String> = BTreeSet::new();
    let mut others = Touched::default();
    for s in threads::without(tx, rest, dir).await? {
        concerned(&mut deals, &s.activity, &s.activity.matches, &s.activity.undecided, dir);
        others.note(&s.activity, &s.activity.matches, &s.activity.undecided);
    }
    for s in &rows {
        deals.extend(s.activity.ids(Entity::Deal).map(str::to_owned));
        deals.extend(s.activity.undecided.iter().cloned());
        others.gone(&s.activity);
    }
    others.write(tx).await?;
    reviews::mark(tx, deals).await?;
    // those who counted for their contacts' deals
    reviews::mark_all(tx).await
}
