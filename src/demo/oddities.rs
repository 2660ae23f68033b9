//! Things that happen on one deal only: a mail that bounces, a meeting that names no deal, an unknown stakeholder, an
//! order from a portal, a weekly call with its exceptions.

use chrono::Datelike;

use super::cast::PORTAL;
use super::office::{DAY, half_hour};
use super::phrases::Say;
use super::post::{self, Thread};
use super::story::{Held, Teller};
use super::world::{Extra, Guest, Meeting, Moved, Party, Reply, Series, Times};

/// Our mail that came back.
pub(super) fn bounced(t: &mut Teller<'_>) {
    t.talk(-9 * DAY + 140, 0, 0, &[Say::Nudge]);
    if let Some(letter) = t.world.letters.last_mut() {
        letter.cc.clear();
        let letter = letter.clone();
        let address = t.buyers[0].email.clone();
        let report = post::bounce(&mut t.dice, &letter, &address);
        t.world.letters.push(report);
    }
}

/// A held meeting that names no deal and has only the shared contact.
pub(super) fn vague_meeting(t: &mut Teller<'_>) {
    t.unnamed = true;
    let end = t.meet(-2 * DAY + 240, 30, "Abstimmung", &[0], Held::Confirmed);
    t.unnamed = false;
    let buyer = t.buyers[0].clone();
    t.thread = None;
    t.say(end + 90, &buyer, Say::VagueAnswer);
}

/// Somebody from the customer who is not in the CRM.
pub(super) fn stakeholder(t: &mut Teller<'_>, since: i64) {
    let mut one = t.buyers[0].clone();
    one.name = "Nicolas Perrin".to_owned();
    one.given = "Nicolas".to_owned();
    one.family = "Perrin".to_owned();
    one.female = false;
    one.title = "Directeur financier".to_owned();
    one.email = format!("nicolas.perrin@{}", t.deal.firm().domain);
    for at in [since + 2 * DAY, -5 * DAY] {
        t.thread = None;
        t.go_on(at, at + DAY, &one, &[Say::Terms, Say::Answer]);
    }
}

/// The order as a purchasing portal sends it.
pub(super) fn portal_order(t: &mut Teller<'_>, at: i64) {
    let moment = t.moment(at);
    let portal = Party::other("Einkaufsportal", PORTAL);
    let owner = t.owner.clone();
    let subject = format!("Purchase order 4500771 for {} [{}]", t.deal.firm().name, t.deal.id);
    let text = "A new purchase order has been released for you. The document is attached.\n\nThis message was sent \
                automatically, please do not reply.\n";
    let mut letter = Thread::single(&mut t.dice, &portal, &owner, moment, &subject, text);
    letter.headers.push(("Auto-Submitted", "auto-generated".to_owned()));
    letter.extras.push(Extra::File("Purchase order 4500771.pdf".to_owned(), "application/pdf"));
    letter.deal = Some(t.index);
    t.world.letters.push(letter);
    t.talk(at + 60, at + 200, 0, &[Say::Update, Say::Welcome]);
}

/// A weekly call since the deal became serious: one date left out, one moved, minutes after each.
pub(super) fn weekly(t: &mut Teller<'_>) {
    let zone = t.deal.zone();
    let mut first = -30 * DAY;
    while t.office.date(first).weekday() != chrono::Weekday::Tue {
        first += DAY;
    }
    first += 60;
    let start = t.office.moment(first, zone);
    // Weeks are counted on the wall clock: a change to winter time moves the instant.
    let local = start.with_timezone(&zone).naive_local();
    let date = |week: i64| {
        (local + chrono::Duration::weeks(week)).and_local_timezone(zone).earliest().map(|d| d.to_utc()).unwrap_or(start)
    };
    let moved = Moved {
        original: date(4),
        start: date(4) + chrono::Duration::hours(28),
        summary: "Wöchentlicher Abgleich Alpenglas (verschoben)".to_owned(),
    };
    let mut guests: Vec<Guest> =
        t.buyers.iter().map(|b| Guest { party: b.clone(), reply: Reply::Accepted, room: false }).collect();
    guests.push(Guest { party: t.owner.clone(), reply: Reply::Accepted, room: false });
    let stamp = t.moment(first - 2 * DAY);
    let uid = format!("{:016x}@fernlicht.example", t.dice.next());
    let meeting = Meeting {
        uid,
        start,
        date: t.office.date(first),
        minutes: 30,
        zone,
        times: Times::Zone,
        summary: "Wöchentlicher Abgleich Alpenglas".to_owned(),
        notes: String::new(),
        organizer: Some(t.owner.clone()),
        guests,
        owners: vec![t.deal.owner],
        cancelled: false,
        private: false,
        sequence: 1,
        stamp,
        series: Some(Series {
            rule: "FREQ=WEEKLY;COUNT=12;BYDAY=TU".to_owned(),
            left_out: vec![date(2)],
            moved: vec![moved],
        }),
        deal: Some(t.index),
        confirmed: true,
    };
    t.world.meetings.push(meeting);
    let buyer = t.buyers[0].clone();
    for week in [0, 1, 3, 5, 6, 7] {
        let at = first + week * 5 * DAY + 60;
        if at < 0 {
            t.thread = None;
            t.say(half_hour(at, 30) + 17, &buyer, Say::Minutes);
        }
    }
}
