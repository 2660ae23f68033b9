//! Back-fill beside mbsync: one Dovecot, the same mailboxes, `dealtrail sync` into a fresh database against `mbsync` into a
//! fresh Maildir, interleaved, medians of three. The answers are counted before a figure is printed, and nothing is asserted
//! about time. Arguments: mailboxes (4), mails in each (2000).
//!
//! mbsync copies every byte and looks at none; dealtrail reads headers and the texts of matched mail, decides, matches,
//! stores. Both go over TLS; neither waits for the disk after every mail.

mod measure;
mod post;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use dealtrail_testkit::dovecot::Dovecot;
use measure::{Cost, measure};

const ROUNDS: usize = 3;
const PASSWORD: &str = "secret";

fn main() {
    let numbers: Vec<usize> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let (boxes, mails) = (numbers.first().copied().unwrap_or(4), numbers.get(1).copied().unwrap_or(2000));
    let dir = tempfile::tempdir().expect("a temporary folder");
    let server = Dovecot::start();
    let office = post::Office::new(boxes);
    let bytes = fill(&server, &office, boxes, mails);
    let all = boxes * mails;
    println!("{boxes} mailboxes of {mails} mails, {} MB together, in {}", bytes / 1_000_000, dir.path().display());
    office.write_crm(&dir.path().join("crm"));
    let mut costs: [Vec<Cost>; 3] = Default::default();
    for round in 1..=ROUNDS {
        let place = dir.path().join(format!("round-{round}"));
        let ours = dealtrail(&server, &place, &dir.path().join("crm"), boxes, all);
        let together = mbsync(&server, &place.join("one"), boxes, all, false);
        let apart = mbsync(&server, &place.join("each"), boxes, all, true);
        println!("round {round}: dealtrail {ours}; mbsync -a {together}; one mbsync per mailbox {apart}");
        for (list, cost) in costs.iter_mut().zip([ours, together, apart]) {
            list.push(cost);
        }
        fs::remove_dir_all(place).expect("the round's files");
    }
    report(&costs, all);
}

/// Appends the mails of every mailbox; how many bytes.
fn fill(server: &Dovecot, office: &post::Office, boxes: usize, mails: usize) -> usize {
    let mut bytes = 0;
    // all of them first: the server looks at its users once a second at most
    (0..boxes).for_each(|b| server.user(&user(b), PASSWORD));
    for b in 0..boxes {
        let mut client = server.client(&user(b), PASSWORD);
        client.run("CREATE Archive");
        let all = office.mails(b, mails);
        for folder in ["INBOX", "Sent", "Archive"] {
            let here: Vec<&post::Mail> = all.iter().filter(|m| m.folder == folder).collect();
            bytes += here.iter().map(|m| m.bytes.len()).sum::<usize>();
            client.append_all(folder, here.into_iter().map(|m| (&m.bytes[..], m.at)));
        }
    }
    bytes
}

fn user(n: usize) -> String {
    format!("rep{n}")
}

fn dealtrail(server: &Dovecot, place: &Path, crm: &Path, boxes: usize, all: usize) -> Cost {
    fs::create_dir_all(place).expect("the round's folder");
    let config = place.join("dealtrail.toml");
    let mut text = format!(
        "[database]\nurl = \"sqlite:dealtrail.db\"\n[organization]\ndomains = [\"acme.example\"]\n\
         [[connection]]\nname = \"crm\"\nconnector = \"csv\"\npath = \"{}\"\n",
        crm.display()
    );
    for b in 0..boxes {
        let name = user(b);
        text.push_str(&format!(
            "[[user]]\nemail = \"{name}@acme.example\"\n[[connection]]\nname = \"{name}-mail\"\nconnector = \"imap\"\n\
             owner = \"{name}@acme.example\"\nhost = \"localhost\"\nport = {}\nca_file = \"{}\"\nusername = \"{name}\"\n\
             password = \"{PASSWORD}\"\n",
            server.tls_port(),
            server.ca_file().display()
        ));
    }
    fs::write(&config, text).expect("the configuration");
    let program = |what: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dealtrail"));
        command.arg("--config").arg(&config).args(what);
        command
    };
    let cost = measure(vec![program(&["sync"])]);
    let export = program(&["export", "decisions"]).output().expect("the export");
    let decided = String::from_utf8_lossy(&export.stdout).lines().filter(|l| l.contains("-mail\"")).count();
    assert_eq!(decided, all, "every mail has one decision");
    let export = program(&["export", "activities"]).output().expect("the export");
    let captured = String::from_utf8_lossy(&export.stdout).lines().count();
    assert!(
        captured * 10 > all && captured < all,
        "{captured} activities of {all} mails: the mix is not what it should be"
    );
    cost
}

fn mbsync(server: &Dovecot, place: &Path, boxes: usize, all: usize, apart: bool) -> Cost {
    fs::create_dir_all(place).expect("the round's folder");
    let config = place.join("mbsyncrc");
    let mut text = "FSync no\n\n".to_owned();
    for b in 0..boxes {
        let (name, to) = (user(b), place.join(user(b)));
        fs::create_dir_all(&to).expect("a Maildir's folder");
        let to = to.display();
        text.push_str(&format!(
            "IMAPAccount {name}\nHost localhost\nPort {}\nUser {name}\nPass {PASSWORD}\nSSLType IMAPS\nCertificateFile {}\n\n\
             IMAPStore {name}-far\nAccount {name}\n\n\
             MaildirStore {name}-near\nPath {to}/\nInbox {to}/INBOX\nSubFolders Verbatim\n\n\
             Channel {name}\nFar :{name}-far:\nNear :{name}-near:\nPatterns *\nCreate Near\nSync Pull\nSyncState *\n\n",
            server.tls_port(),
            server.ca_file().display()
        ));
    }
    fs::write(&config, text).expect("the configuration");
    let program = |what: &str| {
        let mut command = Command::new("mbsync");
        command.arg("-q").arg("-c").arg(&config).arg(what);
        command
    };
    let cost = measure(if apart { (0..boxes).map(|b| program(&user(b))).collect() } else { vec![program("-a")] });
    assert_eq!(messages(place), all, "every mail is a file");
    cost
}

/// Files in the `new` and `cur` folders below a place.
fn messages(place: &Path) -> usize {
    let entries: Vec<PathBuf> = fs::read_dir(place).expect("a folder").map(|e| e.expect("an entry").path()).collect();
    let mail = place.ends_with("new") || place.ends_with("cur");
    entries.iter().map(|path| if path.is_dir() { messages(path) } else { usize::from(mail) }).sum()
}

fn report(costs: &[Vec<Cost>; 3], all: usize) {
    let [ours, together, apart] = costs.each_ref().map(|list| Cost::median(list));
    println!("checked each round: {all} mails = {all} decisions = {all} files");
    let per_mail = |c: &Cost| c.cpu.as_micros() / all.max(1) as u128;
    println!("median of {ROUNDS}     wall      CPU a mail  peak memory");
    for (name, cost) in [("dealtrail sync", &ours), ("mbsync -a", &together), ("mbsync each", &apart)] {
        println!(
            "  {name:<15} {:>6.2} s  {:>6} us  {:>8} MB",
            cost.wall.as_secs_f64(),
            per_mail(cost),
            cost.peak >> 20
        );
    }
    let ratio = |other: &Cost| ours.wall.as_secs_f64() / other.wall.as_secs_f64();
    println!(
        "wall: dealtrail / mbsync -a = {:.2}, dealtrail / one mbsync per mailbox = {:.2}",
        ratio(&together),
        ratio(&apart)
    );
}
