//! The `today` report: one section per rep. The day's meetings with whom and what is open, who waits for an answer, whom we wait
//! for, quiet deals, pace, what was captured since yesterday and what was skipped and why; and at most five suggestions.

mod day;
mod when;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, Utc};

use super::{
    super::{
        activity::{Activity, Entity, Kind, Origin, Participant, Role, Status},
        address,
        directory::{Directory, User},
        gaps::{Finding, Rule},
        working::WorkCalendar,
    },
    Column, Row, Scope, Table, Value,
    coverage::Item,
    credit::{Happened, is_rep},
};
use day::Day;
pub use when::{When, meetings};

/// What is told of an activity besides that it happened.
#[derive(Clone, Debug)]
pub struct Told {
    /// What it was about, where whoever looks may know.
    pub title: Option<String>,
    pub activity: Activity,
}

#[derive(Debug)]
pub struct Input<'a> {
    pub directory: &'a Directory,
    /// Open ones: at least all of [`LISTS`], and of each owner the worst of so many subjects as are suggested ([`SUGGESTIONS`]).
    pub findings: &'a [Finding],
    /// How many are open on each deal of the day's meetings.
    pub gaps: &'a HashMap<String, u64>,
    /// Of [`When::span`], and meetings that last into it.
    pub happened: &'a [Happened],
    /// Decided items of the same span.
    pub items: &'a [Item],
    /// When anything happened with the contacts of the day's meetings: in these days, and the last before them. By contact.
    pub heard: &'a HashMap<String, Vec<DateTime<Utc>>>,
    /// By activity: the day's meetings, and what the findings go by.
    pub told: &'a HashMap<String, Told>,
    /// The `pace` report of that day.
    pub pace: &'a Table,
    pub when: When<'a>,
    /// The day, or that of the organisation.
    pub on: NaiveDate,
    pub scope: Scope,
}

/// More than this nobody does in a day.
pub const SUGGESTIONS: usize = 5;

const COLUMNS: [(&str, &str); 8] = [
    ("rep", "Rep"),
    ("name", "Name"),
    ("section", "Section"),
    ("at", "When"),
    ("who", "Who"),
    ("deal", "Deal"),
    ("what", "What"),
    ("count", "Count"),
];

/// Lists that are findings of one rule.
pub const LISTS: [(&str, Rule); 3] =
    [("they wait", Rule::WeOweReply), ("we wait", Rule::NoReply), ("quiet deals", Rule::GoneQuiet)];

pub fn report(input: &Input<'_>) -> Table {
    let users = users(input.directory, &input.scope, input.when.now);
    let day = Day::of(input);
    let column = |(key, title): (&str, &str)| Column { key: key.into(), title: title.into() };
    Table {
        name: "today".into(),
        from: input.on,
        to: input.on,
        columns: COLUMNS.into_iter().map(column).collect(),
        rows: users.into_iter().flat_map(|user| Page::of(user, input, &day).rows()).collect(),
        notes: notes(input),
    }
}

fn notes(input: &Input<'_>) -> Vec<String> {
    let mut notes = vec![
        format!(
            "Suggestions are the worst open gaps, one of each deal, and never more than {SUGGESTIONS}: what would clear them. \
             Captured and skipped: since the day before began."
        ),
        "--rep EMAIL shows one rep's day; without it each rep has a section.".to_owned(),
    ];
    if input.on != input.when.calendar.date(input.when.now) {
        notes.push(
            "Suggestions, who waits for whom and quiet deals are those of now; the rest is of that day.".to_owned(),
        );
    }
    notes
}

/// Whose days are shown, by team and name. Managers have a section when they are asked for by name.
pub fn users<'d>(directory: &'d Directory, scope: &Scope, now: DateTime<Utc>) -> Vec<&'d User> {
    let asked = |user: &User| scope.rep.as_deref() == Some(user.email.as_str());
    let wanted = |user: &&User| scope.wants_rep(&user.email, user.team.as_deref());
    let all = directory.ours.users.iter().filter(wanted);
    let mut users: Vec<&User> = all.filter(|user| asked(user) || is_rep(user, directory, now)).collect();
    users.sort_by(|a, b| (&a.team, &a.name, &a.email).cmp(&(&b.team, &b.name, &b.email)));
    users
}

/// One line of a section.
#[derive(Default)]
struct Line {
    at: Option<DateTime<Utc>>,
    who: Vec<String>,
    deal: Vec<String>,
    what: String,
    count: Option<u64>,
    behind: Vec<String>,
}

/// What one rep sees.
struct Page<'i, 'a> {
    user: &'a User,
    input: &'i Input<'a>,
    day: &'i Day<'a>,
    calendar: &'a WorkCalendar,
}

impl<'i, 'a> Page<'i, 'a> {
    fn of(user: &'a User, input: &'i Input<'a>, day: &'i Day<'a>) -> Self {
        Self { user, input, day, calendar: input.when.calendar(&user.email) }
    }

