//! Loads the world into a real mail server and a real calendar server, and writes the configuration that reads them.

use std::{collections::BTreeMap, fs, path::Path};

use dealtrail_testkit::{dovecot::Dovecot, radicale::Radicale};

use super::{
    Copy, Loaded, Ties, World,
    files::{connection, wire_name},
    rng::Rng,
};

const CALENDAR: &str = "work";

impl World {
    /// Appends every message and puts every event. The users of the world become users of both servers; `dir` gets the
    /// CRM export, the password files and `dealtrail.toml`. Another `order` changes the order of the messages and of
    /// the events, and nothing else.
    pub fn load_servers(&self, dovecot: &Dovecot, radicale: &Radicale, dir: &Path, order: u64) -> Loaded {
        self.crm.write(&dir.join("crm"));
        let mut text = self.head();
        for u in &self.users {
            let password = format!("secret of {}", u.name);
            fs::write(dir.join(format!("{}.password", u.name)), &password).expect("a password file");
            let login = format!("username = \"{0}\"\npassword = {{ file = \"{0}.password\" }}", u.name);
            if u.mailbox {
                dovecot.user(u.name, &password);
                let server = format!(
                    "host = \"{}\"\nport = {}\ntls = \"implicit\"\nca_file = \"{}\"",
                    dovecot.host(),
                    dovecot.tls_port(),
                    dovecot.ca_file().display()
                );
                connection(&mut text, &format!("{}-mail", u.name), "imap", u.email, &format!("{server}\n{login}"));
            }
            if u.calendar {
                radicale.user(u.name, &password);
                radicale.make_calendar(u.name, CALENDAR);
                let server = format!("url = \"{}/\"", radicale.url());
                connection(
                    &mut text,
                    &format!("{}-calendar", u.name),
                    "caldav",
                    u.email,
                    &format!("{server}\n{login}"),
                );
            }
        }
        let ties = self.append(dovecot, order);
        self.put_events(radicale, order);
        let config = dir.join("dealtrail.toml");
        fs::write(&config, text).expect("the configuration");
        Loaded { config, ties }
    }

    fn append(&self, dovecot: &Dovecot, order: u64) -> Ties {
        let mut turn: Vec<usize> = (0..self.copies.len()).collect();
        Rng::new(order).shuffle(&mut turn);
        let mut ties = Ties::default();
        for (owner, user) in self.users.iter().enumerate().filter(|(_, u)| u.mailbox) {
            let mut client = dovecot.client(user.name, &format!("secret of {}", user.name));
            let there = client.run("LIST \"\" \"*\"");
            for folder in ["Archive", "Verträge", "Sent", "Drafts", "Trash", "Junk"] {
                let name = wire_name(folder);
                if !there.lines().any(|l| l.trim_end().trim_end_matches('"').ends_with(name)) {
                    client.run(&format!("CREATE \"{name}\""));
                }
            }
            let mut validities = BTreeMap::new();
            for &ix in turn.iter().filter(|&&ix| self.copies[ix].owner == owner) {
                let copy = &self.copies[ix];
                let uid = client.append(wire_name(copy.folder), &copy.bytes, &flags(copy), Some(copy.received));
                let validity = *validities.entry(copy.folder).or_insert_with(|| {
                    validity(&client.run(&format!("STATUS \"{}\" (UIDVALIDITY)", wire_name(copy.folder))))
                });
                let slot = (self.mail_connection(owner), copy.folder.to_owned(), format!("{validity}:{uid}"));
                ties.copies.insert(slot, ix);
            }
        }
        ties
    }

    fn put_events(&self, radicale: &Radicale, order: u64) {
        let mut turn: Vec<usize> = (0..self.objects.len()).collect();
        Rng::new(order).shuffle(&mut turn);
        for ix in turn {
            let object = &self.objects[ix];
            radicale.put(self.users[object.owner].name, CALENDAR, &format!("event-{ix}.ics"), &object.ics);
        }
    }
}

fn flags(copy: &Copy) -> String {
    let all = [
        (copy.flags.seen, "\\Seen"),
        (copy.flags.draft, "\\Draft"),
        (copy.flags.deleted, "\\Deleted"),
        (copy.flags.junk, "$Junk"),
    ];
    all.iter().filter(|(on, _)| *on).map(|(_, word)| *word).collect::<Vec<_>>().join(" ")
}

fn validity(answer: &str) -> u64 {
    let digits = answer.split("UIDVALIDITY ").nth(1).expect("STATUS gives UIDVALIDITY");
    digits.chars().take_while(char::is_ascii_digit).collect::<String>().parse().expect("a number")
}
