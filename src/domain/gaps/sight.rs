//! What our capture could see: whether every connection of a person covers a span of time. Silence because of our own
//! blindness is never blamed on a rep. Pure; reads no clock.

use chrono::{DateTime, Utc};

/// What a connection brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Brings {
    Mail,
    Calendar,
}

/// How far one connection has been read. Over several streams: the latest `complete_from`, the earliest `complete_to`.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectionCoverage {
    pub name: String,
    pub brings: Brings,
    /// None: it has not been read through once.
    pub complete_from: Option<DateTime<Utc>>,
    pub complete_to: Option<DateTime<Utc>>,
    /// It does not answer, or needs a person: it will not catch up by itself.
    pub failing: bool,
    /// It was taken away, or its owner left, at that time.
    pub until: Option<DateTime<Utc>>,
}

/// All connections whose mail and meetings count as one user's, shared mailboxes that he works in included.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Capture {
    pub connections: Vec<ConnectionCoverage>,
}

/// Why a connection could not see a span.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Blind {
    /// Complete only from then on.
    StartsLate(String, DateTime<Utc>),
    /// Not readable since then (or never).
    Failing(String, Option<DateTime<Utc>>),
    /// Taken away then.
    Stopped(String, DateTime<Utc>),
    /// The user (folded email) had no mailbox connected; since when, if there was one before.
    NoMailbox(String, Option<DateTime<Utc>>),
}

/// Stands before a user's email among the connections that could not see: who had no mailbox at all.
pub const NO_MAILBOX: &str = "no mailbox: ";

impl Blind {
    /// As it stands in a finding's `blind`.
    pub fn name(&self) -> String {
        match self {
            Self::StartsLate(name, _) | Self::Failing(name, _) | Self::Stopped(name, _) => name.clone(),
            Self::NoMailbox(user, _) => format!("{NO_MAILBOX}{user}"),
        }
    }
}

/// What one look at a person's capture says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sight {
    /// Connections that will get there: nothing is said before they have.
    pub lagging: Vec<String>,
    pub blind: Vec<Blind>,
    /// Users without a connected calendar: judged all the same, and said.
    pub no_calendar: Vec<String>,
}

impl Sight {
    pub fn merge(&mut self, other: Self) {
        self.lagging.extend(other.lagging);
        self.blind.extend(other.blind);
        self.no_calendar.extend(other.no_calendar);
        self.lagging.sort();
        self.lagging.dedup();
        self.blind.sort();
        self.blind.dedup();
        self.no_calendar.sort();
        self.no_calendar.dedup();
    }
}

/// The span a connection must cover.
#[derive(Clone, Copy, Debug)]
pub struct Needed {
    /// The connections are those the user had then.
    pub at: DateTime<Utc>,
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    /// A connection that is failing must have come this far (at least `to`).
    pub failing_to: DateTime<Utc>,
}

/// Could this user's capture see the span? `left`: when the user left, if he did.
pub fn look(user: &str, capture: Option<&Capture>, left: Option<DateTime<Utc>>, needed: Needed) -> Sight {
    let mut sight = Sight::default();
    let (mut mailbox, mut calendar, mut ended) = (false, false, None);
    for connection in capture.map_or(&[][..], |c| &c.connections) {
        let until = [connection.until, left].into_iter().flatten().min();
        if until.is_some_and(|until| until <= needed.at) {
            ended = ended.max(until.filter(|_| connection.brings == Brings::Mail));
            continue;
        }
        // one that was not there then, and holds nothing of that time, is no blindness: it is said that there was none
        let later = connection.complete_from.is_some_and(|from| from > needed.to.max(needed.at));
        if connection.brings == Brings::Calendar && later {
            continue;
        }
        mailbox |= connection.brings == Brings::Mail;
        calendar |= connection.brings == Brings::Calendar;
        look_at(connection, until, needed, &mut sight);
    }
    if !mailbox {
        sight.blind.push(Blind::NoMailbox(user.to_owned(), ended));
    }
    if !calendar {
        sight.no_calendar.push(user.to_owned());
    }
    sight
}

