//! The nine files of an export: their names, their columns, and how a row of each becomes a record. Pure.
//!
//! Nothing here opens a file. A reason never repeats a cell, only the column's name.

use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use dealtrail_sdk::record::{
    Company, Contact, ContactRole, Deal, DealChange, Quality, Quote, Record, Stage, StageChange, StageKind, Task, Typed,
};

use crate::cells;

/// One file of the export. The order is the order of reading: what is referred to comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sheet {
    Companies,
    Contacts,
    Stages,
    Deals,
    StageChanges,
    DealChanges,
    Activities,
    Tasks,
    Quotes,
}

impl Sheet {
    pub const ALL: [Self; 9] = [
        Self::Companies,
        Self::Contacts,
        Self::Stages,
        Self::Deals,
        Self::StageChanges,
        Self::DealChanges,
        Self::Activities,
        Self::Tasks,
        Self::Quotes,
    ];

    pub fn file(self) -> &'static str {
        match self {
            Self::Companies => "companies.csv",
            Self::Contacts => "contacts.csv",
            Self::Stages => "stages.csv",
            Self::Deals => "deals.csv",
            Self::StageChanges => "stage_changes.csv",
            Self::DealChanges => "deal_changes.csv",
            Self::Activities => "activities.csv",
            Self::Tasks => "tasks.csv",
            Self::Quotes => "quotes.csv",
        }
    }

    pub fn by_file(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.file() == name)
    }

    /// Must the file be there?
    pub fn needed(self) -> bool {
        matches!(self, Self::Contacts | Self::Deals)
    }

    /// The columns, a `*` behind those that every row must fill.
    pub fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Companies => &["id*", "name*", "domains", "owner"],
            Self::Contacts => {
                &["id*", "name", "emails*", "company_id", "title", "phones", "owner", "created_at", "merged_into"]
            }
            Self::Stages => &["id*", "pipeline", "name*", "position*", "kind", "probability"],
            Self::Deals => &[
                "id*",
                "name*",
                "company_id",
                "contact_ids",
                "owner*",
                "pipeline",
                "stage_id*",
                "amount",
                "currency",
                "close_date",
                "forecast_category",
                "created_at",
                "closed_at",
            ],
            Self::StageChanges => {
                &["deal_id*", "from_stage_id", "to_stage_id*", "changed_at*", "changed_by", "quality"]
            }
            Self::DealChanges => &["deal_id*", "field*", "from", "to", "changed_at*"],
            Self::Activities => &[
                "id*",
                "kind*",
                "occurred_at*",
                "subject",
                "deal_id",
                "contact_ids",
                "owner",
                "message_id",
                "ical_uid",
            ],
            Self::Tasks => &["id*", "deal_id", "contact_id", "owner*", "due*", "done_at", "subject"],
            Self::Quotes => &["id*", "deal_id*", "amount", "currency", "sent_at*"],
        }
    }

    /// Do rows carry an id of their own?
    pub fn has_id(self) -> bool {
        !matches!(self, Self::StageChanges | Self::DealChanges)
    }

    /// Turns a row into its record.
    pub fn read(self, row: &Row<'_>) -> Result<Record, String> {
        for column in self.columns() {
            let Some(name) = column.strip_suffix('*') else { continue };
            // A merged contact has handed its addresses to the survivor.
            let merged = self == Self::Contacts && name == "emails" && row.text("merged_into").is_some();
            if !merged {
                row.need(name)?;
            }
        }
        match self {
            Self::Companies => company(row),
            Self::Contacts => contact(row),
            Self::Stages => stage(row),
            Self::Deals => deal(row),
            Self::StageChanges => stage_change(row),
            Self::DealChanges => deal_change(row),
            Self::Activities => typed(row),
            Self::Tasks => task(row),
            Self::Quotes => quote(row),
        }
    }
}

/// Name of a resource for a record: its id, or for a row without one what makes it the same row when read again.
pub fn resource(record: &Record) -> String {
    let stamp = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::AutoSi, true);
    match record {
        Record::Company(r) => r.id.clone(),
        Record::Contact(r) => r.id.clone(),
        Record::Stage(r) => r.id.clone(),
        Record::Deal(r) => r.id.clone(),
        Record::Typed(r) => r.id.clone(),
        Record::Task(r) => r.id.clone(),
        Record::Quote(r) => r.id.clone(),
        Record::StageChange(r) => format!("{}@{}>{}", r.deal, stamp(r.at), r.to),
        Record::DealChange(r) => {
            let to = blake3::hash(r.to.as_deref().unwrap_or_default().as_bytes()).to_hex();
            format!("{}.{}@{}#{}", r.deal, r.field, stamp(r.at), &to[..8])
        }
        Record::Mail(_) | Record::Event(_) => unreachable!("an export holds no mail and no events"),
    }
}

