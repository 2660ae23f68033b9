//! Reads calendar objects by name: many at once by calendar-multiget (RFC 4791 section 7.9), one by one where that
//! disappoints. Only a GET that says "gone" proves that an object is gone; one bad object never costs another.

use std::collections::HashMap;

use dealtrail_net::http::{Response, Url, place};
use dealtrail_sdk::{Change, Fault, FaultKind, Item, Window, ical, record::Record};

use crate::{
    dav::{self, Dav},
    xml,
};

/// Objects of one request: more make answers that servers cut or refuse.
pub const AT_ONCE: usize = 60;

/// What came of asking for one object.
pub enum Object {
    Found {
        etag: Option<String>,
        data: Vec<u8>,
    },
    Gone,
    /// It is there and cannot be had; why, in plain words.
    Unreadable {
        etag: Option<String>,
        why: String,
    },
}

/// Reads objects of one calendar. Every name that was asked for is in the answer, in the same order.
///
/// # Errors
/// Only what concerns the whole server: no connection, sign-in, throttling.
pub async fn read(dav: &Dav, calendar: &Url, names: &[String]) -> Result<Vec<(String, Object)>, Fault> {
    let mut all = Vec::with_capacity(names.len());
    for some in names.chunks(AT_ONCE) {
        let mut found = multiget(dav, calendar, some).await?;
        for name in some {
            let object = match found.remove(&dav::decode(name)) {
                Some(object) => object,
                None => single(dav, name).await?,
            };
            all.push((name.clone(), object));
        }
    }
    Ok(all)
}

/// By decoded name; what the server did not give is absent.
async fn multiget(dav: &Dav, calendar: &Url, names: &[String]) -> Result<HashMap<String, Object>, Fault> {
    let mut found = HashMap::new();
    let answer = match dav.report(calendar, 1, xml::multiget(&paths(names))).await {
        Ok(answer) => answer,
        // Too large or too much work together: one by one shows which of them it is.
        Err(fault) if matches!(fault.kind, FaultKind::Malformed | FaultKind::Unreachable) => return Ok(found),
        Err(fault) => return Err(fault),
    };
    if concerns_all(answer.status) {
        return Err(answer.fault());
    }
    let Ok(objects) = dav::read(&answer) else { return Ok(found) };
    for reply in objects.replies {
        if let (Some(name), Some(data)) = (dav.name(&answer.url, &reply.href), reply.props.data) {
            found.insert(dav::decode(&name), Object::Found { etag: reply.props.etag, data: data.into_bytes() });
        }
    }
    Ok(found)
}

/// A multiget names paths even where we hold whole addresses.
fn paths(names: &[String]) -> Vec<String> {
    let path = |name: &String| Url::parse(name).map_or_else(|_| name.clone(), |url| url.path().to_string());
    names.iter().map(path).collect()
}

async fn single(dav: &Dav, name: &str) -> Result<Object, Fault> {
    let url = dav.url(name)?;
    let why = match dav.get(&url).await {
        Ok(answer) if concerns_all(answer.status) => return Err(answer.fault()),
        Ok(answer) => match answer.status {
            200 => return Ok(from_get(answer)),
            404 | 410 => return Ok(Object::Gone),
            403 => format!("{} does not allow this account to read the object", place(&url)),
            status => format!("{} failed with status {status} for this object", place(&url)),
        },
        Err(fault) if matches!(fault.kind, FaultKind::Busy { .. } | FaultKind::Unauthorized) => return Err(fault),
        Err(fault) => fault.what,
    };
    Ok(Object::Unreadable { etag: None, why })
}

fn from_get(answer: Response) -> Object {
    let etag = answer.header("etag").map(str::to_string);
    Object::Found { etag, data: answer.body }
}

/// Statuses that concern the account rather than one object.
pub fn concerns_all(status: u16) -> bool {
    matches!(status, 401 | 407 | 429 | 503)
}

