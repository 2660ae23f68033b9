//! The configuration: a struct for each section of `dealtrail.toml`, in the file's own words.
//!
//! Reading it checks it: unknown keys are refused, every wrong value is named with file, line and what is expected.
//! Nothing outside is reached and no secret is looked up before a connection is made.

mod change;
mod check;
mod connection;
pub mod fault;
mod gaps;
mod reading;
mod secrets;
mod sections;
mod sharing;
mod time;
mod values;

use std::{
    fmt,
    path::{Path, PathBuf},
};

use serde::Deserialize;

pub use change::Changed;
pub use connection::{COMMON, Connection, SecretFrom, secret_from};
pub use fault::ConfigError;
pub use sections::*;
pub use sharing::Sharing;
pub use values::Since;

use crate::domain::thresholds::GapSettings;

/// Where the configuration is looked for when nothing names it.
const SYSTEM: &str = "/etc/dealtrail/dealtrail.toml";

/// Everything that can be configured; a field is a section.
#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The folder of the file, absolute: relative paths start here.
    #[serde(skip)]
    pub base: PathBuf,
    /// The file itself, for messages.
    #[serde(skip)]
    pub file: PathBuf,
    pub database: Database,
    pub server: Server,
    pub organization: Organization,
    pub capture: Capture,
    #[serde(rename = "team")]
    pub teams: Vec<Team>,
    #[serde(rename = "user")]
    pub users: Vec<User>,
    #[serde(rename = "connection")]
    pub connections: Vec<Connection>,
    #[serde(deserialize_with = "gaps::read")]
    pub gaps: GapSettings,
    pub matching: Matching,
    pub documents: Documents,
    pub competitors: Competitors,
    pub reports: Reports,
    pub privacy: Privacy,
    pub connectors: Connectors,
    #[serde(rename = "partner")]
    pub partners: Vec<Partner>,
    #[serde(rename = "target")]
    pub targets: Vec<Target>,
    #[serde(rename = "quota")]
    pub quotas: Vec<Quota>,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Config({})", self.file.display())
    }
}

/// The configuration file: what the command line names, else `$DEALTRAIL_CONFIG`, else `./dealtrail.toml`, else the
/// system's.
///
/// # Errors
/// When there is none, with what to do.
pub fn find(cli: Option<PathBuf>) -> Result<PathBuf, ConfigError> {
    let variable = std::env::var_os("DEALTRAIL_CONFIG").filter(|v| !v.is_empty()).map(PathBuf::from);
    choose(cli, variable, &[Path::new("dealtrail.toml"), Path::new(SYSTEM)])
}

fn choose(cli: Option<PathBuf>, variable: Option<PathBuf>, usual: &[&Path]) -> Result<PathBuf, ConfigError> {
    for (named, by) in [(cli, "--config"), (variable, "DEALTRAIL_CONFIG")] {
        match named {
            Some(path) if path.exists() => return Ok(path),
            Some(path) => {
                let shown = path.display();
                return Err(ConfigError::new(format!("there is no file {shown}, which {by} names; correct {by}")));
            }
            None => {}
        }
    }
    usual.iter().find(|p| p.exists()).map(|p| p.to_path_buf()).ok_or_else(|| {
        let looked: Vec<String> = usual.iter().map(|p| p.display().to_string()).collect();
        ConfigError::new(format!(
            "there is no configuration (looked for {}); write one with `dealtrail init`, name one with --config FILE, \
             or look around with `dealtrail demo`",
            looked.join(" and ")
        ))
    })
}

/// Reads and checks a configuration.
///
/// # Errors
/// One sentence: file, line, key, what is expected.
pub fn load(path: &Path) -> Result<Config, ConfigError> {
    Config::load(path)
}

