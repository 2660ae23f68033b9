//! What is wrong with a configuration, as one sentence: file, line, key, what is expected, the nearest known key.
//!
//! Turns the messages of the TOML reader into words for people. It never repeats a value, which may be a secret.

use std::path::Path;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// Why a configuration cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

impl ConfigError {
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

/// One step on the way to a value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

/// The text of a configuration with the place of everything in it.
pub(super) struct Places<'a> {
    /// What people are told to look at: a file, or an option.
    shown: String,
    /// Does it have lines?
    lines: bool,
    text: &'a str,
    root: Option<Spanned<DeTable<'a>>>,
}

impl<'a> Places<'a> {
    pub fn new(file: &Path, text: &'a str) -> Self {
        Self { shown: file.display().to_string(), lines: true, text, root: DeTable::parse(text).ok() }
    }

    /// Of a text that nobody wrote: what is wrong in it comes from `option`.
    pub fn said(option: &str, text: &'a str) -> Self {
        Self { shown: option.to_owned(), lines: false, text, root: DeTable::parse(text).ok() }
    }

    /// An error about the value at `path`, or about the nearest thing around it that exists.
    pub fn fault(&self, path: &[Step<'_>], message: &str) -> ConfigError {
        let line = self.root.as_ref().and_then(|root| offset(root.get_ref(), path)).map(|at| self.line(at));
        self.at_line(line, message)
    }

    /// Puts an error of the TOML reader into words.
    pub fn reading(&self, error: &toml::de::Error) -> ConfigError {
        let span = error.span();
        let line = span.as_ref().map(|s| self.line(s.start));
        let root = self.root.as_ref().map(Spanned::get_ref);
        let key = root.zip(span.as_ref()).and_then(|(root, span)| path_at(root, span)).unwrap_or_default();
        let message = match root {
            Some(_) => say(&key, error.message()),
            None => format!("this is not TOML: {}", error.message().replace('\n', ", ")),
        };
        self.at_line(line, &message)
    }

    fn at_line(&self, line: Option<usize>, message: &str) -> ConfigError {
        let (file, line) = (&self.shown, line.filter(|_| self.lines));
        ConfigError(line.map_or_else(|| format!("{file}: {message}"), |n| format!("{file}, line {n}: {message}")))
    }

    fn line(&self, offset: usize) -> usize {
        let before = &self.text.as_bytes()[..offset.min(self.text.len())];
        before.iter().filter(|b| **b == b'\n').count() + 1
    }
}

/// Where the value at `path` stands, or the last thing on the way to it that exists.
fn offset(root: &DeTable<'_>, path: &[Step<'_>]) -> Option<usize> {
    let mut found = None;
    let mut table = Some(root);
    let mut array = None;
    for step in path {
        let value = match step {
            Step::Key(key) => {
                let (k, v) =
                    table?.iter().find(|(k, _)| k.get_ref() == *key).map_or((None, None), |(k, v)| (Some(k), Some(v)));
                found = k.map(|k| k.span().start).or(found);
                v
            }
            Step::Index(at) => {
                let v: Option<&Spanned<DeValue<'_>>> = array.and_then(|a: &[Spanned<DeValue<'_>>]| a.get(*at));
                found = v.map(|v| v.span().start).or(found);
                v
            }
        };
        let Some(value) = value else { break };
        table = value.get_ref().as_table();
        array = value.get_ref().as_array().map(|a| &a[..]);
    }
    found
}

/// The dotted key of what stands at `span`, without list positions.
fn path_at(root: &DeTable<'_>, span: &std::ops::Range<usize>) -> Option<String> {
    fn in_value(value: &Spanned<DeValue<'_>>, span: &std::ops::Range<usize>, path: &str) -> Option<String> {
        let inner = match value.get_ref() {
            DeValue::Table(table) => in_table(table, span, path),
            DeValue::Array(list) => list.iter().find_map(|v| in_value(v, span, path)),
            _ => None,
        };
        inner.or_else(|| (value.span() == *span).then(|| path.to_owned()))
    }
    fn in_table(table: &DeTable<'_>, span: &std::ops::Range<usize>, path: &str) -> Option<String> {
        table.iter().find_map(|(key, value)| {
            let name = key.get_ref();
            let here = if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
            if key.span() == *span { Some(here) } else { in_value(value, span, &here) }
        })
    }
    in_table(root, span, "")
}

