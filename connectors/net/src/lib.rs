//! The only place where connectors make sockets, TLS sessions and HTTP clients, with limits and budgets per host.

pub mod budget;
pub mod http;
pub mod patience;
pub mod tls;
