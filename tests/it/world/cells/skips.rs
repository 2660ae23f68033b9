//! What is not an activity: one reason each, the first that holds, with the pairs where two reasons compete.
//! Left out, because the rules leave them open: delayed delivery reports, `Sensitivity: Company-Confidential`,
//! no-reply senders without any header, list headers without a List-Id on mail from a known person.

use chrono::Duration;

use super::{
    super::Flags,
    super::build::{Builder, Person, Who},
    super::mail::Body,
    super::post::{Fate, decided},
};

scenes![
    too_old,
    drafts,
    trash,
    junk,
    excluded,
    bounce_report,
    bounce_plain,
    out_of_office,
    automatic,
    documents,
    bulk,
    list_of_a_company,
    private,
    internal,
    cold,
    unread_folders,
];

fn too_old(b: &mut Builder) {
    let (_, _, kim) = b.account();
    let rep = b.rep();
    let ana = b.user(rep);
    let (age, older) = (b.rng.between(190, 300), b.rng.between(190, 300));
    let at = b.ago(age);
    b.inbound(&kim, rep, at, &Fate::Skipped("too_old"));
    let at = b.ago(older);
    let mut draft = b.draft(&kim, &[&ana], at);
    draft.flags.draft = true;
    draft.headers.push(("List-Unsubscribe", "<https://list.example/u>".into()));
    b.send(&draft, &Fate::Skipped("too_old"));
}

fn drafts(b: &mut Builder) {
    let (_, _, kim) = b.account();
    let rep = b.rep();
    let ana = b.user(rep);
    let at = b.ago(10);
    let mut draft = b.draft(&ana, &[&kim], at);
    draft.copies = Some(vec![(rep, "INBOX", Flags { draft: true, ..Flags::default() })]);
    b.send(&draft, &Fate::Skipped("draft"));
    let lawyer = b.unknown("Lawyer", "lawyer@firm.example");
    let mut draft = b.draft(&ana, &[&lawyer], at + Duration::minutes(7));
    draft.copies = Some(vec![(rep, "Archive", Flags { draft: true, ..Flags::default() })]);
    b.send(&draft, &Fate::Skipped("draft"));
}

fn trash(b: &mut Builder) {
    let (_, _, kim) = b.account();
    let rep = b.rep();
    let at = b.ago(44);
    let ana = b.user(rep);
    let mut draft = b.draft(&kim, &[&ana], at);
    draft.flags.deleted = true;
    b.send(&draft, &Fate::Skipped("trash"));
}

/// Only servers have the keyword: the loader of files leaves these out.
fn junk(b: &mut Builder) {
    let person = b.unknown("Prince", "prince@riches.example");
    let rep = b.rep();
    let at = b.ago(14);
    let ana = b.user(rep);
    let mut draft = b.draft(&person, &[&ana], at);
    draft.flags.junk = true;
    b.send(&draft, &Fate::Skipped("spam"));
}

fn excluded(b: &mut Builder) {
    let rep = b.rep();
    let ana = b.user(rep);
    let (_, _, kim) = b.account();
    let friend = b.unknown("Friend", "friend@private.example");
    let lawyer = b.unknown("Lawyer", "Lawyer@Firm.example");
    let at = b.ago(9);
    b.inbound(&friend, rep, at, &Fate::Skipped("excluded"));
    let at = b.ago(70);
    let mut draft = b.draft(&ana, &[&kim], at);
    draft.cc = vec![lawyer];
    b.send(&draft, &Fate::Skipped("excluded"));
    // Excluded comes before everything that the headers could say.
    let at = b.ago(71);
    let mut draft = b.draft(&friend, &[&ana], at);
    draft.headers = vec![("List-Id", "<chain.private.example>".into()), ("Auto-Submitted", "auto-generated".into())];
    b.send(&draft, &Fate::Skipped("excluded"));
}

/// A delivery report names the contact's address as dead.
fn bounce_report(b: &mut Builder) {
    let (company, domain) = b.company();
    let gone = b.contact(Some(&company), &[&format!("gone@{domain}")]);
    b.contact_mut(&gone).dead = Some(true);
    let rep = b.rep();
    let deal = b.deal(&company, rep);
    let age = b.age();
    let at = b.ago(age);
    b.outbound(rep, &gone, at, &decided(&deal, &["only_deal"]));
    let daemon = Person {
        name: "Mail Delivery System".into(),
        address: "MAILER-DAEMON@mx.nordwind.example".into(),
        who: Who::Ours,
    };
    let ana = b.user(rep);
    let mut draft = b.draft(&daemon, &[&ana], at + Duration::minutes(3));
    draft.subject = "Undelivered Mail Returned to Sender".into();
    draft.return_path = Some("<>".into());
    draft.headers.push(("Auto-Submitted", "auto-replied".into()));
    draft.body = Body::Report { recipient: gone.address.clone() };
    b.send(&draft, &Fate::Skipped("bounce"));
}

