//! Meetings that mail speaks of: invitations, updates, cancellations and answers, with and without a calendar that
//! holds the event. The mails are `calendar` (part of a meeting) unless they carry a message of their own.
//! Left out, because the rules leave them open: invitations from people nobody knows, a mailed cancellation or newer
//! update of an event that a connected calendar still holds, an answer with a comment.

use chrono::{DateTime, Duration, Utc};

use super::{
    super::build::{ANA, BOB, Builder, CLEO, Person},
    super::ics::{self, Vevent},
    super::mail::Body,
    super::meet::{Fate, Plan, answer, held, vevent, with_status},
    super::post::{Fate as MailFate, decided},
    super::truth::Status,
    meetings::only,
};

scenes![
    mail_only,
    mail_planned,
    mail_update,
    mail_cancel,
    our_invitation,
    mail_and_calendar,
    calendar_beats_mail,
    answers_by_mail,
    older_answer,
    own_message,
    internal_invitation,
];

fn calendar() -> MailFate {
    MailFate::Skipped("calendar")
}

/// The invitation that belongs to a plan, sent at a time, which is also its DTSTAMP.
pub fn invite(b: &mut Builder, from: &Person, to: &[&Person], at: DateTime<Utc>, event: &Vevent, method: &'static str) {
    let event = Vevent { stamp: at, ..event.clone() };
    let draft = b.carry(from, to, at, &event, method);
    b.send(&draft, &calendar());
}

/// The truth of the meeting behind mails alone: no calendar holds it.
pub fn mailed(b: &mut Builder, plan: &Plan, fate: &Fate) {
    assert!(plan.calendars.is_empty(), "nobody with a calendar may take part here");
    b.instance(plan, None, fate);
}

fn mail_only(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let deal = b.deal(&company, CLEO);
    let cleo = b.user(CLEO);
    let when = b.hour(21);
    let plan = b.plan(&kim, &[(&cleo, "NEEDS-ACTION")], when);
    let at = b.ago(27);
    invite(b, &kim, &[&cleo], at, &vevent(&plan), "REQUEST");
    mailed(b, &plan, &held(true, only(&deal)));
}

fn mail_planned(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let deal = b.deal(&company, CLEO);
    let cleo = b.user(CLEO);
    let when = b.hour(-7);
    let plan = b.plan(&kim, &[(&cleo, "NEEDS-ACTION")], when);
    let at = b.ago(3);
    invite(b, &kim, &[&cleo], at, &vevent(&plan), "REQUEST");
    mailed(b, &plan, &with_status(Status::Planned, only(&deal)));
}

/// The update moves the meeting.
fn mail_update(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let deal = b.deal(&company, CLEO);
    let cleo = b.user(CLEO);
    let when = b.hour(30);
    let mut plan = b.plan(&kim, &[(&cleo, "NEEDS-ACTION")], when);
    let at = b.ago(45);
    invite(b, &kim, &[&cleo], at, &vevent(&plan), "REQUEST");
    plan.event.when = b.hour(28);
    plan.event.sequence = 1;
    let at = b.ago(40);
    invite(b, &kim, &[&cleo], at, &vevent(&plan), "REQUEST");
    mailed(b, &plan, &held(true, only(&deal)));
}

fn mail_cancel(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let deal = b.deal(&company, CLEO);
    let cleo = b.user(CLEO);
    for days in [35, -10] {
        let when = b.hour(days);
        let mut plan = b.plan(&kim, &[(&cleo, "NEEDS-ACTION")], when);
        let at = b.ago(days.max(0) + 9);
        invite(b, &kim, &[&cleo], at, &vevent(&plan), "REQUEST");
        plan.event.sequence = 1;
        plan.event.status = Some("CANCELLED");
        let at = b.ago(days.max(0) + 5);
        invite(b, &kim, &[&cleo], at, &vevent(&plan), "CANCEL");
        mailed(b, &plan, &with_status(Status::Cancelled, only(&deal)));
    }
}

/// We invite by mail: the guest accepts, declines, or says nothing.
fn our_invitation(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let deal = b.deal(&company, CLEO);
    let cleo = b.user(CLEO);
    let declined = with_status(Status::Declined, only(&deal));
    let cases =
        [(Some("ACCEPTED"), held(true, only(&deal))), (Some("DECLINED"), declined), (None, held(true, only(&deal)))];
    for (i, (word, fate)) in cases.into_iter().enumerate() {
        let days = 50 + 8 * i64::try_from(i).expect("small");
        let when = b.hour(days);
        let plan = b.plan(&cleo, &[(&kim, "NEEDS-ACTION")], when);
        let at = b.ago(days + 6);
        invite(b, &cleo, &[&kim], at, &vevent(&plan), "REQUEST");
        if let Some(word) = word {
            let at = b.ago(days + 4);
            let event = answer(&plan, &kim, word, at);
            invite(b, &kim, &[&cleo], at, &event, "REPLY");
        }
        mailed(b, &plan, &fate);
    }
}

