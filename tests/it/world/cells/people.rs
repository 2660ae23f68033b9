//! Who an address belongs to: parents and sub-domains, look-alikes, free mail, spellings, merged and doubled contacts,
//! ours and not ours.

use super::{
    super::build::{ANA, BOB, Builder, Person, Who},
    super::post::{Fate, decided},
    super::truth::Kind,
};

scenes![
    sub_domains,
    look_alikes,
    like_ours,
    below_ours,
    external,
    alias,
    free_mail_contact,
    spellings,
    idna,
    merged,
    doubled_role,
    doubled_older,
    moved,
    group_address,
    known_and_unknown,
    blind_copy,
    typed_and_captured,
    contact_who_is_ours,
];

/// A company that lists a free-mail domain as its own, and the agency below our domain that is not ours. Once a world.
pub fn shared(b: &mut Builder) {
    b.company_with("Freelance", &["mail.example"]);
    b.company_with("Agency", &["agency.nordwind.example"]);
    let fritz = b.unknown("Fritz", "fritz@mail.example");
    let at = b.ago(20);
    b.inbound(&fritz, ANA, at, &Fate::Waiting);
}

/// The longest listed domain counts, and everything below it.
fn sub_domains(b: &mut Builder) {
    let (corp, domain) = b.company();
    let labs = b.company_with("Labs", &[&format!("labs.{domain}")]);
    let rep = b.rep();
    let deals = [b.deal(&corp, rep), b.deal(&labs, rep)];
    let hosts = [("eu", 0), ("labs", 1), ("deep.labs", 1)];
    for (host, ix) in hosts {
        let address = format!("someone@{host}.{domain}");
        let company = [&corp, &labs][ix].clone();
        let person = Person { name: "Some One".into(), address, who: Who::Company(company) };
        let age = b.age();
        let at = b.ago(age);
        b.inbound(&person, rep, at, &decided(&deals[ix], &["only_deal"]));
    }
}

fn look_alikes(b: &mut Builder) {
    let (company, domain, _) = b.account();
    b.deal(&company, ANA);
    let name = domain.trim_end_matches(".example");
    for host in [format!("{name}-corp.example"), format!("x{domain}"), format!("{domain}.evil.example")] {
        let person = b.unknown("Kim Likely", &format!("kim@{host}"));
        let rep = b.rep();
        let age = b.rng.between(2, 100);
        let at = b.ago(age);
        b.inbound(&person, rep, at, &Fate::Waiting);
    }
}

fn like_ours(b: &mut Builder) {
    for host in ["xnordwind.example", "nordwind.example.evil.example"] {
        let person = b.unknown("Ana Lopez", &format!("ana@{host}"));
        let at = b.ago(12);
        b.inbound(&person, ANA, at, &Fate::Waiting);
    }
    // Only the alias itself is ours, not its whole domain.
    let person = b.unknown("Someone", "someone@consult.example");
    let at = b.ago(33);
    b.inbound(&person, BOB, at, &Fate::Waiting);
}

/// A sub-domain of ours is ours.
fn below_ours(b: &mut Builder) {
    let person = Person { name: "Desk".into(), address: "desk@mail.nordwind.example".into(), who: Who::Ours };
    let rep = b.rep();
    let at = b.ago(15);
    b.inbound(&person, rep, at, &Fate::Skipped("internal"));
}

/// A domain below ours that is listed as external.
fn external(b: &mut Builder) {
    let company = b.world.crm.companies.iter().find(|c| c.name == "Agency GmbH").expect("made once").id.clone();
    let address = format!("kim{}@agency.nordwind.example", b.serial());
    let kim = b.contact(Some(&company), &[&address]);
    let age = b.age();
    let at = b.ago(age);
    b.inbound(&kim, ANA, at, &Fate::Captured(super::super::DealChoice::Nothing));
}

/// Mail to a user's alias on a foreign domain is mail to that user, so the owner took part.
fn alias(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let deals = [b.deal(&company, ANA), b.deal(&company, BOB)];
    let bob = b.user(BOB).at("bob.stone@consult.example");
    let age = b.age();
    let at = b.ago(age);
    let draft = b.draft(&kim, &[&bob], at);
    b.send(&draft, &decided(&deals[1], &["owner"]));
}

/// A contact with a free-mail address belongs to the company that the CRM says.
fn free_mail_contact(b: &mut Builder) {
    let (company, _) = b.company();
    let address = format!("kim.{}@freebox.example", b.serial());
    let kim = b.contact(Some(&company), &[&address]);
    let rep = b.rep();
    let deal = b.deal(&company, rep);
    let age = b.age();
    let at = b.ago(age);
    b.inbound(&kim, rep, at, &decided(&deal, &["only_deal"]));
}

/// Case, subaddress (`+`, and `-` where configured).
fn spellings(b: &mut Builder) {
    let (company, domain, kim) = b.account();
    let rep = b.rep();
    let deal = b.deal(&company, rep);
    let local = kim.address.split('@').next().unwrap_or_default().to_owned();
    for address in [format!("{}@{}", local.to_uppercase(), domain.to_uppercase()), format!("{local}+news@{domain}")] {
        let age = b.age();
        let at = b.ago(age);
        b.inbound(&kim.at(&address), rep, at, &decided(&deal, &["only_deal"]));
    }
    let n = b.serial();
    let lee = b.contact(None, &[&format!("lee{n}@dash.example")]);
    let at = b.ago(25);
    let fate = Fate::Captured(super::super::DealChoice::Nothing);
    b.inbound(&lee.at(&format!("lee{n}-shop@dash.example")), rep, at, &fate);
}

