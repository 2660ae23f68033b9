//! One `[[connection]]`: the keys that all connections share, and the connector's own settings with their secrets.
//!
//! Secrets are looked up when a connection is made and not before; `Debug` shows a name and nothing else.

use std::{fmt, path::Path, time::Duration};

use dealtrail_sdk::Kind;
use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor},
};
use serde_json::Value as Json;
use toml::{Table, Value};

use super::{
    Level, Writeback,
    reading::{Leaf, Reading},
    values::{Email, Every, Exclusion, Name, Since, SinceText},
};

/// The keys that every connection may have, whatever its connector.
pub const COMMON: &[&str] = &[
    "name",
    "connector",
    "owner",
    "shared",
    "members",
    "enabled",
    "writeback",
    "since",
    "horizon",
    "content",
    "exclude",
    "share",
    "poll",
    "oauth",
];

/// How often a connection without push is looked at.
const POLL: Duration = Duration::from_secs(5 * 60);

/// One configured account on an outside system.
#[derive(Clone, PartialEq)]
pub struct Connection {
    pub name: String,
    pub connector: String,
    /// The user it belongs to, lower case; none for a CRM or a shared mailbox.
    pub owner: Option<String>,
    /// A mailbox of several people.
    pub shared: bool,
    pub members: Vec<String>,
    pub enabled: bool,
    pub writeback: Writeback,
    pub since: Option<Since>,
    pub horizon: Option<Since>,
    pub content: Option<Level>,
    /// On top of those of `[capture]`.
    pub exclude: Vec<String>,
    pub share: Option<Level>,
    pub poll: Duration,
    pub oauth: Option<Table>,
    /// The connector's own keys, as written.
    pub settings: Table,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Connection({}, {})", self.name, self.connector)
    }
}

impl Connection {
    /// What the connector gets: its own keys, and of `oauth` what it understands.
    pub fn for_connector(&self, kind: Option<&Kind>) -> Table {
        let takes = |name: &str| kind.is_some_and(|k| k.settings.iter().any(|f| f.name == name));
        let mut settings = self.settings.clone();
        let Some(oauth) = &self.oauth else { return settings };
        if takes("oauth") {
            settings.insert("oauth".to_owned(), Value::Table(oauth.clone()));
        } else if takes("token")
            && !settings.contains_key("token")
            && let Some(token) = oauth.get("access_token").or_else(|| oauth.get("token"))
        {
            // A connector that only knows a token gets the one of the table.
            settings.insert("token".to_owned(), token.clone());
        }
        settings
    }
}

impl<'de> Deserialize<'de> for Connection {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_map(Keys)
    }
}

struct Keys;

impl<'de> Visitor<'de> for Keys {
    type Value = Connection;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Connection, A::Error> {
        let mut c = Connection {
            name: String::new(),
            connector: String::new(),
            owner: None,
            shared: false,
            members: Vec::new(),
            enabled: true,
            writeback: Writeback::Off,
            since: None,
            horizon: None,
            content: None,
            exclude: Vec::new(),
            share: None,
            poll: POLL,
            oauth: None,
            settings: Table::new(),
        };
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "name" => c.name = map.next_value_seed(Leaf(Name::read))?,
                "connector" => c.connector = map.next_value_seed(Leaf(Name::read))?,
                "owner" => c.owner = Some(map.next_value_seed(Leaf(Email::read))?),
                "shared" => c.shared = map.next_value()?,
                "members" => c.members = map.next_value_seed(Leaf(list::<Email>))?,
                "enabled" => c.enabled = map.next_value()?,
                "writeback" => c.writeback = map.next_value()?,
                "since" => c.since = Some(map.next_value_seed(Leaf(SinceText::read))?),
                "horizon" => c.horizon = Some(map.next_value_seed(Leaf(SinceText::read))?),
                "content" => c.content = Some(map.next_value()?),
                "exclude" => c.exclude = map.next_value_seed(Leaf(list::<Exclusion>))?,
                "share" => c.share = Some(map.next_value()?),
                "poll" => c.poll = map.next_value_seed(Leaf(Every::read))?,
                "oauth" => c.oauth = Some(map.next_value()?),
                _ => {
                    c.settings.insert(key, map.next_value()?);
                }
            }
        }
        for (key, value) in [("name", &c.name), ("connector", &c.connector)] {
            if value.is_empty() {
                return Err(de::Error::custom(format!("missing field `{key}`")));
            }
        }
        Ok(c)
    }
}

