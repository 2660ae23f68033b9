//! Mailboxes read for the first time: `dealtrail sync` into a fresh database, the floor, `mbsync -a` into a fresh Maildir. At two
//! sizes, because the memory that is needed must not grow with the mail.
//!
//! mbsync copies every byte and looks at none; dealtrail reads headers, structures and the texts of mail with known buyers,
//! decides, matches, stores and judges.

use std::fs;

use crate::{
    Size,
    mailboxes::{Known, Mailboxes, dealtrail, files, installed},
    measure::measure,
    table::Table,
};

/// Mails of all mailboxes together at the smaller size.
const SMALL: usize = 4000;

pub fn run(size: Size) {
    let (boxes, mails) = (size.boxes(4), size.mails(5000));
    println!("backfill: everything read for the first time, over TLS");
    if boxes * mails > SMALL {
        at(boxes, SMALL / boxes, 1);
    }
    at(boxes, mails, size.rounds(3));
}

fn at(boxes: usize, mails: usize, rounds: usize) {
    let all = Mailboxes::fill(boxes, mails);
    let port = all.server.tls_port();
    let peer = installed("mbsync", "isync");
    // the server keeps headers and structures once they were asked for: nobody shall be the first
    measure(all.floor(all.server.tls_port()));
    let mut table = Table::new("mail", all.mails);
    for round in 0..rounds {
        let place = all.dir.path().join(format!("round-{round}"));
        let config = all.configure(&place, port, "");
        table.add("dealtrail sync", measure(dealtrail(&config, &["sync"])).0);
        let known = Known { decisions: all.mails, captured: all.kept, texts: all.kept };
        assert_eq!(Known::of(&place), known, "every mail has one decision, every captured one its text");
        table.add("floor", measure(all.floor(port)).0);
        if peer {
            table.add("mbsync -a", measure(all.mbsync(&place.join("mbsync"), port)).0);
            assert_eq!(files(&place.join("mbsync")), all.mails, "every mail is a file");
        }
        fs::remove_dir_all(place).expect("the round's files");
    }
    println!(
        "  checked in each of {rounds}: {} mails ({} MB) in {boxes} mailboxes = {} decisions; {} captured = {} texts, the floor's as well",
        all.mails,
        all.bytes / 1_000_000,
        all.mails,
        all.kept,
        all.plan(port).texts()
    );
    table.print();
    table.ratio("dealtrail sync", "floor");
    table.ratio("mbsync -a", "dealtrail sync");
}
