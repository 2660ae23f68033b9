//! Judges the deals that something touched or whose time has come, each batch in a transaction of its own.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use dealtrail_sdk::Gives;

use super::{Engine, Known, rules::Rules};
use crate::{
    domain::{
        activity::{Activity, Entity, Origin},
        directory::{Deal, Directory},
        gaps::{self, Backdrop, Brings, Capture, Case, ConnectionCoverage, Facts, Finding, Outlook, State},
    },
    store::{
        StoreError, Tx, activities,
        connections::{self, Complete, Connection},
        findings, meta, reviews,
    },
};

/// Deals judged in one transaction.
pub(super) const BATCH: usize = 60;
/// Activities held in memory for them: with fewer deals where much happened on each.
const MOST_HELD: usize = 1500;
/// The state of the directory whose lost deals have no findings left.
const WITHDRAWN: &str = "withdrawn";

impl Engine {
    /// Judges everything due. Findings of deals that no CRM has any more are withdrawn.
    pub async fn review_due(&self) -> Result<(), StoreError> {
        self.store.wake_waiting_deals().await?;
        while !self.review_batches().await? {}
        self.review_subjects().await
    }

    /// What everything judged now shares; what each user's connections could see is still to come.
    pub(super) fn facts<'k>(&self, known: &'k Known, rules: &'k Rules) -> Facts<'k> {
        Facts {
            directory: &known.directory,
            thresholds: &rules.thresholds,
            captures: BTreeMap::new(),
            calendars: &rules.calendars,
            calendar: rules.organization.clone(),
            stays: &known.stays,
            now: self.now(),
        }
    }

    /// Judges with one state of the directory; false when it changed meanwhile and judging must begin anew.
    async fn review_batches(&self) -> Result<bool, StoreError> {
        let known = self.known();
        if !self.mark_judged_otherwise(&known).await? {
            return Ok(false);
        }
        let mut facts = self.facts(&known, &self.rules);
        let now = facts.now;
        self.withdraw_lost(&known, now).await?;
        loop {
            let mut tx = self.store.begin().await?;
            if self.known_in(&mut tx).await?.version != known.version {
                return Ok(false);
            }
            let due = reviews::due(&mut tx, now, BATCH as i64).await?;
            if due.is_empty() {
                return Ok(true);
            }
            let rest = due.len() == BATCH;
            let mut deals: Vec<&Deal> = due.iter().filter_map(|id| known.directory.deals.get(id)).collect();
            let evidence = Evidence::load(self, &mut tx, &known, &deals).await?;
            // the others stay due
            let rest = rest || evidence.deals() < deals.len();
            deals.truncate(evidence.deals());
            let watched = deals.iter().flat_map(|deal| Case::watched(&known.directory, deal, &evidence.backdrop));
            facts.captures = self.captures(&mut tx, Some(&watched.collect())).await?;
            let mut existing: HashMap<String, Vec<Finding>> = HashMap::new();
            for f in findings::of_deals(&mut tx, &due).await? {
                existing.entry(f.deal.clone().unwrap_or_default()).or_default().push(f);
            }
            let mut changed = Vec::new();
            let mut seen_to = Vec::new();
            for deal in &deals {
                let old = existing.remove(&deal.id).unwrap_or_default();
                let (new, outlook) = judged(&facts, &evidence, deal, &old);
                let blind = new.iter().any(|f| f.state == State::Unknown);
                let waits = blind || !outlook.waits_for.is_empty();
                let next =
                    outlook.next_due.unwrap_or(now + TimeDelta::days(3650)).max(now + TimeDelta::milliseconds(1));
                seen_to.push((deal.id.clone(), next, waits));
                changed.extend(new.into_iter().filter(|f| !old.contains(f)));
            }
            findings::save(&mut tx, &changed).await?;
            reviews::judged(&mut tx, &seen_to, now).await?;
            let lost: Vec<String> = due.iter().filter(|id| !known.directory.deals.contains_key(*id)).cloned().collect();
            reviews::forget(&mut tx, &lost).await?;
            tx.commit().await?;
            if !rest {
                return Ok(true);
            }
        }
    }

    /// Once for each state of the directory: only a change of it can lose a deal.
    async fn withdraw_lost(&self, known: &Known, now: DateTime<Utc>) -> Result<(), StoreError> {
        // a CRM that is no longer configured takes its deals along without a change of its records
        let version = format!("{} {}", known.version, known.directory.deals.len());
        if self.store.meta(WITHDRAWN).await?.as_ref() == Some(&version) {
            return Ok(());
        }
        let mut tx = self.store.begin().await?;
        let mut lost = findings::live(&mut tx).await?;
        lost.retain(|f| f.deal.as_ref().is_some_and(|deal| !known.directory.deals.contains_key(deal)));
        for f in &mut lost {
            f.state = State::Withdrawn;
            f.resolved_at = Some(now);
        }
        findings::save(&mut tx, &lost).await?;
        meta::set(&mut tx, WITHDRAWN, &version).await?;
        tx.commit().await
    }

    /// What the connections of these users could see, or of all; shared mailboxes are those of their members.
    pub(super) async fn captures(
        &self,
        tx: &mut Tx,
        of: Option<&BTreeSet<&str>>,
    ) -> Result<BTreeMap<String, Capture>, StoreError> {
        let members: HashMap<&str, &[String]> =
            self.connections.iter().map(|c| (c.name.as_str(), c.members.as_slice())).collect();
        let wanted = of.map(|users| {
            let shares = |members: &[String]| members.iter().any(|m| users.contains(m.as_str()));
            let shared = members.iter().filter(|(_, members)| shares(members)).map(|(name, _)| *name);
            users.iter().copied().chain(shared).map(str::to_owned).collect::<Vec<_>>()
        });
        let mut all: BTreeMap<String, Capture> = BTreeMap::new();
        for (c, complete) in connections::read_so_far(tx, wanted.as_deref()).await? {
            let Some(coverage) = coverage(&c, complete) else { continue };
            let members = members.get(c.name.as_str()).copied().unwrap_or_default();
            for person in c.owner.iter().chain(members).collect::<BTreeSet<_>>() {
                all.entry(person.clone()).or_default().connections.push(coverage.clone());
            }
        }
        Ok(all)
    }
}

