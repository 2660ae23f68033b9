//! Folders, calendars and lists: cursor, lease, schedule and completeness are columns of the polled row.

use chrono::{DateTime, Utc};
use dealtrail_sdk::{Cursor, FolderRole, Stream};

use super::{Row, Store, StoreError, Tx, at, ms, opt_at, opt_ms};
use crate::args;

#[derive(Clone, Debug)]
pub struct Stored {
    pub id: i64,
    pub connection: String,
    pub stream: Stream,
    pub cursor: Option<Cursor>,
    pub complete_from: Option<DateTime<Utc>>,
    pub complete_to: Option<DateTime<Utc>>,
    /// When the complete pass that is under way began.
    pub pass_began: Option<DateTime<Utc>>,
    pub next_due: DateTime<Utc>,
    pub failures: i64,
    pub last_success: Option<DateTime<Utc>>,
    pub last_error: Option<String>,
    /// When a listing first came back suspiciously short.
    pub shrunk_at: Option<DateTime<Utc>>,
    /// Resources being read when the process last stopped: one of them may have killed it.
    pub attempting: Option<String>,
    /// The far side no longer has it.
    pub gone: bool,
}

const COLUMNS: &str = "id, connection, wire, name, role, cursor, complete_from, complete_to, pass_began, next_due, failures, \
    last_success, last_error, shrunk_at, attempting, gone";

pub fn role_text(role: FolderRole) -> &'static str {
    match role {
        FolderRole::Inbox => "inbox",
        FolderRole::Sent => "sent",
        FolderRole::Drafts => "drafts",
        FolderRole::Trash => "trash",
        FolderRole::Junk => "junk",
        FolderRole::Archive => "archive",
        FolderRole::All => "all",
    }
}

fn role(text: &str) -> Option<FolderRole> {
    use FolderRole::{All, Archive, Drafts, Inbox, Junk, Sent, Trash};
    [Inbox, Sent, Drafts, Trash, Junk, Archive, All].into_iter().find(|r| role_text(*r) == text)
}

fn read(r: &Row) -> Stored {
    Stored {
        id: r.int(0),
        connection: r.text(1),
        stream: Stream { id: r.text(2), name: r.text(3), role: r.opt_text(4).and_then(|t| role(&t)) },
        cursor: r.opt_text(5).map(Cursor),
        complete_from: opt_at(r.opt_int(6)),
        complete_to: opt_at(r.opt_int(7)),
        pass_began: opt_at(r.opt_int(8)),
        next_due: at(r.int(9)),
        failures: r.int(10),
        last_success: opt_at(r.opt_int(11)),
        last_error: r.opt_text(12),
        shrunk_at: opt_at(r.opt_int(13)),
        attempting: r.opt_text(14),
        gone: r.flag(15),
    }
}

/// Made of the names, so that daemons that find a stream at the same time agree.
fn id_of(connection: &str, wire: &str) -> i64 {
    let hash = blake3::hash(format!("{}:{connection}{wire}", connection.len()).as_bytes());
    let bytes: [u8; 8] = hash.as_bytes()[..8].try_into().expect("a hash has more than eight bytes");
    // positive, and exact in JSON numbers
    (i64::from_le_bytes(bytes) & i64::MAX) >> 11
}

/// A lease that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// What the last reading was at when it ended without a word.
    pub before: Option<String>,
}

/// What a committed batch says about its stream.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    pub cursor: Option<Cursor>,
    pub shrunk_at: Option<DateTime<Utc>>,
    /// What is being read already, as [`Store::lease_for`] notes it.
    pub attempting: Option<String>,
    /// Set when the pass is complete: the stream is now known from .. to.
    pub complete: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

impl Store {
    pub async fn streams(&self) -> Result<Vec<Stored>, StoreError> {
        let sql = format!("select {COLUMNS} from streams order by connection, name");
        Ok(self.db.rows(&sql, vec![]).await?.iter().map(read).collect())
    }

