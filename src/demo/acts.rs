//! What happens in each stage of a deal, and how the planted deals differ.
//!
//! A deal that is in order shows, before every move, a mail from the customer and our answer to it; while it is open it
//! shows a fresh exchange and a planned meeting. A planted deal leaves out just what its rule looks for.

use super::cast::Lang;
use super::oddities;
use super::office::DAY;
use super::phrases::Say;
use super::plot::{DEMO, LEAD, LOST, NEGOTIATION, PROPOSAL, Plant, QUALIFIED, WON};
use super::post;
use super::story::{Held, Teller};
use super::world::Typed;

/// Tells the whole story of one deal.
pub(super) fn tell(teller: &mut Teller<'_>) {
    let moves = teller.deal.moves.clone();
    for (n, pair) in moves.windows(2).enumerate() {
        let last = n + 2 == moves.len();
        teller.stage = pair[0].1;
        if last && misses_its_last_move(teller.deal.row.plant) {
            planted_move(teller, pair[0].0, pair[1].0);
        } else {
            stage(teller, pair[0].1, pair[0].0, pair[1]);
        }
    }
    let (since, stage) = moves.last().copied().unwrap_or((0, LEAD));
    teller.stage = stage;
    if stage < WON {
        present(teller, since);
    } else if stage == WON && teller.deal.row.plant == Plant::Healthy {
        afterwards(teller, since);
    }
    if teller.deal.row.plant == Plant::Weekly {
        oddities::weekly(teller);
    }
}

pub(super) fn misses_its_last_move(plant: Plant) -> bool {
    matches!(
        plant,
        Plant::Unsupported
            | Plant::UnsupportedJump
            | Plant::OneSidedMail
            | Plant::OneSidedMeeting
            | Plant::UnknownPending
            | Plant::UnknownBlind
    )
}

/// One stage of a deal that is in order, from its entry to the next move.
fn stage(t: &mut Teller<'_>, stage: usize, from: i64, next: (i64, usize)) {
    let length = next.0 - from;
    let part = |percent: i64| from + length * percent / 100;
    let blind = t.deal.row.plant == Plant::UnknownBlind;
    match stage {
        LEAD => {
            opening(t, from, part(45));
            let end = t.meet(part(55), 30, topic(t.lang(), LEAD), &[0], Held::Confirmed);
            t.follow_up(end);
        }
        QUALIFIED => {
            t.talk(part(12), part(40), 0, &[Say::DemoPlan, Say::Question, Say::Answer]);
            if blind || t.dice.chance(35) {
                let end = t.meet(part(58), 30, topic(t.lang(), QUALIFIED), &[0], Held::Confirmed);
                t.follow_up(end);
            }
        }
        DEMO => {
            let end = t.meet(part(32), 60, topic(t.lang(), DEMO), &[0, 1], Held::Confirmed);
            t.follow_up(end);
            t.talk(part(58), part(78), 1, &[Say::Question, Say::Answer]);
        }
        PROPOSAL => {
            t.talk(part(12), part(45), 0, &[Say::Terms, Say::Answer, Say::Update, Say::Confirm]);
            let end = t.meet(part(58), 45, topic(t.lang(), PROPOSAL), &[0, 1], Held::Confirmed);
            t.follow_up(end);
        }
        _ => {
            t.talk(part(12), part(45), 1, &[Say::Contract, Say::Legal, Say::Answer]);
            let end = t.meet(part(58), 45, topic(t.lang(), NEGOTIATION), &[0, 1], Held::Confirmed);
            t.follow_up(end);
        }
    }
    // Something concrete the customer writes just before the move, and our answer.
    let steps = match next.1 {
        QUALIFIED => [Say::Update, Say::Answer],
        DEMO => [Say::AcceptDemo, Say::Confirm],
        PROPOSAL if t.deal.row.plant == Plant::MissingEvidence => [Say::Question, Say::Answer],
        PROPOSAL => [Say::PleaseQuote, Say::Quote],
        NEGOTIATION => [Say::ToContract, Say::Contract],
        LOST => [Say::Decline, Say::Regret],
        _ => [Say::Order, Say::Welcome],
    };
    let at = next.0 - t.dice.between(290, 420);
    if next.1 == WON && t.deal.row.plant == Plant::Portal {
        oddities::portal_order(t, at);
        return;
    }
    t.talk(at, next.0 - 30, 0, &steps);
}

