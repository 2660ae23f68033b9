//! The trail as a picture: a golden one, a hostile one, a crowded one.

use super::*;

fn t(day: i64, hour: i64) -> DateTime<Utc> {
    let start: DateTime<Utc> = "2026-10-01T00:00:00Z".parse().expect("a time");
    start + TimeDelta::days(day) + TimeDelta::hours(hour)
}

fn mark(day: i64, shape: Shape) -> Mark {
    Mark {
        at: t(day, 9),
        end: (shape == Shape::Meeting).then(|| t(day, 10)),
        shape,
        evidence: shape != Shape::MailOut,
        planned: false,
        called_off: false,
        title: format!("<b>{shape:?}</b>"),
        href: "/activity/a1".into(),
    }
}

pub fn small() -> Trail {
    let band =
        |from, to, name: &str, depth| Band { from: t(from, 0), to: t(to, 0), name: name.into(), depth, closed: false };
    let planned = Mark { planned: true, evidence: false, ..mark(44, Shape::Meeting) };
    Trail {
        from: t(0, 0),
        to: t(50, 0),
        now: t(40, 12),
        zone: chrono_tz::Europe::Berlin,
        bands: vec![band(0, 20, "Qualified", 1), band(20, 50, "Proposal & \"more\"", 2)],
        marks: vec![
            mark(3, Shape::MailOut),
            mark(4, Shape::MailIn),
            mark(4, Shape::MailIn),
            mark(10, Shape::Meeting),
            mark(12, Shape::Call),
            planned,
        ],
        gaps: vec![Hatch { from: t(15, 0), to: t(22, 0), name: "advanced without support".into(), urgent: true }],
        steps: vec![Step { at: t(20, 0), backed: Backed::No, title: "Qualified → Proposal".into() }],
        close: Some(t(49, 0)),
        label: "Trail of <Nordhafen>".into(),
    }
}

#[test]
fn golden() {
    let svg = small().draw().to_string().replace("><", ">\n<");
    insta::assert_snapshot!("small_trail", svg);
}

#[test]
fn no_foreign_markup() {
    let svg = small().draw().to_string();
    assert!(!svg.contains("<b>") && !svg.contains("<Nordhafen>") && !svg.contains("\"more\""));
    assert!(!svg.contains("style=") && !svg.contains("NaN"));
}

#[test]
fn thousands_stay_a_picture() {
    let shapes = [Shape::MailIn, Shape::MailOut, Shape::Meeting];
    let marks = (0..9_000).map(|i| Mark { at: t(0, i % 1200), ..mark(0, shapes[i as usize % 3]) }).collect();
    let svg = Trail { marks, ..small() }.draw().to_string();
    assert!(svg.len() < 40_000, "{}", svg.len());
    assert!(svg.contains(">+"));
}

#[test]
fn spans_hold_today() {
    let now = t(40, 0);
    let (from, to) = span([t(0, 0), t(400, 0)], now);
    assert!(from < t(0, 0) && to > t(53, 0) && to < t(56, 0));
    let (from, to) = span([], now);
    assert!(from < t(12, 0) && to > t(47, 0));
}
