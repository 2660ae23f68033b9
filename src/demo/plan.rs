//! Turns the table of deals into deals with a history: when each stage was entered, what the forecast says, which code
//! the deal bears. Nothing of what happened around them is told here.

use super::cast::FIRMS;
use super::dice::Dice;
use super::office::{DAY, Office};
use super::plot::{DEALS, End, LOST, NEGOTIATION, PROPOSAL, Plant, Row, WON};
use super::world::{Deal, Move};

/// The day from which Ben's mailbox is read, in working days before today.
pub(super) const BLIND_UNTIL: i64 = 70;

pub(super) fn deals(office: &Office, dice: &Dice) -> Vec<Deal> {
    let mut moves: Vec<Vec<Move>> =
        DEALS.iter().enumerate().map(|(n, row)| moves(row, &mut dice.fork(&format!("moves {n}")))).collect();
    for (n, row) in DEALS.iter().enumerate() {
        if row.plant == Plant::Coded {
            follow_sibling(n, &mut moves);
        }
    }
    let mut order: Vec<usize> = (0..DEALS.len()).collect();
    order.sort_by_key(|n| (moves[*n].first().map_or(0, |m| m.0), *n));
    let mut deals: Vec<Deal> = Vec::with_capacity(DEALS.len());
    for (n, row) in DEALS.iter().enumerate() {
        let number = order.iter().position(|o| *o == n).unwrap_or(n);
        let mut dice = dice.fork(&format!("deal {n}"));
        deals.push(deal(office, &mut dice, row, 1021 + number * 3, moves[n].clone()));
    }
    deals
}

fn deal(office: &Office, dice: &mut Dice, row: &'static Row, number: usize, moves: Vec<Move>) -> Deal {
    let owner = FIRMS[row.firm].owner;
    let (last, stage) = moves.last().copied().unwrap_or((0, 0));
    let close = match row.plant {
        Plant::OverdueClose => office.date(-9 * DAY),
        _ if stage >= WON => office.date(last),
        _ => office.date(dice.between(12, 45) * DAY),
    };
    let forecast = match stage {
        WON => "closed",
        LOST => "omitted",
        NEGOTIATION => "commit",
        _ if row.plant == Plant::CommitWithoutEvidence => "commit",
        PROPOSAL => "best_case",
        _ => "pipeline",
    };
    let slip = (row.plant == Plant::Misclick).then_some((last + DAY + 30, stage + 1, last + DAY + 55));
    Deal {
        id: format!("OPP-{number}"),
        name: format!("{}: {} {}", FIRMS[row.firm].short, super::plot::PRODUCTS[row.product], row.site),
        row,
        owner,
        currency: if owner == 3 { "USD" } else { "EUR" },
        moves,
        slip,
        amount: row.amount,
        close,
        forecast,
    }
}

fn moves(row: &Row, dice: &mut Dice) -> Vec<Move> {
    let stages: Vec<usize> = match (row.end, row.plant) {
        (End::Open(_), Plant::UnsupportedJump) => vec![0, 1, NEGOTIATION],
        (End::Open(to), Plant::SkippedStage) => (0..=to).filter(|s| *s != super::plot::DEMO).collect(),
        (End::Open(to), _) => (0..=to).collect(),
        (End::Won, _) => (0..=WON).collect(),
        (End::Lost(from), _) => (0..=from).chain([LOST]).collect(),
    };
    let mut at = -row.last * DAY + dice.between(90, 480);
    let mut moves = Vec::with_capacity(stages.len());
    for stage in stages.into_iter().rev() {
        moves.push((at, stage));
        at -= row.pace * DAY - dice.between(-180, 180);
    }
    moves.reverse();
    moves
}

/// Two deals of one customer are moved in one go, two minutes apart: the latest move does not tell them apart.
fn follow_sibling(n: usize, moves: &mut [Vec<Move>]) {
    let sibling = DEALS
        .iter()
        .position(|row| row.firm == DEALS[n].firm && matches!(row.plant, Plant::UnknownPending | Plant::CodedVague));
    let Some(sibling) = sibling else { return };
    let Some(own) = moves[n].last().map(|m| m.0) else { return };
    let near = moves[sibling].iter().map(|m| m.0).min_by_key(|at| (at - own).abs());
    if let (Some(near), Some(last)) = (near, moves[n].last_mut()) {
        last.0 = near + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn office() -> Office {
        Office::new("2026-11-18T11:00:00Z".parse().unwrap(), chrono_tz::Europe::Berlin)
    }

    fn all() -> Vec<Deal> {
        deals(&office(), &Dice::new(1))
    }

    #[test]
    fn histories_run_forward_and_end_before_today() {
        for deal in all() {
            assert!(deal.moves.windows(2).all(|m| m[0].0 + 3 * DAY <= m[1].0 && m[0].1 < m[1].1), "{}", deal.name);
            assert!(deal.moves.last().unwrap().0 < -DAY, "{}", deal.name);
            assert!(deal.moves[0].0 > -110 * DAY, "{}", deal.name);
            assert!(deal.row.people.iter().all(|p| *p < deal.firm().people.len()), "{}", deal.name);
        }
    }

    #[test]
    fn ids_are_unique_and_follow_creation() {
        let mut deals = all();
        assert_eq!(deals.iter().map(|d| &d.id).collect::<BTreeSet<_>>().len(), 60);
        deals.sort_by_key(|d| d.id.clone());
        assert!(deals.windows(2).all(|d| d[0].moves[0].0 <= d[1].moves[0].0));
    }

    #[test]
    fn deals_open_together_share_no_contact_unless_meant_to() {
        let deals = all();
        let span = |d: &Deal| (d.moves[0].0, if d.open() { i64::MAX } else { d.moves.last().unwrap().0 });
        for (n, a) in deals.iter().enumerate() {
            for b in &deals[n + 1..] {
                let meant = |d: &Deal| matches!(d.row.plant, Plant::Coded | Plant::CodedVague | Plant::UnknownPending);
                if a.row.firm != b.row.firm || (meant(a) && meant(b)) {
                    continue;
                }
                let ((a0, a1), (b0, b1)) = (span(a), span(b));
                if a0 < b1 && b0 < a1 {
                    assert!(a.row.people.iter().all(|p| !b.row.people.contains(p)), "{} / {}", a.name, b.name);
                }
            }
        }
    }

    #[test]
    fn every_person_has_a_deal_and_bens_deals_begin_in_sight() {
        let deals = all();
        for (n, firm) in FIRMS.iter().enumerate().filter(|(n, _)| *n != super::super::cast::BUSY_FIRM) {
            for person in 0..firm.people.len() {
                assert!(
                    deals.iter().any(|d| d.row.firm == n && d.row.people.contains(&person)),
                    "{} {person}",
                    firm.name
                );
            }
        }
        for deal in deals.iter().filter(|d| d.owner == 3) {
            let blind = deal.moves[0].0 < -BLIND_UNTIL * DAY;
            assert_eq!(blind, deal.row.plant == Plant::UnknownBlind, "{}", deal.name);
        }
    }
}