/// All findings of a deal after this judging, and when to come back.
pub(super) fn judged(facts: &Facts<'_>, evidence: &Evidence, deal: &Deal, old: &[Finding]) -> (Vec<Finding>, Outlook) {
    let tasks = facts.directory.tasks_near(&deal.id);
    let case = Case::new(facts, deal, evidence.of(deal), tasks).before(&evidence.backdrop);
    let new = gaps::reconcile(old, gaps::judge(&case), &case);
    let outlook = gaps::outlook(&case, &new);
    (new, outlook)
}

fn coverage(c: &Connection, complete: Complete) -> Option<ConnectionCoverage> {
    let brings = if c.gives == gives_text(Gives::Mail) {
        Brings::Mail
    } else if c.gives == gives_text(Gives::Calendar) {
        Brings::Calendar
    } else {
        return None;
    };
    let Complete { from: complete_from, to: complete_to } = complete;
    let failing = matches!(c.state, connections::State::Failing | connections::State::NeedsAction);
    let until = if c.removed { complete_to.or(Some(c.since)) } else { None };
    Some(ConnectionCoverage { name: c.name.clone(), brings, complete_from, complete_to, failing, until })
}

pub fn gives_text(gives: Gives) -> &'static str {
    match gives {
        Gives::Mail => "mail",
        Gives::Calendar => "calendar",
        Gives::Crm => "crm",
    }
}

/// The activities near some deals.
#[derive(Clone)]
pub(super) struct Evidence {
    all: HashMap<String, Activity>,
    by_deal: HashMap<String, Vec<String>>,
    by_contact: HashMap<String, Vec<String>>,
    /// The surviving contacts of each deal, and of the entries typed on it.
    contacts: HashMap<String, Vec<String>>,
    backdrop: Backdrop,
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

impl Evidence {
    /// What is near the first of these deals: near as many as can be held at once, and at least one.
    pub async fn load(engine: &Engine, tx: &mut Tx, known: &Known, deals: &[&Deal]) -> Result<Self, StoreError> {
        let ids: Vec<String> = deals.iter().map(|d| d.id.clone()).collect();
        let of_deals = deals.iter().map(|d| {
            let mut all = Case::contacts_of(&known.directory, d);
            // a step is taken with its contact, whether or not the deal names it
            all.extend(known.directory.step_contacts(&d.id));
            (d.id.clone(), all.into_iter().map(str::to_owned).collect())
        });
        let mut of_deals: HashMap<String, Vec<String>> = of_deals.collect();
        let contacts: BTreeSet<String> = of_deals.values().flatten().cloned().collect();
        let contacts: Vec<String> = contacts.into_iter().collect();
        let mut by_deal: HashMap<String, Vec<String>> = HashMap::new();
        for (deal, activity) in activities::links(tx, &[Entity::Deal.as_str(), activities::CANDIDATE], &ids).await? {
            by_deal.entry(deal).or_default().push(activity);
        }
        let mut by_contact: HashMap<String, Vec<String>> = HashMap::new();
        for (contact, activity) in activities::links(tx, &[Entity::Contact.as_str()], &contacts).await? {
            by_contact.entry(contact).or_default().push(activity);
        }
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
        let named = named_by_entries(&rows, &mut of_deals, &known.directory);
        for (contact, activity) in activities::links(tx, &[Entity::Contact.as_str()], &named).await? {
            by_contact.entry(contact).or_default().push(activity);
        }
        let more = named.iter().filter_map(|c| by_contact.get(c)).flatten();
        let more: BTreeSet<String> = more.filter(|id| !wanted.contains(*id)).cloned().collect();
        rows.extend(activities::by_ids(tx, &more.into_iter().collect::<Vec<_>>()).await?);
        let of_held = deals.iter().filter(|d| held.contains(d.id.as_str()));
        let mut people: BTreeSet<&str> = of_held.flat_map(|d| Case::contacts_of(&known.directory, d)).collect();
        // whoever took part may be away, whether or not the deal names them: what is judged with it must not matter
        people.extend(rows.iter().flat_map(|s| gaps::people(&known.directory, &s.activity)));
        let backdrop = engine.backdrop(tx, known, &rows, &people).await?;
        let all = rows.into_iter().map(|s| (s.activity.id.clone(), s.activity)).collect();
        Ok(Self { all, by_deal, by_contact, contacts: of_deals, backdrop })
    }

    /// How many deals it is about.
    pub fn deals(&self) -> usize {
        self.contacts.len()
    }

    /// The same without these activities.
    pub fn without(&self, is_out: impl Fn(&Activity) -> bool) -> Self {
        let mut left = self.clone();
        left.all.retain(|_, a| !is_out(a));
        left
    }

    fn of<'a>(&'a self, deal: &'a Deal) -> impl Iterator<Item = &'a Activity> {
        let own = self.by_deal.get(&deal.id).into_iter().flatten();
        let contacts =
            self.contacts.get(&deal.id).into_iter().flatten().filter_map(|c| self.by_contact.get(c)).flatten();
        own.chain(contacts).filter_map(|id| self.all.get(id))
    }
}
