//! `activities`, `deals`, `contacts`, `gaps`: lists for people and programs.

use chrono::{DateTime, NaiveDate, Utc};
use clap::Args;
use serde_json::{Map, Value, json};

use super::{
    output::{self, Column, Format},
    shapes,
};
use crate::{
    app::App,
    domain::{
        address,
        directory::Directory,
        gaps::{self, Finding, State},
    },
    store::lists::Filter,
};

/// What narrows a list.
#[derive(Args, Clone, Debug, Default)]
pub struct Narrow {
    /// Only of this rep (an email address)
    #[arg(long, value_name = "EMAIL")]
    pub rep: Option<String>,
    /// Only of this deal
    #[arg(long, value_name = "ID")]
    pub deal: Option<String>,
    /// Only of this contact (an id or an address)
    #[arg(long, value_name = "ID")]
    pub contact: Option<String>,
    /// From this day on, in the organisation's zone
    #[arg(long, value_name = "DATE")]
    pub from: Option<NaiveDate>,
    /// Up to and including this day
    #[arg(long, value_name = "DATE")]
    pub to: Option<NaiveDate>,
}

#[derive(Args, Clone, Copy, Debug)]
pub struct Shown {
    #[arg(long, value_enum, default_value_t = Format::Table, global = true)]
    pub format: Format,
}

impl Narrow {
    fn filter(&self, app: &App) -> Filter {
        let dir = &app.engine.known().directory;
        let calendar = app.config.calendar_of(None);
        Filter {
            rep: self.rep.as_ref().map(|r| fold(app, r)),
            deal: self.deal.clone(),
            contact: self.contact.as_ref().map(|c| contact_id(dir, &fold(app, c), c)),
            from: self.from.map(|d| calendar.start_of(d)),
            to: self.to.map(|d| calendar.end_of(d)),
            undecided: false,
            most: None,
        }
    }

    fn within(&self, app: &App, at: DateTime<Utc>) -> bool {
        let f = self.filter(app);
        f.from.is_none_or(|from| at >= from) && f.to.is_none_or(|to| at < to)
    }
}

pub fn fold(app: &App, address: &str) -> String {
    address::fold(address, &app.config.matching.subaddress).unwrap_or_else(|| address.to_lowercase())
}

fn contact_id(dir: &Directory, folded: &str, given: &str) -> String {
    dir.contact_by_address(folded).map_or_else(|| given.to_owned(), |c| c.id.clone())
}

/// A time as people read it, in the organisation's zone.
pub fn local(app: &App, at: DateTime<Utc>) -> String {
    at.with_timezone(&app.config.organization.timezone).format("%Y-%m-%d %H:%M").to_string()
}

/// Activities, newest first.
#[derive(Args, Debug)]
pub struct Activities {
    #[command(flatten)]
    pub narrow: Narrow,
    /// At most this many; programs get all
    #[arg(long, default_value_t = 50)]
    pub most: i64,
    #[command(flatten)]
    pub shown: Shown,
}

impl Activities {
    /// # Errors
    /// When the database fails.
    pub async fn run(self, app: &App) -> anyhow::Result<u8> {
        let table = self.shown.format == Format::Table;
        let filter = Filter { most: table.then_some(self.most), ..self.narrow.filter(app) };
        let all = app.store.activities(&filter).await?;
        let all = app.store.with_sightings(all).await?;
        let now = app.clock.now();
        let rows: Vec<Map<String, Value>> = all
            .iter()
            .map(|(s, sightings)| {
                let mut row = shapes::activity(s, sightings, now);
                if table {
                    row.insert("when".into(), json!(local(app, s.activity.occurred_at)));
                    let others: Vec<&str> = s
                        .activity
                        .participants
                        .iter()
                        .filter(|p| p.user.is_none())
                        .map(|p| p.name.as_deref().unwrap_or(&p.address))
                        .take(3)
                        .collect();
                    row.insert("with".into(), json!(others));
                }
                row
            })
            .collect();
        let columns: &[Column] = if table {
            &[
                Column("when", "When"),
                Column("kind", "Kind"),
                Column("direction", "Direction"),
                Column("status", "Status"),
                Column("with", "With"),
                Column("subject", "Subject"),
                Column("deals", "Deal"),
                Column("id", "Id"),
            ]
        } else {
            &[
                Column("id", ""),
                Column("kind", ""),
                Column("status", ""),
                Column("confirmed", ""),
                Column("direction", ""),
                Column("occurred_at", ""),
                Column("ended_at", ""),
                Column("subject", ""),
                Column("contacts", ""),
                Column("companies", ""),
                Column("deals", ""),
                Column("users", ""),
                Column("tags", ""),
                Column("origin", ""),
            ]
        };
        let empty = "No activities here yet. They appear when `dealtrail sync` finds mail or meetings with people the CRM knows.";
        output::list(self.shown.format, columns, &rows, empty)?;
        Ok(0)
    }
}

