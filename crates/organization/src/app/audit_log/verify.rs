//! Reads the log entry by entry and says where it is not what was chained and signed.

mod chain;

use std::time::Duration;

use rolecall_authz::Scope;
use rolecall_db::Error;
use rolecall_kernel::audit::{GENESIS, Hash};
use uuid::Uuid;

use self::chain::Walker;
use super::walk;
use crate::app::App;
use crate::domain::audit::{Finding, FindingKind, SignedCheckpoint};
use crate::store::audit_sources;

/// About how many entries one call reads.
const BUDGET: usize = 20_000;
/// The most findings that are told.
const MAX_FINDINGS: usize = 100;
/// Events that are missing for less than this may still be on their way.
const PATIENCE: Duration = Duration::from_mins(1);

/// What to verify.
#[derive(Debug, Clone)]
pub(crate) struct Command {
    pub(crate) scope: Scope,
    /// Checkpoints that were kept outside, of chains of the scope.
    pub(crate) known: Vec<SignedCheckpoint>,
    pub(crate) after: Option<Position>,
}

/// How far the log was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) chain: Uuid,
    pub(crate) sequence: i64,
    pub(crate) hash: Hash,
    /// Whether a finding concerned the chain so far.
    pub(crate) is_broken: bool,
}

impl Position {
    const fn start(chain: Uuid) -> Self {
        Self { chain, sequence: 0, hash: GENESIS, is_broken: false }
    }
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) verified: usize,
    pub(crate) erased: usize,
    pub(crate) checked: usize,
    pub(crate) findings: Vec<Finding>,
    /// Fresh ones of the chains that were read to their ends without a finding.
    pub(crate) checkpoints: Vec<SignedCheckpoint>,
    /// Where to go on; none when all was read.
    pub(crate) next: Option<Position>,
}

impl Report {
    fn add(&mut self, finding: Finding) {
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(finding);
        }
    }
}

/// Verifies a part of the log.
pub(crate) async fn run(app: &App, command: &Command) -> Result<Report, Error> {
    let mut report = Report::default();
    if command.after.is_none() && command.scope == Scope::All {
        missing_events(app, &mut report).await?;
    }
    let mut position = match command.after {
        Some(position) => Some(position),
        None => next_chain(app, command, None).await?,
    };
    while let Some(start) = position {
        if report.verified >= BUDGET {
            report.next = position;
            break;
        }
        let budget = BUDGET - report.verified;
        position = match Walker::new(app, &command.known, start, &mut report).walk(budget).await? {
            Some(unfinished) => Some(unfinished),
            None => next_chain(app, command, Some(start.chain)).await?,
        };
    }
    Ok(report)
}

/// The next chain of which anything is left, or of which a checkpoint is known.
async fn next_chain(app: &App, command: &Command, after: Option<Uuid>) -> Result<Option<Position>, Error> {
    let stored = walk::next(&app.database.reader(), &command.scope, after).await?;
    let known = command.known.iter().map(|signed| signed.checkpoint.chain);
    let known = known.filter(|chain| after.is_none_or(|after| *chain > after)).min();
    Ok(stored.into_iter().chain(known).min().map(Position::start))
}

/// Events that their contexts numbered and that never came.
async fn missing_events(app: &App, report: &mut Report) -> Result<(), Error> {
    let before = app.now().minus(PATIENCE);
    for gap in audit_sources::list_gaps(&app.database.reader(), before, MAX_FINDINGS as u64).await? {
        let words = format!("event {} of {} has not arrived", gap.number, gap.source);
        report.add(Finding {
            kind: FindingKind::EventsNotArrived,
            chain: Uuid::nil(),
            sequence: 0,
            event_id: None,
            words,
        });
    }
    Ok(())
}
