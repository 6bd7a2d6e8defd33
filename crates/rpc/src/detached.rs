//! Work that a client cannot cancel.
//!
//! tonic drops the future of a handler when its client goes away or its deadline passes. Dropped inside `BEGIN`, a
//! database connection can return to the pool with its transaction open, and the next write on it is acknowledged and
//! then lost. So the body of every mutating handler runs in its own task; the shutdown waits for it.

use tokio::sync::oneshot;
use tokio::task::{JoinError, JoinHandle};
use tokio_util::task::TaskTracker;
use tonic::{Code, Status};
use tracing::Instrument as _;

use crate::call::{Call, Place};
use crate::status::{Chain, StatusBuilder, domain, reason};

/// Runs a mutation to its end, whatever becomes of the client that asked for it.
///
/// The task keeps the span, the request id and the place among the calls in flight, but not the deadline: a mutation
/// that began is finished, not abandoned half-way.
pub async fn run<T: Send + 'static>(
    work: impl Future<Output = Result<T, Status>> + Send + 'static,
) -> Result<T, Status> {
    let (tell, told) = oneshot::channel();
    let work = async move {
        // An error that nobody waits for any more would otherwise be lost.
        if let Err(Err(status)) = tell.send(work.await) {
            tracing::warn!(code = ?status.code(), chain = %Chain(&status), "a mutation failed after its client went away");
        }
    };
    let task = spawn(work.in_current_span());
    if let Ok(answer) = told.await {
        return answer;
    }
    match task.await.map_err(JoinError::try_into_panic) {
        // The panic goes on in the handler, where the stack turns it into INTERNAL.
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        Ok(()) | Err(Err(_)) => Err(interrupted()),
    }
}

/// Goes on with work that the answer does not wait for; the shutdown does.
///
/// The work gives the call's place among those in flight back, so whoever calls this bounds how much of it there is.
pub fn later(work: impl Future<Output = ()> + Send + 'static) {
    let work = work.in_current_span();
    drop(spawn_in(Call::current().map(|call| call.outlived(Place::None)), work));
}

/// Spawns on the tracker of the server that the current call belongs to; outside of a call, on one of its own.
fn spawn(work: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    let outlived = |call: Call| call.outlived(Place::Of { _call: call.clone() });
    spawn_in(Call::current().map(outlived), work)
}

fn spawn_in(call: Option<Call>, work: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    match call {
        Some(call) => {
            let tasks = call.tasks.clone();
            tasks.spawn(call.scope(work))
        }
        None => TaskTracker::new().spawn(work),
    }
}

fn interrupted() -> Status {
    let message = "The server is going away; it is not known whether the change was made. Repeat the call.";
    StatusBuilder::new(Code::Unavailable, domain::AUTHZ, reason::SHUTTING_DOWN, message).build()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn dropping_the_handler_does_not_stop_the_work() {
        let done = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&done);
        let handler = run(async move {
            tokio::time::sleep(Duration::from_millis(100)).await;
            seen.store(true, Ordering::SeqCst);
            Ok(())
        });
        let cancelled = tokio::time::timeout(Duration::from_millis(20), handler).await;
        assert!(cancelled.is_err());
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(done.load(Ordering::SeqCst));
    }

    #[tokio::test]
    async fn what_comes_later_is_not_waited_for_but_by_the_shutdown() {
        let places = Arc::new(tokio::sync::Semaphore::new(1));
        let permit = Arc::clone(&places).acquire_owned().await.expect("open");
        let (tasks, done) = (TaskTracker::new(), Arc::new(AtomicBool::new(false)));
        let (seen, tracker) = (Arc::clone(&done), tasks.clone());
        let call = Call::new("r".into(), None, tracker, Place::Own { _permit: permit });
        let work = async move {
            tokio::time::sleep(Duration::from_millis(50)).await;
            seen.store(true, Ordering::SeqCst);
        };
        call.sync_scope(|| later(work));
        assert!(!done.load(Ordering::SeqCst));
        assert_eq!(places.available_permits(), 1, "its place is free for another call");
        tasks.close();
        tasks.wait().await;
        assert!(done.load(Ordering::SeqCst));
    }

    #[tokio::test]
    async fn a_panic_of_the_work_goes_on_in_the_handler() {
        let handler = TaskTracker::new().spawn(run::<()>(async { panic!("inside") }));
        assert!(handler.await.expect_err("panics").is_panic());
    }
}
