//! Copies of one mail that differ: which is read first shows neither in the text nor in the tags, and what a copy brought goes
//! with it.

use std::sync::Arc;

use dealtrail::engine::{
    pass::Options,
    progress::{Quiet, Watcher},
    rules::Level,
};
use dealtrail_sdk::Gives;
use rstest::rstest;
use tokio_util::sync::CancellationToken;

use crate::{
    fake::{self, Fake},
    support::{
        Database::{self, Postgres, Sqlite},
        Office, assert_same, days_ago, list,
    },
};

/// One mail to Ana and Bob, with this text and perhaps a file.
fn copy(text: &str, file: Option<&str>) -> Vec<u8> {
    let date = days_ago(5).to_rfc2822();
    let head = format!(
        "Message-ID: <c@buyer.example>\r\nFrom: eve@buyer.example\r\nTo: ana@acme.example, bob@acme.example\r\nDate: {date}\r\n\
         Subject: Papers\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
    );
    let attached = file.map_or(String::new(), |file| {
        format!(
            "--b\r\nContent-Type: application/pdf; name=\"{file}\"\r\nContent-Disposition: attachment; filename=\"{file}\"\r\n\r\nx\r\n"
        )
    });
    format!("{head}{attached}--b--\r\n").into_bytes()
}

/// The office after both copies were read, one pass each.
fn read(on: Database, first: &[u8], second: &[u8]) -> Office {
    let office = Office::new(on);
    office.mailbox("bob");
    office.deliver("ana", "INBOX", first);
    office.program.sync();
    office.deliver("bob", "INBOX", second);
    office.program.sync();
    office
}

fn texts(office: &Office) -> Vec<String> {
    office.everything().into_iter().filter(|row| row.starts_with("texts ")).collect()
}

fn tags(office: &Office) -> Vec<String> {
    list(&office.program.activity("c@buyer.example").expect("one activity"), "tags")
}

#[rstest]
fn which_copy_is_read_first_does_not_show_in_the_text(#[values(Sqlite, Postgres)] on: Database) {
    // no letters that an id, in hexadecimal, may hold
    for (one, other) in [("We sign.", "We sign.\r\n--\r\nScanned by the gateway."), ("uvw", "uvx"), ("", "We sign.")] {
        let (one, other) = (copy(one, None), copy(other, None));
        let office = read(on, &one, &other);
        let kept = texts(&office);
        assert_eq!(kept, texts(&read(on, &other, &one)));
        assert!(kept.len() == 1 && !kept[0].contains("gateway") && !kept[0].contains("uvx"), "{kept:?}");
        let settled = office.program.settled();
        office.program.run(&["sync", "--full"]);
        assert_eq!(texts(&office), kept, "a full pass");
        assert_same(&settled, &office.program.settled(), "a full pass");
    }
}

#[rstest]
fn what_a_copy_has_attached_goes_and_comes_with_it(#[values(Sqlite, Postgres)] on: Database) {
    let (plain, with) = (copy("Hello", None), copy("Hello", Some("quote 12.pdf")));
    let office = read(on, &plain, &with);
    assert_eq!(tags(&office), ["quote"]);
    assert_eq!(tags(&read(on, &with, &plain)), ["quote"], "whichever was read first");
    assert_eq!(tags(&read(on, &copy("Hello", Some("order 1.pdf")), &with)), ["order", "quote"]);
    let before = office.program.settled();
    // bob's mailbox no longer wants it: then nobody has seen the file
    let bob = "path = \"mail/bob\"";
    office.replace(bob, &format!("{bob}\nexclude = [\"eve@buyer.example\"]"));
    office.program.sync();
    assert!(tags(&office).is_empty(), "{:?}", tags(&office));
    office.replace(&format!("{bob}\nexclude = [\"eve@buyer.example\"]"), bob);
    office.program.sync();
    assert_same(&before, &office.program.settled(), "it is back");
}

#[rstest]
fn a_pattern_that_is_taken_back_takes_its_tags_back(#[values(Sqlite, Postgres)] on: Database) {
    let with = copy("Hello", Some("zusage 12.pdf"));
    let office = read(on, &with, &with);
    assert!(tags(&office).is_empty());
    let before = office.program.settled();
    for _ in 0..2 {
        office.add("[documents]\nquote = [\"zusage\"]");
        office.program.sync();
        assert_eq!(tags(&office), ["quote"]);
        office.replace("[documents]\nquote = [\"zusage\"]", "");
        office.program.sync();
        assert!(tags(&office).is_empty(), "{:?}", tags(&office));
        assert_same(&before, &office.program.settled(), "as if it had never been");
    }
}

/// Their texts could not be read with the mails; when they can, the two copies are one text, in whatever order they come.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn two_copies_of_a_pending_text_in_one_folder_are_one(
    #[values(Sqlite, Postgres)] on: Database,
    #[values(false, true)] turned: bool,
) {
    let office = Office::without_mail(on);
    let names: Vec<String> = ["m1", "m1+copy", "m2"].map(str::to_owned).into();
    let make = |s: &_| Fake::new(s, Gives::Mail, &names);
    let (engine, fake) = fake::engine(&office.program.config, Level::Text, make).await;
    let pass = async || {
        let watcher: Arc<dyn Watcher> = Arc::new(Quiet);
        engine.pass(&Options::default(), &watcher, &CancellationToken::new()).await.expect("a pass")
    };
    let kept = async || {
        let rows = engine.store.db.rows("select body from texts order by body", vec![]).await.expect("texts");
        rows.iter().map(|r| r.text(0)).collect::<Vec<_>>()
    };
    pass().await;
    assert!(kept().await.is_empty(), "nothing could be read");
    let mut all = [("m1", "We sign."), ("m1+copy", "We sign. Scanned."), ("m2", "Later.")];
    if turned {
        all.reverse();
    }
    *fake.texts.lock().expect("nobody panics while holding it") =
        all.map(|(name, text)| (name.to_owned(), text.to_owned())).into();
    let tally = pass().await;
    assert!(tally.failures.is_empty(), "{:?}", tally.failures);
    assert_eq!(kept().await, ["Later.", "We sign."]);
    engine.store.db.close().await;
}