fn look_at(connection: &ConnectionCoverage, until: Option<DateTime<Utc>>, needed: Needed, sight: &mut Sight) {
    let name = || connection.name.clone();
    let reached = |to: DateTime<Utc>| connection.complete_to.is_some_and(|have| have >= to);
    let goal = if connection.failing { needed.failing_to.max(needed.to) } else { needed.to };
    if connection.failing && !reached(goal) {
        sight.blind.push(Blind::Failing(name(), connection.complete_to));
    } else if let Some(until) = until.filter(|until| *until < needed.to && !reached(needed.to)) {
        sight.blind.push(Blind::Stopped(name(), until));
    } else if !reached(goal) || connection.complete_from.is_none() {
        sight.lagging.push(name());
    } else if let Some(from) = connection.complete_from.filter(|from| *from > needed.from) {
        sight.blind.push(Blind::StartsLate(name(), from));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn t(day: u32) -> DateTime<Utc> {
        format!("2026-11-{day:02}T12:00:00Z").parse().expect("a time")
    }

    fn mail(from: Option<u32>, to: Option<u32>, failing: bool, until: Option<u32>) -> ConnectionCoverage {
        ConnectionCoverage {
            name: "mail".into(),
            brings: Brings::Mail,
            complete_from: from.map(t),
            complete_to: to.map(t),
            failing,
            until: until.map(t),
        }
    }

    #[test]
    fn one_mailbox_over_the_span_of_5_to_10() {
        let name = || "mail".to_owned();
        let cases = [
            (mail(Some(1), Some(20), false, None), vec![], vec![]),
            (mail(Some(5), Some(10), false, None), vec![], vec![]),
            (mail(Some(5), Some(10), true, None), vec![], vec![]),
            (mail(Some(1), Some(9), false, None), vec![name()], vec![]),
            (mail(None, None, false, None), vec![name()], vec![]),
            (mail(Some(6), Some(9), false, None), vec![name()], vec![]),
            (mail(Some(1), Some(9), true, None), vec![], vec![Blind::Failing(name(), Some(t(9)))]),
            (mail(None, None, true, None), vec![], vec![Blind::Failing(name(), None)]),
            (mail(Some(6), Some(20), false, None), vec![], vec![Blind::StartsLate(name(), t(6))]),
            (mail(Some(1), Some(9), false, Some(9)), vec![], vec![Blind::Stopped(name(), t(9))]),
            (mail(Some(1), Some(10), false, Some(9)), vec![], vec![]),
            (mail(Some(1), Some(8), false, Some(8)), vec![], vec![Blind::NoMailbox("ana".into(), Some(t(8)))]),
        ];
        for (connection, lagging, blind) in cases {
            let capture = Capture { connections: vec![connection.clone()] };
            let needed = Needed { at: t(8), from: t(5), to: t(10), failing_to: t(10) };
            let sight = look("ana", Some(&capture), None, needed);
            assert_eq!((sight.lagging, sight.blind), (lagging, blind), "{connection:?}");
            assert_eq!(sight.no_calendar, ["ana"]);
        }
    }

    #[test]
    fn a_user_who_left_or_has_nothing() {
        let needed = Needed { at: t(8), from: t(5), to: t(10), failing_to: t(10) };
        let capture = Capture { connections: vec![mail(Some(1), Some(7), false, None)] };
        assert_eq!(look("ana", None, None, needed).blind, [Blind::NoMailbox("ana".into(), None)]);
        assert_eq!(look("ana", Some(&capture), Some(t(7)), needed).blind, [Blind::NoMailbox("ana".into(), Some(t(7)))]);
        assert_eq!(look("ana", Some(&capture), Some(t(9)), needed).blind, [Blind::Stopped("mail".into(), t(9))]);
        // a calendar that was connected afterwards hides nothing
        let calendar =
            |from| ConnectionCoverage { brings: Brings::Calendar, ..mail(Some(from), Some(20), false, None) };
        let with = |from| Capture { connections: vec![mail(Some(1), Some(20), false, None), calendar(from)] };
        let later = look("ana", Some(&with(11)), None, needed);
        assert_eq!((later.blind, later.no_calendar), (vec![], vec!["ana".to_owned()]));
        assert_eq!(look("ana", Some(&with(6)), None, needed).blind, [Blind::StartsLate("mail".into(), t(6))]);
    }
}