    /// The user's, the heaviest first.
    fn findings(&self) -> &'i [&'a Finding] {
        self.day.findings(&self.user.email)
    }

    fn rows(&self) -> Vec<Row> {
        let mut sections = vec![("suggestions", self.suggestions()), ("meetings", self.meetings())];
        for (name, rule) in LISTS {
            let lines = self.findings().iter().filter(|f| f.rule == rule).map(|f| self.line(f, &f.found));
            sections.push((name, lines.collect()));
        }
        sections.push(("pace", self.pace()));
        sections.push(("captured", self.captured()));
        sections.push(("skipped", self.skipped()));
        let lines = sections.into_iter().flat_map(|(name, lines)| lines.into_iter().map(move |line| (name, line)));
        lines.map(|(section, line)| self.row(section, line)).collect()
    }

    fn row(&self, section: &str, line: Line) -> Row {
        let text = |t: &str| if t.is_empty() { Value::None } else { Value::Text(t.to_owned()) };
        let cells = vec![
            text(&self.user.email),
            text(&self.user.name),
            text(section),
            line.at.map_or(Value::None, |at| Value::time(at, self.calendar.zone)),
            text(&line.who.join(", ")),
            text(&line.deal.join(", ")),
            text(&line.what),
            line.count.map_or(Value::None, Value::Count),
        ];
        let key = if line.count.is_some() { "count" } else { "what" };
        Row { cells, evidence: BTreeMap::from([(key.to_owned(), line.behind)]) }
    }

    fn suggestions(&self) -> Vec<Line> {
        suggested(self.findings()).into_iter().map(|f| self.line(f, &f.clears_when)).collect()
    }

    /// Behind a finding stand the activities it goes by, else itself.
    fn line(&self, finding: &Finding, what: &str) -> Line {
        let behind = if finding.evidence.is_empty() { vec![finding.id.clone()] } else { finding.evidence.clone() };
        Line {
            at: Some(finding.since),
            who: self.who(finding),
            deal: finding.deal.iter().map(|id| self.deal(id)).collect(),
            what: what.to_owned(),
            count: None,
            behind,
        }
    }

    /// Whom a finding is about: as the CRM names them, else as the mail does that it goes by, else where they are from.
    fn who(&self, finding: &Finding) -> Vec<String> {
        let directory = self.input.directory;
        let contact = finding.contact.as_deref().and_then(|id| directory.contacts.get(directory.survivor(id)));
        if let Some(name) = contact.and_then(|c| c.name.clone()).filter(|n| !n.trim().is_empty()) {
            return vec![name];
        }
        let told = finding.evidence.iter().rev().find_map(|id| self.input.told.get(id));
        let people = told.map_or(&[][..], |t| t.activity.participants.as_slice());
        let outside = |p: &&Participant| p.takes_part() && p.user.is_none() && !directory.is_ours(&p.address);
        let known =
            |p: &&Participant| p.contact.as_deref().map(|id| directory.survivor(id)) == contact.map(|c| c.id.as_str());
        if let Some(contact) = contact {
            let named = people.iter().filter(known).find_map(|p| p.name.clone());
            return named.or_else(|| contact.emails.first().cloned()).into_iter().collect();
        }
        // who wrote is who waits; of what we wrote, whom it went to
        let writers: Vec<&Participant> = people.iter().filter(outside).filter(|p| p.role == Role::From).collect();
        let others: Vec<&Participant> = people.iter().filter(outside).collect();
        let some = if writers.is_empty() { others } else { writers };
        let mut who: Vec<String> = some.into_iter().map(|p| self.named(p)).collect();
        who.dedup();
        who
    }

    /// As the CRM names them, else as they call themselves.
    fn name<'n>(&'n self, person: &'n Participant) -> Option<&'n str> {
        let directory = self.input.directory;
        let contact = person.contact.as_deref().and_then(|id| directory.contacts.get(directory.survivor(id)));
        let names = [contact.and_then(|c| c.name.as_deref()), person.name.as_deref()];
        names.into_iter().flatten().map(str::trim).find(|name| !name.is_empty())
    }

    /// By name, else by address.
    fn outsider(&self, person: &Participant) -> String {
        self.name(person).unwrap_or(&person.address).to_owned()
    }

    /// By name, else by where they are from.
    fn named(&self, person: &Participant) -> String {
        match (self.name(person), address::domain(&person.address)) {
            (Some(name), _) => name.to_owned(),
            (None, Some(domain)) => format!("somebody at {domain}"),
            (None, None) => "somebody".to_owned(),
        }
    }

    fn deal(&self, id: &str) -> String {
        self.input.directory.deals.get(id).map_or_else(|| id.to_owned(), |d| d.name.clone())
    }

    fn today(&self) -> NaiveDate {
        self.input.when.today(&self.user.email)
    }

    fn took_part(&self) -> impl Iterator<Item = &'a Happened> {
        self.day.took_part(&self.user.email).iter().copied()
    }

    fn meetings(&self) -> Vec<Line> {
        let on = self.took_part().filter(|h| self.input.when.meets(&self.user.email, h));
        let mut all: Vec<&Told> = on.filter_map(|h| self.input.told.get(&h.activity.id)).collect();
        all.sort_by(|a, b| (a.activity.occurred_at, &a.activity.id).cmp(&(b.activity.occurred_at, &b.activity.id)));
        all.into_iter().map(|told| self.meeting(told)).collect()
    }

    fn meeting(&self, told: &Told) -> Line {
        let activity = &told.activity;
        let contacts: Vec<&str> = activity.ids(Entity::Contact).collect();
        let deals: Vec<&str> = activity.ids(Entity::Deal).collect();
        let gaps: u64 = deals.iter().filter_map(|deal| self.input.gaps.get(*deal)).sum();
        let last = match self.day.last_before(&contacts, activity.occurred_at) {
            Some(at) => format!("last contact {}", self.calendar.date(at)),
            None => "no contact before".to_owned(),
        };
        let outsiders = activity.participants.iter().filter(|p| p.user.is_none() && p.takes_part());
        let outsiders = outsiders.filter(|p| !self.input.directory.is_ours(&p.address));
        let open = if gaps == 1 { "1 open gap".to_owned() } else { format!("{gaps} open gaps") };
        Line {
            at: Some(activity.occurred_at),
            who: outsiders.map(|p| self.outsider(p)).collect(),
            deal: deals.iter().map(|id| self.deal(id)).collect(),
            what: match &told.title {
                Some(title) => format!("{title}: {last}, {open}"),
                None => format!("{last}, {open}"),
            },
            count: None,
            behind: vec![activity.id.clone()],
        }
    }

    fn pace(&self) -> Vec<Line> {
        let pace = self.input.pace;
        let cell = |row: &Row, key: &str| {
            let text = pace.column(key).map(|at| row.cells[at].text()).unwrap_or_default();
            text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
        };
        let own = pace.rows.iter().filter(|row| cell(row, "rep") == self.user.email);
        own.map(|row| Line {
            what: format!(
                "{}: {} of {}, {} expected by now, {} to go until {}",
                cell(row, "target"),
                cell(row, "done"),
                cell(row, "goal"),
                cell(row, "expected"),
                cell(row, "to_go"),
                cell(row, "until")
            ),
            behind: row.evidence.get("done").cloned().unwrap_or_default(),
            ..Line::default()
        })
        .collect()
    }

    /// Is it of the day or the day before?
    fn is_recent(&self, day: NaiveDate) -> bool {
        let today = self.today();
        day == today || Some(day) == today.pred_opt()
    }

    fn captured(&self) -> Vec<Line> {
        let mut kinds: BTreeMap<Kind, Vec<String>> = BTreeMap::new();
        for happened in self.took_part() {
            let activity = &happened.activity;
            let there = activity.kind != Kind::Meeting || activity.status_at(self.input.when.now) == Status::Held;
            let day = self.input.when.day_of(&self.user.email, happened);
            if there && activity.origin == Origin::Captured && self.is_recent(day) {
                kinds.entry(activity.kind).or_default().push(activity.id.clone());
            }
        }
        counted(kinds.into_iter().map(|(kind, ids)| (kind.to_string(), ids)))
    }

    fn skipped(&self) -> Vec<Line> {
        let mut reasons: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for item in self.day.skipped(&self.user.email) {
            let decided = &item.decided;
            if decided.at.is_some_and(|at| self.is_recent(self.calendar.date(at))) {
                let place = format!("{}/{}/{}", decided.connection, decided.stream, item.key);
                reasons.entry(decided.reason.clone().unwrap_or_default()).or_default().push(place);
            }
        }
        counted(reasons.into_iter())
    }
}

