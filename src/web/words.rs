//! How things read: times, amounts and names as people say them. Everything foreign passes [`clean`] before it is shown;
//! escaping is the templates' business.

use std::fmt;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use chrono_tz::Tz;

/// Most characters of a foreign text in one line.
const LINE: usize = 200;

/// Foreign text for one line: no control characters, nothing that turns the direction of what stands around it, not too long.
pub fn clean(text: &str) -> String {
    let mut line: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).filter(|c| !turns(*c)).take(LINE + 1).collect();
    if line.chars().count() > LINE {
        line.pop();
        line.push('…');
    }
    line.trim().to_owned()
}

/// Foreign text of many lines: line breaks stay.
pub fn clean_lines(text: &str) -> String {
    let kept = |c: char| if c.is_control() && c != '\n' { ' ' } else { c };
    text.replace("\r\n", "\n").chars().map(kept).filter(|c| !turns(*c)).collect()
}

/// Marks that change the direction of the text after them, and invisible ones.
fn turns(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{061c}')
}

/// An id as one segment of a path or a value of a query: only what needs no thought stands as it is.
pub fn seg(id: &str) -> String {
    id.bytes()
        .map(|b| match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(b).to_string(),
            _ => format!("%{b:02X}"),
        })
        .collect()
}

/// A moment, shown short, with the whole of it behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct When {
    iso: String,
    pub short: String,
    /// The whole of it: "Tue 17 Nov 2026 14:30 CET".
    pub full: String,
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<time datetime=\"{}\" title=\"{}\">{}</time>", self.iso, self.full, self.short)
    }
}

/// Made of digits, names of days and months and of a zone: nothing in it needs escaping.
impl askama::filters::HtmlSafe for When {}

/// Where and when the reader is.
#[derive(Clone, Copy, Debug)]
pub struct Here {
    pub zone: Tz,
    pub now: DateTime<Utc>,
}

impl Here {
    pub fn date(&self, at: DateTime<Utc>) -> NaiveDate {
        at.with_timezone(&self.zone).date_naive()
    }

    /// "Tue 14:30" when near, "12 Nov" when far.
    pub fn when(&self, at: DateTime<Utc>) -> When {
        let local = at.with_timezone(&self.zone);
        let short = match (local.date_naive() - self.date(self.now)).num_days() {
            0 => local.format("today %H:%M").to_string(),
            -6..=6 => local.format("%a %H:%M").to_string(),
            _ => self.day_text(local.date_naive()),
        };
        let iso = at.format("%Y-%m-%dT%H:%M:%SZ").to_string();
        When { iso, short, full: local.format("%a %-d %b %Y %H:%M %Z").to_string() }
    }

    /// A day: "today", "Tue", "12 Nov", "12 Nov 2025".
    pub fn day(&self, date: NaiveDate) -> When {
        let short = match (date - self.date(self.now)).num_days() {
            0 => "today".to_owned(),
            -6..=6 => date.format("%A").to_string(),
            _ => self.day_text(date),
        };
        When { iso: date.to_string(), short, full: date.format("%a %-d %b %Y").to_string() }
    }

    /// "12 Nov", with the year when it is not this one.
    pub fn day_text(&self, date: NaiveDate) -> String {
        let form = if date.year() == self.date(self.now).year() { "%-d %b" } else { "%-d %b %Y" };
        date.format(form).to_string()
    }

    /// "Tuesday" within a week, else "12 Nov".
    pub fn since(&self, at: DateTime<Utc>) -> String {
        self.day(self.date(at)).short
    }
}

/// "48,000 EUR".
pub fn amount(amount: f64, currency: Option<&str>) -> String {
    let whole = format!("{:.0}", amount.abs());
    let mut out = String::new();
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    let sign = if amount < 0.0 { "-" } else { "" };
    format!("{sign}{out} {}", clean(currency.unwrap_or_default())).trim().to_owned()
}

/// "1 deal", "3 deals".
pub fn count(n: usize, one: &str, many: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {many}") }
}

