//! Judges what is no deal: contacts that a rep made, companies without a deal, entries typed into the CRM on no deal. Marks
//! them where activities and the CRM's records change, and drops from the watch what has nothing more to be judged.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};

use super::{Engine, Known};
use crate::{
    domain::{
        activity::{self, Activity, Entity, Match, Origin},
        directory::Directory,
        gaps::{Backdrop, Facts, Finding, State, Subject, SubjectCase},
        span::Span,
    },
    store::{
        StoreError, Tx,
        activities::{self, Stored},
        findings, reviews, signals, subjects,
    },
};

/// Judged in one transaction.
const BATCH: i64 = 300;

/// What changed activities touch besides deals.
#[derive(Debug, Default)]
pub struct Touched {
    /// Watched from now on.
    marked: BTreeSet<String>,
    /// Looked at again if they are watched.
    woken: BTreeSet<String>,
    contacts: BTreeSet<String>,
    /// Contacts of whom less is seen than before: entries that name them are watched again.
    doubted: BTreeSet<String>,
    addresses: BTreeSet<String>,
}

impl Touched {
    /// Notes an activity as it was or as it is now.
    pub fn note(&mut self, activity: &Activity, matches: &[Match], undecided: &[String]) {
        let loose = activity::is_loose(matches, undecided);
        self.addresses.extend(activity.participants.iter().filter(|p| p.user.is_none()).map(|p| p.address.clone()));
        for m in matches {
            match m.entity {
                Entity::Contact => {
                    self.woken.insert(format!("contact:{}", m.id));
                    self.contacts.insert(m.id.clone());
                }
                Entity::Company if loose => drop(self.marked.insert(format!("company:{}", m.id))),
                Entity::Company => drop(self.woken.insert(format!("company:{}", m.id))),
                Entity::Deal => {}
            }
        }
        if activity.origin == Origin::Typed {
            self.marked.insert(format!("activity:{}", activity.id));
        }
    }

    /// These no longer take part in what they took part in: what they had answered is open again.
    pub fn parted(&mut self, addresses: Vec<String>, dir: &Directory) {
        self.contacts.extend(addresses.iter().filter_map(|a| dir.contact_by_address(a)).map(|c| c.id.clone()));
        self.addresses.extend(addresses);
    }

    /// What an activity no longer shows is in doubt again.
    pub fn taken(&mut self, before: &[Match], now: &[Match]) {
        let contact = |m: &&Match| m.entity == Entity::Contact;
        let lost = before.iter().filter(contact).filter(|m| !now.iter().filter(contact).any(|n| n.id == m.id));
        for m in lost {
            self.marked.insert(format!("contact:{}", m.id));
            self.doubted.insert(m.id.clone());
        }
    }

    /// The activity goes away: what it had shown is in doubt again.
    pub fn gone(&mut self, activity: &Activity) {
        self.note(activity, &activity.matches, &activity.undecided);
        self.taken(&activity.matches, &[]);
    }

    pub async fn write(self, tx: &mut Tx) -> Result<(), StoreError> {
        let people: Vec<String> = self.contacts.iter().chain(&self.addresses).cloned().collect();
        reviews::mark_awaiting(tx, &people).await?;
        let contacts: Vec<String> = self.contacts.into_iter().collect();
        let mut woken: Vec<String> = self.woken.into_iter().collect();
        let entries = subjects::entries_of(tx, &contacts).await?;
        // what confirms an entry need not be near its deal
        let on = activities::by_ids(tx, &entries).await?;
        let deals = on.iter().flat_map(|s| s.activity.ids(Entity::Deal)).map(str::to_owned);
        reviews::mark(tx, deals.collect::<Vec<_>>()).await?;
        woken.extend(entries.into_iter().map(|id| format!("activity:{id}")));
        subjects::wake(tx, &woken).await?;
        let doubted: Vec<String> = self.doubted.into_iter().collect();
        let in_doubt = subjects::entries_of(tx, &doubted).await?.into_iter().map(|id| format!("activity:{id}"));
        subjects::mark(tx, self.marked.into_iter().chain(in_doubt)).await
    }
}

/// What of a batch must be looked at, loaded.
#[derive(Clone)]
pub(super) struct Loaded {
    all: HashMap<String, Activity>,
    /// Ids of the activities of each subject.
    near: HashMap<String, Vec<String>>,
    backdrop: Backdrop,
}

impl Loaded {
    /// The same without these activities.
    pub fn without(&self, is_out: impl Fn(&Activity) -> bool) -> Self {
        let mut left = self.clone();
        left.all.retain(|_, a| !is_out(a));
        left
    }
}

impl Engine {
    /// Judges every contact, company and entry that is due.
    pub(super) async fn review_subjects(&self) -> Result<(), StoreError> {
        self.store.wake_waiting_subjects().await?;
        while self.store.subjects_due(self.now()).await? && !self.review_subject_batches().await? {}
        Ok(())
    }

