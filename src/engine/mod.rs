//! Moves data: claims what is due, reads it through the connectors, has it decided and matched, commits it. The only caller
//! of connectors. It sequences; the decisions are in `domain`, the SQL is in `store`.

mod attempt;
mod commit;
mod copies;
mod corroborate;
mod crm;
pub mod daemon;
mod decide;
mod evidence;
mod fields;
mod gone;
mod holder;
mod identity;
mod invitation;
mod judged_by;
mod listing;
mod mail;
mod matches;
mod meetings;
pub mod pass;
pub mod progress;
mod pull;
mod review;
pub mod rules;
mod shown;
mod subjects;
mod texts;
mod threads;
mod touched;
pub mod trial;

use std::sync::{Arc, OnceLock, RwLock};

use chrono::{DateTime, TimeDelta, Utc};
use dealtrail_sdk::{Clock, Fault, Gives, Source, Window};
use tokio::sync::Semaphore;

use crate::{
    domain::{capture::Policy, competitors::Competitors, directory::Directory, gaps::Stays, matching::Codes},
    store::{Store, StoreError, Tx, meta},
};
use rules::{Level, Rules};

/// Why a stream or a connection could not be read this time.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error(transparent)]
    Fault(#[from] Fault),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The lease ran out and another process has it: nothing more may be written.
    #[error("another process reads this stream now")]
    Lost,
}

/// What the CRM knows now, with its indexes.
#[derive(Debug)]
pub struct Known {
    /// Which state of the records it was made from: see `store::meta::directory_version`.
    pub version: i64,
    pub directory: Arc<Directory>,
    pub codes: Codes,
    pub competitors: Competitors,
    /// How long won deals stayed in each stage.
    pub stays: Stays,
}

/// One configured account, ready to be read.
pub struct Connection {
    pub name: String,
    pub gives: Gives,
    /// The user it belongs to; folded.
    pub owner: Option<String>,
    pub source: Box<dyn Source>,
    pub policy: Policy,
    /// Users who share the mailbox; folded.
    pub members: Vec<String>,
    pub content: Level,
    /// How far ahead of now events are opened.
    pub horizon: TimeDelta,
    pub clock: Arc<dyn Clock>,
    /// Zone of the owner, for floating times.
    pub zone: chrono_tz::Tz,
    pub poll: std::time::Duration,
    /// Put before the ids of a CRM's records when there are two CRMs.
    pub prefix: Option<String>,
}

impl Connection {
    pub fn window(&self) -> Window {
        Window { since: self.policy.since, until: self.clock.now() + self.horizon }
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Connection({})", self.name)
    }
}

/// The engine over one store and the configured connections.
#[derive(Debug)]
pub struct Engine {
    pub store: Store,
    pub clock: Arc<dyn Clock>,
    pub rules: Rules,
    pub connections: Vec<Arc<Connection>>,
    /// Who holds the leases: one name per process.
    pub holder: String,
    known: RwLock<Arc<Known>>,
    /// Batches that are read while others are committed, of all connections together: see [`pull`].
    ahead: Semaphore,
    /// A print of the rules, which never change while it runs.
    judged_by: OnceLock<String>,
}

impl Engine {
    /// # Errors
    /// When the directory cannot be read from the store.
    pub async fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        rules: Rules,
        connections: Vec<Arc<Connection>>,
    ) -> Result<Self, StoreError> {
        let known = RwLock::new(Arc::new(load(&store, &rules, clock.now()).await?));
        let (holder, ahead) = (holder::name(), Semaphore::new(pull::AHEAD));
        Ok(Self { store, clock, rules, connections, holder, known, ahead, judged_by: OnceLock::new() })
    }

    pub fn known(&self) -> Arc<Known> {
        self.known.read().expect("nobody panics while holding this lock").clone()
    }

    /// Reads the directory anew after the CRM's records changed.
    pub async fn reload(&self) -> Result<(), StoreError> {
        let fresh = Arc::new(load(&self.store, &self.rules, self.now()).await?);
        *self.known.write().expect("nobody panics while holding this lock") = fresh;
        Ok(())
    }

    /// The directory as it is in this transaction: read anew when another connection or process changed it meanwhile.
    pub async fn known_in(&self, tx: &mut Tx) -> Result<Arc<Known>, StoreError> {
        if self.known().version != meta::directory_version(tx).await? {
            self.reload().await?;
        }
        Ok(self.known())
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }
}

async fn load(store: &Store, rules: &Rules, now: DateTime<Utc>) -> Result<Known, StoreError> {
    // asked first: a change in between makes it look older than it is, and it is read once more
    let version = store.directory_version().await?;
    let directory = Arc::new(store.aside().directory(rules.ours.clone(), now).await?);
    let codes = Codes::new(rules.deal_code.clone(), &directory);
    let stays = Stays::of_won(&directory);
    let competitors = rules.competitors.clone();
    Ok(Known { version, directory, codes, competitors, stays })
}