/// First contact: they ask, or we do.
fn opening(t: &mut Teller<'_>, from: i64, limit: i64) -> i64 {
    let start = from + t.dice.between(25, 120);
    if t.dice.chance(55) {
        t.talk(start, limit, 0, &[Say::Inquiry, Say::FirstReply, Say::Times, Say::Confirm])
    } else {
        t.talk(start, limit, 0, &[Say::Outreach, Say::Interested, Say::FirstReply, Say::Times])
    }
}

/// The last stage of a deal whose move has no evidence, or not enough.
fn planted_move(t: &mut Teller<'_>, from: i64, to: i64) {
    let length = to - from;
    match t.deal.row.plant {
        Plant::OneSidedMail => {
            t.talk(from + length / 4, to, 0, &[Say::Nudge]);
            t.talk(from + length / 2, to, 0, &[Say::Contract]);
            let buyer = t.buyers[0].clone();
            if let Some(letter) = t.world.letters.last().cloned() {
                let note = post::away(&mut t.dice, &letter, &buyer);
                t.world.letters.push(note);
            }
            t.talk(to - 200, to, 0, &[Say::Nudge]);
        }
        Plant::OneSidedMeeting => {
            let end = t.meet(from + length * 6 / 10, 45, topic(t.lang(), DEMO), &[0, 1], Held::Silent);
            t.follow_up(end);
            let at = t.moment(to - 240);
            t.world.typed.push(Typed {
                kind: "call",
                at,
                subject: "Call, very positive".to_owned(),
                deal: t.index,
                contact: 0,
            });
        }
        Plant::UnknownPending => {
            t.talk(to - 3 * DAY, to - DAY, 0, &[Say::Vague, Say::VagueAnswer]);
        }
        Plant::UnknownBlind => {
            t.talk(from + length / 4, from + length / 2, 0, &[Say::Contract, Say::Legal, Say::Answer]);
            t.talk(to - 380, to - 30, 0, &[Say::Order, Say::Welcome]);
        }
        _ => {}
    }
}

/// From the latest move to today, and what is planned.
fn present(t: &mut Teller<'_>, since: i64) {
    let plant = t.deal.row.plant;
    match plant {
        Plant::Unsupported | Plant::UnsupportedJump | Plant::UnknownPending => {}
        Plant::OneSidedMail | Plant::OneSidedMeeting => {
            t.talk(-3 * DAY + 90, 0, 0, &[Say::Nudge]);
        }
        Plant::GoneQuiet | Plant::GoneQuietBounced => {
            t.talk(since + 60, since + 2 * DAY, 0, &[Say::Question, Say::Answer, Say::Closing]);
            if plant == Plant::GoneQuietBounced {
                oddities::bounced(t);
            }
            return;
        }
        Plant::CommitWithoutEvidence => {
            t.talk(since + 90, since + 3 * DAY, 0, &[Say::Update, Say::Answer, Say::Closing]);
        }
        Plant::NoReply => {
            t.talk(-9 * DAY + 200, -8 * DAY + 300, 0, &[Say::Question, Say::Answer]);
        }
        Plant::WeOweReply => {
            t.talk(-4 * DAY + 60, -3 * DAY, 0, &[Say::Question]);
        }
        Plant::OverdueNextStep => {
            t.talk(since + 60, since + 2 * DAY, 0, &[Say::Update, Say::Answer, Say::Closing]);
        }
        Plant::NoFollowUp => {
            t.talk(since + DAY, since + 3 * DAY, 0, &[Say::Question, Say::Answer]);
            t.meet(-4 * DAY + 120, 45, topic(t.lang(), DEMO), &[0, 1], Held::Confirmed);
        }
        Plant::Stalled => {
            for n in 1..6 {
                let at = since + n * 6 * DAY + t.dice.between(0, 200);
                t.talk(at, at + 2 * DAY, usize::try_from(n).unwrap_or(0), &[Say::Update, Say::Answer]);
            }
            lively(t, since);
        }
        _ => lively(t, since),
    }
    planned(t);
}

