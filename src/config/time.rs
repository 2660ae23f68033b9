//! Whose clock and whose working week: user before team before organisation.

use chrono_tz::Tz;

use super::{Config, Team, User};
use crate::domain::working::WorkCalendar;

impl Config {
    /// The zone of a user; the organisation's for anybody else.
    pub fn zone_of(&self, email: &str) -> Tz {
        self.calendar_of(Some(email)).zone
    }

    /// The working calendar of a user, key by key the nearest that is set; the organisation's for anybody else.
    pub fn calendar_of(&self, email: Option<&str>) -> WorkCalendar {
        let user: Option<&User> = email.and_then(|e| self.user(e));
        let team: Option<&Team> = user.and_then(|u| u.team.as_deref()).and_then(|t| self.team(t));
        let own = &self.organization;
        WorkCalendar {
            zone: user.and_then(|u| u.timezone).or(team.and_then(|t| t.timezone)).unwrap_or(own.timezone),
            days: user.and_then(|u| u.working_days).or(team.and_then(|t| t.working_days)).unwrap_or(own.working_days),
            hours: user
                .and_then(|u| u.working_hours)
                .or(team.and_then(|t| t.working_hours))
                .unwrap_or(own.working_hours),
            holidays: user
                .and_then(|u| u.holidays.as_ref())
                .or(team.and_then(|t| t.holidays.as_ref()))
                .unwrap_or(&own.holidays)
                .clone(),
        }
    }
}
