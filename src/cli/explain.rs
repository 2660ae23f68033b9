//! `explain`: the whole chain from item to decision, match and gap; of a record of the CRM what it says and what hangs on it.

mod records;

use clap::Args;

use super::{
    Usage,
    lists::{fold, last_day, local},
    output::{Unwritten, say},
};
use crate::{
    app::App,
    domain::{
        activity::Entity,
        directory::Quality,
        gaps::{Finding, State},
    },
    store::{
        activities,
        activities::Stored,
        lists::{Decision, Filter},
        sightings,
    },
};

/// What ID may be.
const WHAT: &str = "a Message-ID, an activity, a gap, an address, a deal, contact, company, quote or task of the CRM, or a mail or \
                    calendar entry by its place (connection/stream/key, as lists of items print it)";

/// The whole chain from a mail or calendar entry to its decision, match and gap
#[derive(Args, Debug)]
pub struct Explain {
    #[arg(help = format!("{}{}", WHAT[..1].to_uppercase(), &WHAT[1..]))]
    pub id: String,
}

impl Explain {
    /// # Errors
    /// When nothing is asked for, standard output cannot be written, or the database fails.
    pub async fn run(self, app: &App) -> anyhow::Result<u8> {
        let id = self.id.trim().trim_start_matches('<').trim_end_matches('>').to_owned();
        if id.is_empty() {
            return Err(Usage(format!("explain what? ID is {WHAT}")).into());
        }
        if id.starts_with("[[") {
            say!("{id} is a setting of {}", app.config.file.display())?;
            return Ok(0);
        }
        let mut said = false;
        let mut decisions = app.store.decisions_about(&id).await?;
        decisions.extend(app.store.decision_at(&id).await?);
        for d in &decisions {
            say!("{}", decision(app, d))?;
            said = true;
        }
        let mut ids: Vec<String> = vec![id.clone()];
        let mut tx = app.store.begin().await?;
        for d in decisions {
            // an entry of the CRM is an activity of its own, or confirmed by one
            let seen = sightings::of_items(&mut tx, d.stream_id, std::slice::from_ref(&d.key)).await?;
            ids.extend(seen.into_iter().map(|s| s.activity).chain(d.activity));
        }
        ids.sort();
        ids.dedup();
        let found = activities::by_ids(&mut tx, &ids).await?;
        drop(tx);
        for (s, sightings) in app.store.with_sightings(found).await? {
            said = true;
            activity(app, &s).await?;
            for x in sightings {
                let gone = x.gone_at.map_or(String::new(), |at| format!(", gone since {}", local(app, at)));
                say!("  seen in {}{gone}", place(app, [&x.connection, &x.stream], &x.key))?;
            }
        }
        said |= deal(app, &id).await?;
        said |= records::told(app, &id).await?;
        for f in app.store.findings_by_ids(std::slice::from_ref(&id)).await? {
            gap(app, &f)?;
            said = true;
        }
        if id.contains('@') {
            said |= address(app, &id, said).await?;
        }
        if !said {
            say!(
                "Nothing is known about {id}. If it is a mail, `dealtrail status` says how far its mailbox has been read."
            )?;
            return Ok(1);
        }
        Ok(0)
    }
}

/// `connection / stream / key`; where a works council watches, no account of anybody's.
fn place(app: &App, [connection, stream]: [&str; 2], key: &str) -> String {
    let of_crm = app.config.connections.iter().any(|c| c.name == connection && c.owner.is_none() && !c.shared);
    if app.config.privacy.works_council && !of_crm {
        return "one of our accounts".to_owned();
    }
    format!("{connection} / {stream} / {key}")
}

fn decision(app: &App, d: &Decision) -> String {
    let why = match (&d.reason, &d.detail) {
        (Some(reason), Some(detail)) => format!(" because of {reason} ({detail})"),
        (Some(reason), None) => format!(" because of {reason}"),
        _ => String::new(),
    };
    let activity = d.activity.as_ref().map_or(String::new(), |a| format!(", part of activity {a}"));
    let gone = d.gone_at.map_or(String::new(), |at| format!("; gone from there since {}", local(app, at)));
    format!(
        "{}: {}{why}{activity}, decided {}{gone}",
        place(app, [&d.connection, &d.stream], &d.key),
        d.outcome,
        local(app, d.decided_at)
    )
}

