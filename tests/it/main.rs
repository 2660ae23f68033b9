//! The one integration binary: the program as a user runs it, against real servers and on both databases.

mod commands;
mod daemon;
mod faults;
mod history;
mod kills;
mod layering;
mod support;
mod truth;
mod upkeep;
mod world;
