//! The rules on a deal's own history, read once more for the tests: from stages, fields, tasks and quotes as a reader of the
//! files sees them, and from what the independent judge ties to a deal. It shares no code with the rules of the program.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, Duration, NaiveDate, NaiveTime, TimeZone, Utc, Weekday};

use super::judge::Judge;
use super::office::{DAY, Office};
use super::plot::{DEMO, LOST, NEGOTIATION, PROPOSAL, Plant, WON};
use super::world::{Deal, World};

/// What was planted of these rules on a deal. Whoever moves on to the end of the pipeline without a word from the customer
/// has it in the forecast as commit as well, and one of them skips stages on the way.
pub(super) fn planted(deal: &Deal) -> BTreeSet<&'static str> {
    let committed = deal.open() && deal.stage() == NEGOTIATION;
    let mut all = BTreeSet::new();
    match deal.row.plant {
        Plant::Unsupported | Plant::OneSidedMail if committed => all.extend(["commit_without_evidence"]),
        Plant::UnsupportedJump => all.extend(["commit_without_evidence", "skipped_stage"]),
        Plant::CommitWithoutEvidence
        | Plant::SkippedStage
        | Plant::MissingEvidence
        | Plant::Stalled
        | Plant::PushedClose
        | Plant::AmountDropped
        | Plant::SingleThreaded
        | Plant::OverdueNextStep => all.extend(deal.row.plant.rule().map(|(rule, _)| rule)),
        _ => {}
    }
    all
}

/// What these rules must find on it.
pub(super) fn findings(office: &Office, world: &World, judge: &Judge<'_>, index: usize) -> BTreeSet<&'static str> {
    let deal = &world.deals[index];
    let at = |minutes: i64| office.moment(minutes, deal.zone());
    let mut all = BTreeSet::new();
    let mut find = |rule: &'static str, found: bool| {
        if found {
            all.insert(rule);
        }
    };
    let jumps = |m: &[(i64, usize)]| m[1].1 <= WON && m[1].1 > m[0].1 + 1;
    find("skipped_stage", deal.stage() != LOST && deal.moves.windows(2).any(jumps));
    let entered = deal.moves.iter().find(|m| m.1 == PROPOSAL).filter(|_| deal.stage() != LOST);
    let quoted = |by: DateTime<Utc>| world.quotes.iter().any(|q| q.deal == index && q.at <= by);
    find("missing_evidence", entered.is_some_and(|m| at(m.0 + 2 * DAY) < office.now && !quoted(at(m.0 + 2 * DAY))));
    if !deal.open() {
        return all;
    }
    let latest = judge.evidence(index).into_iter().max().unwrap_or(DateTime::UNIX_EPOCH);
    find("commit_without_evidence", deal.forecast == "commit" && latest < at(-10 * DAY));
    let since = deal.moves.last().map_or(0, |m| m.0);
    find("stalled", office.now - at(since) >= Duration::days(30));
    let changes = |field| world.changes.iter().filter(move |c| c.deal == index && c.field == field);
    find("pushed_close", changes("close_date").filter(|c| c.to > c.from).count() >= 3);
    let number = |text: &str| text.parse::<f64>().unwrap_or_default();
    find("amount_dropped", changes("amount").any(|c| number(&c.to) < 0.9 * number(&c.from)));
    let waits = deal.row.plant == Plant::UnknownPending;
    find("single_threaded", deal.stage() >= DEMO && judge.outsiders(index) < 2 && !waits);
    let steps = world.tasks.iter().filter(|t| t.deal == index);
    find("overdue_next_step", steps.into_iter().any(|t| overdue(office, world, judge, index, t.due, t.done)));
    all
}

/// A step whose date is more than a working day past, while neither side has written or met since the working day before it.
fn overdue(
    office: &Office,
    world: &World,
    judge: &Judge<'_>,
    index: usize,
    due: NaiveDate,
    done: Option<DateTime<Utc>>,
) -> bool {
    let zone = world.deals[index].zone();
    let midnight = |day: NaiveDate| {
        let local = day.and_time(NaiveTime::MIN);
        zone.from_local_datetime(&local).earliest().map_or_else(|| local.and_utc(), |t| t.with_timezone(&Utc))
    };
    let works =
        |day: &NaiveDate| !matches!(day.weekday(), Weekday::Sat | Weekday::Sun) && !office.holidays.contains(day);
    let next = (1..20).map(|n| due + Duration::days(n)).find(works).unwrap_or(due);
    if midnight(next + Duration::days(1)) > office.now {
        return false;
    }
    let start = done.map_or(due, |done| done.with_timezone(&zone).date_naive().min(due));
    let from = midnight((1..20).map(|n| start - Duration::days(n)).find(works).unwrap_or(start));
    !judge.signs(index).into_iter().any(|at| at >= from && at <= office.now)
}
