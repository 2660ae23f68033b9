//! The settings of one IMAP connection, checked before anything is reached.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use dealtrail_net::{budget::Limits, patience, tls::Trust};
use dealtrail_sdk::{Fault, FaultKind, Field, Need, Secret, Setup, folders::FolderChoice};
use serde::Deserialize;

const fn field(name: &'static str, need: Need, help: &'static str) -> Field {
    Field { name, need, help }
}

/// Every key, for forms and for checks.
pub const FIELDS: &[Field] = &[
    field("host", Need::Required, "Name of the IMAP server."),
    field("port", Need::Optional, "Port; 993 with tls = \"implicit\" (the default), else 143."),
    field("tls", Need::Optional, "implicit (default), starttls, or none (only to this machine)."),
    field("ca_file", Need::Optional, "PEM file with the certificate of an issuer of your own."),
    field("fingerprint", Need::Optional, "SHA-256 of the server's certificate: only this one is believed then."),
    field("username", Need::Required, "Name to sign in with, often the whole address."),
    field("password", Need::Secret, "Password, or app password where sign-in takes two steps."),
    field("auth", Need::Optional, "login (default: by what the server offers), plain, xoauth2 or oauthbearer."),
    field("token", Need::Secret, "Access token for auth = \"xoauth2\" or \"oauthbearer\"."),
    field("folders", Need::Optional, "{ include = [...], exclude = [...] }; default: all but drafts, spam, trash."),
    field("connections", Need::Optional, "Connections at the same time; default 3."),
    field("connections_per_minute", Need::Optional, "New connections in any minute; default 10, to this machine 600."),
    field("daily_bytes", Need::Optional, "Bytes read in 24 hours; default 1 GiB, 0 for no limit."),
    patience::FIELD,
    field("compress", Need::Optional, "auto (default: on slow links), on or off."),
    field("allow_insecure", Need::Optional, "true: tls = \"none\" to another machine; the password can be overheard."),
];

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    #[default]
    Implicit,
    Starttls,
    None,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Auth {
    #[default]
    Login,
    Plain,
    Xoauth2,
    Oauthbearer,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compress {
    #[default]
    Auto,
    On,
    Off,
}

#[derive(Deserialize)]
struct Raw {
    host: String,
    port: Option<u16>,
    #[serde(default)]
    tls: Tls,
    ca_file: Option<PathBuf>,
    fingerprint: Option<String>,
    username: String,
    password: Option<Secret>,
    #[serde(default)]
    auth: Auth,
    token: Option<Secret>,
    #[serde(default)]
    folders: FolderChoice,
    connections: Option<u32>,
    connections_per_minute: Option<u32>,
    daily_bytes: Option<u64>,
    timeout: Option<f64>,
    #[serde(default)]
    compress: Compress,
    #[serde(default)]
    allow_insecure: bool,
}

/// Settings that can be used.
#[derive(Clone)]
pub struct Settings {
    pub host: String,
    pub port: u16,
    pub tls: Tls,
    pub trust: Trust,
    pub username: String,
    /// The password, or the token where `auth` asks for one.
    pub secret: Secret,
    pub auth: Auth,
    pub folders: FolderChoice,
    pub limits: Limits,
    pub patience: Duration,
    pub compress: Compress,
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Settings({} {:?} {:?})", self.place(), self.tls, self.auth)
    }
}

