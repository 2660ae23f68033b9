//! The rules of settling as cases, and that neither order nor repetition shows.

use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;
use crate::domain::directory::{Ours, User};

fn at(hour: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::hours(hour)
}

fn directory() -> Directory {
    let user = |name: &str| User {
        email: format!("{name}@acme.example"),
        name: name.to_owned(),
        team: None,
        manager: false,
        aliases: Vec::new(),
        until: None,
    };
    let ours =
        Ours { domains: vec!["acme.example".to_owned()], users: vec![user("ana"), user("bob")], ..Ours::default() };
    Directory::new(ours, vec![], vec![], vec![], vec![], vec![])
}

fn person(name: &str) -> Mailbox {
    let domain = if name == "eve" { "buyer.example" } else { "acme.example" };
    Mailbox { address: format!("{name}@{domain}"), name: None }
}

fn attendee(name: &str, answer: Answer) -> Attendee {
    Attendee { mailbox: person(name), role: AttendeeRole::Required, resource: false, answer }
}

fn event(title: &str, sequence: u32) -> Event {
    Event {
        uid: "call".to_owned(),
        recurrence_id: None,
        start: at(1000 + i64::from(sequence)),
        end: at(1001 + i64::from(sequence)),
        all_day: false,
        time_uncertain: false,
        summary: Some(title.to_owned()),
        description: Some(format!("About {title}")),
        status: EventStatus::Confirmed,
        class: dealtrail_sdk::record::Class::Public,
        organizer: Some(person("bob")),
        attendees: vec![attendee("eve", Answer::Accepted), attendee("ana", Answer::None)],
        sequence,
        dtstamp: Some(at(900)),
        last_modified: None,
        overridden: false,
    }
}

fn view(owner: &str, title: &str, sequence: u32, method: Option<Method>) -> View {
    View::new(&event(title, sequence), method, Some(format!("{owner}@acme.example")), Level::Text)
}

fn seen(view: View) -> Seen {
    Seen { view, gone_at: None }
}

fn settled(all: &[Seen]) -> (Option<String>, Option<String>) {
    let m = settle(all, &directory()).expect("a meeting");
    (m.summary, m.description)
}

fn some(title: &str) -> (Option<String>, Option<String>) {
    (Some(title.to_owned()), Some(format!("About {title}")))
}

#[test]
fn whose_words_count() {
    let (ana, bob) = (view("ana", "Plan", 0, None), view("bob", "New plan", 1, None));
    let invitation = view("ana", "Invited", 5, Some(Method::Request));
    assert_eq!(invitation.description, None, "a mail's calendar part is read and not kept");
    assert_eq!(settled(&[seen(ana.clone()), seen(bob.clone()), seen(invitation.clone())]), some("New plan"));
    assert_eq!(settled(&[seen(invitation)]), (Some("Invited".to_owned()), None));
    // the one that speaks was kept without its words
    let mut silent = bob.clone();
    silent.withhold(Level::Subject);
    assert_eq!(
        settled(&[seen(ana.clone()), seen(silent.clone())]),
        (Some("New plan".to_owned()), Some("About Plan".to_owned()))
    );
    silent.withhold(Level::Metadata);
    assert_eq!(settled(&[seen(ana), seen(silent)]), some("Plan"));
    // no words of its own are no reason to use another's
    let mut untitled = bob;
    (untitled.summary, untitled.description) = (None, None);
    assert_eq!(settled(&[seen(view("ana", "Plan", 0, None)), seen(untitled)]), (None, None));
}

#[test]
fn one_owners_calendars_of_one_state_are_told_apart() {
    // the same meeting in two of Bob's calendars, one of which keeps no text; another that is gone says something else
    let (whole, mut short) = (seen(view("bob", "Plan", 0, None)), seen(view("bob", "Plan", 0, None)));
    short.view.withhold(Level::Subject);
    let gone = Seen { view: view("bob", "Other plan", 1, None), gone_at: Some(at(10)) };
    assert_eq!(settled(&[whole.clone(), short.clone(), gone.clone()]), some("Plan"));
    assert_eq!(settled(&[gone, short, whole]), some("Plan"));
    // and where they differ in an answer only
    let (yes, mut no) = (seen(view("ana", "Plan", 0, None)), seen(view("ana", "Plan", 0, None)));
    no.view.attendees[1].answer = Answer::Declined;
    assert_eq!(settle(&[yes.clone(), no.clone()], &directory()), settle(&[no, yes], &directory()));
}

#[test]
fn who_declined_takes_no_part() {
    let mut no = seen(view("ana", "Plan", 0, None));
    no.view.attendees[1].answer = Answer::Declined;
    let name = no.view.attendees[1].mailbox.address.clone();
    let settled = settle(&[no], &directory()).expect("a meeting");
    let roles: Vec<Role> = settled.participants.iter().filter(|p| p.address == name).map(|p| p.role).collect();
    assert_eq!(roles, [Role::Declined]);
    assert!(settled.participants.iter().filter(|p| p.address == name).all(|p| !p.takes_part()));
}

#[test]
fn a_frozen_view_takes_only_what_was_withheld() {
    let now = view("bob", "Renamed", 1, None);
    for (kept, want) in [
        (Level::Text, some("Plan")),
        (Level::Subject, (Some("Plan".to_owned()), Some("About Renamed".to_owned()))),
        (Level::Metadata, some("Renamed")),
    ] {
        let mut old = view("bob", "Plan", 0, None);
        old.withhold(kept);
        old.restore(&now);
        assert_eq!((old.summary.clone(), old.description.clone()), want, "{kept}");
        assert_eq!((old.start, old.kept), (at(1000), Level::Text));
    }
}

#[test]
fn long_descriptions_are_cut_between_characters() {
    let mut long = event("x", 0);
    long.description = Some("ä".repeat(LONGEST));
    let view = View::new(&long, None, None, Level::Text);
    assert_eq!(view.description.map(|d| d.len()), Some(LONGEST));
}

fn views() -> impl Strategy<Value = Vec<Seen>> {
    let one = (0..2_usize, 0..3_u32, 0..3_usize, prop::option::of(0..1200_i64), 0..3_usize, 0..5_usize);
    let made = one.prop_map(|(owner, sequence, title, gone, kept, method)| {
        let method = [None, None, Some(Method::Request), Some(Method::Reply), Some(Method::Cancel)][method];
        let mut view = view(["ana", "bob"][owner], ["a", "b", "c"][title], sequence, method);
        view.withhold(Level::ALL[kept]);
        if method == Some(Method::Reply) {
            view.attendees.truncate(1);
        }
        Seen { view, gone_at: gone.map(at) }
    });
    prop::collection::vec(made, 1..6)
}

proptest! {
    #[test]
    fn the_order_of_views_does_not_show((all, shuffled) in views().prop_flat_map(|v| (Just(v.clone()), Just(v).prop_shuffle()))) {
        prop_assert_eq!(settle(&all, &directory()), settle(&shuffled, &directory()));
    }

    #[test]
    fn nothing_beyond_the_level_is_left(mut all in views(), level in prop::sample::select(Level::ALL)) {
        for s in &mut all {
            s.view.withhold(level);
        }
        let m = settle(&all, &directory()).expect("a meeting");
        prop_assert!(level >= Level::Subject || m.summary.is_none());
        prop_assert!(level >= Level::Text || m.description.is_none());
    }
}
