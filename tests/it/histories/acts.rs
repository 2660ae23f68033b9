//! What can happen in a history, drawn at random. An act names nothing: its numbers are read modulo what is there, so that any
//! part of a history is a history.

use crate::world::rng::Rng;

/// A mail between a rep and somebody outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Letter {
    pub ours: bool,
    pub rep: usize,
    pub who: usize,
    /// The other rep has a copy.
    pub copy: bool,
    pub answers: Option<usize>,
    /// Hours that lie between its date and its delivery.
    pub late: i64,
    pub kind: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    Mail(Letter),
    DropMail(usize),
    MoveMail(usize),
    /// `ahead`: hours from now to its start; it may lie in the past.
    Meet {
        rep: usize,
        who: usize,
        ahead: i64,
        accepted: bool,
        both: bool,
        theirs: bool,
    },
    Series {
        rep: usize,
        who: usize,
        ahead: i64,
    },
    MoveMeeting {
        which: usize,
        ahead: i64,
    },
    CancelMeeting(usize),
    Answer {
        which: usize,
        yes: bool,
    },
    DropMeeting(usize),
    /// A move that the CRM's history tells of.
    Stage {
        deal: usize,
        to: usize,
    },
    /// One that only two readings show.
    Unseen {
        deal: usize,
        to: usize,
    },
    Field {
        deal: usize,
        field: usize,
        value: i64,
    },
    /// A field, or the owner, without a word in the CRM's history.
    UnseenField {
        deal: usize,
        field: usize,
        value: i64,
    },
    Hand {
        deal: usize,
        to: usize,
    },
    Role {
        deal: usize,
        who: usize,
    },
    DropDeal(usize),
    /// Comes, goes, comes back.
    Contact(usize),
    Address {
        who: usize,
    },
    Rename(usize),
    Company(usize),
    Merge {
        who: usize,
        into: usize,
    },
    Typed {
        kind: usize,
        who: usize,
        late: i64,
        deal: Option<usize>,
    },
    DropTyped(usize),
    Task {
        deal: usize,
        who: usize,
        ahead: i64,
    },
    DoneTask(usize),
    /// A person says something of a finding.
    Say {
        which: usize,
        word: usize,
    },
    /// A person decides on a deal.
    Choose {
        which: usize,
        candidate: usize,
        link: bool,
    },
    Exclude,
    Threshold(usize),
    /// Another word in a file's name makes it a quote, or no longer does.
    Documents,
    Nothing,
}

#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// How far the clock goes on before it.
    pub hours: i64,
    pub act: Act,
}

impl Act {
    /// Does history forget by design what was before it? Then everybody reads right before it and right after it: what is
    /// deleted, moved between folders or changed unseen is known only to who was there; a person speaks of what is shown.
    pub fn is_forgotten(self) -> bool {
        matches!(
            self,
            Self::DropMail(_)
                | Self::MoveMail(_)
                | Self::DropMeeting(_)
                | Self::Unseen { .. }
                | Self::UnseenField { .. }
                | Self::Say { .. }
                | Self::Choose { .. }
                | Self::Exclude
        )
    }

    fn random(rng: &mut Rng) -> Self {
        let some = |rng: &mut Rng| rng.below(64);
        match rng.below(64) {
            0..=16 => Self::Mail(Letter {
                ours: rng.chance(45),
                rep: some(rng),
                who: some(rng),
                copy: rng.chance(30),
                answers: rng.chance(50).then(|| rng.below(64)),
                late: if rng.chance(25) { rng.between(1, 200) } else { 0 },
                kind: some(rng),
            }),
            17 => Self::DropMail(some(rng)),
            18 => Self::MoveMail(some(rng)),
            19..=23 => Self::Meet {
                rep: some(rng),
                who: some(rng),
                ahead: rng.between(-60, 240),
                accepted: rng.chance(50),
                both: rng.chance(40),
                theirs: rng.chance(30),
            },
            24 => Self::Series { rep: some(rng), who: some(rng), ahead: rng.between(-300, 100) },
            25 | 26 => Self::MoveMeeting { which: some(rng), ahead: rng.between(2, 200) },
            27 => Self::CancelMeeting(some(rng)),
            28 | 29 => Self::Answer { which: some(rng), yes: rng.chance(60) },
            30 => Self::DropMeeting(some(rng)),
            31..=35 => Self::Stage { deal: some(rng), to: some(rng) },
            36 => Self::Unseen { deal: some(rng), to: some(rng) },
            37 => Self::Field { deal: some(rng), field: some(rng), value: rng.between(0, 60) },
            38 => Self::UnseenField { deal: some(rng), field: some(rng), value: rng.between(0, 60) },
            39 => Self::Hand { deal: some(rng), to: some(rng) },
            40 | 41 => Self::Role { deal: some(rng), who: some(rng) },
            42 => Self::DropDeal(some(rng)),
            43 | 44 => Self::Contact(some(rng)),
            45 => Self::Address { who: some(rng) },
            46 => Self::Merge { who: some(rng), into: some(rng) },
            47 | 48 => Self::Typed {
                kind: some(rng),
                who: some(rng),
                late: rng.between(0, 100),
                deal: rng.chance(40).then(|| rng.below(64)),
            },
            49 => Self::DropTyped(some(rng)),
            50 | 51 => Self::Task { deal: some(rng), who: some(rng), ahead: rng.between(-20, 200) },
            52 => Self::DoneTask(some(rng)),
            53 | 54 => Self::Say { which: some(rng), word: some(rng) },
            55 | 56 => Self::Choose { which: some(rng), candidate: some(rng), link: rng.chance(70) },
            57 => Self::Exclude,
            58 => Self::Threshold(some(rng)),
            59 => Self::Documents,
            60 => Self::Rename(some(rng)),
            61 => Self::Company(some(rng)),
            _ => Self::Nothing,
        }
    }
}

/// A history of some weeks.
pub fn history(rng: &mut Rng) -> Vec<Step> {
    let steps = rng.between(6, 26);
    let hours = |rng: &mut Rng| match rng.below(10) {
        0..=3 => rng.between(0, 5),
        4..=7 => rng.between(6, 40),
        _ => rng.between(41, 250),
    };
    (0..steps).map(|_| Step { hours: hours(rng), act: Act::random(rng) }).collect()
}
