//! How far a stream has been read, as a strip: solid where it is complete, hatched where it is not.

use std::fmt::Write as _;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Svg, esc, n};

/// One stream over the time that all strips of the page share.
#[derive(Clone, Debug)]
pub struct Strip {
    pub from: DateTime<Utc>,
    pub now: DateTime<Utc>,
    /// From when on it is wanted.
    pub since: DateTime<Utc>,
    pub complete: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// In words: what the picture shows.
    pub label: String,
    /// Makes the ids of this picture its own.
    pub number: usize,
}

const WIDTH: f64 = 600.0;
/// A hole is never drawn thinner than this, or nobody would see it.
const LEAST: f64 = 5.0;
/// Behind by less than this is not a hole: it was just read.
const FRESH: TimeDelta = TimeDelta::hours(1);

impl Strip {
    fn x(&self, at: DateTime<Utc>) -> f64 {
        let whole = (self.now - self.from).num_milliseconds().max(1) as f64;
        ((at - self.from).num_milliseconds() as f64 / whole * WIDTH).clamp(0.0, WIDTH)
    }

    /// The parts that were not read.
    pub fn holes(&self) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
        let Some((from, to)) = self.complete else { return vec![(self.since, self.now)] };
        let mut holes = Vec::new();
        if from > self.since {
            holes.push((self.since, from));
        }
        if self.now - to > FRESH {
            holes.push((to, self.now));
        }
        holes
    }

    pub fn draw(&self) -> Svg {
        let id = self.number;
        let mut out = format!(
            "<svg class=\"strip\" viewBox=\"0 0 {WIDTH} 12\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{}\">\
             <defs><pattern id=\"h{id}\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\">\
             <path class=\"hatch\" d=\"M-1 7 7-1\"/></pattern></defs><rect class=\"track\" width=\"{WIDTH}\" height=\"12\"/>",
            esc(&self.label)
        );
        let mut end = WIDTH;
        let mut start = self.x(self.since);
        for (from, to) in self.holes() {
            let (mut left, mut right) = (self.x(from), self.x(to));
            if right - left < LEAST {
                if to >= self.now { left = right - LEAST } else { right = left + LEAST }
            }
            if to >= self.now {
                end = left
            } else {
                start = right
            }
            let _ = write!(
                out,
                "<rect class=\"hole\" x=\"{}\" width=\"{}\" height=\"12\"/><rect x=\"{0}\" width=\"{1}\" height=\"12\" fill=\"url(#h{id})\"/>",
                n(left),
                n(right - left)
            );
        }
        if self.complete.is_some() && end > start {
            let _ = write!(out, "<rect class=\"full\" x=\"{}\" width=\"{}\" height=\"12\"/>", n(start), n(end - start));
        }
        out.push_str("</svg>");
        Svg(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn t(day: u32) -> DateTime<Utc> {
        format!("2026-11-{day:02}T12:00:00Z").parse().expect("a time")
    }

    fn strip(complete: Option<(u32, u32)>) -> Strip {
        let complete = complete.map(|(from, to)| (t(from), t(to)));
        Strip { from: t(1), now: t(21), since: t(5), complete, label: "<INBOX>".into(), number: 3 }
    }

    #[test]
    fn holes_are_visible() {
        assert_eq!(strip(Some((5, 21))).holes(), []);
        assert_eq!(strip(Some((4, 21))).holes(), []);
        assert_eq!(strip(Some((7, 21))).holes(), [(t(5), t(7))]);
        assert_eq!(strip(Some((7, 20))).holes(), [(t(5), t(7)), (t(20), t(21))]);
        assert_eq!(strip(None).holes(), [(t(5), t(21))]);
        let drawn = strip(Some((7, 20))).draw().to_string();
        assert!(drawn.contains("&lt;INBOX&gt;") && !drawn.contains("<INBOX>"));
        assert_eq!(drawn.matches("class=\"hole\"").count(), 2);
        assert!(drawn.contains("<rect class=\"full\" x=\"180\" width=\"390\""), "{drawn}");
        assert!(!strip(None).draw().to_string().contains("class=\"full\""));
    }
}