    pub async fn streams_of(&self, connection: &str) -> Result<Vec<Stored>, StoreError> {
        let sql = format!("select {COLUMNS} from streams where connection = $1 and gone = 0 order by id");
        Ok(self.db.rows(&sql, args![connection]).await?.iter().map(read).collect())
    }

    /// Makes the stored streams those that the far side has now. A vanished one is marked, never deleted.
    pub async fn set_streams(&self, connection: &str, found: &[Stream]) -> Result<Vec<Stored>, StoreError> {
        let known = self.streams_of(connection).await?;
        if known.len() == found.len() && found.iter().all(|s| known.iter().any(|k| k.stream == *s)) {
            return Ok(known);
        }
        let mut tx = self.begin().await?;
        // of those that were gone before, what they held is gone as well
        tx.exec("update streams set gone = 1 where connection = $1 and gone = 0", args![connection]).await?;
        for s in found {
            let sql = "insert into streams (id, connection, wire, name, role, next_due, lease_until, failures, gone) \
                       values ($1, $2, $3, $4, $5, 0, 0, 0, 0) on conflict (connection, wire) do update set \
                       name = excluded.name, role = excluded.role, gone = 0";
            tx.exec(sql, args![id_of(connection, &s.id), connection, &s.id, &s.name, s.role.map(role_text)]).await?;
        }
        tx.commit().await?;
        self.streams_of(connection).await
    }

    /// Takes the lease of a stream and begins its pass. What is read first is noted, unless what the last reading was at when it
    /// ended without a word still stands there. `None`: somebody else holds it.
    pub async fn lease(
        &self,
        id: i64,
        by: &str,
        (now, until): (DateTime<Utc>, DateTime<Utc>),
        attempting: &str,
    ) -> Result<Option<Taken>, StoreError> {
        let mut tx = self.begin().await?;
        let before = tx.rows("select attempting from streams where id = $1", args![id]).await?;
        let sql = "update streams set lease_until = $4, lease_by = $2, pass_began = coalesce(pass_began, $3), \
                   attempting = coalesce(attempting, $5) where id = $1 and (lease_until <= $3 or lease_by = $2)";
        let taken = tx.exec(sql, args![id, by, ms(now), ms(until), attempting]).await? == 1;
        tx.commit().await?;
        Ok(taken.then(|| Taken { before: before.first().and_then(|r| r.opt_text(0)) }))
    }

    /// Keeps the lease, noting what is read now: if it ends the program, the next one knows what to be careful with. False
    /// when somebody else holds it.
    pub async fn lease_for(
        &self,
        id: i64,
        by: &str,
        (now, until): (DateTime<Utc>, DateTime<Utc>),
        attempting: &str,
    ) -> Result<bool, StoreError> {
        let sql = "update streams set lease_until = $4, lease_by = $2, attempting = $5 \
                   where id = $1 and (lease_until <= $3 or lease_by = $2)";
        Ok(self.db.exec(sql, args![id, by, ms(now), ms(until), attempting]).await? == 1)
    }

    /// Looks at a connection again then, whatever else is known of it.
    pub async fn look_later(&self, connection: &str, then: DateTime<Utc>) -> Result<(), StoreError> {
        self.db.exec("update connections set next_due = $2 where name = $1", args![connection, ms(then)]).await?;
        Ok(())
    }

    pub async fn lease_holder(&self, id: i64) -> Result<Option<String>, StoreError> {
        let rows = self.db.rows("select lease_by from streams where id = $1", args![id]).await?;
        Ok(rows.first().and_then(|r| r.opt_text(0)))
    }

