//! What the pages of a day are made of, sorted once for all reps: nobody's page looks through what is everybody's.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::{
    super::{
        super::{
            directory::Directory,
            gaps::{Finding, State},
        },
        coverage::{Item, Outcome},
        credit::{Happened, credit},
    },
    Input,
};

#[derive(Debug, Default)]
pub struct Day<'a> {
    /// Open findings by their owner, the heaviest first.
    findings: HashMap<&'a str, Vec<&'a Finding>>,
    /// What each user took part in.
    took_part: HashMap<&'a str, Vec<&'a Happened>>,
    /// What was skipped, by the owner of the mailbox or calendar.
    skipped: HashMap<&'a str, Vec<&'a Item>>,
    heard: HashMap<&'a str, &'a [DateTime<Utc>]>,
}

/// Open findings by their owner, the heaviest first.
pub fn owned<'a>(findings: &'a [Finding], directory: &'a Directory) -> HashMap<&'a str, Vec<&'a Finding>> {
    let mut all: HashMap<&str, Vec<&Finding>> = HashMap::new();
    for finding in findings.iter().filter(|f| f.state == State::Open) {
        let Some(owner) = finding.owner.as_deref().and_then(|o| directory.user(o)) else { continue };
        all.entry(&owner.email).or_default().push(finding);
    }
    for owned in all.values_mut() {
        owned.sort_by(|a, b| Finding::by_weight(a, b));
    }
    all
}

impl<'a> Day<'a> {
    pub fn of(input: &Input<'a>) -> Self {
        let mut day = Self { findings: owned(input.findings, input.directory), ..Self::default() };
        for happened in input.happened {
            for user in credit(happened, input.directory).users {
                day.took_part.entry(user).or_default().push(happened);
            }
        }
        for item in input.items.iter().filter(|i| i.decided.outcome == Outcome::Skipped) {
            if let Some(owner) = item.decided.owner.as_deref() {
                day.skipped.entry(owner).or_default().push(item);
            }
        }
        day.heard = input.heard.iter().map(|(contact, all)| (contact.as_str(), all.as_slice())).collect();
        day
    }

    pub fn findings(&self, user: &str) -> &[&'a Finding] {
        self.findings.get(user).map_or(&[], Vec::as_slice)
    }

    pub fn took_part(&self, user: &str) -> &[&'a Happened] {
        self.took_part.get(user).map_or(&[], Vec::as_slice)
    }

    pub fn skipped(&self, user: &str) -> &[&'a Item] {
        self.skipped.get(user).map_or(&[], Vec::as_slice)
    }

    /// When anything last happened with one of these contacts before then.
    pub fn last_before(&self, contacts: &[&str], then: DateTime<Utc>) -> Option<DateTime<Utc>> {
        contacts.iter().filter_map(|c| self.heard.get(c)).copied().flatten().filter(|at| **at < then).max().copied()
    }
}
