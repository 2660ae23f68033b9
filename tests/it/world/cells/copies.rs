//! One event, one activity: the same mail in several boxes, missing and reused Message-IDs.

use super::{
    super::Flags,
    super::build::{ANA, BOB, Builder, CLEO},
    super::post::{Id, decided},
};

scenes![
    two_boxes,
    sent_and_inbox,
    twice_in_one_box,
    no_id_two_boxes,
    no_id_two_mails,
    reused_id,
    id_other_sender,
    date_shifted,
    one_copy_in_trash,
];

fn two_boxes(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let deal = b.deal(&company, ANA);
    let (ana, bob, cleo) = (b.user(ANA), b.user(BOB), b.user(CLEO));
    let age = b.age();
    let at = b.ago(age);
    let mut draft = b.draft(&kim, &[&ana, &bob], at);
    draft.cc = vec![cleo];
    b.send(&draft, &decided(&deal, &["only_deal"]));
}

/// In Sent of one rep and in the inbox of another.
fn sent_and_inbox(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let deal = b.deal(&company, BOB);
    let (ana, bob) = (b.user(ANA), b.user(BOB));
    let age = b.age();
    let at = b.ago(age);
    let mut draft = b.draft(&bob, &[&kim], at);
    draft.cc = vec![ana];
    b.send(&draft, &decided(&deal, &["only_deal"]));
}

fn twice_in_one_box(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let rep = b.rep();
    let deal = b.deal(&company, rep);
    let ana = b.user(rep);
    let age = b.age();
    let at = b.ago(age);
    let mut draft = b.draft(&kim, &[&ana], at);
    draft.copies =
        Some(vec![(rep, "INBOX", Flags::default()), (rep, "Archive", Flags { seen: true, ..Flags::default() })]);
    b.send(&draft, &decided(&deal, &["only_deal"]));
}

/// Without a Message-ID: From, Date, subject and the sorted recipients tell that it is the same mail.
fn no_id_two_boxes(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let deal = b.deal(&company, ANA);
    let (ana, bob) = (b.user(ANA), b.user(BOB));
    let age = b.age();
    let at = b.ago(age);
    let mut draft = b.draft(&kim, &[&ana, &bob], at);
    draft.id = Id::None;
    draft.second_reversed = true;
    b.send(&draft, &decided(&deal, &["only_deal"]));
}

/// Two mails of one second without Message-ID: another subject, or another recipient, is another mail.
fn no_id_two_mails(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let deal = b.deal(&company, ANA);
    let (ana, bob) = (b.user(ANA), b.user(BOB));
    let age = b.age();
    let at = b.ago(age);
    for (to, subject) in [(&ana, "Invoice one"), (&ana, "Invoice two"), (&bob, "Invoice two")] {
        let mut draft = b.draft(&kim, &[to], at);
        draft.id = Id::None;
        draft.subject = subject.into();
        b.send(&draft, &decided(&deal, &["only_deal"]));
    }
}

/// A program that gives the same Message-ID to every mail it sends.
fn reused_id(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let rep = b.rep();
    let deal = b.deal(&company, rep);
    let ana = b.user(rep);
    let id = format!("constant{}@broken.example", b.serial());
    for days in [80, 76, 74] {
        let at = b.ago(days);
        let mut draft = b.draft(&kim, &[&ana], at);
        draft.id = Id::Same(id.clone());
        b.send(&draft, &decided(&deal, &["only_deal"]));
    }
}

/// The same Message-ID from another sender is another mail.
fn id_other_sender(b: &mut Builder) {
    let (company, domain, kim) = b.account();
    let lee = b.colleague(&company, &domain);
    let rep = b.rep();
    let deal = b.deal(&company, rep);
    let ana = b.user(rep);
    let id = format!("shared{}@broken.example", b.serial());
    let age = b.age();
    let at = b.ago(age);
    for from in [&kim, &lee] {
        let mut draft = b.draft(from, &[&ana], at);
        draft.id = Id::Same(id.clone());
        b.send(&draft, &decided(&deal, &["only_deal"]));
    }
}

/// A relay that rewrote the Date by some minutes: still the same mail.
fn date_shifted(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let deal = b.deal(&company, BOB);
    let (ana, bob) = (b.user(ANA), b.user(BOB));
    let age = b.age();
    let at = b.ago(age);
    let mut draft = b.draft(&kim, &[&ana, &bob], at);
    draft.second_later = 240;
    b.send(&draft, &decided(&deal, &["only_deal"]));
}

/// The copy that its owner threw away is skipped, the colleague's copy is the activity.
fn one_copy_in_trash(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let deal = b.deal(&company, BOB);
    let (ana, bob) = (b.user(ANA), b.user(BOB));
    let age = b.age();
    let at = b.ago(age);
    let mut draft = b.draft(&kim, &[&ana, &bob], at);
    let thrown = Flags { deleted: true, ..Flags::default() };
    draft.copies = Some(vec![(ANA, "INBOX", Flags::default()), (BOB, "INBOX", thrown)]);
    let mail = b.send(&draft, &decided(&deal, &["only_deal"]));
    let last = b.world.copies.iter_mut().rfind(|c| c.mail == mail).expect("two copies");
    last.truth =
        Some(super::super::Decision { outcome: super::super::Outcome::Skipped, reason: Some("trash"), activity: None });
}
