//! Opening folders, by EXAMINE only: at once, or ahead of their turn.

use dealtrail_sdk::Fault;

use super::{Question, Session};
use crate::{command::Command, folder::Folder, sorting::Doing};

impl Session {
    /// Opens a folder for reading only. `since`: UIDVALIDITY and modseq of the last time, to be told what vanished. `then`:
    /// see [`Session::then_ask`].
    ///
    /// # Errors
    /// [`FaultKind::Missing`] when it is not there; other refusals and failures.
    pub async fn examine(&mut self, name: &str, since: Option<(u32, u64)>, then: Question) -> Result<&Folder, Fault> {
        let quick = since.filter(|_| self.quick_resync);
        let mut opened = self.open(name, quick, then).await;
        if opened.is_err() && quick.is_some() && !self.quick_resync && self.alive {
            // Switching it on was refused meanwhile.
            opened = self.open(name, None, Question::default()).await;
        }
        opened?;
        Ok(self.folder.as_ref().expect("it was opened"))
    }

    async fn open(&mut self, name: &str, since: Option<(u32, u64)>, then: Question) -> Result<(), Fault> {
        let command = self.examination(name, since)?;
        let ahead = self.ahead.front().is_some_and(|(asked, _)| *asked == command);
        if !ahead {
            // What is still on its way speaks of the folder that is open now.
            self.pass_over().await?;
            self.then_ask(then);
        }
        self.folder = Some(Folder::named(name));
        if let Err(fault) = self.must(Doing::OpeningFolder, command, &mut |_| {}).await {
            self.folder = None;
            return Err(fault);
        }
        if ahead && self.folder.as_ref().is_some_and(|f| f.uid_validity.is_none()) {
            // What it said may have been heard before its turn.
            return Box::pin(self.open(name, since, Question::default())).await;
        }
        if let Some(folder) = &mut self.folder {
            folder.open = true;
        }
        Ok(())
    }

    fn examination(&self, name: &str, since: Option<(u32, u64)>) -> Result<Command, Fault> {
        let command = Command::new("EXAMINE ").string(name)?;
        Ok(match since {
            Some((validity, modseq)) => command.text(&format!(" (QRESYNC ({validity} {modseq}))")),
            None if self.can("CONDSTORE") || self.can("QRESYNC") => command.text(" (CONDSTORE)"),
            None => command,
        })
    }

    /// Asks for another folder ahead, whose turn is next; the one that is open is left. Nobody waits for the answers now.
    ///
    /// # Errors
    /// When the connection fails.
    pub async fn turn_to(&mut self, name: &str, since: Option<(u32, u64)>, then: Question) -> Result<(), Fault> {
        let command = self.examination(name, since.filter(|_| self.quick_resync))?;
        if !command.is_plain() || !self.ahead.is_empty() {
            return Ok(());
        }
        let Question { mut commands, uids } = then;
        commands.insert(0, command);
        // It is not open before its turn has come: see `Folder::open`.
        self.folder = Some(Folder::named(name));
        self.behind = Question { commands, uids };
        self.say_behind().await
    }

    /// Closes the folder, if that can be done without any other effect; whether none is open now.
    pub fn leave(&mut self) -> bool {
        if self.folder.is_some() && self.can("UNSELECT") {
            self.first_say("UNSELECT");
            self.folder = None;
        }
        self.folder.is_none()
    }
}
