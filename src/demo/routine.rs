//! The calendars' other entries: team meetings, private appointments, all-day entries, declined, cancelled and moved
//! meetings, a room, a Windows zone name.

use chrono::Datelike;

use super::cast::{MIA, OLIVER, OWN_DOMAIN, REPS};
use super::dice::Dice;
use super::office::{DAY, Office};
use super::plot::Plant;
use super::post;
use super::world::{Guest, Meeting, Party, Reply, Series, Times, World};

pub(super) fn tell(office: &Office, dice: &Dice, world: &mut World) {
    let mut dice = dice.fork("routine");
    for (manager, reps) in [(MIA, [0, 1]), (OLIVER, [2, 3])] {
        team(office, &mut dice, world, manager, reps);
    }
    for rep in 0..REPS {
        let manager = if rep < 2 { MIA } else { OLIVER };
        for week in 0..10 {
            let at = (8 - week * 10) * DAY + 390;
            let mut one = entry(office, &mut dice, rep, at, 30, "1:1");
            one.organizer = Some(Party::own(manager));
            one.guests = vec![guest(Party::own(rep), Reply::Accepted), guest(Party::own(manager), Reply::Accepted)];
            if rep == 1 {
                one.times = Times::Windows;
            }
            world.meetings.push(one);
        }
        own_time(office, &mut dice, world, rep);
        pitches(office, &mut dice, world, rep);
    }
    let fit = |plant: Plant| {
        let others =
            matches!(plant, Plant::AmountDropped | Plant::PushedClose | Plant::Stalled | Plant::MissingEvidence);
        others || matches!(plant, Plant::Healthy | Plant::Misclick | Plant::Competitor | Plant::SkippedStage)
    };
    let open: Vec<usize> = (0..world.deals.len())
        .filter(|n| world.deals[*n].open() && world.deals[*n].stage() > 0 && fit(world.deals[*n].row.plant))
        .collect();
    for (n, deal) in open.into_iter().enumerate() {
        if n % 2 == 0 {
            declined(office, &mut dice, world, deal);
        } else {
            moved(office, &mut dice, world, deal);
        }
    }
}

fn guest(party: Party, reply: Reply) -> Guest {
    Guest { party, reply, room: false }
}

/// An entry of one's own, nobody invited.
fn entry(office: &Office, dice: &mut Dice, rep: usize, at: i64, minutes: i64, summary: &str) -> Meeting {
    let zone = Party::own(rep).zone;
    Meeting {
        uid: format!("{:016x}@{OWN_DOMAIN}", dice.next()),
        start: office.moment(at, zone),
        date: office.date(at),
        minutes,
        zone,
        times: Times::Zone,
        summary: summary.to_owned(),
        notes: String::new(),
        organizer: None,
        guests: Vec::new(),
        owners: vec![rep],
        cancelled: false,
        private: false,
        sequence: 0,
        stamp: office.moment((at - 5 * DAY).min(-DAY), zone),
        series: None,
        deal: None,
        confirmed: false,
    }
}

/// The weekly team meeting, one event in two calendars, with a room.
fn team(office: &Office, dice: &mut Dice, world: &mut World, manager: usize, reps: [usize; 2]) {
    let mut first = -100 * DAY;
    while office.date(first).weekday() != chrono::Weekday::Mon {
        first += DAY;
    }
    let mut one = entry(office, dice, reps[0], first + 30, 45, "Team meeting");
    one.zone = super::cast::OWN_ZONE;
    one.start = office.moment(first + 30, one.zone);
    one.organizer = Some(Party::own(manager));
    one.guests = reps.iter().map(|r| guest(Party::own(*r), Reply::Accepted)).collect();
    one.guests.push(guest(Party::own(super::cast::TOMASZ), Reply::Tentative));
    let room = Party::other("Room Isar", &format!("room-isar@{OWN_DOMAIN}"));
    one.guests.push(Guest { party: room, reply: Reply::Accepted, room: true });
    one.owners = reps.to_vec();
    one.series = Some(Series { rule: "FREQ=WEEKLY;BYDAY=MO;COUNT=32".to_owned(), ..Series::default() });
    world.meetings.push(one);
}

/// Private, focus time and whole days.
fn own_time(office: &Office, dice: &mut Dice, world: &mut World, rep: usize) {
    for (at, summary) in [(-61, "Zahnarzt"), (-33, "Elternabend"), (-12, "Zahnarzt"), (4, "Autowerkstatt")] {
        let mut one = entry(office, dice, rep, at * DAY + 450, 60, summary);
        one.private = true;
        world.meetings.push(one);
    }
    for week in 0..18 {
        let at = (5 - week * 6) * DAY + 60;
        world.meetings.push(entry(office, dice, rep, at, 90, "Focus time"));
    }
    for (at, days, summary) in [(-47, 3, "Industriemesse"), (-20, 1, "Home office"), (9, 1, "Company day")] {
        let mut one = entry(office, dice, rep, at * DAY, 0, summary);
        one.times = Times::AllDay(days);
        world.meetings.push(one);
    }
}

/// Invitations of strangers that were declined.
fn pitches(office: &Office, dice: &mut Dice, world: &mut World, rep: usize) {
    for at in [-52, -15] {
        let mut one = entry(office, dice, rep, at * DAY + 300, 30, "Product presentation");
        let seller = Party::other("Tim Okafor", "tim@datastream-tools.example");
        one.organizer = Some(seller);
        one.guests = vec![guest(Party::own(rep), Reply::Declined)];
        one.times = Times::Utc;
        world.meetings.push(one);
    }
}

/// A customer meeting the customer declined, with the answer in the mail.
fn declined(office: &Office, dice: &mut Dice, world: &mut World, deal: usize) {
    let Some(mut one) = with_customer(office, dice, world, deal, -DAY + 420) else { return };
    one.guests[0].reply = Reply::Declined;
    let sent = post::invitation(dice, &one, "REQUEST", one.stamp);
    let answer = post::reply(dice, &one, 0, one.stamp + chrono::Duration::minutes(95));
    world.letters.extend(sent.into_iter().chain(answer));
    world.meetings.push(one);
}

/// A planned customer meeting that was put off by a day, with both invitations in the mail.
fn moved(office: &Office, dice: &mut Dice, world: &mut World, deal: usize) {
    let Some(mut one) = with_customer(office, dice, world, deal, 7 * DAY + 420) else { return };
    one.confirmed = true;
    let first = post::invitation(dice, &one, "REQUEST", one.stamp);
    one.start = office.moment(8 * DAY + 420, one.zone);
    one.sequence = 1;
    one.stamp += chrono::Duration::minutes(190);
    let second = post::invitation(dice, &one, "REQUEST", one.stamp);
    world.letters.extend(first.into_iter().chain(second));
    world.meetings.push(one);
}

fn with_customer(office: &Office, dice: &mut Dice, world: &World, deal: usize, at: i64) -> Option<Meeting> {
    let deal_row = &world.deals[deal];
    let firm = deal_row.firm();
    let mut one = entry(office, dice, deal_row.owner, at, 30, &format!("Status {}", firm.short));
    one.organizer = Some(Party::own(deal_row.owner));
    one.guests = vec![
        guest(Party::of(firm, *deal_row.row.people.first()?), Reply::None),
        guest(Party::own(deal_row.owner), Reply::Accepted),
    ];
    one.deal = Some(deal);
    one.stamp = office.moment(-3 * DAY + 60, one.zone);
    Some(one)
}
