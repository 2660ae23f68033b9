//! The CRM of the world and its export as the CSV files of the `csv` connector.
//! Every company, contact and deal belongs to one scene, so that scenes never touch one another.

use std::{fs, path::Path};

use chrono::{DateTime, NaiveDate, Utc};

use super::{days::rfc3339, rng::Rng};

#[derive(Clone, Debug)]
pub struct Company {
    pub id: String,
    pub name: String,
    pub domains: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct Contact {
    pub id: String,
    pub name: String,
    pub emails: Vec<String>,
    pub company: Option<String>,
    pub created: DateTime<Utc>,
    pub merged_into: Option<String>,
    /// `Some(true)`: a delivery report must have marked an address dead; `None`: not compared.
    pub dead: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StageKind {
    Open,
    Won,
    Lost,
}

#[derive(Clone, Debug)]
pub struct Stage {
    pub id: &'static str,
    pub pipeline: &'static str,
    pub name: &'static str,
    pub position: i64,
    pub kind: StageKind,
}

/// Two pipelines with the same shape.
pub const STAGES: &[Stage] = &[
    Stage { id: "s1", pipeline: "Sales", name: "Lead", position: 1, kind: StageKind::Open },
    Stage { id: "s2", pipeline: "Sales", name: "Qualified", position: 2, kind: StageKind::Open },
    Stage { id: "s3", pipeline: "Sales", name: "Proposal", position: 3, kind: StageKind::Open },
    Stage { id: "s4", pipeline: "Sales", name: "Negotiation", position: 4, kind: StageKind::Open },
    Stage { id: "s5", pipeline: "Sales", name: "Won", position: 5, kind: StageKind::Won },
    Stage { id: "s6", pipeline: "Sales", name: "Lost", position: 6, kind: StageKind::Lost },
    Stage { id: "e1", pipeline: "Enterprise", name: "Discovery", position: 1, kind: StageKind::Open },
    Stage { id: "e2", pipeline: "Enterprise", name: "Pilot", position: 2, kind: StageKind::Open },
    Stage { id: "e3", pipeline: "Enterprise", name: "Contract", position: 3, kind: StageKind::Open },
    Stage { id: "e4", pipeline: "Enterprise", name: "Closed won", position: 4, kind: StageKind::Won },
    Stage { id: "e5", pipeline: "Enterprise", name: "Closed lost", position: 5, kind: StageKind::Lost },
];

pub fn stage(id: &str) -> &'static Stage {
    STAGES.iter().find(|s| s.id == id).expect("a stage of the world")
}

#[derive(Clone, Debug)]
pub struct Deal {
    pub id: String,
    pub name: String,
    pub company: String,
    /// (contact, role).
    pub roles: Vec<(String, &'static str)>,
    /// Index into the users.
    pub owner: usize,
    pub owner_email: &'static str,
    pub first_stage: &'static str,
    /// Later stages with the moment each was entered, oldest first.
    pub moves: Vec<(&'static str, DateTime<Utc>)>,
    pub created: DateTime<Utc>,
    pub close_date: NaiveDate,
    pub amount: f64,
    /// Write the entry into the first stage as a stage change of its own.
    pub entry_row: bool,
    /// The scene it comes from.
    pub scene: &'static str,
}

impl Deal {
    pub fn stage(&self) -> &'static str {
        self.moves.last().map_or(self.first_stage, |m| m.0)
    }
    pub fn closed(&self) -> Option<DateTime<Utc>> {
        self.moves.last().filter(|m| stage(m.0).kind != StageKind::Open).map(|m| m.1)
    }
    pub fn open_at(&self, t: DateTime<Utc>) -> bool {
        self.created <= t && self.closed().is_none_or(|c| t < c)
    }
}

#[derive(Clone, Debug)]
pub struct Typed {
    pub id: String,
    pub kind: &'static str,
    pub at: DateTime<Utc>,
    pub subject: String,
    pub deal: Option<String>,
    pub contacts: Vec<String>,
    pub owner: &'static str,
}

#[derive(Clone, Debug)]
pub struct Task {
    pub id: String,
    pub deal: String,
    pub owner: &'static str,
    pub due: NaiveDate,
}

#[derive(Clone, Debug, Default)]
pub struct Crm {
    pub companies: Vec<Company>,
    pub contacts: Vec<Contact>,
    pub deals: Vec<Deal>,
    pub typed: Vec<Typed>,
    pub tasks: Vec<Task>,
}

impl Crm {
    pub fn deal(&self, id: &str) -> &Deal {
        self.deals.iter().find(|d| d.id == id).expect("a deal of the world")
    }

