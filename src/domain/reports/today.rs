//! The `today` report: one section per rep. The day's meetings with whom and what is open, who waits for an answer, whom we wait
//! for, quiet deals, pace, what was captured since yesterday and what was skipped and why; and at most five suggestions.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, Utc};

use super::{
    super::{
        activity::{Activity, Entity, Kind, Origin, Role, Status},
        directory::{Directory, User},
        gaps::{Finding, Rule, State},
        working::WorkCalendar,
    },
    Column, Range, Row, Scope, Table, Value,
    coverage::{Item, Outcome},
    credit::{Happened, credit, is_rep},
    segments::Traffic,
};

#[derive(Debug)]
pub struct Input<'a> {
    pub directory: &'a Directory,
    /// All that are open.
    pub findings: &'a [Finding],
    /// From two days before the day until two days after it, whatever the rep's zone.
    pub happened: &'a [Happened],
    /// Decided items of the same days.
    pub items: &'a [Item],
    pub traffic: &'a [Traffic],
    /// The `pace` report of that day.
    pub pace: &'a Table,
    /// By folded email, where they differ from the range's.
    pub calendars: &'a HashMap<String, WorkCalendar>,
    /// Its last day is the day.
    pub range: Range<'a>,
    pub scope: Scope,
    pub now: DateTime<Utc>,
}

/// More than this nobody does in a day.
const SUGGESTIONS: usize = 5;

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
const LISTS: [(&str, Rule); 3] =
    [("they wait", Rule::WeOweReply), ("we wait", Rule::NoReply), ("quiet deals", Rule::GoneQuiet)];

pub fn report(input: &Input<'_>) -> Table {
    let mut users: Vec<&User> = input.directory.ours.users.iter().filter(|u| wanted(u, input)).collect();
    users.sort_by(|a, b| (&a.team, &a.name, &a.email).cmp(&(&b.team, &b.name, &b.email)));
    let column = |(key, title): (&str, &str)| Column { key: key.into(), title: title.into() };
    Table {
        name: "today".into(),
        from: input.range.to,
        to: input.range.to,
        columns: COLUMNS.into_iter().map(column).collect(),
        rows: users.into_iter().flat_map(|user| Page::of(user, input).rows()).collect(),
        notes: vec![
            format!(
                "Suggestions are the worst open gaps, one of each deal, and never more than {SUGGESTIONS}: what would clear them. \
                 Captured and skipped: since yesterday's beginning."
            ),
            "--rep EMAIL shows one rep's day; without it each rep has a section.".to_owned(),
        ],
    }
}

/// Managers have a section when they are asked for by name.
fn wanted(user: &User, input: &Input<'_>) -> bool {
    let asked = input.scope.rep.as_deref() == Some(user.email.as_str());
    (asked || is_rep(user, input.directory, input.now)) && input.scope.wants_rep(&user.email, user.team.as_deref())
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
    calendar: &'a WorkCalendar,
    findings: Vec<&'a Finding>,
}

impl<'i, 'a> Page<'i, 'a> {
    fn of(user: &'a User, input: &'i Input<'a>) -> Self {
        let owned = |f: &&Finding| {
            let owner = f.owner.as_deref().and_then(|o| input.directory.user(o));
            f.state == State::Open && owner.is_some_and(|o| o.email == user.email)
        };
        let mut findings: Vec<&Finding> = input.findings.iter().filter(owned).collect();
        findings.sort_by(|a, b| Finding::by_weight(a, b));
        let calendar = input.calendars.get(&user.email).unwrap_or(input.range.calendar);
        Self { user, input, calendar, findings }
    }

    fn rows(&self) -> Vec<Row> {
        let mut sections = vec![("suggestions", self.suggestions()), ("meetings", self.meetings())];
        for (name, rule) in LISTS {
            let lines = self.findings.iter().filter(|f| f.rule == rule).map(|f| self.line(f, &f.found));
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
            line.at.map_or(Value::None, Value::Time),
            text(&line.who.join(", ")),
            text(&line.deal.join(", ")),
            text(&line.what),
            line.count.map_or(Value::None, Value::Count),
        ];
        let key = if line.count.is_some() { "count" } else { "what" };
        Row { cells, evidence: BTreeMap::from([(key.to_owned(), line.behind)]) }
    }

