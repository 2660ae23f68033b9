//! The decisions of dealtrail, pure: no async, no SQL, no HTTP, no clock. Given the same facts they say the same.

pub mod activity;
pub mod address;
pub mod away;
pub mod capture;
pub mod closings;
pub mod competitors;
pub mod conversations;
pub mod directory;
pub mod documents;
pub mod gaps;
pub mod logs;
pub mod matching;
pub mod meeting;
pub mod replies;
pub mod reports;
pub mod sequence;
pub mod signs;
pub mod span;
pub mod steps;
pub mod thresholds;
pub mod wording;
pub mod working;
