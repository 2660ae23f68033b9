//! Mail as a sales team has it: threads with buyers the CRM knows, mail of people it does not know, colleagues, newsletters,
//! attachments. The same numbers give the same mail, but for the dates, which lie in the last 170 days.

use std::{fmt::Write as _, fs, path::Path};

use chrono::{DateTime, TimeDelta, Utc};
use dealtrail::clock::SystemClock;
use dealtrail_sdk::Clock as _;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

const COMPANIES: usize = 60;
const DAYS: i64 = 170;

/// The folders that mail lies in.
pub const FOLDERS: [&str; 3] = ["INBOX", "Sent", "Archive"];

/// One mail and where it lies.
pub struct Mail {
    pub folder: &'static str,
    pub at: DateTime<Utc>,
    pub message_id: String,
    /// The section of its text, where dealtrail reads it: mail with a buyer whom the CRM knows.
    pub text: Option<&'static str>,
    pub bytes: Vec<u8>,
}

#[derive(Debug)]
pub struct Office {
    reps: usize,
    now: DateTime<Utc>,
}

enum Sort {
    Buyer,
    Stranger,
    Colleague,
    Newsletter,
}

impl Office {
    pub fn new(reps: usize) -> Self {
        Self { reps, now: SystemClock.now() }
    }

    /// Companies with a contact and an open deal each.
    pub fn write_crm(&self, folder: &Path) {
        let mut companies = "id,name,domains\n".to_owned();
        let mut contacts = "id,name,emails,company_id\n".to_owned();
        let mut deals =
            "id,name,company_id,contact_ids,owner,pipeline,stage_id,amount,currency,created_at\n".to_owned();
        let created = (self.now - TimeDelta::days(DAYS + 10)).to_rfc3339();
        for n in 0..COMPANIES {
            let owner = n % self.reps.max(1);
            writeln!(companies, "C{n},Company {n},company{n}.example").expect("a string");
            writeln!(contacts, "K{n},Buyer {n},buyer@company{n}.example,C{n}").expect("a string");
            writeln!(deals, "D{n},Project {n},C{n},K{n},rep{owner}@acme.example,Sales,s1,5000,EUR,{created}")
                .expect("a string");
        }
        let stages = "id,pipeline,name,position,kind\ns1,Sales,Lead,1,open\ns2,Sales,Won,2,won\n".to_owned();
        fs::create_dir_all(folder).expect("the CRM's folder");
        for (name, text) in [("companies", companies), ("contacts", contacts), ("deals", deals), ("stages", stages)] {
            fs::write(folder.join(format!("{name}.csv")), text).expect("a CSV file");
        }
    }

    /// So many mails of one rep, oldest first.
    pub fn mails(&self, rep: usize, count: usize) -> Vec<Mail> {
        let mut dice = StdRng::seed_from_u64(rep as u64);
        let span = TimeDelta::days(DAYS).num_seconds();
        (0..count)
            .map(|n| {
                let back = span - span * i64::try_from(n).unwrap_or(0) / i64::try_from(count.max(1)).unwrap_or(1);
                self.mail(&mut dice, rep, n, self.now - TimeDelta::seconds(back))
            })
            .collect()
    }

    /// Further mails of one rep, just come; `number` says which, so that none is like another.
    pub fn fresh(&self, rep: usize, number: usize) -> Mail {
        let mut dice = StdRng::seed_from_u64(((rep as u64) << 32) + number as u64);
        self.mail(&mut dice, rep, number, SystemClock.now())
    }

