//! `dealtrail run`, ended with its handle, and what /proc tells of it.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    mailboxes::dealtrail,
    measure::{cpu_of, memory},
};

pub struct Daemon {
    child: Child,
}

impl Daemon {
    pub fn start(config: &Path) -> Self {
        let mut command = dealtrail(config, &["run"]);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        Self { child: child.expect("the program can be started") }
    }

    /// Bytes in memory now, all or of one kind: see proc(5).
    pub fn memory(&self, line: &str) -> u64 {
        memory(self.child.id(), line).expect("it runs")
    }

    pub fn cpu(&self) -> Duration {
        cpu_of(self.child.id())
    }

    /// Sockets it has open.
    pub fn sockets(&self) -> usize {
        let open = fs::read_dir(format!("/proc/{}/fd", self.child.id())).expect("it runs");
        let links = open.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
        links.filter(|to| to.to_string_lossy().starts_with("socket:")).count()
    }

    /// Waits until its sockets have been the same for a while.
    pub fn settled(&self) {
        let (mut last, mut since) = (self.sockets(), Instant::now());
        while since.elapsed() < Duration::from_secs(4) {
            thread::sleep(Duration::from_millis(100));
            let now = self.sockets();
            if now != last {
                (last, since) = (now, Instant::now());
            }
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _gone = Command::new("kill").arg(self.child.id().to_string()).status();
        let _gone = self.child.wait();
    }
}
