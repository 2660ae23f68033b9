//! The `segments` report: lists of contacts to work on. Silent after an exchange, never answered, new this week, of won deals
//! without contact for long. A contact may stand in several.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};

use super::{
    super::{
        directory::{Contact, Deal, Directory, StageKind},
        span::Span,
    },
    Column, Period, Range, Row, Scope, Table, Value,
    activity::won_at,
};

/// When a contact was last heard of; automatic mail and typed entries nobody confirmed do not count.
#[derive(Clone, Debug, Default)]
pub struct Traffic {
    pub contact: String,
    /// The last from their side: their mail, a held meeting, a call.
    pub last_in: Option<DateTime<Utc>>,
    pub last_out: Option<DateTime<Utc>>,
}

#[derive(Debug)]
pub struct Input<'a> {
    pub directory: &'a Directory,
    /// One for each contact with any traffic until then.
    pub traffic: &'a [Traffic],
    /// The last day is the day it is looked at.
    pub range: Range<'a>,
    pub scope: Scope,
    /// As of when: now, or the end of that day where it is over.
    pub then: DateTime<Utc>,
    /// Silence of this long is long.
    pub after: Span,
}

const COLUMNS: [(&str, &str); 9] = [
    ("segment", "Segment"),
    ("contact", "Contact"),
    ("name", "Name"),
    ("company", "Company"),
    ("owner", "Owner"),
    ("deal", "Deal"),
    ("stage", "Stage"),
    ("last_in", "Last from them"),
    ("last_out", "Last from us"),
];

/// Silent after an exchange; never answered; new this week; of a won deal, without contact.
const SEGMENTS: [&str; 4] = ["silent", "never_answered", "new", "won_without_contact"];

pub fn report(input: &Input<'_>) -> Table {
    let traffic: BTreeMap<&str, &Traffic> = input.traffic.iter().map(|t| (t.contact.as_str(), t)).collect();
    let mut contacts: Vec<&Contact> = input
        .directory
        .contacts
        .values()
        .filter(|c| c.merged_into.is_none() && wanted(c, input) && was_there(c, input))
        .collect();
    contacts.sort_by_cached_key(|c| (owner(c, input.directory), &c.company, &c.id));
    let nothing = Traffic::default();
    let mut rows = Vec::new();
    for segment in SEGMENTS {
        for contact in &contacts {
            let traffic = traffic.get(contact.id.as_str()).copied().unwrap_or(&nothing);
            if belongs(segment, contact, traffic, input) {
                rows.push(row(segment, contact, traffic, input));
            }
        }
    }
    let column = |(key, title): (&str, &str)| Column { key: key.into(), title: title.into() };
    let notes = vec![format!(
        "Silent: {} or longer without a sign from them after both sides had written. Won without contact: the same silence on \
         a deal that is won.",
        input.after
    )];
    Table {
        name: "segments".into(),
        from: input.range.from,
        to: input.range.to,
        columns: COLUMNS.into_iter().map(column).collect(),
        rows,
        notes,
    }
}

fn was_there(contact: &Contact, input: &Input<'_>) -> bool {
    contact.created_at.is_none_or(|at| at <= input.then + Duration::days(1))
}

fn wanted(contact: &Contact, input: &Input<'_>) -> bool {
    let owner = contact.owner.as_deref().and_then(|o| input.directory.user(o));
    match owner {
        Some(user) => input.scope.wants_rep(&user.email, user.team.as_deref()),
        None => input.scope.wants_all(),
    }
}

fn belongs(segment: &str, contact: &Contact, traffic: &Traffic, input: &Input<'_>) -> bool {
    let long_ago = |at: DateTime<Utc>| input.range.calendar.add(at, input.after) <= input.then;
    let last = traffic.last_in.max(traffic.last_out);
    match segment {
        "silent" => traffic.last_out.is_some() && traffic.last_in.is_some_and(long_ago),
        "never_answered" => traffic.last_in.is_none() && traffic.last_out.is_some_and(long_ago),
        "new" => {
            let week = Period::Week.around(input.range.to);
            contact.created_at.is_some_and(|at| {
                let day = input.range.day(at, false);
                week.0 <= day && day <= week.1 && at <= input.then + Duration::days(1)
            })
        }
        _ => won(contact, input.directory, input.then).is_some() && last.is_none_or(long_ago),
    }
}

/// A deal of the contact that is won and was by then.
fn won<'a>(contact: &Contact, directory: &'a Directory, then: DateTime<Utc>) -> Option<&'a str> {
    let deals = directory.deals_of_contact(&contact.id).iter().filter_map(|id| directory.deals.get(id));
    let by_then = |d: &&Deal| {
        directory.stage_kind(&d.stage) == StageKind::Won && won_at(d, directory).is_none_or(|at| at <= then)
    };
    deals.filter(by_then).map(|d| d.id.as_str()).min()
}

