//! Lays mail and calendars out on disk: Maildir++ folders as Dovecot keeps them, one calendar file per kind of entry.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use anyhow::Context as _;

use super::cast::{OURS, REPS};
use super::office::Office;
use super::world::{Folder, Letter, Meeting, World};
use super::{diary, letter};

/// Writes every copy of every letter. Returns how many files there are.
pub(super) fn mail(dir: &Path, office: &Office, world: &World) -> anyhow::Result<usize> {
    for rep in 0..REPS {
        for folder in [Folder::Inbox, Folder::Sent, Folder::Archive, Folder::Drafts, Folder::Trash, Folder::Junk] {
            let path = folder_path(dir, rep, folder);
            for part in ["cur", "new", "tmp"] {
                let path = path.join(part);
                fs::create_dir_all(&path).with_context(|| format!("creating {}", path.display()))?;
            }
            if folder != Folder::Inbox {
                fs::write(path.join("maildirfolder"), b"")?;
            }
        }
    }
    let mut count = 0;
    for (n, one) in world.letters.iter().enumerate() {
        for (rep, folder) in copies(one, office) {
            copy(dir, office, one, n, rep, folder)?;
            count += 1;
        }
    }
    Ok(count)
}

/// In which boxes a letter lies.
pub(super) fn copies(one: &Letter, office: &Office) -> Vec<(usize, Folder)> {
    if let Some(place) = one.place {
        return vec![place];
    }
    let mut places: BTreeMap<usize, Folder> = BTreeMap::new();
    for party in one.to.iter().chain(&one.cc) {
        if let Some(rep) = party.rep {
            // People tidy up: much of what is older than two months has left the inbox.
            let old = (office.now - one.at).num_days() > 60;
            let tidy = one.id.bytes().map(usize::from).sum::<usize>() % 5 < 2;
            places.insert(rep, if old && tidy { Folder::Archive } else { Folder::Inbox });
        }
    }
    if let Some(rep) = one.from.rep {
        places.insert(rep, Folder::Sent);
    }
    places.into_iter().collect()
}

fn copy(dir: &Path, office: &Office, one: &Letter, n: usize, rep: usize, folder: Folder) -> anyhow::Result<()> {
    let received = !matches!(folder, Folder::Sent | Folder::Drafts);
    let bytes = letter::bytes(one, received);
    // Unread: some of what came in the last days.
    let fresh = folder == Folder::Inbox && (office.now - one.at).num_hours() < 90 && n.is_multiple_of(3);
    let flags = match folder {
        Folder::Drafts => "DS",
        Folder::Trash => "ST",
        _ if fresh => "",
        _ => "S",
    };
    let unique = format!("{}.M{n:06}P{}.mx1,S={}", one.at.timestamp(), 4100 + rep, bytes.len());
    let path = folder_path(dir, rep, folder);
    let path = if fresh { path.join("new").join(unique) } else { path.join("cur").join(format!("{unique}:2,{flags}")) };
    let file = fs::File::create(&path).with_context(|| format!("writing {}", path.display()))?;
    std::io::Write::write_all(&mut &file, &bytes).with_context(|| format!("writing {}", path.display()))?;
    let seconds = u64::try_from(one.at.timestamp()).unwrap_or(0) + u64::from(received) * 2;
    // Some file systems cannot keep times; the mail's own date is there as well.
    let _ = file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
    Ok(())
}

fn folder_path(dir: &Path, rep: usize, folder: Folder) -> PathBuf {
    let base = dir.join(OURS[rep].key);
    match folder {
        Folder::Inbox => base,
        Folder::Sent => base.join(".Sent"),
        Folder::Archive => base.join(".Archive"),
        Folder::Drafts => base.join(".Drafts"),
        Folder::Trash => base.join(".Trash"),
        Folder::Junk => base.join(".Junk"),
    }
}

/// Writes the calendars. Returns how many entries they hold, a series counted once.
pub(super) fn calendars(dir: &Path, world: &World) -> anyhow::Result<usize> {
    for (rep, one) in OURS.iter().enumerate().take(REPS) {
        let path = dir.join(one.key);
        fs::create_dir_all(&path).with_context(|| format!("creating {}", path.display()))?;
        for (file, text) in calendar_files(world, rep) {
            fs::write(path.join(file), text).with_context(|| format!("writing {}", path.display()))?;
        }
    }
    Ok(world.meetings.iter().map(|m| m.owners.len()).sum())
}

/// Names and texts of a rep's calendars: work, and what is nobody's business.
pub(super) fn calendar_files(world: &World, rep: usize) -> [(&'static str, String); 2] {
    [("work", "work.ics", false), ("private", "private.ics", true)].map(|(name, file, private)| {
        let entries: Vec<&Meeting> =
            world.meetings.iter().filter(|m| m.owners.contains(&rep) && m.private == private).collect();
        (file, diary::calendar(name, &entries))
    })
}
