//! Lists the messages of one maildir, whole or not at all.
//!
//! A mail program may rename files while the list is being made. `new` is read before `cur`, so that a message on its
//! way from one to the other is seen at least once, and a folder that changed meanwhile is read again. Two messages that
//! somebody gave one name are both listed.

use std::{
    collections::HashMap,
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    thread,
    time::{Duration, SystemTime},
};

use chrono::{DateTime, Utc};
use dealtrail_sdk::{Fault, FaultKind};

use crate::mail::{Read, read};

/// Readings of a folder that keeps changing; then what was seen in any of them counts as being there.
const SCANS_MAX: usize = 4;
/// 1990: earlier times are no times of mail, but what a copy or an archive left behind.
const EARLIEST: i64 = 631_152_000;

/// One message file.
#[derive(Clone)]
pub struct Found {
    /// The name before `:2,`: it never changes.
    pub unique: String,
    /// Below the maildir: `cur/...` or `new/...`.
    pub file: PathBuf,
    pub draft: bool,
    pub trashed: bool,
    /// Carries the keyword `$Junk`.
    pub junk: bool,
    /// The seconds that names start with by convention.
    stamp: Option<i64>,
}

impl Found {
    /// `junk`: the letter that stands for the keyword `$Junk` in this folder.
    fn new(sub: &str, name: &std::ffi::OsStr, junk: Option<char>) -> Self {
        let text = name.to_string_lossy();
        // `;` and `!` stand for the colon on file systems that forbid it
        let info = [":2,", ";2,", "!2,"].iter().find_map(|mark| text.rfind(mark).map(|at| (at, mark.len())));
        let (unique, flags) = match info {
            Some((at, len)) => (&text[..at], &text[at + len..]),
            None => (text.trim_end_matches(":1,"), ""),
        };
        let digits = unique.bytes().take_while(u8::is_ascii_digit).count();
        Self {
            unique: unique.to_owned(),
            file: Path::new(sub).join(name),
            draft: flags.contains('D'),
            trashed: flags.contains('T'),
            junk: junk.is_some_and(|letter| flags.contains(letter)),
            stamp: unique[..digits].parse().ok().filter(|s| (EARLIEST..1 << 33).contains(s)),
        }
    }

    /// Only the flags that change what a message is: reading or flagging it does not.
    pub fn version(&self) -> String {
        let flags = [(self.draft, 'D'), (self.trashed, 'T'), (self.junk, 'J')];
        let flags: String = flags.iter().filter(|f| f.0).map(|f| f.1).collect();
        if flags.is_empty() { "-".to_owned() } else { flags }
    }

    /// Bytes that Dovecot says the message has.
    pub fn promised(&self) -> Option<u64> {
        let text = self.unique.split(",S=").nth(1)?;
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        text[..digits].parse().ok()
    }

    /// Greater is newer.
    pub fn order(&self) -> (i64, &str) {
        (self.stamp.unwrap_or(0), &self.unique)
    }

    /// When the mailbox took the message in: the file's time, which Dovecot keeps as INTERNALDATE, unless the name says
    /// an earlier one: then the file was copied later.
    pub fn received(&self, modified: Option<SystemTime>) -> Option<DateTime<Utc>> {
        let modified = modified.map(|m| DateTime::<Utc>::from(m).timestamp()).filter(|s| *s >= EARLIEST);
        let seconds = [modified, self.stamp].into_iter().flatten().min()?;
        DateTime::from_timestamp(seconds, 0)
    }
}

/// When `new` and `cur` changed last: by it one tells whether a listing still holds.
pub type Stamp = [Option<SystemTime>; 2];

/// A folder's time of change moves on in steps of so much: two changes within one look like one (a kernel's tick, 1 to 10 ms).
const TICK: Duration = Duration::from_millis(20);

/// All messages of a maildir, and its stamp while they were listed, if every later change must show in it.
pub fn scan(dir: &Path) -> Result<(Vec<Found>, Option<Stamp>), Fault> {
    let mut all: HashMap<PathBuf, Found> = HashMap::new();
    let mut stamp = None;
    for n in 0..SCANS_MAX {
        if n > 0 {
            thread::sleep(TICK);
        }
        let began = files_now();
        let before = changed(dir);
        let junk = junk_letter(dir);
        for (sub, needed) in [("new", false), ("cur", true)] {
            for found in one(dir, sub, needed, junk)? {
                all.insert(found.file.clone(), found);
            }
        }
        if changed(dir) == before && is_settled(&before, began) {
            stamp = Some(before);
            break;
        }
    }
    let mut found = one_each(dir, all.into_values());
    if found.iter().any(|f| f.stamp.is_none()) {
        // names of another kind: their files' times give the order
        for f in &mut found {
            if f.stamp.is_none() {
                let modified = fs::metadata(dir.join(&f.file)).and_then(|m| m.modified()).ok();
                f.stamp = f.received(modified).map(|t| t.timestamp());
            }
        }
    }
    Ok((found, stamp))
}

