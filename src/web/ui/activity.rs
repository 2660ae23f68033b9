//! One activity: who took part, what it was tied to and why, where it was seen. Never its text, unless its owners share it.

use askama::Template;
use axum::extract::{Path, State, rejection::PathRejection};

use super::{
    Answer, At,
    line::{self, Line},
};
use crate::{
    config::Level,
    domain::{
        activity::{Entity, Kind, Match, Participant, Role, TextState},
        directory::Directory,
    },
    store::{
        activities::{Chosen, Stored},
        lists::ShownSighting,
    },
    web::{
        desk::{Desk, Frame, deal_name, person},
        trouble::{Trouble, show},
        words::{Here, When, clean, clean_lines, reason, seg},
    },
};

#[derive(Clone, Debug)]
struct Who {
    name: String,
    address: String,
    role: &'static str,
    /// "ours", "contact".
    side: &'static str,
}

#[derive(Clone, Debug)]
struct Tied {
    what: &'static str,
    name: String,
    url: Option<String>,
    why: String,
    score: String,
    runner_up: Option<String>,
    by: Option<String>,
}

#[derive(Clone, Debug)]
struct Seen {
    place: String,
    owner: Option<String>,
    direction: Option<String>,
    typed: bool,
    gone: Option<When>,
}

#[derive(Template)]
#[template(path = "activity.html")]
struct Page {
    frame: Frame,
    line: Line,
    when: When,
    minutes: Option<i64>,
    all_day: bool,
    uncertain: bool,
    people: Vec<Who>,
    hidden: usize,
    ties: Vec<Tied>,
    undecided: Vec<(String, String)>,
    no_deal: bool,
    /// Deals that people said it does not belong to, and who.
    rejected: Vec<(String, String, String)>,
    seen: Vec<Seen>,
    tags: Vec<String>,
    text: Option<String>,
    text_said: &'static str,
}

pub async fn page(State(desk): At, id: Result<Path<String>, PathRejection>) -> Answer {
    let Ok(Path(id)) = id else { return Err(Trouble::NotFound) };
    let found = desk.store.with_sightings(desk.store.activities_by_ids(&[id]).await?).await?;
    let Some((stored, sightings)) = found.into_iter().next() else { return Err(Trouble::NotFound) };
    let directory = &desk.directory();
    let here = desk.here();
    let level = desk.level(&sightings);
    let text = match level {
        Level::Text => {
            desk.store.text_of(&stored.activity.id).await?.map(|t| clean_lines(&t).chars().take(20_000).collect())
        }
        Level::Metadata | Level::Subject => None,
    };
    let text_said = match (level, stored.text_state) {
        (Level::Text, TextState::Pending) => "Its text has not been fetched yet.",
        (Level::Text, _) => "",
        (_, TextState::None) => "No text is kept.",
        _ => "Its text is kept for its owners and not shown here.",
    };
    let a = &stored.activity;
    let meeting = a.kind == Kind::Meeting;
    let line = Line::new(&stored, level, directory, &here);
    let page = Page {
        frame: desk.frame(&format!("{} {}", line.what, line.who), "activities").await?,
        when: line::moment(&stored, &here),
        minutes: a.ended_at.filter(|_| meeting && !stored.all_day).map(|end| (end - a.occurred_at).num_minutes()),
        all_day: stored.all_day,
        uncertain: stored.time_uncertain,
        people: a.participants.iter().filter(|p| p.role != Role::Bcc).map(|p| who(p, directory)).collect(),
        hidden: a.participants.iter().filter(|p| p.role == Role::Bcc).count(),
        ties: a.matches.iter().map(|m| tied(m, directory)).collect(),
        undecided: a.undecided.iter().map(|id| (deal_name(directory, id), format!("/deal/{}", seg(id)))).collect(),
        no_deal: no_deal(&stored),
        rejected: rejected(&desk, &a.id).await?,
        seen: sightings.iter().map(|s| seen(s, directory, &here)).collect(),
        tags: a.tags.iter().map(|t| clean(t)).collect(),
        text,
        text_said,
        line,
    };
    show(&page)
}

async fn rejected(desk: &Desk, activity: &str) -> Result<Vec<(String, String, String)>, Trouble> {
    let directory = &desk.directory();
    let all = desk.store.choices_of(activity).await?.into_iter().filter(|c| !c.linked);
    let told = |c: Chosen| (deal_name(directory, &c.deal), format!("/deal/{}", seg(&c.deal)), person(directory, &c.by));
    Ok(all.map(told).collect())
}

fn no_deal(stored: &Stored) -> bool {
    stored.activity.ids(Entity::Deal).next().is_none() && stored.activity.undecided.is_empty()
}

fn who(p: &Participant, directory: &Directory) -> Who {
    let contact = p.contact.as_ref().and_then(|id| directory.contacts.get(id));
    let user = p.user.as_deref().map(|u| person(directory, u));
    let name = user.or_else(|| contact.and_then(|c| c.name.as_deref()).or(p.name.as_deref()).map(clean));
    let side = match (&p.user, contact) {
        (Some(_), _) => "ours",
        (None, Some(_)) => "contact",
        (None, None) if directory.is_ours(&p.address) => "ours",
        (None, None) => "",
    };
    let role = match p.role {
        Role::From => "from",
        Role::To => "to",
        Role::Cc => "copy",
        Role::Bcc => "hidden copy",
        Role::Organizer => "organizer",
        Role::Required => "invited",
        Role::Optional => "optional",
        Role::Declined => "declined",
        Role::Resource => "room",
    };
    Who { name: name.unwrap_or_default(), address: clean(&p.address), role, side }
}

fn tied(m: &Match, directory: &Directory) -> Tied {
    let name = |id: &str| match m.entity {
        Entity::Deal => deal_name(directory, id),
        Entity::Company => clean(directory.companies.get(id).map_or(id, |c| &c.name)),
        Entity::Contact => {
            clean(directory.contacts.get(directory.survivor(id)).and_then(|c| c.name.as_deref()).unwrap_or(id))
        }
    };
    let what = match m.entity {
        Entity::Contact => "Contact",
        Entity::Company => "Company",
        Entity::Deal => "Deal",
    };
    Tied {
        what,
        name: name(&m.id),
        url: (m.entity == Entity::Deal).then(|| format!("/deal/{}", seg(&m.id))),
        why: reason(m.reason.as_str()).to_owned(),
        score: format!("{:.2}", m.score),
        runner_up: m.runner_up.as_ref().map(|r| format!("{} ({:.2})", name(&r.id), r.score)),
        by: (m.by != "rule").then(|| person(directory, &m.by)),
    }
}

fn seen(s: &ShownSighting, directory: &Directory, here: &Here) -> Seen {
    Seen {
        place: format!("{} / {}", clean(&s.connection), clean(&s.stream)),
        owner: s.owner.as_deref().map(|o| person(directory, o)),
        direction: s
            .direction
            .as_deref()
            .map(|d| if d == "inbound" { "came in".to_owned() } else { "went out".to_owned() }),
        typed: s.typed,
        gone: s.gone_at.map(|at| here.when(at)),
    }
}
