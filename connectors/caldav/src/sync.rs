//! One step of reading a calendar: a complete listing, or what changed since a token (RFC 6578). A delta is a short
//! cut that any server may break at any time; whatever goes wrong with it, the listing is the truth.
//!
//! No change is passed over: the token is taken before the listing, and what a delta named and is still unread stands
//! in the cursor, beside the token that no longer names it.

use std::collections::{BTreeMap, HashSet};

use chrono::{NaiveDate, TimeDelta};
use dealtrail_net::http::{Url, place};
use dealtrail_sdk::{Batch, Change, Cursor, Entry, Fault, FaultKind, Listing, Window};
use serde::{Deserialize, Serialize};

use crate::{
    dav::{self, Dav},
    objects::{self, AT_ONCE, Object},
    xml::{self, Multistatus, Reply},
};

/// A delta of more than this is read as a listing.
const MUCH: usize = 1_000;
/// Pages of one answer that is given in pieces.
const PAGES: usize = 1_000;
/// After so many refused tokens in a row they are left alone until the next weekly listing.
const PATIENCE: u8 = 3;
/// No delta is trusted for longer.
const RECONCILE: TimeDelta = TimeDelta::days(7);

/// The cursor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(Default))]
pub struct Progress {
    /// Where the next delta starts; `None` where the server has none.
    token: Option<String>,
    /// The server's own mark that the calendar changed, for servers without tokens.
    ctag: Option<String>,
    /// Day of the last complete listing, in UTC.
    listed: NaiveDate,
    /// Changed objects that are still to be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pending: Vec<String>,
    /// The delta was cut short: ask again at once.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    again: bool,
    /// Refused tokens in a row.
    #[serde(default)]
    refused: u8,
    /// Objects it holds at most.
    #[serde(default)]
    count: usize,
    /// The last listing had lost more than half of them: it is looked at once more before anybody believes it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    doubted: bool,
}

impl Progress {
    /// `None` for a text that is no cursor of ours: then reading starts anew, which doubles nothing.
    pub fn read(cursor: &Cursor) -> Option<Self> {
        serde_json::from_str(&cursor.0).ok()
    }

    /// Whether there is nothing to ask for, by the token that was told beside the list of calendars.
    pub fn stands(&self, token: Option<&str>, today: NaiveDate) -> bool {
        let same = token.is_some() && token == self.token.as_deref();
        same && self.pending.is_empty() && !self.again && !self.doubted && !self.is_stale(today)
    }

    fn cursor(&self) -> Cursor {
        Cursor(serde_json::to_string(self).expect("plain text becomes JSON"))
    }

    /// Before anything is known.
    fn unknown(today: NaiveDate) -> Self {
        let (token, ctag, pending) = (None, None, Vec::new());
        Self { token, ctag, listed: today, pending, again: false, refused: 0, count: 0, doubted: false }
    }

    fn is_stale(&self, today: NaiveDate) -> bool {
        today - self.listed >= RECONCILE || today < self.listed
    }
}

/// What is needed for a step.
pub struct Step<'a> {
    pub dav: &'a Dav,
    pub calendar: Url,
    pub zone: chrono_tz::Tz,
    pub today: NaiveDate,
    pub window: &'a Window,
}

