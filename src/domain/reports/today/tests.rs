//! A made-up day: its sections, its meetings and the people in them.

use super::{super::office, *};
use crate::domain::directory::Contact;
use crate::domain::reports::coverage::{Decided, Outcome};
use office::{ANA, BEN, t};

fn finding(rule: Rule, deal: &str, owner: &str) -> Finding {
    let mut finding = Finding::blank(rule, deal, "k".into(), t("11-10"));
    (finding.deal, finding.owner) = (Some(deal.into()), Some(owner.into()));
    finding
}

/// A mail that asks, and one of ours.
fn told() -> HashMap<String, Told> {
    let person = |role, address: &str, name: Option<&str>, user: Option<&str>| Participant {
        address: address.into(),
        name: name.map(str::to_owned),
        role,
        contact: None,
        user: user.map(str::to_owned),
    };
    let tells = |title: Option<&str>, people| {
        let mut activity = office::meeting("told", "11-10", &[]).activity;
        activity.participants = people;
        Told { title: title.map(str::to_owned), activity }
    };
    HashMap::from([
        (
            "asks".to_owned(),
            tells(
                None,
                vec![
                    person(Role::From, "zoe@buyer.example", Some("Zoe Unknown"), None),
                    person(Role::To, ANA, Some("Ana"), Some(ANA)),
                    person(Role::Cc, "max@buyer.example", None, None),
                ],
            ),
        ),
        (
            "ours".to_owned(),
            tells(
                None,
                vec![
                    person(Role::From, ANA, None, Some(ANA)),
                    person(Role::To, "max@buyer.example", Some(" "), None),
                    person(Role::Cc, "tom@buyer.example", None, None),
                ],
            ),
        ),
    ])
}

/// On d1, with contact c and two outsiders of whom the CRM knows the second.
fn met_with(id: &str, at: &str, outsiders: [&str; 2]) -> Happened {
    let mut meeting = office::meeting(id, at, &[ANA]).on("d1").with("c");
    let known = [None, Some("c".to_owned())];
    meeting.activity.participants.extend(outsiders.into_iter().zip(known).map(|(address, contact)| Participant {
        address: address.into(),
        name: None,
        role: Role::Required,
        contact,
        user: None,
    }));
    meeting
}

#[test]
fn what_a_day_holds() {
    let deals = (0..8).map(|n| office::deal(&format!("d{n}"), ANA, 1.0, "EUR")).collect();
    let max = Contact { name: Some("Max Buyer".into()), ..office::contact("c", ANA, "01-05") };
    let directory = office::directory(office::users(), vec![max], deals);
    let mut findings: Vec<Finding> = (0..8).map(|n| finding(Rule::GoneQuiet, &format!("d{n}"), ANA)).collect();
    findings.push(Finding { evidence: vec!["asks".into()], ..finding(Rule::WeOweReply, "d1", ANA) });
    findings[0].evidence = vec!["older".into(), "ours".into()];
    findings.push(finding(Rule::NoReply, "d2", BEN));
    let happened = [
        met_with("m", "11-20 15:00", ["zoe@buyer.example", "max@buyer.example"]),
        office::meeting("late", "11-21 15:00", &[ANA]),
        office::sent("s", "11-19 10:00", ANA, "t"),
        office::sent("old", "11-18 10:00", ANA, "t"),
    ];
    let item = |key: &str, at: &str, owner: &str| Item {
        decided: Decided {
            connection: "c".into(),
            stream: "INBOX".into(),
            owner: Some(owner.into()),
            at: Some(t(at)),
            outcome: Outcome::Skipped,
            reason: Some("bulk".into()),
            count: 1,
        },
        key: key.into(),
        activity: None,
    };
    let items =
        [item("1", "11-19", ANA), item("2", "11-20 08:00", ANA), item("3", "11-12", ANA), item("4", "11-19", BEN)];
    let calendar = WorkCalendar::default();
    let day = "2026-11-20".parse().expect("a date");
    let pace = Table { name: "pace".into(), from: day, to: day, columns: vec![], rows: vec![], notes: vec![] };
    let calendars = HashMap::new();
    let when = When { day: Some(day), calendar: &calendar, calendars: &calendars, now: t("11-20 12:00") };
    let listed: Vec<String> = tells_of(&findings, &directory).into_iter().collect();
    assert_eq!(listed, ["asks", "ours"]);
    let scope = Scope { team: None, rep: Some(ANA.into()) };
    assert_eq!(meetings(&happened, &users(&directory, &scope, when.now), &directory, &when), ["m"]);
    let mut told = told();
    told.insert("m".into(), Told { title: Some("Kick-off".into()), activity: happened[0].activity.clone() });
    // the meeting itself, and what came after it, is not what was before it
    let heard = HashMap::from([("c".to_owned(), vec![t("11-12"), t("11-20 15:00"), t("11-20 16:00")])]);
    let input = Input {
        directory: &directory,
        findings: &findings,
        happened: &happened,
        items: &items,
        heard: &heard,
        gaps: &HashMap::from([("d1".to_owned(), 2), ("d2".to_owned(), 1)]),
        told: &told,
        pace: &pace,
        when,
        on: day,
        scope,
    };
    let table = report(&input);
    let cells = |section: &str, column: usize| -> Vec<String> {
        let rows = table.rows.iter().filter(|r| r.cells[2].text() == section);
        rows.map(|r| r.cells[column].text()).collect()
    };
    assert_eq!(cells("they wait", 4), ["Zoe Unknown"], "the CRM does not know her, her mail does");
    let named: Vec<String> = cells("quiet deals", 4).into_iter().filter(|who| !who.is_empty()).collect();
    assert_eq!(named, ["somebody at buyer.example"]);
    let mut sections: BTreeMap<String, usize> = BTreeMap::new();
    for row in &table.rows {
        *sections.entry(row.cells[2].text()).or_default() += 1;
    }
    let want =
        [("captured", 1), ("meetings", 1), ("quiet deals", 8), ("skipped", 1), ("suggestions", 5), ("they wait", 1)];
    assert_eq!(sections, want.into_iter().map(|(s, n)| (s.to_owned(), n)).collect());
    let meeting = table.rows.iter().find(|r| r.cells[2].text() == "meetings").expect("a meeting");
    assert_eq!(meeting.cells[4].text(), "tom@x.example, zoe@buyer.example, Max Buyer");
    assert_eq!(meeting.cells[6].text(), "Kick-off: last contact 2026-11-12, 2 open gaps");
    let skipped = table.rows.last().expect("what was skipped");
    assert_eq!((skipped.cells[6].text(), skipped.cells[7].text()), ("bulk".into(), "2".into()));
    assert_eq!(skipped.evidence["count"], ["c/INBOX/1", "c/INBOX/2"]);
    // without a name each rep has a section
    let all = report(&Input { scope: Scope::default(), ..input });
    assert!(all.rows.iter().any(|r| r.cells[0].text() == BEN && r.cells[2].text() == "we wait"));
}