/// Bounces without the standard form: sender, empty return path and subject tell.
fn bounce_plain(b: &mut Builder) {
    let forms = [
        (
            "Mail Delivery System",
            "MAILER-DAEMON@smtp.provider.example",
            "Mail delivery failed: returning message to sender",
        ),
        ("", "MAILER-DAEMON@qmail.provider.example", "failure notice"),
        ("Mail Delivery Subsystem", "mailer-daemon@hosting.example", "Delivery Status Notification (Failure)"),
    ];
    let (company, _, kim) = b.account();
    b.contact_mut(&kim).dead = None;
    let rep = b.rep();
    let deal = b.deal(&company, rep);
    let ana = b.user(rep);
    for (i, (name, address, subject)) in forms.into_iter().enumerate() {
        let at = b.ago(40 + i64::try_from(i).expect("small") * 4);
        b.outbound(rep, &kim, at, &decided(&deal, &["only_deal"]));
        let daemon = b.unknown(name, address);
        let mut draft = b.draft(&daemon, &[&ana], at + Duration::minutes(2));
        draft.subject = subject.into();
        draft.return_path = Some("<>".into());
        draft.text =
            format!("This message was created automatically. A message could not be delivered to {}.", kim.address);
        draft.body = Body::Text;
        b.send(&draft, &Fate::Skipped("bounce"));
    }
}

