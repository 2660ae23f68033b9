//! The thresholds as the rules ask for them: of one stage, `None` where the rule is switched off.

use chrono::{DateTime, Utc};

use super::{
    super::{
        directory::{Deal, Directory},
        span::Span,
        thresholds::{self, GapSettings},
        working::WorkCalendar,
    },
    case::Case,
    finding::Rule,
    moves::Move,
    stays::Usual,
};

/// The window of a move.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    pub lookback: Span,
    pub grace: Span,
}

impl Window {
    /// Its first and its last moment around a move, by the calendar of the deal's owner then.
    pub fn around(&self, step: &Move, calendar: &WorkCalendar) -> (DateTime<Utc>, DateTime<Utc>) {
        let lookback = calendar.sub(step.not_before, self.lookback);
        // Entered after the move: nonsense of the source, then the lookback alone counts.
        let entered = step.entered.filter(|entered| *entered <= step.not_before);
        (entered.map_or(lookback, |entered| entered.max(lookback)), calendar.add(step.at, self.grace))
    }
}

/// What holds for the stages of one deal.
#[derive(Clone, Copy, Debug)]
pub struct Stages<'a> {
    pub directory: &'a Directory,
    pub settings: &'a GapSettings,
    pub deal: &'a Deal,
}

impl<'a> Stages<'a> {
    /// Pipeline and name of a stage, as the settings name them.
    fn names<'n>(&self, stage: &'n str) -> (Option<&'n str>, &'n str)
    where
        'a: 'n,
    {
        let known = self.directory.stages.get(stage);
        let pipeline = known.and_then(|s| s.pipeline.as_deref()).or(self.deal.pipeline.as_deref());
        (pipeline, known.map_or(stage, |s| s.name.as_str()))
    }

    /// Is the rule switched on for the stage?
    pub fn judges(&self, rule: Rule, stage: &str) -> bool {
        let (pipeline, name) = self.names(stage);
        self.settings.rule(rule.as_str()).enabled_in(pipeline, name)
    }

    /// By the stage that was entered; both advance rules judge one window.
    pub fn window_of(&self, stage: &str) -> Window {
        let (pipeline, name) = self.names(stage);
        let rule = self.settings.rule(Rule::UnsupportedAdvance.as_str());
        Window { lookback: rule.span("lookback", pipeline, name), grace: rule.span("grace", pipeline, name) }
    }
}

/// What `gone_quiet` goes by.
#[derive(Clone, Copy, Debug)]
pub struct Quiet {
    pub after: Span,
    pub planned_within: Span,
}

impl Case<'_> {
    pub fn stages(&self) -> Stages<'_> {
        Stages { directory: self.facts.directory, settings: self.facts.thresholds, deal: self.deal }
    }

    fn names<'n>(&'n self, stage: &'n str) -> (Option<&'n str>, &'n str) {
        self.stages().names(stage)
    }

    pub fn quiet(&self) -> Option<Quiet> {
        let (pipeline, name) = self.names(&self.deal.stage);
        let rule = self.facts.thresholds.rule(Rule::GoneQuiet.as_str());
        rule.enabled_in(pipeline, name).then(|| Quiet {
            after: rule.span("after", pipeline, name),
            planned_within: rule.span("planned_within", pipeline, name),
        })
    }

    /// The first stage (counted from 1) that needs a next step.
    pub fn next_step_from(&self) -> Option<u32> {
        let (pipeline, name) = self.names(&self.deal.stage);
        let rule = self.facts.thresholds.rule(Rule::NoNextStep.as_str());
        rule.enabled_in(pipeline, name).then(|| rule.count("from_stage", pipeline, name))
    }

    pub fn overdue_after(&self) -> Option<Span> {
        let (pipeline, name) = self.names(&self.deal.stage);
        let rule = self.facts.thresholds.rule(Rule::OverdueClose.as_str());
        rule.enabled_in(pipeline, name).then(|| rule.span("after", pipeline, name))
    }

    /// The settings of a rule for one stage; `None` where it is switched off.
    pub fn limits(&self, rule: Rule, stage: &str) -> Option<Limits<'_>> {
        let (pipeline, name) = self.names(stage);
        let rule = self.facts.thresholds.rule(rule.as_str());
        let limits = Limits { rule, pipeline: pipeline.map(str::to_owned), stage: name.to_owned() };
        rule.enabled_in(pipeline, name).then_some(limits)
    }

    /// How long a deal may stay in its stage, and what the won deals did where there are enough of them.
    pub fn stay_limit(&self) -> Option<(Span, Option<Usual>)> {
        let limits = self.limits(Rule::Stalled, &self.deal.stage)?;
        let (pipeline, name) = self.names(&self.deal.stage);
        let limit = self.facts.stays.limit(&self.deal.stage, pipeline, name, self.facts.thresholds);
        Some(limit.map_or((limits.span("after"), None), |limit| (Span::Days(limit.days), Some(limit.usual))))
    }

    pub fn is_large(&self) -> bool {
        self.deal.amount.is_some_and(|amount| amount >= self.facts.thresholds.amount_for_high)
    }
}

/// What one rule was told for one stage.
#[derive(Debug)]
pub struct Limits<'a> {
    rule: thresholds::Rule<'a>,
    pipeline: Option<String>,
    stage: String,
}

impl Limits<'_> {
    pub fn span(&self, key: &str) -> Span {
        self.rule.span(key, self.pipeline.as_deref(), &self.stage)
    }

    pub fn count(&self, key: &str) -> usize {
        self.rule.count(key, self.pipeline.as_deref(), &self.stage) as usize
    }

    pub fn number(&self, key: &str) -> f64 {
        self.rule.number(key, self.pipeline.as_deref(), &self.stage)
    }

    pub fn words(&self, key: &str) -> Vec<String> {
        self.rule.words(key, self.pipeline.as_deref(), &self.stage)
    }
}
