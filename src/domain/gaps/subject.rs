//! What is judged and is no deal: a contact, a company, an entry typed into the CRM that stands on no deal. The same verdicts
//! and findings as of deals, with `deal` empty. The store fills a [`SubjectCase`] each.

use chrono::{DateTime, Datelike, Utc};

use super::{
    Ending, Outcome, Outlook, Verdict, activity_without_deal,
    backdrop::Backdrop,
    case::Facts,
    finding::{Finding, Rule, Severity, State},
    phantom_contact, reconcile,
    sight::{self, Needed, Sight},
    uncorroborated_log, words,
};
use crate::domain::{
    activity::Activity,
    directory::{Company, Contact, User},
    working::WorkCalendar,
};

/// Who or what is judged. `Gone`: no CRM has it any more.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    Contact(&'a Contact),
    Company(&'a Company),
    Entry(&'a Activity),
    Gone,
}

#[derive(Debug)]
pub struct SubjectCase<'a> {
    pub facts: &'a Facts<'a>,
    pub subject: Subject<'a>,
    /// `contact:ID`, `company:ID`, `activity:ID`.
    pub name: String,
    /// Everything tied to it; of an entry everything tied to its contacts. Oldest first.
    pub near: Vec<&'a Activity>,
    pub backdrop: &'a Backdrop,
}

impl<'a> SubjectCase<'a> {
    pub fn new(
        facts: &'a Facts<'a>,
        name: &str,
        subject: Subject<'a>,
        activities: impl IntoIterator<Item = &'a Activity>,
        backdrop: &'a Backdrop,
    ) -> Self {
        let mut near: Vec<&'a Activity> = activities.into_iter().collect();
        near.sort_by(|a, b| (a.occurred_at, &a.id).cmp(&(b.occurred_at, &b.id)));
        near.dedup_by(|a, b| a.id == b.id);
        Self { facts, subject, name: name.to_owned(), near, backdrop }
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.facts.now
    }

    pub fn judge(&self) -> Vec<Verdict> {
        let verdict = match self.subject {
            Subject::Contact(contact) => phantom_contact::judge(self, contact),
            Subject::Company(company) => activity_without_deal::judge(self, company),
            Subject::Entry(entry) => uncorroborated_log::judge_entry(self, entry),
            Subject::Gone => None,
        };
        verdict.into_iter().collect()
    }

    /// All findings about it after this judging.
    pub fn reconcile(&self, existing: &[Finding]) -> Vec<Finding> {
        reconcile::join(existing, self.judge(), self.now(), |old| self.ending(old))
    }

    /// What became of a finding that is no longer mentioned.
    fn ending(&self, old: &Finding) -> Ending {
        match (self.subject, old.rule) {
            (_, Rule::UncorroboratedLog) => uncorroborated_log::ending_of_entry(self, old),
            (Subject::Company(company), Rule::ActivityWithoutDeal) => activity_without_deal::ending(self, company),
            _ => Ending::Withdrawn,
        }
    }

    /// When it must be judged again though nothing was read.
    pub fn outlook(&self, findings: &[Finding]) -> Outlook {
        let now = self.now();
        let mut moments: Vec<DateTime<Utc>> = match self.subject {
            Subject::Contact(contact) => phantom_contact::next(self, contact).into_iter().collect(),
            Subject::Company(_) => activity_without_deal::next(self),
            Subject::Entry(entry) => uncorroborated_log::next_of_entry(self, entry).into_iter().collect(),
            Subject::Gone => vec![],
        };
        let waits_for = match self.subject {
            Subject::Contact(contact) => phantom_contact::waits_for(self, contact),
            Subject::Entry(entry) => uncorroborated_log::entry_waits_for(self, entry),
            Subject::Company(_) | Subject::Gone => vec![],
        };
        moments.extend(findings.iter().filter(|f| f.state == State::Snoozed).filter_map(|f| f.snoozed_until));
        Outlook {
            next_due: moments.into_iter().filter(|at| *at > now).min(),
            waits_for: waits_for.into_iter().collect(),
        }
    }

    /// An open finding about it that says nothing yet.
    pub(super) fn blank(&self, rule: Rule, key: String, since: DateTime<Utc>) -> Finding {
        let (contact, company, activity) = match self.subject {
            Subject::Contact(contact) => (Some(contact.id.clone()), contact.company.clone(), None),
            Subject::Company(company) => (None, Some(company.id.clone()), None),
            Subject::Entry(entry) => (None, None, Some(entry.id.clone())),
            Subject::Gone => (None, None, None),
        };
        Finding { deal: None, contact, company, activity, ..Finding::blank(rule, &self.name, key, since) }
    }

    /// The contact's name, else its first address.
    pub(super) fn contact_name(contact: &Contact) -> &str {
        let own = contact.name.as_deref().filter(|n| !n.trim().is_empty());
        own.or(contact.emails.first().map(String::as_str)).unwrap_or(&contact.id)
    }
}

/// What cases of every kind ask of the facts.
impl Facts<'_> {
    pub fn calendar_of(&self, owner: &str) -> &WorkCalendar {
        self.calendars.get(owner).unwrap_or(&self.calendar)
    }

    pub fn user(&self, email: &str) -> Option<&User> {
        self.directory.user(email)
    }

    /// Could the capture of one user see the span?
    pub fn sight_of(&self, owner: &str, needed: Needed) -> Sight {
        let left = self.user(owner).and_then(|user| user.until);
        sight::look(owner, self.captures.get(owner), left, needed)
    }

    /// "3 Nov" in the owner's zone; with the year when it is not this one.
    pub fn day(&self, owner: &str, at: DateTime<Utc>) -> String {
        let calendar = self.calendar_of(owner);
        let date = calendar.date(at);
        let this_year = calendar.date(self.now).year();
        date.format(if date.year() == this_year { "%-d %b" } else { "%-d %b %Y" }).to_string()
    }

    /// The name of a user, else the address.
    pub fn name_of<'n>(&'n self, email: &'n str) -> &'n str {
        self.user(email).map(|u| u.name.as_str()).filter(|n| !n.is_empty()).unwrap_or(email)
    }

    /// What could not be seen; `None` when nothing stands in the way.
    pub fn blindness(&self, owner: &str, sight: &Sight) -> Option<String> {
        let said: Vec<String> = sight.blind.iter().map(|b| words::blind(self, owner, b)).collect();
        (!said.is_empty()).then(|| words::list(&said))
    }

    /// " (no calendar of Ana Lopez is connected)", or nothing.
    pub fn without_calendar(&self, sight: &Sight) -> String {
        if sight.no_calendar.is_empty() {
            return String::new();
        }
        let names: Vec<String> = sight.no_calendar.iter().map(|u| self.name_of(u).to_owned()).collect();
        format!(" (no calendar of {} is connected)", words::list(&names))
    }
}

/// A verdict that stands.
pub(super) fn stands(finding: Finding) -> Verdict {
    Verdict { outcome: Outcome::Stands, finding }
}

/// What these rules are worth: much to know, little to answer for.
pub(super) const LIGHT: Severity = Severity::Low;
