//! The way of each deal from the first talk to the contract: when it reached each step first. What a step is, the activity report
//! says: a message that answers the other side's of the last 30 days or a call, a held meeting, a quote, a deal won.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};

use super::{
    super::{
        activity::{Direction, Kind},
        conversations::Threads,
        directory::{Deal, Directory},
    },
    activity,
};

/// One thing that happened on a deal; meetings only when they were held, nothing automatic but a quote.
#[derive(Clone, Debug)]
pub struct Touch {
    pub deal: String,
    pub at: DateTime<Utc>,
    pub kind: Kind,
    pub direction: Option<Direction>,
    pub thread: Option<String>,
    /// A mail with a quote.
    pub quote: bool,
    /// Between people, and captured.
    pub talk: bool,
}

/// When what happened on a deal first took it a step: an answer to the other side or a call, a held meeting, a mail with a quote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Firsts {
    pub deal: String,
    pub talk: Option<DateTime<Utc>>,
    pub meeting: Option<DateTime<Utc>>,
    pub quote: Option<DateTime<Utc>>,
}

/// The steps, in order.
pub const STEPS: [&str; 4] = ["conversations", "meetings", "quotes", "contracts"];

/// When a deal reached each of [`STEPS`] first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Journey {
    pub reached: [Option<DateTime<Utc>>; 4],
}

impl Journey {
    fn reach(&mut self, step: usize, at: DateTime<Utc>) {
        self.reached[step] = Some(self.reached[step].map_or(at, |then| then.min(at)));
    }

    /// The days from the last step before that the deal took to this one; `None` when it did not reach it, had no step before
    /// it, or took that one later.
    pub fn days_to(&self, step: usize) -> Option<f64> {
        let at = self.reached[step]?;
        let before = self.reached[..step].iter().rev().find_map(|at| *at)?;
        let days = (at - before).as_seconds_f64() / 86_400.0;
        (days >= 0.0).then_some(days)
    }
}

/// What the touches of each deal say, by deal.
pub fn firsts(touches: &[Touch]) -> Vec<Firsts> {
    let mut all: BTreeMap<&str, Firsts> = BTreeMap::new();
    let mut sorted: Vec<&Touch> = touches.iter().collect();
    sorted.sort_by(|a, b| (a.at, &a.deal).cmp(&(b.at, &b.deal)));
    let mut threads = Threads::default();
    for touch in sorted {
        let new = || Firsts { deal: touch.deal.clone(), ..Firsts::default() };
        let first = all.entry(&touch.deal).or_insert_with(new);
        let talks = touch.talk.then_some(()).and(touch.thread.as_ref()).zip(touch.direction);
        let answers = talks.is_some_and(|(thread, way)| threads.answers((&touch.deal, thread), way, touch.at));
        // oldest first
        if touch.kind == Kind::Call || answers {
            first.talk.get_or_insert(touch.at);
        }
        if touch.kind == Kind::Meeting {
            first.meeting.get_or_insert(touch.at);
        }
        if touch.quote && touch.direction == Some(Direction::Outbound) {
            first.quote.get_or_insert(touch.at);
        }
    }
    all.into_values().collect()
}

/// By deal; a deal on which nothing happened has none. `quotes`: the quote records, by deal.
pub fn journeys(
    directory: &Directory,
    firsts: &[Firsts],
    quotes: &HashMap<String, Vec<DateTime<Utc>>>,
) -> BTreeMap<String, Journey> {
    let known = firsts.iter().filter(|f| directory.deals.contains_key(&f.deal));
    let way = |f: &Firsts| (f.deal.clone(), Journey { reached: [f.talk, f.meeting, f.quote, None] });
    let mut all: BTreeMap<String, Journey> = known.map(way).collect();
    for (deal, sent) in quotes.iter().filter(|(deal, _)| directory.deals.contains_key(*deal)) {
        for at in sent {
            all.entry(deal.clone()).or_default().reach(2, *at);
        }
    }
    for deal in directory.deals.values() {
        if let Some(at) = activity::won_at(deal, directory) {
            all.entry(deal.id.clone()).or_default().reach(3, at);
        }
    }
    all
}

/// The middle one; of an even number the mean of the two in the middle.
pub fn median(mut all: Vec<f64>) -> Option<f64> {
    all.sort_by(f64::total_cmp);
    let half = all.len() / 2;
    match all.len() {
        0 => None,
        n if n % 2 == 1 => Some(all[half]),
        _ => Some(f64::midpoint(all[half - 1], all[half])),
    }
}

/// The medians of the days to each step, of some deals.
pub fn lags<'a>(journeys: impl Iterator<Item = &'a Journey> + Clone) -> [Option<f64>; 4] {
    [0, 1, 2, 3].map(|step| median(journeys.clone().filter_map(|j| j.days_to(step)).collect()))
}

/// Is the deal neither won nor lost?
pub fn is_open(deal: &Deal, directory: &Directory) -> bool {
    directory.stage_kind(&deal.stage) == super::super::directory::StageKind::Open
}

#[cfg(test)]
mod tests {
    use super::{super::office, *};
    use office::{ANA, t};

    fn touch(deal: &str, at: &str, kind: Kind, direction: Option<Direction>) -> Touch {
        let thread = (kind == Kind::Email).then(|| "t".to_owned());
        Touch { deal: deal.into(), at: t(at), kind, direction, thread, quote: false, talk: kind == Kind::Email }
    }

    #[test]
    fn each_step_once() {
        use Direction::{Inbound, Outbound};
        let deals = vec![
            office::won(office::deal("a", ANA, 1.0, "EUR"), "11-20"),
            office::deal("b", ANA, 1.0, "EUR"),
            office::deal("c", ANA, 1.0, "EUR"),
        ];
        let directory = office::directory(office::users(), vec![], deals);
        let quote = Touch { quote: true, ..touch("a", "11-10", Kind::Email, Some(Outbound)) };
        let touches = [
            touch("a", "11-02", Kind::Email, Some(Inbound)),
            touch("a", "11-03", Kind::Email, Some(Outbound)),
            touch("a", "11-05", Kind::Meeting, None),
            touch("a", "11-06", Kind::Meeting, None),
            quote,
            // answered too late, and by themselves
            touch("b", "09-01", Kind::Email, Some(Inbound)),
            touch("b", "10-15", Kind::Email, Some(Outbound)),
            touch("b", "10-16", Kind::Email, Some(Outbound)),
            touch("gone", "10-16", Kind::Call, None),
        ];
        let quotes = HashMap::from([("c".to_owned(), vec![t("11-07"), t("11-04")])]);
        let all = journeys(&directory, &firsts(&touches), &quotes);
        assert_eq!(all["a"].reached, [Some(t("11-03")), Some(t("11-05")), Some(t("11-10")), Some(t("11-20"))]);
        assert_eq!(all["b"].reached, [None; 4]);
        assert_eq!(all["c"].reached, [None, None, Some(t("11-04")), None]);
        assert_eq!(all.len(), 3);
        assert_eq!(lags(all.values()), [None, Some(2.0), Some(5.0), Some(10.0)]);
    }

    #[test]
    fn medians() {
        for (all, want) in
            [(vec![], None), (vec![3.0], Some(3.0)), (vec![9.0, 1.0], Some(5.0)), (vec![9.0, 1.0, 2.0], Some(2.0))]
        {
            assert_eq!(median(all), want);
        }
    }
}
