//! One deal's trail: who it is with, how much of its way is backed, the picture, and the same story in words.

use std::{collections::HashMap, sync::Arc};

use askama::Template;
use axum::extract::{Path, Query, State, rejection::PathRejection};
use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Answer, Asked, At, Leaf, asked,
    line::Line,
    steps::{self, Judged},
    told::{Teller, Told, asks},
    url,
};
use crate::{
    config::Level,
    domain::{
        activity::{Direction, Kind, Status},
        directory::{Deal, Directory, StageKind},
        gaps::{Case, Facts, Finding, Seen, State as GapState, Stays, Tie, evidence::Weight, moves::open_stages},
    },
    store::activities::Stored,
    web::{
        desk::{Desk, Frame, company_name, person, stage_name},
        picture::{
            Svg,
            trail::{self, Backed, Band, Hatch, Mark, Shape, Step, Trail},
        },
        trouble::{Trouble, show},
        words::{self, Here, When, clean, seg},
    },
};

/// Rows of the story on one page.
const SIZE: usize = 84;

/// Gaps told in full, open ones and closed ones each: the worst.
const GAPS: usize = 8;

/// The picture of a closed deal ends this long after the last thing that happened.
const LONG_AGO: TimeDelta = TimeDelta::days(21);

/// One thing of the story.
#[derive(Clone, Debug)]
struct Chapter {
    when: When,
    /// `act`, `move`, `gap`, `today`.
    kind: &'static str,
    line: Option<Line>,
    text: String,
    backed: &'static str,
    by: Option<Line>,
}

#[derive(Template)]
#[template(path = "deal.html")]
struct Page {
    frame: Frame,
    sentence: String,
    facts: Vec<(&'static str, String)>,
    people: Vec<String>,
    picture: Svg,
    gaps: Vec<Told>,
    /// Open ones that are not told here.
    more: usize,
    past: Vec<Told>,
    /// Closed ones, told here or not.
    closed: usize,
    story: Vec<Chapter>,
    leaf: Leaf,
    nothing: bool,
}

/// What the page is made from.
struct Material {
    directory: Arc<Directory>,
    deal: Deal,
    findings: Vec<Finding>,
    all: Vec<(Stored, Level)>,
    teller: Teller,
    here: Here,
}

pub async fn page(State(desk): At, id: Result<Path<String>, PathRejection>, Query(query): Asked) -> Answer {
    let Ok(Path(id)) = id else { return Err(Trouble::NotFound) };
    let directory = desk.directory();
    let Some(deal) = directory.deals.get(&id).cloned() else { return Err(Trouble::NotFound) };
    let mut findings = desk.store.findings_of(&id).await?;
    findings.sort_by(Finding::by_weight);
    let contacts: Vec<String> = Case::contacts_of(&directory, &deal).into_iter().map(str::to_owned).collect();
    let all = desk.store.with_sightings(desk.store.trail(&id, &contacts, deal.company.as_deref()).await?).await?;
    let all = all.into_iter().map(|(stored, sightings)| (stored, desk.level(&sightings))).collect();
    let teller = Teller::load(&desk, &directory, &findings).await?;
    let frame = desk.frame(&clean(&deal.name), "deals").await?;
    let material = Material { directory, deal, findings, all, teller, here: desk.here() };
    show(&material.page(&desk, frame, asked(&query, "page")))
}

impl Material {
    fn page(&self, desk: &Desk, frame: Frame, number: Option<&str>) -> Page {
        let directory = &self.directory;
        let stays = Stays::default();
        let facts = Facts {
            directory,
            thresholds: desk.thresholds(),
            // what could be seen is already part of the stored findings; here the rules are only asked what backs a move
            captures: std::collections::BTreeMap::new(),
            calendars: desk.calendars(),
            calendar: desk.calendar().clone(),
            stays: &stays,
            now: self.here.now,
        };
        let case = Case::new(&facts, &self.deal, self.all.iter().map(|(s, _)| &s.activity), []);
        let judged = steps::judged(&case, &self.findings);
        let stored: HashMap<&str, &(Stored, Level)> = self.all.iter().map(|s| (s.0.activity.id.as_str(), s)).collect();
        let lines: HashMap<&str, Line> = case
            .seen
            .iter()
            .filter_map(|s| Some((s.activity.id.as_str(), stored.get(s.activity.id.as_str())?)))
            .map(|(id, (stored, level))| (id, Line::new(stored, *level, directory, &self.here)))
            .collect();
        let story = self.story(&case, &judged, &lines);
        // the newest page first: that is where people look
        let last = story.len().div_ceil(SIZE).max(1).to_string();
        let (cut, leaf) = Leaf::cut(&story, SIZE, number.or(Some(&last)), |n| {
            url(&format!("/deal/{}", seg(&self.deal.id)), &[("page", Some(&n.to_string()))])
        });
        let tell = |f: &Finding| self.teller.tell(f, directory, &self.here);
        let (live, past): (Vec<&Finding>, Vec<&Finding>) =
            self.findings.iter().filter(|f| f.state != GapState::Withdrawn).partition(|f| f.state.is_live());
        Page {
            sentence: self.sentence(&case, &judged),
            facts: self.facts(),
            people: self.people(),
            picture: self.trail(&case, &judged, &lines).draw(),
            more: live.len().saturating_sub(GAPS),
            closed: past.len(),
            gaps: live.into_iter().take(GAPS).map(tell).collect(),
            past: past.into_iter().take(GAPS).map(tell).collect(),
            story: cut.to_vec(),
            leaf,
            nothing: case.seen.is_empty(),
            frame,
        }
    }

