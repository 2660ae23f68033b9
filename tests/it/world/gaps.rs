//! Judges the gaps of the world from its truth: a second, independent reading of the gap rules. Every verdict is taken
//! twice, once with and once without what lies near the edge of a window; when the two differ the scene is at fault
//! (it would depend on how an edge is read) and the world refuses to be built.

use chrono::{DateTime, Duration, Utc};

use super::{
    World,
    crm::{Deal, STAGES, StageKind, stage},
    exchange,
    truth::{Activity, Gap, Kind, Status, Weight},
};

/// How far back capture reaches (`capture.since`).
pub const SINCE_DAYS: i64 = 180;

/// How sure it is that something lies in a window.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Inside {
    No,
    Perhaps,
    Yes,
}

pub fn judge(world: &World) -> Vec<Gap> {
    world.crm.deals.iter().flat_map(|d| deal(world, d)).collect()
}

fn deal(world: &World, d: &Deal) -> Vec<Gap> {
    let mut found: Vec<Gap> = advances(d).iter().filter_map(|a| unsupported(world, d, a)).collect();
    found.extend(advances(d).iter().filter_map(|a| skipped(world, d, a)));
    if d.closed().is_none() {
        found.extend(gone_quiet(world, d));
        found.extend(no_next_step(world, d));
        found.extend(overdue_close(world, d));
    }
    found.extend(exchange::judge(world, d));
    found
}

/// Moves less than 24 hours apart, taken as one.
struct Advance {
    from: &'static str,
    to: &'static str,
    first: DateTime<Utc>,
    last: DateTime<Utc>,
    /// When the previous stage was entered.
    entered: DateTime<Utc>,
}

fn advances(d: &Deal) -> Vec<Advance> {
    let mut groups: Vec<Advance> = Vec::new();
    let (mut from, mut entered) = (d.first_stage, d.created);
    for &(to, at) in &d.moves {
        match groups.last_mut() {
            Some(g) if at - g.last < Duration::hours(24) => {
                g.to = to;
                g.last = at;
            }
            _ => groups.push(Advance { from, to, first: at, last: at, entered }),
        }
        (from, entered) = (to, at);
    }
    groups.retain(|g| {
        let (from, to) = (stage(g.from), stage(g.to));
        let forward = from.pipeline == to.pipeline && to.position > from.position;
        g.from != g.to && to.kind != StageKind::Lost && (forward || to.kind == StageKind::Won)
    });
    groups
}

/// What the window and the time after it hold.
#[derive(Clone, Copy, Default)]
struct Seen {
    evidence: bool,
    one_sided: bool,
    pending: bool,
    later: bool,
}

fn unsupported(world: &World, d: &Deal, a: &Advance) -> Option<Gap> {
    let day = Duration::days(1);
    if world.now < a.first + day {
        return None;
    }
    assert!(world.now > a.last + day * 6, "{}: the grace of a move ends about now", d.id);
    let (low, high) = if a.entered > a.first - day * 13 {
        (a.entered, a.entered)
    } else {
        assert!(a.entered < a.first - day * 15, "{}: the previous stage was entered about 14 days before", d.id);
        (a.first - day * 15, a.last - day * 13)
    };
    let inside = |t: DateTime<Utc>| {
        if t > high && t < a.first + day {
            Inside::Yes
        } else if t < low || t > a.last + day * 6 {
            Inside::No
        } else {
            Inside::Perhaps
        }
    };
    let seen = |level: Inside| {
        let mut s = Seen::default();
        for x in touching(world, d) {
            let within = inside(x.at) >= level;
            let loose = !x.deal.is(&d.id) && !x.deal.pending(&d.id);
            assert!(inside(x.at) == Inside::No || !loose, "{}: a deal-less activity in a window", d.id);
            s.pending |= within && x.deal.pending(&d.id);
            if x.deal.is(&d.id) {
                s.evidence |= within && x.weight == Weight::Evidence;
                s.one_sided |= within && x.weight == Weight::OneSided;
                s.later |= !within && x.at > a.last && x.at <= world.now && x.weight == Weight::Evidence;
            }
        }
        s
    };
    let blind = !world.users[d.owner].mailbox || low < world.now - day * i32::try_from(SINCE_DAYS).expect("small");
    let verdict = |s: Seen| {
        if s.evidence {
            return None;
        }
        let rule = if s.one_sided { "one_sided_advance" } else { "unsupported_advance" };
        let unknown = s.pending || blind;
        assert!(!unknown || !(s.one_sided || s.later), "{}: an unknown finding with more to it", d.id);
        let state = if unknown {
            "unknown"
        } else if s.later {
            "resolved"
        } else {
            "open"
        };
        Some(Gap {
            rule,
            deal: d.id.clone(),
            state,
            late: state == "resolved",
            or_unknown: false,
            optional: false,
            at: Some((a.first, a.last)),
            from_stage: Some(a.from.into()),
            to_stage: Some(a.to.into()),
        })
    };
    same(d, "unsupported_advance", verdict(seen(Inside::Yes)), verdict(seen(Inside::Perhaps)))
}

