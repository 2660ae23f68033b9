//! The moves of a deal: stage changes, those less than a day apart taken as one. What went back within a day is no move.
//! Pure; says what moved and when, not whether it was backed.

use chrono::{DateTime, Duration, Utc};

use super::super::directory::{Deal, Directory, Quality, Stage, StageChange, StageKind};

/// Changes closer than this are one move.
pub const ONE_MOVE: Duration = Duration::hours(24);

/// A change from one stage to another, or several in quick succession.
#[derive(Clone, Debug, PartialEq)]
pub struct Move {
    pub from: String,
    pub to: String,
    /// When the first change of it was made: what tells this move from others.
    pub began: DateTime<Utc>,
    /// When the deal stood at `to`.
    pub at: DateTime<Utc>,
    /// It may have happened as early as this: before `at` only when seen between two readings.
    pub not_before: DateTime<Utc>,
    pub quality: Quality,
    /// When `from` had been entered, where known; the earliest it can have been.
    pub entered: Option<DateTime<Utc>>,
    /// It undoes a move made at most a day before.
    pub undoes: bool,
}

/// The net moves of a deal, oldest first; its entry into the first stage is none.
pub fn moves(deal: &Deal) -> Vec<Move> {
    let mut changes: Vec<&StageChange> = deal.stage_changes.iter().collect();
    changes.sort_by_key(|c| c.at);
    let mut all: Vec<Move> = Vec::new();
    let mut stands: Option<&str> = None;
    let mut entry: Option<DateTime<Utc>> = deal.created_at;
    for change in changes {
        let from = change.from.as_deref().or(stands);
        stands = Some(change.to.as_str());
        let Some(from) = from else {
            entry = Some(earliest(change));
            continue;
        };
        if from == change.to {
            continue;
        }
        if let Some(last) = all.last_mut()
            && change.at - last.at < ONE_MOVE
        {
            last.to.clone_from(&change.to);
            (last.at, last.not_before, last.quality) = (change.at, earliest(change), change.quality);
        } else {
            all.push(Move {
                from: from.to_owned(),
                to: change.to.clone(),
                began: change.at,
                at: change.at,
                not_before: earliest(change),
                quality: change.quality,
                entered: None,
                undoes: false,
            });
        }
    }
    all.retain(|m| m.from != m.to);
    for i in 0..all.len() {
        let before = i.checked_sub(1).map(|i| &all[i]);
        let entered = before.map(|b| b.not_before).or(entry);
        let undoes = before.is_some_and(|b| b.from == all[i].to && all[i].began - b.at <= ONE_MOVE);
        (all[i].entered, all[i].undoes) = (entered, undoes);
    }
    all
}

/// The entry into the first stage, unless the deal left it again within a day.
pub fn first_entry(deal: &Deal) -> Option<(&StageChange, DateTime<Utc>)> {
    let first = deal.stage_changes.iter().min_by_key(|c| c.at).filter(|c| c.from.is_none())?;
    let mut later = deal.stage_changes.iter().filter(|c| c.at > first.at && c.to != first.to);
    let passed = later.any(|c| c.at - first.at < ONE_MOVE);
    (!passed).then(|| (first, earliest(first)))
}

fn earliest(change: &StageChange) -> DateTime<Utc> {
    match change.not_before {
        Some(before) if change.quality == Quality::Observed => before.min(change.at),
        _ => change.at,
    }
}

impl Move {
    /// To a higher position in the same pipeline, or to a won stage; never to a lost one, never out of a closed one.
    pub fn is_forward(&self, directory: &Directory) -> bool {
        let Some(to) = directory.stages.get(&self.to) else { return false };
        let from = directory.stages.get(&self.from);
        match (from.map(|s| s.kind), to.kind) {
            _ if self.undoes => false,
            (_, StageKind::Lost) | (Some(StageKind::Won), _) => false,
            (_, StageKind::Won) => true,
            // Taken up again after it was lost: where the lost stage stands says nothing.
            (Some(StageKind::Lost) | None, StageKind::Open) => false,
            (Some(StageKind::Open), StageKind::Open) => {
                from.is_some_and(|from| from.pipeline == to.pipeline && to.position > from.position)
            }
        }
    }

    /// The open stages it passed over, in their order.
    pub fn skipped<'d>(&self, directory: &'d Directory) -> Vec<&'d Stage> {
        let (Some(from), Some(to)) = (directory.stages.get(&self.from), directory.stages.get(&self.to)) else {
            return vec![];
        };
        let mut between = open_stages(directory, from.pipeline.as_deref());
        between.retain(|s| s.position > from.position && (to.kind == StageKind::Won || s.position < to.position));
        between.retain(|s| s.pipeline == to.pipeline);
        between
    }

    /// How many open stages it passed over.
    pub fn jumped(&self, directory: &Directory) -> usize {
        self.skipped(directory).len()
    }
}

/// The open stages of a pipeline, in their order.
pub fn open_stages<'d>(directory: &'d Directory, pipeline: Option<&str>) -> Vec<&'d Stage> {
    let mut stages: Vec<&Stage> =
        directory.stages.values().filter(|s| s.pipeline.as_deref() == pipeline && s.kind == StageKind::Open).collect();
    stages.sort_by(|a, b| (a.position, &a.id).cmp(&(b.position, &b.id)));
    stages
}