fn list<R: Reading>(value: Value) -> Result<Vec<R::Out>, String> {
    match value {
        Value::Array(values) => values.into_iter().map(R::read).collect(),
        _ => Err("expected a list in brackets: [\"...\"]".to_owned()),
    }
}

/// Where a secret comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretFrom<'a> {
    Env(&'a str),
    File(&'a str),
    Sealed(&'a str),
}

/// A table such as `{ env = "NAME" }`.
pub fn secret_from(value: &Value) -> Option<SecretFrom<'_>> {
    let table = value.as_table().filter(|t| t.len() == 1)?;
    let (key, value) = table.iter().next()?;
    let name = value.as_str()?;
    match key.as_str() {
        "env" => Some(SecretFrom::Env(name)),
        "file" => Some(SecretFrom::File(name)),
        "secret" => Some(SecretFrom::Sealed(name)),
        _ => None,
    }
}

/// Where the named secrets of the database are looked up.
pub type Sealed<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A setting as JSON, its secrets looked up. The error says what to do and holds nothing of the secret.
pub fn resolve(value: &Value, base: &Path, sealed: Sealed<'_>) -> Result<Json, String> {
    if let Some(from) = secret_from(value) {
        return look_up(from, base, sealed).map(Json::String);
    }
    Ok(match value {
        Value::String(t) => Json::String(t.clone()),
        Value::Integer(n) => Json::from(*n),
        Value::Float(n) => Json::from(*n),
        Value::Boolean(b) => Json::Bool(*b),
        Value::Datetime(t) => Json::String(t.to_string()),
        Value::Array(list) => Json::Array(list.iter().map(|v| resolve(v, base, sealed)).collect::<Result<_, _>>()?),
        Value::Table(table) => {
            let pairs = table.iter().map(|(k, v)| Ok((k.clone(), resolve(v, base, sealed)?)));
            Json::Object(pairs.collect::<Result<_, String>>()?)
        }
    })
}

pub fn look_up(from: SecretFrom<'_>, base: &Path, sealed: Sealed<'_>) -> Result<String, String> {
    match from {
        SecretFrom::Env(name) => match std::env::var(name) {
            Ok(text) if !text.is_empty() => Ok(text),
            Ok(_) => Err(format!("the environment variable {name} is empty; set it before starting dealtrail")),
            Err(std::env::VarError::NotPresent) => {
                Err(format!("the environment variable {name} is not set; set it before starting dealtrail"))
            }
            Err(std::env::VarError::NotUnicode(_)) => Err(format!("the environment variable {name} is not UTF-8")),
        },
        SecretFrom::File(name) => {
            let path = base.join(name);
            let text = std::fs::read_to_string(&path)
                .map_err(|e| format!("the secret file {} cannot be read: {}", path.display(), plain(&e)))?;
            let text = text.strip_suffix('\n').unwrap_or(&text);
            let text = text.strip_suffix('\r').unwrap_or(text);
            if text.is_empty() {
                return Err(format!("the secret file {} is empty", path.display()));
            }
            Ok(text.to_owned())
        }
        SecretFrom::Sealed(name) => sealed(name).ok_or_else(|| {
            format!("no secret named {name} is stored; give it as {{ env = \"...\" }} or {{ file = \"...\" }}")
        }),
    }
}

/// Why a file cannot be read, without the system's error number.
pub fn plain(e: &std::io::Error) -> String {
    match e.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        std::io::ErrorKind::InvalidData => "it is not UTF-8".to_owned(),
        _ => e.to_string(),
    }
}
