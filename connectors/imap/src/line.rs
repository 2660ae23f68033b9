//! The connections of one source: kept, checked before they are used again, replaced when they break. While nothing is read
//! one of them waits for news (see [`crate::watch`]); whoever wants to read is given it.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use dealtrail_sdk::{Fault, FaultKind};
use tokio::{sync::watch, time::timeout};

use crate::{
    command::Command,
    connect::Route,
    folder::Folder,
    session::{Question, Session},
    sorting::Doing,
    watch::Watch,
};

/// A connection that was idle for longer is asked for a sign of life first.
const TRUSTED: Duration = Duration::from_secs(20);

/// Reading pauses between two questions; after so long it has come to its end.
const PAUSE: Duration = Duration::from_millis(250);

/// The connections of a source.
#[derive(Debug)]
pub struct Lines {
    route: Route,
    idle: Mutex<Vec<Session>>,
    /// The connection that waits for news.
    pub waiting: tokio::sync::Mutex<Option<Watch>>,
    usage: Arc<watch::Sender<Usage>>,
}

/// Who reads.
#[derive(Clone, Copy, Debug, Default)]
struct Usage {
    /// Connections that are used, or being made.
    out: usize,
    /// Readers who ask for the connection that waits.
    asking: usize,
}

/// A connection in use, or somebody who asks for one; it ends when it is dropped.
pub struct Use {
    usage: Arc<watch::Sender<Usage>>,
    end: fn(&mut Usage),
}

impl Drop for Use {
    fn drop(&mut self) {
        self.usage.send_modify(self.end);
    }
}

/// A connection in use, with the folder it reads.
#[derive(Debug)]
pub struct Line<'a> {
    lines: &'a Lines,
    session: Option<Session>,
    folder: String,
    /// UIDVALIDITY of the folder when it was opened first: a replaced connection must see the same.
    validity: Option<u32>,
}

impl Lines {
    pub fn new(route: Route) -> Self {
        Self { route, idle: Mutex::default(), waiting: tokio::sync::Mutex::default(), usage: Arc::default() }
    }

    fn used(&self, begin: fn(&mut Usage), end: fn(&mut Usage)) -> Use {
        self.usage.send_modify(begin);
        Use { usage: self.usage.clone(), end }
    }

    /// Resolves when nobody reads and nobody is about to.
    pub async fn at_rest(&self) {
        let mut usage = self.usage.subscribe();
        loop {
            drop(usage.wait_for(|u| u.out == 0 && u.asking == 0).await);
            let idle = self.lock().iter().map(|s| s.used.elapsed()).min().unwrap_or(PAUSE);
            let busy = usage.wait_for(|u| u.out > 0 || u.asking > 0);
            if idle >= PAUSE || timeout(PAUSE - idle, busy).await.is_err() {
                return;
            }
        }
    }

    /// Resolves when somebody asks for the connection that waits.
    pub async fn asked_for(&self) {
        let mut usage = self.usage.subscribe();
        drop(usage.wait_for(|u| u.asking > 0).await);
    }

    /// The connection that waits for news, back from waiting; `None` when there is none that works.
    async fn back_from_waiting(&self) -> Option<Session> {
        let asking = self.used(|u| u.asking += 1, |u| u.asking -= 1);
        let waiting = self.waiting.lock().await.take();
        drop(asking);
        waiting?.stop_waiting().await
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Session>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn route(&self) -> &Route {
        &self.route
    }

    /// A session that works, one with the folder open rather than another.
    ///
    /// # Errors
    /// Whatever stands in the way of a new connection.
    pub async fn session(&self, folder: Option<&str>) -> Result<Session, Fault> {
        self.route.check()?;
        let using = self.used(|u| u.out += 1, |u| u.out -= 1);
        let mut session = self.kept(folder).await;
        if session.is_none() {
            session = self.back_from_waiting().await;
        }
        let mut session = match session {
            Some(session) => session,
            None => Box::pin(self.route.open()).await?,
        };
        session.using = Some(using);
        Ok(session)
    }

    /// An idle session that works.
    async fn kept(&self, folder: Option<&str>) -> Option<Session> {
        while let Some(mut session) = self.take(folder) {
            if session.used.elapsed() < TRUSTED {
                return Some(session);
            }
            let alive = session.must(Doing::Other("greeting"), Command::new("NOOP"), &mut |_| {}).await;
            if alive.is_ok() && session.alive {
                return Some(session);
            }
        }
        None
    }

    /// A session to wait with, and only one: the others are signed out.
    ///
    /// # Errors
    /// Whatever stands in the way of a new connection.
    pub async fn session_to_wait(&self, folder: &str) -> Result<Session, Fault> {
        self.route.check()?;
        let session = self.kept(Some(folder)).await;
        for other in self.drain() {
            other.logout().await;
        }
        match session {
            Some(session) => Ok(session),
            None => Box::pin(self.route.open()).await,
        }
    }

    fn take(&self, folder: Option<&str>) -> Option<Session> {
        let mut idle = self.lock();
        let same = |s: &Session| s.folder.as_ref().map(|f| f.name.as_str()) == folder;
        let at = idle.iter().position(same).or_else(|| idle.len().checked_sub(1))?;
        Some(idle.swap_remove(at))
    }

    /// Keeps a session for later.
    pub fn give_back(&self, mut session: Session) {
        session.kept = true;
        let using = session.using.take();
        if session.alive {
            self.lock().push(session);
        }
        drop(using);
    }

    /// Takes every idle session, to sign out.
    pub fn drain(&self) -> Vec<Session> {
        std::mem::take(&mut *self.lock())
    }

    /// The folder as some session has it open already, else opened now: its numbers mean the same as long as it is open.
    ///
    /// # Errors
    /// As [`Lines::open`].
    pub async fn reuse(&self, folder: &str) -> Result<Line<'_>, Fault> {
        match self.still_open(folder, |_| true).await? {
            Some(line) => Ok(line),
            None => self.open(folder, None, &|_| Question::default()).await,
        }
    }

