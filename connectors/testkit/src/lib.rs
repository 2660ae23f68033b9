//! Development only: what the tests of dealtrail and of its connectors start and share.
//!
//! Real servers on free loopback ports, stopped when their handle is dropped, scripted ones that lie as they are told, a line
//! that breaks where it is told (`proxy`), and the conformance suite that every
//! connector must pass. Nothing here is part of the shipped program.

pub mod bombs;
pub mod conformance;
pub mod dovecot;
pub mod imap;
pub mod ports;
pub mod postgres;
pub mod proxy;
pub mod radicale;
pub mod web;
