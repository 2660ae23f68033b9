//! How a finding stands, as far as reports ask: the rule, what it is about and its state. Judges nothing.

use super::super::gaps::{Finding, Rule, State};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stand {
    pub rule: Rule,
    pub deal: Option<String>,
    /// Which occurrence on the deal: see [`Finding::key`].
    pub key: String,
    pub state: State,
    pub late: bool,
}

impl From<&Finding> for Stand {
    fn from(f: &Finding) -> Self {
        Self { rule: f.rule, deal: f.deal.clone(), key: f.key.clone(), state: f.state, late: f.late }
    }
}
