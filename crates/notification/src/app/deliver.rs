//! Sends what is due: claim, send, write down.
//!
//! Mail is delivered at least once. An attempt is written down before it begins; a process that dies
//! between the server's answer and the record sends the same mail again, under the same Message-ID.

use std::collections::HashSet;
use std::time::Duration;

use futures::StreamExt as _;
use rolecall_db::Error;
use rolecall_kernel::id::{EventId, RequestId};
use rolecall_kernel::text::EmailAddress;
use rolecall_mail::{Answer, Mail};
use tokio::time::{Instant, sleep, timeout};
use tracing::Instrument as _;

use super::address::Addresses;
use super::gather_digests;
use super::judge::Judge;
use super::wording::Wordings;
use crate::context::Shared;
use crate::domain::arrival::Variables;
use crate::domain::delivery::{AttemptOutcome, Due};
use crate::domain::event::{Event, What};
use crate::domain::schedule::{Next, Outcome};
use crate::domain::template::Template;
use crate::events::publish;
use crate::render::Extras;
use crate::store::claims::{self, Lease};
use crate::store::{ended as store, suppressions};

/// What one pass did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Pass {
    pub(crate) expired: u64,
    pub(crate) attempted: usize,
}

/// What was claimed, and what was known of it then.
struct Claimed {
    expired: u64,
    due: Vec<Due>,
    judge: Judge,
    wordings: Wordings,
}

/// What attempts need to know.
struct Known {
    judge: Judge,
    wordings: Wordings,
    addresses: Addresses,
    /// The keys of addresses that get no mail; nothing when they could not be read.
    suppressed: Option<HashSet<String>>,
}

/// An attempt that has ended.
struct Ended {
    due: Due,
    /// The address that was refused for good.
    bounced: Option<EmailAddress>,
    verdict: claims::Verdict,
}

/// Claims what is due, as much as is sent at once, and sends it.
pub(crate) async fn run(shared: &Shared) -> Result<Pass, Error> {
    let begun = Instant::now();
    gather_digests::run(shared).await?;
    if !claims::is_any_due(&shared.database.reader(), shared.clock.now()).await? {
        return Ok(Pass::default());
    }
    let holder = RequestId::new(shared.clock.now(), &*shared.entropy).as_uuid();
    let lease = Lease { holder, ttl: shared.config.lease };
    let Claimed { expired, due, judge, wordings } = claim(shared, lease).await?;
    let pass = Pass { expired, attempted: due.len() };
    let addresses = Addresses::ask(shared, &due, &wordings, shared.clock.now()).await;
    let suppressed = suppressions::among(&shared.database.reader(), addresses.keys(&due)).await;
    let known = &Known { judge, wordings, addresses, suppressed: suppressed.ok() };
    let attempts = futures::stream::iter(due.iter().cloned()).map(|due| {
        let span = tracing::info_span!("deliver", delivery_id = %due.delivery_id, template = due.template);
        if let Some(trace) = &due.trace {
            rolecall_telemetry::context::continue_trace(&span, trace);
        }
        attempt(shared, due, known, begun).instrument(span)
    });
    let concurrency = usize::from(shared.config.concurrency);
    let mut ended = attempts.buffer_unordered(concurrency).ready_chunks(concurrency);
    while let Some(ended) = ended.next().await {
        record(shared, lease, &ended, begun).await;
    }
    Ok(pass)
}

/// What is due, and what its recipients say to it.
async fn claim(shared: &Shared, lease: Lease) -> Result<Claimed, Error> {
    let now = shared.clock.now();
    let most = if shared.channel.is_resting(now) { 0 } else { u64::from(shared.config.concurrency) };
    let kind = shared.channel.kind();
    shared
        .database
        .write(|tx| async move {
            let expired = claims::expire(&tx, now).await?;
            let due = if most == 0 { Vec::new() } else { claims::claim(&tx, lease, kind, most, now).await? };
            let judge = Judge::read(&tx, &due, shared.config.mails_per_day, now).await?;
            let wordings = Wordings::read(&tx, &due).await?;
            Ok(Claimed { expired, due, judge, wordings })
        })
        .await
}

