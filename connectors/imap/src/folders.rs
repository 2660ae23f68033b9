//! Which folders a mailbox has, what they are for, and which of them are read.

use dealtrail_sdk::{
    Fault, FaultKind, FolderRole, Stream,
    folders::{FolderChoice, role_by_name},
};

use crate::{
    answer::{Answer, Listed, State},
    command::Command,
    names,
    session::Session,
    sorting::Doing,
};

/// The folders that are read.
///
/// # Errors
/// When the server refuses, or a line of its list cannot be read: a shorter list is never returned.
pub async fn streams(session: &mut Session, choice: &FolderChoice) -> Result<Vec<Stream>, Fault> {
    let extended = session.can("LIST-EXTENDED") && session.can("SPECIAL-USE");
    let mut listed = None;
    if extended {
        listed = list(session, "LIST \"\" \"*\" RETURN (SPECIAL-USE)").await?;
    }
    if listed.is_none() {
        listed = list(session, "LIST \"\" \"*\"").await?;
    }
    let Some(listed) = listed else {
        let what = format!("{} refused to list its folders", session.place());
        return Err(Fault::new(FaultKind::Malformed, what));
    };
    let foreign = if session.can("NAMESPACE") { namespaces(session).await? } else { Vec::new() };
    Ok(choose(&listed, &foreign, session.can("X-GM-EXT-1"), choice))
}

/// `None` when the server refuses this form of the command.
async fn list(session: &mut Session, command: &str) -> Result<Option<Vec<Listed>>, Fault> {
    let (mut found, mut unreadable) = (Vec::new(), false);
    let mut each = |answer| match answer {
        Answer::List(listed) => found.push(listed),
        Answer::Unreadable => unreadable = true,
        _ => {}
    };
    let results = session.run(&[Command::new(command)], &mut each).await?;
    if unreadable {
        let what = format!("{} answered with a list of folders that cannot be read", session.place());
        return Err(Fault::new(FaultKind::Malformed, what));
    }
    match results.first() {
        Some(status) if status.state != State::Ok => {
            // A pause that the server asks for is no refusal of the form.
            match session.judge(Doing::Other("listing the folders"), status) {
                Err(fault) if fault.kind != FaultKind::Malformed => Err(fault),
                _ => Ok(None),
            }
        }
        _ => Ok(Some(found)),
    }
}

/// Prefixes under which the folders of other people stand.
async fn namespaces(session: &mut Session) -> Result<Vec<String>, Fault> {
    let mut foreign = Vec::new();
    let mut each = |answer| {
        if let Answer::Namespace(prefixes) = answer {
            foreign = prefixes;
        }
    };
    session.run(&[Command::new("NAMESPACE")], &mut each).await?;
    foreign.retain(|prefix| !prefix.is_empty());
    Ok(foreign)
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
