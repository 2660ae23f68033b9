//! WebDAV's multistatus answers (RFC 4918 section 13) as plain data, and the bodies that are sent. Pure.
//!
//! Names are told apart by namespace, never by prefix. No DTD, no entities of a server's own, bounded depth and count;
//! an answer that ends before its root element does is refused, so a cut answer is never a short one.

use quick_xml::{
    NsReader,
    escape::{escape, resolve_predefined_entity},
    events::{BytesStart, Event},
    name::{Namespace, ResolveResult},
};

/// Elements nested deeper than this are nobody's honest answer.
const DEPTH: usize = 64;
/// Members of one collection.
const RESPONSES: usize = 500_000;
/// Homes of one account; more are nobody's.
pub const HOMES: usize = 50;
const TOO_MANY: &str = "the answer lists more resources than are accepted";

/// A whole answer.
#[derive(Debug, Default)]
pub struct Multistatus {
    pub replies: Vec<Reply>,
    pub sync_token: Option<String>,
}

/// What is said of one resource.
#[derive(Debug, Default)]
pub struct Reply {
    pub href: String,
    /// The status of the resource as a whole, where one is given.
    pub status: Option<u16>,
    /// The properties that were found (status 2xx).
    pub props: Props,
}

/// The properties that are understood.
#[derive(Default)]
pub struct Props {
    pub display_name: Option<String>,
    pub etag: Option<String>,
    pub ctag: Option<String>,
    pub sync_token: Option<String>,
    /// `current-user-principal`; absent when nobody is signed in.
    pub principal: Option<String>,
    pub homes: Vec<String>,
    pub is_collection: bool,
    pub is_calendar: bool,
    /// Schedule inbox or outbox, subscription, or in the trash: no calendar of one's own.
    pub is_other: bool,
    /// `supported-calendar-component-set`; `None` means all.
    pub components: Option<Vec<String>>,
    pub can_sync: bool,
    pub data: Option<String>,
}

impl std::fmt::Debug for Props {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Props(calendar: {}, data: {})", self.is_calendar, self.data.is_some())
    }
}

impl Props {
    fn take(&mut self, other: Self) {
        let keep = |old: &mut Option<String>, new: Option<String>| {
            if new.is_some() {
                *old = new;
            }
        };
        keep(&mut self.display_name, other.display_name);
        keep(&mut self.etag, other.etag);
        keep(&mut self.ctag, other.ctag);
        keep(&mut self.sync_token, other.sync_token);
        keep(&mut self.principal, other.principal);
        keep(&mut self.data, other.data);
        self.homes.extend(other.homes.into_iter().take(HOMES.saturating_sub(self.homes.len())));
        self.components = self.components.take().or(other.components);
        self.is_collection |= other.is_collection;
        self.is_calendar |= other.is_calendar;
        self.is_other |= other.is_other;
        self.can_sync |= other.can_sync;
    }
}

/// The elements that matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tag {
    Multistatus,
    Response,
    Href,
    Status,
    Propstat,
    Prop,
    SyncToken,
    ResourceType,
    Collection,
    Calendar,
    NoCalendar,
    DisplayName,
    Etag,
    Ctag,
    Principal,
    Homes,
    Components,
    Component,
    Source,
    SyncCollection,
    Data,
    Other,
}

fn tag(namespace: &ResolveResult<'_>, local: &str) -> Tag {
    let ResolveResult::Bound(Namespace(namespace)) = namespace else { return Tag::Other };
    match (AsRef::<str>::as_ref(namespace), local) {
        ("DAV:", "multistatus") => Tag::Multistatus,
        ("DAV:", "response") => Tag::Response,
        ("DAV:", "href") => Tag::Href,
        ("DAV:", "status") => Tag::Status,
        ("DAV:", "propstat") => Tag::Propstat,
        ("DAV:", "prop") => Tag::Prop,
        ("DAV:", "sync-token") => Tag::SyncToken,
        ("DAV:", "resourcetype") => Tag::ResourceType,
        ("DAV:", "collection") => Tag::Collection,
        ("DAV:", "displayname") => Tag::DisplayName,
        ("DAV:", "getetag") => Tag::Etag,
        ("DAV:", "current-user-principal") => Tag::Principal,
        ("DAV:", "sync-collection") => Tag::SyncCollection,
        (CALDAV, "calendar") => Tag::Calendar,
        (CALDAV, "schedule-inbox" | "schedule-outbox") => Tag::NoCalendar,
        (CALDAV, "calendar-home-set") => Tag::Homes,
        (CALDAV, "supported-calendar-component-set") => Tag::Components,
        (CALDAV, "comp") => Tag::Component,
        (CALDAV, "calendar-data") => Tag::Data,
        (SERVER, "getctag") => Tag::Ctag,
        (SERVER, "subscribed") => Tag::NoCalendar,
        (SERVER, "source") => Tag::Source,
        (_, "deleted-calendar" | "trash-bin") => Tag::NoCalendar,
        _ => Tag::Other,
    }
}

