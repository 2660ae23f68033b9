//! A CalDAV server that lies as it is told: one calendar at `/dav/ana/team/`, with a log of changes behind its tokens.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Arc, Mutex, MutexGuard},
};

use dealtrail_testkit::web::{Answer, Call, Web};

pub const CALENDAR: &str = "/dav/ana/team/";

/// How a kind of request is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reports {
    #[default]
    Work,
    /// Not offered at all.
    Absent,
    /// Always this status.
    Status(u16),
    /// Only so many members at a time, then 507 (RFC 6578 section 3.6).
    Pages(usize),
}

/// How ETags look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Etags {
    #[default]
    Strong,
    Weak,
    Gzip,
    Absent,
}

/// What the server holds and how it behaves.
#[derive(Default)]
pub struct World {
    pub objects: BTreeMap<String, (u64, String)>,
    /// Names in the order in which they changed; a token is a position in it.
    pub log: Vec<String>,
    pub sync: Reports,
    pub multiget: Reports,
    pub etags: Etags,
    pub ctag: bool,
    /// The listing ends with 507.
    pub cut_listing: bool,
    /// Objects that multiget says it does not know.
    pub denied: Vec<String>,
    /// Objects whose GET fails with 500.
    pub broken: Vec<String>,
    /// Happens once, right after the calendar's state was told.
    pub meanwhile: Option<(String, String)>,
    /// Synchronisation is offered, but the calendar has no token yet and the empty one is refused.
    pub no_start: bool,
    /// Answers in the server's place; `None` leaves its own.
    pub lie: Option<Lie>,
}

pub type Lie = Box<dyn Fn(&Call) -> Option<Answer> + Send>;

impl World {
    pub fn put(&mut self, file: &str, ics: &str) {
        let path = format!("{CALENDAR}{file}");
        self.log.push(path.clone());
        self.objects.insert(path, (self.log.len() as u64, ics.to_string()));
    }

    pub fn delete(&mut self, file: &str) {
        let path = format!("{CALENDAR}{file}");
        self.log.push(path.clone());
        self.objects.remove(&path);
    }

    fn etag(&self, number: u64) -> Option<String> {
        match self.etags {
            Etags::Strong => Some(format!("\"{number}\"")),
            Etags::Weak => Some(format!("W/\"{number}\"")),
            Etags::Gzip => Some(format!("\"{number}-gzip\"")),
            Etags::Absent => None,
        }
    }

    fn member(&self, path: &str, with_data: bool) -> String {
        let Some((number, ics)) = self.objects.get(path) else { return missing(path) };
        let mut props = self.etag(*number).map(|e| format!("<d:getetag>{e}</d:getetag>")).unwrap_or_default();
        if with_data {
            let _ =
                write!(props, "<c:calendar-data>{}</c:calendar-data>", ics.replace('&', "&amp;").replace('<', "&lt;"));
        }
        found(path, &(props + "<d:resourcetype/>"))
    }
}

/// The running server.
pub struct Fake {
    pub web: Web,
    world: Arc<Mutex<World>>,
}

impl Fake {
    pub fn start(world: World) -> Self {
        let world = Arc::new(Mutex::new(world));
        let shared = world.clone();
        Self { web: Web::start(move |call| answer(&mut shared.lock().expect("no script panicked"), call)), world }
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().expect("no script panicked")
    }

    /// The address of the calendar.
    pub fn url(&self) -> String {
        self.web.url() + CALENDAR
    }

    /// How often a request with this text in its body came.
    pub fn count(&self, text: &str) -> usize {
        self.web.calls().iter().filter(|c| c.body.contains(text)).count()
    }
}

pub fn multistatus(inner: &str) -> Answer {
    let body = format!(
        "<?xml version=\"1.0\"?><d:multistatus xmlns:d=\"DAV:\" xmlns:c=\"urn:ietf:params:xml:ns:caldav\" \
         xmlns:s=\"http://calendarserver.org/ns/\">{inner}</d:multistatus>"
    );
    Answer::new(207, "application/xml; charset=utf-8", body)
}

pub fn found(href: &str, props: &str) -> String {
    format!(
        "<d:response><d:href>{href}</d:href><d:propstat><d:prop>{props}</d:prop><d:status>HTTP/1.1 200 OK</d:status>\
         </d:propstat></d:response>"
    )
}

