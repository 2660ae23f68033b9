//! Which folders a mailbox has, what they are for, and which of them are read.

use std::collections::HashMap;

use dealtrail_sdk::{
    Fault, FaultKind, FolderRole, Stream,
    folders::{FolderChoice, role_by_name},
};

use crate::{
    answer::{Answer, Listed, State},
    command::Command,
    folder::Folder,
    names,
    session::Session,
    sorting::Doing,
};

/// The folders that are read, and what the server told of them meanwhile.
#[derive(Debug, Default)]
pub struct Found {
    pub streams: Vec<Stream>,
    /// By raw name. One that is missing here must be opened to learn more.
    pub told: HashMap<String, Folder>,
}

/// The folders that are read. Whatever can travel with the question does: one round trip, as a rule.
///
/// # Errors
/// When the server refuses, or a line of its list cannot be read: a shorter list is never returned.
pub async fn find(session: &mut Session, choice: &FolderChoice) -> Result<Found, Fault> {
    // What is told of the folder that is open may be what it was when it was opened.
    let open = if session.leave() { None } else { session.folder.as_ref().map(|f| f.name.clone()) };
    let mut seen = None;
    for form in forms(session) {
        seen = list(session, &form).await?;
        if seen.is_some() {
            break;
        }
    }
    let Some(seen) = seen else {
        let what = format!("{} refused to list its folders", session.place());
        return Err(Fault::new(FaultKind::Malformed, what));
    };
    let foreign = session.foreign.clone().unwrap_or_default();
    let streams = choose(&seen.listed, &foreign, session.can("X-GM-EXT-1"), choice);
    let mut told = seen.told;
    if told.is_empty() && streams.len() > 1 {
        told = ask_each(session, &streams).await?;
    }
    told.retain(|name, _| Some(name) != open.as_ref() && streams.iter().any(|s| s.id == *name));
    Ok(Found { streams, told })
}

/// The forms of LIST that the server may understand, the most telling first.
fn forms(session: &Session) -> Vec<String> {
    let special = session.can("LIST-EXTENDED") && session.can("SPECIAL-USE");
    let status = session.can("LIST-STATUS").then(|| format!("STATUS ({})", numbers(session)));
    let wanted: Vec<String> = special.then(|| "SPECIAL-USE".to_owned()).into_iter().chain(status).collect();
    let mut forms = Vec::new();
    if !wanted.is_empty() {
        forms.push(format!("LIST \"\" \"*\" RETURN ({})", wanted.join(" ")));
    }
    if wanted.len() > 1 {
        forms.push("LIST \"\" \"*\" RETURN (SPECIAL-USE)".to_owned());
    }
    forms.push("LIST \"\" \"*\"".to_owned());
    forms
}

/// What is asked of a folder that stays closed.
fn numbers(session: &Session) -> &'static str {
    if session.can("CONDSTORE") || session.can("QRESYNC") {
        "MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ"
    } else {
        "MESSAGES UIDNEXT UIDVALIDITY"
    }
}

/// What LIST and its company said.
#[derive(Default)]
struct Seen {
    listed: Vec<Listed>,
    told: HashMap<String, Folder>,
}

/// `None` when the server refuses this form of the command.
async fn list(session: &mut Session, command: &str) -> Result<Option<Seen>, Fault> {
    let mut commands = vec![Command::new(command)];
    if session.foreign.is_none() && session.can("NAMESPACE") {
        commands.push(Command::new("NAMESPACE"));
    }
    let (mut seen, mut foreign, mut unreadable) = (Seen::default(), None, false);
    let mut each = |answer| match answer {
        Answer::List(listed) => seen.listed.push(listed),
        Answer::Told(name, numbers) => note(&mut seen.told, name, &numbers),
        Answer::Namespace(prefixes) => foreign = Some(prefixes),
        Answer::Unreadable => unreadable = true,
        _ => {}
    };
    let results = session.run(&commands, &mut each).await?;
    if unreadable {
        let what = format!("{} answered with a list of folders that cannot be read", session.place());
        return Err(Fault::new(FaultKind::Malformed, what));
    }
    if let Some(mut foreign) = foreign {
        foreign.retain(|prefix| !prefix.is_empty());
        session.foreign = Some(foreign);
    }
    match results.first() {
        Some(status) if status.state != State::Ok => {
            // A pause that the server asks for is no refusal of the form.
            match session.judge(Doing::Other("listing the folders"), status) {
                Err(fault) if fault.kind != FaultKind::Malformed => Err(fault),
                _ => Ok(None),
            }
        }
        _ => Ok(Some(seen)),
    }
}

fn note(told: &mut HashMap<String, Folder>, name: String, numbers: &[(String, u64)]) {
    match Folder::told(&name, numbers) {
        Some(folder) => drop(told.insert(name, folder)),
        None => drop(told.remove(&name)),
    }
}

/// Asks of each folder by itself, all at once. One that the server refuses to tell of is opened later, which tells why.
async fn ask_each(session: &mut Session, streams: &[Stream]) -> Result<HashMap<String, Folder>, Fault> {
    let mut commands = Vec::new();
    for stream in streams {
        let command = Command::new("STATUS ").string(&stream.id)?.text(&format!(" ({})", numbers(session)));
        commands.extend(Some(command).filter(Command::is_plain));
    }
    let mut told = HashMap::new();
    let mut each = |answer| {
        if let Answer::Told(name, numbers) = answer {
            note(&mut told, name, &numbers);
        }
    };
    for status in session.run(&commands, &mut each).await? {
        match session.judge(Doing::Other("asking for news"), &status) {
            Err(fault) if matches!(fault.kind, FaultKind::Busy { .. } | FaultKind::Unauthorized) => return Err(fault),
            _ => {}
        }
    }
    Ok(told)
}

