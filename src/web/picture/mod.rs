//! Pictures as SVG, made from plain data: no clock, no store, no colours (those are the style sheet's). Every text in a
//! picture passes [`esc`]; an address of a link is given ready-made.

pub mod mini;
pub mod strip;
pub mod trail;
pub mod weeks;

use std::fmt;

/// A finished picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Svg(String);

impl fmt::Display for Svg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Only this module makes them, and it escapes what it puts in.
impl askama::filters::HtmlSafe for Svg {}

/// Text for an element or an attribute in double quotes.
fn esc(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// A number with at most one decimal.
fn n(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// A text that fits into so many pixels, at about six a character.
fn fit(text: &str, width: f64) -> String {
    let most = (width / 6.2).max(0.0) as usize;
    if text.chars().count() <= most {
        return text.to_owned();
    }
    if most < 4 {
        return String::new();
    }
    let cut: String = text.chars().take(most - 1).collect();
    format!("{}…", cut.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_stay_texts() {
        assert_eq!(esc("<a href='x'>&\"\u{1}"), "&lt;a href=&#39;x&#39;&gt;&amp;&quot; ");
        assert_eq!((n(3.0), n(3.149), n(-0.5)), ("3".into(), "3.1".into(), "-0.5".into()));
        assert_eq!((fit("Negotiation", 80.0).as_str(), fit("Negotiation", 50.0).as_str()), ("Negotiation", "Negotia…"));
        assert_eq!(fit("Negotiation", 10.0), "");
    }
}