const CALDAV: &str = "urn:ietf:params:xml:ns:caldav";
const SERVER: &str = "http://calendarserver.org/ns/";

#[derive(Default)]
struct Parser {
    path: Vec<Tag>,
    text: String,
    out: Multistatus,
    reply: Reply,
    /// Further hrefs of the same response.
    more: Vec<String>,
    props: Props,
    status: Option<u16>,
    closed: bool,
}

/// Reads an answer.
///
/// # Errors
/// One plain reason, without anything of the answer in it.
pub fn multistatus(body: &[u8]) -> Result<Multistatus, &'static str> {
    let body = String::from_utf8_lossy(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body));
    let mut reader = NsReader::from_str(&body);
    reader.config_mut().expand_empty_elements = true;
    let mut parser = Parser::default();
    loop {
        let (namespace, event) = reader.read_resolved_event().map_err(|_| "the answer is no well-formed XML")?;
        match event {
            Event::Start(start) => {
                let tag = tag(&namespace, start.local_name().as_ref());
                parser.open(tag, &start)?;
            }
            Event::End(_) => parser.close()?,
            Event::Text(text) => parser.text.push_str(&text.xml10_content()),
            Event::CData(text) => parser.text.push_str(&text.xml10_content()),
            Event::GeneralRef(name) => match name.resolve_char_ref() {
                Ok(Some(sign)) => parser.text.push(sign),
                Ok(None) => {
                    let name = name.xml10_content();
                    parser.text.push_str(resolve_predefined_entity(&name).ok_or("the answer uses an unknown entity")?);
                }
                Err(_) => return Err("the answer holds a character that XML does not allow"),
            },
            Event::DocType(_) => return Err("the answer holds a document type, which is not accepted"),
            Event::Eof => break,
            _ => {}
        }
    }
    if parser.closed { Ok(parser.out) } else { Err("the answer was cut short") }
}

