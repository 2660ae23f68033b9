//! `user`: people who use dealtrail, beside those of the configuration file.

use std::io::Read as _;

use anyhow::Context as _;
use argon2::{Argon2, PasswordHasher as _};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::{
    Usage,
    lists::{Shown, fold},
    output::{self, Column},
};
use crate::{app::App, store::people::Person};

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
            Action::List => list(app, self.shown)?,
            Action::Add { email, name, role, team, alias } => {
                let folded = fold(app, &email);
                if in_file(&folded) {
                    return Err(
                        Usage(format!("{folded} stands in {}; change it there", app.config.file.display())).into()
                    );
                }
                if !folded.contains('@') {
                    return Err(Usage(format!("`{email}` is no email address")).into());
                }
                if let Some(team) = team.as_ref().filter(|t| app.config.team(t).is_none()) {
                    return Err(Usage(format!("there is no team `{team}`; add a [[team]] to the configuration")).into());
                }
                let role = format!("{role:?}").to_lowercase();
                let aliases = alias.iter().map(|a| fold(app, a)).collect();
                let person =
                    Person { email: folded.clone(), name: name.unwrap_or_else(|| folded.clone()), role, team, aliases };
                app.store.save_person(&person).await?;
                println!("{folded} is now a user; the next sync matches the history to them");
            }
            Action::Remove { email } => {
                let folded = fold(app, &email);
                if in_file(&folded) {
                    return Err(
                        Usage(format!("{folded} stands in {}; remove it there", app.config.file.display())).into()
                    );
                }
                if !app.store.remove_person(&folded).await? {
                    return Err(Usage(format!("there is no user {folded}; `dealtrail user list` shows them")).into());
                }
                println!("{folded} is no user any more; what was captured stays");
            }
            Action::Password { email } => password(app, &fold(app, &email)).await?,
        }
        Ok(0)
    }
}

async fn password(app: &App, email: &str) -> anyhow::Result<()> {
    if app.engine.known().directory.user(email).is_none() {
        return Err(Usage(format!("there is no user {email}; `dealtrail user list` shows them")).into());
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
    println!("the password of {email} is set");
    Ok(())
}

fn list(app: &App, shown: Shown) -> anyhow::Result<()> {
    let known = app.engine.known();
    let rows: Vec<_> = known
        .directory
        .ours
        .users
        .iter()
        .filter_map(|u| {
            let file = app.config.users.iter().any(|c| fold(app, &c.email) == u.email);
            let row = json!({"email": u.email, "name": u.name, "team": u.team, "manager": u.manager, "aliases": u.aliases,
                             "made_in": if file { "configuration" } else { "database" }});
            row.as_object().cloned()
        })
        .collect();
    let columns = [
        Column("email", "Email"),
        Column("name", "Name"),
        Column("team", "Team"),
        Column("manager", "Manager"),
        Column("aliases", "Aliases"),
        Column("made_in", "Made in"),
    ];
    output::list(
        shown.format,
        &columns,
        &rows,
        "No users yet. Add a [[user]] to the configuration, or `dealtrail user add EMAIL`.",
    )?;
    Ok(())
}
