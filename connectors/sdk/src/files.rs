//! What the connectors that read files of this machine have in common: is another program still at it, and is it packed?
//!
//! Pure: it opens nothing and asks no clock.

use std::time::SystemTime;

use chrono::{DateTime, TimeDelta, Utc};

/// A file that looks unfinished and was changed so lately is taken to be under way; an older one is as it will stay.
const UNDER_WAY: TimeDelta = TimeDelta::minutes(1);

/// Was the file changed so lately that its writer may still be at it? A time yet to come tells nothing but a wrong clock.
pub fn under_way(modified: Option<SystemTime>, now: DateTime<Utc>) -> bool {
    let age = modified.map(|at| now - DateTime::<Utc>::from(at));
    // file systems of other machines run a little ahead
    age.is_some_and(|age| age < UNDER_WAY && age > -UNDER_WAY)
}

/// What a packed file is, by its first bytes.
pub fn packed(bytes: &[u8]) -> Option<&'static str> {
    const KINDS: [(&[u8], &str); 7] = [
        (b"\x1f\x8b", "a gzip file"),
        (b"BZh", "a bzip2 file"),
        (b"\x28\xb5\x2f\xfd", "a zstd file"),
        (b"\xfd7zXZ\0", "an xz file"),
        (b"\x04\x22\x4d\x18", "an lz4 file"),
        (b"PK\x03\x04", "a zip file or an Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel or Outlook file"),
    ];
    KINDS.iter().find(|(start, _)| bytes.starts_with(start)).map(|k| k.1)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn only_what_was_changed_lately_is_under_way() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
        let at = |seconds| Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        for (modified, expected) in [
            (at(1_800_000_000), true),
            (at(1_799_999_950), true),
            (at(1_800_000_030), true),
            (at(1_799_999_940), false),
            (at(1_800_000_060), false),
            (at(0), false),
            (None, false),
        ] {
            assert_eq!(under_way(modified, now), expected, "{modified:?}");
        }
    }

    #[test]
    fn packed_files_are_known_by_their_start() {
        for (bytes, expected) in [
            (&b"\x1f\x8b\x08\0"[..], Some("a gzip file")),
            (b"PK\x03\x04rest", Some("a zip file or an Excel workbook")),
            (b"From ana@x.example", None),
            (b"BZ", None),
            (b"", None),
        ] {
            assert_eq!(packed(bytes), expected);
        }
    }
}
