//! A struct for each section of the file, with its defaults. Values are checked where they are read ([`super::values`]);
//! what several sections must agree on is checked afterwards ([`super::check`]).

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::SocketAddr,
    path::PathBuf,
};

use chrono::{NaiveDate, NaiveTime};
use chrono_tz::Tz;
use serde::Deserialize;

use super::{
    reading::{many, maybe, maybe_set, one, set, table},
    values::{
        Currency, DatabaseUrl, Date, Domain, Email, Exclusion, Hours, Listen, Name, OwnDomain, Pattern, Portal,
        Positive, Separator, Since, SinceText, SpanText, WebUrl, Weekdays, Zone,
    },
};
use crate::domain::{reports::Period, span::Span};

#[derive(Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Database {
    /// As written: ask `Config::database_url`.
    #[serde(deserialize_with = "one::<DatabaseUrl, _>")]
    pub url: String,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Database")
    }
}

impl Default for Database {
    fn default() -> Self {
        Self { url: "sqlite:dealtrail.db".to_owned() }
    }
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    #[serde(deserialize_with = "one::<Listen, _>")]
    pub listen: SocketAddr,
    /// As written: ask `Config::public_url`.
    #[serde(deserialize_with = "maybe::<WebUrl, _>")]
    pub public_url: Option<String>,
}

impl Default for Server {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 8420)), public_url: None }
    }
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Organization {
    pub name: String,
    /// Folded. Addresses in these domains, or below, are ours.
    #[serde(deserialize_with = "many::<OwnDomain, _>")]
    pub domains: Vec<String>,
    /// Folded. Domains below ours that are not ours.
    #[serde(deserialize_with = "many::<Domain, _>")]
    pub external: Vec<String>,
    /// What one unit of a currency is worth in the one in which sums are shown too.
    #[serde(deserialize_with = "table::<Currency, Positive, _>")]
    pub rates: BTreeMap<String, f64>,
    #[serde(deserialize_with = "one::<Zone, _>")]
    pub timezone: Tz,
    /// Monday first.
    #[serde(deserialize_with = "one::<Weekdays, _>")]
    pub working_days: [bool; 7],
    #[serde(deserialize_with = "one::<Hours, _>")]
    pub working_hours: (NaiveTime, NaiveTime),
    #[serde(deserialize_with = "set::<Date, _>")]
    pub holidays: BTreeSet<NaiveDate>,
}

impl Default for Organization {
    fn default() -> Self {
        let usual = crate::domain::working::WorkCalendar::default();
        Self {
            name: String::new(),
            domains: Vec::new(),
            external: Vec::new(),
            rates: BTreeMap::new(),
            timezone: Tz::UTC,
            working_days: usual.days,
            working_hours: usual.hours,
            holidays: BTreeSet::new(),
        }
    }
}

/// What is kept of a mail or a meeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Metadata,
    Subject,
    Text,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Capture {
    #[serde(deserialize_with = "one::<SinceText, _>")]
    pub since: Since,
    #[serde(deserialize_with = "one::<SinceText, _>")]
    pub horizon: Since,
    pub content: Level,
    /// Lower case; `*` stands for any run of characters.
    #[serde(deserialize_with = "many::<Exclusion, _>")]
    pub exclude: Vec<String>,
}

