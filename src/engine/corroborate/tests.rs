//! Which captured activity an entry belongs to.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::*;

fn at(minutes: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(1000) + TimeDelta::minutes(minutes)
}

fn entry(kind: Kind, minutes: i64, contacts: &[&str], deal: Option<&str>) -> Typed {
    Typed {
        id: "A1".to_owned(),
        kind: kind.as_str().to_owned(),
        occurred_at: at(minutes),
        subject: None,
        deal: deal.map(str::to_owned),
        contacts: contacts.iter().map(|c| (*c).to_owned()).collect(),
        owner: None,
        message_id: None,
        ical_uid: None,
    }
}

/// A captured activity of an hour, tied to these.
fn captured(id: &str, kind: Kind, minutes: i64, contacts: &[&str], deal: Option<&str>) -> Stored {
    let mut row = activity("crm", &Directory::default(), &entry(kind, minutes, contacts, deal));
    row.activity.id = id.to_owned();
    row.activity.origin = Origin::Captured;
    row.activity.ended_at = (kind == Kind::Meeting).then(|| at(minutes + 60));
    row
}

fn found<'a>(entry: &Typed, all: &'a [Stored], choices: &[Chosen]) -> Option<&'a str> {
    let mut own = activity("crm", &Directory::default(), entry);
    as_chosen(&mut own.activity, choices);
    target(entry, &own.activity, all).map(|s| s.activity.id.as_str())
}

const DAY: i64 = 24 * 60;

#[test]
fn near_and_of_the_same_party() {
    let mail = |minutes, contact: &str| [captured("m", Kind::Email, minutes, &[contact], Some("D1"))];
    let meeting = |minutes| [captured("m", Kind::Meeting, minutes, &["K1"], Some("D1"))];
    for (all, kind, contacts, want) in [
        (mail(DAY, "K1"), Kind::Email, &["K1"][..], true),
        (mail(DAY + 1, "K1"), Kind::Email, &["K1"], false),
        (mail(-DAY, "K1"), Kind::Email, &["K2", "K1"], true),
        (mail(0, "K2"), Kind::Email, &["K1"], false),
        // without contacts the deal stands for them
        (mail(0, "K2"), Kind::Email, &[], true),
        (mail(0, "K1"), Kind::Meeting, &["K1"], false),
        (mail(0, "K1"), Kind::Call, &["K1"], false),
        (meeting(30), Kind::Meeting, &["K1"], true),
        (meeting(31), Kind::Meeting, &["K1"], false),
        (meeting(-90), Kind::Meeting, &["K1"], true),
        (meeting(-91), Kind::Meeting, &["K1"], false),
    ] {
        let entry = entry(kind, 0, contacts, Some("D1"));
        assert_eq!(found(&entry, &all, &[]).is_some(), want, "{kind} {contacts:?} {:?}", all[0].activity.occurred_at);
    }
    let mut off = meeting(0);
    off[0].activity.status = Status::Cancelled;
    assert_eq!(found(&entry(Kind::Meeting, 0, &["K1"], None), &off, &[]), None);
}

fn settled(entry: &Typed, all: &[Stored]) -> Status {
    status(entry, &activity("crm", &Directory::default(), entry).activity, all)
}