async fn attempt(shared: &Shared, due: Due, known: &Known, begun: Instant) -> Ended {
    let (outcome, to) = match prepare(shared, &due, known) {
        Ok(mail) => (send(shared, &mail, begun).await, EmailAddress::parse(&mail.to).ok()),
        Err(outcome) => (outcome, None),
    };
    let bounced = to.filter(|_| matches!(outcome, Outcome::Bounced(_)));
    let now = shared.clock.now();
    if let Outcome::Unusable(reason) = &outcome
        && !shared.channel.is_resting(now)
    {
        tracing::error!(reason, "the mail server takes no mail from us; check notification.smtp");
        shared.channel.rest_until(now.plus(shared.config.channel_pause));
    }
    let next = shared.schedule.next(&outcome, due.tries, due.queued, now);
    let (outcome, detail) = match outcome {
        Outcome::Sent(detail) => (AttemptOutcome::Sent, detail),
        Outcome::Deferred(detail) | Outcome::Unusable(detail) => (AttemptOutcome::Deferred, detail),
        Outcome::Refused(detail) | Outcome::Bounced(detail) => (AttemptOutcome::Refused, detail),
        Outcome::Suppressed => (AttemptOutcome::Suppressed, "its address gets no mail".to_owned()),
        Outcome::Held(_) => (AttemptOutcome::Held, "quiet hours of the recipient".to_owned()),
        Outcome::Unwanted(_) => (AttemptOutcome::Suppressed, "not wanted, or for a digest".to_owned()),
        Outcome::Gone => (AttemptOutcome::Suppressed, "the account of its recipient is gone".to_owned()),
        Outcome::Left => (AttemptOutcome::Suppressed, "its recipient is no member any more".to_owned()),
    };
    // What the server said may hold the address, so it is kept with the attempt and not logged.
    tracing::info!(number = due.number, ?outcome, ?next, "a delivery was attempted");
    let verdict = claims::Verdict { delivery_id: due.delivery_id, number: due.number, outcome, detail, next };
    Ended { due, bounced, verdict }
}

/// Makes the mail as its recipient wants it now, to where it can be reached now.
fn prepare(shared: &Shared, due: &Due, known: &Known) -> Result<Mail, Outcome> {
    let now = shared.clock.now();
    if let Some(outcome) = known.judge.judge(due, now) {
        return Err(outcome);
    }
    let to = known.addresses.find(shared, due, &known.wordings, now)?;
    // What is mandatory is tried still: nobody but its reader ends it.
    if !due.category.is_mandatory() {
        let unknown = || Outcome::Deferred("it could not be read which addresses get no mail".to_owned());
        let suppressed = known.suppressed.as_ref().ok_or_else(unknown)?;
        if EmailAddress::parse(&to).is_ok_and(|email| suppressed.contains(email.key())) {
            return Err(Outcome::Suppressed);
        }
    }
    render(shared, due, known, to)
}

async fn send(shared: &Shared, mail: &Mail, begun: Instant) -> Outcome {
    let limit = shared.config.send_timeout;
    if shared.channel.is_resting(shared.clock.now()) {
        return Outcome::Unusable("the channel rests".to_owned());
    }
    // A process that was stopped for long must not send what another has claimed meanwhile.
    if begun.elapsed() + limit > shared.config.lease {
        return Outcome::Deferred("this process was too slow".to_owned());
    }
    match timeout(limit, shared.channel.send(mail)).await {
        Ok(Answer::Taken(said)) => Outcome::Sent(said),
        Ok(Answer::Later(said)) => Outcome::Deferred(said),
        Ok(Answer::Never(said)) => Outcome::Refused(said),
        Ok(Answer::NoSuchRecipient(said)) => Outcome::Bounced(said),
        Ok(Answer::Unusable(said)) => Outcome::Unusable(said),
        Err(_) => Outcome::Deferred(format!("no answer within {limit:?}")),
    }
}

