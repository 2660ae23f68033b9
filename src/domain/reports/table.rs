//! A report as it is shown: columns, rows, notes, and the ids behind each number. Prints itself; knows no report.

use std::collections::BTreeMap;

use chrono::{DateTime, FixedOffset, NaiveDate, SecondsFormat, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value as Json, json};

use super::rate::Rate;

#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// For programs.
    pub key: String,
    /// For people.
    pub title: String,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    None,
    Text(String),
    Count(u64),
    /// 0..=1.
    Share(f64),
    /// A rate with its counts: no rate is shown without them.
    Rate(Rate),
    /// Any other number, such as a mean or days.
    Number(f64),
    /// By currency; never mixed. `-` where the currency is unknown.
    Money(BTreeMap<String, f64>),
    /// People read it where it stands, programs in UTC.
    Time(DateTime<FixedOffset>),
    Date(NaiveDate),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub cells: Vec<Value>,
    /// By column key: the activities, deals, contacts or quotes behind the number, in their order in time.
    pub evidence: BTreeMap<String, Vec<String>>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    pub name: String,
    pub from: NaiveDate,
    pub to: NaiveDate,
    pub columns: Vec<Column>,
    pub rows: Vec<Row>,
    pub notes: Vec<String>,
}

impl Value {
    /// A moment as it is read in a zone.
    pub fn time(at: DateTime<Utc>, zone: Tz) -> Self {
        Self::Time(at.with_timezone(&zone).fixed_offset())
    }

    /// As people read it.
    pub fn text(&self) -> String {
        match self {
            Self::None => String::new(),
            // foreign names go to a terminal, which would obey what they hold
            Self::Text(text) => text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect(),
            Self::Count(n) => n.to_string(),
            Self::Share(share) => format!("{:.0} %", share * 100.0),
            Self::Rate(rate) => rate.text(),
            Self::Number(n) => format!("{n:.1}"),
            Self::Money(sums) => {
                let sums: Vec<String> = sums.iter().map(|(currency, sum)| format!("{sum:.2} {currency}")).collect();
                sums.join(" + ")
            }
            Self::Time(at) => at.format("%Y-%m-%d %H:%M").to_string(),
            Self::Date(date) => date.to_string(),
        }
    }

    fn json(&self) -> Json {
        match self {
            Self::None => Json::Null,
            Self::Text(text) => json!(text),
            Self::Count(n) => json!(n),
            Self::Share(share) => json!((share * 10_000.0).round() / 10_000.0),
            Self::Rate(rate) => rate.json(),
            Self::Number(n) => json!((n * 100.0).round() / 100.0),
            Self::Money(sums) => {
                json!(
                    sums.iter().map(|(c, sum)| (c.clone(), (sum * 100.0).round() / 100.0)).collect::<BTreeMap<_, _>>()
                )
            }
            Self::Time(at) => json!(at.to_utc().to_rfc3339_opts(SecondsFormat::Secs, true)),
            Self::Date(date) => json!(date.to_string()),
        }
    }

    /// One cell for programs. Text that a spreadsheet would take for a formula is disarmed.
    fn csv(&self) -> String {
        match (self, self.json()) {
            (Self::Text(text), _) if text.starts_with(['=', '+', '-', '@', '\t', '\r']) => format!("'{text}"),
            (Self::Money(_), _) => self.text(),
            // its counts stand in columns of their own
            (Self::Rate(rate), _) => {
                rate.value().map(|v| ((v * 10_000.0).round() / 10_000.0).to_string()).unwrap_or_default()
            }
            (_, Json::Null) => String::new(),
            (_, Json::String(text)) => text,
            (_, other) => other.to_string(),
        }
    }
}

