//! How long won deals stayed in each stage: a fact of the whole directory, made once for all deals that are judged, and the
//! limit that follows from it. A function of the directory and the settings alone: no clock.

use std::collections::{BTreeMap, HashMap};

use super::{
    super::{
        directory::{Deal, Directory, Quality, StageKind},
        thresholds::GapSettings,
    },
    finding::Rule,
    moves::{self, Move},
};

/// For each stage the days that won deals stayed in it, the shortest first; of each deal its longest stay.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stays {
    by_stage: HashMap<String, Vec<f64>>,
}

/// How long a deal may stay in a stage.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    /// Whole days, rounded up, so that one more won deal seldom moves it.
    pub days: u32,
    pub usual: Usual,
}

/// What the won deals did, as far as the limit and the settings tell: one more of them changes no sentence that says it while
/// the limit stays.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usual {
    /// This share of them, in percent,
    pub percent: f64,
    /// left the stage within so many days,
    pub days: u32,
    /// and there are at least so many.
    pub from: u32,
}

impl Stays {
    pub fn of_won(directory: &Directory) -> Self {
        let mut by_stage: HashMap<String, Vec<f64>> = HashMap::new();
        for deal in directory.deals.values().filter(|d| directory.stage_kind(&d.stage) == StageKind::Won) {
            for (stage, days) in stays(deal, directory) {
                by_stage.entry(stage).or_default().push(days);
            }
        }
        for days in by_stage.values_mut() {
            days.sort_by(f64::total_cmp);
        }
        Self { by_stage }
    }

    /// Won deals whose stay in the stage is known.
    pub fn won(&self, stage: &str) -> usize {
        self.by_stage.get(stage).map_or(0, Vec::len)
    }

    /// The smallest stay that at least this share of the won deals did not exceed.
    pub fn percentile(&self, stage: &str, percent: f64) -> Option<f64> {
        let days = self.by_stage.get(stage).filter(|days| !days.is_empty())?;
        let rank = (percent.clamp(0.0, 100.0) / 100.0 * days.len() as f64 - 1e-9).ceil().max(1.0);
        days.get(rank as usize - 1).or(days.last()).copied()
    }

    /// The limit of one stage, when enough deals were won to compare with.
    pub fn limit(&self, stage: &str, pipeline: Option<&str>, name: &str, settings: &GapSettings) -> Option<Limit> {
        let rule = settings.rule(Rule::Stalled.as_str());
        let (won, from) = (self.won(stage), rule.count("from_won", pipeline, name));
        if won == 0 || won < from as usize {
            return None;
        }
        let percent = rule.number("percentile", pipeline, name).clamp(0.0, 100.0);
        let factor = rule.number("factor", pipeline, name);
        let whole = |days: f64| (days - 1e-9).ceil().clamp(1.0, 36_525.0);
        let days = whole(self.percentile(stage, percent)? * factor);
        let usual = Usual { percent, days: whole(days / factor) as u32, from };
        Some(Limit { days: days as u32, usual })
    }

    /// The limits of all open stages. When it changes, the deals that stand in the stages concerned are judged again.
    pub fn limits(&self, directory: &Directory, settings: &GapSettings) -> BTreeMap<String, u32> {
        let open = directory.stages.values().filter(|s| s.kind == StageKind::Open);
        open.filter_map(|s| Some((s.id.clone(), self.limit(&s.id, s.pipeline.as_deref(), &s.name, settings)?.days)))
            .collect()
    }
}

/// The longest stay of a deal in each open stage that it has left.
fn stays(deal: &Deal, directory: &Directory) -> BTreeMap<String, f64> {
    let mut longest: BTreeMap<String, f64> = BTreeMap::new();
    // A closing whose time alone is known says nothing of the stages before it.
    let known = |m: &Move| m.quality != Quality::WhenOnly && directory.stage_kind(&m.from) == StageKind::Open;
    for step in moves::moves(deal).into_iter().filter(known) {
        let Some(entered) = step.entered.filter(|entered| *entered <= step.at) else { continue };
        let days = (step.at - entered).num_milliseconds() as f64 / 86_400_000.0;
        let one = longest.entry(step.from).or_default();
        *one = one.max(days);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::{
        super::world::{World, deal},
        *,
    };

    /// Deals that were won after so many days in Lead and one in Negotiation.
    fn won(days: &[u32]) -> Vec<Deal> {
        let one = |(i, days): (usize, &u32)| {
            let mut world = World::new("12-01");
            world.deal = deal(&format!("w{i}"), "Lead");
            let out = chrono::NaiveDate::from_ymd_opt(2026, 9, 1).expect("a day") + chrono::Days::new(u64::from(*days));
            let day = |d: chrono::NaiveDate| d.format("%m-%d").to_string();
            let next = out + chrono::Days::new(2);
            world.moved(&day(out), "Negotiation").moved(&day(next), "Won").deal
        };
        days.iter().enumerate().map(one).collect()
    }

    fn of(deals: Vec<Deal>) -> Stays {
        let world = World { others: deals, ..World::new("12-01") };
        world.in_case(|case| Stays::of_won(case.facts.directory))
    }

    #[test]
    fn percentiles_by_nearest_rank() {
        let ten: Vec<u32> = (1..=10).collect();
        let stays = of(won(&ten));
        for (percent, want) in [(0.0, 1.0), (10.0, 1.0), (11.0, 2.0), (50.0, 5.0), (75.0, 8.0), (100.0, 10.0)] {
            assert_eq!(stays.percentile("Lead", percent), Some(want), "{percent}");
        }
        assert_eq!((stays.won("Lead"), stays.won("Negotiation"), stays.won("Proposal")), (10, 10, 0));
        assert_eq!(stays.percentile("Proposal", 75.0), None);
    }

    #[test]
    fn only_what_is_known_of_won_deals() {
        let mut only_when = won(&[30]);
        only_when[0].stage_changes.retain(|c| c.to != "Negotiation");
        only_when[0].stage_changes[1].from = Some("Lead".into());
        assert_eq!(of(only_when.clone()).won("Lead"), 1);
        only_when[0].stage_changes[1].quality = Quality::WhenOnly;
        assert_eq!(of(only_when).won("Lead"), 0);
        let mut open = won(&[30]);
        open[0].stage = "Negotiation".into();
        open[0].stage_changes.pop();
        assert_eq!(of(open), Stays::default());
        // Twice in Lead: the longer stay counts.
        let mut world = World::new("12-01");
        world.deal = deal("w", "Lead");
        let twice = world.moved("09-11", "Discovery").moved("09-15", "Lead").moved("09-20", "Won").deal;
        assert_eq!(of(vec![twice]).percentile("Lead", 50.0), Some(10.0));
    }

    #[test]
    fn the_limit_needs_enough_won_deals() {
        let settings = GapSettings::default();
        let limit = |n: u32| of(won(&(1..=n).collect::<Vec<_>>())).limit("Lead", Some("Sales"), "Lead", &settings);
        assert_eq!(limit(19), None);
        assert_eq!(limit(20), Some(Limit { days: 23, usual: Usual { percent: 75.0, days: 16, from: 20 } }));
    }
}
