//! When two items are the same event in the world, and the id that follows from it. Pure.
//!
//! Ids are made of the identity itself, so that every daemon, database and order of reading gives the same.

use chrono::{DateTime, TimeDelta, Utc};
use dealtrail_sdk::record::Message;
use unicode_normalization::UnicodeNormalization;

use crate::domain::{activity::Participant, activity::Role, capture};

/// Same Message-ID and From within this span of Date is the same mail: a relay may have rewritten the Date of one copy.
const SAME_MAIL: TimeDelta = TimeDelta::minutes(10);

fn digest(parts: &[&str]) -> blake3::Hash {
    let mut hash = blake3::Hasher::new();
    for part in parts {
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize()
}

fn id(kind: char, parts: &[&str]) -> String {
    format!("{kind}{}", &digest(parts).to_hex()[..24])
}

/// Begins with the second (since 1970, hexadecimal): mails of one time lie side by side in every index, and what is read in one
/// go is written to a few pages.
fn id_in_time(kind: char, at: DateTime<Utc>, parts: &[&str]) -> String {
    let second = u32::try_from(at.timestamp().max(0)).unwrap_or(u32::MAX);
    format!("{kind}{second:08x}{}", &digest(parts).to_hex()[..20])
}

/// Identity of a mail as far as it can be looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailIdentity {
    pub message_id: Option<String>,
    pub from: String,
    /// The date it bears, else the moment it counts for.
    pub date: DateTime<Utc>,
    /// For mail without Message-ID: From, Date to the second, normalised subject, sorted To and Cc.
    pub dedupe: Option<String>,
    /// Its id when it is the earliest of its copies.
    pub id: String,
}

/// The sender as far as it tells mails apart.
pub fn sender(participants: &[Participant]) -> &str {
    participants.iter().find(|p| p.role == Role::From).map_or("", |p| p.address.as_str())
}

/// The id of a mail, by the earliest date among its copies.
pub fn of_copies(message_id: &str, from: &str, first: DateTime<Utc>) -> String {
    id_in_time('e', first, &[message_id, from, &first.timestamp().to_string()])
}

/// Copies with one Message-ID and From, by their dates: which are the same mail. Each within ten minutes of the next is, so
/// that it depends on all of them and never on which was read first. Returns the number of each one's group, counted by time.
pub fn groups(dates: &[DateTime<Utc>]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..dates.len()).collect();
    order.sort_by_key(|i| dates[*i]);
    let mut groups = vec![0; dates.len()];
    let mut group = 0;
    for pair in order.windows(2) {
        if dates[pair[1]] - dates[pair[0]] > SAME_MAIL {
            group += 1;
        }
        groups[pair[1]] = group;
    }
    groups
}

pub fn of_mail(mail: &Message, participants: &[Participant], at: DateTime<Utc>) -> MailIdentity {
    let date = capture::dated(mail).unwrap_or(at);
    let from = sender(participants).to_owned();
    if let Some(message_id) = &mail.message_id {
        let id = of_copies(message_id, &from, date);
        return MailIdentity { message_id: Some(message_id.clone()), from, date, dedupe: None, id };
    }
    let mut people: Vec<&str> =
        participants.iter().filter(|p| matches!(p.role, Role::To | Role::Cc)).map(|p| p.address.as_str()).collect();
    people.sort_unstable();
    let subject = subject(mail.subject.as_deref().unwrap_or(""));
    let seconds = date.timestamp().to_string();
    let key = id_in_time('e', date, &["-", &from, &seconds, &subject, &people.join(" ")]);
    MailIdentity { message_id: None, from, date, dedupe: Some(key.clone()), id: key }
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
    use proptest::prelude::*;

    use super::*;

    fn minutes(all: &[i64]) -> Vec<DateTime<Utc>> {
        all.iter().map(|m| DateTime::UNIX_EPOCH + TimeDelta::minutes(*m)).collect()
    }

    #[test]
    fn copies_of_one_mail() {
        for (dates, want) in [
            (&[0, 8, 16][..], &[0, 0, 0][..]),
            (&[16, 0, 8], &[0, 0, 0]),
            (&[0, 10], &[0, 0]),
            (&[0, 11], &[0, 1]),
            (&[30, 0, 8, 35], &[1, 0, 0, 1]),
            (&[], &[]),
        ] {
            assert_eq!(groups(&minutes(dates)), want, "{dates:?}");
        }
    }

    proptest! {
        #[test]
        fn the_order_of_copies_does_not_show(
            dates in proptest::collection::vec(0_i64..90, 1..8).prop_flat_map(|d| (Just(d.clone()), Just(d).prop_shuffle()))
        ) {
            let named = |dates: &[i64]| {
                let mut all: Vec<(i64, usize)> = dates.iter().copied().zip(groups(&minutes(dates))).collect();
                all.sort_unstable();
                all
            };
            prop_assert_eq!(named(&dates.0), named(&dates.1));
        }
    }

    #[test]
    fn mails_of_one_time_have_ids_side_by_side() {
        let at =
            |minute: i64| of_copies("a@x.example", "ana@x.example", DateTime::UNIX_EPOCH + TimeDelta::minutes(minute));
        assert!(at(1) < at(2) && at(2) < at(30_000_000) && at(1).len() == at(30_000_000).len());
        assert_eq!(at(-5)[..9], at(0)[..9], "before 1970 there is no room");
        assert_ne!(at(-5), at(0));
    }

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