/// The cells of one row, in the order of the sheet's columns; a column that the file lacks is empty.
pub struct Row<'a> {
    pub sheet: Sheet,
    pub cells: &'a [String],
    pub zone: Tz,
}

impl Row<'_> {
    /// The trimmed cell, when it is not empty.
    fn text(&self, column: &str) -> Option<&str> {
        let at = self.sheet.columns().iter().position(|c| c.trim_end_matches('*') == column)?;
        self.cells.get(at).map(|c| c.trim()).filter(|c| !c.is_empty())
    }

    fn owned(&self, column: &str) -> Option<String> {
        self.text(column).map(str::to_owned)
    }

    fn need(&self, column: &str) -> Result<&str, String> {
        self.text(column).ok_or_else(|| format!("`{column}` is empty and needed"))
    }

    fn read<T, E: std::fmt::Display>(
        &self,
        column: &str,
        reader: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Option<T>, String> {
        self.text(column).map(|text| reader(text).map_err(|why| format!("`{column}` {why}"))).transpose()
    }

    fn read_needed<T, E: std::fmt::Display>(
        &self,
        column: &str,
        reader: impl Fn(&str) -> Result<T, E>,
    ) -> Result<T, String> {
        reader(self.need(column)?).map_err(|why| format!("`{column}` {why}"))
    }

    fn time(&self, column: &str) -> Result<Option<DateTime<Utc>>, String> {
        self.read(column, |t| cells::time(t, self.zone))
    }

    fn list(&self, column: &str) -> Vec<String> {
        self.text(column).map(cells::list).unwrap_or_default()
    }
}

fn company(row: &Row<'_>) -> Result<Record, String> {
    let mut domains: Vec<String> = row.list("domains").iter().map(|d| cells::domain(d)).collect();
    domains.retain(|d| !d.is_empty());
    Ok(Record::Company(Company {
        id: row.need("id")?.to_owned(),
        name: row.need("name")?.to_owned(),
        domains,
        owner: row.read("owner", cells::email)?,
    }))
}

fn contact(row: &Row<'_>) -> Result<Record, String> {
    let mut emails = Vec::new();
    for address in row.list("emails") {
        emails.push(cells::email(&address).map_err(|why| format!("a value of `emails` {why}"))?);
    }
    let merged_into = row.owned("merged_into");
    if emails.is_empty() && merged_into.is_none() {
        return Err("`emails` is empty and needed".to_owned());
    }
    Ok(Record::Contact(Contact {
        id: row.need("id")?.to_owned(),
        name: row.owned("name"),
        emails,
        company: row.owned("company_id"),
        title: row.owned("title"),
        phones: row.list("phones"),
        owner: row.read("owner", cells::email)?,
        created_at: row.time("created_at")?,
        merged_into,
    }))
}

fn stage(row: &Row<'_>) -> Result<Record, String> {
    let name = row.need("name")?.to_owned();
    let kind = row.read("kind", |text| match text.to_lowercase().as_str() {
        "open" => Ok(StageKind::Open),
        "won" => Ok(StageKind::Won),
        "lost" => Ok(StageKind::Lost),
        _ => Err("is none of open, won, lost"),
    })?;
    Ok(Record::Stage(Stage {
        id: row.need("id")?.to_owned(),
        pipeline: row.owned("pipeline"),
        kind: kind.unwrap_or_else(|| kind_by_name(&name)),
        name,
        position: row.read_needed("position", cells::whole)?,
        probability: row.read("probability", cells::probability)?,
    }))
}

/// Without a `kind`, "Closed Won" is won and "Closed Lost" lost; all else is open. Counting a lost deal as an
/// advance would blame a rep for nothing.
fn kind_by_name(name: &str) -> StageKind {
    const WON: &[&str] = &["won", "gewonnen", "gagné", "gagnée", "ganado", "ganada"];
    const LOST: &[&str] = &["lost", "verloren", "perdu", "perdue", "perdido", "perdida"];
    let name = name.to_lowercase();
    let has = |words: &[&str]| name.split(|c: char| !c.is_alphanumeric()).any(|w| words.contains(&w));
    match (has(WON), has(LOST)) {
        (true, false) => StageKind::Won,
        (false, true) => StageKind::Lost,
        _ => StageKind::Open,
    }
}