/// "a, b and c".
pub fn list(all: &[String]) -> String {
    match all {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// A gap rule as a person says it.
pub fn rule(name: &str) -> String {
    match name {
        "unsupported_advance" => "advanced without support",
        "one_sided_advance" => "advanced on our word alone",
        "commit_without_evidence" => "committed without a sign from the buyer",
        "missing_evidence" => "misses what its stage needs",
        "uncorroborated_log" => "logged by hand, not confirmed",
        "skipped_stage" => "skipped a stage",
        "gone_quiet" => "gone quiet",
        "we_owe_reply" => "the buyer waits for our answer",
        "no_reply" => "no answer from the buyer",
        "no_follow_up" => "nobody wrote after the meeting",
        "stalled" => "stuck in its stage",
        "overdue_close" => "past its close date",
        "pushed_close" => "close date pushed again and again",
        "amount_dropped" => "amount dropped",
        "overdue_next_step" => "next step overdue",
        "no_next_step" => "no next step",
        "single_threaded" => "hangs on one person",
        "competitor_mentioned" => "a competitor is named",
        "unlisted_stakeholder" => "somebody the CRM does not list",
        "activity_without_deal" => "activity without a deal",
        "phantom_contact" => "contact without any traffic",
        other => return other.replace('_', " "),
    }
    .to_owned()
}

/// A state of a gap as a person says it.
pub fn state(name: &str) -> &str {
    match name {
        "unknown" => "cannot be judged",
        "snoozed" => "put off",
        other => other,
    }
}

/// Why an activity was tied to something.
pub fn reason(name: &str) -> &str {
    match name {
        "address" => "the address is the contact's",
        "domain" => "the address is at the company's domain",
        "thread" => "its thread belongs to it",
        "reference" => "it names it",
        "role" => "somebody in it has a role on the deal",
        "only_deal" => "the only open deal of the company then",
        "owner" => "the deal's owner took part",
        "words" => "words of the deal stand in it",
        "recency" => "the deal that had moved last",
        "person" => "a person chose it",
        other => other,
    }
}

/// Why an item was not captured.
pub fn skipped(name: &str) -> &str {
    match name {
        "too_old" => "older than the start date",
        "draft" => "drafts",
        "trash" => "in the trash",
        "spam" => "spam",
        "excluded" => "excluded by a rule",
        "calendar" => "part of a meeting",
        "bounce" => "bounced",
        "automatic" => "automatic mail",
        "bulk" => "newsletters",
        "private" => "private",
        "internal" => "between ourselves",
        "no_outsider" => "no outsider invited",
        "unknown_party" => "nobody the CRM knows",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_cannot_steer() {
        assert_eq!(clean("  a\u{1b}[31m\tb\r\nc\u{202e}d\u{200b} "), "a [31m b  cd");
        assert_eq!(clean(&"x".repeat(500)), format!("{}…", "x".repeat(LINE)));
        assert_eq!(clean_lines("a\r\nb\u{7}\u{2066}c"), "a\nb c");
        assert_eq!(seg("a/b?c=<ü>"), "a%2Fb%3Fc%3D%3C%C3%BC%3E");
        assert_eq!(seg("OPP-1102"), "OPP-1102");
    }

    #[test]
    fn near_and_far() {
        let now: DateTime<Utc> = "2026-11-19T12:00:00Z".parse().expect("a time");
        let here = Here { zone: chrono_tz::Europe::Berlin, now };
        let cases = [
            ("2026-11-19T06:05:00Z", "today 07:05"),
            ("2026-11-18T23:30:00Z", "today 00:30"),
            ("2026-11-17T13:30:00Z", "Tue 14:30"),
            ("2026-11-25T13:30:00Z", "Wed 14:30"),
            ("2026-11-12T13:30:00Z", "12 Nov"),
            ("2025-11-12T13:30:00Z", "12 Nov 2025"),
        ];
        for (at, want) in cases {
            assert_eq!(here.when(at.parse().expect("a time")).short, want, "{at}");
        }
        let shown = here.when(now).to_string();
        assert_eq!(
            shown,
            "<time datetime=\"2026-11-19T12:00:00Z\" title=\"Thu 19 Nov 2026 13:00 CET\">today 13:00</time>"
        );
        assert_eq!(here.since(now - chrono::TimeDelta::days(2)), "Tuesday");
    }

    #[test]
    fn amounts_and_lists() {
        let cases = [(0.0, "0 EUR"), (999.4, "999 EUR"), (48_000.0, "48,000 EUR"), (-1_234_567.0, "-1,234,567 EUR")];
        for (n, want) in cases {
            assert_eq!(amount(n, Some("EUR")), want);
        }
        assert_eq!(amount(5.0, None), "5");
        assert_eq!(list(&["a".into(), "b".into(), "c".into()]), "a, b and c");
        assert_eq!(rule("brand_new"), "brand new");
    }
}
