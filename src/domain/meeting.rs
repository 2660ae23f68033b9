//! One meeting out of everything that was said about it: calendars of several people, the invitation and the replies
//! that came by mail. What each source says is kept apart ([`View`]); the meeting is always settled anew from all of them,
//! so the order of reading does not matter.

use std::{
    cmp::{Ordering, Reverse},
    fmt,
};

use chrono::{DateTime, Utc};
use dealtrail_sdk::record::{Answer, Attendee, AttendeeRole, Event, EventStatus, Mailbox, Method};
use serde::{Deserialize, Serialize};

use super::{
    activity::{Level, Participant, Role, Status},
    address,
    directory::Directory,
};

/// Bytes of a description that are kept.
const LONGEST: usize = 8 * 1024;

/// What one source says about one meeting.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// None: a calendar. Some: carried by mail with this method.
    pub method: Option<Method>,
    /// The user whose calendar or mailbox it is; folded.
    pub owner: Option<String>,
    pub start: DateTime<Utc>,
    /// Exclusive.
    pub end: DateTime<Utc>,
    pub all_day: bool,
    pub uncertain: bool,
    pub summary: Option<String>,
    pub status: EventStatus,
    pub organizer: Option<Mailbox>,
    pub attendees: Vec<Attendee>,
    pub sequence: u32,
    pub stamp: Option<DateTime<Utc>>,
    pub modified: Option<DateTime<Utc>>,
    pub overridden: bool,
    /// Of a calendar, where texts are kept; cut at `LONGEST`.
    #[serde(default)]
    pub description: Option<String>,
    /// How much of its words was kept: see [`View::withhold`].
    pub kept: Level,
    /// The original start, for an instance of a recurring series.
    pub recurrence_id: Option<DateTime<Utc>>,
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "View({:?} {})", self.method, self.start.timestamp())
    }
}

impl View {
    /// `kept`: how much of this source's words is kept.
    pub fn new(event: &Event, method: Option<Method>, owner: Option<String>, kept: Level) -> Self {
        let text = event.description.as_deref().map(str::trim).filter(|t| !t.is_empty() && method.is_none());
        let mut view = Self {
            description: text.map(|t| t[..t.floor_char_boundary(LONGEST)].to_owned()),
            kept,
            method,
            owner,
            start: event.start,
            end: event.end,
            all_day: event.all_day,
            uncertain: event.time_uncertain,
            summary: event.summary.clone(),
            status: event.status,
            organizer: event.organizer.clone(),
            attendees: event.attendees.clone(),
            sequence: event.sequence,
            stamp: event.dtstamp,
            modified: event.last_modified,
            overridden: event.overridden,
            recurrence_id: event.recurrence_id,
        };
        view.withhold(kept);
        view
    }

    /// Takes out the words that go beyond this: another source of the same meeting may be stricter, and then nobody's are kept.
    pub fn withhold(&mut self, level: Level) {
        self.kept = self.kept.min(level);
        if self.kept < Level::Subject {
            self.summary = None;
        }
        if self.kept < Level::Text {
            self.description = None;
        }
    }

    /// A frozen view takes from what its source says now nothing but words that were withheld before.
    pub fn restore(&mut self, now: &Self) {
        if self.kept < Level::Subject {
            self.summary.clone_from(&now.summary);
        }
        if self.kept < Level::Text {
            self.description.clone_from(&now.description);
        }
        self.kept = self.kept.max(now.kept);
    }

    /// Only answers or calls off; says little about the meeting itself.
    pub fn is_remark(&self) -> bool {
        matches!(
            self.method,
            Some(Method::Reply | Method::Cancel | Method::Counter | Method::DeclineCounter | Method::Refresh)
        )
    }

    fn rank(&self) -> (u32, Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
        (self.sequence, self.modified.max(self.stamp), self.stamp)
    }

    /// Which of two views speaks: the greater. Where they are of the same state their owners tell them apart, at last whatever
    /// else they say, so that neither the order of reading nor the numbers of the streams show.
    fn by_weight(&self, other: &Self) -> Ordering {
        let weight = |v: &Self| (v.rank(), Reverse(v.owner.clone()), Reverse(v.start), v.summary.clone(), v.kept);
        weight(self).cmp(&weight(other)).then_with(|| self.by_content(other))
    }

    /// Any order, as long as it is one: only views that say the same are equal.
    fn by_content(&self, other: &Self) -> Ordering {
        let text = |v: &Self| serde_json::to_string(v).unwrap_or_default();
        text(self).cmp(&text(other))
    }

    fn answer_of(&self, folded: &str, dir: &Directory) -> Option<Answer> {
        self.attendees
            .iter()
            .find(|a| address::fold(&a.mailbox.address, &dir.ours.subaddress).as_deref() == Some(folded))
            .map(|a| a.answer)
    }
}

