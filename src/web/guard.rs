//! Stands before every page: the right host, a reading method, a session; and the headers that keep a page shut in itself.

use std::{collections::HashMap, net::IpAddr, sync::Arc, time::Duration};

use axum::{
    extract::{Query, Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Redirect, Response},
};

use super::{desk::Desk, trouble};

/// No page takes longer; the reader is told before he gives up.
const PATIENCE: Duration = Duration::from_secs(20);

/// Open without a session: nothing personal is behind them.
const PUBLIC: &[&str] = &["/healthz", "/readyz", "/metrics", "/sign-in", "/assets/style.css", "/assets/mark.svg"];

const HEADERS: &[(&str, &str)] = &[
    (
        "content-security-policy",
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    // the key of the sign-in link must not travel
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
];

pub async fn guard(State(desk): State<Arc<Desk>>, request: Request, next: Next) -> Response {
    let mut response = admit(&desk, request, next).await;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(*name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

async fn admit(desk: &Desk, request: Request, next: Next) -> Response {
    let named = request.headers().get(header::HOST).map(|h| h.to_str().unwrap_or_default());
    let target = request.uri().authority().map(|a| a.as_str());
    if (named.is_none() && target.is_none()) || [named, target].into_iter().flatten().any(|host| !is_here(host)) {
        return trouble::foreign_host();
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return trouble::read_only();
    }
    if !PUBLIC.contains(&request.uri().path()) && !desk.door.knows(request.headers()) {
        return trouble::not_signed_in();
    }
    match tokio::time::timeout(PATIENCE, next.run(request)).await {
        Ok(response) => response,
        Err(_) => trouble::slow(),
    }
}

/// A name of this machine that no foreign name server answers for: else a page from elsewhere could read this one by
/// pointing its own name here.
fn is_here(host: &str) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        // the colons of a bare IPv6 address are none before a port
        Some((name, port)) if !host.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    };
    let name = name.strip_prefix('[').and_then(|n| n.strip_suffix(']')).unwrap_or(name);
    let known = name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    known && port.is_none_or(|p| p.parse::<u16>().is_ok())
}

/// Uses up the link. A browser that only looks ahead must not use it up.
pub async fn sign_in(
    State(desk): State<Arc<Desk>>,
    query: Query<HashMap<String, String>>,
    request: Request,
) -> Response {
    let ahead = ["sec-purpose", "purpose", "x-moz"].iter().any(|name| request.headers().contains_key(*name));
    if ahead || request.method() == Method::HEAD {
        return StatusCode::NO_CONTENT.into_response();
    }
    match query.get("key").and_then(|key| desk.door.enter(key)) {
        Some(cookie) => ([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response(),
        None if desk.door.knows(request.headers()) => Redirect::to("/").into_response(),
        None => trouble::used_link(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine() {
        for host in ["localhost", "LocalHost:8420", "127.0.0.1", "127.0.0.1:1", "127.8.8.8:80", "[::1]", "[::1]:8420"] {
            assert!(is_here(host), "{host}");
        }
        let foreign = [
            "",
            "evil.example",
            "evil.example:8420",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "10.0.0.1:8420",
            "0.0.0.0",
            "[::]",
            "localhost:",
            "localhost:x",
            "[::1",
            "user@localhost",
            "localhost.",
            "127.0.0.1:1:2",
        ];
        for host in foreign {
            assert!(!is_here(host), "{host}");
        }
    }
}
