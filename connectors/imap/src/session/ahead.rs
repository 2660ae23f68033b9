//! What is asked before its turn: sent behind other commands, found on its way when it is asked for, passed over when it is not.
//! An answer to it must never pass for an answer to anything else.

use dealtrail_sdk::Fault;
use tokio::time::Instant;

use super::{SMALL_TALK, Session};
use crate::{
    answer::{Answer, Status},
    command::Command,
    fetched::Fetched,
};

/// Commands, and the messages they ask for in ascending order.
#[derive(Debug, Default)]
pub struct Question {
    pub commands: Vec<Command>,
    pub uids: Vec<u32>,
}

impl Session {
    /// Sends a command with the next ones, whatever its answer. QRESYNC counts as switched on unless this refuses it.
    pub fn first_say(&mut self, command: &str) {
        self.before.push(Command::new(command));
    }

    /// What will probably be asked after the next commands: it is sent with them, so that nobody waits for its way. Asked for
    /// next, word for word, it is on its way already; else its answers are passed over.
    pub fn then_ask(&mut self, question: Question) {
        self.behind = question;
    }

    /// Whether a message belongs to what was asked ahead.
    pub(super) fn is_early(&self, fetched: &Fetched) -> bool {
        !self.ahead.is_empty() && fetched.uid.is_some_and(|uid| self.ahead_of.binary_search(&uid).is_ok())
    }

    /// The tag of the first of these commands, and the results so far of those that are on their way already. What else is
    /// on its way is waited for and passed over: it must not pass for an answer to these.
    pub(super) async fn take_ahead(&mut self, commands: &[Command]) -> Result<(u32, Vec<Option<Status>>), Fault> {
        let expected = self.ahead.iter().zip(commands).all(|((sent, _), wanted)| sent == wanted);
        if !expected {
            self.pass_over().await?;
        }
        if self.ahead.is_empty() {
            let before = std::mem::take(&mut self.before);
            self.say(&before).await?;
            return Ok((self.last_tag + 1, Vec::with_capacity(commands.len())));
        }
        let first = self.ahead_first;
        let taken: Vec<_> =
            self.ahead.drain(..self.ahead.len().min(commands.len())).map(|(_, result)| result).collect();
        self.ahead_first += u32::try_from(taken.len()).unwrap_or(u32::MAX);
        Ok((first, taken))
    }

    /// Reads the answers to what was sent ahead and is not wanted.
    pub(super) async fn pass_over(&mut self) -> Result<(), Fault> {
        let began = Instant::now();
        while self.ahead.iter().any(|(_, result)| result.is_none()) {
            if began.elapsed() > self.link.limits().silence * SMALL_TALK {
                return Err(self.lost(&std::io::ErrorKind::TimedOut.into()));
            }
            if let Answer::Tagged(tag, status) = self.receive(None).await? {
                self.result(&tag, status, u32::MAX, &mut []);
            }
        }
        self.ahead.clear();
        self.early.clear();
        Ok(())
    }

    pub(super) async fn say_behind(&mut self) -> Result<(), Fault> {
        let Question { commands, uids } = std::mem::take(&mut self.behind);
        if commands.is_empty() || !self.ahead.is_empty() {
            return Ok(());
        }
        self.ahead_first = self.last_tag + 1;
        self.ahead_of = uids;
        self.say(&commands).await?;
        self.ahead.extend(commands.into_iter().map(|command| (command, None)));
        Ok(())
    }
}