/// A view with its place in time: when its source lost it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub view: View,
    /// When it vanished from its calendar (or its mail from the mailbox).
    pub gone_at: Option<DateTime<Utc>>,
}

/// The meeting that the views add up to.
#[derive(Clone, Debug, PartialEq)]
pub struct Meeting {
    pub start: DateTime<Utc>,
    pub end: DateTime<Utc>,
    pub all_day: bool,
    pub uncertain: bool,
    pub summary: Option<String>,
    pub description: Option<String>,
    /// `Planned` (whatever the clock says), `Cancelled` or `Declined`.
    pub status: Status,
    pub confirmed: bool,
    pub participants: Vec<Participant>,
}

/// A held instance of a series is frozen: only its own override changes it. `old` is what the same calendar said before.
pub fn frozen(old: &View, new: &View, now: DateTime<Utc>) -> bool {
    old.recurrence_id.is_some() && old.end <= now && !new.overridden
}

/// The same UID is the same meeting unless another organizer calls it, or nobody takes part in both and it starts at
/// another time.
pub fn same(a: &View, b: &View, dir: &Directory) -> bool {
    let fold = |m: &Mailbox| address::fold(&m.address, &dir.ours.subaddress);
    let organizer = |v: &View| v.organizer.as_ref().and_then(fold);
    if let (Some(x), Some(y)) = (organizer(a), organizer(b)) {
        return x == y;
    }
    let people = |v: &View| -> Vec<String> {
        v.organizer.iter().chain(v.attendees.iter().map(|a| &a.mailbox)).filter_map(fold).collect()
    };
    let (x, y) = (people(a), people(b));
    a.start == b.start || x.is_empty() || y.is_empty() || x.iter().any(|p| y.contains(p))
}

/// Settles a meeting from all views. None when there is nothing to settle from.
///
/// A connected calendar beats mail; among calendars the highest SEQUENCE, then the latest change, speaks. A mailed reply
/// sets only its sender's answer, when newer than the calendar's DTSTAMP. Gone from every calendar: a future meeting is
/// cancelled, a past one stays.
pub fn settle(seen: &[Seen], dir: &Directory) -> Option<Meeting> {
    let calendars: Vec<&Seen> = seen.iter().filter(|s| s.view.method.is_none()).collect();
    let live: Vec<&Seen> = calendars.iter().copied().filter(|s| s.gone_at.is_none()).collect();
    let best = |list: &[&Seen]| list.iter().max_by(|a, b| a.view.by_weight(&b.view)).map(|s| s.view.clone());
    let mails: Vec<&Seen> = seen.iter().filter(|s| s.view.method.is_some()).collect();
    let invitations: Vec<&Seen> = mails.iter().copied().filter(|s| !s.view.is_remark()).collect();
    let stayed: Vec<&Seen> = calendars.iter().copied().filter(|s| s.gone_at.is_none_or(|g| g >= s.view.end)).collect();
    let primary = best(&live)
        .or_else(|| best(&stayed))
        .or_else(|| best(&calendars))
        .or_else(|| best(&invitations))
        .or_else(|| best(&mails))?;
    let mut attendees = primary.attendees.clone();
    own_answers(&mut attendees, &live, dir);
    mailed_answers(&mut attendees, &primary, &mails, dir);
    let removed = !calendars.is_empty() && stayed.is_empty();
    let called_off = primary.status == EventStatus::Cancelled
        || removed
        || calendars.is_empty() && cancelled_by_mail(&mails, &primary);
    let declined = all_declined(&primary, &attendees, dir);
    let status = match (called_off, declined) {
        (true, _) => Status::Cancelled,
        (false, true) => Status::Declined,
        (false, false) => Status::Planned,
    };
    let confirmed = !mails.is_empty() || outsider_agreed(&primary, &attendees, dir);
    let event_people = People { organizer: primary.organizer.as_ref(), attendees: &attendees };
    Some(Meeting {
        start: primary.start,
        end: primary.end,
        all_day: primary.all_day,
        uncertain: primary.uncertain,
        summary: words(&primary, Level::Subject, seen, |v| v.summary.as_ref()),
        description: words(&primary, Level::Text, seen, |v| v.description.as_ref()),
        status,
        confirmed,
        participants: event_people.participants(dir),
    })
}

/// The words of the view that speaks; when it was kept without them, of the best that has them.
fn words(primary: &View, level: Level, seen: &[Seen], of: fn(&View) -> Option<&String>) -> Option<String> {
    if primary.kept >= level && (level < Level::Text || primary.method.is_none()) {
        return of(primary).cloned();
    }
    let others = seen.iter().map(|s| &s.view).filter(|v| of(v).is_some());
    others.max_by(|a, b| a.by_weight(b)).and_then(of).cloned()
}