/// The calendar holds what the invitation speaks of: one meeting.
fn mail_and_calendar(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let rep = b.rep_with_calendar();
    let deal = b.deal(&company, rep);
    let ana = b.user(rep);
    let when = b.hour(25);
    let plan = b.plan(&kim, &[(&ana, "ACCEPTED")], when);
    let mut sent = plan.clone();
    sent.guests[1].1 = "NEEDS-ACTION";
    let at = plan.event.stamp - Duration::days(1);
    invite(b, &kim, &[&ana], at, &vevent(&sent), "REQUEST");
    b.meet(&plan, &held(true, only(&deal)));
    // Called by us, nobody answered in the calendar, but the invitation went by mail: confirmed.
    let when = b.hour(43);
    let plan = b.plan(&ana, &[(&kim, "NEEDS-ACTION")], when);
    let at = plan.event.stamp;
    invite(b, &ana, &[&kim], at, &vevent(&plan), "REQUEST");
    b.meet(&plan, &held(true, only(&deal)));
}

/// The mail still speaks of the first time, the calendar of the second.
fn calendar_beats_mail(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let rep = b.rep_with_calendar();
    let deal = b.deal(&company, rep);
    let ana = b.user(rep);
    let when = b.hour(39);
    let mut plan = b.plan(&kim, &[(&ana, "ACCEPTED")], when);
    let at = plan.event.stamp - Duration::days(4);
    invite(b, &kim, &[&ana], at, &vevent(&plan), "REQUEST");
    plan.event.when = b.hour(36);
    plan.event.sequence = 1;
    b.meet(&plan, &held(true, only(&deal)));
}

/// The calendar has no answer; the guest's mailed answer is newer and counts.
fn answers_by_mail(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let rep = b.rep_with_calendar();
    let deal = b.deal(&company, rep);
    let ana = b.user(rep);
    for (days, word) in [(48, "DECLINED"), (55, "ACCEPTED")] {
        let when = b.hour(days);
        let plan = b.plan(&ana, &[(&kim, "NEEDS-ACTION")], when);
        let at = plan.event.stamp + Duration::days(2);
        let event = answer(&plan, &kim, word, at);
        invite(b, &kim, &[&ana], at, &event, "REPLY");
        let declined = with_status(Status::Declined, only(&deal));
        b.meet(&plan, &if word == "DECLINED" { declined } else { held(true, only(&deal)) });
    }
}

/// The calendar's answer is newer than the mailed one.
fn older_answer(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let rep = b.rep_with_calendar();
    let deal = b.deal(&company, rep);
    let ana = b.user(rep);
    let when = b.hour(52);
    let plan = b.plan(&ana, &[(&kim, "DECLINED")], when);
    let at = plan.event.stamp - Duration::days(2);
    let event = answer(&plan, &kim, "ACCEPTED", at);
    invite(b, &kim, &[&ana], at, &event, "REPLY");
    b.meet(&plan, &with_status(Status::Declined, only(&deal)));
}

/// A letter with the event attached is a mail of its own, and the meeting stands beside it.
fn own_message(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let rep = b.rep_with_calendar();
    let deal = b.deal(&company, rep);
    let ana = b.user(rep);
    let when = b.hour(37);
    let plan = b.plan(&kim, &[(&ana, "ACCEPTED")], when);
    let at = plan.event.stamp - Duration::days(1);
    let mut draft = b.draft(&kim, &[&ana], at);
    let event = Vevent { stamp: at, ..vevent(&plan) };
    draft.body = Body::WithCalendar { ics: ics::write(&[event], Some("REQUEST")), method: "REQUEST" };
    b.send(&draft, &decided(&deal, &["only_deal"]));
    b.meet(&plan, &held(true, only(&deal)));
}

/// `calendar` comes before `internal`.
fn internal_invitation(b: &mut Builder) {
    let (ana, bob) = (b.user(ANA), b.user(BOB));
    let when = b.hour(19);
    let plan = b.plan(&ana, &[(&bob, "NEEDS-ACTION")], when);
    let at = plan.event.stamp;
    invite(b, &ana, &[&bob], at, &vevent(&plan), "REQUEST");
    b.meet(&plan, &Fate::Skipped("no_outsider"));
}
