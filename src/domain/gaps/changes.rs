//! What the CRM tells of a field of the deal over time: changes within a day of each other are one, and what was taken back
//! within a day is none. Pure; parses dates and amounts as CRMs write them.

use chrono::{DateTime, NaiveDate, Utc};

use super::{super::directory::Deal, moves::ONE_MOVE};

/// One change of a field.
#[derive(Clone, Debug, PartialEq)]
pub struct Change<T> {
    pub from: T,
    pub to: T,
    /// When the first change of it was made: what tells it from others.
    pub began: DateTime<Utc>,
    /// When the field had its new value.
    pub at: DateTime<Utc>,
}

/// The changes of a field from `since` on, oldest first. What cannot be read is left out.
pub fn changes<T: Clone + PartialEq>(
    deal: &Deal,
    field: &str,
    since: Option<DateTime<Utc>>,
    read: impl Fn(&str) -> Option<T>,
) -> Vec<Change<T>> {
    let mut rows: Vec<_> = deal.field_changes.iter().filter(|c| c.field == field).collect();
    rows.sort_by_key(|c| c.at);
    let mut all: Vec<Change<T>> = Vec::new();
    for row in rows.into_iter().filter(|c| since.is_none_or(|since| c.at >= since)) {
        let (Some(from), Some(to)) = (row.from.as_deref().and_then(&read), row.to.as_deref().and_then(&read)) else {
            continue;
        };
        match all.last_mut() {
            Some(last) if row.at - last.at < ONE_MOVE => (last.to, last.at) = (to, row.at),
            _ => all.push(Change { from, to, began: row.at, at: row.at }),
        }
    }
    all.retain(|c| c.from != c.to);
    all
}

/// `2026-11-20`, with or without a time behind it.
pub fn date(text: &str) -> Option<NaiveDate> {
    text.trim().get(..10)?.parse().ok()
}

/// `48000`, `48000.50`.
pub fn amount(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|n: &f64| n.is_finite())
}

#[cfg(test)]
mod tests {
    use super::{
        super::world::{World, t},
        *,
    };

    #[test]
    fn changes_of_a_day_are_one() {
        type Rows = &'static [(&'static str, &'static str, &'static str)];
        type Steps = &'static [(f64, f64)];
        let cases: [(&str, Rows, Steps); 7] = [
            ("none", &[], &[]),
            ("two", &[("11-01", "10", "8"), ("11-05", "8", "9")], &[(10.0, 8.0), (8.0, 9.0)]),
            ("a slip", &[("11-01 10:00", "10", "1"), ("11-01 10:05", "1", "10")], &[]),
            ("a chain", &[("11-01 10:00", "10", "9"), ("11-02 09:00", "9", "8")], &[(10.0, 8.0)]),
            ("before", &[("09-01", "10", "8")], &[]),
            ("no number", &[("11-01", "ten", "8"), ("11-05", "8", "")], &[]),
            ("out of order", &[("11-05", "8", "9"), ("11-01", "10", "8")], &[(10.0, 8.0), (8.0, 9.0)]),
        ];
        for (name, rows, want) in cases {
            let mut world = World::new("12-01");
            for (at, from, to) in rows {
                world = world.changed("amount", at, from, to);
            }
            let found = changes(&world.deal, "amount", Some(t("10-01")), amount);
            assert_eq!(found.iter().map(|c| (c.from, c.to)).collect::<Vec<_>>(), want, "{name}");
        }
    }

    #[test]
    fn dates_and_amounts() {
        let day = NaiveDate::from_ymd_opt(2026, 11, 20);
        assert_eq!(
            (date("2026-11-20"), date(" 2026-11-20T10:00:00Z"), date("20.11."), date("")),
            (day, day, None, None)
        );
        assert_eq!((amount(" 48000.50 "), amount("NaN"), amount("1e3")), (Some(48000.5), None, Some(1000.0)));
    }
}
