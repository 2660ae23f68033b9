//! A connection's settings with their secrets looked up, for the moment of connecting; and what `check` warns about.

use std::os::unix::fs::PermissionsExt as _;

use super::{
    Config, ConfigError, Connection,
    connection::{Sealed, SecretFrom, resolve, secret_from},
};
use crate::domain::address;
use dealtrail_sdk::{Kind, Need, Settings};

impl Config {
    /// The connector's settings of a connection, secrets looked up.
    ///
    /// # Errors
    /// When there is no such connection, or a secret cannot be had: which, and what to do.
    pub fn connection_settings(&self, name: &str) -> Result<Settings, ConfigError> {
        self.connection_settings_with(name, &|_| None)
    }

    /// The same, with the secrets that the database keeps.
    ///
    /// # Errors
    /// As [`Self::connection_settings`].
    pub fn connection_settings_with(&self, name: &str, sealed: Sealed<'_>) -> Result<Settings, ConfigError> {
        let connection = self
            .connection(name)
            .ok_or_else(|| ConfigError::new(format!("{}: there is no connection `{name}`", self.file.display())))?;
        let mut settings = serde_json::Map::new();
        let kind = crate::registry::kind(&connection.connector);
        for (key, value) in connection.for_connector(kind) {
            let value = resolve(&value, &self.base, sealed).map_err(|why| {
                let file = self.file.display();
                ConfigError::new(format!("{file}: connection `{name}`: `{key}` cannot be used: {why}"))
            })?;
            settings.insert(key, value);
        }
        Ok(Settings(settings))
    }

    /// What works and should be mended all the same, a sentence each.
    pub fn warnings(&self) -> Vec<String> {
        let mut all = Vec::new();
        for c in &self.connections {
            for key in plain_secrets(c, crate::registry::kind(&c.connector)) {
                all.push(format!(
                    "connection `{}`: `{key}` stands readable in the configuration; use {{ env = \"...\" }} or {{ file = \
                     \"...\" }}",
                    c.name
                ));
            }
            for (key, file) in secret_files(c) {
                let path = self.base.join(file);
                if std::fs::metadata(&path).is_ok_and(|m| m.permissions().mode() & 0o044 != 0) {
                    all.push(format!(
                        "connection `{}`: others on this machine may read the file of `{key}`; run chmod 600 {}",
                        c.name,
                        path.display()
                    ));
                }
            }
        }
        for d in self.organization.domains.iter().filter(|d| address::FREE_MAIL.contains(&d.as_str())) {
            all.push(format!(
                "`organization.domains`: anybody may have an address at {d}, and all of them count as ours"
            ));
        }
        let managers = self.teams.iter().filter_map(|t| t.manager.as_deref().map(|m| ("team.manager", m)));
        let reps = self.quotas.iter().map(|q| ("quota.rep", q.rep.as_str()));
        let targets = self.targets.iter().filter_map(|t| t.rep.as_deref().map(|r| ("target.rep", r)));
        for (key, email) in managers.chain(reps).chain(targets).filter(|(_, e)| self.user(e).is_none()) {
            all.push(format!(
                "`{key}`: {email} is no user of this configuration; add a [[user]] unless the web app has one"
            ));
        }
        all
    }
}

/// The secret settings that are written out as plain text.
fn plain_secrets(connection: &Connection, kind: Option<&Kind>) -> Vec<String> {
    let secret = |key: &str| kind.is_some_and(|k| k.settings.iter().any(|f| f.name == key && f.need == Need::Secret));
    let settings = connection.settings.iter().filter(|(k, v)| secret(k) && v.is_str()).map(|(k, _)| k.clone());
    let oauth = connection.oauth.iter().flatten();
    let inside = oauth.filter(|(k, v)| (k.contains("secret") || k.contains("token")) && v.is_str());
    // An address of a token endpoint is no secret.
    let inside = inside.filter(|(k, _)| !k.ends_with("url")).map(|(k, _)| format!("oauth.{k}"));
    settings.chain(inside).collect()
}

/// Keys whose secret stands in a file.
fn secret_files(connection: &Connection) -> Vec<(&str, &str)> {
    let all = connection.settings.iter().chain(connection.oauth.iter().flatten());
    all.filter_map(|(key, value)| match secret_from(value) {
        Some(SecretFrom::File(file)) => Some((key.as_str(), file)),
        _ => None,
    })
    .collect()
}