/// The reader's message about `key`, for people.
fn say(key: &str, message: &str) -> String {
    let names = quoted(message);
    if message.starts_with("unknown field") {
        let (unknown, known) = names.split_first().map_or(("", &[][..]), |(u, k)| (*u, k));
        let key = if key.is_empty() { unknown } else { key };
        return format!("`{key}` is not a known key; {}", hint(unknown, known.iter().copied()));
    }
    if message.starts_with("unknown variant") {
        return format!("`{key}`: expected one of {}", list(names.iter().skip(1).copied()));
    }
    if message.starts_with("missing field") {
        let missing = names.first().copied().unwrap_or_default();
        return if key.is_empty() {
            format!("`{missing}` is missing and needed")
        } else {
            format!("`{key}.{missing}` is missing and needed")
        };
    }
    let message = expectation(message);
    if key.is_empty() { message } else { format!("`{key}`: {message}") }
}

/// "invalid type: string \"...\", expected u16": what was found may be a secret, so only what is expected is said.
pub(super) fn expectation(message: &str) -> String {
    if let Some(at) = message.find("unknown field") {
        let names = quoted(&message[at..]);
        let (unknown, known) = names.split_first().map_or(("", &[][..]), |(u, k)| (*u, k));
        return format!("`{unknown}` is not a known key here; {}", hint(unknown, known.iter().copied()));
    }
    let Some(start) = message.find("invalid type").or_else(|| message.find("invalid value")) else {
        return match message.find("unknown variant") {
            Some(at) => {
                let names = quoted(&message[at..]);
                format!("expected one of {}", list(names.iter().skip(1).copied()))
            }
            None => message.to_owned(),
        };
    };
    match message[start..].rsplit_once(", expected ") {
        Some((_, expected)) => format!("expected {}", in_words(expected)),
        None => message.to_owned(),
    }
}

/// Names of the program's types, as people call them.
fn in_words(expected: &str) -> &str {
    match expected {
        "a boolean" => "true or false",
        "a string" | "path string" => "text in quotation marks",
        "a sequence" => "a list in brackets: [\"...\"]",
        "a map" => "a table: { ... }",
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" | "u64" | "usize" => "a whole number of 0 or more",
        "i8" | "i16" | "i32" | "i64" => "a whole number",
        "f32" | "f64" => "a number",
        e if e.starts_with("struct ") => "a table",
        e => e,
    }
}

/// The words in backticks.
fn quoted(message: &str) -> Vec<&str> {
    message.split('`').skip(1).step_by(2).collect()
}

/// "did you mean `x`?", or all there are; to be put behind "; ".
pub fn hint<'a>(given: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    match nearest(given, known.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.clone().next().is_none() => "none is known here".to_owned(),
        None => format!("known here: {}", list(known)),
    }
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ")
}

/// The known name that was most likely meant.
pub fn nearest<'a>(given: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let folded = given.to_lowercase();
    let score = |name: &str| strsim::damerau_levenshtein(&folded, &name.to_lowercase());
    let within = (given.chars().count() / 3).max(2);
    let all: Vec<&str> = known.collect();
    let near = all.iter().map(|name| (score(name), *name)).filter(|(n, _)| *n <= within).min_by_key(|(n, _)| *n);
    // "meetings" for `meetings_held`: the beginning of one name only
    let mut longer = all.iter().filter(|name| folded.len() >= 4 && name.to_lowercase().starts_with(&folded));
    near.map(|(_, name)| name).or_else(|| longer.next().copied().filter(|_| longer.next().is_none()))
}
