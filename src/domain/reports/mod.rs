//! Reports as pure functions: rows of the store in, one [`Table`] out, which prints as text, JSON or CSV and knows the ids
//! behind each number. No SQL, no clock.

pub mod activity;
pub mod cohorts;
pub mod competitors;
pub mod coverage;
pub mod credit;
pub mod forecast;
pub mod funnel;
pub mod grouping;
pub mod journey;
pub mod leads;
pub mod money;
pub mod needs;
pub mod next_steps;
#[cfg(test)]
mod office;
pub mod pace;
mod period;
pub mod rate;
pub mod segments;
pub mod stand;
mod table;
pub mod targets;
pub mod timeline;
pub mod today;
pub mod trail;

use chrono::{DateTime, NaiveDate, Utc};

pub use self::{
    period::Period,
    rate::Rate,
    table::{Column, Row, Table, Value},
};
use super::working::WorkCalendar;

/// Days, both ends included, in the organisation's zone.
#[derive(Clone, Debug)]
pub struct Range<'a> {
    pub from: NaiveDate,
    pub to: NaiveDate,
    /// The organisation's calendar.
    pub calendar: &'a WorkCalendar,
}

impl Range<'_> {
    /// The first moment of the range.
    pub fn start(&self) -> DateTime<Utc> {
        self.calendar.start_of(self.from)
    }

    /// The first moment after it.
    pub fn end(&self) -> DateTime<Utc> {
        self.calendar.end_of(self.to)
    }

    /// The day something counts for. All-day things stand at midnight UTC of their date.
    pub fn day(&self, at: DateTime<Utc>, all_day: bool) -> NaiveDate {
        if all_day { at.date_naive() } else { self.calendar.date(at) }
    }

    pub fn holds(&self, day: NaiveDate) -> bool {
        self.from <= day && day <= self.to
    }
}

/// Whose rows are wanted; by default everybody's.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    pub team: Option<String>,
    /// Folded email.
    pub rep: Option<String>,
}

impl Scope {
    /// Is the row of this rep wanted?
    fn wants_rep(&self, email: &str, team: Option<&str>) -> bool {
        self.rep.as_deref().is_none_or(|rep| rep == email) && (self.team.is_none() || self.team.as_deref() == team)
    }

    /// Is the row of this team wanted?
    fn wants_team(&self, team: &str) -> bool {
        self.rep.is_none() && self.team.as_deref().is_none_or(|wanted| wanted == team)
    }

    /// Is the row of all together wanted?
    fn wants_all(&self) -> bool {
        self.rep.is_none() && self.team.is_none()
    }
}

/// Rows of one report in the order in which they are shown: by team and name, never by rank.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Whose {
    Rep { team: Option<String>, name: String, email: String },
    Team(String),
    All,
}

impl Whose {
    /// The cells `row`, `rep`, `name` and `team`.
    fn cells(&self) -> [Value; 4] {
        let text = |t: &str| Value::Text(t.to_owned());
        match self {
            Self::Rep { team, name, email } => {
                [text("rep"), text(email), text(name), team.as_deref().map_or(Value::None, text)]
            }
            Self::Team(team) => [text("team"), Value::None, text(&format!("team {team}")), text(team)],
            Self::All => [text("all"), Value::None, text("everybody"), Value::None],
        }
    }
}

/// The columns of [`Whose::cells`].
const WHOSE: [(&str, &str); 4] = [("row", "Row"), ("rep", "Rep"), ("name", "Name"), ("team", "Team")];
