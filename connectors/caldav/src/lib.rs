//! Reads CalDAV calendars (RFC 4791), and only reads: PROPFIND, REPORT and GET are all it ever says.
//!
//! A stream is a calendar, a resource is a calendar object (one href), its items are the instances of its events inside
//! the window. It never writes an event, answers an invitation or marks anything. `README.md` says what it relies on.

mod dav;
mod discover;
mod objects;
mod sync;
mod xml;

/// What tests outside of this crate throw hostile bytes at. No part of the contract.
#[doc(hidden)]
pub mod inside {
    pub use crate::xml::{Multistatus, Props, Reply, multistatus};
}

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use dav::Dav;
use dealtrail_net::{
    http::{Http, Limits, Login, address},
    patience,
    tls::Trust,
};
use dealtrail_sdk::{
    Batch, Change, Clock, Cursor, Fault, FaultKind, Field, Gives, Kind, Need, Secret, Setup, Source, Stream, Window,
};
use discover::Place;
use serde::Deserialize;

/// The connector.
pub static KIND: Kind = Kind {
    name: "caldav",
    title: "CalDAV calendars",
    gives: Gives::Calendar,
    local: false,
    settings: SETTINGS,
    connect,
};

const SETTINGS: &[Field] = &[
    Field {
        name: "url",
        need: Need::Required,
        help: "Address of the server, the account, its calendars or one calendar; the rest is found from there.",
    },
    Field { name: "username", need: Need::Optional, help: "Name to sign in with; wanted with `password`." },
    Field { name: "password", need: Need::Secret, help: "Password; many providers want an app password here." },
    Field { name: "token", need: Need::Secret, help: "OAuth access token, in place of user name and password." },
    Field {
        name: "calendars",
        need: Need::Optional,
        help: "Which calendars, by name: { include = [...], exclude = [...] }. Default: all that may hold events.",
    },
    Field { name: "ca_file", need: Need::Optional, help: "PEM file of the certificate authority to trust as well." },
    Field {
        name: "fingerprint",
        need: Need::Optional,
        help: "SHA-256 of the one server certificate to trust, in hexadecimal digits.",
    },
    Field {
        name: "allow_insecure",
        need: Need::Optional,
        help: "true: plain http:// to other machines too. Default: false, only to this machine.",
    },
    patience::FIELD,
    Field {
        name: "daily_bytes",
        need: Need::Optional,
        help: "Bytes received in 24 hours at most, 0 for no limit; default 1 GiB, to this machine none.",
    },
];

/// Providers that keep an account's calendars on other hosts of their own.
const PROVIDERS: &[&str] = &["icloud.com"];

#[derive(Deserialize)]
struct Account {
    url: String,
    username: Option<String>,
    password: Option<Secret>,
    token: Option<Secret>,
    #[serde(default)]
    calendars: Choice,
    ca_file: Option<PathBuf>,
    fingerprint: Option<String>,
    #[serde(default)]
    allow_insecure: bool,
    timeout: Option<f64>,
    daily_bytes: Option<u64>,
}

/// Which calendars are read, by the name that people see.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Choice {
    include: Option<Vec<String>>,
    #[serde(default)]
    exclude: Vec<String>,
}

impl Choice {
    fn takes(&self, name: &str) -> bool {
        let listed = |names: &[String]| names.iter().any(|n| n.trim().to_lowercase() == name.trim().to_lowercase());
        self.include.as_deref().is_none_or(listed) && !listed(&self.exclude)
    }
}

fn connect(setup: Setup) -> Result<Box<dyn Source>, Fault> {
    let account: Account = setup.settings.read()?;
    let login = login(account.username, account.password, account.token)?;
    let home = address(&account.url)?;
    let trust = Trust { ca_file: account.ca_file.map(|f| setup.base.join(f)), fingerprint: account.fingerprint };
    let limits = Limits { allow_insecure: account.allow_insecure, ..Limits::default() };
    let limits = limits.patience(patience::read(account.timeout)?);
    let http = Http::new(&trust, &login, home.clone(), limits)?.family(PROVIDERS).daily_bytes(account.daily_bytes);
    let dav = Dav::new(http, home);
    let (places, told) = (Mutex::default(), Mutex::default());
    Ok(Box::new(Calendars { dav, choice: account.calendars, zone: setup.zone, clock: setup.clock, places, told }))
}

/// What the list of calendars told of them is believed for so long.
const FRESH: Duration = Duration::from_secs(60);
/// After so long the calendars are searched for from the configured address again.
const SEARCH_AGAIN: Duration = Duration::from_secs(3600);

