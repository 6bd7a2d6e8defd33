//! The listener: who may connect, how long a connection lives, and how the server ends.
//!
//! tonic's own server is not used: it has no limit on connections or handshakes, and with a grace period set it never
//! tells its clients that a connection has grown old.

mod bind;
mod config;
mod connection;
mod front;
mod peers;
mod proxies;
mod shutdown;

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use crate::lifecycle::Lifecycle;
use crate::stack::Stack;

pub use bind::{BindError, Listener, bind};
pub use config::{DrainConfig, ListenerConfig, TlsConfig};
pub use shutdown::{Drained, Shutdown};

use connection::Connections;
use peers::Peers;
use proxies::Proxies;

/// How long to wait when the system has no socket left to accept with.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves until the shutdown, then drains.
///
/// Calls go to the stack; everything else that speaks HTTP goes to `http_routes`. Once the drain begins, no connection
/// is accepted, calls in flight and detached mutations are waited for, streams are ended after
/// [`DrainConfig::streams`], and what is left after [`DrainConfig::grace`] is cut off.
pub async fn serve(
    listener: Listener,
    stack: Stack,
    http_routes: axum::Router,
    shutdown: impl Into<Shutdown>,
    drain: DrainConfig,
) -> Drained {
    let shutdown = shutdown.into();
    let lifecycle = stack.lifecycle().clone();
    let connections = Connections {
        front: front::Front::new(stack, http_routes, &listener.config.allowed_origins),
        proxies: Proxies::new(&listener.config.trusted_proxies),
        config: Arc::new(listener.config.clone()),
        tls: listener.tls.clone(),
        age: CancellationToken::new(),
        kill: CancellationToken::new(),
        tasks: TaskTracker::new(),
    };
    // Should this future be dropped, its connections end with it.
    let _ended = connections.kill.clone().drop_guard();
    accept(listener, &connections, &shutdown, drain.notice).await;
    wind_down(&connections, &lifecycle, &shutdown, &drain).await
}

/// Accepts connections until the drain has begun and been noticed.
async fn accept(listener: Listener, connections: &Connections, shutdown: &Shutdown, notice: Duration) {
    let peers = Peers::new(&listener.config);
    let ended = async {
        shutdown.drain.cancelled().await;
        tokio::select! {
            () = tokio::time::sleep(notice) => (),
            () = shutdown.abort.cancelled() => (),
        }
    };
    tokio::pin!(ended);
    loop {
        tokio::select! {
            () = &mut ended => return,
            accepted = listener.socket.accept() => match accepted {
                Ok((stream, address)) => admit(stream, address, &peers, connections),
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
}

fn admit(stream: TcpStream, address: std::net::SocketAddr, peers: &Peers, connections: &Connections) {
    // The socket is closed by being dropped: a peer that floods is owed no answer.
    let Some(place) = peers.admit(address.ip()) else {
        tracing::debug!("a connection was refused: there are too many");
        return;
    };
    let served = connections.clone().serve(stream, address);
    connections.tasks.spawn(
        async move {
            served.await;
            drop(place);
        }
        .in_current_span(),
    );
}

async fn wind_down(
    connections: &Connections,
    lifecycle: &Lifecycle,
    shutdown: &Shutdown,
    drain: &DrainConfig,
) -> Drained {
    connections.age.cancel();
    connections.tasks.close();
    let calm = async {
        connections.tasks.wait().await;
        lifecycle.wait_for_tasks().await;
    };
    let streams = async {
        tokio::time::sleep(drain.streams).await;
        lifecycle.end_streams();
        std::future::pending::<()>().await;
    };
    let calm = tokio::select! {
        () = calm => true,
        () = streams => false,
        () = tokio::time::sleep(drain.grace) => false,
        () = shutdown.abort.cancelled() => false,
    };
    let left = Drained { connections: connections.tasks.len(), tasks: lifecycle.tasks() };
    if !calm {
        tracing::warn!(connections = left.connections, tasks = left.tasks, "the drain was cut short");
        lifecycle.end_streams();
        connections.kill.cancel();
        connections.tasks.wait().await;
    }
    left
}
