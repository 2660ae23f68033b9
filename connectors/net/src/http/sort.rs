//! What a status or a broken connection means: the only place where HTTP becomes a [`Fault`].

use std::{error::Error, io, time::Duration};

use chrono::DateTime;
use dealtrail_sdk::{Fault, FaultKind};
use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};

use crate::tls;

/// Longer waits are not believed.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// The fault a status means that is no success. `host` is all that is said of the address.
pub fn fault(status: u16, headers: &HeaderMap, host: &str) -> Fault {
    let (kind, what) = match status {
        401 => (FaultKind::Unauthorized, sign_in(headers, host)),
        403 => (FaultKind::Refused, format!("{host} does not allow this account to read the address")),
        407 => (FaultKind::Refused, format!("the proxy on the way to {host} wants a sign-in")),
        404 | 410 => (FaultKind::Missing, format!("{host} has nothing at the address: check the setting `url`")),
        429 | 503 => (
            FaultKind::Busy { retry_after: retry_after(headers) },
            format!("{host} is busy and asks us to come back later (status {status})"),
        ),
        408 | 425 | 500.. => (FaultKind::Unreachable, format!("{host} failed with status {status}: it is tried again")),
        300..=399 => {
            (FaultKind::Malformed, format!("{host} sends us on to nowhere (status {status}): check the setting `url`"))
        }
        _ => (
            FaultKind::Malformed,
            format!("{host} did not understand the request (status {status}): check the setting `url`"),
        ),
    };
    Fault::new(kind, what)
}

/// What a 401 asks for (RFC 9110 section 11.6.1).
fn sign_in(headers: &HeaderMap, host: &str) -> String {
    let asked: Vec<_> = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|v| v.to_str().ok()).collect();
    let asked = asked.join(", ").to_ascii_lowercase();
    let offers = |scheme: &str| asked.split([',', ' ']).any(|word| word == scheme);
    match (offers("basic"), offers("bearer"), offers("digest")) {
        (false, true, _) => format!("{host} takes only OAuth: give it an access token that is valid now"),
        (false, false, true) => {
            format!(
                "{host} takes only Digest sign-in, which dealtrail does not speak: allow Basic (over TLS) on the server"
            )
        }
        _ => format!("{host} refused the sign-in: check user name and password (some providers want an app password)"),
    }
}

/// Retry-After (RFC 9110 section 10.2.3) in seconds or as a date; a date counts from the answer's own Date.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: HeaderName| headers.get(name).and_then(|v| v.to_str().ok()).map(str::trim);
    let value = text(RETRY_AFTER)?;
    if value.bytes().all(|b| b.is_ascii_digit()) {
        // Too many digits for a number is a very long wait.
        return Some(value.parse().map_or(LONGEST, Duration::from_secs).min(LONGEST));
    }
    let (until, now) = (DateTime::parse_from_rfc2822(value).ok()?, DateTime::parse_from_rfc2822(text(DATE)?).ok()?);
    Some((until - now).to_std().unwrap_or_default().min(LONGEST))
}

/// The fault that a request without an (entire) answer means.
pub(crate) fn failure(error: reqwest::Error, host: &str) -> Fault {
    let error = error.without_url();
    if let Some(fault) = tls::fault_within(&error, host) {
        return fault;
    }
    let (kind, what) = if error.is_timeout() {
        (FaultKind::Unreachable, format!("{host} did not answer in time"))
    } else if chain(&error).any(|e| e.to_string().contains("dns error")) {
        (FaultKind::Unreachable, format!("the name of {host} cannot be found: check the setting `url` and the network"))
    } else if io_kind(&error) == Some(io::ErrorKind::ConnectionRefused) {
        (FaultKind::Unreachable, format!("nobody answers at {host}: check the setting `url`, and that the server runs"))
    } else if error.is_connect() {
        (FaultKind::Unreachable, format!("no connection to {host} could be made"))
    } else if error.is_builder() {
        (FaultKind::Malformed, format!("a request to {host} could not be formed"))
    } else {
        (FaultKind::Unreachable, format!("the connection to {host} broke before the answer was complete"))
    };
    Fault::from(kind, what, error)
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    // An io::Error hides the error it wraps from source(): it is opened here.
    std::iter::successors(Some(error), |e: &&'a (dyn Error + 'static)| {
        let e: &'a (dyn Error + 'static) = *e;
        match e.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => e.source(),
        }
    })
    .take(20)
}

fn io_kind(error: &(dyn Error + 'static)) -> Option<io::ErrorKind> {
    chain(error).filter_map(|e| e.downcast_ref::<io::Error>()).map(io::Error::kind).last()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(n, v)| (n.clone(), v.parse().unwrap())).collect()
    }

    #[test]
    fn statuses() {
        let none = HeaderMap::new();
        for (status, kind) in [
            (401, FaultKind::Unauthorized),
            (403, FaultKind::Refused),
            (404, FaultKind::Missing),
            (410, FaultKind::Missing),
            (429, FaultKind::Busy { retry_after: None }),
            (503, FaultKind::Busy { retry_after: None }),
            (500, FaultKind::Unreachable),
            (507, FaultKind::Unreachable),
            (599, FaultKind::Unreachable),
            (999, FaultKind::Unreachable),
            (408, FaultKind::Unreachable),
            (302, FaultKind::Malformed),
            (400, FaultKind::Malformed),
            (418, FaultKind::Malformed),
            (405, FaultKind::Malformed),
        ] {
            assert_eq!(fault(status, &none, "x.example").kind, kind, "{status}");
        }
    }

    #[test]
    fn a_refused_sign_in_says_what_is_wanted() {
        for (asked, told) in [
            (vec![], "user name and password"),
            (vec!["Basic realm=\"x\""], "user name and password"),
            (vec!["Digest realm=\"x\", nonce=\"basic\"", "Basic realm=\"x\""], "user name and password"),
            (vec!["Digest realm=\"x\", qop=\"auth\""], "Digest"),
            (vec!["Bearer realm=\"x\""], "OAuth"),
            (vec!["Negotiate"], "user name and password"),
        ] {
            let mut headers = HeaderMap::new();
            for text in &asked {
                headers.append(WWW_AUTHENTICATE, text.parse().unwrap());
            }
            let fault = fault(401, &headers, "x.example");
            assert!(fault.kind == FaultKind::Unauthorized && fault.what.contains(told), "{asked:?}: {fault}");
        }
    }

    #[test]
    fn waits() {
        let now = (DATE, "Wed, 21 Oct 2026 07:28:00 GMT");
        for (pairs, want) in [
            (vec![], None),
            (vec![(RETRY_AFTER, "120")], Some(120)),
            (vec![(RETRY_AFTER, "0")], Some(0)),
            (vec![(RETRY_AFTER, "99999999999999999999999")], Some(24 * 3600)),
            (vec![(RETRY_AFTER, "soon"), now.clone()], None),
            (vec![(RETRY_AFTER, "Wed, 21 Oct 2026 07:30:00 GMT"), now.clone()], Some(120)),
            (vec![(RETRY_AFTER, "Wed, 21 Oct 2026 07:00:00 GMT"), now.clone()], Some(0)),
            (vec![(RETRY_AFTER, "Wed, 21 Oct 2026 07:30:00 GMT")], None),
        ] {
            assert_eq!(retry_after(&headers(&pairs)), want.map(Duration::from_secs), "{pairs:?}");
        }
    }
}
