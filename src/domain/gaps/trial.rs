//! What another configuration would find: the findings of two judgings of one history side by side, and how many of each rule
//! appear, disappear and change. Pure.

use std::collections::BTreeMap;

use super::finding::{Finding, Rule};

/// One finding as it stands, and as it would.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    pub now: Option<Finding>,
    pub then: Option<Finding>,
}

super::super::activity::words!(Shift { Appears = "appears", Disappears = "disappears", Changes = "changes", Stays = "stays" });

impl Pair {
    /// Does it ask for something, and would it?
    pub fn shift(&self) -> Shift {
        let live = |f: &Option<Finding>| f.as_ref().filter(|f| f.state.is_live()).map(|f| (f.state, f.severity));
        match (live(&self.now), live(&self.then)) {
            (None, Some(_)) => Shift::Appears,
            (Some(_), None) => Shift::Disappears,
            (Some(now), Some(then)) if now != then => Shift::Changes,
            _ => Shift::Stays,
        }
    }

    /// As it would be; where nothing would be left, as it stands.
    pub fn latest(&self) -> &Finding {
        let live = self.then.as_ref().filter(|f| f.state.is_live());
        live.or(self.now.as_ref()).or(self.then.as_ref()).expect("a pair has one of both")
    }
}

/// The findings of one judging beside those of another.
pub fn pairs(now: Vec<Finding>, then: Vec<Finding>) -> Vec<Pair> {
    let mut others: BTreeMap<String, Finding> = then.into_iter().map(|f| (f.id.clone(), f)).collect();
    let known = now.into_iter().map(|f| (others.remove(&f.id), f)).map(|(then, f)| Pair { now: Some(f), then });
    let mut all: Vec<Pair> = known.collect();
    all.extend(others.into_values().map(|f| Pair { now: None, then: Some(f) }));
    all.retain(|p| [&p.now, &p.then].into_iter().flatten().any(|f| f.state.is_live()));
    all
}

/// How many findings of a rule ask for something, and would.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub now: usize,
    pub then: usize,
    pub appear: usize,
    pub disappear: usize,
    pub change: usize,
}

impl Tally {
    pub fn of<'p>(pairs: impl IntoIterator<Item = &'p Pair>) -> Self {
        let mut tally = Self::default();
        for pair in pairs {
            let shift = pair.shift();
            tally.now += usize::from(shift != Shift::Appears);
            tally.then += usize::from(shift != Shift::Disappears);
            tally.appear += usize::from(shift == Shift::Appears);
            tally.disappear += usize::from(shift == Shift::Disappears);
            tally.change += usize::from(shift == Shift::Changes);
        }
        tally
    }

    /// By rule, the weightier first.
    pub fn by_rule(pairs: &[Pair]) -> BTreeMap<Rule, Self> {
        let mut by_rule: BTreeMap<Rule, Vec<&Pair>> = BTreeMap::new();
        for pair in pairs {
            by_rule.entry(pair.latest().rule).or_default().push(pair);
        }
        by_rule.into_iter().map(|(rule, all)| (rule, Self::of(all))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            State,
            finding::Severity,
            world::{World, mail_in, t},
        },
        *,
    };

    fn finding(key: &str, state: State, severity: Severity) -> Finding {
        Finding { state, severity, ..Finding::blank(Rule::GoneQuiet, "d1", key.into(), t("10-01")) }
    }

    #[test]
    fn what_shifts_between_two_judgings() {
        use Severity::{High, Low};
        let quiet = |state, severity| Some(finding("a", state, severity));
        for (now, then, want) in [
            (None, quiet(State::Open, Low), Some(Shift::Appears)),
            (None, quiet(State::Resolved, Low), None),
            (quiet(State::Resolved, Low), quiet(State::Open, Low), Some(Shift::Appears)),
            (quiet(State::Open, Low), quiet(State::Withdrawn, Low), Some(Shift::Disappears)),
            (quiet(State::Snoozed, Low), None, Some(Shift::Disappears)),
            (quiet(State::Open, Low), quiet(State::Open, High), Some(Shift::Changes)),
            (quiet(State::Open, Low), quiet(State::Unknown, Low), Some(Shift::Changes)),
            (quiet(State::Open, Low), quiet(State::Open, Low), Some(Shift::Stays)),
        ] {
            let all = pairs(now.into_iter().collect(), then.into_iter().collect());
            assert_eq!(all.first().map(Pair::shift), want, "{all:?}");
        }
        let now = vec![finding("a", State::Open, Low), finding("b", State::Open, Low), finding("c", State::Open, Low)];
        let then =
            vec![finding("b", State::Open, High), finding("c", State::Open, Low), finding("d", State::Open, Low)];
        let all = pairs(now, then);
        let want = Tally { now: 3, then: 3, appear: 1, disappear: 1, change: 1 };
        assert_eq!((Tally::of(&all), Tally::by_rule(&all)), (want, BTreeMap::from([(Rule::GoneQuiet, want)])));
    }

    #[test]
    fn a_longer_threshold_takes_findings_away_and_nothing_else() {
        let quiet = World::new("10-20").moved("10-01", "Discovery").with(mail_in("a", "10-02"));
        let longer = quiet.clone().set("gone_quiet", None, "after", "60wd");
        let all = pairs(quiet.judged(&[]), longer.judged(&[]));
        let shifted: Vec<(Rule, Shift)> =
            all.iter().filter(|p| p.shift() != Shift::Stays).map(|p| (p.latest().rule, p.shift())).collect();
        assert_eq!(shifted, [(Rule::GoneQuiet, Shift::Disappears)]);
    }
}
