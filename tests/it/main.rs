//! The one integration binary: the program as a user runs it, against real servers and on both databases.

mod layering;
mod truth;
mod world;
