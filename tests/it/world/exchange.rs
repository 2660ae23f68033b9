//! The second half of the judge: what the rules about messages and people must say, from the truth alone. Where an edge of
//! time, or of wording, decides, the finding is marked `optional`: it may stand or not.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};

use super::{
    World,
    crm::{Deal, StageKind, stage},
    truth::{Activity, DealChoice, Gap, Kind, Status, Weight},
};

/// Has a time of working days surely passed since then, surely not, or is it hard to say?
fn passed(world: &World, since: DateTime<Utc>, surely_days: i64, not_before_hours: i64) -> Option<bool> {
    let age = world.now - since;
    if age > Duration::days(surely_days) {
        Some(true)
    } else if age < Duration::hours(not_before_hours) {
        Some(false)
    } else {
        None
    }
}

pub fn judge(world: &World, d: &Deal) -> Vec<Gap> {
    let mut found = uncorroborated(world, d);
    if d.closed().is_none() {
        found.extend(no_reply(world, d));
        found.extend(we_owe_reply(world, d));
        found.extend(no_follow_up(world, d));
        found.extend(unlisted(world, d));
    }
    found
}

fn gap(world: &World, rule: &'static str, d: &Deal, sure: bool) -> Gap {
    let state = if world.users[d.owner].mailbox { "open" } else { "unknown" };
    let facts = ["unlisted_stakeholder"];
    Gap {
        rule,
        deal: d.id.clone(),
        state: if facts.contains(&rule) { "open" } else { state },
        late: false,
        or_unknown: false,
        optional: !sure,
        at: None,
        from_stage: None,
        to_stage: None,
    }
}

fn is_mail(a: &Activity, direction: &str) -> bool {
    a.kind == Kind::Email && !a.typed_only && a.direction == Some(direction) && !a.tags.contains(&"order")
}

/// Something without a deal that may count for this one through its people.
fn loose(world: &World, d: &Deal) -> bool {
    let with = |x: &Activity| d.roles.iter().any(|(c, _)| x.contacts.contains(c));
    world.activities.iter().any(|x| x.deal == DealChoice::Nothing && !x.typed_only && with(x))
}

fn no_reply(world: &World, d: &Deal) -> Option<Gap> {
    let mine = world.activities.iter().filter(|x| x.deal.is(&d.id) && is_mail(x, "outbound") && x.at <= world.now);
    let last = mine.clone().max_by_key(|x| x.at)?;
    if last.people.is_empty() || last.closing == Some(true) {
        return None;
    }
    let to = |x: &Activity| x.author.as_ref().is_some_and(|a| last.people.contains_key(a));
    let later = |x: &&Activity| x.at > last.at && x.at <= world.now;
    let answers = |x: &Activity| {
        let sign = x.deal.is(&d.id) && x.weight == Weight::Evidence;
        sign || is_mail(x, "inbound") && to(x)
    };
    if world.activities.iter().filter(later).any(answers) {
        return None;
    }
    let due = passed(world, last.at, 12, 5 * 24 - 4);
    let replies = world.activities.iter().filter(|x| is_mail(x, "inbound") && to(x)).count();
    let pending = world.activities.iter().filter(later).any(|x| x.deal.pending(&d.id));
    let doubtful = replies >= 5 || last.closing.is_none() || last.partner || loose(world, d) || pending;
    if due == Some(false) && replies < 5 {
        return None;
    }
    let mut found = gap(world, "no_reply", d, due == Some(true) && !doubtful);
    found.or_unknown = pending;
    Some(found)
}

fn we_owe_reply(world: &World, d: &Deal) -> Vec<Gap> {
    let mut waiting: BTreeMap<&str, Vec<&Activity>> = BTreeMap::new();
    let theirs = |x: &&Activity| x.deal.is(&d.id) && is_mail(x, "inbound") && x.weight == Weight::Evidence;
    let mut mails: Vec<&Activity> = world.activities.iter().filter(theirs).filter(|x| x.at <= world.now).collect();
    mails.sort_by_key(|x| x.at);
    let mut doubtful = loose(world, d);
    for mail in mails {
        let Some(author) = mail.author.as_deref() else { continue };
        let later: Vec<&Activity> =
            world.activities.iter().filter(|x| x.at > mail.at && x.at <= world.now && !x.typed_only).collect();
        let answered = later.iter().any(|x| {
            let wrote = is_mail(x, "outbound") && x.people.contains_key(author);
            wrote || x.kind == Kind::Meeting && x.status == Status::Held && x.people.contains_key(author)
        });
        // In its thread, but to others.
        doubtful |= later.iter().any(|x| is_mail(x, "outbound") && x.deal.is(&d.id) && !x.people.contains_key(author));
        if !answered {
            waiting.entry(author).or_default().push(mail);
        }
    }
    let mut found = Vec::new();
    for mails in waiting.into_values() {
        let last = mails.last().expect("one mail at least");
        if last.closing == Some(true) {
            continue;
        }
        let unsure = mails.iter().any(|m| m.closing != Some(false));
        let due = passed(world, mails[0].at, 6, 28);
        if due != Some(false) {
            found.push(gap(world, "we_owe_reply", d, due == Some(true) && !unsure && !doubtful));
        }
    }
    found
}

