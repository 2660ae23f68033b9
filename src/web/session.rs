//! The way in: a key that opens once, and the sessions it opened. Both live in memory only, as hashes; a hash is compared
//! in constant time.

use std::sync::Mutex;

use axum::http::{HeaderMap, header};

/// Who may come in.
#[derive(Debug)]
pub struct Door {
    /// Gone once it was used.
    key: Mutex<Option<blake3::Hash>>,
    sessions: Mutex<Vec<blake3::Hash>>,
    /// Cookies are shared by all ports of a host, so the name says which.
    cookie: String,
}

const LOCK: &str = "nobody panics while holding this lock";

impl Door {
    /// A door, and the key that opens it once.
    pub fn new(port: u16) -> (Self, String) {
        let key = random();
        let door = Self {
            key: Mutex::new(Some(blake3::hash(key.as_bytes()))),
            sessions: Mutex::default(),
            cookie: format!("dealtrail_{port}"),
        };
        (door, key)
    }

    /// Uses up the key: the value of a `Set-Cookie` header for a new session, or nothing when it is not (or no longer) the key.
    pub fn enter(&self, key: &str) -> Option<String> {
        let given = blake3::hash(key.as_bytes());
        let mut waiting = self.key.lock().expect(LOCK);
        if !waiting.as_ref().is_some_and(|key| *key == given) {
            return None;
        }
        *waiting = None;
        let session = random();
        self.sessions.lock().expect(LOCK).push(blake3::hash(session.as_bytes()));
        Some(format!("{}={session}; Path=/; HttpOnly; SameSite=Lax", self.cookie))
    }

    /// Does the request carry one of our sessions?
    pub fn knows(&self, headers: &HeaderMap) -> bool {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|v| v.to_str().ok());
        let mut values = cookies
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(name, _)| *name == self.cookie)
            .map(|(_, value)| blake3::hash(value.as_bytes()));
        let sessions = self.sessions.lock().expect(LOCK);
        values.any(|given| sessions.contains(&given))
    }
}

/// 128 random bits as text.
fn random() -> String {
    rand::random::<[u8; 16]>().iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(cookie: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::COOKIE, cookie.parse().expect("a header"))])
    }

    #[test]
    fn a_key_opens_once() {
        let (door, key) = Door::new(8420);
        assert_eq!(key.len(), 32);
        assert_eq!(door.enter("0"), None);
        assert_eq!(door.enter(""), None);
        let cookie = door.enter(&key).expect("the first time");
        assert!(cookie.starts_with("dealtrail_8420=") && cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax"));
        assert_eq!(door.enter(&key), None);
        let session = cookie.split(';').next().expect("a pair");
        assert!(door.knows(&with(session)));
        assert!(door.knows(&with(&format!("a=b; {session}; c=d"))));
        for other in ["", "dealtrail_8420", "dealtrail_8420=", "dealtrail_1=x", &session.replace('=', "=0")] {
            assert!(!door.knows(&with(other)), "{other}");
        }
        let (another, _) = Door::new(8420);
        assert!(!another.knows(&with(session)));
    }
}
