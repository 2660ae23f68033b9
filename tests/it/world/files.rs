//! Writes the world to disk: a Maildir++ per mailbox, a folder of .ics files per calendar, the CRM export, and the
//! configuration. The order in which the messages lie in their folders comes from a second seed.

use std::{
    fmt::Write as _,
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use super::{Copy, Loaded, Ties, World, build::HOME, gaps::SINCE_DAYS, rng::Rng};

/// How much of the world is there already: the first `done` of `of` equal parts of mail, events and CRM.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    pub done: usize,
    pub of: usize,
}

impl Part {
    pub const ALL: Self = Self { done: 1, of: 1 };

    /// How many of so many.
    fn share(self, all: usize) -> usize {
        all * self.done / self.of
    }
}

impl World {
    /// Writes everything below `dir`. Another `order` changes the order of the messages and nothing else.
    pub fn write_files(&self, dir: &Path, order: u64) -> Loaded {
        self.write_part(dir, order, Part::ALL)
    }

    /// Writes a part of it; called again with a larger part, the rest arrives. In which part something arrives depends
    /// on `order` alone, so mail comes before or after its contact, answers before their questions, and so on.
    pub fn write_part(&self, dir: &Path, order: u64, part: Part) -> Loaded {
        let ties = self.write_mail(dir, order, part);
        let mut turn: Vec<usize> = (0..self.objects.len()).collect();
        Rng::new(order).shuffle(&mut turn);
        for u in self.users.iter().filter(|u| u.calendar) {
            fs::create_dir_all(dir.join("cal").join(u.name)).expect("a calendar folder");
        }
        for ix in turn.into_iter().take(part.share(self.objects.len())) {
            let folder = dir.join("cal").join(self.users[self.objects[ix].owner].name);
            fs::write(folder.join(format!("event-{ix}.ics")), &self.objects[ix].ics).expect("an event");
        }
        self.crm.part(order, |all| part.share(all)).write(&dir.join("crm"));
        let mut text = self.head();
        for u in &self.users {
            if u.mailbox {
                let (name, email) = (u.name, u.email);
                connection(&mut text, &format!("{name}-mail"), "maildir", email, &format!("path = \"mail/{name}\""));
            }
            if u.calendar {
                let (name, email) = (u.name, u.email);
                connection(&mut text, &format!("{name}-calendar"), "ics", email, &format!("path = \"cal/{name}\""));
            }
        }
        let config = dir.join("dealtrail.toml");
        fs::write(&config, text).expect("the configuration");
        Loaded { config, ties }
    }

    fn write_mail(&self, dir: &Path, order: u64, part: Part) -> Ties {
        for u in self.users.iter().filter(|u| u.mailbox) {
            for sub in ["cur", "new", "tmp"] {
                fs::create_dir_all(dir.join("mail").join(u.name).join(sub)).expect("a mailbox");
            }
        }
        let mut ties = Ties::default();
        let mut turn: Vec<usize> = (0..self.copies.len()).filter(|&ix| !self.copies[ix].flags.junk).collect();
        Rng::new(order).shuffle(&mut turn);
        let share = part.share(turn.len());
        for (n, ix) in turn.into_iter().take(share).enumerate() {
            let copy = &self.copies[ix];
            let unique = format!("{}.M{n}P7.world", copy.received.timestamp());
            self.write_copy(&dir.join("mail"), copy, &unique);
            ties.copies.insert((self.mail_connection(copy.owner), copy.folder.to_owned(), unique), ix);
        }
        ties
    }

    fn write_copy(&self, mail: &Path, copy: &Copy, unique: &str) {
        let top = mail.join(self.users[copy.owner].name);
        let folder = if copy.folder == "INBOX" { top } else { top.join(format!(".{}", wire_name(copy.folder))) };
        for sub in ["cur", "new", "tmp"] {
            fs::create_dir_all(folder.join(sub)).expect("a mail folder");
        }
        if copy.folder != "INBOX" {
            fs::write(folder.join("maildirfolder"), "").expect("the Maildir++ mark");
        }
        let mut letters = String::new();
        for (on, letter) in [(copy.flags.draft, 'D'), (copy.flags.seen, 'S'), (copy.flags.deleted, 'T')] {
            if on {
                letters.push(letter);
            }
        }
        let path = if letters.is_empty() && unique.len().is_multiple_of(2) {
            folder.join("new").join(unique)
        } else {
            folder.join("cur").join(format!("{unique}:2,{letters}"))
        };
        // Local delivery writes lines that end in LF.
        let bytes: Vec<u8> = copy.bytes.iter().copied().filter(|b| *b != b'\r').collect();
        fs::write(&path, bytes).expect("a message");
        let seconds = u64::try_from(copy.received.timestamp()).expect("after 1970");
        let file = fs::File::options().write(true).open(&path).expect("the message");
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).expect("its time");
    }

    /// Everything of the configuration but the mail and calendar connections.
    pub(super) fn head(&self) -> String {
        let mut text = format!(
            "[database]\nurl = \"sqlite:dealtrail.db\"\n\n[organization]\nname = \"Nordwind\"\ndomains = [\"{HOME}\"]\n\
             external = [\"agency.{HOME}\"]\ntimezone = \"Europe/Berlin\"\n\n\
             [capture]\nsince = \"{SINCE_DAYS}d\"\nhorizon = \"365d\"\ncontent = \"text\"\n\
             exclude = [\"*@private.example\", \"lawyer@firm.example\"]\n\n\
             [matching]\ndeal_code = \"OPP-[0-9]+\"\nfree_mail = [\"mail.example\", \"freebox.example\"]\n\
             subaddress = {{ \"dash.example\" = \"-\" }}\n\n\
             [documents]\nportals = [\"orders@portal.example\"]\n\n"
        );
        if !self.partners.is_empty() {
            let list: Vec<String> = self.partners.iter().map(|d| format!("\"{d}\"")).collect();
            writeln!(text, "[[partner]]\ndomains = [{}]\n", list.join(", ")).expect("writing to a string");
        }
        for team in ["north", "south"] {
            writeln!(text, "[[team]]\nname = \"{team}\"\nmanager = \"mia@{HOME}\"\n").expect("writing to a string");
        }
        for u in &self.users {
            let aliases: Vec<String> = u.aliases.iter().map(|a| format!("\"{a}\"")).collect();
            let zone = u.timezone.map_or_else(String::new, |z| format!("timezone = \"{z}\"\n"));
            let lines =
                format!("role = \"{}\"\nteam = \"{}\"\naliases = [{}]\n{zone}", u.role, u.team, aliases.join(", "));
            writeln!(text, "[[user]]\nemail = \"{}\"\nname = \"{}\"\n{lines}", u.email, u.full_name)
                .expect("writing to a string");
        }
        text.push_str("[[connection]]\nname = \"crm\"\nconnector = \"csv\"\npath = \"crm\"\n\n");
        text
    }
}

/// One `[[connection]]` with its own settings.
pub(super) fn connection(text: &mut String, name: &str, connector: &str, owner: &str, settings: &str) {
    let lines = format!("name = \"{name}\"\nconnector = \"{connector}\"\nowner = \"{owner}\"\n{settings}\n");
    writeln!(text, "[[connection]]\n{lines}").expect("writing to a string");
}

/// The folder's name on the wire (modified UTF-7, RFC 3501 section 5.1.3) for the few names of the world.
pub(super) fn wire_name(folder: &str) -> &str {
    match folder {
        "Verträge" => "Vertr&AOQ-ge",
        plain => plain,
    }
}