/// Deals with their stage, owner and amount.
#[derive(Args, Debug)]
pub struct Deals {
    #[command(flatten)]
    pub narrow: Narrow,
    /// Only deals in this state: open, won, lost
    #[arg(long)]
    pub state: Option<String>,
    #[command(flatten)]
    pub shown: Shown,
}

impl Deals {
    /// # Errors
    /// When standard output cannot be written.
    pub async fn run(self, app: &App) -> anyhow::Result<u8> {
        let known = app.engine.known();
        let dir = &known.directory;
        let rep = self.narrow.rep.as_ref().map(|r| fold(app, r));
        let contact = self.narrow.contact.as_ref().map(|c| contact_id(dir, &fold(app, c), c));
        let mut deals: Vec<_> = dir
            .deals
            .values()
            .filter(|d| rep.as_ref().is_none_or(|r| d.owner == *r))
            .filter(|d| self.narrow.deal.as_ref().is_none_or(|id| d.id == *id))
            .filter(|d| contact.as_ref().is_none_or(|c| dir.deals_of_contact(c).contains(&d.id)))
            .filter(|d| self.state.as_ref().is_none_or(|s| json!(dir.stage_kind(&d.stage)) == json!(s)))
            .collect();
        deals.sort_by(|a, b| a.id.cmp(&b.id));
        let rows: Vec<_> = deals
            .iter()
            .map(|d| {
                let mut row = shapes::deal(d, dir);
                let company = d.company.as_deref().and_then(|c| dir.companies.get(c)).map(|c| c.name.clone());
                row.insert("company".into(), json!(company));
                row
            })
            .collect();
        let columns = [
            Column("id", "Id"),
            Column("name", "Deal"),
            Column("company", "Company"),
            Column("stage", "Stage"),
            Column("owner", "Owner"),
            Column("amount", "Amount"),
            Column("currency", ""),
            Column("close_date", "Closes"),
        ];
        let empty = "No deals yet. They appear when a connection to a CRM (connector = \"csv\") is configured and `dealtrail sync` has run.";
        output::list(self.shown.format, &columns, &rows, empty)?;
        Ok(0)
    }
}

/// Contacts with their last traffic.
#[derive(Args, Debug)]
pub struct Contacts {
    #[command(flatten)]
    pub narrow: Narrow,
    #[command(flatten)]
    pub shown: Shown,
}

