//! Deals and what is missing on them. A scene lays out moves, mails and meetings; which findings follow is judged by
//! `gaps` from the truth. Edges of windows are kept out by the margins there.

use chrono::Duration;

use super::{
    super::build::{ANA, BOB, Builder, EVA, Person, Who},
    super::days,
    super::mail::Body,
    super::meet::{held, with_status},
    super::post::{decided, undecided},
    super::truth::{DealChoice, Kind, Status},
    meetings::only,
};

scenes![
    unsupported,
    supported,
    resolved_late,
    our_mail_only,
    unconfirmed_meeting,
    typed_call,
    partner_only,
    automatic_reply_only,
    declined_meeting_only,
    automatic_order,
    too_recent,
    came_back,
    moves_count_as_one,
    short_stage,
    jump,
    won_and_lost,
    enterprise,
    blind_owner,
    blind_past,
    pending_choice,
    pending_meeting,
    steps_and_dates,
];

const ONLY: &[&str] = &["only_deal"];

/// A company with one deal and one contact.
fn account(b: &mut Builder) -> (usize, String, Person) {
    let (company, _, kim) = b.account();
    let rep = b.rep_with_calendar();
    let deal = b.deal(&company, rep);
    (rep, deal, kim)
}

fn wrote(b: &mut Builder, kim: &Person, rep: usize, deal: &str, days_ago: i64) {
    let at = b.ago(days_ago);
    b.inbound(kim, rep, at, &decided(deal, ONLY));
}

/// Nothing in the window; what came long before does not count.
fn unsupported(b: &mut Builder) {
    let (rep, deal, kim) = account(b);
    wrote(b, &kim, rep, &deal, 100);
    b.advance(&deal, "s2", 60);
}

/// Evidence before the move, and within the grace after it.
fn supported(b: &mut Builder) {
    let (rep, deal, kim) = account(b);
    wrote(b, &kim, rep, &deal, 65);
    b.advance(&deal, "s2", 60);
    let at = b.advance(&deal, "s3", 35);
    b.inbound(&kim, rep, at + Duration::hours(9), &decided(&deal, ONLY));
    wrote(b, &kim, rep, &deal, 3);
    b.task(&deal);
}

fn resolved_late(b: &mut Builder) {
    let (rep, deal, kim) = account(b);
    b.advance(&deal, "s2", 60);
    wrote(b, &kim, rep, &deal, 45);
}

fn our_mail_only(b: &mut Builder) {
    let (rep, deal, kim) = account(b);
    let at = b.ago(64);
    b.outbound(rep, &kim, at, &decided(&deal, ONLY));
    b.advance(&deal, "s2", 60);
}

fn unconfirmed_meeting(b: &mut Builder) {
    let (rep, deal, kim) = account(b);
    let ana = b.user(rep);
    let when = b.hour(55);
    let plan = b.plan(&ana, &[(&kim, "NEEDS-ACTION")], when);
    b.meet(&plan, &held(false, only(&deal)));
    b.advance(&deal, "s2", 50);
}

/// A call typed by hand that nothing confirms.
fn typed_call(b: &mut Builder) {
    let (_, deal, kim) = account(b);
    let at = b.ago(46);
    b.typed(Kind::Call, at, &deal, &kim, None);
    b.advance(&deal, "s2", 42);
}

/// A partner is an outsider but not the buyer.
fn partner_only(b: &mut Builder) {
    let (rep, deal, _) = account(b);
    let (reseller, domain) = b.company();
    b.world.partners.push(domain.clone());
    let pat = b.contact(Some(&reseller), &[&format!("pat@{domain}")]);
    let Who::Contact { id, .. } = pat.who.clone() else { panic!("a contact") };
    let pat = Person { who: Who::Partner { id, company: reseller }, ..pat };
    let ana = b.user(rep);
    let at = b.ago(47);
    let mut draft = b.draft(&pat, &[&ana], at);
    draft.text = format!("{} For {}.", draft.text, deal);
    b.send(&draft, &decided(&deal, &["reference"]));
    b.advance(&deal, "s2", 44);
}

