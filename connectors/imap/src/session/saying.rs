//! What goes out over a connection: tags, literals and their go-ahead, and how long a write may take.

use dealtrail_sdk::Fault;
use tokio::{io::AsyncWriteExt, time::timeout};

use super::{ENABLE, Session};
use crate::{
    answer::{Answer, Status},
    command::{Command, Piece},
};

impl Session {
    /// Writes commands that need no go-ahead, in one piece.
    pub(super) async fn say(&mut self, commands: &[Command]) -> Result<(), Fault> {
        if commands.is_empty() {
            return Ok(());
        }
        let mut bytes = Vec::new();
        for command in commands {
            self.last_tag += 1;
            bytes.extend_from_slice(format!("D{} ", self.last_tag).as_bytes());
            for piece in command.pieces() {
                if let Piece::Text(text) = piece {
                    if text == ENABLE {
                        self.enabling = Some(self.last_tag);
                    }
                    bytes.extend_from_slice(text.as_bytes());
                }
            }
            bytes.extend_from_slice(b"\r\n");
        }
        self.write(&bytes).await
    }

    /// Writes one command. `Some`: the server refused it before all of it was sent.
    pub(super) async fn send(
        &mut self,
        command: &Command,
        each: &mut (dyn FnMut(Answer) + Send),
    ) -> Result<Option<Status>, Fault> {
        self.last_tag += 1;
        let tag = format!("D{}", self.last_tag);
        let mut bytes = format!("{tag} ").into_bytes();
        for piece in command.pieces() {
            match piece {
                Piece::Text(text) => bytes.extend_from_slice(text.as_bytes()),
                Piece::Literal(literal) => {
                    let small = literal.len() <= 4096 && self.can("LITERAL-");
                    let at_once = self.can("LITERAL+") || small;
                    let mark = format!("{{{}{}}}\r\n", literal.len(), if at_once { "+" } else { "" });
                    bytes.extend_from_slice(mark.as_bytes());
                    if !at_once {
                        self.write(&std::mem::take(&mut bytes)).await?;
                        if let Some(refused) = self.await_go_ahead(&tag, each).await? {
                            return Ok(Some(refused));
                        }
                    }
                    bytes.extend_from_slice(literal);
                }
            }
        }
        bytes.extend_from_slice(b"\r\n");
        self.write(&bytes).await?;
        Ok(None)
    }

    async fn await_go_ahead(
        &mut self,
        tag: &str,
        each: &mut (dyn FnMut(Answer) + Send),
    ) -> Result<Option<Status>, Fault> {
        loop {
            match self.receive(None).await? {
                Answer::Continue => return Ok(None),
                Answer::Tagged(seen, status) if seen == tag => return Ok(Some(status)),
                Answer::Tagged(..) => {}
                other => each(other),
            }
        }
    }

    /// Starts a command that goes back and forth (AUTHENTICATE, IDLE); returns its tag.
    ///
    /// # Errors
    /// When the connection fails.
    pub async fn begin(&mut self, text: &str) -> Result<String, Fault> {
        self.take_ahead(&[Command::default()]).await?;
        self.last_tag += 1;
        let tag = format!("D{}", self.last_tag);
        self.write(format!("{tag} {text}\r\n").as_bytes()).await?;
        Ok(tag)
    }

    /// Sends one line within such a command.
    ///
    /// # Errors
    /// When the connection fails.
    pub async fn line(&mut self, text: &str) -> Result<(), Fault> {
        self.write(format!("{text}\r\n").as_bytes()).await
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let deadline = self.link.limits().silence;
        let stream = self.link.stream();
        let written = timeout(deadline, async {
            stream.write_all(bytes).await?;
            stream.flush().await
        });
        let result = written.await.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()));
        result.map_err(|e| self.lost(&e))
    }
}
