//! What the IMAP floor fetches: written by the bench, which made the mail and knows its shape. Lines of words:
//! `server PORT CA-FILE`, `user NAME PASSWORD`, `folder FIRST-UID MAILS NAME`, `text SECTION UID-SET COUNT`.

use std::fmt::Write as _;

#[derive(Debug, Default)]
pub struct Plan {
    pub port: u16,
    pub ca_file: String,
    pub boxes: Vec<Mailbox>,
}

#[derive(Debug, Default)]
pub struct Mailbox {
    pub user: String,
    pub password: String,
    pub folders: Vec<Folder>,
}

#[derive(Debug, Default)]
pub struct Folder {
    pub name: String,
    /// The first UID that is asked for.
    pub first: u32,
    /// Mails from there on.
    pub mails: usize,
    /// Section, UIDs and how many they are: the text parts that dealtrail reads.
    pub texts: Vec<(String, String, usize)>,
}

impl Plan {
    pub fn texts(&self) -> usize {
        self.boxes.iter().flat_map(|b| &b.folders).flat_map(|f| &f.texts).map(|t| t.2).sum()
    }

    pub fn write(&self) -> String {
        let mut text = format!("server {} {}\n", self.port, self.ca_file);
        for b in &self.boxes {
            writeln!(text, "user {} {}", b.user, b.password).expect("a string");
            for f in &b.folders {
                writeln!(text, "folder {} {} {}", f.first, f.mails, f.name).expect("a string");
                for (section, uids, count) in &f.texts {
                    writeln!(text, "text {section} {uids} {count}").expect("a string");
                }
            }
        }
        text
    }

    pub fn read(text: &str) -> Self {
        let mut plan = Self::default();
        for line in text.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["server", port, ca_file] => {
                    (plan.port, plan.ca_file) = (port.parse().expect("a port"), ca_file.to_owned());
                }
                ["user", user, password] => {
                    plan.boxes.push(Mailbox { user: user.into(), password: password.into(), folders: Vec::new() });
                }
                ["folder", first, mails, name] => {
                    let (first, mails) = (first.parse().expect("a UID"), mails.parse().expect("a number"));
                    let folder = Folder { name: name.into(), first, mails, texts: Vec::new() };
                    plan.boxes.last_mut().expect("a user comes first").folders.push(folder);
                }
                ["text", section, uids, count] => {
                    let folder =
                        plan.boxes.last_mut().and_then(|b| b.folders.last_mut()).expect("a folder comes first");
                    folder.texts.push((section.into(), uids.into(), count.parse().expect("a number")));
                }
                _ => panic!("not a line of a plan: {line}"),
            }
        }
        plan
    }
}

/// UIDs, ascending, as an IMAP set.
pub fn set(uids: &[u32]) -> String {
    let runs = uids.chunk_by(|a, b| a + 1 == *b);
    let runs: Vec<String> = runs
        .map(|run| match run {
            [one] => one.to_string(),
            run => format!("{}:{}", run[0], run[run.len() - 1]),
        })
        .collect();
    runs.join(",")
}
