//! A mail server that keeps what it gets, and misbehaves on request.
//!
//! It speaks enough of RFC 5321 for a real client: EHLO, HELO, AUTH PLAIN and LOGIN (any password),
//! MAIL, RCPT, DATA, RSET, NOOP, QUIT; in the clear, under TLS from the first byte, or from STARTTLS on (RFC 3207).

mod mail;
mod session;
mod tls;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use self::mail::Mail;
pub use self::tls::Security;

/// How the server treats the next message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Behaviour {
    /// Takes and keeps it.
    #[default]
    Accept,
    /// Greets with 421 and hangs up.
    RefuseConnection,
    /// Answers 535 to any password.
    RefuseAuthentication,
    /// Answers 451 to RCPT: try later.
    DeferRecipient,
    /// Answers 550 to RCPT: there is nobody.
    RefuseRecipient,
    /// Answers 451 after the data.
    DeferData,
    /// Keeps the message and hangs up before saying so.
    StoreAndHangUp,
    /// Hangs up after the data without keeping the message.
    LoseAndHangUp,
    /// Keeps the connection and never answers the data.
    FallSilent,
}

/// A running mail server; it stops when dropped.
#[derive(Debug)]
pub struct SmtpSink {
    address: SocketAddr,
    authority: String,
    shared: Arc<Shared>,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// What sessions and tests share.
#[derive(Debug, Default)]
struct Shared {
    security: tls::Terms,
    mails: watch::Sender<Vec<Mail>>,
    conduct: Mutex<Conduct>,
}

#[derive(Debug, Default)]
struct Conduct {
    usual: Behaviour,
    script: VecDeque<Behaviour>,
}

impl Shared {
    /// The behaviour of the message to come.
    fn behaviour(&self) -> Behaviour {
        let conduct = self.conduct.lock().unwrap_or_else(PoisonError::into_inner);
        conduct.script.front().copied().unwrap_or(conduct.usual)
    }

    /// Ends the scripted behaviour that was just shown.
    fn shown(&self) {
        self.conduct.lock().unwrap_or_else(PoisonError::into_inner).script.pop_front();
    }

    fn keep(&self, mail: Mail) {
        self.mails.send_modify(|mails| mails.push(mail));
    }
}

impl SmtpSink {
    /// Starts a server on a free port of the loopback interface.
    pub async fn start() -> Self {
        Self::start_with(Security::None).await
    }

    /// Starts a server that protects its conversations like this, as `localhost`.
    pub async fn start_with(security: Security) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("a listener has an address");
        let (security, authority) = tls::terms(security);
        let shared = Arc::new(Shared { security, ..Shared::default() });
        let mut sink = Self { address, authority, shared, running: None };
        sink.serve(listener);
        sink
    }

    /// Returns the certificate, in PEM, that whoever trusts the server has to trust; empty without TLS.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Returns where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Treats all messages from now on like this, scripted ones excepted.
    pub fn behave(&self, usual: Behaviour) {
        self.shared.conduct.lock().unwrap_or_else(PoisonError::into_inner).usual = usual;
    }

    /// Treats the next messages like this, one after the other.
    pub fn script(&self, behaviours: impl IntoIterator<Item = Behaviour>) {
        self.shared.conduct.lock().unwrap_or_else(PoisonError::into_inner).script.extend(behaviours);
    }

    /// Returns all messages kept, oldest first.
    pub fn mails(&self) -> Vec<Mail> {
        self.shared.mails.borrow().clone()
    }

    /// Forgets all messages kept, and returns them.
    pub fn take(&self) -> Vec<Mail> {
        self.shared.mails.send_replace(Vec::new())
    }

    /// Waits until at least `count` messages are kept and returns all of them.
    ///
    /// # Panics
    ///
    /// When they do not come in time.
    pub async fn wait_for(&self, count: usize, patience: Duration) -> Vec<Mail> {
        let mut mails = self.shared.mails.subscribe();
        let waiting = tokio::time::timeout(patience, mails.wait_for(|mails| mails.len() >= count));
        if let Ok(Ok(mails)) = waiting.await {
            return mails.clone();
        }
        panic!("{} of {count} mails came within {patience:?}", self.mails().len())
    }

    /// Stops listening and cuts all sessions.
    pub async fn down(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop.cancel();
            running.tasks.wait().await;
        }
    }

    /// Listens again, on the same port.
    pub async fn up(&mut self) {
        if self.running.is_none() {
            let listener = TcpListener::bind(self.address).await.expect("the port is still free");
            self.serve(listener);
        }
    }

    fn serve(&mut self, listener: TcpListener) {
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let (shared, stopped, sessions) = (Arc::clone(&self.shared), stop.clone(), tasks.clone());
        tasks.spawn(async move {
            while let Some(Ok((stream, _))) = stopped.run_until_cancelled(listener.accept()).await {
                let (shared, stopped) = (Arc::clone(&shared), stopped.clone());
                sessions.spawn(async move { stopped.run_until_cancelled(session::serve(stream, &shared)).await });
            }
        });
        tasks.close();
        self.running = Some(Running { stop, tasks });
    }
}

impl Drop for SmtpSink {
    fn drop(&mut self) {
        if let Some(running) = &self.running {
            running.stop.cancel();
        }
    }
}