impl Config {
    /// Reads and checks a configuration.
    ///
    /// # Errors
    /// One sentence: file, line, key, what is expected.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let shown = path.display();
        let text = std::fs::read_to_string(path).map_err(|e| {
            ConfigError::new(format!("cannot read the configuration {shown}: {}", connection::plain(&e)))
        })?;
        Self::parse(&text, path, crate::registry::KINDS)
    }

    /// Checks a text as if it stood in the file `path`.
    fn parse(text: &str, path: &Path, kinds: &[&dealtrail_sdk::Kind]) -> Result<Self, ConfigError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Self::parse_with(text, path, &fault::Places::new(path, text), kinds)
    }

    fn parse_with(
        text: &str,
        path: &Path,
        places: &fault::Places<'_>,
        kinds: &[&dealtrail_sdk::Kind],
    ) -> Result<Self, ConfigError> {
        let mut config: Self = toml::from_str(text).map_err(|e| places.reading(&e))?;
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        config.base = absolute.parent().map(Path::to_owned).unwrap_or_default();
        config.file = path.to_owned();
        check::check(&config, places, kinds)?;
        config.name_owners();
        Ok(config)
    }

    /// A connection's owner may be given by an alias: from here on it is the user's own address.
    fn name_owners(&mut self) {
        let mut connections = std::mem::take(&mut self.connections);
        let own = |email: &String| self.user(email).map_or_else(|| email.clone(), |u| u.email.clone());
        for c in &mut connections {
            c.owner = c.owner.as_ref().map(own);
            c.members = c.members.iter().map(own).collect();
        }
        self.connections = connections;
    }

    pub fn connection(&self, name: &str) -> Option<&Connection> {
        self.connections.iter().find(|c| c.name == name)
    }

    /// The user with this address, or with it as an alias.
    pub fn user(&self, email: &str) -> Option<&User> {
        let wanted = self.folded(email);
        self.users
            .iter()
            .find(|u| self.folded(&u.email) == wanted)
            .or_else(|| self.users.iter().find(|u| u.aliases.iter().any(|a| self.folded(a) == wanted)))
    }

    pub fn team(&self, name: &str) -> Option<&Team> {
        self.teams.iter().find(|t| t.name == name)
    }

    fn folded(&self, email: &str) -> String {
        crate::domain::address::fold(email, &self.matching.subaddress).unwrap_or_else(|| email.to_lowercase())
    }

    /// `[capture]` as it holds for a connection: the connection's own keys win, exclusions add up.
    pub fn capture_of(&self, connection: &Connection) -> Capture {
        let mut exclude = self.capture.exclude.clone();
        exclude.extend(connection.exclude.iter().filter(|e| !self.capture.exclude.contains(e)).cloned());
        Capture {
            since: connection.since.unwrap_or(self.capture.since),
            horizon: connection.horizon.unwrap_or(self.capture.horizon),
            content: connection.content.unwrap_or(self.capture.content),
            exclude,
        }
    }

    /// Where people reach the web app.
    pub fn public_url(&self) -> String {
        self.server.public_url.clone().unwrap_or_else(|| format!("http://{}", self.server.listen))
    }

    /// The database; the path of an SQLite file is absolute.
    pub fn database_url(&self) -> String {
        let url = &self.database.url;
        let Some(rest) = url.strip_prefix("sqlite:") else { return url.clone() };
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        let (path, query) = rest.split_once('?').map_or((rest, String::new()), |(p, q)| (p, format!("?{q}")));
        let path = self.base.join(path).display().to_string();
        // The base folder's name is a name, not a URL.
        let path = path.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
        format!("sqlite:{path}{query}")
    }

    /// Changes whenever something changes that decides what is captured, skipped or matched.
    pub fn fingerprint(&self) -> String {
        let mut said: Vec<String> = vec![
            format!("{:?}", (&self.organization.domains, &self.organization.external, self.organization.timezone)),
            format!("{:?}", (&self.matching, &self.documents, &self.competitors)),
            format!("{:?}", self.partners.iter().map(|p| &p.domains).collect::<Vec<_>>()),
            format!("{:?}", (&self.capture.since, &self.capture.exclude)),
        ];
        let mut people: Vec<String> =
            self.users.iter().map(|u| format!("{:?}", (&u.email, &u.aliases, u.until, &u.timezone))).collect();
        people.sort();
        let mut connections: Vec<String> = self
            .connections
            .iter()
            .map(|c| {
                let capture = self.capture_of(c);
                format!("{:?}", (&c.name, &c.owner, c.shared, &c.members, capture.since, capture.exclude))
            })
            .collect();
        connections.sort();
        said.extend(people);
        said.extend(connections);
        blake3::hash(said.join("\n").as_bytes()).to_hex()[..32].to_owned()
    }
}

#[cfg(test)]
mod example;
#[cfg(test)]
mod tests;
