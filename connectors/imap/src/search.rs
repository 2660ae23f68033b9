//! Which messages a folder holds, asked in more than one form: a list that a server cuts short or words in its own way must
//! never pass for a shorter folder.

use dealtrail_sdk::{Fault, FaultKind};

use crate::{answer::Answer, command::Command, session::Session, sorting::Doing};

impl Session {
    /// The UIDs among `from..=to` that exist, ascending.
    ///
    /// # Errors
    /// When the server refuses, or answers with something that cannot be read: a shorter list is never returned.
    pub async fn search(&mut self, from: u32, to: u32) -> Result<Vec<u32>, Fault> {
        let found = self.search_set(&format!("{from}:{to}")).await?;
        // `n:*` and its like return the last message even when its UID is smaller.
        Ok(found.into_iter().filter(|uid| (from..=to).contains(uid)).collect())
    }

    /// The UIDs of a set that exist, ascending, perhaps with others.
    ///
    /// # Errors
    /// As [`Session::search`].
    pub async fn search_set(&mut self, set: &str) -> Result<Vec<u32>, Fault> {
        let (mut found, mut answered, mut unreadable) = (Vec::new(), false, false);
        let command = Command::new(format!("UID SEARCH UID {set}"));
        let mut each = |answer| match answer {
            Answer::Search(mut uids) => {
                answered = true;
                found.append(&mut uids);
            }
            Answer::Unreadable => unreadable = true,
            _ => {}
        };
        self.must(Doing::Other("listing a folder's messages"), command, &mut each).await?;
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
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }
}