    fn sentence(&self, case: &Case<'_>, judged: &[Judged]) -> String {
        let mut said = steps::sentence(judged);
        let sign = case.evidence().rfind(|s| s.at() <= self.here.now);
        match sign {
            Some(seen) => {
                let what = match seen.activity.kind {
                    Kind::Email => "mail",
                    Kind::Meeting => "meeting",
                    Kind::Call | Kind::Note => "call",
                };
                said.push_str(&format!(
                    " The last sign from the buyer was a {what} on {}.",
                    self.here.day_text(self.here.date(seen.at()))
                ));
            }
            None => said.push_str(" No sign from the buyer is known."),
        }
        match case.planned().count() {
            0 if case.is_open() => said.push_str(" No meeting lies ahead."),
            0 => {}
            1 => said.push_str(" One meeting lies ahead."),
            n => said.push_str(&format!(" {n} meetings lie ahead.")),
        }
        said
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let (deal, directory) = (&self.deal, &self.directory);
        let mut facts = Vec::new();
        let mut add = |name, value: Option<String>| facts.extend(value.filter(|v| !v.is_empty()).map(|v| (name, v)));
        add("Company", company_name(directory, deal));
        add("Stage", Some(stage_name(directory, &deal.stage)));
        add("Amount", deal.amount.map(|a| words::amount(a, deal.currency.as_deref())));
        add("Owner", Some(person(directory, &deal.owner)));
        add("Closes", deal.close_date.map(|d| self.here.day_text(d)));
        add("Forecast", deal.forecast_category.as_deref().map(clean));
        facts
    }

    fn people(&self) -> Vec<String> {
        let directory = &self.directory;
        let named = |role: &crate::domain::directory::ContactRole| {
            let contact = directory.contacts.get(directory.survivor(&role.contact))?;
            let name = clean(contact.name.as_deref().or(contact.emails.first().map(String::as_str))?);
            Some(role.role.as_deref().map_or(name.clone(), |r| format!("{name} ({})", clean(r))))
        };
        self.deal.contacts.iter().filter_map(named).take(12).collect()
    }

    /// Everything in order, today in its place.
    fn story(&self, case: &Case<'_>, judged: &[Judged], lines: &HashMap<&str, Line>) -> Vec<Chapter> {
        let (directory, here) = (&self.directory, &self.here);
        let blank =
            |at, kind, text: String| Chapter { when: here.when(at), kind, line: None, text, backed: "", by: None };
        let mut story: Vec<(DateTime<Utc>, u8, Chapter)> = Vec::new();
        for seen in &case.seen {
            let Some(line) = lines.get(seen.activity.id.as_str()) else { continue };
            let told =
                Chapter { when: line.when.clone(), line: Some(line.clone()), ..blank(seen.at(), "act", String::new()) };
            story.push((seen.at(), 1, told));
        }
        for j in judged {
            let (from, to) = (stage_name(directory, &j.step.from), stage_name(directory, &j.step.to));
            let by = j.by.as_deref().and_then(|id| lines.get(id).or_else(|| self.teller.line(id)).cloned());
            let told =
                Chapter { by, backed: backing(j), ..blank(j.step.at, "move", format!("Moved from {from} to {to}")) };
            story.push((j.step.at, 2, told));
        }
        if let Some(at) = self.entered() {
            let stage =
                first_stage(&self.deal).map_or(String::new(), |id| format!(" in {}", stage_name(directory, id)));
            story.push((at, 0, blank(at, "move", format!("The deal began{stage}"))));
        }
        for f in self.findings.iter().filter(|f| asks(f)) {
            let text = format!("{}: {}", words::rule(f.rule.as_str()), f.found);
            story.push((f.since, 3, blank(f.since, "gap", words::clean_lines(&text))));
        }
        story.push((here.now, 4, blank(here.now, "today", "Today".to_owned())));
        story.sort_by_key(|(at, rank, _)| (*at, *rank));
        story.into_iter().map(|(.., told)| told).collect()
    }

    fn entered(&self) -> Option<DateTime<Utc>> {
        [self.deal.created_at, self.deal.stage_changes.first().map(|c| c.at)].into_iter().flatten().min()
    }

