//! Free loopback ports.

use std::net::TcpListener;

/// A loopback port that was free a moment ago.
///
/// # Panics
/// When the machine has no free port.
pub fn free() -> u16 {
    let socket = TcpListener::bind(("127.0.0.1", 0)).expect("a free loopback port");
    socket.local_addr().expect("a bound socket has an address").port()
}