/// An out-of-office reply is no evidence.
fn automatic_reply_only(b: &mut Builder) {
    let (rep, deal, kim) = account(b);
    let ana = b.user(rep);
    let at = b.ago(44);
    b.outbound(rep, &kim, at, &decided(&deal, ONLY));
    let mut draft = b.draft(&kim, &[&ana], at + Duration::minutes(1));
    draft.headers.push(("Auto-Submitted", "auto-replied".into()));
    b.send(&draft, &super::super::post::Fate::Skipped("automatic"));
    b.advance(&deal, "s2", 40);
}

fn declined_meeting_only(b: &mut Builder) {
    let (rep, deal, kim) = account(b);
    let ana = b.user(rep);
    let when = b.hour(45);
    let plan = b.plan(&ana, &[(&kim, "DECLINED")], when);
    b.meet(&plan, &with_status(Status::Declined, only(&deal)));
    b.advance(&deal, "s2", 41);
}

/// An order that the buyer's system sent is evidence.
fn automatic_order(b: &mut Builder) {
    let (company, domain) = b.company();
    let rep = b.rep();
    let deal = b.deal(&company, rep);
    let ana = b.user(rep);
    let robot = Person { name: "ERP".into(), address: format!("erp@{domain}"), who: Who::Company(company) };
    let at = b.ago(38);
    let mut draft = b.draft(&robot, &[&ana], at);
    draft.headers.push(("Auto-Submitted", "auto-generated".into()));
    let bytes = b"%PDF-1.4 order".to_vec();
    draft.body = Body::Attached { name: "Purchase Order 99.pdf".into(), media: "application/pdf", bytes };
    draft.tags = vec!["order"];
    b.send(&draft, &decided(&deal, ONLY));
    b.advance(&deal, "s2", 35);
}

/// Judged only when the grace is over.
fn too_recent(b: &mut Builder) {
    let (rep, deal, kim) = account(b);
    wrote(b, &kim, rep, &deal, 100);
    let at = b.now - Duration::hours(11);
    b.deal_mut(&deal).moves.push(("s2", at));
}

/// Forward and back within a day is no advance; nor is the way back up.
fn came_back(b: &mut Builder) {
    let (_, deal, _) = account(b);
    let at = b.ago(58);
    b.deal_mut(&deal).moves.extend([("s2", at), ("s1", at + Duration::hours(3))]);
    let (rep, deal, kim) = account(b);
    wrote(b, &kim, rep, &deal, 72);
    b.advance(&deal, "s2", 70);
    let at = b.ago(40);
    b.deal_mut(&deal).moves.extend([("s1", at), ("s2", at + Duration::hours(4))]);
}

/// Two moves within a day are one, from the first one's previous stage.
fn moves_count_as_one(b: &mut Builder) {
    let (_, deal, _) = account(b);
    let at = b.ago(48);
    b.deal_mut(&deal).moves.extend([("s2", at), ("s3", at + Duration::hours(2))]);
}

/// Evidence from before the previous stage was entered does not carry over.
fn short_stage(b: &mut Builder) {
    let (rep, deal, kim) = account(b);
    wrote(b, &kim, rep, &deal, 58);
    b.advance(&deal, "s2", 56);
    b.advance(&deal, "s3", 48);
}

fn jump(b: &mut Builder) {
    let (_, deal, _) = account(b);
    b.deal_mut(&deal).amount = 120_000.0;
    b.advance(&deal, "s4", 52);
}

