//! What captured activity says of an entry typed into the CRM by hand: it confirms it, says otherwise, or nothing. Pure.

use chrono::{DateTime, TimeDelta, Utc};

use super::activity::{Activity, Entity, Kind, Origin, Status};

/// Mail with the same party within a day, or a meeting that overlaps within half an hour, is what was typed.
pub const MAIL_SPAN: TimeDelta = TimeDelta::days(1);
pub const MEETING_SPAN: TimeDelta = TimeDelta::minutes(30);

#[derive(Clone, Copy, Debug)]
pub enum Standing<'a> {
    Confirmed(&'a Activity),
    /// Nothing matches it.
    Unconfirmed,
    /// The meeting was called off or declined, as this one in a calendar says; none: as it was settled with the entry's own UID.
    Contradicted(Option<&'a Activity>),
}

/// How near in time a captured activity must lie.
#[derive(Clone, Copy, Debug)]
pub struct Near {
    /// Both ends included: of mail.
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    /// Before the start and after the end of a meeting.
    pub overlap: TimeDelta,
}

/// An email needs a mail with the same party; a meeting an instance in a calendar; a call a call, an instance or a mail.
/// Of several the nearest counts.
pub fn standing<'a>(entry: &Activity, captured: impl IntoIterator<Item = &'a Activity>, near: Near) -> Standing<'a> {
    let at = entry.occurred_at;
    let mut around: Vec<&'a Activity> = captured
        .into_iter()
        .filter(|a| a.origin == Origin::Captured && !a.automatic && a.id != entry.id && same_party(entry, a))
        .filter(|a| match a.kind {
            Kind::Email => near.from <= a.occurred_at && a.occurred_at <= near.to,
            Kind::Meeting | Kind::Call => overlaps(a, entry, near.overlap) || contradicts(a, entry),
            Kind::Note => false,
        })
        .collect();
    around.sort_by_key(|a| ((a.occurred_at - at).abs(), a.id.clone()));
    let confirms = |a: &Activity| match (entry.kind, a.kind) {
        (Kind::Email, Kind::Email) | (Kind::Call, Kind::Email | Kind::Call) => true,
        (Kind::Meeting | Kind::Call, Kind::Meeting) => !called_off(a),
        _ => false,
    };
    if let Some(a) = around.iter().find(|a| confirms(a)) {
        return Standing::Confirmed(a);
    }
    let against = around.into_iter().find(|a| contradicts(a, entry));
    if against.is_some() || called_off(entry) { Standing::Contradicted(against) } else { Standing::Unconfirmed }
}

/// Is the captured activity what was typed? Same kind, same party, near in time. Then both are counted once.
pub fn confirms(captured: &Activity, entry: &Activity) -> bool {
    let near = || match entry.kind {
        Kind::Email => (captured.occurred_at - entry.occurred_at).abs() <= MAIL_SPAN,
        Kind::Meeting => overlaps(captured, entry, MEETING_SPAN),
        Kind::Call | Kind::Note => false,
    };
    captured.kind == entry.kind
        && captured.origin == Origin::Captured
        && !captured.automatic
        && !called_off(captured)
        && same_party(entry, captured)
        && near()
}

/// Does a calendar say that the meeting that was typed was called off or declined? Then it did not happen.
pub fn contradicts(captured: &Activity, entry: &Activity) -> bool {
    (captured.kind, entry.kind) == (Kind::Meeting, Kind::Meeting)
        && captured.origin == Origin::Captured
        && called_off(captured)
        && same_party(entry, captured)
        && overlaps(captured, entry, MEETING_SPAN)
}

pub fn called_off(a: &Activity) -> bool {
    matches!(a.status, Status::Cancelled | Status::Declined)
}

fn overlaps(captured: &Activity, entry: &Activity, span: TimeDelta) -> bool {
    let end = captured.ended_at.unwrap_or(captured.occurred_at);
    captured.occurred_at - span <= entry.occurred_at && entry.occurred_at <= end + span
}

/// A common contact; of an entry that names none, the deal.
fn same_party(entry: &Activity, other: &Activity) -> bool {
    let common = |entity| entry.ids(entity).any(|id| other.ids(entity).any(|o| o == id));
    let names_somebody = entry.ids(Entity::Contact).next().is_some();
    common(if names_somebody { Entity::Contact } else { Entity::Deal })
}
