//! Single meetings in calendars: their life, who confirmed them, and events that are no meetings with the outside.
//! Left out, because the rules leave them open: CLASS:CONFIDENTIAL, a future meeting that everybody declined already,
//! unknown time zones.

use chrono::Duration;

use super::{
    super::build::{ANA, BOB, Builder, DAN, Person, Who},
    super::days,
    super::ics::When,
    super::meet::{BERLIN, Fate, NEW_YORK, held, with_status},
    super::truth::{DealChoice, Status},
};

scenes![
    held_and_planned,
    answers,
    ours_declined,
    cancelled,
    private,
    no_outsider,
    unknown_guests,
    excluded_guest,
    two_calendars,
    kinds_of_time,
    stranger_of_a_company,
    choice_of_deal,
    one_uid_two_meetings,
];

pub fn only(deal: &str) -> DealChoice {
    DealChoice::Decided { deal: deal.into(), reasons: vec!["only_deal"] }
}

fn held_and_planned(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let rep = b.rep_with_calendar();
    let deal = b.deal(&company, rep);
    let ana = b.user(rep);
    let when = b.hour(50);
    let plan = b.plan(&ana, &[(&kim, "ACCEPTED")], when);
    b.meet(&plan, &held(true, only(&deal)));
    // Called by the outsider: confirmed without any answer.
    let when = b.hour(26);
    let plan = b.plan(&kim, &[(&ana, "NEEDS-ACTION")], when);
    b.meet(&plan, &held(true, only(&deal)));
    // Nobody answered.
    let when = b.hour(40);
    let plan = b.plan(&ana, &[(&kim, "NEEDS-ACTION")], when);
    b.meet(&plan, &held(false, only(&deal)));
    let when = b.hour(-5);
    let plan = b.plan(&ana, &[(&kim, "TENTATIVE")], when);
    b.meet(&plan, &with_status(Status::Planned, only(&deal)));
}

/// No answer is not a decline; one who accepted is enough.
fn answers(b: &mut Builder) {
    let (company, domain, kim) = b.account();
    let lee = b.colleague(&company, &domain);
    let rep = b.rep_with_calendar();
    let deal = b.deal(&company, rep);
    let ana = b.user(rep);
    let declined = with_status(Status::Declined, only(&deal));
    let cases = [
        ("DECLINED", "DECLINED", declined),
        ("DECLINED", "NEEDS-ACTION", held(false, only(&deal))),
        ("DECLINED", "ACCEPTED", held(true, only(&deal))),
    ];
    for (i, (first, second, fate)) in cases.iter().enumerate() {
        let when = b.hour(30 + 7 * i64::try_from(i).expect("small"));
        let plan = b.plan(&ana, &[(&kim, first), (&lee, second)], when);
        b.meet(&plan, fate);
    }
}

fn ours_declined(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let deal = b.deal(&company, ANA);
    let (ana, bob) = (b.user(ANA), b.user(BOB));
    let when = b.hour(33);
    let plan = b.plan(&kim, &[(&ana, "DECLINED"), (&bob, "DECLINED")], when);
    b.meet(&plan, &with_status(Status::Declined, only(&deal)));
    let when = b.hour(61);
    let plan = b.plan(&kim, &[(&ana, "DECLINED"), (&bob, "ACCEPTED")], when);
    b.meet(&plan, &held(true, only(&deal)));
}

fn cancelled(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let rep = b.rep_with_calendar();
    let deal = b.deal(&company, rep);
    let ana = b.user(rep);
    for days in [29, -8] {
        let when = b.hour(days);
        let mut plan = b.plan(&ana, &[(&kim, "ACCEPTED")], when);
        plan.event.status = Some("CANCELLED");
        plan.event.sequence = 1;
        b.meet(&plan, &with_status(Status::Cancelled, only(&deal)));
    }
}

fn private(b: &mut Builder) {
    let (_, _, kim) = b.account();
    let rep = b.rep_with_calendar();
    let ana = b.user(rep);
    let when = b.hour(20);
    let mut plan = b.plan(&ana, &[(&kim, "ACCEPTED")], when);
    plan.event.class = Some("PRIVATE");
    b.meet(&plan, &Fate::Skipped("private"));
}

/// Colleagues and a room, a colleague alone, and an appointment with oneself.
fn no_outsider(b: &mut Builder) {
    let (ana, bob) = (b.user(ANA), b.user(BOB));
    let when = b.hour(18);
    let mut plan = b.plan(&ana, &[(&bob, "ACCEPTED")], when);
    plan.room = Some("room7@hotel.example");
    b.meet(&plan, &Fate::Skipped("no_outsider"));
    let desk = Person { name: "Desk".into(), address: "desk@mail.nordwind.example".into(), who: Who::Ours };
    let when = b.hour(-3);
    let plan = b.plan(&bob, &[(&desk, "NEEDS-ACTION")], when);
    b.meet(&plan, &Fate::Skipped("no_outsider"));
    let when = b.hour(17);
    let mut plan = b.plan(&ana, &[], when);
    plan.organizer = None;
    plan.event.organizer = None;
    plan.guests.clear();
    b.meet(&plan, &Fate::Skipped("no_outsider"));
}

