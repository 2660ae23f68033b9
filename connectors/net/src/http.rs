//! HTTP for the connectors. A request is a value; [`Http`] sends it with limits on time and size, follows redirects by
//! hand and gives the credentials to nobody but the server they belong to. What an answer means stands in [`sort`].
//!
//! No fault carries a path, a query, a header or a body: addresses of feeds are secrets and paths hold user names.

pub mod message;
pub mod sort;

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use dealtrail_sdk::{Fault, FaultKind, Secret};
pub use message::{Request, Response, address, place};
pub use reqwest::Url;
use reqwest::{
    Method,
    header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, LOCATION},
};

use crate::{
    budget::{self, Budget},
    tls::{self, Trust},
};

/// How to sign in.
#[derive(Clone, Debug, Default)]
pub enum Login {
    #[default]
    None,
    Basic {
        user: String,
        password: Secret,
    },
    Bearer(Secret),
}

/// Where a connection's patience ends.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Making the connection, TLS included.
    pub connect: Duration,
    /// Silence: until the answer starts, and between its parts.
    pub read: Duration,
    /// The whole exchange with its redirects.
    pub total: Duration,
    /// Bytes of one body, after decompression.
    pub body: usize,
    pub redirects: usize,
    /// Plain `http://` to other machines too.
    pub allow_insecure: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(20),
            read: crate::patience::USUAL,
            total: Duration::from_secs(600),
            body: 64 << 20,
            redirects: 5,
            allow_insecure: false,
        }
    }
}

impl Limits {
    /// With the patience of the setting `timeout`.
    #[must_use]
    pub fn patience(self, read: Duration) -> Self {
        Self { connect: self.connect.min(read), read, ..self }
    }
}

/// One connection's way to HTTP: its trust, its credentials and the server they belong to.
pub struct Http {
    client: reqwest::Client,
    login: Option<HeaderValue>,
    home: Url,
    family: &'static [&'static str],
    limits: Limits,
    /// Who is asking, for the budget; may hold a secret address and is never shown.
    account: String,
    allowed: budget::Limits,
    budget: OnceLock<Arc<Budget>>,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Http({})", place(&self.home))
    }
}

impl Http {
    /// `home` is the configured address: the credentials go to its origin (scheme, host and port) and nowhere else.
    ///
    /// # Errors
    /// [`FaultKind::Malformed`] when the address or the trust settings cannot be used.
    pub fn new(trust: &Trust, login: &Login, home: Url, limits: Limits) -> Result<Self, Fault> {
        permitted(&home, &limits)?;
        tls::provider();
        let config = tls::client_config(trust, &["h2", "http/1.1"])?;
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(std::sync::Arc::unwrap_or_clone(config))
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(limits.connect)
            .pool_idle_timeout(Duration::from_secs(30))
            .user_agent(concat!("dealtrail/", env!("CARGO_PKG_VERSION")));
        if is_loopback(&home) {
            builder = builder.no_proxy();
        }
        let client = builder
            .build()
            .map_err(|e| Fault::from(FaultKind::Malformed, "HTTP could not be set up", e.without_url()))?;
        let account = match login {
            Login::Basic { user, .. } => user.clone(),
            Login::Bearer(_) => "token".to_owned(),
            Login::None => home.path().to_owned() + home.query().unwrap_or_default(),
        };
        let allowed = if is_loopback(&home) { budget::Limits::local() } else { budget::Limits::default() };
        let login = authorization(login)?;
        Ok(Self { client, login, home, family: &[], limits, account, allowed, budget: OnceLock::new() })
    }

    /// With a limit of one's own on the bytes of a day; 0 stands for no limit.
    #[must_use]
    pub fn daily_bytes(mut self, bytes: Option<u64>) -> Self {
        self.allowed.daily_bytes = bytes.unwrap_or(self.allowed.daily_bytes);
        self
    }

    fn budget(&self) -> &Budget {
        self.budget.get_or_init(|| budget::account(&place(&self.home), &self.account, self.allowed))
    }

