//! The thresholds as the rules ask for them: of one stage, `None` where the rule is switched off.

use super::{
    super::{span::Span, thresholds},
    case::Case,
    finding::Rule,
    stays::Usual,
};

/// The window of a move.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    pub lookback: Span,
    pub grace: Span,
}

/// What `gone_quiet` goes by.
#[derive(Clone, Copy, Debug)]
pub struct Quiet {
    pub after: Span,
    pub planned_within: Span,
}

impl Case<'_> {
    /// Pipeline and name of a stage, as the settings name them.
    fn names<'n>(&'n self, stage: &'n str) -> (Option<&'n str>, &'n str) {
        let known = self.facts.directory.stages.get(stage);
        let pipeline = known.and_then(|s| s.pipeline.as_deref()).or(self.deal.pipeline.as_deref());
        (pipeline, known.map_or(stage, |s| s.name.as_str()))
    }

    /// Is the rule switched on for the stage?
    pub fn judges(&self, rule: Rule, stage: &str) -> bool {
        let (pipeline, name) = self.names(stage);
        self.facts.thresholds.rule(rule.as_str()).enabled_in(pipeline, name)
    }

    /// By the stage that was entered; both advance rules judge one window.
    pub fn window_of(&self, stage: &str) -> Window {
        let (pipeline, name) = self.names(stage);
        let rule = self.facts.thresholds.rule(Rule::UnsupportedAdvance.as_str());
        Window { lookback: rule.span("lookback", pipeline, name), grace: rule.span("grace", pipeline, name) }
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
