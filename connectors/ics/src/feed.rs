//! A calendar feed on the web: asked for only when it changed (ETag, Last-Modified), believed only when it is a calendar.
//!
//! The feed's address is a secret: it stands in no key, no name and no message, only its host does. What the cursor
//! carries is what the server gave to recognise the last answer, and how many events that held.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chrono_tz::Tz;
use dealtrail_net::http::{self, Http, Limits, Login, Request, Url, place};
use dealtrail_sdk::{Batch, Change, Clock, Cursor, Fault, FaultKind, Secret, Window};
use serde::{Deserialize, Serialize};

use crate::{
    files::blocking,
    sheets::{Content, Sheet, Sheets},
};

/// Bytes of a feed.
const BYTES: usize = 50 << 20;
/// How long a feed that lost more than half is asked for in full, so that a second reading can confirm it.
const DOUBT: i64 = 6 * 3_600;

pub struct Feed {
    http: Http,
    url: Url,
    zone: Tz,
    clock: Arc<dyn Clock>,
    /// What was last read.
    last: Mutex<Option<Sheet>>,
    /// The address was tried once since the program started.
    tried: AtomicBool,
    /// An answer that nobody has used yet: what the first try brought.
    spare: Mutex<Option<(Sheet, Mark)>>,
}

/// What is known of the answer that was last read whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
struct Mark {
    etag: Option<String>,
    modified: Option<String>,
    /// Week of the horizon, and zone: when they change everything is opened again.
    week: i64,
    zone: String,
    /// Events of the largest answer that is still believed, and when an answer first fell below half of it.
    count: usize,
    shrunk: Option<i64>,
}

pub fn login(username: Option<String>, password: Option<Secret>) -> Result<Login, Fault> {
    match (username, password) {
        (None, None) => Ok(Login::None),
        (Some(user), Some(password)) => Ok(Login::Basic { user, password }),
        (Some(_), None) => Err(Fault::new(FaultKind::Malformed, "`username` is set, but no `password`")),
        (None, Some(_)) => Err(Fault::new(FaultKind::Malformed, "`password` is set, but no `username`")),
    }
}

/// The address of a feed as it is asked for.
pub fn address(url: &str) -> Result<Url, Fault> {
    http::address(&web(url.trim()))
}

pub fn limits(patience: Duration) -> Limits {
    Limits { body: BYTES, ..Limits::default() }.patience(patience)
}

impl Feed {
    pub fn new(http: Http, url: &str, zone: Tz, clock: Arc<dyn Clock>) -> Result<Self, Fault> {
        Ok(Self {
            http,
            url: address(url)?,
            zone,
            clock,
            last: Mutex::default(),
            tried: AtomicBool::new(false),
            spare: Mutex::default(),
        })
    }

    /// The stream's name: the host, which is all of the address that may be shown. The first call tries the address, so
    /// that a wrong one is noticed by whoever only looks.
    pub async fn check(&self) -> Result<String, Fault> {
        if !self.tried.load(Ordering::SeqCst) {
            let head = self.http.exchange(Request::new("HEAD", self.url.clone())).await?;
            let page = head.media_type().is_some_and(|t| t.starts_with("text/html"));
            if head.status != 200 || page {
                // Many feeds know no HEAD: then the feed itself is asked for, and the next reading uses the answer.
                let answer = self.get(None).await?;
                *lock(&self.spare) = answer;
            }
            self.tried.store(true, Ordering::SeqCst);
        }
        Ok(place(&self.url))
    }

    pub async fn pull(&self, cursor: Option<&Cursor>, window: &Window) -> Result<Batch, Fault> {
        let week = window.until.timestamp().div_euclid(7 * 86_400);
        let known: Option<Mark> = cursor.and_then(|c| serde_json::from_str(&c.0).ok());
        let same = known.as_ref().filter(|m| m.week == week && m.zone == self.zone.name() && m.shrunk.is_none());
        let begun = lock(&self.last).clone().filter(|_| Sheets::begun(cursor));
        let answer = match begun {
            Some(sheet) => Some((sheet, Mark::default())),
            None => self.get(same).await?,
        };
        let Some((sheet, mut mark)) = answer else {
            return Ok(Batch { cursor: cursor.cloned(), ..Batch::default() });
        };
        mark.week = week;
        self.zone.name().clone_into(&mut mark.zone);
        let (one, at) = (sheet.clone(), cursor.cloned());
        let mut batch = self.with(one, window, move |sheets| sheets.step(at.as_ref())).await?;
        if let Some(listing) = &batch.listing {
            mark.doubt(listing.entries.len(), known.as_ref(), self.clock.now().timestamp());
            batch.cursor = serde_json::to_string(&mark).ok().map(Cursor);
        }
        *lock(&self.last) = Some(sheet);
        Ok(batch)
    }

