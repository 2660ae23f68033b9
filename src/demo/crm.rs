//! The sample company's CRM export: the nine files of the `csv` connector, with its column names.

use std::{fs, path::Path};

use anyhow::Context as _;
use chrono::{DateTime, SecondsFormat, Utc};

use super::cast::{FIRMS, FREE_MAIL};
use super::office::{DAY, Office};
use super::plot::{Plant, STAGES};
use super::world::{Deal, Party, World, local_part};

/// The pipeline's name.
pub(super) const PIPELINE: &str = "New business";

pub(super) fn write(dir: &Path, office: &Office, world: &World) -> anyhow::Result<()> {
    fs::create_dir_all(dir).with_context(|| format!("creating {}", dir.display()))?;
    companies(dir)?;
    contacts(dir, office, world)?;
    stages(dir)?;
    deals(dir, office, world)?;
    history(dir, office, world)?;
    typed(dir, world)
}

/// One file: a header line and rows.
fn table(dir: &Path, name: &str, header: &[&str], rows: Vec<Vec<String>>) -> anyhow::Result<()> {
    let path = dir.join(name);
    let mut out = csv::Writer::from_path(&path).with_context(|| format!("writing {}", path.display()))?;
    out.write_record(header)?;
    for row in rows {
        out.write_record(&row)?;
    }
    out.flush().with_context(|| format!("writing {}", path.display()))
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn company_id(firm: usize) -> String {
    format!("C-{}", 201 + firm)
}

pub(super) fn contact_id(firm: usize, person: usize) -> String {
    format!("P-{}", 1001 + FIRMS[..firm].iter().map(|f| f.people.len()).sum::<usize>() + person)
}

/// Somebody in the CRM who never did anything.
const PHANTOM: &str = "P-1900";
/// An older entry of a person who is there twice.
const MERGED: &str = "P-0412";

fn companies(dir: &Path) -> anyhow::Result<()> {
    let rows = FIRMS.iter().enumerate().map(|(n, firm)| {
        let more = if n == 12 { ";limmat-labor.example" } else { "" };
        vec![company_id(n), firm.name.to_owned(), format!("{}{more}", firm.domain), Party::own(firm.owner).email]
    });
    table(dir, "companies.csv", &["id", "name", "domains", "owner"], rows.collect())
}

fn contacts(dir: &Path, office: &Office, world: &World) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    for (n, firm) in FIRMS.iter().enumerate() {
        let owner = Party::own(firm.owner).email;
        for person in 0..firm.people.len() {
            let one = Party::of(firm, person);
            let first = world.deals.iter().filter(|d| d.row.firm == n && d.row.people.contains(&person));
            let since = first.map(|d| d.moves[0].0).min().unwrap_or(-90 * DAY) - DAY;
            let created = office.moment(since, one.zone);
            let mut phones = vec![one.phone.clone()];
            if person % 3 == 1 {
                phones.push(format!("{} 90{person}", firm.phone.trim_end()));
            }
            rows.push(vec![
                contact_id(n, person),
                one.name.clone(),
                emails(&one, person, n).join(";"),
                company_id(n),
                one.title,
                phones.join(";"),
                owner.clone(),
                time(created),
                String::new(),
            ]);
        }
    }
    if let Some(deal) = world.deals.iter().find(|d| d.row.plant == Plant::PhantomContact) {
        let firm = deal.firm();
        let email = format!("oliver.marsh@{}", firm.domain);
        let created = time(office.moment(-34 * DAY, deal.zone()));
        let owner = Party::own(firm.owner).email;
        let company = company_id(deal.row.firm);
        rows.push(
            [PHANTOM, "Oliver Marsh", &email, &company, "CEO", "", &owner, &created, ""].map(str::to_owned).to_vec(),
        );
    }
    let created = time(office.moment(-104 * DAY, super::cast::OWN_ZONE));
    let owner = Party::own(1).email;
    rows.push(
        [
            MERGED,
            "R. Meier",
            "r.meier@limmat-labor.example",
            &company_id(12),
            "",
            "",
            &owner,
            &created,
            &contact_id(12, 1),
        ]
        .map(str::to_owned)
        .to_vec(),
    );
    let header = ["id", "name", "emails", "company_id", "title", "phones", "owner", "created_at", "merged_into"];
    table(dir, "contacts.csv", &header, rows)
}

/// Some people have a second address: a short one, or a private one.
fn emails(one: &Party, person: usize, firm: usize) -> Vec<String> {
    let mut all = vec![one.email.clone()];
    let local = local_part(&one.given, &one.family);
    if person == 0
        && firm.is_multiple_of(4)
        && let Some((initial, (_, family))) = local.chars().next().zip(local.split_once('.'))
    {
        all.push(format!("{initial}.{family}@{}", FIRMS[firm].domain));
    }
    if person == 1 && firm.is_multiple_of(9) {
        all.push(format!("{local}@{FREE_MAIL}"));
    }
    all
}

