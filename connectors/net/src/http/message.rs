//! Requests and answers as values, and what may be said of an address. Nothing here opens a socket.

use std::fmt;

use dealtrail_sdk::{Fault, FaultKind};
use reqwest::{
    Method, Url,
    header::{CONTENT_TYPE, HeaderMap},
};

use super::sort;

/// A request. Headers are given in lower case.
#[derive(Clone)]
pub struct Request {
    pub method: Method,
    pub url: Url,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn get(url: Url) -> Self {
        Self { method: Method::GET, url, headers: Vec::new(), body: Vec::new() }
    }

    /// Any method, also those of WebDAV.
    ///
    /// # Panics
    /// When `method` is no HTTP token.
    pub fn new(method: &'static str, url: Url) -> Self {
        let method = Method::from_bytes(method.as_bytes()).expect("the method is a token");
        Self { method, url, headers: Vec::new(), body: Vec::new() }
    }

    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    #[must_use]
    pub fn body(mut self, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.header("content-type", media_type)
    }

    /// Asks for the bytes as they are: proxies change ETags when they compress.
    #[must_use]
    pub fn identity(self) -> Self {
        self.header("accept-encoding", "identity")
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({} {}, {} bytes)", self.method, place(&self.url), self.body.len())
    }
}

/// A whole answer.
pub struct Response {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    /// Where the answer came from, after redirects.
    pub url: Url,
    /// True when it came from another server than the one that was asked.
    pub elsewhere: bool,
}

impl Response {
    /// A header that is plain text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|v| v.to_str().ok())
    }

    /// The media type in lower case, without parameters.
    pub fn media_type(&self) -> Option<String> {
        let value = self.header(CONTENT_TYPE.as_str())?;
        value.split(';').next().map(|t| t.trim().to_ascii_lowercase())
    }

    /// The answer itself when it is a success (2xx) or 304, else the fault it means.
    ///
    /// # Errors
    /// See [`sort::fault`].
    pub fn ok(self) -> Result<Self, Fault> {
        if (200..300).contains(&self.status) || self.status == 304 {
            return Ok(self);
        }
        Err(self.fault())
    }

    /// What a status means that is no success.
    pub fn fault(&self) -> Fault {
        sort::fault(self.status, &self.headers, &place(&self.url))
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({} {}, {} bytes)", self.status, place(&self.url), self.body.len())
    }
}

/// Reads the address of a setting.
///
/// # Errors
/// [`FaultKind::Malformed`] when it is no http or https address, or carries a password.
pub fn address(text: &str) -> Result<Url, Fault> {
    let malformed = |what: &str| Fault::new(FaultKind::Malformed, format!("the setting `url` {what}"));
    let url = Url::parse(text.trim()).map_err(|_| malformed("is no address: write https://host/path"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(malformed("must start with https://host"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(malformed("holds a user name or password: write them into settings of their own"));
    }
    Ok(url)
}

/// Host and, where it is not the usual one, port: all that a message may say of an address.
pub fn place(url: &Url) -> String {
    let host = url.host_str().unwrap_or("the server");
    url.port().map_or_else(|| host.to_string(), |port| format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        assert!(address(" https://dav.example/x ").is_ok());
        for bad in ["", "dav.example", "ftp://x.example/", "https://u:p@x.example/", "mailto:a@b.example"] {
            assert_eq!(address(bad).unwrap_err().kind, FaultKind::Malformed, "{bad}");
        }
    }

    #[test]
    fn nothing_personal_is_printed() {
        let request = Request::get(address("https://a.example/users/ana/secret.ics?key=42").unwrap());
        assert_eq!(format!("{request:?}"), "Request(GET a.example, 0 bytes)");
    }
}
