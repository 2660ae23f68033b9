//! What captured activity says of an entry typed into the CRM by hand: it confirms it, says otherwise, or nothing. Pure.

use chrono::{DateTime, TimeDelta, Utc};

use super::activity::{Activity, Entity, Kind, Origin, Status};

#[derive(Clone, Copy, Debug)]
pub enum Standing<'a> {
    Confirmed(&'a Activity),
    /// Nothing matches it.
    Unconfirmed,
    /// The meeting was called off or declined.
    Contradicted(&'a Activity),
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
pub fn standing<'a>(
    entry: &Activity,
    captured: impl IntoIterator<Item = &'a Activity>,
    near: Near,
    now: DateTime<Utc>,
) -> Standing<'a> {
    let at = entry.occurred_at;
    let mut around: Vec<&'a Activity> = captured
        .into_iter()
        .filter(|a| a.origin == Origin::Captured && !a.automatic && a.id != entry.id && same_party(entry, a))
        .filter(|a| match a.kind {
            Kind::Email => near.from <= a.occurred_at && a.occurred_at <= near.to,
            Kind::Meeting | Kind::Call => {
                let end = a.ended_at.unwrap_or(a.occurred_at);
                a.occurred_at - near.overlap <= at && at <= end + near.overlap
            }
            Kind::Note => false,
        })
        .collect();
    around.sort_by_key(|a| ((a.occurred_at - at).abs(), a.id.clone()));
    let called_off = |a: &Activity| matches!(a.status_at(now), Status::Cancelled | Status::Declined);
    let confirms = |a: &Activity| match (entry.kind, a.kind) {
        (Kind::Email, Kind::Email) | (Kind::Call, Kind::Email | Kind::Call) => true,
        (Kind::Meeting | Kind::Call, Kind::Meeting) => !called_off(a),
        _ => false,
    };
    if let Some(a) = around.iter().find(|a| confirms(a)) {
        return Standing::Confirmed(a);
    }
    let denies = |a: &Activity| a.kind == Kind::Meeting && entry.kind == Kind::Meeting && called_off(a);
    around.iter().find(|a| denies(a)).map_or(Standing::Unconfirmed, |a| Standing::Contradicted(a))
}

/// A common contact; of an entry that names none, the deal.
fn same_party(entry: &Activity, other: &Activity) -> bool {
    let common = |entity| entry.ids(entity).any(|id| other.ids(entity).any(|o| o == id));
    let names_somebody = entry.ids(Entity::Contact).next().is_some();
    common(if names_somebody { Entity::Contact } else { Entity::Deal })
}
