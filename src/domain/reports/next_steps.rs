//! The `next_steps` report: what was planned, what shows that it was done, what is overdue, what was given another date. Ticking
//! fulfils nothing: what does, with the contact or on the deal, [`steps`](crate::domain::steps) says for it and for the gap rule
//! `overdue_next_step` alike.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, Utc};

use super::{
    super::{
        directory::{Directory, Task},
        gaps::{Rule, State},
        matching,
        thresholds::GapSettings,
        working::WorkCalendar,
    },
    Column, Range, Row, Scope, Table, Value, WHOSE, Whose, activity,
    stand::Stand,
};

/// Something that happened with a contact or on a deal and fulfils a step of that time.
#[derive(Clone, Debug)]
pub struct Sign {
    pub activity: String,
    pub at: DateTime<Utc>,
    /// `contact:ID` or `deal:ID`.
    pub with: String,
}

#[derive(Debug)]
pub struct Input<'a> {
    pub directory: &'a Directory,
    /// At least those of `overdue_next_step`.
    pub findings: &'a [Stand],
    /// From [`since`] until now.
    pub signs: &'a [Sign],
    pub settings: &'a GapSettings,
    /// By folded email, where they differ from the range's.
    pub calendars: &'a HashMap<String, WorkCalendar>,
    /// Steps due on these days.
    pub range: Range<'a>,
    pub scope: Scope,
    pub now: DateTime<Utc>,
}

/// The columns that say how a step stands.
const STANDS: [(&str, &str); 5] = [
    ("fulfilled", "Fulfilled"),
    ("overdue", "Overdue"),
    ("unknown", "Unknown"),
    ("moved", "Moved"),
    ("to_do", "To do"),
];

/// By column key: steps with the day they are due.
type Steps = BTreeMap<&'static str, Vec<(NaiveDate, String)>>;

pub fn report(input: &Input<'_>) -> Table {
    let mut signs: HashMap<&str, Vec<(DateTime<Utc>, &str)>> = HashMap::new();
    for sign in input.signs {
        signs.entry(&sign.with).or_default().push((sign.at, &sign.activity));
    }
    let mut judged: HashMap<&str, Vec<(&str, State)>> = HashMap::new();
    for finding in input.findings.iter().filter(|f| f.rule == Rule::OverdueNextStep) {
        let Some((task, due)) = finding.key.rsplit_once(' ') else { continue };
        judged.entry(task).or_default().push((due, finding.state));
    }
    let mut all: BTreeMap<Whose, Steps> = BTreeMap::from([(Whose::All, Steps::new())]);
    for task in input.directory.tasks() {
        let step = Step::of(task, input);
        if !input.range.holds(step.day) {
            continue;
        }
        let judged = judged.get(task.id.as_str()).map_or(&[][..], Vec::as_slice);
        let Some((stands, shown)) = step.stands(&signs, judged, input) else { continue };
        for whose in rows_of(step.owner, input.directory) {
            let row = all.entry(whose).or_default();
            row.entry("steps").or_default().push((step.day, task.id.clone()));
            row.entry(stands).or_default().push((step.day, shown.clone()));
            if judged.iter().any(|(due, _)| *due != task.due.timestamp_millis().to_string()) {
                row.entry("moved").or_default().push((step.day, task.id.clone()));
            }
        }
    }
    let wanted = all.into_iter().filter(|(whose, _)| activity::wanted(&input.scope, whose));
    let column = |(key, title): (&str, &str)| Column { key: key.into(), title: title.into() };
    Table {
        name: "next_steps".into(),
        from: input.range.from,
        to: input.range.to,
        columns: WHOSE.into_iter().chain([("steps", "Planned")]).chain(STANDS).map(column).collect(),
        rows: wanted.map(|(whose, by)| row(&whose, by)).collect(),
        notes: vec![
            "Steps are the CRM's tasks due on these days. Fulfilled opens to the activity that shows it; a tick alone fulfils \
             nothing. Unknown: we could not see. Steps that their deal's end overtook are left out."
                .to_owned(),
            "Moved counts those that had been overdue under another date before; they stand in one of the other columns too."
                .to_owned(),
        ],
    }
}