/// Each person's own calendar knows that person's answer best.
fn own_answers(attendees: &mut [Attendee], live: &[&Seen], dir: &Directory) {
    for attendee in attendees {
        let Some(folded) = address::fold(&attendee.mailbox.address, &dir.ours.subaddress) else { continue };
        let Some(user) = dir.user(&folded) else { continue };
        let own = live.iter().filter(|s| s.view.owner.as_deref() == Some(&user.email));
        let own = own.max_by(|a, b| a.view.by_weight(&b.view));
        if let Some(answer) = own.and_then(|s| s.view.answer_of(&folded, dir))
            && answer != Answer::None
        {
            attendee.answer = answer;
        }
    }
}

/// Replies by mail: the newest of each sender, when newer than what the calendar knew.
fn mailed_answers(attendees: &mut Vec<Attendee>, primary: &View, mails: &[&Seen], dir: &Directory) {
    let mut replies: Vec<&View> = mails.iter().map(|s| &s.view).filter(|v| v.method == Some(Method::Reply)).collect();
    replies.sort_by(|a, b| (a.sequence, a.stamp).cmp(&(b.sequence, b.stamp)).then_with(|| a.by_content(b)));
    for reply in replies {
        let newer = primary.method == Some(Method::Reply) || reply.stamp > primary.stamp || primary.stamp.is_none();
        if !newer || reply.sequence < primary.sequence {
            continue;
        }
        for said in &reply.attendees {
            let folded = address::fold(&said.mailbox.address, &dir.ours.subaddress);
            let same = |a: &&mut Attendee| address::fold(&a.mailbox.address, &dir.ours.subaddress) == folded;
            match attendees.iter_mut().find(same) {
                Some(known) => known.answer = said.answer,
                None => attendees.push(said.clone()),
            }
        }
    }
}

fn cancelled_by_mail(mails: &[&Seen], primary: &View) -> bool {
    // a series called off after this instance ended leaves the instance alone
    let in_time = |v: &&View| primary.recurrence_id.is_none() || v.stamp.is_none_or(|stamp| stamp < primary.end);
    let cancels = mails.iter().map(|s| &s.view).filter(|v| v.method == Some(Method::Cancel)).filter(in_time);
    let cancel = cancels.max_by_key(|v| v.rank());
    cancel.is_some_and(|c| {
        primary.method == Some(Method::Cancel) || (c.sequence, c.stamp) >= (primary.sequence, primary.stamp)
    })
}

/// No answer is not a decline; an organizer takes part unless listed as declined.
fn all_declined(primary: &View, attendees: &[Attendee], dir: &Directory) -> bool {
    let fold = |m: &Mailbox| address::fold(&m.address, &dir.ours.subaddress);
    let organizer = primary.organizer.as_ref().and_then(fold);
    let side = |ours: bool| -> Vec<Answer> {
        let mut answers: Vec<Answer> = Vec::new();
        let mut organizer_listed = false;
        for a in attendees.iter().filter(|a| !a.resource) {
            let Some(folded) = fold(&a.mailbox) else { continue };
            if dir.is_ours(&folded) == ours {
                organizer_listed |= organizer.as_ref() == Some(&folded);
                answers.push(a.answer);
            }
        }
        if !organizer_listed && organizer.as_ref().is_some_and(|o| dir.is_ours(o) == ours) {
            answers.push(Answer::Accepted);
        }
        answers
    };
    [true, false].into_iter().any(|ours| {
        let answers = side(ours);
        !answers.is_empty() && answers.iter().all(|a| *a == Answer::Declined)
    })
}

/// An outsider organised or accepted it.
fn outsider_agreed(primary: &View, attendees: &[Attendee], dir: &Directory) -> bool {
    let outside = |m: &Mailbox| address::fold(&m.address, &dir.ours.subaddress).is_some_and(|a| !dir.is_ours(&a));
    primary.organizer.as_ref().is_some_and(outside)
        || attendees.iter().any(|a| !a.resource && a.answer == Answer::Accepted && outside(&a.mailbox))
}

struct People<'a> {
    organizer: Option<&'a Mailbox>,
    attendees: &'a [Attendee],
}

impl People<'_> {
    fn participants(&self, dir: &Directory) -> Vec<Participant> {
        let mut all: Vec<Participant> = Vec::new();
        let organizer = self.organizer.map(|m| (m, Role::Organizer));
        let attendees = self.attendees.iter().map(|a| {
            let role = match (a.resource, a.answer, a.role) {
                (true, ..) => Role::Resource,
                (false, Answer::Declined, _) => Role::Declined,
                (false, _, AttendeeRole::Required) => Role::Required,
                (false, ..) => Role::Optional,
            };
            (&a.mailbox, role)
        });
        for (mailbox, role) in organizer.into_iter().chain(attendees) {
            super::capture::add(&mut all, mailbox, role, dir);
        }
        all
    }
}

#[cfg(test)]
mod tests;
