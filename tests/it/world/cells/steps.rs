//! Which deal a mail belongs to: role, owner, words, recency, and what no step can decide.

use super::{
    super::build::{ANA, BOB, Builder, CLEO, DAN},
    super::mail::{Body, Coding},
    super::post::{decided, undecided},
};

scenes![
    role,
    both_roles,
    role_on_a_lost_deal,
    owner,
    both_owners,
    words,
    words_in_subject_only,
    recency,
    undecidable,
    three_and_one_lost
];

fn role(b: &mut Builder) {
    let (company, domain, kim) = b.account();
    let lee = b.colleague(&company, &domain);
    let rep = b.rep();
    let deals = [b.deal(&company, rep), b.deal(&company, rep)];
    b.role(&deals[0], &kim, "Buyer");
    b.role(&deals[1], &lee, "Technical lead");
    for (person, deal) in [(&kim, &deals[0]), (&lee, &deals[1])] {
        let age = b.age();
        let at = b.ago(age);
        b.inbound(person, rep, at, &decided(deal, &["role"]));
    }
}

/// Both roles take part: the role step cannot decide, the owner who takes part does.
fn both_roles(b: &mut Builder) {
    let (company, domain, kim) = b.account();
    let lee = b.colleague(&company, &domain);
    let deals = [b.deal(&company, CLEO), b.deal(&company, DAN)];
    b.role(&deals[0], &kim, "Buyer");
    b.role(&deals[1], &lee, "Buyer");
    let cleo = b.user(CLEO);
    let age = b.age();
    let at = b.ago(age);
    let draft = b.draft(&cleo, &[&kim, &lee], at);
    b.send(&draft, &decided(&deals[0], &["owner"]));
}

/// The role belongs to a deal that was lost before the mail: the only open deal is meant.
fn role_on_a_lost_deal(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let rep = b.rep();
    let lost = b.deal(&company, rep);
    b.advance(&lost, "s6", 80);
    b.role(&lost, &kim, "Buyer");
    let open = b.deal(&company, rep);
    let at = b.ago(50);
    b.inbound(&kim, rep, at, &decided(&open, &["only_deal"]));
}

fn owner(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let deals = [b.deal(&company, ANA), b.deal(&company, BOB)];
    for (rep, deal) in [(ANA, &deals[0]), (BOB, &deals[1])] {
        let age = b.age();
        let at = b.ago(age);
        b.inbound(&kim, rep, at, &decided(deal, &["owner"]));
    }
}

fn both_owners(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let deals = [b.deal(&company, ANA), b.deal(&company, BOB)];
    let (ana, bob) = (b.user(ANA), b.user(BOB));
    let age = b.age();
    let at = b.ago(age);
    let mut draft = b.draft(&kim, &[&ana], at);
    draft.cc = vec![bob];
    b.send(&draft, &undecided(&[&deals[0], &deals[1]]));
}

/// The text speaks of the deal by its name, in one of several encodings.
fn words(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let rep = b.rep();
    let deals = [b.deal(&company, rep), b.deal(&company, rep)];
    let name = b.world.crm.deal(&deals[1]).name.clone();
    let ana = b.user(rep);
    let age = b.age();
    let at = b.ago(age);
    let mut draft = b.draft(&kim, &[&ana], at);
    draft.coding = *b.rng.pick(&[Coding::Utf8Base64, Coding::Latin1Quoted, Coding::Latin1Raw, Coding::Utf8Quoted]);
    draft.text = format!("Schöne Grüße. Wir haben über {name} gesprochen. {}", draft.text);
    draft.body = if b.rng.chance(50) { Body::Html } else { Body::Text };
    b.send(&draft, &decided(&deals[1], &["words"]));
}

/// Never by subject words alone.
fn words_in_subject_only(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let rep = b.rep();
    let deals = [b.deal(&company, rep), b.deal(&company, rep)];
    let name = b.world.crm.deal(&deals[1]).name.clone();
    let ana = b.user(rep);
    let age = b.age();
    let at = b.ago(age);
    let mut draft = b.draft(&kim, &[&ana], at);
    draft.subject = format!("About {name}");
    b.send(&draft, &undecided(&[&deals[0], &deals[1]]));
}

/// One deal moved two days before, the other not since it was opened.
fn recency(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let rep = b.rep();
    let deals = [b.deal(&company, rep), b.deal(&company, rep)];
    b.advance(&deals[0], "s2", 30);
    b.task(&deals[0]);
    let ana = b.user(rep);
    let at = b.ago(34);
    let mut draft = b.draft(&kim, &[&ana], at);
    draft.text = format!("{} About {}.", draft.text, deals[0]);
    b.send(&draft, &decided(&deals[0], &["reference"]));
    let at = b.ago(28);
    b.inbound(&kim, rep, at, &decided(&deals[0], &["recency"]));
}

/// Same owner, same age, no role, no word: both mails of the thread are left to the rep.
fn undecidable(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let rep = b.rep();
    let deals = [b.deal(&company, rep), b.deal(&company, rep)];
    let age = b.age();
    let at = b.ago(age);
    let first = b.inbound(&kim, rep, at, &undecided(&[&deals[0], &deals[1]]));
    let ana = b.user(rep);
    b.answer(first, &ana, &[&kim], &undecided(&[&deals[0], &deals[1]]));
}

/// Only the deals that were open then are candidates.
fn three_and_one_lost(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let rep = b.rep();
    let deals = [b.deal(&company, rep), b.deal(&company, rep), b.deal(&company, rep)];
    b.advance(&deals[2], "s6", 120);
    let age = b.rng.between(2, 8);
    let at = b.ago(age);
    b.inbound(&kim, rep, at, &undecided(&[&deals[0], &deals[1]]));
}
