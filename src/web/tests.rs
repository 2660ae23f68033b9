//! The pages as a browser gets them, over a sample company and over one whose every text is hostile.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode, header},
};
use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::{desk::Desk, router, session::Door};
use crate::{
    app::App,
    clock::SetClock,
    config, demo,
    engine::{
        pass::Options,
        progress::{Quiet, Watcher},
    },
};

const NOW: &str = "2026-11-19T12:00:00Z";
/// Pages of one kind that a walk visits.
const EACH: usize = 12;
/// A page with everything it needs.
const MOST_BYTES: usize = 100 * 1024;

fn now() -> DateTime<Utc> {
    NOW.parse().expect("a time")
}

async fn open(config: &Path) -> App {
    let config = config::load(config).expect("a configuration");
    App::open(config, Arc::new(SetClock::at(now()))).await.expect("an app")
}

async fn read(app: &App) {
    let quiet: Arc<dyn Watcher> = Arc::new(Quiet);
    app.engine.pass(&Options::default(), &quiet, &CancellationToken::new()).await.expect("a pass");
}

/// The pages with somebody signed in.
struct Browser {
    router: Router,
    cookie: String,
}

struct Got {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

async fn send(router: &Router, request: Request<Body>) -> Got {
    let response = router.clone().oneshot(request).await.expect("an answer");
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = to_bytes(response.into_body(), 10 << 20).await.expect("a body");
    Got { status, headers, body: String::from_utf8(bytes.to_vec()).expect("text") }
}

fn request(path: &str, host: &str, cookie: &str) -> Request<Body> {
    Request::get(path).header(header::HOST, host).header(header::COOKIE, cookie).body(Body::empty()).expect("a request")
}

impl Browser {
    fn new(app: &App) -> Self {
        let (door, key) = Door::new(1);
        let cookie = door.enter(&key).expect("the first time");
        Self {
            router: router(Desk::new(app.given(), door)),
            cookie: cookie.split(';').next().expect("a pair").to_owned(),
        }
    }

    async fn get(&self, path: &str) -> Got {
        send(&self.router, request(path, "localhost:1", &self.cookie)).await
    }