/// One file a message: several of one name are a message on its way (its old name is gone by now), copies of one message, or
/// different messages that were carried here from elsewhere. The last all get names by their content, none the plain one:
/// nobody could say whose it was.
fn one_each(dir: &Path, all: impl Iterator<Item = Found>) -> Vec<Found> {
    let mut by_name: HashMap<String, Vec<Found>> = HashMap::new();
    for found in all {
        by_name.entry(found.unique.clone()).or_default().push(found);
    }
    let mut out = Vec::with_capacity(by_name.len());
    for (name, mut same) in by_name {
        if same.len() > 1 {
            same.retain(|f| dir.join(&f.file).symlink_metadata().is_ok());
            same = tell_apart(dir, &name, same);
        }
        out.append(&mut same);
    }
    out
}

fn tell_apart(dir: &Path, name: &str, mut same: Vec<Found>) -> Vec<Found> {
    // of equal copies the one that still counts as mail
    same.sort_by(|a, b| (a.trashed, a.draft, a.junk, &a.file).cmp(&(b.trashed, b.draft, b.junk, &b.file)));
    let mut kept: Vec<(blake3::Hash, Found)> = Vec::new();
    for found in same {
        let hash = match read(&dir.join(&found.file)) {
            Read::Mail { bytes, .. } => blake3::hash(&bytes),
            Read::Gone => continue,
            Read::Unreadable(_) => blake3::hash(found.file.as_os_str().as_encoded_bytes()),
        };
        if !kept.iter().any(|k| k.0 == hash) {
            kept.push((hash, found));
        }
    }
    if kept.len() > 1 {
        for (hash, found) in &mut kept {
            found.unique = format!("{name}~{}", &hash.to_hex()[..16]);
        }
    }
    kept.into_iter().map(|k| k.1).collect()
}

/// The clock that files are stamped by, whatever the program takes for the time.
#[expect(clippy::disallowed_methods, reason = "stamps of the file system are compared with the system's clock")]
fn files_now() -> SystemTime {
    SystemTime::now()
}

/// Does a change from `at` on show in the stamp? One of the future is of another clock, and shows nothing either.
fn is_settled(stamp: &Stamp, at: SystemTime) -> bool {
    stamp.iter().flatten().all(|changed| at.duration_since(*changed).is_ok_and(|since| since > TICK))
}

pub fn changed(dir: &Path) -> Stamp {
    ["new", "cur"].map(|sub| fs::metadata(dir.join(sub)).and_then(|m| m.modified()).ok())
}

/// Dovecot names a folder's keywords in a file of its own: `0 $Forwarded` is the flag `a`, and so on.
fn junk_letter(dir: &Path) -> Option<char> {
    let path = dir.join("dovecot-keywords");
    // a pipe of that name would make us wait
    let text = fs::metadata(&path).is_ok_and(|m| m.is_file()).then(|| fs::read_to_string(&path).ok())??;
    let named = |line: &str| {
        line.split_once(' ').filter(|(_, k)| k.trim().eq_ignore_ascii_case("$junk")).map(|(n, _)| n.parse().ok())
    };
    let number: u8 = text.lines().find_map(named)??;
    (number < 26).then(|| char::from(b'a' + number))
}

fn one(dir: &Path, sub: &str, needed: bool, junk: Option<char>) -> Result<Vec<Found>, Fault> {
    let path = dir.join(sub);
    let entries = match fs::read_dir(&path) {
        Ok(entries) => entries,
        Err(e) if e.kind() == ErrorKind::NotFound && !needed => return Ok(Vec::new()),
        Err(e) => return Err(fault(&path, e)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|e| fault(&path, e))?;
        let name = entry.file_name();
        if name.as_encoded_bytes().starts_with(b".") {
            continue;
        }
        // pipes, links that lead nowhere and what its kind cannot be told of are listed: reading them says what is wrong
        let folder = entry.file_type().is_ok_and(|t| t.is_dir());
        if !folder || named_like_a_mail(&name.to_string_lossy()) {
            found.push(Found::new(sub, &name, junk));
        }
    }
    found.retain(|f| !f.unique.is_empty());
    Ok(found)
}

/// A folder with such a name stands where a message should be; any other is a folder that somebody put there.
fn named_like_a_mail(name: &str) -> bool {
    let digits = name.bytes().take_while(u8::is_ascii_digit).count();
    name.contains(":2,") || (digits >= 9 && name[digits..].starts_with('.'))
}

