//! The session on PostgreSQL that hears what others tell, and tells them.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::SqlxError;
use sea_orm::sqlx::postgres::{PgConnectOptions, PgListener, PgNotification, PgPoolOptions};
use sea_orm::sqlx::{query, query_scalar};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{News, Topics, Waiting};
use crate::transaction::spread;

/// The pauses before the session is opened again, doubling from the first to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// How often a silent session is asked whether it lives: what is cut off without a word is silent for ever.
const SIGN_OF_LIFE: Duration = Duration::from_secs(30);

/// The longest name of a channel that PostgreSQL takes, in bytes.
const LONGEST_CHANNEL: usize = 63;

/// Where and how to listen.
#[derive(Debug, Clone)]
pub(crate) struct Listen {
    options: PgConnectOptions,
    channel: String,
    /// How long the server may take for an answer.
    patience: Duration,
}

impl Listen {
    /// Listens on a channel of the schema's own, since channels are those of the whole database.
    pub(crate) fn new(options: PgConnectOptions, schema: &str, context: &str, patience: Duration) -> Self {
        let options = options.application_name(&format!("rolecall-{context}-nudges"));
        Self { options, channel: channel(schema), patience }
    }

    /// Listens and tells until the end, opening the session again whenever it is lost.
    pub(super) async fn run(self, waiting: Waiting, news: Arc<News>, end: CancellationToken) {
        let keep_up = async {
            let mut pause = FIRST_PAUSE;
            loop {
                let mut was_open = false;
                let lost = self.listen(&waiting, &news, &mut was_open).await;
                pause = if was_open { FIRST_PAUSE } else { pause };
                if pause == FIRST_PAUSE {
                    let reason = lost.err().map(|error| error.to_string()).unwrap_or_default();
                    tracing::warn!(channel = self.channel, reason, "other processes are heard by polling for a while");
                }
                let half = u64::try_from(pause.as_millis() / 2).unwrap_or_default();
                sleep(Duration::from_millis(half + spread(half))).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        };
        let _: Option<()> = end.run_until_cancelled(keep_up).await;
    }

    /// Listens and tells until the session is lost.
    async fn listen(&self, waiting: &Waiting, news: &News, was_open: &mut bool) -> Result<(), SqlxError> {
        let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(self.patience).test_before_acquire(false);
        let pool = pool.idle_timeout(None).max_lifetime(None).connect_lazy_with(self.options.clone());
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.eager_reconnect(false);
        listener.listen(&self.channel).await?;
        let own = query_scalar::<_, i32>("SELECT pg_backend_pid()").fetch_one(&mut listener).await?;
        *was_open = true;
        // What was told before was not heard, and what is to be told waited.
        waiting.wake(Topics::ALL);
        news.is_there.notify_one();
        loop {
            tokio::select! {
                heard = listener.try_recv() => match heard? {
                    Some(heard) => obey(&heard, own, waiting),
                    None => return Ok(()),
                },
                () = news.is_there.notified() => self.tell(&mut listener, news).await?,
                () = sleep(SIGN_OF_LIFE) => self.in_time(query("SELECT 1").execute(&mut listener)).await.map(drop)?,
            }
        }
    }

    /// Tells all that came together in one notification.
    async fn tell(&self, listener: &mut PgListener, news: &News) -> Result<(), SqlxError> {
        let topics = news.topics.take();
        if topics.is_empty() {
            return Ok(());
        }
        let notify = query("SELECT pg_notify($1, $2)").bind(&self.channel).bind(topics.to_string());
        let told = self.in_time(notify.execute(listener)).await.map(drop);
        // Told by the next session; the others poll meanwhile.
        told.inspect_err(|_| news.topics.add_all(topics))
    }

    async fn in_time<T>(&self, asked: impl Future<Output = Result<T, SqlxError>>) -> Result<T, SqlxError> {
        let elapsed = |_| SqlxError::Io(ErrorKind::TimedOut.into());
        timeout(self.patience, asked).await.map_err(elapsed)?
    }
}

/// The process's own nudges come back as well; who waits here was woken by the commit.
fn obey(heard: &PgNotification, own: i32, waiting: &Waiting) {
    if i64::from(heard.process_id()) != i64::from(own) {
        waiting.wake(Topics::parse(heard.payload()));
    }
}

fn channel(schema: &str) -> String {
    let name = format!("rolecall/{schema}");
    // Schemas that differ only behind the cut wake each other, which does no harm.
    name[..name.floor_char_boundary(LONGEST_CHANNEL)].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_named_after_its_schema_and_never_too_long() {
        assert_eq!(channel("identity"), "rolecall/identity");
        assert!(channel(&"é".repeat(31)).len() <= LONGEST_CHANNEL);
        assert_eq!(channel(&"a".repeat(63)).len(), LONGEST_CHANNEL);
    }
}
