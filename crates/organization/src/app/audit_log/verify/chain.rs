//! One chain, from one of its entries on.

use rolecall_db::Error;
use rolecall_kernel::audit::{GENESIS, commit};

use super::{Position, Report};
use crate::app::App;
use crate::app::audit_log::{checkpoints, details};
use crate::domain::audit::{Finding, FindingKind, Head, Link, Recorded, Secrecy, SignedCheckpoint};
use crate::store::{audit, audit_chains};

/// The most entries, and checkpoints, of one statement.
const PAGE: u64 = 1_000;

pub(super) struct Walker<'a> {
    app: &'a App,
    known: &'a [SignedCheckpoint],
    at: Position,
    report: &'a mut Report,
}

impl<'a> Walker<'a> {
    pub(super) fn new(app: &'a App, known: &'a [SignedCheckpoint], at: Position, report: &'a mut Report) -> Self {
        Self { app, known, at, report }
    }

    /// Reads on for about as many entries; answers where it stopped, none at the end of the chain.
    pub(super) async fn walk(mut self, budget: usize) -> Result<Option<Position>, Error> {
        let reader = self.app.database.reader();
        // Read first: what is chained while we walk lies behind it.
        let head = audit_chains::find(&reader, self.at.chain).await?;
        let end = self.report.verified.saturating_add(budget);
        loop {
            let begun = self.at;
            let stored = audit::list_chain(&reader, begun.chain, begun.sequence, PAGE).await?;
            let is_last = (stored.len() as u64) < PAGE;
            let entries = details::open(self.app, &reader, stored).await?;
            let until = if is_last { i64::MAX } else { last(&entries).unwrap_or(begun.sequence) };
            let signed = self.checkpoints(begun.sequence, until).await?;
            for entry in &entries {
                self.entry(entry, &signed, head);
            }
            if is_last {
                self.end(&signed, head).await?;
                return Ok(None);
            }
            if self.report.verified >= end {
                return Ok(Some(self.at));
            }
        }
    }

    /// The checkpoints of a part of the chain, stored and known ones.
    async fn checkpoints(&mut self, after: i64, until: i64) -> Result<Vec<SignedCheckpoint>, Error> {
        let (reader, chain) = (self.app.database.reader(), self.at.chain);
        let (mut signed, mut from) = (Vec::new(), after);
        loop {
            let page = audit_chains::list_checkpoints(&reader, chain, from, until, PAGE).await?;
            let is_last = (page.len() as u64) < PAGE;
            from = page.last().map_or(from, |last| last.checkpoint.sequence);
            signed.extend(page);
            if is_last {
                break;
            }
        }
        let is_here = |known: &&SignedCheckpoint| {
            let checkpoint = &known.checkpoint;
            checkpoint.chain == chain && checkpoint.sequence > after && checkpoint.sequence <= until
        };
        signed.extend(self.known.iter().filter(is_here).cloned());
        signed.sort_by_key(|signed| signed.checkpoint.sequence);
        self.report.checked += signed.len();
        let key = self.app.audit.signer.public_key();
        for forged in signed.iter().filter(|signed| !signed.is_genuine(&key)) {
            self.find(FindingKind::CheckpointForged, forged.checkpoint.sequence, None, "the signature is not ours");
        }
        Ok(signed)
    }

    fn entry(&mut self, entry: &Recorded, signed: &[SignedCheckpoint], head: Option<Head>) {
        // What is found by its chain has a number.
        let Some(link) = entry.link else { return };
        if link.sequence != self.at.sequence + 1 {
            let words = format!("entries {} to {} are missing", self.at.sequence + 1, link.sequence - 1);
            self.find(FindingKind::EntriesMissing, link.sequence, Some(entry), &words);
        } else if computed(entry, link, &self.at) != link.hash {
            let words = "its hash is not that of what it tells and of the entry before it";
            self.find(FindingKind::EntryChanged, link.sequence, Some(entry), words);
        }
        self.details(entry, link);
        let here = signed.iter().filter(|signed| signed.checkpoint.sequence == link.sequence);
        for contradicted in here.filter(|signed| signed.checkpoint.hash != link.hash) {
            let at = contradicted.checkpoint.sequence;
            self.find(
                FindingKind::CheckpointContradicted,
                at,
                Some(entry),
                "a checkpoint was signed over another hash",
            );
        }
        if head.is_some_and(|head| head.sequence == link.sequence && head.hash != link.hash) {
            self.find(FindingKind::EndChanged, link.sequence, Some(entry), "the stored end has another hash");
        }
        self.at = Position { sequence: link.sequence, hash: link.hash, ..self.at };
        self.report.verified += 1;
    }

    fn details(&mut self, entry: &Recorded, link: Link) {
        let salt: &[u8] = match &entry.secrecy {
            Secrecy::Plain => &[],
            Secrecy::Sealed { salt, .. } => salt,
            Secrecy::Erased { .. } => {
                self.report.erased += 1;
                return;
            }
            Secrecy::Broken { .. } => {
                let words = "its sealed details, or their key, were changed";
                return self.find(FindingKind::DetailsChanged, link.sequence, Some(entry), words);
            }
        };
        if commit(&entry.event.details, salt) != link.commitment {
            let words = "its details are not those that were committed to";
            self.find(FindingKind::DetailsChanged, link.sequence, Some(entry), words);
        }
    }

    /// Nothing may be known of what would come after the last entry.
    async fn end(&mut self, signed: &[SignedCheckpoint], head: Option<Head>) -> Result<(), Error> {
        let (last, chain) = (self.at.sequence, self.at.chain);
        let head = head.map_or(0, |head| head.sequence);
        let now = audit_chains::find(&self.app.database.reader(), chain).await?.map_or(0, |now| now.sequence);
        // What was chained and signed while we walked is not missing; who kept a checkpoint did so before.
        let stored = signed.iter().map(|signed| signed.checkpoint.sequence).filter(|at| !(head + 1..=now).contains(at));
        let known = self.known.iter().map(|known| &known.checkpoint).filter(|known| known.chain == chain);
        let beyond = stored.chain(known.map(|known| known.sequence)).chain([head]);
        if let Some(furthest) = beyond.max().filter(|furthest| *furthest > last) {
            let words = format!("entries {} to {furthest} are missing", last + 1);
            self.find(FindingKind::EndMissing, last, None, &words);
        }
        if now < last {
            self.find(FindingKind::EndChanged, last, None, "the stored end lies before it");
        }
        if !self.at.is_broken && last > 0 && self.report.findings.iter().all(|finding| finding.chain != chain) {
            let head = Head { sequence: last, hash: self.at.hash };
            self.report.checkpoints.push(checkpoints::sign(self.app, chain, head, self.app.now()));
        }
        Ok(())
    }

    fn find(&mut self, kind: FindingKind, sequence: i64, entry: Option<&Recorded>, words: &str) {
        self.at.is_broken = true;
        let event_id = entry.map(|entry| entry.event.event_id);
        self.report.add(Finding { kind, chain: self.at.chain, sequence, event_id, words: words.to_owned() });
    }
}

fn last(entries: &[Recorded]) -> Option<i64> {
    entries.last().and_then(|entry| entry.link).map(|link| link.sequence)
}

fn computed(entry: &Recorded, link: Link, at: &Position) -> rolecall_kernel::audit::Hash {
    let previous = if link.sequence == 1 { GENESIS } else { at.hash };
    entry.event.entry(link.sequence, entry.secrecy.subject(), link.commitment).hash(&previous)
}
