//! What is asked: the program as its pages and commands ask it, and which bare SQL is the same question.

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, Instant},
};

use chrono::{DateTime, Datelike as _, Days, Months, NaiveDate, NaiveTime, TimeDelta, Utc};
use dealtrail::{
    app::App,
    cli::{
        gaps::Gaps,
        lists::{Narrow, Shown},
        output::Format,
        report::Report,
        trial::Trial,
    },
    domain::{
        reports::{Table, Value},
        span,
    },
    engine::progress::Quiet,
};
use tokio_util::sync::CancellationToken;

use crate::{
    bare::{self, Answer, Part, Span},
    bare_deals,
    fill::NEWS,
    median,
};

/// One line of the table.
#[derive(Debug)]
pub struct Question {
    pub name: &'static str,
    report: &'static str,
    /// Which rows count, and by what they are known.
    rows: Rows,
    /// What is compared.
    columns: &'static [&'static str],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rows {
    /// By the rep; all together as `all`.
    RepsAndAll,
    Reps,
    RepWeeks,
    /// By the rep, all together as `all`, and month.
    RepMonths,
    /// By the rep; sections are columns: what is counted in them, else how many lines they have.
    Sections,
    /// A row for each step: of what its own rate is, and twice the seconds that it takes.
    Steps,
    /// How many rows have this in this column.
    Counted(&'static str),
    /// The first number of all rows with this in this column.
    Summed(&'static str),
}

const fn row(name: &'static str, report: &'static str, rows: Rows, columns: &'static [&'static str]) -> Question {
    Question { name, report, rows, columns }
}

pub const ROWS: &[Question] = &[
    row("gaps", "", Rows::Reps, &["worst"]),
    row(
        "activity",
        "activity",
        Rows::RepsAndAll,
        &[
            "emails_sent",
            "emails_received",
            "conversations",
            "meetings_held",
            "calls",
            "quotes_sent",
            "purchase_orders",
            "deals_won",
            "new_contacts",
            "captured",
            "typed",
        ],
    ),
    row("funnel", "funnel", Rows::RepsAndAll, &["conversations", "meetings", "quotes", "contracts"]),
    row("funnel_of_a_year", "funnel", Rows::RepsAndAll, &["conversations", "meetings", "quotes", "contracts"]),
    row("cohorts", "funnel", Rows::RepMonths, &["deals", "meetings", "quotes", "contracts", "open"]),
    row("pace", "pace", Rows::Reps, &["done"]),
    row(
        "today",
        "today",
        Rows::Sections,
        &["suggestions", "they wait", "we wait", "quiet deals", "meetings", "captured", "skipped"],
    ),
    row(
        "targets",
        "targets",
        Rows::Steps,
        &["conversations", "meetings", "quotes", "meetings_days", "quotes_days", "contracts_days"],
    ),
    row(
        "forecast",
        "forecast",
        Rows::Reps,
        &["deals", "committed", "backed", "unbacked", "unknown", "past_committed", "kept_deals", "past_closed"],
    ),
    row("trail", "trail", Rows::Reps, &["moves", "unbacked"]),
    row("next_steps", "next_steps", Rows::Reps, &["steps", "fulfilled", "overdue", "unknown", "to_do"]),
    row("coverage", "coverage", Rows::RepWeeks, &["seen", "captured", "skipped", "typed"]),
    row("leads", "leads", Rows::Reps, &["leads", "inbound", "outbound", "meeting", "silent"]),
    row("segments", "segments", Rows::Counted("segment"), &["contacts"]),
    row("competitors", "competitors", Rows::Summed("deal"), &["mentions"]),
];

fn report(name: &str, from: Option<NaiveDate>) -> Report {
    Report {
        name: name.to_owned(),
        from,
        to: None,
        team: None,
        rep: None,
        deal: None,
        cohorts: false,
        calibration: false,
        show: None,
        format: Format::Json,
    }
}

/// The first day of a year back.
fn a_year(app: &App) -> NaiveDate {
    today(app) - Months::new(12)
}

fn today(app: &App) -> NaiveDate {
    app.clock.now().date_naive()
}

pub async fn ours(app: &App, q: &Question) -> Answer {
    if q.name == "gaps" {
        let shown = Shown { format: Format::Json };
        let (narrow, trial) = (Narrow::default(), Trial::default());
        let gaps = Gaps { said: None, narrow, state: None, all: false, recompute: false, trial, shown };
        let found = gaps.found(app).await.expect("findings");
        return found.into_iter().map(|f| (f.id, BTreeMap::from([("worst".to_owned(), 1)]))).collect();
    }
    let from = ["funnel_of_a_year", "cohorts"].contains(&q.name).then(|| a_year(app));
    let asked = Report { cohorts: q.name == "cohorts", ..report(q.report, from) };
    let table = asked.table(app).await.expect("a report");
    read(q, &table)
}

/// The numbers of a table that are compared.
fn read(q: &Question, table: &Table) -> Answer {
    let cell = |row: &dealtrail::domain::reports::Row, key: &str| {
        let at = table.column(key).unwrap_or_else(|| panic!("{} has no column {key}", q.name));
        row.cells[at].clone()
    };
    let text = |value: Value| if let Value::Text(text) = value { Some(text) } else { None };
    let mut all = Answer::new();
    for row in &table.rows {
        let kind = || text(cell(row, "row")).unwrap_or_default();
        let whose = || text(cell(row, if kind() == "rep" { "rep" } else { "row" })).unwrap_or_default();
        let key = match q.rows {
            Rows::Reps | Rows::RepsAndAll | Rows::Steps if kind() == "rep" => text(cell(row, "rep")),
            Rows::RepsAndAll if kind() == "all" => Some("all".to_owned()),
            Rows::RepWeeks if kind() == "week" => match (text(cell(row, "rep")), cell(row, "week")) {
                (Some(rep), Value::Date(week)) => {
                    let days = (week - NaiveDate::default()).num_days();
                    Some(format!("{rep} {}", (days + 3) / 7))
                }
                _ => None,
            },
            Rows::RepMonths if ["rep", "all"].contains(&kind().as_str()) => {
                text(cell(row, "month")).map(|month| format!("{} {month}", whose()))
            }
            Rows::Sections => text(cell(row, "rep")),
            Rows::Counted(column) | Rows::Summed(column) => text(cell(row, column)),
            _ => None,
        };
        let Some(key) = key else { continue };
        let into = all.entry(key).or_default();
        if q.rows == Rows::Steps {
            let step = text(cell(row, "step")).unwrap_or_default();
            into.insert(step.clone(), number(&cell(row, "own")));
            into.insert(format!("{step}_days"), number(&cell(row, "days")));
            continue;
        }
        if q.rows == Rows::Sections {
            let lines = if cell(row, "count") == Value::None { 1 } else { number(&cell(row, "count")) };
            *into.entry(text(cell(row, "section")).unwrap_or_default()).or_default() += lines;
            continue;
        }
        for column in q.columns {
            if q.rows == Rows::RepMonths
                && let Value::Rate(rate) = cell(row, column)
            {
                into.insert((*column).to_owned(), rate.done.cast_signed());
                continue;
            }
            let n = if matches!(q.rows, Rows::Counted(_)) { 1 } else { number(&cell(row, column)) };
            *into.entry((*column).to_owned()).or_default() += n;
        }
    }
    bare::without_noughts(all)
}

/// A value as a whole number: rates by what they are of, sums in EUR, days in half seconds.
#[expect(clippy::cast_possible_truncation, reason = "amounts and days are small")]
fn number(value: &Value) -> i64 {
    match value {
        Value::Count(n) => n.cast_signed(),
        Value::Rate(rate) => rate.of.cast_signed(),
        Value::Money(sums) => sums.values().sum::<f64>().round() as i64,
        Value::Number(days) => (days * 2.0 * 86_400.0).round() as i64,
        _ => 0,
    }
}

fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

fn span(app: &App, from: NaiveDate, to: NaiveDate) -> Span {
    Span { from: midnight(from), to: midnight(to + Days::new(1)), now: app.clock.now() }
}

/// The same question in SQL.
pub fn parts(app: &App, q: &Question) -> Vec<Part> {
    let today = today(app);
    let monday = today - Days::new(u64::from(today.weekday().num_days_from_monday()));
    let usual = span(app, monday - Days::new(21), today);
    let year = span(app, a_year(app), today);
    match q.name {
        "gaps" => vec![bare_deals::worst()],
        "activity" => {
            vec![
                bare::counted(usual),
                bare::threads(usual),
                bare::won(usual, &["deals_won"]),
                bare::new_contacts(usual),
            ]
        }
        "funnel" => vec![bare::steps(usual), bare::threads(usual), bare::won(usual, &["contracts"])],
        "funnel_of_a_year" => vec![bare::steps(year), bare::threads(year), bare::won(year, &["contracts"])],
        "targets" => {
            vec![bare::steps(year), bare::threads(year), bare::won(year, &["contracts"]), bare::lags(year)]
        }
        "cohorts" => {
            let first = a_year(app).with_day(1).expect("a month has a first day");
            let months = (0..=12).map(|n| first + Months::new(n)).map(|first| {
                let (from, to) = (midnight(first).max(year.from), midnight(first + Months::new(1)).min(year.to));
                (first.format("%Y-%m").to_string(), from, to)
            });
            vec![bare::cohorts(&months.collect::<Vec<_>>(), year.now)]
        }
        "today" => {
            // the day shows the pace too
            let mut all = bare::day(span(app, today, today), span(app, today - Days::new(1), today));
            all.extend(pace(app, monday));
            all
        }
        "pace" => pace(app, monday),
        "forecast" => {
            let first =
                NaiveDate::from_ymd_opt(today.year(), (today.month0() / 3) * 3 + 1, 1).expect("a first of a month");
            let quarter = |n: u32| {
                let first = first - Months::new(3 * n);
                (first, first + Months::new(3) - Days::new(1))
            };
            bare_deals::committed(&(0..=8).map(quarter).collect::<Vec<_>>(), fresh(app, usual.now), usual)
        }
        "trail" => vec![bare_deals::moves(usual)],
        "next_steps" => vec![bare_deals::tasks(span(app, monday - Days::new(21), today + Days::new(14)))],
        "coverage" => bare_deals::items(usual),
        "leads" => vec![bare_deals::leads(usual)],
        "segments" => vec![bare_deals::segments(span(app, monday, monday + Days::new(6)))],
        _ => vec![bare_deals::mentions(usual)],
    }
}

/// The windows of moves after this moment are not over.
fn fresh(app: &App, now: DateTime<Utc>) -> DateTime<Utc> {
    let calendar = &app.engine.rules.organization;
    let before = |seconds: i64| now - TimeDelta::seconds(seconds);
    let seconds: Vec<i64> = (0..20 * 86_400).collect();
    let first = seconds.partition_point(|s| calendar.add(before(*s), span::Span::WorkDays(2)) > now);
    before(seconds[first])
}

fn pace(app: &App, monday: NaiveDate) -> Vec<Part> {
    let week = span(app, monday, monday + Days::new(6));
    vec![bare::threads(week).renamed(&["done"]), bare::calls(week, &["done"])]
}

/// The first difference, when there is one.
pub fn difference(q: &Question, ours: &Answer, bare: &Answer) -> Option<String> {
    if ours.is_empty() {
        return Some("there is nothing to compare".to_owned());
    }
    let plain = |answer: &Answer| -> Answer {
        let rows = answer.iter().filter(|(key, _)| q.rows == Rows::RepsAndAll || *key != "all");
        rows.map(|(key, row)| {
            (
                key.clone(),
                row.iter().filter(|(c, _)| q.columns.contains(&c.as_str())).map(|(c, n)| (c.clone(), *n)).collect(),
            )
        })
        .filter(|(_, row): &(String, BTreeMap<String, i64>)| !row.is_empty())
        .collect()
    };
    let (ours, bare) = (plain(ours), plain(bare));
    let keys: std::collections::BTreeSet<&String> = ours.keys().chain(bare.keys()).collect();
    let first = keys.into_iter().find(|key| ours.get(*key) != bare.get(*key))?;
    Some(format!("{first}: ours {:?}, bare SQL {:?}", ours.get(first), bare.get(first)))
}

/// One deal that was touched is judged, and a new mail on a deal is read, matched, committed and judged: what each takes, of so many.
pub async fn judged(app: &App, folder: &Path) {
    const TIMES: u64 = 30;
    // nothing else is left to judge, and nothing waits for capture to get further, which wakes with each review
    app.engine.review_due().await.expect("judging");
    app.store.db.exec("update reviews set waits = 0", vec![]).await.expect("marks");
    let mut took = Vec::new();
    for n in 0..TIMES {
        let mark = format!("update reviews set due = 0 where deal = 'D{}'", n * 7 % 100);
        app.store.db.exec(&mark, vec![]).await.expect("a mark");
        let began = Instant::now();
        app.engine.review_due().await.expect("judging");
        took.push(began.elapsed());
    }
    told("one deal judged", took);
    let connection = app.engine.connections.iter().find(|c| c.name == NEWS).expect("a mailbox for what is new").clone();
    let directory = app.engine.known().directory.clone();
    let is_open = |n: &u64| directory.deals.get(&format!("D{n}")).is_some_and(|d| d.closed_at.is_none());
    let open: Vec<u64> = (0..1_000).filter(is_open).collect();
    let (mut read, mut all) = (Vec::new(), Vec::new());
    let before = std::fs::read_dir(folder.join("mail/new/cur")).expect("a mailbox").count() as u64;
    for n in before..before + TIMES {
        let deal = open[n as usize % open.len()];
        let at = app.clock.now() - TimeDelta::hours(1) + TimeDelta::seconds(n.cast_signed());
        let mail = format!(
            "Message-ID: <new-{n}@mail.example>\r\nFrom: buyer{deal}@company{}.example\r\nTo: rep0@acme.example\r\nDate: {}\r\n\
             Subject: About the project\r\nContent-Type: text/plain\r\n\r\nSome words.\r\n",
            deal / 4,
            at.to_rfc2822()
        );
        std::fs::write(folder.join(format!("mail/new/cur/{}.M{n}P1.acme:2,S", 1_700_000_000 + n)), mail)
            .expect("a mail");
        let began = Instant::now();
        let tally =
            app.engine.connection(&connection, false, &Quiet, &CancellationToken::new()).await.expect("reading");
        read.push(began.elapsed());
        app.engine.finish(&Quiet, &CancellationToken::new()).await.expect("judging");
        all.push(began.elapsed());
        assert_eq!(tally.items, 1, "one mail is new");
    }
    told("one new mail read and committed", read);
    told("the same with all that follows", all);
    let new = "select count(*) from links where entity = 'deal' and activity in (select id from activities where message_id like 'new-%')";
    let tied = app.store.db.rows(new, vec![]).await.expect("a count")[0].int(0);
    assert_eq!(tied.cast_unsigned(), before + TIMES, "each new mail is on its deal");
}

fn told(what: &str, took: Vec<Duration>) {
    let slowest = took.iter().max().copied().unwrap_or_default().as_secs_f64() * 1e3;
    println!("  {what:<34} median {:>8.2} ms, slowest {slowest:>8.2} ms", median(took).as_secs_f64() * 1e3);
}
