//! The one integration binary: the program as a user runs it, against real servers and on both databases.

mod commands;
mod counted;
mod crashes;
mod crm;
mod daemon;
mod decided;
mod fake;
mod faults;
mod histories;
mod history;
mod hostile;
mod kills;
mod layering;
mod network;
mod options;
mod pages;
mod parquet;
mod planted;
mod reports;
mod subjects;
mod support;
mod ties;
mod trial;
mod truth;
mod upkeep;
mod world;
