//! `check`: signs in everywhere and says what will be read, and what fails and how to mend it.

use std::collections::BTreeMap;

use clap::Args;
use dealtrail_sdk::Gives;

use super::{lists::fold, output::say, sync::known, wanted};
use crate::{
    app::App,
    config::UserRole,
    domain::directory::{Contact, Directory, StageKind},
};

/// Reads the configuration, signs in to every connection, lists its folders, calendars or files.
#[derive(Args, Debug)]
pub struct Check {
    /// Only this connection; may be given several times
    #[arg(long, value_name = "NAME")]
    pub connection: Vec<String>,
}

impl Check {
    /// # Errors
    /// When a named connection does not exist or the database fails.
    pub async fn run(self, app: &App) -> anyhow::Result<u8> {
        for name in &self.connection {
            known(app, name)?;
        }
        let wanted = |name: &str| self.connection.is_empty() || self.connection.iter().any(|n| n == name);
        say!("configuration {} is well-formed", app.config.file.display())?;
        for warning in app.config.warnings() {
            say!("note: {warning}")?;
        }
        let mut failed = 0;
        for (name, why) in app.unusable.iter().filter(|(name, _)| wanted(name)) {
            say!("{name}: {why}")?;
            failed += 1;
        }
        for c in app.engine.connections.iter().filter(|c| wanted(&c.name)) {
            match c.source.streams().await {
                Ok(streams) if streams.is_empty() => {
                    say!("{}: signed in, but there is nothing to read; look at its settings", c.name)?;
                }
                Ok(streams) => {
                    let names: Vec<&str> = streams.iter().map(|s| s.name.as_str()).collect();
                    say!("{}: {} to read: {}", c.name, streams.len(), names.join(", "))?;
                    for stream in &streams {
                        if let Err(fault) = c.source.look(stream).await {
                            say!("{} / {}: {}", c.name, stream.name, fault.what)?;
                            failed += 1;
                        }
                    }
                }
                Err(fault) => {
                    say!("{}: {}", c.name, fault.what)?;
                    failed += 1;
                }
            }
        }
        for line in not_used_yet(app) {
            say!("note: {line}")?;
        }
        for line in people(app) {
            say!("note: {line}")?;
        }
        app.close().await;
        Ok(u8::from(failed > 0))
    }
}

/// Settings that are kept and that nothing reads yet.
fn not_used_yet(app: &App) -> Vec<&'static str> {
    let c = &app.config;
    let writes = c.connections.iter().any(|c| c.writeback != crate::config::Writeback::Off);
    if writes { vec!["writeback is kept, but nothing is written to a CRM yet"] } else { Vec::new() }
}

/// Who stands in the way of good matching, and what to do: contacts whose addresses are ours, addresses that two contacts
/// share, users without a mailbox, owners of open deals who are no users.
fn people(app: &App) -> Vec<String> {
    let known = app.engine.known();
    let dir = &known.directory;
    let crm = app.engine.connections.iter().any(|c| c.gives == Gives::Crm);
    let mut lines = Vec::new();
    if crm && dir.contacts.is_empty() && dir.deals.is_empty() {
        lines.push("the CRM has not been read yet; after `dealtrail sync`, check looks at its contacts too".to_owned());
    }
    lines.extend(also_ours(dir));
    lines.extend(shared_addresses(dir));
    lines.extend(without_mailbox(app, dir));
    lines.extend(strangers_with_deals(dir));
    lines
}

fn also_ours(dir: &Directory) -> Vec<String> {
    let mut lines = Vec::new();
    for c in survivors(dir) {
        for e in c.emails.iter().filter(|e| dir.is_ours(e)) {
            lines.push(format!(
                "contact {} has the address {e}, which is ours, so its mail counts as internal; take it out of the CRM, or if \
                 it is an outsider's, list it in organization.external",
                c.id
            ));
        }
    }
    lines
}

fn shared_addresses(dir: &Directory) -> Vec<String> {
    let mut lines = Vec::new();
    for c in survivors(dir) {
        for e in &c.emails {
            if let Some(first) = dir.contact_by_address(e).filter(|first| first.id != c.id) {
                lines.push(format!(
                    "contacts {} and {} share the address {e}; its mail goes to {} (a role on an open deal, else the older): \
                     merge the two in the CRM, or correct the address",
                    first.id, c.id, first.id
                ));
            }
        }
    }
    lines
}

fn survivors(dir: &Directory) -> Vec<&Contact> {
    let mut all: Vec<_> = dir.contacts.values().filter(|c| c.merged_into.is_none()).collect();
    all.sort_by(|a, b| a.id.cmp(&b.id));
    all
}

/// An admin who sells nothing needs none.
fn without_mailbox(app: &App, dir: &Directory) -> Vec<String> {
    let now = app.clock.now();
    let admin = |email: &str| app.config.user(email).is_some_and(|u| u.role == UserRole::Admin);
    let sells = |email: &str| dir.deals.values().any(|d| wanted::is_of(dir, &d.owner, Some(email)));
    let has = |email: &str| {
        let mut mailboxes = app
            .config
            .connections
            .iter()
            .filter(|c| c.enabled && crate::registry::kind(&c.connector).is_some_and(|k| k.gives == Gives::Mail));
        mailboxes.any(|c| c.owner.iter().chain(&c.members).any(|o| fold(app, o) == email))
    };
    let users = dir.ours.users.iter().filter(|u| u.until.is_none_or(|until| until > now));
    users
        .filter(|u| !has(&u.email) && (!admin(&u.email) || sells(&u.email)))
        .map(|u| {
            format!(
                "{} has no mailbox connected: gaps of their deals cannot be judged; add a [[connection]] with owner = \"{}\"",
                u.email, u.email
            )
        })
        .collect()
}

fn strangers_with_deals(dir: &Directory) -> Vec<String> {
    let mut deals: BTreeMap<&str, usize> = BTreeMap::new();
    let open = dir.deals.values().filter(|d| dir.stage_kind(&d.stage) == StageKind::Open);
    for d in open.filter(|d| !d.owner.is_empty() && dir.user(&d.owner).is_none()) {
        *deals.entry(&d.owner).or_default() += 1;
    }
    deals
        .into_iter()
        .map(|(owner, n)| {
            let what = if n == 1 { "1 open deal".to_owned() } else { format!("{n} open deals") };
            format!("{owner} owns {what} and is no user; add a [[user]], or an alias to the user it is")
        })
        .collect()
}
