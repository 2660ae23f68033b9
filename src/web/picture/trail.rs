//! One deal's trail on a time line: stages as bands, mail from them above the line and ours below, meetings as blocks as tall
//! as they were long, gaps hatched, today marked, what is ahead dashed. The page says the same in words beside it.

#[cfg(test)]
mod tests;

use std::{
    collections::{HashMap, HashSet},
    fmt::Write as _,
};

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use chrono_tz::Tz;

use super::{Svg, esc, fit, n};

/// The time the deal stood in one stage.
#[derive(Clone, Debug)]
pub struct Band {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub name: String,
    /// How far along: deeper stages are tinted deeper. 0..=5.
    pub depth: usize,
    pub closed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    MailIn,
    MailOut,
    Meeting,
    Call,
    Note,
}

/// One activity.
#[derive(Clone, Debug)]
pub struct Mark {
    pub at: DateTime<Utc>,
    pub end: Option<DateTime<Utc>>,
    pub shape: Shape,
    /// It counts as a sign from the buyer.
    pub evidence: bool,
    pub planned: bool,
    pub called_off: bool,
    /// In words.
    pub title: String,
    /// Where a click leads; made by us.
    pub href: String,
}

/// A gap's window.
#[derive(Clone, Debug)]
pub struct Hatch {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub name: String,
    pub urgent: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backed {
    Yes,
    No,
    /// Too early, or we were blind.
    Open,
    /// Not a forward move.
    Neither,
}

#[derive(Clone, Debug)]
pub struct Step {
    pub at: DateTime<Utc>,
    pub backed: Backed,
    pub title: String,
}

#[derive(Clone, Debug)]
pub struct Trail {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub now: DateTime<Utc>,
    pub zone: Tz,
    pub bands: Vec<Band>,
    pub marks: Vec<Mark>,
    pub gaps: Vec<Hatch>,
    pub steps: Vec<Step>,
    pub close: Option<DateTime<Utc>>,
    /// The picture in one sentence.
    pub label: String,
}

const WIDTH: f64 = 1040.0;
const EDGE: f64 = 10.0;
const TOP: f64 = 26.0;
const LINE: f64 = 132.0;
const BOTTOM: f64 = 232.0;
/// Where the names of months stand, and below them the names of days.
const NAMES: f64 = 249.0;
const DAYS: f64 = 266.0;
const HEIGHT: f64 = 272.0;
/// Mails this near in pixels stand over each other.
const COLUMN: f64 = 9.0;
/// Most mails drawn over each other.
const STACK: usize = 8;
/// Beyond this many activities the picture stays a picture: the single ones are linked from the list only.
const MOST_LINKS: usize = 120;

impl Trail {
    fn x(&self, at: DateTime<Utc>) -> f64 {
        let whole = (self.to - self.from).num_milliseconds().max(1) as f64;
        let share = (at - self.from).num_milliseconds() as f64 / whole;
        EDGE + share.clamp(0.0, 1.0) * (WIDTH - 2.0 * EDGE)
    }

    pub fn draw(&self) -> Svg {
        let mut out = format!(
            "<svg class=\"trail\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\"><defs>\
             <pattern id=\"gap\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\"><path class=\"hatch\" d=\"M-2 10 10-2M-2 2 2-2M6 10 10 6\"/></pattern>\
             <pattern id=\"gap-urgent\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\"><path class=\"hatch urgent\" d=\"M-2 10 10-2M-2 2 2-2M6 10 10 6\"/></pattern>\
             </defs>",
            esc(&self.label)
        );
        self.bands(&mut out);
        self.axis(&mut out);
        self.hatches(&mut out);
        self.line(&mut out);
        self.steps(&mut out);
        self.mails(&mut out);
        self.blocks(&mut out);
        out.push_str("</svg>");
        Svg(out)
    }

    fn bands(&self, out: &mut String) {
        for band in &self.bands {
            let (left, right) = (self.x(band.from), self.x(band.to));
            let class = if band.closed { "closed".to_owned() } else { format!("d{}", band.depth.min(5)) };
            let _ = write!(
                out,
                "<g class=\"band {class}\"><title>{}</title><rect x=\"{}\" width=\"{}\" height=\"{BOTTOM}\"/>",
                esc(&band.name),
                n(left),
                n((right - left).max(1.0))
            );
            let name = fit(&band.name, right - left - 12.0);
            if !name.is_empty() {
                let _ = write!(out, "<text x=\"{}\" y=\"17\">{}</text>", n(left + 7.0), esc(&name));
            }
            out.push_str("</g>");
        }
    }

