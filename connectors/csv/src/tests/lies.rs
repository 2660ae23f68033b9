//! Exports that are not what they seem: other separators and encodings, files that are half written, packed, cut or gone.
//! Nothing that stands in a file is lost, nothing half is taken, and what cannot be read says why.

use std::time::{Duration, SystemTime};

use super::*;

/// A clock that stands at this time.
#[derive(Debug)]
struct At(DateTime<Utc>);

impl Clock for At {
    fn now(&self) -> DateTime<Utc> {
        self.0
    }
}

/// Reads the export as if its file had just been written.
fn fresh(dir: &Path, file: &str) -> Box<dyn Source> {
    let modified = fs::metadata(dir.join("crm").join(file)).unwrap().modified().unwrap();
    source_by(dir, Arc::new(At(DateTime::<Utc>::from(modified) + chrono::TimeDelta::seconds(5))))
}

#[tokio::test]
async fn one_export_written_in_every_way_is_the_same_export() {
    let rows = ["id,name,emails", "C1,Joe,joe@buyer.example", "C2,Ann,ann@buyer.example"];
    let plain = rows.join("\n") + "\n";
    let turned = "emails,id,name\njoe@buyer.example,C1,Joe\nann@buyer.example,C2,Ann\n";
    let dir = export(&[("contacts.csv", &plain)]);
    let want = list(&*source(dir.path()), "contacts.csv").await;
    assert_eq!(want.len(), 2);
    for (what, text) in [
        ("CRLF", plain.replace('\n', "\r\n")),
        ("CR", plain.replace('\n', "\r")),
        ("line ends mixed", plain.replacen('\n', "\r\n", 2)),
        ("no last line end", plain.trim_end().to_owned()),
        ("a byte order mark", format!("\u{feff}{plain}")),
        ("semicolons", plain.replace(',', ";")),
        ("tabs", plain.replace(',', "\t")),
        ("another order", turned.to_owned()),
        ("another order, semicolons, BOM, CRLF", format!("\u{feff}{turned}").replace(',', ";").replace('\n', "\r\n")),
        ("columns of others", plain.replace('\n', ",x\n").replacen(",x", ",note", 1)),
        ("titles in capitals with blanks", plain.replacen("id,name,emails", " ID , Name,EMAILS ", 1)),
        ("everything quoted", plain.lines().map(|l| format!("\"{}\"\n", l.replace(',', "\",\""))).collect()),
        ("empty rows", plain.replace('\n', "\n,,\n\n")),
        ("rows of spaces at the end", format!("{plain}  \n,,\n")),
    ] {
        write(dir.path(), "contacts.csv", text);
        assert_eq!(list(&*source(dir.path()), "contacts.csv").await, want, "{what}");
    }
}

#[tokio::test]
async fn a_file_of_another_kind_says_what_it_is() {
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let wide_be = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
    for (bytes, says) in [
        (wide(&format!("\u{feff}{CONTACTS}")), "it is UTF-16; save it as CSV UTF-8"),
        (wide(CONTACTS), "it is UTF-16; save it as CSV UTF-8"),
        (wide_be(CONTACTS), "it is UTF-16; save it as CSV UTF-8"),
        (b"PK\x03\x04\x14\0".to_vec(), "it is a zip file or an Excel workbook; save it as CSV UTF-8"),
        (b"\x1f\x8b\x08\0".to_vec(), "it is a gzip file; save it as CSV UTF-8"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec(), "it is an old Excel or Outlook file; save it as CSV UTF-8"),
        (b"<!doctype html><title>Sign in</title>".to_vec(), "the header line has no columns `id`, `emails`"),
        (b"{\"error\": \"expired\"}\n".to_vec(), "the header line has no columns `id`, `emails`"),
        (vec![0; 4096], "it is UTF-16"),
    ] {
        let dir = export(&[]);
        write(dir.path(), "contacts.csv", bytes);
        let (kind, what) = fault(&*source(dir.path()), "contacts.csv").await;
        assert!(kind == FaultKind::Malformed && what.contains(says), "{what}");
    }
}

#[tokio::test]
async fn nul_bytes_cost_their_own_rows() {
    let dir = export(&[]);
    // a crash of the exporting machine left a hole in the middle and at the end
    let text = format!(
        "{CONTACTS}C2,ann@buyer.example\n{}\nC3,zoe@buyer.example\nC4,max\0@buyer.example\nC\0 5,eva@buyer.example\n{}",
        "\0".repeat(700),
        "\0".repeat(99)
    );
    write(dir.path(), "contacts.csv", text);
    let rows = read(&*source(dir.path()), "contacts.csv").await;
    let good: Vec<&str> = rows.iter().filter(|r| r.1.is_ok()).map(|r| r.0.as_str()).collect();
    assert_eq!(good, ["C1", "C2", "C3"]);
    let bad: Vec<_> = rows.iter().filter_map(|r| Some((r.0.as_str(), r.1.as_ref().err()?.as_str()))).collect();
    let why = |line, column| format!("contacts.csv line {line}: `{column}` holds NUL bytes; export the file again");
    assert_eq!(bad, [("C4", why(6, "emails").as_str()), ("line:7", &why(7, "id"))]);
}