/// The CRM has the Unicode form of the domain, the mail its ASCII form. `ü` alone, so that one A-label serves all.
fn idna(b: &mut Builder) {
    let n = b.serial();
    let company = b.company_with("Umlaut", &[&format!("k{n}.bücher.example")]);
    let kim = b.contact(Some(&company), &[&format!("kim@k{n}.bücher.example")]);
    let rep = b.rep();
    let deal = b.deal(&company, rep);
    let age = b.age();
    let at = b.ago(age);
    b.inbound(&kim.at(&format!("kim@k{n}.xn--bcher-kva.example")), rep, at, &decided(&deal, &["only_deal"]));
}

/// The survivor of a merger has the addresses of both.
fn merged(b: &mut Builder) {
    let (company, domain, kim) = b.account();
    let gone = b.colleague(&company, &domain);
    let Who::Contact { id: survivor, .. } = kim.who.clone() else { panic!("a contact") };
    b.contact_mut(&gone).merged_into = Some(survivor);
    b.contact_mut(&gone).dead = None;
    let rep = b.rep();
    let deal = b.deal(&company, rep);
    let age = b.age();
    let at = b.ago(age);
    b.inbound(&kim.at(&gone.address), rep, at, &decided(&deal, &["only_deal"]));
}

/// Two contacts with one address: the one with a role on an open deal.
fn doubled_role(b: &mut Builder) {
    let (company, _, older) = b.account();
    let younger = b.contact(Some(&company), &[&older.address]);
    b.contact_mut(&older).created = super::super::days::at(b.now, 400, 9, 0, 0);
    let rep = b.rep();
    let deals = [b.deal(&company, rep), b.deal(&company, rep)];
    b.role(&deals[1], &younger, "Buyer");
    let age = b.age();
    let at = b.ago(age);
    b.inbound(&younger, rep, at, &decided(&deals[1], &["role"]));
}

/// Two contacts with one address and no role: the older.
fn doubled_older(b: &mut Builder) {
    let (company, _, younger) = b.account();
    let older = b.contact(Some(&company), &[&younger.address]);
    b.contact_mut(&older).created = super::super::days::at(b.now, 400, 9, 0, 0);
    let rep = b.rep();
    let deal = b.deal(&company, rep);
    let age = b.age();
    let at = b.ago(age);
    b.inbound(&older, rep, at, &decided(&deal, &["only_deal"]));
}

/// A contact whom the CRM still lists under another company: the address's domain decides.
fn moved(b: &mut Builder) {
    let (old, _) = b.company();
    let (new, domain) = b.company();
    let kim = b.contact(Some(&old), &[&format!("kim@{domain}")]);
    let Who::Contact { id, .. } = kim.who.clone() else { panic!("a contact") };
    let kim = Person { who: Who::Contact { id, company: Some(new.clone()) }, ..kim };
    let rep = b.rep();
    let deal = b.deal(&new, rep);
    let age = b.age();
    let at = b.ago(age);
    b.inbound(&kim, rep, at, &decided(&deal, &["only_deal"]));
}

fn group_address(b: &mut Builder) {
    let (company, domain) = b.company();
    let group = b.contact(Some(&company), &[&format!("purchasing@{domain}")]);
    let rep = b.rep();
    let deal = b.deal(&company, rep);
    let age = b.age();
    let at = b.ago(age);
    b.outbound(rep, &group, at, &decided(&deal, &["only_deal"]));
}

/// One outsider is known, the other is nobody's.
fn known_and_unknown(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let rep = b.rep();
    let deal = b.deal(&company, rep);
    let n = b.serial();
    let stranger = b.unknown("Stranger", &format!("someone@stranger{n}.example"));
    let ana = b.user(rep);
    let age = b.age();
    let at = b.ago(age);
    let mut draft = b.draft(&kim, &[&ana], at);
    draft.cc = vec![stranger];
    b.send(&draft, &decided(&deal, &["only_deal"]));
}

/// The Sent copy knows the blind copy, so its contact is on the activity.
fn blind_copy(b: &mut Builder) {
    let (company, domain, kim) = b.account();
    let lee = b.colleague(&company, &domain);
    let rep = b.rep();
    let deal = b.deal(&company, rep);
    let ana = b.user(rep);
    let age = b.age();
    let at = b.ago(age);
    let mut draft = b.draft(&ana, &[&kim], at);
    draft.bcc = vec![lee];
    b.send(&draft, &decided(&deal, &["only_deal"]));
}

/// A mail typed into the CRM that was captured as well counts once.
fn typed_and_captured(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let rep = b.rep();
    let deal = b.deal(&company, rep);
    let age = b.age();
    let at = b.ago(age);
    let mail = b.outbound(rep, &kim, at, &decided(&deal, &["only_deal"]));
    let seen = b.world.mails[mail].activity;
    b.typed(Kind::Email, at + chrono::Duration::minutes(20), &deal, &kim, seen);
}

/// Ours beats a contact: a colleague who stands in the CRM is no outsider.
fn contact_who_is_ours(b: &mut Builder) {
    let (company, _, kim) = b.account();
    let address = format!("colleague{}@nordwind.example", b.serial());
    b.contact(Some(&company), &[&address]);
    let colleague = Person { name: "A Colleague".into(), address, who: Who::Ours };
    let rep = b.rep();
    let deal = b.deal(&company, rep);
    let at = b.ago(30);
    b.inbound(&colleague, rep, at, &Fate::Skipped("internal"));
    let ana = b.user(rep);
    let age = b.age();
    let at = b.ago(age);
    let mut draft = b.draft(&kim, &[&ana], at);
    draft.cc = vec![colleague];
    b.send(&draft, &decided(&deal, &["only_deal"]));
}
