//! Reads calendars that are files: one `.ics` file, a folder of them, or a feed on the web. It only reads.
//!
//! A connection has one stream. A resource is one UID of one file (`href#UID`), its items are the event's instances
//! inside the window. What cannot be read is never taken for empty: a broken file is reported and removes nothing.

mod feed;
mod files;
mod sheets;

use std::path::PathBuf;

use async_trait::async_trait;
use dealtrail_net::{http::Http, patience, tls::Trust};
use dealtrail_sdk::{
    Batch, Change, Cursor, Fault, FaultKind, Field, Gives, Kind, Need, Secret, Setup, Source, Stream, Window,
};
use serde::Deserialize;

use crate::{feed::Feed, files::Files};

/// The connector `ics`.
pub static KIND: Kind = Kind {
    name: "ics",
    title: "Calendar file, folder or feed (iCalendar)",
    gives: Gives::Calendar,
    local: false,
    settings: &[
        Field {
            name: "path",
            need: Need::Optional,
            help: "An .ics file, or a folder whose .ics files (and those one folder below) are read. This or `url`.",
        },
        Field {
            name: "url",
            need: Need::Optional,
            help: "Address of a feed: https:// or webcal://; http:// only on this machine. This or `path`.",
        },
        Field {
            name: "username",
            need: Need::Optional,
            help: "Name to sign in to the feed with, where it asks for one.",
        },
        Field { name: "password", need: Need::Secret, help: "Password of the feed." },
        Field {
            name: "ca_file",
            need: Need::Optional,
            help: "PEM file of the certificate authority to trust as well.",
        },
        Field {
            name: "fingerprint",
            need: Need::Optional,
            help: "SHA-256 of the one server certificate to trust, in hexadecimal digits.",
        },
        patience::FIELD,
        Field {
            name: "daily_bytes",
            need: Need::Optional,
            help: "Bytes of the feed in 24 hours at most, 0 for no limit; default 1 GiB, from this machine none.",
        },
    ],
    connect,
};

#[derive(Deserialize)]
struct Settings {
    path: Option<PathBuf>,
    url: Option<String>,
    username: Option<String>,
    password: Option<Secret>,
    ca_file: Option<PathBuf>,
    fingerprint: Option<String>,
    timeout: Option<f64>,
    daily_bytes: Option<u64>,
}

fn connect(setup: Setup) -> Result<Box<dyn Source>, Fault> {
    let settings: Settings = setup.settings.read()?;
    let malformed = |what: &str| Err(Fault::new(FaultKind::Malformed, what));
    match (settings.path, settings.url) {
        (Some(path), None) => Ok(Box::new(Ics::Files(Files::new(setup.base.join(path), setup.zone)))),
        (None, Some(url)) => {
            let trust =
                Trust { ca_file: settings.ca_file.map(|f| setup.base.join(f)), fingerprint: settings.fingerprint };
            let login = feed::login(settings.username, settings.password)?;
            let limits = feed::limits(patience::read(settings.timeout)?);
            let http = Http::new(&trust, &login, feed::address(&url)?, limits)?.daily_bytes(settings.daily_bytes);
            let feed = Feed::new(http, &url, setup.zone, setup.clock)?;
            Ok(Box::new(Ics::Feed(Box::new(feed))))
        }
        (Some(_), Some(_)) => malformed("`path` and `url` exclude each other: keep one of them"),
        (None, None) => malformed("set `path` to an .ics file or a folder of them, or `url` to a feed"),
    }
}

enum Ics {
    Files(Files),
    Feed(Box<Feed>),
}

#[async_trait]
impl Source for Ics {
    async fn streams(&self) -> Result<Vec<Stream>, Fault> {
        let name = match self {
            Self::Files(files) => files.check().await?,
            Self::Feed(feed) => feed.check().await?,
        };
        Ok(vec![Stream { id: name.clone(), name, role: None }])
    }

    async fn pull(&self, _: &Stream, cursor: Option<&Cursor>, window: &Window) -> Result<Batch, Fault> {
        match self {
            Self::Files(files) => files.pull(window).await,
            Self::Feed(feed) => feed.pull(cursor, window).await,
        }
    }

    async fn fetch(&self, _: &Stream, resources: &[String], window: &Window) -> Result<Vec<Change>, Fault> {
        if resources.is_empty() {
            return Ok(Vec::new());
        }
        match self {
            Self::Files(files) => files.fetch(resources, window).await,
            Self::Feed(feed) => feed.fetch(resources, window).await,
        }
    }
}
