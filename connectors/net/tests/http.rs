//! `http` against a scripted server: limits, redirects, and who is given the credentials.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use dealtrail_net::{
    http::{Http, Limits, Login, Request, address, base64},
    tls::Trust,
};
use dealtrail_sdk::{Fault, FaultKind, Secret};
use dealtrail_testkit::{
    proxy::{Plan, Proxy, Way, What},
    web::{Answer, Web},
};

fn http(home: &str, limits: Limits) -> Http {
    let login = Login::Basic { user: "ana".into(), password: Secret::new("pässword") };
    Http::new(&Trust::default(), &login, address(home).expect("an address"), limits).expect("HTTP")
}

fn get(url: &str) -> Request {
    Request::get(address(url).expect("an address"))
}

async fn fault(web: &Web, limits: Limits) -> Fault {
    http(&web.url(), limits).send(get(&(web.url() + "/ana/secret.ics?key=42"))).await.expect_err("a fault")
}

#[tokio::test]
async fn a_plain_answer() {
    let web = Web::start(|_| Answer::new(200, "Text/Calendar; charset=utf-8", "hello").header("ETag", "\"1\""));
    let request = get(&web.url()).identity().header("depth", "1");
    let answer = http(&web.url(), Limits::default()).send(request).await.expect("an answer");
    assert_eq!((answer.status, &answer.body[..], answer.elsewhere), (200, &b"hello"[..], false));
    assert_eq!((answer.header("etag"), answer.media_type().as_deref()), (Some("\"1\""), Some("text/calendar")));
    let call = web.calls().remove(0);
    let login = format!("Basic {}", base64("ana:pässword".as_bytes()));
    assert_eq!(call.header("authorization"), Some(login.as_str()));
    assert_eq!((call.header("accept-encoding"), call.header("depth")), (Some("identity"), Some("1")));
    assert!(call.header("user-agent").is_some_and(|a| a.starts_with("dealtrail/")));
}