    /// The folder as some session has it open already, if it will do like that.
    ///
    /// # Errors
    /// Whatever stands in the way of a new connection.
    pub async fn still_open(
        &self,
        folder: &str,
        will_do: impl Fn(&Folder) -> bool + Send,
    ) -> Result<Option<Line<'_>>, Fault> {
        let session = self.session(Some(folder)).await?;
        let open = session.folder.as_ref().filter(|f| f.open && f.name == folder && will_do(f));
        match open.map(|f| f.uid_validity) {
            Some(validity) => {
                Ok(Some(Line { lines: self, session: Some(session), folder: folder.to_owned(), validity }))
            }
            None => {
                self.give_back(session);
                Ok(None)
            }
        }
    }

    /// Opens a folder on a session that works. `since`: see [`Session::examine`]; `then`: what will be asked of it, if all
    /// goes as expected.
    ///
    /// # Errors
    /// When there is no connection or no such folder.
    pub async fn open(
        &self,
        folder: &str,
        since: Option<(u32, u64)>,
        then: &(dyn Fn(&Session) -> Question + Sync),
    ) -> Result<Line<'_>, Fault> {
        let mut session = self.session(Some(folder)).await?;
        let asked = then(&session);
        if let Err(fault) = session.examine(folder, since, asked).await {
            // A kept connection may have died unnoticed: that is no reason to fail.
            if session.alive || fault.kind != FaultKind::Unreachable {
                self.give_back(session);
                return Err(fault);
            }
            // Its place is needed for the next one.
            let using = session.using.take();
            drop(session);
            session = Box::pin(self.route.open()).await?;
            session.using = using;
            let asked = then(&session);
            session.examine(folder, since, asked).await?;
        }
        let validity = session.folder.as_ref().and_then(|f| f.uid_validity);
        Ok(Line { lines: self, session: Some(session), folder: folder.to_owned(), validity })
    }
}

impl Line<'_> {
    /// The session itself.
    ///
    /// # Errors
    /// When it broke and was not replaced.
    pub fn session(&mut self) -> Result<&mut Session, Fault> {
        self.session.as_mut().ok_or_else(|| Fault::new(FaultKind::Unreachable, "the connection is gone"))
    }

    /// State of the folder.
    pub fn state(&self) -> Folder {
        self.session.as_ref().and_then(|s| s.folder.clone()).unwrap_or_default()
    }

    /// Whether the connection broke.
    pub fn broken(&self) -> bool {
        self.session.as_ref().is_none_or(|s| !s.alive)
    }

    /// A new connection in place of one that broke, with the same folder open.
    ///
    /// # Errors
    /// When it cannot be had, or the folder is another one by now.
    pub async fn replace(&mut self) -> Result<(), Fault> {
        let using = self.session.take().and_then(|mut s| s.using.take());
        let mut session = Box::pin(self.lines.route.open()).await?;
        session.using = using;
        let validity = session.examine(&self.folder, None, Question::default()).await?.uid_validity;
        self.session = Some(session);
        if validity != self.validity {
            let what = "the folder was replaced while it was read; it is read again from the start";
            return Err(Fault::new(FaultKind::Unreachable, what));
        }
        Ok(())
    }

    /// Hands the session back for later use.
    pub fn finish(mut self) {
        if let Some(session) = self.session.take() {
            self.lines.give_back(session);
        }
    }
}