    /// Months, or weeks where the whole is short.
    fn axis(&self, out: &mut String) {
        let short = self.to - self.from < TimeDelta::days(75);
        let first = self.from.with_timezone(&self.zone).date_naive();
        let last = self.to.with_timezone(&self.zone).date_naive();
        let mut taken = -100.0;
        for day in first.iter_days().take_while(|day| *day <= last) {
            let tick = if short { day.weekday() == chrono::Weekday::Mon } else { day.day() == 1 };
            if !tick {
                continue;
            }
            let Some(at) = day.and_hms_opt(0, 0, 0).map(|t| t.and_utc()) else { continue };
            let x = self.x(at);
            let text = match (short, day.month()) {
                (true, _) => day.format("%-d %b").to_string(),
                (false, 1) => day.format("%b %Y").to_string(),
                (false, _) => day.format("%b").to_string(),
            };
            let _ = write!(out, "<path class=\"tick\" d=\"M{} {BOTTOM}v6\"/>", n(x));
            if x - taken > 44.0 && (24.0..WIDTH - 40.0).contains(&x) {
                let _ = write!(out, "<text class=\"axis\" x=\"{}\" y=\"{NAMES}\">{text}</text>", n(x));
                taken = x;
            }
        }
    }

    fn hatches(&self, out: &mut String) {
        let mut rows: Vec<f64> = Vec::new();
        for gap in &self.gaps {
            let (left, right) = (self.x(gap.from), self.x(gap.to));
            let width = (right - left).max(4.0);
            let kind = if gap.urgent { "gap-urgent" } else { "gap" };
            let _ = write!(
                out,
                "<g class=\"{kind}\"><title>{}</title><rect class=\"wash\" x=\"{1}\" y=\"{TOP}\" width=\"{2}\" height=\"{3}\"/>\
                 <rect x=\"{1}\" y=\"{TOP}\" width=\"{2}\" height=\"{3}\" fill=\"url(#{kind})\"/>",
                esc(&gap.name),
                n(left),
                n(width),
                n(BOTTOM - TOP)
            );
            // names stand under each other where they would touch
            let wide = gap.name.chars().count() as f64 * 6.4 + 8.0;
            let start = left.min(WIDTH - EDGE - wide).max(EDGE);
            let row = rows.iter().position(|end| *end < start).unwrap_or(rows.len());
            if row < 3 {
                let y = BOTTOM - 7.0 - row as f64 * 16.0;
                let _ = write!(out, "<text x=\"{}\" y=\"{}\">{}</text>", n(start + 3.0), n(y), esc(&gap.name));
                if row == rows.len() { rows.push(start + wide) } else { rows[row] = start + wide }
            }
            out.push_str("</g>");
        }
    }

    /// The line itself, today, and the day on which the deal is to close. A picture of long ago ends before today.
    fn line(&self, out: &mut String) {
        let today = self.x(self.now);
        let _ = write!(
            out,
            "<path class=\"line\" d=\"M{EDGE} {LINE}H{0}\"/><path class=\"line dashed\" d=\"M{0} {LINE}H{1}\"/>",
            n(today),
            WIDTH - EDGE
        );
        if self.now <= self.to {
            let _ = write!(
                out,
                "<path class=\"today\" d=\"M{0} {TOP}V{BOTTOM}\"/><text class=\"today\" x=\"{0}\" y=\"{DAYS}\">today</text>",
                n(today)
            );
        }
        let Some(close) = self.close.filter(|at| *at >= self.from && *at <= self.to) else { return };
        let x = self.x(close);
        let _ = write!(out, "<path class=\"close\" d=\"M{} {TOP}V{BOTTOM}\"/>", n(x));
        let anchor = if x > WIDTH - 70.0 { " end" } else { "" };
        if (x - today).abs() > 76.0 || (x - today > 58.0 && anchor.is_empty()) {
            let _ = write!(out, "<text class=\"axis{anchor}\" x=\"{}\" y=\"{DAYS}\">close date</text>", n(x));
        }
    }

    fn steps(&self, out: &mut String) {
        for step in &self.steps {
            let class = match step.backed {
                Backed::Yes => "yes",
                Backed::No => "no",
                Backed::Open => "open",
                Backed::Neither => "neither",
            };
            let x = n(self.x(step.at));
            let _ = write!(
                out,
                "<g class=\"step {class}\"><title>{}</title><path d=\"M{x} 0V{BOTTOM}\"/><circle cx=\"{x}\" cy=\"{}\" r=\"5\"/></g>",
                esc(&step.title),
                TOP + 8.0
            );
        }
    }

