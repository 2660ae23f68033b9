//! What happened, counted per rep and kind over a time, and week by week. Every number opens to the list behind it; rows stand
//! by name, never by rank.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::extract::{Query, State};
use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, Utc};

use super::{Answer, Asked, At, Choice, Leaf, asked, url};
use crate::{
    config::Level,
    domain::{
        activity::{Direction, Kind, Origin, Status},
        directory::Directory,
        reports::{
            credit::{Happened, credit},
            grouping::Grouping,
        },
        working::WorkCalendar,
    },
    store::{StoreError, activities::Stored, lists::Filter},
    web::{
        desk::{Desk, Frame, person},
        picture::{Svg, weeks},
        trouble::show,
        words::{When, clean, count},
    },
};

/// People on one page.
const SIZE: usize = 25;
/// What is said where all together would tell of a few.
const FEW: &str = "Numbers are shown for groups of five or more people.";
/// Weeks of the small pictures.
const WEEKS: usize = 13;

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Counted {
    Sent,
    Received,
    Held,
    Planned,
    Calls,
}

impl Counted {
    pub const ALL: [Self; 5] = [Self::Sent, Self::Received, Self::Held, Self::Planned, Self::Calls];

    pub fn word(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Received => "received",
            Self::Held => "held",
            Self::Planned => "planned",
            Self::Calls => "calls",
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Sent => "Mails sent",
            Self::Received => "Mails received",
            Self::Held => "Meetings held",
            Self::Planned => "Meetings ahead",
            Self::Calls => "Calls",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.word() == text)
    }

    /// Which number an activity adds to, if any: what was called off adds to none.
    pub fn of(h: &Happened, now: DateTime<Utc>) -> Option<Self> {
        let a = &h.activity;
        match (a.kind, a.direction, a.status_at(now)) {
            (Kind::Email, Some(Direction::Outbound), _) => Some(Self::Sent),
            (Kind::Email, Some(Direction::Inbound), _) => Some(Self::Received),
            (Kind::Meeting, _, Status::Held | Status::Done) => Some(Self::Held),
            (Kind::Meeting, _, Status::Planned) => Some(Self::Planned),
            (Kind::Call, ..) => Some(Self::Calls),
            _ => None,
        }
    }
}

/// Days, both included, with what lies ahead of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub from: NaiveDate,
    pub to: NaiveDate,
    /// Until when meetings ahead are counted.
    pub ahead: NaiveDate,
}

/// The times one can choose: their words in links, their names.
const TIMES: [(&str, &str); 4] =
    [("week", "This week"), ("last-week", "Last week"), ("30", "30 days"), ("90", "90 days")];

fn days(time: &str, today: NaiveDate) -> Span {
    let back = |n| today.checked_sub_days(Days::new(n)).unwrap_or(today);
    let on = |day: NaiveDate, n| day.checked_add_days(Days::new(n)).unwrap_or(day);
    let monday = back(u64::from(today.weekday().num_days_from_monday()));
    let before = monday.checked_sub_days(Days::new(7)).unwrap_or(monday);
    match time {
        "last-week" => Span { from: before, to: on(before, 6), ahead: on(before, 6) },
        "30" => Span { from: back(29), to: today, ahead: on(today, 30) },
        "90" => Span { from: back(89), to: today, ahead: on(today, 90) },
        _ => Span { from: monday, to: on(monday, 6), ahead: on(monday, 6) },
    }
}

pub type Loaded = Vec<(Happened, Stored, Level)>;

/// Everything between two days of the organisation.
pub async fn load(desk: &Desk, from: NaiveDate, to: NaiveDate) -> Result<Loaded, StoreError> {
    let calendar = desk.calendar();
    // all-day things stand at midnight UTC of their date: a day more on either side
    let (start, end) = (calendar.start_of(from) - TimeDelta::days(1), calendar.end_of(to) + TimeDelta::days(1));
    let filter = Filter { from: Some(start), to: Some(end), ..Filter::default() };
    let all = desk.store.with_sightings(desk.store.activities(&filter).await?).await?;
    let mut all = desk.happened(all);
    all.retain(|(h, ..)| (from..=to).contains(&day_of(h, calendar)));
    Ok(all)
}

pub fn day_of(h: &Happened, calendar: &WorkCalendar) -> NaiveDate {
    if h.all_day { h.activity.occurred_at.date_naive() } else { calendar.date(h.activity.occurred_at) }
}

#[derive(Clone, Debug)]
struct Cell {
    n: usize,
    url: Option<String>,
}

#[derive(Clone, Debug)]
struct Row {
    name: String,
    cells: Vec<Cell>,
}

#[derive(Clone, Debug)]
struct Small {
    name: String,
    picture: Svg,
    weeks: Vec<weeks::Week>,
}

