//! What one section alone cannot know: that names are unique, that what is referred to exists, that a connector gets
//! the settings it needs.

use std::{collections::HashMap, net::IpAddr, path::Path, sync::Arc};

use chrono::{DateTime, Utc};
use dealtrail_sdk::{Clock, FaultKind, Field, Gives, Kind, Need, Settings, Setup};
use serde_json::{Map, Value as Json};
use toml::{Table, Value};

use super::{
    Config, ConfigError, Connection,
    connection::{COMMON, resolve, secret_from},
    fault::{Places, Step, expectation, hint, nearest},
};

use crate::domain::reports::needs::COUNTS;

use Step::{Index, Key};

pub fn check(config: &Config, places: &Places<'_>, kinds: &[&Kind]) -> Result<(), ConfigError> {
    if config.organization.domains.is_empty() {
        return Err(places.fault(
            &[Key("organization"), Key("domains")],
            "`organization.domains` is missing and needed: list the mail domains of your own people, domains = \
             [\"acme.example\"]",
        ));
    }
    teams(config, places)?;
    users(config, places)?;
    for (at, partner) in config.partners.iter().enumerate() {
        if partner.domains.is_empty() {
            let path = [Key("partner"), Index(at), Key("domains")];
            return Err(places.fault(&path, "`partner.domains`: expected at least one domain"));
        }
    }
    for (at, target) in config.targets.iter().enumerate() {
        let path = [Key("target"), Index(at), Key("team")];
        known_team(config, places, &path, "target.team", target.team.as_deref())?;
        let metrics = COUNTS.iter().map(|(key, _)| *key);
        if !metrics.clone().any(|m| m == target.metric) {
            let path = [Key("target"), Index(at), Key("metric")];
            let advice = hint(&target.metric, metrics);
            let message =
                format!("`target.metric`: the activity report has no column `{}` that counts; {advice}", target.metric);
            return Err(places.fault(&path, &message));
        }
    }
    connections(config, places, kinds)
}

fn teams(config: &Config, places: &Places<'_>) -> Result<(), ConfigError> {
    for (at, team) in config.teams.iter().enumerate() {
        if config.teams[..at].iter().any(|t| t.name == team.name) {
            let path = [Key("team"), Index(at), Key("name")];
            return Err(places.fault(&path, &format!("`team.name`: there are two teams named `{}`", team.name)));
        }
    }
    Ok(())
}

fn known_team(
    config: &Config,
    places: &Places<'_>,
    path: &[Step<'_>],
    key: &str,
    team: Option<&str>,
) -> Result<(), ConfigError> {
    let Some(name) = team.filter(|name| config.team(name).is_none()) else { return Ok(()) };
    let names = config.teams.iter().map(|t| t.name.as_str());
    let advice = match config.teams.is_empty() {
        true => "add it: [[team]]".to_owned(),
        false => hint(name, names),
    };
    Err(places.fault(path, &format!("`{key}`: there is no team `{name}`; {advice}")))
}

fn users(config: &Config, places: &Places<'_>) -> Result<(), ConfigError> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for (at, user) in config.users.iter().enumerate() {
        known_team(config, places, &[Key("user"), Index(at), Key("team")], "user.team", user.team.as_deref())?;
        let own = (&user.email, vec![Key("user"), Index(at), Key("email")], "user.email");
        let aliases = user.aliases.iter().enumerate();
        let aliases = aliases.map(|(n, a)| (a, vec![Key("user"), Index(at), Key("aliases"), Index(n)], "user.aliases"));
        for (address, path, key) in std::iter::once(own).chain(aliases) {
            // The same person may list an address twice; two persons may not.
            let other = seen.insert(config.folded(address), at);
            if other.is_some_and(|o| o != at || key == "user.email") {
                return Err(places.fault(&path, &format!("`{key}`: {address} belongs to two users; keep one")));
            }
        }
    }
    Ok(())
}

