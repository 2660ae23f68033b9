//! Development only: what the tests of dealtrail and of its connectors start and share.
//!
//! Real servers on free loopback ports, stopped when their handle is dropped, and the conformance suite that every
//! connector must pass. Nothing here is part of the shipped program.

pub mod conformance;
pub mod dovecot;
pub mod ports;
pub mod postgres;
pub mod radicale;
pub mod web;
