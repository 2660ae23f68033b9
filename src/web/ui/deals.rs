//! The deals: the last months of each in one small picture, who spoke last, and its worst gap.

use std::collections::{BTreeMap, HashMap};

use askama::Template;
use axum::extract::{Query, State};
use chrono::{DateTime, TimeDelta, Utc};

use super::{Answer, Asked, At, Choice, Leaf, asked, told::asks, url};
use crate::{
    domain::{
        activity::{Direction, Kind, Status},
        directory::{Deal, Directory, StageKind},
        gaps::{Finding, worst_per_deal},
        reports::grouping::Grouping,
    },
    store::pages::Mark,
    web::{
        desk::{Desk, Frame, company_name, person, stage_name},
        picture::{
            Svg,
            mini::{self, Side},
        },
        trouble::show,
        words::{self, Here, When, count, seg},
    },
};

const SIZE: usize = 40;
const BACK: TimeDelta = TimeDelta::days(112);
const AHEAD: TimeDelta = TimeDelta::days(28);

#[derive(Clone, Debug)]
struct Row {
    name: String,
    url: String,
    company: Option<String>,
    stage: String,
    amount: Option<String>,
    owner: String,
    close: Option<When>,
    last: Option<When>,
    picture: Svg,
    gap: Option<String>,
    urgent: bool,
    unknown: bool,
}

#[derive(Template)]
#[template(path = "deals.html")]
struct Page {
    frame: Frame,
    sentence: String,
    rows: Vec<Row>,
    kinds: Vec<Choice>,
    reps: Vec<Choice>,
    leaf: Leaf,
    any_deals: bool,
}

const KINDS: [(&str, &str, StageKind); 3] =
    [("open", "Open", StageKind::Open), ("won", "Won", StageKind::Won), ("lost", "Lost", StageKind::Lost)];

pub async fn page(State(desk): At, Query(query): Asked) -> Answer {
    let directory = &desk.directory();
    let here = desk.here();
    let rep = asked(&query, "rep");
    let (word, _, kind) =
        KINDS.into_iter().find(|(word, ..)| asked(&query, "state") == Some(*word)).unwrap_or(KINDS[0]);
    let live = desk.store.findings().await?.into_iter().filter(asks).collect();
    let gaps: HashMap<String, Finding> =
        worst_per_deal(live).into_iter().filter_map(|f| Some((f.deal.clone()?, f))).collect();
    let mut deals: Vec<&Deal> = directory
        .deals
        .values()
        .filter(|d| directory.stage_kind(&d.stage) == kind && rep.is_none_or(|rep| d.owner == rep))
        .collect();
    deals.sort_by(|a, b| order(a, b, &gaps));
    let (cut, leaf) = Leaf::cut(&deals, SIZE, asked(&query, "page"), |n| {
        url("/deals", &[("rep", rep), ("state", Some(word)), ("page", Some(&n.to_string()))])
    });
    let ids: Vec<String> = cut.iter().map(|d| d.id.clone()).collect();
    let (from, to) = (here.now - BACK, here.now + AHEAD);
    let mut marks: HashMap<String, Vec<Mark>> = HashMap::new();
    for mark in desk.store.marks(&ids, from, to).await? {
        marks.entry(mark.deal.clone()).or_default().push(mark);
    }
    let touched = desk.store.last_touches(here.now).await?;
    let rows = cut
        .iter()
        .map(|d| {
            let marks = marks.remove(&d.id).unwrap_or_default();
            row(d, directory, &here, gaps.get(&d.id), touched.get(&d.id).copied(), &marks)
        })
        .collect();
    let page = Page {
        frame: desk.frame("Deals", "deals").await?,
        sentence: sentence(word, &deals, &gaps),
        rows,
        kinds: KINDS
            .iter()
            .map(|(w, name, _)| Choice {
                name: (*name).into(),
                url: url("/deals", &[("rep", rep), ("state", Some(w))]),
                on: *w == word,
            })
            .collect(),
        reps: reps(&desk, directory, rep, word),
        leaf,
        any_deals: !directory.deals.is_empty(),
    };
    show(&page)
}