/// A move over the head of a stage, unless the deal was taken back to every stage it had passed over; of a lost deal nobody
/// asks.
fn skipped(world: &World, d: &Deal, a: &Advance) -> Option<Gap> {
    let (from, to) = (stage(a.from), stage(a.to));
    let over: Vec<&str> = STAGES
        .iter()
        .filter(|s| s.pipeline == from.pipeline && s.pipeline == to.pipeline && s.kind == StageKind::Open)
        .filter(|s| s.position > from.position && (to.kind == StageKind::Won || s.position < to.position))
        .map(|s| s.id)
        .collect();
    let made_good = over.iter().all(|s| d.moves.iter().any(|(to, at)| to == s && *at > a.last));
    if made_good || stage(d.stage()).kind == StageKind::Lost || world.now < a.first + Duration::days(1) {
        return None;
    }
    assert!(world.now > a.last + Duration::days(2), "{}: a day after its move ends about now", d.id);
    Some(Gap {
        at: Some((a.first, a.last)),
        from_stage: Some(a.from.into()),
        to_stage: Some(a.to.into()),
        ..standing("skipped_stage", d, "open")
    })
}

/// Activities on the deal, pending on it, or with its people and on no deal at all.
fn touching<'a>(world: &'a World, d: &'a Deal) -> impl Iterator<Item = &'a Activity> {
    world.activities.iter().filter(move |x| {
        let loose = x.deal == super::DealChoice::Nothing
            && x.weight != Weight::Nothing
            && (x.companies.contains(&d.company) || d.roles.iter().any(|(c, _)| x.contacts.contains(c)));
        x.deal.is(&d.id) || x.deal.pending(&d.id) || loose
    })
}

fn gone_quiet(world: &World, d: &Deal) -> Option<Gap> {
    let day = Duration::days(1);
    let now = world.now;
    // Ten working days are 14 calendar days, or a little less at a week's end.
    let recent = |t: DateTime<Utc>| {
        if t > now {
            Inside::No
        } else if t > now - day * 11 {
            Inside::Yes
        } else if t > now - day * 17 {
            Inside::Perhaps
        } else {
            Inside::No
        }
    };
    let soon = |x: &Activity| match x.status {
        Status::Planned if x.at < now + day * 12 => Inside::Yes,
        Status::Planned if x.at < now + day * 16 => Inside::Perhaps,
        _ => Inside::No,
    };
    let verdict = |level: Inside| {
        let (mut alive, mut pending) = (false, false);
        for x in touching(world, d) {
            let loose = !x.deal.is(&d.id) && !x.deal.pending(&d.id);
            assert!(!loose || recent(x.at) == Inside::No, "{}: a deal-less activity of late", d.id);
            let counts = recent(x.at) >= level && x.weight == Weight::Evidence || soon(x) >= level;
            alive |= counts && x.deal.is(&d.id);
            pending |= (recent(x.at) >= level || soon(x) >= level) && x.deal.pending(&d.id);
        }
        let blind = !world.users[d.owner].mailbox;
        (!alive).then(|| standing("gone_quiet", d, if pending || blind { "unknown" } else { "open" }))
    };
    let mut found = same(d, "gone_quiet", verdict(Inside::Yes), verdict(Inside::Perhaps))?;
    let last = touching(world, d)
        .filter(|x| x.deal.is(&d.id) && x.weight == Weight::Evidence && x.at <= now)
        .map(|x| x.at)
        .max();
    // Without any evidence the silence begins with the deal, or with its stage: a young one of either is kept out.
    let entered = d.moves.last().map_or(d.created, |m| m.1);
    assert!(last.is_some() || entered < now - day * 20, "{}: a young deal without evidence", d.id);
    found.or_unknown = touching(world, d).any(|x| x.deal.pending(&d.id) && last.is_none_or(|t| x.at > t));
    Some(found)
}

fn no_next_step(world: &World, d: &Deal) -> Option<Gap> {
    if stage(d.stage()).position < 2 || world.crm.tasks.iter().any(|t| t.deal == d.id) {
        return None;
    }
    let planned = |x: &&Activity| x.kind == Kind::Meeting && x.status == Status::Planned;
    if touching(world, d).filter(planned).any(|x| x.deal.is(&d.id)) {
        return None;
    }
    let pending = touching(world, d).any(|x| x.deal.pending(&d.id));
    let pending_meeting = touching(world, d).filter(planned).any(|x| x.deal.pending(&d.id));
    assert!(!pending || pending_meeting, "{}: does a pending mail hide a next step? left open, so kept out", d.id);
    let unknown = pending_meeting || !world.users[d.owner].mailbox;
    Some(standing("no_next_step", d, if unknown { "unknown" } else { "open" }))
}

fn overdue_close(world: &World, d: &Deal) -> Option<Gap> {
    let past = (world.now.date_naive() - d.close_date).num_days();
    assert!(past.abs() >= 2, "{}: the close date is about today", d.id);
    if past < 0 {
        return None;
    }
    let clear = world.users[d.owner].mailbox && !touching(world, d).any(|x| x.deal.pending(&d.id));
    assert!(clear, "{}: an overdue close that we may be blind for is left open by the rules", d.id);
    Some(standing("overdue_close", d, "open"))
}

fn standing(rule: &'static str, d: &Deal, state: &'static str) -> Gap {
    Gap {
        rule,
        deal: d.id.clone(),
        state,
        late: false,
        or_unknown: false,
        optional: false,
        at: None,
        from_stage: None,
        to_stage: None,
    }
}

fn same(d: &Deal, rule: &str, strict: Option<Gap>, loose: Option<Gap>) -> Option<Gap> {
    assert!(strict == loose, "{}: {rule} depends on how the edge of its window is read", d.id);
    strict
}
