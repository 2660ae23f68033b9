//! The back-fill over a long line: a proxy of ours between the programs and the server delays every byte by half a round trip
//! each way. Bytes on their way overlap, so the line is long and not thin.

use std::{fs, time::Duration};

use dealtrail_testkit::proxy::{Plan, Proxy};

use crate::{
    Size,
    mailboxes::{Known, Mailboxes, dealtrail, files, installed},
    measure::{Cost, measure},
    table::Table,
};

const ROUND_TRIP: Duration = Duration::from_millis(50);

pub fn run(size: Size) {
    let (boxes, mails, rounds) = (size.boxes(4), size.mails(1000), size.rounds(3));
    println!("delayed: the back-fill with {} ms of round trip", ROUND_TRIP.as_millis());
    let all = Mailboxes::fill(boxes, mails);
    let proxy = Proxy::start(all.server.tls_port());
    proxy.set(Plan::round_trip(ROUND_TRIP));
    let port = proxy.port();
    let peer = installed("mbsync", "isync");
    // the server keeps headers and structures once they were asked for: nobody shall be the first
    measure(all.floor(all.server.tls_port()));
    let mut table = Table::new("mail", all.mails);
    let mut lines = Vec::new();
    for round in 0..rounds {
        let place = all.dir.path().join(format!("round-{round}"));
        let config = all.configure(&place, port, "");
        let mut through = |side, run: &mut dyn FnMut() -> Cost| {
            let before = (proxy.connections(), proxy.turns());
            table.add(side, run());
            lines.push((side, proxy.connections() - before.0, proxy.turns() - before.1));
        };
        through("dealtrail sync", &mut || measure(dealtrail(&config, &["sync"])).0);
        through("floor", &mut || measure(all.floor(port)).0);
        if peer {
            through("mbsync -a", &mut || measure(all.mbsync(&place.join("mbsync"), port)).0);
            assert_eq!(files(&place.join("mbsync")), all.mails, "every mail is a file");
        }
        let known = Known { decisions: all.mails, captured: all.kept, texts: all.kept };
        assert_eq!(Known::of(&place), known, "every mail has one decision, every captured one its text");
        fs::remove_dir_all(place).expect("the round's files");
    }
    println!(
        "  checked in each of {rounds}: {} mails in {boxes} mailboxes = {} decisions; {} captured = {} texts",
        all.mails, all.mails, all.kept, all.kept
    );
    table.print();
    table.ratio("dealtrail sync", "floor");
    table.ratio("mbsync -a", "dealtrail sync");
    for (side, connections, turns) in lines.iter().take(if peer { 3 } else { 2 }) {
        let each = *turns as f64 / boxes as f64;
        println!("  {side}: {connections} connections, {each:.0} changes of direction a mailbox");
    }
}
