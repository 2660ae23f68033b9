//! What is told when the program panics: the place, and a code to report. Never what the panic says: a reader that stumbles
//! may hold a mail in its hands.

use std::{
    io::Write as _,
    panic::{self, PanicHookInfo},
};

/// From now on panics of all threads are told so. The first thing a program does.
pub fn set() {
    panic::set_hook(Box::new(|panicked| {
        // a closed standard error must not make two panics of one
        let _unheard = writeln!(std::io::stderr(), "{}", sentence(panicked));
    }));
}

fn sentence(panicked: &PanicHookInfo<'_>) -> String {
    let place = panicked.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    let code = blake3::hash(format!("{} {place}", env!("CARGO_PKG_VERSION")).as_bytes()).to_hex();
    format!(
        "dealtrail: a part of the program panicked at {place} (fault {}). What it was at is not told here, since it may be \
         somebody's; please report the place.",
        &code[..8]
    )
}