    fn trail(&self, case: &Case<'_>, judged: &[Judged], lines: &HashMap<&str, Line>) -> Trail {
        let here = &self.here;
        let close = self.deal.close_date.map(|d| case.facts.calendar.start_of(d) + TimeDelta::hours(12));
        let moments = (case.seen.iter().map(Seen::at)).chain(self.entered());
        let moments: Vec<_> = moments.chain(self.deal.stage_changes.iter().map(|c| c.at)).collect();
        let (from, mut to) = trail::span(moments.iter().copied().chain(close.filter(|_| case.is_open())), here.now);
        let last = moments.iter().copied().chain(self.findings.iter().filter_map(|f| f.window_to)).max();
        if let Some(last) = last.filter(|_| !case.is_open()) {
            to = to.min((last + LONG_AGO).max(from + LONG_AGO));
        }
        let live = self.findings.iter().filter(|f| f.state.is_live());
        let marks = case.seen.iter().filter_map(|s| Some(mark(s, lines.get(s.activity.id.as_str())?, here.now)));
        Trail {
            from,
            to,
            now: here.now,
            zone: here.zone,
            bands: self.bands(to),
            marks: marks.collect(),
            gaps: live.map(|f| hatch(f, here.now)).collect(),
            steps: judged.iter().map(|j| self.step(j)).collect(),
            close: close.filter(|_| case.is_open()),
            label: format!("The trail of {}. The list below tells the same in words.", clean(&self.deal.name)),
        }
    }

    fn step(&self, j: &Judged) -> Step {
        let name = |id: &str| stage_name(&self.directory, id);
        let day = self.here.day_text(self.here.date(j.step.at));
        let said = backing(j);
        let said = if said.is_empty() { String::new() } else { format!(", {said}") };
        Step {
            at: j.step.at,
            backed: j.backed,
            title: format!("{day}: {} → {}{said}", name(&j.step.from), name(&j.step.to)),
        }
    }

    /// The stages one after the other; the last one lasts to the end of the picture.
    fn bands(&self, end: DateTime<Utc>) -> Vec<Band> {
        let directory = &self.directory;
        let mut entries: Vec<(DateTime<Utc>, &str)> = Vec::new();
        if let Some((at, stage)) = self.entered().zip(first_stage(&self.deal)) {
            entries.push((at, stage));
        }
        entries.extend(self.deal.stage_changes.iter().filter(|c| c.from.is_some()).map(|c| (c.at, c.to.as_str())));
        entries.sort_by_key(|(at, _)| *at);
        let open = open_stages(directory, self.deal.pipeline.as_deref());
        let depth = |id: &str| {
            let place = open.iter().position(|s| s.id == id).unwrap_or(0);
            if open.len() > 1 { place * 5 / (open.len() - 1) } else { 0 }
        };
        let until = |i: usize| entries.get(i + 1).map_or(end, |next| next.0);
        let band = |(i, (at, id)): (usize, &(DateTime<Utc>, &str))| Band {
            from: *at,
            to: until(i),
            name: stage_name(directory, id),
            depth: depth(id),
            closed: directory.stage_kind(id) != StageKind::Open,
        };
        entries.iter().enumerate().map(band).collect()
    }
}

fn first_stage(deal: &Deal) -> Option<&str> {
    match deal.stage_changes.first() {
        Some(change) => Some(change.from.as_deref().unwrap_or(&change.to)),
        None => Some(&deal.stage),
    }
}

fn backing(j: &Judged) -> &'static str {
    match (j.backed, j.late) {
        (Backed::Yes, true) => "backed late",
        (Backed::Yes, false) => "backed",
        (Backed::No, _) => "nothing from the buyer behind it",
        (Backed::Open, _) => "cannot be judged yet",
        (Backed::Neither, _) => "",
    }
}

fn mark(seen: &Seen<'_>, line: &Line, now: DateTime<Utc>) -> Mark {
    let a = seen.activity;
    let status = a.status_at(now);
    Mark {
        at: a.occurred_at,
        end: a.ended_at,
        shape: match (a.kind, a.direction) {
            (Kind::Email, Some(Direction::Inbound)) => Shape::MailIn,
            (Kind::Email, _) => Shape::MailOut,
            (Kind::Meeting, _) => Shape::Meeting,
            (Kind::Call, _) => Shape::Call,
            (Kind::Note, _) => Shape::Note,
        },
        evidence: seen.weight == Weight::Evidence && seen.tie != Tie::Pending,
        planned: status == Status::Planned,
        called_off: matches!(status, Status::Cancelled | Status::Declined),
        title: line.text(),
        href: line.url.clone(),
    }
}

/// The window that was looked at; where a rule has none, the time since it holds.
fn hatch(f: &Finding, now: DateTime<Utc>) -> Hatch {
    Hatch {
        from: f.window_from.unwrap_or(f.since),
        to: f.window_to.unwrap_or(now),
        name: words::rule(f.rule.as_str()),
        urgent: f.state == GapState::Open && f.severity.as_str() == "high",
    }
}
