//! The `competitors` report: who is named in the mail of which deal, month by month; the deals with the largest amounts first.

use std::collections::{BTreeMap, HashMap};

use chrono::{Datelike as _, NaiveDate};

use super::{
    super::{
        activity::{Activity, Entity},
        competitors,
        directory::Directory,
        matching,
    },
    Column, Range, Row, Scope, Table, Value,
};

#[derive(Debug)]
pub struct Input<'a> {
    pub directory: &'a Directory,
    /// Those of the range that name a competitor; others do no harm.
    pub activities: &'a [Activity],
    pub range: Range<'a>,
    pub scope: Scope,
}

const COLUMNS: [(&str, &str); 8] = [
    ("competitor", "Competitor"),
    ("deal", "Deal"),
    ("name", "Name"),
    ("owner", "Owner"),
    ("month", "Month"),
    ("mentions", "Mentions"),
    ("amount", "Amount"),
    ("stage", "Stage"),
];

pub fn report(input: &Input<'_>) -> Table {
    let mut mentions: BTreeMap<(String, String, NaiveDate), Vec<(i64, String)>> = BTreeMap::new();
    for a in input.activities {
        let day = input.range.day(a.occurred_at, false);
        if !input.range.holds(day) {
            continue;
        }
        let month = day.with_day(1).expect("a month has a first day");
        for competitor in a.tags.iter().filter_map(|tag| competitors::named_by(tag)) {
            for deal in a.ids(Entity::Deal) {
                let key = (competitor.to_owned(), deal.to_owned(), month);
                mentions.entry(key).or_default().push((a.occurred_at.timestamp_millis(), a.id.clone()));
            }
        }
    }
    let mut rows: Vec<(f64, Row)> = mentions
        .into_iter()
        .filter_map(|((competitor, deal, month), ids)| row(input, &competitor, &deal, month, ids))
        .collect();
    // within one currency the larger comes first; equal ones by name, so that the order is the same each time
    rows.sort_by(|a, b| b.0.total_cmp(&a.0));
    let column = |(key, title): (&str, &str)| Column { key: key.into(), title: title.into() };
    let notes = vec![
        "A mention is a mail on the deal whose subject or kept text holds the name; `[competitors] names` says which names."
            .to_owned(),
    ];
    Table {
        name: "competitors".into(),
        from: input.range.from,
        to: input.range.to,
        columns: COLUMNS.into_iter().map(column).collect(),
        rows: rows.into_iter().map(|(_, row)| row).collect(),
        notes,
    }
}

fn row(
    input: &Input<'_>,
    competitor: &str,
    deal: &str,
    month: NaiveDate,
    mut ids: Vec<(i64, String)>,
) -> Option<(f64, Row)> {
    ids.sort();
    let deal = input.directory.deals.get(deal)?;
    let owner = matching::owner_at(deal, input.range.end());
    let user = input.directory.user(owner);
    if !input.scope.wants_rep(user.map_or(owner, |u| &u.email), user.and_then(|u| u.team.as_deref())) {
        return None;
    }
    let text = |t: &str| Value::Text(t.to_owned());
    let amount = deal.amount.map(|amount| {
        let currency = deal.currency.clone().unwrap_or_else(|| "-".to_owned());
        Value::Money(BTreeMap::from([(currency, amount)]))
    });
    let stages: &HashMap<_, _> = &input.directory.stages;
    let cells = vec![
        text(competitor),
        text(&deal.id),
        text(&deal.name),
        text(user.map_or(owner, |u| &u.name)),
        text(&month.format("%Y-%m").to_string()),
        Value::Count(ids.len() as u64),
        amount.unwrap_or(Value::None),
        text(stages.get(&deal.stage).map_or(&deal.stage, |s| &s.name)),
    ];
    let mails = ids.into_iter().map(|(_, id)| id).collect();
    let evidence = BTreeMap::from([("mentions".to_owned(), mails), ("amount".to_owned(), vec![deal.id.clone()])]);
    Some((deal.amount.unwrap_or(0.0), Row { cells, evidence }))
}

#[cfg(test)]
mod tests {
    use super::{super::office, *};
    use crate::domain::working::WorkCalendar;
    use office::{ANA, CLEO};

    #[test]
    fn mentions_by_deal_and_month() {
        let deals = vec![office::deal("small", ANA, 10.0, "EUR"), office::deal("large", CLEO, 900.0, "EUR")];
        let directory = office::directory(office::users(), vec![], deals);
        let mail = |id: &str, at: &str, deal: &str| {
            office::sent(id, at, ANA, id).tagged("competitor:Rivalsoft").on(deal).activity
        };
        let activities = vec![
            mail("a", "11-02", "small"),
            mail("b", "11-03", "small"),
            mail("c", "10-30", "small"),
            mail("d", "11-04", "large"),
            mail("e", "09-04", "large"),
            office::sent("f", "11-05", ANA, "f").on("large").activity,
        ];
        let calendar = WorkCalendar::default();
        let day = |text: &str| text.parse().expect("a date");
        let range = Range { from: day("2026-10-01"), to: day("2026-11-30"), calendar: &calendar };
        let table = report(&Input { directory: &directory, activities: &activities, range, scope: Scope::default() });
        let rows: Vec<String> =
            table.rows.iter().map(|r| r.cells.iter().map(Value::text).collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(
            rows,
            [
                "Rivalsoft large large Cleo Dubois 2026-11 1 900.00 EUR open",
                "Rivalsoft small small Ana Lopez 2026-10 1 10.00 EUR open",
                "Rivalsoft small small Ana Lopez 2026-11 2 10.00 EUR open",
            ]
        );
        assert_eq!(table.rows[2].evidence["mentions"], ["a", "b"]);
        assert_eq!(table.rows[2].evidence["amount"], ["small"]);
    }
}
