//! Mail: From, To, Cc, Date and Subject of real messages against CPython's email and Node's mailparser.

use std::{collections::HashSet, thread};

use chrono::DateTime;
use dealtrail_sdk::mime;
use serde_json::{Value, json};

use super::{GOAL, Sample, Tally, all_needed, ask, known, percent, publish, reasons, samples, show};

const FIELDS: [&str; 5] = ["from", "to", "cc", "date", "subject"];

/// A field as text, in a form in which readers can be compared: addresses in lower case, blanks of a subject as one.
fn field(answer: &Value, name: &str) -> String {
    match &answer[name] {
        Value::Array(list) => {
            let all: Vec<String> = list.iter().filter_map(Value::as_str).map(str::to_lowercase).collect();
            all.join(" ")
        }
        Value::Number(seconds) => seconds.to_string(),
        Value::String(text) => text.split_whitespace().collect::<Vec<_>>().join(" "),
        _ => String::new(),
    }
}

fn ours(sample: &Sample) -> Value {
    let mail = mime::header(&sample.bytes);
    let addresses =
        |list: &[dealtrail_sdk::record::Mailbox]| -> Vec<String> { list.iter().map(|m| m.address.clone()).collect() };
    json!({
        "from": addresses(&mail.from),
        "to": addresses(&mail.to),
        "cc": addresses(&mail.cc),
        "date": mail.date.as_ref().map(DateTime::timestamp),
        "subject": mail.subject,
    })
}

#[test]
fn mail_says_what_two_other_readers_agree_on() {
    let files = samples(&["eml", "txt"]);
    let paths = Value::from(files.iter().map(|f| f.path.to_string_lossy().into_owned()).collect::<Vec<_>>());
    let (python, node) = thread::scope(|scope| {
        let python = scope.spawn(|| ask("python3", "messages.py", &paths, files.len()));
        let node = ask("node", "messages.mjs", &paths, files.len());
        (python.join().expect("the oracle's thread"), node)
    });
    let mut tallies: Vec<(&str, Tally)> = FIELDS.iter().map(|f| (*f, Tally::default())).collect();
    let (mut unread, mut disputed) = (0, 0);
    let mut met = HashSet::new();
    for ((file, python), node) in files.iter().zip(&python).zip(&node) {
        if python.get("error").is_some() || node.get("error").is_some() {
            unread += 1;
            continue;
        }
        let ours = ours(file);
        for (name, tally) in &mut tallies {
            let (one, two, own) = (field(python, name), field(node, name), field(&ours, name));
            // a reader that could not decode a field gives no answer to it
            if one != two || one.contains(char::REPLACEMENT_CHARACTER) {
                disputed += 1;
                if show() {
                    println!("DISPUTED {} {name}\n  python {one:?}\n  node   {two:?}\n  ours   {own:?}", file.name);
                }
                continue;
            }
            if one.is_empty() && own.is_empty() {
                continue;
            }
            if one == own {
                tally.agreed += 1;
                tally.right += 1;
            } else if let Some(at) = known::MAIL.iter().position(|k| k.covers(&file.name, name)) {
                met.insert(at);
                tally.known += 1;
            } else {
                tally.agreed += usize::from(!one.is_empty());
                tally.extra += usize::from(one.is_empty());
                tally.differences.push(format!("{} {name}\n  they {one:?}\n  we   {own:?}", file.name));
            }
        }
    }
    judge(tallies, files.len(), unread, disputed, reasons(known::MAIL, &met));
    all_needed(known::MAIL, &met);
}

fn judge(tallies: Vec<(&str, Tally)>, files: usize, unread: usize, disputed: usize, reasons: Vec<String>) {
    let mut all = Tally::default();
    let mut parts = Vec::new();
    for (name, tally) in tallies {
        parts.push(format!("{name} {}/{}", tally.right, tally.agreed + tally.extra));
        all.add(tally);
    }
    let mut lines = vec![
        format!(
            "mail: {files} files, {unread} unread by an oracle; {} fields on which both oracles agree: {} right ({}), {} known differences; {disputed} left out: the oracles differ or cannot read them",
            all.agreed + all.extra,
            all.right,
            percent(all.precision().min(all.found())),
            all.known,
        ),
        format!("mail: {}", parts.join(", ")),
    ];
    lines.extend(reasons);
    publish("mail", &lines);
    for difference in &all.differences {
        println!("{difference}");
    }
    assert!(all.agreed > 1_000, "only {} fields were compared", all.agreed);
    assert!(all.found() >= GOAL && all.precision() >= GOAL, "the differences stand above");
}
