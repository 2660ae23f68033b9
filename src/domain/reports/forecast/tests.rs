//! Forecasts by hand: what was kept, what is expected, what stands behind it.

use super::{super::office, *};
use crate::domain::{
    directory::{FieldChange, StageKind},
    thresholds::GapSettings,
    working::WorkCalendar,
};
use office::{ANA, BEN, t};

fn commit(id: &str, owner: &str, amount: f64, close: &str) -> Deal {
    let mut deal = office::deal(id, owner, amount, "EUR");
    deal.forecast_category = Some("Commit".into());
    deal.close_date = format!("2026-{close}").parse().ok();
    deal
}

/// Committed, and put off at the end.
fn slipped(id: &str, owner: &str, amount: f64, close: &str, at: &str) -> Deal {
    let mut deal = commit(id, owner, amount, close);
    let from = Some(format!("2026-{close}"));
    let to = Some("2027-06-30".to_owned());
    deal.close_date = "2027-06-30".parse().ok();
    deal.field_changes.push(FieldChange { field: "close_date".into(), from, to, at: t(at) });
    deal
}

fn shown(deals: Vec<Deal>, findings: &[Stand], per: Period, worth: &Worth) -> Table {
    of("2026-11-20", deals, findings, per, worth)
}

/// For the period of this day, as of 20 November.
fn of(day: &str, deals: Vec<Deal>, findings: &[Stand], per: Period, worth: &Worth) -> Table {
    let directory = office::directory(office::users(), vec![], deals);
    let calendar = WorkCalendar::default();
    let day = day.parse().expect("a date");
    // the buyer of each wrote on 1 November
    let signs = directory.deals.keys().filter(|id| *id != "mute").map(|id| (id.clone(), t("11-01"))).collect();
    report(&Input {
        directory: &directory,
        findings,
        signs: &signs,
        judged: Judged {
            settings: &GapSettings::default(),
            calendar: &calendar,
            calendars: &HashMap::new(),
            now: t("11-20"),
        },
        worth,
        range: Range { from: day, to: day, calendar: &calendar },
        per,
        scope: Scope::default(),
    })
}

fn cell(table: &Table, whose: &str, key: &str) -> String {
    let row = table.rows.iter().find(|r| r.cells[2] == Value::Text(whose.into())).expect("a row");
    row.cells[table.column(key).expect("a column")].text()
}

#[test]
fn what_is_still_running_is_no_history() {
    // one kept in spring, one that may be kept until the end of the year
    let deals = || vec![office::won(commit("a", ANA, 30_000.0, "05-15"), "05-10"), commit("b", ANA, 70_000.0, "12-20")];
    for day in ["2026-11-20", "2027-01-31"] {
        let table = of(day, deals(), &[], Period::Quarter, &Worth::default());
        let ana = |key: &str| cell(&table, "Ana Lopez", key);
        assert_eq!((ana("past_committed"), ana("periods")), ("30000.00 EUR".into(), "1".into()), "{day}");
    }
}

#[test]
fn what_was_kept_of_what_was_committed() {
    let deals = vec![
        office::won(commit("a", ANA, 30_000.0, "05-15"), "05-10"),
        slipped("b", ANA, 70_000.0, "06-20", "06-25"),
        // won, but never committed
        office::won(office::deal("c", ANA, 9_000.0, "EUR"), "05-11"),
    ];
    let table = shown(deals, &[], Period::Quarter, &Worth::default());
    let ana = |key: &str| cell(&table, "Ana Lopez", key);
    assert_eq!((ana("past_committed"), ana("past_closed")), ("100000.00 EUR".into(), "30000.00 EUR".into()));
    assert_eq!((ana("kept"), ana("kept_deals")), ("30 %".into(), "50 % (1 of 2: few)".into()));
    // one period and two deals say nothing of the next
    assert_eq!((ana("likely"), ana("low"), ana("periods")), (String::new(), String::new(), "1".into()));
    assert!(table.notes.iter().any(|n| n.contains("too little history")));
}

/// Four deals of 100 in each of three months; 2, 1 and 3 of them won.
fn history() -> Vec<Deal> {
    let mut deals = Vec::new();
    for (month, won) in [("08", 2), ("09", 1), ("10", 3)] {
        for n in 0..4 {
            let (id, close) = (format!("{month}-{n}"), format!("{month}-20"));
            deals.push(if n < won {
                office::won(commit(&id, ANA, 100.0, &close), &format!("{month}-18"))
            } else {
                slipped(&id, ANA, 100.0, &close, &format!("{month}-25"))
            });
        }
    }
    deals
}