    /// Judges with one state of the directory; false when it changed meanwhile.
    async fn review_subject_batches(&self) -> Result<bool, StoreError> {
        let known = self.known();
        let mut facts = self.facts(&known, &self.rules);
        let now = facts.now;
        loop {
            let mut tx = self.store.begin().await?;
            if self.known_in(&mut tx).await?.version != known.version {
                return Ok(false);
            }
            if facts.captures.is_empty() {
                facts.captures = self.captures(&mut tx, None).await?;
            }
            let due = subjects::due(&mut tx, now, BATCH).await?;
            if due.is_empty() {
                return Ok(true);
            }
            let loaded = self.load_subjects(&mut tx, &known, now, window(&facts), &due).await?;
            let mut existing: HashMap<String, Vec<Finding>> = HashMap::new();
            for f in findings::of_subjects(&mut tx, &due).await? {
                existing.entry(f.subject()).or_default().push(f);
            }
            let (mut changed, mut judged, mut done) = (Vec::new(), Vec::new(), Vec::new());
            for name in &due {
                let old = existing.remove(name).unwrap_or_default();
                let case = case(&facts, &known, &loaded, name);
                let new = case.reconcile(&old);
                let outlook = case.outlook(&new);
                // what resolved one may be replaced by what was earlier and is read later
                let watched = new.iter().any(|f| f.state.is_live() || f.state == State::Resolved);
                let waits = !outlook.waits_for.is_empty() || new.iter().any(|f| f.state == State::Unknown);
                match outlook.next_due {
                    None if !watched && !waits => done.push(name.clone()),
                    next => judged.push((name.clone(), next.unwrap_or(now + TimeDelta::days(3650)), waits)),
                }
                changed.extend(new.into_iter().filter(|f| !old.contains(f)));
            }
            findings::save(&mut tx, &changed).await?;
            subjects::judged(&mut tx, &judged, now).await?;
            subjects::forget(&mut tx, &done).await?;
            tx.commit().await?;
        }
    }

    /// `since`: how far back the exchange with a company is looked at.
    pub(super) async fn load_subjects(
        &self,
        tx: &mut Tx,
        known: &Known,
        now: DateTime<Utc>,
        since: DateTime<Utc>,
        due: &[String],
    ) -> Result<Loaded, StoreError> {
        let of = |kind: &str| -> Vec<String> {
            due.iter().filter_map(|name| Some(name.strip_prefix(kind)?.strip_prefix(':')?.to_owned())).collect()
        };
        let mut near: HashMap<String, Vec<String>> = HashMap::new();
        for (contact, activity) in subjects::first_captured(tx, &of("contact")).await? {
            near.entry(format!("contact:{contact}")).or_default().push(activity);
        }
        for (company, activity) in subjects::links_since(tx, "company", &of("company"), since).await? {
            near.entry(format!("company:{company}")).or_default().push(activity);
        }
        // an entry is compared with everything around it that is tied to its contacts
        let entries = activities::by_ids(tx, &of("activity")).await?;
        let contacts: BTreeSet<String> =
            entries.iter().flat_map(|s| s.activity.ids(Entity::Contact)).map(str::to_owned).collect();
        let contacts: Vec<String> = contacts.into_iter().collect();
        let mut of_contact: HashMap<String, Vec<String>> = HashMap::new();
        let first = entries.iter().map(|s| s.activity.occurred_at).min().unwrap_or(now) - TimeDelta::days(40);
        for (contact, activity) in subjects::links_since(tx, "contact", &contacts, first).await? {
            of_contact.entry(contact).or_default().push(activity);
        }
        for s in &entries {
            let mine = s.activity.ids(Entity::Contact).filter_map(|c| of_contact.get(c)).flatten().cloned();
            let mut mine: Vec<String> = mine.collect();
            mine.push(s.activity.id.clone());
            near.insert(format!("activity:{}", s.activity.id), mine);
        }
        let wanted: BTreeSet<&String> = near.values().flatten().collect();
        let wanted: Vec<String> = wanted.into_iter().cloned().collect();
        let rows = activities::by_ids(tx, &wanted).await?;
        let backdrop = self.backdrop(tx, known, &rows, &BTreeSet::new()).await?;
        let all = rows.into_iter().map(|s| (s.activity.id.clone(), s.activity)).collect();
        Ok(Loaded { all, near, backdrop })
    }

    /// What judging needs beside these activities; absences of these contacts.
    pub(super) async fn backdrop(
        &self,
        tx: &mut Tx,
        known: &Known,
        rows: &[Stored],
        contacts: &BTreeSet<&str>,
    ) -> Result<Backdrop, StoreError> {
        let ids: Vec<String> = rows.iter().map(|s| s.activity.id.clone()).collect();
        let people: Vec<_> = contacts.iter().filter_map(|id| known.directory.contacts.get(*id)).collect();
        let mut backdrop = Backdrop {
            threads: rows.iter().filter_map(|s| Some((s.activity.id.clone(), s.thread.clone()?))).collect(),
            away: signals::absences(tx, &self.store, &people).await?,
            ..Backdrop::default()
        };
        for (activity, owner) in subjects::typists(tx, &ids).await? {
            let owner = owner.map(|o| known.directory.user(&o).map_or(o.clone(), |user| user.email.clone()));
            backdrop.typists.entry(activity).or_insert(owner);
        }
        Ok(backdrop)
    }
}

/// How far back the exchange with a company is looked at.
pub(super) fn window(facts: &Facts<'_>) -> DateTime<Utc> {
    let within = facts.thresholds.rule("activity_without_deal").span("within", None, "");
    // and a working day more: what happened on the days off before it has not faded either
    facts.calendar.sub(facts.calendar.sub(facts.now, within), Span::WorkDays(1)) - TimeDelta::days(1)
}

pub(super) fn case<'a>(facts: &'a Facts<'a>, known: &'a Known, loaded: &'a Loaded, name: &str) -> SubjectCase<'a> {
    let dir = &known.directory;
    let subject = match name.split_once(':') {
        Some(("contact", id)) => dir.contacts.get(id).map(Subject::Contact),
        Some(("company", id)) => dir.companies.get(id).map(Subject::Company),
        Some(("activity", id)) => loaded.all.get(id).map(Subject::Entry),
        _ => None,
    };
    let near = loaded.near.get(name).into_iter().flatten().filter_map(|id| loaded.all.get(id));
    SubjectCase::new(facts, name, subject.unwrap_or(Subject::Gone), near, &loaded.backdrop)
}
