//! WebDAV answers: bounded in number, the same each time, and an answer that was cut short is never taken for a shorter
//! one.

use dealtrail_caldav::inside::{Multistatus, multistatus};

pub fn check(bytes: &[u8]) {
    let Ok(answer) = multistatus(bytes) else { return };
    assert!(answer.replies.len() <= 500_000, "{} resources", answer.replies.len());
    if bytes.len() > 8_192 {
        return;
    }
    let again = multistatus(bytes).expect("a second reading gives the same");
    assert_eq!(shown(&again), shown(&answer));
    let end = bytes.iter().rposition(|b| *b == b'>').unwrap_or(0);
    let root = String::from_utf8_lossy(&bytes[..end]).rfind("</").unwrap_or(0).min(end);
    for cut in [end / 2, end / 3, root / 2] {
        if let Ok(short) = multistatus(&bytes[..cut]) {
            // what stands behind the root's end is nobody's
            assert_eq!(shown(&short), shown(&answer), "a cut answer was believed");
        }
    }
}

fn shown(answer: &Multistatus) -> String {
    let one = |r: &dealtrail_caldav::inside::Reply| {
        format!("{} {:?} {:?} {:?}", r.href, r.status, r.props.etag, r.props.data)
    };
    let all: Vec<String> = answer.replies.iter().map(one).collect();
    format!("{:?} {:?}", answer.sync_token, all)
}