fn no_follow_up(world: &World, d: &Deal) -> Vec<Gap> {
    let met = world.activities.iter().filter(|x| x.kind == Kind::Meeting && x.status == Status::Held && !x.typed_only);
    let here = met.filter(|x| x.deal.is(&d.id) && !x.people.is_empty());
    let mut found = Vec::new();
    for meeting in here {
        let end = meeting.end.unwrap_or(meeting.at);
        let wrote = |x: &&Activity| is_mail(x, "outbound") && x.people.keys().any(|p| meeting.people.contains_key(p));
        let after: Vec<&Activity> = world.activities.iter().filter(wrote).filter(|x| x.at >= end).collect();
        let due = passed(world, end, 7, 28);
        if after.is_empty() && due != Some(false) {
            found.push(gap(world, "no_follow_up", d, due == Some(true) && !loose(world, d)));
        }
    }
    // A meeting without a deal may count through its people.
    if loose(world, d) {
        found.push(gap(world, "no_follow_up", d, false));
    }
    found
}

fn unlisted(world: &World, d: &Deal) -> Vec<Gap> {
    let mut took_part: BTreeMap<&str, usize> = BTreeMap::new();
    let happened = |x: &&Activity| {
        let mail = is_mail(x, "inbound") || is_mail(x, "outbound");
        x.deal.is(&d.id) && x.at <= world.now && (mail || x.kind == Kind::Meeting && x.status == Status::Held)
    };
    for x in world.activities.iter().filter(|x| !x.typed_only).filter(happened) {
        for (person, company) in &x.people {
            if company.as_deref() == Some(&d.company) {
                *took_part.entry(person).or_default() += 1;
            }
        }
    }
    let listed: BTreeSet<&str> = d.roles.iter().map(|(c, _)| survivor(world, c)).collect();
    let enough = took_part.into_iter().filter(|(person, n)| *n >= 2 && !listed.contains(survivor(world, person)));
    enough.map(|_| gap(world, "unlisted_stakeholder", d, true)).collect()
}

fn survivor<'a>(world: &'a World, contact: &'a str) -> &'a str {
    let known = world.crm.contacts.iter().find(|c| c.id == contact);
    known.and_then(|c| c.merged_into.as_deref()).unwrap_or(contact)
}

fn uncorroborated(world: &World, d: &Deal) -> Vec<Gap> {
    if stage(d.stage()).kind == StageKind::Lost {
        return Vec::new();
    }
    let entries = world.activities.iter().filter(|x| x.typed_only && x.deal.is(&d.id));
    let mut found = Vec::new();
    for entry in entries {
        let age = |x: &Activity| (x.at - entry.at).abs();
        let same = |x: &&Activity| !x.typed_only && x.contacts.intersection(&entry.contacts).next().is_some();
        let near: Vec<&Activity> = world.activities.iter().filter(same).collect();
        let by_mail = entry.kind != Kind::Meeting;
        let mail = |hours: i64| near.iter().any(|x| x.kind == Kind::Email && age(x) < Duration::hours(hours));
        let met = |minutes: i64| {
            let span = Duration::minutes(minutes);
            let overlaps = |x: &Activity| x.at - span <= entry.at && entry.at <= x.end.unwrap_or(x.at) + span;
            near.iter().any(|x| x.kind == Kind::Meeting && x.status == Status::Held && overlaps(x))
        };
        let by_meeting = entry.kind != Kind::Email;
        if by_mail && mail(23) || by_meeting && met(25) {
            continue;
        }
        let edge = by_mail && mail(26) || by_meeting && met(35);
        found.push(gap(world, "uncorroborated_log", d, !edge && entry.at < world.now - Duration::days(3)));
    }
    found
}
