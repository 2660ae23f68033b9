//! The gaps, the worst of each deal first, each with its why. Opens with one sentence.

use std::collections::{BTreeMap, HashMap};

use askama::Template;
use axum::extract::{Query, State};

use super::{
    Answer, Asked, At, Choice, Leaf, asked,
    told::{self, Teller, Told, asks},
    url,
};
use crate::{
    domain::{
        directory::Directory,
        gaps::{Finding, State as GapState, worst_per_deal},
    },
    web::{
        desk::{Desk, Frame, person},
        trouble::show,
        words,
    },
};

const SIZE: usize = 25;

#[derive(Template)]
#[template(path = "gaps.html")]
struct Page {
    frame: Frame,
    sentence: String,
    gaps: Vec<Told>,
    reps: Vec<Choice>,
    states: Vec<Choice>,
    leaf: Leaf,
    any_deals: bool,
    filtered: bool,
}

pub async fn page(State(desk): At, Query(query): Asked) -> Answer {
    let directory = &desk.directory();
    let here = desk.here();
    let all = desk.store.findings().await?;
    let rep = asked(&query, "rep");
    let state = asked(&query, "state").and_then(GapState::parse);
    let of_rep = |f: &&Finding| rep.is_none() || f.owner.as_deref() == rep;
    let in_state = |f: &&Finding| state.map_or_else(|| asks(f), |s| f.state == s);
    let shown = worst_per_deal(all.iter().filter(of_rep).filter(in_state).cloned().collect());
    let on_a_deal = |f: &&Finding| asks(f) && f.deal.is_some();
    let asking = worst_per_deal(all.iter().filter(of_rep).filter(on_a_deal).cloned().collect());
    let (cut, leaf) = Leaf::cut(&shown, SIZE, asked(&query, "page"), |n| {
        url("/", &[("rep", rep), ("state", state.map(GapState::as_str)), ("page", Some(&n.to_string()))])
    });
    let teller = Teller::load(&desk, directory, cut).await?;
    let gaps = cut.iter().map(|f| teller.tell(f, directory, &here)).collect();
    let name = rep.map(|email| person(directory, email));
    let sentence = told::sentence(&asking, directory.deals.len(), name.as_deref(), &teller.sight, directory, &here);
    let page = Page {
        frame: desk.frame("Gaps", "gaps").await?,
        sentence,
        gaps,
        reps: reps(&desk, &all, directory, &query),
        states: states(&all, rep, state),
        leaf,
        any_deals: !directory.deals.is_empty(),
        filtered: rep.is_some() || state.is_some(),
    };
    show(&page)
}

/// Everybody whose deals ask for something, by name.
fn reps(desk: &Desk, all: &[Finding], directory: &Directory, query: &HashMap<String, String>) -> Vec<Choice> {
    if desk.grouping != crate::domain::reports::grouping::Grouping::People {
        return vec![];
    }
    let (rep, state) = (asked(query, "rep"), asked(query, "state"));
    let mut owners: BTreeMap<String, &str> = BTreeMap::new();
    for owner in all.iter().filter_map(|f| f.owner.as_deref()) {
        owners.insert(person(directory, owner), owner);
    }
    let everybody = Choice { name: "Everybody".into(), url: url("/", &[("state", state)]), on: rep.is_none() };
    let one = |(name, email): (String, &str)| Choice {
        name,
        url: url("/", &[("rep", Some(email)), ("state", state)]),
        on: rep == Some(email),
    };
    std::iter::once(everybody).chain(owners.into_iter().map(one)).collect()
}

/// The states there are, with how many deals stand in each.
fn states(all: &[Finding], rep: Option<&str>, state: Option<GapState>) -> Vec<Choice> {
    let count = |wanted: &dyn Fn(&Finding) -> bool| {
        let of_rep = |f: &&Finding| rep.is_none() || f.owner.as_deref() == rep;
        worst_per_deal(all.iter().filter(of_rep).filter(|f| wanted(f)).cloned().collect()).len()
    };
    let asking = Choice {
        name: format!("Asking for something {}", count(&|f| asks(f))),
        url: url("/", &[("rep", rep)]),
        on: state.is_none(),
    };
    let each = GapState::ALL.iter().filter_map(|s| {
        let n = count(&|f| f.state == *s);
        let name = words::state(s.as_str());
        (n > 0 || state == Some(*s)).then(|| Choice {
            name: format!("{}{} {n}", name[..1].to_uppercase(), &name[1..]),
            url: url("/", &[("rep", rep), ("state", Some(s.as_str()))]),
            on: state == Some(*s),
        })
    });
    std::iter::once(asking).chain(each).collect()
}