    /// A part of the CRM: so many of its contacts, deals (with what hangs on them) and companies, which ones depends on
    /// `order`. The world's rules hold for it too, because history matches itself when the rest appears.
    pub fn part(&self, order: u64, share: impl Fn(usize) -> usize) -> Self {
        fn some<T: Clone>(all: &[T], order: u64, count: usize) -> Vec<T> {
            let mut turn: Vec<usize> = (0..all.len()).collect();
            Rng::new(order).shuffle(&mut turn);
            turn.truncate(count);
            turn.sort_unstable();
            turn.into_iter().map(|ix| all[ix].clone()).collect()
        }
        let mut deals = some(&self.deals, order, share(self.deals.len()));
        let ids: Vec<String> = deals.iter().map(|d| d.id.clone()).collect();
        let contacts = some(&self.contacts, order, share(self.contacts.len()));
        let known = |id: &String| contacts.iter().any(|c| c.id == *id);
        for d in &mut deals {
            d.roles.retain(|(c, _)| known(c));
        }
        let typed = self
            .typed
            .iter()
            .filter(|t| t.deal.as_ref().is_none_or(|d| ids.contains(d)) && t.contacts.iter().all(known));
        Self {
            companies: some(&self.companies, order, share(self.companies.len())),
            typed: typed.cloned().collect(),
            tasks: self.tasks.iter().filter(|t| ids.contains(&t.deal)).cloned().collect(),
            contacts,
            deals,
        }
    }

    /// Writes the files of the `csv` connector into `dir`.
    pub fn write(&self, dir: &Path) {
        fs::create_dir_all(dir).expect("a folder for the CRM export");
        table(dir, "companies.csv", &["id", "name", "domains", "owner"], self.companies.iter().map(company));
        let columns = ["id", "name", "emails", "company_id", "created_at", "merged_into"];
        table(dir, "contacts.csv", &columns, self.contacts.iter().map(contact));
        table(dir, "stages.csv", &["id", "pipeline", "name", "position", "kind"], STAGES.iter().map(stage_row));
        let columns = [
            "id",
            "name",
            "company_id",
            "contact_ids",
            "owner",
            "pipeline",
            "stage_id",
            "amount",
            "currency",
            "close_date",
            "created_at",
            "closed_at",
        ];
        table(dir, "deals.csv", &columns, self.deals.iter().map(deal));
        let columns = ["deal_id", "from_stage_id", "to_stage_id", "changed_at", "changed_by", "quality"];
        table(dir, "stage_changes.csv", &columns, self.deals.iter().flat_map(changes));
        let columns = ["id", "kind", "occurred_at", "subject", "deal_id", "contact_ids", "owner"];
        table(dir, "activities.csv", &columns, self.typed.iter().map(typed));
        table(
            dir,
            "tasks.csv",
            &["id", "deal_id", "contact_id", "owner", "due", "done_at", "subject"],
            self.tasks.iter().map(task),
        );
    }
}

fn table(dir: &Path, name: &str, columns: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    let mut out = csv::Writer::from_path(dir.join(name)).expect("a CSV file");
    out.write_record(columns).expect("a header line");
    for row in rows {
        out.write_record(row).expect("a row");
    }
    out.flush().expect("the file is written");
}

fn company(c: &Company) -> Vec<String> {
    vec![c.id.clone(), c.name.clone(), c.domains.join(";"), String::new()]
}

fn contact(c: &Contact) -> Vec<String> {
    vec![
        c.id.clone(),
        c.name.clone(),
        c.emails.join(";"),
        c.company.clone().unwrap_or_default(),
        rfc3339(c.created),
        c.merged_into.clone().unwrap_or_default(),
    ]
}

fn stage_row(s: &Stage) -> Vec<String> {
    let kind = match s.kind {
        StageKind::Open => "open",
        StageKind::Won => "won",
        StageKind::Lost => "lost",
    };
    vec![s.id.into(), s.pipeline.into(), s.name.into(), s.position.to_string(), kind.into()]
}

fn deal(d: &Deal) -> Vec<String> {
    vec![
        d.id.clone(),
        d.name.clone(),
        d.company.clone(),
        d.roles.iter().map(|(c, role)| format!("{c}:{role}")).collect::<Vec<_>>().join(";"),
        d.owner_email.into(),
        stage(d.stage()).pipeline.into(),
        d.stage().into(),
        format!("{:.2}", d.amount),
        "EUR".into(),
        d.close_date.to_string(),
        rfc3339(d.created),
        d.closed().map(rfc3339).unwrap_or_default(),
    ]
}

fn changes(d: &Deal) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let row = |from: &str, to: &str, at| {
        vec![d.id.clone(), from.into(), to.into(), rfc3339(at), d.owner_email.into(), "exact".into()]
    };
    if d.entry_row {
        rows.push(row("", d.first_stage, d.created));
    }
    let mut from = d.first_stage;
    for (to, at) in &d.moves {
        rows.push(row(from, to, *at));
        from = to;
    }
    rows
}

fn typed(t: &Typed) -> Vec<String> {
    vec![
        t.id.clone(),
        t.kind.into(),
        rfc3339(t.at),
        t.subject.clone(),
        t.deal.clone().unwrap_or_default(),
        t.contacts.join(";"),
        t.owner.into(),
    ]
}

fn task(t: &Task) -> Vec<String> {
    vec![
        t.id.clone(),
        t.deal.clone(),
        String::new(),
        t.owner.into(),
        t.due.to_string(),
        String::new(),
        "Next step".into(),
    ]
}