    /// The pages that can be reached by links from the first ones, some of each kind.
    async fn walk(&self) -> Vec<(String, Got)> {
        let first = ["/", "/deals", "/deals?state=won", "/activities?time=90", "/coverage", "/nothing"];
        let mut todo: Vec<String> = first.map(str::to_owned).to_vec();
        let mut known: BTreeSet<String> = todo.iter().cloned().collect();
        let (mut kinds, mut pages) = (BTreeMap::<String, usize>::new(), Vec::new());
        while let Some(path) = todo.pop() {
            let got = self.get(&path).await;
            for link in got.body.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
                let link = link.replace("&#38;", "&").replace("&amp;", "&");
                assert!(link.starts_with('/') || link.starts_with('#'), "{path} leads to {link}");
                let kind = link.split(['/', '?']).nth(1).unwrap_or_default().to_owned();
                if link.starts_with('/') && known.insert(link.clone()) {
                    let count = kinds.entry(kind).or_default();
                    *count += 1;
                    if *count <= EACH {
                        todo.push(link);
                    }
                }
            }
            pages.push((path, got));
        }
        pages
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_company_page_by_page() {
    let dir = tempfile::tempdir().expect("a folder");
    let company = demo::write(&dir.path().join("demo"), now(), 7).expect("a company");
    let app = open(&company.config).await;
    let empty = Browser::new(&app);
    for path in ["/", "/deals", "/activities", "/coverage"] {
        let got = empty.get(path).await;
        assert_eq!(got.status, StatusCode::OK, "{path}");
        assert!(got.body.contains("class=\"empty\"") || path == "/coverage", "{path} says nothing to a newcomer");
    }
    read(&app).await;
    let browser = Browser::new(&app);
    let mut gaps = String::new();
    for n in 1.. {
        let page = browser.get(&format!("/?page={n}")).await.body;
        gaps.push_str(&page);
        if !page.contains("rel=\"next\"") {
            break;
        }
    }
    let asking = app.store.findings().await.expect("findings").into_iter().filter(|f| f.state.as_str() == "open");
    let names: BTreeSet<String> =
        asking.filter_map(|f| f.deal).map(|id| app.engine.known().directory.deals[&id].name.clone()).collect();
    assert!(names.len() >= 8, "{names:?}");
    for name in names {
        assert!(gaps.contains(&escaped(&name)), "{name} is missing");
    }
    assert!(gaps.contains("cannot be judged because"), "the sentence says why");
    let pages = browser.walk().await;
    let style = browser.get("/assets/style.css").await.body.len() + browser.get("/assets/mark.svg").await.body.len();
    for (path, got) in &pages {
        let all = got.body.len() + style;
        assert!(all < MOST_BYTES, "{path}: {all} bytes");
        let wanted = if path == "/nothing" { StatusCode::NOT_FOUND } else { StatusCode::OK };
        assert!(got.status == wanted || path.starts_with("/assets/"), "{path}: {}", got.status);
        for never in ["<script", "javascript:", "onclick", " style=", "NaN"] {
            assert!(!got.body.contains(never) || path.starts_with("/assets/"), "{path} holds {never}");
        }
    }
    for kind in ["/deal/", "/activity/", "/activities/list", "/?rep=", "/?state="] {
        assert!(pages.iter().any(|(path, _)| path.starts_with(kind)), "no page {kind} was reached");
    }
    numbers_open_to_what_they_count(&browser).await;
    app.close().await;
}

/// A number and the list that it opens to are the same.
async fn numbers_open_to_what_they_count(browser: &Browser) {
    let page = browser.get("/activities?time=30").await.body;
    let mut seen = 0;
    for rest in page.split("<a href=\"/activities/list?").skip(1) {
        let (link, rest) = rest.split_once("\">").expect("a link");
        let number = rest.split('<').next().expect("a number");
        let list = browser.get(&format!("/activities/list?{}", link.replace("&#38;", "&"))).await.body;
        let said = if number == "1" { "1 activity,".to_owned() } else { format!("{number} activities,") };
        assert!(list.contains(&said), "{link}: not {said}");
        seen += 1;
    }
    assert!(seen >= 10, "{seen} numbers");
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&#38;"),
            '<' => out.push_str("&#60;"),
            '>' => out.push_str("&#62;"),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

const EVIL: &str = "<script>alert(1)</script>\"><img src=x onerror=alert(2)>'{{7*7}}\u{202e}";

/// A company in which every text that comes from outside is an attack.
fn hostile(dir: &Path) -> std::path::PathBuf {
    let write = |name: &str, text: &str| {
        let path = dir.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    };
    let cell = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let evil = cell(EVIL);
    write("crm/companies.csv", &format!("id,name,domains\nC1,{evil},buyer.example\n"));
    write("crm/contacts.csv", &format!("id,name,emails,company_id\nP1,{evil},x@buyer.example,C1\n"));
    write(
        "crm/stages.csv",
        &format!("id,name,position,kind\nS1,{evil},1,open\nS2,{},2,open\nS3,Won,3,won\n", cell("<b>two</b>")),
    );
    let id = cell("D/1?\"><script>alert(3)</script>");
    write(
        "crm/deals.csv",
        &format!(
            "id,name,company_id,contact_ids,owner,stage_id,amount,currency,close_date,forecast_category,created_at\n\
             {id},{evil},C1,{},ana@acme.example,S2,5000,EUR,2026-11-01,{evil},2026-09-01T00:00:00Z\n",
            cell("P1:<i>boss</i>")
        ),
    );
    write(
        "crm/stage_changes.csv",
        &format!(
            "deal_id,from_stage_id,to_stage_id,changed_at\n{id},,S1,2026-09-01T00:00:00Z\n{id},S1,S2,2026-10-20T09:00:00Z\n"
        ),
    );
    let subject = "<script>alert(4)</script> \"'& =?utf-8?q?=1b=5b31m=00?=";
    let mail = format!(
        "From: \"<script>alert(5)</script>\" <x@buyer.example>\r\nTo: ana@acme.example\r\nSubject: {subject}\r\n\
         Date: Mon, 14 Sep 2026 10:00:00 +0000\r\nMessage-ID: <\"><script>alert(6)</script>@x>\r\n\r\n<script>alert(7)</script>\r\n"
    );
    write("mail/cur/1.a:2,S", &mail);
    for sub in ["new", "tmp"] {
        std::fs::create_dir_all(dir.join("mail").join(sub)).expect("a folder");
    }
    write(
        "dealtrail.toml",
        "[database]\nurl = \"sqlite:x.db\"\n[organization]\nname = \"<b>Acme</b>\"\ndomains = [\"acme.example\"]\n\
         timezone = \"Europe/Berlin\"\n[privacy]\nshare = \"text\"\n\
         [[user]]\nemail = \"ana@acme.example\"\nname = \"Ana <script>alert(8)</script>\"\n\
         [[connection]]\nname = \"ana-mail\"\nconnector = \"maildir\"\nowner = \"ana@acme.example\"\npath = \"mail\"\n\
         [[connection]]\nname = \"crm\"\nconnector = \"csv\"\npath = \"crm\"\n",
    );
    dir.join("dealtrail.toml")
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_text_stays_text() {
    let dir = tempfile::tempdir().expect("a folder");
    let app = open(&hostile(dir.path())).await;
    read(&app).await;
    let browser = Browser::new(&app);
    let pages = browser.walk().await;
    for (path, got) in &pages {
        for never in ["<script", "<img src=x", "<b>", "<i>", "\u{1b}", "\u{202e}", "\u{0}", "onerror=alert(2)>\""] {
            assert!(!got.body.contains(never), "{path} holds {never:?}");
        }
    }
    let of =
        |kind: &str| pages.iter().filter(|(path, got)| path.starts_with(kind) && got.status == StatusCode::OK).count();
    assert!(of("/deal/") >= 1 && of("/activity/") >= 1, "the deal and its mail were reached");
    let all: String = pages.iter().map(|(_, got)| got.body.as_str()).collect();
    // the id of the deal stands in links only
    assert!(all.contains("/deal/D%2F1%3F%22%3E%3Cscript%3E"));
    for n in [1, 4, 7, 8] {
        let shown = escaped(&format!("alert({n})"));
        assert!(all.contains(&shown), "{shown} is not shown anywhere: the test tests nothing");
    }
    app.close().await;
}

/// However much there is, a page stays small.
#[tokio::test(flavor = "multi_thread")]
async fn busy_deals_make_small_pages() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = hostile(dir.path());
    for i in 0..400 {
        let (day, hour, long) = (1 + i % 30, i % 24, "long ".repeat(60));
        let mail = format!(
            "From: x@buyer.example\r\nTo: ana@acme.example\r\nSubject: {long}\r\n\
             Date: {day} Oct 2026 {hour:02}:{:02}:00 +0000\r\nMessage-ID: <{i}@buyer.example>\r\n\r\nx\r\n",
            i % 60
        );
        std::fs::write(dir.path().join(format!("mail/cur/b{i}.a:2,S")), mail).expect("a file");
    }
    let app = open(&file).await;
    read(&app).await;
    let browser = Browser::new(&app);
    let style = browser.get("/assets/style.css").await.body.len();
    let mut full = 0;
    for (path, got) in browser.walk().await {
        assert!(got.body.len() + style < MOST_BYTES, "{path}: {} bytes", got.body.len() + style);
        full += usize::from(got.body.contains("page 1 of 5") || got.body.contains("page 5 of 5"));
    }
    assert!(full > 0, "nothing was long enough to be cut into pages");
    app.close().await;
}

/// Where single people are not shown their numbers are not, nor those of a few.
#[tokio::test(flavor = "multi_thread")]
async fn teams_in_the_place_of_people() {
    for (privacy, rows, everybody) in [
        ("", vec!["Ana", "Ben"], true),
        ("no_ranking = true", vec!["Team north"], true),
        ("works_council = true", vec![], false),
    ] {
        let dir = tempfile::tempdir().expect("a folder");
        let file = hostile(dir.path());
        let config = std::fs::read_to_string(&file).expect("the file");
        let config = config.replace("share = \"text\"", privacy).replace(
            "name = \"Ana <script>alert(8)</script>\"",
            "name = \"Ana\"\nteam = \"north\"\n[[user]]\nemail = \"ben@acme.example\"\nname = \"Ben\"\nteam = \"north\"\n\
             [[team]]\nname = \"north\"",
        );
        let more = "[[connection]]\nname = \"ben-mail\"\nconnector = \"maildir\"\nowner = \"ben@acme.example\"\npath = \"mail\"\n";
        std::fs::write(&file, config + more).expect("the file");
        let app = open(&file).await;
        read(&app).await;
        let browser = Browser::new(&app);
        let page = browser.get("/activities?time=quarter").await.body;
        for name in ["Ana", "Ben", "Team north"] {
            let row = format!("<th scope=\"row\">{name}</th>");
            assert_eq!(page.contains(&row), rows.contains(&name), "{privacy}: {name}");
        }
        assert_eq!(page.contains("<th scope=\"row\">Everybody</th>"), everybody, "{privacy}");
        assert_eq!(page.contains("Numbers are shown for groups of five or more people."), !everybody, "{privacy}");
        assert_eq!(browser.get("/deals").await.body.contains("rep=ana"), privacy.is_empty(), "{privacy}: filters");
        let one = browser.get("/activities/list?rep=ana%40acme.example&from=2026-09-01&to=2026-10-01").await.body;
        assert_eq!(one.contains("of Ana"), privacy.is_empty(), "{privacy}: nobody's list");
        app.close().await;
    }
}

/// What is not shared is not shown: neither on the page of the activity nor in any list.
#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_shared() {
    for (share, subject, text) in [("metadata", false, false), ("subject", true, false), ("text", true, true)] {
        let dir = tempfile::tempdir().expect("a folder");
        let file = hostile(dir.path());
        let config = std::fs::read_to_string(&file).expect("the file");
        std::fs::write(&file, config.replace("share = \"text\"", &format!("share = \"{share}\""))).expect("the file");
        let app = open(&file).await;
        read(&app).await;
        let all: String = Browser::new(&app).walk().await.into_iter().map(|(_, got)| got.body).collect();
        assert_eq!((all.contains("alert(4)"), all.contains("alert(7)")), (subject, text), "{share}");
        app.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_door() {
    let dir = tempfile::tempdir().expect("a folder");
    let app = open(&hostile(dir.path())).await;
    let (door, key) = Door::new(1);
    let router = router(Desk::new(app.given(), door));
    let get = async |path: &str, cookie: &str| send(&router, request(path, "127.0.0.1:1", cookie)).await;
    for path in ["/", "/deals", "/deal/x", "/activities", "/activities/list", "/activity/x", "/coverage", "/nothing"] {
        let got = get(path, "dealtrail_1=0").await;
        assert_eq!(got.status, StatusCode::UNAUTHORIZED, "{path}");
        assert!(got.body.contains("sign-in link") && !got.body.contains("Acme"), "{path}");
        let csp = got.headers["content-security-policy"].to_str().expect("text");
        assert!(csp.starts_with("default-src 'none'; style-src 'self'; img-src 'self'") && !csp.contains("unsafe"));
        assert_eq!(
            (&got.headers["referrer-policy"], &got.headers["cache-control"]),
            (&"no-referrer".parse().expect("a header"), &"no-store".parse().expect("a header"))
        );
        assert_eq!(got.headers["x-content-type-options"], "nosniff");
    }
    for path in ["/healthz", "/readyz", "/metrics", "/assets/style.css", "/assets/mark.svg"] {
        assert_eq!(get(path, "").await.status, StatusCode::OK, "{path}");
    }
    let metrics = get("/metrics", "").await.body;
    assert!(metrics.contains("dealtrail_connections{state=\"new\"} 2") && !metrics.contains('@'), "{metrics}");

    for wrong in ["/sign-in", "/sign-in?key=", "/sign-in?key=0123456789abcdef0123456789abcdef"] {
        assert_eq!(get(wrong, "").await.status, StatusCode::UNAUTHORIZED, "{wrong}");
    }
    let link = format!("/sign-in?key={key}");
    let ahead =
        Request::get(&link).header(header::HOST, "localhost").header("sec-purpose", "prefetch").body(Body::empty());
    assert_eq!(send(&router, ahead.expect("a request")).await.status, StatusCode::NO_CONTENT);
    let head = Request::head(&link).header(header::HOST, "localhost").body(Body::empty()).expect("a request");
    assert_eq!(send(&router, head).await.status, StatusCode::NO_CONTENT);
    let first = get(&link, "").await;
    assert_eq!(
        (first.status, &first.headers[header::LOCATION]),
        (StatusCode::SEE_OTHER, &"/".parse().expect("a header"))
    );
    let cookie = first.headers[header::SET_COOKIE].to_str().expect("text").to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"));
    let cookie = cookie.split(';').next().expect("a pair");
    assert_eq!(get(&link, "").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(get(&link, cookie).await.status, StatusCode::SEE_OTHER);
    assert_eq!(get("/", cookie).await.status, StatusCode::OK);

    for host in ["evil.example", "evil.example:1", "192.168.1.5", ""] {
        let got = send(&router, request("/", host, cookie)).await;
        assert_eq!(got.status, StatusCode::MISDIRECTED_REQUEST, "{host}");
        assert!(!got.body.contains("Acme"));
    }
    let none = Request::get("/").header(header::COOKIE, cookie).body(Body::empty()).expect("a request");
    assert_eq!(send(&router, none).await.status, StatusCode::MISDIRECTED_REQUEST);
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
        let asked =
            Request::builder().method(method).uri("/").header(header::HOST, "localhost").header(header::COOKIE, cookie);
        let got = send(&router, asked.body(Body::empty()).expect("a request")).await;
        assert_eq!(
            (got.status, &got.headers[header::ALLOW]),
            (StatusCode::METHOD_NOT_ALLOWED, &"GET, HEAD".parse().expect("a header"))
        );
    }
    app.close().await;
    let broken = get("/", cookie).await;
    assert_eq!(broken.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(broken.body.contains("Nothing is lost"));
    assert_eq!(get("/readyz", "").await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(get("/healthz", "").await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn binding_fails_at_once_and_says_what_to_do() {
    let dir = tempfile::tempdir().expect("a folder");
    let app = open(&hostile(dir.path())).await;
    let said = |e: anyhow::Error| format!("{e:#}");
    let everywhere = app.page("0.0.0.0:0".parse().expect("an address")).await.map_err(said).expect_err("refused");
    assert!(everywhere.contains("this machine only") && everywhere.contains("127.0.0.1"), "{everywhere}");
    let page = app.page("127.0.0.1:0".parse().expect("an address")).await.expect("a page");
    let address =
        page.sign_in().strip_prefix("http://").and_then(|l| l.split('/').next()).expect("an address").to_owned();
    let taken = app.page(address.parse().expect("an address")).await.map_err(said).expect_err("taken");
    assert!(taken.contains("taken") && taken.contains("--listen"), "{taken}");
    let stop = CancellationToken::new();
    let served = tokio::spawn(page.serve(stop.clone()));
    stop.cancel();
    served.await.expect("no panic").expect("a clean end");
    app.close().await;
}