/// Cut at any byte: what is read is a start of what there is, and only the row that was cut may be bad or another.
#[tokio::test]
async fn a_cut_file_loses_no_row_before_the_cut() {
    let text =
        "id,name,emails\nC1,\"Joe, \"\"J\"\"\",joe@buyer.example\nC2,Ann,ann@buyer.example\nC3,Zoé,zoe@buyer.example\n";
    let dir = export(&[("contacts.csv", text)]);
    let whole = list(&*source(dir.path()), "contacts.csv").await;
    let lines: Vec<usize> = text.match_indices('\n').map(|m| m.0 + 1).collect();
    for cut in lines[0]..text.len() {
        write(dir.path(), "contacts.csv", &text.as_bytes()[..cut]);
        let part = list(&*source(dir.path()), "contacts.csv").await;
        let complete = lines.iter().filter(|end| **end <= cut).count() - 1;
        assert_eq!(part[..complete], whole[..complete], "{cut} bytes");
        assert!(part.len() <= complete + 1);
    }
}

#[tokio::test]
async fn a_file_that_is_being_written_is_waited_for() {
    let mut text = "id,name,emails\n".to_owned();
    for n in 0..300 {
        text += &format!("C{n},Person {n},p{n}@buyer.example\n");
    }
    let dir = export(&[("contacts.csv", &text)]);
    let path = dir.path().join("crm/contacts.csv");
    // as a buffered writer leaves it: in the middle of an address
    let cut = text.len() / 3 + text[text.len() / 3..].find('@').unwrap() + 3;
    fs::write(&path, &text[..cut]).unwrap();
    let source = fresh(dir.path(), "contacts.csv");
    let (rest, to) = (text[cut..].to_owned(), path.clone());
    let writer = tokio::task::spawn_blocking(move || {
        use std::io::Write;
        let mut file = fs::OpenOptions::new().append(true).open(to).unwrap();
        for piece in rest.as_bytes().chunks(rest.len() / 4 + 1) {
            std::thread::sleep(Duration::from_millis(20));
            file.write_all(piece).unwrap();
        }
    });
    assert_eq!(list(&*source, "contacts.csv").await.len(), 300);
    writer.await.unwrap();

    // a writer that gave up: what is there is read after a moment
    fs::write(&path, &text[..cut]).unwrap();
    let source = fresh(dir.path(), "contacts.csv");
    let part = list(&*source, "contacts.csv").await;
    assert!((50..300).contains(&part.len()));

    // one that never ends is left for later, and nothing of it is taken as gone
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let (told, to) = (Arc::clone(&stop), path.clone());
    let writer = tokio::task::spawn_blocking(move || {
        use std::io::Write;
        let mut file = fs::OpenOptions::new().append(true).open(to).unwrap();
        while !told.load(std::sync::atomic::Ordering::Relaxed) {
            file.write_all(b"x").unwrap();
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    let (kind, what) = fault(&*source, "contacts.csv").await;
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    writer.await.unwrap();
    assert!(matches!(kind, FaultKind::Busy { .. }) && what.contains("is being written"), "{what}");
}

#[tokio::test]
async fn a_file_that_is_gone_is_never_an_empty_file() {
    let dir = export(&[("contacts.csv", CONTACTS), ("deals.csv", DEALS), ("tasks.csv", "id,owner,due\n")]);
    let source = source(dir.path());
    assert_eq!(list(&*source, "deals.csv").await.len(), 1);
    let path = dir.path().join("crm/deals.csv");
    fs::remove_file(&path).unwrap();
    assert_eq!(fault(&*source, "deals.csv").await.0, FaultKind::Missing);
    let asked = source.fetch(&stream("deals.csv"), &["D1".to_owned()], &window()).await;
    assert_eq!(asked.unwrap_err().kind, FaultKind::Missing);
    for emptied in ["", "\n\n", "\u{feff}"] {
        write(dir.path(), "deals.csv", emptied);
        assert_eq!(fault(&*source, "deals.csv").await.0, FaultKind::Malformed);
    }
    // the header alone is an empty list: that is how a list is emptied on purpose
    write(dir.path(), "deals.csv", "id,name,owner,stage_id\n");
    assert!(list(&*source, "deals.csv").await.is_empty());
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let (kind, what) = fault(&*source, "deals.csv").await;
    assert!(kind == FaultKind::Malformed && what.contains("it is no file"), "{what}");
}

/// The rows asked for are those of the file that was listed, or of a newer one: never of two files at once.
#[tokio::test]
async fn a_file_that_is_replaced_between_listing_and_reading() {
    let dir = export(&[("contacts.csv", "id,emails\nC1,joe@buyer.example\nC2,ann@buyer.example\n")]);
    let source = source(dir.path());
    let before = list(&*source, "contacts.csv").await;
    write(dir.path(), "contacts.csv", "id,emails\nC2,ann@other.example\nC3,zoe@buyer.example\n");
    let path = dir.path().join("crm/contacts.csv");
    let later = SystemTime::UNIX_EPOCH + Duration::from_secs(1_900_000_000);
    fs::File::options().write(true).open(path).unwrap().set_modified(later).unwrap();
    let names: Vec<String> = before.iter().map(|e| e.resource.clone()).collect();
    let changes = source.fetch(&stream("contacts.csv"), &names, &window()).await.unwrap();
    assert!(matches!(&changes[0], Change::Remove { resource } if resource == "C1"));
    match &changes[1] {
        Change::Upsert { version, items, .. } => {
            assert_ne!(*version, before[1].version, "the next listing finds it unchanged");
            assert!(matches!(&items[0].record, Record::Contact(c) if c.emails == ["ann@other.example"]));
        }
        other => panic!("{other:?}"),
    }
}
