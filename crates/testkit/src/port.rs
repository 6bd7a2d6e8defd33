//! Ports for servers that tests start, kill and start again.

use std::fs::{File, create_dir_all};
use std::net::TcpListener;
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

/// Below those that the system gives to whoever opens a connection (32768 and above on Linux): while a server is down
/// between two starts, no client of another test comes to sit on its port.
const PORTS: Range<u16> = 20_000..32_000;

/// How many ports were looked at.
static LOOKED_AT: AtomicU32 = AtomicU32::new(0);

/// A locked file a port; the locks end with this process.
static TAKEN: Mutex<Vec<File>> = Mutex::new(Vec::new());

/// Returns a port of this machine that nobody listens on, and that no other test gets while this process lives.
///
/// # Panics
///
/// When all ports are taken, or the temporary folder cannot be written to.
pub fn free_port() -> u16 {
    let folder = std::env::temp_dir().join("rolecall-test-ports");
    create_dir_all(&folder).expect("the temporary folder can be written to");
    let count = u32::from(PORTS.end - PORTS.start);
    // Each process begins elsewhere, so that they seldom meet.
    let begin = std::process::id().wrapping_mul(97);
    for _ in 0..count {
        let index = begin.wrapping_add(LOOKED_AT.fetch_add(1, Ordering::Relaxed)) % count;
        let port = PORTS.start + u16::try_from(index).expect("within the range");
        let file = File::options().create(true).truncate(false).write(true).open(folder.join(port.to_string()));
        let file = file.expect("the temporary folder can be written to");
        if file.try_lock().is_ok() && TcpListener::bind(("127.0.0.1", port)).is_ok() {
            TAKEN.lock().unwrap_or_else(PoisonError::into_inner).push(file);
            return port;
        }
    }
    panic!("no port from {} to {} is free", PORTS.start, PORTS.end);
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_port_is_given_twice_nor_one_that_somebody_listens_on() {
        let first = free_port();
        let _listening = TcpListener::bind(("127.0.0.1", first)).expect("it is free");
        let ports: HashSet<u16> = (0..100).map(|_| free_port()).collect();
        assert!(ports.len() == 100 && !ports.contains(&first));
        assert!(ports.iter().all(|port| PORTS.contains(port)));
    }
}
