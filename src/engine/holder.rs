//! Who holds a lease: this process, named so that another process on the same machine can tell whether it still lives. A
//! process that was killed gives its streams back at once; one on another machine when its lease runs out.

use std::{fs, path::Path, sync::OnceLock};

/// `host/boot/pid/random`.
pub fn name() -> String {
    format!("{}/{}/{:08x}", place(), std::process::id(), life())
}

/// This run of the program.
fn life() -> u32 {
    static LIFE: OnceLock<u32> = OnceLock::new();
    *LIFE.get_or_init(rand::random)
}

fn place() -> String {
    let read = |path: &str| fs::read_to_string(path).map(|t| t.trim().replace('/', "-")).unwrap_or_default();
    format!("{}/{}", read("/proc/sys/kernel/hostname"), read("/proc/sys/kernel/random/boot_id"))
}

/// True when the holder was a process of this machine that is gone.
pub fn is_dead(holder: &str) -> bool {
    let mut parts = holder.split('/');
    let (Some(host), Some(boot), Some(pid)) = (parts.next(), parts.next(), parts.next()) else { return false };
    let place = place();
    let (here, this_boot) = place.split_once('/').unwrap_or((&place, ""));
    // in a container every start may have the same number: another name under our own is a former life
    let former = pid == std::process::id().to_string() && !holder.ends_with(&format!("/{:08x}", life()));
    host == here && !host.is_empty() && (boot != this_boot || former || !Path::new("/proc").join(pid).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_living_and_the_dead() {
        assert!(!is_dead(&name()));
        let gone = format!("{}/{}/x", place(), 0x7fff_fff0);
        assert!(is_dead(&gone), "{gone}");
        assert!(is_dead(&format!("{}/{}/zz", place(), std::process::id())));
        assert!(!is_dead("elsewhere/boot/1/x"));
        assert!(!is_dead(""));
    }
}
