//! A panic over one foreign item costs that item alone: everything that reads foreign bytes or decides over them does so in
//! [`alone`]. What a panic says is not looked at: it may hold content.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// What is said of an item over which a reader panicked: one plain sentence, as `Unreadable` wants it.
pub const WHY: &str = "reading it ended in a fault of the program; it was left aside, please report it";

/// Does the work over one item; `None` when it panicked. Nothing that the work changes may be used afterwards but what it
/// returns.
///
/// `content` is what the item is made of. Programs built for development panic over it where the variable
/// `DEALTRAIL_TRIP` says so, for the tests; others never look at it.
pub fn alone<T>(content: &[u8], work: impl FnOnce() -> T) -> Option<T> {
    let guarded = || {
        if cfg!(debug_assertions) {
            trip(content);
        }
        work()
    };
    catch_unwind(AssertUnwindSafe(guarded)).ok()
}

/// The same for readers that may refuse an item: a panic is a refusal too.
pub fn or_refused<T>(content: &[u8], read: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    alone(content, read).unwrap_or_else(|| Err(WHY.to_owned()))
}

/// Panics as a reader with a mistake would, content in hand.
fn trip(content: &[u8]) {
    use std::sync::OnceLock;
    static WIRE: OnceLock<Option<String>> = OnceLock::new();
    let wire = WIRE.get_or_init(|| std::env::var("DEALTRAIL_TRIP").ok().filter(|w| !w.is_empty()));
    let Some(wire) = wire else { return };
    let met = content.windows(wire.len()).any(|w| w == wire.as_bytes());
    assert!(!met, "a reader met {}", String::from_utf8_lossy(content));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_costs_its_item() {
        let read = |n: i32| or_refused(b"", || if n == 2 { panic!("two") } else { Ok(n) });
        let all: Vec<Result<i32, String>> = (1..4).map(read).collect();
        assert_eq!(all, [Ok(1), Err(WHY.to_owned()), Ok(3)]);
        assert_eq!(or_refused::<i32>(b"", || Err("torn".to_owned())), Err("torn".to_owned()));
    }
}
