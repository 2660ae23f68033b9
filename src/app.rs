//! The only place that builds everything from the configuration: store, engine, connections. Tests start the real thing
//! through it.

use std::{
    collections::{BTreeSet, HashMap},
    net::SocketAddr,
    sync::Arc,
};

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use dealtrail_sdk::{Clock, Gives, Setup};
use regex::Regex;

use crate::{
    config::{self, Config},
    domain::{
        address,
        capture::Policy,
        competitors::Competitors,
        directory::{Directory, Ours, User},
        documents::Documents,
        thresholds::GapSettings,
        working::WorkCalendar,
    },
    engine::{
        Connection, Engine, pass,
        rules::{Level, Rules},
    },
    registry,
    store::{
        Store,
        connections::{self, State},
        people::Person,
    },
    web,
};

/// Everything, built and ready.
#[derive(Debug)]
pub struct App {
    pub config: Config,
    pub store: Store,
    pub clock: Arc<dyn Clock>,
    pub engine: Arc<Engine>,
    /// Connections that cannot even be tried, each with one sentence.
    pub unusable: Vec<(String, String)>,
}

impl App {
    /// Opens the database and builds the connections; reaches no other system.
    ///
    /// # Errors
    /// When the database cannot be opened.
    pub async fn open(config: Config, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        Self::build(config, clock, true).await
    }

    /// The same without noting the configured connections: what is only looked at stays as it is.
    ///
    /// # Errors
    /// When the database cannot be opened.
    pub async fn look(config: Config, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        Self::build(config, clock, false).await
    }

    async fn build(config: Config, clock: Arc<dyn Clock>, noting: bool) -> anyhow::Result<Self> {
        let store = Store::open(&config.database_url()).await.with_context(|| {
            let url = shown_url(&config.database.url);
            format!(
                "the database {url} could not be opened; its folder must exist and be writable, or its server answer"
            )
        })?;
        let people = store.people().await?;
        let rules = rules(&config, &people)?;
        let now = clock.now();
        let wanted: Vec<connections::Connection> = config
            .connections
            .iter()
            .filter(|c| c.enabled)
            .filter_map(|c| stored(&config, c, &rules.ours, now))
            .collect();
        if noting {
            store.configure(&wanted).await?;
        }
        let since: HashMap<String, DateTime<Utc>> =
            store.connections().await?.into_iter().map(|c| (c.name, c.since)).collect();
        let crms = wanted.iter().filter(|c| c.gives == "crm").count();
        let mut built = Vec::new();
        let mut unusable = Vec::new();
        for c in config.connections.iter().filter(|c| c.enabled) {
            match connect(&config, c, &rules, &since, crms > 1, &clock) {
                Ok(connection) => built.push(Arc::new(connection)),
                Err(why) => unusable.push((c.name.clone(), why)),
            }
        }
        let engine = Arc::new(Engine::new(store.clone(), clock.clone(), rules, built).await?);
        Ok(Self { config, store: store.aside(), clock, engine, unusable })
    }

    /// Notes connections that cannot be tried, so that `status` shows them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_unusable(&self) -> anyhow::Result<()> {
        let now = self.clock.now();
        for (name, why) in &self.unusable {
            let next = now + chrono::TimeDelta::hours(1);
            self.store.connection_failed(name, State::NeedsAction, why, now, next).await?;
        }
        Ok(())
    }

    /// What the pages need of all this.
    pub fn given(&self) -> web::Given<'_> {
        web::Given {
            config: &self.config,
            store: self.store.clone(),
            clock: self.clock.clone(),
            running: self.engine.clone(),
        }
    }

    /// The pages, bound to their address and not yet served.
    ///
    /// # Errors
    /// When the address is not on this machine only, or is taken.
    pub async fn page(&self, listen: SocketAddr) -> anyhow::Result<web::Page> {
        web::Page::open(self.given(), listen).await
    }

    /// What another configuration judges by.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rules_of(&self, config: &Config) -> anyhow::Result<Rules> {
        rules(config, &self.store.people().await?)
    }

    /// Signs out everywhere at once and closes the database.
    pub async fn close(&self) {
        pass::sign_out(self.engine.connections.clone()).await;
        self.store.db.close().await;
    }
}

impl web::Running for Engine {
    fn directory(&self) -> Arc<Directory> {
        self.known().directory.clone()
    }
    fn calendar(&self) -> &WorkCalendar {
        &self.rules.organization
    }
    fn calendars(&self) -> &HashMap<String, WorkCalendar> {
        &self.rules.calendars
    }
    fn thresholds(&self) -> &GapSettings {
        &self.rules.thresholds
    }
}

/// A database URL without a password.
fn shown_url(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://...@{host}"),
        _ => url.to_owned(),
    }
}

fn stored(config: &Config, c: &config::Connection, ours: &Ours, now: DateTime<Utc>) -> Option<connections::Connection> {
    let kind = registry::kind(&c.connector)?;
    let owner = c.owner.as_deref().and_then(|o| address::fold(o, &ours.subaddress));
    let capture = config.capture_of(c);
    let calendar = config.calendar_of(c.owner.as_deref());
    Some(connections::Connection {
        name: c.name.clone(),
        connector: c.connector.clone(),
        gives: gives(kind.gives).to_owned(),
        owner,
        since: capture.since.before(now, &calendar),
        since_text: capture.since.to_string(),
        state: State::New,
        failures: 0,
        next_due: now,
        last_success: None,
        last_error: None,
        last_error_at: None,
        removed: false,
        content: level(capture.content),
    })
}

