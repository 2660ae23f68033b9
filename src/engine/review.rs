//! Judges the deals that something touched or whose time has come, each batch in a transaction of its own.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use dealtrail_sdk::Gives;

use super::{Engine, Known, evidence::Evidence, judged_by, rules::Rules};
use crate::{
    domain::{
        directory::Deal,
        gaps::{self, Brings, Capture, Case, ConnectionCoverage, Facts, Finding, Outlook, Seen, State},
    },
    store::{
        StoreError, Tx,
        connections::{self, Complete, Connection},
        findings, meta, reviews,
    },
};

/// Deals judged in one transaction.
pub(super) const BATCH: usize = 60;
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
        let kept = self.store.metas(&[judged_by::RULES, judged_by::STAYS, WITHDRAWN]).await?;
        if !self.mark_judged_otherwise(&known, &kept).await? {
            return Ok(false);
        }
        let mut facts = self.facts(&known, &self.rules);
        self.withdraw_lost(&known, facts.now, kept.get(WITHDRAWN)).await?;
        loop {
            match self.review_batch(&known, &mut facts).await? {
                Round::Anew => return Ok(false),
                Round::Done => return Ok(true),
                Round::More => {}
            }
        }
    }

    async fn review_batch(&self, known: &Known, facts: &mut Facts<'_>) -> Result<Round, StoreError> {
        let mut tx = self.store.begin().await?;
        if self.known_in(&mut tx).await?.version != known.version {
            return Ok(Round::Anew);
        }
        let due = reviews::due(&mut tx, facts.now, BATCH as i64).await?;
        if due.is_empty() {
            return Ok(Round::Done);
        }
        let rest = due.len() == BATCH;
        let (due, looked): (Vec<String>, Vec<bool>) = due.into_iter().unzip();
        let looked: BTreeSet<&String> = due.iter().zip(looked).filter(|(_, looked)| *looked).map(|d| d.0).collect();
        let mut deals: Vec<&Deal> = due.iter().filter_map(|id| known.directory.deals.get(id)).collect();
        let mut evidence = Evidence::load(self, &mut tx, known, &deals).await?;
        // the others stay due
        let rest = rest || evidence.deals() < deals.len();
        deals.truncate(evidence.deals());
        evidence.look_elsewhere(&mut tx, &[facts], &deals).await?;
        let watched = deals.iter().flat_map(|deal| Case::watched(&known.directory, deal, &evidence.backdrop));
        facts.captures = self.captures(&mut tx, Some(&watched.collect())).await?;
        let mut existing: HashMap<String, Vec<Finding>> = HashMap::new();
        for f in findings::of_deals(&mut tx, &due).await? {
            existing.entry(f.deal.clone().unwrap_or_default()).or_default().push(f);
        }
        let (mut changed, mut all) = (Vec::new(), Vec::new());
        for deal in &deals {
            let old = existing.remove(&deal.id).unwrap_or_default();
            let (new, judged) = looked_at(&evidence.case(facts, deal), &old);
            changed.extend(new.into_iter().filter(|f| !old.contains(f)));
            let (awaited, looked_elsewhere) = (evidence.awaited(&deal.id), looked.contains(&deal.id));
            all.push(reviews::Judged { awaited, looked_elsewhere, ..judged });
        }
        findings::save(&mut tx, &changed).await?;
        reviews::judged(&mut tx, &all, facts.now).await?;
        let lost: Vec<String> = due.iter().filter(|id| !known.directory.deals.contains_key(*id)).cloned().collect();
        reviews::forget(&mut tx, &lost).await?;
        tx.commit().await?;
        Ok(if rest { Round::More } else { Round::Done })
    }

    /// Once for each state of the directory: only a change of it can lose a deal.
    async fn withdraw_lost(&self, known: &Known, now: DateTime<Utc>, done: Option<&String>) -> Result<(), StoreError> {
        // a CRM that is no longer configured takes its deals along without a change of its records
        let version = format!("{} {}", known.version, known.directory.deals.len());
        if done == Some(&version) {
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

/// What became of a batch.
enum Round {
    /// The CRM changed meanwhile: judging must begin anew.
    Anew,
    More,
    Done,
}

/// All findings of a deal after this judging, and what is kept of the judging itself.
fn looked_at(case: &Case<'_>, old: &[Finding]) -> (Vec<Finding>, reviews::Judged) {
    let Judgement { findings: new, outlook, backed } = judged(case, old);
    let now = case.now();
    let blind = new.iter().any(|f| f.state == State::Unknown);
    let kept = reviews::Judged {
        deal: case.deal.id.clone(),
        due: outlook.next_due.unwrap_or(now + TimeDelta::days(3650)).max(now + TimeDelta::milliseconds(1)),
        waits: blind || !outlook.waits_for.is_empty(),
        signed_at: case.last_sign().map(Seen::at),
        backed,
        awaited: vec![],
        looked_elsewhere: false,
    };
    (new, kept)
}

/// What one judging of a deal says.
pub(super) struct Judgement {
    /// All of the deal, those that ended included.
    pub findings: Vec<Finding>,
    /// When to come back.
    outlook: Outlook,
    /// See [`gaps::backed`].
    backed: BTreeSet<i64>,
}

pub(super) fn judged(case: &Case<'_>, old: &[Finding]) -> Judgement {
    let verdicts = gaps::judge(case);
    let backed = gaps::backed(&verdicts);
    let findings = gaps::reconcile(old, verdicts, case);
    Judgement { outlook: gaps::outlook(case, &findings), findings, backed }
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