fn missing(href: &str) -> String {
    format!("<d:response><d:href>{href}</d:href><d:status>HTTP/1.1 404 Not Found</d:status></d:response>")
}

fn full(href: &str) -> String {
    format!("<d:response><d:href>{href}</d:href><d:status>HTTP/1.1 507 Insufficient Storage</d:status></d:response>")
}

fn answer(world: &mut World, call: &Call) -> Answer {
    if let Some(answer) = world.lie.as_ref().and_then(|lie| lie(call)) {
        return answer;
    }
    match call.method.as_str() {
        "PROPFIND" if call.path != CALENDAR => Answer::status(404),
        "PROPFIND" if call.header("depth") == Some("0") => state(world),
        "PROPFIND" => {
            let mut inner = found(CALENDAR, "<d:resourcetype><d:collection/><c:calendar/></d:resourcetype>");
            let shown = if world.cut_listing { world.objects.len() / 2 } else { world.objects.len() };
            world.objects.keys().take(shown).for_each(|path| inner.push_str(&world.member(path, false)));
            if world.cut_listing {
                inner.push_str(&full(CALENDAR));
            }
            multistatus(&inner)
        }
        "REPORT" if call.body.contains("sync-collection") => sync(world, call),
        "REPORT" => multiget(world, call),
        "GET" if world.broken.contains(&call.path) => Answer::status(500),
        "GET" => match world.objects.get(&call.path) {
            Some((number, ics)) => {
                let answer = Answer::new(200, "text/calendar", ics.as_str());
                world.etag(*number).map_or(answer.clone(), |etag| answer.header("ETag", &etag))
            }
            None => Answer::status(404),
        },
        _ => Answer::status(405),
    }
}

fn state(world: &mut World) -> Answer {
    let mut props = String::from(
        "<d:resourcetype><d:collection/><c:calendar/></d:resourcetype><d:displayname>Work</d:displayname>",
    );
    if world.sync != Reports::Absent {
        if !world.no_start {
            let _ = write!(props, "<d:sync-token>t{}</d:sync-token>", world.log.len());
        }
        props.push_str("<d:supported-report-set><d:supported-report><d:report><d:sync-collection/></d:report></d:supported-report></d:supported-report-set>");
    }
    if world.ctag {
        let _ = write!(props, "<s:getctag>c{}</s:getctag>", world.log.len());
    }
    if let Some((file, ics)) = world.meanwhile.take() {
        world.put(&file, &ics);
    }
    multistatus(&found(CALENDAR, &props))
}

fn sync(world: &World, call: &Call) -> Answer {
    let page = match world.sync {
        Reports::Work => usize::MAX,
        Reports::Pages(size) => size,
        Reports::Absent => return Answer::status(501),
        Reports::Status(status) => return Answer::status(status),
    };
    let token = call.body.split("sync-token>").nth(1).and_then(|t| t.split('<').next()).unwrap_or_default();
    let from = match token.strip_prefix('t').map(str::parse::<usize>) {
        Some(Ok(at)) => at,
        _ if token.is_empty() && !world.no_start => 0,
        _ => return Answer::status(403),
    };
    let mut inner = String::new();
    let until = world.log.len().min(from.saturating_add(page));
    let mut named: Vec<_> = world.log[from..until].iter().collect();
    named.sort();
    named.dedup();
    named.iter().for_each(|path| inner.push_str(&world.member(path, false)));
    if until < world.log.len() {
        inner.push_str(&full(CALENDAR));
    }
    let _ = write!(inner, "<d:sync-token>t{until}</d:sync-token>");
    multistatus(&inner)
}

fn multiget(world: &World, call: &Call) -> Answer {
    if let Reports::Status(status) = world.multiget {
        return Answer::status(status);
    }
    let hrefs: Vec<&str> = call.body.split("<D:href>").skip(1).filter_map(|h| h.split('<').next()).collect();
    let limit = if let Reports::Pages(size) = world.multiget { size } else { hrefs.len() };
    let answers = hrefs
        .iter()
        .take(limit)
        .map(|href| if world.denied.iter().any(|d| d == href) { missing(href) } else { world.member(href, true) });
    multistatus(&answers.collect::<String>())
}
