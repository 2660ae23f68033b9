//! Meetings that only mail knows, with more than one mail about them: series, counter-proposals, second thoughts.

use super::{
    super::build::{Builder, CLEO, MIA},
    super::meet::{answer, held, vevent, with_status},
    super::truth::Status,
    invitations::{invite, mailed},
    meetings::only,
};

scenes![mailed_series, counter_proposal, second_answer, two_without_calendar];

/// A series that only mail knows, one instance of which was cancelled later.
fn mailed_series(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let deal = b.deal(&company, CLEO);
    let cleo = b.user(CLEO);
    let when = b.hour(59);
    let mut plan = b.plan(&kim, &[(&cleo, "NEEDS-ACTION")], when);
    plan.event.lines = vec!["RRULE:FREQ=WEEKLY;COUNT=3".into()];
    let at = b.ago(66);
    invite(b, &kim, &[&cleo], at, &vevent(&plan), "REQUEST");
    let mut cancel = vevent(&plan);
    cancel.when = when.plus_days(7);
    cancel.status = Some("CANCELLED");
    cancel.sequence = 1;
    cancel.lines = vec![when.plus_days(7).line("RECURRENCE-ID")];
    let at = b.ago(55);
    invite(b, &kim, &[&cleo], at, &cancel, "CANCEL");
    for i in 0..3 {
        plan.event.when = when.plus_days(7 * i);
        let fate = if i == 1 { with_status(Status::Cancelled, only(&deal)) } else { held(true, only(&deal)) };
        b.instance(&plan, Some(plan.event.when.start()), &fate);
    }
}

/// A counter-proposal moves nothing: the organizer did not take it up.
fn counter_proposal(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let deal = b.deal(&company, CLEO);
    let cleo = b.user(CLEO);
    let when = b.hour(62);
    let plan = b.plan(&cleo, &[(&kim, "NEEDS-ACTION")], when);
    let at = b.ago(70);
    invite(b, &cleo, &[&kim], at, &vevent(&plan), "REQUEST");
    let mut counter = vevent(&plan);
    counter.when = when.plus_days(2);
    let at = b.ago(68);
    invite(b, &kim, &[&cleo], at, &counter, "COUNTER");
    mailed(b, &plan, &held(true, only(&deal)));
}

/// The guest's last answer counts.
fn second_answer(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let deal = b.deal(&company, CLEO);
    let cleo = b.user(CLEO);
    for (days, words) in [(30, ["DECLINED", "ACCEPTED"]), (41, ["ACCEPTED", "DECLINED"])] {
        let when = b.hour(days);
        let plan = b.plan(&cleo, &[(&kim, "NEEDS-ACTION")], when);
        let at = b.ago(days + 8);
        invite(b, &cleo, &[&kim], at, &vevent(&plan), "REQUEST");
        for (word, before) in words.into_iter().zip([6, 3]) {
            let at = b.ago(days + before);
            let event = answer(&plan, &kim, word, at);
            invite(b, &kim, &[&cleo], at, &event, "REPLY");
        }
        let declined = words[1] == "DECLINED";
        let fate = if declined { with_status(Status::Declined, only(&deal)) } else { held(true, only(&deal)) };
        mailed(b, &plan, &fate);
    }
}

/// Two of us without a calendar got the same invitation: one meeting.
fn two_without_calendar(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let deal = b.deal(&company, CLEO);
    let (cleo, mia) = (b.user(CLEO), b.user(MIA));
    let when = b.hour(64);
    let plan = b.plan(&kim, &[(&cleo, "NEEDS-ACTION"), (&mia, "NEEDS-ACTION")], when);
    let at = b.ago(71);
    invite(b, &kim, &[&cleo, &mia], at, &vevent(&plan), "REQUEST");
    mailed(b, &plan, &held(true, only(&deal)));
}
