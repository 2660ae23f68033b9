//! Which deal a mail belongs to: thread, reference, closed and young deals. The later steps stand in `steps`.

use super::{
    super::build::{ANA, BOB, Builder, CLEO},
    super::mail::Body,
    super::post::{Fate, decided, undecided},
    super::truth::DealChoice,
};

scenes![
    only_deal,
    reference_opens_thread,
    code_in_subject,
    code_of_a_closed_deal,
    two_codes,
    between_deals,
    thread_outlives_deal,
    forged_thread,
    code_in_attachment,
    code_in_base64,
    colleagues_thread,
];

/// What the answers in a thread may say when each of them could also be decided by itself.
const THREAD_OR_ONLY: &[&str] = &["thread", "only_deal"];

fn only_deal(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let rep = b.rep();
    let deal = b.deal(&company, rep);
    let ana = b.user(rep);
    let age = b.age();
    let at = b.ago(age);
    let first = b.outbound(rep, &kim, at, &decided(&deal, &["only_deal"]));
    let second = b.answer(first, &kim, &[&ana], &decided(&deal, THREAD_OR_ONLY));
    b.answer(second, &ana, &[&kim], &decided(&deal, THREAD_OR_ONLY));
}

/// The first mail names the deal in its text, the answers do not: the thread carries it on, from another address of the
/// same contact too.
fn reference_opens_thread(b: &mut Builder) {
    let (company, domain) = b.company();
    let rep = b.rep();
    let kim = b.contact(Some(&company), &[&format!("kim@{domain}"), &format!("k.private@{domain}")]);
    let deals = [b.deal(&company, rep), b.deal(&company, rep), b.deal(&company, rep)];
    let ana = b.user(rep);
    let age = b.age();
    let at = b.ago(age);
    let mut draft = b.draft(&ana, &[&kim], at);
    draft.text = format!("{} Our number for this is {}.", draft.text, deals[1]);
    let first = b.send(&draft, &decided(&deals[1], &["reference"]));
    let other = kim.at(&format!("k.private@{domain}"));
    let second = b.answer(first, &other, &[&ana], &decided(&deals[1], &["thread"]));
    b.answer(second, &ana, &[&other], &decided(&deals[1], &["thread"]));
}

fn code_in_subject(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let rep = b.rep();
    let deals = [b.deal(&company, rep), b.deal(&company, rep)];
    let ana = b.user(rep);
    let age = b.age();
    let at = b.ago(age);
    let mut draft = b.draft(&kim, &[&ana], at);
    draft.subject = format!("{} ({})", draft.subject, deals[0]);
    let first = b.send(&draft, &decided(&deals[0], &["reference"]));
    b.answer(first, &ana, &[&kim], &decided(&deals[0], &["thread", "reference"]));
}

/// A deal that was closed when the mail was written cannot be meant, whatever code the mail carries.
fn code_of_a_closed_deal(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let rep = b.rep();
    let closed = b.deal(&company, rep);
    b.advance(&closed, "s6", 100);
    let open = b.deal(&company, rep);
    let ana = b.user(rep);
    let at = b.ago(60);
    let mut draft = b.draft(&kim, &[&ana], at);
    draft.text = format!("{} This is not about {} any more.", draft.text, closed);
    b.send(&draft, &decided(&open, &["only_deal"]));
}

/// Two codes decide nothing, and nothing else tells the two deals apart.
fn two_codes(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let rep = b.rep();
    let deals = [b.deal(&company, rep), b.deal(&company, rep)];
    let ana = b.user(rep);
    let age = b.age();
    let at = b.ago(age);
    let mut draft = b.draft(&kim, &[&ana], at);
    draft.text = format!("{} It concerns {} and {}.", draft.text, deals[0], deals[1]);
    b.send(&draft, &undecided(&[&deals[0], &deals[1]]));
}

