//! The CalDAV floor: one sync-collection REPORT for each calendar, with the token of the last time, and nothing else. Its plan:
//! `server PORT LOGIN`, then `calendar PATH TOKEN` each.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

/// Asks what changed in each calendar; nothing may have.
pub fn run(plan: &str) {
    let mut lines = plan.lines().map(|l| l.split(' ').collect::<Vec<_>>());
    let mut calendars = Vec::new();
    let (mut port, mut login) = (0, "");
    for words in &mut lines {
        match words[..] {
            ["server", at, who] => (port, login) = (at.parse().expect("a port"), who),
            ["calendar", path, token] => calendars.push((port, login, path, token)),
            _ => panic!("not a line of a plan"),
        }
    }
    super::side_by_side(calendars, |(port, login, path, token)| {
        let answer = report(port, login, path, token);
        assert!(!answer.contains("response>"), "nothing changed: {answer}");
    });
}

/// What changed since a token; all members without one. The answer's body.
pub fn report(port: u16, login: &str, path: &str, token: &str) -> String {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><D:sync-collection xmlns:D=\"DAV:\"><D:sync-token>{token}</D:sync-token>\
         <D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>"
    );
    let head = format!(
        "REPORT {path} HTTP/1.0\r\nHost: 127.0.0.1\r\nAuthorization: Basic {login}\r\nDepth: 0\r\n\
         Content-Type: application/xml; charset=utf-8\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the server listens");
    stream.write_all((head + &body).as_bytes()).expect("the server takes the question");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the server answers");
    assert!(answer.split(' ').nth(1) == Some("207"), "the server refuses: {answer}");
    answer.split_once("\r\n\r\n").expect("a head and a body").1.to_owned()
}

/// The new token of an answer.
pub fn token(answer: &str) -> &str {
    let from = answer.find("sync-token>").expect("a token") + "sync-token>".len();
    answer[from..].split('<').next().expect("its end")
}