/// An open deal of the contact, else the won one.
fn deal_of<'a>(contact: &Contact, directory: &'a Directory, then: DateTime<Utc>) -> Option<&'a str> {
    let deals = directory.deals_of_contact(&contact.id).iter().filter_map(|id| directory.deals.get(id));
    let open = deals.filter(|d| directory.stage_kind(&d.stage) == StageKind::Open).map(|d| d.id.as_str()).min();
    open.or_else(|| won(contact, directory, then))
}

/// Under the address that a user goes by, whatever alias the CRM knows.
fn owner<'c>(contact: &'c Contact, directory: &'c Directory) -> Option<&'c str> {
    contact.owner.as_deref().map(|owner| directory.user(owner).map_or(owner, |user| user.email.as_str()))
}

fn row(segment: &str, contact: &Contact, traffic: &Traffic, input: &Input<'_>) -> Row {
    let (directory, zone) = (input.directory, input.range.calendar.zone);
    let time = |at: Option<DateTime<Utc>>| at.map_or(Value::None, |at| Value::time(at, zone));
    let text = |t: &str| Value::Text(t.to_owned());
    let maybe = |t: Option<&str>| t.map_or(Value::None, text);
    let deal = deal_of(contact, directory, input.then).and_then(|id| directory.deals.get(id));
    let company = contact.company.as_deref().map(|id| directory.companies.get(id).map_or(id, |c| c.name.as_str()));
    let stage = deal.map(|d| directory.stages.get(&d.stage).map_or(d.stage.as_str(), |s| s.name.as_str()));
    let cells = vec![
        text(segment),
        text(&contact.id),
        maybe(contact.name.as_deref()),
        maybe(company),
        maybe(owner(contact, directory)),
        maybe(deal.map(|d| d.id.as_str())),
        maybe(stage),
        time(traffic.last_in),
        time(traffic.last_out),
    ];
    let mut evidence = BTreeMap::from([("contact".to_owned(), vec![contact.id.clone()])]);
    evidence.insert("deal".to_owned(), deal.map(|d| d.id.clone()).into_iter().collect());
    Row { cells, evidence }
}

#[cfg(test)]
mod tests {
    use super::{super::office, *};
    use crate::domain::{directory::ContactRole, working::WorkCalendar};
    use office::{ANA, BEN, CLEO, t};

    #[test]
    fn who_stands_where() {
        let contacts = vec![
            office::contact("silent", ANA, "01-02"),
            office::contact("lively", ANA, "01-02"),
            office::contact("unanswered", BEN, "01-02"),
            office::contact("new", BEN, "11-17"),
            office::contact("customer", CLEO, "01-02"),
        ];
        let mut deal = office::won(office::deal("d", CLEO, 5.0, "EUR"), "03-01");
        deal.contacts.push(ContactRole { contact: "customer".into(), role: None });
        let directory = office::directory(office::users(), contacts, vec![deal]);
        let traffic = |contact: &str, last_in: Option<&str>, last_out: Option<&str>| Traffic {
            contact: contact.into(),
            last_in: last_in.map(t),
            last_out: last_out.map(t),
        };
        let all = [
            traffic("silent", Some("09-01"), Some("11-18")),
            traffic("lively", Some("11-17"), Some("11-18")),
            traffic("unanswered", None, Some("10-01")),
            traffic("customer", Some("04-01"), None),
        ];
        let calendar = WorkCalendar::default();
        let day = |text: &str| text.parse().expect("a date");
        let range = Range { from: day("2026-11-19"), to: day("2026-11-19"), calendar: &calendar };
        let input = Input {
            directory: &directory,
            traffic: &all,
            range,
            scope: Scope::default(),
            then: t("11-19"),
            after: Span::Days(30),
        };
        // on an earlier day nobody was new, nothing was won, and nobody had been silent for long
        let earlier = Input {
            then: t("02-01"),
            traffic: &[],
            range: Range { from: day("2026-02-01"), to: day("2026-02-01"), calendar: &calendar },
            scope: Scope::default(),
            ..input
        };
        assert_eq!(report(&earlier).rows.len(), 0);
        let cells = |row: &Row| format!("{} {}", row.cells[0].text(), row.cells[1].text());
        let rows: Vec<String> = report(&input).rows.iter().map(cells).collect();
        assert_eq!(rows, ["silent silent", "never_answered unanswered", "new new", "won_without_contact customer"]);
        let north = Input { scope: Scope { team: Some("north".into()), rep: None }, ..input };
        assert_eq!(report(&north).rows.len(), 3);
    }
}
