//! What the CRM says of a contact, a company, a quote or a task, and what hangs on it.

use dealtrail_sdk::record;

use super::{
    super::{lists::local, shapes},
    activity, gap,
};
use crate::{
    app::App,
    cli::output::{Unwritten, say},
    domain::directory::{Company, Contact, Directory},
    store::lists::Filter,
};

/// So many of the latest activities of a contact are told.
const LATEST: i64 = 20;

/// Tells of the record with this id; false when there is none. Deals are told elsewhere.
///
/// # Errors
/// When standard output cannot be written, or the database fails.
pub async fn told(app: &App, id: &str) -> anyhow::Result<bool> {
    let known = app.engine.known();
    let directory = &known.directory;
    let mut said = false;
    if let Some(c) = directory.contacts.get(id) {
        contact(app, directory, c).await?;
        said = true;
    }
    if let Some(c) = directory.companies.get(id) {
        company(app, directory, c)?;
        said = true;
    }
    if said {
        let subjects = [format!("contact:{id}"), format!("company:{id}")];
        for f in app.store.findings_about(&subjects).await? {
            gap(app, &f)?;
        }
    }
    if let Some(q) = app.store.record::<record::Quote>("quote", id).await? {
        let amount = q.amount.map(|amount| format!(", {amount:.2} {}", q.currency.as_deref().unwrap_or("-")));
        say!("quote {id}: {}{}, sent {}", on(directory, &q.deal), amount.unwrap_or_default(), local(app, q.sent_at))?;
        said = true;
    }
    if let Some(t) = app.store.record::<record::Task>("task", id).await? {
        task(app, directory, &t)?;
        said = true;
    }
    Ok(said)
}

/// The latest that was done with a contact.
///
/// # Errors
/// When standard output cannot be written, or the database fails.
pub async fn done_with(app: &App, contact: &str) -> anyhow::Result<()> {
    let filter = Filter { contact: Some(contact.to_owned()), most: Some(LATEST), ..Filter::default() };
    for s in app.store.activities(&filter).await? {
        activity(app, &s).await?;
    }
    Ok(())
}

async fn contact(app: &App, directory: &Directory, c: &Contact) -> anyhow::Result<()> {
    let company = c.company.as_ref().map(|id| format!(" of {}", company_name(directory, id))).unwrap_or_default();
    let addresses = shapes::addresses(c, &directory.taken_over());
    let addresses = if addresses.is_empty() { "no address".to_owned() } else { addresses.join(", ") };
    say!(
        "contact {}: {}{company}, {addresses}{}",
        c.id,
        c.name.as_deref().unwrap_or("without a name"),
        owned(app, c.owner.as_ref())
    )?;
    if let Some(survivor) = &c.merged_into {
        say!("  merged into contact {survivor}, which has what was done with it")?;
    }
    deals(directory, directory.deals_of_contact(&c.id))?;
    done_with(app, &c.id).await
}

fn company(app: &App, directory: &Directory, c: &Company) -> Result<(), Unwritten> {
    let domains = if c.domains.is_empty() { "no domain".to_owned() } else { c.domains.join(", ") };
    say!("company {}: {}, {domains}{}", c.id, c.name, owned(app, c.owner.as_ref()))?;
    let mut contacts: Vec<_> =
        directory.contacts.values().filter(|p| p.company.as_ref() == Some(&c.id) && p.merged_into.is_none()).collect();
    contacts.sort_by(|a, b| a.id.cmp(&b.id));
    for p in contacts {
        say!("  contact {}: {}, {}", p.id, p.name.as_deref().unwrap_or("without a name"), p.emails.join(", "))?;
    }
    deals(directory, directory.deals_of_company(&c.id))
}

fn deals(directory: &Directory, ids: &[String]) -> Result<(), Unwritten> {
    let mut ids: Vec<&String> = ids.iter().collect();
    ids.sort();
    ids.into_iter().try_for_each(|id| say!("  {}", on(directory, id)))
}

fn task(app: &App, directory: &Directory, t: &record::Task) -> Result<(), Unwritten> {
    let about = t.subject.as_deref().unwrap_or("without a subject");
    let deal = t.deal.as_ref().map(|id| format!(", {}", on(directory, id))).unwrap_or_default();
    let with = t.contact.as_ref().map(|id| format!(", with contact {id}")).unwrap_or_default();
    let done = t.done_at.map(|at| format!(", ticked off {}", local(app, at))).unwrap_or_default();
    say!("task {}: {about}{deal}{with}, due {}{done}{}", t.id, local(app, t.due), owned(app, Some(&t.owner)))?;
    say!("  what fulfils it is evidence: `dealtrail report next_steps --show fulfilled`")
}

fn on(directory: &Directory, deal: &str) -> String {
    match directory.deals.get(deal) {
        Some(d) => {
            let stage = directory.stages.get(&d.stage).map_or(d.stage.as_str(), |s| s.name.as_str());
            format!("deal {deal}: {}, {stage}", d.name)
        }
        None => format!("deal {deal}"),
    }
}

fn company_name(directory: &Directory, id: &str) -> String {
    directory.companies.get(id).map_or_else(|| format!("company {id}"), |c| format!("{} (company {id})", c.name))
}

/// Where a works council watches, nobody's name.
pub fn owned(app: &App, owner: Option<&String>) -> String {
    let owner = owner.filter(|_| !app.config.privacy.works_council);
    owner.map(|owner| format!(", owned by {owner}")).unwrap_or_default()
}
