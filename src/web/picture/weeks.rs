//! Activity per week as stacked bars, small, on a scale that several pictures share.

use std::fmt::Write as _;

use super::{Svg, esc, n};

/// One week: mails sent, mails received, meetings and calls.
pub type Week = [usize; 3];

pub const WIDTH: f64 = 260.0;
const HEIGHT: f64 = 64.0;

/// Bars from the oldest week to this one; `most` is the height of the scale.
pub fn draw(weeks: &[Week], most: usize, label: &str) -> Svg {
    let step = WIDTH / weeks.len().max(1) as f64;
    let unit = HEIGHT / most.max(1) as f64;
    let mut paths = [String::new(), String::new(), String::new()];
    for (i, week) in weeks.iter().enumerate() {
        let (x, mut y) = (i as f64 * step + 1.5, HEIGHT);
        for (path, count) in paths.iter_mut().zip(week) {
            let height = *count as f64 * unit;
            if height > 0.0 {
                y -= height;
                let _ = write!(path, "M{} {}h{}v{}h-{2}z", n(x), n(y), n(step - 3.0), n(height));
            }
        }
    }
    let mut out = format!(
        "<svg class=\"weeks\" viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-label=\"{}\">",
        HEIGHT + 1.0,
        esc(label)
    );
    for (class, path) in ["sent", "received", "talked"].iter().zip(&paths) {
        if !path.is_empty() {
            let _ = write!(out, "<path class=\"{class}\" d=\"{path}\"/>");
        }
    }
    let _ = write!(out, "<path class=\"base\" d=\"M0 {HEIGHT}.5h{WIDTH}\"/></svg>");
    Svg(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_stack_on_one_scale() {
        let svg = draw(&[[2, 1, 1], [0, 0, 0]], 8, "Ana & co").to_string();
        assert!(svg.contains("aria-label=\"Ana &amp; co\""));
        assert!(svg.contains("class=\"sent\" d=\"M1.5 48h127v16h-127z\""), "{svg}");
        assert!(svg.contains("class=\"received\" d=\"M1.5 40h127v8h-127z\""), "{svg}");
        assert!(svg.contains("class=\"talked\" d=\"M1.5 32h127v8h-127z\""), "{svg}");
        assert!(!draw(&[[0, 0, 0]], 0, "").to_string().contains("NaN"));
    }
}
