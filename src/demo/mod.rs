//! The sample company: mail, calendars and a CRM export on disk whose dates lie around today, for `dealtrail demo`.
//!
//! Sixty deals, most of them in order, each kind of gap planted on a few on purpose. The same day and seed give the
//! same company. It writes only into a folder that is empty or that it wrote itself, reads no clock, opens no
//! connection and knows nothing of the rest of the program: the ordinary connectors read what it writes.

mod acts;
mod cast;
mod chaff;
mod crm;
mod diary;
mod dice;
mod disk;
mod encode;
#[cfg(test)]
mod judge;
#[cfg(test)]
mod ledger;
mod letter;
mod noise;
mod oddities;
mod office;
mod party;
mod phrases;
mod plan;
mod plot;
mod post;
#[cfg(test)]
mod reading;
mod routine;
mod say_de;
mod say_en;
mod say_es;
mod say_fr;
mod settings;
mod side;
mod story;
#[cfg(test)]
mod tests;
mod world;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use chrono::{DateTime, Duration, SecondsFormat, Utc};

use self::cast::OURS;
use self::dice::Dice;
use self::office::Office;
use self::world::{Party, World};

/// The file by which a folder is known as ours.
pub const MARKER: &str = ".dealtrail-demo";
/// Raised when the company changes: what an older program wrote is written anew.
const VERSION: u32 = 1;
/// After this time the dates no longer lie around today.
const FRESH_HOURS: i64 = 24;

/// What was written.
#[derive(Clone, Debug)]
pub struct Company {
    pub config: PathBuf,
    /// What is worth looking at, the findings of today's rules first.
    pub highlights: Vec<Highlight>,
    /// Files in the mailboxes.
    pub mails: usize,
    /// Entries in the calendars, a series counted once.
    pub events: usize,
    pub deals: usize,
    /// Address, name and role of everybody who can sign in.
    pub people: Vec<(String, String, String)>,
    /// The moment around which the dates lie.
    pub made_at: DateTime<Utc>,
}

/// One planted deal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Highlight {
    pub deal_id: String,
    pub deal_name: String,
    pub company: String,
    /// The rule that finds it.
    pub planted: &'static str,
    /// `open` or `unknown`.
    pub state: &'static str,
    /// One sentence: what is worth looking at.
    pub why: String,
}

/// Uses the company that lies there, or writes it when there is none or its dates are too old.
/// The second value is true when it was written now: then the database beside it is gone as well.
///
/// # Errors
/// The folder holds something else, or cannot be written.
pub fn prepare(dir: &Path, now: DateTime<Utc>, seed: u64) -> anyhow::Result<(Company, bool)> {
    match existing(dir)? {
        Some(company) if !is_stale(&company, now) => Ok((company, false)),
        _ => Ok((write(dir, now, seed)?, true)),
    }
}

/// True when the dates no longer lie around `now`.
#[must_use]
pub fn is_stale(company: &Company, now: DateTime<Utc>) -> bool {
    let age = now - company.made_at;
    age >= Duration::hours(FRESH_HOURS) || age < Duration::hours(-1)
}

/// The company that an earlier call wrote completely into this folder.
///
/// # Errors
/// The marker cannot be read.
pub fn existing(dir: &Path) -> anyhow::Result<Option<Company>> {
    let path = dir.join(MARKER);
    if !path.is_file() {
        return Ok(None);
    }
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let Some(marker) = Marker::parse(&text) else { return Ok(None) };
    let whole = ["dealtrail.toml", "mail", "cal", "crm"].iter().all(|name| dir.join(name).exists());
    if marker.version != VERSION || !whole {
        return Ok(None);
    }
    let (office, world) = build(marker.now, marker.seed);
    Ok(Some(company(dir, &office, &world, marker.mails, marker.events)))
}

/// Writes the company. A folder that we wrote before is emptied first, of our files only: configuration, mail,
/// calendars, CRM export and the database made from them.
///
/// # Errors
/// The folder holds something else, or cannot be written.
pub fn write(dir: &Path, now: DateTime<Utc>, seed: u64) -> anyhow::Result<Company> {
    let now = DateTime::from_timestamp(now.timestamp(), 0).unwrap_or(now);
    make_room(dir)?;
    let marker = dir.join(MARKER);
    // Known as ours from the first moment, complete only at the end.
    fs::write(&marker, "incomplete\n").with_context(|| format!("writing {}", marker.display()))?;
    let (office, world) = build(now, seed);
    let mails = disk::mail(&dir.join("mail"), &office, &world)?;
    let events = disk::calendars(&dir.join("cal"), &world)?;
    crm::write(&dir.join("crm"), &office, &world)?;
    let config = dir.join("dealtrail.toml");
    fs::write(&config, settings::text(&office)).with_context(|| format!("writing {}", config.display()))?;
    let text = Marker { version: VERSION, seed, now, mails, events }.text();
    fs::write(&marker, text).with_context(|| format!("writing {}", marker.display()))?;
    Ok(company(dir, &office, &world, mails, events))
}

