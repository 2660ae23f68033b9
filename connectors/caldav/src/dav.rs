//! The few WebDAV requests that are made, all of them reads (PROPFIND, REPORT, GET), and the names of resources.
//! Only an answer with status 207 that reads as a multistatus counts as an answer.

use dealtrail_net::http::{Http, Request, Response, Url, place};
use dealtrail_sdk::{Fault, FaultKind};

use crate::xml::{self, Multistatus};

/// One account's server.
#[derive(Debug)]
pub struct Dav {
    http: Http,
    home: Url,
}

/// An answer, and where it came from after redirects.
pub type Found = (Multistatus, Url);

impl Dav {
    pub fn new(http: Http, home: Url) -> Self {
        Self { http, home }
    }

    /// The configured address.
    pub fn home(&self) -> &Url {
        &self.home
    }

    /// Asks for properties of one resource (`depth` 0) or of it and its members (1).
    pub async fn propfind(&self, url: &Url, depth: u8, body: &str) -> Result<Found, Fault> {
        let request = Request::new("PROPFIND", url.clone()).header("depth", depth.to_string()).identity();
        let answer = self.ask(request.body(XML, body)).await?.ok()?;
        let found = read(&answer)?;
        Ok((found, answer.url))
    }

    /// Runs a report and gives back the answer, whatever it says.
    pub async fn report(&self, url: &Url, depth: u8, body: String) -> Result<Response, Fault> {
        let request = Request::new("REPORT", url.clone()).header("depth", depth.to_string()).identity();
        self.ask(request.body(XML, body)).await
    }

    /// Reads one resource, without any precondition, whatever the answer says.
    pub async fn get(&self, url: &Url) -> Result<Response, Fault> {
        self.ask(Request::get(url.clone()).header("accept", "text/calendar, */*;q=0.1").identity()).await
    }

    async fn ask(&self, request: Request) -> Result<Response, Fault> {
        let asked = place(&request.url);
        let answer = self.http.exchange(request).await?;
        if answer.elsewhere && !self.http.trusts(&answer.url) {
            let there = answer.url.origin().ascii_serialization();
            let what = format!(
                "{asked} sends us on to {there}, which was given no password: if it is yours, set `url` to its address there"
            );
            return Err(Fault::new(FaultKind::Refused, what));
        }
        Ok(answer)
    }

    /// The address of a name that [`Dav::name`] made.
    pub fn url(&self, name: &str) -> Result<Url, Fault> {
        let unusable = || Fault::new(FaultKind::Malformed, "the name of a calendar is no address");
        let url = self.home.join(name).map_err(|_| unusable())?;
        if self.http.trusts(&url) { Ok(url) } else { Err(unusable()) }
    }

    /// The name of an href in an answer of `base`: a path, or a whole address on another host of the same provider.
    /// One resource has one name, however its percent-encoding is written. `None` when it lies on a foreign server.
    pub fn name(&self, base: &Url, href: &str) -> Option<String> {
        let url = self.locate(base, href)?;
        // Two slashes at the start would be read as a host when the name becomes an address again.
        let path = format!("/{}", plain_encoding(url.path()).trim_start_matches('/'));
        if url.origin() == self.home.origin() {
            return Some(path);
        }
        Some(url.origin().ascii_serialization() + &path)
    }

    /// The address an href stands for, on a server that may have our credentials.
    pub fn locate(&self, base: &Url, href: &str) -> Option<Url> {
        // Some servers double the first slash, which would name a host.
        let href = href.trim();
        let slashes = href.len() - href.trim_start_matches('/').len();
        let url = base.join(&href[slashes.saturating_sub(1)..]).ok()?;
        self.http.trusts(&url).then_some(url)
    }
}

const XML: &str = "application/xml; charset=utf-8";

/// Reads a 207.
pub fn read(answer: &Response) -> Result<Multistatus, Fault> {
    let host = place(&answer.url);
    let no_caldav = |why: &str| {
        Fault::new(
            FaultKind::Malformed,
            format!("{host} did not answer as a CalDAV server does ({why}): check that `url` is a CalDAV address"),
        )
    };
    if answer.status != 207 {
        let form = answer.media_type().filter(|t| t.len() < 40).unwrap_or_default();
        return Err(no_caldav(format!("status {} {form}", answer.status).trim_end()));
    }
    xml::multistatus(&answer.body).map_err(no_caldav)
}

