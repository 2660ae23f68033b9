//! The moves of a deal: stage changes, those less than a day apart taken as one. What went back within a day is no move.
//! Pure; says what moved and when, not whether it was backed.

use chrono::{DateTime, Duration, Utc};

use super::super::directory::{Deal, Directory, Quality, Stage, StageChange, StageKind};

/// Changes closer than this are one move.
const ONE_MOVE: Duration = Duration::hours(24);

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

    /// How many open stages it passed over.
    pub fn jumped(&self, directory: &Directory) -> usize {
        let (Some(from), Some(to)) = (directory.stages.get(&self.from), directory.stages.get(&self.to)) else {
            return 0;
        };
        open_stages(directory, from.pipeline.as_deref())
            .iter()
            .filter(|s| s.position > from.position && (to.kind == StageKind::Won || s.position < to.position))
            .filter(|s| s.pipeline == to.pipeline)
            .count()
    }
}

/// The open stages of a pipeline, in their order.
pub fn open_stages<'d>(directory: &'d Directory, pipeline: Option<&str>) -> Vec<&'d Stage> {
    let mut stages: Vec<&Stage> =
        directory.stages.values().filter(|s| s.pipeline.as_deref() == pipeline && s.kind == StageKind::Open).collect();
    stages.sort_by(|a, b| (a.position, &a.id).cmp(&(b.position, &b.id)));
    stages
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
    let closed = |id: &str| directory.stage_kind(id) != StageKind::Open;
    let again = moves(deal).into_iter().rev().find(|m| closed(&m.from) && !closed(&m.to)).map(|m| m.at);
    let entry = deal.stage_changes.iter().map(earliest).chain(deal.created_at).min();
    again.or(entry)
}
