//! What a connector may ask of one account on one host: connections at once, new connections a minute, bytes a day.
//!
//! Providers lock accounts that ask for too much, so these limits hold for the whole process, whoever connects. A limit
//! that is reached is [`FaultKind::Busy`] with the time to come back. Nothing here opens a socket.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::Duration,
};

use dealtrail_sdk::{Fault, FaultKind};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout},
};

const DAY: Duration = Duration::from_secs(24 * 3600);
const MINUTE: Duration = Duration::from_secs(60);
/// Waits shorter than this are slept; longer ones are handed to the engine, which has other work meanwhile.
const PATIENCE: Duration = Duration::from_secs(30);

/// The limits of one account. Providers differ; the defaults suit the strictest of the large ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at the same time.
    pub connections: u32,
    /// New connections in any minute; over HTTP, where a connection serves many requests, those that broke off.
    pub per_minute: u32,
    /// Bytes received in 24 hours; 0 stands for no limit.
    pub daily_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 3, per_minute: 10, daily_bytes: 1 << 30 }
    }
}

impl Limits {
    /// What providers forbid, a server on this machine does not.
    pub fn local() -> Self {
        Self { per_minute: 600, daily_bytes: 0, ..Self::default() }
    }
}

/// What is left of an account's limits.
pub struct Budget {
    limits: Limits,
    slots: Arc<Semaphore>,
    /// New connections of the last minute, the oldest first.
    fresh: Mutex<VecDeque<Instant>>,
    spent: Mutex<Spent>,
}

#[derive(Default)]
struct Spent {
    bytes: u64,
    /// Start of the 24 hours that `bytes` counts.
    since: Option<Instant>,
    blocked_until: Option<Instant>,
}

/// The right to hold one connection; it ends when this is dropped.
#[derive(Debug)]
pub struct Slot {
    _permit: OwnedSemaphorePermit,
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Budget({:?}, {} free)", self.limits, self.slots.available_permits())
    }
}

/// Host and account.
type Key = (String, String);
static ACCOUNTS: LazyLock<Mutex<HashMap<Key, Arc<Budget>>>> = LazyLock::new(Mutex::default);

/// The budget of an account on a host, shared by everyone in the process who asks for the same. Other limits than
/// before start a new budget.
pub fn account(host: &str, account: &str, limits: Limits) -> Arc<Budget> {
    let mut all = ACCOUNTS.lock().unwrap_or_else(PoisonError::into_inner);
    let key = (host.to_ascii_lowercase(), account.to_owned());
    match all.get(&key) {
        Some(known) if known.limits == limits => known.clone(),
        _ => {
            let fresh = Arc::new(Budget::new(limits));
            all.insert(key, fresh.clone());
            fresh
        }
    }
}

impl Budget {
    fn new(limits: Limits) -> Self {
        Self {
            limits,
            slots: Arc::new(Semaphore::new(limits.connections.max(1) as usize)),
            fresh: Mutex::default(),
            spent: Mutex::default(),
        }
    }

    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Waits for the right to open one connection.
    ///
    /// # Errors
    /// [`FaultKind::Busy`] when the account is blocked, its bytes are used up, or the wait would be long.
    pub async fn connect(&self, host: &str) -> Result<Slot, Fault> {
        self.check(host)?;
        let slot = self.slot(host).await?;
        while let Err(wait) = self.turn(true) {
            if wait > PATIENCE {
                return Err(self.hasty(host, wait));
            }
            tokio::time::sleep(wait).await;
        }
        Ok(slot)
    }

    /// Waits for the right to send one request over connections that are kept elsewhere.
    ///
    /// # Errors
    /// As [`Budget::connect`]; also while connections broke off too often.
    pub async fn request(&self, host: &str) -> Result<Slot, Fault> {
        self.check(host)?;
        self.turn(false).map_err(|wait| self.hasty(host, wait))?;
        self.slot(host).await
    }

    /// Counts a connection that broke off, or was not to be had: the next one is a new one.
    pub fn broke(&self) {
        self.fresh.lock().unwrap_or_else(PoisonError::into_inner).push_back(Instant::now());
    }

    async fn slot(&self, host: &str) -> Result<Slot, Fault> {
        let Ok(permit) = timeout(PATIENCE, self.slots.clone().acquire_owned()).await else {
            let what = format!("{host} has its {} connections of this account in use", self.limits.connections.max(1));
            return Err(busy(what, PATIENCE));
        };
        let permit = permit.map_err(|e| Fault::from(FaultKind::Unreachable, "the connections were shut down", e))?;
        Ok(Slot { _permit: permit })
    }

    /// Whether another new connection fits into the last minute, else how long to wait. Any minute counts, not those of
    /// the clock: twice the number round a full hour is what providers lock accounts for.
    fn turn(&self, take: bool) -> Result<(), Duration> {
        let mut fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        while fresh.front().is_some_and(|at| now.duration_since(*at) >= MINUTE) {
            fresh.pop_front();
        }
        let most = self.limits.per_minute.max(1) as usize;
        if let Some(at) = fresh.len().checked_sub(most).and_then(|over| fresh.get(over)) {
            return Err((*at + MINUTE).duration_since(now));
        }
        if take {
            fresh.push_back(now);
        }
        Ok(())
    }

    fn hasty(&self, host: &str, wait: Duration) -> Fault {
        let most = self.limits.per_minute.max(1);
        let what = format!(
            "{host} was connected to {most} times within a minute, as happens when it breaks off again and again: the next \
             try waits so that the account is not locked; look at the server or the network"
        );
        busy(what, wait)
    }

