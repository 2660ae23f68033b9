//! Finds an account's calendars from whatever address a person was given: the server, a principal, a calendar home or
//! one calendar (RFC 4791 section 6.2.1, RFC 6764 section 5). A web page that answers 200 is not a CalDAV server.

use dealtrail_net::http::{Url, place};
use dealtrail_sdk::{Fault, FaultKind, Stream};

use crate::{
    dav::{self, Dav},
    xml::{self, Multistatus, Reply},
};

/// Homes of one account; more are nobody's.
const HOMES: usize = 50;

/// All calendars of the account that may hold events. Each has a name of its own.
pub async fn calendars(dav: &Dav) -> Result<Vec<Stream>, Fault> {
    let mut all = search(dav).await?;
    let names: Vec<String> = all.iter().map(|s| s.name.clone()).collect();
    for stream in &mut all {
        if names.iter().filter(|n| **n == stream.name).count() > 1 {
            stream.name = format!("{} ({})", stream.name, segment(&stream.id));
        }
    }
    Ok(all)
}

async fn search(dav: &Dav) -> Result<Vec<Stream>, Fault> {
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
        return Ok(streams(dav, &url, &answer));
    }
    if !own.props.homes.is_empty() {
        return homes(dav, &url, &own.props.homes).await;
    }
    // A home that was given by hand counts more than the homes of whoever signs in: it may be a colleague's.
    if own.props.is_collection && (url.path() != "/" || own.props.principal.is_none()) {
        match dav.propfind(&url, 1, xml::CALENDAR).await {
            Ok((members, url)) if members.replies.iter().any(|r| r.props.is_calendar) => {
                return Ok(streams(dav, &url, &members));
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
async fn well_known(dav: &Dav, otherwise: Fault) -> Result<Vec<Stream>, Fault> {
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

async fn of_principal(dav: &Dav, base: &Url, principal: &str) -> Result<Vec<Stream>, Fault> {
    let url = dav.locate(base, principal).ok_or_else(|| foreign(base, principal))?;
    let (answer, url) = dav.propfind(&url, 0, xml::WHERE).await?;
    let found: Vec<_> = answer.replies.iter().flat_map(|r| r.props.homes.iter().cloned()).collect();
    if found.is_empty() {
        let what = format!("{} knows the account, but no calendars of it: check that it has a calendar", place(&url));
        return Err(Fault::new(FaultKind::Missing, what));
    }
    homes(dav, &url, &found).await
}

async fn homes(dav: &Dav, base: &Url, hrefs: &[String]) -> Result<Vec<Stream>, Fault> {
    let mut all: Vec<Stream> = Vec::new();
    for href in hrefs.iter().take(HOMES) {
        let url = dav.locate(base, href).ok_or_else(|| foreign(base, href))?;
        let (answer, url) = match dav.propfind(&url, 1, xml::CALENDAR).await {
            Ok(found) => found,
            // One of several homes may never have been made.
            Err(fault) if fault.kind == FaultKind::Missing && hrefs.len() > 1 => continue,
            Err(fault) => return Err(fault),
        };
        for stream in streams(dav, &url, &answer) {
            if !all.iter().any(|s| s.id == stream.id) {
                all.push(stream);
            }
        }
    }
    Ok(all)
}

fn streams(dav: &Dav, base: &Url, answer: &Multistatus) -> Vec<Stream> {
    let usable = answer.replies.iter().filter(|r| holds_events(r));
    usable
        .filter_map(|reply| {
            let id = dav.name(base, &reply.href)?;
            let name = reply.props.display_name.clone().unwrap_or_else(|| segment(&id));
            Some(Stream { id, name, role: None })
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