#[test]
fn a_meeting_that_a_calendar_called_off_did_not_happen() {
    let off = |minutes, contact: &str, how| {
        let mut row = captured("m", Kind::Meeting, minutes, &[contact], Some("D1"));
        row.activity.status = how;
        [row]
    };
    for (all, kind, contacts, want) in [
        (off(0, "K1", Status::Cancelled), Kind::Meeting, &["K1"][..], Status::Cancelled),
        (off(0, "K1", Status::Declined), Kind::Meeting, &["K1"], Status::Declined),
        (off(30, "K1", Status::Cancelled), Kind::Meeting, &["K1"], Status::Cancelled),
        (off(31, "K1", Status::Cancelled), Kind::Meeting, &["K1"], Status::Planned),
        (off(0, "K2", Status::Cancelled), Kind::Meeting, &["K1"], Status::Planned),
        (off(0, "K2", Status::Cancelled), Kind::Meeting, &[], Status::Cancelled),
        (off(0, "K1", Status::Held), Kind::Meeting, &["K1"], Status::Planned),
        (off(0, "K1", Status::Cancelled), Kind::Email, &["K1"], Status::Done),
    ] {
        let entry = entry(kind, 0, contacts, Some("D1"));
        assert_eq!(settled(&entry, &all), want, "{kind} {contacts:?} {:?}", all[0].activity.occurred_at);
    }
    let both = [off(5, "K1", Status::Cancelled), off(-5, "K1", Status::Declined), off(9, "K1", Status::Held)].concat();
    assert!(found(&entry(Kind::Meeting, 0, &["K1"], None), &both, &[]).is_some(), "the one that took place");
    // by its own UID, whenever and with whomever
    let mut named = off(7 * DAY, "K2", Status::Declined);
    named[0].ical_uid = Some("x@y".to_owned());
    let entry = Typed { ical_uid: Some("x@y".to_owned()), ..entry(Kind::Meeting, 0, &["K1"], None) };
    assert_eq!((settled(&entry, &named), found(&entry, &named, &[])), (Status::Declined, None));
}

#[test]
fn its_own_id_comes_first() {
    let mut named = captured("named", Kind::Email, 30 * DAY, &[], None);
    named.message_id = Some("x@y".to_owned());
    let all = [captured("near", Kind::Email, 0, &["K1"], None), named];
    let plain = entry(Kind::Email, 0, &["K1"], None);
    assert_eq!(found(&plain, &all, &[]), Some("near"));
    let with_id = |id: &str| Typed { message_id: Some(id.to_owned()), ..plain.clone() };
    assert_eq!(found(&with_id("x@y"), &all, &[]), Some("named"));
    assert_eq!(found(&with_id("other@y"), &all, &[]), Some("near"));
    // the nearest instance of a series
    let mut series = [captured("a", Kind::Meeting, 0, &[], None), captured("b", Kind::Meeting, 7 * DAY, &[], None)];
    series.iter_mut().for_each(|s| s.ical_uid = Some("weekly".to_owned()));
    let typed = Typed { ical_uid: Some("weekly".to_owned()), ..entry(Kind::Meeting, 5 * DAY, &[], None) };
    assert_eq!(found(&typed, &series, &[]), Some("b"));
}

#[test]
fn a_persons_word_on_the_entry_counts() {
    let all = [captured("one", Kind::Email, 0, &[], Some("D1")), captured("two", Kind::Email, 0, &[], Some("D2"))];
    let entry = entry(Kind::Email, 0, &[], Some("D1"));
    let own = identity::of_typed("crm", "A1");
    let said = |deal: &str, linked| Chosen {
        activity: own.clone(),
        deal: deal.to_owned(),
        linked,
        by: "mia@acme.example".to_owned(),
        at: at(0),
    };
    assert_eq!(found(&entry, &all, &[]), Some("one"));
    assert_eq!(found(&entry, &all, &[said("D1", false), said("D2", true)]), Some("two"));
    assert_eq!(found(&entry, &all, &[said("D1", false)]), None);
    assert_eq!(found(&entry, &all, &[said("D2", false)]), Some("one"));
}

proptest! {
    #[test]
    fn the_order_of_activities_does_not_show(
        (minutes, shuffled) in prop::collection::vec(-2000..2000_i64, 0..8).prop_flat_map(|v| (Just(v.clone()), Just(v).prop_shuffle()))
    ) {
        let rows = |all: &[i64]| -> Vec<Stored> {
            all.iter().map(|m| captured(&format!("at{m}"), Kind::Email, *m, &["K1"], None)).collect()
        };
        let typed = entry(Kind::Email, 0, &["K1"], None);
        let (a, b) = (rows(&minutes), rows(&shuffled));
        prop_assert_eq!(found(&typed, &a, &[]), found(&typed, &b, &[]));
        let nearest = minutes.iter().map(|m| m.abs()).min().filter(|m| *m <= DAY);
        prop_assert_eq!(found(&typed, &a, &[]).is_some(), nearest.is_some());
    }
}
