//! Reads what judging some deals looks at: the activities near them, and what the people who are waited for did elsewhere.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};

use super::{Engine, Known};
use crate::{
    domain::{
        activity::{Activity, Entity, Origin},
        directory::{Deal, Directory},
        gaps::{self, Backdrop, Case, Facts},
    },
    store::{
        StoreError, Tx,
        activities::{self, Timed},
    },
};

/// Activities held in memory: with fewer deals where much happened on each.
const MOST_HELD: usize = 1500;

/// The activities near some deals.
#[derive(Clone)]
pub(super) struct Evidence {
    all: HashMap<String, Activity>,
    by_deal: HashMap<String, Vec<String>>,
    by_contact: HashMap<String, Vec<String>>,
    /// The surviving contacts of each deal, and of the entries typed on it.
    contacts: HashMap<String, Vec<String>>,
    /// Of each deal, whom it looks for elsewhere and since when, by contact or address.
    awaited: HashMap<String, BTreeMap<String, DateTime<Utc>>>,
    /// Of those, what they did.
    elsewhere: HashMap<String, Vec<Activity>>,
    pub backdrop: Backdrop,
}

impl Evidence {
    /// What is near the first of these deals: near as many as can be held at once, and at least one.
    pub async fn load(engine: &Engine, tx: &mut Tx, known: &Known, deals: &[&Deal]) -> Result<Self, StoreError> {
        let dir: &Directory = &known.directory;
        let ids: Vec<String> = deals.iter().map(|d| d.id.clone()).collect();
        let of_deals = deals.iter().map(|d| {
            let mut all = Case::contacts_of(dir, d);
            // a step is taken with its contact, whether or not the deal names it
            all.extend(dir.step_contacts(&d.id));
            (d.id.clone(), all.into_iter().map(str::to_owned).collect())
        });
        let mut of_deals: HashMap<String, Vec<String>> = of_deals.collect();
        let contacts: BTreeSet<String> = of_deals.values().flatten().cloned().collect();
        let contacts: Vec<String> = contacts.into_iter().collect();
        let tied = activities::links(tx, &[Entity::Deal.as_str(), activities::CANDIDATE], &ids).await?;
        let mut by_deal = grouped(tied);
        for (deal, activity) in of_companies(tx, dir, deals).await? {
            by_deal.entry(deal).or_default().push(activity);
        }
        let mut by_contact = grouped(activities::links(tx, &[Entity::Contact.as_str()], &contacts).await?);
        let mut wanted: BTreeSet<String> = BTreeSet::new();
        let mut held: BTreeSet<&str> = BTreeSet::new();
        for deal in &ids {
            let of_contacts = of_deals[deal].iter().filter_map(|c| by_contact.get(c));
            let near: Vec<&String> = by_deal.get(deal).into_iter().chain(of_contacts).flatten().collect();
            if !held.is_empty() && wanted.len() + near.len() > MOST_HELD {
                break;
            }
            wanted.extend(near.into_iter().cloned());
            held.insert(deal);
        }
        of_deals.retain(|deal, _| held.contains(deal.as_str()));
        let read: Vec<String> = wanted.iter().cloned().collect();
        let mut rows = activities::by_ids(tx, &read).await?;
        // an entry typed on a deal may name others than the deal does: their mail confirms it too
        let named = named_by_entries(&rows, &mut of_deals, dir);
        for (contact, activity) in activities::links(tx, &[Entity::Contact.as_str()], &named).await? {
            by_contact.entry(contact).or_default().push(activity);
        }
        let more = named.iter().filter_map(|c| by_contact.get(c)).flatten();
        let more: BTreeSet<String> = more.filter(|id| !wanted.contains(*id)).cloned().collect();
        rows.extend(activities::by_ids(tx, &more.into_iter().collect::<Vec<_>>()).await?);
        let of_held = deals.iter().filter(|d| held.contains(d.id.as_str()));
        let mut people: BTreeSet<&str> = of_held.flat_map(|d| Case::contacts_of(dir, d)).collect();
        // whoever took part may be away, whether or not the deal names them: what is judged with it must not matter
        people.extend(rows.iter().flat_map(|s| gaps::people(dir, &s.activity)));
        let backdrop = engine.backdrop(tx, known, &rows, &people).await?;
        let all = rows.into_iter().map(|s| (s.activity.id.clone(), s.activity)).collect();
        let (awaited, elsewhere) = (HashMap::new(), HashMap::new());
        Ok(Self { all, by_deal, by_contact, contacts: of_deals, awaited, elsewhere, backdrop })
    }

