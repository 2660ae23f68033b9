//! The `leads` report: contacts new to the CRM in the range, dated by their first mail or meeting where that is earlier, by
//! where they came from: they wrote first, we wrote first, or a meeting came first.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};

use super::{
    super::{
        activity::{Activity, Direction, Entity, Kind, Origin, Status},
        directory::{Contact, Directory},
    },
    Column, Range, Row, Scope, Table, Value, WHOSE, Whose, activity,
};

#[derive(Debug)]
pub struct Input<'a> {
    pub directory: &'a Directory,
    /// Of the contacts that are new in the range, at least the first activity of each sort.
    pub activities: &'a [Activity],
    pub range: Range<'a>,
    pub scope: Scope,
    pub now: DateTime<Utc>,
}

/// The columns of the sources, in order.
const SOURCES: [(&str, &str); 4] = [
    ("inbound", "They wrote first"),
    ("outbound", "We wrote first"),
    ("meeting", "A meeting or call first"),
    ("silent", "No traffic yet"),
];

/// By column key: contacts with the time they count for.
type Sources = BTreeMap<&'static str, Vec<(DateTime<Utc>, String)>>;

pub fn report(input: &Input<'_>) -> Table {
    let first = firsts(input);
    let mut rows: BTreeMap<Whose, Sources> = BTreeMap::from([(Whose::All, Sources::new())]);
    for contact in input.directory.contacts.values().filter(|c| c.merged_into.is_none()) {
        let first = first.get(contact.id.as_str());
        let Some(at) = since(contact, first.map(|f| f.0)) else { continue };
        if !input.range.holds(input.range.day(at, false)) {
            continue;
        }
        let source = first.map_or("silent", |f| f.1);
        let owner = contact.owner.as_deref().and_then(|o| input.directory.user(o));
        let rep = owner.map(|u| activity::whose(input.directory, &u.email));
        let team = owner.and_then(|u| u.team.clone()).map(Whose::Team);
        for whose in rep.into_iter().chain(team).chain([Whose::All]) {
            let row = rows.entry(whose).or_default();
            row.entry(source).or_default().push((at, contact.id.clone()));
            row.entry("leads").or_default().push((at, contact.id.clone()));
        }
    }
    let wanted = rows.into_iter().filter(|(whose, _)| activity::wanted(&input.scope, whose));
    let rows = wanted.map(|(whose, by)| row(&whose, by)).collect();
    let column = |(key, title): (&str, &str)| Column { key: key.into(), title: title.into() };
    let columns = WHOSE.into_iter().chain([("leads", "New contacts")]).chain(SOURCES).map(column).collect();
    let notes = vec![
        "A contact is dated by its first mail, meeting or call when that came before the CRM knew of it; a lead counts for the \
         contact's owner."
            .to_owned(),
    ];
    Table { name: "leads".into(), from: input.range.from, to: input.range.to, columns, rows, notes }
}

fn row(whose: &Whose, mut by: Sources) -> Row {
    let mut cells: Vec<Value> = whose.cells().into();
    let mut evidence = BTreeMap::new();
    for key in std::iter::once("leads").chain(SOURCES.map(|s| s.0)) {
        let mut all = by.remove(key).unwrap_or_default();
        all.sort();
        cells.push(Value::Count(all.len() as u64));
        evidence.insert(key.to_owned(), all.into_iter().map(|(_, id)| id).collect());
    }
    Row { cells, evidence }
}

/// When we came to know a contact.
fn since(contact: &Contact, first: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    match (contact.created_at, first) {
        (Some(created), Some(first)) => Some(created.min(first)),
        (created, first) => created.or(first),
    }
}

/// The first thing that really happened with each contact, and which source it makes.
fn firsts<'a>(input: &'a Input<'_>) -> HashMap<&'a str, (DateTime<Utc>, &'static str)> {
    let mut all: HashMap<&str, (DateTime<Utc>, &'static str)> = HashMap::new();
    for a in input.activities {
        let Some(source) = source(a, input.now) else { continue };
        for contact in a.ids(Entity::Contact).map(|id| input.directory.survivor(id)) {
            let first = all.entry(contact).or_insert((a.occurred_at, source));
            if a.occurred_at < first.0 {
                *first = (a.occurred_at, source);
            }
        }
    }
    all
}

fn source(a: &Activity, now: DateTime<Utc>) -> Option<&'static str> {
    match (a.kind, a.direction) {
        _ if a.automatic || a.origin == Origin::Typed && a.confirmed != Some(true) => None,
        (Kind::Email, Some(Direction::Inbound)) => Some("inbound"),
        (Kind::Email, Some(Direction::Outbound)) => Some("outbound"),
        (Kind::Meeting, _) => (a.status_at(now) == Status::Held).then_some("meeting"),
        (Kind::Call, _) => Some("meeting"),
        (Kind::Email, None) | (Kind::Note, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::office, *};
    use crate::domain::{
        activity::{Match, Reason},
        working::WorkCalendar,
    };
    use office::{ANA, BEN, CLEO, t};

    fn with(mut activity: Activity, contact: &str) -> Activity {
        activity.matches.push(Match {
            entity: Entity::Contact,
            id: contact.into(),
            reason: Reason::Address,
            score: 1.0,
            runner_up: None,
            by: "rule".into(),
        });
        activity
    }

    #[test]
    fn new_contacts_by_source() {
        let contacts = vec![
            office::contact("c1", ANA, "11-02"),
            office::contact("c2", ANA, "11-03"),
            office::contact("c3", BEN, "11-04"),
            office::contact("c4", CLEO, "11-05"),
            // known by mail before the range, entered within it
            office::contact("c5", CLEO, "11-06"),
        ];
        let directory = office::directory(office::users(), contacts, vec![]);
        let activities = vec![
            with(office::received("a", "11-01", &[ANA], "x").activity, "c1"),
            with(office::sent("b", "11-03", ANA, "x").activity, "c1"),
            with(office::sent("c", "11-03", ANA, "y").activity, "c2"),
            with(office::meeting("d", "11-04", &[BEN]).activity, "c3"),
            with(office::received("e", "10-20", &[CLEO], "z").activity, "c5"),
            with(office::received("f", "11-05", &[CLEO], "w").automatic().activity, "c4"),
        ];
        let calendar = WorkCalendar::default();
        let day = |text: &str| text.parse().expect("a date");
        let range = Range { from: day("2026-11-01"), to: day("2026-11-30"), calendar: &calendar };
        let table = report(&Input {
            directory: &directory,
            activities: &activities,
            range,
            scope: Scope::default(),
            now: t("11-20"),
        });
        let of = |name: &str| {
            let row = table.rows.iter().find(|r| r.cells[2] == Value::Text(name.into())).expect("a row");
            row.cells[4..].iter().map(Value::text).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(of("everybody"), "4 1 1 1 1");
        assert_eq!(of("team north"), "3 1 1 1 0");
        assert_eq!(of("Cleo Dubois"), "1 0 0 0 1");
    }
}