fn login(username: Option<String>, password: Option<Secret>, token: Option<Secret>) -> Result<Login, Fault> {
    let malformed = |what: &str| Err(Fault::new(FaultKind::Malformed, what));
    match (username, password, token) {
        (_, None, Some(token)) => Ok(Login::Bearer(token)),
        (Some(user), Some(password), None) => Ok(Login::Basic { user, password }),
        (None, None, None) => Ok(Login::None),
        (_, Some(_), Some(_)) => malformed("`password` and `token` exclude each other: keep one of them"),
        (Some(_), None, None) => malformed("`username` is set, but no `password`"),
        (None, Some(_), None) => malformed("`password` is set, but no `username`"),
    }
}

/// The calendars of one account.
struct Calendars {
    dav: Dav,
    choice: Choice,
    zone: chrono_tz::Tz,
    clock: Arc<dyn Clock>,
    /// Where the calendars were found, and when.
    places: Mutex<Option<(Vec<Place>, Instant)>>,
    /// How far each calendar was when they were listed last, until it is used.
    told: Mutex<HashMap<String, Told>>,
}

struct Told {
    token: Option<String>,
    at: DateTime<Utc>,
    asked: Instant,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Calendars {
    /// The account's calendars; in the list of them the server tells which of them changed.
    async fn find(&self) -> Result<Vec<Stream>, Fault> {
        let (at, asked) = (self.clock.now(), Instant::now());
        // Put back when all went well only: after a fault they are searched for.
        let known = lock(&self.places).take().filter(|(_, since)| since.elapsed() < SEARCH_AGAIN);
        let before = known.as_ref().map_or(&[][..], |(places, _)| places);
        let (found, places) = discover::calendars(&self.dav, before).await?;
        let since = known.filter(|(before, _)| *before == places).map_or(asked, |(_, since)| since);
        *lock(&self.places) = Some((places, since));
        let told = found.iter().map(|f| (f.stream.id.clone(), Told { token: f.token.clone(), at, asked }));
        *lock(&self.told) = told.collect();
        Ok(found.into_iter().map(|f| f.stream).collect())
    }

    fn step<'a>(&'a self, stream: &Stream, window: &'a Window) -> Result<sync::Step<'a>, Fault> {
        let today = self.clock.now().date_naive();
        Ok(sync::Step { dav: &self.dav, calendar: self.dav.url(&stream.id)?, zone: self.zone, today, window })
    }
}

#[async_trait]
impl Source for Calendars {
    async fn streams(&self) -> Result<Vec<Stream>, Fault> {
        let mut all = self.find().await?;
        let found = all.len();
        all.retain(|stream| self.choice.takes(&stream.name));
        if all.is_empty() && found > 0 && self.choice.include.is_some() {
            let what =
                format!("none of the account's {found} calendars is chosen by `calendars`: check the names in it");
            return Err(Fault::new(FaultKind::Missing, what));
        }
        Ok(all)
    }

    async fn pull(&self, stream: &Stream, cursor: Option<&Cursor>, window: &Window) -> Result<Batch, Fault> {
        let step = self.step(stream, window)?;
        let progress = cursor.and_then(sync::Progress::read);
        let told = lock(&self.told).remove(&stream.id).filter(|t| t.asked.elapsed() < FRESH);
        if let (Some(progress), Some(told)) = (&progress, told)
            && progress.stands(told.token.as_deref(), step.today)
        {
            return Ok(Batch { cursor: cursor.cloned(), as_of: Some(told.at), ..Batch::default() });
        }
        step.take(progress).await
    }

    async fn fetch(&self, stream: &Stream, resources: &[String], window: &Window) -> Result<Vec<Change>, Fault> {
        self.step(stream, window)?.fetch(resources).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calendars_are_chosen_by_name() {
        let choice = |json: &str| serde_json::from_str::<Choice>(json).expect("a choice");
        for (json, name, taken) in [
            ("{}", "Work", true),
            (r#"{"include":["work"]}"#, " Work", true),
            (r#"{"include":["Work"]}"#, "Home", false),
            (r#"{"include":[]}"#, "Work", false),
            (r#"{"exclude":["WORK"]}"#, "Work", false),
            (r#"{"include":["Work"],"exclude":["Work"]}"#, "Work", false),
            (r#"{"exclude":["Geburtstage"]}"#, "Work", true),
        ] {
            assert_eq!(choice(json).takes(name), taken, "{json} {name}");
        }
    }

    #[test]
    fn ways_to_sign_in() {
        let some = |there: bool| there.then(|| Secret::new("x"));
        for (user, password, token, fine) in [
            (false, false, false, true),
            (true, true, false, true),
            (false, false, true, true),
            (true, false, true, true),
            (true, false, false, false),
            (false, true, false, false),
            (true, true, true, false),
        ] {
            let user = user.then(|| "ana".to_string());
            assert_eq!(login(user, some(password), some(token)).is_ok(), fine);
        }
    }
}