async fn activity(app: &App, s: &Stored) -> anyhow::Result<()> {
    let a = &s.activity;
    let status = a.status_at(app.clock.now());
    let direction = a.direction.map_or(String::new(), |d| format!(" {d}"));
    say!("activity {}: {}{direction}, {status}, {}", a.id, a.kind, local(app, a.occurred_at))?;
    if let Some(confirmed) = a.confirmed {
        say!("  {}", if confirmed { "confirmed by the other side or by mail" } else { "unconfirmed" })?;
    }
    for m in &a.matches {
        let runner_up = m.runner_up.as_ref().map_or(String::new(), |r| format!("; runner-up {} {:.2}", r.id, r.score));
        say!("  tied to {} {} by {} (score {:.2}, made by {}{runner_up})", m.entity, m.id, m.reason, m.score, m.by)?;
    }
    let rejected: Vec<_> = app.store.choices_of(&a.id).await?.into_iter().filter(|c| !c.linked).collect();
    for c in &rejected {
        say!("  not tied to deal {}: rejected by {} on {}", c.deal, c.by, local(app, c.at))?;
    }
    if !a.undecided.is_empty() {
        say!("  the deal is not decided: {}; choose with `dealtrail review`", a.undecided.join(" or "))?;
    } else if a.ids(Entity::Deal).next().is_none() {
        let why = if rejected.is_empty() {
            "none of its people's deals was open then"
        } else {
            "what came into question was rejected, and none else of its people's deals was open then"
        };
        say!("  tied to no deal: {why}")?;
    }
    Ok(())
}

async fn deal(app: &App, id: &str) -> anyhow::Result<bool> {
    let known = app.engine.known();
    let Some(d) = known.directory.deals.get(id) else { return Ok(false) };
    let stage = known.directory.stages.get(&d.stage).map_or(d.stage.as_str(), |s| s.name.as_str());
    say!("deal {}: {}, {stage}{}", d.id, d.name, records::owned(app, Some(&d.owner)))?;
    let trail = app.store.activities(&Filter { deal: Some(id.to_owned()), ..Filter::default() }).await?;
    let mut lines: Vec<(chrono::DateTime<chrono::Utc>, String)> = trail
        .iter()
        .map(|s| {
            let a = &s.activity;
            let direction = a.direction.map_or(String::new(), |x| format!(" {x}"));
            (a.occurred_at, format!("{}{direction} {} ({})", a.kind, a.status_at(app.clock.now()), a.id))
        })
        .collect();
    let name = |id: &str| known.directory.stages.get(id).map_or(id.to_owned(), |s| s.name.clone());
    lines.extend(d.stage_changes.iter().map(|c| {
        let since = c.not_before.filter(|_| c.quality == Quality::Observed);
        let since = since.map(|at| format!(", seen then; made after {}", local(app, at))).unwrap_or_default();
        match &c.from {
            Some(from) => (c.at, format!("stage {} -> {}{since}", name(from), name(&c.to))),
            None => (c.at, format!("created in stage {}", name(&c.to))),
        }
    }));
    lines.sort();
    for (at, line) in lines {
        say!("  {} {line}", local(app, at))?;
    }
    for f in app.store.findings_on(id).await? {
        gap(app, &f)?;
    }
    Ok(true)
}

fn gap(app: &App, f: &Finding) -> Result<(), Unwritten> {
    let subject = f.subject().replacen(':', " ", 1);
    say!("gap {}: {} on {subject}, {} ({}), since {}", f.id, f.rule, f.state, f.severity, local(app, f.since))?;
    say!("  expected: {}", f.expected)?;
    say!("  found: {}", f.found)?;
    say!("  clears when: {}", f.clears_when)?;
    if let Some(why) = f.note.as_ref().filter(|_| [State::Snoozed, State::Explained].contains(&f.state)) {
        let until = f.snoozed_until.map(|at| format!(", until {}", last_day(app, at))).unwrap_or_default();
        let by = f.by.as_ref().filter(|_| !app.config.privacy.works_council);
        say!("  {} by {}{until}: {why}", f.state, by.map_or("one of us", String::as_str))?;
    }
    if let (Some(from), Some(to)) = (f.window_from, f.window_to) {
        say!("  looked from {} to {}", local(app, from), local(app, to))?;
    }
    for (what, ids) in [("evidence", &f.evidence), ("blind", &f.blind), ("pending", &f.pending)] {
        if !ids.is_empty() {
            say!("  {what}: {}", ids.join(", "))?;
        }
    }
    if let Some(by) = &f.resolved_by {
        say!("  resolved by {by}{}", if f.late { ", late" } else { "" })?;
    }
    Ok(())
}

async fn address(app: &App, address: &str, said: bool) -> anyhow::Result<bool> {
    let folded = fold(app, address);
    let known = app.engine.known();
    let dir = &known.directory;
    if dir.is_ours(&folded) {
        let user = dir
            .user(&folded)
            .map_or("not a user, but at one of our domains".to_owned(), |u| format!("user {}", u.email));
        say!("{folded} is ours: {user}")?;
        return Ok(true);
    }
    let contact = dir.contact_by_address(&folded);
    let company = dir.company_by_address(&folded);
    match (contact, company) {
        (Some(c), _) => say!("{folded} is contact {}", c.id)?,
        (None, Some(c)) => say!("{folded} is at company {} ({}), no contact", c.id, c.name)?,
        // a Message-ID looks like an address
        (None, None) if said => return Ok(true),
        (None, None) => say!("{folded} is unknown to the CRM: its mail waits")?,
    }
    let Some(c) = contact else { return Ok(company.is_some()) };
    records::done_with(app, &c.id).await?;
    Ok(true)
}