#[test]
fn what_is_expected_and_what_stands_behind_it() {
    let mut deals = history();
    let dollars = |mut deal: Deal| {
        deal.currency = Some("USD".into());
        deal
    };
    deals.push(commit("open", ANA, 1000.0, "11-28"));
    deals.push(dollars(commit("dollars", ANA, 200.0, "11-29")));
    deals.push(commit("bare", ANA, 50.0, "11-30"));
    deals.push(office::won(commit("done", ANA, 500.0, "11-10"), "11-05"));
    deals.push(commit("next month", ANA, 7.0, "12-01"));
    let about = |rule: Rule, deal: &str, state: State| Stand {
        rule,
        deal: Some(deal.into()),
        key: "k".into(),
        state,
        late: false,
    };
    let findings = [
        about(Rule::GoneQuiet, "bare", State::Open),
        about(Rule::UnsupportedAdvance, "dollars", State::Unknown),
        about(Rule::GoneQuiet, "open", State::Resolved),
        about(Rule::NoReply, "open", State::Open),
    ];
    let table = shown(deals.clone(), &findings, Period::Month, &Worth::default());
    let ana = |key: &str| cell(&table, "Ana Lopez", key);
    assert_eq!(ana("committed"), "1050.00 EUR + 200.00 USD");
    assert_eq!(
        (ana("backed"), ana("unbacked"), ana("unknown")),
        ("1000.00 EUR".into(), "50.00 EUR".into(), "200.00 USD".into())
    );
    assert_eq!((ana("gaps"), ana("deals"), ana("in_one")), ("gone_quiet".into(), "3".into(), String::new()));
    assert_eq!((ana("kept"), ana("closed")), ("50 %".into(), "500.00 EUR".into()));
    // 500 closed, and half of what is committed; at worst a quarter, at best three quarters
    assert_eq!(ana("likely"), "1025.00 EUR + 100.00 USD");
    assert_eq!((ana("low"), ana("high")), ("762.50 EUR + 50.00 USD".into(), "1287.50 EUR + 150.00 USD".into()));
    assert_eq!(table.notes.len(), 2);
    let worth = Worth(BTreeMap::from([("EUR".into(), 1.0), ("USD".into(), 0.5)]));
    let table = shown(deals, &findings, Period::Month, &worth);
    assert_eq!(cell(&table, "everybody", "in_one"), "1150.00 EUR");
    assert_eq!(cell(&table, "everybody", "likely_in_one"), "1075.00 EUR");
    let row = &table.rows[0];
    assert_eq!(row.evidence["backed"], ["open"]);
    assert_eq!((row.evidence["kept_deals"].len(), row.evidence["past_committed"].len()), (6, 12));
}

#[test]
fn nothing_from_the_buyer_is_no_backing() {
    let moved = |id: &str, at: &str| office::moved(commit(id, ANA, 10.0, "11-30"), "offer", at);
    // moved yesterday, and the last sign is older than its window; the same, the window is over and was not read yet; moved a
    // week after the sign
    let deals = vec![
        commit("mute", ANA, 100.0, "11-28"),
        moved("fresh", "11-19"),
        moved("unread", "11-17"),
        moved("old", "11-08"),
    ];
    let table = shown(deals, &[], Period::Month, &Worth::default());
    let ana = |key: &str| cell(&table, "Ana Lopez", key);
    assert_eq!(
        (ana("committed"), ana("backed"), ana("awaited")),
        ("130.00 EUR".into(), "10.00 EUR".into(), "120.00 EUR".into())
    );
    let row = &table.rows[0];
    assert_eq!(
        (&row.evidence["backed"], &row.evidence["awaited"]),
        (&vec!["old".to_owned()], &vec!["fresh".to_owned(), "mute".to_owned(), "unread".to_owned()])
    );
}

#[test]
fn a_deal_counts_for_whoever_committed_it() {
    let mut deals = history();
    deals.push(office::handed_over(slipped("moved", ANA, 5.0, "10-20", "10-25"), "11-10", BEN));
    let table = shown(deals, &[], Period::Month, &Worth::default());
    assert_eq!(cell(&table, "Ana Lopez", "past_committed"), "1205.00 EUR");
}

#[test]
fn of_deals_given_a_chance() {
    let deals = (0..4).map(|n| {
        let deal = office::deal(&format!("d{n}"), ANA, 1.0, "EUR");
        if n == 0 { deal } else { office::won(deal, "11-02") }
    });
    let mut directory = office::directory(office::users(), vec![], deals.collect());
    directory.stages.get_mut("open").expect("a stage").probability = Some(0.7);
    let mut lost = directory.stages["won"].clone();
    (lost.id, lost.kind) = ("lost".into(), StageKind::Lost);
    directory.stages.insert("lost".into(), lost);
    let unlucky = directory.deals.get_mut("d3").expect("a deal");
    unlucky.stage = "lost".into();
    unlucky.stage_changes[0].to = "lost".into();
    let calendar = WorkCalendar::default();
    let day = |text: &str| text.parse().expect("a date");
    let table = calibration(&Input {
        directory: &directory,
        findings: &[],
        signs: &HashMap::new(),
        judged: Judged {
            settings: &GapSettings::default(),
            calendar: &calendar,
            calendars: &HashMap::new(),
            now: t("11-20"),
        },
        worth: &Worth::default(),
        range: Range { from: day("2026-11-01"), to: day("2026-11-20"), calendar: &calendar },
        per: Period::Quarter,
        scope: Scope { team: Some("north".into()), rep: None },
    });
    let rows: Vec<String> =
        table.rows.iter().map(|r| r.cells[4..].iter().map(Value::text).collect::<Vec<_>>().join("|")).collect();
    assert_eq!(rows, ["60-80 %|3|70 %|67 % (2 of 3: few)"; 2]);
}