    /// Gives the lease back after a reading that came to its end, well or not.
    pub async fn release(&self, id: i64, by: &str) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        release(&mut tx, id, by).await?;
        tx.commit().await
    }

    /// Takes the lease from a process that died; what it was at stays noted.
    pub async fn release_dead(&self, id: i64, by: &str) -> Result<(), StoreError> {
        let sql = "update streams set lease_until = 0, lease_by = null where id = $1 and lease_by = $2";
        self.db.exec(sql, args![id, by]).await?;
        Ok(())
    }

    pub async fn stream_failed(&self, id: i64, why: &str, next: DateTime<Utc>) -> Result<(), StoreError> {
        let sql = "update streams set failures = failures + 1, last_error = $2, next_due = $3 where id = $1";
        self.db.exec(sql, args![id, why, ms(next)]).await?;
        Ok(())
    }

    /// Reads from the start again, in a pass that begins now; nothing doubles.
    pub async fn forget_cursor(&self, id: i64, now: DateTime<Utc>) -> Result<(), StoreError> {
        self.db.exec("update streams set cursor = null, pass_began = $2 where id = $1", args![id, ms(now)]).await?;
        Ok(())
    }

    /// Streams of a connection that are gone and whose items nobody has looked at since.
    pub async fn vanished(&self, connection: &str) -> Result<Vec<i64>, StoreError> {
        let rows = self.db.rows("select id from streams where connection = $1 and gone = 1", args![connection]).await?;
        Ok(rows.iter().map(|r| r.int(0)).collect())
    }
}

/// Gives the lease back, with what else a transaction writes.
pub async fn release(tx: &mut Tx, id: i64, by: &str) -> Result<(), StoreError> {
    let sql = "update streams set lease_until = 0, lease_by = null, attempting = null where id = $1 and lease_by = $2";
    tx.exec(sql, args![id, by]).await?;
    Ok(())
}

/// Is the stream still ours to write? The answer holds until the transaction ends.
pub async fn hold(tx: &mut Tx, id: i64, by: &str, until: DateTime<Utc>) -> Result<bool, StoreError> {
    let sql = "update streams set lease_until = $3 where id = $1 and lease_by = $2";
    Ok(tx.exec(sql, args![id, by, ms(until)]).await? == 1)
}

/// The connection of every stream there ever was.
pub async fn connections(tx: &mut Tx) -> Result<std::collections::HashMap<i64, String>, StoreError> {
    let rows = tx.rows("select id, connection from streams", vec![]).await?;
    Ok(rows.iter().map(|r| (r.int(0), r.text(1))).collect())
}

/// Is it still as [`Store::vanished`] said? The answer holds until the transaction ends.
pub async fn is_vanished(tx: &mut Tx, id: i64) -> Result<bool, StoreError> {
    Ok(!tx.rows("select id from streams where id = $1 and gone = 1", args![id]).await?.is_empty())
}

/// A vanished stream's items were taken as gone. Should it come back, it is read from the start.
pub async fn cleared(tx: &mut Tx, id: i64) -> Result<(), StoreError> {
    let sql = "update streams set gone = 2, cursor = null, pass_began = null, shrunk_at = null, attempting = null \
               where id = $1 and gone = 1";
    tx.exec(sql, args![id]).await?;
    Ok(())
}

/// Writes a batch's progress in the batch's transaction.
pub async fn progress(tx: &mut Tx, id: i64, p: &Progress, now: DateTime<Utc>) -> Result<(), StoreError> {
    // complete: it is known from the earliest time that was ever asked for
    let (from, to) = (p.complete.map(|c| ms(c.0)), p.complete.map(|c| ms(c.1)));
    let sql = "update streams set cursor = coalesce($2, cursor), shrunk_at = $3, failures = 0, last_error = null, last_success = $4, \
               attempting = $5, complete_from = case when complete_from < $6 then complete_from else coalesce($6, complete_from) end, \
               complete_to = coalesce($7, complete_to), pass_began = case when $7 is null then pass_began end where id = $1";
    let cursor = p.cursor.as_ref().map(|c| c.0.clone());
    tx.exec(sql, args![id, cursor, opt_ms(p.shrunk_at), ms(now), p.attempting.clone(), from, to]).await?;
    Ok(())
}
