//! All SQL of dealtrail, one file per noun. A concrete struct without a trait: one SQL text, one migration sequence, two engines.
//!
//! Functions that write take a [`Tx`]; who opens it decides what belongs together. Times are UTC milliseconds.

pub mod activities;
pub mod choices;
pub mod connections;
pub mod copies;
pub mod counted;
pub mod db;
pub mod directory;
pub mod entries;
pub mod findings;
pub mod items;
pub mod lists;
pub mod meta;
pub mod pages;
pub mod people;
pub mod rematch;
pub mod reports;
pub mod reviews;
pub mod sightings;
pub mod signals;
pub mod streams;
pub mod subjects;

use chrono::{DateTime, Utc};

pub use db::{Arg, Db, Row, Tx};

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the database says: {0}")]
    Sql(String),
    #[error("the database's schema could not be brought up to date: {0}")]
    Migrate(String),
    #[error("the database holds something that cannot be read: {0}")]
    Broken(String),
}

impl From<sqlx::Error> for StoreError {
    fn from(e: sqlx::Error) -> Self {
        Self::Sql(e.to_string())
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(e: rusqlite::Error) -> Self {
        Self::Sql(e.to_string())
    }
}

impl From<sqlx::migrate::MigrateError> for StoreError {
    fn from(e: sqlx::migrate::MigrateError) -> Self {
        Self::Migrate(e.to_string())
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(e: serde_json::Error) -> Self {
        Self::Broken(e.to_string())
    }
}

#[derive(Clone, Debug)]
pub struct Store {
    pub db: Db,
    /// Key of the blind indexes.
    index_key: [u8; 32],
}

impl Store {
    /// Opens and migrates the database behind `url`.
    ///
    /// # Errors
    /// When it cannot be reached, created or migrated.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let db = Db::open(url).await?;
        let index_key = meta::index_key(&db).await?;
        Ok(Self { db, index_key })
    }

    /// The same for questions that take long, as reports and pages ask them: see [`Db::aside`].
    #[must_use]
    pub fn aside(&self) -> Self {
        Self { db: self.db.aside(), ..self.clone() }
    }

    pub async fn begin(&self) -> Result<Tx, StoreError> {
        self.db.begin().await
    }

    /// For reading only: see [`Db::begin_reading`].
    pub async fn begin_reading(&self) -> Result<Tx, StoreError> {
        self.db.begin_reading().await
    }

    /// The blind form of an address, domain or Message-ID: it can be looked up, not read back.
    pub fn blind(&self, text: &str) -> String {
        blake3::keyed_hash(&self.index_key, text.as_bytes()).to_hex()[..32].to_owned()
    }
}

pub fn ms(at: DateTime<Utc>) -> i64 {
    at.timestamp_millis()
}

pub fn at(ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(ms).unwrap_or_default()
}

pub fn opt_ms(at: Option<DateTime<Utc>>) -> Option<i64> {
    at.map(ms)
}

pub fn opt_at(ms: Option<i64>) -> Option<DateTime<Utc>> {
    ms.map(at)
}
