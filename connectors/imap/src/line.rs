//! The connections of one source: kept, checked before they are used again, replaced when they break.

use std::{sync::Mutex, sync::PoisonError, time::Duration};

use dealtrail_sdk::{Fault, FaultKind};

use crate::{
    command::Command,
    connect::Route,
    folder::Folder,
    session::{Question, Session},
    sorting::Doing,
};

/// A connection that was idle for longer is asked for a sign of life first.
const TRUSTED: Duration = Duration::from_secs(20);

/// The idle connections of a source.
#[derive(Debug)]
pub struct Lines {
    route: Route,
    idle: Mutex<Vec<Session>>,
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
        Self { route, idle: Mutex::default() }
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
        while let Some(mut session) = self.take(folder) {
            if session.used.elapsed() < TRUSTED {
                return Ok(session);
            }
            let alive = session.must(Doing::Other("greeting"), Command::new("NOOP"), &mut |_| {}).await;
            if alive.is_ok() && session.alive {
                return Ok(session);
            }
        }
        self.route.open().await
    }

    fn take(&self, folder: Option<&str>) -> Option<Session> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |s: &Session| s.folder.as_ref().map(|f| f.name.as_str()) == folder;
        let at = idle.iter().position(same).or_else(|| idle.len().checked_sub(1))?;
        Some(idle.swap_remove(at))
    }

    /// Keeps a session for later.
    pub fn give_back(&self, mut session: Session) {
        session.kept = true;
        if session.alive {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(session);
        }
    }

    /// Takes every idle session, to sign out.
    pub fn drain(&self) -> Vec<Session> {
        std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner))
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
        let open = session.folder.as_ref().filter(|f| f.name == folder && will_do(f));
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
            drop(session);
            session = self.route.open().await?;
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
        self.session = None;
        let mut session = self.lines.route.open().await?;
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