#[tokio::test]
async fn unchanged_is_an_answer() {
    let web = Web::start(|call| Answer::status(if call.header("if-none-match").is_some() { 304 } else { 200 }));
    let request = get(&web.url()).header("if-none-match", "\"1\"");
    assert_eq!(http(&web.url(), Limits::default()).send(request).await.expect("an answer").status, 304);
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_cut() {
    let limits = Limits { body: 1000, ..Limits::default() };
    for (length, fine) in [(1000, true), (1001, false), (5_000_000, false)] {
        let web = Web::start(move |_| Answer::new(200, "text/plain", vec![b'x'; length]));
        let answer = http(&web.url(), limits).send(get(&web.url())).await;
        assert_eq!(answer.as_ref().is_ok_and(|a| a.body.len() == length), fine, "{length}");
        assert!(fine || answer.is_err_and(|e| e.kind == FaultKind::Malformed), "{length}");
    }
}

#[tokio::test]
async fn a_cut_answer_is_no_answer() {
    let web = Web::start(|_| {
        let mut answer = Answer::new(200, "text/plain", "half of the truth");
        answer.cut = Some(4);
        answer
    });
    assert_eq!(fault(&web, Limits::default()).await.kind, FaultKind::Unreachable);
}

#[tokio::test]
async fn silence_has_an_end() {
    let web = Web::start(|_| {
        std::thread::sleep(Duration::from_secs(5));
        Answer::status(200)
    });
    let short = Duration::from_millis(200);
    for limits in [Limits { read: short, ..Limits::default() }, Limits { total: short, ..Limits::default() }] {
        let fault = fault(&web, limits).await;
        assert_eq!(fault.kind, FaultKind::Unreachable);
        assert!(fault.what.contains("127.0.0.1") && fault.what.contains("0.2 s"), "{fault}");
    }
}

/// A request waits for its connection, its answer and each piece of it, and for the whole; never for ever.
#[tokio::test]
async fn every_wait_has_an_end() {
    let web = Web::start(|_| Answer::new(200, "text/plain", vec![b'x'; 5000]));
    let port = web.url().rsplit(':').next().and_then(|p| p.parse().ok()).expect("a port");
    let proxy = Proxy::start(port);
    let url = format!("http://127.0.0.1:{}", proxy.port());
    let patient = Limits::default().patience(Duration::from_millis(300));
    let hasty = Limits { total: Duration::from_millis(600), ..Limits::default() };
    let dribble = Plan { piece: Some((1, Duration::from_millis(20))), ..Plan::default() };
    for (name, plan, limits) in [
        ("a black hole", Plan::black_hole(), patient),
        ("silence in the header", Plan::always(Way::ToClient, 20, What::Silence), patient),
        ("silence in the body", Plan::always(Way::ToClient, 3000, What::Silence), patient),
        ("the server never hears us", Plan::always(Way::ToServer, 5, What::Silence), patient),
        ("byte by byte", dribble, hasty),
    ] {
        proxy.set(plan);
        let fault = http(&url, limits).send(get(&url)).await.expect_err(name);
        assert_eq!(fault.kind, FaultKind::Unreachable, "{name}: {fault}");
    }
    // A cut at any place is no answer, a shorter one least of all.
    for what in [What::Close, What::Reset, What::HalfClose] {
        for after in [0, 1, 40, 200, 3000, 5000] {
            proxy.set(Plan::always(Way::ToClient, after, what));
            let fault = http(&url, patient).send(get(&url)).await.expect_err("cut");
            assert_eq!(fault.kind, FaultKind::Unreachable, "{what:?} after {after}: {fault}");
        }
    }
    proxy.set(Plan { piece: Some((1, Duration::ZERO)), ..Plan::round_trip(Duration::from_millis(40)) });
    let answer = http(&url, Limits::default()).send(get(&url)).await.expect("slow and whole");
    assert_eq!(answer.body.len(), 5000);
}

/// The bytes of a day, a pause that was asked for, and connections that break off: the account's budget holds for HTTP too.
#[tokio::test]
async fn the_budget_holds_for_http() {
    let web = Web::start(|_| Answer::new(200, "text/plain", vec![b'x'; 1000]));
    let thrifty = http(&web.url(), Limits::default()).daily_bytes(Some(2500));
    for _ in 0..3 {
        thrifty.send(get(&web.url())).await.expect("an answer");
    }
    // Another connection of the same account, as another connector would make it, finds the same budget.
    let other = http(&web.url(), Limits::default()).daily_bytes(Some(2500));
    for http in [&thrifty, &other] {
        let fault = http.send(get(&web.url())).await.expect_err("used up");
        assert!(matches!(fault.kind, FaultKind::Busy { retry_after: Some(_) }), "{fault:?}");
    }
    assert_eq!(web.calls().len(), 3, "nothing more was asked");

    let web = Web::start(|_| Answer::status(429).header("Retry-After", "300"));
    let http = http(&web.url(), Limits::default());
    for _ in 0..3 {
        let fault = http.send(get(&web.url())).await.expect_err("a pause");
        assert!(matches!(fault.kind, FaultKind::Busy { retry_after: Some(left) } if left > Duration::from_secs(200)));
    }
    assert_eq!(web.calls().len(), 1, "nothing is asked before the pause is over");
}

#[tokio::test]
async fn faults_name_the_host_and_nothing_else() {
    for status in [401, 403, 404, 418, 429, 500, 503] {
        let web = Web::start(move |_| Answer::new(status, "text/plain", "key=42 secret"));
        let fault = fault(&web, Limits::default()).await;
        let told = format!("{fault} {fault:?}");
        assert!(told.contains("127.0.0.1"), "{told}");
        for secret in ["key=", "secret", "ana", "pässword"] {
            assert!(!told.contains(secret), "{told}");
        }
    }
    let dead = format!("http://127.0.0.1:{}/ana/secret.ics?key=42", dealtrail_testkit::ports::free());
    let fault = http(&dead, Limits::default()).send(get(&dead)).await.expect_err("nobody is there");
    let told = format!("{fault} {fault:?}");
    assert_eq!(fault.kind, FaultKind::Unreachable);
    assert!(told.contains("nobody answers") && !told.contains("secret") && !told.contains("key"), "{told}");
}

#[tokio::test]
async fn redirects_keep_the_request() {
    let web = Web::start(|call| match call.path.as_str() {
        "/a" => Answer::redirect(301, "/b?x=1"),
        "/b?x=1" => Answer::redirect(308, "c"),
        "/c" => Answer::new(207, "application/xml", format!("{} {}", call.method, call.body)),
        "/see" => Answer::redirect(303, "/c"),
        "/round" => Answer::redirect(302, "/round"),
        "/nowhere" => Answer::status(302),
        _ => Answer::redirect(302, "ftp://x.example/"),
    });
    let http = http(&web.url(), Limits::default());
    let ask = async |path: &str| {
        let url = address(&(web.url() + path)).expect("an address");
        http.send(Request::new("REPORT", url).body("application/xml", "<x/>")).await
    };
    let answer = ask("/a").await.expect("an answer");
    assert_eq!((String::from_utf8_lossy(&answer.body).as_ref(), answer.url.path()), ("REPORT <x/>", "/c"));
    assert_eq!(ask("/see").await.expect("an answer").body, b"GET ");
    for path in ["/round", "/nowhere", "/other"] {
        assert_eq!(ask(path).await.expect_err("a fault").kind, FaultKind::Malformed, "{path}");
    }
    assert!(web.calls().iter().all(|c| c.header("authorization").is_some()));
    assert_eq!(web.calls().iter().filter(|c| c.path == "/round").count(), 6);
}

#[tokio::test]
async fn credentials_stay_at_home() {
    let other = Web::start(|_| Answer::new(200, "text/plain", "there"));
    let target = other.url();
    let rounds = AtomicUsize::new(0);
    let web = Web::start(move |_| {
        rounds.fetch_add(1, Ordering::SeqCst);
        Answer::redirect(307, &target.replace("http://", "http://eve:pw@"))
    });
    let request = get(&web.url()).header("x-api-key", "mine").header("depth", "0");
    let answer = http(&web.url(), Limits::default()).send(request).await.expect("an answer");
    assert!(answer.elsewhere && answer.body == b"there");
    let call = other.calls().remove(0);
    assert_eq!((call.header("authorization"), call.header("x-api-key"), call.header("depth")), (None, None, Some("0")));
    // Nor when another server is asked directly.
    http(&web.url(), Limits::default()).send(get(&other.url())).await.expect("an answer");
    assert_eq!(other.calls()[1].header("authorization"), None);
}

#[tokio::test]
async fn plain_http_to_others_is_refused() {
    let home = address("http://dav.example/").expect("an address");
    let made = Http::new(&Trust::default(), &Login::None, home, Limits::default());
    assert_eq!(made.expect_err("a fault").kind, FaultKind::Refused);
    let web = Web::start(|_| Answer::redirect(302, "http://dav.example/x"));
    assert_eq!(fault(&web, Limits::default()).await.kind, FaultKind::Refused);
}
