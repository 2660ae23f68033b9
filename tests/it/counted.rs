//! What the database counts is what comes of counting each activity by itself, whoever left, whoever shares a mailbox, and on whatever
//! day: random activities on both databases.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use dealtrail::{
    domain::{
        activity::{Activity, Direction, Entity, Kind, Match, Origin, Participant, Reason, Role, Status, TextState},
        conversations::RECENT,
        directory::{Deal, Directory, Ours, User},
        gaps::{Finding, Rule, Severity, State},
        reports::{
            Range, Scope, activity, journey,
            needs::{self, Needs},
        },
        working::WorkCalendar,
    },
    store::{
        Store,
        activities::{self, Stored},
        counted::Special,
        findings,
        sightings::{self, Sighting},
    },
};
use dealtrail_testkit::postgres::Postgres;

use crate::world::rng::Rng;

const REPS: [&str; 3] = ["ana@acme.example", "bob@acme.example", "gone@acme.example"];
/// One stream of each rep, and one that two share.
const STREAMS: [&str; 4] = ["ana", "bob", "gone", "shared"];

fn t(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

fn directory() -> Directory {
    let user = |(n, email): (usize, &&str)| User {
        email: (*email).to_owned(),
        name: (*email).to_owned(),
        team: Some(format!("team{}", n % 2)),
        manager: false,
        aliases: vec![],
        until: email.starts_with("gone").then(|| t("2026-03-10T00:00:00Z")),
    };
    let deal = |n: usize| Deal {
        id: format!("d{n}"),
        name: String::new(),
        company: None,
        contacts: vec![],
        owner: REPS[n % 2].to_owned(),
        pipeline: None,
        stage: "open".to_owned(),
        amount: Some(100.0 * (n + 1) as f64),
        currency: Some("EUR".to_owned()),
        close_date: None,
        forecast_category: None,
        created_at: Some(t("2026-01-01T00:00:00Z")),
        closed_at: None,
        stage_changes: vec![],
        field_changes: vec![],
    };
    let users = REPS.iter().enumerate().map(user).collect();
    let ours = Ours { domains: vec!["acme.example".to_owned()], users, ..Ours::default() };
    Directory::new(ours, vec![], vec![], vec![], (0..4).map(deal).collect(), vec![])
}

fn person(address: &str, role: Role) -> Participant {
    let user = address.ends_with("@acme.example").then(|| address.to_owned());
    Participant { address: address.to_owned(), name: None, role, contact: None, user }
}

fn random(n: usize, rng: &mut Rng) -> (Stored, Vec<Sighting>) {
    let kind = [Kind::Email, Kind::Email, Kind::Email, Kind::Meeting, Kind::Call, Kind::Note][rng.below(6)];
    let email = kind == Kind::Email;
    let inbound = rng.chance(50);
    let direction = email.then_some(if inbound { Direction::Inbound } else { Direction::Outbound });
    let roles = if kind == Kind::Meeting { [Role::Organizer, Role::Optional] } else { [Role::From, Role::To] };
    let mut participants = vec![person("tom@x.example", roles[usize::from(!inbound)])];
    for rep in REPS {
        if rng.chance(40) {
            participants.push(person(rep, if rng.chance(20) { Role::Cc } else { roles[usize::from(inbound)] }));
        }
    }
    // few moments, so that many things happen at the same; on both sides of a change of clocks
    let hours = i64::try_from(rng.below(60 * 8)).expect("a small number") * 3;
    let all_day = kind == Kind::Meeting && rng.chance(40);
    let at = t("2026-02-10T00:00:00Z") + if all_day { TimeDelta::days(hours / 24) } else { TimeDelta::hours(hours) };
    let on = |id: String| Match {
        entity: Entity::Deal,
        id,
        reason: Reason::Thread,
        score: 1.0,
        runner_up: None,
        by: "rule".to_owned(),
    };
    let matches: Vec<Match> = (0..4).filter(|_| rng.chance(30)).map(|n| on(format!("d{n}"))).collect();
    let tags: Vec<String> = ["quote", "order"].into_iter().filter(|_| rng.chance(15)).map(str::to_owned).collect();
    let activity = Activity {
        id: format!("a{n}"),
        kind,
        status: if kind == Kind::Meeting {
            [Status::Planned, Status::Cancelled, Status::Done][rng.below(3)]
        } else {
            Status::Done
        },
        confirmed: None,
        direction,
        occurred_at: at,
        ended_at: (kind == Kind::Meeting).then(|| at + TimeDelta::hours(2)),
        participants,
        matches,
        undecided: vec![],
        tags: if email { tags } else { vec![] },
        origin: if rng.chance(20) { Origin::Typed } else { Origin::Captured },
        automatic: email && rng.chance(10),
    };
    let seen = (0..STREAMS.len()).filter(|_| rng.chance(40)).map(|stream| Sighting {
        activity: activity.id.clone(),
        stream: i64::try_from(stream).expect("a small number"),
        key: format!("k{n}"),
        owner: REPS.get(stream).map(|rep| (*rep).to_owned()),
        direction: None,
        typed: false,
        gone_at: None,
        view: None,
    });
    let seen = seen.collect();
    let thread = email.then(|| format!("t{}", rng.below(40))).filter(|_| rng.chance(90));
    let stored = Stored {
        activity,
        all_day,
        time_uncertain: false,
        subject: None,
        text_state: TextState::None,
        thread,
        message_id: None,
        dedupe: None,
        ical_uid: None,
        recurrence_id: None,
    };
    (stored, seen)
}

async fn fill(store: &Store, rng: &mut Rng) {
    let (stored, seen): (Vec<Stored>, Vec<Vec<Sighting>>) = (0..700).map(|n| random(n, rng)).unzip();
    let mut tx = store.begin().await.expect("a transaction");
    for (id, name) in STREAMS.iter().enumerate() {
        let sql = format!(
            "insert into streams (id, connection, wire, name, next_due, lease_until, failures, gone) values ({id}, '{name}', 'w', 'w', 0, 0, 0, 0)"
        );
        tx.exec(&sql, vec![]).await.expect("a stream");
    }
    activities::save(&mut tx, &stored).await.expect("activities");
    sightings::save(&mut tx, &seen.concat()).await.expect("sightings");
    tx.commit().await.expect("a commit");
}

async fn compare(store: &Store, directory: &Directory) {
    let calendar = WorkCalendar { zone: chrono_tz::Europe::Berlin, ..WorkCalendar::default() };
    let now = t("2026-04-01T09:00:00Z");
    let members = HashMap::from([("shared".to_owned(), REPS[..2].iter().map(|r| (*r).to_owned()).collect())]);
    let special = Special { members: members.clone(), left: BTreeSet::from([REPS[2].to_owned()]) };
    let everything: Vec<&str> = needs::COUNTS.iter().map(|c| c.0).collect();
    for (from, to) in [("2026-03-01", "2026-03-31"), ("2026-02-20", "2026-02-20"), ("2026-03-29", "2026-04-30")] {
        let day = |text: &str| text.parse::<NaiveDate>().expect("a date");
        let range = Range { from: day(from), to: day(to), calendar: &calendar };
        let (start, end) = (range.start(), range.end());
        let each = store.happened(start - RECENT, end + TimeDelta::days(1), &members).await.expect("activities");
        let blank = activity::Input {
            directory,
            happened: &[],
            talks: &[],
            threads: &[],
            quotes: &[],
            range,
            scope: Scope::default(),
            minutes: activity::Minutes::default(),
            now,
        };
        let want = activity::report(&activity::Input { happened: &each, talks: &each, ..blank.clone() });
        let talked = store.talked((start, end), &special).await.expect("threads");
        for columns in [&everything[..], &["conversations"], &["meetings_held", "quotes_sent"], &["emails_sent"]] {
            let counted =
                store.counted((start, end), &Needs::of(columns.iter().copied()), now, &special).await.expect("counted");
            let (talks, threads) = (&talked.mails[..], &talked.threads[..]);
            let have = activity::report(&activity::Input { happened: &counted, talks, threads, ..blank.clone() });
            let mut numbers = 0;
            for (want_row, have_row) in want.rows.iter().zip(&have.rows) {
                for at in columns.iter().map(|c| want.column(c).expect("a column")) {
                    assert_eq!(
                        have_row.cells[at], want_row.cells[at],
                        "{} of {:?} from {from}",
                        want.columns[at].key, want_row.cells
                    );
                    numbers += u64::from(want_row.cells[at] != dealtrail::domain::reports::Value::Count(0));
                }
            }
            assert!(numbers > 0, "{columns:?} from {from} counts nothing");
        }
    }
    let mut have = store.first_steps(now).await.expect("first steps");
    have.sort_by(|a, b| a.deal.cmp(&b.deal));
    assert_eq!(have, journey::firsts(&store.touches(now).await.expect("touches")));
    assert!(have.iter().any(|f| f.talk.is_some() && f.meeting.is_some() && f.quote.is_some()));
}

async fn on(url: &str) {
    let directory = directory();
    let mut rng = Rng::new(7);
    let store = Store::open(url).await.expect("a database");
    fill(&store, &mut rng).await;
    compare(&store, &directory).await;
    store.db.close().await;
}

#[tokio::test]
async fn the_database_counts_as_the_rules_say() {
    let dir = tempfile::tempdir().expect("a folder");
    on(&format!("sqlite:{}", dir.path().join("counted.db").display())).await;
    let url = Postgres::shared().fresh();
    on(&url).await;
    Postgres::shared().drop_database(&url);
}

/// What a day's page may show is chosen by the database: what stands on a list, and the worst gaps of each owner, one of each deal.
async fn chosen(url: &str) {
    let listed = [Rule::WeOweReply, Rule::NoReply];
    let mut rng = Rng::new(7);
    let finding = |n: usize, rng: &mut Rng| {
        let deal = format!("d{}", rng.below(12));
        let at = t("2026-02-01T00:00:00Z") + TimeDelta::days(i64::try_from(rng.below(5)).expect("few days"));
        let mut finding = Finding::blank(Rule::ALL[rng.below(Rule::ALL.len())], &deal, format!("k{n}"), at);
        (finding.deal, finding.owner) = (Some(deal), rng.chance(90).then(|| REPS[rng.below(2)].to_owned()));
        finding.severity = Severity::ALL[rng.below(3)];
        finding.state = if rng.chance(80) { State::Open } else { State::Explained };
        finding
    };
    let all: Vec<Finding> = (0..200).map(|n| finding(n, &mut rng)).collect();
    let store = Store::open(url).await.expect("a database");
    let mut tx = store.begin().await.expect("a transaction");
    findings::save(&mut tx, &all).await.expect("findings");
    tx.commit().await.expect("committed");
    let of = |owner: &str| -> BTreeSet<String> {
        let mut open: Vec<&Finding> =
            all.iter().filter(|f| f.state == State::Open && f.owner.as_deref() == Some(owner)).collect();
        open.sort_by(|a, b| Finding::by_weight(a, b));
        let mut seen = BTreeSet::new();
        let worst = open.iter().filter(|f| seen.insert(f.subject())).take(5);
        worst.chain(open.iter().filter(|f| listed.contains(&f.rule))).map(|f| f.id.clone()).collect()
    };
    let shown = async |owners: Option<&[String]>| -> BTreeSet<String> {
        store.shown(owners, &listed, 5).await.expect("findings").into_iter().map(|f| f.id).collect()
    };
    assert_eq!(shown(Some(&[REPS[0].to_owned()])).await, of(REPS[0]));
    assert_eq!(shown(None).await, &of(REPS[0]) | &of(REPS[1]));
    assert!(of(REPS[0]).len() > 5 && of(REPS[0]).len() < 50);
    store.db.close().await;
}

#[tokio::test]
async fn what_a_day_shows_is_chosen_by_the_database() {
    let dir = tempfile::tempdir().expect("a folder");
    chosen(&format!("sqlite:{}", dir.path().join("some.db").display())).await;
    let url = Postgres::shared().fresh();
    chosen(&url).await;
    Postgres::shared().drop_database(&url);
}
