//! Finds an account's calendars from whatever address a person was given: the server, a principal, a calendar home or
//! one calendar (RFC 4791 section 6.2.1, RFC 6764 section 5). A web page that answers 200 is not a CalDAV server.

use dealtrail_net::http::{Url, place};
use dealtrail_sdk::{Fault, FaultKind, Stream};

use crate::{
    dav::{self, Dav},
    xml::{self, Multistatus, Reply},
};

/// A calendar, and how far it was when it was found.
#[derive(Clone, Debug)]
pub struct Found {
    pub stream: Stream,
    /// Its sync-token; `None` where the server has none.
    pub token: Option<String>,
}

/// A place where calendars stand, and whether they are its members (depth 1) or it is one itself (0).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    url: Url,
    depth: u8,
}

/// All calendars of the account that may hold events, each with a name of its own, and where they were found. `known`: the
/// places of last time, which are asked first.
pub async fn calendars(dav: &Dav, known: &[Place]) -> Result<(Vec<Found>, Vec<Place>), Fault> {
    let again = if known.is_empty() { None } else { at_places(dav, known).await? };
    let (mut all, places) = match again {
        Some(all) => (all, known.to_vec()),
        None => search(dav).await?,
    };
    let names: Vec<String> = all.iter().map(|f| f.stream.name.clone()).collect();
    for Found { stream, .. } in &mut all {
        if names.iter().filter(|n| **n == stream.name).count() > 1 {
            stream.name = format!("{} ({})", stream.name, segment(&stream.id));
        }
    }
    Ok((all, places))
}

/// The calendars at known places; `None` when they are not as they were, so that they must be searched for.
async fn at_places(dav: &Dav, places: &[Place]) -> Result<Option<Vec<Found>>, Fault> {
    let mut all: Vec<Found> = Vec::new();
    for place in places {
        let (answer, url) = match dav.propfind(&place.url, place.depth, xml::CALENDAR).await {
            Ok(found) => found,
            Err(fault) if is_final(&fault) => return Err(fault),
            Err(_) => return Ok(None),
        };
        let here = found(dav, &url, &answer);
        if here.is_empty() {
            return Ok(None);
        }
        add(&mut all, here);
    }
    Ok(Some(all))
}

fn add(all: &mut Vec<Found>, more: Vec<Found>) {
    for one in more {
        if !all.iter().any(|f| f.stream.id == one.stream.id) {
            all.push(one);
        }
    }
}

type Searched = (Vec<Found>, Vec<Place>);

async fn search(dav: &Dav) -> Result<Searched, Fault> {
    let first = match dav.propfind(dav.home(), 0, xml::CALENDAR).await {
        Ok(found) => found,
        Err(fault) if is_final(&fault) => return Err(fault),
        // The address is some other page of a server that may know where its calendars are.
        Err(fault) => return well_known(dav, fault).await,
    };
    let (answer, url) = first;
    let Some(own) = own(dav, &answer, &url) else {
        return well_known(dav, not_there(&url)).await;
    };
    if own.props.is_calendar {
        return Ok((found(dav, &url, &answer), vec![Place { url, depth: 0 }]));
    }
    if !own.props.homes.is_empty() {
        return homes(dav, &url, &own.props.homes).await;
    }
    // A home that was given by hand counts more than the homes of whoever signs in: it may be a colleague's.
    if own.props.is_collection && (url.path() != "/" || own.props.principal.is_none()) {
        match dav.propfind(&url, 1, xml::CALENDAR).await {
            Ok((members, url)) if members.replies.iter().any(|r| r.props.is_calendar) => {
                return Ok((found(dav, &url, &members), vec![Place { url, depth: 1 }]));
            }
            Err(fault) if is_final(&fault) => return Err(fault),
            // A root whose members nobody may list.
            _ => {}
        }
    }
    match &own.props.principal {
        Some(principal) => of_principal(dav, &url, principal).await,
        None => well_known(dav, not_there(&url)).await,
    }
}