impl Settings {
    /// Reads and checks the settings.
    ///
    /// # Errors
    /// [`FaultKind::Malformed`] with the setting that is wrong.
    pub fn read(setup: &Setup) -> Result<Self, Fault> {
        let raw: Raw = setup.settings.read()?;
        let wrong = |what: String| Err(Fault::new(FaultKind::Malformed, what));
        let host = raw.host.trim().to_owned();
        if host.is_empty() || host.contains(|c: char| c.is_whitespace() || c == '/') {
            return wrong("`host` must be the name of a server, such as imap.example.com".into());
        }
        let local = is_loopback(&host);
        if raw.tls == Tls::None && !local && !raw.allow_insecure {
            return wrong(format!(
                "`tls = \"none\"` would send the password to {host} for everyone to read: use implicit or starttls, \
                 or set `allow_insecure = true`"
            ));
        }
        let (secret, name) = match raw.auth {
            Auth::Login | Auth::Plain => (raw.password, "password"),
            Auth::Xoauth2 | Auth::Oauthbearer => (raw.token, "token"),
        };
        let Some(secret) = secret.filter(|s| !s.reveal().is_empty()) else {
            return wrong(format!("`{name}` is missing: signing in to {host} needs it"));
        };
        if [raw.username.as_str(), secret.reveal()].iter().any(|t| t.contains(['\0', '\r', '\n'])) {
            return wrong(format!(
                "`username` and `{name}` must be one line (does the secret's file end in an empty line?)"
            ));
        }
        let usual = if local { Limits::local() } else { Limits::default() };
        let limits = Limits {
            connections: raw.connections.unwrap_or(usual.connections).max(1),
            per_minute: raw.connections_per_minute.unwrap_or(usual.per_minute).max(1),
            daily_bytes: raw.daily_bytes.unwrap_or(usual.daily_bytes),
        };
        Ok(Self {
            port: raw.port.unwrap_or(if raw.tls == Tls::Implicit { 993 } else { 143 }),
            trust: Trust { ca_file: raw.ca_file.map(|p| setup.base.join(p)), fingerprint: raw.fingerprint },
            host,
            tls: raw.tls,
            username: raw.username,
            secret,
            auth: raw.auth,
            folders: raw.folders,
            limits,
            patience: patience::read(raw.timeout)?,
            compress: raw.compress,
        })
    }

    /// What messages call the server.
    pub fn place(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
pub mod tests {
    use std::sync::Arc;

    use dealtrail_sdk::{Clock, Settings as Given};
    use serde_json::{Value, json};

    use super::*;

    #[derive(Debug)]
    struct Now;
    impl Clock for Now {
        fn now(&self) -> chrono::DateTime<chrono::Utc> {
            chrono::DateTime::from_timestamp(1_800_000_000, 0).expect("a time")
        }
    }

    pub fn setup(mut settings: Value) -> Setup {
        let defaults = json!({"host": "127.0.0.1", "username": "ana", "password": "secret", "tls": "none"});
        for (key, value) in defaults.as_object().expect("an object") {
            if settings.get(key).is_none() {
                settings[key] = value.clone();
            }
        }
        Setup {
            connection: "ana-mail".into(),
            settings: Given(settings.as_object().expect("an object").clone()),
            base: "/etc/dealtrail".into(),
            zone: chrono_tz::UTC,
            clock: Arc::new(Now),
        }
    }

    fn read(settings: Value) -> Result<Settings, Fault> {
        Settings::read(&setup(settings))
    }

    #[test]
    fn defaults_follow_the_kind_of_tls() {
        for (tls, port) in [("implicit", 993), ("starttls", 143), ("none", 143)] {
            assert_eq!(read(json!({"tls": tls})).expect(tls).port, port);
        }
        let far = read(json!({"host": "imap.example", "tls": "implicit", "ca_file": "ca.pem"})).expect("settings");
        assert_eq!(far.limits, Limits::default());
        assert_eq!(far.trust.ca_file.as_deref(), Some(std::path::Path::new("/etc/dealtrail/ca.pem")));
    }

    #[test]
    fn what_cannot_work_is_said_before_connecting() {
        for (settings, word) in [
            (json!({"host": "imap.example"}), "allow_insecure"),
            (json!({"host": "not a host"}), "host"),
            (json!({"password": ""}), "password"),
            (json!({"auth": "xoauth2"}), "token"),
            (json!({"auth": "md5"}), "md5"),
            (json!({"password": "two\nlines"}), "one line"),
            (json!({"folders": {"exlude": []}}), "exlude"),
            (json!({"timeout": 0}), "timeout"),
        ] {
            let fault = read(settings.clone()).expect_err("refused");
            assert_eq!(fault.kind, FaultKind::Malformed, "{settings}");
            assert!(fault.what.contains(word), "{settings}: {}", fault.what);
        }
        assert!(read(json!({"host": "imap.example", "allow_insecure": true})).is_ok());
        assert!(read(json!({"host": "::1"})).is_ok());
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?}", read(json!({"password": "hunter2"})).expect("settings"));
        assert!(!shown.contains("hunter2") && !shown.contains("ana"), "{shown}");
    }
}
