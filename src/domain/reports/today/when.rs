//! Which day a rep's page is of, and what lies on it.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};

use super::super::{
    super::{
        activity::{Kind, Status},
        directory::{Directory, User},
        working::WorkCalendar,
    },
    credit::{Happened, credit},
};

#[derive(Clone, Copy, Debug)]
pub struct When<'a> {
    /// The day that was asked for; else it is each rep's own.
    pub day: Option<NaiveDate>,
    /// The organisation's.
    pub calendar: &'a WorkCalendar,
    /// By folded email, where they differ from it.
    pub calendars: &'a HashMap<String, WorkCalendar>,
    pub now: DateTime<Utc>,
}

impl<'a> When<'a> {
    pub fn calendar(&self, user: &str) -> &'a WorkCalendar {
        self.calendars.get(user).unwrap_or(self.calendar)
    }

    pub fn today(&self, user: &str) -> NaiveDate {
        self.day.unwrap_or_else(|| self.calendar(user).date(self.now))
    }

    /// From inclusive, to exclusive: these users' day and the one before it, wherever they live. Whole days stand at midnight UTC.
    pub fn span(&self, users: &[&User]) -> (DateTime<Utc>, DateTime<Utc>) {
        let midnight = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
        let ends = |user: &str| {
            let (calendar, today) = (self.calendar(user), self.today(user));
            let before = today.pred_opt().unwrap_or(today);
            let after = midnight(today) + TimeDelta::milliseconds(1);
            (calendar.start_of(before).min(midnight(before)), calendar.end_of(today).max(after))
        };
        let all = users.iter().map(|user| ends(&user.email));
        // nobody's name is no user's: the organisation's own day
        let wider = |a: (DateTime<Utc>, DateTime<Utc>), b: (DateTime<Utc>, DateTime<Utc>)| (a.0.min(b.0), a.1.max(b.1));
        all.reduce(wider).unwrap_or_else(|| ends(""))
    }

    /// The day something counts for.
    pub fn day_of(&self, user: &str, happened: &Happened) -> NaiveDate {
        let at = happened.activity.occurred_at;
        if happened.all_day { at.date_naive() } else { self.calendar(user).date(at) }
    }

    /// A meeting that stands, of which any is on the user's day.
    pub fn meets(&self, user: &str, happened: &Happened) -> bool {
        let a = &happened.activity;
        // what ends at midnight does not last into the next day
        let last = a.ended_at.map_or(a.occurred_at, |end| a.occurred_at.max(end - TimeDelta::seconds(1)));
        let last = if happened.all_day { last.date_naive() } else { self.calendar(user).date(last) };
        a.kind == Kind::Meeting
            && !matches!(a.status, Status::Cancelled | Status::Declined)
            && (self.day_of(user, happened)..=last).contains(&self.today(user))
    }
}

/// The meetings of these users' days, by id.
pub fn meetings(happened: &[Happened], users: &[&User], directory: &Directory, when: &When<'_>) -> Vec<String> {
    let shown: BTreeSet<&str> = users.iter().map(|u| u.email.as_str()).collect();
    let on = |h: &&Happened| {
        h.activity.kind == Kind::Meeting
            && credit(h, directory).users.iter().any(|user| shown.contains(user) && when.meets(user, h))
    };
    happened.iter().filter(on).map(|h| h.activity.id.clone()).collect()
}
