//! A deal's last months in one line: mail from them above, ours below, meetings and calls on the line, today marked.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};

use super::{Svg, esc, n};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    In,
    Out,
    Met,
    Ahead,
}

const WIDTH: f64 = 200.0;
const HEIGHT: f64 = 34.0;
const LINE: f64 = 17.0;
const BINS: usize = 50;

/// What happened when, between two moments that all pictures of the page share.
pub fn draw(
    marks: &[(DateTime<Utc>, Side)],
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    now: DateTime<Utc>,
    label: &str,
) -> Svg {
    let whole = (to - from).num_milliseconds().max(1) as f64;
    let place = |at: DateTime<Utc>| ((at - from).num_milliseconds() as f64 / whole).clamp(0.0, 1.0);
    let mut bins = [[0usize; 4]; BINS];
    for (at, side) in marks.iter().filter(|(at, _)| *at >= from && *at < to) {
        let bin = ((place(*at) * BINS as f64) as usize).min(BINS - 1);
        bins[bin][*side as usize] += 1;
    }
    let step = WIDTH / BINS as f64;
    let (mut inward, mut outward, mut met, mut ahead) = (String::new(), String::new(), String::new(), String::new());
    for (i, bin) in bins.iter().enumerate() {
        let x = i as f64 * step;
        let tall = |count: usize| n(2.0 + count.min(5) as f64 * 2.4);
        if bin[0] > 0 {
            let _ = write!(inward, "M{} {}v-{}", n(x + 2.0), LINE - 1.0, tall(bin[0]));
        }
        if bin[1] > 0 {
            let _ = write!(outward, "M{} {}v{}", n(x + 2.0), LINE + 1.0, tall(bin[1]));
        }
        for (path, count) in [(&mut met, bin[2]), (&mut ahead, bin[3])] {
            if count > 0 {
                let _ = write!(path, "M{} {}h4v7h-4z", n(x), LINE - 3.5);
            }
        }
    }
    let today = n(place(now) * WIDTH);
    let mut out = format!(
        "<svg class=\"mini\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\"><path class=\"line\" d=\"M0 {LINE}H{today}\"/>\
         <path class=\"line dashed\" d=\"M{today} {LINE}H{WIDTH}\"/>",
        esc(label)
    );
    for (class, path) in [("in", inward), ("out", outward), ("met", met), ("ahead", ahead)] {
        if !path.is_empty() {
            let _ = write!(out, "<path class=\"{class}\" d=\"{path}\"/>");
        }
    }
    let _ = write!(out, "<path class=\"today\" d=\"M{today} 2v30\"/></svg>");
    Svg(out)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn small_and_stable() {
        let from: DateTime<Utc> = "2026-06-01T00:00:00Z".parse().expect("a time");
        let day = |n| from + TimeDelta::days(n);
        let marks = [
            (day(3), Side::In),
            (day(3), Side::In),
            (day(9), Side::Out),
            (day(100), Side::Met),
            (day(190), Side::Ahead),
        ];
        let svg = draw(&marks, from, day(200), day(180), "A <deal>").to_string();
        assert!(svg.contains("A &lt;deal&gt;") && svg.len() < 900, "{svg}");
        assert!(svg.contains("class=\"in\" d=\"M2 16v-6.8\""), "{svg}");
        let none = draw(&[], from, from, from, "").to_string();
        assert!(!none.contains("NaN") && !none.contains("class=\"in\""));
    }
}