fn level(kept: config::Level) -> Level {
    match kept {
        config::Level::Metadata => Level::Metadata,
        config::Level::Subject => Level::Subject,
        config::Level::Text => Level::Text,
    }
}

pub fn gives(gives: Gives) -> &'static str {
    match gives {
        Gives::Mail => "mail",
        Gives::Calendar => "calendar",
        Gives::Crm => "crm",
    }
}

fn connect(
    config: &Config,
    c: &config::Connection,
    rules: &Rules,
    since: &HashMap<String, DateTime<Utc>>,
    several_crms: bool,
    clock: &Arc<dyn Clock>,
) -> Result<Connection, String> {
    let kind = registry::kind(&c.connector).ok_or_else(|| format!("there is no connector `{}`", c.connector))?;
    let settings = config.connection_settings(&c.name).map_err(|e| e.to_string())?;
    let calendar = config.calendar_of(c.owner.as_deref());
    let capture = config.capture_of(c);
    let zone = calendar.zone;
    let setup = Setup { connection: c.name.clone(), settings, base: config.base.clone(), zone, clock: clock.clone() };
    let source = (kind.connect)(setup).map_err(|fault| fault.what)?;
    let fold = |text: &String| address::fold(text, &rules.ours.subaddress);
    Ok(Connection {
        name: c.name.clone(),
        gives: kind.gives,
        owner: c.owner.as_ref().and_then(fold),
        source,
        policy: Policy {
            since: since.get(&c.name).copied().unwrap_or_default(),
            until: c.owner.as_ref().and_then(fold).and_then(|o| left(&rules.ours, &o)),
            exclude: capture.exclude.clone(),
            documents: documents(config, &rules.ours),
        },
        members: c.members.iter().filter_map(fold).collect(),
        content: level(capture.content),
        horizon: capture.horizon.after(clock.now(), &calendar) - clock.now(),
        clock: clock.clone(),
        zone,
        poll: c.poll,
        prefix: (several_crms && kind.gives == Gives::Crm).then(|| c.name.clone()),
    })
}

fn left(ours: &Ours, owner: &str) -> Option<DateTime<Utc>> {
    ours.users.iter().find(|u| u.email == owner).and_then(|u| u.until)
}

fn documents(config: &Config, ours: &Ours) -> Documents {
    let d = &config.documents;
    Documents {
        quote: d.quote.clone(),
        order: d.order.clone(),
        contract: d.contract.clone(),
        portals: d
            .portals
            .iter()
            .map(|p| address::fold(p, &ours.subaddress).unwrap_or_else(|| address::fold_domain(p)))
            .collect(),
    }
}

/// The rules of the configuration, with the people of the database added to those of the file.
///
/// # Errors
/// When `matching.deal_code` is no pattern; the configuration's own check comes first.
pub fn rules(config: &Config, people: &[Person]) -> anyhow::Result<Rules> {
    let ours = ours(config, people);
    let deal_code = config.matching.deal_code.as_deref().map(Regex::new).transpose().context("matching.deal_code")?;
    let calendars: HashMap<String, WorkCalendar> =
        ours.users.iter().map(|u| (u.email.clone(), config.calendar_of(Some(&u.email)))).collect();
    let mut fingerprint = config.fingerprint();
    for p in people {
        fingerprint.push_str(&format!(" {} {:?}", p.email, p.aliases));
    }
    for c in &config.connections {
        fingerprint.push_str(&format!(" {} {:?}", c.name, config.capture_of(c).content));
    }
    let fingerprint = blake3::hash(fingerprint.as_bytes()).to_hex().to_string();
    Ok(Rules {
        ours,
        deal_code,
        competitors: Competitors::new(&config.competitors.names),
        fingerprint,
        thresholds: config.gaps.clone(),
        organization: config.calendar_of(None),
        calendars,
        waiting_days: i64::from(config.privacy.waiting_days),
    })
}

fn ours(config: &Config, people: &[Person]) -> Ours {
    let subaddress = config.matching.subaddress.clone();
    let fold = |text: &String| address::fold(text, &subaddress).unwrap_or_else(|| text.trim().to_lowercase());
    let managers: BTreeSet<String> = config.teams.iter().filter_map(|t| t.manager.as_ref()).map(fold).collect();
    let mut users: Vec<User> = Vec::new();
    for u in &config.users {
        let email = fold(&u.email);
        users.push(User {
            name: u.name.clone().unwrap_or_else(|| u.email.clone()),
            team: u.team.clone(),
            manager: managers.contains(&email) || u.role == config::UserRole::Manager,
            aliases: u.aliases.iter().map(fold).collect(),
            until: u.until.map(|day| config.calendar_of(Some(&u.email)).end_of(day)),
            email,
        });
    }
    for p in people.iter().filter(|p| !config.users.iter().any(|u| fold(&u.email) == p.email)) {
        users.push(User {
            email: p.email.clone(),
            name: p.name.clone(),
            team: p.team.clone(),
            manager: p.role == "manager",
            aliases: p.aliases.clone(),
            until: None,
        });
    }
    let plain = |list: &[String]| {
        list.iter().map(|d| if d.contains('@') { fold(d) } else { address::fold_domain(d) }).collect()
    };
    Ours {
        domains: config.organization.domains.iter().map(|d| address::fold_domain(d)).collect(),
        external: plain(&config.organization.external),
        partner_domains: config.partners.iter().flat_map(|p| &p.domains).map(|d| address::fold_domain(d)).collect(),
        free_mail: config.matching.free_mail.iter().map(|d| address::fold_domain(d)).collect(),
        subaddress: subaddress.clone(),
        users,
    }
}