impl Default for Capture {
    fn default() -> Self {
        Self {
            since: Since::Span(Span::Days(180)),
            horizon: Since::Span(Span::Days(365)),
            content: Level::Text,
            exclude: Vec::new(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Team {
    #[serde(deserialize_with = "one::<Name, _>")]
    pub name: String,
    #[serde(default, deserialize_with = "maybe::<Email, _>")]
    pub manager: Option<String>,
    #[serde(default, deserialize_with = "maybe::<Zone, _>")]
    pub timezone: Option<Tz>,
    #[serde(default, deserialize_with = "maybe::<Weekdays, _>")]
    pub working_days: Option<[bool; 7]>,
    #[serde(default, deserialize_with = "maybe::<Hours, _>")]
    pub working_hours: Option<(NaiveTime, NaiveTime)>,
    #[serde(default, deserialize_with = "maybe_set::<Date, _>")]
    pub holidays: Option<BTreeSet<NaiveDate>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UserRole {
    #[default]
    Rep,
    Manager,
    Admin,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// Lower case.
    #[serde(deserialize_with = "one::<Email, _>")]
    pub email: String,
    #[serde(default, deserialize_with = "maybe::<Name, _>")]
    pub name: Option<String>,
    #[serde(default)]
    pub role: UserRole,
    #[serde(default, deserialize_with = "maybe::<Name, _>")]
    pub team: Option<String>,
    /// Lower case.
    #[serde(default, deserialize_with = "many::<Email, _>")]
    pub aliases: Vec<String>,
    /// The last day of somebody who leaves.
    #[serde(default, deserialize_with = "maybe::<Date, _>")]
    pub until: Option<NaiveDate>,
    #[serde(default, deserialize_with = "maybe::<Zone, _>")]
    pub timezone: Option<Tz>,
    #[serde(default, deserialize_with = "maybe::<Weekdays, _>")]
    pub working_days: Option<[bool; 7]>,
    #[serde(default, deserialize_with = "maybe::<Hours, _>")]
    pub working_hours: Option<(NaiveTime, NaiveTime)>,
    #[serde(default, deserialize_with = "maybe_set::<Date, _>")]
    pub holidays: Option<BTreeSet<NaiveDate>>,
}

/// May we write into the CRM?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Writeback {
    #[default]
    Off,
    DryRun,
    On,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Matching {
    /// A regular expression that compiles.
    #[serde(deserialize_with = "maybe::<Pattern, _>")]
    pub deal_code: Option<String>,
    /// Folded; added to the built-in list.
    #[serde(deserialize_with = "many::<Domain, _>")]
    pub free_mail: Vec<String>,
    #[serde(deserialize_with = "table::<Domain, Separator, _>")]
    pub subaddress: BTreeMap<String, char>,
}

/// Added to the built-in patterns.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Documents {
    #[serde(deserialize_with = "many::<Name, _>")]
    pub quote: Vec<String>,
    #[serde(deserialize_with = "many::<Name, _>")]
    pub order: Vec<String>,
    #[serde(deserialize_with = "many::<Name, _>")]
    pub contract: Vec<String>,
    /// Addresses, or domains, that send documents by machine.
    #[serde(deserialize_with = "many::<Portal, _>")]
    pub portals: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Competitors {
    #[serde(deserialize_with = "many::<Name, _>")]
    pub names: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reports {
    /// What typing one by hand would have taken.
    pub minutes_per_email: u32,
    pub minutes_per_meeting: u32,
    /// Contacts of whom nothing was heard for so long stand on the lists of `segments`.
    #[serde(deserialize_with = "one::<SpanText, _>")]
    pub silent_after: Span,
}

impl Default for Reports {
    fn default() -> Self {
        Self { minutes_per_email: 2, minutes_per_meeting: 5, silent_after: Span::Days(30) }
    }
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Privacy {
    /// What others than the participants' owners see.
    pub share: Level,
    pub no_ranking: bool,
    pub works_council: bool,
    /// How long unmatched mail keeps its blind indexes.
    pub waiting_days: u32,
    pub retention: Retention,
}

impl Default for Privacy {
    fn default() -> Self {
        let retention = Retention::default();
        Self { share: Level::Subject, no_ranking: false, works_council: false, waiting_days: 400, retention }
    }
}

/// None: for ever.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    #[serde(deserialize_with = "maybe::<SpanText, _>")]
    pub text: Option<Span>,
    #[serde(deserialize_with = "maybe::<SpanText, _>")]
    pub activity: Option<Span>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Connectors {
    /// Descriptions of connectors of one's own.
    pub folder: PathBuf,
}

impl Default for Connectors {
    fn default() -> Self {
        Self { folder: PathBuf::from("connectors.d") }
    }
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partner {
    #[serde(default, deserialize_with = "maybe::<Name, _>")]
    pub name: Option<String>,
    /// Folded.
    #[serde(deserialize_with = "many::<Domain, _>")]
    pub domains: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// A column of the activity report.
    #[serde(deserialize_with = "one::<Name, _>")]
    pub metric: String,
    pub per: Period,
    #[serde(deserialize_with = "one::<Positive, _>")]
    pub goal: f64,
    #[serde(default, deserialize_with = "maybe::<Name, _>")]
    pub team: Option<String>,
    #[serde(default, deserialize_with = "maybe::<Email, _>")]
    pub rep: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    #[serde(deserialize_with = "one::<Email, _>")]
    pub rep: String,
    pub per: Period,
    #[serde(deserialize_with = "one::<Positive, _>")]
    pub amount: f64,
    #[serde(deserialize_with = "one::<Currency, _>")]
    pub currency: String,
}
