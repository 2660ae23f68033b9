//! Quotas solved back by hand.

use super::{
    super::{Range, Scope, office},
    *,
};
use crate::domain::working::WorkCalendar;
use office::{ANA, BEN, t};

fn close(have: f64, want: f64) {
    assert!((have - want).abs() < 0.005 * want.abs().max(1.0), "{have} is not {want}");
}

#[test]
fn few_trials_are_drawn_to_the_team() {
    let rate = |done, of| Rate { done, of };
    // 0 of 0 is the team's, 10 of 20 halfway between, 1,000 of 2,000 nearly its own
    for (own, want) in [(rate(0, 0), 0.25), (rate(10, 20), 0.375), (rate(1000, 2000), 0.4975)] {
        close(shrunk(own, rate(25, 100)).expect("an estimate").mean, want);
    }
    let (few, many) = (shrunk(rate(1, 2), rate(1, 2)), shrunk(rate(100, 200), rate(1, 2)));
    assert!(few.expect("few").error > many.expect("many").error);
    assert!(shrunk(rate(5, 5), rate(0, 9)).is_none());
    close(shrunk(rate(30, 20), rate(3, 2)).expect("more than one").mean, 1.5);
}

#[test]
fn the_mean_won_is_drawn_to_the_team() {
    let of = |own: &[f64], team: &[f64]| mean(own, [&[][..], team].into_iter()).map(|m| m.mean);
    close(of(&[], &[100.0, 300.0]).expect("the team's"), 200.0);
    close(of(&[400.0; 5], &[100.0, 300.0]).expect("halfway"), 300.0);
    assert_eq!(of(&[], &[]), None);
}

#[test]
fn a_quota_back_to_conversations() {
    // 20 conversations, 10 meetings, 5 quotes, 2 contracts of 1,000; nothing of Ben
    let deals = ["d1", "d2"].map(|id| office::won(office::deal(id, ANA, 1000.0, "EUR"), "11-10"));
    let directory = office::directory(office::users(), vec![], deals.into());
    let mut happened = Vec::new();
    for n in 0..20 {
        let thread = format!("t{n}");
        happened.push(office::received(&format!("in{n}"), "11-02", &[ANA], &thread));
        happened.push(office::sent(&format!("out{n}"), "11-03", ANA, &thread));
    }
    for n in 0..10 {
        happened.push(office::meeting(&format!("m{n}"), "11-04", &[ANA]));
    }
    for n in 0..5 {
        happened.push(office::sent(&format!("q{n}"), "11-05", ANA, &format!("q{n}")).tagged("quote"));
    }
    let calendar = WorkCalendar::default();
    let day = |text: &str| text.parse().expect("a date");
    let input = Input {
        directory: &directory,
        happened: &happened,
        talks: &happened,
        threads: &[],
        quotes: &[],
        range: Range { from: day("2026-11-01"), to: day("2026-11-30"), calendar: &calendar },
        scope: Scope { team: Some("north".into()), rep: None },
        minutes: activity::Minutes::default(),
        now: t("11-20"),
    };
    let quota = |rep: &str, currency: &str| Quota {
        rep: rep.into(),
        per: Period::Quarter,
        amount: 10_000.0,
        currency: currency.into(),
    };
    let way = |deal: &str| (deal.to_owned(), Journey { reached: [None, None, Some(t("11-05")), Some(t("11-10"))] });
    let journeys = BTreeMap::from(["d1", "d2"].map(way));
    let opened = |quotas: &[Quota], opens: Option<&str>| {
        let worth = Worth(BTreeMap::from([("EUR".into(), 1.0), ("USD".into(), 0.5)]));
        report(&input, &Asks { quotas, journeys: &journeys, worth: &worth, opens })
    };
    let asks = |quotas: &[Quota]| opened(quotas, None);
    let number = |row: &Row, key: usize| match &row.cells[key] {
        Value::Number(n) => *n,
        other => panic!("{other:?} is no number"),
    };
    // with one team and one rep who did everything, own and team agree: 10 contracts, / 0.4, / 0.5, / 0.5
    let table = asks(&[quota(ANA, "EUR"), quota(BEN, "EUR")]);
    assert_eq!(table.rows.len(), 8);
    let likely = table.column("likely").expect("likely");
    for (row, want) in table.rows.iter().zip([10.0, 25.0, 50.0, 100.0, 10.0, 25.0, 50.0, 100.0]) {
        close(number(row, likely), want);
        assert!(number(row, likely - 1) <= number(row, likely) && number(row, likely) <= number(row, likely + 1));
        close(number(row, likely + 2), want / (92.0 / 7.0));
    }
    // Ben has no rate of his own, so his bounds lie further apart
    let width = |row: &Row| number(row, likely + 1) - number(row, likely - 1);
    assert!(width(&table.rows[7]) > width(&table.rows[3]));
    // what stands behind each number: contracts, quotes, meetings, conversations
    let setting = "[[quota]] rep=ana@acme.example per=quarter amount=10000 currency=EUR";
    for (key, want) in [
        ("quota", [1, 1, 1, 1]),
        ("value", [2, 0, 0, 0]),
        ("own", [0, 2, 5, 10]),
        ("team_rate", [0, 2, 5, 10]),
        ("used", [0, 2, 5, 10]),
        ("likely", [3, 3, 8, 18]),
        ("a_week", [3, 3, 8, 18]),
        ("days", [2, 0, 0, 0]),
    ] {
        let table = opened(&[quota(ANA, "EUR")], Some(key));
        let behind = |row: &Row| row.evidence.get(key).map_or(0, Vec::len);
        assert_eq!(table.rows.iter().map(behind).collect::<Vec<_>>(), want, "{key}");
        assert!(!["quota", "likely"].contains(&key) || table.rows[0].evidence[key][0] == setting);
    }
    // Ben's contracts go by what the team won
    assert_eq!(opened(&[quota(BEN, "EUR")], Some("value")).rows[0].evidence["value"], ["d1", "d2"]);
    // twice the contracts when a dollar is half a euro's worth: 10,000 USD are 5 of them
    close(number(&asks(&[quota(ANA, "USD")]).rows[0], likely), 5.0);
    // no rate, no sum
    let none = asks(&[quota(ANA, "CHF")]);
    assert!(none.rows.iter().all(|r| r.cells[likely] == Value::None) && none.notes.len() == 4);
    assert_eq!(asks(&[]).notes.len(), 1);
}