    /// Whether the account may be asked for anything now.
    ///
    /// # Errors
    /// [`FaultKind::Busy`] with the time to come back.
    pub fn check(&self, host: &str) -> Result<(), Fault> {
        let mut spent = self.lock();
        let now = Instant::now();
        if let Some(until) = spent.blocked_until {
            if until > now {
                return Err(busy(format!("{host} asked to be left alone for a while"), until - now));
            }
            spent.blocked_until = None;
        }
        spent.roll(now);
        if self.limits.daily_bytes > 0 && spent.bytes >= self.limits.daily_bytes {
            let left = spent.since.map_or(DAY, |since| (since + DAY).saturating_duration_since(now));
            let used = self.limits.daily_bytes >> 20;
            return Err(busy(format!("the day's {used} MiB from {host} are used up; reading goes on by itself"), left));
        }
        Ok(())
    }

    /// Counts bytes that were received.
    pub fn spend(&self, bytes: u64) {
        let mut spent = self.lock();
        let now = Instant::now();
        spent.roll(now);
        spent.since.get_or_insert(now);
        spent.bytes = spent.bytes.saturating_add(bytes);
    }

    /// The far side asked for a pause: nothing more is asked of this account until then.
    pub fn block(&self, pause: Duration) {
        let until = Instant::now() + pause.min(DAY);
        let mut spent = self.lock();
        spent.blocked_until = Some(spent.blocked_until.map_or(until, |known| known.max(until)));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Spent> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Spent {
    fn roll(&mut self, now: Instant) {
        if self.since.is_some_and(|since| now >= since + DAY) {
            self.since = None;
            self.bytes = 0;
        }
    }
}

fn busy(what: String, after: Duration) -> Fault {
    Fault::new(FaultKind::Busy { retry_after: Some(after) }, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retry_after(fault: &Fault) -> Duration {
        match fault.kind {
            FaultKind::Busy { retry_after: Some(after) } => after,
            ref other => panic!("expected busy, got {other:?}"),
        }
    }

    #[test]
    fn the_same_account_shares_its_budget() {
        let one = account("Mail.example", "ana", Limits::default());
        let two = account("mail.example", "ana", Limits::default());
        let other = account("mail.example", "bob", Limits::default());
        assert!(Arc::ptr_eq(&one, &two) && !Arc::ptr_eq(&one, &other));
    }

    #[tokio::test(start_paused = true)]
    async fn a_day_of_bytes_comes_back_after_a_day() {
        let budget = Budget::new(Limits { daily_bytes: 100, ..Limits::default() });
        budget.spend(99);
        assert!(budget.check("h").is_ok());
        tokio::time::advance(Duration::from_secs(3600)).await;
        budget.spend(1);
        let after = retry_after(&budget.check("h").expect_err("used up"));
        assert!(after <= DAY && after > Duration::from_secs(22 * 3600), "{after:?}");
        tokio::time::advance(after).await;
        assert!(budget.check("h").is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_block_holds_until_it_ends_and_the_longer_one_wins() {
        let budget = Budget::new(Limits::default());
        budget.block(Duration::from_secs(300));
        budget.block(Duration::from_secs(10));
        let fault = budget.connect("h").await.expect_err("blocked");
        assert!(retry_after(&fault) > Duration::from_secs(290));
        tokio::time::advance(Duration::from_secs(301)).await;
        assert!(budget.connect("h").await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn connections_are_counted_and_given_back() {
        let budget = Budget::new(Limits { connections: 1, ..Limits::default() });
        let first = budget.connect("h").await.expect("free");
        let fault = budget.connect("h").await.expect_err("in use");
        assert!(matches!(fault.kind, FaultKind::Busy { .. }));
        drop(first);
        assert!(budget.connect("h").await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn no_minute_sees_more_than_its_number() {
        let budget = Budget::new(Limits { per_minute: 10, ..Limits::default() });
        let mut made: Vec<Instant> = Vec::new();
        // somebody without any patience, for half an hour
        for _ in 0..18_000 {
            if budget.connect("h").await.is_ok() {
                made.push(Instant::now());
            }
            tokio::time::advance(Duration::from_millis(100)).await;
        }
        assert!(made.len() > 250, "and the rate is used: {}", made.len());
        for (n, at) in made.iter().enumerate() {
            let within = made[..=n].iter().filter(|earlier| at.duration_since(**earlier) < MINUTE).count();
            assert!(within <= 10, "{within} in a minute");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn requests_wait_for_connections_that_broke() {
        let budget = Budget::new(Limits { per_minute: 2, connections: 1, ..Limits::default() });
        for _ in 0..50 {
            assert!(budget.request("h").await.is_ok(), "a good connection serves any number");
        }
        budget.broke();
        assert!(budget.request("h").await.is_ok());
        budget.broke();
        let after = retry_after(&budget.request("h").await.expect_err("two broke"));
        tokio::time::advance(after).await;
        let held = budget.request("h").await.expect("a minute later");
        assert!(budget.request("h").await.is_err(), "one at a time");
        drop(held);
    }

    #[tokio::test(start_paused = true)]
    async fn too_many_new_connections_are_put_off() {
        let budget = Budget::new(Limits { per_minute: 1, ..Limits::default() });
        drop(budget.connect("h").await.expect("the first"));
        let fault = budget.connect("h").await.expect_err("the second within a minute");
        assert!(retry_after(&fault) > PATIENCE);
    }
}
