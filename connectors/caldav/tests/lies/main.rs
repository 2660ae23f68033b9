//! The connector against a scripted server: what real servers do on bad days.

mod discovery;
#[path = "../support/mod.rs"]
mod support;

use dealtrail_sdk::{Change, FaultKind, Source, Stream};
use dealtrail_testkit::web::Answer;
use support::{
    Kept, SetClock, account, calendar, clock, event,
    fake::{Etags, Fake, Reports, World, found, multistatus},
    source, window,
};

struct Bench {
    fake: Fake,
    clock: std::sync::Arc<SetClock>,
    source: Box<dyn Source>,
    stream: Stream,
    kept: Kept,
}

/// A calendar with `count` meetings, read once.
async fn bench(count: usize, set: impl FnOnce(&mut World)) -> Bench {
    let mut world = World::default();
    (0..count).for_each(|n| world.put(&format!("{n}.ics"), &event(&n.to_string(), 1, &format!("Meeting {n}"), "")));
    set(&mut world);
    let fake = Fake::start(world);
    let clock = clock();
    let source = source(&clock, account(&fake.url())).expect("settings");
    let stream = source.streams().await.expect("streams").remove(0);
    let mut bench = Bench { fake, clock, source, stream, kept: Kept::default() };
    bench.sync().await;
    bench
}

impl Bench {
    async fn sync(&mut self) {
        let window = window(&self.clock);
        self.kept.sync(&*self.source, &self.stream, &window).await.expect("a pass");
        let held: Vec<_> = self.fake.world().objects.keys().cloned().collect();
        assert_eq!(self.kept.versions.keys().cloned().collect::<Vec<_>>(), held, "what is kept is what is there");
    }

    fn changes(&self) {
        let mut world = self.fake.world();
        world.put("0.ics", &event("0", 2, "Changed", ""));
        world.put("new.ics", &event("new", 2, "New", ""));
        world.delete("1.ics");
    }
}

#[tokio::test]
async fn a_refused_delta_becomes_a_listing() {
    for status in [400, 403, 405, 409, 410, 412, 415, 418, 500, 501, 502, 507] {
        let mut bench = bench(3, |_| {}).await;
        bench.fake.world().sync = Reports::Status(status);
        bench.changes();
        bench.sync().await;
        assert_eq!((bench.kept.listings, bench.kept.read.len()), (1, 2), "{status}");
        assert_eq!(bench.kept.summaries(), ["Changed", "Meeting 2", "New"], "{status}");
        // A server that refuses every token is not asked for ever, until the next week.
        for _ in 0..4 {
            bench.sync().await;
        }
        assert_eq!(bench.fake.count("sync-collection"), 3, "{status}");
        bench.clock.forward(8);
        bench.fake.world().sync = Reports::Work;
        bench.sync().await;
        bench.changes();
        bench.sync().await;
        assert_eq!((bench.fake.count("sync-collection"), bench.kept.listings), (4, 0), "{status}");
    }
}

/// What the list of calendars tells of them saves the question, and nothing is missed by it.
#[tokio::test]
async fn a_calendar_that_stands_is_not_asked() {
    let mut bench = bench(3, |_| {}).await;
    let asked = bench.fake.web.calls().len();
    for _ in 0..3 {
        assert_eq!(bench.source.streams().await.expect("streams").len(), 1);
        bench.sync().await;
    }
    assert_eq!(bench.fake.web.calls().len(), asked + 3, "one question each time, at the place that is known");
    bench.source.streams().await.expect("streams");
    bench.changes();
    let window = window(&bench.clock);
    let batch = bench.source.pull(&bench.stream, bench.kept.cursor.as_ref(), &window).await.expect("as it was told");
    assert!(batch.changes.is_empty() && batch.as_of.is_some());
    // What was told is used once.
    bench.sync().await;
    assert_eq!((bench.kept.listings, bench.fake.count("sync-collection")), (0, 1));
    bench.source.streams().await.expect("streams");
    bench.clock.forward(8);
    bench.sync().await;
    assert_eq!(bench.kept.listings, 1, "the weekly listing");
}