    fn mail(&self, dice: &mut StdRng, rep: usize, n: usize, at: DateTime<Utc>) -> Mail {
        let me = format!("rep{rep}@acme.example");
        let sort = match dice.random_range(0..100) {
            0..45 => Sort::Buyer,
            45..60 => Sort::Stranger,
            60..75 => Sort::Colleague,
            _ => Sort::Newsletter,
        };
        let company = dice.random_range(0..COMPANIES);
        let other = match sort {
            Sort::Buyer => format!("Buyer {company} <buyer@company{company}.example>"),
            Sort::Stranger => format!("Somebody <person{n}@elsewhere{company}.example>"),
            Sort::Colleague => format!("colleague{}@acme.example", dice.random_range(0..20)),
            Sort::Newsletter => format!("News <news@letters{company}.example>"),
        };
        let sent = !matches!(sort, Sort::Newsletter) && dice.random_range(0..3) == 0;
        let (from, to) = if sent { (me, other) } else { (other, me) };
        let message_id = format!("{rep}.{n}@mail.example");
        let mut head = format!(
            "Received: from relay.example by mx.acme.example with ESMTPS id {n:08x}; {date}\r\n\
             Message-ID: <{message_id}>\r\nFrom: {from}\r\nTo: {to}\r\nDate: {date}\r\n\
             Subject: {subject}\r\nMIME-Version: 1.0\r\n",
            date = at.to_rfc2822(),
            subject = words(dice, 5),
        );
        if n > 50 && dice.random_range(0..2) == 0 {
            let before = n - dice.random_range(1..50);
            write!(head, "In-Reply-To: <{rep}.{before}@mail.example>\r\nReferences: <{rep}.{before}@mail.example>\r\n")
                .expect("a string");
        }
        if matches!(sort, Sort::Newsletter) {
            head.push_str("List-Id: <news.letters.example>\r\nList-Unsubscribe: <https://letters.example/u>\r\n");
        }
        let long = if matches!(sort, Sort::Newsletter) { 3000 } else { dice.random_range(60..500) };
        let attachment = !matches!(sort, Sort::Newsletter) && dice.random_range(0..7) == 0;
        body(dice, &mut head, long, attachment);
        let folder = FOLDERS[if sent { 1 } else { 2 * usize::from(dice.random_range(0..5) == 0) }];
        let text = matches!(sort, Sort::Buyer).then_some(if attachment { "1.1" } else { "1" });
        Mail { folder, at, message_id, text, bytes: head.into_bytes() }
    }
}

/// Text and HTML, and perhaps a file.
fn body(dice: &mut StdRng, out: &mut String, long: usize, attachment: bool) {
    let text = words(dice, long);
    if attachment {
        out.push_str("Content-Type: multipart/mixed; boundary=\"outer\"\r\n\r\n--outer\r\n");
    }
    write!(
        out,
        "Content-Type: multipart/alternative; boundary=\"inner\"\r\n\r\n--inner\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n\
         --inner\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html><body><p>{}</p></body></html>\r\n--inner--\r\n",
        text.replace("\r\n", "</p>\r\n<p>")
    )
    .expect("a string");
    if attachment {
        out.push_str(
            "--outer\r\nContent-Type: application/pdf; name=\"offer.pdf\"\r\nContent-Disposition: attachment; filename=\"offer.pdf\"\r\n\
             Content-Transfer-Encoding: base64\r\n\r\n",
        );
        for _ in 0..dice.random_range(400..2000) {
            for _ in 0..19 {
                out.push_str(["JVBE", "Ri0x", "LjcK", "MSAw", "IG9i"][dice.random_range(0..5)]);
            }
            out.push_str("\r\n");
        }
        out.push_str("--outer--\r\n");
    }
}

/// So many words, in lines.
fn words(dice: &mut StdRng, count: usize) -> String {
    const WORDS: [&str; 16] = [
        "the", "offer", "meeting", "next", "week", "delivery", "price", "we", "should", "contract", "please", "send",
        "figures", "project", "with", "regards",
    ];
    let mut text = String::new();
    for n in 0..count {
        if n > 0 {
            text.push_str(if n % 12 == 0 { "\r\n" } else { " " });
        }
        text.push_str(WORDS[dice.random_range(0..WORDS.len())]);
    }
    text
}