impl Step<'_> {
    /// The next step after `progress`.
    pub async fn take(&self, progress: Option<Progress>) -> Result<Batch, Fault> {
        let Some(mut progress) = progress else { return self.list(&Progress::unknown(self.today)).await };
        if !progress.pending.is_empty() {
            return self.advance(progress, Vec::new()).await;
        }
        if progress.is_stale(self.today) {
            return self.list(&Progress { refused: 0, ..progress }).await;
        }
        if progress.doubted {
            return self.list(&progress).await;
        }
        let Some(token) = &progress.token else { return self.list_if_changed(progress).await };
        match self.delta(token).await? {
            Delta::Refused => self.list(&Progress { refused: progress.refused.saturating_add(1), ..progress }).await,
            Delta::Much => self.list(&Progress { refused: 0, ..progress }).await,
            Delta::Changes { changed, removed, token, cut } => {
                // What changed may be new.
                let count = (progress.count + changed.len()).saturating_sub(removed.len());
                progress = Progress { token: Some(token), pending: changed, again: cut, refused: 0, count, ..progress };
                let gone = removed.into_iter().map(|resource| Change::Remove { resource }).collect();
                self.advance(progress, gone).await
            }
        }
    }

    /// Reads the next pending objects.
    async fn advance(&self, mut progress: Progress, mut changes: Vec<Change>) -> Result<Batch, Fault> {
        let rest = progress.pending.split_off(progress.pending.len().min(AT_ONCE));
        changes.extend(self.fetch(&progress.pending).await?);
        progress.pending = rest;
        let more = !progress.pending.is_empty() || progress.again;
        if progress.pending.is_empty() {
            progress.again = false;
        }
        let left = Some(progress.pending.len() as u64);
        Ok(Batch { changes, cursor: Some(progress.cursor()), more, left, ..Batch::default() })
    }

    /// Reads named objects.
    pub async fn fetch(&self, names: &[String]) -> Result<Vec<Change>, Fault> {
        let (names, foreign): (Vec<_>, Vec<_>) = names.iter().cloned().partition(|name| self.may_hold(name));
        let mut objects = objects::read(self.dav, &self.calendar, &names).await?;
        self.complete(&mut objects).await?;
        objects.extend(foreign.into_iter().map(|name| (name, Object::Gone)));
        let (zone, window) = (self.zone, *self.window);
        // Opening series is work for the processor; it must not hold up other connections.
        let open = move || objects.into_iter().map(|(name, o)| objects::change(name, o, zone, &window)).collect();
        tokio::task::spawn_blocking(open)
            .await
            .map_err(|e| Fault::from(FaultKind::Unreachable, "reading calendar objects was broken off", e))
    }

    /// A name that can be an object's: others were never given by us and lead nowhere.
    fn may_hold(&self, name: &str) -> bool {
        !name.ends_with('/') && self.dav.name(self.dav.home(), name).as_deref() == Some(name)
    }

    /// Gives objects that came without an ETag the one that a listing gives them, so that both agree on what is known.
    /// It also tells a bad object from a server that went away.
    async fn complete(&self, objects: &mut [(String, Object)]) -> Result<(), Fault> {
        let lacking = |o: &Object| matches!(o, Object::Found { etag: None, .. } | Object::Unreadable { .. });
        if !objects.iter().any(|(_, object)| lacking(object)) {
            return Ok(());
        }
        let listed: BTreeMap<_, _> = self.members().await?.unwrap_or_default().into_iter().collect();
        for (name, object) in objects.iter_mut().filter(|(_, object)| lacking(object)) {
            if let Object::Found { etag, .. } | Object::Unreadable { etag, .. } = object {
                *etag = listed.get(name).cloned().flatten();
            }
        }
        Ok(())
    }

    /// What changed since a token.
    async fn delta(&self, token: &str) -> Result<Delta, Fault> {
        let answer = match self.dav.report(&self.calendar, 0, xml::sync_collection(token)).await {
            Ok(answer) => answer,
            Err(fault) if matches!(fault.kind, FaultKind::Busy { .. } | FaultKind::Unauthorized) => return Err(fault),
            // Where the server is away altogether, the listing will say so.
            Err(_) => return Ok(Delta::Refused),
        };
        if objects::concerns_all(answer.status) {
            return Err(answer.fault());
        }
        let base = answer.url.clone();
        Ok(dav::read(&answer).map_or(Delta::Refused, |found| self.sort(&base, found, token)))
    }

    fn sort(&self, base: &Url, found: Multistatus, old: &str) -> Delta {
        let Some(token) = found.sync_token else { return Delta::Refused };
        let cut = found.replies.iter().any(|r| r.status == Some(507));
        let mut gone = BTreeMap::new();
        for reply in found.replies.iter().filter(|r| r.status != Some(507)) {
            if let Some(name) = self.member(base, reply) {
                let is_gone = matches!(reply.status, Some(404 | 410));
                // Named as gone and as there: reading it tells.
                gone.entry(name).and_modify(|old| *old &= is_gone).or_insert(is_gone);
            }
        }
        let (removed, changed): (Vec<_>, Vec<_>) = gone.into_iter().partition(|(_, is_gone)| *is_gone);
        let names = |all: Vec<(String, bool)>| all.into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        let (removed, changed) = (names(removed), names(changed));
        if cut && token == old {
            // It would be the same again, for ever.
            return Delta::Refused;
        }
        if changed.len() + removed.len() > MUCH { Delta::Much } else { Delta::Changes { changed, removed, token, cut } }
    }

    /// The name of a calendar object; `None` for the calendar itself and for collections in it.
    fn member(&self, base: &Url, reply: &Reply) -> Option<String> {
        let name = self.dav.name(base, &reply.href)?;
        let own = self.dav.name(&self.calendar, self.calendar.path()).unwrap_or_default();
        let is_object = !reply.props.is_collection && !reply.href.trim().ends_with('/') && !dav::same(&name, &own);
        is_object.then_some(name)
    }

    /// For servers without tokens: nothing to do while their mark stands still.
    async fn list_if_changed(&self, progress: Progress) -> Result<Batch, Fault> {
        let state = self.state().await?;
        if progress.ctag.is_some() && state.props.ctag == progress.ctag {
            return Ok(Batch { cursor: Some(progress.cursor()), ..Batch::default() });
        }
        let listed = progress.listed;
        self.list_after(state, &progress, listed).await
    }

    /// Everything the calendar holds.
    async fn list(&self, before: &Progress) -> Result<Batch, Fault> {
        let state = self.state().await?;
        self.list_after(state, before, self.today).await
    }

    /// A calendar that is listed whenever it changed still gets its weekly listing on the same day of the week: `listed`.
    async fn list_after(&self, state: Reply, before: &Progress, listed: NaiveDate) -> Result<Batch, Fault> {
        let refused = before.refused;
        // Whatever changes after this moment is named by the token, whether or not the listing has it already.
        let token = if refused >= PATIENCE {
            None
        } else if state.props.sync_token.is_some() || !state.props.can_sync {
            state.props.sync_token
        } else {
            self.walk().await?.map(|(token, _)| token)
        };
        let mut members = self.members().await?;
        if members.is_none() && state.props.can_sync {
            members = self.walk().await?.map(|(_, members)| members);
        }
        let Some(members) = members else {
            let what = format!("{} gives an incomplete list of the calendar: it is tried again", place(&self.calendar));
            return Err(Fault::new(FaultKind::Unreachable, what));
        };
        let entries = self.entries(members).await?;
        // An empty answer may be a mishap of the server's as well.
        let doubted = !before.doubted && entries.len() * 2 < before.count;
        let count = if doubted { before.count } else { entries.len() };
        let (pending, again, ctag) = (Vec::new(), false, state.props.ctag);
        let progress = Progress { token, ctag, listed, pending, again, refused, count, doubted };
        let listing = Some(Listing { entries, shaky: doubted, ..Listing::default() });
        Ok(Batch { cursor: Some(progress.cursor()), listing, ..Batch::default() })
    }

    /// The calendar's own marks.
    async fn state(&self) -> Result<Reply, Fault> {
        let (mut answer, _) = self.dav.propfind(&self.calendar, 0, xml::STATE).await?;
        let at = answer.replies.iter().position(|r| r.props.is_calendar);
        match at {
            Some(at) => Ok(answer.replies.swap_remove(at)),
            None => {
                let what = format!("{} has no calendar at its address any more", place(&self.calendar));
                Err(Fault::new(FaultKind::Missing, what))
            }
        }
    }

    /// Names and ETags of all objects; `None` when the server cut the list.
    async fn members(&self) -> Result<Option<Vec<Member>>, Fault> {
        let (answer, base) = self.dav.propfind(&self.calendar, 1, xml::MEMBERS).await?;
        if answer.replies.iter().any(|r| r.status == Some(507)) {
            return Ok(None);
        }
        if answer.replies.is_empty() {
            let what = format!("{} lists not even the calendar itself: it is tried again", place(&self.calendar));
            return Err(Fault::new(FaultKind::Malformed, what));
        }
        let there = answer.replies.iter().filter(|r| !matches!(r.status, Some(404 | 410)));
        let mut seen = HashSet::new();
        let named = there.filter_map(|r| Some((self.member(&base, r)?, r.props.etag.clone())));
        Ok(Some(named.filter(|(name, _)| seen.insert(name.clone())).collect()))
    }

    /// All objects by an initial synchronisation (RFC 6578 section 3.4), page by page, and the token at its end.
    async fn walk(&self) -> Result<Option<(String, Vec<Member>)>, Fault> {
        let (mut token, mut all) = (String::new(), Vec::<Member>::new());
        for _ in 0..PAGES {
            let answer = match self.dav.report(&self.calendar, 0, xml::sync_collection(&token)).await {
                Ok(answer) if answer.status == 207 => answer,
                Ok(answer) if objects::concerns_all(answer.status) => return Err(answer.fault()),
                Ok(_) => return Ok(None),
                Err(fault) if fault.kind == FaultKind::Malformed => return Ok(None),
                Err(fault) => return Err(fault),
            };
            let Ok(found) = dav::read(&answer) else { return Ok(None) };
            let Some(next) = found.sync_token else { return Ok(None) };
            let mut fresh = BTreeMap::new();
            for reply in found.replies.iter().filter(|r| r.status != Some(507)) {
                if let Some(name) = self.member(&answer.url, reply) {
                    let there = !matches!(reply.status, Some(404 | 410));
                    fresh.insert(name, there.then(|| reply.props.etag.clone()));
                }
            }
            all.retain(|(name, _)| !fresh.contains_key(name));
            all.extend(fresh.into_iter().filter_map(|(name, etag)| Some((name, etag?))));
            if !found.replies.iter().any(|r| r.status == Some(507)) {
                return Ok(Some((next, all)));
            }
            if next == token {
                return Ok(None);
            }
            token = next;
        }
        Ok(None)
    }

    /// Entries with a version each; where the server gives no ETag, the content is read to see whether it changed.
    async fn entries(&self, members: Vec<Member>) -> Result<Vec<Entry>, Fault> {
        let (mut entries, mut bare) = (Vec::with_capacity(members.len()), Vec::new());
        for (resource, etag) in members {
            match objects::version(etag.as_deref(), None, self.window) {
                Some(version) => entries.push(Entry { resource, version: Some(version) }),
                None => bare.push(resource),
            }
        }
        for some in bare.chunks(AT_ONCE) {
            for (resource, object) in objects::read(self.dav, &self.calendar, some).await? {
                let version = match object {
                    Object::Gone => continue,
                    Object::Unreadable { .. } => None,
                    Object::Found { etag, data } => objects::version(etag.as_deref(), Some(&data), self.window),
                };
                entries.push(Entry { resource, version });
            }
        }
        Ok(entries)
    }
}

