//! What people typed into the CRM besides: activities that mail or calendar confirm, tasks, changes of amount and close
//! date. The typed activities that nothing confirms belong to the stories in `acts`.

use super::acts::misses_its_last_move;
use super::dice::Dice;
use super::office::{DAY, Office};
use super::plot::Plant;
use super::world::{Changed, Task, Typed, World};

pub(super) fn tell(office: &Office, dice: &Dice, world: &mut World) {
    let mut dice = dice.fork("side");
    confirmed(office, &dice, world);
    for deal in 0..world.deals.len() {
        tasks(office, &mut dice, world, deal);
        changes(office, &mut dice, world, deal);
    }
}

/// Entries that were typed although the mailbox or the calendar knew already.
fn confirmed(office: &Office, dice: &Dice, world: &mut World) {
    let mut typed = Vec::new();
    for meeting in &world.meetings {
        if let Some(deal) = meeting.deal
            && meeting.confirmed
            && meeting.series.is_none()
            && meeting.end() < office.now
            && world.deals[deal].row.plant.rule().is_none()
            && dice.fork(&meeting.uid).chance(7)
        {
            let subject = meeting.summary.clone();
            typed.push(Typed { kind: "meeting", at: meeting.start, subject, deal, contact: 0 });
        }
    }
    for letter in &world.letters {
        if let Some(deal) = letter.deal
            && letter.evidence
            && letter.at < office.now
            && world.deals[deal].row.plant.rule().is_none()
            && dice.fork(&letter.id).chance(2)
        {
            // Typed later the same day, as people do.
            let at = letter.at + chrono::Duration::minutes(40);
            let firm = world.deals[deal].firm();
            let contact = world.deals[deal]
                .row
                .people
                .iter()
                .position(|p| super::world::Party::of(firm, *p).email == letter.from.email)
                .unwrap_or(0);
            typed.push(Typed { kind: "email", at, subject: letter.subject.clone(), deal, contact });
        }
    }
    world.typed.extend(typed.into_iter().filter(|t| t.at < office.now));
}

fn tasks(office: &Office, dice: &mut Dice, world: &mut World, deal: usize) {
    let (plant, open) = (world.deals[deal].row.plant, world.deals[deal].open());
    let zone = world.deals[deal].zone();
    let mut task = |due: i64, done: Option<i64>, subject: &str| {
        let done = done.map(|at| office.moment(at, zone));
        world.tasks.push(Task { deal, due: office.date(due), done, subject: subject.to_owned() });
    };
    match plant {
        Plant::GoneQuiet | Plant::GoneQuietBounced => task(3 * DAY, None, "Call again"),
        Plant::OverdueNextStep => task(-5 * DAY, None, "Send the revised layout"),
        Plant::NoNextStep => task(-4 * DAY, Some(-4 * DAY + 200), "Answer the open questions"),
        _ if open && dice.chance(35) => task(dice.between(2, 8) * DAY, None, "Prepare the next call"),
        // what was ticked off was done: nobody did anything about those
        _ if dice.chance(30) && !(open && misses_its_last_move(plant)) => {
            let at = world_last(world, deal) - 2 * DAY;
            let done = Some(office.moment(at, zone));
            let subject = "Send documents".to_owned();
            world.tasks.push(Task { deal, due: office.date(at), done, subject });
        }
        _ => {}
    }
}

fn world_last(world: &World, deal: usize) -> i64 {
    world.deals[deal].moves.last().map_or(-DAY, |m| m.0)
}

fn changes(office: &Office, dice: &mut Dice, world: &mut World, deal: usize) {
    let one = world.deals[deal].clone();
    let zone = one.zone();
    let mut change = |field: &'static str, from: String, to: String, at: i64| {
        world.changes.push(Changed { deal, field, from, to, at: office.moment(at, zone) });
    };
    let close = |days: i64| (one.close - chrono::Duration::days(days)).to_string();
    match one.row.plant {
        Plant::PushedClose => {
            let steps = [(-19, close(70), close(49)), (-11, close(49), close(28)), (-4, close(28), close(0))];
            for (at, from, to) in steps {
                change("close_date", from, to, at * DAY + 100);
            }
        }
        Plant::AmountDropped => change("amount", "178000".to_owned(), one.amount.to_string(), -5 * DAY + 60),
        _ if one.stage() >= 2 && dice.chance(25) => {
            let before = one.amount * 95 / 100;
            change("amount", before.to_string(), one.amount.to_string(), one.moves[2].0 - 90);
        }
        _ if one.stage() >= 3 && dice.chance(20) => {
            change("close_date", close(14), close(0), one.moves[one.moves.len() - 1].0 - 60);
        }
        _ => {}
    }
    if one.forecast == "commit" {
        let at = one.moves[one.moves.len() - 1].0 + 5;
        change("forecast_category", "best_case".to_owned(), "commit".to_owned(), at);
    }
    // what was committed once, and how it ended
    let sure = one.moves.iter().find(|m| m.1 == super::plot::NEGOTIATION);
    if let (false, Some((sure, _)), Some((end, _))) = (one.open(), sure, one.moves.last()) {
        change("forecast_category", "best_case".to_owned(), "commit".to_owned(), sure + 5);
        change("forecast_category", "commit".to_owned(), one.forecast.to_owned(), *end);
    }
}
