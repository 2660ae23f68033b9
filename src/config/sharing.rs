//! What others may see of an activity.

use std::collections::HashMap;

use super::{Config, Level};

/// What each connection shares, and what holds where none is known.
#[derive(Clone, Debug)]
pub struct Sharing {
    by_connection: HashMap<String, Level>,
    usual: Level,
}

impl Sharing {
    pub fn of(config: &Config) -> Self {
        let level = |c: &super::Connection| (c.name.clone(), c.share.unwrap_or(config.privacy.share));
        Self { by_connection: config.connections.iter().map(level).collect(), usual: config.privacy.share }
    }

    /// What every activity shares at least.
    pub fn least(&self) -> Level {
        self.by_connection.values().copied().min().map_or(self.usual, |least| least.min(self.usual))
    }

    /// Of an activity that these connections hold, by their names: the strictest decides.
    pub fn level<'n>(&self, connections: impl IntoIterator<Item = &'n str>) -> Level {
        let level = |name| self.by_connection.get(name).copied().unwrap_or(self.usual);
        connections.into_iter().map(level).min().unwrap_or(self.usual)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strictest_connection_decides_for_all() {
        let by_connection = HashMap::from([("open".to_owned(), Level::Text), ("closed".to_owned(), Level::Metadata)]);
        let sharing = Sharing { by_connection, usual: Level::Subject };
        for (held_by, want) in [
            (&["open"][..], Level::Text),
            (&["open", "closed"], Level::Metadata),
            // a connection that is configured no more, and an activity that nothing holds any more
            (&["open", "former"], Level::Subject),
            (&[], Level::Subject),
        ] {
            assert_eq!(sharing.level(held_by.iter().copied()), want, "{held_by:?}");
            assert!(sharing.least() <= want, "{held_by:?}");
        }
        assert_eq!(sharing.least(), Level::Metadata);
    }
}