/// A well-formed listing that suddenly holds (almost) nothing is not believed before a second one says the same.
#[tokio::test]
async fn a_calendar_that_is_suddenly_empty_is_looked_at_twice() {
    let empty: fn(&dealtrail_testkit::web::Call) -> Option<Answer> = |call| {
        let list = call.method == "PROPFIND" && call.header("depth") == Some("1");
        let calendar = "<d:resourcetype><d:collection/><c:calendar/></d:resourcetype>";
        list.then(|| multistatus(&found("/dav/ana/team/", calendar)))
    };
    for stays in [false, true] {
        let mut bench = bench(2, |_| {}).await;
        for n in 10..15 {
            bench.fake.world().put(&format!("{n}.ics"), &event(&n.to_string(), 1, "More", ""));
        }
        bench.sync().await;
        bench.clock.forward(8);
        bench.fake.world().lie = Some(Box::new(empty));
        let window = window(&bench.clock);
        let pull = async |cursor| bench.source.pull(&bench.stream, Some(&cursor), &window).await.expect("a listing");
        let first = pull(bench.kept.cursor.clone().expect("a cursor")).await;
        let listing = first.listing.expect("a listing");
        assert!(listing.entries.is_empty() && listing.shaky);
        if !stays {
            bench.fake.world().lie = None;
        }
        let second = pull(first.cursor.expect("a cursor")).await;
        let listing = second.listing.expect("a second look, whatever the token says");
        assert_eq!((listing.entries.len(), listing.shaky), (if stays { 0 } else { 7 }, false));
        let third = pull(second.cursor.expect("a cursor")).await;
        assert!(third.listing.is_none(), "that settles it");
    }
}

#[tokio::test]
async fn a_delta_that_is_cut_goes_on() {
    let mut bench = bench(2, |world| world.sync = Reports::Pages(2)).await;
    bench.changes();
    for n in 10..17 {
        bench.fake.world().put(&format!("{n}.ics"), &event(&n.to_string(), 1, "More", ""));
    }
    bench.sync().await;
    assert_eq!((bench.kept.listings, bench.fake.count("sync-collection")), (0, 5));
}

#[tokio::test]
async fn a_huge_delta_is_read_as_a_listing() {
    let mut bench = bench(1, |_| {}).await;
    for n in 0..1001 {
        bench.fake.world().put(&format!("many-{n}.ics"), &event(&n.to_string(), 1, "Import", ""));
    }
    bench.sync().await;
    assert_eq!((bench.kept.listings, bench.kept.read.len()), (1, 1001));
    bench.changes();
    bench.fake.world().put("1.ics", &event("1", 1, "Back", ""));
    bench.sync().await;
    assert_eq!((bench.kept.listings, bench.kept.read.len()), (0, 3), "the token is still trusted");
}

#[tokio::test]
async fn a_busy_server_is_left_alone_and_nothing_is_lost() {
    let mut bench = bench(3, |_| {}).await;
    bench.changes();
    let window = window(&bench.clock);
    for status in [503, 429, 401] {
        bench.fake.world().sync = Reports::Status(status);
        let asked = bench.fake.web.calls().len();
        let pull = bench.source.pull(&bench.stream, bench.kept.cursor.as_ref(), &window).await;
        let kind = pull.expect_err("a fault").kind;
        assert_eq!(matches!(kind, FaultKind::Busy { .. }), status != 401, "{status}: {kind:?}");
        assert_eq!(bench.fake.web.calls().len(), asked + 1, "no further request");
    }
    bench.fake.world().sync = Reports::Work;
    bench.sync().await;
    assert_eq!(
        (bench.kept.listings, bench.kept.summaries()),
        (0, vec!["Changed".into(), "Meeting 2".into(), "New".into()])
    );
}

#[tokio::test]
async fn a_cut_listing_is_never_a_short_one() {
    let mut bench = bench(6, |_| {}).await;
    bench.clock.forward(8);
    bench.fake.world().cut_listing = true;
    bench.fake.world().sync = Reports::Pages(4);
    bench.sync().await;
    assert_eq!(bench.kept.listings, 1, "an initial synchronisation gives the whole");

    bench.clock.forward(8);
    bench.fake.world().sync = Reports::Absent;
    let window = window(&bench.clock);
    let pull = bench.source.pull(&bench.stream, bench.kept.cursor.as_ref(), &window).await;
    assert_eq!(pull.expect_err("a fault").kind, FaultKind::Unreachable);
}

