use super::*;
use crate::args;

/// A database in a folder of its own.
fn fresh() -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite:{}", dir.path().join("x.db").display());
    (dir, url)
}

async fn words(db: &Lite) -> Vec<String> {
    db.read("select key || '=' || value from meta order by key", &[], |row| Ok(row.text(0))).await.expect("the words")
}

fn set(tx: &LiteTx, key: &str, value: &str) -> Result<u64, StoreError> {
    tx.exec("insert into meta (value, key) values ($2, $1)", &[key.into(), value.into()])
}

#[test]
fn placeholders_go_by_their_numbers() {
    assert_eq!(numbered("x = $2 and y in ($1, $12)"), "x = ?2 and y in (?1, ?12)");
    assert_eq!(numbered("json_extract(x, '$.a') = ?1"), "json_extract(x, '$.a') = ?1");
    assert_eq!(numbered("x"), "x");
}

#[tokio::test]
async fn what_is_not_committed_did_not_happen() {
    let (_dir, url) = fresh();
    let db = Lite::open(&url).expect("it opens");
    let tx = db.begin().await.expect("a turn");
    assert_eq!(set(&tx, "a", "1").expect("a row"), 1);
    assert_eq!(words(&db).await, [""; 0], "nobody else sees it");
    tx.commit().expect("it stands");
    let tx = db.begin().await.expect("a turn");
    tx.exec("update meta set value = '2'", &[]).expect("a change");
    drop(tx);
    let tx = db.begin().await.expect("the turn was given back");
    let rows = vec![args!["b", "2"], args!["c", "3"], args!["a", "4"]];
    assert!(tx.exec_each("insert into meta (key, value) values (?, ?)", &rows).is_err(), "there is an a");
    drop(tx);
    assert_eq!(words(&db).await, ["a=1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_sees_one_state_and_changes_nothing() {
    let (_dir, url) = fresh();
    let db = Lite::open(&url).expect("it opens");
    let reading = db.begin_reading().await.expect("a reader");
    let count = |tx: &LiteTx| tx.read("select count(*) from meta", &[], |row| Ok(row.int(0))).expect("a count")[0];
    assert_eq!(count(&reading), 0);
    let writing = db.begin().await.expect("a turn");
    set(&writing, "a", "1").expect("a row");
    writing.commit().expect("it stands");
    assert_eq!(count(&reading), 0, "as it was when the reading began");
    assert!(set(&reading, "b", "2").is_err());
    drop(reading);
    assert_eq!(count(&db.begin_reading().await.expect("a reader")), 1);
    // more who ask than there are readers
    let asked = (0..40).map(|_| {
        let db = db.clone();
        tokio::spawn(async move { words(&db).await })
    });
    for said in asked.collect::<Vec<_>>() {
        assert_eq!(said.await.expect("an answer"), ["a=1"]);
    }
}

#[tokio::test]
async fn another_process_that_writes_is_waited_for() {
    let (dir, url) = fresh();
    let db = Lite::open(&url).expect("it opens");
    let other = Connection::open(dir.path().join("x.db")).expect("it opens");
    other.execute_batch("begin immediate; insert into meta values ('other', '1')").expect("a row");
    let ours = tokio::spawn({
        let db = db.clone();
        async move {
            let tx = db.begin().await.expect("a turn");
            set(&tx, "ours", "2").expect("a row");
            tx.commit().expect("it stands");
        }
    });
    // in one thread: whoever waited with it would wait for ever
    sleep(LOOK * 5).await;
    assert!(!ours.is_finished());
    other.execute_batch("commit").expect("it stands");
    ours.await.expect("then ours");
    assert_eq!(words(&db).await, ["other=1", "ours=2"]);
}

#[tokio::test]
async fn a_closed_file_is_let_go() {
    let (dir, url) = fresh();
    let db = Lite::open(&url).expect("it opens");
    words(&db).await;
    db.close().await;
    assert!(!dir.path().join("x.db-wal").exists(), "all of it is in the file");
    assert!(db.begin().await.is_err());
    assert!(db.begin_reading().await.is_err());
    Lite::open(&url).expect("it opens again, with nothing to migrate");
}

#[test]
fn what_a_newer_program_wrote_is_left_alone() {
    let (dir, url) = fresh();
    Lite::open(&url).expect("it opens");
    let other = Connection::open(dir.path().join("x.db")).expect("it opens");
    other.pragma_update(None, "user_version", 99).expect("a version");
    let said = Lite::open(&url).expect_err("a newer one").to_string();
    assert!(said.contains("a newer dealtrail wrote it"), "{said}");
    drop(other);
    std::fs::write(dir.path().join("x.db"), "a letter, not a database").expect("a file");
    assert!(Lite::open(&url).is_err());
}