/// The contacts and deals with whom something may fulfil a step of these days; of a few more, since owners work in other zones.
pub fn with(directory: &Directory, range: &Range<'_>) -> (Vec<String>, Vec<String>) {
    let (from, to) = (range.start() - chrono::Duration::days(2), range.end() + chrono::Duration::days(2));
    let tasks = || directory.tasks().iter().filter(|t| from <= t.due && t.due < to);
    let contacts: BTreeSet<&str> =
        tasks().filter_map(|t| t.contact.as_deref()).map(|id| directory.survivor(id)).collect();
    let deals: BTreeSet<&str> = tasks().filter_map(|t| t.deal.as_deref()).collect();
    let owned = |ids: BTreeSet<&str>| ids.into_iter().map(str::to_owned).collect();
    (owned(contacts), owned(deals))
}

/// From when on signs are needed: a step may be done before its date.
pub fn since(range: &Range<'_>) -> DateTime<Utc> {
    range.start() - chrono::Duration::days(31)
}

struct Step<'a> {
    task: &'a Task,
    owner: &'a str,
    day: NaiveDate,
    /// From when on something counts for it.
    from: DateTime<Utc>,
    /// When it is overdue.
    late: DateTime<Utc>,
}

impl<'a> Step<'a> {
    fn of(task: &'a Task, input: &Input<'a>) -> Self {
        let directory = input.directory;
        let deal = task.deal.as_ref().and_then(|id| directory.deals.get(id));
        let owner = match (directory.user(&task.owner), deal) {
            (Some(user), _) => user.email.as_str(),
            (None, Some(deal)) => matching::owner_at(deal, task.due),
            (None, None) => task.owner.as_str(),
        };
        let calendar = input.calendars.get(owner).unwrap_or(input.range.calendar);
        let day = day(input.range.calendar, calendar, task.due);
        let stage = deal.and_then(|d| directory.stages.get(&d.stage));
        let pipeline = stage.and_then(|s| s.pipeline.as_deref());
        let after =
            input.settings.rule("overdue_next_step").span("after", pipeline, stage.map_or("", |s| s.name.as_str()));
        let start = calendar.start_of(day);
        let ticked = task.done_at.filter(|done| *done <= input.now);
        let from = calendar.sub(ticked.map_or(start, |ticked| ticked.min(start)), after);
        Self { task, owner, day, from, late: calendar.add(calendar.end_of(day), after) }
    }

    /// The column, and what stands behind it: the activity that fulfilled it, else the task. `None`: its deal was closed before
    /// it was done.
    fn stands(
        &self,
        signs: &HashMap<&str, Vec<(DateTime<Utc>, &str)>>,
        judged: &[(&str, State)],
        input: &Input<'_>,
    ) -> Option<(&'static str, String)> {
        let deal = self.task.deal.as_ref();
        let contact = self.task.contact.as_ref().map(|id| format!("contact:{}", input.directory.survivor(id)));
        let with = deal.map(|id| format!("deal:{id}")).into_iter().chain(contact);
        let done = with.filter_map(|with| signs.get(with.as_str())).flatten().filter(|(at, _)| *at >= self.from).min();
        if let Some((_, activity)) = done {
            return Some(("fulfilled", (*activity).to_owned()));
        }
        let due = self.task.due.timestamp_millis().to_string();
        let said = judged.iter().find(|(of, _)| *of == due).map(|(_, state)| *state);
        let open = deal.and_then(|id| input.directory.deals.get(id));
        if open.is_some_and(|d| !input.directory.open_at(d, input.now)) {
            return None;
        }
        let column = match said {
            Some(State::Open | State::Snoozed | State::Explained) => "overdue",
            // judged late where its connections lag
            Some(State::Unknown) => "unknown",
            _ if self.late <= input.now => "unknown",
            _ => "to_do",
        };
        Some((column, self.task.id.clone()))
    }
}