fn deal(row: &Row<'_>) -> Result<Record, String> {
    Ok(Record::Deal(Box::new(Deal {
        id: row.need("id")?.to_owned(),
        name: row.need("name")?.to_owned(),
        company: row.owned("company_id"),
        contacts: row.list("contact_ids").iter().filter_map(|c| contact_role(c)).collect(),
        owner: row.read_needed("owner", cells::email)?,
        pipeline: row.owned("pipeline"),
        stage: row.need("stage_id")?.to_owned(),
        amount: row.read("amount", cells::number)?,
        currency: row.read("currency", currency)?,
        close_date: row.read("close_date", |t| cells::date(t, row.zone))?,
        forecast_category: row.owned("forecast_category"),
        created_at: row.time("created_at")?,
        closed_at: row.time("closed_at")?,
    })))
}

/// `C1`, or `C1:Champion`: the role stands behind the last colon. An id with a colon and no role ends in one: `A:1:`.
fn contact_role(text: &str) -> Option<ContactRole> {
    let (contact, role) = text.rsplit_once(':').unwrap_or((text, ""));
    let (contact, role) = (contact.trim(), role.trim());
    (!contact.is_empty())
        .then(|| ContactRole { contact: contact.to_owned(), role: (!role.is_empty()).then(|| role.to_owned()) })
}

/// An ISO 4217 code.
fn currency(text: &str) -> Result<String, &'static str> {
    let code = text.to_uppercase();
    if code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase()) {
        Ok(code)
    } else {
        Err("is no currency code (write EUR, USD, ...)")
    }
}

fn stage_change(row: &Row<'_>) -> Result<Record, String> {
    let quality = row.read("quality", |text| match text.to_lowercase().as_str() {
        "exact" => Ok(Quality::Exact),
        "when_only" => Ok(Quality::WhenOnly),
        "observed" => Ok(Quality::Observed),
        _ => Err("is none of exact, when_only, observed"),
    })?;
    Ok(Record::StageChange(StageChange {
        deal: row.need("deal_id")?.to_owned(),
        from: row.owned("from_stage_id"),
        to: row.need("to_stage_id")?.to_owned(),
        at: row.read_needed("changed_at", |t| cells::time(t, row.zone))?,
        by: row.owned("changed_by"),
        quality: quality.unwrap_or(Quality::Exact),
    }))
}

/// Values are kept in one way of writing, so that nobody behind this has to know how a spreadsheet writes numbers.
fn deal_change(row: &Row<'_>) -> Result<Record, String> {
    let field = row.need("field")?.to_lowercase();
    let value = |column: &str| match field.as_str() {
        "amount" => row.read(column, |t| cells::number(t).map(|n| n.to_string())),
        "close_date" => row.read(column, |t| cells::date(t, row.zone).map(|d| d.to_string())),
        "owner" => row.read(column, cells::email),
        "forecast_category" => Ok(row.owned(column)),
        _ => Err("`field` is none of amount, close_date, owner, forecast_category".to_owned()),
    };
    let (from, to) = (value("from")?, value("to")?);
    let at = row.read_needed("changed_at", |t| cells::time(t, row.zone))?;
    Ok(Record::DealChange(DealChange { deal: row.need("deal_id")?.to_owned(), from, to, at, field }))
}

fn typed(row: &Row<'_>) -> Result<Record, String> {
    let kind = row.read_needed("kind", |text| match text.to_lowercase().as_str() {
        kind @ ("email" | "meeting" | "call" | "note") => Ok(kind.to_owned()),
        _ => Err("is none of email, meeting, call, note"),
    })?;
    Ok(Record::Typed(Box::new(Typed {
        id: row.need("id")?.to_owned(),
        kind,
        occurred_at: row.read_needed("occurred_at", |t| cells::time(t, row.zone))?,
        subject: row.owned("subject"),
        deal: row.owned("deal_id"),
        contacts: row.list("contact_ids"),
        owner: row.read("owner", cells::email)?,
        message_id: row.owned("message_id").map(|id| id.trim_matches(['<', '>']).to_owned()),
        ical_uid: row.owned("ical_uid"),
    })))
}

fn task(row: &Row<'_>) -> Result<Record, String> {
    Ok(Record::Task(Task {
        id: row.need("id")?.to_owned(),
        deal: row.owned("deal_id"),
        contact: row.owned("contact_id"),
        owner: row.read_needed("owner", cells::email)?,
        due: row.read_needed("due", |t| cells::time(t, row.zone))?,
        done_at: row.time("done_at")?,
        subject: row.owned("subject"),
    }))
}

fn quote(row: &Row<'_>) -> Result<Record, String> {
    Ok(Record::Quote(Quote {
        id: row.need("id")?.to_owned(),
        deal: row.need("deal_id")?.to_owned(),
        amount: row.read("amount", cells::number)?,
        currency: row.read("currency", currency)?,
        sent_at: row.read_needed("sent_at", |t| cells::time(t, row.zone))?,
    }))
}