/// What the marker says: version, seed, moment and counts.
struct Marker {
    version: u32,
    seed: u64,
    now: DateTime<Utc>,
    mails: usize,
    events: usize,
}

impl Marker {
    fn text(&self) -> String {
        let now = self.now.to_rfc3339_opts(SecondsFormat::Secs, true);
        format!(
            "version={}\nseed={}\nnow={now}\nmails={}\nevents={}\n",
            self.version, self.seed, self.mails, self.events
        )
    }

    fn parse(text: &str) -> Option<Self> {
        let value = |key: &str| text.lines().find_map(|l| l.strip_prefix(key)?.strip_prefix('='));
        Some(Self {
            version: value("version")?.parse().ok()?,
            seed: value("seed")?.parse().ok()?,
            now: value("now")?.parse().ok()?,
            mails: value("mails")?.parse().ok()?,
            events: value("events")?.parse().ok()?,
        })
    }
}

/// Makes the folder, or empties one of ours.
fn make_room(dir: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(dir).with_context(|| format!("creating {}", dir.display()))?;
    let ours = dir.join(MARKER).is_file();
    let mut entries = fs::read_dir(dir).with_context(|| format!("reading {}", dir.display()))?;
    if !ours {
        if entries.next().is_some() {
            bail!(
                "writing the sample company into {}: the folder is not empty and was not made by `dealtrail demo`; \
                 name an empty or a new one with --dir",
                dir.display()
            );
        }
        return Ok(());
    }
    for name in ["mail", "cal", "crm"] {
        let path = dir.join(name);
        if path.exists() {
            fs::remove_dir_all(&path).with_context(|| format!("removing {}", path.display()))?;
        }
    }
    for name in ["dealtrail.toml", "dealtrail.db", "dealtrail.db-wal", "dealtrail.db-shm"] {
        let path = dir.join(name);
        if path.exists() {
            fs::remove_file(&path).with_context(|| format!("removing {}", path.display()))?;
        }
    }
    Ok(())
}

/// The whole company in memory: what follows from seed and day, without what lies after `now`.
fn build(now: DateTime<Utc>, seed: u64) -> (Office, World) {
    let office = Office::new(now, cast::OWN_ZONE);
    let dice = Dice::new(seed);
    let mut world = World { deals: plan::deals(&office, &dice), ..World::default() };
    let mut busy = story::Busy::default();
    for index in 0..world.deals.len() {
        let mut teller = story::Teller::new(&office, &dice, &mut world, &mut busy, index);
        acts::tell(&mut teller);
    }
    routine::tell(&office, &dice, &mut world);
    side::tell(&office, &dice, &mut world);
    noise::tell(&office, &dice, &mut world);
    world.letters.retain(|l| l.at <= now);
    world.letters.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
    world.meetings.sort_by(|a, b| (a.start, &a.uid).cmp(&(b.start, &b.uid)));
    world.typed.retain(|t| t.at <= now);
    world.quotes.retain(|q| q.at <= now);
    (office, world)
}

fn company(dir: &Path, office: &Office, world: &World, mails: usize, events: usize) -> Company {
    let mut highlights: Vec<(usize, Highlight)> = world
        .deals
        .iter()
        .filter_map(|deal| {
            let (planted, state) = deal.row.plant.rule()?;
            let why = deal.row.plant.why().to_owned();
            let (deal_id, deal_name, company) = (deal.id.clone(), deal.name.clone(), deal.firm().name.to_owned());
            Some((rank(planted, state), Highlight { deal_id, deal_name, company, planted, state, why }))
        })
        .collect();
    highlights.sort_by(|a, b| (a.0, &a.1.deal_id).cmp(&(b.0, &b.1.deal_id)));
    let people = OURS.iter().enumerate().filter(|(_, o)| !o.role.is_empty()).map(|(n, one)| {
        let party = Party::own(n);
        (party.email, party.name, one.role.to_owned())
    });
    Company {
        config: dir.join("dealtrail.toml"),
        highlights: highlights.into_iter().map(|h| h.1).collect(),
        mails,
        events,
        deals: world.deals.len(),
        people: people.collect(),
        made_at: office.now,
    }
}

/// The order in which they are worth looking at.
fn rank(rule: &str, state: &str) -> usize {
    let order = ["unsupported_advance", "one_sided_advance", "gone_quiet", "no_next_step", "overdue_close"];
    let place = order.iter().position(|r| *r == rule).unwrap_or(order.len());
    if state == "unknown" { order.len() } else { place + usize::from(place == order.len()) }
}