/// Out-of-office replies: by header, or by the subject that mail programs write, in several languages.
fn out_of_office(b: &mut Builder) {
    let forms: [(&str, Option<(&'static str, &str)>); 8] = [
        ("Out of office: your message", Some(("Auto-Submitted", "auto-replied"))),
        ("Holiday", Some(("X-Autoreply", "yes"))),
        ("Away", Some(("Precedence", "auto_reply"))),
        ("Automatic reply: The papers", None),
        ("Automatische Antwort: Figures", None),
        ("Abwesenheitsnotiz: Figures", None),
        ("Réponse automatique : Details", None),
        ("Respuesta automática: Details", None),
    ];
    let (company, _, kim) = b.account();
    let rep = b.rep();
    let deal = b.deal(&company, rep);
    let ana = b.user(rep);
    for (subject, header) in forms {
        let at = b.ago(60);
        b.outbound(rep, &kim, at, &decided(&deal, &["only_deal"]));
        let mut draft = b.draft(&kim, &[&ana], at + Duration::minutes(1));
        draft.subject = subject.into();
        draft.headers.extend(header.map(|(n, v)| (n, v.to_owned())));
        b.send(&draft, &Fate::Skipped("automatic"));
    }
}

fn automatic(b: &mut Builder) {
    let n = b.serial();
    let robot = b.unknown("Tracker", &format!("tracker@tool{n}.example"));
    let rep = b.rep();
    let ana = b.user(rep);
    let at = b.ago(6);
    let mut draft = b.draft(&robot, &[&ana], at);
    draft.headers = vec![("Auto-Submitted", "auto-generated".into()), ("Precedence", "bulk".into())];
    b.send(&draft, &Fate::Skipped("automatic"));
    // Automatic comes before internal.
    let robot = Person { name: "Wiki".into(), address: "wiki@nordwind.example".into(), who: Who::Ours };
    let mut draft = b.draft(&robot, &[&ana], at + Duration::minutes(5));
    draft.headers.push(("Auto-Submitted", "auto-generated".into()));
    b.send(&draft, &Fate::Skipped("automatic"));
}

/// An automatic mail from a known company or a portal whose document is an order is captured.
fn documents(b: &mut Builder) {
    let (company, domain) = b.company();
    let rep = b.rep();
    let deal = b.deal(&company, rep);
    let ana = b.user(rep);
    let robot = Person { name: "ERP".into(), address: format!("erp@{domain}"), who: Who::Company(company) };
    let age = b.age();
    let at = b.ago(age);
    let mut draft = b.draft(&robot, &[&ana], at);
    draft.headers.push(("Auto-Submitted", "auto-generated".into()));
    let pdf = b"%PDF-1.4 order".to_vec();
    draft.body = Body::Attached { name: "Purchase order 4711.pdf".into(), media: "application/pdf", bytes: pdf };
    draft.tags = vec!["order"];
    b.send(&draft, &decided(&deal, &["only_deal"]));
    // The same robot without a document.
    let mut draft = b.draft(&robot, &[&ana], at + Duration::hours(1));
    draft.headers.push(("Auto-Submitted", "auto-generated".into()));
    b.send(&draft, &Fate::Skipped("automatic"));
    let portal = b.unknown("Portal", "orders@portal.example");
    let mut draft = b.draft(&portal, &[&ana], at + Duration::hours(2));
    draft.headers.push(("Auto-Submitted", "auto-generated".into()));
    draft.subject = format!("New document for {deal}");
    let pdf = b"%PDF-1.4 order".to_vec();
    draft.body = Body::Attached { name: "purchase_order_4712.pdf".into(), media: "application/pdf", bytes: pdf };
    draft.tags = vec!["order"];
    b.send(&draft, &decided(&deal, &["reference"]));
}

fn bulk(b: &mut Builder) {
    let n = b.serial();
    let rep = b.rep();
    let ana = b.user(rep);
    let (company, domain, kim) = b.account();
    let news = b.unknown("News", &format!("news@letters{n}.example"));
    let unsubscribe = ("List-Unsubscribe", "<mailto:off@letters.example>".to_owned());
    let id = ("List-Id", format!("Weekly <weekly.letters{n}.example>"));
    // A contact whose mail comes through somebody else's list, and an unknown sender of a known company.
    let company_news =
        Person { name: "Marketing".into(), address: format!("marketing@{domain}"), who: Who::Company(company) };
    let forms = [
        (&news, vec![id.clone(), unsubscribe]),
        (&news, vec![("Precedence", "bulk".into())]),
        (&kim, vec![id]),
        (&company_news, vec![("List-Id", format!("<news.{domain}>"))]),
    ];
    for (from, headers) in forms {
        let age = b.rng.between(2, 120);
        let at = b.ago(age);
        let mut draft = b.draft(from, &[&ana], at);
        draft.headers = headers;
        b.send(&draft, &Fate::Skipped("bulk"));
    }
}

/// A list of a known company is no newsletter when a known person writes on it.
fn list_of_a_company(b: &mut Builder) {
    let (company, domain, kim) = b.account();
    let rep = b.rep();
    let deal = b.deal(&company, rep);
    let list =
        Person { name: "Project".into(), address: format!("project@lists.{domain}"), who: Who::Company(company) };
    let age = b.age();
    let at = b.ago(age);
    let mut draft = b.draft(&kim, &[&list], at);
    draft.headers.push(("List-Id", format!("Project <project.lists.{domain}>")));
    draft.copies = Some(vec![(rep, "INBOX", Flags::default())]);
    b.send(&draft, &decided(&deal, &["only_deal"]));
    // Our own list.
    let ours = Person { name: "Team".into(), address: "team@nordwind.example".into(), who: Who::Ours };
    let mut draft = b.draft(&kim, &[&ours], at + Duration::hours(3));
    draft.headers.push(("List-Id", "<team.nordwind.example>".into()));
    draft.copies = Some(vec![(rep, "INBOX", Flags::default())]);
    b.send(&draft, &decided(&deal, &["only_deal"]));
}

fn private(b: &mut Builder) {
    let (_, _, kim) = b.account();
    let rep = b.rep();
    let (ana, mia) = (b.user(rep), b.user(super::super::build::MIA));
    for (from, to, word) in [(&kim, &ana, "Private"), (&ana, &kim, "Personal"), (&mia, &ana, "private")] {
        let age = b.rng.between(2, 120);
        let at = b.ago(age);
        let mut draft = b.draft(from, &[to], at);
        draft.headers.push(("Sensitivity", word.into()));
        b.send(&draft, &Fate::Skipped("private"));
    }
}

fn internal(b: &mut Builder) {
    use super::super::build::{ANA, BOB, MIA};
    let (ana, bob, mia) = (b.user(ANA), b.user(BOB), b.user(MIA));
    let alias = ana.at("a.lopez@nordwind.example");
    let age = b.rng.between(2, 120);
    let at = b.ago(age);
    let mut draft = b.draft(&bob, &[&alias], at);
    draft.cc = vec![mia.clone()];
    let first = b.send(&draft, &Fate::Skipped("internal"));
    b.answer(first, &ana, &[&bob, &mia], &Fate::Skipped("internal"));
    // A forward with the customer's mail enclosed stays internal.
    let (_, _, kim) = b.account();
    let message =
        format!("From: {}\r\nTo: {}\r\nSubject: Enclosed\r\n\r\nHello\r\n", kim.address, ana.address).into_bytes();
    let mut draft = b.draft(&ana, &[&mia], at + Duration::days(1));
    draft.subject = "Fwd: Enclosed".into();
    draft.body = Body::Enclosed { message };
    b.send(&draft, &Fate::Skipped("internal"));
}

fn cold(b: &mut Builder) {
    let n = b.serial();
    let stranger = b.unknown("Stranger", &format!("hello@cold{n}.example"));
    let rep = b.rep();
    let age = b.rng.between(2, 120);
    let at = b.ago(age);
    let first = b.inbound(&stranger, rep, at, &Fate::Waiting);
    let ana = b.user(rep);
    b.answer(first, &ana, &[&stranger], &Fate::Waiting);
}

/// Drafts, trash and spam folders are not read at all.
fn unread_folders(b: &mut Builder) {
    let (_, _, kim) = b.account();
    let rep = b.rep();
    let ana = b.user(rep);
    for folder in ["Drafts", "Trash", "Junk"] {
        let at = b.ago(11);
        let (from, to) = if folder == "Drafts" { (&ana, &kim) } else { (&kim, &ana) };
        let mut draft = b.draft(from, &[to], at);
        draft.copies = Some(vec![(rep, folder, Flags::default())]);
        b.send(&draft, &Fate::Unread);
    }
}