/// One deal is lost before the next is opened: each mail belongs to the deal of its time, or to none.
fn between_deals(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let rep = b.rep();
    let old = b.deal(&company, rep);
    b.advance(&old, "s6", 90);
    let young = b.deal(&company, rep);
    b.deal_mut(&young).created = super::super::days::at(b.now, 30, 9, 0, 0);
    let at = b.ago(96);
    b.inbound(&kim, rep, at, &decided(&old, &["only_deal"]));
    let at = b.ago(60);
    b.inbound(&kim, rep, at, &Fate::Captured(DealChoice::Nothing));
    let at = b.ago(4);
    b.inbound(&kim, rep, at, &decided(&young, &["only_deal"]));
}

/// An answer that comes when the thread's deal is closed goes to the deal that is open by then.
fn thread_outlives_deal(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let rep = b.rep();
    let old = b.deal(&company, rep);
    b.advance(&old, "s6", 40);
    let young = b.deal(&company, rep);
    b.deal_mut(&young).created = super::super::days::at(b.now, 38, 9, 0, 0);
    let ana = b.user(rep);
    let at = b.ago(50);
    let mut draft = b.draft(&ana, &[&kim], at);
    draft.text = format!("{} See {}.", draft.text, old);
    let first = b.send(&draft, &decided(&old, &["reference"]));
    let at = b.ago(30);
    let mut late = b.draft(&kim, &[&ana], at);
    late.reply_to = Some(first);
    b.send(&late, &decided(&young, &["only_deal"]));
}

/// A mail that claims to answer a thread of other people does not get the thread's deal.
fn forged_thread(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let deals = [b.deal(&company, ANA), b.deal(&company, ANA)];
    let ana = b.user(ANA);
    let at = b.ago(40);
    let mut draft = b.draft(&ana, &[&kim], at);
    draft.text = format!("{} This is {}.", draft.text, deals[0]);
    let first = b.send(&draft, &decided(&deals[0], &["reference"]));
    let (elsewhere, _, lee) = b.account();
    let other = b.deal(&elsewhere, BOB);
    let bob = b.user(BOB);
    b.answer(first, &lee, &[&bob], &decided(&other, &["only_deal"]));
}

/// The contents of attachments are never read, so a code in one decides nothing.
fn code_in_attachment(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let rep = b.rep();
    let deals = [b.deal(&company, rep), b.deal(&company, rep)];
    let ana = b.user(rep);
    let age = b.age();
    let at = b.ago(age);
    let mut draft = b.draft(&kim, &[&ana], at);
    let bytes = format!("Minutes about {}\r\n", deals[1]).into_bytes();
    draft.body = Body::Attached { name: "minutes.txt".into(), media: "text/plain", bytes };
    b.send(&draft, &undecided(&[&deals[0], &deals[1]]));
}

fn code_in_base64(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let rep = b.rep();
    let deals = [b.deal(&company, rep), b.deal(&company, rep)];
    let ana = b.user(rep);
    let age = b.age();
    let at = b.ago(age);
    let mut draft = b.draft(&kim, &[&ana], at);
    draft.text = format!("Grüße zu {} – bis bald.", deals[1]);
    draft.coding = super::super::mail::Coding::Utf8Base64;
    draft.body = if b.rng.chance(50) { Body::Html } else { Body::Text };
    b.send(&draft, &decided(&deals[1], &["reference"]));
}

/// A colleague who is added later stays in the same thread: the participants who wrote before are on it still.
fn colleagues_thread(b: &mut Builder) {
    let (company, domain, kim) = b.account();
    let lee = b.colleague(&company, &domain);
    let deals = [b.deal(&company, CLEO), b.deal(&company, CLEO)];
    let (cleo, bob) = (b.user(CLEO), b.user(BOB));
    let age = b.age();
    let at = b.ago(age);
    let mut draft = b.draft(&cleo, &[&kim], at);
    draft.text = format!("{} Number {}.", draft.text, deals[0]);
    let first = b.send(&draft, &decided(&deals[0], &["reference"]));
    let second = b.answer(first, &kim, &[&cleo, &lee, &bob], &decided(&deals[0], &["thread"]));
    b.answer(second, &lee, &[&cleo, &bob, &kim], &decided(&deals[0], &["thread"]));
}
