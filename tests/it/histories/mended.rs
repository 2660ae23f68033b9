//! Histories that once read differently, as short as they could be made, each with what was wrong.

use super::acts::{Act, Letter, Step};

fn step(hours: i64, act: Act) -> Step {
    Step { hours, act }
}

fn mail(ours: bool, who: usize, answers: Option<usize>, kind: usize) -> Act {
    Act::Mail(Letter { ours, rep: 0, who, copy: true, answers, late: 0, kind })
}

/// To the second rep alone.
fn alone(who: usize, late: i64, kind: usize) -> Act {
    Act::Mail(Letter { ours: false, rep: 1, who, copy: false, answers: None, late, kind })
}

/// Read hours after it was written.
fn late(ours: bool, who: usize, late: i64) -> Act {
    Act::Mail(Letter { ours, rep: 0, who, copy: false, answers: None, late, kind: 0 })
}

/// What was wrong, and the history that showed it.
type Mended = (&'static str, Vec<Step>);

pub fn histories() -> Vec<Mended> {
    [of_ties(), of_sentences()].concat()
}

fn of_ties() -> Vec<Mended> {
    let typed = |kind, who, deal| Act::Typed { kind, who, late: 33, deal };
    vec![
        (
            "an absence counted only where the absent stood on a deal that was judged at the same time",
            vec![
                step(206, Act::Stage { deal: 1, to: 5 }),
                step(110, mail(false, 1, None, 5)),
                step(22, Act::Stage { deal: 0, to: 3 }),
                step(1, mail(true, 1, None, 2)),
                step(5, Act::Unseen { deal: 1, to: 0 }),
                step(70, Act::Meet { rep: 1, who: 0, ahead: -9, accepted: false, both: true, theirs: false }),
                step(101, Act::Nothing),
            ],
        ),
        (
            "two moves of one moment stood in any order, and the last of them seemed unseen",
            vec![
                step(272, Act::Stage { deal: 1, to: 3 }),
                // by their names the later of these two comes first
                step(40, Act::Stage { deal: 1, to: 1 }),
                step(0, Act::Stage { deal: 1, to: 2 }),
                step(30, Act::Nothing),
                step(30, Act::Nothing),
                step(30, Act::Nothing),
                step(139, Act::Exclude),
                step(299, typed(0, 0, None)),
                step(1, Act::Stage { deal: 0, to: 1 }),
            ],
        ),
        (
            "an entry forgot whom it named when that contact was merged into another and out again",
            vec![
                step(210, Act::Merge { who: 0, into: 1 }),
                step(33, typed(3, 0, Some(1))),
                step(40, Act::Merge { who: 0, into: 3 }),
            ],
        ),
        (
            "a finding about an entry did not learn the name of a contact who appeared later",
            vec![
                step(194, typed(3, 1, None)),
                step(561, typed(1, 3, None)),
                step(281, Act::Stage { deal: 2, to: 3 }),
                step(24, Act::Contact(3)),
            ],
        ),
        (
            "a deal that named a contact by the id it had before a merge went, and the mail of the survivor did not notice",
            vec![
                step(246, Act::Merge { who: 2, into: 3 }),
                step(783, alone(3, 0, 1)),
                step(155, Act::Role { deal: 0, who: 2 }),
                step(10, Act::Stage { deal: 0, to: 2 }),
                step(30, Act::Contact(3)),
                step(2, Act::DropDeal(0)),
            ],
        ),
        (
            "a contact that another had been merged into appeared, and the other's mail did not notice",
            vec![step(420, Act::Merge { who: 2, into: 3 }), step(281, alone(2, 30, 4)), step(289, Act::Contact(3))],
        ),
    ]
}

fn of_sentences() -> Vec<Mended> {
    vec![
        (
            "a contact went, and held meetings of a series with nobody else stayed captured",
            vec![
                step(329, Act::Contact(3)),
                step(69, Act::Series { rep: 58, who: 33, ahead: -195 }),
                step(8, Act::Contact(3)),
            ],
        ),
        (
            "a mail that came late was the first of its contact, and what had resolved the contact's finding stayed another",
            vec![
                step(248, Act::Contact(43)),
                step(1, Act::Task { deal: 33, who: 26, ahead: 71 }),
                step(4, late(false, 57, 33)),
                step(19, late(true, 9, 93)),
            ],
        ),
        (
            "one more deal was won, and what a finding said of how many there were stayed what it was",
            vec![
                step(1, Act::Unseen { deal: 46, to: 52 }),
                step(128, Act::Stage { deal: 42, to: 21 }),
                step(558, Act::Stage { deal: 9, to: 10 }),
                step(275, mail(false, 37, Some(28), 4)),
                step(1, Act::Stage { deal: 55, to: 41 }),
            ],
        ),
    ]
}