/// What a deal that is in order shows of late.
fn lively(t: &mut Teller<'_>, since: i64) {
    let length = -since;
    if t.stage == LEAD {
        opening(t, since, since + 2 * DAY);
    } else if length > 5 * DAY && length < 20 * DAY {
        let steps: &[Say] = match t.stage {
            QUALIFIED => &[Say::DemoPlan, Say::Question, Say::Answer],
            NEGOTIATION => &[Say::Legal, Say::Answer],
            PROPOSAL if t.deal.row.plant == Plant::Competitor => &[Say::Compared, Say::Answer],
            PROPOSAL => &[Say::Terms, Say::Answer, Say::Confirm],
            _ => &[Say::Question, Say::Answer],
        };
        t.talk(since + length / 6, since + length / 2, 1, steps);
    }
    if length > 8 * DAY && length < 20 * DAY && t.stage > LEAD {
        let end = t.meet(since + length * 55 / 100, 30, topic(t.lang(), t.stage), &[0, 1], Held::Confirmed);
        t.follow_up(end);
    }
    match t.deal.row.plant {
        Plant::Contradicted => {
            let end = t.meet(-6 * DAY + 180, 30, topic(t.lang(), t.stage), &[0], Held::Cancelled);
            let at = t.office.moment(end - 30, t.deal.zone());
            let subject = "Meeting, agreed on next steps".to_owned();
            t.world.typed.push(Typed { kind: "meeting", at, subject, deal: t.index, contact: 0 });
        }
        Plant::CodedVague => {
            t.talk(-5 * DAY + 100, -4 * DAY, 0, &[Say::Vague, Say::VagueAnswer]);
            oddities::vague_meeting(t);
        }
        Plant::UnlistedStakeholder => oddities::stakeholder(t, since),
        _ => {}
    }
    // Typed: a call three days ago that nothing shows.
    let latest = if t.deal.row.plant == Plant::Uncorroborated {
        let at = t.moment(-3 * DAY + 260);
        let subject = "Phone call about the budget".to_owned();
        t.world.typed.push(Typed { kind: "call", at, subject, deal: t.index, contact: 0 });
        -DAY + 60
    } else {
        t.dice.between((since + 150).max(-4 * DAY), -DAY + 150)
    };
    let steps: &[Say] = if t.dice.chance(50) { &[Say::Update, Say::Answer] } else { &[Say::Question, Say::Answer] };
    t.talk(latest, latest + 400, 0, steps);
}

/// What lies ahead.
fn planned(t: &mut Teller<'_>) {
    let plant = t.deal.row.plant;
    if plant == Plant::NoNextStep || (t.stage == LEAD && t.dice.chance(30)) {
        return;
    }
    let silent = misses_its_last_move(plant);
    let at = t.dice.between(2, 6) * DAY + t.dice.between(30, 420);
    let topic = topic(t.lang(), (t.stage + 1).min(NEGOTIATION));
    t.meet(at, 45, topic, &[0, 1], if silent { Held::Silent } else { Held::Confirmed });
    if !silent && plant.rule().is_none() && t.dice.chance(25) {
        let at = t.dice.between(30, 420);
        t.meet(at, 30, topic, &[0], Held::Confirmed);
    }
}

/// After a deal was won: the start of the work, unless the same people are in another deal by then.
fn afterwards(t: &mut Teller<'_>, since: i64) {
    let shared = t.world.deals.iter().any(|d| {
        d.id != t.deal.id && d.row.firm == t.deal.row.firm && d.row.people.iter().any(|p| t.deal.row.people.contains(p))
    });
    if shared {
        return;
    }
    for n in 1..4 {
        let at = since + n * 5 * DAY;
        if at < -DAY {
            t.talk(at, at + DAY, 0, &[Say::Question, Say::Answer, Say::Closing]);
        }
    }
}

/// What a meeting in this stage is called.
fn topic(lang: Lang, stage: usize) -> &'static str {
    let row: [&'static str; 5] = match lang {
        Lang::En => ["Intro call", "Planning call", "Demo", "Quote review", "Contract call"],
        Lang::De => ["Kennenlernen", "Planung", "Vorführung", "Angebotsbesprechung", "Vertragsgespräch"],
        Lang::Fr => ["Premier échange", "Préparation", "Démonstration", "Revue du devis", "Point contrat"],
        Lang::Es => {
            ["Primera llamada", "Planificación", "Demostración", "Revisión de la oferta", "Llamada de contrato"]
        }
    };
    row[stage.min(4)]
}
