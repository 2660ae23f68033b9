//! The suite must let a good source pass and catch each kind of bad one.

use async_trait::async_trait;
use chrono::DateTime;
use dealtrail_sdk::{
    Entry, Fault, Item, Listing,
    record::{Mailbox, Message},
};

use super::*;

/// The ways in which a source can break its promises.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flaw {
    None,
    TwiceListed,
    HidesByCursor,
    LosesListed,
    OtherVersion,
    InventsUnknown,
    LeaksAddress,
    LongText,
    SameKeys,
    NeverEnds,
}

struct Fake(Flaw);

fn mail() -> Record {
    let from = vec![Mailbox { address: "zoe@buyer.example".to_owned(), name: None }];
    Record::Mail(Box::new(Message { from, ..Message::default() }))
}

#[async_trait]
impl Source for Fake {
    async fn streams(&self) -> Result<Vec<Stream>, Fault> {
        Ok(vec![Stream { id: "a".to_owned(), name: "A".to_owned(), role: None }])
    }

    async fn pull(&self, _: &Stream, cursor: Option<&Cursor>, _: &Window) -> Result<Batch, Fault> {
        if self.0 == Flaw::NeverEnds {
            return Ok(Batch { more: true, ..Batch::default() });
        }
        if self.0 == Flaw::HidesByCursor && cursor.is_some() {
            return Ok(Batch { listing: Some(Listing::default()), ..Batch::default() });
        }
        let entry = |name: &str| Entry { resource: name.to_owned(), version: Some("1".to_owned()) };
        let mut entries = vec![entry("m1"), entry("m2"), entry("broken")];
        if self.0 == Flaw::TwiceListed {
            entries.push(entry("m1"));
        }
        Ok(Batch { listing: Some(Listing { entries, ..Listing::default() }), ..Batch::default() })
    }

    async fn fetch(&self, _: &Stream, resources: &[String], _: &Window) -> Result<Vec<Change>, Fault> {
        let version = Some(if self.0 == Flaw::OtherVersion { "2" } else { "1" }.to_owned());
        let mut changes = Vec::new();
        for name in resources {
            let resource = name.clone();
            let known = name.starts_with('m') || self.0 == Flaw::InventsUnknown;
            changes.push(match name.as_str() {
                "m2" if self.0 == Flaw::LosesListed => continue,
                "broken" => {
                    let who = if self.0 == Flaw::LeaksAddress { "zoe@buyer.example" } else { "the header" };
                    Change::Unreadable { resource, version: version.clone(), why: format!("{who} is broken") }
                }
                _ if known => {
                    let key = if self.0 == Flaw::SameKeys { "m1".to_owned() } else { name.clone() };
                    Change::Upsert { resource, version: version.clone(), items: vec![Item { key, record: mail() }] }
                }
                _ => Change::Remove { resource },
            });
        }
        Ok(changes)
    }

    async fn content(&self, _: &Stream, keys: &[String], limit: usize) -> Result<Vec<(String, Content)>, Fault> {
        let length = if self.0 == Flaw::LongText { limit + 1 } else { limit };
        let text = |key: &String| match key.starts_with('m') {
            true => Content::Text { text: "x".repeat(length), truncated: true },
            false => Content::Gone,
        };
        Ok(keys.iter().map(|k| (k.clone(), text(k))).collect())
    }
}

async fn run(flaw: Flaw) -> Summary {
    let window = Window { since: DateTime::UNIX_EPOCH, until: DateTime::UNIX_EPOCH };
    check(&Fake(flaw), &window, &["buyer.example"]).await
}

#[tokio::test]
async fn a_good_source_passes() {
    assert_eq!(run(Flaw::None).await, Summary { streams: 1, items: 2, unreadable: 1 });
}

#[tokio::test]
async fn each_flaw_is_caught() {
    for (flaw, says) in [
        (Flaw::TwiceListed, "listed twice"),
        (Flaw::HidesByCursor, "silently hides"),
        (Flaw::LosesListed, "was not read"),
        (Flaw::OtherVersion, "differ in the version"),
        (Flaw::InventsUnknown, "unknown resource"),
        (Flaw::LeaksAddress, "shows secret number 0"),
        (Flaw::LongText, "longer than its limit"),
        (Flaw::SameKeys, "same key"),
        (Flaw::NeverEnds, "without a new cursor"),
    ] {
        let panic = tokio::spawn(run(flaw)).await.expect_err(says).into_panic();
        let message = panic.downcast_ref::<String>().cloned().unwrap_or_default();
        assert!(message.contains(says), "{says}: {message}");
    }
}
