//! What the CRM and the configuration know, indexed for the decisions: who is ours, whose address or domain this is,
//! which deals were open when. Ids are unique over all CRMs (prefixed `connection/` when there are two).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, Utc};

pub use dealtrail_sdk::record::{ContactRole, Quality, StageKind};

use super::address;

/// One of us.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    /// Folded; the user's id.
    pub email: String,
    pub name: String,
    pub team: Option<String>,
    pub manager: bool,
    pub aliases: Vec<String>,
    /// Last day of work, when the user left.
    pub until: Option<DateTime<Utc>>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Company {
    pub id: String,
    pub name: String,
    /// Folded.
    pub domains: Vec<String>,
    pub owner: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Contact {
    pub id: String,
    pub name: Option<String>,
    /// Folded.
    pub emails: Vec<String>,
    pub company: Option<String>,
    pub owner: Option<String>,
    pub created_at: Option<DateTime<Utc>>,
    pub merged_into: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    pub id: String,
    pub pipeline: Option<String>,
    pub name: String,
    pub position: i64,
    pub kind: StageKind,
    pub probability: Option<f64>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct StageChange {
    pub from: Option<String>,
    pub to: String,
    pub at: DateTime<Utc>,
    /// For `Observed`: the reading before; the move happened in (`not_before`, `at`].
    pub not_before: Option<DateTime<Utc>>,
    pub by: Option<String>,
    pub quality: Quality,
}

#[derive(Clone, Debug, PartialEq)]
pub struct FieldChange {
    /// `amount`, `close_date`, `owner`, `forecast_category`.
    pub field: String,
    pub from: Option<String>,
    pub to: Option<String>,
    pub at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Deal {
    pub id: String,
    pub name: String,
    pub company: Option<String>,
    pub contacts: Vec<ContactRole>,
    /// Folded email.
    pub owner: String,
    pub pipeline: Option<String>,
    pub stage: String,
    pub amount: Option<f64>,
    pub currency: Option<String>,
    pub close_date: Option<NaiveDate>,
    pub forecast_category: Option<String>,
    pub created_at: Option<DateTime<Utc>>,
    pub closed_at: Option<DateTime<Utc>>,
    /// Oldest first. The entry into the first stage is the change whose `from` is `None`.
    pub stage_changes: Vec<StageChange>,
    /// Oldest first.
    pub field_changes: Vec<FieldChange>,
}

/// A step somebody planned in the CRM.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    pub id: String,
    pub deal: Option<String>,
    pub contact: Option<String>,
    pub owner: String,
    pub due: DateTime<Utc>,
    pub done_at: Option<DateTime<Utc>>,
}

/// Addresses and domains that are ours, partners', or nobody's in particular.
#[derive(Clone, Debug, Default)]
pub struct Ours {
    pub domains: Vec<String>,
    pub external: Vec<String>,
    pub partner_domains: Vec<String>,
    pub free_mail: BTreeSet<String>,
    pub subaddress: BTreeMap<String, char>,
    pub users: Vec<User>,
}

#[derive(Clone, Debug, Default)]
pub struct Directory {
    pub ours: Ours,
    users_by_address: HashMap<String, usize>,
    pub companies: HashMap<String, Company>,
    pub contacts: HashMap<String, Contact>,
    pub deals: HashMap<String, Deal>,
    pub stages: HashMap<String, Stage>,
    tasks: Vec<Task>,
    /// Positions of tasks by their deal; under no deal those that are on none.
    tasks_by_deal: HashMap<Option<String>, Vec<usize>>,
    /// Deals with a step that is planned with a contact, by the contact.
    deals_by_step: HashMap<String, Vec<String>>,
    /// When quotes were sent, by deal, as the CRM's own records tell.
    pub quotes: HashMap<String, Vec<DateTime<Utc>>>,
    domains: HashMap<String, String>,
    addresses: HashMap<String, String>,
    deals_by_company: HashMap<String, Vec<String>>,
    deals_by_contact: HashMap<String, Vec<String>>,
}

impl Directory {
    /// Builds the indexes. Merged contacts hand their addresses to the survivor.
    pub fn new(
        ours: Ours,
        companies: Vec<Company>,
        contacts: Vec<Contact>,
        stages: Vec<Stage>,
        deals: Vec<Deal>,
        tasks: Vec<Task>,
    ) -> Self {
        let mut d = Self { ours, tasks, ..Self::default() };
        for (i, u) in d.ours.users.iter().enumerate() {
            d.users_by_address.insert(u.email.clone(), i);
            for a in &u.aliases {
                d.users_by_address.insert(a.clone(), i);
            }
        }
        d.stages = stages.into_iter().map(|s| (s.id.clone(), s)).collect();
        d.companies = companies.into_iter().map(|c| (c.id.clone(), c)).collect();
        d.contacts = contacts.into_iter().map(|c| (c.id.clone(), c)).collect();
        d.deals = deals.into_iter().map(|x| (x.id.clone(), x)).collect();
        d.index_domains();
        d.index_deals();
        d.index_addresses();
        d.index_tasks();
        d
    }

    pub fn tasks(&self) -> &[Task] {
        &self.tasks
    }

    /// Those on a deal, and those on none, which may be with one of its contacts.
    pub fn tasks_near(&self, deal: &str) -> impl Iterator<Item = &Task> {
        let of = |deal: Option<&str>| self.tasks_by_deal.get(&deal.map(str::to_owned)).into_iter().flatten();
        of(Some(deal)).chain(of(None)).map(|n| &self.tasks[*n])
    }

    /// With whom the steps on a deal are planned.
    pub fn step_contacts(&self, deal: &str) -> impl Iterator<Item = &str> {
        let on = self.tasks_by_deal.get(&Some(deal.to_owned())).into_iter().flatten();
        on.filter_map(|n| self.tasks[*n].contact.as_deref()).map(|contact| self.survivor(contact))
    }

    /// The deals that have a step planned with this contact.
    pub fn deals_of_steps(&self, contact: &str) -> &[String] {
        self.deals_by_step.get(contact).map_or(&[], Vec::as_slice)
    }

    fn index_tasks(&mut self) {
        let mut with: HashMap<String, BTreeSet<String>> = HashMap::new();
        for (n, task) in self.tasks.iter().enumerate() {
            self.tasks_by_deal.entry(task.deal.clone()).or_default().push(n);
            if let (Some(deal), Some(contact)) = (&task.deal, &task.contact) {
                with.entry(self.survivor(contact).to_owned()).or_default().insert(deal.clone());
            }
        }
        self.deals_by_step = with.into_iter().map(|(contact, deals)| (contact, deals.into_iter().collect())).collect();
    }

    #[cfg(test)]
    pub fn with_tasks(self, tasks: Vec<Task>) -> Self {
        let mut with = Self { tasks, tasks_by_deal: HashMap::new(), ..self };
        with.index_tasks();
        with
    }

    fn index_domains(&mut self) {
        let mut ids: Vec<&Company> = self.companies.values().collect();
        ids.sort_by(|a, b| a.id.cmp(&b.id));
        for c in ids {
            for domain in &c.domains {
                if address::usable_domain(domain, &self.ours.free_mail) {
                    self.domains.entry(domain.clone()).or_insert_with(|| c.id.clone());
                }
            }
        }
    }

    fn index_deals(&mut self) {
        let mut ids: Vec<String> = self.deals.keys().cloned().collect();
        ids.sort();
        for id in ids {
            let deal = &self.deals[&id];
            if let Some(c) = &deal.company {
                self.deals_by_company.entry(c.clone()).or_default().push(id.clone());
            }
            let mut seen = BTreeSet::new();
            for role in &deal.contacts {
                let contact = self.survivor(&role.contact).to_owned();
                if seen.insert(contact.clone()) {
                    self.deals_by_contact.entry(contact).or_default().push(id.clone());
                }
            }
        }
    }

    /// Two contacts, one address: the one with a role on an open deal, else the older (product rule).
    fn index_addresses(&mut self) {
        let mut ids: Vec<String> = self.contacts.keys().cloned().collect();
        ids.sort_by_cached_key(|id| self.precedence(id));
        let mut addresses = HashMap::new();
        for id in &ids {
            for email in &self.contacts[id].emails {
                addresses.entry(email.clone()).or_insert_with(|| self.survivor(id).to_owned());
            }
        }
        self.addresses = addresses;
    }

    fn precedence(&self, id: &str) -> (bool, DateTime<Utc>, String) {
        let survivor = self.survivor(id);
        let open = self.deals_of_contact(survivor).iter().any(|d| {
            self.deals.get(d).and_then(|d| self.stages.get(&d.stage)).is_none_or(|s| s.kind == StageKind::Open)
        });
        let created = self.contacts.get(survivor).and_then(|c| c.created_at).unwrap_or(DateTime::<Utc>::MAX_UTC);
        (!open, created, survivor.to_owned())
    }

    /// The addresses of merged contacts by the contact that has them now.
    pub fn taken_over(&self) -> HashMap<&str, Vec<&str>> {
        let mut all: HashMap<&str, Vec<&str>> = HashMap::new();
        let mut merged: Vec<&Contact> = self.contacts.values().filter(|c| self.survivor(&c.id) != c.id).collect();
        merged.sort_by_key(|c| &c.id);
        for contact in merged {
            all.entry(self.survivor(&contact.id)).or_default().extend(contact.emails.iter().map(String::as_str));
        }
        all
    }

    /// The contact that took this one in, or itself. Cycles end where they began.
    pub fn survivor<'a>(&'a self, id: &'a str) -> &'a str {
        let mut at = id;
        for _ in 0..16 {
            match self.contacts.get(at).and_then(|c| c.merged_into.as_deref()) {
                Some(next) if next != id && self.contacts.contains_key(next) => at = next,
                _ => return at,
            }
        }
        at
    }

    /// The user with this folded address.
    pub fn user(&self, address: &str) -> Option<&User> {
        self.users_by_address.get(address).map(|i| &self.ours.users[*i])
    }

    /// Ours: a user's address or alias, or a domain of ours or below, unless listed as external.
    pub fn is_ours(&self, address: &str) -> bool {
        if self.users_by_address.contains_key(address) {
            return true;
        }
        let Some(domain) = address::domain(address) else { return false };
        let external = self.ours.external.iter().any(|e| e == address || address::is_below(domain, e));
        !external && self.ours.domains.iter().any(|d| address::is_below(domain, d))
    }

    pub fn is_partner(&self, address: &str) -> bool {
        address::domain(address)
            .is_some_and(|domain| self.ours.partner_domains.iter().any(|p| address::is_below(domain, p)))
    }

    /// The surviving contact with this folded address.
    pub fn contact_by_address(&self, address: &str) -> Option<&Contact> {
        self.addresses.get(address).and_then(|id| self.contacts.get(id))
    }

    /// The company whose longest listed domain is the address's domain or a parent of it.
    pub fn company_by_address(&self, address: &str) -> Option<&Company> {
        let mut domain = address::domain(address)?;
        loop {
            if let Some(id) = self.domains.get(domain) {
                return self.companies.get(id);
            }
            domain = domain.split_once('.')?.1;
        }
    }

    pub fn is_company_domain(&self, domain: &str) -> bool {
        let mut domain = domain;
        loop {
            if self.domains.contains_key(domain) {
                return true;
            }
            match domain.split_once('.') {
                Some((_, rest)) => domain = rest,
                None => return false,
            }
        }
    }

    pub fn deals_of_company(&self, company: &str) -> &[String] {
        self.deals_by_company.get(company).map_or(&[], Vec::as_slice)
    }

    /// Deals on which the (surviving) contact has a role.
    pub fn deals_of_contact(&self, contact: &str) -> &[String] {
        self.deals_by_contact.get(contact).map_or(&[], Vec::as_slice)
    }

    pub fn stage_kind(&self, stage: &str) -> StageKind {
        self.stages.get(stage).map_or(StageKind::Open, |s| s.kind)
    }

    /// Was the deal open at this moment? Open from its creation (or first known stage) until it entered a won or lost stage.
    /// A deal that came without a creation date was open before we first saw it, for as long as anybody can say.
    pub fn open_at(&self, deal: &Deal, at: DateTime<Utc>) -> bool {
        let first = deal.stage_changes.first();
        let known = first.filter(|c| c.from.is_some() || c.quality != Quality::Observed).map(|c| c.at);
        if let Some(born) = [deal.created_at, known].into_iter().flatten().min()
            && at < born
        {
            return false;
        }
        if let Some(last) = deal.stage_changes.iter().rev().find(|c| c.at <= at) {
            return self.stage_kind(&last.to) == StageKind::Open;
        }
        match (first.and_then(|c| c.from.as_deref()), deal.closed_at) {
            (Some(from), _) => self.stage_kind(from) == StageKind::Open,
            (None, Some(closed)) => at < closed,
            (None, None) => first.is_none_or(|c| self.stage_kind(&c.to) == StageKind::Open),
        }
    }
}
