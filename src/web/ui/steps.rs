//! The moves of a deal, each with what backs it. The rules judge; this only asks them.

use crate::{
    domain::gaps::{
        self, Case, Finding, Outcome, Rule, State,
        moves::{self, Move},
    },
    web::picture::trail::Backed,
};

#[derive(Clone, Debug)]
pub struct Judged {
    pub step: Move,
    pub backed: Backed,
    /// The activity that backs it.
    pub by: Option<String>,
    pub late: bool,
}

/// Every move, oldest first.
pub fn judged(case: &Case<'_>, findings: &[Finding]) -> Vec<Judged> {
    let advance = |rule| matches!(rule, Rule::UnsupportedAdvance | Rule::OneSidedAdvance);
    let verdicts = gaps::judge(case);
    moves::moves(case.deal)
        .into_iter()
        .map(|step| {
            let key = step.began.timestamp_millis().to_string();
            let met =
                verdicts.iter().filter(|v| advance(v.finding.rule) && v.finding.key == key).find_map(|v| {
                    match &v.outcome {
                        Outcome::Met { by, .. } => Some(by.clone()),
                        Outcome::Stands => None,
                    }
                });
            let found =
                findings.iter().filter(|f| advance(f.rule) && f.key == key).find(|f| f.state != State::Withdrawn);
            let (backed, by, late) = match (step.is_forward(case.facts.directory), met, found) {
                (false, ..) => (Backed::Neither, None, false),
                (_, Some(by), _) => (Backed::Yes, by, false),
                (_, _, Some(f)) if f.state == State::Resolved => (Backed::Yes, f.resolved_by.clone(), f.late),
                (_, _, Some(f)) if f.state == State::Unknown => (Backed::Open, None, false),
                (_, _, Some(_)) => (Backed::No, None, false),
                (_, _, None) => (Backed::Open, None, false),
            };
            Judged { step, backed, by, late }
        })
        .collect()
}

/// "3 of 4 forward moves are backed by something the buyer did."
pub fn sentence(judged: &[Judged]) -> String {
    let count = |backed| judged.iter().filter(|j| j.backed == backed).count();
    let (yes, no, open) = (count(Backed::Yes), count(Backed::No), count(Backed::Open));
    match (yes + no, open) {
        (0, 0) => "This deal has not moved forward yet.".to_owned(),
        (0, 1) => "Its one forward move cannot be judged yet.".to_owned(),
        (0, n) => format!("None of its {n} forward moves can be judged yet."),
        (1, _) if yes == 1 && open == 0 => "Its one forward move is backed by something the buyer did.".to_owned(),
        (1, 0) => "Its one forward move has nothing from the buyer behind it.".to_owned(),
        (all, open) => {
            let later = match open {
                0 => String::new(),
                1 => "; one more cannot be judged".to_owned(),
                n => format!("; {n} more cannot be judged"),
            };
            let of = match (yes == all, open) {
                (true, 0) => "All ".to_owned(),
                (true, _) => String::new(),
                (false, _) => format!("{yes} of "),
            };
            let moves = if all == 1 { "forward move is" } else { "forward moves are" };
            format!("{of}{all} {moves} backed by something the buyer did{later}.")
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::*;
    use crate::domain::directory::Quality;

    fn all(backed: &[Backed]) -> Vec<Judged> {
        let at = DateTime::<Utc>::default();
        let step = Move {
            from: "a".into(),
            to: "b".into(),
            began: at,
            at,
            not_before: at,
            quality: Quality::Exact,
            entered: None,
            undoes: false,
        };
        backed.iter().map(|b| Judged { step: step.clone(), backed: *b, by: None, late: false }).collect()
    }

    #[test]
    fn shares_are_said() {
        use Backed::{Neither, No, Open, Yes};
        let cases: [(&[Backed], &str); 9] = [
            (&[], "This deal has not moved forward yet."),
            (&[Neither], "This deal has not moved forward yet."),
            (&[Open], "Its one forward move cannot be judged yet."),
            (&[Yes], "Its one forward move is backed by something the buyer did."),
            (&[No, Neither], "Its one forward move has nothing from the buyer behind it."),
            (&[Yes, Yes], "All 2 forward moves are backed by something the buyer did."),
            (&[Yes, Yes, Open], "2 forward moves are backed by something the buyer did; one more cannot be judged."),
            (&[Yes, No, Yes], "2 of 3 forward moves are backed by something the buyer did."),
            (
                &[Yes, No, Open],
                "1 of 2 forward moves are backed by something the buyer did; one more cannot be judged.",
            ),
        ];
        for (backed, want) in cases {
            assert_eq!(sentence(&all(backed)), want);
        }
    }
}