/// True when two names mean the same resource: percent-encoding and a slash at the end do not count.
pub fn same(a: &str, b: &str) -> bool {
    decode(a).trim_end_matches('/') == decode(b).trim_end_matches('/')
}

/// Percent-decoded text.
pub fn decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match escape_at(bytes, at) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// RFC 3986 section 6.2.2: unreserved characters as they are, hex digits in upper case.
fn plain_encoding(path: &str) -> String {
    let bytes = path.as_bytes();
    let mut out = String::with_capacity(path.len());
    let mut at = 0;
    while at < bytes.len() {
        match escape_at(bytes, at) {
            Some(byte) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                out.push(byte as char);
                at += 3;
            }
            Some(_) => {
                out.push_str(&path[at..at + 3].to_ascii_uppercase());
                at += 3;
            }
            // A parsed path is ASCII.
            None => {
                out.push(bytes[at] as char);
                at += 1;
            }
        }
    }
    out
}

fn escape_at(bytes: &[u8], at: usize) -> Option<u8> {
    let hex = |b: &u8| (*b as char).to_digit(16);
    match bytes.get(at..at + 3) {
        #[expect(clippy::cast_possible_truncation, reason = "two hex digits are one byte")]
        Some([b'%', high, low]) => Some((hex(high)? * 16 + hex(low)?) as u8),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use dealtrail_net::{
        http::{Limits, Login, address},
        tls::Trust,
    };

    use super::*;

    fn dav(home: &str) -> Dav {
        let url = address(home).expect("an address");
        let http = Http::new(&Trust::default(), &Login::None, url.clone(), Limits::default()).expect("HTTP");
        Dav::new(http.family(&["icloud.com"]), url)
    }

    #[test]
    fn names_of_hrefs() {
        let dav = dav("https://dav.example/dav/");
        let base = dav.url("/dav/ana/cal/").expect("an address of the server");
        for (href, name) in [
            ("/dav/ana/cal/a.ics", Some("/dav/ana/cal/a.ics")),
            ("a.ics", Some("/dav/ana/cal/a.ics")),
            ("https://dav.example:443/x", Some("/x")),
            ("//dav/x.ics", Some("/dav/x.ics")),
            ("/%61na%40x/%2f%C3%a4 b%7E.ics", Some("/ana%40x/%2F%C3%A4%20b~.ics")),
            ("/ana@x/", Some("/ana@x/")),
            ("/%zz%4", Some("/%zz%4")),
            ("https://evil.example/x", None),
            ("http://dav.example/x", None),
            ("mailto:a@b.example", None),
        ] {
            assert_eq!(dav.name(&base, href).as_deref(), name, "{href}");
        }
    }

    #[test]
    fn a_name_leads_back() {
        let dav = dav("https://caldav.icloud.com/");
        let name = dav.name(dav.home(), "https://p42-caldav.icloud.com:443/1/calendars/").expect("the same provider");
        assert_eq!(name, "https://p42-caldav.icloud.com/1/calendars/");
        assert_eq!(dav.url(&name).expect("an address").as_str(), name);
        assert!(dav.url("https://other.example/").is_err());
    }

    #[test]
    fn names_that_mean_the_same() {
        assert!(same("/ana%40x/cal/", "/ana@x/cal"));
        assert!(!same("/ana/cal/", "/ana/call/"));
    }

    static SERVER: LazyLock<Dav> = LazyLock::new(|| dav("https://dav.example/"));

    proptest::proptest! {
        #[test]
        fn naming_is_stable(path in "(/|[ -~äß]){0,30}") {
            if let Some(name) = SERVER.name(SERVER.home(), &format!("/{path}")) {
                proptest::prop_assert!(SERVER.url(&name).is_ok());
                proptest::prop_assert_eq!(SERVER.name(SERVER.home(), &name), Some(name));
            }
        }
    }
}
