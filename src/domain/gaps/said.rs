//! What people say of a finding: that they want to see it later (with a reason and a date), or that all is as it should be
//! (with a reason), or that they take that back. Pure: refuses what says nothing; whether somebody may is decided elsewhere.

use chrono::{DateTime, Utc};

use super::finding::{Finding, State};

/// Most characters of a reason.
const LONGEST: usize = 500;

#[derive(Clone, Debug, PartialEq)]
pub enum Word {
    Snooze { until: DateTime<Utc>, why: String },
    Explain { why: String },
    TakeBack,
}

/// Why it was not taken down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("a reason is needed: say in a few words why")]
    NoReason,
    #[error("the reason is too long: say it in at most {LONGEST} characters")]
    TooLong,
    #[error("the date has passed: give a day that is still to come")]
    Past,
    #[error("it asks for nothing any more: it is resolved, or its cause went away")]
    Over,
    #[error("nobody has put it off or explained it")]
    NothingSaid,
}

impl Finding {
    /// Takes down what one of us says (`by`: folded email). A snooze ends by itself; an explanation holds while the cause
    /// stays the same. The deal must be judged again afterwards, or nobody would come back when the snooze is over.
    ///
    /// # Errors
    /// When a reason or a date is missing, or the finding asks for nothing any more.
    pub fn say(&mut self, word: Word, by: &str, now: DateTime<Utc>) -> Result<(), Refused> {
        if !self.state.is_live() {
            return Err(Refused::Over);
        }
        match word {
            Word::Snooze { until, .. } if until <= now => return Err(Refused::Past),
            Word::Snooze { until, why } => self.snooze(until, reason(&why)?, by.to_owned()),
            Word::Explain { why } => self.explain(reason(&why)?, by.to_owned()),
            Word::TakeBack if self.said(now).is_none() => return Err(Refused::NothingSaid),
            Word::TakeBack => {
                (self.snoozed_until, self.note, self.by) = (None, None, None);
                self.state = State::Open;
                *self = self.clone().doubted();
            }
        }
        Ok(())
    }
}

fn reason(text: &str) -> Result<String, Refused> {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match words.chars().count() {
        0 => Err(Refused::NoReason),
        n if n > LONGEST => Err(Refused::TooLong),
        _ => Ok(words),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            Rule,
            world::{ANA, World, deal, mail_in, pending, t},
        },
        *,
    };

    fn quiet() -> World {
        World::new("11-20").with(mail_in("a", "11-03"))
    }

    fn finding(world: &World) -> Finding {
        world.findings(&[Rule::GoneQuiet]).remove(0)
    }

    fn snooze(day: &str, why: &str) -> Word {
        Word::Snooze { until: t(day), why: why.into() }
    }

    #[test]
    fn a_snooze_needs_a_reason_and_a_date_to_come() {
        let explain = |why: &str| Word::Explain { why: why.into() };
        let cases = [
            (snooze("11-25", "trade fair"), Ok(State::Snoozed)),
            (snooze("11-25", " \n "), Err(Refused::NoReason)),
            (snooze("11-20", "trade fair"), Err(Refused::Past)),
            (snooze("11-25", &"x".repeat(501)), Err(Refused::TooLong)),
            (explain("they order by phone"), Ok(State::Explained)),
            (explain(""), Err(Refused::NoReason)),
            (Word::TakeBack, Err(Refused::NothingSaid)),
        ];
        for (word, want) in cases {
            let mut one = finding(&quiet());
            let said = one.say(word.clone(), ANA, t("11-20"));
            assert_eq!(said.map(|()| one.state), want, "{word:?}");
            if want.is_err() {
                assert_eq!(one, finding(&quiet()), "{word:?}: nothing is changed");
            }
        }
    }

    #[test]
    fn what_is_over_is_left_alone() {
        for state in [State::Resolved, State::Withdrawn] {
            let mut one = Finding { state, ..finding(&quiet()) };
            assert_eq!(one.say(snooze("11-25", "later"), ANA, t("11-20")), Err(Refused::Over));
        }
    }

    #[test]
    fn taking_it_back_is_as_if_nothing_was_said() {
        let mut waiting = quiet().with(pending(mail_in("p", "11-10")));
        waiting.others.push(deal("d2", "Lead"));
        for world in [quiet(), waiting] {
            for word in [snooze("11-25", "trade fair"), Word::Explain { why: "they order  by phone".into() }] {
                let before = finding(&world);
                let mut one = before.clone();
                assert_eq!(one.say(word, ANA, t("11-20")), Ok(()));
                assert!(one.note.as_deref().is_some_and(|note| !note.contains("  ")));
                assert_eq!(one.by.as_deref(), Some(ANA));
                let judged = world.judged(&[one.clone()]);
                assert_eq!(judged.iter().find(|f| f.id == one.id).map(|f| f.state), Some(one.state));
                assert_eq!((one.say(Word::TakeBack, ANA, t("11-20")), &one), (Ok(()), &before));
            }
        }
    }
}