/// The folders that are read: pure.
fn choose(listed: &[Listed], foreign: &[String], gmail: bool, choice: &FolderChoice) -> Vec<Stream> {
    let has = |l: &Listed, attribute: &str| l.attributes.iter().any(|a| a == attribute);
    let mut streams: Vec<Stream> = Vec::new();
    for folder in listed.iter().filter(|l| !has(l, "\\NOSELECT") && !has(l, "\\NONEXISTENT")) {
        let name = names::display(&folder.name, folder.separator);
        let others = foreign.iter().any(|prefix| is_below(&folder.name, prefix, folder.separator));
        let role = if others { None } else { role(folder).or_else(|| role_by_name(&name)) };
        if others && choice.include.is_empty() {
            continue;
        }
        if choice.reads(&name, role) && streams.iter().all(|s| s.id != folder.name) {
            streams.push(Stream { id: folder.name.clone(), name, role });
        }
    }
    let all_mail = streams.iter().any(|s| s.role == Some(FolderRole::All));
    if gmail && all_mail {
        // Labels are shown as folders: everything stands in All Mail once, but spam and trash.
        streams.retain(|s| matches!(s.role, Some(FolderRole::All | FolderRole::Junk | FolderRole::Trash)));
    }
    // The most telling folders first.
    streams.sort_by_key(|s| match s.role {
        Some(FolderRole::Inbox) => 0,
        Some(FolderRole::Sent | FolderRole::All) => 1,
        _ => 2,
    });
    streams
}

fn is_below(name: &str, prefix: &str, separator: Option<char>) -> bool {
    let bare = separator.and_then(|s| prefix.strip_suffix(s)).unwrap_or(prefix);
    name.starts_with(prefix) || name == bare
}

fn role(folder: &Listed) -> Option<FolderRole> {
    if folder.name.eq_ignore_ascii_case("INBOX") {
        return Some(FolderRole::Inbox);
    }
    folder.attributes.iter().find_map(|attribute| match attribute.as_str() {
        "\\SENT" => Some(FolderRole::Sent),
        "\\DRAFTS" => Some(FolderRole::Drafts),
        "\\TRASH" => Some(FolderRole::Trash),
        "\\JUNK" | "\\SPAM" => Some(FolderRole::Junk),
        "\\ARCHIVE" => Some(FolderRole::Archive),
        "\\ALL" | "\\ALLMAIL" => Some(FolderRole::All),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(attributes: &str, name: &str) -> Listed {
        let attributes = attributes.split_whitespace().map(str::to_ascii_uppercase).collect();
        Listed { attributes, separator: Some('/'), name: name.to_owned() }
    }

    fn names(streams: &[Stream]) -> Vec<(&str, Option<FolderRole>)> {
        streams.iter().map(|s| (s.name.as_str(), s.role)).collect()
    }

    #[test]
    fn what_the_server_says_beats_the_name() {
        let folders = [
            listed("\\HasNoChildren", "INBOX"),
            listed("\\Sent", "Ausgang"),
            listed("\\Noselect", "Lists"),
            listed("\\NonExistent", "Ghost"),
            listed("\\Trash", "Alt"),
            listed("", "Gesendete Objekte"),
            listed("", "Entw&APw-rfe"),
            listed("", "Kunden/M&APw-ller"),
            listed("", "Other Users/bob"),
        ];
        let found = choose(&folders, &["Other Users/".into()], false, &FolderChoice::default());
        let expected = [
            ("INBOX", Some(FolderRole::Inbox)),
            ("Ausgang", Some(FolderRole::Sent)),
            ("Gesendete Objekte", Some(FolderRole::Sent)),
            ("Kunden/Müller", None),
        ];
        assert_eq!(names(&found), expected);
        assert_eq!(found[3].id, "Kunden/M&APw-ller", "the raw name is kept");
        let include = FolderChoice { include: vec!["Other Users/*".into(), "Entwürfe".into()], exclude: vec![] };
        let found = choose(&folders, &["Other Users/".into()], false, &include);
        assert_eq!(names(&found), [("Entwürfe", Some(FolderRole::Drafts)), ("Other Users/bob", None)]);
    }

    #[test]
    fn gmail_is_read_once() {
        let folders = [
            listed("", "INBOX"),
            listed("\\Noselect", "[Gmail]"),
            listed("\\All", "[Gmail]/Alle Nachrichten"),
            listed("\\Sent", "[Gmail]/Gesendet"),
            listed("\\Junk", "[Gmail]/Spam"),
            listed("", "Customers"),
        ];
        let found = choose(&folders, &[], true, &FolderChoice::default());
        assert_eq!(names(&found), [("[Gmail]/Alle Nachrichten", Some(FolderRole::All))]);
        let only = FolderChoice { include: vec!["INBOX".into()], exclude: vec![] };
        assert_eq!(names(&choose(&folders, &[], true, &only)), [("INBOX", Some(FolderRole::Inbox))]);
        let hidden: Vec<Listed> = folders.iter().filter(|l| !l.name.contains("Alle")).cloned().collect();
        let found = choose(&hidden, &[], true, &FolderChoice::default());
        assert_eq!(found.len(), 3, "All Mail may be hidden from IMAP: then the labels are read");
    }
}