#[derive(Template)]
#[template(path = "activities.html")]
struct Page {
    frame: Frame,
    sentence: String,
    times: Vec<Choice>,
    span: String,
    titles: Vec<&'static str>,
    rows: Vec<Row>,
    /// All together.
    total: Option<Row>,
    small: Vec<Small>,
    most: usize,
    /// The pictures in numbers: each week's Monday, and what everybody did in it.
    twin: Vec<(When, Vec<weeks::Week>)>,
    hidden: bool,
    nothing: bool,
    leaf: Leaf,
}

/// Whose row something belongs to: the reps of its credit, or their teams where single people are not shown.
fn rows_of(h: &Happened, directory: &Directory, grouping: Grouping) -> Vec<String> {
    let credit = credit(h, directory);
    let of = if grouping == Grouping::People { credit.users } else { credit.teams };
    of.into_iter().map(str::to_owned).collect()
}

/// The rows there are: everybody who has a mailbox, a calendar or a deal, or their teams; (name, key) by name.
/// Whether some are left out, and whether all together may be counted.
fn everybody(desk: &Desk, directory: &Directory, owners: &BTreeSet<String>) -> (Vec<(String, String)>, bool, bool) {
    let works = |email: &str| owners.contains(email) || directory.deals.values().any(|d| d.owner == email);
    let people = directory.ours.users.iter().filter(|u| works(&u.email));
    let (mut rows, hidden, together): (Vec<(String, String)>, bool, bool) = match desk.grouping {
        Grouping::People => (people.map(|u| (person(directory, &u.email), u.email.clone())).collect(), false, true),
        grouping => {
            let shown = grouping.shown(directory, desk.now());
            let teams = shown.teams.into_iter().map(|t| (format!("Team {}", clean(&t)), t)).collect();
            (teams, desk.grouping == Grouping::LargeTeams, shown.everybody)
        }
    };
    rows.sort();
    (rows, hidden, together)
}

pub async fn page(State(desk): At, Query(query): Asked) -> Answer {
    let directory = &desk.directory();
    let (calendar, here) = (desk.calendar(), desk.here());
    let today = here.date(here.now);
    let time = asked(&query, "time").filter(|t| TIMES.iter().any(|(word, _)| word == t)).unwrap_or("week");
    let days = days(time, today);
    let monday = today.checked_sub_days(Days::new(u64::from(today.weekday().num_days_from_monday()))).unwrap_or(today);
    let first = monday.checked_sub_days(Days::new(7 * (WEEKS as u64 - 1))).unwrap_or(monday);
    let all = load(&desk, first.min(days.from), days.ahead.max(today)).await?;
    let owners = desk.store.connections().await?.into_iter().filter(|c| !c.removed).filter_map(|c| c.owner).collect();
    let (who, hidden, together) = everybody(&desk, directory, &owners);
    let (who, leaf) = Leaf::cut(&who, SIZE, asked(&query, "page"), |n| {
        url("/activities", &[("time", Some(time)), ("page", Some(&n.to_string()))])
    });

    let mut counts: BTreeMap<(String, Counted), usize> = BTreeMap::new();
    let mut total: BTreeMap<Counted, usize> = BTreeMap::new();
    let mut by_week: BTreeMap<String, Vec<weeks::Week>> = BTreeMap::new();
    let mut typed = 0;
    for (h, ..) in &all {
        let Some(counted) = Counted::of(h, here.now) else { continue };
        let day = day_of(h, calendar);
        let rows = rows_of(h, directory, desk.grouping);
        if within(counted, day, days) {
            typed += usize::from(h.activity.origin == Origin::Typed);
            *total.entry(counted).or_default() += 1;
            for row in &rows {
                *counts.entry((row.clone(), counted)).or_default() += 1;
            }
        }
        let week = usize::try_from((day - first).num_days().div_euclid(7)).ok().filter(|w| *w < WEEKS);
        if let Some(week) = week.filter(|_| counted != Counted::Planned) {
            for row in rows {
                by_week.entry(row).or_insert_with(|| vec![[0; 3]; WEEKS])[week][bar(counted)] += 1;
            }
        }
    }
    let by_person = desk.grouping == Grouping::People;
    let cells = |key: Option<&str>, n: &dyn Fn(Counted) -> usize| -> Vec<Cell> {
        Counted::ALL.into_iter().map(|c| cell(n(c), c, key, days, key.is_none() || by_person)).collect()
    };
    let rows = who
        .iter()
        .map(|(name, key)| Row {
            name: name.clone(),
            cells: cells(Some(key), &|c| counts.get(&(key.clone(), c)).copied().unwrap_or(0)),
        })
        .collect();
    let n = |c| total.get(&c).copied().unwrap_or(0);
    let most = by_week.values().flatten().map(|w| w.iter().sum::<usize>()).max().unwrap_or(0);
    let small: Vec<Small> = who.iter().map(|(name, key)| small(name, by_week.remove(key), most)).collect();
    let twin = (0..WEEKS)
        .filter_map(|w| Some((here.day(first.checked_add_days(Days::new(7 * w as u64))?), w)))
        .map(|(monday, w)| (monday, small.iter().map(|s| s.weeks[w]).collect()))
        .collect();
    let page = Page {
        frame: desk.frame("Activities", "activities").await?,
        sentence: if together { sentence(time, &n, typed) } else { FEW.to_owned() },
        times: times(time),
        span: format!("{} – {}", here.day_text(days.from), here.day_text(days.to)),
        titles: Counted::ALL.iter().map(|c| c.title()).collect(),
        rows,
        total: together.then(|| Row { name: "Everybody".into(), cells: cells(None, &n) }),
        small,
        most,
        twin,
        hidden,
        nothing: all.is_empty(),
        leaf,
    };
    show(&page)
}