/// Renders the mail; the secret is opened here and nowhere else.
fn render(shared: &Shared, due: &Due, known: &Known, to: String) -> Result<Mail, Outcome> {
    // A row of a newer version waits for a process that knows its template.
    let unknown =
        || Outcome::Deferred(format!("this process does not know {} v{}", due.template, due.template_version));
    let template = Template::parse(&due.template).ok_or_else(unknown)?;
    let refused = |reason: &str| Outcome::Refused(reason.to_owned());
    let mut variables: Variables =
        serde_json::from_str(&due.variables).map_err(|_| refused("its variables cannot be read"))?;
    known.wordings.add(due, known.judge.locale(due), &mut variables)?;
    let opened = match &due.sealed_secret {
        None if template.needs_secret() => return Err(refused("its secret is missing")),
        None => None,
        Some(sealed) => {
            let context = due.event_id.to_string();
            let opened = shared.mail_secrets.open(context.as_bytes(), sealed);
            Some(opened.map_err(|_| refused("its secret cannot be opened with this installation's key"))?)
        }
    };
    let secret = opened.as_ref().map(|bytes| std::str::from_utf8(bytes)).transpose();
    let secret = secret.map_err(|_| refused("its secret is not text"))?;
    let unsubscribe = (!due.category.is_mandatory())
        .then(|| shared.unsubscribe_link(due.recipient_id, &gather_digests::categories(due.category, &variables)));
    let extras = Extras { secret, expires: due.expires, unsubscribe: unsubscribe.as_deref() };
    let content = shared.renderer.render(template, due.template_version, &variables, extras).map_err(|error| {
        tracing::error!(error = &error as &dyn std::error::Error, "a template cannot be rendered");
        unknown()
    })?;
    Ok(Mail { delivery_id: due.delivery_id, to, date: shared.clock.now(), content, unsubscribe })
}

/// Writes down what came of attempts, and tries again while it holds the claim: what is forgotten is sent twice.
async fn record(shared: &Shared, lease: Lease, ended: &[Ended], begun: Instant) {
    let mut pause = Duration::from_millis(100);
    while let Err(error) = record_once(shared, lease, ended).await {
        if begun.elapsed() > lease.ttl {
            let deliveries = ended.len();
            tracing::error!(%error, deliveries, "attempts could not be written down; their mails may be sent again");
            return;
        }
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(1));
    }
}

async fn record_once(shared: &Shared, lease: Lease, ended: &[Ended]) -> Result<(), Error> {
    let now = shared.clock.now();
    shared
        .database
        .write(|tx| async move {
            store::enter(&tx).await?;
            let gone = store::list(&tx, ended.iter().map(|one| one.due.recipient_id)).await?;
            for Ended { due, bounced, verdict } in ended {
                let (mut verdict, mut bounced) = (verdict.clone(), bounced.as_ref());
                if gone.get(&due.recipient_id).is_some_and(|is_erased| *is_erased) {
                    // What mail servers say names addresses.
                    verdict.detail.clear();
                    bounced = None;
                }
                if let Some(email) = bounced {
                    super::suppressions::bounced(shared, &tx, (due.recipient_id, email), &verdict.detail).await?;
                }
                let is_ours = claims::settle(&tx, lease.holder, &verdict, now).await?;
                if !is_ours {
                    tracing::warn!(delivery_id = %due.delivery_id, "the claim was lost before its attempt was written down");
                } else if verdict.next == Next::Park {
                    publish::append(&tx, &parked(shared, due)).await?;
                }
            }
            Ok(())
        })
        .await
}

fn parked(shared: &Shared, due: &Due) -> Event {
    let now = shared.clock.now();
    Event {
        event_id: EventId::new(now, &*shared.entropy),
        actor: None,
        organization_id: due.organization_id,
        target: Some(due.recipient_id),
        request_id: None,
        occurred: now,
        what: What::DeliveryParked(due.delivery_id, rolecall_mail::detail(&due.template)),
    }
}
