//! What fulfils a planned step: one statement for the gap rule `overdue_next_step` and the report `next_steps`, whose rows the
//! store counts by the same words (`tests/it/day.rs` compares the two). Pure.
//!
//! Ticking fulfils nothing, doing does: mail of either side, a held and confirmed meeting, a call. A machine's mail is nobody's
//! doing, unless it carries a quote, an order or a contract; what was typed counts once it is confirmed.

use chrono::{DateTime, Utc};

use super::activity::{Activity, Kind, Origin, Status};

/// Tags of documents that make even automatic mail count.
pub const DOCUMENTS: &[&str] = &["quote", "order", "contract"];

/// What the question needs of an activity.
#[derive(Clone, Copy, Debug)]
pub struct Deed {
    pub kind: Kind,
    /// As of the moment at which it is asked.
    pub status: Status,
    pub at: DateTime<Utc>,
    pub confirmed: bool,
    pub typed: bool,
    /// Sent by a machine, without a document that counts.
    pub mere_machine: bool,
}

impl Deed {
    pub fn of(activity: &Activity, now: DateTime<Utc>) -> Self {
        Self {
            kind: activity.kind,
            status: activity.status_at(now),
            at: activity.occurred_at,
            confirmed: activity.confirmed == Some(true),
            typed: activity.origin == Origin::Typed,
            mere_machine: activity.automatic && !has_document(&activity.tags),
        }
    }

    /// Does it show that a step was taken?
    pub fn fulfils(&self, now: DateTime<Utc>) -> bool {
        // what is dated in the future has not happened yet, whatever its sender's clock says
        let happened = self.at <= now;
        happened
            && match self.kind {
                Kind::Note => false,
                Kind::Meeting => self.confirmed && matches!(self.status, Status::Held | Status::Done),
                Kind::Email | Kind::Call => (!self.typed || self.confirmed) && !self.mere_machine,
            }
    }
}

pub fn has_document<T: AsRef<str>>(tags: &[T]) -> bool {
    tags.iter().any(|tag| DOCUMENTS.contains(&tag.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_shows_that_a_step_was_taken() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
        let before = now - chrono::TimeDelta::hours(1);
        let deed =
            |kind, status| Deed { kind, status, at: before, confirmed: false, typed: false, mere_machine: false };
        let (mail, call) = (deed(Kind::Email, Status::Done), deed(Kind::Call, Status::Done));
        let meeting = deed(Kind::Meeting, Status::Held);
        let sure = Deed { confirmed: true, ..meeting };
        for (what, deed, fulfils) in [
            ("mail", mail, true),
            ("a machine's mail", Deed { mere_machine: true, ..mail }, false),
            ("mail of the future", Deed { at: now + chrono::TimeDelta::seconds(1), ..mail }, false),
            ("mail of this moment", Deed { at: now, ..mail }, true),
            ("typed mail", Deed { typed: true, ..mail }, false),
            ("typed mail, confirmed", Deed { typed: true, confirmed: true, ..mail }, true),
            ("call", call, true),
            ("typed call", Deed { typed: true, ..call }, false),
            ("typed call, confirmed", Deed { typed: true, confirmed: true, ..call }, true),
            ("held and confirmed", sure, true),
            ("held, typed, confirmed", Deed { status: Status::Done, typed: true, ..sure }, true),
            ("held, unconfirmed", meeting, false),
            ("planned", Deed { status: Status::Planned, ..sure }, false),
            ("cancelled", Deed { status: Status::Cancelled, ..sure }, false),
            ("declined", Deed { status: Status::Declined, ..sure }, false),
            ("note", deed(Kind::Note, Status::Done), false),
        ] {
            assert_eq!(deed.fulfils(now), fulfils, "{what}");
        }
        assert!(
            has_document(&["closing", "order"]) && !has_document(&["competitor:order"]) && !has_document::<&str>(&[])
        );
    }
}
