//! Sheets, mbox files, WebDAV and IMAP answers that are built to cost time, memory or stack.

use super::{Bomb, Kind, counted, filled};

const fn sheet(name: &'static str, make: fn(usize) -> Vec<u8>) -> Bomb {
    Bomb { name, kind: Kind::Sheet, make }
}
const fn mbox(name: &'static str, make: fn(usize) -> Vec<u8>) -> Bomb {
    Bomb { name, kind: Kind::Mbox, make }
}
const fn dav(name: &'static str, make: fn(usize) -> Vec<u8>) -> Bomb {
    Bomb { name, kind: Kind::Dav, make }
}
const fn imap(name: &'static str, make: fn(usize) -> Vec<u8>) -> Bomb {
    Bomb { name, kind: Kind::Imap, make }
}

pub(super) const ALL: &[Bomb] = &[
    sheet("a huge cell", |n| filled(&format!("{COLUMNS}K1,"), b"x", ",a@x.example\n", n)),
    sheet("a huge quoted cell", |n| filled(&format!("{COLUMNS}K1,\""), b"x\n", "\",a@x.example\n", n)),
    sheet("a huge list", |n| counted(&format!("{COLUMNS}K1,A,\""), |i| format!("{i}@x.example;"), "\"\n", n)),
    sheet("a list below the limit", |n| {
        counted(&format!("{COLUMNS}K1,A,\""), |i| format!("{i}@x;"), "\"\n", n.min(250 << 10))
    }),
    sheet("columns without number", |n| counted("id,name,emails", |i| format!(",c{i}"), "\nK1,Eve,e@x.example\n", n)),
    sheet("cells without number", |n| filled(&format!("{COLUMNS}K1,A,a@x.example"), b",x", "\n", n)),
    sheet("empty cells without number", |n| filled(&format!("{COLUMNS}K1,A,a@x.example"), b",", "\n", n)),
    sheet("a quote that is never closed", |n| {
        counted(&format!("{COLUMNS}K1,\"A,a@x.example\n"), |i| format!("L{i},A,{i}@x.example\n"), "", n)
    }),
    sheet("a quote in every row", |n| filled(COLUMNS, b"x\",\"z\n", "", n)),
    sheet("an open quote in every row", |n| filled(COLUMNS, b"\"x\n", "", n)),
    sheet("quotes and nothing else", |n| filled(COLUMNS, b"\"", "", n)),
    sheet("short rows without number", |n| filled(COLUMNS, b"x\n", "", n)),
    sheet("blank rows without number", |n| filled(COLUMNS, b" ,,\n", "", n)),
    sheet("the same row without number", |n| filled(COLUMNS, b"K1,A,a@x.example\n", "", n)),
    sheet("no line end at all", |n| filled("", b"x", "", n)),
    sheet("zeros in every cell", |n| filled(COLUMNS, b"\0,\0,\0@x\n", "", n)),
    mbox("messages of nothing", |n| filled("", FROM.as_bytes(), "", n)),
    mbox("a message of one line", |n| filled(FROM, b"x", "", n)),
    mbox("a message of empty lines", |n| filled(FROM, b"\n", "", n)),
    mbox("a message of quoted lines", |n| filled(FROM, b">>From x\n", "", n)),
    mbox("a line of quote signs", |n| filled(FROM, b">", "From x\n", n)),
    mbox("lines that are nearly ends", |n| filled(FROM, b"\nFrom a b c Mon Jan 5\n", "", n)),
    dav("attributes without number", |n| {
        counted(&format!("{DAV}{COMP}"), |i| format!(" a{i}=\"\""), &format!(" name=\"VEVENT\"/>{COMP_END}"), n)
    }),
    dav("namespaces without number", |n| {
        counted("<D:multistatus xmlns:D=\"DAV:\"", |i| format!(" xmlns:n{i}=\"x\""), "></D:multistatus>", n)
    }),
    dav("entities that expand", |_| {
        let entity = |i: usize| format!("<!ENTITY e{} \"{}\">", i + 1, format!("&e{i};").repeat(10));
        let all: String = (0..20).map(entity).collect();
        format!("<!DOCTYPE x [<!ENTITY e0 \"lol\">{all}]>{DAV}<D:response><D:href>&e20;</D:href></D:response></D:multistatus>").into()
    }),
    dav("elements in each other", |n| filled(DAV, b"<D:response>", "</D:multistatus>", n)),
    dav("resources without number", |n| {
        counted(DAV, |i| format!("<D:response><D:href>/{i}</D:href></D:response>"), "</D:multistatus>", n)
    }),
    dav("names without number", |n| {
        filled(&format!("{DAV}<D:response>"), b"<D:href>/</D:href>", "</D:response></D:multistatus>", n)
    }),
    dav("homes without number", |n| {
        filled(
            &format!(
                "{DAV}<D:response><D:propstat><D:prop><C:calendar-home-set xmlns:C=\"urn:ietf:params:xml:ns:caldav\">"
            ),
            b"<D:href>/</D:href>",
            "</C:calendar-home-set></D:prop></D:propstat></D:response></D:multistatus>",
            n,
        )
    }),
    dav("text without end", |n| {
        filled(&format!("{DAV}<D:sync-token>"), b"&#120;", "</D:sync-token></D:multistatus>", n)
    }),
    dav("comments without number", |n| filled(DAV, b"<!---->", "</D:multistatus>", n)),
    dav("tags without end", |n| filled(DAV, b"<", "", n)),
    imap("literals of nothing", |n| filled("* 1 FETCH (", b"{0}\r\n ", ")\r\nT1 OK\r\n", n)),
    imap("lists in each other", |n| filled("* 1 FETCH (BODYSTRUCTURE ", b"(", "\r\nT1 OK\r\n", n)),
    imap("lists beside each other", |n| filled("* 1 FETCH (BODYSTRUCTURE (", b"()", "))\r\nT1 OK\r\n", n)),
    imap("a line without end", |n| filled("* SEARCH", b" 1", "\r\nT1 OK\r\n", n)),
    imap("responses without number", |n| filled("", b"* 1 EXISTS\r\n", "T1 OK\r\n", n)),
    imap("a literal that is too large", |n| filled(&format!("* 1 FETCH (UID 7 BODY[] {{{n}}}\r\n"), b"x", "", n)),
    imap("quotes that are never closed", |n| filled("* 1 FETCH (ENVELOPE (\"", b"\\\"", "\r\nT1 OK\r\n", n)),
    imap("parts without number", |n| {
        filled(
            "* 1 FETCH (BODYSTRUCTURE (",
            b"(\"text\" \"plain\" NIL NIL NIL \"7bit\" 1 1)",
            " \"mixed\"))\r\nT1 OK\r\n",
            n,
        )
    }),
    imap("pieces of a name", |n| {
        let head = "* 1 FETCH (BODYSTRUCTURE (\"text\" \"plain\" (";
        counted(head, |i| format!("\"name*{i}\" \"x\" "), ") NIL NIL \"7bit\" 1 1))\r\nT1 OK\r\n", n)
    }),
];

const COLUMNS: &str = "id,name,emails\n";
const FROM: &str = "From a@x Mon Jan  5 11:00:00 2026\n";
const DAV: &str = "<D:multistatus xmlns:D=\"DAV:\">";
const COMP: &str = "<D:response><D:propstat><D:prop><C:supported-calendar-component-set xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><C:comp";
const COMP_END: &str = "</C:supported-calendar-component-set></D:prop></D:propstat></D:response></D:multistatus>";