impl Table {
    pub fn column(&self, key: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.key == key)
    }

    /// `name`, `from`, `to`, `columns`, `rows` (objects by column key), `notes`.
    pub fn json(&self) -> Json {
        let columns: Vec<Json> = self.columns.iter().map(|c| json!({"key": c.key, "title": c.title})).collect();
        let rows: Vec<Json> = self.rows.iter().map(|row| self.row_json(row)).collect();
        json!({
            "name": self.name,
            "from": self.from.to_string(),
            "to": self.to.to_string(),
            "columns": columns,
            "rows": rows,
            "notes": self.notes,
        })
    }

    /// One row as an object by column key.
    pub fn row_json(&self, row: &Row) -> Json {
        let cells = self.columns.iter().zip(&row.cells).map(|(column, cell)| (column.key.clone(), cell.json()));
        Json::Object(cells.collect::<Map<_, _>>())
    }

    /// The first line names the columns by key.
    pub fn csv(&self) -> String {
        let mut out = csv::Writer::from_writer(Vec::new());
        let head = self.columns.iter().map(|c| c.key.clone()).collect();
        for record in std::iter::once(head).chain(self.rows.iter().map(|r| r.cells.iter().map(Value::csv).collect())) {
            let record: Vec<String> = record;
            out.write_record(&record).expect("memory takes every record");
        }
        let bytes = out.into_inner().expect("memory takes every byte");
        String::from_utf8(bytes).expect("what was text stays text")
    }

    /// Aligned columns for people, numbers to the right; columns without any value are left out. Notes follow.
    pub fn text(&self) -> String {
        let cells: Vec<Vec<String>> = self.rows.iter().map(|r| r.cells.iter().map(Value::text).collect()).collect();
        let shown: Vec<usize> =
            (0..self.columns.len()).filter(|i| cells.iter().any(|row| !row[*i].is_empty())).collect();
        let width = |i: usize| {
            let cells = cells.iter().map(|row| row[i].chars().count());
            cells.chain([self.columns[i].title.chars().count()]).max().unwrap_or_default()
        };
        let widths: Vec<usize> = shown.iter().map(|i| width(*i)).collect();
        let right = |i: usize| {
            let number = |v: &Value| !matches!(v, Value::None | Value::Text(_) | Value::Time(_) | Value::Date(_));
            self.rows.iter().any(|r| number(&r.cells[i]))
        };
        let line = |row: &dyn Fn(usize) -> String| {
            let cells: Vec<String> = shown
                .iter()
                .zip(&widths)
                .map(|(i, w)| if right(*i) { format!("{:>w$}", row(*i)) } else { format!("{:<w$}", row(*i)) })
                .collect();
            format!("{}\n", cells.join("  ").trim_end())
        };
        let mut out = line(&|i| self.columns[i].title.clone());
        for row in &cells {
            out.push_str(&line(&|i| row[i].clone()));
        }
        for note in &self.notes {
            out.push_str(&format!("\n{note}"));
        }
        if !self.notes.is_empty() {
            out.push('\n');
        }
        out
    }

    /// The ids behind one column, row by row; `None` when there is no such column.
    pub fn show(&self, key: &str) -> Option<Vec<(&Row, &[String])>> {
        self.column(key)?;
        Some(self.rows.iter().map(|row| (row, row.evidence.get(key).map_or(&[][..], Vec::as_slice))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let column = |key: &str, title: &str| Column { key: key.into(), title: title.into() };
        let row = |name: &str, n, share, money: &[(&str, f64)]| Row {
            cells: vec![
                Value::Text(name.into()),
                Value::Count(n),
                share,
                Value::Money(money.iter().map(|(c, m)| ((*c).to_owned(), *m)).collect()),
                Value::None,
            ],
            evidence: BTreeMap::from([("sent".to_owned(), vec!["a1".to_owned()])]),
        };
        Table {
            name: "activity".into(),
            from: "2026-11-01".parse().expect("a date"),
            to: "2026-11-30".parse().expect("a date"),
            columns: vec![
                column("name", "Name"),
                column("sent", "Sent"),
                column("share", "Share"),
                column("value", "Value"),
                column("empty", "Empty"),
            ],
            rows: vec![
                row("Ana Lopez", 12, Value::Share(0.9374), &[("EUR", 1000.5), ("USD", 20.0)]),
                row("=Ben, \"B\"", 3, Value::None, &[]),
            ],
            notes: vec!["Rows may add up to more.".into()],
        }
    }

    #[test]
    fn a_moment_is_read_in_its_zone_by_people_and_in_utc_by_programs() {
        let at = DateTime::UNIX_EPOCH + chrono::TimeDelta::hours(23);
        let value = Value::time(at, chrono_tz::Europe::Berlin);
        assert_eq!((value.text(), value.csv()), ("1970-01-02 00:00".to_owned(), "1970-01-01T23:00:00Z".to_owned()));
    }

    #[test]
    fn prints_three_ways() {
        let table = table();
        assert_eq!(
            table.text(),
            "Name       Sent  Share                    Value\n\
             Ana Lopez    12   94 %  1000.50 EUR + 20.00 USD\n\
             =Ben, \"B\"     3\n\nRows may add up to more.\n"
        );
        assert_eq!(
            table.csv(),
            "name,sent,share,value,empty\nAna Lopez,12,0.9374,1000.50 EUR + 20.00 USD,\n\"'=Ben, \"\"B\"\"\",3,,,\n"
        );
        let json = table.json();
        assert_eq!(
            json["rows"][0],
            json!({"name": "Ana Lopez", "sent": 12, "share": 0.9374, "value": {"EUR": 1000.5, "USD": 20.0}, "empty": null})
        );
        assert_eq!(
            (&json["from"], &json["columns"][1]),
            (&json!("2026-11-01"), &json!({"key": "sent", "title": "Sent"}))
        );
        assert_eq!(table.show("sent").map(|rows| rows.iter().map(|r| r.1.len()).sum::<usize>()), Some(2));
        assert_eq!(table.show("nothing"), None);
    }
}
