//! Finding the calendars of an account on servers that lead astray.

use std::time::Duration;

use dealtrail_sdk::FaultKind;
use dealtrail_testkit::web::{Answer, Web};

use super::support::{
    account, clock,
    fake::{Fake, World, found, multistatus},
    source,
};

#[tokio::test]
async fn a_choice_that_fits_nothing_is_a_fault() {
    let fake = Fake::start(World::default());
    let mut settings = account(&fake.url());
    settings["calendars"] = serde_json::json!({"include": ["Wrok"]});
    let source = source(&clock(), settings).expect("settings");
    let fault = source.streams().await.expect_err("a fault");
    assert!(fault.kind == FaultKind::Missing && fault.what.contains("calendars"), "{fault}");
}

/// The calendars that a script leads to.
async fn streams(url: &str) -> Result<Vec<String>, dealtrail_sdk::Fault> {
    let source = source(&clock(), account(url)).expect("settings");
    Ok(source.streams().await?.into_iter().map(|s| s.name).collect())
}

#[tokio::test]
async fn only_calendars_of_ones_own_that_hold_events() {
    let collection = |href: &str, types: &str, more: &str| {
        found(href, &format!("<d:resourcetype><d:collection/>{types}</d:resourcetype>{more}"))
    };
    let only =
        |names: &str| format!("<c:supported-calendar-component-set>{names}</c:supported-calendar-component-set>");
    let home = [
        collection("/home/", "", "<d:displayname>Ana</d:displayname>"),
        collection("/home/a/", "<c:calendar/>", "<d:displayname>Work</d:displayname>"),
        collection("/home/w2/", "<c:calendar/>", "<d:displayname>Work</d:displayname>"),
        collection("/home/b%20c/", "<c:calendar/>", &only("<c:comp name=\"VTODO\"/><c:comp name=\"VEVENT\"/>")),
        collection("/home/tasks/", "<c:calendar/>", &only("<c:comp name=\"VTODO\"/>")),
        collection("/home/inbox/", "<c:calendar/><c:schedule-inbox/>", ""),
        collection("/home/outbox/", "<c:schedule-outbox/>", ""),
        collection("/home/feed/", "<c:calendar/><s:subscribed/>", ""),
        collection("/home/feed2/", "<c:calendar/>", "<s:source><d:href>https://x.example/f.ics</d:href></s:source>"),
        collection("https://evil.example/cal/", "<c:calendar/>", "<d:displayname>Foreign</d:displayname>"),
        collection("/home/contacts/", "<x:addressbook xmlns:x=\"urn:ietf:params:xml:ns:carddav\"/>", ""),
        found("/home/file.txt", "<d:resourcetype/>"),
    ]
    .concat();
    let web = Web::start(move |_| multistatus(&home));
    assert_eq!(streams(&(web.url() + "/home/")).await.expect("streams"), ["Work (a)", "Work (w2)", "b c"]);
}

#[tokio::test]
async fn a_web_page_is_no_calendar_server() {
    let web = Web::start(|call| match call.path.as_str() {
        "/.well-known/caldav" => Answer::redirect(302, "/login"),
        _ => Answer::new(200, "text/html", "<html><body>Welcome</body></html>"),
    });
    let fault = streams(&web.url()).await.expect_err("a fault");
    assert_eq!(fault.kind, FaultKind::Malformed);
    assert!(fault.what.contains("CalDAV address") && !fault.what.contains("Welcome"), "{fault}");
    assert!(web.calls().iter().any(|c| c.path == "/login"));
}

#[tokio::test]
async fn the_well_known_address_leads_on() {
    let web = Web::start(|call| match (call.path.as_str(), call.header("depth")) {
        ("/.well-known/caldav", _) => Answer::redirect(301, "/remote/dav"),
        ("/remote/dav", _) => Answer::redirect(308, "/remote/dav/"),
        ("/remote/dav/", _) => multistatus(&found(
            "/remote/dav/",
            "<d:current-user-principal><d:href>principals/ana/</d:href></d:current-user-principal>",
        )),
        ("/remote/dav/principals/ana/", _) => multistatus(&found(
            "/remote/dav/principals/ana/",
            "<c:calendar-home-set><d:href>//remote/dav/home/</d:href></c:calendar-home-set>",
        )),
        ("/remote/dav/home/", Some("1")) => multistatus(&found(
            "/remote/dav/home/work/",
            "<d:resourcetype><d:collection/><c:calendar/></d:resourcetype><d:displayname>Work</d:displayname>",
        )),
        _ => Answer::new(405, "text/html", "<html></html>"),
    });
    assert_eq!(streams(&(web.url() + "/start/page")).await.expect("streams"), ["Work"]);
    assert!(web.calls().iter().all(|c| c.header("authorization").is_some()));
}

#[tokio::test]
async fn another_server_gets_no_password() {
    let other = Web::start(|_| Answer::status(401));
    let there = other.url();
    let target = there.clone();
    let web = Web::start(move |_| Answer::redirect(301, &format!("{target}/dav/?key=1")));
    let fault = streams(&web.url()).await.expect_err("a fault");
    assert_eq!(fault.kind, FaultKind::Refused);
    assert!(fault.what.contains(&there) && fault.what.contains("url") && !fault.what.contains("key"), "{fault}");
    assert!(!other.calls().is_empty(), "the other server was asked");
    for call in other.calls() {
        assert_eq!(call.header("authorization"), None);
        assert!(call.body.contains("propfind"));
    }
    // The same by way of an address inside an answer: there it is not even asked.
    let asked = other.calls().len();
    let home = format!("<c:calendar-home-set><d:href>{there}/home/</d:href></c:calendar-home-set>");
    let web = Web::start(move |_| multistatus(&found("/", &home)));
    let fault = streams(&web.url()).await.expect_err("a fault");
    assert_eq!(fault.kind, FaultKind::Refused);
    assert!(fault.what.contains(&there), "{fault}");
    assert_eq!(other.calls().len(), asked);
}

#[tokio::test]
async fn statuses_become_faults() {
    let fault = async |answer: Answer| {
        let web = Web::start(move |_| answer.clone());
        streams(&web.url()).await.expect_err("a fault").kind
    };
    assert_eq!(fault(Answer::status(401)).await, FaultKind::Unauthorized);
    assert_eq!(fault(Answer::status(403)).await, FaultKind::Refused);
    assert_eq!(fault(Answer::status(404)).await, FaultKind::Missing);
    let wait = |seconds| FaultKind::Busy { retry_after: Some(Duration::from_secs(seconds)) };
    assert_eq!(fault(Answer::status(429).header("Retry-After", "77")).await, wait(77));
    assert_eq!(fault(Answer::status(503).header("Retry-After", "5")).await, wait(5));
    assert_eq!(fault(Answer::status(500)).await, FaultKind::Unreachable);
    assert_eq!(fault(Answer::redirect(302, "/again")).await, FaultKind::Malformed);
    let mut cut = multistatus(&found("/", "<d:resourcetype><d:collection/><c:calendar/></d:resourcetype>"));
    cut.cut = Some(150);
    assert_eq!(fault(cut).await, FaultKind::Unreachable);
}