/// The worst finding of each subject, a few of them. `findings`: the heaviest first.
fn suggested<'f>(findings: &[&'f Finding]) -> Vec<&'f Finding> {
    let mut seen = BTreeSet::new();
    findings.iter().filter(|f| seen.insert(f.subject())).take(SUGGESTIONS).copied().collect()
}

/// The activities of which pages tell besides meetings: what the findings that stand there go by whose contact the CRM does
/// not name.
pub fn tells_of(findings: &[Finding], directory: &Directory) -> BTreeSet<String> {
    let owned = day::owned(findings, directory);
    let listed = |f: &&&Finding| LISTS.iter().any(|(_, rule)| *rule == f.rule);
    let stand = owned.values().flat_map(|all| suggested(all).into_iter().chain(all.iter().filter(listed).copied()));
    let unnamed = stand.filter(|f| {
        let contact = f.contact.as_deref().and_then(|id| directory.contacts.get(directory.survivor(id)));
        contact.is_none_or(|c| c.name.as_deref().is_none_or(|n| n.trim().is_empty()))
    });
    unnamed.filter_map(|f| f.evidence.last().cloned()).collect()
}

/// A line each; where there is nothing, that is said.
fn counted(all: impl Iterator<Item = (String, Vec<String>)>) -> Vec<Line> {
    let line = |(what, behind): (String, Vec<String>)| Line {
        what,
        count: Some(behind.len() as u64),
        behind,
        ..Line::default()
    };
    let lines: Vec<Line> = all.map(line).collect();
    if lines.is_empty() { vec![line(("nothing".to_owned(), vec![]))] } else { lines }
}

#[cfg(test)]
mod tests;