/// What the engine keeps to see that an object changed: its ETag, else its content, and the part of time that was
/// opened. Every week the window has moved on, and every series is opened again.
pub fn version(etag: Option<&str>, data: Option<&[u8]>, window: &Window) -> Option<String> {
    const WEEK: i64 = 7 * 24 * 3600;
    let content = match (etag.map(plain_etag).filter(|e| !e.is_empty()), data) {
        (Some(etag), _) => etag.to_string(),
        (None, Some(data)) => format!("b3:{}", &blake3::hash(data).to_hex()[..32]),
        (None, None) => return None,
    };
    let week = |at: chrono::DateTime<chrono::Utc>| at.timestamp().div_euclid(WEEK);
    Some(format!("{content}|{}.{}", week(window.since), week(window.until)))
}

/// An ETag without what proxies do to it: weakness, quotes, the name of a compression.
fn plain_etag(etag: &str) -> &str {
    let etag = etag.trim();
    let etag = etag.strip_prefix("W/").or_else(|| etag.strip_prefix("w/")).unwrap_or(etag).trim_matches('"');
    let suffixes = ["--gzip", "-gzip", ";gzip", "-br"];
    suffixes.iter().find_map(|suffix| etag.strip_suffix(suffix)).unwrap_or(etag)
}

/// What the engine is told of an object.
pub fn change(resource: String, object: Object, zone: chrono_tz::Tz, window: &Window) -> Change {
    let (etag, data) = match object {
        Object::Gone => return Change::Remove { resource },
        Object::Unreadable { etag, why } => {
            return Change::Unreadable { resource, version: version(etag.as_deref(), None, window), why };
        }
        Object::Found { etag, data } => (etag, data),
    };
    let version = version(etag.as_deref(), Some(&data), window);
    let calendar = ical::read(&data, zone, window);
    if !calendar.valid {
        let why = "the object is no calendar that can be read".to_string();
        return Change::Unreadable { resource, version, why };
    }
    if let Some(refusal) = calendar.refused.into_iter().next() {
        return Change::Unreadable { resource, version, why: refusal.why };
    }
    if calendar.series.iter().any(|series| series.capped) {
        tracing::warn!("a series has more instances than are opened; its later ones are missing");
    }
    let events = calendar.series.into_iter().flat_map(|series| series.events);
    let items = events.map(|e| Item { key: ical::key(&resource, &e), record: Record::Event(Box::new(e)) }).collect();
    Change::Upsert { resource, version, items }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};

    use super::*;

    fn window(day: i64) -> Window {
        let start = DateTime::<Utc>::from_timestamp(day * 86_400, 0).expect("a time");
        Window { since: start, until: start + TimeDelta::days(365) }
    }

    #[test]
    fn etags_are_opaque_and_proxies_do_not_count() {
        let now = window(20_000);
        let base = version(Some("\"abc\""), None, &now);
        for same in ["W/\"abc\"", "\"abc-gzip\"", "W/\"abc--gzip\"", " abc ", "\"abc-br\""] {
            assert_eq!(version(Some(same), None, &now), base, "{same}");
        }
        assert_ne!(version(Some("\"abd\""), None, &now), base);
        assert_ne!(version(Some("\"ABC\""), None, &now), base);
    }

    #[test]
    fn without_an_etag_the_content_counts() {
        let now = window(20_000);
        let of = |text: &str| version(None, Some(text.as_bytes()), &now);
        assert_eq!(of("a"), of("a"));
        assert_ne!(of("a"), of("b"));
        assert_eq!(version(Some("\"\""), Some(b"a"), &now), of("a"));
        assert_eq!(version(None, None, &now), None);
    }

    #[test]
    fn the_window_moves_every_week() {
        let of = |day| version(Some("x"), None, &window(day)).expect("a version");
        assert_eq!((0..7).map(|d| of(20_000 + d)).collect::<std::collections::HashSet<_>>().len(), 3);
        assert_ne!(of(20_000), of(20_007));
    }

    #[test]
    fn names_of_other_hosts_become_paths() {
        let names = ["/a/b.ics".to_string(), "https://p1.icloud.com/c%20d.ics".to_string()];
        assert_eq!(paths(&names), ["/a/b.ics", "/c%20d.ics"]);
    }
}