impl Contacts {
    /// # Errors
    /// When the database fails.
    pub async fn run(self, app: &App) -> anyhow::Result<u8> {
        let known = app.engine.known();
        let dir = &known.directory;
        let last = app.store.last_contacts(app.clock.now()).await?;
        let dead = app.store.dead_addresses(dir.contacts.values()).await?;
        let rep = self.narrow.rep.as_ref().map(|r| fold(app, r));
        let wanted = self.narrow.contact.as_ref().map(|c| contact_id(dir, &fold(app, c), c));
        let of_deal: Option<Vec<&str>> = self.narrow.deal.as_ref().map(|id| {
            dir.deals.get(id).map(|d| d.contacts.iter().map(|c| dir.survivor(&c.contact)).collect()).unwrap_or_default()
        });
        let mut all: Vec<_> = dir
            .contacts
            .values()
            .filter(|c| rep.is_none() || c.owner == rep)
            .filter(|c| wanted.as_ref().is_none_or(|id| c.id == *id))
            .filter(|c| of_deal.as_ref().is_none_or(|ids| ids.contains(&c.id.as_str())))
            .collect();
        all.sort_by(|a, b| a.id.cmp(&b.id));
        let rows: Vec<_> = all.iter().map(|c| shapes::contact(c, dead.get(&c.id).copied(), &last)).collect();
        let columns = [
            Column("id", "Id"),
            Column("name", "Name"),
            Column("emails", "Addresses"),
            Column("company", "Company"),
            Column("owner", "Owner"),
            Column("last_in", "Last from them"),
            Column("last_out", "Last to them"),
        ];
        output::list(
            self.shown.format,
            &columns,
            &rows,
            "No contacts yet. They come from the CRM with `dealtrail sync`.",
        )?;
        Ok(0)
    }
}

/// Gaps: what was expected and is missing. Shows the worst of each deal that still asks for something.
#[derive(Args, Debug)]
pub struct Gaps {
    #[command(flatten)]
    pub narrow: Narrow,
    /// Only in this state: open, unknown, snoozed, explained, resolved, withdrawn
    #[arg(long)]
    pub state: Option<String>,
    /// Every finding, not just the worst of each deal
    #[arg(long)]
    pub all: bool,
    /// Judge everything afresh first
    #[arg(long)]
    pub recompute: bool,
    #[command(flatten)]
    pub shown: Shown,
}

impl Gaps {
    /// # Errors
    /// When the state is unknown or the database fails.
    pub async fn run(self, app: &App) -> anyhow::Result<u8> {
        let state = self.state.as_deref().map(parse_state).transpose()?;
        if self.recompute {
            app.store.judge_all().await?;
            app.engine.review_due().await?;
        }
        let known = app.engine.known();
        let dir = &known.directory;
        let rep = self.narrow.rep.as_ref().map(|r| fold(app, r));
        let contact = self.narrow.contact.as_ref().map(|c| contact_id(dir, &fold(app, c), c));
        let found: Vec<Finding> = app
            .store
            .findings()
            .await?
            .into_iter()
            .filter(|f| state.map_or(self.all || matches!(f.state, State::Open | State::Unknown), |s| f.state == s))
            .filter(|f| rep.is_none() || f.owner == rep)
            .filter(|f| self.narrow.deal.as_ref().is_none_or(|d| f.deal == *d))
            .filter(|f| contact.as_ref().is_none_or(|c| dir.deals_of_contact(c).contains(&f.deal)))
            .filter(|f| self.narrow.within(app, f.since))
            .collect();
        let found = if self.all { sorted(found) } else { gaps::worst_per_deal(found) };
        let rows: Vec<_> = found.iter().map(|f| described(f, dir)).collect();
        let columns = [
            Column("severity", "Severity"),
            Column("rule", "Gap"),
            Column("deal_name", "Deal"),
            Column("owner", "Owner"),
            Column("state", "State"),
            Column("expected", "Expected"),
            Column("found", "Found"),
            Column("clears_when", "Clears when"),
            Column("id", "Id"),
        ];
        let empty = "No gaps. They appear when a deal advances with no activity to show for it, goes quiet, has no next step, or is past its close date.";
        output::list(self.shown.format, &columns, &rows, empty)?;
        Ok(0)
    }
}

fn described(f: &Finding, dir: &Directory) -> Map<String, Value> {
    let mut row = shapes::gap(f);
    row.insert("deal_name".into(), json!(dir.deals.get(&f.deal).map_or(f.deal.as_str(), |d| d.name.as_str())));
    row
}

fn parse_state(text: &str) -> Result<State, super::Usage> {
    State::parse(text).ok_or_else(|| {
        let known: Vec<&str> = State::ALL.iter().map(|s| s.as_str()).collect();
        super::Usage(format!("there is no state `{text}`; there are {}", known.join(", ")))
    })
}

fn sorted(mut all: Vec<Finding>) -> Vec<Finding> {
    all.sort_by(Finding::by_weight);
    all
}
