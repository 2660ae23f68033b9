//! A rate that says how sure it is: its two counts and the interval they allow.

use serde_json::{Value as Json, json};

/// `done` of `of`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    pub done: u64,
    pub of: u64,
}

/// Fewer than this say little: the text then says so.
const FEW: u64 = 10;

/// The 97.5th percentile of the normal distribution: intervals hold the true rate 95 times in 100.
const Z: f64 = 1.959_964;

impl Rate {
    /// `None` without anything to divide by. More than 1 where one step needs no step before it.
    pub fn value(self) -> Option<f64> {
        (self.of > 0).then(|| self.done as f64 / self.of as f64)
    }

    /// Wilson's score interval (E. B. Wilson, JASA 22, 1927), which stays right for small counts and rates near 0 and 1.
    /// `None` where `done` is no part of `of`.
    pub fn interval(self) -> Option<(f64, f64)> {
        if self.of == 0 || self.done > self.of {
            return None;
        }
        let (n, p) = (self.of as f64, self.done as f64 / self.of as f64);
        let middle = p + Z * Z / (2.0 * n);
        let spread = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
        let scale = 1.0 + Z * Z / n;
        Some((((middle - spread) / scale).max(0.0), ((middle + spread) / scale).min(1.0)))
    }

    /// `50 % (267 of 534, 46-54 %)`.
    pub fn text(self) -> String {
        let Some(value) = self.value() else { return String::new() };
        let counts = format!("{} of {}", self.done, self.of);
        let percent = |share: f64| (share * 100.0).round();
        match self.interval() {
            Some(_) if self.of < FEW => format!("{:.0} % ({counts}: few)", value * 100.0),
            Some((low, high)) => {
                format!("{:.0} % ({counts}, {}-{} %)", value * 100.0, percent(low), percent(high))
            }
            None => format!("{:.0} % ({counts})", value * 100.0),
        }
    }

    pub fn json(self) -> Json {
        let round = |share: f64| (share * 10_000.0).round() / 10_000.0;
        json!({
            "rate": self.value().map(round),
            "done": self.done,
            "of": self.of,
            "low": self.interval().map(|i| round(i.0)),
            "high": self.interval().map(|i| round(i.1)),
            "few": self.of < FEW,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_say_how_sure_they_are() {
        for (done, of, text) in [
            (267, 534, "50 % (267 of 534, 46-54 %)"),
            (67, 267, "25 % (67 of 267, 20-31 %)"),
            (1, 3, "33 % (1 of 3: few)"),
            (12, 10, "120 % (12 of 10)"),
            (0, 0, ""),
        ] {
            assert_eq!(Rate { done, of }.text(), text);
        }
    }

    #[test]
    fn the_interval_is_wilsons() {
        // worked by hand from the formula: 8 of 10
        let (low, high) = Rate { done: 8, of: 10 }.interval().expect("an interval");
        assert!((low - 0.4902).abs() < 0.0005 && (high - 0.9433).abs() < 0.0005, "{low} {high}");
        assert_eq!(Rate { done: 0, of: 5 }.interval().map(|i| i.0), Some(0.0));
        assert_eq!(Rate { done: 3, of: 2 }.interval(), None);
    }
}