fn connections(config: &Config, places: &Places<'_>, kinds: &[&Kind]) -> Result<(), ConfigError> {
    for (at, c) in config.connections.iter().enumerate() {
        let path = |key| [Key("connection"), Index(at), Key(key)];
        if config.connections[..at].iter().any(|o| o.name == c.name) {
            let message = format!("`connection.name`: there are two connections named `{}`", c.name);
            return Err(places.fault(&path("name"), &message));
        }
        if c.name.contains('/') || c.name.contains(char::is_control) {
            let message = "`connection.name`: expected a name without / (it stands in front of ids)";
            return Err(places.fault(&path("name"), message));
        }
        let Some(kind) = kinds.iter().find(|k| k.name == c.connector) else {
            let names = kinds.iter().map(|k| k.name);
            let message = format!(
                "`connection.connector`: there is no connector `{}`; {}",
                c.connector,
                hint(&c.connector, names)
            );
            return Err(places.fault(&path("connector"), &message));
        };
        settings(c, at, places, kind)?;
        owner(config, c, at, places, kind)?;
        trial(config, c, at, places, kind)?;
    }
    Ok(())
}

/// The connector's own keys: none unknown, none missing, no password in the clear over a network.
fn settings(c: &Connection, at: usize, places: &Places<'_>, kind: &Kind) -> Result<(), ConfigError> {
    let path = |key| [Key("connection"), Index(at), Key(key)];
    let known = |key: &str| kind.settings.iter().any(|f| f.name == key);
    for (key, value) in &c.settings {
        if !known(key) {
            let names = kind.settings.iter().map(|f| f.name).chain(COMMON.iter().copied());
            // All of them would be a long list: the connector's own are enough.
            let advice = match nearest(key, names) {
                Some(near) => format!("did you mean `{near}`?"),
                None => hint("", kind.settings.iter().map(|f| f.name)),
            };
            let message = format!(
                "`connection.{key}` is not a known key of the connector {} (connection `{}`); {advice}",
                kind.name, c.name
            );
            return Err(places.fault(&path(key), &message));
        }
        let field = kind.settings.iter().find(|f| f.name == key);
        if field.is_some_and(|f| f.need == Need::Secret) && !value.is_str() && secret_from(value).is_none() {
            let message = format!(
                "`connection.{key}`: expected {{ env = \"NAME\" }}, {{ file = \"PATH\" }} or {{ secret = \"NAME\" }}"
            );
            return Err(places.fault(&path(key), &message));
        }
    }
    let missing = |f: &&Field| f.need == Need::Required && !c.settings.contains_key(f.name);
    if let Some(field) = kind.settings.iter().find(missing) {
        let message = format!(
            "`connection.{}` is missing: the connector {} needs it (connection `{}`). {}",
            field.name, kind.name, c.name, field.help
        );
        return Err(places.fault(&path("name"), &message));
    }
    let text = |key: &str| c.settings.get(key).and_then(Value::as_str);
    let allowed = c.settings.get("allow_insecure").and_then(Value::as_bool) == Some(true);
    if text("tls") == Some("none") && !allowed && !text("host").is_some_and(is_loopback) {
        let way_out = if known("allow_insecure") { ", or allow_insecure = true" } else { "" };
        let message = format!(
            "`connection.tls`: \"none\" would send the password readable over the network (connection `{}`); expected \
             \"implicit\" or \"starttls\"{way_out}",
            c.name
        );
        return Err(places.fault(&path("tls"), &message));
    }
    Ok(())
}

/// Lets the connector look at its settings, with stand-ins for the secrets: connecting reaches nothing yet, and says
/// which value makes no sense.
fn trial(config: &Config, c: &Connection, at: usize, places: &Places<'_>, kind: &Kind) -> Result<(), ConfigError> {
    let given = stand_ins(&c.for_connector(Some(kind)));
    let connect = |settings: Map<String, Json>| {
        let setup = Setup {
            connection: c.name.clone(),
            settings: Settings(settings),
            base: config.base.clone(),
            zone: config.organization.timezone,
            clock: Arc::new(NoClock),
        };
        match (kind.connect)(setup) {
            Err(fault) if fault.kind == FaultKind::Malformed => Err(fault.what),
            _ => Ok(()),
        }
    };
    let Err(why) = connect(given.clone()) else { return Ok(()) };
    let wrong = culprit(kind, &given, &why, &connect);
    let why = expectation(&why);
    match wrong {
        Some(key) => {
            let message = format!("`connection.{key}`: {why} (connection `{}`)", c.name);
            Err(places.fault(&[Key("connection"), Index(at), Key(&key)], &message))
        }
        None => {
            let message = format!("connection `{}`: {why}", c.name);
            Err(places.fault(&[Key("connection"), Index(at), Key("name")], &message))
        }
    }
}

