//! `check`: signs in everywhere and says what will be read, and what fails and how to mend it.

use clap::Args;

use super::sync::known;
use crate::app::App;

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
        println!("configuration {} is well-formed", app.config.file.display());
        for warning in app.config.warnings() {
            println!("note: {warning}");
        }
        let mut failed = 0;
        for (name, why) in app.unusable.iter().filter(|(name, _)| wanted(name)) {
            println!("{name}: {why}");
            failed += 1;
        }
        for c in app.engine.connections.iter().filter(|c| wanted(&c.name)) {
            match c.source.streams().await {
                Ok(streams) if streams.is_empty() => {
                    println!("{}: signed in, but there is nothing to read; look at its settings", c.name);
                }
                Ok(streams) => {
                    let names: Vec<&str> = streams.iter().map(|s| s.name.as_str()).collect();
                    println!("{}: {} to read: {}", c.name, streams.len(), names.join(", "));
                }
                Err(fault) => {
                    println!("{}: {}", c.name, fault.what);
                    failed += 1;
                }
            }
        }
        for line in not_used_yet(app) {
            println!("note: {line}");
        }
        for line in also_ours(app) {
            println!("note: {line}");
        }
        app.close().await;
        Ok(u8::from(failed > 0))
    }
}

/// Settings that are kept and that nothing reads yet.
fn not_used_yet(app: &App) -> Vec<&'static str> {
    let c = &app.config;
    let writes = c.connections.iter().any(|c| c.writeback != crate::config::Writeback::Off);
    let all = [
        (!c.competitors.names.is_empty(), "[competitors] is kept, but names are not looked for yet"),
        (
            !c.targets.is_empty() || !c.quotas.is_empty(),
            "[[target]] and [[quota]] are kept, but no report uses them yet",
        ),
        (writes, "writeback is kept, but nothing is written to a CRM yet"),
    ];
    all.into_iter().filter(|(set, _)| *set).map(|(_, line)| line).collect()
}

/// Contacts of the CRM whose addresses are ours, and addresses that two contacts share.
fn also_ours(app: &App) -> Vec<String> {
    let known = app.engine.known();
    let dir = &known.directory;
    let mut lines = Vec::new();
    let mut contacts: Vec<_> = dir.contacts.values().filter(|c| c.merged_into.is_none()).collect();
    contacts.sort_by(|a, b| a.id.cmp(&b.id));
    for c in &contacts {
        if c.emails.iter().any(|e| dir.is_ours(e)) {
            lines.push(format!("contact {} has an address that is ours; it is treated as ours", c.id));
        }
        for e in &c.emails {
            if dir.contact_by_address(e).is_some_and(|first| first.id != c.id) {
                lines.push(format!("contact {} shares an address with another contact, who is taken for it", c.id));
            }
        }
    }
    lines
}