/// The day a task is due. A date without a time is midnight where its CRM is: that day, wherever its owner works.
fn day(here: &WorkCalendar, owner: &WorkCalendar, due: DateTime<Utc>) -> NaiveDate {
    if here.start_of(here.date(due)) == due {
        return here.date(due);
    }
    if due.time() == chrono::NaiveTime::MIN {
        return due.date_naive();
    }
    owner.date(due)
}

fn rows_of(owner: &str, directory: &Directory) -> Vec<Whose> {
    let user = directory.user(owner);
    let team = user.and_then(|u| u.team.clone()).map(Whose::Team);
    user.map(|u| activity::whose(directory, &u.email)).into_iter().chain(team).chain([Whose::All]).collect()
}

fn row(whose: &Whose, mut by: Steps) -> Row {
    let mut cells: Vec<Value> = whose.cells().into();
    let mut evidence = BTreeMap::new();
    for key in std::iter::once("steps").chain(STANDS.map(|s| s.0)) {
        let mut all = by.remove(key).unwrap_or_default();
        all.sort();
        cells.push(Value::Count(all.len() as u64));
        evidence.insert(key.to_owned(), all.into_iter().map(|(_, id)| id).collect());
    }
    Row { cells, evidence }
}

#[cfg(test)]
mod tests {
    use super::{super::office, *};
    use office::{ANA, t};

    fn task(id: &str, due: &str) -> Task {
        Task {
            id: id.into(),
            deal: Some("d".into()),
            contact: None,
            owner: ANA.into(),
            due: t(due),
            done_at: Some(t("11-01")).filter(|_| id == "ticked"),
        }
    }

    #[test]
    fn how_steps_stand() {
        let directory = office::directory(office::users(), vec![], vec![office::deal("d", ANA, 1.0, "EUR")]);
        let directory = directory.with_tasks(vec![
            task("early", "11-03 00:00"),
            task("missed", "11-10 00:00"),
            task("blind", "11-11 00:00"),
            task("again", "11-12 00:00"),
            task("coming", "11-23 00:00"),
            task("other month", "10-05 00:00"),
        ]);
        let said = |task: &str, due: &str, state: State| {
            let key = format!("{task} {}", t(due).timestamp_millis());
            Stand { rule: Rule::OverdueNextStep, deal: Some("d".into()), key, state, late: false }
        };
        let findings = [
            said("missed", "11-10 00:00", State::Open),
            said("blind", "11-11 00:00", State::Unknown),
            said("again", "11-06 00:00", State::Withdrawn),
            said("again", "11-12 00:00", State::Open),
        ];
        // a working day before its date is early enough, more is not
        let sign = |activity: &str, at: &str| Sign { activity: activity.into(), at: t(at), with: "deal:d".into() };
        let signs = [sign("old", "10-30 12:00"), sign("kept", "11-02 12:00")];
        let calendar = WorkCalendar::default();
        let day = |text: &str| text.parse().expect("a date");
        let input = Input {
            directory: &directory,
            findings: &findings,
            signs: &signs,
            settings: &GapSettings::default(),
            calendars: &HashMap::new(),
            range: Range { from: day("2026-11-01"), to: day("2026-11-30"), calendar: &calendar },
            scope: Scope { team: None, rep: Some(ANA.into()) },
            now: t("11-20"),
        };
        let table = report(&input);
        let figures: Vec<String> = table.rows[0].cells[4..].iter().map(Value::text).collect();
        assert_eq!(figures.join(" "), "5 1 2 1 1 1");
        let behind = |key: &str| table.rows[0].evidence[key].clone();
        assert_eq!(
            (behind("fulfilled"), behind("overdue")),
            (vec!["kept".into()], vec!["missed".into(), "again".into()])
        );
        assert_eq!((behind("moved"), behind("to_do")), (vec!["again".to_owned()], vec!["coming".to_owned()]));
    }
}