    /// The worst finding of each deal, a few of them.
    fn suggestions(&self) -> Vec<Line> {
        let mut seen = BTreeSet::new();
        let worst = self.findings.iter().filter(|f| seen.insert(f.subject()));
        worst.take(SUGGESTIONS).map(|f| self.line(f, &f.clears_when)).collect()
    }

    /// Behind a finding stand the activities it goes by, else itself.
    fn line(&self, finding: &Finding, what: &str) -> Line {
        let directory = self.input.directory;
        let contact = finding.contact.as_ref().and_then(|id| directory.contacts.get(id));
        let behind = if finding.evidence.is_empty() { vec![finding.id.clone()] } else { finding.evidence.clone() };
        Line {
            at: Some(finding.since),
            who: contact.and_then(|c| c.name.clone().or_else(|| c.emails.first().cloned())).into_iter().collect(),
            deal: finding.deal.iter().map(|id| self.deal(id)).collect(),
            what: what.to_owned(),
            count: None,
            behind,
        }
    }

    fn deal(&self, id: &str) -> String {
        self.input.directory.deals.get(id).map_or_else(|| id.to_owned(), |d| d.name.clone())
    }

    fn day_of(&self, happened: &Happened) -> NaiveDate {
        let at = happened.activity.occurred_at;
        if happened.all_day { at.date_naive() } else { self.calendar.date(at) }
    }

    fn takes_part(&self, happened: &Happened) -> bool {
        credit(happened, self.input.directory).users.contains(self.user.email.as_str())
    }

    fn meetings(&self) -> Vec<Line> {
        let mut all: Vec<&Happened> = self
            .input
            .happened
            .iter()
            .filter(|h| h.activity.kind == Kind::Meeting && self.day_of(h) == self.input.range.to)
            .filter(|h| !matches!(h.activity.status, Status::Cancelled | Status::Declined) && self.takes_part(h))
            .collect();
        all.sort_by(|a, b| (a.activity.occurred_at, &a.activity.id).cmp(&(b.activity.occurred_at, &b.activity.id)));
        all.into_iter().map(|h| self.meeting(&h.activity)).collect()
    }

    fn meeting(&self, activity: &Activity) -> Line {
        let contacts: Vec<&str> = activity.ids(Entity::Contact).collect();
        let last = self.input.traffic.iter().filter(|t| contacts.contains(&t.contact.as_str()));
        let last = last.filter_map(|t| t.last_in.max(t.last_out)).filter(|at| *at < activity.occurred_at).max();
        let deals: Vec<&str> = activity.ids(Entity::Deal).collect();
        let open = |f: &&Finding| f.state == State::Open && f.deal.as_deref().is_some_and(|d| deals.contains(&d));
        let gaps = self.input.findings.iter().filter(open).count();
        let last = match last {
            Some(at) => format!("last contact {}", self.calendar.date(at)),
            None => "no contact before".to_owned(),
        };
        let outsiders = activity.participants.iter().filter(|p| p.user.is_none() && p.role != Role::Resource);
        Line {
            at: Some(activity.occurred_at),
            who: outsiders.map(|p| p.name.clone().unwrap_or_else(|| p.address.clone())).collect(),
            deal: deals.iter().map(|id| self.deal(id)).collect(),
            what: format!("{last}, {gaps} open gaps"),
            count: None,
            behind: vec![activity.id.clone()],
        }
    }

    fn pace(&self) -> Vec<Line> {
        let pace = self.input.pace;
        let cell = |row: &Row, key: &str| pace.column(key).map(|at| row.cells[at].text()).unwrap_or_default();
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
        let today = self.input.range.to;
        day == today || Some(day) == today.pred_opt()
    }

    fn captured(&self) -> Vec<Line> {
        let mut kinds: BTreeMap<Kind, Vec<String>> = BTreeMap::new();
        for happened in self.input.happened {
            let activity = &happened.activity;
            let there = activity.kind != Kind::Meeting || activity.status_at(self.input.now) == Status::Held;
            if there
                && activity.origin == Origin::Captured
                && self.is_recent(self.day_of(happened))
                && self.takes_part(happened)
            {
                kinds.entry(activity.kind).or_default().push(activity.id.clone());
            }
        }
        counted(kinds.into_iter().map(|(kind, ids)| (kind.to_string(), ids)))
    }