    /// Reads what those who are waited for did on other deals, or on none. `facts`: all that these deals are judged by.
    pub async fn look_elsewhere(
        &mut self,
        tx: &mut Tx,
        facts: &[&Facts<'_>],
        deals: &[&Deal],
    ) -> Result<(), StoreError> {
        self.awaited = deals.iter().map(|deal| (deal.id.clone(), self.strangers(facts, deal))).collect();
        self.awaited.retain(|_, people| !people.is_empty());
        let people: BTreeSet<&String> = self.awaited.values().flat_map(BTreeMap::keys).collect();
        let Some(known) = facts.first().map(|f| f.directory).filter(|_| !people.is_empty()) else { return Ok(()) };
        let (addresses, contacts): (Vec<String>, Vec<String>) =
            people.into_iter().cloned().partition(|p| !known.contacts.contains_key(p));
        let first = self.awaited.values().flat_map(BTreeMap::values).min().copied().unwrap_or_default();
        let mut done = activities::timed_links(tx, Entity::Contact.as_str(), &contacts, first).await?;
        done.extend(activities::timed_parties(tx, &addresses, first).await?);
        let mut of: HashMap<&str, Vec<&Timed>> = HashMap::new();
        for act in &done {
            of.entry(&act.0).or_default().push(act);
        }
        let since = |(person, since): (&String, &DateTime<Utc>)| {
            let acts = of.get(person.as_str()).into_iter().flatten().filter(|act| act.2 >= *since);
            acts.map(|act| act.1.clone()).collect::<Vec<_>>()
        };
        let ids = self.awaited.iter().map(|(deal, people)| (deal.clone(), people.iter().flat_map(since).collect()));
        let ids: HashMap<String, BTreeSet<String>> = ids.collect();
        let wanted: BTreeSet<String> = ids.values().flatten().cloned().collect();
        let rows = activities::by_ids(tx, &wanted.into_iter().collect::<Vec<_>>()).await?;
        let threads = rows.iter().filter_map(|s| Some((s.activity.id.clone(), s.thread.clone()?)));
        self.backdrop.threads.extend(threads);
        let rows: HashMap<String, Activity> = rows.into_iter().map(|s| (s.activity.id.clone(), s.activity)).collect();
        let of_deal = |ids: BTreeSet<String>| ids.iter().filter_map(|id| rows.get(id).cloned()).collect();
        self.elsewhere = ids.into_iter().map(|(deal, ids)| (deal, of_deal(ids))).collect();
        Ok(())
    }

    /// Who is waited for on a deal and is none of those whose every activity was read.
    fn strangers(&self, facts: &[&Facts<'_>], deal: &Deal) -> BTreeMap<String, DateTime<Utc>> {
        let known = self.contacts.get(&deal.id);
        let is_known = |person: &str| known.is_some_and(|all| all.iter().any(|c| c == person));
        let mut all: BTreeMap<String, DateTime<Utc>> = BTreeMap::new();
        for facts in facts {
            let case = self.case(facts, deal);
            for (person, since) in gaps::awaited(&case).into_iter().filter(|(person, _)| !is_known(person)) {
                all.entry(person.to_owned()).and_modify(|at| *at = since.min(*at)).or_insert(since);
            }
        }
        all
    }

    /// How many deals it is about.
    pub fn deals(&self) -> usize {
        self.contacts.len()
    }

    /// Whom a deal looks for elsewhere.
    pub fn awaited(&self, deal: &str) -> Vec<String> {
        self.awaited.get(deal).into_iter().flat_map(BTreeMap::keys).cloned().collect()
    }

    /// The same without these activities.
    pub fn without(&self, is_out: impl Fn(&Activity) -> bool) -> Self {
        let mut left = self.clone();
        left.all.retain(|_, a| !is_out(a));
        left.elsewhere.values_mut().for_each(|all| all.retain(|a| !is_out(a)));
        left
    }

    /// `deal`: one of those that it is about.
    pub fn case<'a>(&'a self, facts: &'a Facts<'a>, deal: &'a Deal) -> Case<'a> {
        let case = Case::new(facts, deal, self.of(deal), facts.directory.tasks_near(&deal.id));
        case.before(&self.backdrop).and_elsewhere(self.elsewhere.get(&deal.id).into_iter().flatten())
    }

    fn of<'a>(&'a self, deal: &'a Deal) -> impl Iterator<Item = &'a Activity> {
        let own = self.by_deal.get(&deal.id).into_iter().flatten();
        let contacts =
            self.contacts.get(&deal.id).into_iter().flatten().filter_map(|c| self.by_contact.get(c)).flatten();
        own.chain(contacts).filter_map(|id| self.all.get(id))
    }
}

fn grouped(pairs: Vec<(String, String)>) -> HashMap<String, Vec<String>> {
    let mut all: HashMap<String, Vec<String>> = HashMap::new();
    for (key, value) in pairs {
        all.entry(key).or_default().push(value);
    }
    all
}

/// (deal, activity) pairs: what the companies of deals that were closed lately then did on no deal.
async fn of_companies(tx: &mut Tx, dir: &Directory, deals: &[&Deal]) -> Result<Vec<(String, String)>, StoreError> {
    let closed: Vec<(DateTime<Utc>, &String)> =
        deals.iter().filter_map(|d| Some((gaps::first_closed(dir, d)?, d.company.as_ref()?))).collect();
    let Some(first) = closed.iter().map(|c| c.0).min() else { return Ok(Vec::new()) };
    let companies: BTreeSet<String> = closed.into_iter().map(|c| c.1.clone()).collect();
    let companies: Vec<String> = companies.into_iter().collect();
    let loose = activities::timed_links(tx, activities::LOOSE, &companies, first).await?;
    let mut all = Vec::new();
    for deal in deals {
        let mine = loose.iter().filter(|(company, ..)| deal.company.as_ref() == Some(company));
        let near = mine.filter(|(.., at)| gaps::closed_lately(dir, deal, *at));
        all.extend(near.map(|(_, activity, _)| (deal.id.clone(), activity.clone())));
    }
    Ok(all)
}

/// Whom unconfirmed entries on these deals name besides the deals' own contacts: each is taken to its deal's people.
fn named_by_entries(
    rows: &[activities::Stored],
    of_deals: &mut HashMap<String, Vec<String>>,
    dir: &Directory,
) -> Vec<String> {
    let mut named: BTreeSet<String> = BTreeSet::new();
    for entry in rows.iter().map(|s| &s.activity).filter(|a| a.origin == Origin::Typed) {
        for deal in entry.ids(Entity::Deal) {
            let Some(people) = of_deals.get_mut(deal) else { continue };
            for contact in entry.ids(Entity::Contact).map(|id| dir.survivor(id)) {
                if !people.iter().any(|known| known == contact) {
                    people.push(contact.to_owned());
                    named.insert(contact.to_owned());
                }
            }
        }
    }
    named.into_iter().collect()
}
