//! `user`: people who use dealtrail, beside those of the configuration file.

use std::io::Read as _;

use anyhow::Context as _;
use argon2::{Argon2, PasswordHasher as _};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::{
    Usage,
    lists::{Shown, fold},
    output::{self, Column, Format, say},
    wanted,
};
use crate::{
    app::App,
    config::fault,
    domain::{address, directory},
    store::people::Person,
};

/// People who use dealtrail. Those of the configuration file are changed there.
#[derive(Args, Debug)]
pub struct User {
    #[command(subcommand)]
    pub action: Action,
    #[command(flatten)]
    pub shown: Shown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Role {
    Rep,
    Manager,
    Admin,
}

#[derive(Debug, Subcommand)]
pub enum Action {
    /// Everybody who uses dealtrail, and where they were made known
    List,
    /// Add somebody, or change who was added
    Add {
        email: String,
        #[arg(long)]
        name: Option<String>,
        #[arg(long, value_enum, default_value_t = Role::Rep)]
        role: Role,
        #[arg(long)]
        team: Option<String>,
        /// Another address of the same person; may be given several times
        #[arg(long, value_name = "EMAIL")]
        alias: Vec<String>,
    },
    /// Remove somebody who was added
    Remove { email: String },
    /// Set a password, read from standard input
    Password { email: String },
}

impl User {
    /// # Errors
    /// When the person stands in the file or does not exist, or the database fails.
    pub async fn run(self, app: &App) -> anyhow::Result<u8> {
        let in_file = |email: &str| app.config.users.iter().any(|u| fold(app, &u.email) == email);
        match self.action {
            Action::List => list(app, self.shown).await?,
            Action::Add { email, name, role, team, alias } => {
                let folded = fold(app, &email);
                if in_file(&folded) {
                    return Err(
                        Usage(format!("{folded} stands in {}; change it there", app.config.file.display())).into()
                    );
                }
                let aliases: Vec<String> = alias.iter().map(|a| fold(app, a)).collect();
                for (given, address) in std::iter::once((&email, &folded)).chain(alias.iter().zip(&aliases)) {
                    free(app, given, address, &folded)?;
                }
                known_team(app, team.as_deref())?;
                let role = format!("{role:?}").to_lowercase();
                let person =
                    Person { email: folded.clone(), name: name.unwrap_or_else(|| folded.clone()), role, team, aliases };
                app.store.save_person(&person).await?;
                say!("{folded} is now a user; the next sync matches the history to them")?;
            }
            Action::Remove { email } => {
                let folded = fold(app, &email);
                if in_file(&folded) {
                    return Err(
                        Usage(format!("{folded} stands in {}; remove it there", app.config.file.display())).into()
                    );
                }
                if !app.store.remove_person(&folded).await? {
                    return Err(unknown(app, &folded).into());
                }
                say!("{folded} is no user any more; what was captured stays")?;
            }
            Action::Password { email } => password(app, &fold(app, &email)).await?,
        }
        Ok(0)
    }
}

async fn password(app: &App, email: &str) -> anyhow::Result<()> {
    if app.engine.known().directory.user(email).is_none() {
        return Err(unknown(app, email).into());
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("the password could not be read from standard input")?;
    let text = text.trim_end_matches(['\r', '\n']).to_owned();
    if text.chars().count() < 12 {
        return Err(Usage("a password has at least 12 characters".into()).into());
    }
    let hash =
        tokio::task::spawn_blocking(move || Argon2::default().hash_password(text.as_bytes()).map(|h| h.to_string()))
            .await?
            .map_err(|e| anyhow::anyhow!("the password could not be hashed: {e}"))?;
    app.store.set_password(email, &hash).await?;
    say!("the password of {email} is set")?;
    Ok(())
}

/// Nobody else has this address.
fn free(app: &App, given: &str, address: &str, of: &str) -> Result<(), Usage> {
    if address::fold(given, &app.config.matching.subaddress).is_none() {
        return Err(Usage(format!("`{given}` is no email address")));
    }
    match app.engine.known().directory.user(address).filter(|u| u.email != of) {
        Some(other) => Err(Usage(format!("{address} belongs to the user {} already", other.email))),
        None => Ok(()),
    }
}

fn known_team(app: &App, team: Option<&str>) -> Result<(), Usage> {
    let Some(team) = team.filter(|t| app.config.team(t).is_none()) else { return Ok(()) };
    let names = app.config.teams.iter().map(|t| t.name.as_str());
    let advice = match app.config.teams.is_empty() {
        true => "add a [[team]] to the configuration".to_owned(),
        false => fault::hint(team, names),
    };
    Err(Usage(format!("there is no team `{team}`; {advice}")))
}

fn unknown(app: &App, email: &str) -> Usage {
    let known = app.engine.known();
    let all: Vec<&str> = known.directory.ours.users.iter().map(|u| u.email.as_str()).collect();
    wanted::refused(&format!("there is no user {email}"), email, &all, "`dealtrail user list` shows them")
}

/// Everybody, with what they may and where that was said.
async fn list(app: &App, shown: Shown) -> anyhow::Result<()> {
    let people = app.store.people().await?;
    let known = app.engine.known();
    let row = |u: &directory::User| {
        let file = app.config.users.iter().find(|c| fold(app, &c.email) == u.email);
        let role = match file {
            Some(c) => format!("{:?}", c.role).to_lowercase(),
            None => people.iter().find(|p| p.email == u.email).map_or_else(String::new, |p| p.role.clone()),
        };
        let led = app.config.teams.iter().filter(|t| t.manager.as_ref().is_some_and(|m| fold(app, m) == u.email));
        let manages: Vec<&str> = led.map(|t| t.name.as_str()).collect();
        // who leads a team sees what a manager sees, whatever the role
        let said = match manages.is_empty() {
            true => role.clone(),
            false => format!("{role}, manages {}", manages.join(", ")),
        };
        let row = json!({"email": u.email, "name": u.name, "role": role, "manages": manages, "team": u.team,
                         "manager": u.manager, "aliases": u.aliases,
                         "made_in": if file.is_some() { "configuration" } else { "database" },
                         "role_said": said, "from": if file.is_some() { "file" } else { "added" }});
        row.as_object().cloned()
    };
    let mut rows: Vec<_> = known.directory.ours.users.iter().filter_map(row).collect();
    if shown.format != Format::Table {
        for row in &mut rows {
            row.shift_remove("role_said");
            row.shift_remove("from");
        }
    }
    let columns: &[Column] = if shown.format == Format::Table {
        &[
            Column("email", "Email"),
            Column("name", "Name"),
            Column("role_said", "Role"),
            Column("team", "Team"),
            Column("aliases", "Aliases"),
            Column("from", "From"),
        ]
    } else {
        &["email", "name", "role", "manages", "team", "manager", "aliases", "made_in"].map(|key| Column(key, ""))
    };
    let empty = "No users yet. Add a [[user]] to the configuration, or `dealtrail user add EMAIL`.";
    Ok(output::list(shown.format, columns, &rows, empty)?)
}
