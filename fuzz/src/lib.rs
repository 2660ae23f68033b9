//! Development only: what must hold for any bytes at all, one target per reader of foreign bytes.
//!
//! A target panics when its bytes break a promise; "no panic" alone is none. `tests/short.rs` runs every target over its
//! corpus and a fixed number of changed inputs, `tests/bombs.rs` over the bombs, `long/` with libFuzzer for as long as one
//! likes (`fuzz/run`). Nothing here touches files, the network or a clock.

mod calendar;
mod dav;
mod framer;
mod mail;
mod mbox;
pub mod mutate;
mod recurrence;
mod sheet;
mod structure;

use dealtrail_testkit::bombs::Kind;

/// One reader and what it promises.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its corpus is `fuzz/corpus/NAME/`, its words `fuzz/words/NAME`.
    pub name: &'static str,
    /// Panics when the bytes break a promise.
    pub check: fn(&[u8]),
    /// The bombs that it must stand.
    pub bombs: Option<Kind>,
    /// Words that meet in its input: a line each in libFuzzer's form.
    pub words: &'static str,
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target { name: "framer", check: framer::check, bombs: Some(Kind::Imap), words: include_str!("../words/framer") },
    Target {
        name: "structure",
        check: structure::check,
        bombs: Some(Kind::Imap),
        words: include_str!("../words/structure"),
    },
    Target { name: "mail", check: mail::check, bombs: Some(Kind::Mail), words: include_str!("../words/mail") },
    Target {
        name: "calendar",
        check: calendar::check,
        bombs: Some(Kind::Calendar),
        words: include_str!("../words/calendar"),
    },
    Target { name: "recurrence", check: recurrence::check, bombs: None, words: include_str!("../words/recurrence") },
    Target { name: "sheet", check: sheet::check, bombs: Some(Kind::Sheet), words: include_str!("../words/sheet") },
    Target { name: "mbox", check: mbox::check, bombs: Some(Kind::Mbox), words: include_str!("../words/mbox") },
    Target { name: "dav", check: dav::check, bombs: Some(Kind::Dav), words: include_str!("../words/dav") },
];

/// The target of that name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|t| t.name == name)
}

/// Text that may be stored and shown on one line: databases refuse NUL, logs and pages other control characters.
fn one_line(text: &str) {
    assert!(!text.chars().any(char::is_control), "a control character in a text of one line");
}
