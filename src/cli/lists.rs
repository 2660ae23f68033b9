//! `activities`, `deals`, `contacts`: lists for people and programs, and what narrows every list.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use clap::Args;
use serde_json::{Map, Value, json};

use super::{
    Usage,
    output::{self, Column, Format},
    shapes, wanted,
};
use crate::{
    app::App,
    domain::{
        activity::Status,
        address,
        directory::{Deal, StageKind},
        gaps::{Finding, Weighed},
    },
    store::lists::Filter,
};

/// What narrows a list.
#[derive(Args, Clone, Debug, Default)]
pub struct Narrow {
    /// Only of this rep (an email address or an alias)
    #[arg(long, value_name = "EMAIL")]
    pub rep: Option<String>,
    /// Only of this deal
    #[arg(long, value_name = "ID")]
    pub deal: Option<String>,
    /// Only of this contact (an id or an address)
    #[arg(long, value_name = "ID")]
    pub contact: Option<String>,
    /// From this day on, in the organisation's zone
    #[arg(long, value_name = "DATE", value_parser = wanted::day)]
    pub from: Option<NaiveDate>,
    /// Up to and including this day
    #[arg(long, value_name = "DATE", value_parser = wanted::day)]
    pub to: Option<NaiveDate>,
}

#[derive(Args, Clone, Copy, Debug)]
pub struct Shown {
    #[arg(long, value_enum, default_value_t = Format::Table, global = true)]
    pub format: Format,
}

/// What is wanted, once it is known that it is there.
#[derive(Debug, Default, PartialEq)]
pub struct Found {
    rep: Option<String>,
    deal: Option<String>,
    pub contact: Option<String>,
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
}

impl Narrow {
    /// Refuses what nobody and nothing has.
    pub async fn find(&self, app: &App) -> anyhow::Result<Found> {
        wanted::in_order(self.from, self.to)?;
        if self.rep.is_some() && app.config.privacy.works_council {
            let what = "nothing is listed for one person (privacy.works_council); leave out --rep";
            return Err(Usage(what.to_owned()).into());
        }
        let calendar = app.config.calendar_of(None);
        let deal = match &self.deal {
            Some(id) => Some(wanted::deal(app, id).await?),
            None => None,
        };
        Ok(Found {
            rep: self.rep.as_deref().map(|r| wanted::rep(app, r)).transpose()?,
            deal,
            contact: self.contact.as_deref().map(|c| wanted::contact(app, c)).transpose()?,
            from: self.from.map(|d| calendar.start_of(d)),
            to: self.to.map(|d| calendar.end_of(d)),
        })
    }
}

impl Found {
    /// Does one of these moments lie in the days that are wanted? Without days everything does.
    fn within(&self, moments: impl IntoIterator<Item = DateTime<Utc>>) -> bool {
        let holds = |at: DateTime<Utc>| self.from.is_none_or(|from| at >= from) && self.to.is_none_or(|to| at < to);
        (self.from.is_none() && self.to.is_none()) || moments.into_iter().any(holds)
    }

    /// Nothing narrows what is wanted.
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }

    /// Is a finding about whom and what is wanted, as far as its weight says?
    pub fn is_about(&self, app: &App, f: &Weighed) -> bool {
        let rep = self.rep.as_deref();
        let of_rep = |owner: &str| wanted::is_of(&app.engine.known().directory, owner, rep);
        (rep.is_none() || f.owner.as_deref().is_some_and(of_rep))
            && self.of_deal(f.deal().unwrap_or_default())
            && self.within([f.since])
    }

    /// Is it about the contact that is wanted, or on a deal of that contact?
    pub fn is_with(&self, app: &App, f: &Finding) -> bool {
        let known = app.engine.known();
        let of = |id: &String| known.directory.deals_of_contact(id).iter().any(|deal| f.is_on(deal));
        self.contact.as_ref().is_none_or(|id| f.contact.as_ref() == Some(id) || of(id))
    }

    fn of_deal(&self, id: &str) -> bool {
        self.deal.as_ref().is_none_or(|wanted| wanted == id)
    }
}

pub fn fold(app: &App, address: &str) -> String {
    address::fold(address, &app.config.matching.subaddress).unwrap_or_else(|| address.to_lowercase())
}

/// Where a works council watches, without who of us it was.
pub fn shown(app: &App, mut rows: Vec<Map<String, Value>>) -> Vec<Map<String, Value>> {
    if let Some(accounts) = nameless(app) {
        rows.iter_mut().for_each(|row| shapes::nameless(row, &accounts));
    }
    rows
}

/// Where a works council watches: the names of accounts, longest first, so that none is cut out of another.
pub fn nameless(app: &App) -> Option<Vec<String>> {
    let mut names: Vec<String> = app.config.connections.iter().map(|c| c.name.clone()).collect();
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    app.config.privacy.works_council.then_some(names)
}

/// A time as people read it, in the organisation's zone.
pub fn local(app: &App, at: DateTime<Utc>) -> String {
    at.with_timezone(&app.config.organization.timezone).format("%Y-%m-%d %H:%M").to_string()
}