    fn mails(&self, out: &mut String) {
        let mut heights: HashMap<(i64, bool), usize> = HashMap::new();
        for mark in self.marks.iter().filter(|m| matches!(m.shape, Shape::MailIn | Shape::MailOut)) {
            let inward = mark.shape == Shape::MailIn;
            let column = (self.x(mark.at) / COLUMN) as i64;
            let height = heights.entry((column, inward)).or_default();
            *height += 1;
            if *height > STACK {
                continue;
            }
            let away = 15.0 + (*height as f64 - 1.0) * 10.0;
            let y = if inward { LINE - away } else { LINE + away };
            let x = (column as f64 + 0.5) * COLUMN;
            if self.is_crowded() {
                continue;
            }
            let class = match (inward, mark.evidence) {
                (true, true) => "in",
                (true, false) => "in weak",
                (false, _) => "out",
            };
            self.linked(out, mark, class, &format!("<circle cx=\"{}\" cy=\"{}\" r=\"4\"/>", n(x), n(y)));
        }
        let mut columns: Vec<_> = heights.into_iter().collect();
        columns.sort_unstable();
        if self.is_crowded() {
            self.stacks(out, &columns);
        }
        let over = columns.into_iter().filter(|(_, count)| *count > STACK);
        for ((column, inward), count) in over {
            let away = 15.0 + STACK as f64 * 10.0;
            let y = if inward { LINE - away } else { LINE + away + 6.0 };
            let x = (column as f64 + 0.5) * COLUMN;
            let _ = write!(out, "<text class=\"more\" x=\"{}\" y=\"{}\">+{}</text>", n(x), n(y), count - STACK);
        }
    }

    /// Where there are too many mails to draw each one: a bar for each stack.
    fn stacks(&self, out: &mut String, columns: &[((i64, bool), usize)]) {
        for ((column, inward), count) in columns {
            let height = (*count).min(STACK) as f64 * 10.0;
            let (class, y) = if *inward { ("in", LINE - 10.0 - height) } else { ("out", LINE + 10.0) };
            let x = *column as f64 * COLUMN + 1.0;
            let _ = write!(
                out,
                "<g class=\"{class}\"><rect x=\"{}\" y=\"{}\" width=\"7\" height=\"{}\" rx=\"3\"/></g>",
                n(x),
                n(y),
                n(height)
            );
        }
    }

    fn is_crowded(&self) -> bool {
        self.marks.len() > MOST_LINKS
    }

    /// Meetings, calls and notes: on the line.
    fn blocks(&self, out: &mut String) {
        let mut drawn = HashSet::new();
        for mark in &self.marks {
            let x = self.x(mark.at);
            let state = match (mark.called_off, mark.planned, mark.evidence) {
                (true, ..) => "off",
                (_, true, _) => "planned",
                (.., true) => "sure",
                _ => "weak",
            };
            if self.is_crowded() && !drawn.insert(((x / COLUMN) as i64, state)) {
                continue;
            }
            let shape = match mark.shape {
                Shape::MailIn | Shape::MailOut => continue,
                Shape::Meeting => {
                    let end = mark.end.unwrap_or(mark.at);
                    let width = (self.x(end) - x).max(7.0);
                    // ten pixels for every half hour
                    let minutes = (end - mark.at).num_minutes() as f64;
                    let height = (minutes / 3.0).clamp(10.0, 60.0);
                    format!(
                        "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"1.5\"/>",
                        n(x - 3.5),
                        n(LINE - height / 2.0),
                        n(width),
                        n(height)
                    )
                }
                Shape::Call => format!("<path d=\"M{} {LINE}l6-6 6 6-6 6z\"/>", n(x - 6.0)),
                Shape::Note => format!("<rect x=\"{}\" y=\"{}\" width=\"5\" height=\"5\"/>", n(x - 2.5), LINE - 2.5),
            };
            self.linked(out, mark, &format!("met {state}"), &shape);
        }
    }

    /// Keyboards and screen readers walk the list beside the picture: its links are not walked twice.
    fn linked(&self, out: &mut String, mark: &Mark, class: &str, shape: &str) {
        if self.is_crowded() {
            let _ = write!(out, "<g class=\"{class}\">{shape}</g>");
            return;
        }
        let (href, title) = (esc(&mark.href), esc(&mark.title));
        let _ = write!(out, "<a class=\"{class}\" href=\"{href}\" tabindex=\"-1\"><title>{title}</title>{shape}</a>");
    }
}

/// From a little before the first to a little after the last of these, today included. What is ahead never takes more room than
/// a third of what was: people look at what happened.
pub fn span(moments: impl IntoIterator<Item = DateTime<Utc>>, now: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
    let (mut from, mut to) = (now - TimeDelta::days(28), now + TimeDelta::days(7));
    for at in moments {
        from = from.min(at);
        to = to.max(at);
    }
    let ahead = ((now - from) / 3).clamp(TimeDelta::days(14), TimeDelta::days(60));
    to = to.min(now + ahead);
    let air = (to - from) / 60;
    (from - air, to + air)
}
