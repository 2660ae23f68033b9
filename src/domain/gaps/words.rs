//! The sentences of findings, as a sales person would say them: names, plain words, dates like "3 Nov".

use chrono::{DateTime, Datelike, Utc};

use super::{
    case::{Case, Facts, Seen},
    evidence::{Side, Weight},
    sight::{Blind, Sight},
};
use crate::domain::{
    activity::{Kind, Origin},
    span::Span,
};

impl Case<'_> {
    /// "3 Nov" in the owner's zone; with the year when it is not this one.
    pub fn day(&self, owner: &str, at: DateTime<Utc>) -> String {
        let calendar = self.calendar(owner);
        self.date(owner, calendar.date(at))
    }

    /// "3 Nov"; with the year when it is not this one.
    pub fn date(&self, owner: &str, date: chrono::NaiveDate) -> String {
        let this_year = self.calendar(owner).date(self.now()).year();
        let form = if date.year() == this_year { "%-d %b" } else { "%-d %b %Y" };
        date.format(form).to_string()
    }

    /// The name of a user, else the address.
    pub fn name<'n>(&'n self, email: &'n str) -> &'n str {
        self.facts.name_of(email)
    }

    pub fn stage_name<'n>(&'n self, id: &'n str) -> &'n str {
        self.facts.directory.stages.get(id).map_or(id, |s| s.name.as_str())
    }

    /// The deal's company, else "the buyer".
    pub fn buyer(&self) -> &str {
        let company = self.deal.company.as_deref().and_then(|id| self.facts.directory.companies.get(id));
        company.map_or("the buyer", |c| c.name.as_str())
    }

    /// What could not be seen, and which choices are pending; `None` when nothing stands in the way.
    pub fn blindness(&self, owner: &str, sight: &Sight, pending: usize) -> Option<String> {
        let mut said: Vec<String> = sight.blind.iter().map(|b| blind(self.facts, owner, b)).collect();
        match pending {
            0 => {}
            1 => said.push("one activity still waits for its deal to be chosen".into()),
            n => said.push(format!("{n} activities still wait for their deal to be chosen")),
        }
        (!said.is_empty()).then(|| list(&said))
    }

    /// " (no calendar of Ana Lopez is connected)", or nothing.
    pub fn without_calendar(&self, sight: &Sight) -> String {
        self.facts.without_calendar(sight)
    }
}

/// One thing that could not be seen.
pub fn blind(facts: &Facts<'_>, owner: &str, blind: &Blind) -> String {
    match blind {
        Blind::StartsLate(name, from) => format!("{name} is complete only from {} on", facts.day(owner, *from)),
        Blind::Failing(name, Some(to)) => format!("{name} has not been readable since {}", facts.day(owner, *to)),
        Blind::Failing(name, None) => format!("{name} could not be read yet"),
        Blind::Stopped(name, at) => format!("{name} was disconnected on {}", facts.day(owner, *at)),
        Blind::NoMailbox(user, None) => format!("no mailbox of {} was connected", facts.name_of(user)),
        Blind::NoMailbox(user, Some(ended)) => {
            format!("no mailbox of {} has been connected since {}", facts.name_of(user), facts.day(owner, *ended))
        }
    }
}

/// "one mail", "3 mails".
pub fn counted(n: usize, one: &str, many: &str) -> String {
    if n == 1 { format!("one {one}") } else { format!("{n} {many}") }
}

/// "within one working hour", "within 6 working hours".
pub fn working_time(minutes: i64) -> String {
    let hours = u32::try_from(minutes.max(0)).unwrap_or(u32::MAX).div_ceil(60).max(1);
    within(Span::WorkHours(hours))
}

/// "2 mails of our own and a call typed by hand".
pub fn one_sided(seen: &[&Seen<'_>]) -> String {
    let count = |side| seen.iter().filter(|s| s.weight == Weight::OneSided(side)).count();
    let mut said = Vec::new();
    let mut say = |n: usize, one: &str, many: &str| match n {
        0 => {}
        1 => said.push(one.to_owned()),
        n => said.push(format!("{n} {many}")),
    };
    say(count(Side::OurMail), "one mail of our own", "mails of our own");
    let unconfirmed = "that nobody outside confirmed";
    say(count(Side::UnconfirmedMeeting), &format!("one meeting {unconfirmed}"), &format!("meetings {unconfirmed}"));
    say(count(Side::TypedCall), "one call typed by hand", "calls typed by hand");
    let from_partners = |kind| {
        let partner = |s: &&&Seen<'_>| s.weight == Weight::OneSided(Side::Partner) && s.activity.kind == kind;
        seen.iter().filter(partner).count()
    };
    say(from_partners(Kind::Email), "one mail from a partner", "mails from partners");
    say(from_partners(Kind::Meeting), "one meeting with a partner", "meetings with partners");
    say(from_partners(Kind::Call), "one call with a partner", "calls with partners");
    list(&said)
}

/// "a mail", "a meeting", "a call": one sign from the buyer.
pub fn sign(seen: &Seen<'_>) -> &'static str {
    match (seen.activity.kind, seen.activity.origin) {
        (Kind::Email, _) if seen.activity.automatic => "a document sent by mail",
        (Kind::Email, _) => "a mail",
        (Kind::Meeting, _) => "a meeting",
        (Kind::Call | Kind::Note, _) => "a call",
    }
}

/// "within 14 days".
pub fn within(span: Span) -> String {
    let (n, unit) = match span {
        Span::Days(n) => (n, "day"),
        Span::WorkDays(n) => (n, "working day"),
        Span::WorkHours(n) => (n, "working hour"),
        Span::Months(n) => (n, "month"),
    };
    if n == 1 { format!("within one {unit}") } else { format!("within {n} {unit}s") }
}

/// What to do first when we could not see everything; `None` when we could.
pub fn doubt(sight: &Sight, pending: &[&Seen<'_>]) -> Option<&'static str> {
    if !pending.is_empty() {
        Some("choose the deal of the waiting activities")
    } else if sight.blind.iter().any(|b| matches!(b, Blind::NoMailbox(_, Some(_)))) {
        Some("give it to a colleague in the CRM whose mailbox is connected, or connect that mailbox again")
    } else if !sight.blind.is_empty() {
        Some("connect what is missing, or let it be read again, so that this time can be seen")
    } else {
        None
    }
}

/// "48,000 EUR".
pub fn amount(amount: f64, currency: Option<&str>) -> String {
    let whole = format!("{:.0}", amount.abs());
    let mut said = if amount < 0.0 { "-".to_owned() } else { String::new() };
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            said.push(',');
        }
        said.push(digit);
    }
    match currency {
        Some(currency) => format!("{said} {currency}"),
        None => said,
    }
}

/// Typed mail that no mailbox confirms, said beside what was found.
pub fn is_unconfirmed_mail(seen: &Seen<'_>) -> bool {
    let a = seen.activity;
    a.kind == Kind::Email && a.origin == Origin::Typed && a.confirmed != Some(true)
}

/// "a", "a and b", "a, b and c".
pub fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}

/// The first letter large, a full stop at the end.
pub fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", chars.as_str())
}