    pub async fn fetch(&self, resources: &[String], window: &Window) -> Result<Vec<Change>, Fault> {
        let last = lock(&self.last).clone();
        let sheet = match last {
            Some(sheet) => sheet,
            None => match self.get(None).await? {
                Some((sheet, _)) => sheet,
                None => return Ok(Vec::new()),
            },
        };
        *lock(&self.last) = Some(sheet.clone());
        let resources = resources.to_vec();
        self.with(sheet, window, move |sheets| sheets.open(&resources)).await
    }

    async fn with<T: Send + 'static>(
        &self,
        sheet: Sheet,
        window: &Window,
        then: impl FnOnce(&Sheets<'_>) -> T + Send + 'static,
    ) -> Result<T, Fault> {
        let (zone, window) = (self.zone, *window);
        blocking(move || Ok(then(&Sheets { sheets: std::slice::from_ref(&sheet), zone, window: &window }))).await
    }

    /// The feed, or `None` when it is still the one of the mark.
    async fn get(&self, same: Option<&Mark>) -> Result<Option<(Sheet, Mark)>, Fault> {
        let spare = lock(&self.spare).take();
        if let Some((sheet, mark)) = spare {
            return Ok(match same {
                Some(same) if same.is(&mark) => {
                    *lock(&self.last) = Some(sheet);
                    None
                }
                _ => Some((sheet, mark)),
            });
        }
        let mut request = Request::get(self.url.clone()).header("accept", "text/calendar, */*;q=0.5");
        if let Some(etag) = same.and_then(|m| m.etag.clone()) {
            request = request.header("if-none-match", etag);
        }
        if let Some(modified) = same.and_then(|m| m.modified.clone()) {
            request = request.header("if-modified-since", modified);
        }
        let answer = self.http.send(request).await?;
        if answer.status == 304 && same.is_some() {
            return Ok(None);
        }
        let host = place(&self.url);
        if answer.status != 200 {
            let what = format!("{host} answers with status {} instead of a calendar: tried again later", answer.status);
            return Err(Fault::new(FaultKind::Unreachable, what));
        }
        // A header that could not be sent back is no help.
        let header = |name: &str| answer.header(name).filter(|v| v.len() <= 1_000).map(str::to_owned);
        let mark = Mark { etag: header("etag"), modified: header("last-modified"), ..Mark::default() };
        let (body, what) = (answer.body, format!("the answer of {host}"));
        let content = blocking(move || Ok(Content::of(&body, &what))).await?;
        if let Content::Unreadable(why) = &content {
            let what = format!("{why}; check the address in a browser, nothing was taken as gone");
            return Err(Fault::new(FaultKind::Malformed, what));
        }
        Ok(Some((Sheet { href: host, content }, mark)))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Mark {
    /// True when both are of one and the same answer.
    fn is(&self, other: &Self) -> bool {
        let known = self.etag.is_some() || self.modified.is_some();
        known && self.etag == other.etag && self.modified == other.modified
    }

    /// A feed that lost more than half of its events is asked for in full again until the loss has stood for a while:
    /// a "not modified" could never confirm it.
    fn doubt(&mut self, count: usize, known: Option<&Self>, now: i64) {
        self.count = count;
        let Some(known) = known.filter(|k| count * 2 < k.count) else { return };
        let since = known.shrunk.unwrap_or(now);
        if now - since < DOUBT {
            self.count = known.count;
            self.shrunk = Some(since);
        }
    }
}

/// `webcal://` is https under another name.
fn web(url: &str) -> String {
    let rest = ["webcal://", "webcals://"].iter().find_map(|scheme| {
        url.get(..scheme.len()).filter(|head| head.eq_ignore_ascii_case(scheme)).map(|head| &url[head.len()..])
    });
    rest.map_or_else(|| url.to_owned(), |rest| format!("https://{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn webcal_is_https() {
        for (url, expected) in [
            ("webcal://a.example/x.ics", "https://a.example/x.ics"),
            ("WEBCALS://a.example/x.ics", "https://a.example/x.ics"),
            ("http://127.0.0.1:1/x.ics", "http://127.0.0.1:1/x.ics"),
        ] {
            assert_eq!(web(url), expected);
        }
    }

    #[test]
    fn a_loss_is_doubted_for_a_while() {
        let before = Mark { count: 10, ..Mark::default() };
        let after = |count, known: &Mark, now| {
            let mut mark = Mark::default();
            mark.doubt(count, Some(known), now);
            (mark.count, mark.shrunk)
        };
        assert_eq!(after(5, &before, 100), (5, None));
        assert_eq!(after(4, &before, 100), (10, Some(100)));
        let doubted = Mark { count: 10, shrunk: Some(100), ..Mark::default() };
        assert_eq!(after(4, &doubted, 200), (10, Some(100)));
        assert_eq!(after(4, &doubted, 100 + DOUBT), (4, None));
        assert_eq!(after(9, &doubted, 200), (9, None));
    }
}