fn stages(dir: &Path) -> anyhow::Result<()> {
    let rows = STAGES.iter().enumerate().map(|(n, (name, kind, probability))| {
        let pipeline = PIPELINE.to_owned();
        vec![
            stage_id(n),
            pipeline,
            (*name).to_owned(),
            (n + 1).to_string(),
            (*kind).to_owned(),
            (*probability).to_owned(),
        ]
    });
    table(dir, "stages.csv", &["id", "pipeline", "name", "position", "kind", "probability"], rows.collect())
}

fn stage_id(stage: usize) -> String {
    format!("S{}", stage + 1)
}

fn people(deal: &Deal) -> String {
    let role = |n: usize| ["decision maker", "user", "buyer"].get(n).copied().unwrap_or("user");
    let mut all: Vec<String> = deal
        .row
        .people
        .iter()
        .enumerate()
        .map(|(n, person)| format!("{}:{}", contact_id(deal.row.firm, *person), role(n)))
        .collect();
    if deal.row.plant == Plant::PhantomContact {
        all.push(format!("{PHANTOM}:sponsor"));
    }
    all.join(";")
}

fn deals(dir: &Path, office: &Office, world: &World) -> anyhow::Result<()> {
    let rows = world.deals.iter().map(|deal| {
        let moment = |at: i64| time(office.moment(at, deal.zone()));
        let (last, stage) = deal.moves[deal.moves.len() - 1];
        vec![
            deal.id.clone(),
            deal.name.clone(),
            company_id(deal.row.firm),
            people(deal),
            Party::own(deal.owner).email,
            PIPELINE.to_owned(),
            stage_id(stage),
            deal.amount.to_string(),
            deal.currency.to_owned(),
            deal.close.to_string(),
            deal.forecast.to_owned(),
            moment(deal.moves[0].0),
            if deal.open() { String::new() } else { moment(last) },
        ]
    });
    let header = [
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
        "forecast_category",
        "created_at",
        "closed_at",
    ];
    table(dir, "deals.csv", &header, rows.collect())
}

fn history(dir: &Path, office: &Office, world: &World) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    for deal in &world.deals {
        let mut moves: Vec<(String, usize, i64)> = vec![(String::new(), deal.moves[0].1, deal.moves[0].0)];
        moves.extend(deal.moves.windows(2).map(|m| (stage_id(m[0].1), m[1].1, m[1].0)));
        if let Some((there, stage, back)) = deal.slip {
            moves.push((stage_id(deal.stage()), stage, there));
            moves.push((stage_id(stage), deal.stage(), back));
        }
        for (from, to, at) in moves {
            let at = time(office.moment(at, deal.zone()));
            rows.push(vec![deal.id.clone(), from, stage_id(to), at, Party::own(deal.owner).email, "exact".to_owned()]);
        }
    }
    let header = ["deal_id", "from_stage_id", "to_stage_id", "changed_at", "changed_by", "quality"];
    table(dir, "stage_changes.csv", &header, rows)?;
    let rows = world
        .changes
        .iter()
        .map(|c| vec![world.deals[c.deal].id.clone(), c.field.to_owned(), c.from.clone(), c.to.clone(), time(c.at)]);
    table(dir, "deal_changes.csv", &["deal_id", "field", "from", "to", "changed_at"], rows.collect())
}

fn typed(dir: &Path, world: &World) -> anyhow::Result<()> {
    let owner = |deal: &Deal| Party::own(deal.owner).email;
    let rows = world.typed.iter().enumerate().map(|(n, t)| {
        let deal = &world.deals[t.deal];
        let contact = contact_id(deal.row.firm, deal.row.people[t.contact % deal.row.people.len()]);
        let (id, kind) = (format!("A-{}", 501 + n), t.kind.to_owned());
        vec![id, kind, time(t.at), t.subject.clone(), deal.id.clone(), contact, owner(deal)]
    });
    let header = ["id", "kind", "occurred_at", "subject", "deal_id", "contact_ids", "owner"];
    table(dir, "activities.csv", &header, rows.collect())?;
    let rows = world.tasks.iter().enumerate().map(|(n, t)| {
        let deal = &world.deals[t.deal];
        let contact = contact_id(deal.row.firm, deal.row.people[0]);
        let done = t.done.map(time).unwrap_or_default();
        vec![
            format!("T-{}", 301 + n),
            deal.id.clone(),
            contact,
            owner(deal),
            t.due.to_string(),
            done,
            t.subject.clone(),
        ]
    });
    table(dir, "tasks.csv", &["id", "deal_id", "contact_id", "owner", "due", "done_at", "subject"], rows.collect())?;
    let rows = world.quotes.iter().enumerate().map(|(n, q)| {
        let deal = &world.deals[q.deal];
        vec![format!("Q-{}", 701 + n), deal.id.clone(), q.amount.to_string(), deal.currency.to_owned(), time(q.at)]
    });
    table(dir, "quotes.csv", &["id", "deal_id", "amount", "currency", "sent_at"], rows.collect())
}
