//! Mail that is written oddly but means one thing: threads with holes, hidden recipients, missing dates, other charsets,
//! and people who stand on deals of other companies.

use super::{
    super::build::{ANA, BOB, Builder, MIA, Person, Who},
    super::mail::{Body, Coding},
    super::post::{decided, undecided},
    super::{Flags, days},
};

scenes![
    hole_in_the_thread,
    hidden_recipient,
    no_recipients,
    no_date,
    windows_charset,
    consultant,
    merged_role,
    two_names,
    owner_among_roles,
    manager_wrote,
    nested_parts,
];

/// The mail that is answered was never seen; the References still lead to the thread.
fn hole_in_the_thread(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let rep = b.rep();
    let deals = [b.deal(&company, rep), b.deal(&company, rep)];
    let ana = b.user(rep);
    let age = b.age();
    let at = b.ago(age);
    let mut draft = b.draft(&ana, &[&kim], at);
    draft.text = format!("{} See {}.", draft.text, deals[1]);
    let first = b.send(&draft, &decided(&deals[1], &["reference"]));
    let mut draft = b.draft(&kim, &[&ana], at + chrono::Duration::hours(5));
    draft.reply_to = Some(first);
    draft.missing_link = true;
    b.send(&draft, &decided(&deals[1], &["thread"]));
}

/// The rep got it without standing in any header.
fn hidden_recipient(b: &mut Builder) {
    let (company, domain, kim) = b.account();
    let lee = b.colleague(&company, &domain);
    let rep = b.rep();
    let deal = b.deal(&company, rep);
    let age = b.age();
    let at = b.ago(age);
    let mut draft = b.draft(&kim, &[&lee], at);
    draft.copies = Some(vec![(rep, "INBOX", Flags::default())]);
    b.send(&draft, &decided(&deal, &["only_deal"]));
}

/// `To: undisclosed-recipients:;`
fn no_recipients(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let rep = b.rep();
    let deal = b.deal(&company, rep);
    let age = b.age();
    let at = b.ago(age);
    let mut draft = b.draft(&kim, &[], at);
    draft.headers.push(("To", "undisclosed-recipients:;".into()));
    draft.copies = Some(vec![(rep, "INBOX", Flags::default())]);
    b.send(&draft, &decided(&deal, &["only_deal"]));
}

/// Without a Date the mailbox's own time counts.
fn no_date(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let rep = b.rep();
    let deal = b.deal(&company, rep);
    let ana = b.user(rep);
    let age = b.age();
    let at = b.ago(age);
    let mut draft = b.draft(&kim, &[&ana], at);
    draft.without_date = true;
    b.send(&draft, &decided(&deal, &["only_deal"]));
}

fn windows_charset(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let rep = b.rep();
    let deals = [b.deal(&company, rep), b.deal(&company, rep)];
    let name = b.world.crm.deal(&deals[0]).name.clone();
    let ana = b.user(rep);
    let age = b.age();
    let at = b.ago(age);
    let mut draft = b.draft(&kim, &[&ana], at);
    draft.coding = Coding::Windows1252;
    draft.subject = "Über 5 € – “Preis” und Maß".into();
    draft.text = format!("“{name}” kostet 5 € – richtig?");
    b.send(&draft, &decided(&deals[0], &["words"]));
}

/// A consultant of one company has a role on another company's deal: the role comes before the own company's only deal.
fn consultant(b: &mut Builder) {
    let (own, _, kim) = b.account();
    let (other, _) = b.company();
    let rep = b.rep();
    let deals = [b.deal(&own, rep), b.deal(&other, rep)];
    b.role(&deals[1], &kim, "Consultant");
    let age = b.age();
    let at = b.ago(age);
    b.inbound(&kim, rep, at, &decided(&deals[1], &["role"]));
}

/// The role was given to a contact that was merged into another one: the old id resolves to the survivor.
fn merged_role(b: &mut Builder) {
    let (company, domain, kim) = b.account();
    let gone = b.colleague(&company, &domain);
    let rep = b.rep();
    let deals = [b.deal(&company, rep), b.deal(&company, rep)];
    b.role(&deals[0], &gone, "Buyer");
    let Who::Contact { id: survivor, .. } = kim.who.clone() else { panic!("a contact") };
    b.contact_mut(&gone).merged_into = Some(survivor);
    b.contact_mut(&gone).dead = None;
    let age = b.age();
    let at = b.ago(age);
    b.inbound(&kim, rep, at, &decided(&deals[0], &["role"]));
}

/// The text names both deals: words decide nothing.
fn two_names(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let rep = b.rep();
    let deals = [b.deal(&company, rep), b.deal(&company, rep)];
    let names = deals.each_ref().map(|d| b.world.crm.deal(d).name.clone());
    let ana = b.user(rep);
    let age = b.age();
    let at = b.ago(age);
    let mut draft = b.draft(&kim, &[&ana], at);
    draft.text = format!("We compared {} with {}. {}", names[0], names[1], draft.text);
    b.send(&draft, &undecided(&[&deals[0], &deals[1]]));
}

/// A role on each of two deals: the owner who takes part decides between them.
fn owner_among_roles(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let deals = [b.deal(&company, ANA), b.deal(&company, BOB)];
    b.role(&deals[0], &kim, "Buyer");
    b.role(&deals[1], &kim, "Sponsor");
    let age = b.age();
    let at = b.ago(age);
    b.inbound(&kim, BOB, at, &decided(&deals[1], &["owner"]));
}

/// The manager writes and gets mail like anybody else.
fn manager_wrote(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let deal = b.deal(&company, ANA);
    let mia = b.user(MIA);
    let age = b.age();
    let at = b.ago(age);
    let first = b.outbound(MIA, &kim, at, &decided(&deal, &["only_deal"]));
    b.answer(first, &kim, &[&mia], &decided(&deal, &["thread", "only_deal"]));
}

/// Alternatives and an attachment below one another, with a trap in the attachment's text.
fn nested_parts(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let rep = b.rep();
    let deals = [b.deal(&company, rep), b.deal(&company, rep)];
    b.deal_mut(&deals[0]).created = days::at(b.now, 150, 9, 0, 0);
    let ana: Person = b.user(rep);
    let age = b.age();
    let at = b.ago(age);
    let mut draft = b.draft(&kim, &[&ana], at);
    draft.text = format!("{} As agreed for {}.", draft.text, deals[0]);
    let bytes = format!("about {}", deals[1]).into_bytes();
    draft.body = Body::Nested { name: "terms.html".into(), bytes };
    b.send(&draft, &decided(&deals[0], &["reference"]));
}
