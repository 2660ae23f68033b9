//! What changed records of a CRM touch of the history: whose mail waited for them, what is matched again, which deals, people and
//! entries are judged again. Writes marks, decides nothing.

use std::collections::BTreeSet;

use dealtrail_sdk::record;

use super::{Known, corroborate};
use crate::{
    domain::{activity::Entity, address, directory::Directory},
    store::{Store, StoreError, Tx, activities, directory, items, meta, rematch, reviews, subjects},
};

/// Everything that changed records touch.
#[derive(Debug, Default)]
pub struct Touched {
    addresses: BTreeSet<String>,
    domains: BTreeSet<String>,
    contacts: BTreeSet<String>,
    companies: BTreeSet<String>,
    deals: BTreeSet<String>,
    /// New ids and names of deals, which mails may have named before.
    codes: BTreeSet<String>,
    everything: bool,
    /// Records vanished or were changed, not only added.
    pub(super) lost: bool,
}

impl Touched {
    pub(super) fn of_deals(deals: BTreeSet<String>) -> Self {
        Self { deals, ..Self::default() }
    }

    pub(super) fn note(&mut self, kind: &str, body: &str, dir: &Directory) -> Result<(), StoreError> {
        let fold = |a: &str| address::fold(a, &dir.ours.subaddress);
        match kind {
            "company" => {
                let r: record::Company = serde_json::from_str(body)?;
                self.domains.extend(r.domains.iter().map(|d| address::fold_domain(d)));
                self.companies.insert(r.id);
            }
            "contact" => {
                let r: record::Contact = serde_json::from_str(body)?;
                self.addresses.extend(r.emails.iter().filter_map(|e| fold(e)));
                self.contacts.insert(r.id);
                self.contacts.extend(r.merged_into);
                self.companies.extend(r.company);
            }
            "stage" => self.everything = true,
            "deal" => {
                let r: record::Deal = serde_json::from_str(body)?;
                self.codes.extend([r.id.clone(), r.name.clone()]);
                self.deal(r);
            }
            "stage_change" => {
                self.deals.insert(serde_json::from_str::<record::StageChange>(body)?.deal);
            }
            "deal_change" => {
                self.deals.insert(serde_json::from_str::<record::DealChange>(body)?.deal);
            }
            "typed" => self.deals.extend(serde_json::from_str::<record::Typed>(body)?.deal),
            "task" => {
                let r: record::Task = serde_json::from_str(body)?;
                self.deals.extend(r.deal);
                self.contacts.extend(r.contact);
            }
            "quote" => {
                self.deals.insert(serde_json::from_str::<record::Quote>(body)?.deal);
            }
            _ => {}
        }
        Ok(())
    }

    fn deal(&mut self, r: record::Deal) {
        self.companies.extend(r.company);
        self.contacts.extend(r.contacts.into_iter().map(|c| c.contact));
        self.deals.insert(r.id);
    }

    /// What names a merged contact hangs on the one that took it in, and is its own again where that one is not there.
    fn merged(&mut self, dir: &Directory) {
        let survivors: Vec<String> = self.contacts.iter().map(|c| dir.survivor(c).to_owned()).collect();
        self.contacts.extend(survivors);
        for c in dir.contacts.values().filter(|c| c.merged_into.is_some()) {
            let next = |id: &&String| dir.contacts.get(*id).and_then(|c| c.merged_into.as_ref());
            // nobody is merged that often: the end is for those who are merged in a circle
            let mut into = std::iter::successors(c.merged_into.as_ref(), next).take(16);
            if into.any(|id| self.contacts.contains(id)) {
                self.addresses.extend(c.emails.iter().cloned());
                self.contacts.insert(c.id.clone());
            }
        }
    }

    /// Writes down what must be looked at again: waiting items, activities, deals.
    pub(super) async fn mark(mut self, tx: &mut Tx, store: &Store, codes: &Known) -> Result<(), StoreError> {
        meta::directory_changed(tx).await?;
        corroborate::due(tx).await?;
        let none_yet = !items::any_history(tx).await?;
        let deals: Vec<String> = self.deals.iter().cloned().collect();
        reviews::mark(tx, self.deals.iter().cloned()).await?;
        let people = self.contacts.iter().map(|c| format!("contact:{c}"));
        subjects::mark(tx, people.chain(self.companies.iter().map(|c| format!("company:{c}"))).collect::<Vec<_>>())
            .await?;
        if none_yet {
            return Ok(());
        }
        for body in directory::of_parents(tx, "deal", &deals).await? {
            self.deal(serde_json::from_str(&body)?);
        }
        subjects::mark(tx, self.companies.iter().map(|c| format!("company:{c}")).collect::<Vec<_>>()).await?;
        let dir = &codes.directory;
        self.merged(dir);
        let list = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>();
        if self.lost {
            // whoever was known by these may be unknown now: their mail is decided again
            let mut ids = activities::with_addresses(tx, &list(&self.addresses)).await?;
            ids.extend(activities::with_domains(tx, &list(&self.domains)).await?);
            items::recheck_of(tx, &ids).await?;
        }
        let hashes =
            self.addresses.iter().map(|a| format!("a:{a}")).chain(self.domains.iter().map(|d| format!("d:{d}")));
        items::wake(tx, &hashes.map(|t| store.blind(&t)).collect::<Vec<_>>()).await?;
        if self.everything {
            rematch::add_all(tx).await?;
            return reviews::judge_all(tx).await;
        }
        let mut ids: BTreeSet<String> = BTreeSet::new();
        ids.extend(activities::with_addresses(tx, &list(&self.addresses)).await?);
        ids.extend(activities::with_domains(tx, &list(&self.domains)).await?);
        ids.extend(activities::linked(tx, Entity::Contact, &list(&self.contacts)).await?);
        ids.extend(activities::linked(tx, Entity::Company, &list(&self.companies)).await?);
        ids.extend(activities::linked(tx, Entity::Deal, &list(&self.deals)).await?);
        // people who belong to a company by the CRM's word, not by their domain
        let staff = codes
            .directory
            .contacts
            .values()
            .filter(|c| c.company.as_ref().is_some_and(|c| self.companies.contains(c)));
        ids.extend(activities::linked(tx, Entity::Contact, &staff.map(|c| c.id.clone()).collect::<Vec<_>>()).await?);
        for code in codes.codes.in_names(self.codes.iter().map(String::as_str)) {
            ids.extend(activities::mentioning(tx, &code).await?);
        }
        // judging looks at a deal's contacts too: their other deals decide whether their mail counts
        let near = codes.directory.deals.values().filter(|d| {
            d.contacts
                .iter()
                .any(|c| self.contacts.contains(&c.contact) || self.contacts.contains(dir.survivor(&c.contact)))
                || d.company.as_ref().is_some_and(|c| self.companies.contains(c))
        });
        reviews::mark(tx, near.map(|d| d.id.clone()).collect::<Vec<_>>()).await?;
        let steps = self.contacts.iter().flat_map(|c| dir.deals_of_steps(dir.survivor(c)));
        reviews::mark(tx, steps.cloned().collect::<BTreeSet<_>>()).await?;
        // findings name people: also where somebody takes part whom the deal does not name, and in entries on no deal
        let people = list(&self.contacts);
        let on = activities::deals_with(tx, &people).await?;
        reviews::mark(tx, on).await?;
        let entries = subjects::entries_of(tx, &people).await?;
        subjects::mark(tx, entries.iter().map(|id| format!("activity:{id}"))).await?;
        rematch::add(tx, ids).await
    }
}
