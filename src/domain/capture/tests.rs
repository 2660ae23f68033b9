//! The moment a mail counts for.

use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;

fn at(hours: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::hours(hours)
}

fn mail(date: Option<i64>, received: Option<i64>) -> Message {
    Message { date: date.map(at), received: received.map(at), ..Message::default() }
}

#[test]
fn moments() {
    let broken = Message { date: Some(DateTime::UNIX_EPOCH), received: Some(at(-5)), ..Message::default() };
    for (name, mail, kept, want) in [
        ("its date", mail(Some(-9), Some(-2)), None, at(-9)),
        ("a clock some hours ahead", mail(Some(20), Some(-2)), None, at(20)),
        ("a date of the future: the arrival", mail(Some(90), Some(-2)), None, at(-2)),
        ("neither can be", mail(Some(90), Some(80)), None, at(0)),
        ("no arrival", mail(Some(90), None), None, at(0)),
        ("no date", mail(None, Some(-2)), None, at(-2)),
        ("nothing", mail(None, None), None, at(0)),
        ("1970", broken.clone(), None, at(-5)),
        ("guessed before", mail(Some(90), Some(-2)), Some(at(-2)), at(-2)),
        ("guessed before, the day has come", mail(Some(-1), None), Some(at(-40)), at(-40)),
        ("known before", mail(Some(-9), Some(-2)), Some(at(-9)), at(-9)),
        ("1970, guessed before", broken, Some(at(-7)), at(-7)),
    ] {
        assert_eq!(occurred_at(&mail, kept, at(0)), want, "{name}");
    }
}

proptest! {
    #[test]
    fn once_decided_a_moment_stays(
        date in proptest::option::of(-500_i64..2_000),
        received in proptest::option::of(-500_i64..2_000),
        first in -100_i64..100,
        later in 0_i64..5_000,
    ) {
        let mail = mail(date, received);
        let kept = occurred_at(&mail, None, at(first));
        prop_assert_eq!(occurred_at(&mail, Some(kept), at(first + later)), kept);
        prop_assert!(kept <= at(first) + TimeDelta::days(1));
    }
}