    /// The credentials may also go, by https, to hosts in these domains: providers that spread accounts over hosts.
    #[must_use]
    pub fn family(mut self, domains: &'static [&'static str]) -> Self {
        self.family = domains;
        self
    }

    /// True when the credentials belong to this address.
    pub fn trusts(&self, url: &Url) -> bool {
        let kin = |u: &Url| self.family.iter().position(|d| u.host_str().is_some_and(|h| is_below(h, d)));
        url.origin() == self.home.origin()
            || (url.scheme() == "https"
                && self.home.scheme() == "https"
                && kin(url).is_some()
                && kin(url) == kin(&self.home))
    }

    /// Sends a request and gives back the answer when it is a success (2xx) or 304.
    ///
    /// # Errors
    /// Any other status as the fault it means, and everything [`Http::exchange`] fails with.
    pub async fn send(&self, request: Request) -> Result<Response, Fault> {
        self.exchange(request).await?.ok()
    }

    /// Sends a request and gives back the answer, whatever its status.
    ///
    /// # Errors
    /// [`FaultKind::Unreachable`] without an answer in time, [`FaultKind::Refused`] for certificates and for plain HTTP,
    /// [`FaultKind::Malformed`] for an answer beyond the limits, [`FaultKind::Busy`] when the account's budget is used up.
    pub async fn exchange(&self, request: Request) -> Result<Response, Fault> {
        let host = place(&request.url);
        let _slot = self.budget().request(&place(&self.home)).await?;
        let answer = match tokio::time::timeout(self.limits.total, self.follow(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(late(&host, self.limits.total)),
        };
        match &answer {
            // A pause holds for the whole account, whatever is asked next.
            Ok(answer) if matches!(answer.status, 429 | 503) => {
                if let Some(pause) = sort::retry_after(&answer.headers) {
                    self.budget().block(pause);
                }
            }
            Err(fault) if fault.kind == FaultKind::Unreachable => self.budget().broke(),
            _ => {}
        }
        answer
    }

    async fn follow(&self, mut request: Request) -> Result<Response, Fault> {
        let asked = request.url.origin();
        for _ in 0..=self.limits.redirects {
            permitted(&request.url, &self.limits)?;
            let answer = self.once(&request).await?;
            let Some(target) = redirect(&answer, &request.url) else {
                return self.read(answer, asked != request.url.origin(), request.url).await;
            };
            if request.url.scheme() == "https" && target.scheme() != "https" {
                let what = format!("{} sends us on to an address without TLS: not followed", place(&request.url));
                return Err(Fault::new(FaultKind::Refused, what));
            }
            if answer.status().as_u16() == 303 {
                request.method = Method::GET;
                request.body.clear();
            }
            if target.origin() != request.url.origin() {
                // Only what says which form of answer is wanted travels to another server.
                request.headers.retain(|(name, _)| CARRIED.contains(name));
            }
            request.url = target;
        }
        let what = format!("{} sends us on in a circle: check the address", place(&request.url));
        Err(Fault::new(FaultKind::Malformed, what))
    }

    async fn once(&self, request: &Request) -> Result<reqwest::Response, Fault> {
        let host = place(&request.url);
        let mut headers = HeaderMap::new();
        for (name, value) in &request.headers {
            let value = HeaderValue::from_str(value)
                .map_err(|_| Fault::new(FaultKind::Malformed, format!("a request to {host} could not be formed")))?;
            headers.insert(HeaderName::from_static(name), value);
        }
        if let Some(login) = self.login.as_ref().filter(|_| self.trusts(&request.url)) {
            headers.insert(AUTHORIZATION, login.clone());
        }
        let mut call = self.client.request(request.method.clone(), request.url.clone()).headers(headers);
        if !request.body.is_empty() {
            call = call.body(request.body.clone());
        }
        match tokio::time::timeout(self.limits.read, call.send()).await {
            Ok(answer) => answer.map_err(|e| sort::failure(e, &host)),
            Err(_) => Err(late(&host, self.limits.read)),
        }
    }

    async fn read(&self, mut answer: reqwest::Response, elsewhere: bool, url: Url) -> Result<Response, Fault> {
        let host = place(&url);
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let mut body = Vec::new();
        loop {
            let chunk = match tokio::time::timeout(self.limits.read, answer.chunk()).await {
                Ok(chunk) => chunk.map_err(|e| sort::failure(e, &host))?,
                Err(_) => return Err(late(&host, self.limits.read)),
            };
            let Some(chunk) = chunk else { break };
            self.budget().spend(chunk.len() as u64);
            if body.len() + chunk.len() > self.limits.body {
                let what = format!("the answer of {host} is larger than {} bytes: not read", self.limits.body);
                return Err(Fault::new(FaultKind::Malformed, what));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response { status, headers, body, url, elsewhere })
    }
}

/// Headers that may follow a redirect to another server.
const CARRIED: &[&str] = &["accept", "accept-encoding", "content-type", "depth", "prefer"];

fn late(host: &str, limit: Duration) -> Fault {
    Fault::new(FaultKind::Unreachable, format!("{host} did not answer within {} s", limit.as_secs_f32()))
}

fn permitted(url: &Url, limits: &Limits) -> Result<(), Fault> {
    match url.scheme() {
        "https" => Ok(()),
        "http" if limits.allow_insecure || is_loopback(url) => Ok(()),
        _ => {
            let what = format!("{} was not asked without TLS: use an https:// address", place(url));
            Err(Fault::new(FaultKind::Refused, what))
        }
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost"
        || is_below(host, "localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|a| a.is_loopback())
}

fn is_below(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn redirect(answer: &reqwest::Response, from: &Url) -> Option<Url> {
    if !matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    // Latin-1 bytes in a Location are taken as UTF-8, as browsers do.
    let target = String::from_utf8_lossy(answer.headers().get(LOCATION)?.as_bytes()).into_owned();
    let mut target = from.join(&target).ok()?;
    // A password in a Location is somebody else's.
    let _ = target.set_username("");
    let _ = target.set_password(None);
    matches!(target.scheme(), "http" | "https").then_some(target)
}

fn authorization(login: &Login) -> Result<Option<HeaderValue>, Fault> {
    let text = match login {
        Login::None => return Ok(None),
        Login::Basic { user, .. } if user.contains(':') => {
            return Err(Fault::new(FaultKind::Malformed, "the setting `username` holds a colon"));
        }
        Login::Basic { user, password } => {
            format!("Basic {}", base64(format!("{user}:{}", password.reveal()).as_bytes()))
        }
        Login::Bearer(token) => format!("Bearer {}", token.reveal()),
    };
    let mut value = HeaderValue::from_str(&text).map_err(|_| {
        Fault::new(FaultKind::Malformed, "the password or token holds a line break or control character")
    })?;
    value.set_sensitive(true);
    Ok(Some(value))
}

/// RFC 4648 section 4.
pub fn base64(bytes: &[u8]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let at = |i: usize| u32::from(three.get(i).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for place in 0..4 {
            let sign = SIGNS[(bits >> (18 - 6 * place)) as usize & 63];
            out.push(if place > three.len() { '=' } else { sign as char });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_as_in_rfc_4648() {
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn plain_http_stays_on_this_machine() {
        let strict = Limits::default();
        for (url, fine) in [
            ("https://x.example/", true),
            ("http://127.0.0.1:1/", true),
            ("http://127.8.8.8/", true),
            ("http://[::1]:80/", true),
            ("http://localhost/", true),
            ("http://a.localhost/", true),
            ("http://x.example/", false),
            ("http://notlocalhost/", false),
            ("http://127.0.0.1.example/", false),
            ("http://10.0.0.1/", false),
        ] {
            assert_eq!(permitted(&address(url).unwrap(), &strict).is_ok(), fine, "{url}");
        }
        assert!(permitted(&address("http://x.example/").unwrap(), &Limits { allow_insecure: true, ..strict }).is_ok());
    }

    #[test]
    fn credentials_belong_to_one_origin_or_family() {
        let http = |home: &str| {
            let home = address(home).unwrap();
            Http::new(&Trust::default(), &Login::None, home, Limits::default()).unwrap().family(&["icloud.com"])
        };
        for (home, url, fine) in [
            ("https://a.example/", "https://a.example:443/x", true),
            ("https://a.example/", "https://a.example:444/x", false),
            ("https://a.example/", "https://b.a.example/x", false),
            ("https://a.example/", "https://p1.icloud.com/x", false),
            ("https://caldav.icloud.com/", "https://p1.icloud.com/x", true),
            ("https://caldav.icloud.com/", "http://p1.icloud.com/x", false),
            ("https://caldav.icloud.com/", "https://evilicloud.com/x", false),
            ("http://localhost:1/", "https://localhost:1/x", false),
        ] {
            assert_eq!(http(home).trusts(&address(url).unwrap()), fine, "{home} {url}");
        }
    }
}