/// The list ends in the middle without a word, or is no list at all: nothing is taken as gone, and the state is clear.
#[tokio::test]
async fn a_listing_that_ends_in_the_middle_is_none() {
    let whole = |inner: &str| multistatus(inner);
    let half = |inner: &str| {
        let mut answer = multistatus(inner);
        answer.body.truncate(answer.body.len() * 2 / 3);
        answer
    };
    let member = found("/dav/ana/team/0.ics", "<d:getetag>\"1\"</d:getetag><d:resourcetype/>");
    for (name, answer) in [
        ("half", half(&member.repeat(3))),
        ("nothing", whole("")),
        ("no XML", Answer::new(207, "application/xml", "")),
        ("a page", Answer::new(207, "text/html", "<html><body>Sign in</body></html>")),
        ("another status", Answer::new(200, "application/xml", "<x/>")),
    ] {
        let mut bench = bench(3, |_| {}).await;
        bench.clock.forward(8);
        let depth =
            |call: &dealtrail_testkit::web::Call| call.header("depth") == Some("1") && call.method == "PROPFIND";
        bench.fake.world().lie = Some(Box::new(move |call| depth(call).then(|| answer.clone())));
        let window = window(&bench.clock);
        let pull = bench.source.pull(&bench.stream, bench.kept.cursor.as_ref(), &window).await;
        let fault = pull.expect_err(name);
        assert!(matches!(fault.kind, FaultKind::Malformed | FaultKind::Unreachable), "{name}: {fault:?}");
        bench.fake.world().lie = None;
        bench.sync().await;
        assert_eq!(bench.kept.summaries().len(), 3, "{name}");
    }
}

/// Synchronisation is offered and its beginning refused: the plain list is as good.
#[tokio::test]
async fn a_synchronisation_that_cannot_begin() {
    let mut bench = bench(4, |world| world.no_start = true).await;
    assert_eq!((bench.kept.listings, bench.kept.summaries().len()), (1, 4));
    bench.changes();
    bench.sync().await;
    assert_eq!(bench.kept.summaries(), ["Changed", "Meeting 2", "Meeting 3", "New"]);
}

/// The sign-in ends in the middle of a reading: no object is taken as gone or broken because of it.
#[tokio::test]
async fn a_sign_in_that_ends_in_the_middle() {
    for status in [401, 407, 429, 503] {
        let mut bench = bench(3, |_| {}).await;
        bench.changes();
        bench.fake.world().lie = Some(Box::new(move |call| {
            let object = call.method == "GET" || call.body.contains("multiget");
            object.then(|| Answer::status(status))
        }));
        let window = window(&bench.clock);
        let pull = bench.source.pull(&bench.stream, bench.kept.cursor.as_ref(), &window).await;
        assert!(pull.is_err(), "{status}");
        bench.fake.world().lie = None;
        bench.sync().await;
        assert_eq!(bench.kept.summaries(), ["Changed", "Meeting 2", "New"], "{status}");
        assert!(bench.kept.unreadable.is_empty(), "{status}");
    }
}

#[tokio::test]
async fn a_change_during_the_listing_is_not_passed_over() {
    let late = ("late.ics".to_string(), event("late", 1, "Late", ""));
    let mut bench = bench(2, |_| {}).await;
    bench.clock.forward(8);
    bench.fake.world().meanwhile = Some(late);
    bench.sync().await;
    let cursor = bench.kept.cursor.clone().expect("a cursor").0;
    assert!(cursor.contains("\"t2\""), "the token is older than the listing: {cursor}");
    bench.sync().await;
    assert_eq!(bench.kept.read.len(), 1, "named once more, which doubles nothing");
}

#[tokio::test]
async fn without_tokens_the_listing_is_compared() {
    for ctag in [true, false] {
        let mut bench = bench(3, |world| (world.sync, world.ctag) = (Reports::Absent, ctag)).await;
        bench.sync().await;
        assert_eq!((bench.kept.listings, bench.kept.read.len()), (usize::from(!ctag), 0));
        bench.changes();
        bench.sync().await;
        assert_eq!((bench.kept.listings, bench.kept.read.len()), (1, 2));
        assert_eq!(bench.kept.summaries(), ["Changed", "Meeting 2", "New"]);
        bench.clock.forward(8);
        bench.sync().await;
        assert_eq!((bench.kept.listings, bench.kept.read.len()), (1, 3), "a week later all are opened again");
    }
}

#[tokio::test]
async fn the_form_of_an_etag_does_not_count() {
    let mut bench = bench(3, |world| world.sync = Reports::Absent).await;
    for form in [Etags::Weak, Etags::Gzip, Etags::Strong] {
        bench.fake.world().etags = form;
        bench.sync().await;
        assert_eq!((bench.kept.listings, bench.kept.read.len()), (1, 0), "{form:?}");
    }
    bench.changes();
    bench.sync().await;
    assert_eq!(bench.kept.read.len(), 2);
}

