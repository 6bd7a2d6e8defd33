//! Writes messages to standard output as they come.

use std::io::Write as _;

use clap::Args;
use rolecall_api::notification::v1::WatchInboxRequest;
use rolecall_api::notification::v1::inbox_service_client::InboxServiceClient;

use crate::connection::Connection;
use crate::failure::Failure;
use crate::output::{Answer, to_json};

const MESSAGE: &str = "rolecall.notification.v1.InboxMessage";

/// What `inbox watch` takes.
#[derive(Debug, Args)]
pub(crate) struct Watch {
    /// Go on after a watch that ended, with the token that it told
    #[arg(long, default_value = "", hide_default_value = true, value_name = "TOKEN", allow_hyphen_values = true)]
    resume: String,
    /// End after so many messages; not at all when absent
    #[arg(long, value_name = "NUMBER")]
    count: Option<u64>,
}

impl Watch {
    pub(super) async fn run(mut self, connection: &Connection) -> Result<Answer, Failure> {
        let ended = loop {
            let began = self.resume.clone();
            match self.follow(connection).await {
                // The access token has ended, after it was good for a while; the next one goes on.
                Err(failure) if failure.has_reason("TOKEN_INVALID") && self.resume != began => {}
                ended => break ended,
            }
        };
        if !self.resume.is_empty() {
            eprintln!("go on later with --resume {}", self.resume);
        }
        ended.map(|()| Answer::silent())
    }

    async fn follow(&mut self, connection: &Connection) -> Result<(), Failure> {
        let mut client = InboxServiceClient::new(connection.signed_in().await?);
        let request = WatchInboxRequest { resume_token: self.resume.clone() };
        let mut stream = client.watch_inbox(request).await?.into_inner();
        while self.count != Some(0) {
            let Some(step) = stream.message().await? else { break };
            if let Some(message) = &step.message {
                let line = format!("{}\n", to_json(MESSAGE, message)?);
                // A message is written whole or its token is not told.
                let cannot = |error| Failure::local("standard output", error);
                std::io::stdout().lock().write_all(line.as_bytes()).map_err(cannot)?;
                self.count = self.count.map(|left| left - 1);
            }
            self.resume = step.resume_token;
        }
        Ok(())
    }
}