/// Meetings ahead are counted beyond the days that are past.
pub fn within(counted: Counted, day: NaiveDate, days: Span) -> bool {
    let to = if counted == Counted::Planned { days.ahead } else { days.to };
    (days.from..=to).contains(&day)
}

fn bar(counted: Counted) -> usize {
    match counted {
        Counted::Sent => 0,
        Counted::Received => 1,
        Counted::Held | Counted::Planned | Counted::Calls => 2,
    }
}

fn cell(n: usize, counted: Counted, rep: Option<&str>, days: Span, open: bool) -> Cell {
    let to = if counted == Counted::Planned { days.ahead } else { days.to };
    let (from, to) = (days.from.to_string(), to.to_string());
    let pairs =
        [("rep", rep), ("kind", Some(counted.word())), ("from", Some(from.as_str())), ("to", Some(to.as_str()))];
    Cell { n, url: (n > 0 && open).then(|| url("/activities/list", &pairs)) }
}

fn small(name: &str, weeks: Option<Vec<weeks::Week>>, most: usize) -> Small {
    let weeks = weeks.unwrap_or_else(|| vec![[0; 3]; WEEKS]);
    let sum = |i: usize| weeks.iter().map(|w| w[i]).sum::<usize>();
    let label = format!(
        "{name}, the last {WEEKS} weeks: {}, {}, {}",
        count(sum(0), "mail sent", "mails sent"),
        count(sum(1), "received", "received"),
        count(sum(2), "meeting or call", "meetings and calls")
    );
    Small { name: name.to_owned(), picture: weeks::draw(&weeks, most, &label), weeks }
}

fn times(chosen: &str) -> Vec<Choice> {
    let one = |(word, name): &(&str, &str)| Choice {
        name: (*name).to_owned(),
        url: url("/activities", &[("time", Some(word))]),
        on: *word == chosen,
    };
    TIMES.iter().map(one).collect()
}

fn sentence(time: &str, n: &dyn Fn(Counted) -> usize, typed: usize) -> String {
    let when = match time {
        "week" => "This week",
        "last-week" => "Last week",
        "90" => "In the last 90 days",
        _ => "In the last 30 days",
    };
    let mut said = vec![
        count(n(Counted::Sent), "mail went out", "mails went out"),
        count(n(Counted::Received), "came in", "came in"),
        count(n(Counted::Held), "meeting was held", "meetings were held"),
    ];
    match (time, n(Counted::Planned)) {
        ("last-week", _) | (_, 0) => {}
        (_, n) => said.push(count(n, "lies ahead", "lie ahead")),
    }
    let by_hand = match typed {
        0 => "Nobody had to type any of it.".to_owned(),
        1 => "One of them was typed by hand.".to_owned(),
        n => format!("{n} of them were typed by hand."),
    };
    format!("{when} {}. {by_hand}", crate::web::words::list(&said))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_begin_on_monday() {
        let d = |text: &str| text.parse::<NaiveDate>().expect("a date");
        let thursday = d("2026-11-19");
        let span = |time| days(time, thursday);
        assert_eq!(span("week"), Span { from: d("2026-11-16"), to: d("2026-11-22"), ahead: d("2026-11-22") });
        assert_eq!(span("last-week"), Span { from: d("2026-11-09"), to: d("2026-11-15"), ahead: d("2026-11-15") });
        assert_eq!(span("30"), Span { from: d("2026-10-21"), to: thursday, ahead: d("2026-12-19") });
        assert!(within(Counted::Planned, d("2026-12-01"), span("30")));
        assert!(!within(Counted::Sent, d("2026-12-01"), span("30")));
    }
}
