//! What waiting costs: a daemon whose mailboxes are all read and only waited for, with many of them and with few, over TLS and
//! in plain text. The difference is what a mailbox costs.

use std::{thread, time::Duration};

use dealtrail_testkit::dovecot::Options;

use crate::{Size, daemon::Daemon, mailboxes::Mailboxes};

const FEW: usize = 5;
/// How long its CPU is looked at.
const REST: Duration = Duration::from_secs(16);

/// A server that lets so many people wait.
const ROOM: &str = "default_client_limit = 8000\ndefault_process_limit = 4000\n\
                    service imap-login {\n  service_count = 0\n  client_limit = 8000\n}\n\
                    service imap {\n  process_limit = 4000\n}\n";

struct Waiting {
    memory: u64,
    /// What of it are pages of the program's file.
    program: u64,
    sockets: usize,
    /// Of one core.
    cpu: f64,
}

pub fn run(size: Size) {
    let many = size.boxes(200).max(2 * FEW);
    println!("watching: a daemon that waits for {many} mailboxes, beside one that waits for {FEW}");
    let options = Options { config: ROOM.to_owned(), ..Options::default() };
    let few = Mailboxes::fill_with(FEW, 1, &options);
    let all = Mailboxes::fill_with(many, 1, &options);
    for tls in [true, false] {
        let (base, full) = (wait(&few, tls), wait(&all, tls));
        let more = (many - FEW) as f64;
        let each = (full.memory as f64 - base.memory as f64) / more / 1024.0;
        let connections = (full.sockets - base.sockets) as f64 / more;
        println!(
            "  {}: {:.1} MiB with {FEW} ({:.1} MiB of it the program itself), {:.1} MiB with {many}: {each:.1} KiB a mailbox \
             with its {connections:.2} connections; {:.2} % of a core with {FEW}, {:.2} % with {many}",
            if tls { "TLS" } else { "plain" },
            mebibytes(base.memory),
            mebibytes(base.program),
            mebibytes(full.memory),
            base.cpu * 100.0,
            full.cpu * 100.0
        );
    }
}

fn wait(all: &Mailboxes, tls: bool) -> Waiting {
    let place = all.dir.path().join(if tls { "tls" } else { "plain" });
    let port = if tls { all.server.tls_port() } else { all.server.port() };
    let config = all.configure(&place, port, if tls { "" } else { "tls = \"none\"" });
    let daemon = Daemon::start(&config);
    daemon.settled();
    let sockets = daemon.sockets();
    assert!(sockets > all.boxes, "each mailbox is waited for");
    let before = daemon.cpu();
    thread::sleep(REST);
    assert_eq!(daemon.sockets(), sockets, "nothing happened meanwhile");
    let cpu = (daemon.cpu() - before).as_secs_f64() / REST.as_secs_f64();
    Waiting { memory: daemon.memory("VmRSS"), program: daemon.memory("RssFile"), sockets, cpu }
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / 1_048_576.0
}
