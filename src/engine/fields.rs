//! Changes of a deal's fields between two readings. Each counts as made when a reading first shows it, so that a deal handed on
//! keeps who owned it before, and an amount that fell is noticed. When the CRM's own history tells of a change later, that one
//! stands.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use dealtrail_sdk::record::{self, DealChange};

use crate::{
    domain::{
        address,
        directory::Directory,
        sequence::{self, Change},
    },
    store::{StoreError, Tx, directory},
};

/// The rows of what differs between a deal as it was read before and as it is read now.
pub fn differences(
    before: &record::Deal,
    deal: &record::Deal,
    dir: &Directory,
    now: DateTime<Utc>,
) -> Result<Vec<directory::Row>, StoreError> {
    let values = |d: &record::Deal| {
        [
            ("amount", d.amount.map(|a| a.to_string())),
            ("close_date", d.close_date.map(|day| day.to_string())),
            ("owner", Some(d.owner.clone())),
            ("forecast_category", d.forecast_category.clone()),
        ]
    };
    let changed = values(before).into_iter().zip(values(deal));
    let changed = changed.filter(|((field, before), (_, now))| meant(field, before, dir) != meant(field, now, dir));
    let changed = changed.map(|((field, from), (_, to))| DealChange {
        deal: deal.id.clone(),
        field: field.to_owned(),
        from,
        to,
        at: now,
    });
    changed.map(directory::observed_field).collect()
}

/// A value in one way of writing: who and what is meant.
fn meant(field: &str, value: &Option<String>, dir: &Directory) -> Option<String> {
    let value = value.as_deref().map(str::trim).filter(|value| !value.is_empty())?;
    Some(match field {
        "owner" => {
            let folded = address::fold(value, &dir.ours.subaddress).unwrap_or_else(|| value.to_lowercase());
            dir.user(&folded).map_or(folded, |user| user.email.clone())
        }
        _ => value.to_lowercase(),
    })
}

/// Takes back what we saw ourselves and the CRM tells of by now; the deals concerned.
pub async fn take_back(tx: &mut Tx, dir: &Directory) -> Result<BTreeSet<String>, StoreError> {
    let mut fields: BTreeMap<(String, String), Vec<directory::KnownChange>> = BTreeMap::new();
    for change in directory::around_observed_fields(tx).await? {
        fields.entry((change.change.deal.clone(), change.change.field.clone())).or_default().push(change);
    }
    let mut deals = BTreeSet::new();
    for ((deal, _), all) in fields {
        for id in told(all, dir) {
            directory::forget(tx, "deal_change", &id).await?;
            deals.insert(deal.clone());
        }
    }
    Ok(deals)
}

/// Ids of the observed ones among the changes of one field that the CRM tells of too.
fn told(all: Vec<directory::KnownChange>, dir: &Directory) -> Vec<String> {
    struct Meant {
        id: String,
        ours: bool,
        at: DateTime<Utc>,
        from: Option<String>,
        to: Option<String>,
    }
    let mean = |known: directory::KnownChange| {
        let directory::KnownChange { id, ours, change } = known;
        let of = |value: &Option<String>| meant(&change.field, value, dir);
        Meant { id, ours, at: change.at, from: of(&change.from), to: of(&change.to) }
    };
    let all = sequence::in_order(all.into_iter().map(mean).collect(), |c| sequence::Place {
        of: "",
        at: c.at,
        from: c.from.as_deref(),
        to: c.to.as_deref(),
    });
    let changes: Vec<Change<'_>> = all.iter().map(|c| Change { at: c.at, to: c.to.as_deref(), ours: c.ours }).collect();
    let ours = all.iter().zip(&changes).filter(|(c, _)| c.ours);
    ours.filter(|(_, change)| sequence::told(change, &changes)).map(|(c, _)| c.id.clone()).collect()
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn deal() -> record::Deal {
        record::Deal {
            id: "D1".to_owned(),
            name: "Project".to_owned(),
            company: None,
            contacts: vec![],
            owner: "Ana@acme.example".to_owned(),
            pipeline: None,
            stage: "s1".to_owned(),
            amount: Some(1000.0),
            currency: None,
            close_date: chrono::NaiveDate::from_ymd_opt(2026, 3, 31),
            forecast_category: None,
            created_at: None,
            closed_at: None,
        }
    }

    #[test]
    fn what_differs_between_two_readings() {
        let now = DateTime::UNIX_EPOCH;
        let told = |after: record::Deal| -> Vec<String> {
            let rows = differences(&deal(), &after, &Directory::default(), now).expect("rows");
            let read = |r: &directory::Row| serde_json::from_str::<DealChange>(&r.body).expect("a change");
            let told = |c: DealChange| format!("{} {:?} {:?}", c.field, c.from.as_deref(), c.to.as_deref());
            rows.iter().map(|r| told(read(r))).collect()
        };
        assert_eq!(told(deal()), [""; 0]);
        let named = record::Deal { owner: "ana@acme.example ".to_owned(), name: "Other".to_owned(), ..deal() };
        assert_eq!(told(named), [""; 0], "neither a name nor how an address is written");
        let handed = record::Deal { owner: "bob@acme.example".to_owned(), amount: Some(800.5), ..deal() };
        assert_eq!(
            told(handed),
            [r#"amount Some("1000") Some("800.5")"#, r#"owner Some("Ana@acme.example") Some("bob@acme.example")"#]
        );
        let bare = record::Deal { close_date: None, forecast_category: Some("commit".to_owned()), ..deal() };
        assert_eq!(told(bare), [r#"close_date Some("2026-03-31") None"#, r#"forecast_category None Some("commit")"#]);
    }

    #[test]
    fn what_the_crm_tells_of_is_taken_back() {
        let all = |changes: &[(i64, &str, bool)]| -> Vec<String> {
            let change = |(n, (day, to, ours)): (usize, &(i64, &str, bool))| directory::KnownChange {
                id: n.to_string(),
                ours: *ours,
                change: DealChange {
                    deal: "D1".to_owned(),
                    field: "amount".to_owned(),
                    from: None,
                    to: Some((*to).to_owned()),
                    at: DateTime::UNIX_EPOCH + TimeDelta::days(*day),
                },
            };
            told(changes.iter().enumerate().map(change).collect(), &Directory::default())
        };
        assert_eq!(all(&[(3, "8", true)]), [""; 0]);
        assert_eq!(all(&[(3, "8", true), (2, "8", false)]), ["0"]);
        assert_eq!(all(&[(3, "Commit", true), (2, " commit", false)]), ["0"], "however it is written");
        assert_eq!(all(&[(3, "8", true), (2, "9", false)]), [""; 0]);
        assert_eq!(all(&[(3, "8", true), (4, "8", false)]), [""; 0], "a later one is another");
        assert_eq!(all(&[(3, "8", true), (2, "8", false), (5, "9", true)]), ["0"]);
        assert_eq!(all(&[(1, "8", false), (2, "9", false), (3, "8", true)]), [""; 0]);
    }
}
