//! What a connector may ask of one account on one host: connections at once, new connections a minute, bytes a day.
//!
//! Providers lock accounts that ask for too much, so these limits hold for the whole process, whoever connects. A limit
//! that is reached is [`FaultKind::Busy`] with the time to come back. Nothing here opens a socket.

use std::{
    collections::HashMap,
    fmt,
    num::NonZeroU32,
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::Duration,
};

use dealtrail_sdk::{Fault, FaultKind};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter, clock::Clock as _};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout},
};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// Waits shorter than this are slept; longer ones are handed to the engine, which has other work meanwhile.
const PATIENCE: Duration = Duration::from_secs(30);

/// The limits of one account. Providers differ; the defaults suit the strictest of the large ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at the same time.
    pub connections: u32,
    /// New connections in a minute.
    pub per_minute: u32,
    /// Bytes received in 24 hours; 0 stands for no limit.
    pub daily_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 3, per_minute: 10, daily_bytes: 1 << 30 }
    }
}

/// What is left of an account's limits.
pub struct Budget {
    limits: Limits,
    slots: Arc<Semaphore>,
    fresh: DefaultDirectRateLimiter,
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
        let per_minute = NonZeroU32::new(limits.per_minute.max(1)).expect("at least one");
        Self {
            limits,
            slots: Arc::new(Semaphore::new(limits.connections.max(1) as usize)),
            fresh: RateLimiter::direct(Quota::per_minute(per_minute)),
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
        let Ok(permit) = timeout(PATIENCE, self.slots.clone().acquire_owned()).await else {
            let what = format!("{host} has its {} connections of this account in use", self.limits.connections.max(1));
            return Err(busy(what, PATIENCE));
        };
        let permit = permit.map_err(|e| Fault::from(FaultKind::Unreachable, "the connections were shut down", e))?;
        while let Err(later) = self.fresh.check() {
            let wait = later.wait_time_from(self.fresh.clock().now());
            if wait > PATIENCE {
                return Err(busy(format!("{host} was connected to often in the last minute"), wait));
            }
            tokio::time::sleep(wait + Duration::from_millis(5)).await;
        }
        Ok(Slot { _permit: permit })
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
    async fn too_many_new_connections_are_put_off() {
        let budget = Budget::new(Limits { per_minute: 1, ..Limits::default() });
        drop(budget.connect("h").await.expect("the first"));
        let fault = budget.connect("h").await.expect_err("the second within a minute");
        assert!(retry_after(&fault) > PATIENCE);
    }
}
