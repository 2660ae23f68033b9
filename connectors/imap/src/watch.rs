//! IDLE (RFC 2177): while nothing is read the mailbox's connection waits for news of the inbox. It is only a hint; the next pull
//! finds out. Waiting may be given up at any moment and taken up again: the connection stays as it is.

use std::time::Duration;

use dealtrail_sdk::{Fault, FolderRole, Stream};
use tokio::time::{Instant, timeout};

use crate::{
    answer::Answer,
    folder::Folder,
    session::{Question, Session},
    sorting::{self, Doing},
};

/// Routers forget silent connections after a quarter of an hour, some servers after ten minutes.
const RENEW: Duration = Duration::from_secs(9 * 60);
/// Longer than any wait below, so that it is never the deadline of a read that counts.
const SILENCE: Duration = Duration::from_secs(20 * 60);
const ANSWER: Duration = Duration::from_secs(60);

/// A connection that watches one folder.
#[derive(Debug)]
pub struct Watch {
    session: Session,
    folder: String,
    /// Tag of the IDLE that is running, and when it began.
    idle: Option<(String, Instant)>,
    exists: u32,
    news: bool,
}

/// The folder worth watching: the inbox, or all mail where everything stands in one folder.
pub fn target(streams: &[Stream]) -> Option<&Stream> {
    let with = |role| streams.iter().find(|s| s.role == Some(role));
    with(FolderRole::Inbox).or_else(|| with(FolderRole::All)).or_else(|| streams.first())
}

impl Watch {
    /// Opens the folder to wait for its news. `known`: the folder as it was seen last.
    ///
    /// # Errors
    /// When there is no such folder any more, or the connection fails.
    pub async fn open(mut session: Session, folder: &str, known: Option<&Folder>) -> Result<Self, Fault> {
        let now = session.examine(folder, None, Question::default()).await?;
        let exists = now.exists;
        let news = known.is_some_and(|k| k.exists != now.exists || k.uid_next != now.uid_next);
        Ok(Self { session, folder: folder.to_owned(), idle: None, exists, news })
    }

    pub fn is_for(&self, folder: &str) -> bool {
        self.folder == folder && self.session.alive
    }

    /// Resolves when something changed in the folder.
    ///
    /// # Errors
    /// When the connection is lost, which is ordinary.
    pub async fn news(&mut self) -> Result<(), Fault> {
        loop {
            if std::mem::take(&mut self.news) {
                return Ok(());
            }
            match self.idle.clone() {
                None => self.start().await?,
                Some((tag, began)) => match timeout(RENEW.saturating_sub(began.elapsed()), self.hear(&tag)).await {
                    Ok(result) => result?,
                    Err(_renew) => self.stop(&tag).await?,
                },
            }
            if self.news
                && let Some((tag, _)) = self.idle.clone()
            {
                self.stop(&tag).await?;
            }
        }
    }

    async fn start(&mut self) -> Result<(), Fault> {
        self.session.doze();
        let tag = self.session.begin("IDLE").await?;
        // Noted at once: when waiting is given up here, the answer is read the next time.
        self.idle = Some((tag, Instant::now()));
        Ok(())
    }

    /// Takes one answer.
    async fn hear(&mut self, tag: &str) -> Result<(), Fault> {
        match self.session.receive(Some(SILENCE)).await? {
            Answer::Tagged(seen, status) if seen == tag => {
                // Some servers end an IDLE themselves: an ordinary event, unless they refuse it altogether.
                self.idle = None;
                self.session.judge(Doing::Other("waiting for news"), &status)?;
            }
            Answer::Exists(n) if n == self.exists => {}
            Answer::Exists(_) | Answer::Expunge | Answer::Vanished(..) => {
                self.exists = self.session.folder.as_ref().map_or(0, |f| f.exists);
                self.news = true;
            }
            _ => {}
        }
        Ok(())
    }

    async fn stop(&mut self, tag: &str) -> Result<(), Fault> {
        self.session.line("DONE").await?;
        let end = Instant::now() + ANSWER;
        while self.idle.is_some() {
            let left = end.saturating_duration_since(Instant::now());
            match timeout(left, self.hear(tag)).await {
                Ok(result) => result?,
                Err(_) => {
                    self.session.alive = false;
                    return Err(sorting::broken(self.session.place(), &std::io::ErrorKind::TimedOut.into()));
                }
            }
        }
        Ok(())
    }

    /// The connection, free for other use; `None` when it is of none.
    pub async fn stop_waiting(mut self) -> Option<Session> {
        if let Some((tag, _)) = self.idle.clone() {
            self.stop(&tag).await.ok()?;
        }
        self.session.used = Instant::now();
        self.session.alive.then_some(self.session)
    }

    /// Signs out.
    pub async fn close(mut self) {
        if let Some((tag, _)) = self.idle.clone() {
            let _farewell = timeout(Duration::from_secs(2), self.stop(&tag)).await;
        }
        self.session.logout().await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use dealtrail_net::budget::{self, Limits};
    use dealtrail_sdk::FaultKind;
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

    use super::*;
    use crate::frame::{self, Framer};

    const DAY: Duration = Duration::from_secs(24 * 3600);

    /// A watch over a line in memory, so that time can be set; the server answers the first `answers` IDLEs.
    async fn watch(answers: usize) -> (Watch, Arc<AtomicUsize>) {
        let (near, far) = tokio::io::duplex(1000);
        let idles = Arc::new(AtomicUsize::new(0));
        let counter = idles.clone();
        tokio::spawn(async move {
            let mut far = BufReader::new(far);
            let (mut line, mut tag) = (String::new(), String::new());
            while far.read_line(&mut line).await.is_ok_and(|n| n > 0) {
                let answer = match line.trim_end().split_once(' ') {
                    Some((begun, "IDLE")) => {
                        begun.clone_into(&mut tag);
                        counter.fetch_add(1, Ordering::Relaxed);
                        "+ idling\r\n".to_owned()
                    }
                    _ => format!("{tag} OK done\r\n"),
                };
                if counter.load(Ordering::Relaxed) <= answers && far.write_all(answer.as_bytes()).await.is_err() {
                    return;
                }
                line.clear();
            }
        });
        let budget = budget::account(&format!("watch-{answers}"), "test", Limits::default());
        let slot = budget.connect("test").await.expect("a slot");
        let link = Framer::new(Box::new(near) as Box<dyn crate::session::Transport>, frame::Limits::default());
        let session = Session::new(link, "test:143".into(), budget, slot);
        (Watch { session, folder: "INBOX".into(), idle: None, exists: 0, news: false }, idles)
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_is_renewed_all_day_long() {
        let (mut watch, idles) = watch(usize::MAX).await;
        assert!(timeout(DAY, watch.news()).await.is_err(), "nothing happens for a day");
        let renewed = idles.load(Ordering::Relaxed);
        assert!((159..=162).contains(&renewed), "{renewed} times");
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_that_died_in_silence_is_found_out() {
        let (mut watch, _) = watch(3).await;
        let began = Instant::now();
        let fault = timeout(DAY, watch.news()).await.expect("it ends").expect_err("a dead line");
        assert_eq!(fault.kind, FaultKind::Unreachable);
        assert!(began.elapsed() < RENEW * 5, "{:?}", began.elapsed());
        assert!(!watch.is_for("INBOX"), "it is of no use any more");
    }
}