/// Deals with a gap first, the worst one first; the others by name.
fn order(a: &Deal, b: &Deal, gaps: &HashMap<String, Finding>) -> std::cmp::Ordering {
    let by_name = || (a.name.to_lowercase(), &a.id).cmp(&(b.name.to_lowercase(), &b.id));
    match (gaps.get(&a.id), gaps.get(&b.id)) {
        (Some(x), Some(y)) => Finding::by_weight(x, y),
        (Some(_), None) => std::cmp::Ordering::Less,
        (None, Some(_)) => std::cmp::Ordering::Greater,
        (None, None) => by_name(),
    }
}

fn sentence(word: &str, deals: &[&Deal], gaps: &HashMap<String, Finding>) -> String {
    let with = deals.iter().filter(|d| gaps.contains_key(&d.id)).count();
    let deals = count(deals.len(), &format!("{word} deal"), &format!("{word} deals"));
    match with {
        0 => format!("{deals}; none has a gap."),
        1 => format!("{deals}; one has a gap and stands first."),
        n => format!("{deals}; {n} have a gap and stand first."),
    }
}

fn reps(desk: &Desk, directory: &Directory, rep: Option<&str>, word: &str) -> Vec<Choice> {
    if desk.grouping != Grouping::People {
        return vec![];
    }
    let owners: BTreeMap<String, &str> =
        directory.deals.values().map(|d| (person(directory, &d.owner), d.owner.as_str())).collect();
    let link = |rep| url("/deals", &[("rep", rep), ("state", Some(word))]);
    let everybody = Choice { name: "Everybody".into(), url: link(None), on: rep.is_none() };
    let each = owners.into_iter().map(|(name, email)| Choice { name, url: link(Some(email)), on: rep == Some(email) });
    std::iter::once(everybody).chain(each).collect()
}

fn row(
    deal: &Deal,
    directory: &Directory,
    here: &Here,
    gap: Option<&Finding>,
    last: Option<DateTime<Utc>>,
    marks: &[Mark],
) -> Row {
    let last = last.map(|at| here.when(at));
    let sides: Vec<(DateTime<Utc>, Side)> = marks.iter().filter_map(|m| Some((m.at, side(m, here.now)?))).collect();
    let n = |wanted| sides.iter().filter(|(_, side)| *side == wanted).count();
    let label = format!(
        "The last sixteen weeks: {} from them, {} from us, {}, {} ahead",
        count(n(Side::In), "mail", "mails"),
        count(n(Side::Out), "mail", "mails"),
        count(n(Side::Met), "meeting or call", "meetings and calls"),
        n(Side::Ahead)
    );
    Row {
        name: words::clean(&deal.name),
        url: format!("/deal/{}", seg(&deal.id)),
        company: company_name(directory, deal),
        stage: stage_name(directory, &deal.stage),
        amount: deal.amount.map(|a| words::amount(a, deal.currency.as_deref())),
        owner: person(directory, &deal.owner),
        close: deal.close_date.map(|d| here.day(d)),
        last,
        picture: mini::draw(&sides, here.now - BACK, here.now + AHEAD, here.now, &label),
        gap: gap.map(|f| words::rule(f.rule.as_str())),
        urgent: gap.is_some_and(|f| f.severity.as_str() == "high" && f.state.as_str() == "open"),
        unknown: gap.is_some_and(|f| f.state.as_str() == "unknown"),
    }
}

fn side(m: &Mark, now: DateTime<Utc>) -> Option<Side> {
    match (m.kind, m.direction, m.status) {
        (Kind::Email, Some(Direction::Inbound), _) => Some(Side::In),
        (Kind::Email, ..) => Some(Side::Out),
        (_, _, Status::Cancelled | Status::Declined) | (Kind::Note, ..) => None,
        (Kind::Meeting, ..) if m.ended_at.unwrap_or(m.at) > now => Some(Side::Ahead),
        (Kind::Meeting | Kind::Call, ..) => Some(Side::Met),
    }
}