/// Winning wants evidence, losing does not.
fn won_and_lost(b: &mut Builder) {
    let (rep, won, kim) = account(b);
    wrote(b, &kim, rep, &won, 93);
    b.advance(&won, "s3", 90);
    b.advance(&won, "s5", 50);
    let (_, lost, _) = account(b);
    b.advance(&lost, "s6", 50);
    let (rep, good, kim) = account(b);
    wrote(b, &kim, rep, &good, 80);
    b.advance(&good, "s2", 78);
    let ana = b.user(rep);
    let when = b.hour(52);
    let plan = b.plan(&ana, &[(&kim, "ACCEPTED")], when);
    b.meet(&plan, &held(true, only(&good)));
    b.advance(&good, "s5", 50);
}

/// The other pipeline.
fn enterprise(b: &mut Builder) {
    let (rep, deal, kim) = account(b);
    b.deal_mut(&deal).first_stage = "e1";
    wrote(b, &kim, rep, &deal, 83);
    b.advance(&deal, "e2", 80);
    b.advance(&deal, "e3", 30);
}

/// Her mailbox is not connected: nothing can be blamed on her.
fn blind_owner(b: &mut Builder) {
    let (company, _, _) = b.account();
    let deal = b.deal(&company, EVA);
    b.advance(&deal, "s2", 60);
}

/// The window reaches back before capture began.
fn blind_past(b: &mut Builder) {
    let (_, deal, _) = account(b);
    b.deal_mut(&deal).created = days::at(b.now, 300, 9, 0, 0);
    b.advance(&deal, "s2", 177);
    b.task(&deal);
}

/// A mail whose deal is not chosen yet may be the evidence of either deal.
fn pending_choice(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let deals = [b.deal(&company, ANA), b.deal(&company, ANA)];
    let moved = b.ago(50);
    for deal in &deals {
        b.deal_mut(deal).moves.push(("s2", moved));
        b.task(deal);
    }
    let at = b.ago(53);
    b.inbound(&kim, ANA, at, &undecided(&[&deals[0], &deals[1]]));
}

/// A planned meeting that may belong to either deal.
fn pending_meeting(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let deals = [b.deal(&company, BOB), b.deal(&company, BOB)];
    let bob = b.user(BOB);
    let moved = b.ago(70);
    for deal in &deals {
        b.deal_mut(deal).moves.push(("s2", moved));
        let mut draft = b.draft(&kim, &[&bob], moved - Duration::days(3));
        draft.text = format!("{} It is about {}.", draft.text, deal);
        b.send(&draft, &decided(deal, &["reference"]));
    }
    let when = b.hour(-9);
    let plan = b.plan(&bob, &[(&kim, "ACCEPTED")], when);
    b.meet(&plan, &with_status(Status::Planned, DealChoice::Undecided(deals.iter().cloned().collect())));
}

/// Overdue close dates, with and without a next step.
fn steps_and_dates(b: &mut Builder) {
    let (rep, late, kim) = account(b);
    b.deal_mut(&late).close_date = days::date(b.now, 12);
    wrote(b, &kim, rep, &late, 5);
    let (rep, quiet, kim) = account(b);
    wrote(b, &kim, rep, &quiet, 62);
    b.advance(&quiet, "s2", 60);
    let ana = b.user(rep);
    let when = b.hour(-6);
    let plan = b.plan(&ana, &[(&kim, "ACCEPTED")], when);
    b.meet(&plan, &with_status(Status::Planned, only(&quiet)));
    // A meeting that is too far away to keep the deal from being quiet, but is a next step.
    let (rep, far, kim) = account(b);
    wrote(b, &kim, rep, &far, 62);
    b.advance(&far, "s2", 60);
    let ana = b.user(rep);
    let when = b.hour(-25);
    let plan = b.plan(&ana, &[(&kim, "ACCEPTED")], when);
    b.meet(&plan, &with_status(Status::Planned, only(&far)));
    // Won deals have no overdue close.
    let (rep, won, kim) = account(b);
    wrote(b, &kim, rep, &won, 33);
    b.advance(&won, "s5", 31);
    b.deal_mut(&won).close_date = days::date(b.now, 20);
}