impl Parser {
    fn open(&mut self, tag: Tag, start: &BytesStart<'_>) -> Result<(), &'static str> {
        let parent = self.path.last().copied();
        if self.path.len() >= DEPTH {
            return Err("the answer is nested too deeply");
        }
        match (parent, tag) {
            (None, Tag::Multistatus) if !self.closed => {}
            (None, _) => return Err("the answer is XML, but not WebDAV"),
            (Some(Tag::Multistatus), Tag::Response) => {
                self.reply = Reply::default();
                self.more.clear();
            }
            (Some(Tag::Response), Tag::Propstat) => (self.props, self.status) = (Props::default(), None),
            (Some(Tag::Prop), Tag::Components) => self.props.components = Some(Vec::new()),
            (Some(Tag::Prop), Tag::Source) => self.props.is_other = true,
            (Some(Tag::ResourceType), Tag::Collection) => self.props.is_collection = true,
            (Some(Tag::ResourceType), Tag::Calendar) => self.props.is_calendar = true,
            (Some(Tag::ResourceType), Tag::NoCalendar) => self.props.is_other = true,
            (Some(Tag::Components), Tag::Component) => {
                let name = start.try_get_attribute("name").ok().flatten();
                if let (Some(name), Some(all)) = (name, &mut self.props.components) {
                    all.push(name.value.to_ascii_uppercase());
                }
            }
            (_, Tag::SyncCollection) => self.props.can_sync = true,
            _ => {}
        }
        self.path.push(tag);
        self.text.clear();
        Ok(())
    }

    fn close(&mut self) -> Result<(), &'static str> {
        let Some(tag) = self.path.pop() else { return Err("the answer is no well-formed XML") };
        let parent = self.path.last().copied().unwrap_or(Tag::Other);
        let raw = std::mem::take(&mut self.text);
        let text = || Some(raw.trim()).filter(|t| !t.is_empty()).map(str::to_string);
        match (parent, tag) {
            (_, Tag::Multistatus) if self.path.is_empty() => self.closed = true,
            (Tag::Multistatus, Tag::SyncToken) => self.out.sync_token = text(),
            (Tag::Multistatus, Tag::Response) => {
                if self.out.replies.len() >= RESPONSES {
                    return Err(TOO_MANY);
                }
                // One response may name several resources with one status (RFC 4918 section 14.24).
                let status = self.reply.status;
                self.out.replies.push(std::mem::take(&mut self.reply));
                let more = self.more.drain(..).map(|href| Reply { href, status, props: Props::default() });
                self.out.replies.extend(more);
            }
            (Tag::Response, Tag::Href) if self.reply.href.is_empty() => self.reply.href = text().unwrap_or_default(),
            (Tag::Response, Tag::Href) => {
                if self.out.replies.len() + self.more.len() >= RESPONSES {
                    return Err(TOO_MANY);
                }
                self.more.extend(text());
            }
            (Tag::Response, Tag::Status) => self.reply.status = code(&raw),
            (Tag::Response, Tag::Propstat) => {
                let props = std::mem::take(&mut self.props);
                if self.status.is_none_or(|s| (200..300).contains(&s)) {
                    self.reply.props.take(props);
                }
            }
            (Tag::Propstat, Tag::Status) => self.status = code(&raw),
            (Tag::Prop, Tag::DisplayName) => self.props.display_name = text(),
            (Tag::Prop, Tag::Etag) => self.props.etag = text(),
            (Tag::Prop, Tag::Ctag) => self.props.ctag = text(),
            (Tag::Prop, Tag::SyncToken) => self.props.sync_token = text(),
            (Tag::Prop, Tag::Data) => self.props.data = Some(raw).filter(|t| !t.trim().is_empty()),
            (Tag::Principal, Tag::Href) => self.props.principal = text(),
            (Tag::Homes, Tag::Href) if self.props.homes.len() < HOMES => self.props.homes.extend(text()),
            _ => {}
        }
        Ok(())
    }
}

/// The number in `HTTP/1.1 404 Not Found`.
fn code(line: &str) -> Option<u16> {
    line.split_whitespace().find_map(|word| word.parse().ok().filter(|n| (100..1000).contains(n)))
}

macro_rules! propfind {
    ($props:literal) => {
        concat!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>",
            "<D:propfind xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\" xmlns:S=\"http://calendarserver.org/ns/\">",
            "<D:prop>",
            $props,
            "</D:prop></D:propfind>"
        )
    };
}

/// What a place is, and where its owner's calendars are.
pub const WHERE: &str = propfind!("<D:resourcetype/><D:current-user-principal/><C:calendar-home-set/>");
/// What a calendar is, and how far it is. Not its ctag: servers that have both work both out of all that it holds.
pub const CALENDAR: &str = propfind!(
    "<D:resourcetype/><D:displayname/><C:supported-calendar-component-set/><S:source/><D:current-user-principal/><C:calendar-home-set/>\
     <D:sync-token/>"
);
/// How far a calendar is.
pub const STATE: &str = propfind!("<D:resourcetype/><D:sync-token/><S:getctag/><D:supported-report-set/>");
/// The members of a calendar.
pub const MEMBERS: &str = propfind!("<D:resourcetype/><D:getetag/>");

/// What changed since a token (RFC 6578 section 3.2).
pub fn sync_collection(token: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><D:sync-collection xmlns:D=\"DAV:\"><D:sync-token>{}</D:sync-token>\
         <D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>",
        escape(token)
    )
}

/// Named objects with their text (RFC 4791 section 7.9).
pub fn multiget(hrefs: &[String]) -> String {
    let mut body = String::from(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><C:calendar-multiget xmlns:D=\"DAV:\" \
         xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><D:prop><D:getetag/><C:calendar-data/></D:prop>",
    );
    for href in hrefs {
        body.push_str("<D:href>");
        body.push_str(&escape(href.as_str()));
        body.push_str("</D:href>");
    }
    body + "</C:calendar-multiget>"
}

#[cfg(test)]
#[path = "xml_tests.rs"]
mod tests;
