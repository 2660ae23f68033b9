//! One target of `dealtrail-fuzz` under libFuzzer: `DEALTRAIL_FUZZ` names it. Started by `fuzz/run`.
#![no_main]

use std::sync::OnceLock;

use dealtrail_fuzz::{TARGETS, Target, target};
use libfuzzer_sys::fuzz_target;

fn chosen() -> &'static Target {
    static CHOSEN: OnceLock<&'static Target> = OnceLock::new();
    CHOSEN.get_or_init(|| {
        let name = std::env::var("DEALTRAIL_FUZZ").unwrap_or_default();
        target(&name).unwrap_or_else(|| {
            let names: Vec<&str> = TARGETS.iter().map(|t| t.name).collect();
            panic!("DEALTRAIL_FUZZ names a target: {}", names.join(", "))
        })
    })
}

fuzz_target!(|bytes: &[u8]| (chosen().check)(bytes));
