//! Filling a database quickly: indexes that only reading needs are made once everything is there. What is stored is the same.

use dealtrail::store::{Db, Store};

/// Writing an activity looks these up.
const NEEDED: [&str; 2] = ["links_activity", "parties_activity"];

/// The statements that make the indexes again.
pub struct Bulk {
    again: Vec<String>,
}

impl Bulk {
    pub async fn begin(store: &Store) -> Self {
        let indexes = match &store.db {
            Db::Lite(_) => {
                // the one connection that writes
                store.db.exec("pragma cache_size = -400000", vec![]).await.expect("a pragma");
                "select name, sql from sqlite_master where type = 'index' and sql is not null"
            }
            Db::Pg(_) => {
                "select cast(indexname as text), indexdef from pg_indexes where schemaname = 'public' \
                 and indexname not in (select conname from pg_constraint)"
            }
        };
        let mut again = Vec::new();
        for row in store.db.rows(indexes, vec![]).await.expect("the indexes") {
            if !NEEDED.contains(&row.text(0).as_str()) {
                store.db.exec(&format!("drop index {}", row.text(0)), vec![]).await.expect("an index that goes");
                again.push(row.text(1));
            }
        }
        Self { again }
    }

    /// Indexes and statistics.
    pub async fn end(self, store: &Store) {
        for sql in self.again {
            store.db.exec(&sql, vec![]).await.expect("an index");
        }
        if matches!(store.db, Db::Pg(_)) {
            store.db.exec("analyze", vec![]).await.expect("statistics");
        }
    }
}
