//! Nudges: what a commit tells those who wait for it, here and in other processes.
//!
//! Whoever waits polls as well, so a nudge that is lost costs the poll's interval and nothing else. In this process a
//! commit wakes the waiting at once. On PostgreSQL a session beside the pools listens on the channel of the schema, and
//! the same session tells the others once the commit is done. It is not the transaction that tells: from `NOTIFY` to
//! the end of its commit, which waits for the disk, a transaction holds a lock of the whole server, and all writers
//! would commit one by one.

mod session;

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Once};

use tokio::sync::{Notify, watch};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

pub(crate) use self::session::Listen;

/// What there is to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Topic {
    /// Events to be delivered.
    Outbox,
    /// Feed entries to be numbered.
    Feed,
    /// Something for followers to read.
    Changes,
}

/// A set of topics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Topics(u8);

impl Topics {
    pub(crate) const ALL: Self = Self(0b111);

    const fn holds(self, topic: Topic) -> bool {
        self.0 & Self::from_topic(topic).0 != 0
    }

    const fn from_topic(topic: Topic) -> Self {
        Self(match topic {
            Topic::Outbox => 0b001,
            Topic::Feed => 0b010,
            Topic::Changes => 0b100,
        })
    }

    const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Reads what another process tells; a newer version may tell of what is not known here.
    fn parse(text: &str) -> Self {
        text.parse().map_or(Self::ALL, |bits: u8| Self(bits & Self::ALL.0))
    }
}

impl fmt::Display for Topics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A set of topics that grows until it is taken.
#[derive(Debug, Default)]
pub(crate) struct Gathered(AtomicU8);

impl Gathered {
    pub(crate) fn add(&self, topic: Topic) {
        self.add_all(Topics::from_topic(topic));
    }

    fn add_all(&self, topics: Topics) {
        self.0.fetch_or(topics.0, Ordering::AcqRel);
    }

    pub(crate) fn take(&self) -> Topics {
        Topics(self.0.swap(0, Ordering::AcqRel))
    }
}

/// Those of this process who wait.
#[derive(Debug, Clone, Default)]
struct Waiting {
    outbox: watch::Sender<()>,
    feed: watch::Sender<()>,
    changes: watch::Sender<()>,
}

impl Waiting {
    const fn of(&self, topic: Topic) -> &watch::Sender<()> {
        match topic {
            Topic::Outbox => &self.outbox,
            Topic::Feed => &self.feed,
            Topic::Changes => &self.changes,
        }
    }

    fn wake(&self, topics: Topics) {
        for topic in [Topic::Outbox, Topic::Feed, Topic::Changes] {
            if topics.holds(topic) {
                self.of(topic).send_replace(());
            }
        }
    }
}

/// What is to be told to other processes.
#[derive(Debug, Default)]
struct News {
    topics: Gathered,
    is_there: Notify,
}

impl News {
    fn add(&self, topics: Topics) {
        self.topics.add_all(topics);
        self.is_there.notify_one();
    }
}

/// Passes nudges on, between those of this process and, on PostgreSQL, to and from others.
#[derive(Debug)]
pub(crate) struct Nudges {
    waiting: Waiting,
    others: Option<Others>,
}

#[derive(Debug)]
struct Others {
    listen: Listen,
    news: Arc<News>,
    started: Once,
    session: TaskTracker,
    /// Ends the session with the last handle of the database.
    end: DropGuard,
}

impl Nudges {
    pub(crate) fn new(listen: Option<Listen>) -> Self {
        let others = listen.map(|listen| Others {
            listen,
            news: Arc::default(),
            started: Once::new(),
            session: TaskTracker::new(),
            end: CancellationToken::new().drop_guard(),
        });
        Self { waiting: Waiting::default(), others }
    }

    /// Returns a receiver that changes when there may be something to look at.
    pub(crate) fn wait_for(&self, topic: Topic) -> watch::Receiver<()> {
        self.start();
        self.waiting.of(topic).subscribe()
    }

    /// Returns what wakes those of this process who wait for the topic.
    pub(crate) fn waker(&self, topic: Topic) -> watch::Sender<()> {
        self.waiting.of(topic).clone()
    }

    /// Tells those who wait, here and elsewhere, to look.
    pub(crate) fn tell(&self, topics: Topics) {
        if topics.is_empty() {
            return;
        }
        self.waiting.wake(topics);
        if let Some(others) = &self.others {
            others.news.add(topics);
            self.start();
        }
    }

    /// Opens the session when it is first needed: a migration, say, needs none.
    fn start(&self) {
        let Some(others) = &self.others else { return };
        others.started.call_once(|| {
            let (listen, waiting, news) = (others.listen.clone(), self.waiting.clone(), Arc::clone(&others.news));
            others.session.spawn(listen.run(waiting, news, others.end.token().clone()));
            others.session.close();
        });
    }

    /// Ends the session.
    pub(crate) async fn close(&self) {
        let Some(others) = &self.others else { return };
        others.end.token().cancel();
        others.session.close();
        others.session.wait().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_read_and_what_cannot_be_read_is_all() {
        let gathered = Gathered::default();
        assert!(gathered.take().is_empty());
        gathered.add(Topic::Feed);
        gathered.add(Topic::Outbox);
        let told = gathered.take();
        assert!(told.holds(Topic::Feed) && told.holds(Topic::Outbox) && !told.holds(Topic::Changes));
        assert_eq!(Topics::parse(&told.to_string()), told);
        assert!(gathered.take().is_empty());
        assert_eq!(Topics::parse("255"), Topics::ALL);
        for unknown in ["", "256", "outbox"] {
            assert_eq!(Topics::parse(unknown), Topics::ALL, "{unknown}");
        }
    }
}
