//! `explain`: the whole chain from item to decision, match and gap.

use clap::Args;

use super::lists::{fold, local};
use crate::{
    app::App,
    domain::{activity::Entity, gaps::Finding},
    store::{
        activities,
        activities::Stored,
        lists::{Decision, Filter},
    },
};

/// ID is a Message-ID, an activity, a deal, a gap or an address.
#[derive(Args, Debug)]
pub struct Explain {
    pub id: String,
}

impl Explain {
    /// # Errors
    /// When the database fails.
    pub async fn run(self, app: &App) -> anyhow::Result<u8> {
        let id = self.id.trim().trim_start_matches('<').trim_end_matches('>').to_owned();
        let mut said = false;
        for d in app.store.decisions_about(&id).await? {
            println!("{}", decision(app, &d));
            said = true;
        }
        let mut ids: Vec<String> = vec![id.clone()];
        ids.extend(app.store.decisions_about(&id).await?.into_iter().filter_map(|d| d.activity));
        ids.sort();
        ids.dedup();
        let mut tx = app.store.begin().await?;
        let found = activities::by_ids(&mut tx, &ids).await?;
        drop(tx);
        for (s, sightings) in app.store.with_sightings(found).await? {
            said = true;
            activity(app, &s);
            for x in sightings {
                let gone = x.gone_at.map_or(String::new(), |at| format!(", gone since {}", local(app, at)));
                println!("  seen in {} / {} as {}{gone}", x.connection, x.stream, x.key);
            }
        }
        said |= deal(app, &id).await?;
        for f in app.store.findings().await?.iter().filter(|f| f.id == id) {
            gap(app, f);
            said = true;
        }
        if id.contains('@') {
            said |= address(app, &id).await?;
        }
        if !said {
            println!(
                "Nothing is known about {id}. If it is a mail, `dealtrail status` says how far its mailbox has been read."
            );
            return Ok(1);
        }
        Ok(0)
    }
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
        "{} / {} / {}: {}{why}{activity}, decided {}{gone}",
        d.connection,
        d.stream,
        d.key,
        d.outcome,
        local(app, d.decided_at)
    )
}

fn activity(app: &App, s: &Stored) {
    let a = &s.activity;
    let status = a.status_at(app.clock.now());
    let direction = a.direction.map_or(String::new(), |d| format!(" {d}"));
    println!("activity {}: {}{direction}, {status}, {}", a.id, a.kind, local(app, a.occurred_at));
    if let Some(confirmed) = a.confirmed {
        println!("  {}", if confirmed { "confirmed by the other side or by mail" } else { "unconfirmed" });
    }
    for m in &a.matches {
        let runner_up = m.runner_up.as_ref().map_or(String::new(), |r| format!("; runner-up {} {:.2}", r.id, r.score));
        println!("  tied to {} {} by {} (score {:.2}, made by {}{runner_up})", m.entity, m.id, m.reason, m.score, m.by);
    }
    if !a.undecided.is_empty() {
        println!("  the deal is not decided: {}; choose with `dealtrail review`", a.undecided.join(" or "));
    } else if a.ids(Entity::Deal).next().is_none() {
        println!("  tied to no deal: none of its people's deals was open then");
    }
}

async fn deal(app: &App, id: &str) -> anyhow::Result<bool> {
    let known = app.engine.known();
    let Some(d) = known.directory.deals.get(id) else { return Ok(false) };
    let stage = known.directory.stages.get(&d.stage).map_or(d.stage.as_str(), |s| s.name.as_str());
    println!("deal {}: {}, {stage}, owned by {}", d.id, d.name, d.owner);
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
    lines.extend(d.stage_changes.iter().map(|c| match &c.from {
        Some(from) => (c.at, format!("stage {} -> {}", name(from), name(&c.to))),
        None => (c.at, format!("created in stage {}", name(&c.to))),
    }));
    lines.sort();
    for (at, line) in lines {
        println!("  {} {line}", local(app, at));
    }
    for f in app.store.findings().await?.iter().filter(|f| f.deal == id) {
        gap(app, f);
    }
    Ok(true)
}

fn gap(app: &App, f: &Finding) {
    println!(
        "gap {}: {} on deal {}, {} ({}), since {}",
        f.id,
        f.rule,
        f.deal,
        f.state,
        f.severity,
        local(app, f.since)
    );
    println!("  expected: {}", f.expected);
    println!("  found: {}", f.found);
    println!("  clears when: {}", f.clears_when);
    if let (Some(from), Some(to)) = (f.window_from, f.window_to) {
        println!("  looked from {} to {}", local(app, from), local(app, to));
    }
    for (what, ids) in [("evidence", &f.evidence), ("blind", &f.blind), ("pending", &f.pending)] {
        if !ids.is_empty() {
            println!("  {what}: {}", ids.join(", "));
        }
    }
    if let Some(by) = &f.resolved_by {
        println!("  resolved by {by}{}", if f.late { ", late" } else { "" });
    }
}

async fn address(app: &App, address: &str) -> anyhow::Result<bool> {
    let folded = fold(app, address);
    let known = app.engine.known();
    let dir = &known.directory;
    if dir.is_ours(&folded) {
        let user = dir
            .user(&folded)
            .map_or("not a user, but at one of our domains".to_owned(), |u| format!("user {}", u.email));
        println!("{folded} is ours: {user}");
        return Ok(true);
    }
    let contact = dir.contact_by_address(&folded);
    let company = dir.company_by_address(&folded);
    match (contact, company) {
        (Some(c), _) => println!("{folded} is contact {}", c.id),
        (None, Some(c)) => println!("{folded} is at company {} ({}), no contact", c.id, c.name),
        (None, None) => println!("{folded} is unknown to the CRM: its mail waits"),
    }
    let Some(c) = contact else { return Ok(company.is_some()) };
    let filter = Filter { contact: Some(c.id.clone()), most: Some(20), ..Filter::default() };
    for s in app.store.activities(&filter).await? {
        activity(app, &s);
    }
    Ok(true)
}