    fn skipped(&self) -> Vec<Line> {
        let mut reasons: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for item in self.input.items {
            let decided = &item.decided;
            let own = decided.owner.as_deref() == Some(self.user.email.as_str());
            if own
                && decided.outcome == Outcome::Skipped
                && decided.at.is_some_and(|at| self.is_recent(self.calendar.date(at)))
            {
                let place = format!("{}/{}/{}", decided.connection, decided.stream, item.key);
                reasons.entry(decided.reason.clone().unwrap_or_default()).or_default().push(place);
            }
        }
        counted(reasons.into_iter())
    }
}

fn counted(all: impl Iterator<Item = (String, Vec<String>)>) -> Vec<Line> {
    all.map(|(what, behind)| Line { what, count: Some(behind.len() as u64), behind, ..Line::default() }).collect()
}

#[cfg(test)]
mod tests {
    use super::{super::office, *};
    use crate::domain::reports::coverage::Decided;
    use office::{ANA, BEN, t};

    fn finding(rule: Rule, deal: &str, owner: &str) -> Finding {
        let mut finding = Finding::blank(rule, deal, "k".into(), t("11-10"));
        (finding.deal, finding.owner) = (Some(deal.into()), Some(owner.into()));
        finding
    }

    #[test]
    fn what_a_day_holds() {
        let deals = (0..8).map(|n| office::deal(&format!("d{n}"), ANA, 1.0, "EUR")).collect();
        let directory = office::directory(office::users(), vec![], deals);
        let mut findings: Vec<Finding> = (0..8).map(|n| finding(Rule::GoneQuiet, &format!("d{n}"), ANA)).collect();
        findings.push(finding(Rule::WeOweReply, "d1", ANA));
        findings.push(finding(Rule::NoReply, "d2", BEN));
        let happened = [
            office::meeting("m", "11-20 15:00", &[ANA]).on("d1"),
            office::meeting("late", "11-21 15:00", &[ANA]),
            office::sent("s", "11-19 10:00", ANA, "t"),
            office::sent("old", "11-18 10:00", ANA, "t"),
        ];
        let item = |key: &str, at: &str, owner: &str| Item {
            decided: Decided {
                connection: "c".into(),
                stream: "INBOX".into(),
                owner: Some(owner.into()),
                at: Some(t(at)),
                outcome: Outcome::Skipped,
                reason: Some("bulk".into()),
                count: 1,
            },
            key: key.into(),
            activity: None,
        };
        let items =
            [item("1", "11-19", ANA), item("2", "11-20 08:00", ANA), item("3", "11-12", ANA), item("4", "11-19", BEN)];
        let calendar = WorkCalendar::default();
        let day = "2026-11-20".parse().expect("a date");
        let range = Range { from: day, to: day, calendar: &calendar };
        let pace = Table { name: "pace".into(), from: day, to: day, columns: vec![], rows: vec![], notes: vec![] };
        let input = Input {
            directory: &directory,
            findings: &findings,
            happened: &happened,
            items: &items,
            traffic: &[],
            pace: &pace,
            calendars: &HashMap::new(),
            range,
            scope: Scope { team: None, rep: Some(ANA.into()) },
            now: t("11-20 12:00"),
        };
        let table = report(&input);
        let mut sections: BTreeMap<String, usize> = BTreeMap::new();
        for row in &table.rows {
            *sections.entry(row.cells[2].text()).or_default() += 1;
        }
        let want = [
            ("captured", 1),
            ("meetings", 1),
            ("quiet deals", 8),
            ("skipped", 1),
            ("suggestions", 5),
            ("they wait", 1),
        ];
        assert_eq!(sections, want.into_iter().map(|(s, n)| (s.to_owned(), n)).collect());
        let meeting = table.rows.iter().find(|r| r.cells[2].text() == "meetings").expect("a meeting");
        assert_eq!(meeting.cells[6].text(), "no contact before, 2 open gaps");
        let skipped = table.rows.last().expect("what was skipped");
        assert_eq!((skipped.cells[6].text(), skipped.cells[7].text()), ("bulk".into(), "2".into()));
        assert_eq!(skipped.evidence["count"], ["c/INBOX/1", "c/INBOX/2"]);
        // without a name each rep has a section
        let all = report(&Input { scope: Scope::default(), ..input });
        assert!(all.rows.iter().any(|r| r.cells[0].text() == BEN && r.cells[2].text() == "we wait"));
    }
}