/// What ends with a day ends at the midnight after it.
pub fn last_day(app: &App, until: DateTime<Utc>) -> String {
    local(app, until - TimeDelta::seconds(1))[..10].to_owned()
}

/// Activities, newest first.
#[derive(Args, Debug)]
pub struct Activities {
    #[command(flatten)]
    pub narrow: Narrow,
    /// Only in this state: done (mails, calls, notes), planned, held, cancelled, declined
    #[arg(long)]
    pub state: Option<String>,
    /// At most this many; else people get 50 and programs all
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(i64).range(1..))]
    pub most: Option<i64>,
    #[command(flatten)]
    pub shown: Shown,
}

impl Activities {
    /// # Errors
    /// When what is wanted does not exist, or the database fails.
    pub async fn run(self, app: &App) -> anyhow::Result<u8> {
        let table = self.shown.format == Format::Table;
        let now = app.clock.now();
        let all = app.store.activities(&self.filter(app, now, table.then_some(50)).await?).await?;
        let all = app.store.with_sightings(all).await?;
        let dir = &app.engine.known().directory;
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
                        .filter(|p| p.user.is_none() && !dir.is_ours(&p.address))
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
        output::list(self.shown.format, columns, &shown(app, rows), empty)?;
        Ok(0)
    }

    async fn filter(&self, app: &App, now: DateTime<Utc>, usual: Option<i64>) -> anyhow::Result<Filter> {
        let states: Vec<&str> = Status::ALL.iter().map(|s| s.as_str()).collect();
        let state = self.state.as_deref().map(|s| wanted::one_of("state", s, &states)).transpose()?;
        let found = self.narrow.find(app).await?;
        Ok(Filter {
            reps: found.rep.map(|rep| wanted::addresses(app, &rep)).unwrap_or_default(),
            deal: found.deal,
            contact: found.contact,
            from: found.from,
            to: found.to,
            state: state.and_then(Status::parse).map(|s| (s, now)),
            undecided: false,
            most: self.most.or(usual),
        })
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
    /// When what is wanted does not exist, or standard output cannot be written.
    pub async fn run(self, app: &App) -> anyhow::Result<u8> {
        let kinds = [(StageKind::Open, "open"), (StageKind::Won, "won"), (StageKind::Lost, "lost")];
        let words = kinds.map(|k| k.1);
        let state = self.state.as_deref().map(|s| wanted::one_of("state", s, &words)).transpose()?;
        let found = self.narrow.find(app).await?;
        let known = app.engine.known();
        let dir = &known.directory;
        let contact = found.contact.as_deref();
        let moments =
            |d: &Deal| d.created_at.into_iter().chain(d.stage_changes.iter().map(|c| c.at)).collect::<Vec<_>>();
        let mut deals: Vec<_> = dir
            .deals
            .values()
            .filter(|d| wanted::is_of(dir, &d.owner, found.rep.as_deref()))
            .filter(|d| found.of_deal(&d.id))
            .filter(|d| contact.is_none_or(|c| dir.deals_of_contact(c).contains(&d.id)))
            .filter(|d| state.is_none_or(|s| kinds.contains(&(dir.stage_kind(&d.stage), s))))
            .filter(|d| found.within(moments(d)))
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
        output::list(self.shown.format, &columns, &shown(app, rows), empty)?;
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
    /// When what is wanted does not exist, or the database fails.
    pub async fn run(self, app: &App) -> anyhow::Result<u8> {
        let found = self.narrow.find(app).await?;
        let known = app.engine.known();
        let dir = &known.directory;
        let last = app.store.last_contacts(app.clock.now()).await?;
        let signals = app.store.signals(dir.contacts.values()).await?;
        let rep = found.rep.as_deref();
        let of_deal: Option<Vec<&str>> = found.deal.as_ref().map(|id| {
            dir.deals.get(id).map(|d| d.contacts.iter().map(|c| dir.survivor(&c.contact)).collect()).unwrap_or_default()
        });
        let traffic = |id: &str| {
            let (inbound, outbound) = last.get(id).copied().unwrap_or_default();
            inbound.into_iter().chain(outbound)
        };
        let mut all: Vec<_> = dir
            .contacts
            .values()
            .filter(|c| dir.survivor(&c.id) == c.id)
            .filter(|c| rep.is_none() || c.owner.as_deref().is_some_and(|o| wanted::is_of(dir, o, rep)))
            .filter(|c| found.contact.as_ref().is_none_or(|id| c.id == *id))
            .filter(|c| of_deal.as_ref().is_none_or(|ids| ids.contains(&c.id.as_str())))
            .filter(|c| found.within(traffic(&c.id)))
            .collect();
        all.sort_by(|a, b| a.id.cmp(&b.id));
        let taken_over = dir.taken_over();
        let rows: Vec<_> = all.iter().map(|c| shapes::contact(c, &taken_over, signals.get(&c.id), &last)).collect();
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
            &shown(app, rows),
            "No contacts yet. They come from the CRM with `dealtrail sync`.",
        )?;
        Ok(0)
    }
}