/// Which meetings a rep's page of that day shows; of no day, of the rep's own.
fn met(day: Option<&str>, now: &str, zone: chrono_tz::Tz, meetings: &[Happened]) -> Vec<String> {
    let directory = office::directory(office::users(), vec![], vec![]);
    let calendar = WorkCalendar::default();
    let own = WorkCalendar { zone, ..WorkCalendar::default() };
    let here = calendar.date(t(now));
    let day = day.map(|day| day.parse().expect("a date"));
    let pace = Table { name: "pace".into(), from: here, to: here, columns: vec![], rows: vec![], notes: vec![] };
    let calendars = HashMap::from([(ANA.to_owned(), own)]);
    let tell = |h: &Happened| (h.activity.id.clone(), Told { title: None, activity: h.activity.clone() });
    let told: HashMap<String, Told> = meetings.iter().map(tell).collect();
    let table = report(&Input {
        directory: &directory,
        findings: &[],
        happened: meetings,
        items: &[],
        heard: &HashMap::new(),
        gaps: &HashMap::new(),
        told: &told,
        pace: &pace,
        when: When { day, calendar: &calendar, calendars: &calendars, now: t(now) },
        on: day.unwrap_or(here),
        scope: Scope { team: None, rep: Some(ANA.into()) },
    });
    let of_meetings = table.rows.iter().filter(|r| r.cells[2].text() == "meetings");
    of_meetings.map(|r| format!("{} {}", r.evidence["what"][0], r.cells[3].text())).collect()
}

#[test]
fn the_day_is_the_reps_own() {
    let meetings = [office::meeting("today", "11-22 20:00", &[ANA]), office::meeting("before", "11-21 20:00", &[ANA])];
    // Monday morning there while it is Sunday evening here
    let there = chrono_tz::Pacific::Auckland;
    assert_eq!(met(None, "11-22 18:45", there, &meetings), ["today 2026-11-23 09:00"]);
    assert_eq!(met(Some("2026-11-22"), "11-22 18:45", there, &meetings), ["before 2026-11-22 09:00"]);
}

#[test]
fn a_meeting_of_several_days_is_on_each_of_them() {
    let mut fair = office::meeting("fair", "11-21 00:00", &[ANA]);
    (fair.all_day, fair.activity.ended_at) = (true, Some(t("11-24 00:00")));
    let mut night = office::meeting("night", "11-21 22:00", &[ANA]);
    night.activity.ended_at = Some(t("11-23 00:00"));
    let meetings = [fair, night];
    let on = |day: &str| met(Some(day), "11-22 12:00", chrono_tz::UTC, &meetings).len();
    assert_eq!(["2026-11-20", "2026-11-21", "2026-11-22", "2026-11-23", "2026-11-24"].map(on), [0, 2, 2, 1, 0]);
}

#[test]
fn the_span_holds_everybodys_day_and_the_one_before() {
    let directory = office::directory(office::users(), vec![], vec![]);
    let scope = Scope { team: Some("north".into()), rep: None };
    let calendar = WorkCalendar::default();
    let there = WorkCalendar { zone: chrono_tz::Pacific::Auckland, ..WorkCalendar::default() };
    let calendars = HashMap::from([(BEN.to_owned(), there)]);
    let when = |day: Option<&str>, calendars| When {
        day: day.map(|day| day.parse().expect("a date")),
        calendar: &calendar,
        calendars,
        now: t("11-22 18:00"),
    };
    let none = HashMap::new();
    for (day, calendars, from, to) in [
        (None, &none, "11-21 00:00", "11-23 00:00"),
        // Monday has begun there, whose beginning lies before midnight UTC
        (None, &calendars, "11-21 00:00", "11-23 11:00"),
        (Some("2026-11-10"), &calendars, "11-08 11:00", "11-11 00:00"),
    ] {
        let users = users(&directory, &scope, t("11-22 18:00"));
        assert_eq!(when(day, calendars).span(&users), (t(from), t(to)), "{day:?}");
    }
    assert_eq!(when(None, &none).span(&[]), (t("11-21 00:00"), t("11-23 00:00")));
}
