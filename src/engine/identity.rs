//! When two items are the same event in the world, and the id that follows from it. Pure.
//!
//! Ids are made of the identity itself, so that every daemon, database and order of reading gives the same.

use chrono::{DateTime, TimeDelta, Utc};
use dealtrail_sdk::record::Message;
use unicode_normalization::UnicodeNormalization;

use crate::domain::{activity::Participant, activity::Role, capture};

/// Same Message-ID and From within this span of Date is the same mail.
pub const SAME_MAIL: TimeDelta = TimeDelta::minutes(10);

fn id(kind: char, parts: &[&str]) -> String {
    let mut hash = blake3::Hasher::new();
    for part in parts {
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    format!("{kind}{}", &hash.finalize().to_hex()[..24])
}

/// Identity of a mail as far as it can be looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailIdentity {
    pub message_id: Option<String>,
    pub from: String,
    pub at: DateTime<Utc>,
    /// For mail without Message-ID: From, Date to the second, normalised subject, sorted To and Cc.
    pub dedupe: Option<String>,
    pub id: String,
}

pub fn of_mail(mail: &Message, participants: &[Participant], now: DateTime<Utc>) -> MailIdentity {
    let at = capture::occurred_at(mail, now);
    let from = participants.iter().find(|p| p.role == Role::From).map_or(String::new(), |p| p.address.clone());
    if let Some(message_id) = &mail.message_id {
        let id = id('e', &[message_id, &from, &at.timestamp().to_string()]);
        return MailIdentity { message_id: Some(message_id.clone()), from, at, dedupe: None, id };
    }
    let mut people: Vec<&str> =
        participants.iter().filter(|p| matches!(p.role, Role::To | Role::Cc)).map(|p| p.address.as_str()).collect();
    people.sort_unstable();
    let subject = subject(mail.subject.as_deref().unwrap_or(""));
    let seconds = at.timestamp().to_string();
    let key = id('e', &["-", &from, &seconds, &subject, &people.join(" ")]);
    MailIdentity { message_id: None, from, at, dedupe: Some(key.clone()), id: key }
}

/// A subject without reply marks, case and spacing: `AW: Re:  Offer ` is `offer`.
pub fn subject(text: &str) -> String {
    let mut text: String = text.nfkc().collect::<String>().to_lowercase();
    loop {
        let trimmed = text.trim_start();
        let Some((mark, rest)) = trimmed.split_once(':') else { break };
        let mark = mark.split('[').next().unwrap_or("").trim();
        if !["re", "aw", "fw", "fwd", "wg", "sv", "vs", "antw", "tr", "rv", "r", "i", "odp", "res", "enc"]
            .contains(&mark)
        {
            break;
        }
        text = rest.to_owned();
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The id of a meeting: UID, original start of an instance, organizer.
pub fn of_meeting(
    uid: &str,
    recurrence_id: Option<DateTime<Utc>>,
    organizer: Option<&str>,
    other: Option<DateTime<Utc>>,
) -> String {
    let instance = recurrence_id.map_or("-".to_owned(), |t| t.timestamp().to_string());
    let other = other.map_or("-".to_owned(), |t| t.timestamp().to_string());
    id('m', &[uid, &instance, organizer.unwrap_or("-"), &other])
}

/// The id of an entry typed into the CRM.
pub fn of_typed(connection: &str, row: &str) -> String {
    id('t', &[connection, row])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects() {
        for (given, want) in [
            ("AW: Re:  Offer 12 ", "offer 12"),
            ("Re[2]: Offer", "offer"),
            ("Fwd: WG: Angebot", "angebot"),
            ("Note: keep this", "note: keep this"),
            ("", ""),
        ] {
            assert_eq!(subject(given), want);
        }
    }
}