/// RFC 6764: the server says at a fixed place where its CalDAV is. `otherwise` is the fault when it does not.
async fn well_known(dav: &Dav, otherwise: Fault) -> Result<Searched, Fault> {
    let place = dav.home().join("/.well-known/caldav").map_err(|_| not_there(dav.home()))?;
    let (answer, url) = match dav.propfind(&place, 0, xml::WHERE).await {
        Ok(found) => found,
        // A redirect to another server says more than "not found" at the first address.
        Err(fault) if is_final(&fault) || fault.kind == FaultKind::Refused => return Err(fault),
        Err(_) => return Err(otherwise),
    };
    let Some(own) = own(dav, &answer, &url) else { return Err(otherwise) };
    if !own.props.homes.is_empty() {
        return homes(dav, &url, &own.props.homes).await;
    }
    match &own.props.principal {
        Some(principal) => of_principal(dav, &url, principal).await,
        None => Err(otherwise),
    }
}

async fn of_principal(dav: &Dav, base: &Url, principal: &str) -> Result<Searched, Fault> {
    let url = dav.locate(base, principal).ok_or_else(|| foreign(base, principal))?;
    let (answer, url) = dav.propfind(&url, 0, xml::WHERE).await?;
    let found: Vec<_> = answer.replies.iter().flat_map(|r| r.props.homes.iter().cloned()).collect();
    if found.is_empty() {
        let what = format!("{} knows the account, but no calendars of it: check that it has a calendar", place(&url));
        return Err(Fault::new(FaultKind::Missing, what));
    }
    homes(dav, &url, &found).await
}

async fn homes(dav: &Dav, base: &Url, hrefs: &[String]) -> Result<Searched, Fault> {
    let (mut all, mut places) = (Vec::new(), Vec::new());
    for href in hrefs.iter().take(xml::HOMES) {
        let url = dav.locate(base, href).ok_or_else(|| foreign(base, href))?;
        let (answer, url) = match dav.propfind(&url, 1, xml::CALENDAR).await {
            Ok(found) => found,
            // One of several homes may never have been made.
            Err(fault) if fault.kind == FaultKind::Missing && hrefs.len() > 1 => continue,
            Err(fault) => return Err(fault),
        };
        add(&mut all, found(dav, &url, &answer));
        places.push(Place { url, depth: 1 });
    }
    Ok((all, places))
}

fn found(dav: &Dav, base: &Url, answer: &Multistatus) -> Vec<Found> {
    let usable = answer.replies.iter().filter(|r| holds_events(r));
    usable
        .filter_map(|reply| {
            let id = dav.name(base, &reply.href)?;
            let name = reply.props.display_name.clone().unwrap_or_else(|| segment(&id));
            Some(Found { stream: Stream { id, name, role: None }, token: reply.props.sync_token.clone() })
        })
        .collect()
}

/// The last part of a calendar's address, for calendars without a name.
fn segment(id: &str) -> String {
    let last = id.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    if last.is_empty() { "calendar".to_string() } else { dav::decode(last) }
}

/// A calendar of the account that may hold events: no inbox, no outbox (they repeat invitations), no subscription.
fn holds_events(reply: &Reply) -> bool {
    let props = &reply.props;
    props.is_calendar
        && !props.is_other
        && props.components.as_ref().is_none_or(|all| all.is_empty() || all.iter().any(|c| c == "VEVENT"))
}

/// What an answer says of the place that was asked itself.
fn own<'a>(dav: &Dav, answer: &'a Multistatus, url: &Url) -> Option<&'a Reply> {
    let name = dav.name(url, url.as_str())?;
    let itself = |r: &&Reply| dav.name(url, &r.href).is_some_and(|n| dav::same(&n, &name));
    answer.replies.iter().find(itself).or_else(|| answer.replies.first())
}

/// Asking at another place would not help.
fn is_final(fault: &Fault) -> bool {
    matches!(fault.kind, FaultKind::Unauthorized | FaultKind::Busy { .. })
        || (fault.kind == FaultKind::Unreachable && fault.source.is_some())
}

fn not_there(url: &Url) -> Fault {
    let what = format!("{} names neither an account nor a calendar: check that `url` is a CalDAV address", place(url));
    Fault::new(FaultKind::Malformed, what)
}

fn foreign(base: &Url, href: &str) -> Fault {
    let there = base.join(href).map_or_else(|_| "elsewhere".to_string(), |u| u.origin().ascii_serialization());
    let what =
        format!("{} keeps the calendars on {there}: if that server is yours, set `url` to its address", place(base));
    Fault::new(FaultKind::Refused, what)
}
