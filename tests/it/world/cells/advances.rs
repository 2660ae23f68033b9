//! More moves and what stands behind them: other pipelines, partners with a role, owners we are blind for.

use super::{
    super::build::{Builder, CLEO, DAN, EVA, Person, Who},
    super::meet::held,
    super::post::decided,
    super::truth::Weight,
    meetings::only,
};

scenes![
    other_pipeline,
    won_elsewhere,
    partner_with_role,
    seen_by_a_colleague,
    without_calendar,
    colleagues_meeting,
    two_advances
];

/// A higher position in another pipeline is no advance.
fn other_pipeline(b: &mut Builder) {
    let (company, _, _) = b.account();
    let deal = b.deal(&company, DAN);
    b.advance(&deal, "e3", 50);
}

/// Won is won, in whatever pipeline.
fn won_elsewhere(b: &mut Builder) {
    let (company, _, _) = b.account();
    let deal = b.deal(&company, DAN);
    b.advance(&deal, "e4", 50);
}

/// A partner who has a role on the deal speaks for the buyer.
fn partner_with_role(b: &mut Builder) {
    let (company, _, _) = b.account();
    let rep = b.rep();
    let deal = b.deal(&company, rep);
    let (reseller, domain) = b.company();
    b.world.partners.push(domain.clone());
    let pat = b.contact(Some(&reseller), &[&format!("pat@{domain}")]);
    let Who::Contact { id, .. } = pat.who.clone() else { panic!("a contact") };
    let pat = Person { who: Who::Partner { id, company: reseller }, ..pat };
    b.role(&deal, &pat, "Buyer");
    let at = b.ago(47);
    let mail = b.inbound(&pat, rep, at, &decided(&deal, &["role"]));
    let ix = b.world.mails[mail].activity.expect("captured");
    b.world.activities[ix].weight = Weight::Evidence;
    b.advance(&deal, "s2", 44);
}

/// Nobody sees her own mailbox, but a colleague's mail is evidence all the same.
fn seen_by_a_colleague(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let deal = b.deal(&company, EVA);
    let at = b.ago(43);
    b.inbound(&kim, DAN, at, &decided(&deal, &["only_deal"]));
    b.advance(&deal, "s2", 40);
}

/// An owner without a calendar is judged by the mailbox.
fn without_calendar(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let deal = b.deal(&company, CLEO);
    b.advance(&deal, "s2", 66);
    let at = b.ago(33);
    b.inbound(&kim, CLEO, at, &decided(&deal, &["only_deal"]));
    b.advance(&deal, "s3", 31);
}

/// A colleague's meeting stands behind the owner's move.
fn colleagues_meeting(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let deal = b.deal(&company, CLEO);
    let dan = b.user(DAN);
    let when = b.hour(57);
    let plan = b.plan(&dan, &[(&kim, "ACCEPTED")], when);
    b.meet(&plan, &held(true, only(&deal)));
    b.advance(&deal, "s2", 54);
}

/// Evidence for the second move resolves the first one late.
fn two_advances(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let rep = b.rep();
    let deal = b.deal(&company, rep);
    b.advance(&deal, "s2", 80);
    let at = b.ago(45);
    b.inbound(&kim, rep, at, &decided(&deal, &["only_deal"]));
    b.advance(&deal, "s3", 42);
}
