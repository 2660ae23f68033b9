//! The thresholds of the gap rules: what each rule can be told, the defaults, and what is set per pipeline and stage.
//!
//! Pure. A rule asks `settings.rule("gone_quiet").span("after", pipeline, stage)`. The configuration and the dry run
//! write through [`GapSettings::set`], so that a value has its kind by the time a rule reads it.

use std::collections::BTreeMap;

mod rules;

pub use rules::{EVIDENCE, Key, RULES, Spec, Standard, spec};

use super::span::{self, Span};

/// A value that was set.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Span(Span),
    Count(u32),
    Number(f64),
    Words(Vec<String>),
}

/// A value as it was written, before it has its kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Given {
    Text(String),
    Whole(i64),
    Number(f64),
    Flag(bool),
    List(Vec<String>),
}

/// One level of settings: of a rule, or of a rule in one stage.
#[derive(Clone, Debug, Default, PartialEq)]
struct Level {
    enabled: Option<bool>,
    values: BTreeMap<&'static str, Value>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct RuleSettings {
    all: Level,
    /// By folded `stage` or `pipeline/stage`.
    stages: BTreeMap<String, Level>,
}

/// Everything the gap rules can be told.
#[derive(Clone, Debug, PartialEq)]
pub struct GapSettings {
    /// A deal of this amount or more makes a finding severe.
    pub amount_for_high: f64,
    rules: BTreeMap<&'static str, RuleSettings>,
}

impl Default for GapSettings {
    fn default() -> Self {
        Self { amount_for_high: 50_000.0, rules: BTreeMap::new() }
    }
}

impl GapSettings {
    /// The settings of one rule.
    ///
    /// # Panics
    /// When no rule has this name: names are written in the program.
    pub fn rule(&self, name: &str) -> Rule<'_> {
        let spec = spec(name).unwrap_or_else(|| panic!("there is no gap rule {name}"));
        // Both advance rules judge one window, or a move could fall between them.
        let window = if spec.name == "one_sided_advance" { "unsupported_advance" } else { spec.name };
        Rule { spec, own: self.rules.get(spec.name), values: self.rules.get(window), window }
    }

    /// Sets `enabled` or a key of a rule, in all stages or in one (`stage` or `pipeline/stage`).
    ///
    /// # Errors
    /// What is expected, in words.
    pub fn set(&mut self, rule: &str, stage: Option<&str>, key: &str, given: &Given) -> Result<(), String> {
        let spec = spec(rule).ok_or_else(|| format!("there is no gap rule `{rule}`"))?;
        let settings = self.rules.entry(spec.name).or_default();
        let level = match stage {
            None => &mut settings.all,
            Some(stage) => settings.stages.entry(fold(stage)).or_default(),
        };
        if key == "enabled" {
            let Given::Flag(on) = given else { return Err("expected true or false".to_owned()) };
            level.enabled = Some(*on);
            return Ok(());
        }
        let key = spec.key(key).ok_or_else(|| {
            let known: Vec<&str> = ["enabled"].into_iter().chain(spec.keys.iter().map(|k| k.name)).collect();
            format!("the gap rule `{rule}` has no key `{key}`; known here: {}", known.join(", "))
        })?;
        level.values.insert(key.name, value(key, given)?);
        Ok(())
    }

    /// Sets what a plain value in `stages` means: `false` or `true` switch the rule off or on, anything else is the
    /// rule's first key.
    ///
    /// # Errors
    /// What is expected, in words.
    pub fn set_stage(&mut self, rule: &str, stage: &str, given: &Given) -> Result<(), String> {
        if matches!(given, Given::Flag(_)) {
            return self.set(rule, Some(stage), "enabled", given);
        }
        match spec(rule).and_then(|s| s.keys.first()) {
            Some(key) => self.set(rule, Some(stage), key.name, given),
            None => Err("expected true or false: the rule has no threshold".to_owned()),
        }
    }
}

