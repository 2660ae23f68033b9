//! What stands behind each number of a solved quota: the setting, the deals whose mean amount it goes by, what each rate on the way
//! has done, and the deals whose days are told.

use super::{Quota, activity::Sums};

/// As far back as one step.
#[derive(Clone, Debug, Default)]
pub struct Behind {
    setting: String,
    /// The deals of the mean amount won.
    won: Vec<String>,
    /// What the step's own rate has done, and the team's.
    own: Vec<String>,
    team: Vec<String>,
    /// All that what is needed was solved with.
    chain: Vec<String>,
    /// The deals that took the step.
    pub days: Vec<String>,
}

impl Behind {
    /// `beside`: whose mean amount the rep's own is drawn to.
    pub fn of(quota: &Quota, own: &Sums<'_>, beside: Option<&Sums<'_>>) -> Self {
        let setting = quota.setting();
        let won = both(own.ids("deals_won"), beside.map(|sums| sums.ids("deals_won")).unwrap_or_default());
        let chain = [vec![setting.clone()], won.clone()].concat();
        Self { setting, won, chain, ..Self::default() }
    }

    /// One more step back, by a rate of the rep's own and of the team's.
    pub fn rate(&mut self, own: Option<Vec<String>>, team: Option<Vec<String>>) {
        (self.own, self.team) = (own.unwrap_or_default(), team.unwrap_or_default());
        self.chain = both(std::mem::take(&mut self.chain), both(self.own.clone(), self.team.clone()));
    }

    /// Behind a column, by its key.
    pub fn ids(&self, key: &str) -> Vec<String> {
        match key {
            "quota" => vec![self.setting.clone()],
            "value" => self.won.clone(),
            "own" => self.own.clone(),
            "team_rate" => self.team.clone(),
            "used" => both(self.own.clone(), self.team.clone()),
            "low" | "likely" | "high" | "a_week" => self.chain.clone(),
            "days" => self.days.clone(),
            _ => Vec::new(),
        }
    }
}

impl Quota {
    /// As it stands in the configuration.
    fn setting(&self) -> String {
        format!("[[quota]] rep={} per={} amount={} currency={}", self.rep, self.per, self.amount, self.currency)
    }
}

/// The one, then what only the other has.
fn both(mut one: Vec<String>, other: Vec<String>) -> Vec<String> {
    let known: std::collections::HashSet<String> = one.iter().cloned().collect();
    one.extend(other.into_iter().filter(|id| !known.contains(id)));
    one
}
