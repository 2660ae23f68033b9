//! Which messages a folder holds, asked in more than one form: a list that a server cuts short or words in its own way must
//! never pass for a shorter folder.

use dealtrail_sdk::{Fault, FaultKind};

use crate::{
    answer::Answer,
    command::Command,
    folder::{Folder, Listed},
    session::Session,
    sorting::Doing,
};

/// Asks which messages of a set exist.
pub fn command(set: &str) -> Command {
    Command::new(format!("UID SEARCH UID {set}"))
}

/// Asks for all messages. Not `1:*`, which Cyrus takes to end at the newest message it still has.
pub fn all() -> Command {
    command(&span(1, u32::MAX))
}

/// `from:to`.
pub fn span(from: u32, to: u32) -> String {
    format!("{from}:{to}")
}

impl Session {
    /// Learns all messages of the open folder in one go, if the server's list agrees with its count: then nothing needs to be
    /// searched for while it stays open. Searches are cut short by some servers, and not answered at all when they are long.
    ///
    /// # Errors
    /// When the connection is lost or the server wants a pause.
    pub async fn learn_all(&mut self) -> Result<(), Fault> {
        if self.folder.as_ref().is_none_or(|f| f.listed != Listed::NotAsked) {
            return Ok(());
        }
        let found = match self.search_set(&span(1, u32::MAX)).await {
            Ok(found) => Some(found),
            Err(fault) if fault.kind == FaultKind::Malformed && self.alive => None,
            Err(fault) => return Err(fault),
        };
        let Some(folder) = &mut self.folder else { return Ok(()) };
        let agreed = found.filter(|all| !folder.stirred && u32::try_from(all.len()).ok() == Some(folder.exists));
        folder.listed = agreed.map_or(Listed::Unsure, |all| Listed::All(all.into()));
        Ok(())
    }

    /// The UIDs among `from..=to` that exist, ascending; those that existed when the folder was opened, where all are known.
    ///
    /// # Errors
    /// When the server refuses, or answers with something that cannot be read: a shorter list is never returned.
    pub async fn search(&mut self, from: u32, to: u32) -> Result<Vec<u32>, Fault> {
        if let Some(all) = self.folder.as_ref().filter(|f| !f.grown).and_then(Folder::all) {
            let (first, end) = (all.partition_point(|uid| *uid < from), all.partition_point(|uid| *uid <= to));
            return Ok(all[first..end].to_vec());
        }
        let found = self.search_set(&span(from, to)).await?;
        // `n:*` and its like return the last message even when its UID is smaller.
        Ok(found.into_iter().filter(|uid| (from..=to).contains(uid)).collect())
    }

    /// The UIDs of a set that exist, ascending, perhaps with others.
    ///
    /// # Errors
    /// As [`Session::search`].
    pub async fn search_set(&mut self, set: &str) -> Result<Vec<u32>, Fault> {
        let (mut found, mut answered, mut unreadable) = (Vec::new(), false, false);
        let mut each = |answer| match answer {
            Answer::Search(mut uids) => {
                answered = true;
                found.append(&mut uids);
            }
            Answer::Unreadable => unreadable = true,
            _ => {}
        };
        self.must(Doing::Other("listing a folder's messages"), command(set), &mut each).await?;
        if !answered && !unreadable && self.folder.as_ref().is_some_and(|f| f.exists > 0) {
            // Some servers leave the line out when there is nothing; others answer in a form that was not asked for.
            return self.numbers(set).await;
        }
        self.in_order(found, unreadable)
    }

    /// The same asked in another form, which no server is known to cut short.
    ///
    /// # Errors
    /// As [`Session::search`].
    pub async fn numbers(&mut self, set: &str) -> Result<Vec<u32>, Fault> {
        let (mut found, mut unreadable) = (Vec::new(), false);
        let mut each = |answer| match answer {
            Answer::Fetch(fetched) => found.extend(fetched.uid),
            Answer::Unreadable => unreadable = true,
            _ => {}
        };
        let command = Command::new(format!("UID FETCH {set} (UID)"));
        self.must(Doing::Other("listing a folder's messages"), command, &mut each).await?;
        self.in_order(found, unreadable)
    }

    fn in_order(&self, mut found: Vec<u32>, unreadable: bool) -> Result<Vec<u32>, Fault> {
        if unreadable {
            let what = format!("{} answered with a list of messages that cannot be read", self.place());
            return Err(Fault::new(FaultKind::Malformed, what));
        }
        found.retain(|uid| *uid > 0);
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }
}