/// Where an open stage stands in its pipeline, counted from 1.
pub fn place(directory: &Directory, stage: &str) -> Option<usize> {
    let stage = directory.stages.get(stage)?;
    let order = open_stages(directory, stage.pipeline.as_deref());
    order.iter().position(|s| s.id == stage.id).map(|at| at + 1)
}

/// When the deal entered the stage it stands in; else when it came up. At the latest: a change seen between two readings
/// counts as made when it was seen.
pub fn entered_current(deal: &Deal) -> Option<DateTime<Utc>> {
    let last = moves(deal).pop().map(|m| m.at);
    let entry = deal.stage_changes.iter().map(|c| c.at).min();
    last.or(entry).or(deal.created_at)
}

/// Since when the deal has been open without a break: its entry, or when it was last taken up again.
pub fn open_since(deal: &Deal, directory: &Directory) -> Option<DateTime<Utc>> {
    open_since_at(deal, directory, DateTime::<Utc>::MAX_UTC)
}

/// The same, as it was at a moment; a deal that was closed then counts from when it had last been opened.
pub fn open_since_at(deal: &Deal, directory: &Directory, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let entry = deal.stage_changes.iter().map(earliest).chain(deal.created_at).min();
    taken_up_again(deal, directory, at).or(entry)
}

/// The same, at the latest: a change seen between two readings counts as made when it was seen.
pub fn opened(deal: &Deal, directory: &Directory) -> Option<DateTime<Utc>> {
    let entry = deal.stage_changes.iter().map(|c| c.at).chain(deal.created_at).min();
    taken_up_again(deal, directory, DateTime::<Utc>::MAX_UTC).or(entry)
}

/// When the deal was last opened after it had been closed, up to a moment.
fn taken_up_again(deal: &Deal, directory: &Directory, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let closed = |id: &str| directory.stage_kind(id) != StageKind::Open;
    let again = |m: &Move| m.at <= at && closed(&m.from) && !closed(&m.to);
    moves(deal).into_iter().rev().find(again).map(|m| m.at)
}

#[cfg(test)]
mod tests {
    use super::super::world::{World, t};
    use super::*;

    /// `from > to`, with `forward` and the stages passed over.
    fn told(world: &World) -> Vec<String> {
        world.in_case(|case| {
            let directory = case.facts.directory;
            let tell = |m: &Move| {
                let way = if m.is_forward(directory) { "forward" } else { "back" };
                format!("{} > {} {way} {}", m.from, m.to, m.jumped(directory))
            };
            moves(case.deal).iter().map(tell).collect()
        })
    }

    #[test]
    fn moves_of_a_day_are_one() {
        let lead = || World::new("12-01");
        let cases: Vec<(&str, World, Vec<&str>)> = vec![
            ("none", lead(), vec![]),
            ("one", lead().moved("11-03", "Discovery"), vec!["Lead > Discovery forward 0"]),
            ("jump", lead().moved("11-03", "Negotiation"), vec!["Lead > Negotiation forward 2"]),
            ("jump to won", lead().moved("11-03", "Won"), vec!["Lead > Won forward 3"]),
            (
                "a chain, each within a day of the one before",
                lead().moved("11-03", "Discovery").moved("11-04 11:00", "Proposal").moved("11-05 10:00", "Negotiation"),
                vec!["Lead > Negotiation forward 2"],
            ),
            (
                "undone after exactly a day",
                lead().moved("11-03", "Proposal").moved("11-10", "Lead").moved("11-11", "Proposal"),
                vec!["Lead > Proposal forward 1", "Proposal > Lead back 0", "Lead > Proposal back 1"],
            ),
            (
                "partly undone within a day",
                lead().moved("11-03", "Negotiation").moved("11-03 15:00", "Discovery"),
                vec!["Lead > Discovery forward 0"],
            ),
            (
                "out of won, and won again",
                lead().moved("11-03", "Won").moved("11-06", "Negotiation").moved("11-09", "Won"),
                vec!["Lead > Won forward 3", "Won > Negotiation back 0", "Negotiation > Won forward 0"],
            ),
        ];
        for (name, world, want) in cases {
            assert_eq!(told(&world), want, "{name}");
        }
    }

    #[test]
    fn a_slip_does_not_start_the_stage_anew() {
        let slipped =
            World::new("12-01").moved("11-02", "Discovery").moved("11-10", "Lead").moved("11-10 13:00", "Discovery");
        assert_eq!(entered_current(&slipped.deal), Some(t("11-02")));
        let on = slipped.moved("11-20", "Proposal");
        assert_eq!(moves(&on.deal).last().and_then(|m| m.entered), Some(t("11-02")));
    }

    #[test]
    fn rows_out_of_order_and_without_a_from() {
        let mut world = World::new("12-01").moved("11-02", "Discovery").moved("11-10", "Proposal");
        world.deal.stage_changes[2].from = None;
        world.deal.stage_changes.reverse();
        assert_eq!(told(&world), ["Lead > Discovery forward 0", "Discovery > Proposal forward 0"]);
        // No entry row: the first stage was entered when the deal came up.
        world.deal.stage_changes.retain(|c| c.to != "Lead");
        assert_eq!(moves(&world.deal)[0].entered, world.deal.created_at);
    }
}
