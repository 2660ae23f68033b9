//! mbox files: the messages lie in the file one behind the other, each under a key of its own, however the bytes come.

use std::collections::HashSet;

use dealtrail_mbox::inside::places;

pub fn check(bytes: &[u8]) {
    let found = places(bytes, 64 << 10, false);
    let mut at = 0;
    for place in found.iter().flatten() {
        assert!(place.start >= at && place.end >= place.start && place.end <= bytes.len() as u64);
        at = place.end;
    }
    let all: Vec<_> = found.iter().flatten().collect();
    let keys: HashSet<&str> = all.iter().map(|p| p.key.as_str()).collect();
    assert_eq!(keys.len(), all.len(), "two messages have one key");
    if bytes.len() <= 8_192 {
        let own = usize::from(bytes.first().copied().unwrap_or(1)) + 1;
        for step in [1, 7, own] {
            assert_eq!(places(bytes, step, false), found, "in pieces of {step}");
        }
    }
    // what is being appended hides at most the message it belongs to
    let small = bytes.len() <= 1 << 20;
    if let (true, Some(then)) = (small, &found)
        && let Some(now) = places(bytes, 64 << 10, true)
    {
        assert!(now.len() + 1 >= then.len() && now.len() <= then.len());
        assert!(now.iter().zip(then).take(now.len().saturating_sub(1)).all(|(a, b)| a == b));
    }
}