/// One rule as the rule itself sees it. `pipeline` and `stage` are names; the value for `pipeline/stage` comes before
/// the one for the stage, that before the rule's, that before the default.
#[derive(Clone, Copy, Debug)]
pub struct Rule<'a> {
    spec: &'static Spec,
    own: Option<&'a RuleSettings>,
    values: Option<&'a RuleSettings>,
    /// Name of the rule whose keys these are.
    window: &'static str,
}

impl Rule<'_> {
    pub fn spec(&self) -> &'static Spec {
        self.spec
    }

    /// Is the rule switched on at all?
    pub fn enabled(&self) -> bool {
        self.own.and_then(|s| s.all.enabled).unwrap_or(true)
    }

    /// Is the rule switched on in this stage?
    pub fn enabled_in(&self, pipeline: Option<&str>, stage: &str) -> bool {
        let Some(own) = self.own else { return true };
        let here = levels(own, pipeline, stage).into_iter().flatten().find_map(|l| l.enabled);
        here.unwrap_or_else(|| self.enabled())
    }

    /// A length of time.
    ///
    /// # Panics
    /// When the rule has no such key.
    pub fn span(&self, key: &str, pipeline: Option<&str>, stage: &str) -> Span {
        match (self.set(key, pipeline, stage), self.default(key)) {
            (Some(Value::Span(v)), _) => *v,
            (None, Standard::Span(v)) => v,
            _ => self.wrong(key),
        }
    }

    /// A whole number.
    ///
    /// # Panics
    /// When the rule has no such key.
    pub fn count(&self, key: &str, pipeline: Option<&str>, stage: &str) -> u32 {
        match (self.set(key, pipeline, stage), self.default(key)) {
            (Some(Value::Count(v)), _) => *v,
            (None, Standard::Count(v)) => v,
            _ => self.wrong(key),
        }
    }

    /// A number.
    ///
    /// # Panics
    /// When the rule has no such key.
    pub fn number(&self, key: &str, pipeline: Option<&str>, stage: &str) -> f64 {
        match (self.set(key, pipeline, stage), self.default(key)) {
            (Some(Value::Number(v)), _) => *v,
            (None, Standard::Number(v)) => v,
            _ => self.wrong(key),
        }
    }

    /// A list of words.
    ///
    /// # Panics
    /// When the rule has no such key.
    pub fn words(&self, key: &str, pipeline: Option<&str>, stage: &str) -> Vec<String> {
        match (self.set(key, pipeline, stage), self.default(key)) {
            (Some(Value::Words(v)), _) => v.clone(),
            (None, Standard::Words(_)) => Vec::new(),
            (None, Standard::Texts(v)) => v.iter().map(|w| (*w).to_owned()).collect(),
            _ => self.wrong(key),
        }
    }

    fn set(&self, key: &str, pipeline: Option<&str>, stage: &str) -> Option<&Value> {
        let settings = self.values?;
        let here = levels(settings, pipeline, stage).into_iter().flatten().find_map(|l| l.values.get(key));
        here.or_else(|| settings.all.values.get(key))
    }

    fn default(&self, key: &str) -> Standard {
        let known = spec(self.window).and_then(|s| s.key(key));
        known.unwrap_or_else(|| panic!("the gap rule {} has no key {key}", self.spec.name)).default
    }

    fn wrong(&self, key: &str) -> ! {
        panic!("the gap rule {} asks for another kind of value than its key {key} has", self.spec.name)
    }
}

/// What is set for the stage, the nearest first.
fn levels<'a>(settings: &'a RuleSettings, pipeline: Option<&str>, stage: &str) -> [Option<&'a Level>; 2] {
    if settings.stages.is_empty() {
        return [None, None];
    }
    let both = pipeline.and_then(|p| settings.stages.get(&fold(&format!("{}/{}", p.trim(), stage.trim()))));
    [both, settings.stages.get(&fold(stage))]
}

