//! dealtrail keeps the trail of activity behind every deal.
//!
//! The one-way rule: `cli -> app -> engine -> store -> domain -> sdk`, `app -> web -> store, domain`,
//! `app -> registry -> connectors`. Only [`registry`] names a connector, only [`store`] writes SQL, only [`engine`] calls a
//! connector, [`domain`] is pure. `tests/it/layering.rs` holds this.

pub mod alarm;
pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod demo;
pub mod domain;
pub mod engine;
pub mod registry;
pub mod store;
pub mod web;