#[tokio::test]
async fn without_etags_the_content_is_compared() {
    let mut bench = bench(3, |world| (world.sync, world.etags) = (Reports::Absent, Etags::Absent)).await;
    bench.sync().await;
    assert_eq!((bench.kept.listings, bench.kept.read.len()), (1, 0));
    bench.changes();
    bench.sync().await;
    assert_eq!(bench.kept.summaries(), ["Changed", "Meeting 2", "New"]);
    assert_eq!(bench.kept.read.len(), 2);
}

#[tokio::test]
async fn a_multiget_that_disappoints_is_made_up_for() {
    for multiget in [Reports::Status(501), Reports::Status(500), Reports::Status(403), Reports::Pages(3)] {
        let bench = bench(7, |world| world.multiget = multiget).await;
        assert_eq!(bench.kept.summaries().len(), 7, "{multiget:?}");
    }
    // "Not found" in a multiget is believed only when the object itself says so.
    let bench = bench(3, |world| world.denied = vec!["/dav/ana/team/1.ics".into()]).await;
    assert_eq!(bench.kept.summaries().len(), 3);
}

#[tokio::test]
async fn a_bad_object_costs_only_itself() {
    let mut bench = bench(3, |world| {
        world.put("bad.ics", "BEGIN:VCALENDAR\r\nthis is no calendar");
        world.put("page.ics", "<html>Sign in</html>");
        world.put("tasks.ics", &calendar("BEGIN:VTODO\r\nUID:t\r\nSUMMARY:Call back\r\nEND:VTODO\r\n"));
        world.denied = vec!["/dav/ana/team/0.ics".into()];
        world.broken = vec!["/dav/ana/team/0.ics".into()];
    })
    .await;
    let unreadable: Vec<_> = bench.kept.unreadable.iter().map(String::as_str).collect();
    assert!(
        unreadable.contains(&"/dav/ana/team/0.ics") && unreadable.contains(&"/dav/ana/team/page.ics"),
        "{unreadable:?}"
    );
    assert!(!unreadable.contains(&"/dav/ana/team/tasks.ics"), "a task is no event, and no fault");
    assert_eq!(bench.kept.summaries(), ["Meeting 1", "Meeting 2"]);

    bench.fake.world().broken.clear();
    let window = window(&bench.clock);
    let names = ["/dav/ana/team/0.ics".to_string()];
    let again = bench.source.fetch(&bench.stream, &names, &window).await.expect("an answer");
    assert!(matches!(&again[..], [Change::Upsert { items, .. }] if items.len() == 1), "{again:?}");
    bench.sync().await;
}

#[tokio::test]
async fn the_promises_hold_on_bad_servers() {
    for (etags, sync, multiget) in [
        (Etags::Absent, Reports::Absent, Reports::Work),
        (Etags::Weak, Reports::Status(418), Reports::Status(501)),
        (Etags::Strong, Reports::Pages(2), Reports::Pages(2)),
    ] {
        let bench = bench(5, |world| {
            (world.etags, world.sync, world.multiget) = (etags, sync, multiget);
            world.denied = vec!["/dav/ana/team/0.ics".into()];
            world.broken = vec!["/dav/ana/team/0.ics".into()];
            world.put("page.ics", "<html>Sign in</html>");
        })
        .await;
        let summary = dealtrail_testkit::conformance::check(&*bench.source, &window(&bench.clock), &["secret"]).await;
        assert_eq!((summary.streams, summary.unreadable), (1, 2), "{etags:?}");
    }
}

#[tokio::test]
async fn only_reads_without_preconditions() {
    let mut bench = bench(3, |_| {}).await;
    bench.changes();
    bench.sync().await;
    bench.fake.world().sync = Reports::Status(418);
    bench.sync().await;
    for call in bench.fake.web.calls() {
        assert!(["PROPFIND", "REPORT", "GET"].contains(&call.method.as_str()), "{}", call.method);
        assert!(!call.headers.iter().any(|(name, _)| name.starts_with("if-")));
        // Searches lag behind and are wrong about time on many servers: everything is listed and opened here.
        assert!(["calendar-query", "time-range", "expand"].iter().all(|word| !call.body.contains(word)));
        assert_eq!(call.header("accept-encoding"), Some("identity"));
        assert!(call.header("authorization").is_some_and(|a| a.starts_with("Basic ")));
    }
}