/// The key that the complaint is about: the one it names, else the one without which there is none, else the one with
/// which another text would change it.
fn culprit(
    kind: &Kind,
    given: &Map<String, Json>,
    why: &str,
    connect: &impl Fn(Map<String, Json>) -> Result<(), String>,
) -> Option<String> {
    let named = given.keys().find(|key| why.contains(&format!("`{key}`")));
    let without = || {
        given.keys().find(|key| {
            let mut rest = given.clone();
            rest.shift_remove(*key);
            connect(rest).is_ok()
        })
    };
    let otherwise = || {
        given.keys().find(|key| {
            let mut other = given.clone();
            other.insert((*key).clone(), Json::from("x"));
            connect(other).err().as_deref() != Some(why)
        })
    };
    // A complaint that names a key is about that key, even when it is absent.
    let names_none = !kind.settings.iter().any(|f| why.contains(&format!("`{}`", f.name)));
    named.or_else(without).or_else(|| names_none.then(otherwise).flatten()).cloned()
}

/// The settings with a stand-in for every secret: nothing is looked up.
fn stand_ins(settings: &Table) -> Map<String, Json> {
    fn plain(value: &Value) -> Json {
        match value {
            v if secret_from(v).is_some() => Json::from("x"),
            Value::Array(list) => list.iter().map(plain).collect(),
            Value::Table(table) => table.iter().map(|(k, v)| (k.clone(), plain(v))).collect(),
            v => resolve(v, Path::new(""), &|_| None).unwrap_or_default(),
        }
    }
    settings.iter().map(|(key, value)| (key.clone(), plain(value))).collect()
}

/// Nobody asks the time while settings are looked at.
#[derive(Debug)]
struct NoClock;

impl Clock for NoClock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH
    }
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Whose mailbox or calendar it is.
fn owner(config: &Config, c: &Connection, at: usize, places: &Places<'_>, kind: &Kind) -> Result<(), ConfigError> {
    let path = |key| [Key("connection"), Index(at), Key(key)];
    let known = |email: &str| config.user(email).is_some();
    let unknown = |email: &str| {
        let users = config.users.iter().map(|u| u.email.as_str());
        match nearest(email, users) {
            Some(near) => format!("{email} is no user; did you mean `{near}`?"),
            None => format!("{email} is no user; add one: [[user]] email = \"{email}\""),
        }
    };
    if let Some(owner) = c.owner.as_deref().filter(|o| !known(o)) {
        return Err(places.fault(&path("owner"), &format!("`connection.owner`: {}", unknown(owner))));
    }
    if let Some(member) = c.members.iter().find(|m| !known(m)) {
        return Err(places.fault(&path("members"), &format!("`connection.members`: {}", unknown(member))));
    }
    if kind.gives == Gives::Crm {
        return Ok(());
    }
    if c.shared && c.members.is_empty() && c.owner.is_none() {
        let message =
            format!("`connection.members` is missing: who shares `{}`? members = [\"ana@acme.example\"]", c.name);
        return Err(places.fault(&path("shared"), &message));
    }
    if !c.shared && c.owner.is_none() {
        let what = if kind.gives == Gives::Mail { "mailbox" } else { "calendar" };
        let message = format!(
            "`connection.owner` is missing: whose {what} is `{}`? owner = \"ana@acme.example\" (or shared = true with members)",
            c.name
        );
        return Err(places.fault(&path("name"), &message));
    }
    if !c.shared && !c.members.is_empty() {
        let message = "`connection.members` is only for connections with shared = true";
        return Err(places.fault(&path("members"), message));
    }
    Ok(())
}
