//! Commands on their way out: text of ours, and strings that others chose, which can be nothing but strings.

use dealtrail_sdk::{Fault, FaultKind};

use crate::names::{self, Wire};

/// A command without its tag.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Command(Vec<Piece>);

#[derive(Clone, PartialEq, Eq)]
pub enum Piece {
    Text(String),
    Literal(Vec<u8>),
}

impl std::fmt::Debug for Piece {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Piece")
    }
}

impl Command {
    pub fn new(text: impl Into<String>) -> Self {
        Self(vec![Piece::Text(text.into())])
    }
    pub fn pieces(&self) -> &[Piece] {
        &self.0
    }
    /// Without anything that the server must be asked about before it is sent.
    pub fn is_plain(&self) -> bool {
        self.0.iter().all(|piece| matches!(piece, Piece::Text(_)))
    }
    pub fn text(mut self, text: &str) -> Self {
        match self.0.last_mut() {
            Some(Piece::Text(known)) => known.push_str(text),
            _ => self.0.push(Piece::Text(text.to_owned())),
        }
        self
    }
    /// A string that someone else chose, sent so that it cannot be anything but a string.
    ///
    /// # Errors
    /// [`FaultKind::Malformed`] for a string with NUL.
    pub fn string(self, text: &str) -> Result<Self, Fault> {
        match names::string(text) {
            Some(Wire::Quoted(quoted)) => Ok(self.text(&quoted)),
            Some(Wire::Literal(bytes)) => {
                let Self(mut pieces) = self;
                pieces.push(Piece::Literal(bytes));
                Ok(Self(pieces))
            }
            None => Err(Fault::new(FaultKind::Malformed, "a name with a NUL character cannot be sent to a server")),
        }
    }
}