fn unknown_guests(b: &mut Builder) {
    let n = b.serial();
    let stranger = b.unknown("Stranger", &format!("who@unheard{n}.example"));
    let rep = b.rep_with_calendar();
    let ana = b.user(rep);
    let when = b.hour(22);
    let plan = b.plan(&ana, &[(&stranger, "ACCEPTED")], when);
    b.meet(&plan, &Fate::Waiting);
}

fn excluded_guest(b: &mut Builder) {
    let (_, _, kim) = b.account();
    let friend = b.unknown("Friend", "friend@private.example");
    let rep = b.rep_with_calendar();
    let ana = b.user(rep);
    let when = b.hour(23);
    let plan = b.plan(&ana, &[(&kim, "ACCEPTED"), (&friend, "ACCEPTED")], when);
    b.meet(&plan, &Fate::Skipped("excluded"));
}

fn two_calendars(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let deal = b.deal(&company, BOB);
    let (ana, bob) = (b.user(ANA), b.user(BOB));
    let when = b.hour(24);
    let mut plan = b.plan(&ana, &[(&bob, "ACCEPTED"), (&kim, "ACCEPTED")], when);
    plan.room = Some("room7@hotel.example");
    b.meet(&plan, &held(true, only(&deal)));
}

/// UTC, a Windows zone with its VTIMEZONE, another zone, floating and all-day times of two owners.
fn kinds_of_time(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let deal = b.deal(&company, DAN);
    let hour = Duration::hours(1);
    let local = |b: &Builder, ago: i64| days::date(b.now, ago).and_hms_opt(14, 30, 0).expect("a time");
    let forms = [
        (ANA, When::Utc(local(b, 31).and_utc(), hour)),
        (BOB, When::Zoned("W. Europe Standard Time", BERLIN, local(b, 32), hour)),
        (ANA, When::Zoned("America/New_York", NEW_YORK, local(b, 34), hour)),
        (BOB, When::Floating(BERLIN, local(b, 36), hour)),
        (DAN, When::Floating(NEW_YORK, local(b, 38), hour)),
        (DAN, When::AllDay(days::date(b.now, 41), 2)),
        (ANA, When::AllDay(days::date(b.now, -6), 1)),
    ];
    for (rep, when) in forms {
        let user = b.user(rep);
        let plan = b.plan(&user, &[(&kim, "ACCEPTED")], when);
        let planned = when.start() > b.now;
        let fate = if planned { with_status(Status::Planned, only(&deal)) } else { held(true, only(&deal)) };
        b.meet(&plan, &fate);
    }
}

fn stranger_of_a_company(b: &mut Builder) {
    let (company, domain) = b.company();
    let rep = b.rep_with_calendar();
    let deal = b.deal(&company, rep);
    let ana = b.user(rep);
    let address = format!("new.person@{domain}");
    let stranger = Person { name: "New Person".into(), address, who: Who::Company(company) };
    let when = b.hour(44);
    let plan = b.plan(&ana, &[(&stranger, "ACCEPTED")], when);
    b.meet(&plan, &held(true, only(&deal)));
}

/// The cascade for meetings: a code in the title, a role, the owner, and what nothing decides.
fn choice_of_deal(b: &mut Builder) {
    let (company, domain, kim) = b.account();
    let lee = b.colleague(&company, &domain);
    let deals = [b.deal(&company, ANA), b.deal(&company, ANA)];
    b.role(&deals[1], &lee, "Buyer");
    let ana = b.user(ANA);
    let when = b.hour(47);
    let mut plan = b.plan(&ana, &[(&kim, "ACCEPTED")], when);
    plan.event.summary = format!("{} {}", plan.event.summary, deals[0]);
    b.meet(&plan, &held(true, DealChoice::Decided { deal: deals[0].clone(), reasons: vec!["reference"] }));
    let when = b.hour(49);
    let plan = b.plan(&ana, &[(&lee, "ACCEPTED")], when);
    b.meet(&plan, &held(true, DealChoice::Decided { deal: deals[1].clone(), reasons: vec!["role"] }));
    let (company, _, per) = b.account();
    let deals = [b.deal(&company, ANA), b.deal(&company, BOB)];
    let when = b.hour(51);
    let plan = b.plan(&ana, &[(&per, "ACCEPTED")], when);
    b.meet(&plan, &held(true, DealChoice::Decided { deal: deals[0].clone(), reasons: vec!["owner"] }));
    let dan = b.user(DAN);
    let when = b.hour(5);
    let plan = b.plan(&dan, &[(&per, "ACCEPTED")], when);
    b.meet(&plan, &held(true, DealChoice::Undecided(deals.iter().cloned().collect())));
}

/// The same UID with another organizer is another meeting.
fn one_uid_two_meetings(b: &mut Builder) {
    let (first, _, kim) = b.account();
    let (second, _, lee) = b.account();
    let deals = [b.deal(&first, ANA), b.deal(&second, BOB)];
    let (ana, bob) = (b.user(ANA), b.user(BOB));
    let when = b.hour(53);
    let plan = b.plan(&kim, &[(&ana, "ACCEPTED")], when);
    b.meet(&plan, &held(true, only(&deals[0])));
    let when = b.hour(57);
    let mut other = b.plan(&lee, &[(&bob, "ACCEPTED")], when);
    other.event.uid.clone_from(&plan.event.uid);
    b.meet(&other, &held(true, only(&deals[1])));
}