/// Name and ETag of an object.
type Member = (String, Option<String>);

enum Delta {
    Changes {
        changed: Vec<String>,
        removed: Vec<String>,
        token: String,
        cut: bool,
    },
    /// More than is read as changes.
    Much,
    /// The server does not know the token, or made no sense.
    Refused,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_survives_and_stays_small() {
        let day = NaiveDate::from_ymd_opt(2026, 3, 1).expect("a day");
        let quiet = Progress { token: Some("t\"1".into()), listed: day, ..Progress::default() };
        assert_eq!(Progress::read(&quiet.cursor()), Some(quiet.clone()));
        assert!(!quiet.cursor().0.contains("pending"));
        let busy = Progress { pending: vec!["/a/b.ics".into()], again: true, ..quiet };
        assert_eq!(Progress::read(&busy.cursor()), Some(busy));
        assert_eq!(Progress::read(&Cursor("UIDVALIDITY 5".into())), None);
    }

    #[test]
    fn what_stands_is_not_asked_for() {
        let day = NaiveDate::from_ymd_opt(2026, 3, 10).expect("a day");
        let known = Progress { token: Some("t1".into()), listed: day, ..Progress::default() };
        assert!(known.stands(Some("t1"), day));
        assert!(!known.stands(Some("t2"), day) && !known.stands(None, day));
        assert!(!Progress { token: None, ..known.clone() }.stands(None, day), "two that have none are not the same");
        for unfinished in [
            Progress { pending: vec!["/a".into()], ..known.clone() },
            Progress { again: true, ..known.clone() },
            Progress { doubted: true, ..known.clone() },
        ] {
            assert!(!unfinished.stands(Some("t1"), day));
        }
        assert!(!known.stands(Some("t1"), day + TimeDelta::days(7)), "once a week it is listed");
    }

    #[test]
    fn a_week_makes_stale() {
        let day = NaiveDate::from_ymd_opt(2026, 3, 10).expect("a day");
        let progress = Progress { listed: day, ..Progress::default() };
        for (days, stale) in [(0, false), (6, false), (7, true), (400, true), (-1, true)] {
            assert_eq!(progress.is_stale(day + TimeDelta::days(days)), stale, "{days}");
        }
    }
}