/// Names of stages and pipelines are compared without case.
pub fn fold(name: &str) -> String {
    name.trim().to_lowercase()
}

fn value(key: &Key, given: &Given) -> Result<Value, String> {
    let number = |n: f64, what: &str| {
        if n.is_finite() && n >= 0.0 { Ok(Value::Number(n)) } else { Err(format!("expected {what} of 0 or more")) }
    };
    match (key.default, given) {
        (Standard::Span(_), Given::Text(text)) => {
            text.parse().map(Value::Span).map_err(|e: span::NoSpan| e.to_string())
        }
        (Standard::Span(_), _) => Err(span::NoSpan.to_string()),
        (Standard::Count(_), Given::Whole(n)) => {
            u32::try_from(*n).map(Value::Count).map_err(|_| "expected a whole number of 0 or more".to_owned())
        }
        // The command line gives text.
        (Standard::Count(_), Given::Text(text)) => {
            text.trim().parse().map(Value::Count).map_err(|_| "expected a whole number of 0 or more".to_owned())
        }
        (Standard::Count(_), _) => Err("expected a whole number of 0 or more".to_owned()),
        (Standard::Number(_), Given::Whole(n)) => number(*n as f64, "a number"),
        (Standard::Number(_), Given::Number(n)) => number(*n, "a number"),
        (Standard::Number(_), Given::Text(text)) => number(text.trim().parse().unwrap_or(f64::NAN), "a number"),
        (Standard::Number(_), _) => Err("expected a number of 0 or more".to_owned()),
        (Standard::Words(known), given) => {
            let words = list(given).ok_or_else(|| expected_words(known))?;
            match words.iter().find(|w| !known.contains(&w.as_str())) {
                None => Ok(Value::Words(words)),
                Some(_) => Err(expected_words(known)),
            }
        }
        (Standard::Texts(_), given) => {
            list(given).map(Value::Words).ok_or_else(|| "expected a list of words in quotation marks".to_owned())
        }
    }
}

fn expected_words(known: &[&str]) -> String {
    format!("expected a list of words from: {}", known.join(", "))
}