/// Says what is wrong with a folder, and what to do.
pub fn fault(path: &Path, e: std::io::Error) -> Fault {
    let path = path.display();
    match e.kind() {
        ErrorKind::NotFound => Fault::from(
            FaultKind::Missing,
            format!("the folder {path} is not there; correct the connection's `path` or create the folder"),
            e,
        ),
        ErrorKind::PermissionDenied => Fault::from(
            FaultKind::Refused,
            format!("the folder {path} may not be read; give the user that dealtrail runs as the right to read it"),
            e,
        ),
        ErrorKind::NotADirectory => {
            Fault::from(FaultKind::Missing, format!("{path} is no folder; `path` must name a maildir"), e)
        }
        _ => Fault::from(FaultKind::Unreachable, format!("the folder {path} could not be read ({e})"), e),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    #[test]
    fn a_change_shows_once_the_folder_has_been_still() {
        let at = SystemTime::UNIX_EPOCH + Duration::from_hours(24);
        let still = |changed: &[Duration]| {
            let mut stamp = Stamp::default();
            stamp.iter_mut().zip(changed).for_each(|(s, ago)| *s = Some(at - *ago));
            is_settled(&stamp, at)
        };
        let (long, just) = (Duration::from_secs(1), Duration::from_millis(4));
        assert!(still(&[long, long]) && still(&[long]) && still(&[]));
        assert!(!still(&[long, just]) && !still(&[just]), "a second change within the tick would not show");
        assert!(!is_settled(&[Some(at + long), None], at), "another clock");
    }

    #[test]
    fn names() {
        for (name, unique, version, stamp) in [
            ("1767607200.M1P2.host:2,S", "1767607200.M1P2.host", "-", 1_767_607_200),
            ("1767607200.M1P2.host,S=12,W=13:2,DRST", "1767607200.M1P2.host,S=12,W=13", "DT", 1_767_607_200),
            ("1767607200.1_2.host,U=5:2,", "1767607200.1_2.host,U=5", "-", 1_767_607_200),
            ("1767607200.new.host", "1767607200.new.host", "-", 1_767_607_200),
            ("1767607200.x;2,T", "1767607200.x", "T", 1_767_607_200),
            ("1767607200.D.T:2,a", "1767607200.D.T", "-", 1_767_607_200),
            ("1767607200.y:2,Tc", "1767607200.y", "TJ", 1_767_607_200),
            ("message.eml", "message.eml", "-", 0),
            ("7.eml", "7.eml", "-", 0),
            ("99999999999999999999.x", "99999999999999999999.x", "-", 0),
            (":2,D", "", "D", 0),
        ] {
            let found = Found::new("cur", OsStr::new(name), Some('c'));
            assert_eq!((found.unique.as_str(), found.version().as_str()), (unique, version), "{name}");
            assert_eq!(found.order().0, stamp, "{name}");
            assert_eq!(found.file, Path::new("cur").join(name));
        }
    }

    #[test]
    fn folders_that_stand_for_mails() {
        for (name, like) in [
            ("1767607200.M1P2.host:2,S", true),
            ("1767607200.M1P2.host", true),
            ("x:2,", true),
            ("2025", false),
            ("1767607200", false),
            ("attachments", false),
            ("ä.eml", false),
        ] {
            assert_eq!(named_like_a_mail(name), like, "{name}");
        }
    }

    #[test]
    fn the_earlier_of_name_and_file_is_when_it_came() {
        let at = |seconds| Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        let named = Found::new("cur", OsStr::new("1767607200.x:2,S"), None);
        let plain = Found::new("cur", OsStr::new("x.eml"), None);
        for (found, modified, expected) in [
            (&named, at(1_767_607_300), Some(1_767_607_200)), // copied later
            (&named, at(1_500_000_000), Some(1_500_000_000)), // appended with its old date
            (&named, at(0), Some(1_767_607_200)),
            (&named, None, Some(1_767_607_200)),
            (&plain, at(1_500_000_000), Some(1_500_000_000)),
            (&plain, at(0), None),
        ] {
            assert_eq!(found.received(modified).map(|t| t.timestamp()), expected);
        }
    }

    proptest::proptest! {
        #[test]
        fn flags_never_change_a_name(unique in "[^/:;!]{1,30}", flags in "[A-Za-z]{0,8}", junk in proptest::option::of(proptest::char::range('a', 'z'))) {
            let plain = Found::new("new", OsStr::new(&unique), junk);
            let flagged = Found::new("cur", OsStr::new(&format!("{unique}:2,{flags}")), junk);
            proptest::prop_assert_eq!(&plain.unique, &unique);
            proptest::prop_assert_eq!(&flagged.unique, &unique);
            proptest::prop_assert_eq!(flagged.draft, flags.contains('D'));
        }
    }
}
