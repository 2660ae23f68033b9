//! The configuration as the engine needs it: folded, compiled, checked.

use std::collections::HashMap;

use regex::Regex;

pub use crate::domain::activity::Level;
use crate::domain::{competitors::Competitors, directory::Ours, thresholds::GapSettings, working::WorkCalendar};

#[derive(Clone, Debug)]
pub struct Rules {
    pub ours: Ours,
    pub deal_code: Option<Regex>,
    pub competitors: Competitors,
    /// Changes whenever a rule changes that decides what is captured or matched.
    pub fingerprint: String,
    pub thresholds: GapSettings,
    pub organization: WorkCalendar,
    /// Work calendars of users that differ from the organisation's, by folded email.
    pub calendars: HashMap<String, WorkCalendar>,
    /// How long a waiting item can be found by its blind indexes.
    pub waiting_days: i64,
}

impl Rules {
    pub fn calendar_of(&self, user: &str) -> &WorkCalendar {
        self.calendars.get(user).unwrap_or(&self.organization)
    }
}

/// Bytes of a mail's text that are kept.
pub const TEXT_LIMIT: usize = 64 * 1024;