/// A list, or text with commas.
fn list(given: &Given) -> Option<Vec<String>> {
    match given {
        Given::List(words) => Some(words.clone()),
        Given::Text(text) => Some(text.split(',').map(|w| w.trim().to_owned()).filter(|w| !w.is_empty()).collect()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn text(t: &str) -> Given {
        Given::Text(t.to_owned())
    }

    #[test]
    fn every_rule_answers_with_its_defaults() {
        let settings = GapSettings::default();
        let names: BTreeSet<&str> = RULES.iter().map(|r| r.name).collect();
        assert_eq!((names.len(), RULES.len()), (21, 21));
        for spec in RULES {
            let rule = settings.rule(spec.name);
            assert!(rule.enabled() && rule.enabled_in(Some("Main"), "Proposal"));
            for key in spec.keys {
                match key.default {
                    Standard::Span(v) => assert_eq!(rule.span(key.name, None, "Proposal"), v),
                    Standard::Count(v) => assert_eq!(rule.count(key.name, None, "Proposal"), v),
                    Standard::Number(v) => assert!((rule.number(key.name, None, "Proposal") - v).abs() < 1e-9),
                    Standard::Words(_) => assert!(rule.words(key.name, None, "Proposal").is_empty()),
                    Standard::Texts(v) => assert_eq!(rule.words(key.name, None, "Proposal"), v),
                }
            }
        }
    }

    #[test]
    fn the_nearest_value_wins() {
        let mut s = GapSettings::default();
        s.set("gone_quiet", None, "after", &text("9wd")).unwrap();
        s.set_stage("gone_quiet", "Negotiation", &text("5wd")).unwrap();
        s.set_stage("gone_quiet", "Enterprise/Negotiation", &text("7wd")).unwrap();
        s.set_stage("gone_quiet", "Proposal/Price Quote", &text("3wd")).unwrap();
        s.set("gone_quiet", Some("Parked"), "enabled", &Given::Flag(false)).unwrap();
        let rule = s.rule("gone_quiet");
        for (pipeline, stage, days) in [
            (None, "New", 9),
            (Some("Main"), "negotiation ", 5),
            (Some("enterprise"), "Negotiation", 7),
            (Some("Main"), "Proposal/Price Quote", 3),
            (None, "Price Quote", 9),
        ] {
            assert_eq!(rule.span("after", pipeline, stage), Span::WorkDays(days), "{pipeline:?} {stage}");
            assert_eq!(rule.span("planned_within", pipeline, stage), Span::Days(14));
        }
        assert!(rule.enabled_in(None, "New") && !rule.enabled_in(Some("Main"), "parked"));
        s.set("gone_quiet", None, "enabled", &Given::Flag(false)).unwrap();
        s.set_stage("gone_quiet", "New", &Given::Flag(true)).unwrap();
        let rule = s.rule("gone_quiet");
        assert!(!rule.enabled() && rule.enabled_in(None, "New") && !rule.enabled_in(None, "Negotiation"));
    }

    #[test]
    fn both_advance_rules_judge_one_window() {
        let mut s = GapSettings::default();
        s.set("unsupported_advance", None, "lookback", &text("20d")).unwrap();
        s.set_stage("unsupported_advance", "Proposal", &text("30d")).unwrap();
        s.set("unsupported_advance", Some("Lead"), "enabled", &Given::Flag(false)).unwrap();
        let rule = s.rule("one_sided_advance");
        assert_eq!(rule.span("lookback", None, "New"), Span::Days(20));
        assert_eq!(rule.span("lookback", None, "Proposal"), Span::Days(30));
        assert_eq!(rule.span("grace", None, "Proposal"), Span::WorkDays(2));
        assert!(rule.enabled_in(None, "Lead"));
        assert!(s.set("one_sided_advance", None, "lookback", &text("1d")).is_err());
    }

    #[test]
    fn values_of_the_wrong_kind_are_refused_in_words() {
        let mut s = GapSettings::default();
        let list = |words: &[&str]| Given::List(words.iter().map(|w| (*w).to_owned()).collect());
        let cases = [
            ("gone_quiet", "after", text("10 days"), "a span such as"),
            ("gone_quiet", "after", Given::Whole(10), "a span such as"),
            ("gone_quiet", "enabled", text("no"), "true or false"),
            ("gone_quiet", "afer", text("10d"), "has no key `afer`"),
            ("gone_silent", "after", text("10d"), "no gap rule `gone_silent`"),
            ("pushed_close", "times", Given::Whole(-1), "a whole number"),
            ("pushed_close", "times", Given::Number(1.5), "a whole number"),
            ("amount_dropped", "percent", Given::Number(f64::NAN), "a number"),
            ("missing_evidence", "needs", list(&["quote"]), "quote_sent, meeting_held"),
            ("missing_evidence", "needs", Given::Whole(1), "quote_sent, meeting_held"),
            ("commit_without_evidence", "categories", Given::Flag(true), "a list of words"),
        ];
        for (rule, key, given, want) in cases {
            let why = s.set(rule, None, key, &given).unwrap_err();
            assert!(why.contains(want), "{rule}.{key}: {why}");
        }
        assert!(s.set_stage("skipped_stage", "New", &text("5d")).unwrap_err().contains("true or false"));
        s.set_stage("missing_evidence", "Proposal", &list(&["quote_sent"])).unwrap();
        assert_eq!(s.rule("missing_evidence").words("needs", None, "Proposal"), ["quote_sent"]);
        s.set("missing_evidence", None, "needs", &text("quote_sent, buyer_reply")).unwrap();
        assert_eq!(s.rule("missing_evidence").words("needs", None, "New"), ["quote_sent", "buyer_reply"]);
    }
}
