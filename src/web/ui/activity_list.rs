//! The list behind a number: the same activities that were counted, newest first.

use askama::Template;
use axum::extract::{Query, State};
use chrono::NaiveDate;

use super::{
    Answer, Asked, At, Leaf,
    activities::{Counted, day_of, load},
    asked,
    line::Line,
    url,
};
use crate::{
    domain::reports::{credit::credit, grouping::Grouping},
    web::{
        desk::{Frame, person},
        trouble::show,
        words::count,
    },
};

const SIZE: usize = 80;
/// The longest time a list looks at.
const MOST_DAYS: u64 = 400;

#[derive(Template)]
#[template(path = "activity_list.html")]
struct Page {
    frame: Frame,
    sentence: String,
    lines: Vec<Line>,
    leaf: Leaf,
}

pub async fn page(State(desk): At, Query(query): Asked) -> Answer {
    let directory = &desk.directory();
    let (calendar, here) = (desk.calendar(), desk.here());
    let today = here.date(here.now);
    let day = |key| asked(&query, key).and_then(|d| d.parse::<NaiveDate>().ok());
    let to = day("to").unwrap_or(today);
    let least = to.checked_sub_days(chrono::Days::new(MOST_DAYS)).unwrap_or(to);
    let from = day("from").unwrap_or(to).clamp(least, to);
    // where single people are not shown, nobody's list is
    let rep = asked(&query, "rep").filter(|_| desk.grouping == Grouping::People);
    let kind = asked(&query, "kind").and_then(Counted::parse);
    let mut all = load(&desk, from, to).await?;
    all.retain(|(h, ..)| {
        let counted = Counted::of(h, here.now);
        let wanted = kind.map_or(counted.is_some(), |kind| counted == Some(kind));
        wanted && rep.is_none_or(|rep| credit(h, directory).users.contains(rep))
    });
    debug_assert!(all.iter().all(|(h, ..)| (from..=to).contains(&day_of(h, calendar))));
    let (first, last) = (from.to_string(), to.to_string());
    let (cut, leaf) = Leaf::cut(&all, SIZE, asked(&query, "page"), |n| {
        let n = n.to_string();
        let kind = kind.map(Counted::word);
        url(
            "/activities/list",
            &[("rep", rep), ("kind", kind), ("from", Some(&first)), ("to", Some(&last)), ("page", Some(&n))],
        )
    });
    let lines = cut.iter().map(|(_, stored, level)| Line::new(stored, *level, directory, &here)).collect();
    let title = kind.map_or("Activities", Counted::title);
    let whose = rep.map_or(String::new(), |rep| format!(" of {}", person(directory, rep)));
    let span =
        if from == to { here.day_text(from) } else { format!("{} – {}", here.day_text(from), here.day_text(to)) };
    let page = Page {
        frame: desk.frame(&format!("{title}{whose}"), "activities").await?,
        sentence: format!("{}, {span}.", count(all.len(), "activity", "activities")),
        lines,
        leaf,
    };
    show(&page)
}
